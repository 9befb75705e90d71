/* SPDX-License-Identifier: MIT
 *
 * tree.c -- reads folders by system calls, archives by libarchive. See tree.h. */
#include "data/tree.h"

#include "base/arena.h"
#include "base/content.h"
#include "base/file.h"
#include "base/locale.h"
#include "base/machine.h"
#include "base/progress.h"
#include "data/links.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 64 /* folders in folders */
#define BLOCK (1 << 16)
#define SAMPLE ((size_t)1 << 20)
#define LARGE ((size_t)64 << 20) /* bytes of one entry, of which progress is told */

static const char hidden_file[] = "hidden", nowhere[] = "a dangling link",
		  circle[] = "a link to a folder that contains it",
		  irregular[] = "neither a file nor a folder", empty_folder[] = "an empty folder";

typedef struct leaf {
	const char *name, *aside;
	uint64_t size, modified; /* nanoseconds */
} leaf;

struct gm_tree {
	const char *path;
	gm_arena *arena;
	/* of a folder */
	leaf *leaf;
	size_t leaves, room, at;
	/* of an archive */
	bool packed_files;
	struct archive *archive;
	struct archive_entry *entry;
	uint64_t packed; /* bytes */
	uint64_t identity;
	uint64_t entries; /* so far, in this round */
	char *name;       /* of the entry, cleaned */
	bool unnamed;     /* it is made up */
	uint8_t head[GM_CONTENT_HEAD];
	size_t head_size;
	bool head_read;
	/* Second pass, only for archives with links: each entry's content is returned for all names
	 * that link to it. */
	gm_links *links;
	bool again;
	const char *const *alias;
	size_t aliases, next_alias, next_lost;
	uint8_t *held; /* the entry's bytes, if several names need them */
	size_t held_size;
	bool held_read;
	gm_error held_trouble;
};

bool gm_tree_is_archive(const char *path)
{
	static const char *const ends[] = {".zip",  ".cbz",    ".tar",     ".tgz",
	                                   ".txz",  ".tar.gz", ".tbz",     ".tbz2",
	                                   ".tzst", ".tar.xz", ".tar.bz2", ".tar.zst"};
	const size_t n = strlen(path);
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		const size_t e = strlen(ends[i]);
		if (n > e && strcasecmp(path + n - e, ends[i]) == 0)
			return true;
	}
	return false;
}

/* ".DS_Store", ".git/...", "__MACOSX/...": whether a part of the name hides it. */
static bool is_hidden(const char *name)
{
	for (const char *p = name; p; p = strchr(p, '/') ? strchr(p, '/') + 1 : NULL)
		if (*p == '.' || strncmp(p, "__MACOSX/", 9) == 0)
			return true;
	return false;
}

/* Folders of version control systems are skipped. */
static bool is_store(const char *name)
{
	return strcmp(name, ".git") == 0 || strcmp(name, ".svn") == 0 || strcmp(name, ".hg") == 0;
}

static uint64_t modified(const struct stat *st)
{
	return (uint64_t)st->st_mtim.tv_sec * 1000000000u + (uint64_t)st->st_mtim.tv_nsec;
}

/* ---- folders ---- */

static bool add_leaf(gm_tree *t, const char *name, const struct stat *st, const char *aside,
                     gm_error *err)
{
	if (t->leaves == t->room) {
		const size_t room = t->room ? t->room * 2 : 256;
		leaf *more = realloc(t->leaf, room * sizeof *more);
		if (!more)
			return gm_fail(err, GM_ERR_MEMORY, "%s: out of memory", t->path);
		t->leaf = more, t->room = room;
	}
	t->leaf[t->leaves++] = (leaf){gm_arena_strdup(t->arena, name),
	                              aside             ? aside
	                              : is_hidden(name) ? hidden_file
	                                                : NULL,
	                              (uint64_t)st->st_size, modified(st)};
	return true;
}

/* A folder on the way down, and those above it. */
typedef struct way {
	const struct way *up;
	const struct stat *at;
	int depth;
} way;

static bool leads_up(const way *w, const struct stat *st)
{
	for (; w; w = w->up)
		if (w->at->st_dev == st->st_dev && w->at->st_ino == st->st_ino)
			return true;
	return false;
}

static bool walk(gm_tree *t, const char *below, const way *up, gm_error *err);

static bool visit(gm_tree *t, int folder, const char *below, const char *entry, const way *here,
                  gm_error *err)
{
	char name[PATH_MAX];
	struct stat st;
	if (snprintf(name, sizeof name, "%s%s%s", below, *below ? "/" : "", entry) >=
	    (int)sizeof name)
		return gm_fail(err, GM_ERR_IO, "%s/%.60s...: the path is too long", t->path, name);
	if (fstatat(folder, entry, &st, 0) != 0) {
		const bool gone = errno == ENOENT || errno == ELOOP || errno == ENOTDIR;
		return fstatat(folder, entry, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
		       add_leaf(t, name, &st, gone ? nowhere : "it cannot be accessed", err);
	}
	if (S_ISREG(st.st_mode))
		return add_leaf(t, name, &st, NULL, err);
	if (!S_ISDIR(st.st_mode))
		return add_leaf(t, name, &st, irregular, err);
	if (is_store(entry))
		return true;
	if (leads_up(here, &st))
		return add_leaf(t, name, &st, circle, err);
	if (here->depth == DEPTH_MAX)
		return gm_fail(err, GM_ERR_IO, "%s: folders more than %d deep", t->path, DEPTH_MAX);
	return walk(t, name, &(way){here, &st, here->depth + 1}, err);
}

/* The folder called below; here is itself. */
static bool walk(gm_tree *t, const char *below, const way *here, gm_error *err)
{
	char full[PATH_MAX];
	if (snprintf(full, sizeof full, "%s/%s", t->path, below) >= (int)sizeof full)
		return gm_fail(err, GM_ERR_IO, "%s/%.60s...: the path is too long", t->path, below);
	DIR *d = opendir(full);
	if (!d)
		return gm_fail(err, GM_ERR_IO, "cannot open %s: %s", full, strerror(errno));
	bool ok = true, empty = true;
	for (const struct dirent *e; ok && (e = readdir(d));)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
			ok = visit(t, dirfd(d), below, e->d_name, here, err);
			empty = false;
		}
	closedir(d);
	return ok && (!empty || !*below || add_leaf(t, below, here->at, empty_folder, err));
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const leaf *)a)->name, ((const leaf *)b)->name);
}

static bool open_folder(gm_tree *t, gm_error *err)
{
	struct stat top;
	if (stat(t->path, &top) != 0)
		return gm_fail(err, GM_ERR_IO, "cannot open %s: %s", t->path, strerror(errno));
	if (!walk(t, "", &(way){NULL, &top, 0}, err))
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
	               "%s: not a readable archive: %s", t->path,
	               why ? why : "corrupt or truncated");
}

/* From its beginning. */
static bool start_archive(gm_tree *t, gm_error *err)
{
	if (t->archive)
		archive_read_free(t->archive);
	t->entries = 0;
	t->archive = archive_read_new();
	if (!t->archive)
		return gm_fail(err, GM_ERR_MEMORY, "%s: out of memory", t->path);
	/* Only the documented formats, not all old ones of libarchive. */
	archive_read_support_filter_gzip(t->archive);
	archive_read_support_filter_bzip2(t->archive);
	archive_read_support_filter_xz(t->archive);
	archive_read_support_filter_zstd(t->archive);
	archive_read_support_format_tar(t->archive);
	archive_read_support_format_zip(t->archive);
	return archive_read_open_filename(t->archive, t->path, BLOCK) == ARCHIVE_OK ||
	       archive_failed(t, err);
}

static bool open_archive(gm_tree *t, gm_error *err)
{
	struct stat st;
	gm_bytes file;
	if (stat(t->path, &st) != 0 || !gm_file_open(t->path, &file, err))
		return gm_fail(err, GM_ERR_IO, "cannot open %s: %s", t->path, strerror(errno));
	const uint64_t facts[] = {file.size, modified(&st)};
	const size_t n = file.size < SAMPLE ? file.size : SAMPLE;
	t->packed_files = true;
	t->packed = file.size;
	t->identity = gm_hash(0, facts, sizeof facts);
	t->identity = gm_hash(t->identity, file.data, n);
	t->identity = gm_hash(t->identity, file.data + file.size - n, n);
	gm_file_close(&file);
	return start_archive(t, err);
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
	gm_links_free(t->links);
	free(t->leaf);
	free(t->name);
	free(t->held);
	gm_arena_free(t->arena);
	free(t);
}

uint64_t gm_tree_identity(const gm_tree *t)
{
	return t->identity;
}

const char *gm_tree_place(const gm_tree *t, uint64_t *done, uint64_t *total)
{
	if (!t->packed_files) {
		*done = t->at, *total = t->leaves;
		return "files";
	}
	const la_int64_t read = archive_filter_bytes(t->archive, -1);
	*done = read > 0 ? (uint64_t)read : 0, *total = t->packed;
	return "bytes";
}

/* The entry's name into t->name: "./a//b" and "c/../a/b" become "a/b", and where Windows wrote a
 * zip "a\\b" too. */
static bool clean_name(gm_tree *t, const char *name)
{
	char made_up[32];
	/* Keep entries with unreadable names: their content can be used. */
	t->unnamed = !name || !*name;
	if (t->unnamed) {
		snprintf(made_up, sizeof made_up, "entry-%06llu", (unsigned long long)t->entries);
		name = made_up;
	}
	free(t->name);
	char *to = t->name = malloc(strlen(name) + 2);
	if (!to)
		return false;
	const bool zip =
		(archive_format(t->archive) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_ZIP;
	const char *marks = zip && !strchr(name, '/') ? "/\\" : "/";
	while (*name) {
		const size_t n = strcspn(name, marks);
		if (n == 2 && name[0] == '.' && name[1] == '.') {
			/* Up, but never out of the archive. */
			while (to > t->name && *--to != '/')
				;
		} else if (n > 0 && !(n == 1 && *name == '.')) {
			if (to > t->name)
				*to++ = '/';
			memcpy(to, name, n);
			to += n;
		}
		name += n + (name[n] != 0);
	}
	*to = 0;
	return true;
}

static bool next_header(gm_tree *t, int *status)
{
	const locale_t before = gm_utf8_begin();
	*status = archive_read_next_header(t->archive, &t->entry);
	const char *name = NULL;
	if (*status == ARCHIVE_OK || *status == ARCHIVE_WARN) {
		/* Names that are not UTF-8 have no such form, only their own bytes. */
		name = archive_entry_pathname_utf8(t->entry);
		name = name ? name : archive_entry_pathname(t->entry);
	}
	const bool ok = clean_name(t, name);
	gm_utf8_end(before);
	t->entries++;
	t->head_read = t->held_read = false;
	t->head_size = t->held_size = 0;
	free(t->held);
	t->held = NULL;
	t->held_trouble = (gm_error){0};
	return ok;
}

/* What the entry leads to, and whether that is a name from the top (a hard link); or NULL. */
static const char *link_of(const gm_tree *t, bool *hard)
{
	const locale_t before = gm_utf8_begin();
	const char *to = archive_entry_hardlink_utf8(t->entry);
	to = to ? to : archive_entry_hardlink(t->entry);
	/* Some archivers store the content with every name. */
	*hard = to && !(archive_entry_size_is_set(t->entry) && archive_entry_size(t->entry) > 0);
	if (*hard) {
		gm_utf8_end(before);
		return to;
	}
	to = NULL;
	if (archive_entry_filetype(t->entry) == AE_IFLNK) {
		to = archive_entry_symlink_utf8(t->entry);
		to = to ? to : archive_entry_symlink(t->entry);
		to = to ? to : "";
	}
	gm_utf8_end(before);
	return to;
}

/* True if *f was filled by this entry in the first pass. */
static bool take_entry(gm_tree *t, gm_tree_file *f, gm_error *err)
{
	bool hard;
	const char *to = link_of(t, &hard);
	if (to) {
		t->links = t->links ? t->links : gm_links_new();
		if (!t->links || !gm_links_add(t->links, t->name, to, hard))
			gm_fail(err, GM_ERR_MEMORY, "%s: out of memory", t->path);
		return false;
	}
	if (archive_entry_filetype(t->entry) == AE_IFDIR)
		return false;
	const la_int64_t size = archive_entry_size(t->entry);
	*f = (gm_tree_file){t->name, size > 0 ? (uint64_t)size : 0, NULL};
	f->unnamed = t->unnamed;
	if (archive_entry_filetype(t->entry) != AE_IFREG)
		f->aside = irregular;
	else if (is_hidden(t->name))
		f->aside = hidden_file;
	return true;
}

/* The next name that links to this entry, in the second pass. */
static bool take_alias(gm_tree *t, gm_tree_file *f)
{
	if (t->next_alias == t->aliases)
		return false;
	const la_int64_t size = archive_entry_size(t->entry);
	*f = (gm_tree_file){t->alias[t->next_alias++], size > 0 ? (uint64_t)size : 0, NULL};
	if (is_hidden(f->name))
		f->aside = hidden_file;
	return true;
}

/* At the end, the dangling links. */
static bool take_lost(gm_tree *t, gm_tree_file *f)
{
	bool in_circle;
	const char *name = gm_links_lost(t->links, t->next_lost++, &in_circle);
	if (!name)
		return false;
	t->entry = NULL;
	*f = (gm_tree_file){name, 0, in_circle ? circle : nowhere};
	return true;
}

static bool next_in_archive(gm_tree *t, gm_tree_file *f, gm_error *err)
{
	for (;;) {
		int status;
		if (t->again && take_alias(t, f))
			return true;
		if (t->next_lost)
			return take_lost(t, f);
		if (!next_header(t, &status))
			return gm_fail(err, GM_ERR_MEMORY, "%s: out of memory", t->path);
		if (status == ARCHIVE_EOF) {
			if (!t->links)
				return false;
			if (t->again)
				return take_lost(t, f);
			t->again = true;
			if (!gm_links_ready(t->links))
				return gm_fail(err, GM_ERR_MEMORY, "%s: out of memory", t->path);
			if (!start_archive(t, err))
				return false;
			continue;
		}
		/* A warning (an odd time stamp, a name in an old encoding) leaves the entry
		 * usable. */
		if (status != ARCHIVE_OK && status != ARCHIVE_WARN)
			return archive_failed(t, err);
		if (!t->again && take_entry(t, f, err))
			return true;
		if (err && err->code)
			return false;
		bool hard;
		if (t->again && !link_of(t, &hard) &&
		    archive_entry_filetype(t->entry) == AE_IFREG) {
			t->next_alias = 0;
			t->alias = gm_links_to(t->links, t->name, &t->aliases);
		}
	}
}

bool gm_tree_next_any(gm_tree *t, gm_tree_file *f, gm_error *err)
{
	gm_error why = {0};
	if (t->packed_files) {
		const bool found = next_in_archive(t, f, &why);
		if (why.code)
			gm_fail(err, why.code, "%s", why.message);
		return found && !why.code;
	}
	if (t->at == t->leaves)
		return false;
	const leaf *l = t->leaf + t->at++;
	*f = (gm_tree_file){l->name, l->size, l->aside};
	return true;
}

bool gm_tree_next(gm_tree *t, gm_tree_file *f, gm_error *err)
{
	while (gm_tree_next_any(t, f, err))
		if (!f->aside)
			return true;
	return false;
}

static bool too_long(size_t most, gm_error *err)
{
	return gm_fail(err, GM_ERR_FORMAT, "longer than %zu bytes", most);
}

static bool read_failed(const gm_tree *t, gm_error *err)
{
	const char *why = archive_error_string(t->archive);
	return gm_fail(err, GM_ERR_FORMAT, "%s", why ? why : "corrupt in the archive");
}

/* The entry's first bytes, which later come out of t->head. */
static bool read_head(gm_tree *t)
{
	la_ssize_t got = 1;
	while (!t->head_read && got > 0 && t->head_size < sizeof t->head) {
		got = archive_read_data(t->archive, t->head + t->head_size,
		                        sizeof t->head - t->head_size);
		t->head_size += got > 0 ? (size_t)got : 0;
	}
	t->head_read = true;
	return got >= 0;
}

static bool read_entry(gm_tree *t, size_t most, uint8_t **bytes, size_t *n, gm_error *err)
{
	size_t room = 0;
	if (!read_head(t))
		return read_failed(t, err);
	for (;;) {
		if (*n == room) {
			if (room > most)
				return too_long(most, err);
			/* The size in the archive is only a hint and is not trusted. */
			const la_int64_t hint = archive_entry_size(t->entry);
			room = room                                   ? room * 2
			       : hint > 0 && hint < (la_int64_t)BLOCK ? (size_t)hint + 1
			                                              : BLOCK;
			room = room > t->head_size ? room : t->head_size + 1;
			uint8_t *more = room ? realloc(*bytes, room) : NULL;
			if (!more)
				return gm_fail(err, GM_ERR_MEMORY, "out of memory");
			*bytes = more;
			if (*n == 0)
				memcpy(*bytes, t->head, *n = t->head_size);
		}
		const la_ssize_t got = archive_read_data(t->archive, *bytes + *n, room - *n);
		if (got < 0)
			return read_failed(t, err);
		if (got == 0)
			return *n <= most || too_long(most, err);
		*n += (size_t)got;
		/* Arrays of gigabytes are one entry. */
		if (*n > LARGE && !gm_progress_tell("reading an archive", *n,
		                                    archive_entry_size_is_set(t->entry)
		                                            ? (uint64_t)archive_entry_size(t->entry)
		                                            : 0,
		                                    "bytes", err))
			return false;
	}
}

/* The entry's bytes for one name of several. */
static bool read_held(gm_tree *t, size_t most, uint8_t **bytes, size_t *n, gm_error *err)
{
	/* Data can be read only once: the other names get the same error. */
	if (!t->held_read) {
		uint8_t *all = NULL;
		size_t size = 0;
		const bool ok = read_entry(t, most, &all, &size, &t->held_trouble);
		if (!ok)
			free(all);
		t->held = ok ? all : NULL, t->held_size = ok ? size : 0;
		t->held_read = true;
	}
	if (t->held_trouble.code)
		return gm_fail(err, t->held_trouble.code, "%s", t->held_trouble.message);
	*bytes = malloc(t->held_size + 1);
	if (!*bytes)
		return gm_fail(err, GM_ERR_MEMORY, "out of memory");
	if (t->held_size)
		memcpy(*bytes, t->held, *n = t->held_size);
	return true;
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
	if (t->packed_files && !t->entry)
		return gm_fail(err, GM_ERR_STATE, "no data");
	if (!t->packed_files             ? read_leaf(t, most, bytes, n, err)
	    : t->again && t->aliases > 1 ? read_held(t, most, bytes, n, err)
	                                 : read_entry(t, most, bytes, n, err))
		return true;
	free(*bytes);
	*bytes = NULL;
	*n = 0;
	return false;
}

static size_t head_of_leaf(const gm_tree *t, uint8_t *head, size_t most)
{
	char full[PATH_MAX];
	const leaf *l = t->leaf + t->at - 1;
	size_t n = 0;
	snprintf(full, sizeof full, "%s/%s", t->path, l->name);
	const int fd = open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t got = fd < 0 ? -1 : 1;
	while (got > 0 && n < most)
		if ((got = read(fd, head + n, most - n)) > 0)
			n += (size_t)got;
	if (fd >= 0)
		close(fd);
	return n;
}

size_t gm_tree_head(gm_tree *t, uint8_t *head, size_t most)
{
	if (!t->packed_files)
		return head_of_leaf(t, head, most);
	if (!t->entry)
		return 0;
	if (!t->held_read)
		read_head(t);
	const size_t n = t->head_size < most ? t->head_size : most;
	memcpy(head, t->head, n);
	return n;
}
