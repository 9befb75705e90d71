/* SPDX-License-Identifier: MIT
 *
 * rbm.c -- the restricted Boltzmann machine (Smolensky 1986), trained by contrastive divergence
 * (Hinton, Neural Computation 14(8), 2002) or persistent chains (Tieleman, ICML 2008). Settings:
 * Hinton, "A practical guide to training restricted Boltzmann machines", UTML TR 2010-003.
 *
 * p(v,h) = exp(-E(v,h)) / Z with binary h; v binary or Gaussian (nn's boltzmann.h). Both rules
 * follow the gradient of mean F(data) - mean F(v_k), F the free energy, v_k the end of k Gibbs
 * sweeps, a constant. CD-k starts these at each example, PCD continues `chains` chains of earlier
 * steps. W begins as N(0, .01^2), visible biases at the log odds of the data's means,
 * hidden biases at 0. Momentum grows from .5 to .9 over five epochs.
 *
 * Pixels are sampled anew for each minibatch (--binarise stochastic) or once (fixed; as in
 * Salakhutdinov & Murray, ICML 2008); with --binarise no their intensities stand for probabilities,
 * as in github.com/lisa-lab/DeepLearningTutorials, rbm.py, and there is no likelihood. --sigma: of
 * Gaussian units, in the unit of points, or of pixels in [0,1]. "generate" shows means of pixels
 * given h, as is usual, and samples of points. Weight decay is that of biases too.
 */
#include "ganymede/model.h"

static const gm_option options[] = {
	{"batch", "100", "minibatch size m"},
	{"width", "500", "hidden units", GM_INT(1, 65536)},
	{"visible", "auto", "visible units; auto: gaussian for points",
         GM_CHOICE("binary|gaussian")},
	{"sigma", "0.2", "gaussian: standard deviation given h", GM_REAL(1e-3, 1e6),
         .only = "visible=gaussian"},
	{"k", "1", "Gibbs sweeps of a step", GM_INT(1, 1000)},
	{"pcd", "no", "persistent chains; no: chains from the data", GM_FLAG},
	{"chains", "100", "pcd: their number", GM_INT(1, 65536), .only = "pcd"},
	{"momentum", ".5:.9:5", "sgd: momentum, or FROM:TO:EPOCH, growing from epoch 1 to that one",
         GM_CHECKED(gm_check_momentum), .resume = true},
	{"l2", "1e-4", "weight decay: this times a parameter is added to its gradient",
         GM_REAL(0, 1), .resume = true},
	GM_OPTIMISER_OPTIONS("sgd", "0.05", "0.9", "constant"),
	{0},
};

static int train(gm_run *r)
{
	const gm_facts *f = gm_run_facts(r);
	gm_opt_auto(r, "visible", f->points ? "gaussian" : "binary");
	const bool gaussian = gm_opt_choice(r, "visible") == 1, pcd = gm_opt_flag(r, "pcd");
	const int64_t m = gm_opt_int(r, "batch"), units = gm_opt_int(r, "width");
	if (f->points && !gaussian)
		gm_run_error(r, "points are not on or off: --visible gaussian");
	if (pcd && gm_graph_ranks(gm_run_graph(r)) > 1)
		gm_run_error(r, "persistent chains are those of one process: --pcd no");
	const bool likely = gaussian || gm_want_binary(r, "stochastic");
	gm_net *net = gm_net_new(r, "rbm"), *kept = gm_net_new(r, "chains");
	const gm_rbm p =
		gm_rbm_new(net, f->numel, units, .sigma = gaussian ? gm_opt_real(r, "sigma") : 0,
	                   .bias = gaussian ? NULL : gm_data_mean_logit(r));
	gm_node *example = gm_batch(r, "example"), *x = gm_example_rows(r, example);
	gm_node *follow, *mean = gm_running_mean(net, "mean", x, &follow);

	gm_node *chain = pcd ? gm_net_var(kept, "h", GM_SHAPE(gm_opt_int(r, "chains"), units),
	                                  .role = GM_STAT)
	                     : NULL;
	gm_node *h = pcd ? chain : gm_rbm_sample_hidden(&p, x);
	gm_node *v = gm_rbm_gibbs(&p, &h, (int)gm_opt_int(r, "k"));
	gm_node *loss = gm_rbm_divergence(&p, x, v);

	gm_node *code = gm_rbm_hidden(&p, x), *back = gm_rbm_visible(&p, code), *state;
	gm_node *unit = gm_noise(r, "unit", GM_LATENT_ONE_HOT, m, units);
	gm_process draw = gm_rbm_chain(r, &p, mean, &state);
	draw.y = gm_rows_example(r, f->points ? gm_rbm_sample_visible(&p, state)
	                                      : gm_rbm_visible(&p, state));
	gm_endpoint_process_nodes(r, "generate", &draw, NULL, 0);
	gm_endpoint(r, "generate/filters", gm_rbm_filters(r, &p, unit), unit);
	gm_endpoint(r, "encode", code, example);
	gm_endpoint(r, "features", code, example);
	gm_endpoint(r, "decode", gm_rows_example(r, back), code);
	gm_endpoint(r, "reconstruct", gm_rows_example(r, back), example);
	if (likely) {
		gm_endpoint(r, "free-energy", gm_rbm_free_energy(&p, x), example);
		gm_run_partition(r, &p, &(gm_partition){mean, x, example});
	}

	/* what is logged beside the loss, which says nothing about the likelihood */
	gm_node *seen = gaussian ? gm_logged(r, "mse", gm_squared_error(back, x))
	                         : gm_logged(r, "pseudo", gm_rbm_pseudo_likelihood(&p, x));
	gm_step *step = gm_run_compile(r, gm_logged(r, "loss", loss), seen, follow,
	                               gm_move(r, net, loss, .average = true),
	                               pcd ? gm_assign(chain, h) : follow);
	while (gm_next(r)) { /* for each minibatch */
		gm_feed(r);
		gm_run_step(r, step);
	}
	return gm_end(r);
}

const gm_model gm_model_rbm = {"rbm", "Restricted Boltzmann machine (Hinton 2002)",
                               "doi:10.1162/089976602760128018", options, train};
