/* SPDX-License-Identifier: MIT
 *
 * cli/complete.c -- ganymede complete: hides a part of images and lets a model with the endpoint
 * "complete" fill it in.
 */
#include "cli/cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "cli/examples.h"
#include "ganymede/data.h"
#include "run/classes.h"
#include "run/folder.h"
#include "run/settings.h"
#include "score/hole.h"
#include "use/saved_run.h"

static const char *const parts[] = {"bottom", "top", "left", "right", "middle", "all", NULL};

typedef struct rectangle {
	int64_t x, y, width, height;
} rectangle;

/* A half, the inner quarter, or all. */
static rectangle part_of(int part, const gm_facts *f)
{
	const int64_t h = f->height, w = f->width;
	const rectangle all[] = {{0, h / 2, w, h - h / 2},
	                         {0, 0, w, (h + 1) / 2},
	                         {0, 0, (w + 1) / 2, h},
	                         {w / 2, 0, w - w / 2, h},
	                         {w / 4, h / 4, w - w / 4 * 2, h - h / 4 * 2},
	                         {0, 0, w, h}};
	return all[part];
}

typedef struct request {
	const char *hide, *mask; /* hidden part: a name or a rectangle; or a mask file, or NULL */
	int ways;                /* completions of each image */
	uint64_t seed;
	int columns;
	int32_t *label; /* of each completion, or NULL */
	const char *out;
	bool folder; /* out is one, of an image each */
	bool force;
	bool score;      /* instead of images */
	uint8_t *hidden; /* [height, width] */
} request;

static int find_part(const char *name)
{
	for (int i = 0; parts[i]; i++)
		if (!strcmp(parts[i], name))
			return i;
	return -1;
}

static bool parse_rectangle(const char *text, rectangle *r)
{
	int end = 0;
	return sscanf(text, "%" SCNd64 ",%" SCNd64 ",%" SCNd64 ",%" SCNd64 "%n", &r->x, &r->y,
	              &r->width, &r->height, &end) == 4 &&
	       !text[end];
}

static bool by_rectangle(request *q, const gm_facts *f, gm_error *err)
{
	rectangle r;
	int part = find_part(q->hide);
	if (part >= 0)
		r = part_of(part, f);
	else
		parse_rectangle(q->hide, &r);
	if (r.x < 0 || r.y < 0 || r.width < 1 || r.height < 1 || r.width > f->width - r.x ||
	    r.height > f->height - r.y)
		return gm_fail(err, GM_ERR_VALUE,
		               "option hide: %s is not within the run's images of %dx%d pixels",
		               q->hide, (int)f->width, (int)f->height);
	for (int64_t y = r.y; y < r.y + r.height; y++)
		memset(q->hidden + y * f->width + r.x, 1, (size_t)r.width);
	return true;
}

/* White is hidden, black is known. */
static bool by_mask(request *q, const gm_facts *f, gm_error *err)
{
	gm_image *im = gm_image_read(q->mask, NULL, err);
	if (!im)
		return false;
	bool ok = (im->width == f->width && im->height == f->height) ||
	          gm_fail(err, GM_ERR_VALUE,
	                  "option mask: %s has %dx%d pixels, the run's images %dx%d", q->mask,
	                  im->width, im->height, (int)f->width, (int)f->height);
	bool any = false;
	for (int64_t i = 0; ok && i < f->width * f->height; i++)
		any = (q->hidden[i] = im->pixel[i * im->channels] > 127) || any;
	gm_image_free(im);
	return ok && (any || gm_fail(err, GM_ERR_VALUE,
	                             "option mask: nothing in %s is white, so nothing is hidden",
	                             q->mask));
}

static bool hide(gm_saved *s, request *q, gm_error *err)
{
	const gm_facts *f = gm_saved_facts(s);
	if (f->points)
		return gm_fail(err, GM_ERR_VALUE,
		               "this works for images, but this run is for points");
	q->hidden = calloc((size_t)(f->height * f->width), 1);
	if (!q->hidden)
		return gm_fail(err, GM_ERR_MEMORY, "no memory for images");
	return q->mask ? by_mask(q, f, err) : by_rectangle(q, f, err);
}

/* The completions of every example, [n, ways, example]; the caller frees them. */
static float *completed(gm_saved *s, const cli_examples *e, const request *q, gm_error *err)
{
	const int64_t numel = gm_saved_facts(s)->numel, n = e->n * q->ways;
	float *x = malloc(n * numel * sizeof *x);
	for (int64_t i = 0; x && i < n; i++)
		memcpy(x + i * numel, e->x + i / q->ways * numel, numel * sizeof *x);
	const gm_saved_hole hole = {
		.seed = q->seed, .n = n, .label = q->label, .hidden = q->hidden};
	if (!x)
		gm_fail(err, GM_ERR_MEMORY, "no memory for images");
	else if (gm_saved_complete(s, &hole, x, err))
		return x;
	free(x);
	return NULL;
}

/* Each row of the grid shows one image: original | visible part | completions. */
static gm_image *picture(gm_saved *s, const cli_examples *e, const request *q, const float *x,
                         gm_error *err)
{
	const gm_facts *f = gm_saved_facts(s);
	const int64_t numel = f->numel, each = 2 + q->ways, plane = f->height * f->width;
	float *all = malloc(e->n * each * numel * sizeof *all);
	gm_image *im = NULL;
	if (!all)
		gm_fail(err, GM_ERR_MEMORY, "no memory for images");
	for (int64_t i = 0; all && i < e->n; i++) {
		float *row = all + i * each * numel;
		memcpy(row, e->x + i * numel, numel * sizeof *row);
		for (int64_t j = 0; j < numel; j++) /* hidden values are grey */
			row[numel + j] = q->hidden[j % plane] ? 0 : e->x[i * numel + j];
		memcpy(row + 2 * numel, x + i * q->ways * numel, q->ways * numel * sizeof *row);
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
	if (q->ways > 1)
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
		for (int64_t i = 0; i < e->n * q->ways; i++) {
			if (!path_of(q, e, i / q->ways, (int)(i % q->ways) + 1, path, err))
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

static int work(gm_saved *s, const cli_examples *e, const request *q)
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
		       q->folder ? "" : "original | left | ", q->ways, q->ways == 1 ? "" : "s",
		       q->seed);
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

static void print_errors(const gm_hole *h, const char *name, const float *x, const float *truth)
{
	const gm_hole_errors e = gm_hole_compare(h, x, truth);
	printf("%-17s  L1 %6.2f %%  L2 %6.2f %%  PSNR %6.2f dB\n", name, 100 * e.l1, 100 * e.l2,
	       e.psnr);
}

/* Errors of the completions within the hole, and those of simple fillings. */
static bool score(gm_saved *s, const cli_examples *e, const request *q, gm_error *err)
{
	static const char *const names[] = {"mean", "harmonic", "nearest neighbour"};
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
		       f->height * f->width, q->seed);
		print_errors(&h, gm_saved_model(s)->name, made, e->x);
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
			print_errors(&h, names[i], x, e->x);
	}
	if (ok)
		printf("mean: of the visible pixels; nearest neighbour: by visible pixels, among "
		       "%" PRId64 " training images\n",
		       known);
	free(made), free(x), free(train);
	return ok;
}

static const cli_option options[] = {
	{"hide", "bottom",
         "the part to fill in: bottom, top, left, right, middle, all, or X,Y,WIDTH,HEIGHT in "
         "pixels"},
	{"mask", "", "instead of --hide: an image of the run's size, white where to fill in"},
	{"ways", "4", "completions of each image; default with -o FOLDER: 1"},
	{"score", "",
         "errors of the hidden part, also of simple fillings, instead of images: of --count "
         "images"},
	{"turns", "", "iterations of an iterative endpoint; default: the model's"},
	{"class", "",
         "name or number of the class, for a class-conditional model; default: the image's class"},
	{"grid", "1x8", "columns x rows of images"},
	{"count", "0",
         "with -o FOLDER: number of images; 0: all, of an endless set 64; with --score: 1000"},
	{"split", "", "split of a data set: train or test"},
	{"seed", "0", "seed of the completions"},
	{"out", "completed.png",
         "FILE.png, .jpg or .webp for a grid; or a FOLDER for separate images; also -o"},
	{"force", "", "with -o FOLDER: overwrite"},
	{"outdir", "runs", "folder of runs"},
	{"help", "", "this"},
	{0},
};

static bool takes_labels(gm_saved *s)
{
	return gm_saved_takes_labels(s, GM_ENDPOINT_COMPLETE);
}

/* Sets q->label, the class of each completion; NULL if unknown or not needed. */
static bool labels(gm_saved *s, const cli_values *v, const cli_examples *e, request *q,
                   gm_error *err)
{
	int64_t class = 0;
	bool given = *cli_value(v, "class");
	int64_t n = e->n * q->ways;
	if (given && !takes_labels(s))
		return gm_fail(err, GM_ERR_VALUE, "option class: %s is not class-conditional",
		               gm_saved_model(s)->name);
	if (given && !gm_class_find(gm_saved_facts(s), cli_value(v, "class"), &class, err))
		return false;
	if (!takes_labels(s) || (!given && !e->label))
		return true;
	q->label = malloc(n * sizeof *q->label);
	for (int64_t i = 0; q->label && i < n; i++)
		q->label[i] = given ? (int32_t) class : e->label[i / q->ways];
	return q->label || gm_fail(err, GM_ERR_MEMORY, "no memory for labels");
}

/* What the command line says before the run is opened. */
static int read_options(const cli_values *v, request *q, cli_examples *e, gm_error *err)
{
	rectangle r;
	uint64_t ways, count;
	q->hide = cli_value(v, "hide"), q->mask = cli_given(v, "mask");
	q->out = cli_value(v, "out"), q->force = cli_given(v, "force");
	q->folder = cli_given(v, "out") && !strrchr(cli_base_name(q->out), '.');
	if (q->mask && cli_given(v, "hide"))
		return cli_usage("complete takes --hide or --mask, not both");
	if (find_part(q->hide) < 0 && !parse_rectangle(q->hide, &r))
		return cli_usage(
			"option hide: \"%.60s\" is not bottom, top, left, right, middle, all "
			"or X,Y,WIDTH,HEIGHT",
			q->hide);
	if (!cli_whole(v, "ways", 1, 100, &ways, err) ||
	    !cli_whole(v, "count", 0, INT32_MAX, &count, err) ||
	    !cli_whole(v, "seed", 0, UINT64_MAX, &q->seed, err))
		return cli_usage("%s", err->message);
	q->score = cli_given(v, "score");
	q->ways = (q->folder || q->score) && !cli_given(v, "ways") ? 1 : (int)ways;
	if (q->score && (cli_given(v, "out") || cli_given(v, "grid") || q->ways > 1))
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

int cli_complete(int argc, char **argv)
{
	cli_values v = {.verb = "complete",
	                .option = options,
	                .about = "Each image is shown as original | visible part | completions."};
	cli_examples e;
	request q = {0};
	if (!cli_examples_read(&e, &v, argc, argv))
		return e.status;
	gm_error err = {0};
	int status = read_options(&v, &q, &e, &err);
	if (status)
		return status;
	gm_saved *s = cli_examples_run(&v, GM_ENDPOINT_COMPLETE, &err);
	bool ok = s && cli_turns(s, GM_ENDPOINT_COMPLETE, &v, &err) && hide(s, &q, &err) &&
	          cli_examples_get(&e, s, &v, &err) && labels(s, &v, &e, &q, &err);
	if (ok && q.score)
		status = score(s, &e, &q, &err) ? CLI_OK : cli_fail(&err);
	else
		status = ok ? work(s, &e, &q) : cli_fail(&err);
	free(q.label);
	free(q.hidden);
	cli_examples_free(&e);
	gm_saved_free(s);
	return status;
}
