/* SPDX-License-Identifier: MIT
 *
 * score/classifier_extractor.c -- a trained classifier (a run) as a feature extractor. See
 * sample_source.h.
 */
#include "score/sample_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "metrics/extractor.h"
#include "run/folder.h"

enum { BATCH = 128 };

typedef struct judge {
	gm_saved *saved;
	gm_facts facts;
	int64_t batch, features, classes;
	float *x, *out; /* [batch, ...] of one call */
} judge;

static void end(void *self)
{
	judge *j = self;
	gm_saved_free(j->saved);
	free(j->x);
	free(j->out);
	free(j);
}

/* Grey is copied to three channels; RGB is averaged to grey. */
static void copy_picture(const judge *j, const gm_extractor_input *in, int64_t i, float *to)
{
	int64_t area = j->facts.height * j->facts.width, c = j->facts.channels;
	const float *from = in->x + i * in->channels * area;
	for (int64_t k = 0; k < c; k++)
		for (int64_t p = 0; p < area; p++) {
			float v = from[(in->channels == c ? k : 0) * area + p];
			if (c == 1 && in->channels == 3)
				v = (v + from[area + p] + from[2 * area + p]) / 3;
			to[k * area + p] = v;
		}
}

static bool run(void *self, const gm_extractor_input *in, float *features, float *logits,
                gm_error *err)
{
	judge *j = self;
	if (in->height != j->facts.height || in->width != j->facts.width)
		return gm_fail(err, GM_ERR_VALUE,
		               "the classifier needs pictures of %dx%d, these are %dx%d: give "
		               "--size, or train a classifier for this size",
		               (int)j->facts.width, (int)j->facts.height, in->width, in->height);
	for (int64_t at = 0; at < in->n; at += j->batch) {
		int64_t m = in->n - at < j->batch ? in->n - at : j->batch;
		memset(j->x, 0, j->batch * j->facts.numel * sizeof *j->x);
		for (int64_t i = 0; i < m; i++)
			copy_picture(j, in, at + i, j->x + i * j->facts.numel);
		const void *given[] = {j->x};
		if (features) {
			if (!gm_saved_run(j->saved, GM_ENDPOINT_FEATURES, given, 0, 0, j->out, err))
				return false;
			memcpy(features + at * j->features, j->out,
			       m * j->features * sizeof *features);
		}
		if (logits) {
			if (!gm_saved_run(j->saved, GM_ENDPOINT_CLASSIFY, given, 0, 0, j->out, err))
				return false;
			memcpy(logits + at * j->classes, j->out, m * j->classes * sizeof *logits);
		}
	}
	return true;
}

/* Width of the flattened output of an endpoint, [batch, width]. */
static int64_t width_of(gm_saved *s, const char *endpoint)
{
	gm_shape shape = gm_saved_shape(s, endpoint);
	int64_t n = shape.rank > 1 ? 1 : 0;
	for (int i = 1; i < shape.rank; i++)
		n *= shape.dim[i];
	return n;
}

static gm_extractor *classifier(const char *name, const char *outdir, gm_error *err)
{
	static const gm_extractor_kind kind = {.run = run, .free = end};
	char path[PATH_MAX], sha256[GM_SHA256_HEX], resize[64];
	judge *j = NULL;
	if (!gm_folder_checkpoint(name, outdir, path, NULL, err) ||
	    !gm_sha256_file(path, sha256, err))
		return NULL;
	gm_saved *s = gm_saved_open(path, &(gm_saved_options){.batch = BATCH, .exact = true}, err);
	if (!s || !gm_saved_must(s, GM_ENDPOINT_FEATURES, err) ||
	    !gm_saved_must(s, GM_ENDPOINT_CLASSIFY, err) || !(j = calloc(1, sizeof *j))) {
		gm_saved_free(s);
		return NULL;
	}
	*j = (judge){.saved = s,
	             .facts = *gm_saved_facts(s),
	             .batch = gm_saved_batch(s),
	             .features = width_of(s, GM_ENDPOINT_FEATURES),
	             .classes = width_of(s, GM_ENDPOINT_CLASSIFY)};
	int64_t wide = j->features > j->classes ? j->features : j->classes;
	j->x = calloc(j->batch * j->facts.numel, sizeof *j->x);
	j->out = calloc(j->batch * wide, sizeof *j->out);
	if (!j->x || !j->out || j->facts.points) {
		gm_fail(err, GM_ERR_VALUE, "%s is not a classifier of pictures", path);
		end(j);
		return NULL;
	}
	snprintf(resize, sizeof resize, "none: %dx%d", (int)j->facts.width, (int)j->facts.height);
	return gm_extractor_wrap(&kind, j,
	                         &(gm_extractor_info){.name = "classifier",
	                                              .weights = path,
	                                              .sha256 = sha256,
	                                              .resize = resize,
	                                              .features = j->features,
	                                              .classes = j->classes,
	                                              .class_names = j->facts.class_names,
	                                              .channels = (int)j->facts.channels},
	                         err);
}

gm_extractor *gm_score_extractor_open(const char *spec, const char *weights, const char *outdir,
                                      gm_error *err)
{
	static const char prefix[] = "classifier:";
	if (!strncmp(spec, prefix, sizeof prefix - 1) && !weights)
		return classifier(spec + sizeof prefix - 1, outdir, err);
	if (!strcmp(spec, "classifier")) {
		gm_fail(err, GM_ERR_VALUE,
		        "extractor classifier needs a run: classifier:RUN, after ganymede train "
		        "classifier --data ...");
		return NULL;
	}
	return gm_extractor_open(spec, weights, err);
}
