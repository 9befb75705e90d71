/* SPDX-License-Identifier: MIT
 *
 * score/score.h -- scores of a run, each with its whole protocol.
 *
 *	gm_scorer *c = gm_scorer_open(run, &(gm_score_options){.metrics = "fid,kid"}, &err);
 *	gm_scores s = {0};
 *	if (gm_scorer_score(c, &s, &err))
 *		for (int i = 0; i < s.n; i++)
 *			printf("%s %g\n", s.row[i].name, s.row[i].value);
 *	gm_scorer_free(c);
 *
 * The real side is looked at once and kept, so that a run can be scored again and again while it
 * learns.
 */
#ifndef GM_SCORE_SCORE_H
#define GM_SCORE_SCORE_H

#include <stdio.h>

#include "score/side.h"

/* Zero fields take the default. */
typedef struct gm_score_options {
	const char *metrics;   /* names of the table, with commas between */
	const char *extractor; /* "inception"; points have "pixels" */
	const char *weights;   /* of the extractor, or NULL */
	const char *outdir;    /* where classifier:RUN is looked for */
	const char *split;     /* of the real side: "train" as the run has it; or "test" */
	int64_t count;         /* examples of each side; default 10000, or all that there are */
	int64_t samples;       /* runs that nll averages over; default 100 */
	uint64_t seed;
	const char *endpoint; /* of several of one kind, such as "classify/attacked"; or NULL */
	const char *
		ensemble; /* further runs whose class probabilities accuracy averages with these: "RUN,RUN"; or NULL */
	const char *picture; /* file for the metric nearest, or NULL */
} gm_score_options;

typedef struct gm_score {
	char name[40];
	double value, deviation; /* deviation: NaN where there is none */
	char note[96];           /* what the deviation is, or what else was found */
	int better;              /* 1: more is better, -1: less, 0: neither */
} gm_score;

enum { GM_SCORES = 64 };

typedef struct gm_scores {
	gm_score row[GM_SCORES];
	int n;
	char warning[600]; /* lines */
} gm_scores;

typedef struct gm_scorer gm_scorer;

/* r: a run that is open for use (gm_saved_inside) or under way; borrowed. GM_ERR_VALUE for a metric
 * that is unknown, or that the run or its data are not made for. The caller frees it. */
gm_scorer *gm_scorer_open(gm_run *r, const gm_score_options *o, gm_error *err);
void gm_scorer_free(gm_scorer *c); /* NULL is fine */
bool gm_scorer_score(gm_scorer *c, gm_scores *s, gm_error *err);
/* The protocol, without what changes from step to step. Owned by c. */
const json_t *gm_scorer_protocol(const gm_scorer *c);

/* The metrics, for i = 0, 1, ... until NULL. about may be NULL. */
const char *gm_metric_names(int i, const char **about);

/* Adds a row (deviation NaN: none), a warning. */
void gm_score_add(gm_scores *s, const char *name, double value, double deviation, int better,
                  const char *note);
void gm_score_warn(gm_scores *s, const char *fmt, ...) GM_PRINTF(2, 3);

/* {"step", "scores": {NAME: {"value", ...}}, "protocol", "warnings"}. NULL without memory. */
json_t *gm_scores_json(const gm_scores *s, int64_t step, const json_t *protocol);
/* False where a metric-NAME.jsonl of these metrics (with commas between) ends with a line of an unlike
 * protocol: better known before the scoring. */
bool gm_scores_fit(const char *metrics, const char *folder, const json_t *protocol, gm_error *err);
/* A line for each score into FOLDER/metric-NAME.jsonl, after those of before. Where the last of those
 * was measured by an unlike protocol, an error, unless forced. */
typedef struct gm_append {
	bool force, training; /* training: by the run itself, while it learns */
} gm_append;
bool gm_scores_append(const gm_scores *s, const char *folder, int64_t step, const json_t *protocol,
                      const gm_append *how, gm_error *err);
/* Takes away what a run that goes on at `step` would not have written yet: its own lines that are
 * later, or off the rhythm of `every` steps. */
bool gm_scores_rewind(const char *folder, int64_t step, int64_t every, gm_error *err);
/* A table of scores, and below it the protocol in words. */
void gm_scores_print(const gm_scores *s, const json_t *protocol, FILE *out);

/* A fresh protocol: extractor, its sha256, its resize rule, steps of a pixel, version. */
json_t *gm_protocol_new(const gm_extractor *x);
/* False with an error that names the first of those that differ between two protocols. A key that
 * one of them lacks is not compared. */
bool gm_protocol_same(const json_t *a, const json_t *b, gm_error *err);

#endif
