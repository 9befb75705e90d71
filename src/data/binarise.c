/* SPDX-License-Identifier: MIT
 *
 * binarise.c -- binarises grey images, for likelihoods of binary pixels. Salakhutdinov & Murray
 * 2008 sample each pixel once with its intensity as the probability (fixed), Burda et al. 2016
 * (arXiv:1509.00519, section 5) again for each batch (stochastic). */
#include "data/set.h"

#define TAG 0xB1A412E5u /* makes these counters different from those of examples */

bool gm_data_binarise(gm_dataset *d, gm_binarise how, gm_error *err)
{
	d->binarise = how == GM_BINARISE_AUTO ? GM_BINARISE_NO : how;
	d->info.binary = d->binarise != GM_BINARISE_NO;
	return !d->info.binary || d->info.kind == GM_KIND_IMAGES ||
	       gm_fail(err, GM_ERR_VALUE, "%s: points and sounds cannot be binarised", d->name);
}

void gm_binarise_apply(gm_binarise how, uint64_t seed, uint64_t position, uint64_t place, float *x,
                       int64_t numel)
{
	if (how == GM_BINARISE_NO)
		return;
	if (how == GM_BINARISE_THRESHOLD) {
		for (int64_t i = 0; i < numel; i++)
			x[i] = x[i] > 0 ? 1 : -1;
		return;
	}
	const bool fixed = how == GM_BINARISE_FIXED;
	const uint64_t of = fixed ? 0 : seed, at = fixed ? place : position;
	const uint32_t key[2] = {(uint32_t)of, (uint32_t)(of >> 32)};
	for (int64_t i = 0; i < numel; i += 4) {
		const uint32_t counter[4] = {(uint32_t)at, (uint32_t)(at >> 32), TAG + fixed,
		                             (uint32_t)i};
		uint32_t word[4];
		gm_philox(counter, key, word);
		for (int64_t k = i; k < i + 4 && k < numel; k++)
			x[k] = (double)word[k - i] * 0x1p-32 < ((double)x[k] + 1) / 2 ? 1 : -1;
	}
}
