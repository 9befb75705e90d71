/* SPDX-License-Identifier: MIT
 *
 * score/score_in.h -- internal structs of a scorer, for score.c and the metrics. */
#ifndef GM_SCORE_SCORE_IN_H
#define GM_SCORE_SCORE_IN_H

#include "run/run.h"
#include "score/score.h"

typedef struct gm_metric gm_metric;

struct gm_scorer {
	gm_run *r;
	gm_score_options o;
	const gm_metric *wanted[32];
	int metrics;
	gm_extractor *x;
	gm_sample_source *real; /* the training data, without flips and crops */
	gm_sample_source *fake; /* samples, or NULL if the run does not generate any */
	gm_dataset *test;       /* the test split, opened when needed */
	gm_dataset *train;      /* the training split */
	gm_extracted real_seen, fake_seen;
	unsigned look; /* GM_EXTRACT_* flags needed by the metrics */
	bool real_looked, fake_looked;
	bool draws;      /* a metric needs samples */
	bool other_data; /* the real side is not the training data */
	json_t *protocol;
	const gm_metric *now; /* the current metric */
};

/* A row of the table in score.c. */
struct gm_metric {
	const char *name, *about;
	bool (*run)(gm_scorer *c, gm_scores *s, gm_error *err);
	unsigned look; /* GM_EXTRACT_* of both sides */
	bool real;     /* also needs features of real examples */
	bool samples;  /* draws samples, of a sampling endpoint */
	bool pictures; /* not for points */
	bool part;     /* scores one split: test, or option split */
	/* needs one of these endpoints; uses the first that the model has; NULL: none */
	const char *endpoint[2];
};

bool gm_scorer_look(gm_scorer *c, bool real, gm_error *err);
/* The endpoint of the metric: that of option endpoint, if it is a variant of one that the metric
 * uses. */
gm_run_endpoint *gm_scorer_endpoint(const gm_scorer *c, const gm_metric *m);
/* Number of examples of each side: option count, or all there are. */
int64_t gm_scorer_count(const gm_scorer *c);
/* The test (or training) split of the run's data, opened once. */
gm_dataset *gm_scorer_part(gm_scorer *c, bool test, gm_error *err);
/* "test", or option split: the split that a metric with .part scores. */
const char *gm_scorer_scored(const gm_scorer *c);
bool gm_scorer_scores_other(const gm_scorer *c); /* not train */
/* Moves the run's error after a call of an endpoint to err. */
bool gm_scorer_trouble(gm_scorer *c, gm_error *err);

/* score_pictures.c */
bool gm_metric_msssim(gm_scorer *c, gm_scores *s, gm_error *err);
bool gm_metric_swd(gm_scorer *c, gm_scores *s, gm_error *err);
bool gm_metric_parzen(gm_scorer *c, gm_scores *s, gm_error *err);
bool gm_metric_modes(gm_scorer *c, gm_scores *s, gm_error *err);
bool gm_metric_nearest(gm_scorer *c, gm_scores *s, gm_error *err);
/* gam.c */
bool gm_metric_gam(gm_scorer *c, gm_scores *s, gm_error *err);
/* score_text.c */
bool gm_metric_captions(gm_scorer *c, gm_scores *s, gm_error *err);
bool gm_metric_retrieval(gm_scorer *c, gm_scores *s, gm_error *err);
/* score_fair.c */
bool gm_metric_fairness(gm_scorer *c, gm_scores *s, gm_error *err);
bool gm_metric_leakage(gm_scorer *c, gm_scores *s, gm_error *err);
/* svm.c */
int64_t gm_svm_draws(const gm_score_options *o);
bool gm_metric_svm(gm_scorer *c, gm_scores *s, gm_error *err);
/* score_act.c */
bool gm_metric_return(gm_scorer *c, gm_scores *s, gm_error *err);
/* score_ends.c */
bool gm_metric_accuracy(gm_scorer *c, gm_scores *s, gm_error *err);
bool gm_metric_code_error(gm_scorer *c, gm_scores *s, gm_error *err);
bool gm_metric_k_means(gm_scorer *c, gm_scores *s, gm_error *err);
bool gm_metric_nll(gm_scorer *c, gm_scores *s, gm_error *err);
bool gm_metric_bits(gm_scorer *c, gm_scores *s, gm_error *err);
bool gm_metric_frames(gm_scorer *c, gm_scores *s, gm_error *err);
/* score_forecast.c */
bool gm_metric_forecast(gm_scorer *c, gm_scores *s, gm_error *err);
bool gm_metric_free_energy(gm_scorer *c, gm_scores *s, gm_error *err);
bool gm_metric_ais(gm_scorer *c, gm_scores *s, gm_error *err);
bool gm_metric_nn(gm_scorer *c, gm_scores *s, gm_error *err);
bool gm_metric_reconstruction(gm_scorer *c, gm_scores *s, gm_error *err);
bool gm_metric_approx_parzen(gm_scorer *c, gm_scores *s, gm_error *err);
bool gm_metric_psnr(gm_scorer *c, gm_scores *s, gm_error *err);

#endif
