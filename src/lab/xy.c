/* SPDX-License-Identifier: MIT
 *
 * lab/xy.c -- V(x,y) = xy: x minimises, y maximises; the origin is the only equilibrium. With
 * v(x,y) = (-y, x), one step of size eta multiplies the distance from the origin by
 *
 *	simultaneous    p + eta v(p)                      sqrt(1 + eta^2): always away
 *	alternating     x first, y sees the new x         on average 1: det = 1, and the form
 *	                                                  x^2 + y^2 - eta x y never changes
 *	extragradient   p + eta v(p + eta v(p))           sqrt(1 - eta^2 + eta^4)
 *	consensus       p + eta (v - gamma grad |v|^2/2)  sqrt((1 - eta gamma)^2 + eta^2)
 *
 * Goodfellow 2016, "NIPS 2016 tutorial", section 8.2; Korpelevich 1976; Mescheder, Nowozin & Geiger
 * 2017, arXiv:1705.10461, eq. 10.
 */
#include "lab/plane.h"

#include <math.h>
#include <stdlib.h>

static const gm_option options[] = {
	{"eta", "0.1", "step size of both players", GM_REAL(1e-4, .99)},
	{"gamma", "0.3", "weight of consensus optimisation's |v|^2 / 2", GM_REAL(0, 10)},
	{"steps", "300", "length of the orbits", GM_INT(1, 1000000)},
	{0},
};

static gm_node *value(gm_node *x, gm_node *y)
{
	return gm_mul(x, y);
}

/* x - eta dV/dx and y + eta dV/dy, with derivatives at (sx, sy) */
static void step(gm_plane *p, gm_node *sx, gm_node *sy, double eta, gm_node *to[2])
{
	sx = gm_plane_at(p, sx), sy = gm_plane_at(p, sy);
	gm_node *v = value(sx, sy);
	to[0] = gm_sub(p->p[0], gm_mul_c(gm_plane_slope(v, sx), eta));
	to[1] = gm_add(p->p[1], gm_mul_c(gm_plane_slope(v, sy), eta));
}

static void simultaneous(gm_plane *p, double eta, double gamma)
{
	(void)gamma;
	step(p, p->p[0], p->p[1], eta, p->next);
}

static void alternating(gm_plane *p, double eta, double gamma)
{
	(void)gamma;
	gm_node *both[2];
	step(p, p->p[0], p->p[1], eta, p->next);
	step(p, p->next[0], p->p[1], eta, both);
	p->next[1] = both[1];
}

static void extragradient(gm_plane *p, double eta, double gamma)
{
	(void)gamma;
	gm_node *ahead[2];
	step(p, p->p[0], p->p[1], eta, ahead);
	step(p, ahead[0], ahead[1], eta, p->next);
}

static void consensus(gm_plane *p, double eta, double gamma)
{
	gm_node *v = value(p->p[0], p->p[1]);
	gm_node *speed = gm_add(gm_square(gm_plane_slope(v, p->p[0])),
	                        gm_square(gm_plane_slope(v, p->p[1])));
	step(p, p->p[0], p->p[1], eta, p->next);
	for (int i = 0; i < 2; i++)
		p->next[i] = gm_sub(p->next[i],
		                    gm_mul_c(gm_plane_slope(speed, p->p[i]), eta * gamma / 2));
}

static double factor_simultaneous(double eta, double gamma)
{
	(void)gamma;
	return sqrt(1 + eta * eta);
}
static double factor_extragradient(double eta, double gamma)
{
	(void)gamma;
	return sqrt(1 - eta * eta + eta * eta * eta * eta);
}
static double factor_consensus(double eta, double gamma)
{
	return hypot(1 - eta * gamma, eta);
}

static const struct method {
	const char *name;
	void (*build)(gm_plane *p, double eta, double gamma);
	double (*factor)(double eta, double gamma); /* NULL: see alternating */
} methods[] = {
	{"simultaneous", simultaneous, factor_simultaneous},
	{"alternating", alternating, NULL},
	{"extragradient", extragradient, factor_extragradient},
	{"consensus", consensus, factor_consensus},
};
enum { METHODS = sizeof methods / sizeof *methods };

/* The maximum deviations of the orbit from theory, over all steps. */
static void examine(gm_lab *l, const struct method *m, gm_plane *p, const double *xy, int steps,
                    double eta, double gamma)
{
	char what[96];
	double re[2], im[2], lo = INFINITY, hi = 0, drift = 0, near = INFINITY, far = 0;
	double form = xy[0] * xy[0] + xy[1] * xy[1] - eta * xy[0] * xy[1];
	for (int i = 0; i < steps; i++) {
		const double *a = xy + 2 * i, *b = a + 2;
		double factor = hypot(b[0], b[1]) / hypot(a[0], a[1]);
		lo = fmin(lo, factor), hi = fmax(hi, factor);
		drift = fmax(drift, fabs(b[0] * b[0] + b[1] * b[1] - eta * b[0] * b[1] - form));
		near = fmin(near, hypot(b[0], b[1])), far = fmax(far, hypot(b[0], b[1]));
	}
	if (m->factor) {
		double theory = m->factor(eta, gamma);
		snprintf(what, sizeof what, "%s: smallest factor of a step", m->name);
		gm_lab_check(l, what, lo, theory, 1e-6);
		snprintf(what, sizeof what, "%s: largest factor of a step", m->name);
		gm_lab_check(l, what, hi, theory, 1e-6);
	} else {
		snprintf(what, sizeof what, "%s: x^2 + y^2 - eta x y, change", m->name);
		gm_lab_check(l, what, drift, 0, 1e-6);
		snprintf(what, sizeof what, "%s: least distance", m->name);
		gm_lab_within(l, what, near, sqrt(form / (1 + eta / 2)) - 1e-9, INFINITY);
		snprintf(what, sizeof what, "%s: greatest distance", m->name);
		gm_lab_within(l, what, far, 0, sqrt(form / (1 - eta / 2)) + 1e-9);
	}
	if (gm_plane_eigen(p, (double[]){0, 0}, re, im)) {
		snprintf(what, sizeof what, "%s: largest |eigenvalue|", m->name);
		gm_lab_check(l, what, fmax(hypot(re[0], im[0]), hypot(re[1], im[1])),
		             m->factor ? m->factor(eta, gamma) : 1, 1e-9);
	}
}

static bool run(gm_lab *l)
{
	double eta = gm_lab_real(l, "eta"), gamma = gm_lab_real(l, "gamma");
	int steps = (int)gm_lab_int(l, "steps");
	double *xy = malloc(2 * (steps + 1) * sizeof *xy);
	if (!xy)
		return gm_fail(&l->err, GM_ERR_MEMORY, "no memory for an orbit");
	gm_figure *f = gm_figure_new(880, 900);
	bool ok = !l->err.code;
	for (int i = 0; i < METHODS && ok; i++) {
		const struct method *m = &methods[i];
		gm_plane p = gm_plane_new();
		m->build(&p, eta, gamma);
		ok = gm_plane_compile(&p, l);
		xy[0] = 1, xy[1] = 1;
		for (int s = 0; s < steps && ok; s++)
			gm_plane_move(&p, xy + 2 * s, xy + 2 * s + 2);
		if (ok) {
			double left = 50 + 425 * (i % 2), top = 45 + 435 * (i / 2);
			gm_panel at = {left, top, left + 375, top + 375, -4, 4, -4, 4, false};
			examine(l, m, &p, xy, steps, eta, gamma);
			gm_figure_axes(f, &at, m->name);
			gm_plane_draw(&p, f, &at, xy, steps);
			gm_lab_keep(l, m->name, gm_lab_numbers(xy, 2 * (steps + 1)));
		}
		gm_plane_free(&p);
	}
	free(xy);
	if (!ok)
		gm_figure_free(f);
	return ok && gm_lab_picture(l, "orbits", f);
}

const gm_experiment gm_experiment_xy = {
	"xy", "V(x,y) = xy under four ways of moving: who circles away and who comes home", options,
	run};
