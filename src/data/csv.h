/* SPDX-License-Identifier: MIT
 *
 * csv.h -- points as text: one a line, numbers between commas, semicolons, tabs or spaces. A first
 * line of words names the columns; the one called label, class or y is the label, a whole number
 * from 0. Lines that are empty or begin with # are passed over. */
#ifndef GANYMEDE_DATA_CSV_H
#define GANYMEDE_DATA_CSV_H

#include "data/pictures.h"

/* Fills count, width, point and labels of p. err->offset is where in the text the trouble is. */
bool gm_csv_parse(gm_pictures *p, const char *name, const void *bytes, size_t n, gm_error *err);

#endif
