/* SPDX-License-Identifier: MIT
 *
 * studio/below.h -- files of run folders. Run folders may come from others, so every name is one
 * part, no symbolic link is followed, and only regular files are opened (not FIFOs or devices).
 */
#ifndef GM_STUDIO_BELOW_H
#define GM_STUDIO_BELOW_H

#include <dirent.h>
#include <sys/stat.h>

#include "ganymede/base.h"

/* Opens a folder in a folder for reading; -1 if it is none. */
int gm_below_folder(int folder, const char *name);
/* Opens a regular file for reading and fills st (may be NULL); -1 if it is none. */
int gm_below_open(int folder, const char *name, struct stat *st);
/* The bytes from..from+most of a file, ended by a zero that is not counted in *n; the caller frees
 * them. from below 0: the last `most` bytes. *start, if not NULL: where they begin. NULL if there
 * is no such file. */
char *gm_below_read(int folder, const char *name, int64_t from, size_t most, size_t *n,
                    int64_t *start);
/* The entries of a folder, by readdir; NULL on failure. The caller closes it by closedir. */
DIR *gm_below_list(int folder);
/* Total size of the regular files in a folder. */
uint64_t gm_below_bytes(int folder);
/* Removes name, with everything in it, without following links. */
bool gm_below_remove(int folder, const char *name);

#endif
