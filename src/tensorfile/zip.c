/* SPDX-License-Identifier: MIT
 *
 * zip.c -- see zip.h. */
#include "tensorfile/zip.h"

#include "base/arena.h"
#include "base/locale.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <string.h>

#define MEMBERS_MAX 100000
#define TIMES 64 /* of its own length, that a file may unpack to */
#define LEAST ((size_t)1 << 20)
#define BLOCK ((size_t)1 << 16)

struct gm_zip {
	gm_arena *arena; /* names */
	gm_zip_member *member, **by_name;
	int64_t count, room;
	size_t left; /* bytes that may still be unpacked */
};

bool gm_zip_is(const void *bytes, size_t n)
{
	return n >= 4 && memcmp(bytes, "PK\3\4", 4) == 0;
}

static bool failed(const char *name, struct archive *a, gm_error *err)
{
	const char *why = archive_error_string(a);
	return gm_fail(err, GM_ERR_FORMAT, "%s: not a zip file that can be read: %s", name,
	               why ? why : "corrupt or truncated");
}

/* The member's bytes, grown as they come. */
static bool unpack(gm_zip *z, const char *name, struct archive *a, struct archive_entry *e,
                   gm_zip_member *m, gm_error *err)
{
	const la_int64_t hint = archive_entry_size(e);
	/* One byte more than promised, so that the end is seen without growing. */
	size_t room = hint > 0 && (uint64_t)hint < z->left ? (size_t)hint + 1 : BLOCK;
	room = room < z->left + 1 ? room : z->left + 1;
	uint8_t *p = malloc(room);
	m->data = p;
	while (p) {
		const la_ssize_t got = archive_read_data(a, p + m->size, room - m->size);
		if (got < 0)
			return failed(name, a, err);
		if (got == 0)
			return true;
		m->size += (size_t)got;
		if ((size_t)got > z->left)
			return gm_fail(err, GM_ERR_FORMAT,
			               "%s: it unpacks to more than %d times its length", name,
			               TIMES);
		z->left -= (size_t)got;
		if (m->size == room) {
			room = room * 2 < m->size + z->left + 1 ? room * 2 : m->size + z->left + 1;
			uint8_t *more = realloc(p, room);
			if (!more)
				break;
			m->data = p = more;
		}
	}
	return gm_fail(err, GM_ERR_MEMORY, "%s: out of memory", name);
}

static bool add(gm_zip *z, const char *name, struct archive *a, struct archive_entry *e,
                gm_error *err)
{
	const char *member = archive_entry_pathname_utf8(e);
	member = member ? member : archive_entry_pathname(e);
	if (!member || archive_entry_filetype(e) != AE_IFREG)
		return true;
	if (z->count == z->room) {
		const int64_t room = z->room ? z->room * 2 : 64;
		gm_zip_member *more = room <= 2 * MEMBERS_MAX
		                              ? realloc(z->member, (size_t)room * sizeof *more)
		                              : NULL;
		if (!more)
			return gm_fail(err, GM_ERR_FORMAT, "%s: more than %d members", name,
			               MEMBERS_MAX);
		z->member = more, z->room = room;
	}
	gm_zip_member *m = &z->member[z->count++];
	*m = (gm_zip_member){gm_arena_strdup(z->arena, member), NULL, 0};
	return unpack(z, name, a, e, m, err);
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(gm_zip_member *const *)a)->name, (*(gm_zip_member *const *)b)->name);
}

static bool index_names(gm_zip *z, const char *name, gm_error *err)
{
	z->by_name = malloc((size_t)(z->count + 1) * sizeof *z->by_name);
	if (!z->by_name)
		return gm_fail(err, GM_ERR_MEMORY, "%s: out of memory", name);
	for (int64_t i = 0; i < z->count; i++)
		z->by_name[i] = &z->member[i];
	if (z->count)
		qsort(z->by_name, (size_t)z->count, sizeof *z->by_name, by_name);
	for (int64_t i = 1; i < z->count; i++)
		if (by_name(&z->by_name[i - 1], &z->by_name[i]) == 0)
			return gm_fail(err, GM_ERR_FORMAT, "%s: two members are called \"%.80s\"",
			               name, z->by_name[i]->name);
	return true;
}

static bool read_all(gm_zip *z, const char *name, const void *bytes, size_t n, gm_error *err)
{
	struct archive *a = archive_read_new();
	struct archive_entry *e;
	if (!a)
		return gm_fail(err, GM_ERR_MEMORY, "%s: out of memory", name);
	/* Names in UTF-8 are lost where the locale cannot hold them. */
	const locale_t before = gm_utf8_begin();
	archive_read_support_format_zip_seekable(a);
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
	/* A fuzzer cannot guess checksums, and would never get behind them. */
	archive_read_set_options(a, "zip:ignorecrc32");
#endif
	int status = archive_read_open_memory(a, bytes, n);
	bool ok = status == ARCHIVE_OK || failed(name, a, err);
	while (ok && (status = archive_read_next_header(a, &e)) != ARCHIVE_EOF)
		ok = status == ARCHIVE_OK || status == ARCHIVE_WARN ? add(z, name, a, e, err)
		                                                    : failed(name, a, err);
	archive_read_free(a);
	gm_utf8_end(before);
	return ok && index_names(z, name, err);
}

gm_zip *gm_zip_open(const char *name, const void *bytes, size_t n, gm_error *err)
{
	gm_zip *z = calloc(1, sizeof *z);
	if (!z) {
		gm_fail(err, GM_ERR_MEMORY, "%s: out of memory", name);
		return NULL;
	}
	z->arena = gm_arena_new();
	z->left = n < LEAST / TIMES ? LEAST : n < SIZE_MAX / TIMES ? n * TIMES : SIZE_MAX;
	if (read_all(z, name, bytes, n, err))
		return z;
	gm_zip_close(z);
	return NULL;
}

void gm_zip_close(gm_zip *z)
{
	if (!z)
		return;
	for (int64_t i = 0; i < z->count; i++)
		/* One pointer each. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
		free((void *)z->member[i].data);
	free(z->member);
	free(z->by_name);
	gm_arena_free(z->arena);
	free(z);
}

int64_t gm_zip_count(const gm_zip *z)
{
	return z->count;
}

const gm_zip_member *gm_zip_at(const gm_zip *z, int64_t i)
{
	return &z->member[i];
}

static int named(const void *key, const void *p)
{
	return strcmp(key, (*(gm_zip_member *const *)p)->name);
}

const gm_zip_member *gm_zip_find(const gm_zip *z, const char *name)
{
	gm_zip_member **m =
		z->count ? bsearch(name, z->by_name, (size_t)z->count, sizeof *m, named) : NULL;
	return m ? *m : NULL;
}
