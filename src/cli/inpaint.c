/* SPDX-License-Identifier: MIT
 *
 * cli/inpaint.c -- ganymede inpaint: hides a part of images and lets a run fill it in.
 */
#include "cli/cli.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/examples.h"
#include "ganymede/data.h"
#include "run/classes.h"
#include "run/folder.h"
#include "run/settings.h"
#include "use/hole.h"
#include "use/inpaint.h"
#include "use/saved_run.h"

typedef struct request {
	const char *hide, *mask; /* hidden part: a name or a rectangle; or a mask file, or NULL */
	gm_inpaint_options o;
	gm_inpaint_report *report; /* of each completion, malloc */
	int columns;
	int32_t *label; /* of each image, or NULL */
	const char *out;
	bool folder; /* out is one, of an image each */
	bool force;
	bool score;      /* instead of images */
	json_t *scores;  /* or NULL */
	uint8_t *hidden; /* [height, width] */
} request;

static bool hide(gm_saved *s, request *q, gm_error *err)
{
	const gm_facts *f = gm_saved_facts(s);
	if (f->points || f->rate)
		return gm_fail(err, GM_ERR_VALUE, "this works for images, but this run is for %s",
		               gm_facts_word(f));
	q->hidden = calloc((size_t)(f->height * f->width), 1);
	if (!q->hidden)
		return gm_fail(err, GM_ERR_MEMORY, "no memory for images");
	q->o.hidden = q->hidden;
	if (!q->mask)
		return gm_hole_name(q->hide, f->height, f->width, q->o.seed, q->hidden, err);
	gm_image *im = gm_image_read(q->mask, NULL, err);
	gm_error why = {0};
	const bool ok =
		im && (gm_hole_picture(im, f->height, f->width, q->hidden, &why) ||
	               gm_fail(err, why.code, "option mask: %s: %.300s", q->mask, why.message));
	gm_image_free(im);
	return ok;
}

/* The completions of every example, [n, ways, example]; the caller frees them. */
static float *completed(gm_saved *s, const cli_examples *e, request *q, gm_error *err)
{
	const int64_t n = e->n * q->o.ways;
	float *x = malloc((size_t)(n * gm_saved_facts(s)->numel) * sizeof *x);
	q->report = calloc((size_t)n, sizeof *q->report);
	q->o.label = q->label;
	if (!x || !q->report)
		gm_fail(err, GM_ERR_MEMORY, "no memory for images");
	else if (gm_inpaint(s, &q->o, e->x, e->n, x, q->report, err))
		return x;
	free(x);
	return NULL;
}

/* Each row of the grid shows one image: original | visible part | completions. */
static gm_image *picture(gm_saved *s, const cli_examples *e, const request *q, const float *x,
                         gm_error *err)
{
	const gm_facts *f = gm_saved_facts(s);
	const int64_t numel = f->numel, each = 2 + q->o.ways, plane = f->height * f->width;
	float *all = malloc(e->n * each * numel * sizeof *all);
	gm_image *im = NULL;
	if (!all)
		gm_fail(err, GM_ERR_MEMORY, "no memory for images");
	for (int64_t i = 0; all && i < e->n; i++) {
		float *row = all + i * each * numel;
		memcpy(row, e->x + i * numel, numel * sizeof *row);
		for (int64_t j = 0; j < numel; j++) /* hidden values are grey */
			row[numel + j] = q->hidden[j % plane] ? 0 : e->x[i * numel + j];
		memcpy(row + 2 * numel, x + i * q->o.ways * numel, q->o.ways * numel * sizeof *row);
	}
	if (all)
		im = cli_examples_grid(s, all, e->n * each, (int)each * q->columns, err);
	free(all);
	return im;
}

/* OUT/NAME.png, or NAME-K.png where there are several. */
static bool path_of(const request *q, const cli_examples *e, int64_t i, int way,
                    char path[PATH_MAX], gm_error *err)
{
	char number[32] = "", stem[512];
	snprintf(stem, sizeof stem, "%s", e->name[i]);
	char *dot = strrchr(stem, '.'), *slash = strrchr(stem, '/');
	if (dot && dot > (slash ? slash + 1 : stem))
		*dot = 0;
	if (q->o.ways > 1)
		snprintf(number, sizeof number, "-%d", way);
	return snprintf(path, PATH_MAX, "%s/%s%s.png", q->out, stem, number) < PATH_MAX ||
	       gm_fail(err, GM_ERR_VALUE, "%s: the name is too long", e->name[i]);
}

/* All names first, so that nothing is written where something is in the way. */
static bool write_all(gm_saved *s, const cli_examples *e, const request *q, const float *x,
                      gm_error *err)
{
	const gm_facts *f = gm_saved_facts(s);
	char path[PATH_MAX];
	for (int pass = 0; pass < 2; pass++)
		for (int64_t i = 0; i < e->n * q->o.ways; i++) {
			if (!path_of(q, e, i / q->o.ways, (int)(i % q->o.ways) + 1, path, err))
				return false;
			if (!pass && !q->force && gm_file_exists(path))
				return gm_fail(err, GM_ERR_VALUE,
				               "%s already exists: give another -o, or --force to "
				               "overwrite",
				               path);
			if (!pass)
				continue;
			const gm_grid one = {.n = 1,
			                     .channels = (int)f->channels,
			                     .height = (int)f->height,
			                     .width = (int)f->width,
			                     .padding = -1,
			                     .scale = 1};
			char *slash = strrchr(path, '/');
			*slash = 0;
			bool ok = gm_file_make_folder(path, err);
			*slash = '/';
			gm_image *im = ok ? gm_image_grid(x + i * f->numel, &one, err) : NULL;
			ok = im && gm_image_write(path, im, err);
			gm_image_free(im);
			if (!ok)
				return false;
		}
	return true;
}

/* Mean context loss and D's output, of the best completion of each image. */
static void tell_losses(const cli_examples *e, const request *q)
{
	double context = 0, score = 0;
	for (int64_t i = 0; i < e->n; i++)
		context += q->report[i * q->o.ways].context / (double)e->n,
			score += q->report[i * q->o.ways].score / (double)e->n;
	if (!isnan(context))
		printf("semantic inpainting: %d starts, %d iterations; context loss %.4g",
		       (int)q->o.starts, (int)q->o.iterations, context);
	if (!isnan(context) && !isnan(score))
		printf(", D's output %.3g", score);
	if (!isnan(context))
		puts("");
}

static int work(gm_saved *s, const cli_examples *e, request *q)
{
	gm_error err = {0};
	float *x = completed(s, e, q, &err);
	gm_image *im = x && !q->folder ? picture(s, e, q, x, &err) : NULL;
	bool ok = q->folder ? x && write_all(s, e, q, x, &err)
	                    : im && gm_image_write(q->out, im, &err);
	if (ok && im)
		gm_term_picture(stdout, im, 0);
	if (ok)
		printf("%s: %" PRId64 " of %s, %s hidden: %s%d completion%s, seed %" PRIu64 "\n",
		       q->out, e->n, e->from, q->mask ? q->mask : q->hide,
		       q->folder ? "" : "original | left | ", (int)q->o.ways,
		       q->o.ways == 1 ? "" : "s", q->o.seed);
	if (ok)
		tell_losses(e, q);
	gm_image_free(im);
	free(x);
	return ok ? CLI_OK : cli_fail(&err);
}

/* ---- scores --------------------------------------------------------------------------------- */

enum { SCORED = 1000, NEIGHBOURS = 10000 };

/* Up to NEIGHBOURS examples of the training data without augmentation; the caller frees them. */
static float *training_examples(gm_saved *s, int64_t *n, gm_error *err)
{
	gm_data_options o = {.again = true};
	const gm_settings *have = gm_saved_settings(s);
	gm_dataset *d = gm_settings_data(have, false, &o, err)
	                        ? gm_data_open(gm_settings_get(have, "data"), &o, err)
	                        : NULL;
	if (!d)
		return NULL;
	const int64_t numel = gm_saved_facts(s)->numel;
	const uint64_t count = gm_data_info_of(d)->count;
	*n = count && count < NEIGHBOURS ? (int64_t)count : NEIGHBOURS;
	float *x = malloc((size_t)(*n * numel) * sizeof *x);
	bool ok = x || gm_fail(err, GM_ERR_MEMORY, "no memory for training images");
	for (int64_t i = 0; ok && i < *n; i++)
		ok = gm_data_get(d, (uint64_t)i, x + i * numel, NULL, err);
	gm_data_close(d);
	if (!ok)
		free(x);
	return ok ? x : NULL;
}

/* Prints the errors of x, and adds them to `scores` (or NULL) under names that end in `of`. */
static void put_errors(const gm_hole *h, const char *name, const float *x, const float *truth,
                       json_t *scores, const char *of)
{
	const gm_hole_errors e = gm_hole_compare(h, x, truth);
	const double seam = gm_hole_seam(h, x);
	const struct {
		const char *name;
		double value;
	} row[] = {{"psnr", e.psnr}, {"l1", e.l1}, {"l2", e.l2}, {"seam", seam}};
	char key[40];
	for (int i = 0; scores && i < 4; i++) {
		snprintf(key, sizeof key, "%s%s", row[i].name, of);
		json_object_set_new(scores, key, json_real(row[i].value));
	}
	printf("%-17s  L1 %6.2f %%  L2 %6.2f %%  PSNR %6.2f dB  seam %5.2f %%\n", name, 100 * e.l1,
	       100 * e.l2, e.psnr, 100 * seam);
}

/* Errors of the completions within the hole, and those of simple fillings. */
static bool score(gm_saved *s, const cli_examples *e, request *q, gm_error *err)
{
	static const char *const names[] = {"mean", "harmonic", "nearest neighbour"},
				 *const ends[] = {"-mean", "-harmonic", "-nearest"};
	const gm_facts *f = gm_saved_facts(s);
	const gm_hole h = {e->n, f->channels, f->height, f->width, q->hidden, f->low, f->high};
	const size_t bytes = (size_t)(e->n * f->numel) * sizeof(float);
	int64_t visible = 0, known = 0;
	for (int64_t i = 0; i < f->height * f->width; i++)
		visible += !q->hidden[i];
	if (!visible)
		return gm_fail(err, GM_ERR_VALUE,
		               "option score: all is hidden, so there is nothing to compare with");
	float *made = completed(s, e, q, err), *x = malloc(bytes),
	      *train = made && x ? training_examples(s, &known, err) : NULL;
	bool ok = made && train && (x || gm_fail(err, GM_ERR_MEMORY, "no memory for images"));
	if (ok) {
		printf("%" PRId64 " of %s, %s hidden (%" PRId64 " of %" PRId64
		       " pixels), seed %" PRIu64 "; errors of hidden pixels:\n",
		       e->n, e->from, q->mask ? q->mask : q->hide, f->height * f->width - visible,
		       f->height * f->width, q->o.seed);
		put_errors(&h, gm_saved_model(s)->name, made, e->x, q->scores, "");
	}
	for (int i = 0; ok && i < 3; i++) {
		memcpy(x, e->x, bytes);
		if (i == 0)
			gm_hole_fill_mean(&h, x);
		else if (i == 1)
			gm_hole_fill_harmonic(&h, x);
		else
			ok = gm_hole_fill_nearest(&h, x, train, known, err);
		if (ok)
			put_errors(&h, names[i], x, e->x, q->scores, ends[i]);
	}
	if (ok)
		put_errors(&h, "truth", e->x, e->x, NULL, "");
	if (ok)
		printf("seam: mean difference of neighbours across the border of the hole; mean: "
		       "of "
		       "the visible pixels; nearest neighbour: by visible pixels, among %" PRId64
		       " training images\n",
		       known);
	if (ok)
		tell_losses(e, q);
	free(made), free(x), free(train);
	return ok;
}

static const cli_option options[] = {
	{"hide", "bottom",
         "the part to fill in: bottom, top, left, right, middle, all, random, random:SHARE, "
         "pattern, grid (one pixel of 4 x 4 is visible), or X,Y,WIDTH,HEIGHT in pixels"},
	{"mask", "", "instead of --hide: an image of the run's size, white where to fill in"},
	{"score", "",
         "errors of the hidden part, also of simple fillings, instead of images: of --count "
         "images"},
	{"turns", "", "complete: iterations of an iterative endpoint; default: the model's"},
	{"class", "",
         "name or number of the class, for a class-conditional model; default: the image's class"},
	{"grid", "1x8", "columns x rows of images"},
	{"count", "0",
         "with -o FOLDER: number of images; 0: all, of an endless set 64; with --score: 1000"},
	{"split", "", "split of a data set: train, test or val"},
	{"range", "", "only examples FROM:TO of the data's files, such as those not trained on"},
	{"out", "completed.png",
         "FILE.png, .jpg or .webp for a grid; or a FOLDER for separate images; also -o"},
	{"force", "", "with -o FOLDER: overwrite"},
	{"raw", "", "use the weights, not their moving averages"},
	{"outdir", "runs", "folder of runs"},
	{"help", "", "this"},
	{0},
};

/* The endpoint of the method. */
static const char *endpoint(const request *q)
{
	return q->o.method == GM_INPAINT_COMPLETE ? GM_ENDPOINT_COMPLETE : GM_ENDPOINT_GENERATE;
}

/* Sets q->label, the class of each image; NULL if unknown or not needed. */
static bool labels(gm_saved *s, const cli_values *v, const cli_examples *e, request *q,
                   gm_error *err)
{
	int64_t class = 0;
	bool given = *cli_value(v, "class");
	if (given && !gm_saved_takes_labels(s, endpoint(q)))
		return gm_fail(err, GM_ERR_VALUE, "option class: %s is not class-conditional",
		               gm_saved_model(s)->name);
	if (given && !gm_class_find(gm_saved_facts(s), cli_value(v, "class"), &class, err))
		return false;
	if (!gm_saved_takes_labels(s, endpoint(q)) || (!given && !e->label))
		return true;
	q->label = malloc((size_t)e->n * sizeof *q->label);
	for (int64_t i = 0; q->label && i < e->n; i++)
		q->label[i] = given ? (int32_t) class : e->label[i];
	return q->label || gm_fail(err, GM_ERR_MEMORY, "no memory for labels");
}

/* What the command line says before the run is opened. */
static int read_options(const cli_values *v, request *q, cli_examples *e, gm_error *err)
{
	uint64_t count;
	q->hide = cli_value(v, "hide"), q->mask = cli_given(v, "mask");
	q->out = cli_value(v, "out"), q->force = cli_given(v, "force");
	q->folder = cli_given(v, "out") && !strrchr(cli_base_name(q->out), '.');
	if (q->mask && cli_given(v, "hide"))
		return cli_usage("inpaint takes --hide or --mask, not both");
	if (!gm_hole_is_name(q->hide))
		return cli_usage(
			"option hide: \"%.60s\" is not bottom, top, left, right, middle, all, "
			"random, random:SHARE, pattern, grid or X,Y,WIDTH,HEIGHT",
			q->hide);
	if (!cli_whole(v, "count", 0, INT32_MAX, &count, err))
		return cli_usage("%s", err->message);
	q->score = cli_given(v, "score");
	if (q->score && (cli_given(v, "out") || cli_given(v, "grid") || q->o.ways > 1))
		return cli_usage("option score is for one completion of each image, without "
		                 "options out and grid");
	if (q->score) {
		e->columns = count ? (int)count : SCORED, e->rows = 1;
		return CLI_OK;
	}
	if (!q->folder && (cli_given(v, "count") || q->force))
		return cli_usage("options count and force are for -o FOLDER");
	if (q->folder && cli_given(v, "grid"))
		return cli_usage("option grid is for -o FILE.png");
	if (!q->folder && !gm_image_format(q->out, err))
		return cli_usage("%s", err->message);
	if (q->folder)
		e->columns = count ? (int)count : INT32_MAX, e->rows = 1, e->named = true;
	q->columns = e->columns;
	return CLI_OK;
}

int cli_inpaint(int argc, char **argv)
{
	return cli_inpaint_scored(argc, argv, NULL);
}

int cli_inpaint_scored(int argc, char **argv, json_t *scores)
{
	request q = {.scores = scores};
	cli_values v = {
		.verb = "inpaint",
		.option = options,
		.row = gm_inpaint_rows,
		.action = &q.o,
		.about =
			"Each image is shown as original | visible part | completions. A run with "
			"the endpoint\n\"complete\" fills in images at once; with a generator, its "
			"latents are searched\n(semantic inpainting, Yeh et al. 2017)."};
	cli_examples e;
	gm_action_reset(gm_inpaint_rows, &q.o);
	if (!cli_examples_read(&e, &v, argc, argv))
		return e.status;
	gm_error err = {0};
	int status = read_options(&v, &q, &e, &err);
	if (status)
		return status;
	gm_saved *s = cli_examples_run(&v, NULL, &err);
	bool ok = s && hide(s, &q, &err) && gm_inpaint_choose(s, &q.o, &err);
	if (ok && q.o.method == GM_INPAINT_COMPLETE)
		status = cli_useless(&v, "iterations|rate|starts|weights|window|prior",
		                     "with the method complete");
	else if (ok)
		status = cli_useless(&v, "turns", "with the method semantic");
	if (status) {
		free(q.hidden);
		cli_examples_free(&e);
		gm_saved_free(s);
		return status;
	}
	ok = ok && cli_turns(s, endpoint(&q), &v, &err) && cli_examples_get(&e, s, &v, &err) &&
	     labels(s, &v, &e, &q, &err);
	if (ok && q.score)
		status = score(s, &e, &q, &err) ? CLI_OK : cli_fail(&err);
	else
		status = ok ? work(s, &e, &q) : cli_fail(&err);
	free(q.label);
	free(q.hidden);
	free(q.report);
	cli_examples_free(&e);
	gm_saved_free(s);
	return status;
}
