/* SPDX-License-Identifier: MIT
 *
 * nn/density.c -- normal distributions, and pictures as levels: what likelihoods are made of.
 */
#include "nn/net.h"

gm_node *gm_normal_nll(gm_node *x, gm_node *mean, gm_node *log_sigma)
{
	gm_node *e = gm_mul(gm_sub(x, mean), gm_exp(gm_neg(log_sigma)));
	return gm_add_c(gm_add(gm_mul_c(gm_square(e), .5), log_sigma),
	                .91893853320467274); /* log(2 pi)/2 */
}

gm_node *gm_normal_kl(gm_node *mean, gm_node *log_sigma)
{
	gm_node *square = gm_add(gm_square(mean), gm_square(gm_exp(log_sigma)));
	return gm_sub(gm_mul_c(gm_add_c(square, -1), .5), log_sigma);
}

gm_node *gm_levels(gm_node *x, int64_t levels, bool sampled)
{
	gm_node *share = gm_clamp(gm_unit(x), 0, 1);
	if (levels == 2 && sampled)
		return gm_less(gm_uniform(gm_node_graph(x), gm_node_shape(x)), share);
	return gm_floor(gm_add_c(gm_mul_c(share, (double)levels - 1), .5));
}

gm_node *gm_levels_nll(gm_node *logits, gm_node *level, int64_t levels)
{
	return levels == 2 ? gm_sigmoid_xent(logits, level)
	                   : gm_softmax_xent(logits, gm_cast(level, GM_I32));
}
