/* SPDX-License-Identifier: MIT
 *
 * points.c -- two-dimensional sets of points, to visualise failures of GANs. */
#include "data/source.h"

#include <math.h>
#include <string.h>

/* ring8 and grid25: the protocol of PacGAN (Lin, Khetan, Fanti & Oh 2018, section 4.1; ring: 8
 * Gaussians of sigma .01 on the unit circle; grid: 25 of sigma .05 at -4, -2, 0, 2, 4), after
 * VEEGAN (Srivastava et al. 2017). */

static void put(gm_draw *d, int label, double x, double y)
{
	d->label = label;
	d->factor[0] = (float)label;
	if (d->x)
		d->x[0] = (float)x, d->x[1] = (float)y;
}

typedef struct mixture {
	int modes;
	double sigma;
	void (*centre)(int mode, double at[2]);
} mixture;

static void on_ring(int mode, double at[2])
{
	at[0] = cos(M_PI / 4 * mode), at[1] = sin(M_PI / 4 * mode);
}

static void on_grid(int mode, double at[2])
{
	at[0] = 2 * (mode % 5) - 4, at[1] = 2 * (mode / 5) - 4;
}

static const mixture ring = {8, .01, on_ring}, grid = {25, .05, on_grid};

static void draw_mixture(gm_draw *d, const mixture *m)
{
	const int mode = (int)gm_rng_below(&d->rng, (uint64_t)m->modes);
	const double dx = gm_rng_normal(&d->rng), dy = gm_rng_normal(&d->rng);
	double at[2];
	m->centre(mode, at);
	put(d, mode, at[0] + m->sigma * dx, at[1] + m->sigma * dy);
}

static void ring8(gm_draw *d)
{
	draw_mixture(d, &ring);
}

static void grid25(gm_draw *d)
{
	draw_mixture(d, &grid);
}

int gm_data_modes(const char *name, double centre[GM_DATA_MODES][2], double *sigma)
{
	name += strncmp(name, "set:", 4) == 0 ? 4 : 0;
	const mixture *m = !strcmp(name, "ring8") ? &ring : !strcmp(name, "grid25") ? &grid : NULL;
	for (int i = 0; m && i < m->modes; i++)
		m->centre(i, centre[i]);
	if (m)
		*sigma = m->sigma;
	return m ? m->modes : 0;
}

/* One and a half turns, nearly uniform in arc length: the square root compensates the growing
 * radius. */
static void swissroll(gm_draw *d)
{
	const double u = gm_rng_uniform(&d->rng), t = 1.5 * M_PI * sqrt(1 + 8 * u);
	const double dx = gm_rng_normal(&d->rng), dy = gm_rng_normal(&d->rng),
		     scale = 1 / (4.5 * M_PI);
	put(d, 0, scale * t * cos(t) + .01 * dx, scale * t * sin(t) + .01 * dy);
}

static void circles(gm_draw *d)
{
	const int mode = (int)gm_rng_below(&d->rng, 2);
	const double a = 2 * M_PI * gm_rng_uniform(&d->rng), r = mode ? 1 : .5;
	const double dx = gm_rng_normal(&d->rng), dy = gm_rng_normal(&d->rng);
	put(d, mode, r * cos(a) + .03 * dx, r * sin(a) + .03 * dy);
}

static const char *const circle_names[] = {"inner", "outer"};

const gm_source gm_source_ring8 = {
	.name = "ring8",
	.about = "points: 8 Gaussians (sigma .01) on the unit circle, PacGAN's protocol",
	.rank = 1,
	.classes = 8,
	.extent = 1.05f,
	.version = 1,
	.draw = ring8,
};
const gm_source gm_source_grid25 = {
	.name = "grid25",
	.about = "points: 25 Gaussians (sigma .05) on a grid from -4 to 4, PacGAN's protocol",
	.rank = 1,
	.classes = 25,
	.extent = 4.25f,
	.version = 1,
	.draw = grid25,
};
const gm_source gm_source_swissroll = {
	.name = "swissroll",
	.about = "points: one spiral, sigma .01, unlabelled",
	.rank = 1,
	.extent = 1.05f,
	.version = 1,
	.draw = swissroll,
};
const gm_source gm_source_circles = {
	.name = "circles",
	.about = "points: two circles around the origin, radii .5 and 1, sigma .03",
	.rank = 1,
	.classes = 2,
	.class_names = circle_names,
	.extent = 1.15f,
	.version = 1,
	.draw = circles,
};
