/* SPDX-License-Identifier: MIT
 *
 * policy.h -- what nets of reinforcement learning need besides layers: running standardisation of
 * their inputs, and natural-gradient steps within a trust region. Part of nn.h, which includes it.
 */
#ifndef GANYMEDE_POLICY_H
#define GANYMEDE_POLICY_H

#include "ganymede/nn.h"

GM_BEGIN_C

/* Mean and variance of all rows seen so far, NAME/mean [d], NAME/var [d] and NAME/count (GM_STAT)
 * of a net. They begin with those of first [rows,d]; without rows as 0, 1, and a count of 0. */
typedef struct gm_standard {
	gm_node *mean, *var, *count;
} gm_standard;
GM_API gm_standard gm_standard_new(gm_net *n, const char *name, int64_t d, const double *first,
                                   int64_t rows);
/* (x - mean) / (sqrt(var) + 1e-6) of x [n,d], and its inverse. */
GM_API gm_node *gm_standardise(const gm_standard *s, gm_node *x);
GM_API gm_node *gm_unstandardise(const gm_standard *s, gm_node *x);
/* The effect that adds the rows of x [n,d]: weight [n] is 1/count for `count` (rank 0) of them, and
 * 0 for the others (Chan, Golub & LeVeque 1979). */
GM_API gm_node *gm_standard_add(const gm_standard *s, gm_node *x, gm_node *weight, gm_node *count);

/* h + rate d / mean |d|, the mean over each row of d [m,n], clipped to 0 and most. rate, most: rank
 * 0. */
GM_API gm_node *gm_normalised_step(gm_node *h, gm_node *d, gm_node *rate, gm_node *most);

/* A natural-gradient step of all parameters of a net, as in TRPO (Schulman et al. 2015,
 * arXiv:1502.05477, section 6 and appendix C) with the details of github.com/openai/imitation,
 * optim.py. With g the gradient of the objective and H the Hessian of the divergence: `cg`
 * iterations of conjugate gradients for (H + damping) s = -g; s is scaled to the length at which s'
 * (H + damping) s / 2 = most; then halved up to `halvings` times, until the objective falls by at
 * least a tenth of what g predicts and the divergence is at most 2 most. The last half is taken
 * anyhow. No step if all of g is below 1e-6. */
typedef struct gm_natural_args {
	gm_node *objective;  /* rank 0, to be minimised */
	gm_node *divergence; /* rank 0: 0 and at its minimum at the present parameters */
	/* the divergence for fewer rows, of which H is taken; default: divergence */
	gm_node *sample;
	/* nodes that objective and divergence compare with, which keep the present parameters */
	gm_node *const *before;
	int befores;
	double most, damping; /* default .01, .1 */
	int cg, halvings;     /* default 10, 10 */
} gm_natural_args;
typedef struct gm_natural {
	gm_node *step;       /* the effect that updates the parameters */
	gm_node *divergence; /* rank 0: of the new parameters */
	gm_node *gain;       /* rank 0: by how much the objective falls */
	gm_node *halvings;   /* rank 0: real */
} gm_natural;
#define gm_natural_step(net, ...) gm_natural_step_(net, (gm_natural_args){__VA_ARGS__})
GM_API gm_natural gm_natural_step_(gm_net *n, gm_natural_args a);

GM_END_C

#endif
