/* SPDX-License-Identifier: MIT
 *
 * report/report.h -- reports of a run: log lines, stats.jsonl, TensorBoard events, images, the
 * report page.
 */
#ifndef GM_REPORT_REPORT_H
#define GM_REPORT_REPORT_H

#include "run/run.h"

void gm_report_rewind(gm_run *r);                 /* truncates stats.jsonl to r->step */
void gm_report_warn(gm_run *r, const char *text); /* prints a warning, also on the report page */
bool gm_report_open(gm_run *r);
void gm_report_close(gm_run *r);
/* Writes an image of the folder to the TensorBoard events under this name. */
void gm_report_png(gm_run *r, const char *name, const char *file);
/* writes a line to log.txt and r->out */
void gm_report_say(gm_run *r, const char *fmt, ...) GM_PRINTF(2, 3);
void gm_report_progress(gm_run *r, bool now);
void gm_report_stats(gm_run *r);
void gm_report_done(gm_run *r);
/* Writes index.html and state.json; errors do not stop the run. now false: only if the last update
 * is long enough ago, so that updates take little of the run's time. */
void gm_report_page(gm_run *r, const char *state, bool now);
void gm_report_clear(gm_run *r); /* clears the live line before other output */

/* pictures.c */
/* Compiles the steps for sample images; also true if there are no images. */
bool gm_run_pictures_ready(gm_run *r);
/* Writes sample images to the run folder: fakes-WHEN.png of the first endpoint that generates or
 * maps examples (in the order of gm_endpoint_kinds), also shown in the terminal, and NAME-WHEN.png
 * of all others, with - for /. when: the step, or "init". */
bool gm_run_picture(gm_run *r, const char *when);
bool gm_run_real_picture(gm_run *r, const char *file);

#endif
