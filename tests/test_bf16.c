/* SPDX-License-Identifier: MIT
 *
 * test_bf16.c -- products of rounded operands: against the scalar definition on operands that were
 * rounded before, where only the order of float sums differs; and against the definition on the
 * operands themselves, within what rounding can do.
 *
 * Bounds. A sum of n float terms in any order is off by at most n 2^-24 of the sum of their sizes,
 * S1. Rounding to bf16's eight bits changes an operand by at most 2^-8 of it, so a product by 2^-7
 * + 2^-16, and the sum by that times S1. At random, an error is uniform within 2^-8 of numbers
 * between 1 and 2, .41 2^-8 of them in the mean square, so the mean square error of a sum is about
 * 2 (.41 2^-8)^2 of the sum of squared terms, S2: it grows as the square root of the number of
 * terms.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/machine.h"
#include "ganymede/graph.h"

typedef enum which { CONV, CONV_DX, CONV_DW } which;

typedef struct shape {
	int n, channels, height, width, out, kh, kw, stride[2], pad[4];
} shape;

/* Even and odd sizes, not divisible by panels of 32, tiles of 8 and pairs of steps. */
static const shape shapes[] = {
	{3, 64, 8, 8, 96, 4, 4, {2, 2}, {1, 1, 1, 1}},
	{2, 3, 16, 16, 64, 4, 4, {2, 2}, {1, 1, 1, 1}},
	{5, 20, 7, 7, 33, 3, 3, {1, 1}, {1, 1, 1, 1}},
	{1, 33, 9, 6, 7, 5, 5, {2, 2}, {2, 2, 2, 2}},
	{2, 1, 28, 28, 32, 4, 4, {2, 2}, {1, 1, 1, 1}},
	{4, 16, 5, 11, 16, 2, 3, {1, 3}, {0, 2, 1, 0}},
	{2, 17, 6, 6, 40, 1, 1, {1, 1}, {0}},
	{2, 32, 8, 8, 32, 1, 1, {2, 2}, {0}},
	{3, 24, 1, 40, 18, 1, 5, {1, 2}, {0, 2, 0, 2}},
	{2, 40, 10, 10, 24, 3, 3, {3, 3}, {2, 0, 0, 1}},
	{70, 16, 4, 4, 64, 4, 4, {2, 2}, {1, 1, 1, 1}},
	{2, 16, 14, 14, 34, 7, 7, {2, 2}, {3, 3, 3, 3}},
	{3, 18, 8, 8, 34, 4, 4, {2, 2}, {1, 1, 1, 1}},
	{3, 16, 9, 7, 48, 4, 4, {2, 2}, {1, 1, 2, 2}},
	{1, 32, 3, 3, 32, 3, 3, {1, 1}, {0}},
	{2, 64, 6, 6, 2, 4, 4, {2, 2}, {1, 1, 1, 1}},
};

static int out_size(const shape *s, int d)
{
	int size = d ? s->width : s->height, kernel = d ? s->kw : s->kh;
	return (size + s->pad[d] + s->pad[d + 2] - kernel) / s->stride[d] + 1;
}

static float rounded(float x)
{
	uint32_t u;
	memcpy(&u, &x, sizeof u);
	u = (u + 0x7fff + (u >> 16 & 1)) & 0xffff0000u;
	memcpy(&x, &u, sizeof x);
	return x;
}

static float same(float x)
{
	return x;
}

static float squared(float x)
{
	return x * x;
}

static float wave(int64_t i, double phase)
{
	return (float)sin(phase + 1.7 * (double)i + .3 * sin(4.1 * (double)i));
}

static gm_node *filled(gm_graph *g, const char *name, gm_shape s, double phase, float (*f)(float))
{
	gm_node *x = gm_input(g, name, s, GM_F32);
	int64_t n = gm_node_size(x);
	float *v = malloc((size_t)n * sizeof *v);
	for (int64_t i = 0; i < n; i++)
		v[i] = f(wave(i, phase));
	assert_true(gm_set_f32(x, v, n));
	free(v);
	return x;
}

/* The result on operands f(x), f(w); n gets its size. */
static float *result(const shape *s, which op, const char *backend, bool bf16, float (*f)(float),
                     int64_t *n)
{
	gm_graph *g = gm_graph_new(&(gm_graph_options){.backend = backend, .bf16 = bf16});
	gm_shape x = GM_SHAPE(s->n, s->channels, s->height, s->width),
		 w = GM_SHAPE(s->out, s->channels, s->kh, s->kw),
		 y = GM_SHAPE(s->n, s->out, out_size(s, 0), out_size(s, 1));
	gm_conv_options o = {.stride = {s->stride[0], s->stride[1]},
	                     .pad = {s->pad[0], s->pad[1], s->pad[2], s->pad[3]}};
	gm_node *a = filled(g, "a", op == CONV_DX ? y : x, .1, f),
		*b = filled(g, "b", op == CONV_DW ? y : w, .7, f);
	gm_node *z = op == CONV      ? gm_conv2d(a, b, o)
	             : op == CONV_DX ? gm_conv2d_dx(a, b, x, o)
	                             : gm_conv2d_dw(a, b, w, o);
	gm_step *step = gm_compile(g, z);
	if (!step)
		fail_msg("%s", gm_graph_error(g)->message);
	gm_step_run(step);
	*n = gm_node_size(z);
	float *v = malloc((size_t)*n * sizeof *v);
	assert_true(gm_step_read(step, z, v, *n));
	gm_graph_free(g);
	return v;
}

static bool here(void)
{
	gm_graph *g = gm_graph_new(&(gm_graph_options){.backend = "cpu", .bf16 = true});
	bool yes = gm_graph_bf16(g);
	gm_graph_free(g);
	return yes;
}

static void need_bf16(void)
{
	if (here())
		return;
	print_message("SKIP: this processor has no AVX512-BF16, or GANYMEDE_SIMD hides it\n");
	skip();
}

static int64_t terms(const shape *s, which op)
{
	return op == CONV      ? (int64_t)s->channels * s->kh * s->kw
	       : op == CONV_DX ? (int64_t)s->out * s->kh * s->kw
	                       : (int64_t)s->n * out_size(s, 0) * out_size(s, 1);
}

/* 4x4 kernels of stride 2 between multiples of 16 channels: rounded after sums of up to four
 * operands (phases.h), so errors are about twice as large. */
static bool in_phases(const shape *s)
{
	return s->kh == 4 && s->kw == 4 && s->stride[0] == 2 && s->stride[1] == 2 &&
	       s->channels % 16 == 0 && s->out % 16 == 0;
}

static float whole(float x)
{
	return rintf(2 * x);
}

/* Whole numbers up to 2, and sums of a few, are bf16 numbers: nothing is rounded anywhere. */
static void whole_numbers_are_exact(void **state)
{
	(void)state;
	need_bf16();
	for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++)
		for (which op = CONV; op <= CONV_DW; op++) {
			int64_t n;
			float *got = result(&shapes[k], op, "cpu", true, whole, &n),
			      *want = result(&shapes[k], op, "ref", false, whole, &n);
			for (int64_t i = 0; i < n; i++)
				if (got[i] != want[i])
					fail_msg("shape %d, op %d, element %d: %.9g, not %.9g",
					         (int)k, op, (int)i, got[i], want[i]);
			free(got), free(want);
		}
}

static void errors_are_those_of_rounding(void **state)
{
	(void)state;
	need_bf16();
	for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++)
		for (which op = CONV; op <= CONV_DW; op++) {
			const shape *s = &shapes[k];
			int64_t n;
			float *got = result(s, op, "cpu", true, same, &n),
			      *want = result(s, op, "ref", false, rounded, &n),
			      *exact = result(s, op, "ref", false, same, &n),
			      *size = result(s, op, "ref", false, fabsf, &n),
			      *square = result(s, op, "ref", false, squared, &n);
			double slack = ((double)terms(s, op) + 2) * 0x1p-24, error = 0, scale = 0;
			for (int64_t i = 0; i < n; i++) {
				double off = fabs(got[i] - exact[i]);
				error += off * off, scale += square[i];
				double bound = in_phases(s) ? 10 * .0046 * sqrt(square[i])
				                            : (0x1p-7 + 0x1p-16 + slack) * size[i];
				if (off > bound)
					fail_msg("shape %d, op %d, element %d: %.9g, not %.9g "
					         "within %.2g",
					         (int)k, op, (int)i, got[i], exact[i], bound);
				if (in_phases(s))
					continue;
				bound = (1 + 0x1p-7) * slack * size[i];
				if (fabs(got[i] - want[i]) > bound)
					fail_msg("shape %d, op %d, element %d: %.9g, and %.9g "
					         "of rounded operands (bound %.2g)",
					         (int)k, op, (int)i, got[i], want[i], bound);
			}
			/* .41 sqrt(2) 2^-8 = .0023; room for few terms and for waves that are no
			 * random numbers */
			double spread = sqrt(error / scale) / (in_phases(s) ? 2 : 1);
			if (!(spread > .0012 && spread < .0045))
				fail_msg("shape %d, op %d: errors of %.5f", (int)k, op, spread);
			free(got), free(want), free(exact), free(size), free(square);
		}
}

/* y = a b of [m,k] and [k,n] for all four ways to lie; batches of products stay float. */
static float *product(int way, const char *backend, bool bf16, float (*f)(float), int64_t *n)
{
	bool ta = way & 1, tb = way & 2;
	gm_graph *g = gm_graph_new(&(gm_graph_options){.backend = backend, .bf16 = bf16});
	gm_node *a = filled(g, "a", ta ? GM_SHAPE(96, 130) : GM_SHAPE(130, 96), .1, f),
		*b = filled(g, "b", tb ? GM_SHAPE(111, 96) : GM_SHAPE(96, 111), .7, f);
	gm_node *y = gm_matmul(a, b, ta, tb);
	gm_step *step = gm_compile(g, y);
	if (!step)
		fail_msg("%s", gm_graph_error(g)->message);
	gm_step_run(step);
	*n = gm_node_size(y);
	float *v = malloc((size_t)*n * sizeof *v);
	assert_true(gm_step_read(step, y, v, *n));
	gm_graph_free(g);
	return v;
}

static void products_round_their_operands(void **state)
{
	(void)state;
	need_bf16();
	for (int way = 0; way < 4; way++) {
		int64_t n;
		float *got = product(way, "cpu", true, same, &n),
		      *want = product(way, "ref", false, rounded, &n),
		      *exact = product(way, "ref", false, same, &n),
		      *size = product(way, "ref", false, fabsf, &n);
		double error = 0;
		for (int64_t i = 0; i < n; i++) {
			double bound = (1 + 0x1p-7) * (96 + 2) * 0x1p-24 * size[i];
			if (fabs(got[i] - want[i]) > bound)
				fail_msg("way %d, element %d: %.9g, not %.9g", way, (int)i, got[i],
				         want[i]);
			error = fmax(error, fabs(got[i] - exact[i]) / size[i]);
		}
		assert_true(error > 0x1p-14 && error <= 0x1p-7 + 0x1p-16); /* rounded indeed */
		free(got), free(want), free(exact), free(size);
	}
}

static void threads_change_nothing(void **state)
{
	(void)state;
	need_bf16();
	for (int k = 0; k < 4; k++)
		for (which op = CONV; op <= CONV_DW; op++) {
			int64_t n;
			int all = gm_thread_limit(1);
			float *one = result(&shapes[k], op, "cpu", true, same, &n);
			gm_thread_limit(3);
			float *three = result(&shapes[k], op, "cpu", true, same, &n);
			gm_thread_limit(all);
			assert_memory_equal(one, three, (size_t)n * sizeof *one);
			free(one), free(three);
		}
}

static void only_where_it_can_be(void **state)
{
	(void)state;
	static const gm_graph_options no[] = {{.backend = "ref", .bf16 = true},
	                                      {.backend = "cpu", .real = GM_F64, .bf16 = true},
	                                      {.backend = "cpu"}};
	for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
		gm_graph *g = gm_graph_new(&no[i]);
		assert_false(gm_graph_bf16(g));
		gm_graph_free(g);
	}
	const char *simd = getenv("GANYMEDE_SIMD");
	if (simd && !strcmp(simd, "base"))
		assert_false(here());
}

/* GANYMEDE_CHECK allows errors of bf16 rounding in products, and no larger ones. */
static void checks_know_of_rounding(void **state)
{
	(void)state;
	need_bf16();
	gm_graph *g =
		gm_graph_new(&(gm_graph_options){.backend = "cpu", .bf16 = true, .check = true});
	gm_node *x = filled(g, "x", GM_SHAPE(2, 32, 8, 8), .3, same),
		*w = filled(g, "w", GM_SHAPE(32, 32, 3, 3), .9, same);
	gm_node *y = gm_conv2d(x, w, (gm_conv_options){.pad = {1, 1, 1, 1}});
	gm_step *s = gm_compile(g, y);
	assert_non_null(s);
	gm_step_run(s);
	if (gm_step_check(s))
		fail_msg("%s", gm_step_check(s));
	gm_graph_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_numbers_are_exact),
		cmocka_unit_test(errors_are_those_of_rounding),
		cmocka_unit_test(products_round_their_operands),
		cmocka_unit_test(threads_change_nothing),
		cmocka_unit_test(only_where_it_can_be),
		cmocka_unit_test(checks_know_of_rounding),
	};
	return cmocka_run_group_tests_name("bf16", tests, NULL, NULL);
}
