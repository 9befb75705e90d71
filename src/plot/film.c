/* SPDX-License-Identifier: MIT
 *
 * plot/film.c -- videos and their predictions, as one picture and as an animation. See figure.h.
 */
#include "plot/figure.h"

#include <stdlib.h>
#include <string.h>

enum { MS = 120 }; /* of a frame */

/* Frames first .. first + n - 1 of both, [rows, n, 3, height, width]: grey ones in three channels.
 * Row 2i is the truth of video i, row 2i + 1 its prediction; by_kind: all truths come first. */
static float *colours(const gm_film *f, int64_t first, int64_t n, bool by_kind)
{
	const int64_t plane = (int64_t)f->height * f->width, one = f->channels * plane;
	float *all = malloc((size_t)(2 * f->n * n * 3 * plane) * sizeof *all), *to = all;
	for (int64_t row = 0; all && row < 2 * f->n; row++) {
		const bool predicted = by_kind ? row >= f->n : row % 2;
		const int64_t i = by_kind ? row % f->n : row / 2;
		const float *from =
			(predicted ? f->predicted : f->truth) + (i * f->frames + first) * one;
		for (int64_t t = 0; t < n; t++, from += one)
			for (int c = 0; c < 3; c++, to += plane)
				memcpy(to, from + (f->channels < 3 ? 0 : c) * plane,
				       (size_t)plane * sizeof *to);
	}
	return all;
}

static gm_image *grid(const gm_film *f, float *x, int64_t n, int64_t columns, gm_error *err)
{
	gm_image *im = x ? gm_image_grid(x,
	                                 &(gm_grid){.n = n,
	                                            .channels = 3,
	                                            .height = f->height,
	                                            .width = f->width,
	                                            .columns = (int)columns},
	                                 err)
	                 : NULL;
	if (!x)
		gm_fail(err, GM_ERR_MEMORY, "no memory for frames");
	free(x);
	return im;
}

bool gm_film_of_maps(gm_film *f, const int32_t *maps, const float *scores, int64_t classes,
                     float **owned, gm_error *err)
{
	const int64_t plane = (int64_t)f->height * f->width, n = f->n * f->frames;
	float *x = malloc((size_t)(2 * n * 3 * plane) * sizeof *x);
	int32_t *got = malloc((size_t)(n * plane) * sizeof *got);
	*owned = x;
	if (x && got) {
		gm_image_classes(scores, n, classes, plane, got);
		gm_image_labels(maps, n, plane, x);
		gm_image_labels(got, n, plane, x + n * 3 * plane);
		f->channels = 3, f->truth = x, f->predicted = x + n * 3 * plane;
	}
	free(got);
	return (x && got) || gm_fail(err, GM_ERR_MEMORY, "no memory for frames");
}

gm_image *gm_film_strip(const gm_film *f, gm_error *err)
{
	return grid(f, colours(f, 0, f->frames, false), 2 * f->n * f->frames, f->frames, err);
}

bool gm_film_animate(const char *path, const gm_film *f, gm_error *err)
{
	gm_image **frame = calloc((size_t)f->frames, sizeof *frame);
	bool ok = frame || gm_fail(err, GM_ERR_MEMORY, "no memory for frames");
	for (int64_t t = 0; ok && t < f->frames; t++)
		ok = (frame[t] = grid(f, colours(f, t, 1, true), 2 * f->n, f->n, err)) != NULL;
	ok = ok && gm_webp_animation(path, frame, (int)f->frames, MS, err);
	for (int64_t t = 0; frame && t < f->frames; t++)
		gm_image_free(frame[t]);
	free(frame);
	return ok;
}
