/* SPDX-License-Identifier: MIT
 *
 * train.h -- training runs.
 *
 *	gm_error err = {0};
 *	gm_settings *s = gm_settings_new(gm_model_find("dcgan"));
 *	gm_settings_set(s, "steps", "1000", &err);
 *	gm_settings_set(s, "data", "glyphs", &err);
 *	gm_train_call call = {.settings = s, .out = stderr};
 *	if (!gm_train(&call, &err))
 *		fprintf(stderr, "%s\n", err.message);
 *	else
 *		puts(call.folder);           // runs/00000-dcgan-glyphs: gm_saved_open takes it
 *	gm_settings_delete(s);
 *
 * A model of one's own (ganymede/model.h) is trained in the same way, once gm_model_register knows it; its runs can be
 * resumed and opened where it is registered too.
 */
#ifndef GANYMEDE_TRAIN_H
#define GANYMEDE_TRAIN_H

#include <limits.h>
#include <signal.h>
#include <stdio.h>

#include "ganymede/model.h"

GM_BEGIN_C

/* The options of a run: what every run has, and what its model adds, as texts. */
typedef struct gm_settings gm_settings;

/* All defaults. NULL without memory; the caller ends it. */
GM_API gm_settings *gm_settings_new(const gm_model *m);
GM_API void gm_settings_delete(gm_settings *s); /* NULL is fine */
/* GM_ERR_VALUE for an unknown name (`_` = `-`), with the nearest known one. Of steps, kimg and epochs the last one set counts.
 * The value is checked when the run starts. */
GM_API bool gm_settings_set(gm_settings *s, const char *name, const char *value, gm_error *err);
GM_API const char *gm_settings_get(const gm_settings *s,
                                   const char *name); /* never NULL: "" for an unknown name */
/* A file of `key = value` lines, such as a recipe. */
GM_API bool gm_settings_file(gm_settings *s, const char *path, gm_error *err);

typedef struct gm_train_call {
	/* rows not given are taken from the checkpoint when one is resumed */
	gm_settings *settings;
	/* a run or checkpoint to go on with, "" for the newest in outdir; NULL: a new run */
	const char *resume;
	FILE *out; /* progress and pictures; NULL: silent */
	/* more than 0: train for about so many seconds without a folder, only to see how fast it
	 * is */
	double measure;
	bool plan; /* with measure: print nets, memory and time to out */
	/* when it is not 0, the step is finished and saved, and the run ends; or NULL */
	const volatile sig_atomic_t *stop;
	/* Results: */
	bool echo;             /* another process says what the trouble is */
	char folder[PATH_MAX]; /* of the run; empty when it never got one */
	int64_t step;          /* steps done, over all sessions of this run */
	bool stopped;          /* by *stop */
	char prolong
		[160]; /* options that make a longer run worth running ("--fall 300"), or empty */
	const char *
		gives; /* "generate", or the endpoint of a model that draws nothing: "translate", "classify" */
	struct gm_speed {     /* of a run with measure */
		double ready; /* seconds from the call to the end of the first step */
		/* seconds of one turn of the model's loop, feeding included; the median */
		double step;
		double flops; /* needed by one turn */
		/* examples in a turn; bytes of intermediate values, which steps share */
		int64_t batch, memory;
		int64_t parameters; /* of all nets */
		uint64_t peak;      /* resident bytes while it ran, the program's own included */
		int instructions, fallbacks, turns;
		bool bf16; /* operands of products were; false also where that was asked for and cannot be had */
	} speed;
} gm_train_call;

/* False with one error when the run could not start or had to stop. What was saved before stays. */
GM_API bool gm_train(gm_train_call *call, gm_error *err);

/* Where option from names a run of the same model: options that were not given become as that run has them, but for
 * those of this call alone (length, seed, names). Before gm_train of a new run. */
GM_API bool gm_train_from(gm_settings *settings, gm_error *err);

/* The model of a run or checkpoint, "" for the newest in outdir. */
GM_API const gm_model *gm_train_model(const char *run, const char *outdir, gm_error *err);

GM_END_C

#endif
