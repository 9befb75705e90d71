/* SPDX-License-Identifier: MIT
 *
 * studio/rooms.c -- routes of the rooms for images: latents, translation, inpainting. Images come
 * as bytes in base64, already decoded by the page, so that the server reads no picture files of
 * others; they go as bytes [n, height, width, channels].
 */
#include <math.h>
#include <nettle/base64.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/machine.h"
#include "studio/body.h"
#include "studio/internal.h"
#include "use/edit.h"
#include "use/hole.h"
#include "use/photo.h"
#include "use/inpaint.h"
#include "use/project.h"

enum { SIDE = 1024, COUNT = 16, PHOTO_SIDE = 2048 };

/* ---- bodies ---------------------------------------------------------------------------------- */

static bool bad(gm_call *c, const char *field, const char *what)
{
	gm_call_error(c, 400, "bad_value", field, "%s is not %s", field, what);
	return false;
}

/* An integer of the body; v keeps its value if it is missing. */
static bool integer(gm_call *c, const char *name, int64_t low, int64_t high, int64_t *v)
{
	const json_t *o = json_object_get(c->body, name);
	if (o &&
	    (!json_is_integer(o) || json_integer_value(o) < low || json_integer_value(o) > high)) {
		gm_call_error(c, 400, "bad_value", name, "%s is not an integer from %lld to %lld",
		              name, (long long)low, (long long)high);
		return false;
	}
	*v = o ? json_integer_value(o) : *v;
	return true;
}

static bool text(gm_call *c, const char *name, const char **v)
{
	const json_t *o = json_object_get(c->body, name);
	if (o && (!json_is_string(o) || json_string_length(o) > 2000 ||
	          strlen(json_string_value(o)) != json_string_length(o)))
		return bad(c, name, "a text of at most 2000 bytes");
	*v = o ? json_string_value(o) : *v;
	return true;
}

/* The bytes of a base64 text; exactly n of them, from malloc; NULL after answering. */
static uint8_t *bytes_of(gm_call *c, const char *name, size_t n)
{
	const json_t *o = json_object_get(c->body, name);
	const char *from = json_string_value(o);
	const size_t length = json_string_length(o);
	struct base64_decode_ctx ctx;
	size_t got = 0;
	uint8_t *to =
		from && length <= 4 * (n / 3 + 2) ? malloc(BASE64_DECODE_LENGTH(length) + 1) : NULL;
	base64_decode_init(&ctx);
	if (to && base64_decode_update(&ctx, &got, to, length, from) && base64_decode_final(&ctx) &&
	    got == n)
		return to;
	free(to);
	gm_call_error(c, 400, "bad_value", name, "%s is not %zu bytes in base64", name, n);
	return NULL;
}

/* [h,w,c] bytes to [c,h,w] floats in [-1,1] and back */
static void to_floats(const uint8_t *from, int64_t channels, int64_t plane, float *to)
{
	for (int64_t i = 0; i < channels * plane; i++)
		to[i] = (float)(from[i % plane * channels + i / plane] / 127.5 - 1);
}

static void to_bytes(const float *from, int64_t channels, int64_t plane, uint8_t *to)
{
	for (int64_t i = 0; i < channels * plane; i++)
		to[i % plane * channels + i / plane] = (uint8_t)lrintf(
			(fminf(fmaxf(isfinite(from[i]) ? from[i] : 0, -1), 1) + 1) * 127.5f);
}

/* Answers with images x [n, channels, height, width]. */
static void answer_images(gm_call *c, const float *x, const int64_t shape[4], int64_t seq,
                          double began)
{
	const int64_t plane = shape[1] * shape[2], numel = plane * shape[3];
	uint8_t *to = malloc((size_t)(shape[0] * numel) + 1);
	if (!to)
		return;
	for (int64_t i = 0; i < shape[0]; i++)
		to_bytes(x + i * numel, shape[3], plane, to + i * numel);
	c->data = to, c->bytes = (size_t)(shape[0] * numel);
	c->type = "application/octet-stream", c->status = 200;
	strcpy(c->headers[0][0], "Gm-Shape");
	snprintf(c->headers[0][1], sizeof c->headers[0][1], "%lld,%lld,%lld,%lld",
	         (long long)shape[0], (long long)shape[1], (long long)shape[2],
	         (long long)shape[3]);
	strcpy(c->headers[1][0], "Gm-Seq");
	snprintf(c->headers[1][1], sizeof c->headers[1][1], "%lld", (long long)seq);
	strcpy(c->headers[2][0], "Gm-Ms");
	snprintf(c->headers[2][1], sizeof c->headers[2][1], "%.1f", 1000 * (gm_seconds() - began));
}

/* ---- nets ------------------------------------------------------------------------------------ */

/* Whether the call asks for the weights instead of their moving averages. */
static bool raw_of(const gm_call *c)
{
	return json_is_true(json_object_get(c->body, "raw"));
}

static gm_open_net *lock(gm_studio *s, gm_call *c)
{
	char path[PATH_MAX];
	gm_error err = {0};
	const json_t *raw = json_object_get(c->body, "raw");
	if (raw && !json_is_boolean(raw)) {
		bad(c, "raw", "true or false");
		return NULL;
	}
	if (!gm_call_checkpoint(s, c, path))
		return NULL;
	gm_open_net *o = gm_nets_lock(&s->nets, c->id, path, raw_of(c), &err);
	if (!o)
		gm_call_failed(c, &err, NULL);
	return o;
}

static void unlock(gm_studio *s)
{
	pthread_mutex_unlock(&s->nets.mutex);
}

/* Slot and sequence number of a request that newer ones replace. */
static bool announce(gm_studio *s, gm_call *c, int64_t *slot, int64_t *seq)
{
	*slot = *seq = 0;
	if (!integer(c, "slot", 0, INT32_MAX, slot) || !integer(c, "seq", 0, INT64_MAX, seq))
		return false;
	gm_nets_announce(&s->nets, *slot, *seq);
	return true;
}

/* As lock, for the newest request of a slot; others are answered with 409. */
static gm_open_net *lock_newest(gm_studio *s, gm_call *c, int64_t slot, int64_t seq)
{
	gm_open_net *o = lock(s, c);
	if (!o || gm_nets_is_newest(&s->nets, slot, seq))
		return o;
	unlock(s);
	gm_call_error(c, 409, "superseded", NULL, "a newer request came");
	return NULL;
}

static json_t *latents_of(gm_saved *s)
{
	enum { PORTS = 32 };
	static const char *const kinds[] = {"normal", "uniform", "one-hot"};
	gm_port port[PORTS];
	json_t *all = json_array();
	const int n = gm_saved_ports(s, GM_ENDPOINT_GENERATE, port, PORTS);
	for (int i = 0; i < n && i < PORTS; i++) {
		int64_t numbers = 1;
		for (int d = 1; d < port[i].shape.rank; d++)
			numbers *= port[i].shape.dim[d];
		if (port[i].kind == GM_PORT_LATENT)
			json_array_append_new(all,
			                      json_pack("{s:s, s:s, s:I}", "name", port[i].name,
			                                "kind", kinds[port[i].latent], "numbers",
			                                (json_int_t)numbers));
	}
	return all;
}

static gm_translator *translator(gm_open_net *o, bool back, gm_error *err)
{
	if (!o->translator[back])
		o->translator[back] = gm_translator_open(
			o->checkpoint, back ? GM_ENDPOINT_TRANSLATE "/back" : NULL, err);
	return o->translator[back];
}

/* What the nets of a run can do. */
void gm_room_net(gm_studio *s, gm_call *c)
{
	gm_open_net *o = lock(s, c);
	if (!o)
		return;
	const gm_facts *f = gm_saved_facts(o->saved);
	const gm_shape made = gm_saved_shape(o->saved, GM_ENDPOINT_GENERATE);
	const bool images = !f->points && !f->rate, generates = images && made.rank == 4 &&
	                                                        made.dim[2] == f->height &&
	                                                        made.dim[3] == f->width;
	json_t *ways = json_array(), *classes = json_array();
	for (int back = 0; images && back < 2; back++) {
		gm_error err = {0};
		gm_translator *t = gm_saved_has(o->saved, back ? GM_ENDPOINT_TRANSLATE "/back"
		                                               : GM_ENDPOINT_TRANSLATE)
		                           ? translator(o, back, &err)
		                           : NULL;
		const char *to = t ? gm_translator_target(t) : NULL;
		if (t)
			json_array_append_new(
				ways, json_pack("{s:b, s:s, s:s, s:i, s:b, s:b}", "back", back,
			                        "from", gm_translator_field(t), "to", to ? to : "",
			                        "channels", gm_translator_takes(t), "attributes",
			                        gm_translator_takes_to(t), "caption",
			                        gm_translator_takes_caption(t)));
	}
	for (int64_t i = 0; i < f->classes && i < 1000; i++)
		json_array_append_new(classes, f->class_names ? json_string(f->class_names[i])
		                                              : json_sprintf("%lld", (long long)i));
	c->answer = json_pack(
		"{s:s, s:I, s:[I,I,I], s:b, s:b, s:b, s:o, s:b, s:o, s:o, s:I, s:b, s:b}", "model",
		gm_saved_model(o->saved)->name, "step", (json_int_t)gm_saved_step(o->saved),
		"shape", (json_int_t)f->height, (json_int_t)f->width, (json_int_t)f->channels,
		"generate", generates, "discriminate",
		gm_saved_has(o->saved, GM_ENDPOINT_DISCRIMINATE), "complete",
		images && gm_saved_has(o->saved, GM_ENDPOINT_COMPLETE), "translate", ways,
		"labelled", generates && gm_saved_takes_labels(o->saved, GM_ENDPOINT_GENERATE),
		"classes", classes, "latents", latents_of(o->saved), "directions",
		(json_int_t)(o->directions ? o->directions->count : 0), "points", f->points,
		"average", strtod(gm_saved_option(o->saved, "ema"), NULL) > 0);
	c->status = 200;
	unlock(s);
}

/* ---- latents --------------------------------------------------------------------------------- */

static json_t *shares(const gm_directions *d)
{
	json_t *all = json_array();
	for (int64_t i = 0; i < d->count; i++)
		json_array_append_new(all, json_real(d->share[i]));
	return json_pack("{s:o}", "share", all);
}

static bool know_directions(gm_open_net *o, gm_error *err)
{
	if (!o->directions)
		o->directions =
			gm_directions_new(o->saved, GM_DIRECTIONS_SAMPLES, GM_DIRECTIONS, err);
	return o->directions != NULL;
}

void gm_room_directions(gm_studio *s, gm_call *c)
{
	gm_error err = {0};
	if (!gm_call_only(c, "raw"))
		return;
	gm_open_net *o = lock(s, c);
	if (!o)
		return;
	if (know_directions(o, &err))
		c->answer = shares(o->directions), c->status = 200;
	else
		gm_call_failed(c, &err, NULL);
	unlock(s);
}

/* Draws o->count images with the nets of a run. */
static void draw(gm_open_net *net, gm_call *c, const gm_latents_options *o, int64_t seq)
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
	if (x && (!o->along || !*o->along || know_directions(net, &err)) &&
	    gm_latents_draw(s, net->directions, o, x, &err))
		answer_images(c, x, (int64_t[]){o->count, f->height, f->width, f->channels}, seq,
		              began);
	else
		gm_call_failed(c, &err, NULL);
	free(x);
}

void gm_room_draw(gm_studio *s, gm_call *c)
{
	gm_latents_options o = {.count = 1, .class = -1, .psi = 1};
	int64_t slot, seq, seed = 0;
	const json_t *psi = json_object_get(c->body, "psi");
	if (!gm_call_only(c, "slot|seq|seed|count|class|psi|codes|along|raw") ||
	    !announce(s, c, &slot, &seq) || !integer(c, "seed", 0, (int64_t)1 << 53, &seed) ||
	    !integer(c, "count", 1, COUNT, &o.count) ||
	    !integer(c, "class", -1, INT32_MAX, &o.class) || !text(c, "codes", &o.codes) ||
	    !text(c, "along", &o.along))
		return;
	if (psi && (!json_is_number(psi) || fabs(json_number_value(psi)) > 10)) {
		bad(c, "psi", "a number of at most 10");
		return;
	}
	o.psi = psi ? json_number_value(psi) : 1;
	o.seed = (uint64_t)seed;
	o.columns = (int64_t)sqrt((double)o.count); /* as the grid that the page shows */
	gm_open_net *net = lock_newest(s, c, slot, seq);
	if (!net)
		return;
	draw(net, c, &o, seq);
	unlock(s);
}

/* ---- translation ----------------------------------------------------------------------------- */

void gm_room_translate(gm_studio *s, gm_call *c)
{
	int64_t slot, seq, seed = 0, height = 0, width = 0, back = 0;
	const char *to = NULL;
	gm_error err = {0};
	const double began = gm_seconds();
	if (!gm_call_only(c, "slot|seq|seed|height|width|pixels|back|to") ||
	    !announce(s, c, &slot, &seq) || !integer(c, "seed", 0, (int64_t)1 << 53, &seed) ||
	    !integer(c, "height", 1, SIDE, &height) || !integer(c, "width", 1, SIDE, &width) ||
	    !integer(c, "back", 0, 1, &back) || !text(c, "to", &to))
		return;
	if (!height || !width) {
		bad(c, "height", "given together with width");
		return;
	}
	gm_open_net *net = lock_newest(s, c, slot, seq);
	if (!net)
		return;
	gm_translator *t = translator(net, back, &err);
	const int channels = t ? gm_translator_takes(t) : 0;
	uint8_t *bytes = t && (!to || !*to || gm_translator_set_to(t, to, &err))
	                         ? bytes_of(c, "pixels", (size_t)(height * width * channels))
	                         : NULL;
	float *x = bytes ? malloc((size_t)(height * width * channels) * sizeof *x) : NULL;
	gm_picture y = {0};
	if (x) {
		to_floats(bytes, channels, height * width, x);
		if (gm_translator_run(t, &(gm_picture){x, channels, (int)height, (int)width},
		                      (uint64_t)seed, 0, &y, &err))
			answer_images(c, y.x, (int64_t[]){1, y.height, y.width, y.channels}, seq,
			              began);
	}
	if (err.code)
		gm_call_failed(c, &err, NULL);
	free(y.x);
	free(x);
	free(bytes);
	unlock(s);
}

/* Queues a job of the call's run and answers with its number. */
static void queue(gm_studio *s, gm_call *c, gm_job j)
{
	gm_error err = {0};
	snprintf(j.run, sizeof j.run, "%s", c->id);
	const int64_t job = gm_jobs_add(&s->jobs, &j, &err);
	if (job)
		c->answer = json_pack("{s:I}", "job", (json_int_t)job), c->status = 202;
	else
		gm_call_error(c, 429, "queue_full", NULL, "%s", err.message);
}

/* ---- inpainting ------------------------------------------------------------------------------ */

typedef struct inpainting {
	char checkpoint[PATH_MAX];
	bool raw;
	gm_inpaint_options o;
	int64_t height, width, channels;
	uint8_t *pixels, *mask; /* [h,w,c]; [h,w], above 127: hidden */
} inpainting;

static void free_inpainting(void *task)
{
	inpainting *p = task;
	free(p->pixels);
	free(p->mask);
	free(p);
}

/* A number, or "nan" where there is none: JSON has no such value. */
static json_t *number(double v)
{
	return isfinite(v) ? json_real(v) : json_null();
}

/* The completions y, and what is known about them. */
static void show_completions(gm_job *j, const float *y, const gm_inpaint_report *report)
{
	const inpainting *p = j->task;
	const int64_t plane = p->height * p->width, numel = plane * p->channels;
	uint8_t *result = malloc((size_t)(numel * p->o.ways) + 1);
	json_t *ways = json_array();
	for (int64_t i = 0; result && i < p->o.ways; i++) {
		to_bytes(y + i * numel, p->channels, plane, result + i * numel);
		json_array_append_new(ways,
		                      json_pack("{s:o, s:o}", "context", number(report[i].context),
		                                "score", number(report[i].score)));
	}
	json_t *about = json_pack("{s:[I,I,I,I], s:o}", "shape", (json_int_t)p->o.ways,
	                          (json_int_t)p->height, (json_int_t)p->width,
	                          (json_int_t)p->channels, "ways", ways);
	gm_job_show(j, result, result ? (size_t)(numel * p->o.ways) : 0, about);
}

static void preview_completions(void *context, const float *y, const gm_inpaint_report *report)
{
	show_completions(context, y, report);
}

static bool inpaint(gm_job *j, gm_error *err)
{
	inpainting *p = j->task;
	gm_saved *s = gm_saved_open_file(p->checkpoint, &(gm_saved_options){.raw = p->raw}, err);
	const gm_facts *f = s ? gm_saved_facts(s) : NULL;
	bool ok = f && ((!f->points && !f->rate && f->height == p->height && f->width == p->width &&
	                 f->channels == p->channels) ||
	                gm_fail(err, GM_ERR_VALUE, "the run's images have another size"));
	const int64_t numel = ok ? f->numel : 1, plane = ok ? f->height * f->width : 1;
	float *x = malloc((size_t)numel * sizeof *x),
	      *y = malloc((size_t)(numel * p->o.ways) * sizeof *y);
	gm_inpaint_report *report = calloc((size_t)p->o.ways, sizeof *report);
	ok = ok && ((x && y && report) || gm_fail(err, GM_ERR_MEMORY, "out of memory"));
	for (int64_t i = 0; ok && i < plane; i++)
		p->mask[i] = p->mask[i] > 127;
	p->o.hidden = p->mask, p->o.preview = preview_completions, p->o.context = j;
	if (ok)
		to_floats(p->pixels, f->channels, plane, x);
	ok = ok && gm_inpaint(s, &p->o, x, 1, y, report, err);
	if (ok)
		show_completions(j, y, report);
	free(x), free(y), free(report);
	gm_saved_free(s);
	return ok;
}

/* The options of an action in {"name": value}, as the command line takes them. */
static bool read_options(gm_call *c, const gm_action_row *rows, void *o)
{
	json_t *given = json_object_get(c->body, "options"), *value;
	const char *name;
	gm_action_reset(rows, o);
	if (given && !json_is_object(given))
		return bad(c, "options", "an object");
	json_object_foreach (given, name, value) {
		gm_error err = {0};
		char *said = json_is_string(value)   ? strdup(json_string_value(value))
		             : json_is_number(value) ? json_dumps(value, JSON_ENCODE_ANY)
		                                     : NULL;
		const bool ok = said && gm_action_set(rows, o, name, said, &err);
		free(said);
		if (!ok) {
			gm_call_error(c, 422, "refused", name, "%s",
			              err.code ? err.message : "an option is a text or a number");
			return false;
		}
	}
	return true;
}

/* A hidden part by its name: one grey image, white where it is. */
void gm_room_mask(gm_studio *s, gm_call *c)
{
	gm_error err = {0};
	const char *name = "";
	int64_t seed = 0;
	const double began = gm_seconds();
	if (!gm_call_only(c, "name|seed") || !text(c, "name", &name) ||
	    !integer(c, "seed", 0, (int64_t)1 << 53, &seed))
		return;
	gm_open_net *net = lock(s, c);
	if (!net)
		return;
	const gm_facts *f = gm_saved_facts(net->saved);
	const int64_t plane = f->points || f->rate ? 1 : f->height * f->width;
	uint8_t *hidden = malloc((size_t)plane);
	float *x = malloc((size_t)plane * sizeof *x);
	if (!hidden || !x)
		gm_fail(&err, GM_ERR_MEMORY, "out of memory");
	else if (f->points || f->rate)
		gm_fail(&err, GM_ERR_STATE, "%s is not a run of images", c->id);
	else
		gm_hole_name(name, f->height, f->width, (uint64_t)seed, hidden, &err);
	for (int64_t i = 0; !err.code && i < plane; i++)
		x[i] = hidden[i] ? 1 : -1;
	if (err.code)
		gm_call_failed(c, &err, NULL);
	else
		answer_images(c, x, (int64_t[]){1, f->height, f->width, 1}, 0, began);
	free(hidden), free(x);
	unlock(s);
}

void gm_room_inpaint(gm_studio *s, gm_call *c)
{
	gm_error err = {0};
	inpainting *p = calloc(1, sizeof *p);
	gm_open_net *net = NULL;
	if (p && gm_call_only(c, "pixels|mask|options|raw") &&
	    read_options(c, gm_inpaint_rows, &p->o) && gm_call_checkpoint(s, c, p->checkpoint) &&
	    (net = lock(s, c))) {
		const gm_facts *f = gm_saved_facts(net->saved);
		p->height = f->height, p->width = f->width, p->channels = f->channels;
		p->raw = raw_of(c);
		if (!gm_inpaint_choose(net->saved, &p->o, &err))
			gm_call_failed(c, &err, NULL);
		unlock(s);
	}
	if (net && !err.code) {
		p->pixels = bytes_of(c, "pixels", (size_t)(p->height * p->width * p->channels));
		p->mask = p->pixels ? bytes_of(c, "mask", (size_t)(p->height * p->width)) : NULL;
	}
	if (!p || !p->mask) {
		if (p)
			free_inpainting(p);
		return;
	}
	queue(s, c,
	      (gm_job){.kind = "inpaint", .work = inpaint, .release = free_inpainting, .task = p});
}

/* ---- edits ----------------------------------------------------------------------------------- */

typedef struct editing {
	char checkpoint[PATH_MAX];
	bool raw;
	gm_edit_options o;
	int64_t height, width, channels, frames, numbers;
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

/* Latents of the photo, by projection; NULL on failure. */
static float *project(gm_saved *s, const editing *p, double *rmse, gm_error *err)
{
	const gm_facts *f = gm_saved_facts(s);
	gm_project_options o;
	gm_action_reset(gm_project_rows, &o);
	const int64_t numbers = gm_project_numbers(s, err);
	float *x = malloc((size_t)f->numel * sizeof *x),
	      *z = numbers ? malloc((size_t)numbers * sizeof *z) : NULL;
	bool ok = (x && z) || (numbers && gm_fail(err, GM_ERR_MEMORY, "out of memory"));
	if (ok)
		to_floats(p->pixels, f->channels, f->height * f->width, x);
	ok = ok && gm_project(s, &o, x, 1, z, NULL, rmse, err);
	free(x);
	if (ok)
		return z;
	free(z);
	return NULL;
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
	const int64_t plane = p->height * p->width, numel = plane * p->channels;
	int64_t order[256];
	const int64_t kept = gm_edit_order(e, order), n = kept + frames;
	uint8_t *result = malloc((size_t)(n * numel) + 1);
	json_t *all = json_array();
	for (int64_t i = 0; result && i < n; i++) {
		to_bytes(i < kept ? gm_edit_image(e, order[i]) : x + (i - kept) * numel,
		         p->channels, plane, result + i * numel);
		if (i < kept)
			json_array_append_new(
				all, json_pack("{s:o, s:o, s:o}", "cost",
			                       number(gm_edit_cost(e)[order[i]]), "error",
			                       number(gm_edit_colour_error(e, order[i])), "z",
			                       numbers_of(gm_edit_z(e) + order[i] * p->numbers,
			                                  p->numbers)));
	}
	json_t *about = json_pack(
		"{s:[I,I,I,I], s:o, s:I, s:o, s:o, s:f}", "shape", (json_int_t)n,
		(json_int_t)p->height, (json_int_t)p->width, (json_int_t)p->channels, "candidates",
		all, "frames", (json_int_t)frames, "rmse", number(p->rmse), "from",
		numbers_of(p->z0, p->numbers), "seconds", gm_seconds() - p->began);
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
	if (!(p->numbers = gm_project_numbers(s, err)))
		return false;
	float *z = malloc((size_t)p->numbers * sizeof *z);
	if (!z)
		return gm_fail(err, GM_ERR_MEMORY, "out of memory");
	bool ok = gm_edit_from(p->script, strlen(p->script), p->numbers, z, &given, err);
	p->z0 = given ? z : NULL;
	if (!given)
		free(z);
	return ok && (given || !p->pixels || (p->z0 = project(s, p, &p->rmse, err)));
}

static bool edit(gm_job *j, gm_error *err)
{
	editing *p = j->task;
	gm_edit *e = NULL;
	gm_saved *s = gm_saved_open_file(p->checkpoint, &(gm_saved_options){.raw = p->raw}, err);
	const gm_facts *f = s ? gm_saved_facts(s) : NULL;
	p->job = j, p->rmse = NAN;
	bool ok = f &&
	          ((f->height == p->height && f->width == p->width && f->channels == p->channels) ||
	           gm_fail(err, GM_ERR_VALUE, "the run's images have another size"));
	ok = ok && latents_before(p, s, err) && (e = gm_edit_new(s, &p->o, p->z0, err)) &&
	     gm_edit_read(e, p->script, strlen(p->script), err);
	if (ok)
		gm_edit_preview(e, preview_candidates, p);
	p->began = gm_seconds();
	ok = ok && gm_edit_run(e, p->o.iterations, err);
	const int64_t frames = p->z0 ? p->frames : 0;
	float *x = ok ? malloc((size_t)(frames + 1) * (size_t)f->numel * sizeof *x) : NULL;
	int64_t order[256];
	ok = ok && (x || gm_fail(err, GM_ERR_MEMORY, "out of memory"));
	if (ok)
		gm_edit_order(e, order);
	ok = ok && (!frames || gm_edit_between(s, p->z0, gm_edit_z(e) + order[0] * p->numbers,
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
	gm_error err = {0};
	editing *p = calloc(1, sizeof *p);
	gm_open_net *net = NULL;
	const json_t *script = json_object_get(c->body, "script");
	bool ok = p && gm_call_only(c, "script|pixels|frames|options|raw") &&
	          integer(c, "frames", 0, 64, &p->frames) &&
	          (json_is_object(script) || bad(c, "script", "an object with strokes")) &&
	          read_options(c, gm_edit_rows, &p->o) && gm_call_checkpoint(s, c, p->checkpoint) &&
	          (net = lock(s, c));
	if (ok) {
		const gm_facts *f = gm_saved_facts(net->saved);
		p->height = f->height, p->width = f->width, p->channels = f->channels;
		p->raw = raw_of(c);
		ok = gm_project_numbers(net->saved, &err) > 0;
		if (!ok)
			gm_call_failed(c, &err, NULL);
		unlock(s);
	}
	if (ok && json_object_get(c->body, "pixels"))
		ok = (p->pixels =
		              bytes_of(c, "pixels", (size_t)(p->height * p->width * p->channels)));
	if (!ok || !(p->script = json_dumps(script, JSON_COMPACT))) {
		if (p)
			free_editing(p);
		return;
	}
	queue(s, c, (gm_job){.kind = "edit", .work = edit, .release = free_editing, .task = p});
}

/* ---- photos ---------------------------------------------------------------------------------- */

/* The RGB pixels of the call as an image; NULL after answering. */
static gm_image *photo_of(gm_call *c)
{
	int64_t height = 0, width = 0;
	gm_error err = {0};
	if (!integer(c, "height", 1, PHOTO_SIDE, &height) ||
	    !integer(c, "width", 1, PHOTO_SIDE, &width))
		return NULL;
	if (!height || !width) {
		bad(c, "height", "given together with width");
		return NULL;
	}
	uint8_t *pixels = bytes_of(c, "pixels", (size_t)(height * width * 3));
	gm_image *im = pixels ? gm_image_new((int)width, (int)height, 3, &err) : NULL;
	if (im)
		memcpy(im->pixel, pixels, (size_t)(height * width * 3));
	else if (pixels)
		gm_call_failed(c, &err, NULL);
	free(pixels);
	return im;
}

/* A photo at the size of the run's images, as the command line fits it. */
void gm_room_fit(gm_studio *s, gm_call *c)
{
	gm_error err = {0};
	const double began = gm_seconds();
	gm_image *im = gm_call_only(c, "pixels|height|width") ? photo_of(c) : NULL;
	gm_open_net *net = im ? lock(s, c) : NULL;
	if (net) {
		const gm_facts *f = gm_saved_facts(net->saved);
		float *x = f->points || f->rate ? NULL : malloc((size_t)f->numel * sizeof *x);
		if (!x)
			gm_fail(&err, GM_ERR_STATE, "%s is not a run of images", c->id);
		if (x && gm_photo_fit(net->saved, im, "the photo", x, NULL, &err))
			answer_images(c, x, (int64_t[]){1, f->height, f->width, f->channels}, 0,
			              began);
		else
			gm_call_failed(c, &err, NULL);
		free(x);
		unlock(s);
	}
	gm_image_free(im);
}

typedef struct transferring {
	char checkpoint[PATH_MAX];
	bool raw;
	gm_image *photo;
	float *z; /* [2, numbers] */
	int64_t numbers, between;
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
	gm_saved *s = gm_saved_open_file(p->checkpoint, &(gm_saved_options){.raw = p->raw}, err);
	bool ok = s && (gm_project_numbers(s, err) == p->numbers ||
	                gm_fail(err, GM_ERR_VALUE, "the run has other latents now"));
	gm_image *im = ok ? gm_photo_transfer(s, p->z, p->z + p->numbers, p->between, p->photo, err)
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
	return ok || bad(c, name, "a list of the run's latents");
}

/* A photo after the change from one image of the run to another. */
void gm_room_transfer(gm_studio *s, gm_call *c)
{
	gm_error err = {0};
	transferring *p = calloc(1, sizeof *p);
	gm_open_net *net = NULL;
	if (!p)
		return;
	p->between = 8;
	bool ok = gm_call_only(c, "pixels|height|width|from|to|between|raw") &&
	          integer(c, "between", 2, 64, &p->between) &&
	          gm_call_checkpoint(s, c, p->checkpoint) && (net = lock(s, c));
	if (ok) {
		p->raw = raw_of(c);
		p->numbers = gm_project_numbers(net->saved, &err);
		p->z = p->numbers ? malloc((size_t)p->numbers * 2 * sizeof *p->z) : NULL;
		ok = p->z != NULL;
		if (!ok)
			gm_call_failed(c, &err, NULL);
		unlock(s);
	}
	ok = ok && list(c, "from", p->numbers, p->z) &&
	     list(c, "to", p->numbers, p->z + p->numbers) && (p->photo = photo_of(c));
	if (ok)
		queue(s, c,
		      (gm_job){.kind = "transfer",
		               .work = transfer,
		               .release = free_transferring,
		               .task = p});
	else
		free_transferring(p);
}

/* ---- jobs ------------------------------------------------------------------------------------ */

static void no_job(gm_call *c)
{
	gm_call_error(c, 404, "no_job", NULL, "there is no job %lld", (long long)c->number);
}

void gm_room_job(gm_studio *s, gm_call *c)
{
	c->answer = gm_jobs_about(&s->jobs, c->number);
	c->status = 200;
	if (!c->answer)
		no_job(c);
}

void gm_room_result(gm_studio *s, gm_call *c)
{
	int64_t version;
	c->data = gm_jobs_result(&s->jobs, c->number, &c->bytes, &version);
	c->type = "application/octet-stream", c->status = 200;
	if (c->data) {
		strcpy(c->headers[0][0], "Gm-Version");
		snprintf(c->headers[0][1], sizeof c->headers[0][1], "%lld", (long long)version);
	}
	if (!c->data)
		no_job(c);
}

void gm_room_cancel(gm_studio *s, gm_call *c)
{
	if (gm_jobs_cancel(&s->jobs, c->number))
		c->answer = json_object(), c->status = 202;
	else
		no_job(c);
}
