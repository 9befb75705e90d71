/* SPDX-License-Identifier: MIT
 *
 * gan_cls.c -- Reed, Akata, Yan, Logeswaran, Schiele & Lee, "Generative adversarial text to image
 * synthesis", ICML 2016, arXiv:1605.05396. Images x from captions t, by an embedding phi(t).
 *
 * GAN-CLS (--cls, algorithm 1): D also sees real images with captions of other classes, and calls
 * them fake: L_D = -log D(x,t) - (log(1 - D(w,t)) + log(1 - D(G(z,t),t))) / 2. As in the authors'
 * code w is an image of another class (section 4.2 has another caption of the same image).
 * GAN-INT (--int, section 4.3): G also makes images for the means of two embeddings of the batch.
 * --cls no --int no is a GAN whose nets see captions; both is GAN-INT-CLS.
 *
 * Nets (authors' code, github.com/reedscot/icml2016): phi through a dense layer to `nt` leaky relu
 * units, in G beside z, in D beside its last map. Transposed and strided 4x4 convolutions, batch
 * norm, residual bottlenecks. Adam 2e-4, beta1 .5, halved every 100 of 600 epochs, batch 64.
 *
 * --text RUN: phi is a trained text-encoder, frozen, saved with this run; without it the bag of the
 * caption's words. Differs: phi is of one caption in training (theirs: the mean of --captions 4);
 * leaky relu after each norm of D (theirs lacks one); w is chosen within the batch; the means of
 * embeddings are a batch of their own for batch norm; images of any size that halves to 4 pixels.
 */
#include "ganymede/model.h"

static const gm_option options[] = {
	{"data", "captioned", "images with captions"},
	{"cls", "yes", "D sees real images with captions of other classes", GM_FLAG},
	{"int", "no", "G learns from means of two captions' embeddings", GM_FLAG},
	{"text", "", "a run of text-encoder; empty: bag of words", GM_PATH},
	{"buckets", "512", "of the bag of words: hash values of words", GM_INT(1, 65536),
         .only = "!text"},
	{"captions", "1",
         "number of captions of an image whose mean embedding both nets see; the authors': 4",
         GM_INT(1, 4)},
	{"nt", "128", "units for the caption in each net", GM_INT(1, 4096)},
	{"nz", "100", "numbers in z", GM_INT(1, 65536)},
	{"width", "128", "channels of G's largest map", GM_INT(2, 4096)},
	{"width-d", "64", "channels of D's largest map", GM_INT(2, 4096)},
	{"batch", "64", "minibatch size m"},
	GM_OPTIMISER_OPTIONS("adam", "2e-4", "0.5", "step:100:0.5"),
	GM_GAME_OPTIONS("non-saturating", "batch", "batch"),
	{0},
};

typedef struct nets {
	gm_run *r;
	int64_t nt, width, width_d;
	int levels; /* halvings down to 4 pixels */
} nets;

/* z [m,nz] and embeddings [m,..] to images in (-1,1) */
static gm_node *generator(void *ctx, gm_net *G, gm_node *z, gm_node *phi)
{
	const nets *p = ctx;
	const gm_facts *f = gm_run_facts(p->r);
	int64_t c = p->width << (p->levels - 1);
	gm_node *t = gm_block(G, "text", phi, .out = p->nt, .plain = true, .act = GM_LEAKY,
	                      .init = GM_FAN_IN);
	gm_node *x = gm_block(G, "in", GM_CONCAT(1, z, t), .out = c,
	                      .height = f->height >> p->levels, .width = f->width >> p->levels);
	x = gm_bottleneck(G, "r0", x, GM_RELU);
	for (int i = 1; i < p->levels; i++) {
		c /= 2;
		x = gm_block(G, gm_name(p->r, "up%d", i), x, .out = c, GM_BY_TWO, .up = true,
		             .act = i == 1 ? GM_LINEAR : GM_RELU);
		x = i == 1 ? gm_bottleneck(G, "r1", x, GM_RELU) : x;
	}
	return gm_tanh(gm_conv_transposed(G, "image", x, .out = f->channels, GM_BY_TWO));
}

/* images and embeddings to logits [m,1] */
static gm_node *discriminator(void *ctx, gm_net *D, gm_node *x, gm_node *phi)
{
	const nets *p = ctx;
	return gm_caption_logit(&(gm_caption_critic){p->width_d, p->nt, p->levels}, D, x, phi);
}

static int train(gm_run *r)
{
	int64_t m = gm_opt_int(r, "batch"), nz = gm_opt_int(r, "nz");
	nets p = {r, gm_opt_int(r, "nt"), gm_opt_int(r, "width"), gm_opt_int(r, "width-d"),
	          gm_want_halvings(r, 1, 8, 4)};
	gm_net *G = gm_net_new(r, "G", GM_DCGAN_STYLE), *D = gm_net_new(r, "D", GM_DCGAN_STYLE);
	gm_game game = gm_opt_game(r, G, D);
	gm_node *x = gm_batch(r, "image"), *t = gm_batch(r, "caption");
	gm_node *z = gm_noise(r, "z", GM_LATENT_NORMAL, m, nz);
	gm_node *one = gm_caption_embedding(r, "text", t), *phi = gm_captions_mean(r, "text", one);
	gm_node *class = gm_run_facts(r)->classes ? gm_batch(r, "label") : NULL;
	game.generator = generator, game.discriminator = discriminator, game.ctx = &p;
	game.real = (gm_shown){x, phi}, game.fake = (gm_shown){z, phi};
	if (gm_opt_flag(r, "cls"))
		game.wrong[0] =
			(gm_shown){gm_gather(x, gm_mismatched(gm_run_graph(r), class, m)), phi};
	gm_run_game(r, &game);
	if (gm_opt_flag(r, "int")) { /* n images of captions and n/2 of means: weights 2/3, 1/3 */
		int64_t n = m > 1 ? m / 2 : 1;
		gm_node *a = gm_narrow(phi, 0, 0, n), *b = gm_narrow(phi, 0, m - n, n);
		gm_node *mean = gm_mul_c(gm_add(a, b), .5);
		gm_node *y = generator(&p, G, gm_randn(gm_run_graph(r), GM_SHAPE(n, nz)), mean);
		gm_node *loss = game.objective->g(discriminator(&p, D, y, mean), &game.terms);
		game.loss_g = gm_mul_c(gm_add(gm_mul_c(game.loss_g, 2), loss), 1. / 3);
	}
	gm_node *code = gm_noise(r, "code", GM_LATENT_NORMAL, m, gm_node_shape(phi).dim[1]);
	gm_endpoint(r, "generate", generator(&p, G, z, one), z, t);
	gm_endpoint(r, "discriminate", discriminator(&p, D, x, one), x, t);
	gm_endpoint(r, "encode/text", one, t);
	gm_endpoint(r, "decode", generator(&p, G, z, code), code, z);

	gm_turn turn = gm_play(r, &game);
	while (gm_next(r)) /* algorithm 1 */
		gm_run_turn(r, &turn);
	return gm_end(r);
}

const gm_model gm_model_gan_cls = {"gan-cls",
                                   "Images from captions, GAN-CLS and GAN-INT (Reed et al. 2016)",
                                   "arXiv:1605.05396", options, train};
