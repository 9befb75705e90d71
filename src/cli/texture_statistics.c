/* SPDX-License-Identifier: MIT
 *
 * cli/texture_statistics.c -- ganymede texture synthesise: the statistics of a texture, and images
 * with the same ones.
 */
#include "cli/texture.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "cli/examples.h"
#include "ganymede/image.h"
#include "texture/portilla.h"

static const cli_option options[] = {
	{"size", "", "WIDTHxHEIGHT of the result; default: that of the texture"},
	{"iterations", "50", "iterations"},
	{"without", "", "groups that are not imposed, by number, such as 4,7; see --help"},
	{"seed", "0", "seed of the noise that synthesis starts with"},
	{"json", "", "also write the 710 numbers of the texture and of the result to this file"},
	{"out", "texture.png", "FILE.png, .jpg or .webp; also -o"},
	{"help", "", "this"},
	{0},
};

enum { LARGEST = 1 << 13 };

typedef struct plane { /* a grey image of doubles */
	int width, height;
	double *x;
} plane;

static int up(int side)
{
	return (side + GM_TEXTURE_UNIT - 1) / GM_TEXTURE_UNIT * GM_TEXTURE_UNIT;
}

/* The middle of an image, with sides that are multiples of GM_TEXTURE_UNIT, grey; noise of a
 * thousandth of its range is added, without which symmetric pictures have singular statistics. */
static bool read_texture(const char *path, plane *p, gm_error *err)
{
	gm_image *im = gm_image_read(path, NULL, err);
	if (!im)
		return false;
	p->width = im->width / GM_TEXTURE_UNIT * GM_TEXTURE_UNIT;
	p->height = im->height / GM_TEXTURE_UNIT * GM_TEXTURE_UNIT;
	bool ok = (p->width && p->height) ||
	          gm_fail(err, GM_ERR_VALUE, "%s is %dx%d: a texture needs sides of at least %d",
	                  path, im->width, im->height, GM_TEXTURE_UNIT);
	const int64_t n = (int64_t)p->width * p->height;
	ok = ok && ((p->x = malloc((size_t)n * sizeof *p->x)) ||
	            gm_fail(err, GM_ERR_MEMORY, "out of memory"));
	const int top = (im->height - p->height) / 2, left = (im->width - p->width) / 2;
	double least = INFINITY, most = -INFINITY;
	for (int64_t i = 0; ok && i < n; i++) {
		const uint8_t *v = im->pixel + (((i / p->width + top) * im->width) + i % p->width +
		                                left) * im->channels;
		p->x[i] = im->channels == 1 ? v[0] : .299 * v[0] + .587 * v[1] + .114 * v[2];
		least = fmin(least, p->x[i]), most = fmax(most, p->x[i]);
	}
	if (ok && !(most > least))
		ok = gm_fail(err, GM_ERR_VALUE, "%s is of one colour: it has no texture", path);
	gm_rng rng = gm_rng_new(0, 0);
	for (int64_t i = 0; ok && i < n; i++)
		p->x[i] += (most - least) / 1000 * gm_rng_normal(&rng);
	if (ok && (im->width != p->width || im->height != p->height))
		printf("%s: the middle %dx%d of %dx%d is read, since sides are multiples of %d\n",
		       path, p->width, p->height, im->width, im->height, GM_TEXTURE_UNIT);
	if (ok && im->channels == 3)
		puts("statistics are those of the luminance: the result is grey");
	gm_image_free(im);
	return ok;
}

static bool write_plane(const char *path, const double *x, int stride, int width, int height,
                        gm_error *err)
{
	gm_image *im = gm_image_new(width, height, 1, err);
	for (int64_t i = 0; im && i < (int64_t)width * height; i++)
		im->pixel[i] =
			(uint8_t)lrint(fmin(fmax(x[i / width * stride + i % width], 0), 255));
	const bool ok = im && gm_image_write(path, im, err);
	if (ok)
		gm_term_picture(stdout, im, 0);
	gm_image_free(im);
	return ok;
}

/* "4,7": groups of statistics */
static bool read_groups(const char *text, unsigned *groups, gm_error *err)
{
	for (*groups = 0; text && *text; text += strspn(text, ",")) {
		char one[16], *end;
		const size_t n = strcspn(text, ",");
		snprintf(one, sizeof one, "%.*s", (int)(n < 15 ? n : 15), text);
		const long k = strtol(one, &end, 10);
		if (*end || !n || k < 0 || k >= GM_TEXTURE_GROUPS)
			return gm_fail(err, GM_ERR_VALUE,
			               "--without: \"%.15s\" is none of the groups 0 to %d", one,
			               GM_TEXTURE_GROUPS - 1);
		*groups |= 1u << k, text += n;
	}
	return true;
}

static json_t *numbers(const gm_texture_statistics *s)
{
	json_t *all = json_object();
	double v[GM_TEXTURE_NUMBERS];
	for (int g = 0; g < GM_TEXTURE_GROUPS; g++) {
		json_t *list = json_array();
		const int n = gm_texture_numbers(s, g, v);
		for (int i = 0; i < n; i++)
			json_array_append_new(list, json_real(v[i]));
		json_object_set_new(all, gm_texture_group_names[g], list);
	}
	return all;
}

static bool write_json(const char *path, const gm_texture_statistics *of,
                       const gm_texture_statistics *made, gm_error *err)
{
	json_t *o = json_object();
	json_object_set_new(o, "texture", numbers(of));
	json_object_set_new(o, "result", numbers(made));
	char *text = json_dumps(o, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
	const bool ok = text ? gm_file_write(path, text, strlen(text), err)
	                     : gm_fail(err, GM_ERR_MEMORY, "out of memory");
	free(text);
	json_decref(o);
	return ok;
}

static bool synthesise(const cli_values *v, gm_texture_options *o, gm_error *err)
{
	const char *out = cli_value(v, "out"), *json = cli_given(v, "json");
	plane p = {0};
	gm_texture_statistics of, made;
	gm_fourier *f = gm_fourier_new(err);
	bool ok = f && read_texture(v->operand[1], &p, err) &&
	          gm_texture_analyse(f, p.x, p.height, p.width, &of, err);
	const int width = ok && !o->width ? p.width : o->width,
		  height = ok && !o->height ? p.height : o->height;
	o->width = up(width), o->height = up(height);
	double *x = ok ? malloc((size_t)o->width * o->height * sizeof *x) : NULL;
	ok = ok && (x || gm_fail(err, GM_ERR_MEMORY, "out of memory")) &&
	     gm_texture_synthesise(f, &of, o, x, err) &&
	     gm_texture_analyse(f, x, o->height, o->width, &made, err) &&
	     write_plane(out, x, o->width, width, height, err) &&
	     (!json || write_json(json, &of, &made, err));
	if (ok) {
		printf("%s: %dx%d, seed %llu; distance of the statistics to the texture's, "
		       "relative:\n",
		       out, width, height, (unsigned long long)o->seed);
		for (int g = 0; g < GM_TEXTURE_GROUPS; g++) {
			double all[GM_TEXTURE_NUMBERS];
			printf("  %d %-38s %3d numbers  %.4f%s\n", g, gm_texture_group_names[g],
			       gm_texture_numbers(&of, g, all), gm_texture_distance(&made, &of, g),
			       o->without >> g & 1 ? " (not imposed)" : "");
		}
	}
	free(x);
	free(p.x);
	gm_fourier_free(f);
	return ok;
}

int cli_texture_synthesise(int argc, char **argv)
{
	static const char *const flags[] = {"help", "h", NULL};
	cli_args a = {.argc = argc, .at = 1, .argv = argv, .flags = flags};
	cli_values v = {.verb = "texture synthesise", .option = options};
	gm_texture_options o = {0};
	gm_error err = {0};
	uint64_t iterations;
	int status = cli_read(&a, &v, 2);
	if (status)
		return status;
	if (cli_given(&v, "help")) {
		cli_help("texture");
		puts("\nPortilla & Simoncelli 2000: an image of noise is changed until its 710 "
		     "statistics "
		     "are those of\nthe texture: in groups");
		for (int g = 0; g < GM_TEXTURE_GROUPS; g++)
			printf("  %d %s\n", g, gm_texture_group_names[g]);
		cli_options_help(options);
		return CLI_OK;
	}
	if (!v.operand[1])
		return cli_usage("texture synthesise needs a picture, such as: ganymede texture "
		                 "synthesise bricks.png");
	if (!cli_texture_size(cli_given(&v, "size"), &o.width, &o.height, &err) ||
	    !cli_whole(&v, "iterations", 1, 100000, &iterations, &err) ||
	    !cli_whole(&v, "seed", 0, UINT64_MAX, &o.seed, &err) ||
	    !read_groups(cli_given(&v, "without"), &o.without, &err) ||
	    !gm_image_format(cli_value(&v, "out"), &err))
		return cli_usage("%s", err.message);
	if (o.width > LARGEST || o.height > LARGEST)
		return cli_usage("--size: sides of up to %d", LARGEST);
	o.iterations = (int)iterations;
	return synthesise(&v, &o, &err)   ? CLI_OK
	       : err.code == GM_ERR_VALUE ? cli_usage("%s", err.message)
	                                  : cli_fail(&err);
}
