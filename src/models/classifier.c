/* SPDX-License-Identifier: MIT
 *
 * classifier.c -- classifiers of images: feature extractors for metrics on small images (one counts
 * the 1000 modes of stacked MNIST, Metz et al., ICLR 2017, section 3.3.1), and baselines.
 *
 * --net conv: LeCun et al. 1998 with current layers: blocks of two 3x3 convolutions, the second of
 * stride 2, each with batch norm and relu, while both sides are 8 or more; channels double from
 * block to block. Of sounds it reads the spectrogram, in 64 bands. dcgan: the discriminator's
 * layers of Radford et al. 2016. squeezenet (Iandola et al. 2016), vgg16 (Simonyan & Zisserman
 * 2015): means over places. maxout: two layers of 240 units with 5 pieces, on pixels in [0,1], of
 * which dropout keeps .8 (Goodfellow et al. 2013). softmax: no layer. Then dropout, `features` relu
 * units, dropout (maxout and softmax: nothing), and one logit for each class. Weights by He et al.
 * 2015 (eq. 10); softmax cross-entropy; Adam whose rate falls to 0 along half a cosine (Loshchilov
 * & Hutter 2017, eq. 5 without restarts). Scores use the moving average of the weights.
 *
 * --adversarial a: adversarial training (Goodfellow, Shlens & Szegedy 2015, arXiv:1412.6572,
 * section 6), with the loss (1-a) J(x) + a J(x'), a = .5 in the paper; x' = x + epsilon
 * sign(dJ/dx), in [0,1], is made anew from the net in inference mode in each step. Batch norm's
 * running statistics are those of x.
 *
 * Endpoints: "classify": logits; "classify/attacked": those of x'; "features": what they read.
 */
#include "ganymede/model.h"

static const gm_option options[] = {
	{"net", "conv", "layers before the features",
         GM_CHOICE("conv|dcgan|squeezenet|vgg16|maxout|softmax")},
	{"batch", "128", "minibatch size m"},
	{"steps", "2400", "length of the training"},
	{"decay", "2400", "steps over which the rate falls to 0", GM_INT(1, GM_MANY),
         .resume = true, .only = "rate=auto"},
	{"width", "auto",
         "conv, dcgan: channels of the first block; maxout: units of a layer; auto: 24, 32, 240",
         GM_INT(1, 4096), .only = "net=conv|dcgan|maxout"},
	{"kernel", "4", "dcgan: kernel size", GM_INT(2, 9), .only = "net=dcgan"},
	{"layer", "auto", "the layer read; auto: the deepest", .only = "net=squeezenet|vgg16"},
	{"least-side", "96", "images are enlarged to sides of at least this", GM_INT(1, 1024),
         .only = "net=squeezenet|vgg16"},
	{"head", "keep", "logits with --from: keep those of the same shape, or start new ones",
         GM_CHOICE("keep|new"), .only = "from"},
	{"features", "128",
         "conv, dcgan: units before the logits, what scores compare; 0: none, the map itself",
         GM_INT(0, 65536), .only = "!net=maxout|softmax"},
	{"dropout", "0.5", "share of units dropped", GM_REAL(0, .99), .only = "!net=softmax"},
	{"smooth", "0", "label smoothing: the target of the true class is 1 less this",
         GM_REAL(0, .99)},
	{"adversarial", "0", "weight of the loss on attacked images; 0: no adversarial training",
         GM_REAL(0, 1)},
	{"epsilon", "0.25", "largest change of a pixel in [0,1] by attacks in training and scores",
         GM_REAL(0, 1)},
	GM_OPTIMISER_OPTIONS("adam", "1e-3", "0.9", "auto"),
	{"ema", "0.99", "decay of the moving average of the weights; 0: none"},
	{"metrics", "accuracy", "scores during the training, and at its end"},
	{0},
};

enum { CONV, DCGAN, SQUEEZENET, VGG16, MAXOUT, SOFTMAX }; /* of option net */

/* pictures [m,C,H,W], or sounds, to what the logits read, [m,..] */
static gm_node *body(gm_run *r, gm_net *C, gm_node *x)
{
	x = gm_run_facts(r)->rate ? gm_spectrogram(x, 128, 64) : x;
	const int net = gm_opt_choice(r, "net");
	const double keep = 1 - gm_opt_real(r, "dropout");
	if (net == MAXOUT) {
		const gm_mlp p = {2, gm_opt_int(r, "width"), GM_MAXOUT, 0, 5, keep, false};
		x = gm_mlp_body(C, gm_dropout(gm_example_rows(r, x), .keep = .2 + .8 * keep), &p);
	}
	if (net == MAXOUT || net == SOFTMAX)
		return net == SOFTMAX ? gm_example_rows(r, x) : x;
	const gm_dcgan p = net == DCGAN ? gm_opt_dcgan(r) : (gm_dcgan){0};
	x = net == DCGAN  ? gm_dcgan_down(&p, C, x)
	    : net == CONV ? gm_conv_pairs_body(C, x, gm_opt_int(r, "width"))
	                  : gm_opt_network(r, C, gm_opt_str(r, "net"), x);
	if (gm_opt_int(r, "features") > 0)
		x = gm_block(C, "features", gm_dropout(x, .keep = keep),
		             .out = gm_opt_int(r, "features"), .plain = true, .act = GM_RELU);
	return gm_dropout(x, .keep = keep);
}

static int train(gm_run *r)
{
	const double smooth = gm_opt_real(r, "smooth"), share = gm_opt_real(r, "adversarial");
	static const char *const widths[] = {"24", "32", "1", "1", "240", "1"};
	const gm_facts *d = gm_run_facts(r);
	int64_t classes = d->classes;
	gm_net *C = gm_net_new(r, "C", .init = GM_HE_NORMAL(0),
	                       .fresh = gm_opt_choice(r, "head") ? "logits/*" : NULL);
	gm_node *label = gm_batch(r, "label"), *image = gm_batch(r, d->rate ? "example" : "image");
	gm_node *x[2] = {image};
	if (classes < 2)
		gm_run_error(r, "classifier needs two classes or more"), classes = 2;
	if (d->rate ? d->width < 576 || gm_opt_choice(r, "net") : d->height < 8 || d->width < 8)
		gm_run_error(r,
		             "classifier needs 8 pixels, or 576 samples and --net conv, or more");
	gm_opt_auto(r, "width", "%s", widths[gm_opt_choice(r, "net")]);
	if (gm_opt_choice(r, "net") <= DCGAN)
		gm_net_normalise(C, gm_normaliser_find("batch"));
	gm_opt_rate(r, "cosine", "decay", NULL);

	gm_node *target = gm_mul_c(gm_one_hot(label, classes), 1 - smooth), *loss[2], *logits[2];
	target = gm_add_c(target, smooth / (double)classes);
	for (int i = 0; i < 2; i++) { /* of x, of x' */
		gm_node *h = body(r, C, x[i]);
		logits[i] = gm_linear(C, "logits", h, .out = classes, .init = GM_FAN_IN);
		loss[i] = gm_mean_all(gm_softmax_xent(logits[i], target));
		if (i == 0)
			gm_endpoint(r, "features", h, image);
		x[1] = gm_attack(loss[0], image, .reach = 2 * gm_opt_real(r, "epsilon"));
	}
	gm_endpoint(r, "classify", logits[0], image);
	gm_endpoint(r, "classify/attacked", logits[1], image, label);
	gm_node *right = gm_equal(gm_cast(gm_argmax(logits[0], 1), GM_F32), gm_cast(label, GM_F32));
	gm_node *whole = loss[0], *more = gm_logged(r, "batch_accuracy", gm_mean_all(right));
	if (share > 0) {
		whole = gm_add(gm_mul_c(loss[0], 1 - share), gm_mul_c(loss[1], share));
		more = gm_logged(r, "loss_attacked", loss[1]);
	}
	gm_step *step = gm_run_compile(r, gm_logged(r, "loss", loss[0]), more,
	                               gm_move(r, C, whole, .average = true));
	while (gm_next(r)) {
		gm_feed(r);
		gm_run_step(r, step);
	}
	return gm_end(r);
}

const gm_model gm_model_classifier = {"classifier",
                                      "A convolutional classifier, for scores to look through",
                                      "LeCun et al. 1998", options, train};
