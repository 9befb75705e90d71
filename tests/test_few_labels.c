/* SPDX-License-Identifier: MIT
 *
 * test_few_labels.c -- semi-supervised learning: faults that would not crash but give wrong
 * results.
 */
#include "runs.h"

#include "ganymede/data.h"
#include "ganymede/nn.h"
#include "score/score.h"
#include "use/saved_run.h"

enum { BATCH = 20, SIDE = 12, CLASSES = 10 };

#define SMALL                                                                                      \
	"data=glyphs", "size=12", "width=64", "batch=20", "nz=8", "monitors=no", "ema=0",          \
		"start=100"

/* Salimans & Kingma 2016, section 3: on the examples that the start has seen, each unit has mean 0
 * and variance 1. */
static void a_start_makes_units_standard(void **state)
{
	(void)state;
	enum { N = 50, IN = 6, H = 7, OUT = 3 };
	gm_graph *g = gm_graph_new(&(gm_graph_options){.seed = 4});
	gm_net *n = gm_net_create(g, "D", .seed = 1);
	gm_node *x = gm_input(g, "x", GM_SHAPE(N, IN), GM_F32), *start[4];
	gm_weight_normed(n, "b", gm_relu(gm_weight_normed(n, "a", x, H, true, start)), OUT, false,
	                 start + 2);
	gm_node *h = gm_weight_normed(n, "a", x, H, true, NULL),
		*y = gm_weight_normed(n, "b", gm_relu(h), OUT, false, NULL);
	gm_step *begin = gm_compile_nodes(g, start, 4, NULL), *run = gm_compile(g, h, y);
	assert_true(begin && run);
	float in[N * IN], out[N * H];
	gm_rng r = gm_rng_new(2, 0);
	for (int i = 0; i < N * IN; i++)
		in[i] = (float)(3 + 2 * gm_rng_normal(&r));
	gm_set_f32(x, in, N * IN);
	gm_step_run(begin);
	gm_step_run(run);
	for (int layer = 0; layer < 2; layer++) {
		const int width = layer ? OUT : H;
		gm_step_read(run, layer ? y : h, out, N * width);
		for (int k = 0; k < width; k++) {
			double sum = 0, square = 0;
			for (int i = 0; i < N; i++)
				sum += out[i * width + k],
					square += (double)out[i * width + k] * out[i * width + k];
			assert_float_equal(sum / N, 0, 1e-4);
			assert_float_equal(square / N, 1, 1e-3);
		}
	}
	/* only the last layer's scale is trained */
	gm_node *param[8];
	assert_int_equal(gm_net_params(n, "*/scale", param, 8), 1);
	gm_net_free(n);
	gm_graph_free(g);
}

/* The logit of "generated" is 0, so what the monitors call D is Z / (Z + 1): its logit is log Z. */
static void d_has_no_logit_of_its_own(void **state)
{
	(void)state;
	static float x[BATCH * SIDE * SIDE], logit[BATCH * CLASSES], d[BATCH];
	gm_error err = {0};
	gm_saved *s = TRAINED("improved-gan", SMALL, "steps=3");
	gm_rng r = gm_rng_new(2, 0);
	for (int i = 0; i < BATCH * SIDE * SIDE; i++)
		x[i] = (float)(2 * gm_rng_uniform(&r) - 1);
	const void *in[] = {x};
	must(gm_saved_apply(s, "classify", in, BATCH, 0, logit, &err) &&
	             gm_saved_apply(s, "discriminate", in, BATCH, 0, d, &err),
	     &err);
	for (int i = 0; i < BATCH; i++) {
		double z = 0;
		for (int k = 0; k < CLASSES; k++)
			z += exp(logit[i * CLASSES + k]);
		assert_float_equal(d[i], log(z), 1e-4);
	}
	/* without noise: the same twice */
	static float again[BATCH * CLASSES];
	must(gm_saved_apply(s, "classify", in, BATCH, 9, again, &err), &err);
	assert_memory_equal(logit, again, sizeof logit);
	gm_saved_free(s);
}

static double errors_of(const char *const *more)
{
	enum { N = 500 };
	static float x[N * SIDE * SIDE], logit[N * CLASSES];
	static int32_t label[N];
	gm_error err = {0};
	gm_saved *s = TRAINED("improved-gan", SMALL, "batch=50", "width=128", "noise=.3", "ema=.99",
	                      "steps=600", "labels-per-class=2", more[0], more[1]);
	gm_dataset *d =
		gm_data_open("glyphs", &(gm_data_options){.size = SIDE, .split = "test"}, &err);
	must(d && gm_data_batch(d, 1, 0, N, x, label, &err) &&
	             gm_saved_apply(s, "classify", (const void *[]){x}, N, 0, logit, &err),
	     &err);
	int wrong = 0;
	for (int i = 0; i < N; i++) {
		int best = 0;
		for (int k = 0; k < CLASSES; k++)
			best = logit[i * CLASSES + k] > logit[i * CLASSES + best] ? k : best;
		wrong += best != label[i];
	}
	gm_data_close(d);
	gm_saved_free(s);
	return (double)wrong / N;
}

/* With the unlabelled and the generated examples there are fewer errors than with 20 labels alone.
 */
static void the_unlabelled_help(void **state)
{
	(void)state;
	const double both = errors_of((const char *const[]){"unlabelled=1", "seed=1"}),
		     alone = errors_of((const char *const[]){"unlabelled=0", "seed=1"});
	print_message("errors: %.3f; labels alone %.3f\n", both, alone);
	assert_true(both < alone - .05 && both < .45);
}

/* Of the newest run, in percent. */
static double accuracy_of(const gm_score_options *o)
{
	gm_error err = {0};
	gm_scores scores = {0};
	gm_saved *s = gm_saved_open(last_run, NULL, &err);
	gm_scorer *c = s ? gm_scorer_open(gm_saved_inside(s), o, &err) : NULL;
	must(c && gm_scorer_score(c, &scores, &err), &err);
	const double v = scores.row[0].value;
	gm_scorer_free(c);
	gm_saved_free(s);
	return v;
}

/* Scores go by averages, or with raw by the weights themselves; an ensemble of a run with itself is
 * that run. */
static void scores_of_weights_and_ensembles(void **state)
{
	(void)state;
	char first[PATH_MAX];
	gm_saved_free(TRAINED("improved-gan", SMALL, "ema=.999", "steps=200"));
	snprintf(first, sizeof first, "%s", last_run);
	gm_score_options o = {.metrics = "accuracy", .extractor = "pixels", .count = 400};
	const double average = accuracy_of(&o);
	o.raw = true;
	const double raw = accuracy_of(&o);
	print_message("accuracy %.4f; of the weights themselves %.4f\n", average, raw);
	assert_true(raw != average);
	o.raw = false, o.ensemble = first;
	assert_true(accuracy_of(&o) == average);
	gm_saved_free(TRAINED("improved-gan", SMALL, "seed=5", "steps=3"));
	const double both = accuracy_of(&o);
	o.ensemble = NULL;
	assert_true(accuracy_of(&o) != both);
	gm_error err = {0};
	gm_saved_free(TRAINED("improved-gan", "data=shapes", "size=12", "width=16", "batch=4",
	                      "start=8", "steps=1", "monitors=no"));
	gm_saved *s = gm_saved_open(last_run, NULL, &err);
	o.ensemble = first;
	gm_scorer *c = gm_scorer_open(gm_saved_inside(s), &o, &err);
	gm_scores scores = {0};
	assert_false(c && gm_scorer_score(c, &scores, &err));
	assert_non_null(strstr(err.message, "ensemble"));
	gm_scorer_free(c);
	gm_saved_free(s);
}

/* What a run learns from may be little; it is scored on the whole of the other split. */
static void few_examples_are_for_training(void **state)
{
	(void)state;
	gm_error err = {0};
	gm_scores scores = {0};
	gm_saved *s = TRAINED("classifier", "data=glyphs", "size=12", "width=4", "batch=8",
	                      "steps=2", "per-class=2");
	gm_scorer *c = gm_scorer_open(
		gm_saved_inside(s),
		&(gm_score_options){.metrics = "accuracy", .extractor = "pixels", .count = 300},
		&err);
	must(c && gm_scorer_score(c, &scores, &err), &err);
	assert_non_null(strstr(scores.row[0].note, "errors in 300 of the test"));
	gm_scorer_free(c);
	gm_saved_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_start_makes_units_standard),
		cmocka_unit_test(d_has_no_logit_of_its_own),
		cmocka_unit_test(the_unlabelled_help),
		cmocka_unit_test(scores_of_weights_and_ensembles),
		cmocka_unit_test(few_examples_are_for_training),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
