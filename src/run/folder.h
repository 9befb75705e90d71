/* SPDX-License-Identifier: MIT
 *
 * run/folder.h -- numbered run folders, and the numbered files in them.
 */
#ifndef GM_RUN_FOLDER_H
#define GM_RUN_FOLDER_H

#include <limits.h>

#include "ganymede/base.h"

/* Creates outdir/NNNNN-name with the number after the highest existing one; path[PATH_MAX] is set
 * to it. Concurrent programs get different folders; an existing folder is never used. Special
 * characters of name become '-'. */
bool gm_folder_new(const char *outdir, const char *name, char *path, gm_error *err);

/* The run with the highest number in outdir; an error if two have it. */
bool gm_folder_newest(const char *outdir, char *path, gm_error *err);

/* Finds the checkpoint of a RUN argument: a checkpoint file, a run folder (its newest checkpoint),
 * or the number or name of a run in outdir (an error if two runs have the number). folder, if not
 * NULL, is set to the folder of the checkpoint. */
bool gm_folder_checkpoint(const char *run, const char *outdir, char *checkpoint, char *folder,
                          gm_error *err);

/* Writes the newest readable checkpoint of the folder, other than not_this, to path[PATH_MAX].
 * False if there is none. */
bool gm_folder_whole_checkpoint(const char *folder, const char *not_this, char *path);

/* Locks the folder until the descriptor is closed, because two programs that train in one folder
 * would corrupt both runs. -1 with an error if another program has the lock; -2 if the file system
 * has no locks. */
int gm_folder_lock(const char *folder, gm_error *err);

/* True if a program is training in this folder, a path that starts at the folder with descriptor
 * `at` (AT_FDCWD: the current one). */
bool gm_folder_busy(int at, const char *folder);

/* True if the folder has a file "stop", by which any program may ask the run that trains there to
 * save and end. Removes the file. */
bool gm_folder_stop(const char *folder);

/* Removes incomplete files of killed programs: NAME.tmp-PID-N with no process PID. Returns their
 * number. */
int gm_folder_sweep(const char *folder);

/* Removes the folder of a run that never began, with its files. */
void gm_folder_discard(const char *folder);

/* Removes all but the newest `keep` checkpoints (0: removes none). */
void gm_folder_rotate(const char *folder, int64_t keep);

#endif
