/* SPDX-License-Identifier: MIT
 *
 * nn/game.c -- builds a GAN game: both losses from objective, penalty and tricks.
 */
#include "nn/net.h"

#include <stdlib.h>
#include <string.h>

static gm_node *number(gm_net *n, double v)
{
	return gm_scalar(n->graph, v);
}

/* ---- what the discriminator reads ------------------------------------------------------------ */

/* [m,C,..] to [m/k, k C, ..], [m] to [m/k, k]: k consecutive examples become one. In tools the
 * batch need not be a multiple of k; it is then repeated k times, because only shapes matter. */
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

static gm_node *noisy(const gm_game *m, gm_node *x)
{
	return m->noise ? gm_add(x, gm_mul(gm_randn(gm_node_graph(x), gm_node_shape(x)), m->noise))
	                : x;
}

static gm_shown shown(const gm_game *m, gm_shown s)
{
	if (!s.x)
		return s;
	gm_node *x = m->augment && gm_node_shape(s.x).rank == 4
	                     ? gm_augmented(s.x, m->augment, m->augment_p)
	                     : s.x;
	return (gm_shown){packed(noisy(m, x), m->pack), s.with ? packed(s.with, m->pack) : NULL};
}

/* Applies a net of the game, with its reference batch, filled like `like`. */
static gm_node *apply(const gm_game *m, gm_net *n, gm_net_fn *f, gm_shown s, gm_shown like)
{
	gm_node *x = gm_net_with_reference(n, s.x, m->references, like.x);
	gm_node *with = s.with ? gm_net_given_reference(n, s.with, like.with) : NULL;
	return gm_net_without_reference(n, f(m->ctx, n, x, with));
}

gm_node *gm_game_discriminate(const gm_game *m, gm_shown s)
{
	return apply(m, m->D, m->discriminator, s, s);
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
	gm_node *distance = gm_sum(gm_abs(gm_sub(i, j)), GM_AXES(3), false);
	/* subtract exp(0) = 1, the similarity of an example to itself */
	gm_node *o = gm_add_c(gm_sum(gm_exp(gm_neg(distance)), GM_AXES(1), false), -1);
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

static gm_node *historical(void *ctx)
{
	gm_net *n = ctx;
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

gm_node *gm_historical(gm_net *n)
{
	return gm_net_guard(n, historical, n);
}

/* ---- losses ---------------------------------------------------------------------------------- */

/* D's outputs for all terms of its loss. */
typedef struct outputs {
	gm_node *real, *fake, *wrong[GM_WRONGS];
} outputs;

static int wrongs(const gm_game *m)
{
	int n = 0;
	while (n < GM_WRONGS && m->wrong[n].x)
		n++;
	return n;
}

static gm_node *d_loss(const gm_game *m, const outputs *y)
{
	int n = wrongs(m);
	if (!n)
		return gm_objective_d(m->objective, y->real, y->fake, &m->terms);
	double share = m->wrong_share > 0 ? m->wrong_share : .5;
	gm_node *fake = gm_mul_c(m->objective->fake(y->fake, &m->terms), 1 - share);
	for (int i = 0; i < n; i++)
		fake = gm_add(fake,
		              gm_mul_c(m->objective->fake(y->wrong[i], &m->terms), share / n));
	return gm_add(m->objective->real(y->real, &m->terms), fake);
}

/* D's outputs; fake: for G's samples. */
static outputs look(const gm_game *m, gm_node *real, gm_node *fake)
{
	outputs y = {.real = real, .fake = fake};
	if (m->fake_d.x)
		y.fake = gm_game_discriminate(m, m->fake_d);
	for (int i = 0; i < wrongs(m); i++)
		y.wrong[i] = gm_game_discriminate(m, m->wrong[i]);
	return y;
}

/* G's loss from D's outputs for real examples and for G's samples. */
static gm_node *g_terms(const gm_game *m, gm_node *real, gm_node *fake)
{
	gm_terms t = m->terms;
	t.smooth = 0;
	return m->exchange ? gm_objective_d(m->objective, fake, real, &t)
	                   : gm_objective_g(m->objective, real, fake, &m->terms);
}

/* Metz et al. 2017, eq. 4 to 8: G's loss with D after k further steps of gradient descent on D's
 * loss. Each step is an expression, so G's gradient passes through all of them. */
static gm_node *unrolled(const gm_game *m, outputs y)
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
		gm_grad(d_loss(m, &y), now, params, d);
		for (int i = 0; i < params; i++)
			now[i] = gm_sub(now[i], gm_mul_c(gm_rank_mean(d[i]), m->unroll_lr));
		gm_net_with(n, p, now, params);
		a = gm_game_discriminate(m, m->real), b = gm_game_discriminate(m, m->fake);
		y = look(m, a, b);
	}
	gm_net_with(n, NULL, NULL, 0);
	free(p);
	return g_terms(m, a, b);
}

/* ---- the whole ------------------------------------------------------------------------------- */

void gm_game_add(gm_game *m, gm_game other)
{
	m->loss_d = gm_add(m->loss_d, other.loss_d);
	m->loss_g = gm_add(m->loss_g, other.loss_g);
}

const char *gm_game_refusal(const gm_game *m)
{
	const gm_penalty *p = m->penalty;
	const gm_normaliser *d = m->D->flow, *g = m->G->flow;
	if (p && p->each && d && d->mixes)
		return "a gradient penalty asks how D answers to each example by itself, and batch "
		       "norm mixes the examples of a batch: take --normalise-d layer, or another "
		       "penalty (Gulrajani et al. 2017, section 4)";
	if (p && p->each && m->D->minibatch)
		return "a gradient penalty asks how D answers to each example by itself, and "
		       "minibatch discrimination compares the examples of a batch";
	if (p && p->clips && m->D->weight)
		return "clipping bounds weights, and this normaliser of D divides their size away "
		       "again: take one of the two";
	if (p && p->between && m->real.with != m->fake.with && m->real.with && m->fake.with &&
	    !gm_node_is_value(m->real.with))
		return "this penalty mixes real and generated examples, and the two come with "
		       "different class numbers, which cannot be mixed: take r1";
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
	if (wrongs(m) && m->objective && m->objective->d_loss)
		return "further examples that count as fake need an objective that adds a term for "
		       "each side, and the relativistic one compares pairs";
	if (wrongs(m) && m->flip > 0)
		return "exchanging labels is defined for pairs of real and generated examples, and "
		       "this game has further fakes";
	if (gm_node_shape(m->real.x).rank == 2 && ((d && d->pictures) || (g && g->pictures)))
		return "instance norm needs pictures: a single value has no variance";
	if (m->augment && gm_node_shape(m->real.x).rank != 4)
		return "--augment is for images [m,C,H,W], and this D sees rows of numbers";
	if (m->augment && m->real.with && gm_node_shape(m->real.with).rank == 4)
		return "--augment would change the images that D scores, but not the images they "
		       "come with, so that pairs would no longer fit";
	if (m->match && !m->D->feature)
		return "feature matching needs a layer that the model's D marks, and this one "
		       "marks "
		       "none";
	return NULL;
}

/* Computes all inputs of D, and G's samples. */
static void show(gm_game *m)
{
	if (m->generator)
		m->fake.x = apply(m, m->G, m->generator, m->fake, m->fake);
	m->generated = m->fake.x;
	gm_scope_push(m->D->graph, "game");
	m->real = shown(m, m->real), m->fake = shown(m, m->fake), m->fake_d = shown(m, m->fake_d);
	for (int i = 0; i < GM_WRONGS; i++)
		m->wrong[i] = shown(m, m->wrong[i]);
	gm_scope_pop(m->D->graph);
}

static gm_node *g_loss(const gm_game *m, outputs y)
{
	if (m->match) {
		gm_node *distance = gm_rank_mean(
			gm_sub(gm_mean(m->f_real, 1u, false), gm_mean(m->f_fake, 1u, false)));
		return gm_sum_all(gm_square(distance));
	}
	return m->unroll > 0 ? unrolled(m, y) : g_terms(m, m->y_real, m->y_fake);
}

/* Karras et al. 2020, section 3.3: changes p by the mean sign of D's scores of real examples over
 * four minibatches, whenever D's loss is computed in training. */
static gm_node *adapted(gm_game *m, gm_node *loss)
{
	enum { MINIBATCHES = 4 };
	gm_net *D = m->D;
	const double target = m->augment_target > 0 ? m->augment_target : .6,
		     kimg = m->augment_kimg > 0 ? m->augment_kimg : 500;
	const double examples = (double)gm_node_shape(m->y_real).dim[0] *
	                        (m->pack > 1 ? m->pack : 1) * gm_graph_ranks(D->graph);
	gm_node *sum = gm_net_var(D, "augment/sum", GM_RANK0, .role = GM_STAT),
		*count = gm_net_var(D, "augment/count", GM_RANK0, .role = GM_STAT);
	gm_node *p = m->augment_p, *none = number(D, 0);
	m->augment_r = gm_rank_mean(gm_mean_all(gm_sign(m->y_real)));
	gm_node *sums = gm_add(sum, m->augment_r), *counts = gm_add_c(count, 1);
	gm_node *due = gm_equal(counts, number(D, MINIBATCHES));
	gm_node *over = gm_sign(gm_add_c(gm_mul_c(sums, 1. / MINIBATCHES), -target));
	gm_node *next = gm_add(p, gm_mul_c(over, MINIBATCHES * examples / (1000 * kimg)));
	gm_node *effect[3] = {gm_assign(p, gm_select(due, gm_clamp(next, 0, 1), p)),
	                      gm_assign(sum, gm_select(due, none, sums)),
	                      gm_assign(count, gm_select(due, none, counts))};
	gm_node *all = gm_group(D->graph, effect, 3);
	return gm_by_mode(gm_after(loss, all), loss);
}

static gm_node *build_game(void *ctx)
{
	gm_game *m = ctx;
	gm_net *D = m->D;
	if (gm_augmentation_adapts(m->augment))
		m->augment_p = gm_net_var(D, "augment/p", GM_RANK0, .role = GM_STAT);
	/* reference batches have no instance noise, because it may decay */
	gm_shown clean = {packed(m->real.x, m->pack),
	                  m->real.with ? packed(m->real.with, m->pack) : NULL};
	show(m);
	m->y_real = apply(m, D, m->discriminator, m->real, clean);
	m->f_real = D->feature ? gm_net_without_reference(D, D->feature) : NULL;
	m->y_fake = gm_game_discriminate(m, m->fake);
	m->f_fake = D->feature ? gm_net_without_reference(D, D->feature) : NULL;
	outputs plain = look(m, m->y_real, m->y_fake), y = plain;
	m->refusal = gm_game_refusal(m);
	if (m->refusal)
		return m->loss_d = m->loss_g = gm_mean_all(m->y_fake);
	/* A flipped pair exchanges real and fake, which works with any objective. */
	if (m->flip > 0) {
		gm_node *swap = gm_bernoulli(D->graph, m->flip, gm_node_shape(y.real));
		y = (outputs){.real = gm_select(swap, y.fake, y.real),
		              .fake = gm_select(swap, y.real, y.fake)};
	}
	m->loss_d = d_loss(m, &y);
	m->loss_g = g_loss(m, plain);
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
	if (m->augment_p)
		m->loss_d = adapted(m, m->loss_d);
	m->clip = m->penalty && m->penalty->clips ? m->weight : 0;
	return m->loss_d;
}

void gm_game_build(gm_game *m)
{
	if (gm_net_guard(m->D, build_game, m) == m->loss_d)
		return;
	gm_node *none = gm_graph_no_memory(m->D->graph);
	m->loss_d = m->loss_g = m->y_real = m->y_fake = m->generated = none;
}
