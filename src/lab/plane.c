/* SPDX-License-Identifier: MIT
 *
 * lab/plane.c -- games with two scalar variables.
 */
#include "lab/plane.h"

#include <lapacke.h>
#include <math.h>

gm_plane gm_plane_new(void)
{
	gm_plane p = {.g = gm_graph_new(&(gm_graph_options){.real = GM_F64})};
	p.p[0] = gm_variable(p.g, "x", GM_RANK0);
	p.p[1] = gm_variable(p.g, "y", GM_RANK0);
	return p;
}

gm_node *gm_plane_at(gm_plane *p, gm_node *x)
{
	char name[32];
	/* unique names: equal expressions would be merged to one node */
	snprintf(name, sizeof name, "zero %d", p->zeros++);
	return gm_add(x, gm_input(p->g, name, GM_RANK0, GM_F64));
}

void gm_plane_free(gm_plane *p)
{
	gm_graph_free(p->g);
}

gm_node *gm_plane_slope(gm_node *loss, gm_node *x)
{
	gm_node *dx;
	gm_grad(loss, &x, 1, &dx);
	return dx;
}

bool gm_plane_compile(gm_plane *p, gm_lab *l)
{
	gm_grad(p->next[0], p->p, 2, p->jacobian);
	gm_grad(p->next[1], p->p, 2, p->jacobian + 2);
	p->move = gm_compile(p->g, p->next[0], p->next[1]);
	p->slope = gm_compile_nodes(p->g, p->jacobian, 4, NULL);
	return gm_lab_ok(l, p->g) && p->move && p->slope;
}

static void stand(gm_plane *p, const double at[2])
{
	gm_set_f64(p->p[0], at, 1);
	gm_set_f64(p->p[1], at + 1, 1);
}

void gm_plane_move(gm_plane *p, const double from[2], double to[2])
{
	stand(p, from);
	gm_step_run(p->move);
	to[0] = gm_step_scalar(p->move, p->next[0]);
	to[1] = gm_step_scalar(p->move, p->next[1]);
}

bool gm_plane_eigen(gm_plane *p, const double at[2], double re[2], double im[2])
{
	double j[4];
	stand(p, at);
	gm_step_run(p->slope);
	for (int i = 0; i < 4; i++)
		j[i] = gm_step_scalar(p->slope, p->jacobian[i]);
	return LAPACKE_dgeev(LAPACK_ROW_MAJOR, 'N', 'N', 2, j, 2, re, im, NULL, 1, NULL, 1) == 0;
}

void gm_plane_draw(gm_plane *p, gm_figure *f, const gm_panel *at, const double *xy, int steps)
{
	enum { GRID = 15 };
	gm_ink field = GM_INK_GREY, orbit = GM_INK_BLUE, start = GM_INK_ORANGE;
	double wide = (at->xmax - at->xmin) / GRID, high = (at->ymax - at->ymin) / GRID;
	double move[GRID * GRID][4], most = 0;
	for (int i = 0; i < GRID * GRID; i++) {
		double *m = move[i];
		m[0] = at->xmin + (i % GRID + .5) * wide, m[1] = at->ymin + (i / GRID + .5) * high;
		gm_plane_move(p, m, m + 2);
		m[2] -= m[0], m[3] -= m[1];
		most = fmax(most, hypot(m[2] / wide, m[3] / high));
	}
	/* Arrow lengths are square roots, to make the field visible near the centre. */
	for (int i = 0; i < GRID * GRID; i++) {
		double *m = move[i], part = hypot(m[2] / wide, m[3] / high);
		double scale = part > 0 && most > 0 ? .85 * sqrt(part / most) / part : 0;
		gm_figure_arrow(f, at, m[0] - m[2] * scale / 2, m[1] - m[3] * scale / 2,
		                m[2] * scale, m[3] * scale, field);
	}
	orbit.width = 1.4;
	gm_figure_line(f, at, xy, steps + 1, orbit);
	start.width = 3.5;
	gm_figure_disc(f, at, xy[0], xy[1], start);
	start.r = 200, start.g = 30, start.b = 60;
	gm_figure_disc(f, at, xy[2 * steps], xy[2 * steps + 1], start);
}
