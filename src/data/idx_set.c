/* SPDX-License-Identifier: MIT
 *
 * idx_set.c -- finite sets from IDX files: finding them and checking them. See pictures.h. */
#include "data/idx.h"
#include "data/pictures.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What a file's name says: "emnist-letters-train-images-idx3-ubyte.gz" holds the pictures of the
 * part "train" of the set "emnist-letters". MNIST's own files name no set, and its test part
 * t10k. */
typedef struct file_name {
	char set[128];     /* "" if the name has none */
	const char *split; /* "train", "test", "val"; NULL if the name has none */
	bool packed;       /* .gz */
} file_name;

typedef struct found_file {
	file_name is;
	char file[256];
} found_file;

typedef struct folder {
	found_file *file; /* of pictures; owned */
	int files;
} folder;

static const char *part_of(const char *word, size_t n)
{
	static const struct {
		const char *word, *split;
	} words[] = {{"train", "train"}, {"training", "train"}, {"t10k", "test"},
	             {"test", "test"},   {"testing", "test"},   {"val", "val"},
	             {"valid", "val"},   {"validation", "val"}, {"dev", "val"}};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strlen(words[i].word) == n && strncasecmp(words[i].word, word, n) == 0)
			return words[i].split;
	return NULL;
}

/* Whether name is that of an IDX file of pictures: words between - _ and . among which "images",
 * "idx3" or "idx4", and "ubyte" are. The part is one of them too; what is left names the set. */
static bool read_name(const char *name, file_name *is)
{
	bool images = false, idx = false, bytes = false;
	*is = (file_name){0};
	size_t used = 0;
	for (const char *p = name; *p;) {
		const size_t n = strcspn(p, "-_.");
		const char *part = part_of(p, n);
		if (n == 6 && strncasecmp(p, "images", n) == 0)
			images = true;
		else if (n == 4 &&
		         (strncasecmp(p, "idx3", n) == 0 || strncasecmp(p, "idx4", n) == 0))
			idx = true;
		else if (n == 5 && strncasecmp(p, "ubyte", n) == 0)
			bytes = true;
		else if (n == 2 && strncasecmp(p, "gz", n) == 0)
			is->packed = true;
		else if (part && !is->split)
			is->split = part;
		else if (used + n + 2 < sizeof is->set)
			/* With the mark that stood before it. */
			used += (size_t)snprintf(is->set + used, sizeof is->set - used, "%.*s",
			                         (int)n + (used > 0), p - (used > 0));
		p += n + (p[n] != 0);
	}
	return images && idx && bytes;
}

static int by_name(const void *x, const void *y)
{
	return strcmp(((const found_file *)x)->file, ((const found_file *)y)->file);
}

/* The IDX files of pictures in a folder, in the order of their names; of a file that is there
 * packed and unpacked, the unpacked one. */
static folder list_folder(const char *path)
{
	folder f = {0};
	DIR *d = opendir(path);
	for (const struct dirent *e; d && (e = readdir(d));) {
		found_file one;
		if (e->d_name[0] == '.' || strlen(e->d_name) >= sizeof one.file ||
		    !read_name(e->d_name, &one.is))
			continue;
		snprintf(one.file, sizeof one.file, "%s", e->d_name);
		found_file *more = realloc(f.file, (size_t)(f.files + 1) * sizeof *more);
		if (!more)
			break;
		f.file = more, f.file[f.files++] = one;
	}
	if (d)
		closedir(d);
	if (f.files)
		qsort(f.file, (size_t)f.files, sizeof *f.file, by_name);
	return f;
}

/* The file of that part of the set; NULL where there is none. Where no file is called test, val
 * is. */
static const found_file *find_part(const folder *f, const char *set, const char *split)
{
	const found_file *found = NULL;
	for (int i = 0; i < f->files; i++) {
		const found_file *one = f->file + i;
		const char *part = one->is.split ? one->is.split : "train";
		if (strcmp(one->is.set, set) == 0 && strcmp(part, split) == 0 &&
		    (!found || (found->is.packed && !one->is.packed)))
			found = one;
	}
	return found || strcmp(split, "test") != 0 ? found : find_part(f, set, "val");
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
		               "%s: contains labels (IDX1), not pictures (IDX3); give the images "
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
		               "%s: pictures of %lld x %lld x %lld; the first or last must be 1 or "
		               "3 channels",
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
	                  "%s: contains pictures (IDX%d), but labels (IDX1) are expected", path,
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

/* A folder with such files; or the path of a set in one, FOLDER/emnist-letters, where no file is
 * called that. */
static bool takes_folder(const gm_place *at)
{
	folder f = {0};
	bool takes = false;
	if (at->folder) {
		f = list_folder(at->path);
		takes = f.files > 0;
	} else if (!gm_file_exists(at->path)) {
		const char *slash = strrchr(at->path, '/');
		char up[PATH_MAX];
		snprintf(up, sizeof up, "%.*s", slash ? (int)(slash - at->path) : 1,
		         slash ? at->path : ".");
		f = list_folder(*up ? up : "/");
		for (int i = 0; i < f.files; i++)
			takes |= strcmp(f.file[i].is.set, slash ? slash + 1 : at->path) == 0;
	}
	free(f.file);
	return takes;
}

static bool is_part(const folder *f, const char *set, const char *split)
{
	const found_file *p = find_part(f, set, split);
	return p && strcmp(p->is.split ? p->is.split : "train", split) == 0;
}

static const char *const splits[] = {"train", "test", "val"};

/* "usps (train, test), emnist-letters (train)"; only: that set alone, or NULL. How many were
 * listed. */
static int say_sets(const folder *f, const char *only, char *text, size_t room)
{
	int sets = 0;
	size_t n = 0;
	text[0] = 0;
	for (int i = 0; i < f->files; i++) {
		const char *set = f->file[i].is.set;
		bool first = !only || strcmp(only, set) == 0;
		for (int k = 0; k < i; k++)
			first &= strcmp(f->file[k].is.set, set) != 0;
		if (!first)
			continue;
		char parts[32] = "";
		for (int k = 0; k < 3; k++)
			if (is_part(f, set, splits[k]))
				snprintf(parts + strlen(parts), sizeof parts - strlen(parts),
				         "%s%s", *parts ? ", " : "", splits[k]);
		sets++;
		if (n < room)
			n += (size_t)snprintf(text + n, room - n, "%s%.60s (%s)", n ? ", " : "",
			                      *set ? set : "one without a name", parts);
	}
	return sets;
}

/* Classes are counted over all splits, even if a split lacks the last class. */
static bool count_classes(gm_pictures *p, const char *path, const folder *f, const char *set,
                          gm_error *err)
{
	for (int k = 0; p->label && k < 3; k++) {
		const found_file *other = find_part(f, set, splits[k]);
		char images[PATH_MAX], labels[PATH_MAX];
		gm_idx idx;
		if (!other ||
		    snprintf(images, sizeof images, "%s/%s", path, other->file) >=
		            (int)sizeof images ||
		    !labels_beside(images, labels))
			continue;
		if (!gm_idx_read(labels, &idx, err))
			return false;
		for (int64_t i = 0; idx.rank == 1 && i < idx.dims[0]; i++)
			p->labels = idx.data[i] >= p->labels ? idx.data[i] + 1 : p->labels;
		gm_idx_free(&idx);
	}
	return true;
}

static bool open_of_folder(gm_pictures *p, const char *path, const char *set, const folder *f,
                           const gm_data_options *o, gm_error *err)
{
	char found[PATH_MAX], sets[240];
	const char *split = o->split ? o->split : "train";
	const int count = say_sets(f, set, sets, sizeof sets);
	if (!set && count > 1)
		return gm_fail(err, GM_ERR_VALUE,
		               "%s: several data sets here: %s; select one, such as %s/%.100s",
		               path, sets, path,
		               *f->file->is.set ? f->file->is.set : f->file->file);
	set = set ? set : f->file->is.set;
	const found_file *part = find_part(f, set, split);
	int other = 0;
	while (other < 2 && !is_part(f, set, splits[other]))
		other++;
	if (!part)
		return gm_fail(err, GM_ERR_IO, "%s: no %s pictures here, only %s; use --split %s",
		               path, split, sets, splits[other]);
	if (snprintf(found, sizeof found, "%s/%s", path, part->file) >= (int)sizeof found)
		return gm_fail(err, GM_ERR_VALUE, "%s: the path is too long", path);
	return read_both(p, found, err) && count_classes(p, path, f, set, err);
}

static bool open_folder(gm_pictures *p, const char *path, const gm_data_options *o, gm_error *err)
{
	char up[PATH_MAX];
	const char *slash = strrchr(path, '/');
	if (gm_file_is_folder(path)) {
		folder f = list_folder(path);
		const bool ok = open_of_folder(p, path, NULL, &f, o, err);
		free(f.file);
		return ok;
	}
	snprintf(up, sizeof up, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
	folder f = list_folder(*up ? up : "/");
	const bool ok = open_of_folder(p, *up ? up : "/", slash ? slash + 1 : path, &f, o, err);
	free(f.file);
	return ok;
}

/* Files that no other format accepts, because IDX files may have any name. */
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
