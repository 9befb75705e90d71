/* SPDX-License-Identifier: MIT
 *
 * conv.c -- convolutions by oneDNN.
 *
 * Pictures are kept channels last between convolutions: as fast as oneDNN's blocked layouts on the
 * processors measured (docs/performance.md), and every other loop can read it. Weights are
 * reordered into the layout that the primitive wants at the start of a step, once for all who want
 * the same; their gradients are returned row-major.
 */
#include <string.h>

#include "backends/cpu/dnnl/inst.h"
#include "backends/cpu/cpu.h"
#include "ops/conv.h"

/* Weights with a dimension for groups, in oneDNN's choice of layout. */
static dnn_tensor weights(gm_shape s, int groups)
{
	int64_t st[GM_MAX_RANK];
	gm_shape w = s;
	if (groups > 1)
		w = GM_SHAPE(groups, s.dim[0] / groups, s.dim[1], s.dim[2], s.dim[3]);
	gm_shape_strides(w, st);
	dnn_tensor t = gm_dnn_tensor(w, st);
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
	key.ptr = w.buf->ptr; /* storage has a new buffer for each use: identified by its memory */
	key.buf = w.buf->ptr ? NULL : w.buf;
	key.offset = w.offset;
	wanted *list = gm_plan_recall(p, &key, sizeof key);
	for (wanted *l = list; l; l = l->next)
		if (gm_dnn_same_layout(&l->by->prim, 1, &conv->prim, 1)) {
			*out = l->at;
			return true;
		}
	dnn_ctx *c = gm_arena_calloc(gm_plan_arena(p), 1, sizeof *c);
	dnn_tensor from = *plain;
	from.any = false;
	if (!gm_dnn_reorder(&c->prim, &from, NULL, &conv->prim, 1, NULL))
		return false;
	gm_val to = {.buf = gm_plan_buffer(p, conv->prim.arg[1].bytes), .dtype = GM_F32};
	gm_dnn_emit(p, c, "reorder weights", NULL, (gm_val[]){w, to}, 2);
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
	    (y->opid != GM_OPID_conv && y->opid != GM_OPID_conv_dx && y->opid != GM_OPID_conv_dw &&
	     y->opid != GM_OPID_conv_relu))
		return false;
	const gm_conv_attr *a = y->attr;
	gm_conv_shapes s = gm_conv_shapes_of(y);
	dnn_pass pass = y->opid == GM_OPID_conv        ? DNN_FORWARD
	                : y->opid == GM_OPID_conv_relu ? DNN_FORWARD_RELU
	                : y->opid == GM_OPID_conv_dx   ? DNN_BACKWARD_DATA
	                                               : DNN_BACKWARD_WEIGHTS;
	int64_t sx[GM_MAX_RANK], sy[GM_MAX_RANK];
	gm_order_strides(s.x, gm_nhwc, sx);
	gm_order_strides(s.y, gm_nhwc, sy);
	dnn_tensor x = gm_dnn_tensor(s.x, sx), g = gm_dnn_tensor(s.y, sy),
		   w = weights(s.w, a->groups);
	dnn_conv_options o;
	for (int i = 0; i < 2; i++) {
		o.stride[i] = a->stride[i];
		o.dilation[i] = a->dilation[i] - 1;
		o.pad_begin[i] = a->pad[i];
		/* Rows past the last window do not matter; oneDNN wants the padding that the sizes
		 * imply. */
		o.pad_end[i] = (s.y.dim[2 + i] - 1) * a->stride[i] +
		               a->dilation[i] * (s.w.dim[2 + i] - 1) + 1 - s.x.dim[2 + i] -
		               a->pad[i];
	}
	dnn_ctx *c = gm_arena_calloc(gm_plan_arena(p), 1, sizeof *c);
	if (!gm_dnn_conv(&c->prim, pass, &x, &w, &g, &o, NULL))
		return false;
	gm_val v[4];
	const char *kind =
		gm_arena_printf(gm_plan_arena(p), "%s %s", y->op->name, gm_dnn_impl(&c->prim));
	if (pass == DNN_FORWARD || pass == DNN_FORWARD_RELU) {
		v[0] = gm_plan_value_as(p, y->in[0], gm_nhwc);
		if (!reordered(p, c, gm_plan_value_as(p, y->in[1], NULL), &w, &v[1]))
			goto fail;
		if (y->nin == 3)
			v[3] = gm_plan_value_as(p, y->in[2], NULL);
		v[2] = gm_plan_place(p, y, gm_nhwc);
		gm_dnn_emit(p, c, kind, y, v, y->nin + 1);
	} else if (pass == DNN_BACKWARD_DATA) {
		v[2] = gm_plan_value_as(p, y->in[0], gm_nhwc);
		if (!reordered(p, c, gm_plan_value_as(p, y->in[1], NULL), &w, &v[1]))
			goto fail;
		v[0] = gm_plan_place(p, y, gm_nhwc);
		gm_dnn_emit(p, c, kind, y, v, 3);
	} else {
		v[0] = gm_plan_value_as(p, y->in[0], gm_nhwc);
		v[2] = gm_plan_value_as(p, y->in[1], gm_nhwc);
		dnn_ctx *back = gm_arena_calloc(gm_plan_arena(p), 1, sizeof *back);
		w.any = false;
		if (c->prim.arg[1].plain) {
			v[1] = gm_plan_place(p, y, NULL);
			gm_dnn_emit(p, c, kind, y, v, 3);
			return true;
		}
		if (!gm_dnn_reorder(&back->prim, NULL, &w, &c->prim, 1, NULL))
			goto fail;
		v[1] = (gm_val){.buf = gm_plan_buffer(p, c->prim.arg[1].bytes), .dtype = GM_F32};
		gm_inst *in = gm_dnn_emit(p, c, kind, NULL, v, 3);
		in->flops = y->op->flops(y);
		gm_val out = gm_plan_place(p, y, NULL);
		gm_inst *re = gm_dnn_emit(p, back, "reorder gradient", y, (gm_val[]){v[1], out}, 2);
		re->flops = 0;
	}
	return true;
fail:
	gm_dnn_end(&c->prim);
	return false;
}
