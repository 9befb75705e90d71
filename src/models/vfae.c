/* SPDX-License-Identifier: MIT
 *
 * vfae.c -- the variational fair autoencoder: Louizos, Swersky, Li, Welling & Zemel, ICLR 2016,
 * arXiv:1511.00830, section 2, with labels for all examples.
 *
 * x is made of a code z1 and of the sensitive feature s, z1 of the label y and a second code z2:
 * p(z2) = N(0, I), p(z1|z2,y), p(x|z1,s). Their posteriors are q(z1|x,s), q(z2|z1,y), q(y|z1). The
 * loss is, as a mean over the minibatch,
 *	- E log p(x|z1,s) + KL(q(z1|x,s) || p(z1|z2,y)) + KL(q(z2|z1,y) || N(0,I))
 *	- alpha log q(y|z1) + beta MMD^2
 * of z1 sampled from q, between both groups of s, by random features of a Gaussian kernel that are
 * new in each step (section 2.4). beta is 100, as the paper's 100 times the batch for a sum over
 * the minibatch.
 *
 * All nets have one hidden layer of `width`, z1 and z2 have nz numbers; the kernel's width grows
 * with nz. "encode" is a sample of q(z1|x,s), which the MMD is of: means of q say more about s.
 * "features" and "classify" read the mean. Differs: p(x|z1,s) of a table is normal with variance 1
 * for its (standardised) numbers and Bernoulli for each other value; relu units; no unlabelled
 * examples; the numbers of s are left out of x.
 */
#include "ganymede/model.h"

static const gm_option options[] = {
	{"batch", "100", "minibatch size m"},
	{"sensitive", "", "the sensitive feature, a field of two values, such as sex or age:40"},
	{"nz", "50", "numbers in each code", GM_INT(1, 65536)},
	{"width", "100", "units of the hidden layer of each net", GM_INT(1, 65536)},
	{"alpha", "1", "weight of -log q(y|z1)", GM_REAL(0, 1e9)},
	{"beta", "100", "weight of the squared MMD; 0: none", GM_REAL(0, 1e9)},
	{"features", "500", "random features of the MMD", GM_INT(1, 65536), .only = "beta"},
	GM_OPTIMISER_OPTIONS("adam", "1e-3", "0.9", "constant"),
	{"metrics", "accuracy", "scores during the training, and at its end"},
	{0},
};

static gm_node *mean_sum(gm_node *x)
{
	return gm_mean_all(gm_sum(x, GM_AXES(1), false));
}

/* KL of a normal code from N(mean, exp(2 log_sigma)), [m,nz] */
static gm_node *divergence(const gm_normal_code *q, gm_node *mean, gm_node *log_sigma)
{
	gm_node *apart = gm_mul(gm_sub(q->mean, mean), gm_exp(gm_neg(log_sigma)));
	return gm_normal_kl(apart, gm_sub(q->log_sigma, log_sigma));
}

static int train(gm_run *r)
{
	const gm_facts *f = gm_run_facts(r);
	const gm_mlp hidden = {1, gm_opt_int(r, "width"), GM_RELU};
	const int64_t classes = f->classes > 1 ? f->classes : 2, nz = gm_opt_int(r, "nz");
	const gm_shape code = GM_SHAPE(-1, nz);
	gm_net *Q1 = gm_net_new(r, "Q1"), *Q2 = gm_net_new(r, "Q2"), *Y = gm_net_new(r, "Y"),
	       *P1 = gm_net_new(r, "P1"), *P = gm_net_new(r, "P");
	gm_node *example = gm_batch(r, "example"), *label = gm_batch(r, "label");
	gm_attributes *sensitive = gm_attributes_open(r, "sensitive", NULL);
	gm_node *s = gm_attributes_batch(sensitive), *field = gm_option_field(r, "sensitive");
	if (gm_node_shape(s).dim[1] != 1)
		gm_run_error(r, "option sensitive: vfae needs one feature of two values");
	gm_node *x = gm_without_columns(r, Q1, gm_example_rows(r, example), "sensitive");
	gm_node *y = gm_one_hot(label, classes), *numeric = gm_number_columns(r, Q1);

	gm_node *h = gm_mlp_body(Q1, GM_CONCAT(1, x, s), &hidden);
	const gm_normal_code q1 = gm_normal_encode(Q1, h, nz, 1);
	gm_node *z1 = gm_reshape(q1.z, code);
	h = gm_mlp_body(Q2, GM_CONCAT(1, z1, y), &hidden);
	const gm_normal_code q2 = gm_normal_encode(Q2, h, nz, 1);
	h = gm_mlp_body(P1, GM_CONCAT(1, gm_reshape(q2.z, code), y), &hidden);
	gm_node *mean = gm_linear(P1, "mean", h, .out = nz),
		*log_sigma = gm_linear(P1, "log_sigma", h, .out = nz);
	gm_node *back = gm_mlp_net(P, GM_CONCAT(1, z1, s), &hidden, "x", f->numel);
	gm_node *error = gm_select(numeric, gm_mul_c(gm_square(gm_sub(back, x)), .5),
	                           gm_sigmoid_xent(back, x));
	gm_node *logits = gm_mlp_net(Y, z1, &hidden, "logits", classes);

	gm_node *nll = mean_sum(error), *kl = mean_sum(divergence(&q1, mean, log_sigma));
	kl = gm_add(kl, gm_mean_all(q2.divergence));
	gm_node *loss_y = gm_mean_all(gm_softmax_xent(logits, label));
	gm_node *mmd = gm_fast_mmd(z1, s, gm_opt_int(r, "features"), (double)nz);
	gm_node *loss = gm_add(gm_add(nll, kl), gm_mul_c(loss_y, gm_opt_real(r, "alpha")));
	loss = gm_add(loss, gm_mul_c(mmd, gm_opt_real(r, "beta")));
	gm_endpoint(r, "classify", gm_mlp_net(Y, q1.mean, &hidden, "logits", classes), example,
	            field);
	gm_endpoint(r, "encode", z1, example, field);
	gm_endpoint(r, "features", q1.mean, example, field);
	back = gm_mlp_net(P, GM_CONCAT(1, q1.mean, s), &hidden, "x", f->numel);
	back = gm_select(numeric, back, gm_sigmoid(back));
	gm_endpoint(r, "reconstruct", gm_rows_example(r, back), example, field);

	gm_step *step = gm_run_compile(
		r, gm_logged(r, "loss", loss), gm_logged(r, "nll", nll), gm_logged(r, "kl", kl),
		gm_logged(r, "loss_y", loss_y), gm_logged(r, "mmd", mmd),
		gm_move(r, Q1, loss, .average = true), gm_move(r, Q2, loss, .average = true),
		gm_move(r, Y, loss, .average = true), gm_move(r, P1, loss, .average = true),
		gm_move(r, P, loss, .average = true));
	while (gm_next(r)) { /* for each minibatch */
		gm_feed(r);
		gm_run_step(r, step);
	}
	return gm_end(r);
}

const gm_model gm_model_vfae = {"vfae", "Variational fair autoencoder (Louizos et al. 2016)",
                                "arXiv:1511.00830", options, train};
