/* SPDX-License-Identifier: MIT
 *
 * nn/optim.c -- optimisers as effects. What is done per parameter is elementwise, so that the
 * compiler can make one pass over memory of it; what is common to all parameters (bias
 * corrections, the clipping factor) is rank 0.
 */
#include "nn/net.h"

#include <stdlib.h>

/* What a rule gets: one parameter p with its gradient d. Adds its effects; returns the
 * parameter's next value. */
typedef struct update {
	gm_net *net;
	const gm_optimiser_args *a;
	const char *name;       /* of the optimiser: part of its variables' names */
	gm_node *lr, *momentum; /* rank 0; momentum may be NULL */
	gm_node *rate, *eps;    /* adam's, corrected for bias, rank 0 */
	gm_node **effect;
	int effects;
} update;

typedef gm_node *(*rule)(update *u, const char *key, gm_node *p, gm_node *d);

static gm_node *memory(update *u, const char *key, const char *what, gm_shape shape)
{
	gm_net_leave(u->net); /* variables are named from outside every scope */
	gm_node *v = gm_net_var(u->net, gm_net_key(u->net, "%s.%s.%s", key, u->name, what), shape,
	                        .role = GM_MOMENT);
	gm_net_enter(u->net, u->name);
	return v;
}

static gm_node *number(gm_net *n, double v)
{
	return gm_scalar(gm_net_graph(n), v);
}

/* decay old + (1-decay) new */
static gm_node *blend(gm_node *old, double decay, gm_node *new)
{
	return gm_add(gm_mul_c(old, decay), gm_mul_c(new, 1 - decay));
}

static gm_node *rule_sgd(update *u, const char *key, gm_node *p, gm_node *d)
{
	gm_node *move = gm_neg(gm_mul(d, u->lr));
	if (u->momentum) {
		gm_node *v = memory(u, key, "v", gm_node_shape(p));
		move = gm_add(gm_mul(v, u->momentum), move);
		u->effect[u->effects++] = gm_assign(v, move);
	}
	return gm_add(p, move);
}

/* m' = b1 m + (1-b1) d, v' = b2 v + (1-b2) d^2, p' = p - lr (m'/(1-b1^t)) / (sqrt(v'/(1-b2^t)) +
 * eps). Both corrections are moved into two rank-0 numbers: p - [lr sqrt(1-b2^t)/(1-b1^t)] m' /
 * (sqrt(v') + [eps sqrt(1-b2^t)]), which is equal. */
static gm_node *rule_adam(update *u, const char *key, gm_node *p, gm_node *d)
{
	gm_node *m = memory(u, key, "m", gm_node_shape(p)),
		*v = memory(u, key, "v", gm_node_shape(p));
	gm_node *m1 = blend(m, u->a->beta1, d), *v1 = blend(v, u->a->beta2, gm_square(d));
	u->effect[u->effects++] = gm_assign(m, m1);
	u->effect[u->effects++] = gm_assign(v, v1);
	return gm_sub(p, gm_div(gm_mul(m1, u->rate), gm_add(gm_sqrt(v1), u->eps)));
}

static gm_node *rule_rmsprop(update *u, const char *key, gm_node *p, gm_node *d)
{
	gm_node *s = memory(u, key, "s", gm_node_shape(p)), *s1 = blend(s, u->a->rho, gm_square(d));
	u->effect[u->effects++] = gm_assign(s, s1);
	return gm_sub(p, gm_div(gm_mul(d, u->lr), gm_add_c(gm_sqrt(s1), u->a->eps)));
}

void gm_clip_norm(gm_node **g, int n, double max_norm)
{
	if (n <= 0)
		return;
	gm_node *sum = gm_sum_all(gm_square(g[0]));
	for (int i = 1; i < n; i++)
		sum = gm_add(sum, gm_sum_all(gm_square(g[i])));
	gm_node *limit = gm_scalar(gm_node_graph(sum), max_norm);
	gm_node *scale = gm_div(limit, gm_max(gm_sqrt(sum), limit));
	for (int i = 0; i < n; i++)
		g[i] = gm_mul(g[i], scale);
}

gm_node *gm_net_gradient_norm(const gm_net *n, const gm_node *effect)
{
	if (!effect || n->effect != effect || !n->gradients)
		return NULL;
	gm_node *sum = gm_sum_all(gm_square(n->gradient[0]));
	for (int i = 1; i < n->gradients; i++)
		sum = gm_add(sum, gm_sum_all(gm_square(n->gradient[i])));
	return gm_sqrt(sum);
}

static gm_node *apply(update *u, gm_node *loss, rule r)
{
	gm_net *n = u->net;
	int count = n->count, params = 0; /* memory joins the net behind these */
	gm_node **wrt = malloc((2 * count + 1) * sizeof *wrt), **grad = wrt ? wrt + count : NULL;
	u->effect = malloc((4 * count + 1) * sizeof *u->effect);
	if (!wrt || !u->effect)
		gm_no_memory(0);
	for (int i = 0; i < count; i++)
		if (n->entry[i].role == GM_PARAM)
			wrt[params++] = n->entry[i].node;
	gm_net_enter(n, "gradient");
	gm_grad(loss, wrt, params, grad);
	for (int i = 0; i < params; i++)
		grad[i] = gm_rank_mean_later(grad[i]);
	n->gradient = gm_arena_copy(n->arena, grad, params * sizeof *grad);
	n->gradients = params;
	gm_net_leave(n);

	gm_net_enter(n, u->name);
	if (!u->lr)
		u->lr = number(n, r == rule_sgd ? .01 : .001);
	if (r == rule_adam) {
		gm_net_leave(n);
		gm_node *t =
			gm_net_var(n, gm_net_key(n, "%s.t", u->name), GM_RANK0, .role = GM_MOMENT);
		gm_net_enter(n, u->name);
		gm_node *t1 = gm_add_c(t, 1);
		gm_node *c1 = gm_sub(number(n, 1), gm_pow(number(n, u->a->beta1), t1));
		gm_node *c2 = gm_sqrt(gm_sub(number(n, 1), gm_pow(number(n, u->a->beta2), t1)));
		u->rate = gm_mul(u->lr, gm_div(c2, c1));
		u->eps = gm_mul_c(c2, u->a->eps);
		u->effect[u->effects++] = gm_assign(t, t1);
	}
	if (u->a->clip_norm > 0)
		gm_clip_norm(grad, params, u->a->clip_norm);
	for (int i = 0, k = 0; i < count; i++) {
		if (n->entry[i].role != GM_PARAM)
			continue;
		gm_node *p = n->entry[i].node, *d = grad[k++];
		if (u->a->clip_value > 0)
			d = gm_clamp(d, -u->a->clip_value, u->a->clip_value);
		if (u->a->l2 != 0)
			d = gm_add(d, gm_mul_c(p, u->a->l2));
		gm_node *next = r(u, n->entry[i].key, p, d);
		if (u->a->clip_weights > 0)
			next = gm_clamp(next, -u->a->clip_weights, u->a->clip_weights);
		n->entry[i].next = next;
		u->effect[u->effects++] = gm_assign(p, next);
	}
	gm_node *all = gm_group(n->graph, u->effect, u->effects);
	n->effect = all;
	gm_net_leave(n);
	free(wrt);
	free(u->effect);
	return all;
}

/* 0 means the default, GM_NONE means 0. */
static double setting(double v, double otherwise)
{
	return v == 0 ? otherwise : v < 0 ? 0 : v;
}

static gm_node *optimise(gm_net *n, gm_node *loss, gm_optimiser_args a, const char *name, rule r)
{
	a.beta1 = setting(a.beta1, .9), a.beta2 = setting(a.beta2, .999);
	a.rho = setting(a.rho, .9), a.eps = setting(a.eps, 1e-8);
	update u = {.net = n,
	            .a = &a,
	            .name = a.name ? a.name : name,
	            .lr = a.lr,
	            .momentum = a.momentum};
	return apply(&u, loss, r);
}

gm_node *gm_sgd_(gm_net *n, gm_node *loss, gm_optimiser_args a)
{
	return optimise(n, loss, a, "sgd", rule_sgd);
}

gm_node *gm_adam_(gm_net *n, gm_node *loss, gm_optimiser_args a)
{
	return optimise(n, loss, a, "adam", rule_adam);
}

gm_node *gm_rmsprop_(gm_net *n, gm_node *loss, gm_optimiser_args a)
{
	return optimise(n, loss, a, "rmsprop", rule_rmsprop);
}
