/* SPDX-License-Identifier: MIT
 *
 * model.h -- the interface of a model file. A model is one function that builds nets, compiles
 * training steps and runs them in a loop, like the algorithm in its paper. The gm_run that it gets
 * does the rest: options, data, seeds, sample images, logs, checkpoints, resuming, stopping.
 *
 *	static const gm_option options[] = {
 *		{"nz", "100", "numbers in z", GM_INT(1, 65536)},
 *		GM_OPTIMISER_OPTIONS("adam", "2e-4", "0.5", "constant"),
 *		GM_GAME_OPTIONS("non-saturating", "batch", "batch"),
 *		{0},
 *	};
 *
 *	static int train(gm_run *r)
 *	{
 *		gm_net *G = gm_net_new(r, "G"), *D = gm_net_new(r, "D");
 *		gm_game game = gm_opt_game(r, G, D);
 *		gm_node *x = gm_batch(r, "image");
 *		int64_t m = gm_opt_int(r, "batch"), nz = gm_opt_int(r, "nz");
 *		gm_node *z = gm_noise(r, "z", GM_LATENT_NORMAL, m, nz);
 *		game.generator = generator, game.discriminator = discriminator;
 *		game.real.x = x, game.fake.x = z;
 *		gm_run_game(r, &game);
 *		gm_endpoint(r, "generate", game.generated, z);
 *		gm_turn turn = gm_play(r, &game);
 *		while (gm_next(r))
 *			gm_run_turn(r, &turn);
 *		return gm_end(r);
 *	}
 *	const gm_model gm_model_mine = {"mine", "my own GAN", "arXiv:...", options, train};
 *
 * and for a model that is not a GAN:
 *
 *		gm_node *moved = gm_move(r, net, loss, .average = true);
 *		gm_step *step = gm_run_compile(r, gm_logged(r, "loss", loss), moved);
 *		while (gm_next(r)) {
 *			gm_feed(r);
 *			gm_run_step(r, step);
 *		}
 *
 * `ganymede sample` calls the same function: then gm_run_compile returns NULL, gm_next returns
 * false at once, and only what an endpoint needs is compiled. So build everything before the loop,
 * and always in the same order.
 *
 * No call needs an error check. The run stores the first error (an invalid option, a shape
 * mismatch, a full disk, a loss that is not finite); after it gm_next returns false, and gm_end
 * returns the exit status.
 *
 * Images are [m,C,H,W] in [-1,1], in gm_batch and as the output of "generate".
 */
#ifndef GANYMEDE_MODEL_H
#define GANYMEDE_MODEL_H

#include "ganymede/env.h"
#include "ganymede/graph.h"
#include "ganymede/nn.h"
#include "ganymede/text.h"

GM_BEGIN_C

typedef struct gm_run gm_run;

/* Type of an option's value. It is checked before any file is opened, and shown by help and shell
 * completion. */
typedef enum gm_option_kind {
	GM_OPTION_TEXT,
	GM_OPTION_PATH,   /* text that names a file, a folder, a data set or a run */
	GM_OPTION_INT,    /* an integer in lo..hi */
	GM_OPTION_REAL,   /* a number in lo..hi */
	GM_OPTION_U64,    /* an unsigned 64-bit integer, such as a seed */
	GM_OPTION_CHOICE, /* one of the words in choices ("a|b|c"), or a name of a table */
	GM_OPTION_FLAG    /* yes or no (on, off, true, false, 1, 0) */
} gm_option_kind;

typedef struct gm_option_type {
	gm_option_kind kind;
	double lo, hi;
	const char *choices;
	const char *(*row)(int i); /* names of a table, NULL after the last */
	bool sum;                  /* several names may be joined: a+b */
	/* further check of a text; fills err with GM_ERR_VALUE */
	bool (*check)(const char *text, gm_error *err);
} gm_option_type;

/* clang-format off */
#define GM_INT(least, most) {GM_OPTION_INT, (least), (most)}
#define GM_REAL(least, most) {GM_OPTION_REAL, (least), (most)}
#define GM_CHOICE(words) {GM_OPTION_CHOICE, .choices = words}
#define GM_ROW_OF(names) {GM_OPTION_CHOICE, .row = names}
#define GM_SUM_OF(names) {GM_OPTION_CHOICE, .row = names, .sum = true}
#define GM_FLAG {GM_OPTION_FLAG}
#define GM_TEXT {GM_OPTION_TEXT}
#define GM_PATH {GM_OPTION_PATH}
#define GM_CHECKED(function) {GM_OPTION_TEXT, .check = function}
/* clang-format on */
#define GM_MANY INT32_MAX /* upper bound for a GM_INT without a natural one */

/* A row of a model's table of options, used for the command line, the help and the checkpoint. A
 * row with the name of a common option ("batch", "steps", ...) replaces its default and help. Of
 * two rows with the same name the first is used. If the default is "auto", then "auto" is a valid
 * value; gm_opt_auto sets its meaning. */
typedef struct gm_option {
	const char *name, *value, *help; /* value: the default */
	gm_option_type type;
	bool resume; /* may be changed when the run is resumed */
	/* When the option has an effect; NULL: always. To give it otherwise, and not its default,
	 * is an error of the run. "net=conv|dcgan": with these values of option net, or with one of
	 * them in a sum; "adv": if option adv is in use: not 0, no, off, none or empty; "!": before
	 * one of these, if it is not so. Conditions joined with commas must all hold, or those of
	 * another alternative, after a semicolon: "optimiser=sgd,task=joint;adv". Of rows with the
	 * same name the first such text is used. */
	const char *only;
} gm_option;

typedef struct gm_model {
	const char *name, *title, *source;
	const gm_option *options; /* ends with name NULL */
	int (*train)(gm_run *r);  /* returns gm_end(r) */
} gm_model;

GM_API extern const gm_model *const gm_models[]; /* ends with NULL */
/* Registers m for gm_model_find, and so for training, resuming and opening; m must stay valid.
 * GM_ERR_VALUE if the name is in use. Call it before other threads use the library. */
GM_API bool gm_model_register(const gm_model *m, gm_error *err);
GM_API const gm_model *gm_model_find(const char *name); /* NULL if there is none */

/* ---- options, data, progress ----------------------------------------------------------------- */

GM_API gm_graph *gm_run_graph(gm_run *r);

/* Value of an option, by its name in the table; its type was checked. "batch" is this process's
 * share of the batch. */
GM_API int64_t gm_opt_int(gm_run *r, const char *name);
GM_API double gm_opt_real(gm_run *r, const char *name);
GM_API const char *gm_opt_str(gm_run *r, const char *name);
GM_API bool gm_opt_flag(gm_run *r, const char *name);
/* Index of the value in the list of its type, from 0. */
GM_API int gm_opt_choice(gm_run *r, const char *name);
GM_API bool gm_opt_has(gm_run *r,
                       const char *name); /* true if this option exists, of the model or common */
/* Sets the value of an option whose value is "auto"; otherwise (or if there is no such option) does
 * nothing. */
GM_API void gm_opt_auto(gm_run *r, const char *name, const char *fmt, ...) GM_PRINTF(3, 4);
/* gm_opt_auto for several options: "optimiser=sgd lr=.1". */
GM_API void gm_opt_autos(gm_run *r, const char *settings);
/* Makes --rate auto mean the schedule of this name, with the values of two options of the model as
 * its arguments (or one, with NULL), which are .only = "rate=auto". gm_opt_rate(r, "linear",
 * "hold", "fall") is for the rows of GM_FALL_OPTIONS. */
GM_API void gm_opt_rate(gm_run *r, const char *schedule, const char *first, const char *second);
/* clang-format off */
#define GM_FALL_OPTIONS(epochs) \
	{"hold", epochs, "epochs at the full rate", GM_REAL(0, 1e9), .resume = true, .only = "rate=auto"}, \
	{"fall", epochs, "epochs in which it then falls to 0", GM_REAL(1e-9, 1e9), .resume = true, .only = "rate=auto"}
/* clang-format on */

/* The rows of all options that gm_opt_game reads, for a model's table, with the model's defaults
 * for objective and normalisers. */
/* clang-format off */
#define GM_GAME_OPTIONS(objective, norm_g, norm_d) \
	{"objective", objective, "losses of G and D", GM_ROW_OF(gm_objective_name)}, \
	{"penalty", "none", "regularisation of D", GM_ROW_OF(gm_penalty_name)}, \
	{"penalty-weight", "auto", "its weight (clip: the bound); auto: the usual one", GM_REAL(0, 1e9), .only = "penalty"}, \
	{"slope", "1", "of wgan-gp and one-sided: the norm of D's gradient that they ask for", GM_REAL(1e-9, 1e9), .only = "penalty=wgan-gp|one-sided"}, \
	GM_NORM_OPTIONS(norm_g, norm_d), \
	{"k", "1", "steps of D for each turn", GM_INT(1, 10000)}, \
	{"k-g", "1", "steps of G for each turn", GM_INT(1, 10000)}, \
	{"lr-d", "auto", "learning rate of D; auto: that of G", GM_REAL(0, 1e30), .resume = true}, \
	{"labels", "0,1,1", "of least-squares: fake, real, what G wants", GM_CHECKED(gm_check_labels), .only = "objective=least-squares"}, \
	{"smooth", "0", "one-sided label smoothing: the target of real examples is 1 less this", GM_REAL(0, .5)}, \
	{"flip-labels", "0", "share of pairs whose labels are exchanged for D", GM_REAL(0, .5)}, \
	{"noise", "0", "standard deviation of noise on all that D sees", GM_REAL(0, 10)}, \
	{"noise-steps", "0", "steps in which that noise falls to 0; 0: it stays", GM_INT(0, GM_MANY), .only = "noise"}, \
	{"augment", "none", "augmentation of the images that D sees: diff (fixed) or ada (adaptive), or some of their parts, joined with +", \
	 GM_SUM_OF(gm_augmentation_name)}, \
	{"augment-target", "0.6", "of ada: mean sign of D's scores of real images above which the probability p of transformations grows", GM_REAL(1e-9, 1), .only = "augment=ada|ada-blit|ada-geometry|ada-color"}, \
	{"augment-kimg", "500", "of ada: thousands of images in which p can grow from 0 to 1", GM_REAL(1e-9, 1e9), .only = "augment=ada|ada-blit|ada-geometry|ada-color"}, \
	{"pack", "1", "examples that D sees at once (PacGAN)", GM_INT(1, 64)}, \
	{"unroll", "0", "steps of D that G looks ahead (unrolled GAN)", GM_INT(0, 32)}, \
	{"unroll-lr", "0.01", "step size of those steps", GM_REAL(0, 10), .only = "unroll"}, \
	{"match", "no", "feature matching: G matches the means of D's features", GM_FLAG}, \
	{"minibatch", "no", "minibatch discrimination in D", GM_FLAG}, \
	{"history", "0", "weight of historical averaging, G and D", GM_REAL(0, 1e6)}, \
	{"reference", "64", "examples in virtual batch norm's reference batch", GM_INT(1, 65536), .only = "normalise-g=virtual;normalise-d=virtual"}

#define GM_NORM_OPTIONS(norm_g, norm_d) \
	{"normalise-g", norm_g, "normalisation in G; one of activations and one of weights join with +", \
	 GM_SUM_OF(gm_normaliser_name)}, \
	{"normalise-d", norm_d, "normalisation in D", GM_SUM_OF(gm_normaliser_name)}

/* The rows that gm_move reads, with the model's defaults: optimiser, learning rate, Adam's beta1
 * and the schedule of the rate ("constant", "linear:100:100", ..; or "auto", with gm_opt_auto or
 * gm_opt_rate). */
#define GM_OPTIMISER_OPTIONS(rule, rate, beta1, schedule) \
	{"optimiser", rule, "how parameters follow their gradients", GM_CHOICE("sgd|adam|rmsprop")}, \
	{"lr", rate, "learning rate; auto: the usual one", GM_REAL(0, 1e30), .resume = true}, \
	{"rate", schedule, "schedule of the learning rate: constant, exponential:FACTOR:FLOOR, linear:HOLD:FALL, decay:HOLD:FALL (to a hundredth), cosine:STEPS, " \
	 "step:EVERY:FACTOR, drops:FIRST:SECOND (to a tenth, to a hundredth), inverse:LENGTH, stages:PASSES", GM_CHECKED(gm_check_rate), .resume = true}, \
	{"beta1", beta1, "adam: decay of the mean of gradients", GM_REAL(0, .9999), .only = "optimiser=adam"}, \
	{"beta2", "auto", "decay of the mean of squared gradients; auto: .999 (adam), .9 (rmsprop)", GM_REAL(0, .999999), .only = "optimiser=adam|rmsprop"}, \
	{"eps", "1e-8", "adam, rmsprop: added to the root of that mean", GM_REAL(1e-30, 1), .only = "optimiser=adam|rmsprop"}, \
	{"momentum", "auto", "sgd: momentum, or FROM:TO:EPOCH, growing from epoch 1 to that one; auto: the model's, or none", \
	 GM_CHECKED(gm_check_momentum), \
	 .resume = true, .only = "optimiser=sgd"}, \
	{"l2", "0", "weight decay: this times a parameter is added to its gradient", GM_REAL(0, 1), .resume = true}, \
	{"clip-norm", "0", "largest norm of a net's gradient; 0: any", GM_REAL(0, 1e9), .resume = true}, \
	{"accumulate", "1", "minibatches whose mean gradient makes one update", GM_INT(1, 65536)}
/* clang-format on */
GM_API bool gm_check_labels(const char *text, gm_error *err);
GM_API bool gm_check_rate(const char *text, gm_error *err);
GM_API bool gm_check_momentum(const char *text, gm_error *err);
/* "auto", or classes as whole numbers with commas between them. */
GM_API bool gm_check_classes(const char *text, gm_error *err);
/* An error of the run if an option, a number or such a list, names a class of k or above. */
GM_API void gm_want_classes(gm_run *r, const char *option, int64_t k);

/* Reads the options of GM_GAME_OPTIONS and sets the normalisers of both nets; call it before their
 * first layer. Then set the other fields of gm_game (nn.h: generator, discriminator, ctx, real,
 * fake) and call gm_run_game. This is gm_game_build, with its errors stored in the run and
 * reference batches filled from the data. The loop uses game.k and game.k_g, and gm_move uses
 * option lr-d. A run may have several games. */
GM_API gm_game gm_opt_game(gm_run *r, gm_net *G, gm_net *D);
GM_API void gm_run_game(gm_run *r, gm_game *m);
/* After gm_run_game: adds the head of a condition (gm_condition.head), with the weight of option
 * aux-weight. Returns its logits for real examples. */
GM_API gm_node *gm_run_head(gm_run *r, gm_game *m, const gm_condition *how, gm_node *y);
/* Only sets the normalisers, for models with their own losses: options of GM_NORM_OPTIONS. */
GM_API void gm_opt_norms(gm_run *r, gm_net *G, gm_net *D);

typedef struct gm_facts {
	bool points;                     /* examples are points [2], not images */
	int64_t channels, height, width; /* of an image; 0 for points */
	int64_t numel;                   /* values in one example */
	int64_t rate;                    /* of sounds [1,1,samples], in Hz; 0: not sounds */
	int64_t classes;                 /* labels are 0 .. classes-1; 0: none */
	uint64_t count;                  /* examples in the set; 0: endless */
	double low, high;                /* range of the values: -1, 1 for images */
	/* image size in training; shapes of variables may depend on it. height and width can differ
	 * from it when a tool requests another size (gm_any_size) */
	int64_t own_height, own_width;
	bool paired; /* fields "a" and "b" of one example belong together; not set in tools */
	/* [classes], or NULL; owned by the data or the checkpoint */
	const char *const *class_names;
} gm_facts;

GM_API const gm_facts *gm_run_facts(gm_run *r);
/* Scores of the data's principal components: [count, k], row i those of example i (field "index"),
 * from components that are fitted to at most 4,096 examples. Rows longer than
 * `longest` (0: any) are scaled to that norm. error (or NULL): the mean squared error of a value of
 * these examples, reconstructed from the k components. Only for finite sets; NULL when only
 * sampling. */
GM_API const double *gm_data_principal(gm_run *r, int64_t k, double longest, double *error);
/* The logit of each value's mean over the data (at most the first 10,000 examples), [numel]; values
 * are scaled to [0,1] and the mean is clamped to [1e-7, 1 - 1e-7]. NULL when only sampling. */
GM_API const double *gm_data_mean_logit(gm_run *r);

GM_API int64_t gm_step_number(gm_run *r); /* steps finished so far */
/* Epochs so far; of an endless set, 50,000 examples are an epoch. */
GM_API double gm_epoch(gm_run *r);

/* Schedules. gm_decay: first / factor^t, but at least floor. gm_ramp: linear from a at t = start to
 * b at t = end, constant outside. gm_cosine: half a cosine from a at t = 0 to b at t = end,
 * constant outside. */
GM_API double gm_decay(double first, double factor, double t, double floor);
GM_API double gm_ramp(double a, double b, double start, double end, double t);
GM_API double gm_cosine(double a, double b, double t, double end);

/* A formatted text for names of layers, owned by the run. */
GM_API const char *gm_name(gm_run *r, const char *fmt, ...) GM_PRINTF(2, 3);
/* A line about the net for the log of a new run, such as its receptive field. */
GM_API void gm_run_tell(gm_run *r, const char *fmt, ...) GM_PRINTF(2, 3);
/* Reports an error that only the model can detect. */
GM_API void gm_run_error(gm_run *r, const char *fmt, ...) GM_PRINTF(2, 3);

/* ---- building -------------------------------------------------------------------------------- */

/* A net whose variables the run saves and loads; owned by the run. Further arguments are those of
 * gm_net_defaults: gm_net_new(r, "G", .init = GM_NORMAL(0, .02)). */
#define gm_net_new(r, name, ...) gm_net_new_(r, name, (gm_net_style){__VA_ARGS__})
GM_API gm_net *gm_net_new_(gm_run *r, const char *name, gm_net_style style);
/* Loads the variables of n, except optimiser state, from a safetensors file by their names within
 * the net, after prefix ("G/" for the G of another run; NULL: none). Variables that the file lacks
 * or has with another shape are not changed, but counted in rep, so that a new head can be trained.
 * Only has an effect in a new run: a checkpoint has its own values. False, with the run's error, if
 * the file cannot be read. rep may be NULL. */
typedef struct gm_load_report {
	int loaded, absent, reshaped;
} gm_load_report;
GM_API bool gm_net_load(gm_run *r, gm_net *n, const char *file, const char *prefix,
                        gm_load_report *rep);
/* The endpoint of another trained run as an expression in this graph. option: the option of this
 * model that names the other run (a folder, number or checkpoint). in[0..n-1], [batch, ..], replace
 * its inputs; an input that is NULL or beyond n keeps its own noise. Uses moving averages of
 * weights if it has them, in inference mode (running statistics, no dropout). It is frozen:
 * gradients pass through, but its variables are not updated. They are named OPTION/NET/... and
 * saved with this run, so that tools and a resumed run do not need the other checkpoint. On failure
 * sets the run's error. */
GM_API gm_node *gm_import(gm_run *r, const char *option, const char *endpoint, gm_node *const *in,
                          int n);
/* Embeddings phi [m,n] of captions t [m,length]: by the endpoint "encode/text" of the run that this
 * option names; if it names none, bags of words of as many values as option buckets says. */
GM_API gm_node *gm_caption_embedding(gm_run *r, const char *option, gm_node *t);
/* The mean of the embeddings of as many captions of each example of the batch as option captions
 * says, 1 to 4 (field "captions" has four); for 1 it is `one`, the embedding of field "caption". */
GM_API gm_node *gm_captions_mean(gm_run *r, const char *option, gm_node *one);
/* What the run that this option names can tell of images: the batch's field with the class of each,
 * or, if it is a text-encoder, with the caption. A classifier of other classes than the data's is
 * an error of the run. */
GM_API gm_node *gm_guided_by(gm_run *r, const char *option);
/* The direction for codes h [m,n], from images x of h, to that class or caption y. For class c:
 * (1 - p_c) d logit_c / dh with `scaled` (github.com/Evolving-AI-Lab/ppgn, sampling_class.py),
 * else the gradient of log p_c. For a caption: of text-encoder's score <theta(x), phi(y)>. */
GM_API gm_node *gm_toward(gm_run *r, const char *option, gm_node *x, gm_node *y, gm_node *h,
                          bool scaled);
/* The shape of an input of that endpoint, or of its output (input -1); and the facts of the other
 * run's data. */
GM_API gm_shape gm_import_shape(gm_run *r, const char *option, const char *endpoint, int input);
GM_API const gm_facts *gm_import_facts(gm_run *r, const char *option);
/* How many times as high and wide as the images of that endpoint those of the data are: 2, 4, 8,
 * ..; any other relation is an error of the run. */
GM_API int gm_import_factor(gm_run *r, const char *option, const char *endpoint);
/* Activations of a trained network ("squeezenet", "vgg16") for images x in [-1,1] at one of its
 * layers ("fire4", "relu2_2"; an unknown layer is an error that lists the layers), for perceptual
 * losses. Differentiable in x; the network is frozen. weights: its file; NULL or "": the file
 * downloaded by `ganymede data fetch`. Resuming with another file is an error of the run. When only
 * sampling, no file is read and x is returned. */
GM_API gm_node *gm_perceive(gm_run *r, const char *extractor, const char *weights,
                            const char *layer, gm_node *x);
/* Features of a published network ("squeezenet", "vgg16") as layers of n: the means over places
 * [m,F] of its layer by option layer ("auto": the deepest convolution), for images x [m,1 or
 * 3,H,W] in [-1,1], which are enlarged bilinearly, by the smallest integer that brings both sides
 * to option least-side. The parameters are those of n, with the names of the network's file of
 * weights and random initial values; option from loads them. */
GM_API gm_node *gm_opt_network(gm_run *r, gm_net *n, const char *network, gm_node *x);
/* Adds model state, such as that of environments, to checkpoints: bytes are saved from here, and
 * restored here when the run is resumed or opened. They must outlive the run, and size must be the
 * same in every call. */
GM_API void gm_keep(gm_run *r, const char *name, void *bytes, size_t size);
/* DCGAN's initial values. */
#define GM_DCGAN_STYLE .init = GM_NORMAL(0, .02), .gain = GM_NORMAL(1, .02)

/* An input that gm_feed fills with the minibatch: "image" [m,C,H,W], "point" [m,2], "example"
 * (either of these), "label" i32 [m], or any other field of the data (data.h): "a" and "b" of
 * pairs, "mask", "low", "index", "caption", ..., [m, shape of the field], i32 for integers and
 * text. The fields of one example belong together. A field that the data does not have is an error
 * of the run. */
GM_API gm_node *gm_batch(gm_run *r, const char *field);
/* The number of classes of a field of integers, whose values are 0 .. classes - 1; 0 without. */
GM_API int64_t gm_batch_classes(gm_run *r, const char *field);

/* A second stream of examples besides the run's own: a small labelled subset in semi-supervised
 * learning, or a second data set. gm_feed fills its inputs too; checkpoints store its position and
 * the description of its fields. */
typedef struct gm_stream gm_stream;
typedef struct gm_stream_args {
	/* name of the option that names another set, converted to the size and channels of the
	 * run's data; default: the run's data */
	const char *data;
	const char *split; /* another split of the set; default: the run's */
	int64_t rows;      /* batch size per process; default: option batch */
	/* only this many examples of each class, chosen by option subset-seed; 0: all */
	int64_t per_class;
	bool once; /* filled before the first step only: examples that initial values depend on */
} gm_stream_args;
#define gm_stream_open(r, name, ...) gm_stream_open_(r, name, (gm_stream_args){__VA_ARGS__})
/* Never NULL; errors are stored in the run. Owned by the run. */
GM_API gm_stream *gm_stream_open_(gm_run *r, const char *name, gm_stream_args a);
GM_API gm_node *gm_stream_batch(gm_stream *s,
                                const char *field); /* as gm_batch: [rows, shape of the field] */
GM_API const gm_facts *gm_stream_facts(const gm_stream *s);

/* Attributes of examples: the integer fields that an option lists ("gender,race,age:20:40"), as
 * numbers 0 and 1. A field of two classes is one number, one of k > 2 classes is k numbers of which
 * one is 1, a vector of flags is a number for each; cuts (age:20:40) divide values into intervals.
 * s: the stream that has the fields; NULL: the run's data. Never NULL; owned by the run. */
typedef struct gm_attributes gm_attributes;
GM_API gm_attributes *gm_attributes_open(gm_run *r, const char *option, gm_stream *s);
GM_API gm_node *gm_attributes_batch(const gm_attributes *a); /* of the minibatch, [m,n] */
/* A run may have attributes of several sets, which not all examples have (mask vectors, Choi et al.
 * 2018, arXiv:1711.09020, section 3.2). Numbers [m,n] of a as a vector over all sets in the order
 * of opening: those of other sets are 0, and with several sets one of as many further numbers says
 * whose they are. */
GM_API int64_t gm_attributes_all(gm_run *r);
GM_API gm_node *gm_attributes_vector(const gm_attributes *a, gm_node *numbers);
/* D's second head, layer "domain" without bias, on features h [m,..] of examples: logits of all
 * sets' attributes, [m, all numbers]. */
GM_API gm_node *gm_attributes_logits(gm_run *r, gm_net *D, gm_node *h);
/* After gm_run_game, with examples of the set of a: adds `weight` times the loss of this head to
 * loss_d, on real examples with the minibatch's numbers, and to loss_g, on fakes with the numbers
 * `to` [m,n] that they were made for (eq. 2 and 3). The loss is the cross-entropy, a softmax over
 * exclusive numbers, a sigmoid of others, summed over attributes, mean over the batch. Returns that
 * of fakes, without the weight, rank 0. */
GM_API gm_node *gm_attributes_head(const gm_attributes *a, gm_game *m, gm_node *to, double weight);
/* The vector of the most probable numbers by logits [m, all numbers], changed as the request `to`
 * [m, all numbers] says: an attribute of exclusive numbers without a positive entry is as found,
 * else its largest entry is its value; another number becomes 1 or 0 where its entry is positive or
 * negative. The last set with an entry that is not 0 is the one whose numbers are given; if there
 * is none, the first. */
GM_API gm_node *gm_attributes_change(gm_run *r, gm_node *logits, gm_node *to);
/* The request for value i of all sets' attributes, in their order, [rows, all numbers]; NULL beyond
 * the last. */
GM_API gm_node *gm_attributes_request(gm_run *r, int i, int64_t rows);

/* The input of the first field that such an option names: for endpoints that read it. */
GM_API gm_node *gm_option_field(gm_run *r, const char *option);
/* Rows [m,numel] of a table with 0 in the numbers of the columns that such an option names. */
GM_API gm_node *gm_without_columns(gm_run *r, gm_net *n, gm_node *rows, const char *option);
/* 1 for each number of a table's row that is a column of numbers, 0 for categories, which are 0 or
 * 1, and for pixels: [numel], not trained. Both keep their masks in variables of n. */
GM_API gm_node *gm_number_columns(gm_run *r, gm_net *n);

/* Sets an error unless fields "a" and "b" of the data are paired. */
GM_API void gm_want_pairs(gm_run *r);

/* Declares a random expression as a latent, so that tools can replace its values: sets its name
 * ("z", "c1"; letters and digits) and distribution. Returns source. Undeclared inputs of an
 * endpoint are taken as normal noise. */
typedef enum gm_latent_kind {
	GM_LATENT_NORMAL,  /* i.i.d. N(0, 1) */
	GM_LATENT_UNIFORM, /* i.i.d. U(-1, 1) */
	GM_LATENT_ONE_HOT  /* one-hot rows of a uniform class */
} gm_latent_kind;
GM_API gm_node *gm_latent(gm_run *r, const char *name, gm_node *source, gm_latent_kind kind);

/* A latent of m rows with n random values (one-hot: n classes). */
GM_API gm_node *gm_noise(gm_run *r, const char *name, gm_latent_kind kind, int64_t m, int64_t n);
/* For gm_import: true if the other run has this endpoint; and the distribution of a latent input of
 * it (normal if it was not declared). */
GM_API bool gm_import_has(gm_run *r, const char *option, const char *endpoint);
GM_API gm_latent_kind gm_import_latent(gm_run *r, const char *option, const char *endpoint,
                                       int input);

/* Examples [m, ..] as rows [m,numel], with pixels in [0,1]; and rows as examples of the run's
 * shape, with pixels in [-1,1]. */
GM_API gm_node *gm_example_rows(gm_run *r, gm_node *x);
GM_API gm_node *gm_rows_example(gm_run *r, gm_node *rows);
/* How many times height and width of the run's images can be halved: at most `most` times, while
 * both are even and the result is at least `smallest`. Fewer than `least` is an error of the
 * run. */
GM_API int gm_want_halvings(gm_run *r, int least, int most, int64_t smallest);
/* DCGAN's nets for the run's images, by options width and kernel. */
GM_API gm_dcgan gm_opt_dcgan(gm_run *r);
/* The rows that gm_opt_pixelcnn reads: a gated PixelCNN for the run's images. when and cached:
 * gm_option.only of all rows but the last, and of the last; or NULL. */
/* clang-format off */
#define GM_PIXELCNN_OPTIONS(when, cached) \
	{"features", "32", "features of each layer", GM_INT(1, 1024), .only = when}, \
	{"layers", "7", "masked layers", GM_INT(2, 32), .only = when}, \
	{"kernel", "3", "width of the layers after the first, odd", GM_INT(3, 15), .only = when}, \
	{"first", "7", "width of the first layer, odd", GM_INT(3, 15), .only = when}, \
	{"levels", "auto", "values of a number: 2 to 256; auto: 2 for grey, 256 for colour", GM_INT(2, 256), .only = when}, \
	{"cached", "yes", "the gated net samples with cached activations; no: a pass over the whole image for each value", \
	 GM_FLAG, .resume = true, .only = cached}
/* clang-format on */
GM_API gm_pixelcnn gm_opt_pixelcnn(gm_run *r);
/* The number of strided layers for gm_patch_body, by option patch (receptive field of 1, 16, 34,
 * 70, 142 or 286 pixels). Images that are too small for it are an error of the run. */
GM_API int gm_opt_patch(gm_run *r);
/* For models of binary pixels, before nets are built and further streams opened: if the option
 * binarise is auto, it becomes `otherwise`. Batches then contain only -1 and 1, also those of all
 * metrics. False if the option keeps pixels grey. */
GM_API bool gm_want_binary(gm_run *r, const char *otherwise);

/* A rank-0 input that changes during training; logged under its name. Set it with gm_schedule_set
 * before gm_run_step. Its value must be a pure function of the step, because checkpoints do not
 * store it. */
GM_API gm_node *gm_schedule(gm_run *r, const char *name, double first);
GM_API void gm_schedule_set(gm_run *r, gm_node *schedule, double value);
/* The scheduled learning rate, rank 0, from options lr (or lr-WHICH, if it exists and is not auto)
 * and rate; logged as lr or lr_WHICH and set by the run before each turn. which NULL: lr. For
 * models that call the optimisers of nn.h directly. */
GM_API gm_node *gm_rate(gm_run *r, const char *which);

/* Training in several phases. names: in order, ends with NULL. The length of each phase except the
 * last is given by option NAME-steps, or NAME-kimg in thousands of examples. Returns the phase of
 * the next step (in tools: the phase of the checkpoint). *share, unless NULL: the fraction of the
 * phase that is done, 0 to 1 (for the last phase by the length of the run; in tools 1). */
GM_API int gm_phase(gm_run *r, const char *const *names, double *share);

/* Progressive growing of the resolution (Karras et al. 2018, arXiv:1710.10196, section 2 and
 * appendix A.1), by options stable-kimg and fade-kimg, thousands of examples: each stage but the
 * last is trained for stable-kimg, then the next one fades in for fade-kimg. All is a function of
 * the examples so far, so that a resumed run goes on exactly. */
typedef struct gm_growth {
	int stages;
	/* Rank 0, logged as "stage", from 0 to stages - 1: the stage; while it fades in, less than
	 * that by the share that the stage before still has. In tools the checkpoint's. */
	gm_node *place;
	/* rank 0, for gm_growth_rows: the first row of the present part of the minibatch */
	gm_node *first;
} gm_growth;
GM_API gm_growth gm_growth_open(gm_run *r, int stages);
/* Before each turn: sets `place` and returns the stage of this turn. *began, unless NULL: true if a
 * fade has begun or ended since the last turn. */
GM_API int gm_grow(gm_run *r, gm_growth *w, bool *began);
/* Rows of x [m,..], beginning with row `first` of w: [rows,..]. */
GM_API gm_node *gm_growth_rows(const gm_growth *w, gm_node *x, int64_t rows);

typedef struct gm_move_args {
	/* selects the learning rate: "g" (default): lr; "d": lr-d. Other names also name the
	 * optimiser's variables, for two optimisers of one net */
	const char *which;
	double lr_times; /* factor of the learning rate; default 1 */
	/* only parameters that match (patterns as for gm_net_freeze); default: all that the loss
	 * depends on */
	const char *only;
	/* keep a moving average (option ema) of the updated parameters: for nets that generate
	 * samples */
	bool average;
	double clip_weights; /* bound of parameters after the update; 0: none */
	gm_node *(*project)(void *ctx, const char *key,
	                    gm_node *next); /* as in gm_optimiser_args */
	void *ctx;
} gm_move_args;
/* An optimiser step that minimises loss over the net's parameters, by the options of
 * GM_OPTIMISER_OPTIONS. Returns its effect. */
#define gm_move(r, net, loss, ...) gm_move_(r, net, loss, (gm_move_args){__VA_ARGS__})
GM_API gm_node *gm_move_(gm_run *r, gm_net *n, gm_node *loss, gm_move_args a);

/* Returns y, rank 0. The value of y is logged under name after each run of a step that has y as an
 * output; a value that is not finite ends the run. Call it before that step is compiled. */
GM_API gm_node *gm_logged(gm_run *r, const char *name, gm_node *y);

/* Properties of endpoints: flags of gm_endpoint_kind. */
enum {
	/* generates examples from noise; used by sample, eval and for sample images */
	GM_DRAWS = 1,
	GM_CHANGES = 2, /* maps examples to examples, which images show side by side */
	GM_PAIRS = 4, /* with GM_CHANGES: the target is the other side of the pair, not the input */
	GM_JUDGES = 8, /* a discriminator, used by monitors */
	/* Checked when an endpoint is declared; m is the batch size: */
	GM_TAKES_DATA = 16, /* the first input is from gm_batch, and is not the label */
	GM_GIVES_EXAMPLES =
		32, /* output [m, shape of an example]; of a variant, another size of this rank */
	GM_GIVES_ALIKE =
		64, /* output [m, ..] of the rank of the first input, with any channels and sizes */
	GM_GIVES_ROWS = 128,    /* output [m, ..] */
	GM_GIVES_NUMBERS = 256, /* output [m] */
	GM_TAKES_HIDDEN = 512,  /* one of the inputs is gm_hidden */
	/* output of the shape of the first input, a video [m,T,C,H,W]; or of label maps, i32
	 * [m,T,H,W], scores of classes [m,T,K,H,W] */
	GM_FORETELLS = 1024
};

/* An endpoint name known to tools. "NAME/VARIANT" is a variant of NAME: the same function for
 * another direction, size or domain ("translate/back", "generate/16", "discriminate/a"). */
typedef struct gm_endpoint_kind {
	const char *name, *takes, *gives; /* takes and gives: descriptions */
	unsigned flags;
} gm_endpoint_kind;

GM_API extern const gm_endpoint_kind gm_endpoint_kinds[]; /* ends with name NULL */
/* The row of a name or of a variant, or NULL. *variant, if variant is not NULL, becomes the text
 * after the slash, or NULL. */
GM_API const gm_endpoint_kind *gm_endpoint_kind_of(const char *name, const char **variant);

/* The names of the rows. */
#define GM_ENDPOINT_GENERATE "generate"
#define GM_ENDPOINT_DISCRIMINATE "discriminate"
#define GM_ENDPOINT_CLASSIFY "classify"
#define GM_ENDPOINT_FEATURES "features"
#define GM_ENDPOINT_ENCODE "encode"
#define GM_ENDPOINT_DECODE "decode"
#define GM_ENDPOINT_RECONSTRUCT "reconstruct"
#define GM_ENDPOINT_TRANSLATE "translate"
#define GM_ENDPOINT_COMPLETE "complete"
#define GM_ENDPOINT_LOG_LIKELIHOOD "log-likelihood"
#define GM_ENDPOINT_LOG_WEIGHT "log-weight"
#define GM_ENDPOINT_FREE_ENERGY "free-energy"
#define GM_ENDPOINT_LOG_Z "log-z"
#define GM_ENDPOINT_PIXELS "pixels"
#define GM_ENDPOINT_ACT "act"
#define GM_ENDPOINT_PREDICT "predict"

/* Declares an endpoint: an expression y of inputs (from gm_batch, or latents) that tools use by its
 * name, a row of gm_endpoint_kinds or a variant of one. An unknown name, a name used twice, and a y
 * of the wrong shape are errors of the run. All endpoints are optional; a tool reports which one is
 * missing.
 *
 *	generate        latents [, label]      an example
 *	discriminate    example [, label]      before any sigmoid, [m,1] or more; fewer rows with
 *	                                       packs
 *	classify        example                logits [m, classes]
 *	features        example                [m, F]
 *	encode          example                a code [m, nz]
 *	decode          a code                 an example
 *	reconstruct     example                an example
 *	translate       a side of a pair       the other side, of any size. With two directions,
 *	                                       "translate" is a to b, "translate/back" b to a
 *	complete        example, gm_hidden     the example with its hidden part filled in
 *	                [, label]
 *	log-likelihood  example [, label]      nats of each example [m], exact
 *	log-weight      example                log of an importance weight [m], of a new sample at
 *	                                       each run
 *	free-energy     example                F [m]: log p(x) = -F - log Z. Of "free-energy/bound"
 *	                                       the mean over runs is an upper bound of F
 *	log-z           nothing [, example]    estimates of log Z [m]: see gm_run_partition
 *	act             state of gm_run_env    logits of actions [m, A]
 *	pixels          example [, label]      logits of every value given those before it in raster
 *	                                       order, channels of a pixel in turn: [m,C,H,W] for two
 *	                                       levels, [m,C,H,W,L] for L; level k is 2k/(L-1) - 1
 *	predict         a video, or maps       the video, its last frames predicted from the first;
 *	                                       of label maps [m,T,H,W] scores of classes
 *	                                       [m,T,K,H,W], of given frames 1 and -1
 */
#define gm_endpoint(r, name, y, ...)                                                               \
	gm_endpoint_nodes(r, name, y, (gm_node *[]){__VA_ARGS__},                                  \
	                  (int)(sizeof((gm_node *[]){__VA_ARGS__}) / sizeof(gm_node *)))
GM_API void gm_endpoint_nodes(gm_run *r, const char *name, gm_node *y, gm_node *const *inputs,
                              int n);

/* Declares that the nets work with images of any size whose height and width are multiples of this,
 * with the same variables. Tools may then request other sizes than in training. */
GM_API void gm_any_size(gm_run *r, int64_t multiple);

/* Images x [m,C,H,W] of the size in training; where a tool asks for another size, zeros of that
 * size in training: for nets with dense layers, which then are built, but have no use. */
GM_API gm_node *gm_own_size(gm_run *r, gm_node *x);
/* Declares that each pixel of the output of "translate" depends only on input pixels at most
 * `radius` away from its place, and not on the size of the image, so that tools may translate a
 * large image in tiles. In pixels of the input. */
GM_API void gm_local(gm_run *r, int64_t radius);

/* Input [m,1,H,W] of "complete": 1 where the image is to be filled in, 0 where it is known. Tools
 * set the hidden part of the example to 0. */
GM_API gm_node *gm_hidden(gm_run *r);

/* ---- processes: endpoints that iterate ------------------------------------------------------- */

/* A variable that keeps a value from one turn of a process to the next. It belongs to one call,
 * whose begin sets it, and is not saved. */
GM_API gm_node *gm_process_state(gm_run *r, const char *name, gm_shape shape, gm_dtype type);
/* Input i32 [1]: the number of the turn, 0, 1, ..; when y is read, that of the last turn executed,
 * or 0. */
GM_API gm_node *gm_turn_number(gm_run *r);
/* Input i32 [1]: the number of turns of the call. */
GM_API gm_node *gm_turn_count(gm_run *r);

/* A call executes begin, then `turns` times turn, and returns y. Random nodes give new values in
 * each turn; inputs, latents among them, keep theirs for the whole call. The result depends only on
 * the inputs, the seed and the chunk. A turn may contain gradients (gm_grad), such as of a loss
 * with respect to a state. */
typedef struct gm_process {
	gm_node *begin; /* effect that sets the states; or NULL */
	gm_node *turn;  /* effect */
	/* an effect executed before turns 0, per_round, 2 per_round, ..; or NULL */
	gm_node *round;
	int64_t per_round;
	int64_t turns; /* default number; tools have --turns */
	int64_t most;  /* largest number of turns; 0: any */
	gm_node *y;    /* of the states; can also be read between turns */
} gm_process;
/* gm_endpoint for a process: gm_endpoint_process(r, "generate", &p, z). For tools there is no
 * difference. */
#define gm_endpoint_process(r, name, p, ...)                                                       \
	gm_endpoint_process_nodes(r, name, p, (gm_node *[]){__VA_ARGS__},                          \
	                          (int)(sizeof((gm_node *[]){__VA_ARGS__}) / sizeof(gm_node *)))
GM_API void gm_endpoint_process_nodes(gm_run *r, const char *name, const gm_process *p,
                                      gm_node *const *inputs, int n);

/* Declares "generate" and "complete", or endpoints that decode, as processes that sample one value
 * of each image in a turn. */
enum { GM_RASTER_GIVEN = 2 };
typedef struct gm_raster {
	const gm_causal *whole; /* the net in mode WHOLE */
	int64_t levels;         /* values of a number, as in gm_levels */
	gm_node *image;         /* from gm_batch */
	/* further inputs of both endpoints, such as the label; those that are not NULL */
	gm_node *given[GM_RASTER_GIVEN];
	/* A gm_process_state that the net reads, or NULL. With it, the endpoints are these instead:
	 * `name` sets the state to `value` and samples all values; its one input is `input`. */
	gm_node *code;
	struct {
		const char *name;
		gm_node *value, *input;
	} coded[2];
	/* examples are amplitudes, whose mu-law (gm_mu_law) has the levels; 0: examples have */
	double mu;
	double temperature; /* divides the logits; 0 means 1 */
	/* builds the net on x in mode c->mode and returns logits [m,C,..], or [m,C,..,levels] if
	 * there are more than two levels; in mode ROW it only fills the caches of c, and its value
	 * is not used */
	gm_node *(*build)(void *ctx, gm_causal *c, gm_node *x);
	void *ctx;
	/* by modes ROW and PIXEL; otherwise by a pass over the whole image for each value */
	bool cached;
} gm_raster;
GM_API void gm_run_raster(gm_run *r, const gm_raster *a);

/* Gibbs chains of a machine, for "generate": the state *h [m,nh] begins with a sample given v of
 * independent units with these means [nv]; a turn samples v given h, then h given v. y is h: the
 * model sets another one. */
GM_API gm_process gm_rbm_chain(gm_run *r, const gm_rbm *p, gm_node *mean, gm_node **h);
/* Weights of the units of one-hot rows `unit` [m,nh] as examples of the run, each divided by its
 * largest absolute value: for "generate/filters". */
GM_API gm_node *gm_rbm_filters(gm_run *r, const gm_rbm *p, gm_node *unit);

enum {
	GM_ANNEALED = 1000, /* default steps of annealed importance sampling */
	GM_ENUMERATED = 20  /* hidden units of a machine whose Z is summed exactly */
};
/* Declares estimates of log Z of a machine, each row of which is a chain: "log-z", by annealed
 * importance sampling (Salakhutdinov & Murray, ICML 2008): the mean of the exponentials is Z in
 * expectation, so that log Z is rather too small. "log-z/reverse": by chains from the machine to
 * the base, begun at `start` and sampled for half of the turns: the mean of the exponentials of the
 * negatives is 1/Z in expectation, if the chains have reached the machine's distribution, so that
 * log Z is rather too large. With at most GM_ENUMERATED hidden units "log-z/exact": the mean of the
 * exponentials of the m rows is Z. */
typedef struct gm_partition {
	gm_node *mean;    /* [nv], means of the visible units: the base of the annealing */
	gm_node *start;   /* [m,nv], states of visible units for an example */
	gm_node *example; /* from gm_batch */
} gm_partition;
GM_API void gm_run_partition(gm_run *r, const gm_rbm *p, const gm_partition *a);

/* Compiles a training step: outputs to log and effects to execute. NULL when only sampling;
 * gm_run_step accepts that. */
#define gm_run_compile(r, ...)                                                                     \
	gm_run_compile_nodes(r, (gm_node *[]){__VA_ARGS__},                                        \
	                     (int)(sizeof((gm_node *[]){__VA_ARGS__}) / sizeof(gm_node *)))
GM_API gm_step *gm_run_compile_nodes(gm_run *r, gm_node *const *outputs, int n);

/* ---- the loop -------------------------------------------------------------------------------- */

/* Condition of the training loop: false if all steps are done, a stop was requested, or there was
 * an error. */
GM_API bool gm_next(gm_run *r);
/* Fills all inputs of gm_batch and gm_stream_batch with the next minibatch. */
GM_API void gm_feed(gm_run *r);
GM_API void gm_run_step(gm_run *r, gm_step *s);
/* Logs a value computed by the model. */
GM_API void gm_report_number(gm_run *r, const char *name, double value);
/* Compiles the training steps of a game: D's step minimises loss_d with learning rate --lr-d, G's
 * step minimises loss_g and updates the moving average of G. Both losses are logged. */
typedef struct gm_play_args {
	gm_node *loss_d, *loss_g; /* default: the game's; D has no step if both are NULL */
	gm_node *d[4], *g[4];     /* further outputs and effects of D's and of G's step */
	gm_node *before
		[4]; /* outputs and effects of a step of their own, before D's on each minibatch */
	const char *name; /* the losses are logged as loss_d_NAME and loss_g_NAME; NULL: without */
	/* combine the last step of D and the first of G into one, on the same fakes */
	bool together;
	/* a second game whose players are updated in the same steps, or NULL; default losses: the
	 * sums of both games */
	const gm_game *second;
} gm_play_args;
typedef struct gm_turn {
	gm_step *before, *d, *g, *both; /* or NULL */
	int k, k_g;
} gm_turn;
#define gm_play(r, game, ...) gm_play_(r, game, (gm_play_args){__VA_ARGS__})
GM_API gm_turn gm_play_(gm_run *r, const gm_game *m, gm_play_args a);
/* One turn of Algorithm 1 of Goodfellow et al. 2014: k times the next minibatch and a step of D,
 * then k-g times a step of G (options k and k-g). The step `before` runs on each of these
 * minibatches. */
GM_API void gm_run_turn(gm_run *r, const gm_turn *t);
/* One turn on the next minibatch in `parts` equal parts, which gm_growth_rows selects: for each of
 * them k steps of D, then k-g steps of G. */
GM_API void gm_run_turn_parts(gm_run *r, const gm_turn *t, const gm_growth *w, int parts);
GM_API int gm_end(gm_run *r);

/* ---- episodes of an environment -------------------------------------------------------------- */

/* The environment whose name is option data; its states are the run's examples. Never NULL; other
 * data are an error of the run. */
GM_API const gm_env *gm_run_env(gm_run *r);

/* A batch of pairs of state and action, of complete episodes: their number n differs from batch to
 * batch, so that only the first n of `rows` rows have a meaning. Owned by the run. */
typedef struct gm_pairs {
	int64_t rows;
	gm_node *state;  /* input [rows, numbers of a state] */
	gm_node *action; /* input i32 [rows] */
	gm_node *time;   /* input [rows]: steps since the episode began, as a share of the limit */
	gm_node *weight; /* input [rows]: 1/n in the first n rows, 0 in the others */
	gm_node *count;  /* input, rank 0: n */
	gm_node *advantage, *target; /* inputs [rows]: gm_pairs_advantages, gm_pairs_returns */
	struct gm_pairs_own *own;
} gm_pairs;
/* Inputs for complete episodes of together at least `least` pairs. */
GM_API gm_pairs gm_pairs_open(gm_run *r, int64_t least);
/* Plays episodes, option batch of them side by side, with actions sampled by logits [batch,
 * actions] of the run's examples. Logs means over them as sampled_return, the sum of the
 * environment's rewards, and sampled_length. Each call has new episodes, also in a resumed run. */
GM_API void gm_pairs_play(gm_pairs *p, gm_node *logits);
/* Sets `advantage` by generalised advantage estimation (Schulman et al. 2016, arXiv:1506.02438, eq.
 * 16), with mean 0 and variance 1, and `target` to the discounted sum of the rewards that follow.
 * The value after an episode's last step counts as 0, also at the limit. reward and value [rows]
 * are outputs of step s, which has run; reward NULL: the environment's. */
GM_API void gm_pairs_advantages(gm_pairs *p, gm_step *s, gm_node *reward, gm_node *value,
                                double gamma, double lambda);
GM_API void gm_pairs_returns(gm_pairs *p, gm_step *s, gm_node *reward, double gamma);
/* Sum over x [rows] with the weights: the mean over the batch's pairs. */
GM_API gm_node *gm_pairs_mean(const gm_pairs *p, gm_node *x);
/* y[i, k[i]] of y [n,K] for k, i32 [n]: [n]. */
GM_API gm_node *gm_pick(gm_node *y, gm_node *k);

/* Rows of x [rows, ..] of random pairs, a tenth of `least`, with replacement. */
GM_API gm_node *gm_pairs_tenth(const gm_pairs *p, gm_node *x);

/* Logits of actions [n, actions] for states [n, numbers], standardised (NAME "state"), by two
 * hidden layers of tanh; the last layer begins at 0. first [rows, numbers]: as for gm_standard_new.
 * */
GM_API gm_node *gm_policy_net(gm_run *r, gm_net *n, gm_node *state, const double *first,
                              int64_t rows);

/* A policy and a value function, both trained by natural-gradient steps within a trust region: TRPO
 * (Schulman et al. 2015, arXiv:1502.05477) as in github.com/openai/imitation, rl.py. For each batch
 * of pairs, after gm_pairs_advantages: `improve`; after gm_pairs_returns: `observe`, then `fit`. */
/* clang-format off */
#define GM_TRPO_OPTIONS(units, length) \
	{"batch", "25", "episodes that are played side by side"}, \
	{"steps", length, "batches of episodes"}, \
	{"timesteps", "5000", "least steps of all episodes of a batch", GM_INT(1, 1 << 24)}, \
	{"width", units, "units of the two hidden layers of each net", GM_INT(1, 65536)}, \
	{"gamma", "0.995", "discount of rewards", GM_REAL(0, 1)}, \
	{"lambda", "0.97", "of generalised advantage estimation", GM_REAL(0, 1)}, \
	{"time", "no", "the value function also reads the time since the episode began", GM_FLAG}, \
	{"max-kl", "0.01", "length of a step: divergence of the new policy from the old one", GM_REAL(1e-9, 1e9)}
/* clang-format on */
typedef struct gm_trpo {
	gm_pairs pairs;
	gm_net *policy, *critic;
	gm_node *logits; /* [batch, actions], of the run's examples: for gm_pairs_play */
	gm_node *value;  /* [rows] */
	double gamma, lambda;
	gm_step *begin; /* adds the batch's states to both nets' standardisation */
	gm_step *improve, *observe, *fit;
} gm_trpo;
/* first [rows, numbers]: states that standardisation begins with, or NULL and 0. Declares "act". */
GM_API gm_trpo gm_trpo_open(gm_run *r, const double *first, int64_t rows);

/* Pairs of an expert, by these options of the model. */
/* clang-format off */
#define GM_EXPERT_OPTIONS \
	{"expert", "", "file of recorded episodes (ganymede act -o FILE.safetensors), or .npz", GM_PATH}, \
	{"trajectories", "10", "the first episodes of it that are used", GM_INT(1, GM_MANY)}, \
	{"every", "auto", "every so many of their pairs, from a random one; auto: 10 for cartpole, else 5", GM_INT(1, 10000)}
/* clang-format on */
typedef struct gm_demonstrations {
	int64_t count;
	const double *rows;      /* [count, numbers]: the states; owned by the run */
	gm_node *state, *action; /* constants [count, numbers] and i32 [count], in random order */
} gm_demonstrations;
/* In tools there is one pair of zeros, and no file is read. Resuming with other pairs is an error
 * of the run. */
GM_API gm_demonstrations gm_demonstrations_open(gm_run *r);

GM_END_C

#endif
