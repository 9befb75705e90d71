/* SPDX-License-Identifier: MIT
 *
 * test_fair.c -- vfae, fair-gan and their metrics, on a table in which one number says the
 * sensitive feature and another one the label.
 */
#include "scores.h"

#include "ganymede/data.h"
#include "ganymede/nn.h"

/* ---- the discrepancy ------------------------------------------------------------------------- */

/* The mean of the estimates by random features is the discrepancy by the kernel itself. */
static void mmd_is_that_of_the_kernel(void **state)
{
	(void)state;
	enum { M = 12, D = 2, RUNS = 400 };
	const double gamma = 3;
	double z[M * D], s[M], want = 0, n[2] = {0}, got = 0, squares = 0;
	gm_rng rng = gm_rng_new(3, 0);
	for (int i = 0; i < M; i++) {
		s[i] = i % 3 == 0;
		n[i % 3 == 0]++;
		for (int k = 0; k < D; k++)
			z[i * D + k] = gm_rng_normal(&rng) + (k == 0 ? s[i] : 0);
	}
	for (int i = 0; i < M; i++)
		for (int j = 0; j < M; j++) {
			const double d =
				pow(z[i * D] - z[j * D], 2) + pow(z[i * D + 1] - z[j * D + 1], 2);
			const double a = s[i] > 0 ? 1 / n[1] : -1 / n[0],
				     b = s[j] > 0 ? 1 / n[1] : -1 / n[0];
			want += a * b * exp(-d / gamma);
		}
	gm_graph *g = gm_graph_new(&(gm_graph_options){.real = GM_F64, .seed = 1});
	gm_node *x = gm_array(g, z, GM_SHAPE(M, D), GM_F64),
		*group = gm_array(g, s, GM_SHAPE(M, 1), GM_F64);
	gm_node *y = gm_fast_mmd(x, group, 100, gamma),
		*none = gm_fast_mmd(x, gm_full(g, 1, GM_SHAPE(M, 1)), 100, gamma);
	gm_step *step = gm_compile(g, y, none);
	assert_non_null(step);
	for (int i = 0; i < RUNS; i++) {
		gm_step_run(step);
		const double v = gm_step_scalar(step, y);
		got += v / RUNS, squares += v * v / RUNS;
		assert_float_equal(gm_step_scalar(step, none), 0, 0);
	}
	const double error = sqrt((squares - got * got) / RUNS);
	print_message("MMD^2 by features %.4f +- %.4f, by the kernel %.4f\n", got, error, want);
	assert_true(fabs(got - want) < 4 * error && want > 10 * error);
	gm_graph_free(g);
}

/* ---- a table --------------------------------------------------------------------------------- */

static void part(const char *name, int n, uint64_t seed)
{
	char path[PATH_MAX];
	gm_rng rng = gm_rng_new(seed, 0);
	snprintf(path, sizeof path, "%s", scratch_path(name));
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	for (int i = 0; i < n; i++) {
		const int male = gm_rng_uniform(&rng) < .5,
			  y = gm_rng_uniform(&rng) < .3 + .3 * male;
		const double u = gm_rng_normal(&rng) + 3 * male, v = gm_rng_normal(&rng) + 3 * y;
		fprintf(f, "%.4f, %s, %.4f, %.4f, %s\n", u, male ? "Male" : "Female", v,
		        gm_rng_normal(&rng), y ? "yes" : "no");
	}
	fclose(f);
}

static const char *table(void)
{
	static char option[PATH_MAX + 8];
	scratch_place("t/t.names");
	FILE *f = fopen(scratch_path("t/t.names"), "w");
	assert_non_null(f);
	fputs("yes, no.\nu: continuous.\nsex: Female, Male.\nv: continuous.\nw: continuous.\n", f);
	fclose(f);
	part("t/t.data", 3000, 1);
	part("t/t.test", 2000, 2);
	snprintf(option, sizeof option, "data=%s", scratch_path("t"));
	return option;
}

#define QUIET "monitors=no", "grid=1x1", "metrics=", "sensitive=sex"

typedef struct result {
	double accuracy, leakage, kernel, parity;
} result;

static result trained_to(const char *model, const char *weight, const char *steps, const char *lr)
{
	gm_saved *s =
		TRAINED(model, table(), QUIET, "width=24", "nz=4", "batch=100", weight, steps, lr);
	const gm_scores v =
		scores_of(s, (gm_score_options){.metrics = "accuracy,leakage,fairness"});
	const result r = {row(&v, "accuracy")->value, row(&v, "leakage")->value,
	                  row(&v, "leakage-kernel")->value, row(&v, "parity-gap")->value};
	print_message("%s %s: accuracy %.3f, leakage %.3f, on features %.3f, parity gap %.3f\n",
	              model, weight, r.accuracy, r.leakage, r.kernel, r.parity);
	gm_saved_free(s);
	return r;
}

/* Half are male; u finds 93 % of them. What is left in codes is at least what y says: p(male|y) is
 * 2/3 for yes and .36 for no, so .65 of all are found. */
static void the_adversary_removes_the_feature(void **state)
{
	(void)state;
	const result without = trained_to("fair-gan", "beta=0", "steps=1000", "lr=1e-3"),
		     with = trained_to("fair-gan", "beta=2", "steps=1000", "lr=1e-3");
	assert_true(without.kernel > .85 && without.accuracy > .88);
	assert_true(with.kernel < .83 && with.leakage < .7 && with.accuracy > .88);
}

/* p(x|z1,s) reads s, so that z1 need not say it: what y says is left. The discrepancy takes this
 * too, so that predictions depend less on s. */
static void the_discrepancy_removes_the_rest(void **state)
{
	(void)state;
	const result without = trained_to("vfae", "beta=0", "steps=800", "lr=3e-3"),
		     with = trained_to("vfae", "beta=500", "steps=800", "lr=3e-3");
	assert_true(without.accuracy > .9 && with.accuracy > .8);
	assert_true(without.kernel < .7 && with.kernel < .64);
	assert_true(with.parity < .75 * without.parity);
}

/* The sensitive feature's own numbers are not read. */
static void the_feature_is_left_out(void **state)
{
	(void)state;
	gm_error err = {0};
	gm_saved *s = TRAINED("fair-gan", table(), QUIET, "width=8", "nz=3", "steps=5");
	const int64_t numel = gm_saved_facts(s)->numel;
	assert_int_equal(numel, 5); /* u, Female, Male, v, w */
	const float x[4][5] = {
		{.5F, 1, 0, .3F, 0}, {.5F, 0, 1, .3F, 0}, {.6F, 1, 0, .3F, 0}, {.5F, 1, 0, .4F, 0}};
	float z[4][3];
	must(gm_saved_apply(s, "encode", (const void *[]){x}, 4, 0, z[0], &err), &err);
	assert_memory_equal(z[0], z[1], sizeof z[0]);
	assert_memory_not_equal(z[0], z[2], sizeof z[0]);
	assert_memory_not_equal(z[0], z[3], sizeof z[0]);
	gm_saved_free(s);
}

/* Gaps counted here, from the predictions of the run. */
static void gaps_are_counted(void **state)
{
	(void)state;
	enum { N = 2000, W = 5 };
	gm_error err = {0};
	gm_saved *s = TRAINED("fair-gan", table(), QUIET, "width=24", "beta=0", "steps=100");
	static float x[N * W], logit[N * 2];
	static int32_t y[N], group[N];
	gm_dataset *d = gm_data_open(scratch_path("t"), &(gm_data_options){.split = "test"}, &err);
	must(d && gm_data_batch(d, 0, 0, N, x, y, &err) &&
	             gm_data_read(d, gm_data_field(d, "sex"), 0, 0, N, group, &err),
	     &err);
	must(gm_saved_apply(s, "classify", (const void *[]){x}, N, 0, logit, &err), &err);
	double of[2][2] = {{0}}, yes[2][2] = {{0}};
	for (int i = 0; i < N; i++) { /* class 0 is yes, the rarer one */
		of[group[i]][y[i] == 0]++;
		yes[group[i]][y[i] == 0] += logit[2 * i] >= logit[2 * i + 1];
	}
	double rate[2], gap = 0;
	for (int g = 0; g < 2; g++)
		rate[g] = (yes[g][0] + yes[g][1]) / (of[g][0] + of[g][1]);
	for (int k = 0; k < 2; k++)
		gap += fabs(yes[0][k] / of[0][k] - yes[1][k] / of[1][k]) / 2;
	const gm_scores v = scores_of(s, (gm_score_options){.metrics = "fairness"});
	assert_float_equal(row(&v, "parity-gap")->value, fabs(rate[0] - rate[1]), 1e-9);
	assert_float_equal(row(&v, "parity-ratio")->value,
	                   fmin(rate[0], rate[1]) / fmax(rate[0], rate[1]), 1e-9);
	assert_float_equal(row(&v, "odds-gap")->value, gap, 1e-9);
	assert_true(fabs(rate[0] - rate[1]) > .1);
	gm_data_close(d);
	gm_saved_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mmd_is_that_of_the_kernel),
		cmocka_unit_test(the_adversary_removes_the_feature),
		cmocka_unit_test(the_discrepancy_removes_the_rest),
		cmocka_unit_test(the_feature_is_left_out),
		cmocka_unit_test(gaps_are_counted),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
