/* SPDX-License-Identifier: MIT
 *
 * score/score_sound.c -- how well a model of sound predicts samples: bits per sample of recordings,
 * beside two simple codes of the same levels.
 */
#include "score/sweep.h"

#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ORDER = 16, TERMS = ORDER + 1, EXAMPLES = 1000, LEVELS_MAX = 4096 };

/* Both codes are fitted to training recordings: the frequencies of levels, and those of the
 * differences of levels from the level of a linear prediction by the ORDER previous samples (0
 * before the recording). */
typedef struct codes {
	int levels;
	double level[LEVELS_MAX];          /* counts, each from 1 on */
	double difference[2 * LEVELS_MAX]; /* of -levels .. levels, from `levels` on */
	double weight[TERMS];              /* of the previous samples, the newest first, and 1 */
	double xx[TERMS * TERMS], xy[TERMS];
} codes;

static int level_of(const codes *k, double x)
{
	const double mu = k->levels - 1, v = fmin(fmax(x, -1), 1);
	const double y = copysign(log1p(mu * fabs(v)) / log1p(mu), v);
	return (int)floor((y + 1) / 2 * mu + .5);
}

/* What predicts x[t]. */
static void terms_of(const float *x, int64_t t, double *term)
{
	for (int i = 0; i < ORDER; i++)
		term[i] = t > i ? x[t - 1 - i] : 0;
	term[ORDER] = 1;
}

static void gather(codes *k, const float *x, int64_t n)
{
	double term[TERMS];
	for (int64_t t = 0; t < n; t++) {
		terms_of(x, t, term);
		for (int i = 0; i < TERMS; i++) {
			k->xy[i] += term[i] * x[t];
			for (int j = 0; j <= i; j++)
				k->xx[i * TERMS + j] += term[i] * term[j];
		}
	}
}

static bool solve(codes *k, gm_error *err)
{
	for (int i = 0; i < TERMS; i++)
		k->xx[i * TERMS + i] += 1e-4; /* solvable for silence too */
	memcpy(k->weight, k->xy, sizeof k->xy);
	return LAPACKE_dposv(LAPACK_ROW_MAJOR, 'L', TERMS, 1, k->xx, TERMS, k->weight, 1) == 0 ||
	       gm_fail(err, GM_ERR_STATE, "metric bits: no linear predictor fits these sounds");
}

/* The index of a difference in its table. */
static int difference_of(const codes *k, const float *x, int64_t t)
{
	double term[TERMS], sum = 0;
	terms_of(x, t, term);
	for (int i = 0; i < TERMS; i++)
		sum += k->weight[i] * term[i];
	return level_of(k, x[t]) - level_of(k, sum) + k->levels;
}

static double total(const double *count, int n)
{
	double sum = 0;
	for (int i = 0; i < n; i++)
		sum += count[i];
	return sum;
}

/* Reads sounds at .. at + m - 1 of the stream and their lengths. */
static bool read_sounds(gm_dataset *d, uint64_t seed, int64_t at, int64_t m, float *x,
                        int32_t *length, gm_error *err)
{
	return gm_data_batch(d, seed, (uint64_t)at, m, x, NULL, err) &&
	       gm_data_read(d, gm_data_field(d, "samples"), seed, (uint64_t)at, m, length, err);
}

static bool fit(codes *k, gm_scorer *c, float *x, gm_error *err)
{
	gm_dataset *d = gm_scorer_part(c, false, err);
	if (!d)
		return false;
	const uint64_t have = gm_data_info_of(d)->count;
	const int64_t n = have && have < EXAMPLES ? (int64_t)have : EXAMPLES;
	int32_t length;
	for (int i = 0; i < k->levels; i++)
		k->level[i] = 1;
	for (int i = 0; i <= 2 * k->levels; i++)
		k->difference[i] = 1;
	for (int pass = 0; pass < 2; pass++) {
		for (int64_t i = 0; i < n; i++) {
			if (!read_sounds(d, c->o.seed, i, 1, x, &length, err))
				return false;
			if (pass == 0)
				gather(k, x, length);
			for (int64_t t = 0; t < length; t++)
				if (pass == 0)
					k->level[level_of(k, x[t])]++;
				else
					k->difference[difference_of(k, x, t)]++;
		}
		if (pass == 0 && !solve(k, err))
			return false;
	}
	return true;
}

/* Nats of a recording by both codes, added to sum[0] and sum[1]. */
static void spend(const codes *k, const float *x, int64_t n, double sum[2])
{
	const double levels = total(k->level, k->levels),
		     differences = total(k->difference, 2 * k->levels + 1);
	for (int64_t t = 0; t < n; t++) {
		sum[0] -= log(k->level[level_of(k, x[t])] / levels);
		sum[1] -= log(k->difference[difference_of(k, x, t)] / differences);
	}
}

bool gm_metric_bits(gm_scorer *c, gm_scores *s, gm_error *err)
{
	const gm_facts *f = &c->r->facts;
	gm_run_endpoint *e = gm_scorer_endpoint(c, c->now);
	if (!f->rate || !*gm_settings_get(c->r->settings, "levels"))
		return gm_fail(err, GM_ERR_VALUE,
		               "metric bits is for models of sound with levels, such as wavenet");
	codes *k = calloc(1, sizeof *k);
	double nats = 0, other[2] = {0}, samples = 0;
	float *x = malloc((size_t)f->numel * sizeof *x);
	gm_sweep w = {0};
	bool ok = (k && x) || gm_fail(err, GM_ERR_MEMORY, "no memory for sounds");
	if (ok)
		k->levels = (int)gm_settings_int(c->r->settings, "levels");
	ok = ok && fit(k, c, x, err) &&
	     gm_sweep_begin(&w, c, e, gm_scorer_part(c, gm_scorer_scores_other(c), err), err);
	const int64_t m = c->r->batch;
	for (int64_t i = 0, now; ok && i * m < w.n; i++) {
		ok = (now = gm_sweep_step(&w, i, err)) >= 0 && gm_sweep_call(&w, c->o.seed, i, err);
		for (int64_t j = 0; ok && j < now; j++) {
			int32_t length;
			ok = read_sounds(w.data, c->o.seed, i * m + j, 1, x, &length, err);
			nats -= w.out[j], samples += length;
			if (ok)
				spend(k, x, length, other);
		}
	}
	if (ok) {
		char note[96];
		snprintf(note, sizeof note, "per sample, of %.0f samples of the %s split", samples,
		         gm_scorer_scored(c));
		gm_score_add(s, "bits", nats / samples / M_LN2, NAN, -1, note);
		gm_score_add(s, "bits-unigram", other[0] / samples / M_LN2, NAN, 0,
		             "by the frequencies of levels");
		gm_score_add(s, "bits-linear", other[1] / samples / M_LN2, NAN, 0,
		             "by a linear prediction from 16 samples");
	}
	gm_sweep_end(&w);
	free(k), free(x);
	return ok;
}
