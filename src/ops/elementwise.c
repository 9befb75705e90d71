/* SPDX-License-Identifier: MIT
 *
 * elementwise.c -- operations that work on each element alone, broadcasting by NumPy's rule.
 *
 * A block is one UNARY or BINARY entry: name, formula, the scalar definition in x (or a, b), the
 * gradient in ops with dy given, and the range of the values that test it. Gradients of broadcast
 * inputs are summed.
 */
#include <math.h>
#include <string.h>

#include "graph/internal.h"

static bool infer_unary(gm_node *y)
{
	y->shape = y->in[0]->shape;
	y->dtype = y->in[0]->dtype;
	return gm_is_real(y->dtype) ||
	       gm_node_fail(y, GM_ERR_SHAPE, "needs real numbers: cast the integers first");
}

static bool infer_binary(gm_node *y)
{
	const gm_node *a = y->in[0], *b = y->in[1];
	if (!gm_shape_broadcast(a->shape, b->shape, &y->shape))
		return gm_node_fail(y, GM_ERR_SHAPE, "shapes %s and %s do not broadcast",
		                    gm_shape_text(a->shape), gm_shape_text(b->shape));
	if (a->dtype != b->dtype)
		return gm_node_fail(y, GM_ERR_SHAPE,
		                    "one operand is integer, the other real: cast one");
	y->dtype = a->dtype;
	return gm_is_real(y->dtype) ||
	       gm_node_fail(y, GM_ERR_SHAPE, "needs real numbers: cast the integers first");
}

/* Comparisons also take integers and give real 0 or 1. */
static bool infer_compare(gm_node *y)
{
	const gm_node *a = y->in[0], *b = y->in[1];
	if (!gm_shape_broadcast(a->shape, b->shape, &y->shape))
		return gm_node_fail(y, GM_ERR_SHAPE, "shapes %s and %s do not broadcast",
		                    gm_shape_text(a->shape), gm_shape_text(b->shape));
	y->dtype = gm_graph_real(y->graph);
	return a->dtype == b->dtype ||
	       gm_node_fail(y, GM_ERR_SHAPE, "one operand is integer, the other real: cast one");
}

static bool infer_select(gm_node *y)
{
	gm_shape s;
	const gm_node *c = y->in[0], *a = y->in[1], *b = y->in[2];
	if (!gm_shape_broadcast(a->shape, b->shape, &s) ||
	    !gm_shape_broadcast(s, c->shape, &y->shape))
		return gm_node_fail(y, GM_ERR_SHAPE, "shapes %s, %s and %s do not broadcast",
		                    gm_shape_text(c->shape), gm_shape_text(a->shape),
		                    gm_shape_text(b->shape));
	y->dtype = a->dtype;
	if (a->dtype != b->dtype || !gm_is_real(c->dtype) || !gm_is_real(a->dtype))
		return gm_node_fail(y, GM_ERR_SHAPE, "needs three real operands");
	return true;
}

/* Walks the output row-major, each input by its broadcast strides. */
static void eval_elementwise(const gm_node *y, const gm_eval *e)
{
	int64_t stride[3][GM_MAX_RANK], at[3] = {0}, index[GM_MAX_RANK] = {0},
					n = gm_shape_size(y->shape);
	for (int k = 0; k < y->nin; k++)
		gm_shape_strides_to(y->in[k]->shape, y->shape, stride[k]);
	for (int64_t i = 0; i < n; i++) {
		double x[3];
		for (int k = 0; k < y->nin; k++)
			x[k] = e->x[k][at[k]];
		e->y[i] = y->op->scalar(y, x);
		for (int d = y->shape.rank - 1; d >= 0; d--) {
			for (int k = 0; k < y->nin; k++)
				at[k] += stride[k][d];
			if (++index[d] < y->shape.dim[d])
				break;
			for (int k = 0; k < y->nin; k++)
				at[k] -= stride[k][d] * index[d];
			index[d] = 0;
		}
	}
}

/* Shapes for tests: odd, even, longer than any vector register, scalars, stretched both ways. */
static const gm_shape test_shapes[][3] = {
	{{1, {37}}, {1, {37}}, {1, {37}}},
	{{4, {2, 3, 4, 5}}, {3, {3, 1, 1}}, {0}},
	{{2, {1, 130}}, {2, {3, 1}}, {2, {3, 130}}},
	{{0}, {2, {5, 7}}, {1, {1}}},
	{{4, {2, 16, 3, 3}}, {4, {1, 16, 1, 1}}, {4, {2, 1, 3, 3}}},
	{{0}, {0}, {0}},
};
enum { NSHAPES = sizeof test_shapes / sizeof *test_shapes };

static gm_node *test_leaf(gm_graph *g, gm_shape s, double lo, double hi)
{
	return lo == hi ? gm_sample_distinct(g, s) : gm_sample_real(g, s, lo, hi);
}

static gm_node *make1(int opid, gm_node *x)
{
	return gm_node_new(x->graph, opid, &x, 1, NULL, 0);
}

static gm_node *make2(int opid, gm_node *a, gm_node *b)
{
	return gm_node_new(a->graph, opid, (gm_node *[]){a, b}, 2, NULL, 0);
}

#define CONST(c) gm_scalar(y->graph, c)

/* lo == hi: values kept apart from 0 and from each other, for ops with kinks. */
#define UNARY(op, formula, expression, gradient, lo, hi, error, kink)                              \
	static double scalar_##op(const gm_node *y, const double *v)                               \
	{                                                                                          \
		double x = v[0];                                                                   \
		(void)y;                                                                           \
		return expression;                                                                 \
	}                                                                                          \
	static void vjp_##op(gm_node *y, gm_node *dy, gm_node *dx[])                               \
	{                                                                                          \
		gm_node *x = y->in[0];                                                             \
		(void)x, (void)dy;                                                                 \
		dx[0] = gradient;                                                                  \
	}                                                                                          \
	static gm_node *sample_##op(gm_graph *g, int i)                                            \
	{                                                                                          \
		return i < NSHAPES ? gm_##op(test_leaf(g, test_shapes[i][0], lo, hi)) : NULL;      \
	}                                                                                          \
	const gm_op gm_op_##op = {.name = #op,                                                     \
	                          .math = formula,                                                 \
	                          .flags = GM_OP_ELEMENTWISE,                                      \
	                          .infer = infer_unary,                                            \
	                          .eval = eval_elementwise,                                        \
	                          .scalar = scalar_##op,                                           \
	                          .vjp = vjp_##op,                                                 \
	                          .sample = sample_##op,                                           \
	                          .ulps = error,                                                   \
	                          .rough = kink};                                                  \
	gm_node *gm_##op(gm_node *x)                                                               \
	{                                                                                          \
		return make1(GM_OPID_##op, x);                                                     \
	}

/* clang-format off */
UNARY(neg, "y = -x", -x, gm_neg(dy), -2, 2, 1, false)
UNARY(abs, "y = |x|", fabs(x), gm_mul(dy, gm_sign(x)), 0, 0, 1, true)
UNARY(sign, "y = -1, 0 or 1", (x > 0) - (x < 0), NULL, 0, 0, 1, true)
UNARY(exp, "y = e^x", exp(x), gm_mul(dy, y), -3, 3, 4, false)
UNARY(log, "y = ln x", log(x), gm_div(dy, x), .2, 5, 4, false)
UNARY(sqrt, "y = x^(1/2)", sqrt(x), gm_div(gm_mul_c(dy, .5), y), .2, 5, 2, false)
UNARY(rsqrt, "y = x^(-1/2)", 1 / sqrt(x), gm_mul(gm_mul_c(dy, -.5), gm_mul(y, gm_square(y))), .2, 5, 3, false)
UNARY(reciprocal, "y = 1/x", 1 / x, gm_neg(gm_mul(dy, gm_square(y))), .3, 5, 2, false)
UNARY(square, "y = x^2", x * x, gm_mul(gm_mul_c(dy, 2), x), -2, 2, 2, false)
UNARY(sin, "y = sin x", sin(x), gm_mul(dy, gm_cos(x)), -4, 4, 4, false)
UNARY(cos, "y = cos x", cos(x), gm_neg(gm_mul(dy, gm_sin(x))), -4, 4, 4, false)
UNARY(tanh, "y = tanh x", tanh(x), gm_mul(dy, gm_sub(CONST(1), gm_square(y))), -3, 3, 6, false)
UNARY(sigmoid, "y = 1/(1+e^-x)", 1 / (1 + exp(-x)), gm_mul(dy, gm_mul(y, gm_sub(CONST(1), y))), -5, 5, 6, false)
UNARY(softplus, "y = ln(1+e^x)", fmax(x, 0) + log1p(exp(-fabs(x))), gm_mul(dy, gm_sigmoid(x)), -6, 6, 6, false)
UNARY(erf, "y = 2/sqrt(pi) int_0^x e^(-t^2) dt", erf(x),
      gm_mul(dy, gm_mul_c(gm_exp(gm_neg(gm_square(x))), 1.1283791670955126)), -3, 3, 8, false)
UNARY(floor, "y = the largest integer <= x", floor(x), NULL, 0, 0, 1, true)
UNARY(relu, "y = max(x, 0)", x > 0 ? x : 0, gm_mul(dy, gm_less(CONST(0), x)), 0, 0, 1, true)
/* clang-format on */

#define BINARY(op, formula, expression, rule, flag, lo, hi, error, kink)                           \
	static double scalar_##op(const gm_node *y, const double *v)                               \
	{                                                                                          \
		double a = v[0], b = v[1];                                                         \
		(void)y;                                                                           \
		return expression;                                                                 \
	}                                                                                          \
	static gm_node *sample_##op(gm_graph *g, int i)                                            \
	{                                                                                          \
		if (i >= NSHAPES)                                                                  \
			return NULL;                                                               \
		gm_node *a = test_leaf(g, test_shapes[i][0], lo, hi);                              \
		gm_node *b = test_leaf(g, test_shapes[i][1], lo, hi);                              \
		return make2(GM_OPID_##op, a, kink ? gm_add_c(b, .0137) : b);                      \
	}                                                                                          \
	const gm_op gm_op_##op = {.name = #op,                                                     \
	                          .math = formula,                                                 \
	                          .flags = GM_OP_ELEMENTWISE | flag,                               \
	                          .infer = rule,                                                   \
	                          .eval = eval_elementwise,                                        \
	                          .scalar = scalar_##op,                                           \
	                          .vjp = vjp_##op,                                                 \
	                          .sample = sample_##op,                                           \
	                          .ulps = error,                                                   \
	                          .rough = kink};

#define GRADIENT2(op, da, db)                                                                      \
	static void vjp_##op(gm_node *y, gm_node *dy, gm_node *dx[])                               \
	{                                                                                          \
		gm_node *a = y->in[0], *b = y->in[1];                                              \
		dx[0] = gm_sum_to(da, a->shape);                                                   \
		dx[1] = gm_sum_to(db, b->shape);                                                   \
	}
/* Where a and b tie, half of the gradient goes to each. */
#define WINS(a, b) gm_add(gm_less(b, a), gm_mul_c(gm_equal(a, b), .5))

/* clang-format off */
GRADIENT2(add, dy, dy)
GRADIENT2(sub, dy, gm_neg(dy))
GRADIENT2(mul, gm_mul(dy, b), gm_mul(dy, a))
GRADIENT2(div, gm_div(dy, b), gm_neg(gm_div(gm_mul(dy, y), b)))
GRADIENT2(pow, gm_mul(dy, gm_mul(b, gm_pow(a, gm_sub(b, CONST(1))))), gm_mul(dy, gm_mul(y, gm_log(a))))
GRADIENT2(max, gm_mul(dy, WINS(a, b)), gm_mul(dy, WINS(b, a)))
GRADIENT2(min, gm_mul(dy, WINS(b, a)), gm_mul(dy, WINS(a, b)))
/* clang-format on */

static void vjp_none(gm_node *y, gm_node *dy, gm_node *dx[])
{
	(void)y, (void)dy, (void)dx;
}
#define vjp_less vjp_none
#define vjp_equal vjp_none

/* clang-format off */
BINARY(add, "y = a + b", a + b, infer_binary, 0, -2, 2, 2, false)
BINARY(sub, "y = a - b", a - b, infer_binary, 0, -2, 2, 2, false)
BINARY(mul, "y = a b", a * b, infer_binary, GM_OP_ZERO_IN, -2, 2, 2, false)
BINARY(div, "y = a / b", a / b, infer_binary, 0, .3, 3, 2, false)
BINARY(pow, "y = a^b, a >= 0", pow(a, b), infer_binary, 0, .3, 2, 16, false)
BINARY(max, "y = max(a, b)", a > b ? a : b, infer_binary, 0, 0, 0, 1, true)
BINARY(min, "y = min(a, b)", a < b ? a : b, infer_binary, 0, 0, 0, 1, true)
BINARY(less, "y = a < b ? 1 : 0", a < b, infer_compare, 0, 0, 0, 1, true)
BINARY(equal, "y = a == b ? 1 : 0", a == b, infer_compare, 0, 0, 0, 1, true)
/* clang-format on */

/* ---- with exact rewrites: the gradients above rely on them to stay small --------------------- */

static bool same_as(const gm_node *x, const gm_node *other)
{
	gm_shape s;
	return gm_shape_broadcast(x->shape, other->shape, &s) && gm_shape_equal(s, x->shape) &&
	       x->dtype == other->dtype && !x->poison && !other->poison;
}

static bool both_constant(const gm_node *a, const gm_node *b)
{
	return a->opid == GM_OPID_constant && b->opid == GM_OPID_constant && a->shape.rank == 0 &&
	       b->shape.rank == 0;
}

static double value_of(const gm_node *x)
{
	return ((const gm_constant_attr *)x->attr)->value;
}

gm_node *gm_add(gm_node *a, gm_node *b)
{
	if (both_constant(a, b))
		return gm_scalar(a->graph, value_of(a) + value_of(b));
	if (gm_is_constant(b, 0) && same_as(a, b))
		return a;
	if (gm_is_constant(a, 0) && same_as(b, a))
		return b;
	return make2(GM_OPID_add, a, b);
}

gm_node *gm_sub(gm_node *a, gm_node *b)
{
	if (both_constant(a, b))
		return gm_scalar(a->graph, value_of(a) - value_of(b));
	if (gm_is_constant(b, 0) && same_as(a, b))
		return a;
	return make2(GM_OPID_sub, a, b);
}

gm_node *gm_mul(gm_node *a, gm_node *b)
{
	if (both_constant(a, b))
		return gm_scalar(a->graph, value_of(a) * value_of(b));
	if (gm_is_constant(b, 1) && same_as(a, b))
		return a;
	if (gm_is_constant(a, 1) && same_as(b, a))
		return b;
	return make2(GM_OPID_mul, a, b);
}

gm_node *gm_div(gm_node *a, gm_node *b)
{
	if (gm_is_constant(b, 1) && same_as(a, b))
		return a;
	if (b->opid == GM_OPID_constant && b->shape.rank == 0 && value_of(b) != 0)
		return gm_mul(a, gm_scalar(a->graph, 1 / value_of(b)));
	return make2(GM_OPID_div, a, b);
}

gm_node *gm_pow(gm_node *a, gm_node *b)
{
	return make2(GM_OPID_pow, a, b);
}

gm_node *gm_max(gm_node *a, gm_node *b)
{
	return make2(GM_OPID_max, a, b);
}

gm_node *gm_min(gm_node *a, gm_node *b)
{
	return make2(GM_OPID_min, a, b);
}

gm_node *gm_less(gm_node *a, gm_node *b)
{
	return make2(GM_OPID_less, a, b);
}

gm_node *gm_equal(gm_node *a, gm_node *b)
{
	return make2(GM_OPID_equal, a, b);
}

gm_node *gm_add_c(gm_node *x, double c)
{
	return gm_add(x, gm_scalar(x->graph, c));
}

gm_node *gm_mul_c(gm_node *x, double c)
{
	return gm_mul(x, gm_scalar(x->graph, c));
}

gm_node *gm_clamp(gm_node *x, double lo, double hi)
{
	return gm_min(gm_max(x, gm_scalar(x->graph, lo)), gm_scalar(x->graph, hi));
}

/* ---- select ---------------------------------------------------------------------------------- */

static double scalar_select(const gm_node *y, const double *x)
{
	(void)y;
	return x[0] != 0 ? x[1] : x[2];
}

static void vjp_select(gm_node *y, gm_node *dy, gm_node *dx[])
{
	gm_node *c = y->in[0], *zero = CONST(0);
	dx[1] = gm_sum_to(gm_select(c, dy, zero), y->in[1]->shape);
	dx[2] = gm_sum_to(gm_select(c, zero, dy), y->in[2]->shape);
}

static gm_node *sample_select(gm_graph *g, int i)
{
	if (i >= NSHAPES)
		return NULL;
	gm_node *c = gm_less(gm_sample_distinct(g, test_shapes[i][0]), gm_scalar(g, .01));
	return gm_select(c, gm_sample_real(g, test_shapes[i][1], -2, 2),
	                 gm_sample_real(g, test_shapes[i][2], -2, 2));
}

const gm_op gm_op_select = {.name = "select",
                            .math = "y = c != 0 ? a : b",
                            .flags = GM_OP_ELEMENTWISE,
                            .infer = infer_select,
                            .eval = eval_elementwise,
                            .scalar = scalar_select,
                            .vjp = vjp_select,
                            .sample = sample_select,
                            .ulps = 1};

gm_node *gm_select(gm_node *c, gm_node *a, gm_node *b)
{
	return gm_node_new(c->graph, GM_OPID_select, (gm_node *[]){c, a, b}, 3, NULL, 0);
}

/* ---- leaky relu ------------------------------------------------------------------------------ */

static double slope_of(const gm_node *y)
{
	double slope;
	memcpy(&slope, y->attr, sizeof slope);
	return slope;
}

static double scalar_leaky_relu(const gm_node *y, const double *x)
{
	return x[0] > 0 ? x[0] : slope_of(y) * x[0];
}

static void vjp_leaky_relu(gm_node *y, gm_node *dy, gm_node *dx[])
{
	dx[0] = gm_mul(dy, gm_select(gm_less(CONST(0), y->in[0]), CONST(1), CONST(slope_of(y))));
}

static gm_node *sample_leaky_relu(gm_graph *g, int i)
{
	return i < NSHAPES ? gm_leaky_relu(gm_sample_distinct(g, test_shapes[i][0]), i ? .2 : .01)
	                   : NULL;
}

const gm_op gm_op_leaky_relu = {.name = "leaky_relu",
                                .math = "y = x > 0 ? x : slope x",
                                .flags = GM_OP_ELEMENTWISE,
                                .infer = infer_unary,
                                .eval = eval_elementwise,
                                .scalar = scalar_leaky_relu,
                                .vjp = vjp_leaky_relu,
                                .sample = sample_leaky_relu,
                                .rough = true};

gm_node *gm_leaky_relu(gm_node *x, double slope)
{
	return gm_node_new(x->graph, GM_OPID_leaky_relu, &x, 1, &slope, sizeof slope);
}

/* ---- cast and stop-gradient ------------------------------------------------------------------ */

static bool infer_cast(gm_node *y)
{
	y->shape = y->in[0]->shape;
	y->dtype = *(const int *)y->attr;
	return true;
}

static double scalar_cast(const gm_node *y, const double *x)
{
	return y->dtype == GM_I32 ? (int32_t)x[0] : x[0];
}

static void vjp_cast(gm_node *y, gm_node *dy, gm_node *dx[])
{
	if (gm_is_real(y->dtype) && gm_is_real(y->in[0]->dtype))
		dx[0] = gm_cast(dy, y->in[0]->dtype);
}

static gm_node *sample_cast(gm_graph *g, int i)
{
	return i == 0   ? gm_cast(gm_sample_i32(g, GM_SHAPE(37), -9, 9), gm_graph_real(g))
	       : i == 1 ? gm_cast(gm_sample_distinct(g, GM_SHAPE(130)), GM_I32)
	                : NULL;
}

static bool infer_any(gm_node *y)
{
	y->shape = y->in[0]->shape;
	y->dtype = y->in[0]->dtype;
	return true;
}

static double scalar_identity(const gm_node *y, const double *x)
{
	(void)y;
	return x[0];
}

static gm_node *sample_stop_gradient(gm_graph *g, int i)
{
	return i < NSHAPES ? gm_stop_gradient(gm_sample_real(g, test_shapes[i][0], -2, 2)) : NULL;
}

const gm_op gm_op_cast = {.name = "cast",
                          .math = "y = x as another type; to integers: towards zero",
                          .flags = GM_OP_ELEMENTWISE,
                          .infer = infer_cast,
                          .eval = eval_elementwise,
                          .scalar = scalar_cast,
                          .vjp = vjp_cast,
                          .sample = sample_cast,
                          .rough = true};
const gm_op gm_op_stop_gradient = {.name = "stop_gradient",
                                   .math = "y = x, without a gradient",
                                   .flags = GM_OP_ELEMENTWISE,
                                   .infer = infer_any,
                                   .eval = eval_elementwise,
                                   .scalar = scalar_identity,
                                   .vjp = vjp_none,
                                   .sample = sample_stop_gradient,
                                   .rough = true};

gm_node *gm_cast(gm_node *x, gm_dtype dtype)
{
	int t = dtype;
	return x->dtype == dtype || x->poison
	               ? x
	               : gm_node_new(x->graph, GM_OPID_cast, &x, 1, &t, sizeof t);
}

gm_node *gm_stop_gradient(gm_node *x)
{
	return make1(GM_OPID_stop_gradient, x);
}
