/* SPDX-License-Identifier: MIT
 *
 * score/sweep.h -- an endpoint over the examples of a split, for metrics.
 */
#ifndef GM_SCORE_SWEEP_H
#define GM_SCORE_SWEEP_H

#include "score/score_in.h"

/* Iterates over a split of the data in batches, as inputs of an endpoint. */
typedef struct gm_sweep {
	gm_scorer *c;
	gm_run_endpoint *e;
	gm_dataset *data;
	const gm_field *field[GM_RUN_INPUTS];
	void *in[GM_RUN_INPUTS];
	int32_t *label;   /* [batch] */
	int64_t n, width; /* number of examples; endpoint outputs per example */
	float *out;       /* [batch, width] */
} gm_sweep;

/* data may be NULL, with err set. End it in any case. */
bool gm_sweep_begin(gm_sweep *w, gm_scorer *c, gm_run_endpoint *e, gm_dataset *data, gm_error *err);
void gm_sweep_end(gm_sweep *w);
/* Reports the progress; false if the metric should stop. */
bool gm_sweep_tell(const gm_sweep *w, int64_t done, gm_error *err);
/* Reads batch i of the data; returns the number of valid rows, or -1. */
int64_t gm_sweep_step(gm_sweep *w, int64_t i, gm_error *err);
/* Runs the endpoint on it. */
bool gm_sweep_call(gm_sweep *w, uint64_t seed, uint64_t chunk, gm_error *err);

#endif
