/* SPDX-License-Identifier: MIT
 *
 * pixelcnn.c -- van den Oord, Kalchbrenner & Kavukcuoglu, "Pixel recurrent neural networks", ICML
 * 2016, arXiv:1601.06759 (--gated no: section 3.4, table 1), and van den Oord, Kalchbrenner,
 * Vinyals, Espeholt, Graves & Kavukcuoglu, "Conditional image generation with PixelCNN decoders",
 * NIPS 2016, arXiv:1606.05328 (--gated yes: section 2, figure 2, eq. 2 and 4).
 *
 * p(x) = prod_i p(x_i | x_1 .. x_{i-1}), numbers in raster order, the channels of a pixel one after
 * the other; every factor is a softmax over levels (a sigmoid for two), given by convolutions that
 * see only what came before. Mask A hides the number itself, mask B lets a layer see its own
 * features; of C channels, feature k of n belongs to channel floor(k C / n).
 *
 * gated: a vertical stack sees all rows above, a horizontal one what is to the left in the row, and
 * is fed by the first through 1x1; both are gated, tanh(W x + V h) sigmoid(U x + T h) with h the
 * class; the first kernel is 7 wide, the others `kernel`. Kernels are cut to the taps that a mask
 * would leave, so nothing is multiplied by zeros. plain: 7x7 of mask A, residual blocks 1x1, kxk, 1x1
 * of mask B, whose kxk leaves a blind spot to the right above.
 *
 * A gated net also declares how to go on by one row and by one pixel, with what earlier ones gave
 * kept in variables: drawing a picture then computes every feature once, instead of the whole
 * picture for each number.
 *
 * Differs: Adam instead of RMSProp, and sizes for a small machine (the papers: 128 features, 15
 * layers). MNIST's published figures are for one fixed binarisation (Salakhutdinov & Murray 2008);
 * here pixels are drawn anew at every look, or cut at one half, by --binarise.
 */
#include "ganymede/model.h"

static const gm_option options[] = {
	{"batch", "32", "minibatch size m"},
	{"gated", "yes", "vertical and horizontal gated stacks; no: plain masked convolutions",
         GM_FLAG},
	{"features", "32", "features of each layer", GM_INT(1, 1024)},
	{"layers", "7", "masked layers", GM_INT(2, 32)},
	{"kernel", "3", "width of the layers after the first, odd", GM_INT(3, 15)},
	{"first", "7", "width of the first layer, odd", GM_INT(3, 15)},
	{"levels", "auto", "values of a number: 2 to 256; auto: 2 for grey, 256 for colour",
         GM_INT(2, 256)},
	{"binarise", "stochastic",
         "how grey becomes two levels: stochastic (drawn anew at every look) or threshold (at one "
         "half)",
         GM_CHOICE("stochastic|threshold")},
	{"conditional", "no", "condition the net on the class", GM_FLAG},
	GM_OPTIMISER_OPTIONS("adam", "1e-3", "0.9", "constant"),
	{"grid", "4x4", "columns x rows of the sample pictures; auto: a row for each class"},
	{0},
};

enum { OUTPUTS = 4096 };

typedef struct net {
	gm_run *r;
	gm_causal c;
	int64_t features, levels, classes;
	int layers, kernel, first;
	bool gated;
	gm_node *label; /* i32 [m], or NULL */
} net;

/* tanh(a + V h) sigmoid(b + T h): eq. 2 and 4 */
static gm_node *gate(const net *p, const char *name, gm_node *x)
{
	int64_t f = p->features;
	if (p->label)
		x = gm_add(x, gm_reshape(gm_embedding(p->c.net, gm_name(p->r, "%s/class", name),
		                                      p->label, .rows = p->classes, .dim = 2 * f,
		                                      .init = GM_NORMAL(0, .05)),
		                         GM_SHAPE(p->c.batch, 2 * f, 1, 1)));
	return gm_mul(gm_tanh(gm_narrow(x, 1, 0, f)), gm_sigmoid(gm_narrow(x, 1, f, f)));
}

/* numbers in [-1,1] to features: figure 2 of the second paper. By rows it ends in what pixels will need. */
static gm_node *gated_stacks(const net *p, gm_causal *c, gm_node *x)
{
	gm_node *v = x, *h = x, *u = NULL;
	int64_t f = p->features;
	for (int l = 0; l < p->layers; l++) {
		int k = l ? p->kernel : p->first;
		char m = l ? 'B' : 'A';
		const char *above = gm_name(p->r, "%d/above", l),
			   *left = gm_name(p->r, "%d/left", l), *link = gm_name(p->r, "%d/link", l);
		if (c->mode != GM_CAUSAL_PIXEL) {
			u = gm_causal_above(c, above, v, .out = 2 * f, .kernel = k, .mask = m);
			v = gate(p, above, u);
			u = gm_causal_conv(c, link, u, .out = 2 * f);
		}
		u = gm_causal_hand_down(c, link, u, 2 * f);
		if (c->mode == GM_CAUSAL_ROW)
			continue;
		gm_node *y = gm_causal_left(c, left, h, .out = 2 * f, .kernel = k, .mask = m,
		                            .groups = 2);
		y = gate(p, left, gm_add(y, u));
		y = gm_causal_conv(c, gm_name(p->r, "%d/out", l), y, .out = f, .mask = 'B');
		h = l ? gm_add(h, y) : y;
	}
	return h;
}

/* pictures to features: table 1 of the first paper */
static gm_node *plain_stack(const net *p, gm_causal *c, gm_node *x)
{
	int64_t f = p->features;
	gm_node *h = gm_causal_conv(c, "0", x, .out = 2 * f, .kernel = p->first, .mask = 'A');
	for (int l = 1; l < p->layers; l++) {
		gm_node *y = gm_causal_conv(c, gm_name(p->r, "%d/in", l), gm_relu(h), .out = f,
		                            .mask = 'B');
		y = gm_causal_conv(c, gm_name(p->r, "%d", l), gm_relu(y), .out = f,
		                   .kernel = p->kernel, .mask = 'B');
		h = gm_add(h, gm_causal_conv(c, gm_name(p->r, "%d/out", l), gm_relu(y),
		                             .out = 2 * f, .mask = 'B'));
	}
	return h;
}

/* numbers to logits [m,C,H,W], or [m,C,H,W,L] for L levels above two; by rows NULL */
static gm_node *logits_of(void *ctx, gm_causal *c, gm_node *x)
{
	const net *p = ctx;
	int64_t l = p->levels == 2 ? 1 : p->levels;
	gm_node *h = p->gated ? gated_stacks(p, c, x) : plain_stack(p, c, x);
	if (c->mode == GM_CAUSAL_ROW)
		return NULL;
	h = gm_causal_conv(c, "head", gm_relu(h), .out = 2 * p->features, .mask = 'B');
	h = gm_causal_conv(c, "logits", gm_relu(h), .out = c->channels * l, .mask = 'B');
	if (l == 1)
		return h;
	gm_shape s = gm_node_shape(h);
	h = gm_reshape(h, GM_SHAPE(s.dim[0], c->channels, l, s.dim[2], s.dim[3]));
	return gm_permute(h, (int[]){0, 1, 3, 4, 2});
}

static net make_net(gm_run *r)
{
	const gm_facts *d = gm_run_facts(r);
	net p = {.r = r,
	         .c = {.net = gm_net_new(r, "P"),
	               .batch = gm_opt_int(r, "batch"),
	               .channels = d->channels,
	               .height = d->height,
	               .width = d->width}};
	gm_opt_auto(r, "levels", d->channels == 1 ? "2" : "256");
	p.levels = gm_opt_int(r, "levels");
	p.features = gm_opt_int(r, "features");
	p.layers = (int)gm_opt_int(r, "layers");
	p.kernel = (int)gm_opt_int(r, "kernel");
	p.first = (int)gm_opt_int(r, "first");
	p.gated = gm_opt_flag(r, "gated");
	if (p.kernel % 2 == 0 || p.first % 2 == 0)
		gm_trouble(r, "options kernel and first are odd, for a window has a centre");
	if (p.levels < 2 || p.levels > 256 || d->channels * p.levels > OUTPUTS)
		gm_trouble(
			r,
			"option levels: %d levels of %d channels; 2 to 256 can be, and %d in all",
			(int)p.levels, (int)d->channels, OUTPUTS);
	if (p.features < d->channels)
		gm_trouble(r, "option features: at least one for each of %d channels",
		           (int)d->channels);
	return p;
}

static int train(gm_run *r)
{
	gm_node *x = gm_batch(r, "image");
	net p = make_net(r);
	if (gm_opt_flag(r, "conditional"))
		p.label = gm_batch(r, "label"), p.classes = gm_run_facts(r)->classes;
	if (p.label && !p.gated)
		gm_trouble(r, "option conditional: only the gated net is told the class");

	gm_node *level = gm_levels(x, p.levels, gm_opt_choice(r, "binarise") == 0);
	gm_node *seen = gm_add_c(gm_mul_c(level, 2 / ((double)p.levels - 1)), -1);
	gm_node *logits = logits_of(&p, &p.c, seen);
	gm_node *nats = gm_sum(gm_levels_nll(logits, level, p.levels), GM_AXES(1, 2, 3), false);
	gm_node *loss = gm_mean_all(nats);
	gm_node *given = logits_of(&p, &p.c, x);
	int inputs = p.label ? 2 : 1;
	gm_endpoint_nodes(r, "log-likelihood", gm_neg(nats), (gm_node *[]){x, p.label}, inputs);
	gm_endpoint_nodes(r, "pixels", given, (gm_node *[]){x, p.label}, inputs);
	if (p.gated)
		gm_run_pixels(r, &p.c, p.label, logits_of, &p);

	double numbers = (double)gm_run_facts(r)->numel;
	gm_node *bits = gm_mul_c(loss, 1 / (numbers * 0.6931471805599453));
	gm_step *step =
		gm_run_compile(r, gm_logged(r, "nats", loss), gm_logged(r, "bits_per_number", bits),
	                       gm_move(r, p.c.net, gm_mul_c(loss, 1 / numbers), .average = true));

	while (gm_next(r)) {
		gm_feed(r);
		gm_run_step(r, step);
	}
	return gm_end(r);
}

const gm_model gm_model_pixelcnn = {"pixelcnn",
                                    "PixelCNN, plain and gated (van den Oord et al. 2016)",
                                    "arXiv:1601.06759, arXiv:1606.05328", options, train};
