/* SPDX-License-Identifier: MIT
 *
 * env.c -- the list of environments, and what they share. */
#include "control/envs.h"

#include <math.h>
#include <string.h>

static const gm_env *const envs[] = {&gm_env_acrobot, &gm_env_cartpole, &gm_env_mountaincar, NULL};

const gm_env *gm_env_at(int i)
{
	return i < 0 || i >= (int)(sizeof envs / sizeof *envs) ? NULL : envs[i];
}

const gm_env *gm_env_find(const char *name)
{
	name += strncmp(name, "set:", 4) == 0 ? 4 : 0;
	for (int i = 0; envs[i]; i++)
		if (!strcmp(envs[i]->name, name))
			return envs[i];
	return NULL;
}

const char *gm_env_names(void)
{
	return "acrobot, cartpole or mountaincar";
}

double gm_env_uniform(gm_rng *rng, double low, double high)
{
	return low + (high - low) * gm_rng_uniform(rng);
}

static void add(gm_env_canvas *c, gm_env_shape s, const double *xy)
{
	if (c->n == c->room || s.corners > GM_ENV_CORNERS)
		return;
	memcpy(s.xy, xy, 2 * (size_t)s.corners * sizeof *xy);
	c->shape[c->n++] = s;
}

void gm_env_area(gm_env_canvas *c, gm_env_ink ink, const double *xy, int corners)
{
	add(c, (gm_env_shape){.ink = ink, .filled = true, .corners = corners}, xy);
}

void gm_env_line(gm_env_canvas *c, gm_env_ink ink, double thick, const double *xy, int corners)
{
	add(c, (gm_env_shape){.ink = ink, .thick = thick, .corners = corners}, xy);
}

void gm_env_disc(gm_env_canvas *c, gm_env_ink ink, double x, double y, double radius)
{
	enum { CORNERS = 24 };
	double xy[2 * CORNERS];
	for (int i = 0; i < CORNERS; i++) {
		xy[2 * i] = x + radius * cos(2 * M_PI * i / CORNERS);
		xy[2 * i + 1] = y + radius * sin(2 * M_PI * i / CORNERS);
	}
	gm_env_area(c, ink, xy, CORNERS);
}
