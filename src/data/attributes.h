/* SPDX-License-Identifier: MIT
 *
 * attributes.h -- attributes of the images of an album, as integers: from tables in or next to it,
 * and from file names. See labels.h for the formats. */
#ifndef GANYMEDE_DATA_ATTRIBUTES_H
#define GANYMEDE_DATA_ATTRIBUTES_H

#include "data/pictures.h"

/* One of them, for all entries of the album. */
typedef struct gm_attribute {
	const char *name;
	int classes;              /* values are 0 .. classes-1 */
	const char **class_names; /* [classes], sorted by bytes; NULL if words are numbers */
	int32_t *value;           /* [entries]; -1: missing. malloc */
	uint64_t missing;         /* how many of these */
} gm_attribute;

typedef struct gm_attributes {
	gm_attribute *attribute;
	int count;
	const char **caption; /* [entries] or NULL; an entry is NULL where there is none */
	bool stylegan;        /* dataset.json was read: folders are shards, not classes */
} gm_attributes;

/* Reads attributes as given by o (labels, label_pattern, caption; by default all tables with image
 * names). Words are numbered over all rows of a table, whichever images exist. Notes are added to
 * p. */
bool gm_attributes_read(gm_attributes *out, gm_pictures *p, const char *path,
                        const gm_data_options *o, gm_error *err);
void gm_attributes_free(gm_attributes *a);

#endif
