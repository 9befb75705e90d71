/* SPDX-License-Identifier: MIT
 *
 * labels.c -- see labels.h. */
#include "data/labels.h"

#include "base/text.h"

#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *gm_sheet_cell(const gm_sheet *s, uint64_t row, int column)
{
	return s->text + s->cell[row * (uint64_t)s->columns + (uint64_t)column];
}

void gm_sheet_free(gm_sheet *s)
{
	free(s->text), free(s->cell);
	*s = (gm_sheet){0};
}

/* ---- rows of fields -------------------------------------------------------------------------- */

typedef struct reader {
	gm_sheet *s;
	const char *name;
	const char *at, *end;
	char *to; /* in s->text; never ahead of what was read */
	size_t room, cells;
	int line, fields; /* of this row */
	gm_error *err;
} reader;

static bool fail(const reader *r, const char *what)
{
	return gm_fail(r->err, GM_ERR_FORMAT, "%s: line %d: %s", r->name, r->line, what);
}

static bool put_cell(reader *r, const char *from, size_t n)
{
	if (r->cells == r->room) {
		r->room = r->room ? r->room * 2 : 1024;
		uint32_t *more = realloc(r->s->cell, r->room * sizeof *more);
		if (!more)
			return gm_fail(r->err, GM_ERR_MEMORY, "%s: out of memory", r->name);
		r->s->cell = more;
	}
	if (++r->fields > GM_SHEET_COLUMNS)
		return fail(r, "more than 1024 fields");
	r->s->cell[r->cells++] = (uint32_t)(r->to - r->s->text);
	while (n && (*from == ' ' || *from == '\t'))
		from++, n--;
	while (n && (from[n - 1] == ' ' || from[n - 1] == '\t'))
		n--;
	memmove(r->to, from, n);
	r->to += n;
	*r->to++ = 0;
	return true;
}

/* The row that ends here; all have as many fields as the first. */
static bool end_row(reader *r)
{
	if (r->s->rows == 0)
		r->s->columns = r->fields;
	if (r->fields != r->s->columns)
		return gm_fail(r->err, GM_ERR_FORMAT,
		               "%s: line %d: %d fields, but the first line has %d", r->name,
		               r->line, r->fields, r->s->columns);
	r->s->rows++;
	r->fields = 0;
	return true;
}

/* What stands between fields: the tab where the first line has one, else the more frequent of ; and
 * , */
static char separator_of(const char *p, const char *end)
{
	int commas = 0, semicolons = 0;
	bool quoted = false;
	for (; p < end && (quoted || (*p != '\n' && *p != '\r')); p++) {
		quoted ^= *p == '"';
		if (!quoted && *p == '\t')
			return '\t';
		commas += !quoted && *p == ',';
		semicolons += !quoted && *p == ';';
	}
	return semicolons > commas ? ';' : ',';
}

static bool at_end_of_line(const reader *r)
{
	return r->at == r->end || *r->at == '\n' || *r->at == '\r';
}

static void skip_end_of_line(reader *r)
{
	if (r->at < r->end && *r->at == '\r')
		r->at++;
	if (r->at < r->end && *r->at == '\n')
		r->at++;
	r->line++;
}

/* "a ""quoted"" field": its words move together in place. */
static bool quoted_field(reader *r, char separator)
{
	const char *from = ++r->at;
	char *to = (char *)from; /* the reader's own copy of the file */
	for (;; r->at++) {
		if (r->at == r->end)
			return fail(r, "an unterminated quoted field");
		if (*r->at == '"' && r->at + 1 < r->end && r->at[1] == '"')
			r->at++;
		else if (*r->at == '"')
			break;
		else if (*r->at == '\n')
			r->line++;
		*to++ = *r->at;
	}
	const size_t n = (size_t)(to - from);
	r->at++;
	while (!at_end_of_line(r) && *r->at == ' ')
		r->at++;
	if (!at_end_of_line(r) && *r->at != separator)
		return fail(r, "characters after a quoted field");
	return put_cell(r, from, n);
}

static bool one_row(reader *r, char separator)
{
	for (;;) {
		while (!at_end_of_line(r) && *r->at == ' ')
			r->at++;
		if (!at_end_of_line(r) && *r->at == '"') {
			if (!quoted_field(r, separator))
				return false;
		} else {
			const char *from = r->at;
			while (!at_end_of_line(r) && *r->at != separator)
				r->at++;
			if (!put_cell(r, from, (size_t)(r->at - from)))
				return false;
		}
		if (at_end_of_line(r))
			return end_row(r);
		r->at++; /* the separator */
	}
}

static bool blank_line(const reader *r)
{
	const char *p = r->at;
	while (p < r->end && (*p == ' ' || *p == '\t'))
		p++;
	return p == r->end || *p == '\n' || *p == '\r';
}

static bool parse_fields(reader *r)
{
	const char separator = separator_of(r->at, r->end);
	while (r->at < r->end) {
		if (blank_line(r))
			while (!at_end_of_line(r))
				r->at++;
		else if (!one_row(r, separator))
			return false;
		skip_end_of_line(r);
	}
	return true;
}

/* ---- CelebA ---------------------------------------------------------------------------------- */

static bool parse_celeba(reader *r)
{
	int64_t count = -1;
	for (; r->at < r->end; skip_end_of_line(r)) {
		if (r->line == 1) {
			char number[24] = "";
			size_t n = 0;
			while (!at_end_of_line(r) && n < sizeof number - 1)
				if (!isspace((unsigned char)*r->at++))
					number[n++] = r->at[-1];
			if (!gm_text_i64(number, &count) || count < 1)
				return fail(r, "not the number of pictures");
			continue;
		}
		if (blank_line(r)) {
			while (!at_end_of_line(r))
				r->at++;
			continue;
		}
		/* The line of names has none above the names of pictures. */
		if (r->s->rows == 0 && !put_cell(r, "file", 4))
			return false;
		while (!at_end_of_line(r)) {
			const char *from = r->at;
			while (!at_end_of_line(r) && *r->at != ' ' && *r->at != '\t')
				r->at++;
			if (r->at > from && !put_cell(r, from, (size_t)(r->at - from)))
				return false;
			while (!at_end_of_line(r) && (*r->at == ' ' || *r->at == '\t'))
				r->at++;
		}
		if (!end_row(r))
			return false;
	}
	r->s->header = true;
	return (r->s->rows > 1 && r->s->columns > 1 && (uint64_t)count == r->s->rows - 1) ||
	       gm_fail(r->err, GM_ERR_FORMAT, "%s: it declares %lld pictures but has %lld", r->name,
	               (long long)count, (long long)r->s->rows - 1);
}

/* ---- dataset.json ---------------------------------------------------------------------------- */

/* The class of a label: a whole number, or the place of the one in a vector of zeros. -1:
 * neither. */
static int64_t class_of(const json_t *label)
{
	if (json_is_integer(label) && json_integer_value(label) >= 0)
		return json_integer_value(label);
	int64_t one = -1;
	for (size_t i = 0; i < json_array_size(label); i++) {
		const double v = json_number_value(json_array_get(label, i));
		if (v == 1 && one < 0)
			one = (int64_t)i;
		else if (v != 0 || !json_is_number(json_array_get(label, i)))
			return -1;
	}
	return json_array_size(label) > 1 ? one : -1;
}

static bool json_row(reader *r, const char *file, const json_t *label)
{
	char number[24] = "";
	if (!file || !label)
		return gm_fail(r->err, GM_ERR_FORMAT,
		               "%s: entry %llu of its labels is not [\"FILE\", LABEL]", r->name,
		               (unsigned long long)r->s->rows);
	const int64_t class = class_of(label);
	if (class >= 0)
		snprintf(number, sizeof number, "%lld", (long long)class);
	else if (!json_is_null(label))
		return gm_fail(r->err, GM_ERR_FORMAT,
		               "%s: the label of %.200s is not a class: an integer from 0, or a "
		               "vector with a single 1",
		               r->name, file);
	return put_cell(r, file, strlen(file)) && put_cell(r, number, strlen(number)) && end_row(r);
}

/* [["a.png", 3], ...], or the same as an object: {"a.png": 3, ...}. */
static bool json_rows(reader *r, json_t *labels)
{
	const char *file;
	json_t *label;
	bool ok = true;
	for (size_t i = 0; ok && i < json_array_size(labels); i++) {
		const json_t *row = json_array_get(labels, i);
		const bool pair = json_array_size(row) == 2;
		ok = json_row(r, pair ? json_string_value(json_array_get(row, 0)) : NULL,
		              json_array_get(row, 1));
	}
	if (json_is_object(labels))
		json_object_foreach (labels, file, label)
			ok = ok && json_row(r, file, label);
	return ok;
}

/* ---- captions in JSON ------------------------------------------------------------------------ */

/* The value of the first of these keys. */
static const json_t *under(const json_t *object, const char *const *keys)
{
	const json_t *v = NULL;
	for (; !v && *keys; keys++)
		v = json_object_get(object, *keys);
	return v;
}

/* The cell of a text, or of several as lines. */
static bool put_captions(reader *r, const char *file, const json_t *said)
{
	char *const start = r->to;
	const size_t n = json_is_array(said) ? json_array_size(said) : 1;
	for (size_t i = 0; i < n; i++) {
		const json_t *one = json_is_array(said) ? json_array_get(said, i) : said;
		/* {"raw": "..."} in Karpathy's files */
		const char *text =
			json_string_value(json_is_object(one) ? json_object_get(one, "raw") : one);
		if (!text)
			return gm_fail(r->err, GM_ERR_FORMAT,
			               "%s: a caption of %.200s is not a text", r->name, file);
		/* put_cell ends a text with a zero; the next one makes it a line */
		if (i)
			r->to[-1] = '\n', r->cells--, r->fields--;
		if (!put_cell(r, text, strlen(text)))
			return false;
	}
	if (!n && !put_cell(r, "", 0))
		return false;
	r->s->cell[r->cells - 1] = (uint32_t)(start - r->s->text);
	return true;
}

static bool caption_row(reader *r, const char *file, const json_t *said)
{
	return put_cell(r, file, strlen(file)) && put_captions(r, file, said) && end_row(r);
}

/* [{"file_name": "a.png", "caption": "..."}, ...] */
static bool caption_list(reader *r, const json_t *list)
{
	static const char *const files[] = {"file_name", "filename", "file", "image", "path", NULL},
				 *const texts[] = {"caption",   "captions",    "text",
	                                           "sentences", "description", NULL};
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i), *said = under(row, texts);
		const char *file = json_string_value(under(row, files));
		if (!file || !said)
			return gm_fail(r->err, GM_ERR_FORMAT,
			               "%s: entry %llu is not {\"file_name\": .., \"caption\": ..}",
			               r->name, (unsigned long long)i);
		if (!caption_row(r, file, said))
			return false;
	}
	return true;
}

/* {"a.png": "...", "b.png": ["...", "..."]} */
static bool caption_map(reader *r, json_t *map)
{
	const char *file;
	json_t *said;
	bool ok = true;
	json_object_foreach (map, file, said)
		ok = ok && caption_row(r, file, said);
	return ok;
}

/* COCO: "images" with id and file_name, "annotations" with image_id and caption. */
static bool caption_coco(reader *r, const json_t *images, const json_t *annotations)
{
	json_t *by_id = json_object();
	char key[24];
	bool ok = by_id || gm_fail(r->err, GM_ERR_MEMORY, "%s: out of memory", r->name);
	for (size_t i = 0; ok && i < json_array_size(annotations); i++) {
		json_t *a = json_array_get(annotations, i), *said = json_object_get(a, "caption");
		snprintf(key, sizeof key, "%lld",
		         (long long)json_integer_value(json_object_get(a, "image_id")));
		if (!json_is_string(said)) {
			ok = gm_fail(r->err, GM_ERR_FORMAT,
			             "%s: annotation %llu has no text \"caption\"", r->name,
			             (unsigned long long)i);
			break;
		}
		if (!json_object_get(by_id, key))
			json_object_set_new(by_id, key, json_array());
		json_array_append(json_object_get(by_id, key), said);
	}
	for (size_t i = 0; ok && i < json_array_size(images); i++) {
		const json_t *image = json_array_get(images, i);
		const char *file = json_string_value(json_object_get(image, "file_name"));
		snprintf(key, sizeof key, "%lld",
		         (long long)json_integer_value(json_object_get(image, "id")));
		json_t *said = json_object_get(by_id, key);
		if (!file)
			ok = gm_fail(r->err, GM_ERR_FORMAT, "%s: image %llu has no \"file_name\"",
			             r->name, (unsigned long long)i);
		else if (said)
			ok = caption_row(r, file, said);
		json_object_del(by_id, key); /* a second image of this id has none */
	}
	json_decref(by_id);
	return ok;
}

/* True if top has the form of one of these. */
static bool has_captions(const json_t *top)
{
	const json_t *first = json_array_get(top, 0);
	if (json_object_size(top) && !json_object_get(top, "labels"))
		first = json_object_iter_value(json_object_iter((json_t *)top));
	else if (!json_is_object(first))
		return false;
	return json_is_array(json_object_get(top, "annotations")) || json_is_string(first) ||
	       json_is_string(json_array_get(first, 0)) || json_is_array(top);
}

/* Every text of the file takes at most its place there, since its quotes are worth its end. */
static bool parse_captions(reader *r, json_t *top, size_t n)
{
	const json_t *annotations = json_object_get(top, "annotations");
	free(r->s->text);
	r->s->text = r->to = malloc(n + 64);
	r->s->header = true;
	return (r->to || gm_fail(r->err, GM_ERR_MEMORY, "%s: out of memory", r->name)) &&
	       put_cell(r, "file", 4) && put_cell(r, "caption", 7) && end_row(r) &&
	       (json_is_array(annotations)
	                ? caption_coco(r, json_object_get(top, "images"), annotations)
	        : json_is_array(top) ? caption_list(r, top)
	                             : caption_map(r, top));
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static bool parse_json(reader *r)
{
	json_error_t where;
	json_t *top = json_loadb(r->at, (size_t)(r->end - r->at), 0, &where);
	json_t *labels = json_object_get(top, "labels");
	const char *file;
	json_t *label;
	bool ok = true;
	if (has_captions(top)) {
		ok = parse_captions(r, top, (size_t)(r->end - r->at));
		json_decref(top);
		return ok;
	}
	if (!top)
		ok = gm_fail(r->err, GM_ERR_FORMAT, "%s: line %d: %.160s", r->name, where.line,
		             where.text);
	else if (!json_is_array(labels) && !json_is_object(labels) && !json_is_null(labels))
		ok = gm_fail(r->err, GM_ERR_FORMAT,
		             "%s: it has no list \"labels\", as in StyleGAN's dataset.json, and no "
		             "captions: {\"a.png\": \"...\"} or COCO's annotations",
		             r->name);
	r->s->none = ok && json_array_size(labels) == 0 && json_object_size(labels) == 0;
	/* Names as they are unescaped, and a number for each. */
	size_t need = 64;
	for (size_t i = 0; ok && i < json_array_size(labels); i++)
		need += json_string_length(json_array_get(json_array_get(labels, i), 0)) + 26;
	if (json_is_object(labels))
		json_object_foreach (labels, file, label)
			need += strlen(file) + 26;
	free(r->s->text);
	r->s->text = r->to = ok && need < UINT32_MAX ? malloc(need) : NULL;
	ok = ok && (r->to || gm_fail(r->err, GM_ERR_MEMORY, "%s: out of memory", r->name));
	ok = ok && put_cell(r, "file", 4) && put_cell(r, "label", 5) && end_row(r);
	ok = ok && json_rows(r, labels);
	json_decref(top);
	r->s->header = true;
	return ok;
}

bool gm_sheet_parse(gm_sheet *s, const char *name, const void *bytes, size_t n, gm_error *err)
{
	const char *slash = strrchr(name, '/'), *last = slash ? slash + 1 : name;
	const size_t end = strlen(last);
	*s = (gm_sheet){0};
	if (n > UINT32_MAX / 4)
		return gm_fail(err, GM_ERR_FORMAT, "%s: too long for a table", name);
	/* Each field and its zero take no more than the field and what ended it; but for CelebA's
	 * corner, and the end of the last line. */
	s->text = malloc(n + 16);
	char *copy = malloc(n + 1);
	reader r = {.s = s, .name = name, .line = 1, .err = err};
	bool ok = (s->text && copy) || gm_fail(err, GM_ERR_MEMORY, "%s: out of memory", name);
	if (ok) {
		memcpy(copy, bytes, n);
		copy[n] = 0;
		r.to = s->text;
		r.at = copy, r.end = copy + n;
		if (n >= 3 && memcmp(copy, "\xef\xbb\xbf", 3) == 0)
			r.at += 3;
		const bool wide = n >= 2 && (memcmp(copy, "\xff\xfe", 2) == 0 ||
		                             memcmp(copy, "\xfe\xff", 2) == 0);
		ok = (!wide && !memchr(copy, 0, n)) ||
		     gm_fail(err, GM_ERR_FORMAT,
		             wide ? "%s: text in UTF-16; save it as UTF-8" : "%s: not text", name);
	}
	ok = ok && (end > 5 && strcasecmp(last + end - 5, ".json") == 0  ? parse_json(&r)
	            : end > 4 && strcasecmp(last + end - 4, ".txt") == 0 ? parse_celeba(&r)
	                                                                 : parse_fields(&r));
	free(copy);
	if (!ok)
		gm_sheet_free(s);
	return ok;
}

/* ---- patterns -------------------------------------------------------------------------------- */

enum { PIECES_MAX = 32 };

typedef struct piece {
	char text[64]; /* as it stands, or the name of a column; "" = dropped */
	bool taken;
} piece;

struct gm_pattern {
	piece piece[PIECES_MAX];
	int pieces, columns, slashes;
	int column[PIECES_MAX]; /* which piece */
};

static bool bad_pattern(const char *text, const char *why, gm_error *err)
{
	return gm_fail(err, GM_ERR_VALUE,
	               "option label-pattern: \"%.80s\": %s (such as {age}_{gender}_*)", text, why);
}

static bool read_pattern(gm_pattern *p, const char *text, gm_error *err)
{
	for (const char *at = text; *at;) {
		if (p->pieces == PIECES_MAX)
			return bad_pattern(text, "too many parts", err);
		piece *q = &p->piece[p->pieces++];
		q->taken = *at == '{' || *at == '*';
		if (q->taken && p->pieces > 1 && q[-1].taken)
			return bad_pattern(text, "no text between two wildcards", err);
		const size_t n = *at == '*' ? 0 : strcspn(at + (*at == '{'), q->taken ? "}" : "{*");
		const char *from = at + (*at == '{');
		if (n >= sizeof q->text)
			return bad_pattern(text, "a part is too long", err);
		if (*at == '{' && from[n] != '}')
			return bad_pattern(text, "an unmatched brace", err);
		memcpy(q->text, from, n);
		at = *at == '*' ? at + 1 : from + n + (*at == '{');
		for (int i = 0; i < p->columns; i++)
			if (q->taken && *q->text && !strcmp(p->piece[p->column[i]].text, q->text))
				return bad_pattern(text, "a name occurs twice", err);
		if (q->taken && *q->text)
			p->column[p->columns++] = p->pieces - 1;
		for (size_t i = 0; !q->taken && i < n; i++)
			p->slashes += q->text[i] == '/';
	}
	return p->columns > 0 || bad_pattern(text, "no name in braces", err);
}

gm_pattern *gm_pattern_new(const char *text, gm_error *err)
{
	gm_pattern *p = calloc(1, sizeof *p);
	if (!p)
		gm_fail(err, GM_ERR_MEMORY, "out of memory");
	if (p && read_pattern(p, text, err))
		return p;
	free(p);
	return NULL;
}

void gm_pattern_free(gm_pattern *p)
{
	free(p);
}

int gm_pattern_columns(const gm_pattern *p)
{
	return p->columns;
}

const char *gm_pattern_column(const gm_pattern *p, int i)
{
	return p->piece[p->column[i]].text;
}

/* The last parts of name that the pattern is for, without the ending; at is NULL where there are
 * not as many. */
static void cut(const gm_pattern *p, const char *name, const char **at, const char **end)
{
	const char *slash = strrchr(name, '/'), *dot = strrchr(slash ? slash : name, '.');
	*end = dot ? dot : name + strlen(name);
	const char *from = slash ? slash + 1 : name;
	int slashes = p->slashes;
	for (; slashes && from > name; slashes--)
		for (from--; from > name && from[-1] != '/';)
			from--;
	*at = slashes ? NULL : from;
}

bool gm_pattern_match(const gm_pattern *p, const char *name, gm_arena *arena, const char **word)
{
	const char *at, *end;
	int column = 0;
	cut(p, name, &at, &end);
	for (int i = 0; at && i < p->pieces; i++) {
		const piece *q = &p->piece[i];
		const size_t n = strlen(q->text);
		if (!q->taken) {
			if ((size_t)(end - at) < n || memcmp(at, q->text, n) != 0)
				return false;
			at += n;
			continue;
		}
		/* Up to the next piece that stands for itself, or to the end. */
		const char *next = i + 1 < p->pieces ? p->piece[i + 1].text : NULL;
		const char *stop = next ? memmem(at, (size_t)(end - at), next, strlen(next)) : end;
		if (!stop)
			return false;
		if (n) {
			if (stop == at)
				return false;
			word[column++] = gm_arena_strndup(arena, at, (size_t)(stop - at));
		}
		at = stop;
	}
	return at == end && at;
}
