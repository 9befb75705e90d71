/* SPDX-License-Identifier: MIT
 *
 * cli/examples.h -- input images of commands: an image, a data set, or by default the run's data.
 */
#ifndef GM_CLI_EXAMPLES_H
#define GM_CLI_EXAMPLES_H

#include "ganymede/image.h"
#include "cli/cli.h"
#include "ganymede/data.h"
#include "ganymede/saved.h"
#include "use/captions.h"

typedef struct cli_examples {
	int columns, rows, status; /* of cli_examples_read */
	float *x;                  /* [n, shape of the run's examples], malloc */
	int64_t n;
	bool named;        /* names are wanted; then, of each example, where a file has one: */
	char (*name)[256]; /* [n], malloc */
	int32_t *label;    /* [n], malloc; NULL if there are no labels for this run */
	char from[200];    /* description of the source */
} cli_examples;

bool cli_is_picture(const char *path); /* by content or by name */

/* Reads the first columns * rows examples of the input, resized as the training data; one if the
 * input is an image. Without an input: the test split of the run's data, or all of it without
 * splits. Free e with cli_examples_free, also after a failure. */
bool cli_examples_get(cli_examples *e, gm_saved *s, const cli_values *v, gm_error *err);
/* The set that it reads: operand[1], or the run's data. *part: the split. The caller closes it. */
gm_dataset *cli_examples_open(gm_saved *s, const cli_values *v, const char **part, gm_error *err);
void cli_examples_free(cli_examples *e);

/* Parses the command line `VERB RUN [INPUT]` with options grid, split and outdir, for commands that
 * make an image of examples. False, with e->status, after help or a usage error. */
bool cli_examples_read(cli_examples *e, cli_values *v, int argc, char **argv);
/* Opens the run; it must have the endpoint (NULL: any). NULL on failure. */
gm_saved *cli_examples_run(const cli_values *v, const char *endpoint, gm_error *err);

const char *cli_base_name(const char *path); /* behind the last slash */
/* Sets the turns of an endpoint that iterates, where option turns is given. */
bool cli_turns(gm_saved *s, const char *endpoint, const cli_values *v, gm_error *err);

/* As gm_captions_read, and lists unknown characters on standard error. */
bool cli_captions(gm_captions *c, gm_saved *s, const char *endpoint, const char *text,
                  const char *file, gm_error *err);

/* A grid of n images of the run's size; the caller frees it. */
gm_image *cli_examples_grid(const gm_saved *s, const float *x, int64_t n, int columns,
                            gm_error *err);

#endif
