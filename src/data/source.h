/* SPDX-License-Identifier: MIT
 *
 * source.h -- the interface of embedded sets. Each is a gm_source in its own file and a line in
 * data.c's table. */
#ifndef GANYMEDE_DATA_SOURCE_H
#define GANYMEDE_DATA_SOURCE_H

#include "ganymede/data.h"

#define GM_FACTORS_MAX 16

typedef enum gm_split { GM_SPLIT_TRAIN, GM_SPLIT_TEST, GM_SPLIT_VAL } gm_split;

/* Generation of one example: random numbers in, the example and its properties out. x may be NULL
 * if only the properties are needed. */
typedef struct gm_draw {
	gm_rng rng;
	int size, channels; /* of the set's pictures; of sounds: samples, 1 */
	gm_split split;     /* GM_SPLIT_VAL only of sources with combinations */
	int part;           /* 0: the picture itself; else the source's field number part - 1 */
	float *x;
	int32_t *map; /* in place of x, for fields of whole numbers */
	int32_t label;
	float factor[GM_FACTORS_MAX];
} gm_draw;

/* What an example has besides its picture and label. Its shape: [frames,] [channels,] side,
 * side. */
typedef struct gm_source_field {
	const char *name, *about;
	gm_field_type type;
	int frames; /* of a video; else 0 */
	int shrink; /* its side is the picture's divided by this; 0 = 1 */
	int classes;
	const char *const *class_names;
} gm_source_field;

/* An embedded, endless set. */
typedef struct gm_source {
	const char *name, *about;
	int rank;           /* 3 = picture or sound, 1 = point */
	int size, channels; /* native, for pictures; for sounds: samples, 1 */
	int rate;           /* of sounds, in Hz; 0: not sounds */
	int classes;
	const char *const *class_names;
	int factors;
	const char *const *factor_names;
	int numbers;  /* of a point; 0 = 2 */
	float extent; /* of points: they lie within [-extent, extent], but for rare tails */
	int fields;   /* besides image, label and caption */
	const gm_source_field *field;
	bool combinations; /* train lacks combinations that test consists of; val has all */
	bool unpaired;     /* fields "a" and "b" are drawn independently */
	int version;       /* to be incremented when the same seed gives other examples */
	void (*draw)(gm_draw *d);
	void (*caption)(const gm_draw *d, char *text, size_t room); /* or NULL */
} gm_source;

extern const gm_source gm_source_glyphs, gm_source_shapes, gm_source_ring8, gm_source_grid25,
	gm_source_swissroll, gm_source_circles, gm_source_edges, gm_source_labels,
	gm_source_domains, gm_source_film, gm_source_small, gm_source_captioned,
	gm_source_captioned2, gm_source_tones, gm_source_acrobot, gm_source_cartpole,
	gm_source_mountaincar, gm_source_fork, gm_source_crossing;

/* Number i of the permutation of 0 .. n-1 that (seed, epoch) names: a bijection computed, not
 * stored. */
uint64_t gm_data_permute(uint64_t seed, uint64_t epoch, uint64_t n, uint64_t i);

#endif
