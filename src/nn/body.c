/* SPDX-License-Identifier: MIT
 *
 * nn/body.c -- whole nets that several models share, made of blocks. DCGAN's is nn/dcgan.c.
 */
#include "nn/net.h"

gm_node *gm_mlp_body(gm_net *n, gm_node *x, const gm_mlp *p)
{
	for (int i = 0; i < p->layers; i++)
		x = gm_block(n, gm_net_key(n, "h%d", i), x, .out = p->width, .act = p->act,
		             .slope = p->slope, .pieces = p->pieces, .keep = p->keep,
		             .with_bias = p->with_bias);
	return x;
}

gm_node *gm_mlp_net(gm_net *n, gm_node *x, const gm_mlp *p, const char *last, int64_t out)
{
	return gm_linear(n, last, gm_features(n, gm_mlp_body(n, x, p)), .out = out);
}

/* 1, 2, 4, 8, 8, ... times the width */
static int64_t filters(int64_t width, int level)
{
	return width << (level < 3 ? level : 3);
}

gm_node *gm_unet_body(gm_net *n, gm_node *x, const gm_unet *p)
{
	gm_node *e[GM_UNET_DEPTH + 1] = {NULL}, *d = x;
	for (int i = 1; i <= p->depth; i++)
		e[i] = d = gm_block(n, gm_net_key(n, "e%d", i), i > 1 ? gm_leaky_relu(d, .2) : d,
		                    .out = filters(p->width, i - 1), .kernel = 4, .stride = 2,
		                    .pad = 1, .plain = i == 1 || i == p->depth);
	for (int i = p->depth; i > 1; i--) {
		d = gm_block(n, gm_net_key(n, "d%d", i), gm_relu(d),
		             .out = filters(p->width, i - 2), .kernel = 4, .stride = 2, .pad = 1,
		             .up = true, .keep = p->depth - i < p->drops ? .5 : 0,
		             .noise = p->noise);
		d = p->no_skips ? d : GM_CONCAT(1, d, e[i - 1]);
	}
	return gm_block(n, "d1", gm_relu(d), .out = p->channels, .kernel = 4, .stride = 2, .pad = 1,
	                .up = true, .plain = true, .act = GM_TANH);
}

gm_node *gm_patch_body(gm_net *n, gm_node *x, int64_t width, int layers)
{
	int kernel = layers ? 4 : 1, hidden = layers ? layers + 1 : 2;
	for (int i = 0; i < hidden; i++)
		x = gm_block(n, gm_net_key(n, "h%d", i), x, .out = filters(width, i),
		             .kernel = kernel, .stride = i < layers ? 2 : 1, .pad = kernel > 1,
		             .plain = i == 0, .act = GM_LEAKY);
	return gm_conv(n, "logit", gm_features(n, x), .out = 1, .kernel = kernel, .stride = 1,
	               .pad = kernel > 1);
}

gm_node *gm_conv_pairs_body(gm_net *n, gm_node *x, int64_t width)
{
	const gm_shape s = gm_node_shape(x);
	int64_t h = s.dim[2], w = s.dim[3];
	for (int64_t out = width; s.rank == 4 && h >= 8 && w >= 8; out *= 2) {
		for (int i = 0; i < 2; i++)
			x = gm_block(n, gm_net_key(n, "%dx%d/%c", (int)h, (int)w, "ab"[i]), x,
			             .out = out, .kernel = 3, .stride = 1 + i, .pad = 1,
			             .act = GM_RELU);
		h = (h + 1) / 2, w = (w + 1) / 2;
	}
	return x;
}

gm_node *gm_halving_body(gm_net *n, gm_node *x, int64_t width, int levels, double slope)
{
	for (int i = 0; i < levels; i++)
		x = gm_block(n, gm_net_key(n, "h%d", i), x, .out = width << i, GM_BY_TWO,
		             .plain = i == 0, .act = GM_LEAKY, .slope = slope);
	return x;
}

gm_node *gm_resnet_body(gm_net *n, gm_node *x, const gm_resnet *p)
{
	const int ends = p->zero ? 3 : 0, kernel = p->zero ? 4 : 3;
	x = gm_block(n, "first", p->zero ? x : gm_pad_reflect(x, 3, 3, 3, 3), .out = p->width,
	             .kernel = 7, .pad = ends, .act = GM_RELU);
	for (int i = 1; i <= 2; i++)
		x = gm_block(n, gm_net_key(n, "down%d", i), x, .out = p->width << i,
		             .kernel = kernel, .stride = 2, .pad = 1, .act = GM_RELU);
	for (int i = 1; i <= p->blocks; i++)
		x = gm_residual(n, gm_net_key(n, "r%d", i), x, .reflect = !p->zero);
	for (int i = 2; i >= 1; i--)
		x = gm_block(n, gm_net_key(n, "up%d", i), x, .out = p->width << (i - 1),
		             .kernel = kernel, .stride = 2, .pad = 1, .out_pad = !p->zero,
		             .up = true, .act = GM_RELU);
	return gm_block(n, "last", p->zero ? x : gm_pad_reflect(x, 3, 3, 3, 3), .out = p->channels,
	                .kernel = 7, .pad = ends, .plain = true, .no_bias = p->zero,
	                .act = GM_TANH);
}

gm_node *gm_srresnet_body(gm_net *n, gm_node *x, const gm_srresnet *p)
{
	gm_node *first = gm_block(n, "first", x, .out = p->width, .kernel = 9, .pad = 4,
	                          .plain = true, .act = GM_PRELU);
	gm_node *y = first;
	for (int i = 1; i <= p->blocks; i++)
		y = gm_residual(n, gm_net_key(n, "r%d", i), y, .act = GM_PRELU);
	y = gm_add(first, gm_block(n, "merge", y, .out = p->width, .kernel = 3, .pad = 1));
	for (int i = 1; i <= p->doublings; i++)
		y = gm_pixel_shuffle(gm_block(n, gm_net_key(n, "up%d", i), y, .out = 4 * p->width,
		                              .kernel = 3, .pad = 1, .plain = true,
		                              .act = GM_PRELU),
		                     2);
	y = gm_conv(n, "last", y, .out = p->channels, .kernel = 9, .pad = 4);
	return p->bilinear ? gm_add(y, gm_upsample_bilinear(x, 1 << p->doublings)) : y;
}

int gm_srresnet_radius(const gm_srresnet *p)
{
	const int factor = 1 << p->doublings;
	int radius = factor * (4 + 2 * p->blocks + 1) + 4; /* in pixels of the result */
	for (int i = 0; i < p->doublings; i++)
		radius += factor >> i;
	return (radius + factor - 1) / factor;
}
