/* SPDX-License-Identifier: MIT
 *
 * image.h -- pictures to look at: 8-bit images, PNG files, grids of samples, scatters of points.
 *
 * Tensors hold pictures as floats [n, C, H, W] in [-1, 1]; a gm_image is what a person sees, bytes
 * row by row.
 *
 *	gm_error err = {0};
 *	gm_image *grid = gm_image_grid(x, &(gm_grid){.n = 64, .channels = 1, .height = 28, .width = 28}, &err);
 *	if (grid)
 *		gm_png_write("fakes.png", grid, &err);
 *	gm_image_free(grid);
 */
#ifndef GANYMEDE_IMAGE_H
#define GANYMEDE_IMAGE_H

#include "ganymede/base.h"

#include <stdio.h>

GM_BEGIN_C

typedef struct gm_image {
	int width, height, channels; /* channels: 1 = grey, 3 = RGB */
	uint8_t *pixel;              /* [height][width][channels], owned by the image */
} gm_image;

/* A black picture. NULL with GM_ERR_VALUE unless channels is 1 or 3, sides are positive and the
 * picture has at most 2^28 pixels. The caller frees it. */
GM_API gm_image *gm_image_new(int width, int height, int channels, gm_error *err);
GM_API void gm_image_free(gm_image *im); /* NULL is fine */

/* Writes to a temporary file beside path and renames it: path holds the old picture or the whole
 * new one. */
GM_API bool gm_png_write(const char *path, const gm_image *im, gm_error *err);

/* The same bytes in memory: *bytes [*n], made by malloc; the caller frees it. */
GM_API bool gm_png_encode(const gm_image *im, void **bytes, size_t *n, gm_error *err);

/* The format that the ending of a file name asks for: "PNG" (.png), "JPEG" (.jpg, .jpeg; quality 95) or "WebP" (.webp;
 * lossless). NULL with GM_ERR_VALUE for any other ending. */
GM_API const char *gm_image_format(const char *path, gm_error *err);
/* As gm_png_write, in that format. */
GM_API bool gm_image_write(const char *path, const gm_image *im, gm_error *err);

/* Any PNG becomes 8-bit grey or RGB: palettes are looked up, 16 bits cut to 8, transparency laid
 * on black. NULL with GM_ERR_IO or GM_ERR_FORMAT (not a PNG, truncated, corrupt, larger than
 * gm_image_new allows). The caller frees it. */
GM_API gm_image *gm_png_read(const char *path, gm_error *err);
GM_API gm_image *gm_png_read_memory(const void *bytes, size_t n, gm_error *err);

/* What a file says about its picture, before that became 8-bit grey or RGB the right way up. */
typedef struct gm_image_facts {
	const char *format; /* "PNG", "JPEG", "WebP", "GIF", "TIFF", "BMP", "PNM"; NULL: none */
	int width, height;  /* as stored, before orientation is applied */
	int channels;    /* as stored: 1 grey or palette, 2 grey and alpha, 3 RGB, 4 RGBA or CMYK */
	int bits;        /* of one value */
	int orientation; /* EXIF's, 1 = upright; the picture that is returned is upright */
	bool alpha;      /* something in it may be transparent */
	bool several;    /* frames or pages, of which the first is the picture */
} gm_image_facts;

/* A PNG, JPEG, WebP, GIF, TIFF, BMP or PNM (PBM, PGM, PPM), known by its content, becomes 8-bit grey
 * or RGB: palettes are looked up, 16 bits cut to 8, transparency laid on black, CMYK inks multiplied
 * (without a colour profile), and EXIF's orientation applied; of animations and pages the first is
 * taken. Colour profiles and gamma are ignored: values are taken as sRGB.
 * A JPEG whose data end early or are corrupt is refused, not filled with grey. name is what
 * messages call the bytes; facts may be NULL. NULL with GM_ERR_IO, GM_ERR_FORMAT or
 * GM_ERR_MEMORY; the caller frees the picture. */
GM_API gm_image *gm_image_read(const char *path, gm_image_facts *facts, gm_error *err);
GM_API gm_image *gm_image_read_memory(const char *name, const void *bytes, size_t n,
                                      gm_image_facts *facts, gm_error *err);

/* What the header alone says. width and height are as stored. Errors as above; what only the pixels
 * would show stays unsaid. */
GM_API bool gm_image_look(const char *name, const void *bytes, size_t n, gm_image_facts *facts,
                          gm_error *err);

/* Zero fields take the default. */
typedef struct gm_grid {
	int64_t n; /* pictures */
	int channels, height,
		width; /* of each; the first 3 channels (below 3: the first) are shown */
	int columns;   /* default: as near to a square as n allows */
	int padding;   /* pixels between and around, before scaling; default 2, -1 for none */
	int scale;     /* whole-number magnification; default: tiny pictures grow until pleasant */
} gm_grid;

/* n pictures x [n, C, H, W] in [-1, 1] row by row on a dark frame; values outside are cut, NaN
 * is shown in magenta (grey where there is no colour). NULL with GM_ERR_VALUE for senseless
 * sizes. The caller frees it. */
GM_API gm_image *gm_image_grid(const float *x, const gm_grid *g, gm_error *err);

typedef struct gm_scatter {
	const float *real; /* [n_real, 2], drawn below in grey-blue; may be NULL when n_real is 0 */
	int64_t n_real;
	const float *fake; /* [n_fake, 2], drawn above in orange; may be NULL when n_fake is 0 */
	int64_t n_fake;
	int size;     /* pixels along each side; default 512 */
	float extent; /* the picture shows [-extent, extent] squared; default: from the real points */
} gm_scatter;

/* Points as soft discs over light axes. Points outside the frame are left out; NaN too. The
 * caller frees it. */
GM_API gm_image *gm_image_scatter(const gm_scatter *s, gm_error *err);

/* Prints im with libchafa, at most columns wide (0 = the terminal's width). Prints nothing, and
 * returns false, when out is not a terminal (or a dumb one), or the library was built without
 * chafa. */
GM_API bool gm_term_picture(FILE *out, const gm_image *im, int columns);

GM_END_C

#endif
