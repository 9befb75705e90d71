/* SPDX-License-Identifier: MIT
 *
 * studio/room_latents.c -- routes of the room Latents: samples, principal directions, animations,
 * the nearest training examples.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/machine.h"
#include "plot/figure.h"
#include "studio/room.h"
#include "use/captions.h"
#include "use/near.h"

enum { COUNT = 16, FRAMES = 64, ENLARGED = 256 };

/* ---- latents --------------------------------------------------------------------------------- */

static json_t *shares(const gm_directions *d, int64_t count)
{
	json_t *all = json_array();
	for (int64_t i = 0; i < d->count && i < count; i++)
		json_array_append_new(all, json_real(d->share[i]));
	return json_pack("{s:o}", "share", all);
}

static bool know_directions(gm_open_net *o, gm_error *err)
{
	if (!o->directions)
		o->directions =
			gm_directions_new(o->saved, GM_DIRECTIONS_SAMPLES, GM_DIRECTIONS_MOST, err);
	return o->directions != NULL;
}

void gm_room_directions(gm_studio *s, gm_call *c)
{
	gm_error err = {0};
	int64_t count = GM_DIRECTIONS;
	if (!gm_call_only(c, "raw|checkpoint|count") ||
	    !gm_room_integer(c, "count", GM_DIRECTIONS_LEAST, GM_DIRECTIONS_MOST, &count))
		return;
	gm_open_net *o = gm_room_lock(s, c);
	if (!o)
		return;
	if (know_directions(o, &err))
		c->answer = shares(o->directions, count), c->status = 200;
	else
		gm_call_failed(c, &err, NULL);
	gm_room_unlock(s);
}

/* The first `count` directions that a net knows. */
static gm_directions first_of(const gm_open_net *net, int64_t count)
{
	gm_directions d = net->directions ? *net->directions : (gm_directions){0};
	d.count = d.count < count ? d.count : count;
	return d;
}

/* Samples with a caption, as `ganymede sample --caption`. */
static bool draw_caption(gm_saved *s, const gm_latents_options *o, const char *caption, float *x,
                         gm_error *err)
{
	gm_captions c = {0};
	if (gm_latents_change(o))
		return gm_fail(err, GM_ERR_VALUE,
		               "a caption, or codes, directions, psi and sums, but not both");
	bool ok = gm_captions_read(&c, s, NULL, caption, NULL, err) &&
	          (c.n == 1 || gm_fail(err, GM_ERR_VALUE, "this room takes one caption"));
	int32_t *text = ok ? malloc((size_t)(o->count * c.length) * sizeof *text) : NULL;
	ok = ok && (text || gm_fail(err, GM_ERR_MEMORY, "out of memory"));
	for (int64_t i = 0; ok && i < o->count; i++)
		memcpy(text + i * c.length, c.text, (size_t)c.length * sizeof *text);
	ok = ok && gm_saved_draw(s, &(gm_samples){.seed = o->seed, .n = o->count, .caption = text},
	                         x, err);
	free(text);
	gm_captions_free(&c);
	return ok;
}

/* What a call asks for beside the options of latents. */
typedef struct wish {
	int64_t seq, directions;
	const char *caption; /* or NULL */
} wish;

/* Draws o->count images with the nets of a run. */
static void draw(gm_open_net *net, gm_call *c, const gm_latents_options *o, const wish *w)
{
	gm_error err = {0};
	const double began = gm_seconds();
	if (o->count > 1 && !net->many)
		net->many = gm_saved_again(net->saved, GM_NETS_MANY, &err);
	gm_saved *s = o->count > 1 ? net->many : net->saved;
	const gm_facts *f = s ? gm_saved_facts(s) : NULL;
	if (f && (f->points || f->rate))
		gm_fail(&err, GM_ERR_STATE, "%s generates no images, which this room shows",
		        gm_saved_model(s)->name);
	float *x = f && !err.code ? malloc((size_t)(o->count * f->numel) * sizeof *x) : NULL;
	if (f && !err.code && !x)
		gm_fail(&err, GM_ERR_MEMORY, "out of memory");
	bool ok = x && (!gm_latents_directions(o) || know_directions(net, &err));
	const gm_directions d = first_of(net, w->directions);
	ok = ok && (w->caption ? draw_caption(s, o, w->caption, x, &err)
	                       : gm_latents_draw(s, &d, o, x, &err));
	if (ok)
		gm_room_answer(c, x, (int64_t[]){o->count, f->height, f->width, f->channels},
		               w->seq, began);
	else
		gm_call_failed(c, &err, NULL);
	free(x);
}

void gm_room_draw(gm_studio *s, gm_call *c)
{
	gm_latents_options o = {.count = 1, .class = -1, .psi = 1};
	int64_t slot, seed = 0;
	wish w = {.directions = GM_DIRECTIONS};
	const json_t *psi = json_object_get(c->body, "psi");
	if (!gm_call_only(c, "slot|seq|seed|count|class|psi|codes|along|mix|to|raw|checkpoint|"
	                     "directions|caption") ||
	    !gm_room_announce(s, c, &slot, &w.seq) ||
	    !gm_room_integer(c, "seed", 0, (int64_t)1 << 53, &seed) ||
	    !gm_room_integer(c, "count", 1, COUNT, &o.count) ||
	    !gm_room_integer(c, "class", -1, INT32_MAX, &o.class) ||
	    !gm_room_text(c, "codes", &o.codes) || !gm_room_text(c, "along", &o.along) ||
	    !gm_room_text(c, "mix", &o.mix) || !gm_room_text(c, "to", &o.to) ||
	    !gm_room_text(c, "caption", &w.caption) ||
	    !gm_room_integer(c, "directions", GM_DIRECTIONS_LEAST, GM_DIRECTIONS_MOST,
	                     &w.directions))
		return;
	if (psi && (!json_is_number(psi) || fabs(json_number_value(psi)) > 10)) {
		gm_room_bad(c, "psi", "a number of at most 10");
		return;
	}
	o.psi = psi ? json_number_value(psi) : 1;
	o.seed = (uint64_t)seed;
	o.columns = (int64_t)sqrt((double)o.count); /* as the grid that the page shows */
	gm_open_net *net = gm_room_lock_newest(s, c, slot, w.seq);
	if (!net)
		return;
	draw(net, c, &o, &w);
	gm_room_unlock(s);
}

/* An animation between two sums of samples, as WebP. */
static bool animate(gm_open_net *net, const gm_latents_options *o, int ms, gm_call *c,
                    gm_error *err)
{
	if (!net->many)
		net->many = gm_saved_again(net->saved, GM_NETS_MANY, err);
	const gm_facts *f = net->many ? gm_saved_facts(net->many) : NULL;
	if (f && (f->points || f->rate))
		return gm_fail(err, GM_ERR_STATE, "%s is not a run of images", c->id);
	if (!f || (gm_latents_directions(o) && !know_directions(net, err)))
		return false;
	float *x = malloc((size_t)(o->count * f->numel) * sizeof *x);
	gm_image *frame[FRAMES] = {NULL};
	bool ok = (x || gm_fail(err, GM_ERR_MEMORY, "out of memory")) &&
	          gm_latents_draw(net->many, net->directions, o, x, err);
	for (int64_t i = 0; ok && i < o->count; i++) {
		const int scale = f->width < ENLARGED ? (int)(ENLARGED / f->width) : 1;
		frame[i] = gm_image_grid(x + i * f->numel,
		                         &(gm_grid){.n = 1,
		                                    .channels = (int)f->channels,
		                                    .height = (int)f->height,
		                                    .width = (int)f->width,
		                                    .padding = -1,
		                                    .scale = scale},
		                         err);
		ok = frame[i] != NULL;
	}
	void *bytes = NULL;
	size_t n = 0;
	ok = ok && gm_webp_animation_encode(frame, (int)o->count, ms, &bytes, &n, err);
	if (ok)
		c->data = bytes, c->bytes = n, c->type = "image/webp", c->status = 200;
	for (int64_t i = 0; i < FRAMES; i++)
		gm_image_free(frame[i]);
	free(x);
	return ok;
}

void gm_room_animate(gm_studio *s, gm_call *c)
{
	gm_latents_options o = {.class = -1, .psi = 1, .count = 24};
	int64_t ms = 80;
	gm_error err = {0};
	if (!gm_call_only(c, "mix|to|frames|ms|raw|checkpoint") ||
	    !gm_room_text(c, "mix", &o.mix) || !gm_room_text(c, "to", &o.to) ||
	    !gm_room_integer(c, "frames", 2, FRAMES, &o.count) ||
	    !gm_room_integer(c, "ms", 10, 60000, &ms))
		return;
	gm_open_net *net = gm_room_lock(s, c);
	if (!net)
		return;
	if (!animate(net, &o, (int)ms, c, &err))
		gm_call_failed(c, &err, NULL);
	gm_room_unlock(s);
}

/* ---- nearest training examples --------------------------------------------------------------- */

typedef struct nearing {
	char checkpoint[PATH_MAX];
	int64_t height, width, channels;
	bool raw;
	gm_near_options o;
	uint8_t *pixels; /* [h,w,c] */
} nearing;

static void free_nearing(void *task)
{
	nearing *p = task;
	free(p->pixels);
	free(p);
}

static void show_nearest(gm_job *j, const gm_near *near)
{
	const nearing *p = j->task;
	const int64_t plane = p->height * p->width, numel = plane * p->channels;
	uint8_t *result = malloc((size_t)(near->k * numel) + 1);
	json_t *all = json_array();
	for (int64_t i = 0; result && i < near->k; i++) {
		gm_room_to_bytes(near->x + i * numel, p->channels, plane, result + i * numel);
		json_array_append_new(all,
		                      json_pack("{s:I, s:o}", "index", (json_int_t)near->index[i],
		                                "rmse", gm_room_number(near->distance[i])));
	}
	gm_job_show(j, result, result ? (size_t)(near->k * numel) : 0,
	            json_pack("{s:[I,I,I,I], s:o, s:I, s:s}", "shape", (json_int_t)near->k,
	                      (json_int_t)p->height, (json_int_t)p->width, (json_int_t)p->channels,
	                      "nearest", all, "of", (json_int_t)near->of, "by", near->by));
}

static bool nearest(gm_job *j, gm_error *err)
{
	nearing *p = j->task;
	gm_near near = {0};
	gm_saved *s = gm_saved_open_file(p->checkpoint, &(gm_saved_options){.raw = p->raw}, err);
	const gm_facts *f = s ? gm_saved_facts(s) : NULL;
	bool ok = f &&
	          ((f->height == p->height && f->width == p->width && f->channels == p->channels) ||
	           gm_fail(err, GM_ERR_VALUE, "the run's images have another size"));
	float *x = ok ? malloc((size_t)f->numel * sizeof *x) : NULL;
	ok = ok && (x || gm_fail(err, GM_ERR_MEMORY, "out of memory"));
	if (ok)
		gm_room_to_floats(p->pixels, f->channels, f->height * f->width, x);
	ok = ok && gm_near_find(s, &p->o, x, 1, &near, err);
	if (ok)
		show_nearest(j, &near);
	gm_near_free(&near);
	free(x);
	gm_saved_free(s);
	return ok;
}

void gm_room_nearest(gm_studio *s, gm_call *c)
{
	nearing *p = calloc(1, sizeof *p);
	gm_open_net *net = NULL;
	if (!p)
		return;
	p->o.k = 5;
	const char *by = "pixels";
	bool ok = gm_call_only(c, "pixels|k|by|raw|checkpoint") &&
	          gm_room_integer(c, "k", 1, GM_NEAR_MOST, &p->o.k) && gm_room_text(c, "by", &by) &&
	          (!strcmp(by, "pixels") || !strcmp(by, "features") ||
	           gm_room_bad(c, "by", "pixels or features")) &&
	          gm_call_data(s, c) && gm_call_checkpoint(s, c, p->checkpoint) &&
	          (net = gm_room_lock(s, c));
	if (ok) {
		const gm_facts *f = gm_saved_facts(net->saved);
		p->o.features = !strcmp(by, "features"), p->raw = gm_room_raw(c);
		p->height = f->height, p->width = f->width, p->channels = f->channels;
		gm_room_unlock(s);
	}
	ok = ok &&
	     (p->pixels = gm_room_bytes(c, "pixels", (size_t)(p->height * p->width * p->channels)));
	if (ok)
		gm_room_queue(s, c,
		              (gm_job){.kind = "nearest",
		                       .work = nearest,
		                       .release = free_nearing,
		                       .task = p});
	else
		free_nearing(p);
}
