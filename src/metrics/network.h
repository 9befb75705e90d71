/* SPDX-License-Identifier: MIT
 *
 * metrics/network.h -- a published network as an extractor: weights from a file, a graph in
 * inference mode, batches of one fixed size. The last batch is padded, so that features do not
 * depend on the number of images. */
#ifndef GM_METRICS_NETWORK_H
#define GM_METRICS_NETWORK_H

#include "metrics/extractor.h"

typedef struct gm_network gm_network;

/* Preprocessing: bilinear resize to side x side, then x * scale + shift per channel. */
typedef struct gm_network_rule {
	int side;
	/* false: pixel centres at halves, as PyTorch's interpolate(align_corners=False); true:
	 * pixel (i) lies at i * in / out, as TensorFlow 1's resize_bilinear */
	bool corners;
	bool bgr; /* channels are blue, green, red; scale and shift are in that order */
	float scale[3], shift[3];
} gm_network_rule;

/* An architecture: builds its outputs from x [n, 3, side, side] with the layers below; logits may
 * be NULL. */
typedef struct gm_network_plan {
	gm_network_rule rule;
	int batch; /* batch size */
	void (*build)(gm_network *n, gm_node *x, gm_node **features, gm_node **logits);
	/* Names that build gives to layers (gm_network_layer), ended by NULL; or NULL */
	const char *const *layers;
	/* Suffix of tensor names that are allowed in a file but not used, or NULL. */
	const char *spare;
} gm_network_plan;

/* Reads, checks and compiles. Without a file (NULL) weights are random, for tests and benchmarks:
 * words of gm_rng_new(1, FNV-1a of the tensor's name), uniform within sqrt(6 / inputs) of 0 for
 * what multiplies (He et al. 2015), within .1 of 0 for biases and means, from .8 to 1.2 for gains
 * and variances. NULL with GM_ERR_FORMAT (naming a tensor that is missing, has another shape or is
 * left over), GM_ERR_IO, GM_ERR_MEMORY. */
gm_network *gm_network_open(const gm_network_plan *plan, const char *weights, gm_error *err);
bool gm_network_run(void *self, const gm_extractor_input *in, float *features, float *logits,
                    gm_error *err);
void gm_network_free(void *self); /* NULL is fine */
const gm_step *gm_network_step(const void *self, int64_t *batch);

/* The network as part of another graph: reads weights without compiling. */
gm_network *gm_network_on(gm_graph *g, const gm_network_plan *plan, const char *weights,
                          gm_error *err);
/* Its layer called name as an expression of pictures x [n, 1 or 3, height, width] in [-1, 1], in
 * the size that they have; NULL and GM_ERR_VALUE where it has none, GM_ERR_FORMAT as
 * gm_network_open. Calls share their variables, which nothing moves. */
gm_node *gm_network_node(gm_network *n, const char *layer, gm_node *x, gm_error *err);

/* The layer with the net's parameters, which are created at random: for training. NULL and err as
 * gm_network_node. Not for plans with batch norm. */
gm_node *gm_network_in(gm_net *net, const gm_network_plan *plan, const char *layer, gm_node *x,
                       gm_error *err);

/* ---- layers, for build ---- */

typedef struct gm_network_conv {
	int64_t out;
	int height, width; /* of the kernel; width 0: as height */
	int stride;        /* 0: 1 */
	bool same;         /* same padding (size kept with stride 1); else none */
	bool norm; /* NAME.conv.weight and NAME.bn.*, folded into it; else NAME.weight, .bias */
} gm_network_conv;

/* Declares x as the layer of this name. True: it is the requested layer, and build returns. */
bool gm_network_layer(gm_network *n, const char *name, gm_node *x);

/* relu(convolution + bias) */
gm_node *gm_network_conv_relu(gm_network *n, const char *name, gm_node *x, gm_network_conv c);

/* y = x w^T + b. NAME.weight [out, in], NAME.bias [out], which is read but not added without
 * bias. */
gm_node *gm_network_linear(gm_network *n, const char *name, gm_node *x, int64_t out, bool bias);

/* Prefix of all names until the next call; "" for none. */
void gm_network_within(gm_network *n, const char *part);

#endif
