/* SPDX-License-Identifier: MIT
 *
 * fit.h -- conversion of a stored image: crop, scale, position in the output. */
#ifndef GANYMEDE_DATA_FIT_H
#define GANYMEDE_DATA_FIT_H

#include "data/resize.h"

typedef struct gm_fitter {
	int channels, height, width; /* of the stored image */
	int to_channels, to_height, to_width;
	int cut_x, cut_y, cut_width, cut_height;  /* the crop */
	int left, top, inner_width, inner_height; /* position in the output; black around it */
	gm_resize *resize;                        /* NULL: no scaling */
	const char *filter;                       /* "triangle, antialiased" */
	const char *how;                          /* for gm_data_info.resize */
} gm_fitter;

/* channels, height and width: of the stored images. Uses only size, channels, fit and filter of
 * o. */
bool gm_fitter_init(gm_fitter *f, int channels, int height, int width, const gm_data_options *o,
                    gm_error *err);
void gm_fitter_free(gm_fitter *f); /* allowed on a zeroed struct */

size_t gm_fitter_scratch(const gm_fitter *f); /* floats that gm_fitter_run needs */

/* Converts one image to x [to_channels, to_height, to_width] in [-1, 1]. Value (c, y, x) of the
 * stored image is pixel[c * plane + y * row + x * step]. Allocates nothing. */
void gm_fitter_run(const gm_fitter *f, const uint8_t *pixel, size_t plane, size_t row, size_t step,
                   float *scratch, float *x);

/* As gm_fitter_run, to bytes: [-1, 1] to 0 .. 255, rounded. Needs scratch for one more plane, or
 * none if bytes are only copied. */
size_t gm_fitter_bytes_scratch(const gm_fitter *f);
void gm_fitter_bytes(const gm_fitter *f, const uint8_t *pixel, size_t plane, size_t row,
                     size_t step, float *scratch, uint8_t *to);

#endif
