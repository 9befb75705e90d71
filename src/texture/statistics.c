/* SPDX-License-Identifier: MIT
 *
 * texture/statistics.c -- the statistics of a texture: see portilla.h. Variances are those of the
 * population, covariances are not normalised. The phase of the coarser scale is doubled as the
 * paper says; the authors' program exchanges the arguments of atan2 there, which changes the sign
 * of half of the group `phases`.
 */
#include "texture/portilla.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "texture/parts.h"

enum {
	S = GM_TEXTURE_SCALES,
	K = GM_TEXTURE_ORIENTATIONS,
	REACH = GM_TEXTURE_REACH,
	LAGS = GM_TEXTURE_LAGS
};

const char *const gm_texture_group_names[GM_TEXTURE_GROUPS] = {
	"pixels",
	"marginals of low-pass images",
	"high-pass variance",
	"autocorrelations of low-pass images",
	"autocorrelations of magnitudes",
	"magnitudes across orientations",
	"magnitudes across scales",
	"phases across scales"};

double gm_texture_mean(const double *x, int64_t n)
{
	double sum = 0;
	for (int64_t i = 0; i < n; i++)
		sum += x[i];
	return sum / (double)n;
}

double gm_texture_moment(const double *x, int64_t n, double mean, int power)
{
	double sum = 0;
	for (int64_t i = 0; i < n; i++) {
		const double d = x[i] - mean, q = d * d;
		sum += power == 2 ? q : power == 3 ? q * d : q * q;
	}
	return sum / (double)n;
}

void gm_texture_centre(double *x, int64_t n)
{
	const double mean = gm_texture_mean(x, n);
	for (int64_t i = 0; i < n; i++)
		x[i] -= mean;
}

bool gm_texture_autocorrelation(gm_fourier *f, const double *x, int height, int width, double *out)
{
	const int64_t n = (int64_t)height * width;
	double complex *t = malloc((size_t)n * sizeof *t);
	for (int64_t i = 0; t && i < n; i++)
		t[i] = x[i];
	if (!t)
		return false;
	gm_fourier_run(f, t, height, width, false);
	for (int64_t i = 0; i < n; i++)
		t[i] = creal(t[i]) * creal(t[i]) + cimag(t[i]) * cimag(t[i]);
	gm_fourier_run(f, t, height, width, true);
	for (int64_t i = 0; i < n; i++)
		out[i] = creal(t[i]) / (double)n;
	free(t);
	return true;
}

/* The lags around 0 of an autocorrelation [height, width]. */
static bool lags_of(gm_fourier *f, const double *x, int height, int width, double out[LAGS][LAGS])
{
	double *all = malloc((size_t)height * width * sizeof *all);
	const bool ok = all && gm_texture_autocorrelation(f, x, height, width, all);
	for (int i = -REACH; ok && i <= REACH; i++)
		for (int j = -REACH; j <= REACH; j++)
			out[i + REACH][j + REACH] =
				all[(int64_t)((i + height) % height) * width + (j + width) % width];
	free(all);
	return ok;
}

/* Skewness and kurtosis about 0, where there is enough variance. */
static void marginals(const double *x, int64_t n, double pixels, double *skew, double *kurtosis)
{
	const double v = gm_texture_moment(x, n, 0, 2);
	*skew = 0, *kurtosis = 3;
	if (v > 1e-6 * pixels)
		*skew = gm_texture_moment(x, n, 0, 3) / pow(v, 1.5),
		*kurtosis = gm_texture_moment(x, n, 0, 4) / (v * v);
}

double gm_texture_product(const double *x, const double *y, int64_t n)
{
	double sum = 0;
	for (int64_t i = 0; i < n; i++)
		sum += x[i] * y[i];
	return sum / (double)n;
}

/* Magnitudes less their mean, and real parts of a band. */
static void parts_of(const double complex *band, int64_t n, double *magnitude, double *real,
                     double *mean)
{
	for (int64_t i = 0; i < n; i++)
		magnitude[i] = cabs(band[i]), real[i] = creal(band[i]);
	*mean = gm_texture_mean(magnitude, n);
	for (int64_t i = 0; i < n; i++)
		magnitude[i] -= *mean;
}

bool gm_texture_parents(gm_fourier *f, const gm_steerable *p, int s, double *const *magnitude,
                        double *const *doubled)
{
	const int h = p->height >> s, w = p->width >> s;
	const int64_t n = (int64_t)h * w;
	double complex *t = malloc((size_t)n * sizeof *t);
	bool ok = t != NULL;
	for (int b = 0; ok && b < K; b++) {
		ok = gm_pyramid_expand(f, p->band[s + 1][b], h / 2, w / 2, t);
		for (int64_t i = 0; ok && i < n; i++) {
			const double r = cabs(t[i]), phase = 2 * carg(t[i]);
			magnitude[b][i] = r;
			doubled[b][i] = r * cos(phase), doubled[K + b][i] = r * sin(phase);
		}
		if (ok)
			gm_texture_centre(magnitude[b], n);
	}
	free(t);
	return ok;
}

double **gm_texture_rows(int rows, int64_t n)
{
	double **x = malloc((size_t)rows * sizeof *x),
	       *all = malloc((size_t)(rows * n) * sizeof *all);
	if (!x || !all) {
		free(x), free(all);
		return NULL;
	}
	for (int i = 0; i < rows; i++)
		x[i] = all + i * n;
	return x;
}

void gm_texture_rows_free(double **x)
{
	if (x)
		free(x[0]);
	free(x);
}

static bool scale_of(gm_fourier *f, const gm_steerable *p, int s, gm_texture_statistics *t)
{
	const int h = p->height >> s, w = p->width >> s;
	const int64_t n = (int64_t)h * w;
	double **x = gm_texture_rows(5 * K, n), **magnitude = x, **real = x + K,
	       **parent = x + 2 * K, **doubled = x + 3 * K;
	bool ok = x != NULL;
	for (int b = 0; ok && b < K; b++) {
		parts_of(p->band[s][b], n, magnitude[b], real[b], &t->magnitude[s][b]);
		ok = lags_of(f, magnitude[b], h, w, t->magnitude_lags[s][b]);
	}
	if (ok && s + 1 < S)
		ok = gm_texture_parents(f, p, s, parent, doubled);
	for (int a = 0; ok && a < K; a++) {
		for (int b = 0; b < K; b++)
			t->oriented[s][a][b] = gm_texture_product(magnitude[a], magnitude[b], n);
		for (int b = 0; s + 1 < S && b < K; b++)
			t->scaled[s][a][b] = gm_texture_product(magnitude[a], parent[b], n);
		for (int b = 0; s + 1 < S && b < 2 * K; b++)
			t->phases[s][a][b] = gm_texture_product(real[a], doubled[b], n);
	}
	gm_texture_rows_free(x);
	return ok;
}

/* The low-pass images, coarsest first. */
static bool low_of(gm_fourier *f, const gm_steerable *p, gm_texture_statistics *t)
{
	int h = p->height >> S, w = p->width >> S;
	const int64_t all = (int64_t)p->height * p->width;
	double complex *y = malloc((size_t)all * sizeof *y),
		       *next = malloc((size_t)all * sizeof *y);
	double *x = malloc((size_t)all * sizeof *x);
	bool ok = y && next && x;
	for (int s = S; ok && s >= 0; s--) {
		const int64_t n = (int64_t)h * w;
		if (s == S) {
			double mean = 0;
			for (int64_t i = 0; i < n; i++)
				mean += creal(p->low[i]) / (double)n;
			for (int64_t i = 0; i < n; i++)
				y[i] = creal(p->low[i]) - mean;
			gm_pyramid_residual(f, y, h, w, false);
		} else {
			ok = gm_pyramid_expand(f, y, h / 2, w / 2, next) &&
			     gm_pyramid_add_bands(f, p->band[s], K, h, w, next);
			double complex *swap = y;
			y = next, next = swap;
		}
		for (int64_t i = 0; ok && i < n; i++)
			y[i] = x[i] = creal(y[i]);
		if (ok)
			marginals(x, n, t->variance, &t->low_skew[s], &t->low_kurtosis[s]);
		ok = ok && lags_of(f, x, h, w, t->low_lags[s]);
		h *= 2, w *= 2;
	}
	free(y), free(next), free(x);
	return ok;
}

bool gm_texture_analyse(gm_fourier *f, const double *x, int height, int width,
                        gm_texture_statistics *t, gm_error *err)
{
	const int64_t n = (int64_t)height * width;
	gm_steerable p;
	*t = (gm_texture_statistics){0};
	if (height < 1 || width < 1 || height % GM_TEXTURE_UNIT || width % GM_TEXTURE_UNIT)
		return gm_fail(err, GM_ERR_VALUE, "%dx%d: both sides must be multiples of %d",
		               width, height, GM_TEXTURE_UNIT);
	if (!gm_steerable_build(f, x, height, width, S, K, &p, err))
		return false;
	t->mean = gm_texture_mean(x, n);
	t->variance = gm_texture_moment(x, n, t->mean, 2);
	t->least = t->most = x[0];
	for (int64_t i = 0; i < n; i++)
		t->least = fmin(t->least, x[i]), t->most = fmax(t->most, x[i]);
	t->skew = 0, t->kurtosis = 3;
	if (t->variance > 0)
		t->skew = gm_texture_moment(x, n, t->mean, 3) / pow(t->variance, 1.5),
		t->kurtosis = gm_texture_moment(x, n, t->mean, 4) / (t->variance * t->variance);
	for (int64_t i = 0; i < n; i++)
		t->high += creal(p.high[i]) * creal(p.high[i]) / (double)n;
	bool ok = low_of(f, &p, t);
	for (int s = 0; ok && s < S; s++)
		ok = scale_of(f, &p, s, t);
	gm_steerable_free(&p);
	return ok || gm_fail(err, GM_ERR_MEMORY, "out of memory");
}

/* ---- as numbers ------------------------------------------------------------------------------ */

/* Half of the lags: the others are equal. */
static int half(const double lags[LAGS][LAGS], double *out)
{
	int n = 0;
	for (int i = 0; i <= REACH; i++)
		for (int j = 0; j < LAGS; j++)
			if (i < REACH || j <= REACH)
				out[n++] = lags[i][j];
	return n;
}

int gm_texture_numbers(const gm_texture_statistics *t, gm_texture_group group, double *out)
{
	const double pixels[] = {t->mean, t->variance, t->skew, t->kurtosis, t->least, t->most};
	int n = 0;
	switch (group) {
	case GM_TEXTURE_PIXELS:
		memcpy(out, pixels, sizeof pixels);
		return 6;
	case GM_TEXTURE_MARGINALS:
		for (int s = 0; s <= S; s++)
			out[n++] = t->low_skew[s], out[n++] = t->low_kurtosis[s];
		return n;
	case GM_TEXTURE_HIGH:
		out[0] = t->high;
		return 1;
	case GM_TEXTURE_LOW_LAGS:
		for (int s = 0; s <= S; s++)
			n += half(t->low_lags[s], out + n);
		return n;
	case GM_TEXTURE_MAGNITUDE_LAGS:
		for (int s = 0; s < S; s++)
			for (int b = 0; b < K; b++)
				n += half(t->magnitude_lags[s][b], out + n);
		return n;
	case GM_TEXTURE_ORIENTED:
		for (int s = 0; s < S; s++)
			for (int a = 0; a < K; a++)
				for (int b = a + 1; b < K; b++)
					out[n++] = t->oriented[s][a][b];
		return n;
	case GM_TEXTURE_SCALED:
		memcpy(out, t->scaled, sizeof t->scaled);
		return (S - 1) * K * K;
	case GM_TEXTURE_PHASES:
		memcpy(out, t->phases, sizeof t->phases);
		return (S - 1) * K * 2 * K;
	default:
		return 0;
	}
}

double gm_texture_distance(const gm_texture_statistics *t, const gm_texture_statistics *target,
                           gm_texture_group group)
{
	double a[GM_TEXTURE_NUMBERS], b[GM_TEXTURE_NUMBERS], difference = 0, length = 0;
	const int n = gm_texture_numbers(t, group, a);
	gm_texture_numbers(target, group, b);
	for (int i = 0; i < n; i++)
		difference += (a[i] - b[i]) * (a[i] - b[i]), length += b[i] * b[i];
	return length > 0 ? sqrt(difference / length) : sqrt(difference);
}
