/* SPDX-License-Identifier: MIT
 *
 * model.h -- all that a model file sees. A model is one function that builds nets, compiles its
 * steps and loops over them, as the algorithm box of its paper does; the run that it is given
 * does the rest: options, data, seeds, pictures, logs, checkpoints, resuming, stopping.
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
 *		gm_node *z = gm_noise(r, "z", GM_LATENT_NORMAL, gm_opt_int(r, "batch"), gm_opt_int(r, "nz"));
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
 * and where there is no game of two players:
 *
 *		gm_step *step = gm_run_compile(r, gm_logged(r, "loss", loss), gm_move(r, net, loss, .average = true));
 *		while (gm_next(r)) {
 *			gm_feed(r);
 *			gm_run_step(r, step);
 *		}
 *
 * The same function serves `ganymede sample`: there gm_run_compile gives NULL, gm_next gives
 * false at once, and only what the endpoint needs is ever compiled. So everything is built
 * before the loop, in the same order each time.
 *
 * Nothing here needs a check. The first trouble (an option that is no number, a shape that does
 * not fit, a full disk, a loss that is not finite) is kept in the run, gm_next gives false from
 * then on, and gm_end gives the exit status.
 *
 * Pictures are [m,C,H,W] in [-1,1] wherever a model meets the world: in gm_batch and in what
 * "generate" gives.
 */
#ifndef GANYMEDE_MODEL_H
#define GANYMEDE_MODEL_H

#include "ganymede/graph.h"
#include "ganymede/nn.h"

GM_BEGIN_C

typedef struct gm_run gm_run;

/* What the value of an option may be. Checked before anything is opened; shown by the help and the shells' completion. */
typedef enum gm_option_kind {
	GM_OPTION_TEXT,
	GM_OPTION_INT,    /* a whole number in lo..hi */
	GM_OPTION_REAL,   /* a number in lo..hi */
	GM_OPTION_U64,    /* a whole number of at most 64 bits, such as a seed */
	GM_OPTION_CHOICE, /* one of the words in choices ("a|b|c"), or of the names of a table */
	GM_OPTION_FLAG    /* yes or no (on, off, true, false, 1, 0) */
} gm_option_kind;

typedef struct gm_option_type {
	gm_option_kind kind;
	double lo, hi;
	const char *choices;
	const char *(*row)(int i); /* names of a table, NULL behind the last */
	bool sum;                  /* several of them may be joined: a+b */
	/* further asked of a text; fills err with GM_ERR_VALUE */
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
#define GM_CHECKED(function) {GM_OPTION_TEXT, .check = function}
/* clang-format on */
#define GM_MANY INT32_MAX /* the largest of a GM_INT that has no bound of its own */

/* A row of a model's table: the command line, the help and the record in the checkpoint come
 * from it. A row with the name of an option that every run has ("batch", "steps", ...) replaces
 * its default and its help; of two rows of one name in the table the first counts. Where the
 * default is "auto", that word is a value too: gm_opt_auto says what it means. */
typedef struct gm_option {
	const char *name, *value, *help; /* value: the default */
	gm_option_type type;
	bool resume; /* may be another when the run is resumed */
} gm_option;

typedef struct gm_model {
	const char *name, *title, *source;
	const gm_option *options; /* ends with name NULL */
	int (*train)(gm_run *r);  /* returns gm_end(r) */
} gm_model;

GM_API extern const gm_model *const gm_models[]; /* ends with NULL */
/* From now on gm_model_find, and so training, resuming and opening, know m, which must outlive all that. GM_ERR_VALUE where
 * the name is taken. Call it before other threads use the library. */
GM_API bool gm_model_register(const gm_model *m, gm_error *err);
GM_API const gm_model *gm_model_find(const char *name); /* NULL when there is none */

/* ---- what the run knows ---------------------------------------------------------------------- */

GM_API gm_graph *gm_run_graph(gm_run *r);

/* An option's value, by the name in the table; its type was checked. "batch" is this process's share of it. */
GM_API int64_t gm_opt_int(gm_run *r, const char *name);
GM_API double gm_opt_real(gm_run *r, const char *name);
GM_API const char *gm_opt_str(gm_run *r, const char *name);
GM_API bool gm_opt_flag(gm_run *r, const char *name);
/* The place of the value in its type's list: 0 is the first. */
GM_API int gm_opt_choice(gm_run *r, const char *name);
GM_API bool gm_opt_has(gm_run *r,
                       const char *name); /* the model's table, or every run's, has the row */
/* Says what the value "auto" means from here on; nothing where the value is another, or there is no such option. */
GM_API void gm_opt_auto(gm_run *r, const char *name, const char *fmt, ...) GM_PRINTF(3, 4);
/* The same for several at once: "optimiser=sgd lr=.1". */
GM_API void gm_opt_autos(gm_run *r, const char *settings);
/* Says that --rate auto is the schedule of that name, its arguments the values of two options of the model's own (or one,
 * with NULL): gm_opt_rate(r, "linear", "hold", "fall"). Naming one of those beside another --rate is refused. */
GM_API void gm_opt_rate(gm_run *r, const char *schedule, const char *first, const char *second);

/* The rows of every option that gm_opt_game reads, for a model's table, with the model's own
 * defaults of objective and normalisers. */
/* clang-format off */
#define GM_GAME_OPTIONS(objective, norm_g, norm_d) \
	{"objective", objective, "losses of G and D", GM_ROW_OF(gm_objective_name)}, \
	{"penalty", "none", "regularisation of D", GM_ROW_OF(gm_penalty_name)}, \
	{"penalty-weight", "auto", "its weight (clip: the bound); auto: the usual one", GM_REAL(0, 1e9)}, \
	GM_NORM_OPTIONS(norm_g, norm_d), \
	{"k", "1", "steps of D for each turn", GM_INT(1, 10000)}, \
	{"k-g", "1", "steps of G for each turn", GM_INT(1, 10000)}, \
	{"lr-d", "auto", "learning rate of D; auto: that of G", GM_REAL(0, 1e30), .resume = true}, \
	{"labels", "0,1,1", "of least-squares: fake, real, what G wants", GM_CHECKED(gm_check_labels)}, \
	{"smooth", "0", "one-sided label smoothing: the target of real examples is 1 less this", GM_REAL(0, .5)}, \
	{"flip-labels", "0", "share of pairs whose labels are exchanged for D", GM_REAL(0, .5)}, \
	{"noise", "0", "standard deviation of noise on all that D sees", GM_REAL(0, 10)}, \
	{"noise-steps", "0", "steps in which that noise falls to 0; 0: it stays", GM_INT(0, GM_MANY)}, \
	{"pack", "1", "examples that D sees at once (PacGAN)", GM_INT(1, 64)}, \
	{"unroll", "0", "steps of D that G looks ahead (unrolled GAN)", GM_INT(0, 32)}, \
	{"unroll-lr", "0.01", "step size of those steps", GM_REAL(0, 10)}, \
	{"match", "no", "feature matching: G matches the means of D's features", GM_FLAG}, \
	{"minibatch", "no", "minibatch discrimination in D", GM_FLAG}, \
	{"history", "0", "weight of historical averaging, G and D", GM_REAL(0, 1e6)}, \
	{"reference", "64", "examples in virtual batch norm's reference batch", GM_INT(1, 65536)}

#define GM_NORM_OPTIONS(norm_g, norm_d) \
	{"normalise-g", norm_g, "normalisation in G; one of activations and one of weights join with +", \
	 GM_SUM_OF(gm_normaliser_name)}, \
	{"normalise-d", norm_d, "normalisation in D", GM_SUM_OF(gm_normaliser_name)}

/* The rows that gm_move reads, with the model's own defaults: the rule, the learning rate, Adam's beta1 and the schedule of
 * the rate ("constant", "linear:100:100", ..; "auto" where gm_opt_auto or gm_opt_rate says what). */
#define GM_OPTIMISER_OPTIONS(rule, rate, beta1, schedule) \
	{"optimiser", rule, "how parameters follow their gradients", GM_CHOICE("sgd|adam|rmsprop")}, \
	{"lr", rate, "learning rate; auto: the usual one", GM_REAL(0, 1e30), .resume = true}, \
	{"rate", schedule, "schedule of the learning rate: constant, exponential:FACTOR:FLOOR, linear:HOLD:FALL, decay:HOLD:FALL (to a hundredth), cosine:STEPS, " \
	 "step:EVERY:FACTOR, stages:PASSES", GM_CHECKED(gm_check_rate), .resume = true}, \
	{"beta1", beta1, "adam: decay of the mean of gradients", GM_REAL(0, .9999)}, \
	{"beta2", "auto", "decay of the mean of squared gradients; auto: .999 (adam), .9 (rmsprop)", GM_REAL(0, .999999)}, \
	{"eps", "1e-8", "adam, rmsprop: added to the root of that mean", GM_REAL(1e-30, 1)}, \
	{"momentum", "auto", "sgd: momentum, or FROM:TO:EPOCH, growing from epoch 1 to that one; auto: the model's, or none", \
	 GM_CHECKED(gm_check_momentum), \
	 .resume = true}, \
	{"l2", "0", "weight decay: this times a parameter is added to its gradient", GM_REAL(0, 1), .resume = true}, \
	{"clip-norm", "0", "largest norm of a net's gradient; 0: any", GM_REAL(0, 1e9), .resume = true}, \
	{"accumulate", "1", "minibatches whose mean gradient makes one update", GM_INT(1, 65536)}
/* clang-format on */
GM_API bool gm_check_labels(const char *text, gm_error *err);
GM_API bool gm_check_rate(const char *text, gm_error *err);
GM_API bool gm_check_momentum(const char *text, gm_error *err);

/* Those options, and normalises the nets by them: before their first layer. Then set what nn.h's gm_game asks for besides
 * (generator, discriminator, ctx, real, fake) and call gm_run_game, which is gm_game_build with the run told of impossible
 * games and reference batches filled with what the nets read of the data. Of the rows, the loop reads game.k and game.k_g,
 * and gm_move reads lr-d. A run may have several games. */
GM_API gm_game gm_opt_game(gm_run *r, gm_net *G, gm_net *D);
GM_API void gm_run_game(gm_run *r, gm_game *m);
/* The head of a condition that has one, behind gm_run_game, by the option aux-weight: its logits for real examples. */
GM_API gm_node *gm_run_head(gm_run *r, gm_game *m, const gm_condition *how, gm_node *y);
/* Only the normalisers, for models with losses of their own: GM_NORM_OPTIONS has the rows. */
GM_API void gm_opt_norms(gm_run *r, gm_net *G, gm_net *D);

typedef struct gm_facts {
	bool points;                     /* examples are points [2], not pictures */
	int64_t channels, height, width; /* of a picture; 0 for points */
	int64_t numel;                   /* numbers in one example */
	int64_t classes;                 /* labels are 0 .. classes-1; 0: none */
	uint64_t count;                  /* examples in the set; 0: endless */
	double low, high;                /* range of the numbers: -1, 1 for pictures */
	/* sides of the pictures that the run learned from: what the shape of a net may depend on,
	 * while a tool asks for height and width of its own (gm_sides) */
	int64_t own_height, own_width;
	bool paired; /* fields "a" and "b" of one example belong together; unknown in tools */
	/* [classes], in the order of their numbers, or NULL; owned by the data or the checkpoint */
	const char *const *class_names;
} gm_facts;

GM_API const gm_facts *gm_run_facts(gm_run *r);
/* The logit of each number's mean [numel], pixels read in [0,1] and the mean kept 1e-7 away from
 * both, over (at most the first 10,000 of) the data; NULL when only sampling. */
GM_API const double *gm_data_mean_logit(gm_run *r);

GM_API int64_t gm_step_number(gm_run *r); /* steps finished so far */
/* Passes over the data so far; an endless set counts 50,000 as one. */
GM_API double gm_epoch(gm_run *r);

/* Schedules: first / factor^t, but at least floor; from a to b in a line as t goes from start to
 * end, flat outside; from a to b along half a cosine as t goes from 0 to end, flat outside. */
GM_API double gm_decay(double first, double factor, double t, double floor);
GM_API double gm_ramp(double a, double b, double start, double end, double t);
GM_API double gm_cosine(double a, double b, double t, double end);

/* A text that lives as long as the run, for names of layers. */
GM_API const char *gm_name(gm_run *r, const char *fmt, ...) GM_PRINTF(2, 3);
/* Records trouble that only the model can know of. */
GM_API void gm_trouble(gm_run *r, const char *fmt, ...) GM_PRINTF(2, 3);

/* ---- building -------------------------------------------------------------------------------- */

/* A net whose variables the run saves and loads; further arguments are those of gm_net_defaults:
 * gm_net_new(r, "G", .init = GM_NORMAL(0, .02)). */
#define gm_net_new(r, name, ...) gm_net_new_(r, name, (gm_net_style){__VA_ARGS__})
GM_API gm_net *gm_net_new_(gm_run *r, const char *name, gm_net_style style);
/* Fills variables of n, those of optimisers excepted, from a safetensors file, by their names within the net behind prefix ("G/" for
 * another run's G; NULL: none). Names that the file lacks, and tensors of another shape, are left alone and counted: a
 * head that is to be learned anew. Only where a new run begins: a checkpoint has its own values. False with the run's error
 * where the file cannot be read. rep may be NULL. */
typedef struct gm_load_report {
	int loaded, absent, reshaped;
} gm_load_report;
GM_API bool gm_net_load(gm_run *r, gm_net *n, const char *file, const char *prefix,
                        gm_load_report *rep);
/* Another run's endpoint as an expression in this graph. option: the row of the model's table whose value names the run
 * (a folder, a number or a checkpoint). in[0..n-1] take the place of its inputs, [batch, ..]; where one is NULL, or beyond n,
 * its own noise stays. By the averages of its weights where it has such, for inference (batch norm by its statistics, no
 * dropout), and frozen: gradients flow through, nothing moves it. Its variables are OPTION/NET/..., saved with this run: tools
 * and a resumed run do not need the other's checkpoint. Trouble is the run's error. */
GM_API gm_node *gm_import(gm_run *r, const char *option, const char *endpoint, gm_node *const *in,
                          int n);
/* The shape of that endpoint's input, or with input -1 of what it gives; and what the other run knows of its data. */
GM_API gm_shape gm_import_shape(gm_run *r, const char *option, const char *endpoint, int input);
GM_API const gm_facts *gm_import_facts(gm_run *r, const char *option);
/* What a trained network ("squeezenet", "vgg16") makes of pictures x in [-1,1] at one of its layers ("fire4", "relu2_2"; an
 * unknown one is refused with the names there are), for a loss: differentiable in x, and nothing moves the network. weights:
 * its file; NULL or "": the one that `ganymede data fetch` got. Another file when the run is resumed is its error. When only
 * sampling no file is read and x comes back. */
GM_API gm_node *gm_perceive(gm_run *r, const char *extractor, const char *weights,
                            const char *layer, gm_node *x);
/* Bytes of the model's own that checkpoints carry, such as the state of environments: saved from here, filled here when the run
 * is resumed or opened. They outlive the run, and their size is the same in every call. */
GM_API void gm_keep(gm_run *r, const char *name, void *bytes, size_t size);
/* DCGAN's initial values. */
#define GM_DCGAN_STYLE .init = GM_NORMAL(0, .02), .gain = GM_NORMAL(1, .02)

/* The input that gm_feed fills: "image" [m,C,H,W], "point" [m,2], "example" (whichever of the
 * two), "label" i32 [m], or any other field that the data has (data.h): "a" and "b" of pairs,
 * "mask", "low", "index", "caption", ..., [m, shape of the field], i32 where the field holds whole numbers or text. The
 * fields of one example belong together. Asking for what the data has not is the run's error. */
GM_API gm_node *gm_batch(gm_run *r, const char *field);

/* A further order of examples beside the run's own: the labelled few of a set that is otherwise taken as unlabelled, or a
 * second set. gm_feed fills its inputs too, checkpoints remember its place, and tools know its fields by the record. */
typedef struct gm_stream gm_stream;
typedef struct gm_stream_args {
	/* the option whose value is another set, brought to the size and channels of the run's; default: the run's own data */
	const char *data;
	const char *split; /* another part of the set; default: the run's */
	int64_t rows;      /* of its inputs, in each process; default: the option batch */
	int64_t per_class; /* only so many examples of each class, chosen by the option subset-seed; 0: all */
} gm_stream_args;
#define gm_stream_open(r, name, ...) gm_stream_open_(r, name, (gm_stream_args){__VA_ARGS__})
/* Never NULL; trouble is the run's error. Owned by the run. */
GM_API gm_stream *gm_stream_open_(gm_run *r, const char *name, gm_stream_args a);
GM_API gm_node *gm_stream_batch(gm_stream *s,
                                const char *field); /* as gm_batch: [rows, shape of the field] */
GM_API const gm_facts *gm_stream_facts(const gm_stream *s);

/* Refuses data whose fields "a" and "b" do not belong together. */
GM_API void gm_want_pairs(gm_run *r);

/* Tells the tools what an expression of randomness is, so that they can put values of their own in
 * its place: names it ("z", "c1"; numbers and letters) and says how it is distributed. Returns it.
 * What an endpoint takes and nobody named counts as normal noise. */
typedef enum gm_latent_kind {
	GM_LATENT_NORMAL,  /* each number N(0, 1) */
	GM_LATENT_UNIFORM, /* each number U(-1, 1) */
	GM_LATENT_ONE_HOT  /* one 1 in each row, at a place drawn uniformly */
} gm_latent_kind;
GM_API gm_node *gm_latent(gm_run *r, const char *name, gm_node *source, gm_latent_kind kind);

/* m rows of n random numbers, named for the tools (for one-hot codes: of n classes). */
GM_API gm_node *gm_noise(gm_run *r, const char *name, gm_latent_kind kind, int64_t m, int64_t n);

/* How often both sides of the run's pictures halve, `most` at most, while they stay even before and `smallest` or more
 * after; fewer than `least` is the run's error. */
GM_API int gm_want_halvings(gm_run *r, int least, int most, int64_t smallest);
/* DCGAN's nets for the run's pictures, by the options width and kernel. */
GM_API gm_dcgan gm_opt_dcgan(gm_run *r);
/* Strided layers of gm_patch_body by the option patch (a choice of 1, 16, 34, 70, 142 and 286 pixels), or the run's error where
 * the pictures are too small for it. */
GM_API int gm_opt_patch(gm_run *r);
/* For models of pixels of two levels, before the nets are built: the option binarise where it is auto is `otherwise`, batches hold -1
 * and 1 accordingly, and so they do in all scores. False where the option says that pixels stay grey. */
GM_API bool gm_want_binary(gm_run *r, const char *otherwise);

/* A rank-0 input that changes as training goes. gm_schedule_set gives it a value, before
 * gm_run_step; values are pure functions of the step, so that a resumed run needs no memory of
 * them. They are logged under their names. */
GM_API gm_node *gm_schedule(gm_run *r, const char *name, double first);
GM_API void gm_schedule_set(gm_run *r, gm_node *schedule, double value);
/* The learning rate by the options lr (or lr-WHICH, where there is such a row and it is not auto) and rate, rank 0, logged as
 * lr or lr_WHICH; the run sets it before each turn. NULL is lr. For models that call optimisers of nn.h themselves. */
GM_API gm_node *gm_rate(gm_run *r, const char *which);

/* The phases of a training, in order: names ends with NULL; each but the last is as long as the option NAME-steps, or
 * NAME-kimg in thousands of examples, says. Which one the next step belongs to, or a tool's checkpoint was saved in; how far in
 * it is, 0 to 1, into *share unless that is NULL (of the last: by the length of the run; in tools 1). */
GM_API int gm_phase(gm_run *r, const char *const *names, double *share);

typedef struct gm_move_args {
	const char *
		which; /* whose learning rate: "g" (default: lr), "d": lr-d; further ones also name the optimiser's
	                      * variables, where one net has two optimisers */
	double lr_times; /* times that rate; default 1 */
	const char *
		only; /* parameters that match (gm_net_freeze says how); default: all that the loss depends on */
	bool average; /* keep the moving average (option ema) of what this moves: for nets that samples come from */
	double clip_weights; /* bound of parameters after the update; 0: none */
	gm_node *(*project)(void *ctx, const char *key,
	                    gm_node *next); /* as in gm_optimiser_args */
	void *ctx;
} gm_move_args;
/* The effect that moves the net down the gradient of loss, by the rows of GM_OPTIMISER_OPTIONS. */
#define gm_move(r, net, loss, ...) gm_move_(r, net, loss, (gm_move_args){__VA_ARGS__})
GM_API gm_node *gm_move_(gm_run *r, gm_net *n, gm_node *loss, gm_move_args a);

/* Returns y, rank 0. Whenever a step that has y among its outputs has run, its value is logged under name; a value that is
 * not finite ends the run. Before that step is compiled. */
GM_API gm_node *gm_logged(gm_run *r, const char *name, gm_node *y);

/* What endpoints can do: flags of gm_endpoint_kind. */
enum {
	GM_DRAWS = 1,   /* gives examples made of noise: sample, eval and a run's pictures use it */
	GM_CHANGES = 2, /* makes examples of examples, which pictures show side by side */
	GM_PAIRS = 4,  /* of those: should give the other side of the pair, not what it was given */
	GM_JUDGES = 8, /* tells real examples from generated ones: monitors watch it */
	/* What is checked when an endpoint is declared, m being the batch: */
	GM_TAKES_DATA = 16, /* its first input came from gm_batch, and is not the label */
	GM_GIVES_EXAMPLES =
		32, /* [m, shape of an example]; of a variant, another size of the same rank */
	GM_GIVES_ALIKE =
		64, /* [m, ..] of the rank of its first input: other channels and sides are fine */
	GM_GIVES_ROWS = 128,   /* [m, ..] */
	GM_GIVES_NUMBERS = 256 /* [m] */
};

/* One name that tools know. "NAME/VARIANT" is a variant of the row NAME: it does the same in another way or size
 * ("translate/back", "generate/16", "discriminate/a"). */
typedef struct gm_endpoint_kind {
	const char *name, *takes, *gives; /* takes and gives: for people */
	unsigned flags;
} gm_endpoint_kind;

GM_API extern const gm_endpoint_kind gm_endpoint_kinds[]; /* ends with name NULL */
/* The row of a name or of a variant's name, or NULL. variant, if not NULL, becomes what is behind the slash, or NULL. */
GM_API const gm_endpoint_kind *gm_endpoint_kind_of(const char *name, const char **variant);

/* The rows' names. */
#define GM_ENDPOINT_GENERATE "generate"
#define GM_ENDPOINT_DISCRIMINATE "discriminate"
#define GM_ENDPOINT_CLASSIFY "classify"
#define GM_ENDPOINT_FEATURES "features"
#define GM_ENDPOINT_ENCODE "encode"
#define GM_ENDPOINT_DECODE "decode"
#define GM_ENDPOINT_RECONSTRUCT "reconstruct"
#define GM_ENDPOINT_TRANSLATE "translate"
#define GM_ENDPOINT_LOG_LIKELIHOOD "log-likelihood"
#define GM_ENDPOINT_LOG_WEIGHT "log-weight"
#define GM_ENDPOINT_PIXELS "pixels"

/* Declares y, made from inputs, as what tools call by that name: a row of gm_endpoint_kinds, or a variant of one. Inputs
 * are what gm_batch gave, and latents. A name without a row, a name used twice, and a y of another shape than the row
 * says are the run's error. None is needed; a tool says which one it misses.
 *
 *	generate        latents [, label]      an example
 *	discriminate    example [, label]      [m,1] or more, or fewer of packs; before any sigmoid
 *	classify        example                logits [m, classes]
 *	features        example                [m, F]
 *	encode          example                a code [m, nz]
 *	decode          a code                 an example
 *	reconstruct     example                an example
 *	translate       a side of a pair       the other side; its size may be another. Of two ways, "translate"
 *	                                       gives b of a, and "translate/back" a of b
 *	log-likelihood  example [, label]      nats of each example [m], exact
 *	log-weight      example                log of an importance weight, a fresh draw at each run [m]
 *	pixels          example [, label]      logits of every number from those before it in raster
 *	                                       order, channels of a pixel in turn: [m,C,H,W] for two
 *	                                       levels, [m,C,H,W,L] for L; level k is 2k/(L-1) - 1
 *
 * and for drawing without going over the whole picture for each number:
 *
 *	pixels-row      the row above [m,C,1,W], the row's number i32 [1] [, label]: before a row
 *	pixels-pixel    the pixel to the left [m,C,1,1], the pixel itself as far as it is known,
 *	                column i32 [1], channel i32 [1] [, label]: logits [m,C,1,1] or [m,C,1,1,L] */
#define gm_endpoint(r, name, y, ...)                                                               \
	gm_endpoint_nodes(r, name, y, (gm_node *[]){__VA_ARGS__},                                  \
	                  (int)(sizeof((gm_node *[]){__VA_ARGS__}) / sizeof(gm_node *)))
GM_API void gm_endpoint_nodes(gm_run *r, const char *name, gm_node *y, gm_node *const *inputs,
                              int n);

/* Says that tools may ask for pictures of other sides than the run's own, if those are multiples of
 * this: then the same variables serve a net for those. */
GM_API void gm_sides(gm_run *r, int64_t multiple);

/* An effect of every call of an endpoint, on variables that are the model's own and no net's: what
 * one call keeps for the next. */
GM_API void gm_endpoint_effect(gm_run *r, const char *name, gm_node *effect);

/* Declares "pixels-row" and "pixels-pixel" of a net whose build(ctx, c, x) gives logits of x in every mode of c but ROW,
 * which ends in what it keeps. whole: the net over whole pictures; label: i32 [m], or NULL. */
GM_API void gm_run_pixels(gm_run *r, const gm_causal *whole, gm_node *label,
                          gm_node *(*build)(void *ctx, gm_causal *c, gm_node *x), void *ctx);

/* A training step: outputs to log and effects to carry out. NULL when only sampling, which
 * gm_run_step does not mind. */
#define gm_run_compile(r, ...)                                                                     \
	gm_run_compile_nodes(r, (gm_node *[]){__VA_ARGS__},                                        \
	                     (int)(sizeof((gm_node *[]){__VA_ARGS__}) / sizeof(gm_node *)))
GM_API gm_step *gm_run_compile_nodes(gm_run *r, gm_node *const *outputs, int n);

/* ---- the loop -------------------------------------------------------------------------------- */

/* False when the steps are done, somebody asked to stop, or there was trouble. */
GM_API bool gm_next(gm_run *r);
/* The next minibatch into everything that gm_batch and gm_stream_batch gave. */
GM_API void gm_feed(gm_run *r);
GM_API void gm_run_step(gm_run *r, gm_step *s);
/* Logs a value that the model computed itself. */
GM_API void gm_report_number(gm_run *r, const char *name, double value);
/* The steps of a game: D's moves D down loss_d at the rate of --lr-d, G's moves G down loss_g and keeps its average; both
 * losses are logged. */
typedef struct gm_play_args {
	gm_node *loss_d,
		*loss_g; /* default: the game's; where both are NULL for D, there is no step of D */
	gm_node *d[4], *g[4]; /* further outputs and effects of D's and of G's step */
	bool together; /* the last step of D and the first of G are one step, on the same fakes */
	/* a game whose players move in the same steps, or NULL; losses by default: the sums of both games' */
	const gm_game *second;
} gm_play_args;
typedef struct gm_turn {
	gm_step *d, *g, *both; /* or NULL */
	int k, k_g;
} gm_turn;
#define gm_play(r, game, ...) gm_play_(r, game, (gm_play_args){__VA_ARGS__})
GM_API gm_turn gm_play_(gm_run *r, const gm_game *m, gm_play_args a);
/* One turn, Algorithm 1 of Goodfellow et al. 2014: option k times the next minibatch and a step of D, then option k-g times a
 * step of G. */
GM_API void gm_run_turn(gm_run *r, const gm_turn *t);
GM_API int gm_end(gm_run *r);

GM_END_C

#endif
