/* SPDX-License-Identifier: MIT
 *
 * metrics/pairs.c -- all distances between two sets: |x - y|^2 = |x|^2 + |y|^2 - 2 x.y, the last by
 * matrix products of blocks. Double precision takes twice the time of single, but resolves copies
 * and near ties as reference implementations do. */
#include "metrics/pairs.h"

#include "base/progress.h"

#include <cblas.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

enum { ROWS = 256, COLUMNS = 1024 };

bool gm_rows_finite(const char *what, const float *x, int64_t n, int64_t d, gm_error *err)
{
	for (int64_t i = 0; i < n; i++) {
		float sum = 0; /* sum of x - x: zero, or NaN if any x is not finite */
		for (int64_t j = 0; j < d; j++)
			sum += x[i * d + j] - x[i * d + j];
		if (sum != 0)
			return gm_fail(err, GM_ERR_VALUE, "%s: row %lld is not finite", what,
			               (long long)i);
	}
	return true;
}

/* out [n, d] = rows - mean; norm [n]: their squared lengths. */
static void centre(const float *x, int64_t n, int64_t d, const double *mean, double *out,
                   double *norm)
{
#pragma omp parallel for schedule(static)
	for (int64_t i = 0; i < n; i++) {
		double sum = 0;
		for (int64_t j = 0; j < d; j++) {
			double v = x[i * d + j] - mean[j];
			out[i * d + j] = v, sum += v * v;
		}
		norm[i] = sum;
	}
}

bool gm_pairs(const float *x, int64_t nx, const float *y, int64_t ny, int64_t d, gm_tile *tile,
              void *context, gm_error *err)
{
	if (nx < 1 || ny < 1 || d < 1)
		return gm_fail(err, GM_ERR_VALUE, "distances of %lld to %lld rows of %lld numbers",
		               (long long)nx, (long long)ny, (long long)d);
	if (!gm_rows_finite("distances", x, nx, d, err) ||
	    (y != x && !gm_rows_finite("distances", y, ny, d, err)))
		return false;
	double *mean = calloc(d, sizeof *mean), *a = malloc(ROWS * d * sizeof *a),
	       *b = malloc(COLUMNS * d * sizeof *b), *out = malloc(ROWS * COLUMNS * sizeof *out),
	       *norm = malloc((ROWS + COLUMNS) * sizeof *norm);
	if (!mean || !a || !b || !out || !norm) {
		free(mean), free(a), free(b), free(out), free(norm);
		return gm_fail(err, GM_ERR_MEMORY, "no memory for distances of rows of %lld",
		               (long long)d);
	}
	for (int64_t i = 0; i < ny; i++)
		for (int64_t j = 0; j < d; j++)
			mean[j] += y[i * d + j];
	for (int64_t j = 0; j < d; j++)
		mean[j] /= ny;
	double *na = norm, *nb = norm + ROWS;
	/* A product of d terms is off by at most d eps |a| |b|, by its root in practice. */
	double noise = 8 * DBL_EPSILON * (4 + sqrt((double)d));
	bool ok = true;
	for (int64_t x0 = 0; ok && x0 < nx; x0 += ROWS) {
		ok = gm_progress_tell("comparing features", (uint64_t)x0, (uint64_t)nx, "rows",
		                      err);
		if (!ok)
			break;
		int64_t rows = nx - x0 < ROWS ? nx - x0 : ROWS;
		centre(x + x0 * d, rows, d, mean, a, na);
		for (int64_t y0 = 0; y0 < ny; y0 += COLUMNS) {
			int64_t columns = ny - y0 < COLUMNS ? ny - y0 : COLUMNS;
			if (x0 == 0 || ny > COLUMNS)
				centre(y + y0 * d, columns, d, mean, b, nb);
			cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, columns, d, -2,
			            a, d, b, d, 0, out, columns);
#pragma omp parallel for schedule(static)
			for (int64_t i = 0; i < rows; i++)
				for (int64_t j = 0; j < columns; j++) {
					double both = na[i] + nb[j],
					       s = both + out[i * columns + j];
					out[i * columns + j] = s > noise * both ? s : 0;
				}
			tile(context, out, x0, rows, y0, columns);
		}
	}
	gm_progress_end();
	free(mean), free(a), free(b), free(out), free(norm);
	return ok;
}
