/* SPDX-License-Identifier: MIT
 *
 * nn/game.c -- a game put together from its rows and tricks: both players' losses.
 */
#include "nn/net.h"

#include <stdlib.h>
#include <string.h>

static gm_node *number(gm_net *n, double v)
{
	return gm_scalar(n->graph, v);
}

/* ---- what the discriminator reads ------------------------------------------------------------ */

/* [m,C,..] to [m/k, k C, ..], [m] to [m/k, k]: k examples at once, the next k the next. A batch that k does not
 * divide is taken k times: then nobody trains, and only the shapes of D's variables matter. */
static gm_node *packed(gm_node *x, int k)
{
	gm_shape s = gm_node_shape(x);
	if (k < 2 || s.rank < 1)
		return x;
	if (s.dim[0] % k) {
		gm_node **copy = malloc(k * sizeof *copy);
		if (!copy)
			gm_no_memory(0);
		for (int i = 0; i < k; i++)
			copy[i] = x;
		x = gm_concat(copy, k, 0);
		free(copy);
		s = gm_node_shape(x);
	}
	s.dim[0] /= k, s.dim[1] = s.rank > 1 ? s.dim[1] * k : k;
	if (s.rank == 1)
		s.rank = 2;
	return gm_reshape(x, s);
}

gm_node *gm_game_discriminate(const gm_game *m, gm_node *x)
{
	x = gm_net_with_reference(m->D, x, m->reference, m->references);
	gm_node *y = m->given ? gm_net_given_reference(m->D, m->given, m->reference_given) : NULL;
	return gm_net_without_reference(m->D, m->discriminator(m->ctx, m->D, x, y));
}

static gm_node *noisy(const gm_game *m, gm_node *x)
{
	return m->noise ? gm_add(x, gm_mul(gm_randn(gm_node_graph(x), gm_node_shape(x)), m->noise))
	                : x;
}

/* ---- features -------------------------------------------------------------------------------- */

gm_node *gm_minibatch_discrimination_(gm_net *n, const char *name, gm_node *x, gm_minibatch_args a)
{
	int64_t kernels = a.kernels ? a.kernels : 50, dim = a.dim ? a.dim : 5;
	gm_shape s = gm_node_shape(x);
	if (s.rank != 2)
		x = gm_reshape(x, GM_SHAPE(s.rank ? s.dim[0] : 1, -1));
	int64_t rows = gm_node_shape(x).rank ? gm_node_shape(x).dim[0] : 1;
	gm_node *m = gm_linear(n, name, x, .out = kernels * dim, .no_bias = true,
	                       .init = GM_NORMAL(0, .05));
	gm_net_enter(n, name);
	gm_node *i = gm_reshape(m, GM_SHAPE(rows, 1, kernels, dim));
	gm_node *j = gm_reshape(m, GM_SHAPE(1, rows, kernels, dim));
	gm_node *apart = gm_sum(gm_abs(gm_sub(i, j)), GM_AXES(3), false);
	/* exp(0) = 1 of each example with itself is left out. */
	gm_node *o = gm_add_c(gm_sum(gm_exp(gm_neg(apart)), GM_AXES(1), false), -1);
	gm_node *y = GM_CONCAT(1, x, o);
	gm_net_leave(n);
	return y;
}

gm_node *gm_features(gm_net *n, gm_node *h)
{
	n->feature = h;
	return n->minibatch ? gm_minibatch_discrimination(n, "minibatch", h) : h;
}

void gm_net_minibatch(gm_net *n, bool on)
{
	n->minibatch = on;
}

/* ---- memory of the past ---------------------------------------------------------------------- */

gm_node *gm_historical(gm_net *n)
{
	int count = n->count, made = 0;
	gm_node *sum = number(n, 0), **effect = malloc((count + 1) * sizeof *effect);
	if (!effect)
		gm_no_memory(0);
	gm_node *t = gm_net_var(n, "history.t", GM_RANK0, .role = GM_MOMENT);
	gm_node *t1 = gm_add_c(t, 1);
	effect[made++] = gm_assign(t, t1);
	for (int i = 0; i < count; i++) {
		gm_entry e = n->entry[i];
		if (e.role != GM_PARAM)
			continue;
		gm_node *mean = gm_net_var(n, gm_net_key(n, "%s.history", e.key),
		                           gm_node_shape(e.node), .role = GM_MOMENT);
		gm_node *next = gm_add(mean, gm_div(gm_sub(e.node, mean), t1));
		effect[made++] = gm_assign(mean, gm_stop_gradient(next));
		sum = gm_add(sum, gm_sum_all(gm_square(gm_sub(e.node, gm_stop_gradient(next)))));
	}
	sum = gm_after(sum, gm_group(n->graph, effect, made));
	free(effect);
	return sum;
}

/* ---- unrolling ------------------------------------------------------------------------------- */

/* Metz et al. 2017, eq. 4 to 8: G's loss against the D that k steps of gradient descent on D's loss
 * would make of the present one. Each step is an expression, so G's gradient goes through all. */
static gm_node *unrolled(const gm_game *m, gm_node *real, gm_node *fake)
{
	gm_net *n = m->D;
	gm_node **p = calloc(3 * n->count + 1, sizeof *p), **now = p + n->count,
		**d = now + n->count;
	if (!p)
		gm_no_memory(0);
	int params = gm_net_params(n, NULL, p, n->count);
	gm_node *a = m->y_real, *b = m->y_fake;
	memcpy(now, p, params * sizeof *p);
	for (int k = 0; k < m->unroll; k++) {
		gm_grad(m->objective->d_loss(a, b, &m->terms), now, params, d);
		for (int i = 0; i < params; i++)
			now[i] = gm_sub(now[i], gm_mul_c(gm_rank_mean(d[i]), m->unroll_lr));
		gm_net_with(n, p, now, params);
		a = gm_game_discriminate(m, real), b = gm_game_discriminate(m, fake);
	}
	gm_net_with(n, NULL, NULL, 0);
	free(p);
	return m->objective->g_loss(a, b, &m->terms);
}

/* ---- the whole ------------------------------------------------------------------------------- */

const char *gm_game_refusal(const gm_game *m)
{
	const gm_penalty *p = m->penalty;
	const gm_normaliser *d = m->D->how, *g = m->G->how;
	if (p && p->each && d && d->mixes)
		return "a gradient penalty asks how D answers to each example by itself, and batch "
		       "norm mixes the examples of a batch: take --normalise-d layer, or another "
		       "penalty (Gulrajani et al. 2017, section 4)";
	if (p && p->each && m->D->minibatch)
		return "a gradient penalty asks how D answers to each example by itself, and "
		       "minibatch discrimination compares the examples of a batch";
	if (p && p->clips && d && d->weight)
		return "clipping bounds weights, and this normaliser of D divides their size away "
		       "again: take one of the two";
	if (d && d->reference && m->D->minibatch)
		return "minibatch discrimination would compare examples with virtual batch norm's "
		       "reference batch";
	if (m->terms.smooth > 0 && m->objective && !m->objective->targets)
		return "label smoothing moves the target of real examples, and this objective has "
		       "no targets, only scores";
	if (m->match && m->unroll > 0)
		return "feature matching replaces the loss of G that unrolling would look ahead "
		       "with";
	if (p && p->both && m->unroll > 0)
		return "consensus already looks at how D will answer: unrolling besides is not "
		       "defined";
	if (gm_node_shape(m->real).rank == 2 && ((d && d->pictures) || (g && g->pictures)))
		return "instance norm needs pictures: a single number has no spread of its own";
	if (m->match && !m->D->feature)
		return "feature matching needs a layer that the model's D marks, and this one "
		       "marks "
		       "none";
	return NULL;
}

void gm_game_build(gm_game *m)
{
	gm_net *D = m->D;
	gm_scope_push(D->graph, "game");
	m->real = packed(noisy(m, m->real), m->pack), m->fake = packed(noisy(m, m->fake), m->pack);
	m->given = m->given ? packed(m->given, m->pack) : NULL;
	gm_scope_pop(D->graph);
	m->y_real = gm_game_discriminate(m, m->real);
	m->f_real = D->feature ? gm_net_without_reference(D, D->feature) : NULL;
	m->y_fake = gm_game_discriminate(m, m->fake);
	m->f_fake = D->feature ? gm_net_without_reference(D, D->feature) : NULL;
	gm_node *a = m->y_real, *b = m->y_fake;
	m->refusal = gm_game_refusal(m);
	if (m->refusal) {
		m->loss_d = m->loss_g = gm_mean_all(b);
		return;
	}
	/* A flipped pair plays with its roles exchanged, which any objective understands. */
	if (m->flip > 0) {
		gm_node *swap = gm_bernoulli(D->graph, m->flip, gm_node_shape(a));
		a = gm_select(swap, m->y_fake, m->y_real),
		b = gm_select(swap, m->y_real, m->y_fake);
	}
	m->loss_d = m->objective->d_loss(a, b, &m->terms);
	if (m->match) {
		gm_node *apart = gm_rank_mean(
			gm_sub(gm_mean(m->f_real, 1u, false), gm_mean(m->f_fake, 1u, false)));
		m->loss_g = gm_sum_all(gm_square(apart));
	} else if (m->unroll > 0) {
		m->loss_g = unrolled(m, m->real, m->fake);
	} else {
		m->loss_g = m->objective->g_loss(m->y_real, m->y_fake, &m->terms);
	}
	if (m->penalty && m->penalty->build) {
		gm_node *price = gm_mul_c(m->penalty->build(m), m->weight);
		m->loss_d = gm_add(m->loss_d, price);
		if (m->penalty->both)
			m->loss_g = gm_add(m->loss_g, price);
	}
	if (m->history > 0) {
		m->loss_d = gm_add(m->loss_d, gm_mul_c(gm_historical(m->D), m->history));
		m->loss_g = gm_add(m->loss_g, gm_mul_c(gm_historical(m->G), m->history));
	}
	m->clip = m->penalty && m->penalty->clips ? m->weight : 0;
}
