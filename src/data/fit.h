/* SPDX-License-Identifier: MIT
 *
 * fit.h -- the way from a stored picture to a delivered one: which part of it is used, how that is
 * scaled, where it lands. */
#ifndef GANYMEDE_DATA_FIT_H
#define GANYMEDE_DATA_FIT_H

#include "data/resize.h"

typedef struct gm_fitter {
	int channels, height, width; /* of what is stored */
	int to_channels, to_height, to_width;
	int cut_x, cut_y, cut_width, cut_height;  /* the part that is used */
	int left, top, inner_width, inner_height; /* where it lands; black around it */
	gm_resize *resize;                        /* NULL where nothing is scaled */
	const char *filter;                       /* "triangle, antialiased" */
	const char *how;                          /* for gm_data_info.resize */
} gm_fitter;

/* channels, height and width: of the pictures to come. Only size, channels, fit and filter of o
 * count. */
bool gm_fitter_init(gm_fitter *f, int channels, int height, int width, const gm_data_options *o,
                    gm_error *err);
void gm_fitter_free(gm_fitter *f); /* fine on a zeroed one */

size_t gm_fitter_scratch(const gm_fitter *f); /* floats that gm_fitter_run needs */

/* One picture into x [to_channels, to_height, to_width], in [-1, 1]. Value (c, y, x) of the stored
 * picture is pixel[c * plane + y * row + x * step]. No allocation. */
void gm_fitter_run(const gm_fitter *f, const uint8_t *pixel, size_t plane, size_t row, size_t step,
                   float *scratch, float *x);

/* The same as bytes, [-1, 1] to 0 .. 255, rounded. Its scratch holds a plane more, and nothing where
 * bytes are only copied. */
size_t gm_fitter_bytes_scratch(const gm_fitter *f);
void gm_fitter_bytes(const gm_fitter *f, const uint8_t *pixel, size_t plane, size_t row,
                     size_t step, float *scratch, uint8_t *to);

#endif
