/* SPDX-License-Identifier: MIT
 *
 * data.h -- data sets.
 *
 * A data set is opened by a spec: the name of an embedded set ("glyphs",
 * "shapes", "ring8", ...), the name of a downloaded set ("mnist"), or a path: a folder of images,
 * an archive of images, or a file of arrays (docs/data-formats.md lists the formats and rules).
 * Embedded sets are generated on demand, at any image size, and are endless. The source is
 * otherwise hidden: training reads examples by their position in one endless stream, and a batch is
 * a pure function of (seed, position). So a resumed run has to remember only how many examples it
 * has read, and the data do not depend on the number of threads.
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
 * Finite sets are read in epochs: each epoch is a permutation of the set, a pure function of (seed,
 * epoch). A batch can span the end of an epoch. A gm_dataset may be used by one thread at a time;
 * it is multithreaded internally.
 */
#ifndef GANYMEDE_DATA_H
#define GANYMEDE_DATA_H

#include "ganymede/base.h"

GM_BEGIN_C

typedef struct gm_dataset gm_dataset;

/* How an image is brought to the requested size. */
typedef enum gm_fit {
	GM_FIT_AUTO,   /* default: crop for images in folders and archives, resize for all others */
	GM_FIT_RESIZE, /* scaled to the requested size; aspect ratio not kept */
	/* centred on black: 28 to 32 adds 2 pixels on each side; larger images are scaled down */
	GM_FIT_PAD,
	GM_FIT_CROP /* the largest central square, then scaled */
} gm_fit;

/* Filter kernels for scaling. All are antialiased: the kernel is widened when an image is scaled
 * down. */
typedef enum gm_filter {
	GM_FILTER_TRIANGLE, /* linear interpolation when scaling up */
	GM_FILTER_BOX,      /* mean over an area; nearest neighbour when scaling up */
	GM_FILTER_CUBIC,    /* Keys 1981, a = -1/2 */
	GM_FILTER_LANCZOS,  /* three lobes */
	/* Keys 1981 with images mirrored at their borders: bicubic imresize of MATLAB */
	GM_FILTER_IMRESIZE,
	GM_FILTER_NEAREST /* the pixel nearest to the centre; not antialiased */
} gm_filter;

/* What to do with unusable files of a folder or archive. */
typedef enum gm_bad_files {
	GM_BAD_SKIP, /* skip them; gm_data_info.bad counts and gm_data_bad lists them */
	GM_BAD_STOP  /* fail with an error that names the first one */
} gm_bad_files;

enum { GM_SIZE_MIN = 8, GM_SIZE_MAX = 1024 }; /* range of gm_data_options.size */
enum { GM_PATCHES_MAX = 4096 };               /* largest gm_data_options.patches */

/* Binarisation of pixels to -1 or 1. A value x in [-1, 1] means the probability (x + 1) / 2. */
typedef enum gm_binarise {
	GM_BINARISE_NO,
	GM_BINARISE_THRESHOLD, /* 1 if the probability is above 1/2 */
	GM_BINARISE_FIXED, /* sampled once for each image: the same in every batch and every run */
	/* sampled again for each position of the stream; gm_data_get returns unbinarised images */
	GM_BINARISE_STOCHASTIC,
	GM_BINARISE_AUTO /* as NO, until gm_data_binarise is called */
} gm_binarise;

/* All zero: the set as it is. */
typedef struct gm_data_options {
	/* width and height in pixels; 0 = native (glyphs 28, shapes 32). For image files of
	 * different sizes, native is the most frequent shorter side. */
	int size;
	int channels; /* 0 = native, 1 = grey (ITU-R BT.601 luma), 3 = RGB */
	gm_fit fit;
	gm_filter filter;
	/* "train" (also when NULL), "test" or "val": which files of a folder, which samples of an
	 * embedded set. A set without splits is all "train". */
	const char *split;
	/* For folders and archives. label_from: the source of labels: "auto" (also when NULL: class
	 * folders, else tables with image names), "folders", "none", or the name of a table.
	 * label_column: the column with the class. label_pattern: reads columns from file names,
	 * "{age}_{gender}_*". caption_column: the column with captions. no_parts: folders named
	 * train, test or val are not splits. */
	const char *label_from, *label_column, *label_pattern, *caption_column;
	bool no_parts;
	int classes;   /* 0 = any; else it is an error if the labels are not 0 .. classes-1 */
	uint64_t seed; /* of the sequence that gm_data_get reads from an embedded set */
	gm_bad_files bad_files;
	/* each image is a pair side by side: field "a" is its left half, "b" its right half */
	bool halves;
	/* of folders and archives: this many random patches of each image, size x size, not scaled;
	 * they depend on the image alone. 0: whole images */
	int patches;
	/* adds the field "low": the image reduced by this factor with GM_FILTER_IMRESIZE and
	 * rounded to 8 bits; 0: no such field, except of a set that has its own */
	int reduce;
	bool flip; /* in batches: flip each example horizontally with probability 1/2 */
	int crop;  /* in batches: random shift by up to this many pixels, with reflection padding */
	/* only examples from .. to-1 of a finite set, in file order; to = 0: up to the end */
	uint64_t from, to;
	/* stacked MNIST (arXiv:1611.02163): three random grey images become the channels of one
	 * image, sampled for each position of an endless stream. With k classes the label is (a k +
	 * b) k + c. */
	bool stack;
	/* moving MNIST (arXiv:1502.04681): field "video" has `frames` (0: 20) frames of moving x
	 * moving pixels, in which two random images of the set, in the size that option size says,
	 * go straight on and bounce off the sides; sampled for each position of an endless stream.
	 * No labels. 0: no. */
	int moving;
	gm_binarise binarise;
	/* Only this many examples of each class, chosen by subset_seed (gm_data_few); 0: all. */
	int per_class;
	uint64_t subset_seed;
	/* length of field "caption" in characters; 0: 201, as in Reed et al. 2016 */
	int caption_length;
	/* Sequences of this many consecutive frames: field "video" [frames, C, H, W], each
	 * frame_step (0: 1) frames after the one before. The images of one folder, or of one
	 * animation (GIF, WebP), are the frames of one sequence; of an array N,T,... each of the N
	 * is one. Every frame that has enough successors is the first one of an example; "image" is
	 * this frame. 0: no sequences. */
	int frames, frame_step;
	/* Label maps: the map of FOLDER/x.jpg is the image x in FOLDERmaps or in a folder called
	 * maps beside FOLDER: field "map" [H, W] with the class of each pixel. NULL or "": none. */
	const char *maps;
	/* Of recordings: sample_rate in Hz, to which all are resampled (0: as they are, if all have
	 * the same), and the length of examples in samples (0: of the longest recording). Of a
	 * longer recording, a batch has a random part and gm_data_get the beginning; a shorter one
	 * is followed by silence, and field "samples" is its length. */
	int sample_rate, sound_length;
	bool no_cache; /* neither read nor write the cache of decoded images */
	/* The spec was opened before and must mean the same set: the name of an embedded set then
	 * means this set, even if a file of that name exists now. */
	bool again;
} gm_data_options;

/* Sets the option called name (gm_data_option_names lists them; `_` equals `-`) from the text of a
 * command line. text must outlive o. GM_ERR_VALUE for an invalid value; GM_ERR_STATE for an unknown
 * name. */
GM_API bool gm_data_option(gm_data_options *o, const char *name, const char *text, gm_error *err);
/* Names of the options for i = 0, 1, ... until NULL, each with a one-line description; about may be
 * NULL. */
GM_API const char *gm_data_option_names(int i, const char **about);

/* Returns the number of Gaussians in the mixture (with equal weights) of an embedded set of points,
 * their means in centre and their common standard deviation in sigma. 0 if the set is no such
 * mixture. (ring8 and grid25: PacGAN's, arXiv:1712.04086, section 4.1.) */
enum { GM_DATA_MODES = 25 };
GM_API int gm_data_modes(const char *name, double centre[GM_DATA_MODES][2], double *sigma);

/* What the examples of a set are. Frame sequences and label maps are further fields ("video",
 * "map") of images. */
typedef enum gm_kind {
	GM_KIND_IMAGES, /* [C, H, W] in [-1, 1] */
	GM_KIND_POINTS, /* [D] */
	/* [D]: the columns of a table but the label, side by side: numbers with mean 0 and standard
	 * deviation 1, categories one-of-K; each column is also a field with its name */
	GM_KIND_TABLE,
	GM_KIND_SOUND /* [1, 1, samples] in [-1, 1) */
} gm_kind;

/* Description of an open set. Owned by the set. */
typedef struct gm_data_info {
	const char *name;               /* "glyphs", or the path that was opened */
	const char *about;              /* description in one line */
	gm_kind kind;                   /* of the examples */
	uint64_t count;                 /* examples; 0 = endless */
	int rank;                       /* of one example: 3 = image or sound, 1 = point */
	int64_t shape[3];               /* {C, H, W}, {1, 1, samples} or {2} */
	int rate;                       /* of sounds, in Hz */
	int64_t numel;                  /* product of shape */
	int classes;                    /* labels are 0 .. classes-1; 0 = unlabelled */
	const char *const *class_names; /* [classes], or NULL */
	int factors; /* number of values that gm_data_factors returns; 0 = none */
	const char *const *factor_names; /* [factors], or NULL */
	float low, high;     /* range of values: -1 and 1 for images; the extent of points */
	uint64_t hash;       /* of the content after conversion; a resumed run compares it */
	const char *resize;  /* "none", "pad", "triangle, antialiased", or "drawn at size" */
	const char *augment; /* augmentation in batches: "none", "flip", "flip, crop 4" */
	bool binary;         /* all values in batches are -1 or 1 (option binarise) */
	const char *format;  /* "drawn", "IDX", "pictures", ... */
	int fields;          /* number of fields, see gm_data_field_at */
	bool paired;         /* fields "a" and "b" of one example belong together */
	uint64_t bad;        /* skipped files: unusable images */
	uint64_t other;      /* skipped files: not images, hidden, or dangling links */
	uint64_t left; /* readable images that are not part of the set; gm_data_note says why */
	bool cached;   /* decoded images were read from the cache */
} gm_data_info;

/* Opens spec. o may be NULL and is not kept. Returns NULL on failure, with an error that names the
 * path: GM_ERR_IO (missing, no permission), GM_ERR_FORMAT (wrong magic number, truncated, trailing
 * bytes, corrupt gzip, different counts), GM_ERR_MEMORY (too large), GM_ERR_VALUE (an option that
 * does not apply, labels that contradict option classes, an unknown name). The caller closes the
 * set.
 *
 * docs/data-formats.md lists the formats and how each is converted. */
GM_API gm_dataset *gm_data_open(const char *spec, const gm_data_options *o, gm_error *err);
GM_API void gm_data_close(gm_dataset *d); /* NULL is fine */

/* A second data set over the examples of d, with its own order. With per_class > 0 it has only that
 * many examples of each class: the first ones in the order given by seed, so that a smaller subset
 * is contained in a larger one. It shares the images of d, so it must be closed before d and used
 * in the same thread. The subset of an endless set is finite, taken from the sequence of its option
 * seed. NULL on failure: GM_ERR_VALUE (no labels, too few examples of a class, unpaired domains),
 * GM_ERR_MEMORY. */
GM_API gm_dataset *gm_data_few(const gm_dataset *d, int per_class, uint64_t seed, gm_error *err);

/* Sets the binarisation of all following reads. GM_ERR_VALUE for points. */
GM_API bool gm_data_binarise(gm_dataset *d, gm_binarise how, gm_error *err);

GM_API const gm_data_info *gm_data_info_of(const gm_dataset *d);

/* Writes examples position .. position+n-1 of the endless stream given by seed to x [n, shape...]
 * and label [n]. Either may be NULL; label is 0 for an unlabelled set. A pure function of its
 * arguments; allocates nothing. Applies flips and crops. Fails only for n < 0. */
GM_API bool gm_data_batch(gm_dataset *d, uint64_t seed, uint64_t position, int64_t n, float *x,
                          int32_t *label, gm_error *err);

/* Writes example number index: of a finite set in file order (GM_ERR_VALUE beyond its end), of an
 * endless set in the sequence of options.seed. x [shape...] and label [1] may be NULL. */
GM_API bool gm_data_get(gm_dataset *d, uint64_t index, float *x, int32_t *label, gm_error *err);

/* The index (for gm_data_get) of the example at this position of the stream. For endless sets this
 * is position. */
GM_API uint64_t gm_data_index(const gm_dataset *d, uint64_t seed, uint64_t position);

/* A field: a kind of value that every example of the set has. Owned by the set. */
typedef enum gm_field_type { GM_FIELD_FLOAT, GM_FIELD_INT, GM_FIELD_TEXT } gm_field_type;
typedef struct gm_field {
	/* "image", "label", "index", "a", "b", "mask", "caption", "video", "low", ... */
	const char *name;
	const char *about; /* description in one line */
	gm_field_type type;
	int rank;         /* of one value; 0 for labels */
	int64_t shape[4]; /* {C,H,W}; {H,W} for a mask; {T,C,H,W} for a video */
	int64_t numel;
	int classes; /* of GM_FIELD_INT: values are 0 .. classes-1 */
	const char *const *class_names;
	int index; /* of this field, for gm_data_field_at */
	/* column of a table: numbers offset .. offset + width - 1 of the example encode it;
	 * width 0: not part of the example */
	int offset, width;
} gm_field;

/* The field with this name or number; NULL if there is none. "image" always exists (the point, in a
 * set of points), "label" exists if the set has classes, "index" (for gm_data_get) in finite sets.
 * In a set of pairs "image" is "b", the target of a translation. */
GM_API const gm_field *gm_data_field(const gm_dataset *d, const char *name);
GM_API const gm_field *gm_data_field_at(const gm_dataset *d, int i);
/* The field that a translation to the field of this name ("example": "image") should reproduce:
 * that field where the sides of examples belong together; in a set of two unpaired domains its
 * field "truth" for "b", if it has one; NULL otherwise, and for name NULL. */
GM_API const gm_field *gm_data_target(const gm_dataset *d, const char *name);

/* Writes a field of examples position .. position+n-1, as gm_data_batch does: float or int32_t [n,
 * shape...]. The fields of one example belong together and get the same flips and crops; if
 * info.paired is false, "a" and "b" are two independent streams. Text is int32_t [n,
 * caption_length]: bytes of UTF-8, truncated to that length and padded with zeros. GM_ERR_VALUE for
 * n < 0. */
GM_API bool gm_data_read(gm_dataset *d, const gm_field *f, uint64_t seed, uint64_t position,
                         int64_t n, void *out, gm_error *err);

/* Captions of an example in the field "captions", [n, GM_DATA_CAPTIONS, caption_length]: that of
 * field "caption" and the lines after it in the image's caption file, from its first line again
 * after the last; of an embedded set further random sentences. */
#define GM_DATA_CAPTIONS 4
/* The caption of the example at (seed, position), such as "a small red circle at the top left on a
 * blue background", truncated to text[room]. If the image's caption file has several lines, (seed,
 * position) chooses one. GM_ERR_STATE if the set has no field "caption"; empty if this example has
 * no caption. */
GM_API bool gm_data_caption(gm_dataset *d, uint64_t seed, uint64_t position, char *text,
                            size_t room, gm_error *err);

/* The number of examples of a set with the field "caption" that have none; *first becomes the index
 * of the first of them. */
GM_API uint64_t gm_data_uncaptioned(const gm_dataset *d, uint64_t *first);

/* The ground-truth factors that generated the example at (seed, position): value[info.factors] in
 * the order of info.factor_names. They are class numbers, or lengths as fractions of the image
 * side. GM_ERR_STATE if the set has no factors. */
GM_API bool gm_data_factors(gm_dataset *d, uint64_t seed, uint64_t position, float *value,
                            gm_error *err);

/* The file of example index of a finite set, relative to the folder or archive; NULL if there is
 * not one file per example. Owned by the set. */
GM_API const char *gm_data_example_name(const gm_dataset *d, uint64_t index);

/* Name of skipped file i (of info.bad) and the reason. NULL beyond the last. Owned by the set. */
GM_API const char *gm_data_bad(const gm_dataset *d, uint64_t i, const char **reason);

/* Message i about what was skipped or decided when the set was opened ("12 pictures are left out,
 * next to the class folders ..."). NULL beyond the last. Owned by the set. */
GM_API const char *gm_data_note(const gm_dataset *d, int i);

/* Statistics of a set: over all examples of a finite set, over the first 4096 samples of an endless
 * set, without flips and crops. */
typedef struct gm_data_report {
	uint64_t examples;
	float low, high;          /* minimum and maximum value */
	double mean[4], sigma[4]; /* of the first four channels (coordinates, for points) */
	uint64_t *per_class;      /* [info.classes], owned by the report; NULL where unlabelled */
	uint64_t duplicates;      /* examples that equal an earlier one */
	uint64_t twin[8][2]; /* the first of these: indices of the later and the earlier example */
	/* For image files, as stored and upright: */
	int width[3], height[3]; /* smallest, largest, most frequent pair */
	uint64_t sizes, common;  /* number of different sizes; images with the most frequent size */
	/* number of images; deep: over 8 bits; turned: by EXIF */
	uint64_t grey, colour, alpha, deep, turned;
	uint64_t several; /* files with several frames or pages (the first is used) */
	struct gm_data_format {
		const char *name; /* "JPEG"; NULL ends the list */
		uint64_t files;
	} format[8];
} gm_data_report;

GM_API bool gm_data_examine(gm_dataset *d, gm_data_report *r, gm_error *err);
GM_API void gm_data_report_free(gm_data_report *r); /* allowed on a zeroed struct */

typedef struct gm_fetch_options {
	const char *mirror; /* download from this URL instead of the official one; or NULL */
	int patience;       /* timeout in seconds without data; default 30 */
} gm_fetch_options;

/* Downloads the set called name to $XDG_CACHE_HOME/ganymede/sets, where gm_data_open finds it by
 * name. The SHA-256 of each file is checked before the file is renamed into place; an interrupted
 * download is resumed. o may be NULL. GM_ERR_VALUE (unknown name, with a suggestion; or a set that
 * must be downloaded by hand, with instructions), GM_ERR_IO, GM_ERR_FORMAT (wrong checksum). */
GM_API bool gm_data_fetch(const char *name, const gm_fetch_options *o, gm_error *err);
/* Names of the sets and network weights (ganymede/features.h) that can be downloaded, for i = 0, 1,
 * ... until NULL. about may be NULL. */
GM_API const char *gm_data_fetch_names(int i, const char **about);

/* Names and one-line descriptions of the embedded sets for i = 0, 1, ... until NULL. about may be
 * NULL. */
GM_API const char *gm_data_names(int i, const char **about);

GM_END_C

#endif
