/* SPDX-License-Identifier: MIT
 *
 * graph.h -- tensors as expressions.
 *
 * You build an immutable graph of expressions once; nothing is computed while you do. Shapes are inferred and checked as
 * you write them. Gradients are expressions too, so gradients of gradients need nothing special. Then you compile the
 * outputs that you want into a step and run the step as often as you like; a run allocates nothing.
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
 * Errors. No constructor returns NULL and none needs a check. The first failure is kept in the graph together with the
 * scope where it happened ("G/8x8: conv: x has 512 channels, weight expects 256"); a poison node flows on; gm_compile
 * returns NULL and gm_graph_error says what and where.
 *
 * Ownership. The graph owns its nodes, the storage of its variables and inputs, and its steps: gm_graph_free ends all.
 *
 * Shapes. Pictures are [N,C,H,W] everywhere, whatever order the backend keeps them in. Weights of a convolution are
 * [out, in/groups, kh, kw]. Two operands broadcast by NumPy's rule: aligned at the last axis, 1 stretches. Axes may be
 * negative, counted from the end.
 *
 * Threads. A graph, its steps and whatever was made from it (nets, runs) belong to one thread at a time. Several threads
 * may each work on graphs of their own; nothing is shared between graphs but the pool of OpenMP threads and oneDNN's
 * engine, both of which allow it. A step uses as many threads as OpenMP gives the caller (OMP_NUM_THREADS).
 *
 * Types. A graph computes in one real type (float; double where exactness is studied); labels and indices are 32-bit
 * integers. A comparison gives a real 0 or 1.
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

/* GM_SHAPE(n, c, h, w): at most GM_MAX_RANK sizes; GM_RANK0 is the scalar's. */
#define GM_SHAPE(...)                                                                              \
	((gm_shape){(int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), {__VA_ARGS__}})
#define GM_RANK0 ((gm_shape){0})

typedef struct gm_graph gm_graph;
typedef struct gm_node gm_node;
typedef struct gm_step gm_step;

/* ---- the graph ---------------------------------------------------------------------------------------------------- */

typedef struct gm_graph_options {
	gm_dtype real;       /* GM_F32 (default) or GM_F64 */
	uint64_t seed;       /* of every random op in the graph */
	const char *backend; /* "onednn", "ref"; NULL: GANYMEDE_BACKEND, else onednn */
	bool check;          /* compare every instruction with its definition; GANYMEDE_CHECK=1 */
	bool profile;        /* time every instruction; GANYMEDE_PROFILE=1 */
	bool bf16; /* products and convolutions of f32 round their operands to bf16, where the
	                        backend and the processor can: gm_graph_bf16 */
	/* How convolutions are computed: NULL or "off": by rule; "on": by the fastest way on this machine, measured when a step
	 * is compiled and kept in the cache folder; "again": measured even where that is known; "known": without measuring. */
	const char *tune;
	const char *tuned; /* choices to take first, as gm_graph_tuned told them; may be NULL */
	/* The graph is the same in `ranks` processes, each with its share of a batch's rows; this is number `rank` of them. 0:
	 * there is one. */
	int rank, ranks;
} gm_graph_options;

/* o may be NULL. NULL when memory is out. */
GM_API gm_graph *gm_graph_new(const gm_graph_options *o);
GM_API void gm_graph_free(gm_graph *g);
GM_API const gm_error *gm_graph_error(const gm_graph *g); /* code GM_OK while all is well */

/* Whether steps compiled from now on multiply bf16 numbers: asked for, and there. Sums, results and variables are f32. */
GM_API bool gm_graph_bf16(const gm_graph *g);

/* The choices that tuning made or took for this graph's steps so far: "KEY=WAY;KEY=WAY;". Handed to a new graph, they make
 * the same steps whatever the cache has come to hold. Until the next compilation. */
GM_API const char *gm_graph_tuned(gm_graph *g);

/* Names the part of the model that is being built, for messages, profiles and variable names: push "G", push "8x8". */
GM_API void gm_scope_push(gm_graph *g, const char *name);
GM_API void gm_scope_pop(gm_graph *g);

/* The random state: numbers are a pure function of (seed, node, runs so far, index). Restore both to replay. */
GM_API void gm_graph_seed(gm_graph *g, uint64_t seed, uint64_t runs);
GM_API uint64_t gm_graph_runs(const gm_graph *g); /* gm_step_run calls so far, over all steps */

/* Random sources of rank 1 and more are rows of one that all ranks share: rank k's [n,...] is rows k n .. (k+1) n - 1 of
 * [ranks n,...], so that N ranks draw together what one alone would have drawn. Which part the next runs draw; from the
 * start that of gm_graph_options. Permutations and scalars are the same on all ranks. */
GM_API int gm_graph_ranks(const gm_graph *g); /* 1 where there is one */
GM_API void gm_graph_part(gm_graph *g, int rank);

GM_API gm_graph *gm_node_graph(const gm_node *x);
GM_API gm_shape gm_node_shape(const gm_node *x);
GM_API gm_dtype gm_node_dtype(const gm_node *x);
GM_API bool gm_node_is_value(const gm_node *x); /* real, and no effect */
GM_API int64_t gm_node_size(const gm_node *x);  /* elements */
/* x is the constant 0: what gm_grad gives where the loss does not depend on an input */
GM_API bool gm_node_is_zero(const gm_node *x);
GM_API const char *gm_node_name(const gm_node *x); /* a variable's or input's name, "" for others */

/* ---- leaves -------------------------------------------------------------------------------------------------------- */

/* A variable lives as long as the graph and keeps its value between runs; it starts as zeros. Its full name is
 * scope/name and must be unique. An input is set from outside before a run. */
GM_API gm_node *gm_variable(gm_graph *g, const char *name, gm_shape shape);
GM_API gm_node *gm_variable_of(gm_graph *g, const char *name, gm_shape shape, gm_dtype dtype);
GM_API gm_node *gm_input(gm_graph *g, const char *name, gm_shape shape, gm_dtype dtype);
/* Copy a variable's or input's value in or out: row-major, n must be its size. False (and the graph's error untouched)
 * when x is neither or n differs. Values convert between float and double; i32 reads and writes labels. */
GM_API bool gm_set_f32(gm_node *x, const float *data, int64_t n);
GM_API bool gm_get_f32(const gm_node *x, float *data, int64_t n);
GM_API bool gm_set_f64(gm_node *x, const double *data, int64_t n);
GM_API bool gm_get_f64(const gm_node *x, double *data, int64_t n);
GM_API bool gm_set_i32(gm_node *x, const int32_t *data, int64_t n);
GM_API bool gm_get_i32(const gm_node *x, int32_t *data, int64_t n);

GM_API gm_node *gm_scalar(gm_graph *g, double value);               /* real, rank 0 */
GM_API gm_node *gm_full(gm_graph *g, double value, gm_shape shape); /* real */
GM_API gm_node *gm_array(gm_graph *g, const double *values, gm_shape shape,
                         gm_dtype dtype);        /* copied */
GM_API gm_node *gm_iota(gm_graph *g, int64_t n); /* i32 [n]: 0, 1, ... n-1 */

/* ---- elementwise --------------------------------------------------------------------------------------------------- */

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
GM_API gm_node *gm_max(gm_node *a, gm_node *b); /* where equal, both share the gradient */
GM_API gm_node *gm_min(gm_node *a, gm_node *b);
GM_API gm_node *gm_less(gm_node *a, gm_node *b); /* 1 where a < b */
GM_API gm_node *gm_equal(gm_node *a, gm_node *b);
GM_API gm_node *gm_select(gm_node *c, gm_node *a, gm_node *b); /* c != 0 ? a : b */
/* With a number: */
GM_API gm_node *gm_add_c(gm_node *x, double c);
GM_API gm_node *gm_mul_c(gm_node *x, double c);
GM_API gm_node *gm_clamp(gm_node *x, double lo, double hi);

GM_API gm_node *gm_cast(gm_node *x, gm_dtype dtype); /* to i32: towards zero */
GM_API gm_node *gm_stop_gradient(gm_node *x);

/* ---- reductions ---------------------------------------------------------------------------------------------------- */

/* Over the axes in the bit set `axes` (GM_AXES(0, 2, 3), GM_ALL). keep leaves them as size 1. */
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
/* i32, axis dropped; the first of equals; no gradient. */
GM_API gm_node *gm_argmax(gm_node *x, int axis);
/* The transpose of broadcasting: x's shape becomes shape. */
GM_API gm_node *gm_sum_to(gm_node *x, gm_shape shape);

/* ---- products ------------------------------------------------------------------------------------------------------ */

/* y[..,i,j] = sum_k a[..,i,k] b[..,k,j]; ta, tb read the last two axes of a, b swapped. Leading axes broadcast. */
GM_API gm_node *gm_matmul(gm_node *a, gm_node *b, bool ta, bool tb);

typedef struct gm_conv_options {
	int stride[2], dilation[2]; /* 0 means 1; order: height, width */
	int pad[4];                 /* top, left, bottom, right */
	int groups;                 /* 0 means 1 */
} gm_conv_options;

/* Cross-correlation, as every framework's "convolution". x [N,C,H,W] or [N,C,L] with w [O,C/groups,K]; y [N,O,H',W'],
 * H' = (H + top + bottom - dilation (kh-1) - 1) / stride + 1. The three are closed under differentiation, for
 * T(x,w,g) = <g, conv(x,w)> is linear in each. 1-d uses index 1 of stride and dilation, pad[1] and pad[3]. */
GM_API gm_node *gm_conv2d(gm_node *x, gm_node *w, gm_conv_options o);
/* max(0, conv2d(x, w) + b), b [O], in one pass over y: layers of a network whose training is over. */
GM_API gm_node *gm_conv2d_relu(gm_node *x, gm_node *w, gm_node *b, gm_conv_options o);
GM_API gm_node *gm_conv2d_dx(gm_node *g, gm_node *w, gm_shape x,
                             gm_conv_options o); /* transposed convolution */
GM_API gm_node *gm_conv2d_dw(gm_node *x, gm_node *g, gm_shape w, gm_conv_options o);

typedef struct gm_pool_options {
	int kernel[2], stride[2]; /* stride 0: the kernel */
	int pad[4];               /* top, left, bottom, right */
	bool count_pad;           /* average: padding counts in the divisor */
} gm_pool_options;

GM_API gm_node *gm_max_pool(gm_node *x,
                            gm_pool_options o); /* the first maximum takes the gradient */
GM_API gm_node *gm_avg_pool(gm_node *x, gm_pool_options o);

/* ---- shape --------------------------------------------------------------------------------------------------------- */

GM_API gm_node *gm_reshape(gm_node *x, gm_shape shape); /* one size may be -1: what is left */
GM_API gm_node *gm_permute(gm_node *x,
                           const int *order); /* y's axis i is x's axis order[i]; rank numbers */
GM_API gm_node *gm_transpose(gm_node *x);     /* swaps the last two axes */
GM_API gm_node *gm_broadcast(gm_node *x, gm_shape shape);
/* y[i] = x[start + i*step] on every axis; step may be NULL (all 1). size counts elements of y. */
GM_API gm_node *gm_slice(gm_node *x, const int64_t *start, const int64_t *size,
                         const int64_t *step);
/* One axis, one range: x[.., start:start+size, ..]. */
GM_API gm_node *gm_narrow(gm_node *x, int axis, int64_t start, int64_t size);
/* The transpose of gm_slice: zeros of `shape` with x written at start, start+step, ... */
GM_API gm_node *gm_embed(gm_node *x, gm_shape shape, const int64_t *start, const int64_t *step);
GM_API gm_node *gm_pad_zero(gm_node *x, const int64_t *before,
                            const int64_t *after); /* each of rank numbers */
GM_API gm_node *gm_pad_reflect(gm_node *x, int top, int left, int bottom,
                               int right); /* last two axes */
GM_API gm_node *gm_concat(gm_node *const *x, int n, int axis);
#define GM_CONCAT(axis, ...)                                                                       \
	gm_concat((gm_node *[]){__VA_ARGS__},                                                      \
	          (int)(sizeof((gm_node *[]){__VA_ARGS__}) / sizeof(gm_node *)), axis)
GM_API gm_node *gm_upsample_nearest(gm_node *x, int factor); /* last two axes */
GM_API gm_node *gm_upsample_bilinear(gm_node *x,
                                     int factor); /* half-pixel centres, edges clamped */
GM_API gm_node *gm_pixel_shuffle(gm_node *x,
                                 int r); /* [N,C r r,H,W] to [N,C,H r,W r], Shi et al. 2016 */
GM_API gm_node *gm_pixel_unshuffle(gm_node *x, int r); /* its inverse: space to depth */

/* ---- indices ------------------------------------------------------------------------------------------------------- */

GM_API gm_node *gm_gather(gm_node *table,
                          gm_node *index); /* y[i..,:] = table[index[i..],:]; outside: clamped */
GM_API gm_node *gm_scatter_add(gm_node *x, gm_node *index,
                               int64_t rows); /* its transpose: table[index[i..]] += x[i..] */
GM_API gm_node *gm_one_hot(gm_node *index, int64_t classes); /* real [.., classes] */

/* ---- probabilities ------------------------------------------------------------------------------------------------- */

GM_API gm_node *gm_softmax(gm_node *x, int axis);
GM_API gm_node *gm_log_softmax(gm_node *x, int axis);
/* Per element: -t log sigmoid(x) - (1-t) log sigmoid(-x), from logits x without overflow. t broadcasts. */
GM_API gm_node *gm_sigmoid_xent(gm_node *logits, gm_node *target);
/* Per row: -sum_k t_k log softmax(x)_k over the last axis; target is real [..,K] or i32 [..] (class numbers). */
GM_API gm_node *gm_softmax_xent(gm_node *logits, gm_node *target);

/* ---- randomness ---------------------------------------------------------------------------------------------------- */

/* Each call makes a new source, even with equal arguments; a source gives fresh numbers at every run of a step. */
GM_API gm_node *gm_uniform(gm_graph *g, gm_shape shape); /* [0,1) */
GM_API gm_node *gm_randn(gm_graph *g, gm_shape shape);   /* mean 0, variance 1 */
GM_API gm_node *gm_bernoulli(gm_graph *g, double p,
                             gm_shape shape);           /* real 1 with probability p, else 0 */
GM_API gm_node *gm_permutation(gm_graph *g, int64_t n); /* i32 [n] */

/* ---- gradients ----------------------------------------------------------------------------------------------------- */

/* out[i] = d loss / d wrt[i] as expressions, loss of any shape (summed). Where loss does not depend on wrt[i] the result
 * is zeros of its shape. The wrt may be any nodes, not only variables. */
GM_API void gm_grad(gm_node *loss, gm_node *const *wrt, int n, gm_node **out);
/* The same with a given cotangent dy of y's shape: out[i] = sum dy dy/dwrt[i]. */
GM_API void gm_vjp(gm_node *y, gm_node *dy, gm_node *const *wrt, int n, gm_node **out);

/* Copies of expressions with some nodes replaced, as new expressions of the same graph. */
typedef struct gm_clone_options {
	gm_node *const *from,
		*const *to; /* n pairs of equal shape and type: wherever from[i] is read, to[i] is */
	int n;
	/* as in inference: the infer side of every gm_by_mode, and nothing of what gm_after ties in. A net that was cloned so
	 * keeps its running statistics when the copy is part of a training step. */
	bool infer;
} gm_clone_options;
/* out[i] is y[i] with the replacements. What depends on none of them is shared, not copied; random nodes draw the
 * same numbers in the copy. GM_ERR_SHAPE in the graph where a pair does not fit. */
GM_API void gm_clone(gm_node *const *y, int n, const gm_clone_options *o, gm_node **out);

/* ---- effects and modes --------------------------------------------------------------------------------------------- */

/* Within one run every read of a variable sees its value from before the run; all assigns land together at the end.
 * Returns the effect, a node to compile or to tie in; it has no value of its own. Two different assigns of one variable
 * in one step are an error when the step is compiled. */
GM_API gm_node *gm_assign(gm_node *variable, gm_node *value);
/* y; and whoever computes it in training also runs effect. */
GM_API gm_node *gm_after(gm_node *y, gm_node *effect);
GM_API gm_node *gm_group(gm_graph *g, gm_node *const *effects, int n); /* many effects as one */
/* `train` in steps compiled for training, `infer` in steps compiled for inference: dropout, batch norm. Same shape. */
GM_API gm_node *gm_by_mode(gm_node *train, gm_node *infer);

/* ---- ranks ----------------------------------------------------------------------------------------------------------- */

/* The mean of x over the ranks of the graph, the same number on each of them; x itself where there is one rank. Gradients go
 * through it. The rule for a loss that N ranks can share: where something that is not linear reads a mean over the batch, it
 * reads the gm_rank_mean of it. Gradients need none: optimisers see to them.
 * In steps for inference it is x. */
GM_API gm_node *gm_rank_mean(gm_node *x);
/* The same for what is read only at the end of a step: it is gathered with others into one message, which travels while the
 * step computes. */
GM_API gm_node *gm_rank_mean_later(gm_node *x);

/* ---- compile and run ----------------------------------------------------------------------------------------------- */

typedef struct gm_compile_options {
	bool infer; /* take the infer side of gm_by_mode */
	gm_node *const *from,
		*const *to; /* nreplace pairs: wherever from[i] is read, to[i] is (averages for weights,
	                                   * an input for a noise source) */
	int nreplace;
	bool keep_arena; /* no reuse of memory: every intermediate can be read after a run (debugging) */
} gm_compile_options;

/* Outputs are nodes to read later and effects to carry out. NULL on error: gm_graph_error. The graph owns the step. */
#define gm_compile(g, ...)                                                                         \
	gm_compile_nodes(g, (gm_node *[]){__VA_ARGS__},                                            \
	                 (int)(sizeof((gm_node *[]){__VA_ARGS__}) / sizeof(gm_node *)), NULL)
GM_API gm_step *gm_compile_nodes(gm_graph *g, gm_node *const *outputs, int n,
                                 const gm_compile_options *o);
GM_API void gm_step_free(gm_step *s); /* before its graph, if memory matters; NULL is fine */

/* Computes all outputs and carries out all effects. Allocates nothing. The steps of a graph share the memory of what is
 * neither output nor variable, so one of them runs at a time. */
GM_API void gm_step_run(gm_step *s);

/* Values of outputs after a run; row-major. False when y is not one of the step's outputs or n is not its size. */
GM_API bool gm_step_read(const gm_step *s, const gm_node *y, float *data, int64_t n);
GM_API bool gm_step_read_f64(const gm_step *s, const gm_node *y, double *data, int64_t n);
GM_API double gm_step_scalar(const gm_step *s,
                             const gm_node *y); /* a rank-0 output; NaN when it is none */

typedef struct gm_step_info {
	int instructions;
	int fallbacks;       /* instructions on the scalar definition for want of a kernel */
	bool profiled;       /* gm_step_profile has something to say */
	int64_t arena_bytes; /* intermediates and scratch */
	int64_t runs;        /* since compile */
	double flops; /* of one run, needed ones: 2 per multiply-add of matmul and convolution, nothing else */
} gm_step_info;

GM_API gm_step_info gm_step_describe(const gm_step *s);
/* A table of every instruction with its share of time, bytes and FLOPs since compile; only with profile on. The text is
 * the caller's to free(). */
GM_API char *gm_step_profile(const gm_step *s);
/* The first trouble of any run: an instruction that a library failed; with check on also one that disagreed with its
 * definition or made a NaN. NULL if there was none so far. */
GM_API const char *gm_step_check(const gm_step *s);

GM_END_C

#endif
