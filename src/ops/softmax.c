/* SPDX-License-Identifier: MIT
 *
 * softmax.c -- probabilities from logits, and the cross-entropies that train them, without
 * overflow.
 */
#include <math.h>

#include "ops/common.h"
#include "ops/softmax.h"

/* A tensor as [outer, size, inner] around one axis: lines of `size` elements, `inner` apart. */
typedef struct lines {
	int64_t outer, size, inner;
} lines;

static lines lines_of(gm_shape s, int axis)
{
	lines l = {1, s.dim[axis], 1};
	for (int a = 0; a < s.rank; a++)
		if (a != axis)
			*(a < axis ? &l.outer : &l.inner) *= s.dim[a];
	return l;
}

/* log sum_k exp x[k step], k < n. */
static double line_logsumexp(const double *x, int64_t n, int64_t step)
{
	double m = x[0], s = 0;
	for (int64_t k = 1; k < n; k++)
		m = fmax(m, x[k * step]);
	for (int64_t k = 0; k < n; k++)
		s += exp(x[k * step] - m);
	return m + log(s);
}

static int axis_of(const gm_node *y)
{
	return ((const gm_softmax_attr *)y->attr)->axis;
}

static unsigned axes_of(const gm_node *y)
{
	return 1u << axis_of(y);
}

static bool infer_softmax(gm_node *y)
{
	y->shape = y->in[0]->shape;
	return gm_want_real(y, 0, "x");
}

static int64_t terms_softmax(const gm_node *y)
{
	return y->shape.dim[axis_of(y)];
}

static gm_node *over_axis(int opid, gm_node *x, int axis)
{
	gm_softmax_attr a = {gm_axis(axis, x->shape.rank)};
	if (!x->poison && a.axis < 0)
		return gm_poison(x->graph, gm_ops[opid]->name, GM_ERR_SHAPE,
		                 "axis %d is out of range for x %s", axis, gm_shape_text(x->shape));
	return gm_node_new(x->graph, opid, &x, 1, &a, sizeof a);
}

static const struct {
	gm_shape shape;
	int axis;
	double shift; /* far from 0, where a naive exp overflows */
} cases[] = {
	{{1, {37}}, 0, 0},         {{2, {5, 130}}, -1, 0},     {{2, {3, 10}}, 1, 200},
	{{3, {3, 7, 5}}, 1, -200}, {{4, {2, 16, 3, 3}}, 1, 0}, {{2, {6, 4}}, 0, 0},
};
enum { NCASES = sizeof cases / sizeof *cases };

static gm_node *test_logits(gm_graph *g, int i)
{
	return gm_sample_real(g, cases[i].shape, cases[i].shift - 3, cases[i].shift + 3);
}

/* ---- softmax --------------------------------------------------------------------------------- */

static void eval_softmax(const gm_node *y, const gm_eval *e)
{
	lines l = lines_of(y->shape, axis_of(y));
	for (int64_t o = 0; o < l.outer * l.inner; o++) {
		int64_t at = o / l.inner * l.size * l.inner + o % l.inner;
		double z = line_logsumexp(e->x[0] + at, l.size, l.inner);
		for (int64_t k = 0; k < l.size; k++)
			e->y[at + k * l.inner] = exp(e->x[0][at + k * l.inner] - z);
	}
}

static void vjp_softmax(gm_node *y, gm_node *dy, gm_node *dx[])
{
	dx[0] = gm_mul(y, gm_sub(dy, gm_sum(gm_mul(dy, y), axes_of(y), true)));
}

static gm_node *lower_softmax(const gm_node *y)
{
	gm_node *x = y->in[0];
	gm_node *p = gm_exp(gm_sub(x, gm_stop_gradient(gm_reduce_max(x, axes_of(y), true))));
	return gm_div(p, gm_sum(p, axes_of(y), true));
}

static gm_node *sample_softmax(gm_graph *g, int i)
{
	return i < NCASES ? gm_softmax(test_logits(g, i), cases[i].axis) : NULL;
}

const gm_op gm_op_softmax = {
	.name = "softmax",
	.math = "y[k] = exp x[k] / sum_j exp x[j]",
	.infer = infer_softmax,
	.eval = eval_softmax,
	.vjp = vjp_softmax,
	.lower = lower_softmax,
	.sample = sample_softmax,
	.ulps = 8,
	.terms = terms_softmax,
};

gm_node *gm_softmax(gm_node *x, int axis)
{
	return over_axis(GM_OPID_softmax, x, axis);
}

/* ---- log_softmax ----------------------------------------------------------------------------- */

static void eval_log_softmax(const gm_node *y, const gm_eval *e)
{
	lines l = lines_of(y->shape, axis_of(y));
	for (int64_t o = 0; o < l.outer * l.inner; o++) {
		int64_t at = o / l.inner * l.size * l.inner + o % l.inner;
		double z = line_logsumexp(e->x[0] + at, l.size, l.inner);
		for (int64_t k = 0; k < l.size; k++)
			e->y[at + k * l.inner] = e->x[0][at + k * l.inner] - z;
	}
}

static void vjp_log_softmax(gm_node *y, gm_node *dy, gm_node *dx[])
{
	dx[0] = gm_sub(dy, gm_mul(gm_exp(y), gm_sum(dy, axes_of(y), true)));
}

/* The maximum is taken off first: x - logsumexp(x) would lose what distinguishes large logits. */
static gm_node *lower_log_softmax(const gm_node *y)
{
	gm_node *x = y->in[0];
	gm_node *d = gm_sub(x, gm_stop_gradient(gm_reduce_max(x, axes_of(y), true)));
	return gm_sub(d, gm_log(gm_sum(gm_exp(d), axes_of(y), true)));
}

static gm_node *sample_log_softmax(gm_graph *g, int i)
{
	return i < NCASES ? gm_log_softmax(test_logits(g, i), cases[i].axis) : NULL;
}

const gm_op gm_op_log_softmax = {
	.name = "log_softmax",
	.math = "y[k] = x[k] - log sum_j exp x[j]",
	.infer = infer_softmax,
	.eval = eval_log_softmax,
	.vjp = vjp_log_softmax,
	.lower = lower_log_softmax,
	.sample = sample_log_softmax,
	.ulps = 8,
	.terms = terms_softmax,
};

gm_node *gm_log_softmax(gm_node *x, int axis)
{
	return over_axis(GM_OPID_log_softmax, x, axis);
}

/* ---- sigmoid_xent ---------------------------------------------------------------------------- */

static bool infer_sigmoid_xent(gm_node *y)
{
	gm_shape x = y->in[0]->shape, t = y->in[1]->shape;
	if (!gm_want_real(y, 0, "logits") || !gm_want_real(y, 1, "target"))
		return false;
	return (gm_shape_broadcast(x, t, &y->shape) && gm_shape_equal(y->shape, x)) ||
	       gm_node_fail(y, GM_ERR_SHAPE, "target %s does not stretch to logits %s",
	                    gm_shape_text(t), gm_shape_text(x));
}

/* -t log s(x) - (1-t) log s(-x) = max(x,0) - x t + log(1 + exp(-|x|)): no exp of a positive number.
 */
static void eval_sigmoid_xent(const gm_node *y, const gm_eval *e)
{
	int64_t stride[GM_MAX_RANK];
	gm_shape_strides_to(y->in[1]->shape, y->shape, stride);
	for (int64_t i = 0, n = gm_shape_size(y->shape); i < n; i++) {
		double x = e->x[0][i], t = e->x[1][gm_offset(y->shape, stride, i)];
		e->y[i] = fmax(x, 0) - x * t + log1p(exp(-fabs(x)));
	}
}

static void vjp_sigmoid_xent(gm_node *y, gm_node *dy, gm_node *dx[])
{
	gm_node *x = y->in[0], *t = y->in[1];
	dx[0] = gm_mul(dy, gm_sub(gm_sigmoid(x), t));
	dx[1] = gm_neg(gm_sum_to(gm_mul(dy, x), t->shape));
}

static gm_node *lower_sigmoid_xent(const gm_node *y)
{
	gm_node *x = y->in[0], *t = y->in[1];
	return gm_add(gm_sub(gm_relu(x), gm_mul(x, t)), gm_softplus(gm_neg(gm_abs(x))));
}

static gm_node *sample_sigmoid_xent(gm_graph *g, int i)
{
	static const gm_shape x[] = {{1, {37}}, {2, {5, 7}}, {4, {2, 3, 4, 5}}, {2, {3, 130}}, {0}};
	static const gm_shape t[] = {{1, {37}}, {0}, {3, {3, 1, 1}}, {2, {1, 130}}, {0}};
	return i < 5 ? gm_sigmoid_xent(gm_sample_real(g, x[i], -8, 8),
	                               gm_sample_real(g, t[i], 0, 1))
	             : NULL;
}

const gm_op gm_op_sigmoid_xent = {
	.name = "sigmoid_xent",
	.math = "y = -t log sigmoid(x) - (1-t) log sigmoid(-x)",
	.infer = infer_sigmoid_xent,
	.eval = eval_sigmoid_xent,
	.vjp = vjp_sigmoid_xent,
	.lower = lower_sigmoid_xent,
	.sample = sample_sigmoid_xent,
	.ulps = 8,
};

gm_node *gm_sigmoid_xent(gm_node *logits, gm_node *target)
{
	return gm_node_new(logits->graph, GM_OPID_sigmoid_xent, (gm_node *[]){logits, target}, 2,
	                   NULL, 0);
}

/* ---- softmax_xent ---------------------------------------------------------------------------- */

static bool infer_softmax_xent(gm_node *y)
{
	gm_shape x = y->in[0]->shape, t = y->in[1]->shape;
	if (!gm_want_real(y, 0, "logits"))
		return false;
	if (x.rank < 1)
		return gm_node_fail(y, GM_ERR_SHAPE, "logits have no axis of classes");
	y->shape = x;
	y->shape.dim[--y->shape.rank] = 0;
	bool labels = y->in[1]->dtype == GM_I32;
	return gm_shape_equal(t, labels ? y->shape : x) ||
	       gm_node_fail(y, GM_ERR_SHAPE, "target %s, must be %s for logits %s",
	                    gm_shape_text(t), labels ? gm_shape_text(y->shape) : gm_shape_text(x),
	                    gm_shape_text(x));
}

static int64_t classes_of(const gm_node *y)
{
	gm_shape x = y->in[0]->shape;
	return x.dim[x.rank - 1];
}

/* A class number outside [0, K) is no class: its row costs 0, as with the row of zeros that
 * gm_one_hot makes of it. */
static void eval_softmax_xent(const gm_node *y, const gm_eval *e)
{
	int64_t n = gm_shape_size(y->shape), K = classes_of(y);
	bool labels = y->in[1]->dtype == GM_I32;
	for (int64_t i = 0; i < n; i++) {
		const double *x = e->x[0] + i * K, *t = e->x[1];
		double z = line_logsumexp(x, K, 1);
		e->y[i] = 0;
		for (int64_t k = 0; k < K; k++)
			e->y[i] -= (labels ? t[i] == (double)k : t[i * K + k]) * (x[k] - z);
	}
}

/* The target as real rows. */
static gm_node *target_rows(const gm_node *y)
{
	gm_node *t = y->in[1];
	return t->dtype == GM_I32 ? gm_one_hot(t, classes_of(y)) : t;
}

/* With s = sum_k t_k (1, unless the target is no distribution): d/dx_k = s softmax(x)_k - t_k,
 * d/dt_k = -log softmax(x)_k. */
static void vjp_softmax_xent(gm_node *y, gm_node *dy, gm_node *dx[])
{
	gm_node *x = y->in[0], *t = target_rows(y);
	gm_shape column = y->shape;
	column.dim[column.rank++] = 1;
	gm_node *d = gm_reshape(dy, column), *s = gm_sum(t, GM_AXES(-1), true);
	dx[0] = gm_mul(d, gm_sub(gm_mul(s, gm_softmax(x, -1)), t));
	if (y->in[1]->dtype != GM_I32)
		dx[1] = gm_neg(gm_mul(d, gm_log_softmax(x, -1)));
}

static gm_node *lower_softmax_xent(const gm_node *y)
{
	return gm_neg(
		gm_sum(gm_mul(target_rows(y), gm_log_softmax(y->in[0], -1)), GM_AXES(-1), false));
}

static gm_node *sample_softmax_xent(gm_graph *g, int i)
{
	static const gm_shape shape[] = {{2, {5, 10}}, {2, {3, 130}}, {1, {7}}, {3, {2, 3, 5}}};
	gm_shape rows = shape[i % 4];
	rows.dim[--rows.rank] = 0;
	if (i >= 8)
		return NULL;
	gm_node *x = gm_sample_real(g, shape[i % 4], -4, 4);
	if (i < 4)
		return gm_softmax_xent(x, gm_sample_real(g, shape[i], 0, 1));
	return gm_softmax_xent(x, gm_sample_i32(g, rows, -1, (int)shape[i % 4].dim[rows.rank] + 1));
}

static int64_t terms_softmax_xent(const gm_node *y)
{
	return classes_of(y);
}

const gm_op gm_op_softmax_xent = {
	.name = "softmax_xent",
	.math = "y[..] = -sum_k t[..,k] log softmax(x)[..,k]",
	.infer = infer_softmax_xent,
	.eval = eval_softmax_xent,
	.vjp = vjp_softmax_xent,
	.lower = lower_softmax_xent,
	.sample = sample_softmax_xent,
	.ulps = 8,
	.terms = terms_softmax_xent,
};

gm_node *gm_softmax_xent(gm_node *logits, gm_node *target)
{
	return gm_node_new(logits->graph, GM_OPID_softmax_xent, (gm_node *[]){logits, target}, 2,
	                   NULL, 0);
}
