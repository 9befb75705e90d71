/* SPDX-License-Identifier: MIT
 *
 * tiles.c -- convolutions of tiles.h as instructions of a step, shared among threads.
 */
#include <string.h>

#include "backends/cpu/cpu.h"
#include "backends/cpu/tiles.h"
#include "base/machine.h"
#include "ops/conv.h"

typedef struct tiles_ctx {
	gm_tiles s;
	const gm_tile_loops *loops;
	const char *name; /* of the kind of convolution, in the names of instructions */
	bool bf16;
	bool back; /* weights for dx */
	int64_t panels, tasks, each;
	int threads;
	gm_val x, w, y; /* w: in panels, or dw */
	gm_buf *scratch;
	size_t stride; /* bytes between threads' scratch */
} tiles_ctx;

int64_t gm_tile_weight_floats(const gm_tiles *s, bool back)
{
	return s->planes * s->phases *
	       (back ? tiles_up(s->C, TILES_PANEL) * s->O : tiles_up(s->O, TILES_PANEL) * s->C);
}

static float *f32(const gm_val *v)
{
	return gm_val_ptr(v);
}

/* ---- weights ---- */

static void run_weights(const gm_inst *in, gm_step *st)
{
	const tiles_ctx *c = in->ctx;
	const gm_tile_loops *loops = c->loops;
	(void)st;
#pragma omp parallel for schedule(static) num_threads(c->threads)
	for (int64_t k = 0; k < c->panels; k++)
		loops->weights(&c->s, c->back, f32(&c->x), f32(&c->w), k);
}

static const char *kind_of(gm_plan *p, const tiles_ctx *c, const char *pass)
{
	return gm_arena_printf(gm_plan_arena(p), "%s %s%s", pass, c->name, c->bf16 ? " bf16" : "");
}

/* w in panels, made once a step for all that want the same. */
static gm_val in_panels(gm_plan *p, const tiles_ctx *conv, gm_node *w, bool back)
{
	struct {
		const char *what;
		const void *ptr, *buf;
		int64_t offset;
		int back;
	} key;
	tiles_ctx *c = gm_arena_copy(gm_plan_arena(p), conv, sizeof *c);
	c->x = gm_plan_value_as(p, w, NULL);
	memset(&key, 0, sizeof key);
	key.what = conv->name;
	key.ptr = c->x.buf->ptr;
	key.buf = c->x.buf->ptr ? NULL : c->x.buf;
	key.offset = c->x.offset;
	key.back = back;
	gm_val *old = gm_plan_recall(p, &key, sizeof key);
	if (old)
		return *old;
	c->back = back;
	c->panels = tiles_up(back ? c->s.C : c->s.O, TILES_PANEL) / TILES_PANEL;
	c->w = (gm_val){.buf = gm_plan_buffer(p, (size_t)gm_tile_weight_floats(&c->s, back) * 4),
	                .dtype = GM_F32};
	gm_plan_emit(p, (gm_inst){.kind = kind_of(p, c, "weights"), .run = run_weights, .ctx = c},
	             (gm_buf *[]){c->x.buf, c->w.buf}, 2);
	gm_plan_remember(p, &key, sizeof key, gm_arena_copy(gm_plan_arena(p), &c->w, sizeof c->w));
	return c->w;
}

/* ---- passes ---- */

static float *scratch_of(const tiles_ctx *c)
{
	return (float *)((char *)c->scratch->ptr + (size_t)gm_thread_index() * c->stride);
}

static void want_scratch(gm_plan *p, tiles_ctx *c, int64_t floats)
{
	c->scratch =
		gm_plan_thread_scratch(p, (size_t)floats * sizeof(float), c->threads, &c->stride);
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Thread t's part of so many rows: the same images in every pass and phase, so that what it has
 * written is in its cache. */
static int64_t part(const tiles_ctx *c, int64_t rows, int64_t t)
{
	return rows * t / c->threads;
}

static void run_forward(const gm_inst *in, gm_step *st)
{
	const tiles_ctx *c = in->ctx;
	const gm_tile_loops *loops = c->loops;
	(void)st;
#pragma omp parallel for schedule(static) num_threads(c->threads)
	for (int64_t t = 0; t < c->threads; t++) {
		int64_t end = part(c, c->s.rows, t + 1);
		for (int64_t k = part(c, c->s.rows, t); k < end; k += c->s.at_a_time)
			loops->forward(&c->s, f32(&c->x), f32(&c->w), f32(&c->y), k,
			               least(k + c->s.at_a_time, end), scratch_of(c));
	}
}

static void run_back(const gm_inst *in, gm_step *st)
{
	const tiles_ctx *c = in->ctx;
	const gm_tile_loops *loops = c->loops;
	(void)st;
#pragma omp parallel for schedule(static) num_threads(c->threads)
	for (int64_t t = 0; t < c->threads; t++)
		for (int f = 0; f < c->s.phases; f++) {
			int64_t end = part(c, c->s.part[f], t + 1);
			for (int64_t k = part(c, c->s.part[f], t); k < end; k += c->s.at_a_time)
				loops->back(&c->s, f32(&c->y), f32(&c->w), f32(&c->x), f, k,
				            least(k + c->s.at_a_time, end), scratch_of(c));
		}
}

static void run_gradient(const gm_inst *in, gm_step *st)
{
	const tiles_ctx *c = in->ctx;
	const gm_tile_loops *loops = c->loops;
	(void)st;
#pragma omp parallel for schedule(static) num_threads(c->threads)
	for (int64_t t = 0; t < c->tasks; t++)
		loops->gradient(&c->s, f32(&c->x), f32(&c->y), f32(&c->w), t * c->each,
		                least((t + 1) * c->each, c->s.C), 0, c->s.O, scratch_of(c));
}

/* Blocks of about this many bytes of one of the nine matrices stay in the second-level cache while
 * they are multiplied. */
enum { BLOCK_BYTES = 384 << 10, MOST_PLANE_ROWS = 9 * 384, GRADIENT_ROWS = 128, ROWS_UNIT = 12 };
/* Of bf16 all nine. */
enum { MOST_ROWS_BF16 = 48, GRADIENT_ROWS_BF16 = 64, EACH_BF16 = 32 };

static void cut(tiles_ctx *c, int64_t K, int64_t rows)
{
	int64_t r = BLOCK_BYTES / (K * 4), share;
	r = least(r, c->bf16 ? MOST_ROWS_BF16 : MOST_PLANE_ROWS / c->s.planes);
	share = (rows + c->threads - 1) / c->threads;
	r = r < share ? r : share;
	c->s.at_a_time = tiles_up(r > 0 ? r : 1, ROWS_UNIT);
	/* blocks of nearly the same size */
	int64_t blocks = (share + c->s.at_a_time - 1) / c->s.at_a_time;
	c->s.at_a_time = tiles_up((share + blocks - 1) / blocks, ROWS_UNIT);
}

static void plan_forward(gm_plan *p, gm_node *y, tiles_ctx *c)
{
	int64_t K = c->s.phases * c->s.C;
	c->w = in_panels(p, c, y->in[1], false);
	c->x = gm_plan_value_as(p, y->in[0], gm_nhwc);
	c->y = gm_plan_place(p, y, gm_nhwc);
	cut(c, K, c->s.rows);
	want_scratch(p, c,
	             tiles_pitch(c->s.C) +
	                     c->s.planes * c->s.at_a_time * (tiles_pitch(K) + tiles_pitch(c->s.O)));
	gm_inst in = {.kind = kind_of(p, c, "conv"),
	              .rounding = c->bf16 ? 2 * GM_BF16_ROUNDING : 0,
	              .run = run_forward,
	              .ctx = c,
	              .node = &y,
	              .nnode = 1};
	gm_plan_emit(p, in, (gm_buf *[]){c->x.buf, c->w.buf, c->y.buf}, 3);
}

static void plan_back(gm_plan *p, gm_node *y, tiles_ctx *c)
{
	c->w = in_panels(p, c, y->in[1], true);
	c->y = gm_plan_value_as(p, y->in[0], gm_nhwc);
	c->x = gm_plan_place(p, y, gm_nhwc);
	int64_t most = 0;
	for (int f = 0; f < c->s.phases; f++) {
		int64_t h = c->s.phases == 1 ? c->s.H : phases_count(c->s.H, c->s.pad[0], f / 2);
		int64_t w = c->s.phases == 1 ? c->s.W : phases_count(c->s.W, c->s.pad[1], f % 2);
		c->s.part[f] = c->s.n * tiles_along(h, c->s.side) * tiles_along(w, c->s.side);
		most = c->s.part[f] > most ? c->s.part[f] : most;
	}
	cut(c, c->s.O, most);
	want_scratch(p, c,
	             tiles_pitch(c->s.O) + c->s.planes * c->s.at_a_time *
	                                           (tiles_pitch(c->s.O) + tiles_pitch(c->s.C)));
	gm_inst in = {.kind = kind_of(p, c, "conv_dx"),
	              .rounding = c->bf16 ? 2 * GM_BF16_ROUNDING : 0,
	              .run = run_back,
	              .ctx = c,
	              .node = &y,
	              .nnode = 1};
	gm_plan_emit(p, in, (gm_buf *[]){c->x.buf, c->w.buf, c->y.buf}, 3);
}

static void plan_gradient(gm_plan *p, gm_node *y, tiles_ctx *c)
{
	c->x = gm_plan_value_as(p, y->in[0], gm_nhwc);
	c->y = gm_plan_value_as(p, y->in[1], gm_nhwc);
	c->w = gm_plan_place(p, y, NULL);
	c->s.at_a_time = least(c->bf16 ? GRADIENT_ROWS_BF16 : GRADIENT_ROWS, c->s.rows);
	c->each = tiles_up((c->s.C + c->threads - 1) / c->threads, TILES_UNIT);
	if (c->bf16)
		c->each = least(c->each, EACH_BF16);
	c->tasks = (c->s.C + c->each - 1) / c->each;
	int64_t wide = c->s.C > c->s.O ? c->s.C : c->s.O;
	want_scratch(p, c,
	             tiles_pitch(wide) +
	                     c->s.planes * c->s.at_a_time *
	                             (tiles_pitch(c->s.phases * c->each) +
	                              tiles_up(c->s.O, TILES_PANEL)) +
	                     c->s.planes * c->s.phases * c->each * tiles_pitch(c->s.O));
	gm_inst in = {.kind = kind_of(p, c, "conv_dw"),
	              .rounding = c->bf16 ? 2 * GM_BF16_ROUNDING : 0,
	              .run = run_gradient,
	              .ctx = c,
	              .node = &y,
	              .nnode = 1};
	gm_plan_emit(p, in, (gm_buf *[]){c->x.buf, c->y.buf, c->w.buf}, 3);
}

/* The unit's convolution when it has so many taps, this stride, one group, no dilation, and
 * channels of whole vectors. */
static tiles_ctx *convolution(gm_plan *p, const gm_unit *u, int taps, int stride)
{
	const gm_node *y = u->node[0];
	if (u->tape || y->dtype != GM_F32 ||
	    (y->opid != GM_OPID_conv && y->opid != GM_OPID_conv_dx && y->opid != GM_OPID_conv_dw))
		return NULL;
	const gm_conv_attr *a = y->attr;
	gm_conv_shapes s = gm_conv_shapes_of(y);
	for (int i = 0; i < 2; i++)
		if (a->stride[i] != stride || a->dilation[i] != 1 || s.w.dim[2 + i] != taps)
			return NULL;
	if (a->groups > 1 || s.x.dim[1] % TILES_UNIT || s.y.dim[1] % TILES_UNIT)
		return NULL;
	tiles_ctx *c = gm_arena_calloc(gm_plan_arena(p), 1, sizeof *c);
	c->threads = gm_thread_count();
	c->bf16 = gm_plan_bf16(p);
	c->s = (gm_tiles){.n = s.x.dim[0],
	                  .C = s.x.dim[1],
	                  .H = s.x.dim[2],
	                  .W = s.x.dim[3],
	                  .O = s.y.dim[1],
	                  .P = s.y.dim[2],
	                  .Q = s.y.dim[3],
	                  .pad = {a->pad[0], a->pad[1]}};
	return c;
}

static void plan(gm_plan *p, gm_node *y, tiles_ctx *c)
{
	c->s.rows = c->s.n * tiles_along(c->s.P, c->s.side) * tiles_along(c->s.Q, c->s.side);
	(y->opid == GM_OPID_conv      ? plan_forward
	 : y->opid == GM_OPID_conv_dx ? plan_back
	                              : plan_gradient)(p, y, c);
}

bool gm_phases_planner(gm_plan *p, gm_unit *u)
{
	tiles_ctx *c = convolution(p, u, 4, 2);
	if (!c)
		return false;
	c->name = "in phases";
	c->loops = c->bf16 ? gm_phases_bf16() : gm_simd_best()->phases;
	c->s.planes = 9, c->s.phases = 4, c->s.side = 2;
	plan(p, u->node[0], c);
	return true;
}

/* Tiles over the edge are computed whole: worth it while the products that remain are at most this
 * share of the plain way's. */
static const double most_products = .7;
/* With fewer tiles the 36 numbers of each weight, made in each step, cost more than they save. */
enum { LEAST_TILES = 32 };

bool gm_winograd_planner(gm_plan *p, gm_unit *u)
{
	tiles_ctx *c = convolution(p, u, 3, 1);
	if (!c || c->bf16)
		return false;
	c->name = "winograd";
	c->loops = gm_simd_best()->winograd;
	c->s.planes = 36, c->s.phases = 1, c->s.side = 4;
	bool back = u->node[0]->opid == GM_OPID_conv_dx;
	int64_t h = back ? c->s.H : c->s.P, w = back ? c->s.W : c->s.Q;
	if (c->s.n * tiles_along(h, 4) * tiles_along(w, 4) < LEAST_TILES)
		return false;
	if ((double)(tiles_along(h, 4) * tiles_along(w, 4) * 36) >
	    most_products * (double)(h * w * 9))
		return false;
	plan(p, u->node[0], c);
	return true;
}
