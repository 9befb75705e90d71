/* SPDX-License-Identifier: MIT
 *
 * cli/examples.c -- example images for commands that need them. See examples.h.
 */
#include "cli/examples.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/content.h"
#include "base/file.h"
#include "ganymede/data.h"
#include "run/classes.h"
#include "run/folder.h"
#include "run/run.h"
#include "use/photo.h"

enum { ENDLESS = 64 }; /* examples of a set without end, where all are asked for */

const char *cli_base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

bool cli_is_picture(const char *path)
{
	const gm_content c = gm_content_at(path);
	return c.kind == GM_CONTENT_PICTURE || c.kind == GM_CONTENT_UNREAD ||
	       (!gm_file_is_folder(path) && gm_content_named_picture(path));
}

static bool one_picture(gm_saved *s, const char *path, cli_examples *e, gm_error *err)
{
	gm_image *im = gm_image_read(path, NULL, err);
	bool ok = im && ((e->x = malloc((size_t)gm_saved_facts(s)->numel * sizeof *e->x)) ||
	                 gm_fail(err, GM_ERR_MEMORY, "no memory for a picture"));
	ok = ok && gm_photo_fit(s, im, path, e->x, NULL, err);
	if (ok) {
		e->n = 1;
		snprintf(e->from, sizeof e->from, "%s", path);
		if (e->named && (e->name = calloc(1, sizeof *e->name)))
			snprintf(e->name[0], sizeof e->name[0], "%.250s", cli_base_name(path));
		ok = !e->named || e->name || gm_fail(err, GM_ERR_MEMORY, "no memory for names");
	}
	gm_image_free(im);
	return ok;
}

static gm_dataset *open_part(gm_saved *s, const char *spec, const char *split, const char *range,
                             gm_error *err)
{
	gm_data_options o = {0};
	if (!gm_photo_options(s, &o, err))
		return NULL;
	if (range && !gm_data_option(&o, "range", range, err))
		return NULL;
	o.split = split;
	o.again = !strcmp(spec, gm_saved_option(s, "data"));
	return gm_data_open(spec, &o, err);
}

gm_dataset *cli_examples_open(gm_saved *s, const cli_values *v, const char **part, gm_error *err)
{
	const char *input = v->operand[1], *split = cli_given(v, "split"),
		   *range = cli_given(v, "range");
	const char *spec = input ? input : gm_saved_option(s, "data");
	*part = split ? split : input ? "train" : "test";
	gm_error first = {0};
	gm_dataset *d = open_part(s, spec, *part, range, &first);
	if (!d && !split && !input)
		d = open_part(s, spec, *part = "train", range, NULL);
	if (!d)
		*err = first;
	return d;
}

static bool of_set(gm_saved *s, const cli_values *v, cli_examples *e, gm_error *err)
{
	const int64_t n = (int64_t)e->columns * e->rows;
	const gm_facts *f = gm_saved_facts(s);
	const char *spec = v->operand[1] ? v->operand[1] : gm_saved_option(s, "data"), *part;
	gm_dataset *d = cli_examples_open(s, v, &part, err);
	if (!d)
		return false;
	const gm_data_info *info = gm_data_info_of(d);
	e->n = info->count && info->count < (uint64_t)n ? (int64_t)info->count : n;
	if (!info->count && n == INT32_MAX)
		e->n = ENDLESS;
	bool ok = (info->rank == 3 && info->shape[0] == f->channels &&
	           info->shape[1] == f->height && info->shape[2] == f->width) ||
	          gm_fail(err, GM_ERR_VALUE,
	                  "%s does not have pictures of %dx%d, the size of this run", spec,
	                  (int)f->width, (int)f->height);
	if (ok) {
		e->x = malloc(e->n * f->numel * sizeof *e->x);
		const gm_facts theirs = gm_facts_of(info);
		e->label = info->classes && gm_labels_fit(f, &theirs, spec, NULL)
		                   ? calloc((size_t)e->n, sizeof *e->label)
		                   : NULL;
		ok = e->x ||
		     gm_fail(err, GM_ERR_MEMORY, "no memory for %lld pictures", (long long)e->n);
	}
	if (ok && e->named)
		ok = (e->name = calloc((size_t)e->n, sizeof *e->name)) ||
		     gm_fail(err, GM_ERR_MEMORY, "no memory for names");
	for (int64_t i = 0; ok && i < e->n; i++) {
		const char *file =
			e->named && info->count ? gm_data_example_name(d, (uint64_t)i) : NULL;
		if (file)
			snprintf(e->name[i], sizeof e->name[i], "%s", file);
		else if (e->named)
			snprintf(e->name[i], sizeof e->name[i], "%06" PRId64, i);
		ok = gm_data_get(d, i, e->x + i * f->numel, e->label ? e->label + i : NULL, err);
	}
	snprintf(e->from, sizeof e->from, "%.150s, %s split", spec, part);
	gm_data_close(d);
	return ok;
}

bool cli_examples_get(cli_examples *e, gm_saved *s, const cli_values *v, gm_error *err)
{
	const char *input = v->operand[1];
	const gm_facts *f = gm_saved_facts(s);
	if (f->points || f->rate)
		return gm_fail(err, GM_ERR_VALUE, "this works for images, but this run is for %s",
		               gm_facts_word(f));
	return input && cli_is_picture(input) ? one_picture(s, input, e, err)
	                                      : of_set(s, v, e, err);
}

void cli_examples_free(cli_examples *e)
{
	free(e->x);
	free(e->name);
	free(e->label);
	*e = (cli_examples){0};
}

bool cli_examples_read(cli_examples *e, cli_values *v, int argc, char **argv)
{
	static const char *const flags[] = {"help",         "h",   "force",   "score",
	                                    "random-start", "raw", "samples", NULL};
	cli_args a = {.argc = argc, .at = 1, .argv = argv, .flags = flags};
	gm_error err = {0};
	*e = (cli_examples){0};
	e->status = cli_read(&a, v, 2);
	if (e->status)
		return false;
	if (cli_given(v, "help")) {
		cli_help(v->verb);
		printf("\nINPUT is an image or a data set, resized to the run's size; default: the "
		       "test split of the\nrun's data. %s\n",
		       v->about);
		cli_options_help(v->option);
		cli_action_help(v->row);
		return false;
	}
	if (!v->operand[0])
		e->status = cli_usage("%s needs a run, such as: ganymede %s 0", v->verb, v->verb);
	else if (!gm_parse_grid(cli_value(v, "grid"), &e->columns, &e->rows, &err))
		e->status = cli_usage("%s", err.message);
	return e->status == CLI_OK;
}

gm_saved *cli_examples_run(const cli_values *v, const char *endpoint, gm_error *err)
{
	char checkpoint[PATH_MAX];
	if (!gm_folder_checkpoint(v->operand[0], cli_value(v, "outdir"), checkpoint, NULL, err))
		return NULL;
	gm_saved *s =
		gm_saved_open(checkpoint, &(gm_saved_options){.raw = cli_given(v, "raw")}, err);
	if (!s || !endpoint || gm_saved_must(s, endpoint, err))
		return s;
	gm_saved_free(s);
	return NULL;
}

bool cli_turns(gm_saved *s, const char *endpoint, const cli_values *v, gm_error *err)
{
	uint64_t turns;
	return !cli_given(v, "turns") || (cli_whole(v, "turns", 1, INT32_MAX, &turns, err) &&
	                                  gm_saved_set_turns(s, endpoint, (int64_t)turns, err));
}

bool cli_captions(gm_captions *c, gm_saved *s, const char *endpoint, const char *text,
                  const char *file, gm_error *err)
{
	const bool ok = gm_captions_read(c, s, endpoint, text, file, err);
	if (ok && *c->unknown)
		fprintf(stderr,
		        "ganymede: the text encoder does not know these characters and reads "
		        "nothing in their place: %s\n",
		        c->unknown);
	return ok;
}

gm_image *cli_examples_grid(const gm_saved *s, const float *x, int64_t n, int columns,
                            gm_error *err)
{
	const gm_facts *f = gm_saved_facts(s);
	return gm_image_grid(x,
	                     &(gm_grid){.n = n,
	                                .channels = (int)f->channels,
	                                .height = (int)f->height,
	                                .width = (int)f->width,
	                                .columns = columns},
	                     err);
}
