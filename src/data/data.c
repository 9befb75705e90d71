/* SPDX-License-Identifier: MIT
 *
 * data.c -- the public interface of data sets. See ganymede/data.h. */
#include "ganymede/data.h"

#include "base/arena.h"
#include "base/file.h"
#include "base/machine.h"
#include "base/text.h"
#include "data/captions.h"
#include "data/fetch.h"
#include "data/set.h"

#include <stdio.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const gm_source *const sources[] = {
	&gm_source_glyphs,      &gm_source_shapes, &gm_source_captioned, &gm_source_captioned2,
	&gm_source_edges,       &gm_source_labels, &gm_source_domains,   &gm_source_film,
	&gm_source_small,       &gm_source_ring8,  &gm_source_grid25,    &gm_source_swissroll,
	&gm_source_circles,     &gm_source_tones,  &gm_source_acrobot,   &gm_source_cartpole,
	&gm_source_mountaincar, &gm_source_fork,   &gm_source_crossing,
};
#define SOURCES ((int)(sizeof sources / sizeof *sources))

#define FLOATS_WORTH_THREADS 8192

const char *gm_data_names(int i, const char **about)
{
	if (i < 0 || i >= SOURCES)
		return NULL;
	if (about)
		*about = sources[i]->about;
	return sources[i]->name;
}

/* Labels must be in the model's range: a larger label would index beyond its embedding. */
static bool check_classes(const gm_dataset *d, const gm_data_options *o, gm_error *err)
{
	const int have = d->info.classes, want = o->classes;
	if (want == 0 || want == have)
		return true;
	if (have == 0)
		return gm_fail(err, GM_ERR_VALUE,
		               "%s: %d classes requested, but the set has no labels", d->name,
		               want);
	if (have > want)
		return gm_fail(err, GM_ERR_VALUE,
		               "%s: label %d is outside the %d requested classes (0 to %d)",
		               d->name, have - 1, want, want - 1);
	return gm_fail(err, GM_ERR_VALUE,
	               "%s: %d classes requested, but the labels are only 0 to %d", d->name, want,
	               have - 1);
}

static uint64_t hash_text(uint64_t h, const char *s)
{
	return gm_hash(h, s, strlen(s));
}

static bool open_source(gm_dataset *d, const gm_source *s, const gm_data_options *o, gm_error *err)
{
	gm_data_info *info = &d->info;
	d->source = s;
	info->about = s->about;
	info->classes = s->classes, info->class_names = s->class_names;
	info->factors = s->factors, info->factor_names = s->factor_names;
	info->rank = s->rank, info->kind = s->rank == 3 ? GM_KIND_IMAGES : GM_KIND_POINTS;
	info->format = "drawn", info->augment = "none";
	info->paired = !s->unpaired;
	if (o->flip || o->crop)
		return gm_fail(
			err, GM_ERR_VALUE,
			"%s: is a generated set, whose ground truth would be wrong after a %s",
			s->name, o->flip ? "flip" : "crop");
	if (o->stack || o->patches || o->moving)
		return gm_fail(err, GM_ERR_VALUE,
		               "%s: is a generated set; option %s is for pictures from files",
		               s->name,
		               o->stack    ? "stack"
		               : o->moving ? "moving"
		                           : "patches");
	if (s->rate && (o->size || o->channels))
		return gm_fail(err, GM_ERR_VALUE,
		               "%s: sounds have no size and no channels; option sound-length is "
		               "their number of samples",
		               s->name);
	if (o->sound_length && !s->rate)
		return gm_fail(err, GM_ERR_VALUE,
		               "%s: has no sounds, which option sound-length is for", s->name);
	if (o->frames > 1 || o->maps || o->sample_rate)
		return gm_fail(err, GM_ERR_VALUE, "%s: is a generated set; option %s is for files",
		               s->name,
		               o->maps         ? "maps"
		               : o->frames > 1 ? "frames"
		                               : "sample-rate");
	if (o->from || o->to)
		return gm_fail(err, GM_ERR_VALUE,
		               "%s: is an endless generated set; option range is for finite sets",
		               s->name);
	if (s->rate) {
		info->kind = GM_KIND_SOUND, info->rate = s->rate;
		info->shape[0] = info->shape[1] = 1;
		info->shape[2] = o->sound_length ? o->sound_length : s->size;
		info->low = -1, info->high = 1;
		info->resize = "none";
	} else if (s->rank == 3) {
		const int size = o->size ? o->size : s->size;
		info->shape[0] = o->channels ? o->channels : s->channels;
		info->shape[1] = info->shape[2] = size;
		info->low = -1, info->high = 1;
		info->resize = "generated at size";
	} else {
		if (o->size || o->channels)
			return gm_fail(err, GM_ERR_VALUE, "%s: points have no size and no channels",
			               s->name);
		info->shape[0] = s->numbers ? s->numbers : 2;
		info->low = -s->extent, info->high = s->extent;
		info->resize = "none";
	}
	if (!s->combinations && o->split && strcmp(o->split, "val") == 0)
		return gm_fail(err, GM_ERR_VALUE,
		               "%s: is a generated set with two splits: train and test", s->name);
	d->split = !o->split                   ? GM_SPLIT_TRAIN
	           : !strcmp(o->split, "test") ? GM_SPLIT_TEST
	           : !strcmp(o->split, "val")  ? GM_SPLIT_VAL
	                                       : GM_SPLIT_TRAIN;
	d->salt = hash_text(d->split, s->name);
	info->hash = gm_hash(d->salt, &s->version, sizeof s->version);
	return true;
}

static void find_extent(const gm_pictures *p, float *low, float *high)
{
	*low = *high = p->point[0];
	for (uint64_t i = 1; i < p->count * (uint64_t)p->width; i++) {
		*low = p->point[i] < *low ? p->point[i] : *low;
		*high = p->point[i] > *high ? p->point[i] : *high;
	}
}

/* Restricts a set of files to the requested range. */
static bool narrow(gm_dataset *d, const gm_data_options *o, gm_error *err)
{
	gm_data_info *info = &d->info;
	const uint64_t to = o->to ? o->to : info->count, range[2] = {o->from, to};
	if (!o->from && !o->to)
		return true;
	if (d->pictures.slot_a && !d->pictures.pairs)
		return gm_fail(err, GM_ERR_VALUE,
		               "%s: two domains of different sizes have no common range", d->name);
	if (to > info->count || o->from >= to)
		return gm_fail(err, GM_ERR_VALUE,
		               "%s: option range: %llu:%llu is not within its %llu examples",
		               d->name, (unsigned long long)o->from, (unsigned long long)to,
		               (unsigned long long)info->count);
	d->from = o->from;
	info->count = to - o->from;
	info->hash = gm_hash(info->hash, range, sizeof range);
	return true;
}

static bool open_pictures(gm_dataset *d, const char *path, const gm_data_options *o, gm_error *err)
{
	gm_data_info *info = &d->info;
	gm_pictures *p = &d->pictures;
	const gm_data_options *all = o;
	gm_data_options still = *o;
	if (o->moving) /* its option frames is not about the files */
		still.frames = 0, o = &still;
	if (!gm_pictures_open(p, path, o, err) || !gm_pictures_fit(p, o, err) ||
	    !gm_augment_init(&d->augment, o, p->fit.to_height, p->fit.to_width, p->threads, err))
		return false;
	if (o->patches && !p->album.each)
		return gm_fail(err, GM_ERR_VALUE,
		               "%s: option patches is for folders and archives of pictures", path);
	if (o->frames > 1 && !p->clip)
		return gm_fail(err, GM_ERR_VALUE,
		               "%s: option frames: sequences are folders of images, animations, or "
		               "arrays N,T,H,W,C",
		               path);
	if ((o->sample_rate || o->sound_length) && !p->sound)
		return gm_fail(
			err, GM_ERR_VALUE,
			"%s: has %s, not sounds, which options sample-rate and sound-length are "
			"for",
			path, p->point ? "points" : "pictures");
	if (o->maps && !p->map)
		return gm_fail(err, GM_ERR_VALUE,
		               "%s: option maps: label maps are images in folders or archives",
		               path);
	info->about = p->about, info->format = p->format;
	info->count = p->count;
	info->low = -1, info->high = 1;
	if (p->point) {
		info->rank = 1;
		info->kind = p->is_table ? GM_KIND_TABLE : GM_KIND_POINTS;
		info->shape[0] = p->width;
		find_extent(p, &info->low, &info->high);
	} else if (p->sound) {
		info->rank = 3, info->kind = GM_KIND_SOUND, info->rate = p->rate;
		info->shape[0] = info->shape[1] = 1, info->shape[2] = p->width;
	} else {
		info->rank = 3;
		info->shape[0] = p->fit.to_channels, info->shape[1] = p->fit.to_height,
		info->shape[2] = p->fit.to_width;
	}
	info->classes = p->labels, info->class_names = p->class_names;
	info->resize = p->how, info->augment = d->augment.text;
	info->paired = p->pairs;
	info->bad = p->album.bads + p->bad_sounds, info->other = p->album.others,
	info->cached = p->album.cached;
	info->left = p->left;
	info->hash = gm_pictures_hash(p);
	if (d->augment.flip || d->augment.crop)
		info->hash = hash_text(info->hash, d->augment.text);
	return narrow(d, o, err) && (!o->stack || gm_stack_init(d, err)) &&
	       (!o->moving || gm_moving_init(d, all, err));
}

/* Neither an embedded set nor a path: probably a typing error. */
static bool unknown(const char *spec, gm_error *err)
{
	const char *names[SOURCES];
	for (int i = 0; i < SOURCES; i++)
		names[i] = sources[i]->name;
	const char *near = gm_text_nearest(spec, names, SOURCES);
	if (near)
		return gm_fail(err, GM_ERR_VALUE,
		               "no data set or file is called \"%s\"; did you mean %s?", spec,
		               near);
	return gm_fail(err, GM_ERR_IO,
	               "no data set or file is called \"%s\" (`ganymede data list` lists the sets)",
	               spec);
}

/* Not in the small library (libganymede). */
#pragma weak gm_fetch_find
#pragma weak gm_fetch_is_weights

/* True if name is a downloadable set; *path is its path, or "" if not downloaded. */
static bool is_fetched(const char *name, char *path)
{
	return gm_fetch_find && gm_fetch_find(name, path);
}

static bool open_spec(gm_dataset *d, const char *spec, const gm_data_options *o, gm_error *err)
{
	static const char set[] = "set:";
	if (!gm_options_check(o, err))
		return false;
	const gm_source *source = NULL;
	char fetched[PATH_MAX];
	const bool by_name = strncmp(spec, set, sizeof set - 1) == 0;
	spec += by_name ? sizeof set - 1 : 0;
	for (int i = 0; i < SOURCES; i++)
		if (strcmp(spec, sources[i]->name) == 0)
			source = sources[i];
	const bool known = source || (is_fetched(spec, fetched) && fetched[0]);
	/* Ambiguous, and training on the wrong one would be a waste. */
	if (known && !by_name && !o->again && gm_file_exists(spec))
		return gm_fail(err, GM_ERR_VALUE,
		               "%s is the name of a data set and of a %s here: use ./%s for the "
		               "%s, set:%s for the set",
		               spec, gm_file_is_folder(spec) ? "folder" : "file", spec,
		               gm_file_is_folder(spec) ? "folder" : "file", spec);
	if (source) {
		if (!open_source(d, source, o, err))
			return false;
	} else if ((by_name || !gm_file_exists(spec)) && is_fetched(spec, fetched)) {
		if (gm_fetch_is_weights(spec))
			return gm_fail(err, GM_ERR_VALUE,
			               "%s is network weights for metrics, not a data set", spec);
		if (!fetched[0])
			return gm_fail(err, GM_ERR_IO,
			               "%s is not downloaded yet: ganymede data fetch %s", spec,
			               spec);
		if (!open_pictures(d, fetched, o, err))
			return false;
	} else {
		/* Only a plain word can be a misspelt name; for a path the system's error is
		 * given. */
		if (by_name || (!strchr(spec, '/') && !strchr(spec, '.') && !gm_file_exists(spec)))
			return unknown(spec, err);
		if (!open_pictures(d, spec, o, err))
			return false;
	}
	gm_data_info *info = &d->info;
	info->numel = 1;
	for (int i = 0; i < info->rank; i++)
		info->numel *= info->shape[i];
	info->hash = gm_hash(info->hash, info->shape, sizeof info->shape);
	/* of sets that are generated the text that version 0.1 had: runs compare this hash for ever
	 */
	info->hash = hash_text(info->hash, source && info->kind == GM_KIND_IMAGES ? "drawn at size"
	                                                                          : info->resize);
	d->seed = o->seed;
	d->caption_length = o->caption_length ? o->caption_length : GM_CAPTION_LENGTH;
	/* Not part of the hash, which is of the data read; option binarise cannot be changed when a
	 * run is resumed. */
	if (!gm_data_binarise(d, o->binarise, err))
		return false;
	if (o->per_class && !gm_few_init(d, o->per_class, o->subset_seed, err))
		return false;
	if (o->reduce && !gm_reduction_init(d, o->reduce, err))
		return false;
	gm_fields_init(d);
	return check_classes(d, o, err);
}

typedef struct opening {
	gm_dataset *d;
	const char *spec;
	const gm_data_options *o;
	gm_error *err;
	bool ok;
} opening;

static void open_it(void *ctx)
{
	opening *w = ctx;
	w->ok = open_spec(w->d, w->spec, w->o, w->err);
}

gm_dataset *gm_data_open(const char *spec, const gm_data_options *o, gm_error *err)
{
	static const gm_data_options as_it_is;
	gm_dataset *d = calloc(1, sizeof *d);
	char *name = strdup(spec);
	if (!d || !name) {
		free(d);
		free(name);
		gm_fail(err, GM_ERR_MEMORY, "out of memory");
		return NULL;
	}
	d->info.name = d->name = name;
	opening w = {d, spec, o ? o : &as_it_is, err, false};
	if (!gm_memory_guard(open_it, &w))
		gm_fail(err, GM_ERR_MEMORY, "%s: out of memory", spec);
	else if (w.ok)
		return d;
	gm_data_close(d);
	return NULL;
}

void gm_data_close(gm_dataset *d)
{
	if (!d)
		return;
	free(d->subset);
	if (!d->shares) {
		gm_pictures_free(&d->pictures);
		gm_augment_free(&d->augment);
		gm_reduction_free(&d->low);
		gm_moving_free(&d->moving);
		free(d->name);
	}
	free(d);
}

const gm_data_info *gm_data_info_of(const gm_dataset *d)
{
	return &d->info;
}

gm_draw gm_set_draw(const gm_dataset *d, uint64_t seed, uint64_t index, float *x)
{
	/* Hash the seed, so that this stream differs from other uses of the same small seed. */
	return (gm_draw){
		.rng = gm_rng_new(gm_hash(d->salt, &seed, sizeof seed), index),
		.size = (int)d->info.shape[2],
		.channels = (int)d->info.shape[0],
		.split = d->split,
		.x = x,
	};
}

uint64_t gm_set_place(const gm_dataset *d, uint64_t *seed, uint64_t index)
{
	if (!d->subset)
		return d->from + index;
	if (d->source)
		*seed = d->seed;
	return d->from + d->subset[index];
}

/* index: in the files of a finite set, or position in the stream of an endless one. */
static void example(const gm_dataset *d, uint64_t seed, uint64_t index, int thread, float *x,
                    int32_t *label)
{
	const gm_pictures *p = &d->pictures;
	if (d->stacked) {
		gm_stack_example(d, seed, index, thread, x, label);
		return;
	}
	if (d->moving.count) {
		if (x)
			gm_moving_read(d, seed, index, 1, thread, x);
		if (label)
			*label = 0;
		return;
	}
	index = gm_set_place(d, &seed, index);
	if (d->source) {
		gm_draw draw = gm_set_draw(d, seed, index, x);
		d->source->draw(&draw);
		if (label)
			*label = draw.label;
		return;
	}
	if (x && p->sound)
		gm_pictures_sound(p, index, 0, x);
	else if (x)
		gm_pictures_get(p, p->slot ? p->slot[index] : index, thread, x);
	if (label)
		*label = p->label ? p->label[index] : 0;
}

uint64_t gm_data_index(const gm_dataset *d, uint64_t seed, uint64_t position)
{
	const uint64_t n = d->info.count;
	return n == 0 ? position : gm_data_permute(seed, position / n, n, position % n);
}

int gm_set_threads(const gm_dataset *d, int64_t n, int64_t numel)
{
	/* Sets of files have scratch memory for the number of threads when they were opened. */
	int threads = gm_thread_count();
	if (!d->source && threads > d->pictures.threads)
		threads = d->pictures.threads;
	return n * numel < FLOATS_WORTH_THREADS ? 1 : threads;
}

/* A recording; of one that is longer than an example a part, which is a function of (seed,
 * position). */
static void read_sound(const gm_dataset *d, uint64_t seed, uint64_t position, uint64_t index,
                       float *x)
{
	const gm_pictures *p = &d->pictures;
	uint64_t of = seed;
	const uint64_t at = gm_set_place(d, &of, index);
	const int64_t left = (int64_t)p->album.entry[p->entry[at]].width - p->width;
	const uint64_t choice =
		gm_hash(gm_hash(d->salt, &seed, sizeof seed), &position, sizeof position);
	gm_pictures_sound(p, at, left > 0 ? (int64_t)(choice % (uint64_t)(left + 1)) : 0, x);
}

void gm_set_read(const gm_dataset *d, uint64_t seed, uint64_t position, int thread, float *x,
                 int32_t *label)
{
	const int64_t *shape = d->info.shape;
	const uint64_t index = gm_data_index(d, seed, position);
	const bool sound = d->pictures.sound != NULL;
	example(d, seed, index, thread, sound ? NULL : x, label);
	if (!x)
		return;
	if (sound) {
		read_sound(d, seed, position, index, x);
		return;
	}
	gm_augment_apply(&d->augment, seed, position, thread, x, (int)shape[0], (int)shape[1],
	                 (int)shape[2]);
	uint64_t of = seed;
	gm_binarise_apply(d->binarise, seed, position, gm_set_place(d, &of, index), x,
	                  d->info.numel);
}

bool gm_data_batch(gm_dataset *d, uint64_t seed, uint64_t position, int64_t n, float *x,
                   int32_t *label, gm_error *err)
{
	if (n < 0)
		return gm_fail(err, GM_ERR_VALUE, "a batch of %lld examples", (long long)n);
	const int64_t numel = d->info.numel;
#pragma omp parallel for num_threads(gm_set_threads(d, n, numel)) schedule(static)
	for (int64_t i = 0; i < n; i++)
		gm_set_read(d, seed, position + (uint64_t)i, gm_thread_index(),
		            x ? x + i * numel : NULL, label ? label + i : NULL);
	return true;
}

bool gm_data_get(gm_dataset *d, uint64_t index, float *x, int32_t *label, gm_error *err)
{
	if (d->info.count > 0 && index >= d->info.count)
		return gm_fail(err, GM_ERR_VALUE, "%s: no example %llu, there are %llu", d->name,
		               (unsigned long long)index, (unsigned long long)d->info.count);
	uint64_t of = d->seed;
	example(d, d->seed, index, 0, x, label);
	if (x && d->binarise != GM_BINARISE_STOCHASTIC)
		gm_binarise_apply(d->binarise, 0, 0, gm_set_place(d, &of, index), x, d->info.numel);
	return true;
}

/* The line that is `which` lines after one chosen by a hash; the first follows the last. */
static void choose_line(const char *text, uint64_t choice, int which, char *out, size_t room)
{
	int lines = 0;
	for (int pass = 0; pass < 2; pass++) {
		int line = 0;
		for (const char *p = text; *p;) {
			size_t n = strcspn(p, "\r\n");
			const char *from = p;
			p += n;
			p += strspn(p, "\r\n");
			while (n && (*from == ' ' || *from == '\t'))
				from++, n--;
			while (n && (from[n - 1] == ' ' || from[n - 1] == '\t'))
				n--;
			if (n == 0)
				continue;
			if (pass == 1 &&
			    (uint64_t)line == (choice % (uint64_t)lines + (uint64_t)which) %
			                              (uint64_t)lines) {
				snprintf(out, room, "%.*s", (int)n, from);
				return;
			}
			line++;
		}
		lines = line;
	}
}

bool gm_data_caption(gm_dataset *d, uint64_t seed, uint64_t position, char *text, size_t room,
                     gm_error *err)
{
	return gm_set_caption(d, seed, position, 0, text, room, err);
}

bool gm_set_caption(gm_dataset *d, uint64_t seed, uint64_t position, int which, char *text,
                    size_t room, gm_error *err)
{
	if (!gm_data_field(d, "caption"))
		return gm_fail(err, GM_ERR_STATE, "%s: its examples have no captions", d->name);
	if (room)
		text[0] = 0;
	uint64_t of = seed;
	const uint64_t i = gm_set_place(d, &of, gm_data_index(d, seed, position));
	if (d->source) {
		gm_draw draw = gm_set_draw(d, of, i, NULL);
		d->source->draw(&draw);
		for (int k = 0; k < 8 * which; k++) /* sentences are drawn from what follows */
			gm_rng_u32(&draw.rng);
		d->source->caption(&draw, text, room);
		return true;
	}
	const char *said = gm_pictures_caption(&d->pictures, i);
	if (said && room)
		choose_line(said, gm_hash(seed, &position, sizeof position), which, text, room);
	return true;
}

uint64_t gm_data_uncaptioned(const gm_dataset *d, uint64_t *first)
{
	uint64_t n = 0;
	for (uint64_t i = 0; d->pictures.captions && i < d->info.count; i++) {
		uint64_t seed = 0;
		if (!gm_pictures_caption(&d->pictures, gm_set_place(d, &seed, i)) && n++ == 0)
			*first = i;
	}
	return n;
}

const char *gm_data_example_name(const gm_dataset *d, uint64_t index)
{
	const gm_pictures *p = &d->pictures;
	if (!p->entry || index >= d->info.count)
		return NULL;
	uint64_t seed = 0;
	return p->album.text + p->album.entry[p->entry[gm_set_place(d, &seed, index)]].name;
}

const char *gm_data_bad(const gm_dataset *d, uint64_t i, const char **reason)
{
	const gm_album *a = &d->pictures.album;
	if (i >= a->bads)
		return NULL;
	if (reason)
		*reason = a->text + a->bad[i].reason;
	return a->text + a->bad[i].name;
}

const char *gm_data_note(const gm_dataset *d, int i)
{
	return i >= 0 && i < d->pictures.notes ? d->pictures.note[i] : NULL;
}

bool gm_data_factors(gm_dataset *d, uint64_t seed, uint64_t position, float *value, gm_error *err)
{
	if (d->info.factors == 0)
		return gm_fail(err, GM_ERR_STATE, "%s: its examples have no ground-truth factors",
		               d->name);
	const uint64_t at = gm_set_place(d, &seed, gm_data_index(d, seed, position));
	gm_draw draw = gm_set_draw(d, seed, at, NULL);
	d->source->draw(&draw);
	memcpy(value, draw.factor, (size_t)d->info.factors * sizeof *value);
	return true;
}
