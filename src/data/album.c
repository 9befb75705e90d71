/* SPDX-License-Identifier: MIT
 *
 * album.c -- decoding a folder or archive of pictures, or finding that done already. One thread
 * reads the files of the next chunk while all decode this one; places are fixed before that, so the
 * result does not depend on threads. See album.h. */
#include "data/album.h"

#include "base/machine.h"
#include "base/progress.h"
#include "base/text.h"
#include "base/cache.h"
#include "data/fit.h"
#include "data/tree.h"
#include "ganymede/image.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define VERSION 1 /* raised when the same files begin to give other pixels */
#define CHUNK 512 /* files */
#define CHUNK_BYTES ((size_t)64 << 20)
#define FILE_MAX ((size_t)256 << 20)
#define CAPTION_MAX ((size_t)64 << 10)

typedef struct text {
	char *p;
	size_t n, room;
} text;

/* One file on its way in. */
typedef struct item {
	char *name;
	uint8_t *bytes;
	size_t n;
	gm_image_facts facts;
	int width, height, channels; /* of the picture, upright */
	uint64_t hash;
	gm_error err;
} item;

typedef struct chunk {
	item item[CHUNK];
	int items;
	bool last;
	uint64_t from, to; /* where in the tree: see gm_tree_place */
} chunk;

typedef struct caption {
	char *stem, *line;
} caption;

/* What one thread keeps from picture to picture: most have the size of the one before. */
typedef struct worker {
	gm_fitter fitter;
	float *scratch, *x;
	size_t room;
} worker;

typedef struct builder {
	gm_album a;
	const gm_data_options *o;
	gm_tree *tree;
	const char *path;
	gm_error *err;
	text text;
	gm_album_entry *entry;
	gm_album_bad *bad;
	caption *caption;
	size_t entry_room, bad_room, captions, caption_room;
	size_t slot;     /* bytes of one picture */
	int halves;      /* slots for each file */
	uint8_t *memory; /* all pixels, where they are kept in memory */
	size_t memory_room;
	gm_writer *writer; /* else they go here */
	uint8_t *staged;   /* [CHUNK * halves] pictures */
	worker *workers;
	int threads;
	bool met_colour;      /* in an album that was begun as grey */
	bool write_failed;    /* the cache's disk is full */
	int first_w, first_h; /* the size that all must have, where none is asked for */
	bool resized;
	char first[160]; /* the file that decided it */
	chunk *now, *next;
	uint64_t total; /* of the tree, in its unit, for progress */
	const char *unit;
} builder;

static bool no_memory(builder *b)
{
	return gm_fail(b->err, GM_ERR_MEMORY, "%s: out of memory", b->path);
}

static bool grow(void *list, size_t *room, size_t used, size_t each)
{
	void **p = list;
	if (used < *room)
		return true;
	const size_t more = *room ? *room * 2 : 256;
	void *q = realloc(*p, more * each);
	if (!q)
		return false;
	*p = q, *room = more;
	return true;
}

static bool put_text(builder *b, const char *s, uint64_t *at)
{
	const size_t n = strlen(s) + 1;
	while (b->text.room - b->text.n < n) {
		const size_t room = b->text.room ? b->text.room * 2 : 4096;
		char *p = realloc(b->text.p, room);
		if (!p)
			return no_memory(b);
		b->text.p = p, b->text.room = room;
	}
	memcpy(b->text.p + b->text.n, s, n);
	*at = b->text.n;
	b->text.n += n;
	return true;
}

static const char *ending(const char *name)
{
	const char *dot = strrchr(name, '.'), *slash = strrchr(name, '/');
	return dot && (!slash || dot > slash) ? dot : name + strlen(name);
}

static bool is_picture(const char *name)
{
	static const char *const ends[] = {".png", ".jpg", ".jpeg", ".jpe", ".webp"};
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		if (strcasecmp(ending(name), ends[i]) == 0)
			return true;
	return false;
}

/* ---- reading ---- */

static bool read_caption(builder *b, const char *name)
{
	uint8_t *bytes;
	size_t n;
	gm_error why = {0};
	/* Text that is too long or not text belongs to no picture: it is some other file. */
	if (!gm_tree_read(b->tree, CAPTION_MAX, &bytes, &n, &why)) {
		b->a.other++;
		return true;
	}
	if (!gm_text_is_utf8((const char *)bytes, n) || memchr(bytes, 0, n)) {
		free(bytes);
		b->a.other++;
		return true;
	}
	caption c = {gm_text_copy(name, (size_t)(ending(name) - name)), gm_text_copy(bytes, n)};
	free(bytes);
	if (!c.stem || !c.line ||
	    !grow(&b->caption, &b->caption_room, b->captions, sizeof *b->caption)) {
		free(c.stem), free(c.line);
		return no_memory(b);
	}
	b->caption[b->captions++] = c;
	return true;
}

static bool tell(const builder *b, uint64_t done, gm_error *err)
{
	return gm_progress_tell("decoding pictures", done, b->total, b->unit, err);
}

static bool read_chunk(builder *b, chunk *c)
{
	size_t bytes = 0;
	uint64_t total;
	gm_tree_file f;
	c->items = 0;
	gm_tree_place(b->tree, &c->from, &total);
	while (c->items < CHUNK && bytes < CHUNK_BYTES) {
		/* The first chunk is waited for; of the others the decoding thread tells. */
		gm_tree_place(b->tree, &c->to, &total);
		if (c == b->now && !tell(b, c->to, b->err))
			return false;
		if (!gm_tree_next(b->tree, &f, b->err)) {
			c->last = true;
			break;
		}
		if (strcasecmp(ending(f.name), ".txt") == 0) {
			if (!read_caption(b, f.name))
				return false;
			continue;
		}
		if (!is_picture(f.name)) {
			b->a.other++;
			continue;
		}
		item *it = c->item + c->items++;
		*it = (item){.name = strdup(f.name)};
		if (!it->name)
			return no_memory(b);
		gm_tree_read(b->tree, FILE_MAX, &it->bytes, &it->n, &it->err);
		bytes += it->n;
	}
	gm_tree_place(b->tree, &c->to, &total);
	return b->err->code == GM_OK;
}

static void empty(chunk *c)
{
	for (int i = 0; i < c->items; i++)
		free(c->item[i].name), free(c->item[i].bytes);
	c->items = 0;
}

/* ---- decoding ---- */

static bool prepare(worker *w, const builder *b, int channels, int height, int width, gm_error *err)
{
	if (w->x && w->fitter.channels == channels && w->fitter.height == height &&
	    w->fitter.width == width)
		return true;
	gm_data_options o = *b->o;
	o.channels = b->a.channels;
	gm_fitter_free(&w->fitter);
	if (!gm_fitter_init(&w->fitter, channels, height, width, &o, err))
		return false;
	const size_t need = gm_fitter_scratch(&w->fitter);
	if (need > w->room) {
		free(w->scratch);
		w->scratch = malloc(need * sizeof *w->scratch);
		w->room = w->scratch ? need : 0;
	}
	if (!w->x)
		w->x = malloc(b->slot * sizeof *w->x);
	return (w->scratch && w->x) || gm_fail(err, GM_ERR_MEMORY, "out of memory");
}

static void to_bytes(const float *x, uint8_t *to, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = (uint8_t)lrintf((x[i] + 1) * 127.5f);
}

static bool same_size(const builder *b, const item *it, gm_error *err)
{
	if (b->o->size || (it->width == b->first_w && it->height == b->first_h))
		return true;
	return gm_fail(err, GM_ERR_SHAPE,
	               "%s: pictures of different sizes (%s has %d x %d pixels, %s %d x %d): say "
	               "which one they shall have (size)",
	               b->path, b->first, b->first_w, b->first_h, it->name, it->width, it->height);
}

static gm_image *decode(item *it)
{
	gm_image *im = gm_image_read_memory(it->name, it->bytes, it->n, &it->facts, &it->err);
	if (im)
		it->width = im->width, it->height = im->height, it->channels = im->channels;
	return im;
}

/* One picture into its place. What is wrong stays in it->err; GM_ERR_SHAPE ends it all. */
static void decode_into(const builder *b, worker *w, item *it, uint8_t *to)
{
	if (it->err.code)
		return;
	gm_image *im = decode(it);
	if (im && b->halves == 2 && (im->width & 1))
		gm_fail(&it->err, GM_ERR_FORMAT, "%s: %d pixels wide, which has no two halves",
		        it->name, im->width);
	if (!im || it->err.code || !same_size(b, it, &it->err)) {
		gm_image_free(im);
		return;
	}
	const size_t step = (size_t)im->channels, row = step * (size_t)im->width;
	const int width = im->width / b->halves;
	if (prepare(w, b, im->channels, im->height, width, &it->err))
		for (int half = 0; half < b->halves; half++) {
			gm_fitter_run(&w->fitter, im->pixel + (size_t)half * (size_t)width * step,
			              1, row, step, w->scratch, w->x);
			to_bytes(w->x, to + (size_t)half * b->slot, b->slot);
		}
	it->hash = gm_hash(0, to, b->slot * (size_t)b->halves);
	gm_image_free(im);
}

/* ---- keeping ---- */

static bool keep_pixels(builder *b, const uint8_t *p, size_t n)
{
	if (b->writer) {
		b->write_failed = !gm_writer_put(b->writer, p, n, b->err);
		return !b->write_failed;
	}
	const size_t used = (size_t)b->a.slots * b->slot;
	if (b->memory_room - used < n) {
		size_t room = b->memory_room ? b->memory_room : (size_t)1 << 20;
		while (room - used < n)
			room *= 2;
		uint8_t *more = room <= gm_machine_memory() ? realloc(b->memory, room) : NULL;
		if (!more)
			return gm_fail(
				b->err, GM_ERR_MEMORY,
				"%s: the decoded pictures do not fit this machine's memory, and "
				"there is no cache folder to keep them in",
				b->path);
		b->memory = more, b->memory_room = room;
	}
	memcpy(b->memory + used, p, n);
	return true;
}

static bool keep_bad(builder *b, const item *it)
{
	gm_album_bad bad;
	/* The name stands beside the reason already. */
	const size_t n = strlen(it->name);
	const char *why = it->err.message;
	if (strncmp(why, it->name, n) == 0 && strncmp(why + n, ": ", 2) == 0)
		why += n + 2;
	if (!grow(&b->bad, &b->bad_room, b->a.bads, sizeof *b->bad))
		return no_memory(b);
	if (!put_text(b, it->name, &bad.name) || !put_text(b, why, &bad.reason))
		return false;
	b->bad[b->a.bads++] = bad;
	return true;
}

static bool keep_item(builder *b, const item *it, const uint8_t *pixels)
{
	if (it->err.code == GM_ERR_SHAPE || it->err.code == GM_ERR_MEMORY)
		return gm_fail(b->err, it->err.code, "%s", it->err.message);
	if (it->err.code && b->o->bad_files == GM_BAD_STOP)
		return gm_fail(b->err, it->err.code, "%s: %s", b->path, it->err.message);
	if (it->err.code)
		return keep_bad(b, it);
	if (it->channels == 3 && b->a.channels == 1 && !b->o->channels) {
		b->met_colour = true;
		return false;
	}
	gm_album_entry e = {
		.slot = b->a.slots, .hash = it->hash, .width = it->width, .height = it->height};
	const int stored = it->facts.channels;
	const bool png = it->facts.format[0] == 'P', webp = it->facts.format[0] == 'W';
	e.facts = (it->channels == 3 ? ALBUM_COLOUR : 0) | (it->facts.bits > 8 ? ALBUM_DEEP : 0) |
	          (it->facts.orientation > 1 ? ALBUM_TURNED : 0) |
	          ((stored == 2 || (stored == 4 && (png || webp))) ? ALBUM_ALPHA : 0);
	if (it->width != b->a.width * b->halves || it->height != b->a.height)
		b->resized = true;
	if (!grow(&b->entry, &b->entry_room, b->a.entries, sizeof *b->entry))
		return no_memory(b);
	if (!put_text(b, it->name, &e.name) || !keep_pixels(b, pixels, b->slot * (size_t)b->halves))
		return false;
	b->entry[b->a.entries++] = e;
	b->a.slots += (uint64_t)b->halves;
	return true;
}

/* The first picture that can be decoded says what all are like: its size, and whether there is
 * colour. */
static bool begin(builder *b, chunk *c, int channels)
{
	gm_image *im = NULL;
	for (int i = 0; i < c->items && !im; i++) {
		item copy = c->item[i];
		im = copy.err.code ? NULL : decode(&copy);
		snprintf(b->first, sizeof b->first, "%s", copy.name);
	}
	if (!im) /* a chunk of bad files only: the size does not matter yet */
		return true;
	b->first_w = im->width, b->first_h = im->height;
	b->a.channels = channels ? channels : im->channels;
	b->a.height = b->o->size ? b->o->size : im->height;
	b->a.width = b->o->size ? b->o->size : im->width / b->halves;
	gm_image_free(im);
	if (b->a.width < 1)
		return gm_fail(b->err, GM_ERR_FORMAT, "%s: %s is one pixel wide", b->path,
		               b->first);
	b->slot = (size_t)b->a.channels * (size_t)b->a.height * (size_t)b->a.width;
	b->staged = malloc(b->slot * (size_t)(CHUNK * b->halves));
	return b->staged || no_memory(b);
}

static bool decode_all(builder *b, int channels)
{
	uint64_t at;
	b->unit = gm_tree_place(b->tree, &at, &b->total);
	bool ok = read_chunk(b, b->now);
	while (ok && (b->now->items || !b->now->last)) {
		if (!b->staged && !begin(b, b->now, channels))
			return false;
		bool read_ok = true, stopped = false;
		gm_error stop = {0};
		b->next->items = 0;
		b->next->last = b->now->last;
#pragma omp parallel num_threads(b->threads)
		{
#pragma omp single nowait
			if (!b->now->last)
				read_ok = read_chunk(b, b->next);
			worker *w = b->workers + gm_thread_index();
#pragma omp for schedule(dynamic, 8)
			for (int i = 0; i < b->now->items; i++) {
				item *it = b->now->item + i;
				if (stopped)
					continue;
				const uint64_t done = (b->now->to - b->now->from) * (uint64_t)i /
				                      (uint64_t)b->now->items;
				if (!tell(b, b->now->from + done, &stop)) {
#pragma omp atomic write
					stopped = true;
				} else if (b->staged)
					decode_into(b, w, it,
					            b->staged + (size_t)(i * b->halves) * b->slot);
				else if (!it->err.code) /* a chunk of bad files only: why? */
					gm_image_free(decode(it));
			}
		}
		if (stopped)
			ok = gm_fail(b->err, stop.code, "%s: %s", b->path, stop.message);
		for (int i = 0; ok && i < b->now->items; i++)
			ok = keep_item(b, b->now->item + i,
			               b->staged ? b->staged + (size_t)(i * b->halves) * b->slot
			                         : NULL);
		ok = ok && read_ok;
		empty(b->now);
		chunk *swap = b->now;
		b->now = b->next, b->next = swap;
	}
	return ok;
}

/* ---- the whole ---- */

static _Thread_local const char *sort_text;

static int by_entry_name(const void *x, const void *y)
{
	const gm_album_entry *a = x, *b = y;
	const int order = strcmp(sort_text + a->name, sort_text + b->name);
	return order ? order : a->slot < b->slot ? -1 : a->slot > b->slot;
}

static int by_bad_name(const void *x, const void *y)
{
	const gm_album_bad *a = x, *b = y;
	return strcmp(sort_text + a->name, sort_text + b->name);
}

static int by_stem(const void *x, const void *y)
{
	return strcmp(((const caption *)x)->stem, ((const caption *)y)->stem);
}

/* Names in order; of two with the same name the later in the archive holds, as when unpacking. Each
 * caption to its picture. */
static bool finish(builder *b)
{
	sort_text = b->text.p;
	if (b->a.entries)
		qsort(b->entry, b->a.entries, sizeof *b->entry, by_entry_name);
	if (b->a.bads)
		qsort(b->bad, b->a.bads, sizeof *b->bad, by_bad_name);
	if (b->captions)
		qsort(b->caption, b->captions, sizeof *b->caption, by_stem);
	uint64_t n = 0;
	for (uint64_t i = 0; i < b->a.entries; i++) {
		const bool again =
			i + 1 < b->a.entries &&
			strcmp(b->text.p + b->entry[i].name, b->text.p + b->entry[i + 1].name) == 0;
		if (!again)
			b->entry[n++] = b->entry[i];
	}
	b->a.entries = n;
	uint64_t used = 0;
	for (uint64_t i = 0; i < n && b->captions; i++) {
		const char *name = b->text.p + b->entry[i].name;
		char *stem = gm_text_copy(name, (size_t)(ending(name) - name));
		if (!stem)
			return no_memory(b);
		const caption key = {.stem = stem};
		const caption *c =
			bsearch(&key, b->caption, b->captions, sizeof *b->caption, by_stem);
		free(stem);
		if (c && !put_text(b, c->line, &b->entry[i].caption))
			return false;
		used += c != NULL;
	}
	b->a.other += used < b->captions ? b->captions - used : 0;
	const gm_filter filter = b->o->filter;
	static const char *const fits[] = {"", "", ", padded", ", centre"};
	if (!b->resized)
		snprintf(b->a.how, sizeof b->a.how, "none");
	else
		snprintf(b->a.how, sizeof b->a.how, "%s%s", gm_resize_name(filter),
		         fits[b->o->fit]);
	b->a.entry = b->entry, b->a.bad = b->bad;
	b->a.text = b->text.p, b->a.text_size = b->text.n;
	return true;
}

static void free_worker(worker *w)
{
	gm_fitter_free(&w->fitter);
	free(w->scratch), free(w->x);
}

static void release(builder *b)
{
	for (size_t i = 0; i < b->captions; i++)
		free(b->caption[i].stem), free(b->caption[i].line);
	for (int i = 0; b->workers && i < b->threads; i++)
		free_worker(b->workers + i);
	if (b->now)
		empty(b->now);
	if (b->next)
		empty(b->next);
	free(b->workers), free(b->caption), free(b->now), free(b->next), free(b->staged);
	gm_tree_close(b->tree);
}

/* How a try to build ended. */
typedef enum outcome { BUILT, FAILED, MET_COLOUR, NO_ROOM } outcome;

/* Everything once, with so many channels (0: the first picture's), into the file called cache (NULL:
 * into memory). */
static outcome build(gm_album *a, const char *path, const gm_data_options *o, int channels,
                     uint64_t key, const char *cache, gm_error *err)
{
	uint64_t zero;
	builder b = {.o = o, .path = path, .err = err, .halves = o->halves ? 2 : 1};
	b.threads = gm_thread_count();
	b.workers = calloc((size_t)b.threads, sizeof *b.workers);
	b.now = calloc(1, sizeof *b.now), b.next = calloc(1, sizeof *b.next);
	b.a.halves = b.halves;
	bool ok = (b.workers && b.now && b.next) || no_memory(&b);
	ok = ok && (b.tree = gm_tree_open(path, err)) && put_text(&b, "", &zero);
	if (ok && cache)
		b.writer = gm_writer_open(cache, NULL);
	ok = ok && decode_all(&b, channels) && finish(&b);
	gm_progress_end();
	release(&b);
	if (b.writer) {
		const bool good = ok;
		ok = ok && gm_album_write(&b.a, key, b.writer, err);
		ok = gm_writer_close(b.writer, ok, err) && ok;
		b.write_failed |= good && !ok;
	}
	*a = b.a;
	a->pixel = b.memory;
	a->heap[0] = b.memory, a->heap[1] = b.entry, a->heap[2] = b.bad, a->heap[3] = b.text.p;
	if (!ok)
		gm_album_close(a);
	return ok ? BUILT : b.met_colour ? MET_COLOUR : b.write_failed ? NO_ROOM : FAILED;
}

static uint64_t key_of(uint64_t identity, const gm_data_options *o)
{
	const int32_t settings[] = {VERSION,          o->size,        o->channels,
	                            (int)o->fit,      (int)o->filter, (int)o->bad_files,
	                            o->halves ? 2 : 1};
	return gm_hash(identity, settings, sizeof settings);
}

static bool from_cache(gm_album *a, const char *cache, uint64_t key)
{
	gm_bytes map;
	if (!gm_file_open(cache, &map, NULL))
		return false;
	if (gm_album_parse(a, &map, key, NULL))
		return true;
	gm_file_close(&map);
	return false;
}

bool gm_album_open(gm_album *a, const char *path, const gm_data_options *o, gm_error *err)
{
	char name[32], place[PATH_MAX], *cache = NULL;
	*a = (gm_album){0};
	gm_tree *t = gm_tree_open(path, err);
	if (!t)
		return false;
	const uint64_t key = key_of(gm_tree_identity(t), o);
	gm_tree_close(t);
	snprintf(name, sizeof name, "%016llx.album", (unsigned long long)key);
	if (!o->no_cache && gm_cache_path("albums", name, place))
		cache = place;
	if (cache && from_cache(a, cache, key))
		return true;

	int channels = o->channels;
	for (;;) {
		gm_error why = {0};
		const outcome end = build(a, path, o, channels, key, cache, &why);
		if (end == MET_COLOUR) {
			channels = 3;
		} else if (end == NO_ROOM) {
			cache = NULL;
		} else if (end == FAILED) {
			return gm_fail_at(err, why.offset, why.code, "%s", why.message);
		} else if (a->pixel || a->entries == 0) {
			return true; /* in memory */
		} else {
			/* From the file that was just written; where that cannot be, from memory. */
			gm_album_close(a);
			if (from_cache(a, cache, key)) {
				a->cached = false;
				return true;
			}
			cache = NULL;
		}
	}
}

void gm_album_close(gm_album *a)
{
	for (int i = 0; i < 4; i++)
		free(a->heap[i]);
	gm_file_close(&a->map);
	*a = (gm_album){0};
}
