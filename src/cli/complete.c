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
#include "train/folder.h"

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
	ok = ok && gm_saved_complete(s, &(gm_saved_hole){.seed = q->seed, .n = n, .hidden = hidden},
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
	bool ok = im && gm_png_write(q->out, im, &err);
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

int cli_complete(int argc, char **argv)
{
	static const char *const flags[] = {"help", "h", NULL};
	static const char *const names[] = {"hide",  "ways", "seed",   "grid",
	                                    "split", "out",  "outdir", "help"};
	cli_args a = {.argc = argc, .at = 1, .argv = argv, .flags = flags};
	const char *run = NULL, *input = NULL, *outdir = "runs", *split = NULL, *grid = "1x8";
	char checkpoint[PATH_MAX];
	request q = {.ways = 4, .out = "completed.png"};
	int64_t ways = 4;
	int kind, rows;
	gm_error err = {0};
	while ((kind = cli_next(&a))) {
		if (kind == '?')
			return CLI_USAGE;
		if (kind == '+' && input)
			return cli_usage("complete takes a run and an input, and %.60s is one more",
			                 a.value);
		else if (kind == '+' && run)
			input = a.value;
		else if (kind == '+')
			run = a.value;
		else if (cli_is(a.name, "help") || cli_is(a.name, "h")) {
			cli_help("complete");
			puts("\nINPUT is a picture or a data set, brought to the run's size; "
			     "default: the "
			     "test part of the\nrun's data. --hide bottom, top, left, right, "
			     "middle or "
			     "all. Each picture is shown as original |\nwhat is left | --ways "
			     "completions; --grid says how many pictures.");
			return CLI_OK;
		} else if (cli_is(a.name, "hide")) {
			q.part = find_part(a.value);
			if (q.part < 0)
				return cli_usage("option hide: \"%.60s\" is not bottom, top, left, "
				                 "right, middle or all",
				                 a.value);
		} else if (cli_is(a.name, "ways")) {
			if (!gm_text_i64(a.value, &ways) || ways < 1 || ways > 100)
				return cli_usage("option ways: \"%.60s\" is not 1 to 100", a.value);
		} else if (cli_is(a.name, "seed")) {
			if (!gm_text_u64(a.value, &q.seed))
				return cli_usage("option seed: \"%.60s\" is not a whole number",
				                 a.value);
		} else if (cli_is(a.name, "grid"))
			grid = a.value;
		else if (cli_is(a.name, "split"))
			split = a.value;
		else if (cli_is(a.name, "outdir"))
			outdir = a.value;
		else if (cli_is(a.name, "o") || cli_is(a.name, "out"))
			q.out = a.value;
		else {
			const char *near = gm_text_nearest(a.name, names, 8);
			return near ? cli_usage("complete has no option %.60s; did you mean %s?",
			                        a.name, near)
			            : cli_usage("complete has no option %.60s; see: ganymede "
			                        "complete --help",
			                        a.name);
		}
	}
	if (!run)
		return cli_usage("complete needs a run, such as: ganymede complete "
		                 "runs/00000-pixelcnn-glyphs");
	if (!gm_parse_grid(grid, &q.columns, &rows, &err))
		return cli_usage("%s", err.message);
	if (!gm_folder_checkpoint(run, outdir, checkpoint, NULL, &err))
		return cli_fail(&err);
	q.ways = (int)ways;
	gm_saved *s = gm_saved_open(checkpoint, NULL, &err);
	cli_examples e = {0};
	bool ok = s && gm_saved_must(s, "pixels", &err) &&
	          cli_examples_get(s, input, split, (int64_t)q.columns * rows, &e, &err);
	int status = ok ? work(s, &e, &q) : cli_fail(&err);
	free(e.x);
	gm_saved_free(s);
	return status;
}
