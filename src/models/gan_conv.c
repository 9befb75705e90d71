/* SPDX-License-Identifier: MIT
 *
 * gan_conv.c -- the convolutional discriminator and "deconvolutional" generator of figure 3 d of
 * Goodfellow et al., "Generative adversarial nets", NIPS 2014, arXiv:1406.2661, by the authors'
 * configuration (github.com/goodfeli/adversarial, cifar10_convolutional.yaml, deconv.py,
 * __init__.py; rules of Pylearn2).
 *
 * Images are less their mean and have a norm of 55 (of 3072 numbers: a deviation of .99). z: 100
 * uniform numbers of variance 1. G: 8000 relu, 8000 sigmoid units, which are 80 maps of 10x10; a
 * transposed 5x5 convolution of stride 3 to 32x32, with a bias for each number; weights U(-.05,
 * .05). D: maxout of 2 pieces, 32 channels of 8x8 (padding 4), 32 of 8x8 (3), 192 of 5x5 (3), each
 * followed by the maximum over 4x4, 4x4 and 2x2 pixels with stride 2; 500 maxout units of 5 pieces;
 * sigmoid; weights U(-.005, .005). D drops inputs of every layer (keeping .8 of the image, .5 of
 * the rest), also while G learns. J_D = half the sum of its two cross-entropies, J_G = -E log
 * D(G(z)). Both move at the same time on the same fakes, by SGD: rate .004 / 1.000004^t, not below
 * 1e-6; momentum from .5 to .7 at epoch 250. Batch 128, the first 40,000 images of CIFAR-10.
 * Differs: other sizes have maps of another size, and a width of 80 is a choice; "generate" shows
 * G's numbers with mean 0 and half their size.
 */
#include "ganymede/model.h"

static const gm_option options[] = {
	{"batch", "128", "minibatch size m"},
	{"nz", "100", "numbers in z", GM_INT(1, 65536)},
	{"width", "80", "channels of G's map; D's are 2/5, 2/5 and 12/5 of it, and 25/4 units",
         GM_INT(1, 1024)},
	GM_OPTIMISER_OPTIONS("sgd", ".004", "0.5", "exponential:1.000004:1e-6"),
	GM_GAME_OPTIONS("non-saturating", "none", "none"),
	{0},
};

enum { STRIDE = 3, KERNEL = 5 };

typedef struct nets {
	int64_t channels, side, map, width; /* of images, of G's map */
} nets;

static gm_node *generator(void *ctx, gm_net *G, gm_node *z, gm_node *with)
{
	(void)with;
	const nets *p = ctx;
	const int64_t units = p->width * p->map * p->map;
	z = gm_mul_c(z, 1.7320508075688772); /* U(-sqrt 3, sqrt 3) has variance 1 */
	gm_node *h = gm_relu(gm_linear(G, "h0", z, .out = units));
	h = gm_sigmoid(gm_linear(G, "h1", h, .out = units));
	h = gm_reshape(h, GM_SHAPE(-1, p->width, p->map, p->map));
	h = gm_conv_transposed(G, "y", h, .out = p->channels, .kernel = KERNEL, .stride = STRIDE,
	                       .out_pad = (int)((p->side - KERNEL) % STRIDE), .no_bias = true);
	return gm_add(h, gm_net_var(G, "y/bias", GM_SHAPE(p->channels, p->side, p->side)));
}

/* Windows of stride 2, the last ones beyond the edge as in Pylearn2 */
static gm_node *pooled(gm_node *y, int side)
{
	const int64_t n = gm_node_shape(y).dim[2];
	const int more = n > side ? (int)((n - side) % 2) : side - (int)n;
	return gm_max_pool(y, (gm_pool_options){{side, side}, {2, 2}, {0, 0, more, more}, false});
}

static gm_node *discriminator(void *ctx, gm_net *D, gm_node *x, gm_node *with)
{
	(void)with;
	static const struct {
		const char *name;
		int share, kernel, pad, pool; /* share: fifths of the width */
	} layer[] = {{"h0", 2, 8, 4, 4}, {"h1", 2, 8, 3, 4}, {"h2", 12, 5, 3, 2}};
	const nets *p = ctx;
	for (int i = 0; i < 3; i++) {
		x = gm_block(D, layer[i].name, gm_dropout(x, .keep = i ? .5 : .8),
		             .out = (p->width * layer[i].share + 4) / 5, .kernel = layer[i].kernel,
		             .pad = layer[i].pad, .act = GM_MAXOUT, .pieces = 2);
		x = pooled(x, layer[i].pool);
	}
	x = gm_dropout(gm_reshape(x, GM_SHAPE(gm_node_shape(x).dim[0], -1)), .keep = .5);
	x = gm_block(D, "h3", x, .out = (p->width * 25 + 3) / 4, .act = GM_MAXOUT, .pieces = 5);
	return gm_linear(D, "y", gm_features(D, gm_dropout(x, .keep = .5)), .out = 1);
}

/* Each image less its mean, with a norm of 55 for 3072 numbers. */
static gm_node *normalised(gm_node *x)
{
	const unsigned axes = GM_AXES(1, 2, 3);
	x = gm_sub(x, gm_mean(x, axes, true));
	gm_node *size = gm_sqrt(gm_add_c(gm_mean(gm_square(x), axes, true), 1e-8));
	return gm_mul_c(gm_div(x, size), 55 / 55.42562584220407);
}

static int train(gm_run *r)
{
	const gm_facts *data = gm_run_facts(r);
	nets p = {data->channels, data->height, (data->height - KERNEL) / STRIDE + 1,
	          gm_opt_int(r, "width")};
	if (data->height != data->width || data->height < 16)
		gm_run_error(r, "gan-conv is for square images of at least 16 pixels");
	gm_opt_autos(r, "momentum=0.5:0.7:250");
	gm_net *G = gm_net_new(r, "G", .init = GM_UNIFORM(-.05, .05));
	gm_net *D = gm_net_new(r, "D", .init = GM_UNIFORM(-.005, .005));
	gm_game game = gm_opt_game(r, G, D);
	gm_node *x = gm_batch(r, "image");
	gm_node *z =
		gm_noise(r, "z", GM_LATENT_UNIFORM, gm_opt_int(r, "batch"), gm_opt_int(r, "nz"));
	game.generator = generator, game.discriminator = discriminator, game.ctx = &p;
	game.real.x = normalised(x), game.fake.x = z;
	gm_run_game(r, &game);
	gm_endpoint(r, "generate", gm_mul_c(game.generated, .5), z);
	gm_endpoint(r, "discriminate", game.y_real, x);
	gm_turn turn = gm_play(r, &game, .loss_d = gm_mul_c(game.loss_d, .5), .together = true);
	while (gm_next(r)) /* for number of training iterations */
		gm_run_turn(r, &turn);
	return gm_end(r);
}

const gm_model gm_model_gan_conv = {
	"gan-conv", "Generative adversarial nets, convolutional (Goodfellow et al. 2014)",
	"arXiv:1406.2661", options, train};
