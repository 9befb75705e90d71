/* SPDX-License-Identifier: MIT
 *
 * plot/spectrogram.c -- sounds as pictures: short-time Fourier transforms by FFTW. See
 * ganymede/image.h.
 */
#include "ganymede/image.h"

#include <complex.h>
#include <fftw3.h>
#include <math.h>
#include <stdlib.h>

enum { WINDOW = 256, COLUMNS = 128, ROWS = WINDOW / 2 };
static const double FLOOR = -80; /* decibels below a sine of amplitude 1: black */

typedef struct transform {
	double *in, window[WINDOW];
	fftw_complex *out;
	fftw_plan plan;
} transform;

static void transform_end(transform *f)
{
	if (f->plan)
		fftw_destroy_plan(f->plan);
	fftw_free(f->in);
	fftw_free(f->out);
}

static bool transform_begin(transform *f, gm_error *err)
{
	f->in = fftw_alloc_real(WINDOW);
	f->out = fftw_alloc_complex(WINDOW / 2 + 1);
	if (f->in && f->out)
		f->plan = fftw_plan_dft_r2c_1d(WINDOW, f->in, f->out, FFTW_ESTIMATE);
	for (int i = 0; i < WINDOW; i++) /* of Hann */
		f->window[i] = .5 - .5 * cos(2 * M_PI * i / WINDOW);
	return f->plan || gm_fail(err, GM_ERR_MEMORY, "no memory for a spectrogram");
}

/* y [ROWS, COLUMNS] in [-1,1], the highest frequency first. */
static void draw(transform *f, const float *x, int64_t samples, float *y)
{
	for (int c = 0; c < COLUMNS; c++) {
		const int64_t middle = (2 * c + 1) * samples / (2 * COLUMNS);
		for (int i = 0; i < WINDOW; i++) {
			const int64_t t = middle - WINDOW / 2 + i;
			const double v = t >= 0 && t < samples && isfinite(x[t]) ? x[t] : 0;
			f->in[i] = v * f->window[i];
		}
		fftw_execute(f->plan);
		for (int k = 1; k <= ROWS; k++) {
			/* a sine of amplitude 1 at a bin's frequency has magnitude WINDOW / 4 */
			const double db = 20 * log10(cabs(f->out[k]) / (WINDOW / 4.) + 1e-10);
			const double share = fmin(fmax(1 - db / FLOOR, 0), 1);
			y[(ROWS - k) * COLUMNS + c] = (float)(2 * share - 1);
		}
	}
}

gm_image *gm_image_spectrograms(const float *x, const gm_spectrograms *s, gm_error *err)
{
	transform f = {0};
	gm_image *im = NULL;
	float *y = s->n > 0 && s->samples > 0 ? malloc((size_t)s->n * ROWS * COLUMNS * sizeof *y)
	                                      : NULL;
	if (s->n < 1 || s->samples < 1)
		gm_fail(err, GM_ERR_VALUE, "no spectrograms of %lld sounds of %lld samples",
		        (long long)s->n, (long long)s->samples);
	else if (!y)
		gm_fail(err, GM_ERR_MEMORY, "no memory for spectrograms");
	else if (transform_begin(&f, err)) {
		for (int64_t i = 0; i < s->n; i++)
			draw(&f, x + i * s->samples, s->samples, y + i * ROWS * COLUMNS);
		im = gm_image_grid(y,
		                   &(gm_grid){.n = s->n,
		                              .channels = 1,
		                              .height = ROWS,
		                              .width = COLUMNS,
		                              .columns = s->columns,
		                              .scale = 1},
		                   err);
	}
	transform_end(&f);
	free(y);
	return im;
}
