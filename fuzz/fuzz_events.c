/* SPDX-License-Identifier: MIT
 *
 * fuzz_events.c -- TensorBoard event files, which a run that resumes cuts back. */
#include "report/events.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	size_t some = gm_events_until(bytes, n, 10), all = gm_events_until(bytes, n, INT64_MAX);
	/* A later step never keeps less, and cutting twice is cutting once. */
	if (some > all || all > n || gm_events_until(bytes, some, 10) != some)
		__builtin_trap();
	return 0;
}
