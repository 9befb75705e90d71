/* SPDX-License-Identifier: MIT
 *
 * cli/translate_classes.c -- the classes that an independent classifier finds in inputs and in
 * results of ganymede translate, as Choi et al. 2018, arXiv:1711.09020, section 5.5, score domains.
 */
#include "cli/translate.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "run/folder.h"
#include "use/saved_run.h"

struct translate_classifier {
	gm_saved *run;
	int64_t classes, *before, *after, images;
	float *logit;
};

translate_classifier *translate_classifier_open(const char *run, const char *outdir, gm_error *err)
{
	char path[PATH_MAX];
	translate_classifier *c = calloc(1, sizeof *c);
	if (!c) {
		gm_fail(err, GM_ERR_MEMORY, "no memory for a classifier");
		return NULL;
	}
	bool ok = gm_folder_checkpoint(run, outdir, path, NULL, err) &&
	          (c->run = gm_saved_open_file(path, &(gm_saved_options){.batch = 1}, err)) &&
	          gm_saved_must(c->run, GM_ENDPOINT_CLASSIFY, err);
	if (ok) {
		c->classes = gm_saved_shape(c->run, GM_ENDPOINT_CLASSIFY).dim[1];
		c->before = calloc((size_t)c->classes, sizeof *c->before);
		c->after = calloc((size_t)c->classes, sizeof *c->after);
		c->logit = calloc((size_t)c->classes, sizeof *c->logit);
		ok = (c->before && c->after && c->logit) ||
		     gm_fail(err, GM_ERR_MEMORY, "no memory for a classifier");
	}
	if (ok)
		return c;
	translate_classifier_free(c);
	return NULL;
}

void translate_classifier_free(translate_classifier *c)
{
	if (!c)
		return;
	gm_saved_free(c->run);
	free(c->before), free(c->after), free(c->logit);
	free(c);
}

static bool count(translate_classifier *c, const gm_picture *x, int64_t *counts, gm_error *err)
{
	const gm_facts *f = gm_saved_facts(c->run);
	if (x->channels != f->channels || x->height != f->height || x->width != f->width)
		return gm_fail(
			err, GM_ERR_VALUE,
			"option classify: that run takes pictures of %dx%d and %d channels, not "
			"%dx%d and %d",
			(int)f->width, (int)f->height, (int)f->channels, x->width, x->height,
			x->channels);
	if (!gm_saved_run(c->run, GM_ENDPOINT_CLASSIFY, (const void *[]){x->x}, 0, 0, c->logit,
	                  err))
		return false;
	int64_t most = 0;
	for (int64_t k = 1; k < c->classes; k++)
		most = c->logit[k] > c->logit[most] ? k : most;
	counts[most]++;
	return true;
}

bool translate_classifier_count(translate_classifier *c, const gm_picture *x, const gm_picture *y,
                                gm_error *err)
{
	c->images++;
	return count(c, x, c->before, err) && count(c, y, c->after, err);
}

void translate_classifier_say(const translate_classifier *c)
{
	const char *const *name = gm_saved_facts(c->run)->class_names;
	printf("  classified by %s (%" PRId64 " images): inputs, results\n", gm_saved_path(c->run),
	       c->images);
	for (int64_t k = 0; k < c->classes; k++) {
		char number[24];
		snprintf(number, sizeof number, "%" PRId64, k);
		if (c->before[k] || c->after[k])
			printf("    %-20s %6.1f %%  %6.1f %%\n", name ? name[k] : number,
			       100. * (double)c->before[k] / (double)c->images,
			       100. * (double)c->after[k] / (double)c->images);
	}
}

void translate_classifier_scores(const translate_classifier *c, json_t *scores)
{
	char name[32];
	for (int64_t k = 0; k < c->classes; k++) {
		snprintf(name, sizeof name, "class-%" PRId64, k);
		json_object_set_new(scores, name,
		                    json_real((double)c->after[k] / (double)c->images));
	}
}
