/* SPDX-License-Identifier: MIT
 *
 * fuzz_npy.c -- NumPy arrays, and what becomes of them. */
#include "data/array.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	gm_error err = {0};
	gm_npy_array a;
	gm_pictures p = {0};
	if (gm_npy_parse(&a, "input", bytes, n, &err)) {
		if (gm_array_numel(&a) * gm_array_size(a.type) > (int64_t)n)
			__builtin_trap();
		if (gm_array_examples(&p, &a, n & 1, "input", &err) &&
		    (!p.count || (p.point ? p.width < 1 : p.width < 1 || p.height < 1 || !p.pixel)))
			__builtin_trap();
		gm_pictures_free(&p);
		p.count = (uint64_t)a.dims[0];
		gm_array_labels(&p, &a, n & 1, "input", &err);
	} else if (err.code == GM_OK || !err.message[0]) {
		__builtin_trap();
	}
	gm_pictures_free(&p);
	return 0;
}
