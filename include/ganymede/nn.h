/* SPDX-License-Identifier: MIT
 *
 * nn.h -- nets, layers, normalisers, games, optimisers.
 *
 * A net is a set of named variables. A layer is a function that gets its variables from the net,
 * under the layer's name, and returns an expression. The first call creates and initialises them;
 * later calls with the same name share them. So one discriminator can be applied to real and to
 * fake images:
 *
 *	gm_net *D = gm_net_create(g, "D", .seed = 1);
 *	gm_node *h = gm_conv(D, "14x14", x, .out = 64, .kernel = 4, .stride = 2, .pad = 1);
 *	gm_node *logits = gm_linear(D, "logits", gm_leaky_relu(h, .2), .out = 1);
 *	// variables D/14x14/weight, D/14x14/bias, D/logits/weight, D/logits/bias
 *	gm_node *loss = gm_mean_all(gm_sigmoid_xent(logits, gm_scalar(g, 1)));
 *	gm_step *s = gm_compile(g, loss, gm_adam(D, loss, .lr = gm_scalar(g, 2e-4), .beta1 = .5));
 *	...
 *	gm_net_free(D); gm_graph_free(g);                            // in this order
 *
 * Layers take named arguments; omitted fields are zero, which means the default given beside each
 * field. No function returns NULL and none needs a check: errors are stored in the graph, as
 * everywhere in graph.h.
 *
 * Initial values are a function of (seed, full name of the variable), so adding a layer does not
 * change those of other layers.
 */
#ifndef GANYMEDE_NN_H
#define GANYMEDE_NN_H

#include "ganymede/graph.h"

GM_BEGIN_C

/* ---- nets ------------------------------------------------------------------------------------ */

typedef struct gm_net gm_net;

typedef enum gm_role {
	GM_PARAM,  /* learned parameter, updated by optimisers */
	GM_STAT,   /* running statistic of a normalisation layer */
	GM_MOMENT, /* optimiser state: velocities, moments, step counts */
	/* moving average of a parameter or statistic; its name ends in .ema: weight.ema */
	GM_AVERAGE,
	GM_FROZEN /* parameter that optimisers do not update (gm_net_freeze) */
} gm_role;

typedef struct gm_net_options {
	uint64_t seed; /* of initial values */
	/* leave all variables zero, to save time when a checkpoint will be loaded */
	bool blank;
	/* with several ranks: batch norm uses the statistics of each rank, not of the whole batch
	 * (no SyncBatchNorm) */
	bool local_norm;
	/* called before a variable is created, to validate untrusted input; returning false makes
	 * it an error */
	bool (*accept)(void *ctx, const char *full_name, gm_shape shape, gm_role role);
	void *ctx;
	/* patterns (fnmatch(3)) of names, full or within the net, separated by commas; or NULL.
	 * Parameters that match are GM_FROZEN from the start, statistics that match keep their
	 * values: batch norm whose statistics match uses the running ones in training too */
	const char *freeze;
} gm_net_options;

/* The name is the first part of every variable's name. The caller frees the net; the graph owns its
 * variables. */
#define gm_net_create(g, name, ...) gm_net_create_(g, name, (gm_net_options){__VA_ARGS__})
GM_API gm_net *gm_net_create_(gm_graph *g, const char *name, gm_net_options o);
GM_API void gm_net_free(gm_net *n); /* NULL is allowed */
GM_API const char *gm_net_name(const gm_net *n);
GM_API gm_graph *gm_net_graph(const gm_net *n);

typedef struct gm_net_entry {
	const char *name; /* full: "G/32x32/weight" */
	gm_node *node;
	gm_role role;
	gm_node *average; /* its moving average if an optimiser keeps one, else NULL */
} gm_net_entry;

/* All variables of the net in order of creation; i from 0 to gm_net_count - 1. */
GM_API int gm_net_count(const gm_net *n);
GM_API gm_net_entry gm_net_at(const gm_net *n, int i);
GM_API gm_node *gm_net_find(const gm_net *n, const char *full_name); /* or NULL */
/* number of elements of all GM_PARAM and GM_FROZEN variables */
GM_API int64_t gm_net_parameters(const gm_net *n);

/* The value of a layer (gm_conv, gm_linear, gm_block, ..) where it was called first, of layer i =
 * 0, 1, .. in order of creation; *name: its name within the net. NULL after the last. */
GM_API gm_node *gm_net_layer(const gm_net *n, int i, const char **name);

/* pattern: an fnmatch(3) pattern for names within the net: "head/" "*" matches all variables of
 * layer head; NULL matches all. It selects from the GM_PARAM variables that exist at the time of
 * the call. */

/* Makes the matching parameters GM_FROZEN: they are saved and loaded, but optimisers created later
 * do not update them. Returns their number. */
GM_API int gm_net_freeze(gm_net *n, const char *pattern);
/* Fills out with the matching parameters, at most room, in order of creation; returns their
 * number. */
GM_API int gm_net_params(const gm_net *n, const char *pattern, gm_node **out, int room);
/* Functional call: until the next call of gm_net_with, layers read substitute[i] in place of
 * params[i]. count 0: no substitution. For unrolled optimisers, line searches, meta-learning. */
GM_API void gm_net_with(gm_net *n, gm_node *const *params, gm_node *const *substitute, int count);

/* ---- initialisers ---------------------------------------------------------------------------- */

typedef struct gm_init {
	int kind; /* gm_init_kind, a row of the table in nn/init.c; 0: the layer's default */
	double a, b;
	/* for GM_GIVEN: all elements of the variable; must stay valid until the layer function
	 * returns */
	const double *values;
} gm_init;

enum gm_init_kind {
	GM_INIT_DEFAULT,
	GM_INIT_CONSTANT,
	GM_INIT_NORMAL,
	GM_INIT_UNIFORM,
	GM_INIT_FAN_IN,
	GM_INIT_XAVIER_UNIFORM,
	GM_INIT_XAVIER_NORMAL,
	GM_INIT_HE_NORMAL,
	GM_INIT_HE_UNIFORM,
	GM_INIT_ORTHOGONAL,
	GM_INIT_GIVEN,
	GM_INIT_KINDS
};

#define GM_CONSTANT(value) ((gm_init){GM_INIT_CONSTANT, (value)})
#define GM_ZEROS GM_CONSTANT(0)
#define GM_ONES GM_CONSTANT(1)
#define GM_NORMAL(mean, std) ((gm_init){GM_INIT_NORMAL, (mean), (std)})
#define GM_UNIFORM(lo, hi) ((gm_init){GM_INIT_UNIFORM, (lo), (hi)})
/* uniform, +-1/sqrt(fan in): LeCun et al. 1998 */
#define GM_FAN_IN ((gm_init){GM_INIT_FAN_IN})
/* Glorot & Bengio 2010, eq. 16 */
#define GM_XAVIER_UNIFORM(gain) ((gm_init){GM_INIT_XAVIER_UNIFORM, (gain)})
#define GM_XAVIER_NORMAL(gain) ((gm_init){GM_INIT_XAVIER_NORMAL, (gain)})
/* He et al. 2015, eq. 15; slope: of leaky ReLU */
#define GM_HE_NORMAL(slope) ((gm_init){GM_INIT_HE_NORMAL, (slope)})
#define GM_HE_UNIFORM(slope) ((gm_init){GM_INIT_HE_UNIFORM, (slope)})
/* Saxe et al. 2014; of the weight as a matrix: first axis x all others */
#define GM_ORTHOGONAL(gain) ((gm_init){GM_INIT_ORTHOGONAL, (gain)})
#define GM_GIVEN(values_) ((gm_init){GM_INIT_GIVEN, .values = (values_)})

typedef struct gm_var_options {
	gm_init init; /* default: zeros */
	gm_role role;
	int64_t fan_in, fan_out; /* default: computed from shape [out, in, kernel..] */
} gm_var_options;

/* The net's variable NET/name; created if it does not exist. For custom layers. */
#define gm_net_var(net, name, shape, ...)                                                          \
	gm_net_var_(net, name, shape, (gm_var_options){__VA_ARGS__})
GM_API gm_node *gm_net_var_(gm_net *n, const char *name, gm_shape shape, gm_var_options o);

/* ---- layers ---------------------------------------------------------------------------------- */

/* y[n,o] = b[o] + sum_i x[n,i] w[o,i]. x of rank above 2 is flattened to [N, rest]. Variables
 * weight [out,in], bias [out]. */
typedef struct gm_linear_args {
	int64_t out;
	bool no_bias;
	gm_init init, bias; /* default: GM_FAN_IN, zeros */
} gm_linear_args;
#define gm_linear(net, name, x, ...) gm_linear_(net, name, x, (gm_linear_args){__VA_ARGS__})
GM_API gm_node *gm_linear_(gm_net *n, const char *name, gm_node *x, gm_linear_args a);

/* x [N,C,H,W] to [N,out,H',W'] (or [N,C,L] to [N,out,L']). weight [out, in/groups, kernel,
 * kernel], bias [out]. */
typedef struct gm_conv_args {
	int64_t out;
	/* default: stride, dilation and groups 1, pad 0 */
	int kernel, stride, pad, dilation, groups;
	int out_pad; /* transposed only: output padding at the bottom and right, less than stride */
	bool no_bias;
	gm_init init, bias; /* default: GM_FAN_IN, zeros */
} gm_conv_args;
#define gm_conv(net, name, x, ...) gm_conv_(net, name, x, (gm_conv_args){__VA_ARGS__})
GM_API gm_node *gm_conv_(gm_net *n, const char *name, gm_node *x, gm_conv_args a);
/* Transposed convolution: H' = (H-1) stride - 2 pad + dilation (kernel-1) + 1 + out_pad. weight
 * [in, out/groups, kernel, kernel]. */
#define gm_conv_transposed(net, name, x, ...)                                                      \
	gm_conv_transposed_(net, name, x, (gm_conv_args){__VA_ARGS__})
GM_API gm_node *gm_conv_transposed_(gm_net *n, const char *name, gm_node *x, gm_conv_args a);

/* Autoregressive nets over images (van den Oord et al. 2016, arXiv:1601.06759 and 1606.05328): each
 * value is predicted from the previous ones in raster order, with the channels of a pixel one after
 * the other. The same calls build three graphs with the same variables, by mode:
 *
 * WHOLE: over whole images.
 *
 * ROW: reads the row above, [m,C,1,W], and stores in variables of the graph the activations that
 * the pixels of this row will need.
 *
 * PIXEL: reads the known channels of one pixel, [m,C,1,1], and gives what WHOLE gives at this
 * pixel.
 *
 * With C channels, feature k of n belongs to channel floor(k C / n). The caller owns the struct.
 * Modes ROW and PIXEL are used by gm_run_raster (model.h). */
typedef enum gm_causal_mode { GM_CAUSAL_WHOLE, GM_CAUSAL_ROW, GM_CAUSAL_PIXEL } gm_causal_mode;
enum { GM_CAUSAL_HANDS = 64, GM_CAUSAL_EFFECTS = 3 * GM_CAUSAL_HANDS };
typedef struct gm_causal {
	gm_net *net;
	int64_t batch, channels, height, width; /* of the images */
	gm_causal_mode mode;
	/* Only ROW and PIXEL. Rank 0: old is 0 at the first row or column, else 1; fresh is 1 at
	 * the first channel of a pixel, last at the last channel. previous: the pixel to the left;
	 * column: its column, i32 [1]. */
	gm_node *old, *fresh, *last, *previous, *column;
	/* handed: cached activations; effect: updates of the caches by a step of this mode */
	gm_node *handed[GM_CAUSAL_HANDS], *effect[GM_CAUSAL_EFFECTS];
	int hands, effects;
} gm_causal;

/* mask: 'A' excludes the current value, 'B' includes the features of the current value, 0: no mask.
 * groups: the outputs consist of this many parts, each divided over all channels (2 for the two
 * halves of a gate); 0 means 1. Variables weight, bias. */
typedef struct gm_causal_args {
	int64_t out;
	int kernel; /* odd; default 1 */
	char mask;
	int groups;
} gm_causal_args;
/* Masked kernel x kernel convolution, [H,W] unchanged. Kernels larger than 1 only in mode WHOLE. */
#define gm_causal_conv(c, name, x, ...) gm_causal_conv_(c, name, x, (gm_causal_args){__VA_ARGS__})
GM_API gm_node *gm_causal_conv_(gm_causal *c, const char *name, gm_node *x, gm_causal_args a);
/* Layer of the vertical stack: reads the kernel/2 rows above, and the row itself unless mask is 'A'
 * (x is the image). Not in mode PIXEL. */
#define gm_causal_above(c, name, x, ...) gm_causal_above_(c, name, x, (gm_causal_args){__VA_ARGS__})
GM_API gm_node *gm_causal_above_(gm_causal *c, const char *name, gm_node *x, gm_causal_args a);
/* Layer of the horizontal stack: reads the kernel/2 pixels to the left and, by mask, the pixel
 * itself. Not in mode ROW. */
#define gm_causal_left(c, name, x, ...) gm_causal_left_(c, name, x, (gm_causal_args){__VA_ARGS__})
GM_API gm_node *gm_causal_left_(gm_causal *c, const char *name, gm_node *x, gm_causal_args a);
/* Connects the vertical stack to the horizontal one. WHOLE: returns u [m,features,H,W]. ROW: caches
 * u and returns NULL. PIXEL: ignores u and returns the cached values of this pixel. Calls must come
 * in the same order in all modes, at most GM_CAUSAL_HANDS of them. */
GM_API gm_node *gm_causal_hand_down(gm_causal *c, const char *name, gm_node *u, int64_t features);

/* Layers of sequences of one channel, images [m,1,1,W] (van den Oord et al. 2016,
 * arXiv:1609.03499), only in modes WHOLE and PIXEL. Before the first value everything is 0.
 *
 * The first layer, a convolution without bias over the two values before this one, given as one-hot
 * vectors of `levels`: the sum of two rows of a table. x: values in [-1,1], whose level is that of
 * gm_levels; mode PIXEL reads c->previous instead. [m,out,1,W]; variable weight [levels,2 out],
 * first those of the earlier value. */
GM_API gm_node *gm_causal_embedding(gm_causal *c, const char *name, gm_node *x, int64_t levels,
                                    int64_t out);
/* A convolution over features x [m,in,1,W] of this place and of the one `dilation` before it.
 * [m,out,1,W]; variables weight [out,in,1,2], first those of the earlier place, and bias. */
GM_API gm_node *gm_causal_dilated(gm_causal *c, const char *name, gm_node *x, int64_t out,
                                  int64_t dilation);

/* Ioffe & Szegedy 2015. y = gain (x - mean) / sqrt(var + eps) + bias per channel (axis 1). In
 * training, mean and variance are those of the batch, over all other axes; in inference the running
 * ones. Every training run that computes y moves the running statistics (mean, var: GM_STAT) by
 * `momentum` towards the batch's, var with the factor n/(n-1) of Algorithm 2. Only the first layer
 * call with a name updates them: if a discriminator is applied to real images first, they are the
 * statistics of real images. */
typedef struct gm_norm_args {
	double momentum, eps; /* default .1, 1e-5 */
	bool no_affine;       /* neither gain nor bias */
	gm_init gain, bias;   /* default ones, zeros */
} gm_norm_args;
#define gm_batch_norm(net, name, x, ...) gm_batch_norm_(net, name, x, (gm_norm_args){__VA_ARGS__})
GM_API gm_node *gm_batch_norm_(gm_net *n, const char *name, gm_node *x, gm_norm_args a);

/* Goodfellow et al. 2013: each of `out` units is the maximum of `pieces` linear functions of x. */
typedef struct gm_maxout_args {
	int64_t out;
	int pieces;
	bool no_bias;
	gm_init init, bias; /* default: GM_FAN_IN, zeros */
} gm_maxout_args;
#define gm_maxout(net, name, x, ...) gm_maxout_(net, name, x, (gm_maxout_args){__VA_ARGS__})
GM_API gm_node *gm_maxout_(gm_net *n, const char *name, gm_node *x, gm_maxout_args a);

/* Srivastava et al. 2014. Training: x * mask * scale, mask is 1 with probability keep. Inference: x
 * * keep * scale, the mean. scale 1/keep (the default, "inverted dropout") makes inference the
 * identity; scale 1 is the paper's form. always: dropout in inference too, as the noise of Isola et
 * al. 2017, section 3.2.1. */
/* Adds N(0, sigma^2) in training, and nothing in inference. */
GM_API gm_node *gm_gaussian_noise(gm_node *x, double sigma);
/* Sets each value to 0 with probability `share` in training and leaves the others as they are;
 * nothing in inference (Vincent et al. 2008, section 2.3). gm_dropout keeps the mean instead. */
GM_API gm_node *gm_masking_noise(gm_node *x, double share);

/* A dense layer whose weights have norm s for each unit, y = s x w / |w| + b: NAME/weight [in,out]
 * ~ N(0, .1), NAME/scale and NAME/bias [out] (Salimans & Kingma 2016, section 2). With start, two
 * effects, the layer's data-dependent start (section 3): y has mean 0 and variance 1 for each unit
 * over the batch, and start[0] and start[1] set s and b accordingly. fixed: s is not trained. */
GM_API gm_node *gm_weight_normed(gm_net *n, const char *name, gm_node *x, int64_t out, bool fixed,
                                 gm_node **start);

typedef struct gm_dropout_args {
	double keep;  /* default .5 */
	double scale; /* default 1/keep */
	bool always;
} gm_dropout_args;
#define gm_dropout(x, ...) gm_dropout_(x, (gm_dropout_args){__VA_ARGS__})
GM_API gm_node *gm_dropout_(gm_node *x, gm_dropout_args a);

/* i32 index [..] to [.., dim]: rows of a table [rows, dim]. Initial rows have norm about 1, like
 * one-hot vectors. With unit-variance entries the label would dominate the noise: its gradient's
 * effect grows with the squared norm of the row, and each row is used again and again. */
typedef struct gm_embedding_args {
	int64_t rows, dim;
	gm_init init; /* default GM_NORMAL(0, 1/sqrt(dim)) */
} gm_embedding_args;
#define gm_embedding(net, name, index, ...)                                                        \
	gm_embedding_(net, name, index, (gm_embedding_args){__VA_ARGS__})
GM_API gm_node *gm_embedding_(gm_net *n, const char *name, gm_node *index, gm_embedding_args a);

/* ---- normalisers ----------------------------------------------------------------------------- */

/* A row of the table in nn/norm.c. It normalises either activations (flow), wherever the model
 * calls gm_norm or gm_block, or the weights of all layers (weight). A net has at most one of each
 * kind. */
typedef struct gm_normaliser {
	const char *name, *source;
	gm_node *(*flow)(gm_net *n, const char *name, gm_node *x, const gm_norm_args *a);
	/* returns the normalised weight w of layer name; `axis` is its output axis */
	gm_node *(*weight)(gm_net *n, const char *name, gm_node *w, int axis);
	bool mixes;     /* the result for an example depends on the others in the batch */
	bool reference; /* needs a reference batch: gm_net_with_reference */
	bool pictures;  /* only for images */
	bool uncentred; /* does not subtract a mean, so a bias before it has an effect */
	gm_init init;   /* initialiser of the weights instead of the layer's; kind 0: the layer's */
} gm_normaliser;

GM_API extern const gm_normaliser gm_normalisers[]; /* ends with name NULL */
GM_API const char *gm_normaliser_name(int i);       /* NULL after the last */
/* `_` equals `-`; NULL if there is none */
GM_API const gm_normaliser *gm_normaliser_find(const char *name);
/* Sets the normaliser of its kind (flow or weight); NULL or "none" removes both. Call it before the
 * first layer. */
GM_API void gm_net_normalise(gm_net *n, const gm_normaliser *how);
GM_API const gm_normaliser *gm_net_flow(const gm_net *n); /* or NULL */
/* x, normalised by the net's normaliser of activations, or unchanged if there is none. Variables of
 * the normaliser are named NET/name/... */
#define gm_norm(net, name, x, ...) gm_norm_(net, name, x, (gm_norm_args){__VA_ARGS__})
GM_API gm_node *gm_norm_(gm_net *n, const char *name, gm_node *x, gm_norm_args a);
/* True if gm_norm subtracts a mean, so that a bias before it has no effect. */
GM_API bool gm_net_centres(const gm_net *n);

/* Virtual batch norm (Salimans et al. 2016, section 3.4): gm_net_with_reference prepends a
 * reference batch to the rows of x, so that both pass through the same layers;
 * gm_net_without_reference removes these rows from y. Both return their argument with any other
 * normaliser. The reference batch NET/reference [count, ..] is a variable of the net, so it is
 * saved in checkpoints. It is initialised with N(0,1) (labels: 0) and should be filled with values
 * distributed like `like` (default: x). Called by gm_game_build; other code does not need them. */
GM_API gm_node *gm_net_with_reference(gm_net *n, gm_node *x, int64_t count, gm_node *like);
GM_API gm_node *gm_net_without_reference(gm_net *n, gm_node *y);
/* Called between the two, for the conditions of the examples (labels: i32): variable
 * NET/reference.given. */
GM_API gm_node *gm_net_given_reference(gm_net *n, gm_node *y, gm_node *like);
/* The variables of reference batches and the sources of their rows, at most 2; returns their
 * number. */
typedef struct gm_reference {
	gm_node *variable; /* [count, ..] */
	gm_node *like;     /* [m, ..]; rows of successive batches fill the variable */
} gm_reference;
GM_API int gm_net_references(const gm_net *n, gm_reference out[2]);

/* Defaults for the layers of a net: initial weights, and gain, momentum and eps of normalisation
 * layers. */
typedef struct gm_net_style {
	gm_init init, gain;   /* default GM_FAN_IN, GM_ONES */
	double momentum, eps; /* default: gm_norm_args' */
	bool bare;            /* layers without bias, normalisers without gain and bias */
	/* pattern of names within the net that option from of a run does not load; or NULL */
	const char *fresh;
} gm_net_style;
/* Call it before the first layer. */
#define gm_net_defaults(net, ...) gm_net_defaults_(net, (gm_net_style){__VA_ARGS__})
GM_API void gm_net_defaults_(gm_net *n, gm_net_style style);

/* ---- blocks ---------------------------------------------------------------------------------- */

typedef enum gm_activation {
	GM_LINEAR,
	GM_RELU,
	GM_LEAKY, /* leaky ReLU */
	GM_TANH,
	GM_SIGMOID,
	GM_PRELU, /* leaky ReLU with a learned slope per channel, NAME/slope: He et al. 2015 */
	/* the layer has 2 out channels; one half times the sigmoid of the other: Dauphin et al.
	 * 2017 */
	GM_GLU,
	GM_MAXOUT /* the maximum of `pieces` channels */
} gm_activation;

/* A layer, the net's normaliser, an activation, dropout: NAME/weight, NAME/bias, NAME/norm/gain, ..
 * The layer has no bias if a normaliser that subtracts the mean follows. With GM_MAXOUT the
 * normaliser comes after the maximum. */
typedef struct gm_block_args {
	int64_t out;                      /* channels or units */
	int kernel;                       /* of a convolution; 0: dense */
	int stride, pad, out_pad, groups; /* as in gm_conv_args */
	bool up;                          /* a transposed convolution */
	int64_t height, width;            /* dense: y is a map [m,out,height,width] */
	gm_node *beside; /* dense: a second input, whose linear map NAME/beside is added; or NULL */
	gm_activation act;
	double slope;   /* of GM_LEAKY; default .2 */
	int pieces;     /* of GM_MAXOUT */
	bool plain;     /* no normaliser, as in the first and last layer of a net */
	bool no_bias;   /* never a bias */
	bool with_bias; /* a bias even if a normaliser follows */
	gm_init init;   /* default: the net's (gm_net_defaults) */
	/* [m,out]: conditional normalisation, instead of the normaliser's variables; or NULL */
	gm_node *gain, *bias;
	double keep; /* dropout after the activation: probability to keep; 0 and 1: none */
	bool noise;  /* dropout in inference too */
} gm_block_args;
/* Arguments of a convolution that halves height and width, or a transposed one that doubles them:
 * 4x4, stride 2. */
#define GM_BY_TWO .kernel = 4, .stride = 2, .pad = 1
#define gm_block(net, name, x, ...) gm_block_(net, name, x, (gm_block_args){__VA_ARGS__})
GM_API gm_node *gm_block_(gm_net *n, const char *name, gm_node *x, gm_block_args a);

/* Residual block: x plus two convolutions of x, [m,C,H,W] to [m,out,..]. If channels, height or
 * width change, the shortcut has a 1x1 convolution. Normalisers NAME/a/norm, NAME/b/norm. */
typedef struct gm_residual_args {
	int64_t out; /* default: the channels of x */
	int kernel;  /* default 3 */
	/* pre-activation: normaliser and activation before each convolution (He et al. 2016,
	 * arXiv:1603.05027; Miyato et al. 2018); default: convolution, normaliser, activation,
	 * convolution, normaliser (He et al. 2016, arXiv:1512.03385) */
	bool pre;
	/* with pre: the first block of a discriminator (Miyato et al. 2018, figure 8): neither
	 * normaliser nor activation before the first convolution, and the shortcut is halved before
	 * its 1x1 convolution, not after it */
	bool first;
	bool up, down;     /* doubles (nearest neighbour) or halves (mean) height and width */
	bool reflect;      /* reflection padding instead of zeros */
	gm_activation act; /* default GM_RELU */
	double slope;
	gm_init init; /* of both convolutions, not of the shortcut's; default: the net's */
	gm_node *gain[2], *bias[2]; /* as in gm_block_args, for both normalisers */
} gm_residual_args;
#define gm_residual(net, name, x, ...) gm_residual_(net, name, x, (gm_residual_args){__VA_ARGS__})
GM_API gm_node *gm_residual_(gm_net *n, const char *name, gm_node *x, gm_residual_args a);

/* Self-attention over the positions of a feature map [m,C,H,W] (SAGAN: Zhang et al. 2019, eq. 1 to
 * 3, arXiv:1805.08318): 1x1 convolutions f, g, h to C/8 channels, v back to C, and gamma, which
 * starts at 0. */
typedef struct gm_attention_args {
	/* as in the code of Brock et al. 2019, arXiv:1809.11096: f and h are reduced by 2x2 maxima,
	 * so H and W must be even; h has C/2 channels; no biases */
	bool pool;
} gm_attention_args;
#define gm_attention(net, name, x, ...)                                                            \
	gm_attention_(net, name, x, (gm_attention_args){__VA_ARGS__})
GM_API gm_node *gm_attention_(gm_net *n, const char *name, gm_node *x, gm_attention_args a);
/* [m,C,H,W] to [m,C+1,H,W]: the standard deviation over groups of `group` examples, averaged over
 * channels and positions (Karras et al. 2018, section 3). group 0: the whole batch; a group that
 * does not divide m is reduced. */
GM_API gm_node *gm_minibatch_stddev(gm_node *x, int group);
/* [1,n,1,1] with these values: a constant for each channel of a map. n >= 1. */
GM_API gm_node *gm_channel_values(gm_graph *g, const double *value, int n);
/* x [m,C,H,W] to [m,C+n,H,W]: the numbers c [m,n] of each example as n further channels, each
 * constant over the image. */
GM_API gm_node *gm_with_planes(gm_node *x, gm_node *c);
/* x [m,C,H,W] with two further channels: row and column, -1 at the first pixel and 1 beyond the
 * last. */
GM_API gm_node *gm_with_coordinates(gm_node *x);
/* [-1,1] to [0,1], and back */
GM_API gm_node *gm_unit(gm_node *x);
GM_API gm_node *gm_signed(gm_node *p);

/* Images x whose values are bytes, in [-1,1], plus noise U(0, 2/255), less than the distance of two
 * of the 256 levels; in inference x. */
GM_API gm_node *gm_dequantised(gm_node *x);

/* ---- masks ----------------------------------------------------------------------------------- */

/* [1,1,side,side]: 1 in a square `margin` pixels from the edges, else 0; 2 margin < side. */
GM_API gm_node *gm_mask_square(gm_graph *g, int64_t side, int64_t margin);
/* [m,1,side,side]: 1 in smooth random regions, other ones for each example and run, of about a
 * quarter of an image on average; else 0. They are the low values of uniform noise on a grid of 8
 * pixels, interpolated bilinearly; side is a multiple of 8. For the random regions of Pathak et al.
 * 2016, arXiv:1604.07379, section 3.3. */
GM_API gm_node *gm_mask_random(gm_graph *g, int64_t m, int64_t side);

/* ---- image pyramids -------------------------------------------------------------------------- */

/* Laplacian pyramid of x [m,C,H,W] (Burt & Adelson 1983, without expanding): level[j] is what a
 * Gaussian blur (5x5, sigma 1, edges reflected) removes from the image at scale j, and the next
 * scale is the 2x2 mean of the blurred image; level[levels] is the last scale itself. Sides must
 * halve `levels` times. level: room for levels + 1. */
GM_API void gm_laplacian(gm_node *x, int levels, gm_node **level);
/* The images of the pyramid of Denton et al. 2015, arXiv:1506.05751, section 2.2: image[levels] is
 * x [m,C,H,W], and each image[k - 1] the 2x2 means of image[k]. The band of detail k is image[k] -
 * gm_pyramid_up(image[k - 1]). image: room for levels + 1. */
GM_API void gm_pyramid(gm_node *x, int levels, gm_node **image);
/* An image, enlarged to twice its size without new detail: bilinear interpolation. */
GM_API gm_node *gm_pyramid_up(gm_node *x);

/* ---- class probabilities --------------------------------------------------------------------- */

/* Entropies of the softmax of logits [m,K], in nats, rank 0: the mean of those of the rows, and
 * that of the mean row (over the batches of all processes). */
typedef struct gm_entropies {
	gm_node *each, *mean;
} gm_entropies;
GM_API gm_entropies gm_class_entropies(gm_node *logits);

/* ---- priors ---------------------------------------------------------------------------------- */

/* Points [m,2] of two distributions in the plane (Makhzani et al. 2016, arXiv:1511.05644, figures 3
 * and 4; the numbers are those of github.com/musyoku/adversarial-autoencoder).
 *
 * mixture of normals: component k has its centre 1.4 from the origin at angle 2 pi k / K, and
 * standard deviations .5 along this direction and .05 across. e [m,2] is normal noise, part [m,K]
 * one-hot.
 *
 * swiss roll: radius 3 sqrt u at angle 4 pi sqrt u. u [m,1] is uniform in [0,1]; with part [m,K],
 * one-hot, or NULL, (u + k) / K takes its place, so that k selects the k-th part of the roll. */
GM_API gm_node *gm_prior_mixture(gm_node *e, gm_node *part);
GM_API gm_node *gm_prior_swiss_roll(gm_node *u, gm_node *part);

/* ---- errors and likelihoods ------------------------------------------------------------------ */

/* The mean squared and the mean absolute difference of x and y, over all elements; rank 0. */
GM_API gm_node *gm_squared_error(gm_node *x, gm_node *y);
GM_API gm_node *gm_absolute_error(gm_node *x, gm_node *y);
/* The gradient difference loss of images x and y [m,C,H,W], H and W at least 2: the mean absolute
 * difference of |x[i] - x[i-1]| and |y[i] - y[i-1]|, i along rows, plus that along columns; rank 0
 * (Mathieu et al. 2016, arXiv:1511.05440, eq. 6, alpha 1, with means for sums). */
GM_API gm_node *gm_gradient_difference(gm_node *x, gm_node *y);
/* The sum over units j of the Kullback-Leibler divergence, in nats, of a Bernoulli variable whose
 * mean is that of z [m,n] over the batch, in (0,1), from one with mean rho; rank 0 (Ng 2011, CS294A
 * lecture notes, section 3). */
GM_API gm_node *gm_sparsity(gm_node *z, double rho);
/* A step towards an adversarial example: from x [m,..] along the gradient of the loss (of any
 * shape, summed), in inference mode, then back to the examples at most `reach` from `clean` and to
 * [low, high]. In the maximum norm the step is that of the gradient's sign: a single step of length
 * `reach` is the fast gradient sign method (Goodfellow, Shlens & Szegedy 2015, arXiv:1412.6572,
 * section 4), several shorter ones its iterated form (Kurakin et al. 2017, arXiv:1607.02533,
 * section 2.2). For an attack that makes a net say a chosen class, pass minus the loss of that
 * class. Nothing differentiates through the result. */
typedef struct gm_attack_args {
	double reach;     /* in the unit of x: .5 of images in [-1,1] is .25 of pixels in [0,1] */
	double step;      /* length of the step; default: reach */
	bool euclidean;   /* distances are Euclidean ones of whole examples */
	double low, high; /* range of x; default -1, 1 */
	gm_node *clean;   /* [m,..]; default: x */
} gm_attack_args;
#define gm_attack(loss, x, ...) gm_attack_(loss, x, (gm_attack_args){__VA_ARGS__})
GM_API gm_node *gm_attack_(gm_node *loss, gm_node *x, gm_attack_args a);
/* -log of the normal density at x, per element, nats; log_sigma: log of the standard deviation. All
 * broadcast. */
GM_API gm_node *gm_normal_nll(gm_node *x, gm_node *mean, gm_node *log_sigma);
/* KL divergence of N(mean, sigma^2) from N(0, 1), per element (Kingma & Welling 2014, appendix
 * B). */
GM_API gm_node *gm_normal_kl(gm_node *mean, gm_node *log_sigma);
/* The squared maximum mean discrepancy of the rows of z [m,n] with s = 0 and with s = 1, s [m,1]:
 * the squared distance of both means of `features` random features of the kernel exp(-|a - b|^2 /
 * gamma), new in each run (Louizos et al. 2016, arXiv:1511.00830, section 2.4). 0 if a group is
 * empty. Rank 0. */
GM_API gm_node *gm_fast_mmd(gm_node *z, gm_node *s, int64_t features, double gamma);
/* The last layer of an encoder, "mean" and "log_sigma" of a normal code, and k samples z = mean +
 * sigma e with e ~ N(0, 1) (reparameterisation trick, Kingma & Welling 2014, section 2.4). */
typedef struct gm_normal_code {
	gm_node *mean, *log_sigma; /* [m,n] */
	gm_node *z;                /* [m,k,n] */
	gm_node *log_ratio;        /* log p(z) - log q(z|x) for p = N(0, 1), [m,k] */
	gm_node *divergence;       /* KL of q(z|x) from N(0, 1), [m] */
} gm_normal_code;
GM_API gm_normal_code gm_normal_encode(gm_net *n, gm_node *h, int64_t units, int64_t k);
/* log of the mean of exp(x) over the last axis: for log weights [m,k] the importance weighted bound
 * [m] (Burda et al. 2016, eq. 8) */
GM_API gm_node *gm_log_mean_exp(gm_node *x);
/* Quantises values x in [-1,1] to the nearest of `levels` levels 0, 1, ..; real, of x's shape. */
GM_API gm_node *gm_levels(gm_node *x, int64_t levels);
/* The mu-law (ITU-T G.711): amplitudes x in [-1,1] to sign(x) log(1 + mu |x|) / log(1 + mu), and
 * back. x beyond [-1,1] is clamped. */
GM_API gm_node *gm_mu_law(gm_node *x, double mu);
GM_API gm_node *gm_mu_law_inverse(gm_node *y, double mu);
/* Sounds x [m,1,1,T] in [-1,1] to images [m,1,window/2,frames], frames = (T - window) / hop + 1:
 * the power in bins 1, 2, .. of windows of Hann's, one every hop samples, in decibels: -1 is -80 dB
 * or less, 1 is 0 dB, a sine of amplitude 1. window is even. */
GM_API gm_node *gm_spectrogram(gm_node *x, int window, int hop);
/* -log of the probability of each level in nats, of level's shape. logits have this shape (two
 * levels: the logit of level 1), or an additional last axis of size `levels`. */
GM_API gm_node *gm_levels_nll(gm_node *logits, gm_node *level, int64_t levels);

/* ---- objectives ------------------------------------------------------------------------------ */

/* Parameters of the objectives. */
typedef struct gm_terms {
	double smooth;  /* one-sided label smoothing: the target of real examples is 1 - smooth */
	double a, b, c; /* least squares: targets of D for fake and real examples, and of G */
} gm_terms;

/* An objective: the terms of both losses, from D's outputs before any sigmoid, [N,1] or any shape.
 * Each is a mean over the batch, to be minimised, rank 0. terms may be NULL: no smoothing, targets
 * 0, 1, 1. If a loss is not a sum of a real and a fake term, d_loss and g_loss compute it from
 * both. nn/objective.c has the table with the formulas. */
typedef struct gm_objective {
	const char *name, *source;
	gm_node *(*real)(gm_node *real, const gm_terms *terms); /* D's loss on real examples */
	gm_node *(*fake)(gm_node *fake, const gm_terms *terms); /* D's loss on fakes */
	gm_node *(*g)(gm_node *fake, const gm_terms *terms);    /* G's loss */
	bool targets; /* D has targets, which can be smoothed */
	gm_node *(*d_loss)(gm_node *real, gm_node *fake, const gm_terms *terms);
	gm_node *(*g_loss)(gm_node *real, gm_node *fake, const gm_terms *terms);
} gm_objective;
/* The complete losses of D and G. */
GM_API gm_node *gm_objective_d(const gm_objective *o, gm_node *real, gm_node *fake,
                               const gm_terms *t);
GM_API gm_node *gm_objective_g(const gm_objective *o, gm_node *real, gm_node *fake,
                               const gm_terms *t);

GM_API extern const gm_objective gm_objectives[]; /* ends with name NULL */
GM_API const char *gm_objective_name(int i);      /* NULL after the last */
/* `_` equals `-`; NULL if there is none */
GM_API const gm_objective *gm_objective_find(const char *name);

/* ---- penalties ------------------------------------------------------------------------------- */

/* e a + (1-e) b with one e ~ U[0,1) per example: WGAN-GP, Gulrajani et al. 2017, Algorithm 1
 * line 6. a, b [N,..]. */
GM_API gm_node *gm_interpolate(gm_node *a, gm_node *b);
/* Mean over n of (|d y_n / d x_n| - centre)^2, where y_n depends on x_n only: line 7. Rank 0. Batch
 * normalisation in the critic violates this, as the paper warns. */
GM_API gm_node *gm_gradient_penalty(gm_node *y, gm_node *x, double centre);

/* The sum over the net's parameters W of rank 2 and more, as (first axis, rest), of |W W' o (1 -
 * I)|^2, o elementwise; rank 0: Brock et al. 2019, arXiv:1809.11096, eq. 3. The products of each
 * two rows are penalised, their norms are not. The parameters of layer `except` (or NULL) are left
 * out. */
GM_API gm_node *gm_orthogonality(gm_net *n, const char *except);

/* A regulariser, a row of the table in nn/penalty.c. */
typedef struct gm_game gm_game;
typedef struct gm_penalty {
	const char *name, *source;
	double weight;                       /* default weight of build's value */
	gm_node *(*build)(const gm_game *m); /* rank 0; NULL: no term in the losses */
	bool each;                           /* needs D's gradient at each example separately */
	bool between; /* needs gradients at interpolations of real and fake examples */
	bool both;    /* added to G's loss too */
	bool clips;   /* D's parameters are clamped to +-weight after each step */
} gm_penalty;

GM_API extern const gm_penalty gm_penalties[];              /* ends with name NULL */
GM_API const char *gm_penalty_name(int i);                  /* NULL after the last */
GM_API const gm_penalty *gm_penalty_find(const char *name); /* `_` = `-`; NULL: none */

/* ---- whole games ----------------------------------------------------------------------------- */

/* A net as a function. A discriminator maps examples x [N,..] to scores [N,1]; a generator maps
 * latents to examples. with: the condition of each row of x (labels i32 [N], or i32 [N,k] for packs
 * of k; codes [N,..]; images); NULL if there is none. */
typedef gm_node *gm_net_fn(void *ctx, gm_net *n, gm_node *x, gm_node *with);

/* Examples or latents, with their conditions. */
typedef struct gm_shown {
	gm_node *x, *with; /* with: NULL if unconditional */
} gm_shown;

enum { GM_WRONGS = 4 };

/* A GAN game: combines an objective, a penalty and training tricks for any G and D. Fill the upper
 * part, call gm_game_build, and minimise loss_d and loss_g; pass clip to D's optimiser as
 * clip_weights.
 *
 *	gm_game m = {.G = G, .D = D, .real.x = x, .fake.x = z, .weight = 10};
 *	m.generator = generator, m.discriminator = discriminator;
 *	m.objective = gm_objective_find("hinge"), m.penalty = gm_penalty_find("r1");
 *	gm_game_build(&m);
 */
struct gm_game {
	gm_net *G, *D;
	gm_net_fn *generator, *discriminator; /* generator NULL: fake.x are the fake examples */
	void *ctx;
	/* Inputs of D. With a generator, fake.x is its latent, and it gets fake.with too. */
	gm_shown real, fake;
	/* fakes for D's loss if not the newest, such as a pool of older ones; x NULL: fake */
	gm_shown fake_d;
	/* further fakes in D's loss only, such as real images with wrong captions; those with an
	 * x */
	gm_shown wrong[GM_WRONGS];
	double wrong_share; /* their weight in D's loss on fakes; default .5 */
	const gm_objective *objective;
	gm_terms terms;
	const gm_penalty *penalty; /* NULL: none */
	double weight;
	/* of wgan-gp and one-sided: the norm t of D's gradient that they ask for; the penalty is
	 * divided by t^2 (Karras et al. 2018, arXiv:1710.10196, appendix). 0: 1 */
	double slope;
	/* rank 0, sigma of instance noise on all inputs of D (Sonderby et al. 2017); or NULL */
	gm_node *noise;
	double flip; /* fraction of (real, fake) pairs whose labels are exchanged in D's loss */
	/* augmentation of all images that D sees, as for gm_augmented; 0: none */
	unsigned augment;
	/* Of ada: p, a variable of D, begins at 0. Every four steps of D it changes towards more
	 * augmentation if the mean sign of D's scores of real images is above augment_target, else
	 * towards less, by a step with which it would pass from 0 to 1 within augment_kimg thousand
	 * real images (Karras et al. 2020, section 3.3). Defaults: .6 and 500. */
	double augment_target, augment_kimg;
	int pack;         /* examples per input of D (PacGAN, Lin et al. 2018); 0 means 1 */
	int unroll;       /* unrolled steps of D in G's loss (Metz et al. 2017) */
	double unroll_lr; /* learning rate of these steps, plain gradient descent */
	/* feature matching: G matches the means of D's features (Salimans et al. 2016, section
	 * 3.1) */
	bool match;
	/* G's loss is D's loss with real and fake exchanged, both terms. Needed if real.x or
	 * real.with come from a net that is trained with G, such as the encoder of Donahue et al.
	 * 2017, arXiv:1605.09782 */
	bool exchange;
	double history;     /* weight of historical averaging in both losses (section 3.3) */
	int64_t references; /* rows of the reference batches of virtual batch norm */
	int k, k_g;         /* steps of D and of G per turn, for the model's loop */

	/* Set by gm_game_build: generated are G's examples (fake.x without a generator); real,
	 * fake, fake_d and wrong become D's actual inputs, after noise and packing. */
	gm_node *generated;
	gm_node *y_real, *y_fake, *loss_d, *loss_g;
	/* D's features (its argument of gm_features) of real and fake examples, for further heads;
	 * or NULL. */
	gm_node *f_real, *f_fake;
	gm_node *augment_p, *augment_r; /* of ada: p, and this mean sign in this step; or NULL */
	double clip;
	const char *refusal; /* error message if the options contradict each other, or NULL */
};
GM_API void gm_game_build(gm_game *m);
/* Adds the losses of another game of the same players, such as on a second data set. Both are
 * built. */
GM_API void gm_game_add(gm_game *m, gm_game other);
GM_API const char *gm_game_refusal(const gm_game *m);
/* D's scores of examples that were already noised and packed. */
GM_API gm_node *gm_game_discriminate(const gm_game *m, gm_shown s);

/* Augmentation of images x [m,C,H,W] in training, new values for each example and run; in inference
 * x. Bit i of `which` selects row i of the names: none; diff, differentiable augmentation (Zhao et
 * al. 2020, arXiv:2006.10738), and its parts color, translation, cutout; ada, the transformations
 * of adaptive augmentation (Karras et al. 2020, arXiv:2006.06676), and its parts ada-blit,
 * ada-geometry, ada-color; NULL after the last. p: rank 0, the probability of each transformation
 * of ada; NULL: 1. */
GM_API gm_node *gm_augmented(gm_node *x, unsigned which, gm_node *p);
GM_API const char *gm_augmentation_name(int i);
GM_API bool gm_augmentation_adapts(unsigned which); /* true if p is used */

/* A pool of past examples, in variables of n (NAME/examples, NAME/count). Each row of the result is
 * the row of x [m,..] or, once the pool holds `size` examples, with probability 1/2 an older one,
 * which this row of x then replaces (Shrivastava et al. 2017, section 2.3). It has no gradient. m
 * must be at most size; size 0: returns x. Not for several processes. */
GM_API gm_node *gm_pool(gm_net *n, const char *name, gm_node *x, int64_t size);

/* Call it on D's last hidden layer h before the logit. It marks h as D's features for feature
 * matching and returns h; if gm_net_minibatch is on, with minibatch discrimination appended. */
GM_API gm_node *gm_features(gm_net *n, gm_node *h);
GM_API void gm_net_minibatch(gm_net *n, bool on);

/* Salimans et al. 2016, section 3.2: x [N,A] to [N, A + kernels]; the new features measure the
 * similarity of an example i to the others in the batch, the sum of exp(-|M_i - M_j|_1) over j !=
 * i. */
typedef struct gm_minibatch_args {
	int kernels, dim; /* default 50, 5 */
} gm_minibatch_args;
#define gm_minibatch_discrimination(net, name, x, ...)                                             \
	gm_minibatch_discrimination_(net, name, x, (gm_minibatch_args){__VA_ARGS__})
GM_API gm_node *gm_minibatch_discrimination_(gm_net *n, const char *name, gm_node *x,
                                             gm_minibatch_args a);

/* Historical averaging (section 3.3): the sum over the net's parameters p of |p - mean of p over
 * all steps so far|^2. A training step that computes it updates the mean. */
GM_API gm_node *gm_historical(gm_net *n);

/* ---- optimisers ------------------------------------------------------------------------------ */

/* Fields of all rules; a field that names rules is read only by them. */
typedef struct gm_optimiser_args {
	gm_node *lr;         /* rank 0; default: a constant, .001 (sgd .01) */
	gm_node *momentum;   /* rank 0; sgd; default none */
	double beta1, beta2; /* adam; default .9, .999; GM_NONE for 0 */
	double rho;          /* rmsprop; default .9 */
	double eps;          /* default 1e-8 */
	/* bound of the global 2-norm of all gradients; 0: off */
	double clip_norm;
	double clip_value; /* then clamp each gradient element to +-this; 0: off */
	double l2;         /* weight decay: adds l2 * parameter to its gradient; 0: off */
	/* clamp parameters to +-this after the update (Arjovsky et al. 2017); 0: off */
	double clip_weights;
	/* name of its variables, needed if a net has two optimisers; default: the rule's name */
	const char *name;
	/* only parameters whose names within the net match (patterns as for gm_net_freeze); NULL:
	 * all */
	const char *only;
	/* decay of the moving averages of the updated parameters and of the net's statistics; 0:
	 * none */
	double average;
	/* gradient accumulation: average the gradients of this many runs, then update; 0 and 1:
	 * off */
	int accumulate;
	/* maps each updated parameter, such as a projection onto a ball; NULL: none */
	gm_node *(*project)(void *ctx, const char *key, gm_node *next);
	void *ctx;
} gm_optimiser_args;
#define GM_NONE (-1.0)

/* Each returns an effect that updates the net's parameters to minimise loss: those that the loss
 * depends on and that match `only`. Others do not change and have no moments. All reads see the
 * values from before the run, so two optimisers in one step are simultaneous updates.
 *
 * Moving averages: a' = d a + (1-d) p', where p' is the updated parameter (or running statistic)
 * and d is the decay, but at most t / (t + 1) at the t-th update from 0: until the decay is reached
 * the average is the mean of all updated values, so that initial values do not remain in it.
 * gm_net_averages gives the pairs to sample with them.
 *
 * sgd      v' = momentum v - lr g;  p' = p + v'  (heavy ball, Polyak 1964, in the form of
 *          Pylearn2); without momentum p' = p - lr g
 * adam     Kingma & Ba 2015, Algorithm 1, with bias correction; the step count is a variable
 * rmsprop  s' = rho s + (1-rho) g^2;  p' = p - lr g / (sqrt(s') + eps)  (Tieleman & Hinton 2012)
 */
#define gm_sgd(net, loss, ...) gm_sgd_(net, loss, (gm_optimiser_args){__VA_ARGS__})
#define gm_adam(net, loss, ...) gm_adam_(net, loss, (gm_optimiser_args){__VA_ARGS__})
#define gm_rmsprop(net, loss, ...) gm_rmsprop_(net, loss, (gm_optimiser_args){__VA_ARGS__})
GM_API gm_node *gm_sgd_(gm_net *n, gm_node *loss, gm_optimiser_args a);
GM_API gm_node *gm_adam_(gm_net *n, gm_node *loss, gm_optimiser_args a);
GM_API gm_node *gm_rmsprop_(gm_net *n, gm_node *loss, gm_optimiser_args a);

/* The global 2-norm of the gradients of the optimiser that returned `effect`, before clipping, rank
 * 0; NULL if no optimiser of this net returned it. Each call creates a new node. */
GM_API gm_node *gm_net_gradient_norm(const gm_net *n, const gm_node *effect);

/* The name of that optimiser, owned by the net; or NULL. */
GM_API const char *gm_net_optimiser(const gm_net *n, const gm_node *effect);
/* An effect that sets the state of the net's optimisers (moments, step counts, accumulated
 * gradients) to 0, as in new ones. Moving averages keep their values until the next update, with
 * which they begin anew. Only state that exists at the time of the call. */
GM_API gm_node *gm_net_forget(gm_net *n);

/* Replaces g[0..n) by scaled gradients whose global 2-norm is at most max_norm. */
GM_API void gm_clip_norm(gm_node **g, int n, double max_norm);

/* Fills from[i], to[i] with variables and their moving averages (for gm_compile_options), at most
 * room pairs; returns their number. */
GM_API int gm_net_averages(const gm_net *n, gm_node **from, gm_node **to, int room);

GM_END_C

#include "ganymede/bodies.h"
#include "ganymede/policy.h"
#include "ganymede/boltzmann.h"

#endif
