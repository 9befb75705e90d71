/* SPDX-License-Identifier: MIT
 *
 * use/edit.h -- edits by strokes on the manifold of a generator's images (Zhu, Krähenbühl,
 * Shechtman & Efros, "Generative visual manipulation on the natural image manifold", ECCV 2016,
 * arXiv:1609.03552, section 4): latents are searched whose images satisfy colours, edges and moved
 * patches that a person draws.
 *
 *	gm_edit *e = gm_edit_new(saved, &options, NULL, &err);
 *	gm_edit_read(e, "{\"strokes\": [{\"tool\": \"colour\", ..}]}", &err);
 *	gm_edit_run(e, options.iterations, &err);
 *	n = gm_edit_order(e, order);                    // candidates, the best first
 */
#ifndef GM_USE_EDIT_H
#define GM_USE_EDIT_H

#include "use/action.h"
#include "ganymede/saved.h"

typedef struct gm_edit_options {
	uint64_t seed;
	int64_t starts; /* latents that are searched at the same time */
	int64_t show;   /* candidates, at most */
	int64_t iterations;
	double rate;    /* of Adam, whose moments are kept from stroke to stroke */
	double edge;    /* weight of the edge constraints */
	double smooth;  /* weight of the mean squared difference from the latents before the edit */
	double realism; /* weight of -log D */
} gm_edit_options;
extern const gm_action_row gm_edit_rows[]; /* ends with name NULL */

typedef struct gm_edit gm_edit;

/* An edit without strokes. z0 [gm_project_numbers(s)]: the latents before the edit, from which
 * starts are .5 U(-1,1) away; NULL: starts are random latents, and there is no smoothness. NULL on
 * failure; the caller frees it. */
gm_edit *gm_edit_new(gm_saved *s, const gm_edit_options *o, const float *z0, gm_error *err);
void gm_edit_free(gm_edit *e); /* NULL is allowed */

/* Adds the strokes of a script, JSON:
 *
 *	{"strokes": [
 *		{"tool": "colour", "width": 2, "colour": "#2bb24c", "points": [[x, y], ..]},
 *		{"tool": "sketch", "width": 1, "points": [[x, y], ..]},
 *		{"tool": "warp", "size": 24, "from": [x, y], "to": [x, y]},
 *		{"tool": "erase", "width": 6, "points": [[x, y], ..]}]}
 *
 * Without width and size: 2, 1, 3/8 of the side, and 6. Coordinates are pixels of the run's
 * images, from 0. Points are joined by lines. warp copies the square around `from` of the image
 * before the edit to `to`; it needs z0. Other keys are errors. GM_ERR_FORMAT or
 * GM_ERR_VALUE with the number of the stroke; nothing is added then. */
/* A script may also have "from": latents before the edit, a list of gm_project_numbers(s) values.
 * gm_edit_from writes them to z, for gm_edit_new, and says whether there are any. */
bool gm_edit_from(const char *script, size_t n, int64_t numbers, float *z, bool *given,
                  gm_error *err);
bool gm_edit_read(gm_edit *e, const char *script, size_t n, gm_error *err);
void gm_edit_clear(gm_edit *e); /* removes all constraints */

/* Calls f about four times a second while gm_edit_run works, when costs and images are those so
 * far; NULL: no longer. */
void gm_edit_preview(gm_edit *e, void (*f)(void *context, gm_edit *e), void *context);
bool gm_edit_run(gm_edit *e, int64_t iterations, gm_error *err);
/* Writes the candidates to order [starts], best first: at most `show`, whose cost is at most twice
 * the mean of the best 8. Returns their number. */
int64_t gm_edit_order(const gm_edit *e, int64_t *order);
const float *gm_edit_cost(const gm_edit *e); /* [starts], at the present latents */
const float *gm_edit_z(const gm_edit *e);    /* [starts, numbers] */
const float *gm_edit_image(const gm_edit *e, int64_t candidate); /* [C,H,W] */
/* Root mean squared colour error of a candidate where colours are constrained, of values in [-1,1];
 * NaN without such constraints. */
double gm_edit_colour_error(const gm_edit *e, int64_t candidate);

/* Images x [n, shape of the run] of n latents evenly on the line from a to b [numbers], as in the
 * authors' code. */
bool gm_edit_between(gm_saved *s, const float *a, const float *b, int64_t n, float *x,
                     gm_error *err);

/* Histograms of oriented gradients of grey images [N,1,H,W] with values in [0,1], in cells of side
 * `cell`: [N,8,H/cell,W/cell]. Bin k is soft around the gradient direction k pi/8 (unsigned); cells
 * overlap by a bilinear window of side 2 cell, whose sum is `cell`, so that an edge of contrast 1
 * through a cell counts about 1. No block normalisation. H and W are multiples of cell. */
gm_node *gm_edit_hog(gm_node *grey, int cell);

#endif
