/* SPDX-License-Identifier: MIT
 *
 * environments.c -- environments as sets of points: the states with which episodes begin. */
#include "data/source.h"

#include "ganymede/env.h"

static void draw(gm_draw *d, const char *name)
{
	const gm_env *env = gm_env_find(name);
	double state[GM_ENV_NUMBERS];
	env->begin(&d->rng, state);
	d->label = 0;
	for (int i = 0; d->x && i < env->numbers; i++)
		d->x[i] = (float)state[i];
}

static void acrobot(gm_draw *d)
{
	draw(d, "acrobot");
}

static void cartpole(gm_draw *d)
{
	draw(d, "cartpole");
}

static void mountaincar(gm_draw *d)
{
	draw(d, "mountaincar");
}

const gm_source gm_source_acrobot = {
	.name = "acrobot",
	.about = "environment: two links that are to swing up; its points: states at the beginning",
	.rank = 1,
	.numbers = 4,
	.extent = .1F,
	.version = 1,
	.draw = acrobot,
};

const gm_source gm_source_cartpole = {
	.name = "cartpole",
	.about =
		"environment: a pole on a cart to be balanced; its points: states at the beginning",
	.rank = 1,
	.numbers = 4,
	.extent = .05F,
	.version = 1,
	.draw = cartpole,
};

const gm_source gm_source_mountaincar = {
	.name = "mountaincar",
	.about = "environment: a weak car that is to climb a hill; its points: states at the "
		 "beginning",
	.rank = 1,
	.numbers = 2,
	.extent = .6F,
	.version = 1,
	.draw = mountaincar,
};
