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
 * Your own model (ganymede/model.h) is trained in the same way, after gm_model_register. Programs
 * that resume or open its runs must register it too.
 */
#ifndef GANYMEDE_TRAIN_H
#define GANYMEDE_TRAIN_H

#include <limits.h>
#include <signal.h>
#include <stdio.h>

#include "ganymede/model.h"

GM_BEGIN_C

/* The options of a run as text: those of all runs and those of its model. */
typedef struct gm_settings gm_settings;

/* All defaults. NULL if out of memory; the caller deletes it. */
GM_API gm_settings *gm_settings_new(const gm_model *m);
GM_API void gm_settings_delete(gm_settings *s); /* NULL is allowed */
/* GM_ERR_VALUE for an unknown name (`_` equals `-`), with a suggestion. Of steps, kimg and epochs,
 * the last one set is used. The value is checked when the run starts. */
GM_API bool gm_settings_set(gm_settings *s, const char *name, const char *value, gm_error *err);
GM_API const char *gm_settings_get(const gm_settings *s,
                                   const char *name); /* "" for an unknown name, never NULL */
/* Reads a file of `key = value` lines, such as a recipe. */
GM_API bool gm_settings_file(gm_settings *s, const char *path, gm_error *err);

typedef struct gm_train_call {
	/* when resuming, options that were not set come from the checkpoint */
	gm_settings *settings;
	/* run or checkpoint to resume, "" for the newest in outdir; NULL: a new run */
	const char *resume;
	FILE *out; /* for progress and images; NULL: silent */
	/* above 0: train for about this many seconds, without a folder, to measure speed */
	double measure;
	/* with measure: turns of all parts of the run, so that times are means over its phases */
	bool spread;
	bool sampling; /* with measure: generate batches instead of training */
	bool plan;     /* with measure: print nets, memory and time to out (a dry run) */
	bool json;     /* with plan: print them as JSON, without measuring the time */
	/* when *stop is not 0, the run finishes its step, saves and ends; or NULL */
	const volatile sig_atomic_t *stop;
	/* Results: */
	bool echo;             /* another process reports the error */
	char folder[PATH_MAX]; /* of the run; empty if none was made */
	int64_t step;          /* steps of this run so far, including earlier sessions */
	int64_t total;         /* steps of the whole run */
	bool stopped;          /* ended by *stop */
	char prolong[160];     /* options that a longer run also needs ("--fall 300"), or empty */
	/* the model's main endpoint: "generate", or "translate", "classify" for a model without
	 * samples */
	const char *gives;
	struct gm_speed {     /* with measure */
		double ready; /* seconds from the call to the end of the first step */
		/* median (with spread: mean) seconds per turn of the model's loop, including
		 * loading the batch; with sampling: per batch of examples generated */
		double step;
		double processor; /* mean CPU seconds per turn, of all threads; 0 with sampling */
		double flops;     /* of one turn */
		/* examples per turn; bytes of intermediate values, shared by the steps */
		int64_t batch, memory;
		int64_t parameters; /* of all nets */
		uint64_t peak;      /* peak resident bytes of the process */
		int instructions, fallbacks, turns;
		/* operands of matrix products were bf16; false if that was requested but is not
		 * supported */
		bool bf16;
	} speed;
} gm_train_call;

/* False with an error if the run could not start or failed. Saved files are kept. */
GM_API bool gm_train(gm_train_call *call, gm_error *err);

/* Implements option from: options that were not set get their values from the run of the same model
 * that it names, except length, seed and names. Call it before gm_train of a new run. Does nothing
 * without option from. */
GM_API bool gm_train_from(gm_settings *settings, gm_error *err);

/* The model of a run or checkpoint; "" for the newest in outdir. */
GM_API const gm_model *gm_train_model(const char *run, const char *outdir, gm_error *err);

GM_END_C

#endif
