/* SPDX-License-Identifier: MIT
 *
 * nn/layer.c -- layers: functions that get variables from the net and return an expression.
 */
#include "nn/net.h"

#include <math.h>

static gm_init or_default(gm_init given, gm_init otherwise)
{
	return given.kind == GM_INIT_DEFAULT ? otherwise : given;
}

/* The initialiser of a weight, by priority: the normaliser's (some need a special one); the
 * layer's; the net's; +-1/sqrt(fan in). */
static gm_init weight_init(const gm_net *n, gm_init given)
{
	if (n->weight && n->weight->init.kind != GM_INIT_DEFAULT)
		return n->weight->init;
	return or_default(given, or_default(n->style.init, GM_FAN_IN));
}

/* [N, rest] */
static gm_node *flat(gm_node *x)
{
	gm_shape s = gm_node_shape(x);
	return s.rank == 2 ? x : gm_reshape(x, GM_SHAPE(s.rank ? s.dim[0] : 1, -1));
}

/* y + bias, which is per channel (axis 1). */
static gm_node *add_bias(gm_node *y, gm_node *bias)
{
	gm_shape s = {.rank = gm_node_shape(y).rank, .dim = {1, 1, 1, 1, 1, 1}};
	if (s.rank > 1)
		s.dim[1] = -1;
	return gm_add(y, s.rank == 2 ? bias : gm_reshape(bias, s));
}

gm_node *gm_linear_(gm_net *n, const char *name, gm_node *x, gm_linear_args a)
{
	gm_net_enter(n, name);
	x = flat(x);
	gm_net_leave(n);
	int64_t in = gm_node_shape(x).rank == 2 ? gm_node_shape(x).dim[1] : 1;
	gm_node *w = gm_net_var(n, gm_net_key(n, "%s/weight", name), GM_SHAPE(a.out, in),
	                        .init = weight_init(n, a.init));
	gm_node *b = a.no_bias || n->style.bare ? NULL
	                                        : gm_net_var(n, gm_net_key(n, "%s/bias", name),
	                                                     GM_SHAPE(a.out), .init = a.bias);
	w = gm_net_weight(n, name, w, 0);
	gm_net_enter(n, name);
	gm_node *y = gm_matmul(x, w, false, true);
	if (b)
		y = gm_add(y, b);
	gm_net_leave(n);
	return gm_net_note(n, name, y, false);
}

static gm_conv_options geometry(const gm_conv_args *a)
{
	return (gm_conv_options){.stride = {a->stride, a->stride},
	                         .dilation = {a->dilation, a->dilation},
	                         .pad = {a->pad, a->pad, a->pad, a->pad},
	                         .groups = a->groups};
}

/* [out, in, kernel] or [out, in, kernel, kernel], by the rank of x */
static gm_shape kernel_shape(const gm_node *x, int64_t out, int64_t in, int kernel)
{
	return gm_node_shape(x).rank == 3 ? GM_SHAPE(out, in, kernel)
	                                  : GM_SHAPE(out, in, kernel, kernel);
}

gm_node *gm_conv_(gm_net *n, const char *name, gm_node *x, gm_conv_args a)
{
	gm_shape s = gm_node_shape(x);
	int64_t in = s.rank > 1 ? s.dim[1] : 1, groups = a.groups ? a.groups : 1;
	gm_node *w = gm_net_var(n, gm_net_key(n, "%s/weight", name),
	                        kernel_shape(x, a.out, in / groups, a.kernel),
	                        .init = weight_init(n, a.init));
	gm_node *b = a.no_bias || n->style.bare ? NULL
	                                        : gm_net_var(n, gm_net_key(n, "%s/bias", name),
	                                                     GM_SHAPE(a.out), .init = a.bias);
	w = gm_net_weight(n, name, w, 0);
	gm_net_enter(n, name);
	gm_node *y = gm_conv2d(x, w, geometry(&a));
	if (b)
		y = add_bias(y, b);
	gm_net_leave(n);
	return gm_net_note(n, name, y, false);
}

gm_node *gm_conv_transposed_(gm_net *n, const char *name, gm_node *x, gm_conv_args a)
{
	gm_shape s = gm_node_shape(x), out = s;
	int64_t in = s.rank > 1 ? s.dim[1] : 1, groups = a.groups ? a.groups : 1;
	int64_t stride = a.stride ? a.stride : 1, dilation = a.dilation ? a.dilation : 1;
	gm_shape ws = kernel_shape(x, in, a.out / groups, a.kernel);
	/* Terms per output: the taps that contribute to it, so fan in is in taps / stride^2. */
	int64_t terms = in / groups * a.kernel;
	if (ws.rank == 4)
		terms = terms * a.kernel / stride;
	gm_node *w =
		gm_net_var(n, gm_net_key(n, "%s/weight", name), ws, .init = weight_init(n, a.init),
	                   .fan_in = terms / stride > 0 ? terms / stride : 1,
	                   .fan_out = gm_net_size(ws) / (in > 0 ? in : 1));
	gm_node *b = a.no_bias || n->style.bare ? NULL
	                                        : gm_net_var(n, gm_net_key(n, "%s/bias", name),
	                                                     GM_SHAPE(a.out), .init = a.bias);
	for (int i = 1; i < out.rank; i++)
		out.dim[i] = i == 1 ? a.out
		                    : (s.dim[i] - 1) * stride - 2 * a.pad +
		                              dilation * (a.kernel - 1) + 1 + a.out_pad;
	w = gm_net_weight(n, name, w, 1);
	gm_net_enter(n, name);
	gm_node *y = gm_conv2d_dx(x, w, out, geometry(&a));
	if (b)
		y = add_bias(y, b);
	gm_net_leave(n);
	return gm_net_note(n, name, y, false);
}

/* The variance around the common mean is the mean of the ranks' variances plus the variance of
 * their means. */
void gm_net_moments(gm_node *x, unsigned axes, bool keep, bool whole, gm_node **mean, gm_node **var)
{
	gm_node *m = gm_mean(x, axes, keep), *v = gm_variance(x, axes, keep);
	*mean = whole ? gm_rank_mean(m) : m;
	*var = *mean == m ? v : gm_rank_mean(gm_add(v, gm_square(gm_sub(m, *mean))));
}

gm_node *gm_batch_norm_(gm_net *n, const char *name, gm_node *x, gm_norm_args a)
{
	gm_shape s = gm_node_shape(x);
	int64_t channels = s.rank > 1 ? s.dim[1] : 1,
		count = gm_net_size(s) / (channels > 0 ? channels : 1);
	gm_shape c = GM_SHAPE(channels), along = {.rank = s.rank, .dim = {1, 1, 1, 1, 1, 1}};
	double momentum = a.momentum ? a.momentum : .1, eps = a.eps ? a.eps : 1e-5;
	bool first = !gm_net_entry_of(n, gm_net_key(n, "%s/mean", name));
	gm_node *gain = NULL, *bias = NULL;
	if (!a.no_affine && !n->style.bare) {
		gain = gm_net_var(n, gm_net_key(n, "%s/gain", name), c,
		                  .init = or_default(a.gain, GM_ONES));
		bias = gm_net_var(n, gm_net_key(n, "%s/bias", name), c, .init = a.bias);
	}
	gm_node *run_mean = gm_net_var(n, gm_net_key(n, "%s/mean", name), c, .role = GM_STAT);
	gm_node *run_var =
		gm_net_var(n, gm_net_key(n, "%s/var", name), c, .role = GM_STAT, .init = GM_ONES);

	if (s.rank > 1)
		along.dim[1] = channels;
	gm_net_enter(n, name);
	unsigned axes = GM_ALL & ~2u; /* every axis but 1 */
	axes &= (1u << s.rank) - 1;
	gm_node *mean, *var;
	gm_net_moments(x, axes, true, !n->o.local_norm, &mean, &var);
	gm_node *m = gm_reshape(run_mean, along), *v = gm_reshape(run_var, along);
	const bool still = gm_net_freezes(n, gm_net_key(n, "%s/mean", name));
	if (!still)
		m = gm_by_mode(mean, m), v = gm_by_mode(var, v);
	gm_node *y = gm_mul(gm_sub(x, m), gm_rsqrt(gm_add_c(v, eps)));
	if (gain)
		y = gm_add(gm_mul(y, gm_reshape(gain, along)), gm_reshape(bias, along));
	if (first && !still) {
		if (!n->o.local_norm)
			count *= gm_graph_ranks(n->graph);
		double unbiased = count > 1 ? (double)count / (count - 1) : 1;
		/* Running statistics are equal on all ranks, with and without synchronised
		 * normalisation. */
		gm_node *seen_mean = gm_reshape(mean, c), *seen_var = gm_reshape(var, c);
		if (n->o.local_norm)
			seen_mean = gm_rank_mean_later(seen_mean),
			seen_var = gm_rank_mean_later(seen_var);
		gm_node *next_mean =
			gm_add(gm_mul_c(run_mean, 1 - momentum), gm_mul_c(seen_mean, momentum));
		gm_node *next_var = gm_add(gm_mul_c(run_var, 1 - momentum),
		                           gm_mul_c(seen_var, momentum * unbiased));
		gm_node *both[2] = {gm_assign(run_mean, next_mean), gm_assign(run_var, next_var)};
		gm_net_set_next(n, gm_net_key(n, "%s/mean", name), next_mean);
		gm_net_set_next(n, gm_net_key(n, "%s/var", name), next_var);
		y = gm_after(y, gm_group(n->graph, both, 2));
	}
	gm_net_leave(n);
	return y;
}

gm_node *gm_maxout_(gm_net *n, const char *name, gm_node *x, gm_maxout_args a)
{
	gm_node *z = gm_linear(n, name, x, .out = a.out * a.pieces, .no_bias = a.no_bias,
	                       .init = a.init, .bias = a.bias);
	gm_net_enter(n, name);
	gm_node *y = gm_reduce_max(gm_reshape(z, GM_SHAPE(-1, a.out, a.pieces)), GM_AXES(2), false);
	gm_net_leave(n);
	return y;
}

gm_node *gm_dropout_(gm_node *x, gm_dropout_args a)
{
	double keep = a.keep ? a.keep : .5, scale = a.scale ? a.scale : 1 / keep;
	gm_graph *g = gm_node_graph(x);
	gm_scope_push(g, "dropout");
	gm_node *train = gm_mul(x, gm_mul_c(gm_bernoulli(g, keep, gm_node_shape(x)), scale));
	gm_node *mean = a.scale ? gm_mul_c(x, keep * scale) : x;
	gm_node *y = a.always ? train : gm_by_mode(train, mean);
	gm_scope_pop(g);
	return y;
}

gm_node *gm_embedding_(gm_net *n, const char *name, gm_node *index, gm_embedding_args a)
{
	gm_init unit = GM_NORMAL(0, 1 / sqrt((double)(a.dim > 0 ? a.dim : 1)));
	gm_node *table = gm_net_var(n, gm_net_key(n, "%s/weight", name), GM_SHAPE(a.rows, a.dim),
	                            .init = or_default(a.init, unit));
	table = gm_net_weight(n, name, table, 0);
	gm_net_enter(n, name);
	gm_node *y = gm_gather(table, index);
	gm_net_leave(n);
	return y;
}

gm_node *gm_gaussian_noise(gm_node *x, double sigma)
{
	if (!(sigma > 0))
		return x;
	gm_node *e = gm_randn(gm_node_graph(x), gm_node_shape(x));
	return gm_by_mode(gm_add(x, gm_mul_c(e, sigma)), x);
}

gm_node *gm_masking_noise(gm_node *x, double share)
{
	return share > 0
	               ? gm_by_mode(gm_dropout(x, .keep = 1 - share, .scale = 1, .always = true), x)
	               : x;
}

gm_node *gm_weight_normed(gm_net *n, const char *name, gm_node *x, int64_t out, bool fixed,
                          gm_node **start)
{
	gm_node *w = gm_net_var(n, gm_net_key(n, "%s/weight", name),
	                        GM_SHAPE(gm_node_shape(x).dim[1], out), .init = GM_NORMAL(0, .1)),
		*s = gm_net_var(n, gm_net_key(n, "%s/scale", name), GM_SHAPE(out),
	                        .init = GM_CONSTANT(1), .role = fixed ? GM_FROZEN : GM_PARAM),
		*b = gm_net_var(n, gm_net_key(n, "%s/bias", name), GM_SHAPE(out));
	gm_net_enter(n, name);
	w = gm_mul(w, gm_rsqrt(gm_sum(gm_square(w), GM_AXES(0), true)));
	gm_node *y = gm_matmul(x, w, false, false);
	if (start) {
		gm_node *mean = gm_mean(y, GM_AXES(0), false),
			*scale = gm_rsqrt(gm_variance(y, GM_AXES(0), false));
		start[0] = gm_assign(s, scale);
		start[1] = gm_assign(b, gm_neg(gm_mul(mean, scale)));
		y = gm_mul(gm_sub(y, mean), scale);
	} else {
		y = gm_add(gm_mul(y, s), b);
	}
	gm_net_leave(n);
	return y;
}
