/* SPDX-License-Identifier: MIT
 *
 * score/score_act.c -- the return of a run's policy in its environment.
 */
#include "score/score_in.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As in github.com/openai/imitation, results/classic_results.h5. */
enum { EPISODES = 53 };

typedef struct acting {
	gm_scorer *c;
	gm_run_endpoint *e;
	float *state, *logits; /* a batch */
} acting;

static bool logits(void *context, const float *state, int64_t n, float *out, gm_error *err)
{
	acting *a = context;
	const gm_run *r = a->c->r;
	const int64_t d = r->facts.numel, width = gm_node_size(a->e->y) / r->batch;
	memcpy(a->state, state, (size_t)(n * d) * sizeof *state);
	const gm_use use = {.in = (const void *[]){a->state}, .raw = a->c->o.raw};
	if (!gm_endpoint_run(a->c->r, a->e, &use, a->logits))
		return gm_scorer_trouble(a->c, err);
	memcpy(out, a->logits, (size_t)(n * width) * sizeof *out);
	return true;
}

static void add(gm_scores *s, const gm_episodes *e, int64_t limit)
{
	double mean = 0, var = 0;
	int64_t whole = 0;
	char note[96];
	for (int64_t i = 0; i < e->episodes; i++) {
		mean += gm_episodes_return(e, i) / (double)e->episodes;
		whole += e->first[i + 1] - e->first[i] == limit;
	}
	for (int64_t i = 0; i < e->episodes; i++)
		var += pow(gm_episodes_return(e, i) - mean, 2) / (double)e->episodes;
	snprintf(note, sizeof note, "over %lld episodes, %lld of them to the limit of %lld steps",
	         (long long)e->episodes, (long long)whole, (long long)limit);
	gm_score_add(s, "return", mean, sqrt(var), 1, note);
}

bool gm_metric_return(gm_scorer *c, gm_scores *s, gm_error *err)
{
	gm_run *r = c->r;
	const gm_env *env = gm_env_find(gm_settings_get(r->settings, "data"));
	acting a = {.c = c, .e = gm_scorer_endpoint(c, c->now)};
	gm_episodes e = {0};
	if (!env || env->numbers != r->facts.numel)
		return gm_fail(err, GM_ERR_VALUE, "metric return: %.60s is no environment (%s)",
		               gm_settings_get(r->settings, "data"), gm_env_names());
	a.state = calloc((size_t)(r->batch * r->facts.numel), sizeof *a.state);
	a.logits = malloc((size_t)gm_node_size(a.e->y) * sizeof *a.logits);
	const gm_policy p = {logits, &a, r->batch, true};
	const bool ok = (a.state && a.logits) ||
	                gm_fail(err, GM_ERR_MEMORY, "no memory for states of episodes");
	const int64_t n = c->o.count > 0 ? c->o.count : EPISODES;
	const bool played = ok && gm_episodes_play(&e, env, &p, c->o.seed, 0, 1, n, err);
	if (played)
		add(s, &e, env->limit);
	free(a.state), free(a.logits);
	gm_episodes_free(&e);
	return played;
}
