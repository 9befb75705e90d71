/* SPDX-License-Identifier: MIT
 *
 * metrics/neighbours.c -- nearest neighbours, and metrics based on them. */
#include "metrics/pairs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct best {
	double *distance; /* [nx, k], squared, ascending */
	int64_t *index;   /* [nx, k] */
	int64_t k;
	bool not_self;
} best;

static void keep_nearest(void *context, const double *tile, int64_t x0, int64_t nx, int64_t y0,
                         int64_t ny)
{
	best *b = context;
#pragma omp parallel for schedule(static)
	for (int64_t i = 0; i < nx; i++) {
		double *d = b->distance + (x0 + i) * b->k;
		int64_t *index = b->index + (x0 + i) * b->k;
		for (int64_t j = 0; j < ny; j++) {
			double v = tile[i * ny + j];
			/* strictly less: ties keep the earlier row first */
			if (!(v < d[b->k - 1]) || (b->not_self && x0 + i == y0 + j))
				continue;
			int64_t at = b->k - 1;
			for (; at > 0 && v < d[at - 1]; at--)
				d[at] = d[at - 1], index[at] = index[at - 1];
			d[at] = v, index[at] = y0 + j;
		}
	}
}

bool gm_nearest(const float *x, int64_t nx, const float *y, int64_t ny, int64_t d,
                const gm_nearest_options *o, int64_t *index, double *distance, gm_error *err)
{
	best b = {.k = o && o->k ? o->k : 1, .not_self = o && o->not_self};
	if (b.k < 1 || b.k > ny - b.not_self || (b.not_self && nx != ny))
		return gm_fail(err, GM_ERR_VALUE, "%lld nearest rows of %lld%s", (long long)b.k,
		               (long long)ny, b.not_self ? ", itself not among them" : "");
	int64_t n = nx * b.k;
	b.distance = malloc((n ? n : 1) * sizeof *b.distance);
	b.index = malloc((n ? n : 1) * sizeof *b.index);
	bool ok = (b.distance && b.index) || gm_fail(err, GM_ERR_MEMORY,
	                                             "no memory for the nearest"
	                                             " of %lld rows",
	                                             (long long)nx);
	for (int64_t i = 0; ok && i < n; i++)
		b.distance[i] = INFINITY, b.index[i] = -1;
	ok = ok && gm_pairs(x, nx, y, ny, d, keep_nearest, &b, err);
	if (ok && index)
		memcpy(index, b.index, n * sizeof *index);
	for (int64_t i = 0; ok && distance && i < n; i++)
		distance[i] = sqrt(b.distance[i]);
	free(b.distance), free(b.index);
	return ok;
}

/* ---- precision, recall, density, coverage ---------------------------------------------------- */

typedef struct balls {
	const double *of_x, *of_y; /* squared radii */
	int64_t *x_in;             /* [nx] number of balls of y that contain the row */
	int64_t *y_in;             /* [ny] number of balls of x that contain the row */
	int64_t *y_holds;          /* [ny] number of rows of x in its ball */
} balls;

static void count_balls(void *context, const double *tile, int64_t x0, int64_t nx, int64_t y0,
                        int64_t ny)
{
	balls *b = context;
	for (int64_t i = 0; i < nx; i++)
		for (int64_t j = 0; j < ny; j++) {
			bool in_y = tile[i * ny + j] <= b->of_y[y0 + j];
			b->x_in[x0 + i] += in_y, b->y_holds[y0 + j] += in_y;
			b->y_in[y0 + j] += tile[i * ny + j] <= b->of_x[x0 + i];
		}
}

/* Squared distance to the k-th nearest of the others. */
static bool radii(const float *x, int64_t n, int64_t d, int64_t k, double *radius, gm_error *err)
{
	best b = {malloc(n * k * sizeof(double)), malloc(n * k * sizeof(int64_t)), k, true};
	bool ok = (b.distance && b.index) || gm_fail(err, GM_ERR_MEMORY,
	                                             "no memory for the nearest"
	                                             " of %lld rows",
	                                             (long long)n);
	for (int64_t i = 0; ok && i < n * k; i++)
		b.distance[i] = INFINITY;
	ok = ok && gm_pairs(x, n, x, n, d, keep_nearest, &b, err);
	for (int64_t i = 0; ok && i < n; i++)
		radius[i] = b.distance[i * k + k - 1];
	free(b.distance), free(b.index);
	return ok;
}

bool gm_prdc_of(const gm_features_pair *f, int64_t k, gm_prdc *score, gm_error *err)
{
	int64_t nr = f->n_real, nf = f->n_fake;
	if (k < 1 || k >= nr || k >= nf)
		return gm_fail(err, GM_ERR_VALUE,
		               "precision and recall by neighbour %lld of %lld"
		               " real and %lld fake rows",
		               (long long)k, (long long)nr, (long long)nf);
	double *radius = malloc((nr + nf) * sizeof *radius);
	int64_t *count = calloc(nf + 2 * nr, sizeof *count);
	balls b = {radius, radius + nf, count, count + nf, count + nf + nr};
	bool ok = (radius && count) ||
	          gm_fail(err, GM_ERR_MEMORY, "no memory for %lld rows", (long long)(nr + nf));
	ok = ok && radii(f->fake, nf, f->d, k, radius, err) &&
	     radii(f->real, nr, f->d, k, radius + nf, err) &&
	     gm_pairs(f->fake, nf, f->real, nr, f->d, count_balls, &b, err);
	if (ok) {
		*score = (gm_prdc){0};
		for (int64_t i = 0; i < nf; i++) {
			score->precision += b.x_in[i] > 0;
			score->density += b.x_in[i];
		}
		for (int64_t i = 0; i < nr; i++) {
			score->recall += b.y_in[i] > 0;
			score->coverage += b.y_holds[i] > 0;
		}
		score->precision /= nf, score->density /= (double)k * nf;
		score->recall /= nr, score->coverage /= nr;
	}
	free(radius), free(count);
	return ok;
}

/* ---- two samples ----------------------------------------------------------------------------- */

bool gm_nearest_accuracy(const gm_features_pair *f, gm_two_sample *score, gm_error *err)
{
	int64_t n = f->n_real, d = f->d;
	if (n < 2 || f->n_fake != n || d < 1)
		return gm_fail(err, GM_ERR_VALUE,
		               "the nearest neighbour's accuracy on %lld real and"
		               " %lld fake rows: as many of both are needed, and 2",
		               (long long)n, (long long)f->n_fake);
	float *x = malloc(2 * n * d * sizeof *x);
	int64_t *index = malloc(2 * n * sizeof *index), hit[2] = {0};
	bool ok = (x && index) ||
	          gm_fail(err, GM_ERR_MEMORY, "no memory for %lld rows", (long long)(2 * n));
	if (ok) {
		memcpy(x, f->real, n * d * sizeof *x);
		memcpy(x + n * d, f->fake, n * d * sizeof *x);
		ok = gm_nearest(x, 2 * n, x, 2 * n, d, &(gm_nearest_options){.not_self = true},
		                index, NULL, err);
	}
	for (int64_t i = 0; ok && i < 2 * n; i++)
		hit[i >= n] += (i >= n) == (index[i] >= n);
	if (ok)
		*score = (gm_two_sample){(hit[0] + hit[1]) / (2. * n), (double)hit[0] / n,
		                         (double)hit[1] / n};
	free(x), free(index);
	return ok;
}
