/* SPDX-License-Identifier: MIT
 *
 * studio/rooms.c -- routes of the rooms for images: translation, inpainting;
 * room_latents.c has those of latents, room_edit.c those of edits. Images come
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
#include "studio/room.h"
#include "use/captions.h"
#include "use/hole.h"
#include "use/inpaint.h"
#include "use/photo.h"

enum { SIDE = 1024 };

/* ---- bodies ---------------------------------------------------------------------------------- */

bool gm_room_bad(gm_call *c, const char *field, const char *what)
{
	gm_call_error(c, 400, "bad_value", field, "%s is not %s", field, what);
	return false;
}

/* An integer of the body; v keeps its value if it is missing. */
bool gm_room_integer(gm_call *c, const char *name, int64_t low, int64_t high, int64_t *v)
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

bool gm_room_text(gm_call *c, const char *name, const char **v)
{
	const json_t *o = json_object_get(c->body, name);
	if (o && (!json_is_string(o) || json_string_length(o) > 2000 ||
	          strlen(json_string_value(o)) != json_string_length(o)))
		return gm_room_bad(c, name, "a text of at most 2000 bytes");
	*v = o ? json_string_value(o) : *v;
	return true;
}

/* The bytes of a base64 text; exactly n of them, from malloc; NULL after answering. */
uint8_t *gm_room_bytes(gm_call *c, const char *name, size_t n)
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

/* The RGB pixels of the call as an image; NULL after answering. */
gm_image *gm_room_photo(gm_call *c, int64_t most)
{
	int64_t height = 0, width = 0;
	gm_error err = {0};
	if (!gm_room_integer(c, "height", 1, most, &height) ||
	    !gm_room_integer(c, "width", 1, most, &width))
		return NULL;
	if (!height || !width) {
		gm_room_bad(c, "height", "given together with width");
		return NULL;
	}
	uint8_t *pixels = gm_room_bytes(c, "pixels", (size_t)(height * width * 3));
	gm_image *im = pixels ? gm_image_new((int)width, (int)height, 3, &err) : NULL;
	if (im)
		memcpy(im->pixel, pixels, (size_t)(height * width * 3));
	else if (pixels)
		gm_call_failed(c, &err, NULL);
	free(pixels);
	return im;
}

/* [h,w,c] bytes to [c,h,w] floats in [-1,1] and back */
void gm_room_to_floats(const uint8_t *from, int64_t channels, int64_t plane, float *to)
{
	for (int64_t i = 0; i < channels * plane; i++)
		to[i] = (float)(from[i % plane * channels + i / plane] / 127.5 - 1);
}

void gm_room_to_bytes(const float *from, int64_t channels, int64_t plane, uint8_t *to)
{
	for (int64_t i = 0; i < channels * plane; i++)
		to[i % plane * channels + i / plane] = (uint8_t)lrintf(
			(fminf(fmaxf(isfinite(from[i]) ? from[i] : 0, -1), 1) + 1) * 127.5f);
}

/* Answers with images x [n, channels, height, width]. */
void gm_room_answer(gm_call *c, const float *x, const int64_t shape[4], int64_t seq, double began)
{
	const int64_t plane = shape[1] * shape[2], numel = plane * shape[3];
	uint8_t *to = malloc((size_t)(shape[0] * numel) + 1);
	if (!to)
		return;
	for (int64_t i = 0; i < shape[0]; i++)
		gm_room_to_bytes(x + i * numel, shape[3], plane, to + i * numel);
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
bool gm_room_raw(const gm_call *c)
{
	return json_is_true(json_object_get(c->body, "raw"));
}

gm_open_net *gm_room_lock(gm_studio *s, gm_call *c)
{
	char path[PATH_MAX];
	gm_error err = {0};
	const json_t *raw = json_object_get(c->body, "raw");
	if (raw && !json_is_boolean(raw)) {
		gm_room_bad(c, "raw", "true or false");
		return NULL;
	}
	if (!gm_call_checkpoint(s, c, path))
		return NULL;
	gm_open_net *o = gm_nets_lock(&s->nets, c->id, path, gm_room_raw(c), &err);
	if (!o)
		gm_call_failed(c, &err, NULL);
	return o;
}

void gm_room_unlock(gm_studio *s)
{
	pthread_mutex_unlock(&s->nets.mutex);
}

/* Slot and sequence number of a request that newer ones replace. */
bool gm_room_announce(gm_studio *s, gm_call *c, int64_t *slot, int64_t *seq)
{
	*slot = *seq = 0;
	if (!gm_room_integer(c, "slot", 0, INT32_MAX, slot) ||
	    !gm_room_integer(c, "seq", 0, INT64_MAX, seq))
		return false;
	gm_nets_announce(&s->nets, *slot, *seq);
	return true;
}

/* As lock, for the newest request of a slot; others are answered with 409. */
gm_open_net *gm_room_lock_newest(gm_studio *s, gm_call *c, int64_t slot, int64_t seq)
{
	gm_open_net *o = gm_room_lock(s, c);
	if (!o || gm_nets_is_newest(&s->nets, slot, seq))
		return o;
	gm_room_unlock(s);
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
	gm_open_net *o = gm_room_lock(s, c);
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
		char attributes[300] = "";
		if (t && gm_translator_takes_to(t))
			gm_translator_attributes(t, attributes, sizeof attributes);
		if (t)
			json_array_append_new(ways,
			                      json_pack("{s:b, s:s, s:s, s:s, s:b}", "back", back,
			                                "from", gm_translator_field(t), "to",
			                                to ? to : "", "attributes", attributes,
			                                "caption", gm_translator_takes_caption(t)));
	}
	for (int64_t i = 0; i < f->classes && i < 1000; i++)
		json_array_append_new(classes, f->class_names ? json_string(f->class_names[i])
		                                              : json_sprintf("%lld", (long long)i));
	c->answer = json_pack(
		"{s:s, s:I, s:[I,I,I], s:b, s:b, s:b, s:o, s:b, s:o, s:o, s:I, s:b, s:b, s:s, "
		"s:b, s:o}",
		"model", gm_saved_model(o->saved)->name, "step",
		(json_int_t)gm_saved_step(o->saved), "shape", (json_int_t)f->height,
		(json_int_t)f->width, (json_int_t)f->channels, "generate", generates,
		"discriminate", gm_saved_has(o->saved, GM_ENDPOINT_DISCRIMINATE), "complete",
		images && gm_saved_has(o->saved, GM_ENDPOINT_COMPLETE), "translate", ways,
		"labelled", generates && gm_saved_takes_labels(o->saved, GM_ENDPOINT_GENERATE),
		"classes", classes, "latents", latents_of(o->saved), "directions",
		(json_int_t)(o->directions ? o->directions->count : 0), "points", f->points,
		"average", strtod(gm_saved_option(o->saved, "ema"), NULL) > 0, "alphabet",
		*gm_saved_option(o->saved, "text") ? gm_alphabet : "", "caption",
		generates && gm_saved_caption_length(o->saved, NULL) > 0, "checkpoints",
		gm_call_checkpoints(s, c));
	c->status = 200;
	gm_room_unlock(s);
}

/* ---- translation ----------------------------------------------------------------------------- */

/* Attributes and caption of the call, where the run takes them; each call says its own. */
static bool set_wishes(gm_translator *t, const char *to, const char *caption, bool back,
                       gm_error *err)
{
	gm_captions c = {0};
	if ((to || gm_translator_takes_to(t)) && !gm_translator_set_to(t, to ? to : "?", err))
		return false;
	if (!caption)
		return !gm_translator_takes_caption(t) ||
		       gm_fail(err, GM_ERR_VALUE,
		               "this run reads a caption of what the results show: write one");
	const bool ok =
		gm_captions_read(&c, gm_translator_saved(t),
	                         back ? GM_ENDPOINT_TRANSLATE "/back" : GM_ENDPOINT_TRANSLATE,
	                         caption, NULL, err) &&
		(c.n == 1 || gm_fail(err, GM_ERR_VALUE, "this room takes one caption")) &&
		gm_translator_set_caption(t, c.text, err);
	gm_captions_free(&c);
	return ok;
}

void gm_room_translate(gm_studio *s, gm_call *c)
{
	int64_t slot, seq, seed = 0, index = 0, back = 0;
	const char *to = NULL, *caption = NULL;
	gm_error err = {0};
	const double began = gm_seconds();
	if (!gm_call_only(c,
	                  "slot|seq|seed|index|height|width|pixels|back|to|caption|checkpoint") ||
	    !gm_room_announce(s, c, &slot, &seq) ||
	    !gm_room_integer(c, "seed", 0, (int64_t)1 << 53, &seed) ||
	    !gm_room_integer(c, "index", 0, INT32_MAX, &index) ||
	    !gm_room_integer(c, "back", 0, 1, &back) || !gm_room_text(c, "to", &to) ||
	    !gm_room_text(c, "caption", &caption))
		return;
	gm_image *im = gm_room_photo(c, SIDE);
	gm_open_net *net = im ? gm_room_lock_newest(s, c, slot, seq) : NULL;
	if (!net) {
		gm_image_free(im);
		return;
	}
	gm_translator *t = translator(net, back, &err);
	gm_picture x = {NULL, t ? gm_translator_takes(t) : 0, im->height, im->width}, y = {0};
	if (t && set_wishes(t, to, caption, back, &err) &&
	    (x.x = gm_picture_read(im, 0, &x, &err)) &&
	    gm_translator_run(t, &x, (uint64_t)seed, (uint64_t)index, &y, &err))
		gm_room_answer(c, y.x, (int64_t[]){1, y.height, y.width, y.channels}, seq, began);
	if (err.code)
		gm_call_failed(c, &err, NULL);
	free(y.x);
	free(x.x);
	gm_image_free(im);
	gm_room_unlock(s);
}

/* Queues a job of the call's run and answers with its number. */
void gm_room_queue(gm_studio *s, gm_call *c, gm_job j)
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
	float *x;               /* the picture while it works */
} inpainting;

static void free_inpainting(void *task)
{
	inpainting *p = task;
	free(p->pixels);
	free(p->mask);
	free(p);
}

/* Image `number` of the run's data, of the test split where there is one, as `ganymede inpaint RUN`
 * takes them. */
void gm_room_example(gm_studio *s, gm_call *c)
{
	gm_error err = {0}, none = {0};
	int64_t number = 0;
	const double began = gm_seconds();
	if (!gm_call_only(c, "number|checkpoint") ||
	    !gm_room_integer(c, "number", 0, INT32_MAX, &number) || !gm_call_data(s, c))
		return;
	gm_open_net *net = gm_room_lock(s, c);
	if (!net)
		return;
	const gm_facts *f = gm_saved_facts(net->saved);
	const char *split = "test";
	gm_dataset *d = gm_photo_set(net->saved, split, NULL, &none);
	if (!d)
		d = gm_photo_set(net->saved, split = "train", NULL, &err);
	const uint64_t count = d ? gm_data_info_of(d)->count : 0;
	float *x = d ? malloc((size_t)f->numel * sizeof *x) : NULL;
	bool ok = x || (d && gm_fail(&err, GM_ERR_MEMORY, "out of memory"));
	if (ok && count && (uint64_t)number >= count)
		ok = gm_fail(&err, GM_ERR_VALUE, "there are pictures 0 to %llu, and no %lld",
		             (unsigned long long)count - 1, (long long)number);
	ok = ok && gm_data_get(d, (uint64_t)number, x, NULL, &err);
	if (ok)
		gm_room_answer(c, x, (int64_t[]){1, f->height, f->width, f->channels}, 0, began);
	if (ok && c->data) {
		strcpy(c->headers[3][0], "Gm-From");
		if (count)
			snprintf(c->headers[3][1], sizeof c->headers[3][1], "%s split of %llu",
			         split, (unsigned long long)count);
		else
			snprintf(c->headers[3][1], sizeof c->headers[3][1],
			         "%s split, which has no end", split);
	}
	if (!ok)
		gm_call_failed(c, &err, NULL);
	free(x);
	gm_data_close(d);
	gm_room_unlock(s);
}

/* A number, or "nan" where there is none: JSON has no such value. */
json_t *gm_room_number(double v)
{
	return isfinite(v) ? json_real(v) : json_null();
}

/* The completions y, and what is known about them. */
static void show_completions(gm_job *j, const float *y, const gm_inpaint_report *report)
{
	const inpainting *p = j->task;
	const int64_t plane = p->height * p->width, numel = plane * p->channels;
	const gm_hole h = {1, p->channels, p->height, p->width, p->o.hidden, -1, 1};
	uint8_t *result = malloc((size_t)(numel * p->o.ways) + 1);
	json_t *ways = json_array();
	for (int64_t i = 0; result && i < p->o.ways; i++) {
		gm_room_to_bytes(y + i * numel, p->channels, plane, result + i * numel);
		const gm_hole_errors e = gm_hole_compare(&h, y + i * numel, p->x);
		json_array_append_new(
			ways, json_pack("{s:o, s:o, s:o, s:o, s:o}", "context",
		                        gm_room_number(report[i].context), "score",
		                        gm_room_number(report[i].score), "l1", gm_room_number(e.l1),
		                        "psnr", gm_room_number(e.psnr), "seam",
		                        gm_room_number(gm_hole_seam(&h, y + i * numel))));
	}
	json_t *about =
		json_pack("{s:[I,I,I,I], s:o, s:o}", "shape", (json_int_t)p->o.ways,
	                  (json_int_t)p->height, (json_int_t)p->width, (json_int_t)p->channels,
	                  "ways", ways, "seam", gm_room_number(gm_hole_seam(&h, p->x)));
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
	p->x = x;
	p->o.hidden = p->mask, p->o.preview = preview_completions, p->o.context = j;
	if (ok)
		gm_room_to_floats(p->pixels, f->channels, plane, x);
	ok = ok && gm_inpaint(s, &p->o, x, 1, y, report, err);
	if (ok)
		show_completions(j, y, report);
	free(x), free(y), free(report);
	gm_saved_free(s);
	return ok;
}

/* The options of an action in {"name": value}, as the command line takes them. */
bool gm_room_options(gm_call *c, const gm_action_row *rows, void *o)
{
	json_t *given = json_object_get(c->body, "options"), *value;
	const char *name;
	gm_action_reset(rows, o);
	if (given && !json_is_object(given))
		return gm_room_bad(c, "options", "an object");
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
	if (!gm_call_only(c, "name|seed") || !gm_room_text(c, "name", &name) ||
	    !gm_room_integer(c, "seed", 0, (int64_t)1 << 53, &seed))
		return;
	gm_open_net *net = gm_room_lock(s, c);
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
		gm_room_answer(c, x, (int64_t[]){1, f->height, f->width, 1}, 0, began);
	free(hidden), free(x);
	gm_room_unlock(s);
}

void gm_room_inpaint(gm_studio *s, gm_call *c)
{
	gm_error err = {0};
	inpainting *p = calloc(1, sizeof *p);
	gm_open_net *net = NULL;
	if (p && gm_call_only(c, "pixels|mask|options|raw|checkpoint") &&
	    gm_room_options(c, gm_inpaint_rows, &p->o) && gm_call_checkpoint(s, c, p->checkpoint) &&
	    (net = gm_room_lock(s, c))) {
		const gm_facts *f = gm_saved_facts(net->saved);
		p->height = f->height, p->width = f->width, p->channels = f->channels;
		p->raw = gm_room_raw(c);
		if (!gm_inpaint_choose(net->saved, &p->o, &err))
			gm_call_failed(c, &err, NULL);
		gm_room_unlock(s);
	}
	if (net && !err.code) {
		p->pixels =
			gm_room_bytes(c, "pixels", (size_t)(p->height * p->width * p->channels));
		p->mask =
			p->pixels ? gm_room_bytes(c, "mask", (size_t)(p->height * p->width)) : NULL;
	}
	if (!p || !p->mask) {
		if (p)
			free_inpainting(p);
		return;
	}
	const size_t plane = (size_t)(p->height * p->width), n = plane * (size_t)p->channels;
	uint8_t *input = malloc(n + plane);
	if (input) {
		memcpy(input, p->pixels, n);
		memcpy(input + n, p->mask, plane);
	}
	gm_room_queue(s, c,
	              (gm_job){.kind = "inpaint",
	                       .work = inpaint,
	                       .release = free_inpainting,
	                       .task = p,
	                       .input = input,
	                       .input_bytes = input ? n + plane : 0});
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

/* What was asked for: of inpainting, pixels [h,w,c] and the hidden part [h,w]. */
void gm_room_input(gm_studio *s, gm_call *c)
{
	c->data = gm_jobs_input(&s->jobs, c->number, &c->bytes);
	c->type = "application/octet-stream", c->status = 200;
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
