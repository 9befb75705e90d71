/* SPDX-License-Identifier: MIT
 *
 * dense.c -- products of dense.h as instructions of a step.
 */
#include <string.h>

#include "backends/cpu/dense.h"
#include "backends/cpu/cpu.h"
#include "base/machine.h"
#include "ops/matmul.h"

/* Smaller ones are not worth sharing, and a longer sum's panel would not stay in the cache. */
enum { LEAST_SIDE = 16, LEAST_WORK = 1 << 14, MOST_SUM = 4096, PAGE_FLOATS = 1024 };

typedef enum axis { ROWS, COLUMNS, SUM } axis;

typedef struct dense_ctx {
	gm_dense d;
	axis cut;
	int threads;
	gm_val a, b, c;
	gm_buf *scratch, *partial; /* partial: the sums of threads 1 and on */
	size_t stride;
} dense_ctx;

static float *f32(const gm_val *v)
{
	return gm_val_ptr(v);
}

/* Start of thread t's part of n, at multiples of unit. */
static int64_t part(int64_t n, int64_t unit, int threads, int t)
{
	int64_t at = (n + unit - 1) / unit * t / threads * unit;
	return at < n ? at : n;
}

static void compute(const dense_ctx *c, int t)
{
	static const int64_t units[] = {12, DENSE_PANEL, 4};
	int64_t size[] = {c->d.M, c->d.N, c->d.K}, from[] = {0, 0, 0};
	from[c->cut] = part(size[c->cut], units[c->cut], c->threads, t);
	size[c->cut] = part(size[c->cut], units[c->cut], c->threads, t + 1);
	float *to = c->cut == SUM && t > 0 ? (float *)c->partial->ptr + (t - 1) * c->d.M * c->d.N
	                                   : f32(&c->c);
	gm_simd_best()->dense(&c->d, f32(&c->a), f32(&c->b), to, from[0], size[0], from[1], size[1],
	                      from[2], size[2],
	                      (float *)((char *)c->scratch->ptr + gm_thread_index() * c->stride));
}

static void run_dense(const gm_inst *in, gm_step *s)
{
	const dense_ctx *c = in->ctx;
	(void)s;
#pragma omp parallel for schedule(static) num_threads(c->threads)
	for (int t = 0; t < c->threads; t++)
		compute(c, t);
}

static void run_dense_sums(const gm_inst *in, gm_step *s)
{
	const dense_ctx *c = in->ctx;
	int64_t n = c->d.M * c->d.N;
	float *to = f32(&c->c);
	const float *more = c->partial->ptr;
	(void)s;
#pragma omp parallel num_threads(c->threads)
	{
#pragma omp for schedule(static)
		for (int t = 0; t < c->threads; t++)
			compute(c, t);
#pragma omp for schedule(static)
		for (int64_t i = 0; i < n; i++)
			for (int t = 1; t < c->threads; t++)
				to[i] += more[(t - 1) * n + i];
	}
}

static bool suits(const gm_dense *d)
{
	/* Rows of a that are whole pages apart fall on the same few lines of the first-level cache.
	 */
	return d->N >= LEAST_SIDE && d->K <= MOST_SUM && d->M * d->N * d->K >= LEAST_WORK &&
	       (d->am == 1 || d->ak == 1) && (d->bk == 1 || d->bn == 1) &&
	       (d->ak != 1 || d->M < 4 || d->am % PAGE_FLOATS);
}

static gm_dense transposed(const gm_dense *d)
{
	return (gm_dense){.M = d->N,
	                  .N = d->M,
	                  .K = d->K,
	                  .am = d->bn,
	                  .ak = d->bk,
	                  .bk = d->ak,
	                  .bn = d->am,
	                  .cm = d->cn,
	                  .cn = d->cm};
}

bool gm_dense_planner(gm_plan *p, gm_node *y, gm_val a, gm_val b)
{
	const gm_matmul_attr *t = y->attr;
	if (y->shape.rank != 2 || gm_thread_count() < 2)
		return false;
	gm_dense d = {.M = y->shape.dim[0],
	              .N = y->shape.dim[1],
	              .K = y->in[0]->shape.dim[t->ta ? 0 : 1],
	              .am = a.stride[t->ta],
	              .ak = a.stride[!t->ta],
	              .bk = b.stride[t->tb],
	              .bn = b.stride[!t->tb],
	              .cm = y->shape.dim[1],
	              .cn = 1};
	/* As a layer has them: y = x W', x's gradient = g W, W's gradient = g' x. */
	axis units = t->ta ? ROWS : t->tb ? COLUMNS : SUM, examples = t->ta ? SUM : ROWS;
	int64_t size[] = {d.M, d.N, d.K};
	axis cut = size[examples] >= size[units] ? examples : units;
	/* What is packed should be the smaller: turning a large W costs more than turning the
	 * result. And a panel should be full. */
	bool turn = (d.bk == 1 && d.bn != 1 && d.K > 2 * d.M) || (d.N < LEAST_SIDE && d.M > d.N);
	if (turn) {
		d = transposed(&d);
		cut = cut == ROWS ? COLUMNS : cut == COLUMNS ? ROWS : SUM;
	}
	if (!suits(&d))
		return false;
	dense_ctx *c = gm_arena_calloc(gm_plan_arena(p), 1, sizeof *c);
	c->d = d;
	c->cut = cut;
	c->threads = gm_thread_count();
	c->a = turn ? b : a;
	c->b = turn ? a : b;
	c->c = gm_plan_place(p, y, NULL);
	c->scratch = gm_plan_thread_scratch(p, (size_t)((d.K + d.M) * DENSE_PANEL) * sizeof(float),
	                                    c->threads, &c->stride);
	if (cut == SUM)
		c->partial =
			gm_plan_scratch(p, (size_t)((c->threads - 1) * d.M * d.N) * sizeof(float));
	static const char *const kinds[] = {"matmul by rows", "matmul by columns",
	                                    "matmul by sums"};
	gm_inst in = {.kind = kinds[cut],
	              .run = cut == SUM ? run_dense_sums : run_dense,
	              .ctx = c,
	              .node = &y,
	              .nnode = 1};
	gm_plan_emit(p, in, (gm_buf *[]){c->a.buf, c->b.buf, c->c.buf}, 3);
	return true;
}
