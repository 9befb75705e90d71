/* SPDX-License-Identifier: MIT
 *
 * resize.h -- scaling pictures: the antialiased triangle filter ("bilinear, antialiased", as
 * Pillow's BILINEAR).
 *
 * Each output pixel is a weighted mean of the input pixels under a triangle whose half-width is
 * one pixel of the coarser of the two grids; pixels are squares with their centres at .5, and
 * weights beyond the border are left out and the rest scaled to sum to one. So enlarging
 * interpolates linearly, and shrinking does not alias (Parmar et al. 2022, "On aliased
 * resizing", on why that matters to a score). */
#ifndef GANYMEDE_DATA_RESIZE_H
#define GANYMEDE_DATA_RESIZE_H

#include <stdbool.h>
#include <stddef.h>

#define GM_RESIZE_NAME "triangle, antialiased"

typedef struct gm_resize gm_resize;

/* Weights for one pair of sizes, all positive. NULL where memory is short. */
gm_resize *gm_resize_new(int from_height, int from_width, int to_height, int to_width);
void gm_resize_free(gm_resize *r); /* NULL is fine */

size_t gm_resize_scratch(const gm_resize *r); /* floats that gm_resize_plane needs */

/* One plane: from [from_height, from_width] into rows of `to` that lie stride floats apart. No
 * allocation; any number of threads may share r, each with its own scratch. */
void gm_resize_plane(const gm_resize *r, const float *from, float *to, size_t stride,
                     float *scratch);

#endif
