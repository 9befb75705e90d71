/* SPDX-License-Identifier: MIT
 *
 * augment.c -- flips and crops as a pure function of (seed, position), so that resumed runs and any
 * number of threads give the same. */
#include "data/set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TAG 0xA0961E47u /* makes these counters different from those of examples */

bool gm_augment_init(gm_augment *a, const gm_data_options *o, int height, int width, int threads,
                     gm_error *err)
{
	const int shorter = height < width ? height : width;
	a->flip = o->flip, a->crop = o->crop;
	if (a->crop > shorter / 2)
		return gm_fail(err, GM_ERR_VALUE,
		               "a shift of %d pixels is more than half of pictures of %d x %d",
		               a->crop, width, height);
	snprintf(a->text, sizeof a->text, "%s", a->flip ? "flip" : a->crop ? "" : "none");
	if (a->crop)
		snprintf(a->text, sizeof a->text, "%scrop %d", a->flip ? "flip, " : "", a->crop);
	if (!a->flip && !a->crop)
		return true;
	a->spare_each = (size_t)height * (size_t)width;
	a->spare = malloc(a->spare_each * (size_t)threads * sizeof *a->spare);
	return a->spare || gm_fail(err, GM_ERR_MEMORY, "out of memory");
}

void gm_augment_free(gm_augment *a)
{
	free(a->spare);
	*a = (gm_augment){0};
}

/* Index for reflection padding. */
static int mirrored(int i, int n)
{
	return i < 0 ? -i : i >= n ? 2 * n - 2 - i : i;
}

void gm_augment_apply(const gm_augment *a, uint64_t seed, uint64_t position, int thread, float *x,
                      int channels, int height, int width)
{
	if (!a->spare)
		return;
	const uint32_t counter[4] = {(uint32_t)position, (uint32_t)(position >> 32), TAG, 0};
	const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
	uint32_t word[4];
	gm_philox(counter, key, word);
	const bool flip = a->flip && (word[0] & 1);
	const uint64_t ways = (uint64_t)a->crop * 2 + 1;
	const int dx = (int)(word[1] * ways >> 32) - a->crop,
		  dy = (int)(word[2] * ways >> 32) - a->crop;
	if (!flip && !dx && !dy)
		return;
	float *spare = a->spare + (size_t)thread * a->spare_each;
	const size_t plane = (size_t)height * (size_t)width;
	for (int c = 0; c < channels; c++, x += plane) {
		memcpy(spare, x, plane * sizeof *x);
		for (int y = 0; y < height; y++) {
			const float *from =
				spare + (size_t)mirrored(y + dy, height) * (size_t)width;
			float *to = x + (size_t)y * (size_t)width;
			for (int i = 0; i < width; i++)
				to[flip ? width - 1 - i : i] = from[mirrored(i + dx, width)];
		}
	}
}
