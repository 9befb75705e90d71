/* SPDX-License-Identifier: MIT
 *
 * lab/density.c -- one-dimensional densities.
 */
#include "lab/density.h"

#include <math.h>

static double normal(double x, double mean, double sigma)
{
	double z = (x - mean) / sigma;
	return exp(-.5 * z * z) / (sigma * sqrt(2 * M_PI));
}

double gm_density(const gm_bump *b, int n, double x)
{
	double p = 0;
	for (int i = 0; i < n; i++)
		p += b[i].weight * normal(x, b[i].mean, b[i].sigma);
	return p;
}

void gm_density_draw(const gm_bump *b, int bumps, gm_rng *rng, float *x, int n)
{
	for (int i = 0; i < n; i++) {
		double u = gm_rng_uniform(rng);
		int k = 0;
		while (k < bumps - 1 && u >= b[k].weight)
			u -= b[k++].weight;
		x[i] = (float)(b[k].mean + b[k].sigma * gm_rng_normal(rng));
	}
}

void gm_density_estimate(const float *x, int n, double h, const double *at, double *p, int m)
{
	for (int i = 0; i < m; i++) {
		p[i] = 0;
		for (int k = 0; k < n; k++)
			p[i] += fabs(at[i] - x[k]) < 6 * h ? normal(at[i], x[k], h) / n : 0;
	}
}

double gm_density_jsd(const double *p, const double *q, int n, double dx)
{
	double sum = 0;
	for (int i = 0; i < n; i++) {
		double m = (p[i] + q[i]) / 2, part = 0;
		part += p[i] > 0 ? p[i] * log(p[i] / m) / 2 : 0;
		part += q[i] > 0 ? q[i] * log(q[i] / m) / 2 : 0;
		sum += part * (i == 0 || i == n - 1 ? .5 : 1);
	}
	return sum * dx;
}
