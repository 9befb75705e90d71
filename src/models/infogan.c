/* SPDX-License-Identifier: MIT
 *
 * infogan.c -- Chen, Duan, Houthooft, Schulman, Sutskever & Abbeel, "InfoGAN: interpretable
 * representation learning by information maximizing generative adversarial nets", NIPS 2016,
 * arXiv:1606.03657. Objective: eq. 6. MNIST: appendix C.1, github.com/openai/InfoGAN.
 * G generates an image from noise z and codes c: categorical ones, and continuous ones in [-1,1].
 * Q, two layers on D's body, predicts the codes; L = E[log Q(c|G(z,c))] + H(c) is a lower bound of
 * their mutual information with the image (eq. 5), maximised by G, D and Q: J_D - lambda L,
 * J_G - lambda L. Q gives a softmax, or the mean of a normal distribution of variance 1.
 * G: 1024 relu, 7x7x128 relu, 4x4 transposed to 64 relu, to the image, sigmoid; D: 4x4 to 64, 4x4
 * to 128, 1024, 1; Q: 1024 of D to 128, to the codes; strides 2, batch norm except in G's last and
 * D's first layer, leaky relu .01 (paper: .1). Pixels in [0,1]. z: 62 uniform numbers, one code of
 * 10, two continuous. Adam, beta1 .5, 1e-3 for G, 2e-4 for D and Q, batch 128; D with Q, then
 * G, each with new codes. Differs: no truncation of D's initial kernels at 2 sigma; D's running
 * statistics are of real images.
 */
#include "ganymede/model.h"
#define LEAKY .act = GM_LEAKY, .slope = .01

static const gm_option options[] = {
	{"batch", "128", "minibatch size m"},
	{"nz", "62", "uniform numbers in z, of which nothing need be read back", GM_INT(1, 65536)},
	{"codes", "1", "one-of-K codes: c1, c2, ...", GM_INT(0, 12)},
	{"categories", "10", "K", GM_INT(2, 10000), .only = "codes"},
	{"continuous", "2", "continuous codes, named after those", GM_INT(0, 12)},
	{"lambda", "1", "weight of their information", GM_REAL(0, 1e6), .only = "codes"},
	{"lambda-continuous", "1", "likewise", GM_REAL(0, 1e6), .only = "continuous"},
	{"width", "64", "channels of the largest map; dense: 16 times that", GM_INT(1, 4096)},
	GM_OPTIMISER_OPTIONS("adam", "1e-3", "0.5", "constant"),
	GM_GAME_OPTIONS("non-saturating", "batch", "batch"),
	{0},
};

typedef struct nets {
	const gm_facts *data;
	int64_t codes, continuous, categories, width;
} nets;

/* z beside its codes [m,nz+..] to pictures [m,C,H,W] in (0,1) */
static gm_node *generator(void *ctx, gm_net *G, gm_node *z, gm_node *with)
{
	(void)with;
	const nets *p = ctx;
	int64_t f = p->width, h = p->data->height / 4, w = p->data->width / 4;
	gm_node *x = gm_block(G, "dense", z, .out = 16 * f, .act = GM_RELU);
	x = gm_block(G, "map", x, .out = 2 * f * h * w, .act = GM_RELU);
	x = gm_reshape(x, GM_SHAPE(-1, 2 * f, h, w));
	x = gm_block(G, "half", x, GM_BY_TWO, .up = true, .out = f, .act = GM_RELU);
	return gm_block(G, "picture", x, GM_BY_TWO, .up = true, .out = p->data->channels,
	                .plain = true, .act = GM_SIGMOID);
}

/* pictures in [0,1] to logits [m,1]; its last hidden layer [m, 16 width] is Q's as well */
static gm_node *discriminator(void *ctx, gm_net *D, gm_node *x, gm_node *with)
{
	(void)with;
	int64_t f = ((const nets *)ctx)->width;
	x = gm_block(D, "half", x, GM_BY_TWO, .out = f, .plain = true, LEAKY);
	x = gm_block(D, "map", x, GM_BY_TWO, .out = 2 * f, LEAKY);
	x = gm_block(D, "dense", x, .out = 16 * f, LEAKY);
	return gm_linear(D, "logit", gm_features(D, x), .out = 1);
}

/* D's features to logits and means of all codes [m, codes K + continuous] */
static gm_node *recogniser(const nets *p, gm_net *Q, gm_node *h)
{
	h = gm_block(Q, "dense", h, .out = 2 * p->width, LEAKY);
	return gm_linear(Q, "codes", h, .out = p->codes * p->categories + p->continuous);
}

/* L of code i (eq. 5), nats. One-of-K: log K minus the cross-entropy. Continuous: H = log 2, and
 * -log q = (c - mean)^2 / 2 + log(2 pi) / 2, so L < 0. */
static gm_node *information(const nets *p, gm_node *q, gm_node *c, int64_t i)
{
	int64_t k = p->categories;
	if (i < p->codes)
		return gm_sub(gm_log(gm_scalar(gm_node_graph(q), (double)k)),
		              gm_mean_all(gm_softmax_xent(gm_narrow(q, 1, i * k, k), c)));
	gm_node *mean = gm_narrow(q, 1, p->codes * (k - 1) + i, 1);
	gm_node *square = gm_squared_error(c, mean);
	return gm_add_c(gm_mul_c(square, -.5), .69314718055994531 - .91893853320467274);
}

static int train(gm_run *r)
{
	int64_t m = gm_opt_int(r, "batch"), nz = gm_opt_int(r, "nz");
	gm_opt_auto(r, "lr-d", "%.17g", gm_opt_real(r, "lr") / 5);
	gm_net *G = gm_net_new(r, "G", GM_DCGAN_STYLE), *D = gm_net_new(r, "D", GM_DCGAN_STYLE);
	gm_net *Q = gm_net_new(r, "Q", GM_DCGAN_STYLE);
	gm_game game = gm_opt_game(r, G, D);
	nets p = {gm_run_facts(r), gm_opt_int(r, "codes"), gm_opt_int(r, "continuous"),
	          gm_opt_int(r, "categories"), gm_opt_int(r, "width")};
	int codes = (int)(p.codes + p.continuous);
	gm_node *x = gm_batch(r, "image");
	gm_want_halvings(r, 2, 2, 1);
	if (!codes || game.pack > 1)
		gm_run_error(
			r,
			"Q needs codes to read (--codes, --continuous) of one example (--pack 1)");
	gm_net_normalise(Q, gm_normaliser_find("batch"));
	gm_node *all[25] = {gm_noise(r, "z", GM_LATENT_UNIFORM, m, nz)}, **c = all + 1;
	for (int i = 0; i < codes; i++)
		c[i] = gm_noise(r, gm_name(r, "c%d", i + 1),
		                i < p.codes ? GM_LATENT_ONE_HOT : GM_LATENT_UNIFORM, m,
		                i < p.codes ? p.categories : 1);
	game.generator = generator, game.discriminator = discriminator, game.ctx = &p;
	game.real.x = gm_unit(x), game.fake.x = gm_concat(all, 1 + codes, 1);
	gm_run_game(r, &game);
	gm_node *q = recogniser(&p, Q, game.f_fake), *zero = gm_scalar(gm_run_graph(r), 0),
		*info[2] = {zero, zero};
	for (int i = 0; i < codes; i++)
		info[i >= p.codes] = gm_add(info[i >= p.codes], information(&p, q, c[i], i));
	gm_node *l = gm_mul_c(info[0], gm_opt_real(r, "lambda"));
	l = gm_add(l, gm_mul_c(info[1], gm_opt_real(r, "lambda-continuous")));
	gm_endpoint_nodes(r, "generate", gm_signed(game.generated), all, 1 + codes);
	gm_endpoint(r, "discriminate", game.y_real, x);
	gm_node *read = recogniser(&p, Q, game.f_real);
	if (p.codes)
		gm_endpoint(r, "classify", gm_narrow(read, 1, 0, p.categories), x);
	gm_logged(r, "information", info[0]), gm_logged(r, "information_c", info[1]);
	gm_node *move_q = gm_move(r, Q, gm_neg(l), .which = "d");
	gm_turn turn = gm_play(r, &game, .loss_d = gm_sub(game.loss_d, l),
	                       .loss_g = gm_sub(game.loss_g, l), .d = {info[0], info[1], move_q});
	while (gm_next(r)) /* for number of training iterations */
		gm_run_turn(r, &turn);
	return gm_end(r);
}

const gm_model gm_model_infogan = {"infogan", "InfoGAN (Chen et al. 2016)", "arXiv:1606.03657",
                                   options, train};
