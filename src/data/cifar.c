/* SPDX-License-Identifier: MIT
 *
 * cifar.c -- CIFAR-10 and CIFAR-100 in their binary version (Krizhevsky 2009): records of a label
 * (CIFAR-100: a coarse label, then the fine label, which is used), then 32 x 32 bytes of red,
 * green, blue. The files lie in a folder, or in the archive as it is published. */
#include "data/cifar.h"

#include "base/text.h"
#include "data/tree.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIXELS 3072
#define FILE_MAX ((size_t)1 << 30)

enum { TEN, HUNDRED };
static const struct {
	const char *about, *format;
	int labels_each, classes;
} kinds[] = {{"CIFAR-10, binary version", "CIFAR binary", 1, 10},
             {"CIFAR-100, binary version, fine labels", "CIFAR binary", 2, 100}};

static const struct {
	const char *name, *split; /* NULL: class names */
	int kind;
} files[] = {
	{"data_batch_1.bin", "train", TEN}, {"data_batch_2.bin", "train", TEN},
	{"data_batch_3.bin", "train", TEN}, {"data_batch_4.bin", "train", TEN},
	{"data_batch_5.bin", "train", TEN}, {"test_batch.bin", "test", TEN},
	{"batches.meta.txt", NULL, TEN},    {"train.bin", "train", HUNDRED},
	{"test.bin", "test", HUNDRED},      {"fine_label_names.txt", NULL, HUNDRED},
};
#define FILES ((int)(sizeof files / sizeof *files))

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

static int which(const char *path)
{
	for (int i = 0; i < FILES; i++)
		if (strcmp(base_of(path), files[i].name) == 0)
			return i;
	return -1;
}

bool gm_cifar_records(gm_pictures *p, int kind, const char *name, const uint8_t *bytes, size_t n,
                      gm_error *err)
{
	const size_t each = PIXELS + (size_t)kinds[kind].labels_each, records = n / each;
	if (n == 0 || n % each)
		return gm_fail(err, GM_ERR_FORMAT,
		               "%s: %zu bytes are not a multiple of the CIFAR record size %zu: "
		               "truncated, or another format",
		               name, n, each);
	uint8_t *pixel = realloc(p->owned, (p->count + records) * PIXELS);
	p->owned = pixel ? pixel : p->owned;
	p->pixel = p->owned;
	int32_t *label = pixel ? realloc(p->label, (p->count + records) * sizeof *label) : NULL;
	p->label = label ? label : p->label;
	if (!pixel || !label)
		return gm_fail(err, GM_ERR_MEMORY, "%s: out of memory", name);
	for (size_t i = 0; i < records; i++, bytes += each) {
		const int v = bytes[kinds[kind].labels_each - 1];
		if (v >= kinds[kind].classes)
			return gm_fail(err, GM_ERR_FORMAT,
			               "%s: record %zu has label %d of %d classes", name, i, v,
			               kinds[kind].classes);
		memcpy(pixel + p->count * PIXELS, bytes + kinds[kind].labels_each, PIXELS);
		label[p->count++] = v;
	}
	p->channels = 3, p->height = p->width = 32;
	p->labels = kinds[kind].classes;
	p->about = kinds[kind].about, p->format = kinds[kind].format;
	return true;
}

/* One name per line; used only if there are as many as classes. */
static void take_names(gm_pictures *p, int kind, char *text)
{
	const char **names = calloc((size_t)kinds[kind].classes, sizeof *names);
	int n = 0;
	for (char *save, *line = strtok_r(text, "\r\n", &save); names && line;
	     line = strtok_r(NULL, "\r\n", &save), n++)
		if (n < kinds[kind].classes)
			names[n] = gm_arena_strdup(p->arena, line);
	if (n == kinds[kind].classes && !p->class_names)
		p->class_names = names;
	else
		free(names);
}

typedef struct blob {
	uint8_t *bytes;
	size_t n;
} blob;

/* Records are joined in the order of file names, not of the archive. */
static bool gather(gm_tree *t, const char *split, blob part[FILES], const char **other,
                   gm_error *err)
{
	gm_tree_file f;
	while (gm_tree_next(t, &f, err)) {
		const int i = which(f.name);
		if (i >= 0 && files[i].split && strcmp(files[i].split, split) != 0)
			*other = files[i].split;
		if (i < 0 || part[i].bytes ||
		    (files[i].split && strcmp(files[i].split, split) != 0))
			continue;
		if (!gm_tree_read(t, FILE_MAX, &part[i].bytes, &part[i].n, err))
			return false;
	}
	return !err || !err->code;
}

bool gm_cifar_open(gm_pictures *p, const char *path, const char *split, bool *found, gm_error *err)
{
	blob part[FILES] = {0};
	gm_error why = {0};
	gm_tree *t = gm_tree_open(path, &why);
	const char *other = NULL;
	bool ok = t && gather(t, split, part, &other, &why);
	gm_tree_close(t);
	*found = false;
	int kind = -1;
	for (int i = 0; ok && i < FILES; i++) {
		if (!part[i].bytes || !files[i].split || (kind >= 0 && files[i].kind != kind))
			continue;
		kind = files[i].kind;
		*found = true;
		ok = gm_cifar_records(p, kind, files[i].name, part[i].bytes, part[i].n, &why);
	}
	for (int i = 0; i < FILES; i++) {
		if (ok && kind >= 0 && part[i].bytes && !files[i].split && files[i].kind == kind) {
			char *text = gm_text_copy(part[i].bytes, part[i].n);
			if (text)
				take_names(p, kind, text);
			free(text);
		}
		free(part[i].bytes);
	}
	if (ok && !*found && other)
		return gm_fail(err, GM_ERR_IO, "%s: no %s pictures here, only %s; use --split %s",
		               path, split, other, other);
	return ok || gm_fail(err, why.code, "%s: %s", path, why.message);
}

/* ---- one file ---- */

static bool takes(const gm_place *at)
{
	return !at->folder && strcmp(at->ending, ".bin") == 0;
}

static bool open_bin(gm_pictures *p, const char *path, const gm_data_options *o, gm_error *err)
{
	gm_bytes file;
	if (!gm_pictures_no_split(path, o, err) || !gm_file_open(path, &file, err))
		return false;
	/* If the size fits both record lengths, the file name decides. */
	const int i = which(path);
	const int kind = i >= 0 ? files[i].kind : file.size % (PIXELS + 1) ? HUNDRED : TEN;
	const bool ok = gm_cifar_records(p, kind, path, file.data, file.size, err);
	gm_file_close(&file);
	return ok;
}

const gm_format gm_format_cifar = {takes, open_bin};
