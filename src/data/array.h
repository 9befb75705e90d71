/* SPDX-License-Identifier: MIT
 *
 * array.h -- arrays of numbers from files of other programs, and what they become: pictures, labels
 * or points. */
#ifndef GANYMEDE_DATA_ARRAY_H
#define GANYMEDE_DATA_ARRAY_H

#include "data/pictures.h"

typedef enum gm_array_type {
	GM_ARRAY_U8,
	GM_ARRAY_I8,
	GM_ARRAY_U16,
	GM_ARRAY_I16,
	GM_ARRAY_I32,
	GM_ARRAY_I64,
	GM_ARRAY_F32,
	GM_ARRAY_F64
} gm_array_type;

#define GM_ARRAY_RANK 4

/* A view; element (i, j, ...) lies stride[0] * i + stride[1] * j + ... elements after data, at any
 * alignment. */
typedef struct gm_array {
	gm_array_type type;
	int rank;
	int64_t dims[GM_ARRAY_RANK], stride[GM_ARRAY_RANK];
	const uint8_t *data;
} gm_array;

int gm_array_size(gm_array_type t); /* bytes of an element */
/* Strides of an array in one piece: the last dimension runs fastest, or with fortran the first. */
void gm_array_strides(gm_array *a, bool fortran);
/* The product of dims, or -1 where one is negative or it does not fit 2^62. */
int64_t gm_array_numel(const gm_array *a);

/* Numbers become bytes by the range they have: whole numbers, and floats beyond 1, must lie in 0 to
 * 255; floats in 0 to 1 are multiplied by 255; floats in -1 to 1 are (x + 1) * 127.5. Shapes: N,H,W;
 * N,H,W,C where C is 1 or 3; else N,C,H,W. name is what messages call the input. Fills count, sizes
 * and pixel. */
bool gm_array_pictures(gm_pictures *p, const gm_array *a, const char *name, gm_error *err);

/* Whole numbers from 0, one for each of p->count examples: [N] or [N,1]. With from_one they count
 * from 1, and 10 of 10 is a zero (SVHN). */
bool gm_array_labels(gm_pictures *p, const gm_array *a, bool from_one, const char *name,
                     gm_error *err);

/* [N,D] floats become points. */
bool gm_array_points(gm_pictures *p, const gm_array *a, const char *name, gm_error *err);

/* By rank: 2 is points, 3 and 4 are pictures. */
bool gm_array_examples(gm_pictures *p, const gm_array *a, const char *name, gm_error *err);

/* NumPy's file format, version 1 to 3 (numpy.lib.format). The view borrows bytes. Little-endian
 * integers, floats of 4 and 8 bytes, truth values; ranks 1 to 4; both orders. */
bool gm_npy_parse(gm_array *a, const char *name, const void *bytes, size_t n, gm_error *err);

/* A MATLAB v5 file: X and y. */
bool gm_mat_parse(gm_pictures *p, const char *name, const void *bytes, size_t n, gm_error *err);

#endif
