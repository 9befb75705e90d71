/* SPDX-License-Identifier: MIT
 *
 * gail.c -- generative adversarial imitation learning: Ho & Ermon, NIPS 2016, arXiv:1606.03476;
 * with the settings for classic control of github.com/openai/imitation, imitation.py and
 * im_classic_pipeline.yaml.
 *
 * D(s,a) tells pairs of the expert (1) from those of the policy pi (0). For each batch of complete
 * episodes of pi:
 *
 *	1. rewards by D; a TRPO step of pi (trpo.c)
 *	2. a step of D: minimise the two cross-entropies, each a mean over its pairs, less .001
 *	   times the entropy of D's answers; as many of the expert's pairs as there are of pi, drawn
 *	   with replacement
 *	3. the value function is fitted to the returns by the new D
 *
 * The reward of a pair is softplus(d), d the logit of D(s,a): at least 0; or with --reward negative
 * -softplus(-d): at most 0. Rewards of one sign favour long or short episodes, whatever D has
 * learnt: positive ones are right only where failure ends an episode (cartpole), negative ones
 * where success does (mountaincar, acrobot). `--lr 0`, a D that stays at 1/2, shows how much of a
 * result is this.
 *
 * D reads the state and has a logit for each action; standardisation of all states begins with the
 * expert's. The paper has labels and reward with the opposite signs, and adds lambda times the
 * policy's entropy, which the released settings for these tasks leave out. Differs from the
 * released code: the value function does not read the time (trpo.c), and the first of the expert's
 * pairs that is taken depends on --subset-seed.
 */
#include "ganymede/model.h"

static const gm_option options[] = {
	GM_TRPO_OPTIONS("100", "301"),
	GM_EXPERT_OPTIONS,
	{"reward", "auto", "sign of rewards; auto: negative where success ends an episode",
         GM_CHOICE("positive|negative")},
	{"entropy", "0.001", "weight of the entropy of D's answers", GM_REAL(0, 1e9)},
	{"data", "cartpole", "the environment: acrobot, cartpole or mountaincar", GM_PATH},
	{"metrics", "return", "scores during the training, and at its end"},
	{"metrics-count", "53", "episodes of the metric return"},
	GM_OPTIMISER_OPTIONS("adam", "0.01", "0.9", "constant"),
	{0},
};

/* Logits of D for pairs, [n]. */
static gm_node *judge(gm_run *r, gm_net *D, const gm_demonstrations *e, gm_node *s, gm_node *a)
{
	return gm_pick(gm_policy_net(r, D, s, e->rows, e->count), a);
}

/* The entropy of an answer with logit d. */
static gm_node *entropy(gm_node *d)
{
	return gm_sub(gm_softplus(d), gm_mul(d, gm_sigmoid(d)));
}

static int train(gm_run *r)
{
	gm_opt_auto(r, "reward", gm_run_env(r)->succeeds ? "negative" : "positive");
	const gm_demonstrations e = gm_demonstrations_open(r);
	gm_trpo t = gm_trpo_open(r, e.rows, e.count);
	gm_pairs *p = &t.pairs;
	gm_net *D = gm_net_new(r, "D", .init = GM_XAVIER_UNIFORM(1));
	gm_node *n = gm_scalar(gm_run_graph(r), (double)e.count);
	gm_node *any = gm_cast(gm_mul(gm_uniform(gm_run_graph(r), GM_SHAPE(p->rows)), n), GM_I32);
	gm_node *state = gm_gather(e.state, any), *action = gm_gather(e.action, any);

	gm_node *fake = judge(r, D, &e, p->state, p->action),
		*real = judge(r, D, &e, state, action);
	gm_node *reward =
		gm_opt_choice(r, "reward") ? gm_neg(gm_softplus(gm_neg(fake))) : gm_softplus(fake);
	gm_node *loss = gm_pairs_mean(p, gm_add(gm_softplus(fake), gm_softplus(gm_neg(real))));
	gm_node *noise = gm_pairs_mean(p, gm_add(entropy(fake), entropy(real)));
	gm_node *zero = gm_scalar(gm_run_graph(r), 0);
	gm_node *right = gm_pairs_mean(p, gm_less(fake, zero)),
		*found = gm_pairs_mean(p, gm_less(zero, real));
	gm_node *minimised = gm_sub(loss, gm_mul_c(noise, gm_opt_real(r, "entropy")));

	const gm_standard seen = gm_standard_new(D, "state", gm_run_env(r)->numbers, NULL, 0);
	gm_step *rate = gm_run_compile(r, reward, t.value);
	gm_step *observe =
		gm_run_compile(r, gm_standard_add(&seen, GM_CONCAT(0, p->state, state),
	                                          gm_mul_c(GM_CONCAT(0, p->weight, p->weight), .5),
	                                          gm_mul_c(p->count, 2)));
	gm_step *tell = gm_run_compile(
		r, gm_logged(r, "loss_d", loss), gm_logged(r, "accuracy_policy", right),
		gm_logged(r, "accuracy_expert", found), gm_move(r, D, minimised));
	while (gm_next(r)) { /* for each batch of episodes */
		gm_pairs_play(p, t.logits);
		gm_run_step(r, rate);
		gm_pairs_advantages(p, rate, reward, t.value, t.gamma, t.lambda);
		gm_run_step(r, t.improve);
		gm_run_step(r, observe);
		gm_run_step(r, tell);
		gm_run_step(r, rate);
		gm_pairs_returns(p, rate, reward, t.gamma);
		gm_run_step(r, t.observe);
		gm_run_step(r, t.fit);
	}
	return gm_end(r);
}

const gm_model gm_model_gail = {"gail", "Generative adversarial imitation (Ho & Ermon 2016)",
                                "arXiv:1606.03476", options, train};
