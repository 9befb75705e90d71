/* SPDX-License-Identifier: MIT
 *
 * units.c -- groups nodes into units and orders them.
 *
 * A tape is one pass over memory: elementwise nodes, sums and maxima over the same iteration
 * domain. A node joins the tape of one of its inputs, or of another reader of its inputs, unless
 * that would make a cycle: some value it waits for must not itself wait for the tape. Ancestor sets
 * are kept as bit sets over units.
 *
 * A cheap node of one large input (a normalised picture, a mask) is recomputed where it is read
 * instead of being stored, because these passes are limited by memory bandwidth.
 *
 * Assigns come last. An assign that can join the tape of its value writes the variable in place,
 * after all other readers of the variable; else it is a copy after them.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "graph/plan.h"

enum { MAX_TAPE = 48, MAX_LEAVES = 20, MAX_AGAIN = 8 };

typedef struct builder {
	gm_arena *a;
	const gm_backend *b;
	gm_unit **unit;
	int nunit, count;
	gm_unit **home;
	char *needed, *must;
	/* number of nodes to recompute it from one large leaf; 0: do not recompute */
	signed char *cost;
	gm_node **large;   /* that leaf, or NULL when all are small */
	gm_unit **sibling; /* by node: the newest tape that reads it over its whole shape */
	gm_unit ***reader; /* by node number of a root: the units that read it, nreader of them */
	int *nreader, *readercap;
} builder;

gm_node *gm_plan_root(const gm_backend *b, gm_node *x)
{
	while (b->views && x->op->flags & GM_OP_VIEW)
		x = x->in[0];
	return x;
}

static bool is_reduce(const gm_node *x)
{
	return x->opid == GM_OPID_sum || x->opid == GM_OPID_reduce_max;
}

static bool tapeable(const builder *k, const gm_node *x)
{
	if (!k->b->fuses)
		return false;
	bool tape = x->op->flags & GM_OP_ELEMENTWISE || x->opid == GM_OPID_assign || is_reduce(x);
	/* Tapes compute in float, which cannot represent all integers. */
	return tape && (x->dtype == GM_F32 || (x->dtype == GM_I32 && x->opid == GM_OPID_cast &&
	                                       x->in[0]->dtype == GM_F32));
}

static gm_shape domain(const gm_node *x)
{
	return is_reduce(x) ? x->in[0]->shape : x->shape;
}

/* Whether u waits for unit i. */
static bool has(const gm_unit *u, int i)
{
	return i / 64 < u->words && u->before[i / 64] >> (i % 64) & 1;
}

/* Adds the set of v to the predecessors of u. */
static void join_sets(builder *k, gm_unit *u, const gm_unit *v, int words)
{
	if (u->words < words) {
		uint64_t *more = gm_arena_calloc(k->a, words + words / 4, sizeof *more);
		if (u->words)
			memcpy(more, u->before, u->words * sizeof *more);
		u->before = more, u->words = words + words / 4;
	}
	for (int w = 0; w < v->words && w < words; w++)
		u->before[w] |= v->before[w];
}

static bool is_member(const gm_unit *u, const gm_node *x)
{
	for (int i = u->n - 1; i >= 0; i--)
		if (u->node[i] == x)
			return true;
	return false;
}

static gm_unit *new_unit(builder *k, bool tape)
{
	gm_unit *u = gm_arena_calloc(k->a, 1, sizeof *u);
	u->id = k->nunit;
	u->tape = tape;
	return k->unit[k->nunit++] = u;
}

static void push_unit(builder *k, gm_unit ***list, int *n, int *cap, gm_unit *u)
{
	if (*n == *cap) {
		gm_unit **l = gm_arena_alloc(k->a, (*cap = *cap * 2 + 4) * sizeof *l);
		if (*n)
			memcpy(l, *list, *n * sizeof *l);
		*list = l;
	}
	(*list)[(*n)++] = u;
}

static void push(builder *k, gm_node ***list, int *n, int *cap, gm_node *x)
{
	if (*n == *cap) {
		gm_node **l = gm_arena_alloc(k->a, (*cap = *cap * 2 + 4) * sizeof *l);
		if (*n)
			memcpy(l, *list, *n * sizeof *l);
		*list = l;
	}
	(*list)[(*n)++] = x;
}

/* Makes u, and all units that wait for u, wait for v and its predecessors. */
static void wait_for(builder *k, gm_unit *u, gm_unit *v)
{
	if (u == v || has(u, v->id))
		return;
	push_unit(k, &u->after, &u->nafter, &u->aftercap, v);
	v->awaited = true;
	int words = k->nunit / 64 + 1;
	join_sets(k, u, v, words);
	u->before[v->id / 64] |= 1ull << (v->id % 64);
	for (int i = 0; u->awaited && i < k->nunit; i++)
		if (has(k->unit[i], u->id))
			join_sets(k, k->unit[i], u, words);
}

/* True if x's elements are available in u while it runs; sums are complete only after the pass. */
static bool at_hand(const gm_unit *u, const gm_node *x)
{
	return !is_reduce(x) && is_member(u, x);
}

static bool is_leaf(const gm_unit *u, const gm_node *x)
{
	for (int i = 0; i < u->nleaf; i++)
		if (u->leaf[i] == x)
			return true;
	return false;
}

/* The value x is read by u from outside. */
static void add_leaf(builder *k, gm_unit *u, gm_node *x)
{
	if (is_leaf(u, x))
		return;
	push(k, &u->leaf, &u->nleaf, &u->leafcap, x);
	gm_node *r = gm_plan_root(k->b, x);
	k->needed[r->id] = 1;
	push_unit(k, &k->reader[r->id], &k->nreader[r->id], &k->readercap[r->id], u);
	if (k->home[r->id])
		wait_for(k, u, k->home[r->id]);
	if (u->tape && gm_shape_equal(x->shape, u->domain))
		k->sibling[x->id] = u;
}

/* True if u recomputes its input x instead of reading it. */
static bool again(const builder *k, const gm_unit *u, const gm_node *x, gm_shape dom)
{
	return k->cost[x->id] && !k->must[x->id] && gm_shape_equal(x->shape, dom) &&
	       (!u || !is_leaf(u, x));
}

/* True if x can be computed in u without a cycle; counts new leaves. */
static bool fits(const builder *k, const gm_unit *u, const gm_node *x, int *leaves, int *nodes)
{
	++*nodes;
	for (int i = 0; i < x->nin; i++) {
		gm_node *in = x->in[i];
		if (at_hand(u, in) || (x->opid == GM_OPID_assign && i == 0))
			continue;
		if (again(k, u, in, u->domain)) {
			if (!fits(k, u, in, leaves, nodes))
				return false;
			continue;
		}
		const gm_unit *v = k->home[gm_plan_root(k->b, in)->id];
		if (v && (v == u || has(v, u->id)))
			return false;
		*leaves += !is_leaf(u, in);
	}
	return true;
}

static void insert(builder *k, gm_unit *u, gm_node *x)
{
	if (is_member(u, x))
		return;
	for (int i = 0; i < x->nin; i++) {
		gm_node *in = x->in[i];
		if (at_hand(u, in) || (x->opid == GM_OPID_assign && i == 0))
			continue;
		if (u->tape && again(k, u, in, u->domain))
			insert(k, u, in);
		else
			add_leaf(k, u, in);
	}
	push(k, &u->node, &u->n, &u->cap, x);
}

static bool try_join(builder *k, gm_unit *u, gm_node *x)
{
	int leaves = u->nleaf, nodes = u->n;
	if (!u->tape || !gm_shape_equal(u->domain, domain(x)) || !fits(k, u, x, &leaves, &nodes) ||
	    leaves > MAX_LEAVES || nodes > MAX_TAPE)
		return false;
	insert(k, u, x);
	k->home[x->id] = u;
	return true;
}

/* Decides if x is cheap to recompute: a few simple operations on at most one large value. */
static void judge(builder *k, gm_node *x)
{
	static const char plain[GM_OP_COUNT] = {
		[GM_OPID_neg] = 1,    [GM_OPID_abs] = 1,        [GM_OPID_square] = 1,
		[GM_OPID_relu] = 1,   [GM_OPID_leaky_relu] = 1, [GM_OPID_add] = 1,
		[GM_OPID_sub] = 1,    [GM_OPID_mul] = 1,        [GM_OPID_max] = 1,
		[GM_OPID_min] = 1,    [GM_OPID_less] = 1,       [GM_OPID_equal] = 1,
		[GM_OPID_select] = 1, [GM_OPID_sign] = 1,
	};
	if (!plain[x->opid] || !tapeable(k, x))
		return;
	int cost = 1;
	gm_node *large = NULL;
	for (int i = 0; i < x->nin; i++) {
		gm_node *in = x->in[i], *leaf = in;
		if (again(k, NULL, in, x->shape)) {
			cost += k->cost[in->id];
			leaf = k->large[in->id];
		} else if (gm_plan_root(k->b, in) == in
		                   ? gm_node_size(in) * 8 <= gm_node_size(x)
		                   : in->opid == GM_OPID_broadcast &&
		                             gm_node_size(in->in[0]) * 8 <= gm_node_size(x)) {
			leaf = NULL;
		} else if (!gm_shape_equal(in->shape, x->shape)) {
			return;
		}
		if (leaf && large && leaf != large)
			return;
		large = leaf ? leaf : large;
	}
	if (cost <= MAX_AGAIN) {
		k->cost[x->id] = cost;
		k->large[x->id] = large;
	}
}

/* Merges two independent tapes of the same domain; v becomes empty. */
static bool merge(builder *k, gm_unit *u, gm_unit *v)
{
	if (!u || !v || u == v || !u->tape || !v->tape || !gm_shape_equal(u->domain, v->domain) ||
	    has(u, v->id) || has(v, u->id) || u->n + v->n > MAX_TAPE ||
	    u->nleaf + v->nleaf > MAX_LEAVES)
		return false;
	for (int i = 0; i < v->n; i++) {
		if (!is_member(u, v->node[i]))
			push(k, &u->node, &u->n, &u->cap, v->node[i]);
		if (k->home[v->node[i]->id] == v)
			k->home[v->node[i]->id] = u;
	}
	for (int i = 0; i < v->nleaf; i++)
		add_leaf(k, u, v->leaf[i]);
	for (int i = 0; v->awaited && i < k->nunit; i++)
		if (has(k->unit[i], v->id)) {
			k->unit[i]->before[v->id / 64] &= ~(1ull << (v->id % 64));
			wait_for(k, k->unit[i], u);
		}
	v->n = v->nleaf = 0;
	v->merged = u;
	v->words = 0;
	for (int i = 0; i < u->nleaf; i++)
		if (k->sibling[u->leaf[i]->id] == v)
			k->sibling[u->leaf[i]->id] = u;
	return true;
}

/* The tape over x's domain that input i of x is computed in or read by. */
static gm_unit *near(const builder *k, const gm_node *x, int i)
{
	gm_node *in = x->in[i];
	if (!gm_shape_equal(in->shape, domain(x)))
		return NULL;
	if (k->home[in->id] && k->home[in->id]->tape)
		return k->home[in->id];
	return k->sibling[in->id];
}

static void place_node(builder *k, gm_node *x)
{
	if (!tapeable(k, x)) {
		gm_unit *u = new_unit(k, false);
		insert(k, u, x);
		k->home[x->id] = u;
		return;
	}
	gm_shape dom = domain(x);
	for (int i = 1; i < x->nin; i++)
		for (int j = 0; j < i; j++)
			if (near(k, x, i) && near(k, x, j))
				merge(k, near(k, x, j), near(k, x, i));
	for (int i = 0; i < x->nin; i++) /* an input's tape, */
		if (k->home[x->in[i]->id] && gm_shape_equal(x->in[i]->shape, dom) &&
		    try_join(k, k->home[x->in[i]->id], x))
			return;
	for (int i = 0; i < x->nin; i++) { /* a tape that reads the same, */
		gm_node *in = x->in[i];
		if (again(k, NULL, in, dom) && k->large[in->id])
			in = k->large[in->id];
		if (k->sibling[in->id] && gm_shape_equal(in->shape, dom) &&
		    try_join(k, k->sibling[in->id], x))
			return;
	}
	gm_unit *u = new_unit(k, true); /* or a new one */
	u->domain = dom;
	insert(k, u, x);
	k->home[x->id] = u;
}

/* Whether u reads the variable v other than element by element. */
static bool reads_otherwise(const builder *k, const gm_unit *u, const gm_node *v)
{
	for (int i = 0; i < u->nleaf; i++)
		if (u->leaf[i] != v && gm_plan_root(k->b, u->leaf[i]) == v)
			return true;
	return is_leaf(u, v) && !gm_shape_equal(v->shape, u->domain);
}

static gm_unit *final_unit(gm_unit *u)
{
	while (u->merged)
		u = u->merged;
	return u;
}

static void place_assign(builder *k, gm_node *x)
{
	gm_node *var = x->in[0];
	gm_unit *u = k->home[x->in[1]->id];
	bool join = u && u->tape && gm_shape_equal(u->domain, x->shape) && is_member(u, x->in[1]) &&
	            !is_reduce(x->in[1]) && u->n < 2 * MAX_TAPE && !reads_otherwise(k, u, var);
	for (int i = 0; join && i < k->nreader[var->id]; i++) {
		const gm_unit *r = final_unit(k->reader[var->id][i]);
		if (r != u && has(r, u->id))
			join = false;
	}
	if (!join) {
		u = new_unit(k, tapeable(k, x));
		u->domain = x->shape;
		add_leaf(k, u, x->in[1]);
	}
	push(k, &u->node, &u->n, &u->cap, x);
	k->home[x->id] = u;
	for (int i = 0; i < k->nreader[var->id]; i++)
		wait_for(k, u, final_unit(k->reader[var->id][i]));
}

/* A mean over ranks is placed directly after its input; readers of deferrable means are placed
 * last. */
static void order_exchanges(builder *k)
{
	for (int i = 0; i < k->nunit; i++) {
		gm_unit *u = k->unit[i];
		gm_node *y = u->n == 1 ? u->node[0] : NULL;
		if (!y || y->opid != GM_OPID_all_reduce)
			continue;
		u->key = gm_plan_root(k->b, y->in[0])->id;
		for (int j = 0; *(const int *)y->attr && j < k->nunit; j++)
			if (k->unit[j]->key < k->count && has(k->unit[j], u->id))
				k->unit[j]->key += k->count;
	}
}

/* Units, the one with the least (key, number) first. */
typedef struct heap {
	gm_unit **unit;
	int n;
} heap;

static bool comes_first(const gm_unit *a, const gm_unit *b)
{
	return a->key != b->key ? a->key < b->key : a->id < b->id;
}

static void heap_put(heap *h, gm_unit *u)
{
	int at = h->n++;
	for (; at && comes_first(u, h->unit[(at - 1) / 2]); at = (at - 1) / 2)
		h->unit[at] = h->unit[(at - 1) / 2];
	h->unit[at] = u;
}

static gm_unit *heap_take(heap *h)
{
	gm_unit *top = h->unit[0], *last = h->unit[--h->n];
	int at = 0;
	for (int next; (next = 2 * at + 1) < h->n; at = next) {
		if (next + 1 < h->n && comes_first(h->unit[next + 1], h->unit[next]))
			next++;
		if (!comes_first(h->unit[next], last))
			break;
		h->unit[at] = h->unit[next];
	}
	h->unit[at] = last;
	return top;
}

/* Units by rising key among those whose predecessors have run: nearly the order in which the model
 * was written, so that values die early. */
static gm_unit **order(builder *k)
{
	gm_unit **out = gm_arena_alloc(k->a, (k->nunit + 1) * sizeof *out);
	for (int i = 0; i < k->nunit; i++)
		for (int j = 0; j < k->unit[i]->n; j++)
			if (k->unit[i]->node[j]->id > k->unit[i]->key)
				k->unit[i]->key = k->unit[i]->node[j]->id;
	order_exchanges(k);
	heap ready = {.unit = gm_arena_alloc(k->a, (k->nunit + 1) * sizeof *ready.unit)};
	/* By unit: how many it still waits for, and who waits for it. */
	int *left = gm_arena_calloc(k->a, k->nunit + 1, sizeof *left),
	    *first = gm_arena_calloc(k->a, k->nunit + 2, sizeof *first), all = 0;
	for (int i = 0; i < k->nunit; i++)
		for (int j = 0; j < k->unit[i]->nafter; j++) {
			const gm_unit *v = k->unit[i]->after[j] = final_unit(k->unit[i]->after[j]);
			if (v != final_unit(k->unit[i]))
				first[v->id + 1]++, left[final_unit(k->unit[i])->id]++, all++;
		}
	for (int i = 0; i < k->nunit; i++)
		first[i + 1] += first[i];
	gm_unit **waiting = gm_arena_alloc(k->a, (all + 1) * sizeof *waiting);
	int *filled = gm_arena_calloc(k->a, k->nunit + 1, sizeof *filled);
	for (int i = 0; i < k->nunit; i++)
		for (int j = 0; j < k->unit[i]->nafter; j++) {
			const gm_unit *v = k->unit[i]->after[j];
			gm_unit *u = final_unit(k->unit[i]);
			if (v != u)
				waiting[first[v->id] + filled[v->id]++] = u;
		}
	for (int i = 0; i < k->nunit; i++)
		if (!left[i])
			heap_put(&ready, k->unit[i]);
	for (int n = 0; n < k->nunit; n++) {
		gm_unit *best = out[n] = heap_take(&ready);
		for (int i = first[best->id]; i < first[best->id + 1]; i++)
			if (!--left[waiting[i]->id])
				heap_put(&ready, waiting[i]);
	}
	return out;
}

/* Marks x and its inputs as computed in u; other inputs are read. */
static void trace(builder *k, const gm_unit *u, gm_node *x, int *seen)
{
	if (seen[x->id] == u->id + 1)
		return;
	seen[x->id] = u->id + 1;
	for (int i = x->opid == GM_OPID_assign; i < x->nin; i++) {
		if (u->tape && at_hand(u, x->in[i]))
			trace(k, u, x->in[i], seen);
		else
			k->needed[gm_plan_root(k->b, x->in[i])->id] = 1;
	}
}

/* Some reads recorded during fusion belong to nodes that ended up in another unit, so liveness is
 * recomputed backwards from the last unit. */
static void find_needed(builder *k, const gm_units *r)
{
	/* By node: the unit that came by last, plus 1. */
	int *seen = gm_arena_calloc(k->a, k->count, sizeof *seen);
	memcpy(k->needed, k->must, k->count);
	for (int i = r->n - 1; i >= 0; i--) {
		gm_unit *u = r->unit[i];
		for (int j = 0; j < u->n; j++) {
			gm_node *x = u->node[j];
			if (!u->tape || x->opid == GM_OPID_assign ||
			    (k->home[x->id] == u && k->needed[x->id]))
				trace(k, u, x, seen);
		}
	}
}

gm_units gm_plan_units(gm_arena *a, const gm_backend *b, gm_node *const *nodes, int n, int count,
                       const char *asked)
{
	builder k = {.a = a, .b = b, .count = count};
	k.unit = gm_arena_calloc(a, 2 * n + 1, sizeof *k.unit);
	k.home = gm_arena_calloc(a, count, sizeof *k.home);
	k.needed = gm_arena_calloc(a, count, 1);
	k.must = gm_arena_calloc(a, count, 1);
	k.cost = gm_arena_calloc(a, count, 1);
	k.large = gm_arena_calloc(a, count, sizeof *k.large);
	k.sibling = gm_arena_calloc(a, count, sizeof *k.sibling);
	k.reader = gm_arena_calloc(a, count, sizeof *k.reader);
	k.nreader = gm_arena_calloc(a, count, sizeof *k.nreader);
	k.readercap = gm_arena_calloc(a, count, sizeof *k.readercap);
	/* Values read outside of tapes of their domain must be in memory. */
	for (int i = 0; i < n; i++) {
		gm_node *x = nodes[i];
		if (asked[x->id])
			k.must[gm_plan_root(b, x)->id] = 1;
		if (b->views && x->op->flags & GM_OP_VIEW) {
			k.must[gm_plan_root(b, x)->id] = 1;
			continue;
		}
		for (int j = 0; j < x->nin; j++)
			if (!tapeable(&k, x) || !gm_shape_equal(domain(x), x->in[j]->shape))
				k.must[x->in[j]->id] = 1;
	}
	for (int i = 0; i < n; i++) {
		gm_node *x = nodes[i];
		if (x->op->flags & GM_OP_LEAF || (b->views && x->op->flags & GM_OP_VIEW) ||
		    x->opid == GM_OPID_assign)
			continue;
		judge(&k, x);
		place_node(&k, x);
	}
	for (int i = 0; i < n; i++)
		if (nodes[i]->opid == GM_OPID_assign)
			place_assign(&k, nodes[i]);
	gm_units r = {order(&k), k.nunit, k.home, k.needed};
	find_needed(&k, &r);
	return r;
}
