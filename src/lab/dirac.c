/* SPDX-License-Identifier: MIT
 *
 * lab/dirac.c -- the Dirac-GAN of Mescheder, Geiger & Nowozin, "Which training methods for GANs do
 * actually converge?", ICML 2018, arXiv:1801.04406, section 2: data are the single point 0, G gives
 * the point theta, D(x) = psi x. The nine variants, their settings and step size are those of the
 * authors' notebook (github.com/LMescheder/GAN_stability, notebooks/DiracGAN.ipynb).
 *
 * An update with step h has the Jacobian I + h J at the equilibrium (0,0), where J is that of the
 * gradient field; training converges near it when all eigenvalues 1 + h lambda lie inside the unit
 * circle. Each variant has its theoretical lambda. Losses are rows of nn's table; D minimises, so
 * psi has the opposite sign of the paper's, which does not change eigenvalues.
 */
#include "lab/plane.h"

#include <complex.h>
#include <math.h>
#include <stdlib.h>

static const gm_option options[] = {
	{"step-size", "0.2", "h, of both players", GM_REAL(1e-3, 1)},
	{"steps", "500", "length of the orbits that are drawn", GM_INT(1, 1000000)},
	{0},
};

typedef struct variant {
	const char *name, *objective;
	double r1;        /* gamma: gamma/2 E|grad D|^2 on real examples */
	double gp;        /* gamma/2 E(|grad D| - 1)^2 */
	double consensus; /* gamma */
	double noise;     /* sigma of instance noise */
	double clip;      /* |psi| <= clip after the step */
	bool kink;        /* discontinuous at the equilibrium: no Jacobian */
} variant;

static const variant variants[] = {
	{"GAN", "minimax"},
	{"non-saturating GAN", "non-saturating"},
	{"WGAN, clipped", "wasserstein", .clip = 1},
	{"WGAN-GP", "wasserstein", .gp = .7, .kink = true},
	{"GAN + instance noise", "minimax", .noise = .7},
	{"GAN + R1, gamma .3", "minimax", .r1 = .3},
	{"GAN + R1, gamma 1", "minimax", .r1 = 1},
	{"GAN + consensus", "minimax", .consensus = 1},
	{"non-saturating + R1", "non-saturating", .r1 = .3},
};
enum { VARIANTS = sizeof variants / sizeof *variants, NOISE = 64 };

/* Lemmas 2.3, 3.1, 3.2 and 4.1, with f'(0) = 1/2, f''(0) = -1/4; f(t) = t for Wasserstein. The
 * eigenvalue of the positive root. */
static double complex theory(const variant *v)
{
	double slope = v->objective[0] == 'w' ? 1 : .5, bend = -.25;
	double drag = v->r1 / 2 - bend * v->noise * v->noise;
	double complex root = csqrt(drag * drag - slope * slope);
	return -drag + root - v->consensus * slope * slope;
}

/* Quantiles of a normal distribution, scaled to a variance of exactly sigma^2. */
static gm_node *noise(gm_graph *g, double sigma)
{
	double x[NOISE], square = 0;
	for (int i = 0; i < NOISE; i++) {
		double p = (i + .5) / NOISE, lo = -9, hi = 9;
		for (int k = 0; k < 80; k++) {
			double mid = (lo + hi) / 2;
			*(.5 * erfc(-mid / sqrt(2)) < p ? &lo : &hi) = mid;
		}
		x[i] = lo;
	}
	/* Exactly symmetric, so that their mean is 0. */
	for (int i = 0; i < NOISE / 2; i++)
		x[i] = -x[NOISE - 1 - i];
	for (int i = 0; i < NOISE; i++)
		square += x[i] * x[i] / NOISE;
	for (int i = 0; i < NOISE; i++)
		x[i] *= sigma / sqrt(square);
	return gm_array(g, x, GM_SHAPE(NOISE, 1), GM_F64);
}

/* Losses of both players at (theta, psi), differentiated with respect to their own variable. */
static void slopes(gm_plane *p, const variant *v, gm_node *data, gm_node *theta, gm_node *psi,
                   gm_node *slope[2])
{
	theta = gm_plane_at(p, theta), psi = gm_plane_at(p, psi);
	const gm_objective *game = gm_objective_find(v->objective);
	gm_node *fake = gm_add(data, theta), *real = data;
	if (v->noise > 0) {
		real = gm_add(data, noise(p->g, v->noise));
		fake = gm_add(real, theta);
	}
	gm_node *a = gm_mul(real, psi), *b = gm_mul(fake, psi);
	gm_node *loss_g = gm_objective_g(game, a, b, NULL),
		*loss_d = gm_objective_d(game, a, b, NULL);
	if (v->r1 > 0)
		loss_d = gm_add(loss_d, gm_mul_c(gm_gradient_penalty(a, data, 0), v->r1 / 2));
	if (v->gp > 0)
		loss_d = gm_add(loss_d, gm_mul_c(gm_gradient_penalty(b, fake, 1), v->gp / 2));
	slope[0] = gm_plane_slope(loss_g, theta);
	slope[1] = gm_plane_slope(loss_d, psi);
	if (v->consensus > 0) {
		gm_node *speed = gm_mul_c(gm_add(gm_square(slope[0]), gm_square(slope[1])), .5);
		gm_node *push[2] = {gm_plane_slope(speed, theta), gm_plane_slope(speed, psi)};
		for (int i = 0; i < 2; i++)
			slope[i] = gm_add(slope[i], gm_mul_c(push[i], v->consensus));
	}
}

static void build(gm_plane *p, const variant *v, double h, bool alternating)
{
	gm_node *slope[2], *data = gm_input(p->g, "data", GM_SHAPE(1, 1), GM_F64);
	gm_node *theta = p->p[0], *psi = p->p[1];
	slopes(p, v, data, theta, psi, slope);
	p->next[0] = gm_sub(theta, gm_mul_c(slope[0], h));
	if (alternating)
		slopes(p, v, data, p->next[0], psi, slope);
	p->next[1] = gm_sub(psi, gm_mul_c(slope[1], h));
	if (v->clip > 0)
		p->next[1] = gm_clamp(p->next[1], -v->clip, v->clip);
}

/* Eigenvalues estimated from an orbit: theta[t+2] = s theta[t+1] - d theta[t] by least squares,
 * each equation scaled to size 1 (Prony 1795); the roots of z^2 - s z + d. The larger modulus. */
static double measured_rate(gm_plane *p)
{
	double at[2] = {1e-4, .7e-4}, past[3] = {0}, m[3] = {0}, r[2] = {0};
	for (int t = 0; t < 3000; t++) {
		double norm = hypot(at[0], at[1]);
		if (norm > 1e-3 || norm < 1e-9)
			break;
		past[0] = past[1], past[1] = past[2], past[2] = at[0];
		if (t > 1) {
			double x = past[1] / norm, y = -past[0] / norm, z = past[2] / norm;
			m[0] += x * x, m[1] += x * y, m[2] += y * y;
			r[0] += x * z, r[1] += y * z;
		}
		gm_plane_move(p, at, at);
	}
	double det = m[0] * m[2] - m[1] * m[1];
	double s = (m[2] * r[0] - m[1] * r[1]) / det, d = (m[0] * r[1] - m[1] * r[0]) / det;
	double complex root = csqrt(s * s / 4 - d);
	return fmax(cabs(s / 2 + root), cabs(s / 2 - root));
}

/* The limit of the orbit of (1,1): its minimum and maximum distance over the last fifth of a long
 * run. */
static void settle(gm_plane *p, double *least, double *most)
{
	double at[2] = {1, 1};
	*least = INFINITY, *most = 0;
	for (int t = 0; t < 5000; t++) {
		gm_plane_move(p, at, at);
		if (t >= 4000)
			*least = fmin(*least, hypot(at[0], at[1])),
			*most = fmax(*most, hypot(at[0], at[1]));
	}
}

static void examine(gm_lab *l, const variant *v, gm_plane *p, double h, bool alternating)
{
	char what[96];
	const char *way = alternating ? "alternating" : "simultaneous";
	double re[2], im[2], least, most, origin[2] = {0, 0};
	settle(p, &least, &most);
	if (v->kink) {
		snprintf(what, sizeof what, "%s, %s: least distance", v->name, way);
		gm_lab_within(l, what, least, h / 10, INFINITY);
	} else if (gm_plane_eigen(p, origin, re, im)) {
		double rate = fmax(hypot(re[0], im[0]), hypot(re[1], im[1]));
		double complex lambda = theory(v);
		if (!alternating) {
			double expect = fmax(cabs(1 + h * lambda),
			                     cabs(1 + h * (2 * creal(lambda) - conj(lambda))));
			if (cimag(lambda) == 0)
				expect = cabs(1 + h * lambda);
			snprintf(what, sizeof what, "%s: |eigenvalue| of the update", v->name);
			gm_lab_check(l, what, rate, expect, 1e-7);
		}
		snprintf(what, sizeof what, "%s, %s: rate", v->name, way);
		gm_lab_check(l, what, measured_rate(p), rate, 1e-3);
		json_t *row = json_object();
		json_object_set_new(row, "re", gm_lab_numbers(re, 2));
		json_object_set_new(row, "im", gm_lab_numbers(im, 2));
		json_object_set_new(row, "settles-between",
		                    gm_lab_numbers((double[]){least, most}, 2));
		snprintf(what, sizeof what, "%s, %s", v->name, way);
		gm_lab_keep(l, what, row);
	}
}

static bool run(gm_lab *l)
{
	double h = gm_lab_real(l, "step-size");
	int steps = (int)gm_lab_int(l, "steps");
	double *xy = malloc(2 * (steps + 1) * sizeof *xy);
	if (!xy)
		return gm_fail(&l->err, GM_ERR_MEMORY, "no memory for an orbit");
	bool ok = !l->err.code;
	for (int way = 0; way < 2 && ok; way++) {
		gm_figure *f = gm_figure_new(960, 1000);
		for (int i = 0; i < VARIANTS && ok; i++) {
			gm_plane p = gm_plane_new();
			build(&p, &variants[i], h, way);
			ok = gm_plane_compile(&p, l);
			xy[0] = 1, xy[1] = 1;
			for (int s = 0; s < steps && ok; s++)
				gm_plane_move(&p, xy + 2 * s, xy + 2 * s + 2);
			if (ok) {
				double left = 40 + 310 * (i % 3), top = 40 + 325 * (i / 3);
				gm_panel at = {left, top, left + 275, top + 275, -2,
				               2,    -2,  2,          false};
				examine(l, &variants[i], &p, h, way);
				gm_figure_axes(f, &at, variants[i].name);
				gm_plane_draw(&p, f, &at, xy, steps);
			}
			gm_plane_free(&p);
		}
		if (ok)
			ok = gm_lab_picture(l, way ? "alternating" : "simultaneous", f);
		else
			gm_figure_free(f);
	}
	free(xy);
	return ok;
}

const gm_experiment gm_experiment_dirac = {
	"dirac", "the Dirac-GAN, nine variants: measured rates against eigenvalues", options, run};
