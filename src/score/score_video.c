/* SPDX-License-Identifier: MIT
 *
 * score/score_video.c -- predicted frames beside the true ones, where something moves, and beside
 * two predictions without a net: the last frame, and the last frame moved on by its optical flow.
 * After Mathieu et al. 2016, arXiv:1511.05440, section 4.1 and image_error_measures.lua.
 */
#include "score/sweep.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ganymede/image.h"
#include "ganymede/metrics.h"

enum { MODEL, COPY, FLOW, WAYS, FRAMES = 2, EXAMPLES = 500 };
static const double STILL = .2; /* pixels that a pixel moves by at most, if it stands still */

typedef struct video {
	int given, frames, channels, height, width;
	gm_flow_size size;
	/* [2,h,w]: flow of a pair of frames; of the last given frame to the one before it; spare */
	float *moved, *flow, *spare;
	float *frame[WAYS], *next, *mask; /* predictions [C,h,w], spare, and 1 where pixels move */
	double psnr[FRAMES][WAYS], ssim[FRAMES][WAYS], sharp[FRAMES][WAYS];
	int64_t n[FRAMES]; /* videos in which something moves */
} video;

static bool video_begin(video *v, const gm_shape *s, int given, gm_error *err)
{
	*v = (video){.given = given,
	             .frames = (int)s->dim[1] - given,
	             .channels = (int)s->dim[2],
	             .height = (int)s->dim[3],
	             .width = (int)s->dim[4]};
	v->size = (gm_flow_size){v->channels, v->height, v->width};
	if (v->frames > FRAMES)
		v->frames = FRAMES;
	const size_t plane = (size_t)v->height * (size_t)v->width,
		     frame = plane * (size_t)v->channels;
	float *all = calloc(7 * plane + (WAYS + 1) * frame, sizeof *all);
	v->moved = all;
	if (!all)
		return gm_fail(err, GM_ERR_MEMORY, "no memory for frames");
	v->flow = all + 2 * plane, v->spare = all + 4 * plane, v->mask = all + 6 * plane;
	for (int i = 0; i < WAYS; i++)
		v->frame[i] = all + 7 * plane + (size_t)i * frame;
	v->next = all + 7 * plane + WAYS * frame;
	return true;
}

/* 1 where the flow from the true frame to the one before it is longer than STILL; false if there
 * is no such pixel. */
static bool mask_of(video *v, const float *truth, const float *before, bool *any, gm_error *err)
{
	const int plane = v->height * v->width;
	*any = false;
	if (!gm_flow(truth, before, &v->size, v->moved, err))
		return false;
	for (int i = 0; i < plane; i++) {
		v->mask[i] = hypot(v->moved[i], v->moved[plane + i]) > STILL;
		*any = *any || v->mask[i];
	}
	return true;
}

/* Mean over moving pixels, in decibels of the range 2. */
static double psnr_of(const video *v, const float *x, const float *truth)
{
	const int plane = v->height * v->width;
	double sum = 0, n = 0;
	for (int c = 0; c < v->channels; c++)
		for (int i = 0; i < plane; i++) {
			const double d = x[c * plane + i] - truth[c * plane + i];
			sum += v->mask[i] * d * d, n += v->mask[i];
		}
	return 10 * log10(4 / fmax(sum / n, 1e-10));
}

/* Differences of the absolute gradients, of moving pixels: large where x is blurred. */
static double sharpness_of(const video *v, const float *x, const float *truth)
{
	const int h = v->height, w = v->width, plane = h * w;
	double sum = 0, n = 0;
	for (int c = 0; c < v->channels; c++)
		for (int y = 1; y < h; y++)
			for (int u = 1; u < w; u++) {
				const int i = c * plane + y * w + u;
				const double across = fabs(fabs(x[i] - x[i - 1]) -
				                           fabs(truth[i] - truth[i - 1])),
					     down = fabs(fabs(x[i] - x[i - w]) -
				                         fabs(truth[i] - truth[i - w]));
				sum += v->mask[y * w + u] * (across + down);
				n += v->mask[y * w + u];
			}
	return n > 0 ? 10 * log10(4 / fmax(sum / n, 1e-10)) : NAN;
}

/* SSIM of both with -1 where nothing moves, as the authors' program computes it. */
static bool ssim_of(video *v, const float *x, const float *truth, double *ssim, gm_error *err)
{
	const int plane = v->height * v->width;
	const size_t n = (size_t)v->channels * (size_t)plane;
	float *both = malloc(2 * n * sizeof *both);
	if (!both)
		return gm_fail(err, GM_ERR_MEMORY, "no memory for frames");
	for (size_t i = 0; i < n; i++) {
		both[i] = v->mask[i % (size_t)plane] ? x[i] : -1;
		both[n + i] = v->mask[i % (size_t)plane] ? truth[i] : -1;
	}
	const gm_picture_pairs p = {.a = both,
	                            .b = both + n,
	                            .n = 1,
	                            .channels = v->channels,
	                            .height = v->height,
	                            .width = v->width};
	const bool ok = gm_ssim(&p, NULL, ssim, err);
	free(both);
	return ok;
}

/* One video: true frames x, predicted ones y, both [T,C,h,w]. */
static bool compare(video *v, const float *x, const float *y, gm_error *err)
{
	const size_t plane = (size_t)v->height * (size_t)v->width,
		     frame = plane * (size_t)v->channels, bytes = frame * sizeof *x;
	const float *last = x + (size_t)(v->given - 1) * frame;
	memcpy(v->frame[COPY], last, bytes), memcpy(v->frame[FLOW], last, bytes);
	/* pixels move on as they moved before */
	if (v->given > 1 && !gm_flow(last, last - frame, &v->size, v->flow, err))
		return false;
	for (int k = 0; k < v->frames; k++) {
		const float *truth = x + (size_t)(v->given + k) * frame;
		const gm_flow_size two = {2, v->height, v->width};
		bool moves;
		if (v->given > 1) { /* each pixel takes its motion along */
			gm_flow_warp(v->flow, &two, v->flow, v->spare);
			memcpy(v->flow, v->spare, 2 * plane * sizeof *v->flow);
			gm_flow_warp(v->frame[FLOW], &v->size, v->flow, v->next);
			memcpy(v->frame[FLOW], v->next, bytes);
		}
		memcpy(v->frame[MODEL], y + (size_t)(v->given + k) * frame, bytes);
		if (!mask_of(v, truth, truth - frame, &moves, err))
			return false;
		for (int i = 0; i < WAYS && moves; i++) {
			double ssim;
			if (!ssim_of(v, v->frame[i], truth, &ssim, err))
				return false;
			v->psnr[k][i] += psnr_of(v, v->frame[i], truth);
			v->sharp[k][i] += sharpness_of(v, v->frame[i], truth);
			v->ssim[k][i] += ssim;
		}
		v->n[k] += moves;
	}
	return true;
}

static void add(gm_scores *s, const char *name, int k, const double *sum, int64_t n)
{
	static const char *const way[WAYS] = {"", "-copy", "-flow"},
				 *const note[WAYS] = {"", "the last frame itself",
	                                              "the last frame moved on by optical flow"};
	for (int i = 0; i < WAYS; i++) {
		char text[48];
		snprintf(text, sizeof text, "%s-%d%s", name, k + 1, way[i]);
		gm_score_add(s, text, sum[i] / (double)n, NAN, i ? 0 : 1, note[i]);
	}
}

bool gm_metric_frames(gm_scorer *c, gm_scores *s, gm_error *err)
{
	gm_run *r = c->r;
	gm_run_endpoint *e = gm_scorer_endpoint(c, c->now);
	const gm_shape shape = gm_node_shape(e->y);
	const int given = *gm_settings_get(r->settings, "given")
	                          ? (int)gm_settings_int(r->settings, "given")
	                          : 0;
	video v = {0};
	gm_sweep w = {0};
	const bool maps = gm_node_dtype(e->in[0]) == GM_I32;
	bool ok = (given > 0 && given < shape.dim[1] && !maps) ||
	          gm_fail(err, GM_ERR_VALUE, "%s",
	                  maps ? "metric frames is for models of videos; of label maps: forecast"
	                       : "metric frames is for models with option given");
	ok = ok && video_begin(&v, &shape, given, err) &&
	     gm_sweep_begin(&w, c, e, gm_scorer_part(c, gm_scorer_scores_other(c), err), err);
	if (ok && !c->o.count && w.n > EXAMPLES)
		w.n = EXAMPLES;
	for (int64_t i = 0, m; ok && i * r->batch < w.n; i++) {
		ok = (m = gm_sweep_step(&w, i, err)) >= 0 && gm_sweep_call(&w, c->o.seed, i, err);
		for (int64_t j = 0; ok && j < m; j++)
			ok = compare(&v, (const float *)w.in[0] + j * w.width, w.out + j * w.width,
			             err);
	}
	for (int k = 0; ok && k < v.frames; k++) {
		if (!v.n[k]) {
			gm_score_warn(s, "nothing moves in frame %d of any video", k + 1);
			continue;
		}
		add(s, "psnr", k, v.psnr[k], v.n[k]);
		add(s, "ssim", k, v.ssim[k], v.n[k]);
		add(s, "sharpness", k, v.sharp[k], v.n[k]);
	}
	gm_sweep_end(&w);
	free(v.moved);
	return ok;
}
