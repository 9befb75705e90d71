/* SPDX-License-Identifier: MIT
 *
 * album.h -- the pictures of a folder or archive, decoded and brought to one size, with everything
 * that was learnt about their files on the way.
 *
 * Decoding is done once: the album is written to a file in the cache, and the next start maps that
 * file instead. The cache is keyed by what the content is (gm_tree_identity) and by the settings
 * that change pixels; it holds both splits of a set. A file that is damaged, or from another
 * version, is decoded again; a cache that cannot be written is done without.
 *
 * The file: pixels, entries, bad and other files, tables, text, then a footer with their counts and hashes. It is
 * for this machine: byte order is not converted. */
#ifndef GANYMEDE_DATA_ALBUM_H
#define GANYMEDE_DATA_ALBUM_H

#include "base/file.h"
#include "ganymede/data.h"

enum {
	ALBUM_ALPHA = 1,
	ALBUM_DEEP = 2,
	ALBUM_TURNED = 4,
	ALBUM_COLOUR = 8,
	ALBUM_FIRST = 16, /* of the pictures in its file, the others are left out */
	ALBUM_FORMAT = 8  /* bits further up: its place among gm_album_formats */
};
extern const char *const
	gm_album_formats[]; /* "PNG", "JPEG", ..., as gm_image_facts.format; ends with NULL */

/* A file's picture. Entries are sorted by name. */
typedef struct gm_album_entry {
	uint64_t slot;          /* of its pixels; with halves the right one's is slot + 1 */
	uint64_t hash;          /* of its pixels as stored here */
	uint64_t name, caption; /* where in text; caption 0 = none */
	int32_t width, height;  /* of the file's picture, upright */
	uint32_t facts;         /* ALBUM_... */
	uint32_t order;         /* among the files as they were read */
} gm_album_entry;

/* A file that gave no picture, and why. Sorted by name. */
typedef struct gm_album_left {
	uint64_t name, reason; /* where in text */
	uint64_t order;
} gm_album_left;

/* A file with labels for pictures, as it is. Sorted by name. */
typedef struct gm_album_table {
	uint64_t name, text; /* where in text; its zeros, if any, are part of it */
	uint64_t size;
} gm_album_table;

typedef struct gm_album {
	int channels, height, width;
	uint64_t entries;
	uint64_t bads;   /* files that are, or are called, pictures and cannot be used */
	uint64_t others; /* all other files, but captions and tables */
	uint64_t tables;
	uint64_t slots;
	int halves; /* slots of each entry: 1, or 2 */
	uint64_t text_size;
	const uint8_t *pixel; /* [slots, channels, height, width] */
	const gm_album_entry *entry;
	const gm_album_left *bad, *other;
	const gm_album_table *table;
	const char *text; /* starts with a zero */
	char how[64];     /* for gm_data_info.resize */
	bool cached;      /* came from the cache */
	gm_bytes map;     /* owned; or all of the above are on the heap */
	void *heap[6];    /* owned */
} gm_album;

/* path: a folder or an archive. */
bool gm_album_open(gm_album *a, const char *path, const gm_data_options *o, gm_error *err);
void gm_album_close(gm_album *a); /* fine on a zeroed one */

#define GM_ALBUM_FOOTER 160 /* bytes; the last eight are a hash of those before */

/* The file of the cache, or bytes that claim to be one, checked against key. Borrows nothing: on
 * success a owns map. Public for the fuzzer. */
bool gm_album_parse(gm_album *a, const gm_bytes *map, uint64_t key, gm_error *err);
/* Writes an album whose pixels are already in w. */
bool gm_album_write(const gm_album *a, uint64_t key, gm_writer *w, gm_error *err);

#endif
