/* SPDX-License-Identifier: MIT
 *
 * stargan.c -- Choi, Choi, Kim, Ha, Kim & Choo, "StarGAN: unified generative adversarial networks
 * for multi-domain image-to-image translation", CVPR 2018, arXiv:1711.09020. Losses: section 3.1,
 * eq. 1 to 6; two data sets: section 3.2; nets: tables 4 and 5.
 *
 * One G translates images x to the domain given by numbers c (--attributes: fields of the data). D
 * has two heads: patches real or not, and the domain. D minimises its loss plus `classify` times
 * the cross-entropy of the domain of real images; G its loss plus `classify` times that of its
 * output and the c that it was asked for, plus `reconstruct` |G(G(x,c),c') - x|, where c' are x's
 * own numbers. c are the numbers of another image of the batch. G: c as constant planes beside x;
 * 7x7 convolution, two 4x4 of stride 2, `blocks` residual blocks, two transposed ones, 7x7, tanh;
 * instance norm, zero padding (with reflected edges the norm would remove constant planes). D: 4x4
 * convolutions of stride 2 down to 2 pixels, leaky relu .01, no norm. Wasserstein loss with
 * gradient penalty 10 on the sum over patches, 5 steps of D for one of G; Adam, rate 1e-4, beta1
 * .5, batch 16, constant for 10 epochs, then linear to 0 in 10.
 *
 * With --data-b, images of a second set are learned as well. c are then the numbers of both sets,
 * those of the other set 0, and two that say which set (mask vector); D's loss of domains is that
 * of the known ones.
 *
 * From the authors' code (github.com/yunjey/stargan): layers without bias (G, D's heads); c
 * permuted in the batch; no loss of domains on fakes for D; the sum over patches. Differs: G's step
 * draws c anew on D's last minibatch (theirs: D's); both sets in one step (theirs: one after the
 * other). In use, attributes that are not asked for are those that D finds in x (theirs: the
 * labels).
 */
#include "ganymede/model.h"

static const gm_option options[] = {
	{"data", "shapes", "a set with integer fields"},
	{"attributes", "label",
         "fields that G changes, such as gender,race,age:20:40 (three intervals)"},
	{"data-b", "", "a second set, with other attributes; empty: none"},
	{"attributes-b", "label", "its fields"},
	{"batch", "16", "minibatch size m"},
	{"width", "64", "channels of the largest maps of G and D", GM_INT(1, 1024)},
	{"blocks", "6", "residual blocks of G", GM_INT(0, 64)},
	{"classify", "1", "weight of the cross-entropy of domains", GM_REAL(0, 1e6)},
	{"reconstruct", "10", "weight of the cycle's L1", GM_REAL(0, 1e6)},
	{"hold", "10", "epochs at the full rate", GM_REAL(0, 1e9), .resume = true},
	{"fall", "10", "epochs in which it then falls to 0", GM_REAL(1e-9, 1e9), .resume = true},
	{"k", "5", "steps of D for each turn", GM_INT(1, 10000)},
	{"penalty", "wgan-gp", "regularisation of D", GM_ROW_OF(gm_penalty_name)},
	GM_OPTIMISER_OPTIONS("adam", "1e-4", "0.5", "auto"),
	GM_GAME_OPTIONS("wasserstein", "instance", "none"),
	{0},
};

enum { SETS = 2 };

typedef struct nets {
	gm_run *r;
	gm_net *G, *D;
	gm_resnet g;
	int levels; /* of D */
} nets;

typedef struct losses {
	gm_game game;
	gm_node *d, *g, *domain, *cycle;
} losses;

/* x [m,C,H,W] to [m,C,H,W] in (-1,1), by vectors c [m,n] */
static gm_node *translate(const nets *p, gm_node *x, gm_node *c)
{
	gm_shape s = gm_node_shape(x), n = gm_node_shape(c);
	c = gm_reshape(c, GM_SHAPE(-1, n.dim[1], 1, 1));
	c = gm_broadcast(c, GM_SHAPE(s.dim[0], n.dim[1], s.dim[2], s.dim[3]));
	return gm_resnet_body(p->G, GM_CONCAT(1, x, c), &p->g);
}

static gm_node *body(const nets *p, gm_node *x)
{
	for (int i = 0; i < p->levels; i++)
		x = gm_block(p->D, gm_name(p->r, "h%d", i), x, .out = p->g.width << i, GM_BY_TWO,
		             .plain = i == 0, .act = GM_LEAKY, .slope = .01);
	return x;
}

/* images to scores [m,1,H',W'] */
static gm_node *discriminator(void *ctx, gm_net *D, gm_node *x, gm_node *with)
{
	(void)with;
	return gm_conv(D, "real", gm_features(D, body(ctx, x)), .out = 1, .kernel = 3, .pad = 1,
	               .no_bias = true);
}

/* D's last map to logits of all attributes */
static gm_node *domains(const nets *p, gm_node *h)
{
	return gm_linear(p->D, "domain", h, .out = gm_attributes_all(p->r), .no_bias = true);
}

/* x after the request `to` */
static gm_node *changed(const nets *p, gm_node *x, gm_node *to)
{
	return translate(p, x, gm_attributes_change(p->r, domains(p, body(p, x)), to));
}

static losses play(const nets *p, gm_attributes *a, gm_node *x, bool second)
{
	gm_run *r = p->r;
	losses l = {gm_opt_game(r, p->G, p->D)};
	gm_node *c = gm_attributes_batch(a);
	gm_node *to = gm_gather(c, gm_permutation(gm_run_graph(r), gm_node_shape(c).dim[0]));
	gm_node *y = translate(p, x, gm_attributes_vector(a, to));
	gm_node *back = translate(p, y, gm_attributes_vector(a, c));
	l.game.discriminator = discriminator, l.game.ctx = (void *)p;
	l.game.real.x = x, l.game.fake.x = y;
	gm_run_game(r, &l.game);
	gm_node *real = gm_attributes_part(a, domains(p, l.game.f_real));
	gm_node *fake = gm_attributes_part(a, domains(p, l.game.f_fake));
	double weight = gm_opt_real(r, "classify");
	l.domain = gm_logged(r, second ? "domain_b" : "domain", gm_attributes_loss(a, fake, to));
	l.cycle = gm_logged(r, second ? "cycle_b" : "cycle", gm_mean_all(gm_abs(gm_sub(back, x))));
	l.d = gm_add(l.game.loss_d, gm_mul_c(gm_attributes_loss(a, real, c), weight));
	l.g = gm_add(l.game.loss_g, gm_mul_c(l.domain, weight));
	l.g = gm_add(l.g, gm_mul_c(l.cycle, gm_opt_real(r, "reconstruct")));
	return l;
}

static int train(gm_run *r)
{
	int64_t m = gm_opt_int(r, "batch");
	gm_opt_rate(r, "linear", "hold", "fall");
	nets p = {r,
	          gm_net_new(r, "G"),
	          gm_net_new(r, "D"),
	          {gm_opt_int(r, "width"), gm_run_facts(r)->channels, (int)gm_opt_int(r, "blocks"),
	           true},
	          gm_want_halvings(r, 2, 6, 2)};
	gm_node *x = gm_batch(r, "image"), *row = x, *request;
	gm_attributes *a = gm_attributes_open(r, "attributes", NULL), *b = NULL;
	gm_stream *more =
		*gm_opt_str(r, "data-b") ? gm_stream_open(r, "second", .data = "data-b") : NULL;
	if (more)
		b = gm_attributes_open(r, "attributes-b", more);
	losses l = play(&p, a, x, false), k = {0};
	if (more) {
		k = play(&p, b, gm_stream_batch(more, "image"), true);
		l.d = gm_add(l.d, k.d), l.g = gm_add(l.g, k.g);
	}
	gm_node *to = gm_noise(r, "to", GM_LATENT_UNIFORM, m, gm_attributes_all(r));
	for (int i = 0; (request = gm_attributes_request(r, i, m)); i++)
		row = GM_CONCAT(3, row, changed(&p, x, request));
	gm_endpoint(r, "translate", changed(&p, x, to), x, to);
	gm_endpoint(r, "translate/all", row, x);
	gm_endpoint(r, "features", domains(&p, body(&p, x)), x);
	gm_endpoint(r, "discriminate", l.game.y_real, x);

	gm_turn turn = gm_play(r, &l.game, .loss_d = l.d, .loss_g = l.g,
	                       .g = {l.domain, l.cycle, k.domain, k.cycle});
	while (gm_next(r)) /* for number of training iterations */
		gm_run_turn(r, &turn);
	return gm_end(r);
}

const gm_model gm_model_stargan = {"stargan",
                                   "StarGAN, translation between many domains (Choi et al. 2018)",
                                   "arXiv:1711.09020", options, train};
