/* SPDX-License-Identifier: MIT
 *
 * stack.c -- three grey images as the channels of one: stacked MNIST has 1000 classes, a test of
 * mode coverage (Metz et al. 2017, arXiv:1611.02163, section 3.3.1). Random triples for every
 * position of an endless stream. */
#include "data/set.h"

#include "base/machine.h"

#include <string.h>

#define TAG 0x57AC4ED0u /* makes these counters different from those of examples */

bool gm_stack_init(gm_dataset *d, gm_error *err)
{
	gm_data_info *info = &d->info;
	static const char tag[] = "stack";
	const int64_t k = info->classes;
	if (info->kind != GM_KIND_IMAGES || info->shape[0] != 1)
		return gm_fail(err, GM_ERR_VALUE,
		               "%s: option stack needs pictures of one channel (--channels 1)",
		               d->name);
	if (d->pictures.slot_a || d->pictures.captions)
		return gm_fail(err, GM_ERR_VALUE,
		               "%s: option stack: pairs and captions cannot be stacked", d->name);
	d->stacked = info->count;
	info->count = 0;
	info->shape[0] = GM_STACK;
	info->classes = k <= 100 ? (int)(k * k * k) : 0;
	info->class_names = NULL;
	info->hash = gm_hash(info->hash, tag, sizeof tag);
	return true;
}

void gm_stack_example(const gm_dataset *d, uint64_t seed, uint64_t index, int thread, float *x,
                      int32_t *label)
{
	const gm_pictures *p = &d->pictures;
	const int64_t plane = d->info.shape[1] * d->info.shape[2];
	const uint32_t counter[4] = {(uint32_t)index, (uint32_t)(index >> 32), TAG, 0};
	const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
	uint32_t word[4];
	int64_t l = 0;
	gm_philox(counter, key, word);
	for (int c = 0; c < GM_STACK; c++) {
		const uint64_t i = d->from + (word[c] * d->stacked >> 32);
		if (x)
			gm_pictures_get(p, p->slot ? p->slot[i] : i, thread, x + c * plane);
		l = l * p->labels + (p->label ? p->label[i] : 0);
	}
	if (label)
		*label = d->info.classes ? (int32_t)l : 0;
}
