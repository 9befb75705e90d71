/* SPDX-License-Identifier: MIT
 *
 * use/search.h -- minimises a cost of a generator's images over its latents, with frozen nets in
 * inference mode. Rows are independent searches: the cost has a value for each, and its gradient
 * with respect to a row's latents does not depend on other rows.
 *
 *	gm_search *q = gm_search_new(saved, &err);
 *	gm_node *d = gm_sub(gm_search_images(q), target);
 *	gm_search_compile(q, gm_mean(gm_square(d), GM_AXES(1, 2, 3), false), NULL, 0, &err);
 *	gm_search_draw(q, seed, &err);
 *	for (int i = 0; i < 100; i++)
 *		gm_search_run(q, &err) && gm_search_adam(q, .05);
 *	gm_search_free(q);
 */
#ifndef GM_USE_SEARCH_H
#define GM_USE_SEARCH_H

#include "ganymede/saved.h"

typedef struct gm_search gm_search;

/* Of the run's endpoint "generate"; rows: gm_saved_batch. The free values of a row are its latents
 * with a density, one after the other; one-hot latents keep what they are drawn as, labels what
 * they are set to (0 at first). s must stay open. GM_ERR_STATE for runs that do not generate images
 * of the run's size, or generate them from captions. The caller frees it. */
gm_search *gm_search_new(gm_saved *s, gm_error *err);
void gm_search_free(gm_search *q); /* NULL is allowed */

int64_t gm_search_rows(const gm_search *q);
int64_t gm_search_numbers(const gm_search *q); /* free values of a row */
/* The largest absolute value that free value i may have: 1 for uniform latents; 4 for normal ones,
 * which hardly ever are larger. */
double gm_search_bound(const gm_search *q, int64_t i);
gm_node *gm_search_images(const gm_search *q); /* [rows, C, H, W] */
/* The output of "discriminate" for these images, [rows]; for labelled runs with the same labels.
 * NULL with an error if there is no such endpoint. */
gm_node *gm_search_score(gm_search *q, gm_error *err);
/* A new float input of the run's graph, with a unique name. */
gm_node *gm_search_input(gm_search *q, gm_shape shape);

/* Compiles cost [rows] with its gradient; also: n further expressions that may be read afterwards
 * by gm_search_read. */
bool gm_search_compile(gm_search *q, gm_node *cost, gm_node *const *also, int n, gm_error *err);

/* Random latents of a seed: row i gets latents i % every, every <= rows. Sets Adam back. */
bool gm_search_draw(gm_search *q, uint64_t seed, int64_t every, gm_error *err);
/* The same for the free values only, with every = rows. */
bool gm_search_draw_free(gm_search *q, uint64_t seed, gm_error *err);
void gm_search_label(gm_search *q, int64_t row, int32_t label);
float *gm_search_z(gm_search *q); /* [rows, numbers]: the free values, to read and to set */
/* Computes cost and gradient at the present latents. */
bool gm_search_run(gm_search *q, gm_error *err);
/* Adds weight times the mean squared difference of each row from z0 [numbers] to the cost and its
 * gradient of the last run. */
void gm_search_pull(gm_search *q, const float *z0, double weight);
const float *gm_search_cost(const gm_search *q);     /* [rows], of the last run */
const float *gm_search_gradient(const gm_search *q); /* [rows, numbers], of the last run */
bool gm_search_read(const gm_search *q, const gm_node *y, float *to);

/* A step of Adam (beta .9 and .999, eps 1e-8) by the gradient of the last run; then values are
 * clipped to their bounds. */
void gm_search_adam(gm_search *q, double rate);
void gm_search_adam_reset(gm_search *q);

#endif
