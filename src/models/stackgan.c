/* SPDX-License-Identifier: MIT
 *
 * stackgan.c -- Zhang, Xu, Li, Zhang, Wang, Huang & Metaxas, "StackGAN: Text to photo-realistic
 * image synthesis with stacked generative adversarial networks", ICCV 2017, arXiv:1612.03242.
 * Images x from captions t in two runs: stage I draws small ones, stage II (--stage1 RUN) larger
 * ones of the same captions from those, which are frozen and saved with the second run.
 *
 * Conditioning augmentation (section 3.2): G reads c ~ N(mean, sigma^2) of a dense layer of phi(t),
 * and its loss has --kl times the KL divergence of N(mean, sigma^2) from N(0, 1). D reads phi(t).
 *
 *	L_D = -log D(x,t) - (log(1 - D(w,t)) + log(1 - D(G(z,t),t))) / 2,  w: an image of another
 *	class;  L_G = -log D(G(z,t),t) + kl KL
 *
 * Nets (authors' code, github.com/hanzhanggit/StackGAN): stage I is GAN-CLS with nearest-neighbour
 * doublings and 3x3 convolutions; stage II halves its small image twice, joins c of its own, passes
 * four residual blocks, and doubles to the size of the data. KL is their mean over batch and units
 * with weight 2 (the paper: a sum, and 1), of a layer with leaky relu, as theirs. Adam 2e-4, beta1
 * .5, halved every 50 of 600 epochs (stage II: --rate step:100:0.5), batch 64.
 *
 * The last `nc` numbers of z are the noise of c; --kl 0 --ca no is G without it, c = mean. Stage II
 * takes its embedding phi from stage I. Differs: the noise is not cut off at 2 sigma; the code's
 * dense layer begins as U(-1/sqrt(n), 1/sqrt(n)), theirs as N(0, .02); D is that of gan_cls.c, with
 * batch norm after the text's layer; stage I is in inference mode, as in `sample` (theirs: batch
 * statistics); one caption of an image (theirs: --captions 4); w is chosen within the batch.
 */
#include "ganymede/model.h"

static const gm_option options[] = {
	{"data", "captioned", "images with captions"},
	{"stage1", "", "a run of stackgan for smaller images; empty: this is stage I", GM_PATH},
	{"ca", "yes", "conditioning augmentation: noise on the caption's code", GM_FLAG},
	{"kl", "2", "weight of the KL divergence of that code", GM_REAL(0, 1e6)},
	{"text", "", "stage I: a run of text-encoder; empty: bag of words", GM_PATH,
         .only = "!stage1"},
	{"buckets", "512", "of the bag of words: hash values of words", GM_INT(1, 65536),
         .only = "!stage1,!text"},
	{"captions", "1",
         "number of captions of an image whose mean embedding both nets see; the authors': 4",
         GM_INT(1, 4)},
	{"nc", "128", "numbers in the caption's code, units for the caption in D", GM_INT(1, 4096)},
	{"nz", "100", "stage I: numbers in z beside the code's noise", GM_INT(1, 65536),
         .only = "!stage1"},
	{"width", "128", "channels of G's largest map", GM_INT(2, 4096)},
	{"width-d", "64", "channels of D's largest map", GM_INT(2, 4096)},
	{"batch", "64", "minibatch size m"},
	GM_OPTIMISER_OPTIONS("adam", "2e-4", "0.5", "step:50:0.5"),
	GM_GAME_OPTIONS("non-saturating", "batch", "batch"),
	{0},
};

typedef struct nets {
	gm_run *r;
	bool augment, second;
	int64_t nc, nz; /* nz in stage II: of stage I, with the noise of its code */
	gm_stackgan up;
	gm_caption_critic critic;
	gm_node *kl; /* of the last generator, rank 0 */
} nets;

static gm_node *small(const nets *p, gm_node *z, gm_node *phi)
{
	return gm_import(p->r, "stage1", "decode", (gm_node *[]){phi, gm_narrow(z, 1, 0, p->nz)},
	                 2);
}

/* z: [nz, noise of the code]; stage II: [z of stage I, noise of its own code] */
static gm_node *generator(void *ctx, gm_net *G, gm_node *z, gm_node *phi)
{
	nets *p = ctx;
	gm_node *e = gm_narrow(z, 1, p->nz, p->nc);
	gm_node *c = gm_caption_code(G, phi, p->nc, p->augment ? e : NULL, &p->kl);
	return p->second ? gm_stackgan_refine(&p->up, G, small(p, z, phi), c)
	                 : gm_stackgan_draw(&p->up, G, c, gm_narrow(z, 1, 0, p->nz));
}

static gm_node *discriminator(void *ctx, gm_net *D, gm_node *x, gm_node *phi)
{
	return gm_caption_logit(&((nets *)ctx)->critic, D, x, phi);
}

static int train(gm_run *r)
{
	int64_t m = gm_opt_int(r, "batch"), nc = gm_opt_int(r, "nc");
	nets p = {.r = r,
	          .augment = gm_opt_flag(r, "ca"),
	          .second = *gm_opt_str(r, "stage1"),
	          .nc = nc,
	          .nz = gm_opt_int(r, "nz"),
	          .critic = {gm_opt_int(r, "width-d"), nc, gm_want_halvings(r, 1, 8, 4)}};
	const gm_facts *f = gm_run_facts(r);
	p.up = (gm_stackgan){f->height, f->width, f->channels, gm_opt_int(r, "width"),
	                     p.critic.levels};
	gm_net *G = gm_net_new(r, "G", GM_DCGAN_STYLE), *D = gm_net_new(r, "D", GM_DCGAN_STYLE);
	gm_game game = gm_opt_game(r, G, D);
	gm_node *x = gm_batch(r, "image"), *t = gm_batch(r, "caption"), *one, *phi;
	const int by = p.second ? gm_import_factor(r, "stage1", "decode") : 1;
	p.nz = p.second ? gm_import_shape(r, "stage1", "decode", 1).dim[1] : p.nz;
	const char *from = p.second ? "stage1" : "text";
	one = gm_caption_embedding(r, from, t), phi = gm_captions_mean(r, from, one);
	gm_node *z = gm_noise(r, "z", GM_LATENT_NORMAL, m, p.nz + nc);
	gm_node *class = f->classes ? gm_batch(r, "label") : NULL;
	game.generator = generator, game.discriminator = discriminator, game.ctx = &p;
	game.real = (gm_shown){x, phi}, game.fake = (gm_shown){z, phi};
	game.wrong[0] = (gm_shown){gm_gather(x, gm_mismatched(gm_run_graph(r), class, m)), phi};
	gm_run_game(r, &game);
	gm_node *kl = gm_logged(r, "kl", p.kl),
		*text = gm_noise(r, "text", GM_LATENT_NORMAL, m, gm_node_shape(phi).dim[1]);
	gm_endpoint(r, "generate", generator(&p, G, z, one), z, t);
	if (p.second) /* what stage II begins with */
		gm_endpoint(r, "generate/stage1", gm_upsample_bilinear(small(&p, z, one), by), z,
		            t);
	gm_endpoint(r, "discriminate", discriminator(&p, D, x, one), x, t);
	gm_endpoint(r, "encode/text", one, t);
	gm_endpoint(r, "decode", generator(&p, G, z, text), text, z);
	gm_node *loss_g = gm_add(game.loss_g, gm_mul_c(kl, gm_opt_real(r, "kl")));
	gm_turn turn = gm_play(r, &game, .loss_g = loss_g, .g = {kl});
	while (gm_next(r))
		gm_run_turn(r, &turn);
	return gm_end(r);
}

const gm_model gm_model_stackgan = {
	"stackgan", "Images from captions in two stages, StackGAN (Zhang et al. 2017)",
	"arXiv:1612.03242", options, train};
