/* SPDX-License-Identifier: MIT
 *
 * aae.c -- Makhzani, Shlens, Jaitly, Goodfellow & Frey, "Adversarial autoencoders", ICLR workshop
 * 2016, arXiv:1511.05644, section 2, with labels as in 2.3, and MNIST as in appendix A.1 and
 * github.com/1henrypage/adversarial-autoencoders. The authors have published no code.
 *
 * D discriminates codes from samples of a prior, and the encoder E makes it fail, so that samples
 * of the prior decode to examples. On each minibatch in turn: E and the decoder P minimise the
 * Euclidean cost |x - P(E(x))|^2 / 2; D learns; E minimises -log D(E(x)). Two relu layers of 1000
 * in every net, codes linear, pixels in [0,1] by a sigmoid, weights N(0, .01). SGD: rate .01 and
 * momentum .9 for the reconstruction, .1 and .1 for the game, a tenth of both from epoch 50 on and
 * a hundredth from 1000 on; batch 100. E has a momentum for each loss. Priors: N(0, 5^2) in 8
 * dimensions; in the plane a mixture of normals or a swiss roll. With --label-aware, D also reads a
 * one-hot vector of K+1 classes: for labelled examples their class, and real codes are from its
 * component or part of the roll; for others the last class and the whole prior.
 *
 * Differs: the program above takes the mean of squares over pixels: a gradient 784/2 times smaller,
 * with which codes contain nothing after ten epochs.
 */
#include "ganymede/model.h"
#define SMALL .init = GM_NORMAL(0, .01)

static const gm_option options[] = {
	{"batch", "100", "minibatch size m"},
	{"prior", "gaussian", "distribution of codes", GM_CHOICE("gaussian|mixture|swiss-roll")},
	{"nz", "auto", "dimensions of a code; auto: 8, in the plane 2", GM_INT(1, 65536)},
	{"sigma", "5", "standard deviation", GM_REAL(1e-6, 1e6), .only = "prior=gaussian"},
	{"label-aware", "no", "D gets the classes of labelled examples", GM_FLAG,
         .only = "prior=mixture|swiss-roll"},
	{"labels-per-class", "1000", "labelled examples of each class; 0: all", GM_INT(0, 1 << 20),
         .only = "label-aware"},
	{"layers", "2", "hidden layers of each net", GM_INT(1, 16)},
	{"width", "1000", "units in each", GM_INT(1, 65536)},
	{"lr-recon", "0.01", "rate of the reconstruction", GM_REAL(0, 1e30), .resume = true},
	{"momentum-recon", "0.9", "its momentum", GM_CHECKED(gm_check_momentum), .resume = true,
         .only = "optimiser=sgd"},
	{"momentum", "0.1", "momentum of the game", GM_CHECKED(gm_check_momentum), .resume = true},
	GM_OPTIMISER_OPTIONS("sgd", "0.1", "0.5", "drops:50:1000"),
	GM_GAME_OPTIONS("non-saturating", "none", "none"),
	{0},
};

enum { GAUSSIAN, MIXTURE, SWISS_ROLL };

typedef struct prior {
	int kind;
	int64_t nz, parts; /* components of the mixture, or parts of the roll: one for each class */
	double sigma;
} prior;

/* Codes [m,nz] from noise e: normal [m,nz], for the roll uniform [m,1] in [0,1]; part: one-hot
 * [m,parts], the component or the part of the roll, or NULL. */
static gm_node *draw(const prior *p, gm_node *e, gm_node *part)
{
	return p->kind == MIXTURE      ? gm_prior_mixture(e, part)
	       : p->kind == SWISS_ROLL ? gm_prior_swiss_roll(e, part)
	                               : gm_mul_c(e, p->sigma);
}

/* codes [m,nz] and classes [m,K+1] (or NULL) to logits [m,1] */
static gm_node *discriminator(void *ctx, gm_net *D, gm_node *z, gm_node *with)
{
	return gm_mlp_net(D, with ? GM_CONCAT(1, z, with) : z, ctx, "y", 1);
}

/* Labelled examples in the game: their codes, codes of their part of the prior, and classes. */
static void add_labelled(gm_run *r, gm_game *game, const prior *p, gm_net *E)
{
	gm_stream *few =
		gm_stream_open(r, "labelled", .per_class = gm_opt_int(r, "labels-per-class"));
	gm_node *x = gm_example_rows(r, gm_stream_batch(few, "example")),
		*y = gm_stream_batch(few, "label");
	const int64_t m = gm_node_shape(y).dim[0], k = p->parts;
	gm_graph *g = gm_run_graph(r);
	if (p->kind == GAUSSIAN)
		gm_run_error(r, "--label-aware needs --prior mixture or swiss-roll");
	gm_node *e =
		p->kind == SWISS_ROLL ? gm_uniform(g, GM_SHAPE(m, 1)) : gm_randn(g, GM_SHAPE(m, 2));
	gm_node *rest = gm_one_hot(gm_cast(gm_full(g, (double)k, GM_SHAPE(m)), GM_I32), k + 1);
	game->real.x = GM_CONCAT(0, game->real.x, draw(p, e, gm_one_hot(y, k)));
	game->fake.x = GM_CONCAT(0, game->fake.x, gm_mlp_net(E, x, game->ctx, "z", p->nz));
	game->real.with = game->fake.with = GM_CONCAT(0, rest, gm_one_hot(y, k + 1));
}

static int train(gm_run *r)
{
	const gm_facts *data = gm_run_facts(r);
	const int64_t m = gm_opt_int(r, "batch");
	prior p = {.kind = gm_opt_choice(r, "prior"), .sigma = gm_opt_real(r, "sigma")};
	gm_opt_auto(r, "nz", p.kind == GAUSSIAN ? "8" : "2");
	p.nz = gm_opt_int(r, "nz"), p.parts = data->classes > 0 ? data->classes : 10;
	if (p.kind != GAUSSIAN && p.nz != 2)
		gm_run_error(r, "this prior lies in the plane: --nz 2, or --prior gaussian");
	gm_mlp body = {(int)gm_opt_int(r, "layers"), gm_opt_int(r, "width"), GM_RELU};
	gm_net *E = gm_net_new(r, "E", SMALL), *P = gm_net_new(r, "P", SMALL),
	       *D = gm_net_new(r, "D", SMALL);
	gm_game game = gm_opt_game(r, E, D);
	gm_node *example = gm_batch(r, "example"), *from[2];
	gm_node *x = gm_example_rows(r, example), *code = gm_mlp_net(E, x, &body, "z", p.nz);
	from[0] = gm_noise(r, "z", p.kind == SWISS_ROLL ? GM_LATENT_UNIFORM : GM_LATENT_NORMAL, m,
	                   p.kind == SWISS_ROLL ? 1 : p.nz);
	from[1] = p.kind == MIXTURE ? gm_noise(r, "c1", GM_LATENT_ONE_HOT, m, p.parts) : NULL;
	gm_node *z = draw(&p, p.kind == SWISS_ROLL ? gm_unit(from[0]) : from[0], from[1]);
	gm_node *back = gm_mlp_net(P, code, &body, "x", data->numel),
		*made = gm_mlp_net(P, z, &body, "x", data->numel);
	if (!data->points)
		back = gm_sigmoid(back), made = gm_sigmoid(made);
	gm_node *error = gm_logged(r, "recon", gm_squared_error(back, x));
	gm_node *cost = gm_mul_c(error, (double)data->numel / 2);
	game.discriminator = discriminator, game.ctx = &body;
	game.real.x = z, game.fake.x = code;
	if (gm_opt_flag(r, "label-aware"))
		add_labelled(r, &game, &p, E);
	gm_run_game(r, &game);
	made = gm_rows_example(r, made);
	gm_node *spread = gm_sqrt(gm_mean_all(gm_variance(code, GM_AXES(0), true)));
	gm_endpoint_nodes(r, "generate", made, from, 1 + (p.kind == MIXTURE));
	gm_endpoint(r, "decode", made, z);
	gm_endpoint(r, "encode", code, example);
	gm_endpoint(r, "reconstruct", gm_rows_example(r, back), example);
	gm_turn turn = gm_play(r, &game, .g = {gm_logged(r, "code_spread", spread)},
	                       .before = {error, gm_move(r, E, cost, .which = "recon"),
	                                  gm_move(r, P, cost, .which = "recon", .average = true)});
	while (gm_next(r)) /* for each minibatch */
		gm_run_turn(r, &turn);
	return gm_end(r);
}

const gm_model gm_model_aae = {"aae", "Adversarial autoencoder (Makhzani et al. 2016)",
                               "arXiv:1511.05644", options, train};
