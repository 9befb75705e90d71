/* SPDX-License-Identifier: MIT
 *
 * graph/plan.h -- compiling a step, as backends see it.
 *
 * The compiler resolves modes and replacements, lowers what the backend has no kernel for, and
 * groups nodes into units: a unit is one node with a kernel of its own (a convolution), or many
 * elementwise nodes and reductions over one iteration domain, computed in one pass over memory (a
 * tape). It then asks the backend's planners, in order, to emit instructions for each unit, and
 * lays all buffers into one arena by their lifetimes.
 *
 * Where a value lies is the backend's secret: a gm_val is a strided view of a buffer, so a
 * channels-last picture is a buffer with other strides, and reshape, permute, slice and broadcast
 * usually cost nothing.
 */
#ifndef GM_GRAPH_PLAN_H
#define GM_GRAPH_PLAN_H

#include "graph/internal.h"

typedef enum gm_tune { GM_TUNE_OFF, GM_TUNE_KNOWN, GM_TUNE_ON, GM_TUNE_AGAIN } gm_tune;

typedef struct gm_plan gm_plan;
typedef struct gm_inst gm_inst;

typedef struct gm_buf {
	size_t bytes;
	int first, last; /* instructions that touch it; last is INT_MAX for outputs */
	size_t offset;   /* in the arena */
	/* set from the start for storage outside the arena, else when the arena exists */
	void *ptr;
	bool outside;
} gm_buf;

typedef struct gm_val {
	gm_buf *buf;
	int64_t offset; /* elements from buf->ptr */
	int64_t stride[GM_MAX_RANK];
	gm_dtype dtype;
} gm_val;

struct gm_inst {
	const char *kind; /* for profiles: "conv nhwc", "tape" */
	void (*run)(const gm_inst *in, gm_step *s);
	void *ctx;              /* in the step's arena */
	void (*end)(void *ctx); /* frees what ctx holds outside the arena, or NULL */
	gm_node **node;         /* the nodes that it computes; for names and checks */
	gm_val *made;           /* their locations */
	int nnode;
	double flops, bytes; /* of one run */
	double seconds;      /* so far, when profiled */
	bool fallback;
	double rounding; /* relative rounding of operands before multiplication; 0: none */
};

#define GM_BF16_ROUNDING 0x1p-8

typedef struct gm_unit {
	/* members in order; a tape may hold copies of nodes that have their home in another unit */
	gm_node **node;
	int n, cap;
	bool tape;
	gm_shape domain; /* of a tape */
	gm_node **leaf;  /* values read from outside, before views: what the unit waits for */
	int nleaf, leafcap;
	int id, key;
	/* bit set of the units that must have run, `words` of it: later ones are not in it */
	uint64_t *before;
	int words;
	bool awaited; /* in the set of some other unit */
	struct gm_unit **after,
		*merged; /* direct predecessors; the unit it was merged into, or NULL */
	int nafter, aftercap;
} gm_unit;

typedef struct gm_backend {
	const char *name;
	bool fuses; /* takes tapes */
	bool views; /* takes views as strides; else they are instructions */
	/* true if there is a kernel for y; if not, y is lowered if possible */
	bool (*has)(const gm_node *y);
	bool (*const *planner)(
		gm_plan *p,
		gm_unit *u); /* NULL-ended; the scalar definition comes after the last */
	void (*copy)(gm_plan *p, gm_shape s, gm_val x,
	             gm_val y); /* emits y = x, any strides; needed with views */
	bool (*bf16)(void);     /* true if bf16 products are supported on this machine; NULL: no */
} gm_backend;

/* Backends by name; NULL if there is none such. */
const gm_backend *gm_backend_find(const char *name);

/* ---- for planners ---------------------------------------------------------------------------- */

gm_arena *gm_plan_arena(gm_plan *p); /* lives as long as the step */
gm_graph *gm_plan_graph(gm_plan *p);
/* Whether products and convolutions of floats take operands rounded to bf16. */
bool gm_plan_bf16(const gm_plan *p);
gm_tune gm_plan_tune(const gm_plan *p);
/* The way chosen for `key` before, in this graph or in what it was given, or NULL; and noting
 * one. */
const char *gm_plan_tuned(gm_plan *p, const char *key);
void gm_plan_note_tuned(gm_plan *p, const char *key, const char *way);
/* Reports why a planner failed (memory, an error of a library); compilation then returns NULL. */
void gm_plan_fail(gm_plan *p, const gm_unit *u, const char *fmt, ...) GM_PRINTF(3, 4);

/* The location of x's value, through views. May emit a copy if a reshape cannot be expressed by
 * strides. */
gm_val gm_plan_value(gm_plan *p, gm_node *x);
/* As gm_plan_value, but packed with axes in `order` (outermost first; NULL: unchanged); copied if
 * necessary. */
gm_val gm_plan_value_as(gm_plan *p, gm_node *x, const int *order);
/* Room for y, packed in `order`. Set before the unit's instruction is emitted. */
gm_val gm_plan_place(gm_plan *p, gm_node *y, const int *order);
/* Sets the location of y without allocation: a variable's storage or another node's buffer. */
void gm_plan_place_at(gm_plan *p, gm_node *y, gm_val v);
bool gm_plan_placed(gm_plan *p, gm_node *y);
/* True if another unit or the caller reads member y of tape u, so that it must be written to
 * memory. */
bool gm_plan_needed(gm_plan *p, const gm_unit *u, gm_node *y);
/* Scratch memory that lives for the next emitted instruction only. */
gm_buf *gm_plan_scratch(gm_plan *p, size_t bytes);
/* Scratch memory for each of `threads` threads, `bytes` each, *stride bytes from each other. Each
 * thread uses the same memory in all instructions, so it stays in its core's caches. */
gm_buf *gm_plan_thread_scratch(gm_plan *p, size_t bytes, int threads, size_t *stride);
gm_buf *gm_plan_buffer(gm_plan *p, size_t bytes);
/* A cached buffer under a key of the planner's choosing (a reordered weight), or NULL. */
void *gm_plan_recall(gm_plan *p, const void *key, size_t n);
void gm_plan_remember(gm_plan *p, const void *key, size_t n, void *value);
/* Appends the instruction. reads and writes name every buffer that it touches besides its
 * scratch. */
gm_inst *gm_plan_emit(gm_plan *p, gm_inst in, gm_buf *const *bufs, int nbuf);
/* The scalar definition as an instruction: converts to double, evaluates, converts back. */
bool gm_plan_eval(gm_plan *p, gm_unit *u);

bool gm_val_packed(gm_val v, gm_shape s, const int *order);
void gm_order_strides(gm_shape s, const int *order, int64_t stride[GM_MAX_RANK]);
static inline void *gm_val_ptr(const gm_val *v)
{
	return (char *)v->buf->ptr + v->offset * (v->dtype == GM_F64 ? 8 : 4);
}

/* y = x, any strides, by the backend; false where it has no such thing, and all values are
 * packed. */
bool gm_plan_copy(gm_plan *p, gm_shape s, gm_val x, gm_val y);
const gm_backend *gm_plan_backend(const gm_plan *p);
gm_step *gm_plan_step(gm_plan *p);

/* Means over ranks, in exchange.c. */
typedef struct gm_exchange gm_exchange;
gm_exchange *gm_exchange_new(gm_plan *p);
/* Waits for what u reads; true when u is a mean over ranks, which is then emitted. */
bool gm_exchange_unit(gm_plan *p, gm_exchange *x, gm_unit *u);
void gm_exchange_end(gm_plan *p, gm_exchange *x); /* after the last unit */

/* ---- the step -------------------------------------------------------------------------------- */

struct gm_step {
	gm_graph *graph;
	gm_arena *own; /* everything below */
	char *memory;  /* the planned arena */
	size_t memory_bytes;
	gm_inst *inst;
	int ninst, cap;
	struct gm_output {
		gm_node *asked; /* what the caller named */
		gm_node *node;  /* what it resolved to */
		gm_val val;
	} * out;
	int nout;
	double flops;
	int threads;        /* that it was compiled for and runs on; 0: all there are */
	uint64_t seed, run; /* of the run in progress */
	int rank;           /* of the graph, in the run in progress */
	bool exchanges;     /* has means over ranks */
	bool profile, check;
	int64_t runs;
	char *complaint; /* of check */
	/* of check: where every placed node lies, by node number; buf NULL elsewhere */
	gm_val *where;
	int nwhere;
	gm_step *next, **link; /* among the graph's steps */
};

/* Stores the first error of a run for gm_step_check. */
void gm_step_complain(gm_step *s, const gm_inst *in, const char *what);
/* Runs `in` and compares what it wrote with the scalar definition: replaces in->run when
 * checking. */
void gm_step_check_inst(gm_step *s, gm_inst *in);

/* The fusing of nodes into units and their order: plan_units.c. */
typedef struct gm_units {
	gm_unit **unit; /* in the order to run */
	int n;
	gm_unit **home; /* by node number: where it is computed; NULL for leaves and views */
	char *needed;   /* by node number: read from outside its home */
} gm_units;

/* nodes: reachable, inputs before readers, assigns among them. must[id]: asked for by the
 * caller. */
gm_units gm_plan_units(gm_arena *a, const gm_backend *b, gm_node *const *nodes, int n, int count,
                       const char *must);
gm_node *gm_plan_root(const gm_backend *b, gm_node *x); /* x with views removed */

#endif
