/* SPDX-License-Identifier: MIT
 *
 * ops/conv.h -- the attribute of conv, conv_dx and conv_dw, for backends. 1-d is 2-d of height 1.
 */
#ifndef GM_OPS_CONV_H
#define GM_OPS_CONV_H

#include "graph/internal.h"

typedef struct gm_conv_attr {
	int stride[2], dilation[2], pad[4], groups; /* all set: no zero stands for a default */
	int zero;
	gm_shape result; /* of conv_dx (x's shape) and conv_dw (w's); rank 0 for conv */
} gm_conv_attr;

/* The three tensors of T(x,w,g) = <g, conv(x,w)> as shapes, whichever of the three y is. */
typedef struct gm_conv_shapes {
	gm_shape x, w, y;
} gm_conv_shapes;

gm_conv_shapes gm_conv_shapes_of(const gm_node *y);

#endif
