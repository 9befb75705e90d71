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
	{"gated", "yes", "vertical and horizontal gated stacks; no: plain masked convolutions"},
	{"features", "32", "features of each layer"},
	{"layers", "7", "masked layers"},
	{"kernel", "3", "width of the layers after the first, odd"},
	{"first", "7", "width of the first layer, odd"},
	{"levels", "auto", "values of a number: 2 to 256; auto: 2 for grey, 256 for colour"},
	{"binarise", "stochastic",
         "how grey becomes two levels: stochastic (drawn anew at every look) or threshold (at one "
         "half)"},
	{"conditional", "no", "tell the net the class"},
	{"lr", "1e-3", "Adam step size"},
	{"grid", "4x4", "columns x rows of the sample pictures; auto: a row for each class"},
	{0},
};

enum mode { WHOLE, ROW, PIXEL }; /* what a net is built for */
enum { LAYERS = 32, TAPS = 15 * 15, OUTPUTS = 4096 };

typedef struct net {
	gm_run *r;
	gm_graph *g;
	gm_net *P;
	enum mode mode;
	int64_t m, channels, height, width, features, levels, classes;
	int layers, kernel, first;
	bool gated;
	gm_node *label;              /* i32 [m], or NULL */
	gm_node *old, *fresh, *last; /* rank 0: 0 at the first row or column, else 1; 1 at the first
	                                  and at the last channel of a pixel */
	gm_node *previous, *column;  /* PIXEL: the pixel to the left; i32 [1] */
	gm_node *link[LAYERS];       /* kept for PIXEL by ROW: what the vertical stack tells */
	gm_node *effect[3 * LAYERS];
	int effects;
} net;

/* The channel that each of n features belongs to, per * n of them in a row: [per * n] */
static gm_node *channel_of(const net *p, int64_t n, int64_t per, double more)
{
	double v[OUTPUTS];
	for (int64_t i = 0; i < n * per; i++)
		v[i] = (double)(i % n * p->channels / n) + more;
	return gm_array(p->g, v, GM_SHAPE(n * per), GM_F32);
}

typedef struct window {
	int64_t out, half; /* half: outputs that the channels share out; 0: no mask at all */
	int64_t kh, kw;
	int pad[4];
	char kind; /* of the mask: 'A', 'B' */
} window;

/* [out,in,kh,kw]: 1 before the centre tap, 0 after it, and at the centre by channels */
static gm_node *mask(const net *p, int64_t in, const window *k)
{
	double before[TAPS], at[TAPS];
	int64_t taps = k->kh * k->kw, centre = k->kh == 1 ? k->kw - 1 : taps / 2;
	for (int64_t t = 0; t < taps; t++)
		before[t] = t < centre, at[t] = t == centre;
	gm_shape s = GM_SHAPE(1, 1, k->kh, k->kw);
	gm_node *to = channel_of(p, k->half, k->out / k->half, k->kind == 'B' ? .5 : 0);
	gm_node *see = gm_less(gm_reshape(channel_of(p, in, 1, 0), GM_SHAPE(1, in, 1, 1)),
	                       gm_reshape(to, GM_SHAPE(k->out, 1, 1, 1)));
	return gm_add(gm_array(p->g, before, s, GM_F32),
	              gm_mul(see, gm_array(p->g, at, s, GM_F32)));
}

static gm_node *convolve(const net *p, const char *name, gm_node *x, window k)
{
	int64_t in = gm_node_shape(x).dim[1];
	gm_node *w = gm_net_var(p->P, gm_name(p->r, "%s/weight", name),
	                        GM_SHAPE(k.out, in, k.kh, k.kw), .init = GM_FAN_IN);
	gm_node *b = gm_net_var(p->P, gm_name(p->r, "%s/bias", name), GM_SHAPE(k.out));
	if (k.half)
		w = gm_mul(w, mask(p, in, &k));
	gm_node *y =
		gm_conv2d(x, w, (gm_conv_options){.pad = {k.pad[0], k.pad[1], k.pad[2], k.pad[3]}});
	return gm_add(y, gm_reshape(b, GM_SHAPE(1, k.out, 1, 1)));
}

/* 1x1: of mask B between features that belong to channels, unless free */
static gm_node *mix(const net *p, const char *name, gm_node *x, int64_t out, bool free)
{
	return convolve(
		p, name, x,
		(window){.out = out, .half = free ? 0 : out, .kh = 1, .kw = 1, .kind = 'B'});
}

/* A variable that keeps what a step gave for the next ones; no part of the net. */
static gm_node *keep(net *p, const char *name, gm_shape s)
{
	return gm_variable(p->g, gm_name(p->r, "kept/%s", name), s);
}

static void then(net *p, gm_node *variable, gm_node *value)
{
	p->effect[p->effects++] = gm_assign(variable, value);
}

/* The vertical stack's k/2 rows above, and the row itself but in the first layer. */
static gm_node *vertical(net *p, const char *name, gm_node *x, int k, bool first)
{
	int64_t in = gm_node_shape(x).dim[1], kh = first ? k / 2 : k / 2 + 1;
	window w = {.out = 2 * p->features, .kh = kh, .kw = k, .pad = {0, k / 2, 0, k / 2}};
	if (p->mode == WHOLE) {
		w.pad[0] = (int)(first ? kh : kh - 1);
		return gm_narrow(convolve(p, name, x, w), 2, 0, p->height);
	}
	if (kh > 1) {
		gm_node *above = keep(p, name, GM_SHAPE(p->m, in, kh - 1, p->width));
		x = GM_CONCAT(2, gm_mul(above, p->old), x);
		then(p, above, gm_narrow(x, 2, 1, kh - 1));
	}
	return convolve(p, name, x, w);
}

/* The horizontal stack's k/2 pixels to the left, and under mask B the pixel itself. */
static gm_node *horizontal(net *p, const char *name, gm_node *x, int k, char kind)
{
	int64_t in = gm_node_shape(x).dim[1], kw = k / 2 + 1, out = 2 * p->features;
	window w = {.out = out, .half = out / 2, .kh = 1, .kw = kw, .kind = kind};
	if (p->mode == WHOLE) {
		w.pad[1] = (int)(kw - 1);
		return convolve(p, name, x, w);
	}
	gm_node *left = keep(p, name, GM_SHAPE(p->m, in, 1, kw - 1)), *seen = gm_mul(left, p->old);
	if (kind == 'A') { /* pixels: whole only when the next one begins */
		gm_node *all = gm_mul(GM_CONCAT(3, left, p->previous), p->old);
		seen = gm_select(p->fresh, gm_narrow(all, 3, 1, kw - 1), seen);
		then(p, left, seen);
		return convolve(p, name, GM_CONCAT(3, seen, x), w);
	}
	x = GM_CONCAT(3, seen, x);
	then(p, left, gm_select(p->last, gm_narrow(x, 3, 1, kw - 1), seen));
	return convolve(p, name, x, w);
}

/* What the vertical stack tells the horizontal one, kept as [W, m 2F]: a column is a row of it. */
static void tell(net *p, const char *name, int l, gm_node *u)
{
	int64_t f = 2 * p->features;
	u = gm_permute(gm_reshape(u, GM_SHAPE(p->m, f, p->width)), (int[]){2, 0, 1});
	p->link[l] = keep(p, name, GM_SHAPE(p->width, p->m * f));
	then(p, p->link[l], gm_reshape(u, GM_SHAPE(p->width, p->m * f)));
}

/* tanh(a + V h) sigmoid(b + T h): eq. 2 and 4 */
static gm_node *gate(const net *p, const char *name, gm_node *x)
{
	int64_t f = p->features;
	if (p->label)
		x = gm_add(x, gm_reshape(gm_embedding(p->P, gm_name(p->r, "%s/class", name),
		                                      p->label, .rows = p->classes, .dim = 2 * f,
		                                      .init = GM_NORMAL(0, .05)),
		                         GM_SHAPE(p->m, 2 * f, 1, 1)));
	return gm_mul(gm_tanh(gm_narrow(x, 1, 0, f)), gm_sigmoid(gm_narrow(x, 1, f, f)));
}

/* numbers in [-1,1] (WHOLE: pictures, ROW: the row above, PIXEL: the pixel as far as it is known) to
 * features; rows end in effects alone */
static gm_node *gated_stacks(net *p, gm_node *x)
{
	gm_node *v = x, *h = x, *u = NULL;
	for (int l = 0; l < p->layers; l++) {
		int k = l ? p->kernel : p->first;
		const char *above = gm_name(p->r, "%d/above", l),
			   *left = gm_name(p->r, "%d/left", l), *link = gm_name(p->r, "%d/link", l);
		if (p->mode != PIXEL) {
			u = vertical(p, above, v, k, l == 0);
			v = gate(p, above, u);
			u = mix(p, link, u, 2 * p->features, true);
		} else {
			u = gm_gather(p->link[l], p->column);
			u = gm_reshape(u, GM_SHAPE(p->m, 2 * p->features, 1, 1));
		}
		if (p->mode == ROW) {
			tell(p, link, l, u);
			continue;
		}
		gm_node *y = gate(p, left, gm_add(horizontal(p, left, h, k, l ? 'B' : 'A'), u));
		y = mix(p, gm_name(p->r, "%d/out", l), y, p->features, false);
		h = l ? gm_add(h, y) : y;
	}
	return h;
}

static gm_node *masked(const net *p, const char *name, gm_node *x, int k, int64_t out, char kind)
{
	return convolve(p, name, x,
	                (window){.out = out,
	                         .half = out,
	                         .kh = k,
	                         .kw = k,
	                         .kind = kind,
	                         .pad = {k / 2, k / 2, k / 2, k / 2}});
}

/* pictures to features: table 1 of the first paper */
static gm_node *plain_stack(net *p, gm_node *x)
{
	int64_t f = p->features;
	gm_node *h = masked(p, "0", x, p->first, 2 * f, 'A');
	for (int l = 1; l < p->layers; l++) {
		gm_node *y = masked(p, gm_name(p->r, "%d/in", l), gm_relu(h), 1, f, 'B');
		y = masked(p, gm_name(p->r, "%d", l), gm_relu(y), p->kernel, f, 'B');
		h = gm_add(h, masked(p, gm_name(p->r, "%d/out", l), gm_relu(y), 1, 2 * f, 'B'));
	}
	return h;
}

/* features to logits [m,C,H,W], or [m,C,H,W,L] for L levels above two */
static gm_node *head(const net *p, gm_node *h)
{
	int64_t c = p->channels, l = p->levels == 2 ? 1 : p->levels;
	h = mix(p, "head", gm_relu(h), 2 * p->features, false);
	h = mix(p, "logits", gm_relu(h), c * l, false);
	if (l == 1)
		return h;
	gm_shape s = gm_node_shape(h);
	h = gm_reshape(h, GM_SHAPE(s.dim[0], c, l, s.dim[2], s.dim[3]));
	return gm_permute(h, (int[]){0, 1, 3, 4, 2});
}

/* 0 at the first, else 1 */
static gm_node *not_first(gm_node *number)
{
	gm_node *n = gm_reshape(gm_cast(number, GM_F32), GM_RANK0);
	return gm_add_c(gm_neg(gm_equal(n, gm_scalar(gm_node_graph(number), 0))), 1);
}

/* The same net by rows and by pixels: see "pixels" in model.h. */
static void declare_steps(const net *whole)
{
	net p = *whole;
	gm_graph *g = p.g;
	gm_node *above = gm_input(g, "row/above", GM_SHAPE(p.m, p.channels, 1, p.width), GM_F32);
	gm_node *row = gm_input(g, "row/number", GM_SHAPE(1), GM_I32);
	p.mode = ROW, p.old = not_first(row);
	gated_stacks(&p, above);
	gm_endpoint_nodes(p.r, "pixels/row", p.old, (gm_node *[]){above, row, p.label},
	                  p.label ? 3 : 2);
	gm_endpoint_effect(p.r, "pixels/row", gm_group(g, p.effect, p.effects));

	gm_node *left = gm_input(g, "pixel/left", GM_SHAPE(p.m, p.channels, 1, 1), GM_F32);
	gm_node *now = gm_input(g, "pixel/now", GM_SHAPE(p.m, p.channels, 1, 1), GM_F32);
	gm_node *channel = gm_input(g, "pixel/channel", GM_SHAPE(1), GM_I32);
	gm_node *at = gm_reshape(gm_cast(channel, GM_F32), GM_RANK0);
	p.column = gm_input(g, "pixel/column", GM_SHAPE(1), GM_I32);
	p.mode = PIXEL, p.old = not_first(p.column), p.effects = 0, p.previous = left;
	p.fresh = gm_equal(at, gm_scalar(g, 0));
	p.last = gm_equal(at, gm_scalar(g, (double)p.channels - 1));
	gm_node *y = head(&p, gated_stacks(&p, now));
	gm_endpoint_nodes(p.r, "pixels/pixel", y,
	                  (gm_node *[]){left, now, p.column, channel, p.label}, p.label ? 5 : 4);
	gm_endpoint_effect(p.r, "pixels/pixel", gm_group(g, p.effect, p.effects));
}

/* Numbers x in [-1,1] to levels 0 .. L-1, as reals of x's shape */
static gm_node *levels_of(const net *p, gm_node *x, bool stochastic)
{
	gm_node *share = gm_clamp(gm_mul_c(gm_add_c(x, 1), .5), 0, 1);
	if (p->levels == 2 && stochastic)
		return gm_less(gm_uniform(p->g, gm_node_shape(x)), share);
	return gm_floor(gm_add_c(gm_mul_c(share, (double)p->levels - 1), .5));
}

/* -log p(x) in nats, [m] */
static gm_node *surprise(const net *p, gm_node *logits, gm_node *level)
{
	gm_node *each = p->levels == 2 ? gm_sigmoid_xent(logits, level)
	                               : gm_softmax_xent(logits, gm_cast(level, GM_I32));
	return gm_sum(each, GM_AXES(1, 2, 3), false);
}

static net make_net(gm_run *r)
{
	const gm_facts *d = gm_run_facts(r);
	net p = {.r = r, .g = gm_run_graph(r), .channels = d->channels, .height = d->height};
	p.m = gm_opt_int(r, "batch"), p.width = d->width;
	p.levels = gm_opt_int_auto(r, "levels", d->channels == 1 ? 2 : 256);
	p.features = gm_opt_int_in(r, "features", 1, 1024);
	p.layers = (int)gm_opt_int_in(r, "layers", 2, LAYERS);
	p.kernel = (int)gm_opt_int_in(r, "kernel", 3, 15);
	p.first = (int)gm_opt_int_in(r, "first", 3, 15);
	p.gated = gm_opt_flag(r, "gated");
	if (p.kernel % 2 == 0 || p.first % 2 == 0)
		gm_trouble(r, "options kernel and first are odd, for a window has a centre");
	if (p.levels < 2 || p.levels > 256 || p.channels * p.levels > OUTPUTS)
		gm_trouble(
			r,
			"option levels: %d levels of %d channels; 2 to 256 can be, and %d in all",
			(int)p.levels, (int)p.channels, OUTPUTS);
	if (p.features < p.channels)
		gm_trouble(r, "option features: at least one for each of %d channels",
		           (int)p.channels);
	return p;
}

static int train(gm_run *r)
{
	static const char *const how[] = {"stochastic", "threshold", NULL};
	bool stochastic = gm_opt_choice(r, "binarise", how) == 0;
	gm_node *x = gm_batch(r, "image");
	net p = make_net(r);
	if (gm_opt_flag(r, "conditional"))
		p.label = gm_batch(r, "label"), p.classes = gm_run_facts(r)->classes;
	if (p.label && !p.gated)
		gm_trouble(r, "option conditional: only the gated net is told the class");
	gm_net *P = p.P = gm_net_new(r, "P");

	gm_node *level = levels_of(&p, x, stochastic);
	gm_node *seen = gm_add_c(gm_mul_c(level, 2 / ((double)p.levels - 1)), -1);
	gm_node *logits = head(&p, p.gated ? gated_stacks(&p, seen) : plain_stack(&p, seen));
	gm_node *nats = surprise(&p, logits, level), *loss = gm_mean_all(nats);
	gm_node *given = head(&p, p.gated ? gated_stacks(&p, x) : plain_stack(&p, x));
	int inputs = p.label ? 2 : 1;
	gm_endpoint_nodes(r, "log-likelihood", gm_neg(nats), (gm_node *[]){x, p.label}, inputs);
	gm_endpoint_nodes(r, "pixels", given, (gm_node *[]){x, p.label}, inputs);
	if (p.gated)
		declare_steps(&p);

	double numbers = (double)gm_run_facts(r)->numel;
	gm_node *bits = gm_mul_c(loss, 1 / (numbers * 0.6931471805599453));
	gm_node *lr = gm_schedule(r, "lr", gm_opt_real_in(r, "lr", 0, 10));
	gm_step *step = gm_run_compile(
		r, loss, bits, gm_adam(P, gm_mul_c(loss, 1 / numbers), .lr = lr), gm_run_ema(r, P));

	while (gm_next(r)) {
		gm_feed(r);
		gm_run_step(r, step);
		gm_report(r, "nats", loss), gm_report(r, "bits_per_number", bits);
	}
	return gm_end(r);
}

const gm_model gm_model_pixelcnn = {"pixelcnn",
                                    "PixelCNN, plain and gated (van den Oord et al. 2016)",
                                    "arXiv:1601.06759, arXiv:1606.05328", options, train};
