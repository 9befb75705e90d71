/* SPDX-License-Identifier: MIT
 *
 * test_portilla.c -- the steerable pyramid reconstructs, solvers reach their targets, the 710
 * statistics of a texture and images that have them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "texture/parts.h"

enum { SIDE = 64, N = SIDE * SIDE, K = GM_TEXTURE_ORIENTATIONS };

static gm_fourier *f;

static void must(bool ok, const gm_error *err)
{
	if (!ok)
		fail_msg("%s", err->message);
}

static int open_f(void **state)
{
	gm_error err = {0};
	(void)state;
	return !(f = gm_fourier_new(&err));
}

static int close_f(void **state)
{
	(void)state;
	gm_fourier_free(f);
	return 0;
}

static void noise(double *x, int64_t n, uint64_t seed)
{
	gm_rng rng = gm_rng_new(seed, 3);
	for (int64_t i = 0; i < n; i++)
		x[i] = gm_rng_normal(&rng);
}

/* Slanted stripes of an uneven width, with noise. */
static void stripes(double *x)
{
	noise(x, N, 9);
	for (int i = 0; i < SIDE; i++)
		for (int j = 0; j < SIDE; j++)
			x[i * SIDE + j] = 100 + 6 * x[i * SIDE + j] +
			                  40 * (sin(2 * M_PI * (5 * i + 3 * j) / SIDE) > .3);
}

static void pyramids_reconstruct(void **state)
{
	(void)state;
	enum { H = 64, W = 128 };
	static double x[H * W], y[H * W];
	gm_error err = {0};
	gm_steerable p;
	for (int k = 2; k <= 6; k++) {
		noise(x, H * W, (uint64_t)k);
		must(gm_steerable_build(f, x, H, W, 1 + k % 5, k, &p, &err), &err);
		assert_true(gm_steerable_image(f, &p, y));
		gm_steerable_free(&p);
		for (int i = 0; i < H * W; i++)
			assert_float_equal(x[i], y[i], 1e-12);
	}
	assert_false(gm_steerable_build(f, x, 48, 64, 4, 4, &p, &err));
	assert_non_null(strstr(err.message, "multiples of 32"));
}

static double energy(const double complex *x, int64_t n)
{
	double sum = 0;
	for (int64_t i = 0; i < n; i++)
		sum += creal(x[i]) * creal(x[i]) / (double)n;
	return sum;
}

/* The squares of the masks sum to 1: the energies, divided by 16 for each halving, add up to the
 * image's. A quarter turn exchanges orientations. */
static void energies_and_turns(void **state)
{
	(void)state;
	static double x[N], turned[N];
	gm_error err = {0};
	gm_steerable p, q;
	stripes(x);
	gm_texture_centre(x, N);
	for (int i = 0; i < SIDE; i++)
		for (int j = 0; j < SIDE; j++)
			turned[j * SIDE + (SIDE - i) % SIDE] = x[i * SIDE + j];
	must(gm_steerable_build(f, x, SIDE, SIDE, 3, K, &p, &err) &&
	             gm_steerable_build(f, turned, SIDE, SIDE, 3, K, &q, &err),
	     &err);
	double sum = energy(p.high, N), unit = 1;
	for (int s = 0; s < 3; s++, unit *= 16)
		for (int b = 0; b < K; b++) {
			const double e = energy(p.band[s][b], N >> 2 * s);
			sum += e / unit;
			assert_float_equal(e, energy(q.band[s][(b + K / 2) % K], N >> 2 * s),
			                   1e-9 * (1 + e));
		}
	sum += energy(p.low, N >> 6) / unit;
	assert_float_equal(sum / gm_texture_moment(x, N, 0, 2), 1, 1e-9);
	gm_steerable_free(&p), gm_steerable_free(&q);
}

static void solvers_reach_targets(void **state)
{
	(void)state;
	static double x[N], y[2][N], z[2][N], all[N];
	gm_error err = {0};
	static const double skews[] = {-1.2, -.1, 0, .7}, kurtoses[] = {2.2, 3, 5, 9};
	for (int k = 0; k < 4; k++) {
		noise(x, N, 1);
		gm_texture_centre(x, N);
		const double v = gm_texture_moment(x, N, 0, 2);
		gm_texture_skew(x, N, skews[k]);
		const double now = gm_texture_moment(x, N, 0, 2);
		assert_float_equal(now, v, 1e-9);
		assert_float_equal(gm_texture_moment(x, N, 0, 3) / pow(now, 1.5), skews[k], 1e-6);
		noise(x, N, 2);
		gm_texture_centre(x, N);
		gm_texture_kurtosis(x, N, kurtoses[k]);
		assert_float_equal(gm_texture_moment(x, N, 0, 4) /
		                           pow(gm_texture_moment(x, N, 0, 2), 2),
		                   kurtoses[k], 1e-6);
	}

	/* the autocorrelation of another image, nearly white so that the filter exists */
	double lags[7][7];
	noise(x, N, 3);
	for (int i = N - 1; i > 0; i--)
		x[i] += .4 * x[i - 1] + .2 * x[i > SIDE ? i - SIDE : 0];
	gm_texture_centre(x, N);
	assert_true(gm_texture_autocorrelation(f, x, SIDE, SIDE, all));
	for (int i = -3; i <= 3; i++)
		for (int j = -3; j <= 3; j++)
			lags[i + 3][j + 3] = all[(i + SIDE) % SIDE * SIDE + (j + SIDE) % SIDE];
	noise(x, N, 4);
	must(gm_texture_lags(f, x, SIDE, SIDE, 3, &lags[0][0], &err), &err);
	assert_true(gm_texture_autocorrelation(f, x, SIDE, SIDE, all));
	for (int i = -3; i <= 3; i++)
		for (int j = -3; j <= 3; j++)
			assert_float_equal(all[(i + SIDE) % SIDE * SIDE + (j + SIDE) % SIDE],
			                   lags[i + 3][j + 3], 1e-8);

	const double co[4] = {2, .5, .5, 1}, cxo[4] = {.3, -.2, .1, .4};
	double *const xs[] = {y[0], y[1]}, *const ys[] = {z[0], z[1]};
	for (int k = 0; k < 2; k++)
		noise(y[k], N, 5 + (uint64_t)k), noise(z[k], N, 7 + (uint64_t)k),
			gm_texture_centre(y[k], N), gm_texture_centre(z[k], N);
	must(gm_texture_covariance(xs, 2, ys, 2, N, co, cxo, &err), &err);
	for (int a = 0; a < 2; a++)
		for (int b = 0; b < 2; b++) {
			assert_float_equal(gm_texture_product(y[a], y[b], N), co[a * 2 + b], 1e-9);
			assert_float_equal(gm_texture_product(y[a], z[b], N), cxo[a * 2 + b], 1e-9);
		}
}

/* 710 numbers, finite also for nearly constant images; the phases of a line belong together across
 * scales, those of noise do not. */
static void numbers(void **state)
{
	(void)state;
	static const int counts[] = {6, 10, 1, 125, 400, 24, 48, 96};
	static double x[N], v[GM_TEXTURE_NUMBERS];
	gm_error err = {0};
	gm_texture_statistics t;
	double phases[3];
	for (int k = 0; k < 3; k++) {
		int all = 0;
		noise(x, N, 8);
		for (int i = 0; i < N; i++)
			x[i] = k == 2 ? 5 + 1e-9 * x[i] : k ? x[i] : (i % SIDE == 20) + .01 * x[i];
		must(gm_texture_analyse(f, x, SIDE, SIDE, &t, &err), &err);
		for (int g = 0; g < GM_TEXTURE_GROUPS; g++) {
			const int n = gm_texture_numbers(&t, g, v);
			assert_int_equal(n, counts[g]);
			all += n;
			for (int i = 0; i < n; i++)
				assert_true(isfinite(v[i]));
		}
		assert_int_equal(all, GM_TEXTURE_NUMBERS);
		phases[k] = 0;
		for (int b = 0; b < K; b++) /* against the doubled phase */
			phases[k] = fmax(phases[k],
			                 hypot(t.phases[0][b][b], t.phases[0][b][K + b]) /
			                         (t.oriented[0][b][b] + pow(t.magnitude[0][b], 2)));
	}
	print_message("phases across scales: of a line %.4f, of noise %.4f\n", phases[0],
	              phases[1]);
	assert_true(phases[0] > 5 * phases[1]);
	assert_false(gm_texture_analyse(f, x, 64, 32, &t, &err));
	assert_non_null(strstr(err.message, "multiples of 64"));
}

/* Blobs: the sign of smoothed noise, and noise. */
static void blobs(double *x, int side)
{
	const int64_t n = (int64_t)side * side;
	double complex *t = malloc((size_t)n * sizeof *t);
	gm_rng rng = gm_rng_new(1, 1);
	noise(x, n, 9);
	for (int64_t i = 0; i < n; i++)
		t[i] = x[i];
	for (int k = 0; k < 3; k++)
		gm_pyramid_residual(f, t, side, side, false);
	for (int pass = 0; pass < 3; pass++)
		for (int64_t i = 0; i < n; i++)
			x[i] = creal(t[i]) + creal(t[(i + 1) % n]) + creal(t[(i + side) % n]) +
			       creal(t[(i + side + 1) % n]),
			t[i] = x[i];
	for (int64_t i = 0; i < n; i++)
		x[i] = 128 + (x[i] > 0 ? 60 : -60) + 10 * gm_rng_normal(&rng);
	free(t);
}

/* Synthesised images have the statistics, and are not the texture, nor each other; a group that is
 * left out is missed. */
static void synthesis(void **state)
{
	(void)state;
	enum { BIG = 128, ALL = BIG * BIG };
	static double x[ALL], y[2][ALL], left_out[ALL];
	gm_error err = {0};
	gm_texture_statistics of, t;
	double full[GM_TEXTURE_GROUPS];
	blobs(x, BIG);
	must(gm_texture_analyse(f, x, BIG, BIG, &of, &err), &err);
	for (int k = 0; k < 2; k++) {
		gm_texture_options o = {BIG, BIG, 30, (uint64_t)k, 0};
		must(gm_texture_synthesise(f, &of, &o, y[k], &err), &err);
		must(gm_texture_analyse(f, y[k], BIG, BIG, &t, &err), &err);
		for (int g = 0; g < GM_TEXTURE_GROUPS; g++) {
			full[g] = gm_texture_distance(&t, &of, g);
			print_message("  %s %.4f\n", gm_texture_group_names[g], full[g]);
		}
	}
	/* against white noise of the same mean and variance, which synthesis starts with */
	noise(left_out, ALL, 77);
	for (int i = 0; i < ALL; i++)
		left_out[i] = of.mean + sqrt(of.variance) * left_out[i];
	must(gm_texture_analyse(f, left_out, BIG, BIG, &t, &err), &err);
	for (int g = 0; g < GM_TEXTURE_GROUPS; g++) {
		const double start = gm_texture_distance(&t, &of, g);
		print_message("  %s: noise %.3f\n", gm_texture_group_names[g], start);
		assert_true(full[g] < (g < GM_TEXTURE_LOW_LAGS ? .05 : .25) &&
		            full[g] < .4 * start);
	}
	gm_texture_centre(y[0], ALL), gm_texture_centre(y[1], ALL);
	assert_true(fabs(gm_texture_product(y[0], y[1], ALL)) < .2 * of.variance);
	for (int g = GM_TEXTURE_LOW_LAGS; g < GM_TEXTURE_GROUPS; g++) {
		gm_texture_options o = {BIG, BIG, 8, 0, 1u << g};
		if (g == GM_TEXTURE_ORIENTED || g == GM_TEXTURE_SCALED)
			continue; /* largely given by the other groups of this texture */
		must(gm_texture_synthesise(f, &of, &o, left_out, &err), &err);
		must(gm_texture_analyse(f, left_out, BIG, BIG, &t, &err), &err);
		print_message("  without %s: %.4f\n", gm_texture_group_names[g],
		              gm_texture_distance(&t, &of, g));
		assert_true(gm_texture_distance(&t, &of, g) > 2 * full[g]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pyramids_reconstruct),
		cmocka_unit_test(energies_and_turns),
		cmocka_unit_test(solvers_reach_targets),
		cmocka_unit_test(numbers),
		cmocka_unit_test(synthesis),
	};
	return cmocka_run_group_tests(tests, open_f, close_f);
}
