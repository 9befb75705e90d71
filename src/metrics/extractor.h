/* SPDX-License-Identifier: MIT
 *
 * metrics/extractor.h -- what an extractor is made of, so that more of them can be added.
 *
 * One that is opened by its name is a row in the table of extractor.c. One that lives higher up (a
 * classifier that was trained here) makes its own and wraps it:
 *
 *	static const gm_extractor_kind kind = {.run = run, .free = end};
 *	gm_extractor_info i = {.name = "classifier", .weights = path, .sha256 = hash, ...};
 *	gm_extractor *x = gm_extractor_wrap(&kind, self, &i, err);
 */
#ifndef GM_METRICS_EXTRACTOR_H
#define GM_METRICS_EXTRACTOR_H

#include "ganymede/features.h"

typedef struct gm_extractor_kind {
	const char *name, *about;
	const char *fetched; /* the name of `data fetch` that gets the weights, or NULL */
	bool no_weights;     /* it needs none and takes none */
	/* Returns what run and free are given, and fills *info apart from name, weights and sha256;
	 * strings there must outlive the extractor. NULL and err on failure. Unused by wrap. */
	void *(*open)(const struct gm_extractor_kind *kind, const char *weights,
	              gm_extractor_info *info, gm_error *err);
	/* As gm_extractor_run. Sizes, NULLs and finiteness have been checked. */
	bool (*run)(void *self, const gm_extractor_input *in, float *features, float *logits,
	            gm_error *err);
	void (*free)(void *self); /* or NULL */
} gm_extractor_kind;

/* Takes self over, also on failure. info is copied with its strings. NULL and GM_ERR_MEMORY. */
gm_extractor *gm_extractor_wrap(const gm_extractor_kind *kind, void *self,
                                const gm_extractor_info *info, gm_error *err);

extern const gm_extractor_kind gm_extractor_pixels;

#endif
