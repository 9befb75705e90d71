/* SPDX-License-Identifier: MIT
 *
 * data.h -- where examples come from.
 *
 * A data set is opened by a spec: the name of an embedded set ("glyphs", "shapes", "ring8",
 * "grid25", "swissroll", "circles"), or the path of IDX files, the format of MNIST and its kin,
 * gzipped or not. Embedded sets are drawn on demand, at any picture size, and never end. Nothing
 * else about the source is visible: training asks for examples by their place in one endless
 * stream, and a batch is a pure function of (seed, position). So a run that is resumed needs to
 * remember only how many examples it has seen, and any number of threads sees the same data.
 *
 *	gm_error err = {0};
 *	gm_dataset *d = gm_data_open("glyphs", &(gm_data_options){.size = 32}, &err);
 *	if (!d)
 *		return report(err.message);
 *	const gm_data_info *info = gm_data_info_of(d);
 *
 *	float *x = malloc(64 * info->numel * sizeof *x);      // [64, C, H, W] in [-1, 1]
 *	int32_t label[64];
 *	for (uint64_t seen = 0; seen < 6400; seen += 64)
 *		if (!gm_data_batch(d, seed, seen, 64, x, label, &err))
 *			...
 *	gm_data_close(d);
 *
 * Finite sets are walked in epochs: each epoch is a permutation of the set, a pure function of
 * (seed, epoch), and batches run on across the border. A gm_dataset belongs to one thread at a
 * time; it threads its own work inside.
 */
#ifndef GANYMEDE_DATA_H
#define GANYMEDE_DATA_H

#include "ganymede/base.h"

typedef struct gm_dataset gm_dataset;

/* How a picture of another size is brought to the size asked. */
typedef enum gm_fit {
	GM_FIT_RESIZE, /* scaled to fill, sides independently, by the antialiased triangle filter */
	GM_FIT_PAD     /* centred on black: 28 to 32 adds two rows all round; larger ones shrink */
} gm_fit;

/* All zero means: the set as it is. */
typedef struct gm_data_options {
	int size;     /* pixels along each side, 0 = native (glyphs 28, shapes 32); at most 1024 */
	int channels; /* 0 = native, 1 = grey (ITU-R BT.601 luma), 3 = RGB */
	gm_fit fit;
	/* "train" (also when NULL) or "test": which files of a folder, which draws of an embedded set */
	const char *split;
	int classes;   /* 0 = any; else an error unless the labels are exactly 0 .. classes-1 */
	uint64_t seed; /* which endless sequence gm_data_get indexes in an embedded set */
} gm_data_options;

/* What there is to know about an open set. Owned by the set. */
typedef struct gm_data_info {
	const char *name;                /* "glyphs", or the path that was opened */
	const char *about;               /* one line for people */
	uint64_t count;                  /* examples; 0 = endless */
	int rank;                        /* of one example: 3 = picture, 1 = point */
	int64_t shape[3];                /* {C, H, W} or {2} */
	int64_t numel;                   /* product of shape */
	int classes;                     /* labels are 0 .. classes-1; 0 = unlabelled */
	const char *const *class_names;  /* [classes], or NULL */
	int factors;                     /* numbers that gm_data_factors gives; 0 = none */
	const char *const *factor_names; /* [factors], or NULL */
	float low, high;    /* range of values: -1 and 1 for pictures; the extent of the points */
	uint64_t hash;      /* of the content as delivered: a resumed run compares it */
	const char *resize; /* "none", "pad", "triangle, antialiased", or "drawn at size" */
} gm_data_info;

/* Opens spec. o may be NULL, and is not kept. NULL on failure, with one message that names the
 * path: GM_ERR_IO (missing, no permission), GM_ERR_FORMAT (wrong magic, truncated, trailing bytes,
 * corrupt gzip, counts that differ), GM_ERR_MEMORY (dimensions beyond this machine), GM_ERR_VALUE
 * (an option that does not fit, labels and classes that do not agree, an unknown name).
 *
 * A path is a file of pictures (IDX3: N,H,W; IDX4: N,H,W,C where the last dimension is 1 or 3,
 * else N,C,H,W), or a folder with MNIST's four files. Labels are looked for beside the pictures
 * under MNIST's naming (train-images-idx3-ubyte -> train-labels-idx1-ubyte, with or without
 * .gz); a set without them is unlabelled. */
GM_API gm_dataset *gm_data_open(const char *spec, const gm_data_options *o, gm_error *err);
GM_API void gm_data_close(gm_dataset *d); /* NULL is fine */

GM_API const gm_data_info *gm_data_info_of(const gm_dataset *d);

/* Examples position .. position+n-1 of the endless stream that seed names, into x [n, shape...]
 * and label [n] (either may be NULL; label is 0 where unlabelled). A pure function of its
 * arguments; no allocation. Fails only for n < 0. */
GM_API bool gm_data_batch(gm_dataset *d, uint64_t seed, uint64_t position, int64_t n, float *x,
                          int32_t *label, gm_error *err);

/* Example number index: of a finite set in the order of its files (GM_ERR_VALUE beyond its end),
 * of an endless one in the sequence of options.seed. x [shape...] and label [1] may be NULL. */
GM_API bool gm_data_get(gm_dataset *d, uint64_t index, float *x, int32_t *label, gm_error *err);

/* The place in the files of the example at position: the index for gm_data_get. Endless sets
 * give position back. */
GM_API uint64_t gm_data_index(const gm_dataset *d, uint64_t seed, uint64_t position);

/* A sentence about the example at (seed, position), such as "a small red circle at the top left
 * on a blue background", cut to fit text[room]. Only "shapes" and "glyphs" have them:
 * GM_ERR_STATE for others. */
GM_API bool gm_data_caption(gm_dataset *d, uint64_t seed, uint64_t position, char *text,
                            size_t room, gm_error *err);

/* The ground truth that the example at (seed, position) was drawn from, value[info.factors] in
 * the order of info.factor_names: class numbers, and lengths as shares of the picture's side.
 * GM_ERR_STATE where there are none. */
GM_API bool gm_data_factors(gm_dataset *d, uint64_t seed, uint64_t position, float *value,
                            gm_error *err);

/* The embedded sets: name and one line about it, for i = 0, 1, ... until NULL. about may be
 * NULL. */
GM_API const char *gm_data_names(int i, const char **about);

#endif
