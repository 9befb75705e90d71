/* SPDX-License-Identifier: MIT
 *
 * cli/predict.c -- ganymede predict: the frames or label maps that follow, as a model predicts
 * them.
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

/* The input of "predict", read from a data set, and the output; both of `count` sequences. */
typedef struct sequences {
	gm_port port; /* videos, or label maps */
	gm_shape out; /* of a batch */
	int64_t count, in_each, out_each;
	float *x, *y; /* x: int32_t if port.dtype is */
	char from[200];
} sequences;

static bool begin(sequences *q, gm_saved *s, int64_t count, gm_error *err)
{
	*q = (sequences){.count = count, .out = gm_saved_shape(s, GM_ENDPOINT_PREDICT)};
	gm_saved_ports(s, GM_ENDPOINT_PREDICT, &q->port, 1);
	q->in_each = q->out_each = 1;
	for (int i = 1; i < q->port.shape.rank; i++)
		q->in_each *= q->port.shape.dim[i];
	for (int i = 1; i < q->out.rank; i++)
		q->out_each *= q->out.dim[i];
	/* room for whole batches */
	const int64_t m = gm_saved_batch(s), rows = (count + m - 1) / m * m;
	q->x = calloc((size_t)(rows * q->in_each), sizeof *q->x);
	q->y = calloc((size_t)(rows * q->out_each), sizeof *q->y);
	return (q->x && q->y) || gm_fail(err, GM_ERR_MEMORY, "no memory for videos");
}

static bool read_input(sequences *q, gm_saved *s, const cli_values *v, gm_error *err)
{
	const char *part;
	const gm_shape *want = &q->port.shape;
	gm_dataset *d = cli_examples_open(s, v, &part, err);
	const gm_field *field = d ? gm_data_field(d, q->port.name) : NULL;
	const gm_data_info *info = d ? gm_data_info_of(d) : NULL;
	bool ok = d != NULL, same = field && field->rank == want->rank - 1;
	for (int i = 0; same && i < field->rank; i++)
		same = field->shape[i] == want->dim[i + 1];
	const gm_shape *frame = &q->out;
	if (ok && !same)
		ok = gm_fail(err, GM_ERR_VALUE,
		             "%s does not have %s of %d frames of %dx%d, as this run's", info->name,
		             !strcmp(q->port.name, "video") ? "videos" : q->port.name,
		             (int)frame->dim[1], (int)frame->dim[4], (int)frame->dim[3]);
	if (ok && q->port.dtype == GM_I32 && field->classes > frame->dim[2])
		ok = gm_fail(err, GM_ERR_VALUE, "%s has %d classes of pixels, this run %d",
		             info->name, field->classes, (int)frame->dim[2]);
	if (ok && info->count && info->count < (uint64_t)q->count)
		ok = gm_fail(err, GM_ERR_VALUE, "option count: %s has %" PRIu64 " videos",
		             info->name, info->count);
	ok = ok && gm_data_read(d, field, 0, 0, q->count, q->x, err);
	if (ok)
		snprintf(q->from, sizeof q->from, "%.150s, %s split", info->name, part);
	gm_data_close(d);
	return ok;
}

static bool predict(sequences *q, gm_saved *s, gm_error *err)
{
	const int64_t m = gm_saved_batch(s);
	bool ok = true;
	for (int64_t at = 0; ok && at < q->count; at += m)
		ok = gm_saved_run(s, GM_ENDPOINT_PREDICT, (const void *[]){q->x + at * q->in_each},
		                  0, (uint64_t)(at / m), q->y + at * q->out_each, err);
	return ok;
}

static int work(gm_saved *s, const cli_values *v, uint64_t count)
{
	const char *out = cli_value(v, "out");
	sequences q;
	float *own = NULL;
	gm_error err = {0};
	gm_image *im = NULL;
	bool ok = begin(&q, s, (int64_t)count, &err) && read_input(&q, s, v, &err) &&
	          predict(&q, s, &err);
	gm_film f = {.n = q.count,
	             .frames = q.out.dim[1],
	             .channels = (int)q.out.dim[2],
	             .height = (int)q.out.dim[3],
	             .width = (int)q.out.dim[4],
	             .truth = q.x,
	             .predicted = q.y};
	if (ok && q.port.dtype == GM_I32)
		ok = gm_film_of_maps(&f, (const int32_t *)(void *)q.x, q.y, q.out.dim[2], &own,
		                     &err);
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
		       out, f.n, q.from, gm_saved_option(s, "given"));
	}
	gm_image_free(im);
	free(q.x);
	free(q.y);
	free(own);
	return ok ? CLI_OK : cli_fail(&err);
}

static const cli_option options[] = {
	{"count", "8", "number of videos, or of sequences of label maps"},
	{"split", "", "split of a data set: train, test or val"},
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
		puts("\nINPUT is a data set of videos, or of label maps for a model of these; "
		     "default: the test split of the run's data.");
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
