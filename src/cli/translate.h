/* SPDX-License-Identifier: MIT
 *
 * cli/translate.h -- what ganymede translate is made of.
 */
#ifndef GM_CLI_TRANSLATE_H
#define GM_CLI_TRANSLATE_H

#include <limits.h>

#include "cli/examples.h"
#include "use/translate.h"

enum { TRANSLATE_CLASSES = 64 };

/* What is asked for, and what was found so far. */
typedef struct translate_job {
	const char *input, *out, *split;
	bool pad, halves, force, second; /* second: the model reads right halves */
	int size;
	int64_t count;
	uint64_t seed;
	gm_translator *t, *reader; /* reader: of option read-back, or NULL */
	int64_t done, bad;
	char first_bad[300];
	char resize
		[80]; /* how a data set's pictures were brought to this size; empty: they were not */
	/* against what it should be, the field of this name */
	char against[64];
	int64_t scored;
	double l1, psnr, ssim;
	/* classes of the mask, rows by truth: read back from b itself and from G(a), or, where the run draws
	 * maps, of what it drew */
	bool maps;
	int64_t real_count[TRANSLATE_CLASSES * TRANSLATE_CLASSES],
		fake_count[TRANSLATE_CLASSES * TRANSLATE_CLASSES];
	double colour[TRANSLATE_CLASSES][3];
	int classes;
} translate_job;

/* translate_files.c */
/* The input as a picture's file; as a folder or an archive. */
bool translate_file(translate_job *j, gm_error *err);
bool translate_tree(translate_job *j, gm_error *err);
/* out/NAME with .png for its ending; false where that is too long */
bool translate_path(const translate_job *j, const char *name, char path[PATH_MAX]);
/* An error where path is there and must stay. */
bool translate_may_write(const translate_job *j, const char *path, gm_error *err);
/* x into the file at path, which may be NULL. name is what messages call it; against truth, of the size that is given, it is
 * scored, NULL: not; y is given back where it is not NULL, and then the caller frees its x. */
typedef struct translate_one {
	const char *name, *path;
	gm_picture x, truth; /* truth.x: NULL where it is not known */
} translate_one;
bool translate_picture(translate_job *j, const translate_one *p, gm_picture *y, gm_error *err);

/* translate_set.c: the input as a data set */
bool translate_set(translate_job *j, gm_error *err);

#endif
