/* SPDX-License-Identifier: MIT
 *
 * labels.h -- what tables beside pictures, or the pictures' names, say about each of them: columns
 * of words. Which column is a class, and which number a word gets, is decided in attributes.c. */
#ifndef GANYMEDE_DATA_LABELS_H
#define GANYMEDE_DATA_LABELS_H

#include "base/arena.h"
#include "ganymede/base.h"

/* Rows of words, all ended by a zero within text. */
typedef struct gm_sheet {
	char *text;     /* owned */
	uint32_t *cell; /* [rows, columns]: where in text; owned */
	uint64_t rows;
	int columns;
	bool header; /* the first row names the columns: certainly; else it may */
	bool none;   /* dataset.json that says that there are no labels */
} gm_sheet;

const char *gm_sheet_cell(const gm_sheet *s, uint64_t row, int column);
void gm_sheet_free(gm_sheet *s); /* fine on a zeroed one */

enum { GM_SHEET_COLUMNS = 1024 };

/* By the name's ending. JSON: dataset.json as StyleGAN's dataset_tool writes it (columns file and
 * label), or captions (columns file and caption, several captions as lines): an object of texts or
 * lists of texts by file, a list of objects with file_name and caption, or COCO's annotations.
 * list_attr_celeba.txt as CelebA has it (a count, the names of the columns, then a picture and its
 * numbers in each row); else fields between commas, semicolons or tabs, in quotes where they hold
 * such (RFC 4180), with or without a byte order mark, lines ended by LF, CR LF or CR. GM_ERR_FORMAT
 * names the line. */
bool gm_sheet_parse(gm_sheet *s, const char *name, const void *bytes, size_t n, gm_error *err);

/* What a pattern takes out of names, such as "{age}_{gender}_*": words in braces name columns and
 * match up to what comes next, {} and * match and are dropped. The pattern is for the last part of
 * a name, and for its last parts where it has slashes itself; always without the ending. */
typedef struct gm_pattern gm_pattern;
gm_pattern *gm_pattern_new(const char *text, gm_error *err); /* GM_ERR_VALUE */
void gm_pattern_free(gm_pattern *p);
int gm_pattern_columns(const gm_pattern *p);
const char *gm_pattern_column(const gm_pattern *p, int i);
/* The words of name into word[columns], in arena; false where it does not match. */
bool gm_pattern_match(const gm_pattern *p, const char *name, gm_arena *arena, const char **word);

#endif
