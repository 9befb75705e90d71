/* SPDX-License-Identifier: MIT
 *
 * cli/act.c -- ganymede act: plays episodes of an environment by a policy; records them, and draws
 * them.
 */
#include "cli/cli.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/examples.h"
#include "ganymede/saved.h"
#include "plot/figure.h"
#include "run/folder.h"
#include "tensorfile/safetensors.h"

static const cli_option options[] = {
	{"episodes", "", "number of episodes; default: 1 for a film, else 53"},
	{"sample", "", "actions at random by their probabilities; default: the most probable one"},
	{"data", "", "the environment, of a file of weights: acrobot, cartpole, mountaincar"},
	{"seed", "0", "seed of starts and actions"},
	{"out", "", "FILE.webp: a film; FILE.safetensors: states, actions, rewards; also -o"},
	{"width", "480", "of the film in pixels"},
	{"json", "", "also write the numbers to this file"},
	{"outdir", "runs", "folder of runs"},
	{"help", "", "this"},
	{0},
};

enum { SHAPES = 16, PARTS = 4, LINE = 16, MARGIN = 10, MOST_FRAMES = 4000 };
/* Widths of a film, in pixels, from which two or all of its title's parts fit into one line. */
enum { LEAST = 128, TWO_PARTS = 240, ALL_PARTS = 460 };

typedef struct work {
	const cli_values *v;
	gm_saved *s;
	gm_expert *expert; /* one of the two */
	const gm_env *env;
	gm_policy policy;
	gm_episodes e;
	uint64_t episodes, seed, width;
	bool film;
} work;

/* A file of weights is one that is no checkpoint; of a file that cannot be read, option data says
 * which of the two it should be. */
static bool is_weights(const char *path, const char *data)
{
	if (!gm_file_exists(path) || gm_file_is_folder(path))
		return false;
	gm_st *st = gm_st_open(path, NULL);
	const bool is = st ? !gm_st_meta(st, "model") : data != NULL;
	gm_st_close(st);
	return is;
}

static bool open_policy(work *w, gm_error *err)
{
	const char *from = w->v->operand[0], *data = cli_given(w->v, "data");
	char path[PATH_MAX];
	if (!is_weights(from, data)) {
		if (data)
			return gm_fail(err, GM_ERR_VALUE,
			               "--data is for a file of weights; a run has its own");
		return gm_folder_checkpoint(from, cli_value(w->v, "outdir"), path, NULL, err) &&
		       (w->s = gm_saved_open(path, &(gm_saved_options){.batch = 64, .exact = true},
		                             err)) &&
		       gm_saved_policy(w->s, &w->env, &w->policy, err);
	}
	if (!data || !(w->env = gm_env_find(data)))
		return gm_fail(err, GM_ERR_VALUE, "%s has weights only: --data %s", from,
		               gm_env_names());
	w->expert = gm_expert_open(from, w->env, err);
	w->policy = (gm_policy){gm_expert_logits, w->expert, 64, true};
	return w->expert != NULL;
}

/* ---- the film -------------------------------------------------------------------------------- */

static const gm_ink inks[] = {[GM_ENV_GROUND] = {160, 165, 175, 1, 1, 0},
                              [GM_ENV_BODY] = {40, 98, 184, 1, 1, 0},
                              [GM_ENV_POLE] = {228, 104, 28, 1, 1, 0},
                              [GM_ENV_GOAL] = {38, 140, 84, 1, 1, 0}};

static gm_image *frame(const work *w, int64_t episode, int64_t pair, double sum, gm_error *err)
{
	const gm_env *env = w->env;
	gm_env_shape shape[SHAPES];
	double state[GM_ENV_NUMBERS];
	const int together = w->width >= ALL_PARTS ? PARTS : w->width >= TWO_PARTS ? 2 : 1;
	const int top = PARTS / together * LINE + MARGIN;
	char part[PARTS][64];
	const double scale = (double)w->width / (env->view[2] - env->view[0]);
	const int height = (int)lrint(scale * (env->view[3] - env->view[1]));
	const gm_panel panel = {.top = top,
	                        .right = (double)w->width,
	                        .bottom = top + height,
	                        .xmin = env->view[0],
	                        .xmax = env->view[2],
	                        .ymin = env->view[1],
	                        .ymax = env->view[3]};
	gm_figure *f = gm_figure_new((int)w->width, top + height);
	for (int i = 0; i < env->numbers; i++)
		state[i] = w->e.state[pair * env->numbers + i];
	const int n = env->draw(state, shape, SHAPES);
	for (int i = 0; i < n; i++) {
		gm_ink ink = inks[shape[i].ink];
		ink.width = scale * shape[i].thick;
		if (shape[i].filled)
			gm_figure_area(f, &panel, shape[i].xy, shape[i].corners, ink);
		else
			gm_figure_line(f, &panel, shape[i].xy, shape[i].corners, ink);
	}
	snprintf(part[0], sizeof *part, "%s %" PRId64, env->name, episode + 1);
	snprintf(part[1], sizeof *part, "step %" PRId64, pair - w->e.first[episode] + 1);
	snprintf(part[2], sizeof *part, "%s", env->action_names[w->e.action[pair]]);
	snprintf(part[3], sizeof *part, "return %g", sum);
	for (int line = 0; line < PARTS / together; line++) {
		char title[PARTS * 68] = "";
		for (int i = 0; i < together; i++) {
			const size_t at = strlen(title);
			snprintf(title + at, sizeof title - at, "%s%s", i ? "   " : "",
			         part[line * together + i]);
		}
		gm_figure_text(f, 10, (line + 1) * LINE + 1, 11, -1, GM_INK_BLACK, title);
	}
	gm_image *im = gm_figure_image(f, err);
	gm_figure_free(f);
	return im;
}

static bool film(const work *w, gm_error *err)
{
	const int64_t n = w->e.pairs;
	if (n > MOST_FRAMES)
		return gm_fail(err, GM_ERR_VALUE,
		               "--episodes: %" PRId64 " steps are too long a film; at most %d", n,
		               MOST_FRAMES);
	gm_image **all = calloc((size_t)n, sizeof *all);
	bool ok = all || gm_fail(err, GM_ERR_MEMORY, "no memory for a film");
	int64_t episode = 0;
	double sum = 0;
	for (int64_t k = 0; ok && k < n; k++) {
		if (k == w->e.first[episode + 1])
			episode++, sum = 0;
		sum += w->e.reward[k];
		ok = (all[k] = frame(w, episode, k, sum, err)) != NULL;
	}
	ok = ok && gm_webp_animation(cli_value(w->v, "out"), all, (int)n, 30, err);
	for (int64_t k = 0; all && k < n; k++)
		gm_image_free(all[k]);
	free(all);
	return ok;
}

/* ---- the command ----------------------------------------------------------------------------- */

static bool read_options(work *w, gm_error *err)
{
	const char *out = cli_given(w->v, "out");
	w->film = out && gm_text_ends(out, ".webp");
	if (out && !w->film && !gm_text_ends(out, ".safetensors"))
		return gm_fail(err, GM_ERR_VALUE,
		               "--out: %s: a name ends in .webp (a film) or .safetensors "
		               "(states, actions and rewards)",
		               out);
	if (cli_given(w->v, "width") && !w->film)
		return gm_fail(err, GM_ERR_VALUE, "option width is for a film: -o FILE.webp");
	w->episodes = w->film ? 1 : 53;
	return (!cli_given(w->v, "episodes") ||
	        cli_whole(w->v, "episodes", 1, 1000000, &w->episodes, err)) &&
	       cli_whole(w->v, "seed", 0, UINT64_MAX, &w->seed, err) &&
	       cli_whole(w->v, "width", LEAST, 2048, &w->width, err);
}

static bool tell(const work *w, gm_error *err)
{
	const gm_episodes *e = &w->e;
	const double n = (double)e->episodes;
	double mean = 0, var = 0, low = INFINITY, high = -INFINITY;
	for (int64_t i = 0; i < e->episodes; i++) {
		const double v = gm_episodes_return(e, i);
		mean += v / n, low = fmin(low, v), high = fmax(high, v);
	}
	for (int64_t i = 0; i < e->episodes; i++)
		var += pow(gm_episodes_return(e, i) - mean, 2) / n;
	printf("%s: %" PRId64 " episode%s, return %.2f", w->env->name, e->episodes,
	       e->episodes > 1 ? "s" : "", mean);
	if (e->episodes > 1)
		printf(" +- %.2f (%g to %g)", sqrt(var), low, high);
	printf(", length %.1f of at most %d\n", (double)e->pairs / n, w->env->limit);
	const char *json = cli_given(w->v, "json");
	if (!json)
		return true;
	json_t *o =
		json_pack("{s:s, s:I, s:f, s:f, s:f, s:f, s:f}", "environment", w->env->name,
	                  "episodes", (json_int_t)e->episodes, "return", mean, "deviation",
	                  sqrt(var), "least", low, "most", high, "length", (double)e->pairs / n);
	char *text = o ? json_dumps(o, JSON_INDENT(1) | JSON_REAL_PRECISION(8)) : NULL;
	const bool ok = text ? gm_file_write(json, text, strlen(text), err)
	                     : gm_fail(err, GM_ERR_MEMORY, "out of memory");
	free(text);
	json_decref(o);
	return ok;
}

static bool run(work *w, gm_error *err)
{
	const char *out = cli_given(w->v, "out");
	if (!open_policy(w, err))
		return false;
	w->policy.greedy = !cli_given(w->v, "sample");
	if (!gm_episodes_play(&w->e, w->env, &w->policy, w->seed, 0, 1, (int64_t)w->episodes,
	                      err) ||
	    (out && w->film && !film(w, err)) ||
	    (out && !w->film && !gm_episodes_write(&w->e, w->env, out, err)) || !tell(w, err))
		return false;
	if (out)
		printf("%s: %" PRId64 " steps\n", out, w->e.pairs);
	return true;
}

int cli_act(int argc, char **argv)
{
	static const char *const flags[] = {"sample", "help", "h", NULL};
	cli_args a = {.argc = argc, .at = 1, .argv = argv, .flags = flags};
	cli_values v = {.verb = "act", .option = options};
	work w = {.v = &v};
	gm_error err = {0};
	const int status = cli_read(&a, &v, 1);
	if (status)
		return status;
	if (cli_given(&v, "help")) {
		cli_help("act");
		puts("\nPlays episodes by the policy of a run, or of a file of weights of "
		     "github.com/openai/imitation.");
		cli_options_help(options);
		return CLI_OK;
	}
	if (!v.operand[0])
		return cli_usage("act needs a policy, such as: ganymede act RUN -o episode.webp");
	if (!read_options(&w, &err))
		return cli_usage("%s", err.message);
	const bool ok = run(&w, &err);
	gm_saved_free(w.s);
	gm_expert_free(w.expert);
	gm_episodes_free(&w.e);
	return ok                         ? CLI_OK
	       : err.code == GM_ERR_VALUE ? cli_usage("%s", err.message)
	                                  : cli_fail(&err);
}
