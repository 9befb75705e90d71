/* SPDX-License-Identifier: MIT
 *
 * train/monitors.h -- checks and monitors between two steps.
 */
#ifndef GM_TRAIN_MONITORS_H
#define GM_TRAIN_MONITORS_H

#include "run/run.h"

/* Reads the options and compiles the monitors. */
bool gm_monitors_start(gm_run *r);
/* After a step: checks that values are finite; at a log line also monitors and warnings. */
void gm_monitors_step(gm_run *r, bool log);
/* After a value that is not finite: rolls back to the newest checkpoint with a lower learning rate,
 * if the options allow it; else the error is kept. */
void gm_monitors_roll_back(gm_run *r);

#endif
