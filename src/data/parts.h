/* SPDX-License-Identifier: MIT
 *
 * parts.h -- the folders of an album by their names: which are parts of a set (train, test, val),
 * which sides of pairs, and which neither. The rules stand in docs/data-formats.md. */
#ifndef GANYMEDE_DATA_PARTS_H
#define GANYMEDE_DATA_PARTS_H

#include "base/arena.h"
#include "data/album.h"

typedef struct gm_parts_folder {
	const char *name;
	const char *split;         /* "train", "test" or "val"; NULL: of any, or no part */
	char side;                 /* 'a', 'b' or 0 */
	int rank;                  /* of several for one part and side the lowest is used */
	uint64_t pictures, direct; /* in it; directly in it */
} gm_parts_folder;

/* Which folders of PREFIX/ONE/TWO/... say the part. */
typedef enum gm_parts_nesting {
	GM_PARTS_FLAT,  /* ONE: train, test, trainA, A, ... */
	GM_PARTS_SIDES, /* both: A/train, B/train */
	GM_PARTS_PAIRS, /* both: train/A, train/B, which have files of the same names */
	GM_PARTS_INNER  /* TWO: cat/train, dog/train, of which ONE is the class */
} gm_parts_nesting;

typedef struct gm_parts {
	const char *prefix; /* folders that (nearly) all names begin with and that say nothing */
	size_t common;      /* its letters */
	bool parted;        /* folders are parts; else they are classes or nothing */
	gm_parts_nesting nesting;
	const char *within; /* the first picture in a part's folder within a class, or NULL */
	/* In the order of their names, in arena: the first ones below prefix, or as nesting says.
	 */
	gm_parts_folder *folder;
	int folders;
} gm_parts;

/* by_name: false takes no folder for a part. False where memory is short. */
bool gm_parts_look(gm_parts *q, const gm_album *a, gm_arena *arena, bool by_name);
/* Which folder the picture called name lies in, where folders are parts; -1: in none. */
int gm_parts_of(const gm_parts *q, const char *name);
/* The rest of name below prefix and part; NULL where it lies in neither. */
const char *gm_parts_below(const gm_parts *q, const char *name);
/* The folder that holds split on that side, with pictures in it; -1 where there is none. Where no
 * folder is called test, val is. */
int gm_parts_find(const gm_parts *q, const char *split, char side);
/* used[folders]: those that some split and side find. */
void gm_parts_used(const gm_parts *q, bool *used);
/* "train", "test" or "val" where a folder of that name can be that part; else NULL. */
const char *gm_parts_split(const char *folder);
/* That the set at path has no such part, and what it has instead. */
bool gm_parts_lack(const gm_parts *q, const char *path, const char *split, gm_error *err);

#endif
