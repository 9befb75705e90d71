/* SPDX-License-Identifier: MIT
 *
 * network.c -- see network.h. */
#include "metrics/network.h"

#include "nn/net.h"
#include "tensorfile/tensors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BN_EPS 1e-3 /* of every batch normalisation in Inception v3 */

typedef struct known { /* a variable of a graph that is not the network's own */
	char name[128];
	gm_node *node;
	struct known *next;
} known;

struct gm_network {
	gm_network_plan plan;
	gm_graph *graph;
	bool borrows; /* the graph is not owned; its variables: */
	known *known;
	gm_net *net;      /* owns the variables, which are trained; or NULL */
	const char *want; /* the requested layer and its node */
	gm_node *found;
	gm_node *x, *features, *logits;
	gm_step *step;
	float *stage; /* [batch, 3, side, side] */
	float *out;   /* of one batch: features, then logits */
	int64_t width, classes;
	/* while it is being built */
	const char *path, *within;
	gm_tensors *file;
	bool *used; /* [tensors of the file] */
	gm_error *err;
	bool failed;
};

/* ---- weights --------------------------------------------------------------------------------- */

static void fail(gm_network *n, const char *what, const char *name)
{
	if (!n->failed)
		gm_fail(n->err, GM_ERR_FORMAT, "%s: %s tensor %s", n->path, what, name);
	n->failed = true;
}

/* "[64, 3, 7, 7]" */
static const char *spell(char text[160], int rank, const int64_t *dims)
{
	int k = snprintf(text, 160, "[");
	for (int i = 0; i < rank; i++)
		k += snprintf(text + k, 160 - (size_t)k, "%s%lld", i ? ", " : "",
		              (long long)dims[i]);
	snprintf(text + k, 160 - (size_t)k, "]");
	return text;
}

static float *no_memory(gm_network *n)
{
	if (!n->failed)
		gm_fail(n->err, GM_ERR_MEMORY, "out of memory");
	n->failed = true;
	return NULL;
}

static bool ends_with(const char *s, const char *end)
{
	const size_t n = strlen(s), k = strlen(end);
	return n >= k && strcmp(s + n - k, end) == 0;
}

/* See gm_network_open. */
static void draw(const char *full, gm_shape shape, float *v)
{
	uint64_t name = 0xcbf29ce484222325u;
	for (const char *p = full; *p; p++)
		name = (name ^ (uint8_t)*p) * 0x100000001b3u;
	int64_t size = 1;
	for (int i = 0; i < shape.rank; i++)
		size *= shape.dim[i];
	double middle = 0, reach = .1;
	if (shape.rank > 1)
		reach = sqrt(6. / (double)(size / shape.dim[0]));
	else if (ends_with(full, "bn.weight") || ends_with(full, "running_var"))
		middle = 1, reach = .2;
	gm_rng rng = gm_rng_new(1, name);
	for (int64_t i = 0; i < size; i++)
		v[i] = (float)(middle + reach * (2 * gm_rng_uniform(&rng) - 1));
}

/* Checks the tensor against the shape, and copies it. */
static bool copy(gm_network *n, const char *full, gm_shape shape, float *v)
{
	char has[160], wants[160];
	const gm_tensor *t = gm_tensors_find(n->file, full);
	if (!t) {
		fail(n, "there is no", full);
		return false;
	}
	n->used[t - gm_tensors_at(n->file, 0)] = true;
	bool same = t->rank == shape.rank;
	for (int i = 0; same && i < shape.rank; i++)
		same = t->dims[i] == shape.dim[i];
	if (same) {
		gm_tensor_f32(t, v);
		return true;
	}
	gm_fail(n->err, GM_ERR_FORMAT, "%s: tensor %s is %s, and should be %s", n->path, full,
	        spell(has, t->rank, t->dims), spell(wants, shape.rank, shape.dim));
	n->failed = true;
	return false;
}

/* The tensor WITHIN + name + end as floats, which the caller frees; NULL after a failure. */
static float *take(gm_network *n, const char *name, const char *end, gm_shape shape)
{
	char full[128];
	int64_t size = 1;
	if (n->failed)
		return NULL;
	snprintf(full, sizeof full, "%s%s%s%s", n->within, *n->within ? "." : "", name, end);
	for (int i = 0; i < shape.rank; i++)
		size *= shape.dim[i];
	float *v = malloc((size_t)size * sizeof *v);
	if (!v)
		return no_memory(n);
	if (!n->file) {
		draw(full, shape, v);
	} else if (!copy(n, full, shape, v)) {
		free(v);
		return NULL;
	}
	return v;
}

static void check_left_over(gm_network *n)
{
	for (int64_t i = 0; n->file && i < gm_tensors_count(n->file) && !n->failed; i++) {
		const char *name = gm_tensors_at(n->file, i)->name;
		if (!n->used[i] && !(n->plan.spare && ends_with(name, n->plan.spare)))
			fail(n, "the network has no place for", name);
	}
}

static gm_node *variable(gm_network *n, const char *name, const char *end, gm_shape shape,
                         const float *v)
{
	char full[128];
	snprintf(full, sizeof full, "%s%s%s%s", n->within, *n->within ? "." : "", name, end);
	for (known *k = n->known; k; k = k->next)
		if (!strcmp(k->name, full))
			return k->node;
	gm_node *x = gm_variable(n->graph, full, shape);
	gm_set_f32(x, v, gm_node_size(x));
	known *k = n->borrows ? malloc(sizeof *k) : NULL;
	if (k) {
		*k = (known){.node = x, .next = n->known};
		memcpy(k->name, full, sizeof full);
		n->known = k;
	} else if (n->borrows) {
		no_memory(n);
	}
	return x;
}

/* y = gamma (conv(x) - mean) / sqrt(var + eps) + beta is a convolution with other weights. */
static void fold(float *w, float *bias, int64_t out, int64_t each, const float *const bn[4])
{
	for (int64_t o = 0; o < out; o++) {
		const double scale = bn[0][o] / sqrt((double)bn[3][o] + BN_EPS);
		bias[o] = (float)(bn[1][o] - bn[2][o] * scale);
		for (int64_t i = 0; i < each; i++)
			w[o * each + i] = (float)(w[o * each + i] * scale);
	}
}

/* The weight w with batch norm folded in, and its bias [out]. */
static float *weights_of(gm_network *n, const char *name, gm_shape shape, bool norm, float **bias)
{
	static const char *const ends[] = {".bn.weight", ".bn.bias", ".bn.running_mean",
	                                   ".bn.running_var"};
	const int64_t out = shape.dim[0];
	float *w = take(n, name, norm ? ".conv.weight" : ".weight", shape), *bn[4] = {0};
	*bias = norm ? malloc((size_t)out * sizeof **bias) : take(n, name, ".bias", GM_SHAPE(out));
	for (int i = 0; norm && i < 4; i++)
		bn[i] = take(n, name, ends[i], GM_SHAPE(out));
	if (norm && !n->failed && *bias)
		fold(w, *bias, out, shape.dim[1] * shape.dim[2] * shape.dim[3],
		     (const float *const *)bn);
	for (int i = 0; i < 4; i++)
		free(bn[i]);
	return w;
}

/* ---- layers ---------------------------------------------------------------------------------- */

void gm_network_within(gm_network *n, const char *part)
{
	n->within = part;
}

/* A parameter of the net, named as in the file of weights. */
static gm_node *of_net(gm_network *n, const char *name, const char *end, gm_shape shape)
{
	char full[128];
	snprintf(full, sizeof full, "%s%s%s%s", n->within, *n->within ? "." : "", name, end);
	return gm_net_var(n->net, full, shape,
	                  .init = shape.rank > 1 ? GM_HE_UNIFORM(0) : GM_ZEROS);
}

gm_node *gm_network_conv_relu(gm_network *n, const char *name, gm_node *x, gm_network_conv c)
{
	const gm_shape in = gm_node_shape(x);
	const int kh = c.height, kw = c.width ? c.width : c.height;
	const gm_shape shape = GM_SHAPE(c.out, in.dim[1], kh, kw);
	gm_conv_options o = {.stride = {c.stride, c.stride}};
	if (c.same)
		o.pad[0] = o.pad[2] = kh / 2, o.pad[1] = o.pad[3] = kw / 2;
	if (n->net)
		return gm_conv2d_relu(x, of_net(n, name, ".weight", shape),
		                      of_net(n, name, ".bias", GM_SHAPE(c.out)), o);
	float *bias, *w = weights_of(n, name, shape, c.norm, &bias);
	if (!n->failed && bias) {
		gm_node *b = variable(n, name, ".bias", GM_SHAPE(c.out), bias);
		x = gm_conv2d_relu(x, variable(n, name, ".weight", shape, w), b, o);
	}
	if (!bias && !n->failed)
		no_memory(n);
	free(w), free(bias);
	return x;
}

gm_node *gm_network_linear(gm_network *n, const char *name, gm_node *x, int64_t out, bool bias)
{
	const gm_shape shape = GM_SHAPE(out, gm_node_shape(x).dim[1]);
	if (n->net) {
		x = gm_matmul(x, of_net(n, name, ".weight", shape), false, true);
		return bias ? gm_add(x, of_net(n, name, ".bias", GM_SHAPE(out))) : x;
	}
	float *w = take(n, name, ".weight", shape), *b = take(n, name, ".bias", GM_SHAPE(out));
	if (!n->failed) {
		x = gm_matmul(x, variable(n, name, ".weight", shape, w), false, true);
		if (bias)
			x = gm_add(x, variable(n, name, ".bias", GM_SHAPE(1, out), b));
	}
	free(w), free(b);
	return x;
}

/* ---- opening --------------------------------------------------------------------------------- */

static bool compile(gm_network *n)
{
	gm_node *out[2] = {n->features, n->logits};
	const gm_compile_options o = {.infer = true};
	n->step = gm_compile_nodes(n->graph, out, n->logits ? 2 : 1, &o);
	if (!n->step) {
		const gm_error *e = gm_graph_error(n->graph);
		return gm_fail(n->err, e->code, "%s", e->message);
	}
	n->width = gm_node_shape(n->features).dim[1];
	n->classes = n->logits ? gm_node_shape(n->logits).dim[1] : 0;
	n->stage = malloc((size_t)gm_node_size(n->x) * sizeof *n->stage);
	n->out = malloc((size_t)n->plan.batch * (size_t)(n->width + n->classes) * sizeof *n->out);
	return (n->stage && n->out) || gm_fail(n->err, GM_ERR_MEMORY, "out of memory");
}

static bool build(gm_network *n)
{
	const int side = n->plan.rule.side;
	if (n->path) {
		n->file = gm_tensors_open(n->path, n->err);
		if (!n->file)
			return false;
		n->used = calloc((size_t)gm_tensors_count(n->file) + 1, 1);
	}
	n->graph = gm_graph_new(NULL);
	if ((n->file && !n->used) || !n->graph)
		return no_memory(n);
	n->x = gm_input(n->graph, "x", GM_SHAPE(n->plan.batch, 3, side, side), GM_F32);
	n->plan.build(n, n->x, &n->features, &n->logits);
	check_left_over(n);
	return !n->failed && compile(n);
}

/* Channel order, scale and shift of the images; no resizing. */
static gm_node *as_shown(const gm_network *n, gm_node *x)
{
	const gm_network_rule *r = &n->plan.rule;
	const gm_shape s = gm_node_shape(x);
	gm_node *c[3];
	for (int i = 0; i < 3; i++) {
		const int from = s.dim[1] == 1 ? 0 : r->bgr ? 2 - i : i;
		c[i] = gm_slice(x, (int64_t[]){0, from, 0, 0},
		                (int64_t[]){s.dim[0], 1, s.dim[2], s.dim[3]}, NULL);
		c[i] = gm_add_c(gm_mul_c(c[i], r->scale[i]), r->shift[i]);
	}
	return gm_concat(c, 3, 1);
}

gm_network *gm_network_on(gm_graph *g, const gm_network_plan *plan, const char *weights,
                          gm_error *err)
{
	gm_network *n = calloc(1, sizeof *n);
	char *path = weights ? strdup(weights) : NULL;
	if (!n || (weights && !path)) {
		gm_fail(err, GM_ERR_MEMORY, "out of memory");
		free(n), free(path);
		return NULL;
	}
	*n = (gm_network){
		.plan = *plan, .graph = g, .borrows = true, .path = path, .within = "", .err = err};
	if (path && (!(n->file = gm_tensors_open(path, err)) ||
	             !(n->used = calloc((size_t)gm_tensors_count(n->file) + 1, 1)))) {
		if (n->file)
			no_memory(n);
		gm_network_free(n);
		return NULL;
	}
	return n;
}

gm_node *gm_network_node(gm_network *n, const char *layer, gm_node *x, gm_error *err)
{
	char all[400] = "";
	size_t k = 0;
	const char *const *name = n->plan.layers;
	for (; name && *name && strcmp(*name, layer); name++)
		k += k < sizeof all ? (size_t)snprintf(all + k, sizeof all - k, "%s%s",
		                                       k ? ", " : "", *name)
		                    : 0;
	if (!name || !*name) {
		gm_fail(err, GM_ERR_VALUE, "there is no layer %.60s; %s%s", layer,
		        k ? "there are " : "this network names none", all);
		return NULL;
	}
	gm_node *features, *logits;
	n->err = err, n->want = layer, n->found = NULL;
	n->plan.build(n, as_shown(n, x), &features, &logits);
	return n->failed ? NULL : n->found;
}

gm_node *gm_network_in(gm_net *net, const gm_network_plan *plan, const char *layer, gm_node *x,
                       gm_error *err)
{
	gm_network n = {.plan = *plan, .graph = gm_net_graph(net), .net = net, .within = ""};
	return gm_network_node(&n, layer, x, err);
}

bool gm_network_layer(gm_network *n, const char *name, gm_node *x)
{
	if (n->net)
		gm_net_note(n->net, name, x, true);
	if (!n->want || strcmp(n->want, name))
		return false;
	n->found = x;
	return true;
}

gm_network *gm_network_open(const gm_network_plan *plan, const char *weights, gm_error *err)
{
	gm_network *n = calloc(1, sizeof *n);
	if (!n) {
		gm_fail(err, GM_ERR_MEMORY, "out of memory");
		return NULL;
	}
	n->plan = *plan, n->path = weights, n->within = "", n->err = err;
	const bool ok = build(n);
	gm_tensors_close(n->file);
	free(n->used);
	n->file = NULL, n->used = NULL, n->err = NULL, n->path = n->within = NULL;
	if (ok)
		return n;
	gm_network_free(n);
	return NULL;
}

void gm_network_free(void *self)
{
	gm_network *n = self;
	if (!n)
		return;
	if (n->borrows) {
		gm_tensors_close(n->file);
		free(n->used);
		free((char *)n->path);
		for (known *k = n->known, *next; k; k = next) {
			next = k->next;
			free(k);
		}
	} else {
		gm_graph_free(n->graph);
	}
	free(n->stage), free(n->out);
	free(n);
}

const gm_step *gm_network_step(const void *self, int64_t *batch)
{
	const gm_network *n = self;
	*batch = n->plan.batch;
	return n->step;
}

/* ---- pictures -------------------------------------------------------------------------------- */

/* Along an axis, result i is (1 - weight) x[low] + weight x[high]. */
typedef struct tap {
	int low, high;
	float weight;
} tap;

static tap *taps(int in, const gm_network_rule *r)
{
	tap *t = malloc((size_t)r->side * sizeof *t);
	const float step = (float)in / (float)r->side;
	for (int i = 0; t && i < r->side; i++) {
		float at = r->corners ? (float)i * step : ((float)i + .5f) * step - .5f;
		at = at < 0 ? 0 : at;
		const int low = (int)at < in - 1 ? (int)at : in - 1;
		t[i] = (tap){low, low < in - 1 ? low + 1 : low, at - (float)low};
	}
	return t;
}

static void resize(const float *x, int width, const tap *down, const tap *across, int side,
                   float scale, float shift, float *y)
{
	for (int i = 0; i < side; i++) {
		const float *top = x + (size_t)down[i].low * (size_t)width,
			    *low = x + (size_t)down[i].high * (size_t)width, h = down[i].weight;
		for (int j = 0; j < side; j++) {
			const tap t = across[j];
			const float a = top[t.low] + (top[t.high] - top[t.low]) * t.weight,
				    b = low[t.low] + (low[t.high] - low[t.low]) * t.weight;
			*y++ = (a + (b - a) * h) * scale + shift;
		}
	}
}

/* Resizes images first .. first + count of in to the stage; grey is copied to three channels. */
static void put_on_stage(gm_network *n, const gm_extractor_input *in, int64_t first, int64_t count,
                         const tap *down, const tap *across)
{
	const gm_network_rule *r = &n->plan.rule;
	const int64_t plane = (int64_t)r->side * r->side;
#pragma omp parallel for
	for (int64_t k = 0; k < 3 * n->plan.batch; k++) {
		const int64_t i = k / 3, c = k % 3;
		float *to = n->stage + k * plane;
		if (i >= count) {
			memset(to, 0, (size_t)plane * sizeof *to);
			continue;
		}
		const int64_t from =
			(first + i) * in->channels + (in->channels == 3 ? (r->bgr ? 2 - c : c) : 0);
		resize(in->x + from * in->height * in->width, in->width, down, across, r->side,
		       r->scale[c], r->shift[c], to);
	}
}

bool gm_network_run(void *self, const gm_extractor_input *in, float *features, float *logits,
                    gm_error *err)
{
	gm_network *n = self;
	const int64_t m = n->plan.batch;
	tap *down = taps(in->height, &n->plan.rule), *across = taps(in->width, &n->plan.rule);
	bool ok = down && across;
	if (!ok)
		gm_fail(err, GM_ERR_MEMORY, "out of memory");
	for (int64_t first = 0; ok && first < in->n; first += m) {
		const int64_t count = in->n - first < m ? in->n - first : m;
		put_on_stage(n, in, first, count, down, across);
		gm_set_f32(n->x, n->stage, gm_node_size(n->x));
		gm_step_run(n->step);
		const char *trouble = gm_step_check(n->step);
		if (trouble) {
			ok = gm_fail(err, GM_ERR_STATE, "%s", trouble);
			break;
		}
		float *f = n->out, *l = n->out + m * n->width;
		gm_step_read(n->step, n->features, f, m * n->width);
		if (features)
			memcpy(features + first * n->width, f,
			       (size_t)(count * n->width) * sizeof *f);
		if (logits) {
			gm_step_read(n->step, n->logits, l, m * n->classes);
			memcpy(logits + first * n->classes, l,
			       (size_t)(count * n->classes) * sizeof *l);
		}
	}
	free(down), free(across);
	return ok;
}
