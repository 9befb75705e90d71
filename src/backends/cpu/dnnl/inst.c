/* SPDX-License-Identifier: MIT
 *
 * inst.c -- running oneDNN primitives within a step.
 */
#include "backends/cpu/dnnl/inst.h"

#include "backends/cpu/cpu.h"

static void run_dnn(const gm_inst *in, gm_step *s)
{
	dnn_ctx *c = in->ctx;
	void *ptr[5] = {NULL};
	if (!c->prim.bound) {
		int n = c->prim.narg - (c->prim.scratch != 0);
		for (int i = 0; i < n; i++)
			ptr[i] = gm_val_ptr(&c->arg[i]);
		if (c->scratch)
			ptr[n] = c->scratch->ptr;
	}
	if (!gm_dnn_run(&c->prim, ptr))
		gm_step_complain(s, in, "oneDNN failed");
}

static void end_dnn(void *ctx)
{
	gm_dnn_end(&((dnn_ctx *)ctx)->prim);
}

gm_inst *gm_dnn_emit(gm_plan *p, dnn_ctx *c, const char *kind, gm_node *y, const gm_val *arg, int n)
{
	gm_buf *buf[4];
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

dnn_tensor gm_dnn_tensor(gm_shape s, const int64_t *stride)
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
	if (!gm_dnn_matmul(&c->prim, &t[0], &t[1], &t[2], NULL))
		return NULL;
	return gm_dnn_emit(p, c, kind, y, v, 3);
}

bool gm_dnn_copy(gm_plan *p, gm_shape s, gm_val x, gm_val y)
{
	dnn_tensor from = gm_dnn_tensor(s, x.stride), to = gm_dnn_tensor(s, y.stride);
	dnn_ctx *c = gm_arena_calloc(gm_plan_arena(p), 1, sizeof *c);
	if (!gm_dnn_reorder(&c->prim, &from, &to, NULL, 0, NULL))
		return false;
	gm_dnn_emit(p, c, "reorder", NULL, (gm_val[]){x, y}, 2);
	return true;
}
