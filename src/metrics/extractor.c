/* SPDX-License-Identifier: MIT
 *
 * extractor.c -- extractors by name, and what is common to all. See extractor.h. */
#include "metrics/extractor.h"
#include "metrics/network.h"

#include "base/arena.h"
#include "base/sha256.h"
#include "base/text.h"
#include "data/fetch.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIDE_MAX 16384

static const gm_extractor_kind *const kinds[] = {&gm_extractor_inception,
                                                 &gm_extractor_inception_tf, &gm_extractor_vgg16,
                                                 &gm_extractor_squeezenet, &gm_extractor_pixels};
#define KINDS ((int)(sizeof kinds / sizeof *kinds))

struct gm_extractor {
	const gm_extractor_kind *kind;
	gm_extractor_info info;
	gm_arena *arena; /* owns the strings and this struct */
	void *self;
};

const char *gm_extractor_names(int i, const char **about)
{
	if (i < 0 || i >= KINDS)
		return NULL;
	if (about)
		*about = kinds[i]->about;
	return kinds[i]->name;
}

gm_extractor *gm_extractor_wrap(const gm_extractor_kind *kind, void *self,
                                const gm_extractor_info *info, gm_error *err)
{
	gm_arena *a = gm_arena_new();
	gm_extractor *x = gm_arena_calloc(a, 1, sizeof *x);
	*x = (gm_extractor){kind, *info, a, self};
	(void)err;
	x->info.name = gm_arena_strdup(a, info->name);
	x->info.weights = gm_arena_strdup(a, info->weights ? info->weights : "");
	x->info.sha256 = gm_arena_strdup(a, info->sha256 ? info->sha256 : "");
	x->info.resize = gm_arena_strdup(a, info->resize ? info->resize : "");
	if (info->class_names) {
		const char **names = gm_arena_calloc(a, (size_t)info->classes, sizeof *names);
		for (int64_t i = 0; i < info->classes; i++)
			names[i] = gm_arena_strdup(a, info->class_names[i]);
		x->info.class_names = names;
	}
	return x;
}

static const gm_extractor_kind *find(const char *name, gm_error *err)
{
	const char *names[KINDS];
	for (int i = 0; i < KINDS; i++) {
		names[i] = kinds[i]->name;
		if (gm_text_distance(name, names[i]) == 0)
			return kinds[i];
	}
	const char *near = gm_text_nearest(name, names, KINDS);
	char known[256] = "";
	for (int i = 0; i < KINDS; i++)
		snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", i ? ", " : "",
		         names[i]);
	gm_fail(err, GM_ERR_VALUE, "there is no extractor %.60s; %s%s", name,
	        near ? "did you mean " : "known are ", near ? near : known);
	return NULL;
}

/* The file to read weights from; false where there is none. */
static bool find_weights(const gm_extractor_kind *kind, const char *given, char path[PATH_MAX],
                         gm_error *err)
{
	*path = 0;
	if (kind->no_weights)
		return !given || gm_fail(err, GM_ERR_VALUE, "extractor %s has no weights to read",
		                         kind->name);
	if (given) {
		if (snprintf(path, PATH_MAX, "%s", given) < PATH_MAX)
			return true;
		return gm_fail(err, GM_ERR_VALUE, "a path of %zu bytes", strlen(given));
	}
	if (kind->fetched && gm_fetch_find(kind->fetched, path) && *path)
		return true;
	if (kind->fetched)
		return gm_fail(err, GM_ERR_VALUE,
		               "extractor %s needs its weights: ganymede data fetch %s, or give "
		               "their file",
		               kind->name, kind->fetched);
	return gm_fail(err, GM_ERR_VALUE, "extractor %s needs its weights: give their file",
	               kind->name);
}

bool gm_extractor_weights(const char *name, const char *given, char path[PATH_MAX], gm_error *err)
{
	const gm_extractor_kind *kind = find(name, err);
	return kind && find_weights(kind, given, path, err);
}

typedef struct opening {
	const gm_extractor_kind *kind;
	const char *weights;
	gm_error *err;
	gm_extractor *x;
} opening;

static void open_it(void *ctx);

gm_extractor *gm_extractor_of(const gm_extractor_kind *kind, const char *weights, gm_error *err)
{
	opening w = {kind, weights, err, NULL};
	if (!gm_memory_guard(open_it, &w))
		gm_fail(err, GM_ERR_MEMORY, "extractor %s: out of memory", kind->name);
	return w.x;
}

static gm_extractor *open_kind(const gm_extractor_kind *kind, const char *weights, gm_error *err)
{
	char sha256[GM_SHA256_HEX] = "";
	if (weights && !gm_sha256_file(weights, sha256, err))
		return NULL;
	gm_extractor_info info = {.name = kind->name, .weights = weights, .sha256 = sha256};
	void *self = kind->open(kind, weights, &info, err);
	return self ? gm_extractor_wrap(kind, self, &info, err) : NULL;
}

static void open_it(void *ctx)
{
	opening *w = ctx;
	w->x = open_kind(w->kind, w->weights, w->err);
}

gm_extractor *gm_extractor_open(const char *name, const char *weights, gm_error *err)
{
	const gm_extractor_kind *kind = find(name, err);
	char path[PATH_MAX];
	if (!kind || !find_weights(kind, weights, path, err))
		return NULL;
	return gm_extractor_of(kind, *path ? path : NULL, err);
}

gm_extractor *gm_extractor_drawn(const char *name, gm_error *err)
{
	const gm_extractor_kind *kind = find(name, err);
	return kind && !kind->no_weights ? gm_extractor_of(kind, NULL, err) : NULL;
}

struct gm_extractor_nodes {
	const gm_extractor_kind *kind;
	gm_graph *graph;
	gm_network *network;
	char sha256[GM_SHA256_HEX];
};

static gm_extractor_nodes *open_on(gm_graph *g, const char *name, const char *weights,
                                   gm_error *err)
{
	const gm_extractor_kind *kind = find(name, err);
	char path[PATH_MAX];
	if (!kind || !find_weights(kind, weights, path, err))
		return NULL;
	if (!kind->plan) {
		gm_fail(err, GM_ERR_VALUE,
		        "extractor %s has no layers that could be a part of a loss; squeezenet and "
		        "vgg16 have",
		        kind->name);
		return NULL;
	}
	gm_extractor_nodes *x = calloc(1, sizeof *x);
	const gm_network_plan plan = kind->plan(kind);
	bool ok = x || gm_fail(err, GM_ERR_MEMORY, "out of memory");
	ok = ok && gm_sha256_file(path, x->sha256, err) &&
	     (x->network = gm_network_on(g, &plan, path, err));
	if (!ok) {
		free(x);
		return NULL;
	}
	x->kind = kind, x->graph = g;
	return x;
}

typedef struct placing {
	gm_graph *g;
	const char *name, *weights;
	gm_error *err;
	gm_extractor_nodes *x;
} placing;

static void place(void *ctx)
{
	placing *p = ctx;
	p->x = open_on(p->g, p->name, p->weights, p->err);
}

gm_extractor_nodes *gm_extractor_on(gm_graph *g, const char *name, const char *weights,
                                    gm_error *err)
{
	placing p = {g, name, weights, err, NULL};
	if (!gm_memory_guard(place, &p))
		gm_fail(err, GM_ERR_MEMORY, "extractor %s: out of memory", name);
	return p.x;
}

gm_node *gm_extractor_layer(gm_extractor_nodes *x, const char *layer, gm_node *pictures,
                            gm_error *err)
{
	gm_scope_push(x->graph, x->kind->name);
	gm_error why = {0};
	gm_node *y = gm_network_node(x->network, layer, pictures, &why);
	gm_scope_pop(x->graph);
	if (!y)
		gm_fail(err, why.code, "extractor %s: %s", x->kind->name, why.message);
	return y;
}

typedef struct layering { /* arguments of gm_extractor_layer_in */
	gm_net *net;
	const char *name, *layer;
	gm_node *x;
	gm_error *err;
	gm_node *y;
} layering;

static void layer_in(void *ctx)
{
	layering *w = ctx;
	const gm_extractor_kind *kind = find(w->name, w->err);
	if (kind && !kind->plan) {
		gm_fail(w->err, GM_ERR_VALUE, "extractor %s has no layers by name", w->name);
	} else if (kind) {
		const gm_network_plan plan = kind->plan(kind);
		w->y = gm_network_in(w->net, &plan, w->layer, w->x, w->err);
	}
}

gm_node *gm_extractor_layer_in(gm_net *net, const char *name, const char *layer, gm_node *x,
                               gm_error *err)
{
	layering w = {net, name, layer, x, err, NULL};
	if (!gm_memory_guard(layer_in, &w))
		gm_fail(err, GM_ERR_MEMORY, "extractor %s: out of memory", name);
	return w.y;
}

const char *gm_extractor_nodes_sha256(const gm_extractor_nodes *x)
{
	return x->sha256;
}

void gm_extractor_nodes_free(gm_extractor_nodes *x)
{
	if (x)
		gm_network_free(x->network);
	free(x);
}

void gm_extractor_free(gm_extractor *x)
{
	if (!x)
		return;
	if (x->kind->free)
		x->kind->free(x->self);
	gm_arena_free(x->arena);
}

const gm_extractor_info *gm_extractor_info_of(const gm_extractor *x)
{
	return &x->info;
}

const gm_step *gm_extractor_step(const gm_extractor *x, int64_t *batch)
{
	return x->kind->step ? x->kind->step(x->self, batch) : NULL;
}

int64_t gm_extractor_width(const gm_extractor *x, const gm_extractor_input *in)
{
	return x->info.features ? x->info.features : (int64_t)in->channels * in->height * in->width;
}

static bool fine(const gm_extractor *x, const gm_extractor_input *in, const float *logits,
                 gm_error *err)
{
	const char *name = x->info.name;
	if (logits && !x->info.classes)
		return gm_fail(err, GM_ERR_VALUE, "extractor %s has no classes", name);
	if (in->n < 0 || (in->channels != 1 && in->channels != 3) || in->height < 1 ||
	    in->width < 1 || in->height > SIDE_MAX || in->width > SIDE_MAX)
		return gm_fail(
			err, GM_ERR_VALUE,
			"extractor %s: %lld pictures of %d x %d with %d channels; wanted are "
			"1 or 3, and sides of 1 to %d",
			name, (long long)in->n, in->height, in->width, in->channels, SIDE_MAX);
	const int64_t each = (int64_t)in->channels * in->height * in->width;
	for (int64_t i = 0; i < in->n * each; i++)
		if (!isfinite(in->x[i]))
			return gm_fail(err, GM_ERR_VALUE,
			               "extractor %s: picture %lld has a value that is not finite",
			               name, (long long)(i / each));
	return true;
}

bool gm_extractor_run(gm_extractor *x, const gm_extractor_input *in, float *features, float *logits,
                      gm_error *err)
{
	return fine(x, in, logits, err) &&
	       (in->n == 0 || x->kind->run(x->self, in, features, logits, err));
}
