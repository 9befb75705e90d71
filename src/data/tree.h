/* SPDX-License-Identifier: MIT
 *
 * tree.h -- iterates over the files of a folder or archive, without unpacking.
 *
 *	gm_tree *t = gm_tree_open("cifar10.tar.xz", err);
 *	gm_tree_file f;
 *	while (gm_tree_next(t, &f, err))
 *		if (wanted(f.name) && gm_tree_read(t, 1 << 20, &bytes, &n, err))
 *			...
 *	ok = !err->code;
 *	gm_tree_close(t);
 *
 * Links are followed, in folders and archives: a link is a file with the content of its target.
 * Nothing is written to disk. */
#ifndef GANYMEDE_DATA_TREE_H
#define GANYMEDE_DATA_TREE_H

#include "ganymede/base.h"

typedef struct gm_tree gm_tree;

typedef struct gm_tree_file {
	const char *name; /* relative to the top, separated by '/'; valid until the next call */
	uint64_t size;    /* as given by the archive; not trusted */
	/* why it is passed over: "hidden", "a link that leads nowhere", ...; NULL: a file to be
	 * read */
	const char *aside;
	bool unnamed; /* the name in the archive is unreadable; this one is generated */
} gm_tree_file;

/* Whether path looks like an archive by its name: .zip, .tar, .tgz, .tar.gz, .tar.xz, ... */
bool gm_tree_is_archive(const char *path);

/* path: a folder, or an archive that libarchive knows. NULL with GM_ERR_IO or GM_ERR_FORMAT. */
gm_tree *gm_tree_open(const char *path, gm_error *err);
void gm_tree_close(gm_tree *t); /* NULL is fine */

/* The next file: of a folder in the order of names, of an archive in its own order, with links
 * last. False at the end, and with err if the archive is corrupt or truncated. */
bool gm_tree_next(gm_tree *t, gm_tree_file *f, gm_error *err);
/* As gm_tree_next, including skipped files: hidden files (readable), macOS metadata, dangling and
 * circular links, pipes and devices (not readable). */
bool gm_tree_next_any(gm_tree *t, gm_tree_file *f, gm_error *err);
/* Reads at most `most` first bytes of the current file; returns their number, 0 if it cannot be
 * read. */
size_t gm_tree_head(gm_tree *t, uint8_t *head, size_t most);

/* Reads the current file, *n bytes, to be freed by the caller. GM_ERR_FORMAT if it has more than
 * `most` bytes. */
bool gm_tree_read(gm_tree *t, size_t most, uint8_t **bytes, size_t *n, gm_error *err);

/* Progress: *done of *total in the returned unit: files of a folder, compressed bytes of an
 * archive. */
const char *gm_tree_place(const gm_tree *t, uint64_t *done, uint64_t *total);

/* A hash that changes with the content: for a folder of names, sizes and times, for an archive of
 * its size, time, first and last megabyte. */
uint64_t gm_tree_identity(const gm_tree *t);

#endif
