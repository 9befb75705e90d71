/* SPDX-License-Identifier: MIT
 *
 * run/start.h -- initial values from another run or from a file of weights: options from and
 * freeze.
 */
#ifndef GM_RUN_START_H
#define GM_RUN_START_H

#include "run/run.h"

/* What option from names: a run or checkpoint (*checkpoint), or a file of weights, or a published
 * network (squeezenet, vgg16), whose file is that of option extractor-weights or the downloaded
 * one. */
bool gm_start_find(const gm_settings *s, char path[PATH_MAX], bool *checkpoint, gm_error *err);

typedef struct gm_start_report {
	int loaded, kept;  /* variables */
	const char *fates; /* a line for each variable */
} gm_start_report;
/* Loads the variables of all nets, except optimiser state: from the checkpoint st, from the file of
 * weights path if st is NULL, from neither if both are. False with the run's error if nothing fits,
 * if option freeze selects nothing, or a variable that would keep its random value. */
bool gm_start_from(gm_run *r, const gm_st *st, const char *path, gm_start_report *report);

#endif
