/* SPDX-License-Identifier: MIT
 *
 * metrics/kmeans.c -- k-means clustering, the baseline of learned clusters. */
#include "ganymede/metrics.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct clustering {
	const float *x; /* [n, d] */
	int64_t n, d, k;
	float *centre;    /* [k, d] */
	int64_t *cluster; /* [n] */
	double *distance; /* [n], to the centre; its square while centres are chosen */
	double *sum;      /* [k, d] */
	int64_t *size;    /* [k] */
} clustering;

static double square_distance(const float *x, const float *y, int64_t d)
{
	double sum = 0;
	for (int64_t j = 0; j < d; j++)
		sum += ((double)x[j] - y[j]) * ((double)x[j] - y[j]);
	return sum;
}

/* Arthur & Vassilvitskii 2007, section 2.2: the next centre is example i with probability
 * proportional to its squared distance to the nearest centre so far. */
static void choose_centres(clustering *c, gm_rng *rng)
{
	int64_t next = (int64_t)gm_rng_below(rng, (uint64_t)c->n);
	for (int64_t k = 0; k < c->k; k++) {
		float *centre = c->centre + k * c->d;
		memcpy(centre, c->x + next * c->d, c->d * sizeof *c->x);
		double all = 0;
		for (int64_t i = 0; i < c->n; i++) {
			const double square = square_distance(c->x + i * c->d, centre, c->d);
			if (k == 0 || square < c->distance[i])
				c->distance[i] = square;
			all += c->distance[i];
		}
		double left = gm_rng_uniform(rng) * all;
		for (next = 0; next < c->n - 1; next++)
			if ((left -= c->distance[next]) < 0)
				break;
	}
}

/* Moves centres to the means of their clusters; an empty cluster keeps its centre. */
static void move_centres(clustering *c)
{
	memset(c->sum, 0, c->k * c->d * sizeof *c->sum);
	memset(c->size, 0, c->k * sizeof *c->size);
	for (int64_t i = 0; i < c->n; i++) {
		double *sum = c->sum + c->cluster[i] * c->d;
		c->size[c->cluster[i]]++;
		for (int64_t j = 0; j < c->d; j++)
			sum[j] += c->x[i * c->d + j];
	}
	for (int64_t k = 0; k < c->k; k++)
		for (int64_t j = 0; c->size[k] && j < c->d; j++)
			c->centre[k * c->d + j] =
				(float)(c->sum[k * c->d + j] / (double)c->size[k]);
}

/* Lloyd's iterations until the cost no longer falls; the cost is the sum of squared distances. */
static bool converge(clustering *c, int64_t turns, double *cost, gm_error *err)
{
	double before = DBL_MAX;
	for (int64_t t = 0; t < turns; t++, before = *cost) {
		if (!gm_nearest(c->x, c->n, c->centre, c->k, c->d, NULL, c->cluster, c->distance,
		                err))
			return false;
		*cost = 0;
		for (int64_t i = 0; i < c->n; i++)
			*cost += c->distance[i] * c->distance[i];
		if (!(*cost < before))
			break;
		move_centres(c);
	}
	return true;
}

bool gm_k_means(const float *x, int64_t n, int64_t d, int64_t k, const gm_k_means_options *o,
                float *centre, double *cost, gm_error *err)
{
	const int64_t starts = o && o->starts ? o->starts : 10,
		      turns = o && o->turns ? o->turns : 100;
	if (k < 1 || k > n || d < 1)
		return gm_fail(err, GM_ERR_VALUE, "%lld clusters of %lld examples", (long long)k,
		               (long long)n);
	clustering c = {.x = x,
	                .n = n,
	                .d = d,
	                .k = k,
	                .centre = malloc(k * d * sizeof *c.centre),
	                .cluster = malloc(n * sizeof *c.cluster),
	                .distance = malloc(n * sizeof *c.distance),
	                .sum = malloc(k * d * sizeof *c.sum),
	                .size = malloc(k * sizeof *c.size)};
	double best = DBL_MAX, now = 0;
	bool ok = (c.centre && c.cluster && c.distance && c.sum && c.size) ||
	          gm_fail(err, GM_ERR_MEMORY, "no memory for %lld examples", (long long)n);
	for (int64_t s = 0; ok && s < starts; s++) {
		gm_rng rng = gm_rng_new(o ? o->seed : 0, (uint64_t)s);
		choose_centres(&c, &rng);
		ok = converge(&c, turns, &now, err);
		if (ok && now < best)
			best = now, memcpy(centre, c.centre, k * d * sizeof *centre);
	}
	if (ok && cost)
		*cost = best / (double)n;
	free(c.centre), free(c.cluster), free(c.distance), free(c.sum), free(c.size);
	return ok;
}
