/* SPDX-License-Identifier: MIT
 *
 * fuzz_cifar.c -- CIFAR's records. */
#include "data/cifar.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	gm_error err = {0};
	gm_pictures p = {0};
	/* The first byte chooses the kind; the second how long the records' input is, so that it
	 * fits. */
	const int kind = n ? bytes[0] & 1 : 0;
	const size_t each = 3073 + (size_t)kind,
		     want = n > 1 ? each * (bytes[1] % 3) + (bytes[1] > 250) : 0;
	uint8_t *copy = calloc(1, want + !want);
	if (n > 2)
		memcpy(copy, bytes + 2, n - 2 < want ? n - 2 : want);
	if (gm_cifar_records(&p, kind, "input", copy, want, &err)) {
		if (p.count * each != want || p.labels != (kind ? 100 : 10))
			__builtin_trap();
		for (uint64_t i = 0; i < p.count; i++)
			if (p.label[i] < 0 || p.label[i] >= p.labels)
				__builtin_trap();
	} else if (err.code == GM_OK || !err.message[0]) {
		__builtin_trap();
	}
	free(copy);
	gm_pictures_free(&p);
	return 0;
}
