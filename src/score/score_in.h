/* SPDX-License-Identifier: MIT
 *
 * score/score_in.h -- the inside of a scorer, for score.c and the files of metrics beside it. */
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
	gm_side *real;     /* data as the run learned from it, without flips and crops */
	gm_side *fake;     /* samples, or NULL where the run draws none */
	gm_dataset *test;  /* the test part, once a metric asked for it */
	gm_dataset *train; /* the training part */
	gm_seen real_seen, fake_seen;
	unsigned look; /* what the metrics need to see */
	bool real_looked, fake_looked;
	bool other_data; /* the real side is not what the run was trained on */
	json_t *protocol;
	const gm_metric *now; /* the metric that runs */
};

/* A row of the table in score.c. */
struct gm_metric {
	const char *name, *about;
	bool (*run)(gm_scorer *c, gm_scores *s, gm_error *err);
	unsigned look; /* GM_LOOK_* of both sides */
	bool real;     /* looks at real examples through the extractor as well */
	bool samples;  /* needs an endpoint that draws */
	bool pictures; /* does not take points */
	bool part;     /* scores one part of the data: the test part, or what option split says */
	const char *endpoint[2]; /* needs the first of these that the model has; NULL: none */
};

bool gm_scorer_look(gm_scorer *c, bool real, gm_error *err);
/* The endpoint that the metric goes by: that of option endpoint, where it is a variant of one that the metric can use. */
gm_run_endpoint *gm_scorer_endpoint(const gm_scorer *c, const gm_metric *m);
/* Examples of each side: the count asked for, or what there is. */
int64_t gm_scorer_count(const gm_scorer *c);
/* The test (or training) part of the run's data, opened once. */
gm_dataset *gm_scorer_part(gm_scorer *c, bool test, gm_error *err);
/* "test", or what option split says: the part that a metric with .part scores. */
const char *gm_scorer_scored(const gm_scorer *c);
/* The error of a run that a call of its endpoints left. */
bool gm_scorer_trouble(gm_scorer *c, gm_error *err);

/* score_pictures.c */
bool gm_metric_msssim(gm_scorer *c, gm_scores *s, gm_error *err);
bool gm_metric_swd(gm_scorer *c, gm_scores *s, gm_error *err);
bool gm_metric_parzen(gm_scorer *c, gm_scores *s, gm_error *err);
bool gm_metric_modes(gm_scorer *c, gm_scores *s, gm_error *err);
bool gm_metric_nearest(gm_scorer *c, gm_scores *s, gm_error *err);
/* score_ends.c */
bool gm_metric_accuracy(gm_scorer *c, gm_scores *s, gm_error *err);
bool gm_metric_code_error(gm_scorer *c, gm_scores *s, gm_error *err);
bool gm_metric_nll(gm_scorer *c, gm_scores *s, gm_error *err);
bool gm_metric_nn(gm_scorer *c, gm_scores *s, gm_error *err);
bool gm_metric_svm(gm_scorer *c, gm_scores *s, gm_error *err);
bool gm_metric_reconstruction(gm_scorer *c, gm_scores *s, gm_error *err);
bool gm_metric_psnr(gm_scorer *c, gm_scores *s, gm_error *err);

#endif
