/* SPDX-License-Identifier: MIT
 *
 * score/side.h -- where the examples of a comparison come from, and what an extractor sees of them.
 *
 *	gm_extractor *x = gm_judge_open("classifier:runs/00003-classifier", NULL, "runs", &err);
 *	gm_side *p = gm_side_open("runs/00004-dcgan", &(gm_side_options){.seed = 1}, &err);
 *	gm_seen s = {0};
 *	gm_look(p, x, 10000, GM_LOOK_FEATURES, &s, &err);      // s.features [10000, s.width]
 *	gm_seen_free(&s), gm_side_free(p), gm_extractor_free(x);
 *
 * Pictures are rounded to the 256 steps of a file before an extractor sees them, so that a run
 * scores as the folder of its samples does.
 */
#ifndef GM_SCORE_SIDE_H
#define GM_SCORE_SIDE_H

#include <jansson.h>

#include "ganymede/data.h"
#include "ganymede/features.h"
#include "ganymede/metrics.h"
#include "metrics/stats.h"
#include "ganymede/saved.h"

/* Opens an extractor by its name, or a classifier that was trained here by "classifier:RUN". weights
 * may be NULL. */
gm_extractor *gm_judge_open(const char *spec, const char *weights, const char *outdir,
                            gm_error *err);

/* Zero fields take the default. */
typedef struct gm_side_options {
	uint64_t seed;        /* of samples; of which examples, where not all are taken */
	const char *outdir;   /* where runs are looked for by number; default "runs" */
	gm_data_options data; /* of a data set */
	bool raw;             /* of a run: weights, not their averages */
	bool stats;           /* statistics (.npz) will do */
	/* a folder or archive whose pictures differ in size, where data asks for none: each at its own size, for gm_look alone */
	bool own_sizes;
} gm_side_options;

typedef struct gm_side {
	char *name; /* as it was asked for */
	gm_facts facts;
	uint64_t seed, count; /* count: examples there are; 0: endless */
	int64_t batch;        /* examples in one portion */
	gm_dataset *data;     /* one of these three, and what is borrowed */
	gm_run *run;
	struct gm_run_endpoint *endpoint; /* of the run, that draws */
	gm_stats *stats;
	gm_saved *saved;     /* owns run, or NULL */
	bool raw, own_sizes; /* own_sizes: pictures are read by gm_look, one by one */
	json_t *record;      /* what it is, for a protocol */
} gm_side;

/* spec: a run or checkpoint (samples are drawn), a data set or path, or statistics. NULL on
 * failure. */
gm_side *gm_side_open(const char *spec, const gm_side_options *o, gm_error *err);
/* Whether gm_side_open takes spec for a run or a checkpoint. */
bool gm_side_is_run(const char *spec, const gm_side_options *o);
/* Samples of a run that is under way. */
gm_side *gm_side_of_run(gm_run *r, const char *endpoint, uint64_t seed, gm_error *err);
void gm_side_free(gm_side *p); /* NULL is fine */

/* Portion i into x [batch, numel] and label [batch] (may be NULL). A pure function of (side, i). Of a
 * finite set, count examples in a row are each of them once. */
bool gm_side_read(gm_side *p, uint64_t i, float *x, int32_t *label, gm_error *err);
/* The first n examples, into x [n, numel] and label [n] (may be NULL). rounded: to a file's steps. */
bool gm_side_take(gm_side *p, int64_t n, bool rounded, float *x, int32_t *label, gm_error *err);

enum gm_look_at {
	GM_LOOK_MOMENTS = 1,  /* mean and covariance */
	GM_LOOK_FEATURES = 2, /* every row */
	GM_LOOK_LOGITS = 4
};

typedef struct gm_seen {
	int64_t n, width, classes;
	gm_moments *moments;
	float *features, *logits; /* [n, width], [n, classes] */
} gm_seen;

/* What x sees of the first n examples. Fill *s (zeroed); gm_seen_free ends it. */
bool gm_look(gm_side *p, gm_extractor *x, int64_t n, unsigned what, gm_seen *s, gm_error *err);
void gm_seen_free(gm_seen *s); /* fine on a zeroed one */

#endif
