/* SPDX-License-Identifier: MIT
 *
 * lab/density.h -- one-dimensional densities: normal mixtures, and estimates from samples.
 */
#ifndef GM_LAB_DENSITY_H
#define GM_LAB_DENSITY_H

#include "ganymede/base.h"

typedef struct gm_bump {
	double weight, mean, sigma;
} gm_bump;

double gm_density(const gm_bump *b, int n, double x);
/* n samples of the mixture */
void gm_density_draw(const gm_bump *b, int bumps, gm_rng *rng, float *x, int n);
/* Kernel density estimate of x[n] at the m points `at`, with Gaussian kernels of width h. */
void gm_density_estimate(const float *x, int n, double h, const double *at, double *p, int m);
/* 1/2 KL(p | m) + 1/2 KL(q | m), m = (p + q) / 2, by the trapezoid rule with step dx; in nats. */
double gm_density_jsd(const double *p, const double *q, int n, double dx);

#endif
