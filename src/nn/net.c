/* SPDX-License-Identifier: MIT
 *
 * nn/net.c -- a set of named variables.
 */
#include "nn/net.h"

#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct creating {
	gm_graph *g;
	const char *name;
	gm_net_options o;
	gm_arena *arena;
	gm_net *net;
} creating;

static void create(void *ctx)
{
	creating *c = ctx;
	gm_arena *a = c->arena = gm_arena_new();
	gm_net *n = gm_arena_calloc(a, 1, sizeof *n);
	*n = (gm_net){.graph = c->g, .name = gm_arena_strdup(a, c->name), .o = c->o, .arena = a};
	c->net = n;
}

gm_net *gm_net_create_(gm_graph *g, const char *name, gm_net_options o)
{
	creating c = {g, name, o, NULL, NULL};
	if (gm_memory_guard(create, &c))
		return c.net;
	gm_arena_free(c.arena);
	gm_graph_no_memory(g);
	return NULL;
}

typedef struct building {
	gm_node *(*build)(void *ctx);
	void *ctx;
	gm_node *y;
} building;

static void build(void *ctx)
{
	building *b = ctx;
	b->y = b->build(b->ctx);
}

gm_node *gm_net_guard(gm_net *n, gm_node *(*build_it)(void *ctx), void *ctx)
{
	building b = {build_it, ctx, NULL};
	return gm_memory_guard(build, &b) ? b.y : gm_graph_no_memory(n->graph);
}

void gm_net_free(gm_net *n)
{
	if (!n)
		return;
	free(n->entry);
	gm_arena_free(n->arena);
}

const char *gm_net_name(const gm_net *n)
{
	return n->name;
}

gm_graph *gm_net_graph(const gm_net *n)
{
	return n->graph;
}

int gm_net_count(const gm_net *n)
{
	return n->count;
}

gm_net_entry gm_net_at(const gm_net *n, int i)
{
	if (i < 0 || i >= n->count)
		return (gm_net_entry){0};
	const gm_entry *e = &n->entry[i];
	return (gm_net_entry){e->name, e->node, e->role, e->average};
}

gm_node *gm_net_find(const gm_net *n, const char *full_name)
{
	for (int i = 0; i < n->count; i++)
		if (!strcmp(n->entry[i].name, full_name))
			return n->entry[i].node;
	return NULL;
}

int64_t gm_net_parameters(const gm_net *n)
{
	int64_t sum = 0;
	for (int i = 0; i < n->count; i++)
		if (n->entry[i].role == GM_PARAM || n->entry[i].role == GM_FROZEN)
			sum += gm_node_size(n->entry[i].node);
	return sum;
}

static bool matches(const gm_entry *e, const char *pattern)
{
	return e->role == GM_PARAM && (!pattern || !fnmatch(pattern, e->key, 0));
}

bool gm_net_listed(const gm_net *n, const char *patterns, const char *key)
{
	char full[512], one[256];
	snprintf(full, sizeof full, "%s/%s", n->name, key);
	for (const char *p = patterns ? patterns : ""; *p; p += strspn(p, ",")) {
		const size_t size = strcspn(p, ",");
		snprintf(one, sizeof one, "%.*s", (int)size, p);
		if (!fnmatch(one, key, 0) || !fnmatch(one, full, 0))
			return true;
		p += size;
	}
	return false;
}

bool gm_net_freezes(const gm_net *n, const char *key)
{
	return gm_net_listed(n, n->o.freeze, key);
}

int gm_net_selected(const gm_net *n, const char *patterns)
{
	int count = 0;
	for (int i = 0; i < n->count; i++)
		if (n->entry[i].role <= GM_STAT || n->entry[i].role == GM_FROZEN)
			count += gm_net_listed(n, patterns, n->entry[i].key);
	return count;
}

bool gm_net_is_fresh(const gm_net *n, const char *full_name)
{
	const size_t own = strlen(n->name);
	return !strncmp(full_name, n->name, own) && full_name[own] == '/' &&
	       gm_net_listed(n, n->style.fresh, full_name + own + 1);
}

int gm_net_freeze(gm_net *n, const char *pattern)
{
	int frozen = 0;
	for (int i = 0; i < n->count; i++)
		if (matches(&n->entry[i], pattern))
			n->entry[i].role = GM_FROZEN, frozen++;
	return frozen;
}

int gm_net_params(const gm_net *n, const char *pattern, gm_node **out, int room)
{
	int count = 0;
	for (int i = 0; i < n->count; i++)
		if (matches(&n->entry[i], pattern) && count++ < room)
			out[count - 1] = n->entry[i].node;
	return count;
}

void gm_net_with(gm_net *n, gm_node *const *params, gm_node *const *substitute, int count)
{
	for (int i = 0; i < n->count; i++) {
		n->entry[i].substitute = NULL;
		for (int k = 0; k < count; k++)
			if (params[k] == n->entry[i].node)
				n->entry[i].substitute = substitute[k];
	}
}

gm_entry *gm_net_entry_of(gm_net *n, const char *key)
{
	for (int i = 0; i < n->count; i++)
		if (!strcmp(n->entry[i].key, key))
			return &n->entry[i];
	return NULL;
}

gm_node *gm_net_note(gm_net *n, const char *name, gm_node *y, bool whole)
{
	gm_layer_value **at = &n->layer;
	while (*at && strcmp((*at)->name, name))
		at = &(*at)->next;
	if (*at && (!whole || (*at)->whole))
		return y;
	if (*at) {
		(*at)->y = y, (*at)->whole = true;
		return y;
	}
	gm_layer_value *l = gm_arena_try(n->arena, sizeof *l);
	const char *key = gm_net_key(n, "%s", name);
	if (!l)
		return gm_graph_no_memory(n->graph);
	*l = (gm_layer_value){key, y, whole, NULL};
	*at = l;
	return y;
}

gm_node *gm_net_layer(const gm_net *n, int i, const char **name)
{
	const gm_layer_value *l = n->layer;
	for (; l && i > 0; i--)
		l = l->next;
	if (l && name)
		*name = l->name;
	return l ? l->y : NULL;
}

const char *gm_net_key(gm_net *n, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	const size_t size = strlen(text) + 1;
	char *key = gm_arena_try(n->arena, size);
	if (!key) {
		gm_graph_no_memory(n->graph);
		return "";
	}
	return memcpy(key, text, size);
}

void gm_net_enter(gm_net *n, const char *part)
{
	gm_scope_push(n->graph, n->name);
	gm_scope_push(n->graph, part);
}

void gm_net_leave(gm_net *n)
{
	gm_scope_pop(n->graph);
	gm_scope_pop(n->graph);
}

gm_node *gm_net_misuse(gm_net *n, const char *what)
{
	gm_net_enter(n, what);
	/* an invalid reshape, which sets the error */
	gm_node *bad = gm_reshape(gm_scalar(n->graph, 0), GM_SHAPE(2));
	gm_net_leave(n);
	return bad;
}

int64_t gm_net_size(gm_shape s)
{
	int64_t size = 1;
	for (int i = 0; i < s.rank; i++)
		size *= s.dim[i];
	return size;
}

bool gm_net_same_shape(gm_shape a, gm_shape b)
{
	bool same = a.rank == b.rank;
	for (int i = 0; same && i < a.rank; i++)
		same = a.dim[i] == b.dim[i];
	return same;
}

/* FNV-1a, 64 bits: selects the random stream of a variable. */
static uint64_t hash_name(const char *s)
{
	uint64_t h = 0xcbf29ce484222325u;
	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3u;
	return h;
}

static void initialise(gm_net *n, const gm_entry *e, gm_shape shape, const gm_var_options *o)
{
	gm_init init = o->init;
	int64_t size = gm_net_size(shape);
	bool zero = init.kind == GM_INIT_DEFAULT || (init.kind == GM_INIT_CONSTANT && init.a == 0);
	/* last entry: a placeholder after an error */
	if (n->o.blank || zero || size != gm_node_size(e->node))
		return;
	int64_t out = shape.rank > 0 ? shape.dim[0] : 1, in = shape.rank > 1 ? shape.dim[1] : 1;
	int64_t taps = size / (out * in);
	int64_t fan_in = o->fan_in ? o->fan_in : in * taps;
	int64_t fan_out = o->fan_out ? o->fan_out : out * taps;
	double *v = malloc(size * sizeof *v);
	if (!v)
		gm_no_memory(size * sizeof *v);
	gm_rng rng = gm_rng_new(n->o.seed, hash_name(e->name));
	gm_init_fill(&init, shape, fan_in, fan_out, &rng, v);
	gm_set_f64(e->node, v, size);
	free(v);
}

static gm_node *make_variable(gm_net *n, const char *name, gm_shape shape, gm_var_options o)
{
	gm_entry *old = gm_net_entry_of(n, name);
	if (old) {
		gm_shape have = gm_node_shape(old->node);
		if (gm_net_same_shape(have, shape))
			return old->substitute ? old->substitute : old->node;
		/* An invalid reshape, whose error contains both shapes and the scope. */
		gm_net_enter(n, gm_net_key(n, "%s, used again with another shape", name));
		bool sizes_differ = gm_net_size(have) != gm_net_size(shape);
		gm_node *bad = sizes_differ ? gm_reshape(old->node, shape)
		                            : gm_broadcast(old->node, shape);
		gm_net_leave(n);
		return bad;
	}
	if (o.role == GM_PARAM && gm_net_freezes(n, name))
		o.role = GM_FROZEN;
	if (n->o.accept &&
	    !n->o.accept(n->o.ctx, gm_net_key(n, "%s/%s", n->name, name), shape, o.role))
		return gm_net_misuse(n, gm_net_key(n, "%s, not accepted", name));
	if (n->count == n->room) {
		int room = n->room ? 2 * n->room : 32;
		gm_entry *more = realloc(n->entry, room * sizeof *more);
		if (!more)
			gm_no_memory(0);
		n->entry = more, n->room = room;
	}
	gm_scope_push(n->graph, n->name);
	gm_node *v = gm_variable(n->graph, name, shape);
	gm_scope_pop(n->graph);
	gm_entry *e = &n->entry[n->count++];
	*e = (gm_entry){.key = gm_net_key(n, "%s", name), .node = v, .role = o.role};
	e->name = *gm_node_name(v) ? gm_node_name(v) : gm_net_key(n, "%s/%s", n->name, name);
	initialise(n, e, shape, &o);
	return v;
}

typedef struct asked {
	gm_net *n;
	const char *name;
	gm_shape shape;
	gm_var_options o;
} asked;

static gm_node *variable_asked(void *ctx)
{
	const asked *a = ctx;
	return make_variable(a->n, a->name, a->shape, a->o);
}

gm_node *gm_net_var_(gm_net *n, const char *name, gm_shape shape, gm_var_options o)
{
	return gm_net_guard(n, variable_asked, &(asked){n, name, shape, o});
}

int gm_net_averages(const gm_net *n, gm_node **from, gm_node **to, int room)
{
	int pairs = 0;
	for (int i = 0; i < n->count && pairs < room; i++)
		if (n->entry[i].average)
			from[pairs] = n->entry[i].node, to[pairs++] = n->entry[i].average;
	return pairs;
}

void gm_net_set_next(gm_net *n, const char *key, gm_node *next)
{
	gm_entry *e = gm_net_entry_of(n, key);
	if (e)
		e->next = next;
}
