/* SPDX-License-Identifier: MIT
 *
 * fuzz_sound.c -- recordings from memory. What is accepted has samples, or the error says why
 * not. */
#include "data/sound.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	gm_error err = {0};
	int16_t *sample = NULL;
	int64_t samples = 0;
	int rate = n % 3 ? 0 : 8000;
	volatile int sum = 0;
	if (gm_sound_decode("sound", bytes, n, &rate, &sample, &samples, &err)) {
		if (samples < 1 || rate < 1)
			__builtin_trap();
		for (int64_t i = 0; i < samples; i++)
			sum += sample[i];
	} else if (!err.code || !err.message[0]) {
		__builtin_trap();
	}
	free(sample);
	return 0;
}
