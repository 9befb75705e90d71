/* SPDX-License-Identifier: MIT
 *
 * idx_set.c -- finite sets from IDX files: finding them and checking them. See pictures.h. */
#include "data/idx.h"
#include "data/pictures.h"

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

static bool find_in_folder(const char *folder, const char *split, char path[PATH_MAX])
{
	for (size_t i = 0; i < sizeof known_files / sizeof *known_files; i++)
		for (int gz = 0; gz < 2; gz++) {
			if (split && strcmp(known_files[i].split, split) != 0)
				continue;
			snprintf(path, PATH_MAX, "%s/%s%s", folder, known_files[i].name,
			         gz ? ".gz" : "");
			if (gm_file_exists(path))
				return true;
		}
	return false;
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
static bool planes_first(gm_pictures *p, uint8_t *pixel, gm_error *err)
{
	const size_t plane = (size_t)p->height * (size_t)p->width, channels = (size_t)p->channels;
	uint8_t *copy = channels > 1 ? malloc(plane * channels) : NULL;
	if (channels == 1)
		return true;
	if (!copy)
		return gm_fail(err, GM_ERR_MEMORY, "out of memory");
	for (uint64_t i = 0; i < p->count; i++) {
		uint8_t *picture = pixel + i * plane * channels;
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
	p->pixel = p->owned = idx.data;
	p->channels = 1, p->height = (int)n[1], p->width = (int)n[2];
	if (idx.rank == 3)
		return true;
	if (is_colour(n[3])) {
		p->channels = (int)n[3];
		return planes_first(p, idx.data, err);
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
	bool ok = idx.rank == 1 ||
	          gm_fail(err, GM_ERR_FORMAT,
	                  "%s: holds pictures (IDX%d) where labels (IDX1) are expected", path,
	                  idx.rank);
	if (ok && (uint64_t)idx.dims[0] != p->count)
		ok = gm_fail(err, GM_ERR_FORMAT, "%s: %lld labels for %llu pictures", path,
		             (long long)idx.dims[0], (unsigned long long)p->count);
	ok = ok && gm_pictures_labels(p, idx.data, err);
	gm_idx_free(&idx);
	return ok;
}

static bool read_both(gm_pictures *p, const char *path, gm_error *err)
{
	char labels[PATH_MAX];
	if (!read_pictures(p, path, err) ||
	    (labels_beside(path, labels) && !read_labels(p, labels, err)))
		return false;
	p->format = "IDX";
	p->about = p->label ? "pictures with labels, from IDX files" : "pictures, from an IDX file";
	return true;
}

static bool takes_folder(const gm_place *at)
{
	char found[PATH_MAX];
	return at->folder && find_in_folder(at->path, NULL, found);
}

static bool open_folder(gm_pictures *p, const char *path, const gm_data_options *o, gm_error *err)
{
	char found[PATH_MAX];
	const char *split = o->split ? o->split : "train";
	if (find_in_folder(path, split, found))
		return read_both(p, found, err);
	return gm_fail(err, GM_ERR_IO,
	               "%s: no %s pictures here (looked for %s, with or without .gz)", path, split,
	               strcmp(split, "test") == 0 ? "t10k-images-idx3-ubyte"
	                                          : "train-images-idx3-ubyte");
}

/* Whatever no other format takes: IDX files may be called anything. */
static bool takes_file(const gm_place *at)
{
	return !at->folder;
}

static bool open_file(gm_pictures *p, const char *path, const gm_data_options *o, gm_error *err)
{
	return gm_pictures_no_split(path, o, err) && read_both(p, path, err);
}

const gm_format gm_format_idx_folder = {takes_folder, open_folder};
const gm_format gm_format_idx = {takes_file, open_file};
