/* SPDX-License-Identifier: MIT
 *
 * nn/objective.c -- the games that a generator and a discriminator can play, one row each. a =
 * logit of a real example, b = logit of a fake one, D = sigmoid(logit). Note log D =
 * -softplus(-logit), log(1-D) = -softplus(logit). And the penalties, which are expressions over
 * gm_grad.
 */
#include "nn/net.h"

#include <string.h>

/* E[-log D(x)] + E[-log(1 - D(G(z)))] */
static gm_node *d_log(gm_node *a, gm_node *b)
{
	return gm_add(gm_mean_all(gm_softplus(gm_neg(a))), gm_mean_all(gm_softplus(b)));
}

/* E[log(1 - D(G(z)))] */
static gm_node *g_minimax(gm_node *b)
{
	return gm_neg(gm_mean_all(gm_softplus(b)));
}

/* E[-log D(G(z))] */
static gm_node *g_non_saturating(gm_node *b)
{
	return gm_mean_all(gm_softplus(gm_neg(b)));
}

/* E[-exp(logit)] = E[-D/(1-D)]: with the best D, the gradient of maximum likelihood. */
static gm_node *g_likelihood(gm_node *b)
{
	return gm_neg(gm_mean_all(gm_exp(b)));
}

/* 1/2 E[(a-1)^2] + 1/2 E[b^2], 1/2 E[(b-1)^2] */
static gm_node *d_squares(gm_node *a, gm_node *b)
{
	return gm_mul_c(gm_add(gm_mean_all(gm_square(gm_add_c(a, -1))), gm_mean_all(gm_square(b))),
	                .5);
}

static gm_node *g_squares(gm_node *b)
{
	return gm_mul_c(gm_mean_all(gm_square(gm_add_c(b, -1))), .5);
}

/* E[b] - E[a], -E[b] */
static gm_node *d_wasserstein(gm_node *a, gm_node *b)
{
	return gm_sub(gm_mean_all(b), gm_mean_all(a));
}

static gm_node *g_score(gm_node *b)
{
	return gm_neg(gm_mean_all(b));
}

/* E[max(0, 1-a)] + E[max(0, 1+b)] */
static gm_node *d_hinge(gm_node *a, gm_node *b)
{
	return gm_add(gm_mean_all(gm_relu(gm_add_c(gm_neg(a), 1))),
	              gm_mean_all(gm_relu(gm_add_c(b, 1))));
}

const gm_objective gm_objectives[] = {
	{"non-saturating", "Goodfellow et al. 2014, section 3, arXiv:1406.2661", d_log,
         g_non_saturating},
	{"minimax", "Goodfellow et al. 2014, eq. 1, arXiv:1406.2661", d_log, g_minimax},
	{"max-likelihood", "Goodfellow 2014, arXiv:1412.6515", d_log, g_likelihood},
	{"least-squares", "Mao et al. 2017, eq. 9, arXiv:1611.04076", d_squares, g_squares},
	{"wasserstein", "Arjovsky et al. 2017, Algorithm 1, arXiv:1701.07875", d_wasserstein,
         g_score},
	{"hinge", "Lim & Ye 2017, arXiv:1705.02894; Miyato et al. 2018, eq. 16", d_hinge, g_score},
	{0},
};

const gm_objective *gm_objective_find(const char *name)
{
	for (const gm_objective *o = gm_objectives; o->name; o++) {
		const char *a = o->name, *b = name;
		while (*a && (*a == *b || (*a == '-' && *b == '_')))
			a++, b++;
		if (!*a && !*b)
			return o;
	}
	return NULL;
}

gm_node *gm_interpolate(gm_node *a, gm_node *b)
{
	gm_shape s = gm_node_shape(a), each = {.rank = s.rank, .dim = {s.dim[0], 1, 1, 1, 1, 1}};
	return gm_add(b, gm_mul(gm_uniform(gm_node_graph(a), each), gm_sub(a, b)));
}

gm_node *gm_gradient_penalty(gm_node *y, gm_node *x, double centre)
{
	gm_node *dx;
	gm_scope_push(gm_node_graph(x), "gradient penalty");
	gm_grad(y, &x, 1, &dx);
	unsigned rest = ((1u << gm_node_shape(x).rank) - 1) & ~1u; /* every axis but 0 */
	gm_node *square = gm_sum(gm_square(dx), rest, false);
	/* The root has no derivative at 0, where a dead critic starts: the tiny number keeps it
	 * finite. */
	if (centre != 0)
		square = gm_square(gm_add_c(gm_sqrt(gm_add_c(square, 1e-12)), -centre));
	gm_node *penalty = gm_mean_all(square);
	gm_scope_pop(gm_node_graph(x));
	return penalty;
}
