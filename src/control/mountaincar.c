/* SPDX-License-Identifier: MIT
 *
 * mountaincar.c -- a car that is too weak for the hill and has to gather momentum: Moore, PhD
 * thesis, Cambridge 1990; equations, constants and limits of OpenAI Gym's MountainCar-v0. */
#include "control/envs.h"

#include <math.h>

enum { X, V };

static const double left = -1.2, right = .6, goal = .5, fastest = .07;

static void begin(gm_rng *rng, double *s)
{
	s[X] = gm_env_uniform(rng, -.6, -.4), s[V] = 0;
}

static bool step(double *s, int action, double *reward)
{
	s[V] += .001 * (action - 1) - .0025 * cos(3 * s[X]);
	s[V] = fmin(fmax(s[V], -fastest), fastest);
	s[X] = fmin(fmax(s[X] + s[V], left), right);
	if (s[X] == left && s[V] < 0)
		s[V] = 0;
	*reward = -1;
	return !(s[X] < goal);
}

static double height(double x)
{
	return .45 * sin(3 * x) + .55;
}

static int draw(const double *s, gm_env_shape *shape, int room)
{
	enum { POINTS = 60 };
	gm_env_canvas c = {shape, 0, room};
	double hill[2 * (POINTS + 2)] = {0};
	for (int i = 0; i < POINTS; i++) {
		const double x = left + (right - left) * i / (POINTS - 1);
		hill[2 * i] = x, hill[2 * i + 1] = height(x);
	}
	hill[2 * POINTS] = right, hill[2 * POINTS + 2] = left;
	gm_env_area(&c, GM_ENV_GROUND, hill, POINTS + 2);
	const double top = height(goal);
	gm_env_line(&c, GM_ENV_GOAL, .012, (double[]){goal, top, goal, top + .2}, 2);
	gm_env_area(&c, GM_ENV_GOAL,
	            (double[]){goal, top + .2, goal + .1, top + .16, goal, top + .12}, 3);

	/* the car stands on the slope */
	const double a = atan(1.35 * cos(3 * s[X])), dx = cos(a), dy = sin(a), w = .07, h = .06,
		     x = s[X] - .03 * dy, y = height(s[X]) + .03 * dx;
	gm_env_area(&c, GM_ENV_BODY,
	            (double[]){x - w * dx, y - w * dy, x + w * dx, y + w * dy, x + w * dx - h * dy,
	                       y + w * dy + h * dx, x - w * dx - h * dy, y - w * dy + h * dx},
	            4);
	for (int i = -1; i <= 1; i += 2)
		gm_env_disc(&c, GM_ENV_POLE, x + i * .6 * w * dx, y + i * .6 * w * dy, .022);
	return c.n;
}

const gm_env gm_env_mountaincar = {
	.name = "mountaincar",
	.source = "MountainCar-v0",
	.numbers = 2,
	.actions = 3,
	.action_names = (const char *const[]){"left", "none", "right"},
	.limit = 200,
	.succeeds = true,
	.begin = begin,
	.step = step,
	.draw = draw,
	.view = {-1.2, 0, .6, 1.25},
};
