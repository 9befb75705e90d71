/* SPDX-License-Identifier: MIT
 *
 * train/folder.h -- the numbered folders that runs live in, and the numbered files in them.
 */
#ifndef GM_TRAIN_FOLDER_H
#define GM_TRAIN_FOLDER_H

#include <limits.h>

#include "ganymede/base.h"

/* Makes outdir/NNNNN-name, with the number after the highest there, into path[PATH_MAX]. Two
 * programs at once get two folders; a folder that is there is never taken. Characters of name
 * that are awkward in a path become '-'. */
bool gm_folder_new(const char *outdir, const char *name, char *path, gm_error *err);

/* The run with the highest number in outdir. */
bool gm_folder_newest(const char *outdir, char *path, gm_error *err);

/* RUN as people give it: a checkpoint file, a run's folder (then its newest checkpoint), or a
 * number or name of a run in outdir. Gives the checkpoint; and in folder (may be NULL) the
 * folder that it lies in. */
bool gm_folder_checkpoint(const char *run, const char *outdir, char *checkpoint, char *folder,
                          gm_error *err);

/* Removes all but the newest `keep` checkpoints (0: removes none). */
void gm_folder_rotate(const char *folder, int64_t keep);

#endif
