/* SPDX-License-Identifier: MIT
 *
 * vae.c -- Kingma & Welling, "Auto-encoding variational Bayes", ICLR 2014, arXiv:1312.6114, and
 * Burda, Grosse & Salakhutdinov, "Importance weighted autoencoders", ICLR 2016, arXiv:1509.00519.
 * Bound: eq. 8 of the second, log 1/k sum_i p(x,z_i)/q(z_i|x), of which the first's is k = 1. Nets
 * and settings: section 5 and the authors' code (github.com/yburda/iwae).
 *
 * Q, the recogniser, makes of x the mean and the logarithm of the deviation of a normal z; P makes
 * of z the logits of pixels that are 0 or 1 (bernoulli), or the means of normal numbers
 * (gaussian). Both have `layers` of `width` tanh: 2 of 200, z of 50 numbers, as in the second
 * paper; 1 of 500 is the first's. Weights: Glorot & Bengio's uniform ones; the last bias: the logit
 * of each pixel's mean. Minibatches of 20, Adam with eps 1e-4, rate 1e-3 10^(-i/7)
 * for 3^i passes, i = 0 .. 7; --passes takes another base than 3, so that all eight stages are as
 * many passes together. Grey pixels are
 * drawn, on with the probability that their intensity says, anew at every look.
 *
 * Likelihoods of binary pictures want binary pictures: "log-weight" draws each pixel by a
 * threshold of its own that stays the same, so the weights of a picture are of one picture.
 *
 * Differs: the mean behind the last bias is kept 1e-7 away from 0 and 1 (the code: 1e-3) and is
 * that of 10,000 examples; beta1 is the paper's .9 (the code: .99); second moments begin at 0 and
 * are corrected (the code: at 1); rates are not rounded to one digit; the code keeps 400 examples
 * back. --bound elbo takes the divergence of Q from the prior in closed form (the first paper's
 * eq. 10). Gaussian: means in [-1,1] by tanh (points: linear); one deviation for all numbers,
 * learned.
 */
#include "ganymede/model.h"

static const gm_option options[] = {
	{"batch", "20", "minibatch size m"},
	{"nz", "50", "numbers in z", GM_INT(1, 100000)},
	{"layers", "2", "hidden layers of each net; 0: linear nets", GM_INT(0, 16)},
	{"width", "200", "tanh units in each", GM_INT(1, 100000)},
	{"decoder", "auto",
         "distribution of pixels given z: bernoulli (on or off) or gaussian; auto: bernoulli, for "
         "points "
         "gaussian",
         GM_CHOICE("bernoulli|gaussian")},
	{"binarise", "stochastic",
         "what bernoulli makes of grey: stochastic (drawn anew at every look), threshold (at one "
         "half), or no (the cross-entropy of intensities, which is no likelihood)",
         GM_CHOICE("stochastic|threshold|no")},
	{"sigma", "auto", "standard deviation of gaussian; auto: one for all numbers, learned",
         GM_REAL(0, 1e6)},
	{"bound", "iwae", "iwae, or elbo: the mean of k bounds, each with its divergence exact",
         GM_CHOICE("iwae|elbo")},
	{"k", "1", "samples of z for each example", GM_INT(1, 100000)},
	{"passes", "0",
         "passes over the data in which the rate falls to a tenth (paper: 3280); 0: it stays",
         GM_REAL(0, 1e6), .resume = true},
	{"eps", "1e-4", "adam, rmsprop: added to the root of the mean of squares",
         GM_REAL(1e-30, 1)},
	GM_OPTIMISER_OPTIONS("adam", "1e-3", "0.9", "auto"),
	{0},
};

enum { BERNOULLI, GAUSSIAN };
enum { STOCHASTIC, THRESHOLD, GREY };

typedef struct plan {
	int64_t m, k, nz, width, numel;
	int layers;
	bool bernoulli, points;
	const double *bias;
	gm_node *log_sigma; /* rank 0 */
} plan;

static const double HALF_LOG_2PI = .91893853320467274;

static gm_node *dense(gm_net *n, const char *name, gm_node *x, int64_t out)
{
	return gm_linear(n, name, x, .out = out, .init = GM_XAVIER_UNIFORM(1));
}

static gm_node *hidden(const plan *p, gm_run *r, gm_net *n, gm_node *x)
{
	for (int i = 0; i < p->layers; i++)
		x = gm_tanh(dense(n, gm_name(r, "h%d", i), x, p->width));
	return x;
}

/* x [m,numel] to mean and log deviation of z, [m,nz] each */
static void recogniser(const plan *p, gm_run *r, gm_net *Q, gm_node *x, gm_node **mean,
                       gm_node **log_sigma)
{
	gm_node *h = hidden(p, r, Q, x);
	*mean = dense(Q, "mean", h, p->nz);
	*log_sigma = dense(Q, "log_sigma", h, p->nz);
}

/* z [rows,nz] to logits, or means, of x [rows,numel] */
static gm_node *generator(const plan *p, gm_run *r, gm_net *P, gm_node *z)
{
	gm_node *h = hidden(p, r, P, z);
	gm_node *y = gm_linear(P, "x", h, .out = p->numel, .init = GM_XAVIER_UNIFORM(1),
	                       .bias = p->bernoulli ? GM_GIVEN(p->bias) : GM_ZEROS);
	return p->bernoulli || p->points ? y : gm_tanh(y);
}

/* What P says x is, as examples are: the mean. */
static gm_node *shown(const plan *p, gm_node *y, gm_shape s)
{
	return gm_reshape(p->bernoulli ? gm_add_c(gm_mul_c(gm_sigmoid(y), 2), -1) : y, s);
}

/* log p(x|z) of rows [m,1,numel] and [m,k,numel]: [m,k] */
static gm_node *log_p(const plan *p, gm_node *x, gm_node *y)
{
	if (p->bernoulli)
		return gm_neg(gm_sum(gm_sigmoid_xent(y, x), GM_AXES(2), false));
	gm_node *e = gm_mul(gm_sub(x, y), gm_exp(gm_neg(p->log_sigma)));
	gm_node *each = gm_add_c(gm_add(gm_mul_c(gm_square(e), .5), p->log_sigma), HALF_LOG_2PI);
	return gm_neg(gm_sum(each, GM_AXES(2), false));
}

typedef struct bound {
	gm_node *log_p, *log_w; /* [m,k] */
	gm_node *divergence;    /* of Q from the prior, [m,1], exact */
} bound;

/* k draws of z by Q for each row of x, and what they weigh:
 * log w = log p(x|z) + log p(z) - log q(z|x), where z = mean + sigma e */
static bound weigh(const plan *p, gm_run *r, gm_net *Q, gm_net *P, gm_node *x, int64_t k)
{
	gm_node *mean, *log_sigma;
	recogniser(p, r, Q, x, &mean, &log_sigma);
	gm_shape one = GM_SHAPE(p->m, 1, p->nz);
	mean = gm_reshape(mean, one), log_sigma = gm_reshape(log_sigma, one);
	gm_node *sigma = gm_exp(log_sigma);
	gm_node *e = gm_randn(gm_run_graph(r), GM_SHAPE(p->m, k, p->nz));
	gm_node *z = gm_add(mean, gm_mul(sigma, e));
	gm_node *y = generator(p, r, P, gm_reshape(z, GM_SHAPE(p->m * k, p->nz)));
	bound b = {.log_p = log_p(p, gm_reshape(x, GM_SHAPE(p->m, 1, p->numel)),
	                          gm_reshape(y, GM_SHAPE(p->m, k, p->numel)))};
	gm_node *ratio = gm_add(gm_mul_c(gm_sub(gm_square(e), gm_square(z)), .5), log_sigma);
	b.log_w = gm_add(b.log_p, gm_sum(ratio, GM_AXES(2), false));
	gm_node *square = gm_add(gm_square(mean), gm_square(sigma));
	b.divergence =
		gm_sum(gm_sub(gm_mul_c(gm_add_c(square, -1), .5), log_sigma), GM_AXES(2), false);
	return b;
}

/* x mod 2039, exact for whole numbers below 2^22 */
static gm_node *residue(gm_node *x)
{
	return gm_sub(x, gm_mul_c(gm_floor(gm_mul_c(gm_add_c(x, .5), 1. / 2039)), 2039));
}

/* Thresholds in (0,1) for the pixels of m pictures, the same in every run and on every machine.
 * Pixel j has j^17 mod 2039, a permutation of all residues; each picture turns them by its own
 * share of a circle. */
static gm_node *thresholds(gm_run *r, const plan *p)
{
	gm_node *j = residue(gm_cast(gm_iota(gm_run_graph(r), p->numel), GM_F32)), *power = j;
	for (int i = 0; i < 4; i++)
		power = residue(gm_square(power));
	gm_node *u = gm_mul_c(gm_add_c(residue(gm_mul(power, j)), .5), 1. / 2039);
	gm_node *i = gm_cast(gm_iota(gm_run_graph(r), p->m), GM_F32);
	gm_node *turn = gm_reshape(gm_mul_c(i, .6180339887498949), GM_SHAPE(p->m, 1));
	u = gm_add(u, turn);
	return gm_sub(u, gm_floor(u));
}

static plan make_plan(gm_run *r)
{
	const gm_facts *data = gm_run_facts(r);
	gm_opt_auto(r, "decoder", data->points ? "gaussian" : "bernoulli");
	plan p = {.m = gm_opt_int(r, "batch"),
	          .k = gm_opt_int(r, "k"),
	          .nz = gm_opt_int(r, "nz"),
	          .width = gm_opt_int(r, "width"),
	          .layers = (int)gm_opt_int(r, "layers"),
	          .numel = data->numel,
	          .points = data->points,
	          .bernoulli = gm_opt_choice(r, "decoder") == BERNOULLI};
	if (p.bernoulli && p.points)
		gm_trouble(r, "points are not on or off: --decoder gaussian");
	if (p.bernoulli)
		p.bias = gm_data_mean_logit(r);
	return p;
}

static int train(gm_run *r)
{
	gm_graph *g = gm_run_graph(r);
	int binarise = gm_opt_choice(r, "binarise");
	bool elbo = gm_opt_choice(r, "bound");
	gm_opt_rate(r, "stages", "passes", NULL);
	plan p = make_plan(r);
	gm_net *Q = gm_net_new(r, "Q"), *P = gm_net_new(r, "P");
	double sigma = gm_opt_real(r, "sigma");
	if (!p.bernoulli)
		p.log_sigma = sigma > 0 ? gm_log(gm_scalar(g, sigma))
		                        : gm_net_var(P, "log_sigma", GM_RANK0);

	/* Nets read pixels in [0,1] where P is bernoulli; of x, what training looks at and what
	 * likelihoods are of. */
	gm_node *x = gm_batch(r, "example"), *z = gm_randn(g, GM_SHAPE(p.m, p.nz));
	gm_node *flat = gm_reshape(x, GM_SHAPE(p.m, p.numel)), *seen = flat, *kept = flat;
	if (p.bernoulli) {
		flat = seen = kept = gm_mul_c(gm_add_c(flat, 1), .5);
		if (binarise == STOCHASTIC) {
			seen = gm_less(gm_uniform(g, gm_node_shape(flat)), flat);
			kept = gm_less(thresholds(r, &p), flat);
		} else if (binarise == THRESHOLD) {
			flat = seen = kept = gm_less(gm_scalar(g, .5), flat);
		}
	}

	bound b = weigh(&p, r, Q, P, seen, p.k);
	gm_node *mean_p = gm_mean_all(b.log_p), *divergence = gm_mean_all(b.divergence);
	gm_node *k_mean = gm_logsumexp(b.log_w, GM_AXES(1), false);
	gm_node *iwae = gm_sub(gm_mean_all(k_mean), gm_log(gm_scalar(g, (double)p.k)));
	gm_node *loss = gm_neg(elbo ? gm_sub(mean_p, divergence) : iwae);

	gm_node *mean, *log_sigma;
	recogniser(&p, r, Q, flat, &mean, &log_sigma);
	z = gm_latent(r, "z", z, GM_LATENT_NORMAL);
	gm_node *drawn = shown(&p, generator(&p, r, P, z), gm_node_shape(x));
	gm_endpoint(r, "generate", drawn, z);
	gm_endpoint(r, "decode", drawn, z);
	gm_endpoint(r, "encode", mean, x);
	gm_endpoint(r, "reconstruct", shown(&p, generator(&p, r, P, mean), gm_node_shape(x)), x);
	if (!p.bernoulli || binarise != GREY)
		gm_endpoint(r, "log-weight",
		            gm_reshape(weigh(&p, r, Q, P, kept, 1).log_w, GM_SHAPE(p.m)), x);

	/* eps stands beside gradients of the whole minibatch's sum, as in the code */
	gm_node *sum = gm_mul_c(loss, (double)p.m * gm_graph_ranks(g));
	gm_step *step = gm_run_compile(r, gm_logged(r, "loss", loss), gm_logged(r, "log_p", mean_p),
	                               gm_logged(r, "divergence", divergence),
	                               gm_move(r, Q, sum, .average = true),
	                               gm_move(r, P, sum, .average = true));
	while (gm_next(r)) {
		gm_feed(r);
		gm_run_step(r, step);
	}
	return gm_end(r);
}

const gm_model gm_model_vae = {"vae", "Variational and importance weighted autoencoders",
                               "arXiv:1312.6114, arXiv:1509.00519", options, train};
