/* SPDX-License-Identifier: MIT
 *
 * cli/texture.c -- ganymede texture: pictures of a texture without training a net.
 */
#include "cli/texture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/examples.h"
#include "texture/quilt.h"

static const cli_option options[] = {
	{"size", "",
         "WIDTHxHEIGHT of the result, up to 16383; default: twice the texture's, or the target's"},
	{"block", "32", "side of a block in pixels, 4 to 100: about the size of what repeats"},
	{"overlap", "", "pixels that neighbours share; default: block/6, at least 2"},
	{"tolerance", "0.1",
         "blocks whose error is up to this much above the least are candidates"},
	{"mode", "cut", "cut, best (straight seams) or random (any block, straight seams)"},
	{"target", "", "texture transfer: a picture whose luminance the result gets"},
	{"passes", "3", "of texture transfer; the block of each is 2/3 of the last one's"},
	{"seed", "0", "seed of the choice among candidates"},
	{"out", "quilt.png", "FILE.png, .jpg or .webp; also -o"},
	{"help", "", "this"},
	{0},
};

/* Longer sides do not fit into every format of images (WebP). */
enum { LARGEST = 16383 };

bool cli_texture_size(const char *text, int *width, int *height, gm_error *err)
{
	int64_t w = 0, h = 0;
	if (text && (!gm_text_size(text, &w, &h) || w < 1 || h < 1 || w > LARGEST || h > LARGEST))
		return gm_fail(err, GM_ERR_VALUE,
		               "--size: \"%.40s\" is not WIDTHxHEIGHT, such as 256x256, up to %d",
		               text, LARGEST);
	*width = (int)w, *height = (int)h;
	return true;
}

static bool read_options(const cli_values *v, gm_quilt_options *o, gm_error *err)
{
	static const char *const modes[] = {"cut", "best", "random"};
	uint64_t block, overlap = 0, passes;
	if (!cli_texture_size(cli_given(v, "size"), &o->width, &o->height, err) ||
	    !cli_whole(v, "block", 4, 100, &block, err) ||
	    (cli_given(v, "overlap") && !cli_whole(v, "overlap", 1, 99, &overlap, err)) ||
	    !cli_whole(v, "passes", 1, 10, &passes, err) ||
	    !cli_whole(v, "seed", 0, UINT64_MAX, &o->seed, err))
		return false;
	o->block = (int)block, o->overlap = (int)overlap, o->passes = (int)passes;
	if (!gm_text_f64(cli_value(v, "tolerance"), &o->tolerance) || !(o->tolerance >= 0) ||
	    isinf(o->tolerance))
		return gm_fail(err, GM_ERR_VALUE,
		               "--tolerance: \"%.40s\" is not a number from 0 on",
		               cli_value(v, "tolerance"));
	for (int i = 0; i < 3; i++)
		if (!strcmp(cli_value(v, "mode"), modes[i])) {
			o->mode = (gm_quilt_mode)i;
			return true;
		}
	return gm_fail(err, GM_ERR_VALUE, "--mode: \"%.40s\" is none of cut, best, random",
	               cli_value(v, "mode"));
}

static int quilt(const cli_values *v)
{
	const char *out = cli_value(v, "out"), *target = cli_given(v, "target");
	gm_error err = {0};
	gm_quilt_options o = {0};
	gm_quilt_report report;
	if (!v->operand[1])
		return cli_usage("texture quilt needs a picture, such as: ganymede texture quilt "
		                 "bricks.png");
	if (!read_options(v, &o, &err) || !gm_image_format(out, &err))
		return cli_usage("%s", err.message);
	if (!target && cli_given(v, "passes"))
		return cli_usage("--passes is for texture transfer (--target)");
	gm_image *texture = gm_image_read(v->operand[1], NULL, &err), *to = NULL, *im = NULL;
	bool ok = texture && (!target || (to = gm_image_read(target, NULL, &err)));
	o.target = to;
	ok = ok && (im = gm_quilt(texture, &o, &report, &err)) && gm_image_write(out, im, &err);
	if (ok)
		printf("%s: %dx%d; mean squared difference on seams %.1f, on straight ones %.1f\n",
		       out, im->width, im->height, report.seam, report.straight);
	if (ok && to)
		printf("  mean squared difference of luminance to the target: %.1f\n",
		       report.luminance);
	gm_image_free(texture);
	gm_image_free(to);
	gm_image_free(im);
	return ok                         ? CLI_OK
	       : err.code == GM_ERR_VALUE ? cli_usage("%s", err.message)
	                                  : cli_fail(&err);
}

int cli_texture(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "synthesise"))
			return cli_texture_synthesise(argc, argv);
	static const char *const flags[] = {"help", "h", NULL};
	cli_args a = {.argc = argc, .at = 1, .argv = argv, .flags = flags};
	cli_values v = {.verb = "texture", .option = options};
	int status = cli_read(&a, &v, 2);
	if (status)
		return status;
	if (cli_given(&v, "help")) {
		cli_help("texture");
		puts("\nImage quilting (Efros & Freeman 2001): a larger picture of a texture, of "
		     "blocks "
		     "of it that\noverlap and are joined along the least visible cut. With "
		     "--target: "
		     "that picture, drawn in the\ntexture.");
		cli_options_help(options);
		return CLI_OK;
	}
	if (!v.operand[0] || strcmp(v.operand[0], "quilt"))
		return cli_usage(
			"texture has two tasks: ganymede texture quilt PICTURE, and ganymede "
			"texture synthesise PICTURE");
	return quilt(&v);
}
