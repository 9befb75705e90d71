/* SPDX-License-Identifier: MIT
 *
 * run/trpo.c -- a policy and a value function, trained within a trust region.
 */
#include "run/run.h"

#include "ganymede/policy.h"

static gm_node *body(gm_run *r, gm_net *n, gm_node *x, int64_t out)
{
	const gm_mlp hidden = {2, gm_opt_int(r, "width"), GM_TANH, .with_bias = true};
	return gm_linear(n, "out", gm_mlp_body(n, x, &hidden), .out = out, .init = GM_ZEROS);
}

gm_node *gm_policy_net(gm_run *r, gm_net *n, gm_node *state, const double *first, int64_t rows)
{
	const gm_env *env = gm_run_env(r);
	const gm_standard s = gm_standard_new(n, "state", env->numbers, first, rows);
	return body(r, n, gm_standardise(&s, state), env->actions);
}

/* KL(old || new) of rows of log-probabilities [n, actions], [n]. */
static gm_node *divergence(gm_node *old, gm_node *now)
{
	return gm_sum(gm_mul(gm_exp(old), gm_sub(old, now)), GM_AXES(1), false);
}

static gm_natural improve(gm_run *r, const gm_trpo *t, gm_node *logp, const double *first,
                          int64_t rows)
{
	const gm_pairs *p = &t->pairs;
	gm_node *old = gm_stop_gradient(logp);
	gm_node *few = gm_log_softmax(
		gm_policy_net(r, t->policy, gm_pairs_tenth(p, p->state), first, rows), 1);
	gm_node *ratio = gm_exp(gm_pick(gm_sub(logp, old), p->action));
	return gm_natural_step(t->policy,
	                       .objective = gm_neg(gm_pairs_mean(p, gm_mul(ratio, p->advantage))),
	                       .divergence = gm_pairs_mean(p, divergence(old, logp)),
	                       .sample = gm_mean_all(divergence(gm_stop_gradient(few), few)),
	                       .before = &old, .befores = 1, .most = gm_opt_real(r, "max-kl"));
}

/* The value of states and times [n,numbers + 1] in units of its standardisation, [n]. */
static gm_node *critic(gm_run *r, gm_net *n, const gm_standard *s, gm_node *x)
{
	const int64_t d = gm_node_shape(s->mean).dim[0];
	gm_node *state = gm_standardise(s, gm_narrow(x, 1, 0, d));
	if (gm_opt_flag(r, "time"))
		state = GM_CONCAT(1, state, gm_narrow(x, 1, d, 1));
	return gm_reshape(body(r, n, state, 1), GM_SHAPE(-1));
}

gm_trpo gm_trpo_open(gm_run *r, const double *first, int64_t rows)
{
	gm_trpo t = {.pairs = gm_pairs_open(r, gm_opt_int(r, "timesteps")),
	             .policy = gm_net_new(r, "policy", .init = GM_XAVIER_UNIFORM(1)),
	             .critic = gm_net_new(r, "value", .init = GM_XAVIER_UNIFORM(1)),
	             .gamma = gm_opt_real(r, "gamma"),
	             .lambda = gm_opt_real(r, "lambda")};
	const gm_pairs *p = &t.pairs;
	const int64_t d = gm_run_env(r)->numbers;
	gm_node *x = gm_batch(r, "example");
	t.logits = gm_policy_net(r, t.policy, x, first, rows);
	gm_endpoint(r, GM_ENDPOINT_ACT, t.logits, x);

	gm_node *logp = gm_log_softmax(gm_policy_net(r, t.policy, p->state, first, rows), 1);
	gm_node *entropy = gm_neg(gm_sum(gm_mul(gm_exp(logp), logp), GM_AXES(1), false));
	const gm_natural better = improve(r, &t, logp, first, rows);
	const gm_standard seen = gm_standard_new(t.policy, "state", d, first, rows);
	gm_node *add = gm_standard_add(&seen, p->state, p->weight, p->count);
	t.improve = gm_run_compile(
		r, gm_logged(r, "kl", better.divergence), gm_logged(r, "halvings", better.halvings),
		gm_logged(r, "entropy", gm_pairs_mean(p, entropy)), better.step, add);

	const gm_standard of_state = gm_standard_new(t.critic, "state", d, first, rows),
			  of_value = gm_standard_new(t.critic, "returns", 1, NULL, 0);
	gm_node *both = GM_CONCAT(1, p->state, gm_reshape(p->time, GM_SHAPE(-1, 1)));
	gm_node *u = critic(r, t.critic, &of_state, both), *old = gm_stop_gradient(u);
	gm_node *few = critic(r, t.critic, &of_state, gm_pairs_tenth(p, both));
	gm_node *target = gm_reshape(p->target, GM_SHAPE(-1, 1));
	t.value = gm_reshape(gm_unstandardise(&of_value, gm_reshape(u, GM_SHAPE(-1, 1))),
	                     GM_SHAPE(-1));
	gm_node *wanted = gm_reshape(gm_standardise(&of_value, target), GM_SHAPE(-1));
	gm_node *error = gm_pairs_mean(p, gm_square(gm_sub(u, wanted)));
	const gm_natural fit = gm_natural_step(
		t.critic, .objective = error,
		.divergence = gm_pairs_mean(p, gm_square(gm_sub(old, u))),
		.sample = gm_mean_all(gm_square(gm_sub(gm_stop_gradient(few), few))),
		.before = &old, .befores = 1);
	gm_node *states = gm_standard_add(&of_state, p->state, p->weight, p->count);
	t.observe =
		gm_run_compile(r, states, gm_standard_add(&of_value, target, p->weight, p->count));
	t.fit = gm_run_compile(r, gm_logged(r, "value_error", error), fit.step);
	t.begin = gm_run_compile(r, add, states);
	return t;
}
