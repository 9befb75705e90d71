/* SPDX-License-Identifier: MIT
 *
 * nn.h -- nets, layers, normalisers, games, optimisers.
 *
 * A net is a bag of named variables. A layer is a function that asks the net for the variables
 * that it needs, under its own name, and returns an expression. The first call makes and
 * initialises them, later calls with the same name share them, so the same discriminator reads
 * real and fake pictures without being told so:
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
 * Layers take named arguments; what is left out is zero, and zero means the default that stands
 * beside each field. Nothing returns NULL and nothing needs a check: trouble goes into the
 * graph's error, as everywhere in graph.h.
 *
 * Initial values are drawn from (seed, full name of the variable), so adding a layer leaves the
 * others as they were.
 */
#ifndef GANYMEDE_NN_H
#define GANYMEDE_NN_H

#include "ganymede/graph.h"

GM_BEGIN_C

/* ---- nets ------------------------------------------------------------------------------------ */

typedef struct gm_net gm_net;

typedef enum gm_role {
	GM_PARAM,   /* learned: what an optimiser moves */
	GM_STAT,    /* running statistics of a normaliser */
	GM_MOMENT,  /* an optimiser's memory: velocities, moments, step counts */
	GM_AVERAGE, /* moving average of a parameter or statistic, named after it: weight.ema */
	GM_FROZEN   /* a parameter that no optimiser moves (gm_net_freeze) */
} gm_role;

typedef struct gm_net_options {
	uint64_t seed; /* of initial values */
	/* leave all variables zero: a checkpoint will fill them, and drawing takes time */
	bool blank;
	/* where the graph has several ranks: batch norm takes each rank's own statistics, not the whole batch's */
	bool apart;
	/* Asked before a variable is made, where what was asked for may be hostile; false makes
	 * it an error instead. */
	bool (*accept)(void *ctx, const char *full_name, gm_shape shape, gm_role role);
	void *ctx;
} gm_net_options;

/* The name is the first part of every variable's name. The caller frees the net; its variables
 * are the graph's. */
#define gm_net_create(g, name, ...) gm_net_create_(g, name, (gm_net_options){__VA_ARGS__})
GM_API gm_net *gm_net_create_(gm_graph *g, const char *name, gm_net_options o);
GM_API void gm_net_free(gm_net *n); /* NULL is fine */
GM_API const char *gm_net_name(const gm_net *n);
GM_API gm_graph *gm_net_graph(const gm_net *n);

typedef struct gm_net_entry {
	const char *name; /* full: "G/32x32/weight" */
	gm_node *node;
	gm_role role;
	gm_node *average; /* its moving average when an optimiser keeps one, else NULL */
} gm_net_entry;

/* Everything in the net in the order of making; i from 0 to gm_net_count - 1. */
GM_API int gm_net_count(const gm_net *n);
GM_API gm_net_entry gm_net_at(const gm_net *n, int i);
GM_API gm_node *gm_net_find(const gm_net *n, const char *full_name); /* NULL when there is none */
/* numbers in all GM_PARAM and GM_FROZEN variables */
GM_API int64_t gm_net_parameters(const gm_net *n);

/* Patterns are those of fnmatch(3), over names within the net: "head/" "*" is all of the layer head; NULL is everything.
 * They mean the GM_PARAM variables that have been made by the time of the call. */

/* Makes them GM_FROZEN: saved and loaded, moved by no optimiser made from then on. Returns how many. */
GM_API int gm_net_freeze(gm_net *n, const char *pattern);
/* Fills out with them, at most room, in the order of making; returns how many there are. */
GM_API int gm_net_params(const gm_net *n, const char *pattern, gm_node **out, int room);
/* The net at other parameters: until the next call (count 0: the net as it is), layers get instead[i] where they ask for
 * params[i]. For unrolled optimisers, line searches, meta-learning. */
GM_API void gm_net_with(gm_net *n, gm_node *const *params, gm_node *const *instead, int count);

/* ---- initialisers ---------------------------------------------------------------------------- */

typedef struct gm_init {
	int kind; /* a row of the table in nn/init.c; 0: what the layer says */
	double a, b;
	/* of GM_GIVEN: as many as the variable has, borrowed until the layer returns */
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
/* He et al. 2015, eq. 15; slope of leaky relu */
#define GM_HE_NORMAL(slope) ((gm_init){GM_INIT_HE_NORMAL, (slope)})
#define GM_HE_UNIFORM(slope) ((gm_init){GM_INIT_HE_UNIFORM, (slope)})
/* Saxe et al. 2014: rows by all others */
#define GM_ORTHOGONAL(gain) ((gm_init){GM_INIT_ORTHOGONAL, (gain)})
#define GM_GIVEN(values_) ((gm_init){GM_INIT_GIVEN, .values = (values_)})

typedef struct gm_var_options {
	gm_init init; /* default: zeros */
	gm_role role;
	int64_t fan_in, fan_out; /* default: of a weight [out, in, taps..] */
} gm_var_options;

/* The net's variable NET/name, made now or found. For layers of your own. */
#define gm_net_var(net, name, shape, ...)                                                          \
	gm_net_var_(net, name, shape, (gm_var_options){__VA_ARGS__})
GM_API gm_node *gm_net_var_(gm_net *n, const char *name, gm_shape shape, gm_var_options o);

/* ---- layers ---------------------------------------------------------------------------------- */

/* y[n,o] = b[o] + sum_i x[n,i] w[o,i]. x of rank above 2 is read as [N, rest]. Variables weight
 * [out,in], bias [out]. */
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
	int out_pad; /* transposed only: extra rows at the bottom and right, below stride */
	bool no_bias;
	gm_init init, bias; /* default: GM_FAN_IN, zeros */
} gm_conv_args;
#define gm_conv(net, name, x, ...) gm_conv_(net, name, x, (gm_conv_args){__VA_ARGS__})
GM_API gm_node *gm_conv_(gm_net *n, const char *name, gm_node *x, gm_conv_args a);
/* The fractionally strided convolution: H' = (H-1) stride - 2 pad + dilation (kernel-1) + 1 +
 * out_pad. weight [in, out/groups, kernel, kernel]. */
#define gm_conv_transposed(net, name, x, ...)                                                      \
	gm_conv_transposed_(net, name, x, (gm_conv_args){__VA_ARGS__})
GM_API gm_node *gm_conv_transposed_(gm_net *n, const char *name, gm_node *x, gm_conv_args a);

/* Nets that give each number of a picture from those before it, in raster order, the channels of a pixel in turn (van
 * den Oord et al. 2016, arXiv:1601.06759 and 1606.05328). The same calls build three nets of the same variables: over
 * WHOLE pictures; by ROW, which reads the row above [m,C,1,W] and keeps in variables of the graph what pixels will need
 * of it; and by PIXEL, which reads a pixel as far as it is known [m,C,1,1] and gives what WHOLE would give there. Of C
 * channels, feature k of n belongs to channel floor(k C / n). The caller owns the struct; modes other than WHOLE are
 * the business of gm_run_pixels (model.h). */
typedef enum gm_causal_mode { GM_CAUSAL_WHOLE, GM_CAUSAL_ROW, GM_CAUSAL_PIXEL } gm_causal_mode;
enum { GM_CAUSAL_HANDS = 64, GM_CAUSAL_EFFECTS = 3 * GM_CAUSAL_HANDS };
typedef struct gm_causal {
	gm_net *net;
	int64_t batch, channels, height, width; /* of the pictures */
	gm_causal_mode mode;
	/* ROW and PIXEL. Of rank 0: 0 at the first row or column, else 1; 1 at the first and at the last channel of a
	 * pixel. Then the pixel to the left, and its column, i32 [1]. */
	gm_node *old, *fresh, *last, *previous, *column;
	gm_node *handed[GM_CAUSAL_HANDS],
		*effect[GM_CAUSAL_EFFECTS]; /* effects: of a step of this mode */
	int hands, effects;
} gm_causal;

/* mask: 'A' hides the number itself, 'B' shows a layer its own features, 0 hides nothing. groups: so many parts of
 * the outputs each belong to all channels (2 for a gate's halves); 0 is 1. Variables weight, bias. */
typedef struct gm_causal_args {
	int64_t out;
	int kernel; /* odd; default 1 */
	char mask;
	int groups;
} gm_causal_args;
/* kernel x kernel, of x's sides. Larger kernels than 1 only for WHOLE. */
#define gm_causal_conv(c, name, x, ...) gm_causal_conv_(c, name, x, (gm_causal_args){__VA_ARGS__})
GM_API gm_node *gm_causal_conv_(gm_causal *c, const char *name, gm_node *x, gm_causal_args a);
/* A vertical stack: the kernel/2 rows above, and the row itself unless mask is 'A' and x the picture. Not by PIXEL. */
#define gm_causal_above(c, name, x, ...) gm_causal_above_(c, name, x, (gm_causal_args){__VA_ARGS__})
GM_API gm_node *gm_causal_above_(gm_causal *c, const char *name, gm_node *x, gm_causal_args a);
/* A horizontal stack: the kernel/2 pixels to the left, and by mask the pixel itself. Not by ROW. */
#define gm_causal_left(c, name, x, ...) gm_causal_left_(c, name, x, (gm_causal_args){__VA_ARGS__})
GM_API gm_node *gm_causal_left_(gm_causal *c, const char *name, gm_node *x, gm_causal_args a);
/* What a vertical stack gives a horizontal one, u [m,features,H,W]: itself; by ROW nothing (NULL), for it is kept; by
 * PIXEL, where u is not looked at, what was kept for the pixel. In the same order in every mode, GM_CAUSAL_HANDS at
 * most. */
GM_API gm_node *gm_causal_hand_down(gm_causal *c, const char *name, gm_node *u, int64_t features);

/* Ioffe & Szegedy 2015. y = gain (x - mean) / sqrt(var + eps) + bias per channel (axis 1). In
 * training, mean and variance are the batch's, over every other axis; in inference the running
 * ones. The running ones (mean, var: GM_STAT) move by `momentum` towards the batch's at every
 * training run that computes y, var with the n/(n-1) of Algorithm 2. The first application of a
 * name owns them: a discriminator that reads real pictures first keeps the statistics of those. */
typedef struct gm_norm_args {
	double momentum, eps; /* default .1, 1e-5 */
	bool no_affine;       /* neither gain nor bias */
	gm_init gain, bias;   /* default ones, zeros */
} gm_norm_args;
#define gm_batch_norm(net, name, x, ...) gm_batch_norm_(net, name, x, (gm_norm_args){__VA_ARGS__})
GM_API gm_node *gm_batch_norm_(gm_net *n, const char *name, gm_node *x, gm_norm_args a);

/* Goodfellow et al. 2013: each of `out` units is the largest of `pieces` linear functions of x. */
typedef struct gm_maxout_args {
	int64_t out;
	int pieces;
	bool no_bias;
	gm_init init, bias; /* default: GM_FAN_IN, zeros */
} gm_maxout_args;
#define gm_maxout(net, name, x, ...) gm_maxout_(net, name, x, (gm_maxout_args){__VA_ARGS__})
GM_API gm_node *gm_maxout_(gm_net *n, const char *name, gm_node *x, gm_maxout_args a);

/* Srivastava et al. 2014. Training: x mask scale, mask 1 with probability keep. Inference: x
 * keep scale, its mean. scale 1/keep (the default, "inverted") makes inference the identity;
 * scale 1 is the paper's own form. always: inference drops as training does, so that what it gives
 * is random (the noise of Isola et al. 2017, section 3.2.1). */
typedef struct gm_dropout_args {
	double keep;  /* default .5 */
	double scale; /* default 1/keep */
	bool always;
} gm_dropout_args;
#define gm_dropout(x, ...) gm_dropout_(x, (gm_dropout_args){__VA_ARGS__})
GM_API gm_node *gm_dropout_(gm_node *x, gm_dropout_args a);

/* i32 index [..] to [.., dim]: row index of a table [rows, dim]. Rows start about as long as the
 * one-hot vectors that they stand for: with numbers of variance 1, a label beside noise drowns it,
 * for what a layer learns of a few inputs that come again and again adds up with the square of
 * their length. */
typedef struct gm_embedding_args {
	int64_t rows, dim;
	gm_init init; /* default GM_NORMAL(0, 1/sqrt(dim)) */
} gm_embedding_args;
#define gm_embedding(net, name, index, ...)                                                        \
	gm_embedding_(net, name, index, (gm_embedding_args){__VA_ARGS__})
GM_API gm_node *gm_embedding_(gm_net *n, const char *name, gm_node *index, gm_embedding_args a);

/* ---- normalisers ----------------------------------------------------------------------------- */

/* A row of the table in nn/norm.c: it acts on activations (flow), where the model says gm_norm or gm_block, or on the weights
 * of all layers. A net has at most one of each kind. */
typedef struct gm_normaliser {
	const char *name, *source;
	gm_node *(*flow)(gm_net *n, const char *name, gm_node *x, const gm_norm_args *a);
	/* w, whose outputs lie along the axis, as the layer called name shall use it */
	gm_node *(*weight)(gm_net *n, const char *name, gm_node *w, int axis);
	bool mixes;     /* the examples of a batch change each other */
	bool reference; /* wants a reference batch: gm_net_with_reference */
	bool pictures;  /* only for pictures */
	bool uncentred; /* does not subtract a mean, so that a bias before it counts */
	gm_init init; /* of weights: what weights start from, whatever the layer says; kind 0: that */
} gm_normaliser;

GM_API extern const gm_normaliser gm_normalisers[]; /* ends with name NULL */
GM_API const char *gm_normaliser_name(int i);       /* NULL behind the last */
/* `_` = `-`; NULL when there is none */
GM_API const gm_normaliser *gm_normaliser_find(const char *name);
/* Before the first layer. Takes the place of the one of its kind (flow or weight); NULL and "none": of both. */
GM_API void gm_net_normalise(gm_net *n, const gm_normaliser *how);
GM_API const gm_normaliser *gm_net_flow(const gm_net *n); /* or NULL */
/* x as the net's normaliser of activations makes it, or x. Variables are the normaliser's own, under name. */
#define gm_norm(net, name, x, ...) gm_norm_(net, name, x, (gm_norm_args){__VA_ARGS__})
GM_API gm_node *gm_norm_(gm_net *n, const char *name, gm_node *x, gm_norm_args a);
/* True where gm_norm subtracts a mean, so that a bias before it would do nothing. */
GM_API bool gm_net_centres(const gm_net *n);

/* Virtual batch norm: a reference batch in front of the rows of x, so that both pass the same layers, and y without its rows
 * again. Both return their argument for any other normaliser. The reference batch NET/reference [count, ..] is a variable of
 * the net, so it is in the checkpoint: drawn from N(0,1) (labels: 0), until somebody fills it with values like those of
 * `like` (default: x). gm_game_build calls these; others need not. */
GM_API gm_node *gm_net_with_reference(gm_net *n, gm_node *x, int64_t count, gm_node *like);
GM_API gm_node *gm_net_without_reference(gm_net *n, gm_node *y);
/* Between the two: the same for what comes with the examples (labels: i32), NET/reference.given. */
GM_API gm_node *gm_net_given_reference(gm_net *n, gm_node *y, gm_node *like);
/* The variables of reference batches and what to fill their rows with, at most 2; returns how many. */
typedef struct gm_reference {
	gm_node *variable; /* [count, ..] */
	gm_node *like;     /* [m, ..]; the rows of several batches are the variable's */
} gm_reference;
GM_API int gm_net_references(const gm_net *n, gm_reference out[2]);

/* What layers of a net take where they say nothing else: initial weights, the normaliser's initial gain, momentum and eps. */
typedef struct gm_net_style {
	gm_init init, gain;   /* default GM_FAN_IN, GM_ONES */
	double momentum, eps; /* default: gm_norm_args' */
	bool bare;            /* layers have no bias, and normalisers neither gain nor bias */
} gm_net_style;
/* Before the first layer. */
#define gm_net_defaults(net, ...) gm_net_defaults_(net, (gm_net_style){__VA_ARGS__})
GM_API void gm_net_defaults_(gm_net *n, gm_net_style style);

/* ---- blocks ---------------------------------------------------------------------------------- */

typedef enum gm_activation {
	GM_LINEAR,
	GM_RELU,
	GM_LEAKY, /* relu with a slope below 0 */
	GM_TANH,
	GM_SIGMOID,
	GM_PRELU, /* GM_LEAKY with a learned slope for each channel, NAME/slope: He et al. 2015 */
	GM_GLU, /* half of twice the channels times the sigmoid of the other half: Dauphin et al. 2017 */
	GM_MAXOUT /* the largest of `pieces` channels */
} gm_activation;

/* A layer, the net's normaliser, an activation, dropout: NAME/weight, NAME/bias, NAME/norm/gain, .. The layer has no bias
 * where a normaliser that subtracts the mean follows. Of GM_MAXOUT the normaliser comes behind the maximum. */
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
	bool plain;     /* no normaliser here: a net's first and last layer */
	bool no_bias;   /* in any case */
	bool with_bias; /* also where a normaliser follows */
	gm_init init;   /* default: the net's */
	gm_node *gain,
		*bias; /* [m,out] in the place of the normaliser's own: conditional normalisation; or NULL */
	double keep; /* dropout behind it; 0 and 1: none */
	bool noise;  /* that dropout is on in inference too */
} gm_block_args;
/* Arguments of a convolution that halves the sides, or of a transposed one that doubles them: 4x4, stride 2. */
#define GM_BY_TWO .kernel = 4, .stride = 2, .pad = 1
#define gm_block(net, name, x, ...) gm_block_(net, name, x, (gm_block_args){__VA_ARGS__})
GM_API gm_node *gm_block_(gm_net *n, const char *name, gm_node *x, gm_block_args a);

/* x plus two convolutions of it, [m,C,H,W] to [m,out,..]; where channels or sides change, a 1x1 convolution is on the
 * shortcut. Normalisers NAME/a/norm, NAME/b/norm. */
typedef struct gm_residual_args {
	int64_t out; /* default: as many as x has */
	int kernel;  /* default 3 */
	bool pre; /* normalise and activate before each convolution (He et al. 2016, arXiv:1603.05027; Miyato et al. 2018); default:
	                    * convolve, normalise, activate, convolve, normalise (He et al. 2016, arXiv:1512.03385) */
	bool up, down;     /* twice the sides (nearest neighbour) or half of them (mean) */
	bool reflect;      /* pad by mirrored edges instead of zeros */
	gm_activation act; /* default GM_RELU */
	double slope;
	gm_node *gain[2], *bias[2]; /* as in gm_block_args, of both normalisers */
} gm_residual_args;
#define gm_residual(net, name, x, ...) gm_residual_(net, name, x, (gm_residual_args){__VA_ARGS__})
GM_API gm_node *gm_residual_(gm_net *n, const char *name, gm_node *x, gm_residual_args a);

/* Self-attention over the places of a map [m,C,H,W] (SAGAN: Zhang et al. 2019, eq. 1 to 3, arXiv:1805.08318): 1x1 convolutions f,
 * g, h to C/8 channels, v back to C, and gamma, which starts at 0. */
GM_API gm_node *gm_attention(gm_net *n, const char *name, gm_node *x);
/* [m,C,H,W] to [m,C+1,H,W]: the standard deviation over groups of `group` examples, averaged over channels and places
 * (Karras et al. 2018, section 3). group 0: the whole batch; one that does not divide m is made smaller. */
GM_API gm_node *gm_minibatch_stddev(gm_node *x, int group);
/* [-1,1] to [0,1], and back */
GM_API gm_node *gm_unit(gm_node *x);
GM_API gm_node *gm_signed(gm_node *p);

/* ---- likelihoods ----------------------------------------------------------------------------- */

/* -log of the normal density at x, per element, nats; log_sigma: log of the standard deviation. All broadcast. */
GM_API gm_node *gm_normal_nll(gm_node *x, gm_node *mean, gm_node *log_sigma);
/* KL divergence of N(mean, sigma^2) from N(0, 1), per element (Kingma & Welling 2014, appendix B). */
GM_API gm_node *gm_normal_kl(gm_node *mean, gm_node *log_sigma);
/* An encoder's last layer, "mean" and "log_sigma" of a normal code, and k draws from it, z = mean + sigma e with e ~ N(0, 1)
 * (Kingma & Welling 2014, section 2.4). */
typedef struct gm_normal_code {
	gm_node *mean, *log_sigma; /* [m,n] */
	gm_node *z;                /* [m,k,n] */
	gm_node *log_ratio;        /* log p(z) - log q(z|x) for p = N(0, 1), [m,k] */
	gm_node *divergence;       /* KL of q(z|x) from N(0, 1), [m] */
} gm_normal_code;
GM_API gm_normal_code gm_normal_encode(gm_net *n, gm_node *h, int64_t units, int64_t k);
/* log of the mean over the last axis of exp(x): of log weights [m,k] the importance weighted bound [m] (Burda et al. 2016, eq. 8) */
GM_API gm_node *gm_log_mean_exp(gm_node *x);
/* Numbers x in [-1,1] to the nearest of `levels` levels 0, 1, ..; real, of x's shape. */
GM_API gm_node *gm_levels(gm_node *x, int64_t levels);
/* -log of the probability of each level, nats, level's shape; logits have that shape (two levels: of level 1), or one more axis
 * of `levels` at the end. */
GM_API gm_node *gm_levels_nll(gm_node *logits, gm_node *level, int64_t levels);

/* ---- objectives ------------------------------------------------------------------------------ */

/* Numbers of the objectives. */
typedef struct gm_terms {
	double smooth;  /* one-sided label smoothing: real examples are asked to be 1 - smooth */
	double a, b, c; /* least squares: labels of fake and real examples, and what G wants */
} gm_terms;

/* A row for each game: the terms of both losses, from the discriminator's outputs before any sigmoid, [N,1] or any shape. Each
 * is a mean over the batch, minimised, rank 0. terms may be NULL: no smoothing, labels 0, 1, 1. Where a loss is no sum of one
 * term for each side, d_loss and g_loss give it from both. The table with its formulas is nn/objective.c. */
typedef struct gm_objective {
	const char *name, *source;
	gm_node *(*real)(gm_node *real, const gm_terms *terms); /* D's, of real examples */
	gm_node *(*fake)(gm_node *fake, const gm_terms *terms); /* D's, of fakes */
	gm_node *(*g)(gm_node *fake, const gm_terms *terms);    /* G's */
	bool targets; /* D is asked for labels, which can be smoothed */
	gm_node *(*d_loss)(gm_node *real, gm_node *fake, const gm_terms *terms);
	gm_node *(*g_loss)(gm_node *real, gm_node *fake, const gm_terms *terms);
} gm_objective;
/* Both losses of a row. */
GM_API gm_node *gm_objective_d(const gm_objective *o, gm_node *real, gm_node *fake,
                               const gm_terms *t);
GM_API gm_node *gm_objective_g(const gm_objective *o, gm_node *real, gm_node *fake,
                               const gm_terms *t);

GM_API extern const gm_objective gm_objectives[]; /* ends with name NULL */
GM_API const char *gm_objective_name(int i);      /* NULL behind the last */
/* `_` = `-`; NULL when there is none */
GM_API const gm_objective *gm_objective_find(const char *name);

/* ---- penalties ------------------------------------------------------------------------------- */

/* e a + (1-e) b with one e ~ U[0,1) per example: WGAN-GP, Gulrajani et al. 2017, Algorithm 1
 * line 6. a, b [N,..]. */
GM_API gm_node *gm_interpolate(gm_node *a, gm_node *b);
/* Mean over n of (|d y_n / d x_n| - centre)^2, where y_n depends on x_n only: line 7. Rank 0.
 * Batch normalisation in the critic breaks that assumption, as the paper warns. */
GM_API gm_node *gm_gradient_penalty(gm_node *y, gm_node *x, double centre);

/* A row of the table in nn/penalty.c. */
typedef struct gm_game gm_game;
typedef struct gm_penalty {
	const char *name, *source;
	double weight;                       /* usual: what build's value is multiplied with */
	gm_node *(*build)(const gm_game *m); /* rank 0; NULL: nothing is added to a loss */
	bool each;                           /* asks for D's slope at each example by itself */
	bool between;                        /* .. at mixes of a real and a generated one */
	bool both;                           /* G pays as well */
	bool clips; /* D's parameters are clamped to +-weight after each step */
} gm_penalty;

GM_API extern const gm_penalty gm_penalties[];              /* ends with name NULL */
GM_API const char *gm_penalty_name(int i);                  /* NULL behind the last */
GM_API const gm_penalty *gm_penalty_find(const char *name); /* `_` = `-`; NULL: none */

/* ---- whole games ----------------------------------------------------------------------------- */

/* A net as a function. A discriminator makes of examples x [N,..] scores [N,1]; a generator makes examples of latents. with:
 * what each row of x comes with (labels i32 [N], or i32 [N,k] of packs of k; codes [N,..]; pictures); NULL where nothing is. */
typedef gm_node *gm_net_fn(void *ctx, gm_net *n, gm_node *x, gm_node *with);

/* Examples, or latents, and what comes with them. */
typedef struct gm_shown {
	gm_node *x, *with; /* with: NULL where nothing does */
} gm_shown;

enum { GM_WRONGS = 4 };

/* An objective, a penalty and tricks put together over any G and D. Fill the upper part, call
 * gm_game_build, and give loss_d and loss_g to optimisers; clip is gm_adam's clip_weights for D.
 *
 *	gm_game m = {.G = G, .D = D, .generator = generator, .discriminator = discriminator, .real.x = x, .fake.x = z,
 *		.objective = gm_objective_find("hinge"), .penalty = gm_penalty_find("r1"), .weight = 10};
 *	gm_game_build(&m);
 */
struct gm_game {
	gm_net *G, *D;
	gm_net_fn *generator, *discriminator; /* generator NULL: fake.x is given */
	void *ctx;
	/* What D is shown. fake.x is the latent where there is a generator, which gets fake.with as well. */
	gm_shown real, fake;
	gm_shown
		fake_d; /* what D learns from as fake, where that is not G's newest, such as a pool of older ones; x NULL: fake */
	/* also fake for D, and nothing to G: a real picture with another one's caption; as many as have an x */
	gm_shown wrong[GM_WRONGS];
	double wrong_share; /* of those in D's loss on fakes; default .5 */
	const gm_objective *objective;
	gm_terms terms;
	const gm_penalty *penalty; /* NULL: none */
	double weight;
	gm_node *
		noise; /* rank 0, sigma of the noise on all that D sees (Sonderby et al. 2017); or NULL */
	double flip;      /* share of pairs whose labels are exchanged for D */
	int pack;         /* examples that D sees at once (Lin et al. 2018), 0 = 1 */
	int unroll;       /* steps of D that G looks ahead (Metz et al. 2017) */
	double unroll_lr; /* of those steps, plain gradient descent */
	bool match;       /* G matches means of D's features (Salimans et al. 2016, section 3.1) */
	/* G's loss is D's with real and fake exchanged, both terms: where real.x or real.with are made by a net that moves with G,
	 * such as the encoder of Donahue et al. 2017, arXiv:1605.09782 */
	bool exchange;
	double history;     /* weight of historical averaging, both nets (section 3.3) */
	int64_t references; /* rows of virtual batch norm's reference batches */
	int k, k_g;         /* steps of D and of G in a turn, for the model's loop */

	/* Filled by gm_game_build: G's examples (fake.x, where there is no generator); real, fake, fake_d and wrong become
	 * what D is shown, noise and packs included. */
	gm_node *generated;
	gm_node *y_real, *y_fake, *loss_d, *loss_g;
	/* What D gave to gm_features for real and fake, for heads on the same body, or NULL. */
	gm_node *f_real, *f_fake;
	double clip;
	const char *refusal; /* why this game cannot be, or NULL */
};
GM_API void gm_game_build(gm_game *m);
GM_API const char *gm_game_refusal(const gm_game *m);
/* D's scores of examples as D is shown them. */
GM_API gm_node *gm_game_discriminate(const gm_game *m, gm_shown s);

/* A pool of the last examples, state of n (NAME/examples, NAME/count): of each row of x [m,..], x itself or, once the pool holds
 * `size`, with probability 1/2 an older one, whose place x then takes (Shrivastava et al. 2017, section 2.3). No gradient goes
 * through it. m at most size; size 0: x. In one process only. */
GM_API gm_node *gm_pool(gm_net *n, const char *name, gm_node *x, int64_t size);

/* What D's last hidden layer h is called before its logit: feature matching compares it, and where
 * gm_net_minibatch is on, minibatch discrimination is appended to what comes back. */
GM_API gm_node *gm_features(gm_net *n, gm_node *h);
GM_API void gm_net_minibatch(gm_net *n, bool on);

/* Salimans et al. 2016, section 3.2: x [N,A] to [N, A + kernels], the closeness of each example to
 * the others of its batch, sum_j exp(-|M_i - M_j|_1) over j other than i. */
typedef struct gm_minibatch_args {
	int kernels, dim; /* default 50, 5 */
} gm_minibatch_args;
#define gm_minibatch_discrimination(net, name, x, ...)                                             \
	gm_minibatch_discrimination_(net, name, x, (gm_minibatch_args){__VA_ARGS__})
GM_API gm_node *gm_minibatch_discrimination_(gm_net *n, const char *name, gm_node *x,
                                             gm_minibatch_args a);

/* |p - mean of p over all steps so far|^2 over the net's parameters; computing it in training
 * moves the mean. Section 3.3. */
GM_API gm_node *gm_historical(gm_net *n);

/* ---- bodies ---------------------------------------------------------------------------------- */

/* `layers` dense blocks of `width` units: h0, h1, .. */
typedef struct gm_mlp {
	int layers;
	int64_t width;
	gm_activation act;
	double slope;   /* of GM_LEAKY */
	int pieces;     /* of GM_MAXOUT */
	double keep;    /* dropout behind each; 0: none */
	bool with_bias; /* as in gm_block_args */
} gm_mlp;
GM_API gm_node *gm_mlp_body(gm_net *n, gm_node *x, const gm_mlp *p);

/* The U-Net of Isola et al. 2017, arXiv:1611.07004, appendix 6.1.1: `depth` strided 4x4 convolutions (e1, e2, ..) halve x, as many
 * transposed ones (d<depth> .. d1) double it again, each joined by the map of its size on the way down; 1, 2, 4, 8, 8, ..
 * times `width` channels. No normaliser in the first, the innermost and the last layer. x [m,C,H,W] to [m,channels,H,W] in (-1,1). */
enum { GM_UNET_DEPTH = 8 };
typedef struct gm_unet {
	int64_t width, channels;
	int depth;     /* 1 to GM_UNET_DEPTH; 2^depth divides the sides of x */
	int drops;     /* so many maps on the way up have dropout of .5 */
	bool noise;    /* in inference too */
	bool no_skips; /* an encoder and a decoder */
} gm_unet;
GM_API gm_node *gm_unet_body(gm_net *n, gm_node *x, const gm_unet *p);

/* The translator of Johnson et al. 2016, arXiv:1603.08155, as in Zhu et al. 2017, arXiv:1703.10593, appendix 7.2: a 7x7 convolution
 * to `width` channels (first), two strided 3x3 ones (down1, down2), `blocks` residual blocks of 4 width channels (r1, r2, ..), two
 * transposed convolutions (up2, up1) and a 7x7 one (last). Mirrored edges at the 7x7 kernels and in the residual blocks; no
 * normaliser in the last layer. x [m,C,H,W], sides multiples of 4, 8 at least, to [m,channels,H,W] in (-1,1). */
typedef struct gm_resnet {
	int64_t width, channels;
	int blocks;
} gm_resnet;
GM_API gm_node *gm_resnet_body(gm_net *n, gm_node *x, const gm_resnet *p);

/* The discriminator of patches of Isola et al. 2017, appendix 6.1.2: `layers` strided 4x4 convolutions, one more, and a logit at
 * each place of the map, whose receptive fields are 1, 16, 34, 70, 142 or 286 pixels wide for 0 to 5 layers. */
GM_API gm_node *gm_patch_body(gm_net *n, gm_node *x, int64_t width, int layers);

/* Stacks of causal convolutions, features of numbers in [-1,1] from those before each. gated (van den Oord et al. 2016, arXiv:1606.05328,
 * figure 2): a vertical and a horizontal stack, [m,features,H,W]; else residual blocks (arXiv:1601.06759, table 1), [m,2 features,H,W].
 * Kernels `first` wide in the first of `layers`, `kernel` in the others; odd. In mode ROW it fills the caches and returns what
 * is of no use. */
typedef struct gm_pixelcnn {
	int64_t features;
	int layers, kernel, first;
	bool gated;
	gm_node *label; /* i32 [m], or NULL; gated only */
	int64_t classes;
} gm_pixelcnn;
GM_API gm_node *gm_pixelcnn_body(const gm_pixelcnn *p, gm_causal *c, gm_node *x);

/* How a discriminator learns of the class of an example: a row of the table in nn/condition.c; members that a row lacks are
 * NULL. */
typedef struct gm_condition {
	const char *name, *source;
	/* pictures x [m,C,H,W] with what tells the class y (i32 [m], of packs of k [m,k]) */
	gm_node *(*input)(gm_net *D, gm_node *x, gm_node *y, int64_t classes);
	/* logit [m,1] from the last hidden layer h, with what the class adds */
	gm_node *(*logit)(gm_net *D, gm_node *logit, gm_node *h, gm_node *y, int64_t classes);
	/* behind gm_game_build: a second head on D's features joins both losses; returns its logits for real examples */
	gm_node *(*head)(gm_game *m, gm_node *y, int64_t classes, double weight);
} gm_condition;
GM_API extern const gm_condition gm_conditions[]; /* ends with name NULL */
GM_API const char *gm_condition_name(int i);      /* NULL behind the last */

/* The nets of Radford et al. 2016, arXiv:1511.06434, without D's last layer. Between the picture
 * and the smallest map, sides halve while they stay even and at least 4; each halving doubles the
 * channels, from `filters` at the largest map. */
typedef struct gm_dcgan {
	int64_t channels, height, width; /* of the picture */
	int64_t filters;
	int kernel;
	double std; /* of initial weights and gains */
	/* filled by gm_dcgan_fit */
	int levels;
	int64_t small_height, small_width;
} gm_dcgan;
/* False where the sides do not halve even once. */
GM_API bool gm_dcgan_fit(gm_dcgan *p);
/* z [m,nz] to pictures [m,C,H,W] in (-1,1) */
GM_API gm_node *gm_dcgan_up(const gm_dcgan *p, gm_net *G, gm_node *z);
/* pictures to D's last map [m, filters 2^(levels-1), small_height, small_width] */
GM_API gm_node *gm_dcgan_down(const gm_dcgan *p, gm_net *D, gm_node *x);

/* ---- optimisers ------------------------------------------------------------------------------ */

/* All fields of all rules; each rule says below which it reads. */
typedef struct gm_optimiser_args {
	gm_node *lr;         /* rank 0; default: a constant, .001 (sgd .01) */
	gm_node *momentum;   /* rank 0; sgd; default none */
	double beta1, beta2; /* adam; default .9, .999; GM_NONE for 0 */
	double rho;          /* rmsprop; default .9 */
	double eps;          /* default 1e-8 */
	/* scale all gradients so that their joint 2-norm is at most this; 0: off */
	double clip_norm;
	double clip_value; /* then clamp each number of a gradient to +-this; 0: off */
	double l2;         /* add l2 * parameter to its gradient: 0 off */
	/* clamp parameters to +-this after the update (Arjovsky et al. 2017); 0: off */
	double clip_weights;
	/* of its variables, where one net has two optimisers; default the rule's */
	const char *name;
	/* only parameters whose names within the net match (gm_net_freeze says how); NULL: all */
	const char *only;
	/* decay of a moving average of what it moves, and of the net's statistics; 0: none */
	double average;
	/* average the gradients of so many runs, then move once; 0 and 1: move at every run */
	int accumulate;
	/* what a parameter becomes after the update, such as its projection onto a ball; NULL: as it is */
	gm_node *(*project)(void *ctx, const char *key, gm_node *next);
	void *ctx;
} gm_optimiser_args;
#define GM_NONE (-1.0)

/* Each returns the effect that moves the net's parameters down the gradient of loss: those that the loss depends on, and
 * that `only` names. The others are left alone and get no moments. Every read sees the values from before the run, so two
 * effects in one step are simultaneous updates.
 *
 * Averages follow a' = decay a + (1-decay) p', p' the value that this effect assigns (for running statistics: that the
 * normaliser assigns); they start at the initial values. Sample with them through gm_net_averages.
 *
 * sgd      v' = momentum v - lr g;  p' = p + v'  (heavy ball, Polyak 1964, as Pylearn2 writes it; without momentum p - lr g)
 * adam     Kingma & Ba 2015, Algorithm 1, with bias correction; the step count t is a variable of the net
 * rmsprop  s' = rho s + (1-rho) g^2;  p' = p - lr g / (sqrt(s') + eps)  (Tieleman & Hinton 2012) */
#define gm_sgd(net, loss, ...) gm_sgd_(net, loss, (gm_optimiser_args){__VA_ARGS__})
#define gm_adam(net, loss, ...) gm_adam_(net, loss, (gm_optimiser_args){__VA_ARGS__})
#define gm_rmsprop(net, loss, ...) gm_rmsprop_(net, loss, (gm_optimiser_args){__VA_ARGS__})
GM_API gm_node *gm_sgd_(gm_net *n, gm_node *loss, gm_optimiser_args a);
GM_API gm_node *gm_adam_(gm_net *n, gm_node *loss, gm_optimiser_args a);
GM_API gm_node *gm_rmsprop_(gm_net *n, gm_node *loss, gm_optimiser_args a);

/* The joint 2-norm of the gradients that the optimiser which returned `effect` was given, before any clipping, rank 0;
 * NULL where no optimiser of this net did. A new node at each call. */
GM_API gm_node *gm_net_gradient_norm(const gm_net *n, const gm_node *effect);

/* Scales g[0..n) in place of the pointers so that their joint 2-norm is at most max_norm. */
GM_API void gm_clip_norm(gm_node **g, int n, double max_norm);

/* Fills from[i], to[i] with variables and their averages (for gm_compile_options), at most room
 * pairs; returns how many. */
GM_API int gm_net_averages(const gm_net *n, gm_node **from, gm_node **to, int room);

GM_END_C

#endif
