/* SPDX-License-Identifier: MIT
 *
 * run/feed.c -- the inputs of a model, and filling them with minibatches.
 */
#include "run/captions.h"
#include "run/stream.h"

#include <stdlib.h>
#include <string.h>

#include "base/machine.h"

/* The example and its label have separate inputs in gm_run; all others are fields. */
static bool is_own(const char *name)
{
	return !strcmp(name, "image") || !strcmp(name, "label");
}

gm_facts gm_facts_of(const gm_data_info *d)
{
	gm_facts f = {.points = d->rank == 1,
	              .numel = d->numel,
	              .rate = d->kind == GM_KIND_SOUND ? d->rate : 0,
	              .classes = d->classes,
	              .count = d->count,
	              .low = d->low,
	              .high = d->high,
	              .paired = d->paired,
	              .class_names = d->class_names};
	if (d->rank == 3) {
		f.channels = d->shape[0];
		f.height = f.own_height = d->shape[1];
		f.width = f.own_width = d->shape[2];
	}
	return f;
}

const char *gm_facts_word(const gm_facts *f)
{
	return f->points ? "points" : f->rate ? "sounds" : "images";
}

void gm_field_of_data(gm_run_field *to, const gm_field *f)
{
	*to = (gm_run_field){
		.shape.rank = f->rank, .whole = f->type != GM_FIELD_FLOAT, .classes = f->classes};
	snprintf(to->name, sizeof to->name, "%s", f->name);
	memcpy(to->shape.dim, f->shape, f->rank * sizeof *f->shape);
}

void gm_feed_fields(gm_run *r)
{
	const gm_field *f;
	for (int i = 0; (f = gm_data_field_at(r->data, i)) && r->fields < GM_RUN_FIELDS; i++)
		if (!is_own(f->name))
			gm_field_of_data(&r->field[r->fields++], f);
}

gm_run_field *gm_feed_find(gm_run *r, const char *name)
{
	for (int i = 0; i < r->fields; i++)
		if (!strcmp(r->field[i].name, name))
			return &r->field[i];
	return NULL;
}

int64_t gm_run_field_numel(const gm_run_field *f)
{
	int64_t n = 1;
	for (int i = 0; i < f->shape.rank; i++)
		n *= f->shape.dim[i];
	return n;
}

gm_node *gm_run_field_input(gm_run *r, gm_run_field *f, const char *name, int64_t rows)
{
	gm_shape s = {.rank = f->shape.rank + 1, .dim = {rows}};
	memcpy(s.dim + 1, f->shape.dim, f->shape.rank * sizeof *s.dim);
	f->data = calloc(rows * gm_run_field_numel(f), sizeof(float));
	if (!f->data)
		gm_run_fail(r, GM_ERR_MEMORY, "no memory for a batch");
	return f->node = gm_input(r->graph, name, s, f->whole ? GM_I32 : GM_F32);
}

bool gm_run_field_feed(gm_run *r, gm_run_field *f, gm_dataset *d, uint64_t seed, uint64_t first,
                       int64_t rows)
{
	if (!gm_data_read(d, gm_data_field(d, f->name), seed, first, rows, f->data, &r->err))
		return false;
	if (f->whole)
		gm_set_i32(f->node, f->data, rows * gm_run_field_numel(f));
	else
		gm_set_f32(f->node, f->data, rows * gm_run_field_numel(f));
	return true;
}

/* writes "a, b, mask" for a message */
static void say_fields(const gm_run *r, char *text, size_t room)
{
	size_t n = snprintf(text, room, "%s", r->facts.points ? "point" : "image");
	if (r->facts.classes && n < room)
		n += snprintf(text + n, room - n, ", label");
	for (int i = 0; i < r->fields && n < room; i++)
		n += snprintf(text + n, room - n, ", %s", r->field[i].name);
}

/* Each example must have a caption. */
static void want_captions(gm_run *r)
{
	uint64_t first = 0;
	const uint64_t none = r->data ? gm_data_uncaptioned(r->data, &first) : 0;
	const char *name = none ? gm_data_example_name(r->data, first) : NULL;
	if (none)
		gm_run_fail(r, GM_ERR_VALUE,
		            "%s needs a caption for each picture, but %llu of %s have none; the "
		            "first is %.200s: write one into a .txt file of its name (UTF-8) or a "
		            "table, or move these pictures away",
		            r->model->name, (unsigned long long)none,
		            gm_settings_get(r->settings, "data"), name ? name : "");
}

int64_t gm_batch_classes(gm_run *r, const char *field)
{
	const gm_run_field *f = gm_feed_find(r, field);
	if (!strcmp(field, "label"))
		return r->facts.classes;
	return f && f->whole ? f->classes : 0;
}

static gm_node *field_input(gm_run *r, const char *name)
{
	gm_run_field *f = gm_feed_find(r, name);
	char all[300];
	if (!f || f->shape.rank + 1 > GM_MAX_RANK) {
		say_fields(r, all, sizeof all);
		if (!strcmp(name, "index") && r->data && !r->facts.count)
			gm_run_fail(
				r, GM_ERR_VALUE,
				"%s needs a finite set, and %s has no end: --per-class N takes N "
				"examples of each class",
				r->model->name, gm_settings_get(r->settings, "data"));
		gm_run_fail(r, GM_ERR_VALUE,
		            "%s needs the field \"%.60s\" of its data, but %s has %s%s",
		            r->model->name, name, gm_settings_get(r->settings, "data"), all,
		            !strcmp(name, "video")  ? "; of files, --frames N makes videos"
		            : !strcmp(name, "maps") ? "; of files, --frames N --maps FOLDERS makes "
		                                      "sequences of label maps"
		                                    : "");
		return gm_full(r->graph, 0, GM_SHAPE(r->batch, 1));
	}
	if (!strcmp(name, "caption") && !f->node) {
		want_captions(r);
		gm_captions_keep(r, f);
	}
	return f->node ? f->node : gm_run_field_input(r, f, f->name, r->batch);
}

/* Reports missing labels; integer columns are candidates for --label-column. */
static void no_labels(gm_run *r)
{
	char columns[300] = "";
	size_t n = 0;
	for (int i = 0; i < r->fields && n < sizeof columns; i++)
		if (r->field[i].whole && r->field[i].shape.rank == 0 &&
		    strcmp(r->field[i].name, "index"))
			n += (size_t)snprintf(columns + n, sizeof columns - n, "%s%s",
			                      n ? ", " : "", r->field[i].name);
	gm_run_fail(r, GM_ERR_VALUE, "%s needs labels, but %s has none%s%s%s", r->model->name,
	            gm_settings_get(r->settings, "data"), n ? "; columns: " : "", columns,
	            n ? " (--label-column NAME selects one as the label)" : "");
}

gm_node *gm_batch(gm_run *r, const char *field)
{
	const gm_facts *f = &r->facts;
	bool label = !strcmp(field, "label"), image = !strcmp(field, "image"),
	     point = !strcmp(field, "point");
	if (!label && !image && !point && strcmp(field, "example"))
		return field_input(r, field);
	if ((image && f->points) || (point && !f->points))
		gm_run_fail(r, GM_ERR_VALUE, "%s is trained on %s, but %s has %s", r->model->name,
		            image ? "pictures" : "points", gm_settings_get(r->settings, "data"),
		            image ? "points" : "pictures");
	if (image && r->data && gm_data_info_of(r->data)->kind == GM_KIND_SOUND)
		gm_run_fail(r, GM_ERR_VALUE, "%s is trained on pictures, but %s has sounds",
		            r->model->name, gm_settings_get(r->settings, "data"));
	if (label && !f->classes)
		no_labels(r);
	if (label) {
		if (!r->label)
			r->label = gm_input(r->graph, "label", GM_SHAPE(r->batch), GM_I32);
		return r->label;
	}
	if (!r->example) {
		gm_shape s = f->points ? GM_SHAPE(r->batch, f->numel)
		                       : GM_SHAPE(r->batch, f->channels, f->height, f->width);
		r->example = gm_input(r->graph, "example", s, GM_F32);
	}
	return r->example;
}

/* Rank k reads the k-th part of each minibatch. */
static uint64_t first_row(const gm_run *r)
{
	return r->seen + (uint64_t)(r->rank * r->batch);
}

bool gm_feed_rows(gm_run *r, uint64_t first)
{
	int64_t m = r->batch;
	if (!gm_data_batch(r->data, r->seed, first, m, r->example_data, r->label_data, &r->err))
		return false;
	if (r->example)
		gm_set_f32(r->example, r->example_data, m * r->facts.numel);
	if (r->label)
		gm_set_i32(r->label, r->label_data, m);
	for (int i = 0; i < r->fields; i++)
		if (r->field[i].node &&
		    !gm_run_field_feed(r, &r->field[i], r->data, r->seed, first, r->batch))
			return false;
	return true;
}

void gm_feed(gm_run *r)
{
	if (r->building || r->err.code)
		return;
	double began = gm_seconds();
	if (!gm_feed_rows(r, first_row(r)) || !gm_streams_feed(r))
		return;
	r->feed_seconds += gm_seconds() - began;
	r->seen += gm_run_whole_batch(r);
}

void gm_want_pairs(gm_run *r)
{
	if (!r->building && r->data && !r->facts.paired)
		gm_run_fail(r, GM_ERR_VALUE,
		            "%s needs pairs, but %s has none: use pictures with the same names in "
		            "trainA and trainB, or side by side (--pairs halves); see ganymede "
		            "data info",
		            r->model->name, gm_settings_get(r->settings, "data"));
}
