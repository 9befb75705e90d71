/* SPDX-License-Identifier: MIT
 *
 * metrics/matching.c -- the best one-to-one assignment. */
#include "ganymede/metrics.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The Hungarian method with shortest augmenting paths (Kuhn 1955; Jonker & Volgenant 1987), for n
 * <= m; index 0 of rows and columns means none. The cost of a pair is its price above those of its
 * row and its column; columns are reached in the order of their distance from the new row. */
typedef struct prices {
	double *row, *column, *far; /* [n + 1], [m + 1], [m + 1] */
	int64_t *of, *from;         /* [m + 1]: row of a column, and the column before it */
	bool *reached;              /* [m + 1] */
} prices;

static double cost(const double *gain, int64_t n, int64_t m, bool turned, int64_t i, int64_t j)
{
	return turned ? -gain[(j - 1) * n + i - 1] : -gain[(i - 1) * m + j - 1];
}

/* Rows i of the smaller side are added one after the other. */
static void add_row(const double *gain, int64_t n, int64_t m, bool turned, int64_t i, prices *p)
{
	int64_t at = 0;
	p->of[0] = i;
	for (int64_t j = 0; j <= m; j++)
		p->far[j] = INFINITY, p->reached[j] = false;
	do {
		const int64_t row = p->of[at];
		int64_t next = 0;
		p->reached[at] = true;
		for (int64_t j = 1; j <= m; j++) {
			if (p->reached[j])
				continue;
			double v = cost(gain, n, m, turned, row, j) - p->row[row] - p->column[j];
			if (v < p->far[j])
				p->far[j] = v, p->from[j] = at;
			if (!next || p->far[j] < p->far[next])
				next = j;
		}
		const double step = p->far[next];
		for (int64_t j = 0; j <= m; j++)
			if (p->reached[j])
				p->row[p->of[j]] += step, p->column[j] -= step;
			else
				p->far[j] -= step;
		at = next;
	} while (p->of[at]);
	for (; at; at = p->from[at])
		p->of[at] = p->of[p->from[at]];
}

bool gm_matching(const double *gain, int64_t rows, int64_t columns, int64_t *to, double *sum,
                 gm_error *err)
{
	if (rows < 1 || columns < 1)
		return gm_fail(err, GM_ERR_VALUE, "an assignment needs rows and columns");
	for (int64_t i = 0; i < rows * columns; i++)
		if (!isfinite(gain[i]))
			return gm_fail(err, GM_ERR_VALUE,
			               "an assignment needs finite values, but value %" PRId64
			               " is not",
			               i);
	const bool turned = rows > columns;
	const int64_t n = turned ? columns : rows, m = turned ? rows : columns;
	double *d = calloc((size_t)(n + 2 * m + 3), sizeof *d);
	int64_t *k = calloc((size_t)(2 * m + 2), sizeof *k);
	bool *reached = calloc((size_t)m + 1, sizeof *reached);
	if (!d || !k || !reached) {
		free(d), free(k), free(reached);
		return gm_fail(err, GM_ERR_MEMORY, "no memory for an assignment");
	}
	prices p = {d, d + n + 1, d + n + m + 2, k, k + m + 1, reached};
	for (int64_t i = 1; i <= n; i++)
		add_row(gain, n, m, turned, i, &p);
	double total = 0;
	for (int64_t i = 0; i < rows; i++)
		to[i] = -1;
	for (int64_t j = 1; j <= m; j++) {
		const int64_t i = p.of[j];
		if (!i)
			continue;
		to[turned ? j - 1 : i - 1] = turned ? i - 1 : j - 1;
		total -= cost(gain, n, m, turned, i, j);
	}
	if (sum)
		*sum = total;
	free(d), free(k), free(reached);
	return true;
}
