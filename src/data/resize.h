/* SPDX-License-Identifier: MIT
 *
 * resize.h -- scaling pictures by antialiased filters, those of Pillow.
 *
 * Each output pixel is a weighted mean of the input pixels under a kernel (a triangle, unless
 * another is asked for) that is stretched to the coarser of the two grids; pixels are squares with
 * their centres at .5, and weights beyond the border are left out and the rest scaled to sum to
 * one. So enlarging interpolates, and shrinking does not alias (Parmar et al. 2022, "On aliased
 * resizing", on why that matters to a score). */
#ifndef GANYMEDE_DATA_RESIZE_H
#define GANYMEDE_DATA_RESIZE_H

#include "ganymede/data.h"

typedef struct gm_resize gm_resize;

/* Weights for one pair of sizes, all positive. NULL where memory is short. */
gm_resize *gm_resize_new(int from_height, int from_width, int to_height, int to_width,
                         gm_filter filter);
const char *gm_resize_name(gm_filter filter); /* "triangle, antialiased" */
void gm_resize_free(gm_resize *r);            /* NULL is fine */

size_t gm_resize_scratch(const gm_resize *r); /* floats that gm_resize_plane needs */

/* One row [from_width] into [to_width]; and, once all rows of a plane stand one after another in
 * rows [from_height, to_width], that plane into rows of `to` that lie stride floats apart. So a
 * plane need never be there as floats at its stored size. */
void gm_resize_row(const gm_resize *r, const float *from, float *to);
void gm_resize_down(const gm_resize *r, const float *rows, float *to, size_t stride);
/* Both. One plane: from [from_height, from_width] into rows of `to` that lie stride floats apart.
 * No allocation; any number of threads may share r, each with its own scratch. */
void gm_resize_plane(const gm_resize *r, const float *from, float *to, size_t stride,
                     float *scratch);

/* Clamps values to [-1, 1] and rounds them to those of 8 bits. */
void gm_resize_bytes(float *x, int64_t n);

#endif
