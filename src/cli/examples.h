/* SPDX-License-Identifier: MIT
 *
 * cli/examples.h -- what verbs that start from pictures are given: a picture, a data set, or nothing,
 * which is the run's own data.
 */
#ifndef GM_CLI_EXAMPLES_H
#define GM_CLI_EXAMPLES_H

#include "ganymede/image.h"
#include "cli/cli.h"
#include "ganymede/saved.h"

typedef struct cli_examples {
	int columns, rows, status; /* of cli_examples_read */
	float *x;                  /* [n, shape of the run's examples], malloc */
	int64_t n;
	bool named;        /* names are wanted; then, of each example, where a file has one: */
	char (*name)[256]; /* [n], malloc */
	int32_t *label;    /* [n], malloc; NULL where there are none that the run knows */
	char from[200];    /* where they come from, for people */
} cli_examples;

bool cli_is_picture(const char *path); /* by its content, or called one */

/* The first columns * rows examples of the input, brought to the run's size as its data were; one where the input is
 * a picture. Without an input: the test part of the run's data, or all of it where it has no parts.
 * cli_examples_free ends e, also after a failure. */
bool cli_examples_get(cli_examples *e, gm_saved *s, const cli_values *v, gm_error *err);
void cli_examples_free(cli_examples *e);

/* What verbs share that make a picture of examples: the command line `VERB RUN [INPUT]` with options grid, split and
 * outdir. False with e->status where there is nothing more to do: help, or wrong words. */
bool cli_examples_read(cli_examples *e, cli_values *v, int argc, char **argv);
/* The run of it, with its endpoint of that name (NULL: any); NULL on failure. */
gm_saved *cli_examples_run(const cli_values *v, const char *endpoint, gm_error *err);

const char *cli_base_name(const char *path); /* behind the last slash */
/* Sets the turns of an endpoint that iterates, where option turns is given. */
bool cli_turns(gm_saved *s, const char *endpoint, const cli_values *v, gm_error *err);

/* n pictures of the run's size, side by side; the caller frees the grid. */
gm_image *cli_examples_grid(const gm_saved *s, const float *x, int64_t n, int columns,
                            gm_error *err);

#endif
