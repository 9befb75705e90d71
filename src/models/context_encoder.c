/* SPDX-License-Identifier: MIT
 *
 * context_encoder.c -- Pathak, Krahenbuhl, Donahue, Darrell & Efros, "Context encoders: feature
 * learning by inpainting", CVPR 2016, arXiv:1604.07379. Objective: section 3.2, eq. 1 to 3; nets:
 * figure 9; settings: the authors' code (github.com/pathak22/context-encoder).
 *
 * G sees an image whose centre is hidden and generates the central half of its sides. The outer
 * `overlap` pixels of this part are visible, with weight 10 in the squared error, against a seam. G
 * minimises `recon` times this error, a mean over numbers, plus (1 - recon) times -log D; D is
 * DCGAN's, of the central part alone. G: strided 4x4 convolutions to 4x4 pixels with 1, 1, 2, 4, 8
 * times `width` channels, one to a code of `nz` numbers, transposed ones, tanh; batch norm except
 * in the first and last layers, leaky relu .2, then relu. Weights N(0, .02), gains N(1, .02).
 * Hidden: a fixed colour. Adam, beta1 .5, rate 2e-3 (G), 2e-4 (D), batch 64, 500 epochs, 128 px.
 *
 * With --region random (section 3.3) smooth random regions, .23 to .28 of the image on average, are
 * hidden. G makes all of it, with the mean error of hidden pixels; D sees visible ones as given.
 *
 * Differs: layers without a norm have a bias (theirs are kept at 0); the number of layers and the
 * overlap (4 at 128 px) depend on the size; G's step uses D after its update (theirs: before).
 * Trained on the centre, hidden pixels elsewhere keep the fixed colour.
 */
#include "ganymede/model.h"

static const gm_option options[] = {
	{"batch", "64", "minibatch size m"},
	{"width", "64", "channels of the largest maps", GM_INT(1, 1024)},
	{"nz", "4000", "numbers in the code", GM_INT(1, 65536)},
	{"recon", "0.999", "weight of the squared error; the rest: of D", GM_REAL(0, 1)},
	{"region", "centre", "what is hidden: the centre, or smooth random regions",
         GM_CHOICE("centre|random")},
	{"overlap", "auto", "visible rim; auto: 1/32", GM_INT(0, 1024), .only = "region=centre"},
	{"lr-d", "2e-4", "learning rate of D", GM_REAL(0, 1e30), .resume = true},
	GM_OPTIMISER_OPTIONS("adam", "2e-3", "0.5", "constant"),
	GM_GAME_OPTIONS("non-saturating", "batch", "batch"),
	{0},
};

enum { SMALL = 4 };

typedef struct nets {
	int64_t width, nz;
	int levels, up; /* layers that halve the sides, down to SMALL, and that double them */
	gm_dcgan d;
} nets;

/* pictures [m,C,S,S] to codes [m,nz,1,1] */
static gm_node *encode(gm_run *r, const nets *p, gm_net *G, gm_node *x)
{
	for (int i = 0; i < p->levels; i++)
		x = gm_block(G, gm_name(r, "e%d", i + 1), x, .out = p->width << (i > 0 ? i - 1 : 0),
		             GM_BY_TWO, .plain = i == 0, .act = GM_LEAKY);
	return gm_block(G, "code", x, .out = p->nz, .kernel = SMALL, .act = GM_LEAKY);
}

/* codes to middles [m,C,S/2,S/2] in (-1,1) */
static gm_node *decode(gm_run *r, const nets *p, gm_net *G, gm_node *z)
{
	for (int i = 0; i < p->up; i++) /* first to SMALL pixels, then each doubles the sides */
		z = gm_block(G, gm_name(r, "d%d", i), z, .out = p->width << (p->up - 1 - i),
		             .kernel = SMALL, .stride = i ? 2 : 1, .pad = i > 0, .up = true,
		             .act = GM_RELU);
	return gm_block(G, "middle", z, .out = p->d.channels, GM_BY_TWO, .up = true, .plain = true,
	                .act = GM_TANH);
}

/* middles [m,C,S/2,S/2] to logits [m,1] */
static gm_node *discriminator(void *ctx, gm_net *D, gm_node *x, gm_node *with)
{
	(void)with;
	gm_node *h = gm_features(D, gm_dcgan_down(&((const nets *)ctx)->d, D, x));
	return gm_linear(D, "logit", h, .out = 1, .no_bias = gm_net_centres(D));
}

static int train(gm_run *r)
{
	static const double colour[] = {-.0824, -.1843, -.0353, -.0824}; /* 117, 104, 123 of 255 */
	const gm_facts *f = gm_run_facts(r);
	int64_t side = f->own_height, half = side / 2, edge = side / 4, at[4] = {0, 0, edge, edge};
	gm_graph *g = gm_run_graph(r);
	gm_net *G = gm_net_new(r, "G", GM_DCGAN_STYLE), *D = gm_net_new(r, "D", GM_DCGAN_STYLE);
	gm_game game = gm_opt_game(r, G, D);
	gm_opt_auto(r, "overlap", "%d", (int)(side / 32));
	bool random = gm_opt_choice(r, "region") == 1;
	int64_t part = random ? side : half, overlap = gm_opt_int(r, "overlap"); /* part: of G */
	int levels = gm_want_halvings(r, 3, 9, SMALL);
	if (side != f->own_width || side >> levels != SMALL || f->channels > 4 ||
	    2 * overlap >= half) {
		gm_run_error(r, "the sides must be one power of 2, with 4 channels at most, and "
		                "the overlap less than a quarter of a side: try --size 32");
		return gm_end(r);
	}
	nets p = {gm_opt_int(r, "width"), gm_opt_int(r, "nz"), levels, levels - !random};
	p.d = (gm_dcgan){f->channels, part, part, p.width, .kernel = 4, .std = .02};
	gm_dcgan_fit(&p.d);

	gm_node *x = gm_batch(r, "image"), *paint = gm_channel_values(g, colour, (int)f->channels),
		*canvas[2], *code[2], *made[2];
	gm_node *hidden[2] = {random ? gm_mask_random(g, gm_opt_int(r, "batch"), side)
	                             : gm_mask_square(g, side, edge + overlap),
	                      gm_hidden(r)};
	for (int i = 0; i < 2; i++) { /* in training, and what tools hide */
		code[i] = encode(r, &p, G, gm_select(hidden[i], paint, x));
		made[i] = decode(r, &p, G, code[i]);
		canvas[i] = random ? made[i]
		                   : gm_select(gm_mask_square(g, side, edge),
		                               gm_pad_zero(made[i], at, at), paint);
	}
	gm_node *want = random ? x : gm_narrow(gm_narrow(x, 2, edge, half), 3, edge, half);
	game.real.x = want, game.fake.x = random ? gm_select(hidden[0], made[0], x) : made[0];
	game.discriminator = discriminator, game.ctx = &p;
	gm_run_game(r, &game);
	gm_node *weight = random ? gm_div(hidden[0], gm_add_c(gm_mean_all(hidden[0]), 1e-8))
	                         : gm_add_c(gm_mul_c(gm_mask_square(g, half, overlap), -9), 10);
	gm_node *error = gm_mean_all(gm_mul(gm_square(gm_sub(made[0], want)), weight));
	double share = gm_opt_real(r, "recon");
	gm_node *loss_g = gm_add(gm_mul_c(game.loss_g, 1 - share), gm_mul_c(error, share));
	gm_endpoint(r, "complete", gm_select(hidden[1], canvas[1], x), x, hidden[1]);
	gm_endpoint(r, "reconstruct", gm_select(hidden[0], canvas[0], x), x);
	gm_endpoint(r, "features", gm_reshape(code[0], GM_SHAPE(-1, p.nz)), x);
	gm_endpoint(r, "discriminate", game.y_real, x);

	gm_turn turn = gm_play(r, &game, .loss_g = loss_g, .g = {gm_logged(r, "error", error)});
	while (gm_next(r)) /* for number of training iterations */
		gm_run_turn(r, &turn);
	return gm_end(r);
}

const gm_model gm_model_context_encoder = {"context-encoder",
                                           "Context encoders (Pathak et al. 2016)",
                                           "arXiv:1604.07379", options, train};
