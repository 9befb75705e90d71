/* SPDX-License-Identifier: MIT
 *
 * pix2pix.c -- Isola, Zhu, Zhou & Efros, "Image-to-image translation with conditional adversarial
 * networks", CVPR 2017, arXiv:1611.07004. Objective: section 3.1, eq. 4. Nets: section 3.2 and
 * appendix 6.1. Training: section 3.3 and appendix 6.2.
 *
 * G is a U-Net: strided convolutions halve the picture a down to one pixel, fractionally strided
 * ones double it again, and each map on the way up is joined by the map of its size on the way
 * down. Its noise is dropout in the first three maps on the way up, in use as in training. D looks
 * at a beside b or G(a) and gives a logit for each patch. Its receptive field is `patch` pixels
 * wide: 1, 16, 34, 70, 142 or 286 for 0 to 5 strided layers. G minimises its loss against D and
 * lambda times the mean |b - G(a)|. Kernels are 4x4; weights N(0, .02), gains N(1, .02); no
 * normaliser in the first layer of either net nor in G's innermost map, which at one pixel would
 * be all zero; leaky relu .2 on the way down and in D, relu on the way up. Adam, rate 2e-4, beta1
 * .5, batch 1; D's loss is halved; the rate holds for 100 epochs, then falls in a line for 100.
 *
 * From the authors' code (github.com/phillipi/pix2pix): which layers have no normaliser, and that
 * shortcuts carry maps before their activation.
 *
 * Differs from the paper: its batch norm takes the statistics of the batch in use too, which at
 * batch 1 is instance norm, and that is the default here; --normalise-g batch has running
 * statistics in use. Layers without a normaliser have a bias (the authors' code keeps them at 0).
 * Dropout is drawn afresh for D's step and for G's (theirs: one G(a) for both). The jitter is
 * --crop, with mirrored edges (theirs: pictures of 256 pixels grow to 286 and are cut back).
 */
#include "ganymede/model.h"

static const gm_option options[] = {
	{"data", "edges2shapes",
         "pairs: an embedded set, a folder with trainA and trainB, or pictures side by side "
         "(--pairs halves)"},
	{"direction", "a-to-b", "what becomes what", GM_CHOICE("a-to-b|b-to-a")},
	{"batch", "1", "minibatch size m"},
	{"width", "64", "channels of the largest maps; the smallest have 8 times as many",
         GM_INT(1, 1024)},
	{"depth", "auto", "how often G halves the picture; auto: down to a pixel, 8 times at most",
         GM_INT(1, 8)},
	{"skips", "yes", "join maps on the way up with those on the way down; no: encoder-decoder",
         GM_FLAG},
	{"patch", "70", "pixels that one logit of D sees", GM_CHOICE("1|16|34|70|142|286")},
	{"conditional", "yes", "D sees a beside b; no: b alone", GM_FLAG},
	{"loss", "both", "what G minimises", GM_CHOICE("both|l1|cgan")},
	{"lambda", "100", "weight of L1", GM_REAL(0, 1e6)},
	{"dropout", "yes", "G's noise: yes, train (none in use) or no", GM_CHOICE("yes|train|no")},
	{"hold", "100", "epochs at the full rate", GM_REAL(0, 1e9), .resume = true},
	{"fall", "100", "epochs in which the rate then falls to 0", GM_REAL(1e-9, 1e9),
         .resume = true},
	GM_OPTIMISER_OPTIONS("adam", "2e-4", "0.5", "auto"),
	GM_GAME_OPTIONS("non-saturating", "instance", "instance"),
	{0},
};

enum { DEEPEST = 8, DROPS = 3 };
enum { BOTH, L1, CGAN };
enum { DROP_ALWAYS, DROP_TRAIN, DROP_NEVER };

typedef struct plan {
	gm_run *r;
	int64_t width;
	int depth;  /* halvings of the picture in G */
	int layers; /* strided layers of D */
	int dropout;
	bool skips;
} plan;

/* 1, 2, 4, 8, 8, ... times the width */
static int64_t filters(const plan *p, int level)
{
	return p->width << (level < 3 ? level : 3);
}

static gm_conv_args conv(const gm_net *n, int64_t out, int kernel, int stride, bool normalised)
{
	return (gm_conv_args){.out = out,
	                      .kernel = kernel,
	                      .stride = stride,
	                      .pad = kernel > 1,
	                      .no_bias = normalised && gm_net_centres(n),
	                      .init = GM_NORMAL(0, .02)};
}

static gm_node *norm(const plan *p, gm_net *n, const char *name, gm_node *x)
{
	return gm_norm(n, gm_name(p->r, "%s/norm", name), x, .gain = GM_NORMAL(1, .02));
}

/* a [m,C,H,W] to [m,channels,H,W] in [-1,1] */
static gm_node *generator(const plan *p, gm_net *G, gm_node *a, int64_t channels)
{
	gm_node *e[DEEPEST + 1], *d = a;
	for (int i = 1; i <= p->depth; i++) {
		bool normalised = i > 1 && i < p->depth;
		const char *name = gm_name(p->r, "e%d", i);
		d = i > 1 ? gm_leaky_relu(d, .2) : d;
		d = gm_conv_(G, name, d, conv(G, filters(p, i - 1), 4, 2, normalised));
		e[i] = d = normalised ? norm(p, G, name, d) : d;
	}
	for (int i = p->depth; i > 1; i--) {
		const char *name = gm_name(p->r, "d%d", i);
		d = gm_relu(d);
		d = gm_conv_transposed_(G, name, d, conv(G, filters(p, i - 2), 4, 2, true));
		d = norm(p, G, name, d);
		if (p->dropout != DROP_NEVER && p->depth - i < DROPS)
			d = gm_dropout(d, .always = p->dropout == DROP_ALWAYS);
		d = p->skips ? GM_CONCAT(1, d, e[i - 1]) : d;
	}
	return gm_tanh(gm_conv_transposed_(G, "d1", gm_relu(d), conv(G, channels, 4, 2, false)));
}

/* b or G(a) [m,C,H,W], beside a where D sees it, to logits [m,1,H',W'] */
static gm_node *discriminator(void *ctx, gm_net *D, gm_node *x, gm_node *a)
{
	const plan *p = ctx;
	x = a ? GM_CONCAT(1, a, x) : x;
	int kernel = p->layers ? 4 : 1, hidden = p->layers ? p->layers + 1 : 2;
	for (int i = 0; i < hidden; i++) {
		const char *name = gm_name(p->r, "h%d", i);
		x = gm_conv_(D, name, x,
		             conv(D, filters(p, i), kernel, i < p->layers ? 2 : 1, i > 0));
		x = gm_leaky_relu(i > 0 ? norm(p, D, name, x) : x, .2);
	}
	return gm_conv_(D, "logit", gm_features(D, x), conv(D, 1, kernel, 1, false));
}

static plan make_plan(gm_run *r)
{
	const gm_facts *data = gm_run_facts(r);
	int64_t h = data->own_height, w = data->own_width, least = h < w ? h : w;
	plan p = {.r = r,
	          .width = gm_opt_int(r, "width"),
	          .layers = gm_opt_choice(r, "patch"),
	          .dropout = gm_opt_choice(r, "dropout"),
	          .skips = gm_opt_flag(r, "skips")};
	int most = 0;
	while (most < DEEPEST && h % 2 == 0 && w % 2 == 0 && h > 0 && w > 0)
		h /= 2, w /= 2, most++;
	gm_opt_auto(r, "depth", "%d", most);
	p.depth = (int)gm_opt_int(r, "depth");
	if (p.depth > most || p.depth < 1) {
		gm_trouble(r,
		           "pictures of %dx%d halve %d times, not %d: try another --size, or "
		           "--depth",
		           (int)data->own_width, (int)data->own_height, most,
		           p.depth < 1 ? 1 : p.depth);
		p.depth = most > 0 ? most : 1;
	}
	if (p.layers && least >> p.layers < 3) {
		gm_trouble(r,
		           "--patch %s needs pictures of %d pixels or more; these are %dx%d: try a "
		           "smaller patch, or a larger --size",
		           gm_opt_str(r, "patch"), 3 << p.layers, (int)data->own_width,
		           (int)data->own_height);
		p.layers = 0;
	}
	return p;
}

/* Examples drawn from two domains are no pairs, and to learn from them as if they were is to learn
 * nothing. */
static void want_pairs(gm_run *r)
{
	if (gm_data_examples(r, 1) && !gm_run_facts(r)->paired)
		gm_trouble(r,
		           "pix2pix learns from pairs, and %s holds none: it takes pictures of the "
		           "same names in trainA and trainB, or side by side (--pairs halves); "
		           "ganymede data info says more",
		           gm_opt_str(r, "data"));
}

/* What would look at examples without their other half, or at whole pictures. */
static void refuse(gm_run *r, const gm_net *G, const gm_net *D)
{
	const gm_normaliser *g = gm_net_normaliser(G), *d = gm_net_normaliser(D);
	if ((g && g->reference) || (d && d->reference))
		gm_trouble(r, "pix2pix has no reference batch for virtual batch norm: take "
		              "--normalise-g instance and --normalise-d instance");
	if (gm_opt_flag(r, "minibatch"))
		gm_trouble(r, "minibatch discrimination compares whole pictures, and pix2pix's D "
		              "judges patches");
}

static int train(gm_run *r)
{
	bool back = gm_opt_choice(r, "direction"), see_a = gm_opt_flag(r, "conditional");
	int loss = gm_opt_choice(r, "loss");
	double lambda = gm_opt_real(r, "lambda");
	gm_opt_rate(r, "linear", "hold", "fall");
	gm_net *G = gm_net_new(r, "G"), *D = gm_net_new(r, "D");
	gm_game game = gm_opt_game(r, G, D);
	plan p = make_plan(r);
	refuse(r, G, D);
	want_pairs(r);

	gm_node *a = gm_batch(r, back ? "b" : "a"), *b = gm_batch(r, back ? "a" : "b");
	gm_node *fake = generator(&p, G, a, gm_node_shape(b).dim[1]);
	gm_node *l1 = gm_mean_all(gm_abs(gm_sub(b, fake))), *loss_g = gm_mul_c(l1, lambda);
	gm_endpoint(r, "translate", fake, a);
	gm_sides(r, (int64_t)1 << p.depth);
	if (loss != L1) {
		game.discriminator = discriminator, game.ctx = &p;
		game.real = b, game.fake = fake, game.given = see_a ? a : NULL;
		gm_run_game(r, &game);
		loss_g = loss == CGAN ? game.loss_g : gm_add(game.loss_g, loss_g);
		if (see_a)
			gm_endpoint(r, "discriminate", game.y_real, b, a);
		else
			gm_endpoint(r, "discriminate", game.y_real, b);
	}

	gm_node *loss_d = loss == L1 ? NULL : gm_mul_c(game.loss_d, .5);
	gm_step *step_d = NULL;
	if (loss_d)
		step_d = gm_run_compile(
			r, gm_logged(r, "loss_d", loss_d),
			gm_move(r, D, loss_d, .which = "d", .clip_weights = game.clip));
	gm_step *step_g = gm_run_compile(r, gm_logged(r, "loss_g", loss_g), gm_logged(r, "l1", l1),
	                                 gm_move(r, G, loss_g, .average = true));

	while (gm_next(r)) { /* one gradient descent step on D, then one on G */
		for (int i = 0; i < game.k; i++) {
			gm_feed(r);
			gm_run_step(r, step_d);
		}
		for (int i = 0; i < game.k_g; i++)
			gm_run_step(r, step_g);
	}
	return gm_end(r);
}

const gm_model gm_model_pix2pix = {"pix2pix",
                                   "image-to-image translation with conditional adversarial "
                                   "networks (Isola, Zhu, Zhou & Efros 2017)",
                                   "arXiv:1611.07004", options, train};
