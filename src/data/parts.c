/* SPDX-License-Identifier: MIT
 *
 * parts.c -- see parts.h. */
#include "data/parts.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* In the order in which they are preferred. */
static const struct {
	const char *folder, *split;
	char side;
} parts[] = {
	{"train", "train", 0},    {"training", "train", 0},  {"trainA", "train", 'a'},
	{"trainB", "train", 'b'}, {"test", "test", 0},       {"testing", "test", 0},
	{"testA", "test", 'a'},   {"testB", "test", 'b'},    {"val", "val", 0},
	{"valid", "val", 0},      {"validation", "val", 0},  {"dev", "val", 0},
	{"eval", "test", 0},      {"evaluation", "test", 0}, {"valA", "val", 'a'},
	{"valB", "val", 'b'},     {"A", NULL, 'a'},          {"B", NULL, 'b'},
};
#define PARTS ((int)(sizeof parts / sizeof *parts))

/* "train_set", "test-images", "val2017" without what says nothing. */
static void strip(char *name)
{
	static const char *const words[] = {"set", "data",     "images", "imgs",
	                                    "img", "pictures", "split"};
	size_t n = strlen(name);
	size_t digits = 0;
	while (digits < n && isdigit((unsigned char)name[n - 1 - digits]))
		digits++;
	if (digits == 4)
		n -= digits;
	name[n] = 0;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		const size_t w = strlen(words[i]);
		if (n > w && strcasecmp(name + n - w, words[i]) == 0) {
			n -= w;
			break;
		}
	}
	while (n > 0 && strchr("_- .", name[n - 1]))
		n--;
	name[n] = 0;
}

/* Which row of the table a folder is; -1: none. */
static int row_of(const char *folder)
{
	char name[64];
	const size_t n = strlen(folder);
	if (snprintf(name, sizeof name, "%s", folder) >= (int)sizeof name)
		return -1;
	for (int again = 0; again < 2; again++, strip(name))
		for (int i = 0; i < PARTS; i++)
			/* One letter is a class as often as a side, unless it is a capital. */
			if (n == 1 ? strcmp(name, parts[i].folder) == 0
			           : strlen(parts[i].folder) > 1 &&
			                     strcasecmp(name, parts[i].folder) == 0)
				return i;
	return -1;
}

/* ---- names ----------------------------------------------------------------------------------- */

static const char *name_at(const gm_album *a, uint64_t i)
{
	return i < a->entries ? a->text + a->entry[i].name : a->text + a->bad[i - a->entries].name;
}

/* What is below the common folders; NULL for what lies beside them. */
static const char *inside(const gm_parts *q, const char *name)
{
	return strncmp(name, q->prefix, q->common) == 0 ? name + q->common : NULL;
}

/* While nearly everything lies in one folder that is no part, that folder says nothing. */
static void descend(gm_parts *q, const gm_album *a)
{
	const uint64_t all = a->entries + a->bads;
	for (;;) {
		const char *first = NULL, *full = NULL;
		size_t n = 0;
		uint64_t in = 0, loose = 0;
		bool one = true;
		for (uint64_t i = 0; one && i < all; i++) {
			const char *name = inside(q, name_at(a, i));
			const char *slash = name ? strchr(name, '/') : NULL;
			if (!slash) {
				loose += name != NULL;
				continue;
			}
			if (!first)
				first = name, n = (size_t)(slash - name) + 1, full = name_at(a, i);
			one = strncmp(name, first, n) == 0;
			in++;
		}
		char folder[256] = "";
		if (first && n <= sizeof folder)
			memcpy(folder, first, n - 1);
		if (!one || !first || in <= loose || row_of(folder) >= 0)
			return;
		q->prefix = full, q->common += n;
	}
}

/* The part of below that is the name of a gm_parts_folder, n letters; NULL where it lies in
 * none. */
static const char *folder_in(const gm_parts *q, const char *below, size_t *n)
{
	const char *slash = strchr(below, '/');
	const char *second = slash && q->nesting != GM_PARTS_FLAT ? strchr(slash + 1, '/') : slash;
	if (!second)
		return NULL;
	const char *from = q->nesting == GM_PARTS_INNER ? slash + 1 : below;
	*n = (size_t)(second - from);
	return from;
}

static int by_name(const void *x, const void *y)
{
	return strcmp(((const gm_parts_folder *)x)->name, ((const gm_parts_folder *)y)->name);
}

static int find_folder(const gm_parts *q, const char *name, size_t n)
{
	int lo = 0, hi = q->folders;
	while (lo < hi) {
		const int mid = (lo + hi) / 2;
		int order = strncmp(q->folder[mid].name, name, n);
		order = order ? order : q->folder[mid].name[n] != 0;
		if (order == 0)
			return mid;
		*(order < 0 ? &lo : &hi) = order < 0 ? mid + 1 : mid;
	}
	return -1;
}

static bool list_folders(gm_parts *q, const gm_album *a, gm_arena *arena)
{
	const uint64_t all = a->entries + a->bads;
	int room = 0;
	gm_parts_folder *list = NULL;
	q->folders = 0;
	for (uint64_t i = 0; i < all; i++) {
		const char *name = inside(q, name_at(a, i));
		size_t n = 0;
		name = name ? folder_in(q, name, &n) : NULL;
		/* Names come sorted twice over: most are in the folder of the one before. */
		if (!name || (q->folders && strncmp(list[q->folders - 1].name, name, n) == 0 &&
		              !list[q->folders - 1].name[n]))
			continue;
		if (q->folders == room) {
			gm_parts_folder *more =
				realloc(list, (size_t)(room = room ? room * 2 : 64) * sizeof *more);
			if (!more) {
				free(list);
				return false;
			}
			list = more;
		}
		list[q->folders++] = (gm_parts_folder){.name = gm_arena_strndup(arena, name, n)};
	}
	if (q->folders)
		qsort(list, (size_t)q->folders, sizeof *list, by_name);
	int k = 0;
	for (int i = 0; i < q->folders; i++)
		if (i == 0 || strcmp(list[k - 1].name, list[i].name) != 0)
			list[k++] = list[i];
	q->folders = k;
	q->folder = list ? gm_arena_copy(arena, list, (size_t)k * sizeof *list) : NULL;
	free(list);
	for (uint64_t i = 0; i < a->entries; i++) {
		const char *name = inside(q, name_at(a, i));
		size_t n;
		name = name ? folder_in(q, name, &n) : NULL;
		if (!name)
			continue;
		gm_parts_folder *f = q->folder + find_folder(q, name, n);
		f->pictures++;
		f->direct += !strchr(name + n + 1, '/');
	}
	return true;
}

/* ---- what the folders are -------------------------------------------------------------------- */

static bool has(const gm_parts *q, const char *split, char side)
{
	for (int i = 0; i < q->folders; i++)
		if (q->folder[i].side == side &&
		    (split ? q->folder[i].split && !strcmp(q->folder[i].split, split)
		           : !q->folder[i].split))
			return true;
	return false;
}

/* Whether the folders that have names of parts are parts. "valid" beside "control", and "train"
 * beside "car" and "bus", are classes. */
static bool decide(const gm_parts *q)
{
	const bool train = has(q, "train", 0), test = has(q, "test", 0) || has(q, "val", 0);
	int others = 0, flat = 0, named = 0;
	bool train_flat = false;
	for (int i = 0; i < q->folders; i++) {
		const gm_parts_folder *f = q->folder + i;
		if (row_of(f->name) < 0) {
			others++;
			flat += f->direct > 0;
			continue;
		}
		named++;
		train_flat |=
			f->split && strcmp(f->split, "train") == 0 && f->direct == f->pictures;
	}
	if (has(q, NULL, 'a') && has(q, NULL, 'b') && q->folders == 2)
		return true;
	if ((has(q, "train", 'a') && has(q, "train", 'b')) ||
	    (has(q, "test", 'a') && has(q, "test", 'b')))
		return true;
	if (train)
		return test || others < 2 || !train_flat || flat < 2;
	return named > 0 && others == 0 && test;
}

/* ---- parts below sides, sides below parts, parts below classes ------------------------------- */

/* Which row of the table the first and the second folder of below are; -1: none, -2: no such
 * folder. */
static void rows_of(const char *below, int row[2])
{
	for (int i = 0; i < 2; i++) {
		const char *slash = below ? strchr(below, '/') : NULL;
		char folder[64];
		row[i] = slash ? -1 : -2;
		if (slash && (size_t)(slash - below) < sizeof folder) {
			snprintf(folder, sizeof folder, "%.*s", (int)(slash - below), below);
			row[i] = row_of(folder);
		}
		below = slash ? slash + 1 : NULL;
	}
}

static bool is_part(int row)
{
	return row >= 0 && parts[row].split && !parts[row].side;
}

static bool is_side(int row)
{
	return row >= 0 && !parts[row].split;
}

static bool any_begins(const gm_album *a, bool bad, const char *start)
{
	const size_t n = strlen(start);
	uint64_t lo = bad ? a->entries : 0, hi = bad ? a->entries + a->bads : a->entries;
	const uint64_t end = hi;
	while (lo < hi) {
		const uint64_t mid = lo + (hi - lo) / 2;
		if (strcmp(name_at(a, mid), start) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < end && strncmp(name_at(a, lo), start, n) == 0;
}

/* Whether the other side of name, "train/A/1.png" with side at its A, has a file of that name with
 * any ending. */
static bool has_partner(const gm_album *a, const char *name, const char *side)
{
	char other[PATH_MAX];
	const char *dot = strrchr(strrchr(name, '/'), '.');
	const int n = dot ? (int)(dot + 1 - name) : (int)strlen(name);
	if (snprintf(other, sizeof other, "%.*s", n, name) >= (int)sizeof other)
		return false;
	other[side - name] = *side == 'A' ? 'B' : 'A';
	return any_begins(a, false, other) || any_begins(a, true, other);
}

/* What two levels of folders are. Pictures that lie in no folder do not count. */
static gm_parts_nesting nesting_of(gm_parts *q, const gm_album *a)
{
	bool any = false, side = false, sides = true, pairs = true, classes = true;
	for (uint64_t i = 0; i < a->entries + a->bads; i++) {
		const char *full = name_at(a, i), *name = inside(q, full);
		int row[2];
		if (!name)
			continue;
		rows_of(name, row);
		if (row[0] == -2)
			continue;
		any = true;
		if (!q->within && row[0] < 0 && is_part(row[1]))
			q->within = full;
		side = side || (is_side(row[0]) && is_part(row[1]));
		sides = sides && is_side(row[0]);
		pairs = pairs && is_part(row[0]) && is_side(row[1]) &&
		        has_partner(a, full, strchr(name, '/') + 1);
		classes = classes && row[0] == -1 && is_part(row[1]);
	}
	if (sides && side)
		return GM_PARTS_SIDES;
	return pairs && any ? GM_PARTS_PAIRS : classes && any ? GM_PARTS_INNER : GM_PARTS_FLAT;
}

/* The folder's part and side by its own name, or by both folders that it is. */
static void name_folder(gm_parts_folder *f, gm_parts_nesting nesting)
{
	char name[PATH_MAX];
	int row[2];
	snprintf(name, sizeof name, "%s/-", f->name);
	rows_of(name, row);
	if (nesting == GM_PARTS_SIDES || nesting == GM_PARTS_PAIRS) {
		const int part = row[nesting == GM_PARTS_SIDES],
			  side = row[nesting == GM_PARTS_PAIRS];
		f->rank = is_part(part) && is_side(side) ? part : -1;
		if (f->rank >= 0)
			f->split = parts[part].split, f->side = parts[side].side;
		return;
	}
	f->rank = row[0];
	if (f->rank >= 0)
		f->split = parts[f->rank].split, f->side = parts[f->rank].side;
}

const char *gm_parts_split(const char *folder)
{
	const int row = row_of(folder);
	return is_part(row) ? parts[row].split : NULL;
}

bool gm_parts_look(gm_parts *q, const gm_album *a, gm_arena *arena, bool by_name_too)
{
	*q = (gm_parts){.prefix = ""};
	descend(q, a);
	if (by_name_too)
		q->nesting = nesting_of(q, a);
	if (!list_folders(q, a, arena))
		return false;
	for (int i = 0; i < q->folders; i++)
		name_folder(&q->folder[i], q->nesting);
	q->parted = by_name_too && (q->nesting != GM_PARTS_FLAT || decide(q));
	return true;
}

int gm_parts_of(const gm_parts *q, const char *name)
{
	const char *below = q->parted ? inside(q, name) : NULL;
	size_t n;
	const char *folder = below ? folder_in(q, below, &n) : NULL;
	return folder ? find_folder(q, folder, n) : -1;
}

const char *gm_parts_below(const gm_parts *q, const char *name)
{
	const char *below = inside(q, name);
	if (!below || !q->parted)
		return below;
	const int part = gm_parts_of(q, name);
	if (part < 0 || q->folder[part].rank < 0)
		return NULL;
	/* Of a part in classes, the class is what it begins with. */
	return q->nesting == GM_PARTS_INNER ? below : below + strlen(q->folder[part].name) + 1;
}

int gm_parts_find(const gm_parts *q, const char *split, char side)
{
	int best = -1;
	for (int i = 0; q->parted && i < q->folders; i++) {
		const gm_parts_folder *f = q->folder + i;
		if (f->rank >= 0 && f->pictures && f->side == side &&
		    (!f->split || strcmp(f->split, split) == 0) &&
		    (best < 0 || f->rank < q->folder[best].rank))
			best = i;
	}
	return best < 0 && strcmp(split, "test") == 0 ? gm_parts_find(q, "val", side) : best;
}

void gm_parts_used(const gm_parts *q, bool *used)
{
	static const char *const splits[] = {"train", "test", "val"};
	static const char sides[] = {0, 'a', 'b'};
	for (int i = 0; i < 3; i++)
		for (int k = 0; k < 3; k++) {
			const int f = gm_parts_find(q, splits[i], sides[k]);
			if (f >= 0)
				used[f] = true;
		}
}

bool gm_parts_lack(const gm_parts *q, const char *path, const char *split, gm_error *err)
{
	char have[240] = "", first[8] = "";
	size_t n = 0;
	for (int i = 0; i < q->folders && n < sizeof have; i++) {
		const gm_parts_folder *f = q->folder + i;
		if (f->rank < 0 || !f->pictures)
			continue;
		n += (size_t)snprintf(have + n, sizeof have - n, "%s%.60s (%llu picture%s)",
		                      n ? ", " : "", f->name, (unsigned long long)f->pictures,
		                      f->pictures == 1 ? "" : "s");
		if (!*first && f->split)
			snprintf(first, sizeof first, "%s", f->split);
	}
	return gm_fail(err, GM_ERR_IO,
	               "%s: no %s pictures here, only %s; use --split %s, or give the path of a "
	               "folder in it",
	               path, split, have, *first ? first : "train");
}
