/* SPDX-License-Identifier: MIT
 *
 * aae.c -- Makhzani, Shlens, Jaitly, Goodfellow & Frey, "Adversarial autoencoders", ICLR workshop
 * 2016, arXiv:1511.05644. Objective: section 2; priors: section 2.3, figure 4; nets and settings of
 * MNIST: appendix A.1, as in github.com/1henrypage/adversarial-autoencoders; mixture and swiss
 * roll: github.com/musyoku/adversarial-autoencoder. The authors have published no code.
 *
 * D discriminates codes from samples of a prior, and the encoder E makes it fail, so that samples
 * of the prior decode to examples. On each minibatch in turn: E and the decoder P minimise the mean
 * squared error of pixels; D learns codes of E from prior samples; E minimises -log D of its codes.
 * Two relu layers of 1000 in every net, codes linear, pixels in [0,1] by a sigmoid, weights N(0,
 * .01). SGD: rate .01 and momentum .9 for the reconstruction, .1 and .1 for the game, a tenth of
 * both from epoch 50 on and a hundredth from 1000 on; batch 100. E has a momentum for each loss.
 *
 * Priors: N(0, sigma^2), sigma 5, 8 numbers; in the plane ten normals of deviations .5 and .05, 1.4
 * from the centre, like petals; a swiss roll, radius 3 sqrt u, angle 4 pi sqrt u. Differs: the
 * paper does not say whether its squared error is a mean or a sum over pixels; both codes above
 * take the mean. Only the unsupervised part: no labels in D, no classes in E.
 */
#include "ganymede/model.h"

static const gm_option options[] = {
	{"batch", "100", "minibatch size m"},
	{"prior", "gaussian", "what codes shall be distributed as",
         GM_CHOICE("gaussian|mixture|swiss-roll")},
	{"nz", "auto", "numbers in a code; auto: 8, in the plane 2", GM_INT(1, 65536)},
	{"sigma", "5", "gaussian: standard deviation", GM_REAL(1e-6, 1e6)},
	{"components", "10", "mixture: how many", GM_INT(1, 1000)},
	{"layers", "2", "hidden layers of each net", GM_INT(1, 16)},
	{"width", "1000", "units in each", GM_INT(1, 65536)},
	{"lr-recon", "0.01", "learning rate of the reconstruction", GM_REAL(0, 1e30),
         .resume = true},
	{"momentum-recon", "0.9", "its momentum", GM_CHECKED(gm_check_momentum), .resume = true},
	{"momentum", "0.1", "momentum of the game", GM_CHECKED(gm_check_momentum), .resume = true},
	GM_OPTIMISER_OPTIONS("sgd", "0.1", "0.5", "drops:50:1000"),
	GM_GAME_OPTIONS("non-saturating", "none", "none"),
	{0},
};

enum { GAUSSIAN, MIXTURE, SWISS_ROLL };

/* x and y, from radius and angle in the plane, and from what lies across */
static gm_node *in_plane(gm_node *radius, gm_node *across, gm_node *angle)
{
	gm_node *c = gm_cos(angle), *s = gm_sin(angle);
	return GM_CONCAT(1, gm_sub(gm_mul(radius, c), gm_mul(across, s)),
	                 gm_add(gm_mul(radius, s), gm_mul(across, c)));
}

/* Draws of the prior [m,nz], and what they are made of. */
static gm_node *draw(gm_run *r, int prior, int64_t nz, gm_node *from[2])
{
	const double pi = 3.14159265358979324;
	int64_t m = gm_opt_int(r, "batch"), k = gm_opt_int(r, "components");
	gm_graph *g = gm_run_graph(r);
	from[0] = gm_noise(r, "z", prior == SWISS_ROLL ? GM_LATENT_UNIFORM : GM_LATENT_NORMAL, m,
	                   prior == SWISS_ROLL ? 1 : nz);
	if (prior == GAUSSIAN)
		return gm_mul_c(from[0], gm_opt_real(r, "sigma"));
	if (prior == SWISS_ROLL) {
		gm_node *root = gm_sqrt(gm_unit(from[0]));
		return in_plane(gm_mul_c(root, 3), gm_scalar(g, 0), gm_mul_c(root, 4 * pi));
	}
	from[1] = gm_noise(r, "c1", GM_LATENT_ONE_HOT, m, k);
	gm_node *number = gm_reshape(gm_cast(gm_iota(g, k), GM_F32), GM_SHAPE(k, 1));
	gm_node *angle = gm_mul_c(gm_matmul(from[1], number, false, false), 2 * pi / (double)k);
	return in_plane(gm_add_c(gm_mul_c(gm_narrow(from[0], 1, 0, 1), .5), 1.4),
	                gm_mul_c(gm_narrow(from[0], 1, 1, 1), .05), angle);
}

/* codes [m,nz] to logits [m,1] */
static gm_node *discriminator(void *ctx, gm_net *D, gm_node *z, gm_node *with)
{
	(void)with;
	return gm_linear(D, "y", gm_features(D, gm_mlp_body(D, z, ctx)), .out = 1);
}

static int train(gm_run *r)
{
	const gm_facts *data = gm_run_facts(r);
	int prior = gm_opt_choice(r, "prior");
	gm_opt_auto(r, "nz", prior == GAUSSIAN ? "8" : "2");
	int64_t nz = gm_opt_int(r, "nz");
	if (prior != GAUSSIAN && nz != 2)
		gm_run_error(r, "this prior lies in the plane: --nz 2, or --prior gaussian"),
			nz = 2;
	gm_mlp body = {(int)gm_opt_int(r, "layers"), gm_opt_int(r, "width"), GM_RELU};
	gm_net *E = gm_net_new(r, "E", .init = GM_NORMAL(0, .01)),
	       *P = gm_net_new(r, "P", .init = GM_NORMAL(0, .01));
	gm_net *D = gm_net_new(r, "D", .init = GM_NORMAL(0, .01));
	gm_game game = gm_opt_game(r, E, D);
	gm_node *example = gm_batch(r, "example"), *from[2];
	gm_shape s = gm_node_shape(example);
	gm_node *x =
		gm_reshape(data->points ? example : gm_unit(example), GM_SHAPE(-1, data->numel));
	gm_node *code = gm_linear(E, "z", gm_mlp_body(E, x, &body), .out = nz);
	gm_node *z = draw(r, prior, nz, from), *back[2], *shown[2];
	for (int i = 0; i < 2; i++) {
		back[i] =
			gm_linear(P, "x", gm_mlp_body(P, i ? z : code, &body), .out = data->numel);
		back[i] = data->points ? back[i] : gm_sigmoid(back[i]);
		shown[i] = gm_reshape(data->points ? back[i] : gm_signed(back[i]), s);
	}
	gm_node *recon = gm_logged(r, "recon", gm_mean_all(gm_square(gm_sub(back[0], x))));
	game.discriminator = discriminator, game.ctx = &body;
	game.real.x = z, game.fake.x = code;
	gm_run_game(r, &game);
	gm_node *spread = gm_sqrt(gm_mean_all(gm_variance(code, GM_AXES(0), true)));
	gm_endpoint_nodes(r, "generate", shown[1], from, 1 + (prior == MIXTURE));
	gm_endpoint(r, "decode", shown[1], z);
	gm_endpoint(r, "encode", code, example);
	gm_endpoint(r, "reconstruct", shown[0], example);

	gm_turn turn = gm_play(r, &game, .g = {gm_logged(r, "code_spread", spread)},
	                       .before = {recon, gm_move(r, E, recon, .which = "recon"),
	                                  gm_move(r, P, recon, .which = "recon", .average = true)});
	while (gm_next(r)) /* for each minibatch */
		gm_run_turn(r, &turn);
	return gm_end(r);
}

const gm_model gm_model_aae = {"aae", "Adversarial autoencoder (Makhzani et al. 2016)",
                               "arXiv:1511.05644", options, train};
