/* SPDX-License-Identifier: MIT
 *
 * studio/room_edit.c -- routes of the room Edit: edits by strokes, photos, and edits of photos.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/machine.h"
#include "studio/room.h"
#include "use/edit.h"
#include "use/photo.h"
#include "use/project.h"

/* ---- the net of a job ------------------------------------------------------------------------ */

/* What a request chose: the weights, and what the job relies on when it opens them later. */
typedef struct chosen {
	char checkpoint[PATH_MAX];
	bool raw;
	int64_t height, width, channels, numbers; /* of images, of latents */
} chosen;

/* Fills w for a run whose latents can be searched; false after answering. */
static bool choose(gm_studio *s, gm_call *c, chosen *w)
{
	gm_error err = {0};
	gm_open_net *net = gm_call_checkpoint(s, c, w->checkpoint) ? gm_room_lock(s, c) : NULL;
	if (!net)
		return false;
	const gm_facts *f = gm_saved_facts(net->saved);
	w->height = f->height, w->width = f->width, w->channels = f->channels;
	w->raw = gm_room_raw(c);
	w->numbers = gm_project_numbers(net->saved, &err);
	if (!w->numbers)
		gm_call_failed(c, &err, NULL);
	gm_room_unlock(s);
	return w->numbers > 0;
}

static size_t bytes_of(const chosen *w)
{
	return (size_t)(w->height * w->width * w->channels);
}

/* NULL also if another net is there now. */
static gm_saved *open_chosen(const chosen *w, gm_error *err)
{
	gm_saved *s = gm_saved_open_file(w->checkpoint, &(gm_saved_options){.raw = w->raw}, err);
	const gm_facts *f = s ? gm_saved_facts(s) : NULL;
	if (f && f->height == w->height && f->width == w->width && f->channels == w->channels &&
	    gm_project_numbers(s, err) == w->numbers)
		return s;
	if (s && err->code == GM_OK)
		gm_fail(err, GM_ERR_VALUE, "the run's images or latents have another size now");
	gm_saved_free(s);
	return NULL;
}

/* ---- edits ----------------------------------------------------------------------------------- */

typedef struct editing {
	chosen net;
	gm_edit_options o;
	int64_t frames;
	uint8_t *pixels; /* [h,w,c] of a photo, or NULL */
	char *script;
	/* while it works: */
	gm_job *job;
	float *z0; /* or NULL */
	double rmse, began;
} editing;

static void free_editing(void *task)
{
	editing *p = task;
	free(p->pixels);
	free(p->script);
	free(p->z0);
	free(p);
}

/* Latents of a photo x [C,H,W], by projection; NULL on failure. */
static float *project(gm_saved *s, const float *x, double *rmse, gm_error *err)
{
	gm_project_options o;
	gm_action_reset(gm_project_rows, &o);
	const int64_t numbers = gm_project_numbers(s, err);
	float *z = numbers ? malloc((size_t)numbers * sizeof *z) : NULL;
	if (numbers && !z)
		gm_fail(err, GM_ERR_MEMORY, "out of memory");
	if (z && gm_project(s, &o, x, 1, z, NULL, rmse, err))
		return z;
	free(z);
	return NULL;
}

/* The same, of bytes [h,w,c] of the run's size. */
static float *project_bytes(gm_saved *s, const uint8_t *pixels, double *rmse, gm_error *err)
{
	const gm_facts *f = gm_saved_facts(s);
	float *x = malloc((size_t)f->numel * sizeof *x), *z = NULL;
	if (x)
		gm_room_to_floats(pixels, f->channels, f->height * f->width, x);
	else
		gm_fail(err, GM_ERR_MEMORY, "out of memory");
	z = x ? project(s, x, rmse, err) : NULL;
	free(x);
	return z;
}

static json_t *numbers_of(const float *z, int64_t n)
{
	json_t *all = z ? json_array() : json_null();
	for (int64_t i = 0; z && i < n; i++)
		json_array_append_new(all, json_real(z[i]));
	return all;
}

/* The candidates, then `frames` images x from z0 to the best of them. */
static void show_candidates(const editing *p, gm_edit *e, const float *x, int64_t frames)
{
	const int64_t plane = p->net.height * p->net.width, numel = plane * p->net.channels;
	int64_t order[256];
	const int64_t kept = gm_edit_order(e, order), n = kept + frames;
	uint8_t *result = malloc((size_t)(n * numel) + 1);
	json_t *all = json_array();
	for (int64_t i = 0; result && i < n; i++) {
		gm_room_to_bytes(i < kept ? gm_edit_image(e, order[i]) : x + (i - kept) * numel,
		                 p->net.channels, plane, result + i * numel);
		if (i < kept)
			json_array_append_new(
				all,
				json_pack("{s:o, s:o, s:o}", "cost",
			                  gm_room_number(gm_edit_cost(e)[order[i]]), "error",
			                  gm_room_number(gm_edit_colour_error(e, order[i])), "z",
			                  numbers_of(gm_edit_z(e) + order[i] * p->net.numbers,
			                             p->net.numbers)));
	}
	json_t *about = json_pack(
		"{s:[I,I,I,I], s:o, s:I, s:o, s:o, s:f}", "shape", (json_int_t)n,
		(json_int_t)p->net.height, (json_int_t)p->net.width, (json_int_t)p->net.channels,
		"candidates", all, "frames", (json_int_t)frames, "rmse", gm_room_number(p->rmse),
		"from", numbers_of(p->z0, p->net.numbers), "seconds", gm_seconds() - p->began);
	gm_job_show(p->job, result, result ? (size_t)(n * numel) : 0, about);
}

static void preview_candidates(void *context, gm_edit *e)
{
	show_candidates(context, e, NULL, 0);
}

/* Latents before the edit: those of the script, or of the photo; none from strokes alone. */
static bool latents_before(editing *p, gm_saved *s, gm_error *err)
{
	bool given = false;
	float *z = malloc((size_t)p->net.numbers * sizeof *z);
	if (!z)
		return gm_fail(err, GM_ERR_MEMORY, "out of memory");
	bool ok = gm_edit_from(p->script, strlen(p->script), p->net.numbers, z, &given, err);
	p->z0 = given ? z : NULL;
	if (!given)
		free(z);
	return ok && (given || !p->pixels || (p->z0 = project_bytes(s, p->pixels, &p->rmse, err)));
}

static bool edit(gm_job *j, gm_error *err)
{
	editing *p = j->task;
	gm_edit *e = NULL;
	gm_saved *s = open_chosen(&p->net, err);
	p->job = j, p->rmse = NAN;
	bool ok = s && latents_before(p, s, err) && (e = gm_edit_new(s, &p->o, p->z0, err)) &&
	          gm_edit_read(e, p->script, strlen(p->script), err);
	if (ok)
		gm_edit_preview(e, preview_candidates, p);
	p->began = gm_seconds();
	ok = ok && gm_edit_run(e, p->o.iterations, err);
	const int64_t frames = p->z0 ? p->frames : 0;
	float *x = ok ? malloc((size_t)(frames + 1) * bytes_of(&p->net) * sizeof *x) : NULL;
	int64_t order[256];
	ok = ok && (x || gm_fail(err, GM_ERR_MEMORY, "out of memory"));
	if (ok)
		gm_edit_order(e, order);
	ok = ok && (!frames || gm_edit_between(s, p->z0, gm_edit_z(e) + order[0] * p->net.numbers,
	                                       frames, x, err));
	if (ok)
		show_candidates(p, e, x, frames);
	gm_edit_free(e);
	free(x);
	gm_saved_free(s);
	return ok;
}

void gm_room_edit(gm_studio *s, gm_call *c)
{
	editing *p = calloc(1, sizeof *p);
	const json_t *script = json_object_get(c->body, "script");
	bool ok = p && gm_call_only(c, "script|pixels|frames|options|raw|checkpoint") &&
	          gm_room_integer(c, "frames", 0, 64, &p->frames) &&
	          (json_is_object(script) || gm_room_bad(c, "script", "an object with strokes")) &&
	          gm_room_options(c, gm_edit_rows, &p->o) && choose(s, c, &p->net);
	if (ok && json_object_get(c->body, "pixels"))
		ok = (p->pixels = gm_room_bytes(c, "pixels", bytes_of(&p->net)));
	if (!ok || !(p->script = json_dumps(script, JSON_COMPACT))) {
		if (p)
			free_editing(p);
		return;
	}
	gm_room_queue(s, c,
	              (gm_job){.kind = "edit", .work = edit, .release = free_editing, .task = p});
}

/* ---- photos ---------------------------------------------------------------------------------- */

/* A photo at the size of the run's images, as the command line fits it. */
void gm_room_fit(gm_studio *s, gm_call *c)
{
	gm_error err = {0};
	const double began = gm_seconds();
	gm_image *im =
		gm_call_only(c, "pixels|height|width") ? gm_room_photo(c, GM_PHOTO_SIDE) : NULL;
	gm_open_net *net = im ? gm_room_lock(s, c) : NULL;
	if (net) {
		const gm_facts *f = gm_saved_facts(net->saved);
		float *x = f->points || f->rate ? NULL : malloc((size_t)f->numel * sizeof *x);
		if (!x)
			gm_fail(&err, GM_ERR_STATE, "%s is not a run of images", c->id);
		if (x && gm_photo_fit(net->saved, im, "the photo", x, NULL, &err))
			gm_room_answer(c, x, (int64_t[]){1, f->height, f->width, f->channels}, 0,
			               began);
		else
			gm_call_failed(c, &err, NULL);
		free(x);
		gm_room_unlock(s);
	}
	gm_image_free(im);
}

/* ---- from one photo to another --------------------------------------------------------------- */

typedef struct morphing {
	chosen net;
	int64_t frames;
	uint8_t *pixels[2]; /* [h,w,c] */
} morphing;

static void free_morphing(void *task)
{
	morphing *p = task;
	free(p->pixels[0]);
	free(p->pixels[1]);
	free(p);
}

/* photo | frames | photo, as `ganymede morph` */
static bool morph(gm_job *j, gm_error *err)
{
	morphing *p = j->task;
	const int64_t plane = p->net.height * p->net.width, numel = plane * p->net.channels;
	gm_saved *s = open_chosen(&p->net, err);
	double rmse[2];
	float *z[2] = {NULL}, *x = malloc((size_t)(p->frames * numel) * sizeof *x);
	uint8_t *result = malloc((size_t)((p->frames + 2) * numel) + 1);
	bool ok = s && ((x && result) || gm_fail(err, GM_ERR_MEMORY, "out of memory"));
	for (int i = 0; ok && i < 2; i++)
		ok = (z[i] = project_bytes(s, p->pixels[i], &rmse[i], err)) != NULL;
	ok = ok && gm_edit_between(s, z[0], z[1], p->frames, x, err);
	if (ok) {
		for (int i = 0; i < 2; i++)
			memcpy(result + i * (p->frames + 1) * numel, p->pixels[i], (size_t)numel);
		for (int64_t i = 0; i < p->frames; i++)
			gm_room_to_bytes(x + i * numel, p->net.channels, plane,
			                 result + (i + 1) * numel);
		gm_job_show(j, result, (size_t)((p->frames + 2) * numel),
		            json_pack("{s:[I,I,I,I], s:[f,f]}", "shape", (json_int_t)p->frames + 2,
		                      (json_int_t)p->net.height, (json_int_t)p->net.width,
		                      (json_int_t)p->net.channels, "rmse", rmse[0], rmse[1]));
	} else {
		free(result);
	}
	free(x), free(z[0]), free(z[1]);
	gm_saved_free(s);
	return ok;
}

void gm_room_morph(gm_studio *s, gm_call *c)
{
	morphing *p = calloc(1, sizeof *p);
	if (!p)
		return;
	p->frames = 16;
	bool ok = gm_call_only(c, "pixels|second|frames|raw|checkpoint") &&
	          gm_room_integer(c, "frames", 2, 64, &p->frames) && choose(s, c, &p->net) &&
	          (p->pixels[0] = gm_room_bytes(c, "pixels", bytes_of(&p->net))) &&
	          (p->pixels[1] = gm_room_bytes(c, "second", bytes_of(&p->net)));
	if (ok)
		gm_room_queue(s, c,
		              (gm_job){.kind = "morph",
		                       .work = morph,
		                       .release = free_morphing,
		                       .task = p});
	else
		free_morphing(p);
}

/* ---- edits of photos ------------------------------------------------------------------------- */

typedef struct transferring {
	chosen net;
	gm_image *photo;
	float *z; /* [2, numbers] */
	int64_t between;
} transferring;

static void free_transferring(void *task)
{
	transferring *p = task;
	gm_image_free(p->photo);
	free(p->z);
	free(p);
}

static bool transfer(gm_job *j, gm_error *err)
{
	transferring *p = j->task;
	gm_saved *s = open_chosen(&p->net, err);
	gm_image *im =
		s ? gm_photo_transfer(s, p->z, p->z + p->net.numbers, p->between, p->photo, err)
		  : NULL;
	const size_t n = im ? (size_t)im->width * (size_t)im->height * (size_t)im->channels : 0;
	uint8_t *result = im ? malloc(n + 1) : NULL;
	if (result) {
		memcpy(result, im->pixel, n);
		gm_job_show(j, result, n,
		            json_pack("{s:[i,i,i,i]}", "shape", 1, im->height, im->width,
		                      im->channels));
	}
	gm_image_free(im);
	gm_saved_free(s);
	return result != NULL ||
	       (err->code == GM_OK && gm_fail(err, GM_ERR_MEMORY, "out of memory"));
}

/* Numbers of a list of the body, n of them; false after answering. */
static bool list(gm_call *c, const char *name, int64_t n, float *to)
{
	const json_t *o = json_object_get(c->body, name), *v;
	size_t i;
	bool ok = json_is_array(o) && (int64_t)json_array_size(o) == n;
	json_array_foreach ((json_t *)o, i, v) {
		ok = ok && json_is_number(v);
		if (ok)
			to[i] = (float)json_number_value(v);
	}
	return ok || gm_room_bad(c, name, "a list of the run's latents");
}

/* A photo after the change from one image of the run to another. */
void gm_room_transfer(gm_studio *s, gm_call *c)
{
	transferring *p = calloc(1, sizeof *p);
	if (!p)
		return;
	p->between = 8;
	bool ok = gm_call_only(c, "pixels|height|width|from|to|between|raw|checkpoint") &&
	          gm_room_integer(c, "between", 2, 64, &p->between) && choose(s, c, &p->net);
	const int64_t n = p->net.numbers;
	p->z = ok ? malloc((size_t)n * 2 * sizeof *p->z) : NULL;
	if (ok && !p->z) {
		gm_error err = {0};
		ok = gm_fail(&err, GM_ERR_MEMORY, "out of memory");
		gm_call_failed(c, &err, NULL);
	}
	ok = ok && list(c, "from", n, p->z) && list(c, "to", n, p->z + n) &&
	     (p->photo = gm_room_photo(c, GM_PHOTO_SIDE));
	if (ok)
		gm_room_queue(s, c,
		              (gm_job){.kind = "transfer",
		                       .work = transfer,
		                       .release = free_transferring,
		                       .task = p});
	else
		free_transferring(p);
}
