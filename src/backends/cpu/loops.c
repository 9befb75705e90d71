/* SPDX-License-Identifier: MIT
 *
 * loops.c -- kernels that are neither convolutions, products nor tapes: randomness, indices,
 * pooling, resampling, placing pieces in a frame.
 *
 * Each kernel is a struct of its parameters, a run function and an entry in the table at the end.
 */
#include <math.h>
#include <string.h>

#include "backends/cpu/cpu.h"
#include "ops/pool.h"
#include "ops/random.h"
#include "ops/resample.h"
#include "ops/shape.h"

typedef struct loop {
	gm_node *y;
	gm_val x[2], out;
	int64_t a, b, c; /* sizes, as each kernel names them */
} loop;

static float *f32(const gm_val *v)
{
	return gm_val_ptr(v);
}

/* The storage order of x if it is packed channels last; NULL: row-major (a copy if needed).
 */
static const int *order_of(gm_plan *p, gm_node *x)
{
	if (x->shape.rank != 4)
		return NULL;
	gm_val v = gm_plan_value(p, x);
	return !gm_val_packed(v, x->shape, NULL) && gm_val_packed(v, x->shape, gm_nhwc) ? gm_nhwc
	                                                                                : NULL;
}

static loop *new_loop(gm_plan *p, gm_node *y)
{
	loop *l = gm_arena_calloc(gm_plan_arena(p), 1, sizeof *l);
	l->y = y;
	return l;
}

static void emit(gm_plan *p, loop *l, void (*run)(const gm_inst *, gm_step *))
{
	gm_buf *buf[3] = {l->out.buf};
	int n = 1;
	for (int i = 0; i < 2; i++)
		if (l->x[i].buf)
			buf[n++] = l->x[i].buf;
	gm_plan_emit(
		p,
		(gm_inst){.kind = l->y->op->name, .run = run, .ctx = l, .node = &l->y, .nnode = 1},
		buf, n);
}

/* ---- randomness ------------------------------------------------------------------------------ */

static void random_block(const loop *l, const gm_step *s, int64_t block, uint32_t w[4])
{
	gm_random_words(s->seed, s->run, ((const gm_random_attr *)l->y->attr)->stream,
	                (uint64_t)block, w);
}

/* A source of l->a elements is that many of all ranks' elements, from `first` on; blocks of four
 * need not begin there. */
static int64_t first_of(const loop *l, const gm_step *s)
{
	return gm_random_first(l->y, s->rank);
}

static void run_uniform(const gm_inst *in, gm_step *s)
{
	const loop *l = in->ctx;
	int64_t first = first_of(l, s), end = first + l->a;
	float *y = f32(&l->out);
#pragma omp parallel for schedule(static) if (l->a > 16384)
	for (int64_t b = first / 4; b < (end + 3) / 4; b++) {
		uint32_t w[4];
		random_block(l, s, b, w);
		for (int k = 0; k < 4; k++)
			if (4 * b + k >= first && 4 * b + k < end)
				y[4 * b + k - first] = (float)(w[k] >> 8) * 0x1p-24f;
	}
}

static void run_bernoulli(const gm_inst *in, gm_step *s)
{
	const loop *l = in->ctx;
	int64_t first = first_of(l, s), end = first + l->a;
	float *y = f32(&l->out);
	uint32_t bound = gm_bernoulli_bound(((const gm_random_attr *)l->y->attr)->p);
#pragma omp parallel for schedule(static) if (l->a > 16384)
	for (int64_t b = first / 4; b < (end + 3) / 4; b++) {
		uint32_t w[4];
		random_block(l, s, b, w);
		for (int k = 0; k < 4; k++)
			if (4 * b + k >= first && 4 * b + k < end)
				y[4 * b + k - first] = w[k] >> 8 < bound;
	}
}

static void run_normal(const gm_inst *in, gm_step *s)
{
	enum { BATCH = 64 }; /* blocks whose logarithms and cosines are taken together */
	const loop *l = in->ctx;
	const gm_simd *simd = gm_simd_best();
	float *y = f32(&l->out);
	int64_t first = first_of(l, s), end = first + l->a, blocks = (end + 3) / 4;
#pragma omp parallel for schedule(static) if (l->a > 8192)
	for (int64_t at = first / 4; at < blocks; at += BATCH) {
		float u1[2 * BATCH], u2[2 * BATCH], p[2 * BATCH], q[2 * BATCH];
		int n = (int)(blocks - at < BATCH ? blocks - at : BATCH);
		for (int b = 0; b < n; b++) {
			uint32_t w[4];
			random_block(l, s, at + b, w);
			for (int h = 0; h < 2; h++) {
				u1[2 * b + h] = (float)(1 + (w[2 * h] >> 8)) * 0x1p-24f;
				u2[2 * b + h] = (float)(w[2 * h + 1] >> 8) * 0x1p-24f;
			}
		}
		simd->box_muller(u1, u2, p, q, 2 * n);
		int from = 4 * at < first ? (int)(first - 4 * at) : 0;
		for (int k = from; k < 4 * n && 4 * at + k < end; k++)
			y[4 * at + k - first] = k & 1 ? q[k / 2] : p[k / 2];
	}
}

static void plan_random(gm_plan *p, gm_node *y)
{
	loop *l = new_loop(p, y);
	l->out = gm_plan_place(p, y, NULL);
	l->a = gm_node_size(y);
	emit(p, l,
	     y->opid == GM_OPID_uniform  ? run_uniform
	     : y->opid == GM_OPID_normal ? run_normal
	                                 : run_bernoulli);
}

/* ---- indices --------------------------------------------------------------------------------- */

static int64_t clamped(int32_t i, int64_t rows)
{
	return i < 0 ? 0 : i >= rows ? rows - 1 : i;
}

static void run_gather(const gm_inst *in, gm_step *s)
{
	const loop *l = in->ctx; /* a indices, b rows of c */
	const int32_t *index = gm_val_ptr(&l->x[1]);
	(void)s;
	for (int64_t i = 0; i < l->a; i++)
		memcpy(f32(&l->out) + i * l->c, f32(&l->x[0]) + clamped(index[i], l->b) * l->c,
		       l->c * sizeof(float));
}

static void run_scatter_add(const gm_inst *in, gm_step *s)
{
	const loop *l = in->ctx;
	const int32_t *index = gm_val_ptr(&l->x[1]);
	(void)s;
	memset(f32(&l->out), 0, l->b * l->c * sizeof(float));
	for (int64_t i = 0; i < l->a; i++) {
		float *to = f32(&l->out) + clamped(index[i], l->b) * l->c;
		const float *from = f32(&l->x[0]) + i * l->c;
		for (int64_t k = 0; k < l->c; k++)
			to[k] += from[k];
	}
}

static void plan_index(gm_plan *p, gm_node *y)
{
	loop *l = new_loop(p, y);
	bool gather = y->opid == GM_OPID_gather;
	const gm_node *table = gather ? y->in[0] : y;
	for (int i = 0; i < 2; i++)
		l->x[i] = gm_plan_value_as(p, y->in[i], NULL);
	l->out = gm_plan_place(p, y, NULL);
	l->a = gm_node_size(y->in[1]);
	l->b = table->shape.dim[0];
	l->c = gm_node_size(table) / l->b;
	emit(p, l, gather ? run_gather : run_scatter_add);
}

static void run_argmax(const gm_inst *in, gm_step *s)
{
	const loop *l = in->ctx; /* a rows outside, b along the axis, c inside */
	int32_t *y = gm_val_ptr(&l->out);
	(void)s;
	for (int64_t o = 0; o < l->a; o++)
		for (int64_t i = 0; i < l->c; i++) {
			const float *x = f32(&l->x[0]) + o * l->b * l->c + i;
			int64_t best = 0;
			for (int64_t k = 1; k < l->b; k++)
				if (x[k * l->c] > x[best * l->c])
					best = k;
			y[o * l->c + i] = (int32_t)best;
		}
}

static void plan_argmax(gm_plan *p, gm_node *y)
{
	const gm_node *x = y->in[0];
	const gm_reduce_attr *t = y->attr;
	loop *l = new_loop(p, y);
	int axis = 0;
	while (!(t->axes >> axis & 1))
		axis++;
	l->x[0] = gm_plan_value_as(p, y->in[0], NULL);
	l->out = gm_plan_place(p, y, NULL);
	l->a = l->c = 1;
	for (int i = 0; i < axis; i++)
		l->a *= x->shape.dim[i];
	l->b = x->shape.dim[axis];
	for (int i = axis + 1; i < x->shape.rank; i++)
		l->c *= x->shape.dim[i];
	emit(p, l, run_argmax);
}

/* ---- pooling --------------------------------------------------------------------------------- */

typedef struct pool_walk {
	int64_t n, c, h, w, p, q;
	const gm_pool_attr *a;
} pool_walk;

static pool_walk pool_sizes(const loop *l)
{
	const gm_node *y = l->y;
	pool_walk k = {.a = y->attr};
	k.n = y->shape.dim[0];
	k.c = y->shape.dim[1];
	k.h = k.a->size[0];
	k.w = k.a->size[1];
	k.p = gm_pool_windows(k.a, 0);
	k.q = gm_pool_windows(k.a, 1);
	return k;
}

/* The divisor of an average's window. */
static float share(const gm_pool_attr *a, int64_t window)
{
	return 1.f / (float)(a->count_pad ? (int64_t)a->kernel[0] * a->kernel[1] : window);
}

static int64_t place(const gm_val *v, int64_t n, int64_t h, int64_t w)
{
	return n * v->stride[0] + h * v->stride[2] + w * v->stride[3];
}

/* Runs its block for every window [h0,h1) x [w0,w1) of every picture; channels are the block's own
 * inner loop. WINDOWS shares out pictures, for blocks whose windows write over each other; APART
 * shares out rows of windows too. */
#define WINDOWS_(how, ...)                                                                         \
	_Pragma(how) for (int64_t n = 0; n < k.n; n++) for (int64_t p = 0; p < k.p;                \
	                                                    p++) for (int64_t q = 0; q < k.q; q++) \
	{                                                                                          \
		int64_t h0, h1, w0, w1;                                                            \
		gm_pool_window(k.a, 0, p, &h0, &h1);                                               \
		gm_pool_window(k.a, 1, q, &w0, &w1);                                               \
		__VA_ARGS__                                                                        \
	}
#define WINDOWS(...) WINDOWS_("omp parallel for schedule(static)", __VA_ARGS__)
#define APART(...) WINDOWS_("omp parallel for collapse(2) schedule(static)", __VA_ARGS__)

/* Channels last: rows of channels in one piece, which compilers turn into vectors. */
static void add_row(float *restrict to, const float *restrict from, int64_t n)
{
	for (int64_t c = 0; c < n; c++)
		to[c] += from[c];
}

static void scale_row(float *to, float f, int64_t n)
{
	for (int64_t c = 0; c < n; c++)
		to[c] *= f;
}

static void max_row(float *restrict to, const float *restrict from, int64_t n)
{
	for (int64_t c = 0; c < n; c++)
		to[c] = from[c] > to[c] ? from[c] : to[c];
}

/* to = sum or maximum over the window, by `join`. */
static void pool_rows(float *to, const loop *l, const pool_walk *k, int64_t n,
                      const int64_t window[4],
                      void (*join)(float *restrict, const float *restrict, int64_t))
{
	const float *x = f32(&l->x[0]);
	bool first = true;
	for (int64_t h = window[0]; h < window[1]; h++)
		for (int64_t w = window[2]; w < window[3]; w++, first = false) {
			const float *from = x + place(&l->x[0], n, h, w);
			if (first)
				memcpy(to, from, (size_t)k->c * sizeof *to);
			else
				join(to, from, k->c);
		}
}

static bool channels_last(const loop *l)
{
	return l->x[0].stride[1] == 1 && l->out.stride[1] == 1;
}

static void run_avg_pool(const gm_inst *in, gm_step *s)
{
	const loop *l = in->ctx;
	pool_walk k = pool_sizes(l);
	const float *x = f32(&l->x[0]);
	float *y = f32(&l->out);
	int64_t xc = l->x[0].stride[1], yc = l->out.stride[1];
	const bool rows = channels_last(l);
	(void)s;
	APART({
		float f = share(k.a, (h1 - h0) * (w1 - w0));
		float *to = y + place(&l->out, n, p, q);
		if (rows) {
			pool_rows(to, l, &k, n, (int64_t[]){h0, h1, w0, w1}, add_row);
			scale_row(to, f, k.c);
			continue;
		}
		for (int64_t c = 0; c < k.c; c++)
			to[c * yc] = 0;
		for (int64_t h = h0; h < h1; h++)
			for (int64_t w = w0; w < w1; w++) {
				const float *from = x + place(&l->x[0], n, h, w);
				for (int64_t c = 0; c < k.c; c++)
					to[c * yc] += f * from[c * xc];
			}
	})
}

static void run_avg_pool_dx(const gm_inst *in, gm_step *s)
{
	const loop *l = in->ctx;
	pool_walk k = pool_sizes(l);
	const float *g = f32(&l->x[0]);
	float *y = f32(&l->out);
	int64_t gc = l->x[0].stride[1], yc = l->out.stride[1];
	(void)s;
	memset(y, 0, gm_node_size(l->y) * sizeof *y);
	WINDOWS({
		float f = share(k.a, (h1 - h0) * (w1 - w0));
		const float *from = g + place(&l->x[0], n, p, q);
		for (int64_t h = h0; h < h1; h++)
			for (int64_t w = w0; w < w1; w++) {
				float *to = y + place(&l->out, n, h, w);
				for (int64_t c = 0; c < k.c; c++)
					to[c * yc] += f * from[c * gc];
			}
	})
}

/* Position in memory of the first maximum of channel c in a window. */
static int64_t winner(const gm_val *v, int64_t n, int64_t c, int64_t h0, int64_t h1, int64_t w0,
                      int64_t w1, int64_t *bh, int64_t *bw)
{
	const float *x = (const float *)gm_val_ptr(v) + c * v->stride[1];
	int64_t best = place(v, n, h0, w0);
	*bh = h0, *bw = w0;
	for (int64_t h = h0; h < h1; h++)
		for (int64_t w = w0; w < w1; w++) {
			int64_t at = place(v, n, h, w);
			if (x[at] > x[best])
				best = at, *bh = h, *bw = w;
		}
	return best + c * v->stride[1];
}

static void run_max_pool(const gm_inst *in, gm_step *s)
{
	const loop *l = in->ctx;
	pool_walk k = pool_sizes(l);
	float *y = f32(&l->out);
	const bool rows = channels_last(l);
	(void)s;
	APART({
		if (rows) {
			pool_rows(y + place(&l->out, n, p, q), l, &k, n,
			          (int64_t[]){h0, h1, w0, w1}, max_row);
			continue;
		}
		for (int64_t c = 0; c < k.c; c++) {
			int64_t bh, bw, at = winner(&l->x[0], n, c, h0, h1, w0, w1, &bh, &bw);
			y[place(&l->out, n, p, q) + c * l->out.stride[1]] = f32(&l->x[0])[at];
		}
	})
}

static void run_max_pool_pick(const gm_inst *in, gm_step *s)
{
	const loop *l = in->ctx;
	pool_walk k = pool_sizes(l);
	float *y = f32(&l->out);
	(void)s;
	WINDOWS({
		for (int64_t c = 0; c < k.c; c++) {
			int64_t bh, bw;
			winner(&l->x[0], n, c, h0, h1, w0, w1, &bh, &bw);
			y[place(&l->out, n, p, q) + c * l->out.stride[1]] =
				f32(&l->x[1])[place(&l->x[1], n, bh, bw) + c * l->x[1].stride[1]];
		}
	})
}

static void run_max_pool_dx(const gm_inst *in, gm_step *s)
{
	const loop *l = in->ctx;
	pool_walk k = pool_sizes(l);
	float *y = f32(&l->out);
	(void)s;
	memset(y, 0, gm_node_size(l->y) * sizeof *y);
	WINDOWS({
		for (int64_t c = 0; c < k.c; c++) {
			int64_t bh, bw;
			winner(&l->x[0], n, c, h0, h1, w0, w1, &bh, &bw);
			y[place(&l->out, n, bh, bw) + c * l->out.stride[1]] +=
				f32(&l->x[1])[place(&l->x[1], n, p, q) + c * l->x[1].stride[1]];
		}
	})
}

static void plan_pool(gm_plan *p, gm_node *y)
{
	loop *l = new_loop(p, y);
	const int *order = order_of(p, y->in[0]);
	for (int i = 0; i < y->nin; i++)
		l->x[i] = gm_plan_value_as(p, y->in[i], order);
	l->out = gm_plan_place(p, y, order);
	emit(p, l,
	     y->opid == GM_OPID_avg_pool      ? run_avg_pool
	     : y->opid == GM_OPID_avg_pool_dx ? run_avg_pool_dx
	     : y->opid == GM_OPID_max_pool    ? run_max_pool
	     : y->opid == GM_OPID_max_pool_dx ? run_max_pool_dx
	                                      : run_max_pool_pick);
}

/* ---- resampling along an axis ---------------------------------------------------------------- */

static void run_resample(const gm_inst *in, gm_step *s)
{
	const loop *l = in->ctx; /* a outside, c inside the axis, in storage order */
	const gm_resample_attr *t = l->y->attr;
	int64_t lng = gm_resample_long(t), from = t->transposed ? lng : t->size,
		to = t->transposed ? t->size : lng;
	(void)s;
#pragma omp parallel for schedule(static)
	for (int64_t o = 0; o < l->a; o++) {
		const float *x = f32(&l->x[0]) + o * from * l->c;
		float *y = f32(&l->out) + o * to * l->c;
		memset(y, 0, to * l->c * sizeof *y);
		for (int64_t i = 0; i < lng; i++) {
			int64_t index[2];
			double weight[2];
			int taps = gm_resample_taps(t, i, index, weight);
			for (int k = 0; k < taps; k++) {
				const float *q = x + (t->transposed ? i : index[k]) * l->c;
				float *r = y + (t->transposed ? index[k] : i) * l->c,
				      w = (float)weight[k];
				for (int64_t j = 0; j < l->c; j++)
					r[j] += w * q[j];
			}
		}
	}
}

static void plan_resample(gm_plan *p, gm_node *y)
{
	const gm_resample_attr *t = y->attr;
	const int *order = order_of(p, y->in[0]);
	loop *l = new_loop(p, y);
	l->x[0] = gm_plan_value_as(p, y->in[0], order);
	l->out = gm_plan_place(p, y, order);
	l->c = l->out.stride[t->axis];
	l->a = gm_node_size(y) / l->c / y->shape.dim[t->axis];
	emit(p, l, run_resample);
}

/* ---- pieces in a frame ----------------------------------------------------------------------- */

static void run_zero(const gm_inst *in, gm_step *s)
{
	const loop *l = in->ctx;
	(void)s;
	memset(gm_val_ptr(&l->out), 0, (size_t)l->a);
}

static void plan_embed(gm_plan *p, gm_node *y)
{
	const gm_grid_attr *t = y->attr;
	loop *l = new_loop(p, y);
	gm_val x = gm_plan_value(p, y->in[0]);
	l->out = gm_plan_place(p, y, order_of(p, y->in[0]));
	l->a = gm_node_size(y) * (int64_t)gm_dtype_size(y->dtype);
	gm_plan_emit(p, (gm_inst){.kind = "zero", .run = run_zero, .ctx = l}, &l->out.buf, 1);
	gm_val part = l->out;
	for (int i = 0; i < y->shape.rank; i++) {
		part.offset += t->start[i] * l->out.stride[i];
		part.stride[i] = t->step[i] * l->out.stride[i];
	}
	gm_tape_copy(p, y->in[0]->shape, x, part);
}

static void plan_concat(gm_plan *p, gm_node *y)
{
	int axis = ((const gm_concat_attr *)y->attr)->axis;
	gm_val out = gm_plan_place(p, y, order_of(p, y->in[0])), part = out;
	for (int i = 0; i < y->nin; i++) {
		gm_tape_copy(p, y->in[i]->shape, gm_plan_value(p, y->in[i]), part);
		part.offset += y->in[i]->shape.dim[axis] * out.stride[axis];
	}
}

/* ---- the table ------------------------------------------------------------------------------- */

static void (*const planners[GM_OP_COUNT])(gm_plan *, gm_node *) = {
	[GM_OPID_uniform] = plan_random,     [GM_OPID_normal] = plan_random,
	[GM_OPID_bernoulli] = plan_random,   [GM_OPID_gather] = plan_index,
	[GM_OPID_scatter_add] = plan_index,  [GM_OPID_argmax] = plan_argmax,
	[GM_OPID_avg_pool] = plan_pool,      [GM_OPID_avg_pool_dx] = plan_pool,
	[GM_OPID_max_pool] = plan_pool,      [GM_OPID_max_pool_dx] = plan_pool,
	[GM_OPID_max_pool_pick] = plan_pool, [GM_OPID_resample] = plan_resample,
	[GM_OPID_embed] = plan_embed,        [GM_OPID_concat] = plan_concat,
};

bool gm_loops_have(const gm_node *y)
{
	return planners[y->opid] != NULL;
}

bool gm_loops_planner(gm_plan *p, gm_unit *u)
{
	gm_node *y = u->node[0];
	if (u->tape || !planners[y->opid])
		return false;
	for (int i = 0; i < y->nin; i++) /* integers in a frame: by the definition, exactly */
		if (y->in[i]->dtype == GM_F64 || (y->dtype == GM_I32 && y->opid != GM_OPID_argmax))
			return false;
	if (y->dtype == GM_F64)
		return false;
	planners[y->opid](p, y);
	return true;
}
