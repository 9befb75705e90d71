/* SPDX-License-Identifier: MIT
 *
 * use/translate.h -- the endpoint "translate" of a checkpoint, or a variant of it, for images of
 * any supported size.
 *
 *	gm_translator *t = gm_translator_open("runs/00000-pix2pix/best.safetensors", NULL, &err);
 *	gm_picture y;
 *	if (t && gm_translator_run(t, &(gm_picture){x, channels, h, w}, seed, 0, &y, &err))
 *		use(y), free(y.x);
 *	gm_translator_free(t);
 */
#ifndef GM_USE_TRANSLATE_H
#define GM_USE_TRANSLATE_H

#include "ganymede/image.h"
#include "use/saved_run.h"

typedef struct gm_translator gm_translator;

typedef struct gm_picture {
	float *x; /* [channels, height, width] in [-1,1] */
	int channels, height, width;
} gm_picture;

/* The upper rows of columns left .. left + width - 1 of a decoded image as [channels, height,
 * width] in [-1,1], of the numbers of x, whose own values are not used; the caller frees it. */
float *gm_picture_read(const gm_image *im, int left, const gm_picture *x, gm_error *err);

/* endpoint: one with GM_CHANGES; NULL: "translate". Returns NULL on failure, also if the model has
 * no such endpoint. The caller frees it. */
gm_translator *gm_translator_open(const char *checkpoint, const char *endpoint, gm_error *err);
void gm_translator_free(gm_translator *t); /* NULL is fine */

/* Of an endpoint that iterates: the number of turns of following calls. */
bool gm_translator_set_turns(gm_translator *t, int64_t turns, gm_error *err);

/* For endpoints with attributes (gm_attributes of model.h): "gender=1,age=30". Until then
 * attributes are random. GM_ERR_VALUE for a run without attributes, an unknown one or a value that
 * it has not; the message lists them. */
bool gm_translator_set_to(gm_translator *t, const char *text, gm_error *err);
/* True if the endpoint translates to attributes. */
bool gm_translator_takes_to(const gm_translator *t);
/* For endpoints that read a caption beside the image: i32 [length] as gm_saved_caption_length says,
 * copied. Until then captions are those of the checkpoint. */
bool gm_translator_set_caption(gm_translator *t, const int32_t *text, gm_error *err);
bool gm_translator_takes_caption(const gm_translator *t);
/* "gender=0..1, age=NUMBER": the attributes of the run. */
void gm_translator_attributes(const gm_translator *t, char *text, size_t room);
/* The run, for readers of captions; owned by t. */
gm_saved *gm_translator_saved(gm_translator *t);
/* Large pictures are translated in tiles of this side, which overlap so that the result is that of
 * the whole picture. Default: 256, or 4 radii. GM_ERR_VALUE if the model does not declare gm_local,
 * or the tile is not larger than 2 radii. */
bool gm_translator_set_tile(gm_translator *t, int side, gm_error *err);
/* How many times larger the sides of the run's pictures are than those of the input; 0: not a whole
 * number. */
int gm_translator_factor(const gm_translator *t);

const char *gm_translator_field(const gm_translator *t); /* the input field: "a", "b", "low", .. */
/* The target field, or NULL. */
const char *gm_translator_target(const gm_translator *t);
int gm_translator_takes(const gm_translator *t); /* channels of the input */
int gm_translator_gives(const gm_translator *t);
int64_t gm_translator_step(const gm_translator *t); /* of the checkpoint */
const gm_settings *gm_translator_settings(const gm_translator *t);

/* True if images of this size are supported. If not, next is the smallest supported size that
 * contains the image, or zeros if there is none. */
bool gm_translator_fits(const gm_translator *t, int height, int width, int next[2]);

/* Translates x to y; the caller frees y->x. y has the size of the endpoint's output for x. If the
 * size of x is not supported, x is padded by reflection at the bottom and right, and y is cropped
 * accordingly. Random numbers depend on (seed, index). The first call with a size is slow, because
 * nets are built for it; the last few sizes are cached. */
bool gm_translator_run(gm_translator *t, const gm_picture *x, uint64_t seed, uint64_t index,
                       gm_picture *y, gm_error *err);

#endif
