/* SPDX-License-Identifier: MIT
 *
 * cli/data.c -- ganymede data.
 */
#include "cli/cli.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ganymede/data.h"
#include "ganymede/image.h"

static int list(void)
{
	const char *name, *about;
	for (int i = 0; (name = gm_data_names(i, &about)); i++)
		printf("%-13s %s\n", name, about);
	puts("\nSets that ganymede data fetch NAME downloads (then use their names):");
	for (int i = 0; (name = gm_data_fetch_names(i, &about)); i++)
		printf("%-13s %s\n", name, about);
	puts("\nAny other name is a path: a folder of images (PNG, JPEG, WebP, GIF, TIFF, BMP, "
	     "PNM; "
	     "its folders are\n"
	     "classes), an archive of them (.zip, .tar.gz, .tar.xz), IDX files such as MNIST's. "
	     "set:NAME is always a set\n"
	     "of this list, ./NAME always a path. docs/data-formats.md has the rules.");
	return CLI_OK;
}

/* The first sounds, one below the other: the range of the samples in each column of pixels. */
static gm_image *waveforms(const float *x, int64_t n, int64_t samples, gm_error *err)
{
	enum { WIDTH = 640, HEIGHT = 48 };
	gm_image *im = gm_image_new(WIDTH, (int)n * HEIGHT, 1, err);
	for (int64_t i = 0; im && i < n; i++)
		for (int64_t column = 0; column < WIDTH; column++) {
			const int64_t from = column * samples / WIDTH;
			const int64_t to = (column + 1) * samples / WIDTH;
			float low = 1, high = -1;
			for (int64_t k = from; k < to || k == from; k++) {
				low = fminf(low, x[i * samples + k]);
				high = fmaxf(high, x[i * samples + k]);
			}
			for (int y = 0; y < HEIGHT; y++) {
				const float top = 1 - 2.f * (float)y / HEIGHT,
					    bottom = 1 - 2.f * (float)(y + 1) / HEIGHT;
				im->pixel[(i * HEIGHT + y) * WIDTH + column] =
					y == 0                         ? 64
					: high >= bottom && low <= top ? 255
								       : 0;
			}
		}
	return im;
}

/* An image of the first examples; videos have one row each, classes of pixels are colours. */
static bool preview(gm_dataset *d, const char *field, const char *path, gm_error *err)
{
	const gm_data_info *i = gm_data_info_of(d);
	const gm_field *f = gm_data_field(d, field);
	if (!f || f->rank == 0 || (f->rank == 1 && f->type != GM_FIELD_FLOAT))
		return gm_fail(err, GM_ERR_VALUE, "%s: no field %.40s that can be shown", i->name,
		               field);
	const bool maps = f->type == GM_FIELD_INT && f->rank > 1;
	const bool points = f->rank == 1, film = f->rank == (maps ? 3 : 4),
		   sound = i->kind == GM_KIND_SOUND && f->rank == 3;
	const int64_t n = points          ? 2048
	                  : film || sound ? 8
	                                  : 64,
		      frames = film ? f->shape[0] : 1, *shape = f->shape + film;
	const int64_t plane = shape[maps ? 0 : 1] * shape[maps ? 1 : 2];
	float *x = malloc(n * f->numel * (maps ? 3 : 1) * sizeof *x);
	int32_t *map = maps ? malloc(n * f->numel * sizeof *map) : NULL;
	bool ok = (x && (map || !maps)) || gm_fail(err, GM_ERR_MEMORY, "no memory for a preview");
	ok = ok && gm_data_read(d, f, 0, 0, n, map ? (void *)map : x, err);
	if (ok && map)
		gm_image_labels(map, n * frames, plane, x);
	gm_image *im = NULL;
	if (ok && sound)
		im = waveforms(x, n, f->numel, err);
	else if (ok && points && f->numel == 2)
		im = gm_image_scatter(&(gm_scatter){.real = x, .n_real = n}, err);
	else if (ok && points)
		gm_fail(err, GM_ERR_VALUE, "%s: points of %" PRId64 " dimensions cannot be plotted",
		        i->name, f->numel);
	else if (ok)
		im = gm_image_grid(x,
		                   &(gm_grid){.n = n * frames,
		                              .channels = map ? 3 : (int)shape[0],
		                              .height = (int)shape[map ? 0 : 1],
		                              .width = (int)shape[map ? 1 : 2],
		                              .columns = film ? (int)frames : 8},
		                   err);
	ok = im && gm_image_write(path, im, err);
	if (ok)
		gm_term_picture(stdout, im, 0);
	gm_image_free(im);
	free(x);
	free(map);
	return ok;
}

static void print_classes(const gm_data_info *i, const gm_data_report *r)
{
	printf("  classes    %d\n", i->classes);
	for (int k = 0; k < i->classes && k < 20; k++)
		if (i->class_names)
			printf("    %-20s %" PRIu64 "\n", i->class_names[k], r->per_class[k]);
		else
			printf("    %-20d %" PRIu64 "\n", k, r->per_class[k]);
	if (i->classes > 20)
		printf("    ... and %d more\n", i->classes - 20);
}

static void print_files(const gm_data_report *r)
{
	if (r->sizes == 1)
		printf("  files      all of %d x %d pixels", r->width[2], r->height[2]);
	else
		printf("  files      of %" PRIu64 " sizes, from %d x %d to %d x %d; %" PRIu64
		       " of %d x %d",
		       r->sizes, r->width[0], r->height[0], r->width[1], r->height[1], r->common,
		       r->width[2], r->height[2]);
	printf("; %" PRIu64 " in colour, %" PRIu64 " grey", r->colour, r->grey);
	for (int k = 0; r->format[k].name; k++)
		printf("%s %" PRIu64 " %s", k ? "," : ";", r->format[k].files, r->format[k].name);
	if (r->alpha)
		printf(", %" PRIu64 " transparent (on black)", r->alpha);
	if (r->deep)
		printf(", %" PRIu64 " of 16 bits (cut to 8)", r->deep);
	if (r->turned)
		printf(", %" PRIu64 " turned upright", r->turned);
	if (r->several)
		printf(", %" PRIu64 " with several pictures (the first is taken)", r->several);
	puts("");
}

static void print_twins(gm_dataset *d, const gm_data_report *r)
{
	printf("  duplicates %" PRIu64 "\n", r->duplicates);
	for (uint64_t k = 0; k < r->duplicates && k < 5; k++) {
		const char *later = gm_data_example_name(d, r->twin[k][0]),
			   *first = gm_data_example_name(d, r->twin[k][1]);
		if (later)
			printf("    %s is %s\n", later, first);
		else
			printf("    example %" PRIu64 " is %" PRIu64 "\n", r->twin[k][0],
			       r->twin[k][1]);
	}
}

static void print_bad(gm_dataset *d, const gm_data_info *i)
{
	printf("  bad files  %" PRIu64 "\n", i->bad);
	const char *name, *reason;
	for (uint64_t k = 0; (name = gm_data_bad(d, k, &reason)); k++)
		printf("    %s: %s\n", name, reason);
	printf("  other      %" PRIu64 " file%s\n", i->other, i->other == 1 ? "" : "s");
	if (i->left)
		printf("  left out   %" PRIu64 " picture%s that can be read\n", i->left,
		       i->left == 1 ? "" : "s");
	for (int k = 0; (name = gm_data_note(d, k)); k++)
		printf("  note       %s\n", name);
}

/* Of the first examples of a fixed order. */
static bool print_captions(gm_dataset *d, gm_error *err)
{
	char text[400];
	for (uint64_t k = 0; k < 4 && gm_data_field(d, "caption"); k++) {
		if (!gm_data_caption(d, 0, k, text, sizeof text, err))
			return false;
		if (*text)
			printf("  caption    %s\n", text);
	}
	return true;
}

static void print_info(gm_dataset *d, const gm_data_report *r)
{
	const gm_data_info *i = gm_data_info_of(d);
	printf("%s: %s\n", i->name, i->about);
	printf("  format     %s\n", i->format);
	if (i->count)
		printf("  examples   %" PRIu64 "\n", i->count);
	else
		printf("  examples   endless; statistics of the first %" PRIu64 "\n", r->examples);
	if (i->kind == GM_KIND_SOUND)
		printf("  sounds     of %" PRId64 " samples at %d Hz\n", i->shape[2], i->rate);
	else if (i->rank == 3)
		printf("  pictures   %" PRId64 " x %" PRId64 ", %" PRId64 " channel%s (%s)\n",
		       i->shape[2], i->shape[1], i->shape[0], i->shape[0] == 1 ? "" : "s",
		       i->resize);
	else
		printf("  %s of %" PRId64 " numbers\n",
		       i->kind == GM_KIND_TABLE ? "rows      " : "points    ", i->numel);
	if (r->sizes)
		print_files(r);
	printf("  fields    ");
	for (int k = 0; k < i->fields; k++)
		printf("%s %s", k ? "," : "", gm_data_field_at(d, k)->name);
	printf("\n  values     %g to %g", r->low, r->high);
	for (int c = 0; c < i->shape[0] && c < 4; c++)
		printf("%s%.4f +- %.4f", c ? ", " : "; mean ", r->mean[c], r->sigma[c]);
	puts("");
	if (i->classes)
		print_classes(i, r);
	else
		puts("  classes    0");
	if (i->count)
		print_twins(d, r);
	print_bad(d, i);
	printf("  hash       %016" PRIx64 "\n", i->hash);
}

static int info(const char *path, const gm_data_options *o, const char *field, const char *out)
{
	gm_error err = {0};
	gm_data_report r = {0};
	gm_dataset *d = gm_data_open(path, o, &err);
	bool ok = d && gm_data_examine(d, &r, &err);
	if (ok)
		print_info(d, &r);
	ok = ok && print_captions(d, &err);
	ok = ok && (!out || preview(d, field, out, &err));
	gm_data_report_free(&r);
	gm_data_close(d);
	return ok ? CLI_OK : cli_fail(&err);
}

static int fetch(const char *name, const char *mirror)
{
	gm_error err = {0};
	if (!gm_data_fetch(name, &(gm_fetch_options){.mirror = mirror}, &err))
		return cli_fail(&err);
	printf("%s is here; see: ganymede data info %s\n", name, name);
	return CLI_OK;
}

static int unknown_option(const char *name)
{
	const char *names[32];
	int n = 0;
	while (n < 30 && (names[n] = gm_data_option_names(n, NULL)))
		n++;
	names[n++] = "mirror";
	names[n++] = "field";
	names[n++] = "out";
	names[n++] = "help";
	const char *near = gm_text_nearest(name, names, n);
	if (near)
		return cli_usage("data has no option %.60s; did you mean %s?", name, near);
	return cli_usage("data has no option %.60s; see: ganymede data --help", name);
}

static int help(void)
{
	const char *name, *about;
	cli_help("data");
	puts("\noptions of data info:");
	for (int i = 0; (name = gm_data_option_names(i, &about)); i++)
		printf("  --%-10s %s\n", name, about);
	return CLI_OK;
}

int cli_data(int argc, char **argv)
{
	static const char *const flags[] = {"help", "h", NULL};
	cli_args a = {.argc = argc, .at = 1, .argv = argv, .flags = flags};
	const char *what = NULL, *path = NULL, *out = NULL, *mirror = NULL, *field = "image";
	gm_data_options o = {0};
	gm_error err = {0};
	char of_info[64] = ""; /* the last option that is for data info */
	int kind;
	while ((kind = cli_next(&a))) {
		if (kind == '?')
			return CLI_USAGE;
		if (kind == '-' && !cli_is(a.name, "mirror"))
			snprintf(of_info, sizeof of_info, "%.60s", a.name);
		if (kind == '+') {
			if (path)
				return cli_usage("data takes one set or path, not %.60s and %.60s",
				                 path, a.value);
			*(what ? &path : &what) = a.value;
		} else if (cli_is(a.name, "help") || cli_is(a.name, "h")) {
			return help();
		} else if (cli_is(a.name, "o") || cli_is(a.name, "out")) {
			out = a.value;
		} else if (cli_is(a.name, "field")) {
			field = a.value;
		} else if (cli_is(a.name, "mirror")) {
			mirror = a.value;
		} else if (!gm_data_option(&o, a.name, a.value, &err)) {
			return err.code == GM_ERR_STATE ? unknown_option(a.name)
			                                : cli_usage("%s", err.message);
		}
	}
	bool is_info = what && !strcmp(what, "info");
	if (!is_info && *of_info)
		return cli_usage("option %s is for data info, not for data %.60s", of_info,
		                 what ? what : "");
	if (mirror && !(what && !strcmp(what, "fetch")))
		return cli_usage("option mirror is for data fetch, not for data %.60s",
		                 what ? what : "");
	if (out && !gm_image_format(out, &err))
		return cli_usage("%s", err.message);
	if (what && !strcmp(what, "list") && !path)
		return list();
	if (what && !strcmp(what, "fetch") && path)
		return fetch(path, mirror);
	if (what && !strcmp(what, "fetch"))
		return cli_usage("data fetch needs a name, such as: ganymede data fetch mnist");
	if (!what || strcmp(what, "info"))
		return cli_usage(
			"data %.60s: use data list, data info SET|PATH, or data fetch NAME",
			what ? what : "");
	if (!path)
		return cli_usage(
			"data info needs a set or a path, such as: ganymede data info glyphs");
	return info(path, &o, field, out);
}
