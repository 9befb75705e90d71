/* SPDX-License-Identifier: MIT
 *
 * boltzmann.h -- restricted Boltzmann machines as expressions. Part of nn.h, which includes it.
 *
 * Contrastive divergence is not the gradient of a loss, but it is that of a difference of two means
 * of free energies whose second argument is a constant:
 *
 *	gm_rbm p = gm_rbm_new(net, 784, 500, .sigma = 0);
 *	gm_node *h = gm_rbm_sample_hidden(&p, x), *v = gm_rbm_gibbs(&p, &h, k);
 *	gm_node *loss = gm_rbm_divergence(&p, x, v);
 */
#ifndef GANYMEDE_BOLTZMANN_H
#define GANYMEDE_BOLTZMANN_H

#include "ganymede/nn.h"

GM_BEGIN_C

/* A machine of visible units v [m,nv] and binary hidden units h [m,nh]: p(v,h) = exp(-E(v,h)) / Z.
 * Binary units: E = -b'v - c'h - v'W h; with sigma: E = |v - b|^2 / (2 sigma^2) - c'h - v'W h /
 * sigma (Hinton, "A practical guide to training restricted Boltzmann machines", UTML TR 2010-003,
 * section 13.2). Tied machines are made by concatenation: two copies of the visible units with the
 * same weights are {GM_CONCAT(0, W, W), GM_CONCAT(0, b, b), c}. */
typedef struct gm_rbm {
	gm_node *weight, *visible, *hidden; /* W [nv,nh], b [nv], c [nh] */
	double sigma;                       /* of Gaussian visible units; 0: binary ones */
} gm_rbm;

/* Variables "weight", N(0, .01^2), "visible" and "hidden", zeros, of n. */
typedef struct gm_rbm_args {
	double sigma;
	const double *bias; /* [nv], initial b; NULL: zeros */
} gm_rbm_args;
#define gm_rbm_new(net, visible, hidden, ...)                                                      \
	gm_rbm_new_(net, visible, hidden, (gm_rbm_args){__VA_ARGS__})
GM_API gm_rbm gm_rbm_new_(gm_net *n, int64_t visible, int64_t hidden, gm_rbm_args a);

/* 1 with probability p, else 0; of p's shape, new at each run, without a gradient. */
GM_API gm_node *gm_binary_sample(gm_node *p);

/* The logits c + W'v of hidden units, [m,nh], and with binary units b + W h of visible ones, with
 * Gaussian units their means b + sigma W h, [m,nv]. */
GM_API gm_node *gm_rbm_up(const gm_rbm *p, gm_node *v);
GM_API gm_node *gm_rbm_down(const gm_rbm *p, gm_node *h);
/* The means of p(h|v) and p(v|h); and samples. */
GM_API gm_node *gm_rbm_hidden(const gm_rbm *p, gm_node *v);
GM_API gm_node *gm_rbm_visible(const gm_rbm *p, gm_node *h);
GM_API gm_node *gm_rbm_sample_hidden(const gm_rbm *p, gm_node *v);
GM_API gm_node *gm_rbm_sample_visible(const gm_rbm *p, gm_node *h);
/* k times a sample of v given h and of h given v. *h: the first hidden states, then the last.
 * Returns the last v. No gradient passes through a chain. */
GM_API gm_node *gm_rbm_gibbs(const gm_rbm *p, gm_node **h, int k);

/* E(v,h), [m] */
GM_API gm_node *gm_rbm_energy(const gm_rbm *p, gm_node *v, gm_node *h);
/* F(v) = -log sum_h exp(-E(v,h)), [m]: log p(v) = -F(v) - log Z. */
GM_API gm_node *gm_rbm_free_energy(const gm_rbm *p, gm_node *v);
/* mean F(x) - mean F(v), with v a constant: its gradient is that of contrastive divergence (Hinton
 * 2002) or of persistent chains (Tieleman 2008), with probabilities of hidden units in both phases.
 * The value says nothing about the likelihood. Rank 0. */
GM_API gm_node *gm_rbm_divergence(const gm_rbm *p, gm_node *x, gm_node *v);
/* Of binary x: an unbiased estimate of the mean over examples of sum_i log p(x_i | the others), by
 * one random i for each example. Rank 0. */
GM_API gm_node *gm_rbm_pseudo_likelihood(const gm_rbm *p, gm_node *x);

/* Variable NAME of n, a running mean of the rows of v [m,nv]: NAME += (mean of v - NAME) / 100 at
 * each run of a training step that has *update as an output. Begins at .5. */
GM_API gm_node *gm_running_mean(gm_net *n, const char *name, gm_node *v, gm_node **update);

GM_END_C

#endif
