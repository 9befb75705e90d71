/* SPDX-License-Identifier: MIT
 *
 * report/series.c -- the logged values of a run. A parser of its own, because a long run has a
 * million lines, which a page must show within a second.
 */
#include "report/series.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

typedef struct cursor {
	const char *at, *end;
} cursor;

static void skip_blanks(cursor *c)
{
	while (c->at < c->end && (*c->at == ' ' || *c->at == '\t' || *c->at == '\r'))
		c->at++;
}

static bool take(cursor *c, char what)
{
	skip_blanks(c);
	if (c->at == c->end || *c->at != what)
		return false;
	c->at++;
	return true;
}

/* A string without escapes. */
static bool read_name(cursor *c, char name[GM_SERIES_NAME])
{
	size_t n = 0;
	if (!take(c, '"'))
		return false;
	for (; c->at < c->end && *c->at != '"'; c->at++) {
		if (*c->at == '\\' || (unsigned char)*c->at < ' ' || n + 1 == GM_SERIES_NAME)
			return false;
		name[n++] = *c->at;
	}
	name[n] = 0;
	return take(c, '"') && n && gm_text_is_utf8(name, n);
}

/* Up to 15 digits and a small power of ten give the nearest double by one operation of exact
 * operands (Clinger, "How to read floating point numbers accurately", PLDI 1990); strtod does the
 * rest. */
static bool read_number(cursor *c, double *v)
{
	static const double ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
	                             1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
	                             1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
	char text[64];
	size_t n = 0;
	uint64_t digits = 0;
	int count = 0, power = 0, places = 0;
	bool point = false;
	skip_blanks(c);
	while (n + 1 < sizeof text && c->at < c->end &&
	       (isalnum((unsigned char)*c->at) || strchr("+-.", *c->at)))
		text[n++] = *c->at++;
	text[n] = 0;
	const char *p = text + (*text == '-');
	if (!strcmp(p, "nan") || !strcmp(p, "inf") || !strcmp(p, "NaN")) {
		*v = *p == 'i' ? (p == text ? INFINITY : -INFINITY) : NAN;
		return true;
	}
	if (!isdigit((unsigned char)*p))
		return false;
	for (; isdigit((unsigned char)*p) || (*p == '.' && !point); p++) {
		if (*p == '.') {
			point = true;
			continue;
		}
		count += count || *p != '0';
		digits = count <= 18 ? 10 * digits + (uint64_t)(*p - '0') : digits;
		places += point;
	}
	if (*p == 'e' || *p == 'E') {
		char *end;
		power = (int)strtol(p + 1, &end, 10);
		if (end == p + 1)
			return false;
		p = end;
	}
	if (*p)
		return false;
	power = power > 999 ? 999 : power < -999 ? -999 : power;
	power -= places;
	if (count > 15 || power > 22 || power < -22) {
		*v = strtod(text, NULL);
		return true;
	}
	*v = power < 0 ? (double)digits / ten[-power] : (double)digits * ten[power];
	*v = *text == '-' ? -*v : *v;
	return true;
}

static bool read_value(cursor *c, double *v)
{
	skip_blanks(c);
	if (c->at == c->end || *c->at != '"')
		return read_number(c, v);
	c->at++;
	return read_number(c, v) && !isfinite(*v) && take(c, '"');
}

bool gm_series_line(const char *line, size_t n, gm_series_each *each, void *context)
{
	cursor c = {line, line + n};
	char name[GM_SERIES_NAME];
	double v;
	if (!take(&c, '{'))
		return false;
	if (!take(&c, '}')) {
		do {
			if (!read_name(&c, name) || !take(&c, ':') || !read_value(&c, &v))
				return false;
			each(context, name, v);
		} while (take(&c, ','));
		if (!take(&c, '}'))
			return false;
	}
	skip_blanks(&c);
	return c.at == c.end;
}

int gm_series_find(const gm_series *s, const char *name)
{
	for (int i = 0; i < s->columns; i++)
		if (!strcmp(s->column[i].name, name))
			return i;
	return -1;
}

static bool append(gm_column *c, int64_t step, double value)
{
	if (c->n == c->room) {
		size_t room = c->room ? 2 * c->room : 256;
		int64_t *steps = realloc(c->step, room * sizeof *steps);
		c->step = steps ? steps : c->step;
		double *values = realloc(c->value, room * sizeof *values);
		c->value = values ? values : c->value;
		if (!steps || !values)
			return false;
		c->room = room;
	}
	c->step[c->n] = step;
	c->value[c->n++] = value;
	return true;
}

/* The values of one line, stored only if all of it is valid. */
typedef struct line_values {
	struct {
		char name[GM_SERIES_NAME];
		double value;
	} v[GM_SERIES_COLUMNS];
	int n;
	uint64_t more;
	double step, seen;
} line_values;

static void collect(void *context, const char *name, double value)
{
	line_values *l = context;
	if (!strcmp(name, "step"))
		l->step = value;
	else if (!strcmp(name, "seen"))
		l->seen = value;
	else if (l->n == GM_SERIES_COLUMNS)
		l->more++;
	else {
		memcpy(l->v[l->n].name, name, strlen(name) + 1);
		l->v[l->n++].value = value;
	}
}

static bool is_count(double v)
{
	return v >= 0 && v <= 9e15 && v == floor(v);
}

static void store(gm_series *s, const line_values *l)
{
	s->left_out += l->more;
	for (int i = 0; i < l->n; i++) {
		/* lines mostly have the same names in the same order */
		int k = i < s->columns && !strcmp(s->column[i].name, l->v[i].name)
		                ? i
		                : gm_series_find(s, l->v[i].name);
		if (k < 0 && s->columns < GM_SERIES_COLUMNS) {
			gm_column *more =
				s->column ? s->column : calloc(GM_SERIES_COLUMNS, sizeof *more);
			s->column = more;
			if (more) {
				k = s->columns++;
				memcpy(more[k].name, l->v[i].name, GM_SERIES_NAME);
			}
		}
		if (k < 0 || !append(&s->column[k], (int64_t)l->step, l->v[i].value))
			s->left_out++;
	}
	s->step = (int64_t)l->step;
	s->seen = (int64_t)l->seen;
}

size_t gm_series_read(gm_series *s, const void *bytes, size_t n)
{
	const char *all = bytes, *at = all, *end = all + n, *stop;
	line_values *l = malloc(sizeof *l);
	while (l && at < end && (stop = memchr(at, '\n', (size_t)(end - at)))) {
		l->n = 0, l->more = 0, l->step = -1, l->seen = 0;
		if (gm_series_line(at, (size_t)(stop - at), collect, l) && is_count(l->step) &&
		    is_count(l->seen))
			store(s, l);
		else
			s->skipped++;
		s->lines++;
		at = stop + 1;
	}
	free(l);
	return (size_t)(at - all);
}

void gm_series_free(gm_series *s)
{
	for (int i = 0; i < s->columns; i++) {
		free(s->column[i].step);
		free(s->column[i].value);
	}
	free(s->column);
	*s = (gm_series){0};
}

/* ---- summaries ------------------------------------------------------------------------------- */

/* The smoothed curve: sum of w v / sum of w, where all w shrink by 2^(-d / half) when the step
 * grows by d. */
typedef struct smoothing {
	double half, sum, weight;
	int64_t step;
} smoothing;

static void smooth_add(smoothing *m, int64_t step, double v)
{
	double keep = m->half > 0 ? exp2(-(double)(step - m->step) / m->half) : 0;
	keep = m->weight > 0 && keep <= 1 ? keep : 0;
	m->sum = keep * m->sum + v;
	m->weight = keep * m->weight + 1;
	m->step = step;
}

static void bucket_add(gm_bucket *b, int64_t step, double v)
{
	b->first = b->n + b->nan ? b->first : step;
	b->x = step;
	if (!isfinite(v)) {
		b->nan++;
		return;
	}
	b->min = b->n ? fmin(b->min, v) : v;
	b->max = b->n ? fmax(b->max, v) : v;
	b->n++;
	b->mean = b->n > 1 ? b->mean + (v - b->mean) / (double)b->n : v;
	b->last = v;
}

int gm_series_buckets(const gm_column *c, const gm_span *span, gm_bucket *out)
{
	size_t first = 0, end = c->n;
	int64_t to = span->to > 0 ? span->to : INT64_MAX;
	while (first < c->n && c->step[first] < span->from)
		first++;
	while (end > first && c->step[end - 1] > to)
		end--;
	size_t m = end - first, wanted = span->buckets > 0 ? (size_t)span->buckets : 0;
	size_t count = m < wanted ? m : wanted;
	if (!count)
		return 0;
	smoothing s = {.half = span->half};
	for (size_t i = 0; i < first; i++)
		if (isfinite(c->value[i]))
			smooth_add(&s, c->step[i], c->value[i]);
	for (size_t k = 0, i = first; k < count; k++) {
		gm_bucket b = {.min = NAN, .max = NAN, .mean = NAN, .last = NAN};
		for (size_t stop = first + (k + 1) * m / count; i < stop; i++) {
			bucket_add(&b, c->step[i], c->value[i]);
			if (isfinite(c->value[i]))
				smooth_add(&s, c->step[i], c->value[i]);
		}
		b.smooth = s.weight > 0 ? s.sum / s.weight : NAN;
		out[k] = b;
	}
	return (int)count;
}

void gm_series_put(FILE *f, double v)
{
	if (isfinite(v))
		fprintf(f, "%.9g", v);
	else
		fputs(isnan(v) ? "\"nan\"" : v > 0 ? "\"inf\"" : "\"-inf\"", f);
}

void gm_series_put_name(FILE *f, const char *name)
{
	fputc('"', f);
	for (; *name; name++) /* names have neither quotes nor escapes */
		if (*name == '<')
			fputs("\\u003c", f);
		else
			fputc(*name, f);
	fputc('"', f);
}

void gm_series_put_column(FILE *f, const gm_column *c, const gm_span *span)
{
	static const struct {
		const char *name;
		size_t at;
	} numbers[] = {{"min", offsetof(gm_bucket, min)},
	               {"max", offsetof(gm_bucket, max)},
	               {"mean", offsetof(gm_bucket, mean)},
	               {"last", offsetof(gm_bucket, last)},
	               {"smooth", offsetof(gm_bucket, smooth)}};
	gm_bucket *b = calloc(span->buckets > 0 ? (size_t)span->buckets : 1, sizeof *b);
	int n = b ? gm_series_buckets(c, span, b) : 0;
	gm_series_put_name(f, c->name);
	fputs(": {\"x\": [", f);
	for (int i = 0; i < n; i++)
		fprintf(f, "%s%" PRId64, i ? "," : "", b[i].x);
	for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) {
		fprintf(f, "], \"%s\": [", numbers[k].name);
		for (int i = 0; i < n; i++) {
			double v;
			memcpy(&v, (const char *)&b[i] + numbers[k].at, sizeof v);
			fputs(i ? "," : "", f);
			if (isfinite(v))
				fprintf(f, "%.9g", v);
			else
				fputs("null", f);
		}
	}
	fputs("], \"n\": [", f);
	for (int i = 0; i < n; i++)
		fprintf(f, "%s%zu", i ? "," : "", b[i].n);
	fputs("], \"nan\": [", f);
	for (int i = 0; i < n; i++)
		fprintf(f, "%s%zu", i ? "," : "", b[i].nan);
	fputs("]}", f);
	free(b);
}
