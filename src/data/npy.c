/* SPDX-License-Identifier: MIT
 *
 * npy.c -- NumPy's arrays: .npy, and .npz, which is a zip of them. See array.h. */
#include "base/progress.h"
#include "data/array.h"
#include "data/clips.h"
#include "data/tree.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENTRY_MAX ((size_t)1 << 38)

/* ---- .npy ---- */

static bool takes_npy(const gm_place *at)
{
	return !at->folder && strcmp(at->ending, ".npy") == 0;
}

/* images.npy -> labels.npy, x_train.npy -> y_train.npy, X.npy -> y.npy */
static bool labels_beside(const char *path, char out[PATH_MAX])
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	const char *images = strstr(name, "images");
	if (images)
		snprintf(out, PATH_MAX, "%.*slabels%s", (int)(images - path), path, images + 6);
	else if ((*name == 'x' || *name == 'X') && !isalnum((unsigned char)name[1]))
		snprintf(out, PATH_MAX, "%.*sy%s", (int)(name - path), path, name + 1);
	else
		return false;
	return gm_file_exists(out);
}

static void say(gm_pictures *p, const char *format)
{
	p->format = format;
	if (p->point)
		p->about = p->label ? "points with labels, from a NumPy array"
		                    : "points, from a NumPy array";
	else if (p->length)
		p->about = "sequences of pictures, from a NumPy array";
	else
		p->about = p->label ? "pictures with labels, from NumPy arrays"
		                    : "pictures, from a NumPy array";
}

static bool open_npy(gm_pictures *p, const char *path, const gm_data_options *o, gm_error *err)
{
	gm_bytes file;
	gm_npy_array a;
	char labels[PATH_MAX];
	if (!gm_pictures_no_split(path, o, err) || !gm_file_open(path, &file, err))
		return false;
	bool ok = gm_npy_parse(&a, path, file.data, file.size, err) &&
	          gm_array_examples(p, &a, o->frames > 1, path, err);
	gm_file_close(&file);
	if (ok && labels_beside(path, labels)) {
		if (!gm_file_open(labels, &file, err))
			return false;
		ok = gm_npy_parse(&a, labels, file.data, file.size, err) &&
		     gm_array_labels(p, &a, false, labels, err);
		gm_file_close(&file);
	}
	say(p, "npy");
	return ok && (!p->length || gm_clips_of_array(p, o, path, err));
}

/* ---- .npz ---- */

/* The names that people give: those of a part first, so that x_train is found before x. */
static const struct {
	const char *split, *name;
	bool labels;
} keys[] = {
	{"train", "x_train", false},
	{"train", "X_train", false},
	{"train", "train_images", false},
	{"train", "y_train", true},
	{"train", "Y_train", true},
	{"train", "train_labels", true},
	{"test", "x_test", false},
	{"test", "X_test", false},
	{"test", "test_images", false},
	{"test", "y_test", true},
	{"test", "Y_test", true},
	{"test", "test_labels", true},
	{"val", "x_val", false},
	{"val", "X_val", false},
	{"val", "val_images", false},
	{"val", "y_val", true},
	{"val", "Y_val", true},
	{"val", "val_labels", true},
	{"val", "x_valid", false},
	{"val", "y_valid", true},
	{NULL, "images", false},
	{NULL, "image", false},
	{NULL, "x", false},
	{NULL, "X", false},
	{NULL, "imgs", false},
	{NULL, "data", false},
	{NULL, "arr_0", false},
	{NULL, "labels", true},
	{NULL, "label", true},
	{NULL, "y", true},
	{NULL, "Y", true},
	{NULL, "latents_classes", true},
	{NULL, "arr_1", true},
};
#define KEYS ((int)(sizeof keys / sizeof *keys))

typedef struct member {
	int key;
	uint8_t *bytes;
	size_t n;
} member;

static int key_of(const char *name, const char *split)
{
	const size_t n = strlen(name);
	for (int i = 0; i < KEYS; i++)
		if (n == strlen(keys[i].name) + 4 && strncmp(name, keys[i].name, n - 4) == 0 &&
		    strcmp(name + n - 4, ".npy") == 0)
			return keys[i].split && strcmp(keys[i].split, split) != 0 ? -1 : i;
	return -1;
}

/* The part that name is the pictures (or labels) of, where that is another than split; else
 * NULL. */
static const char *other_part(const char *name, const char *split, bool labels)
{
	const size_t n = strlen(name);
	for (int i = 0; i < KEYS; i++)
		if (keys[i].labels == labels && keys[i].split &&
		    strcmp(keys[i].split, split) != 0 && n == strlen(keys[i].name) + 4 &&
		    strncmp(name, keys[i].name, n - 4) == 0 && strcmp(name + n - 4, ".npy") == 0)
			return keys[i].split;
	return NULL;
}

/* Keeps the better of two: lower in the table. */
static bool offer(member *m, int key, gm_tree *t, gm_error *err)
{
	if (m->bytes && m->key <= key)
		return true;
	free(m->bytes);
	m->key = key;
	return gm_tree_read(t, ENTRY_MAX, &m->bytes, &m->n, err);
}

/* The largest label of another part: classes are those of all parts. */
static bool look_at_labels(gm_tree *t, const char *path, const char *name, int *classes,
                           gm_error *err)
{
	member m = {0};
	gm_npy_array a;
	gm_pictures other = {0};
	bool ok = gm_tree_read(t, ENTRY_MAX, &m.bytes, &m.n, err) &&
	          gm_npy_parse(&a, name, m.bytes, m.n, err);
	const int64_t n = ok ? gm_array_numel(&a) : 0;
	other.count = n > 0 ? (uint64_t)n : 0;
	ok = ok && gm_array_labels(&other, &a, false, name, err);
	*classes = ok && other.labels > *classes ? other.labels : *classes;
	free(m.bytes), free(other.label);
	return ok || gm_fail(err, err->code, "%s: %s", path, name);
}

/* Which of the arrays are the pictures and labels of that part; all (room for a list) names what is
 * there. */
static bool choose(gm_tree *t, const char *path, const char *split, member *images, member *labels,
                   int *classes, char all[200], const char **other, gm_error *err)
{
	gm_tree_file f;
	gm_error why = {0};
	size_t listed = 0;
	while (gm_tree_next(t, &f, &why)) {
		char name[64];
		snprintf(name, sizeof name, "%s", f.name);
		const size_t n = strlen(name);
		const int shown = (int)(n > 4 && strcmp(name + n - 4, ".npy") == 0 ? n - 4 : n);
		if (listed < 140)
			listed += (size_t)snprintf(all + listed, 200 - listed, "%s%.*s",
			                           listed ? ", " : "", shown, name);
		const char *part = other_part(name, split, false);
		*other = part ? part : *other;
		if (other_part(name, split, true) && !look_at_labels(t, path, name, classes, &why))
			return gm_fail(err, why.code, "%s", why.message);
		const int key = key_of(name, split);
		if (key >= 0 && !offer(keys[key].labels ? labels : images, key, t, &why))
			return gm_fail(err, why.code, "%s: %s: %s", path, name, why.message);
	}
	return !why.code || gm_fail(err, why.code, "%s", why.message);
}

static bool takes_npz(const gm_place *at)
{
	return !at->folder && strcmp(at->ending, ".npz") == 0;
}

static bool from_members(gm_pictures *p, const char *path, const gm_data_options *o,
                         const member *images, const member *labels, const char *all,
                         const char *other, gm_error *err)
{
	gm_npy_array a;
	char name[PATH_MAX];
	const char *split = o->split ? o->split : "train";
	if (!images->bytes && other)
		return gm_fail(err, GM_ERR_IO,
		               "%s: no %s pictures in it, only %s (%s); use --split %s", path,
		               split, other, all, other);
	if (!images->bytes)
		return gm_fail(
			err, GM_ERR_FORMAT,
			"%s: it has no array named images, x, data, arr_0 or x_%s; it has: %s",
			path, split, all);
	if (!keys[images->key].split && !gm_pictures_no_split(path, o, err))
		return false;
	snprintf(name, sizeof name, "%s: %s", path, keys[images->key].name);
	if (!gm_npy_parse(&a, name, images->bytes, images->n, err) ||
	    !gm_array_examples(p, &a, o->frames > 1, name, err))
		return false;
	/* Labels of a part belong to pictures of a part. */
	if (!labels->bytes || !keys[labels->key].split != !keys[images->key].split)
		return true;
	snprintf(name, sizeof name, "%s: %s", path, keys[labels->key].name);
	return gm_npy_parse(&a, name, labels->bytes, labels->n, err) &&
	       gm_array_labels(p, &a, false, name, err);
}

static bool open_npz(gm_pictures *p, const char *path, const gm_data_options *o, gm_error *err)
{
	member images = {0}, labels = {0};
	int classes = 0;
	char all[200] = "";
	const char *other = NULL;
	gm_tree *t = gm_tree_open(path, err);
	const bool ok = t &&
	                choose(t, path, o->split ? o->split : "train", &images, &labels, &classes,
	                       all, &other, err) &&
	                from_members(p, path, o, &images, &labels, all, other, err);
	/* Labels of other parts count only beside labels of this one. */
	if (ok && p->label && classes > p->labels && keys[labels.key].split)
		p->labels = classes;
	gm_tree_close(t);
	gm_progress_end();
	free(images.bytes), free(labels.bytes);
	say(p, "npz");
	return ok && (!p->length || gm_clips_of_array(p, o, path, err));
}

const gm_format gm_format_npy = {takes_npy, open_npy};
const gm_format gm_format_npz = {takes_npz, open_npz};
