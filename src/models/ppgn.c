/* SPDX-License-Identifier: MIT
 *
 * ppgn.c -- plug & play generative networks, noiseless joint PPGN-h: Nguyen, Clune, Bengio,
 * Dosovitskiy & Yosinski, CVPR 2017, arXiv:1612.00005; chains as in
 * github.com/Evolving-AI-Lab/ppgn, sampling_class.py.
 *
 * E is the features of a trained classifier (--encoder). G learns to invert it: images x from their
 * codes h = E(x), by |x - G(h)|^2, |h - E(G(h))|^2 and a discriminator. So E(G(h)) - h is a
 * denoising autoencoder's step, which leads codes back to those of images. A condition, here a
 * second classifier C (--condition), is plugged in afterwards. Each turn of a chain:
 *
 *	d = eps1 (E(G(h)) - h) + eps2 (1 - p_c) d logit_c(G(h)) / dh + eps3 N(0,1)
 *	h = h + rate d / mean |d|, clipped to 0 and the largest code of an image
 *
 * With eps1 0 this is DGN-AM, the ascent without prior. Only ratios of the epsilons matter (in the
 * paper's equation 5 the step is not normalised). (1 - p_c) d logit_c is not the gradient of log
 * p_c: --gradient softmax is. "complete": the known pixels are put into G(h) before E and C see it,
 * eps4 times the gradient of -|x - G(h)|^2 / 2 in them is added to d, and the rate falls to 0.
 *
 * Differs: E and C are small classifiers instead of CaffeNet, and one layer of E instead of two is
 * compared; G and D are DCGAN's, without normalisation; rate and clip follow the codes (1 and 30 in
 * the released code). The training was not released: the weights of the losses are ours.
 */
#include "ganymede/model.h"

static const gm_option options[] = {
	{"encoder", "", "run of a classifier whose features are the codes", GM_PATH},
	{"condition", "", "run of a classifier of the classes to draw, or of a text-encoder",
         GM_PATH},
	{"width", "32", "channels of the largest maps of G and D", GM_INT(1, 4096)},
	{"kernel", "4", "side of every kernel", GM_INT(2, 9)},
	{"code-loss", "1", "weight of the loss of codes", GM_REAL(0, 1e9)},
	{"adversarial", "0.01", "weight of the adversarial loss", GM_REAL(0, 1e9)},
	{"chain", "200", "turns of a chain", GM_INT(1, 1 << 20)},
	{"chain-rate", "0", "change of a turn; 0: a 30th of the largest code", GM_REAL(0, 1e9)},
	{"eps1", "1e-5", "weight of the prior: E(G(h)) - h", GM_REAL(0, 1e9)},
	{"eps2", "1", "weight of the condition", GM_REAL(0, 1e9)},
	{"eps3", "1e-17", "weight of the noise", GM_REAL(0, 1e9)},
	{"eps4", "1e-9", "complete: weight of the known pixels", GM_REAL(0, 1e9)},
	{"gradient", "released", "of the condition", GM_CHOICE("released|softmax")},
	GM_OPTIMISER_OPTIONS("adam", "2e-4", "0.5", "constant"),
	GM_GAME_OPTIONS("non-saturating", "none", "none"),
	{0},
};

typedef struct chain {
	gm_net *G;
	const gm_dcgan *nets;
	gm_node *start, *wanted, *largest; /* class or caption; of all codes */
	gm_node *image, *hidden;           /* of "complete", or NULL */
} chain;

static gm_process run_chain(gm_run *r, const chain *a, const char *name)
{
	const gm_shape s = gm_node_shape(a->start);
	gm_node *h = gm_process_state(r, name, s, GM_F32), *zero = gm_scalar(gm_run_graph(r), 0);
	gm_node *drawn = gm_dcgan_up(a->nets, a->G, h), *to_known;
	gm_clone(&drawn, 1, &(gm_clone_options){.infer = true}, &drawn);
	gm_node *x = a->image ? gm_select(a->hidden, drawn, a->image) : drawn;
	gm_node *toward =
		gm_toward(r, "condition", x, a->wanted, h, gm_opt_choice(r, "gradient") == 0);
	gm_node *code = gm_import(r, "encoder", GM_ENDPOINT_FEATURES, &x, 1);
	gm_node *d = gm_add(gm_mul_c(gm_sub(code, h), gm_opt_real(r, "eps1")),
	                    gm_mul_c(toward, gm_opt_real(r, "eps2")));
	gm_node *rate = gm_mul_c(a->largest, 1. / 30);
	if (gm_opt_real(r, "chain-rate") > 0)
		rate = gm_scalar(gm_run_graph(r), gm_opt_real(r, "chain-rate"));
	if (a->image) {
		gm_node *error = gm_select(a->hidden, zero, gm_sub(a->image, drawn));
		gm_grad(gm_mul_c(gm_square(error), -.5), &h, 1, &to_known);
		d = gm_add(d, gm_mul_c(to_known, gm_opt_real(r, "eps4")));
		gm_node *done = gm_div(gm_cast(gm_turn_number(r), GM_F32),
		                       gm_cast(gm_turn_count(r), GM_F32));
		rate = gm_mul(rate, gm_reshape(gm_add_c(gm_neg(done), 1), GM_RANK0));
	} else {
		d = gm_add(d, gm_mul_c(gm_randn(gm_run_graph(r), s), gm_opt_real(r, "eps3")));
	}
	gm_node *next = gm_normalised_step(h, d, rate, a->largest);
	return (gm_process){.begin = gm_assign(h, gm_min(gm_max(a->start, zero), a->largest)),
	                    .turn = gm_assign(h, next),
	                    .turns = gm_opt_int(r, "chain"),
	                    .y = x};
}

static int train(gm_run *r)
{
	gm_net *G = gm_net_new(r, "G", GM_DCGAN_STYLE), *D = gm_net_new(r, "D", GM_DCGAN_STYLE);
	gm_node *x = gm_batch(r, "image"), *y = gm_guided_by(r, "condition");
	gm_game game = gm_opt_game(r, G, D);
	gm_dcgan nets = gm_opt_dcgan(r);
	gm_node *h = gm_import(r, "encoder", GM_ENDPOINT_FEATURES, &x, 1);
	gm_node *largest = gm_net_var(G, "largest", GM_RANK0, .role = GM_STAT);
	game.generator = gm_dcgan_generator, game.discriminator = gm_dcgan_discriminator;
	game.ctx = &nets, game.real.x = x, game.fake.x = h;
	gm_run_game(r, &game);
	gm_node *back = gm_import(r, "encoder", GM_ENDPOINT_FEATURES, &game.generated, 1);
	gm_node *mse = gm_squared_error(game.generated, x), *mse_code = gm_squared_error(back, h);
	gm_node *loss_g = gm_add(gm_add(mse, gm_mul_c(mse_code, gm_opt_real(r, "code-loss"))),
	                         gm_mul_c(game.loss_g, gm_opt_real(r, "adversarial")));
	gm_node *cycle = gm_div(gm_mean_all(gm_abs(gm_sub(back, h))), gm_mean_all(gm_abs(h)));

	const gm_shape s = gm_node_shape(h);
	chain c = {.G = G, .nets = &nets, .wanted = y, .largest = largest};
	c.start = gm_noise(r, "z", GM_LATENT_NORMAL, s.dim[0], s.dim[1]);
	gm_process p = run_chain(r, &c, "h");
	gm_endpoint_process(r, GM_ENDPOINT_GENERATE, &p, c.start, y);
	c.image = x, c.hidden = gm_hidden(r);
	gm_node *seen = gm_select(c.hidden, gm_scalar(gm_run_graph(r), 0), x);
	c.start = gm_import(r, "encoder", GM_ENDPOINT_FEATURES, &seen, 1);
	if (gm_node_shape(y).rank == 1) { /* inpaint knows classes of images, not captions */
		p = run_chain(r, &c, "h2");
		gm_endpoint_process(r, GM_ENDPOINT_COMPLETE, &p, x, c.hidden, y);
	}
	gm_node *code = gm_noise(r, "h", GM_LATENT_NORMAL, s.dim[0], s.dim[1]);
	gm_endpoint(r, GM_ENDPOINT_DECODE, gm_dcgan_up(&nets, G, code), code);
	gm_endpoint(r, GM_ENDPOINT_ENCODE, h, x);
	gm_endpoint(r, GM_ENDPOINT_RECONSTRUCT, game.generated, x);
	gm_endpoint(r, GM_ENDPOINT_DISCRIMINATE, game.y_real, x);

	gm_node *widen = gm_assign(largest, gm_max(largest, gm_reduce_max(h, GM_ALL, false)));
	gm_turn turn = gm_play(r, &game, .loss_g = loss_g,
	                       .g = {gm_logged(r, "mse", mse), gm_logged(r, "mse_code", mse_code),
	                             gm_logged(r, "cycle_error", cycle), widen});
	while (gm_next(r)) /* for number of training iterations */
		gm_run_turn(r, &turn);
	return gm_end(r);
}

const gm_model gm_model_ppgn = {"ppgn", "Plug & play generative networks (Nguyen et al. 2017)",
                                "arXiv:1612.00005", options, train};
