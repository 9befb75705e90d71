/* SPDX-License-Identifier: MIT
 *
 * run/pairs.c -- episodes of an environment as batches of pairs of state and action, and those of
 * an expert.
 */
#include "run/run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/machine.h"

struct gm_pairs_own {
	gm_run *r;
	const gm_env *env;
	int64_t least;
	uint64_t begun; /* episodes so far, saved with the run */
	gm_step *act;
	gm_node *logits;
	gm_episodes e;
	float *state, *number; /* [rows, numbers], [rows] */
	int32_t *action;
	struct gm_pairs_own *next;
};

const gm_env *gm_run_env(gm_run *r)
{
	const char *name = gm_settings_get(r->settings, "data");
	const gm_env *env = gm_env_find(name);
	if (!env || r->facts.numel != env->numbers || !r->facts.points) {
		gm_run_fail(r, GM_ERR_VALUE, "%s acts in an environment: --data %s; %.200s is none",
		            r->model->name, gm_env_names(), name);
		env = gm_env_at(0);
	}
	if (gm_graph_ranks(r->graph) > 1)
		gm_run_fail(r, GM_ERR_VALUE, "%s plays its episodes in one process",
		            r->model->name);
	return env;
}

gm_pairs gm_pairs_open(gm_run *r, int64_t least)
{
	struct gm_pairs_own *o = gm_arena_calloc(r->arena, 1, sizeof *o);
	gm_graph *g = r->graph;
	*o = (struct gm_pairs_own){
		.r = r, .env = gm_run_env(r), .least = least, .next = r->rollouts};
	r->rollouts = o;
	gm_keep(r, "episodes", &o->begun, sizeof o->begun);
	const int64_t rows = least + o->env->limit - 1, d = o->env->numbers;
	gm_pairs p = {.rows = rows,
	              .state = gm_input(g, "pairs/state", GM_SHAPE(rows, d), GM_F32),
	              .action = gm_input(g, "pairs/action", GM_SHAPE(rows), GM_I32),
	              .time = gm_input(g, "pairs/time", GM_SHAPE(rows), GM_F32),
	              .weight = gm_input(g, "pairs/weight", GM_SHAPE(rows), GM_F32),
	              .count = gm_input(g, "pairs/count", GM_RANK0, GM_F32),
	              .advantage = gm_input(g, "pairs/advantage", GM_SHAPE(rows), GM_F32),
	              .target = gm_input(g, "pairs/target", GM_SHAPE(rows), GM_F32),
	              .own = o};
	if (r->building)
		return p;
	if (r->batch * o->env->actions > rows) /* logits_of keeps them in as many numbers */
		gm_run_fail(r, GM_ERR_VALUE,
		            "option batch: %lld episodes side by side are too many for --timesteps "
		            "%lld: at most %lld",
		            (long long)r->batch, (long long)least,
		            (long long)(rows / o->env->actions));
	o->state = calloc((size_t)(rows * d), sizeof *o->state);
	o->number = calloc((size_t)rows, sizeof *o->number);
	o->action = calloc((size_t)rows, sizeof *o->action);
	if (!o->state || !o->number || !o->action)
		gm_run_fail(r, GM_ERR_MEMORY, "no memory for %lld pairs", (long long)rows);
	return p;
}

void gm_pairs_free(gm_run *r)
{
	for (struct gm_pairs_own *o = r->rollouts; o; o = o->next) {
		gm_episodes_free(&o->e);
		free(o->state), free(o->number), free(o->action);
	}
}

/* Logits of up to a batch of states: the other rows keep what they had. */
static bool logits_of(void *context, const float *state, int64_t n, float *out, gm_error *err)
{
	struct gm_pairs_own *o = context;
	gm_run *r = o->r;
	const int64_t d = o->env->numbers, a = o->env->actions;
	memcpy(r->example_data, state, (size_t)(n * d) * sizeof *state);
	gm_set_f32(r->example, r->example_data, r->batch * d);
	gm_step_run(o->act);
	float *all = o->number; /* as scratch: it has at least `least` values */
	if (!gm_step_read(o->act, o->logits, all, r->batch * a))
		return gm_fail(err, GM_ERR_STATE, "%s: no logits of actions", r->model->name);
	memcpy(out, all, (size_t)(n * a) * sizeof *out);
	return true;
}

/* Sets all inputs but the advantage and the target. */
static void fill(gm_pairs *p)
{
	struct gm_pairs_own *o = p->own;
	const gm_episodes *e = &o->e;
	const int64_t n = e->pairs, d = o->env->numbers;
	memset(o->state, 0, (size_t)(p->rows * d) * sizeof *o->state);
	memset(o->action, 0, (size_t)p->rows * sizeof *o->action);
	memcpy(o->state, e->state, (size_t)(n * d) * sizeof *o->state);
	memcpy(o->action, e->action, (size_t)n * sizeof *o->action);
	gm_set_f32(p->state, o->state, p->rows * d);
	gm_set_i32(p->action, o->action, p->rows);
	memset(o->number, 0, (size_t)p->rows * sizeof *o->number);
	for (int64_t i = 0; i < e->episodes; i++)
		for (int64_t k = e->first[i]; k < e->first[i + 1]; k++)
			o->number[k] = (float)(k - e->first[i]) / (float)o->env->limit;
	gm_set_f32(p->time, o->number, p->rows);
	for (int64_t k = 0; k < p->rows; k++)
		o->number[k] = k < n ? 1 / (float)n : 0;
	gm_set_f32(p->weight, o->number, p->rows);
	gm_set_f32(p->count, &(float){(float)n}, 1);
}

void gm_pairs_play(gm_pairs *p, gm_node *logits)
{
	struct gm_pairs_own *o = p->own;
	gm_run *r = o->r;
	if (!gm_run_ok(r))
		return;
	if (!o->act) {
		o->logits = logits;
		o->act = gm_compile_nodes(r->graph, &logits, 1,
		                          &(gm_compile_options){.infer = true});
	}
	if (!o->act) {
		gm_run_fail(r, GM_ERR_STATE, "%s: no step for logits of actions", r->model->name);
		return;
	}
	const gm_policy policy = {logits_of, o, r->batch, false};
	if (!gm_episodes_play(&o->e, o->env, &policy, r->seed, o->begun, o->least, 1, &r->err))
		return;
	double sum = 0;
	for (int64_t i = 0; i < o->e.episodes; i++)
		sum += gm_episodes_return(&o->e, i);
	o->begun += (uint64_t)o->e.episodes;
	r->seen += (uint64_t)o->e.pairs;
	gm_report_number(r, "sampled_return", sum / (double)o->e.episodes);
	gm_report_number(r, "sampled_length", (double)o->e.pairs / (double)o->e.episodes);
	fill(p);
}

/* Values of an output of s for the pairs, [rows] in o->number; or the environment's rewards. */
static void read_rows(gm_pairs *p, gm_step *s, gm_node *y, double *out)
{
	struct gm_pairs_own *o = p->own;
	const int64_t n = o->e.pairs;
	if (!y)
		memcpy(out, o->e.reward, (size_t)n * sizeof *out);
	else if (gm_step_read(s, y, o->number, p->rows))
		for (int64_t k = 0; k < n; k++)
			out[k] = o->number[k];
	else
		gm_run_fail(o->r, GM_ERR_STATE, "%s: what the pairs need is no output of its step",
		            o->r->model->name);
}

static void set_rows(gm_pairs *p, gm_node *input, const double *x)
{
	struct gm_pairs_own *o = p->own;
	for (int64_t k = 0; k < p->rows; k++)
		o->number[k] = k < o->e.pairs ? (float)x[k] : 0;
	gm_set_f32(input, o->number, p->rows);
}

/* x_k + factor x_(k+1) + factor^2 x_(k+2) + .. within each episode, in place. */
static void discount(const gm_episodes *e, double *x, double factor)
{
	for (int64_t i = 0; i < e->episodes; i++)
		for (int64_t k = e->first[i + 1] - 2; k >= e->first[i]; k--)
			x[k] += factor * x[k + 1];
}

void gm_pairs_returns(gm_pairs *p, gm_step *s, gm_node *reward, double gamma)
{
	struct gm_pairs_own *o = p->own;
	if (!gm_run_ok(o->r))
		return;
	double *x = malloc((size_t)p->rows * sizeof *x);
	if (x) {
		read_rows(p, s, reward, x);
		discount(&o->e, x, gamma);
		set_rows(p, p->target, x);
	} else {
		gm_run_fail(o->r, GM_ERR_MEMORY, "no memory for returns");
	}
	free(x);
}

static void standardise(double *x, int64_t n)
{
	double mean = 0, var = 0;
	for (int64_t k = 0; k < n; k++)
		mean += x[k] / (double)n;
	for (int64_t k = 0; k < n; k++)
		var += (x[k] - mean) * (x[k] - mean) / (double)n;
	for (int64_t k = 0; k < n; k++)
		x[k] = (x[k] - mean) / (sqrt(var) + 1e-8);
}

void gm_pairs_advantages(gm_pairs *p, gm_step *s, gm_node *reward, gm_node *value, double gamma,
                         double lambda)
{
	struct gm_pairs_own *o = p->own;
	const gm_episodes *e = &o->e;
	gm_pairs_returns(p, s, reward, gamma);
	if (!gm_run_ok(o->r))
		return;
	double *x = malloc((size_t)p->rows * sizeof *x), *v = malloc((size_t)p->rows * sizeof *v);
	if (x && v) {
		read_rows(p, s, reward, x);
		read_rows(p, s, value, v);
		for (int64_t i = 0; i < e->episodes; i++)
			for (int64_t k = e->first[i]; k < e->first[i + 1]; k++)
				x[k] += (k + 1 < e->first[i + 1] ? gamma * v[k + 1] : 0) - v[k];
		discount(e, x, gamma * lambda);
		standardise(x, e->pairs);
		set_rows(p, p->advantage, x);
	} else {
		gm_run_fail(o->r, GM_ERR_MEMORY, "no memory for advantages");
	}
	free(x), free(v);
}

gm_node *gm_pairs_mean(const gm_pairs *p, gm_node *x)
{
	return gm_sum_all(gm_mul(x, p->weight));
}

gm_node *gm_pick(gm_node *y, gm_node *action)
{
	gm_node *one = gm_one_hot(action, gm_node_shape(y).dim[1]);
	return gm_sum(gm_mul(y, one), GM_AXES(1), false);
}

static gm_node *any_of(gm_graph *g, int64_t n, gm_node *count)
{
	return gm_cast(gm_mul(gm_uniform(g, GM_SHAPE(n)), count), GM_I32);
}

gm_node *gm_pairs_tenth(const gm_pairs *p, gm_node *x)
{
	const int64_t least = p->own->least;
	return gm_gather(x, any_of(p->own->r->graph, least < 10 ? 1 : least / 10, p->count));
}

/* ---- the expert's pairs ---------------------------------------------------------------------- */

/* Every so many pairs of the first episodes, in random order, to rows and actions. */
static int64_t choose(gm_run *r, const gm_episodes *e, int64_t every, double *rows, double *action)
{
	const int64_t episodes = gm_opt_int(r, "trajectories"), d = e->numbers;
	gm_rng rng = gm_rng_new(gm_settings_u64(r->settings, "subset-seed"), 0);
	int64_t n = 0;
	for (int64_t i = 0; i < episodes; i++)
		for (int64_t k = e->first[i] + gm_rng_below(&rng, (uint32_t)every);
		     k < e->first[i + 1]; k += every, n++) {
			const int64_t at = gm_rng_below(&rng, (uint32_t)(n + 1));
			memcpy(rows + n * d, rows + at * d, (size_t)d * sizeof *rows);
			action[n] = action[at], action[at] = e->action[k];
			for (int64_t j = 0; j < d; j++)
				rows[at * d + j] = e->state[k * d + j];
		}
	return n;
}

/* The run's own copy of the expert's pairs; NULL with the run's error. */
static double *read_expert(gm_run *r, const gm_env *env, int64_t *n, double **action)
{
	const char *path = gm_opt_str(r, "expert");
	const int64_t d = env->numbers, episodes = gm_opt_int(r, "trajectories"),
		      every = gm_opt_int(r, "every");
	int64_t longest = 0;
	gm_episodes e = {0};
	double *rows = NULL;
	if (!*path)
		gm_run_fail(r, GM_ERR_VALUE,
		            "%s imitates recorded episodes: --expert FILE, which `ganymede act RUN "
		            "--episodes 10 --sample -o FILE.safetensors` writes",
		            r->model->name);
	if (!gm_run_ok(r) || !gm_episodes_read(&e, env, path, &r->err))
		return NULL;
	if (e.episodes < episodes) {
		gm_run_fail(r, GM_ERR_VALUE, "option trajectories: %s has only %lld episodes", path,
		            (long long)e.episodes);
	}
	for (int64_t i = 0; i < episodes && i < e.episodes; i++) {
		const int64_t length = e.first[i + 1] - e.first[i];
		longest = length > longest ? length : longest;
	}
	if (every > longest && gm_run_ok(r))
		gm_run_fail(
			r, GM_ERR_VALUE,
			"option every: every %lldth pair of %s, whose longest episode has %lld: "
			"give at most that",
			(long long)every, path, (long long)longest);
	if (gm_run_ok(r)) {
		rows = gm_arena_calloc(r->arena, (size_t)(e.pairs * d), sizeof *rows);
		*action = gm_arena_calloc(r->arena, (size_t)e.pairs, sizeof **action);
		*n = choose(r, &e, every, rows, *action);
	}
	gm_episodes_free(&e);
	if (rows && !*n)
		gm_run_fail(
			r, GM_ERR_VALUE,
			"option every: %s has no pairs at this distance: give a smaller one, or "
			"more --trajectories",
			path);
	return gm_run_ok(r) ? rows : NULL;
}

gm_demonstrations gm_demonstrations_open(gm_run *r)
{
	const gm_env *env = gm_run_env(r);
	gm_opt_auto(r, "every", "%d", strcmp(env->name, "cartpole") ? 5 : 10);
	double *zero = gm_arena_calloc(r->arena, GM_ENV_NUMBERS + 1, sizeof *zero), *rows = NULL,
	       *action = zero;
	uint64_t *hash = gm_arena_calloc(r->arena, 1, sizeof *hash);
	int64_t n = 1;
	gm_keep(r, "expert", hash, sizeof *hash);
	if (!r->building && gm_run_ok(r))
		rows = read_expert(r, env, &n, &action);
	if (rows) {
		uint64_t now = gm_hash(0, rows, (size_t)(n * env->numbers) * sizeof *rows);
		now = gm_hash(now, action, (size_t)n * sizeof *action);
		if (r->from && now != *hash)
			gm_run_fail(r, GM_ERR_VALUE,
			            "%s: this run started with other pairs of an expert than those "
			            "of %s",
			            r->from_path, gm_opt_str(r, "expert"));
		*hash = now;
	} else {
		rows = zero, action = zero, n = 1;
	}
	return (gm_demonstrations){
		.count = n,
		.rows = rows,
		.state = gm_array(r->graph, rows, GM_SHAPE(n, env->numbers), GM_F32),
		.action = gm_array(r->graph, action, GM_SHAPE(n), GM_I32)};
}
