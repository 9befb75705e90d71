/* SPDX-License-Identifier: MIT
 *
 * pool.c -- maxima and averages over windows of a picture.
 *
 * max_pool, max_pool_dx and max_pool_pick are closed under differentiation. Let P(x) be the 0/1
 * matrix that picks each window's first maximum: max_pool(x) = P(x) x, max_pool_dx(x, dy) = P(x)^T
 * dy, max_pool_pick(x, g) = P(x) g. P is constant almost everywhere, so no gradient goes to x in
 * the last two. avg_pool is linear, and avg_pool_dx its transpose.
 */
#include "ops/common.h"
#include "ops/pool.h"
#include <string.h>

static bool check_windows(gm_node *y, const gm_pool_attr *a)
{
	static const char *const axis_name[] = {"height", "width"};
	for (int k = 0; k < 2; k++) {
		const char *name = axis_name[k];
		int before = a->pad[k], after = a->pad[k + 2];
		if (a->kernel[k] < 1 || a->stride[k] < 1 || before < 0 || after < 0)
			return gm_node_fail(y, GM_ERR_VALUE,
			                    "%s: kernel %d, stride %d, padding %d and %d", name,
			                    a->kernel[k], a->stride[k], before, after);
		if (a->size[k] + before + after < a->kernel[k])
			return gm_node_fail(
				y, GM_ERR_SHAPE,
				"%s %lld with padding %d and %d is less than the kernel %d", name,
				(long long)a->size[k], before, after, a->kernel[k]);
		int64_t last = (gm_pool_windows(a, k) - 1) * a->stride[k] - before;
		if (before >= a->kernel[k] || last >= a->size[k])
			return gm_node_fail(
				y, GM_ERR_VALUE,
				"%s %lld: a window of %d lies wholly in the padding of %d and %d",
				name, (long long)a->size[k], a->kernel[k], before, after);
	}
	return true;
}

/* The shape of the picture (windows false) or of its windows (true) with k's batch and channels. */
static gm_shape shape_like(const gm_node *k, const gm_pool_attr *a, bool windows)
{
	return GM_SHAPE(k->shape.dim[0], k->shape.dim[1],
	                windows ? gm_pool_windows(a, 0) : a->size[0],
	                windows ? gm_pool_windows(a, 1) : a->size[1]);
}

/* Input k must be the picture or the map of windows. */
static bool want(gm_node *y, int k, const char *what, bool windows)
{
	gm_shape s = shape_like(y->in[0], y->attr, windows);
	if (!gm_want_real(y, k, what))
		return false;
	return gm_shape_equal(y->in[k]->shape, s) ||
	       gm_node_fail(y, GM_ERR_SHAPE, "%s is %s, must be %s", what,
	                    gm_shape_text(y->in[k]->shape), gm_shape_text(s));
}

static bool finish(gm_node *y, bool windows)
{
	y->shape = shape_like(y->in[0], y->attr, windows);
	y->dtype = y->in[0]->dtype;
	return true;
}

/* Windows over one plane: (p, i, j) run over planes and windows, (at) over the window's pixels in
 * the plane. */
typedef struct cursor {
	const gm_pool_attr *a;
	int64_t planes, rows, cols, pixels; /* windows down and across; pixels of a plane */
} cursor;

static cursor cursor_of(const gm_node *y)
{
	const gm_pool_attr *a = y->attr;
	return (cursor){a, y->shape.dim[0] * y->shape.dim[1], gm_pool_windows(a, 0),
	                gm_pool_windows(a, 1), a->size[0] * a->size[1]};
}

/* Where in x (all planes) window w of all windows (row-major over planes, rows, cols) has its first
 * maximum. */
static int64_t first_max(const cursor *c, const double *x, int64_t w)
{
	int64_t plane = w / (c->rows * c->cols) * c->pixels, top, bottom, left, right;
	gm_pool_window(c->a, 0, w / c->cols % c->rows, &top, &bottom);
	gm_pool_window(c->a, 1, w % c->cols, &left, &right);
	int64_t best = plane + top * c->a->size[1] + left;
	for (int64_t h = top; h < bottom; h++)
		for (int64_t v = left; v < right; v++)
			if (x[plane + h * c->a->size[1] + v] > x[best])
				best = plane + h * c->a->size[1] + v;
	return best;
}

static const struct {
	gm_shape x;
	gm_pool_options o;
} cases[] = {
	{{4, {2, 3, 6, 8}}, {.kernel = {2, 2}}},
	{{4, {1, 5, 7, 9}}, {.kernel = {3, 3}, .stride = {2, 2}, .pad = {1, 1, 1, 1}}},
	{{4, {1, 5, 7, 9}},
         {.kernel = {3, 3}, .stride = {2, 2}, .pad = {1, 1, 1, 1}, .count_pad = true}},
	{{4, {2, 16, 5, 5}}, {.kernel = {3, 2}, .stride = {1, 1}}},
	{{4, {2, 2, 8, 11}}, {.kernel = {2, 3}, .stride = {3, 2}, .pad = {0, 2, 1, 0}}},
	{{4, {1, 1, 1, 37}},
         {.kernel = {1, 4}, .stride = {1, 3}, .pad = {0, 3, 0, 2}, .count_pad = true}},
	{{4, {3, 17, 4, 4}}, {.kernel = {4, 4}}},
	{{3, {2, 3, 19}}, {.kernel = {0, 3}, .stride = {0, 2}, .pad = {0, 1, 0, 1}}},
};
enum { CASES = sizeof(cases) / sizeof(cases[0]) };

/* ---- max_pool -------------------------------------------------------------------------------- */

static bool infer_pool(gm_node *y)
{
	return gm_want_real(y, 0, "x") && check_windows(y, y->attr) && finish(y, true);
}

static void eval_max_pool(const gm_node *y, const gm_eval *e)
{
	cursor c = cursor_of(y);
	for (int64_t w = 0; w < c.planes * c.rows * c.cols; w++)
		e->y[w] = e->x[0][first_max(&c, e->x[0], w)];
}

/* Two inputs, the attribute of `like`. */
static gm_node *pool2(int opid, const gm_node *like, gm_node *x, gm_node *v)
{
	return gm_node_new(like->graph, opid, (gm_node *[]){x, v}, 2, like->attr, like->attr_size);
}

static void vjp_max_pool(gm_node *y, gm_node *dy, gm_node *dx[])
{
	dx[0] = pool2(GM_OPID_max_pool_dx, y, y->in[0], dy);
}

/* A rank-3 picture is pooled as one row, so there the op stands below a reshape. */
static gm_node *pool_inside(gm_node *y)
{
	return y->op->flags & GM_OP_VIEW ? y->in[0] : y;
}

static gm_node *sample_max_pool(gm_graph *g, int i)
{
	return i < CASES ? pool_inside(gm_max_pool(gm_sample_distinct(g, cases[i].x), cases[i].o))
	                 : NULL;
}

const gm_op gm_op_max_pool = {
	.name = "max_pool",
	.math = "y[n,c,i,j] = max of x[n,c,h,w] over window (i,j)",
	.infer = infer_pool,
	.eval = eval_max_pool,
	.vjp = vjp_max_pool,
	.sample = sample_max_pool,
	.rough = true,
};

static gm_node *pool(int opid, const char *name, gm_node *x, gm_pool_options o)
{
	if (x->poison)
		return x;
	if (x->shape.rank == 3) {
		const int64_t *d = x->shape.dim;
		o.kernel[0] = o.stride[0] = 1;
		o.pad[0] = o.pad[2] = 0;
		gm_node *y = pool(opid, name, gm_reshape(x, GM_SHAPE(d[0], d[1], 1, d[2])), o);
		return y->poison ? y : gm_reshape(y, GM_SHAPE(d[0], d[1], y->shape.dim[3]));
	}
	if (x->shape.rank != 4)
		return gm_poison(x->graph, name, GM_ERR_SHAPE,
		                 "x is %s, must be [N,C,H,W] or [N,C,L]", gm_shape_text(x->shape));
	gm_pool_attr a = {.count_pad = o.count_pad};
	for (int k = 0; k < 2; k++) {
		a.kernel[k] = o.kernel[k];
		a.stride[k] = o.stride[k] ? o.stride[k] : o.kernel[k];
		a.size[k] = x->shape.dim[2 + k];
	}
	memcpy(a.pad, o.pad, sizeof a.pad);
	return gm_node_new(x->graph, opid, &x, 1, &a, sizeof a);
}

gm_node *gm_max_pool(gm_node *x, gm_pool_options o)
{
	o.count_pad = false; /* means nothing here: equal pools stay one node */
	return pool(GM_OPID_max_pool, "max_pool", x, o);
}

/* ---- max_pool_dx ----------------------------------------------------------------------------- */

static bool infer_max_pool_dx(gm_node *y)
{
	return want(y, 0, "x", false) && want(y, 1, "dy", true) && finish(y, false);
}

static void eval_max_pool_dx(const gm_node *y, const gm_eval *e)
{
	cursor c = cursor_of(y);
	memset(e->y, 0, (size_t)(c.planes * c.pixels) * sizeof(double));
	for (int64_t w = 0; w < c.planes * c.rows * c.cols; w++)
		e->y[first_max(&c, e->x[0], w)] += e->x[1][w];
}

static void vjp_max_pool_dx(gm_node *y, gm_node *dy, gm_node *dx[])
{
	dx[1] = pool2(GM_OPID_max_pool_pick, y, y->in[0], dy);
}

static gm_node *sample_max_pool_dx(gm_graph *g, int i)
{
	gm_node *y = sample_max_pool(g, i);
	return y ? pool2(GM_OPID_max_pool_dx, y, y->in[0], gm_sample_real(g, y->shape, -1, 1))
	         : NULL;
}

/* How many windows may share a pixel. */
static int64_t overlap(const gm_node *y)
{
	const gm_pool_attr *a = y->attr;
	return (int64_t)((a->kernel[0] - 1) / a->stride[0] + 1) *
	       ((a->kernel[1] - 1) / a->stride[1] + 1);
}

const gm_op gm_op_max_pool_dx = {
	.name = "max_pool_dx",
	.math = "y[n,c,h,w] = sum of dy[n,c,i,j] over windows (i,j) with their first maximum at "
		"x[n,c,h,w]",
	.infer = infer_max_pool_dx,
	.eval = eval_max_pool_dx,
	.vjp = vjp_max_pool_dx,
	.sample = sample_max_pool_dx,
	.terms = overlap,
	.rough = true,
};

/* ---- max_pool_pick --------------------------------------------------------------------------- */

static bool infer_max_pool_pick(gm_node *y)
{
	return want(y, 0, "x", false) && want(y, 1, "g", false) && finish(y, true);
}

static void eval_max_pool_pick(const gm_node *y, const gm_eval *e)
{
	cursor c = cursor_of(y);
	for (int64_t w = 0; w < c.planes * c.rows * c.cols; w++)
		e->y[w] = e->x[1][first_max(&c, e->x[0], w)];
}

static void vjp_max_pool_pick(gm_node *y, gm_node *dy, gm_node *dx[])
{
	dx[1] = pool2(GM_OPID_max_pool_dx, y, y->in[0], dy);
}

static gm_node *sample_max_pool_pick(gm_graph *g, int i)
{
	gm_node *y = sample_max_pool(g, i);
	return y ? pool2(GM_OPID_max_pool_pick, y, y->in[0],
	                 gm_sample_real(g, y->in[0]->shape, -1, 1))
	         : NULL;
}

const gm_op gm_op_max_pool_pick = {
	.name = "max_pool_pick",
	.math = "y[n,c,i,j] = g[n,c,h,w] where x[n,c,h,w] is the first maximum of window (i,j)",
	.infer = infer_max_pool_pick,
	.eval = eval_max_pool_pick,
	.vjp = vjp_max_pool_pick,
	.sample = sample_max_pool_pick,
	.rough = true,
};

/* ---- avg_pool -------------------------------------------------------------------------------- */

/* Adds up windows of x into y, or spreads y's transposed role back: one loop, for the two are
 * transposes. */
static void average(const gm_node *node, const double *from, double *to, bool transposed)
{
	cursor c = cursor_of(node);
	for (int64_t w = 0; w < c.planes * c.rows * c.cols; w++) {
		int64_t plane = w / (c.rows * c.cols) * c.pixels, top, bottom, left, right;
		gm_pool_window(c.a, 0, w / c.cols % c.rows, &top, &bottom);
		gm_pool_window(c.a, 1, w % c.cols, &left, &right);
		double scale =
			1. / (double)(c.a->count_pad ? (int64_t)c.a->kernel[0] * c.a->kernel[1]
		                                     : (bottom - top) * (right - left));
		for (int64_t h = top; h < bottom; h++)
			for (int64_t v = left; v < right; v++) {
				int64_t p = plane + h * c.a->size[1] + v;
				to[transposed ? p : w] += scale * from[transposed ? w : p];
			}
	}
}

static void eval_avg_pool(const gm_node *y, const gm_eval *e)
{
	memset(e->y, 0, (size_t)gm_shape_size(y->shape) * sizeof(double));
	average(y, e->x[0], e->y, false);
}

static void vjp_avg_pool(gm_node *y, gm_node *dy, gm_node *dx[])
{
	dx[0] = gm_node_new(y->graph, GM_OPID_avg_pool_dx, &dy, 1, y->attr, y->attr_size);
}

static gm_node *sample_avg_pool(gm_graph *g, int i)
{
	return i < CASES
	               ? pool_inside(gm_avg_pool(gm_sample_real(g, cases[i].x, -1, 1), cases[i].o))
	               : NULL;
}

static int64_t window_terms(const gm_node *y)
{
	const gm_pool_attr *a = y->attr;
	return (int64_t)a->kernel[0] * a->kernel[1];
}

const gm_op gm_op_avg_pool = {
	.name = "avg_pool",
	.math = "y[n,c,i,j] = mean of x[n,c,h,w] over window (i,j)",
	.flags = GM_OP_ZERO_IN,
	.infer = infer_pool,
	.eval = eval_avg_pool,
	.vjp = vjp_avg_pool,
	.sample = sample_avg_pool,
	.terms = window_terms,
};

gm_node *gm_avg_pool(gm_node *x, gm_pool_options o)
{
	return pool(GM_OPID_avg_pool, "avg_pool", x, o);
}

/* ---- avg_pool_dx ----------------------------------------------------------------------------- */

static bool infer_avg_pool_dx(gm_node *y)
{
	return want(y, 0, "dy", true) && finish(y, false);
}

static void eval_avg_pool_dx(const gm_node *y, const gm_eval *e)
{
	memset(e->y, 0, (size_t)gm_shape_size(y->shape) * sizeof(double));
	average(y, e->x[0], e->y, true);
}

static void vjp_avg_pool_dx(gm_node *y, gm_node *dy, gm_node *dx[])
{
	dx[0] = gm_node_new(y->graph, GM_OPID_avg_pool, &dy, 1, y->attr, y->attr_size);
}

static gm_node *sample_avg_pool_dx(gm_graph *g, int i)
{
	gm_node *y = sample_avg_pool(g, i), *dy = y ? gm_sample_real(g, y->shape, -1, 1) : NULL;
	return y ? gm_node_new(g, GM_OPID_avg_pool_dx, &dy, 1, y->attr, y->attr_size) : NULL;
}

const gm_op gm_op_avg_pool_dx = {
	.name = "avg_pool_dx",
	.math = "y[n,c,h,w] = sum of dy[n,c,i,j] / size of window (i,j) over the windows that "
		"cover (h,w)",
	.flags = GM_OP_ZERO_IN,
	.infer = infer_avg_pool_dx,
	.eval = eval_avg_pool_dx,
	.vjp = vjp_avg_pool_dx,
	.sample = sample_avg_pool_dx,
	.terms = overlap,
};
