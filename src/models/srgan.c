/* SPDX-License-Identifier: MIT
 *
 * srgan.c -- Ledig et al., "Photo-realistic single image super-resolution using a generative
 * adversarial network", CVPR 2017, arXiv:1609.04802. Losses: section 2.2; nets: figure 4; training:
 * section 3.2. The authors published no code.
 *
 * For `mse-steps` steps G minimises the mean squared error of pixels: SRResNet. After that it
 * minimises a content loss, the mean squared difference of features of a trained network, plus
 * `adversarial` times -log D(G(x)): SRGAN. D is the standard one. G: 9x9 convolution, `blocks`
 * residual blocks of two 3x3 ones, one 3x3 and the sum with the first map; for each factor of 2 a
 * 3x3 convolution to 4 width channels and a pixel shuffle; 9x9 to the image. Batch norm inside,
 * PReLU. D: eight 3x3 convolutions to 8 width-d channels, every second with stride 2, leaky relu
 * .2, batch norm except in the first; two dense layers. Adam, 1e-4, batch 16 of 96x96 random
 * patches, factor 4, low resolution by bicubic interpolation (--reduce).
 *
 * Differs: --content is mse unless given, as networks are files; vgg16 at relu5_3 stands for VGG19
 * (features over 12.75, as in the paper: weight .006); 5e-7 gives squeezenet's a loss of that size.
 * Inputs in [-1,1] (theirs [0,1]). A slope of PReLU for each channel. No tanh. --bilinear adds the
 * enlarged input: github.com/XPixelGroup/BasicSR. The paper's second rate is --rate step.
 */
#include "ganymede/model.h"

static const gm_option options[] = {
	{"data", "small2shapes", "images; files: with --patches and --size"},
	{"reduce", "4", "factor: 2, 4 or 8"},
	{"batch", "16", "minibatch size m"},
	{"width", "64", "channels of G's maps", GM_INT(1, 1024)},
	{"blocks", "16", "residual blocks of G", GM_INT(0, 64)},
	{"bilinear", "no", "add the input, enlarged bilinearly, to G's output", GM_FLAG},
	{"width-d", "64", "channels of D's first map; the last: 8 times that", GM_INT(1, 1024)},
	{"units", "1024", "units of D's dense layer", GM_INT(1, 65536)},
	{"mse-steps", "1000000", "steps of SRResNet, before those of SRGAN", GM_INT(0, GM_MANY)},
	{"content", "mse", "content loss of SRGAN: of pixels, or of features of a network or run",
         GM_CHOICE("mse|vgg16|squeezenet|run")},
	{"layer", "auto", "layer of the network; auto: relu5_3 of vgg16, fire5 of squeezenet",
         .only = "content=vgg16|squeezenet"},
	{"weights", "", "file with the network's weights; empty: as downloaded", GM_PATH,
         .only = "content=vgg16|squeezenet"},
	{"extractor-run", "", "the run whose endpoint \"features\" is used with --content run",
         GM_PATH, .only = "content=run"},
	{"content-weight", "auto", "auto: .006 (vgg16), 5e-7 (squeezenet), 1", GM_REAL(0, 1e9)},
	{"adversarial", "1e-3", "weight of -log D(G(x))", GM_REAL(0, 1e6)},
	GM_OPTIMISER_OPTIONS("adam", "1e-4", "0.9", "constant"),
	GM_GAME_OPTIONS("non-saturating", "batch", "batch"),
	{0},
};

enum { MSE, VGG16, SQUEEZENET, RUN }; /* of option content */

typedef struct nets {
	gm_run *r;
	int64_t width, units; /* of D */
} nets;

/* images [m,C,H,W] to logits [m,1] */
static gm_node *discriminator(void *ctx, gm_net *D, gm_node *x, gm_node *with)
{
	const nets *p = ctx;
	(void)with;
	for (int i = 0; i < 8; i++)
		x = gm_block(D, gm_name(p->r, "h%d", i), x, .out = p->width << i / 2, .kernel = 3,
		             .stride = 1 + i % 2, .pad = 1, .plain = i == 0, .act = GM_LEAKY);
	x = gm_block(D, "dense", x, .out = p->units, .plain = true, .act = GM_LEAKY);
	return gm_linear(D, "logit", gm_features(D, x), .out = 1);
}

/* features of images x that the content loss compares */
static gm_node *content(gm_run *r, gm_node *x)
{
	int how = gm_opt_choice(r, "content");
	if (how == RUN)
		return gm_import(r, "extractor-run", "features", &x, 1);
	return how == MSE ? x
	                  : gm_perceive(r, gm_opt_str(r, "content"), gm_opt_str(r, "weights"),
	                                gm_opt_str(r, "layer"), x);
}

static int train(gm_run *r)
{
	static const char *const phases[] = {"mse", "gan", NULL}, *const weights[] = {"1", ".006",
	                                                                              "5e-7", "1"};
	const gm_facts *f = gm_run_facts(r);
	int how = gm_opt_choice(r, "content");
	int64_t factor = gm_opt_int(r, "reduce");
	gm_srresnet g = {gm_opt_int(r, "width"), f->channels, (int)gm_opt_int(r, "blocks"), 1,
	                 gm_opt_flag(r, "bilinear")};
	nets p = {r, gm_opt_int(r, "width-d"), gm_opt_int(r, "units")};
	while (g.doublings < 3 && factor > 1 << g.doublings)
		g.doublings++;
	if (factor != 1 << g.doublings)
		gm_run_error(r, "srgan enlarges by 2, 4 or 8 (option reduce)");
	gm_opt_auto(r, "layer", "%s", how == SQUEEZENET ? "fire5" : "relu5_3");
	gm_opt_auto(r, "content-weight", "%s", weights[how]);
	gm_net *G = gm_net_new(r, "G"), *D = gm_net_new(r, "D");
	gm_game game = gm_opt_game(r, G, D);
	gm_node *low = gm_batch(r, "low"), *high = gm_batch(r, "image");
	gm_node *made = gm_srresnet_body(G, low, &g);
	gm_endpoint(r, "translate", made, low);
	gm_any_size(r, factor);
	/* Only batch norm, with running statistics, does not look at the whole image. */
	if (!gm_net_flow(G) || gm_net_flow(G) == gm_normaliser_find("batch"))
		gm_local(r, gm_srresnet_radius(&g));

	made = gm_own_size(r, made), high = gm_own_size(r, high); /* D's dense layer has one size */
	game.real.x = high, game.fake.x = made;
	game.discriminator = discriminator, game.ctx = &p;
	gm_run_game(r, &game);
	gm_endpoint(r, "discriminate", game.y_real, gm_batch(r, "image"));
	gm_node *mse = gm_squared_error(made, high);
	gm_node *error =
		gm_logged(r, "content", gm_squared_error(content(r, made), content(r, high)));
	gm_node *loss_g = gm_add(gm_mul_c(error, gm_opt_real(r, "content-weight")),
	                         gm_mul_c(game.loss_g, gm_opt_real(r, "adversarial")));
	gm_step *pretrain = gm_run_compile(r, gm_logged(r, "mse", mse),
	                                   gm_move(r, G, mse, .which = "mse", .average = true));
	gm_turn turn = gm_play(r, &game, .loss_g = loss_g, .g = {error, mse});
	while (gm_next(r)) { /* for number of training iterations */
		if (gm_phase(r, phases, NULL) == 1) {
			gm_run_turn(r, &turn);
			continue;
		}
		gm_feed(r);
		gm_run_step(r, pretrain);
	}
	return gm_end(r);
}

const gm_model gm_model_srgan = {"srgan",
                                 "SRResNet and SRGAN, super-resolution (Ledig et al. 2017)",
                                 "arXiv:1609.04802", options, train};
