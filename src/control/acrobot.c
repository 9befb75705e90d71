/* SPDX-License-Identifier: MIT
 *
 * acrobot.c -- two links hanging from a joint, with a motor between them, that are to swing up:
 * Sutton, NIPS 1996, with the equations of Sutton & Barto, 1998, section 11.3; constants and limits
 * of OpenAI Gym's Acrobot-v0, which shows the two angles and speeds as they are (v1 shows sines and
 * cosines, and has 500 steps). */
#include "control/envs.h"

#include <math.h>

enum { A, B, SPEED_A, SPEED_B };

/* Length, mass and moment of inertia of both links are 1; their centres of mass lie at .5. */
static const double gravity = 9.8, centre = .5, tau = .2, fastest_a = 4 * M_PI,
		    fastest_b = 9 * M_PI;

static void begin(gm_rng *rng, double *s)
{
	for (int i = 0; i < 4; i++)
		s[i] = gm_env_uniform(rng, -.1, .1);
}

static void slope(const double *s, double torque, double *d)
{
	const double c = centre, cosine = cos(s[B]), sine = sin(s[B]);
	const double d1 = c * c + (1 + c * c + 2 * c * cosine) + 2, d2 = c * c + c * cosine + 1;
	const double p2 = c * gravity * cos(s[A] + s[B] - M_PI / 2);
	const double p1 = -c * s[SPEED_B] * s[SPEED_B] * sine -
	                  2 * c * s[SPEED_B] * s[SPEED_A] * sine +
	                  (c + 1) * gravity * cos(s[A] - M_PI / 2) + p2;
	d[A] = s[SPEED_A], d[B] = s[SPEED_B];
	d[SPEED_B] = (torque + d2 / d1 * p1 - c * s[SPEED_A] * s[SPEED_A] * sine - p2) /
	             (c * c + 1 - d2 * d2 / d1);
	d[SPEED_A] = -(d2 * d[SPEED_B] + p1) / d1;
}

static double wrapped(double angle)
{
	while (angle > M_PI)
		angle -= 2 * M_PI;
	while (angle < -M_PI)
		angle += 2 * M_PI;
	return angle;
}

/* One step of the classical Runge-Kutta method. */
static bool step(double *s, int action, double *reward)
{
	const double torque = action - 1;
	double k[4][4], at[4];
	slope(s, torque, k[0]);
	for (int j = 1; j < 4; j++) {
		for (int i = 0; i < 4; i++)
			at[i] = s[i] + (j == 3 ? tau : tau / 2) * k[j - 1][i];
		slope(at, torque, k[j]);
	}
	for (int i = 0; i < 4; i++)
		s[i] += tau / 6 * (k[0][i] + 2 * k[1][i] + 2 * k[2][i] + k[3][i]);
	s[A] = wrapped(s[A]), s[B] = wrapped(s[B]);
	s[SPEED_A] = fmin(fmax(s[SPEED_A], -fastest_a), fastest_a);
	s[SPEED_B] = fmin(fmax(s[SPEED_B], -fastest_b), fastest_b);
	const bool over = -cos(s[A]) - cos(s[A] + s[B]) > 1;
	*reward = over ? 0 : -1;
	return over;
}

static int draw(const double *s, gm_env_shape *shape, int room)
{
	gm_env_canvas c = {shape, 0, room};
	const double x = sin(s[A]), y = -cos(s[A]), u = x + sin(s[A] + s[B]),
		     v = y - cos(s[A] + s[B]);
	gm_env_line(&c, GM_ENV_GOAL, .02, (double[]){-2.1, 1, 2.1, 1}, 2);
	gm_env_line(&c, GM_ENV_BODY, .16, (double[]){0, 0, x, y}, 2);
	gm_env_line(&c, GM_ENV_POLE, .16, (double[]){x, y, u, v}, 2);
	gm_env_disc(&c, GM_ENV_GROUND, 0, 0, .09);
	gm_env_disc(&c, GM_ENV_GROUND, x, y, .09);
	return c.n;
}

const gm_env gm_env_acrobot = {
	.name = "acrobot",
	.source = "Acrobot-v0",
	.numbers = 4,
	.actions = 3,
	.action_names = (const char *const[]){"-1", "0", "1"},
	.limit = 200,
	.succeeds = true,
	.begin = begin,
	.step = step,
	.draw = draw,
	.view = {-2.2, -2.2, 2.2, 2.2},
};
