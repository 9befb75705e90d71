/* SPDX-License-Identifier: MIT
 *
 * test_metrics.c -- metrics against closed forms, small cases by hand, invariances, and values of
 * well-known Python implementations for the same inputs (recomputed by parity/metrics.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ganymede/metrics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	double value;
} goldens[] = {
#define GOLDEN(name, value) {#name, value},
#include "parity/metrics_golden.h"
#undef GOLDEN
};

static double golden(const char *name)
{
	for (size_t i = 0; i < sizeof goldens / sizeof *goldens; i++)
		if (!strcmp(goldens[i].name, name))
			return goldens[i].value;
	fail_msg("no golden number %s", name);
	return 0;
}

static void near(double got, double want, double tolerance)
{
	if (!(fabs(got - want) <= tolerance))
		fail_msg("got %.12g, want %.12g within %g", got, want, tolerance);
}

#define OK(call)                                                                                   \
	do {                                                                                       \
		gm_error e_ = {0}, *err = &e_;                                                     \
		if (!(call))                                                                       \
			fail_msg("%s", e_.message);                                                \
	} while (0)

#define REFUSED(call)                                                                              \
	do {                                                                                       \
		gm_error e_ = {0}, *err = &e_;                                                     \
		assert_false(call);                                                                \
		assert_int_not_equal(e_.code, GM_OK);                                              \
		assert_true(*e_.message);                                                          \
	} while (0)

/* n numbers, scale * u + shift with u in [0, 1) of 24 bits: parity/metrics.py draws the same. */
static float *draw(uint64_t stream, int64_t n, float scale, float shift)
{
	gm_rng r = gm_rng_new(7, stream);
	float *x = malloc(n * sizeof *x);
	for (int64_t i = 0; i < n; i++)
		x[i] = (gm_rng_u32(&r) >> 8) * 0x1p-24f * scale + shift;
	return x;
}

/* ---- moments and Frechet --------------------------------------------------------------------- */

static void moments_do_not_see_portions(void **state)
{
	(void)state;
	enum { N = 700, D = 5 };
	float *x = draw(1, N * D, 2, 1e4f);
	double mean[2][D], cov[2][D * D];
	for (int way = 0; way < 2; way++) {
		gm_moments *m = gm_moments_new(D, NULL);
		for (int64_t i = 0, n; i < N; i += n) {
			n = way ? N : 1 + i % 7;
			n = i + n > N ? N - i : n;
			OK(gm_moments_add(m, x + i * D, n, err));
			if (i == 210) /* looking in between changes nothing */
				OK(gm_moments_get(m, mean[way], cov[way], err));
		}
		assert_int_equal(gm_moments_count(m), N);
		OK(gm_moments_get(m, mean[way], cov[way], err));
		gm_moments_free(m);
	}
	assert_memory_equal(mean[0], mean[1], sizeof mean[0]);
	assert_memory_equal(cov[0], cov[1], sizeof cov[0]);
	/* Against two passes; the mean is 1e4 spreads away, so one pass of squares would lose 8
	 * digits. Rounding: N eps times the largest summand, generously. */
	for (int a = 0; a < D; a++)
		for (int b = 0; b < D; b++) {
			double ma = 0, mb = 0, c = 0;
			for (int i = 0; i < N; i++)
				ma += x[i * D + a], mb += x[i * D + b];
			ma /= N, mb /= N;
			for (int i = 0; i < N; i++)
				c += (x[i * D + a] - ma) * (x[i * D + b] - mb);
			near(cov[0][a * D + b], c / (N - 1), 1e-11);
			near(mean[0][a], ma, 1e-10);
		}
	free(x);
}

static void moments_refuse(void **state)
{
	(void)state;
	float x[4] = {1, 2, 3, NAN};
	double mean[2], cov[4];
	REFUSED(gm_moments_new(0, err));
	gm_moments *m = gm_moments_new(2, NULL), *other = gm_moments_new(3, NULL);
	REFUSED(gm_moments_add(m, x, 2, err));
	assert_int_equal(gm_moments_count(m), 1);
	REFUSED(gm_moments_get(m, mean, cov, err));
	REFUSED(gm_frechet_moments(m, other, mean, err));
	x[3] = INFINITY;
	REFUSED(gm_moments_add(m, x + 2, 1, err));
	double zero[2] = {0}, bad[4] = {1, 0, 0, -1}, good[4] = {1, 0, 0, 1}, nan[4] = {NAN}, out;
	REFUSED(gm_frechet(zero, good, zero, bad, 2, &out, err));
	REFUSED(gm_frechet(zero, nan, zero, good, 2, &out, err));
	double lost[2] = {NAN, 0};
	REFUSED(gm_frechet(lost, good, zero, good, 2, &out, err));
	gm_moments_free(m), gm_moments_free(other);
}

/* s [d, d] = q diag(w) q' with q a reflection, orthogonal and full. */
static void rotated(const double *w, const double *axis, int d, double *s)
{
	double q[16][16], length = 0;
	for (int i = 0; i < d; i++)
		length += axis[i] * axis[i];
	for (int i = 0; i < d; i++)
		for (int j = 0; j < d; j++)
			q[i][j] = (i == j) - 2 * axis[i] * axis[j] / length;
	for (int i = 0; i < d; i++)
		for (int j = 0; j < d; j++) {
			s[i * d + j] = 0;
			for (int k = 0; k < d; k++)
				s[i * d + j] += q[i][k] * w[k] * q[j][k];
		}
}

/* In a common eigenbasis the distance is |m1 - m2|^2 + sum (sqrt w1 - sqrt w2)^2. */
static void frechet_is_the_closed_form(void **state)
{
	(void)state;
	enum { D = 9 };
	double axis[D], w1[D], w2[D], s1[D * D], s2[D * D], m1[D], m2[D], want = 0, got, back;
	for (int rank = 0; rank <= D; rank += 3) { /* w1 of that rank, w2 full */
		want = 0;
		for (int i = 0; i < D; i++) {
			axis[i] = 1 + i % 4, w1[i] = i < rank ? .1 + i * i : 0,
			w2[i] = 3. / (1 + i);
			m1[i] = i, m2[i] = -.5 * i;
			want += (m1[i] - m2[i]) * (m1[i] - m2[i]);
			want += (sqrt(w1[i]) - sqrt(w2[i])) * (sqrt(w1[i]) - sqrt(w2[i]));
		}
		rotated(w1, axis, D, s1), rotated(w2, axis, D, s2);
		OK(gm_frechet(m1, s1, m2, s2, D, &got, err));
		OK(gm_frechet(m2, s2, m1, s1, D, &back, err));
		near(got, want, 1e-11 * want);
		near(back, got, 1e-11 * want);
		OK(gm_frechet(m1, s1, m1, s1, D, &got, err));
		near(got, 0, 1e-12 * 64 * D);
	}
	/* In other units: squared ones, and no eigenvalue is small but beside the others. */
	double squared;
	OK(gm_frechet(m1, s1, m2, s2, D, &got, err));
	for (int i = 0; i < D * D; i++)
		s1[i] *= 1e-10, s2[i] *= 1e-10;
	for (int i = 0; i < D; i++)
		m1[i] *= 1e-5, m2[i] *= 1e-5;
	OK(gm_frechet(m1, s1, m2, s2, D, &squared, err));
	near(squared, got * 1e-10, 1e-11 * squared);
	/* Not commuting, 2 x 2: tr sqrt(AB) = sqrt(tr AB + 2 sqrt(det AB)), by the eigenvalues of a
	 * 2 x 2 matrix. */
	double a[4] = {2, 1, 1, 3}, b[4] = {1, -.5, -.5, 4}, zero[2] = {0};
	double tr = 2 * 1 + 2 * 1 * -.5 + 3 * 4, det = (6 - 1) * (4 - .25);
	OK(gm_frechet(zero, a, zero, b, 2, &got, err));
	near(got, 5 + 5 - 2 * sqrt(tr + 2 * sqrt(det)), 1e-13);
	/* A line against a line across it: nothing in common. */
	double along[4] = {4, 0, 0, 0}, across[4] = {0, 0, 0, 9};
	OK(gm_frechet(zero, along, zero, across, 2, &got, err));
	near(got, 13, 1e-13);
}

static void frechet_of_features(void **state)
{
	(void)state;
	enum { D = 16 };
	float *x = draw(2, 300 * D, 1, 0), *y = draw(3, 200 * D, 2, -.25f),
	      *few = draw(4, 10 * D, 1, 0);
	gm_moments *a = gm_moments_new(D, NULL), *b = gm_moments_new(D, NULL),
		   *c = gm_moments_new(D, NULL);
	double got, same;
	OK(gm_moments_add(a, x, 300, err));
	OK(gm_moments_add(b, y, 200, err));
	OK(gm_moments_add(c, few, 10, err)); /* rank 9 of 16 */
	OK(gm_frechet_moments(a, b, &got, err));
	near(got, golden("fid"), 1e-9);
	OK(gm_frechet_moments(a, c, &got, err));
	OK(gm_frechet_moments(c, a, &same, err));
	/* The reference takes roots of eigenvalues that are zero but for rounding: 1e-8 of it. */
	near(got, golden("fid_few"), 1e-6);
	near(same, got, 1e-12);
	OK(gm_frechet_moments(c, c, &same, err));
	near(same, 0, 1e-12);
	gm_moments_free(a), gm_moments_free(b), gm_moments_free(c);
	free(x), free(y), free(few);
}

/* ---- kernels and neighbours ------------------------------------------------------------------ */

static void kid_by_hand_and_by_scikit_learn(void **state)
{
	(void)state;
	/* d = 1: k(x, y) = (xy + 1)^3. Within {0, 1}: 1, 1; within {1, 2}: 27, 27; across: 1, 1, 8,
	 * 27. 1 + 27 - 2 * 37 / 4 = 9.5. */
	float x[] = {0, 1}, y[] = {1, 2};
	gm_features_pair tiny = {x, y, 2, 2, 1};
	gm_spread kid;
	OK(gm_kid(&tiny, &(gm_kid_options){.subsets = 3}, &kid, err));
	near(kid.mean, 9.5, 1e-14);
	near(kid.deviation, 0, 1e-14);

	enum { N = 120, D = 24 };
	float *a = draw(5, N * D, 2, 0), *b = draw(6, N * D, 2, .125f);
	gm_features_pair f = {a, b, N, N, D};
	for (uint64_t seed = 0; seed < 2; seed++) { /* all rows: the order does not matter */
		OK(gm_kid(&f, &(gm_kid_options){.subsets = 2, .seed = seed}, &kid, err));
		near(kid.mean, golden("kid"), 1e-11);
		near(kid.deviation, 0, 1e-12);
	}
	/* Real subsets: the mean over many is unbiased for the whole, to within the standard error
	 * of the subsets (dependent through the finite set, which only makes it smaller). */
	OK(gm_kid(&f, &(gm_kid_options){.subsets = 400, .size = 20}, &kid, err));
	assert_true(kid.deviation > 0);
	near(kid.mean, golden("kid"), 4 * kid.deviation / 20);
	gm_spread again;
	OK(gm_kid(&f, &(gm_kid_options){.subsets = 400, .size = 20}, &again, err));
	assert_memory_equal(&kid, &again, sizeof kid);
	REFUSED(gm_kid(&f, &(gm_kid_options){.size = N + 1}, &kid, err));
	REFUSED(gm_kid(&f, &(gm_kid_options){.size = 1}, &kid, err));
	a[D] = NAN;
	REFUSED(gm_kid(&f, NULL, &kid, err));
	free(a), free(b);
}

static void nearest_by_definition(void **state)
{
	(void)state;
	enum { NX = 300, NY = 1100, D = 3, K = 4 }; /* both past a tile */
	float *x = draw(8, NX * D, 1, 0), *y = draw(9, NY * D, 1, 0);
	memcpy(y + 1050 * D, x + 7 * D, D * sizeof *x); /* a copy, and that copied */
	memcpy(y + 1060 * D, x + 7 * D, D * sizeof *x);
	int64_t index[NX * K];
	double distance[NX * K];
	OK(gm_nearest(x, NX, y, NY, D, &(gm_nearest_options){.k = K}, index, distance, err));
	assert_int_equal(index[7 * K], 1050);
	assert_int_equal(index[7 * K + 1], 1060);
	assert_true(distance[7 * K] == 0 && distance[7 * K + 1] == 0);
	for (int i = 0; i < NX; i++) {
		int nearer = 0; /* rows strictly nearer than the K-th */
		for (int j = 0; j < NY; j++) {
			double s = 0;
			for (int c = 0; c < D; c++)
				s += ((double)x[i * D + c] - y[j * D + c]) *
				     ((double)x[i * D + c] - y[j * D + c]);
			nearer += sqrt(s) < distance[i * K + K - 1] - 1e-9;
			for (int k = 0; k < K; k++)
				if (index[i * K + k] == j)
					near(distance[i * K + k], sqrt(s), 1e-9);
		}
		assert_int_equal(nearer, K - 1);
		for (int k = 1; k < K; k++)
			assert_true(distance[i * K + k - 1] <= distance[i * K + k]);
	}
	OK(gm_nearest(x, NX, x, NX, D, &(gm_nearest_options){.not_self = true}, index, NULL, err));
	for (int i = 0; i < NX; i++)
		assert_int_not_equal(index[i], i);
	OK(gm_nearest(x, NX, x, NX, D, NULL, index, NULL, err));
	for (int i = 0; i < NX; i++)
		assert_int_equal(index[i], i);
	/* Wide rows far from zero: the sums that make a copy's distance differ in rounding, and
	 * still it is none. */
	enum { WIDE = 90, NW = NX * D / WIDE };
	for (int i = 0; i < NX * D; i++)
		x[i] = 1000 + x[i] / 3;
	memcpy(y, x, NX * D * sizeof *x);
	OK(gm_nearest(x, NW, y, NW, WIDE, NULL, index, distance, err));
	for (int i = 0; i < NW; i++)
		assert_true(index[i] == i && distance[i] == 0);
	REFUSED(gm_nearest(x, NX, y, 3, D, &(gm_nearest_options){.k = 4}, index, NULL, err));
	x[5] = NAN;
	REFUSED(gm_nearest(x, NX, y, NY, D, NULL, index, NULL, err));
	free(x), free(y);
}

/* Five distant blobs: each has one centre, which is the mean of its rows, and the cost is the mean
 * squared distance to it. A single start can put two centres in one blob. */
static void k_means_of_blobs(void **state)
{
	(void)state;
	enum { BLOBS = 5, EACH = 60, NX = BLOBS * EACH, D = 2 };
	float *x = draw(10, NX * D, 1, 0), centre[BLOBS * D], again[BLOBS * D];
	int64_t index[NX], owner[BLOBS];
	double cost, sum = 0;
	for (int i = 0; i < NX; i++)
		x[i * D] += 30 * (float)(i % BLOBS), x[i * D + 1] -= 20 * (float)(i % BLOBS % 2);
	OK(gm_k_means(x, NX, D, BLOBS, NULL, centre, &cost, err));
	OK(gm_nearest(x, NX, centre, BLOBS, D, NULL, index, NULL, err));
	for (int b = 0; b < BLOBS; b++) {
		owner[b] = index[b];
		for (int other = 0; other < b; other++)
			assert_int_not_equal(owner[b], owner[other]);
		for (int c = 0; c < D; c++) {
			double mean = 0;
			for (int i = b; i < NX; i += BLOBS) {
				assert_int_equal(index[i], owner[b]);
				mean += x[i * D + c] / EACH;
			}
			near(centre[owner[b] * D + c], mean, 1e-4);
			for (int i = b; i < NX; i += BLOBS)
				sum += (x[i * D + c] - mean) * (x[i * D + c] - mean) / NX;
		}
	}
	near(cost, sum, 1e-4);
	OK(gm_k_means(x, NX, D, BLOBS, NULL, again, NULL, err));
	assert_memory_equal(centre, again, sizeof centre);
	OK(gm_k_means(x, NX, D, 1, NULL, centre, NULL, err));
	REFUSED(gm_k_means(x, 3, D, 4, NULL, centre, NULL, err));
	x[7] = NAN;
	REFUSED(gm_k_means(x, NX, D, 2, NULL, centre, NULL, err));
	free(x);
}

/* All assignments of n <= m rows by recursion: the largest sum. */
static double best_of_all(const double *gain, int64_t n, int64_t m, int64_t i, unsigned used)
{
	double best = i < n ? -INFINITY : 0;
	for (int64_t j = 0; i < n && j < m; j++)
		if (!(used >> j & 1))
			best = fmax(best, gain[i * m + j] +
			                          best_of_all(gain, n, m, i + 1, used | 1u << j));
	return best;
}

/* Against all assignments; the largest of each row would use columns twice. */
static void assignments_are_the_best(void **state)
{
	(void)state;
	const double greedy[] = {5, 4, 5, 0};
	int64_t to[8], n, m;
	double sum, want;
	OK(gm_matching(greedy, 2, 2, to, &sum, err));
	near(sum, 9, 0);
	assert_true(to[0] == 1 && to[1] == 0);
	for (int k = 0; k < 200; k++) {
		double gain[35], turned[35], total = 0;
		n = 1 + k % 5, m = n + k % 2 + k / 100;
		float *u = draw(k, n * m, 20, -10);
		for (int64_t i = 0; i < n * m; i++)
			gain[i] = k % 3 ? u[i] : rint(u[i] / 5); /* with ties */
		free(u);
		for (int64_t i = 0; i < n * m; i++)
			turned[i % m * n + i / m] = gain[i];
		want = best_of_all(gain, n, m, 0, 0);
		OK(gm_matching(gain, n, m, to, &sum, err));
		near(sum, want, 1e-9);
		unsigned used = 0;
		for (int64_t i = 0; i < n; i++) {
			assert_false(used >> to[i] & 1);
			used |= 1u << to[i], total += gain[i * m + to[i]];
		}
		near(total, want, 1e-9);
		OK(gm_matching(turned, m, n, to, &sum, err));
		near(sum, want, 1e-9);
		int64_t without = 0;
		for (int64_t j = 0; j < m; j++)
			without += to[j] < 0;
		assert_int_equal(without, m - n);
	}
	const double bad[] = {1, NAN};
	REFUSED(gm_matching(bad, 1, 2, to, NULL, err));
	REFUSED(gm_matching(bad, 0, 2, to, NULL, err));
}

static void balls_by_hand_and_by_prdc(void **state)
{
	(void)state;
	/* k = 1 on a line. Real 0, 1, 5: radii 1, 1, 4. Fake 2, 8, 9: radii 6, 1, 1.
	 * 2 lies in the balls of 1 (border) and 5, 8 in that of 5, 9 too (border): precision 1,
	 * density 4/3, coverage 2/3. Of the real, all lie within 6 of 2: recall 1. */
	float real[] = {0, 1, 5}, fake[] = {2, 8, 9};
	gm_features_pair line = {real, fake, 3, 3, 1};
	gm_prdc p;
	OK(gm_prdc_of(&line, 1, &p, err));
	near(p.precision, 1, 0), near(p.recall, 1, 0);
	near(p.density, 4. / 3, 1e-15), near(p.coverage, 2. / 3, 1e-15);
	/* A set against itself: each row is in its own ball. Against one far away: nothing. */
	line.fake = real;
	OK(gm_prdc_of(&line, 1, &p, err));
	near(p.precision, 1, 0), near(p.recall, 1, 0), near(p.coverage, 1, 0);
	float far[] = {100, 101, 102};
	line.fake = far;
	OK(gm_prdc_of(&line, 1, &p, err));
	near(p.precision + p.recall + p.density + p.coverage, 0, 0);
	REFUSED(gm_prdc_of(&line, 3, &p, err));
	REFUSED(gm_prdc_of(&line, 0, &p, err));

	enum { NR = 400, NF = 300, D = 8 };
	float *a = draw(10, NR * D, 1, 0), *b = draw(11, NF * D, 1, .125f);
	for (int64_t k = 3; k <= 5; k += 2) {
		char name[32];
		gm_features_pair f = {a, b, NR, NF, D};
		double *v[] = {&p.precision, &p.recall, &p.density, &p.coverage};
		static const char *const part[] = {"precision", "recall", "density", "coverage"};
		OK(gm_prdc_of(&f, k, &p, err));
		for (int i = 0; i < 4; i++) {
			snprintf(name, sizeof name, "%s_%d", part[i], (int)k);
			near(*v[i], golden(name), 1e-12);
		}
	}
	free(a), free(b);
}

static void two_samples(void **state)
{
	(void)state;
	enum { N = 200, D = 4 };
	float *a = draw(12, N * D, 1, 0), *b = draw(13, N * D, 1, .25f);
	gm_features_pair f = {a, b, N, N, D};
	gm_two_sample s;
	OK(gm_nearest_accuracy(&f, &s, err));
	near(s.accuracy, golden("one_nn"), 1e-12);
	near(s.real, golden("one_nn_real"), 1e-12);
	near(s.fake, golden("one_nn_fake"), 1e-12);
	f.fake = a; /* copies give themselves away: below a half */
	OK(gm_nearest_accuracy(&f, &s, err));
	near(s.accuracy, 0, 0);
	for (int i = 0; i < N * D; i++)
		b[i] += 10;
	f.fake = b;
	OK(gm_nearest_accuracy(&f, &s, err));
	near(s.accuracy, 1, 0);
	f.n_fake--;
	REFUSED(gm_nearest_accuracy(&f, &s, err));
	free(a), free(b);
}

/* ---- classes and modes ----------------------------------------------------------------------- */

static void inception_score(void **state)
{
	(void)state;
	enum { N = 105, C = 12 };
	gm_spread s;
	/* Certain and balanced: as many as there are classes. Never certain: 1. */
	float p[4 * 4] = {0};
	for (int i = 0; i < 4; i++)
		p[i * 4 + i] = 1;
	OK(gm_inception_score(p, 4, 4, &(gm_inception_options){.splits = 1}, &s, err));
	near(s.mean, 4, 1e-14);
	OK(gm_inception_score(p, 4, 4, &(gm_inception_options){.splits = 4}, &s, err));
	near(s.mean, 1, 1e-14);
	/* Contiguous: {0, 0} and {1, 2} score 1 and 2. */
	float q[] = {1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1};
	OK(gm_inception_score(q, 4, 3, &(gm_inception_options){.splits = 2}, &s, err));
	near(s.mean, 1.5, 1e-14);
	near(s.deviation, .5, 1e-14);

	float *x = draw(14, N * C, 8, -4);
	OK(gm_inception_score(x, N, C, &(gm_inception_options){.logits = true}, &s, err));
	near(s.mean, golden("is"), 1e-12 * s.mean);
	near(s.deviation, golden("is_std"), 1e-11);
	for (int i = 0; i < N * C; i++) /* a logit that is shifted by its row is the same */
		x[i] += i / C % 2 ? 256 : 0;
	OK(gm_inception_score(x, N, C, &(gm_inception_options){.logits = true}, &s, err));
	near(s.mean, golden("is"), 1e-4); /* floats near 256 are rounded to 3e-5 */
	REFUSED(gm_inception_score(x, N, C, NULL, &s, err)); /* no probabilities */
	REFUSED(gm_inception_score(x, 9, C, &(gm_inception_options){.logits = true}, &s, err));
	x[3] = NAN;
	REFUSED(gm_inception_score(x, N, C, &(gm_inception_options){.logits = true}, &s, err));
	free(x);
}

static void modes_by_hand(void **state)
{
	(void)state;
	/* 4 modes; of 8 samples 2 are of none, shares 1/2, 1/3, 1/6, 0. */
	int32_t label[] = {0, 1, -1, 0, 2, 0, 1, -1};
	double share[] = {.5, .25, .25, 0};
	gm_modes m;
	OK(gm_modes_of(label, 8, 4, NULL, &m, err));
	assert_int_equal(m.found, 3);
	near(m.quality, .75, 0);
	near(m.reverse_kl, .5 * log(2) + log(4. / 3) / 3 + log(4. / 6) / 6, 1e-14);
	OK(gm_modes_of(label, 8, 4, share, &m, err));
	near(m.reverse_kl, log(4. / 3) / 3 + log(4. / 6) / 6, 1e-14);
	double without[] = {.5, 0, .5, 0};
	OK(gm_modes_of(label, 8, 4, without, &m, err));
	assert_true(isinf(m.reverse_kl));
	OK(gm_modes_of(label + 2, 1, 4, NULL, &m, err));
	assert_true(m.found == 0 && m.quality == 0 && isinf(m.reverse_kl));
	REFUSED(gm_modes_of(label, 8, 2, NULL, &m, err));
	share[0] = 1;
	REFUSED(gm_modes_of(label, 8, 4, share, &m, err));
	REFUSED(gm_modes_of(label, 0, 4, NULL, &m, err));
	/* 1000 modes, one sample of each: all found, and uniform. */
	int32_t all[1000];
	for (int i = 0; i < 1000; i++)
		all[i] = (i * 7) % 1000;
	OK(gm_modes_of(all, 1000, 1000, NULL, &m, err));
	assert_int_equal(m.found, 1000);
	near(m.reverse_kl, 0, 1e-12);
}

static void modes_of_points(void **state)
{
	(void)state;
	double centre[] = {0, 0, 4, 0};
	gm_mixture two = {centre, 2, 2, .25};
	float x[] = {.7f, 0, 0, .8f, 3.5f, .5f, 2, 0, NAN, 0, 4, INFINITY};
	const int32_t want[] = {0, -1, 1, -1, -1, -1};
	int32_t label[6];
	OK(gm_modes_label(&two, x, 6, label, err));
	assert_memory_equal(label, want, sizeof want);
	two.sigma = 0;
	REFUSED(gm_modes_label(&two, x, 6, label, err));
	/* PacGAN's ring: of true samples, 1 - exp(-9/2) lie within 3 sigma (Rayleigh). 4 standard
	 * errors; shares off uniform by chance alone: 2 N KL is chi^2 of 7, its mean 7. */
	enum { N = 20000 };
	double ring[16];
	for (int k = 0; k < 8; k++)
		ring[2 * k] = cos(M_PI / 4 * k), ring[2 * k + 1] = sin(M_PI / 4 * k);
	gm_mixture mixture = {ring, 8, 2, .01};
	float *p = malloc(2 * N * sizeof *p);
	int32_t *of = malloc(N * sizeof *of);
	gm_rng r = gm_rng_new(1, 0);
	for (int i = 0; i < N; i++) {
		uint32_t k = gm_rng_below(&r, 8);
		for (int j = 0; j < 2; j++)
			p[2 * i + j] = ring[2 * k + j] + .01 * gm_rng_normal(&r);
	}
	gm_modes m;
	OK(gm_modes_label(&mixture, p, N, of, err));
	OK(gm_modes_of(of, N, 8, NULL, &m, err));
	assert_int_equal(m.found, 8);
	near(m.quality, 1 - exp(-4.5), 4 * sqrt(exp(-4.5) / N));
	near(m.reverse_kl, 0, 30. / (2 * N));
	free(p), free(of);
}

/* ---- Parzen windows -------------------------------------------------------------------------- */

static void parzen(void **state)
{
	(void)state;
	enum { N = 50, M = 1100, D = 6 };
	float *x = draw(16, N * D, 1, 0), *y = draw(17, M * D, 1, 0);
	double each[N], squares = 0, sigma, best = -INFINITY, at = 0;
	gm_features_pair f = {x, y, N, M, D};
	gm_spread s;
	OK(gm_parzen(&f, .2, &s, each, err));
	near(s.mean, golden("parzen"), 1e-10);
	near(s.deviation, golden("parzen_error"), 1e-10);
	near(each[N - 1], golden("parzen_last"), 1e-10);
	/* So narrow that each window underflows: the nearest alone, and finite. */
	OK(gm_parzen(&f, 1e-4, &s, NULL, err));
	assert_true(isfinite(s.mean) && s.mean < -1e5);
	/* One window: the density of a Gaussian, and the best of the grid by its closed form. */
	f.n_fake = 1;
	for (int j = 0; j < D; j++)
		y[j] = 0;
	for (int i = 0; i < N * D; i++)
		squares += x[i] * (double)x[i] / N;
	for (int k = 0; k < 10; k++) {
		double w = pow(10, -1 + k / 9.);
		double ll = -squares / (2 * w * w) - .5 * D * log(2 * M_PI * w * w);
		if (ll > best)
			best = ll, at = w;
	}
	OK(gm_parzen_sigma(&f, NULL, &sigma, &s, err));
	near(sigma, at, 1e-12);
	near(s.mean, best, 1e-9);
	assert_true(sigma > .1 && sigma < 1); /* not at the border, so the test can tell */
	REFUSED(gm_parzen(&f, 0, &s, NULL, err));
	REFUSED(gm_parzen_sigma(&f, &(gm_parzen_grid){.from = 2, .to = 1}, &sigma, NULL, err));
	f.n_fake = 0;
	REFUSED(gm_parzen(&f, 1, &s, NULL, err));
	free(x), free(y);
}

/* ---- pictures -------------------------------------------------------------------------------- */

static float *mixed(const float *a, uint64_t stream, int64_t n, float share)
{
	float *b = draw(stream, n, 2, -1);
	for (int64_t i = 0; i < n; i++)
		b[i] = share * a[i] + (1 - share) * b[i];
	return b;
}

static void similar_pictures(void **state)
{
	(void)state;
	enum { N = 2, SIZE = N * 3 * 24 * 21, LARGE = 3 * 192 * 176 };
	float *a = draw(18, SIZE, 2, -1), *b = mixed(a, 19, SIZE, .75f);
	gm_picture_pairs p = {a, b, N, 3, 24, 21}, same = {a, a, N, 3, 24, 21};
	double each[N], mean, back;
	char name[16];
	OK(gm_psnr(&p, each, &mean, err));
	near(mean, (each[0] + each[1]) / 2, 1e-12);
	for (int i = 0; i < N; i++) {
		snprintf(name, sizeof name, "psnr_%d", i);
		near(each[i], golden(name), 1e-10);
	}
	OK(gm_ssim(&p, each, &mean, err));
	for (int i = 0; i < N; i++) {
		snprintf(name, sizeof name, "ssim_%d", i);
		near(each[i], golden(name), 1e-12);
	}
	OK(gm_psnr(&same, NULL, &mean, err));
	assert_true(isinf(mean) && mean > 0);
	OK(gm_ssim(&same, NULL, &mean, err));
	near(mean, 1, 1e-13);
	/* Off by a tenth of the range everywhere: 20 dB. */
	float flat[121] = {0}, off[121];
	for (int i = 0; i < 121; i++)
		off[i] = .2f;
	gm_picture_pairs level = {flat, off, 1, 1, 11, 11};
	OK(gm_psnr(&level, NULL, &mean, err));
	near(mean, 20, 1e-6); /* .2f is not .2 */
	/* Flat pictures: only the luminance, (2 m1 m2 + c1) / (m1^2 + m2^2 + c1), m1 = 0. */
	OK(gm_ssim(&level, NULL, &mean, err));
	near(mean, 4e-4 / (.04 + 4e-4), 1e-8);
	level.range = 1;
	OK(gm_psnr(&level, NULL, &mean, err));
	near(mean, 20 + 20 * log10(.5), 1e-6);
	REFUSED(gm_ssim(&(gm_picture_pairs){a, b, N, 3, 24, 10}, NULL, &mean, err));
	REFUSED(gm_ms_ssim(&(gm_picture_pairs){a, b, N, 3, 24, 15}, NULL, &mean, err));
	REFUSED(gm_psnr(&(gm_picture_pairs){a, b, 1, 1, 1, 16385}, NULL, &mean, err));
	REFUSED(gm_psnr(&(gm_picture_pairs){a, b, 1, 1, 9, 9, .range = -1}, NULL, &mean, err));
	a[5] = NAN;
	REFUSED(gm_psnr(&p, NULL, &mean, err));
	REFUSED(gm_ssim(&p, NULL, &mean, err));
	free(a), free(b);

	a = draw(20, LARGE, 2, -1), b = mixed(a, 21, LARGE, .25f);
	p = (gm_picture_pairs){a, b, 1, 3, 192, 176};
	OK(gm_ms_ssim(&p, each, &mean, err));
	near(mean, golden("ms_ssim"), 1e-5); /* the reference is in single precision */
	p.b = a;
	OK(gm_ms_ssim(&p, NULL, &mean, err));
	near(mean, 1, 1e-12);
	/* Small pictures, by shrinking windows: 1 for equals, symmetric, below 1 for others. */
	for (int side = 16; side <= 64; side *= 2) {
		OK(gm_ms_ssim(&(gm_picture_pairs){a, b, 4, 1, side, side}, NULL, &mean, err));
		OK(gm_ms_ssim(&(gm_picture_pairs){b, a, 4, 1, side, side}, NULL, &back, err));
		assert_true(mean > .05 && mean < .9);
		near(back, mean, 1e-13);
		OK(gm_ms_ssim(&(gm_picture_pairs){a, a, 4, 1, side, side}, NULL, &mean, err));
		near(mean, 1, 1e-12);
	}
	free(a), free(b);
}

static void sliced_wasserstein(void **state)
{
	(void)state;
	enum { N = 6, ONE = 3 * 32 * 32 };
	float *real = draw(22, N * ONE, 2, -1), *fake = draw(23, N * ONE, 2, -1);
	gm_swd_options o = {.channels = 3,
	                    .height = 32,
	                    .width = 32,
	                    .patches = 8,
	                    .directions = 40,
	                    .seed = 3};
	double d[2][2];
	for (int i = 0; i < N * ONE; i++)
		fake[i] = fake[i] * fake[i] * fake[i];
	for (int way = 0; way < 2; way++) {
		gm_swd *s = gm_swd_new(&o, NULL);
		assert_int_equal(gm_swd_levels(s), 2);
		for (int i = 0; way && i < N; i++) {
			OK(gm_swd_add(s, true, fake + i * ONE, 1, err));
			REFUSED(gm_swd_get(s, d[way], err));
			OK(gm_swd_add(s, false, real + i * ONE, 1, err));
		}
		if (!way) {
			OK(gm_swd_add(s, false, real, N, err));
			OK(gm_swd_add(s, true, fake, N, err));
		}
		OK(gm_swd_get(s, d[way], err));
		gm_swd_free(s);
	}
	assert_memory_equal(d[0], d[1], sizeof d[0]);
	near(d[0][0], golden("swd_0"), 2e-6); /* projections are of size 1, in single precision */
	near(d[0][1], golden("swd_1"), 2e-6);

	/* Brightness and contrast are normalised away; whole pictures of 7 x 7 leave no place to
	 * chance, so a set against itself is 0 and a permutation of it too. */
	gm_swd_options small = {
		.channels = 1, .height = 7, .width = 7, .smallest = 7, .patches = 1};
	gm_swd *s = gm_swd_new(&small, NULL);
	float x[5 * 49];
	for (int i = 0; i < 5 * 49; i++)
		x[i] = .25f * real[(i + 98) % (5 * 49)] + .5f;
	assert_int_equal(gm_swd_levels(s), 1);
	OK(gm_swd_add(s, false, real, 5, err));
	OK(gm_swd_add(s, true, x, 5, err));
	OK(gm_swd_get(s, d[0], err));
	near(d[0][0], 0, 1e-5);
	x[0] = NAN;
	REFUSED(gm_swd_add(s, true, x, 5, err));
	gm_swd_free(s);

	/* Flat pictures have no contrast: no distance, and no NaN. */
	s = gm_swd_new(&small, NULL);
	for (int i = 0; i < 5 * 49; i++)
		x[i] = .1f;
	OK(gm_swd_add(s, false, x, 5, err));
	OK(gm_swd_add(s, true, x, 5, err));
	OK(gm_swd_get(s, d[0], err));
	near(d[0][0], 0, 0);
	gm_swd_free(s);
	o.width = 33; /* 33 x 32 would have to be halved */
	REFUSED(gm_swd_new(&o, err));
	o.width = 6;
	REFUSED(gm_swd_new(&o, err));
	free(real), free(fake);
}

/* Three classes, a fourth that never occurs: 5 pixels of class 0 of which 4 are met, 3 of class 1
 * of which 1, 2 of class 2 all taken for 0. */
static void segments_by_hand(void **state)
{
	(void)state;
	enum { N = 10, K = 4 };
	static const int32_t truth[N] = {0, 0, 0, 0, 0, 1, 1, 1, 2, 2},
			     got[N] = {0, 0, 0, 0, 1, 1, 0, 0, 0, 0};
	int64_t count[K * K] = {0};
	gm_segments s;
	REFUSED(gm_segments_of(count, K, &s, err));
	OK(gm_segments_add(count, truth, got, 4, K, err)); /* in portions */
	OK(gm_segments_add(count, truth + 4, got + 4, N - 4, K, err));
	OK(gm_segments_of(count, K, &s, err));
	near(s.pixel, .5, 1e-12);
	near(s.per_class, (4 / 5. + 1 / 3.) / 3, 1e-12);
	near(s.iou, (4 / 9. + 1 / 4.) / 3, 1e-12);
	assert_true(s.pixels == N && s.classes == 3);
	near(gm_segments_iou(count, K, (const bool[K]){true, true, true, true}), s.iou, 1e-12);
	near(gm_segments_iou(count, K, (const bool[K]){false, true, false, true}), 1 / 4., 1e-12);
	assert_true(isnan(gm_segments_iou(count, K, (const bool[K]){false, false, false, true})));
	REFUSED(gm_segments_add(count, (int32_t[]){4}, got, 1, K, err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(moments_do_not_see_portions),
		cmocka_unit_test(moments_refuse),
		cmocka_unit_test(frechet_is_the_closed_form),
		cmocka_unit_test(frechet_of_features),
		cmocka_unit_test(kid_by_hand_and_by_scikit_learn),
		cmocka_unit_test(nearest_by_definition),
		cmocka_unit_test(k_means_of_blobs),
		cmocka_unit_test(assignments_are_the_best),
		cmocka_unit_test(balls_by_hand_and_by_prdc),
		cmocka_unit_test(two_samples),
		cmocka_unit_test(inception_score),
		cmocka_unit_test(modes_by_hand),
		cmocka_unit_test(modes_of_points),
		cmocka_unit_test(parzen),
		cmocka_unit_test(segments_by_hand),
		cmocka_unit_test(similar_pictures),
		cmocka_unit_test(sliced_wasserstein),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
