/* SPDX-License-Identifier: MIT
 *
 * dnn.h -- what this backend uses of oneDNN, with one interface for its C APIs of 2.6 and of
 * 3.x.
 *
 * A dnn_prim is one oneDNN primitive with its memory descriptions. Tensors are described by sizes
 * and strides in elements; "any" leaves the layout to oneDNN, which then gives the number of bytes
 * it needs.
 */
#ifndef GM_ONEDNN_DNN_H
#define GM_ONEDNN_DNN_H

#include <dnnl.h>

#include "ganymede/base.h"

enum { DNN_MAX_ARGS = 6 };

typedef struct dnn_tensor {
	int rank;
	dnnl_dims_t dim, stride;
	bool any;  /* strides are oneDNN's choice */
	bool bf16; /* else float */
} dnn_tensor;

typedef struct dnn_prim {
	dnnl_primitive_t prim;
	dnnl_primitive_desc_t pd;
	int narg;
	struct {
		int id;            /* DNNL_ARG_... */
		dnnl_memory_t mem; /* its pointer is set at the first run */
		size_t bytes;
		bool plain; /* has the requested layout: no reorder needed */
	} arg[DNN_MAX_ARGS];
	size_t scratch; /* bytes wanted; the last argument when not 0 */
	bool bound;
} dnn_prim;

/* RELU: with a bias and a ReLU, the bias as a fourth argument. */
typedef enum dnn_pass {
	DNN_FORWARD,
	DNN_BACKWARD_DATA,
	DNN_BACKWARD_WEIGHTS,
	DNN_FORWARD_RELU
} dnn_pass;

typedef struct dnn_conv_options {
	dnnl_dims_t stride, dilation, pad_begin,
		pad_end; /* height, width; dilation as oneDNN counts: 0 is dense */
} dnn_conv_options;

/* x, w, y: the one that the pass computes is its result. Arguments in the order x, w, y. False if
 * oneDNN has no such primitive (why, if not NULL, gets its status in words). */
bool gm_dnn_conv(dnn_prim *r, dnn_pass pass, const dnn_tensor *x, const dnn_tensor *w,
                 const dnn_tensor *y, const dnn_conv_options *o, const char **why);
/* y = a b. Arguments a, b, y. */
bool gm_dnn_matmul(dnn_prim *r, const dnn_tensor *a, const dnn_tensor *b, const dnn_tensor *y,
                   const char **why);
/* Copies between layouts; `like` (an argument of another primitive) gives the side that is NULL.
 * Arguments from, to. */
bool gm_dnn_reorder(dnn_prim *r, const dnn_tensor *from, const dnn_tensor *to, const dnn_prim *like,
                    int arg, const char **why);
/* Whether two arguments have the same layout, so that one reorder is enough for both. */
bool gm_dnn_same_layout(const dnn_prim *a, int arg_a, const dnn_prim *b, int arg_b);
const char *gm_dnn_impl(const dnn_prim *r); /* oneDNN's name of the implementation */

/* ptr: one for each argument (the scratch last), used at the first run only. False when oneDNN
 * failed. */
bool gm_dnn_run(dnn_prim *r, void *const *ptr);
void gm_dnn_end(dnn_prim *r);

/* oneDNN's version, "3.7.0". */
const char *gm_dnn_version(void);

#endif
