/* SPDX-License-Identifier: MIT
 *
 * fields.c -- fields of examples: labels, the other half of a pair, masks, captions, frames. See
 * ganymede/data.h. */
#include "data/set.h"

#include "base/machine.h"

#include <string.h>

#define TEXT_ROOM 4096

#define DOMAIN_A 0xA5EED5A1D0Au /* stream of "a" if it is not paired with "b" */

static gm_field *add(gm_dataset *d, const char *name, const char *about, gm_field_type type)
{
	gm_field *f = d->field + d->info.fields;
	*f = (gm_field){
		.name = name, .about = about, .type = type, .numel = 1, .index = d->info.fields};
	d->info.fields++;
	return f;
}

static void shape_of_image(const gm_dataset *d, gm_field *f)
{
	f->rank = d->info.rank;
	memcpy(f->shape, d->info.shape, sizeof d->info.shape);
	f->numel = d->info.numel;
}

static void add_of_source(gm_dataset *d, const gm_source_field *s)
{
	gm_field *f = add(d, s->name, s->about, s->type);
	const int64_t *image = d->info.shape;
	const int shrink = s->shrink ? s->shrink : 1;
	if (s->frames)
		f->shape[f->rank++] = s->frames;
	if (s->type == GM_FIELD_FLOAT)
		f->shape[f->rank++] = image[0];
	f->shape[f->rank++] = image[1] / shrink;
	f->shape[f->rank++] = image[2] / shrink;
	for (int i = 0; i < f->rank; i++)
		f->numel *= f->shape[i];
	f->classes = s->classes, f->class_names = s->class_names;
}

static bool is_taken(const gm_dataset *d, const char *name)
{
	for (int i = 0; i < d->info.fields; i++)
		if (strcmp(d->field[i].name, name) == 0)
			return true;
	return false;
}

/* Fields from tables and names: all flags together, then each column. The label column, and columns
 * beyond the maximum, are not separate fields. */
static void add_numbers(gm_dataset *d)
{
	const gm_pictures *p = &d->pictures;
	if (p->flags && !is_taken(d, "attributes")) {
		gm_field *f = add(d, "attributes", "all binary columns", GM_FIELD_INT);
		f->rank = 1, f->shape[0] = f->numel = p->flags, f->classes = 2;
	}
	for (int i = 0; i < p->numbers && d->info.fields < GM_SET_FIELDS - 1; i++) {
		const gm_number *n = &p->number[i];
		if (is_taken(d, n->name))
			continue;
		gm_field *f = add(d, n->name, "a column of a table or of file names",
		                  n->real ? GM_FIELD_FLOAT : GM_FIELD_INT);
		f->classes = n->classes, f->class_names = n->class_names;
		f->offset = n->offset, f->width = n->width;
	}
}

void gm_fields_init(gm_dataset *d)
{
	const gm_data_info *i = &d->info;
	const gm_pictures *p = &d->pictures;
	d->info.fields = 0;
	shape_of_image(d, add(d, "image",
	                      i->kind == GM_KIND_SOUND    ? "the sound"
	                      : i->kind == GM_KIND_IMAGES ? "the picture"
	                      : i->kind == GM_KIND_TABLE  ? "the row"
	                                                  : "the point",
	                      GM_FIELD_FLOAT));
	if (i->classes) {
		gm_field *f = add(d, "label", "the class", GM_FIELD_INT);
		f->classes = i->classes, f->class_names = i->class_names;
	}
	if (i->count && i->count <= INT32_MAX) {
		gm_field *f = add(d, "index", "index in the set", GM_FIELD_INT);
		f->classes = (int)i->count;
	}
	if (p->slot_a) {
		const bool pairs = p->pairs;
		shape_of_image(d, add(d, "a", pairs ? "input of a translation" : "the first domain",
		                      GM_FIELD_FLOAT));
		shape_of_image(d,
		               add(d, "b", pairs ? "target of a translation" : "the second domain",
		                   GM_FIELD_FLOAT));
	}
	if (d->low.factor) {
		gm_field *f =
			add(d, "low", "the picture, reduced by option reduce", GM_FIELD_FLOAT);
		shape_of_image(d, f);
		f->shape[1] /= d->low.factor, f->shape[2] /= d->low.factor;
		f->numel = f->shape[0] * f->shape[1] * f->shape[2];
	}
	if (d->source && d->source->rate) {
		gm_field *f = add(d, "samples", "length of the sound", GM_FIELD_INT);
		f->classes = (int)i->shape[2] + 1;
	}
	for (int k = 0; d->source && k < d->source->fields; k++)
		if (!is_taken(d, d->source->field[k].name))
			add_of_source(d, d->source->field + k);
	if (p->clip || d->moving.count) {
		gm_field *f = add(d, "video", "consecutive frames", GM_FIELD_FLOAT);
		f->rank = 4, f->shape[0] = p->clip ? p->frames : d->moving.frames;
		memcpy(f->shape + 1, i->shape, 3 * sizeof *f->shape);
		f->numel = f->shape[0] * i->numel;
	}
	if (p->map) {
		gm_field *f = add(d, "map", "class of each pixel", GM_FIELD_INT);
		f->rank = 2, f->shape[0] = i->shape[1], f->shape[1] = i->shape[2];
		f->numel = f->shape[0] * f->shape[1], f->classes = p->map_classes;
	}
	if (p->map && p->clip) {
		gm_field *f = add(d, "maps", "class of each pixel of each frame", GM_FIELD_INT);
		f->rank = 3, f->shape[0] = p->frames;
		f->shape[1] = i->shape[1], f->shape[2] = i->shape[2];
		f->numel = p->frames * i->shape[1] * i->shape[2], f->classes = p->map_classes;
	}
	if (!d->source && !d->stacked && !d->moving.count)
		add_numbers(d);
	if ((d->source && d->source->caption) || p->captions) {
		gm_field *f = add(d, "caption", "caption", GM_FIELD_TEXT);
		f->rank = 1, f->shape[0] = f->numel = d->caption_length, f->classes = 256;
		f = add(d, "captions", "several captions", GM_FIELD_TEXT);
		f->rank = 2, f->shape[0] = GM_DATA_CAPTIONS, f->shape[1] = d->caption_length;
		f->numel = f->shape[0] * f->shape[1], f->classes = 256;
	}
}

const gm_field *gm_data_field_at(const gm_dataset *d, int i)
{
	return i >= 0 && i < d->info.fields ? d->field + i : NULL;
}

const gm_field *gm_data_field(const gm_dataset *d, const char *name)
{
	for (int i = 0; i < d->info.fields; i++)
		if (strcmp(d->field[i].name, name) == 0)
			return d->field + i;
	return NULL;
}

const gm_field *gm_data_target(const gm_dataset *d, const char *name)
{
	if (!name || !strcmp(name, "example"))
		return name ? gm_data_field(d, "image") : NULL;
	if (d->info.paired || (strcmp(name, "a") && strcmp(name, "b")))
		return gm_data_field(d, name);
	return strcmp(name, "b") ? NULL : gm_data_field(d, "truth");
}

static void read_a(const gm_dataset *d, uint64_t seed, uint64_t position, int thread, float *x)
{
	const gm_pictures *p = &d->pictures;
	const int64_t *s = d->info.shape;
	if (!p->pairs)
		seed ^= DOMAIN_A;
	const uint64_t n = p->pairs ? d->info.count : p->count_a;
	uint64_t of = seed;
	const uint64_t i =
		gm_set_place(d, &of, gm_data_permute(seed, position / n, n, position % n));
	gm_pictures_get(p, p->slot_a[i], thread, x);
	gm_augment_apply(&d->augment, seed, position, thread, x, (int)s[0], (int)s[1], (int)s[2]);
}

static void read_video(const gm_dataset *d, uint64_t seed, uint64_t position, int thread, float *x)
{
	const gm_pictures *p = &d->pictures;
	const int64_t *s = d->info.shape;
	uint64_t of = seed;
	if (d->moving.count) {
		gm_moving_read(d, seed, position, d->moving.frames, thread, x);
		for (int t = 0; t < d->moving.frames; t++)
			gm_binarise_apply(d->binarise, seed, position, position,
			                  x + t * d->info.numel, d->info.numel);
		return;
	}
	const uint64_t at = gm_set_place(d, &of, gm_data_index(d, seed, position));
	for (int t = 0; t < p->frames; t++, x += d->info.numel) {
		gm_pictures_get(p, p->clip[at * (uint64_t)p->frames + (uint64_t)t], thread, x);
		gm_augment_apply(&d->augment, seed, position, thread, x, (int)s[0], (int)s[1],
		                 (int)s[2]);
		gm_binarise_apply(d->binarise, seed, position, at, x, d->info.numel);
	}
}

/* The maps of the first `frames` frames. Classes as floats, so that they are flipped and shifted as
 * their image is; then as integers in their place. */
static void read_maps(const gm_dataset *d, int64_t frames, uint64_t seed, uint64_t position,
                      int thread, float *x)
{
	const gm_pictures *p = &d->pictures;
	const int64_t *s = d->info.shape, plane = s[1] * s[2];
	uint64_t of = seed;
	const uint64_t at = gm_set_place(d, &of, gm_data_index(d, seed, position)),
		       *maps = p->map_at ? p->map_at + at * (uint64_t)p->frames : &at;
	for (int64_t t = 0; t < frames; t++, x += plane) {
		void *out = x;
		const uint8_t *map = p->map + maps[t] * (uint64_t)plane;
		for (int64_t i = 0; i < plane; i++)
			x[i] = map[i];
		gm_augment_apply(&d->augment, seed, position, thread, x, 1, (int)s[1], (int)s[2]);
		for (int64_t i = 0; i < plane; i++) {
			const int32_t class = (int32_t)x[i];
			memcpy((char *)out + i * (int64_t)sizeof class, &class, sizeof class);
		}
	}
}

/* A part of a generated example, by the index of its field in the source. */
static void read_part(const gm_dataset *d, int part, uint64_t seed, uint64_t position,
                      const gm_field *f, int64_t i, void *out)
{
	const uint64_t at = gm_set_place(d, &seed, gm_data_index(d, seed, position));
	gm_draw draw = gm_set_draw(d, seed, at, NULL);
	draw.part = part + 1;
	if (f->type == GM_FIELD_INT)
		draw.map = (int32_t *)out + i * f->numel;
	else
		draw.x = (float *)out + i * f->numel;
	d->source->draw(&draw);
}

/* Attributes of examples from files; integers and floats have the same size. */
static void read_numbers(const gm_dataset *d, const gm_field *f, uint64_t seed, uint64_t position,
                         int64_t n, void *to)
{
	const gm_pictures *p = &d->pictures;
	const int32_t *from = p->vector;
	int32_t *out = to;
	for (int i = 0; f->rank == 0 && i < p->numbers; i++)
		if (strcmp(p->number[i].name, f->name) == 0)
			from = p->number[i].real ? (const void *)p->number[i].real
			                         : p->number[i].value;
	for (int64_t i = 0; i < n; i++) {
		uint64_t of = seed;
		const uint64_t at =
			gm_set_place(d, &of, gm_data_index(d, seed, position + (uint64_t)i));
		memcpy(out + i * f->numel, from + at * (uint64_t)f->numel,
		       (size_t)f->numel * sizeof *out);
	}
}

/* Characters, padded with zeros, of one caption or of several. */
static bool read_text(gm_dataset *d, const gm_field *f, uint64_t seed, uint64_t position, int64_t n,
                      int32_t *out, gm_error *err)
{
	char text[TEXT_ROOM];
	const int64_t each = f->numel / d->caption_length;
	for (int64_t i = 0; i < n * each; i++) {
		int32_t *to = out + i * d->caption_length;
		if (!gm_set_caption(d, seed, position + (uint64_t)(i / each), (int)(i % each), text,
		                    sizeof text, err))
			return false;
		const int64_t length = (int64_t)strlen(text);
		for (int64_t k = 0; k < d->caption_length; k++)
			to[k] = k < length ? (unsigned char)text[k] : 0;
	}
	return true;
}

bool gm_data_read(gm_dataset *d, const gm_field *f, uint64_t seed, uint64_t position, int64_t n,
                  void *out, gm_error *err)
{
	if (n < 0)
		return gm_fail(err, GM_ERR_VALUE, "a batch of %lld examples", (long long)n);
	if (f->type == GM_FIELD_TEXT)
		return read_text(d, f, seed, position, n, out, err);
	if (strcmp(f->name, "index") == 0) {
		for (int64_t i = 0; i < n; i++)
			((int32_t *)out)[i] =
				(int32_t)gm_data_index(d, seed, position + (uint64_t)i);
		return true;
	}
	if (strcmp(f->name, "label") == 0)
		return gm_data_batch(d, seed, position, n, NULL, out, err);
	if (d->source && d->source->rate && strcmp(f->name, "samples") == 0) {
		for (int64_t i = 0; i < n; i++)
			((int32_t *)out)[i] = (int32_t)d->info.shape[2];
		return true;
	}
	if (d->low.factor && strcmp(f->name, "low") == 0) {
		gm_reduction_read(d, seed, position, n, out);
		return true;
	}
	const bool of_source = d->source && strcmp(f->name, "image") != 0;
	const bool video = !of_source && f->rank == 4,
		   map = !of_source && f->type == GM_FIELD_INT && f->rank >= 2;
	const bool attribute = !d->source && !map && (f->type == GM_FIELD_INT || f->rank == 0);
	if (!of_source && !attribute && !video && !map && strcmp(f->name, "a") != 0)
		return gm_data_batch(d, seed, position, n, out, NULL, err);
	if (attribute) {
		read_numbers(d, f, seed, position, n, out);
		return true;
	}
	int part = 0;
	while (of_source && strcmp(d->source->field[part].name, f->name) != 0)
		part++;
#pragma omp parallel for num_threads(gm_set_threads(d, n, f->numel)) schedule(static)
	for (int64_t i = 0; i < n; i++) {
		if (of_source)
			read_part(d, part, seed, position + (uint64_t)i, f, i, out);
		else if (video)
			read_video(d, seed, position + (uint64_t)i, gm_thread_index(),
			           (float *)out + i * f->numel);
		else if (map)
			read_maps(d, f->rank == 3 ? f->shape[0] : 1, seed, position + (uint64_t)i,
			          gm_thread_index(), (float *)out + i * f->numel);
		else
			read_a(d, seed, position + (uint64_t)i, gm_thread_index(),
			       (float *)out + i * f->numel);
	}
	return true;
}
