/* SPDX-License-Identifier: MIT
 *
 * tree.c -- folders by the system's calls, archives through libarchive. See tree.h. */
#include "data/tree.h"

#include "base/arena.h"
#include "base/file.h"
#include "base/machine.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define DEPTH_MAX 32 /* folders in folders; links may lead in circles */
#define BLOCK (1 << 16)
#define SAMPLE ((size_t)1 << 20)

typedef struct leaf {
	const char *name;
	uint64_t size, modified; /* nanoseconds */
} leaf;

struct gm_tree {
	const char *path;
	gm_arena *arena;
	/* of a folder */
	leaf *leaf;
	size_t leaves, room, at;
	/* of an archive */
	struct archive *archive;
	struct archive_entry *entry;
	uint64_t packed; /* bytes */
	uint64_t identity;
};

bool gm_tree_is_archive(const char *path)
{
	static const char *const ends[] = {".zip", ".tar",    ".tgz",     ".txz",    ".tar.gz",
	                                   ".tbz", ".tar.xz", ".tar.bz2", ".tar.zst"};
	const size_t n = strlen(path);
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		const size_t e = strlen(ends[i]);
		if (n > e && strcasecmp(path + n - e, ends[i]) == 0)
			return true;
	}
	return false;
}

/* ".DS_Store", ".git/...", "__MACOSX/..." */
static bool hidden(const char *name)
{
	for (const char *p = name; p; p = strchr(p, '/') ? strchr(p, '/') + 1 : NULL)
		if (*p == '.' || strncmp(p, "__MACOSX/", 9) == 0)
			return true;
	return false;
}

static uint64_t modified(const struct stat *st)
{
	return (uint64_t)st->st_mtim.tv_sec * 1000000000u + (uint64_t)st->st_mtim.tv_nsec;
}

/* ---- folders ---- */

static bool add_leaf(gm_tree *t, const char *name, const struct stat *st, gm_error *err)
{
	if (t->leaves == t->room) {
		const size_t room = t->room ? t->room * 2 : 256;
		leaf *more = realloc(t->leaf, room * sizeof *more);
		if (!more)
			return gm_fail(err, GM_ERR_MEMORY, "%s: out of memory", t->path);
		t->leaf = more, t->room = room;
	}
	t->leaf[t->leaves++] =
		(leaf){gm_arena_strdup(t->arena, name), (uint64_t)st->st_size, modified(st)};
	return true;
}

static bool walk(gm_tree *t, const char *below, int depth, gm_error *err)
{
	char full[PATH_MAX], name[PATH_MAX];
	if (snprintf(full, sizeof full, "%s/%s", t->path, below) >= (int)sizeof full)
		return gm_fail(err, GM_ERR_IO, "%s/%.60s...: the path is too long", t->path, below);
	if (depth > DEPTH_MAX)
		return gm_fail(err, GM_ERR_IO, "%s: folders more than %d deep", t->path, DEPTH_MAX);
	DIR *d = opendir(full);
	if (!d)
		return gm_fail(err, GM_ERR_IO, "cannot open %s: %s", full, strerror(errno));
	bool ok = true;
	for (const struct dirent *e; ok && (e = readdir(d));) {
		struct stat st;
		if (e->d_name[0] == '.' || strcmp(e->d_name, "__MACOSX") == 0)
			continue;
		if (snprintf(name, sizeof name, "%s%s%s", below, *below ? "/" : "", e->d_name) >=
		    (int)sizeof name)
			ok = gm_fail(err, GM_ERR_IO, "%s/%.60s...: the path is too long", t->path,
			             name);
		else if (fstatat(dirfd(d), e->d_name, &st, 0) != 0)
			continue; /* a link to nowhere */
		else if (S_ISDIR(st.st_mode))
			ok = walk(t, name, depth + 1, err);
		else if (S_ISREG(st.st_mode))
			ok = add_leaf(t, name, &st, err);
	}
	closedir(d);
	return ok;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const leaf *)a)->name, ((const leaf *)b)->name);
}

static bool open_folder(gm_tree *t, gm_error *err)
{
	if (!walk(t, "", 0, err))
		return false;
	if (t->leaves)
		qsort(t->leaf, t->leaves, sizeof *t->leaf, by_name);
	for (size_t i = 0; i < t->leaves; i++) {
		const leaf *l = t->leaf + i;
		t->identity = gm_hash(t->identity, l->name, strlen(l->name));
		t->identity = gm_hash(t->identity, &l->size, sizeof l->size);
		t->identity = gm_hash(t->identity, &l->modified, sizeof l->modified);
	}
	return true;
}

/* ---- archives ---- */

static bool archive_failed(const gm_tree *t, gm_error *err)
{
	const char *why = archive_error_string(t->archive);
	return gm_fail(err, archive_errno(t->archive) == ENOMEM ? GM_ERR_MEMORY : GM_ERR_FORMAT,
	               "%s: not an archive that can be read: %s", t->path,
	               why ? why : "corrupt or cut short");
}

static bool open_archive(gm_tree *t, gm_error *err)
{
	struct stat st;
	gm_bytes file;
	if (stat(t->path, &st) != 0 || !gm_file_open(t->path, &file, err))
		return gm_fail(err, GM_ERR_IO, "cannot open %s: %s", t->path, strerror(errno));
	const uint64_t facts[] = {file.size, modified(&st)};
	const size_t n = file.size < SAMPLE ? file.size : SAMPLE;
	t->packed = file.size;
	t->identity = gm_hash(0, facts, sizeof facts);
	t->identity = gm_hash(t->identity, file.data, n);
	t->identity = gm_hash(t->identity, file.data + file.size - n, n);
	gm_file_close(&file);

	t->archive = archive_read_new();
	if (!t->archive)
		return gm_fail(err, GM_ERR_MEMORY, "%s: out of memory", t->path);
	/* The kinds that are promised, not the dozens of old ones that libarchive also knows. */
	archive_read_support_filter_gzip(t->archive);
	archive_read_support_filter_bzip2(t->archive);
	archive_read_support_filter_xz(t->archive);
	archive_read_support_filter_zstd(t->archive);
	archive_read_support_format_tar(t->archive);
	archive_read_support_format_zip(t->archive);
	return archive_read_open_filename(t->archive, t->path, BLOCK) == ARCHIVE_OK ||
	       archive_failed(t, err);
}

gm_tree *gm_tree_open(const char *path, gm_error *err)
{
	gm_tree *t = calloc(1, sizeof *t);
	if (!t) {
		gm_fail(err, GM_ERR_MEMORY, "out of memory");
		return NULL;
	}
	t->arena = gm_arena_new();
	t->path = gm_arena_strdup(t->arena, path);
	if (!(gm_file_is_folder(path) ? open_folder(t, err) : open_archive(t, err))) {
		gm_tree_close(t);
		return NULL;
	}
	return t;
}

void gm_tree_close(gm_tree *t)
{
	if (!t)
		return;
	archive_read_free(t->archive);
	free(t->leaf);
	gm_arena_free(t->arena);
	free(t);
}

uint64_t gm_tree_identity(const gm_tree *t)
{
	return t->identity;
}

const char *gm_tree_place(const gm_tree *t, uint64_t *done, uint64_t *total)
{
	if (!t->archive) {
		*done = t->at, *total = t->leaves;
		return "files";
	}
	const la_int64_t read = archive_filter_bytes(t->archive, -1);
	*done = read > 0 ? (uint64_t)read : 0, *total = t->packed;
	return "bytes";
}

static bool next_in_archive(gm_tree *t, gm_tree_file *f, gm_error *err)
{
	for (;;) {
		const int status = archive_read_next_header(t->archive, &t->entry);
		if (status == ARCHIVE_EOF)
			return false;
		/* A warning (an odd time stamp, a name in an old encoding) leaves the entry usable. */
		if (status != ARCHIVE_OK && status != ARCHIVE_WARN)
			return archive_failed(t, err);
		/* Names in UTF-8 have no other form where the locale is plain C. */
		const char *name = archive_entry_pathname_utf8(t->entry);
		name = name ? name : archive_entry_pathname(t->entry);
		while (name && (name[0] == '/' || (name[0] == '.' && name[1] == '/')))
			name++;
		if (archive_entry_filetype(t->entry) != AE_IFREG || !name || hidden(name))
			continue;
		const la_int64_t size = archive_entry_size(t->entry);
		*f = (gm_tree_file){name, size > 0 ? (uint64_t)size : 0};
		return true;
	}
}

bool gm_tree_next(gm_tree *t, gm_tree_file *f, gm_error *err)
{
	if (t->archive)
		return next_in_archive(t, f, err);
	if (t->at == t->leaves)
		return false;
	*f = (gm_tree_file){t->leaf[t->at].name, t->leaf[t->at].size};
	t->at++;
	return true;
}

static bool too_long(size_t most, gm_error *err)
{
	return gm_fail(err, GM_ERR_FORMAT, "longer than %zu bytes", most);
}

static bool read_entry(gm_tree *t, size_t most, uint8_t **bytes, size_t *n, gm_error *err)
{
	size_t room = 0;
	for (;;) {
		if (*n == room) {
			if (room > most)
				return too_long(most, err);
			/* The size in the listing is a hint: nothing is believed before it is read. */
			const la_int64_t hint = archive_entry_size(t->entry);
			room = room                                   ? room * 2
			       : hint > 0 && hint < (la_int64_t)BLOCK ? (size_t)hint + 1
			                                              : BLOCK;
			uint8_t *more = realloc(*bytes, room);
			if (!more)
				return gm_fail(err, GM_ERR_MEMORY, "out of memory");
			*bytes = more;
		}
		const la_ssize_t got = archive_read_data(t->archive, *bytes + *n, room - *n);
		if (got < 0) {
			const char *why = archive_error_string(t->archive);
			return gm_fail(err, GM_ERR_FORMAT, "%s",
			               why ? why : "corrupt in the archive");
		}
		if (got == 0)
			return *n <= most || too_long(most, err);
		*n += (size_t)got;
	}
}

static bool read_leaf(gm_tree *t, size_t most, uint8_t **bytes, size_t *n, gm_error *err)
{
	char full[PATH_MAX];
	gm_bytes file;
	const leaf *l = t->leaf + t->at - 1;
	snprintf(full, sizeof full, "%s/%s", t->path, l->name);
	if (l->size > most)
		return too_long(most, err);
	if (!gm_file_open(full, &file, err))
		return false;
	*bytes = malloc(file.size + !file.size);
	if (*bytes)
		memcpy(*bytes, file.data, *n = file.size);
	gm_file_close(&file);
	return *bytes || gm_fail(err, GM_ERR_MEMORY, "out of memory");
}

bool gm_tree_read(gm_tree *t, size_t most, uint8_t **bytes, size_t *n, gm_error *err)
{
	*bytes = NULL;
	*n = 0;
	if (t->archive ? read_entry(t, most, bytes, n, err) : read_leaf(t, most, bytes, n, err))
		return true;
	free(*bytes);
	*bytes = NULL;
	return false;
}
