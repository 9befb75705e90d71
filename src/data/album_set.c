/* SPDX-License-Identifier: MIT
 *
 * album_set.c -- the examples of a folder or archive of images: splits (train, test), pairs
 * (trainA, trainB) and classes from folder names; attributes from tables and file names. See
 * docs/data-formats.md. */
#include "data/captions.h"
#include "data/pictures.h"

#include "base/file.h"
#include "data/attributes.h"
#include "data/cifar.h"
#include "data/clips.h"
#include "data/maps.h"
#include "data/parts.h"
#include "data/sound.h"
#include "data/tree.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

typedef struct sorting {
	gm_pictures *p;
	const gm_album *a;
	const char *path, *split;
	const gm_data_options *o;
	gm_parts parts;
	gm_attributes said;
	uint64_t *next; /* of sequences (clips.h), or NULL */
	gm_error *err;
} sorting;

static bool no_memory(const sorting *s)
{
	return gm_fail(s->err, GM_ERR_MEMORY, "%s: out of memory", s->path);
}

static const char *name_of(const sorting *s, uint64_t entry)
{
	return s->a->text + s->a->entry[entry].name;
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* ---- what the album leaves out --------------------------------------------------------------- */

/* Files skipped for the same reason share one note with the first name; so do all files that are
 * not images. */
static void note_others(sorting *s)
{
	static const struct {
		const char *reason, *one, *many;
	} kinds[] = {
		{"a hidden picture", "1 hidden picture is left out",
	         "hidden pictures are left out"},
		{"a dangling link", "1 link is dangling", "links are dangling"},
		{"a link to a folder that contains it", "1 link leads to a folder that contains it",
	         "links lead to folders that contain them"},
		{"a name that cannot be read",
	         "1 name in the archive cannot be read; the file is named by",
	         "names in the archive cannot be read; the files are named by their numbers"},
		{"an empty folder", "1 folder is empty", "folders are empty"},
		{"replaced by a later file of the same name",
	         "1 file is replaced by a later one of the same name",
	         "files are replaced by later ones of the same names"},
	};
	enum { KINDS = sizeof kinds / sizeof *kinds };
	struct {
		const char *reason, *first;
		uint64_t n;
	} plain[64] = {{0}};
	int reasons = 0;
	uint64_t count[KINDS] = {0}, no_pictures = 0;
	const char *first[KINDS] = {0};
	for (uint64_t i = 0; i < s->a->others; i++) {
		const char *why = s->a->text + s->a->other[i].reason,
			   *name = s->a->text + s->a->other[i].name;
		int k = 0;
		while (k < KINDS && strcmp(kinds[k].reason, why) != 0)
			k++;
		if (k < KINDS) {
			first[k] = count[k]++ ? first[k] : name;
			continue;
		}
		no_pictures++;
		for (k = 0; k < reasons && strcmp(plain[k].reason, why) != 0;)
			k++;
		if (k == reasons && reasons < 64)
			plain[reasons].reason = why, plain[reasons++].first = name;
		if (k < 64)
			plain[k].n++;
	}
	for (int k = 0; k < KINDS; k++)
		if (count[k] == 1)
			gm_pictures_note(s->p, "%s: %.300s", kinds[k].one, first[k]);
		else if (count[k])
			gm_pictures_note(s->p, "%llu %s; the first: %.300s",
			                 (unsigned long long)count[k], kinds[k].many, first[k]);
	char text[400] = "";
	size_t n = 0;
	for (int k = 0; k < reasons && k < 4; k++)
		n += (size_t)snprintf(text + n, sizeof text - n, "%s%llu x %.60s (%.40s)",
		                      k ? ", " : "", (unsigned long long)plain[k].n,
		                      plain[k].reason, plain[k].first);
	if (no_pictures)
		gm_pictures_note(s->p, "%llu other file%s no picture%s: %s%s",
		                 (unsigned long long)no_pictures,
		                 no_pictures == 1 ? " is" : "s are", plural(no_pictures), text,
		                 reasons > 4 ? ", ..." : "");
}

static void note_bads(sorting *s)
{
	const gm_album_left *b = s->a->bad;
	if (s->a->bads)
		gm_pictures_note(
			s->p,
			"%llu file%s cannot be used and %s left out; the first: %.200s: %.200s",
			(unsigned long long)s->a->bads, plural(s->a->bads),
			s->a->bads == 1 ? "is" : "are", s->a->text + b->name,
			s->a->text + b->reason);
}

/* Notes the size chosen if none was requested. */
static void note_sizes(sorting *s)
{
	const gm_album *a = s->a;
	const gm_album_entry *least = a->entry, *most = a->entry;
	for (uint64_t i = 1; i < a->entries; i++) {
		const gm_album_entry *e = a->entry + i;
		const int64_t pixels = (int64_t)e->width * e->height;
		least = pixels < (int64_t)least->width * least->height ? e : least;
		most = pixels >= (int64_t)most->width * most->height ? e : most;
	}
	if (least->width != most->width || least->height != most->height)
		gm_pictures_note(
			s->p,
			"pictures of different sizes, from %d x %d (%.100s) to %d x %d (%.100s): "
			"all are resized to %d x %d, the most frequent shorter side (--size N for "
			"another)",
			least->width, least->height, a->text + least->name, most->width,
			most->height, a->text + most->name, a->width, a->height);
}

static void note_left(sorting *s, uint64_t n, const char *first, const char *why)
{
	if (n == 0)
		return;
	s->p->left += n;
	gm_pictures_note(s->p, "%llu picture%s left out, %s: %s%.300s", (unsigned long long)n,
	                 n == 1 ? " is" : "s are", why, n == 1 ? "" : "the first is ", first);
}

/* ---- labels ---------------------------------------------------------------------------------- */

/* Keeps only the examples with keep[]. */
static void thin_out(sorting *s, const bool *keep)
{
	gm_pictures *p = s->p;
	uint64_t n = 0;
	for (uint64_t i = 0; i < p->count; i++) {
		if (!keep[i])
			continue;
		p->entry[n] = p->entry[i];
		if (p->label)
			p->label[n] = p->label[i];
		n++;
	}
	p->count = n;
}

static int by_name(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

/* Writes the first folder below a split to name; false if there is none. The innermost folder of a
 * frame is its sequence, not a class. */
static bool class_folder(const sorting *s, const char *below, char *name, size_t room)
{
	const char *slash = strchr(below, '/');
	if (!slash || (size_t)(slash - below) >= room || (s->next && !strchr(slash + 1, '/')))
		return false;
	memcpy(name, below, (size_t)(slash - below));
	name[slash - below] = 0;
	return true;
}

/* The class folders of all splits, including those with bad files only, sorted by bytes: so class
 * numbers do not depend on the opened split or on bad files. */
static const char **folder_names(sorting *s, int *count)
{
	const uint64_t all = s->a->entries + s->a->bads;
	const char **list = malloc((all + 1) * sizeof *list);
	char name[PATH_MAX], last[PATH_MAX] = "";
	size_t n = 0, k = 0;
	for (uint64_t i = 0; list && i < all; i++) {
		const char *full = i < s->a->entries
		                           ? name_of(s, i)
		                           : s->a->text + s->a->bad[i - s->a->entries].name;
		const char *below = gm_parts_below(&s->parts, full);
		/* names are sorted, so most equal the previous one */
		if (below && class_folder(s, below, name, sizeof name) && strcmp(name, last) != 0) {
			snprintf(last, sizeof last, "%s", name);
			list[n++] = gm_arena_strdup(s->p->arena, name);
		}
	}
	if (n)
		qsort(list, n, sizeof *list, by_name);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || strcmp(list[k - 1], list[i]) != 0)
			list[k++] = list[i];
	*count = (int)k;
	return list;
}

/* Labels by folders. Images next to the class folders are skipped, unless they are the majority:
 * then there are no classes. */
static bool classify(sorting *s, bool must)
{
	gm_pictures *p = s->p;
	char name[PATH_MAX];
	const char *key = name, *first = NULL;
	int classes;
	uint64_t loose = 0;
	const char **names = folder_names(s, &classes);
	bool *keep = malloc(p->count + 1);
	p->label = malloc((p->count + 1) * sizeof *p->label);
	if (!names || !keep || !p->label) {
		free(names), free(keep);
		return no_memory(s);
	}
	for (uint64_t i = 0; i < p->count; i++) {
		const char *below = gm_parts_below(&s->parts, name_of(s, p->entry[i]));
		keep[i] = below && class_folder(s, below, name, sizeof name);
		if (!keep[i]) {
			first = loose++ ? first : name_of(s, p->entry[i]);
			continue;
		}
		const char **at = bsearch(&key, names, (size_t)classes, sizeof *names, by_name);
		p->label[i] = (int32_t)(at - names);
	}
	const bool few = loose * 2 < p->count || (must && loose < p->count);
	if (classes > 1 && few) {
		p->labels = classes, p->class_names = names;
		thin_out(s, keep);
		note_left(s, loose, first,
		          "next to the class folders (--label-from none uses all)");
	} else {
		if (classes > 1)
			gm_pictures_note(
				p,
				"%llu of %llu pictures are next to the folders, so folders are not "
				"classes (--label-from folders makes them classes)",
				(unsigned long long)loose, (unsigned long long)p->count);
		free(names), free(p->label);
		p->label = NULL;
	}
	free(keep);
	if (must && !p->label)
		return gm_fail(s->err, GM_ERR_VALUE,
		               "%s: option label-from: there are no class folders", s->path);
	return true;
}

/* The label column: the requested one, the only one, or one named like a label. */
static int choose_label(sorting *s, bool *ok)
{
	static const char *const usual[] = {"label",  "class",   "category", "labels",
	                                    "target", "species", "y"};
	const gm_attributes *t = &s->said;
	char all[300] = "";
	size_t n = 0;
	*ok = true;
	for (int i = 0; i < t->count && n < sizeof all; i++)
		n += (size_t)snprintf(all + n, sizeof all - n, "%s%s", i ? ", " : "",
		                      t->attribute[i].name);
	if (s->o->label_column && *s->o->label_column) {
		for (int i = 0; i < t->count; i++)
			if (strcasecmp(t->attribute[i].name, s->o->label_column) == 0)
				return i;
		*ok = gm_fail(
			s->err, GM_ERR_VALUE,
			t->count ? "%s: option label-column: there is no column %.60s; there are %s"
				 : "%s: option label-column: there is no column %.60s, in tables "
				   "next to the pictures or in a --label-pattern%s",
			s->path, s->o->label_column, all);
		return -1;
	}
	if (t->count == 1)
		return 0;
	for (size_t k = 0; k < sizeof usual / sizeof *usual; k++)
		for (int i = 0; i < t->count; i++)
			if (strcasecmp(t->attribute[i].name, usual[k]) == 0) {
				gm_pictures_note(s->p,
				                 "columns: %s; the class is %s (--label-column "
				                 "NAME selects another)",
				                 all, t->attribute[i].name);
				return i;
			}
	if (t->count)
		gm_pictures_note(s->p, "columns: %s; --label-column NAME selects one as the class",
		                 all);
	return -1;
}

/* Labels from a column; images without a value are skipped. */
static bool label_by_column(sorting *s, const gm_attribute *t)
{
	gm_pictures *p = s->p;
	bool *keep = malloc(p->count + 1);
	const char *first = NULL;
	uint64_t unknown = 0;
	p->label = malloc((p->count + 1) * sizeof *p->label);
	if (!keep || !p->label) {
		free(keep);
		return no_memory(s);
	}
	for (uint64_t i = 0; i < p->count; i++) {
		p->label[i] = t->value[p->entry[i]];
		keep[i] = p->label[i] >= 0;
		if (!keep[i])
			first = unknown++ ? first : name_of(s, p->entry[i]);
	}
	if (unknown == p->count) {
		gm_pictures_note(p, "%s has no rows for the pictures of this split", t->name);
		free(p->label);
		p->label = NULL;
	} else {
		thin_out(s, keep);
		char why[120];
		snprintf(why, sizeof why, "without a %.40s (--label-from none uses all)", t->name);
		note_left(s, unknown, first, why);
		p->labels = t->classes;
		if (t->class_names) {
			p->class_names = malloc((size_t)t->classes * sizeof *p->class_names);
			if (p->class_names)
				memcpy(p->class_names, t->class_names,
				       (size_t)t->classes * sizeof *p->class_names);
		}
	}
	free(keep);
	return true;
}

/* Missing values of a column become an additional class. */
static bool one_number(sorting *s, const gm_attribute *t)
{
	gm_pictures *p = s->p;
	gm_number n = {.name = t->name, .classes = t->classes, .class_names = t->class_names};
	n.value = malloc((p->count + 1) * sizeof *n.value);
	if (!n.value)
		return no_memory(s);
	uint64_t unknown = 0;
	for (uint64_t i = 0; i < p->count; i++) {
		const int32_t v = t->value[p->entry[i]];
		unknown += v < 0;
		n.value[i] = v < 0 ? t->classes : v;
	}
	if (unknown) {
		n.class_names = NULL;
		if (t->class_names) {
			n.class_names = gm_arena_alloc(p->arena, (size_t)(t->classes + 1) *
			                                                 sizeof *n.class_names);
			memcpy(n.class_names, t->class_names,
			       (size_t)t->classes * sizeof *n.class_names);
			n.class_names[t->classes] = "(unknown)";
		}
		n.classes++;
		gm_pictures_note(p, "%s is missing for %llu picture%s: they have its class %d",
		                 t->name, (unsigned long long)unknown, plural(unknown), t->classes);
	}
	p->number[p->numbers++] = n;
	return true;
}

/* All binary columns as one row of flags per example. */
static bool join_flags(gm_pictures *p)
{
	int flags = 0;
	for (int i = 0; i < p->numbers; i++)
		flags += p->number[i].classes == 2 && !p->number[i].class_names;
	if (flags < 2)
		return true;
	p->vector = malloc((p->count + 1) * (size_t)flags * sizeof *p->vector);
	int32_t *to = p->vector;
	for (uint64_t k = 0; to && k < p->count; k++)
		for (int i = 0; i < p->numbers; i++)
			if (p->number[i].classes == 2 && !p->number[i].class_names)
				*to++ = p->number[i].value[k];
	p->flags = p->vector ? flags : 0;
	return p->vector != NULL;
}

static bool give_numbers(sorting *s)
{
	gm_pictures *p = s->p;
	bool ok = true;
	p->number = calloc((size_t)s->said.count + 1, sizeof *p->number);
	for (int i = 0; ok && p->number && i < s->said.count; i++)
		ok = one_number(s, &s->said.attribute[i]);
	if (ok && s->said.caption) {
		p->caption = calloc(p->count + 1, sizeof *p->caption);
		for (uint64_t i = 0; p->caption && i < p->count; i++)
			p->caption[i] = s->said.caption[p->entry[i]];
		p->captions = p->caption != NULL;
	}
	return ok && p->number && (join_flags(p) || no_memory(s));
}

static bool label(sorting *s)
{
	const char *labels = s->o->label_from ? s->o->label_from : "auto";
	const bool none = strcmp(labels, "none") == 0, by_folder = strcmp(labels, "folders") == 0;
	const bool asked = s->o->label_column && *s->o->label_column;
	bool ok = true;
	if (none) {
		if (asked)
			return gm_fail(s->err, GM_ERR_VALUE,
			               "options label-from and label-column: none, and %.60s",
			               s->o->label_column);
		return !s->o->caption_column || give_numbers(s);
	}
	const bool by_table = s->said.stylegan || strcmp(labels, "auto") != 0 ||
	                      (s->o->label_pattern && *s->o->label_pattern);
	if (by_folder || (!asked && !by_table))
		ok = classify(s, by_folder);
	if (ok && !s->p->label && !by_folder) {
		const int i = choose_label(s, &ok);
		ok = ok && (i < 0 || label_by_column(s, &s->said.attribute[i]));
	}
	return ok && give_numbers(s);
}

/* ---- examples -------------------------------------------------------------------------------- */

/* The entries in folder i of the splits (i < 0: all used entries), in order. */
static uint64_t *list_part(const sorting *s, int part, uint64_t *count)
{
	uint64_t *list = malloc((s->a->entries + 1) * sizeof *list), n = 0;
	for (uint64_t i = 0; list && i < s->a->entries; i++)
		if (part < 0 || gm_parts_of(&s->parts, name_of(s, i)) == part)
			list[n++] = i;
	*count = n;
	return list;
}

static size_t stem_of(const char *below)
{
	const char *slash = strrchr(below, '/'), *dot = strrchr(slash ? slash : below, '.');
	return dot ? (size_t)(dot - below) : strlen(below);
}

/* An image of one side, with the name it shares with its partner. */
typedef struct half {
	const char *stem;
	size_t n;
	uint64_t entry, place; /* place: index in its side's list; UINT64_MAX: an unusable file */
} half;

static int by_stem(const void *x, const void *y)
{
	const half *a = x, *b = y;
	const int order = memcmp(a->stem, b->stem, a->n < b->n ? a->n : b->n);
	return order ? order : a->n < b->n ? -1 : a->n > b->n;
}

/* One side with its bad files, in the order of the shared names. */
static half *side_of(const sorting *s, int part, const uint64_t *list, uint64_t count, size_t *n)
{
	half *side = malloc((count + s->a->bads + 1) * sizeof *side);
	*n = 0;
	for (uint64_t i = 0; side && i < count; i++) {
		const char *below = gm_parts_below(&s->parts, name_of(s, list[i]));
		side[(*n)++] = (half){below, stem_of(below), list[i], i};
	}
	for (uint64_t i = 0; side && i < s->a->bads; i++) {
		const char *name = s->a->text + s->a->bad[i].name;
		if (gm_parts_of(&s->parts, name) != part)
			continue;
		const char *below = gm_parts_below(&s->parts, name);
		side[(*n)++] = (half){below, stem_of(below), 0, UINT64_MAX};
	}
	if (side && *n)
		qsort(side, *n, sizeof *side, by_stem);
	return side;
}

/* Matches the sides: partner[index in b] becomes the entry of a. An image with an unusable partner
 * is skipped; false if an image has no partner, or two: *alone is its name. */
static bool match(sorting *s, const half *a, size_t na, const half *b, size_t nb, uint64_t *partner,
                  uint64_t *lost, const char **first_lost, const char **alone)
{
	size_t i = 0, j = 0;
	while (i < na || j < nb) {
		const int order = i == na ? 1 : j == nb ? -1 : by_stem(a + i, b + j);
		const half *one = order <= 0 ? a + i : b + j;
		const bool twice = (order <= 0 && i + 1 < na && by_stem(a + i, a + i + 1) == 0) ||
		                   (order >= 0 && j + 1 < nb && by_stem(b + j, b + j + 1) == 0);
		if (twice || (order != 0 && one->place != UINT64_MAX)) {
			*alone = one->place == UINT64_MAX ? one->stem : name_of(s, one->entry);
			return false;
		}
		if (order == 0) {
			const bool good_a = a[i].place != UINT64_MAX,
				   good_b = b[j].place != UINT64_MAX;
			if (good_a && good_b)
				partner[b[j].place] = a[i].entry;
			else if (good_a || good_b)
				*first_lost =
					(*lost)++ ? *first_lost
						  : name_of(s, good_a ? a[i].entry : b[j].entry);
		}
		i += order <= 0, j += order >= 0;
	}
	return true;
}

/* Two folders of images: pairs if they have the same names, else two domains. */
static bool two_sides(sorting *s, int part_a, int part_b)
{
	gm_pictures *p = s->p;
	size_t na, nb;
	uint64_t lost = 0;
	const char *first = NULL, *alone = "";
	p->entry_a = list_part(s, part_a, &p->count_a);
	p->entry = list_part(s, part_b, &p->count);
	if (!p->entry_a || !p->entry)
		return no_memory(s);
	half *a = side_of(s, part_a, p->entry_a, p->count_a, &na),
	     *b = side_of(s, part_b, p->entry, p->count, &nb);
	uint64_t *partner = malloc((p->count + 1) * sizeof *partner);
	bool ok = a && b && partner;
	for (uint64_t i = 0; ok && i < p->count; i++)
		partner[i] = UINT64_MAX;
	p->pairs = ok && match(s, a, na, b, nb, partner, &lost, &first, &alone);
	if (p->pairs) {
		p->about = "pairs of pictures, of two folders with the same names";
		uint64_t n = 0;
		for (uint64_t i = 0; i < p->count; i++)
			if (partner[i] != UINT64_MAX)
				p->entry_a[n] = partner[i], p->entry[n++] = p->entry[i];
		p->count = p->count_a = n;
		note_left(s, lost, first, "whose partners cannot be used");
	} else if (ok) {
		p->about = gm_arena_printf(
			p->arena,
			"two unpaired domains of pictures: %.300s is the first without a partner",
			alone);
	}
	free(a), free(b), free(partner);
	p->slot_a = malloc((p->count_a + 1) * sizeof *p->slot_a);
	if (!ok || !p->slot_a)
		return no_memory(s);
	for (uint64_t i = 0; i < p->count_a; i++)
		p->slot_a[i] = s->a->entry[p->entry_a[i]].slot;
	return p->count > 0 || gm_fail(s->err, GM_ERR_FORMAT,
	                               "%s: there is no pair with two readable pictures", s->path);
}

/* Frames at the end of a sequence are in examples that begin before them; those of a short sequence
 * are in none. */
static bool note_unused_frames(sorting *s, int step)
{
	gm_pictures *p = s->p;
	uint64_t left = 0, n = 0, *all = NULL;
	const char *first = NULL;
	uint64_t *clip = malloc((size_t)s->o->frames * sizeof *clip);
	bool *used = calloc(s->a->entries + 1, sizeof *used);
	const int part = p->count ? gm_parts_of(&s->parts, name_of(s, p->entry[0])) : -1;
	all = p->count ? list_part(s, s->parts.parted ? part : -1, &n) : NULL;
	const bool ok = clip && used && (all || !p->count);
	for (uint64_t i = 0; ok && i < p->count; i++) {
		gm_clips_at(s->next, p->entry[i], s->o->frames, step, clip);
		for (int t = 0; t < s->o->frames; t++)
			used[clip[t]] = true;
	}
	for (uint64_t i = 0; ok && i < n; i++)
		if (!used[all[i]])
			first = left++ ? first : name_of(s, all[i]);
	if (ok)
		note_left(s, left, first, "in sequences that are too short");
	free(clip), free(used), free(all);
	return ok;
}

/* Keeps the images that are the first frame of a sequence, and those with a label map. */
static bool keep_whole(sorting *s)
{
	gm_pictures *p = s->p;
	const gm_data_options *o = s->o;
	const int step = o->frame_step ? o->frame_step : 1;
	const int frames = s->next ? o->frames : 1;
	bool *keep = malloc(p->count + 1);
	uint64_t *clip = malloc((size_t)frames * sizeof *clip);
	const char *bare = NULL;
	uint64_t bares = 0;
	if (!keep || !clip) {
		free(keep), free(clip);
		return no_memory(s);
	}
	for (uint64_t i = 0; i < p->count; i++) {
		const char *name = name_of(s, p->entry[i]);
		keep[i] = true, clip[0] = p->entry[i];
		if (s->next && !gm_clips_at(s->next, p->entry[i], frames, step, clip))
			keep[i] = false;
		else if (p->maps && !gm_maps_of_clip(p, o->maps, clip, frames))
			keep[i] = false, bare = bares++ ? bare : name;
	}
	thin_out(s, keep);
	free(keep), free(clip);
	if (s->next && !note_unused_frames(s, step))
		return no_memory(s);
	note_left(s, bares, bare,
	          s->next ? "that begin a sequence in which a label map is missing"
	                  : "without a label map");
	if (p->count)
		return true;
	return s->next ? gm_fail(s->err, GM_ERR_VALUE,
	                         "%s: option frames: no folder has %d consecutive frames "
	                         "(frame-step "
	                         "%d)%s",
	                         s->path, o->frames, step, p->maps ? " with label maps" : "")
	               : gm_fail(s->err, GM_ERR_VALUE,
	                         "%s: option maps: no image has a label map of its name", s->path);
}

static bool one_side(sorting *s, int part)
{
	gm_pictures *p = s->p;
	p->entry = list_part(s, part, &p->count);
	if (!p->entry)
		return no_memory(s);
	if (p->count && (s->next || p->maps) && !keep_whole(s))
		return false;
	if (p->count == 0)
		return gm_fail(s->err, GM_ERR_FORMAT, "%s: no picture of this split can be read",
		               s->path);
	if (!s->o->halves && (!gm_attributes_read(&s->said, p, s->path, s->o, s->err) || !label(s)))
		return false;
	if (s->o->halves) {
		p->slot_a = malloc((p->count + 1) * sizeof *p->slot_a);
		if (!p->slot_a)
			return no_memory(s);
		for (uint64_t i = 0; i < p->count; i++)
			p->slot_a[i] = s->a->entry[p->entry[i]].slot;
		p->count_a = p->count, p->pairs = true;
		p->about = "pairs of pictures, side by side in one file";
	} else {
		p->about = !p->label       ? "pictures"
		           : s->said.count ? "pictures with labels"
		                           : "pictures in folders, one for each class";
	}
	return true;
}

/* Notes images in unused folders, by folder. */
static void note_outside(sorting *s, const bool *used)
{
	for (int k = 0; k <= s->parts.folders; k++) {
		uint64_t n = 0;
		const char *first = NULL;
		char why[200];
		if (k < s->parts.folders && used[k])
			continue;
		for (uint64_t i = 0; i < s->a->entries; i++)
			if (gm_parts_of(&s->parts, name_of(s, i)) ==
			    (k < s->parts.folders ? k : -1))
				first = n++ ? first : name_of(s, i);
		if (k == s->parts.folders)
			snprintf(why, sizeof why, "outside of all splits");
		else
			snprintf(why, sizeof why,
			         "in %.80s, which is %s (--parts off: all folders are classes)",
			         s->parts.folder[k].name,
			         s->parts.folder[k].split ? "a second folder for its split"
			                                  : "not a split");
		note_left(s, n, first, why);
	}
}

static bool choose_examples(sorting *s)
{
	gm_parts *q = &s->parts;
	const int a = gm_parts_find(q, s->split, 'a'), b = gm_parts_find(q, s->split, 'b');
	const int part = gm_parts_find(q, s->split, 0);
	bool ok;
	if (a >= 0 && b >= 0)
		ok = (!s->o->patches || gm_fail(s->err, GM_ERR_VALUE,
		                                "%s: option patches is not for pairs", s->path)) &&
		     two_sides(s, a, b);
	else if (part < 0 && (a >= 0 || b >= 0))
		return gm_fail(
			s->err, GM_ERR_IO,
			"%s: pairs need two sides, but for split %s there is only %s; give the "
			"path of a folder in it, or use --parts off to make all folders classes",
			s->path, s->split, q->folder[a >= 0 ? a : b].name);
	else if (q->parted && part < 0)
		return gm_parts_lack(q, s->path, s->split, s->err);
	else if (!q->parted && !gm_pictures_no_split(s->path, s->o, s->err))
		return false;
	else
		ok = one_side(s, part);
	if (ok && q->within && q->nesting == GM_PARTS_FLAT)
		gm_pictures_note(s->p,
		                 "folders with names of splits are within class folders and are "
		                 "not separated, because not every class folder contains only "
		                 "splits; the first: %.300s",
		                 q->within);
	if (ok && q->parted) {
		bool *used = gm_arena_calloc(s->p->arena, (size_t)q->folders + 1, sizeof *used);
		gm_parts_used(q, used);
		note_outside(s, used);
	}
	return ok;
}

static bool nothing_here(sorting *s)
{
	const gm_album *a = s->a;
	if (a->bads)
		return gm_fail(
			s->err, GM_ERR_FORMAT,
			"%s: none of its %llu pictures can be read; the first: %.120s: %.160s",
			s->path, (unsigned long long)a->bads, a->text + a->bad[0].name,
			a->text + a->bad[0].reason);
	return gm_pictures_none(s->path, a, s->err);
}

/* Each of n rows of an array, `bytes` long, `times` times one after the other; NULL stays NULL. */
static bool repeat_rows(void *array, uint64_t n, uint64_t times, size_t bytes)
{
	void **p = array;
	char *more = *p ? realloc(*p, (n * times + 1) * bytes) : NULL;
	if (*p && !more)
		return false;
	for (uint64_t i = n; more && i-- > 0;)
		for (uint64_t k = times; k-- > 0;)
			memmove(more + (i * times + k) * bytes, more + i * bytes, bytes);
	*p = more;
	return true;
}

/* Each example becomes `times` examples with the same labels. */
static bool repeat_examples(gm_pictures *p, uint64_t times)
{
	const uint64_t n = p->count;
	bool ok = repeat_rows(&p->entry, n, times, sizeof *p->entry) &&
	          repeat_rows(&p->label, n, times, sizeof *p->label) &&
	          repeat_rows(&p->caption, n, times, sizeof *p->caption) &&
	          repeat_rows(&p->vector, n, times, (size_t)p->flags * sizeof *p->vector);
	for (int i = 0; ok && i < p->numbers; i++)
		ok = repeat_rows(&p->number[i].value, n, times, sizeof *p->number[i].value);
	p->count = n * times;
	return ok;
}

static size_t longest_line(const char *text)
{
	size_t most = 0;
	for (; *text; text += strcspn(text, "\n"), text += *text != 0) {
		const size_t n = strcspn(text, "\n");
		most = n > most ? n : most;
	}
	return most;
}

/* Pictures without a caption, and captions that are longer than what is read of them. */
static void note_captions(gm_pictures *p, size_t length)
{
	const char *first = NULL, *first_cut = NULL;
	uint64_t none = 0, cut = 0;
	for (uint64_t i = 0; p->captions && i < p->count; i++) {
		const char *said = gm_pictures_caption(p, i),
			   *name = p->album.text + p->album.entry[p->entry[i]].name;
		if (!said && none++ == 0)
			first = name;
		if (said && longest_line(said) > length && cut++ == 0)
			first_cut = name;
	}
	if (none)
		gm_pictures_note(p, "%llu of %llu pictures have no caption; the first is %.200s",
		                 (unsigned long long)none, (unsigned long long)p->count, first);
	if (cut)
		gm_pictures_note(p,
		                 "%llu of %llu pictures have captions of more than %zu bytes, of "
		                 "which only these are read (option caption-length); the first is "
		                 "%.200s",
		                 (unsigned long long)cut, (unsigned long long)p->count, length,
		                 first_cut);
}

static bool arrange(gm_pictures *p, const char *path, const gm_data_options *o, gm_error *err)
{
	sorting s = {.p = p, .a = &p->album, .path = path, .o = o, .err = err};
	s.split = o->split ? o->split : "train";
	if (s.a->entries == 0)
		return nothing_here(&s);
	if (o->maps && !gm_maps_take(p, path, o->maps, err))
		return false;
	note_bads(&s);
	note_others(&s);
	if (!o->size && !p->sound)
		note_sizes(&s);
	if (o->frames > 1 && !(s.next = gm_clips_next(s.a)))
		return no_memory(&s);
	bool ok = gm_parts_look(&s.parts, s.a, p->arena, !o->no_parts) || no_memory(&s);
	ok = ok && choose_examples(&s);
	gm_attributes_free(&s.said);
	const uint64_t patches = o->patches ? (uint64_t)o->patches : 1;
	if (ok && o->patches && !repeat_examples(p, patches))
		return no_memory(&s);
	if (ok && p->slot_a && (s.next || o->maps))
		ok = gm_fail(err, GM_ERR_VALUE, "%s: option %s is not for pairs of images", path,
		             s.next ? "frames" : "maps");
	ok = ok && (!s.next || gm_clips_of_album(p, s.next, o->frames,
	                                         o->frame_step ? o->frame_step : 1, err));
	ok = ok && (!o->maps || gm_maps_read(p, path, o, s.next, err));
	free(s.next);
	p->slot = ok ? malloc((p->count + 1) * sizeof *p->slot) : NULL;
	if (!p->slot)
		return ok ? no_memory(&s) : false;
	for (uint64_t i = 0; i < p->count; i++) {
		const gm_album_entry *e = s.a->entry + p->entry[i];
		p->slot[i] = e->slot + (o->halves ? 1 : i % patches);
		p->captions |= e->caption != 0;
	}
	note_captions(p, o->caption_length ? (size_t)o->caption_length : GM_CAPTION_LENGTH);
	return true;
}

/* IDX files may be gzipped too, so look inside. */
static bool is_packed_tar(const gm_place *at)
{
	uint8_t head[GM_CONTENT_HEAD];
	gzFile f = strcmp(at->content.name, "gzip data") == 0 ? gzopen(at->path, "rb") : NULL;
	const int n = f ? gzread(f, head, sizeof head) : 0;
	if (f)
		gzclose(f);
	return n > 0 && strcmp(gm_content_of(head, (size_t)n).name, "a tar archive") == 0;
}

static bool takes(const gm_place *at)
{
	static const char *const archives[] = {"a zip archive", "a tar archive", "xz data",
	                                       "bzip2 data", "Zstandard data"};
	for (size_t i = 0; !at->folder && i < sizeof archives / sizeof *archives; i++)
		if (strcmp(at->content.name, archives[i]) == 0)
			return true;
	return at->folder || gm_tree_is_archive(at->path) || is_packed_tar(at);
}

/* A folder without images but with one file that is a data set: opens that file. */
static bool open_only(gm_pictures *p, const char *path, const char *file, const gm_data_options *o,
                      gm_error *err)
{
	char full[PATH_MAX];
	if (snprintf(full, sizeof full, "%s/%s", path, file) >= (int)sizeof full)
		return gm_fail(err, GM_ERR_IO, "%s: the path is too long", path);
	gm_pictures_free(p);
	if (!gm_pictures_open(p, full, o, err))
		return false;
	gm_pictures_note(p, "the folder itself contains no pictures; using %.300s", full);
	return true;
}

static bool open_album(gm_pictures *p, const char *path, const gm_data_options *o, gm_error *err)
{
	p->arena = gm_arena_new();
	if (!gm_album_open(&p->album, path, o, err))
		return false;
	if (p->album.entries == 0 && p->album.bads == 0) {
		bool found;
		if (!gm_sounds_take(p, path, o, &found, err))
			return false;
		if (found && (o->frames > 1 || o->maps || o->patches || o->halves))
			return gm_fail(
				err, GM_ERR_VALUE,
				"%s: sounds; options frames, maps, patches and pairs are for "
				"images",
				path);
		if (found)
			return arrange(p, path, o, err) && gm_sounds_fit(p, path, o, err);
		/* CIFAR archives of records have the same extensions as archives of images. */
		const char *split = o->split ? o->split : "train";
		const bool ok = gm_cifar_open(p, path, split, &found, err);
		if (!ok || found)
			return ok;
		const char *only = gm_file_is_folder(path) ? gm_pictures_only_set(&p->album) : NULL;
		if (only)
			return open_only(p, path, only, o, err);
	}
	/* one picture, such as a cover, would hide all sounds */
	const uint64_t sounds = gm_sounds_among(&p->album), n = p->album.entries;
	if (n && sounds > n)
		return gm_fail(err, GM_ERR_VALUE,
		               "%s: %llu sounds and %llu picture%s, such as %.200s, but a set has "
		               "either: move the pictures or the sounds to another folder",
		               path, (unsigned long long)sounds, (unsigned long long)n,
		               n == 1 ? "" : "s", p->album.text + p->album.entry[0].name);
	if (!arrange(p, path, o, err))
		return false;
	p->channels = p->album.channels, p->height = p->album.height, p->width = p->album.width;
	p->pixel = p->album.pixel;
	p->format = "pictures";
	return true;
}

const gm_format gm_format_album = {takes, open_album};
