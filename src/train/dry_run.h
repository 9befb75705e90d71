/* SPDX-License-Identifier: MIT
 *
 * train/dry_run.h -- what `train --dry-run` prints.
 */
#ifndef GM_TRAIN_DRY_RUN_H
#define GM_TRAIN_DRY_RUN_H

#include "run/run.h"

void gm_dry_run_print(gm_run *r); /* to call->out, after measuring */
/* One line to call->out: {"parameters": {"G": 123, ..}, "checkpoint": bytes, "bytes": of all memory
 * but the data}. */
void gm_dry_run_json(gm_run *r);

#endif
