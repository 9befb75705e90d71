/* SPDX-License-Identifier: MIT
 *
 * use/dream.c -- see dream.h. Steps, octaves and defaults are those of dream.ipynb in
 * google/deepdream; a step changes the image by rate / mean|g| times its gradient g.
 */
#include "use/dream.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/progress.h"
#include "ganymede/features.h"

enum { LARGEST_DOT = 1 << 27 }; /* floats of the products of all places with those of the guide */

struct gm_dreamer {
	gm_saved *run; /* or NULL: */
	gm_graph *graph;
	gm_extractor_nodes *nodes;
	int channels, inputs; /* inputs: made so far, for their names */
	const char *deepest;  /* of a network */
};

gm_dreamer *gm_dreamer_of_run(gm_saved *s, gm_error *err)
{
	const gm_facts *f = gm_saved_facts(s);
	if (f->points || f->rate || (f->channels != 1 && f->channels != 3)) {
		gm_fail(err, GM_ERR_VALUE,
		        "dream changes images of 1 or 3 channels, but this run is "
		        "for other data");
		return NULL;
	}
	gm_dreamer *d = calloc(1, sizeof *d);
	if (d)
		*d = (gm_dreamer){
			.run = s, .graph = gm_saved_graph(s), .channels = (int)f->channels};
	else
		gm_fail(err, GM_ERR_MEMORY, "out of memory");
	return d;
}

gm_dreamer *gm_dreamer_of_network(const char *name, const char *weights, gm_error *err)
{
	gm_dreamer *d = calloc(1, sizeof *d);
	if (d)
		*d = (gm_dreamer){.graph = gm_graph_new(NULL),
		                  .channels = 3,
		                  .deepest = strcmp(name, "vgg16") ? "fire8" : "relu4_3"};
	if (!d || !d->graph)
		gm_fail(err, GM_ERR_MEMORY, "out of memory");
	else if ((d->nodes = gm_extractor_on(d->graph, name, weights, err)))
		return d;
	gm_dreamer_free(d);
	return NULL;
}

void gm_dreamer_free(gm_dreamer *d)
{
	if (!d)
		return;
	gm_extractor_nodes_free(d->nodes);
	if (!d->run)
		gm_graph_free(d->graph);
	free(d);
}

/* The deepest layer with maps. */
static const char *layer_of(gm_dreamer *d, const gm_dream_options *o, gm_error *err)
{
	const char *name, *last = d->deepest;
	gm_shape shape;
	if (o->layer)
		return o->layer;
	for (int i = 0; d->run && (name = gm_saved_layer_name(d->run, i, &shape)); i++)
		if (shape.rank == 4)
			last = name;
	if (!last)
		gm_fail(err, GM_ERR_VALUE, "no layer of this run has maps of an image");
	return last;
}

/* ---- images ---------------------------------------------------------------------------------- */

/* Bytes to [channels, height, width] in [-1,1]; RGB to grey by Rec. 601. */
static float *planes(const gm_image *im, int channels)
{
	const int64_t area = (int64_t)im->width * im->height;
	float *x = malloc((size_t)(channels * area) * sizeof *x);
	for (int64_t i = 0; x && i < area; i++) {
		const uint8_t *p = im->pixel + i * im->channels;
		for (int c = 0; c < channels; c++) {
			const double v = im->channels == 1 ? p[0]
			                 : channels == 3   ? p[c]
			                                 : .299 * p[0] + .587 * p[1] + .114 * p[2];
			x[c * area + i] = (float)(v / 127.5 - 1);
		}
	}
	return x;
}

static gm_image *bytes(const float *x, int channels, int height, int width, gm_error *err)
{
	gm_image *im = gm_image_new(width, height, channels, err);
	const int64_t area = (int64_t)width * height;
	for (int64_t i = 0; im && i < area; i++)
		for (int c = 0; c < channels; c++)
			im->pixel[i * channels + c] =
				(uint8_t)lrint((fmin(fmax(x[c * area + i], -1), 1) + 1) * 127.5);
	return im;
}

void gm_dream_zoom(const float *x, int channels, int height, int width, float *y, int to_height,
                   int to_width)
{
	for (int c = 0; c < channels; c++, x += (int64_t)height * width)
		for (int i = 0; i < to_height; i++) {
			const double v =
				to_height > 1 ? (double)i * (height - 1) / (to_height - 1) : 0;
			const int top = (int)v < height - 1 ? (int)v : height > 1 ? height - 2 : 0;
			const int below = height > 1 ? top + 1 : top;
			for (int j = 0; j < to_width; j++) {
				const double u =
					to_width > 1 ? (double)j * (width - 1) / (to_width - 1) : 0;
				const int left = (int)u < width - 1 ? (int)u
				                 : width > 1        ? width - 2
				                                    : 0;
				const int right = width > 1 ? left + 1 : left;
				const float *a = x + (int64_t)top * width,
					    *b = x + (int64_t)below * width;
				const double p = a[left] + (a[right] - a[left]) * (u - left),
					     q = b[left] + (b[right] - b[left]) * (u - left);
				*y++ = (float)(p + (q - p) * (v - top));
			}
		}
}

/* y[i + down, j + right] = x[i, j], around the edges */
static void roll(const float *x, int channels, int height, int width, int down, int right, float *y)
{
	for (int c = 0; c < channels; c++)
		for (int i = 0; i < height; i++) {
			const int row = ((i + down) % height + height) % height;
			const int64_t from = ((int64_t)c * height + i) * width,
				      to = ((int64_t)c * height + row) * width;
			const int shift = (right % width + width) % width;
			memcpy(y + to + shift, x + from, (size_t)(width - shift) * sizeof *y);
			memcpy(y + to, x + from + width - shift, (size_t)shift * sizeof *y);
		}
}

/* ---- the objective --------------------------------------------------------------------------- */

typedef struct ascent { /* a compiled step for one size */
	gm_node *x, *gradient, *objective;
	gm_step *step;
} ascent;

static gm_node *input_of(gm_dreamer *d, gm_shape shape)
{
	char name[40];
	snprintf(name, sizeof name, "dream/%d", d->inputs++);
	return gm_input(d->graph, name, shape, GM_F32);
}

static gm_node *respond(gm_dreamer *d, const char *layer, gm_node *x, gm_error *err)
{
	gm_node *y = d->run ? gm_saved_layer(d->run, layer, x, err)
	                    : gm_extractor_layer(d->nodes, layer, x, err);
	const gm_error *e = gm_graph_error(d->graph);
	if (y && e->code) {
		gm_fail(err, e->code, "%s", e->message);
		return NULL;
	}
	return y;
}

/* Maps [1,K,h,w] as [K, h w] */
static gm_node *columns(gm_node *y)
{
	const gm_shape s = gm_node_shape(y);
	return gm_reshape(y, GM_SHAPE(s.dim[1], s.rank == 4 ? s.dim[2] * s.dim[3] : 1));
}

/* The layer's values for the guide as a constant, [Q,K]. */
static gm_node *guide_of(gm_dreamer *d, const char *layer, const gm_image *guide, gm_error *err)
{
	float *x = planes(guide, d->channels), *v = NULL;
	gm_node *in = input_of(d, GM_SHAPE(1, d->channels, guide->height, guide->width));
	gm_node *y = x ? respond(d, layer, in, err) : NULL, *fixed = NULL;
	if (!x)
		gm_fail(err, GM_ERR_MEMORY, "out of memory");
	gm_node *rows = y ? gm_transpose(columns(y)) : NULL;
	gm_step *step =
		rows ? gm_compile_nodes(d->graph, &rows, 1, &(gm_compile_options){.infer = true})
		     : NULL;
	if (step && (v = malloc((size_t)gm_node_size(rows) * sizeof *v))) {
		gm_set_f32(in, x, gm_node_size(in));
		gm_step_run(step);
		gm_step_read(step, rows, v, gm_node_size(rows));
		fixed = input_of(d, gm_node_shape(rows));
		gm_set_f32(fixed, v, gm_node_size(rows));
	} else if (rows) {
		gm_fail(err, GM_ERR_VALUE, "the guide: %s", gm_graph_error(d->graph)->message);
	}
	gm_step_free(step);
	free(x);
	free(v);
	return fixed;
}

/* What is raised. Guided: each place is drawn to the place of the guide whose values have the
 * largest product with its own; the choice is a constant. */
static gm_node *objective(const gm_dream_options *o, gm_node *y, gm_node *guide, gm_error *err)
{
	const gm_shape s = gm_node_shape(y);
	if (o->unit > s.dim[1]) {
		gm_fail(err, GM_ERR_VALUE, "unit %d: this layer has %d units, from 0", o->unit - 1,
		        (int)s.dim[1]);
		return NULL;
	}
	if (o->unit)
		return gm_sum_all(gm_narrow(y, 1, o->unit - 1, 1));
	if (!guide)
		return gm_mul_c(gm_sum_all(gm_square(y)), .5);
	gm_node *a = columns(y);
	if (gm_node_shape(a).dim[1] * gm_node_shape(guide).dim[0] > LARGEST_DOT) {
		gm_fail(err, GM_ERR_VALUE,
		        "this layer has %d places here and %d for the guide: take a deeper layer "
		        "or a "
		        "smaller guide",
		        (int)gm_node_shape(a).dim[1], (int)gm_node_shape(guide).dim[0]);
		return NULL;
	}
	gm_node *dots = gm_matmul(gm_stop_gradient(a), guide, true, true); /* [P,Q] */
	gm_node *nearest = gm_gather(guide, gm_argmax(dots, 1));           /* [P,K] */
	return gm_sum_all(gm_mul(gm_transpose(a), gm_stop_gradient(nearest)));
}

static bool build(gm_dreamer *d, const gm_dream_options *o, const char *layer, gm_node *guide,
                  int height, int width, ascent *a, gm_error *err)
{
	gm_error why = {0};
	*a = (ascent){.x = input_of(d, GM_SHAPE(1, d->channels, height, width))};
	gm_node *y = respond(d, layer, a->x, &why);
	if (!y && why.code == GM_ERR_SHAPE)
		return gm_fail(err, GM_ERR_VALUE,
		               "images of %dx%d do not fit layer %.60s: %.300s (a dense layer "
		               "needs the size of the run's images and --octaves 1, a deep layer a "
		               "larger image or fewer octaves)",
		               width, height, layer, why.message);
	if (!y)
		return gm_fail(err, why.code ? why.code : GM_ERR_VALUE, "%s", why.message);
	if (!(a->objective = objective(o, y, guide, err)))
		return false;
	gm_grad(a->objective, &a->x, 1, &a->gradient);
	gm_node *out[] = {a->gradient, a->objective};
	a->step = gm_compile_nodes(d->graph, out, 2, &(gm_compile_options){.infer = true});
	return a->step || gm_fail(err, GM_ERR_VALUE, "images of %dx%d: %.300s", width, height,
	                          gm_graph_error(d->graph)->message);
}

/* ---- the ascent ------------------------------------------------------------------------------ */

typedef struct work {
	gm_dreamer *d;
	gm_dream_options o;
	gm_dream_report *report;
	gm_rng rng;
	float *rolled, *gradient; /* of the largest octave */
	int done, all;            /* steps */
} work;

static int shift(work *w)
{
	const int reach = w->o.jitter > 0 ? w->o.jitter : 0;
	return (int)(gm_rng_uniform(&w->rng) * (2 * reach + 1)) - reach;
}

/* x += rate / mean|g| g, clipped; false where g is 0 */
static bool move(float *x, const float *g, int64_t n, double rate)
{
	double mean = 0;
	for (int64_t i = 0; i < n; i++)
		mean += fabs(g[i]) / (double)n;
	if (!(mean > 0) || isinf(mean))
		return false;
	for (int64_t i = 0; i < n; i++)
		x[i] = (float)fmin(fmax(x[i] + rate / mean * g[i], -1), 1);
	return true;
}

/* All steps of octave k on x [channels, height, width], each after a shift; then the objective of
 * the result, not shifted. */
static bool climb(work *w, const ascent *a, int k, float *x, gm_error *err)
{
	const gm_shape s = gm_node_shape(a->x);
	const int c = (int)s.dim[1], h = (int)s.dim[2], width = (int)s.dim[3];
	const int64_t n = gm_node_size(a->x);
	double before = NAN;
	w->report->octave[k].width = width, w->report->octave[k].height = h;
	for (int i = 0; i <= w->o.steps; i++) {
		const bool end = i == w->o.steps;
		const int down = end ? 0 : shift(w), right = end ? 0 : shift(w);
		if (!end && !gm_progress_tell("dreaming", (uint64_t)w->done++, (uint64_t)w->all,
		                              "steps", err))
			return false;
		roll(x, c, h, width, down, right, w->rolled);
		gm_set_f32(a->x, w->rolled, n);
		gm_step_run(a->step);
		if (gm_step_check(a->step))
			return gm_fail(err, GM_ERR_STATE, "%s", gm_step_check(a->step));
		gm_step_read(a->step, a->gradient, w->gradient, n);
		const double now = gm_step_scalar(a->step, a->objective);
		w->report->octave[k].rises += i > 0 && now > before;
		if (i == 0)
			w->report->octave[k].first = now;
		w->report->octave[k].last = before = now;
		if (end)
			break;
		if (!move(w->rolled, w->gradient, n, w->o.rate / 127.5))
			w->report->octave[k].dead++;
		roll(w->rolled, c, h, width, -down, -right, x);
	}
	return true;
}

static bool check(gm_dream_options *o, const gm_image *im, gm_error *err)
{
	o->octaves = o->octaves ? o->octaves : 4;
	o->scale = o->scale != 0 ? o->scale : 1.4;
	o->steps = o->steps < 0 ? 0 : o->steps ? o->steps : 10;
	o->rate = o->rate != 0 ? o->rate : 1.5;
	o->jitter = o->jitter < 0 ? 0 : o->jitter ? o->jitter : 32;
	if (o->octaves < 1 || o->octaves > GM_DREAM_OCTAVES)
		return gm_fail(err, GM_ERR_VALUE, "--octaves must be 1 to %d", GM_DREAM_OCTAVES);
	if (!(o->scale > 1) || !(o->scale <= 8))
		return gm_fail(err, GM_ERR_VALUE, "--scale must be above 1, and at most 8");
	if (!isfinite(o->rate))
		return gm_fail(err, GM_ERR_VALUE, "--rate must be a number");
	if (o->unit && o->guide)
		return gm_fail(err, GM_ERR_VALUE, "--unit and --guide cannot be combined");
	const double least = pow(o->scale, o->octaves - 1);
	return (im->width / least >= 2 && im->height / least >= 2) ||
	       gm_fail(err, GM_ERR_VALUE,
	               "an image of %dx%d is too small for %d octaves: --octaves 1", im->width,
	               im->height, o->octaves);
}

/* Octaves from the smallest: detail is what was added to the image of that size. */
static bool dream(work *w, const char *layer, gm_node *guide, float *x, int height, int width,
                  gm_error *err)
{
	const int c = w->d->channels, n = w->o.octaves;
	int h[GM_DREAM_OCTAVES] = {height}, wide[GM_DREAM_OCTAVES] = {width};
	float *base[GM_DREAM_OCTAVES] = {x}, *detail = NULL, *more;
	bool ok = true;
	for (int k = 1; ok && k < n; k++) {
		h[k] = (int)lrint(h[k - 1] / w->o.scale),
		wide[k] = (int)lrint(wide[k - 1] / w->o.scale);
		base[k] = malloc((size_t)c * h[k] * wide[k] * sizeof **base);
		ok = base[k] || gm_fail(err, GM_ERR_MEMORY, "out of memory");
		if (ok)
			gm_dream_zoom(base[k - 1], c, h[k - 1], wide[k - 1], base[k], h[k],
			              wide[k]);
	}
	for (int k = n - 1; ok && k >= 0; k--) {
		const int64_t size = (int64_t)c * h[k] * wide[k];
		ascent a;
		more = calloc((size_t)size, sizeof *more);
		ok = (more || gm_fail(err, GM_ERR_MEMORY, "out of memory")) &&
		     build(w->d, &w->o, layer, guide, h[k], wide[k], &a, err);
		if (ok && detail)
			gm_dream_zoom(detail, c, h[k + 1], wide[k + 1], more, h[k], wide[k]);
		free(detail);
		detail = more;
		/* more: base + detail, then what the steps made of it, then the new detail */
		for (int64_t i = 0; ok && i < size; i++)
			more[i] += base[k][i];
		ok = ok && climb(w, &a, n - 1 - k, more, err);
		for (int64_t i = 0; ok && i < size; i++)
			if (k)
				more[i] -= base[k][i];
			else
				x[i] = more[i];
		if (ok)
			gm_step_free(a.step);
	}
	for (int k = 1; k < n; k++)
		free(base[k]);
	free(detail);
	return ok;
}

gm_image *gm_dream(gm_dreamer *d, const gm_image *im, const gm_dream_options *o,
                   gm_dream_report *report, gm_error *err)
{
	gm_dream_report own;
	work w = {.d = d, .o = *o, .report = report ? report : &own, .rng = gm_rng_new(o->seed, 0)};
	gm_image *out = NULL;
	if (!check(&w.o, im, err))
		return NULL;
	const char *layer = layer_of(d, &w.o, err);
	const size_t size = (size_t)d->channels * im->width * im->height;
	gm_node *guide = NULL;
	*w.report = (gm_dream_report){.octaves = w.o.octaves};
	w.all = w.o.octaves * w.o.steps;
	if (layer)
		snprintf(w.report->layer, sizeof w.report->layer, "%s", layer);
	float *x = planes(im, d->channels);
	w.rolled = malloc(size * sizeof *w.rolled);
	w.gradient = malloc(size * sizeof *w.gradient);
	bool ok = (x && w.rolled && w.gradient) || gm_fail(err, GM_ERR_MEMORY, "out of memory");
	ok = ok && layer && (!w.o.guide || (guide = guide_of(d, layer, w.o.guide, err))) &&
	     dream(&w, layer, guide, x, im->height, im->width, err);
	gm_progress_end();
	int dead = 0;
	for (int k = 0; k < w.o.octaves; k++)
		dead += w.report->octave[k].dead;
	if (ok && w.all && dead == w.all)
		ok = gm_fail(err, GM_ERR_STATE,
		             "layer %s%s does not respond to this image: its gradient is 0", layer,
		             w.o.unit ? " at this unit" : "");
	if (ok)
		out = bytes(x, d->channels, im->height, im->width, err);
	free(x), free(w.rolled), free(w.gradient);
	return out;
}
