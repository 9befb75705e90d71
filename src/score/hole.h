/* SPDX-License-Identifier: MIT
 *
 * score/hole.h -- scores of images whose hidden part was filled in, and simple fillings to compare
 * with.
 */
#ifndef GM_SCORE_HOLE_H
#define GM_SCORE_HOLE_H

#include "ganymede/base.h"

/* The same hole in each of n images [n, channels, height, width]; values from low to high. */
typedef struct gm_hole {
	int64_t n, channels, height, width;
	const uint8_t *hidden; /* [height, width]: 1 in the hole */
	double low, high;
} gm_hole;

/* Errors within the hole, of values scaled to [0, 1]: mean absolute and mean squared difference,
 * and the mean over images of the PSNR in dB. An image's squared error is at least that of rounding
 * to 8 bits, so its PSNR is at most 58.9 dB. Pathak et al. 2016, table 1, have the three. */
typedef struct gm_hole_errors {
	double l1, l2, psnr;
} gm_hole_errors;
gm_hole_errors gm_hole_compare(const gm_hole *h, const float *x, const float *truth);

/* These replace the hidden values of x by: the mean visible value of the channel in this image; */
void gm_hole_fill_mean(const gm_hole *h, float *x);
/* the solution of Laplace's equation in the hole, with visible pixels as boundary values, to 1e-4
 * of the range (successive over-relaxation); */
void gm_hole_fill_harmonic(const gm_hole *h, float *x);
/* those of the one of `count` images `from` with the smallest Euclidean distance over the visible
 * pixels; images that are equal there are taken for the image itself and not used. */
bool gm_hole_fill_nearest(const gm_hole *h, float *x, const float *from, int64_t count,
                          gm_error *err);

#endif
