/* SPDX-License-Identifier: MIT
 *
 * cpu.c -- the CPU backend: oneDNN for convolution and matmul, tapes for elementwise
 * operations and sums, our own loops for the rest.
 */
#include "backends/cpu/cpu.h"

const int gm_nhwc[4] = {0, 2, 3, 1};

static bool has(const gm_node *y)
{
	if (y->op->flags & (GM_OP_VIEW | GM_OP_EFFECT) || gm_tape_has(y) || gm_loops_have(y))
		return true;
	switch (y->opid) {
	case GM_OPID_sum:
	case GM_OPID_reduce_max:
	case GM_OPID_conv:
	case GM_OPID_conv_dx:
	case GM_OPID_conv_dw:
	case GM_OPID_conv_relu:
	case GM_OPID_matmul:
		return true;
	default:
		return false;
	}
}

static bool (*const planners[])(gm_plan *, gm_unit *) = {
	gm_tape_planner, gm_ways_planner, gm_matmul_planner, gm_loops_planner, NULL,
};

const gm_backend gm_backend_cpu = {
	.name = "cpu",
	.fuses = true,
	.views = true,
	.has = has,
	.planner = planners,
	.copy = gm_tape_copy,
	.bf16 = gm_bf16_here,
};
