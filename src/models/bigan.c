/* SPDX-License-Identifier: MIT
 *
 * bigan.c -- Donahue, Krahenbuhl & Darrell, "Adversarial feature learning", ICLR 2017,
 * arXiv:1605.09782, and, with a random encoder, Dumoulin et al., "Adversarially learned inference"
 * (ALI), ICLR 2017, arXiv:1606.00704. Objective: section 3, eq. 2 to 4. Settings: appendix C.1 and
 * the authors' code (github.com/jeffdonahue/bigan, train_mnist.sh).
 * D discriminates pairs (x, E(x)) from (G(z), z). G and E minimise D's loss with exchanged labels.
 * Baselines: --task lr, a GAN whose E is a latent regressor from G(z) to z; jlr, a quarter of whose
 * loss is also G's. z is uniform in [-1,1], pixels are in [0,1]. W: linear without bias, N: batch
 * norm without gain and bias, leaky: slope .2:
 *	G(z)    h = relu N W z;  h = relu N (W h + W z);  x = sigmoid W h
 *	E(x)    h = leaky W x;   h = leaky N W h;         a = W h, z = tanh(a / 2)
 *	D(x,z)  h = leaky W x;   h = leaky N (W h + W z); logit = W h
 * Weights N(0, .02), D's last ones 0. Adam, learning rate 2e-4, beta1 .5, weight decay 2.5e-5,
 * batch 128, all nets updated together; rate constant for 200 epochs, then to a hundredth in 200.
 * --encoder gaussian (ALI): z is normal, E gives the mean and log standard deviation of a code.
 * Differs: ALI has both pairs in one batch of D's norm; inference uses running statistics.
 */
#include "ganymede/model.h"
#define STYLE .init = GM_NORMAL(0, .02), .eps = 1e-8, .bare = true

static const gm_option options[] = {
	{"batch", "128", "minibatch size m"},
	{"nz", "50", "numbers in z", GM_INT(1, 65536)},
	{"width", "1024", "units of each hidden layer", GM_INT(1, 65536)},
	{"encoder", "deterministic", "gaussian: ALI's", GM_CHOICE("deterministic|gaussian")},
	{"task", "joint", "joint, or a latent regressor", GM_CHOICE("joint|lr|jlr")},
	{"l2", "2.5e-5", "weight decay", GM_REAL(0, 1), .resume = true},
	GM_OPTIMISER_OPTIONS("adam", "2e-4", "0.5", "decay:200:200"),
	GM_GAME_OPTIONS("non-saturating", "batch", "batch"),
	{0},
};

enum { JOINT, LR, JLR };

typedef struct nets {
	int64_t numel, width, nz;
	bool gaussian;
} nets;

/* z [m,nz] to pictures [m,numel] in (0,1) */
static gm_node *generator(void *ctx, gm_net *G, gm_node *z, gm_node *with)
{
	(void)with;
	const nets *p = ctx;
	gm_node *h = gm_block(G, "h1", z, .out = p->width, .act = GM_RELU);
	h = gm_block(G, "h2", h, .beside = z, .out = p->width, .act = GM_RELU);
	return gm_sigmoid(gm_linear(G, "x", h, .out = p->numel));
}

/* pictures [m,numel], with codes [m,nz] or without, to logits [m,1] */
static gm_node *discriminator(void *ctx, gm_net *D, gm_node *x, gm_node *z)
{
	const nets *p = ctx;
	x = gm_block(D, "h1", x, .out = p->width, .plain = true, .act = GM_LEAKY);
	x = gm_block(D, "h2", x, .beside = z, .out = p->width, .act = GM_LEAKY);
	return gm_linear(D, "logit", gm_features(D, x), .out = 1, .init = GM_ZEROS);
}

typedef struct code {
	gm_node *features;     /* E's hidden units of pictures [m,width] */
	gm_node *a, *mean, *z; /* [m,nz]: before the squashing, without noise, as D sees it */
	gm_node *log_sigma;    /* of the noise, or NULL */
} code;

static code encoder(const nets *p, gm_net *E, gm_node *x)
{
	gm_node *h = gm_block(E, "h1", x, .out = p->width, .plain = true, .act = GM_LEAKY);
	code c = {.features = gm_block(E, "h2", h, .out = p->width, .act = GM_LEAKY)};
	c.a = gm_linear(E, "a", c.features, .out = p->nz);
	c.z = c.mean = p->gaussian ? c.a : gm_tanh(gm_mul_c(c.a, .5));
	if (p->gaussian) {
		gm_node *e = gm_randn(gm_node_graph(x), gm_node_shape(c.a));
		c.log_sigma = gm_linear(E, "log_sigma", c.features, .out = p->nz);
		c.z = gm_add(c.mean, gm_mul(gm_exp(c.log_sigma), e));
	}
	return c;
}

static int train(gm_run *r)
{
	int task = gm_opt_choice(r, "task");
	nets p = {gm_run_facts(r)->numel, gm_opt_int(r, "width"), gm_opt_int(r, "nz"),
	          gm_opt_choice(r, "encoder") == 1};
	gm_net *G = gm_net_new(r, "G", STYLE), *E = gm_net_new(r, "E", STYLE);
	gm_net *D = gm_net_new(r, "D", STYLE);
	gm_opt_norms(r, E, D); /* E's normaliser is G's */
	gm_game game = gm_opt_game(r, G, D);
	if (gm_net_flow(E) && gm_net_flow(E)->reference)
		gm_run_error(r, "bigan's E has no reference batch: --normalise-g batch");
	gm_node *picture = gm_batch(r, "image");
	gm_node *x = gm_example_rows(r, picture);
	gm_node *z = gm_noise(r, "z", p.gaussian ? GM_LATENT_NORMAL : GM_LATENT_UNIFORM,
	                      gm_opt_int(r, "batch"), p.nz);
	code real = encoder(&p, E, x); /* before E sees G's: running statistics are of real ones */
	game.generator = generator, game.discriminator = discriminator, game.ctx = &p;
	game.real.x = x, game.fake.x = z;
	if ((game.exchange = task == JOINT))
		game.real.with = real.z, game.fake.with = z;
	gm_run_game(r, &game);

	gm_node *loss_g = gm_mul_c(game.loss_g, task == JOINT ? .5 : 1), *loss_e = loss_g;
	if (task != JOINT) {
		code c = encoder(&p, E, game.generated); /* nats a number of z */
		loss_e = gm_mean_all(p.gaussian ? gm_normal_nll(z, c.mean, c.log_sigma)
		                                : gm_sigmoid_xent(c.a, gm_unit(z)));
		gm_logged(r, "regression", loss_e);
		loss_g = task == JLR ? gm_add(loss_g, gm_mul_c(loss_e, .25)) : loss_g;
	}
	gm_node *drawn = gm_rows_example(r, game.generated);
	gm_node *back = gm_rows_example(r, generator(&p, G, real.mean, NULL));
	gm_endpoint(r, "generate", drawn, z);
	gm_endpoint(r, "decode", drawn, z);
	gm_endpoint(r, "encode", real.mean, picture);
	gm_endpoint(r, "reconstruct", back, picture);
	gm_endpoint(r, "features", real.features, picture);
	gm_endpoint(r, "features/code", real.a, picture);
	gm_endpoint_nodes(r, "discriminate", game.y_real, (gm_node *[]){picture, real.z},
	                  1 + game.exchange);
	/* real.mean: so that the running statistics of the baselines are updated too */
	gm_turn turn = gm_play(
		r, &game, .loss_d = gm_mul_c(game.loss_d, .5), .loss_g = loss_g, .together = true,
		.g = {gm_move(r, E, loss_e, .average = true), loss_e, gm_mean_all(real.mean)});
	while (gm_next(r)) /* for number of training iterations */
		gm_run_turn(r, &turn);
	return gm_end(r);
}

const gm_model gm_model_bigan = {"bigan", "BiGAN (Donahue et al. 2017), ALI (Dumoulin et al. 2017)",
                                 "arXiv:1605.09782, arXiv:1606.00704", options, train};
