/* SPDX-License-Identifier: MIT
 *
 * data.h -- where examples come from.
 *
 * A data set is opened by a spec: the name of an embedded set ("glyphs", "shapes", "ring8", ...),
 * of a set that was fetched ("mnist"), or a path: a folder of pictures, an archive of them, or a
 * file of arrays (docs/data-formats.md has the list and the rules). Embedded sets are drawn on demand, at any picture size, and never end. Nothing
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

GM_BEGIN_C

typedef struct gm_dataset gm_dataset;

/* How a picture of another size is brought to the size asked. */
typedef enum gm_fit {
	GM_FIT_AUTO, /* the default everywhere: crop for pictures in folders and archives, resize for all else */
	GM_FIT_RESIZE, /* scaled to fill, sides independently */
	GM_FIT_PAD,    /* centred on black: 28 to 32 adds two rows all round; larger ones shrink */
	GM_FIT_CROP    /* the largest square from the centre, then scaled */
} gm_fit;

/* What scaling weighs by. All are antialiased: stretched when a picture shrinks. */
typedef enum gm_filter {
	GM_FILTER_TRIANGLE, /* linear interpolation when a picture grows */
	GM_FILTER_BOX,      /* the mean of an area; pixels repeated when a picture grows */
	GM_FILTER_CUBIC,    /* Keys 1981, a = -1/2 */
	GM_FILTER_LANCZOS   /* three lobes */
} gm_filter;

/* What to do about a file among many that cannot be used. */
typedef enum gm_bad_files {
	GM_BAD_SKIP, /* leave it out; gm_data_info.bad counts, gm_data_bad names */
	GM_BAD_STOP  /* fail, naming the first */
} gm_bad_files;

enum { GM_SIZE_MIN = 8, GM_SIZE_MAX = 1024 }; /* of gm_data_options.size */

/* How the numbers of a picture, read as probabilities (x + 1) / 2, become -1 or 1. */
typedef enum gm_binarise {
	GM_BINARISE_NO,
	GM_BINARISE_THRESHOLD, /* 1 above one half */
	GM_BINARISE_FIXED, /* drawn once for each picture: the same in every batch and every run */
	GM_BINARISE_STOCHASTIC, /* drawn anew for each place in the stream; gm_data_get gives grey pictures */
	GM_BINARISE_AUTO /* as NO, until gm_data_binarise says otherwise */
} gm_binarise;

/* All zero means: the set as it is. */
typedef struct gm_data_options {
	/* pixels along each side; 0 = native (glyphs 28, shapes 32), and of pictures from files that
	 * differ the shorter side that most of them have */
	int size;
	int channels; /* 0 = native, 1 = grey (ITU-R BT.601 luma), 3 = RGB */
	gm_fit fit;
	gm_filter filter;
	/* "train" (also when NULL), "test" or "val": which files of a folder, which draws of an embedded
	 * set. What has no parts is "train" as a whole. */
	const char *split;
	/* Of folders and archives, where labels come from: "auto" (also when NULL: class folders, else
	 * tables that name pictures), "folders", "none", or the name of a table. label_column: the one
	 * that is the class. label_pattern: columns out of the pictures' names, "{age}_{gender}_*".
	 * caption_column: the one with sentences. no_parts: no folder is a part by its name. */
	const char *label_from, *label_column, *label_pattern, *caption_column;
	bool no_parts;
	int classes;   /* 0 = any; else an error unless the labels are exactly 0 .. classes-1 */
	uint64_t seed; /* which endless sequence gm_data_get indexes in an embedded set */
	gm_bad_files bad_files;
	bool halves; /* each picture is a pair side by side: its left half is "a", its right "b" */
	bool flip;   /* in batches: mirror each example with probability 1/2 */
	int crop;    /* in batches: shift by up to this many pixels either way, edges mirrored */
	/* only examples from .. to-1 of a finite set, in the order of its files; to 0: to the end */
	uint64_t from, to;
	/* grey pictures from files, three as the channels of one, drawn anew for every place in an
	 * endless stream; labels are (a k + b) k + c (stacked MNIST, arXiv:1611.02163) */
	bool stack;
	gm_binarise binarise;
	/* Only so many examples of each class, chosen by subset_seed (gm_data_few); 0: all. */
	int per_class;
	uint64_t subset_seed;
	int caption_length; /* characters of field "caption"; 0: 201, the length of Reed et al. 2016 */
	bool no_cache;      /* neither read nor write the cache of decoded pictures */
	/* The spec was opened before, and is what it was then, whatever files were made since: the name of
	 * an embedded set means the set. */
	bool again;
} gm_data_options;

/* Sets the option called name (gm_data_option_names lists them; `_` is `-`) from text as people type it.
 * text must outlive o. GM_ERR_VALUE for text that makes no sense; GM_ERR_STATE for an unknown name. */
GM_API bool gm_data_option(gm_data_options *o, const char *name, const char *text, gm_error *err);
/* Their names, for i = 0, 1, ... until NULL, with a line about each; about may be NULL. */
GM_API const char *gm_data_option_names(int i, const char **about);

/* The Gaussians that an embedded set of points is drawn from, equally often: how many, their means in centre and their
 * one deviation in sigma. 0 for a set that is no such mixture. (ring8 and grid25: PacGAN's, arXiv:1712.04086, section
 * 4.1.) */
enum { GM_DATA_MODES = 25 };
GM_API int gm_data_modes(const char *name, double centre[GM_DATA_MODES][2], double *sigma);

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
	float low, high;     /* range of values: -1 and 1 for pictures; the extent of the points */
	uint64_t hash;       /* of the content as delivered: a resumed run compares it */
	const char *resize;  /* "none", "pad", "triangle, antialiased", or "drawn at size" */
	const char *augment; /* "none", "flip", "flip, crop 4": what batches do to examples */
	bool binary;         /* batches hold only -1 and 1, by option binarise */
	const char *format;  /* "drawn", "IDX", "pictures", ... */
	int fields;          /* how many gm_data_field_at gives */
	bool paired;         /* fields "a" and "b" of one example belong together */
	uint64_t bad;        /* files left out because they cannot be used */
	uint64_t other;      /* files that are no pictures, hidden ones, links to nowhere */
	uint64_t left;       /* pictures left out though they can be read; gm_data_note says why */
	bool cached;         /* decoded pictures came from the cache, not from their files */
} gm_data_info;

/* Opens spec. o may be NULL, and is not kept. NULL on failure, with one message that names the
 * path: GM_ERR_IO (missing, no permission), GM_ERR_FORMAT (wrong magic, truncated, trailing bytes,
 * corrupt gzip, counts that differ), GM_ERR_MEMORY (dimensions beyond this machine), GM_ERR_VALUE
 * (an option that does not fit, labels and classes that do not agree, an unknown name).
 *
 * docs/data-formats.md says what a path may be, and by which rule each format is converted. */
GM_API gm_dataset *gm_data_open(const char *spec, const gm_data_options *o, gm_error *err);
GM_API void gm_data_close(gm_dataset *d); /* NULL is fine */

/* A second order over the examples of d, with per_class > 0 over only so many of each class: the first of each in the order
 * that seed names, so that a smaller choice is a part of a larger one. Shares the pictures of d, which must be closed later, and
 * belongs to the thread of d. Of an endless set the choice is finite, drawn from the sequence of its option seed. NULL on
 * failure: GM_ERR_VALUE (no labels, too few of one class, pairs of two unrelated domains), GM_ERR_MEMORY. */
GM_API gm_dataset *gm_data_few(const gm_dataset *d, int per_class, uint64_t seed, gm_error *err);

/* From now on examples are binarised so. GM_ERR_VALUE for points. */
GM_API bool gm_data_binarise(gm_dataset *d, gm_binarise how, gm_error *err);

GM_API const gm_data_info *gm_data_info_of(const gm_dataset *d);

/* Examples position .. position+n-1 of the endless stream that seed names, into x [n, shape...]
 * and label [n] (either may be NULL; label is 0 where unlabelled). A pure function of its
 * arguments; no allocation. Flips and crops happen here. Fails only for n < 0. */
GM_API bool gm_data_batch(gm_dataset *d, uint64_t seed, uint64_t position, int64_t n, float *x,
                          int32_t *label, gm_error *err);

/* Example number index: of a finite set in the order of its files (GM_ERR_VALUE beyond its end),
 * of an endless one in the sequence of options.seed. x [shape...] and label [1] may be NULL. */
GM_API bool gm_data_get(gm_dataset *d, uint64_t index, float *x, int32_t *label, gm_error *err);

/* The place in the files of the example at position: the index for gm_data_get. Endless sets
 * give position back. */
GM_API uint64_t gm_data_index(const gm_dataset *d, uint64_t seed, uint64_t position);

/* One kind of thing that every example of a set has. Owned by the set. */
typedef enum gm_field_type { GM_FIELD_FLOAT, GM_FIELD_INT, GM_FIELD_TEXT } gm_field_type;
typedef struct gm_field {
	const char *
		name; /* "image", "label", "index", "a", "b", "mask", "caption", "video", "low", ... */
	const char *about; /* one line for people */
	gm_field_type type;
	int rank;         /* of one value; 0 for labels */
	int64_t shape[4]; /* {C,H,W}; {H,W} for a mask; {T,C,H,W} for a video */
	int64_t numel;
	int classes; /* of GM_FIELD_INT: values are 0 .. classes-1 */
	const char *const *class_names;
	int index; /* its place among the set's fields */
} gm_field;

/* The field of that name, or number i; NULL where there is none. "image" is always there (the
 * point, in a set of points), "label" where the set has classes, "index" in finite sets: the number for gm_data_get. In a set of pairs "image" is "b",
 * what a translation should look like. */
GM_API const gm_field *gm_data_field(const gm_dataset *d, const char *name);
GM_API const gm_field *gm_data_field_at(const gm_dataset *d, int i);

/* The field of examples position .. position+n-1, as gm_data_batch: floats [n, shape...] or int32_t
 * [n, shape...]. The fields of one example belong together, flips and crops included; where
 * info.paired is false "a" and "b" are streams of their own. Text is int32_t [n, option caption_length]: its characters (bytes
 * of UTF-8), cut to that length, and zeros behind them. GM_ERR_VALUE for n < 0. */
GM_API bool gm_data_read(gm_dataset *d, const gm_field *f, uint64_t seed, uint64_t position,
                         int64_t n, void *out, gm_error *err);

/* A sentence about the example at (seed, position), such as "a small red circle at the top left
 * on a blue background", cut to fit text[room]. Where a picture's file has several lines, one of
 * them, chosen by (seed, position). GM_ERR_STATE for sets without the field "caption"; empty where
 * this one example has none. */
GM_API bool gm_data_caption(gm_dataset *d, uint64_t seed, uint64_t position, char *text,
                            size_t room, gm_error *err);

/* The ground truth that the example at (seed, position) was drawn from, value[info.factors] in
 * the order of info.factor_names: class numbers, and lengths as shares of the picture's side.
 * GM_ERR_STATE where there are none. */
GM_API bool gm_data_factors(gm_dataset *d, uint64_t seed, uint64_t position, float *value,
                            gm_error *err);

/* The file that example index of a finite set came from, within the folder or archive; NULL where
 * examples have no files of their own. Owned by the set. */
GM_API const char *gm_data_example_name(const gm_dataset *d, uint64_t index);

/* File i of those left out (info.bad), and why. NULL beyond the last. Owned by the set. */
GM_API const char *gm_data_bad(const gm_dataset *d, uint64_t i, const char **reason);

/* Line i about what was left out or decided while the set was opened ("12 pictures are left out, beside
 * the class folders ..."), for people. NULL beyond the last. Owned by the set. */
GM_API const char *gm_data_note(const gm_dataset *d, int i);

/* What a doctor finds in a set: of all examples of a finite one, of the first 4096 draws of an
 * endless one, without flips and crops. */
typedef struct gm_data_report {
	uint64_t examples;
	float low, high;          /* the values seen */
	double mean[4], sigma[4]; /* of each of the first four channels (numbers, for points) */
	uint64_t *per_class;      /* [info.classes], owned by the report; NULL where unlabelled */
	uint64_t duplicates;      /* examples that equal an earlier one */
	uint64_t twin[8][2];      /* the first few of them: the later, the earlier */
	/* Of pictures with files of their own, as stored and upright: */
	int width[3], height[3]; /* least, largest, most common pair */
	uint64_t sizes, common;  /* how many different sizes; how many have the most common */
	uint64_t grey, colour, alpha, deep, turned; /* deep: more than 8 bits; turned: by EXIF */
	uint64_t several;                           /* the first of several in its file */
	struct gm_data_format {
		const char *name; /* "JPEG"; NULL ends the list */
		uint64_t files;
	} format[8];
} gm_data_report;

GM_API bool gm_data_examine(gm_dataset *d, gm_data_report *r, gm_error *err);
GM_API void gm_data_report_free(gm_data_report *r); /* fine on a zeroed one */

typedef struct gm_fetch_options {
	const char *mirror; /* fetch from this address instead of the official one; or NULL */
	int patience;       /* seconds without a byte before giving up; default 30 */
} gm_fetch_options;

/* Fetches the set called name into $XDG_CACHE_HOME/ganymede/sets, where gm_data_open finds it by its
 * name. Every file is checked by its SHA-256 before it gets its name; what an interrupted fetch left
 * is gone on with. o may be NULL. GM_ERR_VALUE (unknown name, with a suggestion; a set that no
 * program may fetch, and how a person does), GM_ERR_IO, GM_ERR_FORMAT (the wrong bytes). */
GM_API bool gm_data_fetch(const char *name, const gm_fetch_options *o, gm_error *err);
/* The sets, and the weights of networks for scores (ganymede/features.h), that can be fetched, for
 * i = 0, 1, ... until NULL. about may be NULL. */
GM_API const char *gm_data_fetch_names(int i, const char **about);

/* The embedded sets: name and one line about it, for i = 0, 1, ... until NULL. about may be
 * NULL. */
GM_API const char *gm_data_names(int i, const char **about);

GM_END_C

#endif
