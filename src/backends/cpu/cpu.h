/* SPDX-License-Identifier: MIT
 *
 * cpu.h -- what the files of this backend share.
 */
#ifndef GM_ONEDNN_H
#define GM_ONEDNN_H

#include "backends/backends.h"
#include "backends/cpu/dense.h"
#include "backends/cpu/tape.h"

/* x [height,width,channels] = sum of patches [rows,columns,kernel,kernel,channels], each added
 * where its window lies. */
typedef struct gm_patches {
	int channels, height, width, rows, columns, kernel[2], stride[2],
		pad[2]; /* pad: top, left */
} gm_patches;

/* Inner loops for one instruction set: simd_run.c, compiled for each. */
typedef void gm_box_muller(const float *u1, const float *u2, float *a, float *b,
                           int n); /* ops/random.h, in pairs */
typedef void gm_add_patches(const gm_patches *s, const float *patch, float *x);

typedef struct gm_simd {
	const char *name;
	tape_runner *chunk;
	gm_box_muller *box_muller;
	gm_add_patches *add_patches;
	const struct gm_tile_loops *phases, *winograd;
	gm_dense_block *dense;
} gm_simd;

#define GM_SIMD_LOOPS(set)                                                                         \
	tape_runner gm_tape_chunk_##set;                                                           \
	gm_box_muller gm_box_muller_##set;                                                         \
	gm_add_patches gm_add_patches_##set;
GM_SIMD_LOOPS(base)
GM_SIMD_LOOPS(avx2)
GM_SIMD_LOOPS(avx512)

/* What this processor runs; GANYMEDE_SIMD=base|avx2|avx512 chooses a lower one. */
const gm_simd *gm_simd_best(void);
bool gm_tape_has(const gm_node *y); /* y is an elementwise op that tapes support */

/* y = x by oneDNN, for packed floats in another order; false when it will not. */
bool gm_dnn_copy(gm_plan *p, gm_shape s, gm_val x, gm_val y);

/* Planners, in the order of preference. Convolutions: gm_ways_planner tries those of tune.c. */
bool gm_ways_planner(gm_plan *p, gm_unit *u);
bool gm_bf16_planner(gm_plan *p, gm_unit *u);
bool gm_phases_planner(gm_plan *p, gm_unit *u);
bool gm_winograd_planner(gm_plan *p, gm_unit *u);
bool gm_patches_planner(gm_plan *p, gm_unit *u);
bool gm_conv_planner(gm_plan *p, gm_unit *u);
bool gm_matmul_planner(gm_plan *p, gm_unit *u);
bool gm_dense_planner(gm_plan *p, gm_node *y, gm_val a,
                      gm_val b); /* of operands as matmul takes them */
bool gm_loops_planner(gm_plan *p, gm_unit *u);
bool gm_loops_have(const gm_node *y);

const struct gm_tile_loops *gm_phases_bf16(void); /* where gm_bf16_here */
bool gm_bf16_here(void);                          /* this processor multiplies bf16 numbers */

/* Channels last: the order of a picture's axes in which this backend computes. */
extern const int gm_nhwc[4];

#endif
