/* SPDX-License-Identifier: MIT
 *
 * run/stream.c -- further streams of examples: a small labelled subset, or a second data set.
 */
#include "run/stream.h"

#include <stdlib.h>
#include <string.h>

#include "base/machine.h"

/* Opens another set or another split, with the size of the run's images. */
static gm_dataset *open_other(gm_run *r, const gm_stream_args *a)
{
	const gm_facts *f = &r->facts;
	const char *spec = a->data ? gm_settings_get(r->settings, a->data) : "";
	gm_data_options o = {.seed = r->seed, .again = true};
	if (!gm_settings_data(r->settings, true, &o, &r->err))
		return NULL;
	if (*spec || a->split)
		o.from = o.to = 0, o.per_class = 0;
	if (a->split)
		o.split = a->split;
	if (a->per_class)
		o.per_class = (int)a->per_class;
	if (!f->points && f->height == f->width && f->height <= GM_SIZE_MAX)
		o.size = (int)f->height, o.channels = (int)f->channels;
	return gm_data_open(*spec ? spec : gm_settings_get(r->settings, "data"), &o, &r->err);
}

static void open_data(gm_stream *s, const gm_stream_args *a)
{
	gm_run *r = s->run;
	if (a->data || a->split)
		s->data = open_other(r, a);
	else
		s->data = gm_data_few(r->data, (int)a->per_class,
		                      gm_settings_u64(r->settings, "subset-seed"), &r->err);
	if (!s->data)
		return;
	const gm_data_info *d = gm_data_info_of(s->data);
	s->facts = gm_facts_of(d);
	if (r->from && s->hash != d->hash)
		gm_run_fail(r, GM_ERR_VALUE,
		            "%.100s was trained on other data than %.150s contains now (stream %s)",
		            r->from_path, d->name, s->name);
	s->hash = d->hash;
	s->fields = 0;
	const gm_field *f;
	for (int i = 0; (f = gm_data_field_at(s->data, i)) && s->fields < GM_RUN_FIELDS; i++)
		gm_field_of_data(&s->field[s->fields++], f);
}

gm_stream *gm_stream_open_(gm_run *r, const char *name, gm_stream_args a)
{
	gm_stream *s = gm_arena_calloc(r->arena, 1, sizeof *s);
	s->run = r, s->name = gm_name(r, "%s", name);
	s->rows = a.rows ? a.rows : r->batch;
	s->once = a.once;
	s->seed = gm_hash(r->seed, name, strlen(name));
	s->field = gm_arena_calloc(r->arena, GM_RUN_FIELDS, sizeof *s->field);
	if (r->streams == GM_RUN_STREAMS) {
		gm_run_fail(r, GM_ERR_STATE, "%s has more than %d streams of data", r->model->name,
		            GM_RUN_STREAMS);
		return s;
	}
	r->stream[r->streams++] = s;
	if (r->from && !gm_record_stream(s, r->arena))
		gm_run_fail(r, GM_ERR_FORMAT,
		            "%s: its description of the data stream \"%s\" is missing or invalid",
		            r->from_path, s->name);
	if (!r->building && r->data && gm_run_ok(r))
		open_data(s, &a);
	return s;
}

const gm_facts *gm_stream_facts(const gm_stream *s)
{
	return &s->facts;
}

/* Adapts the shape if a tool uses another image size than in training. */
static void follow_size(const gm_run *r, gm_shape *s)
{
	const gm_facts *f = &r->facts;
	if (r->building && s->rank >= 2 && s->dim[s->rank - 2] == f->own_height &&
	    s->dim[s->rank - 1] == f->own_width)
		s->dim[s->rank - 2] = f->height, s->dim[s->rank - 1] = f->width;
}

gm_node *gm_stream_batch(gm_stream *s, const char *field)
{
	gm_run *r = s->run;
	gm_run_field *f = NULL;
	if (!strcmp(field, "example") || !strcmp(field, "point"))
		field = "image";
	for (int i = 0; i < s->fields; i++)
		if (!strcmp(s->field[i].name, field))
			f = &s->field[i];
	if (f && f->node)
		return f->node;
	if (!f || f->shape.rank + 1 > GM_MAX_RANK) {
		gm_run_fail(
			r, GM_ERR_VALUE,
			"%s needs the field \"%.60s\" of its data stream \"%s\", which has none",
			r->model->name, field, s->name);
		return gm_full(r->graph, 0, GM_SHAPE(s->rows, 1));
	}
	follow_size(r, &f->shape);
	return gm_run_field_input(r, f, gm_name(r, "%s/%s", s->name, field), s->rows);
}

static bool feed(gm_stream *s)
{
	gm_run *r = s->run;
	if (s->once && s->seen)
		return true;
	const uint64_t first = s->seen + (uint64_t)(r->rank * s->rows);
	for (int i = 0; i < s->fields; i++) {
		gm_run_field *f = &s->field[i];
		if (f->node && !gm_run_field_feed(r, f, s->data, s->seed, first, s->rows))
			return false;
	}
	s->seen += (uint64_t)(s->rows * r->ranks);
	return true;
}

gm_stream *gm_stream_of(const gm_run *r, const gm_node *in)
{
	for (int k = 0; k < r->streams; k++)
		for (int i = 0; i < r->stream[k]->fields; i++)
			if (r->stream[k]->field[i].node == in)
				return r->stream[k];
	return NULL;
}

bool gm_streams_feed(gm_run *r)
{
	for (int i = 0; i < r->streams; i++)
		if (!feed(r->stream[i]))
			return false;
	return true;
}

bool gm_streams_rewind(gm_run *r)
{
	for (int i = 0; i < r->streams; i++)
		if (!gm_record_stream(r->stream[i], NULL))
			return gm_fail(&r->err, GM_ERR_FORMAT,
			               "%s: the position of its data stream \"%s\" is missing",
			               r->from_path, r->stream[i]->name);
	return true;
}

void gm_streams_free(gm_run *r)
{
	for (int i = 0; i < r->streams; i++) {
		gm_stream *s = r->stream[i];
		for (int k = 0; k < s->fields; k++)
			free(s->field[k].data);
		gm_data_close(s->data);
	}
}
