/* SPDX-License-Identifier: MIT
 *
 * use/search.c -- see search.h.
 */
#include "use/search.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PORTS = 32 };

struct gm_search {
	gm_saved *s;
	int64_t m, n; /* rows, free values of a row */
	int ports;
	gm_port port[PORTS];
	gm_node *in[PORTS], *slope[PORTS]; /* inputs in the place of the ports; their gradients */
	int64_t width[PORTS];              /* values of a row */
	float *fixed[PORTS];               /* [m, width] of one-hot latents */
	gm_node *images, *label, *cost_node;
	gm_step *step;
	float *z, *gradient, *cost, *mean, *square; /* [m,n]; cost [m] */
	float *part;                                /* [m, largest width] */
	double *bound;                              /* [n] */
	int32_t *labels;                            /* [m] */
	int64_t steps;                              /* of Adam */
};

static bool is_free(const gm_port *p)
{
	return p->kind == GM_PORT_LATENT && p->latent != GM_LATENT_ONE_HOT;
}

static gm_node *input_of(gm_search *q, gm_shape shape, gm_dtype type)
{
	static _Atomic int inputs; /* names of inputs are unique within a graph */
	char name[40];
	snprintf(name, sizeof name, "search/%d", inputs++);
	return gm_input(gm_saved_graph(q->s), name, shape, type);
}

gm_node *gm_search_input(gm_search *q, gm_shape shape)
{
	return input_of(q, shape, GM_F32);
}

static bool graph_ok(const gm_search *q, gm_error *err)
{
	const gm_error *e = gm_graph_error(gm_saved_graph(q->s));
	return !e->code || gm_fail(err, e->code, "%s", e->message);
}

/* Replaces the ports of "generate" by inputs. */
static bool open_ports(gm_search *q, gm_error *err)
{
	const gm_facts *f = gm_saved_facts(q->s);
	const gm_shape shape = gm_saved_shape(q->s, GM_ENDPOINT_GENERATE);
	if (f->points || f->rate || shape.rank != 4 || shape.dim[1] != f->channels ||
	    shape.dim[2] != f->height || shape.dim[3] != f->width)
		return gm_fail(err, GM_ERR_STATE,
		               "this needs a run that generates images of its data's size, and %s "
		               "does not",
		               gm_saved_model(q->s)->name);
	for (int i = 0; i < q->ports; i++) {
		const gm_port *p = &q->port[i];
		if (p->kind == GM_PORT_DATA)
			return gm_fail(err, GM_ERR_STATE,
			               "%s generates images from \"%s\" of the data: this works "
			               "only for latents and labels",
			               gm_saved_model(q->s)->name, p->name);
		q->width[i] = 1;
		for (int d = 1; d < p->shape.rank; d++)
			q->width[i] *= p->shape.dim[d];
		q->n += is_free(p) ? q->width[i] : 0;
		if (p->kind == GM_PORT_LABEL && q->label)
			q->in[i] = q->label;
		else
			q->in[i] = input_of(q, p->shape, p->dtype);
		if (p->kind == GM_PORT_LABEL)
			q->label = q->in[i];
	}
	if (!q->n)
		return gm_fail(err, GM_ERR_STATE, "\"generate\" of %s has no latents",
		               gm_saved_model(q->s)->name);
	q->images = gm_saved_node(q->s, GM_ENDPOINT_GENERATE, q->in, err);
	return q->images != NULL;
}

static bool make_room(gm_search *q, gm_error *err)
{
	const size_t all = (size_t)(q->m * q->n);
	int64_t widest = 1, at = 0;
	bool ok = true;
	for (int i = 0; i < q->ports; i++) {
		widest = q->width[i] > widest ? q->width[i] : widest;
		if (q->port[i].kind == GM_PORT_LATENT && !is_free(&q->port[i]))
			ok = ok &&
			     (q->fixed[i] = calloc((size_t)(q->m * q->width[i]), sizeof(float)));
	}
	q->z = calloc(all, sizeof *q->z), q->gradient = calloc(all, sizeof *q->gradient);
	q->mean = calloc(all, sizeof *q->mean), q->square = calloc(all, sizeof *q->square);
	q->cost = calloc((size_t)q->m, sizeof *q->cost);
	q->labels = calloc((size_t)q->m, sizeof *q->labels);
	q->part = malloc((size_t)(q->m * widest) * sizeof *q->part);
	q->bound = malloc((size_t)q->n * sizeof *q->bound);
	ok = ok && q->z && q->gradient && q->mean && q->square && q->cost && q->labels && q->part &&
	     q->bound;
	for (int i = 0; ok && i < q->ports; i++)
		for (int64_t j = 0; is_free(&q->port[i]) && j < q->width[i]; j++)
			q->bound[at++] = q->port[i].latent == GM_LATENT_UNIFORM ? 1 : 4;
	return ok || gm_fail(err, GM_ERR_MEMORY, "no memory for latents");
}

gm_search *gm_search_new(gm_saved *s, gm_error *err)
{
	if (!gm_saved_must(s, GM_ENDPOINT_GENERATE, err))
		return NULL;
	gm_search *q = calloc(1, sizeof *q);
	if (!q) {
		gm_fail(err, GM_ERR_MEMORY, "no memory for latents");
		return NULL;
	}
	q->s = s, q->m = gm_saved_batch(s);
	q->ports = gm_saved_ports(s, GM_ENDPOINT_GENERATE, q->port, PORTS);
	if (open_ports(q, err) && make_room(q, err))
		return q;
	gm_search_free(q);
	return NULL;
}

void gm_search_free(gm_search *q)
{
	if (!q)
		return;
	gm_step_free(q->step);
	for (int i = 0; i < PORTS; i++)
		free(q->fixed[i]);
	free(q->z), free(q->gradient), free(q->mean), free(q->square), free(q->cost);
	free(q->labels), free(q->part), free(q->bound);
	free(q);
}

int64_t gm_search_rows(const gm_search *q)
{
	return q->m;
}

int64_t gm_search_numbers(const gm_search *q)
{
	return q->n;
}

double gm_search_bound(const gm_search *q, int64_t i)
{
	return q->bound[i];
}

gm_node *gm_search_images(const gm_search *q)
{
	return q->images;
}

gm_node *gm_search_score(gm_search *q, gm_error *err)
{
	gm_port port[PORTS];
	gm_node *in[PORTS] = {q->images};
	if (!gm_saved_must(q->s, GM_ENDPOINT_DISCRIMINATE, err))
		return NULL;
	const int n = gm_saved_ports(q->s, GM_ENDPOINT_DISCRIMINATE, port, PORTS);
	bool ok = port[0].kind == GM_PORT_DATA;
	for (int i = 1; i < n; i++) {
		ok = ok && port[i].kind == GM_PORT_LABEL;
		in[i] = q->label; /* NULL: the run's own input */
	}
	if (!ok) {
		gm_fail(err, GM_ERR_STATE,
		        "\"discriminate\" of %s reads more than images and labels",
		        gm_saved_model(q->s)->name);
		return NULL;
	}
	gm_node *y = gm_saved_node(q->s, GM_ENDPOINT_DISCRIMINATE, in, err);
	const gm_shape s = y ? gm_node_shape(y) : GM_RANK0;
	if (y && gm_node_size(y) != q->m) {
		gm_node *rows = gm_reshape(y, GM_SHAPE(s.dim[0], -1)); /* a D of patches */
		y = gm_mean(rows, GM_AXES(1), false);
	}
	return y ? gm_reshape(y, GM_SHAPE(q->m)) : NULL;
}

bool gm_search_compile(gm_search *q, gm_node *cost, gm_node *const *also, int n, gm_error *err)
{
	gm_node *out[2 * PORTS + 1] = {cost}, *wrt[PORTS], *slope[PORTS];
	int outs = 1, free_ports = 0;
	for (int i = 0; i < q->ports; i++)
		if (is_free(&q->port[i]))
			wrt[free_ports++] = q->in[i];
	gm_grad(gm_sum_all(cost), wrt, free_ports, slope);
	for (int i = 0, k = 0; i < q->ports; i++)
		if (is_free(&q->port[i]))
			out[outs++] = q->slope[i] = slope[k++];
	for (int i = 0; i < n && outs < 2 * PORTS + 1; i++)
		out[outs++] = also[i];
	if (!graph_ok(q, err))
		return false;
	gm_step_free(q->step);
	q->cost_node = cost;
	q->step = gm_compile_nodes(gm_saved_graph(q->s), out, outs,
	                           &(gm_compile_options){.infer = true});
	return q->step || graph_ok(q, err);
}

/* Copies one port's rows between z and a contiguous array. */
static void slice(float *z, int64_t n, int64_t at, float *part, int64_t width, int64_t rows,
                  bool back)
{
	for (int64_t i = 0; i < rows; i++)
		if (back)
			memcpy(z + i * n + at, part + i * width, (size_t)width * sizeof *z);
		else
			memcpy(part + i * width, z + i * n + at, (size_t)width * sizeof *z);
}

static bool draw(gm_search *q, uint64_t seed, int64_t every, bool fixed, gm_error *err)
{
	float *out[PORTS] = {0};
	bool ok = true;
	for (int i = 0; ok && i < q->ports; i++)
		if (q->port[i].kind == GM_PORT_LATENT)
			ok = (out[i] = malloc((size_t)(q->m * q->width[i]) * sizeof(float))) ||
			     gm_fail(err, GM_ERR_MEMORY, "no memory for latents");
	ok = ok && gm_saved_latents(q->s, GM_ENDPOINT_GENERATE, seed, 0, out, err);
	for (int i = 0, at = 0; ok && i < q->ports; i++) {
		if (!out[i])
			continue;
		for (int64_t row = every; row < q->m; row++)
			memcpy(out[i] + row * q->width[i], out[i] + row % every * q->width[i],
			       (size_t)q->width[i] * sizeof(float));
		if (q->fixed[i] && fixed)
			memcpy(q->fixed[i], out[i], (size_t)(q->m * q->width[i]) * sizeof(float));
		if (q->fixed[i])
			continue;
		slice(q->z, q->n, at, out[i], q->width[i], q->m, true);
		at += (int)q->width[i];
	}
	for (int i = 0; i < PORTS; i++)
		free(out[i]);
	gm_search_adam_reset(q);
	return ok;
}

bool gm_search_draw(gm_search *q, uint64_t seed, int64_t every, gm_error *err)
{
	return draw(q, seed, every, true, err);
}

bool gm_search_draw_free(gm_search *q, uint64_t seed, gm_error *err)
{
	return draw(q, seed, q->m, false, err);
}

void gm_search_label(gm_search *q, int64_t row, int32_t label)
{
	q->labels[row] = label;
}

float *gm_search_z(gm_search *q)
{
	return q->z;
}

bool gm_search_run(gm_search *q, gm_error *err)
{
	for (int i = 0, at = 0; i < q->ports; i++) {
		if (q->fixed[i]) {
			gm_set_f32(q->in[i], q->fixed[i], q->m * q->width[i]);
		} else if (is_free(&q->port[i])) {
			slice(q->z, q->n, at, q->part, q->width[i], q->m, false);
			gm_set_f32(q->in[i], q->part, q->m * q->width[i]);
			at += (int)q->width[i];
		}
	}
	if (q->label)
		gm_set_i32(q->label, q->labels, q->m);
	gm_step_run(q->step);
	if (gm_step_check(q->step))
		return gm_fail(err, GM_ERR_STATE, "%s", gm_step_check(q->step));
	gm_step_read(q->step, q->cost_node, q->cost, q->m);
	for (int i = 0, at = 0; i < q->ports; i++)
		if (is_free(&q->port[i])) {
			gm_step_read(q->step, q->slope[i], q->part, q->m * q->width[i]);
			slice(q->gradient, q->n, at, q->part, q->width[i], q->m, true);
			at += (int)q->width[i];
		}
	return true;
}

void gm_search_pull(gm_search *q, const float *z0, double weight)
{
	for (int64_t i = 0; i < q->m * q->n; i++) {
		const double d = q->z[i] - (double)z0[i % q->n];
		q->cost[i / q->n] += (float)(weight * d * d / (double)q->n);
		q->gradient[i] += (float)(2 * weight * d / (double)q->n);
	}
}

const float *gm_search_cost(const gm_search *q)
{
	return q->cost;
}

const float *gm_search_gradient(const gm_search *q)
{
	return q->gradient;
}

bool gm_search_read(const gm_search *q, const gm_node *y, float *to)
{
	return gm_step_read(q->step, y, to, gm_node_size(y));
}

void gm_search_adam(gm_search *q, double rate)
{
	const double beta1 = .9, beta2 = .999;
	q->steps++;
	const double one = 1 - pow(beta1, (double)q->steps), two = 1 - pow(beta2, (double)q->steps);
	for (int64_t i = 0; i < q->m * q->n; i++) {
		const double g = q->gradient[i], bound = q->bound[i % q->n];
		q->mean[i] = (float)(beta1 * q->mean[i] + (1 - beta1) * g);
		q->square[i] = (float)(beta2 * q->square[i] + (1 - beta2) * g * g);
		const double v =
			q->z[i] - rate * (q->mean[i] / one) / (sqrt(q->square[i] / two) + 1e-8);
		q->z[i] = (float)fmin(fmax(v, -bound), bound);
	}
}

void gm_search_adam_reset(gm_search *q)
{
	q->steps = 0;
	memset(q->mean, 0, (size_t)(q->m * q->n) * sizeof *q->mean);
	memset(q->square, 0, (size_t)(q->m * q->n) * sizeof *q->square);
}
