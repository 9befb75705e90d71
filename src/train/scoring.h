/* SPDX-License-Identifier: MIT
 *
 * train/scoring.h -- metrics during training (option metrics).
 */
#ifndef GM_TRAIN_SCORING_H
#define GM_TRAIN_SCORING_H

#include "run/run.h"

bool gm_scoring_start(gm_run *r); /* opens the metrics of option metrics */
void gm_scoring_end(gm_run *r);
void gm_scoring_step(gm_run *r); /* measures and records; an error becomes a warning */

#endif
