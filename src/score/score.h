/* SPDX-License-Identifier: MIT
 *
 * score/score.h -- metrics of a run, with their protocols.
 *
 *	gm_scorer *c = gm_scorer_open(run, &(gm_score_options){.metrics = "fid,kid"}, &err);
 *	gm_scores s = {0};
 *	if (gm_scorer_score(c, &s, &err))
 *		for (int i = 0; i < s.n; i++)
 *			printf("%s %g\n", s.row[i].name, s.row[i].value);
 *	gm_scorer_free(c);
 *
 * Features of the real side are computed once and kept, so that a run can be scored repeatedly
 * during training.
 */
#ifndef GM_SCORE_SCORE_H
#define GM_SCORE_SCORE_H

#include <stdio.h>

#include "score/sample_source.h"

/* Zero fields take the default. */
typedef struct gm_score_options {
	const char *metrics;   /* names of metrics, separated by commas */
	const char *extractor; /* default "inception"; for points "pixels" */
	const char *weights;   /* file with the extractor's weights, or NULL */
	const char *outdir;    /* folder of runs, for classifier:RUN */
	/* split of the real side: default the run's ("train"); or "test" or "val" */
	const char *split;
	int64_t count; /* number of samples and of real examples; default 10000, or all there are */
	/* importance samples of nll, draws of approx-parzen, chains of ais; default 100 */
	int64_t samples;
	/* of svm: labelled examples of each class (0: all), and draws of them (default 10) */
	int64_t per_class, draws;
	/* turns of the endpoint that iterates: option endpoint, with the metric ais "log-z", else
	 * "generate"; 0: the model's */
	int64_t turns;
	uint64_t seed;
	const char *temperature; /* of the run, as it was opened; NULL: the checkpoint's */
	/* of samples, as in gm_samples; 0: off */
	double truncation;
	/* batches of gm_saved_stand, for the protocol; 0: the running statistics */
	int64_t standing;
	bool raw; /* the weights themselves, not their averages */
	/* endpoint if there are several, such as "classify/attacked"; or NULL */
	const char *endpoint;
	/* "RUN,RUN": metric accuracy averages class probabilities with these runs; or NULL */
	const char *ensemble;
	/* for gam: the checkpoint of the scored run, and another run; or NULL */
	const char *checkpoint, *against;
	const char *picture; /* file for the metric nearest, or NULL */
} gm_score_options;

typedef struct gm_score {
	char name[40];
	double value, deviation; /* deviation: NaN if there is none */
	char note[96];           /* describes the deviation, or further results */
	int better;              /* 1: more is better, -1: less, 0: neither */
} gm_score;

enum { GM_SCORES = 64 };

typedef struct gm_scores {
	gm_score row[GM_SCORES];
	int n;
	char warning[600]; /* lines */
} gm_scores;

typedef struct gm_scorer gm_scorer;

/* The first of the metrics that draws samples, or that draws none; NULL if there is none. */
const char *gm_metrics_draw(const char *metrics, bool draws);

/* r: an opened (gm_saved_inside) or training run, not owned. GM_ERR_VALUE for an unknown metric, or
 * one that the run or its data do not support. The caller frees it. */
gm_scorer *gm_scorer_open(gm_run *r, const gm_score_options *o, gm_error *err);
void gm_scorer_free(gm_scorer *c); /* NULL is fine */
bool gm_scorer_score(gm_scorer *c, gm_scores *s, gm_error *err);
/* The part of the protocol that does not depend on the step. Owned by c. */
const json_t *gm_scorer_protocol(const gm_scorer *c);

/* The metrics, for i = 0, 1, ... until NULL. about may be NULL. */
const char *gm_metric_names(int i, const char **about);

/* Adds a row (deviation NaN: none), a warning. */
void gm_score_add(gm_scores *s, const char *name, double value, double deviation, int better,
                  const char *note);
void gm_score_warn(gm_scores *s, const char *fmt, ...) GM_PRINTF(2, 3);

/* {"step", "scores": {NAME: {"value", ...}}, "protocol", "warnings"}. NULL if out of memory. */
json_t *gm_scores_json(const gm_scores *s, int64_t step, const json_t *protocol);
/* False if the last line of a metric-NAME.jsonl of these metrics (separated by commas) has a
 * different protocol. To be checked before scoring. */
bool gm_scores_fit(const char *metrics, const char *folder, const json_t *protocol, gm_error *err);
/* Appends a line for each score to FOLDER/metric-NAME.jsonl. A different protocol in the last line
 * is an error, unless forced. */
typedef struct gm_append {
	bool force, training; /* training: the score was computed during training */
} gm_append;
bool gm_scores_append(const gm_scores *s, const char *folder, int64_t step, const json_t *protocol,
                      const gm_append *how, gm_error *err);
/* Truncates the file on resume: removes this run's lines after `step`, or at steps that are not
 * multiples of `every`. */
bool gm_scores_rewind(const char *folder, int64_t step, int64_t every, gm_error *err);
/* Prints a table of scores, and the protocol. */
void gm_scores_print(const gm_scores *s, const json_t *protocol, FILE *out);

/* A new protocol: extractor, its SHA-256, resizing, quantisation of pixels, version. */
json_t *gm_protocol_new(const gm_extractor *x);
/* Compares two protocols; false with an error that names the first different key. A missing key is
 * not compared. */
bool gm_protocol_same(const json_t *a, const json_t *b, gm_error *err);

#endif
