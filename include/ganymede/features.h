/* SPDX-License-Identifier: MIT
 *
 * features.h -- feature extractors: the networks that metrics use.
 *
 * FID, KID, precision and recall compare sets of features; the Inception score reads class
 * probabilities. An extractor computes both from images. It also reports its exact identity,
 * because two scores are comparable only if network, weights and resizing are the same:
 *
 *	const char *weights = "pt_inception-2015-12-05-6726825d.pth";
 *	gm_extractor *x = gm_extractor_open("inception", weights, &err);
 *	const gm_extractor_info *i = gm_extractor_info_of(x);
 *	gm_extractor_input in = {.x = pictures, .n = 64, .channels = 3, .height = 32, .width = 32};
 *	float *f = malloc(64 * gm_extractor_width(x, &in) * sizeof *f);
 *	if (!gm_extractor_run(x, &in, f, NULL, &err))
 *		return report(err.message);
 *	printf("%s %s, %s\n", i->name, i->sha256, i->resize);
 *	gm_extractor_free(x);
 *
 * The features of an image are the same, bit for bit, whatever the other images in the call, their
 * number, and the number of threads.
 */
#ifndef GANYMEDE_FEATURES_H
#define GANYMEDE_FEATURES_H

#include "ganymede/nn.h"

#include <limits.h>

GM_BEGIN_C

typedef struct gm_extractor gm_extractor;

/* What must be reported with every score. Strings are owned by the extractor. */
typedef struct gm_extractor_info {
	const char *name;    /* "inception" */
	const char *weights; /* file name, or "" */
	const char *sha256;  /* of that file, 64 hexadecimal digits, or "" */
	const char *resize;  /* description of how images are resized and scaled for the network */
	int64_t features;    /* per image; 0: the number of values of the image */
	int64_t classes;     /* logits per image; 0: none */
	const char *const *class_names; /* [classes], or NULL */
	int side;                       /* images are resized to side x side; 0: not resized */
	/* of the network's input; 0: any. Grey is copied to three channels, RGB is averaged to
	 * grey */
	int channels;
} gm_extractor_info;

/* Opens an extractor by name. weights: file with the network's weights; NULL for an extractor
 * without weights, or for the file downloaded by `ganymede data fetch`. Returns NULL with
 * GM_ERR_VALUE (unknown name, with a suggestion; weights for an extractor without weights),
 * GM_ERR_IO, GM_ERR_FORMAT (not this network's weights: the message names the tensor that is
 * missing, unexpected or of another shape), GM_ERR_MEMORY. The caller frees it. */
GM_API gm_extractor *gm_extractor_open(const char *name, const char *weights, gm_error *err);
GM_API void gm_extractor_free(gm_extractor *x); /* NULL is fine */
GM_API const gm_extractor_info *gm_extractor_info_of(const gm_extractor *x);

/* Names of the extractors for i = 0, 1, ... until NULL. about may be NULL. */
GM_API const char *gm_extractor_names(int i, const char **about);

/* The file with the weights of the extractor called name: `given`, or if that is NULL the one
 * downloaded by `ganymede data fetch`. Errors as gm_extractor_open. */
GM_API bool gm_extractor_weights(const char *name, const char *given, char path[PATH_MAX],
                                 gm_error *err);

/* Images x [n, channels, height, width] in [-1, 1]. They are not rounded to 8 bits here: round them
 * first if scores must equal those that another program computes from image files. */
typedef struct gm_extractor_input {
	const float *x;
	int64_t n;
	int channels, height, width; /* channels: 1 or 3 */
} gm_extractor_input;

/* Number of features per image of this input: info's, or C*H*W if that is 0. */
GM_API int64_t gm_extractor_width(const gm_extractor *x, const gm_extractor_input *in);

/* Writes features [n, width] and logits [n, classes]; either may be NULL, and logits must be NULL
 * if the extractor has no classes. GM_ERR_VALUE for this, for invalid sizes and for values that are
 * not finite; GM_ERR_MEMORY. An extractor may be used by one thread at a time. */
GM_API bool gm_extractor_run(gm_extractor *x, const gm_extractor_input *in, float *features,
                             float *logits, gm_error *err);

/* ---- as a part of another graph -------------------------------------------------------------- */

/* A network (squeezenet, vgg16) whose layers become expressions in g, for perceptual losses
 * (Johnson et al. 2016). Its weights are variables of g. Errors as gm_extractor_open. Owned by the
 * caller; may be freed before or after g. */
typedef struct gm_extractor_nodes gm_extractor_nodes;
GM_API gm_extractor_nodes *gm_extractor_on(gm_graph *g, const char *name, const char *weights,
                                           gm_error *err);
/* The activations of a layer for images [n, 1 or 3, height, width] in [-1, 1]. Images are
 * normalised as the network requires, but not resized. Differentiable with respect to the images.
 * NULL on failure: GM_ERR_VALUE with the names of the layers. */
GM_API gm_node *gm_extractor_layer(gm_extractor_nodes *x, const char *layer, gm_node *pictures,
                                   gm_error *err);
/* The layers of squeezenet or vgg16 up to `layer`, as parameters of the net under the names of the
 * weights file ("fire2/conv1x1_1.weight"), with random initial values: for fine-tuning. x and
 * errors as above. */
GM_API gm_node *gm_extractor_layer_in(gm_net *net, const char *name, const char *layer, gm_node *x,
                                      gm_error *err);
/* of the weights file */
GM_API const char *gm_extractor_nodes_sha256(const gm_extractor_nodes *x);
GM_API void gm_extractor_nodes_free(gm_extractor_nodes *x); /* NULL is fine */

GM_END_C

#endif
