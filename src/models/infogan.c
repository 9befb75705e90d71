/* SPDX-License-Identifier: MIT
 *
 * infogan.c -- Chen, Duan, Houthooft, Schulman, Sutskever & Abbeel, "InfoGAN: interpretable
 * representation learning by information maximizing generative adversarial nets", NIPS 2016,
 * arXiv:1606.03657. Objective: eq. 6. MNIST: section 7.2 and appendix C.1, and the authors' code
 * (github.com/openai/InfoGAN, launchers/run_mnist_exp.py and infogan/models/regularized_gan.py).
 *
 * G draws a picture from noise z and codes c: one-of-K codes, and continuous ones in [-1,1]. Q,
 * two layers on D's body, must read the codes back; L = E[log Q(c|G(z,c))] + H(c) is a lower
 * bound of the information that the picture holds of the codes (eq. 5), and G, D and Q all raise
 * it: J_D - lambda L, J_G - lambda L. Q says a softmax for each one-of-K code and, for each
 * continuous one, the mean of a normal distribution of variance 1, as the code has it; lambda is 1
 * for both, as in the code (the paper: smaller for continuous codes).
 *
 * G: 1024 relu, 7x7x128 relu, 4x4 transposed to 64 relu, to the picture, sigmoid; D: 4x4 to 64,
 * 4x4 to 128, 1024, 1; Q: 1024 of D to 128, to the codes; strides 2, batch norm but at G's end and
 * D's beginning, leaky relu .01 as in the code (the paper: .1). Pixels in [0,1]. Weights N(0,
 * .02), gains N(1, .02). z: 62 uniform numbers in [-1,1], one code of 10, two continuous. Adam,
 * beta1 .5, 1e-3 for G and 2e-4 for D and Q, batch 128; the code takes 50 times 100 steps. D moves
 * with Q, then G, each on codes of its own.
 *
 * Differs: the code draws kernels of D from a normal distribution cut at 2 sigma; running
 * statistics of batch norm are those of real pictures in D and of generated ones in Q (theirs: of
 * both), so what they are is never mixed. Pictures of other sides get maps of a quarter of those.
 */
#include "ganymede/model.h"

static const gm_option options[] = {
	{"batch", "128", "minibatch size m"},
	{"nz", "62", "uniform numbers in z, of which nothing need be read back", GM_INT(1, 65536)},
	{"codes", "1", "one-of-K codes: c1, c2, ...", GM_INT(0, 12)},
	{"categories", "10", "K", GM_INT(2, 10000)},
	{"continuous", "2", "continuous codes, named after those", GM_INT(0, 12)},
	{"lambda", "1", "weight of the information of the one-of-K codes in both losses",
         GM_REAL(0, 1e6)},
	{"lambda-continuous", "1", "and of the continuous ones", GM_REAL(0, 1e6)},
	{"width", "64",
         "channels of the largest map (paper: 64; the dense layer has 16 times that)",
         GM_INT(1, 4096)},
	GM_OPTIMISER_OPTIONS("adam", "1e-3", "0.5", "constant"),
	GM_GAME_OPTIONS("non-saturating", "batch", "batch"),
	{0},
};

enum { CODES = 12 }; /* of each kind, at most */

typedef struct nets {
	int codes, continuous;
	int64_t categories, width, channels, height, width_px;
} nets;

/* z beside its codes [m,nz+..] to pictures [m,C,H,W] in (0,1) */
static gm_node *generator(void *ctx, gm_net *G, gm_node *z, gm_node *with)
{
	(void)with;
	const nets *p = ctx;
	int64_t f = p->width, h = p->height / 4, w = p->width_px / 4;
	gm_node *x = gm_block(G, "dense", z, .out = 16 * f, .act = GM_RELU);
	x = gm_block(G, "map", x, .out = 2 * f * h * w, .act = GM_RELU);
	x = gm_reshape(x, GM_SHAPE(-1, 2 * f, h, w));
	x = gm_block(G, "half", x, .out = f, .kernel = 4, .stride = 2, .pad = 1, .up = true,
	             .act = GM_RELU);
	return gm_block(G, "picture", x, .out = p->channels, .kernel = 4, .stride = 2, .pad = 1,
	                .up = true, .plain = true, .act = GM_SIGMOID);
}

/* pictures in [0,1] to logits [m,1]; its last hidden layer [m, 16 width] is Q's as well */
static gm_node *discriminator(void *ctx, gm_net *D, gm_node *x, gm_node *with)
{
	(void)with;
	int64_t f = ((const nets *)ctx)->width;
	x = gm_block(D, "half", x, .out = f, .kernel = 4, .stride = 2, .pad = 1, .plain = true,
	             .act = GM_LEAKY, .slope = .01);
	x = gm_block(D, "map", x, .out = 2 * f, .kernel = 4, .stride = 2, .pad = 1, .act = GM_LEAKY,
	             .slope = .01);
	x = gm_block(D, "dense", x, .out = 16 * f, .act = GM_LEAKY, .slope = .01);
	return gm_linear(D, "logit", gm_features(D, x), .out = 1);
}

/* D's features to logits and means of all codes [m, codes K + continuous] */
static gm_node *recogniser(const nets *p, gm_net *Q, gm_node *h)
{
	h = gm_block(Q, "dense", h, .out = 2 * p->width, .act = GM_LEAKY, .slope = .01);
	return gm_linear(Q, "codes", h, .out = p->codes * p->categories + p->continuous);
}

/* L of the one-of-K codes: log K for each less the cross-entropy, in nats. */
static gm_node *information(const nets *p, gm_node *q, gm_node *const *c)
{
	gm_graph *g = gm_node_graph(q);
	gm_node *sum = gm_scalar(g, 0), *entropy = gm_log(gm_scalar(g, p->categories));
	for (int i = 0; i < p->codes; i++) {
		gm_node *logits = gm_narrow(q, 1, i * p->categories, p->categories);
		sum = gm_add(sum, gm_sub(entropy, gm_mean_all(gm_softmax_xent(logits, c[i]))));
	}
	return sum;
}

/* L of the continuous ones. Density 1/2 on [-1,1], so H = log 2; -log q = (c - mean)^2 / 2 + log(2 pi) / 2. With
 * variance 1 it stays below log 2 - log(2 pi) / 2 < 0: only its slope counts. */
static gm_node *information_continuous(const nets *p, gm_node *q, gm_node *const *c)
{
	gm_node *sum = gm_scalar(gm_node_graph(q), 0);
	for (int i = 0; i < p->continuous; i++) {
		gm_node *mean = gm_narrow(q, 1, p->codes * p->categories + i, 1);
		gm_node *square = gm_mean_all(gm_square(gm_sub(c[p->codes + i], mean)));
		sum = gm_add(sum, gm_add_c(gm_mul_c(square, -.5),
		                           .69314718055994531 - .91893853320467274));
	}
	return sum;
}

static int train(gm_run *r)
{
	const gm_facts *data = gm_run_facts(r);
	int64_t m = gm_opt_int(r, "batch");
	gm_opt_auto(r, "lr-d", "%.17g", gm_opt_real(r, "lr") / 5);
	gm_net *G = gm_net_new(r, "G"), *D = gm_net_new(r, "D"), *Q = gm_net_new(r, "Q");
	gm_game game = gm_opt_game(r, G, D);
	nets p = {(int)gm_opt_int(r, "codes"),
	          (int)gm_opt_int(r, "continuous"),
	          gm_opt_int(r, "categories"),
	          gm_opt_int(r, "width"),
	          data->channels,
	          data->height,
	          data->width};
	if (!p.codes && !p.continuous)
		gm_trouble(r, "infogan needs a code to read back: --codes or --continuous");
	if (game.pack > 1)
		gm_trouble(
			r,
			"Q reads the codes of one example, and packs hold several: take --pack 1");
	gm_want_halvings(r, 2, 2, 1);
	gm_net_normalise(Q, gm_normaliser_find("batch"));
	gm_net *all_nets[] = {G, D, Q};
	for (int i = 0; i < 3; i++)
		gm_net_defaults(all_nets[i], .init = GM_NORMAL(0, .02), .gain = GM_NORMAL(1, .02));

	/* z and c, side by side */
	gm_node *x = gm_batch(r, "image"), *all[1 + 2 * CODES], **c = all + 1;
	int codes = p.codes + p.continuous;
	all[0] = gm_noise(r, "z", GM_LATENT_UNIFORM, m, gm_opt_int(r, "nz"));
	for (int i = 0; i < codes; i++)
		c[i] = gm_noise(r, gm_name(r, "c%d", i + 1),
		                i < p.codes ? GM_LATENT_ONE_HOT : GM_LATENT_UNIFORM, m,
		                i < p.codes ? p.categories : 1);
	game.generator = generator, game.discriminator = discriminator, game.ctx = &p;
	game.real.x = gm_unit(x), game.fake.x = gm_concat(all, 1 + codes, 1);
	gm_run_game(r, &game);

	gm_node *q = recogniser(&p, Q, game.f_fake);
	gm_node *info = information(&p, q, c), *info_c = information_continuous(&p, q, c);
	gm_node *price = gm_neg(gm_add(gm_mul_c(info, gm_opt_real(r, "lambda")),
	                               gm_mul_c(info_c, gm_opt_real(r, "lambda-continuous"))));
	gm_node *loss_d = gm_add(game.loss_d, price), *loss_g = gm_add(game.loss_g, price);
	gm_endpoint_nodes(r, "generate", gm_signed(game.generated), all, 1 + codes);
	gm_endpoint(r, "discriminate", game.y_real, x);
	if (p.codes)
		gm_endpoint(r, "classify",
		            gm_narrow(recogniser(&p, Q, game.f_real), 1, 0, p.categories), x);

	gm_step *step_d =
		gm_run_compile(r, gm_logged(r, "loss_d", loss_d), gm_logged(r, "information", info),
	                       gm_logged(r, "information_c", info_c),
	                       gm_move(r, D, loss_d, .which = "d", .clip_weights = game.clip),
	                       gm_move(r, Q, price, .which = "d"));
	gm_step *step_g = gm_run_compile(r, gm_logged(r, "loss_g", loss_g),
	                                 gm_move(r, G, loss_g, .average = true));

	while (gm_next(r)) {
		for (int i = 0; i < game.k; i++) {
			gm_feed(r);
			gm_run_step(r, step_d); /* D, and Q on its body */
		}
		for (int i = 0; i < game.k_g; i++)
			gm_run_step(r, step_g);
	}
	return gm_end(r);
}

const gm_model gm_model_infogan = {"infogan", "InfoGAN (Chen et al. 2016)", "arXiv:1606.03657",
                                   options, train};
