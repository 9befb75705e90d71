/* SPDX-License-Identifier: MIT
 *
 * metrics/pairs.h -- squared distances of every row of x to every row of y, a tile at a time. */
#ifndef GM_METRICS_PAIRS_H
#define GM_METRICS_PAIRS_H

#include "ganymede/metrics.h"

/* Receives squared distances tile [nx, ny] of x's rows from x0 on to y's rows from y0 on. All of
 * y's tiles come in order before x's next rows do. */
typedef void gm_tile(void *context, const double *tile, int64_t x0, int64_t nx, int64_t y0,
                     int64_t ny);

/* Distances are from double-precision products of rows from which y's mean is taken, and what is
 * within rounding of zero is zero: copies are at no distance. GM_ERR_VALUE where a count is below 1
 * or a value is not finite; GM_ERR_MEMORY. */
bool gm_pairs(const float *x, int64_t nx, const float *y, int64_t ny, int64_t d, gm_tile *tile,
              void *context, gm_error *err);

/* GM_ERR_VALUE, naming the row, unless x [n, d] is finite. */
bool gm_rows_finite(const char *what, const float *x, int64_t n, int64_t d, gm_error *err);

#endif
