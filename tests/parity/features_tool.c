/* SPDX-License-Identifier: MIT
 *
 * features_tool.c -- our side of features.py.
 *
 *	run NAME WEIGHTS C H W    images as floats on standard input; to standard output all
 *	                          features, then all logits
 *	fid NAME WEIGHTS A B      distance between two folders of pictures, told by a file each that
 *	                          lists them
 * WEIGHTS "-" draws them. */
#include "ganymede/image.h"
#include "ganymede/metrics.h"
#include "metrics/extractor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static gm_extractor *open_one(const char *name, const char *weights, gm_error *err)
{
	const bool drawn = !strcmp(weights, "-");
	if (!strcmp(name, "vgg16-narrow"))
		return gm_extractor_of(&gm_extractor_vgg16_narrow, drawn ? NULL : weights, err);
	return drawn ? gm_extractor_drawn(name, err) : gm_extractor_open(name, weights, err);
}

static bool run(gm_extractor *e, char **arg, gm_error *err)
{
	gm_extractor_input in = {
		.channels = atoi(arg[0]), .height = atoi(arg[1]), .width = atoi(arg[2])};
	const size_t each = (size_t)in.channels * (size_t)in.height * (size_t)in.width;
	const size_t most = (size_t)1 << 26, classes = (size_t)gm_extractor_info_of(e)->classes;
	float *x = malloc(most * sizeof *x);
	in.n = (int64_t)(fread(x, sizeof *x, most, stdin) / each);
	in.x = x;
	const size_t n = (size_t)in.n, d = (size_t)gm_extractor_width(e, &in);
	float *f = malloc(n * d * sizeof *f), *l = malloc((n * classes + 1) * sizeof *l);
	const bool ok = gm_extractor_run(e, &in, f, classes ? l : NULL, err);
	if (ok) {
		fwrite(f, sizeof *f, n * d, stdout);
		fwrite(l, sizeof *l, n * classes, stdout);
	}
	free(x), free(f), free(l);
	return ok;
}

/* The pictures of a list of files, all of the first one's size. */
static bool read_all(const char *list, gm_extractor_input *in, float **x, gm_error *err)
{
	char path[4096];
	FILE *f = fopen(list, "r");
	bool ok = f || gm_fail(err, GM_ERR_IO, "no %s", list);
	while (ok && fgets(path, sizeof path, f)) {
		path[strcspn(path, "\n")] = 0;
		gm_image *im = gm_image_read(path, NULL, err);
		if (!im) {
			ok = false;
			break;
		}
		in->channels = im->channels, in->height = im->height, in->width = im->width;
		const int plane = im->width * im->height, each = plane * im->channels;
		*x = realloc(*x, (size_t)(in->n + 1) * (size_t)each * sizeof **x);
		for (int k = 0; k < each; k++)
			(*x)[in->n * each + k % im->channels * plane + k / im->channels] =
				(float)im->pixel[k] / 127.5f - 1;
		in->n++;
		in->x = *x;
		gm_image_free(im);
	}
	if (f)
		fclose(f);
	return ok;
}

static bool fid(gm_extractor *e, char **list, gm_error *err)
{
	const int64_t d = gm_extractor_info_of(e)->features;
	gm_moments *m[2] = {gm_moments_new(d, err), gm_moments_new(d, err)};
	bool ok = m[0] && m[1];
	double distance;
	for (int k = 0; ok && k < 2; k++) {
		gm_extractor_input in = {0};
		float *x = NULL, *f = NULL;
		ok = read_all(list[k], &in, &x, err);
		f = malloc((size_t)(in.n * d) * sizeof *f);
		ok = ok && gm_extractor_run(e, &in, f, NULL, err) &&
		     gm_moments_add(m[k], f, in.n, err);
		free(x), free(f);
	}
	ok = ok && gm_frechet_moments(m[0], m[1], &distance, err);
	if (ok)
		printf("%.17g\n", distance);
	gm_moments_free(m[0]), gm_moments_free(m[1]);
	return ok;
}

int main(int argc, char **argv)
{
	gm_error err = {0};
	const bool score = argc == 6 && !strcmp(argv[1], "fid");
	if (!score && (argc != 7 || strcmp(argv[1], "run") != 0))
		return 2;
	gm_extractor *e = open_one(argv[2], argv[3], &err);
	const bool ok = e && (score ? fid(e, argv + 4, &err) : run(e, argv + 4, &err));
	gm_extractor_free(e);
	if (!ok)
		fprintf(stderr, "%s\n", err.message);
	return !ok;
}
