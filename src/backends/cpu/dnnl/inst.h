/* SPDX-License-Identifier: MIT
 *
 * inst.h -- oneDNN primitives as instructions of a step.
 */
#ifndef GM_ONEDNN_INST_H
#define GM_ONEDNN_INST_H

#include "backends/cpu/dnnl/dnn.h"
#include "graph/plan.h"

typedef struct dnn_ctx {
	dnn_prim prim;
	gm_val arg[4];
	gm_buf *scratch;
} dnn_ctx;

dnn_tensor gm_dnn_tensor(gm_shape s, const int64_t *stride);

/* Emits c->prim (which the step then owns) on arg[0..n), n up to 4, making node y or, with NULL,
 * none. */
gm_inst *gm_dnn_emit(gm_plan *p, dnn_ctx *c, const char *kind, gm_node *y, const gm_val *arg,
                     int n);

/* v[2] = v[0] v[1], described by t[0..2]; NULL if oneDNN has no such product. */
gm_inst *gm_dnn_product(gm_plan *p, gm_node *y, const dnn_tensor *t, const gm_val *v,
                        const char *kind);

#endif
