/* SPDX-License-Identifier: MIT
 *
 * cgan.c -- Mirza & Osindero, "Conditional generative adversarial nets", arXiv:1411.1784, and two
 * later ways of telling D what it should see. x: a picture, y: its label, z: noise. Each row of a
 * batch has one y for the real and the generated picture, so that a mix of both has it too.
 *
 * --net paper: section 4.1. G: z, uniform on the unit cube, to 200 relu, y (one-hot) to 1000 relu,
 * both to 1200 relu, sigmoid. D: x to 240 maxout units of 5 pieces, y to 50 of 5, both to 240 of
 * 4, sigmoid. Dropout .5 in G and D. SGD, batch 100, rate .1 divided by 1.00004 each step down to
 * 1e-6, momentum .5 growing to .7. The paper gives no initial values, no J_D and no places of
 * dropout: weights, last bias, the half in J_D and the epochs of the momentum are those of the
 * authors' GAN (gan.c); dropout is on what hidden layers give, and off in inference. The paper
 * stops by the likelihood of a validation set; this at --epochs.
 *
 * --net dcgan: the nets of dcgan.c. G reads z beside an embedding of y. Adam. D, then G, each on
 * fakes of its own.
 *
 * How D learns of y:
 *   --condition concat      beside x: in the paper's net as above; in dcgan's, an embedding of y
 *                           with the sides of the picture is one more channel
 *   --condition projection  Miyato & Koyama, ICLR 2018, arXiv:1802.05637, eq. 6: the logit is
 *                           psi(h) + <V_y, h>, h D's last hidden layer. Differs: h is flat, not
 *                           summed over places, and G is told of y at its input, not by its norms
 *   --condition auxiliary   AC-GAN, Odena, Olah & Shlens, ICML 2017, arXiv:1610.09585: D is not
 *                           told; a second head on h must find y, and both players want it found,
 *                           L_C = E[-log P(y|x)] of real and of generated pictures. Differs: nets
 */
#include "ganymede/model.h"

static const gm_option options[] = {
	{"net", "dcgan", "paper (maxout D, dropout, SGD), dcgan (convolutions, Adam)",
         GM_CHOICE("paper|dcgan")},
	{"condition", "concat",
         "how D learns of labels: concat (beside the picture), projection, auxiliary (D must name "
         "them)",
         GM_CHOICE("concat|projection|auxiliary")},
	{"aux-weight", "1", "auxiliary: weight of naming the label in both losses",
         GM_REAL(0, 1e6)},
	{"batch", "100", "minibatch size m"},
	{"nz", "100", "numbers in z", GM_INT(1, 65536)},
	{"embed", "50", "numbers in G's embedding of a label (dcgan)", GM_INT(1, 65536)},
	{"width", "64", "channels of the largest map (dcgan)", GM_INT(1, 4096)},
	{"kernel", "4", "side of every kernel (dcgan)", GM_INT(2, 9)},
	{"lr", "auto", "learning rate; auto: .1 (paper), 2e-4 (dcgan)", GM_REAL(0, 1e30),
         .resume = true},
	{"momentum", "auto", "sgd: momentum; auto: 0.5:0.7:250 (paper)",
         GM_CHECKED(gm_check_momentum), .resume = true},
	GM_OPTIMISER_OPTIONS("auto", "auto", "0.5", "auto"),
	GM_GAME_OPTIONS("non-saturating", "auto", "auto"),
	{0},
};

enum { PAPER, DCGAN };
enum { CONCAT, PROJECTION, AUXILIARY };

typedef struct plan {
	int net, condition;
	int64_t classes, embed;
	gm_dcgan body;
	int64_t numel;
	const double *mean;      /* paper: the logits of the mean picture, or NULL */
	int64_t references;      /* rows of virtual batch norm's reference batch */
	const double *ref_label; /* and their labels, or NULL */
	gm_init init;            /* of D's last layer */
} plan;

/* ---- the paper's nets ------------------------------------------------------------------------ */

/* z [m,nz] in [-1,1], y i32 [m] to pixels [m,numel] in (0,1) */
static gm_node *paper_generator(const plan *p, gm_net *G, gm_node *z, gm_node *y)
{
	gm_init init = GM_UNIFORM(-.05, .05);
	y = gm_one_hot(y, p->classes);
	z = gm_mul_c(gm_add_c(z, 1), .5); /* the unit cube */
	gm_node *hz = gm_dropout(gm_relu(gm_linear(G, "z", z, .out = 200, .init = init)));
	gm_node *hy = gm_dropout(gm_relu(gm_linear(G, "y", y, .out = 1000, .init = init)));
	gm_node *h = gm_linear(G, "h", GM_CONCAT(1, hz, hy), .out = 1200, .init = init);
	return gm_sigmoid(gm_linear(G, "x", gm_dropout(gm_relu(h)), .out = p->numel, .init = init,
	                            .bias = GM_GIVEN(p->mean)));
}

/* x [m,numel] in [0,1] to D's last hidden layer [m,240] */
static gm_node *paper_body(const plan *p, gm_net *D, gm_node *x, gm_node *y)
{
	gm_init init = GM_UNIFORM(-.005, .005);
	gm_node *h = gm_dropout(gm_maxout(D, "x", x, .out = 240, .pieces = 5, .init = init));
	if (p->condition == CONCAT) {
		y = gm_one_hot(y, p->classes);
		y = gm_maxout(D, "y", y, .out = 50, .pieces = 5, .init = init);
		h = GM_CONCAT(1, h, gm_dropout(y));
	}
	return gm_dropout(gm_maxout(D, "h", h, .out = 240, .pieces = 4, .init = init));
}

/* ---- DCGAN's ---------------------------------------------------------------------------------- */

/* z [m,nz], y i32 [m] to pictures [m,C,H,W] */
static gm_node *dcgan_generator(const plan *p, gm_net *G, gm_node *z, gm_node *y)
{
	z = gm_net_with_reference(G, z, NULL, p->references);
	y = gm_net_given_reference(G, y, p->ref_label);
	y = gm_embedding(G, "label", y, .rows = p->classes, .dim = p->embed);
	return gm_net_without_reference(G, gm_dcgan_up(&p->body, G, GM_CONCAT(1, z, y)));
}

/* pictures [m,C,H,W] to D's last map */
static gm_node *dcgan_body(const plan *p, gm_net *D, gm_node *x, gm_node *y)
{
	if (p->condition == CONCAT) {
		/* No normaliser of weights here: it bounds how steep D is in x, and y has no
		 * slope. */
		gm_shape map = GM_SHAPE(-1, 1, p->body.height, p->body.width);
		gm_node *table = gm_net_var(D, "label/weight",
		                            GM_SHAPE(p->classes, p->body.height * p->body.width),
		                            .init = GM_NORMAL(0, 1));
		gm_shape s = gm_node_shape(y);
		map.dim[1] = s.rank > 1 ? s.dim[1] : 1; /* packs have several labels */
		x = GM_CONCAT(1, x, gm_reshape(gm_gather(table, y), map));
	}
	return gm_dcgan_down(&p->body, D, x);
}

/* ---- both ------------------------------------------------------------------------------------- */

/* <V_y, h>: [m,1]. Of a pack, V is the sum of its members' (y i32 [m,k]). */
static gm_node *projection(const plan *p, gm_net *D, gm_node *h, gm_node *y)
{
	h = gm_reshape(h, GM_SHAPE(gm_node_shape(h).dim[0], -1));
	gm_node *v = gm_embedding(D, "projection", y, .rows = p->classes,
	                          .dim = gm_node_shape(h).dim[1], .init = p->init);
	if (gm_node_shape(v).rank == 3)
		v = gm_sum(v, GM_AXES(1), false);
	return gm_sum(gm_mul(h, v), GM_AXES(1), true);
}

/* x with its label y to logits [m,1] */
static gm_node *discriminator(void *ctx, gm_net *D, gm_node *x, gm_node *y)
{
	const plan *p = ctx;
	gm_node *h = p->net == PAPER ? paper_body(p, D, x, y) : dcgan_body(p, D, x, y);
	gm_node *logit = gm_linear(D, "logit", gm_features(D, h), .out = 1, .init = p->init,
	                           .no_bias = gm_net_centres(D));
	return p->condition == PROJECTION ? gm_add(logit, projection(p, D, h, y)) : logit;
}

/* Adds L_C to both losses; gives the logits of classes for real pictures. */
static gm_node *auxiliary(gm_run *r, const plan *p, gm_game *game, gm_node *y, double weight)
{
	if (game->pack > 1)
		gm_trouble(r, "--condition auxiliary names the label of one example, and packs "
		              "hold several: take --pack 1, or --condition concat");
	if (game->pack > 1 || game->refusal)
		return game->y_real;
	gm_node *real =
		gm_linear(game->D, "class", game->f_real, .out = p->classes, .init = p->init);
	gm_node *fake =
		gm_linear(game->D, "class", game->f_fake, .out = p->classes, .init = p->init);
	gm_node *c_real = gm_mean_all(gm_softmax_xent(real, y));
	gm_node *c_fake = gm_mean_all(gm_softmax_xent(fake, y));
	game->loss_d = gm_add(game->loss_d, gm_mul_c(gm_add(c_real, c_fake), weight));
	game->loss_g = gm_add(game->loss_g, gm_mul_c(c_fake, weight));
	return real;
}

static plan make_plan(gm_run *r, int net)
{
	const gm_facts *data = gm_run_facts(r);
	plan p = {.net = net,
	          .condition = gm_opt_choice(r, "condition"),
	          .classes = data->classes,
	          .embed = gm_opt_int(r, "embed"),
	          .numel = data->numel,
	          .init = net == PAPER ? GM_UNIFORM(-.005, .005) : GM_NORMAL(0, .02),
	          .body = {.channels = data->channels,
	                   .height = data->height,
	                   .width = data->width,
	                   .std = .02,
	                   .filters = gm_opt_int(r, "width"),
	                   .kernel = (int)gm_opt_int(r, "kernel")}};
	if (net == PAPER)
		p.mean = gm_data_mean_logit(r);
	else if (!gm_dcgan_fit(&p.body))
		gm_trouble(r,
		           "--net dcgan needs pictures whose sides halve at least once down to 4 "
		           "or more; these are %dx%d: try --size 32, or --net paper",
		           (int)data->width, (int)data->height);
	return p;
}

static int train(gm_run *r)
{
	gm_graph *g = gm_run_graph(r);
	const gm_facts *data = gm_run_facts(r);
	int net = gm_opt_choice(r, "net");
	gm_opt_auto(r, "normalise-g", net == PAPER ? "none" : "batch");
	gm_opt_auto(r, "normalise-d", net == PAPER ? "none" : "batch");
	gm_opt_auto(r, "optimiser", net == PAPER ? "sgd" : "adam");
	gm_opt_auto(r, "lr", net == PAPER ? ".1" : "2e-4");
	gm_opt_auto(r, "momentum", net == PAPER ? "0.5:0.7:250" : "0");
	gm_opt_auto(r, "rate", net == PAPER ? "exponential:1.00004:1e-6" : "constant");
	int64_t m = gm_opt_int(r, "batch"), nz = gm_opt_int(r, "nz");
	double weight = gm_opt_real(r, "aux-weight");
	gm_net *G = gm_net_new(r, "G"), *D = gm_net_new(r, "D");
	gm_game game = gm_opt_game(r, G, D);
	if (net == PAPER && (gm_net_centres(G) || gm_net_centres(D)))
		gm_trouble(r, "--net paper has no place for a normaliser between its layers: "
		              "weight and spectral act on weights, or take --net dcgan");
	gm_node *x = gm_batch(r, "image"), *y = gm_batch(r, "label"), *fake;
	plan p = make_plan(r, net);
	p.references = game.references, p.ref_label = gm_data_labels(r, p.references);

	gm_node *z = gm_randn(g, GM_SHAPE(m, nz));
	if (net == PAPER)
		z = gm_latent(r, "z", gm_add_c(gm_mul_c(gm_uniform(g, GM_SHAPE(m, nz)), 2), -1),
		              GM_LATENT_UNIFORM);
	game.discriminator = discriminator, game.ctx = &p;
	game.given = p.condition == AUXILIARY ? NULL : y;
	if (net == PAPER) { /* its nets see flat pixels in [0,1] */
		game.real = gm_mul_c(gm_add_c(gm_reshape(x, GM_SHAPE(m, p.numel)), 1), .5);
		game.fake = paper_generator(&p, G, z, y);
		fake = gm_reshape(gm_add_c(gm_mul_c(game.fake, 2), -1),
		                  GM_SHAPE(m, data->channels, data->height, data->width));
	} else {
		game.real = x, game.fake = fake = dcgan_generator(&p, G, z, y);
	}
	gm_run_game(r, &game);
	if (p.condition == AUXILIARY)
		gm_endpoint(r, "classify", auxiliary(r, &p, &game, y, weight), x);
	gm_node *loss_d = game.loss_d, *loss_g = game.loss_g;

	gm_endpoint(r, "generate", fake, z, y);
	if (p.condition == AUXILIARY)
		gm_endpoint(r, "discriminate", game.y_real, x);
	else
		gm_endpoint(r, "discriminate", game.y_real, x, y);

	if (net == PAPER)
		loss_d = gm_mul_c(loss_d, .5);
	gm_step *step_d =
		gm_run_compile(r, gm_logged(r, "loss_d", loss_d),
	                       gm_move(r, D, loss_d, .which = "d", .clip_weights = game.clip));
	gm_step *step_g = gm_run_compile(r, gm_logged(r, "loss_g", loss_g),
	                                 gm_move(r, G, loss_g, .average = true));

	while (gm_next(r)) {
		for (int i = 0; i < game.k; i++) {
			gm_feed(r);             /* sample minibatch {(x1,y1)..(xm,ym)} from data */
			gm_run_step(r, step_d); /* update D by its stochastic gradient */
		}
		for (int i = 0; i < game.k_g; i++)
			gm_run_step(r, step_g); /* update G, which is asked for the same labels */
	}
	return gm_end(r);
}

const gm_model gm_model_cgan = {"cgan", "Conditional GAN (Mirza & Osindero 2014)",
                                "arXiv:1411.1784", options, train};
