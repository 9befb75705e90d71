/* SPDX-License-Identifier: MIT
 *
 * cli/translate.c -- ganymede translate.
 */
#include "cli/translate.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "cli/cli.h"
#include "data/tree.h"
#include "ganymede/data.h"
#include "ganymede/image.h"
#include "ganymede/metrics.h"
#include "run/folder.h"

static void say_segments(const char *what, const int64_t *count, int classes)
{
	gm_segments s;
	if (gm_segments_of(count, classes, &s, NULL))
		printf("  %-22s pixel accuracy %.4f, class accuracy %.4f, class IoU %.4f "
		       "(%" PRId64 " classes)\n",
		       what, s.pixel, s.class, s.iou, s.classes);
}

/* Whether the side that was drawn shows the mask: its own colours tell the classes. */
static bool shows_the_mask(const translate_job *j)
{
	gm_segments s;
	return j->maps && gm_segments_of(j->real_count, j->classes, &s, NULL) && s.pixel > .99;
}

static int report(const translate_job *j, const char *checkpoint)
{
	double n = (double)j->scored;
	printf("%s: %" PRId64 " picture%s, by step %" PRId64 " of %s\n", j->out ? j->out : j->input,
	       j->done, j->done == 1 ? "" : "s", gm_translator_step(j->t), checkpoint);
	if (j->scored)
		printf("  against %s: L1 %.5f, PSNR %.3f dB, SSIM %.4f (means of %" PRId64 ")\n",
		       j->second ? "a" : "b", j->l1 / n, j->psnr / n, j->ssim / n, j->scored);
	if (j->back) {
		say_segments("read back from b:", j->real_count, j->classes);
		say_segments("read back from G(a):", j->fake_count, j->classes);
	}
	if (shows_the_mask(j))
		say_segments("classes of pixels:", j->fake_count, j->classes);
	if (!j->bad)
		return CLI_OK;
	gm_error err = {0};
	gm_fail(&err, GM_ERR_FORMAT, "%" PRId64 " file%s could not be read, the first: %s", j->bad,
	        j->bad == 1 ? "" : "s", j->first_bad);
	return cli_fail(&err);
}

static const struct option {
	const char *name, *help;
} options[] = {
	{"out", "a folder, or a file ending in .png for one picture; also -o"},
	{"fit", "exact: other sizes than the nets take are refused; pad: continued by mirrored "
                "pixels, and the result cut back"},
	{"pairs", "folders, or halves: each picture is a pair side by side"},
	{"size", "of a data set's pictures; 0: the run's"},
	{"split", "which part of a data set: train or test"},
	{"count", "how many pictures; 0: all, of a set without end 64"},
	{"seed", "of the noise, and of which draws of a set without end"},
	{"back", "a run that translates the other way: how much of a mask it can read from the "
                 "result"},
	{"force", "overwrite"},
	{"outdir", "folder of runs that numbers count in; default runs"},
	{"help", "this"},
};
enum { OPTIONS = sizeof options / sizeof *options };

static int unknown(const char *name)
{
	const char *known[OPTIONS];
	for (int i = 0; i < OPTIONS; i++)
		known[i] = options[i].name;
	const char *near = gm_text_nearest(name, known, OPTIONS);
	if (near)
		return cli_usage("translate has no option %.60s; did you mean %s?", name, near);
	return cli_usage("translate has no option %.60s; see: ganymede translate --help", name);
}

static int help(void)
{
	cli_help("translate");
	puts("\nINPUT is a picture, a folder or archive of pictures, or a data set. Results are "
	     "PNG "
	     "with the names of the\ninputs. Of pairs the side is taken that the run learned to "
	     "translate; a data set of pairs is scored too,\nand needs no -o.\n\noptions:");
	for (int i = 0; i < OPTIONS; i++)
		printf("  --%-8s %s\n", options[i].name, options[i].help);
	return CLI_OK;
}

static int work(translate_job *j, const char *run, const char *back, const char *outdir)
{
	char checkpoint[PATH_MAX], other[PATH_MAX];
	gm_error err = {0};
	if (!gm_folder_checkpoint(run, outdir, checkpoint, NULL, &err) ||
	    (back && !gm_folder_checkpoint(back, outdir, other, NULL, &err)))
		return cli_fail(&err);
	gm_image_facts facts = {0};
	bool folder = gm_file_is_folder(j->input), file = !folder && gm_file_exists(j->input);
	bool tree = folder || (file && gm_tree_is_archive(j->input)), picture = false;
	if (file && !tree) {
		gm_image *im = gm_image_read(j->input, &facts, NULL);
		picture = im || facts.format || cli_is_picture(j->input);
		gm_image_free(im);
	}
	if ((tree || picture) && (!j->out || back))
		return back ? cli_usage("option back is for data sets with a field \"mask\"")
		            : cli_usage("translate needs -o OUT for pictures and folders");
	j->t = gm_translator_open(checkpoint, &err);
	if (j->t && back)
		j->back = gm_translator_open(other, &err);
	if (!j->t || (back && !j->back))
		return cli_fail(&err);
	j->second = !strcmp(gm_translator_field(j->t), "b");
	int64_t size;
	if (!j->size && gm_text_i64(gm_settings_get(gm_translator_settings(j->t), "size"), &size))
		j->size = (int)size;
	bool ok = picture ? translate_file(j, &err)
	          : tree  ? translate_tree(j, &err)
	                  : translate_set(j, &err);
	return ok ? report(j, checkpoint) : cli_fail(&err);
}

int cli_translate(int argc, char **argv)
{
	static const char *const flags[] = {"help", "h", "force", NULL};
	cli_args a = {.argc = argc, .at = 1, .argv = argv, .flags = flags};
	const char *run = NULL, *outdir = "runs", *back = NULL;
	translate_job *j = calloc(1, sizeof *j);
	gm_error err = {0};
	gm_data_options o = {0};
	int kind, status = CLI_OK;
	if (!j)
		return cli_fail(&(gm_error){GM_ERR_MEMORY, "no memory"});
	while (status == CLI_OK && (kind = cli_next(&a))) {
		bool data = cli_is(a.name, "pairs") || cli_is(a.name, "size") ||
		            cli_is(a.name, "split");
		if (kind == '?') {
			status = CLI_USAGE;
		} else if (kind == '+' && j->input) {
			status = cli_usage("translate takes a run and an input, not also %.60s",
			                   a.value);
		} else if (kind == '+') {
			*(run ? &j->input : &run) = a.value;
		} else if (cli_is(a.name, "help") || cli_is(a.name, "h")) {
			free(j);
			return help();
		} else if (cli_is(a.name, "o") || cli_is(a.name, "out")) {
			j->out = a.value;
		} else if (cli_is(a.name, "outdir")) {
			outdir = a.value;
		} else if (cli_is(a.name, "back")) {
			back = a.value;
		} else if (cli_is(a.name, "force")) {
			j->force = true;
		} else if (cli_is(a.name, "fit")) {
			j->pad = !strcmp(a.value, "pad");
			if (!j->pad && strcmp(a.value, "exact"))
				status = cli_usage("option fit: \"%.60s\" is not exact or pad",
				                   a.value);
		} else if (cli_is(a.name, "seed")) {
			if (!gm_text_u64(a.value, &j->seed))
				status = cli_usage("option seed: \"%.60s\" is not a whole number",
				                   a.value);
		} else if (cli_is(a.name, "count")) {
			if (!gm_text_i64(a.value, &j->count) || j->count < 0)
				status = cli_usage("option count: \"%.60s\" is not a whole number "
				                   "of 0 or more",
				                   a.value);
		} else if (data) {
			if (!gm_data_option(&o, a.name, a.value, &err))
				status = cli_usage("%s", err.message);
		} else {
			status = unknown(a.name);
		}
	}
	if (!status && !j->input)
		status = cli_usage("translate needs a run and what to translate, such as: ganymede "
		                   "translate runs/00000-pix2pix-edges2shapes in.png -o out.png");
	j->halves = o.halves, j->size = o.size, j->split = o.split;
	if (!status)
		status = work(j, run, back, outdir);
	gm_translator_free(j->t);
	gm_translator_free(j->back);
	free(j);
	return status;
}
