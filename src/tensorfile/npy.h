/* SPDX-License-Identifier: MIT
 *
 * npy.h -- numeric arrays of NumPy and other programs. */
#ifndef GANYMEDE_BASE_NPY_H
#define GANYMEDE_BASE_NPY_H

#include "ganymede/base.h"

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

#define GM_ARRAY_RANK 5

/* A view; element (i, j, ...) lies stride[0] * i + stride[1] * j + ... elements after data, at any
 * alignment. */
typedef struct gm_npy_array {
	gm_array_type type;
	int rank;
	int64_t dims[GM_ARRAY_RANK], stride[GM_ARRAY_RANK];
	const uint8_t *data;
} gm_npy_array;

int gm_array_size(gm_array_type t); /* bytes of an element */
/* Strides of a contiguous array: the last dimension is fastest, or with fortran the first. */
void gm_array_strides(gm_npy_array *a, bool fortran);
/* The product of dims, or -1 if one is negative or the product is above 2^62. */
int64_t gm_array_numel(const gm_npy_array *a);

/* NumPy's file format, version 1 to 3 (numpy.lib.format). The view borrows bytes. Little-endian
 * integers, floats of 4 and 8 bytes, truth values; ranks 0 to 5; both orders. */
bool gm_npy_parse(gm_npy_array *a, const char *name, const void *bytes, size_t n, gm_error *err);

enum { GM_NPY_HEAD = 192 };
/* The head of a .npy of version 1.0, up to rank 5, padded to a multiple of 64 so that the data are
 * aligned; returns its length. type: NumPy's, "<f4". The data follow in C order. */
int gm_npy_head(char head[GM_NPY_HEAD], const char *type, const int64_t *dim, int rank);

#endif
