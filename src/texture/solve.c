/* SPDX-License-Identifier: MIT
 *
 * texture/solve.c -- changes of images that impose statistics on them, as small as they can be
 * (Portilla & Simoncelli 2000, appendix A).
 */
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "texture/parts.h"

/* ---- skewness and kurtosis ------------------------------------------------------------------- */

/* x + l u, where the mean of u and that of x u are 0: its moment of `power` is a polynomial in l,
 * its variance v0 + l^2 v1. */
typedef struct change {
	double c[5], v0, v1; /* c: coefficients of the moment */
	int power;
} change;

static change change_of(const double *x, const double *u, int64_t n, int power)
{
	static const double binomial[2][5] = {{1, 3, 3, 1, 0}, {1, 4, 6, 4, 1}};
	change p = {.power = power};
	for (int64_t i = 0; i < n; i++) {
		double xs[5] = {1, x[i]}, us[5] = {1, u[i]};
		for (int k = 2; k <= power; k++)
			xs[k] = xs[k - 1] * x[i], us[k] = us[k - 1] * u[i];
		for (int k = 0; k <= power; k++)
			p.c[k] += binomial[power - 3][k] * xs[power - k] * us[k] / (double)n;
		p.v0 += x[i] * x[i] / (double)n, p.v1 += u[i] * u[i] / (double)n;
	}
	return p;
}

/* skewness or kurtosis of x + l u */
static double shape_at(const change *p, double l)
{
	double m = 0;
	for (int k = p->power; k >= 0; k--)
		m = m * l + p->c[k];
	return m / pow(p->v0 + l * l * p->v1, .5 * p->power);
}

/* The l nearest to 0 at which the shape is `target`, or as near as it comes: steps away from 0
 * until the target lies between two of them, then halving. */
static double solve(const change *p, double target)
{
	const double at = shape_at(p, 0), sign = target > at ? 1 : -1;
	const double unit = p->v1 > 0 ? sqrt(p->v0 / p->v1) : 0;
	double before = 0, value = at, l = 0;
	for (int i = 1; unit > 0 && i <= 2000; i++) {
		l = sign * unit * (exp(i * .01) - 1) * .2;
		const double now = shape_at(p, l);
		if ((now - target) * sign >= 0) {
			for (int k = 0; k < 80; k++) {
				const double middle = .5 * (before + l);
				if ((shape_at(p, middle) - target) * sign >= 0)
					l = middle;
				else
					before = middle;
			}
			return l;
		}
		if ((now - value) * sign < 0)
			return before; /* the extremum */
		before = l, value = now;
	}
	return before;
}

/* Moves x along u, and back to its variance. */
static void move(double *x, const double *u, int64_t n, int power, double target)
{
	const change p = change_of(x, u, n, power);
	const double l = p.v0 > 0 ? solve(&p, target) : 0;
	const double scale = p.v0 > 0 ? sqrt(p.v0 / (p.v0 + l * l * p.v1)) : 1;
	for (int64_t i = 0; i < n; i++)
		x[i] = (x[i] + l * u[i]) * scale;
}

static void reshape(double *x, int64_t n, int power, double target)
{
	double *u = malloc((size_t)n * sizeof *u);
	const double m2 = gm_texture_moment(x, n, 0, 2), m3 = gm_texture_moment(x, n, 0, 3),
		     m4 = gm_texture_moment(x, n, 0, 4), sd = sqrt(m2);
	for (int64_t i = 0; u && m2 > 0 && i < n; i++)
		u[i] = power == 3 ? x[i] * x[i] - m2 - m3 / m2 * x[i]
		                  : x[i] * x[i] * x[i] - m4 / m2 * x[i] - m3;
	if (u && sd > 0)
		move(x, u, n, power, target);
	free(u);
}

void gm_texture_skew(double *x, int64_t n, double target)
{
	reshape(x, n, 3, target);
}

void gm_texture_kurtosis(double *x, int64_t n, double target)
{
	reshape(x, n, 4, target);
}

/* ---- autocorrelations ------------------------------------------------------------------------ */

enum { LAGS_MOST = 2 * GM_TEXTURE_REACH + 1, UNKNOWNS = (LAGS_MOST * LAGS_MOST + 1) / 2 };

/* Unknown k of a symmetric filter: lag (i, j) and its opposite. */
static int lag_list(int reach, int lag[UNKNOWNS][2])
{
	int n = 0;
	for (int i = -reach; i <= 0; i++)
		for (int j = -reach; j <= reach; j++)
			if (i < 0 || j <= 0)
				lag[n][0] = i, lag[n++][1] = j;
	return n;
}

static double at(const double *x, int height, int width, int i, int j)
{
	i = (i % height + height) % height, j = (j % width + width) % width;
	return x[(int64_t)i * width + j];
}

/* The symmetric filter h whose convolution with the autocorrelation has the target's values. */
static bool filter_of(const double *have, int height, int width, int reach, const double *target,
                      double h[UNKNOWNS], int lag[UNKNOWNS][2], int *count)
{
	double a[UNKNOWNS * UNKNOWNS];
	lapack_int pivot[UNKNOWNS];
	const int n = *count = lag_list(reach, lag), side = 2 * reach + 1;
	for (int r = 0; r < n; r++) {
		h[r] = target[(lag[r][0] + reach) * side + lag[r][1] + reach];
		for (int c = 0; c < n; c++) {
			double v = at(have, height, width, lag[r][0] - lag[c][0],
			              lag[r][1] - lag[c][1]);
			if (lag[c][0] || lag[c][1])
				v += at(have, height, width, lag[r][0] + lag[c][0],
				        lag[r][1] + lag[c][1]);
			a[r * n + c] = v;
		}
	}
	return LAPACKE_dgesv(LAPACK_ROW_MAJOR, n, 1, a, n, pivot, h, 1) == 0;
}

bool gm_texture_lags(gm_fourier *f, double *x, int height, int width, int reach,
                     const double *target, gm_error *err)
{
	const int64_t n = (int64_t)height * width;
	double *have = malloc((size_t)n * sizeof *have), h[UNKNOWNS];
	double complex *gain = calloc((size_t)n, sizeof *gain), *t = malloc((size_t)n * sizeof *t);
	int lag[UNKNOWNS][2], count;
	bool ok = have && gain && t && gm_texture_autocorrelation(f, x, height, width, have);
	/* a singular system has no filter: the image stays as it is, until the next iteration */
	if (ok && filter_of(have, height, width, reach, target, h, lag, &count)) {
		for (int k = 0; k < count; k++)
			for (int sign = -1; sign <= 1; sign += 2) {
				const int i = (sign * lag[k][0] + height) % height,
					  j = (sign * lag[k][1] + width) % width;
				gain[(int64_t)i * width + j] = h[k];
			}
		gm_fourier_run(f, gain, height, width, false);
		for (int64_t i = 0; i < n; i++)
			t[i] = x[i];
		gm_fourier_run(f, t, height, width, false);
		/* squared gains below 0, which an exact solution can have, by their absolute value,
		 * as in the authors' program */
		for (int64_t i = 0; i < n; i++)
			t[i] *= sqrt(fabs(creal(gain[i])));
		gm_fourier_run(f, t, height, width, true);
		for (int64_t i = 0; i < n; i++)
			x[i] = creal(t[i]);
	}
	free(have), free(gain), free(t);
	return ok || gm_fail(err, GM_ERR_MEMORY, "out of memory");
}

/* ---- covariances ----------------------------------------------------------------------------- */

enum { MOST = 2 * GM_TEXTURE_ORIENTATIONS };

/* c = a b, or a' b, or a b' */
static void multiply(const double *a, bool ta, const double *b, bool tb, int rows, int inner,
                     int columns, double *c)
{
	for (int i = 0; i < rows; i++)
		for (int j = 0; j < columns; j++) {
			double sum = 0;
			for (int k = 0; k < inner; k++)
				sum += (ta ? a[k * rows + i] : a[i * inner + k]) *
				       (tb ? b[j * inner + k] : b[k * columns + j]);
			c[i * columns + j] = sum;
		}
}

/* m such that m' have m = want, both [k, k]: E D^-1/2 E' Eo Do^1/2 Eo', of eigenvectors in equal
 * order; negative eigenvalues by their absolute value. */
static bool between(const double *have, const double *want, int k, double *m)
{
	double e[MOST * MOST], eo[MOST * MOST], d[MOST], wd[MOST], t[MOST * MOST], u[MOST * MOST];
	memcpy(e, have, (size_t)(k * k) * sizeof *e);
	memcpy(eo, want, (size_t)(k * k) * sizeof *eo);
	if (LAPACKE_dsyev(LAPACK_ROW_MAJOR, 'V', 'U', k, e, k, d) ||
	    LAPACKE_dsyev(LAPACK_ROW_MAJOR, 'V', 'U', k, eo, k, wd))
		return false;
	multiply(e, true, eo, false, k, k, k, t);
	for (int i = 0; i < k; i++)
		for (int j = 0; j < k; j++) {
			if (!(fabs(d[i]) > 0))
				return false;
			t[i * k + j] *= sqrt(fabs(wd[j])) / sqrt(fabs(d[i]));
		}
	multiply(e, false, t, false, k, k, k, u);
	multiply(u, false, eo, true, k, k, k, m);
	return true;
}

/* x = x mx + y my */
static bool combine(double *const *x, int k, double *const *y, int m, int64_t n, const double *mx,
                    const double *my)
{
	double row[MOST];
	for (int64_t i = 0; i < n; i++) {
		for (int j = 0; j < k; j++) {
			row[j] = 0;
			for (int a = 0; a < k; a++)
				row[j] += x[a][i] * mx[a * k + j];
			for (int a = 0; a < m; a++)
				row[j] += y[a][i] * my[a * k + j];
		}
		for (int j = 0; j < k; j++)
			x[j][i] = row[j];
	}
	return true;
}

bool gm_texture_covariance(double *const *x, int k, double *const *y, int m, int64_t n,
                           const double *co, const double *cxo, gm_error *err)
{
	double bx[MOST * MOST], bxy[MOST * MOST], by[MOST * MOST],
		inverse[MOST * MOST] = {0}, have[MOST * MOST], want[MOST * MOST], t[MOST * MOST],
			       u[MOST * MOST], mx[MOST * MOST], my[MOST * MOST] = {0},
			       w[MOST * MOST];
	lapack_int pivot[MOST];
	if (k > MOST || m > MOST)
		return gm_fail(err, GM_ERR_VALUE, "more than %d variables", MOST);
	for (int a = 0; a < k; a++) {
		for (int b = 0; b < k; b++)
			bx[a * k + b] = gm_texture_product(x[a], x[b], n);
		for (int b = 0; b < m; b++)
			bxy[a * m + b] = gm_texture_product(x[a], y[b], n);
	}
	for (int a = 0; a < m; a++) {
		for (int b = 0; b < m; b++)
			by[a * m + b] = gm_texture_product(y[a], y[b], n);
		inverse[a * m + a] = 1;
	}
	memcpy(have, bx, sizeof have);
	memcpy(want, co, (size_t)(k * k) * sizeof *want);
	if (m) {
		if (LAPACKE_dgesv(LAPACK_ROW_MAJOR, m, m, by, m, pivot, inverse, m))
			return true; /* parents without variance: nothing can follow them */
		/* Schur complements: what the parents do not explain */
		multiply(bxy, false, inverse, false, k, m, m, t);
		multiply(t, false, bxy, true, k, m, k, u);
		for (int i = 0; i < k * k; i++)
			have[i] -= u[i];
		multiply(cxo, false, inverse, false, k, m, m, t);
		multiply(t, false, cxo, true, k, m, k, u);
		for (int i = 0; i < k * k; i++)
			want[i] -= u[i];
	}
	if (!between(have, want, k, mx))
		return true; /* no variance to change */
	if (m) {
		/* my = By^-1 (Cxy' - Bxy' mx) */
		multiply(bxy, true, mx, false, m, k, k, w);
		for (int a = 0; a < m; a++)
			for (int b = 0; b < k; b++)
				t[a * k + b] = cxo[b * m + a] - w[a * k + b];
		multiply(inverse, false, t, false, m, m, k, my);
	}
	return combine(x, k, y, m, n, mx, my);
}
