/* SPDX-License-Identifier: MIT
 *
 * test_project.c -- projection onto the images of a generator: by a network, by L-BFGS, and by
 * both.
 */
#include "runs.h"

#include "base/file.h"
#include "use/project.h"
#include "use/search.h"

enum { SIDE = 16, NUMEL = SIDE * SIDE, N = 12, NZ = 4 };

static float truth[N * NUMEL], y[N * NUMEL], again[N * NUMEL], z[N * NZ];
static double rmse[4][N];
static char g_run[PATH_MAX];

static gm_saved *generator(void)
{
	gm_saved *s = TRAINED("dcgan", "data=shapes", "channels=1", "size=16", "nz=4", "width=8",
	                      "batch=16", "steps=150", "lr=2e-3", "monitors=no");
	snprintf(g_run, sizeof g_run, "%s", last_run);
	return s;
}

static gm_project_options defaults(int how)
{
	gm_project_options o;
	gm_action_reset(gm_project_rows, &o);
	o.how = how;
	return o;
}

static double mean(const double *v)
{
	double sum = 0;
	for (int i = 0; i < N; i++)
		sum += v[i] / N;
	return sum;
}

/* Of the generator's own samples the hybrid finds the latents nearly exactly, and never has a
 * larger error than the network it starts from; the network learnt something; more starts are not
 * worse; the errors are those of the images that "generate" draws from the latents. The run of the
 * network has the frozen generator. */
static void three_ways(void **state)
{
	(void)state;
	gm_error err = {0};
	char of[PATH_MAX + 4];
	gm_saved *g = generator();
	must(gm_saved_draw(g, &(gm_samples){.seed = 1000, .n = N}, truth, &err), &err);
	snprintf(of, sizeof of, "of=%s", g_run);
	gm_saved *p = TRAINED("projection", "data=shapes", "channels=1", "size=16", "width=8",
	                      "batch=16", "steps=150", "lr=2e-3", "monitors=no", of);
	assert_true(last_of("error") > 0);
	for (int how = GM_PROJECT_NETWORK; how <= GM_PROJECT_HYBRID; how++) {
		const gm_project_options o = defaults(how);
		must(gm_project(p, &o, truth, N, z, y, rmse[how], &err), &err);
		must(gm_saved_apply(g, "generate", (const void *[]){z}, N, 0, again, &err), &err);
		for (int i = 0; i < N; i++) {
			double sum = 0;
			for (int j = i * NUMEL; j < (i + 1) * NUMEL; j++) {
				assert_float_equal(y[j], again[j], 1e-4);
				sum += pow(y[j] - (double)truth[j], 2) / NUMEL;
			}
			assert_float_equal(rmse[how][i], sqrt(sum), 1e-4);
		}
	}
	print_message("RMSE: network %.4f, optimisation %.4f, hybrid %.4f\n", mean(rmse[1]),
	              mean(rmse[2]), mean(rmse[3]));
	for (int i = 0; i < N; i++)
		assert_true(rmse[3][i] <= rmse[1][i] + 1e-6);
	assert_true(mean(rmse[3]) < .02 && mean(rmse[3]) <= mean(rmse[2]));
	gm_project_options o = defaults(GM_PROJECT_OPTIMISATION);
	o.starts = 4;
	must(gm_project(g, &o, truth, N, z, NULL, rmse[0], &err), &err);
	for (int i = 0; i < N; i++)
		assert_true(rmse[0][i] <= rmse[2][i] + 1e-6);
	/* AUTO: what the run can do */
	o = defaults(GM_PROJECT_AUTO);
	must(gm_project_choose(g, &o, &err), &err);
	assert_int_equal(o.how, GM_PROJECT_OPTIMISATION);
	o.how = GM_PROJECT_AUTO;
	must(gm_project_choose(p, &o, &err), &err);
	assert_int_equal(o.how, GM_PROJECT_HYBRID);
	o.how = GM_PROJECT_HYBRID;
	assert_false(gm_project_choose(g, &o, &err));
	assert_non_null(strstr(err.message, "ganymede train projection"));

	/* The frozen generator is the same function, and its discriminator is there too. */
	err = (gm_error){0};
	float d[N];
	must(gm_saved_apply(p, "generate", (const void *[]){z}, N, 0, y, &err), &err);
	must(gm_saved_apply(g, "generate", (const void *[]){z}, N, 0, again, &err), &err);
	for (int j = 0; j < N * NUMEL; j++)
		assert_float_equal(y[j], again[j], 1e-5);
	must(gm_saved_apply(p, "discriminate", (const void *[]){truth}, N, 0, d, &err), &err);
	gm_saved_free(p);
	gm_saved_free(g);
}

/* Errors: of a run without images, of data of another size, of an aim that is no run. */
static void refused(void **state)
{
	(void)state;
	gm_error err = {0};
	gm_project_options o = defaults(GM_PROJECT_AUTO);
	gm_saved *points = TRAINED("gan", "data=ring8", "width=8", "batch=8", "steps=1");
	assert_false(gm_project(points, &o, truth, 1, z, NULL, NULL, &err));
	assert_non_null(strstr(err.message, "generates images"));
	gm_saved_free(points);
	static const char *const sets[] = {"data=shapes", "data=glyphs"};
	gm_saved_free(generator());
	for (int i = 0; i < 2; i++) {
		char of[PATH_MAX + 4];
		gm_settings s;
		snprintf(of, sizeof of, "of=%s", i ? "nowhere" : g_run);
		set_options(
			&s, "projection",
			(const char *const[]){sets[i], "size=32", "batch=4", "steps=1", of, NULL});
		gm_train_call call = {.settings = &s};
		err = (gm_error){0};
		assert_false(gm_train(&call, &err));
		assert_non_null(strstr(err.message, i ? "nowhere" : "--size"));
		gm_settings_free(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_ways),
		cmocka_unit_test(refused),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
