/* SPDX-License-Identifier: MIT
 *
 * nn/resgan.c -- the residual generator and discriminator of SN-GAN and BigGAN. src/models/sngan.c
 * and biggan.c say where they differ from the papers.
 */
#include "nn/net.h"

/* Not by gm_embedding, whose weights are normalised: spectral norm of the table would bind the
 * rows of all classes to one scale (as in the authors' code). */
static gm_node *rows_of(gm_net *G, const char *name, gm_node *y, gm_shape table, gm_init init)
{
	return gm_gather(gm_net_var(G, name, table, .init = init), y);
}

/* Gains and biases [m,width] of both normalisers of block `name`. */
static void condition(const gm_resgan *p, gm_net *G, const char *name, gm_node *y, gm_node *code,
                      gm_residual_args *a)
{
	static const char *const part[2] = {"a", "b"};
	const gm_shape table = GM_SHAPE(p->classes, p->width);
	for (int i = 0; i < 2; i++) {
		const char *gain = gm_net_key(G, "%s/%s/gain", name, part[i]),
			   *bias = gm_net_key(G, "%s/%s/shift", name, part[i]);
		if (code) {
			a->gain[i] = gm_add_c(
				gm_linear(G, gain, code, .out = p->width, .no_bias = true), 1);
			a->bias[i] = gm_linear(G, bias, code, .out = p->width, .no_bias = true);
		} else {
			a->gain[i] = rows_of(G, gain, y, table, GM_ONES);
			a->bias[i] = rows_of(G, bias, y, table, GM_ZEROS);
		}
	}
}

static gm_node *attend(const gm_resgan *p, gm_net *n, gm_node *x)
{
	return p->attention && gm_node_shape(x).rank == 4 && gm_node_shape(x).dim[2] == p->attention
	               ? gm_attention(n, "attention", x, .pool = true)
	               : x;
}

gm_node *gm_resgan_up(const gm_resgan *p, gm_net *G, gm_node *z, gm_node *y)
{
	const int64_t units = p->width * p->small_height * p->small_width;
	const bool parts = y && p->embed;
	const int64_t each = parts ? gm_node_shape(z).dim[1] / (p->levels + 1) : 0;
	gm_node *label =
		parts ? rows_of(G, "label", y, GM_SHAPE(p->classes, p->embed), GM_NORMAL(0, 1))
		      : NULL;
	gm_node *x = gm_linear(G, "small", parts ? gm_narrow(z, 1, 0, each) : z, .out = units);
	x = gm_reshape(x, GM_SHAPE(-1, p->width, p->small_height, p->small_width));
	for (int i = 1; i <= p->levels; i++) {
		const char *name = gm_net_key(G, "up%d", i);
		gm_residual_args a = {.pre = true, .up = true, .out = p->width, .init = p->init};
		gm_node *code = parts ? GM_CONCAT(1, label, gm_narrow(z, 1, i * each, each)) : NULL;
		if (y)
			condition(p, G, name, y, code, &a);
		x = attend(p, G, gm_residual_(G, name, x, a));
	}
	x = gm_relu(gm_norm(G, "last/norm", x));
	return gm_tanh(gm_conv(G, "last", x, .out = p->channels, .kernel = 3, .pad = 1));
}

gm_node *gm_resgan_logit(const gm_resgan *p, gm_net *D, gm_node *x, gm_node *y)
{
	const int down = p->levels > 1 ? p->levels - 1 : 1;
	for (int i = 0; i < down + 2; i++) {
		const char *name = i < down ? gm_net_key(D, "down%d", i + 1)
		                            : gm_net_key(D, "same%d", i - down + 1);
		x = gm_residual(D, name, x, .pre = true, .first = i == 0, .down = i < down,
		                .out = p->width, .init = p->init);
		x = i < down ? attend(p, D, x) : x;
	}
	gm_node *h = gm_features(D, gm_sum(gm_relu(x), GM_AXES(2, 3), false));
	gm_node *logit = gm_linear(D, "logit", h, .out = 1, .no_bias = true);
	return y ? gm_projection(D, logit, h, y, p->classes) : logit;
}
