/* SPDX-License-Identifier: MIT
 *
 * texture/synthesis.c -- images with given statistics (Portilla & Simoncelli 2000, section 3.2):
 * see portilla.h. One iteration goes through the pyramid from the coarsest scale and imposes one
 * group of statistics after the other; the next one starts from the result plus .8 times its
 * change.
 */
#include "texture/portilla.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/progress.h"
#include "texture/parts.h"

enum {
	S = GM_TEXTURE_SCALES,
	K = GM_TEXTURE_ORIENTATIONS,
	REACH = GM_TEXTURE_REACH,
	LAGS = GM_TEXTURE_LAGS
};
#define MOMENTUM .8 /* over-relaxation */
#define ENOUGH 1e-4 /* of the pixels' variance: below it, only the variance is imposed */

typedef struct work {
	gm_fourier *f;
	const gm_texture_statistics *t;
	const gm_texture_options *o;
	gm_error *err;
} work;

static bool wanted(const work *w, gm_texture_group g)
{
	return !(w->o->without >> g & 1);
}

/* Autocorrelation, skewness, kurtosis of low-pass image s. */
static bool impose_low(work *w, int s, double *x, int height, int width)
{
	const int64_t n = (int64_t)height * width;
	const double variance = w->t->low_lags[s][REACH][REACH],
		     now = gm_texture_moment(x, n, 0, 2);
	bool ok = true;
	if (variance > ENOUGH * w->t->variance && wanted(w, GM_TEXTURE_LOW_LAGS))
		ok = gm_texture_lags(w->f, x, height, width, REACH, &w->t->low_lags[s][0][0],
		                     w->err);
	else
		for (int64_t i = 0; now > 0 && i < n; i++)
			x[i] *= sqrt(variance / now);
	if (variance > ENOUGH * w->t->variance && wanted(w, GM_TEXTURE_MARGINALS)) {
		gm_texture_centre(x, n);
		gm_texture_skew(x, n, w->t->low_skew[s]);
		gm_texture_kurtosis(x, n, w->t->low_kurtosis[s]);
	}
	return ok;
}

/* Magnitudes of the bands of scale s: covariances, autocorrelations, means; phases stay. */
static bool impose_magnitudes(work *w, gm_steerable *p, int s, double *const *magnitude,
                              double *const *parent)
{
	const int h = p->height >> s, width = p->width >> s;
	const int64_t n = (int64_t)h * width;
	bool ok = true;
	for (int b = 0; b < K; b++) {
		for (int64_t i = 0; i < n; i++)
			magnitude[b][i] = cabs(p->band[s][b][i]);
		gm_texture_centre(magnitude[b], n);
	}
	if (wanted(w, GM_TEXTURE_ORIENTED))
		ok = gm_texture_covariance(
			magnitude, K, parent, parent && wanted(w, GM_TEXTURE_SCALED) ? K : 0, n,
			&w->t->oriented[s][0][0], parent ? &w->t->scaled[s][0][0] : NULL, w->err);
	for (int b = 0; ok && b < K; b++) {
		if (wanted(w, GM_TEXTURE_MAGNITUDE_LAGS))
			ok = gm_texture_lags(w->f, magnitude[b], h, width, REACH,
			                     &w->t->magnitude_lags[s][b][0][0], w->err);
		for (int64_t i = 0; i < n; i++) {
			const double r = cabs(p->band[s][b][i]),
				     v = fmax(0, magnitude[b][i] + w->t->magnitude[s][b]);
			p->band[s][b][i] = r > 0 ? p->band[s][b][i] * (v / r) : v;
		}
	}
	return ok;
}

/* Real parts of scale s against the doubled phases of the next coarser scale; then analytic
 * again. */
static bool impose_phases(work *w, gm_steerable *p, int s, double *real, double *const *doubled)
{
	const int h = p->height >> s, width = p->width >> s;
	const int64_t n = (int64_t)h * width;
	bool ok = true;
	for (int b = 0; ok && b < K; b++) {
		for (int64_t i = 0; i < n; i++)
			real[i] = creal(p->band[s][b][i]);
		const double variance = gm_texture_product(real, real, n);
		if (doubled && wanted(w, GM_TEXTURE_PHASES))
			ok = gm_texture_covariance(&real, 1, doubled, 2 * K, n, &variance,
			                           w->t->phases[s][b], w->err);
		for (int64_t i = 0; i < n; i++)
			p->band[s][b][i] = real[i];
		gm_pyramid_analytic(w->f, p->band[s][b], h, width, b, K);
	}
	return ok;
}

static bool impose_scale(work *w, gm_steerable *p, int s)
{
	const int64_t n = (int64_t)(p->height >> s) * (p->width >> s);
	double **x = gm_texture_rows(4 * K + 1, n), **parent = x + K, **doubled = x + 2 * K;
	bool ok = x || gm_fail(w->err, GM_ERR_MEMORY, "out of memory");
	if (ok && s + 1 < S)
		ok = gm_texture_parents(w->f, p, s, parent, doubled) ||
		     gm_fail(w->err, GM_ERR_MEMORY, "out of memory");
	else
		parent = doubled = NULL;
	ok = ok && impose_magnitudes(w, p, s, x, parent) &&
	     impose_phases(w, p, s, x[4 * K], doubled);
	gm_texture_rows_free(x);
	return ok;
}

static bool impose_pixels(work *w, double *x, int64_t n)
{
	const gm_texture_statistics *t = w->t;
	gm_texture_centre(x, n);
	const double now = gm_texture_moment(x, n, 0, 2);
	for (int64_t i = 0; now > 0 && i < n; i++)
		x[i] *= sqrt(t->variance / now);
	if (wanted(w, GM_TEXTURE_PIXELS)) {
		gm_texture_skew(x, n, t->skew);
		gm_texture_kurtosis(x, n, t->kurtosis);
	}
	for (int64_t i = 0; i < n; i++) {
		x[i] += t->mean;
		if (wanted(w, GM_TEXTURE_PIXELS))
			x[i] = fmin(fmax(x[i], t->least), t->most);
	}
	return true;
}

/* Low-pass images from the coarsest, with all that is imposed on the way, to y [height, width]. */
static bool climb(work *w, gm_steerable *p, double complex **y, double complex **next, double *x)
{
	int h = p->height >> S, width = p->width >> S;
	bool ok = true;
	for (int s = S; ok && s >= 0; s--) {
		const int64_t n = (int64_t)h * width;
		if (s == S) {
			for (int64_t i = 0; i < n; i++)
				x[i] = creal(p->low[i]);
			gm_texture_centre(x, n);
			for (int64_t i = 0; i < n; i++)
				(*y)[i] = x[i];
			gm_pyramid_residual(w->f, *y, h, width, false);
		} else {
			ok = impose_scale(w, p, s) &&
			     ((gm_pyramid_expand(w->f, *y, h / 2, width / 2, *next) &&
			       gm_pyramid_add_bands(w->f, p->band[s], K, h, width, *next)) ||
			      gm_fail(w->err, GM_ERR_MEMORY, "out of memory"));
			double complex *swap = *y;
			*y = *next, *next = swap;
		}
		for (int64_t i = 0; ok && i < n; i++)
			x[i] = creal((*y)[i]);
		ok = ok && impose_low(w, s, x, h, width);
		for (int64_t i = 0; ok && i < n; i++)
			(*y)[i] = x[i];
		h *= 2, width *= 2;
	}
	return ok;
}

/* One iteration on x [height, width]. */
static bool iterate(work *w, double *x)
{
	const int h = w->o->height, width = w->o->width;
	const int64_t n = (int64_t)h * width;
	double complex *y = malloc((size_t)n * sizeof *y), *next = malloc((size_t)n * sizeof *next);
	gm_steerable p = {0};
	bool ok = (y && next) || gm_fail(w->err, GM_ERR_MEMORY, "out of memory");
	ok = ok && gm_steerable_build(w->f, x, h, width, S, K, &p, w->err) &&
	     climb(w, &p, &y, &next, x);
	if (ok) {
		double high = 0;
		for (int64_t i = 0; i < n; i++)
			high += creal(p.high[i]) * creal(p.high[i]) / (double)n;
		const double scale = high > w->t->high && wanted(w, GM_TEXTURE_HIGH)
		                             ? sqrt(w->t->high / high)
		                             : 1;
		for (int64_t i = 0; i < n; i++)
			next[i] = creal(p.high[i]) * scale;
		gm_pyramid_residual(w->f, next, h, width, true);
		for (int64_t i = 0; i < n; i++)
			x[i] = creal(y[i]) + creal(next[i]);
		ok = impose_pixels(w, x, n);
	}
	gm_steerable_free(&p);
	free(y), free(next);
	return ok;
}

bool gm_texture_synthesise(gm_fourier *f, const gm_texture_statistics *target,
                           const gm_texture_options *o, double *out, gm_error *err)
{
	const int64_t n = (int64_t)o->height * o->width;
	const int iterations = o->iterations ? o->iterations : 50;
	work w = {f, target, o, err};
	if (o->height < 1 || o->width < 1 || o->height % GM_TEXTURE_UNIT ||
	    o->width % GM_TEXTURE_UNIT)
		return gm_fail(err, GM_ERR_VALUE, "%dx%d: both sides must be multiples of %d",
		               o->width, o->height, GM_TEXTURE_UNIT);
	double *x = malloc((size_t)n * sizeof *x);
	gm_rng rng = gm_rng_new(o->seed, 0);
	bool ok = x || gm_fail(err, GM_ERR_MEMORY, "out of memory");
	/* Matrices are small here: further threads of OpenBLAS would only wait, which was half
	 * of the CPU time. */
	const int threads = openblas_get_num_threads();
	openblas_set_num_threads(1);
	for (int64_t i = 0; ok && i < n; i++)
		x[i] = target->mean + sqrt(target->variance) * gm_rng_normal(&rng);
	for (int k = 0; ok && k < iterations; k++) {
		ok = gm_progress_tell("synthesising", (uint64_t)k, (uint64_t)iterations,
		                      "iterations", err) &&
		     iterate(&w, x);
		/* x: this result; out: the last one */
		for (int64_t i = 0; ok && i < n; i++) {
			const double now = x[i];
			if (k > 0 && k + 1 < iterations)
				x[i] += MOMENTUM * (now - out[i]);
			out[i] = now;
		}
	}
	gm_progress_end();
	openblas_set_num_threads(threads);
	free(x);
	return ok;
}
