/* SPDX-License-Identifier: MIT
 *
 * lapgan.c -- Denton, Chintala, Szlam & Fergus, "Deep generative image models using a Laplacian
 * pyramid of adversarial networks", NIPS 2015, arXiv:1506.05751: sections 2.2, 2.3 and 3.1. Nets
 * and settings: the authors' code for CIFAR-10 (github.com/facebook/eyescream, cifar).
 *
 * The image I of each level is half as large as that of the next one. l, the image of the level
 * below, enlarged, lacks the detail h = I - l. Each level has a conditional GAN of its own:
 * G(noise, l) makes h, and D looks at l + h. The coarsest level is an ordinary GAN. All are trained
 * on real l; to sample, the coarsest image is enlarged and given detail, level by level.
 *
 * Levels: G: noise U(-1,1) as a channel beside l; convolutions 7x7, 7x7, 5x5, relu, the last
 * linear. D: 5x5, 5x5 of stride 2, without padding, relu, dropout, dense. Coarsest: dense layers of
 * `units`, relu; D with dropout. With --conditional the label, one-hot, is a further input of the
 * dense nets, and a dense layer with relu makes a further channel of it in the others. Half of a
 * minibatch are real images, the other half gives the l of fakes. Non-saturating loss, D's halved;
 * SGD .02, momentum .5, growing to .7 (0 with --conditional).
 *
 * Differs: means of 2x2 pixels halve an image, and bilinear interpolation with half-pixel centres
 * doubles it (theirs: with aligned corners); values are in [-1,1], G's output is linear and
 * unbounded (theirs: each pixel is standardised over the data); biases start at 0; no dropout in
 * inference; G's step has the minibatch of D's, and as many fakes (theirs: another one, twice as
 * many); the rate is constant (theirs: divided by 1.000004 in each epoch); the dense nets have 1200
 * and 600 units, as in the paper (scripts: 8000 and 1600).
 */
#include "ganymede/model.h"

static const gm_option options[] = {
	{"batch", "128",
         "examples of a step: a half is real, a half gives l of fakes; an odd one is left out"},
	{"levels", "2", "levels above the coarsest", GM_INT(1, 6)},
	{"nz", "100", "numbers in z of the coarsest level", GM_INT(1, 65536)},
	{"units", "1200", "units of the coarsest G", GM_INT(1, 65536)},
	{"units-d", "600", "units of the coarsest D", GM_INT(1, 65536)},
	{"width", "64", "channels of the other levels' nets", GM_INT(1, 4096)},
	{"conditional", "no", "class-conditional", GM_FLAG},
	{"level-steps", "0",
         "steps of each level, one level after the other, coarsest first; 0: all levels in each "
         "step",
         GM_INT(0, GM_MANY)},
	GM_OPTIMISER_OPTIONS("sgd", "0.02", "0.5", "constant"),
	GM_GAME_OPTIONS("non-saturating", "none", "none"),
	{0},
};

enum { LEVELS = 8 };

static gm_node *generator(void *ctx, gm_net *G, gm_node *x, gm_node *y)
{
	return gm_lapgan_up(ctx, G, x, y);
}

static gm_node *discriminator(void *ctx, gm_net *D, gm_node *x, gm_node *y)
{
	return gm_lapgan_logit(ctx, D, x, y);
}

/* Noise of m examples for level p, from values u [m,..] in [-1,1], with the image l below it. */
static gm_node *input_of(const gm_lapgan *p, gm_node *u, gm_node *l)
{
	return l ? GM_CONCAT(1, gm_reshape(u, GM_SHAPE(-1, 1, p->height, p->width)), l) : u;
}

static int train(gm_run *r)
{
	const gm_facts *f = gm_run_facts(r);
	const int64_t m = gm_opt_int(r, "batch"), each = gm_opt_int(r, "level-steps");
	const bool conditional = gm_opt_flag(r, "conditional");
	const int last = gm_want_halvings(r, 1, (int)gm_opt_int(r, "levels"), 5);
	gm_opt_auto(r, "momentum", conditional ? "0" : "0.5:0.7:251");
	gm_node *x = gm_batch(r, "image"), *y = conditional ? gm_batch(r, "label") : NULL;
	gm_node *real[LEVELS], *z[LEVELS + 1], *chain = NULL;
	gm_lapgan level[LEVELS];
	gm_turn turn[LEVELS];
	gm_pyramid(x, last, real);
	for (int k = 0; k <= last; k++) {
		gm_lapgan *p = &level[k];
		*p = (gm_lapgan){k == 0, f->height >> (last - k), f->width >> (last - k)};
		p->channels = f->channels, p->classes = conditional ? f->classes : 0;
		p->size_g = gm_opt_int(r, k ? "width" : "units");
		p->size_d = gm_opt_int(r, k ? "width" : "units-d");
		const char *size = gm_name(r, "%d", (int)p->height);
		gm_net *G = gm_net_new(r, gm_name(r, "G%s", size)),
		       *D = gm_net_new(r, gm_name(r, "D%s", size));
		gm_game game = gm_opt_game(r, G, D);
		const int64_t n = k ? p->height * p->width : gm_opt_int(r, "nz");
		gm_node *l = k ? gm_pyramid_up(real[k - 1]) : NULL, *half = gm_half(real[k], 0);
		gm_node *u = gm_signed(
			gm_uniform(gm_run_graph(r), GM_SHAPE(gm_node_shape(half).dim[0], n)));
		game.generator = generator, game.discriminator = discriminator, game.ctx = p;
		game.real = (gm_shown){half, y ? gm_half(y, 0) : NULL};
		game.fake = (gm_shown){input_of(p, u, l ? gm_half(l, 1) : NULL),
		                       y ? gm_half(y, 1) : NULL};
		gm_run_game(r, &game);
		/* how much detail G makes, as a share of that of real images */
		gm_node *detail = l ? gm_absolute_error(game.generated, gm_half(l, 1)) : NULL;
		if (l)
			gm_logged(r, gm_name(r, "detail_%s", size),
			          detail = gm_div(detail, gm_absolute_error(real[k], l)));
		turn[k] = gm_play(r, &game, .name = size, .loss_d = gm_mul_c(game.loss_d, .5),
		                  .g = {detail});
		/* samples: from the coarsest level to the finest */
		z[k] = gm_noise(r, gm_name(r, "z%s", size), GM_LATENT_UNIFORM, m, n);
		chain = gm_lapgan_up(p, G, input_of(p, z[k], chain ? gm_pyramid_up(chain) : NULL),
		                     y);
		z[k + 1] = y;
		gm_endpoint_nodes(r, k < last ? gm_name(r, "generate/%s", size) : "generate", chain,
		                  z, k + 1 + conditional);
		if (k == last) {
			gm_endpoint_nodes(r, "reconstruct",
			                  gm_lapgan_up(p, G, input_of(p, z[k], l), y),
			                  (gm_node *[]){x, z[k], y}, 2 + conditional);
			gm_endpoint_nodes(r, "discriminate", gm_lapgan_logit(p, D, x, y),
			                  (gm_node *[]){x, y}, 1 + conditional);
		}
	}
	while (gm_next(r)) {
		const int64_t now = each > 0 ? gm_step_number(r) / each : 0;
		const int first = now < last ? (int)now : last;
		for (int k = each > 0 ? first : 0; k <= (each > 0 ? first : last); k++)
			gm_run_turn(r, &turn[k]);
	}
	return gm_end(r);
}

const gm_model gm_model_lapgan = {"lapgan", "Laplacian pyramid of GANs (Denton et al. 2015)",
                                  "arXiv:1506.05751", options, train};
