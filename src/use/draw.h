/* SPDX-License-Identifier: MIT
 *
 * use/draw.h -- sample images and real examples of a run, as tensors.
 */
#ifndef GM_USE_DRAW_H
#define GM_USE_DRAW_H

#include "ganymede/saved.h"
#include "run/run.h"

/* The seed of the latents that people ask for by `seed`: no minibatch's. */
uint64_t gm_run_latent_seed(uint64_t seed);
/* gm_saved_draw of a run, by an endpoint with GM_DRAWS: x [n, what e gives]. raw: by the weights themselves, not their
 * averages. */
bool gm_run_draw(gm_run *r, gm_run_endpoint *e, const gm_samples *d, bool raw, float *x);
/* Whether the endpoint takes the label. e may be NULL. */
bool gm_endpoint_told(const gm_run *r, const gm_run_endpoint *e);
/* Labels of a grid whose rows are classes, into label [n]. */
void gm_run_grid_labels(const gm_run *r, int64_t n, int columns, int32_t *label);
/* Always the same examples; label may be NULL. */
bool gm_run_reals(gm_run *r, int64_t n, float *x, int32_t *label);
/* The same examples' field, [n, shape]. */
bool gm_run_real_field(gm_run *r, const gm_run_field *f, int64_t n, void *x);

#endif
