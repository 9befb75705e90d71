/* SPDX-License-Identifier: MIT
 *
 * pth.c -- PyTorch's files (torch/serialization.py). See pth.h.
 *
 * Since 1.6 a file is a zip: NAME/data.pkl is a pickle that speaks of storages by their keys, and
 * NAME/data/KEY holds the bytes of each. Before that it was a row of pickles (a magic number, a
 * protocol number, facts about the machine, the object, the keys of its storages), followed by
 * each storage as its length in elements and its bytes. */
#include "tensorfile/pth.h"

#include "tensorfile/pickle.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 8
#define NAME_MAX_BYTES 512
#define PROTOCOL 1001

/* 0x1950a86a20f9469cfc6c as the ten bytes of a LONG1, in a pickle of protocol 2 */
static const uint8_t magic[] = {0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c,
                                0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};

typedef struct storage {
	const char *key; /* length bytes of the pickle */
	int64_t length, elements;
	int size; /* bytes of an element */
	const uint8_t *data;
} storage;

typedef struct reader {
	gm_pickle pickle;
	const gm_pth_sink *to;
	const gm_zip *zip; /* or NULL: a row of pickles */
	char top[256];     /* of the zip: the folder of everything, with its slash */
	storage *storage;  /* of a row of pickles: [storages], by key */
	size_t storages;
	uint32_t budget; /* limit of visited values: dicts can contain each other */
	char name[NAME_MAX_BYTES];
	gm_error *err;
} reader;

/* Macros that evaluate to false, so that the compiler sees the failing path. */
static bool bad(const reader *r, const char *what)
{
	gm_fail(r->err, GM_ERR_FORMAT, "%s: %s", r->to->name, what);
	return false;
}

static bool bad_tensor(const reader *r, const char *what)
{
	gm_fail(r->err, GM_ERR_FORMAT, "%s: tensor %.80s: %s", r->to->name, r->name, what);
	return false;
}

/* ---- storages ---- */

static int by_key(const void *a, const void *b)
{
	const storage *x = a, *y = b;
	const int64_t n = x->length < y->length ? x->length : y->length;
	const int c = memcmp(x->key, y->key, (size_t)n);
	return c ? c : (x->length > y->length) - (x->length < y->length);
}

static bool bytes_of(const reader *r, const gm_pickle_value *v, const uint8_t **data)
{
	const storage want = {.key = v->text, .length = v->length};
	int64_t bytes;
	if (__builtin_mul_overflow(v->number, (int64_t)gm_st_type_size(v->type), &bytes))
		return bad_tensor(r, "its storage has an absurd size");
	if (!r->zip) {
		const storage *s =
			r->storages ? bsearch(&want, r->storage, r->storages, sizeof *s, by_key)
				    : NULL;
		if (!s || !s->data)
			return bad_tensor(r, "its storage is not in the file");
		if (s->elements != v->number || s->size != gm_st_type_size(v->type))
			return bad_tensor(r, "its storage has another size than it says");
		*data = s->data;
		return true;
	}
	char member[sizeof r->top + 96];
	if (v->length > 64)
		return bad_tensor(r, "its storage has an absurd name");
	snprintf(member, sizeof member, "%sdata/%.*s", r->top, (int)v->length, v->text);
	const gm_zip_member *m = gm_zip_find(r->zip, member);
	if (!m)
		return bad_tensor(r, "its storage is not in the file");
	if (m->size < (uint64_t)bytes)
		return bad_tensor(r, "its storage is truncated");
	*data = m->data;
	return true;
}

/* ---- tensors ---- */

static bool sizes(const reader *r, const gm_pickle_value *v, int64_t *out, int *rank)
{
	if (!v || v->kind != GM_PICKLE_TUPLE || v->items > GM_ST_MAX_RANK)
		return bad_tensor(r, "its sizes are no tuple of at most 8");
	*rank = (int)v->items;
	for (uint32_t i = 0; i < v->items; i++) {
		const gm_pickle_value *k = gm_pickle_item(&r->pickle, v, i);
		if (k->kind != GM_PICKLE_INT || k->number < 0)
			return bad_tensor(r, "a size that is no number");
		out[i] = k->number;
	}
	return true;
}

/* The arguments of torch._utils._rebuild_tensor_v2: storage, offset, size, stride, ... */
static bool tensor(reader *r, const gm_pickle_value *v)
{
	const gm_pickle_value *arg[4];
	gm_tensor t = {.name = r->name};
	int strides;
	for (uint32_t i = 0; i < 4; i++)
		arg[i] = gm_pickle_item(&r->pickle, v, i);
	if (!arg[3] || arg[0]->kind != GM_PICKLE_STORAGE || arg[1]->kind != GM_PICKLE_INT)
		return bad_tensor(r, "it is not made of a storage");
	if (!sizes(r, arg[2], t.dims, &t.rank) || !sizes(r, arg[3], t.stride, &strides))
		return false;
	if (strides != t.rank)
		return bad_tensor(r, "its sizes and strides do not agree");
	int64_t last = arg[1]->number, span, numel = 1;
	bool fits = last >= 0;
	for (int i = 0; i < t.rank; i++) {
		fits = fits && !__builtin_mul_overflow(numel, t.dims[i], &numel);
		if (t.dims[i] > 1)
			fits = fits && !__builtin_mul_overflow(t.dims[i] - 1, t.stride[i], &span) &&
			       !__builtin_add_overflow(last, span, &last);
	}
	if (!fits || (numel > 0 && last >= arg[0]->number))
		return bad_tensor(r, "it reaches beyond its storage");
	const uint8_t *data;
	if (!bytes_of(r, arg[0], &data))
		return false;
	t.type = arg[0]->type;
	t.data = numel ? data + arg[1]->number * gm_st_type_size(t.type) : data;
	return r->to->found(r->to->context, &t, r->err);
}

/* Visits everything below v, whose name is r->name[0..n). */
static bool walk(reader *r, const gm_pickle_value *v, size_t n, int depth)
{
	if (r->budget-- == 0)
		return bad(r, "its dicts hold each other");
	if (v->kind == GM_PICKLE_TENSOR)
		return n ? tensor(r, v)
		         : bad(r, "one tensor without a name; wanted is a state dict");
	if (v->kind != GM_PICKLE_DICT)
		return depth || bad(r, "no state dict (a dict of tensors by name)");
	if (depth == DEPTH_MAX)
		return bad(r, "dicts in dicts too deep");
	for (uint32_t i = 0; i + 1 < v->items; i += 2) {
		const gm_pickle_value *key = gm_pickle_item(&r->pickle, v, i);
		const gm_pickle_value *item = gm_pickle_item(&r->pickle, v, i + 1);
		if (item->kind != GM_PICKLE_TENSOR && item->kind != GM_PICKLE_DICT)
			continue;
		if (key->kind != GM_PICKLE_STRING)
			continue; /* optimiser state */
		const size_t dot = n > 0, k = (size_t)key->length;
		if (n + dot + k >= sizeof r->name || memchr(key->text, 0, k) ||
		    !gm_text_is_utf8(key->text, k))
			return bad(r, "a tensor whose name is too long or no text");
		if (dot)
			r->name[n] = '.';
		memcpy(r->name + n + dot, key->text, k);
		r->name[n + dot + k] = 0;
		if (!walk(r, item, n + dot + k, depth + 1))
			return false;
	}
	return true;
}

static bool walk_all(reader *r)
{
	r->budget = 2 * r->pickle.values + 64;
	return walk(r, gm_pickle_at(&r->pickle, r->pickle.top), 0, 0);
}

/* ---- the zip ---- */

static const gm_zip_member *pickle_of(const gm_zip *z)
{
	for (int64_t i = 0; i < gm_zip_count(z); i++) {
		const gm_zip_member *m = gm_zip_at(z, i);
		const char *slash = strchr(m->name, '/');
		if (slash && strcmp(slash, "/data.pkl") == 0)
			return m;
	}
	return NULL;
}

bool gm_pth_is_zip(const gm_zip *z)
{
	return pickle_of(z) != NULL;
}

bool gm_pth_zip(const gm_zip *z, const gm_pth_sink *to, gm_error *err)
{
	reader r = {.to = to, .zip = z, .err = err};
	const gm_zip_member *m = pickle_of(z), *order;
	if (!m)
		return bad(&r, "no data.pkl in it");
	const size_t top = strlen(m->name) - strlen("data.pkl");
	if (top >= sizeof r.top)
		return bad(&r, "a member with an absurd name");
	memcpy(r.top, m->name, top);
	char name[sizeof r.top + 16];
	snprintf(name, sizeof name, "%sbyteorder", r.top);
	order = gm_zip_find(z, name);
	if (order && (order->size != 6 || memcmp(order->data, "little", 6) != 0))
		return bad(&r, "written on a machine of the other byte order");
	snprintf(name, sizeof name, "%sconstants.pkl", r.top);
	if (gm_zip_find(z, name))
		return bad(&r, "a TorchScript program, not a state dict: it is not run; save its "
		               "state_dict() instead");
	const bool ok = gm_pickle_run(&r.pickle, to->name, m->data, m->size, err) && walk_all(&r);
	gm_pickle_free(&r.pickle);
	return ok;
}

/* ---- the row of pickles ---- */

bool gm_pth_is_legacy(const void *bytes, size_t n)
{
	return n >= sizeof magic && memcmp(bytes, magic, sizeof magic) == 0;
}

/* Reads a number, or data that is not needed. */
static bool small(reader *r, const uint8_t **at, const uint8_t *end, int64_t *number)
{
	gm_pickle p;
	const bool ok = gm_pickle_run(&p, r->to->name, *at, (size_t)(end - *at), r->err);
	if (ok) {
		const gm_pickle_value *v = gm_pickle_at(&p, p.top), *key;
		*at += p.length;
		*number = v->kind == GM_PICKLE_INT ? v->number : 0;
		for (uint32_t i = 0; v->kind == GM_PICKLE_DICT && i + 1 < v->items; i += 2) {
			key = gm_pickle_item(&p, v, i);
			if (gm_pickle_is(key, "little_endian"))
				*number = gm_pickle_item(&p, v, i + 1)->number;
		}
	}
	gm_pickle_free(&p);
	return ok;
}

/* Lists the storages that the object refers to, each once. */
static bool list_storages(reader *r)
{
	const gm_pickle *p = &r->pickle;
	size_t n = 0;
	r->storage = malloc((p->values + 1u) * sizeof *r->storage);
	if (!r->storage)
		return gm_fail(r->err, GM_ERR_MEMORY, "%s: out of memory", r->to->name);
	for (uint32_t i = 0; i < p->values; i++)
		if (p->value[i].kind == GM_PICKLE_STORAGE)
			r->storage[n++] = (storage){
				.key = p->value[i].text,
				.length = p->value[i].length,
				.elements = p->value[i].number,
				.size = gm_st_type_size(p->value[i].type),
			};
	if (n)
		qsort(r->storage, n, sizeof *r->storage, by_key);
	for (size_t i = 0; i < n; i++)
		if (!r->storages || by_key(&r->storage[r->storages - 1], &r->storage[i]) != 0)
			r->storage[r->storages++] = r->storage[i];
	return true;
}

/* After the list of keys: for each the number of elements, then the bytes. */
static bool place_storages(reader *r, const uint8_t *at, const uint8_t *end)
{
	gm_pickle keys;
	bool ok = gm_pickle_run(&keys, r->to->name, at, (size_t)(end - at), r->err);
	const gm_pickle_value *list = ok ? gm_pickle_at(&keys, keys.top) : NULL;
	if (ok && list->kind != GM_PICKLE_LIST)
		ok = bad(r, "no list of its storages");
	at += keys.length;
	for (uint32_t i = 0; ok && i < list->items; i++) {
		const gm_pickle_value *k = gm_pickle_item(&keys, list, i);
		const storage want = {.key = k->text, .length = k->length};
		storage *s = k->kind == GM_PICKLE_STRING && r->storages
		                     ? bsearch(&want, r->storage, r->storages, sizeof *s, by_key)
		                     : NULL;
		int64_t n, bytes = 0;
		if (!s)
			ok = bad(r, "it holds a storage that nothing speaks of");
		else if (end - at < 8)
			ok = bad(r, "truncated before a storage");
		else if (memcpy(&n, at, 8), n != s->elements)
			ok = bad(r, "a storage has another size than its tensors say");
		else if (__builtin_mul_overflow(n, (int64_t)s->size, &bytes) ||
		         bytes > end - at - 8)
			ok = bad(r, "truncated within a storage");
		if (ok) {
			s->data = at + 8;
			at += 8 + bytes;
		}
	}
	gm_pickle_free(&keys);
	return ok;
}

bool gm_pth_legacy(const void *bytes, size_t n, const gm_pth_sink *to, gm_error *err)
{
	reader r = {.to = to, .err = err};
	const uint8_t *at = bytes, *end = at + n;
	int64_t magic_number, protocol, little;
	if (!small(&r, &at, end, &magic_number) || !small(&r, &at, end, &protocol) ||
	    !small(&r, &at, end, &little))
		return false;
	if (protocol != PROTOCOL)
		return bad(&r, "an unknown protocol of PyTorch's");
	if (little != 1)
		return bad(&r, "written on a machine of the other byte order");
	bool ok = gm_pickle_run(&r.pickle, to->name, at, (size_t)(end - at), err);
	ok = ok && list_storages(&r) && place_storages(&r, at + r.pickle.length, end) &&
	     walk_all(&r);
	gm_pickle_free(&r.pickle);
	free(r.storage);
	return ok;
}
