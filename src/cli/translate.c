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
#include "base/progress.h"
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
		       what, s.pixel, s.per_class, s.iou, s.classes);
}

static void say_luma(const char *what, const translate_luma *sum, double n)
{
	printf("  %-22s on Y: PSNR %.2f dB, SSIM %.4f, gradient energy %.3f of the target's\n",
	       what, sum->psnr / n, sum->ssim / n, sum->sharpness / n);
}

/* True if the output is a label map, whose colours identify the classes. */
static bool shows_the_mask(const translate_job *j)
{
	gm_segments s;
	return j->maps && gm_segments_of(j->real_count, j->classes, &s, NULL) && s.pixel > .99;
}

static void add_luma(json_t *scores, const char *of, const translate_luma *sum, double n)
{
	const struct {
		const char *name;
		double value;
	} rows[] = {{"psnr-y", sum->psnr}, {"ssim-y", sum->ssim}, {"gradient-y", sum->sharpness}};
	char name[64];
	for (int i = 0; i < 3; i++) {
		snprintf(name, sizeof name, "%s%s", rows[i].name, of);
		json_object_set_new(scores, name, json_real(rows[i].value / n));
	}
}

static void add_scores(const translate_job *j, json_t *scores)
{
	const double n = (double)j->scored;
	if (j->scored) {
		json_object_set_new(scores, "l1", json_real(j->l1 / n));
		json_object_set_new(scores, "psnr", json_real(j->psnr / n));
		json_object_set_new(scores, "ssim", json_real(j->ssim / n));
	}
	if (j->enlarged) {
		add_luma(scores, "", &j->luma, (double)j->enlarged);
		add_luma(scores, "-bicubic", &j->bicubic, (double)j->enlarged);
	}
	if (j->classifier)
		translate_classifier_scores(j->classifier, scores);
}

static int report(const translate_job *j, const char *checkpoint)
{
	double n = (double)j->scored;
	printf("%s: %" PRId64 " picture%s, by step %" PRId64 " of %s\n", j->out ? j->out : j->input,
	       j->done, j->done == 1 ? "" : "s", gm_translator_step(j->t), checkpoint);
	if (j->scored)
		printf("  against %s: L1 %.5f, PSNR %.3f dB, SSIM %.4f (means of %" PRId64 ")\n",
		       j->against, j->l1 / n, j->psnr / n, j->ssim / n, j->scored);
	if (j->enlarged) {
		say_luma("result:", &j->luma, (double)j->enlarged);
		say_luma("bicubic interpolation:", &j->bicubic, (double)j->enlarged);
	}
	if (j->classifier)
		translate_classifier_say(j->classifier);
	if (j->reader) {
		say_segments("read back from data:", j->real_count, j->classes);
		say_segments("read back from results:", j->fake_count, j->classes);
	}
	if (shows_the_mask(j))
		say_segments("classes of pixels:", j->fake_count, j->classes);
	if (*j->resize)
		printf("  resized: %s\n", j->resize);
	if (!j->bad)
		return CLI_OK;
	gm_error err = {0};
	gm_fail(&err, GM_ERR_FORMAT, "%" PRId64 " file%s could not be translated; the first: %s",
	        j->bad, j->bad == 1 ? "" : "s", j->first_bad);
	return cli_fail(&err);
}

static const cli_option options[] = {
	{"out", "", "a folder, or a file ending in .png, .jpg or .webp for one picture; also -o"},
	{"fit", "exact",
         "for sizes that the nets do not support: exact: error; pad: pad by reflection and crop "
         "the result"},
	{"reduce", "",
         "for runs that enlarge: reduce each file first, and score the result against the file"},
	{"to", "", "attributes of the result, for runs that have them: gender=1,age=30"},
	{"caption", "",
         "what the results show, for runs that read captions: \"a small red circle\""},
	{"classify", "",
         "a run of a classifier: in which classes it puts the results, beside the inputs"},
	{"tile", "0",
         "side of the tiles in which large images are translated; 0: automatic. For models whose "
         "nets see parts of an image at a time; tiles overlap and leave no seams"},
	{"pairs", "",
         "folders, or halves: each image is a pair side by side; default: as in training"},
	{"size", "",
         "size of a data set's images; default: the run's. Given for a folder or archive, it is "
         "read as a data set, with images resized as in training"},
	{"split", "", "split (train or test) of a data set or folder"},
	{"count", "0", "number of images of a folder or set; 0: all, of an endless set 64"},
	{"seed", "0", "seed of the noise and of the examples of an endless set"},
	{"endpoint", "translate", "endpoint, if the run has several: translate/NAME"},
	{"back", "", "short for --endpoint translate/back"},
	{"turns", "", "iterations of an iterative endpoint; default: the model's"},
	{"read-back", "",
         "a run of the other direction, to translate back and compare with the mask"},
	{"force", "", "overwrite"},
	{"outdir", "runs", "folder of runs"},
	{"help", "", "this"},
	{0},
};

/* Kind of input; each allows different options. */
typedef enum input_kind { PICTURE, TREE, SET } input_kind;

static input_kind kind_of(const char *input)
{
	gm_image_facts facts = {0};
	bool folder = gm_file_is_folder(input), file = !folder && gm_file_exists(input);
	if (folder || (file && gm_tree_is_archive(input)))
		return TREE;
	if (!file)
		return SET;
	gm_image *im = gm_image_read(input, &facts, NULL);
	bool picture = im || facts.format || cli_is_picture(input);
	gm_image_free(im);
	return picture ? PICTURE : SET;
}

/* Options that do not apply to this kind of input are an error. */
static int check_options(const cli_values *v, const translate_job *j, input_kind kind)
{
	static const struct {
		const char *name, *of;
		bool taken[3];
	} rows[] = {
		{"reduce",
	         "files: a data set has its field \"low\"",
	         {[PICTURE] = true, [TREE] = true}},
		{"read-back", "data sets with a field \"mask\"", {[SET] = true}},
		{"size", "data sets, folders and archives", {[SET] = true}},
		{"split", "data sets, and folders with splits", {[SET] = true, [TREE] = true}},
		{"count", "folders and data sets", {[SET] = true, [TREE] = true}},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (cli_given(v, rows[i].name) && !rows[i].taken[kind])
			return cli_usage("option %s is for %s", rows[i].name, rows[i].of);
	if (kind != SET && !j->out && !j->reduce)
		return cli_usage("translate needs -o OUT for pictures and folders");
	return CLI_OK;
}

/* Option caption, which is one text; runs that read captions need it. */
static int read_caption(translate_job *j, const cli_values *v, const char *endpoint)
{
	gm_error err = {0};
	gm_captions c = {0};
	const char *text = cli_given(v, "caption");
	if (!text && !gm_translator_takes_caption(j->t))
		return CLI_OK;
	if (!text)
		return cli_usage(
			"this run reads a caption of what the results show: give --caption "
			"TEXT");
	int status = CLI_OK;
	if (!gm_translator_takes_caption(j->t))
		status = cli_usage("option caption is for runs that read captions, such as "
		                   "style-encoder");
	else if (!cli_captions(&c, gm_translator_saved(j->t), endpoint, text, NULL, &err))
		status = cli_fail(&err);
	else if (c.n != 1)
		status = cli_usage("translate takes one caption, not %" PRId64, c.n);
	else if (!gm_translator_set_caption(j->t, c.text, &err))
		status = cli_fail(&err);
	gm_captions_free(&c);
	return status;
}

static int work(translate_job *j, const cli_values *v)
{
	char checkpoint[PATH_MAX], other[PATH_MAX];
	const char *back = cli_given(v, "read-back"), *outdir = cli_value(v, "outdir");
	gm_error err = {0};
	input_kind kind = kind_of(j->input);
	if (kind == TREE && cli_given(v, "size"))
		kind = SET;
	int status = check_options(v, j, kind);
	const char *endpoint = cli_value(v, "endpoint");
	if (!status && cli_given(v, "back") && cli_given(v, "endpoint"))
		status = cli_usage("translate takes --back or --endpoint, not both");
	if (status)
		return status;
	if (cli_given(v, "back"))
		endpoint = GM_ENDPOINT_TRANSLATE "/back";
	if (!gm_folder_checkpoint(v->operand[0], outdir, checkpoint, NULL, &err) ||
	    (back && !gm_folder_checkpoint(back, outdir, other, NULL, &err)))
		return cli_fail(&err);
	j->t = gm_translator_open(checkpoint, endpoint, &err);
	if (j->t && back)
		j->reader = gm_translator_open(other, NULL, &err);
	uint64_t turns, tile;
	if (!j->t || (back && !j->reader) ||
	    (cli_given(v, "turns") && (!cli_whole(v, "turns", 1, INT32_MAX, &turns, &err) ||
	                               !gm_translator_set_turns(j->t, (int64_t)turns, &err))))
		return cli_fail(&err);
	if (cli_given(v, "to")
	            ? !gm_translator_set_to(j->t, cli_given(v, "to"), &err)
	            : gm_translator_takes_to(j->t) && !gm_translator_set_to(j->t, "?", &err))
		return cli_fail(&err);
	if ((status = read_caption(j, v, endpoint)))
		return status;
	if (cli_given(v, "classify") &&
	    !(j->classifier = translate_classifier_open(cli_given(v, "classify"), outdir, &err)))
		return cli_fail(&err);
	if (cli_given(v, "tile") && strcmp(cli_given(v, "tile"), "0") &&
	    (!cli_whole(v, "tile", 1, INT32_MAX, &tile, &err) ||
	     !gm_translator_set_tile(j->t, (int)tile, &err)))
		return cli_fail(&err);
	if (j->reduce && gm_translator_factor(j->t) < 2)
		return cli_usage("option reduce is for runs that enlarge, such as srgan");
	if (j->reduce)
		snprintf(j->against, sizeof j->against, "the files");
	j->second = !strcmp(gm_translator_field(j->t), "b");
	const gm_settings *settings = gm_translator_settings(j->t);
	if (!cli_given(v, "pairs"))
		j->halves = !strcmp(gm_settings_get(settings, "pairs"), "halves") && kind == SET;
	bool ok = kind == PICTURE ? translate_file(j, &err)
	          : kind == TREE  ? translate_tree(j, &err)
	                          : translate_set(j, &err);
	gm_progress_end();
	return ok ? report(j, checkpoint) : cli_fail(&err);
}

static bool data_option(void *context, const char *name, const char *value, gm_error *err)
{
	return gm_data_option(context, name, value, err);
}

int cli_translate(int argc, char **argv)
{
	return cli_translate_scored(argc, argv, NULL);
}

int cli_translate_scored(int argc, char **argv, json_t *scores)
{
	static const char *const flags[] = {"help", "h", "force", "back", "reduce", NULL};
	cli_args a = {.argc = argc, .at = 1, .argv = argv, .flags = flags};
	cli_values v = {.verb = "translate", .makes_folder = true, .option = options};
	gm_error err = {0};
	gm_data_options o = {0};
	uint64_t count = 0;
	int status = cli_read(&a, &v, 2);
	if (status)
		return status;
	if (cli_given(&v, "help")) {
		cli_help("translate");
		puts("\nINPUT is an image, a folder or archive of images, or a data set. Results "
		     "are PNG files with the names\nof the inputs. Of pairs the run's input side "
		     "is used; a data set of pairs is scored too, and needs no\n-o. Files that "
		     "cannot be translated are listed at the end.");
		cli_options_help(options);
		return CLI_OK;
	}
	if (!v.operand[1])
		return cli_usage("translate needs a run and an input, such as: ganymede translate "
		                 "runs/00000-pix2pix-edges2shapes in.png -o out.png");
	static const char *const of_data[] = {"pairs", "size", "split"};
	for (int i = 0; i < 3; i++)
		if (cli_given(&v, of_data[i]) &&
		    !data_option(&o, of_data[i], cli_given(&v, of_data[i]), &err))
			return cli_usage("%s", err.message);
	translate_job *j = calloc(1, sizeof *j);
	if (!j)
		return cli_fail(&(gm_error){GM_ERR_MEMORY, "no memory"});
	const char *fit = cli_value(&v, "fit");
	j->input = v.operand[1], j->out = cli_given(&v, "out"), j->force = cli_given(&v, "force"),
	j->reduce = cli_given(&v, "reduce");
	j->halves = o.halves, j->size = o.size, j->split = cli_given(&v, "split"),
	j->pad = !strcmp(fit, "pad");
	if (!j->pad && strcmp(fit, "exact"))
		status = cli_usage("option fit: \"%.60s\" is not exact or pad", fit);
	else if (!cli_whole(&v, "seed", 0, UINT64_MAX, &j->seed, &err) ||
	         !cli_whole(&v, "count", 0, INT64_MAX, &count, &err))
		status = cli_usage("%s", err.message);
	j->count = (int64_t)count;
	if (!status)
		status = work(j, &v);
	if (!status && scores)
		add_scores(j, scores);
	gm_translator_free(j->t);
	gm_translator_free(j->reader);
	translate_classifier_free(j->classifier);
	free(j);
	return status;
}
