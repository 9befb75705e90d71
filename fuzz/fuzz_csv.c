/* SPDX-License-Identifier: MIT
 *
 * fuzz_csv.c -- points as text. */
#include "data/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	gm_error err = {0};
	gm_pictures p = {0};
	if (gm_csv_parse(&p, "input", bytes, n, &err)) {
		volatile float sum = 0;
		for (uint64_t i = 0; i < p.count * (uint64_t)p.width; i++)
			sum = p.point[i];
		for (uint64_t i = 0; p.label && i < p.count; i++)
			if (p.label[i] < 0 || p.label[i] >= p.labels)
				__builtin_trap();
		(void)sum;
	} else if (err.code == GM_OK || !err.message[0]) {
		__builtin_trap();
	}
	gm_pictures_free(&p);
	return 0;
}
