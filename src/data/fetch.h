/* SPDX-License-Identifier: MIT
 *
 * fetch.h -- atomic downloads. A file is downloaded to NAME.part, and renamed only if its SHA-256
 * is right. An interrupted download is resumed by the next call. */
#ifndef GANYMEDE_DATA_FETCH_H
#define GANYMEDE_DATA_FETCH_H

#include "ganymede/data.h"

#include <limits.h>

typedef struct gm_fetch_file {
	const char *base, *name; /* the address is base + name */
	const char *sha256;      /* 64 hexadecimal digits */
} gm_fetch_file;

/* folder must exist. Does nothing if the file exists. */
bool gm_fetch_one(const char *folder, const gm_fetch_file *f, const gm_fetch_options *o,
                  gm_error *err);

/* True if name is a downloadable set. *path: what to open if it is complete; else "". */
bool gm_fetch_find(const char *name, char path[PATH_MAX]);

/* Where a named set lies, whether it can be downloaded or not: root/name, unless root is NULL; or,
 * downloaded, in the cache. False if it is in neither. */
bool gm_fetch_place(const char *name, const char *root, char path[PATH_MAX]);

/* True if name is network weights, not a data set. */
bool gm_fetch_is_weights(const char *name);

#endif
