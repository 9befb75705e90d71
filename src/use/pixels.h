/* SPDX-License-Identifier: MIT
 *
 * use/pixels.h -- drawing images pixel by pixel through the endpoint "pixels".
 */
#ifndef GM_USE_PIXELS_H
#define GM_USE_PIXELS_H

#include "run/run.h"

typedef struct gm_pixels {
	uint64_t seed;        /* image i is drawn by (seed, i), whatever the batch */
	int64_t first, n;     /* images first .. first + n - 1 */
	const int32_t *label; /* [n], or NULL: 0, 1, .. in turn */
	const uint8_t
		*hidden; /* [C,H,W]: 1 where to draw; elsewhere x stays, brought to the nearest
	                          level. NULL: everywhere */
	bool raw;
	bool slow; /* the whole picture again for each number, even where there are shorter ways */
} gm_pixels;
/* x [n,C,H,W], read where not hidden. */
bool gm_pixels_draw(gm_run *r, const gm_pixels *p, float *x);

#endif
