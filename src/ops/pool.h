/* SPDX-License-Identifier: MIT
 *
 * ops/pool.h -- the windows of the pooling ops, for their definitions and for backends' kernels.
 */
#ifndef GM_OPS_POOL_H
#define GM_OPS_POOL_H

#include "graph/internal.h"

/* Attribute of all five pooling ops. Where an axis index is used, 0 is height and 1 is width. */
typedef struct gm_pool_attr {
	int kernel[2], stride[2];
	int pad[4]; /* top, left, bottom, right */
	int count_pad, unused;
	int64_t size[2]; /* of the picture that is pooled, whichever side of the op it is on */
} gm_pool_attr;

/* Windows along an axis. */
static inline int64_t gm_pool_windows(const gm_pool_attr *a, int axis)
{
	return (a->size[axis] + a->pad[axis] + a->pad[axis + 2] - a->kernel[axis]) /
	               a->stride[axis] +
	       1;
}

/* Window o along an axis covers pixels [begin, end), padding left out. */
static inline void gm_pool_window(const gm_pool_attr *a, int axis, int64_t o, int64_t *begin,
                                  int64_t *end)
{
	int64_t b = o * a->stride[axis] - a->pad[axis], e = b + a->kernel[axis];
	*begin = b < 0 ? 0 : b;
	*end = e > a->size[axis] ? a->size[axis] : e;
}

#endif
