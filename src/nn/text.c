/* SPDX-License-Identifier: MIT
 *
 * nn/text.c -- text as numbers, and nets that read it.
 */
#include "ganymede/text.h"

#include "nn/net.h"

#include <math.h>
#include <string.h>

const char gm_alphabet[] =
	"abcdefghijklmnopqrstuvwxyz0123456789-,;.!?:'\"/\\|_@#$%^&*~`+=<>()[]{} ";

enum { LETTERS = sizeof gm_alphabet - 1, WORDS = 48 };

gm_node *gm_letters(gm_node *text)
{
	double number[256];
	for (int i = 0; i < 256; i++) {
		const int c = i >= 'A' && i <= 'Z' ? i + 32 : i;
		const char *at = c ? strchr(gm_alphabet, c) : NULL;
		number[i] = at ? (double)(at - gm_alphabet) : -1;
	}
	gm_node *table = gm_array(gm_node_graph(text), number, GM_SHAPE(256), GM_F32);
	gm_node *hot = gm_one_hot(gm_cast(gm_gather(table, text), GM_I32), LETTERS);
	return gm_transpose(hot);
}

gm_node *gm_bag_of_words(gm_node *text, int64_t buckets)
{
	gm_node *hot = gm_one_hot(gm_words(text, WORDS, buckets), buckets);
	gm_node *count = gm_sum(hot, GM_AXES(1), false);
	gm_node *square = gm_mean(gm_square(count), GM_AXES(1), true);
	return gm_mul(count, gm_rsqrt(gm_add_c(square, 1e-8)));
}

/* [m,T,n]: time step t as [m,n] */
static gm_node *at_time(gm_node *x, int64_t t)
{
	const gm_shape s = gm_node_shape(x);
	return gm_reshape(gm_narrow(x, 1, t, 1), GM_SHAPE(s.dim[0], s.dim[2]));
}

gm_node *gm_gru(gm_net *n, const char *name, gm_node *x, int64_t units)
{
	const gm_shape s = gm_node_shape(x);
	if (s.rank != 3)
		return gm_net_misuse(n, "GRU over what is not [m,T,n]");
	const int64_t m = s.dim[0], T = s.dim[1];
	const char *of_x = gm_net_key(n, "%s/x", name), *of_gates = gm_net_key(n, "%s/gates", name),
		   *of_candidate = gm_net_key(n, "%s/candidate", name);
	gm_node *in =
		gm_linear(n, of_x, gm_reshape(x, GM_SHAPE(m * T, s.dim[2])), .out = 3 * units);
	in = gm_reshape(in, GM_SHAPE(m, T, 3 * units));
	gm_node *h = gm_full(n->graph, 0, GM_SHAPE(m, units)), *all = NULL;
	for (int64_t t = 0; t < T; t++) {
		gm_node *now = at_time(in, t);
		gm_node *gates = gm_sigmoid(
			gm_add(gm_narrow(now, 1, 0, 2 * units),
		               gm_linear(n, of_gates, h, .out = 2 * units, .no_bias = true)));
		gm_node *update = gm_narrow(gates, 1, 0, units),
			*reset = gm_narrow(gates, 1, units, units);
		gm_node *candidate = gm_tanh(gm_add(gm_narrow(now, 1, 2 * units, units),
		                                    gm_linear(n, of_candidate, gm_mul(reset, h),
		                                              .out = units, .no_bias = true)));
		h = gm_add(h, gm_mul(update, gm_sub(candidate, h)));
		gm_node *row = gm_reshape(h, GM_SHAPE(m, 1, units));
		all = all ? GM_CONCAT(1, all, row) : row;
	}
	return all;
}

/* Maxima of three neighbours [m,C,L], the rest left out. */
static gm_node *by_three(gm_node *x)
{
	const gm_shape s = gm_node_shape(x);
	x = gm_reshape(x, GM_SHAPE(s.dim[0], s.dim[1], 1, s.dim[2]));
	x = gm_max_pool(x, (gm_pool_options){.kernel = {1, 3}});
	return gm_reshape(x, GM_SHAPE(s.dim[0], s.dim[1], -1));
}

gm_node *gm_char_cnn_rnn_body(gm_net *n, gm_node *text, const gm_char_cnn_rnn *p)
{
	gm_node *x = gm_letters(text);
	if (gm_node_shape(text).dim[1] < 57)
		return gm_net_misuse(n, "char-CNN-RNN over fewer than 57 characters");
	x = by_three(gm_relu(gm_conv(n, "c0", x, .out = (3 * p->width + 3) / 4, .kernel = 4)));
	x = by_three(gm_relu(gm_conv(n, "c1", x, .out = p->width, .kernel = 4)));
	x = gm_relu(gm_conv(n, "c2", x, .out = p->width, .kernel = 4));
	x = gm_mean(gm_gru(n, "gru", gm_transpose(x), p->width), GM_AXES(1), false);
	return gm_linear(n, "embedding", x, .out = p->out);
}

gm_node *gm_joint_embedding_loss(gm_node *a, gm_node *b, gm_node *label)
{
	const int64_t m = gm_node_shape(a).dim[0];
	gm_node *s = gm_matmul(a, b, false, true);
	gm_node *own = gm_sum(gm_mul(a, b), GM_AXES(1), true);
	gm_node *loss = gm_add(gm_relu(gm_add_c(gm_sub(s, own), 1)),
	                       gm_relu(gm_add_c(gm_sub(s, gm_transpose(own)), 1)));
	if (label) {
		gm_node *l = gm_reshape(gm_cast(label, GM_F32), GM_SHAPE(m, 1));
		gm_node *same = gm_equal(l, gm_transpose(l));
		loss = gm_mul(loss, gm_add_c(gm_neg(same), 1));
	}
	return gm_mean_all(loss);
}

gm_node *gm_mismatched(gm_graph *g, gm_node *label, int64_t m)
{
	gm_node *l = gm_reshape(label ? gm_cast(label, GM_F32) : gm_cast(gm_iota(g, m), GM_F32),
	                        GM_SHAPE(m, 1));
	gm_node *same = gm_equal(l, gm_transpose(l));
	return gm_argmax(gm_sub(gm_uniform(g, GM_SHAPE(m, m)), gm_mul_c(same, 2)), 1);
}

gm_node *gm_bottleneck(gm_net *n, const char *name, gm_node *x, gm_activation act)
{
	const int64_t c = gm_node_shape(x).dim[1], f = c / 4 > 0 ? c / 4 : 1;
	gm_node *h = gm_block(n, gm_net_key(n, "%s/a", name), x, .out = f, .kernel = 1, .act = act);
	h = gm_block(n, gm_net_key(n, "%s/b", name), h, .out = f, .kernel = 3, .pad = 1,
	             .act = act);
	h = gm_block(n, gm_net_key(n, "%s/c", name), h, .out = c, .kernel = 3, .pad = 1);
	h = gm_add(x, h);
	return act == GM_RELU ? gm_relu(h) : gm_leaky_relu(h, .2);
}

gm_node *gm_caption_logit(const gm_caption_critic *p, gm_net *D, gm_node *x, gm_node *phi)
{
	x = gm_halving_body(D, x, p->width, p->levels, .2);
	int64_t c = gm_node_shape(x).dim[1];
	for (int i = 0; c > 8 * p->width; i++, c /= 2)
		x = gm_block(D, gm_net_key(D, "narrow%d", i), x, .out = c / 2, .kernel = 1,
		             .act = GM_LEAKY);
	x = gm_bottleneck(D, "r", x, GM_LEAKY);
	const gm_shape s = gm_node_shape(x);
	gm_node *t = gm_block(D, "text", phi, .out = p->units, .act = GM_LEAKY, .init = GM_FAN_IN);
	x = gm_block(D, "both", gm_with_planes(x, t), .out = s.dim[1], .kernel = 1,
	             .act = GM_LEAKY);
	return gm_linear(D, "logit", gm_features(D, x), .out = 1);
}
