/* SPDX-License-Identifier: MIT
 *
 * report/state.h -- state.json: the state of a run, for `ganymede runs` and other programs.
 */
#ifndef GM_REPORT_STATE_H
#define GM_REPORT_STATE_H

#include "ganymede/base.h"

typedef struct gm_state {
	char model[64];
	/* "running", "finished", "stopped" (by request), "failed"; from gm_state_read also
	 * "killed": running in the file, but no process is training */
	char state[16];
	char trouble[480]; /* why it failed, or "" */
	int64_t step, total;
	uint64_t seen;
	double started;          /* when this session began, in seconds since 1970 */
	double per_second, left; /* examples per second; remaining seconds */
	char last[400]; /* from gm_state_read: the newest line of stats.jsonl, "loss_d 0.5  ..." */
} gm_state;

/* Writes folder/state.json atomically. */
bool gm_state_write(const char *folder, const gm_state *s, gm_error *err);
/* Reads the state of a run folder, even if files are missing; false if it is not a run. */
bool gm_state_read(const char *folder, gm_state *s);

#endif
