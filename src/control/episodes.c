/* SPDX-License-Identifier: MIT
 *
 * episodes.c -- files of recorded episodes, and experts of others. */
#include "ganymede/env.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tensorfile/tensors.h"

/* The small library (libganymede) reads no such files. */
#pragma weak gm_tensors_open
#pragma weak gm_tensors_close
#pragma weak gm_tensors_find
#pragma weak gm_tensor_f64
#pragma weak gm_tensor_numel

enum { STATES, ACTIONS, REWARDS, LENGTHS, INDICES, PARTS };
static const char *const names[PARTS] = {"obs", "acts", "rews", "lengths", "indices"};

static gm_tensors *open_tensors(const char *path, gm_error *err)
{
	if (gm_tensors_open)
		return gm_tensors_open(path, err);
	gm_fail(err, GM_ERR_STATE,
	        "%s: this is libganymede, which reads no such files; use "
	        "libganymede-full",
	        path);
	return NULL;
}

bool gm_episodes_write(const gm_episodes *e, const gm_env *env, const char *path, gm_error *err)
{
	int64_t *length = malloc((size_t)e->episodes * sizeof *length);
	if (!length)
		return gm_fail(err, GM_ERR_MEMORY, "no memory for episodes");
	for (int64_t i = 0; i < e->episodes; i++)
		length[i] = e->first[i + 1] - e->first[i];
	const gm_st_tensor t[] = {
		{names[STATES], GM_ST_F32, 2, {e->pairs, e->numbers}, e->state, 0},
		{names[ACTIONS], GM_ST_I32, 1, {e->pairs}, e->action, 0},
		{names[REWARDS], GM_ST_F64, 1, {e->pairs}, e->reward, 0},
		{names[LENGTHS], GM_ST_I64, 1, {e->episodes}, length, 0}};
	const gm_st_pair meta[] = {{"environment", env->name}};
	const bool ok = gm_st_write(path, t, 4, meta, 1, err);
	free(length);
	return ok;
}

/* Values of a tensor of rank 1 or 2 as doubles, malloc. *missing, unless NULL: it may be absent. */
static double *values(gm_tensors *f, const char *path, const char *name, int rank,
                      const gm_tensor **t, bool *missing, gm_error *err)
{
	*t = gm_tensors_find(f, name);
	if (!*t || (*t)->rank != rank) {
		if (missing)
			*missing = !*t;
		if (!missing || *t)
			gm_fail(err, GM_ERR_FORMAT,
			        *t                  ? "%s: %s has not the rank %d"
			        : strchr(name, '/') ? "%s: there is no array \"%s\", which the "
			                              "policies of openai/imitation "
			                              "have"
			                            : "%s: there is no array \"%s\", which "
			                              "recorded episodes have",
			        path, name, rank);
		return NULL;
	}
	double *v = malloc((size_t)(gm_tensor_numel(*t) + 1) * sizeof *v);
	if (v)
		gm_tensor_f64(*t, v);
	else
		gm_fail(err, GM_ERR_MEMORY, "%s: no memory for %s", path, name);
	return v;
}

/* Fills e->first from lengths [n], or from indices [n] of the episodes after the first. */
static bool cut(gm_episodes *e, const double *v, int64_t n, bool lengths, const char *path,
                gm_error *err)
{
	e->episodes = lengths ? n : n + 1;
	e->first = calloc((size_t)e->episodes + 1, sizeof *e->first);
	if (!e->first)
		return gm_fail(err, GM_ERR_MEMORY, "%s: no memory for episodes", path);
	bool ok = e->episodes > 0;
	for (int64_t i = 0; ok && i < n; i++) {
		const double to = lengths ? (double)e->first[i] + v[i] : v[i];
		ok = to > (double)e->first[i] && to <= (double)e->pairs && to == floor(to);
		if (ok)
			e->first[i + 1] = (int64_t)to;
	}
	if (ok && !lengths)
		ok = e->pairs > e->first[n], e->first[n + 1] = e->pairs;
	return (ok && e->first[e->episodes] == e->pairs) ||
	       gm_fail(err, GM_ERR_FORMAT, "%s: %s does not divide its %lld actions into episodes",
	               path, names[lengths ? LENGTHS : INDICES], (long long)e->pairs);
}

/* Copies states; with `last`, each episode has one more for its end, which is left out. */
static bool copy_states(gm_episodes *e, const double *s, int64_t rows, const char *path,
                        gm_error *err)
{
	const bool last = rows == e->pairs + e->episodes;
	const int d = e->numbers;
	if (!last && rows != e->pairs)
		return gm_fail(err, GM_ERR_FORMAT,
		               "%s: %lld states do not belong to %lld actions in %lld episodes",
		               path, (long long)rows, (long long)e->pairs, (long long)e->episodes);
	for (int64_t i = 0; i < e->episodes; i++)
		for (int64_t k = e->first[i] * d; k < e->first[i + 1] * d; k++) {
			e->state[k] = (float)s[k + (last ? i * d : 0)];
			if (!isfinite(e->state[k]))
				return gm_fail(err, GM_ERR_FORMAT, "%s: state %lld is not finite",
				               path, (long long)(k / d));
		}
	return true;
}

static bool copy_actions(gm_episodes *e, const double *a, const double *r, const gm_env *env,
                         const char *path, gm_error *err)
{
	for (int64_t i = 0; i < e->pairs; i++) {
		if (!(a[i] >= 0 && a[i] < env->actions && a[i] == floor(a[i])))
			return gm_fail(err, GM_ERR_FORMAT,
			               "%s: action %g at %lld; %s has actions 0 to %d", path, a[i],
			               (long long)i, env->name, env->actions - 1);
		e->action[i] = (int32_t)a[i], e->reward[i] = r ? r[i] : 0;
	}
	return true;
}

bool gm_episodes_read(gm_episodes *e, const gm_env *env, const char *path, gm_error *err)
{
	const gm_tensor *t[PARTS] = {0};
	double *v[PARTS] = {0};
	bool none = false, lengths = true;
	gm_episodes_free(e);
	gm_tensors *f = open_tensors(path, err);
	bool ok = f && (v[STATES] = values(f, path, names[STATES], 2, &t[STATES], NULL, err)) &&
	          (v[ACTIONS] = values(f, path, names[ACTIONS], 1, &t[ACTIONS], NULL, err)) &&
	          ((v[REWARDS] = values(f, path, names[REWARDS], 1, &t[REWARDS], &none, err)) ||
	           none) &&
	          ((v[LENGTHS] = values(f, path, names[LENGTHS], 1, &t[LENGTHS], &none, err)) ||
	           none);
	if (ok && !v[LENGTHS])
		lengths = false, ok = (v[INDICES] = values(f, path, names[INDICES], 1, &t[INDICES],
		                                           NULL, err)) != NULL;
	if (ok) {
		e->pairs = gm_tensor_numel(t[ACTIONS]), e->numbers = env->numbers;
		if (t[STATES]->dims[1] != env->numbers)
			ok = gm_fail(err, GM_ERR_FORMAT,
			             "%s: states of %lld numbers; those of %s have %d", path,
			             (long long)t[STATES]->dims[1], env->name, env->numbers);
		else if (v[REWARDS] && gm_tensor_numel(t[REWARDS]) != e->pairs)
			ok = gm_fail(err, GM_ERR_FORMAT, "%s: %lld rewards of %lld actions", path,
			             (long long)gm_tensor_numel(t[REWARDS]), (long long)e->pairs);
	}
	const int cuts = lengths ? LENGTHS : INDICES;
	ok = ok && cut(e, v[cuts], gm_tensor_numel(t[cuts]), lengths, path, err);
	if (ok) {
		e->room = e->pairs, e->room_episodes = e->episodes;
		e->state = malloc((size_t)(e->pairs * e->numbers) * sizeof *e->state);
		e->action = malloc((size_t)e->pairs * sizeof *e->action);
		e->reward = malloc((size_t)e->pairs * sizeof *e->reward);
		ok = (e->state && e->action && e->reward) ||
		     gm_fail(err, GM_ERR_MEMORY, "%s: no memory for episodes", path);
	}
	ok = ok && copy_states(e, v[STATES], t[STATES]->dims[0], path, err) &&
	     copy_actions(e, v[ACTIONS], v[REWARDS], env, path, err);
	for (int i = 0; i < PARTS; i++)
		free(v[i]);
	if (f)
		gm_tensors_close(f);
	if (!ok)
		gm_episodes_free(e);
	return ok;
}

/* ---- experts --------------------------------------------------------------------------------- */

enum { MEAN, SQUARE, W0, B0, W1, B1, W2, B2, TENSORS };

struct gm_expert {
	double *v[TENSORS], *a, *b;
	int64_t in, hidden[2], out;
};

void gm_expert_free(gm_expert *x)
{
	if (!x)
		return;
	for (int i = 0; i < TENSORS; i++)
		free(x->v[i]);
	free(x->a), free(x->b), free(x);
}

gm_expert *gm_expert_open(const char *path, const gm_env *env, gm_error *err)
{
	static const char *const name[TENSORS] = {"obsnorm/Standardizer/mean_1_D",
	                                          "obsnorm/Standardizer/meansq_1_D",
	                                          "hidden/FeedforwardNet/layer_0/AffineLayer/W",
	                                          "hidden/FeedforwardNet/layer_0/AffineLayer/b",
	                                          "hidden/FeedforwardNet/layer_2/AffineLayer/W",
	                                          "hidden/FeedforwardNet/layer_2/AffineLayer/b",
	                                          "out/AffineLayer/W",
	                                          "out/AffineLayer/b"};
	gm_tensors *f = open_tensors(path, err);
	gm_expert *x = calloc(1, sizeof *x);
	const gm_tensor *t[TENSORS];
	bool ok = f && (x || gm_fail(err, GM_ERR_MEMORY, "%s: out of memory", path));
	for (int i = 0; ok && i < TENSORS; i++)
		ok = (x->v[i] = values(f, path, name[i], 2, &t[i], NULL, err)) != NULL;
	if (ok) {
		x->in = t[W0]->dims[0], x->hidden[0] = t[W0]->dims[1],
		x->hidden[1] = t[W1]->dims[1], x->out = t[W2]->dims[1];
		const int64_t shape[TENSORS][2] = {{1, x->in},
		                                   {1, x->in},
		                                   {x->in, x->hidden[0]},
		                                   {1, x->hidden[0]},
		                                   {x->hidden[0], x->hidden[1]},
		                                   {1, x->hidden[1]},
		                                   {x->hidden[1], x->out},
		                                   {1, x->out}};
		for (int i = 0; ok && i < TENSORS; i++)
			ok = (t[i]->dims[0] == shape[i][0] && t[i]->dims[1] == shape[i][1]) ||
			     gm_fail(err, GM_ERR_FORMAT, "%s: %s does not fit the other layers",
			             path, name[i]);
		if (ok && (x->in != env->numbers || x->out != env->actions))
			ok = gm_fail(err, GM_ERR_VALUE,
			             "%s: a policy for states of %lld numbers and %lld actions; "
			             "%s has %d and %d",
			             path, (long long)x->in, (long long)x->out, env->name,
			             env->numbers, env->actions);
	}
	const int64_t most = ok ? (x->hidden[0] > x->hidden[1] ? x->hidden[0] : x->hidden[1]) : 0;
	if (ok) {
		x->a = malloc((size_t)(most + x->in) * sizeof *x->a);
		x->b = malloc((size_t)(most + x->out) * sizeof *x->b);
		ok = (x->a && x->b) || gm_fail(err, GM_ERR_MEMORY, "%s: out of memory", path);
	}
	if (f)
		gm_tensors_close(f);
	if (ok)
		return x;
	gm_expert_free(x);
	return NULL;
}

/* y [out] = x [in] w + b, through tanh if it is a hidden layer */
static void layer(const double *x, int64_t in, const double *w, const double *b, int64_t out,
                  bool hidden, double *y)
{
	for (int64_t j = 0; j < out; j++) {
		double sum = b[j];
		for (int64_t i = 0; i < in; i++)
			sum += x[i] * w[i * out + j];
		y[j] = hidden ? tanh(sum) : sum;
	}
}

bool gm_expert_logits(void *context, const float *state, int64_t n, float *out, gm_error *err)
{
	gm_expert *x = context;
	(void)err;
	for (int64_t k = 0; k < n; k++) {
		for (int64_t i = 0; i < x->in; i++) {
			const double mean = x->v[MEAN][i],
				     var = fmax(0, x->v[SQUARE][i] - mean * mean);
			x->a[i] = (state[k * x->in + i] - mean) / (sqrt(var) + 1e-6);
		}
		layer(x->a, x->in, x->v[W0], x->v[B0], x->hidden[0], true, x->b);
		layer(x->b, x->hidden[0], x->v[W1], x->v[B1], x->hidden[1], true, x->a);
		layer(x->a, x->hidden[1], x->v[W2], x->v[B2], x->out, false, x->b);
		for (int64_t j = 0; j < x->out; j++)
			out[k * x->out + j] = (float)x->b[j];
	}
	return true;
}
