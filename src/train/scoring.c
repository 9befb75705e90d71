/* SPDX-License-Identifier: MIT
 *
 * train/scoring.c -- metrics during training (option metrics). They do not change the run. Values
 * are written to stats.jsonl, and with their protocol to metric-NAME.jsonl. A metric that fails is
 * a warning; the run continues.
 */
#include "train/scoring.h"
#include "report/report.h"
#include "score/score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool gm_scoring_start(gm_run *r)
{
	const gm_settings *s = r->settings;
	const char *metrics = gm_settings_get(s, "metrics"),
		   *extractor = gm_settings_get(s, "extractor"),
		   *weights = gm_settings_get(s, "extractor-weights");
	if (!*metrics || r->scorer)
		return true;
	gm_score_options o = {.metrics = metrics,
	                      .extractor = *extractor ? extractor : NULL,
	                      .weights = *weights ? weights : NULL,
	                      .outdir = gm_settings_get(s, "outdir"),
	                      .count = gm_settings_int(s, "metrics-count"),
	                      .seed = r->seed};
	r->scorer = gm_scorer_open(r, &o, &r->err);
	return r->scorer != NULL;
}

void gm_scoring_step(gm_run *r)
{
	gm_scores s;
	gm_error err = {0};
	bool ok = gm_scorer_score(r->scorer, &s, &err) &&
	          gm_scores_append(&s, r->folder, r->step, gm_scorer_protocol(r->scorer),
	                           &(gm_append){.training = true, .force = true}, &err);
	for (int i = 0; ok && i < s.n; i++) {
		gm_run_value *v = gm_run_value_of(r, s.row[i].name);
		if (v)
			v->value = s.row[i].value, v->rare = true, v->at = r->step;
	}
	r->scored = true;
	if (ok)
		return;
	char text[600];
	snprintf(text, sizeof text, "no further metrics: %s", err.message);
	r->err = (gm_error){0}; /* clear the error of the failed call */
	gm_report_warn(r, text);
	gm_scorer_free(r->scorer);
	r->scorer = NULL;
}

void gm_scoring_end(gm_run *r)
{
	gm_scorer_free(r->scorer);
	r->scorer = NULL;
}
