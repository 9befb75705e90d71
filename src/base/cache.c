/* SPDX-License-Identifier: MIT
 *
 * cache.c -- the cache's folder. See cache.h. */
#include "base/cache.h"

#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>

bool gm_cache_path(const char *folder, const char *name, char path[PATH_MAX])
{
	char base[PATH_MAX];
	const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	int n = -1;
	/* The specification: a path that is not absolute is to be ignored. */
	if (xdg && *xdg == '/')
		n = snprintf(base, sizeof base, "%s/ganymede/%s", xdg, folder);
	else if (home && *home == '/')
		n = snprintf(base, sizeof base, "%s/.cache/ganymede/%s", home, folder);
	if (n < 0 || n >= (int)sizeof base || !gm_file_make_folder(base, NULL))
		return false;
	return snprintf(path, PATH_MAX, "%s/%s", base, name) < PATH_MAX;
}
