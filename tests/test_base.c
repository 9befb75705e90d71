/* SPDX-License-Identifier: MIT
 *
 * test_base.c -- errors, Philox, arena, text, files, PNG, grids. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/json.h"
#include "base/machine.h"
#include "base/progress.h"
#include "base/text.h"
#include "ganymede/image.h"
#include "scratch.h"

#include <math.h>
#include <omp.h>

static void first_error_wins(void **state)
{
	(void)state;
	gm_error err = {0};
	assert_false(gm_fail(&err, GM_ERR_IO, "first %d", 1));
	assert_false(gm_fail_at(&err, 7, GM_ERR_VALUE, "second"));
	assert_int_equal(err.code, GM_ERR_IO);
	assert_string_equal(err.message, "first 1");
	assert_int_equal(err.offset, -1);

	gm_error at = {0};
	gm_fail_at(&at, 7, GM_ERR_FORMAT, "a name with\x1b[31m colours\n");
	assert_int_equal(at.offset, 7);
	assert_string_equal(at.message, "a name with?[31m colours?");
	assert_false(gm_fail(NULL, GM_ERR_IO, "no one listens"));
}

/* Known answers: Random123's kat_vectors for philox4x32-10. */
static void philox_known_answers(void **state)
{
	(void)state;
	static const struct {
		uint32_t counter[4], key[2], out[4];
	} known[] = {
		{{0}, {0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{{~0u, ~0u, ~0u, ~0u},
	         {~0u, ~0u},
	         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
		{{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
	         {0xa4093822, 0x299f31d0},
	         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
	};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		uint32_t out[4];
		gm_philox(known[i].counter, known[i].key, out);
		assert_memory_equal(out, known[i].out, sizeof out);
	}
}

static void rng_is_a_counter(void **state)
{
	(void)state;
	gm_rng a = gm_rng_new(5, 9);
	for (int i = 0; i < 7; i++)
		gm_rng_u32(&a);
	gm_rng b = a;
	for (int i = 0; i < 20; i++)
		assert_int_equal(gm_rng_u32(&a), gm_rng_u32(&b));
	for (int n = 0; n < 9; n++) { /* a skip is as many draws, from any place */
		gm_rng p = a, q = a;
		gm_rng_u32(&a);
		for (int i = 0; i < n; i++)
			gm_rng_u32(&p);
		gm_rng_skip(&q, n);
		assert_int_equal(gm_rng_u32(&p), gm_rng_u32(&q));
	}
	gm_rng c = gm_rng_new(5, 10), d = gm_rng_new(6, 9), e = gm_rng_new(5, 9);
	const uint32_t first = gm_rng_u32(&e);
	assert_int_not_equal(gm_rng_u32(&c), first);
	assert_int_not_equal(gm_rng_u32(&d), first);
}

static void rng_moments(void **state)
{
	(void)state;
	enum { N = 200000 };
	gm_rng r = gm_rng_new(1, 0);
	double u1 = 0, n1 = 0, n2 = 0, n4 = 0;
	int bin[7] = {0};
	for (int i = 0; i < N; i++) {
		const double u = gm_rng_uniform(&r), n = gm_rng_normal(&r);
		assert_true(u >= 0 && u < 1);
		u1 += u, n1 += n, n2 += n * n, n4 += n * n * n * n;
		bin[gm_rng_below(&r, 7)]++;
	}
	/* five standard errors: sqrt(1/12/N), sqrt(1/N), sqrt(2/N), sqrt(96/N) */
	assert_true(fabs(u1 / N - .5) < 5 * sqrt(1. / 12 / N));
	assert_true(fabs(n1 / N) < 5 * sqrt(1. / N));
	assert_true(fabs(n2 / N - 1) < 5 * sqrt(2. / N));
	assert_true(fabs(n4 / N - 3) < 5 * sqrt(96. / N));
	for (int i = 0; i < 7; i++)
		assert_true(fabs(bin[i] - N / 7.) < 5 * sqrt(N / 7.));
	assert_int_equal(gm_rng_below(&r, 1), 0);
	assert_int_equal(gm_rng_below(&r, 0), 0);
}

static void arena_pointers_stay(void **state)
{
	(void)state;
	enum { N = 3000 };
	gm_arena *a = gm_arena_new();
	char *name[N];
	for (int i = 0; i < N; i++) {
		name[i] = gm_arena_printf(a, "layer/%d/weight", i);
		double *p = gm_arena_calloc(a, (size_t)(i % 50) * 20, sizeof *p);
		assert_int_equal((uintptr_t)p % 64, 0);
		for (int k = 0; k < i % 50 * 20; k++) {
			assert_true(p[k] == 0);
			p[k] = 1;
		}
	}
	for (int i = 0; i < N; i++) {
		char want[40];
		snprintf(want, sizeof want, "layer/%d/weight", i);
		assert_string_equal(name[i], want);
	}
	assert_string_equal(gm_arena_strndup(a, "abcdef", 3), "abc");
	char *large = gm_arena_alloc(a, 9 << 20);
	memset(large, 1, 9 << 20);
	assert_true(gm_arena_bytes(a) > 9 << 20);
	gm_arena_free(a);
	gm_arena_free(NULL);
}

static void text_numbers(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"", " 1", "1 ", "+1", "1x", "x", "-", "0x10", "99999999999999999999", ".", "1e5"};
	int64_t i = 3;
	for (size_t k = 0; k < sizeof bad / sizeof *bad; k++)
		assert_false(gm_text_i64(bad[k], &i));
	assert_false(gm_text_i64(NULL, &i));
	assert_int_equal(i, 3);
	int64_t w = 0, h = 0;
	assert_true(gm_text_size("40x30", &w, &h) && w == 40 && h == 30);
	static const char *const no_size[] = {"",    "40",      "x",    "40x",
	                                      "x30", "40x30x2", "4 x3", "1234567890123456x1"};
	for (size_t k = 0; k < sizeof no_size / sizeof *no_size; k++)
		assert_false(gm_text_size(no_size[k], &w, &h));
	assert_true(gm_text_i64("-42", &i) && i == -42);

	uint64_t u;
	assert_false(gm_text_u64("-1", &u));
	assert_true(gm_text_u64("18446744073709551615", &u) && u == UINT64_MAX);

	double d;
	assert_true(gm_text_f64("2e-4", &d) && d == 2e-4);
	assert_true(gm_text_f64("-.5", &d) && d == -.5);
	static const char *const bad_f[] = {"",    "nan", "inf", "1e999", "0x1p3",
	                                    "1,5", " 1",  "--1", "e5"};
	for (size_t k = 0; k < sizeof bad_f / sizeof *bad_f; k++)
		assert_false(gm_text_f64(bad_f[k], &d));
}

static void text_suggestions(void **state)
{
	(void)state;
	static const char *const names[] = {"steps", "batch", "width", "outdir", "beta1"};
	assert_int_equal(gm_text_distance("kitten", "sitting"), 3);
	assert_int_equal(gm_text_distance("ab", "ba"), 1);
	assert_int_equal(gm_text_distance("", "abc"), 3);
	assert_true(gm_text_ends("a.webp", ".webp") && gm_text_ends("a.WebP", ".webp"));
	assert_false(gm_text_ends(".webp", ".webp") || gm_text_ends("a.web", ".webp"));
	assert_int_equal(gm_text_distance("out_dir", "OUT-dir"), 0);
	assert_string_equal(gm_text_nearest("stpes", names, 5), "steps");
	assert_string_equal(gm_text_nearest("widht", names, 5), "width");
	assert_null(gm_text_nearest("learning-rate", names, 5));
	assert_null(gm_text_nearest("x", names, 0));
}

static void text_utf8(void **state)
{
	(void)state;
	static const char *const good[] = {
		"", "abc", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x8e\xa8", "\xef\xbf\xbf"};
	static const char *const bad[] = {"\x80",         "\xc0\x80",     "\xc3",
	                                  "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
	                                  "\xf8\x88\x80", "\xe2\x82"};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		assert_true(gm_text_is_utf8(good[i], strlen(good[i])));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(gm_text_is_utf8(bad[i], strlen(bad[i])));
}

static void file_write_is_all_or_nothing(void **state)
{
	(void)state;
	gm_error err = {0};
	const char *folder = scratch_path("atomic");
	assert_true(gm_file_make_folder(folder, &err));
	const char *path = scratch_path("atomic/a");
	assert_true(gm_file_write(path, "old", 3, &err));

	/* Given up half-way: the old bytes stay and nothing else is left in the folder. */
	gm_writer *w = gm_writer_open(path, &err);
	char *big = calloc(1, 1 << 20);
	assert_true(gm_writer_put(w, big, 1 << 20, &err));
	assert_int_equal(scratch_count(folder), 2);
	assert_false(gm_writer_close(w, false, &err));
	free(big);
	assert_int_equal(scratch_count(folder), 1);

	gm_bytes b;
	assert_true(gm_file_open(path, &b, &err));
	assert_int_equal(b.size, 3);
	assert_memory_equal(b.data, "old", 3);
	gm_file_close(&b);
	assert_true(gm_file_write(path, "newer", 5, &err));
	assert_true(gm_file_open(path, &b, &err));
	assert_int_equal(b.size, 5);
	gm_file_close(&b);
	assert_false(gm_writer_close(NULL, true, NULL));
}

static void file_errors_name_the_path(void **state)
{
	(void)state;
	gm_bytes b;
	gm_error err = {0};
	assert_false(gm_file_open("/nowhere/x", &b, &err));
	assert_string_equal(err.message, "cannot open /nowhere/x: No such file or directory");
	err = (gm_error){0};
	assert_false(gm_file_open("/tmp", &b, &err));
	assert_non_null(strstr(err.message, "it is a folder"));
	err = (gm_error){0};
	assert_false(gm_file_write("/nowhere/x", "", 0, &err));
	assert_string_equal(err.message, "cannot write /nowhere/x: No such file or directory");
	/* A folder in the way of the file: the rename fails, the temporary file must go. */
	err = (gm_error){0};
	assert_true(gm_file_make_folder(scratch_path("way/in-the"), &err));
	assert_false(gm_file_write(scratch_path("way/in-the"), "x", 1, &err));
	assert_int_equal(err.code, GM_ERR_IO);
	assert_int_equal(scratch_count(scratch_path("way")), 1);
	/* A file in the way of a folder. */
	scratch_write("plain", "x", 1);
	err = (gm_error){0};
	assert_false(gm_file_make_folder(scratch_path("plain/sub"), &err));
	assert_int_equal(err.code, GM_ERR_IO);
}

/* Writing to a full disk fails late; /dev/full does so at once. */
static void file_full_disk(void **state)
{
	(void)state;
	if (!gm_file_exists("/dev/full"))
		skip();
	gm_error err = {0};
	assert_false(gm_file_write("/dev/full", "xyz", 3, &err));
	assert_non_null(strstr(err.message, "No space left on device"));
}

static void file_empty(void **state)
{
	(void)state;
	gm_bytes b;
	scratch_write("empty", "", 0);
	assert_true(gm_file_open(scratch_path("empty"), &b, NULL));
	assert_int_equal(b.size, 0);
	assert_non_null(b.data);
	gm_file_close(&b);
}

static void hash_sees_everything(void **state)
{
	(void)state;
	uint8_t bytes[40] = {0};
	const uint64_t h = gm_hash(0, bytes, sizeof bytes);
	assert_true(h == gm_hash(0, bytes, sizeof bytes));
	assert_true(h != gm_hash(1, bytes, sizeof bytes));
	for (size_t n = 0; n < sizeof bytes; n++)
		assert_true(h != gm_hash(0, bytes, n));
	for (size_t i = 0; i < sizeof bytes; i++) {
		bytes[i] = 1;
		assert_true(h != gm_hash(0, bytes, sizeof bytes));
		bytes[i] = 0;
	}
}

static void png_round_trip(void **state)
{
	(void)state;
	for (int channels = 1; channels <= 3; channels += 2) {
		gm_error err = {0};
		gm_image *im = gm_image_new(37, 23, channels, &err);
		gm_rng r = gm_rng_new(3, 3);
		for (int i = 0; i < 37 * 23 * channels; i++)
			im->pixel[i] = (uint8_t)gm_rng_u32(&r);
		const char *path = scratch_path("round.png");
		assert_true(gm_png_write(path, im, &err));
		gm_image *back = gm_png_read(path, &err);
		assert_non_null(back);
		assert_int_equal(back->width, 37);
		assert_int_equal(back->height, 23);
		assert_int_equal(back->channels, channels);
		assert_memory_equal(back->pixel, im->pixel, (size_t)37 * 23 * (size_t)channels);
		gm_image_free(back);

		/* Every cut must be noticed, without a leak. */
		gm_bytes b;
		assert_true(gm_file_open(path, &b, &err));
		for (size_t n = 0; n < b.size - 12; n += 13) {
			gm_error cut = {0};
			assert_null(gm_png_read_memory(b.data, n, &cut));
			assert_int_equal(cut.code, GM_ERR_FORMAT);
		}
		gm_file_close(&b);
		gm_image_free(im);
	}
	gm_error err = {0};
	assert_null(gm_image_new(1 << 20, 1 << 20, 3, &err));
	assert_int_equal(err.code, GM_ERR_VALUE);
	err = (gm_error){0};
	assert_null(gm_png_read("/nowhere.png", &err));
	assert_int_equal(err.code, GM_ERR_IO);
}

static void grid_places_pictures(void **state)
{
	(void)state;
	/* three 2x2 grey pictures, one of them with values beyond the range and one NaN */
	const float x[12] = {-1, -1, -1, -1, 1, 1, 1, 1, -5, 5, 0, NAN};
	gm_error err = {0};
	gm_image *im = gm_image_grid(x,
	                             &(gm_grid){.n = 3,
	                                        .channels = 1,
	                                        .height = 2,
	                                        .width = 2,
	                                        .columns = 2,
	                                        .padding = 1,
	                                        .scale = 3},
	                             &err);
	assert_non_null(im);
	assert_int_equal(im->width, 3 * (2 * 3 + 1));
	assert_int_equal(im->height, 3 * (2 * 3 + 1));
	const int w = im->width;
	assert_int_equal(im->pixel[3 * w + 3], 0);              /* first picture */
	assert_int_equal(im->pixel[8 * w + 17], 255);           /* last pixel of the second */
	assert_int_equal(im->pixel[12 * w + 3], 0);             /* third: cut to black, */
	assert_int_equal(im->pixel[12 * w + 6], 255);           /* to white, */
	assert_int_equal(im->pixel[15 * w + 3], 128);           /* middle, */
	assert_int_equal(im->pixel[15 * w + 6], 128);           /* NaN */
	assert_int_equal(im->pixel[12 * w + 12], im->pixel[0]); /* no fourth: frame */
	assert_int_not_equal(im->pixel[0], 0);
	gm_image_free(im);
	assert_null(
		gm_image_grid(x, &(gm_grid){.n = 0, .channels = 1, .height = 2, .width = 2}, &err));
	assert_int_equal(err.code, GM_ERR_VALUE);
}

static void scatter_shows_both(void **state)
{
	(void)state;
	const float real[2] = {.5f, .5f}, fake[6] = {-.5f, -.5f, NAN, 0, 1e30f, -1e30f};
	gm_image *im = gm_image_scatter(&(gm_scatter){.real = real,
	                                              .n_real = 1,
	                                              .fake = fake,
	                                              .n_fake = 3,
	                                              .size = 200,
	                                              .extent = 1},
	                                NULL);
	assert_non_null(im);
	/* y points up: the real point is upper right and bluish, the fake one lower left and orange
	 */
	const uint8_t *up = im->pixel + (50 * 200 + 150) * 3,
		      *down = im->pixel + (150 * 200 + 50) * 3;
	assert_true(up[2] > up[0] + 20);
	assert_true(down[0] > down[2] + 20);
	gm_image_free(im);
	gm_error err = {0};
	assert_null(gm_image_scatter(&(gm_scatter){.size = 3}, &err));
	assert_int_equal(err.code, GM_ERR_VALUE);
}

static void terminal_picture_needs_a_terminal(void **state)
{
	(void)state;
	gm_image *im = gm_image_new(8, 8, 1, NULL);
	FILE *f = fopen(scratch_path("term"), "w+");
	assert_false(gm_term_picture(f, im, 40));
	assert_int_equal(ftell(f), 0);
	fclose(f);
	gm_image_free(im);
}

typedef struct told {
	int calls, ends;
	uint64_t stop_at; /* 0: never */
	gm_progress last;
} told;

static bool on_progress(void *context, const gm_progress *p)
{
	told *t = context;
	if (!p->what) {
		t->ends++;
		return true;
	}
	t->calls++;
	t->last = *p;
	return !t->stop_at || p->done < t->stop_at;
}

static void progress_is_told_and_stopped(void **state)
{
	(void)state;
	gm_error err = {0};
	told t = {0};
	assert_true(gm_progress_tell("counting", 1, 9, "sheep", &err)); /* without a callback */
	gm_progress_to(on_progress, &t);
	assert_true(gm_progress_tell("counting", 2, 9, "sheep", &err));
	assert_int_equal(t.calls, 1);
	assert_string_equal(t.last.what, "counting");
	assert_int_equal(t.last.done, 2);
	assert_int_equal(t.last.total, 9);
	t.stop_at = 3;
	assert_false(gm_progress_tell("counting", 3, 9, "sheep", &err));
	assert_int_equal(err.code, GM_ERR_STATE);
	assert_string_equal(err.message, "stopped while counting, after 3 of 9 sheep");
	gm_progress_end();
	assert_int_equal(t.ends, 1);
	/* Other threads have their own listener: a stop cannot reach a worker halfway. */
	int heard = 0;
#pragma omp parallel num_threads(2) reduction(+ : heard)
	if (omp_get_thread_num() > 0)
		heard += !gm_progress_tell("counting", 4, 9, "sheep", NULL);
	assert_int_equal(heard, 0);
	assert_int_equal(t.calls, 2);
	gm_progress_to(NULL, NULL);
}

/* Every text comes back as it was, and plain text is written as it is. */
static void any_text_survives_json(void **state)
{
	(void)state;
	static const char *const texts[] = {"",
	                                    "plain name.png",
	                                    "T\xc3\xbcr/\xe5\x86\x99",
	                                    "caf\xe9",
	                                    "50%",
	                                    "bytes:caf%E9",
	                                    "bytes:",
	                                    "\xff\xfe%25 \"\\\n",
	                                    "a%b\x80"};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		json_t *v = gm_json_text(texts[i]);
		char *dump = json_dumps(v, JSON_ENCODE_ANY);
		json_t *again = json_loads(dump, JSON_DECODE_ANY, NULL);
		char *text = gm_json_text_of(again);
		assert_string_equal(text, texts[i]);
		json_decref(v), json_decref(again);
		free(dump), free(text);
	}
	json_t *v = gm_json_text("plain name.png");
	assert_string_equal(json_string_value(v), "plain name.png");
	json_decref(v);
	v = gm_json_text("caf\xe9");
	assert_string_equal(json_string_value(v), "bytes:caf%E9");
	json_decref(v);
	v = json_integer(3);
	assert_null(gm_json_text_of(v));
	json_decref(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_error_wins),
		cmocka_unit_test(philox_known_answers),
		cmocka_unit_test(rng_is_a_counter),
		cmocka_unit_test(rng_moments),
		cmocka_unit_test(arena_pointers_stay),
		cmocka_unit_test(text_numbers),
		cmocka_unit_test(text_suggestions),
		cmocka_unit_test(text_utf8),
		cmocka_unit_test(file_write_is_all_or_nothing),
		cmocka_unit_test(file_errors_name_the_path),
		cmocka_unit_test(file_full_disk),
		cmocka_unit_test(file_empty),
		cmocka_unit_test(hash_sees_everything),
		cmocka_unit_test(png_round_trip),
		cmocka_unit_test(grid_places_pictures),
		cmocka_unit_test(scatter_shows_both),
		cmocka_unit_test(progress_is_told_and_stopped),
		cmocka_unit_test(any_text_survives_json),
		cmocka_unit_test(terminal_picture_needs_a_terminal),
	};
	return cmocka_run_group_tests_name("base", tests, scratch_make, scratch_remove);
}
