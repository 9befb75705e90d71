/* SPDX-License-Identifier: MIT
 *
 * array.h -- arrays of numbers from files of other programs, and what they become: pictures, labels
 * or points. */
#ifndef GANYMEDE_DATA_ARRAY_H
#define GANYMEDE_DATA_ARRAY_H

#include "tensorfile/npy.h"
#include "data/pictures.h"

/* Numbers become bytes by the range they have: whole numbers, and floats beyond 1, must lie in 0 to
 * 255; floats in 0 to 1 are multiplied by 255; floats in -1 to 1 are (x + 1) * 127.5. Shapes: N,H,W;
 * N,H,W,C where C is 1 or 3; else N,C,H,W. name is what messages call the input. Fills count, sizes
 * and pixel. */
bool gm_array_pictures(gm_pictures *p, const gm_npy_array *a, const char *name, gm_error *err);

/* Whole numbers from 0, one for each of p->count examples: [N] or [N,1]. With from_one they count
 * from 1, and 10 of 10 is a zero (SVHN). */
bool gm_array_labels(gm_pictures *p, const gm_npy_array *a, bool from_one, const char *name,
                     gm_error *err);

/* [N,D] floats become points. */
bool gm_array_points(gm_pictures *p, const gm_npy_array *a, const char *name, gm_error *err);

/* By rank: 2 is points, 3 and 4 are pictures. */
bool gm_array_examples(gm_pictures *p, const gm_npy_array *a, const char *name, gm_error *err);

/* A MATLAB v5 file: X and y. */
bool gm_mat_parse(gm_pictures *p, const char *name, const void *bytes, size_t n, gm_error *err);

#endif
