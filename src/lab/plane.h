/* SPDX-License-Identifier: MIT
 *
 * lab/plane.h -- games with two scalar variables, one per player; an update is a map of the plane.
 * The graph engine computes gradients, the map and its Jacobian in double precision.
 */
#ifndef GM_LAB_PLANE_H
#define GM_LAB_PLANE_H

#include "lab/lab.h"

typedef struct gm_plane {
	gm_graph *g;
	gm_node *p[2];    /* variables, rank 0 */
	int zeros;        /* number of nodes made by gm_plane_at */
	gm_node *next[2]; /* the updated variables, as expressions of p */
	gm_step *move, *slope;
	gm_node *jacobian[4]; /* d next[i] / d p[j], row-major */
} gm_plane;

gm_plane gm_plane_new(void); /* a graph of doubles with its two variables */
void gm_plane_free(gm_plane *p);
/* x as a separate node, so that derivatives are partial: if a new x depends on y, the derivative
 * with respect to y must not include this dependence. */
gm_node *gm_plane_at(gm_plane *p, gm_node *x);
/* d loss / d x, rank 0 */
gm_node *gm_plane_slope(gm_node *loss, gm_node *x);
/* Compiles the update once next[] is set. */
bool gm_plane_compile(gm_plane *p, gm_lab *l);
void gm_plane_move(gm_plane *p, const double from[2], double to[2]);
/* The eigenvalues of the Jacobian at a point: real and imaginary parts, by LAPACK's dgeev. */
bool gm_plane_eigen(gm_plane *p, const double at[2], double re[2], double im[2]);
/* Draws arrows of the update on a 15 x 15 grid, and the orbit xy [steps+1,2]. */
void gm_plane_draw(gm_plane *p, gm_figure *f, const gm_panel *at, const double *xy, int steps);

#endif
