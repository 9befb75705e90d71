/* SPDX-License-Identifier: MIT
 *
 * test_sounds.c -- recordings: decoding, rates, parts of long ones, labels, bad files. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data/sound.h"
#include "ganymede/data.h"
#include "ganymede/image.h"
#include "scratch.h"

#include <sndfile.h>

static int make_files(void **state)
{
	if (scratch_make(state))
		return -1;
	return setenv("XDG_CACHE_HOME", scratch_path("cache"), 1);
}

/* n frames of 16 bits. */
static void put(const char *name, int format, int rate, int channels, const int16_t *x, int n)
{
	SF_INFO info = {.samplerate = rate, .channels = channels, .format = format};
	SNDFILE *f = sf_open(scratch_place(name), SFM_WRITE, &info);
	assert_non_null(f);
	assert_int_equal(sf_writef_short(f, x, n), n);
	sf_close(f);
}

static gm_dataset *open_set(const char *name, gm_data_options o)
{
	gm_error err = {0};
	gm_dataset *d = gm_data_open(scratch_path(name), &o, &err);
	if (!d)
		fail_msg("%s: %s", name, err.message);
	return d;
}

enum { WAV = SF_FORMAT_WAV | SF_FORMAT_PCM_16, FLAC = SF_FORMAT_FLAC | SF_FORMAT_PCM_16 };

/* 16-bit samples are kept exactly, channels are averaged, a shorter recording is followed by
 * silence; labels come from the names. */
static void samples_are_exact(void **state)
{
	(void)state;
	int16_t x[300], stereo[200];
	for (int i = 0; i < 300; i++)
		x[i] = (int16_t)(i * 100 - 15000);
	for (int i = 0; i < 100; i++)
		stereo[2 * i] = (int16_t)(i * 50), stereo[2 * i + 1] = (int16_t)(i * 50 + 8);
	put("s/7_ann_0.wav", WAV, 8000, 1, x, 300);
	put("s/3_bob_0.flac", FLAC, 8000, 2, stereo, 100);
	scratch_write("s/readme.md", "hello", 5);
	gm_dataset *d = open_set("s", (gm_data_options){.label_pattern = "{digit}_{speaker}_{take}",
	                                                .label_column = "speaker"});
	const gm_data_info *i = gm_data_info_of(d);
	assert_int_equal(i->kind, GM_KIND_SOUND);
	assert_int_equal(i->rate, 8000);
	assert_int_equal(i->count, 2);
	assert_true(i->shape[0] == 1 && i->shape[1] == 1 && i->shape[2] == 300);
	assert_string_equal(i->class_names[0], "ann");
	float y[300];
	int32_t label, n[8];
	assert_true(gm_data_get(d, 1, y, &label, NULL)); /* sorted by name: 7_ann_0.wav */
	assert_int_equal(label, 0);
	for (int k = 0; k < 300; k++)
		assert_true(y[k] == (float)x[k] / 32768);
	assert_true(gm_data_get(d, 0, y, &label, NULL));
	assert_int_equal(label, 1);
	for (int k = 0; k < 300; k++)
		assert_true(y[k] == (k < 100 ? (float)(k * 50 + 4) / 32768 : 0));
	const gm_field *f = gm_data_field(d, "samples");
	int32_t labels[8];
	assert_true(gm_data_read(d, f, 3, 0, 8, n, NULL));
	assert_true(gm_data_batch(d, 3, 0, 8, NULL, labels, NULL));
	for (int k = 0; k < 8; k++)
		assert_int_equal(n[k], labels[k] ? 100 : 300);
	gm_data_close(d);
}

/* Parts of a long recording: contiguous, a pure function of (seed, position), and all of it. */
static void parts_are_random(void **state)
{
	(void)state;
	enum { N = 1000, L = 100, READS = 400 };
	int16_t x[N];
	bool at[N - L + 1] = {false};
	int different = 0;
	for (int i = 0; i < N; i++)
		x[i] = (int16_t)(30 * i - 15000);
	put("long/train/a.wav", WAV, 16000, 1, x, N);
	put("long/test/b.wav", WAV, 16000, 1, x, L / 2);
	gm_dataset *d = open_set("long", (gm_data_options){.sound_length = L});
	static float y[READS][L], z[L];
	assert_int_equal(gm_data_info_of(d)->count, 1);
	assert_true(gm_data_batch(d, 5, 0, READS, y[0], NULL, NULL));
	for (int i = 0; i < READS; i++) {
		const int start = (int)lrintf((y[i][0] * 32768 + 15000) / 30);
		assert_in_range(start, 0, N - L);
		for (int k = 0; k < L; k++)
			assert_true(y[i][k] == (float)x[start + k] / 32768);
		different += !at[start];
		at[start] = true;
	}
	/* 400 draws of 901: 323 different ones are expected, with a deviation below 9 */
	assert_in_range(different, 270, 380);
	assert_true(gm_data_batch(d, 5, 17, 1, z, NULL, NULL));
	assert_memory_equal(z, y[17], sizeof z);
	assert_true(gm_data_get(d, 0, z, NULL, NULL));
	assert_true(z[0] == -15000.f / 32768);
	gm_data_close(d);
}

/* A tone keeps its frequency and amplitude at another rate: at 0.4 of the new one, with an error
 * below 5e-4 of full scale away from the ends. */
static void rates_are_converted(void **state)
{
	(void)state;
	enum { N = 4000 };
	static int16_t x[N];
	for (int i = 0; i < N; i++)
		x[i] = (int16_t)lrint(16000 * sin(2 * M_PI * 440 * i / 16000));
	put("tone/a.wav", WAV, 16000, 1, x, N);
	put("tone/b.wav", WAV, 8000, 1, x, N / 2);
	gm_error err = {0};
	assert_null(gm_data_open(scratch_path("tone"), NULL, &err));
	assert_non_null(strstr(err.message, "16000 and 8000 Hz"));
	gm_dataset *d = open_set("tone", (gm_data_options){.sample_rate = 8000});
	assert_int_equal(gm_data_info_of(d)->rate, 8000);
	static float y[N];
	const int64_t n = gm_data_info_of(d)->numel;
	assert_in_range(n, N / 2 - 1, N / 2 + 1);
	assert_true(gm_data_get(d, 0, y, NULL, NULL));
	for (int i = 200; i < n - 200; i++)
		assert_float_equal(y[i], 16000. / 32768 * sin(2 * M_PI * 440 * i / 8000), 5e-4);
	gm_data_close(d);
}

/* A truncated recording is a bad file, or an error; options of images are refused. */
static void bad_sounds_are_counted(void **state)
{
	(void)state;
	int16_t x[2000] = {1, 2, 3};
	char bytes[8192];
	put("bad/a.wav", WAV, 8000, 1, x, 2000);
	put("bad/b.flac", FLAC, 8000, 1, x, 2000);
	FILE *f = fopen(scratch_path("bad/a.wav"), "rb");
	const size_t n = fread(bytes, 1, sizeof bytes, f);
	fclose(f);
	scratch_write("bad/c.wav", bytes, n / 2);
	scratch_write("bad/d.wav", bytes, 30);
	gm_dataset *d = open_set("bad", (gm_data_options){0});
	assert_int_equal(gm_data_info_of(d)->bad, 2);
	assert_int_equal(gm_data_info_of(d)->count, 2);
	gm_data_close(d);
	gm_error err = {0};
	assert_null(gm_data_open(scratch_path("bad"), &(gm_data_options){.bad_files = GM_BAD_STOP},
	                         &err));
	err = (gm_error){0};
	assert_null(gm_data_open(scratch_path("bad"), &(gm_data_options){.size = 32}, &err));
	assert_non_null(strstr(err.message, "sounds have no size"));
	assert_null(gm_data_open(scratch_path("bad"), &(gm_data_options){.stack = true}, &err));
	assert_null(gm_data_open(scratch_path("bad"), &(gm_data_options){.frames = 2}, &err));
	assert_null(gm_data_open("glyphs", &(gm_data_options){.sample_rate = 8000}, &err));
}

/* What is written is read again: 16 bits, clipped, at its rate. */
/* A picture among sounds, such as a cover, is an error that names it; more pictures than sounds are
 * a set of pictures. */
static void pictures_do_not_hide_sounds(void **state)
{
	(void)state;
	gm_error err = {0};
	gm_image *im = gm_image_new(16, 16, 3, &err);
	int16_t x[200] = {1, 2, 3};
	put("mixed/a.wav", WAV, 8000, 1, x, 200);
	put("mixed/b.wav", WAV, 8000, 1, x, 200);
	assert_true(gm_png_write(scratch_place("mixed/cover.png"), im, &err));
	assert_null(gm_data_open(scratch_path("mixed"), NULL, &err));
	assert_non_null(strstr(err.message, "2 sounds and 1 picture, such as cover.png"));
	for (int i = 0; i < 2; i++)
		assert_true(
			gm_png_write(scratch_place(i ? "mixed/c.png" : "mixed/d.png"), im, &err));
	gm_image_free(im);
	gm_dataset *d = open_set("mixed", (gm_data_options){0});
	assert_true(gm_data_info_of(d)->kind == GM_KIND_IMAGES && gm_data_info_of(d)->count == 3);
	gm_data_close(d);
}

static void written_sounds_are_read_again(void **state)
{
	(void)state;
	static const char *const names[] = {"a.wav", "a.flac"};
	float x[500];
	gm_error err = {0};
	for (int i = 0; i < 500; i++)
		x[i] = (float)(i * 131 % 65536 - 32768) / 32768;
	x[3] = 2, x[4] = -2;
	for (int k = 0; k < 2; k++) {
		uint8_t *bytes;
		size_t size;
		int rate = 0;
		int16_t *y;
		int64_t n;
		if (!gm_sound_encode(names[k], x, 500, 11025, &bytes, &size, &err) ||
		    !gm_sound_decode(names[k], bytes, size, &rate, &y, &n, &err))
			fail_msg("%s", err.message);
		assert_true(rate == 11025 && n == 500);
		/* the encoder scales by 32767 or 32768 */
		for (int i = 0; i < 500; i++)
			assert_true(fabs(fmin(fmax(x[i], -1), 1) * 32768 - y[i]) <= 1);
		free(bytes);
		free(y);
	}
	assert_false(gm_sound_encode("a.mp3", x, 500, 8000, NULL, NULL, &err));
	assert_string_equal(gm_sound_format("x/Y.FLAC"), "FLAC");
	assert_null(gm_sound_format("wav"));
}

/* A sine of amplitude 1 at the frequency of bin 32 is white in the row of this bin and 80 dB below
 * it nearly black elsewhere; a tenth of it is a quarter less bright. */
static void spectrograms_show_frequencies(void **state)
{
	(void)state;
	enum { N = 4096, SIDE = 128, BIN = 32 };
	static float x[2][N];
	gm_error err = {0};
	for (int t = 0; t < N; t++) {
		x[0][t] = (float)sin(2 * M_PI * BIN / 256 * t);
		x[1][t] = .1f * x[0][t];
	}
	gm_image *im = gm_image_spectrograms(x[0], &(gm_spectrograms){2, N, 2}, &err);
	assert_non_null(im);
	assert_true(im->channels == 1 && im->height == SIDE + 4 && im->width == 2 * SIDE + 6);
	for (int k = 0; k < 2; k++)
		for (int row = 0; row < SIDE; row++) {
			/* below the highest bin, in the middle of the sound */
			const int bin = SIDE - row, at = 2 + row,
				  column = 2 + k * (SIDE + 2) + SIDE / 2;
			const int v = im->pixel[at * im->width + column];
			if (bin == BIN)
				assert_in_range(v, k ? 188 : 253, k ? 193 : 255);
			else if (abs(bin - BIN) > 2)
				assert_in_range(v, 0, 60);
		}
	gm_image_free(im);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(samples_are_exact),
		cmocka_unit_test(parts_are_random),
		cmocka_unit_test(rates_are_converted),
		cmocka_unit_test(bad_sounds_are_counted),
		cmocka_unit_test(written_sounds_are_read_again),
		cmocka_unit_test(pictures_do_not_hide_sounds),
		cmocka_unit_test(spectrograms_show_frequencies),
	};
	return cmocka_run_group_tests_name("sounds", tests, make_files, scratch_remove);
}
