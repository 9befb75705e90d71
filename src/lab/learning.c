/* SPDX-License-Identifier: MIT
 *
 * lab/learning.c -- figure 1 of Goodfellow et al. 2014, arXiv:1406.2661, from a real training in
 * one dimension. Data: a normal density. z: uniform on [0,1]. In each panel p_data (black, dotted),
 * p_g (green), D (blue, dashed), and below them the arrows of G from the z axis to the x axis. (a)
 * a G near the data and a D that knows little; (b) D trained until it is D* for this G; (c) G after
 * it has followed D; (d) the end, where p_g = p_data and D = 1/2.
 *
 * p_g is not estimated: G is monotone where it spreads z over x, and p_g(x) = sum 1 / |dx/dz| over
 * the z that reach x, with dx/dz from gm_grad; what is drawn is its average over small bins.
 */
#include "lab/density.h"
#include "lab/lab.h"

#include <math.h>
#include <stdlib.h>

static const gm_option options[] = {
	{"steps", "6000", "of both players between panels (b) and (d)", GM_INT(1, 10000000)},
	{"batch", "256", "samples in a step", GM_INT(2, 1 << 20)},
	{"lr", "2e-3", "Adam step size, falling to 0 over the run", GM_REAL(0, 10)},
	{"seed", "2", "of samples and initial values", GM_INT(0, GM_MANY)},
	{0},
};

enum { POINTS = 301, FINE = 20001, ARROWS = 21 };

static const gm_bump data[] = {{1, 0, 1}};
static const double low = -4, high = 4;

static gm_node *generator(gm_net *G, gm_node *z)
{
	/* Initially about x = 2.6 z + .1: a uniform density next to that of the data. */
	gm_node *h = gm_tanh(gm_linear(G, "h0", gm_add_c(z, -.5), .out = 48,
	                               .init = GM_UNIFORM(-16, 16), .bias = GM_UNIFORM(-8, 8)));
	h = gm_linear(G, "x", h, .out = 1, .init = GM_NORMAL(0, .01));
	return gm_add(h, gm_add_c(gm_mul_c(z, 2.6), .1));
}

static gm_node *discriminator(void *ctx, gm_net *D, gm_node *x, gm_node *given)
{
	(void)ctx, (void)given;
	gm_node *h = gm_tanh(gm_linear(D, "h0", x, .out = 48, .init = GM_UNIFORM(-3, 3),
	                               .bias = GM_UNIFORM(-6, 6)));
	h = gm_tanh(gm_linear(D, "h1", h, .out = 48));
	return gm_linear(D, "y", h, .out = 1);
}

typedef struct play {
	gm_graph *g;
	gm_net *G, *D;
	gm_node *real, *rate, *z, *x, *slope, *line, *y;
	gm_step *step_d, *step_g, *draw, *read;
	gm_rng rng;
	float *sample;
	int m;
} play;

static bool build(play *p, gm_lab *l, uint64_t seed)
{
	p->g = gm_graph_new(&(gm_graph_options){.seed = seed});
	p->G = gm_net_create(p->g, "G", .seed = seed),
	p->D = gm_net_create(p->g, "D", .seed = seed);
	p->rng = gm_rng_new(seed, 1);
	p->real = gm_input(p->g, "real", GM_SHAPE(p->m, 1), GM_F32);
	p->rate = gm_input(p->g, "lr", GM_RANK0, GM_F32);
	p->z = gm_input(p->g, "z", GM_SHAPE(FINE, 1), GM_F32);
	p->line = gm_input(p->g, "line", GM_SHAPE(POINTS, 1), GM_F32);
	gm_game m = {.G = p->G,
	             .D = p->D,
	             .discriminator = discriminator,
	             .real.x = p->real,
	             .fake.x = generator(p->G, gm_uniform(p->g, GM_SHAPE(p->m, 1))),
	             .objective = gm_objective_find("non-saturating")};
	gm_game_build(&m);
	p->step_d = gm_compile(p->g, gm_adam(p->D, m.loss_d, .lr = p->rate, .beta1 = .5));
	p->step_g = gm_compile(p->g, gm_adam(p->G, m.loss_g, .lr = p->rate, .beta1 = .5));
	p->x = generator(p->G, p->z);
	gm_grad(p->x, &p->z, 1, &p->slope);
	p->y = gm_sigmoid(discriminator(NULL, p->D, p->line, NULL));
	p->draw = gm_compile(p->g, p->x, p->slope);
	p->read = gm_compile(p->g, p->y);
	return gm_lab_ok(l, p->g) && p->step_d && p->step_g && p->draw && p->read;
}

static void move(play *p, gm_step *s, double rate)
{
	gm_density_draw(data, 1, &p->rng, p->sample, p->m);
	gm_set_f32(p->real, p->sample, p->m);
	gm_set_f64(p->rate, &rate, 1);
	gm_step_run(s);
}

typedef struct state {
	double x[POINTS], pd[POINTS], pg[POINTS], d[POINTS], best[POINTS];
	double z[ARROWS], to[ARROWS];
	double mean, sigma;
} state;

static void look(play *p, state *s)
{
	static float z[FINE], x[FINE], slope[FINE];
	float at[POINTS], y[POINTS];
	double dx = (high - low) / (POINTS - 1), square = 0;
	for (int i = 0; i < FINE; i++)
		z[i] = (i + .5f) / FINE;
	for (int i = 0; i < POINTS; i++) {
		s->x[i] = low + i * dx, at[i] = (float)s->x[i];
		s->pd[i] = gm_density(data, 1, s->x[i]);
		s->pg[i] = 0;
	}
	gm_set_f32(p->z, z, FINE), gm_set_f32(p->line, at, POINTS);
	gm_step_run(p->draw), gm_step_run(p->read);
	gm_step_read(p->draw, p->x, x, FINE), gm_step_read(p->draw, p->slope, slope, FINE);
	gm_step_read(p->read, p->y, y, POINTS);
	/* Each z has probability 1/FINE on an interval of length |dx/dz| / FINE. */
	s->mean = 0;
	for (int i = 0; i < FINE; i++) {
		double half = fabs(slope[i]) / FINE / 2, from = x[i] - half, to = x[i] + half;
		s->mean += x[i] / FINE, square += (double)x[i] * x[i] / FINE;
		for (int k = (int)floor((from - low) / dx + .5); k <= (to - low) / dx + .5; k++) {
			double a = fmax(from, low + (k - .5) * dx),
			       b = fmin(to, low + (k + .5) * dx);
			if (k >= 0 && k < POINTS && b > a)
				s->pg[k] += (half > 1e-12 ? (b - a) / (2 * half) : 1) / FINE / dx;
		}
	}
	s->sigma = sqrt(square - s->mean * s->mean);
	for (int i = 0; i < POINTS; i++) {
		s->d[i] = y[i];
		s->best[i] = s->pd[i] / (s->pd[i] + s->pg[i]);
	}
	for (int i = 0; i < ARROWS; i++) {
		int k = i * (FINE - 1) / (ARROWS - 1);
		s->z[i] = z[k], s->to[i] = x[k];
	}
}

static void panel(gm_figure *f, const state *s, double left, const char *title)
{
	gm_panel p = {left, 40, left + 265, 300, low, high, 0, 1, true};
	gm_panel axes = {left, 340, left + 265, 420, low, high, 0, 1, true};
	double xy[2 * POINTS];
	const struct {
		const double *y;
		gm_ink ink;
		double dash;
	} curves[] = {{s->pd, GM_INK_BLACK, 2}, {s->pg, GM_INK_GREEN, 0}, {s->d, GM_INK_BLUE, 6}};
	gm_figure_axes(f, &p, title);
	for (int c = 0; c < 3; c++) {
		gm_ink ink = curves[c].ink;
		for (int i = 0; i < POINTS; i++)
			xy[2 * i] = s->x[i], xy[2 * i + 1] = curves[c].y[i];
		ink.dash = curves[c].dash, ink.width = 2;
		gm_figure_line(f, &p, xy, POINTS, ink);
	}
	gm_ink black = GM_INK_BLACK;
	gm_figure_line(f, &axes, (double[]){low, 1, high, 1}, 2, black);
	gm_figure_line(f, &axes, (double[]){low, 0, high, 0}, 2, black);
	gm_figure_text(f, left - 12, 344, 11, 0, black, "x");
	gm_figure_text(f, left - 12, 424, 11, 0, black, "z");
	black.width = 1;
	for (int i = 0; i < ARROWS; i++) {
		double z = low + 1 + (high - low - 2) * s->z[i];
		gm_figure_arrow(f, &axes, z, 0, s->to[i] - z, .98, black);
	}
}

static double gap(const double *a, const double *b, const state *s)
{
	double sum = 0;
	for (int i = 0; i < POINTS; i++)
		sum += fabs(a[i] - b[i]) * (s->pd[i] + s->pg[i]) / 2 * (high - low) / (POINTS - 1);
	return sum;
}

static bool run(gm_lab *l)
{
	static const char *const title[] = {"(a)", "(b)", "(c)", "(d)"};
	int steps = (int)gm_lab_int(l, "steps");
	play p = {.m = (int)gm_lab_int(l, "batch")};
	double lr = gm_lab_real(l, "lr"), dx = (high - low) / (POINTS - 1), half[POINTS];
	uint64_t seed = (uint64_t)gm_lab_int(l, "seed");
	state *s = calloc(4, sizeof *s);
	p.sample = malloc(p.m * sizeof *p.sample);
	bool ok = !l->err.code && s && p.sample && build(&p, l, seed);
	if (ok) {
		for (int i = 0; i < 30; i++)
			move(&p, p.step_d, lr);
		look(&p, &s[0]);
		for (int i = 0; i < 1500; i++)
			move(&p, p.step_d, lr);
		look(&p, &s[1]);
		for (int i = 0; i < steps; i++) {
			double rate = lr * (1 - (double)i / steps);
			move(&p, p.step_g, rate / 2);
			for (int k = 0; k < 3; k++)
				move(&p, p.step_d, rate);
			if (i == 60)
				look(&p, &s[2]);
		}
		look(&p, &s[3]);
		gm_figure *f = gm_figure_new(1180, 440);
		for (int i = 0; i < 4; i++) {
			panel(f, &s[i], 30 + 288 * i, title[i]);
			json_t *row = json_object();
			json_object_set_new(row, "p_g", gm_lab_numbers(s[i].pg, POINTS));
			json_object_set_new(row, "D", gm_lab_numbers(s[i].d, POINTS));
			json_object_set_new(row, "z", gm_lab_numbers(s[i].z, ARROWS));
			json_object_set_new(row, "G(z)", gm_lab_numbers(s[i].to, ARROWS));
			gm_lab_keep(l, title[i], row);
		}
		ok = gm_lab_picture(l, "learning", f);
		for (int i = 0; i < POINTS; i++)
			half[i] = .5;
		double jsd[4];
		for (int i = 0; i < 4; i++)
			jsd[i] = gm_density_jsd(s[i].pd, s[i].pg, POINTS, dx);
		gm_lab_within(l, "(b): mean |D - D*|", gap(s[1].d, s[1].best, &s[1]), 0, .05);
		gm_lab_within(l, "(b): closer to D* than in (a)",
		              gap(s[1].d, s[1].best, &s[1]) / gap(s[0].d, s[0].best, &s[0]), 0, .5);
		gm_lab_within(l, "(c): JSD(p_data, p_g) over that of (b)", jsd[2] / jsd[1], 0, .95);
		gm_lab_within(l, "(d): JSD(p_data, p_g), nats", jsd[3], 0, .02);
		gm_lab_check(l, "(d): mean of G(z)", s[3].mean, 0, .1);
		gm_lab_check(l, "(d): standard deviation of G(z)", s[3].sigma, 1, .1);
		gm_lab_within(l, "(d): mean |D - 1/2|", gap(s[3].d, half, &s[3]), 0, .05);
	}
	gm_net_free(p.G), gm_net_free(p.D);
	if (p.g)
		gm_graph_free(p.g);
	free(p.sample);
	free(s);
	return ok;
}

const gm_experiment gm_experiment_learning = {
	"learning", "figure 1 of the GAN paper from a real run: p_data, p_g, D and the arrows of G",
	options, run};
