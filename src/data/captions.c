/* SPDX-License-Identifier: MIT
 *
 * captions.c -- see captions.h. */
#include "data/captions.h"

#include <stdlib.h>
#include <string.h>

static const char *last_part(const char *name)
{
	const char *slash = strrchr(name, '/');
	return slash ? slash + 1 : name;
}

static int compare_stems(const char *a, const char *b)
{
	const char *dot_a = strrchr(last_part(a), '.'), *dot_b = strrchr(last_part(b), '.');
	const size_t m = dot_a ? (size_t)(dot_a - a) : strlen(a),
		     n = dot_b ? (size_t)(dot_b - b) : strlen(b);
	const int order = memcmp(a, b, m < n ? m : n);
	return order ? order : m < n ? -1 : m > n;
}

static int by_stem(const void *x, const void *y)
{
	return compare_stems(((const gm_caption_file *)x)->name,
	                     ((const gm_caption_file *)y)->name);
}

static int by_last_stem(const void *x, const void *y)
{
	return compare_stems(last_part((*(const gm_caption_file *const *)x)->name),
	                     last_part((*(const gm_caption_file *const *)y)->name));
}

void gm_captions_sort(gm_caption_file *c, size_t n, const gm_caption_file **sorted)
{
	if (n == 0)
		return;
	qsort(c, n, sizeof *c, by_stem);
	for (size_t i = 0; i < n; i++)
		sorted[i] = c + i;
	qsort(sorted, n, sizeof *sorted, by_last_stem);
}

const gm_caption_file *gm_caption_beside(const gm_caption_file *c, size_t n, const char *name)
{
	const gm_caption_file key = {.name = (char *)name};
	return n ? bsearch(&key, c, n, sizeof key, by_stem) : NULL;
}

const gm_caption_file *gm_caption_apart(const gm_caption_file *const *sorted, size_t n,
                                        const char *name)
{
	const gm_caption_file key = {.name = (char *)name}, *at = &key;
	const gm_caption_file *const *c =
		n ? bsearch(&at, sorted, n, sizeof(gm_caption_file *), by_last_stem) : NULL;
	const bool several = c && ((c > sorted && by_last_stem(c - 1, &at) == 0) ||
	                           (c + 1 < sorted + n && by_last_stem(c + 1, &at) == 0));
	return c && !several ? *c : NULL;
}
