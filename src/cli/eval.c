/* SPDX-License-Identifier: MIT
 *
 * cli/eval.c -- ganymede eval.
 */
#include "cli/cli.h"
#include "cli/examples.h"

#include "use/saved_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/file.h"
#include "base/text.h"
#include "ganymede/image.h"
#include "run/folder.h"
#include "score/score.h"

static const cli_option table[] = {
	{"metrics", "", "metrics, separated by commas; default: those of the model, else fid"},
	{"extractor", "inception",
         "feature extractor: inception, inception-tf, vgg16, squeezenet, pixels, "
         "classifier:RUN"},
	{"weights", "", "file with the extractor's weights; default: the one of data fetch"},
	{"count", "10000", "number of samples and of real examples"},
	{"turns", "",
         "of an endpoint that iterates: the number of turns, with metric ais of the annealing; "
         "default: the model's"},
	{"endpoint", "", "the endpoint to score, if there are several, such as classify/attacked"},
	{"ensemble", "",
         "accuracy: further runs, with commas between, whose class probabilities are averaged with "
         "RUN's"},
	{"samples", "100", "importance samples for nll, draws for approx-parzen, chains for ais"},
	{"labels-per-class", "",
         "svm: learn from this many labels of each class, on the whole test split; default: all"},
	{"draws", "10", "svm: number of draws of these labels"},
	{"seed", "0", "seed of samples, subsets and directions"},
	{"split", "",
         "split of the real data, train, test or val; default: that of the training, for scores of "
         "one split test"},
	{"data", "", "path of the data, if they were moved since the training"},
	{"outdir", "runs", "folder of runs"},
	CLI_TRUNCATION,
	{"raw", "", "score the weights, not their moving averages"},
	{"temperature", "",
         "for a model that samples value by value, such as wavenet: divides its logits"},
	{"json", "", "also write the scores and their protocol to this file"},
	{"picture", "", "image of the metric nearest; default: RUN/nearest.png"},
	{"force", "", "append to earlier scores even if their protocol differs"},
	{"help", "", "this"},
	{0},
};

static void help(void)
{
	const char *about, *name;
	cli_help("eval");
	puts("\nRUN is a run's folder, a checkpoint file, or the number of a run in --outdir. RUN2 "
	     "is "
	     "for the\nmetric gam.");
	cli_options_help(table);
	puts("\nmetrics:");
	for (int i = 0; (name = gm_metric_names(i, &about)); i++)
		printf("  %-14s %s\n", name, about);
}

static bool write_json(const char *path, json_t *o, gm_error *err)
{
	char *text = json_dumps(o, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
	bool ok = text ? gm_file_write(path, text, strlen(text), err)
	               : gm_fail(err, GM_ERR_MEMORY, "out of memory");
	free(text);
	return ok;
}

/* The metrics that trainings of this model end with, or fid. */
static const char *own_metrics(const gm_saved *s)
{
	for (const gm_option *o = gm_saved_model(s)->options; o->name; o++)
		if (!strcmp(o->name, "metrics") && *o->value)
			return o->value;
	return "fid";
}

/* Options of samples are refused for metrics that draw none, in whose protocol they would stand. */
static bool of_samples(const cli_values *v, const gm_score_options *o, gm_error *err)
{
	static const char *const options[] = {"truncation", "standing", "temperature"};
	const char *metric = gm_metrics_draw(o->metrics, false);
	for (int i = 0; metric && i < 3; i++)
		if (cli_given(v, options[i]))
			return gm_fail(
				err, GM_ERR_VALUE,
				"option %s: metric %s draws no samples: leave the option out%s",
				options[i], metric,
				gm_metrics_draw(o->metrics, true)
					? ", or score this metric in a command of its own"
					: "");
	return true;
}

static bool score(const char *checkpoint, const char *folder, const cli_values *v, gm_error *err)
{
	uint64_t count, samples, seed, draws, turns = 0, labels = 0;
	gm_score_options o = {.metrics = cli_value(v, "metrics"), /* or "", until it is open */
	                      .extractor = cli_given(v, "extractor"),
	                      .weights = cli_given(v, "weights"),
	                      .outdir = cli_value(v, "outdir"),
	                      .endpoint = cli_given(v, "endpoint"),
	                      .ensemble = cli_given(v, "ensemble"),
	                      .checkpoint = checkpoint,
	                      .against = v->operand[1],
	                      .raw = cli_given(v, "raw") != NULL,
	                      .temperature = cli_given(v, "temperature"),
	                      .split = cli_given(v, "split")};
	if (!cli_whole(v, "count", 2, 1 << 24, &count, err) ||
	    !cli_whole(v, "samples", 1, 1 << 24, &samples, err) ||
	    !cli_whole(v, "seed", 0, UINT64_MAX, &seed, err) ||
	    !cli_whole(v, "draws", 1, 1000, &draws, err) ||
	    (cli_given(v, "labels-per-class") &&
	     !cli_whole(v, "labels-per-class", 2, 1 << 20, &labels, err)) ||
	    (cli_given(v, "turns") && !cli_whole(v, "turns", 1, INT32_MAX, &turns, err)))
		return false;
	o.count = cli_given(v, "count") ? (int64_t)count : 0;
	o.per_class = (int64_t)labels, o.draws = (int64_t)draws;
	o.samples = (int64_t)samples, o.seed = seed, o.turns = (int64_t)turns;
	char picture[PATH_MAX + 16];
	snprintf(picture, sizeof picture, "%s/nearest.png", folder);
	o.picture = cli_given(v, "picture") ? cli_given(v, "picture") : picture;
	static const char *const needs[][4] = {{"picture", "nearest", "nearest", "nearest"},
	                                       {"samples", "nll", "approx-parzen", "ais"},
	                                       {"ensemble", "accuracy", "accuracy", "accuracy"},
	                                       {"labels-per-class", "svm", "svm", "svm"},
	                                       {"draws", "svm", "svm", "svm"}};
	for (int i = 0; i < 5; i++)
		if (cli_given(v, needs[i][0]) && !strstr(o.metrics, needs[i][1]) &&
		    !strstr(o.metrics, needs[i][2]) && !strstr(o.metrics, needs[i][3]))
			return gm_fail(
				err, GM_ERR_VALUE,
				"option %s is for the metric %s, which --metrics does not name",
				needs[i][0], needs[i][1]);
	if (cli_given(v, "draws") && !labels)
		return gm_fail(err, GM_ERR_VALUE,
		               "option draws: without --labels-per-class all labels are used");
	if (o.against && !strstr(o.metrics, "gam"))
		return gm_fail(err, GM_ERR_VALUE,
		               "a second run is for the metric gam, which --metrics does not name");
	if (!gm_image_format(o.picture, err))
		return false;
	if (!cli_truncation(v, &o.truncation, &o.standing, err))
		return false;
	gm_saved *s = gm_saved_open(checkpoint,
	                            &(gm_saved_options){.raw = cli_given(v, "raw") != NULL,
	                                                .temperature = o.temperature},
	                            err);
	if (s && !cli_given(v, "metrics"))
		o.metrics = own_metrics(s);
	if (s && !of_samples(v, &o, err)) {
		gm_saved_free(s);
		return false;
	}
	if (s && cli_given(v, "data"))
		gm_settings_set((gm_settings *)gm_saved_settings(s), "data", cli_given(v, "data"),
		                err);
	if (s &&
	    !cli_stand(s,
	               &(gm_samples){
			       .seed = o.seed, .truncation = o.truncation, .endpoint = o.endpoint},
	               &o.standing, err)) {
		gm_saved_free(s);
		return false;
	}
	gm_scorer *c = s ? gm_scorer_open(gm_saved_inside(s), &o, err) : NULL;
	gm_scores scores;
	const json_t *p = c ? gm_scorer_protocol(c) : NULL;
	bool force = cli_given(v, "force");
	bool ok = c && (force || gm_scores_fit(o.metrics, folder, p, err)) &&
	          gm_scorer_score(c, &scores, err) &&
	          gm_scores_append(&scores, folder, gm_saved_step(s), p,
	                           &(gm_append){.force = force}, err);
	if (ok) {
		printf("%s, step %lld of %s\n", gm_saved_model(s)->name,
		       (long long)gm_saved_step(s), checkpoint);
		gm_scores_print(&scores, p, stdout);
		json_t *all = gm_scores_json(&scores, gm_saved_step(s), p);
		json_object_set_new(all, "checkpoint", gm_json_text(checkpoint));
		ok = !cli_given(v, "json") || write_json(cli_given(v, "json"), all, err);
		json_decref(all);
	}
	gm_scorer_free(c);
	gm_saved_free(s);
	return ok;
}

int cli_eval(int argc, char **argv)
{
	static const char *const flags[] = {"help", "h", "raw", "force", NULL};
	cli_args a = {.argc = argc, .at = 1, .argv = argv, .flags = flags};
	cli_values v = {.verb = "eval", .option = table};
	char checkpoint[PATH_MAX], folder[PATH_MAX];
	gm_error err = {0};
	int status = cli_read(&a, &v, 2);
	if (status)
		return status;
	if (cli_given(&v, "help")) {
		help();
		return CLI_OK;
	}
	if (!v.operand[0])
		return cli_usage("eval needs a run, such as: ganymede eval runs/00000-dcgan-glyphs "
		                 "--metrics fid");
	if (!gm_folder_checkpoint(v.operand[0], cli_value(&v, "outdir"), checkpoint, folder,
	                          &err) ||
	    !score(checkpoint, folder, &v, &err))
		return cli_fail(&err);
	return CLI_OK;
}
