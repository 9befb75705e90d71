/* SPDX-License-Identifier: MIT
 *
 * cli/complete.c -- ganymede complete: hides a part of pictures and lets a model that draws number by
 * number ("pixels") go on with what is left.
 */
#include "cli/cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/examples.h"
#include "run/classes.h"
#include "run/folder.h"

static const char *const parts[] = {"bottom", "top", "left", "right", "middle", "all", NULL};

/* Which half, or which inner quarter, or all. */
static bool inside(int part, int64_t y, int64_t x, const gm_facts *f)
{
	int64_t h = f->height, w = f->width;
	switch (part) {
	case 0:
		return y >= h / 2;
	case 1:
		return y < (h + 1) / 2;
	case 2:
		return x < (w + 1) / 2;
	case 3:
		return x >= w / 2;
	case 4:
		return y >= h / 4 && y < h - h / 4 && x >= w / 4 && x < w - w / 4;
	default:
		return true;
	}
}

typedef struct request {
	int part, ways; /* what is hidden; completions of each picture */
	uint64_t seed;
	int columns;
	int32_t *label; /* of each completion, or NULL */
	const char *out;
} request;

/* In each row of the grid one picture: original | what is left | completions. */
static gm_image *picture(gm_saved *s, const cli_examples *e, const request *q, gm_error *err)
{
	const gm_facts *f = gm_saved_facts(s);
	int64_t numel = f->numel, each = 2 + q->ways, n = e->n * q->ways;
	float *all = malloc(e->n * each * numel * sizeof *all);
	float *x = malloc(n * numel * sizeof *x);
	uint8_t *hidden = malloc(numel);
	gm_image *im = NULL;
	bool ok = (all && x && hidden) || gm_fail(err, GM_ERR_MEMORY, "no memory for pictures");
	for (int64_t j = 0; ok && j < numel; j++)
		hidden[j] = inside(q->part, j / f->width % f->height, j % f->width, f);
	for (int64_t i = 0; ok && i < n; i++)
		memcpy(x + i * numel, e->x + i / q->ways * numel, numel * sizeof *x);
	ok = ok &&
	     gm_saved_complete(
		     s,
		     &(gm_saved_hole){.seed = q->seed, .n = n, .label = q->label, .hidden = hidden},
		     x, err);
	for (int64_t i = 0; ok && i < e->n; i++) {
		float *row = all + i * each * numel;
		memcpy(row, e->x + i * numel, numel * sizeof *row);
		for (int64_t j = 0; j < numel; j++) /* grey where nothing is known */
			row[numel + j] = hidden[j] ? 0 : e->x[i * numel + j];
		memcpy(row + 2 * numel, x + i * q->ways * numel, q->ways * numel * sizeof *row);
	}
	if (ok)
		im = cli_examples_grid(s, all, e->n * each, (int)each * q->columns, err);
	free(all);
	free(x);
	free(hidden);
	return im;
}

static int work(gm_saved *s, const cli_examples *e, const request *q)
{
	gm_error err = {0};
	gm_image *im = picture(s, e, q, &err);
	bool ok = im && gm_image_write(q->out, im, &err);
	if (ok) {
		gm_term_picture(stdout, im, 0);
		printf("%s: %" PRId64 " of %s, %s hidden: original | left | %d completion%s, seed "
		       "%" PRIu64 "\n",
		       q->out, e->n, e->from, parts[q->part], q->ways, q->ways == 1 ? "" : "s",
		       q->seed);
	}
	gm_image_free(im);
	return ok ? CLI_OK : cli_fail(&err);
}

static int find_part(const char *name)
{
	for (int i = 0; parts[i]; i++)
		if (!strcmp(parts[i], name))
			return i;
	return -1;
}

static const cli_option options[] = {
	{"hide", "bottom", "the part that is drawn: bottom, top, left, right, middle or all"},
	{"ways", "4", "completions of each picture"},
	{"class", "",
         "name or number of the class, of a class-conditional model; default: the picture's own "
         "class"},
	{"grid", "1x8", "columns x rows of pictures"},
	{"split", "", "train or test part of a data set"},
	{"seed", "0", "of what is drawn"},
	{"out", "completed.png", "FILE.png, .jpg or .webp; also -o"},
	{"outdir", "runs", "where runs are looked for"},
	{"help", "", "this"},
	{0},
};

/* What each completion is told, into q->label; NULL where nothing is known or needed. */
static bool labels(gm_saved *s, const cli_values *v, const cli_examples *e, request *q,
                   gm_error *err)
{
	int64_t class = 0;
	bool given = *cli_value(v, "class");
	int64_t n = e->n * q->ways;
	if (given && !gm_saved_takes_labels(s, NULL))
		return gm_fail(err, GM_ERR_VALUE, "option class: %s is not told what to draw",
		               gm_saved_model(s)->name);
	if (given && !gm_class_find(gm_saved_facts(s), cli_value(v, "class"), &class, err))
		return false;
	if (!gm_saved_takes_labels(s, NULL) || (!given && !e->label))
		return true;
	q->label = malloc(n * sizeof *q->label);
	for (int64_t i = 0; q->label && i < n; i++)
		q->label[i] = given ? (int32_t) class : e->label[i / q->ways];
	return q->label || gm_fail(err, GM_ERR_MEMORY, "no memory for labels");
}

int cli_complete(int argc, char **argv)
{
	cli_values v = {.verb = "complete",
	                .option = options,
	                .about = "Each picture is shown as original | what is left | completions."};
	cli_examples e;
	request q = {0};
	if (!cli_examples_read(&e, &v, argc, argv))
		return e.status;
	gm_error err = {0};
	uint64_t ways;
	q.columns = e.columns;
	q.part = find_part(cli_value(&v, "hide"));
	q.out = cli_value(&v, "out");
	if (q.part < 0)
		return cli_usage(
			"option hide: \"%.60s\" is not bottom, top, left, right, middle or all",
			cli_value(&v, "hide"));
	if (!cli_whole(&v, "ways", 1, 100, &ways, &err) ||
	    !cli_whole(&v, "seed", 0, UINT64_MAX, &q.seed, &err))
		return cli_usage("%s", err.message);
	q.ways = (int)ways;
	if (!gm_image_format(q.out, &err))
		return cli_usage("%s", err.message);
	gm_saved *s = cli_examples_run(&v, GM_ENDPOINT_COMPLETE, &err);
	bool ok = s && cli_examples_get(&e, s, &v, &err) && labels(s, &v, &e, &q, &err);
	int status = ok ? work(s, &e, &q) : cli_fail(&err);
	free(q.label);
	cli_examples_free(&e);
	gm_saved_free(s);
	return status;
}
