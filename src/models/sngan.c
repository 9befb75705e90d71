/* SPDX-License-Identifier: MIT
 *
 * sngan.c -- Miyato, Kataoka, Koyama & Yoshida, "Spectral normalization for generative adversarial
 * networks", ICLR 2018, arXiv:1802.05957: Algorithm 1, in nn/norm.c. Settings: section 4 and
 * appendix B, the authors' code for the residual nets (github.com/pfnet-research/sngan_projection)
 * and for the others (github.com/pfnet-research/chainer-gan-lib).
 *
 * --net resnet: tables 3 and 4, in nn/resgan.c. z ~ N(0, I), 128 numbers; G has 256 channels and
 * batch norm, D 128 channels, the sum over the last map and no bias before the logit. Glorot
 * uniform, times sqrt 2 in residual convolutions. Hinge loss, five steps of D for one of G, Adam
 * 2e-4, beta1 0, beta2 .9; the rate falls linearly to 0 in 50,000 turns. Uniform noise of one
 * level of a byte is added to real images. --conditional: class-conditional batch norm in G and a
 * projection discriminator (Miyato & Koyama 2018, arXiv:1802.05637).
 *
 * --net cnn: table 3. z uniform on [-1,1]; G is a dense layer with batch norm per unit, 4x4
 * transposed convolutions and a 3x3 convolution; D alternates 3x3 and strided 4x4 convolutions,
 * leaky relu .2 (the paper: .1). N(0, .02). Softplus loss, one step of D, Adam 2e-4, beta1 .5.
 *
 * Differs: D takes its k steps before G's (theirs: G first); G's batch is D's (theirs: twice D's);
 * u moves once in a step of D (theirs: in each application, 11 times a turn), and starts at a
 * random vector of any length, as theirs; labels of fakes are those of the minibatch (theirs:
 * uniform); images of other sizes have a block for each halving, of the same channels.
 */
#include "ganymede/model.h"

static const gm_option options[] = {
	{"net", "resnet", "nets and settings", GM_CHOICE("resnet|cnn")},
	{"conditional", "no", "class-conditional; resnet only", GM_FLAG, .only = "net=resnet"},
	{"batch", "64", "minibatch size m"},
	{"nz", "128", "numbers in z", GM_INT(1, 65536)},
	{"width", "auto", "G: channels of each map (resnet; auto: 256), of the largest (cnn; 64)",
         GM_INT(1, 4096)},
	{"width-d", "auto", "D: likewise; auto: half of --width (resnet), --width (cnn)",
         GM_INT(1, 4096)},
	{"k", "auto", "steps of D for each turn; auto: 5 (resnet), 1 (cnn)", GM_INT(1, 10000)},
	{"beta2", "auto", "decay of the mean of squared gradients; auto: .9 (resnet), .999 (cnn)",
         GM_REAL(0, .999999)},
	GM_OPTIMISER_OPTIONS("adam", "2e-4", "auto", "auto"),
	GM_GAME_OPTIONS("auto", "batch", "spectral"),
	{0},
};

typedef struct nets {
	bool cnn;
	gm_resgan g, d;
} nets;

/* z [m,nz] to images [m,C,H,W] in (-1,1) */
static gm_node *generator(void *ctx, gm_net *G, gm_node *z, gm_node *y)
{
	const gm_resgan *p = &((nets *)ctx)->g;
	if (!((nets *)ctx)->cnn)
		return gm_resgan_up(p, G, z, y);
	const int64_t most = p->width << p->levels;
	gm_node *x = gm_block(G, "small", z, .out = most * p->small_height * p->small_width,
	                      .act = GM_RELU);
	x = gm_reshape(x, GM_SHAPE(-1, most, p->small_height, p->small_width));
	for (int i = 1; i <= p->levels; i++)
		x = gm_block(G,
		             i == 1   ? "up1"
		             : i == 2 ? "up2"
		             : i == 3 ? "up3"
		                      : "up4",
		             x, .out = most >> i, GM_BY_TWO, .up = true, .act = GM_RELU);
	return gm_block(G, "last", x, .out = p->channels, .kernel = 3, .pad = 1, .plain = true,
	                .act = GM_TANH);
}

/* images [m,C,H,W] to logits [m,1] */
static gm_node *discriminator(void *ctx, gm_net *D, gm_node *x, gm_node *y)
{
	static const char *const name[] = {"3x3/1", "4x4/1", "3x3/2", "4x4/2",
	                                   "3x3/3", "4x4/3", "3x3/4", "4x4/4"};
	const gm_resgan *p = &((nets *)ctx)->d;
	if (!((nets *)ctx)->cnn)
		return gm_resgan_logit(p, D, x, y);
	for (int i = 0; i < 2 * p->levels; i++)
		x = gm_block(D, name[i], x, .out = p->width << (i + 1) / 2, .kernel = 3 + i % 2,
		             .stride = 1 + i % 2, .pad = 1, .act = GM_LEAKY);
	x = gm_block(D, "3x3", x, .out = p->width << p->levels, .kernel = 3, .pad = 1,
	             .act = GM_LEAKY);
	return gm_linear(D, "logit", gm_features(D, x), .out = 1);
}

static nets make_nets(gm_run *r, bool cnn, bool conditional)
{
	const gm_facts *f = gm_run_facts(r);
	nets p = {.cnn = cnn, .g = {.levels = gm_want_halvings(r, 1, 4, 4)}};
	gm_opt_auto(r, "width", cnn ? "64" : "256");
	p.g.small_height = f->height >> p.g.levels, p.g.small_width = f->width >> p.g.levels;
	p.g.channels = f->channels, p.g.width = gm_opt_int(r, "width");
	p.g.classes = conditional ? f->classes : 0,
	p.g.init = GM_XAVIER_UNIFORM(1.4142135623730951);
	gm_opt_auto(r, "width-d", "%d", (int)(cnn ? p.g.width : (p.g.width + 1) / 2));
	p.d = p.g, p.d.width = gm_opt_int(r, "width-d");
	return p;
}

static int train(gm_run *r)
{
	const bool cnn = gm_opt_choice(r, "net") == 1, conditional = gm_opt_flag(r, "conditional");
	gm_opt_autos(r, cnn ? "objective=non-saturating k=1 beta1=.5 beta2=.999 rate=constant"
	                    : "objective=hinge k=5 beta1=0 beta2=.9 rate=linear:0:50000steps");
	if (cnn && conditional)
		gm_run_error(r, "--conditional needs --net resnet");
	const gm_net_style style = {.init = cnn ? GM_NORMAL(0, .02) : GM_XAVIER_UNIFORM(1),
	                            .eps = 2e-5};
	gm_net *G = gm_net_new_(r, "G", style), *D = gm_net_new_(r, "D", style);
	gm_game game = gm_opt_game(r, G, D);
	nets p = make_nets(r, cnn, conditional);
	gm_node *x = gm_batch(r, "image"), *y = conditional ? gm_batch(r, "label") : NULL;
	gm_node *z = gm_noise(r, "z", cnn ? GM_LATENT_UNIFORM : GM_LATENT_NORMAL,
	                      gm_opt_int(r, "batch"), gm_opt_int(r, "nz"));

	game.generator = generator, game.discriminator = discriminator, game.ctx = &p;
	game.real = (gm_shown){cnn ? x : gm_dequantised(x), y}, game.fake = (gm_shown){z, y};
	gm_run_game(r, &game);
	gm_endpoint_nodes(r, "generate", game.generated, (gm_node *[]){z, y}, 1 + conditional);
	gm_endpoint_nodes(r, "discriminate", game.y_real, (gm_node *[]){x, y}, 1 + conditional);

	gm_turn turn = gm_play(r, &game);
	while (gm_next(r)) /* for number of training iterations */
		gm_run_turn(r, &turn);
	return gm_end(r);
}

const gm_model gm_model_sngan = {"sngan", "Spectrally normalised GAN (Miyato et al. 2018)",
                                 "arXiv:1802.05957", options, train};
