/* SPDX-License-Identifier: MIT
 *
 * run/folder.h -- the numbered folders that runs live in, and the numbered files in them.
 */
#ifndef GM_RUN_FOLDER_H
#define GM_RUN_FOLDER_H

#include <limits.h>

#include "ganymede/base.h"

/* Makes outdir/NNNNN-name, with the number after the highest there, into path[PATH_MAX]. Two
 * programs at once get two folders; a folder that is there is never taken. Characters of name
 * that are awkward in a path become '-'. */
bool gm_folder_new(const char *outdir, const char *name, char *path, gm_error *err);

/* The run with the highest number in outdir; an error where two have it. */
bool gm_folder_newest(const char *outdir, char *path, gm_error *err);

/* RUN as people give it: a checkpoint file, a run's folder (then its newest checkpoint), or a
 * number or name of a run in outdir (a number that two runs have is an error that names them). Gives the checkpoint; and in folder (may be NULL) the
 * folder that it lies in. */
bool gm_folder_checkpoint(const char *run, const char *outdir, char *checkpoint, char *folder,
                          gm_error *err);

/* The newest checkpoint of the folder that can be read, other than not_this, into path[PATH_MAX]. False
 * where there is none. */
bool gm_folder_whole_checkpoint(const char *folder, const char *not_this, char *path);

/* Takes the folder for this program alone, until the descriptor is closed: two programs that train
 * in one folder would spoil both runs. -1 with an error when another one has it; -2 where the file
 * system knows no locks. */
int gm_folder_lock(const char *folder, gm_error *err);

/* Whether some program trains in the folder just now. */
bool gm_folder_busy(const char *folder);

/* Removes what programs that were killed left half-written: NAME.tmp-PID-N where PID is dead.
 * Returns how many. */
int gm_folder_sweep(const char *folder);

/* Removes all but the newest `keep` checkpoints (0: removes none). */
void gm_folder_rotate(const char *folder, int64_t keep);

#endif
