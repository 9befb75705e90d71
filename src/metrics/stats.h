/* SPDX-License-Identifier: MIT
 *
 * metrics/stats.h -- mean and covariance of features as a file: NumPy's .npz with arrays mu and
 * sigma, which pytorch-fid and clean-fid read and write. Ours hold a third array, `protocol`: the
 * UTF-8 bytes of a JSON object that says what the features are of. Others do not look at it. */
#ifndef GM_METRICS_STATS_H
#define GM_METRICS_STATS_H

#include "ganymede/base.h"

typedef struct gm_stats {
	int64_t d;      /* features */
	double *mean;   /* [d], malloc */
	double *sigma;  /* [d, d], malloc */
	char *protocol; /* JSON, malloc; NULL where the file says nothing */
} gm_stats;

/* True where path ends in .npz and holds arrays of those names: a set of pictures may be an .npz
 * too. */
bool gm_stats_is(const char *path);
/* GM_ERR_FORMAT for shapes that do not fit each other, types other than floats, values that are not
 * finite. Fill *s (zeroed); gm_stats_free ends it. */
bool gm_stats_read(const char *path, gm_stats *s, gm_error *err);
void gm_stats_free(gm_stats *s); /* fine on a zeroed one */
/* Whole or not at all. protocol may be NULL. */
bool gm_stats_write(const char *path, const gm_stats *s, gm_error *err);

#endif
