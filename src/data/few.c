/* SPDX-License-Identifier: MIT
 *
 * few.c -- subsets with a few examples of each class, for semi-supervised or few-shot training. See
 * ganymede/data.h. */
#include "data/set.h"

#include "base/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DRAWS_OF_A_CLASS                                                                           \
	10000 /* samples of an endless set per wanted example, before a class counts as too rare */

static int by_place(const void *x, const void *y)
{
	const uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;
	return a < b ? -1 : a > b;
}

static bool too_few(const gm_dataset *d, const int *have, int per_class, gm_error *err)
{
	const gm_data_info *info = &d->info;
	int class = 0;
	while (have[class] == per_class)
		class ++;
	char name[64];
	snprintf(name, sizeof name, "%d", class);
	return gm_fail(err, GM_ERR_VALUE,
	               "%s: class %.60s has only %d examples, but %d of each class are requested",
	               d->name, info->class_names ? info->class_names[class] : name, have[class],
	               per_class);
}

bool gm_few_init(gm_dataset *d, int per_class, uint64_t seed, gm_error *err)
{
	gm_data_info *info = &d->info;
	const int classes = info->classes;
	if (!classes)
		return gm_fail(
			err, GM_ERR_VALUE,
			"%s: has no labels, so it is not possible to choose %d of each class",
			d->name, per_class);
	if (d->stacked || (d->pictures.slot_a && !d->pictures.pairs))
		return gm_fail(err, GM_ERR_VALUE,
		               "%s: choosing examples of each class is not supported for %s",
		               d->name, d->stacked ? "stacked pictures" : "two unpaired domains");
	const uint64_t n = (uint64_t)classes * (uint64_t)per_class;
	const uint64_t most = info->count ? info->count : n * DRAWS_OF_A_CLASS;
	int *have = calloc((size_t)classes, sizeof *have);
	uint64_t *subset = n <= most ? malloc(n * sizeof *subset) : NULL, found = 0;
	bool ok = (have && (subset || n > most)) || gm_fail(err, GM_ERR_MEMORY, "out of memory");
	for (uint64_t k = 0; ok && k < most && found < n; k++) {
		uint64_t at = info->count ? gm_data_permute(seed, 0, info->count, k) : k;
		int32_t label = 0;
		ok = gm_data_get(d, at, NULL, &label, err);
		if (!ok || have[label] == per_class)
			continue;
		have[label]++;
		if (subset)
			subset[found] = d->subset ? d->subset[at] : at;
		found++;
	}
	ok = ok && ((subset && found == n) || too_few(d, have, per_class, err));
	free(have);
	if (!ok) {
		free(subset);
		return false;
	}
	qsort(subset, n, sizeof *subset, by_place);
	d->subset = subset;
	info->count = n;
	info->hash = gm_hash(info->hash, subset, n * sizeof *subset);
	return true;
}

gm_dataset *gm_data_few(const gm_dataset *d, int per_class, uint64_t seed, gm_error *err)
{
	gm_dataset *few = malloc(sizeof *few);
	if (!few) {
		gm_fail(err, GM_ERR_MEMORY, "out of memory");
		return NULL;
	}
	*few = *d;
	few->shares = true;
	const uint64_t *of = d->subset;
	const uint64_t count = d->info.count;
	few->subset = NULL;
	bool ok = true;
	if (of) { /* a subset of a subset, or another order of it */
		few->subset = malloc(count * sizeof *of);
		ok = few->subset || gm_fail(err, GM_ERR_MEMORY, "out of memory");
		if (ok)
			memcpy(few->subset, of, count * sizeof *of);
	}
	uint64_t *whole = few->subset;
	if (ok && per_class) {
		ok = gm_few_init(few, per_class, seed, err);
		if (ok)
			free(whole);
	}
	if (ok) {
		gm_fields_init(few);
		return few;
	}
	gm_data_close(few);
	return NULL;
}
