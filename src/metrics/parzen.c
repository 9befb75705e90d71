/* SPDX-License-Identifier: MIT
 *
 * metrics/parzen.c -- log-likelihood under Parzen windows, for several widths in one pass. */
#include "metrics/pairs.h"

#include <math.h>
#include <stdlib.h>

/* For each row of x and width: sum over y of exp(-(s - least) / (2 sigma^2)), with s the squared
 * distance and least the smallest so far. */
typedef struct windows {
	const double *sigma;
	int64_t widths;
	double *least; /* [n] */
	double *sum;   /* [n, widths] */
} windows;

static void add_windows(void *context, const double *tile, int64_t x0, int64_t nx, int64_t y0,
                        int64_t ny)
{
	windows *w = context;
	(void)y0;
#pragma omp parallel for schedule(static)
	for (int64_t i = 0; i < nx; i++) {
		double *least = w->least + x0 + i, before = *least;
		for (int64_t j = 0; j < ny; j++)
			*least = fmin(*least, tile[i * ny + j]);
		for (int64_t k = 0; k < w->widths; k++) {
			double scale = .5 / (w->sigma[k] * w->sigma[k]);
			double *sum = w->sum + (x0 + i) * w->widths + k;
			*sum *= exp(scale * (*least - before)); /* at first 0 times 0 */
			for (int64_t j = 0; j < ny; j++)
				*sum += exp(scale * (*least - tile[i * ny + j]));
		}
	}
}

/* score [widths]; each [n_real, widths] or NULL. */
static bool likelihoods(const gm_features_pair *f, const double *sigma, int64_t widths,
                        gm_spread *score, double *each, gm_error *err)
{
	int64_t n = f->n_real;
	for (int64_t k = 0; k < widths; k++)
		if (!(sigma[k] > 0) || !isfinite(sigma[k]))
			return gm_fail(err, GM_ERR_VALUE, "Parzen windows of width %g", sigma[k]);
	if (n < 1)
		return gm_fail(err, GM_ERR_VALUE, "the likelihood of %lld rows", (long long)n);
	windows w = {sigma, widths, malloc(n * sizeof *w.least), calloc(n * widths, sizeof *w.sum)};
	bool ok = (w.least && w.sum) ||
	          gm_fail(err, GM_ERR_MEMORY, "no memory for %lld rows", (long long)n);
	for (int64_t i = 0; ok && i < n; i++)
		w.least[i] = INFINITY;
	ok = ok && gm_pairs(f->real, n, f->fake, f->n_fake, f->d, add_windows, &w, err);
	for (int64_t k = 0; ok && k < widths; k++) {
		double s2 = sigma[k] * sigma[k], mean = 0, spread = 0;
		double norm = log((double)f->n_fake) + .5 * f->d * log(2 * M_PI * s2);
		for (int64_t i = 0; i < n; i++) {
			double *v = w.sum + i * widths + k;
			*v = log(*v) - w.least[i] / (2 * s2) - norm;
			mean += *v / n;
			if (each)
				each[i * widths + k] = *v;
		}
		for (int64_t i = 0; i < n; i++) {
			double v = w.sum[i * widths + k] - mean;
			spread += v * v / n;
		}
		score[k] = (gm_spread){mean, sqrt(spread / n)};
	}
	free(w.least), free(w.sum);
	return ok;
}

bool gm_parzen(const gm_features_pair *f, double sigma, gm_spread *score, double *each,
               gm_error *err)
{
	return likelihoods(f, &sigma, 1, score, each, err);
}

bool gm_parzen_sigma(const gm_features_pair *f, const gm_parzen_grid *grid, double *sigma,
                     gm_spread *score, gm_error *err)
{
	double from = grid && grid->from ? grid->from : .1, to = grid && grid->to ? grid->to : 1;
	int64_t count = grid && grid->count ? grid->count : 10, best = 0;
	if (!(from > 0) || !(to >= from) || !isfinite(to) || count < 1 || count > 10000)
		return gm_fail(err, GM_ERR_VALUE, "%lld widths of Parzen windows from %g to %g",
		               (long long)count, from, to);
	double *candidate = malloc(count * sizeof *candidate);
	gm_spread *all = malloc(count * sizeof *all);
	bool ok = (candidate && all) ||
	          gm_fail(err, GM_ERR_MEMORY, "no memory for %lld widths", (long long)count);
	for (int64_t k = 0; ok && k < count; k++)
		candidate[k] = count > 1 ? from * pow(to / from, k / (count - 1.)) : from;
	ok = ok && likelihoods(f, candidate, count, all, NULL, err);
	for (int64_t k = 1; ok && k < count; k++)
		best = all[k].mean > all[best].mean ? k : best;
	if (ok) {
		*sigma = candidate[best];
		if (score)
			*score = all[best];
	}
	free(candidate), free(all);
	return ok;
}
