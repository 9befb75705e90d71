/* SPDX-License-Identifier: MIT
 *
 * sda.c -- stacked denoising autoencoders: Vincent, Larochelle, Bengio & Manzagol, ICML 2008, and
 * JMLR 11, 2010; without corruption the stacked autoencoders of Bengio, Lamblin, Popovici &
 * Larochelle, NIPS 2006. Settings: github.com/lisa-lab/DeepLearningTutorials, dA.py and SdA.py.
 *
 * Three hidden layers h_i = sigmoid(W_i h_(i-1) + b_i), h_0 = x in [0,1]. They are trained in turn,
 * each to reconstruct its own clean input from a corrupted one, with tied weights:
 * sigmoid(W_i' h_i + b'_i), minimising the cross-entropy, summed over units, mean over the
 * minibatch; the layers below do not move. Corruption sets inputs to 0 with probability .1, .2, .3.
 * Then a softmax layer that starts at 0 is put on top, and all layers are fine-tuned to minimise
 * -log p(label | x). SGD, rate .001 a layer and .1 after that, minibatches of one example. W_i
 * uniform in +-4 sqrt(6 / (in + out)).
 *
 * --layerI-kimg 0 leaves out a pre-training. --labels-per-class fine-tunes on few labels, after a
 * pre-training on all. Differs: minibatches of 20, rates 20 times (pre-training) and once as large;
 * a length instead of early stopping on a validation set; examples in random order.
 */
#include "ganymede/model.h"

enum { LAYERS = 3 };

static const gm_option options[] = {
	{"batch", "20", "minibatch size m"},
	{"width", "1000", "units of each hidden layer", GM_INT(1, 65536)},
	{"corrupt", "0.1",
         "share of the pixels set to 0 in pre-training the first layer; 2 and 3 "
         "times as much in the others",
         GM_REAL(0, .33)},
	{"layer1-kimg", "750", "pre-training of layer 1, thousands of examples", GM_REAL(0, 1e9)},
	{"layer2-kimg", "750", "of layer 2", GM_REAL(0, 1e9)},
	{"layer3-kimg", "750", "of layer 3", GM_REAL(0, 1e9)},
	{"labels-per-class", "0", "labelled examples of each class for fine-tuning; 0: all",
         GM_INT(0, 1 << 20)},
	{"lr-pretrain", "0.02", "learning rate of pre-training", GM_REAL(0, 1e30), .resume = true},
	GM_OPTIMISER_OPTIONS("sgd", "0.1", "0.9", "constant"),
	{"metrics", "accuracy", "scores during the training, and at its end"},
	{0},
};

typedef struct stack {
	gm_net *net[LAYERS], *top; /* top: the softmax layer */
	gm_node *weight[LAYERS], *bias[LAYERS], *back[LAYERS];
} stack;

static stack make_stack(gm_run *r, int64_t inputs, int64_t width)
{
	static const char *const names[LAYERS] = {"layer1", "layer2", "layer3"};
	stack s = {.top = gm_net_new(r, "top")};
	for (int i = 0; i < LAYERS; i++) {
		const int64_t in = i ? width : inputs;
		s.net[i] = gm_net_new(r, names[i]);
		s.weight[i] = gm_net_var(s.net[i], "weight", GM_SHAPE(in, width),
		                         .init = GM_XAVIER_UNIFORM(4));
		s.bias[i] = gm_net_var(s.net[i], "bias", GM_SHAPE(width));
		s.back[i] = gm_net_var(s.net[i], "back", GM_SHAPE(in));
	}
	return s;
}

static gm_node *up(const stack *s, int i, gm_node *x)
{
	return gm_sigmoid(gm_add(gm_matmul(x, s->weight[i], false, false), s->bias[i]));
}

/* logits of the reconstruction of layer i's input */
static gm_node *down(const stack *s, int i, gm_node *h)
{
	return gm_add(gm_matmul(h, s->weight[i], false, true), s->back[i]);
}

static gm_node *classify(const stack *s, gm_node *x, int64_t classes, gm_node **top)
{
	for (int i = 0; i < LAYERS; i++)
		x = up(s, i, x);
	*top = x;
	return gm_linear(s->top, "logits", x, .out = classes, .init = GM_ZEROS);
}

static int train(gm_run *r)
{
	static const char *const phases[] = {"layer1", "layer2", "layer3", "finetune", NULL},
				 *const errors[LAYERS] = {"error1", "error2", "error3"};
	const gm_facts *f = gm_run_facts(r);
	const int64_t few = gm_opt_int(r, "labels-per-class"), k = f->classes > 1 ? f->classes : 2;
	if (f->points || f->classes < 2)
		gm_run_error(r, "sda needs images of two classes or more");
	stack s = make_stack(r, f->numel, gm_opt_int(r, "width"));
	gm_node *example = gm_batch(r, "example"), *label = gm_batch(r, "label"), *top;
	gm_node *x = gm_example_rows(r, example), *h = x, *y = classify(&s, x, k, &top);

	gm_step *step[LAYERS + 1];
	for (int i = 0; i < LAYERS; i++) {
		const double share = gm_opt_real(r, "corrupt") * (i + 1);
		gm_node *code = up(&s, i, gm_masking_noise(h, share));
		gm_node *error = gm_sum(gm_sigmoid_xent(down(&s, i, code), h), GM_AXES(1), false);
		error = gm_mean_all(error);
		step[i] = gm_run_compile(r, gm_logged(r, errors[i], error),
		                         gm_move(r, s.net[i], error, .which = "pretrain"));
		h = gm_stop_gradient(up(&s, i, h));
	}
	gm_endpoint(r, "classify", y, example);
	gm_endpoint(r, "features", top, example);
	gm_endpoint(r, "encode", top, example);
	gm_node *back = top;
	for (int i = LAYERS - 1; i >= 0; i--)
		back = gm_sigmoid(down(&s, i, back));
	back = gm_rows_example(r, back);
	gm_endpoint(r, "decode", back, top);
	gm_endpoint(r, "reconstruct", back, example);

	if (few) {
		gm_stream *labelled = gm_stream_open(r, "labelled", .per_class = few);
		y = classify(&s, gm_example_rows(r, gm_stream_batch(labelled, "example")), k, &top);
		label = gm_stream_batch(labelled, "label");
	}
	gm_node *loss = gm_mean_all(gm_softmax_xent(y, label));
	step[LAYERS] = gm_run_compile(r, gm_logged(r, "loss", loss), gm_move(r, s.net[0], loss),
	                              gm_move(r, s.net[1], loss), gm_move(r, s.net[2], loss),
	                              gm_move(r, s.top, loss));
	while (gm_next(r)) { /* for each minibatch */
		const int phase = gm_phase(r, phases, NULL);
		gm_feed(r);
		gm_run_step(r, step[phase]);
	}
	return gm_end(r);
}

const gm_model gm_model_sda = {"sda", "Stacked denoising autoencoders (Vincent et al. 2008)",
                               "JMLR 11:3371", options, train};
