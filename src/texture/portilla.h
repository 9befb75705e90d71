/* SPDX-License-Identifier: MIT
 *
 * texture/portilla.h -- Portilla & Simoncelli, "A parametric texture model based on joint
 * statistics of complex wavelet coefficients", IJCV 40(1):49-71, 2000: 710 statistics of a grey
 * texture, and images with the same statistics.
 */
#ifndef GM_TEXTURE_PORTILLA_H
#define GM_TEXTURE_PORTILLA_H

#include "texture/pyramid.h"

/* 4 scales, 4 orientations, autocorrelations of 7x7 (the paper's Na = 7, M = 7). Sides of images
 * are multiples of GM_TEXTURE_UNIT. */
enum {
	GM_TEXTURE_SCALES = 4,
	GM_TEXTURE_ORIENTATIONS = 4,
	GM_TEXTURE_REACH = 3,
	GM_TEXTURE_LAGS = 2 * GM_TEXTURE_REACH + 1,
	GM_TEXTURE_UNIT = 64,
	GM_TEXTURE_NUMBERS = 710
};

/* Groups of the 710 numbers; their counts: 6, 10, 1, 125, 400, 24, 48, 96. */
typedef enum gm_texture_group {
	GM_TEXTURE_PIXELS,         /* mean, variance, skewness, kurtosis, least, largest */
	GM_TEXTURE_MARGINALS,      /* skewness and kurtosis of the 5 low-pass images */
	GM_TEXTURE_HIGH,           /* variance of the high-pass residual */
	GM_TEXTURE_LOW_LAGS,       /* autocorrelations of the 5 low-pass images */
	GM_TEXTURE_MAGNITUDE_LAGS, /* autocorrelations of the 16 bands' magnitudes */
	GM_TEXTURE_ORIENTED,       /* covariances of magnitudes of one scale */
	GM_TEXTURE_SCALED,         /* of magnitudes with those of the next coarser scale */
	GM_TEXTURE_PHASES,         /* of real parts with the phase-doubled next coarser scale */
	GM_TEXTURE_GROUPS
} gm_texture_group;
extern const char *const gm_texture_group_names[GM_TEXTURE_GROUPS];

/* Images are numbered from the finest scale; low-pass image GM_TEXTURE_SCALES is the residual. */
typedef struct gm_texture_statistics {
	double mean, variance, skew, kurtosis, least, most;
	double low_skew[GM_TEXTURE_SCALES + 1], low_kurtosis[GM_TEXTURE_SCALES + 1];
	double high;
	double low_lags[GM_TEXTURE_SCALES + 1][GM_TEXTURE_LAGS][GM_TEXTURE_LAGS];
	double magnitude_lags[GM_TEXTURE_SCALES][GM_TEXTURE_ORIENTATIONS][GM_TEXTURE_LAGS]
			     [GM_TEXTURE_LAGS];
	double oriented[GM_TEXTURE_SCALES][GM_TEXTURE_ORIENTATIONS][GM_TEXTURE_ORIENTATIONS];
	double scaled[GM_TEXTURE_SCALES - 1][GM_TEXTURE_ORIENTATIONS][GM_TEXTURE_ORIENTATIONS];
	double phases[GM_TEXTURE_SCALES - 1][GM_TEXTURE_ORIENTATIONS][2 * GM_TEXTURE_ORIENTATIONS];
	/* means of the magnitudes, which synthesis needs; they are not counted */
	double magnitude[GM_TEXTURE_SCALES][GM_TEXTURE_ORIENTATIONS];
} gm_texture_statistics;

/* Of a grey image x [height, width], values in any unit. Both sides multiples of GM_TEXTURE_UNIT,
 * else GM_ERR_VALUE. */
bool gm_texture_analyse(gm_fourier *f, const double *x, int height, int width,
                        gm_texture_statistics *s, gm_error *err);
/* The numbers of a group in out; returns their count. All groups together: GM_TEXTURE_NUMBERS. */
int gm_texture_numbers(const gm_texture_statistics *s, gm_texture_group group, double *out);
/* |s - target| / |target| over the numbers of a group. */
double gm_texture_distance(const gm_texture_statistics *s, const gm_texture_statistics *target,
                           gm_texture_group group);

typedef struct gm_texture_options {
	int height, width; /* multiples of GM_TEXTURE_UNIT */
	int iterations;    /* default 50 */
	uint64_t seed;     /* of the noise that synthesis starts with */
	/* bit g set: the numbers of group g are not imposed */
	unsigned without;
} gm_texture_options;
/* An image out [height, width] with (nearly) these statistics. GM_ERR_VALUE for sizes, GM_ERR_STATE
 * if progress was cancelled, GM_ERR_MEMORY. */
bool gm_texture_synthesise(gm_fourier *f, const gm_texture_statistics *target,
                           const gm_texture_options *o, double *out, gm_error *err);

/* ---- solvers, for tests ---- */

/* Changes x [n] of mean 0 and variance v so that its skewness is `target` and its variance stays
 * (paper, appendix: x + l (x^2 - sd^2 - sd s x), the smallest l). */
void gm_texture_skew(double *x, int64_t n, double target);
/* As gm_texture_skew, the kurtosis: x + l (x^3 - a x - m3), a = m4/m2. */
void gm_texture_kurtosis(double *x, int64_t n, double target);
/* Filters x [height, width] by a symmetric filter so that its circular autocorrelation at lags up
 * to `reach` is target [2 reach + 1][2 reach + 1] (mean of products). False if out of memory. */
bool gm_texture_lags(gm_fourier *f, double *x, int height, int width, int reach,
                     const double *target, gm_error *err);
/* The linear change of k variables x[0..k-1] [n] of mean 0 so that their covariance is co [k][k]
 * and, with other variables y[0..m-1] [n], cross-covariance is cxo [k][m]; m may be 0. */
bool gm_texture_covariance(double *const *x, int k, double *const *y, int m, int64_t n,
                           const double *co, const double *cxo, gm_error *err);

#endif
