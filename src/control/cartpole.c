/* SPDX-License-Identifier: MIT
 *
 * cartpole.c -- a pole on a cart that is pushed to the left or right: Barto, Sutton & Anderson,
 * IEEE SMC 13(5), 1983; equations, constants and limits of OpenAI Gym's CartPole-v0. */
#include "control/envs.h"

#include <math.h>

enum { X, V, ANGLE, TURN };

static const double gravity = 9.8, cart = 1, pole = .1, half = .5, push = 10, tau = .02,
		    most_x = 2.4, most_angle = 12 * 2 * M_PI / 360;

static void begin(gm_rng *rng, double *s)
{
	for (int i = 0; i < 4; i++)
		s[i] = gm_env_uniform(rng, -.05, .05);
}

/* Euler's method: positions move by the velocities before the step. */
static bool step(double *s, int action, double *reward)
{
	const double force = action ? push : -push, all = cart + pole, c = cos(s[ANGLE]),
		     d = sin(s[ANGLE]);
	const double t = (force + pole * half * s[TURN] * s[TURN] * d) / all;
	const double turning = (gravity * d - c * t) / (half * (4. / 3 - pole * c * c / all));
	const double moving = t - pole * half * turning * c / all;
	s[X] += tau * s[V], s[V] += tau * moving;
	s[ANGLE] += tau * s[TURN], s[TURN] += tau * turning;
	*reward = 1;
	return !(fabs(s[X]) <= most_x && fabs(s[ANGLE]) <= most_angle);
}

static int draw(const double *s, gm_env_shape *shape, int room)
{
	gm_env_canvas c = {shape, 0, room};
	const double x = s[X], w = .3, h = .12, tip[] = {x + sin(s[ANGLE]), cos(s[ANGLE])};
	gm_env_line(&c, GM_ENV_GROUND, .02, (double[]){-most_x, -h, most_x, -h}, 2);
	for (int i = -1; i <= 1; i += 2)
		gm_env_line(&c, GM_ENV_GOAL, .03,
		            (double[]){i * most_x, -h - .08, i * most_x, -h + .08}, 2);
	gm_env_area(&c, GM_ENV_BODY, (double[]){x - w, -h, x + w, -h, x + w, h, x - w, h}, 4);
	gm_env_line(&c, GM_ENV_POLE, .07, (double[]){x, h * .5, tip[0], h * .5 + tip[1]}, 2);
	gm_env_disc(&c, GM_ENV_GROUND, x, h * .5, .04);
	return c.n;
}

const gm_env gm_env_cartpole = {
	.name = "cartpole",
	.source = "CartPole-v0",
	.numbers = 4,
	.actions = 2,
	.action_names = (const char *const[]){"left", "right"},
	.limit = 200,
	.begin = begin,
	.step = step,
	.draw = draw,
	.view = {-2.7, -.6, 2.7, 1.5},
};
