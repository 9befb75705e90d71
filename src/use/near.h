/* SPDX-License-Identifier: MIT
 *
 * use/near.h -- the training examples of a run that are nearest to given images, by pixels or by
 * features: does a generator repeat what it has seen?
 *
 *	gm_near near;
 *	if (gm_near_find(saved, &(gm_near_options){.k = 5, .features = true}, x, 1, &near, &err))
 *		.. near.index[0], near.distance[0] ..
 *	gm_near_free(&near);
 */
#ifndef GM_USE_NEAR_H
#define GM_USE_NEAR_H

#include "ganymede/saved.h"

enum { GM_NEAR_MOST = 20, GM_NEAR_EXAMPLES = 60000 };

typedef struct gm_near_options {
	int64_t k; /* examples, 1 .. GM_NEAR_MOST */
	/* by the run's own features (endpoint "features", else "encode"), or where it has none by
	 * those of an extractor (ganymede/features.h); else by pixels */
	bool features;
	/* of an extractor, also where the run has features; NULL: those of the run's options
	 * extractor and extractor-weights, as metrics during training use them */
	const char *extractor, *weights;
} gm_near_options;

typedef struct gm_near {
	int64_t n, k, of; /* images; examples of each, at most as asked; examples compared */
	int64_t *index;   /* [n, k], nearest first */
	double *distance; /* [n, k]: root mean squared difference of pixels, or features */
	float *x;         /* [n, k, shape of the run's examples] */
	const char *by;   /* "pixels", "the extractor", or the model's name */
} gm_near;

/* Compares images x [n, shape] with the first GM_NEAR_EXAMPLES training examples of the run, of an
 * endless set 5,000, without augmentation. GM_ERR_STATE if the user stopped it. Free `to` in any
 * case. */
bool gm_near_find(gm_saved *s, const gm_near_options *o, const float *x, int64_t n, gm_near *to,
                  gm_error *err);
void gm_near_free(gm_near *to); /* allowed on a zeroed struct */

#endif
