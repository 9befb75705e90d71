/* SPDX-License-Identifier: MIT
 *
 * progress.h -- how code that takes long says how far it is. It tells; whoever called
 * gm_progress_to (ganymede/base.h) in this thread shows it, and nobody does where nobody did.
 *
 *	for (uint64_t i = 0; i < n; i++) {
 *		if (!gm_progress_tell("comparing features", i, n, "rows", err))
 *			return false;
 *		...
 *	}
 *	gm_progress_end();
 *
 * Cheap enough for every call of a loop whose turns take a microsecond or more. Threads that OpenMP
 * starts have nobody who shows, so a call from a parallel region is harmless. */
#ifndef GANYMEDE_BASE_PROGRESS_H
#define GANYMEDE_BASE_PROGRESS_H

#include "ganymede/base.h"

/* False, with GM_ERR_STATE in err, where the user asked for an end. See gm_progress. */
bool gm_progress_tell(const char *what, uint64_t done, uint64_t total, const char *unit,
                      gm_error *err);
/* What was told of is over, for whatever reason: before anything else is printed. */
void gm_progress_end(void);

#endif
