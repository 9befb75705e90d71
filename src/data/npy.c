/* SPDX-License-Identifier: MIT
 *
 * npy.c -- NumPy's arrays: .npy, and .npz, which is a zip of them. See array.h. */
#include "base/text.h"
#include "data/array.h"
#include "data/tree.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_MAX 65536
#define ENTRY_MAX ((size_t)1 << 38)

static bool bad(const char *name, const char *what, gm_error *err)
{
	return gm_fail(err, GM_ERR_FORMAT, "%s: NumPy array: %s", name, what);
}

/* The header is a Python dict of three keys, written by a program. Where the value of one begins, or NULL. */
static const char *value_of(const char *header, const char *key)
{
	char quoted[32];
	snprintf(quoted, sizeof quoted, "'%s'", key);
	const char *p = strstr(header, quoted);
	if (!p)
		return NULL;
	p += strlen(quoted);
	while (*p == ' ')
		p++;
	if (*p++ != ':')
		return NULL;
	while (*p == ' ')
		p++;
	return p;
}

static bool parse_type(gm_array *a, const char *p, const char *name, gm_error *err)
{
	static const struct {
		const char *descr;
		gm_array_type type;
	} types[] = {{"'|u1'", GM_ARRAY_U8},  {"'|b1'", GM_ARRAY_U8},  {"'|i1'", GM_ARRAY_I8},
	             {"'<u2'", GM_ARRAY_U16}, {"'<i2'", GM_ARRAY_I16}, {"'<i4'", GM_ARRAY_I32},
	             {"'<i8'", GM_ARRAY_I64}, {"'<f4'", GM_ARRAY_F32}, {"'<f8'", GM_ARRAY_F64}};
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (strncmp(p, types[i].descr, 5) == 0) {
			a->type = types[i].type;
			return true;
		}
	return gm_fail(err, GM_ERR_FORMAT,
	               "%s: NumPy array of type %.12s; read are bytes, little-endian integers and "
	               "floats of "
	               "4 and 8 bytes",
	               name, p);
}

static bool parse_shape(gm_array *a, const char *p, const char *name, gm_error *err)
{
	if (*p++ != '(')
		return bad(name, "its header has no shape", err);
	for (;;) {
		while (*p == ' ' || *p == ',')
			p++;
		if (*p == ')')
			break;
		if (!isdigit((unsigned char)*p) || a->rank == GM_ARRAY_RANK)
			return bad(name, "its shape is none of 1 to 4 dimensions", err);
		int64_t v = 0;
		for (; isdigit((unsigned char)*p); p++)
			if (__builtin_mul_overflow(v, (int64_t)10, &v) ||
			    __builtin_add_overflow(v, (int64_t)(*p - '0'), &v))
				return bad(name, "absurd dimensions", err);
		a->dims[a->rank++] = v;
	}
	return a->rank > 0 || bad(name, "a single number", err);
}

bool gm_npy_parse(gm_array *a, const char *name, const void *bytes, size_t n, gm_error *err)
{
	const uint8_t *p = bytes;
	*a = (gm_array){0};
	if (n < 12 || memcmp(p, "\x93NUMPY", 6) != 0)
		return bad(name, "it does not begin as one", err);
	if (p[6] < 1 || p[6] > 3)
		return bad(name, "an unknown version", err);
	const size_t start = p[6] == 1 ? 10 : 12;
	const size_t length = p[8] | (size_t)p[9] << 8 |
	                      (p[6] == 1 ? 0 : (size_t)p[10] << 16 | (size_t)p[11] << 24);
	if (length > HEADER_MAX || length > n - start)
		return bad(name, "cut short in its header", err);
	char *header = gm_text_copy(p + start, length);
	if (!header)
		return gm_fail(err, GM_ERR_MEMORY, "%s: out of memory", name);
	const char *descr = value_of(header, "descr"), *order = value_of(header, "fortran_order"),
		   *shape = value_of(header, "shape");
	bool ok = (descr && order && shape) || bad(name, "its header lacks a key", err);
	ok = ok && parse_type(a, descr, name, err) && parse_shape(a, shape, name, err);
	const bool fortran = ok && strncmp(order, "True", 4) == 0;
	free(header);
	if (!ok)
		return false;
	int64_t size;
	const int64_t numel = gm_array_numel(a);
	if (numel < 0 || __builtin_mul_overflow(numel, (int64_t)gm_array_size(a->type), &size))
		return bad(name, "absurd dimensions", err);
	if ((uint64_t)size != n - start - length)
		return gm_fail(err, GM_ERR_FORMAT,
		               "%s: NumPy array: %s (its header promises %lld bytes, it has %zu)",
		               name,
		               (uint64_t)size > n - start - length ? "the file is cut short"
		                                                   : "bytes after the last number",
		               (long long)size, n - start - length);
	gm_array_strides(a, fortran);
	a->data = p + start + length;
	return true;
}

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
	else
		p->about = p->label ? "pictures with labels, from NumPy arrays"
		                    : "pictures, from a NumPy array";
}

static bool open_npy(gm_pictures *p, const char *path, const gm_data_options *o, gm_error *err)
{
	gm_bytes file;
	gm_array a;
	char labels[PATH_MAX];
	if (!gm_pictures_no_split(path, o, err) || !gm_file_open(path, &file, err))
		return false;
	bool ok = gm_npy_parse(&a, path, file.data, file.size, err) &&
	          gm_array_examples(p, &a, path, err);
	gm_file_close(&file);
	if (ok && labels_beside(path, labels)) {
		if (!gm_file_open(labels, &file, err))
			return false;
		ok = gm_npy_parse(&a, labels, file.data, file.size, err) &&
		     gm_array_labels(p, &a, false, labels, err);
		gm_file_close(&file);
	}
	say(p, "npy");
	return ok;
}

/* ---- .npz ---- */

/* The names that people give: those of a part first, so that x_train is found before x. */
static const struct {
	const char *split, *name;
	bool labels;
} keys[] = {
	{"train", "x_train", false}, {"train", "X_train", false}, {"train", "train_images", false},
	{"train", "y_train", true},  {"train", "Y_train", true},  {"train", "train_labels", true},
	{"test", "x_test", false},   {"test", "X_test", false},   {"test", "test_images", false},
	{"test", "y_test", true},    {"test", "Y_test", true},    {"test", "test_labels", true},
	{NULL, "images", false},     {NULL, "image", false},      {NULL, "x", false},
	{NULL, "X", false},          {NULL, "imgs", false},       {NULL, "data", false},
	{NULL, "arr_0", false},      {NULL, "labels", true},      {NULL, "label", true},
	{NULL, "y", true},           {NULL, "Y", true},           {NULL, "latents_classes", true},
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

/* Keeps the better of two: lower in the table. */
static bool offer(member *m, int key, gm_tree *t, gm_error *err)
{
	if (m->bytes && m->key <= key)
		return true;
	free(m->bytes);
	m->key = key;
	return gm_tree_read(t, ENTRY_MAX, &m->bytes, &m->n, err);
}

static bool choose(gm_tree *t, const char *path, const char *split, member *images, member *labels,
                   gm_error *err)
{
	gm_tree_file f;
	gm_error why = {0};
	while (gm_tree_next(t, &f, &why)) {
		char name[64];
		snprintf(name, sizeof name, "%s", f.name);
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
                         const member *images, const member *labels, gm_error *err)
{
	gm_array a;
	char name[PATH_MAX];
	if (!images->bytes)
		return gm_fail(err, GM_ERR_FORMAT,
		               "%s: no array in it is called images, x, data, arr_0 or %s", path,
		               o->split && strcmp(o->split, "test") == 0 ? "x_test" : "x_train");
	if (!keys[images->key].split && !gm_pictures_no_split(path, o, err))
		return false;
	snprintf(name, sizeof name, "%s: %s", path, keys[images->key].name);
	if (!gm_npy_parse(&a, name, images->bytes, images->n, err) ||
	    !gm_array_examples(p, &a, name, err))
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
	gm_tree *t = gm_tree_open(path, err);
	const bool ok = t &&
	                choose(t, path, o->split ? o->split : "train", &images, &labels, err) &&
	                from_members(p, path, o, &images, &labels, err);
	gm_tree_close(t);
	free(images.bytes), free(labels.bytes);
	say(p, "npz");
	return ok;
}

const gm_format gm_format_npy = {takes_npy, open_npy};
const gm_format gm_format_npz = {takes_npz, open_npz};
