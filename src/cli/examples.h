/* SPDX-License-Identifier: MIT
 *
 * cli/examples.h -- what verbs that start from pictures are given: a picture, a data set, or nothing,
 * which is the run's own data.
 */
#ifndef GM_CLI_EXAMPLES_H
#define GM_CLI_EXAMPLES_H

#include "ganymede/image.h"
#include "train/saved.h"

typedef struct cli_examples {
	float *x; /* [n, shape of the run's examples], malloc */
	int64_t n;
	char from[200]; /* where they come from, for people */
} cli_examples;

/* The first n examples of input, brought to the run's size as its data were; one where input is a
 * picture. input NULL: the test part of the run's data, or all of it where it has no parts. split
 * may be NULL. The caller frees e->x. */
bool cli_examples_get(gm_saved *s, const char *input, const char *split, int64_t n, cli_examples *e,
                      gm_error *err);

/* n pictures of the run's size, side by side; the caller frees the grid. */
gm_image *cli_examples_grid(const gm_saved *s, const float *x, int64_t n, int columns,
                            gm_error *err);

#endif
