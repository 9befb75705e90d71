/* SPDX-License-Identifier: MIT
 *
 * envs.h -- the environments, and what their drawings share. */
#ifndef GANYMEDE_CONTROL_ENVS_H
#define GANYMEDE_CONTROL_ENVS_H

#include "ganymede/env.h"

extern const gm_env gm_env_cartpole, gm_env_mountaincar, gm_env_acrobot;

/* Uniform in [low, high). */
double gm_env_uniform(gm_rng *rng, double low, double high);

/* A rectangle, a line and a disc; each returns the number of shapes, 1, or 0 beyond room. */
typedef struct gm_env_canvas {
	gm_env_shape *shape;
	int n, room;
} gm_env_canvas;
void gm_env_area(gm_env_canvas *c, gm_env_ink ink, const double *xy, int corners);
void gm_env_line(gm_env_canvas *c, gm_env_ink ink, double thick, const double *xy, int corners);
void gm_env_disc(gm_env_canvas *c, gm_env_ink ink, double x, double y, double radius);

#endif
