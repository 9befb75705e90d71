/* SPDX-License-Identifier: MIT
 *
 * file.h -- whole files in, whole files out.
 *
 * Reading gives all the bytes or one error. Writing goes to a temporary file in the same folder
 * that takes the name only when every byte is on the disk, so a crash at any instant leaves the old
 * file whole:
 *
 *	gm_writer *w = gm_writer_open(path, err);
 *	bool ok = w && gm_writer_put(w, bytes, n, err);
 *	ok = gm_writer_close(w, ok, err) && ok; // commits if ok, else removes the temporary file
 */
#ifndef GANYMEDE_BASE_FILE_H
#define GANYMEDE_BASE_FILE_H

#include "ganymede/base.h"

/* The bytes of a file: mapped where it is a regular file, read where it is a pipe. Read-only,
 * owned by the struct. */
typedef struct gm_bytes {
	const uint8_t *data; /* never NULL after gm_file_open, even when size is 0 */
	size_t size;
	void *map;  /* what to munmap, or NULL */
	void *heap; /* what to free, or NULL */
} gm_bytes;

/* Fails with GM_ERR_IO, naming path and the system's reason; a folder is refused. */
bool gm_file_open(const char *path, gm_bytes *out, gm_error *err);
void gm_file_close(gm_bytes *b); /* zeroes *b; fine on a zeroed one */

typedef struct gm_writer gm_writer;

/* NULL and GM_ERR_IO on failure. A path that is there and is not a regular file (/dev/stdout, a
 * pipe) is written directly. */
gm_writer *gm_writer_open(const char *path, gm_error *err);
bool gm_writer_put(gm_writer *w, const void *data, size_t n, gm_error *err);

/* Frees w. commit: flush to the disk and rename over path; false and the old file kept if any of
 * it fails. Without commit (and when anything failed earlier) the temporary file is removed and
 * the result is false. w may be NULL: false. */
bool gm_writer_close(gm_writer *w, bool commit, gm_error *err);

/* All of the above in one call. */
bool gm_file_write(const char *path, const void *data, size_t n, gm_error *err);

/* Whether gm_file_write can write path now: so that nobody computes for hours in vain. Leaves
 * nothing behind. GM_ERR_IO if not. */
bool gm_file_can_write(const char *path, gm_error *err);

/* True where path names something; a folder that cannot be searched gives false. */
bool gm_file_exists(const char *path);
bool gm_file_is_folder(const char *path);

/* Makes a folder and its parents. Fine where it is there already. */
bool gm_file_make_folder(const char *path, gm_error *err);

#endif
