/* SPDX-License-Identifier: MIT
 *
 * nn/norm.c -- normalisers, one row each. Some act on activations (gm_norm), some on weights
 * (gm_net_weight).
 */
#include "nn/net.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static gm_init or_default(gm_init given, gm_init otherwise)
{
	return given.kind == GM_INIT_DEFAULT ? otherwise : given;
}

/* gain y + bias, both per channel (axis 1) */
static gm_node *affine(gm_net *n, const char *name, gm_node *y, const gm_norm_args *a)
{
	gm_shape s = gm_node_shape(y), along = {.rank = s.rank, .dim = {1, 1, 1, 1, 1, 1}};
	if (a->no_affine || n->style.bare || s.rank < 2)
		return y;
	along.dim[1] = s.dim[1];
	gm_node *gain = gm_net_var(n, gm_net_key(n, "%s/gain", name), GM_SHAPE(s.dim[1]),
	                           .init = or_default(a->gain, GM_ONES));
	gm_node *bias =
		gm_net_var(n, gm_net_key(n, "%s/bias", name), GM_SHAPE(s.dim[1]), .init = a->bias);
	gm_net_enter(n, name);
	y = gm_add(gm_mul(y, gm_reshape(gain, along)), gm_reshape(bias, along));
	gm_net_leave(n);
	return y;
}

/* (x - mean) / sqrt(var + eps) over the given axes of each example */
static gm_node *standard(gm_net *n, const char *name, gm_node *x, unsigned axes,
                         const gm_norm_args *a)
{
	gm_net_enter(n, name);
	gm_node *mean = gm_mean(x, axes, true), *var = gm_variance(x, axes, true);
	gm_node *y = gm_mul(gm_sub(x, mean), gm_rsqrt(gm_add_c(var, a->eps ? a->eps : 1e-5)));
	gm_net_leave(n);
	return affine(n, name, y, a);
}

static unsigned axes_from(const gm_node *x, int first)
{
	return ((1u << gm_node_shape(x).rank) - 1) & ~((1u << first) - 1);
}

static gm_node *batch(gm_net *n, const char *name, gm_node *x, const gm_norm_args *a)
{
	return gm_batch_norm_(n, name, x, *a);
}

static gm_node *layer(gm_net *n, const char *name, gm_node *x, const gm_norm_args *a)
{
	return standard(n, name, x, axes_from(x, 1), a);
}

static gm_node *instance(gm_net *n, const char *name, gm_node *x, const gm_norm_args *a)
{
	return standard(n, name, x, axes_from(x, 2), a);
}

/* The first R rows of x are the reference batch. An example is normalised by the statistics of
 * these rows and itself: mean = (R m + m_n) / (R + 1), the mean of squares likewise. Reference rows
 * are normalised by their own statistics. */
static gm_node *virtual_batch(gm_net *n, const char *name, gm_node *x, const gm_norm_args *a)
{
	gm_shape s = gm_node_shape(x);
	double r = (double)n->references, eps = a->eps ? a->eps : 1e-5;
	if (r < 1 || s.rank < 2 || s.dim[0] <= n->references)
		return standard(n, name, x, axes_from(x, 0) & ~2u,
		                a); /* nothing but the reference */
	gm_net_enter(n, name);
	unsigned all = axes_from(x, 0) & ~2u, own = axes_from(x, 2);
	gm_node *ref = gm_narrow(x, 0, 0, n->references);
	gm_node *each = gm_narrow(x, 0, n->references, s.dim[0] - n->references);
	gm_node *mean = gm_mean(ref, all, true), *square = gm_mean(gm_square(ref), all, true);
	gm_node *var = gm_variance(ref, all, true);
	gm_node *m = own ? gm_mean(each, own, true) : each;
	gm_node *q = own ? gm_mean(gm_square(each), own, true) : gm_square(each);
	m = gm_mul_c(gm_add(gm_mul_c(mean, r), m), 1 / (r + 1));
	q = gm_mul_c(gm_add(gm_mul_c(square, r), q), 1 / (r + 1));
	gm_node *v = gm_relu(gm_sub(q, gm_square(m))); /* rounding must not make it negative */
	gm_node *y = GM_CONCAT(0, gm_mul(gm_sub(ref, mean), gm_rsqrt(gm_add_c(var, eps))),
	                       gm_mul(gm_sub(each, m), gm_rsqrt(gm_add_c(v, eps))));
	gm_net_leave(n);
	return affine(n, name, y, a);
}

/* x / sqrt(mean over channels of x^2 + eps), separately at each position */
static gm_node *pixel(gm_net *n, const char *name, gm_node *x, const gm_norm_args *a)
{
	gm_net_enter(n, name);
	gm_node *square = gm_mean(gm_square(x), GM_AXES(1), true);
	gm_node *y = gm_mul(x, gm_rsqrt(gm_add_c(square, a->eps ? a->eps : 1e-8)));
	gm_net_leave(n);
	return y;
}

/* [out, rest] of a weight whose outputs lie along the axis */
static gm_node *matrix(gm_node *w, int axis)
{
	gm_shape s = gm_node_shape(w);
	int order[GM_MAX_RANK];
	for (int i = 0; i < s.rank; i++)
		order[i] = i;
	order[0] = axis, order[axis] = 0;
	return gm_reshape(axis ? gm_permute(w, order) : w, GM_SHAPE(s.dim[axis], -1));
}

static gm_shape along_axis(gm_shape s, int axis)
{
	gm_shape along = {.rank = s.rank, .dim = {1, 1, 1, 1, 1, 1}};
	along.dim[axis] = s.dim[axis];
	return along;
}

/* w = g v / |v| for each output: Salimans & Kingma 2016, eq. 2. g starts at |v|, so that w starts
 * at v. */
static gm_node *make_weight_norm(gm_net *n, const char *name, gm_node *v, int axis)
{
	gm_shape s = gm_node_shape(v);
	int64_t out = s.dim[axis], size = gm_node_size(v), inner = 1;
	double *values = calloc(size + out, sizeof *values), *norm = values + size;
	if (!values)
		gm_no_memory((size + out) * sizeof *values);
	for (int i = axis + 1; i < s.rank; i++)
		inner *= s.dim[i];
	if (gm_get_f64(v, values, size))
		for (int64_t i = 0; i < size; i++)
			norm[i / inner % out] += values[i] * values[i];
	for (int64_t i = 0; i < out; i++)
		norm[i] = sqrt(norm[i]);
	gm_node *g = gm_net_var(n, gm_net_key(n, "%s/length", name), GM_SHAPE(out),
	                        .init = GM_GIVEN(norm));
	free(values);
	gm_net_enter(n, name);
	gm_node *square = gm_sum(gm_square(matrix(v, axis)), 2u, false);
	gm_node *scale = gm_mul(g, gm_rsqrt(gm_add_c(square, 1e-12)));
	gm_node *w = gm_mul(v, gm_reshape(scale, along_axis(s, axis)));
	gm_net_leave(n);
	return w;
}

typedef struct weighing {
	gm_net *n;
	const char *name;
	gm_node *v;
	int axis;
} weighing;

static gm_node *weight_norm_asked(void *ctx)
{
	const weighing *w = ctx;
	return make_weight_norm(w->n, w->name, w->v, w->axis);
}

static gm_node *weight_norm(gm_net *n, const char *name, gm_node *v, int axis)
{
	return gm_net_guard(n, weight_norm_asked, &(weighing){n, name, v, axis});
}

/* w sqrt(2 / fan in), with w initialised from N(0,1): all weights have the same scale, so Adam's
 * relative step is the same for all. */
static gm_node *equalised(gm_net *n, const char *name, gm_node *w, int axis)
{
	(void)n, (void)name;
	double fan_in = (double)gm_node_size(w) / (double)gm_node_shape(w).dim[axis];
	return gm_mul_c(w, sqrt(2 / fan_in));
}

static gm_node *unit(gm_node *x)
{
	return gm_mul(x, gm_rsqrt(gm_add_c(gm_sum_all(gm_square(x)), 1e-12)));
}

/* Miyato et al. 2018, Algorithm 1: v = W'u / |W'u|, u = W v / |W v|, once per step; the weight is
 * divided by sigma = u' W v, with u and v as constants. u is a variable, saved in checkpoints. */
static gm_node *spectral_norm(gm_net *n, const char *name, gm_node *weight, int axis)
{
	int64_t out = gm_node_shape(weight).dim[axis];
	bool first = !gm_net_entry_of(n, gm_net_key(n, "%s/u", name));
	gm_node *u = gm_net_var(n, gm_net_key(n, "%s/u", name), GM_SHAPE(out, 1), .role = GM_STAT,
	                        .init = GM_NORMAL(0, 1));
	gm_net_enter(n, name);
	gm_node *w = matrix(weight, axis), *fixed = gm_stop_gradient(w);
	gm_node *v = unit(gm_matmul(fixed, u, true, false)); /* [rest,1] */
	gm_node *next = unit(gm_matmul(fixed, v, false, false));
	gm_node *sigma = gm_sum_all(
		gm_mul(gm_stop_gradient(next), gm_matmul(w, gm_stop_gradient(v), false, false)));
	gm_node *y = gm_div(weight, sigma);
	if (first && !gm_net_freezes(n, gm_net_key(n, "%s/u", name))) {
		gm_net_set_next(n, gm_net_key(n, "%s/u", name), next);
		y = gm_after(y, gm_assign(u, next));
	}
	gm_net_leave(n);
	return y;
}

const gm_normaliser gm_normalisers[] = {
	{.name = "none", .source = ""},
	{.name = "batch",
         .source = "Ioffe & Szegedy 2015, arXiv:1502.03167",
         .flow = batch,
         .mixes = true},
	{.name = "virtual",
         .source = "Salimans et al. 2016, section 3.5, arXiv:1606.03498",
         .flow = virtual_batch,
         .reference = true},
	{.name = "layer", .source = "Ba et al. 2016, arXiv:1607.06450", .flow = layer},
	{.name = "instance",
         .source = "Ulyanov et al. 2016, arXiv:1607.08022",
         .flow = instance,
         .pictures = true},
	{.name = "weight",
         .source = "Salimans & Kingma 2016, arXiv:1602.07868",
         .weight = weight_norm},
	{.name = "spectral",
         .source = "Miyato et al. 2018, Algorithm 1, arXiv:1802.05957",
         .weight = spectral_norm},
	{.name = "pixel",
         .source = "Karras et al. 2018, section 4.2, arXiv:1710.10196",
         .flow = pixel,
         .uncentred = true},
	{.name = "equalised",
         .source = "Karras et al. 2018, section 4.1, arXiv:1710.10196",
         .weight = equalised,
         .init = {GM_INIT_NORMAL, 0, 1}},
	{0},
};

const char *gm_normaliser_name(int i)
{
	return gm_normalisers[i].name;
}

const gm_normaliser *gm_normaliser_find(const char *name)
{
	for (const gm_normaliser *o = gm_normalisers; o->name; o++)
		if (gm_row_is(o->name, name))
			return o;
	return NULL;
}

void gm_net_normalise(gm_net *n, const gm_normaliser *how)
{
	if (!how || (!how->flow && !how->weight))
		n->flow = n->weight = NULL;
	else if (how->flow)
		n->flow = how;
	else
		n->weight = how;
}

const gm_normaliser *gm_net_flow(const gm_net *n)
{
	return n->flow;
}

gm_node *gm_norm_(gm_net *n, const char *name, gm_node *x, gm_norm_args a)
{
	a.gain = or_default(a.gain, n->style.gain);
	a.momentum = a.momentum != 0 ? a.momentum : n->style.momentum;
	a.eps = a.eps != 0 ? a.eps : n->style.eps;
	return n->flow ? n->flow->flow(n, name, x, &a) : x;
}

bool gm_net_centres(const gm_net *n)
{
	return n->flow && !n->flow->uncentred;
}

gm_node *gm_net_weight(gm_net *n, const char *name, gm_node *w, int axis)
{
	return n->weight && gm_node_shape(w).rank > axis ? n->weight->weight(n, name, w, axis) : w;
}

static bool wants_reference(const gm_net *n)
{
	return n->flow && n->flow->reference;
}

/* The variable `name` with rows like those of x; i: index in n->reference. */
static gm_node *reference(gm_net *n, int i, const char *name, gm_node *x, gm_node *like)
{
	gm_shape s = gm_node_shape(x);
	bool whole = gm_node_dtype(x) == GM_I32;
	s.dim[0] = n->references;
	gm_node *ref =
		gm_net_var(n, name, s, .role = GM_STAT, .init = whole ? GM_ZEROS : GM_NORMAL(0, 1));
	if (!n->reference[i].variable)
		n->reference[i] = (gm_reference){ref, like ? like : x};
	return GM_CONCAT(0, whole ? gm_cast(ref, GM_I32) : ref, x);
}

gm_node *gm_net_with_reference(gm_net *n, gm_node *x, int64_t count, gm_node *like)
{
	n->references = wants_reference(n) && gm_node_shape(x).rank > 0 && count > 0 ? count : 0;
	return n->references ? reference(n, 0, "reference", x, like) : x;
}

gm_node *gm_net_given_reference(gm_net *n, gm_node *y, gm_node *like)
{
	return n->references && gm_node_shape(y).rank > 0
	               ? reference(n, 1, "reference.given", y, like)
	               : y;
}

gm_node *gm_net_without_reference(gm_net *n, gm_node *y)
{
	gm_shape s = gm_node_shape(y);
	return n->references ? gm_narrow(y, 0, n->references, s.dim[0] - n->references) : y;
}

int gm_net_references(const gm_net *n, gm_reference out[2])
{
	int count = 0;
	for (int i = 0; i < 2; i++)
		if (n->reference[i].variable)
			out[count++] = n->reference[i];
	return count;
}
