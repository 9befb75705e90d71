/* SPDX-License-Identifier: MIT
 *
 * album.c -- decodes a folder or archive of images, or opens the cached result. One thread reads
 * the files of the next chunk while all decode this one; output positions are fixed before, so the
 * result does not depend on threads. Memory is bounded, whatever the size of the images. See
 * album.h. */
#include "data/album.h"
#include "data/captions.h"

#include "base/cache.h"
#include "base/content.h"
#include "base/machine.h"
#include "base/progress.h"
#include "base/text.h"
#include "data/fit.h"
#include "data/maps.h"
#include "data/tree.h"
#include "ganymede/image.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define VERSION 3 /* to be incremented when the result for the same files changes */
#define CHUNK 512 /* files */
#define FILMS 16  /* files decoded at the same time where each may be an animation */
#define CHUNK_BYTES ((size_t)64 << 20)
#define STAGED_BYTES ((size_t)128 << 20) /* decoded images waiting to be written; at least one */
/* limit for all decoders together; a single one may exceed it */
#define DECODE_BYTES ((size_t)384 << 20)
#define FILE_MAX ((size_t)512 << 20)
#define CAPTION_MAX ((size_t)64 << 10)
#define TABLE_MAX ((size_t)256 << 20)

typedef struct text {
	char *p;
	size_t n, room;
} text;

/* A file being decoded. */
typedef struct item {
	char *name;
	uint8_t *bytes;
	size_t n;
	gm_image_facts facts;
	int width, height, channels; /* of the upright image */
	uint64_t hash;
	uint32_t order;
	/* with option frames, an animation: `frames` images, which become the images of a folder */
	uint8_t *film; /* owned */
	int frames;
	gm_error err;
} item;

typedef struct chunk {
	item item[CHUNK];
	int items;
	bool last;
	uint64_t from, to; /* position in the tree: see gm_tree_place */
} chunk;

/* Per-thread state, reused because most images have the size of the previous one. */
typedef struct worker {
	gm_fitter fitter;
	bool ready, nearest; /* nearest: for label maps */
	float *scratch;
	size_t room;
} worker;

/* A semaphore that limits the bytes of decoded images. */
typedef struct gate {
	pthread_mutex_t lock;
	pthread_cond_t freed;
	size_t used;
} gate;

typedef struct builder {
	gm_album a;
	const gm_data_options *o;
	gm_tree *tree;
	const char *path;
	gm_error *err;
	text text;
	gm_album_entry *entry;
	gm_album_left *bad, *other;
	gm_album_table *table;
	gm_caption_file *caption;
	size_t entry_room, bad_room, other_room, table_room, captions, caption_room;
	uint32_t files;
	size_t slot;     /* bytes of one picture */
	int each;        /* slots for each file: 2 halves, or its patches; else 1 */
	uint8_t *memory; /* all pixels, if kept in memory */
	size_t memory_room;
	gm_writer *writer; /* else written here */
	uint8_t *staged;   /* [stage * each] pictures */
	int stage;         /* files decoded at the same time */
	worker *workers;
	int threads;
	gate gate;
	bool met_colour;      /* a colour image in an album started as grey */
	bool met_sizes;       /* different sizes, and no size was requested */
	bool write_failed;    /* the cache's disk is full */
	int first_w, first_h; /* size of the first image, if no size was requested */
	bool resized;
	char first[160]; /* the file that decided it */
	chunk *now, *next;
	uint64_t total; /* total of the tree, for progress */
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

static bool put_bytes(builder *b, const void *bytes, size_t n, uint64_t *at)
{
	while (b->text.room - b->text.n <= n) {
		const size_t room = b->text.room ? b->text.room * 2 : 4096;
		char *p = realloc(b->text.p, room);
		if (!p)
			return no_memory(b);
		b->text.p = p, b->text.room = room;
	}
	memcpy(b->text.p + b->text.n, bytes, n);
	b->text.p[b->text.n + n] = 0;
	*at = b->text.n;
	b->text.n += n + 1;
	return true;
}

static bool put_text(builder *b, const char *s, uint64_t *at)
{
	return put_bytes(b, s, strlen(s), at);
}

static const char *ending(const char *name)
{
	const char *dot = strrchr(name, '.'), *slash = strrchr(name, '/');
	return dot && (!slash || dot > slash) ? dot : name + strlen(name);
}

static const char *last_part(const char *name)
{
	const char *slash = strrchr(name, '/');
	return slash ? slash + 1 : name;
}

/* ---- reading ---- */

/* name: offset in text. */
static bool keep_other_at(builder *b, uint64_t name, const char *reason, uint64_t order)
{
	gm_album_left l = {.name = name, .order = order};
	if (!grow(&b->other, &b->other_room, b->a.others, sizeof *b->other))
		return no_memory(b);
	if (!put_text(b, reason, &l.reason))
		return false;
	b->other[b->a.others++] = l;
	return true;
}

static bool keep_other(builder *b, const char *name, const char *reason, uint32_t order)
{
	uint64_t at = 0;
	return put_text(b, name, &at) && keep_other_at(b, at, reason, order);
}

/* Files that may be tables of labels; read by data/labels.c. */
static bool is_table(const char *name)
{
	const char *last = last_part(name), *end = ending(name);
	return strcasecmp(end, ".json") == 0 || strcasecmp(end, ".csv") == 0 ||
	       strcasecmp(end, ".tsv") == 0 || strcasecmp(last, "list_attr_celeba.txt") == 0;
}

static bool read_table(builder *b, const char *name, uint32_t order)
{
	uint8_t *bytes;
	size_t n;
	gm_error why = {0};
	gm_album_table t;
	if (!gm_tree_read(b->tree, TABLE_MAX, &bytes, &n, &why))
		return keep_other(b, name, why.message, order);
	if (!grow(&b->table, &b->table_room, b->a.tables, sizeof *b->table)) {
		free(bytes);
		return no_memory(b);
	}
	t.size = n;
	const bool ok = put_text(b, name, &t.name) && put_bytes(b, bytes, n, &t.text);
	free(bytes);
	b->table[b->a.tables] = t;
	b->a.tables += ok;
	return ok;
}

static bool read_caption(builder *b, const char *name, uint32_t order)
{
	uint8_t *bytes;
	size_t n;
	gm_error why = {0};
	/* A file that is too long, or not text, is not a caption but another file. */
	if (!gm_tree_read(b->tree, CAPTION_MAX, &bytes, &n, &why))
		return keep_other(b, name, "text", order);
	if (!gm_text_is_utf8((const char *)bytes, n) || memchr(bytes, 0, n)) {
		free(bytes);
		return keep_other(b, name, "text that is not UTF-8", order);
	}
	/* Skip the byte order mark of Windows editors. */
	const size_t mark = n >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	gm_caption_file c = {strdup(name), gm_text_copy(bytes + mark, n - mark), order};
	free(bytes);
	if (!c.name || !c.line ||
	    !grow(&b->caption, &b->caption_room, b->captions, sizeof *b->caption)) {
		free(c.name), free(c.line);
		return no_memory(b);
	}
	b->caption[b->captions++] = c;
	return true;
}

static bool take_picture(builder *b, chunk *c, const char *name, uint32_t order, size_t *bytes)
{
	item *it = c->item + c->items++;
	*it = (item){.name = strdup(name), .order = order};
	if (!it->name)
		return no_memory(b);
	gm_tree_read(b->tree, FILE_MAX, &it->bytes, &it->n, &it->err);
	*bytes += it->n;
	return true;
}

/* A file is an image by its content, or by its name; then it is listed as a bad file. */
static bool take_file(builder *b, chunk *c, const gm_tree_file *f, size_t *bytes)
{
	uint8_t head[GM_CONTENT_HEAD];
	const uint32_t order = b->files++;
	const bool hidden = f->aside && strcmp(f->aside, "hidden") == 0;
	if (f->aside && !hidden)
		return keep_other(b, f->name, f->aside, order);
	if (f->unnamed && !keep_other(b, f->name, "a name that cannot be read", order))
		return false;
	const size_t n = gm_tree_head(b->tree, head, sizeof head);
	const gm_content is = gm_content_of(head, n);
	const bool picture = is.kind == GM_CONTENT_PICTURE || is.kind == GM_CONTENT_UNREAD;
	const bool words = is.kind == GM_CONTENT_TEXT || is.kind == GM_CONTENT_EMPTY;
	if (hidden)
		return !picture || keep_other(b, f->name, "a hidden picture", order);
	if (picture || gm_content_named_picture(f->name) || (n == 0 && f->size > 0))
		return take_picture(b, c, f->name, order, bytes);
	if (words && is_table(f->name))
		return read_table(b, f->name, order);
	if (words && strcasecmp(ending(f->name), ".txt") == 0)
		return read_caption(b, f->name, order);
	return keep_other(b, f->name, is.name, order);
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
		/* Only the first chunk reports progress here; later ones are read during
		 * decoding. */
		gm_tree_place(b->tree, &c->to, &total);
		if (c == b->now && !tell(b, c->to, b->err))
			return false;
		if (!gm_tree_next_any(b->tree, &f, b->err)) {
			c->last = true;
			break;
		}
		if (!take_file(b, c, &f, &bytes))
			return false;
	}
	gm_tree_place(b->tree, &c->to, &total);
	return b->err->code == GM_OK;
}

static void empty(chunk *c)
{
	for (int i = 0; i < c->items; i++)
		free(c->item[i].name), free(c->item[i].bytes), free(c->item[i].film);
	c->items = 0;
}

/* ---- decoding ---- */

/* Waits until this many bytes are available. A single image is always allowed. */
static void enter(gate *g, size_t bytes)
{
	pthread_mutex_lock(&g->lock);
	while (g->used && g->used + bytes > DECODE_BYTES)
		pthread_cond_wait(&g->freed, &g->lock);
	g->used += bytes;
	pthread_mutex_unlock(&g->lock);
}

static void leave(gate *g, size_t bytes)
{
	pthread_mutex_lock(&g->lock);
	g->used -= bytes;
	pthread_cond_broadcast(&g->freed);
	pthread_mutex_unlock(&g->lock);
}

static bool prepare(worker *w, const builder *b, int channels, int height, int width, bool nearest,
                    gm_error *err)
{
	if (w->ready && w->fitter.channels == channels && w->fitter.height == height &&
	    w->fitter.width == width && w->nearest == nearest)
		return true;
	gm_data_options o = *b->o;
	o.channels = b->a.channels;
	o.filter = nearest ? GM_FILTER_NEAREST : o.filter;
	w->nearest = nearest;
	gm_fitter_free(&w->fitter);
	w->ready = false;
	if (!gm_fitter_init(&w->fitter, channels, height, width, &o, err))
		return false;
	const size_t need = gm_fitter_bytes_scratch(&w->fitter);
	if (need > w->room) {
		free(w->scratch);
		w->scratch = malloc(need * sizeof *w->scratch);
		w->room = w->scratch ? need : 0;
	}
	w->ready = w->scratch != NULL;
	return w->ready || gm_fail(err, GM_ERR_MEMORY, "out of memory");
}

static bool same_size(const builder *b, const item *it, gm_error *err)
{
	if (b->o->size || (it->width == b->first_w && it->height == b->first_h) ||
	    gm_maps_is(b->o->maps, it->name))
		return true;
	return gm_fail(err, GM_ERR_SHAPE,
	               "%s: pictures of different sizes (%s has %d x %d pixels, %s %d x %d), the "
	               "most frequent of which is not a valid size: give --size N",
	               b->path, b->first, b->first_w, b->first_h, it->name, it->width, it->height);
}

static gm_image *decode(item *it)
{
	gm_image *im = gm_image_read_memory(it->name, it->bytes, it->n, &it->facts, &it->err);
	if (im)
		it->width = im->width, it->height = im->height, it->channels = im->channels;
	return im;
}

/* A label map of another size than its image, which keeps its size: the nearest pixel. */
static void fit_map(const builder *b, const gm_image *im, uint8_t *to)
{
	const gm_album *a = &b->a;
	for (int c = 0; c < a->channels; c++)
		for (int y = 0; y < a->height; y++)
			for (int x = 0; x < a->width; x++) {
				const int64_t from_y = (2 * y + 1) * (int64_t)im->height /
				                       (2 * a->height),
					      from_x = (2 * x + 1) * (int64_t)im->width /
				                       (2 * a->width);
				*to++ = im->pixel[(from_y * im->width + from_x) * im->channels +
				                  (im->channels == 3 ? c : 0)];
			}
}

/* Resizes the image to its output position. */
static void fit(const builder *b, worker *w, item *it, uint8_t *to)
{
	gm_image *im = decode(it);
	if (im && b->o->halves && (im->width & 1))
		gm_fail(&it->err, GM_ERR_FORMAT, "%s: %d pixels wide, which cannot be halved",
		        it->name, im->width);
	if (!im || it->err.code || !same_size(b, it, &it->err)) {
		gm_image_free(im);
		return;
	}
	const size_t step = (size_t)im->channels, row = step * (size_t)im->width;
	const bool cut = b->o->patches != 0, map = gm_maps_is(b->o->maps, it->name);
	const int width = cut ? b->o->size : im->width / b->each,
		  height = cut ? b->o->size : im->height;
	gm_rng rng = gm_rng_new(cut ? gm_hash(0, im->pixel, row * (size_t)im->height) : 0, 0);
	if (im->width < width || im->height < height)
		gm_fail(&it->err, GM_ERR_FORMAT, "%s: %d x %d pixels, smaller than patches of %d",
		        it->name, im->width, im->height, width);
	else if (map && !b->o->size)
		fit_map(b, im, to);
	else if (prepare(w, b, im->channels, height, width, map, &it->err))
		for (int i = 0; i < b->each; i++) {
			const size_t x = cut ? gm_rng_below(&rng, im->width - width + 1)
			                     : (size_t)i * (size_t)width,
				     y = cut ? gm_rng_below(&rng, im->height - height + 1) : 0;
			gm_fitter_bytes(&w->fitter, im->pixel + y * row + x * step, 1, row, step,
			                w->scratch, to + (size_t)i * b->slot);
		}
	it->hash = gm_hash(0, to, b->slot * (size_t)b->each);
	gm_image_free(im);
}

/* All frames of an animation, resized, to it->film. */
static void fit_frames(const builder *b, worker *w, item *it)
{
	int n;
	gm_image **frame = gm_image_read_frames(it->name, it->bytes, it->n, &n, &it->err);
	if (!frame)
		return;
	it->width = frame[0]->width, it->height = frame[0]->height;
	it->channels = frame[0]->channels;
	it->film = malloc(b->slot * (size_t)n);
	if (!it->film)
		gm_fail(&it->err, GM_ERR_MEMORY, "%s: out of memory", it->name);
	for (int i = 0; i < n && !it->err.code && same_size(b, it, &it->err); i++) {
		const size_t step = (size_t)frame[i]->channels,
			     row = step * (size_t)frame[i]->width;
		if (prepare(w, b, frame[i]->channels, frame[i]->height, frame[i]->width, false,
		            &it->err))
			gm_fitter_bytes(&w->fitter, frame[i]->pixel, 1, row, step, w->scratch,
			                it->film + (size_t)i * b->slot);
	}
	it->frames = n;
	gm_image_frames_free(frame, n);
}

/* Errors are stored in it->err; GM_ERR_SHAPE ends the decoding. */
static void decode_into(builder *b, worker *w, item *it, uint8_t *to)
{
	if (it->err.code || !gm_image_look(it->name, it->bytes, it->n, &it->facts, &it->err))
		return;
	/* Three bytes a pixel, six more where libjpeg holds all of a progressive file, three to
	 * turn. */
	const size_t bytes = (size_t)it->facts.width * (size_t)it->facts.height *
	                     (size_t)(9 + (it->facts.orientation > 1 ? 3 : 0));
	enter(&b->gate, bytes);
	fit(b, w, it, to);
	if (b->o->frames > 1 && it->facts.several && !it->err.code &&
	    strcmp(it->facts.format, "TIFF") != 0)
		fit_frames(b, w, it);
	leave(&b->gate, bytes);
}

/* ---- keeping ---- */

const char *const gm_album_formats[] = {"PNG", "JPEG", "WebP", "GIF", "TIFF", "BMP", "PNM", NULL};

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
			return gm_fail(b->err, GM_ERR_MEMORY,
			               "%s: the decoded pictures do not fit in memory, and there "
			               "is no writable cache folder",
			               b->path);
		b->memory = more, b->memory_room = room;
	}
	memcpy(b->memory + used, p, n);
	return true;
}

static bool keep_bad(builder *b, const item *it)
{
	gm_album_left bad = {.order = it->order};
	/* the message already contains the name */
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

static bool keep_entry(builder *b, gm_album_entry e, const char *name, const uint8_t *pixels)
{
	if (!grow(&b->entry, &b->entry_room, b->a.entries, sizeof *b->entry))
		return no_memory(b);
	if (!put_text(b, name, &e.name) || !keep_pixels(b, pixels, b->slot * (size_t)b->each))
		return false;
	b->entry[b->a.entries++] = e;
	b->a.slots += (uint64_t)b->each;
	return true;
}

static bool keep_item(builder *b, const item *it, const uint8_t *pixels)
{
	b->met_sizes = it->err.code == GM_ERR_SHAPE;
	if (it->err.code == GM_ERR_SHAPE || it->err.code == GM_ERR_MEMORY)
		return gm_fail(b->err, it->err.code, "%s", it->err.message);
	if (it->err.code && b->o->bad_files == GM_BAD_STOP)
		return gm_fail(b->err, it->err.code, "%s: %s", b->path, it->err.message);
	if (it->err.code)
		return keep_bad(b, it);
	if (it->channels == 3 && b->a.channels == 1 &&
	    (!b->o->channels || gm_maps_is(b->o->maps, it->name))) {
		b->met_colour = true;
		return false;
	}
	gm_album_entry e = {
		.slot = b->a.slots,
		.hash = it->hash,
		.width = it->width,
		.height = it->height,
		.order = it->order,
	};
	int format = 0;
	while (gm_album_formats[format] && strcmp(gm_album_formats[format], it->facts.format) != 0)
		format++;
	e.facts = (it->channels == 3 ? ALBUM_COLOUR : 0) | (it->facts.bits > 8 ? ALBUM_DEEP : 0) |
	          (it->facts.orientation > 1 ? ALBUM_TURNED : 0) |
	          (it->facts.alpha ? ALBUM_ALPHA : 0) | (it->facts.several ? ALBUM_FIRST : 0) |
	          (uint32_t)format << ALBUM_FORMAT;
	if (!b->o->patches && !gm_maps_is(b->o->maps, it->name) &&
	    (it->width != b->a.width * b->each || it->height != b->a.height))
		b->resized = true;
	if (!it->film)
		return keep_entry(b, e, it->name, pixels);
	/* the images of a folder with the name of the file */
	bool ok = true;
	for (int i = 0; ok && i < it->frames; i++) {
		char name[PATH_MAX];
		snprintf(name, sizeof name, "%.*s/%06d", PATH_MAX - 16, it->name, i);
		const uint8_t *film = it->film + (size_t)i * b->slot;
		e.slot = b->a.slots, e.hash = gm_hash(0, film, b->slot);
		e.facts &= ~(uint32_t)ALBUM_FIRST;
		ok = keep_entry(b, e, name, film);
	}
	return ok;
}

/* The first decodable image determines size and channels of the album. */
static bool begin(builder *b, chunk *c, int channels)
{
	gm_image *im = NULL;
	for (int i = 0; i < c->items && !im; i++) {
		item copy = c->item[i];
		/* a map may have another size; the files of a chunk may all be maps */
		if (gm_maps_is(b->o->maps, copy.name))
			continue;
		im = copy.err.code ? NULL : decode(&copy);
		snprintf(b->first, sizeof b->first, "%s", copy.name);
	}
	if (!im) /* a chunk of bad files only: size still unknown */
		return true;
	b->first_w = im->width, b->first_h = im->height;
	b->a.channels = channels ? channels : im->channels;
	b->a.height = b->o->size ? b->o->size : im->height;
	b->a.width = b->o->size ? b->o->size : im->width / b->each;
	gm_image_free(im);
	if (b->a.width < 1)
		return gm_fail(b->err, GM_ERR_FORMAT, "%s: %s is one pixel wide", b->path,
		               b->first);
	b->slot = (size_t)b->a.channels * (size_t)b->a.height * (size_t)b->a.width;
	const size_t room = STAGED_BYTES / (b->slot * (size_t)b->each);
	const size_t most = b->o->frames > 1 ? FILMS : CHUNK;
	b->stage = room < 1 ? 1 : room < most ? (int)room : (int)most;
	b->staged = malloc(b->slot * (size_t)(b->stage * b->each));
	return b->staged || no_memory(b);
}

/* Decodes files from .. to-1 of the chunk and, the first time, has one thread read the next chunk
 * meanwhile. */
static bool decode_some(builder *b, int from, int to, bool *read_ok)
{
	bool stopped = false;
	gm_error stop = {0};
	const bool read = from == 0 && !b->now->last;
#pragma omp parallel num_threads(b->threads)
	{
#pragma omp single nowait
		if (read)
			*read_ok = read_chunk(b, b->next);
		worker *w = b->workers + gm_thread_index();
#pragma omp for schedule(dynamic, 1)
		for (int i = from; i < to; i++) {
			item *it = b->now->item + i;
			const uint64_t done =
				(b->now->to - b->now->from) * (uint64_t)i / (uint64_t)b->now->items;
			bool end;
#pragma omp atomic read
			end = stopped;
			if (end)
				continue;
			if (!tell(b, b->now->from + done, &stop)) {
#pragma omp atomic write
				stopped = true;
			} else if (b->staged) {
				decode_into(b, w, it,
				            b->staged + (size_t)((i - from) * b->each) * b->slot);
			} else if (!it->err.code) { /* a chunk of bad files only: why? */
				gm_image_free(decode(it));
			}
		}
	}
	if (stopped)
		return gm_fail(b->err, stop.code, "%s: %s", b->path, stop.message);
	return true;
}

static bool decode_all(builder *b, int channels)
{
	uint64_t at;
	b->unit = gm_tree_place(b->tree, &at, &b->total);
	bool ok = read_chunk(b, b->now);
	while (ok && (b->now->items || !b->now->last)) {
		if (!b->staged && !begin(b, b->now, channels))
			return false;
		bool read_ok = true;
		b->next->items = 0;
		b->next->last = b->now->last;
		const int stage = b->staged ? b->stage : CHUNK;
		for (int from = 0; ok && (from == 0 || from < b->now->items); from += stage) {
			const int to = from + stage < b->now->items ? from + stage : b->now->items;
			ok = decode_some(b, from, to, &read_ok);
			for (int i = from; ok && i < to; i++)
				ok = keep_item(b, b->now->item + i,
				               b->staged ? b->staged +
				                                   (size_t)((i - from) * b->each) *
				                                           b->slot
				                         : NULL);
		}
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
	return order ? order : a->order < b->order ? -1 : a->order > b->order;
}

static int by_left_name(const void *x, const void *y)
{
	const gm_album_left *a = x, *b = y;
	const int order = strcmp(sort_text + a->name, sort_text + b->name);
	return order ? order : a->order < b->order ? -1 : a->order > b->order;
}

static int by_table_name(const void *x, const void *y)
{
	const gm_album_table *a = x, *b = y;
	const int order = strcmp(sort_text + a->name, sort_text + b->name);
	return order ? order : a->text < b->text ? -1 : a->text > b->text;
}

static bool sort_lists(builder *b)
{
	sort_text = b->text.p;
	if (b->a.entries)
		qsort(b->entry, b->a.entries, sizeof *b->entry, by_entry_name);
	if (b->a.bads)
		qsort(b->bad, b->a.bads, sizeof *b->bad, by_left_name);
	if (b->a.others)
		qsort(b->other, b->a.others, sizeof *b->other, by_left_name);
	if (b->a.tables)
		qsort(b->table, b->a.tables, sizeof *b->table, by_table_name);
	return true;
}

/* Of files with the same name the last one in the archive is used, as when unpacking. */
static bool drop_replaced(builder *b)
{
	static const char replaced[] = "replaced by a later file of the same name";
	uint64_t n = 0, k = 0, bads = 0;
	for (uint64_t i = 0; i < b->a.entries; i++) {
		const gm_album_entry *e = b->entry + i;
		bool again = i + 1 < b->a.entries &&
		             strcmp(b->text.p + e->name, b->text.p + b->entry[i + 1].name) == 0;
		/* Bad files come in the same order. */
		int order = 1;
		while (k < b->a.bads &&
		       (order = strcmp(b->text.p + b->bad[k].name, b->text.p + e->name)) < 0)
			b->bad[bads++] = b->bad[k++];
		if (k < b->a.bads && order == 0) {
			if (b->bad[k].order > e->order)
				again = true;
			else if (!keep_other_at(b, b->bad[k].name, replaced, b->bad[k].order))
				return false;
			else
				k++;
		}
		if (again && !keep_other_at(b, e->name, replaced, e->order))
			return false;
		if (!again)
			b->entry[n++] = *e;
	}
	while (k < b->a.bads)
		b->bad[bads++] = b->bad[k++];
	b->a.entries = n, b->a.bads = bads;
	return true;
}

/* Assigns captions to the images of the same name, beside them or (as in text_c10/CLASS/NAME.txt of
 * Reed et al. 2016, arXiv:1605.05395) in another folder, where it is the name of one image and one
 * caption. A caption without an image is another file. */
static bool give_captions(builder *b)
{
	const size_t n = b->captions;
	const gm_caption_file **sorted = malloc((n + 1) * sizeof *sorted),
			      **found = calloc(b->a.entries + 1, sizeof *found);
	bool *beside = calloc(n + 1, sizeof *beside);
	int *apart = calloc(n + 1, sizeof *apart);
	bool ok = (sorted && found && beside && apart) || no_memory(b);
	if (ok)
		gm_captions_sort(b->caption, n, sorted);
	for (uint64_t i = 0; ok && n && i < b->a.entries; i++) {
		const char *name = b->text.p + b->entry[i].name;
		const gm_caption_file *c = gm_caption_beside(b->caption, n, name);
		if (c)
			beside[c - b->caption] = true;
		else if ((found[i] = gm_caption_apart(sorted, n, name)))
			apart[found[i] - b->caption]++;
		ok = !c || put_text(b, c->line, &b->entry[i].caption);
	}
	for (uint64_t i = 0; ok && i < b->a.entries; i++) {
		const size_t k = found[i] ? (size_t)(found[i] - b->caption) : 0;
		if (found[i] && !beside[k] && apart[k] == 1)
			ok = put_text(b, found[i]->line, &b->entry[i].caption);
	}
	for (size_t i = 0; ok && i < n; i++)
		ok = beside[i] || apart[i] == 1 ||
		     keep_other(b, b->caption[i].name, "text", b->caption[i].order);
	free(sorted), free(found), free(beside), free(apart);
	return ok;
}

static bool finish(builder *b)
{
	if (!sort_lists(b) || !drop_replaced(b) || !give_captions(b) || !sort_lists(b))
		return false;
	static const char *const fits[] = {"", "", ", padded", ", centre"};
	if (!b->resized)
		snprintf(b->a.how, sizeof b->a.how, b->o->patches ? "patches" : "none");
	else
		snprintf(b->a.how, sizeof b->a.how, "%s%s", gm_resize_name(b->o->filter),
		         fits[b->o->fit]);
	b->a.entry = b->entry, b->a.bad = b->bad, b->a.other = b->other, b->a.table = b->table;
	b->a.text = b->text.p, b->a.text_size = b->text.n;
	return true;
}

static void free_worker(worker *w)
{
	gm_fitter_free(&w->fitter);
	free(w->scratch);
}

static void release(builder *b)
{
	for (size_t i = 0; i < b->captions; i++)
		free(b->caption[i].name), free(b->caption[i].line);
	for (int i = 0; b->workers && i < b->threads; i++)
		free_worker(b->workers + i);
	if (b->now)
		empty(b->now);
	if (b->next)
		empty(b->next);
	free(b->workers), free(b->caption), free(b->now), free(b->next), free(b->staged);
	gm_tree_close(b->tree);
}

/* Result of an attempt to build. */
typedef enum outcome { BUILT, FAILED, MET_COLOUR, MET_SIZES, NO_ROOM } outcome;

/* Pictures that are stored of each file. */
static int each_of(const gm_data_options *o)
{
	return o->halves ? 2 : o->patches ? o->patches : 1;
}

/* Decodes all files with this number of channels (0: as the first image) to the cache file (NULL:
 * to memory). */
static outcome build(gm_album *a, const char *path, const gm_data_options *o, int channels,
                     uint64_t key, const char *cache, gm_error *err)
{
	uint64_t zero;
	builder b = {.o = o, .path = path, .err = err, .each = each_of(o)};
	b.threads = gm_thread_count();
	pthread_mutex_init(&b.gate.lock, NULL);
	pthread_cond_init(&b.gate.freed, NULL);
	b.workers = calloc((size_t)b.threads, sizeof *b.workers);
	b.now = calloc(1, sizeof *b.now), b.next = calloc(1, sizeof *b.next);
	b.a.each = b.each;
	bool ok = (b.workers && b.now && b.next) || no_memory(&b);
	ok = ok && (b.tree = gm_tree_open(path, err)) && put_text(&b, "", &zero);
	if (ok && cache)
		b.writer = gm_writer_open(cache, NULL);
	ok = ok && decode_all(&b, channels) && finish(&b);
	gm_progress_end();
	release(&b);
	pthread_cond_destroy(&b.gate.freed);
	pthread_mutex_destroy(&b.gate.lock);
	if (b.writer) {
		const bool good = ok;
		ok = ok && gm_album_write(&b.a, key, b.writer, err);
		ok = gm_writer_close(b.writer, ok, err) && ok;
		b.write_failed |= good && !ok;
	}
	*a = b.a;
	a->pixel = b.memory;
	a->heap[0] = b.memory, a->heap[1] = b.entry, a->heap[2] = b.bad, a->heap[3] = b.other;
	a->heap[4] = b.table, a->heap[5] = b.text.p;
	if (!ok)
		gm_album_close(a);
	return ok               ? BUILT
	       : b.met_colour   ? MET_COLOUR
	       : b.met_sizes    ? MET_SIZES
	       : b.write_failed ? NO_ROOM
	                        : FAILED;
}

/* Counts the shorter sides of all images, from their headers. */
static bool survey(const char *path, const gm_data_options *o, uint64_t count[GM_SIZE_MAX + 1],
                   gm_error *err)
{
	gm_tree *t = gm_tree_open(path, err);
	gm_tree_file f;
	uint64_t total, at;
	bool ok = t != NULL;
	const int halves = o->halves ? 2 : 1;
	while (ok && gm_tree_next(t, &f, err)) {
		uint8_t head[GM_CONTENT_HEAD], *bytes;
		size_t n = gm_tree_head(t, head, sizeof head);
		gm_image_facts facts;
		const char *unit = gm_tree_place(t, &at, &total);
		ok = gm_progress_tell("reading image sizes", at, total, unit, err);
		if (!ok || gm_maps_is(o->maps, f.name) ||
		    gm_content_of(head, n).kind != GM_CONTENT_PICTURE ||
		    !gm_tree_read(t, FILE_MAX, &bytes, &n, NULL))
			continue;
		if (gm_image_look(f.name, bytes, n, &facts, NULL)) {
			/* halves are side by side in the upright image */
			const bool turned = facts.orientation > 4;
			const int width = (turned ? facts.height : facts.width) / halves,
				  height = turned ? facts.width : facts.height;
			const int side = width < height ? width : height;
			count[side <= GM_SIZE_MAX ? side : 0]++;
		}
		free(bytes);
	}
	gm_progress_end();
	gm_tree_close(t);
	return ok && err->code == GM_OK;
}

/* The most frequent shorter side; of equally frequent ones the largest. 0 if it is not a valid
 * size. */
static bool common_side(const char *path, const gm_data_options *o, int *size, gm_error *err)
{
	uint64_t *count = calloc(GM_SIZE_MAX + 1, sizeof *count);
	if (!count)
		return gm_fail(err, GM_ERR_MEMORY, "%s: out of memory", path);
	const bool ok = survey(path, o, count, err);
	*size = 0;
	for (int i = 1; ok && i <= GM_SIZE_MAX; i++)
		if (count[i] && count[i] >= count[*size])
			*size = i;
	if (*size < GM_SIZE_MIN)
		*size = 0;
	free(count);
	return ok;
}

static uint64_t key_of(uint64_t identity, const gm_data_options *o)
{
	const int32_t settings[] = {VERSION,        o->size,           o->channels, (int)o->fit,
	                            (int)o->filter, (int)o->bad_files, each_of(o),  o->frames > 1};
	const uint64_t h = gm_hash(identity, settings, sizeof settings);
	return o->maps ? gm_hash(h, o->maps, strlen(o->maps)) : h;
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
	gm_data_options sized = *o;
	for (bool asked = false;;) {
		gm_error why = {0};
		const outcome end = build(a, path, &sized, channels, key, cache, &why);
		if (end == MET_COLOUR) {
			channels = 3;
		} else if (end == MET_SIZES && !asked) {
			if (!common_side(path, o, &sized.size, err))
				return false;
			asked = true;
		} else if (end == NO_ROOM) {
			cache = NULL;
		} else if (end == FAILED || end == MET_SIZES) {
			return gm_fail_at(err, why.offset, why.code, "%s", why.message);
		} else if (a->pixel || a->entries == 0) {
			return true; /* in memory */
		} else {
			/* Map the file just written; else keep everything in memory. */
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
	for (size_t i = 0; i < sizeof a->heap / sizeof *a->heap; i++)
		free(a->heap[i]);
	gm_file_close(&a->map);
	*a = (gm_album){0};
}
