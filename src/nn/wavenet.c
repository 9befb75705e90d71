/* SPDX-License-Identifier: MIT
 *
 * nn/wavenet.c -- gated residual stacks of dilated causal convolutions: van den Oord et al. 2016,
 * arXiv:1609.03499, figure 4 and section 2.5.
 */
#include "nn/net.h"

int64_t gm_wavenet_field(const gm_wavenet *p)
{
	return 2 + p->stacks * ((INT64_C(1) << p->layers) - 1);
}

gm_node *gm_wavenet_body(const gm_wavenet *p, gm_causal *c, gm_node *x)
{
	if (c->mode == GM_CAUSAL_ROW) /* there is one row, and nothing above it */
		return NULL;
	gm_net *n = c->net;
	const int64_t f = p->gates, count = (int64_t)p->stacks * p->layers;
	gm_node *h = gm_causal_embedding(c, "input", x, p->levels, p->residual), *sum = NULL;
	for (int64_t i = 0; i < count; i++) {
		const char *name = gm_net_key(n, "%d", (int)i);
		gm_node *y = gm_causal_dilated(c, gm_net_key(n, "%s/gate", name), h, 2 * f,
		                               INT64_C(1) << i % p->layers);
		if (p->given) {
			gm_node *v = gm_linear(n, gm_net_key(n, "%s/given", name), p->given,
			                       .out = 2 * f, .no_bias = true);
			y = gm_add(y, gm_reshape(v, GM_SHAPE(c->batch, 2 * f, 1, 1)));
		}
		y = gm_mul(gm_tanh(gm_narrow(y, 1, 0, f)), gm_sigmoid(gm_narrow(y, 1, f, f)));
		gm_node *skip =
			gm_conv(n, gm_net_key(n, "%s/skip", name), y, .out = p->skip, .kernel = 1);
		sum = sum ? gm_add(sum, skip) : skip;
		if (i + 1 < count) /* nothing reads the sum of the last layer */
			h = gm_add(h, gm_conv(n, gm_net_key(n, "%s/out", name), y,
			                      .out = p->residual, .kernel = 1));
	}
	h = gm_conv(n, "head", gm_relu(sum), .out = p->skip, .kernel = 1);
	return gm_conv(n, "logits", gm_relu(h), .out = p->levels, .kernel = 1);
}
