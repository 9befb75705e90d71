/* SPDX-License-Identifier: MIT
 *
 * cli/translate.h -- internal functions of ganymede translate.
 */
#ifndef GM_CLI_TRANSLATE_H
#define GM_CLI_TRANSLATE_H

#include <limits.h>

#include <jansson.h>

#include "cli/examples.h"
#include "use/translate.h"

enum { TRANSLATE_CLASSES = 64 };

typedef struct translate_classifier translate_classifier;

/* Sums over pictures of scores of their luma. */
typedef struct translate_luma {
	double psnr, ssim, sharpness;
} translate_luma;

/* Options and results. */
typedef struct translate_job {
	const char *input, *out, *split;
	bool reduce; /* files are reduced first, and the results compared with them */
	bool pad, halves, force, second; /* second: the model's input is the right half */
	int size;
	int64_t count;
	uint64_t seed;
	gm_translator *t, *reader;        /* reader: the run of option read-back, or NULL */
	translate_classifier *classifier; /* of option classify, or NULL */
	int64_t done, bad;
	char first_bad[300];
	char resize[80]; /* how images of a data set were resized; empty: they were not */
	/* against what it should be, the field of this name */
	char against[64];
	int64_t scored;
	double l1, psnr, ssim;
	/* of enlarged pictures: as in studies of super-resolution, beside bicubic interpolation */
	int64_t enlarged;
	translate_luma luma, bicubic;
	/* confusion matrices of mask classes, rows by truth: read back from b and from G(a), or, if
	 * the run generates maps, of its output */
	bool maps;
	int64_t real_count[TRANSLATE_CLASSES * TRANSLATE_CLASSES],
		fake_count[TRANSLATE_CLASSES * TRANSLATE_CLASSES];
	double colour[TRANSLATE_CLASSES][3];
	int classes;
} translate_job;

/* translate_files.c */
/* The input is an image file; a folder or an archive. */
bool translate_file(translate_job *j, gm_error *err);
bool translate_tree(translate_job *j, gm_error *err);
/* Writes out/NAME with extension .png, or NAME if there is no output; false if too long */
bool translate_path(const translate_job *j, const char *name, char path[PATH_MAX]);
/* An error if path exists and must not be overwritten; true if there is no output. */
bool translate_may_write(const translate_job *j, const char *path, gm_error *err);
/* Translates x and writes the result to path, unless NULL. name: for messages. truth: target of the
 * result's size for scoring, or NULL. y, unless NULL, gets the result; the caller then frees
 * y->x. */
typedef struct translate_one {
	const char *name, *path;
	gm_picture x, truth; /* truth.x: NULL if not known */
} translate_one;
bool translate_picture(translate_job *j, const translate_one *p, gm_picture *y, gm_error *err);

/* translate_score.c: adds the scores of the result y of p, whose truth is known. */
bool translate_score(translate_job *j, const translate_one *p, const gm_picture *y, gm_error *err);

/* translate_classes.c: the classes that a classifier run finds in inputs and in results. */
translate_classifier *translate_classifier_open(const char *run, const char *outdir, gm_error *err);
void translate_classifier_free(translate_classifier *c); /* NULL is fine */
bool translate_classifier_count(translate_classifier *c, const gm_picture *x, const gm_picture *y,
                                gm_error *err);
void translate_classifier_say(const translate_classifier *c);
/* Adds the share of the results in each class k as "class-k". */
void translate_classifier_scores(const translate_classifier *c, json_t *scores);

/* translate_set.c: the input as a data set */
bool translate_set(translate_job *j, gm_error *err);

#endif
