/* SPDX-License-Identifier: MIT
 *
 * score/sample_source.h -- a source of examples for metrics (run, data set, folder or statistics),
 * and the features of its examples.
 *
 *	const char *name = "classifier:runs/00003-classifier";
 *	gm_extractor *x = gm_score_extractor_open(name, NULL, "runs", &err);
 *	gm_sample_source_options o = {.seed = 1};
 *	gm_sample_source *p = gm_sample_source_open("runs/00004-dcgan", &o, &err);
 *	gm_extracted s = {0};
 *	gm_extract(p, x, 10000, GM_EXTRACT_FEATURES, &s, &err);      // s.features [10000, s.width]
 *	gm_extracted_free(&s), gm_sample_source_free(p), gm_extractor_free(x);
 *
 * Images are rounded to 8 bits before feature extraction, so that a run has the same score as a
 * folder of its samples.
 */
#ifndef GM_SCORE_SAMPLE_SOURCE_H
#define GM_SCORE_SAMPLE_SOURCE_H

#include <jansson.h>

#include "ganymede/data.h"
#include "ganymede/features.h"
#include "ganymede/metrics.h"
#include "metrics/stats.h"
#include "ganymede/saved.h"

/* Opens an extractor by name, or a trained classifier by "classifier:RUN". weights may be NULL. */
gm_extractor *gm_score_extractor_open(const char *spec, const char *weights, const char *outdir,
                                      gm_error *err);

/* Zero fields take the default. */
typedef struct gm_sample_source_options {
	uint64_t seed;      /* seed of samples, and of the choice of examples if not all are used */
	const char *outdir; /* folder of runs; default "runs" */
	gm_data_options data; /* of a data set */
	bool raw;             /* of a run: weights, not their averages */
	bool stats;           /* statistics (.npz) are allowed */
	/* images of a folder or archive with different sizes, if data.size is 0: keep their sizes,
	 * only for gm_extract */
	bool own_sizes;
} gm_sample_source_options;

typedef struct gm_sample_source {
	char *name; /* spec */
	gm_facts facts;
	uint64_t seed, count; /* count: number of examples; 0: endless */
	int64_t batch;        /* examples per batch */
	gm_dataset *data;     /* one of these three; not owned */
	gm_run *run;
	struct gm_run_endpoint *endpoint; /* sampling endpoint of the run */
	gm_stats *stats;
	gm_saved *saved;     /* owns run, or NULL */
	double truncation;   /* of samples of the run, as in gm_samples; 0: off */
	bool raw, own_sizes; /* own_sizes: gm_extract reads images one by one */
	json_t *record;      /* description for the protocol */
} gm_sample_source;

/* spec: a run or checkpoint (its samples), a data set or path, or statistics. NULL on failure. */
gm_sample_source *gm_sample_source_open(const char *spec, const gm_sample_source_options *o,
                                        gm_error *err);
/* True if spec is a run or a checkpoint for gm_sample_source_open. */
bool gm_sample_source_is_run(const char *spec, const gm_sample_source_options *o);
/* Samples of a training run. */
gm_sample_source *gm_sample_source_of_run(gm_run *r, const char *endpoint, uint64_t seed, bool raw,
                                          gm_error *err);
void gm_sample_source_free(gm_sample_source *p); /* NULL is fine */

/* Reads batch i to x [batch, numel] and label [batch] (may be NULL). A pure function of (side, i).
 * count consecutive examples of a finite set contain each example once. */
bool gm_sample_source_read(gm_sample_source *p, uint64_t i, float *x, int32_t *label,
                           gm_error *err);
/* Reads the first n examples to x [n, numel] and label [n] (may be NULL). rounded: to 8 bits. */
bool gm_sample_source_take(gm_sample_source *p, int64_t n, bool rounded, float *x, int32_t *label,
                           gm_error *err);

enum gm_extract_from {
	GM_EXTRACT_MOMENTS = 1,  /* mean and covariance */
	GM_EXTRACT_FEATURES = 2, /* all features */
	GM_EXTRACT_LOGITS = 4
};

typedef struct gm_extracted {
	int64_t n, width, classes;
	gm_moments *moments;
	float *features, *logits; /* [n, width], [n, classes] */
} gm_extracted;

/* Features of the first n examples by extractor x. Fills *s, which must be zeroed; free it with
 * gm_extracted_free. */
bool gm_extract(gm_sample_source *p, gm_extractor *x, int64_t n, unsigned what, gm_extracted *s,
                gm_error *err);
void gm_extracted_free(gm_extracted *s); /* allowed on a zeroed struct */

#endif
