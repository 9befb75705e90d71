/* SPDX-License-Identifier: MIT
 *
 * ops/resample.h -- what resample reads for each result, for its definition and for backends'
 * kernels.
 */
#ifndef GM_OPS_RESAMPLE_H
#define GM_OPS_RESAMPLE_H

#include "graph/internal.h"

enum gm_resample_kind { GM_RESAMPLE_NEAREST, GM_RESAMPLE_BILINEAR, GM_RESAMPLE_REFLECT };

typedef struct gm_resample_attr {
	int kind, axis;
	int transposed; /* the axis shrinks from the long size to the short one */
	int factor;     /* nearest, bilinear: the long size is factor times the short one; else 0 */
	int64_t before, after; /* reflect: the long size is before + short + after; else 0 */
	int64_t size;          /* the short one, along the axis */
} gm_resample_attr;

static inline int64_t gm_resample_long(const gm_resample_attr *a)
{
	return a->factor ? a->size * a->factor : a->before + a->size + a->after;
}

/* Element o of the long side is sum_t weight[t] * (element index[t] of the short side). Returns the
 * number of taps t, 1 or 2. The transpose adds weight[t] * (long o) into short index[t] instead. */
static inline int gm_resample_taps(const gm_resample_attr *a, int64_t o, int64_t index[2],
                                   double weight[2])
{
	weight[0] = 1;
	if (a->kind == GM_RESAMPLE_NEAREST) {
		index[0] = o / a->factor;
		return 1;
	}
	if (a->kind == GM_RESAMPLE_REFLECT) {
		int64_t i = o - a->before;
		index[0] = i < 0 ? -i : i >= a->size ? 2 * (a->size - 1) - i : i;
		return 1;
	}
	/* Pixel centres lie at halves: o's is at (o + 1/2) / factor - 1/2 = p / (2 factor) on the
	 * short side. */
	int64_t p = 2 * o + 1 - a->factor, q = 2 * (int64_t)a->factor;
	int64_t i = p < 0 ? -1 : p / q;
	if (i < 0 || i == a->size - 1) { /* beyond the centre of the first or last pixel */
		index[0] = i < 0 ? 0 : i;
		return 1;
	}
	index[0] = i;
	index[1] = i + 1;
	weight[1] = (double)(p - i * q) / (double)q;
	weight[0] = 1 - weight[1];
	return 2;
}

#endif
