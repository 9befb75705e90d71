/* SPDX-License-Identifier: MIT
 *
 * attributes.c -- see attributes.h. */
#include "data/attributes.h"

#include "base/text.h"
#include "data/labels.h"
#include "data/parts.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CLASSES_MAX 65536
#define WORDS_MAX 1024 /* maximum number of different words of an automatic class column */
#define FEW 16
#define SAMPLE_ROWS 512 /* rows used to find the column with image names */

/* A column being collected, possibly from several tables. */
typedef struct column {
	const char *name;
	const char **word; /* [entries] or NULL */
	const char **all;  /* the words of all rows */
	size_t rows, room;
	/* number of rows that contradict an earlier row for the same image; the first one */
	uint64_t disputed;
	int64_t dispute;
	const char *was, *is;
} column;

typedef struct gatherer {
	gm_pictures *p;
	const gm_album *a;
	const char *path;
	const gm_data_options *o;
	gm_attributes *out;
	column *column;
	int columns;
	uint64_t *by_base, *by_stem; /* entries sorted by base name, with and without extension */
	const char *part; /* split of the current table: "train/" for train.csv, or NULL */
	gm_sheet *sheet;  /* owners of the words */
	int sheets;
	gm_error *err;
} gatherer;

static bool no_memory(gatherer *g)
{
	return gm_fail(g->err, GM_ERR_MEMORY, "%s: out of memory", g->path);
}

/* ---- which picture a word names -------------------------------------------------------------- */

static const char *name_at(const gatherer *g, uint64_t i)
{
	return g->a->text + g->a->entry[i].name;
}

static const char *last_part(const char *name)
{
	const char *slash = strrchr(name, '/');
	return slash ? slash + 1 : name;
}

static size_t stem_size(const char *last)
{
	const char *dot = strrchr(last, '.');
	return dot ? (size_t)(dot - last) : strlen(last);
}

static _Thread_local const gatherer *sorting;

static int by_base(const void *x, const void *y)
{
	const uint64_t *a = x, *b = y;
	return strcmp(last_part(name_at(sorting, *a)), last_part(name_at(sorting, *b)));
}

static int compare_stems(const char *a, size_t m, const char *b, size_t n)
{
	const int order = memcmp(a, b, m < n ? m : n);
	return order ? order : m < n ? -1 : m > n;
}

static int by_stem(const void *x, const void *y)
{
	const char *a = last_part(name_at(sorting, *(const uint64_t *)x)),
		   *b = last_part(name_at(sorting, *(const uint64_t *)y));
	return compare_stems(a, stem_size(a), b, stem_size(b));
}

static bool index_names(gatherer *g)
{
	const size_t n = (size_t)g->a->entries;
	g->by_base = malloc((n + 1) * sizeof *g->by_base);
	g->by_stem = malloc((n + 1) * sizeof *g->by_stem);
	if (!g->by_base || !g->by_stem)
		return no_memory(g);
	for (size_t i = 0; i < n; i++)
		g->by_base[i] = g->by_stem[i] = i;
	sorting = g;
	if (n)
		qsort(g->by_base, n, sizeof *g->by_base, by_base);
	if (n)
		qsort(g->by_stem, n, sizeof *g->by_stem, by_stem);
	return true;
}

static int64_t find_full(const gatherer *g, const char *name)
{
	size_t lo = 0, hi = (size_t)g->a->entries;
	while (lo < hi) {
		const size_t mid = (lo + hi) / 2;
		const int order = strcmp(name_at(g, mid), name);
		if (order == 0)
			return (int64_t)mid;
		*(order < 0 ? &lo : &hi) = order < 0 ? mid + 1 : mid;
	}
	return -1;
}

/* Results for a word that matches no image, and one that matches several, the first being entry
 * i. */
enum { NONE = -1 };
#define SEVERAL(i) (-2 - (i))

/* The only entry of that last part in the folder g->part, with or without its ending; NONE, or
 * SEVERAL of the first one. */
static int64_t find_last(const gatherer *g, const char *word, bool stem)
{
	const size_t n = strlen(word);
	const uint64_t *list = stem ? g->by_stem : g->by_base;
	size_t lo = 0, hi = (size_t)g->a->entries;
	while (lo < hi) {
		const size_t mid = (lo + hi) / 2;
		const char *last = last_part(name_at(g, list[mid]));
		const int order =
			compare_stems(last, stem ? stem_size(last) : strlen(last), word, n);
		*(order < 0 ? &lo : &hi) = order < 0 ? mid + 1 : mid;
	}
	int64_t found = NONE;
	for (; lo < g->a->entries; lo++) {
		const char *last = last_part(name_at(g, list[lo]));
		if (compare_stems(last, stem ? stem_size(last) : strlen(last), word, n) != 0)
			break;
		if (g->part && strncmp(name_at(g, list[lo]), g->part, strlen(g->part)) != 0)
			continue;
		if (found >= 0)
			return SEVERAL(found);
		found = (int64_t)list[lo];
	}
	return found;
}

/* The entry that word names in a table that lies in folder (n letters, with its slash); NONE or
 * SEVERAL. */
static int64_t find_entry(const gatherer *g, const char *folder, size_t n, const char *word)
{
	char name[PATH_MAX], clean[PATH_MAX];
	size_t k = 0;
	while (word[0] == '.' && (word[1] == '/' || word[1] == '\\'))
		word += 2;
	for (; word[k] && k < sizeof clean - 1; k++)
		clean[k] = word[k] == '\\' ? '/' : word[k];
	clean[k] = 0;
	if (!k)
		return NONE;
	int64_t i = NONE;
	if (snprintf(name, sizeof name, "%.*s%s", (int)n, folder, clean) < (int)sizeof name)
		i = find_full(g, name);
	if (i < 0 && n)
		i = find_full(g, clean);
	if (i < 0 && g->part &&
	    snprintf(name, sizeof name, "%s%s", g->part, clean) < (int)sizeof name)
		i = find_full(g, name);
	if (i < 0)
		i = find_last(g, last_part(clean), false);
	return i != NONE ? i : find_last(g, last_part(clean), true);
}

/* ---- tables ---------------------------------------------------------------------------------- */

static column *column_called(gatherer *g, const char *name)
{
	for (int i = 0; i < g->columns; i++)
		if (strcmp(g->column[i].name, name) == 0)
			return &g->column[i];
	column *more = realloc(g->column, (size_t)(g->columns + 1) * sizeof *more);
	if (!more)
		return NULL;
	g->column = more;
	column *c = &more[g->columns++];
	*c = (column){.name = gm_arena_strdup(g->p->arena, name),
	              .word = calloc((size_t)g->a->entries + 1, sizeof *c->word)};
	return c->word ? c : NULL;
}

static bool is_missing(const char *w)
{
	return !w || !*w || strcasecmp(w, "nan") == 0 || strcasecmp(w, "null") == 0;
}

static bool is_one_of(const char *name, const char *const *list)
{
	for (; *list; list++)
		if (strcasecmp(name, *list) == 0)
			return true;
	return false;
}

static bool has_captions(const gatherer *g, const column *c)
{
	static const char *const captions[] = {"caption",  "captions", "text", "description",
	                                       "sentence", "keywords", NULL};
	return g->o->caption_column ? strcasecmp(c->name, g->o->caption_column) == 0
	                            : is_one_of(c->name, captions);
}

/* Several rows of captions for one picture are several captions; of other columns the last row is
 * used. */
static bool put_word(gatherer *g, column *c, const char *word, int64_t entry)
{
	if (c->rows == c->room) {
		const size_t room = c->room ? c->room * 2 : 256;
		const char **more = realloc(c->all, room * sizeof *more);
		if (!more)
			return false;
		c->all = more, c->room = room;
	}
	c->all[c->rows++] = word;
	if (entry < 0)
		return true;
	const char *was = c->word[entry];
	if (!is_missing(was) && is_missing(word))
		return true;
	const bool other = !is_missing(was) && strcmp(was, word) != 0;
	if (other && has_captions(g, c))
		word = gm_arena_printf(g->p->arena, "%s\n%s", was, word);
	else if (other && c->disputed++ == 0)
		c->dispute = entry, c->was = was, c->is = word;
	c->word[entry] = word;
	return true;
}

/* A score of a column: two for each different image that its words match in the first rows (or
 * all), one for each different word that matches several. */
static uint64_t names_pictures(const gatherer *g, const gm_sheet *s, int k, const char *folder,
                               size_t n, uint64_t rows, uint8_t *seen)
{
	uint64_t different = 0;
	memset(seen, 0, (size_t)g->a->entries + 1);
	for (uint64_t r = 0; r < s->rows && r < rows; r++) {
		const int64_t i = find_entry(g, folder, n, gm_sheet_cell(s, r, k));
		const int64_t at = i >= 0 ? i : SEVERAL(i);
		if (i == NONE || seen[at])
			continue;
		different += i >= 0 ? 2 : 1;
		seen[at] = 1;
	}
	return different;
}

/* The column with image names: of the first eight the one that matches most images; -1 if none. */
static int key_column(gatherer *g, const gm_sheet *s, const char *folder, size_t n)
{
	uint8_t *seen = malloc((size_t)g->a->entries + 1);
	uint64_t most = 0;
	int key = -1;
	/* A table may have rows for images that are not here, so its first rows may match none. */
	static const uint64_t rows[] = {SAMPLE_ROWS, UINT64_MAX};
	for (int pass = 0; seen && pass < 2 && key < 0; pass++)
		for (int k = 0; k < s->columns && k < 8; k++) {
			const uint64_t names = names_pictures(g, s, k, folder, n, rows[pass], seen);
			if (names > most)
				most = names, key = k;
		}
	free(seen);
	return key;
}

/* The entry that each row is about, or -1. */
static int64_t *rows_of(const gatherer *g, const gm_sheet *s, int key, const char *folder, size_t n)
{
	int64_t *entry = malloc((s->rows + 1) * sizeof *entry);
	for (uint64_t r = 0; entry && r < s->rows; r++)
		entry[r] = find_entry(g, folder, n, gm_sheet_cell(s, r, key));
	return entry;
}

/* Counts rows that match several images, and writes the first case to text. */
static uint64_t say_several(const gatherer *g, const gm_sheet *s, int key, const int64_t *entry,
                            char *text, size_t room)
{
	uint64_t n = 0;
	for (uint64_t r = 0; r < s->rows; r++) {
		if (entry[r] >= NONE || n++)
			continue;
		const char *first = name_at(g, (uint64_t)SEVERAL(entry[r])), *other = first;
		const char *last = last_part(first);
		for (uint64_t i = 0; other == first && i < g->a->entries; i++) {
			const char *name = name_at(g, i), *end = last_part(name);
			if (name != first &&
			    (!g->part || strncmp(name, g->part, strlen(g->part)) == 0) &&
			    compare_stems(end, stem_size(end), last, stem_size(last)) == 0)
				other = name;
		}
		snprintf(text, room, "%.80s matches %.120s and %.120s", gm_sheet_cell(s, r, key),
		         first, other);
	}
	return n;
}

static bool add_sheet(gatherer *g, const gm_sheet *s, const char *table, const char *folder,
                      size_t n, bool must, bool *used)
{
	const int key = key_column(g, s, folder, n);
	*used = key >= 0;
	if (key < 0)
		return true;
	const bool header = s->header || find_entry(g, folder, n, gm_sheet_cell(s, 0, key)) == NONE;
	if (s->columns == 1) {
		gm_pictures_note(g->p, "%s contains image names, but no other columns", table);
		return true;
	}
	int64_t *entry = rows_of(g, s, key, folder, n);
	if (!entry)
		return no_memory(g);
	char text[400];
	uint64_t clear = 0;
	for (uint64_t r = 0; r < s->rows; r++)
		clear += entry[r] >= 0;
	const uint64_t several = say_several(g, s, key, entry, text, sizeof text);
	if (several && must && !clear) {
		free(entry);
		return gm_fail(g->err, GM_ERR_VALUE,
		               "%s: its names are ambiguous: %s; write folder/name", table, text);
	}
	if (several)
		gm_pictures_note(
			g->p,
			"%s: %llu of its names are ambiguous and ignored: %s; write folder/name",
			table, (unsigned long long)several, text);
	if (!clear) {
		free(entry);
		return true;
	}
	for (int k = 0, unnamed = 0; k < s->columns; k++) {
		char name[64];
		if (k == key)
			continue;
		unnamed++;
		if (header && *gm_sheet_cell(s, 0, k))
			snprintf(name, sizeof name, "%s", gm_sheet_cell(s, 0, k));
		else if (s->columns == 2)
			snprintf(name, sizeof name, "label");
		else
			snprintf(name, sizeof name, "column%d", unnamed);
		column *c = column_called(g, name);
		for (uint64_t r = header; c && r < s->rows; r++)
			if (!put_word(g, c, gm_sheet_cell(s, r, k), entry[r]))
				c = NULL;
		if (!c) {
			free(entry);
			return no_memory(g);
		}
	}
	free(entry);
	return true;
}

/* Parses a table; if `must`, any problem is an error. */
static bool read_sheet(gatherer *g, const char *table, const char *folder, size_t n,
                       const void *bytes, size_t size, bool must)
{
	gm_error why = {0};
	bool used = false;
	gm_sheet *more = realloc(g->sheet, (size_t)(g->sheets + 1) * sizeof *more);
	if (!more)
		return no_memory(g);
	g->sheet = more;
	gm_sheet *s = &more[g->sheets];
	if (!gm_sheet_parse(s, table, bytes, size, &why)) {
		if (must || why.code == GM_ERR_MEMORY)
			return gm_fail(g->err, why.code, "%s", why.message);
		/* Its folders are shards, not classes. */
		if ((!g->o->label_from || strcmp(g->o->label_from, "auto") == 0) &&
		    strcasecmp(last_part(table), "dataset.json") == 0 &&
		    !strstr(why.message, "no list \"labels\""))
			return gm_fail(g->err, why.code,
			               "%s (--label-from folders or none does not need it)",
			               why.message);
		gm_pictures_note(g->p, "ignored: %s", why.message);
		return true;
	}
	g->sheets++;
	if (s->none) {
		g->out->stylegan = true;
		gm_pictures_note(g->p,
		                 "%s has no labels, so folders are not classes (--label-from "
		                 "folders makes them classes)",
		                 table);
		return true;
	}
	if (!add_sheet(g, s, table, folder, n, must, &used))
		return false;
	const char *last = last_part(table);
	g->out->stylegan |= used && strcasecmp(last, "dataset.json") == 0;
	if (!used && must)
		return gm_fail(g->err, GM_ERR_VALUE,
		               "%s: none of its first columns contains names of pictures in %s",
		               table, g->path);
	if (!used)
		gm_pictures_note(g->p, "%s contains no name of a picture here and is ignored",
		                 table);
	return true;
}

static size_t folder_size(const char *name)
{
	return (size_t)(last_part(name) - name);
}

static bool read_file(gatherer *g, const char *path, bool must)
{
	gm_bytes file;
	if (!gm_file_open(path, &file, g->err))
		return false;
	const bool ok = read_sheet(g, path, "", 0, file.data, file.size, must);
	gm_file_close(&file);
	return ok;
}

/* "x/train/" of the table x/train.csv, where that part has pictures; in the arena, or NULL. */
static const char *part_of(const gatherer *g, const char *table)
{
	const char *last = last_part(table);
	char stem[64];
	if (snprintf(stem, sizeof stem, "%.*s", (int)stem_size(last), last) >= (int)sizeof stem ||
	    !gm_parts_split(stem))
		return NULL;
	const char *part =
		gm_arena_printf(g->p->arena, "%.*s%s/", (int)folder_size(table), table, stem);
	for (uint64_t i = 0; i < g->a->entries; i++)
		if (strncmp(name_at(g, i), part, strlen(part)) == 0)
			return part;
	return NULL;
}

static bool read_table(gatherer *g, const gm_album_table *t, bool must)
{
	const char *name = g->a->text + t->name;
	g->part = part_of(g, name);
	const bool ok = read_sheet(g, name, name, folder_size(name), g->a->text + t->text,
	                           (size_t)t->size, must);
	g->part = NULL;
	return ok;
}

/* Next to an archive: a file of its name with another extension, or CelebA's list. */
static bool read_beside(gatherer *g)
{
	static const char *const ends[] = {".csv", ".tsv", ".json"};
	char path[PATH_MAX];
	const char *last = last_part(g->path);
	const size_t folder = (size_t)(last - g->path), stem = strcspn(last, ".");
	bool ok = true;
	for (int i = 0; ok && i < 4; i++) {
		if (i < 3)
			snprintf(path, sizeof path, "%.*s%s", (int)(folder + stem), g->path,
			         ends[i]);
		else
			snprintf(path, sizeof path, "%.*slist_attr_celeba.txt", (int)folder,
			         g->path);
		if (gm_file_exists(path) && !gm_file_is_folder(path)) {
			ok = read_file(g, path, false);
			gm_pictures_note(g->p, "labels are read from %s, next to the archive",
			                 path);
		}
	}
	return ok;
}

/* The file of option label-from: in the set, or any path. */
static bool read_named(gatherer *g, const char *file)
{
	const size_t n = strlen(file);
	for (uint64_t i = 0; i < g->a->tables; i++) {
		const char *name = g->a->text + g->a->table[i].name;
		const size_t k = strlen(name);
		if (k >= n && strcmp(name + k - n, file) == 0 && (k == n || name[k - n - 1] == '/'))
			return read_table(g, g->a->table + i, true);
	}
	for (uint64_t i = 0; i < g->a->others; i++) {
		const char *name = g->a->text + g->a->other[i].name;
		const size_t k = strlen(name);
		if (k >= n && strcmp(name + k - n, file) == 0 && (k == n || name[k - n - 1] == '/'))
			return gm_fail(g->err, GM_ERR_FORMAT,
			               "option label-from: %.200s is %.200s and cannot be read as "
			               "a table; save it as .csv or .tsv in UTF-8",
			               name, g->a->text + g->a->other[i].reason);
	}
	if (gm_file_exists(file))
		return read_file(g, file, true);
	return gm_fail(g->err, GM_ERR_IO,
	               "option label-from: there is no file %.200s, neither in %s nor here (other "
	               "values: auto, folders, none)",
	               file, g->path);
}

static bool read_pattern(gatherer *g)
{
	gm_pattern *p = gm_pattern_new(g->o->label_pattern, g->err);
	if (!p)
		return false;
	const int columns = gm_pattern_columns(p);
	const char *word[32];
	uint64_t matched = 0;
	bool ok = true;
	for (int k = 0; ok && k < columns; k++)
		ok = column_called(g, gm_pattern_column(p, k)) || no_memory(g);
	for (uint64_t i = 0; ok && i < g->a->entries; i++) {
		if (!gm_pattern_match(p, name_at(g, i), g->p->arena, word))
			continue;
		matched++;
		for (int k = 0; ok && k < columns; k++)
			ok = put_word(g, column_called(g, gm_pattern_column(p, k)), word[k],
			              (int64_t)i) ||
			     no_memory(g);
	}
	gm_pattern_free(p);
	if (ok && !matched)
		ok = gm_fail(g->err, GM_ERR_VALUE,
		             "option label-pattern: no name of %s matches \"%.80s\"; the first is "
		             "%.120s",
		             g->path, g->o->label_pattern, name_at(g, 0));
	return ok;
}

/* ---- words to numbers ------------------------------------------------------------------------ */

static bool whole(const char *w, int64_t *v)
{
	double x;
	if (gm_text_i64(w, v))
		return true;
	if (!gm_text_f64(w, &x) || x != (double)(int64_t)x)
		return false;
	*v = (int64_t)x; /* "3.0", as pandas writes a column with gaps */
	return true;
}

typedef struct numbers {
	bool all;  /* every word is a whole number */
	bool some; /* there is a word at all */
	bool any_number;
	int64_t low, high;
} numbers;

static numbers look_at_numbers(const column *c)
{
	numbers n = {.all = true, .low = INT64_MAX, .high = INT64_MIN};
	for (size_t i = 0; i < c->rows; i++) {
		int64_t v;
		double x;
		if (is_missing(c->all[i]))
			continue;
		n.some = true;
		n.any_number |= gm_text_f64(c->all[i], &x);
		if (!whole(c->all[i], &v)) {
			n.all = false;
			continue;
		}
		n.low = v < n.low ? v : n.low;
		n.high = v > n.high ? v : n.high;
	}
	return n;
}

static int by_word(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

/* The different words in order, into an array in the arena. */
static const char **sorted_words(gatherer *g, const column *c, int *count)
{
	const char **all = malloc((c->rows + 1) * sizeof *all);
	size_t n = 0, k = 0;
	for (size_t i = 0; all && i < c->rows; i++)
		if (!is_missing(c->all[i]))
			all[n++] = c->all[i];
	if (n)
		qsort(all, n, sizeof *all, by_word);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || strcmp(all[k - 1], all[i]) != 0)
			all[k++] = all[i];
	*count = k <= CLASSES_MAX ? (int)k : CLASSES_MAX + 1;
	const char **words = gm_arena_alloc(g->p->arena, (k + 1) * sizeof *words);
	for (size_t i = 0; i < k && k <= CLASSES_MAX; i++)
		words[i] = gm_arena_strdup(g->p->arena, all[i]);
	free(all);
	return words;
}

static bool asked_for(const gatherer *g, const column *c)
{
	return g->o->label_column && strcasecmp(g->o->label_column, c->name) == 0;
}

static bool give_numbers(gatherer *g, const column *c, gm_attribute *t, int64_t low)
{
	t->value = malloc(((size_t)g->a->entries + 1) * sizeof *t->value);
	if (!t->value)
		return no_memory(g);
	for (uint64_t i = 0; i < g->a->entries; i++) {
		const char *w = c->word[i];
		int64_t v = -1;
		if (is_missing(w))
			v = -1;
		else if (!t->class_names)
			whole(w, &v), v = low < 0 ? v > 0 : v;
		else
			v = (const char **)bsearch(&w, t->class_names, (size_t)t->classes, sizeof w,
			                           by_word) -
			    t->class_names;
		t->value[i] = (int32_t)v;
		t->missing += v < 0;
	}
	return true;
}

/* Converts the column to numbers; if not possible, a note gives the reason. */
static bool one_attribute(gatherer *g, const column *c, bool caption)
{
	static const char *const labels[] = {"label",  "labels", "class",   "category",
	                                     "target", "y",      "species", NULL};
	gm_attribute t = {.name = c->name};
	const numbers n = look_at_numbers(c);
	const char *why = NULL;
	char room[160];
	if (!n.some) {
		why = "it is empty";
	} else if (n.all && n.low >= -1 && n.high <= 1 && n.low < 0) {
		t.classes = 2; /* -1 and 1, as CelebA has it */
	} else if (n.all && n.low >= 0 && n.high < CLASSES_MAX) {
		t.classes = (int)n.high + 1;
	} else if (n.all) {
		snprintf(room, sizeof room,
		         "its values, %lld to %lld, are not class numbers from 0", (long long)n.low,
		         (long long)n.high);
		why = room;
	} else {
		t.class_names = sorted_words(g, c, &t.classes);
		const bool few = (size_t)t.classes * 2 <= c->rows ||
		                 (t.classes <= FEW && (size_t)t.classes < c->rows);
		if (t.classes > CLASSES_MAX ||
		    (!asked_for(g, c) &&
		     (t.classes > WORDS_MAX || (!few && !is_one_of(c->name, labels))))) {
			snprintf(room, sizeof room,
			         n.any_number ? "its values are not integers"
			                      : "almost every row has a different text");
			why = room;
		}
	}
	if (why && asked_for(g, c))
		return gm_fail(g->err, GM_ERR_VALUE, "%s: option label-column: column %s: %s",
		               g->path, c->name, why);
	if (why) {
		if (!caption)
			gm_pictures_note(g->p, "column %s is not a class: %s", c->name, why);
		return true;
	}
	if (!give_numbers(g, c, &t, n.all ? n.low : 0)) {
		free(t.value);
		return false;
	}
	g->out->attribute[g->out->count++] = t;
	return true;
}

/* The words of the column themselves. */
static bool take_captions(gatherer *g, const column *c)
{
	free(g->out->caption);
	g->out->caption = calloc((size_t)g->a->entries + 1, sizeof *g->out->caption);
	if (!g->out->caption)
		return no_memory(g);
	for (uint64_t i = 0; i < g->a->entries; i++)
		if (!is_missing(c->word[i]))
			g->out->caption[i] = gm_arena_strdup(g->p->arena, c->word[i]);
	return true;
}

static bool finish(gatherer *g)
{
	gm_attributes *out = g->out;
	bool ok = true, said = false;
	out->attribute = calloc((size_t)g->columns + 1, sizeof *out->attribute);
	if (!out->attribute)
		return no_memory(g);
	for (int i = 0; ok && i < g->columns; i++) {
		const column *c = &g->column[i];
		const bool words = !said && has_captions(g, c);
		if (c->disputed)
			gm_pictures_note(g->p,
			                 "column %s: %llu row%s an earlier row for the same "
			                 "picture; the last one is used; the first is %.200s: "
			                 "%.60s, then %.60s",
			                 c->name, (unsigned long long)c->disputed,
			                 c->disputed == 1 ? " contradicts" : "s contradict",
			                 name_at(g, (uint64_t)c->dispute), c->was, c->is);
		ok = (!words || take_captions(g, c)) && one_attribute(g, c, words);
		said |= words;
	}
	if (ok && g->o->caption_column && !said)
		return gm_fail(g->err, GM_ERR_VALUE,
		               "%s: option caption-column: no table has a column %.60s", g->path,
		               g->o->caption_column);
	return ok;
}

static bool read_all(gatherer *g, const char *path)
{
	const char *labels = g->o->label_from ? g->o->label_from : "auto";
	const bool none = strcmp(labels, "none") == 0;
	if (none && !g->o->caption_column)
		return true;
	const bool by_name = !none && strcmp(labels, "auto") != 0 && strcmp(labels, "folders") != 0;
	if (!index_names(g))
		return false;
	if (g->o->label_pattern && *g->o->label_pattern && !read_pattern(g))
		return false;
	if (by_name && !read_named(g, labels))
		return false;
	if (by_name || (g->o->label_pattern && *g->o->label_pattern))
		return finish(g);
	bool ok = true;
	for (uint64_t i = 0; ok && i < g->a->tables; i++)
		ok = read_table(g, g->a->table + i, false);
	if (ok && !gm_file_is_folder(path))
		ok = read_beside(g);
	return ok && finish(g);
}

bool gm_attributes_read(gm_attributes *out, gm_pictures *p, const char *path,
                        const gm_data_options *o, gm_error *err)
{
	gatherer g = {.p = p, .a = &p->album, .path = path, .o = o, .out = out, .err = err};
	*out = (gm_attributes){0};
	const bool ok = read_all(&g, path);
	for (int i = 0; i < g.columns; i++)
		free(g.column[i].word), free(g.column[i].all);
	for (int i = 0; i < g.sheets; i++)
		gm_sheet_free(&g.sheet[i]);
	free(g.column), free(g.sheet), free(g.by_base), free(g.by_stem);
	if (!ok)
		gm_attributes_free(out);
	return ok;
}

void gm_attributes_free(gm_attributes *a)
{
	for (int i = 0; i < a->count; i++)
		free(a->attribute[i].value);
	free(a->attribute), free(a->caption);
	*a = (gm_attributes){0};
}
