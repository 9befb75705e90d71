/* SPDX-License-Identifier: MIT
 *
 * run/run.h -- internal structs and functions of runs: building (run.c), minibatches, endpoints,
 * checkpoints. Used by use, score, report and train.
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
	GM_GRID_CLASSES = 32 /* sample grids with more classes do not have a row for each */
};

/* An imported run (import.c) with its frozen nets. */
typedef struct gm_import_of gm_import_of;

/* An endpoint, and its steps, compiled at first use: with moving averages of weights [0] or the
 * weights [1]. Both are the same step if there are no averages. */
typedef struct gm_run_endpoint {
	const char *name, *variant; /* variant: the text after the slash, or NULL */
	const gm_endpoint_kind *kind;
	gm_node *y, *in[GM_RUN_INPUTS];
	struct gm_run_process *process; /* run/endpoint.h: an endpoint that iterates; or NULL */
	int nin;
	gm_step *drawn[2];            /* with random latents */
	gm_step *given[2];            /* with latents read from `fill` */
	gm_node *fill[GM_RUN_INPUTS]; /* inputs that replace the latents; NULL for other inputs */
	gm_step *latents;             /* returns the random latents */
} gm_run_endpoint;

/* A field of the data that the model reads. */
typedef struct gm_run_field {
	char name[64];
	gm_shape shape; /* of one example */
	bool whole;     /* int32_t instead of floats */
	int classes;
	gm_node *node; /* the input, if the model uses the field */
	void *data;    /* [batch, shape], malloc; of fields other than example and label */
} gm_run_field;

typedef struct gm_run_latent {
	const char *name;
	gm_node *node;
	gm_latent_kind kind;
} gm_run_latent;

typedef struct gm_run_part { /* a compiled training step and its outputs */
	gm_step *step;
	gm_node **outputs; /* as given by the model */
	gm_node **given;   /* as compiled: means over all ranks */
	const char **name; /* name under which an output is logged, or NULL */
	int n;
	int64_t at; /* number of the last turn in which it ran, from 1; 0: not yet */
} gm_run_part;

/* gm_logged: a value with its name */
typedef struct gm_run_kept { /* gm_keep: model state in checkpoints */
	const char *name;    /* "keep/NAME" */
	void *bytes;         /* owned by the model */
	int64_t size;
	struct gm_run_kept *next;
} gm_run_kept;

typedef struct gm_run_logged {
	const char *name;
	gm_node *node;
	struct gm_run_logged *next;
} gm_run_logged;

/* A learning rate schedule: a row of the table in rate.c with its arguments. */
typedef struct gm_rate_schedule {
	const struct gm_rate_row *row; /* NULL: not read yet */
	double arg[2];
	int unit;
} gm_rate_schedule;

typedef struct gm_run_value { /* a logged value, in order of first appearance */
	const char *name;
	gm_node *schedule; /* input with its value, or NULL */
	/* function that computes its value before each turn, or NULL */
	double (*value_at)(const gm_run *r, const struct gm_run_value *v);
	double arg[4]; /* arguments of `value_at` */
	bool is_rate;  /* a learning rate: reduced by rollbacks */
	double value;
	bool quiet; /* not shown in the progress line */
	bool rare;  /* measured only at some steps: at step `at`, and logged for it */
	int64_t at;
} gm_run_value;

struct gm_run {
	const gm_model *model;
	gm_settings *settings;      /* borrowed */
	struct gm_train_call *call; /* of ganymede/train.h, borrowed; NULL when only sampling */
	FILE *out;                  /* progress and images; NULL: silent */
	bool echo;                  /* another process reports the error */
	bool building;              /* for sampling: no training */
	/* the checkpoint to load, until it is loaded; or NULL */
	gm_st *from;
	const char *from_path;
	/* of an imported run: its record, [pairs]; else NULL, and the record is in `from` */
	const gm_st_pair *pair;
	int pairs;
	const char *scope; /* prefix of the names of its variables: "", or "stage1/" */
	size_t skip;       /* number of characters of this prefix that are not in the file `from` */
	bool borrows;      /* the graph belongs to the importing run */
	gm_import_of *import;             /* newest first, in arena */
	struct gm_perception *perception; /* networks of perceptual losses (perceive.c), in arena */
	gm_error err;                     /* the first error */
	gm_arena *arena;                  /* owns names and small structs */

	/* captions for endpoints (captions.c), [GM_RUN_CAPTIONS, length], in arena; or NULL */
	uint8_t *captions;
	gm_graph *graph;
	gm_facts facts;
	/* distributed training: this is process `rank` of `ranks`; only rank 0 writes files. ranks
	 * 1: one process */
	int rank, ranks;
	int64_t batch; /* this rank's share of the minibatch */
	uint64_t seed;
	double ema;
	bool local_norm; /* batch norm per rank, not over the whole batch */
	gm_net *net[GM_RUN_NETS];
	int nets;
	gm_run_endpoint endpoint[GM_RUN_ENDPOINTS];
	int endpoints;
	/* other image sizes must be multiples of this (gm_any_size); 0: not supported */
	int64_t sides;
	gm_attributes *attributes;
	int64_t radius; /* of gm_local; 0: not declared */
	gm_run_part part[GM_RUN_STEPS];
	int parts;
	gm_run_value value[GM_RUN_VALUES];
	int values;

	gm_dataset *data;
	uint64_t data_hash;
	/* of options from and freeze: a log line, and one for each variable; or NULL */
	const char *started_from, *fates;
	const char *told;     /* lines of gm_run_tell, or NULL */
	bool plays;           /* gm_run_game was called */
	char *origin;         /* JSON: the checkpoint of option from; in settings' arena, or NULL */
	const char *data_was; /* option data of the checkpoint that is resumed; or NULL */
	gm_node *example, *label; /* inputs, or NULL */
	/* of gm_hidden, gm_turn_number and gm_turn_count, or NULL */
	gm_node *hidden, *turn_number, *turn_count;
	/* other fields for gm_batch: of the data, or of the checkpoint's record */
	gm_run_field field[GM_RUN_FIELDS];
	int fields;
	gm_run_latent latent[GM_RUN_LATENTS];
	int latents;
	float *example_data; /* [batch, numel], malloc */
	int32_t *label_data; /* [batch], malloc */
	double *mean_logit;  /* in arena, or NULL */
	uint64_t seen;       /* examples read so far */
	struct gm_stream
		*stream[GM_RUN_STREAMS]; /* further streams of examples (stream.c), in arena */
	int streams;

	/* started: gm_next was called; counted: it returned true, so a step is running;
	 * finishing: this step is done and counted in `step` */
	bool started, counted, finishing;
	int64_t step, total, log_every, sample_every, save_every, keep;
	int columns, rows;
	uint64_t runs; /* random counter of the resumed checkpoint */
	char folder[PATH_MAX];
	int lock;         /* lock of the folder; below 0: none */
	int64_t saved_at; /* step of the last checkpoint, or -1 */

	struct gm_pairs_own *rollouts; /* newest first, in arena */
	gm_rate_schedule rate;
	gm_run_kept *kept;       /* newest first, in arena */
	gm_run_logged *logged;   /* newest first, in arena */
	const char *length_name; /* the model's option for the length of --rate auto, or NULL */
	bool rate_over;          /* the warning about a learning rate of 0 was printed */

	struct gm_run_guard { /* train/monitors.c */
		bool nonfinite, monitors, rollback;
		int64_t most; /* maximum number of rollbacks */
		/* threshold of D's output between fake and real; NaN: the middle of the means */
		double threshold;
		struct gm_run_norm { /* gradient norm of an optimiser */
			const char *name;
			const gm_net *net;
			const char *optimiser;
			const gm_node *effect;
			gm_node *norm;
			int part;
		} norm[GM_RUN_NORMS];
		int norms;
		/* Endpoints that generate fakes for discriminators, with their samples of this
		 * step; the spread of the first one is monitored. */
		struct gm_run_source {
			gm_run_endpoint *e;
			float *made; /* [batch, ..], malloc */
		} source[GM_RUN_WATCHED];
		int sources;
		struct gm_run_watch { /* a discriminator */
			const gm_run_endpoint *e;
			int source;              /* index of the source of its fakes */
			gm_step *probe;          /* the discriminator on `in`, in inference mode */
			gm_node *in;             /* replaces its first input */
			bool said;               /* its second input is the caption */
			gm_node *code_in;        /* for a D that also reads a code, or NULL */
			float *logit, *real_x;   /* its outputs; examples of its field. malloc */
			float *code;             /* values of code_in, malloc */
			char real[64], fake[64]; /* names of its logged values */
			int won, lost;           /* log lines in a row */
		} watch[GM_RUN_WATCHED];
		int watches;
		gm_node *target;                   /* target of the first source */
		float *real;                       /* its values, malloc */
		int32_t *fake_label, *real_label;  /* [batch], malloc */
		int collapsed, vanished, exploded; /* log lines in a row */
		unsigned warned;
	} guard;
	char best_name[64]; /* name of the value that selects best.safetensors, or "" */
	bool best_most, has_best;
	double best;
	struct gm_scorer *scorer; /* of the option metrics, or NULL */
	int64_t metrics_every;
	bool scored;          /* metrics were measured in this session, so their names are known */
	int64_t rollbacks;    /* over all sessions */
	uint64_t seen_before; /* at the start of this turn */
	uint64_t measured;    /* with call->measure: examples read so far */

	/* pairs of weights and moving averages, once collected */
	gm_node **average_from, **average_to;
	int averages;
	bool averages_known;

	FILE *log, *stats;
	FILE *events;     /* for TensorBoard, or NULL */
	char notes[2048]; /* warnings of this session, a line each */
	/* index.html: time of the last update, its duration; and whether writing failed */
	double paged, page_seconds;
	double started_at; /* when this session began, in seconds since 1970 */
	double looked;     /* when the loop last looked for a file "stop" */
	bool no_page;
	bool live;           /* call->out is a terminal */
	double feed_seconds; /* part of train_seconds spent loading minibatches */
	/* time in steps; of a recent step; start of this step; time of the last progress line */
	double train_seconds, step_seconds, began, shown;
	double processor;   /* CPU seconds when the loop began */
	int64_t first_step; /* of this session */
	double called;      /* time of the call of gm_train, for measuring */
	double *turn;       /* when measuring: seconds of every turn, malloc */
	int turns;
};

static inline int64_t gm_run_whole_batch(const gm_run *r)
{
	return r->batch * r->ranks;
}

/* The row of r->value for a name, created if needed; NULL if there are too many. */
gm_run_value *gm_run_value_of(gm_run *r, const char *name);

/* Stores the first error. */
void gm_run_fail(gm_run *r, gm_code code, const char *fmt, ...) GM_PRINTF(3, 4);
/* True if there is no error in the run or its graph. */
bool gm_run_ok(gm_run *r);

/* Sets up r (zeroed) from settings; r->facts must be set. */
bool gm_run_init(gm_run *r, gm_settings *s, gm_error *err);
/* copies the choices of --tune to the settings, to be recorded */
void gm_run_keep_tuned(gm_run *r);
/* Once the model is built: an error of the run if an option is given that has no effect. */
void gm_run_effects(gm_run *r);
void gm_run_free(gm_run *r); /* frees what r owns, not r */

/* checkpoint.c */
/* True if this step is the best so far by option best. */
bool gm_checkpoint_better(const gm_run *r);
/* After the first turn, when all names but those of metrics are known, and after the first metrics:
 * an error of the run if option best names no logged value. */
void gm_checkpoint_best_named(gm_run *r);
/* also saves best.safetensors if this is the best step so far */
bool gm_checkpoint_save(gm_run *r);
/* The record of a checkpoint: its model and options (in settings), facts and counters. */
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
/* load.c; copy: F32 to a variable of its shape, false if out of memory */
bool gm_tensor_has_shape(const gm_st_tensor *t, gm_shape s);
bool gm_tensor_copy(const gm_st_tensor *t, gm_node *to);
/* gm_st_open; the error for a damaged file names the newest complete checkpoint in its folder. */
gm_st *gm_checkpoint_open(const char *path, gm_error *err);
/* record.c: parts of a checkpoint's record as JSON texts, malloc; NULL if out of memory. */
char *gm_record_facts(const gm_run *r); /* with the fields of the data that the model uses */
char *gm_record_schedules(const gm_run *r);
char *gm_record_streams(const gm_run *r);
char *gm_record_imports(const gm_run *r);
/* Copies the record of the imported run of this option from r's record to inside->pair, in r's
 * arena; false if there is none. */
bool gm_record_import(const gm_run *r, const char *option, gm_run *inside);
/* Sets *value to the recorded value of the schedule `name` in the checkpoint, if there is one. */
void gm_checkpoint_schedule(const gm_run *r, const char *name, double *value);
/* Value of `key` in the record of r's checkpoint, or NULL. */
const char *gm_run_meta(const gm_run *r, const char *key);
bool gm_record_read(const gm_st *st, const char *path, gm_record *rec, gm_error *err);
/* The record of an imported run in the checkpoint at path. */
bool gm_record_inside(const gm_st_pair *pair, int pairs, const char *path, gm_record *rec,
                      gm_error *err);
void gm_record_free(gm_record *rec);
/* True if the checkpoint has this tensor with this shape. Checked before a variable is created, so
 * that a file with malicious options cannot allocate memory. */
bool gm_checkpoint_fits(const gm_run *r, const char *name, gm_shape s, gm_error *err);
/* The tensor of a variable with this full name in a checkpoint, or NULL. */
const gm_st_tensor *gm_checkpoint_tensor(const gm_st *st, const char *name);
/* Loads the nets' variables from r->from; optimiser state only if `all`. */
bool gm_checkpoint_load(gm_run *r, bool all);

/* pairs.c */
void gm_pairs_free(gm_run *r);
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
/* An endpoint's expression in inference mode, with inputs replaced by in[i] unless NULL; raw: with
 * weights instead of their moving averages. */
gm_node *gm_endpoint_node(gm_run *r, gm_run_endpoint *e, gm_node *const *in, bool raw);
/* The same where in[i] have other sizes: gm_clone_options.resize. */
gm_node *gm_endpoint_resized(gm_run *r, gm_run_endpoint *e, gm_node *const *in, bool raw);

/* feed.c */
void gm_field_of_data(gm_run_field *to, const gm_field *f);
/* Fills r->field from the open data. */
void gm_feed_fields(gm_run *r);
/* "points", "sounds" or "images", for messages. */
const char *gm_facts_word(const gm_facts *f);
/* The facts of an open set for models. */
gm_facts gm_facts_of(const gm_data_info *d);
gm_run_field *gm_feed_find(gm_run *r, const char *name); /* NULL if there is none */
/* Fills all inputs with rows first, first + 1, .. of the stream. */
bool gm_feed_rows(gm_run *r, uint64_t first);

/* kinds.c: the endpoints of a model */
gm_run_endpoint *gm_endpoint_find(gm_run *r, const char *name); /* NULL if there is none */
/* The first endpoint with one of the flags (GM_DRAWS, ..), in the order of gm_endpoint_kinds,
 * variants last; or NULL. */
gm_run_endpoint *gm_endpoint_first(gm_run *r, unsigned flags);
/* The first endpoint with one of the flags in order of declaration, or the next one after
 * `after`. */
gm_run_endpoint *gm_endpoint_next(gm_run *r, unsigned flags, const gm_run_endpoint *after);
/* The target field ("example", "b", ..) of an endpoint with GM_CHANGES; NULL if not known. */
const char *gm_endpoint_target(gm_run *r, const gm_run_endpoint *e);
/* The run's facts, with the sizes of e's output. */
gm_facts gm_endpoint_facts(const gm_run *r, const gm_run_endpoint *e);
/* The field of an input: "label" for r->label, "example" for r->example; NULL for a latent. */
const char *gm_endpoint_field(const gm_run *r, const gm_node *in);
bool gm_endpoint_is_label(const gm_run *r, const gm_node *in);
/* The input of a field, if the model uses it; else NULL. */
gm_node *gm_field_input(const gm_run *r, const char *field);
const gm_run_latent *gm_endpoint_latent(const gm_run *r, const gm_node *in); /* or NULL */

/* endpoint.c: calls of endpoints by tools. A call does not change the random state, variables, or
 * inputs that gm_feed fills. */
typedef struct gm_use {
	/* values [batch, ..] of input i, float or int32_t. in[i] or in NULL: random latents given
	 * by (seed, chunk), labels 0, 1, .. in turn over all chunks, data inputs unchanged */
	const void *const *in;
	uint64_t seed, chunk;
	bool raw; /* use weights, not their moving averages */
	/* resamples normal latents that are not given while their absolute value is above this; 0:
	 * off */
	double truncation;
	/* executes this step instead of the endpoint's own: of its output, with e->fill for
	 * latents; or NULL */
	gm_step *step;
	/* above 1, of a process: y is [frames, batch, ..], evenly from its beginning to its end */
	int64_t frames;
} gm_use;

/* Compiles the steps of a call; otherwise the first call does it. */
bool gm_endpoint_ready(gm_run *r, gm_run_endpoint *e, bool raw);
/* False, and an error of the run, if the endpoint has no latents, or one that is not normal. */
bool gm_endpoint_can_truncate(gm_run *r, const gm_run_endpoint *e);
/* Runs the endpoint; y [batch, ..]. */
bool gm_endpoint_run(gm_run *r, gm_run_endpoint *e, const gm_use *u, float *y);
/* The random latents of (seed, chunk): out[i] [batch, ..] for each latent input with out[i] not
 * NULL. */
bool gm_endpoint_latents(gm_run *r, gm_run_endpoint *e, uint64_t seed, uint64_t chunk,
                         float *const *out);
/* Fills r->average_from and average_to, pairs of weights and their moving averages. */
void gm_run_know_averages(gm_run *r);
/* process.c */
int64_t gm_endpoint_turns(const gm_run_endpoint *e); /* of the next call; 0: it does not iterate */
bool gm_endpoint_set_turns(gm_run *r, gm_run_endpoint *e, int64_t turns, gm_error *err);
/* Writes the names of the endpoints, "generate, encode" or "none", for a message. */
void gm_endpoint_list(const gm_run *r, char *text, size_t room);
/* Bytes of intermediate values of all compiled endpoints. */
double gm_endpoint_memory(const gm_run *r);

/* rate.c: schedules evaluated before each turn */
/* A schedule with a `value_at` function; arg [4]. Created unless one with that name exists. */
gm_node *gm_schedule_by(gm_run *r, const char *name, const gm_run_value *schedule);
void gm_schedules_set(gm_run *r); /* sets the values for the next turn */
/* True if the learning rate schedule has ended with 0; text[room] gets a message with the reason
 * and a solution. */
bool gm_rate_over(const gm_run *r, char *text, size_t room);
/* Options needed to train twice as long, if the schedule would end before ("--fall 300"); else
 * "". */
void gm_rate_prolong(const gm_run *r, char *text, size_t room);

/* dist.c: agreement between the processes of a run. No-ops with one process. */
bool gm_dist_any(bool so); /* collective: logical or over ranks */
/* Collective: an error on one rank becomes an error on all. */
void gm_dist_agree(gm_run *r);
void gm_dist_compare(gm_run *r); /* collective: checks that weights are equal */
bool gm_dist_begin(gm_run *r);   /* collective: checks that all ranks train the same run */
/* collective: as gm_dist_agree, for an error that is not yet in r */
bool gm_dist_first(gm_run *r, bool ok, gm_error *err);
/* Collective: broadcasts rank 0's bytes; ok and err as in gm_dist_first. */
bool gm_dist_share(gm_run *r, void *bytes, size_t n, bool ok, gm_error *err);
bool gm_dist_share_folder(gm_run *r); /* collective: broadcasts the run folder */
/* True if a rank died, which also sets the run's error. */
bool gm_dist_lost(gm_run *r);

/* Sets the run's error: `what` is not finite; it names the first tensor with such a value. */
void gm_run_nonfinite(gm_run *r, const char *what, double value);
/* Factor of all learning rates after the rollbacks so far. */
double gm_run_rate_factor(const gm_run *r);
/* True if metrics (option metrics) are computed after this step. */
bool gm_run_scores_at(const gm_run *r, int64_t step);

#endif
