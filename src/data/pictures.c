/* SPDX-License-Identifier: MIT
 *
 * pictures.c -- common code of finite sets: choosing the format, resizing, reading. See
 * pictures.h. */
#include "data/pictures.h"

#include "base/machine.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Not in the small library (libganymede): these rows are then NULL. */
#pragma weak gm_format_npy
#pragma weak gm_format_npz
#pragma weak gm_format_uci
#pragma weak gm_format_table
#pragma weak gm_format_cifar
#pragma weak gm_format_album
#pragma weak gm_album_close

/* Tried in order: special formats before general ones. */
static const gm_format *const formats[] = {
	&gm_format_idx_folder, &gm_format_svhn,  &gm_format_uci,   &gm_format_npy,
	&gm_format_npz,        &gm_format_mat,   &gm_format_table, &gm_format_csv,
	&gm_format_cifar,      &gm_format_album, &gm_format_idx,
};

static void look(gm_place *at, const char *path)
{
	*at = (gm_place){.path = path, .folder = gm_file_is_folder(path)};
	const char *dot = strrchr(path, '.');
	for (int i = 0; dot && dot[i] && !strchr(dot, '/') && i < (int)sizeof at->ending_room - 1;
	     i++)
		at->ending_room[i] = (char)tolower((unsigned char)dot[i]);
	at->ending = at->ending_room;
	at->content = at->folder ? (gm_content){.name = "a folder"} : gm_content_at(path);
}

static const char what_is_read[] =
	"Data sets are folders and archives (.zip, .tar, .tar.gz, "
	".tar.xz) of pictures or sounds, IDX, .npy and "
	".npz, .mat, CIFAR's binary version, points as .csv, and tables as .csv "
	"or .names with .data";

/* Reports a file that is not a data set, by its content. */
static bool refuse(const gm_place *at, gm_error *err)
{
	const gm_content *c = &at->content;
	if (c->kind == GM_CONTENT_EMPTY)
		return gm_fail(err, GM_ERR_FORMAT, "%s: an empty file", at->path);
	if (c->kind == GM_CONTENT_PICTURE || c->kind == GM_CONTENT_UNREAD)
		return gm_fail(err, GM_ERR_VALUE,
		               "%s: %s. A data set is a folder or an archive of pictures: give the "
		               "path of its folder",
		               at->path, c->name);
	return gm_fail(err, GM_ERR_FORMAT, "%s: %s, which is not supported%s%s%s. %s", at->path,
	               c->name, c->advice ? " (" : "", c->advice ? c->advice : "",
	               c->advice ? ")" : "", what_is_read);
}

/* True if the file is certainly not IDX, which begins with two zeros or is gzipped. */
static bool is_something_else(const gm_place *at)
{
	const gm_content_kind k = at->content.kind;
	return !at->folder && k != GM_CONTENT_UNKNOWN && k != GM_CONTENT_ARCHIVE &&
	       strcmp(at->content.name, "zeros") != 0;
}

static bool begins(const char *name, const char *word)
{
	const char *slash = strrchr(name, '/');
	return strncmp(slash ? slash + 1 : name, word, strlen(word)) == 0;
}

/* Contents that could be opened by their own path. */
static const char *const sets[] = {"a zip archive", "a tar archive",  "gzip data",
                                   "xz data",       "bzip2 data",     "Zstandard data",
                                   "a NumPy array", "a MATLAB 5 file"};

const char *gm_pictures_only_set(const gm_album *a)
{
	const char *only = NULL;
	for (uint64_t i = 0; i < a->others; i++) {
		const char *name = a->text + a->other[i].name, *what = a->text + a->other[i].reason;
		bool is_set = false;
		for (size_t k = 0; k < sizeof sets / sizeof *sets; k++)
			is_set |= strcmp(what, sets[k]) == 0;
		if (is_set && only)
			return NULL;
		if (is_set)
			only = name;
	}
	return only;
}

bool gm_pictures_none(const char *path, const gm_album *a, gm_error *err)
{
	for (uint64_t i = 0; i < a->others; i++) {
		const char *name = a->text + a->other[i].name, *what = a->text + a->other[i].reason;
		for (size_t k = 0; k < sizeof sets / sizeof *sets; k++)
			if (strcmp(what, sets[k]) == 0)
				return gm_fail(err, GM_ERR_IO,
				               "%s: no pictures here, but %s: give its path, "
				               "%.150s/%.100s",
				               path, what, path, name);
		if (strcmp(what, "a Python pickle") == 0 &&
		    (begins(name, "data_batch") || begins(name, "test") || begins(name, "train")))
			return gm_fail(
				err, GM_ERR_FORMAT,
				"%s: this looks like CIFAR's python version (%.60s is a Python "
				"pickle), which is not supported; use the binary version, such as "
				"cifar-10-binary.tar.gz (ganymede data fetch cifar10)",
				path, name);
	}
	if (a->tables)
		return gm_fail(err, GM_ERR_IO,
		               "%s: no pictures here, but a table: for points give its path, "
		               "%.150s/%.100s",
		               path, path, a->text + a->table->name);
	if (a->others)
		return gm_fail(err, GM_ERR_IO,
		               "%s: no pictures here: %.80s is %.80s, and %llu file%s in all. %s",
		               path, a->text + a->other->name, a->text + a->other->reason,
		               (unsigned long long)a->others, a->others == 1 ? "" : "s",
		               what_is_read);
	return gm_fail(err, GM_ERR_IO, "%s: no pictures here: it is empty", path);
}

/* Images with only the bytes 0 and 1 are black and white: expand to 0 and 255. */
static bool spread_bits(gm_pictures *p)
{
	const uint64_t n =
		p->count * (uint64_t)p->channels * (uint64_t)p->height * (uint64_t)p->width;
	uint8_t *pixel = p->owned;
	if (!pixel || p->point || p->clip || pixel != p->pixel)
		return true;
	bool ones = false;
	for (uint64_t i = 0; i < n; i++) {
		if (pixel[i] > 1)
			return true;
		ones |= pixel[i];
	}
	for (uint64_t i = 0; ones && i < n; i++)
		pixel[i] = pixel[i] ? 255 : 0;
	if (ones)
		gm_pictures_note(p, "its only values are 0 and 1: black and white");
	return true;
}

bool gm_pictures_open(gm_pictures *p, const char *path, const gm_data_options *o, gm_error *err)
{
	gm_place at;
	if (strlen(path) >= PATH_MAX - 64)
		return gm_fail(err, GM_ERR_VALUE, "a path of %zu letters is too long",
		               strlen(path));
	look(&at, path);
	/* A folder without permission must not be reported as empty. */
	if (at.folder && faccessat(AT_FDCWD, path, R_OK | X_OK, AT_EACCESS) != 0)
		return gm_fail(err, GM_ERR_IO, "cannot open %s: %s", path, strerror(errno));
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
		if (formats[i] && formats[i]->takes(&at)) {
			if (formats[i] == &gm_format_idx && is_something_else(&at))
				return refuse(&at, err);
			gm_data_options mine = *o;
			if (o->fit == GM_FIT_AUTO)
				mine.fit = formats[i] == &gm_format_album ? GM_FIT_CROP
				                                          : GM_FIT_RESIZE;
			return formats[i]->open(p, path, &mine, err) && spread_bits(p);
		}
	return gm_fail(err, GM_ERR_FORMAT, "%s: not a data set", path);
}

void gm_pictures_note(gm_pictures *p, const char *fmt, ...)
{
	char text[600];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	const char **more = realloc(p->note, (size_t)(p->notes + 1) * sizeof *more);
	if (!more)
		return;
	p->note = more;
	p->arena = p->arena ? p->arena : gm_arena_new();
	p->note[p->notes++] = gm_arena_strdup(p->arena, text);
}

bool gm_pictures_no_split(const char *path, const gm_data_options *o, gm_error *err)
{
	return !o->split || strcmp(o->split, "train") == 0 ||
	       gm_fail(err, GM_ERR_VALUE,
	               "%s: has no splits, so there is no %s split; give the folder that contains "
	               "both, if there is one",
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
	if (p->sound)
		return (!o->size && !o->channels && !o->flip && !o->crop) ||
		       gm_fail(err, GM_ERR_VALUE,
		               "sounds have no size, no channels, no flips and no crops");
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

const char *gm_pictures_caption(const gm_pictures *p, uint64_t i)
{
	const gm_album_entry *e = p->album.entry + p->entry[i];
	const char *said = e->caption   ? p->album.text + e->caption
	                   : p->caption ? p->caption[i]
	                                : NULL;
	return said && said[strspn(said, " \t\r\n")] ? said : NULL;
}

void gm_pictures_free(gm_pictures *p)
{
	free(p->owned);
	free(p->point);
	free(p->label);
	free(p->class_names);
	gm_arena_free(p->arena);
	if (gm_album_close)
		gm_album_close(&p->album);
	free(p->slot), free(p->entry), free(p->slot_a), free(p->entry_a);
	for (int i = 0; i < p->numbers; i++)
		free(p->number[i].value), free(p->number[i].real);
	free(p->clip), free(p->split_entries), free(p->map), free(p->map_at);
	free(p->sound), free(p->split_others);
	free(p->number), free(p->vector), free(p->caption), free(p->note);
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

void gm_pictures_sound(const gm_pictures *p, uint64_t i, int64_t offset, float *x)
{
	const gm_album_entry *e = p->album.entry + p->entry[i];
	const int16_t *from = p->sound + e->slot + offset;
	const int64_t left = e->width - offset;
	for (int64_t k = 0; k < p->width; k++)
		x[k] = k < left ? (float)from[k] / 32768 : 0;
}

uint64_t gm_pictures_hash(const gm_pictures *p)
{
	const uint64_t one = (uint64_t)p->channels * (uint64_t)p->height * (uint64_t)p->width;
	uint64_t h = 0;
	if (p->point)
		h = gm_hash(0, p->point, p->count * (uint64_t)p->width * sizeof *p->point);
	else if (!p->slot)
		h = gm_hash(0, p->pixel, p->count * one);
	if (p->clip)
		h = gm_hash(h, &p->clip_hash, sizeof p->clip_hash);
	if (p->map)
		h = gm_hash(h, p->map, p->map_count * (uint64_t)p->height * (uint64_t)p->width);
	if (p->map_at)
		h = gm_hash(h, p->map_at, p->count * (uint64_t)p->frames * sizeof *p->map_at);
	/* An album knows the hash of each of its pictures; with halves, of both together. */
	for (uint64_t i = 0; p->entry && i < p->count; i++)
		h = gm_hash(h, &p->album.entry[p->entry[i]].hash, sizeof h);
	/* By what the pictures are: their slots are the order of an archive. Halves are hashed
	 * already. */
	for (uint64_t i = 0; p->entry_a && i < p->count_a; i++)
		h = gm_hash(h, &p->album.entry[p->entry_a[i]].hash, sizeof h);
	if (p->label)
		h = gm_hash(h, p->label, p->count * sizeof *p->label);
	for (int i = 0; i < p->numbers; i++)
		if (p->number[i].value)
			h = gm_hash(h, p->number[i].value, p->count * sizeof *p->number[i].value);
		else
			h = gm_hash(h, p->number[i].real, p->count * sizeof *p->number[i].real);
	return h;
}
