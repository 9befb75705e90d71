/* SPDX-License-Identifier: MIT
 *
 * image.h -- 8-bit images: PNG and other files, sample grids, scatter plots.
 *
 * Tensors hold images as floats [n, C, H, W] in [-1, 1]; a gm_image holds one image as bytes,
 * row-major.
 *
 *	gm_error err = {0};
 *	gm_grid layout = {.n = 64, .channels = 1, .height = 28, .width = 28};
 *	gm_image *grid = gm_image_grid(x, &layout, &err);
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

/* A black image. NULL with GM_ERR_VALUE unless channels is 1 or 3, width and height are positive
 * and there are at most 2^28 pixels. The caller frees it. */
GM_API gm_image *gm_image_new(int width, int height, int channels, gm_error *err);
GM_API void gm_image_free(gm_image *im); /* NULL is allowed */

/* Writes a temporary file and renames it, so that path always holds the complete old or new
 * image. */
GM_API bool gm_png_write(const char *path, const gm_image *im, gm_error *err);

/* Writes the PNG to memory: *bytes [*n], to be freed by the caller with free(). */
GM_API bool gm_png_encode(const gm_image *im, void **bytes, size_t *n, gm_error *err);

/* The image format of a file name extension: "PNG" (.png), "JPEG" (.jpg, .jpeg; quality 95) or
 * "WebP" (.webp; lossless). NULL with GM_ERR_VALUE for any other extension. */
GM_API const char *gm_image_format(const char *path, gm_error *err);
/* As gm_png_write, in the format given by the extension of path. */
GM_API bool gm_image_write(const char *path, const gm_image *im, gm_error *err);

/* Reads any PNG as 8-bit grey or RGB: palettes are expanded, 16 bits truncated to 8, transparency
 * composited on black. NULL with GM_ERR_IO or GM_ERR_FORMAT (not a PNG, truncated, corrupt, larger
 * than gm_image_new allows). The caller frees it. */
GM_API gm_image *gm_png_read(const char *path, gm_error *err);
GM_API gm_image *gm_png_read_memory(const void *bytes, size_t n, gm_error *err);

/* Properties of an image file, before the conversion to upright 8-bit grey or RGB. */
typedef struct gm_image_facts {
	const char *format; /* "PNG", "JPEG", "WebP", "GIF", "TIFF", "BMP", "PNM"; NULL: unknown */
	int width, height;  /* as stored, before orientation is applied */
	int channels;    /* as stored: 1 grey or palette, 2 grey and alpha, 3 RGB, 4 RGBA or CMYK */
	int bits;        /* per channel */
	int orientation; /* EXIF orientation, 1 = upright; the returned image is always upright */
	bool alpha;      /* may have transparent pixels */
	bool several;    /* has several frames or pages; the first is read */
} gm_image_facts;

/* Reads a PNG, JPEG, WebP, GIF, TIFF, BMP or PNM (PBM, PGM, PPM), recognised by content, as 8-bit
 * grey or RGB: palettes are expanded, 16 bits truncated to 8, transparency composited on black,
 * CMYK inks multiplied (without a colour profile), EXIF orientation applied; of several frames or
 * pages the first is read. Colour profiles and gamma are ignored: values are taken as sRGB. A
 * truncated or corrupt JPEG is an error, not filled with grey. name: used in error messages. facts
 * may be NULL. NULL with GM_ERR_IO, GM_ERR_FORMAT or GM_ERR_MEMORY; the caller frees the image. */
GM_API gm_image *gm_image_read(const char *path, gm_image_facts *facts, gm_error *err);
GM_API gm_image *gm_image_read_memory(const char *name, const void *bytes, size_t n,
                                      gm_image_facts *facts, gm_error *err);

/* Reads only the header. width and height are as stored. Errors as above; errors in the pixel data
 * are not found. */
GM_API bool gm_image_look(const char *name, const void *bytes, size_t n, gm_image_facts *facts,
                          gm_error *err);

/* All frames of an animation (GIF, WebP), each as a viewer shows it, on black; of another file its
 * only image. *n: their number. GM_ERR_FORMAT for a corrupt file, for frames of more than 2^28
 * pixels together, and for formats that the small library does not read. Free it with
 * gm_image_frames_free. */
GM_API gm_image **gm_image_read_frames(const char *name, const void *bytes, size_t size, int *n,
                                       gm_error *err);
GM_API void gm_image_frames_free(gm_image **frames, int n); /* NULL is allowed */

/* Zero fields take the default. */
typedef struct gm_grid {
	int64_t n; /* number of images */
	/* of each image; 3 or more channels: the first 3 are shown as RGB; fewer: the first as
	 * grey */
	int channels, height, width;
	int columns; /* default: the grid is about square */
	int padding; /* pixels between and around images, before scaling; default 2, -1 for none */
	int scale;   /* integer magnification; default: small images are enlarged */
} gm_grid;

/* A grid of n images x [n, C, H, W] in [-1, 1], row by row on a dark background. Values are
 * clipped; NaN is shown in magenta (grey in a grey image). NULL with GM_ERR_VALUE for invalid
 * sizes. The caller frees it. */
GM_API gm_image *gm_image_grid(const float *x, const gm_grid *g, gm_error *err);

/* Label maps [n, plane] as colours x [n, 3, plane] in [-1,1]: class k has colour k of the PASCAL
 * VOC colour map (Everingham et al., IJCV 2010), in which bits 3i, 3i + 1 and 3i + 2 of k are bit
 * 7 - i of red, green and blue; 0 is black. Classes above 255 take the colour of their remainder
 * modulo 256. */
GM_API void gm_image_labels(const int32_t *map, int64_t n, int64_t plane, float *x);

/* The class with the largest of scores [n, classes, plane] at each pixel, the first of equal ones:
 * map [n, plane]. */
GM_API void gm_image_classes(const float *scores, int64_t n, int64_t classes, int64_t plane,
                             int32_t *map);

typedef struct gm_spectrograms {
	int64_t n, samples; /* of sounds, and of samples of each */
	int columns;        /* of the grid; default: it is about square */
} gm_spectrograms;

/* A grid of the spectrograms of sounds x [n, samples] in [-1,1], each of 128 x 128 pixels: time to
 * the right, frequency upwards from 0 to half the sample rate (windows of 256 samples, Hann's),
 * levels from 0 dB, a sine of amplitude 1, in white, to -80 dB in black. The caller frees it. */
GM_API gm_image *gm_image_spectrograms(const float *x, const gm_spectrograms *s, gm_error *err);

typedef struct gm_scatter {
	const float *real; /* [n_real, 2], drawn below in grey-blue; may be NULL when n_real is 0 */
	int64_t n_real;
	const float *fake; /* [n_fake, 2], drawn above in orange; may be NULL when n_fake is 0 */
	int64_t n_fake;
	int size;     /* pixels along each side; default 512 */
	float extent; /* axes range over [-extent, extent]; default: from the real points */
} gm_scatter;

/* A scatter plot. Points that are NaN or outside the axes are not drawn. The caller frees it. */
GM_API gm_image *gm_image_scatter(const gm_scatter *s, gm_error *err);

/* Optical flow: where the pixels of an image a are in an image b, [2, height, width]: pixel (x, y)
 * of a is at (x + flow[0], y + flow[1]) in b. Images are [channels, height, width] in [-1, 1]. Horn
 * & Schunck 1981 on the mean of the channels, smoothed, from coarse to fine. GM_ERR_MEMORY. */
typedef struct gm_flow_size {
	int channels, height, width;
} gm_flow_size;
GM_API bool gm_flow(const float *a, const float *b, const gm_flow_size *s, float *flow,
                    gm_error *err);
/* out (x, y) = the image x [channels, height, width] at (x + flow[0], y + flow[1]): bilinear
 * interpolation, edges clamped. With the flow from a to b, this is a as it is found in b. */
GM_API void gm_flow_warp(const float *x, const gm_flow_size *s, const float *flow, float *out);

/* Prints im with libchafa, at most `columns` wide (0 = the terminal's width). Prints nothing and
 * returns false if out is not a terminal (or TERM is dumb), or the library was built without
 * chafa. */
GM_API bool gm_term_picture(FILE *out, const gm_image *im, int columns);

GM_END_C

#endif
