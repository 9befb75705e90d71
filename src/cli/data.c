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
		printf("%-12s %s\n", name, about);
	puts("\nAny other name is a path: a file of IDX pictures, or a folder with MNIST's four "
	     "files, gzipped or not.");
	return CLI_OK;
}

/* The first examples as a picture. */
static bool preview(gm_dataset *d, const char *path, gm_error *err)
{
	const gm_data_info *i = gm_data_info_of(d);
	int64_t n = i->rank == 1 ? 2048 : 64;
	float *x = malloc(n * i->numel * sizeof *x);
	bool ok = x || gm_fail(err, GM_ERR_MEMORY, "no memory for a preview");
	ok = ok && gm_data_batch(d, 0, 0, n, x, NULL, err);
	gm_image *im = NULL;
	if (ok && i->rank == 1)
		im = gm_image_scatter(&(gm_scatter){.real = x, .n_real = n}, err);
	else if (ok)
		im = gm_image_grid(x,
		                   &(gm_grid){.n = n,
		                              .channels = i->shape[0],
		                              .height = i->shape[1],
		                              .width = i->shape[2],
		                              .columns = 8},
		                   err);
	ok = im && gm_png_write(path, im, err);
	if (ok)
		gm_term_picture(stdout, im, 0);
	gm_image_free(im);
	free(x);
	return ok;
}

static void print_info(const gm_data_info *i)
{
	printf("%s: %s\n", i->name, i->about);
	if (i->count)
		printf("  examples   %" PRIu64 "\n", i->count);
	else
		printf("  examples   endless\n");
	if (i->rank == 3)
		printf("  pictures   %" PRId64 " x %" PRId64 ", %" PRId64 " channel%s (%s)\n",
		       i->shape[2], i->shape[1], i->shape[0], i->shape[0] == 1 ? "" : "s",
		       i->resize);
	else
		printf("  points     of %" PRId64 " numbers\n", i->numel);
	printf("  range      %g to %g\n", i->low, i->high);
	printf("  classes    %d", i->classes);
	for (int k = 0; i->class_names && k < i->classes && k < 20; k++)
		printf("%s%s", k ? ", " : ": ", i->class_names[k]);
	printf("\n  hash       %016" PRIx64 "\n", i->hash);
}

int cli_data(int argc, char **argv)
{
	static const char *const flags[] = {"help", "h", NULL};
	static const char *const names[] = {"size", "channels", "classes", "split",
	                                    "fit",  "out",      "help"};
	cli_args a = {.argc = argc, .at = 1, .argv = argv, .flags = flags};
	const char *what = NULL, *path = NULL, *out = NULL;
	gm_data_options o = {0};
	gm_error err = {0};
	int kind;
	while ((kind = cli_next(&a))) {
		int64_t v = 0;
		if (kind == '?')
			return CLI_USAGE;
		if (kind == '+') {
			if (path)
				return cli_usage("data takes one set or path, not %.60s and %.60s",
				                 path, a.value);
			*(what ? &path : &what) = a.value;
		} else if (cli_is(a.name, "help") || cli_is(a.name, "h")) {
			cli_help("data");
			return CLI_OK;
		} else if (cli_is(a.name, "o") || cli_is(a.name, "out")) {
			out = a.value;
		} else if (cli_is(a.name, "split")) {
			o.split = a.value;
		} else if (cli_is(a.name, "fit")) {
			if (strcmp(a.value, "resize") && strcmp(a.value, "pad"))
				return cli_usage("option fit: \"%.60s\" is not resize or pad",
				                 a.value);
			o.fit = *a.value == 'p' ? GM_FIT_PAD : GM_FIT_RESIZE;
		} else if (cli_is(a.name, "size") || cli_is(a.name, "channels") ||
		           cli_is(a.name, "classes")) {
			if (!gm_text_i64(a.value, &v) || v < 0 || v > 1 << 20)
				return cli_usage(
					"option %s: \"%.60s\" is not a whole number in 0..1048576",
					a.name, a.value);
			*(cli_is(a.name, "size")       ? &o.size
			  : cli_is(a.name, "channels") ? &o.channels
			                               : &o.classes) = (int)v;
		} else {
			const char *near =
				gm_text_nearest(a.name, names, sizeof names / sizeof *names);
			if (near)
				return cli_usage("data has no option %.60s; did you mean %s?",
				                 a.name, near);
			return cli_usage("data has no option %.60s; see: ganymede data --help",
			                 a.name);
		}
	}
	if (what && !strcmp(what, "list") && !path)
		return list();
	if (!what || strcmp(what, "info"))
		return cli_usage("data %.60s: say data list, or data info SET|PATH",
		                 what ? what : "");
	if (!path)
		return cli_usage(
			"data info needs a set or a path, such as: ganymede data info glyphs");
	gm_dataset *d = gm_data_open(path, &o, &err);
	if (!d)
		return cli_fail(&err);
	print_info(gm_data_info_of(d));
	int status = out && !preview(d, out, &err) ? cli_fail(&err) : CLI_OK;
	gm_data_close(d);
	return status;
}
