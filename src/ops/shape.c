/* SPDX-License-Identifier: MIT
 *
 * shape.c -- the same numbers in another shape, order or frame.
 *
 * All of these are linear and come in transposed pairs: reshape with reshape, permute with permute,
 * broadcast with sum, slice with embed. Only what is exactly x is simplified to x when it is built;
 * a reshape of a reshape stays two nodes, for someone may ask for the gradient at the one in the
 * middle.
 */
#include <string.h>

#include "ops/common.h"
#include "ops/shape.h"

/* Attributes are compared bytewise: padding and unused sizes must be zero. */
static void set_shape(gm_shape *to, gm_shape s)
{
	memset(to, 0, sizeof *to);
	to->rank = s.rank;
	memcpy(to->dim, s.dim, (size_t)s.rank * sizeof *s.dim);
}

static gm_node *with_shape(int opid, gm_node *x, gm_shape shape)
{
	gm_shape a;
	set_shape(&a, shape);
	return gm_node_new(x->graph, opid, &x, 1, &a, sizeof a);
}

static bool rank_fine(gm_shape s)
{
	return s.rank >= 0 && s.rank <= GM_MAX_RANK;
}

static void eval_copy(const gm_node *y, const gm_eval *e)
{
	memcpy(e->y, e->x[0], (size_t)gm_shape_size(y->shape) * sizeof *e->y);
}

/* Pictures, rows, long and odd sizes, a scalar. */
static const gm_shape test_shape[] = {
	{4, {2, 3, 5, 7}},       {1, {37}},          {2, {9, 130}}, {3, {16, 1, 6}},
	{6, {2, 3, 1, 2, 4, 3}}, {4, {1, 16, 8, 8}},
};
enum { NTEST = sizeof test_shape / sizeof *test_shape };

static gm_node *test_leaf(gm_graph *g, int i)
{
	return gm_sample_real(g, test_shape[i], -1, 1);
}

/* ---- reshape --------------------------------------------------------------------------------- */

static bool infer_reshape(gm_node *y)
{
	memcpy(&y->shape, y->attr, sizeof y->shape);
	gm_shape x = y->in[0]->shape;
	return gm_shape_size(x) == gm_shape_size(y->shape) ||
	       gm_node_fail(y, GM_ERR_SHAPE, "x %s has %lld elements, %s has %lld",
	                    gm_shape_text(x), (long long)gm_shape_size(x), gm_shape_text(y->shape),
	                    (long long)gm_shape_size(y->shape));
}

static void vjp_reshape(gm_node *y, gm_node *dy, gm_node *dx[])
{
	dx[0] = gm_reshape(dy, y->in[0]->shape);
}

static gm_node *sample_reshape(gm_graph *g, int i)
{
	static const gm_shape to[NTEST] = {
		{2, {6, 35}}, {2, {37, 1}},     {3, {9, 10, 13}},
		{1, {-1}},    {3, {36, -1, 2}}, {2, {1, 1024}},
	};
	return i < NTEST ? gm_reshape(test_leaf(g, i), to[i]) : NULL;
}

/* Every axis of y must fall inside one run of x's axes that is evenly spaced in memory. */
static bool view_reshape(const gm_node *y, const int64_t *xs, int64_t *ys, int64_t *offset)
{
	const gm_shape x = y->in[0]->shape;
	int64_t dim[GM_MAX_RANK] = {1}, st[GM_MAX_RANK] = {0};
	int runs = 0, at = 0;
	(void)offset;
	for (int a = 0; a < x.rank; a++) {
		if (x.dim[a] == 1)
			continue;
		if (runs && st[runs - 1] == xs[a] * x.dim[a]) {
			dim[runs - 1] *= x.dim[a];
			st[runs - 1] = xs[a];
		} else {
			dim[runs] = x.dim[a];
			st[runs++] = xs[a];
		}
	}
	int64_t left = dim[0];
	for (int a = 0; a < y->shape.rank; a++) {
		if (y->shape.dim[a] == 1)
			continue;
		if (left == 1)
			left = dim[++at];
		if (left % y->shape.dim[a])
			return false;
		left /= y->shape.dim[a];
		ys[a] = st[at] * left;
	}
	return true;
}

const gm_op gm_op_reshape = {
	.name = "reshape",
	.math = "y = x, row-major order kept",
	.flags = GM_OP_VIEW | GM_OP_ZERO_IN,
	.infer = infer_reshape,
	.eval = eval_copy,
	.vjp = vjp_reshape,
	.view = view_reshape,
	.sample = sample_reshape,
	.ulps = 0.5,
};

gm_node *gm_reshape(gm_node *x, gm_shape shape)
{
	if (x->poison)
		return x;
	if (!rank_fine(shape))
		return gm_poison(x->graph, "reshape", GM_ERR_SHAPE, "rank %d is not in 0..%d",
		                 shape.rank, GM_MAX_RANK);
	int open = -1;
	int64_t n = gm_shape_size(x->shape), known = 1;
	for (int a = 0; a < shape.rank; a++) {
		if (shape.dim[a] == -1 && open < 0) {
			open = a;
			continue;
		}
		/* Both checks keep the product below n, so that it cannot overflow. */
		if (shape.dim[a] < 1 || shape.dim[a] > n / known)
			return gm_poison(x->graph, "reshape", GM_ERR_SHAPE,
			                 "x %s has %lld elements, not the shape %s",
			                 gm_shape_text(x->shape), (long long)n,
			                 gm_shape_text(shape));
		known *= shape.dim[a];
	}
	if (open >= 0 && n % known)
		return gm_poison(x->graph, "reshape", GM_ERR_SHAPE,
		                 "x %s has %lld elements, no size fits -1 in %s",
		                 gm_shape_text(x->shape), (long long)n, gm_shape_text(shape));
	if (open >= 0)
		shape.dim[open] = n / known;
	return gm_shape_equal(shape, x->shape) ? x : with_shape(GM_OPID_reshape, x, shape);
}

/* ---- permute --------------------------------------------------------------------------------- */

static bool infer_permute(gm_node *y)
{
	const int *order = ((const gm_permute_attr *)y->attr)->order;
	gm_shape x = y->in[0]->shape;
	unsigned seen = 0;
	y->shape.rank = x.rank;
	for (int a = 0; a < x.rank; a++) {
		if (order[a] < 0 || order[a] >= x.rank || seen >> order[a] & 1)
			return gm_node_fail(y, GM_ERR_SHAPE,
			                    "the order is no permutation of the %d axes of x %s",
			                    x.rank, gm_shape_text(x));
		seen |= 1u << order[a];
		y->shape.dim[a] = x.dim[order[a]];
	}
	return true;
}

static void eval_permute(const gm_node *y, const gm_eval *e)
{
	const int *order = ((const gm_permute_attr *)y->attr)->order;
	int64_t from[GM_MAX_RANK], stride[GM_MAX_RANK];
	gm_shape_strides(y->in[0]->shape, from);
	for (int a = 0; a < y->shape.rank; a++)
		stride[a] = from[order[a]];
	for (int64_t i = 0, n = gm_shape_size(y->shape); i < n; i++)
		e->y[i] = e->x[0][gm_offset(y->shape, stride, i)];
}

static void vjp_permute(gm_node *y, gm_node *dy, gm_node *dx[])
{
	const int *order = ((const gm_permute_attr *)y->attr)->order;
	int back[GM_MAX_RANK];
	for (int a = 0; a < y->shape.rank; a++)
		back[order[a]] = a;
	dx[0] = gm_permute(dy, back);
}

static gm_node *sample_permute(gm_graph *g, int i)
{
	static const int order[][GM_MAX_RANK] = {
		{0, 2, 3, 1},       {0},          {1, 0},       {2, 0, 1},
		{5, 0, 3, 2, 4, 1}, {3, 2, 1, 0}, {1, 0, 2, 3},
	};
	static const int shape[] = {0, 0, 2, 3, 4, 5, 0};
	if (i ==
	    1) /* a vector has no order to test: swap the outer axes of a large picture instead */
		return gm_permute(gm_sample_real(g, (gm_shape){4, {3, 5, 17, 4}}, -1, 1),
		                  (int[]){1, 0, 2, 3});
	return i < 7 ? gm_permute(test_leaf(g, shape[i]), order[i]) : NULL;
}

static bool view_permute(const gm_node *y, const int64_t *xs, int64_t *ys, int64_t *offset)
{
	(void)offset;
	for (int a = 0; a < y->shape.rank; a++)
		ys[a] = xs[((const gm_permute_attr *)y->attr)->order[a]];
	return true;
}

const gm_op gm_op_permute = {
	.name = "permute",
	.math = "y[i0,i1,..] = x[j0,j1,..] with j[order[a]] = i[a]",
	.flags = GM_OP_VIEW | GM_OP_ZERO_IN,
	.infer = infer_permute,
	.eval = eval_permute,
	.vjp = vjp_permute,
	.view = view_permute,
	.sample = sample_permute,
	.ulps = 0.5,
};

gm_node *gm_permute(gm_node *x, const int *order)
{
	gm_permute_attr a = {{0}};
	bool moves = false;
	for (int k = 0; k < x->shape.rank; k++) {
		a.order[k] = order[k];
		moves |= order[k] != k;
	}
	return moves ? gm_node_new(x->graph, GM_OPID_permute, &x, 1, &a, sizeof a) : x;
}

gm_node *gm_transpose(gm_node *x)
{
	int r = x->shape.rank, order[GM_MAX_RANK] = {0, 1, 2, 3, 4, 5};
	if (x->poison)
		return x;
	if (r < 2)
		return gm_poison(x->graph, "transpose", GM_ERR_SHAPE,
		                 "x %s has no two axes to swap", gm_shape_text(x->shape));
	order[r - 2] = r - 1;
	order[r - 1] = r - 2;
	return gm_permute(x, order);
}

/* ---- broadcast ------------------------------------------------------------------------------- */

static bool infer_broadcast(gm_node *y)
{
	gm_shape wide;
	memcpy(&y->shape, y->attr, sizeof y->shape);
	return (gm_shape_broadcast(y->in[0]->shape, y->shape, &wide) &&
	        gm_shape_equal(wide, y->shape)) ||
	       gm_node_fail(y, GM_ERR_SHAPE, "x %s does not stretch to %s",
	                    gm_shape_text(y->in[0]->shape), gm_shape_text(y->shape));
}

static void eval_broadcast(const gm_node *y, const gm_eval *e)
{
	int64_t stride[GM_MAX_RANK];
	gm_shape_strides_to(y->in[0]->shape, y->shape, stride);
	for (int64_t i = 0, n = gm_shape_size(y->shape); i < n; i++)
		e->y[i] = e->x[0][gm_offset(y->shape, stride, i)];
}

static void vjp_broadcast(gm_node *y, gm_node *dy, gm_node *dx[])
{
	dx[0] = gm_sum_to(dy, y->in[0]->shape);
}

static gm_node *sample_broadcast(gm_graph *g, int i)
{
	static const gm_shape from[] = {
		{3, {3, 1, 1}}, {1, {37}},          {2, {9, 1}}, {4, {1, 3, 1, 5}}, {0},
		{1, {1}},       {4, {1, 16, 1, 1}},
	};
	static const gm_shape to[] = {
		{4, {2, 3, 4, 5}}, {2, {5, 37}},   {2, {9, 130}},      {4, {2, 3, 7, 5}},
		{2, {3, 11}},      {3, {2, 1, 3}}, {4, {2, 16, 3, 5}},
	};
	return i < 7 ? gm_broadcast(gm_sample_real(g, from[i], -1, 1), to[i]) : NULL;
}

static bool view_broadcast(const gm_node *y, const int64_t *xs, int64_t *ys, int64_t *offset)
{
	const gm_shape x = y->in[0]->shape;
	(void)offset;
	for (int a = 0; a < x.rank; a++)
		if (x.dim[a] != 1)
			ys[y->shape.rank - x.rank + a] = xs[a];
	return true;
}

const gm_op gm_op_broadcast = {
	.name = "broadcast",
	.math = "y[i] = x[i], axes of size 1 read at 0",
	.flags = GM_OP_VIEW | GM_OP_ZERO_IN,
	.infer = infer_broadcast,
	.eval = eval_broadcast,
	.vjp = vjp_broadcast,
	.view = view_broadcast,
	.sample = sample_broadcast,
	.ulps = 0.5,
};

gm_node *gm_broadcast(gm_node *x, gm_shape shape)
{
	if (x->poison)
		return x;
	if (!rank_fine(shape))
		return gm_poison(x->graph, "broadcast", GM_ERR_SHAPE, "rank %d is not in 0..%d",
		                 shape.rank, GM_MAX_RANK);
	return gm_shape_equal(shape, x->shape) ? x : with_shape(GM_OPID_broadcast, x, shape);
}

/* ---- slice ----------------------------------------------------------------------------------- */

static bool check_grid(gm_node *y, const gm_grid_attr *a, gm_shape grid, gm_shape frame)
{
	if (grid.rank != frame.rank)
		return gm_node_fail(y, GM_ERR_SHAPE, "x %s and the result %s differ in rank",
		                    gm_shape_text(y->in[0]->shape), gm_shape_text(y->shape));
	for (int k = 0; k < grid.rank; k++) {
		int64_t room = frame.dim[k] - 1 - a->start[k];
		if (a->start[k] < 0 || a->step[k] < 1 || grid.dim[k] < 1 || room < 0 ||
		    (grid.dim[k] - 1) > room / a->step[k])
			return gm_node_fail(
				y, GM_ERR_SHAPE,
				"axis %d: %lld elements from %lld by steps of %lld leave %s", k,
				(long long)grid.dim[k], (long long)a->start[k],
				(long long)a->step[k], gm_shape_text(frame));
	}
	return true;
}

static void grid_result(gm_node *y)
{
	const gm_grid_attr *a = y->attr;
	y->shape.rank = (int)a->rank;
	memcpy(y->shape.dim, a->size, sizeof y->shape.dim);
}

/* Position of the grid's i-th point in the frame. */
static int64_t in_frame(const gm_grid_attr *a, gm_shape grid, gm_shape frame, int64_t i)
{
	int64_t stride[GM_MAX_RANK], at = 0;
	gm_shape_strides(frame, stride);
	for (int k = 0; k < grid.rank; k++) {
		at += a->start[k] * stride[k];
		stride[k] *= a->step[k];
	}
	return at + gm_offset(grid, stride, i);
}

static gm_node *on_grid(int opid, gm_node *x, int rank, const int64_t *size, const int64_t *start,
                        const int64_t *step)
{
	gm_grid_attr a = {.rank = rank};
	bool same = rank == x->shape.rank;
	for (int k = 0; k < rank; k++) {
		a.size[k] = size[k];
		a.start[k] = start[k];
		a.step[k] = step ? step[k] : 1;
		same = same && start[k] == 0 && a.step[k] == 1 && size[k] == x->shape.dim[k];
	}
	return same ? x : gm_node_new(x->graph, opid, &x, 1, &a, sizeof a);
}

static bool infer_slice(gm_node *y)
{
	grid_result(y);
	return check_grid(y, y->attr, y->shape, y->in[0]->shape);
}

static void eval_slice(const gm_node *y, const gm_eval *e)
{
	for (int64_t i = 0, n = gm_shape_size(y->shape); i < n; i++)
		e->y[i] = e->x[0][in_frame(y->attr, y->shape, y->in[0]->shape, i)];
}

static void vjp_slice(gm_node *y, gm_node *dy, gm_node *dx[])
{
	const gm_grid_attr *a = y->attr;
	dx[0] = gm_embed(dy, y->in[0]->shape, a->start, a->step);
}

static const struct {
	gm_shape frame;
	int64_t start[GM_MAX_RANK], size[GM_MAX_RANK], step[GM_MAX_RANK];
} grids[] = {
	{{4, {2, 3, 5, 7}}, {0, 1, 0, 2}, {2, 2, 5, 3}, {1, 1, 1, 2}},
	{{1, {37}}, {5}, {11}, {3}},
	{{2, {9, 130}}, {0, 13}, {9, 100}, {1, 1}},
	{{2, {9, 6}}, {4, 0}, {3, 6}, {2, 1}},
	{{3, {4, 5, 6}}, {3, 4, 5}, {1, 1, 1}, {1, 1, 1}},
	{{4, {2, 3, 8, 8}}, {0, 0, 1, 1}, {2, 3, 4, 4}, {1, 1, 2, 2}},
};
enum { NGRIDS = sizeof grids / sizeof *grids };

static gm_node *sample_slice(gm_graph *g, int i)
{
	if (i >= NGRIDS)
		return NULL;
	return gm_slice(gm_sample_real(g, grids[i].frame, -1, 1), grids[i].start, grids[i].size,
	                grids[i].step);
}

static bool view_slice(const gm_node *y, const int64_t *xs, int64_t *ys, int64_t *offset)
{
	const gm_grid_attr *t = y->attr;
	for (int a = 0; a < y->shape.rank; a++) {
		ys[a] = t->step[a] * xs[a];
		*offset += t->start[a] * xs[a];
	}
	return true;
}

const gm_op gm_op_slice = {
	.name = "slice",
	.math = "y[i] = x[start + i step]",
	.flags = GM_OP_VIEW | GM_OP_ZERO_IN,
	.infer = infer_slice,
	.eval = eval_slice,
	.vjp = vjp_slice,
	.view = view_slice,
	.sample = sample_slice,
	.ulps = 0.5,
};

gm_node *gm_slice(gm_node *x, const int64_t *start, const int64_t *size, const int64_t *step)
{
	return on_grid(GM_OPID_slice, x, x->shape.rank, size, start, step);
}

gm_node *gm_narrow(gm_node *x, int axis, int64_t start, int64_t size)
{
	int64_t from[GM_MAX_RANK] = {0};
	gm_shape s = x->shape;
	int a = gm_axis(axis, s.rank);
	if (x->poison)
		return x;
	if (a < 0)
		return gm_poison(x->graph, "narrow", GM_ERR_SHAPE,
		                 "axis %d is out of range for x %s", axis, gm_shape_text(s));
	from[a] = start;
	s.dim[a] = size;
	return gm_slice(x, from, s.dim, NULL);
}

/* ---- embed ----------------------------------------------------------------------------------- */

static bool infer_embed(gm_node *y)
{
	grid_result(y);
	return gm_want_real(y, 0, "x") && check_grid(y, y->attr, y->in[0]->shape, y->shape);
}

static void eval_embed(const gm_node *y, const gm_eval *e)
{
	gm_shape grid = y->in[0]->shape;
	memset(e->y, 0, (size_t)gm_shape_size(y->shape) * sizeof *e->y);
	for (int64_t i = 0, n = gm_shape_size(grid); i < n; i++)
		e->y[in_frame(y->attr, grid, y->shape, i)] = e->x[0][i];
}

static void vjp_embed(gm_node *y, gm_node *dy, gm_node *dx[])
{
	const gm_grid_attr *a = y->attr;
	dx[0] = gm_slice(dy, a->start, y->in[0]->shape.dim, a->step);
}

static gm_node *sample_embed(gm_graph *g, int i)
{
	if (i >= NGRIDS)
		return NULL;
	gm_shape s = grids[i].frame;
	memcpy(s.dim, grids[i].size, sizeof s.dim);
	return gm_embed(gm_sample_real(g, s, -1, 1), grids[i].frame, grids[i].start, grids[i].step);
}

const gm_op gm_op_embed = {
	.name = "embed",
	.math = "y[start + i step] = x[i], 0 elsewhere",
	.flags = GM_OP_ZERO_IN,
	.infer = infer_embed,
	.eval = eval_embed,
	.vjp = vjp_embed,
	.sample = sample_embed,
	.ulps = 0.5,
};

gm_node *gm_embed(gm_node *x, gm_shape shape, const int64_t *start, const int64_t *step)
{
	if (x->poison)
		return x;
	if (shape.rank != x->shape.rank)
		return gm_poison(x->graph, "embed", GM_ERR_SHAPE,
		                 "x %s and the frame %s differ in rank", gm_shape_text(x->shape),
		                 gm_shape_text(shape));
	return on_grid(GM_OPID_embed, x, shape.rank, shape.dim, start, step);
}

gm_node *gm_pad_zero(gm_node *x, const int64_t *before, const int64_t *after)
{
	gm_shape s = x->shape;
	for (int a = 0; a < s.rank; a++)
		s.dim[a] += before[a] + after[a];
	return gm_embed(x, s, before, NULL);
}

/* ---- concat ---------------------------------------------------------------------------------- */

static bool infer_concat(gm_node *y)
{
	int axis = ((const gm_concat_attr *)y->attr)->axis;
	y->shape = y->in[0]->shape;
	for (int k = 1; k < y->nin; k++) {
		const gm_node *x = y->in[k];
		gm_shape s = x->shape;
		bool fits = s.rank == y->shape.rank;
		for (int a = 0; fits && a < s.rank; a++)
			fits = a == axis || s.dim[a] == y->shape.dim[a];
		if (!fits)
			return gm_node_fail(
				y, GM_ERR_SHAPE,
				"input %d is %s, input 0 is %s: only axis %d may differ", k,
				gm_shape_text(s), gm_shape_text(y->in[0]->shape), axis);
		if (x->dtype != y->dtype)
			return gm_node_fail(y, GM_ERR_SHAPE,
			                    "inputs 0 and %d differ in type (gm_cast converts)", k);
		y->shape.dim[axis] += s.dim[axis];
	}
	return true;
}

/* Seen from the axis, a tensor is `outer` rows; each input fills its part of every row. */
static void eval_concat(const gm_node *y, const gm_eval *e)
{
	int axis = ((const gm_concat_attr *)y->attr)->axis;
	int64_t outer = 1, at = 0;
	for (int a = 0; a < axis; a++)
		outer *= y->shape.dim[a];
	for (int64_t row = 0; row < outer; row++)
		for (int k = 0; k < y->nin; k++) {
			int64_t n = gm_shape_size(y->in[k]->shape) / outer;
			memcpy(e->y + at, e->x[k] + row * n, (size_t)n * sizeof *e->y);
			at += n;
		}
}

static void vjp_concat(gm_node *y, gm_node *dy, gm_node *dx[])
{
	int axis = ((const gm_concat_attr *)y->attr)->axis;
	int64_t at = 0;
	for (int k = 0; k < y->nin; k++) {
		int64_t n = y->in[k]->shape.dim[axis];
		dx[k] = gm_narrow(dy, axis, at, n);
		at += n;
	}
}

static gm_node *sample_concat(gm_graph *g, int i)
{
#define LEAF(...) gm_sample_real(g, GM_SHAPE(__VA_ARGS__), -1, 1)
	switch (i) {
	case 0:
		return GM_CONCAT(1, LEAF(2, 3, 4, 5), LEAF(2, 1, 4, 5), LEAF(2, 7, 4, 5));
	case 1:
		return GM_CONCAT(0, LEAF(37), LEAF(5));
	case 2:
		return GM_CONCAT(-1, LEAF(3, 130), LEAF(3, 1), LEAF(3, 16), LEAF(3, 9), LEAF(3, 2));
	case 3:
		return GM_CONCAT(0, LEAF(2, 5), LEAF(3, 5));
	case 4: {
		gm_node *x = LEAF(2, 3, 4);
		return GM_CONCAT(2, x, LEAF(2, 3, 2), x); /* one input twice: its gradients add */
	}
	}
	return NULL;
#undef LEAF
}

const gm_op gm_op_concat = {
	.name = "concat",
	.math = "y = x0, x1, ... one after the other along the axis",
	.infer = infer_concat,
	.eval = eval_concat,
	.vjp = vjp_concat,
	.sample = sample_concat,
	.ulps = 0.5,
};

gm_node *gm_concat(gm_node *const *x, int n, int axis)
{
	for (int k = 0; k < n; k++)
		if (x[k]->poison)
			return x[k];
	gm_concat_attr a = {gm_axis(axis, x[0]->shape.rank)};
	if (a.axis < 0)
		return gm_poison(x[0]->graph, "concat", GM_ERR_SHAPE,
		                 "axis %d is out of range for %s", axis,
		                 gm_shape_text(x[0]->shape));
	return n == 1 ? x[0] : gm_node_new(x[0]->graph, GM_OPID_concat, x, n, &a, sizeof a);
}

/* ---- pixel shuffle --------------------------------------------------------------------------- */

/* Shi et al., "Real-time single image and video super-resolution using an efficient sub-pixel CNN",
 * CVPR 2016, eq. 4: channel c r^2 + i r + j of pixel (h, w) becomes channel c of pixel (h r + i, w
 * r + j). */
gm_node *gm_pixel_shuffle(gm_node *x, int r)
{
	const int64_t *d = x->shape.dim;
	if (x->poison)
		return x;
	if (x->shape.rank != 4 || r < 1 || d[1] % ((int64_t)r * r))
		return gm_poison(x->graph, "pixel_shuffle", GM_ERR_SHAPE,
		                 "x %s has no [N,C*%d*%d,H,W]", gm_shape_text(x->shape), r, r);
	gm_node *t = gm_reshape(x, GM_SHAPE(d[0], d[1] / r / r, r, r, d[2], d[3]));
	return gm_reshape(gm_permute(t, (int[]){0, 1, 4, 2, 5, 3}),
	                  GM_SHAPE(d[0], d[1] / r / r, d[2] * r, d[3] * r));
}

gm_node *gm_pixel_unshuffle(gm_node *x, int r)
{
	const int64_t *d = x->shape.dim;
	if (x->poison)
		return x;
	if (x->shape.rank != 4 || r < 1 || d[2] % r || d[3] % r)
		return gm_poison(x->graph, "pixel_unshuffle", GM_ERR_SHAPE,
		                 "x %s has no [N,C,H*%d,W*%d]", gm_shape_text(x->shape), r, r);
	gm_node *t = gm_reshape(x, GM_SHAPE(d[0], d[1], d[2] / r, r, d[3] / r, r));
	return gm_reshape(gm_permute(t, (int[]){0, 1, 3, 5, 2, 4}),
	                  GM_SHAPE(d[0], d[1] * r * r, d[2] / r, d[3] / r));
}
