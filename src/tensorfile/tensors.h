/* SPDX-License-Identifier: MIT
 *
 * tensors.h -- reads named tensors from files of weights:
 *
 *	safetensors
 *	.npz                      NumPy's: a zip of arrays
 *	.pth, .pt, .bin           PyTorch's state dicts, as a zip (since 1.6) or as a row of pickles
 *
 * known by their content, not by their names. Nothing in them is executed: see pickle.h.
 *
 *	gm_tensors *f = gm_tensors_open("weights.pth", &err);
 *	const gm_tensor *t = f ? gm_tensors_find(f, "fc.weight") : NULL;
 *	if (t && gm_tensor_numel(t) == n)
 *		gm_tensor_f32(t, w);
 *	gm_tensors_close(f);
 *
 * In a PyTorch file dicts may lie in dicts: names are joined by dots, and what is no tensor is
 * passed over. Where every name begins with the same "state_dict." or "module.", as trainers write
 * them, it is taken off. */
#ifndef GANYMEDE_BASE_TENSORS_H
#define GANYMEDE_BASE_TENSORS_H

#include "tensorfile/safetensors.h"

/* Element (i, j, ...) lies stride[0] * i + stride[1] * j + ... elements after data, at any
 * alignment. All of it lies inside the file. */
typedef struct gm_tensor {
	const char *name;
	gm_st_type type;
	int rank; /* 0: a scalar */
	int64_t dims[GM_ST_MAX_RANK], stride[GM_ST_MAX_RANK];
	const uint8_t *data;
} gm_tensor;

typedef struct gm_tensors gm_tensors;

/* NULL with GM_ERR_IO, GM_ERR_FORMAT or GM_ERR_MEMORY. open_memory borrows bytes until close; name
 * is what messages call them. */
gm_tensors *gm_tensors_open(const char *path, gm_error *err);
gm_tensors *gm_tensors_open_memory(const char *name, const void *bytes, size_t n, gm_error *err);
void gm_tensors_close(gm_tensors *f); /* NULL is allowed; pointers returned from f become invalid */

int64_t gm_tensors_count(const gm_tensors *f);
const gm_tensor *gm_tensors_at(const gm_tensors *f, int64_t i);          /* by name */
const gm_tensor *gm_tensors_find(const gm_tensors *f, const char *name); /* NULL: none */
const char *gm_tensors_format(const gm_tensors *f); /* "safetensors", "npz", "PyTorch zip" ... */

int64_t gm_tensor_numel(const gm_tensor *t);
/* Copies its values in row-major order as floats. */
void gm_tensor_f32(const gm_tensor *t, float *out);
void gm_tensor_f64(const gm_tensor *t, double *out);

#endif
