/* SPDX-License-Identifier: MIT
 *
 * cgan.c -- Mirza & Osindero, "Conditional generative adversarial nets", arXiv:1411.1784. x: a
 * picture, y: its label, z: noise. Each row of a batch has one y for the real and the generated
 * picture, so that a mix of both has it too.
 *
 * --net paper: section 4.1. G: z, uniform on the unit cube, to 200 relu, y (one-hot) to 1000 relu,
 * both to 1200 relu, sigmoid. D: x to 240 maxout units of 5 pieces, y to 50 of 5, both to 240 of
 * 4, sigmoid. Dropout .5 in G and D. SGD, batch 100, rate .1 divided by 1.00004 each step down to
 * 1e-6, momentum .5 growing to .7. The paper gives no initial values, no J_D and no places of
 * dropout: weights, last bias, the half in J_D and the epochs of the momentum are those of the
 * authors' GAN (gan.c); dropout is behind hidden layers, and off in inference. The paper stops by
 * the likelihood of a validation set; this at --epochs.
 *
 * --net dcgan: the nets of dcgan.c. G reads z beside an embedding of y. Adam. D, then G.
 *
 * --condition: how D learns of y, a row of nn/condition.c: concat beside x; projection (Miyato &
 * Koyama, ICLR 2018; differs: h is flat, not summed over places, and G gets y at its input, not by
 * its normalisers); auxiliary (AC-GAN: Odena, Olah & Shlens, ICML 2017; differs: nets).
 */
#include "ganymede/model.h"

static const gm_option options[] = {
	{"net", "dcgan", "nets and settings", GM_CHOICE("paper|dcgan")},
	{"condition", "concat", "how D learns of labels", GM_ROW_OF(gm_condition_name)},
	{"aux-weight", "1", "auxiliary: weight of naming the label in both losses", GM_REAL(0, 1e6),
         .only = "condition=auxiliary"},
	{"batch", "100", "minibatch size m"},
	{"nz", "100", "numbers in z", GM_INT(1, 65536)},
	{"embed", "50", "numbers in G's embedding of a label (dcgan)", GM_INT(1, 65536),
         .only = "net=dcgan"},
	{"width", "64", "channels of the largest map (dcgan)", GM_INT(1, 4096),
         .only = "net=dcgan"},
	{"kernel", "4", "side of every kernel (dcgan)", GM_INT(2, 9), .only = "net=dcgan"},
	GM_OPTIMISER_OPTIONS("auto", "auto", "0.5", "auto"),
	GM_GAME_OPTIONS("non-saturating", "auto", "auto"),
	{0},
};

typedef struct nets {
	bool paper;
	const gm_condition *how;
	int64_t classes, embed, numel;
	gm_dcgan dcgan;
	const double *mean; /* paper: the logits of the mean picture, or NULL */
} nets;

/* z [m,nz], y i32 [m] to pixels [m,numel] in (0,1) (paper) or pictures [m,C,H,W] in (-1,1) */
static gm_node *generator(void *ctx, gm_net *G, gm_node *z, gm_node *y)
{
	const nets *p = ctx;
	if (!p->paper) {
		y = gm_embedding(G, "label", y, .rows = p->classes, .dim = p->embed);
		return gm_dcgan_up(&p->dcgan, G, GM_CONCAT(1, z, y));
	}
	gm_node *hz = gm_block(G, "z", gm_unit(z), .out = 200, .act = GM_RELU, .keep = .5);
	gm_node *hy = gm_block(G, "y", gm_one_hot(y, p->classes), .out = 1000, .act = GM_RELU,
	                       .keep = .5);
	gm_node *h =
		gm_block(G, "h", GM_CONCAT(1, hz, hy), .out = 1200, .act = GM_RELU, .keep = .5);
	return gm_sigmoid(gm_linear(G, "x", h, .out = p->numel, .bias = GM_GIVEN(p->mean)));
}

/* The paper's D up to its last hidden layer [m,240]: x [m,numel] in [0,1], y i32 [m] */
static gm_node *paper_body(const nets *p, gm_net *D, gm_node *x, gm_node *y)
{
	y = gm_one_hot(y, p->classes);
	gm_node *h = gm_block(D, "x", x, .out = 240, .act = GM_MAXOUT, .pieces = 5, .keep = .5);
	if (p->how->input) {
		y = gm_block(D, "y", y, .out = 50, .act = GM_MAXOUT, .pieces = 5, .keep = .5);
		h = GM_CONCAT(1, h, y);
	}
	return gm_block(D, "h", h, .out = 240, .act = GM_MAXOUT, .pieces = 4, .keep = .5);
}

/* x with its label y to logits [m,1] */
static gm_node *discriminator(void *ctx, gm_net *D, gm_node *x, gm_node *y)
{
	const nets *p = ctx;
	if (!p->paper && p->how->input)
		x = p->how->input(D, x, y, p->classes);
	gm_node *h = p->paper ? paper_body(p, D, x, y) : gm_dcgan_down(&p->dcgan, D, x);
	gm_node *logit =
		gm_linear(D, "logit", gm_features(D, h), .out = 1, .no_bias = gm_net_centres(D));
	return p->how->logit ? p->how->logit(D, logit, h, y, p->classes) : logit;
}

static int train(gm_run *r)
{
	const gm_facts *data = gm_run_facts(r);
	bool paper = gm_opt_choice(r, "net") == 0;
	gm_opt_autos(
		r, paper ? "optimiser=sgd lr=.1 momentum=0.5:0.7:250 rate=exponential:1.00004:1e-6"
			 : "optimiser=adam lr=2e-4 rate=constant");
	gm_opt_autos(r, paper ? "normalise-g=none normalise-d=none"
	                      : "normalise-g=batch normalise-d=batch");
	gm_node *x = gm_batch(r, "image"), *y = gm_batch(r, "label");
	gm_init init_g = GM_UNIFORM(-.05, .05), init_d = GM_UNIFORM(-.005, .005);
	gm_net *G = paper ? gm_net_new(r, "G", .init = init_g) : gm_net_new(r, "G", GM_DCGAN_STYLE);
	gm_net *D = paper ? gm_net_new(r, "D", .init = init_d) : gm_net_new(r, "D", GM_DCGAN_STYLE);
	gm_game game = gm_opt_game(r, G, D);
	nets p = {paper, &gm_conditions[gm_opt_choice(r, "condition")], data->classes,
	          gm_opt_int(r, "embed"), data->numel};
	if (paper)
		p.mean = gm_data_mean_logit(r);
	else
		p.dcgan = gm_opt_dcgan(r);

	gm_node *z = gm_noise(r, "z", paper ? GM_LATENT_UNIFORM : GM_LATENT_NORMAL,
	                      gm_opt_int(r, "batch"), gm_opt_int(r, "nz"));
	game.generator = generator, game.discriminator = discriminator, game.ctx = &p;
	game.real.x = paper ? gm_example_rows(r, x) : x, game.real.with = y;
	game.fake.x = z, game.fake.with = y;
	gm_run_game(r, &game);
	if (p.how->head)
		gm_endpoint(r, "classify", gm_run_head(r, &game, p.how, y), x);
	gm_node *fake = paper ? gm_rows_example(r, game.generated) : game.generated;
	gm_node *loss_d = paper ? gm_mul_c(game.loss_d, .5) : game.loss_d;
	gm_endpoint(r, "generate", fake, z, y);
	gm_endpoint_nodes(r, "discriminate", game.y_real, (gm_node *[]){x, y}, p.how->head ? 1 : 2);

	gm_turn turn = gm_play(r, &game, .loss_d = loss_d);
	while (gm_next(r)) /* for number of training iterations */
		gm_run_turn(r, &turn);
	return gm_end(r);
}

const gm_model gm_model_cgan = {"cgan", "Conditional GAN (Mirza & Osindero 2014)",
                                "arXiv:1411.1784", options, train};
