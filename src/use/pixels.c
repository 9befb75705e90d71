/* SPDX-License-Identifier: MIT
 *
 * use/pixels.c -- drawing from a model that gives each number's distribution from those before
 * it. By the endpoint "pixels" alone that takes a pass over the whole picture for each number; with
 * "pixels-row" and "pixels-pixel" each feature is computed once.
 */
#include "use/pixels.h"
#include "base/progress.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct drawing {
	gm_run *r;
	const gm_pixels *p;
	gm_run_endpoint *all, *row, *pixel;
	int64_t m, c, h, w, levels; /* levels: logits of a number, 1 for two levels */
	float *x;                   /* [m,C,H,W], of this batch */
	float *logits, *above, *left, *now;
	int32_t *label;
	gm_rng *rng; /* [m] */
} drawing;

static float value_of(const drawing *d, int64_t level)
{
	int64_t top = d->levels == 1 ? 1 : d->levels - 1;
	return (float)(2. * (double)level / (double)top - 1);
}

static float nearest(const drawing *d, float v)
{
	int64_t top = d->levels == 1 ? 1 : d->levels - 1;
	double level = floor((fmin(fmax(v, -1), 1) + 1) / 2 * (double)top + .5);
	return value_of(d, (int64_t)level);
}

/* A level by its logits. */
static int64_t draw_level(const drawing *d, const float *logit, gm_rng *rng)
{
	double u = gm_rng_uniform(rng), most = -INFINITY, sum = 0;
	if (d->levels == 1)
		return u < 1 / (1 + exp(-(double)logit[0]));
	for (int64_t l = 0; l < d->levels; l++)
		most = fmax(most, logit[l]);
	for (int64_t l = 0; l < d->levels; l++)
		sum += exp(logit[l] - most);
	u *= sum;
	for (int64_t l = 0; l < d->levels - 1; l++)
		if ((u -= exp(logit[l] - most)) < 0)
			return l;
	return d->levels - 1;
}

static bool is_hidden(const drawing *d, int64_t c, int64_t y, int64_t x)
{
	return !d->p->hidden || d->p->hidden[(c * d->h + y) * d->w + x];
}

static float *number(const drawing *d, int64_t i, int64_t c, int64_t y, int64_t x)
{
	return &d->x[((i * d->c + c) * d->h + y) * d->w + x];
}

static bool call(drawing *d, gm_run_endpoint *e, const void *const *given, int n, float *out)
{
	const void *in[GM_RUN_INPUTS] = {0};
	memcpy(in, given, n * sizeof *in);
	for (int i = 0; i < e->nin; i++)
		if (e->in[i] == d->r->label)
			in[i] = d->label;
	return gm_endpoint_run(d->r, e, &(gm_use){.in = in, .seed = d->p->seed, .raw = d->p->raw},
	                       out);
}

/* Draws one number of every picture; where its logits stand, [m, stride]. */
static void put(drawing *d, int64_t c, int64_t y, int64_t x, const float *logit, int64_t stride)
{
	for (int64_t i = 0; i < d->m; i++)
		*number(d, i, c, y, x) = value_of(d, draw_level(d, logit + i * stride, &d->rng[i]));
}

static bool draw_slowly(drawing *d)
{
	int64_t numel = d->c * d->h * d->w;
	for (int64_t y = 0; y < d->h; y++)
		for (int64_t x = 0; x < d->w; x++)
			for (int64_t c = 0; c < d->c; c++) {
				int64_t at = (c * d->h + y) * d->w + x;
				if (!is_hidden(d, c, y, x))
					continue;
				if (!call(d, d->all, (const void *[]){d->x}, 1, d->logits))
					return false;
				put(d, c, y, x, d->logits + at * d->levels, numel * d->levels);
			}
	return true;
}

/* Row y of the pictures, or nothing above the first. */
static void take_row(drawing *d, int64_t y)
{
	for (int64_t i = 0; i < d->m; i++)
		for (int64_t c = 0; c < d->c; c++) {
			float *to = d->above + (i * d->c + c) * d->w;
			if (y < 0)
				memset(to, 0, d->w * sizeof *to);
			else
				memcpy(to, number(d, i, c, y, 0), d->w * sizeof *to);
		}
}

/* The first `channels` numbers of a pixel, and zeros after them. */
static void take_pixel(drawing *d, int64_t y, int64_t x, int64_t channels, float *to)
{
	for (int64_t i = 0; i < d->m; i++)
		for (int64_t c = 0; c < d->c; c++)
			to[i * d->c + c] = x < 0 || c >= channels ? 0 : *number(d, i, c, y, x);
}

static bool draw_by_steps(drawing *d)
{
	float nothing[1];
	for (int64_t y = 0; y < d->h; y++) {
		int32_t row = (int32_t)y;
		take_row(d, y - 1);
		if (!call(d, d->row, (const void *[]){d->above, &row}, 2, nothing))
			return false;
		for (int64_t x = 0; x < d->w; x++) {
			int32_t column = (int32_t)x;
			take_pixel(d, y, x - 1, d->c, d->left);
			for (int32_t c = 0; c < d->c; c++) {
				take_pixel(d, y, x, c, d->now);
				const void *in[] = {d->left, d->now, &column, &c};
				if (!call(d, d->pixel, in, 4, d->logits))
					return false;
				if (is_hidden(d, c, y, x))
					put(d, c, y, x, d->logits + c * d->levels,
					    d->c * d->levels);
			}
		}
	}
	return true;
}

static bool prepare(drawing *d)
{
	gm_run *r = d->r;
	const gm_facts *f = &r->facts;
	d->all = gm_endpoint_find(r, GM_ENDPOINT_PIXELS);
	d->row = gm_endpoint_find(r, "pixels-row"), d->pixel = gm_endpoint_find(r, "pixels-pixel");
	d->m = r->batch, d->c = f->channels, d->h = f->height, d->w = f->width;
	gm_shape s = d->all ? gm_node_shape(d->all->y) : GM_RANK0;
	d->levels = s.rank == 5 ? s.dim[4] : 1;
	if (!d->all || f->points || s.rank < 4 ||
	    gm_node_size(d->all->y) != d->m * f->numel * d->levels) {
		gm_run_fail(r, GM_ERR_STATE, "%s: \"pixels\" does not give logits of every number",
		            r->model->name);
		return false;
	}
	d->x = malloc(d->m * f->numel * sizeof *d->x);
	d->logits = malloc(d->m * f->numel * d->levels * sizeof *d->logits);
	d->above = malloc(d->m * d->c * d->w * sizeof *d->above);
	d->left = malloc(d->m * d->c * sizeof *d->left);
	d->now = malloc(d->m * d->c * sizeof *d->now);
	d->label = calloc(d->m, sizeof *d->label);
	d->rng = calloc(d->m, sizeof *d->rng);
	return (d->x && d->logits && d->above && d->left && d->now && d->label && d->rng) ||
	       gm_fail(&r->err, GM_ERR_MEMORY, "no memory for pictures");
}

static bool draw_batch(drawing *d, int64_t first)
{
	int64_t classes = d->r->facts.classes;
	for (int64_t i = 0; i < d->m; i++) {
		int64_t k = first + i, number = d->p->first + k;
		d->rng[i] = gm_rng_new(d->p->seed, (uint64_t)number);
		if (d->p->label && k < d->p->n)
			d->label[i] = d->p->label[k];
		else
			d->label[i] = classes ? (int32_t)(number % classes) : 0;
	}
	bool steps = d->row && d->pixel && !d->p->slow;
	return steps ? draw_by_steps(d) : draw_slowly(d);
}

bool gm_pixels_draw(gm_run *r, const gm_pixels *p, float *x)
{
	drawing d = {.r = r, .p = p};
	int64_t numel = r->facts.numel;
	bool ok = prepare(&d);
	for (int64_t done = 0; ok && done < p->n; done += d.m) {
		ok = gm_progress_tell("drawing pixel by pixel", (uint64_t)done, (uint64_t)p->n,
		                      "images", &r->err);
		if (!ok)
			break;
		int64_t take = p->n - done < d.m ? p->n - done : d.m;
		memset(d.x, 0, d.m * numel * sizeof *d.x);
		for (int64_t i = 0; p->hidden && i < take * numel; i++)
			d.x[i] = p->hidden[i % numel] ? 0 : nearest(&d, x[done * numel + i]);
		ok = draw_batch(&d, done);
		if (ok)
			memcpy(x + done * numel, d.x, take * numel * sizeof *x);
	}
	gm_progress_end();
	free(d.x);
	free(d.logits);
	free(d.above);
	free(d.left);
	free(d.now);
	free(d.label);
	free(d.rng);
	return ok;
}

/* ---- declaring ------------------------------------------------------------------------------- */

/* 0 at the first, else 1 */
static gm_node *not_first(gm_node *number)
{
	gm_node *n = gm_reshape(gm_cast(number, GM_F32), GM_RANK0);
	return gm_add_c(gm_neg(gm_equal(n, gm_scalar(gm_node_graph(number), 0))), 1);
}

void gm_run_pixels(gm_run *r, const gm_causal *whole, gm_node *label,
                   gm_node *(*build)(void *ctx, gm_causal *c, gm_node *x), void *ctx)
{
	gm_causal c = *whole;
	gm_graph *g = gm_net_graph(c.net);
	gm_shape pixel = GM_SHAPE(c.batch, c.channels, 1, 1);
	gm_node *above =
		gm_input(g, "row/above", GM_SHAPE(c.batch, c.channels, 1, c.width), GM_F32);
	gm_node *row = gm_input(g, "row/number", GM_SHAPE(1), GM_I32);
	c.mode = GM_CAUSAL_ROW, c.old = not_first(row), c.hands = c.effects = 0;
	build(ctx, &c, above);
	gm_endpoint_nodes(r, "pixels-row", c.old, (gm_node *[]){above, row, label}, label ? 3 : 2);
	gm_endpoint_effect(r, "pixels-row", gm_group(g, c.effect, c.effects));

	gm_node *left = gm_input(g, "pixel/left", pixel, GM_F32);
	gm_node *now = gm_input(g, "pixel/now", pixel, GM_F32);
	gm_node *channel = gm_input(g, "pixel/channel", GM_SHAPE(1), GM_I32);
	gm_node *at = gm_reshape(gm_cast(channel, GM_F32), GM_RANK0);
	c.column = gm_input(g, "pixel/column", GM_SHAPE(1), GM_I32);
	c.mode = GM_CAUSAL_PIXEL, c.old = not_first(c.column), c.hands = c.effects = 0;
	c.previous = left;
	c.fresh = gm_equal(at, gm_scalar(g, 0));
	c.last = gm_equal(at, gm_scalar(g, (double)c.channels - 1));
	gm_node *y = build(ctx, &c, now);
	gm_endpoint_nodes(r, "pixels-pixel", y, (gm_node *[]){left, now, c.column, channel, label},
	                  label ? 5 : 4);
	gm_endpoint_effect(r, "pixels-pixel", gm_group(g, c.effect, c.effects));
}
