/* SPDX-License-Identifier: MIT
 *
 * classifier.c -- a small convolutional classifier: a feature extractor for metrics on small images
 * (it counts the 1000 modes of stacked MNIST, Metz et al., ICLR 2017, section 3.3.1), and a
 * baseline. LeCun et al. 1998 with current layers.
 *
 * Blocks of two 3x3 convolutions, the second of stride 2, each with batch norm and relu, while both
 * sides are 8 or more; channels double from block to block. Then dropout, `features` relu units,
 * dropout, and one logit for each class. Weights by He et al. 2015 (eq. 10); softmax cross-entropy;
 * Adam whose rate falls to 0 along half a cosine (Loshchilov & Hutter 2017, eq. 5 without
 * restarts). Samples and scores use the moving average of the weights.
 *
 * Endpoints: "classify" gives logits, "features" the relu units before them. It draws nothing.
 */
#include "ganymede/model.h"

static const gm_option options[] = {
	{"batch", "128", "minibatch size m"},
	{"steps", "2400", "length of the training"},
	{"decay", "2400", "steps over which the rate falls to 0", GM_INT(1, GM_MANY),
         .resume = true},
	{"width", "24", "channels of the first block", GM_INT(1, 4096)},
	{"features", "128", "units before the logits: what scores compare", GM_INT(1, 65536)},
	{"dropout", "0.5", "share of units that are dropped", GM_REAL(0, .99)},
	{"smooth", "0", "label smoothing: the target of the true class is 1 less this",
         GM_REAL(0, .99)},
	GM_OPTIMISER_OPTIONS("adam", "1e-3", "0.9", "auto"),
	{"ema", "0.99", "decay of the moving average of the weights; 0: none"},
	{"metrics", "accuracy", "scores during the training, and at its end"},
	{0},
};

/* pictures [m,C,H,W] to [m, features] */
static gm_node *body(gm_run *r, gm_net *C, gm_node *x, double keep)
{
	int64_t f = gm_opt_int(r, "width"), h = gm_run_facts(r)->height, w = gm_run_facts(r)->width;
	if (h < 8 || w < 8)
		gm_run_error(r, "classifier needs pictures of 8 pixels or more; these are %dx%d",
		             (int)w, (int)h);
	for (; h >= 8 && w >= 8; f *= 2) {
		for (int i = 0; i < 2; i++)
			x = gm_block(C, gm_name(r, "%dx%d/%c", (int)h, (int)w, "ab"[i]), x,
			             .out = f, .kernel = 3, .stride = 1 + i, .pad = 1,
			             .act = GM_RELU);
		h = (h + 1) / 2, w = (w + 1) / 2;
	}
	return gm_block(C, "features", gm_dropout(x, .keep = keep),
	                .out = gm_opt_int(r, "features"), .plain = true, .act = GM_RELU);
}

static int train(gm_run *r)
{
	int64_t classes = gm_run_facts(r)->classes;
	double keep = 1 - gm_opt_real(r, "dropout"), smooth = gm_opt_real(r, "smooth");
	gm_net *C = gm_net_new(r, "C", .init = GM_HE_NORMAL(0));
	gm_node *x = gm_batch(r, "image"), *label = gm_batch(r, "label");
	if (classes < 2) {
		gm_run_error(r, "classifier needs two classes or more");
		classes = 2;
	}
	gm_net_normalise(C, gm_normaliser_find("batch"));
	gm_opt_rate(r, "cosine", "decay", NULL);

	gm_node *features = body(r, C, x, keep);
	gm_node *logits = gm_linear(C, "logits", gm_dropout(features, .keep = keep), .out = classes,
	                            .init = GM_FAN_IN);
	gm_node *target = gm_mul_c(gm_one_hot(label, classes), 1 - smooth);
	gm_node *loss =
		gm_mean_all(gm_softmax_xent(logits, gm_add_c(target, smooth / (double)classes)));
	gm_node *right = gm_equal(gm_cast(gm_argmax(logits, 1), GM_F32), gm_cast(label, GM_F32));
	gm_endpoint(r, "features", features, x);
	gm_endpoint(r, "classify", logits, x);

	gm_step *step = gm_run_compile(r, gm_logged(r, "loss", loss),
	                               gm_logged(r, "batch_accuracy", gm_mean_all(right)),
	                               gm_move(r, C, loss, .average = true));
	while (gm_next(r)) {
		gm_feed(r);
		gm_run_step(r, step);
	}
	return gm_end(r);
}

const gm_model gm_model_classifier = {"classifier",
                                      "A convolutional classifier, for scores to look through",
                                      "LeCun et al. 1998", options, train};
