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
	GM_PIXELCNN_OPTIONS(NULL, "gated"),
	{"conditional", "no", "condition the net on the class", GM_FLAG, .only = "gated"},
	GM_OPTIMISER_OPTIONS("adam", "1e-3", "0.9", "constant"),
	{"grid", "4x4", "columns x rows of the sample pictures; auto: a row for each class"},
	{0},
};

typedef struct net {
	gm_causal c;
	gm_pixelcnn body;
} net;

static gm_node *logits_of(void *ctx, gm_causal *c, gm_node *x)
{
	return gm_pixelcnn_logits(&((const net *)ctx)->body, c, x);
}

static int train(gm_run *r)
{
	gm_node *x = gm_batch(r, "image");
	const gm_facts *d = gm_run_facts(r);
	gm_pixelcnn body = gm_opt_pixelcnn(r);
	int64_t levels = body.levels;
	body.gated = gm_opt_flag(r, "gated");
	if (gm_opt_flag(r, "conditional"))
		body.label = gm_batch(r, "label"), body.classes = d->classes;
	if (body.label && !body.gated)
		gm_run_error(r, "option conditional: only the gated net takes the class");
	if (levels == 2)
		gm_want_binary(r, "stochastic");
	net p = {{gm_net_new(r, "P"), gm_opt_int(r, "batch"), d->channels, d->height, d->width},
	         body};
	gm_node *label = body.label, *level = gm_levels(x, levels);
	gm_node *seen = gm_add_c(gm_mul_c(level, 2 / ((double)levels - 1)), -1);
	gm_node *logits = logits_of(&p, &p.c, seen);
	gm_node *nats = gm_sum(gm_levels_nll(logits, level, levels), GM_AXES(1, 2, 3), false);
	gm_node *loss = gm_mean_all(nats);
	gm_node *given = logits_of(&p, &p.c, x);
	int inputs = label ? 2 : 1;
	gm_endpoint_nodes(r, "log-likelihood", gm_neg(nats), (gm_node *[]){x, label}, inputs);
	gm_endpoint_nodes(r, "pixels", given, (gm_node *[]){x, label}, inputs);
	gm_run_raster(r, &(gm_raster){.whole = &p.c,
	                              .levels = levels,
	                              .image = x,
	                              .given = {label},
	                              .build = logits_of,
	                              .ctx = &p,
	                              .cached = body.gated && gm_opt_flag(r, "cached")});
	double numbers = (double)d->numel;
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
