/* SPDX-License-Identifier: MIT
 *
 * fair_gan.c -- codes without a sensitive feature, by an adversary: Edwards & Storkey, "Censoring
 * representations with an adversary", ICLR 2016, arXiv:1511.05897, section 3.
 *
 * E makes a code of an example, Y predicts the label y from it, P reconstructs the example, and the
 * adversary A predicts the sensitive feature s from it. A minimises its cross-entropy; the others
 * minimise gamma times that of y, plus alpha times the squared error of the reconstruction (a mean
 * over values), less beta times that of A. Steps alternate, k of A for each of the others.
 *
 * --odds: A reads y too, so that codes may depend on s by y alone: equalised odds, as in Zhang,
 * Lemoine & Mitchell, AIES 2018, arXiv:1801.07593, section 3 (there of predictions, not of codes).
 * --beta 0: without the adversary, for comparison. The numbers of s are left out of the example.
 *
 * Differs: settings are ours, there is no code of the authors; hidden layers are relu units; no
 * projection of gradients as in the second paper.
 */
#include "ganymede/model.h"

static const gm_option options[] = {
	{"batch", "100", "minibatch size m"},
	{"sensitive", "", "the sensitive feature, a field of the data, such as sex or age:40"},
	{"nz", "20", "numbers in a code", GM_INT(1, 65536)},
	{"width", "100", "units of the hidden layer of each net", GM_INT(1, 65536)},
	{"alpha", "1", "weight of the reconstruction", GM_REAL(0, 1e9)},
	{"beta", "1", "weight of the adversary", GM_REAL(0, 1e9)},
	{"gamma", "1", "weight of the classification", GM_REAL(0, 1e9)},
	{"odds", "no", "the adversary reads the label too: equalised odds", GM_FLAG},
	{"k", "5", "steps of the adversary for each step of the others", GM_INT(1, 1000)},
	{"lr-a", "5e-3", "learning rate of the adversary", GM_REAL(0, 1e30), .resume = true},
	GM_OPTIMISER_OPTIONS("adam", "1e-3", "0.9", "constant"),
	{"metrics", "accuracy", "scores during the training, and at its end"},
	{0},
};

static int train(gm_run *r)
{
	const gm_facts *f = gm_run_facts(r);
	const gm_mlp hidden = {1, gm_opt_int(r, "width"), GM_RELU};
	const int64_t classes = f->classes > 1 ? f->classes : 2;
	gm_net *E = gm_net_new(r, "E"), *Y = gm_net_new(r, "Y"), *P = gm_net_new(r, "P"),
	       *A = gm_net_new(r, "A");
	gm_node *example = gm_batch(r, "example"), *label = gm_batch(r, "label");
	gm_attributes *sensitive = gm_attributes_open(r, "sensitive", NULL);
	gm_node *s = gm_attributes_batch(sensitive);
	gm_node *x = gm_without_columns(r, E, gm_example_rows(r, example), "sensitive");

	gm_node *code = gm_mlp_net(E, x, &hidden, "code", gm_opt_int(r, "nz"));
	gm_node *logits = gm_linear(Y, "logits", code, .out = classes);
	gm_node *back = gm_mlp_net(P, code, &hidden, "x", f->numel), *seen = code;
	if (gm_opt_flag(r, "odds"))
		seen = GM_CONCAT(1, code, gm_one_hot(label, classes));
	gm_node *guess = gm_mlp_net(A, seen, &hidden, "sensitive", gm_node_shape(s).dim[1]);

	gm_node *loss_a = gm_mean_all(gm_sum(gm_sigmoid_xent(guess, s), GM_AXES(1), false));
	gm_node *loss_y = gm_mean_all(gm_softmax_xent(logits, label)),
		*mse = gm_squared_error(back, x);
	gm_node *loss = gm_add(gm_mul_c(loss_y, gm_opt_real(r, "gamma")),
	                       gm_mul_c(mse, gm_opt_real(r, "alpha")));
	loss = gm_sub(loss, gm_mul_c(loss_a, gm_opt_real(r, "beta")));
	gm_endpoint(r, "classify", logits, example);
	gm_endpoint(r, "encode", code, example);
	gm_endpoint(r, "features", code, example);
	gm_endpoint(r, "reconstruct", gm_rows_example(r, back), example);

	gm_step *of_a = gm_run_compile(r, gm_logged(r, "loss_a", loss_a),
	                               gm_move(r, A, loss_a, .which = "a"));
	gm_step *of_others = gm_run_compile(
		r, gm_logged(r, "loss_y", loss_y), gm_logged(r, "mse", mse),
		gm_move(r, E, loss, .average = true), gm_move(r, Y, loss, .average = true),
		gm_move(r, P, loss, .average = true));
	while (gm_next(r)) { /* for each step of the others */
		for (int64_t i = 0; i < gm_opt_int(r, "k"); i++) {
			gm_feed(r);
			gm_run_step(r, of_a);
		}
		gm_run_step(r, of_others);
	}
	return gm_end(r);
}

const gm_model gm_model_fair_gan = {
	"fair-gan", "Codes without a sensitive feature, by an adversary (Edwards & Storkey 2016)",
	"arXiv:1511.05897", options, train};
