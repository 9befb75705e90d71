/* SPDX-License-Identifier: MIT
 *
 * metrics/classes.c -- metrics from class predictions: Inception score and mode coverage. */
#include "metrics/pairs.h"

#include <math.h>
#include <stdlib.h>

/* out [classes]: one row as probabilities. */
static bool probabilities(const float *row, int64_t classes, bool logits, double *out)
{
	double sum = 0, top = -INFINITY;
	for (int64_t c = 0; c < classes; c++)
		top = row[c] > top ? row[c] : top;
	for (int64_t c = 0; c < classes; c++) {
		out[c] = logits ? exp(row[c] - top) : row[c];
		sum += out[c];
		if (out[c] < 0)
			return false;
	}
	for (int64_t c = 0; logits && c < classes; c++)
		out[c] /= sum;
	return logits || fabs(sum - 1) <= 1e-3;
}

bool gm_inception_score(const float *p, int64_t n, int64_t classes, const gm_inception_options *o,
                        gm_spread *score, gm_error *err)
{
	int64_t splits = o && o->splits ? o->splits : 10;
	bool logits = o && o->logits;
	if (splits < 1 || n < splits || classes < 1)
		return gm_fail(err, GM_ERR_VALUE,
		               "Inception score of %lld rows of %lld classes in"
		               " %lld splits",
		               (long long)n, (long long)classes, (long long)splits);
	if (!gm_rows_finite("Inception score", p, n, classes, err))
		return false;
	double *marginal = malloc(2 * classes * sizeof *marginal), *row = marginal + classes;
	double *each = malloc(splits * sizeof *each);
	bool ok = (marginal && each) ||
	          gm_fail(err, GM_ERR_MEMORY, "no memory for %lld classes", (long long)classes);
	*score = (gm_spread){0};
	for (int64_t s = 0; ok && s < splits; s++) {
		/* E KL = E sum p log p - sum m log m, with m the mean of p. */
		int64_t from = s * n / splits, to = (s + 1) * n / splits;
		double sum = 0;
		for (int64_t c = 0; c < classes; c++)
			marginal[c] = 0;
		for (int64_t i = from; ok && i < to; i++) {
			ok = probabilities(p + i * classes, classes, logits, row) ||
			     gm_fail(err, GM_ERR_VALUE,
			             "Inception score: row %lld holds no"
			             " probabilities",
			             (long long)i);
			for (int64_t c = 0; c < classes; c++) {
				marginal[c] += row[c] / (to - from);
				sum += row[c] > 0 ? row[c] * log(row[c]) / (to - from) : 0;
			}
		}
		for (int64_t c = 0; c < classes; c++)
			sum -= marginal[c] > 0 ? marginal[c] * log(marginal[c]) : 0;
		each[s] = exp(sum);
		score->mean += each[s] / splits;
	}
	for (int64_t s = 0; ok && s < splits; s++)
		score->deviation += (each[s] - score->mean) * (each[s] - score->mean) / splits;
	score->deviation = sqrt(score->deviation);
	free(marginal), free(each);
	return ok;
}

/* ---- modes ----------------------------------------------------------------------------------- */

bool gm_modes_of(const int32_t *label, int64_t n, int64_t modes, const double *share,
                 gm_modes *score, gm_error *err)
{
	if (n < 1 || modes < 1)
		return gm_fail(err, GM_ERR_VALUE, "%lld samples of %lld modes", (long long)n,
		               (long long)modes);
	double whole = 0;
	for (int64_t m = 0; share && m < modes; m++) {
		if (!(share[m] >= 0))
			return gm_fail(err, GM_ERR_VALUE, "mode %lld has the share %g",
			               (long long)m, share[m]);
		whole += share[m];
	}
	if (share && !(fabs(whole - 1) <= 1e-6))
		return gm_fail(err, GM_ERR_VALUE, "the modes' shares are %g together, not 1",
		               whole);
	int64_t *count = calloc(modes, sizeof *count), good = 0;
	bool ok =
		count || gm_fail(err, GM_ERR_MEMORY, "no memory for %lld modes", (long long)modes);
	for (int64_t i = 0; ok && i < n; i++) {
		ok = (label[i] >= -1 && label[i] < modes) ||
		     gm_fail(err, GM_ERR_VALUE, "sample %lld has the label %ld, which is no mode",
		             (long long)i, (long)label[i]);
		if (ok && label[i] >= 0)
			count[label[i]]++, good++;
	}
	if (ok)
		*score = (gm_modes){.quality = (double)good / n, .reverse_kl = good ? 0 : INFINITY};
	for (int64_t m = 0; ok && m < modes; m++) {
		if (!count[m])
			continue;
		double p = (double)count[m] / good, q = share ? share[m] : 1. / modes;
		score->found++;
		score->reverse_kl += p * log(p / q); /* q = 0: infinite, as it is */
	}
	free(count);
	return ok;
}

bool gm_modes_label(const gm_mixture *m, const float *x, int64_t n, int32_t *label, gm_error *err)
{
	if (m->modes < 1 || m->modes > INT32_MAX || m->d < 1 || !(m->sigma > 0) || n < 0)
		return gm_fail(err, GM_ERR_VALUE,
		               "%lld samples of a mixture of %lld modes in %lld"
		               " dimensions with sigma %g",
		               (long long)n, (long long)m->modes, (long long)m->d, m->sigma);
	double radius = 9 * m->sigma * m->sigma;
	for (int64_t i = 0; i < n; i++) {
		double best = INFINITY;
		int64_t which = -1;
		for (int64_t k = 0; k < m->modes; k++) {
			double s = 0;
			for (int64_t j = 0; j < m->d; j++) {
				double v = x[i * m->d + j] - m->centre[k * m->d + j];
				s += v * v;
			}
			if (s < best)
				best = s, which = k;
		}
		label[i] = best <= radius ? (int32_t)which : -1;
	}
	return true;
}
