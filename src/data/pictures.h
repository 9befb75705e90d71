/* SPDX-License-Identifier: MIT
 *
 * pictures.h -- a finite set of pictures held in memory as bytes, from IDX files. */
#ifndef GANYMEDE_DATA_PICTURES_H
#define GANYMEDE_DATA_PICTURES_H

#include "ganymede/data.h"

#include "data/resize.h"

typedef struct gm_pictures {
	uint64_t count;
	int channels, height, width; /* as stored */
	uint8_t *pixel;              /* [count, channels, height, width], owned */
	uint8_t *label;              /* [count] or NULL, owned */
	int labels;                  /* the largest label + 1, 0 where unlabelled */

	/* The way from a stored picture to a delivered one, set by gm_pictures_fit. */
	int to_channels, to_height, to_width;
	int inner_height, inner_width; /* after scaling; padded to to_height, to_width */
	gm_resize *resize;             /* NULL where inner is the stored size */
	float *scratch; /* for each thread: one plane as stored, then what resize needs */
	size_t scratch_each;
	int threads;
	const char *how; /* for gm_data_info.resize */
} gm_pictures;

/* path: a file of pictures or a folder of them; see gm_data_open. */
bool gm_pictures_open(gm_pictures *p, const char *path, const char *split, gm_error *err);
bool gm_pictures_fit(gm_pictures *p, const gm_data_options *o, gm_error *err);
void gm_pictures_free(gm_pictures *p); /* fine on a zeroed one */

/* Picture number index into x [to_channels, to_height, to_width]. thread < p->threads chooses
 * the scratch. */
void gm_pictures_get(const gm_pictures *p, uint64_t index, int thread, float *x);

#endif
