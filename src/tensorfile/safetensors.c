/* SPDX-License-Identifier: MIT
 *
 * safetensors.c -- reader and writer. See safetensors.h for the format and the promises. */
#include "tensorfile/safetensors.h"

#include "base/arena.h"
#include "base/file.h"
#include "tensorfile/st_parse.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_MAX 100000000u /* as the reference implementation */

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "tensors are written as they lie in memory");

static const struct {
	const char *name;
	int size;
} types[GM_ST_TYPES] = {
	[GM_ST_F32] = {"F32", 4},   [GM_ST_F64] = {"F64", 8}, [GM_ST_I32] = {"I32", 4},
	[GM_ST_I64] = {"I64", 8},   [GM_ST_U64] = {"U64", 8}, [GM_ST_U8] = {"U8", 1},
	[GM_ST_BOOL] = {"BOOL", 1}, [GM_ST_I8] = {"I8", 1},   [GM_ST_I16] = {"I16", 2},
	[GM_ST_U16] = {"U16", 2},   [GM_ST_F16] = {"F16", 2}, [GM_ST_BF16] = {"BF16", 2},
	[GM_ST_U32] = {"U32", 4},
};

const char *gm_st_type_name(gm_st_type t)
{
	return types[t].name;
}

int gm_st_type_size(gm_st_type t)
{
	return types[t].size;
}

struct gm_st {
	gm_bytes file;
	gm_arena *arena;        /* names, metadata */
	gm_st_tensor *tensor;   /* [count], by offset */
	gm_st_tensor **by_name; /* [count] */
	gm_st_pair *meta;       /* [metas], by key */
	int64_t count, metas;
};

static int by_offset(const void *a, const void *b)
{
	const st_entry *x = a, *y = b;
	if (x->begin != y->begin)
		return x->begin < y->begin ? -1 : 1;
	if (x->end != y->end)
		return x->end < y->end ? -1 : 1;
	return x->at < y->at ? -1 : 1;
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(gm_st_tensor *const *)a)->name, (*(gm_st_tensor *const *)b)->name);
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const gm_st_pair *)a)->key, ((const gm_st_pair *)b)->key);
}

/* Bytes that a tensor of this type and shape takes; false where they do not fit 63 bits. */
static bool tensor_bytes(const gm_st_tensor *t, uint64_t *bytes)
{
	int64_t n = types[t->type].size;
	for (int i = 0; i < t->rank; i++)
		if (t->dims[i] < 0 || __builtin_mul_overflow(n, t->dims[i], &n))
			return false;
	*bytes = (uint64_t)n;
	return true;
}

static bool bad_tensor(gm_error *err, const st_entry *e, const char *what)
{
	return gm_fail_at(err, e->at, GM_ERR_FORMAT, "safetensors: tensor \"%.80s\": %s",
	                  e->tensor.name, what);
}

/* As the reference implementation demands: in order of offset the tensors cover the buffer with
 * no hole and no overlap. */
static bool check_layout(st_header *h, uint64_t buffer, gm_error *err)
{
	if (h->entries > 0)
		qsort(h->entry, (size_t)h->entries, sizeof *h->entry, by_offset);
	uint64_t at = 0;
	for (int64_t i = 0; i < h->entries; i++) {
		st_entry *e = &h->entry[i];
		if (!tensor_bytes(&e->tensor, &e->tensor.bytes))
			return bad_tensor(err, e, "its shape overflows");
		if (e->end < e->begin)
			return bad_tensor(err, e, "it ends before it begins");
		if (e->end > buffer)
			return bad_tensor(
				err, e,
				"it reaches beyond the end of the file (is the file truncated?)");
		if (e->end - e->begin != e->tensor.bytes)
			return bad_tensor(err, e, "its shape and its bytes do not agree");
		if (e->begin < at)
			return bad_tensor(err, e, "it overlaps another tensor");
		if (e->begin > at)
			return bad_tensor(err, e, "there is a hole before it");
		at = e->end;
	}
	if (at != buffer)
		return gm_fail(err, GM_ERR_FORMAT,
		               "safetensors: %" PRIu64 " bytes that belong to no tensor",
		               buffer - at);
	return true;
}

static bool index_names(gm_st *st, gm_error *err)
{
	if (st->count > 0)
		qsort(st->by_name, (size_t)st->count, sizeof *st->by_name, by_name);
	for (int64_t i = 1; i < st->count; i++)
		if (strcmp(st->by_name[i - 1]->name, st->by_name[i]->name) == 0)
			return gm_fail(err, GM_ERR_FORMAT,
			               "safetensors: two tensors are called \"%.80s\"",
			               st->by_name[i]->name);
	if (st->metas > 0)
		qsort(st->meta, (size_t)st->metas, sizeof *st->meta, by_key);
	for (int64_t i = 1; i < st->metas; i++)
		if (strcmp(st->meta[i - 1].key, st->meta[i].key) == 0)
			return gm_fail(err, GM_ERR_FORMAT,
			               "safetensors: metadata has \"%.80s\" twice",
			               st->meta[i].key);
	return true;
}

static bool load(gm_st *st, const uint8_t *bytes, size_t n, gm_error *err)
{
	uint64_t length;
	if (n < 8)
		return gm_fail_at(err, 0, GM_ERR_FORMAT,
		                  "not a safetensors file: shorter than 8 bytes");
	memcpy(&length, bytes, 8);
	if (length > HEADER_MAX || length > n - 8)
		return gm_fail_at(err, 0, GM_ERR_FORMAT,
		                  "not a safetensors file, or truncated: the header claims %" PRIu64
		                  " bytes, the file has %zu after its length",
		                  length, n - 8);
	st_header h = {0};
	const uint8_t *data = bytes + 8 + length;
	bool ok = gm_st_parse((const char *)bytes + 8, length, st->arena, &h, err) &&
	          check_layout(&h, n - 8 - length, err);
	st->meta = h.meta;
	st->metas = h.metas;
	if (ok) {
		st->count = h.entries;
		st->tensor = calloc((size_t)h.entries + 1, sizeof *st->tensor);
		st->by_name = calloc((size_t)h.entries + 1, sizeof(gm_st_tensor *));
		if (!st->tensor || !st->by_name)
			ok = gm_fail(err, GM_ERR_MEMORY, "safetensors: out of memory");
		for (int64_t i = 0; ok && i < h.entries; i++) {
			st->tensor[i] = h.entry[i].tensor;
			st->tensor[i].data = data + h.entry[i].begin;
			st->by_name[i] = &st->tensor[i];
		}
		ok = ok && index_names(st, err);
	}
	free(h.entry);
	return ok;
}

static gm_st *st_new(gm_error *err)
{
	gm_st *st = calloc(1, sizeof *st);
	if (st)
		st->arena = gm_arena_new();
	else
		gm_fail(err, GM_ERR_MEMORY, "safetensors: out of memory");
	return st;
}

gm_st *gm_st_open_memory(const void *bytes, size_t n, gm_error *err)
{
	gm_st *st = st_new(err);
	if (st && !load(st, bytes, n, err)) {
		gm_st_close(st);
		return NULL;
	}
	return st;
}

gm_st *gm_st_open(const char *path, gm_error *err)
{
	gm_st *st = st_new(err);
	gm_error why = {0};
	if (!st)
		return NULL;
	bool ok = gm_file_open(path, &st->file, &why);
	if (!ok) {
		gm_fail(err, why.code, "%s", why.message);
	} else if (!load(st, st->file.data, st->file.size, &why)) {
		gm_fail_at(err, why.offset, why.code, "%s: %s", path, why.message);
		ok = false;
	}
	if (!ok) {
		gm_st_close(st);
		return NULL;
	}
	return st;
}

void gm_st_close(gm_st *st)
{
	if (!st)
		return;
	gm_file_close(&st->file);
	gm_arena_free(st->arena);
	free(st->tensor);
	free(st->by_name);
	free(st->meta);
	free(st);
}

const gm_st_tensor *gm_st_find(const gm_st *st, const char *name)
{
	gm_st_tensor probe = {.name = name};
	const gm_st_tensor *key = &probe;
	gm_st_tensor **hit =
		bsearch(&key, st->by_name, (size_t)st->count, sizeof *st->by_name, by_name);
	return hit ? *hit : NULL;
}

const char *gm_st_meta(const gm_st *st, const char *key)
{
	const gm_st_pair probe = {.key = key};
	if (st->metas == 0)
		return NULL;
	const gm_st_pair *hit =
		bsearch(&probe, st->meta, (size_t)st->metas, sizeof *st->meta, by_key);
	return hit ? hit->value : NULL;
}

int64_t gm_st_count(const gm_st *st)
{
	return st->count;
}

const gm_st_tensor *gm_st_at(const gm_st *st, int64_t i)
{
	return &st->tensor[i];
}

int64_t gm_st_meta_count(const gm_st *st)
{
	return st->metas;
}

gm_st_pair gm_st_meta_at(const gm_st *st, int64_t i)
{
	return st->meta[i];
}

/* ---- writing ---- */

typedef struct text {
	char *p;
	size_t used, room;
} text;

static void put(text *t, const char *s, size_t n)
{
	if (t->room - t->used < n) {
		t->room = (t->room + n) * 2;
		t->p = realloc(t->p, t->room);
		if (!t->p)
			gm_no_memory(0);
	}
	memcpy(t->p + t->used, s, n);
	t->used += n;
}

static void puts_(text *t, const char *s)
{
	put(t, s, strlen(s));
}

static void put_number(text *t, uint64_t v)
{
	char s[24];
	put(t, s, (size_t)snprintf(s, sizeof s, "%" PRIu64, v));
}

static void put_string(text *t, const char *s)
{
	put(t, "\"", 1);
	for (; *s; s++) {
		char esc[8];
		if (*s == '"' || *s == '\\')
			put(t, (char[]){'\\', *s}, 2);
		else if ((unsigned char)*s < ' ')
			put(t, esc, (size_t)snprintf(esc, sizeof esc, "\\u%04x", *s));
		else
			put(t, s, 1);
	}
	put(t, "\"", 1);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Order of writing: by falling width of the type, so that offsets stay multiples of it. */
static int64_t *layout(const gm_st_tensor *t, int64_t n)
{
	int64_t *order = malloc(((size_t)n + 1) * sizeof *order), k = 0;
	for (int size = 8; order && size > 0; size /= 2)
		for (int64_t i = 0; i < n; i++)
			if (types[t[i].type].size == size)
				order[k++] = i;
	return order;
}

static bool check_names(const gm_st_tensor *t, int64_t n, const gm_st_pair *meta, int64_t n_meta,
                        gm_error *err)
{
	const char **name = malloc(((size_t)n + 1) * sizeof *name);
	bool ok = name || gm_fail(err, GM_ERR_MEMORY, "out of memory");
	for (int64_t i = 0; ok && i < n; i++) {
		name[i] = t[i].name;
		if (!*name[i] || strcmp(name[i], "__metadata__") == 0 ||
		    !gm_text_is_utf8(name[i], strlen(name[i])))
			ok = gm_fail(err, GM_ERR_VALUE, "a tensor cannot be called \"%.80s\"",
			             name[i]);
	}
	if (ok && n > 1) {
		qsort(name, (size_t)n, sizeof *name, by_text);
		for (int64_t i = 1; ok && i < n; i++)
			if (strcmp(name[i - 1], name[i]) == 0)
				ok = gm_fail(err, GM_ERR_VALUE, "two tensors are called \"%.80s\"",
				             name[i]);
	}
	free(name);
	for (int64_t i = 0; ok && i < n_meta; i++) {
		if (!gm_text_is_utf8(meta[i].key, strlen(meta[i].key)) ||
		    !gm_text_is_utf8(meta[i].value, strlen(meta[i].value)))
			ok = gm_fail(err, GM_ERR_VALUE, "metadata \"%.80s\" is not UTF-8",
			             meta[i].key);
		for (int64_t j = 0; ok && j < i; j++)
			if (strcmp(meta[i].key, meta[j].key) == 0)
				ok = gm_fail(err, GM_ERR_VALUE, "metadata has \"%.80s\" twice",
				             meta[i].key);
	}
	return ok;
}

bool gm_st_write(const char *path, const gm_st_tensor *t, int64_t n, const gm_st_pair *meta,
                 int64_t n_meta, gm_error *err)
{
	if (!check_names(t, n, meta, n_meta, err))
		return false;
	int64_t *order = layout(t, n);
	if (!order)
		return gm_fail(err, GM_ERR_MEMORY, "out of memory");

	text h = {0};
	bool ok = true, first = true;
	uint64_t at = 0;
	puts_(&h, "{");
	if (n_meta > 0) {
		puts_(&h, "\"__metadata__\":{");
		for (int64_t i = 0; i < n_meta; i++) {
			puts_(&h, i ? "," : "");
			put_string(&h, meta[i].key);
			puts_(&h, ":");
			put_string(&h, meta[i].value);
		}
		puts_(&h, "}");
		first = false;
	}
	for (int64_t k = 0; ok && k < n; k++) {
		const gm_st_tensor *e = &t[order[k]];
		uint64_t bytes;
		if (e->rank < 0 || e->rank > GM_ST_MAX_RANK || !tensor_bytes(e, &bytes)) {
			ok = gm_fail(err, GM_ERR_VALUE, "tensor \"%.80s\" has a senseless shape",
			             e->name);
			break;
		}
		puts_(&h, first ? "" : ",");
		first = false;
		put_string(&h, e->name);
		puts_(&h, ":{\"dtype\":\"");
		puts_(&h, types[e->type].name);
		puts_(&h, "\",\"shape\":[");
		for (int i = 0; i < e->rank; i++) {
			puts_(&h, i ? "," : "");
			put_number(&h, (uint64_t)e->dims[i]);
		}
		puts_(&h, "],\"data_offsets\":[");
		put_number(&h, at);
		puts_(&h, ",");
		put_number(&h, at += bytes);
		puts_(&h, "]}");
	}
	puts_(&h, "}");
	while (h.used % 8)
		puts_(&h, " ");
	if (ok && h.used > HEADER_MAX)
		ok = gm_fail(err, GM_ERR_VALUE,
		             "cannot write %s: too many names for a safetensors header", path);

	gm_writer *w = ok ? gm_writer_open(path, err) : NULL;
	const uint64_t length = h.used;
	ok = w && gm_writer_put(w, &length, sizeof length, err) &&
	     gm_writer_put(w, h.p, h.used, err);
	for (int64_t k = 0; ok && k < n; k++) {
		uint64_t bytes = 0;
		tensor_bytes(&t[order[k]], &bytes);
		ok = gm_writer_put(w, t[order[k]].data, bytes, err);
	}
	ok = gm_writer_close(w, ok, err);
	free(h.p);
	free(order);
	return ok;
}
