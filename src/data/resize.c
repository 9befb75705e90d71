/* SPDX-License-Identifier: MIT
 *
 * resize.c -- scaling pictures, one side after the other. See resize.h. */
#include "data/resize.h"

#include <math.h>
#include <stdlib.h>

/* How one side is scaled: output i is the sum over k < taps of weight[i][k] * input[first[i] +
 * k]. */
typedef struct side {
	int from, to, taps;
	int *first;    /* [to] */
	float *weight; /* [to][taps] */
} side;

struct gm_resize {
	side y, x;
};

static double triangle(double x)
{
	return x < 1 ? 1 - x : 0;
}

static double box(double x)
{
	return x <= .5 ? 1 : 0;
}

/* Keys 1981, "Cubic convolution interpolation for digital image processing", a = -1/2. */
static double cubic(double x)
{
	return x < 1 ? (1.5 * x - 2.5) * x * x + 1 : x < 2 ? ((-.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

static double lanczos(double x)
{
	const double a = M_PI * x;
	return x < 1e-9 ? 1 : x < 3 ? 3 * sin(a) * sin(a / 3) / (a * a) : 0;
}

static const struct {
	const char *name;
	double (*kernel)(double x); /* of the distance from the centre */
	double support;             /* where it ends */
	bool mirror;                /* at borders; else weights outside are left out */
} filters[] = {
	[GM_FILTER_TRIANGLE] = {"triangle, antialiased", triangle, 1},
	[GM_FILTER_BOX] = {"box, antialiased", box, .5},
	[GM_FILTER_CUBIC] = {"cubic, antialiased", cubic, 2},
	[GM_FILTER_LANCZOS] = {"lanczos, antialiased", lanczos, 3},
	[GM_FILTER_IMRESIZE] = {"bicubic as imresize, antialiased", cubic, 2, true},
	[GM_FILTER_NEAREST] = {"nearest", box, .5}, /* one tap: side_init */
};

const char *gm_resize_name(gm_filter filter)
{
	return filters[filter].name;
}

/* Index i of a row of n pixels that continues mirrored, edge pixels twice. */
static int mirrored(int i, int n)
{
	i = ((i % (2 * n)) + 2 * n) % (2 * n);
	return i < n ? i : 2 * n - 1 - i;
}

static bool side_init(side *s, int from, int to, gm_filter filter)
{
	const double scale = (double)from / to, stretch = scale > 1 ? scale : 1;
	const double reach = stretch * filters[filter].support;
	s->from = from, s->to = to;
	s->taps = (int)ceil(reach) * 2 + 1;
	if (s->taps > from)
		s->taps = from;
	if (filter == GM_FILTER_NEAREST)
		s->taps = 1;
	s->first = malloc((size_t)to * sizeof *s->first);
	s->weight = calloc((size_t)to * (size_t)s->taps, sizeof *s->weight);
	if (!s->first || !s->weight)
		return false;
	for (int i = 0; i < to; i++) {
		const double centre = (i + .5) * scale;
		if (filter == GM_FILTER_NEAREST) {
			s->first[i] = (int)centre;
			s->weight[i] = 1;
			continue;
		}
		int first = (int)floor(centre - reach + .5);
		if (first < 0)
			first = 0;
		if (first > from - s->taps)
			first = from - s->taps;
		s->first[i] = first;
		const bool mirror = filters[filter].mirror;
		const int low = mirror ? (int)floor(centre - reach + .5) : first,
			  high = low + (mirror ? (int)ceil(reach) * 2 + 1 : s->taps);
		double sum = 0;
		for (int j = low; j < high; j++)
			sum += filters[filter].kernel(fabs(j + .5 - centre) / stretch);
		float *weight = s->weight + (size_t)i * (size_t)s->taps;
		for (int j = low; j < high; j++)
			weight[mirrored(j, from) - first] +=
				(float)(filters[filter].kernel(fabs(j + .5 - centre) / stretch) /
			                sum);
	}
	return true;
}

gm_resize *gm_resize_new(int from_height, int from_width, int to_height, int to_width,
                         gm_filter filter)
{
	gm_resize *r = calloc(1, sizeof *r);
	if (r && !(side_init(&r->y, from_height, to_height, filter) &&
	           side_init(&r->x, from_width, to_width, filter))) {
		gm_resize_free(r);
		return NULL;
	}
	return r;
}

void gm_resize_free(gm_resize *r)
{
	if (!r)
		return;
	free(r->y.first), free(r->y.weight);
	free(r->x.first), free(r->x.weight);
	free(r);
}

size_t gm_resize_scratch(const gm_resize *r)
{
	return (size_t)r->y.from * (size_t)r->x.to;
}

void gm_resize_row(const gm_resize *r, const float *from, float *to)
{
	const side *x = &r->x;
	for (int i = 0; i < x->to; i++) {
		const float *in = from + x->first[i], *w = x->weight + (size_t)i * (size_t)x->taps;
		float sum = 0;
		for (int k = 0; k < x->taps; k++)
			sum += w[k] * in[k];
		to[i] = sum;
	}
}

void gm_resize_down(const gm_resize *r, const float *rows, float *to, size_t stride)
{
	const side *x = &r->x, *y = &r->y;
	for (int i = 0; i < y->to; i++) {
		const float *w = y->weight + (size_t)i * (size_t)y->taps;
		const float *in = rows + (size_t)y->first[i] * (size_t)x->to;
		float *out = to + (size_t)i * stride;
		for (int c = 0; c < x->to; c++)
			out[c] = w[0] * in[c];
		for (int k = 1; k < y->taps; k++) {
			in += x->to;
			for (int c = 0; c < x->to; c++)
				out[c] += w[k] * in[c];
		}
	}
}

void gm_resize_plane(const gm_resize *r, const float *from, float *to, size_t stride,
                     float *scratch)
{
	for (int row = 0; row < r->y.from; row++)
		gm_resize_row(r, from + (size_t)row * (size_t)r->x.from,
		              scratch + (size_t)row * (size_t)r->x.to);
	gm_resize_down(r, scratch, to, stride);
}

void gm_resize_bytes(float *x, int64_t n)
{
	for (int64_t i = 0; i < n; i++) {
		const float v = x[i] < -1 ? -1 : x[i] > 1 ? 1 : x[i];
		x[i] = roundf((v + 1) * 127.5f) / 127.5f - 1;
	}
}
