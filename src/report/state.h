/* SPDX-License-Identifier: MIT
 *
 * report/state.h -- state.json: how a run stands, for `ganymede runs` and for other programs.
 */
#ifndef GM_REPORT_STATE_H
#define GM_REPORT_STATE_H

#include "ganymede/base.h"

typedef struct gm_state {
	char model[64];
	/* "running", "finished", "stopped" (asked to), "failed"; from gm_state_read also "killed":
	 * it says running, and nobody trains there */
	char state[16];
	char trouble[480]; /* why it failed, or "" */
	int64_t step, total;
	char last[400]; /* from gm_state_read: the newest line of stats.jsonl, "loss_d 0.5  ..." */
} gm_state;

/* Writes folder/state.json, whole or not at all. */
bool gm_state_write(const char *folder, const gm_state *s, gm_error *err);
/* Of any folder that holds a run, whatever is missing in it; false where it is no run. */
bool gm_state_read(const char *folder, gm_state *s);

#endif
