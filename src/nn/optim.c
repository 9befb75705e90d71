/* SPDX-License-Identifier: MIT
 *
 * nn/optim.c -- optimisers as effects. The update of each parameter is elementwise, so that the
 * compiler fuses it into one pass over memory; values common to all parameters (bias corrections,
 * clipping factor, whether accumulation ends in this step) are rank 0.
 */
#include "nn/net.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

/* State while an optimiser is built. */
typedef struct build {
	gm_net *net;
	const gm_optimiser_args *a;
	const char *name;       /* name of the optimiser, part of its variables' names */
	gm_node *lr, *momentum; /* rank 0; momentum may be NULL */
	gm_node *rate, *eps;    /* of adam, bias-corrected, rank 0 */
	gm_node *gate;          /* rank 0, 1 if parameters are updated in this step; NULL: always */
	gm_node **effect;
	int effects, room;
	gm_node *keep; /* rank 0, where averages begin anew; else NULL */
} build;

/* One parameter p with its gradient d: adds the effects on the optimiser's own variables, returns
 * the parameter's next value. */
typedef gm_node *(*rule)(build *u, const char *key, gm_node *p, gm_node *d);

static gm_node *memory(build *u, const char *key, const char *what, gm_shape shape)
{
	gm_net_leave(u->net); /* variables have full names, so leave the scope */
	gm_node *v = gm_net_var(u->net, gm_net_key(u->net, "%s.%s.%s", key, u->name, what), shape,
	                        .role = GM_MOMENT);
	gm_net_enter(u->net, u->name);
	return v;
}

static gm_node *number(gm_net *n, double v)
{
	return gm_scalar(gm_net_graph(n), v);
}

static void add_effect(build *u, gm_node *effect)
{
	if (u->effects == u->room) {
		u->room = u->room ? 2 * u->room : 64;
		u->effect = realloc(u->effect, u->room * sizeof *u->effect);
		if (!u->effect)
			gm_no_memory(0);
	}
	u->effect[u->effects++] = effect;
}

/* Assigns the next value, or the present one if this step only accumulates gradients. Returns the
 * assigned value. */
static gm_node *assign(build *u, gm_node *variable, gm_node *next)
{
	next = u->gate ? gm_select(u->gate, next, variable) : next;
	add_effect(u, gm_assign(variable, next));
	return next;
}

/* decay old + (1-decay) new */
static gm_node *blend(gm_node *old, double decay, gm_node *new)
{
	return gm_add(gm_mul_c(old, decay), gm_mul_c(new, 1 - decay));
}

static gm_node *rule_sgd(build *u, const char *key, gm_node *p, gm_node *d)
{
	gm_node *move = gm_neg(gm_mul(d, u->lr));
	if (u->momentum) {
		gm_node *v = memory(u, key, "v", gm_node_shape(p));
		move = gm_add(gm_mul(v, u->momentum), move);
		assign(u, v, move);
	}
	return gm_add(p, move);
}

/* m' = b1 m + (1-b1) d, v' = b2 v + (1-b2) d^2, p' = p - lr (m'/(1-b1^t)) / (sqrt(v'/(1-b2^t)) +
 * eps). Both corrections are moved into two rank-0 numbers: p - [lr sqrt(1-b2^t)/(1-b1^t)] m' /
 * (sqrt(v') + [eps sqrt(1-b2^t)]), which is equal. */
static gm_node *rule_adam(build *u, const char *key, gm_node *p, gm_node *d)
{
	gm_node *m = memory(u, key, "m", gm_node_shape(p)),
		*v = memory(u, key, "v", gm_node_shape(p));
	gm_node *m1 = blend(m, u->a->beta1, d), *v1 = blend(v, u->a->beta2, gm_square(d));
	assign(u, m, m1);
	assign(u, v, v1);
	return gm_sub(p, gm_div(gm_mul(m1, u->rate), gm_add(gm_sqrt(v1), u->eps)));
}

static gm_node *rule_rmsprop(build *u, const char *key, gm_node *p, gm_node *d)
{
	gm_node *s = memory(u, key, "s", gm_node_shape(p)), *s1 = blend(s, u->a->rho, gm_square(d));
	assign(u, s, s1);
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
	const gm_update *u = n->update;
	while (u && u->effect != effect)
		u = u->older;
	if (!effect || !u || !u->gradients)
		return NULL;
	gm_node *sum = gm_sum_all(gm_square(u->gradient[0]));
	for (int i = 1; i < u->gradients; i++)
		sum = gm_add(sum, gm_sum_all(gm_square(u->gradient[i])));
	return gm_sqrt(sum);
}

const char *gm_net_optimiser(const gm_net *n, const gm_node *effect)
{
	const gm_update *u = n->update;
	while (u && u->effect != effect)
		u = u->older;
	return effect && u ? u->name : NULL;
}

/* True if key is state of an optimiser of this net: VARIABLE.NAME.what, NAME.t,
 * accumulated.NAME.count, NAME.averaged. */
static bool is_state(const gm_net *n, const char *key)
{
	for (const gm_update *u = n->update; u; u = u->older) {
		const size_t length = strlen(u->name);
		const char *at = strstr(key, u->name);
		if (at && at[length] == '.' && (at == key || at[-1] == '.'))
			return true;
	}
	return false;
}

static gm_node *forget(void *ctx)
{
	gm_net *n = ctx;
	gm_node **effect = malloc((n->count + 1) * sizeof *effect);
	int made = 0;
	if (!effect)
		gm_no_memory(0);
	for (int i = 0; i < n->count; i++)
		if (n->entry[i].role == GM_MOMENT && is_state(n, n->entry[i].key))
			effect[made++] =
				gm_assign(n->entry[i].node,
			                  gm_full(n->graph, 0, gm_node_shape(n->entry[i].node)));
	gm_node *all = gm_group(n->graph, effect, made);
	free(effect);
	return all;
}

gm_node *gm_net_forget(gm_net *n)
{
	return gm_net_guard(n, forget, n);
}

/* Selects the parameters to update, as indices in n->entry, and their gradients: those that match
 * the pattern and that the loss depends on. */
static int choose(build *u, gm_node *loss, int *place, gm_node **grad)
{
	gm_net *n = u->net;
	gm_node **wrt = malloc((n->count + 1) * sizeof *wrt);
	int params = 0, kept = 0;
	if (!wrt)
		gm_no_memory(0);
	for (int i = 0; i < n->count; i++)
		if (n->entry[i].role == GM_PARAM &&
		    (!u->a->only || !fnmatch(u->a->only, n->entry[i].key, 0)))
			place[params] = i, wrt[params++] = n->entry[i].node;
	if (u->a->only && !params)
		gm_net_misuse(n, gm_net_key(n, "no parameter is called %s", u->a->only));
	gm_grad(loss, wrt, params, grad);
	for (int i = 0; i < params; i++)
		if (!gm_node_is_zero(grad[i]))
			place[kept] = place[i], grad[kept++] = gm_rank_mean_later(grad[i]);
	free(wrt);
	return kept;
}

/* Sums gradients over `accumulate` minibatches; grad[i] becomes their mean, valid when the gate is
 * 1. */
static void accumulate(build *u, const int *place, gm_node **grad, int params)
{
	gm_net *n = u->net;
	gm_node *count = memory(u, "accumulated", "count", GM_RANK0), *next = gm_add_c(count, 1);
	u->gate = gm_equal(next, number(n, u->a->accumulate));
	add_effect(u, gm_assign(count, gm_select(u->gate, number(n, 0), next)));
	for (int i = 0; i < params; i++) {
		gm_node *sum = memory(u, n->entry[place[i]].key, "sum", gm_node_shape(grad[i]));
		gm_node *all = gm_add(sum, grad[i]);
		add_effect(u, gm_assign(sum, gm_select(u->gate, number(n, 0), all)));
		grad[i] = gm_mul_c(all, 1. / u->a->accumulate);
	}
}

/* Updates the moving average of entry i with `next`; it is initialised with the entry's value. */
static void average(build *u, int i, gm_node *next)
{
	gm_net *n = u->net;
	gm_entry e = n->entry[i];
	const char *key = gm_net_key(n, "%s.ema", e.key);
	bool fresh = !gm_net_entry_of(n, key);
	gm_net_leave(n);
	gm_node *a = gm_net_var(n, key, gm_node_shape(e.node), .role = GM_AVERAGE);
	gm_net_enter(n, u->name);
	int64_t size = gm_node_size(e.node);
	double *v = fresh && !n->o.blank && size > 0 ? malloc(size * sizeof *v) : NULL;
	if (v && gm_get_f64(e.node, v, size))
		gm_set_f64(a, v, size);
	free(v);
	n->entry[i].average = a;
	assign(u, a, gm_add(next, gm_mul(u->keep, gm_sub(a, next))));
}

/* The decay of a moving average after t steps: t / (t + 1), which gives the mean of t + 1 values,
 * but at most the configured decay. */
static void count_averaged(build *u)
{
	gm_net *n = u->net;
	gm_net_leave(n);
	gm_node *t =
		gm_net_var(n, gm_net_key(n, "%s.averaged", u->name), GM_RANK0, .role = GM_MOMENT);
	gm_net_enter(n, u->name);
	gm_node *t1 = gm_add_c(t, 1);
	u->keep = gm_min(gm_div(t, t1), number(n, u->a->average));
	assign(u, t, t1);
}

static void adam_corrections(build *u)
{
	gm_net *n = u->net;
	gm_net_leave(n);
	gm_node *t = gm_net_var(n, gm_net_key(n, "%s.t", u->name), GM_RANK0, .role = GM_MOMENT);
	gm_net_enter(n, u->name);
	gm_node *t1 = gm_add_c(t, 1);
	gm_node *c1 = gm_sub(number(n, 1), gm_pow(number(n, u->a->beta1), t1));
	gm_node *c2 = gm_sqrt(gm_sub(number(n, 1), gm_pow(number(n, u->a->beta2), t1)));
	u->rate = gm_mul(u->lr, gm_div(c2, c1));
	u->eps = gm_mul_c(c2, u->a->eps);
	assign(u, t, t1);
}

/* The next value of parameter `key` by the rule, with clipping and weight decay before it, and
 * clamping and projection after it. */
static gm_node *next_of(build *u, rule r, const char *key, gm_node *p, gm_node *d)
{
	const gm_optimiser_args *a = u->a;
	if (a->clip_value > 0)
		d = gm_clamp(d, -a->clip_value, a->clip_value);
	if (a->l2 != 0)
		d = gm_add(d, gm_mul_c(p, a->l2));
	gm_node *next = r(u, key, p, d);
	if (a->clip_weights > 0)
		next = gm_clamp(next, -a->clip_weights, a->clip_weights);
	return a->project ? a->project(a->ctx, key, next) : next;
}

static gm_node *apply(build *u, gm_node *loss, rule r)
{
	gm_net *n = u->net;
	int count = n->count; /* the optimiser's variables are added after these */
	int *place = malloc((count + 1) * sizeof *place);
	gm_node **grad = malloc((count + 1) * sizeof *grad);
	if (!place || !grad)
		gm_no_memory(0);
	gm_net_enter(n, "gradient");
	int params = choose(u, loss, place, grad);
	gm_net_leave(n);
	gm_update *done = gm_arena_calloc(n->arena, 1, sizeof *done);
	*done = (gm_update){.name = gm_arena_strdup(n->arena, u->name),
	                    .gradient = gm_arena_copy(n->arena, grad, params * sizeof *grad),
	                    .gradients = params,
	                    .older = n->update};

	gm_net_enter(n, u->name);
	if (!u->lr)
		u->lr = number(n, r == rule_sgd ? .01 : .001);
	if (u->a->accumulate > 1)
		accumulate(u, place, grad, params);
	if (r == rule_adam)
		adam_corrections(u);
	if (u->a->clip_norm > 0)
		gm_clip_norm(grad, params, u->a->clip_norm);
	if (u->a->average > 0)
		count_averaged(u);
	for (int i = 0; i < params; i++) {
		gm_node *p = n->entry[place[i]].node;
		gm_node *next = next_of(u, r, n->entry[place[i]].key, p, grad[i]);
		next = assign(u, p, next);
		if (u->a->average > 0)
			average(u, place[i], next);
	}
	for (int i = 0; i < count && u->a->average > 0; i++)
		if (n->entry[i].role == GM_STAT)
			average(u, i, n->entry[i].next ? n->entry[i].next : n->entry[i].node);
	done->effect = gm_group(n->graph, u->effect, u->effects);
	n->update = done;
	gm_net_leave(n);
	free(place);
	free(grad);
	free(u->effect);
	return (gm_node *)done->effect;
}

typedef struct applying {
	build *u;
	gm_node *loss;
	rule r;
} applying;

static gm_node *apply_asked(void *ctx)
{
	const applying *a = ctx;
	return apply(a->u, a->loss, a->r);
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
	build u = {.net = n,
	           .a = &a,
	           .name = a.name ? a.name : name,
	           .lr = a.lr,
	           .momentum = a.momentum};
	return gm_net_guard(n, apply_asked, &(applying){&u, loss, r});
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
