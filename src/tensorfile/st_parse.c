/* SPDX-License-Identifier: MIT
 *
 * st_parse.c -- a strict parser for safetensors headers. A general JSON library would build a
 * tree many times larger than a hostile header; this one keeps only what a header may hold, so
 * memory stays proportional to the header. */
#include "tensorfile/st_parse.h"
#include "base/arena.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

typedef struct parser {
	const char *start, *p, *end;
	gm_arena *arena;
	char *scratch; /* as long as the header: a decoded string is never longer than its source */
	gm_error *err;
} parser;

static bool bad(const parser *s, const char *what)
{
	const int64_t at = 8 + (s->p - s->start);
	return gm_fail_at(s->err, at, GM_ERR_FORMAT, "safetensors header, byte %lld: %s",
	                  (long long)at, what);
}

static void skip_space(parser *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' || *s->p == '\r' || *s->p == '\t'))
		s->p++;
}

/* Takes c if it comes next. */
static bool take(parser *s, char c)
{
	skip_space(s);
	if (s->p >= s->end || *s->p != c)
		return false;
	s->p++;
	return true;
}

static bool expect(parser *s, char c)
{
	static const char *const text[] = {
		['{'] = "expected '{'", ['}'] = "expected ',' or '}'",
		['['] = "expected '['", [']'] = "expected ',' or ']'",
		[':'] = "expected ':'", [','] = "expected ','",
	};
	return take(s, c) || bad(s, text[(unsigned char)c]);
}

static bool hex4(parser *s, unsigned *v)
{
	*v = 0;
	if (s->end - s->p < 4)
		return bad(s, "a \\u escape is truncated");
	for (int i = 0; i < 4; i++, s->p++) {
		const char c = *s->p;
		const int digit = c >= '0' && c <= '9'   ? c - '0'
		                  : c >= 'a' && c <= 'f' ? c - 'a' + 10
		                  : c >= 'A' && c <= 'F' ? c - 'A' + 10
		                                         : -1;
		if (digit < 0)
			return bad(s, "a \\u escape needs four hexadecimal digits");
		*v = *v * 16 + (unsigned)digit;
	}
	return true;
}

static bool escape(parser *s, char **to)
{
	static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
	if (s->p >= s->end)
		return bad(s, "a string does not end");
	const char c = *s->p++;
	const char *simple = c ? strchr(from, c) : NULL;
	if (simple) {
		*(*to)++ = into[simple - from];
		return true;
	}
	unsigned u;
	if (c != 'u')
		return bad(s, "an unknown escape in a string");
	if (!hex4(s, &u))
		return false;
	if (u >= 0xD800 && u < 0xDC00) {
		unsigned low;
		if (s->end - s->p < 2 || s->p[0] != '\\' || s->p[1] != 'u')
			return bad(s, "half a surrogate pair");
		s->p += 2;
		if (!hex4(s, &low))
			return false;
		if (low < 0xDC00 || low > 0xDFFF)
			return bad(s, "half a surrogate pair");
		u = 0x10000 + ((u - 0xD800) << 10) + (low - 0xDC00);
	} else if (u >= 0xDC00 && u < 0xE000) {
		return bad(s, "half a surrogate pair");
	}
	if (u == 0)
		return bad(s, "a zero character in a string");
	char *o = *to;
	if (u < 0x80) {
		*o++ = (char)u;
	} else if (u < 0x800) {
		*o++ = (char)(0xC0 | u >> 6);
		*o++ = (char)(0x80 | (u & 63));
	} else {
		if (u < 0x10000) {
			*o++ = (char)(0xE0 | u >> 12);
		} else {
			*o++ = (char)(0xF0 | u >> 18);
			*o++ = (char)(0x80 | (u >> 12 & 63));
		}
		*o++ = (char)(0x80 | (u >> 6 & 63));
		*o++ = (char)(0x80 | (u & 63));
	}
	*to = o;
	return true;
}

/* The string stays in scratch until the next one; NULL on failure. */
static const char *string(parser *s)
{
	skip_space(s);
	if (s->p >= s->end || *s->p != '"') {
		bad(s, "expected a string");
		return NULL;
	}
	s->p++;
	char *to = s->scratch;
	for (;;) {
		if (s->p >= s->end) {
			bad(s, "a string does not end");
			return NULL;
		}
		const char c = *s->p++;
		if (c == '"')
			break;
		if ((unsigned char)c < ' ') {
			bad(s, "a raw control character in a string");
			return NULL;
		}
		if (c != '\\')
			*to++ = c;
		else if (!escape(s, &to))
			return NULL;
	}
	*to = 0;
	if (!gm_text_is_utf8(s->scratch, (size_t)(to - s->scratch))) {
		bad(s, "a string that is not UTF-8");
		return NULL;
	}
	return s->scratch;
}

/* A JSON number that is a whole one, not negative, below 2^63. */
static bool whole(parser *s, uint64_t *v)
{
	skip_space(s);
	const char *first = s->p;
	*v = 0;
	for (; s->p < s->end && *s->p >= '0' && *s->p <= '9'; s->p++) {
		const unsigned digit = (unsigned)(*s->p - '0');
		if (*v > ((uint64_t)INT64_MAX - digit) / 10)
			return bad(s, "a number that is too large");
		*v = *v * 10 + digit;
	}
	if (s->p == first)
		return bad(s, "expected a non-negative integer");
	if (*first == '0' && s->p - first > 1)
		return bad(s, "a number that starts with 0");
	return true;
}

static void *grow(void *array, int64_t count, int64_t *room, size_t size)
{
	if (count < *room)
		return array;
	*room = *room ? *room * 2 : 16;
	void *bigger = realloc(array, (size_t)*room * size);
	if (!bigger)
		gm_no_memory(0);
	return bigger;
}

static bool metadata(parser *s, st_header *h)
{
	if (!expect(s, '{'))
		return false;
	if (take(s, '}'))
		return true;
	do {
		const char *key = string(s);
		if (!key)
			return false;
		key = gm_arena_strdup(s->arena, key);
		if (!expect(s, ':'))
			return false;
		skip_space(s);
		if (s->p < s->end && *s->p != '"')
			return bad(s, "metadata may hold only strings");
		const char *value = string(s);
		if (!value)
			return false;
		h->meta = grow(h->meta, h->metas, &h->meta_room, sizeof *h->meta);
		h->meta[h->metas++] = (gm_st_pair){key, gm_arena_strdup(s->arena, value)};
	} while (take(s, ','));
	return expect(s, '}');
}

static bool shape(parser *s, st_entry *e)
{
	if (!expect(s, '['))
		return false;
	e->tensor.rank = 0;
	if (take(s, ']'))
		return true;
	do {
		uint64_t d;
		if (e->tensor.rank == GM_ST_MAX_RANK)
			return bad(s, "a tensor of more than 8 dimensions");
		if (!whole(s, &d))
			return false;
		e->tensor.dims[e->tensor.rank++] = (int64_t)d;
	} while (take(s, ','));
	return expect(s, ']');
}

static bool type(parser *s, st_entry *e)
{
	const char *name = string(s);
	if (!name)
		return false;
	for (int t = 0; t < GM_ST_TYPES; t++)
		if (strcmp(name, gm_st_type_name(t)) == 0) {
			e->tensor.type = t;
			return true;
		}
	return bad(s, "an unknown dtype");
}

static bool tensor(parser *s, st_entry *e)
{
	enum { DTYPE = 1, SHAPE = 2, OFFSETS = 4 };
	int seen = 0;
	if (!expect(s, '{'))
		return false;
	do {
		const char *key = string(s);
		if (!key)
			return false;
		const int field = strcmp(key, "dtype") == 0          ? DTYPE
		                  : strcmp(key, "shape") == 0        ? SHAPE
		                  : strcmp(key, "data_offsets") == 0 ? OFFSETS
		                                                     : 0;
		if (!field)
			return bad(s, "an unknown field in a tensor");
		if (seen & field)
			return bad(s, "a field that is given twice");
		seen |= field;
		if (!expect(s, ':'))
			return false;
		if (field == DTYPE && !type(s, e))
			return false;
		if (field == SHAPE && !shape(s, e))
			return false;
		if (field == OFFSETS && !(expect(s, '[') && whole(s, &e->begin) && expect(s, ',') &&
		                          whole(s, &e->end) && expect(s, ']')))
			return false;
	} while (take(s, ','));
	if (!expect(s, '}'))
		return false;
	return seen == (DTYPE | SHAPE | OFFSETS) ||
	       bad(s, "a tensor without dtype, shape or data_offsets");
}

static bool object(parser *s, st_header *h)
{
	bool meta_seen = false;
	if (s->p >= s->end || *s->p != '{')
		return bad(s, "the header must start with '{'");
	s->p++;
	if (take(s, '}'))
		return true;
	do {
		st_entry e = {.at = 8 + (s->p - s->start)};
		const char *name = string(s);
		if (!name)
			return false;
		const bool is_meta = strcmp(name, "__metadata__") == 0;
		if (!is_meta)
			e.tensor.name = gm_arena_strdup(s->arena, name);
		if (!expect(s, ':'))
			return false;
		if (is_meta) {
			if (meta_seen)
				return bad(s, "metadata is given twice");
			meta_seen = true;
			if (!metadata(s, h))
				return false;
			continue;
		}
		if (!tensor(s, &e))
			return false;
		h->entry = grow(h->entry, h->entries, &h->entry_room, sizeof *h->entry);
		h->entry[h->entries++] = e;
	} while (take(s, ','));
	return expect(s, '}');
}

bool gm_st_parse(const char *json, size_t n, gm_arena *arena, st_header *out, gm_error *err)
{
	parser s = {json, json, json + n, arena, NULL, err};
	s.scratch = malloc(n + 1);
	if (!s.scratch)
		return gm_fail(err, GM_ERR_MEMORY, "safetensors header: out of memory");
	bool ok = object(&s, out);
	if (ok) {
		skip_space(&s);
		if (s.p != s.end)
			ok = bad(&s, "bytes after the closing '}'");
	}
	free(s.scratch);
	return ok;
}
