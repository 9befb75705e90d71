/* SPDX-License-Identifier: MIT
 *
 * test_simd.c -- the vector functions against libm in double, over their whole ranges, in ulps; and
 * the tape's ways of reading, summing and writing against plain loops, for every instruction set
 * that this processor runs.
 */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "backends/cpu/simd.h"
#include "ganymede/graph.h"

/* Error in units of the float spacing at the exact value, at least the smallest normal number's. */
static double ulps(float got, double want)
{
	if (isnan(want))
		return isnan(got) ? 0 : INFINITY;
	if (fabs(want) > FLT_MAX)
		return isinf(got) && (got > 0) == (want > 0) ? 0 : INFINITY;
	int e;
	frexp(fabs(want) < FLT_MIN ? FLT_MIN : want, &e);
	return fabs(got - want) / ldexp(1, e - 24);
}

typedef struct range {
	double lo, hi, bound;
} range;

static void sweep(const char *name, float (*f)(float), double (*exact)(double), const range *r)
{
	enum { N = 400000 };
	double worst = 0, where = 0;
	for (int i = 0; i <= N; i++) {
		float x = (float)(r->lo + (r->hi - r->lo) * i / N);
		double u = ulps(f(x), exact(x));
		if (u > worst)
			worst = u, where = x;
	}
	if (worst > r->bound)
		fail_msg("%s is off by %.2f ulps at %.9g, more than %.1f", name, worst, where,
		         r->bound);
}

static float sin0(float x)
{
	return v_sin(x, 0);
}

static float cos0(float x)
{
	return v_sin(x, 1);
}

static double softplus(double x)
{
	return fmax(x, 0) + log1p(exp(-fabs(x)));
}

/* The bounds that simd.h promises. Sine and cosine near their zeros are held to an absolute error
 * of an ulp of 1. */
static void functions_keep_their_bounds(void **state)
{
	(void)state;
	sweep("exp", v_exp, exp, &(range){-103, 88.7, 2});
	sweep("exp", v_exp, exp, &(range){-1, 1, 2});
	sweep("log", v_log, log, &(range){1e-30, 4, 2});
	sweep("log", v_log, log, &(range){.5, 2, 2});
	sweep("log", v_log, log, &(range){1, 3e38, 2});
	sweep("tanh", v_tanh, tanh, &(range){-12, 12, 4});
	sweep("tanh", v_tanh, tanh, &(range){-.7, .7, 4});
	sweep("softplus", v_softplus, softplus, &(range){-80, 80, 4});
	for (int i = -40000; i <= 40000; i++) {
		float x = (float)(i * .013);
		assert_true(fabs(sin0(x) - sin(x)) < 1.5e-7 && fabs(cos0(x) - cos(x)) < 1.5e-7);
	}
}

static void functions_keep_their_edges(void **state)
{
	(void)state;
	assert_true(v_exp(0) == 1 && v_exp(-INFINITY) == 0 && isinf(v_exp(INFINITY)) &&
	            isnan(v_exp(NAN)));
	assert_true(v_log(1) == 0 && isinf(v_log(0)) && v_log(0) < 0 && isinf(v_log(INFINITY)) &&
	            isnan(v_log(-1)));
	assert_true(ulps(v_log(1e-42f), log(1e-42f)) < 2); /* a denormal */
	assert_true(v_tanh(30) == 1 && v_tanh(-30) == -1 && v_tanh(0) == 0 && isnan(v_tanh(NAN)));
	assert_true(v_softplus(200) == 200 && v_softplus(-200) == 0);
}

/* sum over any axes of permuted, stretched and large operands: the ways in which a tape can lie
 * across memory. */
static void sums_agree_with_plain_loops(void **state)
{
	(void)state;
	static const int64_t dims[][4] = {
		{2, 3, 4, 5}, {3, 64, 7, 9}, {1, 130, 1, 33}, {5, 1, 1, 1}, {8, 16, 32, 32}};
	for (size_t d = 0; d < sizeof dims / sizeof *dims; d++)
		for (unsigned axes = 0; axes < 16; axes++)
			for (int order = 0; order < 2; order++) {
				gm_graph *g = gm_graph_new(&(gm_graph_options){.backend = "cpu"});
				const int64_t *s = dims[d], n = s[0] * s[1] * s[2] * s[3];
				gm_node *x = gm_variable(g, "x", GM_SHAPE(s[0], s[1], s[2], s[3]));
				gm_node *c = gm_variable(g, "c", GM_SHAPE(1, s[1], 1, 1));
				float *v = malloc(n * sizeof *v), *w = malloc(s[1] * sizeof *w);
				gm_rng r = gm_rng_new(d, axes);
				for (int64_t i = 0; i < n; i++)
					v[i] = (float)gm_rng_uniform(&r);
				for (int64_t i = 0; i < s[1]; i++)
					w[i] = (float)gm_rng_uniform(&r);
				gm_set_f32(x, v, n);
				gm_set_f32(c, w, s[1]);
				/* order 1: the same through a view that has channels last */
				gm_node *y = gm_mul(x, c);
				unsigned over = axes;
				if (order) {
					static const int last[] = {0, 2, 3, 1};
					static const int to[] = {0, 3, 1,
					                         2}; /* axis of x to axis of y */
					y = gm_permute(y, last);
					over = 0;
					for (int a = 0; a < 4; a++)
						over |= (axes >> a & 1) << to[a];
				}
				gm_node *sum = gm_sum_all(gm_square(gm_sum(y, over, true)));
				gm_step *step = gm_compile(g, sum);
				assert_non_null(step);
				gm_step_run(step);
				/* the same in double */
				int64_t kept = 1;
				for (int a = 0; a < 4; a++)
					kept *= axes >> a & 1 ? 1 : s[a];
				double *total = calloc(kept, sizeof *total), want = 0;
				for (int64_t i = 0; i < n; i++) {
					int64_t at[4] = {i / (s[1] * s[2] * s[3]),
					                 i / (s[2] * s[3]) % s[1], i / s[3] % s[2],
					                 i % s[3]};
					int64_t k = 0;
					for (int a = 0; a < 4; a++)
						k = axes >> a & 1 ? k : k * s[a] + at[a];
					total[k] += (double)v[i] * w[at[1]];
				}
				for (int64_t k = 0; k < kept; k++)
					want += total[k] * total[k];
				/* rounding of n positive terms in lanes, then of their squares: far
				 * below sqrt(n) ulps each */
				double got = gm_step_scalar(step, sum);
				if (!(fabs(got - want) <= 4e-6 * want))
					fail_msg("shape %d axes %u order %d: %.9g, not %.9g",
					         (int)d, axes, order, got, want);
				free(total);
				free(v);
				free(w);
				gm_graph_free(g);
			}
}

/* Rows of a few elements, cut anywhere by the ends of tiles: sums and maxima of each, and each
 * spread over its row again. */
static void short_rows_agree_with_plain_loops(void **state)
{
	(void)state;
	enum { ROWS = 1000 };
	for (int len = 2; len <= 17; len++) {
		gm_graph *g = gm_graph_new(&(gm_graph_options){.backend = "cpu"});
		gm_node *x = gm_variable(g, "x", GM_SHAPE(ROWS, len));
		static float v[ROWS * 17], sum[ROWS], max[ROWS], back[ROWS * 17];
		gm_rng r = gm_rng_new(3, len);
		for (int i = 0; i < ROWS * len; i++)
			v[i] = (float)gm_rng_uniform(&r) - .5f;
		gm_set_f32(x, v, ROWS * len);
		gm_node *s = gm_sum(x, GM_AXES(1), true), *m = gm_reduce_max(x, GM_AXES(1), true);
		gm_node *y = gm_mul(gm_sub(x, m), gm_exp(s));
		gm_step *step = gm_compile(g, s, m, y);
		assert_non_null(step);
		gm_step_run(step);
		assert_true(gm_step_read(step, s, sum, ROWS) && gm_step_read(step, m, max, ROWS) &&
		            gm_step_read(step, y, back, ROWS * len));
		for (int i = 0; i < ROWS; i++) {
			double total = 0, most = -1, size = 0;
			for (int j = 0; j < len; j++) {
				total += v[i * len + j];
				size += fabs(v[i * len + j]);
				most = fmax(most, v[i * len + j]);
			}
			assert_true(fabs(sum[i] - total) <= len * 0x1p-24 * size);
			assert_true(max[i] == most);
			for (int j = 0; j < len; j++) {
				double want = (v[i * len + j] - most) * exp(total);
				assert_true(fabs(back[i * len + j] - want) <= 1e-5 * exp(total));
			}
		}
		gm_graph_free(g);
	}
}

/* What tapes do in one operation for several: each form beside its neighbours that must be left
 * alone. */
static void fused_operations_agree_with_plain_loops(void **state)
{
	(void)state;
	enum { N = 1500 };
	gm_graph *g = gm_graph_new(&(gm_graph_options){.backend = "cpu"});
	static float in[3][N], out[N];
	gm_node *v[3], *k = gm_variable(g, "k", GM_RANK0);
	gm_rng r = gm_rng_new(4, 0);
	for (int i = 0; i < 3; i++) {
		v[i] = gm_variable(g, (const char *[]){"a", "b", "c"}[i], GM_SHAPE(N));
		for (int j = 0; j < N; j++)
			in[i][j] = (float)gm_rng_uniform(&r) + .1f;
		gm_set_f32(v[i], in[i], N);
	}
	gm_set_f32(k, &(float){.3f}, 1);
	gm_node *a = v[0], *b = v[1], *c = v[2], *ab = gm_mul(a, b);
	gm_node *y[] = {
		gm_add(gm_mul_c(a, .9), gm_mul(k, b)),
		gm_add(gm_mul_c(a, .9), gm_mul_c(gm_square(b), .1)),
		gm_sub(a, gm_div(gm_mul(b, k), gm_add(gm_sqrt(c), k))),
		gm_add(ab, c), /* ab is wanted elsewhere */
		gm_mul(ab, ab),
		gm_add(c, gm_mul(a, c)),
		gm_add(gm_mul_c(a, 2), gm_mul_c(a, 3)),
		gm_sub(a, gm_div(gm_mul(b, c), gm_add(gm_sqrt(c), b))), /* no single numbers */
	};
	enum { Y = sizeof y / sizeof *y };
	gm_step *step = gm_compile_nodes(g, y, Y, NULL);
	assert_non_null(step);
	gm_step_run(step);
	for (int f = 0; f < Y; f++) {
		assert_true(gm_step_read(step, y[f], out, N));
		for (int i = 0; i < N; i++) {
			double p = in[0][i], q = in[1][i], s = in[2][i];
			double want[Y] = {.9 * p + .3 * q,
			                  .9 * p + .1 * q * q,
			                  p - q * .3 / (sqrt(s) + .3),
			                  p * q + s,
			                  p * q * p * q,
			                  s + p * s,
			                  5 * p,
			                  p - q * s / (sqrt(s) + q)};
			/* each rounds a few times, and no term is above 6 */
			assert_true(fabs(out[i] - want[f]) <= 8 * 0x1p-24 * 6);
		}
	}
	gm_graph_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_keep_their_bounds),
		cmocka_unit_test(functions_keep_their_edges),
		cmocka_unit_test(sums_agree_with_plain_loops),
		cmocka_unit_test(short_rows_agree_with_plain_loops),
		cmocka_unit_test(fused_operations_agree_with_plain_loops),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
