/* SPDX-License-Identifier: MIT
 *
 * cli/edit.c -- ganymede edit: images of a generator that satisfy strokes, or an edited photo; and
 * ganymede morph: from one photo to another through the generator's images.
 */
#include "cli/cli.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/examples.h"
#include "use/edit.h"
#include "use/project.h"

/* ---- edit ------------------------------------------------------------------------------------ */

static const cli_option edit_options[] = {
	{"frames", "0",
         "also shows this many images from the one before the edit to the best candidate"},
	{"raw", "", "use the weights, not their moving averages"},
	{"out", "edited.png",
         "FILE.png, .jpg or .webp: the candidates, the best first; with frames a second row; also "
         "-o"},
	{"outdir", "runs", "folder of runs"},
	{"help", "", "this"},
	{0},
};

typedef struct request {
	gm_edit_options o;
	gm_saved *s;
	float *z0, *shown; /* of the photo, or NULL; what is written */
	int64_t frames, n; /* n: images in shown */
	int columns;
} request;

/* Fills q->shown with candidates, and frames. */
static bool show(request *q, gm_edit *e, const int64_t *order, int64_t kept, gm_error *err)
{
	const int64_t numel = gm_saved_facts(q->s)->numel, numbers = gm_project_numbers(q->s, err);
	const int64_t columns = kept > q->frames ? kept : q->frames;
	q->columns = (int)columns, q->n = q->frames ? 2 * columns : kept;
	q->shown = calloc((size_t)(q->n * numel), sizeof *q->shown);
	if (!q->shown)
		return gm_fail(err, GM_ERR_MEMORY, "no memory for images");
	for (int64_t i = 0; i < kept; i++)
		memcpy(q->shown + i * numel, gm_edit_image(e, order[i]),
		       (size_t)numel * sizeof *q->shown);
	if (!q->frames)
		return true;
	float *from = malloc((size_t)numbers * sizeof *from);
	bool ok = from || gm_fail(err, GM_ERR_MEMORY, "no memory for latents");
	if (ok && q->z0)
		memcpy(from, q->z0, (size_t)numbers * sizeof *from);
	else if (ok) { /* from scribbles alone: from where the best candidate began */
		gm_edit *first = gm_edit_new(q->s, &q->o, NULL, err);
		ok = first != NULL;
		if (ok)
			memcpy(from, gm_edit_z(first) + order[0] * numbers,
			       (size_t)numbers * sizeof *from);
		gm_edit_free(first);
	}
	ok = ok && gm_edit_between(q->s, from, gm_edit_z(e) + order[0] * numbers, q->frames,
	                           q->shown + columns * numel, err);
	free(from);
	return ok;
}

static bool edit(request *q, const char *script, const char *out, gm_error *err)
{
	gm_bytes b = {0};
	int64_t order[256];
	if (!gm_file_open(script, &b, err))
		return false;
	gm_edit *e = gm_edit_new(q->s, &q->o, q->z0, err);
	gm_error why = {0};
	bool ok = e && (gm_edit_read(e, (const char *)b.data, b.size, &why) ||
	                gm_fail(err, why.code, "%s: %.300s", script, why.message));
	const double before =
		ok ? gm_edit_colour_error(e, gm_edit_order(e, order) ? order[0] : 0) : NAN;
	double cost = ok ? gm_edit_cost(e)[order[0]] : NAN;
	ok = ok && gm_edit_run(e, q->o.iterations, err);
	const int64_t kept = ok ? gm_edit_order(e, order) : 0;
	gm_image *im = NULL;
	ok = ok && show(q, e, order, kept, err) &&
	     (im = cli_examples_grid(q->s, q->shown, q->n, q->columns, err)) &&
	     gm_image_write(out, im, err);
	if (ok) {
		gm_term_picture(stdout, im, 0);
		printf("%s: %d candidates of %d starts, the best first; least cost %.4g, before "
		       "%.4g\n",
		       out, (int)kept, (int)q->o.starts, gm_edit_cost(e)[order[0]], cost);
		if (!isnan(before))
			printf("colour error of the best, of values in [-1,1]: %.4f, before %.4f\n",
			       gm_edit_colour_error(e, order[0]), before);
	}
	gm_image_free(im);
	gm_edit_free(e);
	gm_file_close(&b);
	return ok;
}

/* Latents of a photo; NULL on failure. */
static float *projected(gm_saved *s, const char *path, const cli_values *v, float **x,
                        gm_error *err)
{
	cli_examples e = {.columns = 1, .rows = 1};
	cli_values one = *v;
	one.operand[1] = path;
	gm_project_options o;
	double rmse;
	gm_action_reset(gm_project_rows, &o);
	const int64_t numbers = gm_project_numbers(s, err);
	float *z = numbers ? malloc((size_t)numbers * sizeof *z) : NULL;
	const bool ok = z &&
	                (cli_is_picture(path) || !gm_file_exists(path) ||
	                 gm_fail(err, GM_ERR_VALUE, "%s is not a picture", path)) &&
	                cli_examples_get(&e, s, &one, err) &&
	                gm_project(s, &o, e.x, 1, z, NULL, &rmse, err);
	if (ok)
		printf("%s: projected, RMSE %.4f of values in [-1,1]\n", path, rmse);
	if (ok && x) {
		*x = e.x;
		e.x = NULL;
	}
	cli_examples_free(&e);
	if (ok)
		return z;
	free(z);
	return NULL;
}

int cli_edit(int argc, char **argv)
{
	static const char *const flags[] = {"help", "h", "raw", NULL};
	cli_args a = {.argc = argc, .at = 1, .argv = argv, .flags = flags};
	request q = {0};
	cli_values v = {
		.verb = "edit", .option = edit_options, .row = gm_edit_rows, .action = &q.o};
	gm_error err = {0};
	uint64_t frames;
	gm_action_reset(gm_edit_rows, &q.o);
	int status = cli_read(&a, &v, 3);
	if (status)
		return status;
	if (cli_given(&v, "help")) {
		cli_help("edit");
		puts("\nSCRIPT is JSON: {\"strokes\": [{\"tool\": \"colour\", \"width\": 2, "
		     "\"colour\": "
		     "\"#2bb24c\", \"points\": [[x, y], ..]},\n{\"tool\": \"sketch\", ..}, "
		     "{\"tool\": "
		     "\"warp\", \"size\": 24, \"from\": [x, y], \"to\": [x, y]}, {\"tool\": "
		     "\"erase\", "
		     "..}]}.\nWith PHOTO, its projection is edited; without, images are made from "
		     "the "
		     "strokes alone.");
		cli_options_help(edit_options);
		cli_action_help(gm_edit_rows);
		return CLI_OK;
	}
	const char *out = cli_value(&v, "out");
	if (!v.operand[1])
		return cli_usage(
			"edit needs a run and a script, such as: ganymede edit 0 strokes.json");
	if (!cli_whole(&v, "frames", 0, 64, &frames, &err) || !gm_image_format(out, &err))
		return cli_usage("%s", err.message);
	q.frames = (int64_t)frames;
	q.s = cli_examples_run(&v, NULL, &err);
	bool ok = q.s && (!v.operand[2] || (q.z0 = projected(q.s, v.operand[2], &v, NULL, &err))) &&
	          edit(&q, v.operand[1], out, &err);
	free(q.z0), free(q.shown);
	gm_saved_free(q.s);
	return ok ? CLI_OK : cli_fail(&err);
}

/* ---- morph ----------------------------------------------------------------------------------- */

static const cli_option morph_options[] = {
	{"frames", "16", "images from one to the other"},
	{"raw", "", "use the weights, not their moving averages"},
	{"out", "morph.png", "FILE.png, .jpg or .webp: photo | frames | photo; also -o"},
	{"outdir", "runs", "folder of runs"},
	{"help", "", "this"},
	{0},
};

int cli_morph(int argc, char **argv)
{
	static const char *const flags[] = {"help", "h", "raw", NULL};
	cli_args a = {.argc = argc, .at = 1, .argv = argv, .flags = flags};
	cli_values v = {.verb = "morph", .option = morph_options};
	gm_error err = {0};
	uint64_t frames;
	int status = cli_read(&a, &v, 3);
	if (status)
		return status;
	if (cli_given(&v, "help")) {
		cli_help("morph");
		puts("\nBoth photos are projected (as by ganymede project); frames are images of "
		     "the "
		     "latents between theirs.");
		cli_options_help(morph_options);
		return CLI_OK;
	}
	const char *out = cli_value(&v, "out");
	if (!v.operand[2])
		return cli_usage("morph needs a run and two photos: ganymede morph 0 a.png b.png");
	if (!cli_whole(&v, "frames", 2, 64, &frames, &err) || !gm_image_format(out, &err))
		return cli_usage("%s", err.message);
	const int64_t n = (int64_t)frames;
	gm_saved *s = cli_examples_run(&v, NULL, &err);
	float *photo[2] = {0}, *z[2] = {0};
	bool ok = s && (z[0] = projected(s, v.operand[1], &v, &photo[0], &err)) &&
	          (z[1] = projected(s, v.operand[2], &v, &photo[1], &err));
	const int64_t numel = ok ? gm_saved_facts(s)->numel : 1;
	float *x = malloc((size_t)((n + 2) * numel) * sizeof *x);
	gm_image *im = NULL;
	ok = ok && (x || gm_fail(&err, GM_ERR_MEMORY, "no memory for images")) &&
	     gm_edit_between(s, z[0], z[1], n, x + numel, &err);
	for (int i = 0; ok && i < 2; i++)
		memcpy(x + i * (n + 1) * numel, photo[i], (size_t)numel * sizeof *x);
	ok = ok && (im = cli_examples_grid(s, x, n + 2, (int)n + 2, &err)) &&
	     gm_image_write(out, im, &err);
	if (ok) {
		gm_term_picture(stdout, im, 0);
		printf("%s: photo | %d frames | photo\n", out, (int)n);
	}
	gm_image_free(im);
	for (int i = 0; i < 2; i++)
		free(photo[i]), free(z[i]);
	free(x);
	gm_saved_free(s);
	return ok ? CLI_OK : cli_fail(&err);
}
