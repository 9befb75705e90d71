/* SPDX-License-Identifier: MIT
 *
 * graph.h -- tensors as expressions.
 *
 * You build an immutable graph of expressions once; nothing is computed yet. Shapes are inferred
 * and checked at once. Gradients are expressions too, so gradients of gradients need no special
 * support. Then you compile the outputs that you need into a step and run the step as often as you
 * like; a run allocates no memory.
 *
 *	gm_graph *g = gm_graph_new(NULL);
 *	gm_node *w = gm_variable(g, "w", GM_SHAPE(3));
 *	gm_node *loss = gm_mean_all(gm_square(gm_sub(w, gm_scalar(g, 2))));
 *	gm_node *dw;
 *	gm_grad(loss, &w, 1, &dw);
 *	gm_node *update = gm_assign(w, gm_sub(w, gm_mul(dw, gm_scalar(g, .1))));
 *	gm_step *s = gm_compile(g, loss, update);
 *	if (!s)
 *		fprintf(stderr, "%s\n", gm_graph_error(g)->message);
 *	for (int i = 0; s && i < 100; i++)
 *		gm_step_run(s);
 *	printf("%g\n", gm_step_scalar(s, loss));
 *	gm_graph_free(g);
 *
 * Errors. No constructor returns NULL and none needs a check. The graph stores the first error with
 * the scope where it happened ("G/8x8: conv: x has 512 channels, weight expects 256"). The
 * constructor then returns a poison node, and so does every expression that reads it; gm_compile
 * returns NULL, and gm_graph_error has the message.
 *
 * Ownership. The graph owns its nodes, the memory of its variables and inputs, and its steps:
 * gm_graph_free frees all.
 *
 * Shapes. Images are [N,C,H,W] everywhere, whatever the layout in the backend. Convolution weights
 * are [out, in/groups, kh, kw]. Two operands broadcast by NumPy's rules. Negative axes count from
 * the end.
 *
 * Threads. A graph, its steps and everything made from it (nets, runs) may be used by one thread at
 * a time. Several threads may each use their own graphs; graphs share only the pool of OpenMP
 * threads and oneDNN's engine, which are thread-safe. A step uses as many threads as OpenMP gives
 * the caller (OMP_NUM_THREADS).
 *
 * Types. All real values of a graph have one type (float; or double, for exact comparisons); labels
 * and indices are 32-bit integers. A comparison returns a real 0 or 1.
 */
#ifndef GANYMEDE_GRAPH_H
#define GANYMEDE_GRAPH_H

#include "ganymede/base.h"

GM_BEGIN_C

#define GM_MAX_RANK 6

typedef enum gm_dtype { GM_F32, GM_F64, GM_I32 } gm_dtype;

typedef struct gm_shape {
	int rank; /* 0: a scalar */
	int64_t dim[GM_MAX_RANK];
} gm_shape;

/* GM_SHAPE(n, c, h, w): at most GM_MAX_RANK sizes; GM_RANK0: a scalar. */
#define GM_SHAPE(...)                                                                              \
	((gm_shape){(int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), {__VA_ARGS__}})
#define GM_RANK0 ((gm_shape){0})

typedef struct gm_graph gm_graph;
typedef struct gm_node gm_node;
typedef struct gm_step gm_step;

/* ---- the graph ------------------------------------------------------------------------------- */

typedef struct gm_graph_options {
	gm_dtype real;       /* GM_F32 (default) or GM_F64 */
	uint64_t seed;       /* of every random op in the graph */
	const char *backend; /* "onednn", "ref"; NULL: GANYMEDE_BACKEND, else onednn */
	/* compare every instruction with its scalar definition; also GANYMEDE_CHECK=1 */
	bool check;
	bool profile; /* time every instruction; also GANYMEDE_PROFILE=1 */
	/* f32 matrix products and convolutions round their operands to bf16, if backend and
	 * processor support it: gm_graph_bf16 */
	bool bf16;
	/* How algorithms for convolutions are chosen. NULL or "off": by rule. "on": the fastest on
	 * this machine, measured when a step is compiled and stored in the cache folder. "again":
	 * measured even if stored. "known": stored results only, no measurements. */
	const char *tune;
	const char *tuned; /* choices to use first, as returned by gm_graph_tuned; may be NULL */
	/* Data parallelism: `ranks` processes have the same graph, each with its share of the rows
	 * of a batch; this process is number `rank`. ranks 0: one process. */
	int rank, ranks;
} gm_graph_options;

/* o may be NULL. Returns NULL if out of memory. */
GM_API gm_graph *gm_graph_new(const gm_graph_options *o);
GM_API void gm_graph_free(gm_graph *g);
GM_API const gm_error *gm_graph_error(const gm_graph *g); /* code GM_OK: no error */

/* True if bf16 was requested and is supported: steps compiled from now on multiply bf16 operands.
 * Sums, results and variables stay f32. */
GM_API bool gm_graph_bf16(const gm_graph *g);

/* The choices of tuning for this graph's steps so far: "KEY=WAY;KEY=WAY;". A new graph that gets
 * them (options.tuned) compiles the same steps whatever the cache contains. Valid until the next
 * compilation. */
GM_API const char *gm_graph_tuned(gm_graph *g);

/* Sets the graph's error to "out of memory" and returns a poison node. The library does this when
 * an allocation fails: building and compiling then end with GM_ERR_MEMORY, and the graph can be
 * freed. */
GM_API gm_node *gm_graph_no_memory(gm_graph *g);

/* Scope names for messages, profiles and variable names: push "G", push "8x8". */
GM_API void gm_scope_push(gm_graph *g, const char *name);
GM_API void gm_scope_pop(gm_graph *g);

/* The state of random ops: their values are a pure function of (seed, node, number of runs, index).
 * Restore seed and runs to repeat them. */
GM_API void gm_graph_seed(gm_graph *g, uint64_t seed, uint64_t runs);
GM_API uint64_t gm_graph_runs(const gm_graph *g); /* gm_step_run calls so far, of all steps */

/* With several ranks, a random tensor [n,...] is a part of one [ranks n,...] tensor: rank k has
 * rows k n .. (k+1) n - 1, so that N ranks together draw the same values as one process would.
 * gm_graph_part sets which part the next runs draw; the default is gm_graph_options.rank.
 * Permutations and scalars are equal on all ranks. */
GM_API int gm_graph_ranks(const gm_graph *g); /* 1: a single process */
GM_API void gm_graph_part(gm_graph *g, int rank);

GM_API gm_graph *gm_node_graph(const gm_node *x);
GM_API gm_shape gm_node_shape(const gm_node *x);
GM_API gm_dtype gm_node_dtype(const gm_node *x);
GM_API bool gm_node_is_value(const gm_node *x); /* real, and not an effect */
GM_API int64_t gm_node_size(const gm_node *x);  /* elements */
/* true if x is the constant 0: the result of gm_grad if the loss does not depend on an input */
GM_API bool gm_node_is_zero(const gm_node *x);
GM_API const char *gm_node_name(const gm_node *x); /* a variable's or input's name, "" for others */

/* ---- leaves ---------------------------------------------------------------------------------- */

/* A variable lives as long as the graph and keeps its value between runs; it is initialised to
 * zeros. Its full name is scope/name and must be unique. An input is set by gm_set_* before a
 * run. */
GM_API gm_node *gm_variable(gm_graph *g, const char *name, gm_shape shape);
GM_API gm_node *gm_variable_of(gm_graph *g, const char *name, gm_shape shape, gm_dtype dtype);
GM_API gm_node *gm_input(gm_graph *g, const char *name, gm_shape shape, gm_dtype dtype);
/* Copy the value of a variable or input from or to data: row-major, n must be its size. They return
 * false (without an error in the graph) if x is neither a variable nor an input, or n differs. f32
 * and f64 convert between float and double; i32 is for integer tensors such as labels. */
GM_API bool gm_set_f32(gm_node *x, const float *data, int64_t n);
GM_API bool gm_get_f32(const gm_node *x, float *data, int64_t n);
GM_API bool gm_set_f64(gm_node *x, const double *data, int64_t n);
GM_API bool gm_get_f64(const gm_node *x, double *data, int64_t n);
GM_API bool gm_set_i32(gm_node *x, const int32_t *data, int64_t n);
GM_API bool gm_get_i32(const gm_node *x, int32_t *data, int64_t n);

GM_API gm_node *gm_scalar(gm_graph *g, double value);               /* real, rank 0 */
GM_API gm_node *gm_full(gm_graph *g, double value, gm_shape shape); /* real */
/* values are copied */
GM_API gm_node *gm_array(gm_graph *g, const double *values, gm_shape shape, gm_dtype dtype);
GM_API gm_node *gm_iota(gm_graph *g, int64_t n); /* i32 [n]: 0, 1, ... n-1 */

/* ---- elementwise ----------------------------------------------------------------------------- */

GM_API gm_node *gm_neg(gm_node *x);
GM_API gm_node *gm_abs(gm_node *x);
GM_API gm_node *gm_sign(gm_node *x);
GM_API gm_node *gm_exp(gm_node *x);
GM_API gm_node *gm_log(gm_node *x);
GM_API gm_node *gm_sqrt(gm_node *x);
GM_API gm_node *gm_rsqrt(gm_node *x);      /* 1/sqrt(x) */
GM_API gm_node *gm_reciprocal(gm_node *x); /* 1/x */
GM_API gm_node *gm_square(gm_node *x);
GM_API gm_node *gm_sin(gm_node *x);
GM_API gm_node *gm_cos(gm_node *x);
GM_API gm_node *gm_tanh(gm_node *x);
GM_API gm_node *gm_sigmoid(gm_node *x);
GM_API gm_node *gm_softplus(gm_node *x); /* log(1 + exp(x)), without overflow */
GM_API gm_node *gm_erf(gm_node *x);
GM_API gm_node *gm_floor(gm_node *x);
GM_API gm_node *gm_relu(gm_node *x);
GM_API gm_node *gm_leaky_relu(gm_node *x, double slope);

GM_API gm_node *gm_add(gm_node *a, gm_node *b);
GM_API gm_node *gm_sub(gm_node *a, gm_node *b);
GM_API gm_node *gm_mul(gm_node *a, gm_node *b);
GM_API gm_node *gm_div(gm_node *a, gm_node *b);
GM_API gm_node *gm_pow(gm_node *a, gm_node *b); /* a >= 0 */
GM_API gm_node *gm_max(gm_node *a, gm_node *b); /* equal operands share the gradient */
GM_API gm_node *gm_min(gm_node *a, gm_node *b);
GM_API gm_node *gm_less(gm_node *a, gm_node *b); /* 1 where a < b */
GM_API gm_node *gm_equal(gm_node *a, gm_node *b);
GM_API gm_node *gm_select(gm_node *c, gm_node *a, gm_node *b); /* c != 0 ? a : b */
/* With a constant: */
GM_API gm_node *gm_add_c(gm_node *x, double c);
GM_API gm_node *gm_mul_c(gm_node *x, double c);
GM_API gm_node *gm_clamp(gm_node *x, double lo, double hi);

GM_API gm_node *gm_cast(gm_node *x, gm_dtype dtype); /* to i32: towards zero */
GM_API gm_node *gm_stop_gradient(gm_node *x);

/* ---- reductions ------------------------------------------------------------------------------ */

/* Over the axes in the bit set `axes` (GM_AXES(0, 2, 3), GM_ALL). keep: reduced axes stay with size
 * 1, as keepdim in PyTorch. */
#define GM_AXES(...)                                                                               \
	gm_axes_((int[]){__VA_ARGS__}, (int)(sizeof((int[]){__VA_ARGS__}) / sizeof(int)))
#define GM_ALL 0xffffu
GM_API unsigned gm_axes_(const int *axes, int n); /* negative axes count from the end */

GM_API gm_node *gm_sum(gm_node *x, unsigned axes, bool keep);
GM_API gm_node *gm_mean(gm_node *x, unsigned axes, bool keep);
GM_API gm_node *gm_reduce_max(gm_node *x, unsigned axes, bool keep); /* ties share the gradient */
GM_API gm_node *gm_logsumexp(gm_node *x, unsigned axes, bool keep);
/* Biased: divides by the count. */
GM_API gm_node *gm_variance(gm_node *x, unsigned axes, bool keep);
GM_API gm_node *gm_sum_all(gm_node *x); /* rank 0 */
GM_API gm_node *gm_mean_all(gm_node *x);
/* i32, without the axis; the first of equal maxima; no gradient. */
GM_API gm_node *gm_argmax(gm_node *x, int axis);
/* The transpose of broadcasting: sums x over the broadcast axes, down to shape. */
GM_API gm_node *gm_sum_to(gm_node *x, gm_shape shape);

/* ---- products -------------------------------------------------------------------------------- */

/* y[..,i,j] = sum_k a[..,i,k] b[..,k,j]; ta, tb: the last two axes of a, b are swapped. Leading
 * axes broadcast. */
GM_API gm_node *gm_matmul(gm_node *a, gm_node *b, bool ta, bool tb);

typedef struct gm_conv_options {
	int stride[2], dilation[2]; /* 0 means 1; order: height, width */
	int pad[4];                 /* top, left, bottom, right */
	int groups;                 /* 0 means 1 */
} gm_conv_options;

/* Cross-correlation, called convolution in all frameworks. x [N,C,H,W] or [N,C,L] with w
 * [O,C/groups,K]; y [N,O,H',W'], H' = (H + top + bottom - dilation (kh-1) - 1) / stride + 1.
 * conv2d, its _dx and _dw are each other's gradients, because T(x,w,g) = <g, conv(x,w)> is linear
 * in each argument. 1-d uses index 1 of stride and dilation, pad[1] and pad[3]. */
GM_API gm_node *gm_conv2d(gm_node *x, gm_node *w, gm_conv_options o);
/* max(0, conv2d(x, w) + b), b [O], in one pass over y: for inference with trained networks. */
GM_API gm_node *gm_conv2d_relu(gm_node *x, gm_node *w, gm_node *b, gm_conv_options o);
/* transposed convolution */
GM_API gm_node *gm_conv2d_dx(gm_node *g, gm_node *w, gm_shape x, gm_conv_options o);
GM_API gm_node *gm_conv2d_dw(gm_node *x, gm_node *g, gm_shape w, gm_conv_options o);

typedef struct gm_pool_options {
	int kernel[2], stride[2]; /* stride 0: equal to kernel */
	int pad[4];               /* top, left, bottom, right */
	bool count_pad;           /* average pooling: the divisor includes padding */
} gm_pool_options;

/* the first maximum gets the gradient */
GM_API gm_node *gm_max_pool(gm_node *x, gm_pool_options o);
GM_API gm_node *gm_avg_pool(gm_node *x, gm_pool_options o);

/* ---- shape ----------------------------------------------------------------------------------- */

GM_API gm_node *gm_reshape(gm_node *x, gm_shape shape); /* one size may be -1: inferred */
/* axis i of y is axis order[i] of x; order has rank entries */
GM_API gm_node *gm_permute(gm_node *x, const int *order);
GM_API gm_node *gm_transpose(gm_node *x); /* swaps the last two axes */
GM_API gm_node *gm_broadcast(gm_node *x, gm_shape shape);
/* y[i] = x[start + i*step] on every axis; step may be NULL (all 1). size counts elements of y. */
GM_API gm_node *gm_slice(gm_node *x, const int64_t *start, const int64_t *size,
                         const int64_t *step);
/* One axis, one range: x[.., start:start+size, ..]. */
GM_API gm_node *gm_narrow(gm_node *x, int axis, int64_t start, int64_t size);
/* The transpose of gm_slice: zeros of `shape` with x written at start, start+step, ... */
GM_API gm_node *gm_embed(gm_node *x, gm_shape shape, const int64_t *start, const int64_t *step);
/* each has rank entries */
GM_API gm_node *gm_pad_zero(gm_node *x, const int64_t *before, const int64_t *after);
/* last two axes */
GM_API gm_node *gm_pad_reflect(gm_node *x, int top, int left, int bottom, int right);
GM_API gm_node *gm_concat(gm_node *const *x, int n, int axis);
#define GM_CONCAT(axis, ...)                                                                       \
	gm_concat((gm_node *[]){__VA_ARGS__},                                                      \
	          (int)(sizeof((gm_node *[]){__VA_ARGS__}) / sizeof(gm_node *)), axis)
GM_API gm_node *gm_upsample_nearest(gm_node *x, int factor); /* last two axes */
/* half-pixel centres, edges clamped */
GM_API gm_node *gm_upsample_bilinear(gm_node *x, int factor);
/* [N,C r r,H,W] to [N,C,H r,W r], Shi et al. 2016 */
GM_API gm_node *gm_pixel_shuffle(gm_node *x, int r);
GM_API gm_node *gm_pixel_unshuffle(gm_node *x, int r); /* the inverse: space to depth */

/* ---- indices --------------------------------------------------------------------------------- */

/* y[i..,:] = table[index[i..],:]; index is clamped to the table */
GM_API gm_node *gm_gather(gm_node *table, gm_node *index);
/* the transpose of gm_gather: table[index[i..]] += x[i..] */
GM_API gm_node *gm_scatter_add(gm_node *x, gm_node *index, int64_t rows);
GM_API gm_node *gm_one_hot(gm_node *index, int64_t classes); /* real [.., classes] */

/* The words of text, i32 [..,L] (bytes of UTF-8, zeros after the end), as numbers: i32 [..,words].
 * Word k of a text is the FNV-1a hash of its letters (in lower case) and digits, modulo buckets; -1
 * after the last word. Further words are left out. */
GM_API gm_node *gm_words(gm_node *text, int64_t words, int64_t buckets);

/* ---- probabilities --------------------------------------------------------------------------- */

GM_API gm_node *gm_softmax(gm_node *x, int axis);
GM_API gm_node *gm_log_softmax(gm_node *x, int axis);
/* Per element: -t log sigmoid(x) - (1-t) log sigmoid(-x), from logits x without overflow. t
 * broadcasts. */
GM_API gm_node *gm_sigmoid_xent(gm_node *logits, gm_node *target);
/* Per row: -sum_k t_k log softmax(x)_k over the last axis; target is real [..,K] or i32 [..] (class
 * numbers). */
GM_API gm_node *gm_softmax_xent(gm_node *logits, gm_node *target);

/* ---- randomness ------------------------------------------------------------------------------ */

/* Each call creates a new random tensor, even with equal arguments; its values are sampled again at
 * every run of a step. */
GM_API gm_node *gm_uniform(gm_graph *g, gm_shape shape); /* [0,1) */
GM_API gm_node *gm_randn(gm_graph *g, gm_shape shape);   /* mean 0, variance 1 */
/* real 1 with probability p, else 0 */
GM_API gm_node *gm_bernoulli(gm_graph *g, double p, gm_shape shape);
GM_API gm_node *gm_permutation(gm_graph *g, int64_t n); /* i32 [n] */

/* ---- gradients ------------------------------------------------------------------------------- */

/* out[i] = d loss / d wrt[i] as expressions; a loss of any shape is summed. If loss does not depend
 * on wrt[i], the result is zeros of its shape. wrt may be any nodes, not only variables. */
GM_API void gm_grad(gm_node *loss, gm_node *const *wrt, int n, gm_node **out);
/* Vector-Jacobian product with a cotangent dy of y's shape: out[i] = sum over y of dy *
 * dy/dwrt[i]. */
GM_API void gm_vjp(gm_node *y, gm_node *dy, gm_node *const *wrt, int n, gm_node **out);

/* Copies of expressions with some nodes substituted, as new expressions of the same graph. */
typedef struct gm_clone_options {
	gm_node *const *from,
		*const *to; /* n pairs of equal shape and type: to[i] is read instead of from[i] */
	int n;
	/* copy in inference mode: the infer side of every gm_by_mode, without the effects of
	 * gm_after. So the copy of a net does not update running statistics when it is part of a
	 * training step. */
	bool infer;
	/* pairs may have other sizes, though not another rank: the copies' shapes are inferred
	 * anew, as far as operations do not fix them (gm_reshape does) */
	bool resize;
} gm_clone_options;
/* out[i] is y[i] with the substitutions. Nodes that depend on no substituted node are shared, not
 * copied; copied random nodes have the same values as the originals. GM_ERR_SHAPE in the graph if a
 * pair has different shapes. */
GM_API void gm_clone(gm_node *const *y, int n, const gm_clone_options *o, gm_node **out);

/* ---- effects and modes ----------------------------------------------------------------------- */

/* In one run, every read of a variable sees its value from before the run; all assignments take
 * effect together at the end. Returns the effect, a node to compile or to pass to gm_after; it has
 * no value. Two different assignments of one variable in one step are an error of compilation. */
GM_API gm_node *gm_assign(gm_node *variable, gm_node *value);
/* Returns y; a training step that computes it also executes effect. */
GM_API gm_node *gm_after(gm_node *y, gm_node *effect);
GM_API gm_node *gm_group(gm_graph *g, gm_node *const *effects, int n); /* combines effects */
/* `train` in steps compiled for training, `infer` in steps compiled for inference, for dropout and
 * batch norm. Both have the same shape. */
GM_API gm_node *gm_by_mode(gm_node *train, gm_node *infer);

/* ---- ranks ----------------------------------------------------------------------------------- */

/* The mean of x over the ranks (all-reduce), equal on each of them; x itself with one rank or in
 * steps for inference. Differentiable. Rule for a loss on N ranks: wherever a nonlinear function
 * reads a mean over the batch, apply gm_rank_mean to this mean. Gradients need no gm_rank_mean:
 * optimisers average them. */
GM_API gm_node *gm_rank_mean(gm_node *x);
/* As gm_rank_mean, for values that are read only at the end of a step: they are collected into one
 * message, which is sent while the step computes. */
GM_API gm_node *gm_rank_mean_later(gm_node *x);

/* ---- compile and run ------------------------------------------------------------------------- */

typedef struct gm_compile_options {
	bool infer; /* take the infer side of gm_by_mode */
	/* nreplace pairs: to[i] is read instead of from[i] (moving averages instead of weights, an
	 * input instead of noise) */
	gm_node *const *from, *const *to;
	int nreplace;
	/* no reuse of memory: every intermediate value can be read after a run (debugging) */
	bool keep_arena;
} gm_compile_options;

/* Outputs are values to read later and effects to execute. NULL on error: see gm_graph_error. The
 * graph owns the step. */
#define gm_compile(g, ...)                                                                         \
	gm_compile_nodes(g, (gm_node *[]){__VA_ARGS__},                                            \
	                 (int)(sizeof((gm_node *[]){__VA_ARGS__}) / sizeof(gm_node *)), NULL)
GM_API gm_step *gm_compile_nodes(gm_graph *g, gm_node *const *outputs, int n,
                                 const gm_compile_options *o);
/* frees a step before its graph, to save memory; NULL is allowed */
GM_API void gm_step_free(gm_step *s);

/* Computes all outputs and executes all effects. Allocates nothing. The steps of a graph share the
 * memory of intermediate values, so only one may run at a time. */
GM_API void gm_step_run(gm_step *s);

/* Copies the value of output y after a run; row-major. False if y is not an output of the step or n
 * is not its size. */
GM_API bool gm_step_read(const gm_step *s, const gm_node *y, float *data, int64_t n);
GM_API bool gm_step_read_f64(const gm_step *s, const gm_node *y, double *data, int64_t n);
/* value of a rank-0 output; NaN if y is not one */
GM_API double gm_step_scalar(const gm_step *s, const gm_node *y);

typedef struct gm_step_info {
	int instructions;
	/* instructions without a kernel in this backend, run by their scalar definition */
	int fallbacks;
	bool profiled;       /* gm_step_profile has data */
	int64_t arena_bytes; /* memory of intermediate values and scratch */
	int64_t runs;        /* since compile */
	/* of one run: 2 per multiply-add of matmul and convolution, all else not counted */
	double flops;
} gm_step_info;

GM_API gm_step_info gm_step_describe(const gm_step *s);
/* A text table of all instructions with their share of time, bytes and FLOPs since compilation;
 * needs option profile. The caller frees it with free(). */
GM_API char *gm_step_profile(const gm_step *s);
/* The first error of any run: an instruction that failed in a library; with option check also one
 * that differs from its scalar definition or produced a NaN. NULL: no error so far. */
GM_API const char *gm_step_check(const gm_step *s);

GM_END_C

#endif
