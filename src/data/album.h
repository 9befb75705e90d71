/* SPDX-License-Identifier: MIT
 *
 * album.h -- the images of a folder or archive, decoded and resized to one size, with information
 * about their files. Decoding is done once: the album is written to the cache, and the next start
 * maps this file. The cache is keyed by the identity of the content (gm_tree_identity) and by the
 * options that affect pixels; it contains all splits of a set. A cache file that is damaged or of
 * another version is rebuilt; without a writable cache the album is kept in memory.
 *
 * The file: pixels, entries, bad and other files, tables, text, then a footer with their counts and
 * hashes. It is for this machine: byte order is not converted. */
#ifndef GANYMEDE_DATA_ALBUM_H
#define GANYMEDE_DATA_ALBUM_H

#include "base/file.h"
#include "ganymede/data.h"

enum {
	ALBUM_ALPHA = 1,
	ALBUM_DEEP = 2,
	ALBUM_TURNED = 4,
	ALBUM_COLOUR = 8,
	ALBUM_FIRST = 16, /* the file has several images; the first is used */
	ALBUM_FORMAT = 8  /* higher bits: index in gm_album_formats */
};
extern const char *const
	gm_album_formats[]; /* "PNG", "JPEG", ..., as gm_image_facts.format; ends with NULL */

/* The image of a file. Entries are sorted by name. */
typedef struct gm_album_entry {
	uint64_t slot; /* of its pixels, the first of gm_album.each; of halves the left one */
	uint64_t hash; /* of its pixels as stored here */
	uint64_t name, caption; /* offset in text; caption 0 = none */
	int32_t width, height;  /* of the upright image in the file */
	uint32_t facts;         /* ALBUM_... */
	uint32_t order;         /* position in the order of reading */
} gm_album_entry;

/* A file without a usable image, and the reason. Sorted by name. */
typedef struct gm_album_left {
	uint64_t name, reason; /* offset in text */
	uint64_t order;
} gm_album_left;

/* The content of a file with labels. Sorted by name. */
typedef struct gm_album_table {
	uint64_t name, text; /* offset in text; may contain zeros */
	uint64_t size;
} gm_album_table;

typedef struct gm_album {
	int channels, height, width;
	uint64_t entries;
	uint64_t bads;   /* unusable files with an image format or name */
	uint64_t others; /* all other files, but captions and tables */
	uint64_t tables;
	uint64_t slots;
	int each; /* slots of each entry: 1, 2 halves, or its patches */
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

/* Parses and checks a cache file with this key. On success a owns map. Not static for the
 * fuzzer. */
bool gm_album_parse(gm_album *a, const gm_bytes *map, uint64_t key, gm_error *err);
/* Writes an album whose pixels are already in w. */
bool gm_album_write(const gm_album *a, uint64_t key, gm_writer *w, gm_error *err);

#endif
