/* SPDX-License-Identifier: MIT
 *
 * dbn.c -- deep belief nets: Hinton, Osindero & Teh, Neural Computation 18, 2006, section 5: layers
 * trained one after the other, each as a restricted Boltzmann machine of the states of the layer
 * below (rbm.c), by CD-k.
 *
 * The net generates by Gibbs sampling in its top machine, then one pass down: p(x, h1, .., hL) =
 * p(x|h1) .. p(h_(L-2)|h_(L-1)) p(h_(L-1), h_L). Its likelihood has the bound of Salakhutdinov &
 * Murray, ICML 2008, section 5: log p(x) >= E_q [log p*(x, h) - log q(h|x)] - log Z, q the passes
 * up and Z of the top machine: "free-energy/bound" is one sample of it.
 *
 * States of a layer are sampled anew in each step; h begins each layer's chains, W as N(0, .01^2),
 * biases at 0, visible ones of the first layer at the log odds of the data's means. Weights up and
 * down stay the same: no up-down fine-tuning (section 5), no labels in the top machine.
 */
#include "ganymede/model.h"

enum { MOST = 4 };

static const gm_option options[] = {
	{"batch", "100", "minibatch size m"},
	{"layers", "2", "hidden layers", GM_INT(2, MOST)},
	{"width", "500", "units of each hidden layer but the last", GM_INT(1, 65536)},
	{"top", "2000", "units of the last", GM_INT(1, 65536)},
	{"layer1-kimg", "1000", "training of layer 1, thousands of examples", GM_REAL(0, 1e9)},
	{"layer2-kimg", "1000", "of layer 2, unless it is the last", GM_REAL(0, 1e9),
         .only = "layers=3|4", .only = "layers=3|4"},
	{"layer3-kimg", "1000", "of layer 3, unless it is the last", GM_REAL(0, 1e9),
         .only = "layers=4", .only = "layers=4"},
	{"visible", "auto", "visible units; auto: gaussian for points",
         GM_CHOICE("binary|gaussian")},
	{"sigma", "0.2", "gaussian: standard deviation given h1", GM_REAL(1e-3, 1e6),
         .only = "visible=gaussian", .only = "visible=gaussian"},
	{"k", "1", "Gibbs sweeps of a step", GM_INT(1, 1000)},
	{"momentum", "0.9", "sgd: momentum, or FROM:TO:EPOCH", GM_CHECKED(gm_check_momentum),
         .resume = true},
	{"l2", "1e-4", "weight decay: this times a parameter is added to its gradient",
         GM_REAL(0, 1), .resume = true},
	GM_OPTIMISER_OPTIONS("sgd", "0.05", "0.9", "constant"),
	{0},
};

/* One sample of log p(v|h) - log q(h|v), [m], without the part of p that depends on v alone. */
static gm_node *layer_gain(const gm_rbm *p, gm_node *v, gm_node *h)
{
	gm_node *x = gm_rbm_down(p, h), *q = gm_sigmoid_xent(gm_rbm_up(p, v), h);
	if (p->sigma > 0)
		x = gm_normal_nll(v, x, gm_log(gm_scalar(gm_node_graph(v), p->sigma)));
	else
		x = gm_sigmoid_xent(x, v);
	return gm_sub(gm_sum(q, GM_AXES(1), false), gm_sum(x, GM_AXES(1), false));
}

static int train(gm_run *r)
{
	static const char *const names[] = {"layer1", "layer2", "layer3", "layer4"},
				 *const losses[] = {"loss1", "loss2", "loss3", "loss4"};
	const gm_facts *f = gm_run_facts(r);
	gm_opt_auto(r, "visible", f->points ? "gaussian" : "binary");
	const bool gaussian = gm_opt_choice(r, "visible") == 1;
	const int layers = (int)gm_opt_int(r, "layers");
	const int64_t m = gm_opt_int(r, "batch"), width = gm_opt_int(r, "width");
	if (f->points && !gaussian)
		gm_run_error(r, "points are not on or off: --visible gaussian");
	const bool likely = gaussian || gm_want_binary(r, "stochastic");
	gm_node *example = gm_batch(r, "example"), *v = gm_example_rows(r, example);
	gm_node *mean[MOST], *v_top = v, *bound = NULL, *code = v, *state;
	gm_rbm p[MOST];
	gm_step *step[MOST];
	const char *phases[MOST + 1] = {0};

	for (int i = 0; i < layers; i++) {
		gm_net *net = gm_net_new(r, phases[i] = names[i]);
		p[i] = gm_rbm_new(net, i ? width : f->numel,
		                  i < layers - 1 ? width : gm_opt_int(r, "top"),
		                  .sigma = i || !gaussian ? 0 : gm_opt_real(r, "sigma"),
		                  .bias = i || gaussian ? NULL : gm_data_mean_logit(r));
		gm_node *h = gm_rbm_sample_hidden(&p[i], v), *first = h, *follow;
		gm_node *end = gm_rbm_gibbs(&p[i], &h, (int)gm_opt_int(r, "k"));
		gm_node *loss = gm_rbm_divergence(&p[i], v, end);
		mean[i] = gm_running_mean(net, "mean", v, &follow);
		step[i] = gm_run_compile(r, gm_logged(r, losses[i], loss), follow,
		                         gm_move(r, net, loss, .average = true));
		code = gm_rbm_hidden(&p[i], code);
		if (i < layers - 1) {
			gm_node *gain = layer_gain(&p[i], v, first);
			bound = bound ? gm_add(bound, gain) : gain;
			v_top = v = first;
		}
	}

	const gm_rbm *top = &p[layers - 1];
	gm_process draw = gm_rbm_chain(r, top, mean[layers - 1], &state);
	gm_node *fantasy = state, *back = code;
	for (int i = layers - 1; i >= 0; i--)
		fantasy = f->points && !i ? gm_rbm_sample_visible(&p[i], fantasy)
		                          : gm_rbm_visible(&p[i], fantasy),
		back = gm_rbm_visible(&p[i], back);
	draw.y = gm_rows_example(r, fantasy);
	gm_node *unit = gm_noise(r, "unit", GM_LATENT_ONE_HOT, m, width);
	gm_endpoint_process_nodes(r, "generate", &draw, NULL, 0);
	gm_endpoint(r, "generate/filters", gm_rbm_filters(r, &p[0], unit), unit);
	gm_endpoint(r, "encode", code, example);
	gm_endpoint(r, "features", code, example);
	gm_endpoint(r, "decode", gm_rows_example(r, back), code);
	gm_endpoint(r, "reconstruct", gm_rows_example(r, back), example);
	if (likely) {
		bound = gm_sub(gm_rbm_free_energy(top, v_top), bound);
		gm_endpoint(r, "free-energy/bound", bound, example);
		gm_run_partition(r, top, &(gm_partition){mean[layers - 1], v_top, example});
	}

	while (gm_next(r)) { /* for each minibatch */
		const int phase = gm_phase(r, phases, NULL);
		gm_feed(r);
		gm_run_step(r, step[phase]);
	}
	return gm_end(r);
}

const gm_model gm_model_dbn = {"dbn", "Deep belief nets (Hinton, Osindero & Teh 2006)",
                               "doi:10.1162/neco.2006.18.7.1527", options, train};
