/* SPDX-License-Identifier: MIT
 *
 * score/score_forecast.c -- predicted label maps beside the true ones, and beside two predictions
 * without a net: the last given map, and this map moved on by the optical flow of the frames. After
 * Luc et al. 2017, arXiv:1703.07684, section 4.1 and test.lua: the intersection over union of one
 * confusion matrix of all pixels.
 */
#include "score/sweep.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ganymede/image.h"
#include "ganymede/metrics.h"

enum { MODEL, COPY, FLOW, WAYS, EXAMPLES = 500, CLASSES = 256 };
static const double FOUND = .5; /* an object's IoU from which it counts as found */

typedef struct forecast {
	int64_t given, ahead, classes, height, width;
	bool objects, chosen[CLASSES];
	int64_t unlabelled;
	const gm_field *video; /* NULL: the flow is that of the maps' colours */
	float *frames;         /* the last two given, [2,C,h,w] */
	float *flow, *spare;   /* [2,h,w], from the last given frame to the one before it */
	float *scores, *moved; /* [classes,h,w]: the last map, moved on by the flow */
	int32_t *got;          /* [h,w] */
	int64_t *count;        /* [ahead, WAYS, classes, classes] */
	/* of objects: sum of IoU and number of those found, of `seen` */
	double *iou, *found; /* [ahead, WAYS] */
	int64_t *seen;       /* [ahead] */
} forecast;

/* The classes that option moving-classes lists. */
static bool choose(forecast *f, const char *list, gm_error *err)
{
	for (int64_t k = 1; k < f->classes; k++)
		f->chosen[k] = !strcmp(list, "auto") && k != f->unlabelled;
	for (const char *at = list; strcmp(list, "auto") && *at;) {
		char *end;
		const long k = strtol(at, &end, 10);
		if (k >= f->classes)
			return gm_fail(err, GM_ERR_VALUE,
			               "option moving-classes: no class %ld of %lld, from 0", k,
			               (long long)f->classes);
		f->chosen[k] = true;
		at = end + (*end == ',');
	}
	return true;
}

static void end(forecast *f)
{
	free(f->frames), free(f->flow), free(f->got), free(f->count), free(f->iou), free(f->seen);
}

static bool begin(forecast *f, gm_run *r, const gm_shape *s, gm_dataset *d, gm_error *err)
{
	*f = (forecast){.given = gm_settings_int(r->settings, "given"),
	                .ahead = gm_settings_int(r->settings, "ahead"),
	                .classes = s->dim[2],
	                .height = s->dim[3],
	                .width = s->dim[4],
	                .objects = !strcmp(gm_settings_get(r->settings, "segments"), "objects"),
	                .unlabelled = gm_settings_int(r->settings, "unlabelled"),
	                .video = gm_data_field(d, "video")};
	const size_t plane = (size_t)(f->height * f->width), k = (size_t)f->classes,
		     n = (size_t)f->ahead;
	const int64_t channels = f->video ? f->video->shape[1] : 3;
	if (k > CLASSES)
		return gm_fail(err, GM_ERR_VALUE, "metric forecast is for at most %d classes",
		               CLASSES);
	f->frames = malloc(2 * plane * (size_t)channels * sizeof(float));
	f->flow = malloc((4 + 2 * k) * plane * sizeof(float));
	f->got = malloc(plane * sizeof *f->got);
	f->count = calloc(n * WAYS * k * k, sizeof *f->count);
	f->iou = calloc(2 * n * WAYS, sizeof *f->iou);
	f->seen = calloc(n, sizeof *f->seen);
	if (!f->frames || !f->flow || !f->got || !f->count || !f->iou || !f->seen)
		return gm_fail(err, GM_ERR_MEMORY, "no memory for label maps");
	f->spare = f->flow + 2 * plane, f->scores = f->spare + 2 * plane;
	f->moved = f->scores + k * plane, f->found = f->iou + n * WAYS;
	return choose(f, gm_settings_get(r->settings, "moving-classes"), err);
}

/* IoU of each object that the true map shows. */
static void score_objects(forecast *f, int64_t k, int way, const int32_t *truth)
{
	for (int32_t o = 1; o < f->classes; o++) {
		int64_t both = 0, either = 0, there = 0;
		for (int64_t i = 0; i < f->height * f->width; i++) {
			const bool is = truth[i] == o, got = f->got[i] == o;
			both += is && got, either += is || got, there += is;
		}
		if (!there)
			continue;
		f->iou[k * WAYS + way] += (double)both / (double)either;
		f->found[k * WAYS + way] += (double)both >= FOUND * (double)either;
		f->seen[k] += way == MODEL;
	}
}

/* Adds f->got as the prediction of map k after the given ones. */
static bool add(forecast *f, int64_t k, int way, const int32_t *truth, gm_error *err)
{
	int64_t *count = f->count + (k * WAYS + way) * f->classes * f->classes;
	if (!gm_segments_add(count, truth, f->got, f->height * f->width, f->classes, err))
		return false;
	if (f->unlabelled >= 0 && f->unlabelled < f->classes)
		memset(count + f->unlabelled * f->classes, 0, (size_t)f->classes * sizeof *count);
	if (f->objects)
		score_objects(f, k, way, truth);
	return true;
}

/* The flow from the last given frame to the one before it. maps: the last two. */
static bool find_flow(forecast *f, const float *video, const int32_t *maps, gm_error *err)
{
	const int64_t plane = f->height * f->width, c = f->video ? f->video->shape[1] : 3;
	const gm_flow_size size = {(int)c, (int)f->height, (int)f->width};
	if (f->video)
		memcpy(f->frames, video + (f->given - 2) * c * plane,
		       2 * (size_t)(c * plane) * sizeof *video);
	else
		gm_image_labels(maps, 2, plane, f->frames);
	return gm_flow(f->frames + c * plane, f->frames, &size, f->flow, err);
}

/* The class of the largest of scores [classes,h,w] at each pixel. */
static void decide(forecast *f, const float *scores)
{
	gm_image_classes(scores, 1, f->classes, f->height * f->width, f->got);
}

/* One sequence: true maps [T,h,w], scores of predicted ones [T,classes,h,w], and its frames. */
static bool compare(forecast *f, const int32_t *maps, const float *scores, const float *video,
                    gm_error *err)
{
	const int64_t plane = f->height * f->width, one = f->classes * plane;
	const size_t bytes = (size_t)plane * sizeof *maps;
	const int32_t *last = maps + (f->given - 1) * plane;
	const gm_flow_size two = {2, (int)f->height, (int)f->width},
			   all = {(int)f->classes, (int)f->height, (int)f->width};
	for (int64_t k = 0; k < f->classes; k++)
		for (int64_t i = 0; i < plane; i++)
			f->scores[k * plane + i] = last[i] == k;
	memset(f->flow, 0, 2 * (size_t)plane * sizeof *f->flow);
	if (f->given > 1 && !find_flow(f, video, last - plane, err))
		return false;
	for (int64_t k = 0; k < f->ahead; k++) {
		const int32_t *truth = maps + (f->given + k) * plane;
		decide(f, scores + (f->given + k) * one);
		if (!add(f, k, MODEL, truth, err))
			return false;
		memcpy(f->got, last, bytes);
		if (!add(f, k, COPY, truth, err))
			return false;
		/* pixels move on as they moved before, and take their motion along */
		gm_flow_warp(f->flow, &two, f->flow, f->spare);
		memcpy(f->flow, f->spare, 2 * (size_t)plane * sizeof *f->flow);
		gm_flow_warp(f->scores, &all, f->flow, f->moved);
		memcpy(f->scores, f->moved, (size_t)one * sizeof *f->scores);
		decide(f, f->scores);
		if (!add(f, k, FLOW, truth, err))
			return false;
	}
	return true;
}

static bool tell(const forecast *f, int64_t k, gm_scores *s, gm_error *err)
{
	static const char *const way[WAYS] = {"", "-copy", "-flow"},
				 *const note[WAYS] = {"", "the last given map itself",
	                                              "that map moved on by optical flow"};
	for (int w = 0; w < WAYS; w++) {
		const int64_t *count = f->count + (k * WAYS + w) * f->classes * f->classes;
		const int up = w ? 0 : 1;
		gm_segments all;
		char name[48];
		if (!gm_segments_of(count, f->classes, &all, err))
			return false;
		const double moving = gm_segments_iou(count, f->classes, f->chosen);
		snprintf(name, sizeof name, "iou-%d%s", (int)k + 1, way[w]);
		gm_score_add(s, name, all.iou, NAN, up, note[w]);
		snprintf(name, sizeof name, "moving-iou-%d%s", (int)k + 1, way[w]);
		if (!isnan(moving) && !f->objects)
			gm_score_add(s, name, moving, NAN, up, note[w]);
		if (!f->objects || !f->seen[k])
			continue;
		snprintf(name, sizeof name, "object-iou-%d%s", (int)k + 1, way[w]);
		gm_score_add(s, name, f->iou[k * WAYS + w] / (double)f->seen[k], NAN, up, note[w]);
		snprintf(name, sizeof name, "found-%d%s", (int)k + 1, way[w]);
		gm_score_add(s, name, f->found[k * WAYS + w] / (double)f->seen[k], NAN, up,
		             note[w]);
	}
	return true;
}

bool gm_metric_forecast(gm_scorer *c, gm_scores *s, gm_error *err)
{
	gm_run *r = c->r;
	gm_run_endpoint *e = gm_scorer_endpoint(c, c->now);
	const gm_shape shape = gm_node_shape(e->y);
	forecast f = {0};
	gm_sweep w = {0};
	if (gm_node_dtype(e->in[0]) != GM_I32)
		return gm_fail(err, GM_ERR_VALUE,
		               "metric forecast is for models of label maps; of videos: frames");
	gm_dataset *d = gm_scorer_part(c, gm_scorer_scores_other(c), err);
	bool ok = gm_sweep_begin(&w, c, e, d, err) && begin(&f, r, &shape, d, err);
	const int64_t maps = ok ? w.field[0]->numel : 0, numel = f.video ? f.video->numel : 0;
	float *video = malloc((size_t)(r->batch * numel + 1) * sizeof *video);
	ok = ok && (video || gm_fail(err, GM_ERR_MEMORY, "no memory for frames"));
	if (ok && !c->o.count && w.n > EXAMPLES)
		w.n = EXAMPLES;
	for (int64_t i = 0, m; ok && i * r->batch < w.n; i++) {
		ok = (m = gm_sweep_step(&w, i, err)) >= 0 &&
		     (!f.video || gm_data_read(d, f.video, c->o.seed, (uint64_t)(i * r->batch),
		                               r->batch, video, err)) &&
		     gm_sweep_call(&w, c->o.seed, (uint64_t)i, err);
		for (int64_t j = 0; ok && j < m; j++)
			ok = compare(&f, (const int32_t *)w.in[0] + j * maps, w.out + j * w.width,
			             video + j * numel, err);
	}
	for (int64_t k = 0; ok && k < f.ahead; k++)
		ok = (k && k + 1 < f.ahead) || tell(&f, k, s, err);
	if (ok && !f.video)
		gm_score_warn(s, "the data has no field video: the flow is that of drawn maps");
	gm_sweep_end(&w);
	end(&f);
	free(video);
	return ok;
}
