/* SPDX-License-Identifier: MIT
 *
 * unit.c -- Liu, Breuel & Kautz, "Unsupervised image-to-image translation networks", NIPS 2017,
 * arXiv:1703.00848: eq. 1 to 5, section 5 (adaptation), and the authors' code for digits
 * (github.com/mingyuliutw/UNIT, version_01 and version_02: cocogan_nets_da.py, svhn2mnist.yaml).
 *
 * Images a have labels, b have none. Encoders and decoders of both domains share their inner
 * layers, so both have one latent z; translation is encoding from one domain and decoding to the
 * other. G (all of them) is a VAE of both domains and plays against D, which has a first layer for
 * each domain, shared features f and two heads: real or not, and the class.
 *	D  BCE(real, 1) + .5 [BCE(translations, 0) + BCE(reconstructions, 0)] + class CE(class of a)
 *	   + features [|f(x_ab) - f(x_aa)|^2 + |f(x_ba) - f(x_bb)|^2], f without dropout
 *	G  BCE(translations, 1) + BCE(reconstructions, 1) + recon |x - x'|^2, a sum over pixels,
 *	   + 2 kl KL(z)
 * Nets: nn/coupled.c. Batch norm in G, leaky relu .01; dropout in D. G N(0, .02), D by Glorot with
 * gain sqrt 2, biases .1. Adam, 2e-4, beta1 .5, weight decay 5e-4, batch 64 of each; D, then G.
 * Differs: one logit for real or not (theirs: two); norms have a gain; kernels of whole maps depend
 * on the size; endpoints use the mean of z; b is not extended by negatives; the score is that of
 * the last step (theirs: the best of many on the test set).
 */
#include "ganymede/model.h"

static const gm_option options[] = {
	{"data", "glyphs", "domain a, with labels"},
	{"data-b", "glyphs", "domain b; its labels are not used", GM_PATH},
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

/* n logits of D's features */
static gm_node *head(const gm_coupled *p, const char *name, gm_node *h, int64_t n)
{
	return gm_linear(p->D, name, h, .out = n, .bias = GM_CONSTANT(.1));
}

/* mean cross-entropy of the logit "real" of images whose target is 0 or 1 */
static gm_node *judged(const gm_coupled *p, gm_node *a, gm_node *b, double target)
{
	gm_node *y = head(p, "real", gm_coupled_features(p, a, b, true), 1);
	return gm_mean_all(gm_sigmoid_xent(y, gm_scalar(gm_node_graph(y), target)));
}

/* squared difference: sum over numbers, mean over the m examples of each domain */
static gm_node *squared(gm_node *x, gm_node *y, int64_t m)
{
	return gm_mul_c(gm_sum_all(gm_square(gm_sub(x, y))), 1. / (double)m);
}

static int train(gm_run *r)
{
	const gm_facts *f = gm_run_facts(r);
	int64_t m = gm_opt_int(r, "batch");
	const gm_coupled p = {.G = gm_net_new(r, "G", .init = GM_NORMAL(0, .02)),
	                      .D = gm_net_new(r, "D", .init = GM_XAVIER_UNIFORM(1.4142)),
	                      .side = f->own_height,
	                      .channels = f->channels,
	                      .width = gm_opt_int(r, "width"),
	                      .width_d = gm_opt_int(r, "width-d"),
	                      .share = gm_opt_flag(r, "share")};
	gm_opt_norms(r, p.G, p.D);
	if (p.side % 16 || p.side != f->own_width)
		gm_run_error(r, "unit needs square images of a multiple of 16 pixels: --size 32");
	gm_node *a = gm_batch(r, "image"), *label = gm_batch(r, "label");
	gm_node *b = gm_stream_batch(gm_stream_open(r, "second", .data = "data-b"), "image");
	gm_node *sigma, *mu = gm_coupled_encode(&p, a, b, &sigma);
	gm_node *z = gm_add(mu, gm_mul(sigma, gm_randn(gm_node_graph(a), gm_node_shape(mu))));
	gm_node *to_a = gm_coupled_decode(&p, z, 0), *to_b = gm_coupled_decode(&p, z, 1);
	gm_node *aa = gm_half(to_a, 0), *ba = gm_half(to_a, 1);
	gm_node *ab = gm_half(to_b, 0), *bb = gm_half(to_b, 1);
	gm_node *real = gm_coupled_features(&p, a, b, true);
	gm_node *class = gm_mean_all(
		gm_softmax_xent(head(&p, "class", gm_half(real, 0), f->classes), label));
	gm_node *ft = gm_coupled_features(&p, ba, ab, false),
		*fr = gm_coupled_features(&p, aa, bb, false);
	gm_node *distance = gm_add(squared(gm_half(ft, 1), gm_half(fr, 0), m),
	                           squared(gm_half(ft, 0), gm_half(fr, 1), m));
	gm_node *fakes = gm_add(judged(&p, ba, ab, 0), judged(&p, aa, bb, 0));
	gm_node *loss_d = gm_add(judged(&p, a, b, 1), gm_mul_c(fakes, .5));
	loss_d = gm_add(loss_d, gm_mul_c(class, gm_opt_real(r, "class")));
	loss_d = gm_add(loss_d, gm_mul_c(distance, gm_opt_real(r, "features")));

	gm_node *error = squared(gm_both(aa, bb), gm_both(a, b), m);
	gm_node *kl = gm_mul_c(gm_sum_all(gm_normal_kl(mu, gm_log(sigma))), 1. / (double)m);
	gm_node *fooled = gm_add(judged(&p, ba, ab, 1), judged(&p, aa, bb, 1));
	gm_node *loss_g = gm_mul_c(fooled, gm_opt_real(r, "adversarial"));
	loss_g = gm_add(loss_g, gm_mul_c(error, gm_opt_real(r, "recon")));
	loss_g = gm_add(loss_g, gm_mul_c(kl, 2 * gm_opt_real(r, "kl")));

	gm_node *mean[2] = {gm_coupled_encode(&p, a, NULL, NULL),
	                    gm_coupled_encode(&p, NULL, b, NULL)};
	for (int i = 0; i < 2; i++) {
		gm_node *x = i ? b : a,
			*features = gm_coupled_features(&p, i ? NULL : a, i ? b : NULL, false);
		gm_endpoint(r, i ? "translate/back" : "translate",
		            gm_coupled_decode(&p, mean[i], 1 - i), x);
		gm_endpoint(r, i ? "reconstruct/back" : "reconstruct",
		            gm_coupled_decode(&p, mean[i], i), x);
		gm_endpoint(r, i ? "classify/b" : "classify",
		            head(&p, "class", features, f->classes), x);
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
