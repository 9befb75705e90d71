/* SPDX-License-Identifier: MIT
 *
 * tree.h -- the files of a folder, or of an archive without unpacking it, one after another.
 *
 *	gm_tree *t = gm_tree_open("cifar10.tar.xz", err);
 *	gm_tree_file f;
 *	while (gm_tree_next(t, &f, err))
 *		if (wanted(f.name) && gm_tree_read(t, 1 << 20, &bytes, &n, err))
 *			...
 *	ok = !err->code;
 *	gm_tree_close(t);
 *
 * Links are followed, in folders and in archives alike: a link's name is a file with the content of what it
 * leads to. Nothing is ever written to disk, and names are only names. */
#ifndef GANYMEDE_DATA_TREE_H
#define GANYMEDE_DATA_TREE_H

#include "ganymede/base.h"

typedef struct gm_tree gm_tree;

typedef struct gm_tree_file {
	const char *name; /* from the top, parts joined by '/'; good until the next call */
	uint64_t size;    /* as stored in the listing; an archive may lie */
	/* why it is passed over: "hidden", "a link that leads nowhere", ...; NULL: a file to be read */
	const char *aside;
	bool unnamed; /* the archive's own name cannot be read, and this one is made up */
} gm_tree_file;

/* Whether path looks like an archive by its name: .zip, .tar, .tgz, .tar.gz, .tar.xz, ... */
bool gm_tree_is_archive(const char *path);

/* path: a folder, or an archive that libarchive knows. NULL with GM_ERR_IO or GM_ERR_FORMAT. */
gm_tree *gm_tree_open(const char *path, gm_error *err);
void gm_tree_close(gm_tree *t); /* NULL is fine */

/* The next file to be read: a folder's in the order of their names, an archive's in its own, its
 * links last. false at the end, and with err filled when the archive is corrupt or cut short. */
bool gm_tree_next(gm_tree *t, gm_tree_file *f, gm_error *err);
/* The same with what is passed over: hidden files (which can be read), what macOS leaves in archives,
 * links that lead nowhere or in a circle, pipes and devices (which cannot). */
bool gm_tree_next_any(gm_tree *t, gm_tree_file *f, gm_error *err);
/* The first bytes, at most most, of the file that was given; how many. 0 where it cannot be read. */
size_t gm_tree_head(gm_tree *t, uint8_t *head, size_t most);

/* The bytes of the file that gm_tree_next gave, *n of them, which the caller frees. GM_ERR_FORMAT
 * for more than most bytes. */
bool gm_tree_read(gm_tree *t, size_t most, uint8_t **bytes, size_t *n, gm_error *err);

/* How far the reading is: *done of *total, in the unit that is returned. Files of a folder, bytes of
 * an archive as it is packed. */
const char *gm_tree_place(const gm_tree *t, uint64_t *done, uint64_t *total);

/* What changes when the content does: of a folder names, sizes and times, of an archive its size,
 * time, first and last megabyte. */
uint64_t gm_tree_identity(const gm_tree *t);

#endif
