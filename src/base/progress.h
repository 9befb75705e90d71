/* SPDX-License-Identifier: MIT
 *
 * progress.h -- progress of long operations. Code reports it here; the callback set by
 * gm_progress_to (ganymede/base.h) in this thread shows it.
 *
 *	for (uint64_t i = 0; i < n; i++) {
 *		if (!gm_progress_tell("comparing features", i, n, "rows", err))
 *			return false;
 *		...
 *	}
 *	gm_progress_end();
 *
 * Cheap enough for every iteration of a loop that takes a microsecond or more. OpenMP threads have
 * no callback, so calls from a parallel region are harmless. */
#ifndef GANYMEDE_BASE_PROGRESS_H
#define GANYMEDE_BASE_PROGRESS_H

#include "ganymede/base.h"

/* False, with GM_ERR_STATE in err, if the user requested a stop. See gm_progress. */
bool gm_progress_tell(const char *what, uint64_t done, uint64_t total, const char *unit,
                      gm_error *err);
/* Ends the operation, for any reason; call it before printing anything else. */
void gm_progress_end(void);

#endif
