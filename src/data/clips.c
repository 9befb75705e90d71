/* SPDX-License-Identifier: MIT
 *
 * clips.c -- see clips.h. */
#include "data/clips.h"

#include "base/machine.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* As strcmp, but digits are compared as numbers: "frame9" before "frame10". */
static int natural(const char *a, const char *b)
{
	while (*a && *b) {
		if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
			while (*a == '0' && isdigit((unsigned char)a[1]))
				a++;
			while (*b == '0' && isdigit((unsigned char)b[1]))
				b++;
			const size_t m = strspn(a, "0123456789"), n = strspn(b, "0123456789");
			const int order = m != n ? (m < n ? -1 : 1) : memcmp(a, b, m);
			if (order)
				return order;
			a += m, b += n;
			continue;
		}
		if (*a != *b)
			return (unsigned char)*a - (unsigned char)*b;
		a++, b++;
	}
	return (unsigned char)*a - (unsigned char)*b;
}

static size_t folder_of(const char *name)
{
	const char *slash = strrchr(name, '/');
	return slash ? (size_t)(slash - name) : 0;
}

typedef struct frame {
	const char *name;
	uint64_t entry;
} frame;

static int by_folder(const frame *a, const frame *b)
{
	const size_t m = folder_of(a->name), n = folder_of(b->name);
	const int order = memcmp(a->name, b->name, m < n ? m : n);
	return order ? order : m < n ? -1 : m > n;
}

static int by_number(const void *x, const void *y)
{
	const frame *a = x, *b = y;
	int order = by_folder(a, b);
	order = order ? order : natural(a->name, b->name);
	return order ? order : strcmp(a->name, b->name);
}

/* The length of a name up to its last number, or of its folder if there is no number after it. */
static size_t series_of(const char *name)
{
	const size_t folder = folder_of(name);
	const char *dot = strrchr(name + folder, '.');
	size_t n = dot ? (size_t)(dot - name) : strlen(name);
	while (n > folder && !isdigit((unsigned char)name[n - 1]))
		n--;
	while (n > folder && isdigit((unsigned char)name[n - 1]))
		n--;
	return n;
}

static bool same_series(const frame *a, const frame *b)
{
	const size_t n = series_of(a->name);
	return n == series_of(b->name) && memcmp(a->name, b->name, n) == 0;
}

uint64_t *gm_clips_next(const gm_album *a)
{
	uint64_t *next = malloc((a->entries + 1) * sizeof *next);
	frame *f = malloc((a->entries + 1) * sizeof *f);
	if (!next || !f) {
		free(next), free(f);
		return NULL;
	}
	for (uint64_t i = 0; i < a->entries; i++)
		f[i] = (frame){a->text + a->entry[i].name, i};
	if (a->entries)
		qsort(f, a->entries, sizeof *f, by_number);
	for (uint64_t i = 0; i < a->entries; i++)
		next[f[i].entry] = i + 1 < a->entries && by_folder(f + i, f + i + 1) == 0 &&
		                                   same_series(f + i, f + i + 1)
		                           ? f[i + 1].entry
		                           : GM_CLIPS_END;
	free(f);
	return next;
}

bool gm_clips_at(const uint64_t *next, uint64_t entry, int frames, int step, uint64_t *out)
{
	for (int t = 0; t < frames; t++) {
		for (int k = 0; t && k < step && entry != GM_CLIPS_END; k++)
			entry = next[entry];
		if (entry == GM_CLIPS_END)
			return false;
		if (out)
			out[t] = entry;
	}
	return true;
}

bool gm_clips_of_album(gm_pictures *p, const uint64_t *next, int frames, int step, gm_error *err)
{
	p->frames = frames;
	p->clip = malloc((p->count * (uint64_t)frames + 1) * sizeof *p->clip);
	if (!p->clip)
		return gm_fail(err, GM_ERR_MEMORY, "out of memory");
	for (uint64_t i = 0; i < p->count; i++) {
		uint64_t *clip = p->clip + i * (uint64_t)frames;
		gm_clips_at(next, p->entry[i], frames, step, clip);
		for (int t = 0; t < frames; t++) {
			const gm_album_entry *e = p->album.entry + clip[t];
			p->clip_hash = gm_hash(p->clip_hash, &e->hash, sizeof e->hash);
			clip[t] = e->slot;
		}
	}
	return true;
}

bool gm_clips_of_array(gm_pictures *p, const gm_data_options *o, const char *name, gm_error *err)
{
	const int step = o->frame_step ? o->frame_step : 1,
		  frames = o->frames > 1 ? o->frames : p->length;
	const int64_t windows = p->length - ((int64_t)(frames - 1) * step + 1) + 1;
	if (windows < 1)
		return gm_fail(err, GM_ERR_VALUE,
		               "%s: option frames: its sequences have %d frames, fewer than %d "
		               "(frame-step %d)",
		               name, p->length, frames, step);
	const uint64_t sequences = p->count, count = sequences * (uint64_t)windows,
		       length = (uint64_t)p->length;
	int32_t *label = p->label ? malloc((count + 1) * sizeof *label) : NULL;
	p->clip = malloc((count * (uint64_t)frames + 1) * sizeof *p->clip);
	p->slot = malloc((count + 1) * sizeof *p->slot);
	if (!p->clip || !p->slot || (p->label && !label)) {
		free(label);
		return gm_fail(err, GM_ERR_MEMORY, "%s: out of memory", name);
	}
	for (uint64_t i = 0; i < count; i++) {
		const uint64_t of = i / (uint64_t)windows,
			       first = of * length + i % (uint64_t)windows;
		p->slot[i] = first;
		for (int t = 0; t < frames; t++)
			p->clip[i * (uint64_t)frames + (uint64_t)t] = first + (uint64_t)(t * step);
		if (label)
			label[i] = p->label[of];
	}
	free(p->label);
	p->label = label;
	const int shape[] = {p->length, frames, step};
	p->clip_hash = gm_hash(0, shape, sizeof shape);
	p->clip_hash = gm_hash(p->clip_hash, p->pixel,
	                       sequences * length * (uint64_t)p->channels * (uint64_t)p->height *
	                               (uint64_t)p->width);
	p->count = count, p->frames = frames;
	return true;
}
