/* SPDX-License-Identifier: MIT
 *
 * texture/parts.h -- what analysis and synthesis of textures share.
 */
#ifndef GM_TEXTURE_PARTS_H
#define GM_TEXTURE_PARTS_H

#include "texture/portilla.h"

double gm_texture_mean(const double *x, int64_t n);
/* the mean of (x - mean)^power, power 2 to 4 */
double gm_texture_moment(const double *x, int64_t n, double mean, int power);
void gm_texture_centre(double *x, int64_t n);                           /* to mean 0 */
double gm_texture_product(const double *x, const double *y, int64_t n); /* the mean of xy */
/* The circular autocorrelation, the mean of products, at every lag: out [height, width]. */
bool gm_texture_autocorrelation(gm_fourier *f, const double *x, int height, int width, double *out);
/* Of scale s + 1 at the size of scale s: magnitudes less their means [K][n]; real and imaginary
 * parts with doubled phase [2 K][n]. */
bool gm_texture_parents(gm_fourier *f, const gm_steerable *p, int s, double *const *magnitude,
                        double *const *doubled);
/* rows of n numbers; NULL if out of memory */
double **gm_texture_rows(int rows, int64_t n);
void gm_texture_rows_free(double **x); /* NULL is allowed */

#endif
