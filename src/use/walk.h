/* SPDX-License-Identifier: MIT
 *
 * use/walk.h -- rows of latents of "generate" that a tool puts together, and what comes of them:
 * ways between samples, and along single numbers.
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

/* n rows, row i the latents of sample i of the seed (gm_saved_draw), of class 0 where the model is
 * told the class. s is borrowed. NULL where it has no "generate". The caller frees it. */
gm_walk *gm_walk_new(gm_saved *s, int64_t n, uint64_t seed, gm_error *err);
void gm_walk_free(gm_walk *w); /* NULL is fine */

/* The latents. numbers: in each row; NULL may be given for what is not wanted. */
int gm_walk_latents(const gm_walk *w);
const char *gm_walk_name(const gm_walk *w, int latent, int64_t *numbers, gm_latent_kind *kind);
int gm_walk_find(const gm_walk *w, const char *name); /* -1: there is none */
bool gm_walk_labelled(const gm_walk *w);              /* rows have a class */

/* Row `to` becomes row `at` of another walk through the same run, class included. */
void gm_walk_copy(gm_walk *w, int64_t to, const gm_walk *from, int64_t at);
/* Row `to` becomes the point t of the way from row a to row b of ends, with a's class. White 2016,
 * arXiv:1609.04468, section 2.1, for each latent by itself. */
void gm_walk_between(gm_walk *w, int64_t to, const gm_walk *ends, int64_t a, int64_t b, double t,
                     gm_way way);
/* One number of a row; of a one-of-K code the others become 0 and this 1, whatever v. */
void gm_walk_set(gm_walk *w, int64_t row, int latent, int64_t number, double v);
double gm_walk_get(const gm_walk *w, int64_t row, int latent, int64_t number);
void gm_walk_label(gm_walk *w, int64_t row, int32_t label);

/* What "generate" makes of all rows: x [n, example]. */
bool gm_walk_draw(const gm_walk *w, float *x, gm_error *err);

#endif
