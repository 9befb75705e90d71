/* SPDX-License-Identifier: MIT
 *
 * pixelcnn_ae.c -- the PixelCNN autoencoder of van den Oord, Kalchbrenner, Vinyals, Espeholt,
 * Graves & Kavukcuoglu, "Conditional image generation with PixelCNN decoders", NIPS 2016,
 * arXiv:1606.05328, sections 2.4 and 3.4, and the autoencoder that their figure 6 compares it with.
 *
 * An encoder maps an image x to a code h of nz numbers. --decoder pixelcnn: a gated PixelCNN whose
 * layers are tanh(W x + V h) sigmoid(U x + T h) gives each value of the image its probability,
 * given the values before it and h; encoder and decoder minimise -log p(x | h) together. As the
 * decoder models the details itself, h need not, and images that are sampled for one h differ in
 * them. --decoder mse: transposed convolutions from h to an image, and the squared error.
 *
 * The cost -log p(x | h(x)) in nats is not a bound of -log p(x): h has seen x. So the endpoint is
 * "log-likelihood/given-code", and scores of exact likelihoods do not find it.
 *
 * The encoder reads the grey image. Of two levels (--levels 2) the decoder's values are binary and
 * sampled for each minibatch with the grey values as probabilities.
 *
 * The paper gives neither nets nor settings of this experiment but m = 10 and 100. Ours: strided
 * 4x4 convolutions and a linear layer to h; the decoder is that of pixelcnn.c; Adam 1e-3. Of the
 * mse decoder the convolutions mirror the encoder's.
 */
#include "ganymede/model.h"

static const gm_option options[] = {
	{"decoder", "pixelcnn", "from codes to images", GM_CHOICE("pixelcnn|mse")},
	{"nz", "10", "numbers in a code", GM_INT(1, 65536)},
	{"batch", "32", "minibatch size m"},
	{"width", "32", "channels of the encoder's first map", GM_INT(1, 4096)},
	GM_PIXELCNN_OPTIONS("decoder=pixelcnn", "decoder=pixelcnn"),
	GM_OPTIMISER_OPTIONS("adam", "1e-3", "0.9", "constant"),
	{"grid", "4x4", "columns x rows of the sample pictures"},
	{0},
};

typedef struct nets {
	gm_net *E;
	gm_causal c;
	gm_pixelcnn body;
	int64_t nz, width;
	int halvings;
} nets;

/* images to codes [m,nz] */
static gm_node *encode(const nets *p, gm_node *x)
{
	return gm_linear(p->E, "h", gm_halving_body(p->E, x, p->width, p->halvings, .2),
	                 .out = p->nz);
}

/* codes to images, the decoder with the squared error */
static gm_node *decode(gm_run *r, const nets *p, gm_node *h)
{
	gm_net *P = p->c.net;
	int64_t c = p->width << (p->halvings - 1);
	gm_node *x = gm_block(P, "in", h, .out = c, .height = p->c.height >> p->halvings,
	                      .width = p->c.width >> p->halvings, .act = GM_RELU);
	for (int i = p->halvings - 1; i > 0; i--)
		x = gm_block(P, gm_name(r, "up%d", i), x, .out = c >>= 1, GM_BY_TWO, .up = true,
		             .act = GM_RELU);
	return gm_tanh(gm_conv_transposed(P, "image", x, .out = p->c.channels, GM_BY_TWO));
}

static gm_node *logits_of(void *ctx, gm_causal *c, gm_node *x)
{
	return gm_pixelcnn_logits(&((const nets *)ctx)->body, c, x);
}

/* Declares the PixelCNN's endpoints; returns -log p(x | h) [m]. */
static gm_node *pixelcnn(gm_run *r, nets *p, gm_node *x, gm_node *h)
{
	int64_t levels = p->body.levels;
	gm_node *u = gm_uniform(gm_run_graph(r), gm_node_shape(x));
	gm_node *level =
		levels > 2 ? gm_levels(x, levels) : gm_less(u, gm_mul_c(gm_add_c(x, 1), .5));
	gm_node *seen = gm_add_c(gm_mul_c(level, 2 / ((double)levels - 1)), -1);
	p->body.given = h;
	gm_node *nats = gm_levels_nll(logits_of(p, &p->c, seen), level, levels);
	nats = gm_sum(nats, GM_AXES(1, 2, 3), false);
	gm_endpoint(r, "log-likelihood/given-code", gm_neg(nats), x);
	gm_endpoint(r, "pixels", logits_of(p, &p->c, x), x, h);
	p->body.given = gm_process_state(r, "code", gm_node_shape(h), GM_F32);
	gm_run_raster(r, &(gm_raster){.whole = &p->c,
	                              .levels = levels,
	                              .image = x,
	                              .code = p->body.given,
	                              .coded = {{"decode", h, h}, {"reconstruct", h, x}},
	                              .build = logits_of,
	                              .ctx = p,
	                              .cached = gm_opt_flag(r, "cached")});
	return nats;
}

static int train(gm_run *r)
{
	const gm_facts *f = gm_run_facts(r);
	gm_node *x = gm_batch(r, "image"), *loss, *logged;
	gm_net *E = gm_net_new(r, "E"), *P = gm_net_new(r, "P");
	nets p = {.E = E,
	          .c = {P, gm_opt_int(r, "batch"), f->channels, f->height, f->width},
	          .body = gm_opt_pixelcnn(r),
	          .nz = gm_opt_int(r, "nz"),
	          .width = gm_opt_int(r, "width"),
	          .halvings = gm_want_halvings(r, 1, 8, 4)};
	gm_node *h = encode(&p, x);
	gm_endpoint(r, "encode", h, x);
	gm_endpoint(r, "features", h, x);
	if (gm_opt_choice(r, "decoder") == 0) {
		logged = gm_logged(r, "nats_given_code", gm_mean_all(pixelcnn(r, &p, x, h)));
		loss = gm_mul_c(logged, 1 / (double)f->numel);
	} else {
		gm_node *y = decode(r, &p, h);
		gm_endpoint(r, "decode", y, h);
		gm_endpoint(r, "reconstruct", y, x);
		loss = logged = gm_logged(r, "squared_error", gm_squared_error(y, x));
	}
	gm_step *step = gm_run_compile(r, logged, gm_move(r, E, loss, .average = true),
	                               gm_move(r, P, loss, .average = true));
	while (gm_next(r)) { /* for each minibatch */
		gm_feed(r);
		gm_run_step(r, step);
	}
	return gm_end(r);
}

const gm_model gm_model_pixelcnn_ae = {
	"pixelcnn-ae", "Autoencoder with a PixelCNN as its decoder (van den Oord et al. 2016)",
	"arXiv:1606.05328", options, train};
