/* SPDX-License-Identifier: MIT
 *
 * fuzz_pth.c -- weights from memory: PyTorch's pickles and zips, .npz, safetensors. */
#include "tensorfile/tensors.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static float x[4096];
	gm_error err = {0};
	gm_tensors *f = gm_tensors_open_memory("input", bytes, n, &err);
	if (!f) {
		if (err.code == GM_OK || !err.message[0])
			__builtin_trap();
		return 0;
	}
	/* What was accepted must be readable as it says, and be found by its name. */
	for (int64_t i = 0; i < gm_tensors_count(f); i++) {
		const gm_tensor *t = gm_tensors_at(f, i);
		if (gm_tensors_find(f, t->name) != t)
			__builtin_trap();
		if (gm_tensor_numel(t) <= (int64_t)(sizeof x / sizeof *x))
			gm_tensor_f32(t, x);
	}
	gm_tensors_close(f);
	return 0;
}
