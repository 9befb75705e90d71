/* SPDX-License-Identifier: MIT
 *
 * trpo.c -- trust region policy optimisation: Schulman, Levine, Moritz, Jordan & Abbeel, ICML 2015,
 * arXiv:1502.05477; advantages by Schulman, Moritz, Levine, Jordan & Abbeel, ICLR 2016,
 * arXiv:1506.02438. The experts of GAIL (gail.c), with the settings of
 * github.com/openai/imitation, scripts/gen_classic_policies.py.
 *
 * For each batch of complete episodes, played by actions a ~ pi(a|s): A, the generalised advantages
 * by the environment's rewards and the value function V; a step of pi that maximises the mean of
 * pi(a|s) / pi_old(a|s) A with the mean of KL(pi_old || pi) near max-kl; V is fitted to the
 * discounted sums of rewards, by steps of the same kind. After the last step of an episode V counts
 * as 0, also where the limit of steps ends it.
 *
 * The released code lets V read the time of the step too (--time yes). The authors' recorded
 * results were probably made without it: on acrobot, where a uniform policy succeeds in none of
 * 5,000 episodes, 5 of 5 runs of ours succeed within 20 batches without the time, close to their
 * log, and with it none of 10 (four of 101 batches, six of 40).
 *
 * Both nets: states with running mean 0 and variance 1, two layers of 64 tanh units, Glorot's
 * initial weights, 0 in the last layer, so that the first policy is uniform. A batch before the
 * first one only serves this standardisation.
 */
#include "ganymede/model.h"

static const gm_option options[] = {
	GM_TRPO_OPTIONS("64", "101"),
	{"data", "cartpole", "the environment: acrobot, cartpole or mountaincar", GM_PATH},
	{"metrics", "return", "scores during the training, and at its end"},
	{"metrics-count", "53", "episodes of the metric return"},
	{0},
};

static int train(gm_run *r)
{
	gm_trpo t = gm_trpo_open(r, NULL, 0);
	gm_pairs *p = &t.pairs;
	gm_step *judge = gm_run_compile(r, t.value);
	while (gm_next(r)) { /* for each batch of episodes */
		if (!gm_step_number(r)) {
			gm_pairs_play(p, t.logits);
			gm_run_step(r, t.begin);
		}
		gm_pairs_play(p, t.logits);
		gm_run_step(r, judge);
		gm_pairs_advantages(p, judge, NULL, t.value, t.gamma, t.lambda);
		gm_run_step(r, t.improve);
		gm_run_step(r, t.observe);
		gm_run_step(r, t.fit);
	}
	return gm_end(r);
}

const gm_model gm_model_trpo = {"trpo", "Trust region policy optimisation (Schulman et al. 2015)",
                                "arXiv:1502.05477", options, train};
