/* SPDX-License-Identifier: MIT
 *
 * nn/density.c -- errors, likelihoods of normal distributions and quantised pixels, entropies of
 * classes, priors in the plane.
 */
#include "nn/net.h"

#include <math.h>

gm_node *gm_squared_error(gm_node *x, gm_node *y)
{
	return gm_mean_all(gm_square(gm_sub(x, y)));
}

gm_node *gm_absolute_error(gm_node *x, gm_node *y)
{
	return gm_mean_all(gm_abs(gm_sub(x, y)));
}

gm_node *gm_sparsity(gm_node *z, double rho)
{
	/* a little away from 0 and 1, with a gradient there */
	gm_node *mean = gm_add_c(gm_mul_c(gm_mean(z, GM_AXES(0), false), 1 - 2e-6), 1e-6);
	gm_node *on = gm_mul_c(gm_log(mean), -rho),
		*off = gm_mul_c(gm_log(gm_add_c(gm_neg(mean), 1)), rho - 1);
	const double entropy = rho * log(rho) + (1 - rho) * log(1 - rho);
	return gm_sum_all(gm_add_c(gm_add(on, off), entropy));
}

gm_node *gm_normal_nll(gm_node *x, gm_node *mean, gm_node *log_sigma)
{
	gm_node *e = gm_mul(gm_sub(x, mean), gm_exp(gm_neg(log_sigma)));
	return gm_add_c(gm_add(gm_mul_c(gm_square(e), .5), log_sigma),
	                .91893853320467274); /* log(2 pi)/2 */
}

gm_node *gm_normal_kl(gm_node *mean, gm_node *log_sigma)
{
	gm_node *square = gm_add(gm_square(mean), gm_square(gm_exp(log_sigma)));
	return gm_sub(gm_mul_c(gm_add_c(square, -1), .5), log_sigma);
}

gm_normal_code gm_normal_encode(gm_net *n, gm_node *h, int64_t units, int64_t k)
{
	gm_normal_code c = {.mean = gm_linear(n, "mean", h, .out = units),
	                    .log_sigma = gm_linear(n, "log_sigma", h, .out = units)};
	const int64_t m = gm_node_shape(h).dim[0];
	gm_node *mean = gm_reshape(c.mean, GM_SHAPE(m, 1, units)),
		*log_sigma = gm_reshape(c.log_sigma, GM_SHAPE(m, 1, units)),
		*e = gm_randn(gm_node_graph(h), GM_SHAPE(m, k, units));
	c.z = gm_add(mean, gm_mul(gm_exp(log_sigma), e));
	gm_node *ratio = gm_add(gm_mul_c(gm_sub(gm_square(e), gm_square(c.z)), .5), log_sigma);
	c.log_ratio = gm_sum(ratio, GM_AXES(2), false);
	c.divergence = gm_sum(gm_normal_kl(c.mean, c.log_sigma), GM_AXES(1), false);
	return c;
}

gm_node *gm_fast_mmd(gm_node *z, gm_node *s, int64_t features, double gamma)
{
	gm_graph *g = gm_node_graph(z);
	gm_node *w =
		gm_mul_c(gm_randn(g, GM_SHAPE(gm_node_shape(z).dim[1], features)), sqrt(2 / gamma));
	gm_node *b = gm_mul_c(gm_uniform(g, GM_SHAPE(1, features)), 2 * M_PI);
	gm_node *psi = gm_mul_c(gm_cos(gm_add(gm_matmul(z, w, false, false), b)),
	                        sqrt(2 / (double)features));
	gm_node *one = gm_scalar(g, 1), *other = gm_sub(one, s);
	gm_node *n1 = gm_sum_all(s), *n0 = gm_sum_all(other);
	gm_node *mean1 = gm_div(gm_sum(gm_mul(psi, s), GM_AXES(0), false), gm_max(n1, one));
	gm_node *mean0 = gm_div(gm_sum(gm_mul(psi, other), GM_AXES(0), false), gm_max(n0, one));
	gm_node *both = gm_mul(gm_min(n0, one), gm_min(n1, one));
	return gm_mul(both, gm_sum_all(gm_square(gm_sub(mean1, mean0))));
}

gm_node *gm_log_mean_exp(gm_node *x)
{
	const gm_shape s = gm_node_shape(x);
	return gm_add_c(gm_logsumexp(x, GM_AXES(s.rank - 1), false),
	                -log((double)s.dim[s.rank - 1]));
}

gm_node *gm_levels(gm_node *x, int64_t levels)
{
	gm_node *share = gm_clamp(gm_unit(x), 0, 1);
	return gm_floor(gm_add_c(gm_mul_c(share, (double)levels - 1), .5));
}

gm_node *gm_mu_law(gm_node *x, double mu)
{
	x = gm_clamp(x, -1, 1);
	gm_node *size = gm_log(gm_add_c(gm_mul_c(gm_abs(x), mu), 1));
	return gm_mul(gm_sign(x), gm_mul_c(size, 1 / log1p(mu)));
}

gm_node *gm_mu_law_inverse(gm_node *y, double mu)
{
	gm_node *size = gm_add_c(gm_exp(gm_mul_c(gm_abs(y), log1p(mu))), -1);
	return gm_mul(gm_sign(y), gm_mul_c(size, 1 / mu));
}

gm_node *gm_levels_nll(gm_node *logits, gm_node *level, int64_t levels)
{
	return levels == 2 ? gm_sigmoid_xent(logits, level)
	                   : gm_softmax_xent(logits, gm_cast(level, GM_I32));
}

gm_entropies gm_class_entropies(gm_node *logits)
{
	gm_node *log_p = gm_log_softmax(logits, 1), *p = gm_exp(log_p);
	gm_node *all = gm_rank_mean(gm_mean(p, GM_AXES(0), false));
	gm_node *each = gm_mean_all(gm_sum(gm_mul(p, log_p), GM_AXES(1), false));
	gm_node *mean = gm_sum_all(gm_mul(all, gm_log(gm_add_c(all, 1e-20))));
	return (gm_entropies){gm_neg(each), gm_neg(mean)};
}

/* ---- priors ---------------------------------------------------------------------------------- */

/* The index of one-hot rows, real [m,1]. */
static gm_node *index_of(gm_node *part, int64_t classes)
{
	gm_node *number = gm_cast(gm_iota(gm_node_graph(part), classes), GM_F32);
	return gm_matmul(part, gm_reshape(number, GM_SHAPE(classes, 1)), false, false);
}

/* x and y of points with polar coordinates, moved sideways by `across` (or NULL). */
static gm_node *from_polar(gm_node *radius, gm_node *angle, gm_node *across)
{
	gm_node *c = gm_cos(angle), *s = gm_sin(angle);
	gm_node *x = gm_mul(radius, c), *y = gm_mul(radius, s);
	return across ? GM_CONCAT(1, gm_sub(x, gm_mul(across, s)), gm_add(y, gm_mul(across, c)))
	              : GM_CONCAT(1, x, y);
}

gm_node *gm_prior_mixture(gm_node *e, gm_node *part)
{
	const int64_t k = gm_node_shape(part).dim[1];
	return from_polar(gm_add_c(gm_mul_c(gm_narrow(e, 1, 0, 1), .5), 1.4),
	                  gm_mul_c(index_of(part, k), 2 * M_PI / (double)k),
	                  gm_mul_c(gm_narrow(e, 1, 1, 1), .05));
}

gm_node *gm_prior_swiss_roll(gm_node *u, gm_node *part)
{
	const int64_t k = part ? gm_node_shape(part).dim[1] : 1;
	if (part)
		u = gm_mul_c(gm_add(u, index_of(part, k)), 1 / (double)k);
	gm_node *root = gm_sqrt(u);
	return from_polar(gm_mul_c(root, 3), gm_mul_c(root, 4 * M_PI), NULL);
}
