/* SPDX-License-Identifier: MIT
 *
 * reduce.c -- sums, maxima and moments over sets of axes.
 *
 * An op of this file sees x as [kept, gone]: the axes that stay and those that are folded, each
 * walked row-major. What needs no op is composed: a mean is a sum times 1/N, and folding axes of
 * size 1 is a reshape.
 */
#include "ops/common.h"
#include <math.h>

/* x's axes sorted into the two sides, each with its strides in x. */
typedef struct fold {
	gm_shape kept, gone;
	int64_t kept_stride[GM_MAX_RANK], gone_stride[GM_MAX_RANK];
	int64_t outputs, count; /* elements of each side */
} fold;

static fold fold_of(const gm_node *y)
{
	gm_shape x = y->in[0]->shape;
	unsigned axes = ((const gm_reduce_attr *)y->attr)->axes;
	int64_t stride[GM_MAX_RANK];
	fold f = {0};
	gm_shape_strides(x, stride);
	for (int a = 0; a < x.rank; a++) {
		bool gone = axes >> a & 1;
		gm_shape *side = gone ? &f.gone : &f.kept;
		(gone ? f.gone_stride : f.kept_stride)[side->rank] = stride[a];
		side->dim[side->rank++] = x.dim[a];
	}
	f.outputs = gm_shape_size(f.kept);
	f.count = gm_shape_size(f.gone);
	return f;
}

/* Element k of those that fold into output o. */
static double at(const fold *f, const double *x, int64_t o, int64_t k)
{
	return x[gm_offset(f->kept, f->kept_stride, o) + gm_offset(f->gone, f->gone_stride, k)];
}

static int64_t count_of(const gm_node *y)
{
	return fold_of(y).count;
}

/* x's shape with `axes` (resolved) made 1, or left out. */
static gm_shape reduced(gm_shape x, unsigned axes, bool keep)
{
	gm_shape s = {0};
	for (int a = 0; a < x.rank; a++) {
		bool gone = axes >> a & 1;
		if (!gone || keep)
			s.dim[s.rank++] = gone ? 1 : x.dim[a];
	}
	return s;
}

/* y or dy with the folded axes back as size 1, so that it broadcasts against x. */
static gm_node *stretch(const gm_node *y, gm_node *v)
{
	return gm_reshape(v,
	                  reduced(y->in[0]->shape, ((const gm_reduce_attr *)y->attr)->axes, true));
}

static bool infer_reduce(gm_node *y)
{
	const gm_reduce_attr *a = y->attr;
	gm_shape x = y->in[0]->shape;
	if (!gm_want_real(y, 0, "x"))
		return false;
	if (a->axes >> x.rank)
		return gm_node_fail(y, GM_ERR_SHAPE, "an axis is out of range for x %s",
		                    gm_shape_text(x));
	y->shape = reduced(x, a->axes, a->keep);
	y->dtype = y->in[0]->dtype;
	return true;
}

static gm_node *reduce(int opid, gm_node *x, unsigned axes, bool keep)
{
	gm_reduce_attr a = {gm_axes_resolve(axes, x->shape.rank), keep};
	return gm_node_new(x->graph, opid, &x, 1, &a, sizeof a);
}

/* Is every folded axis of size 1, so that there is nothing to fold? */
static bool trivial(const gm_node *x, unsigned axes)
{
	unsigned set = gm_axes_resolve(axes, x->shape.rank);
	if (x->poison || x->dtype == GM_I32 || set >> x->shape.rank)
		return false; /* infer will say what is wrong */
	for (int a = 0; a < x->shape.rank; a++)
		if (set >> a & 1 && x->shape.dim[a] != 1)
			return false;
	return true;
}

static gm_node *reduce_or_reshape(int opid, gm_node *x, unsigned axes, bool keep)
{
	if (trivial(x, axes))
		return gm_reshape(x, reduced(x->shape, gm_axes_resolve(axes, x->shape.rank), keep));
	return reduce(opid, x, axes, keep);
}

unsigned gm_axes_(const int *axes, int n)
{
	unsigned set = 0;
	for (int i = 0; i < n; i++) {
		bool sane = axes[i] < GM_MAX_RANK && axes[i] >= -GM_MAX_RANK;
		/* -1 is bit 16, -2 bit 17 ...; no tensor has axis 15, so it is refused later */
		set |= 1u << (!sane ? 15 : axes[i] >= 0 ? axes[i] : 15 - axes[i]);
	}
	return set;
}

/* Shapes that every reduction is tested on: vectors, rows, columns, channels of a picture, all,
 * size-1 axes. */
static const struct {
	gm_shape shape;
	unsigned axes;
	bool keep;
} cases[] = {
	{{1, {37}}, 1u << 0, false},
	{{2, {5, 130}}, 1u << 16, true}, /* axis -1 */
	{{2, {130, 5}}, 1u << 0, false},
	{{3, {4, 7, 9}}, 1u << 1, false},
	{{4, {3, 16, 5, 6}}, 1u << 0 | 1u << 2 | 1u << 3, true}, /* batch norm */
	{{4, {3, 8, 4, 4}}, 1u << 1 | 1u << 2 | 1u << 3, false}, /* layer norm */
	{{4, {2, 3, 5, 7}}, 1u << 0 | 1u << 2, false},
	{{3, {3, 1, 11}}, 1u << 1 | 1u << 2, true},
	{{4, {1, 6, 1, 7}}, GM_ALL, false},
	{{4, {2, 3, 4, 33}}, GM_ALL, true},
	{{6, {2, 1, 3, 2, 2, 3}}, 1u << 1 | 1u << 3 | 1u << 5, false},
};
enum { CASES = sizeof(cases) / sizeof(cases[0]) };

/* ---- sum ------------------------------------------------------------------------------------- */

static void eval_sum(const gm_node *y, const gm_eval *e)
{
	fold f = fold_of(y);
	for (int64_t o = 0; o < f.outputs; o++) {
		e->y[o] = 0;
		for (int64_t k = 0; k < f.count; k++)
			e->y[o] += at(&f, e->x[0], o, k);
	}
}

static void vjp_sum(gm_node *y, gm_node *dy, gm_node *dx[])
{
	dx[0] = gm_broadcast(stretch(y, dy), y->in[0]->shape);
}

static gm_node *sample_sum(gm_graph *g, int i)
{
	return i < CASES ? gm_sum(gm_sample_real(g, cases[i].shape, -1, 1), cases[i].axes,
	                          cases[i].keep)
	                 : NULL;
}

const gm_op gm_op_sum = {
	.name = "sum",
	.math = "y[o] = sum_k x[o,k]",
	.flags = GM_OP_REDUCE | GM_OP_ZERO_IN,
	.infer = infer_reduce,
	.eval = eval_sum,
	.vjp = vjp_sum,
	.sample = sample_sum,
	.terms = count_of,
};

gm_node *gm_sum(gm_node *x, unsigned axes, bool keep)
{
	return reduce_or_reshape(GM_OPID_sum, x, axes, keep);
}

gm_node *gm_mean(gm_node *x, unsigned axes, bool keep)
{
	gm_node *s = gm_sum(x, axes, keep);
	return s->poison ? s
	                 : gm_mul_c(s, (double)gm_shape_size(s->shape) /
	                                       (double)gm_shape_size(x->shape));
}

gm_node *gm_sum_all(gm_node *x)
{
	return gm_sum(x, GM_ALL, false);
}

gm_node *gm_mean_all(gm_node *x)
{
	return gm_mean(x, GM_ALL, false);
}

gm_node *gm_sum_to(gm_node *x, gm_shape shape)
{
	gm_shape wide;
	if (x->poison)
		return x;
	if (!gm_shape_broadcast(shape, x->shape, &wide) || !gm_shape_equal(wide, x->shape))
		return gm_poison(x->graph, "sum_to", GM_ERR_SHAPE, "%s does not broadcast to x %s",
		                 gm_shape_text(shape), gm_shape_text(x->shape));
	unsigned axes = 0;
	for (int a = 0, lead = x->shape.rank - shape.rank; a < x->shape.rank; a++)
		if (a < lead || (shape.dim[a - lead] == 1 && x->shape.dim[a] != 1))
			axes |= 1u << a;
	return gm_reshape(gm_sum(x, axes, false), shape);
}

/* ---- reduce_max ------------------------------------------------------------------------------ */

static double max_of(const fold *f, const double *x, int64_t o)
{
	double m = at(f, x, o, 0);
	for (int64_t k = 1; k < f->count; k++)
		m = fmax(m, at(f, x, o, k));
	return m;
}

static void eval_reduce_max(const gm_node *y, const gm_eval *e)
{
	fold f = fold_of(y);
	for (int64_t o = 0; o < f.outputs; o++)
		e->y[o] = max_of(&f, e->x[0], o);
}

/* A subgradient must sum to dy: elements that tie for the maximum get equal shares. */
static void vjp_reduce_max(gm_node *y, gm_node *dy, gm_node *dx[])
{
	unsigned axes = ((const gm_reduce_attr *)y->attr)->axes;
	gm_node *is_max = gm_equal(y->in[0], stretch(y, y));
	dx[0] = gm_mul(is_max, gm_div(stretch(y, dy), gm_sum(is_max, axes, true)));
}

static gm_node *sample_reduce_max(gm_graph *g, int i)
{
	return i < CASES ? gm_reduce_max(gm_sample_distinct(g, cases[i].shape), cases[i].axes,
	                                 cases[i].keep)
	                 : NULL;
}

const gm_op gm_op_reduce_max = {
	.name = "reduce_max",
	.math = "y[o] = max_k x[o,k]",
	.flags = GM_OP_REDUCE,
	.infer = infer_reduce,
	.eval = eval_reduce_max,
	.vjp = vjp_reduce_max,
	.sample = sample_reduce_max,
	.rough = true,
};

gm_node *gm_reduce_max(gm_node *x, unsigned axes, bool keep)
{
	return reduce_or_reshape(GM_OPID_reduce_max, x, axes, keep);
}

/* ---- logsumexp ------------------------------------------------------------------------------- */

static void eval_logsumexp(const gm_node *y, const gm_eval *e)
{
	fold f = fold_of(y);
	for (int64_t o = 0; o < f.outputs; o++) {
		double m = max_of(&f, e->x[0], o), s = 0;
		for (int64_t k = 0; k < f.count; k++)
			s += exp(at(&f, e->x[0], o, k) - m);
		e->y[o] = isinf(m) ? m : m + log(s); /* all -inf: the sum is 0, not NaN */
	}
}

static void vjp_logsumexp(gm_node *y, gm_node *dy, gm_node *dx[])
{
	dx[0] = gm_mul(gm_exp(gm_sub(y->in[0], stretch(y, y))), stretch(y, dy));
}

/* The shift m cancels, so no gradient belongs to it. */
static gm_node *lower_logsumexp(const gm_node *y)
{
	const gm_reduce_attr *a = y->attr;
	gm_node *m = gm_stop_gradient(gm_reduce_max(y->in[0], a->axes, true));
	gm_node *s = gm_sum(gm_exp(gm_sub(y->in[0], m)), a->axes, true);
	return gm_reshape(gm_add(m, gm_log(s)), y->shape);
}

/* Far from 0 where a naive exp overflows in float. */
static gm_node *sample_logsumexp(gm_graph *g, int i)
{
	double far = i % 3 == 2 ? 200 : 0;
	if (i >= CASES)
		return NULL;
	return gm_logsumexp(gm_sample_real(g, cases[i].shape, far - 3, far + 3), cases[i].axes,
	                    cases[i].keep);
}

const gm_op gm_op_logsumexp = {
	.name = "logsumexp",
	.math = "y[o] = log sum_k exp(x[o,k])",
	.flags = GM_OP_REDUCE,
	.infer = infer_reduce,
	.eval = eval_logsumexp,
	.vjp = vjp_logsumexp,
	.lower = lower_logsumexp,
	.sample = sample_logsumexp,
	.ulps = 6,
	.terms = count_of,
};

gm_node *gm_logsumexp(gm_node *x, unsigned axes, bool keep)
{
	return reduce_or_reshape(GM_OPID_logsumexp, x, axes, keep);
}

/* ---- variance -------------------------------------------------------------------------------- */

static void eval_variance(const gm_node *y, const gm_eval *e)
{
	fold f = fold_of(y);
	for (int64_t o = 0; o < f.outputs; o++) {
		double mean = 0, s = 0;
		for (int64_t k = 0; k < f.count; k++)
			mean += at(&f, e->x[0], o, k);
		mean /= (double)f.count;
		for (int64_t k = 0; k < f.count; k++) {
			double d = at(&f, e->x[0], o, k) - mean;
			s += d * d;
		}
		e->y[o] = s / (double)f.count;
	}
}

/* The path through the mean is sum_k 2 (x[k] - mean) / N times d mean, and the deviations sum to 0:
 * leaving it out is exact, and spares batch norm's backward one pass over x. The mean stays
 * differentiable in the result, so second derivatives are whole. */
static void vjp_variance(gm_node *y, gm_node *dy, gm_node *dx[])
{
	unsigned axes = ((const gm_reduce_attr *)y->attr)->axes;
	gm_node *x = y->in[0];
	dx[0] = gm_mul(gm_sub(x, gm_mean(x, axes, true)),
	               gm_mul_c(stretch(y, dy), 2. / (double)count_of(y)));
}

/* In one pass: moments about the mean of the first few elements of each sum. That lies among the
 * data, even if one of them is far out, so that little cancels. Together with the mean (another sum
 * over x) this reads x once where the definition reads it twice. */
static gm_node *lower_variance(const gm_node *y)
{
	const gm_reduce_attr *a = y->attr;
	gm_node *x = y->in[0];
	int64_t start[GM_MAX_RANK] = {0}, size[GM_MAX_RANK], few = 32;
	for (int i = x->shape.rank - 1; i >= 0; i--) {
		int64_t n = x->shape.dim[i];
		size[i] = n;
		if (a->axes >> i & 1) {
			size[i] = n < few ? n : few;
			few /= size[i];
		}
	}
	gm_node *near = gm_mean(gm_slice(x, start, size, NULL), a->axes, true);
	gm_node *d = gm_sub(x, near);
	gm_node *v = gm_sub(gm_mean(gm_square(d), a->axes, a->keep),
	                    gm_square(gm_mean(d, a->axes, a->keep)));
	return gm_max(v, gm_scalar(y->graph, 0)); /* rounding may leave less than nothing */
}

/* A mean far from 0 shows whoever subtracts squares. */
static gm_node *sample_variance(gm_graph *g, int i)
{
	double mean = i % 2 ? 20 : 0;
	if (i >= CASES)
		return NULL;
	return gm_variance(gm_sample_real(g, cases[i].shape, mean - 1, mean + 1), cases[i].axes,
	                   cases[i].keep);
}

const gm_op gm_op_variance = {
	.name = "variance",
	.math = "y[o] = 1/N sum_k (x[o,k] - mean_k x[o,k])^2",
	.flags = GM_OP_REDUCE,
	.infer = infer_reduce,
	.eval = eval_variance,
	.vjp = vjp_variance,
	.lower = lower_variance,
	.sample = sample_variance,
	.ulps = 12,
	.terms = count_of,
};

gm_node *gm_variance(gm_node *x, unsigned axes, bool keep)
{
	if (trivial(x, axes))
		return gm_full(x->graph, 0,
		               reduced(x->shape, gm_axes_resolve(axes, x->shape.rank), keep));
	return reduce(GM_OPID_variance, x, axes, keep);
}

/* ---- argmax ---------------------------------------------------------------------------------- */

static bool infer_argmax(gm_node *y)
{
	bool ok = infer_reduce(y);
	y->dtype = GM_I32;
	return ok;
}

static void eval_argmax(const gm_node *y, const gm_eval *e)
{
	fold f = fold_of(y);
	for (int64_t o = 0; o < f.outputs; o++) {
		int64_t best = 0;
		for (int64_t k = 1; k < f.count; k++)
			if (at(&f, e->x[0], o, k) > at(&f, e->x[0], o, best))
				best = k;
		e->y[o] = (double)best;
	}
}

static gm_node *sample_argmax(gm_graph *g, int i)
{
	static const gm_shape shape[] = {{1, {37}}, {2, {5, 130}}, {3, {4, 7, 9}}, {2, {3, 2}}};
	static const int axis[] = {0, -1, 1, 0};
	return i < 4 ? gm_argmax(gm_sample_distinct(g, shape[i]), axis[i]) : NULL;
}

const gm_op gm_op_argmax = {
	.name = "argmax",
	.math = "y[o] = the least k with x[o,k] = max x[o,:]",
	.flags = GM_OP_REDUCE,
	.infer = infer_argmax,
	.eval = eval_argmax,
	.sample = sample_argmax,
	.rough = true,
};

gm_node *gm_argmax(gm_node *x, int axis)
{
	int a = gm_axis(axis, x->shape.rank);
	if (!x->poison && a < 0)
		return gm_poison(x->graph, "argmax", GM_ERR_SHAPE,
		                 "axis %d is out of range for x %s", axis, gm_shape_text(x->shape));
	return reduce(GM_OPID_argmax, x, x->poison ? 0 : 1u << a, false);
}
