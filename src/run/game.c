/* SPDX-License-Identifier: MIT
 *
 * run/game.c -- the options of GM_GAME_OPTIONS, read into a game.
 */
#include "run/run.h"

#include <stdlib.h>
#include <string.h>

/* "0,1,1" */
static bool parse_labels(const char *text, gm_terms *t, gm_error *err)
{
	char rest;
	return sscanf(text, "%lf,%lf,%lf%c", &t->a, &t->b, &t->c, &rest) == 3 ||
	       gm_fail(err, GM_ERR_VALUE, "\"%.60s\" is not three numbers such as -1,1,0", text);
}

bool gm_check_labels(const char *text, gm_error *err)
{
	gm_terms t;
	return parse_labels(text, &t, err);
}

/* In a line from arg[0] to 0 in arg[1] steps; arg[1] 0: it stays. */
static double noise_course(const gm_run *r, const gm_run_value *v)
{
	return v->arg[1] > 0 ? gm_ramp(v->arg[0], 0, 0, v->arg[1], (double)r->step) : v->arg[0];
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
	gm_game m = {.G = G, .D = D};
	gm_net_normalise(G, gm_normaliser_find(gm_opt_str(r, "normalise-g")));
	gm_net_normalise(D, gm_normaliser_find(gm_opt_str(r, "normalise-d")));
	gm_net_minibatch(D, gm_opt_flag(r, "minibatch"));
	m.objective = &gm_objectives[gm_opt_choice(r, "objective")];
	m.penalty = &gm_penalties[gm_opt_choice(r, "penalty")];
	gm_opt_auto(r, "penalty-weight", "%.17g", m.penalty->weight);
	m.weight = gm_opt_real(r, "penalty-weight");
	m.terms.smooth = gm_opt_real(r, "smooth");
	parse_labels(gm_opt_str(r, "labels"), &m.terms, &r->err);
	m.flip = gm_opt_real(r, "flip-labels");
	m.pack = (int)gm_opt_int(r, "pack");
	m.unroll = (int)gm_opt_int(r, "unroll");
	m.unroll_lr = gm_opt_real(r, "unroll-lr");
	m.match = gm_opt_flag(r, "match");
	m.history = gm_opt_real(r, "history");
	m.references = gm_opt_int(r, "reference");
	m.k = (int)gm_opt_int(r, "k"), m.k_g = (int)gm_opt_int(r, "k-g");
	if (gm_net_normaliser(D) && gm_net_normaliser(D)->reference)
		m.reference = gm_data_examples(r, m.references * m.pack),
		m.reference_given = gm_data_labels(r, m.references * m.pack);
	double noise = gm_opt_real(r, "noise");
	if (noise > 0)
		m.noise = gm_course(
			r, "noise",
			&(gm_run_value){.course = noise_course,
		                        .arg = {noise, (double)gm_opt_int(r, "noise-steps")}});
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
