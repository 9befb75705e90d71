/* SPDX-License-Identifier: MIT
 *
 * test_figure.c -- plots: shapes land where they should, stay in their panel, and become files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plot/figure.h"
#include "base/file.h"
#include "scratch.h"

/* 100 x 100 pixels for [0,1] x [0,1], inside a picture of 140 x 140 */
static const gm_panel unit = {20, 20, 120, 120, 0, 1, 0, 1, true};

static gm_image *drawn(gm_figure *f)
{
	gm_error err = {0};
	gm_image *im = gm_figure_image(f, &err);
	if (!im)
		fail_msg("%s", err.message);
	gm_figure_free(f);
	return im;
}

static int grey_at(const gm_image *im, int x, int y)
{
	return im->pixel[(y * im->width + x) * 3 + 1];
}

static void areas_fill_exactly(void **state)
{
	(void)state;
	gm_figure *f = gm_figure_new(140, 140);
	gm_ink half = {0, 0, 0, .5, 0, 0};
	/* x in [.25, .5], y in [0, .5]: pixels 45 to 70, 70 to 120; y points up */
	double box[8] = {.25, 0, .5, 0, .5, .5, .25, .5};
	gm_figure_area(f, &unit, box, 4, half);
	gm_image *im = drawn(f);
	for (int y = 0; y < 140; y++)
		for (int x = 0; x < 140; x++) {
			bool in = x >= 45 && x < 70 && y >= 70 && y < 120;
			assert_in_range(grey_at(im, x, y), in ? 127 : 255, in ? 128 : 255);
		}
	gm_image_free(im);
}

static void shapes_stay_in_their_panel(void **state)
{
	(void)state;
	gm_figure *f = gm_figure_new(140, 140);
	double far[6] = {-50, -50, 60, 61, 1e9, -1e9},
	       broken[8] = {0, 0, NAN, 1, 1, 1, 0, INFINITY};
	gm_figure_line(f, &unit, far, 3, GM_INK_BLACK);
	gm_figure_area(f, &unit, far, 3, GM_INK_BLUE);
	gm_figure_line(f, &unit, broken, 4, GM_INK_BLACK);
	gm_figure_area(f, &unit, broken, 4, GM_INK_BLACK);
	gm_figure_disc(f, &unit, NAN, 0, GM_INK_BLACK);
	gm_figure_arrow(f, &unit, 0, 0, 0, 0, GM_INK_BLACK);
	gm_figure_arrow(f, &unit, .5, .5, 1e9, 1e9, GM_INK_BLACK);
	gm_image *im = drawn(f);
	for (int y = 0; y < 140; y++)
		for (int x = 0; x < 140; x++)
			if (x < 19 || x > 121 || y < 19 || y > 121)
				assert_int_equal(grey_at(im, x, y), 255);
	assert_int_not_equal(grey_at(im, 60, 90), 255);
	gm_image_free(im);
}

/* A line over itself is no darker; a dashed one has gaps. */
static void lines_are_laid_once(void **state)
{
	(void)state;
	gm_figure *f = gm_figure_new(140, 140);
	gm_ink ink = {0, 0, 0, .5, 4, 0};
	double there_and_back[6] = {0, .5, 1, .5, 0, .5}, below[4] = {0, .25, 1, .25};
	gm_figure_line(f, &unit, there_and_back, 3, ink);
	ink.dash = 10, ink.alpha = 1;
	gm_figure_line(f, &unit, below, 2, ink);
	gm_image *im = drawn(f);
	assert_in_range(grey_at(im, 70, 70), 127, 128);
	assert_int_equal(grey_at(im, 25, 95), 0);
	assert_int_equal(grey_at(im, 35, 95), 255);
	assert_int_equal(grey_at(im, 45, 95), 0);
	gm_image_free(im);
}

static gm_figure *everything(void)
{
	gm_figure *f = gm_figure_new(140, 140);
	char all[128] = "";
	for (int c = ' '; c < 127; c++)
		all[c - ' '] = (char)c;
	gm_figure_axes(f, &unit, "a < b & c > d");
	gm_figure_text(f, 70, 70, 9, 0, GM_INK_BLACK, all);
	gm_figure_disc(f, &unit, .5, .5, GM_INK_ORANGE);
	gm_figure_arrow(f, &unit, .1, .1, .5, .3, GM_INK_GREEN);
	return f;
}

static void every_letter_has_strokes(void **state)
{
	(void)state;
	const char *used =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,-+=()*/|:<>_";
	for (const char *c = used; *c; c++) {
		const char *s = gm_figure_strokes(*c);
		if (!*s)
			fail_msg("no strokes for %c", *c);
		for (; *s; s += *s == ' ' ? 1 : 2)
			assert_true(*s == ' ' ||
			            (s[0] >= '0' && s[0] <= '4' && s[1] >= '0' && s[1] <= '8'));
	}
	assert_string_equal(gm_figure_strokes('\x80'), "");
}

static void files_are_whole(void **state)
{
	(void)state;
	gm_error err = {0};
	gm_figure *f = everything();
	const char *svg = scratch_path("plot.svg");
	assert_true(gm_figure_svg(f, svg, &err));
	gm_bytes b;
	assert_true(gm_file_open(svg, &b, &err));
	char *text = strndup((const char *)b.data, b.size);
	gm_file_close(&b);
	assert_non_null(strstr(text, "a &lt; b &amp; c &gt; d"));
	assert_null(strstr(text, "nan"));
	assert_null(strstr(text, "inf"));
	int open = 0;
	for (const char *c = text; (c = strstr(c, "<g ")) != NULL; c++)
		open++;
	for (const char *c = text; (c = strstr(c, "</g>")) != NULL; c++)
		open--;
	assert_int_equal(open, 0);
	assert_string_equal(text + strlen(text) - 7, "</svg>\n");
	free(text);
	gm_image *im[2] = {drawn(f), drawn(everything())};
	assert_memory_equal(im[0]->pixel, im[1]->pixel, 140 * 140 * 3);
	const char *webp = scratch_path("plot.webp");
	assert_true(gm_webp_animation(webp, im, 2, 100, &err));
	assert_true(gm_file_open(webp, &b, &err));
	assert_true(b.size > 100 && !memcmp(b.data, "RIFF", 4) && !memcmp(b.data + 8, "WEBP", 4));
	gm_file_close(&b);
	assert_false(gm_webp_animation(webp, im, 0, 100, &err));
	gm_image_free(im[0]);
	gm_image_free(im[1]);
	err = (gm_error){0};
	f = everything();
	assert_false(gm_figure_png(f, scratch_path("no/such/folder.png"), &err));
	assert_int_equal(err.code, GM_ERR_IO);
	gm_figure_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(areas_fill_exactly),  cmocka_unit_test(shapes_stay_in_their_panel),
		cmocka_unit_test(lines_are_laid_once), cmocka_unit_test(every_letter_has_strokes),
		cmocka_unit_test(files_are_whole),
	};
	return cmocka_run_group_tests_name("figure", tests, scratch_make, scratch_remove);
}
