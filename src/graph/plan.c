/* SPDX-License-Identifier: MIT
 *
 * plan.c -- compiles outputs to instructions: resolve, group, emit, lay out memory.
 */
#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/machine.h"
#include "graph/graph.h"
#include "graph/plan.h"

typedef struct memo {
	struct memo *next;
	const void *key;
	size_t n;
	void *value;
} memo;

struct gm_plan {
	gm_graph *g;
	gm_step *step;
	const gm_backend *b;
	bool infer;
	gm_node **map; /* by node number: the resolved node */
	int nmap;
	gm_node **effect; /* resolved assigns */
	gm_node **assign; /* by the number of the variable: the effect that assigns it */
	int nassign, neffect, capeffect;
	gm_val *val; /* by node number; buf NULL where not placed */
	gm_units units;
	gm_buf **buf; /* all in the arena */
	int nbuf, capbuf;
	gm_buf *scratch[8]; /* of the instruction to come */
	int nscratch;
	memo *memos;
	bool failed;
};

gm_arena *gm_plan_arena(gm_plan *p)
{
	return p->step->own;
}

gm_graph *gm_plan_graph(gm_plan *p)
{
	return p->g;
}

const gm_backend *gm_plan_backend(const gm_plan *p)
{
	return p->b;
}

gm_step *gm_plan_step(gm_plan *p)
{
	return p->step;
}

bool gm_plan_copy(gm_plan *p, gm_shape s, gm_val x, gm_val y)
{
	if (p->b->copy)
		p->b->copy(p, s, x, y);
	return p->b->copy != NULL;
}

bool gm_plan_bf16(const gm_plan *p)
{
	return gm_graph_bf16(p->g);
}

void gm_plan_fail(gm_plan *p, const gm_unit *u, const char *fmt, ...)
{
	char text[300];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	const gm_node *y = u && u->n ? u->node[u->n - 1] : NULL;
	gm_fail(&p->g->error, GM_ERR_STATE, "%s%s%s: %s", y ? y->scope : "",
	        y && *y->scope ? ": " : "", y ? y->op->name : "compile", text);
	p->failed = true;
}

/* ---- resolve --------------------------------------------------------------------------------- */

static gm_node *resolve(gm_plan *p, gm_node *x);

/* All assigns of a step land at its end, so two different ones of one variable would lose one of
 * the two. */
static void add_effect(gm_plan *p, gm_node *x)
{
	const gm_node *variable = x->in[0];
	if (x->poison || variable->id >= p->nassign || p->assign[variable->id] == x)
		return;
	if (p->assign[variable->id]) {
		gm_plan_fail(p, NULL, "%s is assigned twice in one step", gm_node_name(variable));
		return;
	}
	p->assign[variable->id] = x;
	if (p->neffect == p->capeffect) {
		gm_node **e =
			realloc(p->effect, (p->capeffect = p->capeffect * 2 + 16) * sizeof *e);
		if (!e)
			gm_no_memory(0);
		p->effect = e;
	}
	p->effect[p->neffect++] = x;
}

static void resolve_effect(gm_plan *p, gm_node *x)
{
	if (x->opid == GM_OPID_group) {
		for (int i = 0; i < x->nin; i++)
			resolve_effect(p, x->in[i]);
		return;
	}
	if (x->id < p->nmap && p->map[x->id])
		return;
	if (x->id < p->nmap)
		p->map[x->id] = x; /* mark as visited, to avoid infinite recursion */
	add_effect(p, gm_assign(x->in[0], resolve(p, x->in[1])));
}

static gm_node *rebuild(gm_plan *p, gm_node *x)
{
	gm_node *small[8],
		**in = x->nin <= 8 ? small : gm_arena_alloc(p->step->own, x->nin * sizeof *in);
	bool same = true;
	for (int i = 0; i < x->nin; i++) {
		in[i] = resolve(p, x->in[i]);
		same &= in[i] == x->in[i];
	}
	if (same)
		return x;
	const char *scope = p->g->scope;
	p->g->scope = x->scope;
	gm_node *y = x->opid == GM_OPID_add
	                     ? gm_add(in[0], in[1]) /* these constructors simplify zeros and ones */
	             : x->opid == GM_OPID_sub ? gm_sub(in[0], in[1])
	             : x->opid == GM_OPID_mul
	                     ? gm_mul(in[0], in[1])
	                     : gm_node_new(p->g, x->opid, in, x->nin, x->attr, x->attr_size);
	p->g->scope = scope;
	return y;
}

/* Lowering creates new nodes; without entries in the map they would be traversed again along every
 * path. */
static void remember(gm_plan *p, const gm_node *x, gm_node *y)
{
	if (x->id >= p->nmap) {
		int room = 2 * x->id + 1;
		gm_node **map = realloc(p->map, room * sizeof *map);
		if (!map)
			return; /* only slower */
		memset(map + p->nmap, 0, (room - p->nmap) * sizeof *map);
		p->map = map, p->nmap = room;
	}
	p->map[x->id] = y;
}

static gm_node *resolve(gm_plan *p, gm_node *x)
{
	if (x->id < p->nmap && p->map[x->id])
		return p->map[x->id];
	gm_node *y;
	if (x->opid == GM_OPID_by_mode) {
		y = resolve(p, x->in[p->infer]);
	} else if (x->opid == GM_OPID_after) {
		y = resolve(p, x->in[0]);
		if (!p->infer)
			resolve_effect(p, x->in[1]);
	} else if ((x->opid == GM_OPID_all_reduce && p->infer) ||
	           (x->opid == GM_OPID_stop_gradient && p->b->fuses)) {
		/* no communication in inference */
		y = resolve(p, x->in[0]);
	} else {
		y = rebuild(p, x);
		if (p->b->has && !(y->op->flags & GM_OP_LEAF) && !p->b->has(y) && y->op->lower) {
			const char *scope = p->g->scope;
			p->g->scope = y->scope;
			gm_node *low = y->op->lower(y);
			p->g->scope = scope;
			if (low)
				y = resolve(p, low);
		}
	}
	remember(p, x, y);
	if (y->id >= p->nmap || !p->map[y->id])
		remember(p, y, y); /* nodes made by lowering are already resolved */
	return y;
}

typedef struct frame {
	gm_node *x;
	int next; /* input to look at */
} frame;

/* The i-th input that resolving x needs; NULL after the last. */
static gm_node *resolved_input(const gm_plan *p, const gm_node *x, int i)
{
	if (x->opid == GM_OPID_by_mode)
		return i == 0 ? x->in[p->infer] : NULL;
	if (x->opid == GM_OPID_after)
		return i < 2 - p->infer ? x->in[i] : NULL;
	if (x->opid == GM_OPID_assign)
		return i == 0 ? x->in[1] : NULL;
	return i < x->nin ? x->in[i] : NULL;
}

/* Resolves the inputs of x with an explicit stack, in the order of the recursive version, so that
 * recursion is only as deep as one lowering. */
static bool resolve_below(gm_plan *p, gm_node *x)
{
	int n = 0, room = 0;
	frame *stack = NULL;
	char *seen = calloc(p->g->nnode ? p->g->nnode : 1,
	                    1); /* the nodes that there are; those to come are shallow */
	int count = p->g->nnode;
	bool ok = seen != NULL;
	for (gm_node *in = x; ok;) {
		if (in && in->id < count && !seen[in->id] &&
		    !(in->id < p->nmap && p->map[in->id])) {
			seen[in->id] = 1;
			if (n == room) {
				frame *more = realloc(stack, (room = 2 * room + 64) * sizeof *more);
				ok = more != NULL;
				if (!ok)
					break;
				stack = more;
			}
			stack[n++] = (frame){in, 0};
		}
		if (!n)
			break;
		frame *top = &stack[n - 1];
		in = resolved_input(p, top->x, top->next);
		top->next += in != NULL;
		if (!in) {
			/* effects are executed by the node that depends on them */
			if (!(top->x->op->flags & GM_OP_EFFECT))
				resolve(p, top->x);
			n--;
		}
	}
	free(stack);
	free(seen);
	return ok || gm_fail(&p->g->error, GM_ERR_MEMORY, "compile: no memory");
}

/* ---- values ---------------------------------------------------------------------------------- */

void gm_order_strides(gm_shape s, const int *order, int64_t stride[GM_MAX_RANK])
{
	int64_t n = 1;
	for (int i = s.rank - 1; i >= 0; i--) {
		int axis = order ? order[i] : i;
		stride[axis] = n;
		n *= s.dim[axis];
	}
}

bool gm_val_packed(gm_val v, gm_shape s, const int *order)
{
	int64_t want[GM_MAX_RANK];
	gm_order_strides(s, order, want);
	for (int i = 0; i < s.rank; i++)
		if (s.dim[i] != 1 && v.stride[i] != want[i])
			return false;
	return true;
}

static gm_buf *new_buf(gm_plan *p, size_t bytes)
{
	gm_buf *b = gm_arena_calloc(p->step->own, 1, sizeof *b);
	b->bytes = bytes;
	b->first = INT_MAX;
	b->last = -1;
	return b;
}

gm_buf *gm_plan_buffer(gm_plan *p, size_t bytes)
{
	gm_buf *b = new_buf(p, bytes);
	if (p->nbuf == p->capbuf) {
		gm_buf **l = realloc(p->buf, (p->capbuf = p->capbuf * 2 + 64) * sizeof *l);
		if (!l)
			gm_no_memory(0);
		p->buf = l;
	}
	return p->buf[p->nbuf++] = b;
}

gm_buf *gm_plan_scratch(gm_plan *p, size_t bytes)
{
	gm_buf *b = gm_plan_buffer(p, bytes);
	assert(p->nscratch < (int)(sizeof p->scratch / sizeof *p->scratch));
	return p->scratch[p->nscratch++] = b;
}

static gm_buf *outside(gm_plan *p, void *ptr, size_t bytes)
{
	gm_buf *b = new_buf(p, bytes);
	b->ptr = ptr;
	b->outside = true;
	return b;
}

gm_buf *gm_plan_thread_scratch(gm_plan *p, size_t bytes, int threads, size_t *stride)
{
	gm_graph *g = p->g;
	if (!g->scratch) {
		g->scratch_threads = gm_thread_count() > threads ? gm_thread_count() : threads;
		g->scratch_room =
			(size_t)gm_machine_memory() / (size_t)g->scratch_threads >> 21 << 21;
		g->scratch = gm_machine_reserve(g->scratch_room * (size_t)g->scratch_threads);
	}
	if (!g->scratch || bytes > g->scratch_room || threads > g->scratch_threads) {
		*stride = (bytes + 63) & ~(size_t)63;
		return gm_plan_scratch(p, *stride * (size_t)threads);
	}
	*stride = g->scratch_room;
	return outside(p, g->scratch, g->scratch_room * (size_t)threads);
}

bool gm_plan_placed(gm_plan *p, gm_node *y)
{
	return p->val[y->id].buf != NULL;
}

void gm_plan_place_at(gm_plan *p, gm_node *y, gm_val v)
{
	p->val[y->id] = v;
}

gm_val gm_plan_place(gm_plan *p, gm_node *y, const int *order)
{
	gm_val v = {.dtype = y->dtype};
	gm_order_strides(y->shape, order, v.stride);
	v.buf = gm_plan_buffer(p, gm_node_size(y) * gm_dtype_size(y->dtype));
	p->val[y->id] = v;
	return v;
}

/* Variables and inputs lie in their storage; a constant is one element with strides of 0. */
static gm_val leaf_value(gm_plan *p, gm_node *x)
{
	gm_val v = {.dtype = x->dtype};
	if (gm_is_storage(x)) {
		gm_storage *s = gm_node_storage(x);
		v.buf = outside(p, s->data, s->bytes);
		gm_shape_strides(x->shape, v.stride);
		return v;
	}
	bool one = x->opid == GM_OPID_constant;
	int64_t n = one ? 1 : gm_node_size(x);
	double *d = gm_arena_alloc(p->step->own, n * sizeof *d);
	void *data = gm_arena_alloc(p->step->own, n * sizeof *d);
	if (one)
		d[0] = ((const gm_constant_attr *)x->attr)->value;
	else
		x->op->eval(x, &(gm_eval){.y = d});
	for (int64_t i = 0; i < n; i++) {
		if (x->dtype == GM_F32)
			((float *)data)[i] = (float)d[i];
		else if (x->dtype == GM_F64)
			((double *)data)[i] = d[i];
		else
			((int32_t *)data)[i] = (int32_t)d[i];
	}
	v.buf = outside(p, data, n * gm_dtype_size(x->dtype));
	if (!one)
		gm_shape_strides(x->shape, v.stride);
	return v;
}

/* A view of x's value; if strides cannot express it, of a packed copy. */
static gm_val view_value(gm_plan *p, gm_node *y)
{
	gm_node *x = y->in[0];
	for (int packed = 0; packed < 2; packed++) {
		gm_val v = packed ? gm_plan_value_as(p, x, NULL) : gm_plan_value(p, x), r = v;
		memset(r.stride, 0, sizeof r.stride);
		if (y->op->view(y, v.stride, r.stride, &r.offset))
			return r;
	}
	assert(!"a view of packed values always exists");
	return (gm_val){0};
}

gm_val gm_plan_value(gm_plan *p, gm_node *x)
{
	if (!p->val[x->id].buf) {
		if (x->op->flags & GM_OP_LEAF)
			p->val[x->id] = leaf_value(p, x);
		else if (p->b->views && x->op->flags & GM_OP_VIEW)
			p->val[x->id] = view_value(p, x);
		else
			assert(!"a value is read before it is made");
	}
	return p->val[x->id];
}

void *gm_plan_recall(gm_plan *p, const void *key, size_t n)
{
	for (memo *m = p->memos; m; m = m->next)
		if (m->n == n && !memcmp(m->key, key, n))
			return m->value;
	return NULL;
}

void gm_plan_remember(gm_plan *p, const void *key, size_t n, void *value)
{
	memo *m = gm_arena_alloc(p->step->own, sizeof *m);
	*m = (memo){p->memos, gm_arena_copy(p->step->own, key, n), n, value};
	p->memos = m;
}

gm_val gm_plan_value_as(gm_plan *p, gm_node *x, const int *order)
{
	gm_val v = gm_plan_value(p, x);
	if (gm_val_packed(v, x->shape, order))
		return v;
	struct {
		const gm_buf *buf;
		int64_t offset, stride[GM_MAX_RANK], want[GM_MAX_RANK];
		gm_shape shape;
	} key;
	memset(&key, 0, sizeof key);
	key.buf = v.buf;
	key.offset = v.offset;
	key.shape.rank = x->shape.rank;
	int64_t want[GM_MAX_RANK];
	gm_order_strides(x->shape, order, want);
	for (int i = 0; i < x->shape.rank; i++) {
		key.shape.dim[i] = x->shape.dim[i];
		key.stride[i] = v.stride[i];
		key.want[i] = want[i];
	}
	gm_val *old = gm_plan_recall(p, &key, sizeof key);
	if (old)
		return *old;
	gm_val *y = gm_arena_calloc(p->step->own, 1, sizeof *y);
	y->dtype = v.dtype;
	memcpy(y->stride, want, sizeof want);
	y->buf = gm_plan_buffer(p, gm_node_size(x) * gm_dtype_size(v.dtype));
	p->b->copy(p, x->shape, v, *y);
	gm_plan_remember(p, &key, sizeof key, y);
	return *y;
}

bool gm_plan_needed(gm_plan *p, const gm_unit *u, gm_node *y)
{
	return p->units.home[y->id] == u && p->units.needed[y->id];
}

/* ---- emit ------------------------------------------------------------------------------------ */

gm_inst *gm_plan_emit(gm_plan *p, gm_inst in, gm_buf *const *bufs, int nbuf)
{
	gm_step *s = p->step;
	if (s->ninst == s->cap) {
		gm_inst *l = realloc(s->inst, (s->cap = s->cap * 2 + 64) * sizeof *l);
		if (!l)
			gm_no_memory(0);
		s->inst = l;
	}
	int at = s->ninst++;
	for (int i = 0; i < nbuf + p->nscratch; i++) {
		gm_buf *b = i < nbuf ? bufs[i] : p->scratch[i - nbuf];
		if (at < b->first)
			b->first = at;
		if (at > b->last)
			b->last = at;
	}
	p->nscratch = 0;
	if (in.nnode) {
		in.node = gm_arena_copy(s->own, in.node, in.nnode * sizeof *in.node);
		in.made = gm_arena_calloc(s->own, in.nnode, sizeof *in.made);
		for (int i = 0; i < in.nnode; i++) {
			in.made[i] = p->val[in.node[i]->id];
			in.flops += in.node[i]->op->flops ? in.node[i]->op->flops(in.node[i]) : 0;
		}
	}
	for (int i = 0; i < nbuf; i++)
		in.bytes += bufs[i]->bytes;
	s->flops += in.flops;
	s->inst[at] = in;
	return &s->inst[at];
}

/* Greedy by size: the largest buffers take the lowest place that is free for as long as they
 * live. */
static int by_size(const void *a, const void *b)
{
	const gm_buf *x = *(gm_buf *const *)a, *y = *(gm_buf *const *)b;
	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	return x->first != y->first ? (x->first < y->first ? -1 : 1) : 0;
}

/* A placed buffer; stored compactly, because each new buffer is compared with all of them. */
typedef struct placed_buf {
	int first, last;
	size_t offset, end;
} placed_buf;

/* Places the n buffers, largest first; how many bytes they take together. placed: room for n, kept
 * by rising offset. */
static size_t place(gm_buf *const *buf, int n, bool keep, placed_buf *placed)
{
	size_t total = 0;
	int live = 0;
	for (int i = 0; i < n; i++) {
		gm_buf *b = buf[i];
		size_t need = (b->bytes + 63) & ~(size_t)63, at = 0;
		for (int j = 0; j < live; j++) {
			const placed_buf *o = &placed[j];
			if (!keep && (o->first > b->last || b->first > o->last))
				continue;
			if (at + need <= o->offset)
				break;
			if (o->end > at)
				at = o->end;
		}
		b->offset = at;
		if (b->last < 0)
			continue;
		if (at + need > total)
			total = at + need;
		int to = live++;
		while (to && placed[to - 1].offset > at)
			to--;
		memmove(placed + to + 1, placed + to, (live - 1 - to) * sizeof *placed);
		placed[to] = (placed_buf){b->first, b->last, at, at + need};
	}
	return total;
}

/* Memory shared by all steps of the graph, at a fixed address; NULL if out of memory. */
static char *shared(gm_graph *g, size_t bytes)
{
	if (!g->shared) {
		g->shared_room = (size_t)gm_machine_memory();
		g->shared = gm_machine_reserve(g->shared_room);
	}
	if (!g->shared || bytes > g->shared_room)
		return NULL;
	/* pages are touched in parallel by the first run, which takes half the time of doing it
	 * here */
	return g->shared;
}

/* Outputs may be read after another step has run, so they are in memory of this step; with keep, so
 * is everything. */
static bool lay_out(gm_plan *p, bool keep)
{
	gm_step *s = p->step;
	placed_buf *placed = malloc((p->nbuf + 1) * sizeof *placed);
	gm_buf **own = p->buf;
	if (!placed)
		return false;
	int n = 0; /* own ones first */
	for (int i = 0; i < p->nbuf; i++)
		if (keep || own[i]->last == INT_MAX) {
			gm_buf *b = own[i];
			own[i] = own[n];
			own[n++] = b;
		}
	int passing = p->nbuf - n;
	if (n)
		qsort(own, n, sizeof *own, by_size);
	if (passing)
		qsort(own + n, passing, sizeof *own, by_size);
	size_t mine = place(own, n, keep, placed), theirs = place(own + n, passing, false, placed);
	char *base = theirs ? shared(p->g, theirs) : NULL;
	free(placed);
	s->memory_bytes = mine + theirs;
	s->memory =
		mine || (theirs && !base) ? gm_machine_alloc(base ? mine : mine + theirs) : NULL;
	if ((mine && !s->memory) || (theirs && !base && !s->memory)) {
		gm_fail(&p->g->error, GM_ERR_MEMORY,
		        "compile: no memory for %.1f MB of intermediate values: take a smaller "
		        "batch",
		        s->memory_bytes / 1e6);
		return false;
	}
	if (s->memory)
		memset(s->memory, 0, base ? mine : mine + theirs);
	if (theirs && !base)
		base = s->memory + mine;
	for (int i = 0; i < p->nbuf; i++) {
		char *block = i < n ? s->memory : base;
		p->buf[i]->ptr = block ? block + p->buf[i]->offset : NULL;
	}
	return true;
}

/* ---- compile --------------------------------------------------------------------------------- */

typedef struct walk {
	gm_node **list;
	int n, cap;
	char *seen;
} walk;

/* Collects all nodes that x depends on, in any order; without recursion, because long chains are
 * deep. */
static void visit(walk *w, gm_node *x)
{
	int at = w->n;
	if (!w->seen[x->id])
		w->seen[x->id] = 1, w->list[w->n++] = x;
	for (; at < w->n; at++) {
		gm_node *y = w->list[at];
		for (int i = y->opid == GM_OPID_assign; i < y->nin; i++)
			if (!w->seen[y->in[i]->id])
				w->seen[y->in[i]->id] = 1, w->list[w->n++] = y->in[i];
	}
}

static int by_id(const void *a, const void *b)
{
	return (*(gm_node *const *)a)->id - (*(gm_node *const *)b)->id;
}

static bool is_assigned(const gm_plan *p, const gm_node *variable)
{
	return variable->id < p->nassign && p->assign[variable->id];
}

/* assign(p, q) and assign(q, p) in one step: both must read the old values, so copy them first. */
static void snapshot_swaps(gm_plan *p)
{
	for (int i = 0; i < p->neffect; i++) {
		gm_node *a = p->effect[i], *root = gm_plan_root(p->b, a->in[1]);
		if (is_assigned(p, root) && root != a->in[0])
			p->effect[i] = gm_assign(a->in[0], gm_stop_gradient(a->in[1]));
	}
}

/* A small step runs on one thread: synchronisation costs microseconds per instruction, or
 * milliseconds on a busy machine, more than the work itself. */
static int threads_worth(gm_node *const *nodes, int n)
{
	double flops = 0, elements = 0;
	for (int i = 0; i < n; i++) {
		flops += nodes[i]->op->flops ? nodes[i]->op->flops(nodes[i]) : 0;
		elements += (double)gm_node_size(nodes[i]);
	}
	return flops < 3e7 && elements < 2e6 ? 1 : 0;
}

static bool emit_units(gm_plan *p)
{
	gm_exchange *x = gm_exchange_new(p);
	for (int i = 0; i < p->units.n && !p->failed; i++) {
		gm_unit *u = p->units.unit[i];
		bool done = gm_exchange_unit(p, x, u);
		for (int k = 0; p->b->planner[k] && !done && !p->failed; k++)
			done = p->b->planner[k](p, u);
		if (!done && !p->failed && !gm_plan_eval(p, u))
			gm_plan_fail(p, u, "backend %s has no way to compute this", p->b->name);
	}
	gm_exchange_end(p, x);
	return !p->failed;
}

static bool emit_all(gm_plan *p, gm_node *const *outputs, int n, bool keep)
{
	gm_step *s = p->step;
	gm_graph *g = p->g;
	s->out = gm_arena_calloc(s->own, n + 1, sizeof *s->out);
	for (int i = 0; i < n; i++) {
		if (!resolve_below(p, outputs[i]))
			return false;
		if (outputs[i]->op->flags & GM_OP_EFFECT) {
			resolve_effect(p, outputs[i]);
			continue;
		}
		s->out[s->nout].asked = outputs[i];
		s->out[s->nout++].node = resolve(p, outputs[i]);
	}
	snapshot_swaps(p);
	/* An output that is a variable is read after the run, when the variable may hold its next
	 * value. */
	for (int i = 0; i < s->nout; i++)
		if (is_assigned(p, gm_plan_root(p->b, s->out[i].node)))
			s->out[i].node = gm_stop_gradient(s->out[i].node);
	if (g->error.code)
		return false;
	walk w = {.seen = gm_arena_calloc(s->own, g->nnode, 1),
	          .list = gm_arena_alloc(s->own, g->nnode * sizeof *w.list)};
	char *asked = gm_arena_calloc(s->own, g->nnode, 1);
	p->val = gm_arena_calloc(s->own, g->nnode, sizeof *p->val);
	for (int i = 0; i < s->nout; i++) {
		visit(&w, s->out[i].node);
		asked[s->out[i].node->id] = 1;
	}
	for (int i = 0; i < p->neffect; i++)
		visit(&w, p->effect[i]);
	qsort(w.list, w.n, sizeof *w.list, by_id);
	p->units = gm_plan_units(s->own, p->b, w.list, w.n, g->nnode, asked);
	s->threads = threads_worth(w.list, w.n);
	int all = s->threads ? gm_thread_limit(s->threads) : 0;
	bool fine = emit_units(p);
	if (all)
		gm_thread_limit(all);
	if (!fine)
		return false;
	for (int i = 0; i < s->nout; i++) {
		s->out[i].val = gm_plan_value(p, s->out[i].node);
		s->out[i].val.buf->last = INT_MAX;
	}
	s->where = p->val;
	s->nwhere = g->nnode;
	return !p->failed && lay_out(p, keep || s->check);
}

typedef struct compiling {
	gm_graph *g;
	gm_node *const *outputs;
	int n;
	const gm_compile_options *o;
	gm_plan p;
	bool ok;
} compiling;

static gm_step *step_new(gm_graph *g)
{
	gm_arena *own = gm_arena_new();
	gm_step *s = gm_arena_try(own, sizeof *s);
	if (!s) {
		gm_arena_free(own);
		gm_no_memory(0);
	}
	s->graph = g;
	s->own = own;
	s->profile = g->profile;
	s->check = g->check;
	s->next = g->steps;
	s->link = &g->steps;
	if (g->steps)
		g->steps->link = &s->next;
	return g->steps = s;
}

static void compile(void *ctx)
{
	compiling *c = ctx;
	gm_graph *g = c->g;
	const gm_compile_options *o = c->o;
	gm_plan *p = &c->p;
	const gm_backend *b = gm_backend_find(g->backend);
	if (!b) {
		gm_fail(&g->error, GM_ERR_VALUE, "there is no backend '%s': cpu and ref are here",
		        g->backend);
		return;
	}
	for (int i = 0; i < c->n; i++)
		if (c->outputs[i]->graph != g || c->outputs[i]->poison) {
			gm_fail(&g->error, GM_ERR_STATE, "compile: output %d is not of this graph",
			        i);
			return;
		}
	/* Resolving adds nodes; the map grows with them. */
	*p = (gm_plan){.g = g,
	               .step = step_new(g),
	               .b = b,
	               .infer = o && o->infer,
	               .nmap = g->nnode,
	               .nassign = g->nnode};
	p->map = calloc(p->nmap, sizeof *p->map);
	p->assign = calloc(p->nassign, sizeof *p->assign);
	if (!p->map || !p->assign)
		gm_no_memory(0);
	for (int i = 0; o && i < o->nreplace; i++) {
		if (!gm_shape_equal(o->from[i]->shape, o->to[i]->shape) ||
		    o->from[i]->dtype != o->to[i]->dtype) {
			gm_fail(&g->error, GM_ERR_SHAPE,
			        "compile: %s of shape %s cannot stand for %s",
			        gm_node_name(o->to[i]), gm_shape_text(o->to[i]->shape),
			        gm_shape_text(o->from[i]->shape));
			return;
		}
		p->map[o->from[i]->id] = o->to[i];
	}
	c->ok = emit_all(p, c->outputs, c->n, o && o->keep_arena);
}

gm_step *gm_compile_nodes(gm_graph *g, gm_node *const *outputs, int n, const gm_compile_options *o)
{
	if (g->error.code)
		return NULL;
	compiling c = {g, outputs, n, o, {0}, false};
	const bool ok = gm_graph_within(g, compile, &c) && c.ok;
	gm_step *s = c.p.step;
	free(c.p.map);
	free(c.p.assign);
	free(c.p.effect);
	free(c.p.buf);
	if (ok)
		return s;
	gm_fail(&g->error, GM_ERR_MEMORY, "compile: no memory");
	if (s)
		gm_step_free(s);
	return NULL;
}
