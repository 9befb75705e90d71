/* SPDX-License-Identifier: MIT
 *
 * nn/stackgan.c -- the generators of StackGAN and its conditioning augmentation.
 */
#include "ganymede/text.h"

#include "nn/net.h"

gm_node *gm_caption_code(gm_net *G, gm_node *phi, int64_t nc, gm_node *e, gm_node **kl)
{
	gm_node *h = gm_block(G, "code", phi, .out = 2 * nc, .plain = true, .act = GM_LEAKY,
	                      .init = GM_FAN_IN);
	gm_node *mean = gm_narrow(h, 1, 0, nc), *log_sigma = gm_narrow(h, 1, nc, nc);
	*kl = gm_mean_all(gm_normal_kl(mean, log_sigma));
	return e ? gm_add(mean, gm_mul(gm_exp(log_sigma), e)) : mean;
}

static gm_node *doubled(gm_net *G, int i, gm_node *x, int64_t out, gm_activation act)
{
	return gm_block(G, gm_net_key(G, "up%d", i), gm_upsample_nearest(x, 2),
	                .out = out > 0 ? out : 1, .kernel = 3, .pad = 1, .act = act);
}

static gm_node *image(const gm_stackgan *p, gm_net *G, gm_node *x)
{
	return gm_tanh(gm_conv(G, "image", x, .out = p->channels, .kernel = 3, .pad = 1));
}

gm_node *gm_stackgan_draw(const gm_stackgan *p, gm_net *G, gm_node *c, gm_node *z)
{
	const int64_t n = p->filters << (p->levels - 1);
	gm_node *x = gm_block(G, "in", GM_CONCAT(1, c, z), .out = n,
	                      .height = p->height >> p->levels, .width = p->width >> p->levels);
	x = gm_bottleneck(G, "r0", x, GM_RELU);
	for (int i = 1; i < p->levels; i++) {
		x = doubled(G, i, x, n >> i, i == 1 ? GM_LINEAR : GM_RELU);
		x = i == 1 ? gm_bottleneck(G, "r1", x, GM_RELU) : x;
	}
	return image(p, G, gm_upsample_nearest(x, 2));
}

gm_node *gm_stackgan_refine(const gm_stackgan *p, gm_net *G, gm_node *x, gm_node *c)
{
	enum { BLOCKS = 4 };
	int64_t n = 4 * p->filters;
	if (gm_node_shape(x).rank != 4)
		return gm_net_misuse(G, "stage II of what is not [m,C,H,W]");
	x = gm_block(G, "first", x, .out = p->filters, .kernel = 3, .pad = 1, .plain = true,
	             .act = GM_RELU);
	x = gm_block(G, "down1", x, .out = 2 * p->filters, GM_BY_TWO, .act = GM_RELU);
	x = gm_block(G, "down2", x, .out = n, GM_BY_TWO, .act = GM_RELU);
	x = gm_block(G, "both", gm_with_planes(x, c), .out = n, .kernel = 3, .pad = 1,
	             .act = GM_RELU);
	for (int i = 1; i <= BLOCKS; i++)
		x = gm_relu(gm_residual(G, gm_net_key(G, "r%d", i), x));
	for (int i = 1; gm_node_shape(x).dim[2] < p->height; i++)
		x = doubled(G, i, x, n >> i, GM_RELU);
	return image(p, G, x);
}
