/* SPDX-License-Identifier: MIT
 *
 * progress.c -- see progress.h. */
#include "base/progress.h"

#include <inttypes.h>

static _Thread_local gm_progress_fn *show;
static _Thread_local void *show_context;

void gm_progress_to(gm_progress_fn *f, void *context)
{
	show = f, show_context = context;
}

bool gm_progress_tell(const char *what, uint64_t done, uint64_t total, const char *unit,
                      gm_error *err)
{
	const gm_progress p = {.what = what, .done = done, .total = total, .unit = unit};
	if (!show || show(show_context, &p))
		return true;
	return total ? gm_fail(err, GM_ERR_STATE,
	                       "stopped while %s, after %" PRIu64 " of %" PRIu64 " %s", what, done,
	                       total, unit)
	             : gm_fail(err, GM_ERR_STATE, "stopped while %s, after %" PRIu64 " %s", what,
	                       done, unit);
}

void gm_progress_end(void)
{
	if (show)
		show(show_context, &(gm_progress){0});
}
