/* SPDX-License-Identifier: MIT
 *
 * test_texture.c -- image quilting: seams equal to all paths tried, results made of the texture's
 * pixels, periodic textures that continue, transfer that follows its target.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "texture/quilt.h"

/* The smallest sum over all paths from row i, column j on. */
static int64_t try_all(const int32_t *e, int rows, int columns, int i, int j)
{
	int64_t best = INT64_MAX;
	if (i == rows - 1)
		return e[i * columns + j];
	for (int k = -1; k <= 1; k++)
		if (j + k >= 0 && j + k < columns) {
			const int64_t sum = try_all(e, rows, columns, i + 1, j + k);
			best = sum < best ? sum : best;
		}
	return best + e[i * columns + j];
}

static void seams_are_the_smallest(void **state)
{
	(void)state;
	int32_t e[8 * 5];
	int path[8];
	gm_rng r = gm_rng_new(1, 0);
	for (int turn = 0; turn < 200; turn++) {
		const int rows = 1 + (int)gm_rng_below(&r, 8),
			  columns = 1 + (int)gm_rng_below(&r, 5);
		for (int i = 0; i < rows * columns; i++)
			e[i] = (int32_t)gm_rng_below(&r, turn % 2 ? 4 : 60000);
		int64_t best = INT64_MAX, sum = 0;
		for (int j = 0; j < columns; j++) {
			const int64_t s = try_all(e, rows, columns, 0, j);
			best = s < best ? s : best;
		}
		assert_int_equal(gm_quilt_seam(e, rows, columns, path), best);
		for (int i = 0; i < rows; i++) {
			assert_in_range(path[i], 0, columns - 1);
			assert_true(!i || abs(path[i] - path[i - 1]) <= 1);
			sum += e[i * columns + path[i]];
		}
		assert_int_equal(sum, best);
	}
}

/* Noise of a few grey levels that are smooth on the scale of some pixels. */
static gm_image *noise(int side, uint64_t seed)
{
	gm_error err = {0};
	gm_image *im = gm_image_new(side, side, 3, &err);
	gm_rng r = gm_rng_new(seed, 0);
	double wave[6][3];
	assert_non_null(im);
	for (int i = 0; i < 18; i++)
		wave[i / 3][i % 3] = gm_rng_normal(&r);
	for (int i = 0; i < side * side; i++) {
		double v = 0;
		for (int k = 0; k < 6; k++)
			v += sin(wave[k][0] * (i % side) + wave[k][1] * (i / side) + wave[k][2]);
		for (int c = 0; c < 3; c++)
			im->pixel[i * 3 + c] = (uint8_t)(128 + 20 * v + 5 * c);
	}
	return im;
}

static gm_image *quilted(const gm_image *texture, gm_quilt_options o, gm_quilt_report *report)
{
	gm_error err = {0};
	gm_image *im = gm_quilt(texture, &o, report, &err);
	if (!im)
		fail_msg("%s", err.message);
	return im;
}

/* Figure 2: random blocks, blocks that fit, and cuts. */
static void modes_are_ordered(void **state)
{
	(void)state;
	gm_image *t = noise(48, 3);
	double seam[3] = {0};
	for (uint64_t seed = 0; seed < 10; seed++)
		for (int mode = 0; mode < 3; mode++) {
			gm_quilt_report report;
			gm_image_free(quilted(t,
			                      (gm_quilt_options){.block = 12,
			                                         .overlap = 3,
			                                         .mode = (gm_quilt_mode)mode,
			                                         .tolerance = .1,
			                                         .seed = seed},
			                      &report));
			seam[mode] += report.seam / 10;
			assert_true(report.seam <= report.straight);
		}
	print_message("on seams: random %.0f, best %.0f, cut %.0f\n", seam[GM_QUILT_RANDOM],
	              seam[GM_QUILT_BEST], seam[GM_QUILT_CUT]);
	assert_true(seam[GM_QUILT_CUT] < .7 * seam[GM_QUILT_BEST]);
	assert_true(seam[GM_QUILT_BEST] < .5 * seam[GM_QUILT_RANDOM]);
	gm_image_free(t);
}

/* Every pixel of the result is one of the texture, and only the seed changes the result. */
static void pixels_are_the_textures(void **state)
{
	(void)state;
	gm_image *t = noise(40, 5), *a, *b, *c;
	gm_quilt_options o = {.width = 75, .height = 50, .block = 11, .tolerance = .1, .seed = 7};
	a = quilted(t, o, NULL);
	omp_set_num_threads(1);
	b = quilted(t, o, NULL);
	o.seed = 8;
	c = quilted(t, o, NULL);
	assert_true(a->width == 75 && a->height == 50 && a->channels == 3);
	assert_memory_equal(a->pixel, b->pixel, 75 * 50 * 3);
	assert_memory_not_equal(a->pixel, c->pixel, 75 * 50 * 3);
	for (int i = 0; i < 75 * 50; i++) {
		bool found = false;
		for (int j = 0; j < 40 * 40 && !found; j++)
			found = !memcmp(a->pixel + 3 * i, t->pixel + 3 * j, 3);
		assert_true(found);
	}
	gm_image_free(t), gm_image_free(a), gm_image_free(b), gm_image_free(c);
}

/* A checkerboard of period 8 continues as itself, without an error on any seam; the overlap has to
 * be wide enough to show where in the period it is. */
static void periods_continue(void **state)
{
	(void)state;
	gm_error err = {0};
	gm_quilt_report report;
	gm_image *t = gm_image_new(40, 40, 1, &err);
	assert_non_null(t);
	for (int i = 0; i < 1600; i++)
		t->pixel[i] = (i % 40 / 4 + i / 40 / 4) % 2 ? 200 : 30;
	gm_image *im = quilted(
		t,
		(gm_quilt_options){
			.width = 97, .height = 61, .block = 21, .overlap = 6, .tolerance = .1},
		&report);
	assert_true(report.seam == 0);
	for (int y = 0; y < 61; y++)
		for (int x = 0; x < 97 - 8; x++)
			assert_int_equal(im->pixel[y * 97 + x], im->pixel[y * 97 + x + 8]);
	for (int y = 0; y < 61 - 8; y++)
		for (int x = 0; x < 97; x++)
			assert_int_equal(im->pixel[y * 97 + x], im->pixel[(y + 8) * 97 + x]);
	gm_image_free(t), gm_image_free(im);
}

/* Transfer is nearer to the target's luminance than synthesis is. */
static void transfer_follows_its_target(void **state)
{
	(void)state;
	gm_error err = {0};
	gm_image *t = noise(48, 9), *target = gm_image_new(60, 36, 1, &err), *im, *plain;
	gm_quilt_report report;
	assert_non_null(target);
	for (int i = 0; i < 60 * 36; i++)
		target->pixel[i] = (uint8_t)(i % 60 < 30 ? 80 : 180);
	im = quilted(t, (gm_quilt_options){.block = 9, .tolerance = .1, .target = target}, &report);
	plain = quilted(t, (gm_quilt_options){.width = 60, .height = 36, .block = 9}, NULL);
	assert_true(im->width == 60 && im->height == 36);
	double error[2] = {0}, side[2] = {0};
	for (int i = 0; i < 60 * 36; i++) {
		const uint8_t *p = im->pixel + 3 * i, *q = plain->pixel + 3 * i;
		error[0] += pow(.299 * p[0] + .587 * p[1] + .114 * p[2] - target->pixel[i], 2);
		error[1] += pow(.299 * q[0] + .587 * q[1] + .114 * q[2] - target->pixel[i], 2);
		side[i % 60 >= 30] += p[1] / (60 * 18.);
	}
	print_message("error of luminance: %.0f, synthesis %.0f\n", error[0] / 2160,
	              error[1] / 2160);
	assert_float_equal(report.luminance, error[0] / 2160, 1e-6 * error[0]);
	assert_true(error[0] < .6 * error[1] && side[1] > side[0] + 40);
	gm_image_free(t), gm_image_free(target), gm_image_free(im), gm_image_free(plain);
}

static void bad_sizes(void **state)
{
	(void)state;
	gm_image *t = noise(20, 1);
	static const struct {
		gm_quilt_options o;
		const char *says;
	} bad[] = {
		{{.block = 21}, "fewer than a block of 21"},
		{{.block = 101}, "4 to 100 pixels"},
		{{.block = 10, .overlap = 10}, "does not fit into blocks"},
		{{.block = 10, .width = 1 << 20, .height = 1 << 20}, "too many"},
		{{.block = 10, .tolerance = -1}, "positive"},
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		gm_error err = {0};
		assert_null(gm_quilt(t, &bad[i].o, NULL, &err));
		assert_int_equal(err.code, GM_ERR_VALUE);
		if (!strstr(err.message, bad[i].says))
			fail_msg("%s", err.message);
	}
	gm_image_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seams_are_the_smallest),      cmocka_unit_test(modes_are_ordered),
		cmocka_unit_test(pixels_are_the_textures),     cmocka_unit_test(periods_continue),
		cmocka_unit_test(transfer_follows_its_target), cmocka_unit_test(bad_sizes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
