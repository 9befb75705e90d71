/* SPDX-License-Identifier: MIT
 *
 * stargan.c -- Choi, Choi, Kim, Ha, Kim & Choo, "StarGAN: unified generative adversarial networks
 * for multi-domain image-to-image translation", CVPR 2018, arXiv:1711.09020. Losses: section 3.1,
 * eq. 1 to 6; two data sets: section 3.2; nets: tables 4 and 5.
 *
 * One G translates images x to the domain of numbers c (--attributes: fields of the data), those of
 * another image of the batch. D has two heads: patches real or not, and the domain. D minimises its
 * loss plus `classify` times the cross-entropy of the domain of real images; G its loss plus
 * `classify` times that of G(x,c) with c, plus `reconstruct` |G(G(x,c),c') - x|, where c' are x's
 * own numbers. G: c as constant planes beside x; 7x7 convolution, two 4x4 of stride 2, `blocks`
 * residual blocks, two transposed ones, 7x7, tanh; instance norm, zero padding (with reflected
 * edges the norm would remove constant planes). D: 4x4 convolutions of stride 2 down to 2 pixels,
 * leaky relu .01, no norm. Wasserstein loss, gradient penalty 10 on the sum over patches, 5 steps
 * of D for one of G; Adam, 1e-4, beta1 .5, batch 16, 10 epochs, then 10 with a linear fall to 0.
 *
 * With --data-b a second set is learned as well: c are the numbers of both sets, those of the other
 * set 0, and two that say which set (mask vector); losses of domains are of the known numbers.
 *
 * From the authors' code (github.com/yunjey/stargan): layers without bias (G, D's heads); c
 * permuted in the batch; no loss of domains on fakes for D; the sum over patches. Differs: G's step
 * draws c anew on D's last minibatch (theirs: D's); both sets in one step (theirs: in turn); in
 * use, attributes that are not asked for are those that D finds in x (theirs: the labels).
 */
#include "ganymede/model.h"

static const gm_option options[] = {
	{"data", "shapes", "a set with integer fields"},
	{"attributes", "label", "fields that G changes: gender,race,age:20:40 (3 intervals)"},
	{"data-b", "", "a second set, with other attributes; empty: none", GM_PATH},
	{"attributes-b", "label", "its fields", .only = "data-b"},
	{"batch", "16", "minibatch size m"},
	{"width", "64", "channels of the largest maps of G and D", GM_INT(1, 1024)},
	{"blocks", "6", "residual blocks of G", GM_INT(0, 64)},
	{"classify", "1", "weight of the cross-entropy of domains", GM_REAL(0, 1e6)},
	{"reconstruct", "10", "weight of the cycle's L1", GM_REAL(0, 1e6)},
	GM_FALL_OPTIONS("10"),
	{"k", "5", "steps of D for each turn", GM_INT(1, 10000)},
	{"penalty", "wgan-gp", "regularisation of D", GM_ROW_OF(gm_penalty_name)},
	GM_OPTIMISER_OPTIONS("adam", "1e-4", "0.5", "auto"),
	GM_GAME_OPTIONS("wasserstein", "instance", "none"),
	{0},
};

typedef struct nets {
	gm_run *r;
	gm_net *G, *D;
	gm_resnet g;
	int depth; /* of D: layers */
} nets;

/* x [m,C,H,W] to [m,C,H,W] in (-1,1), by vectors c [m,n] */
static gm_node *translate(const nets *p, gm_node *x, gm_node *c)
{
	return gm_resnet_body(p->G, gm_with_planes(x, c), &p->g);
}

static gm_node *body(const nets *p, gm_node *x)
{
	return gm_halving_body(p->D, x, p->g.width, p->depth, .01);
}

/* images to scores [m,1,H',W'] */
static gm_node *discriminator(void *ctx, gm_net *D, gm_node *x, gm_node *with)
{
	(void)with;
	return gm_conv(D, "real", gm_features(D, body(ctx, x)), .out = 1, .kernel = 3, .pad = 1,
	               .no_bias = true);
}

/* x after the request `to` */
static gm_node *changed(const nets *p, gm_node *x, gm_node *to)
{
	gm_node *found = gm_attributes_logits(p->r, p->D, body(p, x));
	return translate(p, x, gm_attributes_change(p->r, found, to));
}

/* The game on images x with attributes a; logged: G's loss of domains and that of the cycle. */
static gm_game play(const nets *p, gm_attributes *a, gm_node *x, gm_node *logged[2])
{
	gm_game m = gm_opt_game(p->r, p->G, p->D);
	gm_node *c = gm_attributes_batch(a);
	gm_node *to = gm_gather(c, gm_permutation(gm_run_graph(p->r), gm_node_shape(c).dim[0]));
	gm_node *y = translate(p, x, gm_attributes_vector(a, to));
	gm_node *back = translate(p, y, gm_attributes_vector(a, c));
	m.discriminator = discriminator, m.ctx = (void *)p;
	m.real.x = x, m.fake.x = y;
	gm_run_game(p->r, &m);
	logged[0] = gm_attributes_head(a, &m, to, gm_opt_real(p->r, "classify"));
	logged[1] = gm_absolute_error(back, x);
	m.loss_g = gm_add(m.loss_g, gm_mul_c(logged[1], gm_opt_real(p->r, "reconstruct")));
	return m;
}

static int train(gm_run *r)
{
	static const char *const names[] = {"domain", "cycle", "domain_b", "cycle_b"};
	int64_t m = gm_opt_int(r, "batch");
	gm_opt_rate(r, "linear", "hold", "fall");
	nets p = {r, gm_net_new(r, "G"), gm_net_new(r, "D"), .depth = gm_want_halvings(r, 2, 6, 2)};
	p.g = (gm_resnet){gm_opt_int(r, "width"), gm_run_facts(r)->channels,
	                  (int)gm_opt_int(r, "blocks"), .zero = true};
	gm_node *x = gm_batch(r, "image"), *row = x, *request, *logged[4] = {NULL};
	gm_stream *more =
		*gm_opt_str(r, "data-b") ? gm_stream_open(r, "second", .data = "data-b") : NULL;
	gm_attributes *a = gm_attributes_open(r, "attributes", NULL);
	gm_attributes *b = more ? gm_attributes_open(r, "attributes-b", more) : NULL;
	gm_game game = play(&p, a, x, logged);
	if (more)
		gm_game_add(&game, play(&p, b, gm_stream_batch(more, "image"), logged + 2));
	for (int i = 0; i < 4 && logged[i]; i++)
		gm_logged(r, names[i], logged[i]);
	gm_node *to = gm_noise(r, "to", GM_LATENT_UNIFORM, m, gm_attributes_all(r));
	for (int i = 0; (request = gm_attributes_request(r, i, m)); i++)
		row = GM_CONCAT(3, row, changed(&p, x, request));
	gm_endpoint(r, "translate", changed(&p, x, to), x, to);
	gm_endpoint(r, "translate/all", row, x);
	gm_endpoint(r, "features", gm_attributes_logits(r, p.D, body(&p, x)), x);
	gm_endpoint(r, "discriminate", game.y_real, x);

	gm_turn turn = gm_play(r, &game, .g = {logged[0], logged[1], logged[2], logged[3]});
	while (gm_next(r)) /* for number of training iterations */
		gm_run_turn(r, &turn);
	return gm_end(r);
}

const gm_model gm_model_stargan = {"stargan",
                                   "StarGAN, translation between many domains (Choi et al. 2018)",
                                   "arXiv:1711.09020", options, train};
