/* SPDX-License-Identifier: MIT
 *
 * test_gam.c -- the generative adversarial metric on cases with a known result: a run and itself, a
 * trained and an untrained run, two runs in both orders.
 */
#include "runs.h"

#include "ganymede/data.h"
#include "score/score.h"
#include "use/saved_run.h"

enum { N = 500 };

typedef struct pair {
	double test, samples;
	char note[96], warning[600];
} pair;

static pair compare(const char *first, const char *second)
{
	gm_error err = {0};
	gm_scores scores = {0};
	gm_saved *s = gm_saved_open(first, NULL, &err);
	const gm_score_options o = {
		.metrics = "gam", .count = N, .checkpoint = first, .against = second};
	gm_scorer *c = s ? gm_scorer_open(gm_saved_inside(s), &o, &err) : NULL;
	must(c && gm_scorer_score(c, &scores, &err), &err);
	pair p = {scores.row[0].value, scores.row[1].value, "", ""};
	snprintf(p.note, sizeof p.note, "%s", scores.row[1].note);
	snprintf(p.warning, sizeof p.warning, "%s", scores.warning);
	gm_scorer_free(c);
	gm_saved_free(s);
	return p;
}

static void train_to(char *path, const char *steps, const char *seed)
{
	gm_saved *s =
		TRAINED("gan", "data=ring8", "width=32", "batch=64", "monitors=no", steps, seed);
	snprintf(path, PATH_MAX, "%s", gm_saved_path(s));
	gm_saved_free(s);
}

/* Errors of D on x [N, 2], from the endpoint: of real examples those with a logit of 0 or less, of
 * samples the others. */
static int errors(gm_saved *s, const float *x, bool real)
{
	static float y[N];
	gm_error err = {0};
	int n = 0;
	must(gm_saved_apply(s, "discriminate", (const void *[]){x}, N, 0, y, &err), &err);
	for (int i = 0; i < N; i++)
		n += real ? y[i] <= 0 : y[i] > 0;
	return n;
}

static void known_results(void **state)
{
	(void)state;
	char trained[PATH_MAX], other[PATH_MAX], fresh[PATH_MAX];
	train_to(trained, "steps=400", "seed=1");
	train_to(other, "steps=400", "seed=2");
	train_to(fresh, "steps=0", "seed=3");
	pair p = compare(trained, trained);
	assert_true(p.test == 1 && p.samples == 1);
	assert_non_null(strstr(p.note, "a tie"));
	assert_string_equal(p.warning, "");

	/* The trained D rejects what an untrained G makes. */
	p = compare(trained, fresh);
	assert_true(p.samples < .5);
	assert_non_null(strstr(p.note, "RUN1 wins"));
	pair back = compare(fresh, trained);
	assert_non_null(strstr(back.note, "RUN2 wins"));
	assert_float_equal(p.samples * back.samples, 1, 1e-9);
	assert_float_equal(p.test * back.test, 1, 1e-9);

	/* The ratios are those of the errors counted here, plus a half. */
	static float x[2][N * 2], real[N * 2];
	gm_error err = {0};
	gm_saved *s[2] = {gm_saved_open(trained, NULL, &err), gm_saved_open(other, NULL, &err)};
	gm_dataset *d = gm_data_open("ring8", &(gm_data_options){.split = "test", .seed = 1}, &err);
	must(s[0] && s[1] && d && gm_data_batch(d, 0, 0, N, real, NULL, &err), &err);
	for (int i = 0; i < 2; i++)
		must(gm_saved_draw(s[i], &(gm_samples){.n = N}, x[i], &err), &err);
	p = compare(trained, other);
	assert_float_equal(p.samples,
	                   (errors(s[0], x[1], false) + .5) / (errors(s[1], x[0], false) + .5),
	                   1e-9);
	assert_true(p.test > .2 && p.test < 5);
	gm_data_close(d);
	gm_saved_free(s[0]), gm_saved_free(s[1]);
}

/* What cannot be compared is refused. */
static void refusals(void **state)
{
	(void)state;
	static const char *const needs[][3] = {{"gan", "pack=1", "RUN1 RUN2"},
	                                       {"vae", "layers=1", "discriminate"},
	                                       {"gan", "pack=2", "packs"}};
	for (int i = 0; i < 3; i++) {
		gm_error err = {0};
		gm_scores scores = {0};
		gm_saved *s = TRAINED(needs[i][0], "data=ring8", "batch=8", "width=8", "steps=1",
		                      "monitors=no", needs[i][1]);
		const gm_score_options o = {.metrics = "gam",
		                            .count = 8,
		                            .checkpoint = gm_saved_path(s),
		                            .against = i ? gm_saved_path(s) : NULL};
		gm_scorer *c = gm_scorer_open(gm_saved_inside(s), &o, &err);
		assert_int_equal(c != NULL, i > 0); /* what needs no second run is seen at once */
		assert_false(c && gm_scorer_score(c, &scores, &err));
		if (!strstr(err.message, needs[i][2]))
			fail_msg("%s", err.message);
		gm_scorer_free(c);
		gm_saved_free(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_results),
		cmocka_unit_test(refusals),
	};
	return cmocka_run_group_tests_name("gam", tests, scratch_make, scratch_remove);
}
