/* SPDX-License-Identifier: MIT
 *
 * conv.c -- convolutions and matrix products by oneDNN.
 *
 * Pictures are kept channels last between convolutions: as fast as oneDNN's blocked layouts on the processors measured
 * (docs/performance.md), and every other loop can read it. Weights are reordered into the layout that the primitive wants
 * at the start of a step, once for all who want the same; their gradients come back row-major.
 */
#include <string.h>

#include "backends/onednn/dnn.h"
#include "backends/onednn/onednn.h"
#include "ops/conv.h"
#include "ops/matmul.h"

const int gm_nhwc[4] = {0, 2, 3, 1};

typedef struct dnn_ctx {
	dnn_prim prim;
	gm_val arg[3];
	gm_buf *scratch;
} dnn_ctx;

static void run_dnn(const gm_inst *in, gm_step *s)
{
	dnn_ctx *c = in->ctx;
	void *ptr[4] = {NULL};
	if (!c->prim.bound) {
		int n = c->prim.narg - (c->prim.scratch != 0);
		for (int i = 0; i < n; i++)
			ptr[i] = gm_val_ptr(&c->arg[i]);
		if (c->scratch)
			ptr[n] = c->scratch->ptr;
	}
	if (!dnn_run(&c->prim, ptr))
		gm_step_complain(s, in, "oneDNN failed");
}

static void end_dnn(void *ctx)
{
	dnn_end(&((dnn_ctx *)ctx)->prim);
}

static gm_inst *emit(gm_plan *p, dnn_ctx *c, const char *kind, gm_node *y, const gm_val *arg, int n)
{
	gm_buf *buf[3];
	for (int i = 0; i < n; i++) {
		c->arg[i] = arg[i];
		buf[i] = arg[i].buf;
	}
	if (c->prim.scratch)
		c->scratch = gm_plan_scratch(p, c->prim.scratch);
	gm_inst in = {.kind = kind,
	              .run = run_dnn,
	              .ctx = c,
	              .end = end_dnn,
	              .node = &y,
	              .nnode = y != NULL};
	return gm_plan_emit(p, in, buf, n);
}

static dnn_tensor tensor(gm_shape s, const int64_t *stride)
{
	dnn_tensor t = {.rank = s.rank};
	for (int i = 0; i < s.rank; i++) {
		t.dim[i] = s.dim[i];
		t.stride[i] = stride[i];
	}
	return t;
}

gm_inst *gm_dnn_product(gm_plan *p, gm_node *y, const dnn_tensor *t, const gm_val *v,
                        const char *kind)
{
	dnn_ctx *c = gm_arena_calloc(gm_plan_arena(p), 1, sizeof *c);
	if (!dnn_matmul(&c->prim, &t[0], &t[1], &t[2], NULL))
		return NULL;
	return emit(p, c, kind, y, v, 3);
}

bool gm_dnn_copy(gm_plan *p, gm_shape s, gm_val x, gm_val y)
{
	dnn_tensor from = tensor(s, x.stride), to = tensor(s, y.stride);
	dnn_ctx *c = gm_arena_calloc(gm_plan_arena(p), 1, sizeof *c);
	if (!dnn_reorder(&c->prim, &from, &to, NULL, 0, NULL))
		return false;
	emit(p, c, "reorder", NULL, (gm_val[]){x, y}, 2);
	return true;
}

/* Weights with their groups told apart, oneDNN's choice of layout. */
static dnn_tensor weights(gm_shape s, int groups)
{
	int64_t st[GM_MAX_RANK];
	gm_shape w = s;
	if (groups > 1)
		w = GM_SHAPE(groups, s.dim[0] / groups, s.dim[1], s.dim[2], s.dim[3]);
	gm_shape_strides(w, st);
	dnn_tensor t = tensor(w, st);
	t.any = true;
	return t;
}

/* w in the layout of argument 1 of `conv`; reordered once a step for all that want the same. */
static bool reordered(gm_plan *p, dnn_ctx *conv, gm_val w, const dnn_tensor *plain, gm_val *out)
{
	typedef struct wanted {
		dnn_ctx *by; /* the reorder that made it */
		gm_val at;
		struct wanted *next;
	} wanted;
	struct {
		void *ptr, *buf;
		int64_t offset;
	} key;
	memset(&key, 0, sizeof key);
	key.ptr = w.buf->ptr; /* storage has a new buffer for each mention: its memory tells it */
	key.buf = w.buf->ptr ? NULL : w.buf;
	key.offset = w.offset;
	wanted *list = gm_plan_recall(p, &key, sizeof key);
	for (wanted *l = list; l; l = l->next)
		if (dnn_same_layout(&l->by->prim, 1, &conv->prim, 1)) {
			*out = l->at;
			return true;
		}
	dnn_ctx *c = gm_arena_calloc(gm_plan_arena(p), 1, sizeof *c);
	dnn_tensor from = *plain;
	from.any = false;
	if (!dnn_reorder(&c->prim, &from, NULL, &conv->prim, 1, NULL))
		return false;
	gm_val to = {.buf = gm_plan_buffer(p, conv->prim.arg[1].bytes), .dtype = GM_F32};
	emit(p, c, "reorder weights", NULL, (gm_val[]){w, to}, 2);
	wanted *l = gm_arena_calloc(gm_plan_arena(p), 1, sizeof *l);
	*l = (wanted){c, to, list};
	gm_plan_remember(p, &key, sizeof key, l);
	*out = to;
	return true;
}

bool gm_conv_planner(gm_plan *p, gm_unit *u)
{
	gm_node *y = u->node[0];
	if (u->tape || y->dtype != GM_F32 ||
	    (y->opid != GM_OPID_conv && y->opid != GM_OPID_conv_dx && y->opid != GM_OPID_conv_dw))
		return false;
	if (gm_patches_plan(p, y))
		return true;
	const gm_conv_attr *a = y->attr;
	gm_conv_shapes s = gm_conv_shapes_of(y);
	dnn_pass pass = y->opid == GM_OPID_conv      ? DNN_FORWARD
	                : y->opid == GM_OPID_conv_dx ? DNN_BACKWARD_DATA
	                                             : DNN_BACKWARD_WEIGHTS;
	int64_t sx[GM_MAX_RANK], sy[GM_MAX_RANK];
	gm_order_strides(s.x, gm_nhwc, sx);
	gm_order_strides(s.y, gm_nhwc, sy);
	dnn_tensor x = tensor(s.x, sx), g = tensor(s.y, sy), w = weights(s.w, a->groups);
	dnn_conv_options o;
	for (int i = 0; i < 2; i++) {
		o.stride[i] = a->stride[i];
		o.dilation[i] = a->dilation[i] - 1;
		o.pad_begin[i] = a->pad[i];
		/* Rows past the last window do not matter; oneDNN wants the padding that the sizes imply. */
		o.pad_end[i] = (s.y.dim[2 + i] - 1) * a->stride[i] +
		               a->dilation[i] * (s.w.dim[2 + i] - 1) + 1 - s.x.dim[2 + i] -
		               a->pad[i];
	}
	dnn_ctx *c = gm_arena_calloc(gm_plan_arena(p), 1, sizeof *c);
	if (!dnn_conv(&c->prim, pass, &x, &w, &g, &o, NULL))
		return false;
	gm_val v[3];
	const char *kind =
		gm_arena_printf(gm_plan_arena(p), "%s %s", y->op->name, dnn_impl(&c->prim));
	if (pass == DNN_FORWARD) {
		v[0] = gm_plan_value_as(p, y->in[0], gm_nhwc);
		if (!reordered(p, c, gm_plan_value_as(p, y->in[1], NULL), &w, &v[1]))
			goto fail;
		v[2] = gm_plan_place(p, y, gm_nhwc);
		emit(p, c, kind, y, v, 3);
	} else if (pass == DNN_BACKWARD_DATA) {
		v[2] = gm_plan_value_as(p, y->in[0], gm_nhwc);
		if (!reordered(p, c, gm_plan_value_as(p, y->in[1], NULL), &w, &v[1]))
			goto fail;
		v[0] = gm_plan_place(p, y, gm_nhwc);
		emit(p, c, kind, y, v, 3);
	} else {
		v[0] = gm_plan_value_as(p, y->in[0], gm_nhwc);
		v[2] = gm_plan_value_as(p, y->in[1], gm_nhwc);
		dnn_ctx *back = gm_arena_calloc(gm_plan_arena(p), 1, sizeof *back);
		w.any = false;
		if (c->prim.arg[1].plain) {
			v[1] = gm_plan_place(p, y, NULL);
			emit(p, c, kind, y, v, 3);
			return true;
		}
		if (!dnn_reorder(&back->prim, NULL, &w, &c->prim, 1, NULL))
			goto fail;
		v[1] = (gm_val){.buf = gm_plan_buffer(p, c->prim.arg[1].bytes), .dtype = GM_F32};
		gm_inst *in = emit(p, c, kind, NULL, v, 3);
		in->flops = y->op->flops(y);
		gm_val out = gm_plan_place(p, y, NULL);
		gm_inst *re = emit(p, back, "reorder gradient", y, (gm_val[]){v[1], out}, 2);
		re->flops = 0;
	}
	return true;
fail:
	dnn_end(&c->prim);
	return false;
}

/* ---- matmul -------------------------------------------------------------------------------------------------------- */

/* x's value if oneDNN takes its strides as a matrix (or a batch of them): one of the last two axes dense, the other at
 * least as far apart; else a packed copy. */
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

bool gm_matmul_planner(gm_plan *p, gm_unit *u)
{
	gm_node *y = u->node[0];
	if (u->tape || y->dtype != GM_F32 || y->opid != GM_OPID_matmul)
		return false;
	const gm_matmul_attr *t = y->attr;
	gm_val v[3] = {operand(p, y->in[0]), operand(p, y->in[1])};
	int rank = y->shape.rank;
	int64_t sy[GM_MAX_RANK];
	gm_shape_strides(y->shape, sy);
	dnn_tensor a = matrix(y->in[0]->shape, v[0], t->ta, rank),
		   b = matrix(y->in[1]->shape, v[1], t->tb, rank);
	dnn_tensor c = tensor(y->shape, sy);
	dnn_ctx *x = gm_arena_calloc(gm_plan_arena(p), 1, sizeof *x);
	if (!dnn_matmul(&x->prim, &a, &b, &c, NULL))
		return false;
	v[2] = gm_plan_place(p, y, NULL);
	emit(p, x, gm_arena_printf(gm_plan_arena(p), "matmul %s", dnn_impl(&x->prim)), y, v, 3);
	return true;
}
