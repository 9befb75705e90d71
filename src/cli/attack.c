/* SPDX-License-Identifier: MIT
 *
 * cli/attack.c -- ganymede attack: adversarial examples of a trained classifier.
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
#include "run/run.h"
#include "run/folder.h"
#include "use/attack.h"

static const cli_option options[] = {
	{"epsilon", "0.25", "largest change of a pixel in [0,1]; l2: of the image's length"},
	{"steps", "1", "1: the fast gradient sign method; more: iterated"},
	{"step", "", "length of a step; default: epsilon, or 2.5 epsilon/steps if several"},
	{"norm", "max", "max, or l2: Euclidean lengths of whole images"},
	{"random-start", "", "the iteration starts at a random point of the box"},
	{"target", "", "a class that the run shall say, by name or number"},
	{"labels", "auto", "true, or predicted: what the run says; auto: true if there are labels"},
	{"transfer", "", "another run that is shown the images attacked with RUN"},
	{"count", "", "number of images; default: all"},
	{"grid", "2x6", "columns x rows of the picture, three images each"},
	{"split", "", "split of a data set: train, test or val"},
	{"seed", "0", "seed of random signs and starts"},
	{"json", "", "also write the numbers to this file"},
	{"out", "attack.png", "FILE.png, .jpg or .webp; also -o"},
	{"outdir", "runs", "folder of runs"},
	{"help", "", "this"},
	{0},
};

enum { CLEAN, NOISE, ONE_STEP, ITERATED, KINDS };

typedef struct work {
	const cli_values *v;
	gm_attack_options o;
	gm_saved *s, *other; /* other: of --transfer, or NULL */
	cli_examples e;
	int columns, rows; /* of the picture */
	int32_t target;    /* or -1 */
	int32_t *truth;    /* what counts as right: the labels, else what the run says; [n] */
	int32_t *aim;      /* what the attack is given, [n] */
	int32_t *said;     /* [n] */
	float *x;          /* attacked, [n, shape] */
	json_t *numbers;
} work;

static bool read_options(work *w, gm_error *err)
{
	uint64_t steps, count = 0;
	const cli_values *v = w->v;
	const char *norm = cli_value(v, "norm"), *step = cli_given(v, "step");
	if (!gm_text_f64(cli_value(v, "epsilon"), &w->o.epsilon))
		return gm_fail(err, GM_ERR_VALUE, "--epsilon: \"%.40s\" is not a number",
		               cli_value(v, "epsilon"));
	if (step && (!gm_text_f64(step, &w->o.step) || !(w->o.step > 0)))
		return gm_fail(err, GM_ERR_VALUE, "--step: \"%.40s\" is not a positive number",
		               step);
	if (strcmp(norm, "max") && strcmp(norm, "l2"))
		return gm_fail(err, GM_ERR_VALUE, "--norm: \"%.40s\" is neither max nor l2", norm);
	if (!cli_whole(v, "steps", 1, 100000, &steps, err) ||
	    !cli_whole(v, "seed", 0, UINT64_MAX, &w->o.seed, err) ||
	    (cli_given(v, "count") && !cli_whole(v, "count", 1, INT32_MAX - 1, &count, err)))
		return false;
	w->o.steps = (int)steps, w->o.euclidean = norm[0] == 'l';
	w->o.random_start = cli_given(v, "random-start") != NULL;
	w->columns = w->e.columns, w->rows = w->e.rows;
	w->e.columns = count ? (int)count : INT32_MAX, w->e.rows = 1; /* to be read */
	return true;
}

/* Option target: a class's name or number. */
static bool find_target(work *w, gm_error *err)
{
	const gm_facts *f = gm_saved_facts(w->s);
	const char *target = cli_given(w->v, "target");
	uint64_t k = 0;
	w->target = -1;
	if (!target)
		return true;
	for (; f->class_names && (int64_t)k < f->classes; k++)
		if (!strcmp(f->class_names[k], target))
			break;
	if ((!f->class_names || (int64_t)k == f->classes) && !gm_text_u64(target, &k))
		k = UINT64_MAX;
	if (k >= (uint64_t)f->classes)
		return gm_fail(err, GM_ERR_VALUE,
		               "--target: \"%.60s\" is none of this run's classes, 0 to %" PRId64
		               " or their names",
		               target, f->classes - 1);
	w->target = (int32_t)k, w->o.targeted = true;
	return true;
}

static bool open_runs(work *w, gm_error *err)
{
	const char *other = cli_given(w->v, "transfer");
	char path[PATH_MAX];
	if (!(w->s = cli_examples_run(w->v, GM_ENDPOINT_CLASSIFY, err)))
		return false;
	const gm_facts *f = gm_saved_facts(w->s);
	if (f->points || f->rate)
		return gm_fail(err, GM_ERR_VALUE, "attack changes pixels, but this run is for %s",
		               gm_facts_word(f));
	if (!other)
		return true;
	if (!gm_folder_checkpoint(other, cli_value(w->v, "outdir"), path, NULL, err) ||
	    !(w->other = gm_saved_open(path, NULL, err)) ||
	    !gm_saved_must(w->other, GM_ENDPOINT_CLASSIFY, err))
		return false;
	const gm_facts *a = gm_saved_facts(w->s), *b = gm_saved_facts(w->other);
	return (a->channels == b->channels && a->height == b->height && a->width == b->width &&
	        a->classes == b->classes) ||
	       gm_fail(err, GM_ERR_VALUE,
	               "--transfer: %s has images of another size, or other classes", path);
}

/* The labels that count and those that the attack is given. */
static bool choose_labels(work *w, gm_error *err)
{
	const char *how = cli_value(w->v, "labels");
	const int64_t n = w->e.n;
	const bool predicted = !strcmp(how, "predicted") || (!strcmp(how, "auto") && !w->e.label);
	gm_attack_score s;
	if (!predicted && strcmp(how, "auto") && strcmp(how, "true"))
		return gm_fail(err, GM_ERR_VALUE,
		               "--labels: \"%.40s\" is none of true, predicted, auto", how);
	if (!predicted && !w->e.label)
		return gm_fail(err, GM_ERR_VALUE, "--labels true: %s has no labels for this run",
		               w->e.from);
	w->truth = malloc(n * sizeof *w->truth), w->aim = malloc(n * sizeof *w->aim);
	w->said = malloc(n * sizeof *w->said);
	w->x = malloc(n * gm_saved_facts(w->s)->numel * sizeof *w->x);
	if (!w->truth || !w->aim || !w->said || !w->x)
		return gm_fail(err, GM_ERR_MEMORY, "no memory for %" PRId64 " images", n);
	if (!gm_attack_classify(w->s, w->e.x, NULL, n, w->said, &s, err))
		return false;
	memcpy(w->truth, w->e.label ? w->e.label : w->said, n * sizeof *w->truth);
	memcpy(w->aim, predicted ? w->said : w->truth, n * sizeof *w->aim);
	for (int64_t i = 0; w->target >= 0 && i < n; i++)
		w->aim[i] = w->target;
	printf("%s of %s: %" PRId64 " images of %s; %s\n", gm_saved_model(w->s)->name,
	       gm_saved_path(w->s), n, w->e.from,
	       w->e.label
	               ? "errors by their labels"
	               : "without labels: an error is what differs from the clean image's class");
	return true;
}

/* A row: how the images w->x (or x) are taken by a run. */
static bool tell(work *w, gm_saved *s, const char *name, const char *key, const float *x,
                 gm_error *err)
{
	gm_attack_score score;
	int64_t hits = 0, others = 0;
	const int64_t n = w->e.n;
	if (!gm_attack_classify(s, x, w->truth, n, w->said, &score, err))
		return false;
	for (int64_t i = 0; i < n; i++)
		if (w->truth[i] != w->target)
			others++, hits += w->said[i] == w->target;
	json_t *row = json_pack("{s:I, s:f}", "errors", (json_int_t)score.wrong, "error",
	                        (double)score.wrong / (double)n);
	printf("  %-34s %6.2f %% errors", name, 100. * (double)score.wrong / (double)n);
	if (score.wrong) {
		printf(", mean confidence in them %.1f %%", 100 * score.confidence);
		json_object_set_new(row, "confidence", json_real(score.confidence));
	}
	if (w->target >= 0 && others) {
		printf("; %.2f %% of other classes are taken for the target",
		       100. * (double)hits / (double)others);
		json_object_set_new(row, "target", json_real((double)hits / (double)others));
	}
	puts("");
	json_object_set_new(w->numbers, key, row);
	return true;
}

/* clean | change | attacked, example after example */
static bool draw(const work *w, gm_error *err)
{
	const int64_t numel = gm_saved_facts(w->s)->numel, room = (int64_t)w->columns * w->rows,
		      n = w->e.n < room ? w->e.n : room;
	float *all = malloc(3 * n * numel * sizeof *all), most = 1e-12f;
	gm_image *im = NULL;
	bool ok = all || gm_fail(err, GM_ERR_MEMORY, "no memory for a picture");
	for (int64_t i = 0; ok && i < n * numel; i++)
		most = fmaxf(most, fabsf(w->x[i] - w->e.x[i]));
	for (int64_t i = 0; ok && i < n; i++)
		for (int64_t j = 0; j < numel; j++) {
			const float a = w->e.x[i * numel + j], b = w->x[i * numel + j];
			all[3 * i * numel + j] = a;
			all[(3 * i + 1) * numel + j] = (b - a) / most;
			all[(3 * i + 2) * numel + j] = b;
		}
	ok = ok && (im = cli_examples_grid(w->s, all, 3 * n, 3 * w->columns, err)) &&
	     gm_image_write(cli_value(w->v, "out"), im, err);
	if (ok) {
		gm_term_picture(stdout, im, 0);
		printf("%s: clean | change, grey is none, the largest is %.3g of [0,1] | "
		       "attacked\n",
		       cli_value(w->v, "out"), most / 2);
	}
	gm_image_free(im);
	free(all);
	return ok;
}

/* Makes the images of a kind in w->x; *x: those, or the clean ones. */
static bool make(work *w, int kind, const float **x, char name[64], gm_error *err)
{
	gm_attack_options o = w->o;
	*x = kind == CLEAN ? w->e.x : w->x;
	if (kind == CLEAN || kind == NOISE) {
		snprintf(name, 64, "%s", kind == CLEAN ? "clean" : "random signs of that size");
		if (kind == NOISE)
			gm_attack_noise(w->s, o.epsilon, o.seed, w->e.x, w->e.n, w->x);
		return true;
	}
	if (kind == ONE_STEP && o.steps > 1)
		o.steps = 1, o.step = 0, o.random_start = false;
	snprintf(name, 64, "%d step%s%s", o.steps, o.steps > 1 ? "s" : " along the gradient",
	         o.euclidean || o.steps > 1 ? "" : "'s sign");
	gm_attacker *a = gm_attacker_open(w->s, &o, err);
	const bool ok = a && gm_attacker_run(a, w->e.x, w->aim, w->e.n, w->x, err);
	gm_attacker_free(a);
	return ok;
}

static bool attack(work *w, gm_error *err)
{
	static const char *const keys[KINDS] = {"clean", "random", "one-step", "iterated"};
	char name[64], title[96], key[64];
	const float *x;
	for (int kind = 0; kind < KINDS; kind++) {
		if ((kind == NOISE && w->o.euclidean) || (kind == ITERATED && w->o.steps < 2))
			continue;
		if (!make(w, kind, &x, name, err) || !tell(w, w->s, name, keys[kind], x, err))
			return false;
		snprintf(title, sizeof title, "  %s, on the other run", name);
		snprintf(key, sizeof key, "transfer-%s", keys[kind]);
		if (w->other && !tell(w, w->other, title, key, x, err))
			return false;
	}
	return true;
}

static bool run(work *w, gm_error *err)
{
	const char *json = cli_given(w->v, "json");
	w->numbers = json_object();
	bool ok = open_runs(w, err) && find_target(w, err) &&
	          cli_examples_get(&w->e, w->s, w->v, err) && choose_labels(w, err) &&
	          attack(w, err) && draw(w, err);
	if (ok && json) {
		json_object_set_new(w->numbers, "epsilon", json_real(w->o.epsilon));
		json_object_set_new(w->numbers, "steps", json_integer(w->o.steps));
		json_object_set_new(w->numbers, "images", json_integer((json_int_t)w->e.n));
		char *text = json_dumps(w->numbers, JSON_INDENT(1) | JSON_REAL_PRECISION(8));
		ok = text ? gm_file_write(json, text, strlen(text), err)
		          : gm_fail(err, GM_ERR_MEMORY, "out of memory");
		free(text);
	}
	return ok;
}

int cli_attack(int argc, char **argv)
{
	cli_values v = {.verb = "attack",
	                .option = options,
	                .about = "The picture shows triples: clean | change | attacked."};
	work w = {.v = &v};
	gm_error err = {0};
	if (!cli_examples_read(&w.e, &v, argc, argv))
		return w.e.status;
	if (!gm_image_format(cli_value(&v, "out"), &err) || !read_options(&w, &err))
		return cli_usage("%s", err.message);
	const bool ok = run(&w, &err);
	cli_examples_free(&w.e);
	gm_saved_free(w.s);
	gm_saved_free(w.other);
	free(w.truth), free(w.aim), free(w.said), free(w.x);
	json_decref(w.numbers);
	return ok                         ? CLI_OK
	       : err.code == GM_ERR_VALUE ? cli_usage("%s", err.message)
	                                  : cli_fail(&err);
}
