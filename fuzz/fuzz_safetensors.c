/* SPDX-License-Identifier: MIT
 *
 * fuzz_safetensors.c -- checkpoints from memory: headers of every sort of malice. */
#include "tensorfile/safetensors.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	gm_error err = {0};
	gm_st *st = gm_st_open_memory(bytes, n, &err);
	if (!st) {
		if (err.code == GM_OK || !err.message[0])
			__builtin_trap();
		return 0;
	}
	/* What was accepted must be readable as it says: each tensor inside the input, found by its
	 * name. */
	volatile uint8_t sum = 0;
	uint64_t total = 0;
	for (int64_t i = 0; i < gm_st_count(st); i++) {
		const gm_st_tensor *t = gm_st_at(st, i);
		for (uint64_t k = 0; k < t->bytes; k++)
			sum = (uint8_t)(sum + ((const uint8_t *)t->data)[k]);
		if (gm_st_find(st, t->name) != t)
			__builtin_trap();
		total += t->bytes;
	}
	if (total > n)
		__builtin_trap();
	for (int64_t i = 0; i < gm_st_meta_count(st); i++) {
		const gm_st_pair p = gm_st_meta_at(st, i);
		if (gm_st_meta(st, p.key) != p.value)
			__builtin_trap();
	}
	gm_st_close(st);
	return 0;
}
