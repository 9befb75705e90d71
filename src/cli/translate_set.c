/* SPDX-License-Identifier: MIT
 *
 * cli/translate_set.c -- translates data sets by a run's "translate" or a variant of it; pairs are
 * scored, also by translating back with another run. Isola et al. 2017 score images generated from
 * label maps by how well a net trained on real images recovers the map (section 4.1), and maps
 * generated from photographs by their classes (section 4.6).
 */
#include "cli/translate.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/progress.h"
#include "ganymede/data.h"
#include "ganymede/metrics.h"

enum { ENDLESS = 64 }; /* images of an endless set */

/* The class with the nearest colour for each pixel. */
static void nearest(const translate_job *j, const float *x, int channels, int64_t plane,
                    int32_t *class)
{
	for (int64_t i = 0; i < plane; i++) {
		double least = INFINITY;
		for (int k = 0; k < j->classes; k++) {
			double distance = 0;
			for (int c = 0; c < channels && c < 3; c++)
				distance += pow(x[c * plane + i] - j->colour[k][c], 2);
			if (distance < least)
				least = distance, class[i] = k;
		}
	}
}

/* Finds the mean colour of each class of the mask in the images. */
static bool learn_colours(translate_job *j, gm_dataset *d, const gm_field *from,
                          const gm_field *mask, gm_error *err)
{
	int64_t plane = mask->numel, counts[TRANSLATE_CLASSES] = {0};
	int channels = (int)from->shape[0];
	float *x = malloc(from->numel * sizeof *x);
	int32_t *m = malloc(plane * sizeof *m);
	bool ok = (x && m) || gm_fail(err, GM_ERR_MEMORY, "no memory for a picture");
	j->classes = mask->classes;
	for (int64_t i = 0; ok && i < j->count; i++) {
		ok = gm_data_read(d, from, j->seed, (uint64_t)i, 1, x, err) &&
		     gm_data_read(d, mask, j->seed, (uint64_t)i, 1, m, err);
		for (int64_t k = 0; ok && k < plane; k++) {
			counts[m[k]]++;
			for (int c = 0; c < channels && c < 3; c++)
				j->colour[m[k]][c] += x[c * plane + k];
		}
	}
	for (int k = 0; k < j->classes; k++)
		for (int c = 0; c < 3; c++)
			j->colour[k][c] = counts[k] ? j->colour[k][c] / (double)counts[k] : 1e3;
	free(x);
	free(m);
	return ok;
}

static bool count_classes(translate_job *j, const float *y, const gm_field *f, const int32_t *mask,
                          int64_t *count, gm_error *err)
{
	int64_t plane = f->shape[1] * f->shape[2];
	int32_t *class = malloc(plane * sizeof *class);
	if (!class)
		return gm_fail(err, GM_ERR_MEMORY, "no memory for a picture");
	nearest(j, y, (int)f->shape[0], plane, class);
	bool ok = gm_segments_add(count, mask, class, plane, j->classes, err);
	free(class);
	return ok;
}

/* Translates y back to an image like `from`, the input side. */
static bool read_back(translate_job *j, const gm_picture *y, const gm_field *from,
                      const int32_t *mask, int64_t *count, gm_error *err)
{
	gm_picture x;
	bool ok = gm_translator_run(j->reader, y, j->seed, (uint64_t)j->done, &x, err) &&
	          ((x.height == from->shape[1] && x.width == from->shape[2]) ||
	           gm_fail(err, GM_ERR_VALUE, "option read-back: that run gives pictures of %dx%d",
	                   x.width, x.height)) &&
	          count_classes(j, x.x, from, mask, count, err);
	free(x.x);
	return ok;
}

static bool can_read_back(const translate_job *j, const gm_field *from, const gm_field *to,
                          const gm_field *mask, gm_error *err)
{
	if (!to || !mask || mask->classes < 2 || mask->classes > TRANSLATE_CLASSES)
		return gm_fail(err, GM_ERR_VALUE,
		               "option read-back: %s has no field \"mask\" to compare with",
		               j->input);
	if (!strcmp(gm_translator_field(j->reader), gm_translator_field(j->t)))
		return gm_fail(err, GM_ERR_VALUE,
		               "option read-back: that run has the same input side, \"%s\"; use "
		               "one of the other --direction",
		               gm_translator_field(j->t));
	return (gm_translator_takes(j->reader) == to->shape[0] &&
	        gm_translator_gives(j->reader) == from->shape[0]) ||
	       gm_fail(err, GM_ERR_VALUE,
	               "option read-back: that run's pictures have other channels than %s",
	               j->input);
}

static gm_picture picture_of(const gm_field *f, float *x)
{
	return f ? (gm_picture){x, (int)f->shape[0], (int)f->shape[1], (int)f->shape[2]}
	         : (gm_picture){0};
}

bool translate_set(translate_job *j, gm_error *err)
{
	/* Options as for the run's data, except given ones and the range, which is for another
	 * set. */
	gm_data_options o = {0};
	if (!gm_settings_data(gm_translator_settings(j->t), false, &o, err))
		return false;
	o.from = o.to = 0, o.per_class = 0, o.halves = j->halves,
	o.channels = gm_translator_takes(j->t);
	o.size = j->size ? j->size : o.size;
	o.split = j->split ? j->split : o.split;
	gm_dataset *d = gm_data_open(j->input, &o, err);
	if (!d)
		return false;
	if (strcmp(gm_data_info_of(d)->resize, "none"))
		snprintf(j->resize, sizeof j->resize, "%s", gm_data_info_of(d)->resize);
	const gm_data_info *info = gm_data_info_of(d);
	const char *name = gm_translator_field(j->t);
	const gm_field *from = gm_data_field(d, name), *mask = gm_data_field(d, "mask"),
		       *to = gm_data_target(d, gm_translator_target(j->t));
	from = from ? from : gm_data_field(d, "image");
	snprintf(j->against, sizeof j->against, "%s", to ? to->name : "");
	bool ok = (from->rank == 3 && from->shape[0] == gm_translator_takes(j->t)) ||
	          gm_fail(err, GM_ERR_VALUE, "%s has no pictures that this run supports", j->input);
	to = to && to != from && to->shape[0] == gm_translator_gives(j->t) ? to : NULL;
	ok = ok && (j->out || to || j->classifier ||
	            gm_fail(err, GM_ERR_VALUE,
	                    "%s has no pairs for scoring: give an output, -o OUT", j->input));
	if (!j->count)
		j->count = info->count ? (int64_t)info->count : ENDLESS;
	ok = ok && (!j->reader || can_read_back(j, from, to, mask, err));
	float *x = ok ? malloc(from->numel * sizeof *x) : NULL,
	      *b = ok && to ? malloc(to->numel * sizeof *b) : NULL;
	j->maps = !j->reader && to && j->second && mask && mask->classes <= TRANSLATE_CLASSES;
	bool counts = j->reader || j->maps;
	int32_t *m = ok && counts ? malloc(mask->numel * sizeof *m) : NULL;
	ok = ok && ((x && (b || !to) && (m || !counts)) ||
	            gm_fail(err, GM_ERR_MEMORY, "no memory for pictures"));
	ok = ok && (!counts || learn_colours(j, d, j->maps ? to : from, mask, err));
	for (int pass = j->out ? 0 : 1; ok && pass < 2; pass++)
		for (int64_t i = 0; ok && i < j->count; i++) {
			char number[32], path[PATH_MAX];
			gm_picture y = {0};
			uint64_t at = gm_data_index(d, j->seed, (uint64_t)i);
			const char *file = info->count ? gm_data_example_name(d, at) : NULL;
			snprintf(number, sizeof number, "%06" PRId64, i);
			file = file ? file : number;
			ok = !j->out || translate_path(j, file, path) ||
			     gm_fail(err, GM_ERR_VALUE, "%s: the name is too long", file);
			if (pass == 0) {
				ok = ok && translate_may_write(j, path, err);
				continue;
			}
			ok = ok &&
			     gm_progress_tell("translating", (uint64_t)i, (uint64_t)j->count,
			                      "pictures", err) &&
			     gm_data_read(d, from, j->seed, (uint64_t)i, 1, x, err) &&
			     (!to || gm_data_read(d, to, j->seed, (uint64_t)i, 1, b, err)) &&
			     translate_picture(j,
			                       &(translate_one){file, j->out ? path : NULL,
			                                        picture_of(from, x),
			                                        picture_of(to, b)},
			                       &y, err);
			ok = ok &&
			     (!counts || gm_data_read(d, mask, j->seed, (uint64_t)i, 1, m, err));
			const gm_picture truth = picture_of(to, b);
			if (j->reader)
				ok = ok && read_back(j, &truth, from, m, j->real_count, err) &&
				     read_back(j, &y, from, m, j->fake_count, err);
			else if (j->maps)
				ok = ok && count_classes(j, b, to, m, j->real_count, err) &&
				     count_classes(j, y.x, to, m, j->fake_count, err);
			free(y.x);
		}
	free(x);
	free(b);
	free(m);
	gm_data_close(d);
	return ok;
}
