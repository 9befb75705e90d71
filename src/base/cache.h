/* SPDX-License-Identifier: MIT
 *
 * cache.h -- the cache folder: $XDG_CACHE_HOME/ganymede, else ~/.cache/ganymede (the XDG base
 * directory specification). */
#ifndef GANYMEDE_DATA_CACHE_H
#define GANYMEDE_DATA_CACHE_H

#include "ganymede/base.h"

#include <limits.h>

/* Writes the path of a file or folder in the cache to `path` and creates its folder. False, without
 * an error, if there is no home folder or it is not writable: the cache is optional. */
bool gm_cache_path(const char *folder, const char *name, char path[PATH_MAX]);

#endif
