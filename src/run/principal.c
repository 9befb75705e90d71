/* SPDX-License-Identifier: MIT
 *
 * run/principal.c -- principal components of the data, for initial values.
 *
 * Subspace iteration with more vectors than components, and Rayleigh-Ritz (Golub & Van Loan, Matrix
 * Computations, sections 8.2.4 and 8.1.2), on the covariance of at most FIT examples, or where
 * there are fewer examples than values on the matrix of their inner products (Turk & Pentland, J.
 * Cognitive Neuroscience 3, 1991). The error of the reconstruction is printed beside that of nets:
 * it has to be the smallest possible one, so rounds end when it no longer changes.
 */
#include "run/run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/machine.h"

enum { FIT = 4096, ROUNDS = 1000, SWEEPS = 50 };
#define CHANGE 1e-5 /* of the error, in a round: the last one */

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

/* Gram-Schmidt, twice, over rows q [b,m]; a row that depends on those before it becomes 0. */
static void orthonormalise(int64_t b, int64_t m, double *q)
{
	for (int64_t i = 0; i < b; i++) {
		double *row = q + i * m, norm = 0;
		for (int64_t p = 0; p < 2 * i; p++) {
			const double *other = q + p % i * m;
			double dot = 0;
			for (int64_t j = 0; j < m; j++)
				dot += row[j] * other[j];
			for (int64_t j = 0; j < m; j++)
				row[j] -= dot * other[j];
		}
		for (int64_t j = 0; j < m; j++)
			norm += row[j] * row[j];
		norm = norm > 1e-24 ? 1 / sqrt(norm) : 0;
		for (int64_t j = 0; j < m; j++)
			row[j] *= norm;
	}
}

/* y [b,m] = x q, of x [b,k] and q [k,m]; by columns, so that q is read from memory only once. */
static void product(int64_t b, int64_t k, int64_t m, const double *x, const double *q, double *y)
{
	enum { COLUMNS = 256 };
	memset(y, 0, (size_t)(b * m) * sizeof *y);
#pragma omp parallel for
	for (int64_t from = 0; from < m; from += COLUMNS) {
		const int64_t to = from + COLUMNS < m ? from + COLUMNS : m;
		for (int64_t l = 0; l < k; l++)
			for (int64_t i = 0; i < b; i++)
				for (int64_t j = from; j < to; j++)
					y[i * m + j] += x[i * k + l] * q[l * m + j];
	}
}

/* y [b,b] = x q', of x and q [b,m] */
static void inner(int64_t b, int64_t m, const double *x, const double *q, double *y)
{
	for (int64_t i = 0; i < b * b; i++) {
		y[i] = 0;
		for (int64_t j = 0; j < m; j++)
			y[i] += x[i / b * m + j] * q[i % b * m + j];
	}
}

/* Jacobi's method (Golub & Van Loan, section 8.5): the eigenvalues of the symmetric h [b,b] on its
 * diagonal, the largest first, and its eigenvectors in the rows of v [b,b]. */
static void jacobi(int64_t b, double *h, double *v)
{
	for (int64_t i = 0; i < b * b; i++)
		v[i] = i % (b + 1) == 0;
	for (int sweep = 0; sweep < SWEEPS; sweep++) {
		double off = 0, all = 0;
		for (int64_t i = 0; i < b * b; i++) {
			all += h[i] * h[i];
			off += i % (b + 1) ? h[i] * h[i] : 0;
		}
		if (off <= 1e-24 * all)
			break;
		for (int64_t p = 0; p < b; p++)
			for (int64_t q = p + 1; q < b; q++) {
				const double x = h[p * b + q];
				if (x == 0)
					continue;
				const double tau = (h[q * b + q] - h[p * b + p]) / (2 * x),
					     t = (tau < 0 ? -1 : 1) /
				                 (fabs(tau) + sqrt(1 + tau * tau)),
					     c = 1 / sqrt(1 + t * t), s = t * c;
				for (int64_t i = 0; i < b; i++) { /* columns, then rows */
					const double y = h[i * b + p], z = h[i * b + q];
					h[i * b + p] = c * y - s * z, h[i * b + q] = s * y + c * z;
				}
				for (int64_t i = 0; i < b; i++) {
					double y = h[p * b + i], z = h[q * b + i];
					h[p * b + i] = c * y - s * z, h[q * b + i] = s * y + c * z;
					y = v[p * b + i], z = v[q * b + i];
					v[p * b + i] = c * y - s * z, v[q * b + i] = s * y + c * z;
				}
			}
	}
	for (int64_t i = 0; i < b; i++) {
		int64_t best = i;
		for (int64_t k = i + 1; k < b; k++)
			best = h[k * b + k] > h[best * b + best] ? k : best;
		const double t = h[i * b + i];
		h[i * b + i] = h[best * b + best], h[best * b + best] = t;
		for (int64_t j = 0; best != i && j < b; j++) {
			const double y = v[i * b + j];
			v[i * b + j] = v[best * b + j], v[best * b + j] = y;
		}
	}
}

/* x x' [n,n], or without few x' x [d,d], by the engine; NULL without memory */
static double *inner_products(const components *c, bool few, int64_t m)
{
	double *a = malloc((size_t)(m * m) * sizeof *a);
	gm_graph *g = gm_graph_new(&(gm_graph_options){0});
	gm_node *x = gm_input(g, "x", GM_SHAPE(c->n, c->d), GM_F32);
	gm_node *y = gm_matmul(x, x, !few, few);
	gm_step *s = a ? gm_compile(g, y) : NULL;
	bool ok = s && gm_set_f32(x, c->x, c->n * c->d);
	if (ok) {
		gm_step_run(s);
		ok = gm_step_read_f64(s, y, a, m * m);
	}
	gm_graph_free(g);
	if (!ok)
		free(a), a = NULL;
	return a;
}

/* Fills c->q by the vectors u [k,m], of values, or of examples where there are few. */
static void components_of(components *c, bool few, int64_t m, const double *u)
{
#pragma omp parallel for
	for (int64_t i = 0; i < c->k; i++) {
		float *q = c->q + i * c->d;
		double norm = 0;
		memset(q, 0, (size_t)c->d * sizeof *q);
		for (int64_t e = 0; few && e < c->n; e++)
			for (int64_t j = 0; j < c->d; j++)
				q[j] += c->x[e * c->d + j] * (float)u[i * m + e];
		for (int64_t j = 0; j < c->d; j++) {
			q[j] = few ? q[j] : (float)u[i * m + j];
			norm += (double)q[j] * q[j];
		}
		norm = norm > 1e-24 ? 1 / sqrt(norm) : 0;
		for (int64_t j = 0; j < c->d; j++)
			q[j] *= (float)norm;
	}
}

/* Fills c->q from c->x. False without memory. */
static bool solve(components *c, uint64_t seed)
{
	const bool few = c->n < c->d;
	const int64_t m = few ? c->n : c->d, b = 2 * c->k + 8 < m ? 2 * c->k + 8 : m;
	double *a = inner_products(c, few, m), *q = malloc((size_t)(b * m) * sizeof *q),
	       *next = malloc((size_t)(b * m) * sizeof *next),
	       *h = malloc((size_t)(b * b) * sizeof *h), *v = malloc((size_t)(b * b) * sizeof *v);
	const bool ok = a && q && next && h && v;
	gm_rng rng = gm_rng_new(seed, 0x9CA);
	double all = 0, kept = 0, gained = INFINITY;
	for (int64_t i = 0; ok && i < m; i++)
		all += a[i * m + i];
	for (int64_t i = 0; ok && i < b * m; i++)
		next[i] = gm_rng_normal(&rng);
	for (int i = 0; ok && i < ROUNDS && gained > CHANGE * (all - kept) + 1e-9 * all; i++) {
		double *other = q;
		q = next, next = other;
		orthonormalise(b, m, q);
		product(b, m, m, q, a, next);
		inner(b, m, next, q, h);
		jacobi(b, h, v);
		gained = -kept, kept = 0;
		for (int64_t j = 0; j < c->k; j++)
			kept += h[j * b + j];
		gained = i ? gained + kept : INFINITY;
	}
	if (ok) {
		product(c->k, b, m, v, q, next);
		components_of(c, few, m, next);
	}
	free(a), free(next), free(h), free(v), free(q);
	return ok;
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

static bool fit(gm_run *r, components *c)
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
	if (solve(c, r->seed))
		return true;
	gm_run_fail(r, GM_ERR_MEMORY, "no memory for principal components");
	return false;
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
	double *score = gm_arena_calloc(r->arena, r->facts.count * (uint64_t)k, sizeof *score),
	       all = 0, kept = 0;
	bool ok = c.x && c.mean && c.q;
	if (!ok)
		gm_run_fail(r, GM_ERR_MEMORY, "no memory for principal components");
	ok = ok && fit(r, &c);
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
	free(c.x), free(c.mean), free(c.q);
	return ok ? score : NULL;
}
