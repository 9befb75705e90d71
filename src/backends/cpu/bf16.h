/* SPDX-License-Identifier: MIT
 *
 * bf16.h -- sums of products of bf16 numbers, gathered in float.
 *
 * One kernel computes a convolution and both its gradients: a tile of eight result rows by 32
 * columns. A row's operand is a list of runs of adjacent numbers in memory (a window's lines in a
 * picture), so no patches are ever written out; the other operand is packed in panels of 32 columns
 * with two steps of the sum side by side, as the processor's instruction wants them.
 */
#ifndef GM_ONEDNN_BF16_H
#define GM_ONEDNN_BF16_H

#include <stdbool.h>
#include <stdint.h>

enum { BF16_ROWS = 8, BF16_COLUMNS = 32 };

typedef uint16_t gm_bf16; /* the upper half of a float */

/* The sum: `runs` runs of `pairs` times two numbers; run i begins run[i] numbers after the row's
 * own place. */
typedef struct gm_bf16_sum {
	int runs, pairs;
	const int32_t *run;
} gm_bf16_sum;

typedef struct gm_bf16_tile {
	const gm_bf16 *a;
	const int32_t *row; /* [8]: offset of each row in a */
	const gm_bf16_sum *sum;
	const gm_bf16 *b; /* [runs, pairs, 32, 2], 64-byte aligned */
	float *c;
	const int32_t *place; /* [rows]: offset of each row of results in c */
	int rows, columns;    /* that are stored; at most 8, 32 */
	bool add;             /* accumulate: c += sum */
} gm_bf16_tile;

/* x [rows,columns,channels] turned: y [channels, height, stride, room], channels `plane` numbers
 * apart, where pixel w of row h lies at line h + top, piece (w + left) % stride, place (w + left) /
 * stride. Everything else in y is 0. */
typedef struct gm_bf16_turn {
	int channels, rows, columns;
	int top, left, height, stride, room; /* room at least 8 */
	int64_t plane;
} gm_bf16_turn;

/* Weights w [columns][k][taps] (strides n, k, 1) into panels: tap t of step k, column n goes to
 * at[t] + n / 32 * panel[t] + k / 2 * 64 + n % 32 * 2 + k % 2. k is even or 1 short of it. */
typedef struct gm_bf16_pack {
	int64_t n_stride, k_stride;
	int columns, k, taps;
	const int64_t *at, *panel;
} gm_bf16_pack;

/* The loops, for processors that have them. */
typedef struct gm_bf16_loops {
	void (*tile)(const gm_bf16_tile *t);
	void (*round)(const float *x, gm_bf16 *y, int64_t n);
	void (*turn)(const gm_bf16_turn *t, const float *x, gm_bf16 *y);
	/* g [steps, columns] into panels, `panel` numbers apart, steps in pairs; an odd last one is
	 * followed by 0. */
	void (*pair)(const float *g, int steps, int columns, gm_bf16 *y, int64_t panel);
	/* Panel p, steps 2i and 2i+1. */
	void (*pack)(const gm_bf16_pack *w, const float *x, gm_bf16 *y, int p, int i);
	/* y [columns][rows] (rows `stride` apart) = x [rows, 32]. */
	void (*turn_back)(const float *x, int rows, int columns, float *y, int64_t stride);
} gm_bf16_loops;

/* NULL where the processor or GANYMEDE_SIMD has none. */
const gm_bf16_loops *gm_bf16_best(void);
extern const gm_bf16_loops gm_bf16_avx512;

#endif
