/* SPDX-License-Identifier: MIT
 *
 * fuzz_idx.c -- IDX files, plain and gzipped, from memory. */
#include "data/idx.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	gm_idx idx;
	gm_error err = {0};
	if (gm_idx_parse_memory("input", bytes, n, &idx, &err)) {
		/* What was accepted must be readable as it says. */
		size_t product = 1;
		volatile uint8_t sum = 0;
		for (int i = 0; i < idx.rank; i++)
			product *= (size_t)idx.dims[i];
		for (size_t i = 0; i < product; i++)
			sum = (uint8_t)(sum + idx.data[i]);
		if (product != idx.bytes || err.code != GM_OK)
			__builtin_trap();
	} else if (idx.data || err.code == GM_OK || !err.message[0]) {
		__builtin_trap();
	}
	gm_idx_free(&idx);
	return 0;
}
