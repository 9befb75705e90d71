/* SPDX-License-Identifier: MIT
 *
 * table.c -- see table.h. */
#include "data/table.h"

#include "base/file.h"
#include "base/text.h"
#include "data/labels.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

#define CATEGORIES_MAX 1024
#define FILE_MAX ((size_t)1 << 30)
#define SNIFFED ((size_t)1 << 20)
static const char unknown[] = "(unknown)";

typedef struct column {
	const char *name;
	bool words;               /* a category; else a number */
	int classes;              /* without "(unknown)" */
	const char **class_names; /* [classes + 1]; NULL for numbers */
	double mean, deviation;
	uint64_t missing; /* in the rows of the training split */
} column;

typedef struct part {
	gm_sheet sheet;
	uint64_t first; /* row after the names of the columns */
	const char *path;
} part;

typedef struct table {
	gm_pictures *p;
	part train, *use; /* use: the split that is opened */
	int columns, label;
	column *column; /* [columns], in p->arena */
	gm_error *err;
} table;

static bool no_memory(const table *t)
{
	return gm_fail(t->err, GM_ERR_MEMORY, "%s: out of memory", t->train.path);
}

static bool is_missing(const char *cell)
{
	static const char *const words[] = {"", "?", "NA", "N/A", "NaN", "nan", "null"};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(cell, words[i]) == 0)
			return true;
	return false;
}

static bool number(const char *cell, double *v)
{
	char *end;
	*v = strtod(cell, &end);
	return end > cell && !*end && isfinite(*v) && fabs(*v) < 1e30;
}

/* The number of a word; -1 where it is missing, -2 where there is no such category. UCI's test
 * files end classes with a full stop. */
static int category(const column *c, const char *cell)
{
	const size_t n = strlen(cell);
	if (is_missing(cell))
		return -1;
	for (int i = 0; i < c->classes; i++) {
		const size_t m = strlen(c->class_names[i]);
		if (strncmp(c->class_names[i], cell, m) == 0 &&
		    (n == m || (n == m + 1 && cell[m] == '.')))
			return i;
	}
	return -2;
}

/* ---- which kind a column is ------------------------------------------------------------------ */

/* The different words of a column of the training split, sorted by bytes. */
static bool find_categories(table *t, int k)
{
	column *c = t->column + k;
	const part *a = &t->train;
	const char *names[CATEGORIES_MAX + 1];
	int n = 0;
	for (uint64_t i = a->first; i < a->sheet.rows; i++) {
		const char *cell = gm_sheet_cell(&a->sheet, i, k);
		int low = 0, high = n;
		if (is_missing(cell))
			continue;
		while (low < high) { /* sorted insertion */
			const int middle = (low + high) / 2, order = strcmp(names[middle], cell);
			low = order < 0 ? middle + 1 : low;
			high = order < 0 ? high : middle;
		}
		if (low < n && strcmp(names[low], cell) == 0)
			continue;
		if (n == CATEGORIES_MAX)
			return gm_fail(t->err, GM_ERR_VALUE,
			               "%s: column %.60s has more than %d different words (%.60s, "
			               "...): remove it, or make it a number",
			               a->path, c->name, CATEGORIES_MAX, cell);
		memmove(names + low + 1, names + low, (size_t)(n - low) * sizeof *names);
		names[low] = cell;
		n++;
	}
	c->classes = n;
	c->class_names = gm_arena_alloc(t->p->arena, (size_t)(n + 1) * sizeof *c->class_names);
	for (int i = 0; i < n; i++)
		c->class_names[i] = gm_arena_strdup(t->p->arena, names[i]);
	c->class_names[n] = unknown;
	return true;
}

/* A column is a number if all its values are. If a few are not, that is an error in the file, not a
 * category. */
static bool find_kind(table *t, int k)
{
	column *c = t->column + k;
	const part *a = &t->train;
	uint64_t numbers = 0, words = 0, at = 0;
	double v;
	for (uint64_t i = a->first; i < a->sheet.rows; i++) {
		const char *cell = gm_sheet_cell(&a->sheet, i, k);
		if (is_missing(cell))
			continue;
		if (number(cell, &v)) {
			numbers++;
		} else {
			at = words++ ? at : i;
		}
	}
	c->words = words > 0;
	if (words && numbers > 9 * words)
		return gm_fail(t->err, GM_ERR_FORMAT,
		               "%s: row %llu, column %.60s: \"%.60s\" is not a number, but %llu "
		               "other values of the column are",
		               a->path, (unsigned long long)(at - a->first + 1), c->name,
		               gm_sheet_cell(&a->sheet, at, k), (unsigned long long)numbers);
	return !c->words || find_categories(t, k);
}

static bool moments(table *t, int k)
{
	column *c = t->column + k;
	const part *a = &t->train;
	double sum = 0, square = 0, v;
	uint64_t n = 0;
	for (int pass = 0; pass < 2; pass++)
		for (uint64_t i = a->first; i < a->sheet.rows; i++) {
			const char *cell = gm_sheet_cell(&a->sheet, i, k);
			if (is_missing(cell)) {
				c->missing += pass;
			} else if (c->words) {
				continue;
			} else if (!number(cell, &v)) {
				return gm_fail(t->err, GM_ERR_FORMAT,
				               "%s: row %llu, column %.60s: \"%.60s\" is not a "
				               "number",
				               a->path, (unsigned long long)(i - a->first + 1),
				               c->name, cell);
			} else if (pass == 0) {
				sum += v, n++;
			} else {
				square += (v - c->mean) * (v - c->mean);
			}
			if (pass == 0 && n)
				c->mean = sum / (double)n;
		}
	c->deviation = n && square > 0 ? sqrt(square / (double)n) : 1;
	return true;
}

/* ---- the label ------------------------------------------------------------------------------- */

static bool choose_label(table *t, const gm_data_options *o, int usual)
{
	static const char *const names[] = {"label", "class", "target", "y"};
	char all[300] = "";
	size_t n = 0;
	const bool none = o->label_from && strcmp(o->label_from, "none") == 0;
	t->label = -1;
	for (int k = 0; k < t->columns && n < sizeof all; k++)
		n += (size_t)snprintf(all + n, sizeof all - n, "%s%s", k ? ", " : "",
		                      t->column[k].name);
	if (o->label_column && *o->label_column) {
		for (int k = 0; k < t->columns; k++)
			if (strcasecmp(t->column[k].name, o->label_column) == 0)
				t->label = k;
		return t->label >= 0 ||
		       gm_fail(t->err, GM_ERR_VALUE,
		               "%s: option label-column: there is no column %.60s; there are %s",
		               t->train.path, o->label_column, all);
	}
	t->label = none ? -1 : usual;
	for (size_t i = 0; !none && t->label < 0 && i < sizeof names / sizeof *names; i++)
		for (int k = 0; k < t->columns; k++)
			if (strcasecmp(t->column[k].name, names[i]) == 0)
				t->label = k;
	if (t->label >= 0)
		gm_pictures_note(t->p,
		                 "columns: %s; the class is %s (--label-column NAME selects "
		                 "another)",
		                 all, t->column[t->label].name);
	else
		gm_pictures_note(t->p, "columns: %s; --label-column NAME selects one as the class",
		                 all);
	return true;
}

/* Classes of the label. A number must be an integer from 0. */
static bool read_labels(table *t)
{
	gm_pictures *p = t->p;
	const column *c = t->column + t->label;
	p->label = malloc(p->count * sizeof *p->label);
	if (!p->label)
		return no_memory(t);
	for (uint64_t i = 0; i < p->count; i++) {
		const char *cell = gm_sheet_cell(&t->use->sheet, t->use->first + i, t->label);
		double v = -1;
		const int k = c->words ? category(c, cell) : -1;
		if (c->words ? k < 0 : !number(cell, &v) || v < 0 || v != floor(v) || v > 65535)
			return gm_fail(t->err, GM_ERR_VALUE,
			               "%s: row %llu: \"%.60s\" is no class in column %.60s%s",
			               t->use->path, (unsigned long long)(i + 1), cell, c->name,
			               c->words ? "" : ": classes are integers from 0");
		p->label[i] = c->words ? k : (int32_t)v;
		p->labels = p->label[i] >= p->labels ? p->label[i] + 1 : p->labels;
	}
	if (!c->words)
		return true;
	p->labels = c->classes;
	p->class_names = malloc((size_t)c->classes * sizeof *p->class_names);
	if (!p->class_names)
		return no_memory(t);
	memcpy(p->class_names, c->class_names, (size_t)c->classes * sizeof *p->class_names);
	return true;
}

/* ---- examples -------------------------------------------------------------------------------- */

static int width_of(const column *c)
{
	return c->words ? c->classes + (c->missing > 0) : 1;
}

/* A column as a field, and in the examples from offset on (offset < 0: the label, not in them). */
static bool read_column(table *t, int k, int offset)
{
	gm_pictures *p = t->p;
	const column *c = t->column + k;
	gm_number n = {.name = c->name, .offset = offset < 0 ? 0 : offset};
	n.width = offset < 0 ? 0 : width_of(c);
	if (c->words) {
		n.classes = width_of(c), n.class_names = c->class_names;
		n.value = malloc(p->count * sizeof *n.value);
	} else {
		n.real = malloc(p->count * sizeof *n.real);
	}
	p->number[p->numbers++] = n; /* freed with p */
	if (!n.value && !n.real)
		return no_memory(t);
	for (uint64_t i = 0; i < p->count; i++) {
		const char *cell = gm_sheet_cell(&t->use->sheet, t->use->first + i, k);
		float *x = offset < 0 ? NULL : p->point + i * (uint64_t)p->width + offset;
		double v = c->mean;
		if (!c->words) {
			if (!is_missing(cell) && !number(cell, &v))
				return gm_fail(t->err, GM_ERR_FORMAT,
				               "%s: row %llu, column %.60s: \"%.60s\" is not a "
				               "number",
				               t->use->path, (unsigned long long)(i + 1), c->name,
				               cell);
			n.real[i] = (float)v;
			if (x)
				*x = (float)((v - c->mean) / c->deviation);
			continue;
		}
		int word = category(c, cell);
		word = word == -1 && c->missing ? c->classes : word;
		if (word < 0)
			return gm_fail(t->err, GM_ERR_VALUE,
			               "%s: row %llu, column %.60s: \"%.60s\" does not occur in "
			               "the training split",
			               t->use->path, (unsigned long long)(i + 1), c->name, cell);
		n.value[i] = word;
		if (x)
			x[word] = 1;
	}
	return true;
}

static bool read_examples(table *t)
{
	gm_pictures *p = t->p;
	int64_t width = 0;
	for (int k = 0; k < t->columns; k++)
		width += k == t->label ? 0 : width_of(t->column + k);
	if (width < 1 || width > 1 << 20)
		return gm_fail(t->err, GM_ERR_FORMAT, "%s: %s", t->train.path,
		               width ? "too many categories" : "it has no columns but the class");
	p->width = (int)width;
	p->count = t->use->sheet.rows - t->use->first;
	if (p->count < 1)
		return gm_fail(t->err, GM_ERR_FORMAT, "%s: no rows", t->use->path);
	p->point = calloc(p->count * (uint64_t)width, sizeof *p->point);
	p->number = calloc((size_t)t->columns, sizeof *p->number);
	if (!p->point || !p->number)
		return no_memory(t);
	int offset = 0;
	for (int k = 0; k < t->columns; k++) {
		column *c = t->column + k;
		if (!read_column(t, k, k == t->label ? -1 : offset))
			return false;
		offset += k == t->label ? 0 : width_of(c);
		if (c->missing)
			gm_pictures_note(p,
			                 c->words
			                         ? "%s is missing in %llu rows: a category of its "
			                           "own"
			                         : "%s is missing in %llu rows: they have its mean",
			                 c->name, (unsigned long long)c->missing);
	}
	p->is_table = true;
	p->about = p->labels ? "a table with classes" : "a table";
	return true;
}

/* Everything after the columns' names are known. known[k]: kind and categories are given. */
static bool build(table *t, const gm_data_options *o, int usual, const bool *known)
{
	if (t->train.sheet.rows <= t->train.first)
		return gm_fail(t->err, GM_ERR_FORMAT, "%s: no rows", t->train.path);
	for (int k = 0; k < t->columns; k++)
		if ((!(known && known[k]) && !find_kind(t, k)) || !moments(t, k))
			return false;
	if (!choose_label(t, o, usual))
		return false;
	if (t->label >= 0) {
		t->p->count = t->use->sheet.rows - t->use->first;
		if (t->column[t->label].missing)
			return gm_fail(t->err, GM_ERR_VALUE,
			               "%s: the class %.60s is missing in %llu rows", t->train.path,
			               t->column[t->label].name,
			               (unsigned long long)t->column[t->label].missing);
		if (t->p->count && !read_labels(t))
			return false;
	}
	return read_examples(t);
}

/* ---- CSV ------------------------------------------------------------------------------------- */

bool gm_table_parse_csv(gm_pictures *p, const char *path, const void *bytes, size_t n,
                        const gm_data_options *o, gm_error *err)
{
	table t = {.p = p, .train = {.first = 1, .path = path}, .err = err};
	t.use = &t.train;
	p->arena = p->arena ? p->arena : gm_arena_new();
	bool ok = gm_sheet_parse(&t.train.sheet, path, bytes, n, err);
	t.columns = t.train.sheet.columns;
	ok = ok && (t.train.sheet.rows || gm_fail(err, GM_ERR_FORMAT, "%s: no rows", path));
	if (ok)
		t.column = gm_arena_calloc(p->arena, (size_t)t.columns, sizeof *t.column);
	for (int k = 0; ok && k < t.columns; k++) {
		const char *name = gm_sheet_cell(&t.train.sheet, 0, k);
		ok = *name || gm_fail(err, GM_ERR_FORMAT, "%s: column %d has no name", path, k + 1);
		t.column[k].name = gm_arena_strdup(p->arena, name);
		for (int i = 0; ok && i < k; i++)
			ok = strcasecmp(t.column[i].name, name) != 0 ||
			     gm_fail(err, GM_ERR_FORMAT, "%s: two columns are called %.60s", path,
			             name);
	}
	ok = ok && build(&t, o, -1, NULL);
	gm_sheet_free(&t.train.sheet);
	p->format = "CSV";
	return ok;
}

bool gm_table_has_words(const char *bytes, size_t n)
{
	bool cell_is_word = false, first_row = true, named = false;
	char cell[64];
	size_t length = 0;
	double v;
	for (size_t i = 0; i < n && i < SNIFFED; i++) {
		const char c = bytes[i];
		const bool gap = c == ' ' || c == '\t' || c == '"' || c == '\r';
		if (c != ',' && c != ';' && c != '\n' && c != '\t') {
			if (!gap && length < sizeof cell - 1)
				cell[length++] = c;
			continue;
		}
		cell[length] = 0;
		cell_is_word = length && *cell != '#' && !number(cell, &v);
		length = 0;
		if (first_row && !named && !cell_is_word)
			return false; /* the first row does not name columns */
		named = true;
		if (!first_row && cell_is_word)
			return true;
		first_row = first_row && c != '\n';
	}
	return false;
}

/* ---- UCI ------------------------------------------------------------------------------------- */

/* Removes comments from | to the end of the line, and lines without anything else. */
static char *without_comments(const char *text)
{
	char *copy = malloc(strlen(text) + 2), *to = copy;
	for (const char *p = text; copy && *p;) {
		const size_t line = strcspn(p, "\n"), keep = strcspn(p, "|\n");
		const char *start = to;
		memcpy(to, p, keep);
		to += keep;
		while (to > start && isspace((unsigned char)to[-1]))
			to--;
		if (to > start)
			*to++ = '\n';
		p += line + (p[line] == '\n');
	}
	if (copy)
		*to = 0;
	return copy;
}

/* "a, b, c." to names, in place. Their number. */
static int split_words(char *text, const char **name, int room)
{
	int n = 0;
	size_t end = strlen(text);
	while (end && (isspace((unsigned char)text[end - 1]) || text[end - 1] == '.'))
		text[--end] = 0;
	for (char *p = text, *next; p && n < room; p = next) {
		next = strchr(p, ',');
		if (next)
			*next++ = 0;
		while (isspace((unsigned char)*p))
			p++;
		for (char *q = p + strlen(p); q > p && isspace((unsigned char)q[-1]);)
			*--q = 0;
		if (*p)
			name[n++] = p;
	}
	return n;
}

static void keep_categories(table *t, column *c, const char **name, int n)
{
	c->words = true, c->classes = n;
	c->class_names = gm_arena_alloc(t->p->arena, (size_t)(n + 1) * sizeof *name);
	for (int i = 0; i < n; i++)
		c->class_names[i] = gm_arena_strdup(t->p->arena, name[i]);
	c->class_names[n] = unknown;
}

/* The classes, then "name: continuous." or "name: category, category." in each line. The class is
 * the last column. */
static bool read_names(table *t, char *text, const char *path)
{
	const char *classes[CATEGORIES_MAX], *word[CATEGORIES_MAX];
	int nclasses = 0;
	t->column = gm_arena_calloc(t->p->arena, GM_SHEET_COLUMNS, sizeof *t->column);
	for (char *line = text, *next; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		char *colon = strchr(line, ':');
		if (!nclasses && !colon) {
			nclasses = split_words(line, classes, CATEGORIES_MAX);
			continue;
		}
		if (!nclasses || !colon || t->columns == GM_SHEET_COLUMNS - 1)
			return gm_fail(t->err, GM_ERR_FORMAT,
			               "%s: \"%.60s\" is not NAME: continuous, or NAME: A, B, ...",
			               path, line);
		*colon = 0;
		column *c = t->column + t->columns++;
		c->name = gm_arena_strdup(t->p->arena, line);
		const int n = split_words(colon + 1, word, CATEGORIES_MAX);
		if (n != 1 || strcmp(word[0], "continuous") != 0)
			keep_categories(t, c, word, n);
	}
	if (nclasses < 2 || t->columns < 1)
		return gm_fail(t->err, GM_ERR_FORMAT, "%s: no classes and columns in it", path);
	t->column[t->columns].name = "class";
	keep_categories(t, t->column + t->columns++, classes, nclasses);
	return true;
}

static bool read_rows(table *t, part *a, const char *text)
{
	char *copy = without_comments(text), name[PATH_MAX];
	snprintf(name, sizeof name, "%.*s.csv", PATH_MAX - 8, a->path);
	const bool ok =
		copy ? gm_sheet_parse(&a->sheet, name, copy, strlen(copy), t->err) : no_memory(t);
	free(copy);
	return ok && (a->sheet.columns == t->columns ||
	              gm_fail(t->err, GM_ERR_FORMAT, "%s: %d columns, but its .names has %d",
	                      a->path, a->sheet.columns, t->columns));
}

bool gm_table_parse_uci(gm_pictures *p, const gm_table_files *f, const gm_data_options *o,
                        gm_error *err)
{
	table t = {.p = p, .train = {.path = f->train_path}, .err = err};
	part test = {.path = f->train_path};
	const bool is_test = o->split && strcmp(o->split, "test") == 0;
	bool known[GM_SHEET_COLUMNS];
	p->arena = p->arena ? p->arena : gm_arena_new();
	char *names = without_comments(f->names);
	bool ok = names ? read_names(&t, names, f->train_path) : no_memory(&t);
	free(names);
	t.use = is_test ? &test : &t.train;
	for (int k = 0; k < GM_SHEET_COLUMNS; k++)
		known[k] = true;
	ok = ok && read_rows(&t, &t.train, f->train) &&
	     (!is_test || f->test ||
	      gm_fail(err, GM_ERR_IO, "%s: no test split beside it", f->train_path)) &&
	     (!is_test || read_rows(&t, &test, f->test));
	ok = ok &&
	     (!o->split || is_test || strcmp(o->split, "train") == 0 ||
	      gm_fail(err, GM_ERR_VALUE, "%s: it has two splits: train and test", f->train_path));
	ok = ok && build(&t, o, t.columns - 1, known);
	gm_sheet_free(&t.train.sheet), gm_sheet_free(&test.sheet);
	p->format = "UCI table";
	return ok;
}

/* All of a file, gzipped or not, ended by a zero. */
static char *whole(const char *path, gm_error *err)
{
	gzFile f = gzopen(path, "rb");
	char *text = NULL;
	size_t n = 0, room = 0;
	int got = 1;
	while (f && got > 0 && n < FILE_MAX) {
		if (room - n < 2) {
			room = room ? room * 2 : 65536;
			char *more = realloc(text, room);
			if (!more)
				break;
			text = more;
		}
		got = gzread(f, text + n, (unsigned)(room - n - 1));
		n += got > 0 ? (size_t)got : 0;
	}
	if (f)
		gzclose(f);
	if (!f || got != 0) {
		free(text);
		gm_fail(err, f && got < 0 ? GM_ERR_FORMAT : GM_ERR_IO, "%s: it cannot be read",
		        path);
		return NULL;
	}
	text[n] = 0;
	return text;
}

/* FOLDER/NAME.ending or FOLDER/NAME.ending.gz, whichever there is. */
static bool beside(const char *stem, const char *ending, char path[PATH_MAX])
{
	for (int gz = 0; gz < 2; gz++)
		if (snprintf(path, PATH_MAX, "%s%s%s", stem, ending, gz ? ".gz" : "") < PATH_MAX &&
		    gm_file_exists(path))
			return true;
	return false;
}

/* The path without ending of the only .names file with a .data file, in the folder or of this
 * file. */
static bool find_stem(const gm_place *at, char stem[PATH_MAX])
{
	static const char *const endings[] = {".names", ".data", ".data.gz"};
	char path[PATH_MAX];
	int found = 0;
	if (!at->folder) {
		for (int i = 0; i < 3; i++)
			if (gm_text_ends(at->path, endings[i])) {
				snprintf(stem, PATH_MAX, "%.*s",
				         (int)(strlen(at->path) - strlen(endings[i])), at->path);
				return beside(stem, ".names", path) && beside(stem, ".data", path);
			}
		return false;
	}
	DIR *d = opendir(at->path);
	for (struct dirent *e; d && (e = readdir(d));)
		if (gm_text_ends(e->d_name, ".names") && *e->d_name != '.') {
			snprintf(stem, PATH_MAX, "%s/%.*s", at->path, (int)strlen(e->d_name) - 6,
			         e->d_name);
			found += beside(stem, ".data", path);
		}
	if (d)
		closedir(d);
	return found == 1;
}

static bool takes_uci(const gm_place *at)
{
	char stem[PATH_MAX];
	return find_stem(at, stem);
}

static bool open_uci(gm_pictures *p, const char *path, const gm_data_options *o, gm_error *err)
{
	char stem[PATH_MAX], file[PATH_MAX], train[PATH_MAX];
	const gm_place at = {.path = path, .folder = gm_file_is_folder(path)};
	gm_table_files f = {.train_path = train};
	char *names = NULL, *data = NULL, *test = NULL;
	bool ok = find_stem(&at, stem) && beside(stem, ".names", file);
	ok = ok && (names = whole(file, err)) && beside(stem, ".data", train) &&
	     (data = whole(train, err));
	if (ok && beside(stem, ".test", file))
		ok = (test = whole(file, err)) != NULL;
	f.names = names, f.train = data, f.test = test;
	ok = ok && gm_table_parse_uci(p, &f, o, err);
	free(names), free(data), free(test);
	return ok;
}

/* ---- .csv with words ------------------------------------------------------------------------- */

static bool takes_csv(const gm_place *at)
{
	gm_bytes file;
	if (at->folder || (strcmp(at->ending, ".csv") && strcmp(at->ending, ".tsv")) ||
	    !gm_file_open(at->path, &file, NULL))
		return false;
	const bool words = gm_table_has_words((const char *)file.data, file.size);
	gm_file_close(&file);
	return words;
}

static bool open_csv(gm_pictures *p, const char *path, const gm_data_options *o, gm_error *err)
{
	gm_bytes file;
	if (!gm_pictures_no_split(path, o, err) || !gm_file_open(path, &file, err))
		return false;
	const bool ok = gm_table_parse_csv(p, path, file.data, file.size, o, err);
	gm_file_close(&file);
	return ok;
}

const gm_format gm_format_table = {takes_csv, open_csv};
const gm_format gm_format_uci = {takes_uci, open_uci};
