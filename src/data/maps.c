/* SPDX-License-Identifier: MIT
 *
 * maps.c -- see maps.h. */
#include "data/maps.h"

#include "data/clips.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLOURS_MAX 256
#define OF_A_MAP_MAX 64 /* more in one map, and it is a photograph */

/* The part of name from which its folder's name starts, and the length of this name. */
static const char *folder_of(const char *name, size_t *n)
{
	const char *slash = strrchr(name, '/'), *from = slash;
	*n = 0;
	if (!slash)
		return name;
	while (from > name && from[-1] != '/')
		from--;
	*n = (size_t)(slash - from);
	return from;
}

bool gm_maps_is(const char *maps, const char *name)
{
	size_t n, m = maps ? strlen(maps) : 0;
	const char *folder = folder_of(name, &n);
	return m && n >= m && memcmp(folder + n - m, maps, m) == 0;
}

bool gm_maps_take(gm_pictures *p, const char *path, const char *maps, gm_error *err)
{
	gm_album *a = &p->album;
	gm_album_entry *list = malloc((a->entries + 1) * sizeof *list);
	uint64_t n = 0, m = 0;
	if (!list)
		return gm_fail(err, GM_ERR_MEMORY, "%s: out of memory", path);
	for (uint64_t i = 0; i < a->entries; i++)
		m += gm_maps_is(maps, a->text + a->entry[i].name);
	p->maps = m;
	for (uint64_t i = 0, at = a->entries - m; i < a->entries; i++)
		if (gm_maps_is(maps, a->text + a->entry[i].name))
			list[at++] = a->entry[i];
		else
			list[n++] = a->entry[i];
	p->split_entries = list;
	p->map_entry = list + n;
	a->entry = list, a->entries = n;
	return m > 0 || gm_fail(err, GM_ERR_VALUE,
	                        "%s: option maps: no folder of images has a name that ends with "
	                        "\"%.60s\"",
	                        path, maps);
}

static size_t stem(const char *name)
{
	const char *slash = strrchr(name, '/'), *dot = strrchr(slash ? slash : name, '.');
	return dot ? (size_t)(dot - name) : strlen(name);
}

/* The map whose name without ending is want. Maps are sorted by name, so that names with this
 * beginning are adjacent. */
static const gm_album_entry *find(const gm_pictures *p, const char *want)
{
	const size_t n = strlen(want);
	uint64_t low = 0, high = p->maps;
	while (low < high) {
		const uint64_t middle = (low + high) / 2;
		const bool before = strcmp(p->album.text + p->map_entry[middle].name, want) < 0;
		low = before ? middle + 1 : low;
		high = before ? high : middle;
	}
	for (; low < p->maps; low++) {
		const char *name = p->album.text + p->map_entry[low].name;
		if (strncmp(name, want, n) != 0)
			return NULL;
		if (stem(name) == n)
			return p->map_entry + low;
	}
	return NULL;
}

const gm_album_entry *gm_maps_find(const gm_pictures *p, const char *maps, const char *name)
{
	char want[PATH_MAX];
	size_t n;
	const char *folder = folder_of(name, &n);
	const int before = (int)(folder - name), length = (int)stem(name);
	const char *rest = folder + n; /* "/x.jpg", or the whole name */
	rest += *rest == '/';
	const int last = length - (int)(rest - name);
	snprintf(want, sizeof want, "%.*s%.*s%s/%.*s", before, name, (int)n, folder, maps, last,
	         rest);
	const gm_album_entry *e = find(p, want);
	if (e)
		return e;
	snprintf(want, sizeof want, "%.*s%s/%.*s", before, name, maps, last, rest);
	return find(p, want);
}

/* ---- values ---------------------------------------------------------------------------------- */

typedef struct palette {
	bool grey; /* all maps are grey: values are classes */
	int colours, most;
	uint32_t colour[COLOURS_MAX];
} palette;

static uint32_t colour_at(const gm_album *a, const uint8_t *pixel, uint64_t i)
{
	const uint64_t plane = (uint64_t)a->height * (uint64_t)a->width;
	const uint8_t r = pixel[i];
	return a->channels == 1
	               ? (uint32_t)r * 0x10101
	               : (uint32_t)r << 16 | (uint32_t)pixel[plane + i] << 8 | pixel[2 * plane + i];
}

static int find_colour(const palette *c, uint32_t colour, int *at)
{
	int low = 0, high = c->colours;
	while (low < high) {
		const int middle = (low + high) / 2;
		if (c->colour[middle] == colour)
			return middle;
		low = c->colour[middle] < colour ? middle + 1 : low;
		high = c->colour[middle] < colour ? high : middle;
	}
	if (at)
		*at = low;
	return -1;
}

static void add_colour(palette *c, uint32_t colour, int at)
{
	memmove(c->colour + at + 1, c->colour + at, (size_t)(c->colours - at) * sizeof colour);
	c->colour[at] = colour;
	c->colours++;
}

/* The colours of all maps, of all splits, so that classes do not depend on the split. */
static bool find_colours(const gm_pictures *p, palette *c, const char *path, gm_error *err)
{
	const gm_album *a = &p->album;
	const uint64_t plane = (uint64_t)a->height * (uint64_t)a->width;
	c->grey = true;
	for (uint64_t k = 0; k < p->maps; k++) {
		const uint8_t *pixel =
			a->pixel + p->map_entry[k].slot * plane * (uint64_t)a->channels;
		const char *name = a->text + p->map_entry[k].name;
		palette own = {0};
		for (uint64_t i = 0; i < plane; i++) {
			const uint32_t v = colour_at(a, pixel, i);
			int at = 0;
			if (find_colour(&own, v, &at) >= 0)
				continue;
			if (own.colours == OF_A_MAP_MAX)
				return gm_fail(
					err, GM_ERR_FORMAT,
					"%s: option maps: %.200s has more than %d different "
					"values: a label map has one for each class in it, and "
					"this looks like a photograph; name the folder of the "
					"maps, and store them as PNG (JPEG changes colours)",
					path, name, OF_A_MAP_MAX);
			add_colour(&own, v, at);
			c->grey &= v == (v & 0xff) * 0x10101;
			if (find_colour(c, v, &at) >= 0)
				continue;
			if (c->colours == COLOURS_MAX)
				return gm_fail(err, GM_ERR_FORMAT,
				               "%s: option maps: more than %d colours, the last in "
				               "%.200s: no label map (JPEG changes colours)",
				               path, COLOURS_MAX, name);
			add_colour(c, v, at);
		}
	}
	c->most = (int)(c->colours ? c->colour[c->colours - 1] & 0xff : 0);
	return true;
}

/* Classes of the map e into to [height, width]. */
static void classes_of(const gm_pictures *p, const palette *c, const gm_album_entry *e, uint8_t *to)
{
	const gm_album *a = &p->album;
	const uint64_t plane = (uint64_t)a->height * (uint64_t)a->width;
	const uint8_t *pixel = a->pixel + e->slot * plane * (uint64_t)a->channels;
	for (uint64_t i = 0; i < plane; i++) {
		const uint32_t v = colour_at(a, pixel, i);
		to[i] = (uint8_t)(c->grey ? (int)(v & 0xff) : find_colour(c, v, NULL));
	}
}

bool gm_maps_of_clip(const gm_pictures *p, const char *maps, const uint64_t *clip, int frames)
{
	for (int t = 0; t < frames; t++)
		if (!gm_maps_find(p, maps, p->album.text + p->album.entry[clip[t]].name))
			return false;
	return true;
}

/* All maps of the set once, and for each frame of an example which one is its map: sequences
 * overlap. */
static bool read_clips(gm_pictures *p, const palette *c, const gm_data_options *o,
                       const uint64_t *next)
{
	const gm_album *a = &p->album;
	const uint64_t plane = (uint64_t)a->height * (uint64_t)a->width;
	const int frames = o->frames, step = o->frame_step ? o->frame_step : 1;
	uint64_t *clip = malloc((size_t)frames * sizeof *clip);
	p->map_count = p->maps;
	p->map = malloc(p->maps * plane + 1);
	p->map_at = malloc((p->count * (uint64_t)frames + 1) * sizeof *p->map_at);
	const bool ok = clip && p->map && p->map_at;
	for (uint64_t k = 0; ok && k < p->maps; k++)
		classes_of(p, c, p->map_entry + k, p->map + k * plane);
	for (uint64_t k = 0; ok && k < p->count; k++) {
		gm_clips_at(next, p->entry[k], frames, step, clip);
		for (int t = 0; t < frames; t++)
			p->map_at[k * (uint64_t)frames + (uint64_t)t] =
				(uint64_t)(gm_maps_find(p, o->maps,
			                                a->text + a->entry[clip[t]].name) -
			                   p->map_entry);
	}
	free(clip);
	return ok;
}

static bool read_pictures(gm_pictures *p, const palette *c, const gm_data_options *o)
{
	const gm_album *a = &p->album;
	const uint64_t plane = (uint64_t)a->height * (uint64_t)a->width;
	p->map_count = p->count;
	p->map = malloc(p->count * plane + 1);
	for (uint64_t k = 0; p->map && k < p->count; k++)
		classes_of(p, c, gm_maps_find(p, o->maps, a->text + a->entry[p->entry[k]].name),
		           p->map + k * plane);
	return p->map != NULL;
}

bool gm_maps_read(gm_pictures *p, const char *path, const gm_data_options *o, const uint64_t *next,
                  gm_error *err)
{
	palette c = {0};
	if (!find_colours(p, &c, path, err))
		return false;
	p->map_classes = c.grey ? c.most + 1 : c.colours;
	if (!(next ? read_clips(p, &c, o, next) : read_pictures(p, &c, o)))
		return gm_fail(err, GM_ERR_MEMORY, "%s: out of memory", path);
	if (!c.grey)
		gm_pictures_note(p,
		                 "label maps in colour: %d colours are classes, from #%06x to "
		                 "#%06x",
		                 c.colours, (unsigned)c.colour[0],
		                 (unsigned)c.colour[c.colours - 1]);
	return true;
}
