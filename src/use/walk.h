/* SPDX-License-Identifier: MIT
 *
 * use/walk.h -- latents of "generate" set by a tool, and their samples: interpolation and
 * traversal.
 *
 *	gm_walk *ends = gm_walk_new(s, 2, 1, &err), *way = gm_walk_new(s, 10, 1, &err);
 *	for (int i = 0; i < 10; i++)
 *		gm_walk_between(way, i, ends, 0, 1, i / 9., GM_WAY_USUAL);
 *	gm_walk_draw(way, x, &err);                      // [10, example]
 *	gm_walk_free(ends), gm_walk_free(way);
 */
#ifndef GM_USE_WALK_H
#define GM_USE_WALK_H

#include "ganymede/saved.h"

typedef enum gm_way {
	GM_WAY_USUAL,    /* spherical for normal latents, linear for others */
	GM_WAY_LINEAR,   /* (1-t) a + t b */
	GM_WAY_SPHERICAL /* sin((1-t) w)/sin w a + sin(t w)/sin w b, w the angle between a and b */
} gm_way;

typedef struct gm_walk gm_walk;

/* n rows; row i has the latents of sample i of the seed (gm_saved_draw), with class 0 for a
 * class-conditional model. s must stay open. NULL if it has no "generate". The caller frees it. */
gm_walk *gm_walk_new(gm_saved *s, int64_t n, uint64_t seed, gm_error *err);
void gm_walk_free(gm_walk *w); /* NULL is fine */

/* Name, size (numbers: values per row) and kind of each latent; output pointers may be NULL. */
int gm_walk_latents(const gm_walk *w);
const char *gm_walk_name(const gm_walk *w, int latent, int64_t *numbers, gm_latent_kind *kind);
int gm_walk_find(const gm_walk *w, const char *name); /* -1: there is none */
bool gm_walk_labelled(const gm_walk *w);              /* rows have a class */

/* Copies row `at` of another walk of the same run, including its class, to row `to`. */
void gm_walk_copy(gm_walk *w, int64_t to, const gm_walk *from, int64_t at);
/* Sets row `to` to the interpolation at t between rows a and b of ends, with a's class: White 2016,
 * arXiv:1609.04468, section 2.1, separately for each latent. */
void gm_walk_between(gm_walk *w, int64_t to, const gm_walk *ends, int64_t a, int64_t b, double t,
                     gm_way way);
/* Sets one value of a row to v; for a categorical code sets this value to 1 and the others to 0. */
void gm_walk_set(gm_walk *w, int64_t row, int latent, int64_t number, double v);
double gm_walk_get(const gm_walk *w, int64_t row, int latent, int64_t number);
void gm_walk_label(gm_walk *w, int64_t row, int32_t label);

/* Runs "generate" on all rows: x [n, example]. */
bool gm_walk_draw(const gm_walk *w, float *x, gm_error *err);

#endif
