/* SPDX-License-Identifier: MIT
 *
 * metrics/segments.c -- semantic segmentation scores. */
#include "ganymede/metrics.h"

#include <math.h>

bool gm_segments_add(int64_t *count, const int32_t *truth, const int32_t *got, int64_t n,
                     int64_t classes, gm_error *err)
{
	for (int64_t i = 0; i < n; i++) {
		int32_t a = truth[i], b = got[i];
		if (a < 0 || b < 0 || a >= classes || b >= classes)
			return gm_fail(
				err, GM_ERR_VALUE,
				"pixel %lld is of class %d and taken for %d, of %lld classes",
				(long long)i, (int)a, (int)b, (long long)classes);
		count[a * classes + b]++;
	}
	return true;
}

double gm_segments_iou(const int64_t *count, int64_t classes, const bool *chosen)
{
	double sum = 0;
	int64_t n = 0;
	for (int64_t i = 0; i < classes; i++) {
		int64_t truth = 0, got = 0, both = count[i * classes + i];
		for (int64_t j = 0; j < classes; j++)
			truth += count[i * classes + j], got += count[j * classes + i];
		if (truth && chosen[i])
			sum += (double)both / (double)(truth + got - both), n++;
	}
	return n ? sum / (double)n : NAN;
}

bool gm_segments_of(const int64_t *count, int64_t classes, gm_segments *score, gm_error *err)
{
	double right = 0;
	*score = (gm_segments){0};
	for (int64_t i = 0; i < classes; i++) {
		int64_t truth = 0, got = 0, both = count[i * classes + i];
		for (int64_t j = 0; j < classes; j++)
			truth += count[i * classes + j], got += count[j * classes + i];
		score->pixels += truth;
		right += (double)both;
		if (!truth)
			continue;
		score->classes++;
		score->per_class += (double)both / (double)truth;
		score->iou += (double)both / (double)(truth + got - both);
	}
	if (!score->pixels)
		return gm_fail(err, GM_ERR_VALUE, "no pixels to score");
	score->pixel = right / (double)score->pixels;
	score->per_class /= (double)score->classes;
	score->iou /= (double)score->classes;
	return true;
}
