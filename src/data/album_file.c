/* SPDX-License-Identifier: MIT
 *
 * album_file.c -- albums in the cache. See album.h. */
#include "data/album.h"

#include "base/machine.h"

#include <stdio.h>
#include <string.h>

#define MAGIC "GMALBUM2"
#define ALIGN 64
/* Pixels that are compared with their hashes when an album is opened: all of a small one, evenly
 * spaced pictures of a larger one. */
#define CHECKED ((uint64_t)1 << 30)

typedef struct footer {
	char magic[8];
	uint64_t key, entries, bads, others, tables, slots, text_size;
	int32_t channels, height, width, each;
	char how[64];
	uint64_t table_hash;
	uint64_t hash; /* of all before */
} footer;
_Static_assert(sizeof(footer) == GM_ALBUM_FOOTER, "the header says");

static uint64_t padding(uint64_t n)
{
	return (ALIGN - n % ALIGN) % ALIGN;
}

static uint64_t table_hash(const gm_album *a)
{
	uint64_t h = gm_hash(0, a->entry, a->entries * sizeof *a->entry);
	h = gm_hash(h, a->bad, a->bads * sizeof *a->bad);
	h = gm_hash(h, a->other, a->others * sizeof *a->other);
	h = gm_hash(h, a->table, a->tables * sizeof *a->table);
	return gm_hash(h, a->text, a->text_size);
}

bool gm_album_write(const gm_album *a, uint64_t key, gm_writer *w, gm_error *err)
{
	static const uint8_t zeros[ALIGN];
	const uint64_t pixels =
		a->slots * (uint64_t)a->channels * (uint64_t)a->height * (uint64_t)a->width;
	footer f = {.magic = MAGIC,
	            .key = key,
	            .entries = a->entries,
	            .bads = a->bads,
	            .others = a->others,
	            .tables = a->tables,
	            .slots = a->slots,
	            .text_size = a->text_size,
	            .channels = a->channels,
	            .height = a->height,
	            .width = a->width,
	            .each = a->each,
	            .table_hash = table_hash(a)};
	snprintf(f.how, sizeof f.how, "%s", a->how);
	f.hash = gm_hash(0, &f, offsetof(footer, hash));
	return gm_writer_put(w, zeros, padding(pixels), err) &&
	       gm_writer_put(w, a->entry, a->entries * sizeof *a->entry, err) &&
	       gm_writer_put(w, a->bad, a->bads * sizeof *a->bad, err) &&
	       gm_writer_put(w, a->other, a->others * sizeof *a->other, err) &&
	       gm_writer_put(w, a->table, a->tables * sizeof *a->table, err) &&
	       gm_writer_put(w, a->text, a->text_size, err) && gm_writer_put(w, &f, sizeof f, err);
}

/* The parts' sizes must add up to the file's, without overflow on the way. */
static bool sizes_fit(const footer *f, uint64_t size, uint64_t *pixels)
{
	uint64_t entries, bads, others, tables, total;
	if (f->channels < 1 || f->channels > 3 || f->each < 1 || f->each > GM_PATCHES_MAX ||
	    f->height < 1 || f->width < 1)
		return false;
	if (__builtin_mul_overflow((uint64_t)f->height * (uint64_t)f->width, (uint64_t)f->channels,
	                           pixels) ||
	    __builtin_mul_overflow(*pixels, f->slots, pixels) || *pixels > size)
		return false;
	if (__builtin_mul_overflow(f->entries, sizeof(gm_album_entry), &entries) ||
	    __builtin_mul_overflow(f->bads, sizeof(gm_album_left), &bads) ||
	    __builtin_mul_overflow(f->others, sizeof(gm_album_left), &others) ||
	    __builtin_mul_overflow(f->tables, sizeof(gm_album_table), &tables))
		return false;
	total = *pixels + padding(*pixels);
	return !__builtin_add_overflow(total, entries, &total) &&
	       !__builtin_add_overflow(total, bads, &total) &&
	       !__builtin_add_overflow(total, others, &total) &&
	       !__builtin_add_overflow(total, tables, &total) &&
	       !__builtin_add_overflow(total, f->text_size, &total) &&
	       !__builtin_add_overflow(total, sizeof *f, &total) && total == size;
}

static bool places_fit(const gm_album *a)
{
	if (a->text_size < 1 || a->text[0] || a->text[a->text_size - 1])
		return false;
	for (uint64_t i = 0; i < a->entries; i++) {
		const gm_album_entry *e = a->entry + i;
		if (e->slot >= a->slots || a->slots - e->slot < (uint64_t)a->each ||
		    e->name >= a->text_size || e->caption >= a->text_size)
			return false;
	}
	for (uint64_t i = 0; i < a->bads + a->others; i++) {
		const gm_album_left *l = i < a->bads ? a->bad + i : a->other + (i - a->bads);
		if (l->name >= a->text_size || l->reason >= a->text_size)
			return false;
	}
	for (uint64_t i = 0; i < a->tables; i++) {
		const gm_album_table *t = a->table + i;
		if (t->name >= a->text_size || t->text >= a->text_size ||
		    t->size >= a->text_size - t->text || a->text[t->text + t->size])
			return false;
	}
	return true;
}

static bool pixels_fit(const gm_album *a)
{
	const uint64_t one = (uint64_t)a->channels * (uint64_t)a->height * (uint64_t)a->width,
		       all = one * a->slots, each = one * (uint64_t)a->each;
	const uint64_t step = all / CHECKED + 1;
	int damaged = 0;
#pragma omp parallel for reduction(+ : damaged)
	for (uint64_t i = 0; i < a->entries; i += step)
		damaged += a->entry[i].hash != gm_hash(0, a->pixel + a->entry[i].slot * one, each);
	return damaged == 0;
}

bool gm_album_parse(gm_album *a, const gm_bytes *map, uint64_t key, gm_error *err)
{
	footer f;
	uint64_t pixels;
	*a = (gm_album){0};
	if (map->size < sizeof f)
		return gm_fail(err, GM_ERR_FORMAT, "a cache file is truncated");
	memcpy(&f, map->data + map->size - sizeof f, sizeof f);
	if (memcmp(f.magic, MAGIC, 8) != 0 || f.hash != gm_hash(0, &f, offsetof(footer, hash)) ||
	    f.key != key || !sizes_fit(&f, map->size, &pixels))
		return gm_fail(err, GM_ERR_FORMAT, "a cache file is damaged or outdated");
	const uint8_t *p = map->data + pixels + padding(pixels);
	*a = (gm_album){.channels = f.channels,
	                .height = f.height,
	                .width = f.width,
	                .entries = f.entries,
	                .bads = f.bads,
	                .others = f.others,
	                .tables = f.tables,
	                .slots = f.slots,
	                .each = f.each,
	                .text_size = f.text_size,
	                .pixel = map->data,
	                .cached = true};
	a->entry = (const gm_album_entry *)p;
	a->bad = (const gm_album_left *)(a->entry + a->entries);
	a->other = a->bad + a->bads;
	a->table = (const gm_album_table *)(a->other + a->others);
	a->text = (const char *)(a->table + a->tables);
	memcpy(a->how, f.how, sizeof a->how - 1);
	if (table_hash(a) != f.table_hash || !places_fit(a) || !pixels_fit(a)) {
		*a = (gm_album){0};
		return gm_fail(err, GM_ERR_FORMAT, "a cache file is damaged");
	}
	a->map = *map;
	return true;
}
