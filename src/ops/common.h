/* SPDX-License-Identifier: MIT
 *
 * ops/common.h -- the few lines that op blocks share.
 */
#ifndef GM_OPS_COMMON_H
#define GM_OPS_COMMON_H

#include "graph/internal.h"

/* For infer: false, with the error set, unless input k is real. `what` names it as the formula
 * does. */
static inline bool gm_want_real(gm_node *y, int k, const char *what)
{
	return y->in[k]->dtype != GM_I32 ||
	       gm_node_fail(y, GM_ERR_SHAPE, "%s is i32, must be real (gm_cast converts)", what);
}

/* For infer: false, with the error set, unless input k is i32. */
static inline bool gm_want_i32(gm_node *y, int k, const char *what)
{
	return y->in[k]->dtype == GM_I32 ||
	       gm_node_fail(y, GM_ERR_SHAPE, "%s is real, must be i32 (gm_cast converts)", what);
}

/* For eval: where the i-th element (row-major) of shape s lies in memory with these strides. */
static inline int64_t gm_offset(gm_shape s, const int64_t stride[GM_MAX_RANK], int64_t i)
{
	int64_t at = 0;
	for (int a = s.rank - 1; a >= 0; a--) {
		at += i % s.dim[a] * stride[a];
		i /= s.dim[a];
	}
	return at;
}

#endif
