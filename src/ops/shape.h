/* SPDX-License-Identifier: MIT
 *
 * ops/shape.h -- the attributes of permute, slice, embed and concat, for the compiler and for
 * backends. Those of reshape and broadcast are the result's shape.
 */
#ifndef GM_OPS_SHAPE_H
#define GM_OPS_SHAPE_H

#include "graph/internal.h"

typedef struct gm_permute_attr {
	int order[GM_MAX_RANK]; /* y's axis a is x's axis order[a] */
} gm_permute_attr;

/* A grid of points in a frame, on each axis start, start+step, ...: what slice reads and embed
 * writes. */
typedef struct gm_grid_attr {
	int64_t start[GM_MAX_RANK], step[GM_MAX_RANK];
	int64_t size[GM_MAX_RANK]; /* of the result: slice's grid, embed's frame */
	int64_t rank;              /* of the result */
} gm_grid_attr;

typedef struct gm_concat_attr {
	int axis; /* 0 .. rank-1 */
} gm_concat_attr;

#endif
