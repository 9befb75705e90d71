/* SPDX-License-Identifier: MIT
 *
 * ops/softmax.h -- the attribute of softmax and log_softmax, for backends.
 */
#ifndef GM_OPS_SOFTMAX_H
#define GM_OPS_SOFTMAX_H

typedef struct gm_softmax_attr {
	int axis; /* 0 .. rank-1 */
} gm_softmax_attr;

#endif
