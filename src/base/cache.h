/* SPDX-License-Identifier: MIT
 *
 * cache.h -- where things are kept that can be had again: $XDG_CACHE_HOME/ganymede, else
 * ~/.cache/ganymede (the XDG base directory specification). */
#ifndef GANYMEDE_DATA_CACHE_H
#define GANYMEDE_DATA_CACHE_H

#include "ganymede/base.h"

#include <limits.h>

/* The path of a file or folder in the cache; its folder is made. False, without an error to tell,
 * where there is no home or it cannot be written: a cache is a convenience. */
bool gm_cache_path(const char *folder, const char *name, char path[PATH_MAX]);

#endif
