/* SPDX-License-Identifier: MIT
 *
 * test_translate.c -- black-box tests of pix2pix by its endpoints: receptive field of D, skip
 * connections of G, which randomness is noise, which half is translated; and translation of images
 * of other sizes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tensorfile/safetensors.h"
#include "ganymede/data.h"
#include "ganymede/image.h"
#include "scratch.h"
#include "ganymede/saved.h"
#include "ganymede/train.h"
#include "run/settings.h"
#include "use/translate.h"

#include <math.h>
#include <time.h>

#define OPTIONS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Trains pix2pix by "name=value" texts; gives the path of its last checkpoint, good until the call
 * after the next. */
static char *trained(const char *const *options)
{
	static char path[2][PATH_MAX + 64];
	static int turn;
	gm_settings s;
	gm_error err = {0};
	char name[64];
	gm_settings_init(&s, gm_model_find("pix2pix"));
	assert_true(gm_settings_set(&s, "outdir", scratch_path("runs"), &err));
	assert_true(gm_settings_set(&s, "grid", "1x1", &err));
	for (; *options; options++) {
		const char *equals = strchr(*options, '=');
		snprintf(name, sizeof name, "%.*s", (int)(equals - *options), *options);
		if (!gm_settings_set(&s, name, equals + 1, &err))
			fail_msg("%s", err.message);
	}
	gm_train_call call = {.settings = &s};
	if (!gm_train(&call, &err))
		fail_msg("%s", err.message);
	turn ^= 1;
	snprintf(path[turn], sizeof path[0], "%s/checkpoint-%06lld.safetensors", call.folder,
	         (long long)call.step);
	gm_settings_free(&s);
	return path[turn];
}

static gm_saved *opened(const char *checkpoint)
{
	gm_error err = {0};
	gm_saved *s = gm_saved_open(checkpoint, &(gm_saved_options){.batch = 1}, &err);
	if (!s)
		fail_msg("%s", err.message);
	return s;
}

static void run(gm_saved *s, const char *endpoint, const void *const *in, uint64_t seed, float *out)
{
	gm_error err = {0};
	if (!gm_saved_run(s, endpoint, in, seed, 0, out, &err))
		fail_msg("%s: %s", endpoint, err.message);
}

/* Pictures [n,3,size,size] of a field of an embedded set; free them */
static float *pictures(const char *set, const char *field, int size, int64_t n)
{
	gm_error err = {0};
	gm_dataset *d = gm_data_open(set, &(gm_data_options){.size = size}, &err);
	assert_non_null(d);
	const gm_field *f = gm_data_field(d, field);
	float *x = malloc(n * f->numel * sizeof *x);
	assert_true(gm_data_read(d, f, 5, 0, n, x, &err));
	gm_data_close(d);
	return x;
}

/* ---- D --------------------------------------------------------------------------------------- */

/* A pixel moves a logit exactly if it lies in a window as wide as the patch. The window of logit i
 * begins at 2^L (i-2) - (2^L - 1) after L strided layers: unrolled from kernels of 4, pad 1. */
static void a_logit_sees_its_patch(void **state)
{
	(void)state;
	static const struct {
		const char *patch, *size;
		int layers, wide, side, logits;
	} rows[] = {{"1", "16", 0, 1, 16, 16},       {"16", "32", 1, 16, 32, 14},
	            {"34", "48", 2, 34, 48, 10},     {"70", "96", 3, 70, 96, 10},
	            {"142", "192", 4, 142, 192, 10}, {"286", "320", 5, 286, 320, 8}};
	char patch[32], size[32];
	for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
		int side = rows[k].side, n = rows[k].logits, i = n / 2, scale = 1 << rows[k].layers;
		int first = rows[k].layers ? scale * (i - 2) - (scale - 1) : i;
		int last = first + rows[k].wide - 1;
		snprintf(patch, sizeof patch, "patch=%s", rows[k].patch);
		snprintf(size, sizeof size, "size=%s", rows[k].size);
		gm_saved *s =
			opened(trained(OPTIONS("steps=0", "width=2", "depth=1", "normalise-d=none",
		                               "monitors=no", patch, size)));
		gm_port port[4];
		assert_int_equal(gm_saved_ports(s, "discriminate", port, 4), 2);
		assert_string_equal(port[0].name, "b");
		assert_string_equal(port[1].name, "a");
		gm_shape shape = gm_saved_shape(s, "discriminate");
		assert_true(shape.rank == 4 && shape.dim[1] == 1 && shape.dim[2] == n &&
		            shape.dim[3] == n);
		float *x[2] = {pictures("edges2shapes", "b", side, 1),
		               pictures("edges2shapes", "a", side, 1)};
		float *before = malloc(n * n * sizeof *before),
		      *after = malloc(n * n * sizeof *after);
		run(s, "discriminate", (const void *[]){x[0], x[1]}, 0, before);
		int middle = (first + last) / 2;
		const struct {
			int row, column;
			bool moves;
		} look[] = {{middle, middle, true},    {middle, first, true},
		            {middle, last, true},      {first, middle, true},
		            {last, middle, true},      {middle, first - 1, false},
		            {middle, last + 1, false}, {first - 1, middle, false},
		            {last + 1, middle, false}};
		for (size_t j = 0; j < sizeof look / sizeof *look; j++)
			for (int half = 0; half < 2; half++) {
				float *pixel = x[half] + look[j].row * side + look[j].column,
				      kept = *pixel;
				*pixel += 1e4f;
				run(s, "discriminate", (const void *[]){x[0], x[1]}, 0, after);
				*pixel = kept;
				bool moved = after[i * n + i] != before[i * n + i];
				if (moved != look[j].moves)
					fail_msg("patch %s: pixel %d,%d of %s %s logit %d,%d",
					         rows[k].patch, look[j].row, look[j].column,
					         half ? "a" : "b", moved ? "moves" : "leaves", i,
					         i);
			}
		free(x[0]), free(x[1]), free(before), free(after);
		gm_saved_free(s);
	}
}

static void an_unconditional_d_sees_b_alone(void **state)
{
	(void)state;
	gm_saved *s = opened(trained(OPTIONS("steps=0", "width=2", "conditional=no")));
	gm_port port[4];
	assert_int_equal(gm_saved_ports(s, "discriminate", port, 4), 1);
	assert_string_equal(port[0].name, "b");
	gm_saved_free(s);
}

/* ---- G's shortcuts --------------------------------------------------------------------------- */

enum { SIDE = 32, DEPTH = 5, WIDTH = 4, PLANE = SIDE * SIDE };

/* Zeroes the weights of G/d<level> that read the way up (half 0) or the shortcut (half 1); the
 * innermost has the way up only. */
static void cut(gm_st_tensor *tensor, int64_t n, int level, int half)
{
	char name[32];
	snprintf(name, sizeof name, "G/d%d/weight", level);
	for (int64_t i = 0; i < n; i++)
		if (!strcmp(tensor[i].name, name)) {
			const gm_st_tensor *t = &tensor[i];
			size_t size = t->dims[0] * t->dims[1] * t->dims[2] * t->dims[3];
			size_t part = level == DEPTH ? size : size / 2;
			float *v = (float *)t->data;
			memset(v + half * part, 0, part * sizeof *v);
			return;
		}
	fail_msg("no %s", name);
}

/* A checkpoint whose G lets only one shortcut through (0: none, so nothing at all). */
static gm_saved *only(const char *checkpoint, int shortcut, bool skips)
{
	gm_error err = {0};
	gm_st *st = gm_st_open(checkpoint, &err);
	assert_non_null(st);
	int64_t n = gm_st_count(st), metas = gm_st_meta_count(st);
	gm_st_tensor *tensor = malloc(n * sizeof *tensor);
	gm_st_pair *meta = malloc(metas * sizeof *meta);
	for (int64_t i = 0; i < n; i++) {
		tensor[i] = *gm_st_at(st, i);
		size_t size = sizeof(float);
		for (int k = 0; k < tensor[i].rank; k++)
			size *= tensor[i].dims[k];
		void *own = malloc(size);
		memcpy(own, tensor[i].data, size);
		tensor[i].data = own;
	}
	for (int64_t i = 0; i < metas; i++)
		meta[i] = gm_st_meta_at(st, i);
	for (int level = 1; skips && level < DEPTH; level++)
		if (level != shortcut)
			cut(tensor, n, level, 1);
	cut(tensor, n, shortcut ? shortcut : DEPTH, 0);
	const char *path = scratch_path("cut.safetensors");
	assert_true(gm_st_write(path, tensor, n, meta, metas, &err));
	gm_saved *s = opened(path);
	for (int64_t i = 0; i < n; i++)
		free((void *)tensor[i].data);
	free(tensor), free(meta);
	gm_st_close(st);
	return s;
}

/* How many numbers of G(a) one pixel of a moves, and the rows and columns that they lie in. */
static int moved_by_a_pixel(gm_saved *s, const float *a, int at, int box[4])
{
	static float x[3 * PLANE], y[2][3 * PLANE];
	int count = 0;
	memcpy(x, a, sizeof x);
	run(s, "translate", (const void *[]){x}, 0, y[0]);
	x[at * SIDE + at] += 10;
	run(s, "translate", (const void *[]){x}, 0, y[1]);
	box[0] = box[2] = SIDE, box[1] = box[3] = -1;
	for (int i = 0; i < 3 * PLANE; i++)
		if (y[0][i] != y[1][i]) {
			int row = i % PLANE / SIDE, column = i % SIDE;
			count++;
			box[0] = row < box[0] ? row : box[0], box[1] = row > box[1] ? row : box[1];
			box[2] = column < box[2] ? column : box[2];
			box[3] = column > box[3] ? column : box[3];
		}
	return count;
}

static void every_shortcut_carries(void **state)
{
	(void)state;
	char checkpoint[PATH_MAX];
	float *a = pictures("edges2shapes", "a", SIDE, 1);
	int box[4];
	snprintf(checkpoint, sizeof checkpoint, "%s",
	         trained(OPTIONS("steps=0", "width=4", "dropout=no", "normalise-g=none")));
	for (int k = 0; k < DEPTH; k++) {
		gm_saved *s = only(checkpoint, k, true);
		int moved = moved_by_a_pixel(s, a, 16, box);
		if ((moved > 0) != (k > 0))
			fail_msg("with shortcut %d alone a pixel moves %d numbers", k, moved);
		/* A pixel reaches maps of e1 that cover it, at 2u-1 .. 2u+2, and each of those as
		 * many pixels of the result: u = 7, 8, so 13 to 18. */
		if (k == 1)
			assert_true(box[0] == 13 && box[1] == 18 && box[2] == 13 && box[3] == 18);
		gm_saved_free(s);
	}
	snprintf(checkpoint, sizeof checkpoint, "%s",
	         trained(OPTIONS("steps=0", "width=4", "dropout=no", "normalise-g=none",
	                         "skips=no")));
	gm_saved *s = opened(checkpoint);
	assert_true(moved_by_a_pixel(s, a, 16, box) > 0);
	gm_saved_free(s);
	s = only(checkpoint, 0, false);
	assert_int_equal(moved_by_a_pixel(s, a, 16, box), 0);
	gm_saved_free(s);
	free(a);
}

/* ---- noise ----------------------------------------------------------------------------------- */

static void dropout_is_the_noise(void **state)
{
	(void)state;
	static const struct {
		const char *option;
		bool random;
	} rows[] = {{"dropout=yes", true}, {"dropout=train", false}, {"dropout=no", false}};
	float *a = pictures("edges2shapes", "a", SIDE, 1);
	static float y[3][3 * PLANE];
	for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
		gm_saved *s = opened(trained(OPTIONS("steps=2", "width=4", rows[k].option)));
		for (int i = 0; i < 3; i++)
			run(s, "translate", (const void *[]){a}, i / 2, y[i]);
		assert_memory_equal(y[0], y[1], sizeof y[0]); /* the same seed */
		if ((memcmp(y[1], y[2], sizeof y[1]) != 0) != rows[k].random)
			fail_msg("%s: another seed gives %s", rows[k].option,
			         rows[k].random ? "the same" : "something else");
		gm_saved_free(s);
	}
	free(a);
}

/* ---- pairs in files -------------------------------------------------------------------------- */

/* A folder of n pairs [n,3,size,size] side by side: a to the left. "data=FOLDER" into spec. */
static void side_by_side(const char *name, const float *a, const float *b, int n, int size,
                         char spec[300])
{
	gm_error err = {0};
	char path[640];
	snprintf(spec, 300, "data=%s", scratch_path(name));
	assert_int_equal(mkdir(spec + 5, 0777), 0);
	for (int i = 0; i < n; i++) {
		gm_image *im = gm_image_new(2 * size, size, 3, &err);
		for (int k = 0; k < 3 * size * size; k++) {
			int c = k / (size * size), row = k / size % size, column = k % size;
			uint8_t *at = im->pixel + (row * 2 * size + column) * 3 + c;
			at[0] = (uint8_t)lrintf((a[i * 3 * size * size + k] + 1) * 127.5f);
			at[size * 3] = (uint8_t)lrintf((b[i * 3 * size * size + k] + 1) * 127.5f);
		}
		snprintf(path, sizeof path, "%s/%d.png", spec + 5, i);
		assert_true(gm_png_write(path, im, &err));
		gm_image_free(im);
	}
}

/* ---- what is learned ------------------------------------------------------------------------- */

/* Pictures become their negatives: after a short training G(a) lies much nearer to its own b than
 * to the others'; an input that is ignored, or pairs that are torn apart, give equal distances. */
static void the_input_is_heeded(void **state)
{
	(void)state;
	enum { N = 16, S = 16, SIZE = 3 * S * S };
	char data[300];
	float *a = pictures("shapes", "image", S, N), *b = malloc(N * SIZE * sizeof *b);
	static float y[SIZE];
	for (int i = 0; i < N * SIZE; i++)
		b[i] = -a[i];
	side_by_side("negatives", a, b, N, S, data);
	gm_saved *s = opened(trained(OPTIONS(data, "pairs=halves", "steps=80", "width=8", "batch=4",
	                                     "direction=b-to-a", "patch=16", "dropout=no",
	                                     "lr=2e-3", "cache=off", "monitors=no")));
	gm_port port[2];
	assert_int_equal(gm_saved_ports(s, "translate", port, 2), 1);
	assert_string_equal(port[0].name, "b");
	double own = 0, others = 0;
	for (int i = 0; i < N; i++) {
		run(s, "translate", (const void *[]){b + i * SIZE}, 0, y);
		for (int j = 0; j < N; j++) {
			double apart = 0;
			for (int k = 0; k < SIZE; k++)
				apart += fabs(y[k] - a[j * SIZE + k]) / SIZE;
			*(i == j ? &own : &others) += apart / (i == j ? N : N * (N - 1));
		}
	}
	print_message("L1 to its own %.3f, to others' %.3f\n", own, others);
	assert_true(own < .5 * others);
	free(a), free(b);
	gm_saved_free(s);
}

/* ---- halves ---------------------------------------------------------------------------------- */

static void same_tensors(const char *a, const char *b)
{
	gm_error err = {0};
	gm_st *x = gm_st_open(a, &err), *y = gm_st_open(b, &err);
	assert_true(x && y && gm_st_count(x) == gm_st_count(y));
	for (int64_t i = 0; i < gm_st_count(x); i++) {
		const gm_st_tensor *p = gm_st_at(x, i), *q = gm_st_find(y, p->name);
		size_t n = sizeof(float);
		for (int k = 0; k < p->rank; k++)
			n *= p->dims[k];
		assert_non_null(q);
		if (memcmp(p->data, q->data, n))
			fail_msg("%s differs", p->name);
	}
	gm_st_close(x);
	gm_st_close(y);
}

/* Left to right of a folder is right to left of the same folder with its halves exchanged; flips
 * and shifts meet both halves alike. */
static void directions_mirror_each_other(void **state)
{
	(void)state;
	enum { N = 6, S = 16 };
	char data[2][300];
	float *a = pictures("edges2shapes", "a", S, N), *b = pictures("edges2shapes", "b", S, N);
	side_by_side("there", a, b, N, S, data[0]);
	side_by_side("back", b, a, N, S, data[1]);
	char first[PATH_MAX];
	snprintf(first, sizeof first, "%s",
	         trained(OPTIONS(data[0], "pairs=halves", "steps=3", "width=2", "patch=16",
	                         "flip=on", "crop=3", "cache=off")));
	same_tensors(first,
	             trained(OPTIONS(data[1], "pairs=halves", "direction=b-to-a", "steps=3",
	                             "width=2", "patch=16", "flip=on", "crop=3", "cache=off")));
	free(a), free(b);
}

/* ---- other sizes ----------------------------------------------------------------------------- */

/* The size of what comes out is that of what goes in. */
static bool picture_by(gm_translator *t, float *x, int height, int width, float *y)
{
	gm_picture out;
	gm_error err = {0};
	assert_true(gm_translator_run(t, &(gm_picture){x, 3, height, width}, 0, 0, &out, &err));
	assert_true(out.channels == 3 && out.height == height && out.width == width);
	memcpy(y, out.x, 3 * height * width * sizeof *y);
	free(out.x);
	return true;
}

static void other_sizes(void **state)
{
	(void)state;
	enum { H = 40, W = 70 };
	gm_error err = {0};
	int next[2];
	static float x[3 * H * W], y[3 * H * W], grown[3 * 64 * 96], whole[3 * 64 * 96];
	gm_translator *t = gm_translator_open(trained(OPTIONS("steps=1", "width=2", "dropout=no")),
	                                      NULL, &err);
	assert_non_null(t);
	assert_string_equal(gm_translator_field(t), "a");
	assert_true(gm_translator_fits(t, 32, 32, next) && gm_translator_fits(t, 64, 96, next));
	assert_false(gm_translator_fits(t, H, W, next));
	assert_true(next[0] == 64 && next[1] == 96);
	for (int i = 0; i < 3 * H * W; i++)
		x[i] = sinf((float)(i % W) * .3f) * cosf((float)(i / W) * .2f);
	for (int c = 0; c < 3; c++)
		for (int i = 0; i < 64; i++)
			for (int j = 0; j < 96; j++)
				grown[(c * 64 + i) * 96 + j] =
					x[(c * H + (i < H ? i : 2 * H - 2 - i)) * W +
				          (j < W ? j : 2 * W - 2 - j)];
	assert_true(picture_by(t, grown, 64, 96, whole));
	assert_true(picture_by(t, x, H, W, y));
	for (int c = 0; c < 3; c++)
		for (int i = 0; i < H; i++)
			assert_memory_equal(y + (c * H + i) * W, whole + (c * 64 + i) * 96,
			                    W * sizeof *y);
	/* many sizes in turn, and back: kept or made anew, they give the same */
	for (int k = 1; k < 7; k++)
		assert_true(picture_by(t, grown, 32 * (k % 2 + 1), 32, whole) &&
		            picture_by(t, grown, 32, 32 * (k % 3 + 1), whole));
	static float again[3 * H * W];
	assert_true(picture_by(t, x, H, W, again));
	assert_memory_equal(y, again, sizeof y);
	gm_translator_free(t);
}

/* Shortcuts double the paths through G at every level, and gradients again: compiling must walk
 * nodes, not paths. By paths it takes more than half a minute, by nodes a fraction of a second. */
static void compiling_takes_no_path_twice(void **state)
{
	(void)state;
	clock_t began = clock();
	trained(OPTIONS("steps=1", "size=64", "width=2"));
	assert_true((double)(clock() - began) / CLOCKS_PER_SEC < 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_logit_sees_its_patch),
		cmocka_unit_test(an_unconditional_d_sees_b_alone),
		cmocka_unit_test(every_shortcut_carries),
		cmocka_unit_test(dropout_is_the_noise),
		cmocka_unit_test(the_input_is_heeded),
		cmocka_unit_test(directions_mirror_each_other),
		cmocka_unit_test(other_sizes),
		cmocka_unit_test(compiling_takes_no_path_twice),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
