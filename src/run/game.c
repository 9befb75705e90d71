/* SPDX-License-Identifier: MIT
 *
 * run/game.c -- the options of GM_GAME_OPTIONS, read into a game.
 */
#include "run/run.h"

#include <stdlib.h>
#include <string.h>

/* The names of a table's rows, for messages. */
#define NAMES(table, all)                                                                          \
	for (int i = 0; (table)[i].name; i++) {                                                    \
		size_t used = strlen(all);                                                         \
		snprintf(all + used, sizeof all - used, "%s%s", i ? ", " : "", (table)[i].name);   \
	}

/* usual: what auto means, or NULL where a model knows no auto */
static const gm_normaliser *normaliser(gm_run *r, const char *option, const char *usual)
{
	const char *v = gm_opt_str(r, option);
	if (usual && !strcmp(v, "auto"))
		v = usual;
	const gm_normaliser *n = gm_normaliser_find(v);
	char all[200] = "";
	NAMES(gm_normalisers, all)
	if (!n)
		gm_run_fail(r, GM_ERR_VALUE, "option %s: \"%.60s\" is not one of %s", option, v,
		            all);
	return n;
}

static const gm_penalty *penalty(gm_run *r)
{
	const char *v = gm_opt_str(r, "penalty");
	const gm_penalty *p = gm_penalty_find(v);
	char all[200] = "";
	NAMES(gm_penalties, all)
	if (!p)
		gm_run_fail(r, GM_ERR_VALUE, "option penalty: \"%.60s\" is not one of %s", v, all);
	return p;
}

/* "0,1,1" */
static void labels(gm_run *r, gm_terms *t)
{
	const char *v = gm_opt_str(r, "labels");
	char rest;
	if (sscanf(v, "%lf,%lf,%lf%c", &t->a, &t->b, &t->c, &rest) != 3)
		gm_run_fail(r, GM_ERR_VALUE,
		            "option labels: \"%.60s\" is not three numbers such as -1,1,0", v);
}

const double *gm_data_examples(gm_run *r, int64_t n)
{
	int64_t numel = r->facts.numel;
	if (r->building || r->from || !r->data)
		return NULL;
	double *v = gm_arena_alloc(r->arena, n * numel * sizeof *v);
	for (int64_t i = 0; i < n; i++) {
		if (!gm_data_batch(r->data, r->seed, i, 1, r->example_data, NULL, &r->err))
			return NULL;
		for (int64_t j = 0; j < numel; j++)
			v[i * numel + j] = r->example_data[j];
	}
	return v;
}

const double *gm_data_labels(gm_run *r, int64_t n)
{
	if (r->building || r->from || !r->data || !r->facts.classes)
		return NULL;
	double *v = gm_arena_alloc(r->arena, n * sizeof *v);
	for (int64_t i = 0; i < n; i++) {
		int32_t label;
		if (!gm_data_batch(r->data, r->seed, i, 1, r->example_data, &label, &r->err))
			return NULL;
		v[i] = label;
	}
	return v;
}

gm_game gm_opt_game(gm_run *r, gm_net *G, gm_net *D)
{
	return gm_opt_game_auto(r, G, D, NULL, NULL);
}

gm_game gm_opt_game_auto(gm_run *r, gm_net *G, gm_net *D, const char *norm_g, const char *norm_d)
{
	gm_game m = {.G = G, .D = D};
	gm_net_normalise(G, normaliser(r, "normalise-g", norm_g));
	gm_net_normalise(D, normaliser(r, "normalise-d", norm_d));
	gm_net_minibatch(D, gm_opt_flag(r, "minibatch"));
	m.objective = gm_opt_objective(r, "objective");
	m.penalty = penalty(r);
	m.weight = gm_opt_real_auto(r, "penalty-weight", m.penalty ? m.penalty->weight : 0);
	m.terms.smooth = gm_opt_real_in(r, "smooth", 0, .5);
	labels(r, &m.terms);
	m.flip = gm_opt_real_in(r, "flip-labels", 0, .5);
	m.pack = (int)gm_opt_int_in(r, "pack", 1, 64);
	m.unroll = (int)gm_opt_int_in(r, "unroll", 0, 32);
	m.unroll_lr = gm_opt_real_in(r, "unroll-lr", 0, 10);
	m.match = gm_opt_flag(r, "match");
	m.history = gm_opt_real_in(r, "history", 0, 1e6);
	m.references = gm_opt_int_in(r, "reference", 1, 1 << 16);
	if (gm_net_normaliser(D) && gm_net_normaliser(D)->reference)
		m.reference = gm_data_examples(r, m.references * m.pack),
		m.reference_given = gm_data_labels(r, m.references * m.pack);
	double noise = gm_opt_real_in(r, "noise", 0, 10);
	if (noise > 0) {
		r->noise = m.noise = gm_schedule(r, "noise", noise);
		r->noise_first = noise;
		r->noise_steps = gm_opt_int_in(r, "noise-steps", 0, INT32_MAX);
	}
	if (!r->building && r->batch % m.pack)
		gm_run_fail(r, GM_ERR_VALUE,
		            "%d examples at once do not fit into batches of %d: "
		            "--batch must be a multiple of --pack",
		            m.pack, (int)r->batch);
	return m;
}

void gm_run_game(gm_run *r, gm_game *m)
{
	gm_game_build(m);
	if (m->refusal)
		gm_run_fail(r, GM_ERR_VALUE, "%s", m->refusal);
}
