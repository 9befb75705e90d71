/* SPDX-License-Identifier: MIT
 *
 * dbm.c -- the deep Boltzmann machine of two hidden layers: Salakhutdinov & Hinton, AISTATS 2009.
 *
 * E(v,h1,h2) = -b'v - c1'h1 - c2'h2 - v'W1 h1 - h1'W2 h2, binary units. Given h1, v and h2 are
 * independent, and so are h1's units given both: the machine is a restricted one of visible units
 * u = (v, h2) and hidden units h1, which this file uses for chains, energies and log Z.
 *
 * Training (section 2.2): on the data the posterior is replaced by independent units with means
 * mu1 = sigmoid(W1'v + W2 mu2 + c1) and mu2 = sigmoid(W2'mu1 + c2), by `sweeps` of these equations,
 * begun by a pass up with doubled weights; the model's part is of persistent chains. The gradient
 * is that of mean E(v, mu1, mu2) - mean F(u of chains), with mu and u constants.
 *
 * Pre-training (section 3): two restricted machines by CD-1 in turn, with tied weights: the first
 * with two copies of v; the second, on samples of h1, with two copies of h2. c1 is learned by the
 * first and is the visible bias of the second. Then all move. layer1-kimg, layer2-kimg may be 0.
 *
 * "free-energy/bound": -E_q [log p*] less the entropy of q. Differs: rates, lengths; no classifier.
 */
#include "ganymede/model.h"

static const gm_option options[] = {
	{"batch", "100", "minibatch size m"},
	{"width", "500", "units of h1", GM_INT(1, 65536)},
	{"top", "500", "units of h2", GM_INT(1, 65536)},
	{"layer1-kimg", "500", "pre-training of h1, thousands of examples", GM_REAL(0, 1e9)},
	{"layer2-kimg", "500", "pre-training of h2", GM_REAL(0, 1e9)},
	{"sweeps", "10", "mean-field sweeps", GM_INT(1, 1000)},
	{"k", "1", "Gibbs sweeps of the chains in a step", GM_INT(1, 1000)},
	{"chains", "100", "number of chains", GM_INT(1, 65536)},
	{"lr", "0.005", "learning rate of all layers together", GM_REAL(0, 1e30), .resume = true},
	{"lr-pretrain", "0.05", "of pre-training", GM_REAL(0, 1e30), .resume = true},
	{"momentum", "0.5", "sgd: momentum, or FROM:TO:EPOCH", GM_CHECKED(gm_check_momentum),
         .resume = true},
	GM_OPTIMISER_OPTIONS("sgd", "0.005", "0.9", "constant"),
	{0},
};

typedef struct posterior {
	gm_node *mu1, *mu2, *entropy; /* [m,width], [m,top], [m] */
} posterior;

/* low: W1, b, c1; high: W2, c1, c2. */
static posterior mean_field(const gm_rbm *low, const gm_rbm *high, gm_node *v, int sweeps)
{
	gm_node *from_v = gm_matmul(v, low->weight, false, false);
	gm_node *a1 = gm_add(gm_mul_c(from_v, 2), low->hidden), *a2 = NULL;
	for (int i = 0; i < sweeps; i++) {
		a2 = gm_rbm_up(high, gm_sigmoid(a1));
		a1 = gm_add(from_v, gm_rbm_down(high, gm_sigmoid(a2)));
	}
	posterior q = {gm_sigmoid(a1), gm_sigmoid(a2), NULL};
	q.entropy = gm_add(gm_sum(gm_sigmoid_xent(a1, q.mu1), GM_AXES(1), false),
	                   gm_sum(gm_sigmoid_xent(a2, q.mu2), GM_AXES(1), false));
	return q;
}

/* CD-1 of a machine: its loss */
static gm_node *pretraining(gm_run *r, const char *name, const gm_rbm *p, gm_node *v)
{
	gm_node *h = gm_rbm_sample_hidden(p, v), *end = gm_rbm_gibbs(p, &h, 1);
	return gm_logged(r, name, gm_rbm_divergence(p, v, end));
}

static int train(gm_run *r)
{
	static const char *const phases[] = {"layer1", "layer2", "all", NULL};
	const gm_facts *f = gm_run_facts(r);
	const int64_t m = gm_opt_int(r, "batch"), width = gm_opt_int(r, "width"),
		      top = gm_opt_int(r, "top"), n = gm_opt_int(r, "chains");
	if (f->points)
		gm_run_error(r, "dbm needs images, whose pixels are on or off");
	if (gm_graph_ranks(gm_run_graph(r)) > 1)
		gm_run_error(r, "persistent chains are those of one process");
	const bool likely = gm_want_binary(r, "stochastic");
	gm_net *one = gm_net_new(r, "layer1"), *two = gm_net_new(r, "layer2"),
	       *kept = gm_net_new(r, "chains");
	const gm_rbm low = gm_rbm_new(one, f->numel, width, .bias = gm_data_mean_logit(r));
	const gm_rbm high = {
		gm_net_var(two, "weight", GM_SHAPE(width, top), .init = GM_NORMAL(0, .01)),
		low.hidden, gm_net_var(two, "hidden", GM_SHAPE(top)), 0};
	const gm_rbm all = {GM_CONCAT(0, low.weight, gm_transpose(high.weight)),
	                    GM_CONCAT(0, low.visible, high.hidden), low.hidden, 0};
	const gm_rbm twice1 = {GM_CONCAT(0, low.weight, low.weight),
	                       GM_CONCAT(0, low.visible, low.visible), low.hidden, 0},
		     twice2 = {GM_CONCAT(1, high.weight, high.weight), low.hidden,
	                       GM_CONCAT(0, high.hidden, high.hidden), 0};

	gm_node *example = gm_batch(r, "example"), *x = gm_example_rows(r, example),
		*xx = GM_CONCAT(1, x, x);
	const posterior q = mean_field(&low, &high, x, (int)gm_opt_int(r, "sweeps"));
	gm_node *mu1 = gm_stop_gradient(q.mu1), *u = GM_CONCAT(1, x, gm_stop_gradient(q.mu2));
	gm_node *energy = gm_rbm_energy(&all, u, mu1), *follow, *state;
	gm_node *chain = gm_net_var(kept, "h", GM_SHAPE(n, width), .role = GM_STAT), *h = chain;
	gm_node *end = gm_rbm_gibbs(&all, &h, (int)gm_opt_int(r, "k"));
	gm_node *loss = gm_sub(gm_mean_all(energy), gm_mean_all(gm_rbm_free_energy(&all, end)));
	gm_node *mean = gm_running_mean(kept, "mean", u, &follow);

	gm_process draw = gm_rbm_chain(r, &all, mean, &state);
	gm_node *unit = gm_noise(r, "unit", GM_LATENT_ONE_HOT, m, width);
	draw.y = gm_rows_example(r, gm_rbm_visible(&low, state));
	gm_endpoint_process_nodes(r, "generate", &draw, NULL, 0);
	gm_endpoint(r, "generate/filters", gm_rbm_filters(r, &low, unit), unit);
	gm_endpoint(r, "encode", q.mu2, example);
	gm_endpoint(r, "features", q.mu2, example);
	gm_endpoint(r, "reconstruct", gm_rows_example(r, gm_rbm_visible(&low, q.mu1)), example);
	if (likely) {
		gm_endpoint(r, "free-energy/bound", gm_sub(energy, q.entropy), example);
		u = GM_CONCAT(1, x, gm_binary_sample(q.mu2));
		gm_run_partition(r, &all, &(gm_partition){mean, u, example});
	}

	gm_node *loss1 = pretraining(r, "loss1", &twice1, xx),
		*loss2 = pretraining(r, "loss2", &twice2, gm_rbm_sample_hidden(&twice1, xx));
	gm_step *step[] = {gm_run_compile(r, loss1, gm_move(r, one, loss1, .which = "pretrain")),
	                   gm_run_compile(r, loss2, gm_move(r, two, loss2, .which = "pretrain")),
	                   gm_run_compile(r, gm_logged(r, "loss", loss), follow,
	                                  gm_assign(chain, h),
	                                  gm_move(r, one, loss, .average = true),
	                                  gm_move(r, two, loss, .average = true))};
	while (gm_next(r)) { /* for each minibatch */
		const int phase = gm_phase(r, phases, NULL);
		gm_feed(r);
		gm_run_step(r, step[phase]);
	}
	return gm_end(r);
}

const gm_model gm_model_dbm = {"dbm", "Deep Boltzmann machine (Salakhutdinov & Hinton 2009)",
                               "PMLR 5:448", options, train};
