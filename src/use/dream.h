/* SPDX-License-Identifier: MIT
 *
 * use/dream.h -- DeepDream (Mordvintsev, Olah & Tyka 2015, "Inceptionism"; google/deepdream):
 * gradient ascent on an image, to make a layer of a trained net respond more.
 *
 *	gm_dreamer *d = gm_dreamer_of_network("squeezenet", "squeezenet.safetensors", &err);
 *	gm_dream_options o = {.layer = "fire6"};
 *	gm_image *dreamt = gm_dream(d, photo, &o, NULL, &err);
 *	gm_dreamer_free(d);
 */
#ifndef GM_USE_DREAM_H
#define GM_USE_DREAM_H

#include "ganymede/image.h"
#include "ganymede/saved.h"

typedef struct gm_dreamer gm_dreamer; /* a net with named layers */

/* A run, not owned, which must stay open; or a published network with its file of weights (NULL:
 * the downloaded one). NULL on failure. */
gm_dreamer *gm_dreamer_of_run(gm_saved *s, gm_error *err);
gm_dreamer *gm_dreamer_of_network(const char *name, const char *weights, gm_error *err);
void gm_dreamer_free(gm_dreamer *d); /* NULL is allowed */

/* Zero fields take the default. */
typedef struct gm_dream_options {
	const char *layer; /* default: the deepest one with maps */
	/* 0: half the sum of squares of all values of the layer; u: the sum of those of unit
	 * (channel) u - 1 */
	int unit;
	const gm_image *guide; /* the layer shall respond as to this image; not with unit */
	int octaves;           /* default 4: sizes at which the image is changed */
	double scale;          /* ratio of two sizes; default 1.4 */
	int steps;             /* of each octave; default 10; -1: none */
	double rate;           /* mean change of a value by a step, of 255; default 1.5 */
	int jitter;            /* largest shift before a step; default 32; -1: none */
	uint64_t seed;         /* of the shifts */
} gm_dream_options;

enum { GM_DREAM_OCTAVES = 16 };
typedef struct gm_dream_report {
	char layer[64];
	int octaves;
	/* of each octave, smallest first: its size, the objective before its first step and after
	 * its last (of the largest: of the result), steps that raised it, steps with a gradient of
	 * 0, which change nothing */
	struct {
		int width, height, rises, dead;
		double first, last;
	} octave[GM_DREAM_OCTAVES];
} gm_dream_report;

/* A new image of the size of im, in the channels of the net; the caller frees it. report may be
 * NULL. NULL with GM_ERR_VALUE for bad options, an unknown layer (the message lists them) and
 * images that are too small for it; GM_ERR_STATE if no step had a gradient. */
gm_image *gm_dream(gm_dreamer *d, const gm_image *im, const gm_dream_options *o,
                   gm_dream_report *report, gm_error *err);

/* x [channels, height, width] at another size: linear, corners on corners (both sides of 2 or
 * more). */
void gm_dream_zoom(const float *x, int channels, int height, int width, float *y, int to_height,
                   int to_width);

#endif
