/* SPDX-License-Identifier: MIT
 *
 * csv.c -- points as text. See csv.h. */
#include "data/csv.h"

#include "base/progress.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define COLUMNS_MAX 4096
#define CLASSES_MAX 65536
#define NUMBER_MAX 63 /* letters */

typedef struct reader {
	gm_pictures *p;
	const char *name, *text, *at, *end;
	int line, columns, label; /* label: its column, or -1 */
	size_t room;
	gm_error *err;
} reader;

static bool fail(const reader *r, const char *what)
{
	return gm_fail_at(r->err, r->at - r->text, GM_ERR_FORMAT, "%s: line %d: %s", r->name,
	                  r->line, what);
}

static bool is_gap(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The next field of the line that ends at stop, trimmed and without separator. False at the end. */
static bool next_field(const char **at, const char *stop, const char **from, size_t *n)
{
	const char *p = *at;
	while (p < stop && is_gap(*p))
		p++;
	if (p == stop)
		return false;
	*from = p;
	while (p < stop && *p != ',' && *p != ';' && !is_gap(*p))
		p++;
	*n = (size_t)(p - *from);
	while (p < stop && is_gap(*p))
		p++;
	if (p < stop && (*p == ',' || *p == ';'))
		p++;
	*at = p;
	return true;
}

static bool number(const char *from, size_t n, double *v)
{
	char copy[NUMBER_MAX + 1], *end;
	if (n == 0 || n > NUMBER_MAX)
		return false;
	memcpy(copy, from, n);
	copy[n] = 0;
	*v = strtod(copy, &end);
	return !*end;
}

static bool header(reader *r, const char *stop)
{
	static const char *const labels[] = {"label", "class", "y"};
	const char *at = r->at, *from;
	size_t n;
	int column = 0, found = -1;
	for (int want = 0; want < 3 && found < 0; want++) {
		at = r->at;
		for (column = 0; next_field(&at, stop, &from, &n); column++) {
			if (n > 1 && *from == '"')
				from++, n -= 2;
			if (n == strlen(labels[want]) && strncasecmp(from, labels[want], n) == 0)
				found = column;
		}
		/* with only two columns "x,y" are coordinates; with more, y is a label */
		if (want == 2 && column < 3)
			found = -1;
	}
	r->columns = column, r->label = found;
	return true;
}

static bool row(reader *r, const char *stop)
{
	gm_pictures *p = r->p;
	const char *at = r->at, *from;
	size_t n;
	int column = 0;
	if (p->count == r->room) {
		r->room = r->room ? r->room * 2 : 1024;
		float *x = realloc(p->point, r->room * (size_t)p->width * sizeof *x);
		p->point = x ? x : p->point;
		int32_t *l = x && r->label >= 0 ? realloc(p->label, r->room * sizeof *l) : NULL;
		p->label = l ? l : p->label;
		if (!x || (r->label >= 0 && !l))
			return gm_fail(r->err, GM_ERR_MEMORY, "%s: out of memory", r->name);
	}
	float *to = p->point + p->count * (uint64_t)p->width;
	for (; next_field(&at, stop, &from, &n); column++) {
		double v;
		if (column == r->columns)
			return fail(r, "more numbers than in the lines before");
		if (!number(from, n, &v) || !isfinite(v) || fabs(v) > 1e30)
			return fail(r, "not a number");
		if (column != r->label) {
			*to++ = (float)v;
			continue;
		}
		if (v < 0 || v >= CLASSES_MAX || v != floor(v))
			return fail(r, "a label that is not an integer from 0");
		p->label[p->count] = (int32_t)v;
		p->labels = (int)v >= p->labels ? (int)v + 1 : p->labels;
	}
	if (column < r->columns)
		return fail(r, "fewer numbers than in the lines before");
	p->count++;
	return true;
}

/* True if the first field of a line is a number; otherwise it is a header. */
static bool begins_with_number(const reader *r, const char *stop)
{
	const char *at = r->at, *from;
	size_t n;
	double v;
	return next_field(&at, stop, &from, &n) && number(from, n, &v);
}

static bool first_line(reader *r, const char *stop, bool *is_header)
{
	*is_header = !begins_with_number(r, stop);
	r->label = -1;
	if (*is_header) {
		header(r, stop);
	} else {
		const char *at = r->at, *from;
		size_t n;
		while (next_field(&at, stop, &from, &n))
			r->columns++;
	}
	r->p->width = r->columns - (r->label >= 0);
	return (r->p->width >= 1 && r->columns <= COLUMNS_MAX) ||
	       fail(r, "no numeric columns, or too many");
}

bool gm_csv_parse(gm_pictures *p, const char *name, const void *bytes, size_t n, gm_error *err)
{
	reader r = {.p = p, .name = name, .text = bytes, .at = bytes, .err = err};
	r.end = r.text + n;
	for (bool started = false; r.at < r.end;) {
		const char *stop = memchr(r.at, '\n', (size_t)(r.end - r.at)), *first = r.at;
		stop = stop ? stop : r.end;
		if (r.line++ % 4096 == 0 &&
		    !gm_progress_tell("reading points", (uint64_t)(r.at - r.text), n, "bytes", err))
			return false;
		while (first < stop && is_gap(*first))
			first++;
		if (first < stop && *first != '#') {
			bool is_header = false;
			if (!started && !first_line(&r, stop, &is_header))
				return false;
			started = true;
			if (!is_header && !row(&r, stop))
				return false;
		}
		r.at = stop + (stop < r.end);
	}
	gm_progress_end();
	return p->count > 0 || gm_fail(err, GM_ERR_FORMAT, "%s: no points in it", name);
}

static bool takes(const gm_place *at)
{
	return !at->folder && (strcmp(at->ending, ".csv") == 0 || strcmp(at->ending, ".tsv") == 0);
}

static bool open_csv(gm_pictures *p, const char *path, const gm_data_options *o, gm_error *err)
{
	gm_bytes file;
	if (!gm_pictures_no_split(path, o, err) || !gm_file_open(path, &file, err))
		return false;
	const bool ok = gm_csv_parse(p, path, file.data, file.size, err);
	gm_file_close(&file);
	p->format = "CSV";
	p->about = p->label ? "points with labels, from text" : "points, from text";
	return ok;
}

const gm_format gm_format_csv = {takes, open_csv};
