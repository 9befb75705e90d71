/* SPDX-License-Identifier: MIT
 *
 * use/translate.h -- a checkpoint's "translate", or a variant of it, for pictures of any size that its nets take.
 *
 *	gm_translator *t = gm_translator_open("runs/00000-pix2pix/best.safetensors", NULL, &err);
 *	gm_picture y;
 *	if (t && gm_translator_run(t, &(gm_picture){x, channels, h, w}, seed, 0, &y, &err))
 *		use(y), free(y.x);
 *	gm_translator_free(t);
 */
#ifndef GM_USE_TRANSLATE_H
#define GM_USE_TRANSLATE_H

#include "use/saved_run.h"

typedef struct gm_translator gm_translator;

typedef struct gm_picture {
	float *x; /* [channels, height, width] in [-1,1] */
	int channels, height, width;
} gm_picture;

/* endpoint: one that changes pictures; NULL: "translate". NULL on failure, also where the model has none. The caller frees
 * it. */
gm_translator *gm_translator_open(const char *checkpoint, const char *endpoint, gm_error *err);
void gm_translator_free(gm_translator *t); /* NULL is fine */

/* Of an endpoint that iterates: the number of turns of following calls. */
bool gm_translator_set_turns(gm_translator *t, int64_t turns, gm_error *err);

const char *gm_translator_field(const gm_translator *t); /* that it reads: "a", "b", "low", .. */
/* The field that it should give, or NULL. */
const char *gm_translator_target(const gm_translator *t);
int gm_translator_takes(const gm_translator *t); /* channels */
int gm_translator_gives(const gm_translator *t);
int64_t gm_translator_step(const gm_translator *t); /* of the checkpoint */
const gm_settings *gm_translator_settings(const gm_translator *t);

/* Whether its nets take pictures of these sides. If not, next is the least sides that they take
 * and that hold the picture, or zeros where there are none. */
bool gm_translator_fits(const gm_translator *t, int height, int width, int next[2]);

/* x into y, whose x the caller frees: y has the size that the endpoint gives for x, which may be larger or smaller. Sides that
 * do not fit are continued by mirrored pixels at the bottom and at the right, and y is cut back to its share. Randomness
 * inside is of (seed, index). Not fast the first time that a size is met: nets are made for it; the last few sizes are kept. */
bool gm_translator_run(gm_translator *t, const gm_picture *x, uint64_t seed, uint64_t index,
                       gm_picture *y, gm_error *err);

#endif
