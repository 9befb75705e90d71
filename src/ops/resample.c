/* SPDX-License-Identifier: MIT
 *
 * resample.c -- enlarging a picture one axis at a time: nearest, bilinear, reflection padding.
 *
 * Each is a sparse matrix A along one axis, one or two entries in a row, so one op serves them all:
 * y = A x, or with the flag `transposed` y = A^T x. The gradient is the same op with the flag
 * flipped, to any order. A 2-d resampling is two of these, the width first, where the picture is
 * still small and rows are contiguous.
 */
#include <string.h>

#include "ops/common.h"
#include "ops/resample.h"

static bool infer_resample(gm_node *y)
{
	const gm_resample_attr *a = y->attr;
	gm_shape x = y->in[0]->shape;
	int64_t from = a->transposed ? gm_resample_long(a) : a->size;
	if (!gm_want_real(y, 0, "x"))
		return false;
	if (x.dim[a->axis] != from)
		return gm_node_fail(y, GM_ERR_SHAPE, "axis %d of x %s has %lld, must have %lld",
		                    a->axis, gm_shape_text(x), (long long)x.dim[a->axis],
		                    (long long)from);
	y->shape = x;
	y->shape.dim[a->axis] = a->transposed ? a->size : gm_resample_long(a);
	return true;
}

static void eval_resample(const gm_node *y, const gm_eval *e)
{
	const gm_resample_attr *a = y->attr;
	int64_t outer = 1, inner = 1, from = y->in[0]->shape.dim[a->axis],
		to = y->shape.dim[a->axis];
	for (int k = 0; k < y->shape.rank; k++)
		*(k < a->axis ? &outer : &inner) *= k == a->axis ? 1 : y->shape.dim[k];
	memset(e->y, 0, (size_t)gm_shape_size(y->shape) * sizeof *e->y);
	for (int64_t r = 0; r < outer; r++)
		for (int64_t o = 0; o < gm_resample_long(a); o++) {
			int64_t index[2];
			double weight[2];
			int taps = gm_resample_taps(a, o, index, weight);
			for (int t = 0; t < taps; t++) {
				const double *x =
					e->x[0] +
					(r * from + (a->transposed ? o : index[t])) * inner;
				double *v =
					e->y + (r * to + (a->transposed ? index[t] : o)) * inner;
				for (int64_t i = 0; i < inner; i++)
					v[i] += weight[t] * x[i];
			}
		}
}

static gm_node *resample(gm_node *x, const gm_resample_attr *a)
{
	return gm_node_new(x->graph, GM_OPID_resample, &x, 1, a, sizeof *a);
}

static void vjp_resample(gm_node *y, gm_node *dy, gm_node *dx[])
{
	gm_resample_attr a;
	memcpy(&a, y->attr, sizeof a);
	a.transposed = !a.transposed;
	dx[0] = resample(dy, &a);
}

/* Forwards each result has at most two terms; backwards a short pixel gathers what it was spread
 * over. */
static int64_t terms_resample(const gm_node *y)
{
	const gm_resample_attr *a = y->attr;
	return !a->transposed ? 2 : a->kind == GM_RESAMPLE_REFLECT ? 3 : 2 * (int64_t)a->factor;
}

static gm_node *sample_resample(gm_graph *g, int i)
{
	static const struct {
		gm_shape x;
		gm_resample_attr a;
	} cases[] = {
		{{4, {2, 3, 4, 5}}, {GM_RESAMPLE_NEAREST, 3, 0, 2, 0, 0, 5}},
		{{4, {2, 3, 5, 6}}, {GM_RESAMPLE_NEAREST, 2, 0, 3, 0, 0, 5}},
		{{2, {3, 37}}, {GM_RESAMPLE_BILINEAR, 1, 0, 2, 0, 0, 37}},
		{{3, {5, 4, 7}}, {GM_RESAMPLE_BILINEAR, 1, 0, 3, 0, 0, 4}},
		{{3, {5, 1, 7}}, {GM_RESAMPLE_BILINEAR, 1, 0, 4, 0, 0, 1}},
		{{4, {2, 16, 6, 4}}, {GM_RESAMPLE_REFLECT, 2, 0, 0, 2, 1, 6}},
		{{1, {37}}, {GM_RESAMPLE_REFLECT, 0, 0, 0, 36, 3, 37}},
		{{4, {2, 3, 4, 10}}, {GM_RESAMPLE_NEAREST, 3, 1, 2, 0, 0, 5}},
		{{4, {2, 3, 15, 4}}, {GM_RESAMPLE_BILINEAR, 2, 1, 3, 0, 0, 5}},
		{{2, {9, 5}}, {GM_RESAMPLE_REFLECT, 0, 1, 0, 3, 1, 5}},
	};
	if (i >= (int)(sizeof cases / sizeof *cases))
		return NULL;
	return resample(gm_sample_real(g, cases[i].x, -1, 1), &cases[i].a);
}

const gm_op gm_op_resample = {
	.name = "resample",
	.math = "y[o] = sum_t weight(o,t) x[index(o,t)] along one axis, or its transpose",
	.flags = GM_OP_ZERO_IN,
	.infer = infer_resample,
	.eval = eval_resample,
	.vjp = vjp_resample,
	.sample = sample_resample,
	.terms = terms_resample,
};

static gm_node *upsample(gm_node *x, int kind, const char *name, int factor)
{
	if (x->poison)
		return x;
	if (x->shape.rank < 2 || factor < 1)
		return gm_poison(x->graph, name, GM_ERR_SHAPE,
		                 "x %s by %d: needs two axes and a factor of 1 or more",
		                 gm_shape_text(x->shape), factor);
	if (factor == 1)
		return x;
	int h = x->shape.rank - 2, w = h + 1;
	gm_node *wide = resample(
		x, &(gm_resample_attr){
			   .kind = kind, .axis = w, .factor = factor, .size = x->shape.dim[w]});
	return resample(
		wide, &(gm_resample_attr){
			      .kind = kind, .axis = h, .factor = factor, .size = x->shape.dim[h]});
}

gm_node *gm_upsample_nearest(gm_node *x, int factor)
{
	return upsample(x, GM_RESAMPLE_NEAREST, "upsample_nearest", factor);
}

gm_node *gm_upsample_bilinear(gm_node *x, int factor)
{
	return upsample(x, GM_RESAMPLE_BILINEAR, "upsample_bilinear", factor);
}

static gm_node *reflect(gm_node *x, int axis, int before, int after)
{
	int64_t size = x->shape.dim[axis];
	if (!before && !after)
		return x;
	return resample(x, &(gm_resample_attr){.kind = GM_RESAMPLE_REFLECT,
	                                       .axis = axis,
	                                       .before = before,
	                                       .after = after,
	                                       .size = size});
}

gm_node *gm_pad_reflect(gm_node *x, int top, int left, int bottom, int right)
{
	int h = x->shape.rank - 2, w = h + 1;
	if (x->poison)
		return x;
	if (h < 0)
		return gm_poison(x->graph, "pad_reflect", GM_ERR_SHAPE, "x %s has no two axes",
		                 gm_shape_text(x->shape));
	if (top < 0 || left < 0 || bottom < 0 || right < 0 || top >= x->shape.dim[h] ||
	    bottom >= x->shape.dim[h] || left >= x->shape.dim[w] || right >= x->shape.dim[w])
		return gm_poison(x->graph, "pad_reflect", GM_ERR_SHAPE,
		                 "x %s cannot be mirrored by %d, %d, %d, %d: each must be less "
		                 "than the size",
		                 gm_shape_text(x->shape), top, left, bottom, right);
	return reflect(reflect(x, w, left, right), h, top, bottom);
}
