/* SPDX-License-Identifier: MIT
 *
 * cli/dream.c -- ganymede dream: an image that a layer of a trained net responds to more.
 */
#include "cli/cli.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/examples.h"
#include "cli/progress.h"
#include "run/folder.h"
#include "use/dream.h"

static const cli_option options[] = {
	{"layer", "",
         "what shall respond; \"list\" lists the layers; default: the deepest with maps"},
	{"unit", "", "only this unit (channel, class), from 0; default: all, squared"},
	{"guide", "", "an image: the layer shall respond as to it"},
	{"octaves", "4", "sizes at which the image is changed"},
	{"scale", "1.4", "ratio of two sizes"},
	{"steps", "10", "steps at each size; 0: none"},
	{"rate", "1.5", "mean change of a value by a step, of 255; below 0: respond less"},
	{"jitter", "32", "largest random shift before a step; 0: none"},
	{"weights", "", "file with the weights of squeezenet or vgg16"},
	{"seed", "0", "seed of the shifts"},
	{"out", "dream.png", "FILE.png, .jpg or .webp; also -o"},
	{"outdir", "runs", "folder of runs"},
	{"help", "", "this"},
	{0},
};

static bool number(const cli_values *v, const char *name, double *x, gm_error *err)
{
	return (gm_text_f64(cli_value(v, name), x) && isfinite(*x) && *x != 0) ||
	       gm_fail(err, GM_ERR_VALUE, "--%s: \"%.40s\" is not a number other than 0", name,
	               cli_value(v, name));
}

static bool read_options(const cli_values *v, gm_dream_options *o, gm_error *err)
{
	uint64_t unit = 0, octaves, steps, jitter;
	if ((cli_given(v, "unit") && !cli_whole(v, "unit", 0, 1 << 20, &unit, err)) ||
	    !cli_whole(v, "octaves", 1, GM_DREAM_OCTAVES, &octaves, err) ||
	    !cli_whole(v, "steps", 0, 1 << 20, &steps, err) ||
	    !cli_whole(v, "jitter", 0, 1 << 20, &jitter, err) ||
	    !cli_whole(v, "seed", 0, UINT64_MAX, &o->seed, err) ||
	    !number(v, "scale", &o->scale, err) || !number(v, "rate", &o->rate, err))
		return false;
	o->unit = cli_given(v, "unit") ? (int)unit + 1 : 0;
	o->octaves = (int)octaves, o->layer = cli_given(v, "layer");
	o->steps = steps ? (int)steps : -1, o->jitter = jitter ? (int)jitter : -1;
	return true;
}

static bool is_network(const char *name)
{
	return !strcmp(name, "squeezenet") || !strcmp(name, "vgg16");
}

/* Opens a run (*s) or a network. */
static gm_dreamer *open_net(const cli_values *v, gm_saved **s, gm_error *err)
{
	char path[PATH_MAX];
	const char *weights = cli_given(v, "weights");
	if (is_network(v->operand[0]))
		return gm_dreamer_of_network(v->operand[0], weights, err);
	if (weights) {
		gm_fail(err, GM_ERR_VALUE,
		        "--weights is for squeezenet and vgg16; a run has its own");
		return NULL;
	}
	if (!gm_folder_checkpoint(v->operand[0], cli_value(v, "outdir"), path, NULL, err) ||
	    !(*s = gm_saved_open(path, &(gm_saved_options){.batch = 1, .exact = true}, err)))
		return NULL;
	return gm_dreamer_of_run(*s, err);
}

static int list(gm_saved *s)
{
	const char *name;
	gm_shape shape;
	for (int i = 0; (name = gm_saved_layer_name(s, i, &shape)); i++)
		printf("%-24s %d units%s\n", name, (int)shape.dim[1],
		       shape.rank == 4 ? "" : ", without places: only images of the run's size");
	return CLI_OK;
}

static void tell(const gm_dream_report *r, const char *out, const gm_image *im)
{
	printf("%s: %dx%d, layer %s\n", out, im->width, im->height, r->layer);
	for (int k = 0; k < r->octaves; k++) {
		printf("  %dx%d: objective %.4g to %.4g, %d rises", r->octave[k].width,
		       r->octave[k].height, r->octave[k].first, r->octave[k].last,
		       r->octave[k].rises);
		if (r->octave[k].dead)
			printf("; %d steps without a gradient changed nothing", r->octave[k].dead);
		puts("");
	}
}

static int dream(const cli_values *v, gm_dream_options *o)
{
	const char *out = cli_value(v, "out"), *guide = cli_given(v, "guide");
	gm_error err = {0};
	gm_dream_report report;
	gm_saved *s = NULL;
	gm_dreamer *d = open_net(v, &s, &err);
	gm_image *im = NULL, *to = NULL, *made = NULL;
	if (d && s && o->layer && !strcmp(o->layer, "list")) {
		list(s);
		gm_dreamer_free(d);
		gm_saved_free(s);
		return CLI_OK;
	}
	bool ok = d && (im = gm_image_read(v->operand[1], NULL, &err)) &&
	          (!guide || (to = gm_image_read(guide, NULL, &err)));
	o->guide = to;
	ok = ok && (made = gm_dream(d, im, o, &report, &err)) && gm_image_write(out, made, &err);
	if (ok) {
		gm_term_picture(stdout, made, 0);
		if (im->channels == 3 && made->channels == 1)
			puts("the run reads grey images: colours were left out");
		tell(&report, out, made);
	}
	gm_image_free(im);
	gm_image_free(to);
	gm_image_free(made);
	gm_dreamer_free(d);
	gm_saved_free(s);
	return ok                         ? CLI_OK
	       : err.code == GM_ERR_VALUE ? cli_usage("%s", err.message)
	                                  : cli_fail(&err);
}

int cli_dream(int argc, char **argv)
{
	static const char *const flags[] = {"help", "h", NULL};
	cli_args a = {.argc = argc, .at = 1, .argv = argv, .flags = flags};
	cli_values v = {.verb = "dream", .option = options};
	gm_dream_options o = {0};
	gm_error err = {0};
	int status = cli_read(&a, &v, 2);
	if (status)
		return status;
	if (cli_given(&v, "help")) {
		cli_help("dream");
		puts("\nDeepDream: changes IMAGE by gradient ascent, so that a layer of a run, or "
		     "of a "
		     "published network,\nresponds more.");
		cli_options_help(options);
		return CLI_OK;
	}
	const char *out = cli_value(&v, "out"), *layer = cli_given(&v, "layer");
	const bool lists =
		layer && !strcmp(layer, "list") && v.operand[0] && !is_network(v.operand[0]);
	if (!v.operand[0] || (!v.operand[1] && !lists))
		return cli_usage(
			"dream needs a net and an image, such as: ganymede dream squeezenet "
			"photo.jpg --weights FILE");
	if (!read_options(&v, &o, &err) || !gm_image_format(out, &err))
		return cli_usage("%s", err.message);
	return dream(&v, &o);
}
