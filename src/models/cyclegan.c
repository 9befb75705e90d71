/* SPDX-License-Identifier: MIT
 *
 * cyclegan.c -- Zhu, Park, Isola & Efros, "Unpaired image-to-image translation using
 * cycle-consistent adversarial networks", ICCV 2017, arXiv:1703.10593. Objective: section 3, eq. 1
 * to 3; identity loss: section 5.2; training: section 4; nets: appendix 7.2, in nn/body.c.
 *
 * G_ab translates a to b, G_ba b to a; D_b discriminates b from G_ab(a), D_a a from G_ba(b), by
 * patches, with least squares. Translators minimise the losses of both D (weight `adversarial`),
 * lambda-a |G_ba(G_ab(a)) - a| + lambda-b |G_ab(G_ba(b)) - b|, and `identity` times these weights
 * times |G_ba(a) - a| and |G_ab(b) - b|; |.| is a mean over pixels. D learns fakes from a pool of
 * the last 50 translations. Weights N(0, .02), gains N(1, .02), instance norm except in the last
 * layers and D's first one; Adam, learning rate 2e-4, beta1 .5, batch 1, constant for 100 epochs,
 * then linear to 0 in 100. Images are scaled to 143 (286) pixels and cropped to 128 (256): --crop,
 * with reflected edges; --flip on.
 *
 * From the authors' code (github.com/junyanz/CycleGAN, and /pytorch-CycleGAN-and-pix2pix): identity
 * .5 by default; 6 residual blocks, 9 from 256 pixels on; the pool's rule; all nets are updated
 * together, as in the PyTorch version.
 * Differs: D's convolutions pad by 1, as in PyTorch (Torch: 2 at the last two); layers without a
 * norm have a bias (Torch keeps all at 0). The objective least-squares has a factor 1/2 in each
 * term, so adversarial is 2; the scale of D's loss does not matter to Adam.
 */
#include "ganymede/model.h"

static const gm_option options[] = {
	{"data", "circles2squares", "a set of two domains, or a folder with trainA and trainB"},
	{"batch", "1", "minibatch size m"},
	{"width", "64", "channels of the largest maps", GM_INT(1, 1024)},
	{"blocks", "auto", "residual blocks of a translator; auto: 6, from 256 pixels on 9",
         GM_INT(0, 64)},
	{"patch", "70", "pixels that one logit of D sees", GM_CHOICE("1|16|34|70|142|286")},
	{"pool", "50", "older translations that D learns from as well; 0: the newest alone",
         GM_INT(0, 65536)},
	{"lambda-a", "10", "weight of the cycle from a over b back to a", GM_REAL(0, 1e6)},
	{"lambda-b", "10", "weight of the cycle from b over a back to b", GM_REAL(0, 1e6)},
	{"identity", "0.5", "weight, times lambda, of leaving alone what is of the domain already",
         GM_REAL(0, 1e6)},
	{"adversarial", "auto", "weight of D's judgement; auto: 2 with least-squares, else 1",
         GM_REAL(0, 1e6)},
	GM_FALL_OPTIONS("100"),
	GM_OPTIMISER_OPTIONS("adam", "2e-4", "0.5", "auto"),
	GM_GAME_OPTIONS("least-squares", "instance", "instance"),
	{0},
};

typedef struct nets {
	int64_t width, pool;
	int blocks, layers; /* layers: strided ones of D */
} nets;

/* x [m,C,H,W] to [m,channels,H,W] in (-1,1) */
static gm_node *translate(const nets *p, gm_net *G, gm_node *x, int64_t channels)
{
	return gm_resnet_body(G, x, &(gm_resnet){p->width, channels, p->blocks});
}

/* pictures [m,C,H,W] to logits [m,1,H',W'] */
static gm_node *discriminator(void *ctx, gm_net *D, gm_node *x, gm_node *with)
{
	(void)with;
	return gm_patch_body(D, x, ((const nets *)ctx)->width, ((const nets *)ctx)->layers);
}

static gm_node *l1(gm_run *r, const char *name, gm_node *y, gm_node *x)
{
	return gm_logged(r, name, gm_absolute_error(y, x));
}

/* Arrays have two elements: 0 from a to b, 1 from b to a. D[i] discriminates outputs of G[i]. */
static int train(gm_run *r)
{
	const gm_facts *f = gm_run_facts(r);
	double identity = gm_opt_real(r, "identity");
	double lambda[2] = {gm_opt_real(r, "lambda-a"), gm_opt_real(r, "lambda-b")};
	gm_opt_rate(r, "linear", "hold", "fall");
	gm_opt_auto(r, "blocks", f->own_height < 256 || f->own_width < 256 ? "6" : "9");
	gm_want_halvings(r, 2, 2, 2);
	nets p = {gm_opt_int(r, "width"), gm_opt_int(r, "pool"), (int)gm_opt_int(r, "blocks"),
	          gm_opt_patch(r)};
	gm_net *G[2] = {gm_net_new(r, "G_ab", GM_DCGAN_STYLE),
	                gm_net_new(r, "G_ba", GM_DCGAN_STYLE)};
	gm_net *D[2] = {gm_net_new(r, "D_b", GM_DCGAN_STYLE), gm_net_new(r, "D_a", GM_DCGAN_STYLE)};
	gm_game game[2] = {gm_opt_game(r, G[0], D[0]), gm_opt_game(r, G[1], D[1])};
	bool squares = game[0].objective == gm_objective_find("least-squares");
	gm_opt_auto(r, "adversarial", squares ? "2" : "1");
	gm_node *x[2] = {gm_batch(r, "a"), gm_batch(r, "b")}, *y[2], *back[2], *more[4];
	int64_t channels[2] = {gm_node_shape(x[0]).dim[1], gm_node_shape(x[1]).dim[1]};
	if (gm_opt_flag(r, "minibatch") || (gm_net_flow(G[0]) && gm_net_flow(G[0])->reference))
		gm_run_error(
			r,
			"cyclegan's D scores patches, not whole pictures (--minibatch no), and its "
			"translators have no reference batch (--normalise-g instance)");
	if (identity > 0 && channels[0] != channels[1])
		gm_run_error(r,
		             "pictures of other channels are never of both domains: --identity 0");

	for (int i = 0; i < 2; i++)
		y[i] = translate(&p, G[i], x[i], channels[1 - i]);
	gm_node *loss = gm_scalar(gm_run_graph(r), 0);
	for (int i = 0; i < 2; i++) {
		game[i].discriminator = discriminator, game[i].ctx = &p;
		game[i].real.x = x[1 - i], game[i].fake.x = y[i];
		game[i].fake_d.x = gm_pool(D[i], "pool", y[i], p.pool);
		gm_run_game(r, &game[i]);
		back[i] = translate(&p, G[1 - i], y[i], channels[i]);
		more[i] = more[2 + i] = l1(r, i ? "cycle_b" : "cycle_a", back[i], x[i]);
		loss = gm_add(loss, gm_mul_c(game[i].loss_g, gm_opt_real(r, "adversarial")));
		loss = gm_add(loss, gm_mul_c(more[i], lambda[i]));
		if (identity > 0) {
			gm_node *same = translate(&p, G[1 - i], x[i], channels[i]);
			more[2 + i] = l1(r, i ? "identity_b" : "identity_a", same, x[i]);
			loss = gm_add(loss, gm_mul_c(more[2 + i], identity * lambda[i]));
		}
		gm_endpoint(r, i ? "translate/back" : "translate", y[i], x[i]);
		gm_endpoint(r, i ? "reconstruct/back" : "reconstruct", back[i], x[i]);
		gm_endpoint(r, i ? "discriminate/a" : "discriminate/b", game[i].y_real, x[1 - i]);
	}
	gm_any_size(r, 4);

	gm_turn turn = gm_play(r, &game[0], .second = &game[1], .loss_g = loss, .together = true,
	                       .g = {more[0], more[1], more[2], more[3]});
	while (gm_next(r)) /* for number of training iterations */
		gm_run_turn(r, &turn);
	return gm_end(r);
}

const gm_model gm_model_cyclegan = {"cyclegan",
                                    "CycleGAN, translation without pairs (Zhu et al. 2017)",
                                    "arXiv:1703.10593", options, train};
