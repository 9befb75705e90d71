/* SPDX-License-Identifier: MIT
 *
 * train/train.h -- training runs, for the program and its tests.
 *
 *	gm_settings s;
 *	gm_settings_init(&s, gm_model_find("dcgan"));
 *	gm_settings_set(&s, "steps", "100", &err);
 *	gm_train_call call = {.settings = &s, .out = stderr};
 *	if (!gm_train(&call, &err)) ...
 *	puts(call.folder);
 *	gm_settings_free(&s);
 */
#ifndef GM_TRAIN_TRAIN_H
#define GM_TRAIN_TRAIN_H

#include <limits.h>
#include <signal.h>
#include <stdio.h>

#include "run/settings.h"

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
bool gm_train(gm_train_call *call, gm_error *err);

/* Where option from names a run of the same model: options that were not given become as that run has them, but for
 * those of this call alone (length, seed, names). Before gm_train of a new run. */
bool gm_train_from(gm_settings *settings, gm_error *err);

/* The model of a run or checkpoint, "" for the newest in outdir. */
const gm_model *gm_train_model(const char *run, const char *outdir, gm_error *err);

#endif
