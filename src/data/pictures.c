/* SPDX-License-Identifier: MIT
 *
 * pictures.c -- finite sets from IDX files: finding them, checking them, delivering them. See
 * pictures.h. */
#include "data/pictures.h"

#include "base/file.h"
#include "base/machine.h"
#include "data/idx.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* MNIST's file names, as its own site and as others repack it. */
static const struct {
	const char *split, *name;
} known_files[] = {
	{"train", "train-images-idx3-ubyte"}, {"train", "train-images.idx3-ubyte"},
	{"test", "t10k-images-idx3-ubyte"},   {"test", "t10k-images.idx3-ubyte"},
	{"test", "test-images-idx3-ubyte"},   {"train", "train-images-idx4-ubyte"},
	{"test", "test-images-idx4-ubyte"},
};

static bool find_in_folder(const char *folder, const char *split, char path[PATH_MAX],
                           gm_error *err)
{
	/* A folder without permission must not look like an empty one. */
	if (faccessat(AT_FDCWD, folder, X_OK, AT_EACCESS) != 0)
		return gm_fail(err, GM_ERR_IO, "cannot open %s: %s", folder, strerror(errno));
	for (size_t i = 0; i < sizeof known_files / sizeof *known_files; i++)
		for (int gz = 0; gz < 2; gz++) {
			if (strcmp(known_files[i].split, split) != 0)
				continue;
			snprintf(path, PATH_MAX, "%s/%s%s", folder, known_files[i].name,
			         gz ? ".gz" : "");
			if (gm_file_exists(path))
				return true;
		}
	return gm_fail(
		err, GM_ERR_IO, "%s: no %s pictures here (looked for %s, with or without .gz)",
		folder, split,
		strcmp(split, "test") == 0 ? "t10k-images-idx3-ubyte" : "train-images-idx3-ubyte");
}

/* The labels' path by MNIST's naming: "images" becomes "labels" and "idx3" becomes "idx1" in the
 * file's name. False where the name does not follow it or no such file is there. */
static bool labels_beside(const char *images, char path[PATH_MAX])
{
	const char *slash = strrchr(images, '/'), *name = slash ? slash + 1 : images;
	const char *word = strstr(name, "images");
	if (!word || snprintf(path, PATH_MAX, "%s", images) >= PATH_MAX - 4)
		return false;
	memcpy(path + (word - images), "labels", 6);
	char *idx = strstr(path + (word - images), "idx");
	if (idx && (idx[3] == '3' || idx[3] == '4'))
		idx[3] = '1';
	if (gm_file_exists(path))
		return true;
	const size_t n = strlen(path);
	if (n > 3 && strcmp(path + n - 3, ".gz") == 0)
		path[n - 3] = 0;
	else
		memcpy(path + n, ".gz", 4);
	return gm_file_exists(path);
}

/* [N,H,W,C] to [N,C,H,W], picture by picture in place. */
static bool planes_first(gm_pictures *p, gm_error *err)
{
	const size_t plane = (size_t)p->height * (size_t)p->width, channels = (size_t)p->channels;
	uint8_t *copy = channels > 1 ? malloc(plane * channels) : NULL;
	if (channels == 1)
		return true;
	if (!copy)
		return gm_fail(err, GM_ERR_MEMORY, "out of memory");
	for (uint64_t i = 0; i < p->count; i++) {
		uint8_t *picture = p->pixel + i * plane * channels;
		memcpy(copy, picture, plane * channels);
		for (size_t c = 0; c < channels; c++)
			for (size_t k = 0; k < plane; k++)
				picture[c * plane + k] = copy[k * channels + c];
	}
	free(copy);
	return true;
}

static bool is_colour(int64_t n)
{
	return n == 1 || n == 3;
}

static bool read_pictures(gm_pictures *p, const char *path, gm_error *err)
{
	gm_idx idx;
	if (!gm_idx_read(path, &idx, err))
		return false;
	if (idx.rank == 1) {
		gm_idx_free(&idx);
		return gm_fail(err, GM_ERR_FORMAT,
		               "%s: holds labels (IDX1), not pictures (IDX3); give the images "
		               "file, such as "
		               "train-images-idx3-ubyte.gz",
		               path);
	}
	const int64_t *n = idx.dims;
	p->count = (uint64_t)n[0];
	p->pixel = idx.data;
	p->channels = 1, p->height = (int)n[1], p->width = (int)n[2];
	if (idx.rank == 3)
		return true;
	if (is_colour(n[3])) {
		p->channels = (int)n[3];
		return planes_first(p, err);
	}
	if (!is_colour(n[1]))
		return gm_fail(err, GM_ERR_FORMAT,
		               "%s: pictures of %lld x %lld x %lld; one of the first and last must "
		               "be 1 or 3 channels",
		               path, (long long)n[1], (long long)n[2], (long long)n[3]);
	p->channels = (int)n[1], p->height = (int)n[2], p->width = (int)n[3];
	return true;
}

static bool read_labels(gm_pictures *p, const char *path, gm_error *err)
{
	gm_idx idx;
	if (!gm_idx_read(path, &idx, err))
		return false;
	p->label = idx.data;
	if (idx.rank != 1)
		return gm_fail(err, GM_ERR_FORMAT,
		               "%s: holds pictures (IDX%d) where labels (IDX1) are expected", path,
		               idx.rank);
	if ((uint64_t)idx.dims[0] != p->count)
		return gm_fail(err, GM_ERR_FORMAT, "%s: %lld labels for %llu pictures", path,
		               (long long)idx.dims[0], (unsigned long long)p->count);
	for (uint64_t i = 0; i < p->count; i++)
		if (p->label[i] >= p->labels)
			p->labels = p->label[i] + 1;
	return true;
}

bool gm_pictures_open(gm_pictures *p, const char *path, const char *split, gm_error *err)
{
	char found[PATH_MAX], labels[PATH_MAX];
	if (strlen(path) >= PATH_MAX - 64)
		return gm_fail(err, GM_ERR_VALUE, "a path of %zu letters is too long",
		               strlen(path));
	if (gm_file_is_folder(path)) {
		if (!find_in_folder(path, split ? split : "train", found, err))
			return false;
		path = found;
	} else if (split) {
		return gm_fail(err, GM_ERR_VALUE,
		               "%s: one file has no splits; give its folder to choose between "
		               "train and test",
		               path);
	}
	if (!read_pictures(p, path, err))
		return false;
	return !labels_beside(path, labels) || read_labels(p, labels, err);
}

static int scaled(int side, int longer, int size)
{
	const int v = (int)((2LL * side * size + longer) / (2LL * longer));
	return v < 1 ? 1 : v;
}

bool gm_pictures_fit(gm_pictures *p, const gm_data_options *o, gm_error *err)
{
	p->to_channels = o->channels ? o->channels : p->channels;
	p->to_height = o->size ? o->size : p->height;
	p->to_width = o->size ? o->size : p->width;
	p->inner_height = p->to_height, p->inner_width = p->to_width;
	p->how = "none";
	if (o->fit == GM_FIT_PAD && o->size) {
		const int longer = p->height > p->width ? p->height : p->width;
		const bool shrink = longer > o->size;
		p->inner_height = shrink ? scaled(p->height, longer, o->size) : p->height;
		p->inner_width = shrink ? scaled(p->width, longer, o->size) : p->width;
		p->how = shrink ? GM_RESIZE_NAME ", padded" : "pad";
	}
	if (p->inner_height != p->height || p->inner_width != p->width) {
		p->resize = gm_resize_new(p->height, p->width, p->inner_height, p->inner_width);
		if (!p->resize)
			return gm_fail(err, GM_ERR_MEMORY, "out of memory");
		if (o->fit != GM_FIT_PAD)
			p->how = GM_RESIZE_NAME;
	} else if (p->inner_height == p->to_height && p->inner_width == p->to_width) {
		p->how = "none";
	}
	p->threads = gm_thread_count();
	p->scratch_each = (size_t)p->height * (size_t)p->width +
	                  (p->resize ? gm_resize_scratch(p->resize) : 0);
	p->scratch = malloc((size_t)p->threads * p->scratch_each * sizeof *p->scratch);
	return p->scratch || gm_fail(err, GM_ERR_MEMORY, "out of memory");
}

void gm_pictures_free(gm_pictures *p)
{
	free(p->pixel);
	free(p->label);
	free(p->scratch);
	gm_resize_free(p->resize);
	*p = (gm_pictures){0};
}

static float to_float(uint8_t v)
{
	return (float)v * (2.f / 255) - 1;
}

void gm_pictures_get(const gm_pictures *p, uint64_t index, int thread, float *x)
{
	const size_t from = (size_t)p->height * (size_t)p->width,
		     to = (size_t)p->to_height * (size_t)p->to_width;
	const uint8_t *picture = p->pixel + index * from * (size_t)p->channels;
	float *plane = p->scratch + (size_t)thread * p->scratch_each;
	const int top = (p->to_height - p->inner_height) / 2,
		  left = (p->to_width - p->inner_width) / 2;
	const bool luma = p->to_channels == 1 && p->channels == 3,
		   copy = p->to_channels == 3 && p->channels == 1;

	if (p->inner_height != p->to_height || p->inner_width != p->to_width)
		for (size_t i = 0; i < to * (size_t)p->to_channels; i++)
			x[i] = -1;
	for (int c = 0; c < (copy ? 1 : p->to_channels); c++) {
		const uint8_t *in = picture + (size_t)c * from;
		float *out = x + (size_t)c * to + (size_t)top * (size_t)p->to_width + (size_t)left;
		for (size_t i = 0; i < from; i++)
			plane[i] = luma ? (.299f * in[i] + .587f * in[i + from] +
			                   .114f * in[i + 2 * from]) *
			                                   (2.f / 255) -
			                           1
			                : to_float(in[i]);
		if (p->resize)
			gm_resize_plane(p->resize, plane, out, (size_t)p->to_width, plane + from);
		else
			for (int y = 0; y < p->height; y++)
				memcpy(out + (size_t)y * (size_t)p->to_width,
				       plane + (size_t)y * (size_t)p->width,
				       (size_t)p->width * sizeof *x);
	}
	for (int c = 1; copy && c < p->to_channels; c++)
		memcpy(x + (size_t)c * to, x, to * sizeof *x);
}
