/* SPDX-License-Identifier: MIT
 *
 * biggan.c -- Brock, Donahue & Simonyan, "Large scale GAN training for high fidelity natural image
 * synthesis", ICLR 2019, arXiv:1809.11096: section 3 and appendix B. Settings for CIFAR-10: those
 * of github.com/POSTECH-CVLab/PyTorch-StudioGAN, since the paper gives none. Details of layers: the
 * first author's code (github.com/ajbrock/BigGAN-PyTorch).
 *
 * G and D are residual nets, nn/resgan.c, with spectral norm in both. z has a part for the dense
 * layer and one for each block of G; gains and biases of G's batch norms are linear functions of
 * this part and of an embedding of the label that all share, and gains are centred at 1. Both nets
 * have self-attention on the maps of half the image's size. D is a projection discriminator on the
 * sum over positions. Hinge loss, five steps of D for one of G, Adam 2e-4, beta1 .5; weights start
 * orthogonal. G minimises besides beta times the sum over its weights of |W W' o (1 - I)|^2, W as
 * (outputs, rest), before spectral norm and without the embedding of labels (eq. 3). Samples come
 * from a moving average of G, decay .9999; ganymede sample --truncation resamples large values of z
 * (section 3.1). --accumulate makes large batches of small ones.
 *
 * Differs: labels of fakes are those of the minibatch's real images (theirs: uniform); u of D's
 * weights moves once in a step of D (theirs: in each application) and those of G in steps of both;
 * the moving average is that of gm_adam (theirs: the weights themselves for 1,000 steps); batch
 * norm uses running statistics, averaged as the weights are, in samples (the paper: of samples of
 * the averaged weights); beta's gradient is the exact one, twice theirs; no flips unless --flip on.
 */
#include "ganymede/model.h"

static const gm_option options[] = {
	{"batch", "64", "minibatch size m"},
	{"chunk", "20", "numbers of z for the dense layer and for each block", GM_INT(1, 4096)},
	{"embed", "128", "numbers in the embedding of a label", GM_INT(1, 65536)},
	{"width", "384", "channels of G's maps", GM_INT(1, 4096)},
	{"width-d", "auto", "channels of D's maps; auto: half of --width", GM_INT(1, 4096)},
	{"attention", "auto",
         "height of the maps with self-attention; 0: none; auto: half the image", GM_INT(0, 4096)},
	{"ortho", "1e-4", "beta, the weight of G's orthogonal regularisation", GM_REAL(0, 1e6)},
	{"k", "5", "steps of D for each turn", GM_INT(1, 10000)},
	{"ema", "0.9999", "decay of the moving average of G that samples come from"},
	GM_OPTIMISER_OPTIONS("adam", "2e-4", "0.5", "constant"),
	GM_GAME_OPTIONS("hinge", "batch+spectral", "spectral"),
	{0},
};

typedef struct nets {
	gm_resgan g, d;
} nets;

/* z [m,nz] and labels y i32 [m] to images [m,C,H,W] in (-1,1) */
static gm_node *generator(void *ctx, gm_net *G, gm_node *z, gm_node *y)
{
	return gm_resgan_up(&((nets *)ctx)->g, G, z, y);
}

/* images [m,C,H,W] and labels to logits [m,1] */
static gm_node *discriminator(void *ctx, gm_net *D, gm_node *x, gm_node *y)
{
	return gm_resgan_logit(&((nets *)ctx)->d, D, x, y);
}

static nets make_nets(gm_run *r)
{
	const gm_facts *f = gm_run_facts(r);
	nets p = {.g = {.levels = gm_want_halvings(r, 2, 6, 4), .channels = f->channels}};
	p.g.small_height = f->height >> p.g.levels, p.g.small_width = f->width >> p.g.levels;
	p.g.width = gm_opt_int(r, "width"), p.g.embed = gm_opt_int(r, "embed");
	p.g.classes = f->classes;
	gm_opt_auto(r, "attention", "%d", (int)f->height / 2);
	p.g.attention = gm_opt_int(r, "attention");
	bool found = p.g.attention == 0;
	for (int i = 1; i < p.g.levels; i++)
		found = found || p.g.attention == f->height >> i;
	if (!found)
		gm_run_error(r,
		             "no maps are %d pixels high: --attention is the height of the "
		             "image divided by 2, 4, .., and above that of the smallest map",
		             (int)p.g.attention);
	gm_opt_auto(r, "width-d", "%d", (int)(p.g.width + 1) / 2);
	p.d = p.g, p.d.width = gm_opt_int(r, "width-d");
	return p;
}

static int train(gm_run *r)
{
	const gm_net_style style = {.init = GM_ORTHOGONAL(1), .eps = 1e-4};
	gm_net *G = gm_net_new_(r, "G", style), *D = gm_net_new_(r, "D", style);
	gm_game game = gm_opt_game(r, G, D);
	nets p = make_nets(r);
	gm_node *x = gm_batch(r, "image"), *y = gm_batch(r, "label");
	gm_node *z = gm_noise(r, "z", GM_LATENT_NORMAL, gm_opt_int(r, "batch"),
	                      gm_opt_int(r, "chunk") * (p.g.levels + 1));

	game.generator = generator, game.discriminator = discriminator, game.ctx = &p;
	game.real = (gm_shown){x, y}, game.fake = (gm_shown){z, y};
	gm_run_game(r, &game);
	gm_endpoint(r, "generate", game.generated, z, y);
	gm_endpoint(r, "discriminate", game.y_real, x, y);

	const double beta = gm_opt_real(r, "ortho");
	gm_node *ortho = gm_logged(r, "ortho", gm_orthogonality(G, "label"));
	gm_node *loss_g = beta > 0 ? gm_add(game.loss_g, gm_mul_c(ortho, beta)) : game.loss_g;
	gm_turn turn = gm_play(r, &game, .loss_g = loss_g, .g = {ortho});
	while (gm_next(r)) /* for number of training iterations */
		gm_run_turn(r, &turn);
	return gm_end(r);
}

const gm_model gm_model_biggan = {"biggan", "BigGAN (Brock, Donahue & Simonyan 2019)",
                                  "arXiv:1809.11096", options, train};
