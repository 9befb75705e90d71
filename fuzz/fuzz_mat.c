/* SPDX-License-Identifier: MIT
 *
 * fuzz_mat.c -- MATLAB files. */
#include "data/array.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	gm_error err = {0};
	gm_pictures p = {0};
	if (gm_mat_parse(&p, "input", bytes, n, &err)) {
		if (!p.count || p.height < 1 || p.width < 1 || !p.pixel)
			__builtin_trap();
		for (uint64_t i = 0; p.label && i < p.count; i++)
			if (p.label[i] < 0 || p.label[i] >= p.labels)
				__builtin_trap();
	} else if (err.code == GM_OK || !err.message[0]) {
		__builtin_trap();
	}
	gm_pictures_free(&p);
	return 0;
}
