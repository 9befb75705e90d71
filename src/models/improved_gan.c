/* SPDX-License-Identifier: MIT
 *
 * improved_gan.c -- Salimans, Goodfellow, Zaremba, Cheung, Radford & Chen, "Improved techniques for
 * training GANs", NIPS 2016, arXiv:1606.03498: learning from few labels. Objective: section 5;
 * feature matching: 3.1; MNIST settings: the authors' code (github.com/openai/improved-gan).
 *
 * D gives K logits l; the logit of "generated" is 0, so D(x) = Z / (Z + 1), Z = sum_k exp l_k. D
 * minimises the cross entropy of the labelled examples, plus 1/2 softplus(-log Z) of unlabelled and
 * 1/2 softplus(log Z) of generated ones. Then, on other unlabelled examples, G minimises the mean
 * squared difference between the means of D's last hidden layer; with minibatch discrimination in D
 * it minimises -softplus(log Z): better images, worse classes.
 * D: 1000, 500, 250, 250, 250 relu, Gaussian noise .3 on the input and .5 after each layer; weight
 * norm with data-dependent initialisation, whose scale is trained only in the last layer. G: 500,
 * 500 softplus with batch norm, sigmoid; z uniform. Adam .003, beta1 .5; classes by D's averages.
 * Differs: Adam's eps is 1e-4 outside of the root (theirs 1e-8 inside); averages start as means of
 * all steps (theirs at 0); batch norm has a gain, G's last layer no weight norm; only MNIST's nets.
 */
#include "ganymede/model.h"

static const gm_option options[] = {
	{"batch", "100", "labelled, unlabelled and generated examples in a step: m each"},
	{"labels-per-class", "10", "labelled examples of each class; 0: all", GM_INT(0, 1 << 20)},
	{"unlabelled", "1", "weight of the unlabelled loss; 0: none", GM_REAL(0, 1e6)},
	{"game", "features", "G matches features, or minibatch discrimination",
         GM_CHOICE("features|minibatch")},
	{"nz", "100", "numbers in z", GM_INT(1, 65536)},
	{"width", "1000", "units of the first layer; others follow", GM_INT(4, 65536)},
	{"noise", "0.5", "deviation of the noise in D; .6 of it on the input", GM_REAL(0, 10)},
	{"start", "500", "examples that the start of D is set by", GM_INT(2, 100000)},
	{"eps", "1e-4", "added to the root of the mean of squares", GM_REAL(1e-30, 1)},
	{"ema", "0.9999", "decay of the moving average of D that classes come from"},
	GM_OPTIMISER_OPTIONS("adam", "0.003", "0.5", "constant"),
	{0},
};

enum { LAYERS = 6, EFFECTS = 2 * LAYERS };

typedef struct critic {
	gm_net *D;
	int64_t width, classes;
	double noise;
	bool minibatch;
} critic;

/* x [m,..] in [-1,1] to logits [m,K]; feature: the layer that G matches; start: updates of D's
 * data-dependent initialisation, or NULL */
static gm_node *discriminate(const critic *p, gm_node *x, gm_node **feature, gm_node **start)
{
	static const char *const name[] = {"h0", "h1", "h2", "h3", "h4"};
	const int64_t units[] = {p->width, p->width / 2, p->width / 4, p->width / 4, p->width / 4};
	x = gm_gaussian_noise(gm_unit(gm_reshape(x, GM_SHAPE(gm_node_shape(x).dim[0], -1))),
	                      .6 * p->noise);
	for (int i = 0; i < LAYERS - 1; i++) {
		*feature = gm_relu(gm_weight_normed(p->D, name[i], x, units[i], true,
		                                    start ? start + 2 * i : NULL));
		x = gm_gaussian_noise(*feature, p->noise);
	}
	if (p->minibatch)
		x = gm_minibatch_discrimination(p->D, "minibatch", x);
	return gm_weight_normed(p->D, "y", x, p->classes, false,
	                        start ? start + EFFECTS - 2 : NULL);
}

static gm_node *log_z(gm_node *logits)
{
	return gm_logsumexp(logits, GM_AXES(1), true);
}

static gm_node *generate(gm_net *G, gm_node *z, int64_t width, gm_shape like)
{
	gm_node *h = gm_unit(z);
	for (int i = 0; i < 2; i++)
		h = gm_softplus(
			gm_block(G, i ? "h1" : "h0", h, .out = width / 2, .act = GM_LINEAR));
	h = gm_linear(G, "x", h,
	              .out = like.dim[1] * (like.rank > 2 ? like.dim[2] * like.dim[3] : 1));
	return gm_reshape(gm_signed(gm_sigmoid(h)), like);
}

static int train(gm_run *r)
{
	gm_stream *few = gm_stream_open(r, "labelled",
	                                .per_class = gm_opt_int(r, "labels-per-class")),
		  *other = gm_stream_open(r, "other"),
		  *first = gm_stream_open(r, "start", .rows = gm_opt_int(r, "start"), .once = true);
	gm_net *G = gm_net_new(r, "G", .init = GM_XAVIER_UNIFORM(1)), *D = gm_net_new(r, "D");
	gm_net_normalise(G, gm_normaliser_find("batch"));
	critic p = {D, gm_opt_int(r, "width"), gm_stream_facts(few)->classes,
	            gm_opt_real(r, "noise"), gm_opt_choice(r, "game") == 1};
	gm_node *x = gm_batch(r, "image"), *label = gm_stream_batch(few, "label"), *f_other, *f,
		*start[EFFECTS];
	gm_node *z =
		gm_noise(r, "z", GM_LATENT_UNIFORM, gm_opt_int(r, "batch"), gm_opt_int(r, "nz"));
	gm_node *fake = generate(G, z, p.width, gm_node_shape(x));
	discriminate(&p, gm_stream_batch(first, "image"), &f, start);
	gm_step *begin = gm_run_compile_nodes(r, start, EFFECTS);

	gm_node *of_few = discriminate(&p, gm_stream_batch(few, "image"), &f, NULL),
		*of_x = discriminate(&p, x, &f, NULL);
	discriminate(&p, gm_stream_batch(other, "image"), &f_other, NULL);
	gm_node *of_fake = discriminate(&p, fake, &f, NULL);
	gm_node *labelled = gm_mean_all(gm_softmax_xent(of_few, label));
	gm_node *unlabelled = gm_mul_c(gm_add(gm_mean_all(gm_softplus(gm_neg(log_z(of_x)))),
	                                      gm_mean_all(gm_softplus(log_z(of_fake)))),
	                               .5);
	gm_node *loss_d = gm_add(labelled, gm_mul_c(unlabelled, gm_opt_real(r, "unlabelled")));
	gm_node *distance =
		gm_sub(gm_mean(f, GM_AXES(0), false), gm_mean(f_other, GM_AXES(0), false));
	gm_node *loss_g = p.minibatch ? gm_neg(gm_mean_all(gm_softplus(log_z(of_fake))))
	                              : gm_mean_all(gm_square(distance));
	gm_endpoint(r, "generate", fake, z);
	gm_endpoint(r, "classify", of_x, x);
	gm_endpoint(r, "discriminate", log_z(of_x), x);
	gm_step *d = gm_run_compile(r, gm_logged(r, "labelled", labelled),
	                            gm_logged(r, "unlabelled", unlabelled),
	                            gm_move(r, D, loss_d, .average = true));
	gm_step *g = gm_run_compile(r, gm_logged(r, "loss_g", loss_g), gm_move(r, G, loss_g));
	while (gm_next(r)) {
		gm_feed(r);
		if (gm_step_number(r) == 0)
			gm_run_step(r, begin);
		gm_run_step(r, d);
		gm_run_step(r, g);
	}
	return gm_end(r);
}

const gm_model gm_model_improved_gan = {
	"improved-gan", "Semi-supervised GAN by feature matching (Salimans et al. 2016)",
	"arXiv:1606.03498", options, train};
