/* SPDX-License-Identifier: MIT
 *
 * pixels.c -- the identity extractor: the features of an image are its pixel values. */
#include "metrics/extractor.h"

#include <string.h>

static void *open_pixels(const gm_extractor_kind *kind, const char *weights,
                         gm_extractor_info *info, gm_error *err)
{
	static char self;
	(void)kind, (void)weights, (void)err;
	info->resize = "none: the numbers themselves, in [-1, 1]";
	return &self;
}

static bool run_pixels(void *self, const gm_extractor_input *in, float *features, float *logits,
                       gm_error *err)
{
	(void)self, (void)logits, (void)err;
	if (features)
		memcpy(features, in->x,
		       (size_t)in->n * (size_t)in->channels * (size_t)in->height *
		               (size_t)in->width * sizeof *features);
	return true;
}

const gm_extractor_kind gm_extractor_pixels = {
	.name = "pixels",
	.about = "the numbers of the picture themselves",
	.no_weights = true,
	.open = open_pixels,
	.run = run_pixels,
};
