/* SPDX-License-Identifier: MIT
 *
 * nn/lapgan.c -- the nets of a level of a Laplacian pyramid of GANs. src/models/lapgan.c says where
 * they differ from the authors'.
 */
#include "nn/net.h"

static gm_node *one_hot(const gm_lapgan *p, gm_node *y)
{
	return gm_one_hot(y, p->classes);
}

/* x with a channel made of the label */
static gm_node *labelled(const gm_lapgan *p, gm_net *n, gm_node *x, gm_node *y)
{
	if (!y)
		return x;
	gm_node *map = gm_block(n, "label", one_hot(p, y), .out = p->height * p->width,
	                        .plain = true, .act = GM_RELU);
	return GM_CONCAT(1, x, gm_reshape(map, GM_SHAPE(-1, 1, p->height, p->width)));
}

gm_node *gm_lapgan_up(const gm_lapgan *p, gm_net *G, gm_node *x, gm_node *y)
{
	if (p->coarsest) {
		x = y ? GM_CONCAT(1, x, one_hot(p, y)) : x;
		x = gm_block(G, "h0", x, .out = p->size_g, .act = GM_RELU);
		x = gm_block(G, "h1", x, .out = p->size_g, .act = GM_RELU);
		x = gm_linear(G, "image", x, .out = p->channels * p->height * p->width);
		return gm_reshape(x, GM_SHAPE(-1, p->channels, p->height, p->width));
	}
	gm_node *l = gm_narrow(x, 1, 1, p->channels), *h = labelled(p, G, x, y);
	h = gm_block(G, "h0", h, .out = p->size_g, .kernel = 7, .pad = 3, .act = GM_RELU);
	h = gm_block(G, "h1", h, .out = p->size_g, .kernel = 7, .pad = 3, .act = GM_RELU);
	return gm_add(l, gm_conv(G, "detail", h, .out = p->channels, .kernel = 5, .pad = 2));
}

gm_node *gm_lapgan_logit(const gm_lapgan *p, gm_net *D, gm_node *x, gm_node *y)
{
	if (p->coarsest) {
		x = gm_reshape(x, GM_SHAPE(gm_node_shape(x).dim[0], -1));
		x = y ? GM_CONCAT(1, x, one_hot(p, y)) : x;
		x = gm_block(D, "h0", x, .out = p->size_d, .act = GM_RELU, .keep = .5);
		x = gm_block(D, "h1", x, .out = p->size_d, .act = GM_RELU, .keep = .5);
	} else {
		x = gm_block(D, "h0", labelled(p, D, x, y), .out = p->size_d, .kernel = 5,
		             .act = GM_RELU);
		x = gm_block(D, "h1", x, .out = p->size_d, .kernel = 5, .stride = 2, .act = GM_RELU,
		             .keep = .5);
	}
	return gm_linear(D, "logit", gm_features(D, x), .out = 1);
}
