/* SPDX-License-Identifier: MIT
 *
 * image/flow.c -- optical flow between two images by Horn & Schunck 1981, from coarse to fine with
 * warping, as in Meinhardt-Llopis, Sanchez & Kondermann, "Horn-Schunck optical flow with a
 * multi-scale strategy", Image Processing On Line 3, 2013; also together with a change of colours.
 * See ganymede/image.h and change.h.
 */
#include "image/change.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LEVELS = 8, LEAST = 8, WARPS = 5, ROUNDS = 60, CHANNELS = 3 };
static const double SMOOTHNESS = .15;       /* alpha, for values in [-1,1] of each channel */
static const double COLOUR_SMOOTHNESS = 60; /* 4 sigma_c: colours change over about 4 pixels */

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

/* The channels of x [channels, h, w], smoothed. */
static void to_channels(const float *x, const gm_flow_size *s, float *to, float *spare)
{
	const int plane = s->height * s->width;
	for (int i = 0; i < s->channels * plane; i++)
		to[i] = isfinite(x[i]) ? x[i] : 0;
	for (int c = 0; c < s->channels; c++)
		smooth(to + c * plane, s->height, s->width, spare);
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

/* Images at one resolution; c channels. map [c, c+1, h, w]: b is multiplied by it, pixel by pixel,
 * and its last column is added; or NULL: b stays what it is. */
typedef struct level {
	int c, h, w;
	float *a, *b, *flow, *map; /* [c,h,w], [c,h,w], [2,h,w] */
} level;

/* Channels x of level l for the next one: smoothed against aliasing, then halved. spare [2,h,w] */
static void coarser(const level *l, const float *x, const level *next, float *y, float *spare)
{
	const size_t plane = (size_t)l->h * (size_t)l->w, small = (size_t)next->h * (size_t)next->w;
	for (int c = 0; c < l->c; c++) {
		memcpy(spare, x + (size_t)c * plane, plane * sizeof *spare);
		for (int i = 0; i < 2; i++)
			smooth(spare, l->h, l->w, spare + plane);
		halve(spare, l->h, l->w, y + (size_t)c * small);
	}
}

/* The mean of the four neighbours. */
static float around(const float *x, int h, int w, int y, int u)
{
	return .25f * (x[clamp(y - 1, h) * w + u] + x[clamp(y + 1, h) * w + u] +
	               x[y * w + clamp(u - 1, w)] + x[y * w + clamp(u + 1, w)]);
}

/* out [c,h,w] = l->map of x [c,h,w], which may be out */
static void recolour(const level *l, const float *x, float *out)
{
	const int plane = l->h * l->w;
	if (!l->map) {
		memmove(out, x, (size_t)(l->c * plane) * sizeof *out);
		return;
	}
	for (int i = 0; i < plane; i++) {
		float in[CHANNELS];
		for (int k = 0; k < l->c; k++)
			in[k] = x[k * plane + i];
		for (int c = 0; c < l->c; c++) {
			const float *m = l->map + c * (l->c + 1) * plane + i;
			float sum = m[l->c * plane];
			for (int k = 0; k < l->c; k++)
				sum += m[k * plane] * in[k];
			out[c * plane + i] = sum;
		}
	}
}

/* Improves l->flow with l->map fixed; seen [c,h,w], spare [7,h,w]. b is moved by the flow so far;
 * the energy of what remains, linearised, is minimised by Gauss-Seidel. */
static void refine_flow(const level *l, float *seen, float *spare)
{
	const int h = l->h, w = l->w, plane = h * w;
	float *xx = spare, *xy = xx + plane, *yy = xy + plane, *xt = yy + plane, *yt = xt + plane,
	      *u0 = yt + plane, *u = l->flow, *v = l->flow + plane;
	const float smoothness = (float)(l->c * SMOOTHNESS * SMOOTHNESS);
	gm_flow_warp(l->b, &(gm_flow_size){l->c, h, w}, l->flow, seen);
	recolour(l, seen, seen);
	memset(spare, 0, 5 * (size_t)plane * sizeof *spare);
	for (int c = 0; c < l->c; c++) {
		const float *b = seen + c * plane, *a = l->a + c * plane;
		for (int y = 0; y < h; y++)
			for (int x = 0; x < w; x++) {
				const int i = y * w + x;
				const float ix = .5f * (b[y * w + clamp(x + 1, w)] -
				                        b[y * w + clamp(x - 1, w)]);
				const float iy = .5f * (b[clamp(y + 1, h) * w + x] -
				                        b[clamp(y - 1, h) * w + x]);
				const float it = b[i] - a[i] - ix * u[i] - iy * v[i];
				xx[i] += ix * ix, xy[i] += ix * iy, yy[i] += iy * iy;
				xt[i] += ix * it, yt[i] += iy * it;
			}
	}
	memcpy(u0, l->flow, 2 * (size_t)plane * sizeof *u0);
	for (int round = 0; round < ROUNDS; round++)
		for (int y = 0; y < h; y++)
			for (int x = 0; x < w; x++) {
				const int i = y * w + x;
				const float p = smoothness * around(u, h, w, y, x) - xt[i],
					    q = smoothness * around(v, h, w, y, x) - yt[i],
					    a = smoothness + xx[i], d = smoothness + yy[i],
					    det = a * d - xy[i] * xy[i];
				u[i] = (d * p - xy[i] * q) / det;
				v[i] = (a * q - xy[i] * p) / det;
			}
	/* a linearisation is good for a pixel or so */
	for (int i = 0; i < 2 * plane; i++)
		l->flow[i] = fminf(fmaxf(l->flow[i], u0[i] - 1), u0[i] + 1);
}

/* Improves l->map with the flow fixed: each row of a pixel's matrix is the least squares solution
 * with its neighbours' mean as prior, by Gauss-Seidel. seen [c,h,w]. */
static void refine_map(const level *l, float *seen)
{
	const int h = l->h, w = l->w, plane = h * w, n = l->c + 1;
	gm_flow_warp(l->b, &(gm_flow_size){l->c, h, w}, l->flow, seen);
	for (int round = 0; round < ROUNDS; round++)
		for (int y = 0; y < h; y++)
			for (int x = 0; x < w; x++) {
				const int i = y * w + x;
				float in[CHANNELS + 1], mean[CHANNELS + 1], size = 1;
				for (int k = 0; k < l->c; k++)
					in[k] = seen[k * plane + i], size += in[k] * in[k];
				in[l->c] = 1;
				for (int c = 0; c < l->c; c++) {
					float *m = l->map + c * n * plane;
					float rest = l->a[c * plane + i];
					for (int k = 0; k < n; k++) {
						mean[k] = around(m + k * plane, h, w, y, x);
						rest -= mean[k] * in[k];
					}
					rest /= (float)COLOUR_SMOOTHNESS + size;
					for (int k = 0; k < n; k++)
						m[k * plane + i] = mean[k] + rest * in[k];
				}
			}
}

/* Bilinear, from the next coarser level: x [h,w] of `from`, multiplied. */
static void enlarge(const level *from, const float *x, float by, const level *to, float *y)
{
	for (int v = 0; v < to->h; v++)
		for (int u = 0; u < to->w; u++)
			y[v * to->w + u] = by * sample(x, from->h, from->w, ((float)v - .5f) / 2,
			                               ((float)u - .5f) / 2);
}

/* From the next coarser level, where pixels are twice as large. */
static void begin(const level *from, level *to)
{
	const int plane = to->h * to->w, small = from->h * from->w;
	for (int k = 0; k < 2; k++)
		enlarge(from, from->flow + k * small, 2, to, to->flow + k * plane);
	for (int k = 0; to->map && k < to->c * (to->c + 1); k++)
		enlarge(from, from->map + k * small, 1, to, to->map + k * plane);
}

/* The flow from a to b, and with `colours` the map of the colours of b to those of a. */
static bool solve(const float *a, const float *b, const gm_flow_size *s, bool colours, float *flow,
                  float *map, gm_error *err)
{
	const int h = s->height, w = s->width, c = colours ? s->channels : 1;
	if (s->channels < 1 || h < 1 || w < 1)
		return gm_fail(err, GM_ERR_VALUE, "no flow of images of %dx%d", w, h);
	level l[LEVELS] = {{c, h, w, NULL, NULL, NULL, NULL}};
	int levels = 1;
	const size_t plane = (size_t)h * (size_t)w, maps = colours ? (size_t)(c * (c + 1)) : 0,
		     each = 2 * (size_t)c + 2 + maps, spare_planes = 7 + (size_t)c;
	size_t room = each * plane;
	while (levels < LEVELS && l[levels - 1].h >= 2 * LEAST && l[levels - 1].w >= 2 * LEAST) {
		l[levels] = (level){
			.c = c, .h = (l[levels - 1].h + 1) / 2, .w = (l[levels - 1].w + 1) / 2};
		room += each * (size_t)l[levels].h * (size_t)l[levels].w;
		levels++;
	}
	float *all = calloc(room + spare_planes * plane, sizeof *all), *spare = all,
	      *seen = all + 7 * plane, *next = all + spare_planes * plane;
	if (!all)
		return gm_fail(err, GM_ERR_MEMORY, "no memory for a flow");
	for (int k = 0; k < levels; k++) {
		const size_t n = (size_t)l[k].h * (size_t)l[k].w;
		l[k].a = next, l[k].b = next + (size_t)c * n, l[k].flow = next + 2 * (size_t)c * n;
		l[k].map = colours ? l[k].flow + 2 * n : NULL;
		next += each * n;
	}
	(colours ? to_channels : to_grey)(a, s, l[0].a, spare);
	(colours ? to_channels : to_grey)(b, s, l[0].b, spare);
	for (int k = 1; k < levels; k++) {
		coarser(&l[k - 1], l[k - 1].a, &l[k], l[k].a, spare);
		coarser(&l[k - 1], l[k - 1].b, &l[k], l[k].b, spare);
	}
	const level *last = &l[levels - 1];
	for (int k = 0; colours && k < c; k++) /* identity */
		for (int i = 0; i < last->h * last->w; i++)
			last->map[(k * (c + 1) + k) * last->h * last->w + i] = 1;
	for (int k = levels - 1; k >= 0; k--) {
		if (k + 1 < levels)
			begin(&l[k + 1], &l[k]);
		for (int i = 0; i < WARPS; i++) {
			refine_flow(&l[k], seen, spare);
			if (colours)
				refine_map(&l[k], seen);
		}
	}
	memcpy(flow, l[0].flow, 2 * plane * sizeof *flow);
	if (colours)
		memcpy(map, l[0].map, maps * plane * sizeof *map);
	free(all);
	return true;
}

bool gm_flow(const float *a, const float *b, const gm_flow_size *s, float *flow, gm_error *err)
{
	return solve(a, b, s, false, flow, NULL, err);
}

bool gm_flow_colours(const float *a, const float *b, const gm_flow_size *s, float *flow, float *map,
                     gm_error *err)
{
	if (s->channels != 1 && s->channels != CHANNELS)
		return gm_fail(err, GM_ERR_VALUE, "no change of colours of images of %d channels",
		               s->channels);
	return solve(a, b, s, true, flow, map, err);
}
