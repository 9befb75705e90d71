/* SPDX-License-Identifier: MIT
 *
 * report/page.h -- index.html: the story of a run on one page that needs nothing but itself.
 *
 * The page is made from the run's folder alone (stats.jsonl, fakes-*.png and other endpoints' pictures, reals.png) and from what
 * stands here, so it can be written at any time, also for a run that has just been resumed.
 * Pictures are in the page as base64, curves as SVG: the file can be mailed.
 */
#ifndef GM_REPORT_PAGE_H
#define GM_REPORT_PAGE_H

#include "run/settings.h"

typedef struct gm_page {
	const char *folder; /* of the run */
	const gm_settings *settings;
	const char *state;   /* "running", "finished", "stopped", "failed" */
	const char *trouble; /* why it failed, or "" */
	const char *notes;   /* lines that warn, each ended by \n, or "" */
	const char *nets;    /* "G 1,234,567, D 89,012": numbers learned */
	const char *what;    /* "images" or "points" */
	int64_t step, total;
	uint64_t seen;
	double per_second, left; /* examples a second; seconds left */
} gm_page;

/* Writes folder/index.html, whole or not at all. */
bool gm_page_write(const gm_page *p, gm_error *err);

#endif
