/* SPDX-License-Identifier: MIT
 *
 * matmul.c -- batched matrix products. Closed under differentiation through its transpose flags.
 */
#include <string.h>

#include "ops/matmul.h"

static bool infer_matmul(gm_node *y)
{
	const gm_node *a = y->in[0], *b = y->in[1];
	const gm_matmul_attr *t = y->attr;
	if (a->shape.rank < 2 || b->shape.rank < 2)
		return gm_node_fail(y, GM_ERR_SHAPE, "needs matrices, got %s and %s",
		                    gm_shape_text(a->shape), gm_shape_text(b->shape));
	if (!gm_is_real(a->dtype) || a->dtype != b->dtype)
		return gm_node_fail(y, GM_ERR_SHAPE, "needs real operands of one type");
	gm_shape la = a->shape, lb = b->shape, s;
	int64_t m = la.dim[la.rank - (t->ta ? 1 : 2)], ka = la.dim[la.rank - (t->ta ? 2 : 1)];
	int64_t kb = lb.dim[lb.rank - (t->tb ? 1 : 2)], n = lb.dim[lb.rank - (t->tb ? 2 : 1)];
	if (ka != kb)
		return gm_node_fail(y, GM_ERR_SHAPE,
		                    "a is %s%s and b is %s%s: %lld columns against %lld rows",
		                    gm_shape_text(a->shape), t->ta ? " transposed" : "",
		                    gm_shape_text(b->shape), t->tb ? " transposed" : "",
		                    (long long)ka, (long long)kb);
	la.rank -= 2, lb.rank -= 2;
	if (!gm_shape_broadcast(la, lb, &s))
		return gm_node_fail(y, GM_ERR_SHAPE, "leading axes of %s and %s do not broadcast",
		                    gm_shape_text(a->shape), gm_shape_text(b->shape));
	s.dim[s.rank++] = m;
	s.dim[s.rank++] = n;
	y->shape = s;
	return true;
}

static void eval_matmul(const gm_node *y, const gm_eval *e)
{
	const gm_matmul_attr *t = y->attr;
	const gm_shape s = y->shape, sa = y->in[0]->shape, sb = y->in[1]->shape;
	int64_t m = s.dim[s.rank - 2], n = s.dim[s.rank - 1], k = sa.dim[sa.rank - (t->ta ? 2 : 1)],
		batch = 1;
	int64_t ca = sa.dim[sa.rank - 1], cb = sb.dim[sb.rank - 1];
	for (int i = 0; i < s.rank - 2; i++)
		batch *= s.dim[i];
	for (int64_t q = 0; q < batch; q++) {
		int64_t r = q, at_a = 0, at_b = 0, step_a = sa.dim[sa.rank - 2] * ca,
			step_b = sb.dim[sb.rank - 2] * cb;
		for (int i = s.rank - 3; i >= 0; i--) {
			int64_t at = r % s.dim[i];
			int ia = i - (s.rank - sa.rank), ib = i - (s.rank - sb.rank);
			r /= s.dim[i];
			if (ia >= 0) {
				at_a += sa.dim[ia] == 1 ? 0 : at * step_a;
				step_a *= sa.dim[ia];
			}
			if (ib >= 0) {
				at_b += sb.dim[ib] == 1 ? 0 : at * step_b;
				step_b *= sb.dim[ib];
			}
		}
		const double *a = e->x[0] + at_a, *b = e->x[1] + at_b;
		double *c = e->y + q * m * n;
		for (int64_t i = 0; i < m; i++)
			for (int64_t j = 0; j < n; j++) {
				double sum = 0;
				for (int64_t l = 0; l < k; l++)
					sum += (t->ta ? a[l * ca + i] : a[i * ca + l]) *
					       (t->tb ? b[j * cb + l] : b[l * cb + j]);
				c[i * n + j] = sum;
			}
	}
}

/* Y = A B: dA = dY B', dB = A' dY, each with the flags that put it in A's or B's own form. */
static void vjp_matmul(gm_node *y, gm_node *dy, gm_node *dx[])
{
	const gm_matmul_attr *t = y->attr;
	gm_node *a = y->in[0], *b = y->in[1];
	dx[0] = gm_sum_to(t->ta ? gm_matmul(b, dy, t->tb, true) : gm_matmul(dy, b, false, !t->tb),
	                  a->shape);
	dx[1] = gm_sum_to(t->tb ? gm_matmul(dy, a, true, t->ta) : gm_matmul(a, dy, !t->ta, false),
	                  b->shape);
}

static int64_t terms_matmul(const gm_node *y)
{
	const gm_shape s = y->in[0]->shape;
	return s.dim[s.rank - (((const gm_matmul_attr *)y->attr)->ta ? 2 : 1)];
}

static double flops_matmul(const gm_node *y)
{
	return 2. * gm_shape_size(y->shape) * terms_matmul(y);
}

static gm_node *sample_matmul(gm_graph *g, int i)
{
	static const struct {
		gm_shape a, b;
		bool ta, tb;
	} t[] = {
		{{2, {3, 5}}, {2, {5, 4}}, 0, 0},       {{2, {5, 3}}, {2, {5, 4}}, 1, 0},
		{{2, {3, 5}}, {2, {4, 5}}, 0, 1},       {{2, {5, 3}}, {2, {4, 5}}, 1, 1},
		{{2, {1, 1}}, {2, {1, 1}}, 0, 0},       {{2, {17, 33}}, {2, {33, 40}}, 0, 0},
		{{3, {2, 3, 5}}, {3, {2, 5, 4}}, 0, 0}, {{4, {2, 1, 3, 5}}, {3, {4, 6, 5}}, 0, 1},
		{{2, {7, 3}}, {3, {3, 7, 2}}, 1, 0},    {{3, {1, 4, 3}}, {3, {5, 2, 4}}, 1, 1},
		{{2, {1, 37}}, {2, {37, 1}}, 0, 0},
	};
	if (i >= (int)(sizeof t / sizeof *t))
		return NULL;
	return gm_matmul(gm_sample_real(g, t[i].a, -1, 1), gm_sample_real(g, t[i].b, -1, 1),
	                 t[i].ta, t[i].tb);
}

const gm_op gm_op_matmul = {.name = "matmul",
                            .math = "y[..,i,j] = sum_k a[..,i,k] b[..,k,j]",
                            .flags = GM_OP_ZERO_IN,
                            .infer = infer_matmul,
                            .eval = eval_matmul,
                            .vjp = vjp_matmul,
                            .sample = sample_matmul,
                            .terms = terms_matmul,
                            .flops = flops_matmul};

gm_node *gm_matmul(gm_node *a, gm_node *b, bool ta, bool tb)
{
	gm_matmul_attr t = {ta, tb};
	return gm_node_new(a->graph, GM_OPID_matmul, (gm_node *[]){a, b}, 2, &t, sizeof t);
}
