/* SPDX-License-Identifier: MIT
 *
 * cli/predict.c -- ganymede predict: the frames that follow, as a model of videos predicts them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/examples.h"
#include "ganymede/data.h"
#include "plot/figure.h"
#include "run/run.h"

static bool is_animation(const char *path)
{
	const char *dot = strrchr(path, '.');
	return dot && !strcasecmp(dot, ".webp");
}

/* Reads f->n videos of the input, or of the run's data, to truth. */
static bool read_videos(gm_saved *s, const cli_values *v, const gm_film *f, float *truth,
                        char *from, size_t room, gm_error *err)
{
	const char *part;
	gm_dataset *d = cli_examples_open(s, v, &part, err);
	const gm_field *field = d ? gm_data_field(d, "video") : NULL;
	const gm_data_info *info = d ? gm_data_info_of(d) : NULL;
	bool ok = d != NULL;
	if (ok && (!field || field->shape[0] != f->frames || field->shape[1] != f->channels ||
	           field->shape[2] != f->height || field->shape[3] != f->width))
		ok = gm_fail(err, GM_ERR_VALUE,
		             "%s does not have videos of %d frames of %dx%d, as this run's",
		             info->name, (int)f->frames, f->width, f->height);
	if (ok && info->count && info->count < (uint64_t)f->n)
		ok = gm_fail(err, GM_ERR_VALUE, "option count: %s has %" PRIu64 " videos",
		             info->name, info->count);
	ok = ok && gm_data_read(d, field, 0, 0, f->n, truth, err);
	if (ok)
		snprintf(from, room, "%.150s, %s split", info->name, part);
	gm_data_close(d);
	return ok;
}

static bool predict(gm_saved *s, const gm_film *f, float *y, gm_error *err)
{
	const int64_t m = gm_saved_batch(s), one = f->frames * f->channels * f->height * f->width;
	float *x = calloc((size_t)(2 * m * one), sizeof *x);
	bool ok = x || gm_fail(err, GM_ERR_MEMORY, "no memory for videos");
	for (int64_t at = 0; ok && at < f->n; at += m) {
		const int64_t take = f->n - at < m ? f->n - at : m;
		memcpy(x, f->truth + at * one, (size_t)(take * one) * sizeof *x);
		ok = gm_saved_run(s, GM_ENDPOINT_PREDICT, (const void *[]){x}, 0,
		                  (uint64_t)(at / m), x + m * one, err);
		if (ok)
			memcpy(y + at * one, x + m * one, (size_t)(take * one) * sizeof *y);
	}
	free(x);
	return ok;
}

static int work(gm_saved *s, const cli_values *v, uint64_t count)
{
	const gm_shape shape = gm_saved_shape(s, GM_ENDPOINT_PREDICT);
	const char *out = cli_value(v, "out");
	const int64_t one = shape.dim[1] * shape.dim[2] * shape.dim[3] * shape.dim[4];
	float *x = malloc((size_t)(2 * one) * count * sizeof *x), *y = x ? x + one * count : NULL;
	gm_film f = {.n = (int64_t)count,
	             .frames = shape.dim[1],
	             .channels = (int)shape.dim[2],
	             .height = (int)shape.dim[3],
	             .width = (int)shape.dim[4],
	             .truth = x,
	             .predicted = y};
	char from[200];
	gm_error err = {0};
	gm_image *im = NULL;
	bool ok = (x || gm_fail(&err, GM_ERR_MEMORY, "no memory for videos")) &&
	          read_videos(s, v, &f, x, from, sizeof from, &err) && predict(s, &f, y, &err);
	if (ok && is_animation(out))
		ok = gm_film_animate(out, &f, &err);
	else if (ok)
		ok = (im = gm_film_strip(&f, &err)) && gm_image_write(out, im, &err);
	if (ok) {
		if (im)
			gm_term_picture(stdout, im, 0);
		printf("%s: %" PRId64
		       " of %s, the true frames above the predicted ones, which follow "
		       "the first %s\n",
		       out, f.n, from, gm_saved_option(s, "given"));
	}
	gm_image_free(im);
	free(x);
	return ok ? CLI_OK : cli_fail(&err);
}

static const cli_option options[] = {
	{"count", "8", "number of videos"},
	{"split", "", "split of a data set: train or test"},
	{"range", "", "only the examples FROM:TO of a finite set"},
	{"out", "predicted.webp",
         "FILE.webp, an animation, or FILE.png or .jpg, a row for each; also -o"},
	{"outdir", "runs", "folder of runs"},
	{"help", "", "this"},
	{0},
};

int cli_predict(int argc, char **argv)
{
	static const char *const flags[] = {"help", "h", NULL};
	cli_args a = {.argc = argc, .at = 1, .argv = argv, .flags = flags};
	cli_values v = {.verb = "predict", .option = options};
	gm_error err = {0};
	uint64_t count = 8;
	int status = cli_read(&a, &v, 2);
	if (status)
		return status;
	if (cli_given(&v, "help")) {
		cli_help("predict");
		puts("\nINPUT is a data set of videos; default: the test split of the run's data.");
		cli_options_help(options);
		return CLI_OK;
	}
	if (!v.operand[0])
		return cli_usage("predict needs a run, such as: ganymede predict 0");
	if ((cli_given(&v, "count") && !cli_whole(&v, "count", 1, 64, &count, &err)) ||
	    !gm_image_format(cli_value(&v, "out"), &err))
		return cli_usage("%s", err.message);
	gm_saved *s = cli_examples_run(&v, GM_ENDPOINT_PREDICT, &err);
	status = s ? work(s, &v, count) : cli_fail(&err);
	gm_saved_free(s);
	return status;
}
