/* SPDX-License-Identifier: MIT
 *
 * pictures.c -- what all finite sets of pictures share: choosing the format, fitting, delivering.
 * See pictures.h. */
#include "data/pictures.h"

#include "base/machine.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Asked in order: the particular before the general. */
static const gm_format *const formats[] = {
	&gm_format_idx_folder, &gm_format_svhn,  &gm_format_npy,   &gm_format_npz, &gm_format_mat,
	&gm_format_csv,        &gm_format_cifar, &gm_format_album, &gm_format_idx,
};

static void look(gm_place *at, const char *path)
{
	*at = (gm_place){.path = path, .folder = gm_file_is_folder(path)};
	const char *dot = strrchr(path, '.');
	for (int i = 0; dot && dot[i] && !strchr(dot, '/') && i < (int)sizeof at->ending_room - 1;
	     i++)
		at->ending_room[i] = (char)tolower((unsigned char)dot[i]);
	at->ending = at->ending_room;
}

bool gm_pictures_open(gm_pictures *p, const char *path, const gm_data_options *o, gm_error *err)
{
	gm_place at;
	if (strlen(path) >= PATH_MAX - 64)
		return gm_fail(err, GM_ERR_VALUE, "a path of %zu letters is too long",
		               strlen(path));
	look(&at, path);
	/* A folder without permission must not look like an empty one. */
	if (at.folder && faccessat(AT_FDCWD, path, R_OK | X_OK, AT_EACCESS) != 0)
		return gm_fail(err, GM_ERR_IO, "cannot open %s: %s", path, strerror(errno));
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
		if (formats[i]->takes(&at)) {
			gm_data_options mine = *o;
			if (o->fit == GM_FIT_AUTO)
				mine.fit = formats[i] == &gm_format_album ? GM_FIT_CROP
				                                          : GM_FIT_RESIZE;
			return formats[i]->open(p, path, &mine, err);
		}
	return gm_fail(err, GM_ERR_FORMAT, "%s: not a data set", path);
}

bool gm_pictures_no_split(const char *path, const gm_data_options *o, gm_error *err)
{
	return !o->split || strcmp(o->split, "train") == 0 ||
	       gm_fail(err, GM_ERR_VALUE,
	               "%s: has no parts, so there is no %s part; where there is a folder that "
	               "holds "
	               "both, give that",
	               path, o->split);
}

bool gm_pictures_labels(gm_pictures *p, const uint8_t *label, gm_error *err)
{
	p->label = malloc(p->count * sizeof *p->label);
	if (!p->label)
		return gm_fail(err, GM_ERR_MEMORY, "out of memory");
	for (uint64_t i = 0; i < p->count; i++) {
		p->label[i] = label[i];
		if (label[i] >= p->labels)
			p->labels = label[i] + 1;
	}
	return true;
}

bool gm_pictures_fit(gm_pictures *p, const gm_data_options *o, gm_error *err)
{
	p->threads = gm_thread_count();
	p->how = "none";
	if (p->point)
		return (!o->size && !o->channels && !o->flip && !o->crop) ||
		       gm_fail(err, GM_ERR_VALUE, "points have no size, no channels and no flips");
	if (!gm_fitter_init(&p->fit, p->channels, p->height, p->width, o, err))
		return false;
	p->how = p->album.how[0] ? p->album.how : p->fit.how;
	p->scratch_each = gm_fitter_scratch(&p->fit);
	p->scratch = malloc((size_t)p->threads * p->scratch_each * sizeof *p->scratch);
	return p->scratch || gm_fail(err, GM_ERR_MEMORY, "out of memory");
}

void gm_pictures_free(gm_pictures *p)
{
	free(p->owned);
	free(p->point);
	free(p->label);
	free(p->class_names);
	gm_arena_free(p->arena);
	gm_album_close(&p->album);
	free(p->slot), free(p->entry), free(p->slot_a);
	free(p->scratch);
	gm_fitter_free(&p->fit);
	*p = (gm_pictures){0};
}

void gm_pictures_get(const gm_pictures *p, uint64_t slot, int thread, float *x)
{
	if (p->point) {
		memcpy(x, p->point + slot * (uint64_t)p->width, (size_t)p->width * sizeof *x);
		return;
	}
	const size_t plane = (size_t)p->height * (size_t)p->width;
	gm_fitter_run(&p->fit, p->pixel + slot * plane * (size_t)p->channels, plane,
	              (size_t)p->width, 1, p->scratch + (size_t)thread * p->scratch_each, x);
}

uint64_t gm_pictures_hash(const gm_pictures *p)
{
	const uint64_t one = (uint64_t)p->channels * (uint64_t)p->height * (uint64_t)p->width;
	uint64_t h = 0;
	if (p->point)
		h = gm_hash(0, p->point, p->count * (uint64_t)p->width * sizeof *p->point);
	else if (!p->slot)
		h = gm_hash(0, p->pixel, p->count * one);
	/* An album knows the hash of each of its pictures; with halves, of both together. */
	for (uint64_t i = 0; p->slot && i < p->count; i++)
		h = gm_hash(h, &p->album.entry[p->entry[i]].hash, sizeof h);
	for (uint64_t i = 0; p->slot_a && i < p->count_a; i++)
		h = gm_hash(h, p->slot_a + i, sizeof h);
	if (p->label)
		h = gm_hash(h, p->label, p->count * sizeof *p->label);
	return h;
}
