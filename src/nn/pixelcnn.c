/* SPDX-License-Identifier: MIT
 *
 * nn/pixelcnn.c -- stacks of causal convolutions: van den Oord et al. 2016, arXiv:1601.06759, table
 * 1 (plain), and arXiv:1606.05328, figure 2 (gated).
 */
#include "nn/net.h"

/* tanh(a + V h) sigmoid(b + T h): eq. 2 and 4 */
static gm_node *gate(const gm_pixelcnn *p, gm_causal *c, const char *name, gm_node *x)
{
	int64_t f = p->features;
	if (p->label)
		x = gm_add(x, gm_reshape(gm_embedding(c->net, gm_net_key(c->net, "%s/class", name),
		                                      p->label, .rows = p->classes, .dim = 2 * f,
		                                      .init = GM_NORMAL(0, .05)),
		                         GM_SHAPE(c->batch, 2 * f, 1, 1)));
	if (p->given)
		x = gm_add(x, gm_reshape(gm_linear(c->net, gm_net_key(c->net, "%s/given", name),
		                                   p->given, .out = 2 * f, .no_bias = true),
		                         GM_SHAPE(c->batch, 2 * f, 1, 1)));
	return gm_mul(gm_tanh(gm_narrow(x, 1, 0, f)), gm_sigmoid(gm_narrow(x, 1, f, f)));
}

/* values in [-1,1] to features: figure 2 of the second paper. In mode ROW it only fills the
 * caches. */
static gm_node *gated_stacks(const gm_pixelcnn *p, gm_causal *c, gm_node *x)
{
	gm_node *v = x, *h = x, *u = NULL;
	int64_t f = p->features;
	for (int l = 0; l < p->layers; l++) {
		int k = l ? p->kernel : p->first;
		char m = l ? 'B' : 'A';
		const char *above = gm_net_key(c->net, "%d/above", l),
			   *left = gm_net_key(c->net, "%d/left", l),
			   *link = gm_net_key(c->net, "%d/link", l);
		if (c->mode != GM_CAUSAL_PIXEL) {
			u = gm_causal_above(c, above, v, .out = 2 * f, .kernel = k, .mask = m);
			v = gate(p, c, above, u);
			u = gm_causal_conv(c, link, u, .out = 2 * f);
		}
		u = gm_causal_hand_down(c, link, u, 2 * f);
		if (c->mode == GM_CAUSAL_ROW)
			continue;
		gm_node *y = gm_causal_left(c, left, h, .out = 2 * f, .kernel = k, .mask = m,
		                            .groups = 2);
		y = gate(p, c, left, gm_add(y, u));
		y = gm_causal_conv(c, gm_net_key(c->net, "%d/out", l), y, .out = f, .mask = 'B');
		h = l ? gm_add(h, y) : y;
	}
	return h;
}

/* pictures to features: table 1 of the first paper */
static gm_node *plain_stack(const gm_pixelcnn *p, gm_causal *c, gm_node *x)
{
	int64_t f = p->features;
	gm_node *h = gm_causal_conv(c, "0", x, .out = 2 * f, .kernel = p->first, .mask = 'A');
	for (int l = 1; l < p->layers; l++) {
		gm_node *y = gm_causal_conv(c, gm_net_key(c->net, "%d/in", l), gm_relu(h), .out = f,
		                            .mask = 'B');
		y = gm_causal_conv(c, gm_net_key(c->net, "%d", l), gm_relu(y), .out = f,
		                   .kernel = p->kernel, .mask = 'B');
		h = gm_add(h, gm_causal_conv(c, gm_net_key(c->net, "%d/out", l), gm_relu(y),
		                             .out = 2 * f, .mask = 'B'));
	}
	return h;
}

gm_node *gm_pixelcnn_body(const gm_pixelcnn *p, gm_causal *c, gm_node *x)
{
	return p->gated ? gated_stacks(p, c, x) : plain_stack(p, c, x);
}

gm_node *gm_pixelcnn_logits(const gm_pixelcnn *p, gm_causal *c, gm_node *x)
{
	int64_t l = p->levels == 2 ? 1 : p->levels;
	gm_node *h = gm_pixelcnn_body(p, c, x);
	if (c->mode == GM_CAUSAL_ROW)
		return NULL;
	h = gm_causal_conv(c, "head", gm_relu(h), .out = 2 * p->features, .mask = 'B');
	h = gm_causal_conv(c, "logits", gm_relu(h), .out = c->channels * l, .mask = 'B');
	if (l == 1)
		return h;
	gm_shape s = gm_node_shape(h);
	h = gm_reshape(h, GM_SHAPE(s.dim[0], c->channels, l, s.dim[2], s.dim[3]));
	return gm_permute(h, (int[]){0, 1, 3, 4, 2});
}
