/* SPDX-License-Identifier: MIT
 *
 * patches.c -- convolutions as one dense product over patches, where that measures faster than
 * oneDNN's own kernels:
 *
 * - conv_dx into one to four channels (a generator's last layer): oneDNN pads those to a whole
 *   vector register and reaches a fifth of its usual rate.
 * - conv and conv_dw onto maps of at most 4x4 pixels: too few columns for its kernels' register
 *   blocks. The patches of the forward pass are used for the weight gradient too.
 *
 * A patch is a window of x stored channels last, [kh, kw, C]; weights are stored as [O, kh, kw,
 * C].
 */
#include <string.h>

#include "backends/cpu/dnnl/inst.h"
#include "backends/cpu/cpu.h"
#include "ops/conv.h"

typedef struct patch_ctx {
	gm_patches size;
	int64_t n; /* pictures */
	gm_val patches, x;
} patch_ctx;

static int64_t patch_floats(const gm_patches *z)
{
	return (int64_t)z->kernel[0] * z->kernel[1] * z->channels;
}

static gm_patches sizes(const gm_node *y)
{
	const gm_conv_attr *a = y->attr;
	gm_conv_shapes s = gm_conv_shapes_of(y);
	return (gm_patches){.channels = (int)s.x.dim[1],
	                    .height = (int)s.x.dim[2],
	                    .width = (int)s.x.dim[3],
	                    .rows = (int)s.y.dim[2],
	                    .columns = (int)s.y.dim[3],
	                    .kernel = {(int)s.w.dim[2], (int)s.w.dim[3]},
	                    .stride = {a->stride[0], a->stride[1]},
	                    .pad = {a->pad[0], a->pad[1]}};
}

static dnn_tensor matrix(int64_t rows, int64_t columns, bool transposed)
{
	return (dnn_tensor){.rank = 2,
	                    .dim = {rows, columns},
	                    .stride = {transposed ? 1 : columns, transposed ? rows : 1}};
}

/* ---- patches into pictures ---- */

static void run_add(const gm_inst *in, gm_step *s)
{
	const patch_ctx *c = in->ctx;
	const gm_simd *simd = gm_simd_best();
	int64_t from = (int64_t)c->size.rows * c->size.columns * patch_floats(&c->size);
	int64_t to = (int64_t)c->size.height * c->size.width * c->size.channels;
	const float *patches = gm_val_ptr(&c->patches);
	float *x = gm_val_ptr(&c->x);
	(void)s;
#pragma omp parallel for schedule(static)
	for (int64_t n = 0; n < c->n; n++)
		simd->add_patches(&c->size, patches + n * from, x + n * to);
}

/* x = sum of the patches g [N P Q, O] w [O, kh kw C]. */
static bool plan_dx(gm_plan *p, gm_node *y, const gm_conv_shapes *s)
{
	int64_t rows = s->y.dim[0] * s->y.dim[2] * s->y.dim[3], O = s->w.dim[0];
	patch_ctx *c = gm_arena_calloc(gm_plan_arena(p), 1, sizeof *c);
	c->size = sizes(y);
	c->n = s->x.dim[0];
	int64_t k = patch_floats(&c->size);
	gm_val v[3] = {
		gm_plan_value_as(p, y->in[0], gm_nhwc),
		gm_plan_value_as(p, y->in[1], gm_nhwc),
		{.buf = gm_plan_buffer(p, (size_t)(rows * k) * sizeof(float)), .dtype = GM_F32}};
	dnn_tensor t[3] = {matrix(rows, O, false), matrix(O, k, false), matrix(rows, k, false)};
	gm_inst *product = gm_dnn_product(p, NULL, t, v, "conv_dx: patches");
	if (!product)
		return false;
	product->flops = y->op->flops(y);
	c->patches = v[2];
	c->x = gm_plan_place(p, y, gm_nhwc);
	gm_inst in = {
		.kind = "conv_dx: add patches", .run = run_add, .ctx = c, .node = &y, .nnode = 1};
	gm_plan_emit(p, in, (gm_buf *[]){c->patches.buf, c->x.buf}, 2)->flops = 0;
	return true;
}

/* ---- pictures into patches ---- */

static void take_patches(const gm_patches *z, const float *x, float *patch)
{
	const int64_t C = z->channels, run = z->kernel[1] * C;
	for (int p = 0; p < z->rows; p++)
		for (int q = 0; q < z->columns; q++) {
			int w0 = q * z->stride[1] - z->pad[1];
			int64_t skip = w0 < 0 ? -w0 * C : 0;
			int64_t end = w0 + z->kernel[1] > z->width ? (z->width - w0) * C : run;
			for (int i = 0; i < z->kernel[0]; i++, patch += run) {
				int h = p * z->stride[0] - z->pad[0] + i;
				if (h < 0 || h >= z->height || end <= skip) {
					memset(patch, 0, run * sizeof *patch);
					continue;
				}
				memset(patch, 0, skip * sizeof *patch);
				memcpy(patch + skip, x + ((int64_t)h * z->width + w0) * C + skip,
				       (end - skip) * sizeof *patch);
				memset(patch + end, 0, (run - end) * sizeof *patch);
			}
		}
}

static void run_take(const gm_inst *in, gm_step *s)
{
	const patch_ctx *c = in->ctx;
	int64_t to = (int64_t)c->size.rows * c->size.columns * patch_floats(&c->size);
	int64_t from = (int64_t)c->size.height * c->size.width * c->size.channels;
	float *patches = gm_val_ptr(&c->patches);
	const float *x = gm_val_ptr(&c->x);
	(void)s;
#pragma omp parallel for schedule(static)
	for (int64_t n = 0; n < c->n; n++)
		take_patches(&c->size, x + n * from, patches + n * to);
}

/* The patches of x for y's windows [N P Q, kh kw C]; taken once a step. */
static gm_val patches_of(gm_plan *p, gm_node *y, gm_node *x)
{
	patch_ctx *c = gm_arena_calloc(gm_plan_arena(p), 1, sizeof *c);
	c->size = sizes(y);
	c->n = x->shape.dim[0];
	c->x = gm_plan_value_as(p, x, gm_nhwc);
	struct {
		gm_patches size;
		const void *ptr, *buf;
		int64_t offset;
	} key;
	memset(&key, 0, sizeof key);
	key.size = c->size;
	key.ptr = c->x.buf->ptr;
	key.buf = c->x.buf->ptr ? NULL : c->x.buf;
	key.offset = c->x.offset;
	gm_val *old = gm_plan_recall(p, &key, sizeof key);
	if (old)
		return *old;
	size_t bytes = (size_t)(c->n * c->size.rows * c->size.columns * patch_floats(&c->size)) * 4;
	c->patches = (gm_val){.buf = gm_plan_buffer(p, bytes), .dtype = GM_F32};
	gm_inst in = {.kind = "take patches", .run = run_take, .ctx = c};
	gm_plan_emit(p, in, (gm_buf *[]){c->x.buf, c->patches.buf}, 2);
	gm_plan_remember(p, &key, sizeof key,
	                 gm_arena_copy(gm_plan_arena(p), &c->patches, sizeof c->patches));
	return c->patches;
}

/* conv: y [N P Q, O] = patches w'. conv_dw: w [O, kh kw C] = g' patches. */
static bool plan_small(gm_plan *p, gm_node *y, const gm_conv_shapes *s)
{
	int64_t rows = s->y.dim[0] * s->y.dim[2] * s->y.dim[3], O = s->w.dim[0];
	int64_t k = gm_shape_size(s->w) / O;
	bool forward = y->opid == GM_OPID_conv;
	gm_val patches = patches_of(p, y, y->in[0]), other = gm_plan_value_as(p, y->in[1], gm_nhwc);
	gm_val out = gm_plan_place(p, y, gm_nhwc);
	gm_inst *product;
	if (forward) {
		dnn_tensor t[3] = {matrix(rows, k, false), matrix(k, O, true),
		                   matrix(rows, O, false)};
		product =
			gm_dnn_product(p, y, t, (gm_val[]){patches, other, out}, "conv by patches");
	} else {
		dnn_tensor t[3] = {matrix(O, rows, true), matrix(rows, k, false),
		                   matrix(O, k, false)};
		product = gm_dnn_product(p, y, t, (gm_val[]){other, patches, out},
		                         "conv_dw by patches");
	}
	if (!product)
		gm_plan_fail(p, NULL, "oneDNN has no product of %lld x %lld x %lld",
		             (long long)rows, (long long)k, (long long)O);
	return true;
}

bool gm_patches_planner(gm_plan *p, gm_unit *u)
{
	gm_node *y = u->node[0];
	if (u->tape || y->dtype != GM_F32 ||
	    (y->opid != GM_OPID_conv && y->opid != GM_OPID_conv_dx && y->opid != GM_OPID_conv_dw))
		return false;
	const gm_conv_attr *a = y->attr;
	gm_conv_shapes s = gm_conv_shapes_of(y);
	if (a->groups > 1 || a->dilation[0] > 1 || a->dilation[1] > 1 || s.w.dim[0] < 16)
		return false;
	if (y->opid == GM_OPID_conv_dx)
		return s.x.dim[1] <= 4 && plan_dx(p, y, &s);
	return s.y.dim[2] * s.y.dim[3] <= 16 && s.w.dim[0] >= 64 && s.w.dim[1] >= 64 &&
	       s.w.dim[2] * s.w.dim[3] > 1 && plan_small(p, y, &s);
}
