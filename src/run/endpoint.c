/* SPDX-License-Identifier: MIT
 *
 * run/endpoint.c -- runs endpoints, the functions that a model declares for tools (kinds.c).
 */
#include "run/endpoint.h"

#include "run/captions.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void gm_run_know_averages(gm_run *r)
{
	if (r->averages_known)
		return;
	int room = 0;
	for (int i = 0; i < r->nets; i++)
		room += gm_net_count(r->net[i]);
	r->average_from = gm_arena_alloc(r->arena, (room + 1) * sizeof *r->average_from);
	r->average_to = gm_arena_alloc(r->arena, (room + 1) * sizeof *r->average_to);
	for (int i = 0; i < r->nets; i++)
		r->averages += gm_net_averages(r->net[i], r->average_from + r->averages,
		                               r->average_to + r->averages, room - r->averages);
	r->averages_known = true;
}

gm_step *gm_endpoint_compile(gm_run *r, gm_run_endpoint *e, gm_node *const *y, int n, bool raw,
                             bool fill)
{
	gm_run_know_averages(r);
	int pairs = raw ? 0 : r->averages;
	gm_node *from[GM_RUN_INPUTS], *to[GM_RUN_INPUTS], **all_from = r->average_from,
							  **all_to = r->average_to;
	int filled = 0;
	for (int i = 0; fill && i < e->nin; i++)
		if (e->fill[i])
			from[filled] = e->in[i], to[filled++] = e->fill[i];
	if (filled) {
		all_from = gm_arena_alloc(r->arena, (pairs + filled) * sizeof *all_from);
		all_to = gm_arena_alloc(r->arena, (pairs + filled) * sizeof *all_to);
		memcpy(all_from, r->average_from, pairs * sizeof *all_from);
		memcpy(all_to, r->average_to, pairs * sizeof *all_to);
		memcpy(all_from + pairs, from, filled * sizeof *from);
		memcpy(all_to + pairs, to, filled * sizeof *to);
	}
	gm_step *s = gm_run_ok(r)
	                     ? gm_compile_nodes(r->graph, y, n,
	                                        &(gm_compile_options){.infer = true,
	                                                              .from = all_from,
	                                                              .to = all_to,
	                                                              .nreplace = pairs + filled})
	                     : NULL;
	if (!s && gm_run_ok(r))
		gm_run_fail(r, GM_ERR_STATE, "%s: \"%s\" does not compile", r->model->name,
		            e->name);
	return s;
}

bool gm_endpoint_ready(gm_run *r, gm_run_endpoint *e, bool raw)
{
	if (e->process)
		return gm_process_ready(r, e, raw);
	gm_run_know_averages(r);
	int k = raw && r->averages;
	if (!e->drawn[k])
		e->drawn[k] = gm_endpoint_compile(r, e, &e->y, 1, k, false);
	return e->drawn[k] != NULL;
}

void gm_endpoint_make_fill(gm_run *r, gm_run_endpoint *e)
{
	for (int i = 0; i < e->nin; i++)
		if (!e->fill[i] && !gm_endpoint_field(r, e->in[i]))
			e->fill[i] = gm_input(r->graph, gm_name(r, "fill/%s/%d", e->name, i),
			                      gm_node_shape(e->in[i]), gm_node_dtype(e->in[i]));
}

/* The step that reads the inputs in the place of latents. */
static gm_step *ready_to_fill(gm_run *r, gm_run_endpoint *e, bool raw)
{
	gm_run_know_averages(r);
	int k = raw && r->averages;
	gm_endpoint_make_fill(r, e);
	if (!e->given[k])
		e->given[k] = gm_endpoint_compile(r, e, &e->y, 1, k, true);
	return e->given[k];
}

static void set(gm_node *input, const void *v)
{
	if (gm_node_dtype(input) == GM_I32)
		gm_set_i32(input, v, gm_node_size(input));
	else
		gm_set_f32(input, v, gm_node_size(input));
}

/* With several ranks, a chunk is one rank's part of a batch, so that sample images have the same
 * latents for any number of processes. */
void gm_endpoint_seed(gm_run *r, const gm_use *u, int64_t turn)
{
	gm_graph_part(r->graph, (int)(u->chunk % r->ranks));
	gm_graph_seed(r->graph, u->seed, u->chunk / r->ranks + ((uint64_t)turn << 32));
}

void gm_endpoint_seed_back(gm_run *r, uint64_t runs)
{
	gm_graph_part(r->graph, r->rank);
	gm_graph_seed(r->graph, r->seed, runs);
}

static bool read_latents(gm_run *r, gm_run_endpoint *e, uint64_t seed, uint64_t chunk,
                         float *const *out)
{
	gm_node *y[GM_RUN_INPUTS];
	int n = 0;
	for (int i = 0; i < e->nin; i++)
		if (!gm_endpoint_field(r, e->in[i]))
			y[n++] = e->in[i];
	if (n && !e->latents)
		e->latents = gm_endpoint_compile(r, e, y, n, true, false);
	if (n && !e->latents)
		return false;
	if (n) {
		uint64_t runs = gm_graph_runs(r->graph);
		gm_endpoint_seed(r, &(gm_use){.seed = seed, .chunk = chunk}, 0);
		gm_step_run(e->latents);
		gm_endpoint_seed_back(r, runs);
	}
	for (int i = 0; i < e->nin; i++)
		if (out[i] && !gm_endpoint_field(r, e->in[i]))
			gm_step_read(e->latents, e->in[i], out[i], gm_node_size(e->in[i]));
	return true;
}

/* A call of an endpoint: its values into y, or its latents into out. */
typedef struct calling {
	gm_run *r;
	gm_run_endpoint *e;
	const gm_use *u;
	float *y, *const *out;
	bool ok;
} calling;

static bool evaluate(gm_run *r, gm_run_endpoint *e, const gm_use *u, float *y);

static void call(void *ctx)
{
	calling *c = ctx;
	c->ok = c->out ? read_latents(c->r, c->e, c->u->seed, c->u->chunk, c->out)
	               : evaluate(c->r, c->e, c->u, c->y);
}

/* The first call compiles, which needs memory. */
static bool guarded(calling *c)
{
	return gm_memory_guard(call, c)
	               ? c->ok
	               : gm_fail(&c->r->err, GM_ERR_MEMORY, "%s: out of memory", c->e->name);
}

bool gm_endpoint_latents(gm_run *r, gm_run_endpoint *e, uint64_t seed, uint64_t chunk,
                         float *const *out)
{
	return guarded(&(calling){
		.r = r, .e = e, .u = &(gm_use){.seed = seed, .chunk = chunk}, .out = out});
}

bool gm_endpoint_run(gm_run *r, gm_run_endpoint *e, const gm_use *u, float *y)
{
	return guarded(&(calling){.r = r, .e = e, .u = u, .y = y});
}

bool gm_endpoint_can_truncate(gm_run *r, const gm_run_endpoint *e)
{
	int latents = 0;
	for (int i = 0; i < e->nin; i++) {
		const gm_run_latent *latent = gm_endpoint_latent(r, e->in[i]);
		if (gm_endpoint_field(r, e->in[i]))
			continue;
		if (latent && latent->kind != GM_LATENT_NORMAL) {
			gm_run_fail(r, GM_ERR_VALUE,
			            "option truncation: the latent %s of %s is not normal; only "
			            "normal latents can be truncated",
			            latent->name, r->model->name);
			return false;
		}
		latents++;
	}
	if (!latents)
		gm_run_fail(r, GM_ERR_VALUE, "option truncation: \"%s\" of %s has no latents",
		            e->name, r->model->name);
	return latents > 0;
}

/* Resamples values of z outside [-limit, limit] from N(0,1): the truncation trick of Brock et al.
 * 2019, arXiv:1809.11096, section 3.1. Row i of the chunk has its own random stream, so it does not
 * depend on the batch size. */
static void truncate_normal(float *z, int64_t rows, int64_t width, double limit, uint64_t seed,
                            int64_t first)
{
	static const uint64_t TRUNCATED = 0x7472756e63617465u;
	for (int64_t i = 0; i < rows; i++) {
		gm_rng rng = gm_rng_new(seed ^ TRUNCATED, (uint64_t)(first + i));
		for (int64_t k = 0; k < width; k++)
			while (fabs(z[i * width + k]) > limit)
				z[i * width + k] = (float)gm_rng_normal(&rng);
	}
}

/* Fills latents with the values given by the call, or with random ones. */
bool gm_endpoint_fill(gm_run *r, gm_run_endpoint *e, const gm_use *u)
{
	float *drawn[GM_RUN_INPUTS] = {0};
	bool ok = true, some = false;
	const int n = e->nin;
	for (int i = 0; i < n; i++)
		if (e->fill[i] && !(u->in && u->in[i])) {
			drawn[i] = malloc(gm_node_size(e->in[i]) * sizeof *drawn[i]);
			ok = ok && drawn[i];
			some = true;
		}
	if (!ok)
		gm_run_fail(r, GM_ERR_MEMORY, "no memory for latents");
	ok = ok && (!some || gm_endpoint_latents(r, e, u->seed, u->chunk, drawn));
	for (int i = 0; i < n; i++) {
		if (ok && e->fill[i] && u->in && u->in[i])
			set(e->fill[i], u->in[i]);
		else if (ok && e->fill[i] && u->truncation > 0)
			truncate_normal(drawn[i], r->batch, gm_node_size(e->in[i]) / r->batch,
			                u->truncation, u->seed + (uint64_t)i,
			                (int64_t)u->chunk * r->batch);
		if (ok && drawn[i])
			gm_set_f32(e->fill[i], drawn[i], gm_node_size(e->in[i]));
		free(drawn[i]);
	}
	return ok;
}

/* 0, 1, .. in turn, continued over chunks */
static bool set_labels(gm_run *r, uint64_t chunk)
{
	int32_t *label = malloc(r->batch * sizeof *label);
	if (!label)
		return gm_fail(&r->err, GM_ERR_MEMORY, "no memory for labels");
	for (int64_t i = 0; i < r->batch; i++)
		label[i] = (int32_t)((chunk * r->batch + i) % r->facts.classes);
	gm_set_i32(r->label, label, r->batch);
	free(label);
	return true;
}

static bool evaluate(gm_run *r, gm_run_endpoint *e, const gm_use *u, float *y)
{
	bool given = u->step || u->truncation > 0;
	for (int i = 0; i < e->nin; i++) {
		const void *v = u->in ? u->in[i] : NULL;
		bool field = gm_endpoint_field(r, e->in[i]);
		if (field && v)
			set(e->in[i], v);
		else if (e->in[i] == r->label && !set_labels(r, u->chunk))
			return false;
		else if (field && gm_captions_is(r, e->in[i]) &&
		         !gm_captions_set(r, (int64_t)u->chunk * r->batch))
			return false;
		given = given || (v && !field);
	}
	if (e->process)
		return gm_process_run(r, e, u, y);
	gm_step *s = NULL;
	if (u->step)
		s = u->step;
	else if (given)
		s = ready_to_fill(r, e, u->raw);
	else if (gm_endpoint_ready(r, e, u->raw))
		s = e->drawn[u->raw && r->averages];
	if (!s || (given && !gm_endpoint_fill(r, e, u)))
		return false;
	uint64_t runs = gm_graph_runs(r->graph);
	gm_endpoint_seed(r, u, 0);
	gm_step_run(s);
	gm_endpoint_seed_back(r, runs);
	if (gm_step_check(s))
		return gm_fail(&r->err, GM_ERR_STATE, "%s: %s", e->name, gm_step_check(s));
	return gm_step_read(s, e->y, y, gm_node_size(e->y));
}

/* Endpoints share steps. */
typedef struct step_set {
	gm_step *step[GM_RUN_ENDPOINTS * 13];
	int n;
} step_set;

static double memory_of(step_set *seen, gm_step *s)
{
	for (int i = 0; i < seen->n; i++)
		if (seen->step[i] == s)
			return 0;
	if (s)
		seen->step[seen->n++] = s;
	return s ? (double)gm_step_describe(s).arena_bytes : 0;
}

double gm_endpoint_memory(const gm_run *r)
{
	double all = 0;
	step_set seen = {.n = 0};
	for (int i = 0; i < r->endpoints; i++) {
		const gm_run_endpoint *e = &r->endpoint[i];
		gm_step *const steps[] = {e->drawn[0], e->drawn[1], e->given[0], e->given[1],
		                          e->latents};
		for (size_t k = 0; k < sizeof steps / sizeof *steps; k++)
			all += memory_of(&seen, steps[k]);
		for (int raw = 0; e->process && raw < 2; raw++) {
			gm_step *of[4];
			for (int k = gm_process_steps(e, raw, of); k-- > 0;)
				all += memory_of(&seen, of[k]);
		}
	}
	return all;
}
