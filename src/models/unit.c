/* SPDX-License-Identifier: MIT
 *
 * unit.c -- Liu, Breuel & Kautz, "Unsupervised image-to-image translation networks", NIPS 2017,
 * arXiv:1703.00848: eq. 1 to 5, and section 5 (adaptation), as in the authors' code for digits
 * (github.com/mingyuliutw/UNIT, branches version_01 and version_02: unit_nets.py,
 * cocogan_nets_da.py, svhn2mnist.yaml).
 *
 * Images a have labels, b have none. Encoders and decoders of both domains share their inner
 * layers, so both have one latent z; an image encoded from one domain and decoded to the other is a
 * translation. G (all of them) is a VAE of both domains and plays against D, which has a first
 * layer for each domain, a shared trunk f and two heads: real or not, and the class.
 *	D  BCE(real, 1) + .5 [BCE(translations, 0) + BCE(reconstructions, 0)] + class CE(class of a)
 *	   + features [|f(x_ab) - f(x_aa)|^2 + |f(x_ba) - f(x_bb)|^2], f without dropout
 *	G  BCE(translations, 1) + BCE(reconstructions, 1) + recon |x - x'|^2, a sum over pixels,
 *	   + 2 kl KL(z)
 * Encoder: 5x5 of stride 2 to `width` channels; shared: to 2, 4 (the whole map), 8 (1x1) times;
 * mean and softplus sigma. Decoder: shared transposed convolutions to 8, 4, 2 times; then 1 and the
 * image. Batch norm, leaky relu .01; two planes of coordinates beside the image. D: four times 5x5,
 * relu, maxima of 2x2; dropout .1, .3, .5, .5 from the second on. G N(0, .02), D by Glorot with
 * gain sqrt 2, biases .1. Adam, 2e-4, beta1 .5, weight decay 5e-4, batch 64 of each domain; first
 * D, then G.
 *
 * Differs: one logit for real or not (theirs: two); norms have a gain; the number of kernels of
 * whole maps depends on the size; endpoints use the mean of z; b is not extended by negatives; the
 * score is that of the last step (theirs: the best of many on the test set).
 */
#include "ganymede/model.h"

static const gm_option options[] = {
	{"data", "glyphs", "domain a, with labels"},
	{"data-b", "glyphs", "domain b; its labels are not used"},
	{"size", "32", "pixels along each side, a multiple of 16"},
	{"batch", "64", "minibatch size m, of each domain"},
	{"width", "96", "channels of G's largest maps", GM_INT(1, 1024)},
	{"width-d", "64", "channels of D's largest maps", GM_INT(1, 1024)},
	{"adversarial", "1", "weight of the game in G's loss", GM_REAL(0, 1e6)},
	{"class", "10", "weight of the cross-entropy of a's labels", GM_REAL(0, 1e6)},
	{"features", "1e-4", "weight of equal features of translations in D's loss",
         GM_REAL(0, 1e6)},
	{"recon", "1e-3", "weight of reconstructions", GM_REAL(0, 1e6)},
	{"kl", "1e-4", "weight of the divergence of z from N(0, 1)", GM_REAL(0, 1e6)},
	{"share", "yes", "share the inner layers; no: as an ablation", GM_FLAG},
	{"l2", "5e-4", "weight decay", GM_REAL(0, 1), .resume = true},
	GM_OPTIMISER_OPTIONS("adam", "2e-4", "0.5", "constant"),
	GM_NORM_OPTIONS("batch", "none"),
	{0},
};

enum { A, B, BOTH };

typedef struct nets {
	gm_run *r;
	gm_net *G, *D;
	int64_t side, channels, classes, width, width_d;
	bool share;
} nets;

/* The name of a layer of one domain, or of both. */
static const char *of(const nets *p, const char *name, int domain, bool shared)
{
	return shared && p->share ? name : gm_name(p->r, "%s/%s", domain ? "b" : "a", name);
}

static gm_node *layer(const nets *p, const char *name, gm_node *x, gm_block_args a)
{
	a.act = a.plain ? GM_LINEAR : GM_LEAKY, a.slope = .01;
	return gm_block_(p->G, name, x, a);
}

/* [2m,..] of a [m,..] and b; the other where one is NULL */
static gm_node *both(gm_node *a, gm_node *b)
{
	return !a ? b : !b ? a : GM_CONCAT(0, a, b);
}

static gm_node *half(gm_node *x, int i)
{
	int64_t m = gm_node_shape(x).dim[0] / 2;
	return gm_narrow(x, 0, i * m, m);
}

/* A layer on x [.,..] of a, of b or of both, with the weights of each or with shared ones. */
static gm_node *inner(const nets *p, const char *name, gm_node *x, int domain, gm_block_args a)
{
	if (domain < BOTH || p->share)
		return layer(p, of(p, name, domain, true), x, a);
	return both(layer(p, of(p, name, 0, true), half(x, 0), a),
	            layer(p, of(p, name, 1, true), half(x, 1), a));
}

typedef struct latent {
	gm_node *mean, *sigma, *z; /* [n,8 width,1,1] */
} latent;

/* images of a, of b (the other NULL), or of both, one after the other */
static latent encode(const nets *p, gm_node *a, gm_node *b)
{
	gm_block_args five = {.out = p->width, .kernel = 5, .stride = 2, .pad = 2};
	gm_block_args last = {.out = 8 * p->width, .kernel = 1, .plain = true};
	int domain = a && b ? BOTH : b != NULL;
	a = a ? layer(p, "a/in", gm_with_coordinates(a), five) : NULL;
	b = b ? layer(p, "b/in", gm_with_coordinates(b), five) : NULL;
	five.out *= 2;
	gm_node *h = inner(p, "e1", both(a, b), domain, five);
	h = inner(p, "e2", h, domain,
	          (gm_block_args){.out = 4 * p->width, .kernel = (int)p->side / 4});
	h = inner(p, "e3", h, domain, (gm_block_args){.out = 8 * p->width, .kernel = 1});
	latent l = {inner(p, "mean", h, domain, last),
	            gm_softplus(inner(p, "sigma", h, domain, last))};
	gm_node *e = gm_randn(gm_node_graph(h), gm_node_shape(l.mean));
	l.z = gm_add(l.mean, gm_mul(l.sigma, e));
	return l;
}

/* z to images of a domain */
static gm_node *decode(const nets *p, gm_node *z, int domain)
{
	z = inner(p, "d1", z, domain,
	          (gm_block_args){.out = 8 * p->width, .kernel = (int)p->side / 8, .up = true});
	for (int i = 2; i <= 3; i++)
		z = inner(p, gm_name(p->r, "d%d", i), z, domain,
		          (gm_block_args){.out = 16 * p->width >> i, GM_BY_TWO, .up = true});
	z = layer(p, of(p, "out", domain, false), z,
	          (gm_block_args){.out = p->width, GM_BY_TWO, .up = true});
	return gm_tanh(
		gm_conv(p->G, of(p, "image", domain, false), z, .out = p->channels, .kernel = 1));
}

/* the largest of 2x2 values of relu(convolution), with dropout before it */
static gm_node *maxima(const nets *p, const char *name, gm_node *x, int k, double keep)
{
	x = keep < 1 ? gm_dropout(x, .keep = keep) : x;
	x = gm_conv(p->D, name, x, .out = p->width_d << k, .kernel = 5, .pad = 2,
	            .bias = GM_CONSTANT(.1));
	return gm_max_pool(gm_relu(x), (gm_pool_options){.kernel = {2, 2}});
}

/* D's features of images, as for encode */
static gm_node *trunk(const nets *p, gm_node *a, gm_node *b, bool drop)
{
	static const double keep[] = {1, .9, .7, .5, .5};
	gm_node *x[2] = {a, b}, *h = NULL;
	for (int i = 0; i < 2; i++)
		for (int k = 0; x[i] && k < (p->share ? 1 : 4); k++)
			x[i] = maxima(p, of(p, gm_name(p->r, "c%d", k), i, false), x[i], k,
			              drop ? keep[k] : 1);
	h = both(x[0], x[1]);
	for (int k = 1; k < 4 && p->share; k++)
		h = maxima(p, gm_name(p->r, "c%d", k), h, k, drop ? keep[k] : 1);
	return drop ? gm_dropout(h, .keep = keep[4]) : h;
}

/* logits that these images are real, or of their classes */
static gm_node *head(const nets *p, const char *name, gm_node *h)
{
	bool real = name[0] == 'r';
	return gm_linear(p->D, name, h, .out = real ? 1 : p->classes, .bias = GM_CONSTANT(.1));
}

/* mean cross-entropy of logits that all should be 0 or 1 */
static gm_node *judged(const nets *p, gm_node *a, gm_node *b, double target)
{
	gm_node *y = head(p, "real", trunk(p, a, b, true));
	return gm_mean_all(gm_sigmoid_xent(y, gm_scalar(gm_node_graph(y), target)));
}

/* sum over numbers, mean over the m examples of each domain */
static gm_node *per_example(gm_node *x, int64_t m)
{
	return gm_mul_c(gm_sum_all(x), 1. / (double)m);
}

static int train(gm_run *r)
{
	const gm_facts *f = gm_run_facts(r);
	int64_t m = gm_opt_int(r, "batch");
	nets p = {r,
	          gm_net_new(r, "G", .init = GM_NORMAL(0, .02)),
	          gm_net_new(r, "D", .init = GM_XAVIER_UNIFORM(1.4142)),
	          f->own_height,
	          f->channels,
	          f->classes,
	          gm_opt_int(r, "width"),
	          gm_opt_int(r, "width-d"),
	          gm_opt_flag(r, "share")};
	gm_opt_norms(r, p.G, p.D);
	if (p.side % 16 || p.side != f->own_width)
		gm_run_error(
			r, "unit needs square images whose sides are a multiple of 16: --size 32");
	gm_node *a = gm_batch(r, "image"), *label = gm_batch(r, "label");
	gm_node *b = gm_stream_batch(gm_stream_open(r, "second", .data = "data-b"), "image");

	latent l = encode(&p, a, b);
	gm_node *to[2] = {decode(&p, l.z, 0), decode(&p, l.z, 1)}; /* both domains' images */
	gm_node *aa = half(to[0], 0), *ba = half(to[0], 1), *ab = half(to[1], 0),
		*bb = half(to[1], 1);
	gm_node *real = trunk(&p, a, b, true);
	gm_node *class = gm_mean_all(gm_softmax_xent(head(&p, "class", half(real, 0)), label));
	gm_node *ft = trunk(&p, ba, ab, false), *fr = trunk(&p, aa, bb, false);
	gm_node *apart = gm_add(per_example(gm_square(gm_sub(half(ft, 1), half(fr, 0))), m),
	                        per_example(gm_square(gm_sub(half(ft, 0), half(fr, 1))), m));
	gm_node *fakes = gm_add(judged(&p, ba, ab, 0), judged(&p, aa, bb, 0));
	gm_node *loss_d = gm_add(judged(&p, a, b, 1), gm_mul_c(fakes, .5));
	loss_d = gm_add(loss_d, gm_mul_c(class, gm_opt_real(r, "class")));
	loss_d = gm_add(loss_d, gm_mul_c(apart, gm_opt_real(r, "features")));

	gm_node *error = per_example(gm_square(gm_sub(both(aa, bb), both(a, b))), m);
	gm_node *kl = per_example(gm_normal_kl(l.mean, gm_log(l.sigma)), m);
	gm_node *fooled = gm_add(judged(&p, ba, ab, 1), judged(&p, aa, bb, 1));
	gm_node *loss_g = gm_mul_c(fooled, gm_opt_real(r, "adversarial"));
	loss_g = gm_add(loss_g, gm_mul_c(error, gm_opt_real(r, "recon")));
	loss_g = gm_add(loss_g, gm_mul_c(kl, 2 * gm_opt_real(r, "kl")));

	gm_node *mean[2] = {encode(&p, a, NULL).mean, encode(&p, NULL, b).mean};
	for (int i = 0; i < 2; i++) {
		gm_node *x = i ? b : a, *features = trunk(&p, i ? NULL : a, i ? b : NULL, false);
		gm_endpoint(r, i ? "translate/back" : "translate", decode(&p, mean[i], 1 - i), x);
		gm_endpoint(r, i ? "reconstruct/back" : "reconstruct", decode(&p, mean[i], i), x);
		gm_endpoint(r, i ? "classify/b" : "classify", head(&p, "class", features), x);
		gm_endpoint(r, i ? "encode/b" : "encode", gm_reshape(mean[i], GM_SHAPE(m, -1)), x);
	}
	gm_step *d = gm_run_compile(r, gm_logged(r, "loss_d", loss_d), gm_logged(r, "class", class),
	                            gm_move(r, p.D, loss_d, .which = "d"));
	gm_step *g =
		gm_run_compile(r, gm_logged(r, "loss_g", loss_g), gm_logged(r, "error", error),
	                       gm_logged(r, "kl", kl), gm_move(r, p.G, loss_g, .average = true));
	while (gm_next(r)) { /* for number of training iterations */
		gm_feed(r);
		gm_run_step(r, d);
		gm_run_step(r, g);
	}
	return gm_end(r);
}

const gm_model gm_model_unit = {
	"unit", "UNIT, translation and adaptation by a shared latent (Liu et al. 2017)",
	"arXiv:1703.00848", options, train};
