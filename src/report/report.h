/* SPDX-License-Identifier: MIT
 *
 * report/report.h -- what a run reports while it trains: log lines, stats.jsonl, TensorBoard events, images, the page.
 */
#ifndef GM_REPORT_REPORT_H
#define GM_REPORT_REPORT_H

#include "run/run.h"

void gm_report_rewind(gm_run *r);                 /* stats.jsonl, to r->step */
void gm_report_warn(gm_run *r, const char *text); /* once said, also on the page */
bool gm_report_open(gm_run *r);
void gm_report_close(gm_run *r);
/* A picture of the folder, to TensorBoard under that name. */
void gm_report_png(gm_run *r, const char *name, const char *file);
void gm_report_say(gm_run *r, const char *fmt, ...) GM_PRINTF(2, 3); /* a line to log.txt and out */
void gm_report_progress(gm_run *r, bool now);
void gm_report_stats(gm_run *r);
void gm_report_done(gm_run *r);
/* index.html and state.json, for which trouble is no reason to stop; not now: only where the last
 * time is so long ago that all of them together take little of the run. */
void gm_report_page(gm_run *r, const char *state, bool now);
void gm_report_clear(gm_run *r); /* the live line, before something else is printed */

/* pictures.c */
/* Compiles what the run's pictures need; true also where there are none to make. */
bool gm_run_pictures_ready(gm_run *r);
/* What the model makes by now, into the run's folder: fakes-WHEN.png of the first endpoint that draws examples or changes
 * them (by the order of gm_endpoint_kinds), which the terminal shows too, and NAME-WHEN.png of every other one, with - for /.
 * when: the step, or "init". */
bool gm_run_picture(gm_run *r, const char *when);
bool gm_run_real_picture(gm_run *r, const char *file);

#endif
