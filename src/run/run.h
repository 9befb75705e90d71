/* SPDX-License-Identifier: MIT
 *
 * run/run.h -- the inside of a run: what model files build (run.c), feed, endpoints, checkpoints. The folders above
 * use, score, report and train it.
 */
#ifndef GM_RUN_RUN_H
#define GM_RUN_RUN_H

#include <limits.h>
#include <stdio.h>

#include "tensorfile/safetensors.h"
#include "ganymede/data.h"
#include "ganymede/image.h"
#include "run/settings.h"

enum {
	GM_RUN_NETS = 64,
	GM_RUN_ENDPOINTS = 64,
	GM_RUN_STEPS = 64,
	GM_RUN_VALUES = 128,
	GM_RUN_INPUTS = 32,
	GM_RUN_NORMS = 64,
	GM_RUN_FIELDS = 64,
	GM_RUN_LATENTS = 32,
	GM_RUN_STREAMS = 16,
	GM_RUN_WATCHED = 8,
	GM_GRID_CLASSES = 32 /* more do not get a row of a grid each */
};

/* Another run inside this one (import.c): its nets, frozen. */
typedef struct gm_import_of gm_import_of;

/* An endpoint, and what is compiled for it once it is used: with the averages of weights [0] or
 * the weights themselves [1], which are the same step where there are no averages. */
typedef struct gm_run_endpoint {
	const char *name, *variant; /* variant: of the row, what is behind the slash; or NULL */
	const gm_endpoint_kind *kind;
	gm_node *y, *in[GM_RUN_INPUTS];
	struct gm_run_process *process; /* run/endpoint.h: an endpoint that iterates; or NULL */
	int nin;
	gm_step *drawn[2];            /* latents come from the random state */
	gm_step *given[2];            /* latents are read from `fill` */
	gm_node *fill[GM_RUN_INPUTS]; /* inputs in the place of latents; else NULL */
	gm_step *latents;             /* gives the latents themselves */
} gm_run_endpoint;

/* A field of the data that the model reads besides, or as, the example. */
typedef struct gm_run_field {
	char name[64];
	gm_shape shape; /* of one example's */
	bool whole;     /* int32_t instead of floats */
	int classes;
	gm_node *node; /* the input, when the model asked for it */
	void *data;    /* [batch, shape], malloc; of fields other than example and label */
} gm_run_field;

typedef struct gm_run_latent {
	const char *name;
	gm_node *node;
	gm_latent_kind kind;
} gm_run_latent;

typedef struct gm_run_part { /* a compiled training step and what can be read from it */
	gm_step *step;
	gm_node **outputs; /* as the model named them */
	gm_node **given;   /* as the step gives them: means over all ranks */
	const char **name; /* under which an output is logged, or NULL */
	int n;
} gm_run_part;

/* A value whose name is known before the step that gives it is compiled. */
typedef struct gm_run_kept { /* bytes of the model's own that checkpoints carry */
	const char *name;    /* "keep/NAME" */
	void *bytes;         /* the model's */
	int64_t size;
	struct gm_run_kept *next;
} gm_run_kept;

typedef struct gm_run_logged {
	const char *name;
	gm_node *node;
	struct gm_run_logged *next;
} gm_run_logged;

/* The schedule of the learning rate: a row of the table in rate.c with its arguments. */
typedef struct gm_rate_schedule {
	const struct gm_rate_row *row; /* NULL: not read yet */
	double arg[2];
	int unit;
} gm_rate_schedule;

typedef struct gm_run_value { /* to be logged, in order of first appearance */
	const char *name;
	gm_node *schedule; /* the input that holds it, or NULL */
	/* of a schedule that the run evaluates before each turn; or NULL */
	double (*course)(const gm_run *r, const struct gm_run_value *v);
	double arg[4]; /* the course's own */
	bool is_rate;  /* a learning rate: rollbacks lower it */
	double value;
	bool quiet; /* not in the progress line */
	bool rare;  /* measured at some steps only: of step `at`, and logged there */
	int64_t at;
} gm_run_value;

struct gm_run {
	const gm_model *model;
	gm_settings *settings;      /* borrowed */
	struct gm_train_call *call; /* of ganymede/train.h, borrowed; NULL when only sampling */
	FILE *out;                  /* progress and images; NULL: silent */
	bool echo;                  /* another process reports the error */
	bool building;              /* for sampling: nothing is trained */
	/* the checkpoint that gives every value, until it is loaded; or NULL */
	gm_st *from;
	const char *from_path;
	/* Of a run inside another's checkpoint: what the record says of it, [pairs]; else NULL, and `from` says it */
	const gm_st_pair *pair;
	int pairs;
	const char *scope;    /* before the names of its variables: "", or "stage1/" */
	size_t skip;          /* so many characters of those names are not in the file `from` */
	bool borrows;         /* the graph is that of the run around */
	gm_import_of *import; /* newest first, in arena */
	struct gm_perception
		*perception; /* networks that losses look through (perceive.c), in arena */
	gm_error err;        /* the first trouble */
	gm_arena *arena;     /* names and small things */

	gm_graph *graph;
	gm_facts facts;
	/* Several processes train together: this is `rank` of `ranks`, and rank 0 alone writes. 1: alone */
	int rank, ranks;
	int64_t batch; /* rows of each input: this rank's share of the minibatch */
	uint64_t seed;
	double ema;
	bool apart; /* each rank normalises its share of a batch by itself */
	gm_net *net[GM_RUN_NETS];
	int nets;
	gm_run_endpoint endpoint[GM_RUN_ENDPOINTS];
	int endpoints;
	int64_t sides; /* what sides of other sizes are multiples of; 0: there are none */
	gm_run_part part[GM_RUN_STEPS];
	int parts;
	gm_run_value value[GM_RUN_VALUES];
	int values;

	gm_dataset *data;
	uint64_t data_hash;
	char started_from[600]; /* a line about that, for the log */
	char *origin; /* JSON: which checkpoint the weights started from (option from); in settings' arena, or NULL */
	const char *data_was;          /* option data of the checkpoint that is resumed; or NULL */
	gm_node *example, *label;      /* inputs, or NULL */
	gm_node *hidden, *turn_number; /* of gm_hidden and gm_turn_number, or NULL */
	/* what gm_batch can give besides these two: of the data, or of the checkpoint's record */
	gm_run_field field[GM_RUN_FIELDS];
	int fields;
	gm_run_latent latent[GM_RUN_LATENTS];
	int latents;
	float *example_data; /* [batch, numel], malloc */
	int32_t *label_data; /* [batch], malloc */
	double *mean_logit;  /* in arena, or NULL */
	uint64_t seen;       /* examples fed so far */
	struct gm_stream
		*stream[GM_RUN_STREAMS]; /* further orders of examples: stream.c; in arena */
	int streams;

	/* gm_next was called; its answer was yes, so a step is under way */
	bool started, counted, finishing; /* finishing: that step is done, and counted in step */
	int64_t step, total, log_every, sample_every, save_every, keep;
	int columns, rows;
	uint64_t runs; /* random counter of the checkpoint to go on with */
	char folder[PATH_MAX];
	int lock;         /* on the folder, or below 0 */
	int64_t saved_at; /* step of the last checkpoint, or -1 */

	gm_rate_schedule rate;
	gm_run_kept *kept;       /* newest first, in arena */
	gm_run_logged *logged;   /* newest first, in arena */
	const char *length_name; /* the model's own option for the length of --rate auto, or NULL */
	bool rate_over;          /* that the learning rate is 0 for good has been said */

	struct gm_run_guard { /* train/monitors.c */
		bool nonfinite, monitors, rollback;
		int64_t most;        /* rollbacks allowed */
		double threshold;    /* of D's output between fake and real; NaN: between means */
		struct gm_run_norm { /* of the gradient that an optimiser was given */
			const char *name;
			const gm_net *net;
			const gm_node *effect;
			gm_node *norm;
			int part;
		} norm[GM_RUN_NORMS];
		int norms;
		/* Endpoints that make what discriminators are shown, and what they made in this step; the first
		 * one's spread is watched. */
		struct gm_run_source {
			gm_run_endpoint *e;
			float *made; /* [batch, ..], malloc */
		} source[GM_RUN_WATCHED];
		int sources;
		struct gm_run_watch { /* a discriminator */
			const gm_run_endpoint *e;
			int source;              /* of its fakes */
			gm_step *probe;          /* it on `in`, for inference */
			gm_node *in;             /* in the place of its first input */
			gm_node *code_in;        /* of a D that sees a code beside it, or NULL */
			float *logit, *real_x;   /* its outputs; examples of its field. malloc */
			float *code;             /* what code_in holds, malloc */
			char real[64], fake[64]; /* what its values are called */
			int won, lost;           /* log lines in a row */
		} watch[GM_RUN_WATCHED];
		int watches;
		gm_node *target; /* what the first source should give, as it is fed */
		float *real;     /* its values, malloc */
		int32_t *fake_label, *real_label;  /* [batch], malloc */
		int collapsed, vanished, exploded; /* log lines in a row */
		unsigned warned;
	} guard;
	char best_name[64]; /* of the value that best.safetensors goes by, or "" */
	bool best_most, has_best;
	double best;
	struct gm_scorer *scorer; /* of the option metrics, or NULL */
	int64_t metrics_every;
	bool scored;          /* once in this session: the names of scores are known */
	int64_t rollbacks;    /* over all sessions */
	uint64_t seen_before; /* this turn */

	gm_node **average_from, **average_to; /* pairs: weights and their averages, once counted */
	int averages;
	bool averages_known;

	FILE *log, *stats;
	FILE *events;     /* for TensorBoard, or NULL */
	char notes[2048]; /* warnings of this session, a line each */
	/* index.html: when it was written last, how long that took; it could not be written */
	double paged, page_seconds;
	bool no_page;
	bool live;           /* call->out is a terminal */
	double feed_seconds; /* of train_seconds: until minibatches were there */
	/* in steps; of a recent step; of this step; last progress */
	double train_seconds, step_seconds, began, shown;
	double processor;   /* seconds of processors when the loop began */
	int64_t first_step; /* of this session */
	double called;      /* when gm_train was, for measuring */
	double *turn;       /* seconds of every turn when measuring, malloc */
	int turns;
};

static inline int64_t gm_run_whole_batch(const gm_run *r)
{
	return r->batch * r->ranks;
}

/* The row of r->value for a name, made now or found; NULL when there are too many. */
gm_run_value *gm_run_value_of(gm_run *r, const char *name);

/* Records the first trouble. */
void gm_run_fail(gm_run *r, gm_code code, const char *fmt, ...) GM_PRINTF(3, 4);
/* True while there is none, in the run or in its graph. */
bool gm_run_ok(gm_run *r);

/* Sets up r (zeroed) from settings; facts must be there already. */
bool gm_run_init(gm_run *r, gm_settings *s, gm_error *err);
void gm_run_keep_tuned(gm_run *r); /* the choices of --tune into the settings, to be recorded */
void gm_run_free(gm_run *r);       /* what r owns; not r */

/* checkpoint.c */
/* Whether this step is the best so far by the option best. */
bool gm_checkpoint_better(const gm_run *r);
bool gm_checkpoint_save(gm_run *r); /* and best.safetensors, where this is the best so far */
/* The record of a checkpoint: its model and options into s (made here), its facts and counters. */
typedef struct gm_record {
	const gm_model *model;
	gm_settings settings;
	gm_facts facts;
	gm_run_field field[GM_RUN_FIELDS];
	int fields;
	int64_t step;
	uint64_t seen, runs, data_hash, rollbacks;
	double best;        /* of --best so far; NaN: none */
	const char *origin; /* of option from, as JSON; or NULL. In the arena of settings */
} gm_record;
/* load.c; copy: F32 into a variable of its shape, false without memory */
bool gm_tensor_has_shape(const gm_st_tensor *t, gm_shape s);
bool gm_tensor_copy(const gm_st_tensor *t, gm_node *to);
/* gm_st_open; the error for a damaged file names the newest whole checkpoint beside it. */
gm_st *gm_checkpoint_open(const char *path, gm_error *err);
/* record.c: parts of a checkpoint's record as JSON texts, malloc; NULL without memory. */
char *gm_record_facts(const gm_run *r); /* with those fields of the data that the model asked for */
char *gm_record_schedules(const gm_run *r);
char *gm_record_streams(const gm_run *r);
char *gm_record_imports(const gm_run *r);
/* What r's record says of the run inside it that option names, into inside->pair, in r's arena; false where it says nothing. */
bool gm_record_import(const gm_run *r, const char *option, gm_run *inside);
/* Sets *value to what the schedule called name was when the checkpoint was saved, if that is recorded. */
void gm_checkpoint_schedule(const gm_run *r, const char *name, double *value);
/* What the record of the checkpoint that r comes from says under key, or NULL. */
const char *gm_run_meta(const gm_run *r, const char *key);
bool gm_record_read(const gm_st *st, const char *path, gm_record *rec, gm_error *err);
/* The same of a run inside the checkpoint at path, from what is recorded of it. */
bool gm_record_inside(const gm_st_pair *pair, int pairs, const char *path, gm_record *rec,
                      gm_error *err);
void gm_record_free(gm_record *rec);
/* Whether the checkpoint has the tensor, in this shape: asked before the model makes it, so that
 * a file with hostile options costs no memory. */
bool gm_checkpoint_fits(const gm_run *r, const char *name, gm_shape s, gm_error *err);
/* What came of starting from other weights: tensors that were taken, and those that keep their initial
 * values, since the checkpoint has none of that name or one of another shape. */
typedef struct gm_start_report {
	int loaded, absent, reshaped;
	char first[400]; /* the first that was not taken, and why */
} gm_start_report;
/* Variables other than the optimisers' memory take the values of tensors of the same name and shape. */
bool gm_checkpoint_start_from(gm_run *r, const gm_st *st, const char *path,
                              gm_start_report *report);
/* Fills the nets' variables from r->from. Without all, optimiser memory is left alone. */
bool gm_checkpoint_load(gm_run *r, bool all);

/* perceive.c */
typedef struct gm_perception gm_perception;
void gm_perceptions_free(gm_run *r);

/* import.c */
struct gm_import_of {
	const char *option;
	gm_run run;
	gm_record record;
	gm_import_of *next;
};
void gm_imports_free(gm_run *r);
/* An endpoint's expression with in[i] in the place of its inputs, where that is not NULL, for inference; with raw, by the
 * weights themselves instead of their averages. */
gm_node *gm_endpoint_node(gm_run *r, gm_run_endpoint *e, gm_node *const *in, bool raw);

/* feed.c */
void gm_field_of_data(gm_run_field *to, const gm_field *f);
/* Fills r->field from the open data. */
void gm_feed_fields(gm_run *r);
/* What a model may know of an open set. */
gm_facts gm_facts_of(const gm_data_info *d);
gm_run_field *gm_feed_find(gm_run *r, const char *name); /* NULL where there is none */
/* Fills all inputs with rows first, first + 1, .. of the stream. */
bool gm_feed_rows(gm_run *r, uint64_t first);

/* kinds.c: what a model declared */
gm_run_endpoint *gm_endpoint_find(gm_run *r, const char *name); /* NULL where there is none */
/* The first with one of the flags (GM_DRAWS, ..), by the order of gm_endpoint_kinds, and variants after all rows; or NULL. */
gm_run_endpoint *gm_endpoint_first(gm_run *r, unsigned flags);
/* In the order in which the model declared them: the first with one of the flags, or the next one after `after`. */
gm_run_endpoint *gm_endpoint_next(gm_run *r, unsigned flags, const gm_run_endpoint *after);
/* The name of the field ("example", "b", ..) that an endpoint with GM_CHANGES should give; NULL where that is not known. */
const char *gm_endpoint_target(gm_run *r, const gm_run_endpoint *e);
/* The run's facts, with the sizes of what e gives. */
gm_facts gm_endpoint_facts(const gm_run *r, const gm_run_endpoint *e);
/* Which field of the data an input is: r->label gives "label", r->example "example"; NULL for a
 * latent. */
const char *gm_endpoint_field(const gm_run *r, const gm_node *in);
bool gm_endpoint_is_label(const gm_run *r, const gm_node *in);
/* An input that is the field, where the model asked for it; else NULL. */
gm_node *gm_field_input(const gm_run *r, const char *field);
const gm_run_latent *gm_endpoint_latent(const gm_run *r, const gm_node *in); /* or NULL */

/* endpoint.c: endpoints as functions that tools call. A call leaves the random state and all
 * variables as they were; inputs that gm_feed fills keep what was put into them. */
typedef struct gm_use {
	/* values [batch, ..] of input i, float or int32_t; NULL (or all of in NULL): latents drawn
	 * from (seed, chunk), labels 0, 1, .. in turn over all chunks, and data as it is */
	const void *const *in;
	uint64_t seed, chunk;
	bool raw; /* the weights themselves, not their averages */
	/* above 1, of a process: y is [frames, batch, ..], evenly from its beginning to its end */
	int64_t frames;
} gm_use;

/* Compiles what a call needs, which the first call does otherwise. */
bool gm_endpoint_ready(gm_run *r, gm_run_endpoint *e, bool raw);
/* y [batch, ..] of the endpoint. */
bool gm_endpoint_run(gm_run *r, gm_run_endpoint *e, const gm_use *u, float *y);
/* The latents that (seed, chunk) draws: out[i] [batch, ..] for each input that is a latent and
 * whose out[i] is not NULL. */
bool gm_endpoint_latents(gm_run *r, gm_run_endpoint *e, uint64_t seed, uint64_t chunk,
                         float *const *out);
/* Fills r->average_from and average_to, pairs of weights and their moving averages. */
void gm_run_know_averages(gm_run *r);
/* process.c */
int64_t gm_endpoint_turns(const gm_run_endpoint *e); /* of the next call; 0: it does not iterate */
bool gm_endpoint_set_turns(gm_run *r, gm_run_endpoint *e, int64_t turns, gm_error *err);
/* Bytes of intermediate values of all that is compiled for endpoints. */
double gm_endpoint_memory(const gm_run *r);

/* rate.c: values that the run sets before each turn */
/* A schedule with a course; arg [4]. The one of that name, made now or found. */
gm_node *gm_course(gm_run *r, const char *name, const gm_run_value *course);
void gm_courses_set(gm_run *r); /* for the turn that begins */
/* True where the schedule of the learning rate has ended in 0: why, and what to do, into text[room]. */
bool gm_rate_over(const gm_run *r, char *text, size_t room);
/* Options that go with twice the steps, where the schedule would be over ("--fall 300"); else "". */
void gm_rate_prolong(const gm_run *r, char *text, size_t room);

/* dist.c: what several processes of one run agree on. Where there is one, nothing happens. */
bool gm_dist_any(bool so); /* all must call it; whether it is so on any rank */
/* All must call it: trouble of one becomes trouble of all. */
void gm_dist_agree(gm_run *r);
void gm_dist_compare(gm_run *r); /* all must call it: are the weights still the same? */
bool gm_dist_begin(gm_run *r);   /* all must call it: do all train the same run? */
bool gm_dist_first(gm_run *r, bool ok,
                   gm_error *err); /* the same before r has an error of its own */
/* All must call it: rank 0's bytes to all; ok and err as in gm_dist_first. */
bool gm_dist_share(gm_run *r, void *bytes, size_t n, bool ok, gm_error *err);
bool gm_dist_share_folder(gm_run *r); /* all must call it: where rank 0 writes */
/* Whether a rank died; that is then the run's trouble. */
bool gm_dist_lost(gm_run *r);

/* Makes it the run's error that `what` is not finite, and names the first tensor that is not. */
void gm_run_nonfinite(gm_run *r, const char *what, double value);
/* What rollbacks have made of all learning rates so far: a factor. */
double gm_run_rate_factor(const gm_run *r);
/* Whether scores (option metrics) are taken after this step. */
bool gm_run_scores_at(const gm_run *r, int64_t step);

#endif
