/* SPDX-License-Identifier: MIT
 *
 * doctor.c -- checks a data set: values, classes, sizes, duplicates. See ganymede/data.h. */
#include "data/set.h"

#include "base/machine.h"
#include "base/progress.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DRAWS 4096 /* of an endless set */

typedef struct seen {
	uint64_t hash, index;
} seen;

static int by_hash(const void *x, const void *y)
{
	const seen *a = x, *b = y;
	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

static int by_index(const void *x, const void *y)
{
	const uint64_t *a = x, *b = y;
	return *a < *b ? -1 : *a > *b;
}

/* Equal 64-bit hashes count as equal examples: in a set of a million, a collision has a probability
 * of 1 in 40 million. */
static bool find_twins(gm_data_report *r, seen *s, uint64_t n, gm_error *err)
{
	uint64_t(*twin)[2] = malloc((n + 1) * sizeof *twin);
	if (!twin)
		return gm_fail(err, GM_ERR_MEMORY, "out of memory");
	if (n)
		qsort(s, n, sizeof *s, by_hash);
	for (uint64_t i = 0, first = 0; i < n; i++) {
		if (s[i].hash != s[first].hash)
			first = i;
		if (i > first)
			twin[r->duplicates][0] = s[i].index,
			twin[r->duplicates++][1] = s[first].index;
	}
	if (r->duplicates)
		qsort(twin, r->duplicates, sizeof *twin, by_index);
	memcpy(r->twin, twin, (r->duplicates < 8 ? r->duplicates : 8) * sizeof *twin);
	free(twin);
	return true;
}

typedef struct sums {
	double sum[4], square[4];
	float low, high;
} sums;

static void add_up(sums *s, const float *x, int channels, int64_t plane)
{
	for (int c = 0; c < channels; c++) {
		double sum = 0, square = 0;
		for (int64_t i = 0; i < plane; i++) {
			const float v = x[c * plane + i];
			sum += v, square += (double)v * v;
			s->low = v < s->low ? v : s->low;
			s->high = v > s->high ? v : s->high;
		}
		if (c < 4)
			s->sum[c] += sum, s->square[c] += square;
	}
}

static bool look_at_values(gm_dataset *d, gm_data_report *r, gm_error *err)
{
	const gm_data_info *info = &d->info;
	const uint64_t n = r->examples;
	const int channels = (int)info->shape[0];
	const int64_t plane = info->numel / channels;
	float *x = malloc((size_t)info->numel * sizeof *x);
	seen *s = malloc((n + 1) * sizeof *s);
	sums all = {.low = FLT_MAX, .high = -FLT_MAX};
	bool ok = (x && s) || gm_fail(err, GM_ERR_MEMORY, "out of memory");
	for (uint64_t i = 0; ok && i < n; i++) {
		int32_t label = 0;
		ok = gm_progress_tell("reading examples", i, n, "examples", err) &&
		     gm_data_get(d, i, x, &label, err);
		if (!ok)
			break;
		add_up(&all, x, channels, plane);
		s[i] = (seen){gm_hash(0, x, (size_t)info->numel * sizeof *x), i};
		if (r->per_class)
			r->per_class[label]++;
	}
	gm_progress_end();
	r->low = all.low, r->high = all.high;
	for (int c = 0; c < channels && c < 4; c++) {
		const double m = (double)n * (double)plane;
		r->mean[c] = all.sum[c] / m;
		r->sigma[c] = sqrt(fmax(0, all.square[c] / m - r->mean[c] * r->mean[c]));
	}
	ok = ok && find_twins(r, s, n, err);
	free(x), free(s);
	return ok;
}

static int by_size(const void *x, const void *y)
{
	const int32_t *a = x, *b = y;
	return a[0] != b[0] ? (a[0] < b[0] ? -1 : 1) : a[1] < b[1] ? -1 : a[1] > b[1];
}

/* True if example i is of the same file as the one before it: patches of an image. */
static bool is_same_file(const gm_dataset *d, uint64_t i)
{
	const uint64_t *entry = d->pictures.entry + d->from + i;
	return i > 0 && entry[0] == entry[-1];
}

/* Statistics of the files of an album before decoding. */
static bool look_at_files(const gm_dataset *d, gm_data_report *r, gm_error *err)
{
	const gm_pictures *p = &d->pictures;
	const uint64_t n = d->info.count;
	int32_t(*size)[2] = malloc((n + 1) * sizeof *size);
	if (!size)
		return gm_fail(err, GM_ERR_MEMORY, "out of memory");
	uint64_t files = 0;
	for (uint64_t i = 0; i < n; i++) {
		const gm_album_entry *e = p->album.entry + p->entry[d->from + i];
		if (is_same_file(d, i))
			continue;
		size[files][0] = e->width, size[files++][1] = e->height;
		*(e->facts & ALBUM_COLOUR ? &r->colour : &r->grey) += 1;
		r->alpha += (e->facts & ALBUM_ALPHA) != 0;
		r->deep += (e->facts & ALBUM_DEEP) != 0;
		r->turned += (e->facts & ALBUM_TURNED) != 0;
		r->several += (e->facts & ALBUM_FIRST) != 0;
		if (i == 0)
			r->width[0] = r->width[1] = e->width,
			r->height[0] = r->height[1] = e->height;
		r->width[0] = e->width < r->width[0] ? e->width : r->width[0];
		r->width[1] = e->width > r->width[1] ? e->width : r->width[1];
		r->height[0] = e->height < r->height[0] ? e->height : r->height[0];
		r->height[1] = e->height > r->height[1] ? e->height : r->height[1];
	}
	if (files)
		qsort(size, files, sizeof *size, by_size);
	for (uint64_t i = 0, first = 0; i < files; i++) {
		if (by_size(size[i], size[first]) != 0)
			first = i;
		r->sizes += i == first;
		if (i - first + 1 > r->common) {
			r->common = i - first + 1;
			r->width[2] = size[i][0], r->height[2] = size[i][1];
		}
	}
	free(size);
	int k = 0;
	for (uint32_t f = 0; gm_album_formats[f]; f++) {
		struct gm_data_format *to = &r->format[k];
		to->name = gm_album_formats[f];
		for (uint64_t i = 0; i < n; i++)
			to->files +=
				!is_same_file(d, i) &&
				p->album.entry[p->entry[d->from + i]].facts >> ALBUM_FORMAT == f;
		k += to->files > 0;
	}
	r->format[k].name = NULL;
	return true;
}

bool gm_data_examine(gm_dataset *d, gm_data_report *r, gm_error *err)
{
	*r = (gm_data_report){.examples = d->info.count ? d->info.count : DRAWS};
	if (d->info.classes) {
		r->per_class = calloc((size_t)d->info.classes, sizeof *r->per_class);
		if (!r->per_class)
			return gm_fail(err, GM_ERR_MEMORY, "out of memory");
	}
	const bool images = d->pictures.entry && !d->pictures.sound;
	if (look_at_values(d, r, err) && (!images || look_at_files(d, r, err)))
		return true;
	gm_data_report_free(r);
	return false;
}

void gm_data_report_free(gm_data_report *r)
{
	free(r->per_class);
	*r = (gm_data_report){0};
}
