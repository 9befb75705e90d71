/* SPDX-License-Identifier: MIT
 *
 * catgan.c -- Springenberg, "Unsupervised and semi-supervised learning with categorical generative
 * adversarial networks", ICLR 2016, arXiv:1511.06390, section 3, eq. 6 to 9. No code was published;
 * MNIST settings: github.com/smayru/catgan. D is a classifier of K classes: certain for each real
 * example, with all classes used equally, and uncertain for generated ones; G makes it certain,
 * over all classes. With the entropy H, in nats, of D's softmax p:
 *	D minimises  - H[mean p(real)] + mean H[p(real)] - mean H[p(G(z))]
 *	G minimises  - H[mean p(G(z))] + mean H[p(G(z))]
 * at best -2 log K, and -log K. Semi-supervised: D also minimises the cross entropy of a few
 * labelled examples, with weight --supervised. --fake 0: regularised information maximisation, the
 * baseline. D then G, each with new z. D: noise .3 on the input and on each layer before its batch
 * norm, leaky relu .1, layers of 1000, 500, 250, 250, 250; G: 128 uniform numbers, layers of 500,
 * 500, 1000, batch norm, leaky relu .1, sigmoid pixels. Adam, rate 2e-4, beta1 .5, weight decay
 * 1e-5, batch 100. Points: two layers of `width`. Differs: inference without noise, G's third slope
 * .1, not .2.
 */
#include "ganymede/model.h"
#define ONE .init = GM_HE_NORMAL(1) /* of variance 1/inputs */

static const gm_option options[] = {
	{"batch", "100", "minibatch size m: of its classes the entropy of the mean is taken"},
	{"categories", "auto", "classes K of D; auto: 20, or with labels the data's classes",
         GM_INT(2, 10000)},
	{"supervised", "0", "weight of the cross entropy of labelled examples; 0: no labels",
         GM_REAL(0, 1e6)},
	{"labels-per-class", "10", "of each; 0: all", GM_INT(0, 1 << 20), .only = "supervised"},
	{"real", "1", "weight of both entropies of real examples", GM_REAL(0, 1e6)},
	{"nz", "128", "numbers in z", GM_INT(1, 65536)},
	{"width", "auto", "units of the widest layer; auto: 1000, for points 100",
         GM_INT(4, 65536)},
	{"noise", "0.3", "standard deviation of the noise in D", GM_REAL(0, 1e3)},
	{"fake", "1", "weight of generated examples in D's loss; 0: no game", GM_REAL(0, 1e6)},
	{"k", "1", "steps of D for each turn", GM_INT(1, 10000)},
	{"k-g", "1", "steps of G for each turn", GM_INT(1, 10000)},
	{"lr-d", "auto", "learning rate of D; auto: that of G", GM_REAL(0, 1e30), .resume = true},
	{"l2", "1e-5", "weight decay", GM_REAL(0, 1), .resume = true},
	GM_OPTIMISER_OPTIONS("adam", "2e-4", "0.5", "constant"),
	GM_NORM_OPTIONS("batch", "batch"),
	{0},
};

typedef struct nets {
	const gm_facts *data;
	int64_t width, classes;
	double noise;
} nets;

static const char *const names[] = {"h1", "h2", "h3", "h4", "h5"};

/* z [m,nz] in [0,1] to examples [m,numel] */
static gm_node *generator(const nets *p, gm_net *G, gm_node *z)
{
	bool points = p->data->points;
	for (int i = 0; i < (points ? 2 : 3); i++)
		z = gm_block(G, names[i], z, .out = points || i == 2 ? p->width : p->width / 2,
		             .act = GM_LEAKY, .slope = .1);
	z = gm_linear(G, "x", z, .out = p->data->numel);
	return points ? z : gm_sigmoid(z);
}

/* examples [m,numel] to D's logits [m,K]; seen: its last hidden units [m,..] */
static gm_node *classes(const nets *p, gm_net *D, gm_node *x, gm_node **seen)
{
	static const int part[] = {1, 2, 4, 4, 4};
	bool points = p->data->points;
	x = gm_gaussian_noise(x, p->noise);
	for (int i = 0; i < (points ? 2 : 5); i++) {
		x = gm_linear(D, names[i], x, .out = points ? p->width : p->width / part[i],
		              .no_bias = gm_net_centres(D));
		x = gm_leaky_relu(gm_norm(D, names[i], gm_gaussian_noise(x, p->noise)), .1);
	}
	*seen = x;
	return gm_linear(D, "classes", x, .out = p->classes);
}

/* the cross entropy of a minibatch of the labelled examples */
static gm_node *labelled(gm_run *r, const nets *p, gm_net *D)
{
	gm_stream *few =
		gm_stream_open(r, "labelled", .per_class = gm_opt_int(r, "labels-per-class"));
	gm_node *x = gm_example_rows(r, gm_stream_batch(few, "example")), *unused;
	gm_node *xent = gm_softmax_xent(classes(p, D, x, &unused), gm_stream_batch(few, "label"));
	return gm_logged(r, "labelled", gm_mean_all(xent));
}

static int train(gm_run *r)
{
	const gm_facts *data = gm_run_facts(r);
	const double weight = gm_opt_real(r, "supervised");
	const int own = data->classes > 0 ? (int)data->classes : 2;
	gm_opt_auto(r, "width", data->points ? "100" : "1000");
	gm_opt_auto(r, "categories", "%d", weight > 0 ? own : 20);
	nets p = {data, gm_opt_int(r, "width"), gm_opt_int(r, "categories"),
	          gm_opt_real(r, "noise")};
	if (weight > 0 && p.classes != own)
		gm_run_error(r, "option categories: labelled examples have %d classes", own);
	gm_net *G = gm_net_new(r, "G", ONE), *D = gm_net_new(r, "D", ONE);
	gm_opt_norms(r, G, D);
	for (int i = 0; i < 2; i++)
		if (gm_net_flow(i ? D : G) && gm_net_flow(i ? D : G)->reference)
			gm_run_error(r, "catgan's nets have no reference batches");
	gm_node *example = gm_batch(r, "example");
	gm_node *z =
		gm_noise(r, "z", GM_LATENT_UNIFORM, gm_opt_int(r, "batch"), gm_opt_int(r, "nz"));
	gm_node *made = generator(&p, G, gm_unit(z)), *seen, *unused;
	gm_node *logits = classes(&p, D, gm_example_rows(r, example), &seen);
	gm_entropies real = gm_class_entropies(logits),
		     fake = gm_class_entropies(classes(&p, D, made, &unused));
	gm_node *loss_d = gm_mul_c(gm_sub(real.each, real.mean), gm_opt_real(r, "real"));
	if (gm_opt_real(r, "fake") > 0)
		loss_d = gm_sub(loss_d, gm_mul_c(fake.each, gm_opt_real(r, "fake")));
	gm_node *xent = weight > 0 ? labelled(r, &p, D) : NULL;
	loss_d = xent ? gm_add(loss_d, gm_mul_c(xent, weight)) : loss_d;
	gm_endpoint(r, "generate", gm_rows_example(r, made), z);
	gm_endpoint(r, "classify", logits, example);
	gm_endpoint(r, "features", seen, example);
	gm_game game = {
		.G = G, .D = D, .k = (int)gm_opt_int(r, "k"), .k_g = (int)gm_opt_int(r, "k-g")};
	gm_turn turn = gm_play(r, &game, .loss_d = loss_d, .loss_g = gm_sub(fake.each, fake.mean),
	                       .d = {gm_logged(r, "real_each", real.each),
	                             gm_logged(r, "real_mean", real.mean),
	                             gm_logged(r, "fake_each", fake.each), xent});
	while (gm_next(r)) /* for number of training iterations */
		gm_run_turn(r, &turn);
	return gm_end(r);
}

const gm_model gm_model_catgan = {"catgan", "Categorical GAN (Springenberg 2016)",
                                  "arXiv:1511.06390", options, train};
