/* SPDX-License-Identifier: MIT
 *
 * test_aae_categorical.c -- black-box tests of adversarial autoencoders with classes: which nets
 * each of the losses updates; that unlabelled examples help beside few labels; and that clusters
 * agree with classes.
 */
#include "runs.h"

#include "score/score.h"
#include "use/saved_run.h"

#define SMALL "size=12", "batch=16", "width=16", "nz=3", "labels-per-class=2"

static void each_loss_moves_its_own(void **state)
{
	(void)state;
	static const char *const net[] = {"E/", "P/", "D/", "D2/"};
	static const struct {
		const char *recon, *game, *d, *class;
		unsigned moves;
	} rows[] = {{"lr-recon=.1", "lr=0", "lr-d=0", "lr-class=0", 3},
	            {"lr-recon=0", "lr=.1", "lr-d=0", "lr-class=0", 1},
	            {"lr-recon=0", "lr=0", "lr-d=.1", "lr-class=0", 12},
	            {"lr-recon=0", "lr=0", "lr-d=0", "lr-class=.1", 1}};
	gm_saved *start = TRAINED("aae-categorical", SMALL, "steps=0");
	for (int i = 0; i < 4; i++) {
		gm_saved *s = TRAINED("aae-categorical", SMALL, "steps=2", rows[i].recon,
		                      rows[i].game, rows[i].d, rows[i].class);
		const unsigned moved = moved_nets(start, s, net, 4);
		if (moved != rows[i].moves)
			fail_msg("row %d moves %x", i, moved);
		gm_saved_free(s);
	}
	gm_saved_free(start);
}

#define LARGER                                                                                     \
	"size=12", "batch=50", "width=256", "optimiser=adam", "rate=constant", "steps=700",        \
		"sample-every=700"

/* Of the newest run, on 1,000 test examples. */
static double score_of(const char *metric)
{
	gm_error err = {0};
	gm_scores scores = {0};
	gm_saved *s = gm_saved_open(last_run, NULL, &err);
	gm_scorer *c =
		s ? gm_scorer_open(gm_saved_inside(s),
	                           &(gm_score_options){.metrics = metric, .count = 1000}, &err)
		  : NULL;
	must(c && gm_scorer_score(c, &scores, &err), &err);
	gm_scorer_free(c);
	gm_saved_free(s);
	return scores.row[0].value;
}

/* Without the two other losses of E only the labelled examples train it. Measured: .81 and .69. */
static void the_unlabelled_help(void **state)
{
	(void)state;
	gm_saved_free(TRAINED("aae-categorical", LARGER, "lr-class=1e-3", "labels-per-class=5",
	                      "lr-recon=1e-3", "lr=1e-3", "lr-d=1e-3"));
	const double both = score_of("accuracy");
	gm_saved_free(TRAINED("aae-categorical", LARGER, "lr-class=1e-3", "labels-per-class=5",
	                      "lr-recon=0", "lr=0", "lr-d=0"));
	const double alone = score_of("accuracy");
	print_message("accuracy: %.3f; labels alone %.3f\n", both, alone);
	assert_true(both > alone + .05);
}

/* 20 clusters; a cluster for each example at random has an error of .9. */
static void clusters_agree_with_classes(void **state)
{
	(void)state;
	gm_saved_free(TRAINED("aae-categorical", LARGER, "task=clustering", "categories=20",
	                      "lr-recon=1e-3", "lr=5e-4", "lr-d=5e-4"));
	const double error = score_of("code-error");
	print_message("error of 20 clusters: %.3f\n", error);
	assert_true(error < .6);
	/* few clusters are empty: without noise on D's inputs 1.4, at most log 20 = 3.0 */
	assert_true(last_of("class_each") < .6 * last_of("class_mean"));
	assert_true(last_of("class_mean") > 2.2 && last_of("class_mean") < log(20));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_loss_moves_its_own),
		cmocka_unit_test(the_unlabelled_help),
		cmocka_unit_test(clusters_agree_with_classes),
	};
	return cmocka_run_group_tests_name("aae_categorical", tests, scratch_make, scratch_remove);
}
