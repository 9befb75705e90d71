/* SPDX-License-Identifier: MIT
 *
 * nn/natural.c -- running standardisation, and natural-gradient steps within a trust region.
 */
#include "nn/net.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ganymede/policy.h"

/* ---- standardisation ------------------------------------------------------------------------- */

gm_standard gm_standard_new(gm_net *n, const char *name, int64_t d, const double *first,
                            int64_t rows)
{
	char key[3][80];
	const char *const part[] = {"mean", "var", "count"};
	double *mean = calloc((size_t)d, sizeof *mean), *var = calloc((size_t)d, sizeof *var);
	if (!mean || !var) {
		gm_node *none = gm_graph_no_memory(n->graph);
		free(mean), free(var);
		return (gm_standard){none, none, none};
	}
	for (int64_t i = 0; i < d; i++) {
		for (int64_t k = 0; k < rows; k++)
			mean[i] += first[k * d + i] / (double)rows;
		for (int64_t k = 0; k < rows; k++)
			var[i] += pow(first[k * d + i] - mean[i], 2) / (double)rows;
		var[i] = rows ? var[i] : 1;
	}
	for (int i = 0; i < 3; i++)
		snprintf(key[i], sizeof key[i], "%s/%s", name, part[i]);
	const gm_standard s = {
		gm_net_var(n, key[0], GM_SHAPE(d), .init = GM_GIVEN(mean), .role = GM_STAT),
		gm_net_var(n, key[1], GM_SHAPE(d), .init = GM_GIVEN(var), .role = GM_STAT),
		gm_net_var(n, key[2], GM_RANK0, .init = GM_CONSTANT((double)rows),
	                   .role = GM_STAT)};
	free(mean), free(var);
	return s;
}

static gm_node *deviation(const gm_standard *s)
{
	return gm_add_c(gm_sqrt(s->var), 1e-6);
}

gm_node *gm_standardise(const gm_standard *s, gm_node *x)
{
	return gm_div(gm_sub(x, s->mean), deviation(s));
}

gm_node *gm_unstandardise(const gm_standard *s, gm_node *x)
{
	return gm_add(gm_mul(x, deviation(s)), s->mean);
}

gm_node *gm_standard_add(const gm_standard *s, gm_node *x, gm_node *weight, gm_node *count)
{
	gm_node *w = gm_reshape(weight, GM_SHAPE(-1, 1));
	gm_node *mean = gm_sum(gm_mul(w, x), GM_AXES(0), false);
	gm_node *var = gm_sum(gm_mul(w, gm_square(gm_sub(x, mean))), GM_AXES(0), false);
	gm_node *all = gm_add(s->count, count), *share = gm_div(count, all);
	gm_node *apart = gm_sub(mean, s->mean), *both = gm_mul(share, gm_div(s->count, all));
	gm_node *inside = gm_add(s->var, gm_mul(share, gm_sub(var, s->var)));
	gm_node *next[] = {
		gm_assign(s->mean, gm_add(s->mean, gm_mul(share, apart))),
		gm_assign(s->var, gm_add(inside, gm_mul(both, gm_square(apart)))),
		gm_assign(s->count, all),
	};
	return gm_group(gm_node_graph(x), next, 3);
}

gm_node *gm_normalised_step(gm_node *h, gm_node *d, gm_node *rate, gm_node *most)
{
	gm_graph *g = gm_node_graph(h);
	gm_node *size = gm_max(gm_mean(gm_abs(d), GM_AXES(1), true), gm_scalar(g, 1e-30));
	h = gm_add(h, gm_mul(rate, gm_div(d, size)));
	return gm_min(gm_max(h, gm_scalar(g, 0)), most);
}

/* ---- natural gradients ----------------------------------------------------------------------- */

/* The parameters of a net as one vector. */
typedef struct vector {
	gm_node **param;
	int n;
} vector;

static gm_node *flat(const vector *v, gm_node *const *part)
{
	gm_node **row = malloc((size_t)v->n * sizeof *row);
	if (!row)
		return gm_graph_no_memory(gm_node_graph(part[0]));
	for (int i = 0; i < v->n; i++)
		row[i] = gm_reshape(part[i], GM_SHAPE(-1));
	gm_node *x = gm_concat(row, v->n, 0);
	free(row);
	return x;
}

static void unflatten(const vector *v, gm_node *x, gm_node **part)
{
	int64_t at = 0;
	for (int i = 0; i < v->n; i++) {
		const int64_t size = gm_node_size(v->param[i]);
		part[i] = gm_reshape(gm_narrow(x, 0, at, size), gm_node_shape(v->param[i]));
		at += size;
	}
}

static gm_node *gradient(const vector *v, gm_node *y)
{
	gm_node **part = malloc((size_t)v->n * sizeof *part);
	if (!part)
		return gm_graph_no_memory(gm_node_graph(y));
	gm_grad(y, v->param, v->n, part);
	gm_node *g = flat(v, part);
	free(part);
	return g;
}

static gm_node *dot(gm_node *a, gm_node *b)
{
	return gm_sum_all(gm_mul(a, b));
}

/* s with (H + damping) s = b, and *length = s'(H + damping) s. slope: the gradient of which H is
 * the derivative. It stops when the residual is below 1e-5 |b|: further iterations change nothing.
 * */
static gm_node *solve(const vector *v, gm_node *slope, gm_node *b, double damping, int iterations,
                      gm_node **length)
{
	gm_graph *g = gm_node_graph(b);
	gm_node *zero = gm_scalar(g, 0), *x = gm_full(g, 0, gm_node_shape(b)), *residual = b,
		*p = b, *rr = dot(b, b), *enough = gm_mul_c(rr, 1e-10);
	for (int k = 0; k <= iterations; k++) {
		gm_node *of = k < iterations ? p : x;
		gm_node *product = gm_add(gradient(v, dot(slope, gm_stop_gradient(of))),
		                          gm_mul_c(of, damping));
		if (k == iterations) {
			*length = dot(x, product);
			break;
		}
		gm_node *going = gm_less(enough, rr);
		gm_node *alpha = gm_select(going, gm_div(rr, dot(p, product)), zero);
		x = gm_add(x, gm_mul(alpha, p));
		residual = gm_sub(residual, gm_mul(alpha, product));
		gm_node *next = dot(residual, residual);
		p = gm_add(residual, gm_mul(gm_select(going, gm_div(next, rr), zero), p));
		rr = next;
	}
	return x;
}

/* Objective and divergence at other parameters. */
static void at(const vector *v, const gm_natural_args *a, gm_node *params, gm_node *y[2])
{
	const int n = v->n + a->befores;
	gm_node *const of[] = {a->objective, a->divergence};
	gm_node **from = malloc((size_t)n * sizeof *from), **to = malloc((size_t)n * sizeof *to);
	if (from && to) {
		for (int i = 0; i < n; i++)
			from[i] = to[i] = i < v->n ? v->param[i] : a->before[i - v->n];
		unflatten(v, params, to);
		gm_clone(of, 2, &(gm_clone_options){.from = from, .to = to, .n = n}, y);
	} else {
		y[0] = y[1] = gm_graph_no_memory(gm_node_graph(params));
	}
	free(from), free(to);
}

gm_natural gm_natural_step_(gm_net *n, gm_natural_args a)
{
	gm_graph *g = n->graph;
	const int count = gm_net_count(n), halvings = a.halvings ? a.halvings : 10;
	const double most = a.most > 0 ? a.most : .01, damping = a.damping > 0 ? a.damping : .1;
	vector v = {malloc((size_t)(count + 1) * sizeof *v.param), 0};
	gm_node **part = malloc((size_t)(count + 1) * sizeof *part);
	gm_natural s;
	if (!v.param || !part) {
		free(v.param), free(part);
		s.step = s.divergence = s.gain = s.halvings = gm_graph_no_memory(g);
		return s;
	}
	v.n = gm_net_params(n, NULL, v.param, count);
	if (!v.n) { /* all frozen: nothing to do */
		free(v.param), free(part);
		return (gm_natural){gm_group(g, NULL, 0), a.divergence, gm_scalar(g, 0),
		                    gm_scalar(g, 0)};
	}
	gm_node *now = flat(&v, v.param), *slope = gradient(&v, a.objective), *length = now, *y[2];
	gm_node *curve = gradient(&v, a.sample ? a.sample : a.divergence);
	gm_node *x = solve(&v, curve, gm_neg(slope), damping, a.cg ? a.cg : 10, &length);
	gm_node *whole = gm_mul(x, gm_rsqrt(gm_add_c(gm_mul_c(length, .5 / most), 1e-8)));
	gm_node *steep = gm_less(gm_scalar(g, 1e-6), gm_reduce_max(gm_abs(slope), GM_ALL, false));
	whole = gm_mul(whole, steep);
	gm_node *foreseen = dot(slope, whole), *size = NULL;

	/* the largest half that is good enough: from the smallest to the whole step */
	for (int k = halvings; k >= 0; k--) {
		const double t = pow(.5, k);
		at(&v, &a, gm_add(now, gm_mul_c(whole, t)), y);
		gm_node *gain = gm_sub(a.objective, y[0]), *half = gm_scalar(g, t),
			*times = gm_scalar(g, k);
		if (k == halvings) {
			size = half, s.divergence = y[1], s.gain = gain, s.halvings = times;
			continue;
		}
		gm_node *bad = gm_max(gm_less(gain, gm_mul_c(foreseen, -.1 * t)),
		                      gm_less(gm_scalar(g, 2 * most), y[1]));
		size = gm_select(bad, size, half);
		s.divergence = gm_select(bad, s.divergence, y[1]);
		s.gain = gm_select(bad, s.gain, gain);
		s.halvings = gm_select(bad, s.halvings, times);
	}
	unflatten(&v, gm_add(now, gm_mul(size, whole)), part);
	for (int i = 0; i < v.n; i++)
		part[i] = gm_assign(v.param[i], part[i]);
	s.step = gm_group(g, part, v.n);
	free(v.param), free(part);
	return s;
}
