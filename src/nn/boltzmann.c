/* SPDX-License-Identifier: MIT
 *
 * nn/boltzmann.c -- restricted Boltzmann machines: conditional distributions, energies, the
 * objective of contrastive divergence.
 */
#include "nn/net.h"

gm_rbm gm_rbm_new_(gm_net *n, int64_t visible, int64_t hidden, gm_rbm_args a)
{
	return (gm_rbm){.weight = gm_net_var(n, "weight", GM_SHAPE(visible, hidden),
	                                     .init = GM_NORMAL(0, .01)),
	                .visible = gm_net_var(n, "visible", GM_SHAPE(visible),
	                                      .init = a.bias ? GM_GIVEN(a.bias) : GM_ZEROS),
	                .hidden = gm_net_var(n, "hidden", GM_SHAPE(hidden)),
	                .sigma = a.sigma};
}

gm_node *gm_binary_sample(gm_node *p)
{
	return gm_less(gm_uniform(gm_node_graph(p), gm_node_shape(p)), p);
}

gm_node *gm_rbm_up(const gm_rbm *p, gm_node *v)
{
	gm_node *x = p->sigma > 0 ? gm_mul_c(v, 1 / p->sigma) : v;
	return gm_add(gm_matmul(x, p->weight, false, false), p->hidden);
}

gm_node *gm_rbm_down(const gm_rbm *p, gm_node *h)
{
	gm_node *x = gm_matmul(h, p->weight, false, true);
	return gm_add(p->sigma > 0 ? gm_mul_c(x, p->sigma) : x, p->visible);
}

gm_node *gm_rbm_hidden(const gm_rbm *p, gm_node *v)
{
	return gm_sigmoid(gm_rbm_up(p, v));
}

gm_node *gm_rbm_visible(const gm_rbm *p, gm_node *h)
{
	gm_node *y = gm_rbm_down(p, h);
	return p->sigma > 0 ? y : gm_sigmoid(y);
}

gm_node *gm_rbm_sample_hidden(const gm_rbm *p, gm_node *v)
{
	return gm_binary_sample(gm_rbm_hidden(p, v));
}

gm_node *gm_rbm_sample_visible(const gm_rbm *p, gm_node *h)
{
	gm_node *mean = gm_rbm_visible(p, h);
	if (p->sigma <= 0)
		return gm_binary_sample(mean);
	gm_node *noise = gm_randn(gm_node_graph(mean), gm_node_shape(mean));
	return gm_add(mean, gm_mul_c(noise, p->sigma));
}

gm_node *gm_rbm_gibbs(const gm_rbm *p, gm_node **h, int k)
{
	gm_node *v = NULL;
	for (int i = 0; i < k; i++) {
		v = gm_stop_gradient(gm_rbm_sample_visible(p, *h));
		*h = gm_rbm_sample_hidden(p, v);
	}
	return v;
}

static gm_node *row_sum(gm_node *x)
{
	return gm_sum(x, GM_AXES(1), false);
}

/* The part of the energy that depends on v alone, [m]. */
static gm_node *own_energy(const gm_rbm *p, gm_node *v)
{
	if (p->sigma <= 0)
		return gm_neg(row_sum(gm_mul(v, p->visible)));
	return gm_mul_c(row_sum(gm_square(gm_sub(v, p->visible))), .5 / (p->sigma * p->sigma));
}

gm_node *gm_rbm_energy(const gm_rbm *p, gm_node *v, gm_node *h)
{
	return gm_sub(own_energy(p, v), row_sum(gm_mul(h, gm_rbm_up(p, v))));
}

gm_node *gm_rbm_free_energy(const gm_rbm *p, gm_node *v)
{
	return gm_sub(own_energy(p, v), row_sum(gm_softplus(gm_rbm_up(p, v))));
}

gm_node *gm_rbm_divergence(const gm_rbm *p, gm_node *x, gm_node *v)
{
	return gm_sub(gm_mean_all(gm_rbm_free_energy(p, x)),
	              gm_mean_all(gm_rbm_free_energy(p, gm_stop_gradient(v))));
}

gm_node *gm_rbm_pseudo_likelihood(const gm_rbm *p, gm_node *x)
{
	const int64_t m = gm_node_shape(x).dim[0], n = gm_node_shape(x).dim[1];
	gm_node *u = gm_uniform(gm_node_graph(x), GM_SHAPE(m));
	gm_node *i = gm_cast(gm_mul_c(u, (double)n), GM_I32);
	gm_node *old = row_sum(gm_mul(x, gm_one_hot(i, n)));
	/* v_i becomes 1 - v_i: logits of hidden units change by a row of W */
	gm_node *change = gm_add_c(gm_mul_c(old, -2), 1);
	gm_node *up = gm_rbm_up(p, x);
	gm_node *moved =
		gm_add(up, gm_mul(gm_gather(p->weight, i), gm_reshape(change, GM_SHAPE(m, 1))));
	gm_node *bias =
		gm_reshape(gm_gather(gm_reshape(p->visible, GM_SHAPE(n, 1)), i), GM_SHAPE(m));
	/* F(x) - F(x with v_i changed); log p(x_i | the others) = -softplus of it */
	gm_node *rise =
		gm_add(row_sum(gm_sub(gm_softplus(moved), gm_softplus(up))), gm_mul(change, bias));
	return gm_mul_c(gm_mean_all(gm_softplus(rise)), -(double)n);
}

gm_node *gm_running_mean(gm_net *n, const char *name, gm_node *v, gm_node **update)
{
	gm_node *mean = gm_net_var(n, name, GM_SHAPE(gm_node_shape(v).dim[1]),
	                           .init = GM_CONSTANT(.5), .role = GM_STAT);
	gm_node *now = gm_rank_mean(gm_mean(gm_stop_gradient(v), GM_AXES(0), false));
	*update = gm_assign(mean, gm_add(mean, gm_mul_c(gm_sub(now, mean), .01)));
	return mean;
}
