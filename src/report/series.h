/* SPDX-License-Identifier: MIT
 *
 * report/series.h -- the logged values of a run: reads stats.jsonl, also while it grows, and
 * summarises each series for drawing.
 *
 *	gm_series s = {0};
 *	size_t used = gm_series_read(&s, bytes, n); // complete lines; call again with what follows
 *	int i = gm_series_find(&s, "loss_d");
 *	gm_bucket b[500];
 *	int count = gm_series_buckets(&s.column[i], &(gm_span){.buckets = 500, .half = 100}, b);
 *	gm_series_free(&s);
 *
 * A line is a JSON object of numbers: {"step": 100, "seen": 6400, "loss_d": 0.69}. Values that are
 * not finite are written as "nan", "inf" and "-inf".
 */
#ifndef GM_REPORT_SERIES_H
#define GM_REPORT_SERIES_H

#include <stdio.h>

#include "ganymede/base.h"

enum { GM_SERIES_NAME = 64, GM_SERIES_COLUMNS = 256 };

typedef struct gm_column {
	char name[GM_SERIES_NAME];
	int64_t *step;
	double *value; /* may be not finite */
	size_t n, room;
} gm_column;

typedef struct gm_series {
	gm_column *column; /* in the order of their first values */
	int columns;
	/* lines read; lines skipped because they are no such object; values left out because there
	 * are more than GM_SERIES_COLUMNS names, or because memory is short */
	uint64_t lines, skipped, left_out;
	int64_t step, seen; /* of the last line; seen is 0 if it has none */
} gm_series;

/* Reads the complete lines of bytes[n] and returns the number of bytes read. "step" and "seen" are
 * not columns. */
size_t gm_series_read(gm_series *s, const void *bytes, size_t n);
void gm_series_free(gm_series *s);
int gm_series_find(const gm_series *s, const char *name); /* -1: there is none */

/* Calls each(context, name, value) for the numbers of one line, without the newline; false if the
 * line is not such an object. */
typedef void gm_series_each(void *context, const char *name, double value);
bool gm_series_line(const char *line, size_t n, gm_series_each *each, void *context);

/* Consecutive values of a column. */
typedef struct gm_bucket {
	int64_t first, x;            /* steps of its first and its last value */
	double min, max, mean, last; /* of its finite values; NAN if there are none */
	double smooth;               /* at its end; NAN before the first finite value */
	size_t n, nan;               /* numbers of finite values and of others */
} gm_bucket;

typedef struct gm_span {
	int64_t from, to; /* steps from <= step <= to; to 0: to the end */
	int buckets;      /* at most this many; a value each if there are no more values */
	/* half-life in steps of the smoothed curve: the mean of all finite values up to a step s,
	 * with weights 2^((step - s) / half); 0: no smoothing */
	double half;
} gm_span;

/* Writes out[span->buckets] and returns the number of buckets. Every value of the span is in
 * exactly one of them. */
int gm_series_buckets(const gm_column *c, const gm_span *span, gm_bucket *out);

/* Writes "name": {"x": [..], "min": .., "max", "mean", "last", "smooth", "n", "nan"}, the buckets
 * of a column as JSON, also safe inside of a script element. Values that are missing are null. */
void gm_series_put_column(FILE *f, const gm_column *c, const gm_span *span);
void gm_series_put_name(FILE *f, const char *name); /* as a JSON string */
/* Writes a number as JSON: 0.25, or "nan", "inf", "-inf" with quotes. */
void gm_series_put(FILE *f, double value);

#endif
