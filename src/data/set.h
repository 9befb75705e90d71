/* SPDX-License-Identifier: MIT
 *
 * set.h -- the internal struct of an open data set. */
#ifndef GANYMEDE_DATA_SET_H
#define GANYMEDE_DATA_SET_H

#include "data/pictures.h"
#include "data/source.h"

#define GM_SET_FIELDS 64
#define GM_SOUND_MAX (1 << 20) /* samples of an example */

/* Augmentation of images in batches. */
typedef struct gm_augment {
	bool flip;
	int crop;
	char text[40]; /* for gm_data_info.augment */
	float *spare;  /* for each thread: one plane */
	size_t spare_each;
} gm_augment;

/* Reduction of images, for field "low". */
typedef struct gm_reduction {
	int factor;        /* 0: no such field */
	gm_resize *resize; /* one plane */
	float *scratch;    /* for each thread: an example, and a plane of the resizer */
	size_t scratch_each;
	int threads;
} gm_reduction;

/* Videos of moving images (option moving). */
typedef struct gm_moving {
	uint64_t count; /* images to choose from; 0: no such videos */
	int frames, height, width;
	float *scratch; /* for each thread: the images of a video */
	size_t each;
} gm_moving;

struct gm_dataset {
	gm_data_info info;
	gm_split split;          /* of source */
	const gm_source *source; /* NULL for pictures from files */
	gm_pictures pictures;
	gm_augment augment;
	gm_reduction low;
	gm_field field[GM_SET_FIELDS];
	uint64_t from; /* for files: index of example 0 */
	/* for a subset (few.c): index of each example in the original set, [count]; else NULL */
	uint64_t *subset;
	bool shares; /* pictures, augment, low and name belong to that set */
	gm_binarise binarise;
	int caption_length;
	uint64_t stacked; /* number of images to stack channels from; 0: no stacking */
	gm_moving moving;
	uint64_t seed; /* of the sequence that gm_data_get indexes */
	uint64_t salt; /* makes the streams of sets and splits with the same seed different */
	char *name;
};

/* fields.c: fills d->field and d->info.fields, after everything else is known. */
void gm_fields_init(gm_dataset *d);

/* stack.c: pictures of one channel become the channels of an example; after all else about the set
 * but its fields is known. */
enum { GM_STACK = 3 };
bool gm_stack_init(gm_dataset *d, gm_error *err);
void gm_stack_example(const gm_dataset *d, uint64_t seed, uint64_t index, int thread, float *x,
                      int32_t *label);

/* moving.c: as gm_stack_init, for option moving; the first `frames` frames of example `index` of
 * the stream, x [frames, shape of an example]. */
bool gm_moving_init(gm_dataset *d, const gm_data_options *o, gm_error *err);
void gm_moving_free(gm_moving *m);
void gm_moving_read(const gm_dataset *d, uint64_t seed, uint64_t index, int frames, int thread,
                    float *x);

/* options.c: whether o makes sense by itself. */
bool gm_options_check(const gm_data_options *o, gm_error *err);

/* augment.c. init reads d->info.shape; apply changes x [channels, height, width] in place, purely
 * by (seed, position). */
bool gm_augment_init(gm_augment *a, const gm_data_options *o, int height, int width, int threads,
                     gm_error *err);
void gm_augment_free(gm_augment *a);
void gm_augment_apply(const gm_augment *a, uint64_t seed, uint64_t position, int thread, float *x,
                      int channels, int height, int width);

/* data.c: the example at this position of the stream, with flips, crops and binarisation; label may
 * be NULL. thread: which scratch memory. */
void gm_set_read(const gm_dataset *d, uint64_t seed, uint64_t position, int thread, float *x,
                 int32_t *label);

/* reduce.c. init reads d->info; read writes examples position .. position + n - 1, reduced: out
 * [n, channels, height / factor, width / factor]. */
bool gm_reduction_init(gm_dataset *d, int factor, gm_error *err);
void gm_reduction_free(gm_reduction *r);
void gm_reduction_read(const gm_dataset *d, uint64_t seed, uint64_t position, int64_t n,
                       float *out);

/* binarise.c: x [numel] of the example that stands at place (of the set's files, or of its
 * sequence) and is read at position. */
void gm_binarise_apply(gm_binarise how, uint64_t seed, uint64_t position, uint64_t place, float *x,
                       int64_t numel);

/* few.c: keeps only per_class examples of each class. */
bool gm_few_init(gm_dataset *d, int per_class, uint64_t seed, gm_error *err);

/* The index of an example in the files, or in the sequence *seed of an embedded set. */
uint64_t gm_set_place(const gm_dataset *d, uint64_t *seed, uint64_t index);

/* The draw that makes example index of an embedded set. */
gm_draw gm_set_draw(const gm_dataset *d, uint64_t seed, uint64_t index, float *x);
/* As gm_data_caption for which = 0; for which = 1, 2, ... further captions of the same example. */
bool gm_set_caption(gm_dataset *d, uint64_t seed, uint64_t position, int which, char *text,
                    size_t room, gm_error *err);
/* Threads for n examples of numel numbers each. */
int gm_set_threads(const gm_dataset *d, int64_t n, int64_t numel);

#endif
