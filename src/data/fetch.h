/* SPDX-License-Identifier: MIT
 *
 * fetch.h -- files from the network, whole or not at all. A file being fetched is called NAME.part;
 * it gets its name only when its SHA-256 is the right one. What is left of a broken attempt is gone
 * on with by the next. */
#ifndef GANYMEDE_DATA_FETCH_H
#define GANYMEDE_DATA_FETCH_H

#include "ganymede/data.h"

#include <limits.h>

typedef struct gm_fetch_file {
	const char *base, *name; /* the address is base + name */
	const char *sha256;      /* 64 hexadecimal digits */
} gm_fetch_file;

/* folder must exist. Nothing happens where the file is there already. */
bool gm_fetch_one(const char *folder, const gm_fetch_file *f, const gm_fetch_options *o,
                  gm_error *err);

/* Whether name is a set that can be fetched. *path: what to open, where it is all here; else "". */
bool gm_fetch_find(const char *name, char path[PATH_MAX]);

/* Whether what is fetched by that name is a network's weights, which is no data set. */
bool gm_fetch_is_weights(const char *name);

#endif
