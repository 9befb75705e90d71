/* SPDX-License-Identifier: MIT
 *
 * array.h -- converts numeric arrays from files to images, labels or points. */
#ifndef GANYMEDE_DATA_ARRAY_H
#define GANYMEDE_DATA_ARRAY_H

#include "tensorfile/npy.h"
#include "data/pictures.h"

/* Converts values to bytes depending on their range: integers, and floats above 1, must be in 0 to
 * 255; floats in 0 to 1 are multiplied by 255; floats in -1 to 1 become (x + 1) * 127.5. Shapes:
 * N,H,W; N,H,W,C if C is 1 or 3; else N,C,H,W; N,T,H,W,C or N,T,C,H,W are sequences, and with
 * sequences N,T,H,W as well. name: for messages. Fills count (N), length (T), sizes and pixel. */
bool gm_array_pictures(gm_pictures *p, const gm_npy_array *a, bool sequences, const char *name,
                       gm_error *err);

/* Integer labels from 0, one per example: [N] or [N,1]. from_one: they count from 1, and class 10
 * of 10 is the digit 0 (SVHN). */
bool gm_array_labels(gm_pictures *p, const gm_npy_array *a, bool from_one, const char *name,
                     gm_error *err);

/* [N,D] floats become points. */
bool gm_array_points(gm_pictures *p, const gm_npy_array *a, const char *name, gm_error *err);

/* By rank: 2 is points, 3 and 4 are pictures, 5 is sequences of them. */
bool gm_array_examples(gm_pictures *p, const gm_npy_array *a, bool sequences, const char *name,
                       gm_error *err);

/* A MATLAB v5 file: X and y. */
bool gm_mat_parse(gm_pictures *p, const char *name, const void *bytes, size_t n, gm_error *err);

#endif
