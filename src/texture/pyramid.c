/* SPDX-License-Identifier: MIT
 *
 * texture/pyramid.c -- see pyramid.h. Masks are computed exactly, where the authors' programs
 * interpolate tables.
 */
#include "texture/pyramid.h"

#include <fftw3.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIZES = 24 };

struct gm_fourier {
	struct {
		int height, width;
		fftw_plan plan[2]; /* forward, back */
	} size[SIZES];
	int sizes, next;
};

gm_fourier *gm_fourier_new(gm_error *err)
{
	gm_fourier *f = calloc(1, sizeof *f);
	if (!f)
		gm_fail(err, GM_ERR_MEMORY, "out of memory");
	return f;
}

static void forget(gm_fourier *f, int i)
{
	fftw_destroy_plan(f->size[i].plan[0]);
	fftw_destroy_plan(f->size[i].plan[1]);
}

void gm_fourier_free(gm_fourier *f)
{
	for (int i = 0; f && i < f->sizes; i++)
		forget(f, i);
	free(f);
}

/* Plans for a size; with FFTW_ESTIMATE the array is not touched. */
static fftw_plan plan_of(gm_fourier *f, double complex *x, int height, int width, bool back)
{
	for (int i = 0; i < f->sizes; i++)
		if (f->size[i].height == height && f->size[i].width == width)
			return f->size[i].plan[back];
	const int i = f->sizes < SIZES ? f->sizes++ : f->next++ % SIZES;
	if (f->size[i].plan[0])
		forget(f, i);
	f->size[i].height = height, f->size[i].width = width;
	for (int k = 0; k < 2; k++)
		f->size[i].plan[k] =
			fftw_plan_dft_2d(height, width, x, x, k ? FFTW_BACKWARD : FFTW_FORWARD,
		                         FFTW_ESTIMATE | FFTW_UNALIGNED);
	return f->size[i].plan[back];
}

void gm_fourier_run(gm_fourier *f, double complex *x, int height, int width, bool back)
{
	const int64_t n = (int64_t)height * width;
	fftw_execute_dft(plan_of(f, x, height, width, back), x, x);
	for (int64_t i = 0; back && i < n; i++)
		x[i] /= (double)n;
}

/* ---- masks ----------------------------------------------------------------------------------- */

/* The frequency of place k of n, 1 at Nyquist. */
static double frequency(int k, int n)
{
	return 2. * (k < n - n / 2 ? k : k - n) / n;
}

/* log2 of the radius; at 0 that of the neighbour, so that it exists. */
static double log_radius(double u, double v, int height, int width)
{
	const double least = 2. / (height > width ? height : width);
	return log2(fmax(hypot(u, v), least));
}

/* C(u) = cos(pi/2 u) for -1 <= u <= 0, 0 below, 1 above; S(u) = sqrt(1 - C^2) */
static double rise(double u)
{
	return u <= -1 ? 0 : u >= 0 ? 1 : cos(M_PI / 2 * u);
}

static double fall(double u)
{
	return u <= -1 ? 1 : u >= 0 ? 0 : sin(-M_PI / 2 * u);
}

/* sqrt(const) = 2^n n! / sqrt(K (2n)!), n = K - 1: the squares of cos^n over K orientations sum to
 * 1/const */
static double gain_of(int orientations)
{
	const int n = orientations - 1;
	return exp(n * log(2) + lgamma(n + 1) - .5 * (log(orientations) + lgamma(2 * n + 1)));
}

static double complex power_of_j(int n, int sign)
{
	static const double complex power[] = {1, I, -1, -I};
	return power[((sign * n) % 4 + 4) % 4];
}

/* A mask times the spectrum x [height, width]: of a residual. */
static void weigh(double complex *x, int height, int width, double (*of)(double u))
{
	for (int i = 0; i < height; i++)
		for (int j = 0; j < width; j++)
			x[(int64_t)i * width + j] *= of(log_radius(
				frequency(i, height), frequency(j, width), height, width));
}

/* cos(theta - pi b / K) of a frequency */
static double along(double u, double v, int b, int orientations)
{
	const double theta = M_PI * b / orientations;
	const double r = hypot(u, v);
	return r > 0 ? (v * cos(theta) + u * sin(theta)) / r : cos(theta);
}

/* The spectrum of band b from that of what is left, to y: both half-planes, or one, doubled. */
static void band_of(const double complex *x, int height, int width, int b, int orientations,
                    bool analytic, int sign, double complex *y)
{
	const int n = orientations - 1;
	const double complex phase = power_of_j(n, sign);
	const double gain = gain_of(orientations);
	for (int i = 0; i < height; i++)
		for (int j = 0; j < width; j++) {
			const double u = frequency(i, height), v = frequency(j, width);
			const double c = along(u, v, b, orientations);
			double mask = rise(log_radius(u, v, height, width) + 1) * gain * pow(c, n);
			if (analytic)
				mask = c > 0 ? 2 * mask : 0;
			y[(int64_t)i * width + j] = x[(int64_t)i * width + j] * mask * phase;
		}
}

/* ---- building -------------------------------------------------------------------------------- */

static double complex *field(int height, int width)
{
	return malloc((size_t)height * width * sizeof(double complex));
}

/* The middle half of a spectrum: the low frequencies. */
static void crop(const double complex *x, int height, int width, double complex *y)
{
	const int h = height / 2, w = width / 2;
	for (int i = 0; i < h; i++)
		for (int j = 0; j < w; j++) {
			const int from = i < h - h / 2 ? i : height - h + i,
				  at = j < w - w / 2 ? j : width - w + j;
			y[(int64_t)i * w + j] = x[(int64_t)from * width + at];
		}
}

static bool build(gm_fourier *f, double complex *rest, gm_steerable *p)
{
	int h = p->height, w = p->width;
	for (int s = 0; s < p->scales; s++, h /= 2, w /= 2) {
		for (int b = 0; b < p->orientations; b++) {
			if (!(p->band[s][b] = field(h, w)))
				return false;
			band_of(rest, h, w, b, p->orientations, true, -1, p->band[s][b]);
			gm_fourier_run(f, p->band[s][b], h, w, true);
		}
		double complex *half = field(h / 2, w / 2);
		if (!half)
			return false;
		crop(rest, h, w, half);
		weigh(half, h / 2, w / 2, fall);
		memcpy(rest, half, (size_t)(h / 2) * (w / 2) * sizeof *half);
		free(half);
	}
	if (!(p->low = field(h, w)))
		return false;
	memcpy(p->low, rest, (size_t)h * w * sizeof *rest);
	gm_fourier_run(f, p->low, h, w, true);
	return true;
}

bool gm_steerable_build(gm_fourier *f, const double *x, int height, int width, int scales,
                        int orientations, gm_steerable *p, gm_error *err)
{
	const int64_t n = (int64_t)height * width;
	*p = (gm_steerable){
		.height = height, .width = width, .scales = scales, .orientations = orientations};
	if (scales < 1 || scales > GM_PYRAMID_SCALES || orientations < 2 ||
	    orientations > GM_PYRAMID_ORIENTATIONS)
		return gm_fail(err, GM_ERR_VALUE, "a pyramid of %d scales and %d orientations",
		               scales, orientations);
	if (height < 1 || width < 1 || height % (2 << scales) || width % (2 << scales))
		return gm_fail(err, GM_ERR_VALUE, "%dx%d: both sides must be multiples of %d",
		               width, height, 2 << scales);
	double complex *rest = field(height, width);
	bool ok = rest && (p->high = field(height, width));
	for (int64_t i = 0; ok && i < n; i++)
		rest[i] = x[i];
	if (ok) {
		gm_fourier_run(f, rest, height, width, false);
		memcpy(p->high, rest, (size_t)n * sizeof *rest);
		weigh(p->high, height, width, rise);
		gm_fourier_run(f, p->high, height, width, true);
		weigh(rest, height, width, fall);
		ok = build(f, rest, p);
	}
	free(rest);
	if (ok)
		return true;
	gm_steerable_free(p);
	return gm_fail(err, GM_ERR_MEMORY, "no memory for a pyramid of %dx%d", width, height);
}

void gm_steerable_free(gm_steerable *p)
{
	free(p->high);
	free(p->low);
	for (int s = 0; s < GM_PYRAMID_SCALES; s++)
		for (int b = 0; b < GM_PYRAMID_ORIENTATIONS; b++)
			free(p->band[s][b]);
	*p = (gm_steerable){0};
}

/* ---- the way back ---------------------------------------------------------------------------- */

void gm_pyramid_residual(gm_fourier *f, double complex *x, int height, int width, bool high)
{
	gm_fourier_run(f, x, height, width, false);
	weigh(x, height, width, high ? rise : fall);
	gm_fourier_run(f, x, height, width, true);
}

bool gm_pyramid_add_bands(gm_fourier *f, double complex *const *b, int orientations, int height,
                          int width, double complex *y)
{
	const int64_t n = (int64_t)height * width;
	double complex *sum = calloc((size_t)n, sizeof *sum), *one = field(height, width);
	const bool ok = sum && one;
	for (int k = 0; ok && k < orientations; k++) {
		for (int64_t i = 0; i < n; i++)
			one[i] = creal(b[k][i]);
		gm_fourier_run(f, one, height, width, false);
		band_of(one, height, width, k, orientations, false, 1, one);
		for (int64_t i = 0; i < n; i++)
			sum[i] += one[i];
	}
	if (ok) {
		weigh(sum, height, width, fall);
		gm_fourier_run(f, sum, height, width, true);
		for (int64_t i = 0; i < n; i++)
			y[i] += creal(sum[i]);
	}
	free(sum);
	free(one);
	return ok;
}

bool gm_pyramid_expand(gm_fourier *f, const double complex *x, int height, int width,
                       double complex *y)
{
	const int64_t n = (int64_t)height * width;
	double complex *t = field(height, width);
	if (!t)
		return false;
	memcpy(t, x, (size_t)n * sizeof *t);
	gm_fourier_run(f, t, height, width, false);
	memset(y, 0, (size_t)(4 * n) * sizeof *y);
	for (int i = 0; i < height; i++)
		for (int j = 0; j < width; j++) {
			/* a Nyquist line is half of the line at either sign */
			const bool edge = i == height / 2, side = j == width / 2;
			const int row = i < height - height / 2 ? i : i + height,
				  column = j < width - width / 2 ? j : j + width;
			const double share = (edge ? .5 : 1) * (side ? .5 : 1);
			for (int a = 0; a <= edge; a++)
				for (int b = 0; b <= side; b++)
					y[(int64_t)(a ? height / 2 : row) * 2 * width +
					  (b ? width / 2 : column)] +=
						share * t[(int64_t)i * width + j];
		}
	free(t);
	gm_fourier_run(f, y, 2 * height, 2 * width, true);
	return true;
}

void gm_pyramid_analytic(gm_fourier *f, double complex *x, int height, int width, int b,
                         int orientations)
{
	gm_fourier_run(f, x, height, width, false);
	for (int i = 0; i < height; i++)
		for (int j = 0; j < width; j++) {
			const bool zero = !i && !j, border = i == height / 2 || j == width / 2;
			const double c =
				along(frequency(i, height), frequency(j, width), b, orientations);
			x[(int64_t)i * width + j] *= zero || border || fabs(c) < 1e-12 ? 1
			                             : c > 0                           ? 2
			                                                               : 0;
		}
	gm_fourier_run(f, x, height, width, true);
}

bool gm_steerable_image(gm_fourier *f, const gm_steerable *p, double *x)
{
	int h = p->height >> p->scales, w = p->width >> p->scales;
	const int64_t n = (int64_t)p->height * p->width;
	double complex *y = field(p->height, p->width), *next = field(p->height, p->width);
	bool ok = y && next;
	if (ok) {
		memcpy(y, p->low, (size_t)h * w * sizeof *y);
		gm_pyramid_residual(f, y, h, w, false);
	}
	for (int s = p->scales - 1; ok && s >= 0; s--) {
		ok = gm_pyramid_expand(f, y, h, w, next);
		h *= 2, w *= 2;
		ok = ok && gm_pyramid_add_bands(f, p->band[s], p->orientations, h, w, next);
		double complex *t = y;
		y = next, next = t;
	}
	if (ok) {
		memcpy(next, p->high, (size_t)n * sizeof *next);
		gm_pyramid_residual(f, next, p->height, p->width, true);
		for (int64_t i = 0; i < n; i++)
			x[i] = creal(y[i]) + creal(next[i]);
	}
	free(y);
	free(next);
	return ok;
}
