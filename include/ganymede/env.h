/* SPDX-License-Identifier: MIT
 *
 * env.h -- environments of reinforcement learning, policies that act in them, and recorded
 * episodes.
 *
 * An environment is a table of functions on its state, an array of numbers, all of which a policy
 * observes. There is no hidden state: a step is a pure function of state and action, and the start
 * of an episode is one of the generator that it gets.
 *
 *	const gm_env *env = gm_env_find("cartpole");
 *	gm_rng rng = gm_rng_new(seed, 0);
 *	double state[GM_ENV_NUMBERS], reward, sum = 0;
 *	env->begin(&rng, state);
 *	for (int t = 0; t < env->limit; t++) {
 *		const bool over = env->step(state, choose(state), &reward);
 *		sum += reward;
 *		if (over)
 *			break;
 *	}
 */
#ifndef GANYMEDE_ENV_H
#define GANYMEDE_ENV_H

#include "ganymede/base.h"

GM_BEGIN_C

enum { GM_ENV_NUMBERS = 8, GM_ENV_ACTIONS = 8, GM_ENV_CORNERS = 64 };

/* A shape of an environment's drawing, in the units of its view. */
typedef enum gm_env_ink { GM_ENV_GROUND, GM_ENV_BODY, GM_ENV_POLE, GM_ENV_GOAL } gm_env_ink;
typedef struct gm_env_shape {
	gm_env_ink ink;
	bool filled;  /* an area; else a line */
	double thick; /* width of a line */
	int corners;
	double xy[2 * GM_ENV_CORNERS];
} gm_env_shape;

typedef struct gm_env {
	const char *name, *source; /* source: its name in OpenAI Gym */
	int numbers;               /* in a state */
	int actions;
	const char *const *action_names;
	int limit;     /* an episode ends after this many steps */
	bool succeeds; /* otherwise it ends at the goal; false: at a failure */
	/* Writes the first state of an episode. */
	void (*begin)(gm_rng *rng, double *state);
	/* Changes the state by an action, 0 to actions - 1, and sets the reward of this step. True
	 * if the episode has ended. */
	bool (*step)(double *state, int action, double *reward);
	/* Drawing of a state: shapes, the later ones on top, in the rectangle view[4] = {xmin,
	 * ymin, xmax, ymax}. Returns their number, at most `room`. */
	int (*draw)(const double *state, gm_env_shape *shape, int room);
	double view[4];
} gm_env;

/* The environment called name, or NULL; and environment i = 0, 1, .. until NULL. */
GM_API const gm_env *gm_env_find(const char *name);
GM_API const gm_env *gm_env_at(int i);
/* "acrobot, cartpole or mountaincar", for messages and help. */
GM_API const char *gm_env_names(void);

/* ---- playing --------------------------------------------------------------------------------- */

/* Logits of actions [n, actions] for states [n, numbers] of several episodes that are played side
 * by side. */
typedef struct gm_policy {
	bool (*logits)(void *context, const float *state, int64_t n, float *out, gm_error *err);
	void *context;
	int64_t most; /* largest n */
	bool greedy;  /* the most probable action (the first of several); else sampled */
} gm_policy;

/* Pairs of state and action of complete episodes, one after the other. All zero: none yet. */
typedef struct gm_episodes {
	int64_t pairs, episodes, room, room_episodes;
	int numbers;
	float *state;    /* [pairs, numbers], before the action */
	int32_t *action; /* [pairs] */
	double *reward;  /* [pairs]; of a file without rewards 0 */
	int64_t *
		first; /* [episodes + 1]: pairs first[e] .. first[e+1] - 1 are those of episode e */
} gm_episodes;
GM_API void gm_episodes_free(gm_episodes *e); /* allowed on a zeroed struct, which it leaves */
GM_API double gm_episodes_return(const gm_episodes *e, int64_t i); /* sum of its rewards */

/* Plays episodes number first, first + 1, .. until there are at least `pairs` pairs and `episodes`
 * episodes, and appends them to e, which is emptied before. Episode i depends only on (seed, i) and
 * the policy's logits, not on how many are played side by side. */
GM_API bool gm_episodes_play(gm_episodes *e, const gm_env *env, const gm_policy *p, uint64_t seed,
                             uint64_t first, int64_t pairs, int64_t episodes, gm_error *err);

/* Writes a safetensors file: obs F32 [pairs, numbers], acts I32 [pairs], rews F64 [pairs] and
 * lengths I64 [episodes]. */
GM_API bool gm_episodes_write(const gm_episodes *e, const gm_env *env, const char *path,
                              gm_error *err);
/* Reads such a file; or .npz as github.com/HumanCompatibleAI/imitation writes it: obs with one more
 * state for the end of each episode, acts, perhaps rews, and indices, the pairs at which episodes
 * begin, without the first. GM_ERR_FORMAT for shapes that do not fit together or env, states that
 * are not finite, unknown actions. */
GM_API bool gm_episodes_read(gm_episodes *e, const gm_env *env, const char *path, gm_error *err);

/* A policy in the format of github.com/openai/imitation (their expert_policies, as safetensors):
 * running mean and mean square of states, two hidden layers of tanh, logits. */
typedef struct gm_expert gm_expert;
GM_API gm_expert *gm_expert_open(const char *path, const gm_env *env, gm_error *err);
GM_API void gm_expert_free(gm_expert *x); /* NULL is fine */
/* .logits of a gm_policy; context is the gm_expert. */
GM_API bool gm_expert_logits(void *context, const float *state, int64_t n, float *out,
                             gm_error *err);

GM_END_C

#endif
