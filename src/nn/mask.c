/* SPDX-License-Identifier: MIT
 *
 * nn/mask.c -- masks of images: 1 in a region, 0 elsewhere.
 */
#include "nn/net.h"

gm_node *gm_mask_square(gm_graph *g, int64_t side, int64_t margin)
{
	const int64_t in = side - 2 * margin, edge[4] = {0, 0, margin, margin};
	return gm_pad_zero(gm_full(g, 1, GM_SHAPE(1, 1, in, in)), edge, edge);
}

gm_node *gm_mask_random(gm_graph *g, int64_t m, int64_t side)
{
	/* Shares of values below it, by simulation: .284 for side 16, .254 for 32, .234 for 128;
	 * interpolated values at the edges vary more. */
	const double level = .34;
	gm_node *cells = gm_uniform(g, GM_SHAPE(m, 1, side / 8, side / 8));
	return gm_less(gm_upsample_bilinear(cells, 8), gm_scalar(g, level));
}
