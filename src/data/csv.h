/* SPDX-License-Identifier: MIT
 *
 * csv.h -- points as text: one per line, numbers separated by commas, semicolons, tabs or spaces. A
 * first line of words names the columns; the one named label, class or y is the label, an integer
 * from 0. Empty lines and lines starting with # are skipped. */
#ifndef GANYMEDE_DATA_CSV_H
#define GANYMEDE_DATA_CSV_H

#include "data/pictures.h"

/* Fills count, width, point and labels of p. err->offset is the position of an error. */
bool gm_csv_parse(gm_pictures *p, const char *name, const void *bytes, size_t n, gm_error *err);

#endif
