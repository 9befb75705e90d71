/* SPDX-License-Identifier: MIT
 *
 * run/principal.c -- principal components of the data, for initial values.
 *
 * Subspace iteration: Q becomes an orthonormal basis of X^T X Q, again and again (Golub & Van Loan,
 * Matrix Computations, section 8.2.4). Ten rounds leave no more than what a start needs; nothing
 * here has to be exact.
 */
#include "run/run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/machine.h"

enum { FIT = 4096, ROUNDS = 10 };

typedef struct components {
	int64_t n, d, k; /* examples that they are fitted to, values of an example, components */
	float *x;        /* [n,d], centred */
	double *mean;    /* [d] */
	float *q;        /* [k,d], orthonormal rows */
} components;

/* y[i] = x q[i] for each component i: [k] of x [d] */
static void project(const components *c, const float *x, double *y)
{
	for (int64_t i = 0; i < c->k; i++) {
		double sum = 0;
		for (int64_t j = 0; j < c->d; j++)
			sum += (double)x[j] * c->q[i * c->d + j];
		y[i] = sum;
	}
}

/* Gram-Schmidt; a row that depends on those before it becomes 0. */
static void orthonormalise(components *c)
{
	for (int64_t i = 0; i < c->k; i++) {
		float *v = c->q + i * c->d;
		for (int64_t p = 0; p < i; p++) {
			const float *u = c->q + p * c->d;
			double dot = 0;
			for (int64_t j = 0; j < c->d; j++)
				dot += (double)u[j] * v[j];
			for (int64_t j = 0; j < c->d; j++)
				v[j] -= (float)(dot * u[j]);
		}
		double norm = 0;
		for (int64_t j = 0; j < c->d; j++)
			norm += (double)v[j] * v[j];
		const float scale = norm > 1e-20 ? (float)(1 / sqrt(norm)) : 0;
		for (int64_t j = 0; j < c->d; j++)
			v[j] *= scale;
	}
}

/* One component in each thread: q[i] = sum over examples of (x q[i]) x */
static void iterate(components *c, float *next)
{
#pragma omp parallel for schedule(static)
	for (int64_t i = 0; i < c->k; i++) {
		const float *q = c->q + i * c->d;
		float *to = next + i * c->d;
		memset(to, 0, (size_t)c->d * sizeof *to);
		for (int64_t e = 0; e < c->n; e++) {
			const float *x = c->x + e * c->d;
			float dot = 0;
#pragma omp simd reduction(+ : dot)
			for (int64_t j = 0; j < c->d; j++)
				dot += x[j] * q[j];
#pragma omp simd
			for (int64_t j = 0; j < c->d; j++)
				to[j] += dot * x[j];
		}
	}
	memcpy(c->q, next, (size_t)(c->k * c->d) * sizeof *next);
	orthonormalise(c);
}

/* Reads example i, centred, into x. */
static bool centred(gm_run *r, const components *c, int64_t i, float *x)
{
	if (!gm_data_get(r->data, (uint64_t)i, x, NULL, &r->err))
		return false;
	for (int64_t j = 0; j < c->d; j++)
		x[j] -= (float)c->mean[j];
	return true;
}

static bool fit(gm_run *r, components *c, float *next)
{
	for (int64_t e = 0; e < c->n; e++) {
		if (!gm_data_get(r->data, (uint64_t)(e * ((int64_t)r->facts.count / c->n)),
		                 c->x + e * c->d, NULL, &r->err))
			return false;
		for (int64_t j = 0; j < c->d; j++)
			c->mean[j] += c->x[e * c->d + j] / (double)c->n;
	}
	for (int64_t e = 0; e < c->n; e++)
		for (int64_t j = 0; j < c->d; j++)
			c->x[e * c->d + j] -= (float)c->mean[j];
	gm_rng rng = gm_rng_new(r->seed, 0x9CA);
	for (int64_t j = 0; j < c->k * c->d; j++)
		c->q[j] = (float)gm_rng_normal(&rng);
	orthonormalise(c);
	for (int round = 0; round < ROUNDS; round++)
		iterate(c, next);
	return true;
}

const double *gm_data_principal(gm_run *r, int64_t k, double longest, double *error)
{
	if (r->building || r->from || !r->data || !gm_run_ok(r))
		return NULL;
	components c = {.n = r->facts.count < FIT ? (int64_t)r->facts.count : FIT,
	                .d = r->facts.numel,
	                .k = k};
	if (!r->facts.count || k > c.d || k > c.n) {
		gm_run_fail(r, GM_ERR_VALUE,
		            "%s: %lld principal components need a finite set of at least as many "
		            "examples and values",
		            gm_settings_get(r->settings, "data"), (long long)k);
		return NULL;
	}
	c.x = malloc((size_t)(c.n * c.d) * sizeof *c.x);
	c.mean = calloc((size_t)c.d, sizeof *c.mean);
	c.q = malloc((size_t)(k * c.d) * sizeof *c.q);
	float *next = malloc((size_t)(k * c.d) * sizeof *next);
	double *score = gm_arena_calloc(r->arena, r->facts.count * (uint64_t)k, sizeof *score),
	       all = 0, kept = 0;
	bool ok = c.x && c.mean && c.q && next;
	if (!ok)
		gm_run_fail(r, GM_ERR_MEMORY, "no memory for principal components");
	ok = ok && fit(r, &c, next);
	for (int64_t j = 0; ok && error && j < c.n * c.d; j++)
		all += (double)c.x[j] * c.x[j];
	for (int64_t e = 0; ok && error && e < c.n; e++) {
		project(&c, c.x + e * c.d, score);
		for (int64_t i = 0; i < k; i++)
			kept += score[i] * score[i];
	}
	if (error)
		*error = ok ? (all - kept) / (double)(c.n * c.d) : 0;
	for (int64_t i = 0; ok && i < (int64_t)r->facts.count; i++) {
		ok = centred(r, &c, i, c.x);
		if (!ok)
			break;
		project(&c, c.x, score + i * k);
		double norm = 0;
		for (int64_t j = 0; j < k; j++)
			norm += score[i * k + j] * score[i * k + j];
		norm = sqrt(norm);
		for (int64_t j = 0; longest > 0 && norm > longest && j < k; j++)
			score[i * k + j] *= longest / norm;
	}
	free(c.x), free(c.mean), free(c.q), free(next);
	return ok ? score : NULL;
}
