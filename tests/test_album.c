/* SPDX-License-Identifier: MIT
 *
 * test_album.c -- folders and archives of images: which files become examples, resizing, the cache,
 * malformed files, pairs, captions, flips and crops. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/machine.h"
#include "data/album.h"
#include "data/tree.h"
#include "ganymede/data.h"
#include "ganymede/image.h"
#include "scratch.h"

#include <archive.h>
#include <archive_entry.h>
#include <math.h>
#include <omp.h>

/* A picture of one colour, with its top left pixel black so that turns show. */
static void put_picture(const char *name, int width, int height, const uint8_t rgb[3])
{
	gm_error err = {0};
	char folder[256];
	snprintf(folder, sizeof folder, "%s", scratch_path(name));
	*strrchr(folder, '/') = 0;
	assert_true(gm_file_make_folder(folder, &err));
	const int channels = rgb[0] == rgb[1] && rgb[1] == rgb[2] ? 1 : 3;
	gm_image *im = gm_image_new(width, height, channels, &err);
	assert_non_null(im);
	for (int i = channels; i < width * height * channels; i++)
		im->pixel[i] = rgb[i % channels];
	assert_true(gm_png_write(scratch_path(name), im, &err));
	gm_image_free(im);
}

static const uint8_t red[] = {255, 0, 0}, green[] = {0, 255, 0}, blue[] = {0, 0, 255},
		     grey[] = {128, 128, 128};

static gm_dataset *open_set(const char *name, const gm_data_options *o)
{
	gm_error err = {0};
	gm_dataset *d = gm_data_open(scratch_path(name), o, &err);
	if (!d)
		fail_msg("%s: %s", name, err.message);
	return d;
}

static void refused(const char *name, const gm_data_options *o, gm_code code, const char *message)
{
	gm_error err = {0};
	gm_dataset *d = gm_data_open(scratch_path(name), o, &err);
	if (d || err.code != code || !strstr(err.message, message))
		fail_msg("%s: code %d \"%s\", wanted %d \"%s\"", name, err.code, err.message, code,
		         message);
}

/* All files below folder `from`, packed in the reverse of their order, so that an archive's own
 * order shows. */
static void pack(const char *from, const char *to, const char *prefix, bool zip)
{
	gm_error err = {0};
	gm_tree *t = gm_tree_open(scratch_path(from), &err);
	gm_tree_file f;
	struct {
		char name[128];
		uint8_t *bytes;
		size_t n;
	} file[64];
	int files = 0;
	assert_non_null(t);
	while (gm_tree_next(t, &f, &err)) {
		snprintf(file[files].name, sizeof file[0].name, "%s%s", prefix, f.name);
		assert_true(gm_tree_read(t, 1 << 20, &file[files].bytes, &file[files].n, &err));
		files++;
	}
	gm_tree_close(t);
	struct archive *a = archive_write_new();
	if (zip) {
		archive_write_set_format_zip(a);
	} else {
		archive_write_add_filter_xz(a);
		archive_write_set_format_pax_restricted(a);
	}
	assert_int_equal(archive_write_open_filename(a, scratch_path(to)), ARCHIVE_OK);
	while (files--) {
		struct archive_entry *e = archive_entry_new();
		archive_entry_set_pathname(e, file[files].name);
		archive_entry_set_size(e, (la_int64_t)file[files].n);
		archive_entry_set_filetype(e, AE_IFREG);
		archive_entry_set_perm(e, 0644);
		assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
		assert_int_equal(archive_write_data(a, file[files].bytes, file[files].n),
		                 file[files].n);
		archive_entry_free(e);
		free(file[files].bytes);
	}
	assert_int_equal(archive_write_close(a), ARCHIVE_OK);
	archive_write_free(a);
}

static int make_files(void **state)
{
	if (scratch_make(state))
		return -1;
	setenv("XDG_CACHE_HOME", scratch_path("cache"), 1);
	/* Two classes in two parts. */
	put_picture("set/train/zebra/1.png", 8, 8, red);
	put_picture("set/train/zebra/10.png", 8, 8, blue);
	put_picture("set/train/zebra/2.png", 8, 8, grey);
	put_picture("set/train/ant/deep/er/x.PNG", 8, 8, green);
	put_picture("set/test/ant/t.png", 8, 8, green);
	put_picture("set/test/zebra/t.png", 8, 8, red);
	put_picture("set/.hidden/x.png", 8, 8, red);
	put_picture("set/train/ant/._x.png", 8, 8, red);
	scratch_write("set/README.md", "hello", 5);
	put_picture("plain/a.png", 16, 8, red);
	put_picture("plain/b.png", 8, 16, green);
	return 0;
}

static void folders_are_classes(void **state)
{
	(void)state;
	gm_dataset *d = open_set("set", NULL);
	const gm_data_info *info = gm_data_info_of(d);
	assert_int_equal(info->count, 4);
	assert_int_equal(info->classes, 2);
	assert_string_equal(info->class_names[0], "ant");
	assert_string_equal(info->class_names[1], "zebra");
	assert_int_equal(info->other, 3); /* README.md, and two hidden pictures */
	assert_string_equal(info->resize, "none");
	static const char *const names[] = {"train/ant/deep/er/x.PNG", "train/zebra/1.png",
	                                    "train/zebra/10.png", "train/zebra/2.png"};
	static const uint8_t *const colours[] = {green, red, blue, grey};
	for (int i = 0; i < 4; i++) {
		float x[3][64];
		int32_t label;
		assert_string_equal(gm_data_example_name(d, (uint64_t)i), names[i]);
		assert_true(gm_data_get(d, (uint64_t)i, x[0], &label, NULL));
		assert_int_equal(label, i > 0);
		for (int c = 0; c < 3; c++) {
			assert_true(fabsf(x[c][63] - (colours[i][c] / 127.5f - 1)) < 1e-6f);
			assert_true(x[c][0] == -1);
		}
	}
	assert_null(gm_data_example_name(d, 4));
	assert_non_null(gm_data_field(d, "label"));
	assert_null(gm_data_field(d, "caption"));
	gm_data_close(d);
	d = open_set("set", &(gm_data_options){.split = "test", .channels = 1, .classes = 2});
	assert_int_equal(gm_data_info_of(d)->count, 2);
	assert_int_equal(gm_data_info_of(d)->shape[0], 1);
	gm_data_close(d);
	/* deeper folders alone: no parts, one folder says nothing */
	d = open_set("set/train/zebra", &(gm_data_options){.split = "train"});
	assert_int_equal(gm_data_info_of(d)->count, 3);
	assert_int_equal(gm_data_info_of(d)->classes, 0);
	gm_data_close(d);
	refused("set/train/zebra", &(gm_data_options){.split = "test"}, GM_ERR_VALUE,
	        "no test split");
	refused("set", &(gm_data_options){.classes = 3}, GM_ERR_VALUE, "only 0 to 1");
}

/* The same files in a folder, a zip and a tar.xz, on one thread or many, are the same set, byte for
 * byte. */
static void archives_are_folders(void **state)
{
	(void)state;
	pack("set", "set.zip", "some/where/", true);
	pack("set", "set.tar.xz", "./", false);
	static const char *const names[] = {"set", "set.zip", "set.tar.xz"};
	float first[4 * 192];
	uint64_t hash = 0;
	const int before = omp_get_max_threads();
	for (int i = 0; i < 3; i++)
		for (int threads = 1; threads <= 5; threads += 2) {
			omp_set_num_threads(threads);
			gm_dataset *d =
				open_set(names[i], &(gm_data_options){.no_cache = threads != 3});
			float x[4 * 192];
			assert_true(gm_data_batch(d, 3, 2, 4, x, NULL, NULL));
			if (!hash) {
				hash = gm_data_info_of(d)->hash;
				memcpy(first, x, sizeof x);
			}
			assert_true(hash == gm_data_info_of(d)->hash);
			assert_memory_equal(x, first, sizeof x);
			assert_true(strstr(gm_data_example_name(d, 0), "train/ant/deep/er/x.PNG") !=
			            NULL);
			gm_data_close(d);
		}
	omp_set_num_threads(before);
	/* Cut anywhere, an archive is refused, never half a set. */
	gm_bytes f;
	gm_error err = {0};
	assert_true(gm_file_open(scratch_path("set.tar.xz"), &f, &err));
	for (size_t cut = 0; cut < f.size; cut += 13) {
		scratch_write("cut.tar.xz", f.data, cut);
		err = (gm_error){0};
		assert_null(gm_data_open(scratch_path("cut.tar.xz"), NULL, &err));
		assert_true(err.code == GM_ERR_FORMAT || err.code == GM_ERR_IO);
	}
	gm_file_close(&f);
	scratch_write("not.zip", "this is not a zip file", 22);
	refused("not.zip", NULL, GM_ERR_FORMAT, "not a readable archive");
}

static char cached_path[512];

static void only_cached(void)
{
	DIR *d = opendir(scratch_path("cache/ganymede/albums"));
	assert_non_null(d);
	for (const struct dirent *e; (e = readdir(d));)
		if (e->d_name[0] != '.')
			snprintf(cached_path, sizeof cached_path, "%s/%s",
			         scratch_path("cache/ganymede/albums"), e->d_name);
	closedir(d);
}

static void the_cache_is_checked(void **state)
{
	(void)state;
	assert_int_equal(system("rm -rf \"$XDG_CACHE_HOME\""), 0);
	gm_dataset *d = open_set("set", NULL);
	const uint64_t hash = gm_data_info_of(d)->hash;
	assert_false(gm_data_info_of(d)->cached);
	gm_data_close(d);
	d = open_set("set", &(gm_data_options){.split = "test"});
	assert_true(gm_data_info_of(d)->cached);
	gm_data_close(d);
	assert_int_equal(scratch_count(scratch_path("cache/ganymede/albums")), 1);
	only_cached();
	/* Any damaged byte, and any cut: decoded again, the same set. */
	gm_bytes f;
	gm_error err = {0};
	assert_true(gm_file_open(cached_path, &f, &err));
	uint8_t *copy = malloc(f.size);
	const size_t n = f.size, step = n / 97 + 1;
	memcpy(copy, f.data, n);
	gm_file_close(&f);
	for (size_t at = 0; at < n; at += step) {
		copy[at] ^= 0x40;
		assert_true(gm_file_write(cached_path, copy, at % 2 ? n : at, &err));
		copy[at] ^= 0x40;
		d = open_set("set", NULL);
		assert_true(gm_data_info_of(d)->hash == hash);
		/* padding bytes are not compared */
		gm_data_close(d);
	}
	free(copy);
	/* Another setting is another album; a changed file makes another. */
	d = open_set("set", &(gm_data_options){.size = 16});
	assert_false(gm_data_info_of(d)->cached);
	gm_data_close(d);
	put_picture("set/train/zebra/1.png", 8, 8, green);
	d = open_set("set", NULL);
	assert_false(gm_data_info_of(d)->cached);
	assert_true(gm_data_info_of(d)->hash != hash);
	gm_data_close(d);
	put_picture("set/train/zebra/1.png", 8, 8, red);
	/* No room to write: all works, from memory. */
	setenv("XDG_CACHE_HOME", "/proc/nowhere", 1);
	for (int i = 0; i < 2; i++) {
		d = open_set("set", NULL);
		assert_false(gm_data_info_of(d)->cached);
		assert_true(gm_data_info_of(d)->hash == hash);
		gm_data_close(d);
	}
	setenv("XDG_CACHE_HOME", scratch_path("cache"), 1);
}

static void sizes_and_fits(void **state)
{
	(void)state;
	/* Of different sizes: the shorter side that most have, and it is said. */
	gm_dataset *plain = open_set("plain", &(gm_data_options){.fit = GM_FIT_AUTO});
	assert_int_equal(gm_data_info_of(plain)->shape[1], 8);
	assert_int_equal(gm_data_info_of(plain)->shape[2], 8);
	assert_non_null(strstr(gm_data_note(plain, 0), "all are resized to 8 x 8"));
	gm_data_close(plain);
	put_picture("long/a.png", 1100, 1200, red);
	put_picture("long/b.png", 1200, 1100, green);
	refused("long", NULL, GM_ERR_SHAPE, "a.png has 1100 x 1200 pixels");
	static const struct {
		gm_fit fit;
		const char *how;
		/* of the wide red picture: the red at the left middle, at the top middle */
		float left, top;
	} fits[] = {
		{GM_FIT_RESIZE, "triangle, antialiased", 1, 1},
		{GM_FIT_CROP, "triangle, antialiased, centre", 1, 1},
		{GM_FIT_AUTO, "triangle, antialiased, centre", 1, 1},
		/* centred on black: 16 x 8 becomes 8 x 4 */
		{GM_FIT_PAD, "triangle, antialiased, padded", 1, -1},
	};
	for (int i = 0; i < 4; i++) {
		gm_dataset *d =
			open_set("plain", &(gm_data_options){.size = 8, .fit = fits[i].fit});
		float x[3][8][8];
		assert_string_equal(gm_data_info_of(d)->resize, fits[i].how);
		assert_true(gm_data_get(d, 0, &x[0][0][0], NULL, NULL));
		assert_true(fabsf(x[0][4][0] - fits[i].left) < .01f);
		assert_true(fabsf(x[0][0][4] - fits[i].top) < .01f);
		assert_true(x[1][4][4] < -.99f && x[2][4][4] < -.99f);
		gm_data_close(d);
	}
	/* Grey among colours becomes colour; grey alone stays grey; colour met late changes the
	 * set. */
	put_picture("greys/1.png", 8, 8, grey);
	put_picture("greys/2.png", 8, 8, grey);
	gm_dataset *d = open_set("greys", NULL);
	assert_int_equal(gm_data_info_of(d)->shape[0], 1);
	gm_data_close(d);
	put_picture("greys/3.png", 8, 8, red);
	d = open_set("greys", NULL);
	assert_int_equal(gm_data_info_of(d)->shape[0], 3);
	float x[3][64];
	assert_true(gm_data_get(d, 1, x[0], NULL, NULL));
	assert_true(x[0][9] == x[2][9]);
	gm_data_close(d);
}

static void bad_files_are_named(void **state)
{
	(void)state;
	put_picture("bad/c/1.png", 8, 8, red);
	put_picture("bad/d/2.png", 8, 8, blue);
	scratch_write("bad/c/0.png", "", 0);
	scratch_write("bad/d/9.jpg", "<html>", 6);
	for (int i = 0; i < 2; i++) { /* decoded, then from the cache */
		gm_dataset *d = open_set("bad", NULL);
		const gm_data_info *info = gm_data_info_of(d);
		const char *reason;
		assert_int_equal(info->count, 2);
		assert_int_equal(info->bad, 2);
		assert_string_equal(gm_data_bad(d, 0, &reason), "c/0.png");
		assert_string_equal(reason, "an empty file");
		assert_string_equal(gm_data_bad(d, 1, &reason), "d/9.jpg");
		assert_string_equal(
			reason,
			"not a picture but a web page (HTML) (a download often ends in such a "
			"page: look into it)");
		assert_null(gm_data_bad(d, 2, NULL));
		gm_data_close(d);
	}
	refused("bad", &(gm_data_options){.bad_files = GM_BAD_STOP}, GM_ERR_FORMAT,
	        "c/0.png: an empty file");
	assert_int_equal(remove(scratch_path("bad/c/1.png")), 0);
	assert_int_equal(remove(scratch_path("bad/d/2.png")), 0);
	refused("bad", NULL, GM_ERR_FORMAT,
	        "none of its 2 pictures can be read; the first: c/0.png: an empty file");
	assert_true(gm_file_make_folder(scratch_path("none"), NULL));
	refused("none", NULL, GM_ERR_IO, "no pictures here");
}

static void pairs(void **state)
{
	(void)state;
	put_picture("facades/trainA/1.png", 8, 8, red);
	put_picture("facades/trainA/2.png", 8, 8, green);
	put_picture("facades/trainB/1.png", 8, 8, grey);
	put_picture("facades/trainB/2.png", 8, 8, blue);
	put_picture("facades/testA/1.png", 8, 8, blue);
	put_picture("facades/testB/1.png", 8, 8, red);
	gm_dataset *d = open_set("facades", &(gm_data_options){.flip = true});
	const gm_data_info *info = gm_data_info_of(d);
	assert_true(info->paired && info->count == 2 && info->fields == 4);
	const gm_field *fa = gm_data_field(d, "a"), *fb = gm_data_field(d, "b"),
		       *image = gm_data_field(d, "image");
	float a[20][192], b[20][192], x[20][192];
	assert_true(gm_data_read(d, fa, 5, 0, 20, a, NULL));
	assert_true(gm_data_read(d, fb, 5, 0, 20, b, NULL));
	assert_true(gm_data_read(d, image, 5, 0, 20, x, NULL));
	assert_memory_equal(x, b, sizeof b);
	int flips = 0;
	for (int i = 0; i < 20; i++) {
		/* red goes with grey, green with blue; the black corner is on the same side of both
		 */
		assert_true((a[i][60] == 1) == (fabsf(b[i][60]) < .01f));
		const bool flipped = a[i][0] != -1 || a[i][64] != -1;
		assert_true(flipped == (b[i][64 * 2] != -1));
		flips += flipped;
	}
	assert_true(flips > 2 && flips < 18);
	gm_data_close(d);
	d = open_set("facades", &(gm_data_options){.split = "test"});
	assert_int_equal(gm_data_info_of(d)->count, 1);
	gm_data_close(d);

	/* Other names: two domains. */
	put_picture("facades/trainB/3.png", 8, 8, blue);
	d = open_set("facades", NULL);
	assert_false(gm_data_info_of(d)->paired);
	assert_non_null(strstr(gm_data_info_of(d)->about,
	                       "unpaired domains of pictures: trainB/3.png is the first"));
	assert_int_equal(gm_data_info_of(d)->count, 3);
	fa = gm_data_field(d, "a");
	int reds = 0;
	assert_true(gm_data_read(d, fa, 5, 0, 20, a, NULL));
	for (int i = 0; i < 20; i++)
		reds += a[i][60] == 1;
	assert_int_equal(reds, 10);
	gm_data_close(d);

	/* Side by side in one file. */
	gm_error err = {0};
	gm_image *im = gm_image_new(16, 8, 1, &err);
	for (int i = 0; i < 128; i++)
		im->pixel[i] = i % 16 < 8 ? 0 : 255;
	assert_true(gm_file_make_folder(scratch_path("halves/train"), &err));
	assert_true(gm_png_write(scratch_path("halves/train/1.png"), im, &err));
	assert_true(gm_png_write(scratch_path("halves/train/2.png"), im, &err));
	gm_image_free(im);
	d = open_set("halves", &(gm_data_options){.halves = true});
	info = gm_data_info_of(d);
	assert_true(info->paired && info->count == 2 && info->shape[2] == 8 && info->shape[0] == 1);
	assert_true(gm_data_read(d, gm_data_field(d, "a"), 0, 0, 2, a, NULL));
	assert_true(gm_data_read(d, gm_data_field(d, "b"), 0, 0, 2, b, NULL));
	for (int i = 0; i < 128; i++)
		assert_true(a[0][i] == -1 && b[0][i] == 1);
	gm_data_close(d);
}

/* Bytes of pixels that are different everywhere: (row, column) of an image. */
static void put_gradient(const char *name, int width, int height, uint8_t third)
{
	gm_error err = {0};
	gm_image *im = gm_image_new(width, height, 3, &err);
	assert_non_null(im);
	for (int i = 0; i < width * height; i++) {
		const uint8_t rgb[] = {(uint8_t)(i / width), (uint8_t)(i % width), third};
		memcpy(im->pixel + (size_t)i * 3, rgb, 3);
	}
	assert_true(gm_png_write(scratch_path(name), im, &err));
	gm_image_free(im);
}

static int byte_of(float x)
{
	return (int)lrintf((x + 1) * 127.5f);
}

/* Each patch is a window of its image, with the image's label, in many places, and wherever the
 * image lies; a lower factor of one is its reduction, flipped with it. */
static void patches(void **state)
{
	(void)state;
	enum { K = 50, N = 3 * 8 * 8 };
	gm_error err = {0};
	assert_true(gm_file_make_folder(scratch_path("cut/x"), &err) &&
	            gm_file_make_folder(scratch_path("cut/y"), &err) &&
	            gm_file_make_folder(scratch_path("moved"), &err));
	put_gradient("cut/x/1.png", 20, 30, 1);
	put_gradient("cut/y/2.png", 8, 8, 2);
	put_gradient("cut/y/3.png", 9, 7, 3);
	put_gradient("moved/other.png", 20, 30, 1);
	gm_dataset *d = open_set("cut", &(gm_data_options){.size = 8, .patches = K}),
		   *e = open_set("moved", &(gm_data_options){.size = 8, .patches = K});
	assert_int_equal(gm_data_info_of(d)->count, 2 * K); /* 3.png is too small */
	assert_int_equal(gm_data_info_of(d)->bad, 1);
	assert_string_equal(gm_data_info_of(d)->resize, "patches");
	bool seen[23][13] = {{0}};
	int places = 0;
	for (uint64_t i = 0; i < 2 * K; i++) {
		float x[N], y[N];
		int32_t label;
		assert_true(gm_data_get(d, i, x, &label, NULL));
		const int row = byte_of(x[0]), column = byte_of(x[64]);
		assert_int_equal(label, i >= K);
		assert_true(row <= 22 && column <= 12 && (i < K || (row == 0 && column == 0)));
		places += !seen[row][column], seen[row][column] = true;
		for (int k = 0; k < 64; k++)
			assert_true(byte_of(x[k]) == row + k / 8 &&
			            byte_of(x[64 + k]) == column + k % 8 &&
			            byte_of(x[128 + k]) == label + 1);
		if (i >= K)
			continue;
		assert_true(gm_data_get(e, i, y, NULL, NULL));
		assert_memory_equal(x, y, sizeof x);
	}
	assert_true(places > 35);
	gm_data_report report;
	assert_true(gm_data_examine(d, &report, &err));
	assert_int_equal(report.format[0].files, 2); /* not patches */
	assert_int_equal(report.sizes, 2);
	gm_data_report_free(&report);
	gm_data_close(d), gm_data_close(e);

	d = open_set("moved",
	             &(gm_data_options){.size = 8, .patches = K, .reduce = 2, .flip = true});
	int flipped = 0;
	for (uint64_t i = 0; i < 20; i++) {
		float x[N], low[N / 4];
		assert_true(gm_data_batch(d, 3, i, 1, x, NULL, NULL));
		assert_true(gm_data_read(d, gm_data_field(d, "low"), 3, i, 1, low, NULL));
		flipped += x[64] > x[71];
		assert_int_equal(x[64] > x[71], low[16] > low[19]);
		/* inside a gradient the mean of 2 pixels */
		assert_true(fabsf(low[5] - (x[18] + x[26]) / 2) < .5 / 127.5);
	}
	assert_true(flipped > 4 && flipped < 16);
	gm_data_close(d);
	refused("cut", &(gm_data_options){.patches = 3}, GM_ERR_VALUE, "--size");
	refused("cut", &(gm_data_options){.patches = 3, .size = 8, .halves = true}, GM_ERR_VALUE,
	        "pairs");
}

static void captions(void **state)
{
	(void)state;
	put_picture("told/1.png", 8, 8, red);
	put_picture("told/2.png", 8, 8, blue);
	put_picture("told/3.png", 8, 8, green);
	scratch_write("told/1.txt", "  a red square \r\n\nanother red one\n", 34);
	scratch_write("told/2.txt", "blue", 4);
	scratch_write("told/readme.txt", "no picture's", 12);
	for (int again = 0; again < 2; again++) {
		gm_dataset *d = open_set("told", &(gm_data_options){.caption_length = 24});
		char text[64];
		int first = 0, second = 0;
		assert_non_null(gm_data_field(d, "caption"));
		assert_int_equal(gm_data_info_of(d)->other, 1);
		for (uint64_t at = 0; at < 90; at++) {
			const uint64_t i = gm_data_index(d, 4, at);
			assert_true(gm_data_caption(d, 4, at, text, sizeof text, NULL));
			if (i == 0) {
				first += strcmp(text, "a red square") == 0;
				second += strcmp(text, "another red one") == 0;
			} else {
				assert_string_equal(text, i == 1 ? "blue" : "");
			}
		}
		/* field "captions": that of "caption", the one after it, and these again */
		const gm_field *f = gm_data_field(d, "captions");
		enum { L = 24 };
		int32_t all[90][GM_DATA_CAPTIONS][L], one[90][L];
		assert_true(f && f->rank == 2 && f->shape[0] == GM_DATA_CAPTIONS &&
		            f->shape[1] == L);
		assert_true(gm_data_read(d, f, 4, 0, 90, all, NULL));
		assert_true(gm_data_read(d, gm_data_field(d, "caption"), 4, 0, 90, one, NULL));
		for (uint64_t at = 0; at < 90; at++) {
			assert_memory_equal(all[at][0], one[at], sizeof one[at]);
			assert_memory_equal(all[at][2], one[at], sizeof one[at]);
			assert_memory_equal(all[at][1], all[at][3], sizeof one[at]);
			assert_int_equal(memcmp(all[at][0], all[at][1], sizeof one[at]) != 0,
			                 gm_data_index(d, 4, at) == 0);
		}
		assert_int_equal(first + second, 30);
		assert_true(first > 5 && second > 5);
		assert_true(gm_data_caption(d, 4, 0, text, 1, NULL));
		assert_string_equal(text, "");
		gm_data_close(d);
	}
}

/* As Reed et al. 2016 published them: texts in a folder of their own. */
static void captions_elsewhere(void **state)
{
	(void)state;
	char text[64];
	uint64_t first = 99;
	put_picture("birds/images/001.Tern/a.png", 8, 8, red);
	put_picture("birds/images/002.Wren/b.png", 8, 8, blue);
	put_picture("birds/images/002.Wren/c.png", 8, 8, green);
	put_picture("birds/text_c10/x.png", 8, 8, grey); /* makes the folder */
	remove(scratch_path("birds/text_c10/x.png"));
	scratch_write("birds/text_c10/a.txt", "a red tern\n", 11);
	scratch_write("birds/text_c10/b.txt", "a blue wren\n", 12);
	gm_dataset *d = open_set("birds", NULL);
	for (uint64_t at = 0; at < 3; at++) {
		static const char *const said[] = {"a red tern", "a blue wren", ""};
		assert_true(gm_data_caption(d, 4, at, text, sizeof text, NULL));
		assert_string_equal(text, said[gm_data_index(d, 4, at)]);
	}
	assert_int_equal(gm_data_uncaptioned(d, &first), 1);
	assert_int_equal(first, 2);
	assert_non_null(strstr(gm_data_note(d, 0), "1 of 3 pictures have no caption; the first is "
	                                           "images/002.Wren/c.png"));
	gm_data_close(d);
	/* "a blue wren" has 11 bytes, "a red tern" 10 */
	d = open_set("birds", &(gm_data_options){.caption_length = 10});
	assert_non_null(
		strstr(gm_data_note(d, 1), "1 of 3 pictures have captions of more than 10 bytes"));
	assert_non_null(strstr(gm_data_note(d, 1), "the first is images/002.Wren/b.png"));
	gm_data_close(d);
	d = open_set("birds", &(gm_data_options){.caption_length = 11});
	assert_null(gm_data_note(d, 1));
	gm_data_close(d);
	/* an empty file is no caption; names that two captions or two images have are not used */
	put_picture("birds/images/001.Tern/b.png", 8, 8, grey);
	put_picture("birds/more/x.png", 8, 8, grey);
	scratch_write("birds/more/a.txt", "another", 7);
	scratch_write("birds/images/002.Wren/c.txt", " \n", 2);
	d = open_set("birds", &(gm_data_options){.label_from = "folders"});
	assert_int_equal(gm_data_uncaptioned(d, &first), gm_data_info_of(d)->count);
	gm_data_close(d);
}

/* A range is the same examples under smaller numbers, and another set to a run. */
static void ranges(void **state)
{
	(void)state;
	gm_error err = {0};
	gm_dataset *whole = open_set("set", NULL),
		   *part = open_set("set", &(gm_data_options){.from = 1, .to = 3}),
		   *rest = open_set("set", &(gm_data_options){.from = 1});
	const gm_data_info *w = gm_data_info_of(whole), *p = gm_data_info_of(part);
	const uint64_t count = w->count;
	assert_true(count > 3);
	assert_int_equal(p->count, 2);
	assert_int_equal(gm_data_info_of(rest)->count, count - 1);
	assert_true(p->hash != w->hash && p->hash != gm_data_info_of(rest)->hash);
	float *a = malloc(4 * w->numel * sizeof *a), *b = a + w->numel, *c = b + w->numel;
	for (uint64_t i = 0; i < 2; i++) {
		assert_true(gm_data_get(whole, i + 1, a, NULL, &err));
		assert_true(gm_data_get(part, i, b, NULL, &err));
		assert_memory_equal(a, b, w->numel * sizeof *a);
		assert_string_equal(gm_data_example_name(whole, i + 1),
		                    gm_data_example_name(part, i));
	}
	assert_false(gm_data_get(part, 2, a, NULL, &err));
	assert_null(gm_data_example_name(part, 2));
	/* an epoch of the part is each of its two examples once */
	assert_true(gm_data_batch(part, 5, 0, 2, c, NULL, &err));
	assert_true(gm_data_get(part, 0, a, NULL, &(gm_error){0}));
	assert_true(!memcmp(a, c, w->numel * sizeof *a) !=
	            !memcmp(a, c + w->numel, w->numel * sizeof *a));
	free(a);
	gm_data_close(whole), gm_data_close(part), gm_data_close(rest);
	refused("set", &(gm_data_options){.to = 1000000}, GM_ERR_VALUE, "not within its");
	assert_null(gm_data_open("shapes", &(gm_data_options){.from = 5}, &err));
}

/* Flips and crops depend on (seed, position) alone, and are what they say. */
static void augmented(void **state)
{
	(void)state;
	gm_error err = {0};
	gm_image *im = gm_image_new(9, 9, 1, &err);
	for (int i = 0; i < 81; i++)
		im->pixel[i] = (uint8_t)(3 * i);
	assert_true(gm_file_make_folder(scratch_path("ramp"), &err));
	assert_true(gm_png_write(scratch_path("ramp/1.png"), im, &err));
	gm_image_free(im);
	gm_dataset *d = open_set("ramp", &(gm_data_options){.flip = true, .crop = 2}),
		   *plain = open_set("ramp", NULL);
	assert_string_equal(gm_data_info_of(d)->augment, "flip, crop 2");
	assert_true(gm_data_info_of(d)->hash != gm_data_info_of(plain)->hash);
	float x[64][9][9], again[9][9];
	int seen[2][5][5] = {0};
	assert_true(gm_data_batch(d, 11, 100, 64, &x[0][0][0], NULL, NULL));
	for (int i = 0; i < 64; i++) {
		assert_true(gm_data_batch(d, 11, 100 + (uint64_t)i, 1, &again[0][0], NULL, NULL));
		assert_memory_equal(again, x[i], sizeof again);
		/* the middle tells the shift, its neighbour the flip */
		const int middle = (int)lrintf((x[i][4][4] + 1) * 127.5f) / 3;
		const int beside = (int)lrintf((x[i][4][5] + 1) * 127.5f) / 3;
		assert_true(abs(beside - middle) == 1);
		seen[beside < middle][middle / 9 - 2][middle % 9 - 2]++;
		for (int y = 0; y < 9; y++)
			for (int k = 0; k < 9; k++) {
				int v = y + middle / 9 - 4,
				    u = (beside < middle ? 8 - k : k) + middle % 9 - 4;
				v = v < 0   ? -v
				    : v > 8 ? 16 - v
				            : v,
				u = u < 0   ? -u
				    : u > 8 ? 16 - u
				            : u;
				assert_int_equal(lrintf((x[i][y][k] + 1) * 127.5f),
				                 3 * (9 * v + u));
			}
	}
	int kinds = 0;
	for (int i = 0; i < 50; i++)
		kinds += (&seen[0][0][0])[i] > 0;
	assert_true(kinds > 25); /* of 50; 64 throws hit 36 on average, with a deviation of 3 */
	gm_data_close(d), gm_data_close(plain);
	refused("ramp", &(gm_data_options){.crop = 5}, GM_ERR_VALUE, "more than half");
	assert_null(gm_data_open("shapes", &(gm_data_options){.flip = true}, &err));
}

static void the_doctor_counts(void **state)
{
	(void)state;
	put_picture("sick/c/1.png", 8, 8, red);
	put_picture("sick/c/2.png", 8, 8, blue);
	put_picture("sick/d/3.png", 8, 8, red);
	put_picture("sick/d/4.png", 10, 12, red);
	put_picture("sick/d/5.png", 8, 8, grey);
	gm_dataset *d = open_set("sick", &(gm_data_options){.size = 8});
	gm_data_report r;
	gm_error err = {0};
	assert_true(gm_data_examine(d, &r, &err));
	assert_int_equal(r.examples, 5);
	assert_int_equal(r.per_class[0], 2);
	assert_int_equal(r.per_class[1], 3);
	assert_int_equal(r.duplicates, 1);
	assert_int_equal(r.twin[0][0], 2);
	assert_int_equal(r.twin[0][1], 0);
	assert_int_equal(r.sizes, 2);
	assert_int_equal(r.common, 4);
	assert_true(r.width[0] == 8 && r.width[1] == 10 && r.width[2] == 8 && r.height[1] == 12);
	assert_true(r.grey == 1 && r.colour == 4 && r.low == -1 && r.high == 1);
	/* green is nowhere but in the grey one: 63 pixels of 128 among 5 x 64 */
	const double green_mean = (63 * (128 / 127.5 - 1) - (5 * 64 - 63)) / (5 * 64);
	assert_true(fabs(r.mean[1] - green_mean) < 1e-6);
	gm_data_report_free(&r);
	gm_data_close(d);
	d = gm_data_open("ring8", NULL, NULL);
	assert_true(gm_data_examine(d, &r, &err));
	assert_int_equal(r.examples, 4096);
	assert_true(r.sigma[0] > .6 && r.sigma[0] < .8);
	gm_data_report_free(&r);
	gm_data_close(d);
}

static void options_from_text(void **state)
{
	(void)state;
	gm_data_options o = {0};
	gm_error err = {0};
	const char *about;
	int n = 0;
	while (gm_data_option_names(n, &about))
		n++, assert_true(strlen(about) > 10);
	assert_int_equal(n, 30);
	assert_true(gm_data_option(&o, "size", "64", &err) && o.size == 64);
	assert_true(gm_data_option(&o, "fit", "crop", &err) && o.fit == GM_FIT_CROP);
	assert_true(gm_data_option(&o, "bad_files", "stop", &err) && o.bad_files == GM_BAD_STOP);
	assert_true(gm_data_option(&o, "pairs", "halves", &err) && o.halves);
	assert_true(gm_data_option(&o, "cache", "off", &err) && o.no_cache);
	assert_true(gm_data_option(&o, "moving", "48", &err) && o.moving == 48);
	assert_true(gm_data_option(&o, "filter", "lanczos", &err) && o.filter == GM_FILTER_LANCZOS);
	assert_true(gm_data_option(&o, "range", "2:5", &err) && o.from == 2 && o.to == 5);
	assert_true(gm_data_option(&o, "range", "7:", &err) && o.from == 7 && o.to == 0);
	assert_true(gm_data_option(&o, "range", "", &err) && o.from == 0 && o.to == 0);
	static const char *const wrong[] = {"5:2", "5", "a:b", "3:3", "1:2:3", "-1:2"};
	for (int i = 0; i < 6; i++) {
		gm_error why = {0};
		assert_false(gm_data_option(&o, "range", wrong[i], &why));
		assert_non_null(strstr(why.message, "FROM:TO"));
	}
	assert_false(gm_data_option(&o, "fit", "squash", &err));
	assert_string_equal(err.message, "option fit: \"squash\" is not auto, resize, pad or crop");
	err = (gm_error){0};
	assert_false(gm_data_option(&o, "size", "-3", &err));
	assert_int_equal(err.code, GM_ERR_VALUE);
	err = (gm_error){0};
	assert_false(gm_data_option(&o, "sise", "3", &err));
	assert_int_equal(err.code, GM_ERR_STATE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(folders_are_classes),
		cmocka_unit_test(archives_are_folders),
		cmocka_unit_test(the_cache_is_checked),
		cmocka_unit_test(sizes_and_fits),
		cmocka_unit_test(bad_files_are_named),
		cmocka_unit_test(pairs),
		cmocka_unit_test(patches),
		cmocka_unit_test(captions),
		cmocka_unit_test(captions_elsewhere),
		cmocka_unit_test(augmented),
		cmocka_unit_test(ranges),
		cmocka_unit_test(the_doctor_counts),
		cmocka_unit_test(options_from_text),
	};
	return cmocka_run_group_tests(tests, make_files, scratch_remove);
}
