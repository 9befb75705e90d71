/* SPDX-License-Identifier: MIT
 *
 * gan.c -- Goodfellow, Pouget-Abadie, Mirza, Xu, Warde-Farley, Ozair, Courville & Bengio,
 * "Generative adversarial nets", NIPS 2014, arXiv:1406.2661.
 *
 * --net paper: the published MNIST setting, from the authors' configuration
 * (github.com/goodfeli/adversarial, mnist.yaml and __init__.py; rules of Pylearn2). z: 100 uniform
 * numbers of variance 1. G: 1200 relu, 1200 relu, sigmoid; weights U(-.05, .05); last bias: the
 * logit of each pixel's mean. D: 240 maxout units of 5 pieces, twice, sigmoid; weights U(-.005,
 * .005); D drops inputs of every layer (keeping .8 of the picture, .5 of the rest), also while G
 * learns. J_D = half the sum of its two cross-entropies, J_G = -E log D(G(z)). Both move at the
 * same time on the same fakes, by SGD: rate .1 / 1.000004^t, not below 1e-6; momentum from .5 to
 * .7 at epoch 250. Batch 100. Differs: the authors train on the first 50,000 of MNIST, for a time
 * that their configuration does not name; the last bias is of at most 10,000 examples.
 * --net mlp: what most tutorials build. z normal; hidden layers of leaky relu .2; D moves, then G,
 * each on its own fakes, by Adam 2e-4 with beta1 .5. Points: plain relu, rate 1e-3, linear end.
 */
#include "ganymede/model.h"

static const gm_option options[] = {
	{"net", "auto", "nets and settings; auto: mlp for points", GM_CHOICE("paper|mlp")},
	{"batch", "100", "minibatch size m"},
	{"nz", "auto", "numbers in z; auto: 100, for points 2", GM_INT(1, 65536)},
	{"width", "auto", "units of an mlp layer; auto: 512, for points 128", GM_INT(1, 65536),
         .only = "net=mlp"},
	{"layers", "2", "hidden layers of each mlp", GM_INT(1, 64), .only = "net=mlp"},
	GM_OPTIMISER_OPTIONS("auto", "auto", "0.5", "auto"),
	GM_GAME_OPTIONS("non-saturating", "none", "none"),
	{0},
};

typedef struct nets {
	bool paper, points;
	gm_mlp g, d; /* hidden layers */
	gm_init last_g, last_d;
	const double *mean; /* the logits of the mean picture, or NULL */
	int64_t numel;
} nets;

/* z [m,nz] to examples [m,numel]: pixels in [0,1] (paper) or numbers in [-1,1] */
static gm_node *generator(void *ctx, gm_net *G, gm_node *z, gm_node *with)
{
	(void)with;
	const nets *p = ctx;
	if (p->paper) /* U(-sqrt 3, sqrt 3) has variance 1 */
		z = gm_mul_c(z, 1.7320508075688772);
	gm_node *h = gm_mlp_body(G, z, &p->g);
	h = gm_linear(G, "y", h, .out = p->numel, .init = p->last_g, .bias = GM_GIVEN(p->mean));
	return p->paper ? gm_sigmoid(h) : p->points ? h : gm_tanh(h);
}

/* examples [m,..] to logits [m,1] */
static gm_node *discriminator(void *ctx, gm_net *D, gm_node *x, gm_node *with)
{
	(void)with;
	const nets *p = ctx;
	gm_node *h = gm_mlp_body(D, p->paper ? gm_dropout(x, .keep = .8) : x, &p->d);
	return gm_linear(D, "y", gm_features(D, h), .out = 1, .init = p->last_d);
}

static nets make_nets(gm_run *r, bool paper)
{
	const gm_facts *data = gm_run_facts(r);
	nets p = {paper, data->points, .last_g = GM_FAN_IN, .last_d = GM_FAN_IN,
	          .numel = data->numel};
	p.g.layers = (int)gm_opt_int(r, "layers"), p.g.width = gm_opt_int(r, "width");
	p.g.act = p.points ? GM_RELU : GM_LEAKY, p.g.with_bias = true, p.d = p.g;
	if (paper) {
		p.g = (gm_mlp){.layers = 2, .width = 1200, .act = GM_RELU};
		p.d = (gm_mlp){2, 240, GM_MAXOUT, .pieces = 5, .keep = .5};
		p.last_g = GM_UNIFORM(-.05, .05), p.last_d = GM_UNIFORM(-.005, .005);
		p.mean = gm_data_mean_logit(r);
	}
	return p;
}

static int train(gm_run *r)
{
	bool points = gm_run_facts(r)->points;
	gm_opt_auto(r, "net", points ? "mlp" : "paper");
	bool paper = gm_opt_choice(r, "net") == 0;
	gm_opt_autos(r, points ? "nz=2 width=128" : "nz=100 width=512");
	gm_opt_autos(r, points ? "optimiser=adam lr=1e-3" : "optimiser=adam lr=2e-4");
	if (paper)
		gm_opt_autos(
			r,
			"optimiser=sgd lr=.1 momentum=0.5:0.7:250 rate=exponential:1.000004:1e-6");

	nets p = make_nets(r, paper);
	gm_net *G = gm_net_new(r, "G", .init = paper ? p.last_g : GM_HE_UNIFORM(points ? 0 : .2));
	gm_net *D = gm_net_new(r, "D", .init = paper ? p.last_d : GM_HE_UNIFORM(points ? 0 : .2));
	gm_game game = gm_opt_game(r, G, D);
	gm_node *x = gm_batch(r, paper ? "image" : "example");
	gm_node *flat = gm_reshape(x, GM_SHAPE(-1, p.numel));
	gm_node *z = gm_noise(r, "z", paper ? GM_LATENT_UNIFORM : GM_LATENT_NORMAL,
	                      gm_opt_int(r, "batch"), gm_opt_int(r, "nz"));
	game.generator = generator, game.discriminator = discriminator, game.ctx = &p;
	game.real.x = paper ? gm_unit(flat) : flat, game.fake.x = z;
	gm_run_game(r, &game);
	gm_node *drawn = paper ? gm_signed(game.generated) : game.generated;
	gm_endpoint(r, "generate", gm_reshape(drawn, gm_node_shape(x)), z);
	gm_endpoint(r, "discriminate", game.y_real, x);
	gm_turn turn = gm_play(r, &game, .loss_d = paper ? gm_mul_c(game.loss_d, .5) : NULL,
	                       .together = paper);
	while (gm_next(r)) /* for number of training iterations */
		gm_run_turn(r, &turn);
	return gm_end(r);
}

const gm_model gm_model_gan = {"gan", "Generative adversarial nets (Goodfellow et al. 2014)",
                               "arXiv:1406.2661", options, train};
