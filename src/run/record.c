/* SPDX-License-Identifier: MIT
 *
 * run/record.c -- the metadata of checkpoints. A checkpoint is a safetensors file whose tensors are
 * the variables of the nets under their full names. The rest of the run's state is in the metadata,
 * as texts:
 *
 *	format    "ganymede-run"        version   "3" (older versions: history.h)
 *	model     "dcgan"               options   {"batch": "64", ...}, all options
 *	facts     {"channels": 1, ...}  facts of the data, so that sampling does not need the data;
 *	          "fields": further fields that the model reads
 *	step      steps done            seen      examples read: the position in the data
 *	runs      random counter        data      hash of the data's content, hexadecimal
 *	best      best value so far of option best; omitted if there is none
 *	schedules {"lr": 0.0002, ...}   values at this step, used by tools
 *	imports   {"stage1": {"model": .., "options": .., ..}, ..}  imported runs (import.c), whose
 *	          variables are "stage1/G/..."
 *	streams   {"labelled": {"seen": .., "data": .., "facts": {..}}, ..}  further streams, see
 *	          stream.c
 *	origin    {"checkpoint": ..., "model": ..., "step": N, "data": ...}  origin of the initial
 *	          weights (option from); omitted if there is none
 *	rollbacks number of rollbacks because of values that were not finite; omitted if 0
 */
#include "run/run.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "run/history.h"
#include "run/stream.h"

/* A record: the metadata of a file, or of an imported run in them. */
typedef struct meta {
	const gm_st *st;
	const gm_st_pair *pair;
	int pairs;
} meta;

static const char *get(const meta *m, const char *key)
{
	if (!m->pair)
		return m->st ? gm_st_meta(m->st, key) : NULL;
	for (int i = 0; i < m->pairs; i++)
		if (!strcmp(m->pair[i].key, key))
			return m->pair[i].value;
	return NULL;
}

const char *gm_run_meta(const gm_run *r, const char *key)
{
	return get(&(meta){r->from, r->pair, r->pairs}, key);
}

static json_t *json_meta(const gm_run *r, const char *key)
{
	const char *text = gm_run_meta(r, key);
	return text ? json_loads(text, 0, NULL) : NULL;
}

static json_t *field_json(const gm_run_field *f)
{
	json_t *shape = json_array();
	for (int i = 0; i < f->shape.rank; i++)
		json_array_append_new(shape, json_integer(f->shape.dim[i]));
	return json_pack("{s:s, s:o, s:b, s:i}", "name", f->name, "shape", shape, "whole",
	                 (int)f->whole, "classes", f->classes);
}

static json_t *facts_json(const gm_facts *f, const gm_run_field *field, int n)
{
	json_t *o = json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f}", "points",
	                      (int)f->points, "channels", (json_int_t)f->channels, "height",
	                      (json_int_t)f->height, "width", (json_int_t)f->width, "numel",
	                      (json_int_t)f->numel, "classes", (json_int_t)f->classes, "count",
	                      (json_int_t)f->count, "low", f->low, "high", f->high);
	if (f->rate)
		json_object_set_new(o, "rate", json_integer(f->rate));
	json_t *names = json_array(), *fields = json_array();
	for (int64_t i = 0; f->class_names && i < f->classes; i++)
		json_array_append_new(names, gm_json_text(f->class_names[i]));
	if (json_array_size(names))
		json_object_set(o, "class_names", names);
	json_decref(names);
	for (int i = 0; i < n; i++)
		if (field[i].node)
			json_array_append_new(fields, field_json(&field[i]));
	if (json_array_size(fields))
		json_object_set(o, "fields", fields);
	json_decref(fields);
	return o;
}

char *gm_record_facts(const gm_run *r)
{
	json_t *o = facts_json(&r->facts, r->field, r->fields);
	char *text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	return text;
}

char *gm_record_streams(const gm_run *r)
{
	json_t *all = json_object();
	for (int i = 0; i < r->streams; i++) {
		const gm_stream *s = r->stream[i];
		json_object_set_new(all, s->name,
		                    json_pack("{s:o, s:o, s:o}", "seen",
		                              json_sprintf("%" PRIu64, s->seen), "data",
		                              json_sprintf("%016" PRIx64, s->hash), "facts",
		                              facts_json(&s->facts, s->field, s->fields)));
	}
	char *text = json_dumps(all, JSON_COMPACT);
	json_decref(all);
	return text;
}

/* The records of imported runs, which are enough to rebuild them without their checkpoints. */
char *gm_record_imports(const gm_run *r)
{
	json_t *all = json_object();
	for (const gm_import_of *i = r->import; i; i = i->next) {
		const gm_run *in = &i->run;
		char *options = gm_settings_json(&i->record.settings, false),
		     *facts = gm_record_facts(in), *schedules = gm_record_schedules(in),
		     *streams = gm_record_streams(in), *imports = gm_record_imports(in);
		if (options && facts && schedules && streams && imports)
			json_object_set_new(
				all, i->option,
				json_pack("{s:s, s:o, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:s, "
			                  "s:o}",
			                  "format", "ganymede-run", "version",
			                  json_sprintf("%d", GM_RECORD_VERSION), "model",
			                  in->model->name, "options", options, "facts", facts,
			                  "schedules", schedules, "streams", streams, "imports",
			                  imports, "step", json_sprintf("%" PRId64, i->record.step),
			                  "seen", json_sprintf("%" PRIu64, i->record.seen), "runs",
			                  "0", "data",
			                  json_sprintf("%016" PRIx64, i->record.data_hash)));
		free(options), free(facts), free(schedules), free(streams), free(imports);
	}
	char *text = json_dumps(all, JSON_COMPACT);
	json_decref(all);
	return text;
}

bool gm_record_import(const gm_run *r, const char *option, gm_run *inside)
{
	json_t *all = json_meta(r, "imports"), *o = json_object_get(all, option), *value;
	const char *key;
	gm_st_pair *pair = gm_arena_calloc(r->arena, json_object_size(o) + 1, sizeof *pair);
	int n = 0;
	json_object_foreach (o, key, value) {
		pair[n].key = gm_arena_strdup(r->arena, key);
		pair[n++].value = gm_arena_strdup(
			r->arena, json_string_value(value) ? json_string_value(value) : "");
	}
	inside->pair = pair, inside->pairs = n;
	json_decref(all);
	return n > 0;
}

static bool field_from_json(json_t *o, gm_run_field *f)
{
	const char *name;
	json_t *shape;
	int whole, classes;
	if (json_unpack(o, "{s:s, s:o, s:b, s:i}", "name", &name, "shape", &shape, "whole", &whole,
	                "classes", &classes) ||
	    !*name || strlen(name) >= sizeof f->name || json_array_size(shape) > 4 || classes < 0)
		return false;
	*f = (gm_run_field){.whole = whole, .classes = classes};
	snprintf(f->name, sizeof f->name, "%s", name);
	int64_t numel = 1;
	for (size_t i = 0; i < json_array_size(shape); i++) {
		json_int_t d = json_integer_value(json_array_get(shape, i));
		if (d < 1 || d > 4096 || (numel *= d) > 1 << 26)
			return false;
		f->shape.dim[f->shape.rank++] = d;
	}
	return true;
}

static bool fields_from_json(const json_t *list, gm_run_field *field, int *n)
{
	bool ok = !list || (json_is_array(list) && json_array_size(list) <= GM_RUN_FIELDS);
	for (size_t i = 0; ok && i < json_array_size(list); i++)
		ok = field_from_json(json_array_get(list, i), &field[(*n)++]);
	return ok;
}

static bool names_from_json(const json_t *list, gm_arena *arena, gm_facts *facts, int64_t classes)
{
	const size_t n = json_array_size(list);
	if (!list)
		return true;
	if (!json_is_array(list) || (int64_t)n != classes)
		return false;
	const char **names = gm_arena_calloc(arena, n + 1, sizeof *names);
	for (size_t i = 0; i < n; i++) {
		char *name = gm_json_text_of(json_array_get(list, i));
		if (!name)
			return false;
		names[i] = gm_arena_strdup(arena, name);
		free(name);
	}
	facts->class_names = names;
	return true;
}

/* Class names are stored in the arena. */
static bool facts_from_json(json_t *o, gm_arena *arena, gm_facts *f, gm_run_field *field, int *n)
{
	int points;
	json_int_t channels, height, width, numel, classes, count, rate = 0;
	bool ok = o &&
	          !json_unpack(o, "{s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:F, s:F, s?I}", "points",
	                       &points, "channels", &channels, "height", &height, "width", &width,
	                       "numel", &numel, "classes", &classes, "count", &count, "low",
	                       &f->low, "high", &f->high, "rate", &rate) &&
	          fields_from_json(json_object_get(o, "fields"), field, n) &&
	          names_from_json(json_object_get(o, "class_names"), arena, f, classes);
	if (!ok || rate < 0 || rate > INT32_MAX || classes < 0 || classes > INT32_MAX ||
	    count < 0 || !(f->low <= f->high))
		return false;
	*f = (gm_facts){.points = points,
	                .channels = channels,
	                .height = height,
	                .width = width,
	                .numel = numel,
	                .rate = rate,
	                .classes = classes,
	                .count = count,
	                .low = f->low,
	                .high = f->high,
	                .own_height = height,
	                .own_width = width,
	                .class_names = f->class_names};
	if (f->points && rate == 0)
		return channels == 0 && height == 0 && width == 0 && numel >= 1 && numel <= 4096;
	if (rate)
		return !f->points && channels == 1 && height == 1 && width >= 1 &&
		       width <= 1 << 20 && numel == width;
	return channels >= 1 && channels <= 4096 && height >= 1 && height <= 4096 && width >= 1 &&
	       width <= 4096 && numel == channels * height * width && numel <= 1 << 26;
}

/* The values of the schedules at this step, as JSON. The caller frees it. */
char *gm_record_schedules(const gm_run *r)
{
	json_t *o = json_object();
	for (int i = 0; i < r->values; i++)
		if (r->value[i].schedule)
			json_object_set_new(o, r->value[i].name, json_real(r->value[i].value));
	char *text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	return text;
}

void gm_checkpoint_schedule(const gm_run *r, const char *name, double *value)
{
	json_t *o = json_meta(r, "schedules");
	json_t *v = json_object_get(o, name);
	if (json_is_number(v) && isfinite(json_number_value(v)))
		*value = json_number_value(v);
	json_decref(o);
}

static bool counter(const meta *m, const char *key, uint64_t *v)
{
	return gm_text_u64(get(m, key), v);
}

static bool read_record(const meta *st, const char *path, gm_record *rec, gm_error *err)
{
	const char *format = get(st, "format"), *version = get(st, "version");
	const char *model = get(st, "model"), *hash = get(st, "data");
	uint64_t step;
	*rec = (gm_record){0};
	if (!format || strcmp(format, "ganymede-run"))
		return gm_fail(err, GM_ERR_FORMAT,
		               "%s: a safetensors file, but not a checkpoint of ganymede", path);
	uint64_t of = 0;
	if (!gm_text_u64(version, &of) || of < 1 || of > GM_RECORD_VERSION)
		return gm_fail(err, GM_ERR_FORMAT,
		               "%s: it has format version %.20s, written by a newer ganymede; this "
		               "program reads up to version %d",
		               path, version ? version : "unknown", GM_RECORD_VERSION);
	rec->model = model ? gm_model_find(model) : NULL;
	if (!rec->model)
		return gm_fail(err, GM_ERR_FORMAT,
		               "%s: its model is \"%.60s\", which this program does not have", path,
		               model ? model : "");
	gm_settings_init(&rec->settings, rec->model);
	gm_error inner = {0};
	if (!gm_settings_from_json(&rec->settings, (int)of, get(st, "options"), &inner) ||
	    !gm_settings_check(&rec->settings, &inner)) {
		gm_record_free(rec);
		return gm_fail(err, GM_ERR_FORMAT, "%s: %.300s", path, inner.message);
	}
	json_t *facts = json_loads(get(st, "facts") ? get(st, "facts") : "", 0, NULL);
	bool sense =
		facts_from_json(facts, rec->settings.arena, &rec->facts, rec->field, &rec->fields);
	json_decref(facts);
	if (!sense) {
		gm_record_free(rec);
		return gm_fail(err, GM_ERR_FORMAT, "%s: its description of the data is invalid",
		               path);
	}
	if (!counter(st, "step", &step) || step > INT64_MAX || !counter(st, "seen", &rec->seen) ||
	    !counter(st, "runs", &rec->runs)) {
		gm_record_free(rec);
		return gm_fail(err, GM_ERR_FORMAT,
		               "%s: its counters (step, seen, runs) are missing or not numbers",
		               path);
	}
	if (get(st, "rollbacks") && !counter(st, "rollbacks", &rec->rollbacks)) {
		gm_record_free(rec);
		return gm_fail(err, GM_ERR_FORMAT, "%s: its number of rollbacks is invalid", path);
	}
	rec->best = NAN;
	if (get(st, "best") && !gm_text_f64(get(st, "best"), &rec->best)) {
		gm_record_free(rec);
		return gm_fail(err, GM_ERR_FORMAT, "%s: its best value is not a number", path);
	}
	rec->step = (int64_t)step;
	if (get(st, "origin"))
		rec->origin = gm_arena_strdup(rec->settings.arena, get(st, "origin"));
	rec->data_hash = hash ? strtoull(hash, NULL, 16) : 0;
	return true;
}

bool gm_record_read(const gm_st *st, const char *path, gm_record *rec, gm_error *err)
{
	return read_record(&(meta){.st = st}, path, rec, err);
}

bool gm_record_inside(const gm_st_pair *pair, int pairs, const char *path, gm_record *rec,
                      gm_error *err)
{
	return read_record(&(meta){.pair = pair, .pairs = pairs}, path, rec, err);
}

void gm_record_free(gm_record *rec)
{
	if (rec->settings.arena)
		gm_settings_free(&rec->settings);
}

bool gm_record_stream(gm_stream *s, gm_arena *arena)
{
	json_t *all = json_meta(s->run, "streams");
	json_t *o = json_object_get(all, s->name);
	const char *seen, *hash;
	json_t *facts;
	bool ok =
		o &&
		!json_unpack(o, "{s:s, s:s, s:o}", "seen", &seen, "data", &hash, "facts", &facts) &&
		gm_text_u64(seen, &s->seen);
	if (ok && arena) {
		s->field = gm_arena_calloc(arena, GM_RUN_FIELDS, sizeof *s->field);
		s->hash = strtoull(hash, NULL, 16);
		ok = facts_from_json(facts, arena, &s->facts, s->field, &s->fields);
	}
	json_decref(all);
	return ok;
}
