/* SPDX-License-Identifier: MIT
 *
 * test_dense.c -- products as a linear layer has them (dense.h) against their definition in double:
 * every way of lying, panels and tiles that are not full, each axis cut, for two threads and for
 * five; and the same bits every time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/machine.h"
#include "graph/plan.h"
#include "oracle.h"

/* Sizes of op(a) op(b), and the axis that is cut. */
typedef struct shapes {
	int64_t M, N, K;
	bool ta, tb;
	const char *kind;
} shapes;

static const shapes cases[] = {
	{64, 100, 70, false, true, "by columns"}, {64, 100, 300, false, true, "by rows"},
	{512, 33, 40, false, true, "by rows"},    {200, 50, 31, false, true, "by rows"},
	{64, 90, 100, false, false, "by sums"},   {301, 47, 29, false, false, "by rows"},
	{120, 95, 64, true, false, "by rows"},    {40, 100, 300, true, false, "by sums"},
	{128, 2, 512, true, false, "by sums"},    {512, 1, 128, false, true, "by columns"},
	{1, 128, 512, true, false, "by sums"},    {512, 128, 1, false, false, "by rows"},
	{65, 66, 67, true, true, "by"},           {13, 1500, 18, false, false, "by"},
};

static float *run(gm_node *y, int threads, const char *kind)
{
	int was = gm_thread_limit(threads);
	/* a second, large product beside it: a step as small as these alone would run on one thread
	 */
	gm_node *big = gm_sample_real(y->graph, GM_SHAPE(256, 256), -1, 1);
	gm_node *outputs[] = {y, gm_matmul(big, big, false, false)};
	gm_step *s = gm_compile_nodes(y->graph, outputs, 2, NULL);
	assert_non_null(s);
	int64_t n = gm_node_size(y);
	float *v = malloc((size_t)n * sizeof *v);
	gm_step_run(s);
	assert_true(gm_step_read(s, y, v, n));
	char *profile = gm_step_profile(s), text[64];
	snprintf(text, sizeof text, "matmul %s", kind);
	if (!strstr(profile, text))
		fail_msg("no \"%s\" in\n%s", text, profile);
	free(profile);
	gm_step_free(s);
	gm_thread_limit(was);
	return v;
}

/* Sums of n terms of at most 1 each, in any order, err by at most n u sum|term|. */
static void check_case(void **state)
{
	const shapes *s = *state;
	gm_graph *g[2];
	gm_node *y[2];
	for (int i = 0; i < 2; i++) {
		g[i] = gm_graph_new(&(gm_graph_options){
			.real = i ? GM_F64 : GM_F32, .backend = i ? "ref" : "cpu", .seed = 5});
		gm_shape a = s->ta ? GM_SHAPE(s->K, s->M) : GM_SHAPE(s->M, s->K),
			 b = s->tb ? GM_SHAPE(s->N, s->K) : GM_SHAPE(s->K, s->N);
		y[i] = gm_matmul(gm_sample_real(g[i], a, -1, 1), gm_sample_real(g[i], b, -1, 1),
		                 s->ta, s->tb);
	}
	oracle o = oracle_new(&y[1], 1);
	oracle_run(&o);
	const double *want = oracle_value(&o, y[1]);
	static const int threads[] = {2, 5};
	for (int t = 0; t < 2; t++) {
		float *once = run(y[0], threads[t], s->kind),
		      *twice = run(y[0], threads[t], s->kind);
		for (int64_t i = 0; i < s->M * s->N; i++) {
			if (!(fabs(once[i] - want[i]) <= (double)(s->K * s->K) * 0x1p-24))
				fail_msg("%d threads, element %lld: %.9g, must be %.9g", threads[t],
				         (long long)i, once[i], want[i]);
			assert_true(once[i] == twice[i]);
		}
		free(once);
		free(twice);
	}
	oracle_free(&o);
	for (int i = 0; i < 2; i++)
		gm_graph_free(g[i]);
}

int main(void)
{
	enum { N = sizeof cases / sizeof *cases };
	static char names[N][80];
	struct CMUnitTest tests[N];
	for (int i = 0; i < N; i++) {
		const shapes *s = &cases[i];
		snprintf(names[i], sizeof names[i], "%d x %d, sums of %d, %s%s", (int)s->M,
		         (int)s->N, (int)s->K, s->ta ? "a turned" : "", s->tb ? "b turned" : "");
		tests[i] = (struct CMUnitTest){
			.name = names[i], .test_func = check_case, .initial_state = (void *)s};
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
