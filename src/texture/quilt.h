/* SPDX-License-Identifier: MIT
 *
 * texture/quilt.h -- image quilting: Efros & Freeman, "Image quilting for texture synthesis and
 * transfer", SIGGRAPH 2001.
 */
#ifndef GM_TEXTURE_QUILT_H
#define GM_TEXTURE_QUILT_H

#include "ganymede/image.h"

/* How a block is chosen and joined, as in figure 2. */
typedef enum gm_quilt_mode {
	GM_QUILT_CUT,   /* of the blocks that fit the overlap, along the cut of the least error */
	GM_QUILT_BEST,  /* of the blocks that fit the overlap, with a straight seam */
	GM_QUILT_RANDOM /* any block, with a straight seam */
} gm_quilt_mode;

typedef struct gm_quilt_options {
	int width, height; /* of the result; default: twice the texture's, or the target's */
	int block;         /* side of a block in pixels, 4 to 100; default 32 */
	int overlap;       /* pixels that neighbours share; default block/6, at least 2 */
	/* candidates are blocks whose error is at most (1 + tolerance) times the least one. If the
	 * least error is 0, only exact continuations are candidates. The paper: .1 */
	double tolerance;
	gm_quilt_mode mode;
	uint64_t seed;
	/* Texture transfer (section 3): the result has this image's luminance, made of the
	 * texture's pixels. NULL: synthesis. */
	const gm_image *target;
	int passes; /* of transfer; the block of each is 2/3 of the last one's; default 3 */
} gm_quilt_options;

typedef struct gm_quilt_report {
	/* mean squared difference on the seams, over their pixels, summed over channels: of the
	 * seams as made, and of straight ones in their place */
	double seam, straight;
	double luminance; /* transfer: mean squared difference of the luminance to the target's */
} gm_quilt_report;

/* NULL with GM_ERR_VALUE for sizes that do not fit, GM_ERR_MEMORY, or GM_ERR_STATE if progress was
 * cancelled. Zero options take their defaults where they have one; report may be NULL. The caller
 * frees the image. The result depends on the options alone, not on the number of threads. */
gm_image *gm_quilt(const gm_image *texture, const gm_quilt_options *o, gm_quilt_report *report,
                   gm_error *err);

/* The minimum error boundary cut (section 2.1): a path through e [rows, columns] with one element
 * in each row, neighbours at most one column apart, of the smallest sum; of equal ones the leftmost
 * is taken in each step back from the last row. path [rows]; returns the sum, or -1 without
 * memory. */
int64_t gm_quilt_seam(const int32_t *e, int rows, int columns, int *path);

#endif
