/* SPDX-License-Identifier: MIT
 *
 * play.c -- plays episodes side by side. */
#include "ganymede/env.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* An episode that has begun. */
typedef struct record {
	float *state;
	int32_t *action;
	double *reward, now[GM_ENV_NUMBERS];
	gm_rng rng;
	int length;
	bool over;
} record;

typedef struct game {
	const gm_env *env;
	const gm_policy *p;
	record **all;               /* [begun] */
	int64_t begun, room, pairs; /* pairs: of all so far */
	int64_t *slot;              /* [p->most]: an episode that is not over */
	int64_t active;
	float *state, *logits; /* of the slots */
} game;

void gm_episodes_free(gm_episodes *e)
{
	free(e->state), free(e->action), free(e->reward), free(e->first);
	*e = (gm_episodes){0};
}

double gm_episodes_return(const gm_episodes *e, int64_t i)
{
	double sum = 0;
	for (int64_t k = e->first[i]; k < e->first[i + 1]; k++)
		sum += e->reward[k];
	return sum;
}

static void free_record(record *a)
{
	if (a)
		free(a->state), free(a->action), free(a->reward);
	free(a);
}

static bool begin(game *g, uint64_t seed, uint64_t number)
{
	if (g->begun == g->room) {
		const int64_t room = g->room ? 2 * g->room : 64;
		record **all = realloc(g->all, (size_t)room * sizeof *all);
		if (!all)
			return false;
		g->all = all, g->room = room;
	}
	record *a = calloc(1, sizeof *a);
	g->all[g->begun++] = a;
	if (!a)
		return false;
	const size_t limit = (size_t)g->env->limit;
	a->state = malloc(limit * g->env->numbers * sizeof *a->state);
	a->action = malloc(limit * sizeof *a->action);
	a->reward = malloc(limit * sizeof *a->reward);
	if (!a->state || !a->action || !a->reward)
		return false;
	a->rng = gm_rng_new(seed, number);
	g->env->begin(&a->rng, a->now);
	g->slot[g->active++] = g->begun - 1;
	return true;
}

/* The index of the largest logit, or a sample of softmax(logits). */
static int choose(const float *logit, int actions, bool greedy, gm_rng *rng)
{
	int best = 0;
	for (int k = 1; k < actions; k++)
		best = logit[k] > logit[best] ? k : best;
	if (greedy)
		return best;
	double sum = 0, share[GM_ENV_ACTIONS];
	for (int k = 0; k < actions; k++)
		sum += share[k] = exp((double)logit[k] - logit[best]);
	double u = gm_rng_uniform(rng) * sum;
	for (int k = 0; k < actions - 1; k++)
		if ((u -= share[k]) < 0)
			return k;
	return actions - 1;
}

/* A step of all episodes in slots; those that end leave theirs. */
static bool step_all(game *g, gm_error *err)
{
	const int d = g->env->numbers, actions = g->env->actions;
	for (int64_t i = 0; i < g->active; i++)
		for (int j = 0; j < d; j++)
			g->state[i * d + j] = (float)g->all[g->slot[i]]->now[j];
	if (!g->p->logits(g->p->context, g->state, g->active, g->logits, err))
		return false;
	int64_t left = 0;
	for (int64_t i = 0; i < g->active; i++) {
		record *a = g->all[g->slot[i]];
		const float *logit = g->logits + i * actions;
		for (int k = 0; k < actions; k++)
			if (!isfinite(logit[k]))
				return gm_fail(err, GM_ERR_STATE,
				               "%s: the policy's logits are not finite",
				               g->env->name);
		memcpy(a->state + (int64_t)a->length * d, g->state + i * d, d * sizeof *a->state);
		a->action[a->length] = choose(logit, actions, g->p->greedy, &a->rng);
		a->over = g->env->step(a->now, a->action[a->length], &a->reward[a->length]);
		a->length++, g->pairs++;
		a->over = a->over || a->length == g->env->limit;
		if (!a->over)
			g->slot[left++] = g->slot[i];
	}
	g->active = left;
	return true;
}

/* The number of the first episodes that are enough, or 0 as long as one of them is not over. */
static int64_t enough(const game *g, int64_t pairs, int64_t episodes)
{
	int64_t sum = 0;
	for (int64_t i = 0; i < g->begun && g->all[i]->over; i++) {
		sum += g->all[i]->length;
		if (sum >= pairs && i + 1 >= episodes)
			return i + 1;
	}
	return 0;
}

static bool put(gm_episodes *e, const game *g, int64_t n)
{
	int64_t pairs = 0;
	const int d = g->env->numbers;
	for (int64_t i = 0; i < n; i++)
		pairs += g->all[i]->length;
	if (e->room < pairs || e->room_episodes < n || e->numbers != d) {
		gm_episodes_free(e);
		e->room = pairs + g->env->limit, e->room_episodes = 2 * n;
		e->state = malloc((size_t)e->room * d * sizeof *e->state);
		e->action = malloc((size_t)e->room * sizeof *e->action);
		e->reward = malloc((size_t)e->room * sizeof *e->reward);
		e->first = malloc((size_t)(e->room_episodes + 1) * sizeof *e->first);
		if (!e->state || !e->action || !e->reward || !e->first)
			return false;
	}
	e->numbers = d, e->episodes = n, e->pairs = e->first[0] = 0;
	for (int64_t i = 0; i < n; i++) {
		const record *a = g->all[i];
		memcpy(e->state + e->pairs * d, a->state, (size_t)a->length * d * sizeof *e->state);
		memcpy(e->action + e->pairs, a->action, a->length * sizeof *e->action);
		memcpy(e->reward + e->pairs, a->reward, a->length * sizeof *e->reward);
		e->first[i + 1] = e->pairs += a->length;
	}
	return true;
}

bool gm_episodes_play(gm_episodes *e, const gm_env *env, const gm_policy *p, uint64_t seed,
                      uint64_t first, int64_t pairs, int64_t episodes, gm_error *err)
{
	game g = {.env = env, .p = p};
	g.slot = malloc((size_t)p->most * sizeof *g.slot);
	g.state = malloc((size_t)p->most * env->numbers * sizeof *g.state);
	g.logits = malloc((size_t)p->most * env->actions * sizeof *g.logits);
	bool memory = g.slot && g.state && g.logits, ok = true;
	int64_t n = 0;
	while (ok && memory && !(n = enough(&g, pairs, episodes))) {
		while (memory && g.active < p->most && (g.pairs < pairs || g.begun < episodes))
			memory = begin(&g, seed, first + (uint64_t)g.begun);
		ok = memory && step_all(&g, err);
	}
	memory = memory && (!ok || put(e, &g, n));
	for (int64_t i = 0; i < g.begun; i++)
		free_record(g.all[i]);
	free(g.all), free(g.slot), free(g.state), free(g.logits);
	return memory ? ok : gm_fail(err, GM_ERR_MEMORY, "no memory for episodes");
}
