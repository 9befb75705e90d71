/* SPDX-License-Identifier: MIT
 *
 * nn/objective.c -- the objectives of generator and discriminator, one row each. a = logit of a
 * real example, b = logit of a fake one, D = sigmoid(logit). Note log D = -softplus(-logit),
 * log(1-D) = -softplus(logit). s = one-sided label smoothing: the target of D for a real example is
 * 1-s (Salimans et al. 2016, section 3.4).
 */
#include "nn/net.h"

#include <string.h>

static const gm_terms usual = {.a = 0, .b = 1, .c = 1};

static const gm_terms *given(const gm_terms *t)
{
	return t ? t : &usual;
}

/* E[-log D(x)] */
static gm_node *log_real(gm_node *a)
{
	return gm_mean_all(gm_softplus(gm_neg(a)));
}

/* E[-log(1 - D(x))] */
static gm_node *log_fake(gm_node *b)
{
	return gm_mean_all(gm_softplus(b));
}

/* E[-(1-s) log D(x) - s log(1 - D(x))] */
static gm_node *real_log(gm_node *a, const gm_terms *t)
{
	double s = given(t)->smooth;
	return s > 0 ? gm_add(gm_mul_c(log_real(a), 1 - s), gm_mul_c(log_fake(a), s)) : log_real(a);
}

/* E[-log(1 - D(G(z)))] */
static gm_node *fake_log(gm_node *b, const gm_terms *t)
{
	(void)t;
	return log_fake(b);
}

/* E[log(1 - D(G(z)))] */
static gm_node *g_minimax(gm_node *b, const gm_terms *t)
{
	(void)t;
	return gm_neg(log_fake(b));
}

/* E[-log D(G(z))] */
static gm_node *g_non_saturating(gm_node *b, const gm_terms *t)
{
	(void)t;
	return log_real(b);
}

/* E[-exp(logit)] = E[-D/(1-D)]: for the optimal D, the gradient of maximum likelihood. */
static gm_node *g_likelihood(gm_node *b, const gm_terms *t)
{
	(void)t;
	return gm_neg(gm_mean_all(gm_exp(b)));
}

static gm_node *half_square(gm_node *y, double target)
{
	return gm_mul_c(gm_mean_all(gm_square(gm_add_c(y, -target))), .5);
}

/* 1/2 E[(a - B)^2], 1/2 E[(b - A)^2], 1/2 E[(b - C)^2]: targets are A for fakes, B for real
 * examples, C for G. */
static gm_node *real_square(gm_node *a, const gm_terms *t)
{
	t = given(t);
	return half_square(a, t->b - t->smooth * (t->b - t->a));
}

static gm_node *fake_square(gm_node *b, const gm_terms *t)
{
	return half_square(b, given(t)->a);
}

static gm_node *g_square(gm_node *b, const gm_terms *t)
{
	return half_square(b, given(t)->c);
}

/* -E[a], E[b], -E[b] */
static gm_node *score_up(gm_node *y, const gm_terms *t)
{
	(void)t;
	return gm_neg(gm_mean_all(y));
}

static gm_node *score_down(gm_node *y, const gm_terms *t)
{
	(void)t;
	return gm_mean_all(y);
}

/* E[max(0, 1-a)], E[max(0, 1+b)] */
static gm_node *real_hinge(gm_node *a, const gm_terms *t)
{
	(void)t;
	return gm_mean_all(gm_relu(gm_add_c(gm_neg(a), 1)));
}

static gm_node *fake_hinge(gm_node *b, const gm_terms *t)
{
	(void)t;
	return gm_mean_all(gm_relu(gm_add_c(b, 1)));
}

/* The logistic loss of a - E[b] and b - E[a]; G's loss has real and fake exchanged. */
static gm_node *d_relativistic(gm_node *a, gm_node *b, const gm_terms *t)
{
	return gm_add(real_log(gm_sub(a, gm_rank_mean(gm_mean_all(b))), t),
	              log_fake(gm_sub(b, gm_rank_mean(gm_mean_all(a)))));
}

static gm_node *g_relativistic(gm_node *a, gm_node *b, const gm_terms *t)
{
	(void)t;
	return d_relativistic(b, a, NULL);
}

/* clang-format off */
const gm_objective gm_objectives[] = {
	{"non-saturating", "Goodfellow et al. 2014, section 3, arXiv:1406.2661",
	 real_log, fake_log, g_non_saturating, true},
	{"minimax", "Goodfellow et al. 2014, eq. 1, arXiv:1406.2661", real_log, fake_log, g_minimax, true},
	{"max-likelihood", "Goodfellow 2014, arXiv:1412.6515", real_log, fake_log, g_likelihood, true},
	{"least-squares", "Mao et al. 2017, eq. 2 and 9, arXiv:1611.04076", real_square, fake_square, g_square, true},
	{"wasserstein", "Arjovsky et al. 2017, Algorithm 1, arXiv:1701.07875", score_up, score_down, score_up, false},
	{"hinge", "Lim & Ye 2017, arXiv:1705.02894; Miyato et al. 2018, eq. 16", real_hinge, fake_hinge, score_up, false},
	{"relativistic", "relativistic average: Jolicoeur-Martineau 2018, arXiv:1807.00734",
	 .targets = true, .d_loss = d_relativistic, .g_loss = g_relativistic},
	{0},
};
/* clang-format on */

gm_node *gm_objective_d(const gm_objective *o, gm_node *real, gm_node *fake, const gm_terms *t)
{
	return o->d_loss ? o->d_loss(real, fake, t) : gm_add(o->real(real, t), o->fake(fake, t));
}

gm_node *gm_objective_g(const gm_objective *o, gm_node *real, gm_node *fake, const gm_terms *t)
{
	return o->g_loss ? o->g_loss(real, fake, t) : o->g(fake, t);
}

bool gm_row_is(const char *row, const char *name)
{
	while (*row && (*row == *name || (*row == '-' && *name == '_')))
		row++, name++;
	return !*row && !*name;
}

const char *gm_objective_name(int i)
{
	return gm_objectives[i].name;
}

const gm_objective *gm_objective_find(const char *name)
{
	for (const gm_objective *o = gm_objectives; o->name; o++)
		if (gm_row_is(o->name, name))
			return o;
	return NULL;
}
