/* SPDX-License-Identifier: MIT
 *
 * vae.c -- Kingma & Welling, "Auto-encoding variational Bayes", ICLR 2014, arXiv:1312.6114, and
 * Burda, Grosse & Salakhutdinov, "Importance weighted autoencoders", ICLR 2016, arXiv:1509.00519.
 * Bound: eq. 8 of the second, log 1/k sum_i p(x,z_i)/q(z_i|x), of which the first's is k = 1. Nets
 * and settings: section 5 and the authors' code (github.com/yburda/iwae).
 *
 * Q makes of x the mean and the log standard deviation of a normal z; P makes of z the logits of
 * pixels that are 0 or 1 (bernoulli), or the means of normal numbers (gaussian). Both have `layers`
 * of `width` tanh: 2 of 200, z of 50 numbers, as in the second paper; 1 of 500 is the first's.
 * Weights: Glorot & Bengio's uniform ones; the last bias: the logit of each pixel's mean.
 * Minibatches of 20, Adam with eps 1e-4, rate 1e-3 10^(-i/7) for 3^i passes, i = 0 .. 7; --passes
 * takes another base than 3, so that all eight stages are as many passes together.
 *
 * Differs: the mean behind the last bias is kept 1e-7 away from 0 and 1 (the code: 1e-3) and is
 * that of 10,000 examples; beta1 is .9 (the code: .99); second moments start at 0, corrected
 * (the code: at 1); rates are not rounded; examples are shuffled; the code keeps 400 back; each
 * test image is scored on one draw of its pixels. --bound elbo has the divergence of Q from the
 * prior in closed form (eq. 10). Gaussian: means in [-1,1] by tanh (points: linear).
 */
#include "ganymede/model.h"

static const gm_option options[] = {
	{"batch", "20", "minibatch size m"},
	{"nz", "50", "numbers in z", GM_INT(1, 100000)},
	{"layers", "2", "hidden layers of each net; 0: linear nets", GM_INT(0, 16)},
	{"width", "200", "tanh units in each", GM_INT(1, 100000)},
	{"decoder", "auto", "p(x|z); auto: by the data", GM_CHOICE("bernoulli|gaussian")},
	{"sigma", "auto", "deviation; auto: learned", GM_REAL(0, 1e6), .only = "decoder=gaussian"},
	{"bound", "iwae", "or elbo: mean of k exact bounds", GM_CHOICE("iwae|elbo")},
	{"k", "1", "samples of z for each example", GM_INT(1, 100000)},
	{"passes", "0", "of the rate's fall to a tenth (paper: 3280); 0: it stays", GM_REAL(0, 1e6),
         .resume = true, .only = "rate=auto"},
	{"eps", "1e-4", "adam, rmsprop: added to the root", GM_REAL(1e-30, 1)},
	GM_OPTIMISER_OPTIONS("adam", "1e-3", "0.9", "auto"),
	{0},
};

typedef struct nets {
	gm_net *Q, *P;
	gm_mlp hidden;
	int64_t m, nz, numel;
	bool bernoulli, points;
	const double *bias;
	gm_node *log_sigma; /* of gaussian, rank 0 */
} nets;

/* z [rows,nz] to logits, or means, of x [rows,numel] */
static gm_node *decode(const nets *p, gm_node *z)
{
	gm_node *h = gm_mlp_body(p->P, z, &p->hidden);
	gm_node *y = gm_linear(p->P, "x", h, .out = p->numel, .bias = GM_GIVEN(p->bias));
	return p->bernoulli || p->points ? y : gm_tanh(y);
}

/* The mean of p(x|z), in the range of the data */
static gm_node *shown(const nets *p, gm_node *z, gm_shape s)
{
	gm_node *y = decode(p, z);
	return gm_reshape(p->bernoulli ? gm_signed(gm_sigmoid(y)) : y, s);
}

/* log p(x|z) for k samples of z by Q, [m,k]; q: those samples */
static gm_node *likelihoods(const nets *p, gm_node *x, int64_t k, gm_normal_code *q)
{
	*q = gm_normal_encode(p->Q, gm_mlp_body(p->Q, x, &p->hidden), p->nz, k);
	gm_node *y = decode(p, gm_reshape(q->z, GM_SHAPE(p->m * k, p->nz)));
	y = gm_reshape(y, GM_SHAPE(p->m, k, p->numel)),
	x = gm_reshape(x, GM_SHAPE(p->m, 1, p->numel));
	x = p->bernoulli ? gm_sigmoid_xent(y, x) : gm_normal_nll(x, y, p->log_sigma);
	return gm_neg(gm_sum(x, GM_AXES(2), false));
}

static int train(gm_run *r)
{
	const gm_facts *data = gm_run_facts(r);
	gm_graph *g = gm_run_graph(r);
	gm_opt_auto(r, "decoder", data->points ? "gaussian" : "bernoulli");
	gm_opt_rate(r, "stages", "passes", NULL);
	nets p = {gm_net_new(r, "Q", .init = GM_XAVIER_UNIFORM(1)),
	          gm_net_new(r, "P", .init = GM_XAVIER_UNIFORM(1)),
	          {(int)gm_opt_int(r, "layers"), gm_opt_int(r, "width"), GM_TANH},
	          gm_opt_int(r, "batch"),
	          gm_opt_int(r, "nz"),
	          data->numel,
	          gm_opt_choice(r, "decoder") == 0,
	          data->points};
	if (p.bernoulli && p.points)
		gm_run_error(r, "points are not on or off: --decoder gaussian");
	double s = gm_opt_real(r, "sigma");
	bool likely = !p.bernoulli || gm_want_binary(r, "stochastic");
	if (p.bernoulli)
		p.bias = gm_data_mean_logit(r);
	else
		p.log_sigma =
			s > 0 ? gm_log(gm_scalar(g, s)) : gm_net_var(p.P, "log_sigma", GM_RANK0);

	gm_node *x = gm_batch(r, "example"), *z = gm_noise(r, "z", GM_LATENT_NORMAL, p.m, p.nz);
	gm_node *flat = gm_reshape(x, GM_SHAPE(p.m, p.numel));
	flat = p.bernoulli ? gm_unit(flat) : flat;
	gm_normal_code q, one;
	gm_node *log_px = likelihoods(&p, flat, gm_opt_int(r, "k"), &q);
	gm_node *mean_p = gm_mean_all(log_px), *divergence = gm_mean_all(q.divergence),
		*iwae = gm_mean_all(gm_log_mean_exp(gm_add(log_px, q.log_ratio)));
	gm_node *loss = gm_neg(gm_opt_choice(r, "bound") ? gm_sub(mean_p, divergence) : iwae);

	gm_node *log_p1 = likelihoods(&p, flat, 1, &one), *drawn = shown(&p, z, gm_node_shape(x));
	gm_endpoint(r, "generate", drawn, z);
	gm_endpoint(r, "decode", drawn, z);
	gm_endpoint(r, "encode", one.mean, x);
	gm_endpoint(r, "reconstruct", shown(&p, one.mean, gm_node_shape(x)), x);
	if (likely)
		gm_endpoint(r, "log-weight",
		            gm_reshape(gm_add(log_p1, one.log_ratio), GM_SHAPE(p.m)), x);

	/* eps is for gradients of the sum over the minibatch, as in the authors' code */
	gm_node *sum = gm_mul_c(loss, (double)p.m * gm_graph_ranks(g));
	gm_step *step = gm_run_compile(r, gm_logged(r, "loss", loss), gm_logged(r, "log_p", mean_p),
	                               gm_logged(r, "divergence", divergence),
	                               gm_move(r, p.Q, sum, .average = true),
	                               gm_move(r, p.P, sum, .average = true));
	while (gm_next(r)) {
		gm_feed(r);
		gm_run_step(r, step);
	}
	return gm_end(r);
}

const gm_model gm_model_vae = {"vae", "Variational and importance weighted autoencoders",
                               "arXiv:1312.6114, arXiv:1509.00519", options, train};
