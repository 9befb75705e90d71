/* SPDX-License-Identifier: MIT
 *
 * score/hole.c -- fillings of hidden parts and their errors. See hole.h.
 */
#include "score/hole.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ganymede/metrics.h"

static int64_t plane_of(const gm_hole *h)
{
	return h->height * h->width;
}

gm_hole_errors gm_hole_compare(const gm_hole *h, const float *x, const float *truth)
{
	const double least = 1. / (12. * 255 * 255), range = h->high - h->low;
	const int64_t plane = plane_of(h), numel = h->channels * plane;
	gm_hole_errors e = {0};
	for (int64_t i = 0; i < h->n; i++) {
		double l1 = 0, l2 = 0, count = 0;
		for (int64_t j = 0; j < numel; j++) {
			if (!h->hidden[j % plane])
				continue;
			const double d = (x[i * numel + j] - (double)truth[i * numel + j]) / range;
			l1 += fabs(d), l2 += d * d, count++;
		}
		e.l1 += l1 / count / (double)h->n, e.l2 += l2 / count / (double)h->n;
		e.psnr -= 10 * log10(fmax(l2 / count, least)) / (double)h->n;
	}
	return e;
}

void gm_hole_fill_mean(const gm_hole *h, float *x)
{
	const int64_t plane = plane_of(h);
	for (int64_t c = 0; c < h->n * h->channels; c++, x += plane) {
		double sum = 0, count = 0;
		for (int64_t i = 0; i < plane; i++)
			if (!h->hidden[i])
				sum += x[i], count++;
		for (int64_t i = 0; i < plane; i++)
			x[i] = h->hidden[i] ? (float)(sum / count) : x[i];
	}
}

/* One turn over the hidden pixels of a plane; returns the largest change. */
static double relax(const gm_hole *h, float *x, double by)
{
	double most = 0;
	for (int64_t i = 0; i < h->height; i++)
		for (int64_t j = 0; j < h->width; j++) {
			float *at = x + i * h->width + j;
			if (!h->hidden[i * h->width + j])
				continue;
			double sum = 0, count = 0;
			if (i > 0)
				sum += at[-h->width], count++;
			if (i + 1 < h->height)
				sum += at[h->width], count++;
			if (j > 0)
				sum += at[-1], count++;
			if (j + 1 < h->width)
				sum += at[1], count++;
			const double step = by * (sum / count - *at);
			*at += (float)step;
			most = fmax(most, fabs(step));
		}
	return most;
}

void gm_hole_fill_harmonic(const gm_hole *h, float *x)
{
	/* The best factor for a square with sides of N pixels, here the longer side. */
	const double side = (double)(h->height > h->width ? h->height : h->width);
	const double by = 2 / (1 + sin(3.14159265358979 / (side + 1)));
	const double enough = 1e-5 * (h->high - h->low);
	gm_hole_fill_mean(h, x);
	for (int64_t c = 0; c < h->n * h->channels; c++, x += plane_of(h))
		for (int turn = 0; turn < 10000 && relax(h, x, by) > enough; turn++)
			continue;
}

static void clear_hidden(const gm_hole *h, const float *from, int64_t n, float *to)
{
	const int64_t plane = plane_of(h);
	for (int64_t i = 0; i < n * h->channels * plane; i++)
		to[i] = h->hidden[i % plane] ? 0 : from[i];
}

bool gm_hole_fill_nearest(const gm_hole *h, float *x, const float *from, int64_t count,
                          gm_error *err)
{
	const int64_t plane = plane_of(h), numel = h->channels * plane, k = count < 2 ? count : 2;
	float *a = h->n > 0 ? malloc((size_t)(h->n * numel) * sizeof *a) : NULL,
	      *b = count > 0 ? malloc((size_t)(count * numel) * sizeof *b) : NULL;
	int64_t *index = a && b ? malloc((size_t)(h->n * k) * sizeof *index) : NULL;
	double *distance = a && b ? malloc((size_t)(h->n * k) * sizeof *distance) : NULL;
	bool ok = (index && distance) || gm_fail(err, GM_ERR_MEMORY, "no memory for images");
	if (ok) {
		clear_hidden(h, x, h->n, a);
		clear_hidden(h, from, count, b);
		ok = gm_nearest(a, h->n, b, count, numel, &(gm_nearest_options){.k = k}, index,
		                distance, err);
	}
	for (int64_t i = 0; ok && i < h->n * numel; i++) {
		const int64_t row = i / numel * k;
		const int64_t best = index[row + (k > 1 && distance[row] == 0)];
		x[i] = h->hidden[i % plane] ? from[best * numel + i % numel] : x[i];
	}
	free(a), free(b), free(index), free(distance);
	return ok;
}
