/* SPDX-License-Identifier: MIT
 *
 * options.c -- options of a data set: whether they make sense, and from text. See
 * ganymede/data.h. */
#include "data/set.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

bool gm_options_check(const gm_data_options *o, gm_error *err)
{
	if (o->size != 0 && (o->size < GM_SIZE_MIN || o->size > GM_SIZE_MAX))
		return gm_fail(err, GM_ERR_VALUE, "pictures can be %d to %d pixels wide, not %d",
		               GM_SIZE_MIN, GM_SIZE_MAX, o->size);
	if (o->channels != 0 && o->channels != 1 && o->channels != 3)
		return gm_fail(err, GM_ERR_VALUE, "pictures have 1 or 3 channels, not %d",
		               o->channels);
	if (o->split && strcmp(o->split, "train") != 0 && strcmp(o->split, "test") != 0 &&
	    strcmp(o->split, "val") != 0)
		return gm_fail(err, GM_ERR_VALUE, "the split is train, test or val, not \"%s\"",
		               o->split);
	if (o->fit != GM_FIT_RESIZE && o->fit != GM_FIT_PAD && o->fit != GM_FIT_CROP &&
	    o->fit != GM_FIT_AUTO)
		return gm_fail(err, GM_ERR_VALUE, "an unknown fit (%d)", (int)o->fit);
	if (o->filter < GM_FILTER_TRIANGLE || o->filter > GM_FILTER_NEAREST)
		return gm_fail(err, GM_ERR_VALUE, "an unknown filter (%d)", (int)o->filter);
	if (o->binarise < GM_BINARISE_NO || o->binarise > GM_BINARISE_AUTO)
		return gm_fail(err, GM_ERR_VALUE, "an unknown binarisation (%d)", (int)o->binarise);
	if (o->per_class < 0)
		return gm_fail(err, GM_ERR_VALUE, "%d examples of each class", o->per_class);
	if (o->caption_length < 0 || o->caption_length > 4096)
		return gm_fail(err, GM_ERR_VALUE, "captions of %d characters", o->caption_length);
	if (o->patches < 0 || o->patches > GM_PATCHES_MAX)
		return gm_fail(err, GM_ERR_VALUE, "patches: 0 to %d of each picture, not %d",
		               GM_PATCHES_MAX, o->patches);
	if (o->patches && (!o->size || o->halves))
		return gm_fail(err, GM_ERR_VALUE,
		               o->halves ? "option patches is not for pairs"
		                         : "option patches needs the size of a patch: --size N");
	if (o->patches && (o->frames > 1 || o->maps))
		return gm_fail(err, GM_ERR_VALUE, "options patches and %s exclude each other",
		               o->maps ? "maps" : "frames");
	if (o->reduce < 0 || o->reduce == 1 || o->reduce > 64)
		return gm_fail(err, GM_ERR_VALUE, "reduce: a factor of 2 to 64, or 0, not %d",
		               o->reduce);
	if (o->frames < 0 || o->frames > 1024 || o->frame_step < 0 || o->frame_step > 1 << 16)
		return gm_fail(err, GM_ERR_VALUE, "sequences of %d frames, %d apart", o->frames,
		               o->frame_step);
	if (o->sample_rate < 0 || o->sound_length < 0 || o->sound_length > GM_SOUND_MAX)
		return gm_fail(err, GM_ERR_VALUE,
		               "a sample rate of %d Hz and a length of %d samples", o->sample_rate,
		               o->sound_length);
	if (o->moving && (o->moving < GM_SIZE_MIN || o->moving > GM_SIZE_MAX))
		return gm_fail(err, GM_ERR_VALUE,
		               "option moving: frames of %d to %d pixels, not %d", GM_SIZE_MIN,
		               GM_SIZE_MAX, o->moving);
	if (o->moving && (o->flip || o->crop || o->stack || o->halves || o->maps ||
	                  o->frame_step > 1 || o->per_class))
		return gm_fail(err, GM_ERR_VALUE,
		               "options moving (%d) and %s exclude each other: leave one out%s",
		               o->moving,
		               o->flip        ? "flip"
		               : o->crop      ? "crop"
		               : o->stack     ? "stack"
		               : o->halves    ? "pairs"
		               : o->maps      ? "maps"
		               : o->per_class ? "per-class"
		                              : "frame-step",
		               o->per_class ? "; videos of two images have no class, and --range "
		                              "FROM:TO takes fewer images"
		                            : "");
	if (o->crop < 0)
		return gm_fail(err, GM_ERR_VALUE, "a shift of %d pixels", o->crop);
	return o->classes >= 0 || gm_fail(err, GM_ERR_VALUE, "a negative number of classes");
}

typedef enum kind { NUMBER, SEED, WORD, TEXT, SPAN } kind;

static const char *const fits[] = {"auto", "resize", "pad", "crop", NULL};
static const char *const filters[] = {"triangle", "box",     "cubic", "lanczos",
                                      "imresize", "nearest", NULL};
static const char *const bad_files[] = {"skip", "stop", NULL};
static const char *const sides[] = {"folders", "halves", NULL};
static const char *const off_on[] = {"off", "on", NULL};
static const char *const on_off[] = {"on", "off", NULL};
static const char *const auto_off[] = {"auto", "off", NULL};
static const char *const binarise[] = {"no", "threshold", "fixed", "stochastic", "auto", NULL};

enum {
	SIZE,
	CHANNELS,
	FIT,
	FILTER,
	SPLIT,
	PARTS,
	LABEL_FROM,
	LABEL_COLUMN,
	LABEL_PATTERN,
	CAPTION_COLUMN,
	CLASSES,
	BAD_FILES,
	PAIRS,
	FLIP,
	CROP,
	RANGE,
	STACK,
	MOVING,
	BINARISE,
	PER_CLASS,
	SUBSET_SEED,
	CAPTION_LENGTH,
	PATCHES,
	REDUCE,
	FRAMES,
	FRAME_STEP,
	MAPS,
	SAMPLE_RATE,
	SOUND_LENGTH,
	CACHE
};

static const struct {
	const char *name, *about;
	kind kind;
	const char *const *words; /* in the order of their values */
} table[] = {
	[SIZE] = {"size", "width and height of images in pixels; 0: as they are", NUMBER},
	[CHANNELS] = {"channels", "1: grey, 3: colour, 0: as they are", NUMBER},
	[FIT] = {"fit",
                 "how images are resized: resize, pad, crop; auto: crop for folders and "
                 "archives",
                 WORD, fits},
	[FILTER] = {"filter",
                    "filter for scaling: triangle, box, cubic, lanczos, imresize (MATLAB's "
                    "bicubic) or nearest",
                    WORD, filters},
	[SPLIT] = {"split", "split of the data: train, test or val", TEXT},
	[PARTS] = {"parts", "auto: folders named train, test, ... are splits; off: they are not",
                   WORD, auto_off},
	[LABEL_FROM] = {"label-from",
                        "source of labels: auto, folders, none, or a table (.csv, .tsv, "
                        "dataset.json, list_attr_celeba.txt)",
                        TEXT},
	[LABEL_COLUMN] = {"label-column", "column of a table or pattern with the class", TEXT},
	[LABEL_PATTERN] = {"label-pattern", "columns from file names, such as {age}_{gender}_*",
                           TEXT},
	[CAPTION_COLUMN] = {"caption-column", "column of a table with captions", TEXT},
	[CLASSES] = {"classes", "required number of classes; 0: any", NUMBER},
	[BAD_FILES] = {"bad-files", "unreadable files: skip or stop", WORD, bad_files},
	[PAIRS] = {"pairs", "source of pairs: folders trainA and trainB, or halves of each image",
                   WORD, sides},
	[FLIP] = {"flip", "flip each image of a batch horizontally with probability 1/2: off or on",
                  WORD, off_on},
	[CROP] = {"crop", "random shift of the images of a batch by up to this many pixels",
                  NUMBER},
	[RANGE] = {"range", "only examples FROM:TO of the files, such as 0:50000; empty: all",
                   SPAN},
	[STACK] = {"stack", "three grey images as the channels of one (stacked MNIST): off or on",
                   WORD, off_on},
	[MOVING] = {"moving",
                    "videos of two random images that move and bounce in frames of so many pixels "
                    "(moving MNIST); 0: no",
                    NUMBER},
	[BINARISE] = {"binarise",
                      "binary pixels: no, threshold (at 1/2), fixed (sampled once for each image), "
                      "stochastic (sampled for each batch); auto: what the model needs",
                      WORD, binarise},
	[PER_CLASS] = {"per-class", "only this many examples of each class; 0: all", NUMBER},
	[SUBSET_SEED] = {"subset-seed", "seed of this choice", SEED},
	[CAPTION_LENGTH] = {"caption-length", "length of captions in characters", NUMBER},
	[PATCHES] = {"patches",
                     "this many random patches of each image, of option size, not scaled; 0: whole "
                     "images",
                     NUMBER},
	[REDUCE] = {"reduce",
                    "add a field \"low\": images reduced by this factor, bicubic as MATLAB's "
                    "imresize; 0: no",
                    NUMBER},
	[FRAMES] = {"frames",
                    "consecutive frames of an example, from folders, animations or arrays "
                    "N,T,...; 0: single images",
                    NUMBER},
	[FRAME_STEP] = {"frame-step", "distance between these frames", NUMBER},
	[MAPS] = {"maps", "label maps: ending or name of their folders, such as annot or labels",
                  TEXT},
	[SAMPLE_RATE] = {"sample-rate", "sounds are resampled to this rate in Hz; 0: as they are",
                         NUMBER},
	[SOUND_LENGTH] = {"sound-length", "samples of an example; 0: of the longest sound", NUMBER},
	[CACHE] = {"cache", "cache decoded images on disk: on or off", WORD, on_off},
};
#define OPTIONS ((int)(sizeof table / sizeof *table))

const char *gm_data_option_names(int i, const char **about)
{
	if (i < 0 || i >= OPTIONS)
		return NULL;
	if (about)
		*about = table[i].about;
	return table[i].name;
}

static bool word(int option, const char *text, int *v, gm_error *err)
{
	const char *const *words = table[option].words;
	char list[64];
	size_t n = 0;
	for (*v = 0; words[*v]; ++*v) {
		if (strcmp(words[*v], text) == 0)
			return true;
		const char *join = *v == 0 ? "" : words[*v + 1] ? ", " : " or ";
		n += (size_t)snprintf(list + n, sizeof list - n, "%s%s", join, words[*v]);
	}
	return gm_fail(err, GM_ERR_VALUE, "option %s: \"%.60s\" is not %s", table[option].name,
	               text, list);
}

/* "FROM:TO"; either may be empty, and so may all of it. */
static bool span(gm_data_options *o, const char *text, gm_error *err)
{
	char first[24] = "";
	const char *colon = strchr(text, ':');
	uint64_t from = 0, to = 0;
	if (colon && colon - text < (ptrdiff_t)sizeof first)
		memcpy(first, text, (size_t)(colon - text));
	bool ok = !*text || (colon && (colon == text || gm_text_u64(first, &from)) &&
	                     (!colon[1] || gm_text_u64(colon + 1, &to)));
	if (ok && *text && colon[1] && to <= from)
		return gm_fail(
			err, GM_ERR_VALUE,
			"option range: \"%.60s\" is an empty FROM:TO: the first example is below "
			"TO, the one after the last, such as %llu:%llu",
			text, (unsigned long long)to, (unsigned long long)from + 1);
	o->from = from, o->to = to;
	return ok || gm_fail(err, GM_ERR_VALUE,
	                     "option range: \"%.60s\" is not FROM:TO, such as 0:50000", text);
}

bool gm_data_option(gm_data_options *o, const char *name, const char *text, gm_error *err)
{
	int option = 0, v = 0;
	while (option < OPTIONS && (strlen(name) != strlen(table[option].name) ||
	                            gm_text_distance(name, table[option].name) != 0))
		option++;
	if (option == OPTIONS)
		return gm_fail(err, GM_ERR_STATE, "data has no option %.60s", name);
	if (table[option].kind == NUMBER) {
		int64_t n;
		if (!gm_text_i64(text, &n) || n < 0 || n > 1 << 20)
			return gm_fail(err, GM_ERR_VALUE,
			               "option %s: \"%.60s\" is not an integer in 0..1048576", name,
			               text);
		v = (int)n;
	} else if (table[option].kind == SEED) {
		if (!gm_text_u64(text, &o->subset_seed))
			return gm_fail(err, GM_ERR_VALUE, "option %s: \"%.60s\" is not an integer",
			               name, text);
	} else if (table[option].kind == WORD && !word(option, text, &v, err)) {
		return false;
	}
	switch (option) {
	case SIZE:
		o->size = v;
		break;
	case CHANNELS:
		o->channels = v;
		break;
	case FIT:
		o->fit = (gm_fit)v;
		break;
	case FILTER:
		o->filter = (gm_filter)v;
		break;
	case SPLIT:
		/* Other words for the same part. */
		o->split = strcmp(text, "valid") == 0 || strcmp(text, "validation") == 0 ? "val"
		                                                                         : text;
		break;
	case PARTS:
		o->no_parts = v;
		break;
	case LABEL_FROM:
		o->label_from = *text ? text : NULL;
		break;
	case LABEL_COLUMN:
		o->label_column = *text ? text : NULL;
		break;
	case LABEL_PATTERN:
		o->label_pattern = *text ? text : NULL;
		break;
	case CAPTION_COLUMN:
		o->caption_column = *text ? text : NULL;
		break;
	case CLASSES:
		o->classes = v;
		break;
	case BAD_FILES:
		o->bad_files = (gm_bad_files)v;
		break;
	case PAIRS:
		o->halves = v;
		break;
	case FLIP:
		o->flip = v;
		break;
	case CROP:
		o->crop = v;
		break;
	case RANGE:
		return span(o, text, err);
	case STACK:
		o->stack = v;
		break;
	case MOVING:
		o->moving = v;
		break;
	case BINARISE:
		o->binarise = (gm_binarise)v;
		break;
	case PER_CLASS:
		o->per_class = v;
		break;
	case CAPTION_LENGTH:
		o->caption_length = v;
		break;
	case PATCHES:
		o->patches = v;
		break;
	case REDUCE:
		o->reduce = v;
		break;
	case FRAMES:
		o->frames = v;
		break;
	case FRAME_STEP:
		o->frame_step = v;
		break;
	case MAPS:
		o->maps = *text ? text : NULL;
		break;
	case SAMPLE_RATE:
		o->sample_rate = v;
		break;
	case SOUND_LENGTH:
		o->sound_length = v;
		break;
	case CACHE:
		o->no_cache = v;
		break;
	}
	return true;
}
