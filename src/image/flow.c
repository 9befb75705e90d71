/* SPDX-License-Identifier: MIT
 *
 * image/flow.c -- optical flow between two images by Horn & Schunck 1981, from coarse to fine with
 * warping, as in Meinhardt-Llopis, Sanchez & Kondermann, "Horn-Schunck optical flow with a
 * multi-scale strategy", Image Processing On Line 3, 2013. See ganymede/image.h.
 */
#include "ganymede/image.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LEVELS = 8, LEAST = 8, WARPS = 5, ROUNDS = 60 };
static const double SMOOTHNESS = .15; /* alpha, for grey values in [-1,1] */

static int clamp(int v, int n)
{
	return v < 0 ? 0 : v >= n ? n - 1 : v;
}

/* Bilinear; beyond the edge the value at the edge. */
static float sample(const float *x, int height, int width, float v, float u)
{
	u = fminf(fmaxf(u, 0), (float)(width - 1)), v = fminf(fmaxf(v, 0), (float)(height - 1));
	const int x0 = (int)u, y0 = (int)v, x1 = clamp(x0 + 1, width), y1 = clamp(y0 + 1, height);
	const float s = u - (float)x0, t = v - (float)y0;
	return (1 - t) * ((1 - s) * x[y0 * width + x0] + s * x[y0 * width + x1]) +
	       t * ((1 - s) * x[y1 * width + x0] + s * x[y1 * width + x1]);
}

void gm_flow_warp(const float *x, const gm_flow_size *s, const float *flow, float *out)
{
	const int h = s->height, w = s->width, plane = h * w;
	for (int c = 0; c < s->channels; c++)
		for (int y = 0; y < h; y++)
			for (int u = 0; u < w; u++) {
				const int i = y * w + u;
				const float dx = flow[i], dy = flow[plane + i];
				out[c * plane + i] =
					sample(x + c * plane, h, w, (float)y + dy, (float)u + dx);
			}
}

/* [1 2 1]/4 in both directions; in place. */
static void smooth(float *x, int h, int w, float *spare)
{
	for (int y = 0; y < h; y++)
		for (int u = 0; u < w; u++)
			spare[y * w + u] = .25f * x[y * w + clamp(u - 1, w)] + .5f * x[y * w + u] +
			                   .25f * x[y * w + clamp(u + 1, w)];
	for (int y = 0; y < h; y++)
		for (int u = 0; u < w; u++)
			x[y * w + u] = .25f * spare[clamp(y - 1, h) * w + u] +
			               .5f * spare[y * w + u] +
			               .25f * spare[clamp(y + 1, h) * w + u];
}

/* Means of the channels of x [channels, h, w], smoothed. */
static void to_grey(const float *x, const gm_flow_size *s, float *grey, float *spare)
{
	const int plane = s->height * s->width;
	for (int i = 0; i < plane; i++) {
		float sum = 0;
		for (int c = 0; c < s->channels; c++)
			sum += x[c * plane + i];
		grey[i] = isfinite(sum) ? sum / (float)s->channels : 0;
	}
	smooth(grey, s->height, s->width, spare);
}

/* Means of 2 x 2 pixels; an odd last row or column is its own mean. */
static void halve(const float *x, int h, int w, float *y)
{
	const int nh = (h + 1) / 2, nw = (w + 1) / 2;
	for (int v = 0; v < nh; v++)
		for (int u = 0; u < nw; u++) {
			const int y0 = 2 * v, y1 = clamp(2 * v + 1, h), x0 = 2 * u,
				  x1 = clamp(2 * u + 1, w);
			y[v * nw + u] = .25f * (x[y0 * w + x0] + x[y0 * w + x1] + x[y1 * w + x0] +
			                        x[y1 * w + x1]);
		}
}

typedef struct level {
	int h, w;
	float *a, *b, *flow; /* [h,w], [h,w], [2,h,w] */
} level;

/* x of level l for the next one: smoothed against aliasing, then halved. spare [2,h,w] */
static void coarser(const level *l, const float *x, float *y, float *spare)
{
	const size_t plane = (size_t)l->h * (size_t)l->w;
	memcpy(spare, x, plane * sizeof *spare);
	for (int i = 0; i < 2; i++)
		smooth(spare, l->h, l->w, spare + plane);
	halve(spare, l->h, l->w, y);
}

/* The mean of the four neighbours. */
static float around(const float *x, int h, int w, int y, int u)
{
	return .25f * (x[clamp(y - 1, h) * w + u] + x[clamp(y + 1, h) * w + u] +
	               x[y * w + clamp(u - 1, w)] + x[y * w + clamp(u + 1, w)]);
}

/* Improves l->flow; spare [6,h,w]. b is warped by the flow so far; the energy of what remains,
 * linearised, is minimised by Gauss-Seidel. */
static void refine(const level *l, float *spare)
{
	const int h = l->h, w = l->w, plane = h * w;
	float *warped = spare, *ix = spare + plane, *iy = ix + plane, *it = iy + plane,
	      *u0 = it + plane, *u = l->flow, *v = l->flow + plane;
	const float smoothness = (float)(SMOOTHNESS * SMOOTHNESS);
	for (int k = 0; k < WARPS; k++) {
		gm_flow_warp(l->b, &(gm_flow_size){1, h, w}, l->flow, warped);
		for (int y = 0; y < h; y++)
			for (int x = 0; x < w; x++) {
				const int i = y * w + x;
				ix[i] = .5f * (warped[y * w + clamp(x + 1, w)] -
				               warped[y * w + clamp(x - 1, w)]);
				iy[i] = .5f * (warped[clamp(y + 1, h) * w + x] -
				               warped[clamp(y - 1, h) * w + x]);
				it[i] = warped[i] - l->a[i] - ix[i] * u[i] - iy[i] * v[i];
			}
		memcpy(u0, l->flow, 2 * (size_t)plane * sizeof *u0);
		for (int round = 0; round < ROUNDS; round++)
			for (int y = 0; y < h; y++)
				for (int x = 0; x < w; x++) {
					const int i = y * w + x;
					const float um = around(u, h, w, y, x),
						    vm = around(v, h, w, y, x);
					const float e =
						(ix[i] * um + iy[i] * vm + it[i]) /
						(smoothness + ix[i] * ix[i] + iy[i] * iy[i]);
					u[i] = um - ix[i] * e;
					v[i] = vm - iy[i] * e;
				}
		/* a linearisation is good for a pixel or so */
		for (int i = 0; i < 2 * plane; i++)
			l->flow[i] = fminf(fmaxf(l->flow[i], u0[i] - 1), u0[i] + 1);
	}
}

/* From the next coarser level, twice as far. */
static void enlarge(const level *from, level *to)
{
	const int plane = to->h * to->w, small = from->h * from->w;
	for (int k = 0; k < 2; k++)
		for (int y = 0; y < to->h; y++)
			for (int x = 0; x < to->w; x++)
				to->flow[k * plane + y * to->w + x] =
					2 * sample(from->flow + k * small, from->h, from->w,
				                   ((float)y - .5f) / 2, ((float)x - .5f) / 2);
}

bool gm_flow(const float *a, const float *b, const gm_flow_size *s, float *flow, gm_error *err)
{
	const int h = s->height, w = s->width;
	if (s->channels < 1 || h < 1 || w < 1)
		return gm_fail(err, GM_ERR_VALUE, "no flow of images of %dx%d", w, h);
	level l[LEVELS] = {{h, w, NULL, NULL, NULL}};
	int levels = 1;
	size_t plane = (size_t)h * (size_t)w, room = 4 * plane;
	while (levels < LEVELS && l[levels - 1].h >= 2 * LEAST && l[levels - 1].w >= 2 * LEAST) {
		l[levels] = (level){.h = (l[levels - 1].h + 1) / 2, .w = (l[levels - 1].w + 1) / 2};
		room += 4 * (size_t)l[levels].h * (size_t)l[levels].w;
		levels++;
	}
	float *all = calloc(room + 6 * plane, sizeof *all), *spare = all, *next = all + 6 * plane;
	if (!all)
		return gm_fail(err, GM_ERR_MEMORY, "no memory for a flow");
	for (int k = 0; k < levels; k++) {
		const size_t n = (size_t)l[k].h * (size_t)l[k].w;
		l[k].a = next, l[k].b = next + n, l[k].flow = next + 2 * n, next += 4 * n;
	}
	to_grey(a, s, l[0].a, spare);
	to_grey(b, s, l[0].b, spare);
	for (int k = 1; k < levels; k++) {
		coarser(&l[k - 1], l[k - 1].a, l[k].a, spare);
		coarser(&l[k - 1], l[k - 1].b, l[k].b, spare);
	}
	for (int k = levels - 1; k >= 0; k--) {
		if (k + 1 < levels)
			enlarge(&l[k + 1], &l[k]);
		refine(&l[k], spare);
	}
	memcpy(flow, l[0].flow, 2 * plane * sizeof *flow);
	free(all);
	return true;
}
