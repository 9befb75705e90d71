/* SPDX-License-Identifier: MIT
 *
 * file.c -- reads and writes whole files. See file.h. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Limit for pipes, whose size is unknown. */
#define PIPE_MAX ((size_t)1 << 32)

static bool io_fail(gm_error *err, const char *what, const char *path)
{
	return gm_fail(err, GM_ERR_IO, "cannot %s %s: %s", what, path, strerror(errno));
}

static bool read_stream(int fd, const char *path, gm_bytes *out, gm_error *err)
{
	size_t room = 0;
	uint8_t *p = NULL;
	for (;;) {
		if (out->size == room) {
			room = room ? room * 2 : 1 << 16;
			uint8_t *bigger = room <= PIPE_MAX ? realloc(p, room) : NULL;
			if (!bigger) {
				free(p);
				return gm_fail(err, GM_ERR_MEMORY,
				               "%s: too long to read into memory", path);
			}
			p = bigger;
		}
		const ssize_t n = read(fd, p + out->size, room - out->size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			io_fail(err, "read", path);
			free(p);
			return false;
		}
		if (n == 0)
			break;
		out->size += (size_t)n;
	}
	out->data = out->heap = p;
	return true;
}

bool gm_file_open(const char *path, gm_bytes *out, gm_error *err)
{
	static const uint8_t nothing[1];
	*out = (gm_bytes){.data = nothing};

	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return io_fail(err, "open", path);

	struct stat st;
	bool ok = true;
	if (fstat(fd, &st) != 0) {
		ok = io_fail(err, "read", path);
	} else if (S_ISDIR(st.st_mode)) {
		ok = gm_fail(err, GM_ERR_IO, "cannot read %s: it is a folder", path);
	} else if (!S_ISREG(st.st_mode)) {
		ok = read_stream(fd, path, out, err);
	} else if (st.st_size > 0) {
		void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (map == MAP_FAILED)
			ok = io_fail(err, "read", path);
		else
			*out = (gm_bytes){.data = map, .size = (size_t)st.st_size, .map = map};
	}
	close(fd);
	if (!ok)
		*out = (gm_bytes){0};
	return ok;
}

void gm_file_close(gm_bytes *b)
{
	if (b->map)
		munmap(b->map, b->size);
	free(b->heap);
	*b = (gm_bytes){0};
}

struct gm_writer {
	int fd;
	bool failed, direct;
	char *path, *temp; /* temp is NULL when direct */
	uint8_t *buffer;
	size_t used;
};

#define BUFFER (1u << 16)

static void writer_free(gm_writer *w)
{
	free(w->path);
	free(w->temp);
	free(w->buffer);
	free(w);
}

/* The folder part of path, "." where there is none. The caller frees it. */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	if (!slash)
		return strdup(".");
	return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

gm_writer *gm_writer_open(const char *path, gm_error *err)
{
	static atomic_uint serial;
	gm_writer *w = calloc(1, sizeof *w);
	if (w) {
		w->path = strdup(path);
		w->buffer = malloc(BUFFER);
	}
	if (!w || !w->path || !w->buffer) {
		if (w)
			writer_free(w);
		gm_fail(err, GM_ERR_MEMORY, "cannot write %s: out of memory", path);
		return NULL;
	}
	struct stat st;
	w->direct = stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
	if (w->direct) {
		w->fd = open(path, O_WRONLY | O_CLOEXEC);
	} else {
		/* O_EXCL and not mkstemp, so that the file has the permissions of the user's
		 * umask. */
		for (int tries = 0; tries < 100; tries++) {
			free(w->temp);
			if (asprintf(&w->temp, "%s.tmp-%ld-%u", path, (long)getpid(),
			             atomic_fetch_add(&serial, 1)) < 0) {
				w->temp = NULL;
				errno = ENOMEM;
				w->fd = -1;
				break;
			}
			w->fd = open(w->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
			if (w->fd >= 0 || errno != EEXIST)
				break;
		}
	}
	if (w->fd < 0) {
		io_fail(err, "write", path);
		writer_free(w);
		return NULL;
	}
	return w;
}

static bool write_all(gm_writer *w, const uint8_t *p, size_t n, gm_error *err)
{
	while (n > 0) {
		const ssize_t k = write(w->fd, p, n);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0) {
			w->failed = true;
			return io_fail(err, "write", w->path);
		}
		p += k;
		n -= (size_t)k;
	}
	return true;
}

static bool flush(gm_writer *w, gm_error *err)
{
	const size_t n = w->used;
	w->used = 0;
	return write_all(w, w->buffer, n, err);
}

bool gm_writer_put(gm_writer *w, const void *data, size_t n, gm_error *err)
{
	if (w->failed)
		return gm_fail(err, GM_ERR_IO, "cannot write %s: an earlier write failed", w->path);
	if (n > BUFFER - w->used && !flush(w, err))
		return false;
	if (n >= BUFFER)
		return write_all(w, data, n, err);
	if (n > 0)
		memcpy(w->buffer + w->used, data, n);
	w->used += n;
	return true;
}

/* The rename itself lives in the folder, and is only safe when that is on the disk. Some file
 * systems cannot sync a folder; that is not a failure of ours. */
static bool sync_folder(const char *path, gm_error *err)
{
	char *folder = folder_of(path);
	const int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	bool ok = true;
	/* A folder that may be written but not listed (mode 0300) cannot be opened: nothing more
	 * can be done. */
	if (fd >= 0) {
		if (fsync(fd) != 0 && errno != EINVAL && errno != ENOTSUP && errno != EROFS)
			ok = io_fail(err, "write the folder of", path);
		close(fd);
	}
	free(folder);
	return ok;
}

bool gm_writer_close(gm_writer *w, bool commit, gm_error *err)
{
	if (!w)
		return false;
	bool ok = commit && !w->failed && flush(w, err);
	if (ok && !w->direct && fsync(w->fd) != 0)
		ok = io_fail(err, "write", w->path);
	if (close(w->fd) != 0 && ok)
		ok = io_fail(err, "write", w->path);
	if (!w->direct) {
		if (ok && rename(w->temp, w->path) != 0)
			ok = io_fail(err, "write", w->path);
		if (!ok)
			unlink(w->temp);
		else
			ok = sync_folder(w->path, err);
	}
	writer_free(w);
	return ok;
}

bool gm_file_write(const char *path, const void *data, size_t n, gm_error *err)
{
	gm_writer *w = gm_writer_open(path, err);
	const bool ok = w && gm_writer_put(w, data, n, err);
	return gm_writer_close(w, ok, err) && ok;
}

bool gm_file_exists(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0;
}

bool gm_file_is_folder(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool gm_file_can_write(const char *path, gm_error *err)
{
	struct stat st;
	const bool there = stat(path, &st) == 0;
	if (there && S_ISDIR(st.st_mode))
		errno = EISDIR;
	if (there && !S_ISREG(st.st_mode)) /* a device or a pipe is not opened: that has effects */
		return (!S_ISDIR(st.st_mode) && access(path, W_OK) == 0) ||
		       io_fail(err, "write", path);
	gm_writer *w = gm_writer_open(path, err);
	gm_writer_close(w, false, NULL);
	return w != NULL;
}

bool gm_file_make_folder(const char *path, gm_error *err)
{
	char *copy = strdup(path);
	if (!copy)
		return gm_fail(err, GM_ERR_MEMORY, "cannot make the folder %s: out of memory",
		               path);
	bool ok = *path != 0;
	if (!ok)
		gm_fail(err, GM_ERR_VALUE, "cannot make a folder without a name");
	for (char *p = copy + 1; ok; p++) {
		if (*p && *p != '/')
			continue;
		const char end = *p;
		*p = 0;
		if (mkdir(copy, 0777) != 0 && !(errno == EEXIST && gm_file_is_folder(copy))) {
			/* A parent on a read-only file system is fine as long as it is there. */
			const int reason = errno;
			if (!gm_file_is_folder(copy)) {
				errno = reason;
				ok = io_fail(err, "make the folder", copy);
			}
		}
		*p = end;
		if (!end)
			break;
	}
	free(copy);
	return ok;
}
