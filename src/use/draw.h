/* SPDX-License-Identifier: MIT
 *
 * use/draw.h -- sampling from a run, and real examples, as tensors.
 */
#ifndef GM_USE_DRAW_H
#define GM_USE_DRAW_H

#include "ganymede/saved.h"
#include "run/run.h"

/* The seed of latents for the user's `seed`; never that of a minibatch. */
uint64_t gm_run_latent_seed(uint64_t seed);
/* gm_saved_draw of a run, by an endpoint with GM_DRAWS: x [n, shape of e's output]. raw: use
 * weights, not their moving averages. */
bool gm_run_draw(gm_run *r, gm_run_endpoint *e, const gm_samples *d, bool raw, float *x);
/* gm_saved_stand of a run, by an endpoint with GM_DRAWS. */
bool gm_run_stand(gm_run *r, gm_run_endpoint *e, const gm_samples *d, int64_t batches, bool raw);
/* True if the endpoint is class-conditional. e may be NULL. */
bool gm_endpoint_is_conditional(const gm_run *r, const gm_run_endpoint *e);
/* The length of the captions that the endpoint reads; 0 if it reads none. e may be NULL. */
int64_t gm_endpoint_caption_length(gm_run *r, const gm_run_endpoint *e);
/* Writes the labels of a grid whose rows are classes to label [n]. */
void gm_run_grid_labels(const gm_run *r, int64_t n, int columns, int32_t *label);
/* Always the same examples; label may be NULL. */
bool gm_run_reals(gm_run *r, int64_t n, float *x, int32_t *label);
/* A field of the same examples, [n, shape]. */
bool gm_run_real_field(gm_run *r, const gm_run_field *f, int64_t n, void *x);
/* Like gm_run_real_field, of the field of a further stream whose input is in. */
bool gm_run_stream_field(const gm_stream *s, const gm_node *in, int64_t n, void *x);

#endif
