/* SPDX-License-Identifier: MIT
 *
 * matmul.c -- matrix products by oneDNN, of operands with their own strides where it accepts
 * those.
 */
#include <string.h>

#include "backends/cpu/dnnl/inst.h"
#include "backends/cpu/cpu.h"
#include "ops/matmul.h"

/* x's value if oneDNN takes its strides as a matrix (or a batch of them): one of the last two axes
 * dense, the other at least as far apart; else a packed copy. */
static gm_val operand(gm_plan *p, gm_node *x)
{
	gm_val v = gm_plan_value(p, x);
	int r = x->shape.rank;
	int64_t m = x->shape.dim[r - 2], n = x->shape.dim[r - 1], sm = v.stride[r - 2],
		sn = v.stride[r - 1];
	bool rows = sn == 1 && sm >= n, columns = sm == 1 && sn >= m;
	int64_t need = rows ? m * sm : n * sn;
	for (int i = r - 3; i >= 0; i--) {
		if (v.stride[i] < need && x->shape.dim[i] > 1)
			rows = columns = false;
		need *= x->shape.dim[i];
	}
	return rows || columns ? v : gm_plan_value_as(p, x, NULL);
}

static dnn_tensor matrix(gm_shape s, gm_val v, bool swap, int rank)
{
	dnn_tensor t = {.rank = rank};
	int lead = rank - s.rank;
	for (int i = 0; i < rank; i++) {
		t.dim[i] = i < lead ? 1 : s.dim[i - lead];
		t.stride[i] = i < lead ? gm_shape_size(s) : v.stride[i - lead];
		if (t.stride[i] == 0) /* an axis of size 1 without a stride of its own */
			t.stride[i] = 1;
	}
	if (swap) {
		dnnl_dim_t d = t.dim[rank - 1], st = t.stride[rank - 1];
		t.dim[rank - 1] = t.dim[rank - 2];
		t.stride[rank - 1] = t.stride[rank - 2];
		t.dim[rank - 2] = d;
		t.stride[rank - 2] = st;
	}
	return t;
}

/* x [m,n] at v rounded to bf16, in its storage order; once a step for all readers of this order.
 */
static gm_val rounded(gm_plan *p, gm_val v, const dnn_tensor *x, dnn_tensor *t)
{
	struct {
		const char *what;
		const void *ptr, *buf;
		int64_t offset, dim[2], stride[2];
	} key;
	static const char what[] = "rounded";
	memset(&key, 0, sizeof key);
	key.what = what;
	key.ptr = v.buf->ptr;
	key.buf = v.buf->ptr ? NULL : v.buf;
	key.offset = v.offset;
	for (int i = 0; i < 2; i++)
		key.dim[i] = x->dim[i], key.stride[i] = x->stride[i];
	bool columns = x->stride[0] == 1 && x->dim[0] > 1;
	*t = *x;
	t->bf16 = true;
	t->stride[0] = columns ? 1 : x->dim[1];
	t->stride[1] = columns ? x->dim[0] : 1;
	gm_val *old = gm_plan_recall(p, &key, sizeof key);
	if (old)
		return *old;
	dnn_ctx *c = gm_arena_calloc(gm_plan_arena(p), 1, sizeof *c);
	if (!gm_dnn_reorder(&c->prim, x, t, NULL, 0, NULL))
		return (gm_val){0};
	gm_val to = {.buf = gm_plan_buffer(p, (size_t)(x->dim[0] * x->dim[1]) * 2),
	             .dtype = GM_F32};
	gm_dnn_emit(p, c, "round to bf16", NULL, (gm_val[]){v, to}, 2);
	gm_plan_remember(p, &key, sizeof key, gm_arena_copy(gm_plan_arena(p), &to, sizeof to));
	return to;
}

/* Below that, rounding the operands costs more than it gives. Whatever the rows: samples do not
 * depend on their number. */
static bool worth_rounding(gm_plan *p, const dnn_tensor *b)
{
	return gm_plan_bf16(p) && b->rank == 2 && b->dim[0] >= 16 && b->dim[1] >= 16 &&
	       b->dim[0] * b->dim[1] >= 1 << 13;
}

bool gm_matmul_planner(gm_plan *p, gm_unit *u)
{
	gm_node *y = u->node[0];
	if (u->tape || y->dtype != GM_F32 || y->opid != GM_OPID_matmul)
		return false;
	const gm_matmul_attr *t = y->attr;
	gm_val v[3] = {operand(p, y->in[0]), operand(p, y->in[1])};
	if (gm_dense_planner(p, y, v[0], v[1]))
		return true;
	int rank = y->shape.rank;
	int64_t sy[GM_MAX_RANK];
	gm_shape_strides(y->shape, sy);
	dnn_tensor a = matrix(y->in[0]->shape, v[0], t->ta, rank),
		   b = matrix(y->in[1]->shape, v[1], t->tb, rank);
	dnn_tensor c = gm_dnn_tensor(y->shape, sy);
	bool bf16 = worth_rounding(p, &b);
	if (bf16) {
		dnn_tensor ra, rb;
		gm_val va = rounded(p, v[0], &a, &ra), vb = rounded(p, v[1], &b, &rb);
		bf16 = va.buf && vb.buf;
		if (bf16)
			a = ra, b = rb, v[0] = va, v[1] = vb;
	}
	dnn_ctx *x = gm_arena_calloc(gm_plan_arena(p), 1, sizeof *x);
	if (!gm_dnn_matmul(&x->prim, &a, &b, &c, NULL))
		return false;
	v[2] = gm_plan_place(p, y, NULL);
	gm_dnn_emit(p, x, gm_arena_printf(gm_plan_arena(p), "matmul %s", gm_dnn_impl(&x->prim)), y,
	            v, 3)
		->rounding = bf16 ? GM_BF16_ROUNDING : 0;
	return true;
}
