/* SPDX-License-Identifier: MIT
 *
 * leaf.c -- what an expression starts from: variables, inputs, constants. Their values are storage,
 * not instructions.
 */
#include <stdio.h>
#include <string.h>

#include "graph/internal.h"

static bool infer_storage(gm_node *y)
{
	y->shape = gm_node_storage(y)->shape;
	y->dtype = gm_node_storage(y)->dtype;
	return true;
}

static bool infer_constant(gm_node *y)
{
	const gm_constant_attr *a = y->attr;
	y->shape = a->shape;
	y->dtype = a->dtype;
	return true;
}

static void eval_constant(const gm_node *y, const gm_eval *e)
{
	const gm_constant_attr *a = y->attr;
	int64_t n = gm_shape_size(y->shape);
	for (int64_t i = 0; i < n; i++)
		e->y[i] = a->value;
}

/* The values follow the head, so that equal arrays are one node. */
typedef struct array_attr {
	gm_shape shape;
	gm_dtype dtype;
	int zero;
	double value[];
} array_attr;

static bool infer_array(gm_node *y)
{
	const array_attr *a = y->attr;
	y->shape = a->shape;
	y->dtype = a->dtype;
	return true;
}

static void eval_array(const gm_node *y, const gm_eval *e)
{
	const array_attr *a = y->attr;
	memcpy(e->y, a->value, gm_shape_size(y->shape) * sizeof *e->y);
}

static bool infer_iota(gm_node *y)
{
	int64_t n;
	memcpy(&n, y->attr, sizeof n);
	y->shape = GM_SHAPE(n);
	y->dtype = GM_I32;
	return n <= INT32_MAX ||
	       gm_node_fail(y, GM_ERR_SHAPE, "%lld does not fit in 32 bits", (long long)n);
}

static void eval_iota(const gm_node *y, const gm_eval *e)
{
	for (int64_t i = 0; i < y->shape.dim[0]; i++)
		e->y[i] = i;
}

static gm_node *sample_constant(gm_graph *g, int i)
{
	static const gm_shape shapes[] = {{0}, {1, {37}}, {4, {2, 3, 1, 5}}};
	return i < 3 ? gm_full(g, .5 * i - 2, shapes[i]) : NULL;
}

static gm_node *sample_array(gm_graph *g, int i)
{
	static const double v[6] = {1, -2, 3.5, 0, 1e3, 7};
	return i == 0   ? gm_array(g, v, GM_SHAPE(2, 3), gm_graph_real(g))
	       : i == 1 ? gm_array(g, v, GM_SHAPE(6), GM_I32)
	                : NULL;
}

static gm_node *sample_iota(gm_graph *g, int i)
{
	return i < 2 ? gm_iota(g, i ? 37 : 1) : NULL;
}

const gm_op gm_op_poison = {
	.name = "poison", .math = "an expression that failed", .flags = GM_OP_LEAF};
const gm_op gm_op_variable = {.name = "variable",
                              .math = "y = its value before this run",
                              .flags = GM_OP_LEAF,
                              .infer = infer_storage};
const gm_op gm_op_input = {.name = "input",
                           .math = "y = what was set before this run",
                           .flags = GM_OP_LEAF,
                           .infer = infer_storage};
const gm_op gm_op_constant = {.name = "constant",
                              .math = "y[..] = c",
                              .flags = GM_OP_LEAF,
                              .infer = infer_constant,
                              .eval = eval_constant,
                              .sample = sample_constant};
const gm_op gm_op_array = {.name = "array",
                           .math = "y[..] = given values",
                           .flags = GM_OP_LEAF,
                           .infer = infer_array,
                           .eval = eval_array,
                           .sample = sample_array};
const gm_op gm_op_iota = {.name = "iota",
                          .math = "y[i] = i",
                          .flags = GM_OP_LEAF,
                          .infer = infer_iota,
                          .eval = eval_iota,
                          .sample = sample_iota};

gm_node *gm_full(gm_graph *g, double value, gm_shape shape)
{
	gm_constant_attr a;
	memset(&a, 0, sizeof a);
	a.value = value == 0 ? 0 : value; /* -0 would be another node */
	a.shape.rank = shape.rank;
	for (int i = 0; i < shape.rank;
	     i++) /* what lies past the rank must not tell equal shapes apart */
		a.shape.dim[i] = shape.dim[i];
	a.dtype = gm_graph_real(g);
	return gm_node_new(g, GM_OPID_constant, NULL, 0, &a, sizeof a);
}

gm_node *gm_scalar(gm_graph *g, double value)
{
	return gm_full(g, value, GM_RANK0);
}

gm_node *gm_array(gm_graph *g, const double *values, gm_shape shape, gm_dtype dtype)
{
	for (int i = 0; i < shape.rank; i++)
		if (shape.dim[i] <= 0)
			return gm_poison(g, "array", GM_ERR_SHAPE, "shape %s has an empty axis",
			                 gm_shape_text(shape));
	size_t n = gm_shape_size(shape), bytes = sizeof(array_attr) + n * sizeof(double);
	array_attr *a = gm_arena_try(gm_graph_arena(g), bytes);
	if (!a)
		return gm_graph_no_memory(g);
	a->shape.rank = shape.rank;
	memcpy(a->shape.dim, shape.dim, shape.rank * sizeof *shape.dim);
	a->dtype = dtype;
	for (size_t i = 0; i < n; i++)
		a->value[i] = dtype == GM_I32 ? (int32_t)values[i] : values[i];
	return gm_node_new(g, GM_OPID_array, NULL, 0, a, bytes);
}

gm_node *gm_iota(gm_graph *g, int64_t n)
{
	return gm_node_new(g, GM_OPID_iota, NULL, 0, &n, sizeof n);
}
