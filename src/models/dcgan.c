/* SPDX-License-Identifier: MIT
 *
 * dcgan.c -- Radford, Metz & Chintala, "Unsupervised representation learning with deep
 * convolutional generative adversarial networks", ICLR 2016, arXiv:1511.06434. Generator: figure
 * 1. Rules: section 3. Settings: section 4. The nets are in nn/dcgan.c.
 *
 * z is projected and reshaped to a small map of many channels; each fractionally strided
 * convolution doubles its sides and halves its channels, down to `width` before the picture. D
 * mirrors it with strided convolutions. Batch norm everywhere but at G's output and D's input;
 * relu in G, tanh at its end; leaky relu .2 in D. Weights N(0, .02), gains N(1, .02). Adam, rate
 * 2e-4, beta1 .5. At 64 px the maps of G are 8, 4, 2, 1 times `width` (4 to 32 px), as in the
 * authors' dcgan_code and in dcgan.torch; --width 128 is the paper's figure 1, --width 64 is
 * dcgan.torch.
 *
 * Differs from the paper: z is normal (paper: uniform on [-1,1]; dcgan.torch: normal); kernels
 * are 4x4 as in dcgan.torch, which tile evenly at stride 2 (--kernel 5: the paper's and
 * dcgan_code's 5x5); width is 64 (paper: 128); the projected z is normalised per channel as in
 * dcgan.torch (dcgan_code: per unit); D's last layer is linear on the flat map (the same as
 * dcgan.torch's 4x4 convolution); no weight decay (dcgan_code: --l2 1e-5) and eps of Adam 1e-8;
 * D then G, each on fakes of its own, as in Algorithm 1 of the GAN paper (dcgan.torch: G's step
 * reuses D's fakes). Sides other than 64 halve while they stay even and at least 4: 28 px has
 * maps of 7 and 14, with 2 and 1 times `width` channels.
 */
#include "ganymede/model.h"

static const gm_option options[] = {
	{"batch", "128", "minibatch size m"},
	{"nz", "100", "numbers in z", GM_INT(1, 65536)},
	{"width", "64", "channels of the largest map; the smallest has width 2^(levels-1)",
         GM_INT(1, 4096)},
	{"kernel", "4", "side of every kernel (paper: 5)", GM_INT(2, 9)},
	GM_OPTIMISER_OPTIONS("adam", "2e-4", "0.5", "constant"),
	GM_GAME_OPTIONS("non-saturating", "batch", "batch"),
	{0},
};

static int train(gm_run *r)
{
	gm_net *G = gm_net_new(r, "G", GM_DCGAN_STYLE), *D = gm_net_new(r, "D", GM_DCGAN_STYLE);
	gm_node *x = gm_batch(r, "image");
	gm_node *z =
		gm_noise(r, "z", GM_LATENT_NORMAL, gm_opt_int(r, "batch"), gm_opt_int(r, "nz"));
	gm_game game = gm_opt_game(r, G, D);
	gm_dcgan nets = gm_opt_dcgan(r);

	game.generator = gm_dcgan_generator, game.discriminator = gm_dcgan_discriminator;
	game.ctx = &nets;
	game.real.x = x, game.fake.x = z;
	gm_run_game(r, &game);
	gm_endpoint(r, "generate", game.generated, z);
	gm_endpoint(r, "discriminate", game.y_real, x);
	if (game.pack == 1) /* section 5.1: all layers of D, max-pooled to 4x4 */
		gm_endpoint(r, "features", gm_dcgan_features(&nets, D), x);

	gm_turn turn = gm_play(r, &game);
	while (gm_next(r)) /* for number of training iterations */
		gm_run_turn(r, &turn);
	return gm_end(r);
}

const gm_model gm_model_dcgan = {"dcgan", "Deep convolutional GAN (Radford, Metz & Chintala 2016)",
                                 "arXiv:1511.06434", options, train};
