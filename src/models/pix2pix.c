/* SPDX-License-Identifier: MIT
 *
 * pix2pix.c -- Isola, Zhu, Zhou & Efros, "Image-to-image translation with conditional adversarial
 * networks", CVPR 2017, arXiv:1611.07004. Objective: section 3.1, eq. 4. Nets: section 3.2 and
 * appendix 6.1, in nn/body.c. Training: section 3.3 and appendix 6.2.
 *
 * G is a U-Net: strided convolutions halve the picture a down to one pixel, fractionally strided
 * ones double it again, and each map on the way up is joined by the map of its size on the way
 * down. Its noise is dropout in the first three maps on the way up, in use as in training. D looks
 * at a beside b or G(a) and gives a logit for each patch. Its receptive field is `patch` pixels
 * wide: 1, 16, 34, 70, 142 or 286 for 0 to 5 strided layers. G minimises its loss against D and
 * lambda times the mean |b - G(a)|. Kernels are 4x4; weights N(0, .02), gains N(1, .02); no
 * normaliser in the first layer of either net nor in G's innermost map, which at one pixel would
 * be all zero; leaky relu .2 on the way down and in D, relu on the way up. Adam, rate 2e-4, beta1
 * .5, batch 1; D's loss is halved. The rate holds for 100 epochs, then falls in a line for 100, as
 * in Zhu's version in PyTorch (github.com/junyanz/pytorch-CycleGAN-and-pix2pix; the paper and the
 * authors' Torch code: 200 epochs at one rate, which is --rate constant).
 *
 * From the authors' code (github.com/phillipi/pix2pix): which layers have no normaliser, and that
 * shortcuts carry maps before their activation.
 *
 * Differs from the paper: its batch norm takes the statistics of the batch in use too, which at
 * batch 1 is instance norm, and that is the default here; --normalise-g batch has running
 * statistics in use. Layers without a normaliser have a bias (the authors' code keeps them at 0).
 * Dropout is drawn afresh for D's step and for G's (theirs: one G(a) for both). The jitter is
 * --crop, with mirrored edges (theirs: pictures of 256 pixels grow to 286 and are cut back).
 */
#include "ganymede/model.h"

static const gm_option options[] = {
	{"data", "edges2shapes",
         "a set of pairs, or a folder with trainA and trainB (or --pairs halves)"},
	{"direction", "a-to-b", "what becomes what", GM_CHOICE("a-to-b|b-to-a")},
	{"batch", "1", "minibatch size m"},
	{"width", "64", "channels of the largest maps; the smallest: 8 times that",
         GM_INT(1, 1024)},
	{"depth", "auto", "halvings in G; auto: down to a pixel, 8 at most", GM_INT(1, 8)},
	{"skips", "yes", "join maps on the way up with those on the way down", GM_FLAG},
	{"patch", "70", "pixels that one logit of D sees", GM_CHOICE("1|16|34|70|142|286"),
         .only = "loss=both|cgan"},
	{"conditional", "yes", "D sees a beside b; no: b alone", GM_FLAG, .only = "loss=both|cgan"},
	{"loss", "both", "what G minimises", GM_CHOICE("both|l1|cgan")},
	{"lambda", "100", "weight of L1", GM_REAL(0, 1e6), .only = "loss=both|l1"},
	{"dropout", "yes", "G's noise: yes, train (none in use) or no", GM_CHOICE("yes|train|no")},
	GM_FALL_OPTIONS("100"),
	GM_OPTIMISER_OPTIONS("adam", "2e-4", "0.5", "auto"),
	GM_GAME_OPTIONS("non-saturating", "instance", "instance"),
	{0},
};

enum { BOTH, L1, CGAN };
enum { ALWAYS, TRAIN, NEVER };

typedef struct nets {
	gm_unet g;
	int64_t width;
	int layers; /* strided layers of D */
} nets;

/* a [m,C,H,W] to b [m,channels,H,W] in (-1,1) */
static gm_node *generator(void *ctx, gm_net *G, gm_node *a, gm_node *with)
{
	(void)with;
	return gm_unet_body(G, a, &((const nets *)ctx)->g);
}

/* b or G(a) [m,C,H,W], with a if D is conditional, to logits [m,1,H',W'] */
static gm_node *discriminator(void *ctx, gm_net *D, gm_node *x, gm_node *a)
{
	const nets *p = ctx;
	return gm_patch_body(D, a ? GM_CONCAT(1, a, x) : x, p->width, p->layers);
}

static nets make_nets(gm_run *r, int64_t channels)
{
	int dropout = gm_opt_choice(r, "dropout"), most = gm_want_halvings(r, 1, GM_UNET_DEPTH, 1);
	gm_opt_auto(r, "depth", "%d", most > 0 ? most : 1);
	nets p = {.width = gm_opt_int(r, "width"), .layers = gm_opt_patch(r)};
	p.g = (gm_unet){p.width, channels, (int)gm_opt_int(r, "depth"), .noise = dropout == ALWAYS};
	p.g.drops = dropout == NEVER ? 0 : 3, p.g.no_skips = !gm_opt_flag(r, "skips");
	gm_want_halvings(r, p.g.depth, GM_UNET_DEPTH, 1);
	return p;
}

static int train(gm_run *r)
{
	bool back = gm_opt_choice(r, "direction"), see_a = gm_opt_flag(r, "conditional");
	int loss = gm_opt_choice(r, "loss");
	gm_opt_rate(r, "linear", "hold", "fall");
	gm_net *G = gm_net_new(r, "G", GM_DCGAN_STYLE), *D = gm_net_new(r, "D", GM_DCGAN_STYLE);
	gm_game game = gm_opt_game(r, G, D);
	gm_want_pairs(r);
	if (gm_opt_flag(r, "minibatch"))
		gm_run_error(r, "minibatch discrimination compares whole pictures, and pix2pix's D "
		                "scores patches");

	gm_node *a = gm_batch(r, back ? "b" : "a"), *b = gm_batch(r, back ? "a" : "b");
	nets p = make_nets(r, gm_node_shape(b).dim[1]);
	game.generator = generator, game.discriminator = discriminator, game.ctx = &p;
	game.real = (gm_shown){b, see_a ? a : NULL}, game.fake = (gm_shown){a, see_a ? a : NULL};
	if (loss == L1)
		game.generated = generator(&p, G, a, NULL);
	else
		gm_run_game(r, &game);
	gm_node *l1 = gm_absolute_error(b, game.generated);
	gm_node *loss_g = gm_mul_c(l1, gm_opt_real(r, "lambda"));
	if (loss != L1)
		loss_g = loss == CGAN ? game.loss_g : gm_add(game.loss_g, loss_g);
	gm_endpoint(r, "translate", game.generated, a);
	if (loss != L1)
		gm_endpoint_nodes(r, "discriminate", game.y_real, (gm_node *[]){b, a}, 1 + see_a);
	gm_any_size(r, (int64_t)1 << p.g.depth);

	gm_turn turn = gm_play(r, &game, .loss_d = game.loss_d ? gm_mul_c(game.loss_d, .5) : NULL,
	                       .loss_g = loss_g, .g = {gm_logged(r, "l1", l1)});
	while (gm_next(r)) /* for number of training iterations */
		gm_run_turn(r, &turn);
	return gm_end(r);
}

const gm_model gm_model_pix2pix = {
	"pix2pix",
	"image-to-image translation with conditional adversarial networks (Isola et al. 2017)",
	"arXiv:1611.07004", options, train};
