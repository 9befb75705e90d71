/* SPDX-License-Identifier: MIT
 *
 * run/growth.c -- the schedule of progressive growing, and minibatches in parts.
 */
#include "run/run.h"

#include <math.h>

/* After this number of examples. */
static double place_at(gm_run *r, int stages, double examples)
{
	const double stable = 1000 * gm_opt_real(r, "stable-kimg"),
		     fade = 1000 * gm_opt_real(r, "fade-kimg"), whole = stable + fade;
	const double stage = whole > 0 ? floor(examples / whole) : stages;
	if (stage >= stages - 1)
		return stages - 1;
	const double over = examples - stage * whole - stable;
	return over > 0 ? stage + over / fade : stage;
}

static double examples_before(const gm_run *r)
{
	const uint64_t turn = (uint64_t)gm_run_whole_batch(r);
	return r->seen > turn ? (double)(r->seen - turn) : 0;
}

gm_growth gm_growth_open(gm_run *r, int stages)
{
	const double last = place_at(r, stages, examples_before(r)); /* of the last turn */
	return (gm_growth){.stages = stages,
	                   .place = gm_schedule(r, "stage", last),
	                   .first = gm_input(r->graph, "first", GM_RANK0, GM_F32)};
}

int gm_grow(gm_run *r, gm_growth *w, bool *began)
{
	const double now = place_at(r, w->stages, (double)r->seen),
		     then = place_at(r, w->stages, examples_before(r));
	gm_schedule_set(r, w->place, now);
	if (began)
		*began = floor(now) != floor(then) || ceil(now) != ceil(then);
	return (int)ceil(now);
}

gm_node *gm_growth_rows(const gm_growth *w, gm_node *x, int64_t rows)
{
	gm_shape s = gm_node_shape(x);
	if (s.rank < 1 || rows == s.dim[0])
		return x;
	gm_node *index = gm_cast(gm_iota(gm_node_graph(x), rows), GM_F32);
	index = gm_cast(gm_add(index, w->first), GM_I32); /* sums are of real numbers */
	gm_node *y = gm_gather(gm_reshape(x, GM_SHAPE(s.dim[0], -1)), index);
	s.dim[0] = rows;
	return gm_reshape(y, s);
}

void gm_run_turn_parts(gm_run *r, const gm_turn *t, const gm_growth *w, int parts)
{
	gm_feed(r);
	for (int part = 0; part < parts; part++) {
		const double first = (double)(part * (r->batch / parts));
		gm_set_f64(w->first, &first, 1);
		for (int i = 0; i < t->k; i++)
			gm_run_step(r, t->d);
		for (int i = 0; i < t->k_g; i++)
			gm_run_step(r, t->g);
	}
}
