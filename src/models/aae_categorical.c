/* SPDX-License-Identifier: MIT
 *
 * aae_categorical.c -- Makhzani, Shlens, Jaitly, Goodfellow & Frey, "Adversarial autoencoders",
 * ICLR workshop 2016, arXiv:1511.05644: semi-supervised classification (section 5), clustering
 * (6), without code; losses, noise on D's inputs: github.com/musyoku/adversarial-autoencoder.
 * The code of an example is a class y, the softmax of K logits, and its style z. Two
 * discriminators, of y and one-hot vectors of a uniform class, and of z and N(0, 1), make y
 * categorical and z normal. On each minibatch in turn: E and the decoder P minimise the Euclidean
 * cost |x - P(y, z)|^2 / 2; both D learn; E minimises the sum of its losses in both games; and,
 * semi-supervised, the cross entropy of a minibatch of labelled examples. MNIST: two layers of
 * 1000 relu in each net, 10 style dimensions, N(0, .3) added to E's input; clustering: layers of
 * 3000, 5 style dimensions, a fifth of E's input dropped, batch norm in E. Weights N(0, .01). SGD:
 * learning rate and momentum .01 and .9 for the reconstruction, .1 and .1 for the games, .1 and .9
 * for the labels, a tenth from epoch 50 on, a hundredth from 1000 on; batch 100. Differs: N(0, .3)
 * on D's inputs, without which most clusters become empty.
 */
#include "ganymede/model.h"
#define SMALL .init = GM_NORMAL(0, .01)
#define LABELS .only = "task=semi-supervised"
#define MOMENTUM GM_CHECKED(gm_check_momentum), .resume = true

static const gm_option options[] = {
	{"batch", "100", "minibatch size m, of labelled examples too"},
	{"task", "semi-supervised", "with labels, or not", GM_CHOICE("semi-supervised|clustering")},
	{"labels-per-class", "10", "labelled of each class; 0: all", GM_INT(0, 1 << 20), LABELS},
	{"categories", "auto", "classes K; auto: the data's, clustering 16", GM_INT(2, 10000)},
	{"nz", "auto", "dimensions of the style; auto: 10, clustering 5", GM_INT(1, 65536)},
	{"layers", "2", "hidden layers of each net", GM_INT(1, 16)},
	{"width", "auto", "units in each; auto: 1000, clustering 3000", GM_INT(1, 65536)},
	{"lr-recon", "0.01", "rate of the reconstruction", GM_REAL(0, 1e30), .resume = true},
	{"momentum-recon", "0.9", "its momentum", MOMENTUM, .only = "optimiser=sgd"},
	{"noise", "0.3", "standard deviation of noise on all inputs of D", GM_REAL(0, 10)},
	{"lr-class", "0.1", "rate of the labels", GM_REAL(0, 1e30), .resume = true, LABELS},
	{"momentum-class", "0.9", "its momentum", MOMENTUM, LABELS ",optimiser=sgd"},
	{"momentum", "0.1", "momentum of the games", MOMENTUM},
	GM_OPTIMISER_OPTIONS("sgd", "0.1", "0.5", "drops:50:1000"),
	GM_GAME_OPTIONS("non-saturating", "auto", "none"),
	{0},
};

typedef struct encoder {
	gm_net *E;
	gm_mlp body;
	int64_t categories, nz;
	bool few; /* semi-supervised */
} encoder;

/* rows [m,numel] to logits y [m,K] and style z [m,nz] */
static void encode(const encoder *p, gm_node *x, gm_node **y, gm_node **z)
{
	x = p->few ? gm_gaussian_noise(x, .3) : gm_dropout(x, .keep = .8);
	x = gm_mlp_body(p->E, x, &p->body);
	*y = gm_linear(p->E, "y", x, .out = p->categories);
	*z = gm_linear(p->E, "z", x, .out = p->nz);
}

static gm_node *decode(gm_run *r, gm_net *P, gm_node *y, gm_node *z, const gm_mlp *body)
{
	const gm_facts *data = gm_run_facts(r);
	gm_node *x = gm_mlp_net(P, GM_CONCAT(1, y, z), body, "x", data->numel);
	return data->points ? x : gm_sigmoid(x);
}

static gm_node *discriminator(void *ctx, gm_net *D, gm_node *code, gm_node *with)
{
	(void)with;
	return gm_mlp_net(D, code, ctx, "y", 1);
}

/* The game of a part of the code: samples of its prior, and E's. */
static void play(gm_run *r, encoder *p, gm_game *game, gm_node *real, gm_node *fake)
{
	game->discriminator = discriminator, game->ctx = &p->body;
	game->real.x = real, game->fake.x = fake;
	gm_run_game(r, game);
}

static int train(gm_run *r)
{
	const gm_facts *data = gm_run_facts(r);
	const bool few = gm_opt_choice(r, "task") == 0;
	const int own = data->classes > 1 ? (int)data->classes : 2;
	gm_opt_autos(r, few ? "nz=10 width=1000 normalise-g=none"
	                    : "nz=5 width=3000 normalise-g=batch");
	gm_opt_auto(r, "categories", "%d", few ? own : 16);
	const int64_t m = gm_opt_int(r, "batch"), k = gm_opt_int(r, "categories");
	if (few && k != own)
		gm_run_error(r, "option categories: labelled examples have %d classes", own);
	encoder p = {.E = gm_net_new(r, "E", SMALL), .categories = k, .nz = gm_opt_int(r, "nz")};
	p.body = (gm_mlp){(int)gm_opt_int(r, "layers"), gm_opt_int(r, "width"), GM_RELU},
	p.few = few;
	gm_net *P = gm_net_new(r, "P", SMALL);
	gm_game classes = gm_opt_game(r, p.E, gm_net_new(r, "D", SMALL)),
		styles = gm_opt_game(r, p.E, gm_net_new(r, "D2", SMALL));
	gm_node *example = gm_batch(r, "example"), *x = gm_example_rows(r, example), *y, *z;
	gm_node *c1 = gm_noise(r, "c1", GM_LATENT_ONE_HOT, m, k),
		*style = gm_noise(r, "z", GM_LATENT_NORMAL, m, p.nz);
	encode(&p, x, &y, &z);
	play(r, &p, &classes, c1, gm_softmax(y, 1)), play(r, &p, &styles, style, z);
	gm_node *back = decode(r, P, gm_softmax(y, 1), z, &p.body);
	gm_node *error = gm_logged(r, "recon", gm_squared_error(back, x));
	gm_node *cost = gm_mul_c(error, (double)data->numel / 2);
	gm_endpoint(r, "generate", gm_rows_example(r, decode(r, P, c1, style, &p.body)), c1, style);
	gm_endpoint(r, "reconstruct", gm_rows_example(r, back), example);
	gm_endpoint(r, "classify", y, example);
	gm_entropies certain = gm_class_entropies(y);
	gm_turn turn = gm_play(r, &classes, .second = &styles,
	                       .g = {gm_logged(r, "class_each", certain.each),
	                             gm_logged(r, "class_mean", certain.mean)},
	                       .before = {error, gm_move(r, p.E, cost, .which = "recon"),
	                                  gm_move(r, P, cost, .which = "recon", .average = true)});
	gm_step *taught = NULL;
	if (few) {
		gm_stream *s = gm_stream_open(r, "labelled",
		                              .per_class = gm_opt_int(r, "labels-per-class"));
		encode(&p, gm_example_rows(r, gm_stream_batch(s, "example")), &y, &z);
		y = gm_logged(r, "labelled",
		              gm_mean_all(gm_softmax_xent(y, gm_stream_batch(s, "label"))));
		taught = gm_run_compile(r, y, gm_move(r, p.E, y, .which = "class"));
	}
	while (gm_next(r)) { /* for each minibatch */
		gm_run_turn(r, &turn);
		gm_run_step(r, taught);
	}
	return gm_end(r);
}

const gm_model gm_model_aae_categorical = {
	"aae-categorical", "Adversarial autoencoder with classes (Makhzani et al. 2016)",
	"arXiv:1511.05644", options, train};
