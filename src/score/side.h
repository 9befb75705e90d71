/* SPDX-License-Identifier: MIT
 *
 * score/side.h -- a source of examples for metrics (run, data set, folder or statistics), and the
 * features of its examples.
 *
 *	gm_extractor *x = gm_judge_open("classifier:runs/00003-classifier", NULL, "runs", &err);
 *	gm_side *p = gm_side_open("runs/00004-dcgan", &(gm_side_options){.seed = 1}, &err);
 *	gm_seen s = {0};
 *	gm_look(p, x, 10000, GM_LOOK_FEATURES, &s, &err);      // s.features [10000, s.width]
 *	gm_seen_free(&s), gm_side_free(p), gm_extractor_free(x);
 *
 * Images are rounded to 8 bits before feature extraction, so that a run has the same score as a
 * folder of its samples.
 */
#ifndef GM_SCORE_SIDE_H
#define GM_SCORE_SIDE_H

#include <jansson.h>

#include "ganymede/data.h"
#include "ganymede/features.h"
#include "ganymede/metrics.h"
#include "metrics/stats.h"
#include "ganymede/saved.h"

/* Opens an extractor by name, or a trained classifier by "classifier:RUN". weights may be NULL. */
gm_extractor *gm_judge_open(const char *spec, const char *weights, const char *outdir,
                            gm_error *err);

/* Zero fields take the default. */
typedef struct gm_side_options {
	uint64_t seed;      /* seed of samples, and of the choice of examples if not all are used */
	const char *outdir; /* folder of runs; default "runs" */
	gm_data_options data; /* of a data set */
	bool raw;             /* of a run: weights, not their averages */
	bool stats;           /* statistics (.npz) are allowed */
	/* images of a folder or archive with different sizes, if data.size is 0: keep their sizes,
	 * only for gm_look */
	bool own_sizes;
} gm_side_options;

typedef struct gm_side {
	char *name; /* spec */
	gm_facts facts;
	uint64_t seed, count; /* count: number of examples; 0: endless */
	int64_t batch;        /* examples per batch */
	gm_dataset *data;     /* one of these three; not owned */
	gm_run *run;
	struct gm_run_endpoint *endpoint; /* sampling endpoint of the run */
	gm_stats *stats;
	gm_saved *saved;     /* owns run, or NULL */
	bool raw, own_sizes; /* own_sizes: gm_look reads images one by one */
	json_t *record;      /* description for the protocol */
} gm_side;

/* spec: a run or checkpoint (its samples), a data set or path, or statistics. NULL on failure. */
gm_side *gm_side_open(const char *spec, const gm_side_options *o, gm_error *err);
/* True if spec is a run or a checkpoint for gm_side_open. */
bool gm_side_is_run(const char *spec, const gm_side_options *o);
/* Samples of a training run. */
gm_side *gm_side_of_run(gm_run *r, const char *endpoint, uint64_t seed, bool raw, gm_error *err);
void gm_side_free(gm_side *p); /* NULL is fine */

/* Reads batch i to x [batch, numel] and label [batch] (may be NULL). A pure function of (side, i).
 * count consecutive examples of a finite set contain each example once. */
bool gm_side_read(gm_side *p, uint64_t i, float *x, int32_t *label, gm_error *err);
/* Reads the first n examples to x [n, numel] and label [n] (may be NULL). rounded: to 8 bits. */
bool gm_side_take(gm_side *p, int64_t n, bool rounded, float *x, int32_t *label, gm_error *err);

enum gm_look_at {
	GM_LOOK_MOMENTS = 1,  /* mean and covariance */
	GM_LOOK_FEATURES = 2, /* all features */
	GM_LOOK_LOGITS = 4
};

typedef struct gm_seen {
	int64_t n, width, classes;
	gm_moments *moments;
	float *features, *logits; /* [n, width], [n, classes] */
} gm_seen;

/* Features of the first n examples by extractor x. Fills *s, which must be zeroed; free it with
 * gm_seen_free. */
bool gm_look(gm_side *p, gm_extractor *x, int64_t n, unsigned what, gm_seen *s, gm_error *err);
void gm_seen_free(gm_seen *s); /* allowed on a zeroed struct */

#endif
