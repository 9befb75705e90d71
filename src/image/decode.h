/* SPDX-License-Identifier: MIT
 *
 * decode.h -- image decoders from memory, one per format; gm_image_read selects. */
#ifndef GANYMEDE_BASE_DECODE_H
#define GANYMEDE_BASE_DECODE_H

#include "ganymede/image.h"

/* Many formats can claim any size in a few bytes: larger images are an error unless the file is
 * long enough for them. */
enum { GM_PICTURE_PIXELS_MAX = 1 << 28 };

typedef struct gm_picture_file {
	const char *name; /* name for messages */
	const uint8_t *bytes;
	size_t n;
	bool header; /* read only the header: fills *facts, without an image */
} gm_picture_file;

/* Each fills *facts, and leaves the picture as it is stored: facts->orientation is not applied. The
 * caller frees the picture. NULL with an error, and with f->header also without one. Of several
 * pictures in one file (animations, pages) the first. */
gm_image *gm_png_decode(const gm_picture_file *f, gm_image_facts *facts, gm_error *err);
gm_image *gm_jpeg_decode(const gm_picture_file *f, gm_image_facts *facts, gm_error *err);
gm_image *gm_webp_decode(const gm_picture_file *f, gm_image_facts *facts, gm_error *err);
gm_image *gm_gif_decode(const gm_picture_file *f, gm_image_facts *facts, gm_error *err);
gm_image *gm_tiff_decode(const gm_picture_file *f, gm_image_facts *facts, gm_error *err);
gm_image *gm_bmp_decode(const gm_picture_file *f, gm_image_facts *facts, gm_error *err);
gm_image *gm_pnm_decode(const gm_picture_file *f, gm_image_facts *facts, gm_error *err);

/* A list of images that grows, for animations. */
typedef struct gm_frames {
	gm_image **frame;
	int n;
	int64_t pixels; /* of all frames */
} gm_frames;

/* Appends an image, which it owns from now on, even if this fails: too many pixels, no memory. */
bool gm_frames_add(gm_frames *to, gm_image *im, const char *name, gm_error *err);

/* Appends every frame of an animation, as a viewer shows it. */
bool gm_gif_frames(const gm_picture_file *f, gm_frames *to, gm_error *err);
bool gm_webp_frames(const gm_picture_file *f, gm_frames *to, gm_error *err);

/* Images into files; see gm_image_write. */
bool gm_jpeg_write(const char *path, const gm_image *im, gm_error *err);
bool gm_webp_write(const char *path, const gm_image *im, gm_error *err);

/* True if all n colours, three bytes each, are grey. */
bool gm_palette_is_grey(const uint8_t *rgb, int n);

/* The orientation, 1 to 8, in EXIF data (a TIFF header and its first directory, with or without
 * "Exif\0\0" before it); 1 if missing or invalid. */
int gm_exif_orientation(const void *bytes, size_t n);

/* Rotates and mirrors im by orientation 2 to 8. Frees im; NULL if out of memory. */
gm_image *gm_image_turn(gm_image *im, int orientation, gm_error *err);

#endif
