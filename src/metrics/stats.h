/* SPDX-License-Identifier: MIT
 *
 * metrics/stats.h -- mean and covariance of features as a file: NumPy's .npz with arrays mu and
 * sigma, which pytorch-fid and clean-fid read and write. Our files have a third array, `protocol`:
 * a JSON object in UTF-8 that describes the features. Other programs ignore it. */
#ifndef GM_METRICS_STATS_H
#define GM_METRICS_STATS_H

#include "ganymede/base.h"

typedef struct gm_stats {
	int64_t d;      /* features */
	double *mean;   /* [d], malloc */
	double *sigma;  /* [d, d], malloc */
	char *protocol; /* JSON, malloc; NULL if the file has none */
} gm_stats;

/* True if path ends in .npz and has arrays of these names; a set of images may also be an .npz. */
bool gm_stats_is(const char *path);
/* GM_ERR_FORMAT for shapes that do not fit each other, types other than floats, values that are not
 * finite. Fill *s (zeroed); gm_stats_free ends it. */
bool gm_stats_read(const char *path, gm_stats *s, gm_error *err);
void gm_stats_free(gm_stats *s); /* fine on a zeroed one */
/* Writes atomically. protocol may be NULL. */
bool gm_stats_write(const char *path, const gm_stats *s, gm_error *err);

#endif
