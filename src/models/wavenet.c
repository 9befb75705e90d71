/* SPDX-License-Identifier: MIT
 *
 * wavenet.c -- van den Oord, Dieleman, Zen, Simonyan, Vinyals, Graves, Kalchbrenner, Senior &
 * Kavukcuoglu, "WaveNet: a generative model for raw audio", 2016, arXiv:1609.03499.
 *
 * p(x) = prod_t p(x_t | x_1 .. x_{t-1}) (eq. 1): each factor is a softmax over 256 levels of the
 * sample's mu-law (section 2.2), computed by a stack of dilated causal convolutions (2.1) with
 * gated units tanh(W h + V g) sigmoid(W' h + V' g) (2.3, 2.5), residual and skip connections (2.4).
 * g: the class, and the class of another field (option with), which samples draw at random.
 * nn/wavenet.c has the net.
 *
 * The paper states neither channels nor training; these defaults are a small net for a processor,
 * and what is not in the paper follows github.com/ibab/tensorflow-wavenet: width 2 of all kernels,
 * the first one of two one-hot samples without bias, Xavier's weights, Adam with epsilon 1e-4.
 *
 * Differs from both: before the first sample each layer reads zeros, instead of a sound padded with
 * silence, and the loss counts every sample, so that generation with cached activations equals the
 * training's net from the first sample on. Recordings shorter than sound-length are followed by
 * silence, which the loss counts, so that samples end; likelihoods and scores leave it out.
 * Generation with cached activations: Le Paine et al. 2016, arXiv:1611.09482.
 */
#include "ganymede/model.h"

static const gm_option options[] = {
	{"data", "tones", "sounds"},
	{"sound-length", "4096", "samples of an example; 0: of the longest sound",
         GM_INT(0, 1 << 20)},
	{"batch", "8", "minibatch size m"},
	{"layers", "9", "layers of a stack, of dilations 1, 2, 4, ..", GM_INT(1, 14)},
	{"stacks", "2", "stacks of such layers", GM_INT(1, 16)},
	{"width", "32", "channels of the residual connections and of each half of the gates",
         GM_INT(1, 1024)},
	{"skip", "128", "channels of the skip connections", GM_INT(1, 4096)},
	{"levels", "256", "values of a sample after the mu-law", GM_INT(3, 4096)},
	{"conditional", "no", "condition the net on the class", GM_FLAG},
	{"with", "", "another field of classes that it is conditioned on, such as speaker",
         GM_TEXT},
	{"cached", "yes",
         "generate with cached activations; no: a pass over the whole sound for each sample",
         GM_FLAG, .resume = true},
	{"temperature", "1", "divides the logits when sounds are generated", GM_REAL(.01, 100),
         .resume = true},
	{"eps", "1e-4", "adam, rmsprop: added to the root of that mean", GM_REAL(1e-30, 1)},
	GM_OPTIMISER_OPTIONS("adam", "1e-3", "0.9", "constant"),
	{"grid", "2x4", "columns x rows of the sample pictures; auto: a row for each class"},
	{0},
};

static gm_node *logits_of(void *p, gm_causal *c, gm_node *x)
{
	gm_node *y = gm_wavenet_body(p, c, x);
	return y ? gm_permute(y, (int[]){0, 2, 3, 1}) : NULL;
}

/* What each sound is conditioned on [m,n]: its class, and numbers of the other field; or NULL. */
static gm_node *given(gm_run *r, gm_node *label, gm_node *with)
{
	gm_node *class = label ? gm_one_hot(label, gm_run_facts(r)->classes) : NULL;
	return class && with ? GM_CONCAT(1, class, with) : class ? class : with;
}

static int train(gm_run *r)
{
	const gm_facts *d = gm_run_facts(r);
	const int64_t m = gm_opt_int(r, "batch"), levels = gm_opt_int(r, "levels"), t = d->width;
	if (!d->rate)
		gm_run_error(r, "wavenet is trained on sounds, and option data names no sounds");
	gm_node *x = gm_batch(r, "example"), *length = d->rate ? gm_batch(r, "samples") : NULL;
	gm_node *label = gm_opt_flag(r, "conditional") ? gm_batch(r, "label") : NULL;
	gm_node *with = NULL, *drawn = NULL, *field = NULL;
	if (*gm_opt_str(r, "with")) { /* n numbers of a class, or one for a field of two */
		with = gm_attributes_batch(gm_attributes_open(r, "with", NULL));
		field = gm_option_field(r, "with");
		const int64_t n = gm_node_shape(with).dim[1];
		drawn = gm_noise(r, "with", GM_LATENT_ONE_HOT, m, n > 1 ? n : 2);
	}
	if (!length)
		return gm_end(r);
	gm_causal c = {gm_net_new(r, "W", .init = GM_XAVIER_UNIFORM(1)), m, 1, 1, t};
	gm_wavenet net = {.residual = gm_opt_int(r, "width"),
	                  .gates = gm_opt_int(r, "width"),
	                  .skip = gm_opt_int(r, "skip"),
	                  .levels = levels,
	                  .stacks = (int)gm_opt_int(r, "stacks"),
	                  .layers = (int)gm_opt_int(r, "layers"),
	                  .given = given(r, label, with)};
	gm_wavenet draws = net;
	gm_run_tell(r, "receptive field: %lld samples, %.1f ms", (long long)gm_wavenet_field(&net),
	            1e3 * (double)gm_wavenet_field(&net) / (double)d->rate);
	if (drawn)
		draws.given = given(r, label, gm_narrow(drawn, 1, 0, gm_node_shape(with).dim[1]));
	gm_node *level = gm_levels(gm_mu_law(x, (double)levels - 1), levels);
	gm_node *seen = gm_add_c(gm_mul_c(level, 2 / ((double)levels - 1)), -1);
	gm_node *logits = logits_of(&net, &c, seen);
	gm_node *nats = gm_levels_nll(logits, gm_reshape(level, GM_SHAPE(m, 1, t)), levels);
	nats = gm_reshape(nats, GM_SHAPE(m, t));
	gm_node *place = gm_reshape(gm_cast(gm_iota(gm_run_graph(r), t), GM_F32), GM_SHAPE(1, t));
	gm_node *end = gm_reshape(gm_cast(length, GM_F32), GM_SHAPE(m, 1));
	gm_node *inside = gm_less(place, end), *loss = gm_mean_all(nats);
	gm_node *sum = gm_sum(gm_mul(nats, inside), GM_AXES(1), false);
	gm_node *in[] = {x, length, label ? label : field, label ? field : NULL};
	const int n = 2 + (label != NULL) + (field != NULL);
	gm_endpoint_nodes(r, "log-likelihood", gm_neg(sum), in, n);
	in[1] = in[2], in[2] = in[3];
	gm_endpoint_nodes(r, "pixels", gm_reshape(logits, GM_SHAPE(m, 1, 1, t, levels)), in, n - 1);
	gm_run_raster(r, &(gm_raster){.whole = &c,
	                              .levels = levels,
	                              .image = x,
	                              .given = {label, drawn},
	                              .mu = (double)levels - 1,
	                              .temperature = gm_opt_real(r, "temperature"),
	                              .build = logits_of,
	                              .ctx = &draws,
	                              .cached = gm_opt_flag(r, "cached")});
	gm_node *bits = gm_mul_c(gm_div(gm_sum_all(sum), gm_sum_all(inside)), 1.4426950408889634);
	gm_node *moved = gm_move(r, c.net, loss, .average = true);
	gm_step *step = gm_run_compile(r, gm_logged(r, "loss", loss),
	                               gm_logged(r, "bits_per_sample", bits), moved);
	while (gm_next(r)) {
		gm_feed(r);
		gm_run_step(r, step);
	}
	return gm_end(r);
}

const gm_model gm_model_wavenet = {"wavenet",
                                   "WaveNet: sound, sample by sample (van den Oord et al. 2016)",
                                   "arXiv:1609.03499", options, train};
