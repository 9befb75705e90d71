/* SPDX-License-Identifier: MIT
 *
 * idx.h -- the file format of MNIST (yann.lecun.com/exdb/mnist), gzipped or not: two zero bytes,
 * a type, a rank, the dimensions as big-endian 32-bit numbers, then the elements. Unsigned bytes
 * of rank 1, 3 and 4 are read. */
#ifndef GANYMEDE_DATA_IDX_H
#define GANYMEDE_DATA_IDX_H

#include "ganymede/base.h"

typedef struct gm_idx {
	int rank; /* 1: labels, 3: N,H,W, 4: see data.h */
	int64_t dims[4];
	uint8_t *data; /* owned; product of dims bytes */
	size_t bytes;
} gm_idx;

/* Both refuse, before any memory is taken, dimensions that the input cannot hold. name is what
 * messages call the input. */
bool gm_idx_read(const char *path, gm_idx *out, gm_error *err);
bool gm_idx_parse_memory(const char *name, const void *bytes, size_t n, gm_idx *out, gm_error *err);
void gm_idx_free(gm_idx *idx); /* fine on a zeroed one */

#endif
