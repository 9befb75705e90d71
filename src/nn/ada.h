/* SPDX-License-Identifier: MIT
 *
 * nn/ada.h -- the transformations of adaptive augmentation, for nn/augment.c.
 */
#ifndef GM_NN_ADA_H
#define GM_NN_ADA_H

#include "nn/net.h"

/* Images x [m,C,H,W], each transformation with probability p (rank 0) for each example. */
gm_node *gm_ada_moved(gm_node *x, gm_node *p, bool blit, bool geometry);
gm_node *gm_ada_color(gm_node *x, gm_node *p);

#endif
