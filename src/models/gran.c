/* SPDX-License-Identifier: MIT
 *
 * gran.c -- Im, Kim, Jiang & Memisevic, "Generating images with recurrent adversarial networks",
 * 2016, arXiv:1602.05110, section 3; settings: github.com/jiwoongim/GRAN. G adds an increment to a
 * canvas in each of T steps, and encodes it:
 *	h_z = tanh N W z;  C_t = decoder [h_z, h_t-1];  h_t = encoder C_t, h_0 = 0
 * and the image is sigmoid (C_1 + .. + C_T), with one z and the same weights in all steps. Decoder:
 * dense to 8 `width` channels, relu, transposed 5x5 convolutions of stride 2 that halve the
 * channels, relu, the last one linear; encoder: its mirror image, tanh. D: 5x5 convolutions of 8,
 * 4, 2 times `width-d` channels, relu, 100 tanh, a logit. Batch norm of each step in G's dense
 * layers, in the encoder except its last convolution, in D's convolutions. Weights: Glorot uniform,
 * convolutions N(0, .01); decay 5e-6 of D's dense ones. Adam, beta1 0, rates 1e-4, for D 4e-5,
 * divided by 1 + epoch / 50; batch 100. Differs: running statistics at inference, eps 1e-5.
 */
#include "ganymede/model.h"

static const gm_option options[] = {
	{"batch", "100", "minibatch size m"},
	{"nz", "100", "numbers in z", GM_INT(1, 65536)},
	{"turns", "3", "steps T of the canvas", GM_INT(1, 16)},
	{"width", "32", "an eighth of the channels of G's smallest map", GM_INT(1, 1024)},
	{"width-d", "10", "an eighth of the channels of D's first layer", GM_INT(1, 1024)},
	{"lr-d", "4e-5", "learning rate of D", GM_REAL(0, 1e30), .resume = true},
	GM_OPTIMISER_OPTIONS("adam", "1e-4", "0", "inverse:50"),
	GM_GAME_OPTIONS("non-saturating", "batch", "batch"),
	{0},
};

enum { TURNS = 16, HIDDEN = 100 };
#define HALVE .kernel = 5, .stride = 2, .pad = 2
#define UP HALVE, .out_pad = 1
#define DENSE .init = GM_XAVIER_UNIFORM(1)

typedef struct nets {
	gm_run *r;
	int64_t width, width_d, channels, small_height, small_width;
	int levels, turns;
	gm_node *canvas[TURNS]; /* after each turn, before the sigmoid */
} nets;

/* with statistics of turn t alone */
static gm_node *norm(const nets *p, gm_net *G, const char *name, int t, gm_node *x)
{
	gm_shape s = gm_node_shape(x), along = {.rank = s.rank, .dim = {1, s.dim[1], 1, 1}};
	gm_shape c = GM_SHAPE(s.dim[1]);
	gm_node *gain = gm_net_var(G, gm_name(p->r, "%s/gain", name), c, .init = GM_ONES);
	gm_node *bias = gm_net_var(G, gm_name(p->r, "%s/shift", name), c);
	x = gm_norm(G, gm_name(p->r, "%s/norm%d", name, t + 1), x, .no_affine = true);
	return gm_add(gm_mul(x, gm_reshape(gain, along)), gm_reshape(bias, along));
}

/* [h_z, h] [m,..] to an increment [m,C,H,W] */
static gm_node *decoder(const nets *p, gm_net *G, int t, gm_node *h)
{
	int64_t f = 8 * p->width, height = p->small_height, width = p->small_width;
	h = gm_linear(G, "d0", h, .out = f * height * width, DENSE);
	h = gm_reshape(gm_relu(norm(p, G, "d0", t, h)), GM_SHAPE(-1, f, height, width));
	for (int i = 1; i < p->levels; i++)
		h = gm_relu(gm_conv_transposed(G, gm_name(p->r, "d%d", i), h, .out = f >> i, UP));
	return gm_conv_transposed(G, "picture", h, .out = p->channels, UP);
}

static gm_node *encoder(const nets *p, gm_net *G, int t, gm_node *c)
{
	for (int i = p->levels - 1; i >= 0; i--) {
		const char *name = gm_name(p->r, "e%d", i);
		c = gm_conv(G, name, c, .out = (8 * p->width) >> i, HALVE);
		c = gm_relu(i ? norm(p, G, name, t, c) : c);
	}
	return gm_tanh(norm(p, G, "h", t, gm_linear(G, "h", c, .out = HIDDEN, DENSE)));
}

/* z [m,nz] to pictures [m,C,H,W] in (0,1) */
static gm_node *generator(void *ctx, gm_net *G, gm_node *z, gm_node *with)
{
	(void)with;
	nets *p = ctx;
	gm_node *h_z = gm_tanh(norm(p, G, "z", 0, gm_linear(G, "z", z, .out = HIDDEN, DENSE)));
	gm_node *h = gm_full(gm_node_graph(z), 0, gm_node_shape(h_z)), *sum = NULL;
	for (int t = 0; t < p->turns; t++) {
		gm_node *c = decoder(p, G, t, GM_CONCAT(1, h_z, h));
		p->canvas[t] = sum = sum ? gm_add(sum, c) : c;
		h = t + 1 < p->turns ? encoder(p, G, t, c) : h;
	}
	return gm_sigmoid(sum);
}

static gm_node *discriminator(void *ctx, gm_net *D, gm_node *x, gm_node *with)
{
	(void)with;
	const nets *p = ctx;
	for (int i = 0; i < p->levels; i++)
		x = gm_block(D, gm_name(p->r, "c%d", i), x, .out = (8 * p->width_d) >> i, HALVE,
		             .act = GM_RELU);
	x = gm_block(D, "h", x, .out = HIDDEN, .plain = true, .act = GM_TANH, DENSE);
	return gm_linear(D, "logit", gm_features(D, x), .out = 1, .no_bias = true, DENSE);
}

static int train(gm_run *r)
{
	const gm_facts *f = gm_run_facts(r);
	gm_net *G = gm_net_new(r, "G", .init = GM_NORMAL(0, .01)),
	       *D = gm_net_new(r, "D", .init = GM_NORMAL(0, .01));
	gm_game game = gm_opt_game(r, G, D);
	int levels = gm_want_halvings(r, 1, 3, 4);
	nets p = {r,           gm_opt_int(r, "width"),     gm_opt_int(r, "width-d"),
	          f->channels, f->height >> levels,        f->width >> levels,
	          levels,      (int)gm_opt_int(r, "turns")};
	gm_node *x = gm_batch(r, "image");
	gm_node *z =
		gm_noise(r, "z", GM_LATENT_NORMAL, gm_opt_int(r, "batch"), gm_opt_int(r, "nz"));
	game.generator = generator, game.discriminator = discriminator, game.ctx = &p;
	game.real.x = gm_unit(x), game.fake.x = z;
	gm_run_game(r, &game);
	gm_node *w = gm_net_find(D, "D/h/weight"), *v = gm_net_find(D, "D/logit/weight");
	gm_node *decay = gm_add(gm_sum_all(gm_square(w)), gm_sum_all(gm_square(v)));
	gm_node *loss_d = gm_add(game.loss_d, gm_mul_c(decay, 5e-6 / 2));
	gm_endpoint(r, "generate", gm_signed(game.generated), z);
	for (int t = 0; t < p.turns && p.turns > 1; t++)
		gm_endpoint(r, gm_name(r, "generate/%d", t + 1), gm_signed(gm_sigmoid(p.canvas[t])),
		            z);
	gm_endpoint(r, "discriminate", game.y_real, x);
	gm_turn turn = gm_play(r, &game, .loss_d = loss_d);
	while (gm_next(r)) /* for number of training iterations */
		gm_run_turn(r, &turn);
	return gm_end(r);
}

const gm_model gm_model_gran = {"gran", "GRAN (Im et al. 2016)", "arXiv:1602.05110", options,
                                train};
