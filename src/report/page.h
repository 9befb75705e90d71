/* SPDX-License-Identifier: MIT
 *
 * report/page.h -- index.html, the report page of a run, in a single self-contained file. It is
 * made only from the run folder (stats.jsonl, fakes-*.png and images of other endpoints, reals.png)
 * and this struct, so it can be written at any time, also directly after resuming. Images are
 * embedded as base64; curves are drawn by chart.js, which is also embedded.
 */
#ifndef GM_REPORT_PAGE_H
#define GM_REPORT_PAGE_H

#include "run/settings.h"

typedef struct gm_page {
	const char *folder; /* of the run */
	const gm_settings *settings;
	const char *state;   /* "running", "finished", "stopped", "failed" */
	const char *trouble; /* why it failed, or "" */
	const char *notes;   /* warnings, each ended by \n, or "" */
	const char *nets;    /* "G 1,234,567, D 89,012": number of parameters */
	const char *what;    /* "images" or "points" */
	int64_t step, total;
	uint64_t seen;
	double per_second, left; /* examples per second; remaining seconds */
} gm_page;

/* Writes folder/index.html atomically. */
bool gm_page_write(const gm_page *p, gm_error *err);

#endif
