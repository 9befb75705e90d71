/* SPDX-License-Identifier: MIT
 *
 * cli/translate_files.c -- translates images, folders and archives by a run's "translate" or a
 * variant of it.
 */
#include "cli/translate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/content.h"
#include "base/file.h"
#include "base/progress.h"
#include "data/fit.h"
#include "data/tree.h"
#include "ganymede/image.h"

enum { FILE_MOST = 1 << 28 };

/* ---- names ----------------------------------------------------------------------------------- */

bool translate_path(const translate_job *j, const char *name, char path[PATH_MAX])
{
	const char *dot = strrchr(name, '.'), *slash = strrchr(name, '/');
	if (!j->out)
		return snprintf(path, PATH_MAX, "%s", name) < PATH_MAX;
	int stem = dot && dot != name && (!slash || dot > slash + 1) ? (int)(dot - name)
	                                                             : (int)strlen(name);
	return snprintf(path, PATH_MAX, "%s/%.*s.png", j->out, stem, name) < PATH_MAX;
}

/* True if two paths are the same file or folder, also through links. */
static bool same_place(const char *a, const char *b)
{
	struct stat x, y;
	return !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

bool translate_may_write(const translate_job *j, const char *path, gm_error *err)
{
	if (!j->out)
		return true;
	if (same_place(path, j->input) || same_place(j->out, j->input))
		return gm_fail(err, GM_ERR_VALUE, "%s is the input itself: give another -o",
		               j->out);
	return j->force || !gm_file_exists(path) ||
	       gm_fail(err, GM_ERR_VALUE,
	               "%s already exists: give another -o, or --force to overwrite", path);
}

static bool make_room(const char *path, gm_error *err)
{
	char folder[PATH_MAX];
	snprintf(folder, sizeof folder, "%s", path);
	char *slash = strrchr(folder, '/');
	if (!slash || slash == folder)
		return true;
	*slash = 0;
	return gm_file_make_folder(folder, err);
}

/* Split and side by the folders of a path (docs/data-formats.md): the split, or NULL; the side of
 * pairs, 'a' or 'b', or 0. */
static const char *part_of(const char *name, int *side)
{
	static const char *const parts[] = {"train", "test", "val", ""};
	*side = 0;
	for (const char *end; (end = strchr(name, '/')); name = end + 1)
		for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
			size_t n = strlen(parts[i]), length = (size_t)(end - name);
			bool a = length == n + 1 && name[n] == 'A',
			     b = length == n + 1 && name[n] == 'B';
			if (strncasecmp(name, parts[i], n) || !(a || b || (length == n && n)))
				continue;
			*side = a ? 'a' : b ? 'b' : 0;
			return parts[i];
		}
	return NULL;
}

/* ---- one picture ----------------------------------------------------------------------------- */

static bool fits(const translate_job *j, const char *name, int height, int width, gm_error *err)
{
	int next[2];
	if (gm_translator_fits(j->t, height, width, next) || (j->pad && next[0]))
		return true;
	if (!next[0])
		return gm_fail(err, GM_ERR_VALUE,
		               "%s: pictures of %dx%d are too large for this run's nets", name,
		               width, height);
	return gm_fail(err, GM_ERR_VALUE,
	               "%s: this run's nets do not support pictures of %dx%d; the next supported "
	               "size is %dx%d: --fit pad pads the picture to it and crops the result",
	               name, width, height, next[1], next[0]);
}

static bool write_picture(const char *path, const gm_picture *y, gm_error *err)
{
	gm_image *im = gm_image_grid(y->x,
	                             &(gm_grid){.n = 1,
	                                        .channels = y->channels,
	                                        .height = y->height,
	                                        .width = y->width,
	                                        .padding = -1,
	                                        .scale = 1},
	                             err);
	bool ok = im && make_room(path, err) && gm_image_write(path, im, err);
	gm_image_free(im);
	return ok;
}

bool translate_picture(translate_job *j, const translate_one *p, gm_picture *y, gm_error *err)
{
	gm_picture own = {0}, *to = y ? y : &own;
	bool ok = fits(j, p->name, p->x.height, p->x.width, err) &&
	          gm_translator_run(j->t, &p->x, j->seed, (uint64_t)j->done, to, err) &&
	          (!p->truth.x || translate_score(j, p, to, err)) &&
	          (!j->classifier || translate_classifier_count(j->classifier, &p->x, to, err)) &&
	          (!p->path || write_picture(p->path, to, err));
	j->done += ok;
	if (!ok || !y)
		free(to->x), to->x = NULL;
	return ok;
}

/* x [channels, height, width], reduced by a factor and rounded to 8 bits; the caller frees it. */
static float *reduced(const float *x, int channels, int height, int width, int factor,
                      gm_error *err)
{
	const int h = height / factor, w = width / factor;
	gm_resize *r = gm_resize_new(height, width, h, w, GM_FILTER_IMRESIZE);
	float *scratch = r ? malloc(gm_resize_scratch(r) * sizeof *scratch) : NULL;
	float *y = malloc((size_t)channels * (size_t)h * (size_t)w * sizeof *y);
	if (scratch && y) {
		for (int c = 0; c < channels; c++)
			gm_resize_plane(r, x + (size_t)c * height * width, y + (size_t)c * h * w, w,
			                scratch);
		gm_resize_bytes(y, (int64_t)channels * h * w);
	} else {
		gm_fail(err, GM_ERR_MEMORY, "no memory for a picture");
		free(y);
		y = NULL;
	}
	gm_resize_free(r);
	free(scratch);
	return y;
}

static bool decoded(translate_job *j, const char *name, const char *path, const gm_image *im,
                    gm_error *err)
{
	const int takes = gm_translator_takes(j->t), gives = gm_translator_gives(j->t),
		  factor = j->reduce ? gm_translator_factor(j->t) : 1;
	int width = im->width, height = im->height / factor * factor, left = 0, right = 0;
	if (j->halves && im->width % 2)
		return gm_fail(err, GM_ERR_VALUE, "%s: %d pixels wide, which cannot be halved",
		               name, im->width);
	if (j->halves)
		width /= 2, left = j->second ? width : 0, right = j->second ? 0 : width;
	width = width / factor * factor;
	if (!height || !width)
		return gm_fail(err, GM_ERR_VALUE, "%s: %dx%d pixels are too few to reduce by %d",
		               name, im->width, im->height, factor);
	float *x = gm_picture_read(im, left, &(gm_picture){NULL, takes, height, width}, err),
	      *truth = NULL;
	if (x && j->halves)
		truth = gm_picture_read(im, right, &(gm_picture){NULL, gives, height, width}, err);
	if (x && j->reduce)
		truth = x, x = reduced(truth, takes, height, width, factor, err);
	const translate_one one = {
		name,
		path,
		{x, takes, height / factor, width / factor},
		{truth, gives, height, width},
	};
	bool ok = x && (truth || !j->halves) && translate_picture(j, &one, NULL, err);
	free(x);
	free(truth);
	return ok;
}

/* ---- where they come from -------------------------------------------------------------------- */

bool translate_file(translate_job *j, gm_error *err)
{
	char path[PATH_MAX];
	const char *slash = strrchr(j->input, '/'), *last = j->out ? strrchr(j->out, '/') : NULL;
	bool file = j->out && strchr(last ? last : j->out, '.') && !gm_file_is_folder(j->out) &&
	            (!last || last[1]);
	if (file && !gm_image_format(j->out, err))
		return false;
	if (file)
		snprintf(path, sizeof path, "%s", j->out);
	else if (!translate_path(j, slash ? slash + 1 : j->input, path))
		return gm_fail(err, GM_ERR_VALUE, "%s: the name is too long", j->input);
	if (!translate_may_write(j, path, err))
		return false;
	gm_image *im = gm_image_read(j->input, NULL, err);
	bool ok = im && decoded(j, j->input, j->out ? path : NULL, im, err);
	gm_image_free(im);
	return ok;
}

typedef struct names {
	char **path;
	size_t n, room;
	bool sides, parts; /* some belong to a side of pairs, to a split */
} names;

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* True if the current file of t is an image, by content or by name. */
static bool wanted(const translate_job *j, const names *all, gm_tree *t, const char *name)
{
	int side;
	uint8_t head[GM_CONTENT_HEAD];
	const gm_content c = gm_content_of(head, gm_tree_head(t, head, sizeof head));
	const bool picture = c.kind == GM_CONTENT_PICTURE || c.kind == GM_CONTENT_UNREAD ||
	                     gm_content_named_picture(name);
	const char *part = part_of(name, &side);
	return picture && (!all->sides || side == (j->second ? 'b' : 'a')) &&
	       (!j->split || (part && !strcmp(part, j->split)));
}

/* Checks all output paths before writing anything. */
static bool look_ahead(const translate_job *j, names *all, gm_error *err)
{
	gm_tree_file f;
	for (int pass = 0; pass < 2; pass++) {
		gm_tree *t = gm_tree_open(j->input, err);
		if (!t)
			return false;
		bool ok = true;
		while (ok && gm_tree_next(t, &f, err)) {
			char path[PATH_MAX];
			if (pass == 0) {
				int side;
				const char *part = part_of(f.name, &side);
				all->sides = all->sides || side;
				all->parts = all->parts || (part && *part);
				continue;
			}
			if (!wanted(j, all, t, f.name))
				continue;
			ok = translate_path(j, f.name, path) ||
			     gm_fail(err, GM_ERR_VALUE, "%s: the name is too long", f.name);
			ok = ok && translate_may_write(j, path, err);
			if (ok && all->n == all->room) {
				size_t room = all->room ? 2 * all->room : 64;
				char **more = realloc(all->path, room * sizeof *more);
				ok = more || gm_fail(err, GM_ERR_MEMORY, "no memory for names");
				if (more)
					all->path = more, all->room = room;
			}
			if (ok)
				ok = (all->path[all->n] = strdup(path)) ||
				     gm_fail(err, GM_ERR_MEMORY, "no memory for names");
			all->n += ok;
		}
		gm_tree_close(t);
		if (!ok || (err && err->code))
			return false;
		if (pass == 0 && j->split && !all->parts)
			return gm_fail(err, GM_ERR_VALUE,
			               "option split: %s has no folders train and test, so it has "
			               "only one split",
			               j->input);
	}
	if (!all->n)
		return gm_fail(err, GM_ERR_VALUE, "%s: no pictures in it%s%s%s%s", j->input,
		               j->split ? " in the split " : "", j->split ? j->split : "",
		               all->sides ? " on side " : "",
		               !all->sides ? ""
		               : j->second ? "b"
		                           : "a");
	qsort(all->path, all->n, sizeof *all->path, by_text);
	for (size_t i = 1; i < all->n; i++)
		if (!strcmp(all->path[i - 1], all->path[i]))
			return gm_fail(err, GM_ERR_VALUE,
			               "two pictures of %s would both be written to %s: rename one",
			               j->input, all->path[i]);
	return true;
}

bool translate_tree(translate_job *j, gm_error *err)
{
	names all = {0};
	gm_tree_file f;
	bool ok = look_ahead(j, &all, err);
	gm_tree *t = ok ? gm_tree_open(j->input, err) : NULL;
	ok = t != NULL;
	while (ok && gm_tree_next(t, &f, err)) {
		char path[PATH_MAX], name[PATH_MAX];
		uint8_t *bytes = NULL;
		size_t n;
		gm_error why = {0};
		if (!wanted(j, &all, t, f.name))
			continue;
		if (j->count && j->done == j->count)
			break;
		snprintf(name, sizeof name, "%s", f.name);
		translate_path(j, name, path);
		gm_image *im = NULL;
		if (gm_tree_read(t, FILE_MOST, &bytes, &n, &why))
			im = gm_image_read_memory(name, bytes, n, NULL, &why);
		/* An unreadable image or unsupported size does not stop the others. */
		bool done = im && decoded(j, name, j->out ? path : NULL, im, &why);
		ok = done || (why.code != GM_ERR_IO && why.code != GM_ERR_MEMORY &&
		              why.code != GM_ERR_STATE);
		if (!ok)
			*err = why;
		else if (!done && !j->bad++)
			snprintf(j->first_bad, sizeof j->first_bad, "%.290s", why.message);
		ok = ok && gm_progress_tell("translating", (uint64_t)(j->done + j->bad), all.n,
		                            "pictures", err);
		gm_image_free(im);
		free(bytes);
	}
	ok = ok && !err->code;
	gm_tree_close(t);
	for (size_t i = 0; i < all.n; i++)
		free(all.path[i]);
	free(all.path);
	return ok;
}
