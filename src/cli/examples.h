/* SPDX-License-Identifier: MIT
 *
 * cli/examples.h -- what verbs that start from pictures are given: a picture, a data set, or nothing,
 * which is the run's own data.
 */
#ifndef GM_CLI_EXAMPLES_H
#define GM_CLI_EXAMPLES_H

#include "ganymede/image.h"
#include "cli/cli.h"
#include "train/saved.h"

typedef struct cli_examples {
	float *x; /* [n, shape of the run's examples], malloc */
	int64_t n;
	int32_t *label; /* [n], malloc; NULL where there are none that the run knows */
	char from[200]; /* where they come from, for people */
} cli_examples;

bool cli_is_picture(const char *name); /* by its ending */

/* The first n examples of input, brought to the run's size as its data were; one where input is a
 * picture. input NULL: the test part of the run's data, or all of it where it has no parts. split
 * may be NULL. cli_examples_free ends e, also after a failure. */
bool cli_examples_get(gm_saved *s, const char *input, const char *split, int64_t n, cli_examples *e,
                      gm_error *err);
void cli_examples_free(cli_examples *e);

/* What verbs share that make a picture of examples. The command line `VERB RUN [INPUT]` with options grid, split and
 * outdir; false with *status where there is nothing more to do: help, or wrong words. about is for --help. */
bool cli_examples_read(cli_values *v, const char *about, int argc, char **argv, int *columns,
                       int *rows, int *status);
/* The run of it, with its endpoint of that name (NULL: any); NULL on failure. */
gm_saved *cli_examples_run(const cli_values *v, const char *endpoint, gm_error *err);

/* n pictures of the run's size, side by side; the caller frees the grid. */
gm_image *cli_examples_grid(const gm_saved *s, const float *x, int64_t n, int columns,
                            gm_error *err);

#endif
