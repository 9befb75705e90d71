/* SPDX-License-Identifier: MIT
 *
 * features.h -- pictures to features: the networks that scores look through.
 *
 * FID, KID, precision and recall compare sets of features; the Inception score reads class
 * probabilities. An extractor turns pictures into both, and says exactly which one it is, because
 * two figures compare only where the weights, the resize rule and the network are the same:
 *
 *	gm_extractor *x = gm_extractor_open("inception", "pt_inception-2015-12-05-6726825d.pth", &err);
 *	const gm_extractor_info *i = gm_extractor_info_of(x);
 *	gm_extractor_input in = {.x = pictures, .n = 64, .channels = 3, .height = 32, .width = 32};
 *	float *f = malloc(64 * gm_extractor_width(x, &in) * sizeof *f);
 *	if (!gm_extractor_run(x, &in, f, NULL, &err))
 *		return report(err.message);
 *	printf("%s %s, %s\n", i->name, i->sha256, i->resize);
 *	gm_extractor_free(x);
 *
 * Features of a picture do not depend on the pictures beside it, on how many come in a call, or on
 * the number of threads: bit for bit.
 */
#ifndef GANYMEDE_FEATURES_H
#define GANYMEDE_FEATURES_H

#include "ganymede/graph.h"

GM_BEGIN_C

typedef struct gm_extractor gm_extractor;

/* Everything that a score must print beside itself. Strings belong to the extractor. */
typedef struct gm_extractor_info {
	const char *name;               /* "inception" */
	const char *weights;            /* the file that they were read from, or "" */
	const char *sha256;             /* of that file, 64 hexadecimal digits, or "" */
	const char *resize;             /* the rule by which pictures reach the network, in words */
	int64_t features;               /* numbers for each picture; 0: as many as a picture has */
	int64_t classes;                /* logits for each picture; 0: none */
	const char *const *class_names; /* [classes], or NULL */
	int side;     /* pictures are brought to side x side; 0: they are taken as they are */
	int channels; /* that the network reads; 0: as they are. Grey is copied into three, three are
	               * averaged into grey */
} gm_extractor_info;

/* Extractors by name. weights: the file to read them from; NULL for an extractor without any, or
 * for the file that `ganymede data fetch` has got. NULL with GM_ERR_VALUE (no such name, with a
 * suggestion; weights where there are none), GM_ERR_IO, GM_ERR_FORMAT (not the network's file: the
 * tensor that is missing, has another shape or is left over is named), GM_ERR_MEMORY. The caller
 * frees it. */
GM_API gm_extractor *gm_extractor_open(const char *name, const char *weights, gm_error *err);
GM_API void gm_extractor_free(gm_extractor *x); /* NULL is fine */
GM_API const gm_extractor_info *gm_extractor_info_of(const gm_extractor *x);

/* The names that can be opened, for i = 0, 1, ... until NULL. about may be NULL. */
GM_API const char *gm_extractor_names(int i, const char **about);

/* Pictures x [n, channels, height, width] in [-1, 1]. A score of samples that another program will
 * score from files must round them to the 256 steps of a file first; this does not. */
typedef struct gm_extractor_input {
	const float *x;
	int64_t n;
	int channels, height, width; /* channels: 1 or 3 */
} gm_extractor_input;

/* Features of each picture of such an input: info's, or C*H*W where that is 0. */
GM_API int64_t gm_extractor_width(const gm_extractor *x, const gm_extractor_input *in);

/* features [n, width] and logits [n, classes]; either may be NULL, logits must be where there are
 * no classes (GM_ERR_VALUE). Senseless sizes and numbers that are not finite are GM_ERR_VALUE;
 * GM_ERR_MEMORY. One thread at a time may run an extractor. */
GM_API bool gm_extractor_run(gm_extractor *x, const gm_extractor_input *in, float *features,
                             float *logits, gm_error *err);

/* ---- as a part of another graph -------------------------------------------------------------- */

/* A network (squeezenet, vgg16) whose layers become expressions in g, for perceptual losses (Johnson et al. 2016). Errors as
 * gm_extractor_open. Owned by the caller; freed before or after g, whose variables its weights are. */
typedef struct gm_extractor_nodes gm_extractor_nodes;
GM_API gm_extractor_nodes *gm_extractor_on(gm_graph *g, const char *name, const char *weights,
                                           gm_error *err);
/* The layer of pictures [n, 1 or 3, height, width] in [-1, 1], taken in the size that they have, shown to the network as its
 * rule says. Differentiable in the pictures. NULL on failure: GM_ERR_VALUE names the layers there are. */
GM_API gm_node *gm_extractor_layer(gm_extractor_nodes *x, const char *layer, gm_node *pictures,
                                   gm_error *err);
GM_API const char *
gm_extractor_nodes_sha256(const gm_extractor_nodes *x);     /* of the weights' file */
GM_API void gm_extractor_nodes_free(gm_extractor_nodes *x); /* NULL is fine */

GM_END_C

#endif
