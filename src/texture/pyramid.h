/* SPDX-License-Identifier: MIT
 *
 * texture/pyramid.h -- the complex steerable pyramid (Simoncelli & Freeman, ICIP 1995; Portilla &
 * Simoncelli, IJCV 40, 2000, section 2.1), in the Fourier domain, with circular borders: a
 * high-pass residual, `orientations` bands at each of `scales` sizes, each half the last one, and a
 * low-pass residual.
 *
 *	gm_fourier *f = gm_fourier_new(&err);
 *	gm_steerable p;
 *	if (gm_steerable_build(f, x, 256, 256, 4, 4, &p, &err))
 *		gm_steerable_image(f, &p, y); // equals x
 *	gm_steerable_free(&p);
 *	gm_fourier_free(f);
 *
 * Sizes are divided by 2 without a change of scale of the spectrum, so that values grow by 4 from a
 * size to the next smaller one.
 */
#ifndef GM_TEXTURE_PYRAMID_H
#define GM_TEXTURE_PYRAMID_H

#include <complex.h>
#include <stdbool.h>
#include <stdint.h>

#include "ganymede/base.h"

/* Two-dimensional discrete Fourier transforms; keeps what FFTW knows of each size. One thread. */
typedef struct gm_fourier gm_fourier;
gm_fourier *gm_fourier_new(gm_error *err);
void gm_fourier_free(gm_fourier *f); /* NULL is allowed */
/* Transforms x [height, width] in place; back: the inverse, divided by the number of values. */
void gm_fourier_run(gm_fourier *f, double complex *x, int height, int width, bool back);

enum { GM_PYRAMID_SCALES = 8, GM_PYRAMID_ORIENTATIONS = 8 };
typedef struct gm_steerable {
	int height, width, scales, orientations;
	double complex *high; /* [height, width], real */
	/* band [scale][orientation], [height / 2^scale, width / 2^scale]: analytic, the real part
	 * is the band of the real pyramid */
	double complex *band[GM_PYRAMID_SCALES][GM_PYRAMID_ORIENTATIONS];
	double complex *low; /* [height / 2^scales, width / 2^scales], real */
} gm_steerable;

/* Of an image x [height, width]. 1 to GM_PYRAMID_SCALES scales, 2 to GM_PYRAMID_ORIENTATIONS
 * orientations; GM_ERR_VALUE unless 2^(scales + 1) divides both sides. */
bool gm_steerable_build(gm_fourier *f, const double *x, int height, int width, int scales,
                        int orientations, gm_steerable *p, gm_error *err);
void gm_steerable_free(gm_steerable *p);
/* The image of a pyramid, from the real parts of its bands, to x [height, width]; false if out of
 * memory. */
bool gm_steerable_image(gm_fourier *f, const gm_steerable *p, double *x);

/* ---- parts of the reconstruction, in place or to y ---- */

/* The residuals' filters: low x [height, width] by S(log2 r), or high by C(log2 r). */
void gm_pyramid_residual(gm_fourier *f, double complex *x, int height, int width, bool high);
/* Adds what the bands b [orientations][height, width] are of an image of this size to y; false if
 * out of memory. */
bool gm_pyramid_add_bands(gm_fourier *f, double complex *const *b, int orientations, int height,
                          int width, double complex *y);
/* x [height, width] at twice the size, divided by 4, to y [2 height, 2 width]: zeros around its
 * spectrum. */
bool gm_pyramid_expand(gm_fourier *f, const double complex *x, int height, int width,
                       double complex *y);
/* Makes a band analytic: sets the half-plane of its spectrum that lies away from orientation b to 0
 * and doubles the other; half of the border stays. */
void gm_pyramid_analytic(gm_fourier *f, double complex *x, int height, int width, int b,
                         int orientations);

#endif
