/* SPDX-License-Identifier: MIT
 *
 * graph/clone.c -- copies of expressions with some of their nodes replaced. See ganymede/graph.h.
 *
 * Graphs of long chains are deep, so the walk keeps its own stack instead of recursing.
 */
#include <stdlib.h>
#include <string.h>

#include "graph/graph.h"

typedef struct clone {
	gm_graph *g;
	bool infer;
	gm_node **map; /* by id: the copy of a node, or NULL */
	int room;
	gm_node **stack;
	int depth, stack_room;
} clone;

static bool push(clone *c, gm_node *x)
{
	if (c->depth == c->stack_room) {
		int room = c->stack_room ? 2 * c->stack_room : 64;
		gm_node **more = realloc(c->stack, room * sizeof *more);
		if (!more)
			return false;
		c->stack = more, c->stack_room = room;
	}
	c->stack[c->depth++] = x;
	return true;
}

static gm_node *known(const clone *c, const gm_node *x)
{
	return x->id < c->room ? c->map[x->id] : (gm_node *)x; /* newer nodes are results */
}

/* The input whose copy replaces x in inference mode; else NULL. */
static gm_node *stands_for(const clone *c, const gm_node *x)
{
	if (!c->infer)
		return NULL;
	return x->opid == GM_OPID_by_mode                                  ? x->in[1]
	       : x->opid == GM_OPID_after || x->opid == GM_OPID_all_reduce ? x->in[0]
	                                                                   : NULL;
}

static gm_node *copy(clone *c, gm_node *x)
{
	gm_node *only = stands_for(c, x);
	if (only)
		return known(c, only);
	gm_node **in = malloc((x->nin ? x->nin : 1) * sizeof *in);
	if (!in)
		return gm_poison(c->g, x->op->name, GM_ERR_MEMORY,
		                 "no memory to copy an expression");
	bool same = true;
	for (int i = 0; i < x->nin; i++) {
		in[i] = known(c, x->in[i]);
		same = same && in[i] == x->in[i];
	}
	gm_node *y = x;
	if (!same) {
		const char *scope = c->g->scope;
		c->g->scope = x->scope;
		y = gm_node_new(c->g, x->opid, in, x->nin, x->attr, x->attr_size);
		c->g->scope = scope;
	}
	free(in);
	return y;
}

/* Pushes the inputs of x that have no copy yet; false where there is no memory. *ready: there are
 * none. */
static bool push_inputs(clone *c, gm_node *x, bool *ready)
{
	gm_node *only = stands_for(c, x);
	*ready = true;
	for (int i = 0; i < (only ? 1 : x->nin); i++) {
		gm_node *in = only ? only : x->in[i];
		if (known(c, in))
			continue;
		*ready = false;
		if (!push(c, in))
			return false;
	}
	return true;
}

static gm_node *clone_one(clone *c, gm_node *y)
{
	bool ok = push(c, y);
	while (ok && c->depth) {
		gm_node *x = c->stack[c->depth - 1];
		bool ready;
		if (known(c, x)) {
			c->depth--;
			continue;
		}
		ok = push_inputs(c, x, &ready);
		if (ok && ready) {
			c->map[x->id] = copy(c, x);
			c->depth--;
		}
	}
	return ok ? known(c, y)
	          : gm_poison(c->g, "clone", GM_ERR_MEMORY, "no memory to copy an expression");
}

static void clone_all(gm_node *const *y, int n, const gm_clone_options *o, gm_node **out)
{
	clone c = {.g = y[0]->graph, .infer = o && o->infer, .room = y[0]->graph->nnode};
	c.map = calloc(c.room ? c.room : 1, sizeof *c.map);
	bool ok = c.map != NULL;
	for (int i = 0; ok && o && i < o->n; i++) {
		gm_node *from = o->from[i], *to = o->to[i];
		const bool fits = o->resize ? from->shape.rank == to->shape.rank
		                            : gm_shape_equal(from->shape, to->shape);
		if (!fits || from->dtype != to->dtype)
			to = gm_poison(c.g, "clone", GM_ERR_SHAPE, "%s cannot take the place of %s",
			               gm_shape_text(to->shape), gm_shape_text(from->shape));
		if (from->id < c.room)
			c.map[from->id] = to;
	}
	for (int i = 0; i < n; i++)
		out[i] = !ok            ? gm_poison(c.g, "clone", GM_ERR_MEMORY,
		                                    "no memory to copy an expression")
		         : y[i]->poison ? y[i]
		                        : clone_one(&c, y[i]);
	free(c.map);
	free(c.stack);
}

typedef struct cloning {
	gm_node *const *y;
	int n;
	const gm_clone_options *o;
	gm_node **out;
} cloning;

static void clone_them(void *ctx)
{
	const cloning *c = ctx;
	clone_all(c->y, c->n, c->o, c->out);
}

void gm_clone(gm_node *const *y, int n, const gm_clone_options *o, gm_node **out)
{
	if (n > 0 && !gm_graph_within(y[0]->graph, clone_them, &(cloning){y, n, o, out}))
		for (int i = 0; i < n; i++)
			out[i] = y[0]->graph->spare;
}
