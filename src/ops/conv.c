/* SPDX-License-Identifier: MIT
 *
 * conv.c -- convolution and its two transposes.
 *
 * T(x,w,g) = <g, conv(x,w)> is linear in x, w and g, so {conv, conv_dx, conv_dw} is closed under
 * differentiation: the gradient of each in either input is one of the three. conv_dx is the
 * "transposed convolution" of generators. conv_relu is conv with bias and ReLU, for backends that
 * fuse them.
 */
#include <string.h>

#include "ops/conv.h"

gm_conv_shapes gm_conv_shapes_of(const gm_node *y)
{
	const gm_shape a = y->in[0]->shape, b = y->in[1]->shape;
	if (y->opid == GM_OPID_conv || y->opid == GM_OPID_conv_relu)
		return (gm_conv_shapes){a, b, y->shape};
	if (y->opid == GM_OPID_conv_dx)
		return (gm_conv_shapes){y->shape, b, a};
	return (gm_conv_shapes){a, y->shape, b};
}

/* The shape rule that all three share: what conv(x, w) gives. */
static bool rule(gm_node *n, const gm_conv_attr *a, gm_shape x, gm_shape w, gm_shape *y)
{
	if (x.rank != 4 || w.rank != 4)
		return gm_node_fail(
			n, GM_ERR_SHAPE,
			"needs x [N,C,H,W] and weight [O,C/groups,kh,kw], got %s and %s",
			gm_shape_text(x), gm_shape_text(w));
	if (a->groups < 1 || x.dim[1] % a->groups || w.dim[0] % a->groups)
		return gm_node_fail(n, GM_ERR_SHAPE,
		                    "%d groups do not divide %lld input and %lld output channels",
		                    a->groups, (long long)x.dim[1], (long long)w.dim[0]);
	if (x.dim[1] != w.dim[1] * a->groups)
		return gm_node_fail(n, GM_ERR_SHAPE, "x has %lld channels, weight expects %lld",
		                    (long long)x.dim[1], (long long)(w.dim[1] * a->groups));
	*y = GM_SHAPE(x.dim[0], w.dim[0], 0, 0);
	for (int i = 0; i < 2; i++) {
		if (a->stride[i] < 1 || a->dilation[i] < 1 || a->pad[i] < 0 || a->pad[i + 2] < 0)
			return gm_node_fail(
				n, GM_ERR_VALUE,
				"stride and dilation must be at least 1, padding at least 0");
		int64_t room = x.dim[2 + i] + a->pad[i] + a->pad[i + 2],
			reach = a->dilation[i] * (w.dim[2 + i] - 1) + 1;
		if (room < reach)
			return gm_node_fail(
				n, GM_ERR_SHAPE,
				"a kernel of %s %lld does not fit into %lld padded to %lld",
				i ? "width" : "height", (long long)reach, (long long)x.dim[2 + i],
				(long long)room);
		y->dim[2 + i] = (room - reach) / a->stride[i] + 1;
	}
	return true;
}

static bool real_inputs(gm_node *y)
{
	return (gm_is_real(y->in[0]->dtype) && y->in[0]->dtype == y->in[1]->dtype) ||
	       gm_node_fail(y, GM_ERR_SHAPE, "needs real operands of one type");
}

static bool infer_conv(gm_node *y)
{
	return real_inputs(y) && rule(y, y->attr, y->in[0]->shape, y->in[1]->shape, &y->shape);
}

static bool infer_conv_dx(gm_node *y)
{
	const gm_conv_attr *a = y->attr;
	gm_shape s, g = y->in[0]->shape;
	if (g.rank == 4 && y->in[1]->shape.rank == 4 && g.dim[1] != y->in[1]->shape.dim[0])
		return gm_node_fail(y, GM_ERR_SHAPE, "input has %lld channels, weight expects %lld",
		                    (long long)g.dim[1], (long long)y->in[1]->shape.dim[0]);
	if (!real_inputs(y) || !rule(y, a, a->result, y->in[1]->shape, &s))
		return false;
	if (!gm_shape_equal(s, g))
		return gm_node_fail(y, GM_ERR_SHAPE, "a result of %s needs an input of %s, got %s",
		                    gm_shape_text(a->result), gm_shape_text(s), gm_shape_text(g));
	y->shape = a->result;
	return true;
}

static bool infer_conv_dw(gm_node *y)
{
	const gm_conv_attr *a = y->attr;
	gm_shape s, g = y->in[1]->shape;
	if (!real_inputs(y) || !rule(y, a, y->in[0]->shape, a->result, &s))
		return false;
	if (!gm_shape_equal(s, g))
		return gm_node_fail(y, GM_ERR_SHAPE, "x %s and a weight of %s give %s, not %s",
		                    gm_shape_text(y->in[0]->shape), gm_shape_text(a->result),
		                    gm_shape_text(s), gm_shape_text(g));
	y->shape = a->result;
	return true;
}

/* One window: adds every (x, w, y) triple of elements that T joins at output pixel (p, q) of
 * channel o, picture b. */
static void eval_window(const gm_node *n, const gm_eval *e, const gm_conv_shapes *s,
                        const int64_t at[4])
{
	const gm_conv_attr *a = n->attr;
	const int64_t *X = s->x.dim, *K = s->w.dim, *Y = s->y.dim, b = at[0], o = at[1];
	int64_t iy = ((b * Y[1] + o) * Y[2] + at[2]) * Y[3] + at[3], group = o / (Y[1] / a->groups);
	for (int64_t k = 0; k < K[1] * K[2] * K[3]; k++) {
		int64_t c = k / (K[2] * K[3]), i = k / K[3] % K[2], j = k % K[3];
		int64_t h = at[2] * a->stride[0] + i * a->dilation[0] - a->pad[0];
		int64_t v = at[3] * a->stride[1] + j * a->dilation[1] - a->pad[1];
		if (h < 0 || h >= X[2] || v < 0 || v >= X[3])
			continue;
		int64_t ix = ((b * X[1] + group * K[1] + c) * X[2] + h) * X[3] + v;
		int64_t iw = o * K[1] * K[2] * K[3] + k;
		if (n->opid == GM_OPID_conv || n->opid == GM_OPID_conv_relu)
			e->y[iy] += e->x[0][ix] * e->x[1][iw];
		else if (n->opid == GM_OPID_conv_dx)
			e->y[ix] += e->x[0][iy] * e->x[1][iw];
		else
			e->y[iw] += e->x[0][ix] * e->x[1][iy];
	}
}

static void eval_conv3(const gm_node *n, const gm_eval *e)
{
	gm_conv_shapes s = gm_conv_shapes_of(n);
	const int64_t *Y = s.y.dim, windows = gm_shape_size(s.y);
	memset(e->y, 0, gm_shape_size(n->shape) * sizeof *e->y);
	for (int64_t i = 0; i < windows; i++)
		eval_window(n, e, &s,
		            (int64_t[]){i / (Y[1] * Y[2] * Y[3]), i / (Y[2] * Y[3]) % Y[1],
		                        i / Y[3] % Y[2], i % Y[3]});
}

static gm_node *make(int opid, gm_node *p, gm_node *q, const gm_conv_attr *like, gm_shape result)
{
	gm_conv_attr a = *like;
	memset(&a.result, 0, sizeof a.result);
	a.result.rank = result.rank;
	memcpy(a.result.dim, result.dim, result.rank * sizeof *result.dim);
	return gm_node_new(p->graph, opid, (gm_node *[]){p, q}, 2, &a, sizeof a);
}

static gm_node *conv(const gm_conv_attr *a, gm_node *x, gm_node *w)
{
	return make(GM_OPID_conv, x, w, a, GM_RANK0);
}

static void vjp_conv(gm_node *y, gm_node *dy, gm_node *dx[])
{
	gm_node *x = y->in[0], *w = y->in[1];
	dx[0] = make(GM_OPID_conv_dx, dy, w, y->attr, x->shape);
	dx[1] = make(GM_OPID_conv_dw, x, dy, y->attr, w->shape);
}

static void vjp_conv_dx(gm_node *y, gm_node *dy, gm_node *dx[])
{
	gm_node *g = y->in[0], *w = y->in[1];
	dx[0] = conv(y->attr, dy, w);
	dx[1] = make(GM_OPID_conv_dw, dy, g, y->attr, w->shape);
}

static void vjp_conv_dw(gm_node *y, gm_node *dy, gm_node *dx[])
{
	gm_node *x = y->in[0], *g = y->in[1];
	dx[0] = make(GM_OPID_conv_dx, g, dy, y->attr, x->shape);
	dx[1] = conv(y->attr, x, dy);
}

/* The sum's length: each result of conv adds C/groups kh kw products, of conv_dx at most O/groups
 * kh kw, of conv_dw N P Q. */
static int64_t terms_conv3(const gm_node *n)
{
	const gm_conv_attr *a = n->attr;
	gm_conv_shapes s = gm_conv_shapes_of(n);
	int64_t k = s.w.dim[2] * s.w.dim[3];
	return n->opid == GM_OPID_conv_relu ? s.w.dim[1] * k + 1
	       : n->opid == GM_OPID_conv    ? s.w.dim[1] * k
	       : n->opid == GM_OPID_conv_dx ? s.w.dim[0] / a->groups * k
	                                    : s.y.dim[0] * s.y.dim[2] * s.y.dim[3];
}

static double flops_conv3(const gm_node *n)
{
	gm_conv_shapes s = gm_conv_shapes_of(n);
	return 2. * gm_shape_size(s.y) * s.w.dim[1] * s.w.dim[2] * s.w.dim[3];
}

static const struct {
	gm_shape x, w;
	gm_conv_options o;
} cases[] = {
	{{4, {2, 3, 5, 6}}, {4, {4, 3, 3, 3}}, {.pad = {1, 1, 1, 1}}},
	{{4, {2, 3, 8, 8}}, {4, {5, 3, 4, 4}}, {.stride = {2, 2}, .pad = {1, 1, 1, 1}}},
	{{4, {1, 4, 7, 9}}, {4, {6, 2, 3, 2}}, {.stride = {2, 3}, .dilation = {2, 1}, .groups = 2}},
	{{4, {2, 1, 4, 4}}, {4, {1, 1, 4, 4}}, {{0}}},
	{{4, {3, 6, 5, 5}}, {4, {6, 1, 3, 3}}, {.pad = {1, 1, 1, 1}, .groups = 6}},
	{{4, {1, 17, 6, 5}}, {4, {19, 17, 1, 1}}, {.stride = {2, 1}}},
	{{4, {2, 2, 6, 6}}, {4, {3, 2, 5, 5}}, {.stride = {2, 2}, .pad = {1, 2, 2, 1}}},
	{{4, {2, 32, 8, 8}}, {4, {16, 32, 4, 4}}, {.stride = {2, 2}, .pad = {1, 1, 1, 1}}},
	{{4, {4, 3, 16, 16}}, {4, {16, 3, 4, 4}}, {.stride = {2, 2}, .pad = {1, 1, 1, 1}}},
	{{3, {2, 3, 11, 0}},
         {3, {4, 3, 3, 0}},
         {.stride = {0, 2}, .dilation = {0, 2}, .pad = {0, 2, 0, 2}}},
	{{4, {2, 16, 1, 1}}, {4, {16, 16, 1, 1}}, {{0}}},
	{{4, {3, 7, 18, 7}},
         {4, {4, 7, 1, 1}},
         {.stride = {2, 1}}}, /* where oneDNN's own kernel fails */
};
enum { NCASES = sizeof cases / sizeof *cases };

static gm_node *sample_conv(gm_graph *g, int i)
{
	if (i >= NCASES)
		return NULL;
	return gm_conv2d(gm_sample_real(g, cases[i].x, -1, 1), gm_sample_real(g, cases[i].w, -1, 1),
	                 cases[i].o);
}

static gm_shape result_shape(int i)
{
	gm_graph *g = gm_graph_new(NULL);
	gm_node *y = gm_conv2d(gm_full(g, 1, cases[i].x), gm_full(g, 1, cases[i].w), cases[i].o);
	gm_shape s = y->shape;
	gm_graph_free(g);
	return s;
}

static gm_node *sample_conv_dx(gm_graph *g, int i)
{
	if (i >= NCASES)
		return NULL;
	return gm_conv2d_dx(gm_sample_real(g, result_shape(i), -1, 1),
	                    gm_sample_real(g, cases[i].w, -1, 1), cases[i].x, cases[i].o);
}

static gm_node *sample_conv_dw(gm_graph *g, int i)
{
	if (i >= NCASES)
		return NULL;
	return gm_conv2d_dw(gm_sample_real(g, cases[i].x, -1, 1),
	                    gm_sample_real(g, result_shape(i), -1, 1), cases[i].w, cases[i].o);
}

const gm_op gm_op_conv = {.name = "conv",
                          .math = "y[n,o,p,q] = sum_cij x[n,c,p s+i d-pad,q s+j d-pad] w[o,c,i,j]",
                          .infer = infer_conv,
                          .eval = eval_conv3,
                          .vjp = vjp_conv,
                          .sample = sample_conv,
                          .terms = terms_conv3,
                          .flops = flops_conv3,
                          .flags = GM_OP_ZERO_IN};
const gm_op gm_op_conv_dx = {.name = "conv_dx",
                             .math = "dT(x,w,g)/dx, T = <g, conv(x,w)>",
                             .infer = infer_conv_dx,
                             .eval = eval_conv3,
                             .vjp = vjp_conv_dx,
                             .sample = sample_conv_dx,
                             .terms = terms_conv3,
                             .flops = flops_conv3,
                             .flags = GM_OP_ZERO_IN};
const gm_op gm_op_conv_dw = {.name = "conv_dw",
                             .math = "dT(x,w,g)/dw, T = <g, conv(x,w)>",
                             .infer = infer_conv_dw,
                             .eval = eval_conv3,
                             .vjp = vjp_conv_dw,
                             .sample = sample_conv_dw,
                             .terms = terms_conv3,
                             .flops = flops_conv3,
                             .flags = GM_OP_ZERO_IN};

/* ---- conv_relu ------------------------------------------------------------------------------- */

static bool infer_conv_relu(gm_node *y)
{
	if (!infer_conv(y))
		return false;
	const gm_node *b = y->in[2];
	return (b->shape.rank == 1 && b->shape.dim[0] == y->shape.dim[1] &&
	        b->dtype == y->in[0]->dtype) ||
	       gm_node_fail(y, GM_ERR_SHAPE, "bias is %s, must be [%lld]", gm_shape_text(b->shape),
	                    (long long)y->shape.dim[1]);
}

static void eval_conv_relu(const gm_node *n, const gm_eval *e)
{
	const int64_t size = gm_shape_size(n->shape), plane = n->shape.dim[2] * n->shape.dim[3];
	eval_conv3(n, e);
	for (int64_t i = 0; i < size; i++) {
		e->y[i] += e->x[2][i / plane % n->shape.dim[1]];
		e->y[i] = e->y[i] > 0 ? e->y[i] : 0;
	}
}

static gm_node *lower_conv_relu(const gm_node *y)
{
	gm_node *b = y->in[2];
	return gm_relu(gm_add(conv(y->attr, y->in[0], y->in[1]),
	                      gm_reshape(b, GM_SHAPE(1, b->shape.dim[0], 1, 1))));
}

static void vjp_conv_relu(gm_node *y, gm_node *dy, gm_node *dx[])
{
	gm_node *on = gm_less(gm_scalar(y->graph, 0), y);
	gm_node *g = gm_mul(dy, on);
	dx[0] = make(GM_OPID_conv_dx, g, y->in[1], y->attr, y->in[0]->shape);
	dx[1] = make(GM_OPID_conv_dw, y->in[0], g, y->attr, y->in[1]->shape);
	dx[2] = gm_sum(g, GM_AXES(0, 2, 3), false);
}

/* All on, by a bias beyond what the products can reach, or all off: away from the kink. */
static gm_node *sample_conv_relu(gm_graph *g, int i)
{
	enum { OFF = 3 };
	if (i >= NCASES)
		return NULL;
	const gm_shape w = cases[i].w;
	double reach = 1;
	for (int k = 1; k < w.rank; k++)
		reach *= (double)w.dim[k];
	const double b = i == OFF ? -reach - 1 : reach;
	return gm_conv2d_relu(gm_sample_real(g, cases[i].x, -1, 1), gm_sample_real(g, w, -1, 1),
	                      gm_sample_real(g, GM_SHAPE(w.dim[0]), b, b + 1), cases[i].o);
}

const gm_op gm_op_conv_relu = {.name = "conv_relu",
                               .math = "y = max(0, conv(x, w) + b[o])",
                               .infer = infer_conv_relu,
                               .eval = eval_conv_relu,
                               .vjp = vjp_conv_relu,
                               .lower = lower_conv_relu,
                               .sample = sample_conv_relu,
                               .terms = terms_conv3,
                               .flops = flops_conv3};

/* ---- constructors: defaults filled in, 1-d made 2-d ------------------------------------------ */

static gm_conv_attr attr_of(gm_conv_options o)
{
	gm_conv_attr a;
	memset(&a, 0, sizeof a);
	for (int i = 0; i < 2; i++) {
		a.stride[i] = o.stride[i] ? o.stride[i] : 1;
		a.dilation[i] = o.dilation[i] ? o.dilation[i] : 1;
	}
	memcpy(a.pad, o.pad, sizeof a.pad);
	a.groups = o.groups ? o.groups : 1;
	return a;
}

static gm_shape shape2d(gm_shape s)
{
	return s.rank == 3 ? GM_SHAPE(s.dim[0], s.dim[1], 1, s.dim[2]) : s;
}

static gm_shape shape1d(gm_shape s)
{
	return GM_SHAPE(s.dim[0], s.dim[1], s.dim[3]);
}

/* A 1-d operand as 2-d, or as it is. */
static gm_node *lift(gm_node *x, bool flat)
{
	return flat && !x->poison && x->shape.rank == 3 ? gm_reshape(x, shape2d(x->shape)) : x;
}

static gm_node *drop(gm_node *y, bool flat)
{
	return flat && !y->poison ? gm_reshape(y, shape1d(y->shape)) : y;
}

gm_node *gm_conv2d(gm_node *x, gm_node *w, gm_conv_options o)
{
	gm_conv_attr a = attr_of(o);
	bool flat = x->shape.rank == 3 && w->shape.rank == 3;
	return drop(conv(&a, lift(x, flat), lift(w, flat)), flat);
}

gm_node *gm_conv2d_dx(gm_node *g, gm_node *w, gm_shape x, gm_conv_options o)
{
	gm_conv_attr a = attr_of(o);
	bool flat = g->shape.rank == 3 && w->shape.rank == 3 && x.rank == 3;
	return drop(make(GM_OPID_conv_dx, lift(g, flat), lift(w, flat), &a, flat ? shape2d(x) : x),
	            flat);
}

gm_node *gm_conv2d_dw(gm_node *x, gm_node *g, gm_shape w, gm_conv_options o)
{
	gm_conv_attr a = attr_of(o);
	bool flat = g->shape.rank == 3 && x->shape.rank == 3 && w.rank == 3;
	return drop(make(GM_OPID_conv_dw, lift(x, flat), lift(g, flat), &a, flat ? shape2d(w) : w),
	            flat);
}

gm_node *gm_conv2d_relu(gm_node *x, gm_node *w, gm_node *b, gm_conv_options o)
{
	gm_conv_attr a = attr_of(o);
	bool flat = x->shape.rank == 3 && w->shape.rank == 3;
	gm_node *in[] = {lift(x, flat), lift(w, flat), b};
	return drop(gm_node_new(x->graph, GM_OPID_conv_relu, in, 3, &a, sizeof a), flat);
}
