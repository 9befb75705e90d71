/* SPDX-License-Identifier: MIT
 *
 * ops/matmul.h -- the attribute of matmul, for backends.
 */
#ifndef GM_OPS_MATMUL_H
#define GM_OPS_MATMUL_H

#include "graph/internal.h"

typedef struct gm_matmul_attr {
	int ta, tb; /* read the last two axes of a, b swapped */
} gm_matmul_attr;

#endif
