/* SPDX-License-Identifier: MIT
 *
 * lab/optimum.c -- Goodfellow et al. 2014, arXiv:1406.2661: for a fixed G the optimal discriminator
 * is D*(x) = p_d(x) / (p_d(x) + p_g(x)) (proposition 1), and there the value of the game is V(D*) =
 * 2 JSD(p_d, p_g) - log 4 (theorem 1). With two known, fixed densities a network is trained on
 * their samples only, by the minimax row of nn's table, and compared.
 */
#include "lab/density.h"
#include "lab/lab.h"

#include <math.h>
#include <stdlib.h>

static const gm_option options[] = {
	{"steps", "4000", "of Adam, falling from the rate to 0", GM_INT(1, 10000000)},
	{"batch", "512", "samples of each density in a step", GM_INT(2, 1 << 20)},
	{"lr", "3e-3", "Adam step size at the start", GM_REAL(0, 10)},
	{"width", "64", "units of each of the two hidden layers", GM_INT(1, 4096)},
	{"seed", "1", "of samples and initial values", GM_INT(0, GM_MANY)},
	{0},
};

enum { POINTS = 601 };

static const gm_bump data[] = {{.6, -1.5, .5}, {.4, 1.2, .7}}, fakes[] = {{1, .2, 1.2}};
static const double low = -6, high = 6;

static gm_node *discriminator(gm_net *D, gm_node *x, int width)
{
	gm_node *h = gm_tanh(gm_linear(D, "h0", x, .out = width, .init = GM_UNIFORM(-2, 2),
	                               .bias = GM_UNIFORM(-4, 4)));
	h = gm_tanh(gm_linear(D, "h1", h, .out = width));
	return gm_linear(D, "y", h, .out = 1);
}

static void compare(gm_lab *l, const double *x, const float *logit)
{
	double dx = (high - low) / (POINTS - 1), pd[POINTS], pg[POINTS], d[POINTS], best[POINTS];
	double value = 0, value_best = 0, distance = 0, worst = 0;
	for (int i = 0; i < POINTS; i++) {
		pd[i] = gm_density(data, 2, x[i]), pg[i] = gm_density(fakes, 1, x[i]);
		d[i] = 1 / (1 + exp(-logit[i]));
		best[i] = pd[i] / (pd[i] + pg[i]);
		/* log D = -softplus(-logit), log(1-D) = -softplus(logit) */
		value -= dx * (pd[i] * log1p(exp(-logit[i])) + pg[i] * log1p(exp(logit[i])));
		value_best += dx * (pd[i] * log(best[i]) + pg[i] * log(1 - best[i]));
		distance += dx * (pd[i] + pg[i]) / 2 * fabs(d[i] - best[i]);
		if (pd[i] + pg[i] > .02) /* where there are samples */
			worst = fmax(worst, fabs(d[i] - best[i]));
	}
	double theory = 2 * gm_density_jsd(pd, pg, POINTS, dx) - log(4);
	gm_lab_check(l, "V(D*), integrated, against 2 JSD - log 4", value_best, theory, 1e-6);
	gm_lab_check(l, "V(D) of the trained D", value, theory, 5e-3);
	gm_lab_within(l, "V(D*) - V(D): no D does better than D*", theory - value, -1e-6, 5e-3);
	gm_lab_within(l, "mean |D - D*| under (p_d + p_g)/2", distance, 0, .015);
	gm_lab_within(l, "largest |D - D*| where p_d + p_g > .02", worst, 0, .06);
	gm_lab_keep(l, "x", gm_lab_numbers(x, POINTS));
	gm_lab_keep(l, "p_d", gm_lab_numbers(pd, POINTS));
	gm_lab_keep(l, "p_g", gm_lab_numbers(pg, POINTS));
	gm_lab_keep(l, "D", gm_lab_numbers(d, POINTS));
	gm_lab_keep(l, "D*", gm_lab_numbers(best, POINTS));

	gm_figure *f = gm_figure_new(760, 480);
	gm_panel p = {50, 34, 740, 440, low + 1.5, high - 1.5, 0, 1, false};
	gm_figure_axes(f, &p, "a trained D and D* = p_d / (p_d + p_g)");
	double line[2 * POINTS];
	const struct {
		const double *y;
		gm_ink ink;
		const char *name;
		double dash, width;
	} curves[] = {{pd, GM_INK_BLACK, "p_d", 2, 1.6},
	              {pg, GM_INK_GREEN, "p_g", 0, 1.8},
	              {best, GM_INK_ORANGE, "D*", 0, 4.5},
	              {d, GM_INK_BLUE, "D", 0, 1.8}};
	for (int c = 0; c < 4; c++) {
		gm_ink ink = curves[c].ink;
		for (int i = 0; i < POINTS; i++)
			line[2 * i] = x[i], line[2 * i + 1] = curves[c].y[i];
		ink.dash = curves[c].dash, ink.width = curves[c].width;
		gm_figure_line(f, &p, line, POINTS, ink);
		gm_figure_line(f, &p, (double[]){2.9, .94 - .06 * c, 3.3, .94 - .06 * c}, 2, ink);
		gm_figure_text(f, 660, 34 + 406 * (.06 + .06 * c) + 4, 10, -1, GM_INK_BLACK,
		               curves[c].name);
	}
	gm_lab_picture(l, "optimum", f);
}

static bool run(gm_lab *l)
{
	int steps = (int)gm_lab_int(l, "steps"), m = (int)gm_lab_int(l, "batch");
	int width = (int)gm_lab_int(l, "width");
	double lr = gm_lab_real(l, "lr"), x[POINTS];
	uint64_t seed = (uint64_t)gm_lab_int(l, "seed");
	float *samples = malloc(m * sizeof *samples), at[POINTS], logit[POINTS];
	if (l->err.code || !samples) {
		free(samples);
		return gm_fail(&l->err, GM_ERR_MEMORY, "no memory for samples");
	}
	gm_graph *g = gm_graph_new(&(gm_graph_options){.seed = seed});
	gm_net *D = gm_net_create(g, "D", .seed = seed);
	gm_node *real = gm_input(g, "x", GM_SHAPE(m, 1), GM_F32),
		*fake = gm_input(g, "fake", GM_SHAPE(m, 1), GM_F32),
		*line = gm_input(g, "line", GM_SHAPE(POINTS, 1), GM_F32),
		*rate = gm_input(g, "lr", GM_RANK0, GM_F32);
	gm_node *loss = gm_objective_d(gm_objective_find("minimax"), discriminator(D, real, width),
	                               discriminator(D, fake, width), NULL);
	gm_node *y = discriminator(D, line, width);
	gm_step *train = gm_compile(g, loss, gm_adam(D, loss, .lr = rate)),
		*read = gm_compile(g, y);
	bool ok = gm_lab_ok(l, g) && train && read;
	gm_rng rng = gm_rng_new(seed, 1);
	for (int i = 0; i < steps && ok; i++) {
		double now = lr * (1 - (double)i / steps);
		gm_density_draw(data, 2, &rng, samples, m);
		gm_set_f32(real, samples, m);
		gm_density_draw(fakes, 1, &rng, samples, m);
		gm_set_f32(fake, samples, m);
		gm_set_f64(rate, &now, 1);
		gm_step_run(train);
	}
	for (int i = 0; i < POINTS; i++)
		x[i] = low + i * (high - low) / (POINTS - 1), at[i] = (float)x[i];
	if (ok) {
		gm_set_f32(line, at, POINTS);
		gm_step_run(read);
		gm_step_read(read, y, logit, POINTS);
		compare(l, x, logit);
	}
	gm_net_free(D);
	gm_graph_free(g);
	free(samples);
	return ok;
}

const gm_experiment gm_experiment_optimum = {
	"optimum",
	"a trained D against D*, and V(D) against 2 JSD - log 4, for two known densities", options,
	run};
