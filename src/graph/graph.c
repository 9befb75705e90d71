/* SPDX-License-Identifier: MIT
 *
 * graph.c -- the graph itself: nodes, their hash table, scopes, storage of variables and inputs,
 * the first error.
 *
 * Nodes are immutable and hash-consed: building op(inputs, attributes) twice gives the same node,
 * so common subexpressions are merged as they are written. Everything lives in the graph's arena
 * but the storage of variables.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/machine.h"
#include "graph/graph.h"

const gm_op *const gm_ops[GM_OP_COUNT] = {
#define GM_OP(name) &gm_op_##name,
#include "ops/ops.def"
#undef GM_OP
};

typedef struct opening {
	const gm_graph_options *o;
	gm_graph *g;
} opening;

static void open_graph(void *ctx)
{
	opening *w = ctx;
	const gm_graph_options *o = w->o;
	gm_arena *a = gm_arena_new();
	gm_graph *g = w->g = gm_arena_calloc(a, 1, sizeof *g);
	g->arena = a;
	g->real = o && o->real == GM_F64 ? GM_F64 : GM_F32;
	g->seed = o ? o->seed : 0;
	g->ranks = o && o->ranks > 1 ? o->ranks : 1;
	g->rank = o && o->rank > 0 && o->rank < g->ranks ? o->rank : 0;
	g->error.offset = -1;
	const char *backend = o && o->backend ? o->backend : getenv("GANYMEDE_BACKEND");
	const char *check = getenv("GANYMEDE_CHECK"), *profile = getenv("GANYMEDE_PROFILE");
	g->backend = gm_arena_strdup(a, backend && *backend ? backend : "cpu");
	g->check = (o && o->check) || (check && *check && strcmp(check, "0"));
	g->profile = (o && o->profile) || (profile && *profile && strcmp(profile, "0"));
	g->bf16 = o && o->bf16;
	g->tune = !o || !o->tune              ? GM_TUNE_OFF
	          : !strcmp(o->tune, "known") ? GM_TUNE_KNOWN
	          : !strcmp(o->tune, "on")    ? GM_TUNE_ON
	          : !strcmp(o->tune, "again") ? GM_TUNE_AGAIN
	                                      : GM_TUNE_OFF;
	gm_choices_read(g, o && o->tuned ? o->tuned : "");
	g->scope = gm_arena_strdup(a, "");
	g->spare = gm_arena_calloc(a, 1, sizeof *g->spare);
	*g->spare = (gm_node){.op = &gm_op_poison,
	                      .opid = GM_OPID_poison,
	                      .graph = g,
	                      .scope = g->scope,
	                      .dtype = g->real,
	                      .poison = true,
	                      .id = g->nnode++};
	g->nbucket = 1024;
	g->bucket = calloc(g->nbucket, sizeof *g->bucket);
	if (!g->bucket)
		gm_no_memory(0);
}

gm_graph *gm_graph_new(const gm_graph_options *o)
{
	opening w = {o, NULL};
	if (gm_memory_guard(open_graph, &w))
		return w.g;
	if (w.g)
		gm_arena_free(w.g->arena);
	return NULL;
}

gm_node *gm_graph_no_memory(gm_graph *g)
{
	gm_fail(&g->error, GM_ERR_MEMORY, "out of memory");
	if (g->within)
		gm_no_memory(0);
	return g->spare;
}

bool gm_graph_within(gm_graph *g, void (*body)(void *ctx), void *ctx)
{
	const int outer = g->within++;
	const bool ok = gm_memory_guard(body, ctx);
	g->within = outer;
	if (!ok)
		gm_fail(&g->error, GM_ERR_MEMORY, "out of memory");
	return ok;
}

void gm_graph_free(gm_graph *g)
{
	if (!g)
		return;
	while (g->steps)
		gm_step_free(g->steps);
	for (gm_storage *v = g->storage; v; v = v->next)
		free(v->data);
	gm_machine_release(g->shared, g->shared_room);
	gm_machine_release(g->scratch, g->scratch_room * (size_t)g->scratch_threads);
	free(g->bucket);
	gm_arena_free(g->arena);
}

bool gm_graph_bf16(const gm_graph *g)
{
	const gm_backend *b = gm_backend_find(g->backend);
	return g->bf16 && g->real == GM_F32 && b && b->bf16 && b->bf16();
}

const gm_error *gm_graph_error(const gm_graph *g)
{
	return &g->error;
}

int gm_graph_ranks(const gm_graph *g)
{
	return g->ranks;
}

void gm_graph_part(gm_graph *g, int rank)
{
	g->rank = rank;
}

void gm_scope_push(gm_graph *g, const char *name)
{
	const size_t up = strlen(g->scope), n = strlen(name);
	gm_scope *s = gm_arena_try(g->arena, sizeof *s + up + n + 2);
	if (!s) {
		gm_graph_no_memory(g);
		return;
	}
	char *path = (char *)(s + 1);
	snprintf(path, up + n + 2, "%s%s%s", g->scope, up ? "/" : "", name);
	s->up = g->scopes;
	s->path = g->scope;
	g->scopes = s;
	g->scope = path;
}

void gm_scope_pop(gm_graph *g)
{
	if (!g->scopes) {
		gm_fail(&g->error, GM_ERR_STATE, "gm_scope_pop without a push");
		return;
	}
	g->scope = g->scopes->path;
	g->scopes = g->scopes->up;
}

void gm_graph_seed(gm_graph *g, uint64_t seed, uint64_t runs)
{
	g->seed = seed;
	g->runs = runs;
}

uint64_t gm_graph_runs(const gm_graph *g)
{
	return g->runs;
}

uint32_t gm_graph_stream(gm_graph *g)
{
	return ++g->streams;
}

gm_arena *gm_graph_arena(gm_graph *g)
{
	return g->arena;
}

gm_dtype gm_graph_real(const gm_graph *g)
{
	return g->real;
}

gm_graph *gm_node_graph(const gm_node *x)
{
	return x->graph;
}

gm_shape gm_node_shape(const gm_node *x)
{
	return x->shape;
}

gm_dtype gm_node_dtype(const gm_node *x)
{
	return x->dtype;
}

bool gm_node_is_value(const gm_node *x)
{
	return !(x->op->flags & GM_OP_EFFECT) && gm_is_real(x->dtype);
}

int64_t gm_node_size(const gm_node *x)
{
	return gm_shape_size(x->shape);
}

const char *gm_node_name(const gm_node *x)
{
	return gm_is_storage(x) ? gm_node_storage(x)->name : "";
}

bool gm_is_storage(const gm_node *x)
{
	return x->opid == GM_OPID_variable || x->opid == GM_OPID_input;
}

gm_storage *gm_node_storage(const gm_node *x)
{
	gm_storage *v;
	memcpy(&v, x->attr, sizeof v);
	return v;
}

bool gm_is_constant(const gm_node *x, double c)
{
	return x->opid == GM_OPID_constant && ((const gm_constant_attr *)x->attr)->value == c;
}

bool gm_node_is_zero(const gm_node *x)
{
	return gm_is_constant(x, 0);
}

bool gm_is_real(gm_dtype t)
{
	return t != GM_I32;
}

size_t gm_dtype_size(gm_dtype t)
{
	return t == GM_F64 ? 8 : 4;
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static uint64_t hash_bytes(uint64_t h, const void *data, size_t n)
{
	const unsigned char *p = data;
	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 0x100000001b3u; /* FNV-1a */
	return h;
}

static void grow(gm_graph *g)
{
	int n = g->nbucket * 2;
	gm_node **b = calloc(n, sizeof *b);
	if (!b)
		return; /* longer chains still work */
	for (int i = 0; i < g->nbucket; i++) {
		for (gm_node *x = g->bucket[i], *next; x; x = next) {
			next = x->next;
			x->next = b[x->hash & (n - 1)];
			b[x->hash & (n - 1)] = x;
		}
	}
	free(g->bucket);
	g->bucket = b;
	g->nbucket = n;
}

bool gm_node_fail(gm_node *y, gm_code code, const char *fmt, ...)
{
	char text[400];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	gm_fail(&y->graph->error, code, "%s%s%s: %s", y->scope, *y->scope ? ": " : "", y->op->name,
	        text);
	return false;
}

static gm_node *make_poison(gm_graph *g)
{
	gm_node *y = g->error.code == GM_ERR_MEMORY ? NULL : gm_arena_try(g->arena, sizeof *y);
	if (!y)
		return gm_graph_no_memory(g);
	y->op = &gm_op_poison;
	y->opid = GM_OPID_poison;
	y->graph = g;
	y->scope = g->scope;
	y->dtype = g->real;
	y->poison = true;
	y->id = g->nnode++;
	return y;
}

gm_node *gm_poison(gm_graph *g, const char *op, gm_code code, const char *fmt, ...)
{
	char text[400];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	gm_fail(&g->error, code, "%s%s%s: %s", g->scope, *g->scope ? ": " : "", op, text);
	return make_poison(g);
}

/* The zero that GM_OP_ZERO_IN promises, with the shape that the rule of the op gives. */
static bool is_zero_by_input(const gm_node *y)
{
	if (y->op->flags & GM_OP_ZERO_IN)
		for (int i = 0; i < y->nin; i++)
			if (gm_is_constant(y->in[i], 0))
				return true;
	return false;
}

gm_node *gm_node_new(gm_graph *g, int opid, gm_node *const *in, int nin, const void *attr,
                     size_t attr_size)
{
	const gm_op *op = gm_ops[opid];
	for (int i = 0; i < nin; i++) {
		if (in[i]->graph != g)
			return gm_poison(g, op->name, GM_ERR_STATE,
			                 "input %d belongs to another graph", i);
		if (in[i]->poison)
			return make_poison(g);
		if (in[i]->op->flags & GM_OP_EFFECT && opid != GM_OPID_group &&
		    !(opid == GM_OPID_after && i == 1))
			return gm_poison(g, op->name, GM_ERR_STATE,
			                 "input %d is an effect and has no value", i);
	}
	uint64_t h = hash_bytes(0xcbf29ce484222325u, &opid, sizeof opid);
	h = hash_bytes(h, in, nin * sizeof *in);
	h = hash_bytes(h, attr, attr_size);
	h ^= h >> 29;
	for (gm_node *x = g->bucket[h & (g->nbucket - 1)]; x; x = x->next)
		if (x->hash == h && x->opid == opid && x->nin == nin && x->attr_size == attr_size &&
		    (!nin || !memcmp(x->in, in, nin * sizeof *in)) &&
		    (!attr_size || !memcmp(x->attr, attr, attr_size)))
			return x;

	gm_node *y = gm_arena_try(g->arena, sizeof *y + nin * sizeof *in + attr_size + 64);
	if (!y)
		return gm_graph_no_memory(g);
	y->op = op;
	y->opid = opid;
	y->graph = g;
	y->scope = g->scope;
	y->dtype = nin ? in[0]->dtype : g->real;
	y->nin = nin;
	y->hash = h;
	/* inputs and attributes lie behind the node, these aligned to 16 */
	char *behind = (char *)(y + 1);
	if (nin) {
		y->in = (gm_node **)behind;
		memcpy(y->in, in, nin * sizeof *in);
		behind += nin * sizeof *in;
	}
	if (attr_size) {
		y->attr = (void *)(((uintptr_t)behind + 15) & ~(uintptr_t)15);
		y->attr_size = attr_size;
		memcpy(y->attr, attr, attr_size);
	}
	bool fine = op->infer(y);
	double size = 1;
	for (int i = 0; fine && i < y->shape.rank; i++) {
		if (y->shape.dim[i] <= 0)
			fine = gm_node_fail(y, GM_ERR_SHAPE,
			                    "the result would have shape %s: axis %d is empty",
			                    gm_shape_text(y->shape), i);
		size *= y->shape.dim[i];
	}
	if (fine && size > 1e12)
		fine = gm_node_fail(y, GM_ERR_MEMORY,
		                    "the result would have %.3g elements, shape %s", size,
		                    gm_shape_text(y->shape));
	if (!fine)
		return make_poison(g);
	if (is_zero_by_input(y))
		return gm_full(g, 0, y->shape);
	y->id = g->nnode++;
	if (g->nnode > 2 * g->nbucket)
		grow(g);
	y->next = g->bucket[h & (g->nbucket - 1)];
	g->bucket[h & (g->nbucket - 1)] = y;
	return y;
}

/* ---- storage --------------------------------------------------------------------------------- */

static gm_storage **name_bucket(const gm_graph *g, const char *name)
{
	return &g->name[hash_bytes(0xcbf29ce484222325u, name, strlen(name)) % g->nname];
}

static gm_storage *find_storage(const gm_graph *g, const char *name)
{
	gm_storage *v = g->nname ? *name_bucket(g, name) : NULL;
	while (v && strcmp(v->name, name))
		v = v->bucket;
	return v;
}

static void keep_name(gm_graph *g, gm_storage *v)
{
	if (++g->nstorage > g->nname) { /* all anew, in a table of twice the size */
		g->nname = g->nname ? 2 * g->nname : 64;
		g->name = gm_arena_calloc(g->arena, g->nname, sizeof *g->name);
		for (gm_storage *w = g->storage->next; w; w = w->next) {
			gm_storage **b = name_bucket(g, w->name);
			w->bucket = *b, *b = w;
		}
	}
	gm_storage **b = name_bucket(g, v->name);
	v->bucket = *b, *b = v;
}

static gm_node *make_storage(gm_graph *g, int opid, const char *name, gm_shape shape,
                             gm_dtype dtype)
{
	const char *kind = gm_ops[opid]->name;
	char *full = *g->scope ? gm_arena_printf(g->arena, "%s/%s", g->scope, name)
	                       : gm_arena_strdup(g->arena, name);
	if (find_storage(g, full))
		return gm_poison(g, kind, GM_ERR_STATE, "the name %s is taken", full);
	if (shape.rank < 0 || shape.rank > GM_MAX_RANK)
		return gm_poison(g, kind, GM_ERR_SHAPE, "rank %d of %s is not in 0..%d", shape.rank,
		                 full, GM_MAX_RANK);
	double size = 1;
	for (int i = 0; i < shape.rank; i++) {
		if (shape.dim[i] <= 0)
			return gm_poison(g, kind, GM_ERR_SHAPE, "%s has shape %s: axis %d is empty",
			                 full, gm_shape_text(shape), i);
		size *= shape.dim[i];
	}
	if (size > 1e11)
		return gm_poison(g, kind, GM_ERR_MEMORY, "%s would have %.3g elements", full, size);
	gm_storage *v = gm_arena_calloc(g->arena, 1, sizeof *v);
	v->name = full;
	v->bytes = (size_t)size * gm_dtype_size(dtype);
	v->data = gm_machine_alloc(v->bytes + 64);
	if (!v->data)
		return gm_poison(g, kind, GM_ERR_MEMORY, "no memory for %s (%zu bytes)", full,
		                 v->bytes);
	memset(v->data, 0, v->bytes);
	v->next = g->storage;
	g->storage = v;
	keep_name(g, v);
	v->shape = shape;
	v->dtype = dtype;
	v->node = gm_node_new(g, opid, NULL, 0, &v, sizeof v);
	return v->node;
}

typedef struct storing {
	gm_graph *g;
	int opid;
	const char *name;
	gm_shape shape;
	gm_dtype dtype;
	gm_node *node;
} storing;

static void store(void *ctx)
{
	storing *s = ctx;
	s->node = make_storage(s->g, s->opid, s->name, s->shape, s->dtype);
}

static gm_node *gm_storage_new(gm_graph *g, int opid, const char *name, gm_shape shape,
                               gm_dtype dtype)
{
	storing s = {g, opid, name, shape, dtype, NULL};
	return gm_memory_guard(store, &s) ? s.node : gm_graph_no_memory(g);
}

gm_node *gm_variable_of(gm_graph *g, const char *name, gm_shape shape, gm_dtype dtype)
{
	return gm_storage_new(g, GM_OPID_variable, name, shape, dtype);
}

gm_node *gm_variable(gm_graph *g, const char *name, gm_shape shape)
{
	return gm_storage_new(g, GM_OPID_variable, name, shape, g->real);
}

gm_node *gm_input(gm_graph *g, const char *name, gm_shape shape, gm_dtype dtype)
{
	return gm_storage_new(g, GM_OPID_input, name, shape, dtype);
}

static gm_storage *addressed(const gm_node *x, int64_t n)
{
	return !x->poison && gm_is_storage(x) && gm_node_size(x) == n ? gm_node_storage(x) : NULL;
}

/* Between a buffer of the node's own type and the caller's T. */
#define COPY(T, to_storage, data)                                                                  \
	gm_storage *v = addressed(x, n);                                                           \
	if (!v)                                                                                    \
		return false;                                                                      \
	for (int64_t i = 0; i < n; i++) {                                                          \
		if (v->dtype == GM_F32)                                                            \
			MOVE(float, T, to_storage, data);                                          \
		else if (v->dtype == GM_F64)                                                       \
			MOVE(double, T, to_storage, data);                                         \
		else                                                                               \
			MOVE(int32_t, T, to_storage, data);                                        \
	}                                                                                          \
	return true
#define MOVE(S, T, to_storage, data) MOVE_##to_storage(S, T, data)
#define MOVE_1(S, T, data) ((S *)v->data)[i] = (S)(data)[i]
#define MOVE_0(S, T, data) (data)[i] = (T)((const S *)v->data)[i]

bool gm_set_f32(gm_node *x, const float *data, int64_t n)
{
	COPY(float, 1, data);
}

bool gm_get_f32(const gm_node *x, float *data, int64_t n)
{
	COPY(float, 0, data);
}

bool gm_set_f64(gm_node *x, const double *data, int64_t n)
{
	COPY(double, 1, data);
}

bool gm_get_f64(const gm_node *x, double *data, int64_t n)
{
	COPY(double, 0, data);
}

bool gm_set_i32(gm_node *x, const int32_t *data, int64_t n)
{
	COPY(int32_t, 1, data);
}

bool gm_get_i32(const gm_node *x, int32_t *data, int64_t n)
{
	COPY(int32_t, 0, data);
}

/* ---- test values ----------------------------------------------------------------------------- */

static gm_node *sample_leaf(gm_graph *g, gm_shape s, gm_dtype t, gm_rng *r)
{
	char name[32];
	snprintf(name, sizeof name, "sample%d", ++g->nsample);
	*r = gm_rng_new(20140610, g->nsample);
	return gm_variable_of(g, name, s, t);
}

gm_node *gm_sample_real(gm_graph *g, gm_shape s, double lo, double hi)
{
	gm_rng r;
	gm_node *x = sample_leaf(g, s, g->real, &r);
	int64_t n = gm_shape_size(s);
	double *v = malloc(n * sizeof *v);
	for (int64_t i = 0; v && i < n; i++)
		v[i] = (float)(lo +
		               (hi - lo) * gm_rng_uniform(&r)); /* the same in float and double */
	if (v)
		gm_set_f64(x, v, n);
	free(v);
	return x;
}

gm_node *gm_sample_i32(gm_graph *g, gm_shape s, int lo, int hi)
{
	gm_rng r;
	gm_node *x = sample_leaf(g, s, GM_I32, &r);
	int64_t n = gm_shape_size(s);
	int32_t *v = malloc(n * sizeof *v);
	for (int64_t i = 0; v && i < n; i++)
		v[i] = lo + (int)gm_rng_below(&r, hi - lo);
	if (v)
		gm_set_i32(x, v, n);
	free(v);
	return x;
}

gm_node *gm_sample_distinct(gm_graph *g, gm_shape s)
{
	gm_rng r;
	gm_node *x = sample_leaf(g, s, g->real, &r);
	int64_t n = gm_shape_size(s);
	double *v = malloc(n * sizeof *v);
	for (int64_t i = 0; v && i < n; i++) {
		int64_t j = gm_rng_below(&r, i + 1);
		v[i] = v[j];
		v[j] = (i - n / 2 + .5) * .0625; /* exact in float, never 0 */
	}
	if (v)
		gm_set_f64(x, v, n);
	free(v);
	return x;
}

void gm_random_words(uint64_t seed, uint64_t run, uint32_t stream, uint64_t block, uint32_t out[4])
{
	/* 2^32 blocks of four words, 2^32 streams, 2^64 runs: the counter's 128 bits exactly. */
	const uint32_t counter[4] = {(uint32_t)block, stream, (uint32_t)run, (uint32_t)(run >> 32)};
	const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
	gm_philox(counter, key, out);
}
