/* SPDX-License-Identifier: MIT
 *
 * progan.c -- Karras, Aila, Laine & Lehtinen, "Progressive growing of GANs for improved quality,
 * stability, and variation", ICLR 2018, arXiv:1710.10196: sections 2 to 4, appendix A; nets:
 * nn/progan.c. From the authors' code (github.com/tkarras/progressive_growing_of_gans): gains, the
 * order of layers, minibatch sizes, and when the state of Adam is reset.
 *
 * G and D begin at 4x4 pixels (5x5 to 7x7 if the size has no such divisor). Each stage is trained
 * for `stable-kimg`, then a block of twice the size fades in for `fade-kimg`: G's image and D's
 * first map are (1-a) new + a old, a falling from 1 to 0, and real images lose their finest detail
 * by the same a. When a fade begins and when it ends, the state of both optimisers is reset, and
 * the moving average begins anew, without the initial values of new layers (theirs does not). All
 * weights are N(0,1) and scaled in use (equalised learning rate); pixel norm after each convolution
 * of G; the standard deviation of the minibatch as a map of D. WGAN-GP with penalty 10 (|grad D| -
 * t)^2 / t^2, t by --slope, and .001 E D(x)^2 on real images. Adam .001, beta1 0, beta2 .99; a
 * moving average of G. Up to `whole-to` pixels a turn is one minibatch of `batch` examples; each
 * doubling above halves the minibatch, and a turn is 2, 4, .. of them: 128 up to 16 pixels, 64 at
 * 32, 32 at 64 (the authors' settings for one GPU; the paper: 16 up to 128 pixels).
 *
 * Endpoints are of full size: an image of an earlier stage is enlarged (nearest neighbour), and
 * D reads means of pixels.
 *
 * Differs: a is constant within a turn (theirs: within four pairs of steps); the moving average is
 * updated in G's step, for the parameters that it changes (theirs: in D's step, before G changes);
 * G's dense layer has a bias for each value (theirs: for each channel); no labels; Adam's rate is
 * the same at all sizes (theirs rises from 128 pixels on with several GPUs).
 */
#include "ganymede/model.h"

static const gm_option options[] = {
	{"batch", "128", "examples of a turn"},
	{"nz", "512", "numbers in z", GM_INT(1, 65536)},
	{"width", "512", "most channels of a map", GM_INT(1, 8192)},
	{"base", "8192",
         "maps of the first stage have half as many channels, then a quarter, ..; at most --width",
         GM_INT(1, 1 << 20)},
	{"stable-kimg", "600", "length of a stage, in thousands of examples", GM_REAL(0, 1e9)},
	{"fade-kimg", "600", "length of the fade to the next stage", GM_REAL(0, 1e9)},
	{"whole-to", "16", "largest height at which the batch is one minibatch", GM_INT(1, 65536)},
	{"group", "4", "examples in a group of the minibatch standard deviation; 0: none",
         GM_INT(0, 65536)},
	{"drift", "0.001", "weight of E D(x)^2 on real images", GM_REAL(0, 1e6)},
	{"ema", "0.999", "decay of the moving average of G that samples come from"},
	{"beta2", "0.99", "decay of the mean of squared gradients", GM_REAL(0, .999999)},
	{"penalty", "wgan-gp", "regularisation of D", GM_ROW_OF(gm_penalty_name)},
	GM_OPTIMISER_OPTIONS("adam", "1e-3", "0", "constant"),
	GM_GAME_OPTIONS("wasserstein", "equalised+pixel", "equalised"),
	{0},
};

enum { STAGES = 10 };

static gm_node *generator(void *ctx, gm_net *G, gm_node *z, gm_node *y)
{
	(void)y;
	return gm_progan_up(ctx, G, z);
}

static gm_node *discriminator(void *ctx, gm_net *D, gm_node *x, gm_node *y)
{
	(void)y;
	return gm_progan_score(ctx, D, x);
}

/* The number of minibatches of a turn. */
static int parts_at(gm_run *r, int64_t height)
{
	int parts = 1;
	while (height / parts > gm_opt_int(r, "whole-to"))
		parts *= 2;
	if (gm_opt_int(r, "batch") % parts)
		gm_run_error(
			r,
			"at %d pixels a turn has %d minibatches: --batch must be a multiple of "
			"%d, or --whole-to larger",
			(int)height, parts, parts);
	return parts;
}

static int train(gm_run *r)
{
	const gm_facts *f = gm_run_facts(r);
	const int64_t m = gm_opt_int(r, "batch"), nz = gm_opt_int(r, "nz");
	const int last = gm_want_halvings(r, 1, STAGES - 1, 4);
	gm_growth growth = gm_growth_open(r, last + 1);
	if (f->height >> last > 9 || f->width >> last > 9)
		gm_run_error(r, "progan begins with images of 4 to 9 pixels: try --size 32");
	const gm_progan shape = {.small_height = f->height >> last,
	                         .small_width = f->width >> last,
	                         .channels = f->channels,
	                         .width = gm_opt_int(r, "width"),
	                         .base = gm_opt_int(r, "base"),
	                         .place = growth.place,
	                         .group = (int)gm_opt_int(r, "group")};
	gm_net *G = gm_net_new(r, "G"), *D = gm_net_new(r, "D");
	gm_node *x = gm_batch(r, "image"), *z = gm_noise(r, "z", GM_LATENT_NORMAL, m, nz);
	gm_progan stage[STAGES], whole = shape;
	gm_turn turn[STAGES];
	int parts[STAGES];
	for (int s = 0; s <= last; s++) {
		stage[s] = shape, stage[s].stage = s,
		parts[s] = parts_at(r, shape.small_height << s);
		const int64_t rows = m / parts[s];
		gm_game game = gm_opt_game(r, G, D);
		game.generator = generator, game.discriminator = discriminator,
		game.ctx = &stage[s];
		game.real.x = gm_progan_real(&stage[s], gm_growth_rows(&growth, x, rows));
		game.fake.x = gm_randn(gm_run_graph(r), GM_SHAPE(rows, nz));
		gm_run_game(r, &game);
		gm_node *drift = gm_mean_all(gm_square(game.y_real));
		turn[s] = gm_play(
			r, &game,
			.loss_d = gm_add(game.loss_d, gm_mul_c(drift, gm_opt_real(r, "drift"))));
	}
	whole.stage = last, whole.all = true;
	gm_endpoint(r, "generate", gm_progan_up(&whole, G, z), z);
	gm_endpoint(r, "discriminate", gm_progan_score(&whole, D, x), x);
	gm_step *anew = gm_run_compile(r, gm_net_forget(G), gm_net_forget(D));
	while (gm_next(r)) {
		bool began;
		const int s = gm_grow(r, &growth, &began);
		if (began)
			gm_run_step(r, anew);
		gm_run_turn_parts(r, &turn[s], &growth, parts[s]);
	}
	return gm_end(r);
}

const gm_model gm_model_progan = {"progan", "progressive growing of GANs (Karras et al. 2018)",
                                  "arXiv:1710.10196", options, train};
