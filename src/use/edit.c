/* SPDX-License-Identifier: MIT
 *
 * use/edit.c -- see edit.h. For each start the latents z minimise, by Adam,
 *
 *	mean((G(z) - v)^2 m) / mean(m) + edge mean((HOG(G(z)) - HOG(e))^2 M) / mean(M)
 *		+ realism (-log D(G(z))) + smooth mean((z - z0)^2)
 *
 * with the painted colours v and their mask m, the painted edges e and the cells M that they touch,
 * as in the authors' code (junyanz/iGAN), whose defaults these are: the paper's realism term is off
 * there. It searches u with z = tanh(u); here z itself is searched within its bounds.
 */
#include "use/edit.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/machine.h"
#include "base/progress.h"
#include "use/saved_run.h"
#include "use/search.h"

static const double SHOW_SECONDS = .25;
enum { BINS = 8, POINTS = 4096, STROKES = 1000 };

/* clang-format off */
#define AT(field) offsetof(gm_edit_options, field)
const gm_action_row gm_edit_rows[] = {
	{{"seed", "0", "seed of the starts", {GM_OPTION_U64}}, AT(seed)},
	{{"starts", "64", "latents that are searched at the same time", GM_INT(1, 256)}, AT(starts)},
	{{"show", "16", "candidates, at most", GM_INT(1, 256)}, AT(show)},
	{{"iterations", "40", "steps of Adam", GM_INT(0, 100000)}, AT(iterations)},
	{{"rate", "0.1", "step size of Adam", GM_REAL(1e-6, 1)}, AT(rate)},
	{{"edge", "0.2", "weight of the edge constraints", GM_REAL(0, 1000)}, AT(edge)},
	{{"smooth", "5", "with a photo: weight of the change of its latents", GM_REAL(0, 1e6)}, AT(smooth)},
	{{"realism", "0", "weight of -log D", GM_REAL(0, 1000)}, AT(realism)},
	{{0}, 0},
};
/* clang-format on */

struct gm_edit {
	gm_edit_options o;
	gm_saved *s;
	gm_search *q;
	int64_t height, width, channels, numbers;
	/* constraints: colours [C,H,W] with a mask [H,W], edges [H,W] in [0,1] with a mask */
	float *colour, *colour_mask, *edge, *edge_mask;
	gm_node *in_colour, *in_colour_mask, *in_edge, *in_edge_mask;
	float *z0, *before;  /* [numbers]; its image; or NULL */
	float *cost, *image; /* [starts]; [starts, C,H,W] */
	void (*preview)(void *context, gm_edit *e);
	void *context;
	char why[160]; /* what is wrong with a stroke */
	bool fresh;    /* cost and image are those of the latents and constraints */
};

/* ---- oriented gradients ---------------------------------------------------------------------- */

static gm_node *kernel(gm_graph *g, const double *v, int64_t side)
{
	return gm_array(g, v, GM_SHAPE(1, 1, side, side), GM_F32);
}

/* Sums over cells; x [N,1,H,W] to [N,1,H/cell,W/cell]. */
static gm_node *pool(gm_node *x, int cell)
{
	const int side = 2 * cell;
	double window[64 * 64], sum = 0;
	for (int i = 0; i < side * side; i++) {
		const double a = 1 - fabs(i / side + .5 - cell) / cell,
			     b = 1 - fabs(i % side + .5 - cell) / cell;
		sum += window[i] = a * b;
	}
	for (int i = 0; i < side * side; i++)
		window[i] *= cell / sum;
	const int pad = cell / 2;
	return gm_conv2d(x, kernel(gm_node_graph(x), window, side),
	                 (gm_conv_options){.stride = {cell, cell}, .pad = {pad, pad, pad, pad}});
}

gm_node *gm_edit_hog(gm_node *grey, int cell)
{
	static const double across[] = {-.25, 0, .25, -.5, 0, .5, -.25, 0, .25},
			    down[] = {-.25, -.5, -.25, 0, 0, 0, .25, .5, .25};
	const gm_shape s = gm_node_shape(grey);
	gm_graph *g = gm_node_graph(grey);
	gm_node *x = gm_pad_reflect(grey, 1, 1, 1, 1);
	gm_node *gx = gm_conv2d(x, kernel(g, across, 3), (gm_conv_options){{0}}),
		*gy = gm_conv2d(x, kernel(g, down, 3), (gm_conv_options){{0}});
	gm_node *size = gm_sqrt(gm_add_c(gm_add(gm_square(gx), gm_square(gy)), 1e-3)), *bin[BINS];
	const double a = cos(3.14159265358979 / BINS);
	for (int k = 0; k < BINS; k++) {
		const double t = k * 3.14159265358979 / BINS;
		gm_node *along = gm_abs(gm_add(gm_mul_c(gx, cos(t)), gm_mul_c(gy, sin(t))));
		bin[k] = gm_relu(gm_sub(gm_mul_c(along, 1 / (1 - a)), gm_mul_c(size, a / (1 - a))));
	}
	gm_node *all = gm_reshape(gm_concat(bin, BINS, 1),
	                          GM_SHAPE(s.dim[0] * BINS, 1, s.dim[2], s.dim[3]));
	gm_node *y = pool(all, cell);
	return gm_reshape(y, GM_SHAPE(s.dim[0], BINS, s.dim[2] / cell, s.dim[3] / cell));
}

/* ---- the cost -------------------------------------------------------------------------------- */

/* mean((a - b)^2 mask) / (mean(mask) + 1e-5) of each row */
static gm_node *masked(gm_node *a, gm_node *b, gm_node *mask)
{
	gm_node *each = gm_mean(gm_mul(gm_square(gm_sub(a, b)), mask), GM_AXES(1, 2, 3), false);
	return gm_div(each, gm_add_c(gm_mean_all(mask), 1e-5));
}

/* [N,C,H,W] in [-1,1] to grey [N,1,H,W] in [0,1] */
static gm_node *grey_of(gm_node *x)
{
	return gm_add_c(gm_mul_c(gm_mean(x, GM_AXES(1), true), .5), .5);
}

static bool build(gm_edit *e, gm_error *err)
{
	gm_node *x = gm_search_images(e->q);
	const int64_t h = e->height, w = e->width;
	int cell = h >= 64 && w >= 64 ? 8 : 4;
	if (h % cell || w % cell)
		return gm_fail(err, GM_ERR_VALUE,
		               "edits need images whose sides are multiples of %d, not %dx%d", cell,
		               (int)w, (int)h);
	e->in_colour = gm_search_input(e->q, GM_SHAPE(1, e->channels, h, w));
	e->in_colour_mask = gm_search_input(e->q, GM_SHAPE(1, 1, h, w));
	e->in_edge = gm_search_input(e->q, GM_SHAPE(1, 1, h, w));
	e->in_edge_mask = gm_search_input(e->q, GM_SHAPE(1, 1, h, w));
	gm_graph *g = gm_node_graph(x);
	gm_node *cells = gm_less(gm_scalar(g, 1e-5), pool(e->in_edge_mask, cell));
	gm_node *cost = masked(x, e->in_colour, e->in_colour_mask);
	if (e->o.edge > 0)
		cost = gm_add(cost, gm_mul_c(masked(gm_edit_hog(grey_of(x), cell),
		                                    gm_edit_hog(e->in_edge, cell), cells),
		                             e->o.edge));
	if (e->o.realism > 0) {
		gm_node *score = gm_search_score(e->q, err);
		if (!score)
			return false;
		cost = gm_add(cost, gm_mul_c(gm_softplus(gm_neg(score)), e->o.realism));
	}
	return gm_search_compile(e->q, cost, &x, 1, err);
}

/* Cost, gradient and images at the present latents. */
static bool evaluate(gm_edit *e, gm_error *err)
{
	gm_set_f32(e->in_colour, e->colour, e->channels * e->height * e->width);
	gm_set_f32(e->in_colour_mask, e->colour_mask, e->height * e->width);
	gm_set_f32(e->in_edge, e->edge, e->height * e->width);
	gm_set_f32(e->in_edge_mask, e->edge_mask, e->height * e->width);
	if (!gm_search_run(e->q, err))
		return false;
	if (e->z0)
		gm_search_pull(e->q, e->z0, e->o.smooth);
	memcpy(e->cost, gm_search_cost(e->q), (size_t)e->o.starts * sizeof *e->cost);
	return true;
}

static bool look(gm_edit *e, gm_error *err)
{
	return e->fresh || (e->fresh = evaluate(e, err) &&
	                               gm_search_read(e->q, gm_search_images(e->q), e->image));
}

static bool start(gm_edit *e, const float *z0, gm_error *err)
{
	if (!gm_search_draw(e->q, e->o.seed, e->o.starts, err))
		return false;
	if (!z0)
		return look(e, err);
	gm_rng rng = gm_rng_new(e->o.seed, 0xED17);
	float *z = gm_search_z(e->q);
	memcpy(e->z0, z0, (size_t)e->numbers * sizeof *z0);
	for (int64_t i = 0; i < e->o.starts * e->numbers; i++) {
		const double bound = gm_search_bound(e->q, i % e->numbers);
		const double v = i < e->numbers ? z0[i] /* the image before the edit itself */
		                                : z0[i % e->numbers] + gm_rng_uniform(&rng) - .5;
		z[i] = (float)fmin(fmax(v, -bound), bound);
	}
	if (!look(e, err))
		return false;
	memcpy(e->before, e->image,
	       (size_t)(e->channels * e->height * e->width) * sizeof *e->before);
	return true;
}

gm_edit *gm_edit_new(gm_saved *s, const gm_edit_options *o, const float *z0, gm_error *err)
{
	gm_edit *e = calloc(1, sizeof *e);
	if (!e) {
		gm_fail(err, GM_ERR_MEMORY, "out of memory");
		return NULL;
	}
	const gm_facts *f = gm_saved_facts(s);
	e->o = *o;
	e->height = f->height, e->width = f->width, e->channels = f->channels;
	bool ok = (e->s = gm_saved_again(s, o->starts, err)) && (e->q = gm_search_new(e->s, err));
	e->numbers = ok ? gm_search_numbers(e->q) : 1;
	const size_t plane = ok ? (size_t)(f->height * f->width) : 1,
		     all = plane * (size_t)f->channels;
	e->colour = calloc(all, sizeof(float)), e->colour_mask = calloc(plane, sizeof(float));
	e->edge = calloc(plane, sizeof(float)), e->edge_mask = calloc(plane, sizeof(float));
	e->cost = calloc((size_t)o->starts, sizeof(float));
	e->image = calloc((size_t)o->starts * all, sizeof(float));
	if (z0) {
		e->z0 = calloc((size_t)e->numbers, sizeof(float));
		e->before = calloc(all, sizeof(float));
	}
	ok = ok && ((e->colour && e->colour_mask && e->edge && e->edge_mask && e->cost &&
	             e->image && (!z0 || (e->z0 && e->before))) ||
	            gm_fail(err, GM_ERR_MEMORY, "no memory for images"));
	if (ok && build(e, err) && start(e, z0, err))
		return e;
	gm_edit_free(e);
	return NULL;
}

void gm_edit_free(gm_edit *e)
{
	if (!e)
		return;
	gm_search_free(e->q);
	gm_saved_free(e->s);
	free(e->colour), free(e->colour_mask), free(e->edge), free(e->edge_mask);
	free(e->z0), free(e->before), free(e->cost), free(e->image);
	free(e);
}

void gm_edit_preview(gm_edit *e, void (*f)(void *context, gm_edit *e), void *context)
{
	e->preview = f, e->context = context;
}

bool gm_edit_run(gm_edit *e, int64_t iterations, gm_error *err)
{
	double shown = gm_seconds();
	for (int64_t i = 0; i < iterations; i++) {
		if (!gm_progress_tell("editing", (uint64_t)i, (uint64_t)iterations, "iterations",
		                      err) ||
		    !evaluate(e, err))
			return false;
		gm_search_adam(e->q, e->o.rate);
		e->fresh = false;
		if (e->preview && gm_seconds() - shown > SHOW_SECONDS) {
			if (!look(e, err))
				return false;
			e->preview(e->context, e);
			shown = gm_seconds();
		}
	}
	gm_progress_end();
	return look(e, err);
}

int64_t gm_edit_order(const gm_edit *e, int64_t *order)
{
	const int64_t n = e->o.starts;
	double best = 0;
	int64_t kept = 0;
	for (int64_t i = 0; i < n; i++) { /* insertion: few starts */
		int64_t k = i;
		for (; k > 0 && e->cost[order[k - 1]] > e->cost[i]; k--)
			order[k] = order[k - 1];
		order[k] = i;
	}
	const int64_t eight = n < 8 ? n : 8;
	for (int64_t i = 0; i < eight; i++)
		best += e->cost[order[i]] / (double)eight;
	while (kept < n && kept < e->o.show && (kept == 0 || e->cost[order[kept]] <= 2 * best))
		kept++;
	return kept;
}

const float *gm_edit_cost(const gm_edit *e)
{
	return e->cost;
}

const float *gm_edit_z(const gm_edit *e)
{
	return gm_search_z(e->q);
}

const float *gm_edit_image(const gm_edit *e, int64_t candidate)
{
	return e->image + candidate * e->channels * e->height * e->width;
}

double gm_edit_colour_error(const gm_edit *e, int64_t candidate)
{
	const float *x = gm_edit_image(e, candidate);
	const int64_t plane = e->height * e->width;
	double sum = 0, count = 0;
	for (int64_t i = 0; i < e->channels * plane; i++)
		if (e->colour_mask[i % plane] > 0)
			sum += pow(x[i] - (double)e->colour[i], 2), count++;
	return count > 0 ? sqrt(sum / count) : NAN;
}

bool gm_edit_between(gm_saved *s, const float *a, const float *b, int64_t n, float *x,
                     gm_error *err)
{
	gm_saved *own = gm_saved_again(s, n, err);
	gm_search *q = own ? gm_search_new(own, err) : NULL;
	gm_node *images = q ? gm_search_images(q) : NULL;
	bool ok = q &&
	          gm_search_compile(q, gm_mean(gm_square(images), GM_AXES(1, 2, 3), false), &images,
	                            1, err) &&
	          gm_search_draw(q, 0, n, err);
	const int64_t numbers = ok ? gm_search_numbers(q) : 0;
	for (int64_t i = 0; ok && i < n * numbers; i++) {
		const double t = n > 1 ? (double)(i / numbers) / (double)(n - 1) : 0;
		gm_search_z(q)[i] = (float)((1 - t) * a[i % numbers] + t * b[i % numbers]);
	}
	ok = ok && gm_search_run(q, err) && gm_search_read(q, images, x);
	gm_search_free(q);
	gm_saved_free(own);
	return ok;
}

/* ---- strokes --------------------------------------------------------------------------------- */

void gm_edit_clear(gm_edit *e)
{
	const size_t plane = (size_t)(e->height * e->width);
	memset(e->colour_mask, 0, plane * sizeof(float));
	memset(e->edge_mask, 0, plane * sizeof(float));
	memset(e->edge, 0, plane * sizeof(float));
	e->fresh = false;
}

typedef struct point {
	double x, y;
} point;

typedef struct stroke {
	enum { COLOUR, SKETCH, WARP, ERASE } tool;
	double width;
	unsigned colour; /* 0xRRGGBB */
	point *at;       /* malloc; of warp: from, to */
	int points;
} stroke;

static bool read_point(const gm_edit *e, const json_t *o, point *p)
{
	if (!json_is_array(o) || json_array_size(o) != 2 || !json_is_number(json_array_get(o, 0)) ||
	    !json_is_number(json_array_get(o, 1)))
		return false;
	p->x = json_number_value(json_array_get(o, 0));
	p->y = json_number_value(json_array_get(o, 1));
	return p->x >= 0 && p->y >= 0 && p->x < (double)e->width && p->y < (double)e->height;
}

static bool read_number(const json_t *o, const char *name, double usual, double low, double high,
                        double *v)
{
	const json_t *given = json_object_get(o, name);
	*v = given ? json_number_value(given) : usual;
	return (!given || json_is_number(given)) && *v >= low && *v <= high;
}

/* A key that is not among the words of `names`, or NULL. */
static const char *other_key(const json_t *o, const char *names)
{
	const char *key;
	json_t *value;
	json_object_foreach ((json_t *)o, key, value) {
		const size_t n = strlen(key);
		const char *at = strstr(names, key);
		while (n && at && ((at > names && at[-1] != ' ') || (at[n] && at[n] != ' ')))
			at = strstr(at + 1, key);
		if (!n || !at || strchr(key, ' '))
			return key;
	}
	return NULL;
}

/* NULL, or what is wrong with it. */
static const char *read_stroke(gm_edit *e, const json_t *o, stroke *s)
{
	static const char *const tools[] = {"colour", "sketch", "warp", "erase"};
	const double side = (double)(e->height < e->width ? e->height : e->width),
		     usual[] = {2, 1, .375 * side, 6};
	const char *tool = json_string_value(json_object_get(o, "tool")),
		   *colour = json_string_value(json_object_get(o, "colour"));
	static const char *const keys[] = {"tool width colour points", "tool width points",
	                                   "tool size from to", "tool width points"};
	int k = 0, end = 0;
	while (k < 4 && (!tool || strcmp(tools[k], tool) != 0))
		k++;
	if (!json_is_object(o) || k == 4)
		return "its tool is not colour, sketch, warp or erase";
	s->tool = k;
	const char *other = other_key(o, keys[k]);
	if (other) {
		snprintf(e->why, sizeof e->why, "%s has no \"%.60s\", only %s", tools[k], other,
		         keys[k]);
		return e->why;
	}
	if (!read_number(o, k == WARP ? "size" : "width", usual[k], 1, side, &s->width))
		return k == WARP ? "its size is not a number from 1 to the side of the image"
		                 : "its width is not a number from 1 to the side of the image";
	if (k == COLOUR && (!colour || sscanf(colour, "#%6x%n", &s->colour, &end) != 1 ||
	                    end != 7 || strlen(colour) != 7))
		return "its colour is not #rrggbb";
	const json_t *points = json_object_get(o, "points");
	const size_t n = k == WARP ? 2 : json_array_size(points);
	if (k != WARP && (n < 1 || n > POINTS))
		return "its points are not 1 to 4096 pairs [x, y]";
	if (k == WARP && !e->before)
		return "warp moves a part of a photo, and there is none";
	if (!(s->at = malloc(n * sizeof *s->at)))
		return "there is no memory for it";
	s->points = (int)n;
	for (size_t i = 0; i < n; i++)
		if (!read_point(e,
		                k == WARP ? json_object_get(o, i ? "to" : "from")
		                          : json_array_get(points, i),
		                &s->at[i]))
			return "a point is not [x, y] within the image";
	return NULL;
}

static void put(gm_edit *e, const stroke *s, int64_t i)
{
	const int64_t plane = e->height * e->width;
	if (s->tool == ERASE) {
		e->colour_mask[i] = e->edge_mask[i] = e->edge[i] = 0;
	} else if (s->tool == SKETCH) {
		e->edge[i] = e->edge_mask[i] = 1;
	} else {
		const double rgb[] = {(s->colour >> 16) / 127.5 - 1,
		                      (s->colour >> 8 & 255) / 127.5 - 1,
		                      (s->colour & 255) / 127.5 - 1};
		for (int64_t c = 0; c < e->channels; c++)
			e->colour[c * plane + i] =
				(float)(e->channels == 3
			                        ? rgb[c]
			                        : .299 * rgb[0] + .587 * rgb[1] + .114 * rgb[2]);
		e->colour_mask[i] = 1;
	}
}

/* Pixels within half the width of a point. */
static void dab(gm_edit *e, const stroke *s, point p)
{
	const double r = s->width / 2;
	for (int64_t y = (int64_t)fmax(0, ceil(p.y - r)); y < e->height && (double)y <= p.y + r;
	     y++)
		for (int64_t x = (int64_t)fmax(0, ceil(p.x - r));
		     x < e->width && (double)x <= p.x + r; x++)
			if (pow((double)x - p.x, 2) + pow((double)y - p.y, 2) <= r * r)
				put(e, s, y * e->width + x);
}

/* The square around `from` of the image before the edit, as colours and as edges, around `to`. */
static void warp(gm_edit *e, const stroke *s)
{
	const int64_t plane = e->height * e->width, dx = llround(s->at[1].x - s->at[0].x),
		      dy = llround(s->at[1].y - s->at[0].y);
	const double r = s->width / 2;
	for (int64_t y = 0; y < e->height; y++)
		for (int64_t x = 0; x < e->width; x++) {
			const int64_t from = y * e->width + x, tx = x + dx, ty = y + dy;
			if (fabs((double)x - s->at[0].x) > r || fabs((double)y - s->at[0].y) > r ||
			    tx < 0 || ty < 0 || tx >= e->width || ty >= e->height)
				continue;
			const int64_t to = ty * e->width + tx;
			double grey = 0;
			for (int64_t c = 0; c < e->channels; c++) {
				e->colour[c * plane + to] = e->before[c * plane + from];
				grey += e->before[c * plane + from] / (double)e->channels;
			}
			e->colour_mask[to] = e->edge_mask[to] = 1;
			e->edge[to] = (float)(grey / 2 + .5);
		}
}

static void draw(gm_edit *e, const stroke *s)
{
	if (s->tool == WARP) {
		warp(e, s);
		return;
	}
	dab(e, s, s->at[0]);
	for (int i = 1; i < s->points; i++) {
		const point a = s->at[i - 1], b = s->at[i];
		const int n = (int)ceil(2 * hypot(b.x - a.x, b.y - a.y)) + 1;
		for (int k = 1; k <= n; k++)
			dab(e, s, (point){a.x + (b.x - a.x) * k / n, a.y + (b.y - a.y) * k / n});
	}
}

bool gm_edit_from(const char *script, size_t n, int64_t numbers, float *z, bool *given,
                  gm_error *err)
{
	json_t *o = json_loadb(script, n, JSON_REJECT_DUPLICATES, NULL), *v;
	const json_t *from = json_object_get(o, "from");
	size_t i;
	*given = from != NULL;
	bool ok = !from || (json_is_array(from) && (int64_t)json_array_size(from) == numbers);
	json_array_foreach ((json_t *)from, i, v) {
		ok = ok && json_is_number(v) && fabs(json_number_value(v)) <= 1e6;
		if (ok)
			z[i] = (float)json_number_value(v);
	}
	json_decref(o);
	return ok ||
	       gm_fail(err, GM_ERR_VALUE,
	               "the script's \"from\" is not a list of %d numbers, the latents of this run",
	               (int)numbers);
}

bool gm_edit_read(gm_edit *e, const char *script, size_t n, gm_error *err)
{
	json_error_t where = {0};
	json_t *o = json_loadb(script, n, JSON_REJECT_DUPLICATES, &where), *row;
	const json_t *rows = json_object_get(o, "strokes");
	const size_t count = json_array_size(rows);
	size_t i;
	stroke *s = count && count <= STROKES ? calloc(count, sizeof *s) : NULL;
	bool ok = true;
	if (!o)
		ok = gm_fail(err, GM_ERR_FORMAT, "the script is not JSON: line %d: %.200s",
		             where.line, where.text);
	else if (!json_is_array(rows) || count > STROKES)
		ok = gm_fail(err, GM_ERR_FORMAT,
		             "the script is not an object with a list \"strokes\" of at most %d",
		             STROKES);
	else if (other_key(o, "strokes from"))
		ok = gm_fail(err, GM_ERR_VALUE,
		             "the script has \"%.60s\", but takes only \"strokes\" and "
		             "\"from\"",
		             other_key(o, "strokes from"));
	else if (count && !s)
		ok = gm_fail(err, GM_ERR_MEMORY, "no memory for strokes");
	json_array_foreach ((json_t *)rows, i, row) {
		const char *problem = ok ? read_stroke(e, row, &s[i]) : NULL;
		if (problem)
			ok = gm_fail(err, GM_ERR_VALUE, "stroke %d: %s", (int)i + 1, problem);
	}
	for (i = 0; ok && i < count; i++)
		draw(e, &s[i]);
	for (i = 0; s && i < count; i++)
		free(s[i].at);
	free(s);
	json_decref(o);
	e->fresh = e->fresh && !ok;
	return ok && look(e, err);
}
