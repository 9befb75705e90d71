/* SPDX-License-Identifier: MIT
 *
 * nn/causal.c -- masked convolutions for autoregressive models: over whole images, or incrementally
 * by row and pixel. See nn.h.
 *
 * Kernels contain only taps that are not masked, so nothing is multiplied by zeros, except for the
 * centre tap, whose mask depends on channels.
 */
#include "nn/net.h"

/* The channel of each of `each` features, repeated `times` times: [times * each] */
static gm_node *channel_of(const gm_causal *c, int64_t each, int64_t times, double more)
{
	int64_t n = each * times;
	double *v = gm_arena_alloc(c->net->arena, (size_t)n * sizeof *v);
	for (int64_t i = 0; i < n; i++)
		v[i] = (double)(i % each * c->channels / each) + more;
	return gm_array(c->net->graph, v, GM_SHAPE(n), GM_F32);
}

/* Kernel size, padding, and the mask of the centre tap. */
typedef struct window {
	int64_t kh, kw;
	int pad[4];
	gm_causal_args a;
} window;

/* [out,in,kh,kw]: 1 before the centre tap, 0 after it, at the centre by channels */
static gm_node *make_mask(const gm_causal *c, int64_t in, const window *k)
{
	int64_t taps = k->kh * k->kw, middle = k->kh == 1 ? k->kw - 1 : taps / 2;
	int64_t groups = k->a.groups ? k->a.groups : 1;
	double *before = gm_arena_alloc(c->net->arena, (size_t)taps * 2 * sizeof *before),
	       *at = before + taps;
	for (int64_t t = 0; t < taps; t++)
		before[t] = t < middle, at[t] = t == middle;
	gm_shape s = GM_SHAPE(1, 1, k->kh, k->kw);
	gm_node *to = channel_of(c, k->a.out / groups, groups, k->a.mask == 'B' ? .5 : 0);
	gm_node *see = gm_less(gm_reshape(channel_of(c, in, 1, 0), GM_SHAPE(1, in, 1, 1)),
	                       gm_reshape(to, GM_SHAPE(k->a.out, 1, 1, 1)));
	return gm_add(gm_array(c->net->graph, before, s, GM_F32),
	              gm_mul(see, gm_array(c->net->graph, at, s, GM_F32)));
}

typedef struct masking {
	const gm_causal *c;
	int64_t in;
	const window *k;
} masking;

static gm_node *mask_asked(void *ctx)
{
	const masking *m = ctx;
	return make_mask(m->c, m->in, m->k);
}

static gm_node *mask(const gm_causal *c, int64_t in, const window *k)
{
	return gm_net_guard(c->net, mask_asked, &(masking){c, in, k});
}

static gm_node *convolve(const gm_causal *c, const char *name, gm_node *x, const window *k)
{
	gm_net *n = c->net;
	int64_t in = gm_node_shape(x).dim[1], out = k->a.out;
	gm_node *w = gm_net_var(n, gm_net_key(n, "%s/weight", name),
	                        GM_SHAPE(out, in, k->kh, k->kw), .init = GM_FAN_IN);
	gm_node *b = gm_net_var(n, gm_net_key(n, "%s/bias", name), GM_SHAPE(out));
	gm_net_enter(n, name);
	if (k->a.mask)
		w = gm_mul(w, mask(c, in, k));
	gm_node *y = gm_conv2d(
		x, w, (gm_conv_options){.pad = {k->pad[0], k->pad[1], k->pad[2], k->pad[3]}});
	y = gm_add(y, gm_reshape(b, GM_SHAPE(1, out, 1, 1)));
	gm_net_leave(n);
	return y;
}

gm_node *gm_causal_conv_(gm_causal *c, const char *name, gm_node *x, gm_causal_args a)
{
	int k = a.kernel ? a.kernel : 1, h = k / 2;
	return convolve(c, name, x, &(window){k, k, {h, h, h, h}, a});
}

/* A variable that caches activations for later steps; not part of the net. */
static gm_node *keep(const gm_causal *c, const char *name, gm_shape s)
{
	return gm_variable(c->net->graph, gm_net_key(c->net, "kept/%s", name), s);
}

static void then(gm_causal *c, gm_node *variable, gm_node *value)
{
	if (c->effects < GM_CAUSAL_EFFECTS)
		c->effect[c->effects++] = gm_assign(variable, value);
}

gm_node *gm_causal_above_(gm_causal *c, const char *name, gm_node *x, gm_causal_args a)
{
	bool first = a.mask == 'A';
	int64_t in = gm_node_shape(x).dim[1], kh = first ? a.kernel / 2 : a.kernel / 2 + 1;
	a.mask = 0; /* all rows above are previous */
	window w = {kh, a.kernel, {0, a.kernel / 2, 0, a.kernel / 2}, a};
	if (c->mode == GM_CAUSAL_WHOLE) {
		w.pad[0] = (int)(first ? kh : kh - 1);
		return gm_narrow(convolve(c, name, x, &w), 2, 0, c->height);
	}
	if (kh > 1) {
		gm_node *above = keep(c, name, GM_SHAPE(c->batch, in, kh - 1, c->width));
		x = GM_CONCAT(2, gm_mul(above, c->old), x);
		then(c, above, gm_narrow(x, 2, 1, kh - 1));
	}
	return convolve(c, name, x, &w);
}

gm_node *gm_causal_left_(gm_causal *c, const char *name, gm_node *x, gm_causal_args a)
{
	int64_t in = gm_node_shape(x).dim[1], kw = a.kernel / 2 + 1;
	window w = {1, kw, {0}, a};
	if (c->mode == GM_CAUSAL_WHOLE) {
		w.pad[1] = (int)(kw - 1);
		return convolve(c, name, x, &w);
	}
	gm_node *left = keep(c, name, GM_SHAPE(c->batch, in, 1, kw - 1)),
		*seen = gm_mul(left, c->old);
	if (a.mask == 'A') { /* a pixel is complete only when the next one starts */
		gm_node *all = gm_mul(GM_CONCAT(3, left, c->previous), c->old);
		seen = gm_select(c->fresh, gm_narrow(all, 3, 1, kw - 1), seen);
		then(c, left, seen);
		return convolve(c, name, GM_CONCAT(3, seen, x), &w);
	}
	x = GM_CONCAT(3, seen, x);
	then(c, left, gm_select(c->last, gm_narrow(x, 3, 1, kw - 1), seen));
	return convolve(c, name, x, &w);
}

/* Cached as [W, batch F], so that a column is one row. */
gm_node *gm_causal_hand_down(gm_causal *c, const char *name, gm_node *u, int64_t features)
{
	int64_t f = features, m = c->batch;
	if (c->mode == GM_CAUSAL_WHOLE)
		return u;
	gm_node **kept = &c->handed[c->hands < GM_CAUSAL_HANDS ? c->hands++ : 0];
	if (c->mode == GM_CAUSAL_PIXEL)
		return gm_reshape(gm_gather(*kept, c->column), GM_SHAPE(m, f, 1, 1));
	u = gm_permute(gm_reshape(u, GM_SHAPE(m, f, c->width)), (int[]){2, 0, 1});
	*kept = keep(c, name, GM_SHAPE(c->width, m * f));
	then(c, *kept, gm_reshape(u, GM_SHAPE(c->width, m * f)));
	return NULL;
}

/* A rank-0 real: the number of this column. */
static gm_node *column_of(const gm_causal *c)
{
	return gm_reshape(gm_cast(c->column, GM_F32), GM_RANK0);
}

/* x [m,in,1,W], moved `steps` places to the right; zeros come in. */
static gm_node *delayed(gm_node *x, int64_t steps)
{
	const gm_shape s = gm_node_shape(x);
	x = gm_pad_zero(x, (int64_t[]){0, 0, 0, steps}, (int64_t[]){0, 0, 0, 0});
	return gm_narrow(x, 3, 0, s.dim[3]);
}

gm_node *gm_causal_embedding(gm_causal *c, const char *name, gm_node *x, int64_t levels,
                             int64_t out)
{
	gm_net *n = c->net;
	const bool whole = c->mode == GM_CAUSAL_WHOLE;
	const int64_t m = c->batch, w = whole ? c->width : 1;
	gm_node *table =
		gm_net_var(n, gm_net_key(n, "%s/weight", name), GM_SHAPE(levels, 2 * out),
	                   .init = GM_XAVIER_UNIFORM(1), .fan_in = 2 * levels, .fan_out = 2 * out);
	gm_net_enter(n, name);
	gm_node *level = gm_cast(gm_levels(whole ? x : c->previous, levels), GM_I32);
	gm_node *rows = gm_gather(table, gm_reshape(level, GM_SHAPE(m, w)));
	rows = gm_reshape(gm_permute(rows, (int[]){0, 2, 1}), GM_SHAPE(m, 2 * out, 1, w));
	gm_node *first = gm_narrow(rows, 1, 0, out), *second = gm_narrow(rows, 1, out, out);
	if (whole) {
		first = delayed(first, 2), second = delayed(second, 1);
	} else { /* of the value before the previous one: computed in the last column */
		gm_node *kept = keep(c, name, gm_node_shape(first));
		then(c, kept, gm_mul(first, c->old));
		first = gm_mul(kept, c->old), second = gm_mul(second, c->old);
	}
	gm_net_leave(n);
	return gm_add(first, second);
}

/* The caches are rings: at column t, row t modulo the dilation is the x of column t - dilation, and
 * becomes that of column t. */
gm_node *gm_causal_dilated(gm_causal *c, const char *name, gm_node *x, int64_t out,
                           int64_t dilation)
{
	gm_net *n = c->net;
	const int64_t m = c->batch, in = gm_node_shape(x).dim[1];
	gm_node *w = gm_net_var(n, gm_net_key(n, "%s/weight", name), GM_SHAPE(out, in, 1, 2),
	                        .init = GM_XAVIER_UNIFORM(1));
	gm_node *b = gm_net_var(n, gm_net_key(n, "%s/bias", name), GM_SHAPE(out)), *y;
	gm_net_enter(n, name);
	if (c->mode == GM_CAUSAL_WHOLE) {
		y = gm_conv2d(x, w,
		              (gm_conv_options){.dilation = {1, (int)dilation},
		                                .pad = {0, (int)dilation, 0, 0}});
	} else {
		gm_node *ring = keep(c, name, GM_SHAPE(dilation, m * in)), *t = column_of(c);
		gm_node *turns = gm_floor(gm_mul_c(gm_add_c(t, .5), 1. / (double)dilation));
		gm_node *place = gm_sub(t, gm_mul_c(turns, (double)dilation));
		gm_node *places = gm_cast(gm_iota(n->graph, dilation), GM_F32);
		gm_node *here = gm_equal(gm_reshape(places, GM_SHAPE(dilation, 1)), place);
		gm_node *old = gm_gather(ring, gm_reshape(gm_cast(place, GM_I32), GM_SHAPE(1)));
		/* what an earlier call left is not part of this sound */
		old = gm_mul(old, gm_less(gm_scalar(n->graph, (double)dilation - .5), t));
		then(c, ring, gm_select(here, gm_reshape(x, GM_SHAPE(1, m * in)), ring));
		x = GM_CONCAT(3, gm_reshape(old, GM_SHAPE(m, in, 1, 1)), x);
		y = gm_conv2d(x, w, (gm_conv_options){0});
	}
	y = gm_add(y, gm_reshape(b, GM_SHAPE(1, out, 1, 1)));
	gm_net_leave(n);
	return y;
}
