/* SPDX-License-Identifier: MIT
 *
 * run/process.c -- iterative endpoints: an initial effect, iterations, and an output.
 */
#include "run/endpoint.h"

#include <stdlib.h>
#include <string.h>

#include "base/progress.h"

gm_node *gm_process_state(gm_run *r, const char *name, gm_shape shape, gm_dtype type)
{
	return gm_variable_of(r->graph, gm_name(r, "state/%s", name), shape, type);
}

gm_node *gm_turn_number(gm_run *r)
{
	if (!r->turn_number)
		r->turn_number = gm_input(r->graph, "turn", GM_SHAPE(1), GM_I32);
	return r->turn_number;
}

gm_node *gm_turn_count(gm_run *r)
{
	if (!r->turn_count)
		r->turn_count = gm_input(r->graph, "turns", GM_SHAPE(1), GM_I32);
	return r->turn_count;
}

static bool is_effect(const gm_node *x)
{
	return !x || !gm_node_is_value(x);
}

void gm_endpoint_process_nodes(gm_run *r, const char *name, const gm_process *p,
                               gm_node *const *inputs, int n)
{
	if (!gm_run_ok(r))
		return;
	if (!p->turn || !p->y || p->turns < 1 || (p->round && p->per_round < 1) ||
	    (p->most && p->most < p->turns) || !is_effect(p->begin) || !is_effect(p->round) ||
	    !is_effect(p->turn)) {
		gm_run_fail(r, GM_ERR_STATE,
		            "%s: the process \"%s\" needs effects for its turns (gm_assign), at "
		            "least one turn, and a y",
		            r->model->name, name);
		return;
	}
	gm_endpoint_nodes(r, name, p->y, inputs, n);
	gm_run_endpoint *e = gm_endpoint_find(r, name);
	if (!e || !gm_run_ok(r))
		return;
	e->process = gm_arena_alloc(r->arena, sizeof *e->process);
	*e->process = (struct gm_run_process){.p = *p, .turns = p->turns};
}

int64_t gm_endpoint_turns(const gm_run_endpoint *e)
{
	return e->process ? e->process->turns : 0;
}

bool gm_endpoint_set_turns(gm_run *r, gm_run_endpoint *e, int64_t turns, gm_error *err)
{
	if (!e->process)
		return gm_fail(err, GM_ERR_VALUE,
		               "option turns: \"%s\" of %s is one evaluation, and has no turns",
		               e->name, r->model->name);
	int64_t most = e->process->p.most ? e->process->p.most : 1 << 30;
	if (turns < 1 || turns > most)
		return gm_fail(err, GM_ERR_VALUE,
		               "option turns: %lld is not in 1 to %lld, which \"%s\" of %s takes",
		               (long long)turns, (long long)most, e->name, r->model->name);
	e->process->turns = turns;
	return true;
}

static bool has_fill(const gm_run_endpoint *e)
{
	for (int i = 0; i < e->nin; i++)
		if (e->fill[i])
			return true;
	return false;
}

/* A step that another process has for the same node already; NULL where its latents are other
 * inputs. */
static gm_step *compiled(gm_run *r, const gm_run_endpoint *e, const gm_node *node, int k)
{
	for (int i = 0; i < r->endpoints; i++) {
		const gm_run_endpoint *o = &r->endpoint[i];
		const struct gm_run_process *s = o->process;
		if (!s || o == e || has_fill(o) || has_fill(e))
			continue;
		if (s->p.turn == node && s->turn[k])
			return s->turn[k];
		if (s->p.round == node && s->round[k])
			return s->round[k];
		if (s->p.y == node && s->read[k])
			return s->read[k];
	}
	return NULL;
}

bool gm_process_ready(gm_run *r, gm_run_endpoint *e, bool raw)
{
	struct gm_run_process *s = e->process;
	gm_run_know_averages(r);
	const int k = raw && r->averages;
	const struct {
		gm_step **step;
		gm_node *node;
	} part[] = {{&s->begin[k], s->p.begin},
	            {&s->round[k], s->p.round},
	            {&s->turn[k], s->p.turn},
	            {&s->read[k], s->p.y}};
	gm_endpoint_make_fill(r, e);
	for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
		if (part[i].node && !*part[i].step)
			*part[i].step = compiled(r, e, part[i].node, k);
		if (part[i].node && !*part[i].step)
			*part[i].step = gm_endpoint_compile(r, e, &part[i].node, 1, k, true);
		if (part[i].node && !*part[i].step)
			return false;
	}
	return true;
}

int gm_process_steps(const gm_run_endpoint *e, bool raw, gm_step *steps[4])
{
	const struct gm_run_process *s = e->process;
	gm_step *const all[] = {s->begin[raw], s->round[raw], s->turn[raw], s->read[raw]};
	int n = 0;
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (all[i])
			steps[n++] = all[i];
	return n;
}

static bool step(gm_run *r, gm_run_endpoint *e, gm_step *s, const gm_use *u, int64_t turn)
{
	gm_endpoint_seed(r, u, turn);
	gm_step_run(s);
	return !gm_step_check(s) ||
	       gm_fail(&r->err, GM_ERR_STATE, "%s: %s", e->name, gm_step_check(s));
}

bool gm_process_run(gm_run *r, gm_run_endpoint *e, const gm_use *u, float *y)
{
	if (!gm_process_ready(r, e, u->raw) || !gm_endpoint_fill(r, e, u))
		return false;
	const struct gm_run_process *s = e->process;
	const int k = u->raw && r->averages;
	const int64_t n = gm_node_size(e->y), frames = u->frames > 1 ? u->frames : 1;
	const uint64_t runs = gm_graph_runs(r->graph);
	if (r->turn_number)
		gm_set_i32(r->turn_number, &(int32_t){0}, 1);
	if (r->turn_count)
		gm_set_i32(r->turn_count, &(int32_t){(int32_t)s->turns}, 1);
	bool ok = !s->begin[k] || step(r, e, s->begin[k], u, 0);
	/* Frame f is of after f turns of frames - 1 parts of all; a single one is of the end. */
	int64_t frame = 0;
	for (int64_t t = 0; ok && t <= s->turns; t++) {
		for (; ok && frame < frames &&
		       (frames > 1 ? frame * s->turns / (frames - 1) : s->turns) == t;
		     frame++)
			ok = step(r, e, s->read[k], u, t + 1) &&
			     gm_step_read(s->read[k], e->y, y + frame * n, n);
		if (!ok || t == s->turns)
			break;
		if (r->turn_number)
			gm_set_i32(r->turn_number, &(int32_t){(int32_t)t}, 1);
		ok = (!s->round[k] || t % s->p.per_round || step(r, e, s->round[k], u, t + 1)) &&
		     step(r, e, s->turn[k], u, t + 1) &&
		     gm_progress_tell("turn", (uint64_t)t, (uint64_t)s->turns, "turns", &r->err);
	}
	gm_endpoint_seed_back(r, runs);
	return ok;
}
