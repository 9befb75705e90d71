/* SPDX-License-Identifier: MIT
 *
 * use/hole.h -- hidden parts of images, fillings, and their scores.
 */
#ifndef GM_USE_HOLE_H
#define GM_USE_HOLE_H

#include "ganymede/image.h"

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

/* The hidden part by a name, into hidden [height, width]:
 *
 *	bottom, top, left, right   a half
 *	middle, all                the inner quarter of the area, or everything
 *	X,Y,WIDTH,HEIGHT           a rectangle in pixels
 *	random, random:SHARE       single pixels, of this share (.8: Yeh et al. 2017, section 4)
 *	pattern                    blobs of about a quarter of the area (gm_mask_random)
 *	grid                       all but one pixel of each 4 x 4, as in a low resolution
 *
 * random and pattern depend on the seed. GM_ERR_VALUE for another text, a rectangle that is not
 * within the image, and a share that hides nothing. */
bool gm_hole_name(const char *name, int64_t height, int64_t width, uint64_t seed, uint8_t *hidden,
                  gm_error *err);
/* True if gm_hole_name reads the text, for some size of image. */
bool gm_hole_is_name(const char *name);
/* By an image of this size: white is hidden, black is known. GM_ERR_VALUE for another size and an
 * image in which nothing is white. */
bool gm_hole_picture(const gm_image *im, int64_t height, int64_t width, uint8_t *hidden,
                     gm_error *err);

/* These replace the hidden values of x by: the mean visible value of the channel in this image; */
void gm_hole_fill_mean(const gm_hole *h, float *x);
/* the solution of Laplace's equation in the hole, with visible pixels as boundary values, to 1e-4
 * of the range (successive over-relaxation); */
void gm_hole_fill_harmonic(const gm_hole *h, float *x);
/* the solution of Poisson's equation with the Laplacian of `by` [n, channels, height, width] there,
 * and visible pixels as boundary values: Perez, Gangnet & Blake 2003, "Poisson image editing",
 * equation 4. The edge of the image is no boundary. */
void gm_hole_blend(const gm_hole *h, float *x, const float *by);
/* Mean absolute difference of neighbours across the border of the hole, of values scaled to
 * [0, 1]; NaN if the hole has no border. */
double gm_hole_seam(const gm_hole *h, const float *x);
/* Replaces the hidden values of x by those of the one of `count` images `from` with the smallest
 * Euclidean distance over the visible pixels; images that are equal there are taken for the image
 * itself and not used. */
bool gm_hole_fill_nearest(const gm_hole *h, float *x, const float *from, int64_t count,
                          gm_error *err);

#endif
