/* SPDX-License-Identifier: MIT
 *
 * use/saved_run.h -- the gm_run of a gm_saved, for src/score.
 */
#ifndef GM_USE_SAVED_RUN_H
#define GM_USE_SAVED_RUN_H

#include "ganymede/saved.h"
#include "run/run.h"

gm_run *gm_saved_inside(gm_saved *s);
const gm_settings *gm_saved_settings(const gm_saved *s);
/* gm_saved_open of a checkpoint file, without searching for runs. */
gm_saved *gm_saved_open_file(const char *checkpoint, const gm_saved_options *o, gm_error *err);
/* The same checkpoint with batches of this many rows, with or without moving averages as in s. */
gm_saved *gm_saved_again(const gm_saved *s, int64_t batch, gm_error *err);

#endif
