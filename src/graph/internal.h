/* SPDX-License-Identifier: MIT
 *
 * graph/internal.h -- the graph interface for ops and backends: op block, node, helpers.
 *
 * How to add an op: docs/adding-an-op.md.
 */
#ifndef GM_GRAPH_INTERNAL_H
#define GM_GRAPH_INTERNAL_H

#include "ganymede/graph.h"
#include "base/arena.h"

typedef struct gm_op gm_op;

/* Inputs and run-time values of a scalar definition. */
typedef struct gm_eval {
	const double *const *x; /* inputs, row-major, all as double whatever their type */
	double *y;              /* output, row-major */
	uint64_t seed, run;     /* of the random ops */
	int rank;               /* rank: selects the part of the rows of random ops */
} gm_eval;

enum gm_op_flags {
	GM_OP_ELEMENTWISE = 1, /* y[i] depends on the (broadcast) inputs at i only; has scalar */
	GM_OP_REDUCE = 2,      /* attribute begins with gm_reduce_attr */
	GM_OP_VIEW = 4,        /* moves no value: reshape, permute, slice, broadcast */
	GM_OP_LEAF = 8,        /* variable, input, constant: storage, never an instruction */
	GM_OP_EFFECT = 16,     /* has no value */
	GM_OP_RANDOM = 32,     /* reads (seed, run) */
	GM_OP_ZERO_IN = 64,    /* where any input is the constant 0, so is the result */
};

/* Everything about one operation, in one block. */
struct gm_op {
	const char *name, *math; /* "y[n,o] = sum_c x[n,c] * w[o,c]" */
	unsigned flags;
	/* Shape rule: sets y->shape and y->dtype, or returns gm_node_fail. */
	bool (*infer)(gm_node *y);
	/* Scalar definition: the reference for all backends. */
	void (*eval)(const gm_node *y, const gm_eval *e);
	/* Elementwise ops: one element of the result, x[k] being input k's. */
	double (*scalar)(const gm_node *y, const double *x);
	/* Gradient, written in ops; dx[k] stays NULL where there is none. */
	void (*vjp)(gm_node *y, gm_node *dy, gm_node *dx[]);
	/* Equivalent expression in simpler ops, or NULL. */
	gm_node *(*lower)(const gm_node *y);
	/* Views: computes y's strides over x's memory from x's (and adds to the offset, in
	 * elements); false if x must be packed. */
	bool (*view)(const gm_node *y, const int64_t *x_stride, int64_t *y_stride, int64_t *offset);
	/* The i-th expression that tests it; NULL past the last. */
	gm_node *(*sample)(gm_graph *g, int i);
	/* Error of one result beyond rounding, in ulps of the result's scale (default 2). */
	double ulps;
	/* How many terms are summed into one result (default 1). */
	int64_t (*terms)(const gm_node *y);
	/* Needed multiply-adds times 2, or NULL. */
	double (*flops)(const gm_node *y);
	/* The gradient has jumps (max, relu): tests keep away from ties, and the second derivative
	 * in x may be zero almost everywhere. */
	bool rough;
};

/* The index of all ops: GM_OP_add is its number, gm_op_add its block. */
enum gm_op_id {
#define GM_OP(name) GM_OPID_##name,
#include "ops/ops.def"
#undef GM_OP
	GM_OP_COUNT
};
#define GM_OP(name) extern const gm_op gm_op_##name;
#include "ops/ops.def"
#undef GM_OP
extern const gm_op *const gm_ops[GM_OP_COUNT];

struct gm_node {
	const gm_op *op;
	int opid;
	gm_graph *graph;
	gm_shape shape;
	gm_dtype dtype;
	int id; /* creation order: inputs come before their readers */
	int nin;
	gm_node **in;
	void *attr; /* op's own struct, zero-padded, compared bytewise */
	size_t attr_size;
	const char *scope; /* "G/8x8", where it was built */
	bool poison;       /* a failed expression */
	uint64_t hash;
	gm_node *next; /* in its hash bucket */
};

/* A variable's or input's storage: attribute of gm_op_variable and gm_op_input. */
typedef struct gm_storage {
	char *name;
	void *data; /* row-major, 64-byte aligned; type of the node */
	size_t bytes;
	gm_shape shape;
	gm_dtype dtype;
	gm_node *node;
	struct gm_storage *next;   /* all of the graph's */
	struct gm_storage *bucket; /* others whose name has the same hash */
} gm_storage;

bool gm_is_storage(const gm_node *x); /* a variable or an input */
gm_storage *gm_node_storage(const gm_node *x);

/* ---- for constructors ---- */

/* The node op(in...; attr), made or found: equal nodes are one. attr may be NULL. If an input is
 * poison, so is the result; if infer refuses, the graph's error is set. Never NULL. */
gm_node *gm_node_new(gm_graph *g, int opid, gm_node *const *in, int nin, const void *attr,
                     size_t attr_size);
/* Records the first error of the graph, with scope and op name, and returns false: for infer. */
bool gm_node_fail(gm_node *y, gm_code code, const char *fmt, ...) GM_PRINTF(3, 4);
/* As gm_node_fail, for constructors that fail before the node exists; returns a poison node. */
gm_node *gm_poison(gm_graph *g, const char *op, gm_code code, const char *fmt, ...) GM_PRINTF(4, 5);

/* The stream number of a new random node: 1, 2, ... in order of creation. */
uint32_t gm_graph_stream(gm_graph *g);
gm_arena *gm_graph_arena(gm_graph *g); /* lives as long as the graph */
/* Whether x is the constant c everywhere. */
bool gm_is_constant(const gm_node *x, double c);
bool gm_is_real(gm_dtype t);

/* ---- shapes ---- */

int64_t gm_shape_size(gm_shape s);
bool gm_shape_equal(gm_shape a, gm_shape b);
/* NumPy's rule; false when they do not fit. */
bool gm_shape_broadcast(gm_shape a, gm_shape b, gm_shape *out);
/* "[64,3,28,28]" in one of a few static rotating buffers per thread: for messages only. */
const char *gm_shape_text(gm_shape s);
/* Row-major strides of s; broadcast axes (size 1 against out) get stride 0 when aligned to
 * `out`. */
void gm_shape_strides(gm_shape s, int64_t stride[GM_MAX_RANK]);
void gm_shape_strides_to(gm_shape s, gm_shape out, int64_t stride[GM_MAX_RANK]);
/* A negative axis counted from the end; -1 when out of range. */
int gm_axis(int axis, int rank);
/* The bit set with negative axes resolved for this rank (GM_ALL: every axis). */
unsigned gm_axes_resolve(unsigned axes, int rank);

size_t gm_dtype_size(gm_dtype t);
gm_dtype gm_graph_real(const gm_graph *g); /* GM_F32 or GM_F64 */

typedef struct gm_constant_attr {
	double value;
	gm_shape shape;
	gm_dtype dtype;
	int zero; /* padding, so that attributes compare bytewise */
} gm_constant_attr;

typedef struct gm_reduce_attr {
	unsigned axes; /* resolved bit set */
	int keep;
} gm_reduce_attr;

/* ---- for sample(): leaves with test values, uniform in [lo, hi), the same in every graph ----- */

gm_node *gm_sample_real(gm_graph *g, gm_shape s, double lo, double hi);
gm_node *gm_sample_i32(gm_graph *g, gm_shape s, int lo, int hi);
/* Values all different and at least 0.05 apart, shuffled, around 0: for ops with ties and kinks. */
gm_node *gm_sample_distinct(gm_graph *g, gm_shape s);

/* Philox words for element index of a random node (stream) at this run. Four words serve elements
 * 4k..4k+3. */
void gm_random_words(uint64_t seed, uint64_t run, uint32_t stream, uint64_t block, uint32_t out[4]);

#endif
