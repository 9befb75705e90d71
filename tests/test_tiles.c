/* SPDX-License-Identifier: MIT
 *
 * test_tiles.c -- convolutions in tiles (backends/cpu/tiles.h), 4x4 of stride 2 by nine products
 * and 3x3 of stride 1 by 36, against their definition in double: all three passes, odd sides, every
 * padding, panels that are not full; and the same bits from one thread as from two.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/machine.h"
#include "graph/plan.h"
#include "oracle.h"

typedef struct shapes {
	int taps, n, C, H, W, O, pad[4];
} shapes;

static const shapes cases[] = {
	{4, 2, 16, 8, 8, 32, {1, 1, 1, 1}},    {4, 1, 32, 14, 14, 16, {1, 1, 1, 1}},
	{4, 3, 16, 7, 10, 48, {0, 1, 0, 1}},   {4, 1, 48, 5, 4, 80, {2, 0, 3, 1}},
	{4, 2, 16, 9, 6, 16, {3, 2, 1, 3}},    {4, 5, 16, 4, 4, 16, {0, 0, 0, 0}},
	{4, 30, 16, 16, 12, 16, {1, 1, 1, 1}}, {4, 4, 64, 4, 4, 64, {1, 1, 1, 1}},
	{3, 8, 16, 8, 8, 32, {1, 1, 1, 1}},    {3, 2, 32, 15, 13, 16, {1, 1, 1, 1}},
	{3, 6, 16, 12, 9, 48, {0, 1, 1, 0}},   {3, 8, 48, 7, 8, 80, {2, 0, 1, 2}},
	{3, 8, 16, 10, 10, 16, {0, 0, 0, 0}},  {3, 6, 16, 7, 11, 16, {3, 2, 2, 4}},
	{3, 30, 16, 16, 12, 16, {1, 1, 1, 1}}, {3, 8, 256, 8, 8, 64, {1, 1, 1, 1}},
};

enum { PASSES = 3 };

/* The three passes of one case, on numbers in [-1,1]. */
static void build(gm_graph *g, const shapes *s, gm_node *y[PASSES])
{
	int stride = s->taps == 4 ? 2 : 1;
	gm_conv_options o = {.stride = {stride, stride},
	                     .pad = {s->pad[0], s->pad[1], s->pad[2], s->pad[3]}};
	gm_shape sx = GM_SHAPE(s->n, s->C, s->H, s->W), sw = GM_SHAPE(s->O, s->C, s->taps, s->taps);
	gm_node *x = gm_sample_real(g, sx, -1, 1), *w = gm_sample_real(g, sw, -1, 1);
	y[0] = gm_conv2d(x, w, o);
	gm_node *d = gm_sample_real(g, gm_node_shape(y[0]), -1, 1);
	y[1] = gm_conv2d_dx(d, w, sx, o);
	y[2] = gm_conv2d_dw(x, d, sw, o);
}

/* Values of one pass as a step for `threads` threads computes them. The caller frees them. */
static float *run(gm_node *y, int threads, const char *kind)
{
	int was = gm_thread_limit(threads);
	gm_step *s = gm_compile_nodes(y->graph, &y, 1, NULL);
	assert_non_null(s);
	int64_t n = gm_node_size(y);
	float *v = malloc((size_t)n * sizeof *v);
	gm_step_run(s);
	assert_true(gm_step_read(s, y, v, n));
	char *profile = gm_step_profile(s); /* that it is they who computed it */
	assert_non_null(strstr(profile, kind));
	free(profile);
	gm_step_free(s);
	gm_thread_limit(was);
	return v;
}

/* n terms of at most 1 each. Phases: along an axis y = (x0-x1) w0 + x1 (w0+w1): the magnitudes add
 * up to 4 where the plain way's add up to 2, so to 4 times as much in the plane; and each is
 * rounded at most n + 8 times (sums, and 4 roundings of its factors along each axis). So no error
 * is above 4 n (n + 8) u. Winograd: magnitudes of an axis add up to at most 27.5 where the plain
 * way's add up to 3 (the largest row sum, see tiles.h), so to 84 times as much in the plane.
 *
 * Rounding errors have either sign, so the root of their mean square stays near sqrt(n) u times the
 * root of the mean square of a partial sum, sqrt(n / 9): n / 3 u, times the 4 of phases; for
 * Winograd twice the error of a plain sum, .14 n u, was measured with other numbers (tiles.h). */
static void check_case(void **state)
{
	const shapes *s = *state;
	bool phases = s->taps == 4;
	const char *kind = phases ? "in phases" : "winograd";
	double most = phases ? 4 : 84, usual = phases ? 4. / 3 : .6;
	static const char *const name[PASSES] = {"conv", "conv_dx", "conv_dw"};
	gm_graph *f =
		gm_graph_new(&(gm_graph_options){.real = GM_F32, .backend = "cpu", .seed = 5});
	gm_graph *e =
		gm_graph_new(&(gm_graph_options){.real = GM_F64, .backend = "ref", .seed = 5});
	gm_node *y[PASSES], *exact[PASSES];
	build(f, s, y);
	build(e, s, exact);
	oracle o = oracle_new(exact, PASSES);
	oracle_run(&o);
	for (int k = 0; k < PASSES; k++) {
		int64_t size = gm_node_size(y[k]);
		float *one = run(y[k], 1, kind), *two = run(y[k], 2, kind);
		double n = (double)terms_of(exact[k]), u = 0x1p-24, square = 0;
		const double *want = oracle_value(&o, exact[k]);
		for (int64_t i = 0; i < size; i++) {
			double error = fabs(one[i] - want[i]);
			if (!(error <= most * n * (n + 8) * u))
				fail_msg("%s, element %lld: %.9g, must be %.9g", name[k],
				         (long long)i, one[i], want[i]);
			square += error * error / (double)size;
			assert_true(one[i] == two[i]);
		}
		if (!(sqrt(square) <= usual * n * u))
			fail_msg("%s: errors of %.3g, %.1f times what signs leave", name[k],
			         sqrt(square), sqrt(square) / (usual * n * u));
		free(one);
		free(two);
	}
	oracle_free(&o);
	gm_graph_free(f);
	gm_graph_free(e);
}

int main(void)
{
	enum { N = sizeof cases / sizeof *cases };
	static char names[N][100];
	struct CMUnitTest tests[N];
	for (int i = 0; i < N; i++) {
		const shapes *s = &cases[i];
		snprintf(names[i], sizeof names[i],
		         "%dx%d taps, %d pictures %dx%dx%d to %d, pad %d %d %d %d", s->taps,
		         s->taps, s->n, s->C, s->H, s->W, s->O, s->pad[0], s->pad[1], s->pad[2],
		         s->pad[3]);
		tests[i] = (struct CMUnitTest){
			.name = names[i], .test_func = check_case, .initial_state = (void *)s};
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
