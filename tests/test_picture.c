/* SPDX-License-Identifier: MIT
 *
 * test_picture.c -- image decoders: every variant of a format gives the same image, and malformed
 * files are errors with a reason. The files are in fuzz/corpus/picture: 16 x 12 pixels in four
 * quarters, red and green above blue and white. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "image/decode.h"
#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static gm_image *load(const char *name, gm_image_facts *facts)
{
	char path[128];
	gm_error err = {0};
	snprintf(path, sizeof path, "fuzz/corpus/picture/%s", name);
	gm_image *im = gm_image_read(path, facts, &err);
	if (!im)
		fail_msg("%s", err.message);
	return im;
}

static void near_colour(const char *file, const gm_image *im, int x, int y, const int *rgb,
                        int slack)
{
	for (int c = 0; c < im->channels; c++) {
		const int v = im->pixel[(y * im->width + x) * im->channels + c];
		if (abs(v - rgb[c]) > slack)
			fail_msg("%s: channel %d at %d, %d is %d, not %d", file, c, x, y, v,
			         rgb[c]);
	}
}

/* Which quarter is seen at the top left, top right, bottom left, bottom right. */
static void quarters_come_out(void **state)
{
	(void)state;
	static const int red[] = {255, 0, 0}, green[] = {0, 255, 0}, blue[] = {0, 0, 255},
			 white[] = {255, 255, 255};
	static const int *const colour[] = {red, green, blue, white};
	static const struct {
		const char *name, *format;
		int channels, orientation, seen[4], slack;
	} files[] = {
		{"rgb.png", "PNG", 1, 1, {0, 1, 2, 3}, 0},
		{"rgb.jpg", "JPEG", 3, 1, {0, 1, 2, 3}, 6},
		/* colour at half resolution, and quantised: the centres of the quarters stay close
		 */
		{"progressive.jpg", "JPEG", 3, 1, {0, 1, 2, 3}, 12},
		{"cmyk.jpg", "JPEG", 4, 1, {0, 1, 2, 3}, 12},
		{"lossless.webp", "WebP", 3, 1, {0, 1, 2, 3}, 0},
		/* WebP's studio range and colours at half resolution */
		{"lossy.webp", "WebP", 3, 1, {0, 1, 2, 3}, 20},
		{"exif3.jpg", "JPEG", 3, 3, {3, 2, 1, 0}, 6},
		{"exif6.jpg", "JPEG", 3, 6, {2, 0, 3, 1}, 6},
		{"exif8.webp", "WebP", 3, 8, {1, 3, 0, 2}, 0},
	};
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		gm_image_facts facts;
		gm_image *im = load(files[i].name, &facts);
		assert_string_equal(facts.format, files[i].format);
		assert_int_equal(facts.channels, files[i].channels);
		assert_int_equal(facts.orientation, files[i].orientation);
		assert_int_equal(facts.width, 16);
		assert_int_equal(im->width, files[i].orientation > 4 ? 12 : 16);
		assert_int_equal(im->channels, 3);
		for (int q = 0; q < 4; q++)
			near_colour(files[i].name, im, q & 1 ? im->width * 3 / 4 : im->width / 4,
			            q & 2 ? im->height * 3 / 4 : im->height / 4,
			            colour[files[i].seen[q]], files[i].slack);
		gm_image_free(im);
	}
}

static void grey_stays_grey_and_alpha_darkens(void **state)
{
	(void)state;
	gm_image_facts facts;
	gm_image *im = load("grey.jpg", &facts);
	assert_int_equal(im->channels, 1);
	near_colour("grey.jpg", im, 12, 9, (const int[]){255}, 2);
	gm_image_free(im);
	/* half transparent white on black */
	im = load("alpha.webp", &facts);
	assert_int_equal(facts.channels, 4);
	near_colour("alpha.webp", im, 12, 9, (const int[]){128, 128, 128}, 1);
	gm_image_free(im);
}

/* The eight orientations of a 2 x 3 picture, written out by hand from the standard's table. */
static void turns(void **state)
{
	(void)state;
	static const char *const want[9] = {
		[1] = "abcdef", [2] = "badcfe", [3] = "fedcba", [4] = "efcdab",
		[5] = "acebdf", [6] = "ecafdb", [7] = "fdbeca", [8] = "bdface"};
	for (int o = 1; o <= 8; o++) {
		gm_error err = {0};
		gm_image *im = gm_image_new(2, 3, 1, &err);
		memcpy(im->pixel, "abcdef", 6);
		im = gm_image_turn(im, o, &err);
		assert_int_equal(im->width, o > 4 ? 3 : 2);
		assert_memory_equal(im->pixel, want[o], 6);
		gm_image_free(im);
	}
}

static void exif_that_makes_no_sense(void **state)
{
	(void)state;
	uint8_t good[] = "Exif\0\0MM\0*\0\0\0\10\0\1\1\22\0\3\0\0\0\1\0\6\0\0\0\0\0";
	const size_t n = sizeof good - 1;
	assert_int_equal(gm_exif_orientation(good, n), 6);
	assert_int_equal(gm_exif_orientation(good + 6, n - 6), 6);
	for (size_t cut = 0; cut < n - 5; cut++)
		assert_int_equal(gm_exif_orientation(good, cut), 1);
	good[25] = 9;
	assert_int_equal(gm_exif_orientation(good, n), 1);
	good[13] = 200; /* the directory lies outside */
	assert_int_equal(gm_exif_orientation(good, n), 1);
}

/* Every file truncated at every length: always an error with a reason. JPEG and WebP may lack data
 * after the last pixel. */
static void cut_short(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		size_t spare;
	} files[] = {{"rgb.jpg", 4},       {"progressive.jpg", 4}, {"cmyk.jpg", 4},
	             {"lossless.webp", 1}, {"lossy.webp", 1},      {"rgb.png", 0}};
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		char path[128];
		gm_bytes f;
		gm_error err = {0};
		snprintf(path, sizeof path, "fuzz/corpus/picture/%s", files[i].name);
		assert_true(gm_file_open(path, &f, &err));
		for (size_t cut = 0; cut + files[i].spare < f.size; cut++) {
			uint8_t *copy = malloc(cut + !cut);
			memcpy(copy, f.data, cut);
			err = (gm_error){0};
			gm_image *im = gm_image_read_memory("it", copy, cut, NULL, &err);
			if (im)
				fail_msg("%s cut at %zu of %zu is taken for a picture", path, cut,
				         f.size);
			assert_true(err.code != GM_OK && strstr(err.message, "it: "));
			free(copy);
		}
		gm_file_close(&f);
	}
}

static void refuses_other_things(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t n;
		const char *message;
	} bad[] = {
		{"", 0, "an empty file"},
		{"<html>not found</html>", 22, "not a picture but a web page (HTML)"},
		{"GIF89a", 6, "GIF: a corrupt header"},
		{"II*\0\10\0\0\0", 8, "TIFF: "},
		{"P6 3 3 255 abc", 14, "PNM: truncated"},
		{"\xff\xd8\xff\xd9", 4, "JPEG:"},
		{"RIFF\4\0\0\0WEBP", 12, "WebP: a corrupt header"},
		/* 65500 x 65500 pixels in a few bytes */
		{"\xff\xd8\xff\xc0\0\x0b\10\xff\xdc\xff\xdc\1\1\x11\0\xff\xda\0\10\1\1\0\0\x3f\0",
	         25, "truncated"},
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		gm_error err = {0};
		gm_image_facts facts;
		assert_null(gm_image_read_memory("it", bad[i].bytes, bad[i].n, &facts, &err));
		if (!strstr(err.message, bad[i].message))
			fail_msg("\"%s\" does not say \"%s\"", err.message, bad[i].message);
	}
	gm_error err = {0};
	assert_null(gm_image_read("fuzz/corpus/picture/absent.jpg", NULL, &err));
	assert_int_equal(err.code, GM_ERR_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quarters_come_out),
		cmocka_unit_test(grey_stays_grey_and_alpha_darkens),
		cmocka_unit_test(turns),
		cmocka_unit_test(exif_that_makes_no_sense),
		cmocka_unit_test(cut_short),
		cmocka_unit_test(refuses_other_things),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
