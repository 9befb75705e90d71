/* SPDX-License-Identifier: MIT
 *
 * test_codes.c -- conditional models: a label or code determines the output, and a code without an
 * information loss does not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "ganymede/data.h"
#include "runs.h"
#include "score/score.h"
#include "use/saved_run.h"
#include "use/walk.h"

enum { SIDE = 16, NUMEL = SIDE * SIDE, CLASSES = 10 };

/* The mean picture of each class, of 2000 glyphs. */
static void means_of_classes(double mean[CLASSES][NUMEL])
{
	enum { N = 2000 };
	gm_error err = {0};
	gm_dataset *d = gm_data_open("glyphs", &(gm_data_options){.size = SIDE}, &err);
	must(d != NULL, &err);
	float *x = malloc((size_t)N * NUMEL * sizeof *x);
	int32_t label[N], count[CLASSES] = {0};
	must(gm_data_batch(d, 3, 0, N, x, label, &err), &err);
	memset(mean, 0, sizeof(double[CLASSES][NUMEL]));
	for (int i = 0; i < N; i++)
		count[label[i]]++;
	for (int i = 0; i < N; i++)
		for (int j = 0; j < NUMEL; j++)
			mean[label[i]][j] += x[i * NUMEL + j] / count[label[i]];
	free(x);
	gm_data_close(d);
}

/* Which share of samples of class k lies nearest to the mean of class k; and how far samples of one
 * class and different noise are from their mean, a number. */
static double accuracy(gm_saved *s, double *spread)
{
	enum { N = 200 };
	static double mean[CLASSES][NUMEL];
	float *x = malloc((size_t)N * NUMEL * sizeof *x);
	int32_t label[N];
	int right = 0;
	gm_error err = {0};
	means_of_classes(mean);
	for (int i = 0; i < N; i++)
		label[i] = i % CLASSES;
	must(gm_saved_draw(s, &(gm_samples){.seed = 5, .n = N, .label = label}, x, &err), &err);
	for (int i = 0; i < N; i++) {
		double least = INFINITY;
		int best = 0;
		for (int k = 0; k < CLASSES; k++) {
			double d = 0;
			for (int j = 0; j < NUMEL; j++)
				d += pow(x[i * NUMEL + j] - mean[k][j], 2);
			if (d < least)
				least = d, best = k;
		}
		right += best == label[i];
	}
	*spread = 0;
	for (int k = 0; k < CLASSES; k++)
		for (int j = 0; j < NUMEL; j++) {
			double sum = 0, squares = 0, n = N / CLASSES;
			for (int i = k; i < N; i += CLASSES)
				sum += x[i * NUMEL + j], squares += pow(x[i * NUMEL + j], 2);
			*spread += (squares / n - pow(sum / n, 2)) / (CLASSES * NUMEL);
		}
	*spread = sqrt(*spread);
	free(x);
	return (double)right / N;
}

/* What D's second head learned of labels: matched to classes as codes are, its outputs are those
 * classes themselves. */
static void names_labels(gm_saved *s)
{
	gm_error err = {0};
	gm_scorer *c = gm_scorer_open(
		gm_saved_inside(s),
		&(gm_score_options){.metrics = "code-error,accuracy", .count = 500}, &err);
	must(c != NULL, &err);
	gm_scores scores = {0};
	must(gm_scorer_score(c, &scores, &err), &err);
	assert_int_equal(scores.n, 3);
	assert_string_equal(scores.row[0].name, "code-error");
	assert_string_equal(scores.row[1].name, "code-matched");
	assert_true(scores.row[2].value > .8);
	assert_float_equal(scores.row[0].value, 1 - scores.row[2].value, 1e-12);
	assert_float_equal(scores.row[1].value, scores.row[2].value, 1e-12);
	gm_scorer_free(c);
}

/* A G or D that ignores labels gives .1 here, a G that draws one picture of each class 0. */
static void labels_decide_what_is_drawn(void **state)
{
	(void)state;
	static const char *const condition[] = {"condition=concat", "condition=projection",
	                                        "condition=auxiliary"};
	for (int k = 0; k < 3; k++) {
		gm_saved *s = TRAINED("cgan", "size=16", condition[k], "steps=400", "batch=32",
		                      "width=8", "lr=1e-3", "sample-every=400");
		double spread, share = accuracy(s, &spread);
		print_message("%s: %.3f, spread %.3f\n", condition[k], share, spread);
		if (share < .5)
			fail_msg("%s: only %.2f of the samples look like their class", condition[k],
			         share);
		if (spread < .08)
			fail_msg("%s: samples of a class lie only %.3f apart", condition[k],
			         spread);
		if (k == 2)
			names_labels(s);
		gm_saved_free(s);
	}
}

/* The largest change that another label makes to what the endpoint says of the same rest. */
static double change(gm_saved *s, const char *endpoint, const float *x)
{
	gm_port port[4];
	gm_error err = {0};
	int ports = gm_saved_ports(s, endpoint, port, 4), m = (int)gm_saved_batch(s);
	gm_shape shape = gm_saved_shape(s, endpoint);
	int64_t n = 1;
	for (int i = 0; i < shape.rank; i++)
		n *= shape.dim[i];
	int32_t *label = calloc(m, sizeof *label);
	float *y = malloc(2 * n * sizeof *y);
	double most = 0;
	for (int k = 0; k < 2; k++) {
		const void *in[4] = {0};
		for (int i = 0; i < m; i++)
			label[i] = (i + 3 * k) % CLASSES;
		for (int i = 0; i < ports; i++)
			in[i] = port[i].kind == GM_PORT_LABEL  ? (const void *)label
			        : port[i].kind == GM_PORT_DATA ? x
			                                       : NULL;
		must(gm_saved_run(s, endpoint, in, 1, 0, y + k * n, &err), &err);
	}
	for (int64_t i = 0; i < n; i++)
		most = fmax(most, fabs(y[i] - y[n + i]));
	free(label);
	free(y);
	return most;
}

/* Every net and way reads the label in G, and in D unless D has to name it itself. */
static void labels_are_read(void **state)
{
	(void)state;
	static const char *const net[] = {"net=paper", "net=dcgan"};
	static const char *const condition[] = {"condition=concat", "condition=projection",
	                                        "condition=auxiliary"};
	float x[8 * NUMEL];
	for (int i = 0; i < 8 * NUMEL; i++)
		x[i] = (float)sin(i);
	for (int i = 0; i < 6; i++) {
		gm_saved *s = TRAINED("cgan", "size=16", net[i / 3], condition[i % 3], "steps=1",
		                      "batch=8", i / 3 ? "width=4" : NULL);
		if (change(s, "generate", x) < 1e-4)
			fail_msg("%s, %s: G ignores the label", net[i / 3], condition[i % 3]);
		bool told = change(s, "discriminate", x) > 1e-7;
		if (told != (i % 3 < 2))
			fail_msg("%s, %s: D %s the label", net[i / 3], condition[i % 3],
			         told ? "reads" : "ignores");
		assert_true(gm_saved_has(s, "classify") == (i % 3 == 2));
		gm_saved_free(s);
	}
}

/* With the information loss, the bound of the mutual information approaches log 10 = 2.30 nats in a
 * few steps. Without it Q cannot predict the code. */
static void codes_carry_information(void **state)
{
	(void)state;
	double told[2];
	for (int k = 0; k < 2; k++) {
		gm_saved_free(TRAINED("infogan", "size=16", k ? "lambda=1" : "lambda=0",
		                      "steps=300", "batch=32", "width=8", "lr-d=1e-3",
		                      "sample-every=300"));
		told[k] = last_of("information");
	}
	print_message("information: %.3f without weight, %.3f with\n", told[0], told[1]);
	assert_true(told[0] < .3);
	assert_true(told[1] > 1.5);
}

/* Both ends of a way are samples of the seed; between them normal latents keep their length, as
 * the great arc does (by its formula), and others are the mean halfway. */
static void ways_lead_from_sample_to_sample(void **state)
{
	(void)state;
	static const char *const model[] = {"dcgan", "infogan"};
	for (int k = 0; k < 2; k++) {
		gm_saved *s = TRAINED(model[k], "size=16", "steps=1", "batch=3", "width=4");
		gm_error err = {0};
		gm_walk *ends = gm_walk_new(s, 4, 11, &err), *way = gm_walk_new(s, 3, 11, &err);
		must(ends && way, &err);
		float *want = malloc((size_t)4 * NUMEL * sizeof *want);
		float *got = malloc((size_t)3 * NUMEL * sizeof *got);
		for (int i = 0; i < 3; i++)
			gm_walk_between(way, i, ends, 1, 3, i / 2., GM_WAY_USUAL);
		must(gm_saved_draw(s, &(gm_samples){.seed = 11, .n = 4}, want, &err) &&
		             gm_walk_draw(way, got, &err),
		     &err);
		for (int j = 0; j < NUMEL; j++) {
			assert_float_equal(got[j], want[NUMEL + j], 1e-5);
			assert_float_equal(got[2 * NUMEL + j], want[3 * NUMEL + j], 1e-5);
		}
		for (int l = 0; l < gm_walk_latents(ends); l++) {
			int64_t n;
			double aa = 0, bb = 0, ab = 0;
			gm_latent_kind kind;
			gm_walk_name(ends, l, &n, &kind);
			assert_true((kind == GM_LATENT_NORMAL) == (k == 0));
			for (int64_t j = 0; j < n; j++) {
				double a = gm_walk_get(ends, 1, l, j),
				       b = gm_walk_get(ends, 3, l, j);
				aa += a * a, bb += b * b, ab += a * b;
			}
			double c = kind == GM_LATENT_NORMAL ? .5 / cos(acos(ab / sqrt(aa * bb)) / 2)
			                                    : .5;
			for (int64_t j = 0; j < n; j++)
				assert_float_equal(gm_walk_get(way, 1, l, j),
				                   c * (gm_walk_get(ends, 1, l, j) +
				                        gm_walk_get(ends, 3, l, j)),
				                   1e-5);
		}
		free(want);
		free(got);
		gm_walk_free(ends);
		gm_walk_free(way);
		gm_saved_free(s);
	}
}

/* A value of a one-of-K code takes the place of the drawn one, and G sees it. */
static void codes_are_set_one_at_a_time(void **state)
{
	(void)state;
	enum { N = 5 };
	gm_saved *s =
		TRAINED("infogan", "size=16", "steps=1", "batch=3", "width=4", "continuous=1");
	gm_error err = {0};
	gm_walk *w = gm_walk_new(s, N, 11, &err);
	must(w != NULL, &err);
	int c1 = gm_walk_find(w, "c1"), c2 = gm_walk_find(w, "c2");
	assert_true(c1 >= 0 && c2 >= 0 && gm_walk_find(w, "c3") < 0);
	float *x = malloc((size_t)N * NUMEL * sizeof *x);
	for (int i = 0; i < N; i++) {
		if (i)
			gm_walk_copy(w, i, w, 0);
		gm_walk_set(w, i, c1, i < 3 ? i : 2, 1);
		gm_walk_set(w, i, c2, 0, i < 4 ? .5 : -2);
		double sum = 0;
		for (int k = 0; k < CLASSES; k++)
			sum += gm_walk_get(w, i, c1, k);
		assert_float_equal(sum, 1, 0);
		assert_float_equal(gm_walk_get(w, i, c1, i < 3 ? i : 2), 1, 0);
	}
	must(gm_walk_draw(w, x, &err), &err);
	for (int i = 0; i + 1 < N; i++) { /* rows 2 and 3 alone are the same */
		double apart = 0;
		for (int j = 0; j < NUMEL; j++)
			apart = fmax(apart, fabs(x[i * NUMEL + j] - x[(i + 1) * NUMEL + j]));
		assert_true((apart > 1e-5) == (i != 2));
	}
	free(x);
	gm_walk_free(w);
	gm_saved_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(labels_are_read),
		cmocka_unit_test(labels_decide_what_is_drawn),
		cmocka_unit_test(codes_carry_information),
		cmocka_unit_test(ways_lead_from_sample_to_sample),
		cmocka_unit_test(codes_are_set_one_at_a_time),
	};
	return cmocka_run_group_tests_name("codes", tests, scratch_make, scratch_remove);
}
