/* SPDX-License-Identifier: MIT
 *
 * table.h -- tables with named columns, each of which is a number or a category: CSV files with
 * words, and the files NAME.names, NAME.data and NAME.test of the UCI repository (C4.5's format).
 * The example is the columns side by side, without the label: a number as (x - mean) / standard
 * deviation, a category as one-of-K. Means, deviations and categories are those of the training
 * split. */
#ifndef GANYMEDE_DATA_TABLE_H
#define GANYMEDE_DATA_TABLE_H

#include "data/pictures.h"

/* bytes: a CSV file whose first row names the columns. */
bool gm_table_parse_csv(gm_pictures *p, const char *path, const void *bytes, size_t n,
                        const gm_data_options *o, gm_error *err);

/* The files of a UCI set: names says which columns there are; test may be NULL; p receives the
 * split of o. */
typedef struct gm_table_files {
	const char *names, *train, *test; /* contents, ended by a zero */
	const char *train_path;           /* for messages */
} gm_table_files;
bool gm_table_parse_uci(gm_pictures *p, const gm_table_files *f, const gm_data_options *o,
                        gm_error *err);

/* True if the text of a CSV file is a table, not points: a first row of words, and a word in one of
 * the other rows. */
bool gm_table_has_words(const char *bytes, size_t n);

#endif
