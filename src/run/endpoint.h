/* SPDX-License-Identifier: MIT
 *
 * run/endpoint.h -- what single evaluations and processes share.
 */
#ifndef GM_RUN_ENDPOINT_H
#define GM_RUN_ENDPOINT_H

#include "run/run.h"

/* A process, and what is compiled for it: by the averages of weights [0], or the weights themselves
 * [1]. */
struct gm_run_process {
	gm_process p;
	int64_t turns; /* of the next call */
	gm_step *begin[2], *round[2], *turn[2], *read[2];
};

/* e's y and effects for inference; with fill, latents are read from e->fill. NULL with the run's
 * error. */
gm_step *gm_endpoint_compile(gm_run *r, gm_run_endpoint *e, gm_node *const *y, int n, bool raw,
                             bool fill);
/* Makes e->fill, inputs in the place of latents. */
void gm_endpoint_make_fill(gm_run *r, gm_run_endpoint *e);
/* Puts into e->fill what the call gives, and what (seed, chunk) draws for the rest. */
bool gm_endpoint_fill(gm_run *r, gm_run_endpoint *e, const gm_use *u);
/* The random state of a call's turn; 0: of its begin, and of single evaluations. */
void gm_endpoint_seed(gm_run *r, const gm_use *u, int64_t turn);
/* The training's own random state, after `runs` steps. */
void gm_endpoint_seed_back(gm_run *r, uint64_t runs);

/* process.c */
/* The steps compiled for it, which the run owns, and how many: with averaged weights or raw. */
int gm_process_steps(const gm_run_endpoint *e, bool raw, gm_step *steps[4]);
bool gm_process_ready(gm_run *r, gm_run_endpoint *e, bool raw);
/* y [batch, ..], or [frames, batch, ..]; inputs of the data are set already. */
bool gm_process_run(gm_run *r, gm_run_endpoint *e, const gm_use *u, float *y);

#endif
