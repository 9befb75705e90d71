/* SPDX-License-Identifier: MIT
 *
 * test_frames.c -- sequences of frames (folders, animations, arrays) and label maps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ganymede/data.h"
#include "ganymede/image.h"
#include "plot/figure.h"
#include "scratch.h"

#include <gif_lib.h>

enum { S = 8 }; /* side */

static int make_files(void **state)
{
	if (scratch_make(state))
		return -1;
	return setenv("XDG_CACHE_HOME", scratch_path("cache"), 1);
}

/* A square image of one colour, whose left half has another one. */
static gm_image *image(int side, uint32_t left, uint32_t right)
{
	gm_image *im = gm_image_new(side, side, 3, NULL);
	for (int i = 0; i < side * side; i++)
		for (int c = 0; c < 3; c++)
			im->pixel[3 * i + c] =
				(uint8_t)((i % side < side / 2 ? left : right) >> (16 - 8 * c));
	return im;
}

static void put(const char *name, int side, uint32_t left, uint32_t right)
{
	gm_error err = {0};
	gm_image *im = image(side, left, right);
	assert_true(gm_png_write(scratch_place(name), im, &err));
	gm_image_free(im);
}

static gm_dataset *open_set(const char *name, gm_data_options o)
{
	gm_error err = {0};
	gm_dataset *d = gm_data_open(scratch_path(name), &o, &err);
	if (!d)
		fail_msg("%s: %s", name, err.message);
	return d;
}

static void refuses(const char *name, gm_data_options o, const char *part)
{
	gm_error err = {0};
	gm_dataset *d = gm_data_open(scratch_path(name), &o, &err);
	if (d || err.code != GM_ERR_VALUE || !strstr(err.message, part))
		fail_msg("%s: %d, %s, not %s", name, (int)err.code, err.message, part);
}

/* The byte that a value in [-1, 1] was. */
static int byte_of(float x)
{
	return (int)(x * 127.5f + 127.5f + .5f);
}

/* Reads field "video" of the example at a position: the first pixel of each frame. */
static void frames_at(gm_dataset *d, uint64_t position, int want, int *first)
{
	const gm_field *f = gm_data_field(d, "video");
	assert_non_null(f);
	assert_true(f->rank == 4 && f->shape[0] == want && f->shape[2] == S);
	float *x = malloc((size_t)f->numel * sizeof *x), *image = malloc(3 * S * S * sizeof *x);
	assert_true(gm_data_read(d, f, 1, position, 1, x, NULL));
	assert_true(gm_data_batch(d, 1, position, 1, image, NULL, NULL));
	const int64_t each = f->numel / want;
	assert_memory_equal(x, image, (size_t)each * sizeof *x); /* the first frame is the image */
	for (int t = 0; t < want; t++)
		first[t] = byte_of(x[t * each]);
	free(x), free(image);
}

/* Frame 10 follows frame 9; the last frames of a sequence begin none; a sequence that is too short
 * is left out and counted; sequences are no classes, folders around them are. */
static void folders_are_sequences(void **state)
{
	(void)state;
	char name[64];
	for (int i = 1; i <= 12; i++) {
		snprintf(name, sizeof name, "films/cat/a/f%d.png", i);
		put(name, S, (uint32_t)i << 16, 0);
	}
	for (int i = 0; i < 5; i++) {
		snprintf(name, sizeof name, "films/dog/b/%03d.png", i);
		put(name, S, (uint32_t)(100 + i) << 16, 0);
	}
	put("films/dog/c/0.png", S, 0xff0000, 0);
	gm_dataset *d = open_set("films", (gm_data_options){.frames = 3, .frame_step = 2});
	const gm_data_info *i = gm_data_info_of(d);
	assert_int_equal(i->count, 8 + 1); /* f1 .. f8, and 000 */
	assert_int_equal(i->classes, 2);
	assert_string_equal(i->class_names[0], "cat");
	assert_int_equal(i->left, 1 + 2); /* dog/c/0, dog/b/001 and 003 */
	bool seen[200] = {false};
	for (uint64_t p = 0; p < i->count; p++) {
		int first[3];
		int32_t label;
		frames_at(d, p, 3, first);
		assert_true(first[1] == first[0] + 2 && first[2] == first[0] + 4);
		assert_true(gm_data_batch(d, 1, p, 1, NULL, &label, NULL));
		assert_int_equal(label, first[0] >= 100);
		seen[first[0]] = true;
	}
	for (int k = 1; k <= 8; k++)
		assert_true(seen[k]);
	assert_true(seen[100]);
	gm_data_close(d);
	refuses("films", (gm_data_options){.frames = 13}, "13 consecutive frames");
	d = open_set("films/cat/a", (gm_data_options){.frames = 2, .flip = true, .crop = 2});
	assert_int_equal(gm_data_info_of(d)->count, 11);
	int first[2];
	frames_at(d, 3, 2, first); /* with flips and crops alike in all fields */
	gm_data_close(d);
}

/* A GIF of three frames of 8 x 8: red, then a green 2 x 2 square on it, which is disposed of to the
 * background (black), then blue in the lower half. */
static void put_gif(const char *name)
{
	static const GifColorType colours[] = {{0, 0, 0}, {255, 0, 0}, {0, 255, 0}, {0, 0, 255}};
	static const struct {
		int left, top, width, height, colour, disposal;
	} frame[] = {{0, 0, 8, 8, 1, DISPOSE_DO_NOT},
	             {0, 0, 2, 2, 2, DISPOSE_BACKGROUND},
	             {0, 4, 8, 4, 3, DISPOSE_DO_NOT}};
	int code;
	GifFileType *gif = EGifOpenFileName(scratch_place(name), false, &code);
	ColorMapObject *map = GifMakeMapObject(4, colours);
	assert_int_equal(EGifPutScreenDesc(gif, S, S, 2, 0, map), GIF_OK);
	for (int i = 0; i < 3; i++) {
		GraphicsControlBlock control = {.DisposalMode = frame[i].disposal,
		                                .DelayTime = 10,
		                                .TransparentColor = NO_TRANSPARENT_COLOR};
		GifByteType bytes[4], row[8];
		const size_t n = EGifGCBToExtension(&control, bytes);
		EGifPutExtension(gif, GRAPHICS_EXT_FUNC_CODE, (int)n, bytes);
		EGifPutImageDesc(gif, frame[i].left, frame[i].top, frame[i].width, frame[i].height,
		                 false, NULL);
		memset(row, frame[i].colour, sizeof row);
		for (int y = 0; y < frame[i].height; y++)
			assert_int_equal(EGifPutLine(gif, row, frame[i].width), GIF_OK);
	}
	EGifCloseFile(gif, &code);
	GifFreeMapObject(map);
}

static uint32_t colour_at(const gm_image *im, int x, int y)
{
	const uint8_t *p = im->pixel + (y * im->width + x) * 3;
	return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

static gm_image **read_film(const char *name, int *n)
{
	char bytes[4096];
	FILE *f = fopen(scratch_path(name), "rb");
	const size_t size = fread(bytes, 1, sizeof bytes, f);
	fclose(f);
	gm_error err = {0};
	gm_image **frame = gm_image_read_frames(name, bytes, size, n, &err);
	if (!frame)
		fail_msg("%s", err.message);
	assert_null(gm_image_read_frames(name, bytes, size / 2, &(int){0}, &err));
	return frame;
}

static void animations_are_sequences(void **state)
{
	(void)state;
	int n;
	put_gif("moving/a.gif");
	gm_image **frame = read_film("moving/a.gif", &n);
	assert_int_equal(n, 3);
	assert_int_equal(colour_at(frame[0], 0, 0), 0xff0000);
	assert_int_equal(colour_at(frame[1], 0, 0), 0x00ff00);
	assert_int_equal(colour_at(frame[1], 2, 0), 0xff0000);
	assert_int_equal(colour_at(frame[2], 0, 0), 0);
	assert_int_equal(colour_at(frame[2], 2, 0), 0xff0000);
	assert_int_equal(colour_at(frame[2], 7, 7), 0x0000ff);
	gm_image_frames_free(frame, n);
	gm_image *part[4];
	for (int i = 0; i < 4; i++)
		part[i] = image(S, 0x400000 + ((uint32_t)i << 20), 0x0000ff);
	assert_true(gm_webp_animation(scratch_path("moving/b.webp"), part, 4, 40, NULL));
	frame = read_film("moving/b.webp", &n);
	assert_int_equal(n, 4);
	for (int i = 0; i < 4; i++) {
		assert_memory_equal(frame[i]->pixel, part[i]->pixel, 3 * S * S);
		gm_image_free(part[i]);
	}
	gm_image_frames_free(frame, n);
	gm_dataset *d = open_set("moving", (gm_data_options){.frames = 2});
	assert_int_equal(gm_data_info_of(d)->count, 2 + 3);
	assert_int_equal(gm_data_info_of(d)->classes, 0);
	for (uint64_t p = 0; p < 5; p++) {
		int first[2];
		frames_at(d, p, 2, first);
		assert_true(first[0] == 255 || first[1] == first[0] + 16 ||
		            (first[0] == 0 && first[1] == 0));
	}
	gm_data_close(d);
	d = open_set("moving", (gm_data_options){0}); /* only the first frames */
	assert_int_equal(gm_data_info_of(d)->count, 2);
	gm_data_close(d);
}

static void put_npy(const char *name, const char *shape, const uint8_t *x, size_t n)
{
	char head[128] = "\x93NUMPY\x01\x00\x76\x00";
	char *at = head + 10;
	memset(at, ' ', sizeof head - 10);
	const int used =
		snprintf(at, sizeof head - 10,
	                 "{'descr': '|u1', 'fortran_order': False, 'shape': (%s), }", shape);
	at[used] = ' ';
	head[sizeof head - 1] = '\n';
	FILE *f = fopen(scratch_path(name), "wb");
	fwrite(head, 1, sizeof head, f);
	fwrite(x, 1, n, f);
	fclose(f);
}

static void arrays_are_sequences(void **state)
{
	(void)state;
	enum { N = 2, T = 5, C = 3 };
	static uint8_t x[N * T * C * S * S];
	for (int i = 0; i < N * T; i++)
		memset(x + i * C * S * S, 10 * i, C * S * S);
	put_npy("f.npy", "2, 5, 3, 8, 8", x, sizeof x);
	put_npy("g.npy", "6, 5, 8, 8", x, sizeof x);
	gm_dataset *d = open_set("f.npy", (gm_data_options){0}),
		   *e = open_set("f.npy", (gm_data_options){.frames = 4}),
		   *g = open_set("g.npy", (gm_data_options){.frames = 5});
	int first[5];
	assert_int_equal(gm_data_info_of(d)->count, N);
	frames_at(d, 0, 5, first);
	assert_true(first[0] % 50 == 0 && first[4] == first[0] + 40);
	assert_int_equal(gm_data_info_of(e)->count, N * 2);
	for (uint64_t p = 0; p < N * 2; p++) {
		frames_at(e, p, 4, first);
		assert_true(first[3] == first[0] + 30 && first[0] / 50 == first[3] / 50);
	}
	assert_int_equal(gm_data_info_of(g)->count, 6);
	assert_int_equal(gm_data_field(g, "video")->shape[1], 1);
	assert_true(gm_data_info_of(d)->hash != gm_data_info_of(e)->hash);
	gm_data_close(d), gm_data_close(e), gm_data_close(g);
	refuses("f.npy", (gm_data_options){.frames = 6}, "fewer than 6");
	gm_error err = {0};
	assert_null(gm_data_open("shapes", &(gm_data_options){.frames = 2}, &err));
	assert_non_null(strstr(err.message, "generated"));
}

/* Values of grey maps are classes; a map of another size is scaled by nearest neighbour, so that no
 * other class appears; flips move image and map together; maps are no images. */
static void maps_are_classes(void **state)
{
	(void)state;
	char name[64];
	for (int i = 0; i < 6; i++) {
		const uint32_t c = (uint32_t)i * 0x10101;
		snprintf(name, sizeof name, "seg/train/%d.png", i);
		put(name, S, 0xffffff, 0);
		snprintf(name, sizeof name, "seg/trainannot/%d.png", i);
		put(name, 2 * S, c, 0x0a0a0a);
	}
	put("seg/train/bare.png", S, 0, 0);
	put("seg/test/t.png", S, 0xffffff, 0);
	put("seg/testannot/t.png", S, 0x0b0b0b, 0);
	gm_dataset *d = open_set("seg", (gm_data_options){.maps = "annot", .flip = true});
	const gm_data_info *info = gm_data_info_of(d);
	assert_int_equal(info->count, 6);
	assert_int_equal(info->left, 1); /* bare.png */
	const gm_field *f = gm_data_field(d, "map");
	assert_true(f->type == GM_FIELD_INT && f->rank == 2 && f->numel == S * S);
	assert_int_equal(f->classes, 12); /* of all splits */
	bool seen[6] = {false}, flipped[2] = {false};
	for (uint64_t p = 0; p < 60; p++) {
		int32_t map[S * S];
		float x[3 * S * S];
		assert_true(gm_data_read(d, f, 2, p, 1, map, NULL));
		assert_true(gm_data_batch(d, 2, p, 1, x, NULL, NULL));
		const bool turned = x[0] < 0; /* white is on the left */
		flipped[turned] = true;
		for (int k = 0; k < S * S; k++) {
			const bool left = k % S < S / 2;
			if (left == turned)
				assert_int_equal(map[k], 10);
			else
				assert_true(map[k] == map[turned ? S - 1 : 0] && map[k] < 6);
		}
		seen[map[turned ? S - 1 : 0]] = true;
	}
	for (int i = 0; i < 6; i++)
		assert_true(seen[i]);
	assert_true(flipped[0] && flipped[1]);
	gm_data_close(d);
	refuses("seg", (gm_data_options){.maps = "labels"}, "ends with \"labels\"");
}

/* Colours are numbered in order; with --size the map is cropped as its image is. */
static void colours_are_classes(void **state)
{
	(void)state;
	put("col/images/a.png", 16, 0xffffff, 0);
	put("col/labels/a.png", 32, 0xff0000, 0x0000ff);
	put("col/images/b.png", 16, 0, 0);
	put("col/labels/b.png", 32, 0x00ff00, 0x00ff00);
	gm_dataset *d = open_set("col", (gm_data_options){.maps = "labels", .size = 8});
	const gm_field *f = gm_data_field(d, "map");
	assert_int_equal(f->classes, 3); /* blue, green, red */
	assert_int_equal(gm_data_info_of(d)->count, 2);
	int32_t map[S * S];
	for (uint64_t p = 0; p < 2; p++) {
		assert_true(gm_data_read(d, f, 0, p, 1, map, NULL));
		for (int k = 0; k < S * S; k++)
			assert_int_equal(map[k], map[0] == 1 ? 1 : k % S < S / 2 ? 2 : 0);
	}
	gm_data_close(d);
}

/* Sequences of label maps: field "maps" has those of the frames of "video", flipped and shifted
 * with them; a sequence in which a map is missing begins no example, and is counted. */
static void maps_follow_frames(void **state)
{
	(void)state;
	enum { T = 3, FRAMES = 9, LOST = 6 };
	char name[64];
	for (int i = 0; i < FRAMES; i++) {
		snprintf(name, sizeof name, "drive/train/a_%02d.png", i);
		put(name, S, ((uint32_t)(20 + 10 * i) << 16), 0xff0000);
		snprintf(name, sizeof name, "drive/trainannot/a_%02d.png", i);
		if (i != LOST)
			put(name, 2 * S, (uint32_t)i * 0x10101, 0x0a0a0a);
	}
	put("drive/train/b_01.png", S, 0, 0); /* another sequence, which is too short */
	put("drive/trainannot/b_01.png", S, 0, 0);
	gm_dataset *d =
		open_set("drive", (gm_data_options){.maps = "annot", .frames = T, .flip = true});
	const gm_data_info *info = gm_data_info_of(d);
	const gm_field *f = gm_data_field(d, "maps"), *video = gm_data_field(d, "video");
	assert_int_equal(info->count, FRAMES - T + 1 - T); /* those with frame 6 have no map */
	assert_true(f->type == GM_FIELD_INT && f->rank == 3 && f->shape[0] == T &&
	            f->classes == 11);
	bool seen[FRAMES] = {false}, flipped[2] = {false};
	for (uint64_t p = 0; p < 40; p++) {
		int32_t maps[T * S * S], map[S * S];
		float x[T * 3 * S * S];
		assert_true(gm_data_read(d, f, 2, p, 1, maps, NULL));
		assert_true(gm_data_read(d, gm_data_field(d, "map"), 2, p, 1, map, NULL));
		assert_true(gm_data_read(d, video, 2, p, 1, x, NULL));
		assert_memory_equal(map, maps, sizeof map); /* of the first frame */
		const bool turned = maps[0] == 10;
		flipped[turned] = true;
		for (int t = 0; t < T; t++)
			for (int k = 0; k < S * S; k++) {
				const bool left = k % S < S / 2;
				const int32_t class = maps[t * S * S + k];
				if (left == turned)
					assert_int_equal(class, 10);
				else
					assert_int_equal(20 + 10 * class,
					                 byte_of(x[t * 3 * S * S + k]));
			}
		seen[maps[turned ? S - 1 : 0]] = true;
	}
	for (int i = 0; i < FRAMES; i++)
		assert_int_equal(seen[i], i <= LOST - T);
	assert_true(flipped[0] && flipped[1]);
	gm_data_close(d);
}

/* Frames of one folder whose names differ before their last number are of different sequences. */
static void names_part_sequences(void **state)
{
	(void)state;
	char name[64];
	for (int i = 0; i < 4; i++) {
		snprintf(name, sizeof name, "mixed/0001TP_%04d.png", 30 * i);
		put(name, S, (uint32_t)(10 + i) << 16, 0);
		snprintf(name, sizeof name, "mixed/0006R0_f%04d.png", 30 * i);
		put(name, S, (uint32_t)(100 + i) << 16, 0);
	}
	gm_dataset *d = open_set("mixed", (gm_data_options){.frames = 3});
	assert_int_equal(gm_data_info_of(d)->count, 2 * 2); /* not 6 of 8 in a row */
	for (uint64_t p = 0; p < 4; p++) {
		int first[3];
		frames_at(d, p, 3, first);
		assert_true(first[1] == first[0] + 1 && first[2] == first[0] + 2);
	}
	gm_data_close(d);
}

/* Two images that move: each frame is the brighter of both at their places, which change by a tenth
 * of the way and turn at the sides; another position has another video; "image" is the first frame;
 * images are those of the range alone. */
static void images_move_and_bounce(void **state)
{
	(void)state;
	enum { SIDE = 24, T = 30, N = 20 };
	static const uint32_t colour[3] = {0x404040, 0x808080, 0xc0c0c0};
	char name[64];
	for (int i = 0; i < 3; i++) {
		snprintf(name, sizeof name, "stills/%d.png", i);
		put(name, S, colour[i], colour[i]);
	}
	const gm_data_options o = {.moving = SIDE, .frames = T, .to = 2};
	gm_dataset *d = open_set("stills", o);
	const gm_data_info *info = gm_data_info_of(d);
	const gm_field *f = gm_data_field(d, "video");
	assert_true(info->count == 0 && info->classes == 0 && info->shape[1] == SIDE);
	assert_true(f->rank == 4 && f->shape[0] == T && f->shape[3] == SIDE);
	float *x = malloc(2 * N * (size_t)f->numel * sizeof *x);
	float *image = malloc((size_t)info->numel * sizeof *x);
	assert_true(gm_data_read(d, f, 5, 0, N, x, NULL));
	assert_true(gm_data_read(d, f, 5, 3, N, x + N * f->numel, NULL));
	assert_memory_equal(x + 3 * f->numel, x + N * f->numel,
	                    (N - 3) * (size_t)f->numel * sizeof *x);
	assert_true(gm_data_batch(d, 5, 1, 1, image, NULL, NULL));
	assert_memory_equal(x + f->numel, image, (size_t)info->numel * sizeof *x);
	int turns = 0, both = 0;
	for (int i = 0; i < N; i++) {
		bool seen[2] = {false};
		int before = -1, before_that = -1;
		for (int t = 0; t < T; t++) {
			const float *frame = x + i * f->numel + t * info->numel;
			int left = SIDE, area = 0;
			for (int k = 0; k < SIDE * SIDE; k++) {
				const int b = byte_of(frame[k]);
				assert_true(b == 0 || b == 0x40 || b == 0x80);
				seen[0] |= b == 0x40, seen[1] |= b == 0x80;
				area += b != 0;
				left = b && k % SIDE < left ? k % SIDE : left;
			}
			assert_true(area >= S * S && area <= 2 * S * S);
			/* the leftmost edge is that of one of them: at most a step away */
			assert_true(before < 0 || abs(left - before) <= 2 || area < 2 * S * S);
			turns += before_that >= 0 && (left - before) * (before - before_that) < 0;
			before_that = before, before = left;
		}
		both += seen[0] && seen[1];
	}
	assert_true(turns > N && both > N / 5 && both < N);
	free(x), free(image);
	gm_data_close(d);
	refuses("stills", (gm_data_options){.moving = SIDE, .flip = true}, "exclude each other");
	refuses("stills", (gm_data_options){.moving = SIDE, .size = 32}, "smaller than its images");
	gm_error err = {0};
	assert_null(gm_data_open("shapes", &(gm_data_options){.moving = 64}, &err));
	assert_non_null(strstr(err.message, "option moving"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(folders_are_sequences), cmocka_unit_test(animations_are_sequences),
		cmocka_unit_test(arrays_are_sequences),  cmocka_unit_test(maps_are_classes),
		cmocka_unit_test(colours_are_classes),   cmocka_unit_test(maps_follow_frames),
		cmocka_unit_test(names_part_sequences),  cmocka_unit_test(images_move_and_bounce),
	};
	return cmocka_run_group_tests_name("frames", tests, make_files, scratch_remove);
}
