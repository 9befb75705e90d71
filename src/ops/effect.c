/* SPDX-License-Identifier: MIT
 *
 * effect.c -- effects as nodes, and the choice between training and inference.
 */
#include "graph/internal.h"

/* assign(variable, value): executed after all reads of the variable. */
static bool infer_assign(gm_node *y)
{
	const gm_node *v = y->in[0], *x = y->in[1];
	if (v->opid != GM_OPID_variable)
		return gm_node_fail(y, GM_ERR_SHAPE, "only a variable can be assigned, not %s",
		                    v->op->name);
	if (!gm_shape_equal(v->shape, x->shape))
		return gm_node_fail(y, GM_ERR_SHAPE, "%s has shape %s, the value %s",
		                    gm_node_name(v), gm_shape_text(v->shape),
		                    gm_shape_text(x->shape));
	if (v->dtype != x->dtype)
		return gm_node_fail(y, GM_ERR_SHAPE, "%s and the value differ in type: cast it",
		                    gm_node_name(v));
	y->shape = v->shape;
	return true;
}

static bool infer_group(gm_node *y)
{
	for (int i = 0; i < y->nin; i++)
		if (!(y->in[i]->op->flags & GM_OP_EFFECT))
			return gm_node_fail(y, GM_ERR_SHAPE, "input %d is no effect but %s", i,
			                    y->in[i]->op->name);
	y->shape = GM_RANK0;
	return true;
}

static bool infer_after(gm_node *y)
{
	if (!(y->in[1]->op->flags & GM_OP_EFFECT))
		return gm_node_fail(y, GM_ERR_SHAPE, "the second input is no effect but %s",
		                    y->in[1]->op->name);
	y->shape = y->in[0]->shape;
	y->dtype = y->in[0]->dtype;
	return true;
}

static void vjp_after(gm_node *y, gm_node *dy, gm_node *dx[])
{
	(void)y;
	dx[0] = dy;
}

static bool infer_by_mode(gm_node *y)
{
	const gm_node *a = y->in[0], *b = y->in[1];
	if (!gm_shape_equal(a->shape, b->shape) || a->dtype != b->dtype)
		return gm_node_fail(y, GM_ERR_SHAPE,
		                    "training gives %s, inference %s: they must agree",
		                    gm_shape_text(a->shape), gm_shape_text(b->shape));
	y->shape = a->shape;
	y->dtype = a->dtype;
	return true;
}

/* Each side has its own gradient: whichever mode a gradient is compiled in, the other side's is the
 * constant zero. */
static void vjp_by_mode(gm_node *y, gm_node *dy, gm_node *dx[])
{
	gm_node *zero = gm_full(y->graph, 0, y->shape);
	dx[0] = gm_by_mode(dy, zero);
	dx[1] = gm_by_mode(zero, dy);
}

const gm_op gm_op_assign = {.name = "assign",
                            .math = "variable <- value, at the end of the run",
                            .flags = GM_OP_EFFECT,
                            .infer = infer_assign};
const gm_op gm_op_group = {.name = "group",
                           .math = "all of these effects",
                           .flags = GM_OP_EFFECT,
                           .infer = infer_group};
const gm_op gm_op_after = {.name = "after",
                           .math = "y = x, and the effect happens",
                           .infer = infer_after,
                           .vjp = vjp_after};
const gm_op gm_op_by_mode = {.name = "by_mode",
                             .math = "y = training ? a : b",
                             .infer = infer_by_mode,
                             .vjp = vjp_by_mode};

gm_node *gm_assign(gm_node *variable, gm_node *value)
{
	return gm_node_new(variable->graph, GM_OPID_assign, (gm_node *[]){variable, value}, 2, NULL,
	                   0);
}

gm_node *gm_group(gm_graph *g, gm_node *const *effects, int n)
{
	return gm_node_new(g, GM_OPID_group, effects, n, NULL, 0);
}

gm_node *gm_after(gm_node *y, gm_node *effect)
{
	return gm_node_new(y->graph, GM_OPID_after, (gm_node *[]){y, effect}, 2, NULL, 0);
}

gm_node *gm_by_mode(gm_node *train, gm_node *infer)
{
	if (train == infer)
		return train;
	return gm_node_new(train->graph, GM_OPID_by_mode, (gm_node *[]){train, infer}, 2, NULL, 0);
}
