/* SPDX-License-Identifier: MIT
 *
 * cli/train.c -- ganymede train.
 */
#include "cli/cli.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/progress.h"
#include "ranks/ranks.h"
#include "ganymede/data.h"
#include "ganymede/train.h"
#include "run/settings.h"

static const double DRY_SECONDS = 3; /* of measuring, including preparation */

/* The first signal asks the run to finish its step and save; a second one ends at once. */
static void catch_signals(void)
{
	cli_catch_signals();
	/* A closed pipe and a file size limit become ordinary write errors. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
}

static void help(const gm_model *m)
{
	gm_settings s;
	cli_help("train");
	gm_settings_init(&s, m);
	printf("\n%s:\n",
	       m ? m->title
	         : "common options of all models (ganymede models NAME lists those of a model)");
	cli_setting_lines(&s, 0, s.count);
	printf("  --%-14s %-15s %s\n", "resume", "[RUN]",
	       "resume a run; default: the newest in outdir");
	printf("  --%-14s %-15s %s\n", "recipe", "NAME|FILE",
	       "take model and options from a recipe");
	printf("  --%-14s %-15s %s\n", "config", "FILE",
	       "take options from a file of key = value lines");
	printf("  --%-14s %-15s %s\n", "dry-run", "-",
	       "only print the nets, memory and time of the run on this machine");
	printf("  --%-14s %-15s %s\n", "json", "-",
	       "with dry-run: print parameters and memory as JSON, without measuring the time");
	gm_settings_free(&s);
}

/* A recipe by path, or by name in recipes/. */
static void recipe_path(const char *name, char *path)
{
	snprintf(path, PATH_MAX, "%s", name);
	if (!gm_file_exists(path))
		snprintf(path, PATH_MAX, "recipes/%s.recipe", name);
}

static void what_next(const gm_train_call *call, const gm_settings *s)
{
	char line[4][PATH_MAX + 256], more[224] = "";
	if (!call->stopped)
		snprintf(more, sizeof more, " --steps %lld%s%s", (long long)call->step * 2,
		         *call->prolong ? " " : "", call->prolong);
	static const struct {
		const char *gives, *before, *after, *about;
	} uses[] = {
		{GM_ENDPOINT_TRANSLATE, "translate", " PICTURE -o OUT", "translate an image"},
		{GM_ENDPOINT_COMPLETE, "inpaint", " --hide middle", "fill in a part of images"},
		{GM_ENDPOINT_RECONSTRUCT, "reconstruct", "", "images and their reconstructions"},
		{GM_ENDPOINT_ACT, "act", " -o episode.webp", "an episode as a film"},
		{GM_ENDPOINT_CLASSIFY, "fid A B --extractor classifier:", "",
	         "scores with its features"},
		{GM_ENDPOINT_GENERATE, "sample", " --seed 1", "new samples"},
		{GM_ENDPOINT_PREDICT, "predict", "", "an animation of predicted frames"},
	};
	int use = 0;
	while (use + 1 < (int)(sizeof uses / sizeof *uses) && strcmp(uses[use].gives, call->gives))
		use++;
	const char *before = uses[use].before, *about = uses[use].about;
	snprintf(line[0], sizeof line[0], "ganymede %s%s%s%s", before,
	         before[strlen(before) - 1] == ':' ? "" : " ", call->folder, uses[use].after);
	snprintf(line[1], sizeof line[1], "ganymede train --resume %s%s", call->folder, more);
	snprintf(line[2], sizeof line[2], "ganymede models %s", s->model->name);
	const char *outdir = gm_settings_get(s, "outdir");
	snprintf(line[3], sizeof line[3], "ganymede studio%s%s --open",
	         strcmp(outdir, "runs") ? " " : "", strcmp(outdir, "runs") ? outdir : "");
	size_t first = strlen(line[0]), second = strlen(line[1]);
	int width = (int)(first > second ? first : second);
	printf("%s\n\n", call->folder);
	printf("  %-*s   # %s\n", width, line[0], about);
	printf("  %-*s   # train longer\n", width, line[1]);
	printf("  %-*s   # all options\n", width, line[2]);
	printf("  %-*s   # all runs in the browser: curves, samples, new runs\n", width, line[3]);
}

/* Only one of several processes reports an error. */
static int train(gm_train_call *call, gm_error *err)
{
	if (!gm_ranks_start(err))
		return cli_fail(err);
	int rank = gm_rank();
	gm_ranks_watch(&cli_stopped);
	if (rank) {
		call->out = NULL;
		cli_progress_stop();
	}
	bool ok = gm_train(call, err), lost = gm_ranks_lost(NULL, 0), together = gm_ranks_end();
	if (ok)
		return call->stopped ? 128 + (cli_stopped ? cli_stopped : SIGTERM) : CLI_OK;
	if (!call->echo && (!rank || (!together && (!lost || rank == gm_ranks_speaker()))))
		return cli_fail(err);
	return CLI_FAILED;
}

int cli_train(int argc, char **argv)
{
	static const char *const flags[] = {"help", "h", "dry-run", "json", NULL};
	static const char *const maybe[] = {"resume", NULL};
	cli_args a = {.argc = argc, .at = 1, .argv = argv, .flags = flags, .maybe = maybe};
	const char *model_name = NULL, *resume = NULL, *recipe = NULL, *config = NULL, *from = NULL,
		   *outdir = "runs";
	char recipe_file[PATH_MAX] = "", named[64] = "", chosen[64] = "";
	bool want_help = false, dry = false, json = false;
	gm_error err = {0};
	gm_settings s;
	int kind;

	/* Two passes: first the model, then its options. */
	while ((kind = cli_next(&a))) {
		if (kind == '?')
			return CLI_USAGE;
		if (kind == '+' && model_name)
			return cli_usage("train takes one model, not %.60s and %.60s", model_name,
			                 a.value);
		else if (kind == '+')
			model_name = a.value;
		else if (cli_is(a.name, "help") || cli_is(a.name, "h"))
			want_help = true;
		else if (cli_is(a.name, "dry-run"))
			dry = true;
		else if (cli_is(a.name, "json"))
			json = true;
		else if (cli_is(a.name, "resume"))
			resume = a.value;
		else if (cli_is(a.name, "recipe"))
			recipe = a.value;
		else if (cli_is(a.name, "config"))
			config = a.value;
		else if (cli_is(a.name, "from"))
			from = a.value;
		else if (cli_is(a.name, "outdir"))
			outdir = a.value;
	}
	if (from && resume)
		return cli_usage(
			"--from starts a new run, --resume continues one: they cannot be combined");
	if (dry && resume)
		return cli_usage("--dry-run is only for new runs, not for --resume");
	if (json && !dry)
		return cli_usage("--json is only for --dry-run");
	if (want_help && !model_name) {
		help(NULL);
		return CLI_OK;
	}
	if (recipe)
		recipe_path(recipe, recipe_file);
	for (int i = 0; i < 2; i++) {
		const char *file = i ? config : recipe ? recipe_file : NULL;
		if (!file)
			continue;
		if (!gm_recipe_model(file, named, sizeof named, &err))
			return cli_fail(&err);
		if (*named && model_name && strcmp(named, model_name))
			return cli_usage("%.300s is for the model %s, not for %s", file, named,
			                 model_name);
		if (*named && !model_name)
			snprintf(chosen, sizeof chosen, "%s", named), model_name = chosen;
	}
	const gm_model *m = NULL;
	if (model_name) {
		m = cli_model(model_name);
		if (!m)
			return CLI_USAGE;
	} else if (resume || from) {
		m = gm_train_model(resume ? resume : from, outdir, &err);
		if (!m)
			return cli_fail(&err);
	} else {
		return cli_usage(
			"train needs a model, such as: ganymede train dcgan --data glyphs");
	}
	if (want_help) {
		help(m);
		return CLI_OK;
	}

	int status = CLI_OK;
	gm_settings_init(&s, m);
	if ((recipe && !gm_settings_file(&s, recipe_file, &err)) ||
	    (config && !gm_settings_file(&s, config, &err)))
		status = cli_fail(&err);
	a.at = 1;
	while (!status && (kind = cli_next(&a)))
		if (kind == '-' && !cli_is(a.name, "dry-run") && !cli_is(a.name, "json") &&
		    !cli_is(a.name, "resume") && !cli_is(a.name, "recipe") &&
		    !cli_is(a.name, "config") && !gm_settings_set(&s, a.name, a.value, &err))
			status = cli_usage("%s", err.message);
	if (!status && !resume && !gm_train_from(&s, &err))
		status = cli_fail(&err);
	if (!status) {
		gm_train_call call = {
			.settings = &s, .resume = resume, .out = stderr, .stop = &cli_stopped};
		if (dry)
			call.plan = call.spread = true, call.json = json,
			call.measure = DRY_SECONDS, call.out = stdout;
		catch_signals();
		status = train(&call, &err);
		if (!dry && !gm_rank() && call.step > 0 && (!status || call.stopped))
			what_next(&call, &s);
	}
	gm_settings_free(&s);
	return status;
}
