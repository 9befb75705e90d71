/* SPDX-License-Identifier: MIT
 *
 * fuzz_series.c -- stats.jsonl, which pages read while a run writes it. */
#include <stdlib.h>
#include <string.h>

#include "report/series.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	gm_series whole = {0}, split = {0};
	gm_bucket b[7];
	size_t used = gm_series_read(&whole, bytes, n), half = n / 2, at;
	at = gm_series_read(&split, bytes, half);
	at += gm_series_read(&split, bytes + at, n - at);
	/* Reading in parts is reading at once. */
	if (used > n || at != used || split.lines != whole.lines ||
	    split.columns != whole.columns || split.skipped != whole.skipped)
		__builtin_trap();
	for (int i = 0; i < whole.columns; i++) {
		size_t sum = 0;
		int count = gm_series_buckets(&whole.column[i],
		                              &(gm_span){.buckets = 7, .half = 10}, b);
		for (int k = 0; k < count; k++)
			sum += b[k].n + b[k].nan;
		if (sum != whole.column[i].n && whole.column[i].step[0] == 0)
			__builtin_trap();
	}
	gm_series_free(&whole);
	gm_series_free(&split);
	return 0;
}
