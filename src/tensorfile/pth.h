/* SPDX-License-Identifier: MIT
 *
 * pth.h -- PyTorch's own files, for tensors.c. */
#ifndef GANYMEDE_BASE_PTH_H
#define GANYMEDE_BASE_PTH_H

#include "tensorfile/tensors.h"
#include "tensorfile/zip.h"

/* Receives each tensor of a file; its name is valid during the call. Returning false stops. */
typedef bool gm_pth_found(void *context, const gm_tensor *t, gm_error *err);

typedef struct gm_pth_sink {
	const char *name; /* name of the file for messages */
	gm_pth_found *found;
	void *context;
} gm_pth_sink;

bool gm_pth_is_zip(const gm_zip *z);
bool gm_pth_is_legacy(const void *bytes, size_t n);

/* Tensors borrow from the zip, or from bytes. */
bool gm_pth_zip(const gm_zip *z, const gm_pth_sink *to, gm_error *err);
bool gm_pth_legacy(const void *bytes, size_t n, const gm_pth_sink *to, gm_error *err);

#endif
