/* SPDX-License-Identifier: MIT
 *
 * attributes.h -- what is said about each picture of an album, as whole numbers: from tables among
 * its files or beside it, and from the pictures' names. See labels.h for the formats. */
#ifndef GANYMEDE_DATA_ATTRIBUTES_H
#define GANYMEDE_DATA_ATTRIBUTES_H

#include "data/pictures.h"

/* One of them, for all entries of the album. */
typedef struct gm_attribute {
	const char *name;
	int classes;              /* values are 0 .. classes-1 */
	const char **class_names; /* [classes], sorted byte by byte; NULL where words are numbers */
	int32_t *value;           /* [entries]; -1: nothing is said. malloc */
	uint64_t missing;         /* how many of these */
} gm_attribute;

typedef struct gm_attributes {
	gm_attribute *attribute;
	int count;
	const char **caption; /* [entries] or NULL; an entry is NULL where there is none */
	bool stylegan;        /* dataset.json was read: folders are shards, not classes */
} gm_attributes;

/* Reads what o asks for (labels, label_pattern, caption; by themselves all tables that name pictures).
 * Numbers are those of all rows of a table, whichever pictures are there. Notes go to p. */
bool gm_attributes_read(gm_attributes *out, gm_pictures *p, const char *path,
                        const gm_data_options *o, gm_error *err);
void gm_attributes_free(gm_attributes *a);

#endif
