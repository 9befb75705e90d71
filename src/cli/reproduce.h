/* SPDX-License-Identifier: MIT
 *
 * cli/reproduce.h -- what reproduce.c and queue.c share: a recipe that can be reproduced, and the
 * queue of all of them.
 */
#ifndef GM_CLI_REPRODUCE_H
#define GM_CLI_REPRODUCE_H

#include <limits.h>

#include "cli/cli.h"
#include "run/settings.h"

enum { PLAN_WORDS = 24, PLAN_NEEDS = 4 };

typedef struct plan {
	char name[64], path[PATH_MAX], how[400], model[64], needs[200], words[400];
	const char *word[PLAN_WORDS]; /* of the line `reproduce` */
	int n;
	char found[PLAN_NEEDS][PATH_MAX]; /* paths of needed data sets */
	/* Of the queue: steps of one training (0: not from the queue, never go on with a run); the
	 * seconds and steps that earlier programs spent, to which this one's are added. */
	int64_t total, timed;
	double wall, processor;
} plan;

/* *p is zero before. */
bool plan_read(plan *p, const cli_values *v, const char *name, gm_error *err);
/* The value of --NAME in the recipe's line `reproduce`, or NULL. */
const char *plan_option(const plan *p, const char *name);
/* Gives the options that the recipe's line `needs` names, unless they are given: their values are
 * owned by p. GM_ERR_VALUE for the first one that is not found. */
bool plan_needs(plan *p, cli_values *v, gm_error *err);
/* Checks what scoring needs, before anything is trained. */
bool plan_ready(const plan *p, const cli_values *v, gm_error *err);
/* The options of the training with this seed; the caller frees s, also after an error. */
bool plan_settings(const plan *p, const cli_values *v, int seed, gm_settings *s, gm_error *err);
/* Trains and scores, and stores the result. Adds to p->wall, p->processor and p->timed. */
bool plan_reproduce(plan *p, const cli_values *v, const char *command, gm_error *err);

/* The status of `reproduce --queue`. */
int queue(const cli_values *v, const char *command);
/* The run in option outdir that has these options and the most steps, finished or not: its folder
 * and steps. False if there is none, or none with a checkpoint. */
bool queue_begun(const gm_settings *s, char run[PATH_MAX], int64_t *step);

#endif
