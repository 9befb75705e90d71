/* SPDX-License-Identifier: MIT
 *
 * index.c -- rows of a table by number: embeddings, and their transpose.
 *
 * An index outside [0, rows) counts as the nearest row, in both directions, so that a step cannot
 * be made to read or write outside its memory by data.
 */
#include <string.h>

#include "ops/common.h"

static int64_t row_of(double index, int64_t rows)
{
	return index < 0 ? 0 : index >= (double)rows ? rows - 1 : (int64_t)index;
}

/* ---- gather ---------------------------------------------------------------------------------- */

static bool infer_gather(gm_node *y)
{
	gm_shape t = y->in[0]->shape, i = y->in[1]->shape;
	if (!gm_want_i32(y, 1, "index"))
		return false;
	if (t.rank < 1 || i.rank + t.rank - 1 > GM_MAX_RANK)
		return gm_node_fail(y, GM_ERR_SHAPE,
		                    "a table %s by an index %s: the result's rank is not in 0..%d",
		                    gm_shape_text(t), gm_shape_text(i), GM_MAX_RANK);
	y->shape = i;
	for (int a = 1; a < t.rank; a++)
		y->shape.dim[y->shape.rank++] = t.dim[a];
	return true;
}

static void eval_gather(const gm_node *y, const gm_eval *e)
{
	int64_t n = gm_shape_size(y->in[1]->shape), row = gm_shape_size(y->shape) / n;
	for (int64_t i = 0; i < n; i++)
		memcpy(e->y + i * row, e->x[0] + row_of(e->x[1][i], y->in[0]->shape.dim[0]) * row,
		       (size_t)row * sizeof *e->y);
}

static void vjp_gather(gm_node *y, gm_node *dy, gm_node *dx[])
{
	dx[0] = gm_scatter_add(dy, y->in[1], y->in[0]->shape.dim[0]);
}

/* Repeated rows, untouched rows, rows outside the table; index of every rank. */
static const struct {
	gm_shape table, index;
} cases[] = {
	{{2, {5, 7}}, {1, {11}}}, {{2, {3, 37}}, {2, {2, 5}}},       {{1, {9}}, {1, {4}}},
	{{4, {4, 2, 3, 5}}, {0}}, {{3, {6, 1, 16}}, {3, {2, 1, 3}}},
};
enum { NCASES = sizeof cases / sizeof *cases };

static gm_node *test_index(gm_graph *g, int i)
{
	return gm_sample_i32(g, cases[i].index, -2, (int)cases[i].table.dim[0] + 2);
}

static gm_node *sample_gather(gm_graph *g, int i)
{
	return i < NCASES ? gm_gather(gm_sample_real(g, cases[i].table, -1, 1), test_index(g, i))
	                  : NULL;
}

const gm_op gm_op_gather = {
	.name = "gather",
	.math = "y[i..,:] = table[index[i..],:]",
	.infer = infer_gather,
	.eval = eval_gather,
	.vjp = vjp_gather,
	.sample = sample_gather,
	.ulps = 0.5,
};

gm_node *gm_gather(gm_node *table, gm_node *index)
{
	return gm_node_new(table->graph, GM_OPID_gather, (gm_node *[]){table, index}, 2, NULL, 0);
}

/* ---- scatter_add ----------------------------------------------------------------------------- */

typedef struct scatter_attr {
	int64_t rows;
} scatter_attr;

static bool infer_scatter_add(gm_node *y)
{
	gm_shape x = y->in[0]->shape, i = y->in[1]->shape;
	if (!gm_want_real(y, 0, "x") || !gm_want_i32(y, 1, "index"))
		return false;
	bool fits = i.rank <= x.rank && x.rank - i.rank < GM_MAX_RANK;
	for (int a = 0; fits && a < i.rank; a++)
		fits = x.dim[a] == i.dim[a];
	if (!fits)
		return gm_node_fail(y, GM_ERR_SHAPE,
		                    "x %s does not begin with the index's shape %s",
		                    gm_shape_text(x), gm_shape_text(i));
	y->shape.dim[y->shape.rank++] = ((const scatter_attr *)y->attr)->rows;
	for (int a = i.rank; a < x.rank; a++)
		y->shape.dim[y->shape.rank++] = x.dim[a];
	return true;
}

static void eval_scatter_add(const gm_node *y, const gm_eval *e)
{
	int64_t rows = y->shape.dim[0], row = gm_shape_size(y->shape) / rows,
		n = gm_shape_size(y->in[1]->shape);
	memset(e->y, 0, (size_t)gm_shape_size(y->shape) * sizeof *e->y);
	for (int64_t i = 0; i < n; i++)
		for (int64_t k = 0; k < row; k++)
			e->y[row_of(e->x[1][i], rows) * row + k] += e->x[0][i * row + k];
}

static void vjp_scatter_add(gm_node *y, gm_node *dy, gm_node *dx[])
{
	dx[0] = gm_gather(dy, y->in[1]);
}

static gm_node *sample_scatter_add(gm_graph *g, int i)
{
	gm_node *y = sample_gather(g, i);
	return y ? gm_scatter_add(gm_sample_real(g, y->shape, -1, 1), y->in[1],
	                          cases[i].table.dim[0])
	         : NULL;
}

/* All may land in one row. */
static int64_t terms_scatter_add(const gm_node *y)
{
	return gm_shape_size(y->in[1]->shape);
}

const gm_op gm_op_scatter_add = {
	.name = "scatter_add",
	.math = "y[r,:] = sum of x[i..,:] over i.. with index[i..] = r",
	.infer = infer_scatter_add,
	.eval = eval_scatter_add,
	.vjp = vjp_scatter_add,
	.sample = sample_scatter_add,
	.terms = terms_scatter_add,
};

gm_node *gm_scatter_add(gm_node *x, gm_node *index, int64_t rows)
{
	scatter_attr a = {rows};
	return gm_node_new(x->graph, GM_OPID_scatter_add, (gm_node *[]){x, index}, 2, &a, sizeof a);
}

/* ---- one hot --------------------------------------------------------------------------------- */

/* A number outside [0, classes) gives a row of zeros. */
gm_node *gm_one_hot(gm_node *index, int64_t classes)
{
	gm_shape column = index->shape;
	if (index->poison)
		return index;
	if (index->dtype != GM_I32 || column.rank == GM_MAX_RANK)
		return gm_poison(index->graph, "one_hot", GM_ERR_SHAPE,
		                 "index %s must be i32 of rank %d or less", gm_shape_text(column),
		                 GM_MAX_RANK - 1);
	column.dim[column.rank++] = 1;
	return gm_equal(gm_reshape(index, column), gm_iota(index->graph, classes));
}
