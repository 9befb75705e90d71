/* SPDX-License-Identifier: MIT
 *
 * random.c -- randomness as an op: a pure function of (seed, source, run, index), whatever computes
 * it and in what order. Which words make which element stands in ops/random.h. There is no
 * gradient.
 */
#include <limits.h>
#include <math.h>
#include <string.h>

#include "ops/common.h"
#include "ops/random.h"

static const gm_random_attr *attr_of(const gm_node *y)
{
	return y->attr;
}

static bool infer_random(gm_node *y)
{
	y->shape.rank = attr_of(y)->rank;
	memcpy(y->shape.dim, attr_of(y)->dim, sizeof y->shape.dim);
	return true;
}

static double unit(uint32_t word)
{
	return (word >> 8) * 0x1p-24;
}

/* A node of its own, even with equal arguments: the stream number is part of the attribute. */
static gm_node *source(gm_graph *g, int opid, gm_shape shape, double p)
{
	gm_random_attr a = {.stream = gm_graph_stream(g), .p = p};
	if (shape.rank < 0 || shape.rank > GM_MAX_RANK)
		return gm_poison(g, gm_ops[opid]->name, GM_ERR_SHAPE, "rank %d is not in 0..%d",
		                 shape.rank, GM_MAX_RANK);
	a.rank = shape.rank;
	memcpy(a.dim, shape.dim, (size_t)shape.rank * sizeof *a.dim);
	return gm_node_new(g, opid, NULL, 0, &a, sizeof a);
}

/* The words of element i's block, fetched once for elements that are asked for in order, from
 * `first` on. */
static const uint32_t *words(const gm_node *y, const gm_eval *e, int64_t i, int64_t first,
                             uint32_t w[4])
{
	if (i % 4 == 0 || i == first)
		gm_random_words(e->seed, e->run, attr_of(y)->stream, (uint64_t)i / 4, w);
	return w;
}

static const gm_shape test_shape[] = {
	{1, {37}}, {2, {3, 130}}, {0}, {4, {2, 3, 4, 5}}, {1, {1030}}};
enum { NTEST = sizeof test_shape / sizeof *test_shape };

/* ---- uniform --------------------------------------------------------------------------------- */

static void eval_uniform(const gm_node *y, const gm_eval *e)
{
	uint32_t w[4];
	int64_t first = gm_random_first(y, e->rank);
	for (int64_t i = first, n = gm_shape_size(y->shape); i < first + n; i++)
		e->y[i - first] = unit(words(y, e, i, first, w)[i % 4]);
}

static gm_node *sample_uniform(gm_graph *g, int i)
{
	return i < NTEST ? gm_uniform(g, test_shape[i]) : NULL;
}

const gm_op gm_op_uniform = {
	.name = "uniform",
	.math = "y ~ U[0,1)",
	.flags = GM_OP_RANDOM,
	.infer = infer_random,
	.eval = eval_uniform,
	.sample = sample_uniform,
	.ulps = 0.5,
};

gm_node *gm_uniform(gm_graph *g, gm_shape shape)
{
	return source(g, GM_OPID_uniform, shape, 0);
}

/* ---- normal ---------------------------------------------------------------------------------- */

static void eval_normal(const gm_node *y, const gm_eval *e)
{
	uint32_t w[4];
	int64_t first = gm_random_first(y, e->rank);
	for (int64_t i = first, n = gm_shape_size(y->shape); i < first + n; i++) {
		const uint32_t *pair = words(y, e, i, first, w) + i % 4 / 2 * 2;
		double r = sqrt(-2 * log(unit(pair[0]) + 0x1p-24)), a = 2 * M_PI * unit(pair[1]);
		e->y[i - first] = r * (i % 2 ? sin(a) : cos(a));
	}
}

static gm_node *sample_normal(gm_graph *g, int i)
{
	return i < NTEST ? gm_randn(g, test_shape[i]) : NULL;
}

const gm_op gm_op_normal = {
	.name = "normal",
	.math = "y ~ N(0,1)",
	.flags = GM_OP_RANDOM,
	.infer = infer_random,
	.eval = eval_normal,
	.sample = sample_normal,
	.ulps = 16,
};

gm_node *gm_randn(gm_graph *g, gm_shape shape)
{
	return source(g, GM_OPID_normal, shape, 0);
}

/* ---- bernoulli ------------------------------------------------------------------------------- */

static void eval_bernoulli(const gm_node *y, const gm_eval *e)
{
	uint32_t w[4], bound = gm_bernoulli_bound(attr_of(y)->p);
	int64_t first = gm_random_first(y, e->rank);
	for (int64_t i = first, n = gm_shape_size(y->shape); i < first + n; i++)
		e->y[i - first] = words(y, e, i, first, w)[i % 4] >> 8 < bound;
}

static gm_node *sample_bernoulli(gm_graph *g, int i)
{
	static const double p[NTEST] = {.5, .1, .9, 0, 1};
	return i < NTEST ? gm_bernoulli(g, p[i], test_shape[i]) : NULL;
}

const gm_op gm_op_bernoulli = {
	.name = "bernoulli",
	.math = "y = 1 with probability p, else 0",
	.flags = GM_OP_RANDOM,
	.infer = infer_random,
	.eval = eval_bernoulli,
	.sample = sample_bernoulli,
	.ulps = 0.5,
};

gm_node *gm_bernoulli(gm_graph *g, double p, gm_shape shape)
{
	if (!(p >= 0 && p <= 1))
		return gm_poison(g, "bernoulli", GM_ERR_VALUE,
		                 "the probability is %g, must be in [0,1]", p);
	return source(g, GM_OPID_bernoulli, shape, p);
}

/* ---- permutation ----------------------------------------------------------------------------- */

static bool infer_permutation(gm_node *y)
{
	infer_random(y);
	y->dtype = GM_I32;
	return y->shape.dim[0] <= INT32_MAX ||
	       gm_node_fail(y, GM_ERR_SHAPE, "%lld numbers do not fit i32",
	                    (long long)y->shape.dim[0]);
}

/* In place, so that a run allocates nothing. */
static void eval_permutation(const gm_node *y, const gm_eval *e)
{
	int64_t n = y->shape.dim[0];
	for (int64_t i = 0; i < n; i++)
		e->y[i] = (double)i;
	for (int64_t i = n - 1; i > 0; i--) {
		uint32_t w[4], *f = w + i % 2 * 2;
		gm_random_words(e->seed, e->run, attr_of(y)->stream, (uint64_t)i / 2, w);
		uint64_t m = (uint64_t)i + 1, j = (f[0] * m + (f[1] * m >> 32)) >> 32;
		double t = e->y[i];
		e->y[i] = e->y[j];
		e->y[j] = t;
	}
}

static gm_node *sample_permutation(gm_graph *g, int i)
{
	static const int64_t n[] = {1, 2, 37, 1000};
	return i < 4 ? gm_permutation(g, n[i]) : NULL;
}

const gm_op gm_op_permutation = {
	.name = "permutation",
	.math = "y = the numbers 0 .. n-1 in random order",
	.flags = GM_OP_RANDOM,
	.infer = infer_permutation,
	.eval = eval_permutation,
	.sample = sample_permutation,
	.ulps = 0.5,
};

gm_node *gm_permutation(gm_graph *g, int64_t n)
{
	return source(g, GM_OPID_permutation, GM_SHAPE(n), 0);
}
