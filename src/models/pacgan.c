/* SPDX-License-Identifier: MIT
 *
 * pacgan.c -- Lin, Khetan, Fanti & Oh, "PacGAN: the power of two samples in generative adversarial
 * networks", NeurIPS 2018, arXiv:1712.04086: the nets and settings of section 4.1, points in the
 * plane, from the authors' configuration (github.com/fjxmlzn/PacGAN, synthetic_data_experiments).
 *
 * D decides about m examples at once, all real or all fake, so a G that gives few modes is found
 * out by its repetitions. G: z of 2 normal numbers, four layers of 400 relu with batch norm and no
 * bias, then linear. D: three layers of 200 maxout units of 5 pieces on the m points side by side,
 * then linear. Weights N(0, .02). Both move at once by Adam, rate 1e-4, beta1 .8, 100 packs a
 * step; batch norm with eps 1e-4, as the authors' library (Blocks) has it. --pack 1 is the GAN
 * that the paper compares with; `ganymede lab modes` scores these nets.
 *
 * Differs from the authors: examples are drawn without end (theirs: 100,000 packs, 400 times);
 * batch norm sees the m z of all packs together (theirs: one batch for each place in a pack); here
 * --batch counts examples, so for 100 packs it is 100 m. Versions of Blocks before 2017 call
 * 1 - beta1 what is called beta1 since, and the authors do not say theirs; on ring8 the two did
 * not differ.
 */
#include "ganymede/model.h"

static const gm_option options[] = {
	{"data", "ring8", "ring8 or grid25, or any points"},
	{"batch", "200", "examples in a step: 100 packs"},
	{"nz", "2", "numbers in z", GM_INT(1, 65536)},
	GM_OPTIMISER_OPTIONS("adam", "1e-4", "0.8", "constant"),
	GM_GAME_OPTIONS("non-saturating", "batch", "none"),
	{0},
};

/* z [n,nz] to points [n,2] */
static gm_node *generator(void *ctx, gm_net *G, gm_node *z, gm_node *with)
{
	(void)ctx, (void)with;
	gm_node *h = gm_mlp_body(G, z, &(gm_mlp){.layers = 4, .width = 400, .act = GM_RELU});
	return gm_linear(G, "x", h, .out = 2);
}

/* packs [n/m, 2m] to logits [n/m, 1] */
static gm_node *discriminator(void *ctx, gm_net *D, gm_node *x, gm_node *with)
{
	(void)ctx, (void)with;
	const gm_mlp hidden = {.layers = 3, .width = 200, .act = GM_MAXOUT, .pieces = 5};
	return gm_linear(D, "y", gm_features(D, gm_mlp_body(D, x, &hidden)), .out = 1);
}

static int train(gm_run *r)
{
	gm_net *G = gm_net_new(r, "G", .init = GM_NORMAL(0, .02), .momentum = .05, .eps = 1e-4);
	gm_net *D = gm_net_new(r, "D", .init = GM_NORMAL(0, .02), .eps = 1e-4);
	gm_game game = gm_opt_game(r, G, D);

	gm_node *x = gm_batch(r, "point");
	gm_node *z =
		gm_noise(r, "z", GM_LATENT_NORMAL, gm_opt_int(r, "batch"), gm_opt_int(r, "nz"));
	game.generator = generator, game.discriminator = discriminator;
	game.real.x = x, game.fake.x = z;
	gm_run_game(r, &game);
	gm_endpoint(r, "generate", game.generated, z);
	gm_endpoint(r, "discriminate", game.y_real, x);

	gm_turn turn = gm_play(r, &game, .together = true);
	while (gm_next(r)) /* for number of training iterations */
		gm_run_turn(r, &turn);
	return gm_end(r);
}

const gm_model gm_model_pacgan = {"pacgan", "PacGAN, the power of two samples (Lin et al. 2018)",
                                  "arXiv:1712.04086", options, train};
