/* SPDX-License-Identifier: MIT
 *
 * pixelcnn.c -- van den Oord, Kalchbrenner & Kavukcuoglu, "Pixel recurrent neural networks", ICML
 * 2016, arXiv:1601.06759 (--gated no: section 3.4, table 1), and van den Oord, Kalchbrenner,
 * Vinyals, Espeholt, Graves & Kavukcuoglu, "Conditional image generation with PixelCNN decoders",
 * NIPS 2016, arXiv:1606.05328 (--gated yes: section 2, figure 2, eq. 2 and 4).
 *
 * p(x) = prod_i p(x_i | x_1 .. x_{i-1}), values in raster order, the channels of a pixel in turn;
 * each factor is a softmax over levels (a sigmoid for two), computed by masked convolutions. Mask A
 * excludes the value itself, mask B includes it; feature k of n belongs to channel floor(k C / n).
 *
 * gated: a vertical stack sees all rows above, a horizontal one the values to the left and, through
 * 1x1 convolutions, the vertical stack; both are tanh(W x + V h) sigmoid(U x + T h), h the class.
 * plain: 7x7 of mask A, residual blocks 1x1, kxk, 1x1 of mask B, which have a blind spot above on
 * the right (nn/pixelcnn.c). A gated net samples with cached activations.
 *
 * Differs: Adam instead of RMSProp; small nets (the papers: 128 features, 15 layers). MNIST's
 * published figures are for one fixed binarisation (Salakhutdinov & Murray 2008; --binarise fixed
 * is another one); by default the pixels of each batch are sampled again.
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
	{"conditional", "no", "condition the net on the class", GM_FLAG},
	{"cached", "yes",
         "the gated net samples with cached activations; no: a pass over the whole image for each "
         "value",
         GM_FLAG, .resume = true},
	GM_OPTIMISER_OPTIONS("adam", "1e-3", "0.9", "constant"),
	{"grid", "4x4", "columns x rows of the sample pictures; auto: a row for each class"},
	{0},
};

enum { OUTPUTS = 4096 };

typedef struct net {
	gm_causal c;
	gm_pixelcnn body;
	int64_t levels;
} net;

/* numbers to logits [m,C,H,W], or [m,C,H,W,L] for L levels above two; by rows NULL */
static gm_node *logits_of(void *ctx, gm_causal *c, gm_node *x)
{
	const net *p = ctx;
	int64_t l = p->levels == 2 ? 1 : p->levels;
	gm_node *h = gm_pixelcnn_body(&p->body, c, x);
	if (c->mode == GM_CAUSAL_ROW)
		return NULL;
	h = gm_causal_conv(c, "head", gm_relu(h), .out = 2 * p->body.features, .mask = 'B');
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
	gm_opt_auto(r, "levels", d->channels == 1 ? "2" : "256");
	net p = {
		.c = {gm_net_new(r, "P"), gm_opt_int(r, "batch"), d->channels, d->height, d->width},
		.body = {gm_opt_int(r, "features"), (int)gm_opt_int(r, "layers"),
	                 (int)gm_opt_int(r, "kernel"), (int)gm_opt_int(r, "first"),
	                 gm_opt_flag(r, "gated")},
		.levels = gm_opt_int(r, "levels")};
	if (gm_opt_flag(r, "conditional"))
		p.body.label = gm_batch(r, "label"), p.body.classes = d->classes;
	if (p.body.kernel % 2 == 0 || p.body.first % 2 == 0)
		gm_run_error(r, "options kernel and first are odd, for a window has a centre");
	if (d->channels * p.levels > OUTPUTS)
		gm_run_error(r, "option levels: %d levels of %d channels; there can be %d in all",
		             (int)p.levels, (int)d->channels, OUTPUTS);
	if (p.body.features < d->channels)
		gm_run_error(r, "option features: at least one for each of %d channels",
		             (int)d->channels);
	if (p.body.label && !p.body.gated)
		gm_run_error(r, "option conditional: only the gated net takes the class");
	return p;
}

static int train(gm_run *r)
{
	gm_node *x = gm_batch(r, "image");
	net p = make_net(r);
	gm_node *label = p.body.label;
	gm_node *level = gm_levels(x, p.levels);
	if (p.levels == 2)
		gm_want_binary(r, "stochastic");
	gm_node *seen = gm_add_c(gm_mul_c(level, 2 / ((double)p.levels - 1)), -1);
	gm_node *logits = logits_of(&p, &p.c, seen);
	gm_node *nats = gm_sum(gm_levels_nll(logits, level, p.levels), GM_AXES(1, 2, 3), false);
	gm_node *loss = gm_mean_all(nats);
	gm_node *given = logits_of(&p, &p.c, x);
	int inputs = label ? 2 : 1;
	gm_endpoint_nodes(r, "log-likelihood", gm_neg(nats), (gm_node *[]){x, label}, inputs);
	gm_endpoint_nodes(r, "pixels", given, (gm_node *[]){x, label}, inputs);
	gm_run_raster(r, &(gm_raster){.whole = &p.c,
	                              .levels = p.levels,
	                              .image = x,
	                              .given = {label},
	                              .build = logits_of,
	                              .ctx = &p,
	                              .cached = p.body.gated && gm_opt_flag(r, "cached")});
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
