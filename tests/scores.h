/* SPDX-License-Identifier: MIT
 *
 * scores.h -- scores of runs for tests.
 */
#ifndef TESTS_SCORES_H
#define TESTS_SCORES_H

#include "runs.h"
#include "score/score.h"
#include "use/saved_run.h"

static gm_scores scores_of(gm_saved *s, gm_score_options o)
{
	gm_error err = {0};
	gm_scores v = {0};
	gm_scorer *c = gm_scorer_open(gm_saved_inside(s), &o, &err);
	must(c && gm_scorer_score(c, &v, &err), &err);
	gm_scorer_free(c);
	return v;
}

static const gm_score *row(const gm_scores *s, const char *name)
{
	for (int i = 0; i < s->n; i++)
		if (!strcmp(s->row[i].name, name))
			return &s->row[i];
	fail_msg("no score %s", name);
	return NULL;
}

#endif
