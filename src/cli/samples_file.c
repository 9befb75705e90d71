/* SPDX-License-Identifier: MIT
 *
 * cli/samples_file.c -- see samples_file.h. Images are the 8-bit values that an image of the sample
 * shows. Arrays have the names and the layout that evaluation programs read: arr_0, u1 [n,H,W,C],
 * and labels as arr_1, i8 [n] (Dhariwal & Nichol 2021); points and sounds are f4 [n, numbers].
 * dataset.json is StyleGAN's: {"labels": [["000000.png", 3], ...]}.
 */
#include "cli/samples_file.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "data/sound.h"
#include "ganymede/image.h"
#include "tensorfile/npy.h"

typedef enum kind { FOLDER, ZIP, NPZ, NPY } kind;

struct cli_samples {
	cli_samples_options o;
	kind kind;
	gm_writer *w;
	struct archive *a;
	json_t *labels;   /* of dataset.json */
	int64_t *numbers; /* labels of an array */
	int64_t done;
	gm_error *err; /* of the current call */
};

static kind kind_of(const char *path)
{
	return gm_text_ends(path, ".zip")   ? ZIP
	       : gm_text_ends(path, ".npz") ? NPZ
	       : gm_text_ends(path, ".npy") ? NPY
	                                    : FOLDER;
}

bool cli_samples_is(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	return kind_of(path) != FOLDER || gm_file_is_folder(path) || !*name || !strchr(name, '.');
}

/* ---- arrays and archives --------------------------------------------------------------------- */

static bool entry(cli_samples *s, const char *name, int64_t size)
{
	struct archive_entry *e = archive_entry_new();
	archive_entry_set_pathname(e, name);
	archive_entry_set_size(e, size);
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_perm(e, 0644);
	/* a fixed time, so that archives are reproducible */
	archive_entry_set_mtime(e, 315532800, 0);
	bool ok = archive_write_header(s->a, e) == ARCHIVE_OK;
	archive_entry_free(e);
	return ok || gm_fail(s->err, GM_ERR_IO, "%s: %s", s->o.path, archive_error_string(s->a));
}

static bool put_bytes(cli_samples *s, const void *p, size_t n)
{
	if (!s->a)
		return gm_writer_put(s->w, p, n, s->err);
	return archive_write_data(s->a, p, n) == (la_ssize_t)n ||
	       gm_fail(s->err, GM_ERR_IO, "%s: %s", s->o.path, archive_error_string(s->a));
}

static la_ssize_t on_write(struct archive *a, void *context, const void *p, size_t n)
{
	cli_samples *s = context;
	(void)a;
	return gm_writer_put(s->w, p, n, s->err) ? (la_ssize_t)n : -1;
}

static bool open_archive(cli_samples *s)
{
	s->a = archive_write_new();
	return (s->a && archive_write_set_format_zip(s->a) == ARCHIVE_OK &&
	        archive_write_zip_set_compression_store(s->a) == ARCHIVE_OK &&
	        archive_write_set_bytes_in_last_block(s->a, 1) == ARCHIVE_OK &&
	        archive_write_open(s->a, s, NULL, on_write, NULL) == ARCHIVE_OK) ||
	       gm_fail(s->err, GM_ERR_IO, "%s: cannot make an archive", s->o.path);
}

/* True if arrays contain the samples as floats [n, numel]. */
static bool is_raw(const gm_facts *f)
{
	return f->points || f->rate;
}

static bool begin_array(cli_samples *s)
{
	const gm_facts *f = s->o.facts;
	char head[GM_NPY_HEAD];
	int64_t image[] = {s->o.n, f->height, f->width, f->channels}, point[] = {s->o.n, f->numel};
	int n = is_raw(f) ? gm_npy_head(head, "<f4", point, 2) : gm_npy_head(head, "|u1", image, 4);
	int64_t bytes = s->o.n * f->numel * (is_raw(f) ? 4 : 1);
	return (s->kind != NPZ || entry(s, "arr_0.npy", n + bytes)) && put_bytes(s, head, n);
}

/* ---- one sample ------------------------------------------------------------------------------ */

static uint8_t to_byte(float v)
{
	return (uint8_t)lrintf((fminf(fmaxf(isfinite(v) ? v : 0, -1), 1) + 1) * 127.5f);
}

/* [C,H,W] floats to [H,W,C] bytes */
static void to_bytes(const gm_facts *f, const float *x, uint8_t *y)
{
	int64_t plane = f->height * f->width;
	for (int64_t i = 0; i < plane; i++)
		for (int64_t c = 0; c < f->channels; c++)
			y[i * f->channels + c] = to_byte(x[c * plane + i]);
}

static bool put_file(cli_samples *s, const char *name, const void *bytes, size_t n)
{
	char path[PATH_MAX];
	if (s->kind == ZIP)
		return entry(s, name, (int64_t)n) && put_bytes(s, bytes, n);
	return (snprintf(path, sizeof path, "%s/%s", s->o.path, name) < PATH_MAX ||
	        gm_fail(s->err, GM_ERR_VALUE, "%s: the path is too long", s->o.path)) &&
	       gm_file_write(path, bytes, n, s->err);
}

/* One sample as a file of its own: bytes of an image, or x of a sound. */
static bool put_one(cli_samples *s, const uint8_t *bytes, const float *x, const int32_t *label)
{
	const gm_facts *f = s->o.facts;
	char name[32];
	snprintf(name, sizeof name, "%06" PRId64 ".%s", s->done, f->rate ? "wav" : "png");
	if (label)
		json_array_append_new(s->labels, json_pack("[s, i]", name, (int)*label));
	gm_image im = {(int)f->width, (int)f->height, (int)f->channels, (uint8_t *)bytes};
	void *png = NULL;
	uint8_t *wave = NULL;
	size_t n = 0;
	bool ok = f->rate ? gm_sound_encode(name, x, f->numel, (int)f->rate, &wave, &n, s->err)
	                  : gm_png_encode(&im, &png, &n, s->err);
	ok = ok && put_file(s, name, f->rate ? wave : png, n);
	free(png);
	free(wave);
	return ok;
}

bool cli_samples_put(cli_samples *s, const float *x, const int32_t *label, int64_t n, gm_error *err)
{
	const gm_facts *f = s->o.facts;
	s->err = err;
	uint8_t *bytes = malloc(f->numel);
	bool ok = bytes || gm_fail(err, GM_ERR_MEMORY, "no memory for an image");
	for (int64_t i = 0; ok && i < n; i++, s->done++) {
		const float *one = x + i * f->numel;
		const int32_t *its = s->o.labels && label ? label + i : NULL;
		if (!is_raw(f))
			to_bytes(f, one, bytes);
		if (s->kind == FOLDER || s->kind == ZIP)
			ok = put_one(s, bytes, one, its);
		else
			ok = is_raw(f) ? put_bytes(s, one, f->numel * sizeof *one)
			               : put_bytes(s, bytes, f->numel);
		if (its && s->numbers)
			s->numbers[s->done] = *its;
	}
	free(bytes);
	return ok;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static bool may_write(const cli_samples *s)
{
	const char *path = s->o.path;
	if (s->o.force || !gm_file_exists(path))
		return true;
	if (s->kind != FOLDER)
		return gm_fail(s->err, GM_ERR_VALUE,
		               "%s already exists: give another -o, or --force to overwrite", path);
	char first[PATH_MAX];
	snprintf(first, sizeof first, "%.4000s/000000.%s", path, s->o.facts->rate ? "wav" : "png");
	return !gm_file_exists(first) ||
	       gm_fail(s->err, GM_ERR_VALUE,
	               "%s already contains samples: give another -o, or --force to overwrite",
	               path);
}

/* Removes samples of an earlier call: NNNNNN.png, NNNNNN.wav and dataset.json. Other files are
 * kept. */
static bool remove_older(cli_samples *s)
{
	DIR *d = opendir(s->o.path);
	bool ok = true;
	for (struct dirent *e; ok && d && (e = readdir(d));) {
		char path[PATH_MAX];
		size_t n = strspn(e->d_name, "0123456789");
		const bool numbered = n >= 6 && (!strcmp(e->d_name + n, ".png") ||
		                                 !strcmp(e->d_name + n, ".wav"));
		if (!numbered && strcmp(e->d_name, "dataset.json"))
			continue;
		snprintf(path, sizeof path, "%.3800s/%.255s", s->o.path, e->d_name);
		ok = !unlink(path) || gm_fail(s->err, GM_ERR_IO, "%s: cannot be replaced: %s", path,
		                              strerror(errno));
	}
	if (d)
		closedir(d);
	return ok;
}

static bool open_any(cli_samples *s)
{
	const gm_facts *f = s->o.facts;
	if (f->points && (s->kind == FOLDER || s->kind == ZIP))
		return gm_fail(s->err, GM_ERR_VALUE,
		               "%s: points cannot be saved as images; give -o FILE.npz or FILE.npy",
		               s->o.path);
	if (!f->points && f->channels != 1 && f->channels != 3 &&
	    (s->kind == FOLDER || s->kind == ZIP))
		return gm_fail(
			s->err, GM_ERR_VALUE,
			"%s: samples of %d channels cannot be saved as PNG; give -o FILE.npz or "
			"FILE.npy",
			s->o.path, (int)f->channels);
	if (s->kind == NPY && s->o.labels)
		return gm_fail(s->err, GM_ERR_VALUE,
		               "%s: a .npy cannot store labels; give -o FILE.npz", s->o.path);
	if (!may_write(s))
		return false;
	s->labels = json_array();
	if (s->kind == NPZ && s->o.labels && !(s->numbers = calloc(s->o.n, sizeof *s->numbers)))
		return gm_fail(s->err, GM_ERR_MEMORY, "no memory for labels");
	if (s->kind == FOLDER)
		return gm_file_make_folder(s->o.path, s->err) && (!s->o.force || remove_older(s));
	s->w = gm_writer_open(s->o.path, s->err);
	return s->w && (s->kind == NPY || open_archive(s)) && (s->kind == ZIP || begin_array(s));
}

cli_samples *cli_samples_open(const cli_samples_options *o, gm_error *err)
{
	cli_samples *s = calloc(1, sizeof *s);
	if (!s) {
		gm_fail(err, GM_ERR_MEMORY, "out of memory");
		return NULL;
	}
	s->o = *o, s->kind = kind_of(o->path), s->err = err;
	if (open_any(s))
		return s;
	cli_samples_close(s, false, err);
	return NULL;
}

static bool put_labels(cli_samples *s)
{
	if (!s->o.labels)
		return true;
	if (s->numbers) {
		char head[GM_NPY_HEAD];
		int n = gm_npy_head(head, "<i8", &s->o.n, 1);
		size_t bytes = s->o.n * sizeof *s->numbers;
		return entry(s, "arr_1.npy", n + (int64_t)bytes) && put_bytes(s, head, n) &&
		       put_bytes(s, s->numbers, bytes);
	}
	json_t *all = json_pack("{s:O}", "labels", s->labels);
	char *text = json_dumps(all, JSON_COMPACT), path[PATH_MAX];
	json_decref(all);
	bool ok = text || gm_fail(s->err, GM_ERR_MEMORY, "no memory for labels");
	if (ok && s->kind == ZIP)
		ok = entry(s, "dataset.json", (int64_t)strlen(text)) &&
		     put_bytes(s, text, strlen(text));
	else if (ok) {
		snprintf(path, sizeof path, "%.4000s/dataset.json", s->o.path);
		ok = gm_file_write(path, text, strlen(text), s->err);
	}
	free(text);
	return ok;
}

bool cli_samples_close(cli_samples *s, bool commit, gm_error *err)
{
	if (!s)
		return false;
	s->err = err;
	bool ok = commit && put_labels(s);
	if (s->a) {
		if (!ok)
			archive_write_fail(s->a); /* suppresses further writes */
		else
			ok = archive_write_close(s->a) == ARCHIVE_OK ||
			     gm_fail(err, GM_ERR_IO, "%s: %s", s->o.path,
			             archive_error_string(s->a));
		archive_write_free(s->a);
	}
	if (s->w)
		ok = gm_writer_close(s->w, ok, err) && ok;
	json_decref(s->labels);
	free(s->numbers);
	free(s);
	return ok;
}
