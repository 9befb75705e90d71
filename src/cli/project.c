/* SPDX-License-Identifier: MIT
 *
 * cli/project.c -- ganymede project: the latents of a generator whose images are closest to given
 * ones.
 */
#include "cli/cli.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "cli/examples.h"
#include "tensorfile/npy.h"
#include "use/project.h"

static const cli_option options[] = {
	{"score", "",
         "errors of every method that the run can do, instead of an image: of --count images"},
	{"samples", "", "project the generator's own samples (seed + 1000), not INPUT"},
	{"count", "200", "with --score: number of images"},
	{"grid", "4x4", "columns x rows of pairs"},
	{"split", "", "split of a data set: train, test or val"},
	{"range", "", "only examples FROM:TO of the data's files, such as those not trained on"},
	{"latents", "", "also write the latents to this file, .npy"},
	{"raw", "", "use the weights, not their moving averages"},
	{"out", "projected.png", "FILE.png, .jpg or .webp; also -o"},
	{"outdir", "runs", "folder of runs"},
	{"help", "", "this"},
	{0},
};

typedef struct request {
	gm_project_options o;
	const char *out, *latents;
	bool score, samples;
	int columns;
	json_t *scores; /* or NULL; mean errors by the names of the methods */
} request;

static bool write_latents(const char *path, const float *z, int64_t n, int64_t numbers,
                          gm_error *err)
{
	char head[GM_NPY_HEAD];
	const int size = gm_npy_head(head, "<f4", (int64_t[]){n, numbers}, 2);
	gm_writer *w = gm_writer_open(path, err);
	const bool ok = w && gm_writer_put(w, head, (size_t)size, err) &&
	                gm_writer_put(w, z, (size_t)(n * numbers) * sizeof *z, err);
	return gm_writer_close(w, ok, err) && ok;
}

/* original | projection, pair after pair */
static gm_image *pairs(gm_saved *s, const cli_examples *e, const float *y, int columns,
                       gm_error *err)
{
	const int64_t numel = gm_saved_facts(s)->numel;
	float *all = malloc((size_t)(2 * e->n * numel) * sizeof *all);
	for (int64_t i = 0; all && i < 2 * e->n; i++)
		memcpy(all + i * numel, (i % 2 ? y : e->x) + i / 2 * numel,
		       (size_t)numel * sizeof *all);
	gm_image *im = all ? cli_examples_grid(s, all, 2 * e->n, 2 * columns, err) : NULL;
	if (!all)
		gm_fail(err, GM_ERR_MEMORY, "no memory for images");
	free(all);
	return im;
}

/* Replaces the examples by samples of the generator. */
static bool own_samples(gm_saved *s, const request *q, cli_examples *e, gm_error *err)
{
	e->n = (int64_t)e->columns * e->rows;
	e->x = malloc((size_t)(e->n * gm_saved_facts(s)->numel) * sizeof *e->x);
	snprintf(e->from, sizeof e->from, "the generator's own samples");
	return e->x ? gm_saved_draw(s, &(gm_samples){.seed = q->o.seed + 1000, .n = e->n}, e->x,
	                            err)
	            : gm_fail(err, GM_ERR_MEMORY, "no memory for images");
}

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* Returns the mean. */
static double print_errors(const char *how, double *rmse, int64_t n)
{
	double mean = 0, square = 0;
	for (int64_t i = 0; i < n; i++)
		mean += rmse[i] / (double)n, square += rmse[i] * rmse[i] / (double)n;
	qsort(rmse, (size_t)n, sizeof *rmse, compare);
	printf("%-13s RMSE: mean %.4f, deviation %.4f, median %.4f, largest %.4f\n", how, mean,
	       sqrt(fmax(square - mean * mean, 0)), rmse[n / 2], rmse[n - 1]);
	return mean;
}

static bool score(gm_saved *s, const cli_examples *e, const request *q, float *z, double *rmse,
                  gm_error *err)
{
	static const char *const names[] = {"", "network", "optimisation", "hybrid"};
	printf("%" PRId64 " of %s; values in [-1,1]; %d start%s, at most %d evaluations each\n",
	       e->n, e->from, (int)q->o.starts, q->o.starts == 1 ? "" : "s", (int)q->o.evaluations);
	for (int how = GM_PROJECT_NETWORK; how <= GM_PROJECT_HYBRID; how++) {
		gm_project_options o = q->o;
		gm_error no = {0};
		o.how = how;
		if (!gm_project_choose(s, &o, &no)) {
			printf("%-13s %s\n", names[how], "the run has no encoder");
			continue;
		}
		if (!gm_project(s, &o, e->x, e->n, z, NULL, rmse, err))
			return false;
		const double mean = print_errors(names[how], rmse, e->n);
		if (q->scores)
			json_object_set_new(q->scores, names[how], json_real(mean));
	}
	return true;
}

static bool draw(gm_saved *s, const cli_examples *e, const request *q, float *z, float *y,
                 double *rmse, gm_error *err)
{
	const int64_t numbers = gm_project_numbers(s, err);
	gm_image *im = NULL;
	bool ok = gm_project(s, &q->o, e->x, e->n, z, y, rmse, err) &&
	          (im = pairs(s, e, y, q->columns, err)) && gm_image_write(q->out, im, err) &&
	          (!q->latents || write_latents(q->latents, z, e->n, numbers, err));
	if (ok) {
		gm_term_picture(stdout, im, 0);
		printf("%s: %" PRId64 " of %s, original | projection\n", q->out, e->n, e->from);
		print_errors("projection", rmse, e->n);
	}
	gm_image_free(im);
	return ok;
}

static bool work(gm_saved *s, const cli_examples *e, const request *q, gm_error *err)
{
	const int64_t numbers = gm_project_numbers(s, err);
	if (!numbers)
		return false;
	float *z = malloc((size_t)(e->n * numbers) * sizeof *z),
	      *y = malloc((size_t)(e->n * gm_saved_facts(s)->numel) * sizeof *y);
	double *rmse = malloc((size_t)e->n * sizeof *rmse);
	bool ok = (z && y && rmse) || gm_fail(err, GM_ERR_MEMORY, "no memory for latents");
	if (ok)
		ok = q->score ? score(s, e, q, z, rmse, err) : draw(s, e, q, z, y, rmse, err);
	free(z), free(y), free(rmse);
	return ok;
}

int cli_project(int argc, char **argv)
{
	return cli_project_scored(argc, argv, NULL);
}

int cli_project_scored(int argc, char **argv, json_t *scores)
{
	request q = {.scores = scores};
	cli_values v = {.verb = "project",
	                .option = options,
	                .row = gm_project_rows,
	                .action = &q.o,
	                .about = "The image shows pairs: original | projection."};
	cli_examples e;
	gm_error err = {0};
	uint64_t count;
	gm_action_reset(gm_project_rows, &q.o);
	if (!cli_examples_read(&e, &v, argc, argv))
		return e.status;
	q.out = cli_value(&v, "out"), q.latents = cli_given(&v, "latents");
	q.score = cli_given(&v, "score"), q.samples = cli_given(&v, "samples");
	q.columns = e.columns;
	if (!cli_whole(&v, "count", 1, 1 << 20, &count, &err) || !gm_image_format(q.out, &err))
		return cli_usage("%s", err.message);
	if (!q.score && cli_given(&v, "count"))
		return cli_usage("option count is for --score; --grid says how many are shown");
	if (q.score && (q.latents || q.o.how != GM_PROJECT_AUTO))
		return cli_usage("--score compares all methods and writes no file: it takes "
		                 "neither --how nor --latents");
	if (q.samples && v.operand[1])
		return cli_usage("--samples is instead of an input, but there is %.200s",
		                 v.operand[1]);
	if (q.o.how == GM_PROJECT_NETWORK &&
	    (e.status = cli_useless(&v, "starts|evaluations|tolerance", "with --how network")))
		return e.status;
	if (q.score && (e.status = cli_useless(&v, "out|grid", "with --score")))
		return e.status;
	if (q.samples && (e.status = cli_useless(&v, "split|range", "with --samples")))
		return e.status;
	if (q.score)
		e.columns = (int)count, e.rows = 1;
	gm_saved *s = cli_examples_run(&v, NULL, &err);
	const bool ok =
		s && (q.score || gm_project_choose(s, &q.o, &err)) &&
		(q.samples ? own_samples(s, &q, &e, &err) : cli_examples_get(&e, s, &v, &err)) &&
		work(s, &e, &q, &err);
	cli_examples_free(&e);
	gm_saved_free(s);
	return ok ? CLI_OK : cli_fail(&err);
}
