/* SPDX-License-Identifier: MIT
 *
 * onednn.h -- what the files of this backend share.
 */
#ifndef GM_ONEDNN_H
#define GM_ONEDNN_H

#include "backends/backends.h"
#include "backends/onednn/tape.h"

int gm_threads(void);             /* that parallel loops use now */
bool gm_tape_has(const gm_node *y); /* y is an elementwise op that tapes know */

/* Planners, in the order they are asked. */
bool gm_conv_planner(gm_plan *p, gm_unit *u);
bool gm_matmul_planner(gm_plan *p, gm_unit *u);
bool gm_loops_planner(gm_plan *p, gm_unit *u);
bool gm_loops_have(const gm_node *y);

/* Channels last: the order of a picture's axes in which this backend computes. */
extern const int gm_nhwc[4];

#endif
