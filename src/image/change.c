/* SPDX-License-Identifier: MIT
 *
 * image/change.c -- changes of images, applied to photos. See change.h; the estimate between two
 * images is in flow.c.
 */
#include "image/change.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { RADIUS = 2, MAPS = 2 + 3 * 4 }; /* of the guided filter, in pixels of the small images */
static const double EPS = .05;         /* of the guided filter, for values in [-1,1] */

static int clamp(int v, int n)
{
	return v < 0 ? 0 : v >= n ? n - 1 : v;
}

/* ---- along frames ---------------------------------------------------------------------------- */

/* c becomes c followed by the change `next`; moved [planes of flow and map]: c where next takes its
 * pixels from. */
static void follow(gm_change *c, const float *flow, const float *map, float *moved)
{
	const int plane = c->size.height * c->size.width, channels = c->size.channels,
		  n = channels + 1;
	const gm_flow_size two = {2, c->size.height, c->size.width},
			   maps = {channels * n, c->size.height, c->size.width};
	float *before = moved + 2 * plane;
	gm_flow_warp(c->flow, &two, flow, moved);
	gm_flow_warp(c->map, &maps, flow, before);
	for (int i = 0; i < 2 * plane; i++)
		c->flow[i] = moved[i] + flow[i];
	for (int i = 0; i < plane; i++)
		for (int row = 0; row < channels; row++)
			for (int k = 0; k < n; k++) {
				const float *by = map + row * n * plane + i;
				float sum = k == channels ? by[channels * plane] : 0;
				for (int j = 0; j < channels; j++)
					sum += by[j * plane] * before[(j * n + k) * plane + i];
				c->map[(row * n + k) * plane + i] = sum;
			}
}

bool gm_change_begin(gm_change *c, gm_error *err)
{
	const size_t channels = (size_t)c->size.channels,
		     plane = (size_t)c->size.height * (size_t)c->size.width;
	c->flow = calloc(2 * plane, sizeof *c->flow);
	c->map = calloc(channels * (channels + 1) * plane, sizeof *c->map);
	if (!c->flow || !c->map)
		return gm_fail(err, GM_ERR_MEMORY, "no memory for a flow");
	for (size_t k = 0; k < channels; k++) /* the identity */
		for (size_t i = 0; i < plane; i++)
			c->map[k * (channels + 2) * plane + i] = 1;
	return true;
}

bool gm_change_next(gm_change *c, const float *from, const float *to, gm_error *err)
{
	const size_t channels = (size_t)c->size.channels, planes = 2 + channels * (channels + 1),
		     plane = (size_t)c->size.height * (size_t)c->size.width;
	float *next = malloc(2 * planes * plane * sizeof *next);
	bool ok = next || gm_fail(err, GM_ERR_MEMORY, "no memory for a flow");
	ok = ok && gm_flow_colours(to, from, &c->size, next, next + 2 * plane, err);
	if (ok)
		follow(c, next, next + 2 * plane, next + planes * plane);
	free(next);
	return ok;
}

void gm_change_free(gm_change *c)
{
	free(c->flow), free(c->map);
	c->flow = c->map = NULL;
}

/* ---- applied to a photo ---------------------------------------------------------------------- */

/* The photo in the coordinates of the small images. */
typedef struct view {
	const gm_image *photo;
	const gm_box *box;
	int h, w;      /* of the small images */
	double sx, sy; /* pixels of the photo for one of theirs */
} view;

static double grey_at(const gm_image *im, int y, int x)
{
	const uint8_t *p = im->pixel + ((size_t)clamp(y, im->height) * (size_t)im->width +
	                                (size_t)clamp(x, im->width)) *
	                                       (size_t)im->channels;
	return (im->channels == 3 ? .299 * p[0] + .587 * p[1] + .114 * p[2] : p[0]) / 127.5 - 1;
}

/* x mirrored at 0 and at n - 1, once. */
static double mirror(double x, int n)
{
	x = fabs(x);
	return fmax(x > n - 1 ? 2 * (n - 1.) - x : x, 0);
}

/* Bilinear; the photo is mirrored at its edges. v [3]: values in [-1,1]. */
static void look(const gm_image *im, double y, double x, double *v)
{
	x = mirror(x, im->width), y = mirror(y, im->height);
	const int x0 = (int)x, y0 = (int)y;
	const double s = x - x0, t = y - y0;
	const size_t right = x0 + 1 < im->width ? (size_t)im->channels : 0,
		     down = y0 + 1 < im->height ? (size_t)im->width * (size_t)im->channels : 0;
	const uint8_t *p =
		im->pixel + ((size_t)y0 * (size_t)im->width + (size_t)x0) * (size_t)im->channels;
	for (int c = 0; c < 3; c++) {
		const uint8_t *q = p + (im->channels == 3 ? c : 0);
		v[c] = ((1 - t) * ((1 - s) * q[0] + s * q[right]) +
		        t * ((1 - s) * q[down] + s * q[down + right])) /
		               127.5 -
		       1;
	}
}

/* The mean grey value of the photo below each pixel of the small images: [h,w]. */
static void shrink(const view *v, float *to)
{
	for (int y = 0; y < v->h; y++)
		for (int x = 0; x < v->w; x++) {
			const int x0 = (int)floor(v->box->x + x * v->sx),
				  y0 = (int)floor(v->box->y + y * v->sy),
				  nx = (int)fmax(1, ceil(v->sx)), ny = (int)fmax(1, ceil(v->sy));
			double sum = 0;
			for (int i = 0; i < ny; i++)
				for (int j = 0; j < nx; j++)
					sum += grey_at(v->photo, y0 + i, x0 + j);
			to[y * v->w + x] = (float)(sum / (nx * (double)ny));
		}
}

/* Means of x in windows of side 2 RADIUS + 1, cut at the border; spare [h,w]. */
static void box_mean(const float *x, int h, int w, float *to, float *spare)
{
	for (int y = 0; y < h; y++)
		for (int u = 0; u < w; u++) {
			float sum = 0, n = 0;
			for (int k = -RADIUS; k <= RADIUS; k++)
				if (u + k >= 0 && u + k < w)
					sum += x[y * w + u + k], n++;
			spare[y * w + u] = sum / n;
		}
	for (int y = 0; y < h; y++)
		for (int u = 0; u < w; u++) {
			float sum = 0, n = 0;
			for (int k = -RADIUS; k <= RADIUS; k++)
				if (y + k >= 0 && y + k < h)
					sum += spare[(y + k) * w + u], n++;
			to[y * w + u] = sum / n;
		}
}

/* The linear models of x by the guide, [h,w,maps,2] (slope and offset) at map k. spare [7,h,w] */
static void guide(const float *by, const float *x, int h, int w, int maps, int k, float *model,
                  float *spare)
{
	const int plane = h * w;
	float *mean = spare + plane, *mean_x = mean + plane, *square = mean_x + plane,
	      *product = square + plane, *slope = product + plane, *offset = slope + plane;
	for (int i = 0; i < plane; i++)
		slope[i] = by[i] * by[i], offset[i] = by[i] * x[i];
	box_mean(by, h, w, mean, spare), box_mean(x, h, w, mean_x, spare);
	box_mean(slope, h, w, square, spare), box_mean(offset, h, w, product, spare);
	for (int i = 0; i < plane; i++) {
		slope[i] = (product[i] - mean[i] * mean_x[i]) /
		           (square[i] - mean[i] * mean[i] + (float)EPS);
		offset[i] = mean_x[i] - slope[i] * mean[i];
	}
	box_mean(slope, h, w, square, spare), box_mean(offset, h, w, product, spare);
	for (int i = 0; i < plane; i++)
		model[(i * maps + k) * 2] = square[i], model[(i * maps + k) * 2 + 1] = product[i];
}

/* to [numbers] = x [h,w,numbers] at row y, linear between rows. */
static void at_row(const float *x, int h, int numbers, double y, float *to)
{
	const double v = fmin(fmax(y, 0), h - 1);
	const int y0 = (int)v;
	const float t = (float)(v - y0), *a = x + (size_t)y0 * (size_t)numbers,
		    *b = y0 + 1 < h ? a + numbers : a;
	for (int i = 0; i < numbers; i++)
		to[i] = (1 - t) * a[i] + t * b[i];
}

/* 1 inside [-.5, n - .5], falling to 0 at a quarter of n outside. */
static double fade(double x, int n)
{
	const double out = fmax(fmax(-.5 - x, x - n + .5), 0);
	return fmax(1 - 4 * out / n, 0);
}

/* Row y of the result. flow [w,2] and model [w,maps,2]: of this row, from the small images. */
static void change_row(const view *v, int y, double small_y, int channels, const float *flow,
                       const float *model, gm_image *to)
{
	const int maps = 2 + channels * (channels + 1);
	uint8_t *out = to->pixel + (size_t)y * (size_t)to->width * (size_t)to->channels;
	for (int x = 0; x < to->width; x++, out += to->channels) {
		const double small = (x + .5 - v->box->x) / v->sx - .5,
			     near = fade(small, v->w) * fade(small_y, v->h),
			     u = fmin(fmax(small, 0), v->w - 1);
		const int x0 = (int)u, x1 = clamp(x0 + 1, v->w);
		const double s = u - x0;
		double change[MAPS], in[3];
		look(v->photo,
		     y + near * v->sy * ((1 - s) * flow[2 * x0 + 1] + s * flow[2 * x1 + 1]),
		     x + near * v->sx * ((1 - s) * flow[2 * x0] + s * flow[2 * x1]), in);
		const double grey = .299 * in[0] + .587 * in[1] + .114 * in[2];
		for (int k = 0; k < maps; k++) {
			const float *a = model + (x0 * maps + k) * 2,
				    *b = model + (x1 * maps + k) * 2;
			change[k] = near * (((1 - s) * a[0] + s * b[0]) * grey +
			                    ((1 - s) * a[1] + s * b[1]));
		}
		look(v->photo, y + v->sy * change[1], x + v->sx * change[0], in);
		for (int c = 0; c < to->channels; c++) {
			const double *m = change + 2 + (channels == 3 ? c * 4 : 0);
			double sum = in[c] + m[channels];
			for (int k = 0; k < channels; k++)
				sum += m[k] * in[channels == 3 ? k : c];
			out[c] = (uint8_t)lrint((fmin(fmax(sum, -1), 1) + 1) * 127.5);
		}
	}
}

gm_image *gm_change_apply(const gm_change *c, const gm_image *photo, const gm_box *box,
                          gm_error *err)
{
	const int channels = c->size.channels, h = c->size.height, w = c->size.width, plane = h * w,
		  maps = 2 + channels * (channels + 1);
	const view v = {photo, box, h, w, box->width / w, box->height / h};
	gm_image *to =
		gm_image_new(photo->width, photo->height, channels == 3 ? 3 : photo->channels, err);
	float *spare = malloc((size_t)plane * 9 * sizeof *spare),
	      *model = malloc((size_t)(plane * maps) * 2 * sizeof *model),
	      *flow = malloc((size_t)plane * 2 * sizeof *flow),
	      *row = malloc((size_t)(w * (2 + 2 * maps)) * sizeof *row);
	const bool ok = to && ((spare && model && flow && row) ||
	                       gm_fail(err, GM_ERR_MEMORY, "no memory for a photo"));
	if (ok) {
		float *by = spare + 7 * plane, *x = by + plane;
		shrink(&v, x);
		gm_flow_warp(x, &(gm_flow_size){1, h, w}, c->flow, by);
		for (int k = 0; k < maps; k++) {
			const bool diagonal =
				k >= 2 && (k - 2) % (channels + 1) == (k - 2) / (channels + 1);
			const float *from = k < 2 ? c->flow + k * plane : c->map + (k - 2) * plane;
			for (int i = 0; i < plane; i++)
				x[i] = from[i] - (float)diagonal;
			guide(by, x, h, w, maps, k, model, spare);
		}
		for (int i = 0; i < 2 * plane; i++)
			flow[i % plane * 2 + i / plane] = c->flow[i];
	}
	for (int y = 0; ok && y < to->height; y++) {
		const double small = (y + .5 - box->y) / v.sy - .5;
		at_row(flow, h, 2 * w, small, row);
		at_row(model, h, 2 * maps * w, small, row + 2 * w);
		change_row(&v, y, small, channels, row, row + 2 * w, to);
	}
	free(spare), free(model), free(flow), free(row);
	if (ok)
		return to;
	gm_image_free(to);
	return NULL;
}
