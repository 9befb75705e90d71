/* SPDX-License-Identifier: MIT
 *
 * nn/block.c -- a layer with what usually follows it: normaliser, activation, dropout; and blocks
 * of such layers.
 */
#include "nn/net.h"

#include <math.h>

void gm_net_defaults_(gm_net *n, gm_net_style style)
{
	n->style = style;
}

/* v [m,C] reshaped to broadcast over y [m,C,..] */
static gm_node *along_channels(gm_node *v, const gm_node *y)
{
	gm_shape s = gm_node_shape(y), have = gm_node_shape(v);
	gm_shape want = {.rank = s.rank, .dim = {have.dim[0], have.dim[1], 1, 1, 1, 1}};
	return s.rank > 2 ? gm_reshape(v, want) : v;
}

static gm_node *normalised(gm_net *n, const char *name, gm_node *y, gm_node *gain, gm_node *bias)
{
	y = gm_norm(n, gm_net_key(n, "%s/norm", name), y, .no_affine = gain || bias);
	y = gain ? gm_mul(y, along_channels(gain, y)) : y;
	return bias ? gm_add(y, along_channels(bias, y)) : y;
}

/* max over `pieces` neighbours of the channels */
static gm_node *largest_piece(gm_node *y, int64_t out, int pieces)
{
	gm_shape s = gm_node_shape(y), split = {.rank = s.rank + 1, .dim = {s.dim[0], out, pieces}};
	for (int i = 2; i < s.rank; i++)
		split.dim[i + 1] = s.dim[i];
	return gm_reduce_max(gm_reshape(y, split), GM_AXES(2), false);
}

/* Dauphin et al. 2017: the first half of the channels times the sigmoid of the second */
static gm_node *gated(gm_node *y)
{
	int64_t half = gm_node_shape(y).rank > 1 ? gm_node_shape(y).dim[1] / 2 : 1;
	return gm_mul(gm_narrow(y, 1, 0, half), gm_sigmoid(gm_narrow(y, 1, half, half)));
}

/* He et al. 2015: a learned slope for each channel, .25 at first */
static gm_node *prelu(gm_net *n, const char *name, gm_node *y)
{
	gm_shape s = gm_node_shape(y), along = {.rank = s.rank, .dim = {1, s.dim[1], 1, 1, 1, 1}};
	gm_node *slope = gm_net_var(n, gm_net_key(n, "%s/slope", name), GM_SHAPE(s.dim[1]),
	                            .init = GM_CONSTANT(.25));
	gm_node *below = gm_min(y, gm_scalar(n->graph, 0));
	return gm_add(gm_relu(y), gm_mul(below, gm_reshape(slope, along)));
}

static gm_node *activated(gm_net *n, const char *name, gm_node *y, gm_activation act, double slope)
{
	switch (act) {
	case GM_RELU:
		return gm_relu(y);
	case GM_LEAKY:
		return gm_leaky_relu(y, slope != 0 ? slope : .2);
	case GM_TANH:
		return gm_tanh(y);
	case GM_SIGMOID:
		return gm_sigmoid(y);
	case GM_PRELU:
		return prelu(n, name, y);
	case GM_GLU:
		return gated(y);
	default:
		return y;
	}
}

static gm_node *layer(gm_net *n, const char *name, gm_node *x, const gm_block_args *a, int64_t out,
                      bool no_bias)
{
	if (a->kernel) {
		gm_conv_args c = {.out = out,
		                  .kernel = a->kernel,
		                  .stride = a->stride,
		                  .pad = a->pad,
		                  .out_pad = a->out_pad,
		                  .groups = a->groups,
		                  .no_bias = no_bias,
		                  .init = a->init};
		return a->up ? gm_conv_transposed_(n, name, x, c) : gm_conv_(n, name, x, c);
	}
	int64_t units = a->height ? out * a->height * a->width : out;
	x = gm_linear(n, name, x, .out = units, .no_bias = no_bias, .init = a->init);
	if (a->beside)
		x = gm_add(x, gm_linear(n, gm_net_key(n, "%s/beside", name), a->beside,
		                        .out = units, .no_bias = true, .init = a->init));
	return a->height ? gm_reshape(x, GM_SHAPE(-1, out, a->height, a->width)) : x;
}

gm_node *gm_block_(gm_net *n, const char *name, gm_node *x, gm_block_args a)
{
	bool norm = !a.plain && n->flow, maxout = a.act == GM_MAXOUT;
	int64_t out = a.out * (maxout ? a.pieces : a.act == GM_GLU ? 2 : 1);
	/* A bias before a normaliser that subtracts the mean has no effect, unless maxout is
	 * between them. */
	bool no_bias = a.no_bias || (norm && gm_net_centres(n) && !maxout && !a.with_bias);
	x = layer(n, name, x, &a, out, no_bias);
	if (maxout)
		x = largest_piece(x, a.out, a.pieces);
	if (norm || a.gain || a.bias)
		x = normalised(n, name, x, a.gain, a.bias);
	x = activated(n, name, x, a.act, a.slope);
	x = a.keep > 0 && a.keep < 1 ? gm_dropout(x, .keep = a.keep, .always = a.noise) : x;
	return gm_net_note(n, name, x, true);
}

/* ---- residual blocks ------------------------------------------------------------------------ */

static gm_node *pad_and_convolve(gm_net *n, const char *name, gm_node *x, const gm_residual_args *a,
                                 int64_t out)
{
	int kernel = a->kernel ? a->kernel : 3, pad = kernel / 2;
	if (a->reflect)
		x = gm_pad_reflect(x, pad, pad, pad, pad);
	bool no_bias = !a->pre && gm_net_centres(n);
	return gm_conv(n, name, x, .out = out, .kernel = kernel, .pad = a->reflect ? 0 : pad,
	               .no_bias = no_bias, .init = a->init);
}

static gm_node *halved(gm_node *x, bool down)
{
	return down ? gm_avg_pool(x, (gm_pool_options){.kernel = {2, 2}}) : x;
}

static gm_node *resized(gm_node *x, const gm_residual_args *a)
{
	return halved(a->up ? gm_upsample_nearest(x, 2) : x, a->down);
}

gm_node *gm_residual_(gm_net *n, const char *name, gm_node *x, gm_residual_args a)
{
	int64_t in = gm_node_shape(x).rank > 1 ? gm_node_shape(x).dim[1] : 1,
		out = a.out ? a.out : in;
	const char *first = gm_net_key(n, "%s/a", name), *second = gm_net_key(n, "%s/b", name);
	gm_activation act = a.act ? a.act : GM_RELU;
	gm_node *y = x, *shortcut = x;
	/* normalise, activate, convolve, twice: He et al. 2016b; as in Miyato et al. 2018 */
	if (a.pre) {
		if (!a.first)
			y = activated(n, first, normalised(n, first, y, a.gain[0], a.bias[0]), act,
			              a.slope);
		y = a.up ? gm_upsample_nearest(y, 2) : y;
		y = pad_and_convolve(n, first, y, &a, out);
		y = activated(n, second, normalised(n, second, y, a.gain[1], a.bias[1]), act,
		              a.slope);
		y = pad_and_convolve(n, second, y, &a, out);
		y = halved(y, a.down);
	} else { /* He et al. 2016a without the last activation */
		y = pad_and_convolve(n, first, y, &a, out);
		y = activated(n, first, normalised(n, first, y, a.gain[0], a.bias[0]), act,
		              a.slope);
		y = normalised(n, second, pad_and_convolve(n, second, y, &a, out), a.gain[1],
		               a.bias[1]);
		y = resized(y, &a);
	}
	shortcut = a.up ? gm_upsample_nearest(shortcut, 2) : halved(shortcut, a.first && a.down);
	if (out != in || a.up || a.down)
		shortcut = gm_conv(n, gm_net_key(n, "%s/shortcut", name), shortcut, .out = out,
		                   .kernel = 1);
	return gm_add(y, halved(shortcut, a.down && !a.first));
}

/* ---- attention and statistics of the batch --------------------------------------------------- */

gm_node *gm_attention_(gm_net *n, const char *name, gm_node *x, gm_attention_args a)
{
	const gm_shape s = gm_node_shape(x);
	if (s.rank != 4 || (a.pool && (s.dim[2] % 2 || s.dim[3] % 2)))
		return gm_net_misuse(n,
		                     gm_net_key(n, "%s, attention of what are no pictures", name));
	const int64_t few = s.dim[1] / 8 > 0 ? s.dim[1] / 8 : 1,
		      half = s.dim[1] / 2 > 0 ? s.dim[1] / 2 : 1;
	const int64_t channels[3] = {few, few, a.pool ? half : few};
	gm_node *part[3];
	static const char *const letter[3] = {"f", "g", "h"};
	for (int i = 0; i < 3; i++) {
		part[i] = gm_conv(n, gm_net_key(n, "%s/%s", name, letter[i]), x, .out = channels[i],
		                  .kernel = 1, .no_bias = a.pool);
		if (a.pool && i != 1)
			part[i] = gm_max_pool(part[i], (gm_pool_options){.kernel = {2, 2}});
		part[i] = gm_reshape(part[i], GM_SHAPE(-1, channels[i],
		                                       gm_node_shape(part[i]).dim[2] *
		                                               gm_node_shape(part[i]).dim[3]));
	}
	gm_net_enter(n, name);
	gm_node *score = gm_matmul(part[0], part[1], true, false); /* s_ij = f(x_i)' g(x_j) */
	gm_node *seen = gm_matmul(part[2], gm_softmax(score, 1), false, false);
	gm_node *o = gm_reshape(seen, GM_SHAPE(-1, channels[2], s.dim[2], s.dim[3]));
	gm_net_leave(n);
	o = gm_conv(n, gm_net_key(n, "%s/v", name), o, .out = s.dim[1], .kernel = 1,
	            .no_bias = a.pool);
	gm_node *gamma = gm_net_var(n, gm_net_key(n, "%s/gamma", name), GM_RANK0);
	return gm_add(gm_mul(o, gamma), x);
}

gm_node *gm_minibatch_stddev(gm_node *x, int group)
{
	gm_shape s = gm_node_shape(x);
	int64_t g = group < 1 || group > s.dim[0] ? s.dim[0] : group;
	while (s.rank > 0 && s.dim[0] % g)
		g--;
	if (s.rank != 4)
		/* an invalid reshape, whose error contains the shape */
		return gm_reshape(x, GM_SHAPE(1, 2, 3));
	gm_node *y = gm_reshape(x, GM_SHAPE(g, s.dim[0] / g, s.dim[1], s.dim[2], s.dim[3]));
	gm_node *std = gm_sqrt(gm_add_c(gm_variance(y, GM_AXES(0), true), 1e-8));
	y = gm_broadcast(gm_mean(std, GM_AXES(2, 3, 4), true),
	                 GM_SHAPE(g, s.dim[0] / g, 1, s.dim[2], s.dim[3]));
	return GM_CONCAT(1, x, gm_reshape(y, GM_SHAPE(s.dim[0], 1, s.dim[2], s.dim[3])));
}

gm_node *gm_channel_values(gm_graph *g, const double *value, int n)
{
	gm_node *y = gm_full(g, value[0], GM_SHAPE(1, 1, 1, 1));
	for (int i = 1; i < n; i++)
		y = GM_CONCAT(1, y, gm_full(g, value[i], GM_SHAPE(1, 1, 1, 1)));
	return y;
}

gm_node *gm_unit(gm_node *x)
{
	return gm_mul_c(gm_add_c(x, 1), .5);
}

gm_node *gm_signed(gm_node *p)
{
	return gm_add_c(gm_mul_c(p, 2), -1);
}

gm_node *gm_dequantised(gm_node *x)
{
	gm_node *u = gm_uniform(gm_node_graph(x), gm_node_shape(x));
	return gm_by_mode(gm_add(x, gm_mul_c(u, 2. / 255)), x);
}

gm_node *gm_with_planes(gm_node *x, gm_node *c)
{
	const gm_shape s = gm_node_shape(x), n = gm_node_shape(c);
	c = gm_reshape(c, GM_SHAPE(-1, n.dim[1], 1, 1));
	c = gm_broadcast(c, GM_SHAPE(s.dim[0], n.dim[1], s.dim[2], s.dim[3]));
	return GM_CONCAT(1, x, c);
}

gm_node *gm_with_coordinates(gm_node *x)
{
	gm_graph *g = gm_node_graph(x);
	const gm_shape s = gm_node_shape(x), one = GM_SHAPE(s.dim[0], 1, s.dim[2], s.dim[3]);
	gm_node *at[2];
	for (int i = 0; i < 2; i++) {
		const int64_t n = s.dim[2 + i] > 0 ? s.dim[2 + i] : 1;
		gm_node *k = gm_cast(gm_iota(g, n), GM_F32);
		k = gm_add_c(gm_mul_c(k, 2. / (double)n), -1);
		at[i] = gm_broadcast(gm_reshape(k, i ? GM_SHAPE(1, 1, 1, n) : GM_SHAPE(1, 1, n, 1)),
		                     one);
	}
	return GM_CONCAT(1, x, at[0], at[1]);
}
