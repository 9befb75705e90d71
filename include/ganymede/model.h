/* SPDX-License-Identifier: MIT
 *
 * model.h -- all that a model file sees. A model is one function that builds nets, compiles its
 * steps and loops over them, as the algorithm box of its paper does; the run that it is given
 * does the rest: options, data, seeds, pictures, logs, checkpoints, resuming, stopping.
 *
 *	static int train(gm_run *r)
 *	{
 *		gm_graph *g = gm_run_graph(r);
 *		int64_t m = gm_opt_int(r, "batch");
 *		gm_net *G = gm_net_new(r, "G"), *D = gm_net_new(r, "D");
 *		gm_node *x = gm_batch(r, "image"), *z = gm_randn(g, GM_SHAPE(m, 100));
 *		gm_node *fake = generator(G, z);
 *		gm_node *loss_d = ..., *loss_g = ...;
 *		gm_endpoint(r, "generate", fake, z);
 *		gm_step *step_d = gm_run_compile(r, loss_d, gm_adam(D, loss_d));
 *		gm_step *step_g = gm_run_compile(r, loss_g, gm_adam(G, loss_g));
 *		while (gm_next(r)) {
 *			gm_feed(r);
 *			gm_run_step(r, step_d);
 *			gm_run_step(r, step_g);
 *			gm_report(r, "loss_d", loss_d), gm_report(r, "loss_g", loss_g);
 *		}
 *		return gm_end(r);
 *	}
 *	const gm_model gm_model_mine = {"mine", "my own GAN", "arXiv:...", options, train};
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

typedef struct gm_run gm_run;

/* A row of a model's table: the command line, the help and the record in the checkpoint come
 * from it. A row with the name of an option that every run has ("batch", "steps", ...) replaces
 * its default and its help. */
typedef struct gm_option {
	const char *name, *value, *help; /* value: the default */
} gm_option;

typedef struct gm_model {
	const char *name, *title, *source;
	const gm_option *options; /* ends with name NULL */
	int (*train)(gm_run *r);  /* returns gm_end(r) */
} gm_model;

GM_API extern const gm_model *const gm_models[];        /* ends with NULL */
GM_API const gm_model *gm_model_find(const char *name); /* NULL when there is none */

/* ---- what the run knows ---------------------------------------------------------------------- */

GM_API gm_graph *gm_run_graph(gm_run *r);

/* An option's value, by the name in the table. A value that cannot be read, or is outside of
 * [lo, hi] in the _in forms, is the run's error; the default is given back, so that building can
 * go on. gm_opt_int wants at least 1, unless the default is 0 or less. */
GM_API int64_t gm_opt_int(gm_run *r, const char *name);
GM_API int64_t gm_opt_int_in(gm_run *r, const char *name, int64_t lo, int64_t hi);
GM_API double gm_opt_real(gm_run *r, const char *name);
GM_API double gm_opt_real_in(gm_run *r, const char *name, double lo, double hi);
/* The same where the value may be the word auto, which means `otherwise`. */
GM_API int64_t gm_opt_int_auto(gm_run *r, const char *name, int64_t otherwise);
GM_API double gm_opt_real_auto(gm_run *r, const char *name, double otherwise);
GM_API const char *gm_opt_str(gm_run *r, const char *name);
GM_API bool gm_opt_flag(gm_run *r, const char *name); /* yes, no */
/* Index of the value in names[], which ends with NULL. "auto" in the first place is the usual
 * default. */
GM_API int gm_opt_choice(gm_run *r, const char *name, const char *const *names);
GM_API const gm_objective *gm_opt_objective(gm_run *r, const char *name);

/* The rows of every option that gm_opt_game reads, for a model's table, with the model's own
 * defaults of objective and normalisers. */
#define GM_GAME_OPTIONS(objective, norm_g, norm_d)                                                 \
	{"objective", objective,                                                                   \
	 "what G and D play for: non-saturating, minimax, least-squares, ..."},                    \
		{"penalty", "none",                                                                \
	         "clip, wgan-gp, one-sided, r1, r2, dragan, consensus, orthogonal"},               \
		{"penalty-weight", "auto", "its weight (clip: the bound); auto: the usual one"},   \
		{"normalise-g", norm_g,                                                            \
	         "none, batch, virtual, layer, instance, weight, spectral"},                       \
		{"normalise-d", norm_d, "the same in D"}, {"k", "1", "steps of D for one of G"},   \
		{"lr-d", "auto", "learning rate of D; auto: that of G"},                           \
		{"labels", "0,1,1", "of least-squares: fake, real, what G wants"},                 \
		{"smooth", "0", "one-sided label smoothing: D is asked for 1 less this"},          \
		{"flip-labels", "0", "share of pairs whose labels are exchanged for D"},           \
		{"noise", "0", "sigma of noise on all that D sees"},                               \
		{"noise-steps", "0", "steps until that noise is gone; 0: it stays"},               \
		{"pack", "1", "examples that D sees at once (PacGAN)"},                            \
		{"unroll", "0", "steps of D that G looks ahead (unrolled GAN)"},                   \
		{"unroll-lr", "0.01", "step size of those steps"},                                 \
		{"match", "no", "G matches the means of D's features"},                            \
		{"minibatch", "no", "minibatch discrimination in D"},                              \
		{"history", "0", "weight of historical averaging, G and D"},                       \
	{                                                                                          \
		"reference", "64", "examples in virtual batch norm's reference batch"              \
	}
/* Those options, and normalises the nets by them: before their first layer. Then set what
 * nn.h's gm_game asks for besides (discriminator, ctx, real, fake) and call gm_run_game, which is
 * gm_game_build with the run told of impossible games. Of the rows, `k` and `lr-d` are the
 * model's own to read. */
GM_API gm_game gm_opt_game(gm_run *r, gm_net *G, gm_net *D);
GM_API void gm_run_game(gm_run *r, gm_game *m);
/* For a model whose table says normalise auto: what that means for the net that it will build. */
GM_API gm_game gm_opt_game_auto(gm_run *r, gm_net *G, gm_net *D, const char *norm_g,
                                const char *norm_d);
/* The first n examples of the run's stream [n, numel]; NULL when only sampling. */
GM_API const double *gm_data_examples(gm_run *r, int64_t n);
/* And their labels [n]; NULL also where the data has none. */
GM_API const double *gm_data_labels(gm_run *r, int64_t n);

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
	bool paired; /* fields "a" and "b" of one example belong together; unknown in sampling */
} gm_facts;

GM_API const gm_facts *gm_run_facts(gm_run *r);
/* The logit of each number's mean [numel], pixels read in [0,1] and the mean kept 1e-7 away from
 * both, over (at most the first 10,000 of) the data; NULL when only sampling. */
GM_API const double *gm_data_mean_logit(gm_run *r);

GM_API int64_t gm_step_number(gm_run *r); /* steps finished so far */
GM_API int64_t gm_step_total(gm_run *r);
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

/* A net whose variables the run saves and loads. */
GM_API gm_net *gm_net_new(gm_run *r, const char *name);

/* The input that gm_feed fills: "image" [m,C,H,W], "point" [m,2], "example" (whichever of the
 * two), "label" i32 [m], or any other field that the data has (data.h): "a" and "b" of pairs,
 * "mask", "low", ..., [m, shape of the field], i32 where the field holds whole numbers. The
 * fields of one example belong together. Asking for what the data has not is the run's error. */
GM_API gm_node *gm_batch(gm_run *r, const char *field);

/* Tells the tools what an expression of randomness is, so that they can put values of their own in
 * its place: names it ("z", "c1"; numbers and letters) and says how it is distributed. Returns it.
 * What an endpoint takes and nobody named counts as normal noise. */
typedef enum gm_latent_kind {
	GM_LATENT_NORMAL,  /* each number N(0, 1) */
	GM_LATENT_UNIFORM, /* each number U(-1, 1) */
	GM_LATENT_ONE_HOT  /* one 1 in each row, at a place drawn uniformly */
} gm_latent_kind;
GM_API gm_node *gm_latent(gm_run *r, const char *name, gm_node *source, gm_latent_kind kind);

/* A rank-0 input that changes as training goes. gm_schedule_set gives it a value, before
 * gm_run_step; values are pure functions of the step, so that a resumed run needs no memory of
 * them. They are logged under their names. */
GM_API gm_node *gm_schedule(gm_run *r, const char *name, double first);
GM_API void gm_schedule_set(gm_run *r, gm_node *schedule, double value);

/* The effect that averages a net's parameters with the decay of option `ema`; an empty effect
 * when that is 0. Put it in the step that moves them. */
GM_API gm_node *gm_run_ema(gm_run *r, gm_net *n);

/* y, made from inputs, is what tools look for. Inputs are what gm_batch gave and latents. Names
 * that tools know, and what they take and give:
 *
 *	generate        z [, label]          an example
 *	discriminate    example [, label]    [m,1] or more, before any sigmoid
 *	classify        example              logits [m, classes]
 *	features        example              [m, F]
 *	encode          example              a code [m, nz]
 *	decode          code                 an example
 *	reconstruct     example              an example
 *	translate       a                    b
 *	log-likelihood  example [, label]    nats of each example [m], exact
 *	log-weight      example              log of an importance weight, a fresh draw at each run [m]
 *	pixels          example [, label]    logits of every number from those before it in raster
 *	                                     order, channels of a pixel in turn: [m,C,H,W] for two
 *	                                     levels, [m,C,H,W,L] for L; level k is 2k/(L-1) - 1
 *
 * and beside "pixels", for drawing without going over the whole picture for each number:
 *
 *	pixels/row      the row above [m,C,1,W], the row's number i32 [1] [, label]: before a row
 *	pixels/pixel    the pixel to the left [m,C,1,1], the pixel itself as far as it is known,
 *	                column i32 [1], channel i32 [1] [, label]: logits [m,C,1,1] or [m,C,1,1,L]
 *
 * None is needed; a tool says which one it misses. */
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

/* Declares "pixels/row" and "pixels/pixel" of a net whose build(ctx, c, x) gives logits of x in every mode of c but ROW,
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
GM_API void gm_feed(gm_run *r); /* the next minibatch into everything that gm_batch gave */
GM_API void gm_run_step(gm_run *r, gm_step *s);
/* Records the value that the last run of a step gave to its rank-0 output. A value that is not
 * finite ends the run. */
GM_API void gm_report(gm_run *r, const char *name, gm_node *value);
GM_API void gm_report_number(gm_run *r, const char *name, double value);
GM_API int gm_end(gm_run *r);

#endif
