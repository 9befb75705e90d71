/* SPDX-License-Identifier: MIT
 *
 * bc.c -- behavioural cloning: Pomerleau, "Efficient training of artificial neural networks for
 * autonomous navigation", Neural Computation 3(1), 1991; what GAIL (gail.c) is compared with, in
 * the settings of github.com/openai/imitation, imitation.py.
 *
 * The policy minimises the mean of -log pi(a|s) over 70 % of the expert's pairs, in minibatches
 * drawn with replacement, by Adam. The first and every hundredth step are judged by the same mean
 * over the other 30 %, and the policy with the best of these is what the run is in the end: "act"
 * is this one, saved beside the newest as variables of the net `best`. The nets are those of GAIL:
 * states standardised by all of the expert's pairs, two layers of 100 tanh units, and 0 in the last
 * layer.
 */
#include "ganymede/model.h"

enum { VARIABLES = 6, EVERY = 100 };

static const gm_option options[] = {
	{"batch", "128", "minibatch size m"},
	{"steps", "1000", "minibatches"},
	{"width", "100", "units of the two hidden layers", GM_INT(1, 65536)},
	GM_EXPERT_OPTIONS,
	{"data", "cartpole", "the environment: acrobot, cartpole or mountaincar", GM_PATH},
	{"metrics", "return", "scores during the training, and at its end"},
	{"metrics-count", "53", "episodes of the metric return"},
	GM_OPTIMISER_OPTIONS("adam", "1e-3", "0.9", "constant"),
	{0},
};

static gm_node *loss_of(gm_run *r, gm_net *n, const gm_demonstrations *e, gm_node *s, gm_node *a)
{
	gm_node *logits = gm_policy_net(r, n, s, e->rows, e->count);
	return gm_mean_all(gm_softmax_xent(logits, a));
}

static int train(gm_run *r)
{
	gm_graph *g = gm_run_graph(r);
	const int64_t m = gm_opt_int(r, "batch");
	const gm_demonstrations e = gm_demonstrations_open(r);
	const int64_t n = e.count > 1 ? (int64_t)(.7 * (double)e.count) : 1,
		      rest = e.count > 1 ? e.count - n : 1;
	gm_net *policy = gm_net_new(r, "policy", .init = GM_XAVIER_UNIFORM(1)),
	       *best = gm_net_new(r, "best");
	gm_node *any = gm_cast(gm_mul_c(gm_uniform(g, GM_SHAPE(m)), (double)n), GM_I32);
	gm_node *loss = loss_of(r, policy, &e, gm_gather(gm_narrow(e.state, 0, 0, n), any),
	                        gm_gather(gm_narrow(e.action, 0, 0, n), any));
	gm_node *held = loss_of(r, policy, &e, gm_narrow(e.state, 0, e.count - rest, rest),
	                        gm_narrow(e.action, 0, e.count - rest, rest));

	/* the parameters with the smallest loss of the held-out pairs so far */
	gm_node *least =
		gm_net_var(best, "loss", GM_RANK0, .init = GM_CONSTANT(1e30), .role = GM_STAT);
	gm_node *param[VARIABLES], *kept[VARIABLES], *better = gm_less(held, least), *keep[9];
	const int count = gm_net_params(policy, NULL, param, VARIABLES);
	for (int i = 0; i < count; i++) {
		kept[i] = gm_net_var(best, gm_name(r, "%d", i), gm_node_shape(param[i]),
		                     .role = GM_STAT);
		keep[i] = gm_assign(kept[i], gm_select(better, param[i], kept[i]));
	}
	keep[count] = gm_assign(least, gm_min(held, least));
	gm_node *x = gm_batch(r, "example"), *y = gm_policy_net(r, policy, x, e.rows, e.count);
	gm_clone(&y, 1, &(gm_clone_options){.from = param, .to = kept, .n = count}, &y);
	gm_endpoint(r, GM_ENDPOINT_ACT, y, x);

	gm_step *step = gm_run_compile(r, gm_logged(r, "loss", loss), gm_move(r, policy, loss));
	gm_step *judge =
		gm_run_compile(r, gm_logged(r, "held_out", held), gm_group(g, keep, count + 1));
	while (gm_next(r)) { /* for each minibatch */
		gm_run_step(r, step);
		if (!gm_step_number(r) || (gm_step_number(r) + 1) % EVERY == 0)
			gm_run_step(r, judge);
	}
	return gm_end(r);
}

const gm_model gm_model_bc = {"bc", "Behavioural cloning (Pomerleau 1991)",
                              "doi:10.1162/neco.1991.3.1.88", options, train};
