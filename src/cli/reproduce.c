/* SPDX-License-Identifier: MIT
 *
 * cli/reproduce.c -- ganymede reproduce: runs and scores a recipe and stores the result with the
 * paper's in reproductions/NAME.json. ledger.c generates a page from these files; queue.c does all
 * recipes in turn.
 *
 * A recipe's line `reproduce` is `eval METRIC [--OPTION VALUE]...`, `lab EXPERIMENT [--OPTION
 * VALUE]...`, or `VERB SCORE [--OPTION VALUE]...` of a verb that prints scores (translate, project,
 * inpaint), whose options are those of `ganymede VERB`; CLASSIFIER as a value stands for option
 * classifier. Its line `needs` is a list of data sets, SET for option data and OPTION:SET for
 * others, and of options that have no usual value, --OPTION.
 */
#include "cli/reproduce.h"

#include "use/saved_run.h"
#include "cli/ledger.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/machine.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/progress.h"
#include "data/fetch.h"
#include "lab/lab.h"
#include "run/folder.h"
#include "score/score.h"
#include "ganymede/train.h"
#include "run/settings.h"

static const cli_option table[] = {
	{"list", "", "list the recipes that can be reproduced, with their results"},
	{"all", "", "run all of these"},
	{"docs", "", "only write the page of all results, docs/reproductions.md"},
	{"queue", "",
         "run all whose data are there, the cheapest first, and go on with begun runs"},
	{"hours", "", "with queue: stop after this many hours; 0: only say what is left"},
	{"nice", "", "with queue: leave the processor to other programs"},
	{"data-root", "", "folder with the data sets that recipes need: FOLDER/mnist, ..."},
	{"data", "", "data, if the recipe does not set them"},
	{"data-b", "", "second data set, for recipes that need one"},
	{"input", "", "for recipes that score translate, project or inpaint: INPUT of that verb"},
	{"classifier", "", "for recipes that need one: a run of a classifier"},
	{"seeds", "1", "number of trainings, with seeds 0, 1, ..."},
	{"steps", "", "number of steps instead of the recipe's; recorded in the result"},
	{"run", "", "score this run (or several, separated by commas) instead of training"},
	{"from", "", "for a lab: use the numbers.json of this folder instead of running it"},
	{"extractor", "", "feature extractor, if the recipe does not set it"},
	{"count", "", "number of samples and of real examples, instead of the recipe's"},
	{"recipes", "recipes", "folder of recipes"},
	{"results", "reproductions", "folder of results"},
	{"outdir", "runs", "folder of runs"},
	{"o", "docs/reproductions.md", "output file of --docs"},
	{"help", "", "this"},
	{0},
};

/* ---- what a recipe says ---------------------------------------------------------------------- */

/* Verbs that add their scores to a JSON object, and the option that they score with, if any. */
typedef struct scored_verb {
	const char *name;
	int (*run)(int argc, char **argv, json_t *scores);
	const char *option;
} scored_verb;

static const scored_verb *verb_of(const plan *p)
{
	static const scored_verb verbs[] = {
		{"translate", cli_translate_scored, NULL},
		{"project", cli_project_scored, "--score"},
		{"inpaint", cli_inpaint_scored, "--score"},
	};
	for (int i = 0; i < 3; i++)
		if (!strcmp(p->word[0], verbs[i].name))
			return &verbs[i];
	return NULL;
}

bool plan_read(plan *p, const cli_values *v, const char *name, gm_error *err)
{
	snprintf(p->name, sizeof p->name, "%s", name);
	snprintf(p->path, sizeof p->path, "%.2000s/%.60s.recipe", cli_value(v, "recipes"), name);
	if (!gm_file_exists(p->path))
		return gm_fail(err, GM_ERR_IO, "there is no recipe %.300s", p->path);
	if (!gm_recipe_text(p->path, "reproduce", p->how, sizeof p->how, err) ||
	    !gm_recipe_text(p->path, "model", p->model, sizeof p->model, err) ||
	    !gm_recipe_text(p->path, "needs", p->needs, sizeof p->needs, err))
		return false;
	memcpy(p->words, p->how, sizeof p->words);
	char *rest = p->words, *word;
	while ((word = strsep(&rest, " \t")) && p->n < PLAN_WORDS)
		if (*word)
			p->word[p->n++] = word;
	if (p->n >= 2 && (!strcmp(p->word[0], "eval") || !strcmp(p->word[0], "lab") || verb_of(p)))
		return true;
	return gm_fail(err, GM_ERR_VALUE,
	               "%.300s has no line reproduce = eval METRIC, lab EXPERIMENT, or translate, "
	               "project or inpaint SCORE",
	               p->path);
}

const char *plan_option(const plan *p, const char *name)
{
	for (int i = 2; i + 1 < p->n; i++)
		if (!strncmp(p->word[i], "--", 2) && cli_is(p->word[i] + 2, name))
			return p->word[i + 1];
	return NULL;
}

static int row_of(const char *option)
{
	int i = 0;
	while (table[i].name && strcmp(table[i].name, option) != 0)
		i++;
	return table[i].name ? i : -1;
}

bool plan_needs(plan *p, cli_values *v, gm_error *err)
{
	char list[sizeof p->needs], *rest = list, *item;
	int found = 0;
	memcpy(list, p->needs, sizeof list);
	while ((item = strsep(&rest, ", "))) {
		char *colon = strchr(item, ':');
		const char *option = colon ? item : "data", *set = colon ? colon + 1 : item;
		if (colon)
			*colon = 0;
		if (!*set)
			continue;
		const bool by_hand = !strncmp(set, "--", 2);
		const int row = row_of(by_hand ? set + 2 : option);
		if (row >= 0 && v->given[row])
			continue;
		if (by_hand)
			return gm_fail(err, GM_ERR_VALUE, "recipe %s needs %s: see its comment",
			               p->name, set);
		if (row < 0 || found == PLAN_NEEDS)
			return gm_fail(err, GM_ERR_FORMAT, "%.300s: line needs: \"%.60s\"", p->path,
			               option);
		if (!gm_fetch_place(set, cli_given(v, "data-root"), p->found[found]))
			return gm_fail(err, GM_ERR_VALUE,
			               "recipe %s needs the data set %.60s: give --%s PATH, or "
			               "--data-root of a folder with %.60s",
			               p->name, set, option, set);
		v->given[row] = p->found[found++];
	}
	return true;
}

/* ---- mean and standard error ----------------------------------------------------------------- */

static json_t *summary(const double *v, int n)
{
	double mean = 0, squares = 0;
	json_t *each = json_array(), *o = json_object();
	for (int i = 0; i < n; i++)
		mean += v[i] / n;
	for (int i = 0; i < n; i++)
		squares += (v[i] - mean) * (v[i] - mean),
			json_array_append_new(each, isfinite(v[i]) ? json_real(v[i]) : json_null());
	if (isfinite(mean))
		json_object_set_new(o, "mean", json_real(mean));
	if (n > 1 && isfinite(squares))
		json_object_set_new(o, "standard_error", json_real(sqrt(squares / (n - 1) / n)));
	json_object_set_new(o, "each", each);
	return o;
}

/* ---- of runs --------------------------------------------------------------------------------- */

enum { SEEDS = 32 };

typedef struct trials {
	int n;
	double last[SEEDS], best[SEEDS]; /* best: scores of best.safetensors */
	bool any_best;
	json_t *runs, *protocol, *others; /* others: further scores of the last run */
} trials;

bool plan_settings(const plan *p, const cli_values *v, int seed, gm_settings *s, gm_error *err)
{
	static const char *const sets[] = {"data", "data-b"};
	char text[24];
	gm_settings_init(s, gm_model_find(p->model));
	snprintf(text, sizeof text, "%d", seed);
	bool ok = gm_settings_file(s, p->path, err) && gm_settings_set(s, "seed", text, err) &&
	          gm_settings_set(s, "outdir", cli_value(v, "outdir"), err);
	for (int i = 0; ok && i < 2; i++)
		if (cli_given(v, sets[i]))
			ok = gm_settings_set(s, sets[i], cli_given(v, sets[i]), err);
	if (ok && cli_given(v, "steps"))
		ok = gm_settings_set(s, "steps", cli_given(v, "steps"), err);
	return ok;
}

static bool train_one(plan *p, const cli_values *v, int seed, char run[PATH_MAX], gm_error *err)
{
	gm_settings s;
	char begun[PATH_MAX];
	int64_t step = 0;
	bool ok = plan_settings(p, v, seed, &s, err);
	const bool again = ok && p->total && queue_begun(&s, begun, &step);
	gm_train_call call = {.settings = &s,
	                      .out = stdout,
	                      .stop = &cli_stopped,
	                      .resume = again ? begun : NULL};
	if (ok && again && step >= p->total) {
		snprintf(run, PATH_MAX, "%s", begun);
		gm_settings_free(&s);
		return true;
	}
	ok = ok && (again || gm_settings_set(&s, "name", p->name, err)) && gm_train(&call, err);
	p->timed += call.step > step ? call.step - step : 0;
	if (ok && call.stopped)
		ok = gm_fail(err, GM_ERR_STATE,
		             "stopped: %.200s can be resumed, and scored by --run", call.folder);
	snprintf(run, PATH_MAX, "%s", call.folder);
	gm_settings_free(&s);
	return ok;
}

/* By eval: *value is the first score. Option `on` of the recipe's line names the option with the
 * data to score. */
static bool evaluate_one(const plan *p, const cli_values *v, const char *checkpoint, double *value,
                         trials *t, json_t *row, gm_error *err)
{
	const char *count = cli_given(v, "count") ? cli_given(v, "count") : plan_option(p, "count");
	gm_score_options o = {.metrics = p->word[1],
	                      .extractor = cli_given(v, "extractor") ? cli_given(v, "extractor")
	                                                             : plan_option(p, "extractor"),
	                      .split = plan_option(p, "split"),
	                      .endpoint = plan_option(p, "endpoint"),
	                      .outdir = cli_value(v, "outdir")};
	int64_t number = 0;
	if (count && (!gm_text_i64(count, &number) || number < 2))
		return gm_fail(err, GM_ERR_VALUE,
		               "option count: \"%.60s\" is not an integer of at least 2", count);
	o.count = number;
	if (plan_option(p, "samples") && gm_text_i64(plan_option(p, "samples"), &number))
		o.samples = number;
	if (plan_option(p, "labels-per-class") &&
	    gm_text_i64(plan_option(p, "labels-per-class"), &number))
		o.per_class = number;
	if (plan_option(p, "draws") && gm_text_i64(plan_option(p, "draws"), &number))
		o.draws = number;
	if (plan_option(p, "turns") && gm_text_i64(plan_option(p, "turns"), &number))
		o.turns = number;
	gm_saved *s = gm_saved_open(checkpoint, NULL, err);
	const char *on = plan_option(p, "on") ? plan_option(p, "on") : "data";
	const char *data = s && !cli_given(v, on) ? gm_saved_option(s, on) : cli_given(v, on);
	if (s && data)
		gm_settings_set((gm_settings *)gm_saved_settings(s), "data", data, err);
	gm_scorer *c = s ? gm_scorer_open(gm_saved_inside(s), &o, err) : NULL;
	gm_scores scores;
	bool ok = c && gm_scorer_score(c, &scores, err) &&
	          (scores.n > 0 || gm_fail(err, GM_ERR_STATE, "nothing was scored"));
	if (ok) {
		printf("%s, step %lld:\n", checkpoint, (long long)gm_saved_step(s));
		gm_scores_print(&scores, gm_scorer_protocol(c), stdout);
		*value = scores.row[0].value;
		json_t *all = gm_scores_json(&scores, gm_saved_step(s), gm_scorer_protocol(c));
		json_object_set(row, "step", json_object_get(all, "step"));
		json_object_set(row, "scores", json_object_get(all, "scores"));
		json_object_set_new(row, "seed", json_string(gm_saved_option(s, "seed")));
		json_decref(t->protocol);
		t->protocol = json_incref(json_object_get(all, "protocol"));
		/* Local paths are meaningless elsewhere; the hash identifies the data. */
		json_object_del(json_object_get(t->protocol, "real"), "from");
		json_object_del(json_object_get(t->protocol, "samples"), "from");
		json_decref(all);
	}
	gm_scorer_free(c);
	gm_saved_free(s);
	return ok;
}

static bool is_classifier(const char *word)
{
	return !strcmp(word, "CLASSIFIER");
}

/* Whether a verb has the run of a classifier, and the input, that it needs. */
static bool can_score(const plan *p, const cli_values *v, gm_error *err)
{
	bool classifier = false;
	for (int i = 2; i < p->n; i++)
		classifier = classifier || is_classifier(p->word[i]);
	if (!verb_of(p)->option && !cli_given(v, "input"))
		return gm_fail(err, GM_ERR_VALUE,
		               "recipe %s scores %s: give --input, an image, a folder or a data "
		               "set",
		               p->name, p->word[0]);
	return !classifier || cli_given(v, "classifier") ||
	       gm_fail(err, GM_ERR_VALUE, "recipe %s needs --classifier, a run of a classifier",
	               p->name);
}

bool plan_ready(const plan *p, const cli_values *v, gm_error *err)
{
	static const char of_run[] = "classifier:";
	char path[PATH_MAX];
	const char *x =
		cli_given(v, "extractor") ? cli_given(v, "extractor") : plan_option(p, "extractor");
	if (verb_of(p))
		return can_score(p, v, err);
	return !x || !strncmp(x, of_run, sizeof of_run - 1) ||
	       gm_extractor_weights(x, NULL, path, err);
}

/* By a verb: *value is the score that the recipe's line names. */
static bool by_verb(const plan *p, const cli_values *v, const char *checkpoint, double *value,
                    json_t *row, gm_error *err)
{
	const scored_verb *verb = verb_of(p);
	const char *word[PLAN_WORDS + 8] = {verb->name, checkpoint};
	int n = 2;
	if (cli_given(v, "input"))
		word[n++] = cli_given(v, "input");
	for (int i = 2; i < p->n; i++)
		word[n++] = is_classifier(p->word[i]) ? cli_given(v, "classifier") : p->word[i];
	if (verb->option)
		word[n++] = verb->option;
	word[n++] = "--outdir", word[n++] = cli_value(v, "outdir");
	json_t *found = json_object(), *scores = json_object(), *one;
	const char *name;
	const int status = verb->run(n, (char **)word, found);
	json_object_foreach (found, name, one)
		json_object_set_new(scores, name, json_pack("{s:O}", "value", one));
	const json_t *wanted = json_object_get(found, p->word[1]);
	bool ok = (!status && wanted) || gm_fail(err, GM_ERR_STATE, "%s %s has no score \"%s\"",
	                                         verb->name, checkpoint, p->word[1]);
	*value = json_number_value(wanted);
	gm_saved *s = ok ? gm_saved_open(checkpoint, NULL, err) : NULL;
	if (s) {
		json_object_set_new(row, "step", json_integer((json_int_t)gm_saved_step(s)));
		json_object_set(row, "scores", scores);
		json_object_set_new(row, "seed", json_string(gm_saved_option(s, "seed")));
	}
	json_decref(found), json_decref(scores);
	const bool read = s != NULL;
	gm_saved_free(s);
	return ok && read;
}

static bool score_one(const plan *p, const cli_values *v, const char *checkpoint, double *value,
                      trials *t, json_t *row, gm_error *err)
{
	return verb_of(p) ? by_verb(p, v, checkpoint, value, row, err)
	                  : evaluate_one(p, v, checkpoint, value, t, row, err);
}

static bool one_run(const plan *p, const cli_values *v, const char *run, trials *t, gm_error *err)
{
	char checkpoint[PATH_MAX], folder[PATH_MAX], best[PATH_MAX + 32];
	if (!gm_folder_checkpoint(run, cli_value(v, "outdir"), checkpoint, folder, err))
		return false;
	json_t *row = json_object(), *top = json_object();
	json_array_append_new(t->runs, row);
	bool ok = score_one(p, v, checkpoint, &t->last[t->n], t, row, err);
	snprintf(best, sizeof best, "%s/best.safetensors", folder);
	t->best[t->n] = NAN;
	if (ok && gm_file_exists(best)) {
		ok = score_one(p, v, best, &t->best[t->n], t, top, err);
		json_object_set(row, "best", top);
		t->any_best = true;
	}
	json_decref(top);
	t->n++;
	return ok;
}

static bool by_run(plan *p, const cli_values *v, json_t *result, gm_error *err)
{
	trials t = {.runs = json_array()};
	bool ok = *p->model && gm_model_find(p->model);
	uint64_t seeds;
	char run[PATH_MAX];
	if (!ok)
		gm_fail(err, GM_ERR_VALUE, "%.300s names an unknown model", p->path);
	ok = ok && cli_whole(v, "seeds", 1, SEEDS, &seeds, err) && plan_ready(p, v, err);
	if (ok && cli_given(v, "run")) {
		char list[2000], *rest = list, *one;
		snprintf(list, sizeof list, "%s", cli_given(v, "run"));
		while (ok && (one = strsep(&rest, ",")) && t.n < SEEDS)
			ok = one_run(p, v, one, &t, err);
		json_object_set_new(result, "trained", json_string("before"));
	} else {
		for (uint64_t i = 0; ok && i < seeds; i++)
			ok = train_one(p, v, (int)i, run, err) && one_run(p, v, run, &t, err);
	}
	if (ok) {
		json_object_set_new(result, "metric", json_string(p->word[1]));
		json_object_set_new(result, "last", summary(t.last, t.n));
		if (t.any_best)
			json_object_set_new(result, "best", summary(t.best, t.n));
		json_object_set(result, "runs", t.runs);
		if (t.protocol)
			json_object_set(result, "protocol", t.protocol);
	}
	json_decref(t.runs);
	json_decref(t.protocol);
	return ok;
}

/* ---- of the lab ------------------------------------------------------------------------------ */

/* Copies results from numbers.json: lists of trials, scalars, and the number of passed checks. */
static bool take_numbers(const char *folder, json_t *result, gm_error *err)
{
	char path[PATH_MAX + 32];
	json_error_t where;
	snprintf(path, sizeof path, "%s/numbers.json", folder);
	json_t *all = json_load_file(path, 0, &where), *checks = json_object_get(all, "checks"),
	       *value, *found = json_object();
	const char *name;
	size_t i, held = 0;
	if (!all)
		return gm_fail(err, GM_ERR_FORMAT, "%.300s: %s", path, where.text);
	json_array_foreach (checks, i, value)
		held += json_is_true(json_object_get(value, "pass"));
	json_object_foreach (json_object_get(all, "numbers"), name, value) {
		double v[SEEDS];
		int n = 0;
		if (json_is_number(value))
			json_object_set(found, name, value);
		if (!json_is_array(value) || json_array_size(value) > SEEDS)
			continue; /* a curve */
		for (size_t k = 0; k < json_array_size(value); k++)
			v[n++] = json_number_value(json_array_get(value, k));
		if (n)
			json_object_set_new(found, name, summary(v, n));
	}
	json_object_set_new(result, "checks", json_integer((json_int_t)json_array_size(checks)));
	json_object_set_new(result, "checks_held", json_integer((json_int_t)held));
	json_object_set(result, "options", json_object_get(all, "options"));
	json_object_set_new(result, "numbers", found);
	json_decref(all);
	return true;
}

static bool by_lab(const plan *p, const cli_values *v, json_t *result, gm_error *err)
{
	const gm_experiment *e = gm_experiment_find(p->word[1]);
	char folder[PATH_MAX];
	if (!e)
		return gm_fail(err, GM_ERR_VALUE, "%.300s: there is no lab experiment %.60s",
		               p->path, p->word[1]);
	if (cli_given(v, "from")) {
		json_object_set_new(result, "trained", json_string("before"));
		return take_numbers(cli_given(v, "from"), result, err);
	}
	snprintf(folder, sizeof folder, "%.2000s/lab-%s", cli_value(v, "outdir"), p->name);
	gm_lab *l = gm_lab_open(e, stdout);
	l->stop = &cli_stopped;
	bool ok = true;
	for (int i = 2; ok && i + 1 < p->n; i += 2)
		ok = gm_lab_set(l, p->word[i] + 2, p->word[i + 1], err);
	if (ok && cli_given(v, "steps"))
		ok = gm_lab_set(l, "steps", cli_given(v, "steps"), err);
	/* A failed check is also a result. */
	ok = ok && (gm_lab_run(l, folder, err) || !err->code);
	if (ok && cli_stopped)
		ok = gm_fail(err, GM_ERR_STATE, "stopped: repeat the command to go on");
	ok = ok && take_numbers(folder, result, err);
	gm_lab_close(l);
	return ok;
}

/* ---- one recipe ------------------------------------------------------------------------------ */

bool plan_reproduce(plan *p, const cli_values *v, const char *command, gm_error *err)
{
	char text[400], path[PATH_MAX];
	json_t *o = json_object();
	static const char *const keys[] = {"published", "published-source", "published-note"};
	json_object_set_new(o, "recipe", json_string(p->name));
	for (int i = 0; i < 3; i++)
		if (gm_recipe_text(p->path, keys[i], text, sizeof text, err) && *text)
			json_object_set_new(o, keys[i], json_string(text));
	json_object_set_new(o, "how", json_string(p->how));
	json_object_set_new(o, "command", gm_json_text(command));
	const double wall = gm_seconds(), processor = gm_processor_seconds();
	bool ok = !strcmp(p->word[0], "lab") ? by_lab(p, v, o, err) : by_run(p, v, o, err);
	p->wall += gm_seconds() - wall;
	p->processor += gm_processor_seconds() - processor;
	json_object_set_new(o, "wall_seconds", json_real(round(p->wall * 10) / 10));
	json_object_set_new(o, "processor_seconds", json_real(round(p->processor * 10) / 10));
	/* Of steps made by earlier programs the time is not known. */
	if (p->timed < p->total * (int64_t)json_array_size(json_object_get(o, "runs")))
		json_object_set_new(o, "timed_steps", json_integer((json_int_t)p->timed));
	if (cli_given(v, "steps"))
		json_object_set_new(o, "shortened", json_string(cli_given(v, "steps")));
	ledger_place(o);
	if (ok && (ok = gm_file_make_folder(cli_value(v, "results"), err))) {
		snprintf(path, sizeof path, "%.2000s/%s.json", cli_value(v, "results"), p->name);
		char *json = json_dumps(o, JSON_INDENT(1) | JSON_REAL_PRECISION(8));
		ok = json && gm_file_write(path, json, strlen(json), err);
		free(json);
		if (ok)
			ledger_say(o, path);
	}
	json_decref(o);
	return ok;
}

static bool reproduce(const char *name, const cli_values *given, const char *command, gm_error *err)
{
	plan *p = calloc(1, sizeof *p);
	cli_values v = *given;
	bool ok = p || gm_fail(err, GM_ERR_MEMORY, "out of memory");
	ok = ok && plan_read(p, &v, name, err);
	/* Without --data-root the data may also be options of an existing run. */
	if (ok && cli_given(&v, "data-root") && !cli_given(&v, "run"))
		ok = plan_needs(p, &v, err);
	ok = ok && plan_reproduce(p, &v, command, err);
	free(p);
	return ok;
}

static void join(int argc, char **argv, char *text, size_t room)
{
	size_t n = snprintf(text, room, "ganymede");
	for (int i = 0; i < argc && n < room; i++)
		n += snprintf(text + n, room - n, " %s", argv[i]);
}

int cli_reproduce(int argc, char **argv)
{
	static const char *const flags[] = {"help", "h",     "list", "all",
	                                    "docs", "queue", "nice", NULL};
	cli_args a = {.argc = argc, .at = 1, .argv = argv, .flags = flags};
	cli_values v = {.verb = "reproduce", .option = table};
	char command[1000];
	gm_error err = {0};
	int status = cli_read(&a, &v, 1);
	if (status)
		return status;
	if (cli_given(&v, "help")) {
		cli_help("reproduce");
		cli_options_help(table);
		return CLI_OK;
	}
	join(argc, argv, command, sizeof command);
	const char *recipes = cli_value(&v, "recipes"), *results = cli_value(&v, "results");
	if (cli_given(&v, "docs"))
		return ledger_page(recipes, results, cli_value(&v, "o"), &err) ? CLI_OK
		                                                               : cli_fail(&err);
	if (cli_given(&v, "list"))
		return ledger_list(recipes, results, &err) ? CLI_OK : cli_fail(&err);
	if (cli_given(&v, "queue"))
		return queue(&v, command);
	if ((status = cli_useless(&v, "hours|nice", "without --queue")))
		return status;
	cli_catch_signals();
	if (v.operand[0])
		return reproduce(v.operand[0], &v, command, &err) ? CLI_OK : cli_fail(&err);
	if (!cli_given(&v, "all"))
		return cli_usage("reproduce needs the name of a recipe, --list, --all, --queue or "
		                 "--docs");
	char **name;
	int n = ledger_names(recipes, &name, &err);
	for (int i = 0; i < n; i++) {
		gm_error one = {0};
		if (!status && !cli_stopped && !reproduce(name[i], &v, command, &one))
			status = cli_fail(&one);
		free(name[i]);
	}
	free(name);
	return n < 0 ? cli_fail(&err) : status;
}
