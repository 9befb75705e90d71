/* SPDX-License-Identifier: MIT
 *
 * metrics/kid.c -- kernel Inception distance. */
#include "metrics/pairs.h"

#include "base/progress.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>

/* The first m of order [n] become a random choice without replacement (Fisher & Yates). */
static void choose(gm_rng *r, uint32_t *order, uint32_t n, uint32_t m)
{
	for (uint32_t i = 0; i < m && i + 1 < n; i++) {
		uint32_t j = i + gm_rng_below(r, n - i), t = order[i];
		order[i] = order[j], order[j] = t;
	}
}

static void gather(const float *x, const uint32_t *row, int64_t m, int64_t d, double *out)
{
	for (int64_t i = 0; i < m; i++)
		for (int64_t j = 0; j < d; j++)
			out[i * d + j] = x[row[i] * d + j];
}

/* Sum of (x.y/d + 1)^3 over pairs of rows of x and y [m, d]; those with i = j left out if asked. */
static double kernel_sum(const double *x, const double *y, int64_t m, int64_t d, bool off_diagonal,
                         double *k)
{
	cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, m, d, 1. / d, x, d, y, d, 0, k, m);
	double sum = 0;
	for (int64_t i = 0; i < m; i++) {
		double row = 0;
		for (int64_t j = 0; j < m; j++) {
			double v = k[i * m + j] + 1;
			row += off_diagonal && i == j ? 0 : v * v * v;
		}
		sum += row;
	}
	return sum;
}

bool gm_kid(const gm_features_pair *f, const gm_kid_options *o, gm_spread *kid, gm_error *err)
{
	int64_t nr = f->n_real, nf = f->n_fake, d = f->d, few = nr < nf ? nr : nf;
	int64_t subsets = o && o->subsets ? o->subsets : 100;
	int64_t m = o && o->size ? o->size : few < 1000 ? few : 1000;
	if (subsets < 1 || m < 2 || m > few || d < 1 || nr > UINT32_MAX || nf > UINT32_MAX)
		return gm_fail(err, GM_ERR_VALUE,
		               "KID by %lld subsets of %lld from %lld real and"
		               " %lld fake rows",
		               (long long)subsets, (long long)m, (long long)nr, (long long)nf);
	if (!gm_rows_finite("KID, real", f->real, nr, d, err) ||
	    !gm_rows_finite("KID, fake", f->fake, nf, d, err))
		return false;
	double *x = malloc(m * d * sizeof *x), *y = malloc(m * d * sizeof *y);
	double *k = malloc(m * m * sizeof *k), *each = malloc(subsets * sizeof *each);
	uint32_t *of_x = malloc(nr * sizeof *of_x), *of_y = malloc(nf * sizeof *of_y);
	bool ok = (x && y && k && each && of_x && of_y) ||
	          gm_fail(err, GM_ERR_MEMORY, "no memory for KID by subsets of %lld", (long long)m);
	for (int64_t i = 0; ok && i < nr; i++)
		of_x[i] = i;
	for (int64_t i = 0; ok && i < nf; i++)
		of_y[i] = i;
	gm_rng r = gm_rng_new(o ? o->seed : 0, 0);
	*kid = (gm_spread){0};
	for (int64_t s = 0; ok && s < subsets; s++) {
		ok = gm_progress_tell("comparing by kernels (KID)", (uint64_t)s, (uint64_t)subsets,
		                      "subsets", err);
		if (!ok)
			break;
		choose(&r, of_x, nr, m), choose(&r, of_y, nf, m);
		gather(f->real, of_x, m, d, x), gather(f->fake, of_y, m, d, y);
		each[s] = (kernel_sum(x, x, m, d, true, k) + kernel_sum(y, y, m, d, true, k)) /
		                  (m * (m - 1.)) -
		          2 * kernel_sum(x, y, m, d, false, k) / ((double)m * m);
		kid->mean += each[s] / subsets;
	}
	for (int64_t s = 0; ok && s < subsets; s++)
		kid->deviation += (each[s] - kid->mean) * (each[s] - kid->mean) / subsets;
	gm_progress_end();
	kid->deviation = sqrt(kid->deviation);
	free(x), free(y), free(k), free(each), free(of_x), free(of_y);
	return ok;
}
