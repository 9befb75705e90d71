/* SPDX-License-Identifier: MIT
 *
 * metrics/extractor.h -- the internal interface of extractors. One that is opened by name is a row
 * in the table of extractor.c. One of a higher layer (a trained classifier) is wrapped:
 *
 *	static const gm_extractor_kind kind = {.run = run, .free = end};
 *	gm_extractor_info i = {.name = "classifier", .weights = path, .sha256 = hash, ...};
 *	gm_extractor *x = gm_extractor_wrap(&kind, self, &i, err);
 */
#ifndef GM_METRICS_EXTRACTOR_H
#define GM_METRICS_EXTRACTOR_H

#include "ganymede/features.h"
#include "ganymede/graph.h"

struct gm_network_plan;

typedef struct gm_extractor_kind {
	const char *name, *about;
	const char *fetched; /* name of the weights for `data fetch`, or NULL */
	bool no_weights;     /* has no weights */
	/* Returns what run and free are given, and fills *info apart from name, weights and sha256;
	 * strings there must outlive the extractor. NULL and err on failure. Unused by wrap. */
	void *(*open)(const struct gm_extractor_kind *kind, const char *weights,
	              gm_extractor_info *info, gm_error *err);
	/* Of a network whose layers can be expressions in another graph; else NULL. */
	struct gm_network_plan (*plan)(const struct gm_extractor_kind *kind);
	/* As gm_extractor_run. Sizes, NULLs and finiteness have been checked. */
	bool (*run)(void *self, const gm_extractor_input *in, float *features, float *logits,
	            gm_error *err);
	void (*free)(void *self); /* or NULL */
	/* The step that computes a batch of *batch images; NULL if there is none. */
	const gm_step *(*step)(const void *self, int64_t *batch);
} gm_extractor_kind;

/* Takes ownership of self, also on failure. info is copied with its strings. NULL and
 * GM_ERR_MEMORY. */
gm_extractor *gm_extractor_wrap(const gm_extractor_kind *kind, void *self,
                                const gm_extractor_info *info, gm_error *err);

/* A network by name, with random weights: see metrics/network.h. NULL for other names. */
gm_extractor *gm_extractor_drawn(const char *name, gm_error *err);

/* The step that computes a batch of *batch images, for benchmarks; NULL if there is none. */
const gm_step *gm_extractor_step(const gm_extractor *x, int64_t *batch);

/* An extractor of any kind with weights from a file, or random weights if that is NULL. */
gm_extractor *gm_extractor_of(const gm_extractor_kind *kind, const char *weights, gm_error *err);

extern const gm_extractor_kind gm_extractor_pixels, gm_extractor_inception,
	gm_extractor_inception_tf, gm_extractor_vgg16, gm_extractor_squeezenet;
/* A VGG-16 of an eighth of the channels, for tests: the whole one has 138 million weights. */
extern const gm_extractor_kind gm_extractor_vgg16_narrow;

#endif
