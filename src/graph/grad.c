/* SPDX-License-Identifier: MIT
 *
 * grad.c -- reverse-mode differentiation: gradients as expressions.
 *
 * Nodes are numbered as they are made, inputs before readers, so walking the reachable nodes by
 * falling number is a reverse topological order. Only nodes on a path from a wrt to y get a
 * cotangent.
 */
#include <stdlib.h>
#include <string.h>

#include "graph/graph.h"

static gm_node *add_to(gm_node *sum, gm_node *d)
{
	return sum ? gm_add(sum, d) : d;
}

/* Marks in need[] every node up to y through which a wrt is reached. Iterative: graphs of long
 * chains are deep. */
static void mark(gm_node *y, char *need, gm_node **stack, char *seen)
{
	int top = 0;
	stack[top++] = y;
	while (top) {
		gm_node *x = stack[top - 1];
		if (seen[x->id] == 2) {
			top--;
			continue;
		}
		if (seen[x->id] == 1) {
			for (int i = 0; i < x->nin; i++)
				need[x->id] |= need[x->in[i]->id];
			seen[x->id] = 2;
			top--;
			continue;
		}
		seen[x->id] = 1;
		for (int i = 0; i < x->nin; i++)
			if (!seen[x->in[i]->id])
				stack[top++] = x->in[i];
	}
}

static void vjp(gm_node *y, gm_node *dy, gm_node *const *wrt, int n, gm_node **out)
{
	gm_graph *g = y->graph;
	int count = g->nnode, edges = 1;
	for (int i = 0; i < n; i++)
		out[i] = wrt[i]; /* in case of an error below: a node of the right shape */
	bool poison = y->poison || dy->poison;
	for (int i = 0; i < n; i++)
		poison |= wrt[i]->poison;
	if (poison || g->error.code)
		return;
	if (!gm_shape_equal(dy->shape, y->shape)) {
		gm_poison(g, "vjp", GM_ERR_SHAPE, "dy has shape %s, y has %s",
		          gm_shape_text(dy->shape), gm_shape_text(y->shape));
		return;
	}
	gm_node **at = calloc(count, sizeof *at), **cot = calloc(count, sizeof *cot);
	char *need = calloc(count, 1), *seen = calloc(count, 1);
	for (int b = 0; b < g->nbucket; b++)
		for (gm_node *x = g->bucket[b]; x; x = x->next)
			edges += x->nin + 1;
	gm_node **stack = malloc(edges * sizeof *stack);
	gm_node **dx = NULL;
	int ndx = 0;
	if (!at || !cot || !need || !seen || !stack) {
		gm_poison(g, "grad", GM_ERR_MEMORY, "no memory for the gradient of %d nodes",
		          count);
		goto out;
	}
	for (int b = 0; b < g->nbucket; b++)
		for (gm_node *x = g->bucket[b]; x; x = x->next)
			at[x->id] = x;
	for (int i = 0; i < n; i++)
		need[wrt[i]->id] = 1;
	mark(y, need, stack, seen);

	cot[y->id] = dy;
	for (int id = y->id; id >= 0; id--) {
		gm_node *x = at[id];
		if (!x || !cot[id] || !need[id] || !x->nin || !x->op->vjp)
			continue;
		bool any = false;
		for (int i = 0; i < x->nin; i++)
			any |= need[x->in[i]->id];
		if (!any)
			continue;
		if (x->nin > ndx) {
			free(dx);
			dx = malloc((ndx = x->nin) * sizeof *dx);
			if (!dx) {
				gm_poison(g, "grad", GM_ERR_MEMORY, "no memory for the gradient");
				goto out;
			}
		}
		memset(dx, 0, x->nin * sizeof *dx);
		const char *scope = g->scope;
		g->scope = x->scope; /* a gradient's message names the layer it belongs to */
		x->op->vjp(x, cot[id], dx);
		for (int i = 0; i < x->nin; i++) {
			gm_node *in = x->in[i];
			if (!dx[i] || !need[in->id] || gm_is_constant(dx[i], 0))
				continue;
			if (!dx[i]->poison && !gm_shape_equal(dx[i]->shape, in->shape))
				gm_poison(g, x->op->name, GM_ERR_STATE,
				          "the gradient of input %d has shape %s, the input has %s",
				          i, gm_shape_text(dx[i]->shape), gm_shape_text(in->shape));
			cot[in->id] = add_to(cot[in->id], dx[i]);
		}
		g->scope = scope;
	}
	for (int i = 0; i < n; i++)
		out[i] = cot[wrt[i]->id] ? cot[wrt[i]->id] : gm_full(g, 0, wrt[i]->shape);
out:
	free(at);
	free(cot);
	free(need);
	free(seen);
	free(stack);
	free(dx);
}

typedef struct pulling {
	gm_node *y, *dy, *const *wrt;
	int n;
	gm_node **out;
} pulling;

static void pull(void *ctx)
{
	const pulling *p = ctx;
	vjp(p->y, p->dy, p->wrt, p->n, p->out);
}

void gm_vjp(gm_node *y, gm_node *dy, gm_node *const *wrt, int n, gm_node **out)
{
	pulling p = {y, dy, wrt, n, out};
	if (!gm_graph_within(y->graph, pull, &p))
		for (int i = 0; i < n; i++)
			out[i] = y->graph->spare;
}

void gm_grad(gm_node *loss, gm_node *const *wrt, int n, gm_node **out)
{
	gm_node *one = loss->poison ? loss : gm_full(loss->graph, 1, loss->shape);
	gm_vjp(loss, one, wrt, n, out);
}
