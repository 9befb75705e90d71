/* SPDX-License-Identifier: MIT
 *
 * pictures.h -- a finite set of pictures held as bytes, in memory or mapped, from whichever format.
 * A format is a gm_format in a file of its own, and a line in the table of pictures.c. */
#ifndef GANYMEDE_DATA_PICTURES_H
#define GANYMEDE_DATA_PICTURES_H

#include "base/arena.h"
#include "base/content.h"
#include "data/album.h"
#include "data/fit.h"

/* An attribute of every example, other than the label: an integer, or a column of a table with real
 * numbers. */
typedef struct gm_number {
	const char *name;
	int classes;
	const char **class_names; /* in arena, or NULL */
	int32_t *value;           /* [count], owned; or NULL */
	float *real;              /* [count], owned; or NULL */
	int offset, width;        /* of a table: numbers of the example that encode it; else 0 */
} gm_number;

typedef struct gm_pictures {
	uint64_t count;
	int channels, height, width; /* as stored */
	const uint8_t *pixel;        /* [pictures, channels, height, width] */
	void *owned;                 /* pixel, where it is on the heap */
	float *point;                /* of sets of points: [count, width] instead; owned */
	bool is_table;               /* these points are the rows of a table */
	int32_t *label;              /* [count] or NULL, owned */
	int labels;                  /* classes; 0 where unlabelled */
	const char **class_names;    /* [labels] or NULL, owned; the names live in album or arena */
	gm_arena *arena;             /* or NULL */
	const char *about, *format;  /* for gm_data_info */

	/* Of folders and archives. */
	gm_album album;
	uint64_t
		*slot; /* [count] which picture an example is; NULL: the one of its number; owned */
	uint64_t *entry;   /* [count] which of the album's entries it is, or NULL; owned */
	uint64_t *slot_a;  /* [count_a] of pairs; `slot` are then the "b"; owned */
	uint64_t *entry_a; /* [count_a] the entries of slot_a; owned */
	uint64_t count_a;
	bool pairs; /* slot_a[i] belongs to slot[i] */
	bool captions;
	const char **caption; /* [count] from a table, or NULL; owned, the words in arena */
	gm_number *number;    /* owned */
	int numbers;
	int32_t *vector; /* [count, flags]: those of two classes together, or NULL; owned */
	int flags;
	/* sequences (clips.h) */
	int length;         /* of each sequence of an array, of which there are `count`; else 0 */
	int frames;         /* of an example; 0: single images */
	uint64_t *clip;     /* [count, frames] slots; owned */
	uint64_t clip_hash; /* of the content of all frames */
	/* recordings (sound.h): entries of the album are ranges of samples; width: of an example */
	int16_t *sound; /* owned; NULL for images */
	int rate;       /* Hz */
	uint64_t bad_sounds;
	gm_album_left *split_others; /* owned: the album's other files, without recordings */
	/* label maps (maps.h) */
	gm_album_entry *split_entries;   /* owned: images, then maps; or recordings */
	const gm_album_entry *map_entry; /* [maps], sorted by name */
	uint64_t maps;
	uint8_t *map; /* [map_count, height, width]: classes of pixels, owned; or NULL */
	uint64_t map_count;
	/* [count, frames]: which of them; NULL: map i is that of example i; owned */
	uint64_t *map_at;
	int map_classes;
	uint64_t left; /* readable images that are not part of the set */
	/* Notes about skipped files and decisions, one line each. */
	const char **note; /* owned, the words in arena */
	int notes;

	/* Conversion of stored images, set by gm_pictures_fit. */
	gm_fitter fit;
	float *scratch; /* for each thread: what the fitter needs */
	size_t scratch_each;
	int threads;
	const char *how; /* for gm_data_info.resize */
} gm_pictures;

/* Properties of a path, determined once for all formats. */
typedef struct gm_place {
	const char *path;
	bool folder;
	const char *ending; /* ".npy", in lower case; "" without one */
	char ending_room[16];
	gm_content content; /* of a file */
} gm_place;

typedef struct gm_format {
	bool (*takes)(const gm_place *at);
	/* Fills count, the stored sizes, pixel, labels, about and format. */
	bool (*open)(gm_pictures *p, const char *path, const gm_data_options *o, gm_error *err);
} gm_format;

extern const gm_format gm_format_idx_folder, gm_format_svhn, gm_format_npy, gm_format_npz,
	gm_format_mat, gm_format_uci, gm_format_table, gm_format_csv, gm_format_cifar,
	gm_format_album, gm_format_idx;

bool gm_pictures_open(gm_pictures *p, const char *path, const gm_data_options *o, gm_error *err);
bool gm_pictures_fit(gm_pictures *p, const gm_data_options *o, gm_error *err);
void gm_pictures_free(gm_pictures *p); /* fine on a zeroed one */

/* The captions of example i, one in each line; NULL if it has none. Only for sets with captions. */
const char *gm_pictures_caption(const gm_pictures *p, uint64_t i);

/* Stored picture number slot into x [fit.to_channels, fit.to_height, fit.to_width]. thread <
 * p->threads chooses the scratch. */
void gm_pictures_get(const gm_pictures *p, uint64_t slot, int thread, float *x);

/* A recording: p->width samples of it, in [-1, 1), from sample `offset` of it on; silence after its
 * end. i: index in the files. */
void gm_pictures_sound(const gm_pictures *p, uint64_t i, int64_t offset, float *x);

/* Hash of all examples in their order, labels included. */
uint64_t gm_pictures_hash(const gm_pictures *p);

/* Adds a note about the set, stored in p->arena, which is created if needed. */
void gm_pictures_note(gm_pictures *p, const char *fmt, ...) GM_PRINTF(2, 3);

/* For formats of a single file, which have no splits: an error unless the split is "train" or not
 * given. */
bool gm_pictures_no_split(const char *path, const gm_data_options *o, gm_error *err);
/* The only file in a's folder that is a set by itself, an archive or arrays; NULL where there is
 * none or more than one. */
const char *gm_pictures_only_set(const gm_album *a);
/* Fails with an error that there are no images at path, and what was found instead. a: its files,
 * or NULL. */
bool gm_pictures_none(const char *path, const gm_album *a, gm_error *err);
/* Labels as bytes become p->label; p->labels is the largest + 1. */
bool gm_pictures_labels(gm_pictures *p, const uint8_t *label, gm_error *err);

#endif
