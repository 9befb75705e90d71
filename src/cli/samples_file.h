/* SPDX-License-Identifier: MIT
 *
 * cli/samples_file.h -- many samples as files: a folder or a .zip of PNG images with dataset.json for the labels, or a
 * NumPy .npz or .npy array.
 */
#ifndef GM_CLI_SAMPLES_FILE_H
#define GM_CLI_SAMPLES_FILE_H

#include "ganymede/model.h"

typedef struct cli_samples cli_samples;

typedef struct cli_samples_options {
	const char
		*path; /* FOLDER (also one that is not there yet), FILE.zip, FILE.npz or FILE.npy */
	const gm_facts *facts; /* of one sample */
	int64_t n;             /* samples that will come */
	bool labels;           /* every sample has a label */
	bool force;            /* replace what is there */
} cli_samples_options;

/* Whether the path means many files or arrays rather than one image, by its ending and by what is there. */
bool cli_samples_is(const char *path);
/* NULL with an error also where something is there and force is false. */
cli_samples *cli_samples_open(const cli_samples_options *o, gm_error *err);
/* The next n samples: x [n, numel]; label [n], or NULL where there are none. */
bool cli_samples_put(cli_samples *s, const float *x, const int32_t *label, int64_t n,
                     gm_error *err);
/* Ends the file and frees s (NULL is fine). Without commit, a file that was begun is removed; a folder keeps the images
 * that are in it. */
bool cli_samples_close(cli_samples *s, bool commit, gm_error *err);

#endif
