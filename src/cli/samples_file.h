/* SPDX-License-Identifier: MIT
 *
 * cli/samples_file.h -- many samples as files: a folder or a .zip of PNG images with dataset.json
 * for the labels, or a NumPy .npz or .npy array.
 */
#ifndef GM_CLI_SAMPLES_FILE_H
#define GM_CLI_SAMPLES_FILE_H

#include "ganymede/model.h"

typedef struct cli_samples cli_samples;

typedef struct cli_samples_options {
	const char *path;      /* FOLDER (created if needed), FILE.zip, FILE.npz or FILE.npy */
	const gm_facts *facts; /* of the samples */
	int64_t n;             /* total number of samples */
	bool labels;           /* samples have labels */
	bool force;            /* overwrite existing files */
} cli_samples_options;

/* True if the path is for separate samples or arrays, not one image, by its extension and existing
 * files. */
bool cli_samples_is(const char *path);
/* NULL on failure, also if the output exists and force is false. */
cli_samples *cli_samples_open(const cli_samples_options *o, gm_error *err);
/* Writes the next n samples x [n, numel]; label [n], or NULL without labels. */
bool cli_samples_put(cli_samples *s, const float *x, const int32_t *label, int64_t n,
                     gm_error *err);
/* Finishes the file and frees s (NULL is allowed). Without commit, an incomplete file is removed; a
 * folder keeps its images. */
bool cli_samples_close(cli_samples *s, bool commit, gm_error *err);

#endif
