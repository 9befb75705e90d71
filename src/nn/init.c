/* SPDX-License-Identifier: MIT
 *
 * nn/init.c -- initialisers, one row each with its formula.
 */
#include "nn/net.h"

#include <math.h>
#include <string.h>

typedef struct draw {
	const gm_init *init;
	gm_shape shape;
	double fan_in, fan_out;
	gm_rng *rng;
	int64_t n;
	double *v;
} draw;

/* In parallel: each piece skips to its position in the random stream, two words per value. */
static void normal(const draw *d, double mean, double std)
{
	enum { PIECE = 1 << 14 };
#pragma omp parallel for schedule(static) if (d->n > 2 * PIECE)
	for (int64_t first = 0; first < d->n; first += PIECE) {
		gm_rng r = *d->rng;
		gm_rng_skip(&r, 2 * (uint64_t)first);
		for (int64_t i = first; i < first + PIECE && i < d->n; i++)
			d->v[i] = mean + std * gm_rng_normal(&r);
	}
	gm_rng_skip(d->rng, 2 * (uint64_t)d->n);
}

static void uniform(const draw *d, double lo, double hi)
{
	for (int64_t i = 0; i < d->n; i++)
		d->v[i] = lo + (hi - lo) * gm_rng_uniform(d->rng);
}

static void fill_constant(const draw *d)
{
	for (int64_t i = 0; i < d->n; i++)
		d->v[i] = d->init->a;
}

static void fill_normal(const draw *d)
{
	normal(d, d->init->a, d->init->b);
}
static void fill_uniform(const draw *d)
{
	uniform(d, d->init->a, d->init->b);
}

static void fill_fan_in(const draw *d)
{
	double r = 1 / sqrt(d->fan_in);
	uniform(d, -r, r);
}

/* std^2 = gain^2 2 / (fan_in + fan_out); a uniform of that variance reaches sqrt(3) std. */
static double xavier(const draw *d)
{
	return d->init->a * sqrt(2 / (d->fan_in + d->fan_out));
}
static void fill_xavier_uniform(const draw *d)
{
	uniform(d, -sqrt(3) * xavier(d), sqrt(3) * xavier(d));
}
static void fill_xavier_normal(const draw *d)
{
	normal(d, 0, xavier(d));
}

/* std^2 = 2 / ((1 + slope^2) fan_in) */
static double he(const draw *d)
{
	return sqrt(2 / ((1 + d->init->a * d->init->a) * d->fan_in));
}
static void fill_he_uniform(const draw *d)
{
	uniform(d, -sqrt(3) * he(d), sqrt(3) * he(d));
}
static void fill_he_normal(const draw *d)
{
	normal(d, 0, he(d));
}

/* Q of the QR decomposition of a normal matrix [rows, cols], by Gram-Schmidt with
 * reorthogonalisation ("twice is enough", Kahan and Parlett), which is orthogonal to rounding. The
 * diagonal of R is positive, so Q is uniform (Mezzadri 2007). If there are more rows than columns,
 * the columns are made orthonormal. */
static void fill_orthogonal(const draw *d)
{
	int64_t rows = d->shape.rank ? d->shape.dim[0] : 1, cols = d->n / rows;
	int64_t count = rows < cols ? rows : cols, length = rows < cols ? cols : rows;
	/* strides: vector, element */
	int64_t across = rows < cols ? cols : 1, along = rows < cols ? 1 : cols;
	normal(d, 0, 1);
	for (int64_t k = 0; k < count; k++) {
		double *x = d->v + k * across, norm = 0;
		for (int64_t pass = 0; pass < 2; pass++)
			for (int64_t j = 0; j < k; j++) {
				const double *q = d->v + j * across;
				double dot = 0;
				for (int64_t i = 0; i < length; i++)
					dot += q[i * along] * x[i * along];
				for (int64_t i = 0; i < length; i++)
					x[i * along] -= dot * q[i * along];
			}
		for (int64_t i = 0; i < length; i++)
			norm += x[i * along] * x[i * along];
		norm = sqrt(norm);
		for (int64_t i = 0; i < length; i++)
			x[i * along] /= norm;
	}
	for (int64_t i = 0; i < d->n; i++)
		d->v[i] *= d->init->a;
}

static void fill_given(const draw *d)
{
	if (d->init->values)
		memcpy(d->v, d->init->values, d->n * sizeof *d->v);
	else
		memset(d->v, 0, d->n * sizeof *d->v);
}

static void (*const fill[GM_INIT_KINDS])(const draw *) = {
	[GM_INIT_CONSTANT] = fill_constant,
	[GM_INIT_NORMAL] = fill_normal,
	[GM_INIT_UNIFORM] = fill_uniform,
	[GM_INIT_FAN_IN] = fill_fan_in,
	[GM_INIT_XAVIER_UNIFORM] = fill_xavier_uniform,
	[GM_INIT_XAVIER_NORMAL] = fill_xavier_normal,
	[GM_INIT_HE_NORMAL] = fill_he_normal,
	[GM_INIT_HE_UNIFORM] = fill_he_uniform,
	[GM_INIT_ORTHOGONAL] = fill_orthogonal,
	[GM_INIT_GIVEN] = fill_given,
};

void gm_init_fill(const gm_init *init, gm_shape shape, int64_t fan_in, int64_t fan_out, gm_rng *rng,
                  double *v)
{
	const draw d = {init, shape, (double)fan_in, (double)fan_out, rng, gm_net_size(shape), v};
	if (init->kind > 0 && init->kind < GM_INIT_KINDS)
		fill[init->kind](&d);
	else
		memset(v, 0, d.n * sizeof *v);
}
