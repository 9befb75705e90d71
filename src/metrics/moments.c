/* SPDX-License-Identifier: MIT
 *
 * metrics/moments.c -- mean and covariance as rows come in, and the Frechet distance of two of
 * them.
 *
 * Rows wait in a buffer until BLOCK of them are there, whatever the portions were; then the block's
 * scatter about its own mean joins what was, by Chan, Golub & LeVeque (1979), eq. 2.1:
 * M += Mb + (mb - m)(mb - m)' n nb / (n + nb). Nothing is lost to a mean that is far from zero. */
#include "ganymede/metrics.h"

#include <cblas.h>
#include <float.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "metrics/pairs.h"

enum { BLOCK = 256, WIDEST = 32768 };

struct gm_moments {
	int64_t d, n, waiting; /* n: rows in mean and scatter */
	double *mean;          /* [d] */
	double *scatter;       /* [d, d], upper triangle: sum of (x - mean)(x - mean)' */
	double *buffer;        /* [BLOCK, d] */
	double *block_mean;    /* [d] */
};

gm_moments *gm_moments_new(int64_t d, gm_error *err)
{
	if (d < 1 || d > WIDEST) {
		gm_fail(err, GM_ERR_VALUE, "moments of %lld features: 1 to %d are possible",
		        (long long)d, WIDEST);
		return NULL;
	}
	gm_moments *m = calloc(1, sizeof *m);
	if (m) {
		m->d = d;
		m->mean = calloc(d, sizeof(double));
		m->scatter = calloc(d * d, sizeof(double));
		m->buffer = malloc(BLOCK * d * sizeof(double));
		m->block_mean = malloc(d * sizeof(double));
	}
	if (!m || !m->mean || !m->scatter || !m->buffer || !m->block_mean) {
		gm_fail(err, GM_ERR_MEMORY, "no memory for the covariance of %lld features",
		        (long long)d);
		gm_moments_free(m);
		return NULL;
	}
	return m;
}

void gm_moments_free(gm_moments *m)
{
	if (!m)
		return;
	free(m->mean), free(m->scatter), free(m->buffer), free(m->block_mean);
	free(m);
}

/* Joins n rows, which it centres in place, to (mean, scatter, count). */
static void join(double *mean, double *scatter, int64_t count, double *row, int64_t n, int64_t d,
                 double *delta)
{
	for (int64_t j = 0; j < d; j++)
		delta[j] = 0;
	for (int64_t i = 0; i < n; i++)
		for (int64_t j = 0; j < d; j++)
			delta[j] += row[i * d + j];
	for (int64_t j = 0; j < d; j++)
		delta[j] /= n;
	for (int64_t i = 0; i < n; i++)
		for (int64_t j = 0; j < d; j++)
			row[i * d + j] -= delta[j];
	cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, d, n, 1, row, d, 1, scatter, d);
	for (int64_t j = 0; j < d; j++)
		delta[j] -= mean[j];
	double whole = (double)(count + n);
	cblas_dsyr(CblasRowMajor, CblasUpper, d, count * (n / whole), delta, 1, scatter, d);
	for (int64_t j = 0; j < d; j++)
		mean[j] += delta[j] * (n / whole);
}

bool gm_moments_add(gm_moments *m, const float *x, int64_t n, gm_error *err)
{
	int64_t d = m->d;
	if (n < 0)
		return gm_fail(err, GM_ERR_VALUE, "cannot add %lld rows", (long long)n);
	for (int64_t i = 0; i < n; i++) {
		if (!gm_rows_finite("moments", x + i * d, 1, d, err))
			return false;
		for (int64_t j = 0; j < d; j++)
			m->buffer[m->waiting * d + j] = x[i * d + j];
		if (++m->waiting == BLOCK) {
			join(m->mean, m->scatter, m->n, m->buffer, BLOCK, d, m->block_mean);
			m->n += BLOCK, m->waiting = 0;
		}
	}
	return true;
}

int64_t gm_moments_count(const gm_moments *m)
{
	return m->n + m->waiting;
}

bool gm_moments_get(const gm_moments *m, double *mean, double *covariance, gm_error *err)
{
	int64_t d = m->d, n = gm_moments_count(m);
	if (n < 2)
		return gm_fail(err, GM_ERR_VALUE, "a covariance needs 2 rows, not %lld",
		               (long long)n);
	memcpy(mean, m->mean, d * sizeof *mean);
	memcpy(covariance, m->scatter, d * d * sizeof *covariance);
	if (m->waiting) { /* what waits may be the beginning of a block: m stays as it is */
		double *row = malloc((m->waiting + 1) * d * sizeof *row);
		if (!row)
			return gm_fail(err, GM_ERR_MEMORY, "no memory for %lld rows",
			               (long long)m->waiting);
		memcpy(row, m->buffer, m->waiting * d * sizeof *row);
		join(mean, covariance, m->n, row, m->waiting, d, row + m->waiting * d);
		free(row);
	}
	for (int64_t i = 0; i < d; i++)
		for (int64_t j = i; j < d; j++)
			covariance[j * d + i] = covariance[i * d + j] /= n - 1;
	return true;
}

/* ---- Frechet --------------------------------------------------------------------------------- */

/* A root of s [d, d]: the rows [rank, d] whose R'R is s, which it overwrites. -1 on failure. */
static int64_t root(double *s, double *w, int64_t d, const char *which, gm_error *err)
{
	for (int64_t i = 0; i < d; i++)
		for (int64_t j = i; j < d; j++) {
			double mean = (s[i * d + j] + s[j * d + i]) / 2;
			if (!isfinite(mean)) {
				gm_fail(err, GM_ERR_VALUE, "%s covariance: row %lld is not finite",
				        which, (long long)i);
				return -1;
			}
			s[i * d + j] = s[j * d + i] = mean;
		}
	/* To LAPACK, which goes by columns, a symmetric matrix is what it is; its eigenvectors then
	 * are rows to us. */
	if (LAPACKE_dsyevd(LAPACK_COL_MAJOR, 'V', 'U', d, s, d, w)) {
		gm_fail(err, GM_ERR_VALUE, "%s covariance: its eigenvalues were not found", which);
		return -1;
	}
	double noise = d * DBL_EPSILON * fmax(w[d - 1], -w[0]);
	/* Sums in single precision elsewhere may leave a little below zero. */
	if (w[0] < -fmax(noise, 1e-5 * w[d - 1])) {
		gm_fail(err, GM_ERR_VALUE, "%s covariance has the eigenvalue %g: it is none", which,
		        w[0]);
		return -1;
	}
	int64_t rank = 0;
	for (int64_t i = 0; i < d; i++) {
		if (w[i] <= noise)
			continue;
		double scale = sqrt(w[i]);
		for (int64_t j = 0; j < d; j++)
			s[rank * d + j] = scale * s[i * d + j];
		rank++;
	}
	return rank;
}

/* With S1 = R1'R1 and S2 = R2'R2, S1 S2 has the squared singular values of R1 R2' for its nonzero
 * eigenvalues. Singular values are good to rounding relative to the largest; the roots of
 * eigenvalues of S1^(1/2) S2 S1^(1/2) only to its square root. */
bool gm_frechet(const double *m1, const double *s1, const double *m2, const double *s2, int64_t d,
                double *distance, gm_error *err)
{
	if (d < 1 || d > WIDEST)
		return gm_fail(err, GM_ERR_VALUE,
		               "Frechet distance of %lld features: 1 to %d are"
		               " possible",
		               (long long)d, WIDEST);
	double *r1 = malloc(d * d * sizeof *r1), *r2 = malloc(d * d * sizeof *r2);
	double *w = malloc(d * sizeof *w), *cross = NULL, means = 0, traces = 0, trace_root = 0;
	bool ok = r1 && r2 && w;
	if (!ok) {
		gm_fail(err, GM_ERR_MEMORY, "no memory for covariances of %lld features",
		        (long long)d);
		goto end;
	}
	for (int64_t i = 0; i < d; i++) {
		means += (m1[i] - m2[i]) * (m1[i] - m2[i]);
		traces += s1[i * d + i] + s2[i * d + i];
	}
	if (!isfinite(means)) {
		ok = gm_fail(err, GM_ERR_VALUE, "Frechet distance: a mean is not finite");
		goto end;
	}
	memcpy(r1, s1, d * d * sizeof *r1);
	memcpy(r2, s2, d * d * sizeof *r2);
	int64_t n1 = root(r1, w, d, "the first", err),
		n2 = n1 < 0 ? -1 : root(r2, w, d, "the second", err);
	ok = n1 >= 0 && n2 >= 0;
	if (!ok || !n1 || !n2)
		goto end;
	cross = malloc(n1 * n2 * sizeof *cross);
	ok = cross || gm_fail(err, GM_ERR_MEMORY, "no memory for covariances of %lld features",
	                      (long long)d);
	if (!ok)
		goto end;
	cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n1, n2, d, 1, r1, d, r2, d, 0, cross,
	            n2);
	/* By columns, this is the transposed matrix, which has the same singular values. */
	if (LAPACKE_dgesdd(LAPACK_COL_MAJOR, 'N', n2, n1, cross, n2, w, NULL, 1, NULL, 1)) {
		ok = gm_fail(err, GM_ERR_VALUE, "Frechet distance: singular values not found");
		goto end;
	}
	for (int64_t i = 0; i < (n1 < n2 ? n1 : n2); i++)
		trace_root += w[i];
end:
	if (ok)
		*distance = means + fmax(traces - 2 * trace_root, 0);
	free(r1), free(r2), free(w), free(cross);
	return ok;
}

bool gm_frechet_moments(const gm_moments *a, const gm_moments *b, double *distance, gm_error *err)
{
	int64_t d = a->d;
	if (b->d != d)
		return gm_fail(err, GM_ERR_SHAPE, "Frechet distance of %lld and %lld features",
		               (long long)d, (long long)b->d);
	double *m = malloc(2 * d * sizeof *m), *s = malloc(2 * d * d * sizeof *s);
	bool ok = (m && s) || gm_fail(err, GM_ERR_MEMORY,
	                              "no memory for covariances of %lld"
	                              " features",
	                              (long long)d);
	ok = ok && gm_moments_get(a, m, s, err) && gm_moments_get(b, m + d, s + d * d, err) &&
	     gm_frechet(m, s, m + d, s + d * d, d, distance, err);
	free(m), free(s);
	return ok;
}
