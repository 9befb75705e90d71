/* SPDX-License-Identifier: MIT
 *
 * tape.h -- many elementwise operations and reductions in one pass over memory.
 *
 * A program runs over a domain of n elements, numbered in its iteration order, tile by tile. A tile
 * is a run of `tile` elements that stays in the first-level cache while all operations work on it.
 * Registers are tiles: operands that are packed in iteration order are used in place, others
 * are gathered first; operands that repeat every `tile` elements (a channel's mean) are gathered
 * once.
 *
 * Reductions accumulate in tiles of partial sums, in chunks whose number depends only on the size,
 * so the result does not depend on the number of threads.
 */
#ifndef GM_ONEDNN_TAPE_H
#define GM_ONEDNN_TAPE_H

#include "graph/plan.h"

enum {
	TAPE_MAX_DIMS = GM_MAX_RANK,
	TAPE_MAX_REGS = 96,
	TAPE_TILE = 512,
	TAPE_MAX_TILE = 2048,
	TAPE_CHUNKS = 16
};

typedef enum tape_code {
#define TAPE1(name, expression) TAPE_##name,
#define TAPE2(name, expression) TAPE_##name,
#include "backends/cpu/tape.def"
#undef TAPE1
#undef TAPE2
	TAPE_select,
	TAPE_leaky_relu,
	TAPE_copy,
	TAPE_trunc, /* real to integer, kept as float until stored */
	/* several operations in one pass over the tiles; x and y are single numbers */
	TAPE_mul_add,    /* a b + c */
	TAPE_mix,        /* x a + y b */
	TAPE_mix_square, /* x a + y b^2 */
	TAPE_descend,    /* a - x b / (sqrt(c) + y): Adam's step */
	TAPE_CODES
} tape_code;

/* A strided walk through memory in iteration order, collapsed for this operand alone. */
typedef struct tape_walk {
	int nd;
	int64_t size[TAPE_MAX_DIMS], stride[TAPE_MAX_DIMS];
} tape_walk;

typedef enum tape_kind {
	TAPE_SCRATCH, /* result of an operation */
	TAPE_DENSE,   /* float memory in iteration order */
	TAPE_SCALAR,  /* one element */
	TAPE_HELD,    /* repeats with the tile: gathered once */
	TAPE_GATHER   /* gathered for every tile */
} tape_kind;

typedef struct tape_reg {
	tape_kind kind;
	gm_val val; /* memory operand */
	tape_walk walk;
	int slot; /* tile in scratch, where it needs one */
} tape_reg;

typedef struct tape_op {
	tape_code code;
	int dst, a, b, c;
	int x, y; /* registers of single numbers */
	float imm;
} tape_op;

typedef struct tape_store {
	int reg;
	gm_val val;
	tape_walk walk;
	bool dense; /* float, in iteration order */
} tape_store;

typedef enum tape_fold {
	TAPE_PERIODIC, /* the innermost `kept` elements are kept: whole tiles are added */
	TAPE_OUTER,    /* the outermost dimension is kept: chunks split it and own their results */
	TAPE_ANY       /* every chunk has its own copy of all results */
} tape_fold;

typedef struct tape_reduce {
	int reg;
	bool max;
	tape_fold fold;
	int64_t kept;    /* results */
	tape_walk walk;  /* of the results over the domain: reduced dimensions have stride 0 */
	gm_val val;      /* packed */
	gm_buf *partial; /* chunks x (tile or kept) floats */
} tape_reduce;

typedef struct tape {
	int64_t n, tile;
	int64_t unit; /* chunks are cut at multiples of this */
	int chunks;
	bool serial; /* too small to share */
	int nreg, nop, nstore, nreduce, slots;
	tape_reg *reg;
	tape_op *op;
	tape_store *store;
	tape_reduce *reduce;
	gm_buf *scratch; /* slots x tile floats of each thread, */
	size_t stride;   /* bytes */
	int threads;
} tape;

/* One chunk of the program with this thread's scratch; one for each instruction set. */
typedef void tape_runner(const tape *t, int chunk, float *scratch);

bool gm_tape_planner(gm_plan *p, gm_unit *u);
void gm_tape_copy(gm_plan *p, gm_shape s, gm_val x, gm_val y);

#endif
