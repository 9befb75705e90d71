/* SPDX-License-Identifier: MIT
 *
 * gan.c -- Goodfellow, Pouget-Abadie, Mirza, Xu, Warde-Farley, Ozair, Courville & Bengio,
 * "Generative adversarial nets", NIPS 2014, arXiv:1406.2661.
 *
 * --net paper: the published MNIST setting, from the authors' configuration
 * (github.com/goodfeli/adversarial, mnist.yaml and __init__.py; rules of Pylearn2's SGD,
 * Momentum, ExponentialDecay and MomentumAdjustor). z: 100 uniform numbers of variance 1. G:
 * 1200 relu, 1200 relu, sigmoid; weights U(-.05, .05); last bias: the logit of each pixel's
 * mean. D: 240 maxout units of 5 pieces, twice, sigmoid; weights U(-.005, .005); every layer of
 * D drops inputs (keeping .8 of the picture, .5 of the rest, both scaled to the mean), also
 * while G learns. J_D = half the sum of its two cross-entropies, J_G = -E log D(G(z)). Both move
 * at the same time on the same fakes, by SGD: rate .1 / 1.000004^t, not below 1e-6; momentum
 * from .5, linear from epoch 1 to .7 at epoch 250. Batch 100. No column norm is constrained (the
 * authors do so for TFD only). Differs: the authors train on the first 50,000 of MNIST's
 * training set, this on whatever --data holds; other --objective rows are at hand; a picture of
 * any size and number of channels will do.
 *
 * --net mlp: what most tutorials build. z normal; G and D of `layers` hidden layers of `width`, leaky
 * relu .2, no dropout; D moves, then G, each on its own fakes, by Adam 2e-4 with beta1 .5.
 * Points are learned by the same nets with plain relu in both, 128 wide, rate 1e-3, and no
 * squashing at the end of G.
 */
#include "ganymede/model.h"

static const gm_option options[] = {
	{"net", "auto",
         "paper (maxout discriminator, dropout, SGD), mlp (leaky relu, Adam); auto: mlp for "
         "points",
         GM_CHOICE("paper|mlp")},
	{"batch", "100", "minibatch size m"},
	{"nz", "auto", "numbers in z; auto: 100, for points 2", GM_INT(1, 65536)},
	{"width", "auto", "hidden units of each mlp layer; auto: 512, for points 128",
         GM_INT(1, 65536)},
	{"layers", "2", "hidden layers of each mlp", GM_INT(1, 64)},
	{"lr", "auto", "learning rate; auto: .1 (paper), 2e-4 (mlp), 1e-3 (points)",
         GM_REAL(0, 1e30), .resume = true},
	{"momentum", "auto", "sgd: momentum; auto: 0.5:0.7:250 (paper)",
         GM_CHECKED(gm_check_momentum), .resume = true},
	GM_OPTIMISER_OPTIONS("auto", "auto", "0.5", "auto"),
	GM_GAME_OPTIONS("non-saturating", "none", "none"),
	{0},
};

/* z [m,nz] to an example [m,numel] in [-1,1]; b: the logits of the mean picture, or NULL */
static gm_node *paper_generator(gm_net *G, gm_node *z, int64_t numel, const double *b)
{
	gm_node *h = gm_relu(gm_linear(G, "h0", z, .out = 1200, .init = GM_UNIFORM(-.05, .05)));
	h = gm_relu(gm_linear(G, "h1", h, .out = 1200, .init = GM_UNIFORM(-.05, .05)));
	h = gm_linear(G, "y", h, .out = numel, .init = GM_UNIFORM(-.05, .05), .bias = GM_GIVEN(b));
	return gm_sigmoid(h);
}

/* x [m,numel] in [0,1] to logits [m,1] */
static gm_node *paper_discriminator(void *ctx, gm_net *D, gm_node *x, gm_node *given)
{
	(void)ctx, (void)given;
	gm_node *h = gm_dropout(x, .keep = .8);
	h = gm_dropout(
		gm_maxout(D, "h0", h, .out = 240, .pieces = 5, .init = GM_UNIFORM(-.005, .005)),
		.keep = .5);
	h = gm_dropout(
		gm_maxout(D, "h1", h, .out = 240, .pieces = 5, .init = GM_UNIFORM(-.005, .005)),
		.keep = .5);
	return gm_linear(D, "y", gm_features(D, h), .out = 1, .init = GM_UNIFORM(-.005, .005));
}

static int train_paper(gm_run *r)
{
	gm_graph *g = gm_run_graph(r);
	const gm_facts *data = gm_run_facts(r);
	int64_t m = gm_opt_int(r, "batch"), nz = gm_opt_int(r, "nz");
	gm_net *G = gm_net_new(r, "G"), *D = gm_net_new(r, "D");
	gm_game game = gm_opt_game(r, G, D);
	if (gm_net_centres(G) || gm_net_centres(D))
		gm_trouble(r,
		           "--net paper has no place for a normaliser between its layers: weight "
		           "and spectral act on weights, or take --net mlp");

	/* U(-sqrt 3, sqrt 3) has variance 1. The nets see pixels in [0,1]. */
	gm_node *u = gm_mul_c(gm_add_c(gm_uniform(g, GM_SHAPE(m, nz)), -.5), 2);
	gm_node *z = gm_latent(r, "z", u, GM_LATENT_UNIFORM);
	gm_node *x = gm_reshape(gm_batch(r, "image"), GM_SHAPE(m, data->numel));
	gm_node *real = gm_mul_c(gm_add_c(x, 1), .5);
	gm_node *fake = paper_generator(G, gm_mul_c(z, 1.7320508075688772), data->numel,
	                                gm_data_mean_logit(r));
	gm_node *picture = gm_reshape(gm_add_c(gm_mul_c(fake, 2), -1),
	                              GM_SHAPE(m, data->channels, data->height, data->width));
	game.discriminator = paper_discriminator, game.real = real, game.fake = fake;
	gm_run_game(r, &game);
	gm_node *loss_d = gm_mul_c(game.loss_d, .5), *loss_g = game.loss_g;

	gm_endpoint(r, "generate", picture, z);
	gm_endpoint(r, "discriminate", game.y_real, x);

	gm_step *step =
		gm_run_compile(r, gm_logged(r, "loss_d", loss_d), gm_logged(r, "loss_g", loss_g),
	                       gm_move(r, D, loss_d, .which = "d", .clip_weights = game.clip),
	                       gm_move(r, G, loss_g, .average = true));
	while (gm_next(r)) {
		gm_feed(r);
		gm_run_step(r, step);
	}
	return gm_end(r);
}

typedef struct mlp {
	gm_run *r;
	int64_t numel, width;
	int layers;
	bool points;
	int64_t references; /* rows of virtual batch norm's reference batch */
} mlp;

static gm_node *mlp_layers(const mlp *p, gm_net *n, gm_node *x)
{
	double slope = p->points ? 0 : .2;
	for (int i = 0; i < p->layers; i++) {
		const char *name = gm_name(p->r, "h%d", i);
		x = gm_linear(n, name, x, .out = p->width, .init = GM_HE_UNIFORM(slope));
		x = gm_leaky_relu(gm_norm(n, gm_name(p->r, "%s/norm", name), x), slope);
	}
	return x;
}

/* z [m,nz] to an example [m,numel] */
static gm_node *mlp_generator(const mlp *p, gm_net *G, gm_node *z)
{
	gm_node *h = gm_net_with_reference(G, z, NULL, p->references);
	h = mlp_layers(p, G, h);
	h = gm_net_without_reference(G, gm_linear(G, "y", h, .out = p->numel));
	return p->points ? h : gm_tanh(h);
}

/* x [m,..] to logits [m,1] */
static gm_node *mlp_discriminator(void *ctx, gm_net *D, gm_node *x, gm_node *given)
{
	(void)given;
	const mlp *p = ctx;
	gm_node *h = mlp_layers(p, D, x);
	return gm_linear(D, "y", gm_features(D, h), .out = 1);
}

static int train_mlp(gm_run *r)
{
	gm_graph *g = gm_run_graph(r);
	const gm_facts *data = gm_run_facts(r);
	bool points = data->points;
	int64_t m = gm_opt_int(r, "batch"), nz = gm_opt_int(r, "nz");
	gm_net *G = gm_net_new(r, "G"), *D = gm_net_new(r, "D");
	gm_game game = gm_opt_game(r, G, D);
	mlp p = {r,      data->numel,    gm_opt_int(r, "width"), (int)gm_opt_int(r, "layers"),
	         points, game.references};

	gm_node *x = gm_batch(r, "example"), *z = gm_randn(g, GM_SHAPE(m, nz));
	gm_node *fake = gm_reshape(mlp_generator(&p, G, z), gm_node_shape(x));
	game.discriminator = mlp_discriminator, game.ctx = &p, game.real = x, game.fake = fake;
	gm_run_game(r, &game);
	gm_endpoint(r, "generate", fake, z);
	gm_endpoint(r, "discriminate", game.y_real, x);

	gm_step *step_d =
		gm_run_compile(r, gm_logged(r, "loss_d", game.loss_d),
	                       gm_move(r, D, game.loss_d, .which = "d", .clip_weights = game.clip));
	gm_step *step_g = gm_run_compile(r, gm_logged(r, "loss_g", game.loss_g),
	                                 gm_move(r, G, game.loss_g, .average = true));
	while (gm_next(r)) {
		for (int i = 0; i < game.k; i++) {
			gm_feed(r);
			gm_run_step(r, step_d);
		}
		for (int i = 0; i < game.k_g; i++)
			gm_run_step(r, step_g);
	}
	return gm_end(r);
}

static int train(gm_run *r)
{
	bool points = gm_run_facts(r)->points;
	gm_opt_auto(r, "net", points ? "mlp" : "paper");
	bool paper = gm_opt_choice(r, "net") == 0;
	gm_opt_auto(r, "nz", points ? "2" : "100");
	gm_opt_auto(r, "width", points ? "128" : "512");
	gm_opt_auto(r, "optimiser", paper ? "sgd" : "adam");
	gm_opt_auto(r, "lr", paper ? ".1" : points ? "1e-3" : "2e-4");
	gm_opt_auto(r, "momentum", paper ? "0.5:0.7:250" : "0");
	gm_opt_auto(r, "rate", paper ? "exponential:1.000004:1e-6" : "constant");
	return paper ? train_paper(r) : train_mlp(r);
}

const gm_model gm_model_gan = {"gan", "Generative adversarial nets (Goodfellow et al. 2014)",
                               "arXiv:1406.2661", options, train};
