/* SPDX-License-Identifier: MIT
 *
 * album_set.c -- which examples a folder or archive of pictures makes: by the names of its folders
 * it has parts (train, test), pairs (trainA, trainB) and classes. See docs/data-formats.md. */
#include "data/pictures.h"

#include "data/cifar.h"
#include "data/tree.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What a folder's name says: which part, and which side of a pair (0 where neither). In the order
 * in which they are preferred. */
static const struct {
	const char *folder, *split;
	char side;
} parts[] = {
	{"train", "train", 0},    {"training", "train", 0},  {"trainA", "train", 'a'},
	{"trainB", "train", 'b'}, {"test", "test", 0},       {"testing", "test", 0},
	{"testA", "test", 'a'},   {"testB", "test", 'b'},    {"val", "test", 0},
	{"valid", "test", 0},     {"validation", "test", 0}, {"valA", "test", 'a'},
	{"valB", "test", 'b'},    {"A", NULL, 'a'},          {"B", NULL, 'b'},
};
#define PARTS ((int)(sizeof parts / sizeof *parts))

typedef struct sorting {
	const gm_album *a;
	const char *path;
	size_t common;           /* letters that all names begin with and that say nothing */
	uint64_t in_part[PARTS]; /* pictures in each */
	uint64_t outside;        /* in none */
} sorting;

static const char *name_of(const sorting *s, uint64_t i)
{
	return s->a->text + s->a->entry[i].name + s->common;
}

/* Which of parts the name's first folder is, or -1. */
static int part_of(const char *name)
{
	const char *slash = strchr(name, '/');
	for (int i = 0; slash && i < PARTS; i++) {
		const size_t n = strlen(parts[i].folder);
		/* One letter is a class as often as a side, unless it is a capital. */
		if ((size_t)(slash - name) == n &&
		    (n == 1 ? *name == *parts[i].folder
		            : strncasecmp(name, parts[i].folder, n) == 0))
			return i;
	}
	return -1;
}

static uint64_t has(const sorting *s, const char *folder)
{
	for (int i = 0; i < PARTS; i++)
		if (strcmp(parts[i].folder, folder) == 0)
			return s->in_part[i];
	return 0;
}

/* Archives often hold one folder that holds the rest: that says nothing. It is passed over, unless it
 * is a part. */
static void look(sorting *s)
{
	for (;;) {
		const char *first = name_of(s, 0), *slash = strchr(first, '/');
		const size_t n = slash ? (size_t)(slash - first) + 1 : 0;
		bool all = slash && part_of(first) < 0;
		for (uint64_t i = 1; all && i < s->a->entries; i++)
			all = strncmp(name_of(s, i), first, n) == 0;
		if (!all)
			break;
		s->common += n;
	}
	for (uint64_t i = 0; i < s->a->entries; i++) {
		const int part = part_of(name_of(s, i));
		if (part < 0)
			s->outside++;
		else
			s->in_part[part]++;
	}
	/* A and B are sides only when both are there and nothing else is: else they are classes. */
	if (!has(s, "A") || !has(s, "B") || has(s, "A") + has(s, "B") != s->a->entries)
		for (int i = 0; i < PARTS; i++)
			if (!parts[i].split)
				s->outside += s->in_part[i], s->in_part[i] = 0;
}

/* The part that holds split on that side, with pictures in it; -1 where there is none. */
static int find_part(const sorting *s, const char *split, char side)
{
	for (int i = 0; i < PARTS; i++)
		if (s->in_part[i] && parts[i].side == side &&
		    (!parts[i].split || strcmp(parts[i].split, split) == 0))
			return i;
	return -1;
}

static const char *below_part(const char *name, int part)
{
	return part < 0 ? name : strchr(name, '/') + 1;
}

/* The entries of a part (-1: all), in order. */
static uint64_t *list_part(const sorting *s, int part, uint64_t *count)
{
	uint64_t *list = malloc((s->a->entries + 1) * sizeof *list), n = 0;
	for (uint64_t i = 0; list && i < s->a->entries; i++)
		if (part < 0 || part_of(name_of(s, i)) == part)
			list[n++] = i;
	*count = n;
	return list;
}

static bool no_memory(const sorting *s, gm_error *err)
{
	return gm_fail(err, GM_ERR_MEMORY, "%s: out of memory", s->path);
}

/* Classes are the first folders below, when every picture lies in one and there are two at least.
 * Names are sorted, so each class is a run. */
static bool classify(gm_pictures *p, const sorting *s, int part, gm_error *err)
{
	int classes = 0, room = 0;
	const char *last = NULL;
	size_t last_n = 0;
	p->label = malloc((p->count + !p->count) * sizeof *p->label);
	if (!p->label)
		return no_memory(s, err);
	for (uint64_t i = 0; i < p->count; i++) {
		const char *name = below_part(name_of(s, p->entry[i]), part),
			   *slash = strchr(name, '/');
		const size_t n = slash ? (size_t)(slash - name) : 0;
		if (!slash) {
			classes = 0;
			break;
		}
		if (!last || n != last_n || strncmp(name, last, n) != 0) {
			if (classes == room) {
				room = room ? room * 2 : 16;
				const char **more =
					realloc(p->class_names, (size_t)room * sizeof *more);
				if (!more)
					return no_memory(s, err);
				p->class_names = more;
			}
			p->class_names[classes++] = gm_arena_strndup(p->arena, name, n);
			last = name, last_n = n;
		}
		p->label[i] = classes - 1;
	}
	p->labels = classes > 1 ? classes : 0;
	if (!p->labels) {
		free(p->label), free(p->class_names);
		p->label = NULL, p->class_names = NULL;
	}
	return true;
}

/* The name without folders' part and without the ending: what two sides of a pair share. */
static bool same_stem(const char *a, const char *b)
{
	const char *dot_a = strrchr(a, '.'), *dot_b = strrchr(b, '.');
	const size_t n = (size_t)(dot_a - a);
	return n == (size_t)(dot_b - b) && strncmp(a, b, n) == 0;
}

/* The first picture without its other half: both lists are in the order of their names. */
static const char *without_partner(const sorting *s, const gm_pictures *p, int part_a, int part_b)
{
	uint64_t i = 0;
	for (; i < p->count_a && i < p->count; i++) {
		const char *a = below_part(name_of(s, p->slot_a[i]), part_a),
			   *b = below_part(name_of(s, p->entry[i]), part_b);
		if (!same_stem(a, b))
			return strcmp(a, b) < 0 ? name_of(s, p->slot_a[i])
			                        : name_of(s, p->entry[i]);
	}
	return i < p->count_a ? name_of(s, p->slot_a[i]) : name_of(s, p->entry[i]);
}

/* Two folders of pictures: pairs when they have the same names, two domains when not. */
static bool two_sides(gm_pictures *p, const sorting *s, int part_a, int part_b, gm_error *err)
{
	uint64_t *a = list_part(s, part_a, &p->count_a);
	p->slot_a = a;
	p->entry = list_part(s, part_b, &p->count);
	if (!a || !p->entry)
		return no_memory(s, err);
	p->pairs = p->count == p->count_a;
	for (uint64_t i = 0; p->pairs && i < p->count; i++)
		p->pairs = same_stem(below_part(name_of(s, a[i]), part_a),
		                     below_part(name_of(s, p->entry[i]), part_b));
	char text[400] = "pairs of pictures, of two folders with the same names";
	if (!p->pairs)
		snprintf(text, sizeof text,
		         "two domains of pictures, unpaired: %.300s is the first without a partner",
		         without_partner(s, p, part_a, part_b));
	p->about = gm_arena_strdup(p->arena, text);
	for (uint64_t i = 0; i < p->count_a; i++)
		a[i] = s->a->entry[a[i]].slot;
	return true;
}

static bool one_side(gm_pictures *p, const sorting *s, int part, gm_error *err)
{
	p->entry = list_part(s, part, &p->count);
	if (!p->entry)
		return no_memory(s, err);
	if (s->a->halves == 2) {
		p->slot_a = malloc((p->count + 1) * sizeof *p->slot_a);
		if (!p->slot_a)
			return no_memory(s, err);
		for (uint64_t i = 0; i < p->count; i++)
			p->slot_a[i] = s->a->entry[p->entry[i]].slot;
		p->count_a = p->count, p->pairs = true;
		p->about = "pairs of pictures, side by side in one file";
		return true;
	}
	if (!classify(p, s, part, err))
		return false;
	p->about = p->label ? "pictures in folders, one for each class" : "pictures";
	return true;
}

static bool arrange(gm_pictures *p, const char *path, const gm_data_options *o, gm_error *err)
{
	sorting s = {.a = &p->album, .path = path};
	const char *split = o->split ? o->split : "train";
	if (s.a->entries == 0 && s.a->bads)
		return gm_fail(err, GM_ERR_FORMAT,
		               "%s: none of its %llu pictures can be read; the first: %s: %s", path,
		               (unsigned long long)s.a->bads, s.a->text + s.a->bad[0].name,
		               s.a->text + s.a->bad[0].reason);
	if (s.a->entries == 0)
		return gm_fail(err, GM_ERR_IO,
		               "%s: no pictures here (looked for .png, .jpg and .webp, and for "
		               "train-images-idx3-ubyte)",
		               path);
	look(&s);
	const int a = find_part(&s, split, 'a'), b = find_part(&s, split, 'b');
	const int part = find_part(&s, split, 0);
	const char *other = strcmp(split, "test") == 0 ? "train" : "test";
	const bool parted =
		part >= 0 || find_part(&s, other, 0) >= 0 || find_part(&s, other, 'a') >= 0;
	bool ok;
	if (a >= 0 && b >= 0)
		ok = two_sides(p, &s, a, b, err);
	else if (parted && part < 0)
		return gm_fail(err, GM_ERR_IO, "%s: no %s pictures here, only %s", path, split,
		               other);
	else if (!parted && !gm_pictures_no_split(path, o, err))
		return false;
	else
		ok = one_side(p, &s, part, err);
	p->slot = ok ? malloc((p->count + 1) * sizeof *p->slot) : NULL;
	if (!p->slot)
		return ok ? no_memory(&s, err) : false;
	for (uint64_t i = 0; i < p->count; i++) {
		const gm_album_entry *e = s.a->entry + p->entry[i];
		p->slot[i] = e->slot + (uint64_t)(s.a->halves - 1);
		p->captions |= e->caption != 0;
	}
	return true;
}

static bool takes(const gm_place *at)
{
	return at->folder || gm_tree_is_archive(at->path);
}

static bool open_album(gm_pictures *p, const char *path, const gm_data_options *o, gm_error *err)
{
	p->arena = gm_arena_new();
	if (!gm_album_open(&p->album, path, o, err))
		return false;
	/* The CIFARs come as archives of records, with the same endings as archives of pictures. */
	if (p->album.entries == 0 && p->album.bads == 0) {
		bool found;
		const char *split = o->split ? o->split : "train";
		const bool ok = gm_cifar_open(p, path, split, &found, err);
		if (!ok || found)
			return ok;
	}
	if (!arrange(p, path, o, err))
		return false;
	p->channels = p->album.channels, p->height = p->album.height, p->width = p->album.width;
	p->pixel = p->album.pixel;
	p->format = "pictures";
	return true;
}

const gm_format gm_format_album = {takes, open_album};
