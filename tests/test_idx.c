/* SPDX-License-Identifier: MIT
 *
 * test_idx.c -- images from IDX files: valid ones, each kind of malformed file, and MNIST if
 * available. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/file.h"
#include "data/idx.h"
#include "ganymede/data.h"
#include "scratch.h"

#include <math.h>
#include <zlib.h>

typedef struct blob {
	uint8_t b[4096];
	size_t n;
} blob;

/* An IDX file whose elements count up. */
static blob idx_of(int type, int rank, const uint32_t *dims)
{
	blob f = {.b = {0, 0, (uint8_t)type, (uint8_t)rank}, .n = 4};
	size_t bytes = 1;
	for (int i = 0; i < rank; i++) {
		for (int k = 24; k >= 0; k -= 8)
			f.b[f.n++] = (uint8_t)(dims[i] >> k);
		bytes *= dims[i];
	}
	for (size_t i = 0; i < bytes && f.n < sizeof f.b; i++)
		f.b[f.n++] = (uint8_t)(i * 7);
	return f;
}

#define IDX(type, ...)                                                                             \
	idx_of(type, sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t),                         \
	       (const uint32_t[]){__VA_ARGS__})

static blob gzip(const blob *f)
{
	blob out = {0};
	z_stream z = {0};
	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (Bytef *)f->b, z.avail_in = (uInt)f->n;
	z.next_out = out.b, z.avail_out = sizeof out.b;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	out.n = z.total_out;
	deflateEnd(&z);
	return out;
}

/* From memory without a byte of room, so that the sanitizer sees any read beyond. */
static bool parse(const blob *f, gm_idx *idx, gm_error *err)
{
	uint8_t *copy = malloc(f->n + !f->n);
	memcpy(copy, f->b, f->n);
	const bool ok = gm_idx_parse_memory("it", copy, f->n, idx, err);
	free(copy);
	return ok;
}

static void reads_plain_and_gzip(void **state)
{
	(void)state;
	gm_idx idx;
	gm_error err = {0};
	blob plain = IDX(8, 3, 4, 5), packed = gzip(&plain);
	for (int gz = 0; gz < 2; gz++) {
		assert_true(parse(gz ? &packed : &plain, &idx, &err));
		assert_int_equal(idx.rank, 3);
		assert_int_equal(idx.dims[0], 3);
		assert_int_equal(idx.dims[2], 5);
		assert_int_equal(idx.bytes, 60);
		assert_memory_equal(idx.data, plain.b + 16, 60);
		gm_idx_free(&idx);
	}
	/* gzip -c a b is a file of two members */
	blob head = {.n = 20}, tail = {.n = plain.n - 20}, both;
	memcpy(head.b, plain.b, 20), memcpy(tail.b, plain.b + 20, tail.n);
	both = gzip(&head);
	const blob second = gzip(&tail);
	memcpy(both.b + both.n, second.b, second.n);
	both.n += second.n;
	assert_true(parse(&both, &idx, &err));
	assert_memory_equal(idx.data, plain.b + 16, 60);
	gm_idx_free(&idx);
}

static void refuses_what_is_broken(void **state)
{
	(void)state;
	struct {
		blob f;
		const char *message;
	} bad[] = {
		{IDX(9, 2, 3, 3), "signed bytes"},
		{IDX(0x0D, 2, 3, 3), "32-bit floats"},
		{IDX(0x33, 2, 3, 3), "unknown type 33"},
		{IDX(8, 2, 3), "rank 2"},
		{IDX(8, 0, 3, 3), "no pictures"},
		{IDX(8, 0), "no labels"},
		{IDX(8, 3, 0, 3), "no pixels"},
		{IDX(8, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF), "invalid dimensions"},
		{IDX(8, 2, 20000, 3), "invalid dimensions"},
		{IDX(8, 0x7FFFFFFF, 16384, 16384), "truncated"},
		{IDX(8, 0xFFFFFFFF), "truncated"},
		{{.b = "PNG!", .n = 4}, "not an IDX file (it starts with 50 4e 47 21"},
		{{.n = 0}, "truncated"},
	};
	gm_idx idx;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		for (int gz = 0; gz < 2; gz++) {
			const blob f = gz ? gzip(&bad[i].f) : bad[i].f;
			gm_error err = {0};
			assert_false(parse(&f, &idx, &err));
			assert_null(idx.data);
			if (err.code != GM_ERR_FORMAT || !strstr(err.message, bad[i].message))
				fail_msg("case %zu, gzip %d: \"%s\", wanted \"%s\"", i, gz,
				         err.message, bad[i].message);
		}
}

static void refuses_every_cut(void **state)
{
	(void)state;
	blob plain = IDX(8, 3, 4, 5), packed = gzip(&plain);
	gm_idx idx;
	for (int gz = 0; gz < 2; gz++) {
		blob f = gz ? packed : plain;
		for (const size_t whole = f.n; f.n-- > 0;) {
			gm_error err = {0};
			assert_false(parse(&f, &idx, &err));
			assert_int_equal(err.code, GM_ERR_FORMAT);
			if (!strstr(err.message, "truncated"))
				fail_msg("cut at %zu of %zu: %s", f.n, whole, err.message);
		}
	}
	/* and whatever comes after the end */
	gm_error err = {0};
	blob more = plain;
	more.n++;
	assert_false(parse(&more, &idx, &err));
	assert_non_null(strstr(err.message, "bytes after the last"));
	err = (gm_error){0};
	blob garbage = packed;
	garbage.b[garbage.n] = 'x';
	garbage.n++;
	assert_false(parse(&garbage, &idx, &err));
	assert_int_equal(err.code, GM_ERR_FORMAT);
}

static void refuses_corrupt_gzip(void **state)
{
	(void)state;
	blob plain = IDX(8, 30, 4, 5), packed = gzip(&plain);
	gm_idx idx;
	/* The first ten bytes hold time and system, which do not matter. */
	int refused = 0;
	for (size_t i = 10; i < packed.n; i++) {
		blob f = packed;
		f.b[i] ^= 0x55;
		gm_error err = {0};
		if (!parse(&f, &idx, &err))
			refused++;
		gm_idx_free(&idx);
	}
	assert_int_equal(refused, packed.n - 10);
}

static void write_blob(const char *name, blob f)
{
	scratch_write(name, f.b, f.n);
}

static void pictures_in_a_folder(void **state)
{
	(void)state;
	gm_error err = {0};
	assert_true(gm_file_make_folder(scratch_path("set"), &err));
	blob images = IDX(8, 5, 10, 12), labels = IDX(8, 5), packed = gzip(&images);
	for (int i = 0; i < 5; i++)
		labels.b[8 + i] = (uint8_t)(i % 3);
	write_blob("set/train-images-idx3-ubyte.gz", packed);
	write_blob("set/train-labels-idx1-ubyte", labels);

	gm_dataset *d = gm_data_open(scratch_path("set"), NULL, &err);
	if (!d)
		fail_msg("%s", err.message);
	const gm_data_info *info = gm_data_info_of(d);
	assert_int_equal(info->count, 5);
	assert_int_equal(info->classes, 3);
	assert_int_equal(info->shape[1], 10);
	assert_int_equal(info->shape[2], 12);
	assert_string_equal(info->resize, "none");
	float x[5 * 120], y[120];
	int32_t label, l[15];
	for (uint64_t i = 0; i < 5; i++) {
		assert_true(gm_data_get(d, i, y, &label, &err));
		assert_int_equal(label, i % 3);
		for (int k = 0; k < 120; k++)
			assert_true(fabsf((y[k] + 1) * 127.5f -
			                  images.b[16 + i * 120 + (uint64_t)k]) < 1e-3f);
	}
	assert_false(gm_data_get(d, 5, y, &label, &err));
	assert_int_equal(err.code, GM_ERR_VALUE);

	/* Three epochs: each a permutation; a batch across the border equals its parts. */
	for (uint64_t e = 0; e < 3; e++) {
		int seen = 0;
		for (uint64_t i = 0; i < 5; i++)
			seen |= 1 << gm_data_index(d, 4, e * 5 + i);
		assert_int_equal(seen, 31);
	}
	assert_true(gm_data_batch(d, 4, 0, 15, NULL, l, NULL));
	assert_true(gm_data_batch(d, 4, 3, 5, x, NULL, NULL));
	for (uint64_t i = 0; i < 5; i++) {
		const uint64_t index = gm_data_index(d, 4, 3 + i);
		assert_true(gm_data_get(d, index, y, &label, NULL));
		assert_memory_equal(y, x + i * 120, sizeof y);
		assert_int_equal(label, l[3 + i]);
	}
	const uint64_t hash = info->hash;
	gm_data_close(d);

	/* one pixel or one label makes another set */
	labels.b[8] = 2;
	write_blob("set/train-labels-idx1-ubyte", labels);
	d = gm_data_open(scratch_path("set/train-images-idx3-ubyte.gz"), NULL, NULL);
	assert_true(gm_data_info_of(d)->hash != hash);
	gm_data_close(d);
}

static void refusal(const char *path, const gm_data_options *o, gm_code code, const char *message)
{
	gm_error err = {0};
	gm_dataset *d = gm_data_open(path, o, &err);
	if (d || err.code != code || !strstr(err.message, message))
		fail_msg("code %d \"%s\", wanted %d \"%s\"", err.code, err.message, code, message);
}

static void folders_that_do_not_fit(void **state)
{
	(void)state;
	gm_error err = {0};
	assert_true(gm_file_make_folder(scratch_path("odd"), &err));
	char folder[256];
	snprintf(folder, sizeof folder, "%s", scratch_path("odd"));
	refusal(folder, NULL, GM_ERR_IO, "no pictures here: it is empty");
	write_blob("odd/train-images-idx3-ubyte", IDX(8, 5, 9, 9));
	refusal(folder, &(gm_data_options){.split = "test"}, GM_ERR_IO, "no test pictures here");
	refusal(folder, &(gm_data_options){.classes = 10}, GM_ERR_VALUE, "the set has no labels");
	write_blob("odd/train-labels-idx1-ubyte", IDX(8, 4));
	refusal(folder, NULL, GM_ERR_FORMAT, "4 labels for 5 pictures");
	write_blob("odd/train-labels-idx1-ubyte", IDX(8, 5, 9, 9));
	refusal(folder, NULL, GM_ERR_FORMAT, "contains pictures (IDX3), but labels");
	write_blob("odd/train-labels-idx1-ubyte", IDX(8, 5)); /* labels 0 7 14 21 28 */
	refusal(folder, &(gm_data_options){.classes = 10}, GM_ERR_VALUE,
	        "label 28 is outside the 10 requested classes");
	refusal(folder, &(gm_data_options){.classes = 30}, GM_ERR_VALUE, "only 0 to 28");
	refusal(scratch_path("odd/train-labels-idx1-ubyte"), NULL, GM_ERR_FORMAT,
	        "contains labels (IDX1), not pictures");
	refusal(scratch_path("odd/train-images-idx3-ubyte"), &(gm_data_options){.split = "test"},
	        GM_ERR_VALUE, "has no splits, so there is no test split");
	write_blob("odd/four", IDX(8, 2, 2, 9, 9));
	refusal(scratch_path("odd/four"), NULL, GM_ERR_FORMAT, "must be 1 or 3 channels");
}

/* Names with the set's before the part's; several sets in a folder; sets without labels. */
static void sets_by_name(void **state)
{
	(void)state;
	gm_error err = {0};
	char folder[256], path[280];
	assert_true(gm_file_make_folder(scratch_path("sets"), &err));
	snprintf(folder, sizeof folder, "%s", scratch_path("sets"));
	blob images = IDX(8, 5, 9, 9), few = IDX(8, 2, 9, 9), packed = gzip(&images);
	blob low = IDX(8, 5), high = IDX(8, 2);
	for (int i = 0; i < 5; i++)
		low.b[8 + i] = (uint8_t)(i % 3);
	high.b[8] = 6, high.b[9] = 0;
	write_blob("sets/usps-train-images-idx3-ubyte.gz", packed);
	write_blob("sets/usps-train-labels-idx1-ubyte", low);
	write_blob("sets/usps-test-images-idx3-ubyte", few);
	write_blob("sets/usps-test-labels-idx1-ubyte", high);
	for (int test = 0; test < 2; test++) {
		gm_dataset *d = gm_data_open(
			folder, &(gm_data_options){.split = test ? "test" : "train"}, &err);
		if (!d)
			fail_msg("%s", err.message);
		assert_int_equal(gm_data_info_of(d)->count, test ? 2 : 5);
		assert_int_equal(gm_data_info_of(d)->classes, 7); /* of both parts */
		gm_data_close(d);
	}
	refusal(folder, &(gm_data_options){.split = "val"}, GM_ERR_IO,
	        "no val pictures here, only usps (train, test); use --split train");
	write_blob("sets/my_set_valid.images.idx3.ubyte", few);
	refusal(folder, NULL, GM_ERR_VALUE,
	        "several data sets here: my_set (val), usps (train, test)");
	snprintf(path, sizeof path, "%s/my_set", folder);
	refusal(path, NULL, GM_ERR_IO, "use --split val");
	gm_dataset *d = gm_data_open(path, &(gm_data_options){.split = "val"}, &err);
	if (!d)
		fail_msg("%s", err.message);
	assert_int_equal(gm_data_info_of(d)->count, 2);
	assert_int_equal(gm_data_info_of(d)->classes, 0);
	gm_data_close(d);
	snprintf(path, sizeof path, "%s/usps", folder);
	d = gm_data_open(path, NULL, NULL);
	assert_int_equal(gm_data_info_of(d)->count, 5);
	gm_data_close(d);
	/* Ones and zeros alone are white and black. */
	for (size_t i = 16; i < few.n; i++)
		few.b[i] = i % 2;
	write_blob("ones", few);
	d = gm_data_open(scratch_path("ones"), NULL, NULL);
	float x[81];
	assert_true(gm_data_get(d, 0, x, NULL, NULL));
	assert_true(x[0] == -1 && x[1] == 1);
	gm_data_close(d);
}

static void folder_without_permission(void **state)
{
	(void)state;
	gm_error err = {0};
	assert_true(gm_file_make_folder(scratch_path("locked"), &err));
	write_blob("locked/train-images-idx3-ubyte", IDX(8, 5, 9, 9));
	assert_int_equal(chmod(scratch_path("locked"), 0), 0);
	/* Root can read every folder, so switch to user nobody for this test. */
	const uid_t me = geteuid();
	if (me == 0 && (chmod(scratch, 0755) != 0 || seteuid(65534) != 0)) {
		print_message("SKIP: root may read every folder\n");
		skip();
	}
	refusal(scratch_path("locked"), NULL, GM_ERR_IO, "Permission denied");
	assert_int_equal(seteuid(me), 0);
	assert_int_equal(chmod(scratch_path("locked"), 0700), 0);
}

static void colour_pictures(void **state)
{
	(void)state;
	gm_error err = {0};
	/* the same two pictures of 3 x 8 x 9, channels first and last */
	blob first = IDX(8, 2, 3, 8, 9), last = IDX(8, 2, 8, 9, 3);
	for (int i = 0; i < 2; i++)
		for (int c = 0; c < 3; c++)
			for (int k = 0; k < 72; k++)
				last.b[20 + i * 216 + k * 3 + c] =
					first.b[20 + i * 216 + c * 72 + k];
	write_blob("first", first);
	write_blob("last", last);
	gm_dataset *a = gm_data_open(scratch_path("first"), NULL, &err);
	gm_dataset *b = gm_data_open(scratch_path("last"), NULL, &err);
	gm_dataset *grey =
		gm_data_open(scratch_path("last"), &(gm_data_options){.channels = 1}, &err);
	if (!a || !b || !grey)
		fail_msg("%s", err.message);
	assert_int_equal(gm_data_info_of(b)->shape[0], 3);
	assert_true(gm_data_info_of(a)->hash == gm_data_info_of(b)->hash);
	float x[216], y[216], g[72];
	for (uint64_t i = 0; i < 2; i++) {
		assert_true(gm_data_get(a, i, x, NULL, NULL) && gm_data_get(b, i, y, NULL, NULL));
		assert_memory_equal(x, y, sizeof x);
		assert_true(gm_data_get(grey, i, g, NULL, NULL));
		for (int k = 0; k < 72; k++)
			assert_true(fabs(g[k] - (.299 * x[k] + .587 * x[72 + k] +
			                         .114 * x[144 + k])) < 1e-5);
	}
	gm_data_close(a), gm_data_close(b), gm_data_close(grey);
}

/* Three pictures a time, all of them in each channel, with the label that belongs to the three. */
static void stacked(void **state)
{
	(void)state;
	enum { N = 5, PLANE = 120, DRAWN = 600 };
	gm_error err = {0};
	assert_true(gm_file_make_folder(scratch_path("stack"), &err));
	blob images = IDX(8, N, 10, 12), labels = IDX(8, N);
	for (int i = 0; i < N; i++)
		labels.b[8 + i] = (uint8_t)(i % 3);
	write_blob("stack/train-images-idx3-ubyte", images);
	write_blob("stack/train-labels-idx1-ubyte", labels);
	gm_dataset *plain = gm_data_open(scratch_path("stack"), NULL, &err);
	for (uint64_t from = 0; from < 4; from += 3) {
		gm_data_options o = {.stack = true, .from = from, .to = N};
		gm_dataset *d = gm_data_open(scratch_path("stack"), &o, &err);
		if (!d)
			fail_msg("%s", err.message);
		const gm_data_info *info = gm_data_info_of(d);
		assert_true(info->count == 0 && info->classes == 27 && info->numel == 3 * PLANE);
		assert_true(info->hash != gm_data_info_of(plain)->hash);
		static float x[DRAWN][3][PLANE], alone[3][PLANE], y[PLANE];
		static int32_t label[DRAWN];
		assert_true(gm_data_batch(d, 1, 0, DRAWN, x[0][0], label, &err));
		int seen[3][N] = {0}, triples[N][N][N] = {0}, all = 0;
		for (int i = 0; i < DRAWN; i++) {
			int which[3] = {-1, -1, -1};
			for (int c = 0; c < 3; c++)
				for (uint64_t k = 0; k < N; k++)
					if (gm_data_get(plain, k, y, NULL, NULL) &&
					    !memcmp(x[i][c], y, sizeof y))
						which[c] = (int)k;
			for (int c = 0; c < 3; c++) {
				assert_true(which[c] >= (int)from);
				seen[c][which[c]]++;
			}
			all += !triples[which[0]][which[1]][which[2]]++;
			assert_int_equal(label[i],
			                 which[0] % 3 * 9 + which[1] % 3 * 3 + which[2] % 3);
		}
		const int n = N - (int)from;
		assert_true(all > n * n * n * 9 / 10); /* 600 draws miss 1 of 125 on average */
		for (int c = 0; c < 3; c++)
			for (int k = (int)from; k < N; k++)
				assert_in_range(seen[c][k], DRAWN / n * 6 / 10,
				                DRAWN / n * 14 / 10);
		assert_true(gm_data_batch(d, 1, 77, 1, alone[0], NULL, NULL));
		assert_memory_equal(alone, x[77], sizeof alone);
		gm_data_close(d);
	}
	gm_data_close(plain);
	assert_null(gm_data_open("glyphs", &(gm_data_options){.stack = true}, &err));
	assert_non_null(strstr(err.message, "option stack"));
	err = (gm_error){0};
	assert_null(gm_data_open(scratch_path("stack"),
	                         &(gm_data_options){.stack = true, .channels = 3}, &err));
	assert_non_null(strstr(err.message, "one channel"));
}

static void fitting(void **state)
{
	(void)state;
	gm_error err = {0};
	write_blob("ten", IDX(8, 2, 10, 12));
	const char *path = scratch_path("ten");
	float x[16 * 16 * 3], y[10 * 12];
	gm_dataset *native = gm_data_open(path, NULL, &err);
	assert_true(gm_data_get(native, 1, y, NULL, NULL));

	/* padded: black border, the picture itself untouched in the middle */
	gm_dataset *d = gm_data_open(
		path, &(gm_data_options){.size = 16, .fit = GM_FIT_PAD, .channels = 3}, &err);
	assert_string_equal(gm_data_info_of(d)->resize, "pad");
	assert_true(gm_data_get(d, 1, x, NULL, NULL));
	for (int c = 0; c < 3; c++)
		for (int i = 0; i < 16; i++)
			for (int k = 0; k < 16; k++) {
				const bool inside = i >= 3 && i < 13 && k >= 2 && k < 14;
				assert_true(x[c * 256 + i * 16 + k] ==
				            (inside ? y[(i - 3) * 12 + k - 2] : -1));
			}
	gm_data_close(d);

	/* too large to pad: shrunk with its form kept, then padded */
	d = gm_data_open(path, &(gm_data_options){.size = 8, .fit = GM_FIT_PAD}, &err);
	assert_string_equal(gm_data_info_of(d)->resize, "triangle, antialiased, padded");
	assert_true(gm_data_get(d, 1, x, NULL, NULL));
	for (int k = 0; k < 8; k++) {
		assert_true(x[k] > -1 || x[8 + k] > -1);
		assert_true(x[56 + k] == -1); /* 10/12 of 8 is 7: one row left over, below */
	}
	gm_data_close(d);

	d = gm_data_open(path, &(gm_data_options){.size = 16}, &err);
	assert_string_equal(gm_data_info_of(d)->resize, "triangle, antialiased");
	assert_true(gm_data_get(d, 1, x, NULL, NULL));
	double a = 0, b = 0;
	for (int i = 0; i < 256; i++)
		a += x[i] / 256;
	for (int i = 0; i < 120; i++)
		b += y[i] / 120;
	assert_true(fabs(a - b) < .03);
	gm_data_close(d);
	gm_data_close(native);
}

static void mnist(void **state)
{
	(void)state;
	const char *folder = getenv("GANYMEDE_DATA");
	char path[512];
	snprintf(path, sizeof path, "%s/mnist", folder ? folder : "../shared/data");
	if (!gm_file_exists(path)) {
		print_message("SKIP: no MNIST in %s (set GANYMEDE_DATA to the folder that holds "
		              "mnist/)\n",
		              path);
		skip();
	}
	gm_error err = {0};
	gm_dataset *d = gm_data_open(path, &(gm_data_options){.classes = 10}, &err);
	if (!d)
		fail_msg("%s", err.message);
	const gm_data_info *info = gm_data_info_of(d);
	assert_int_equal(info->count, 60000);
	assert_int_equal(info->shape[1], 28);
	static const int32_t first[5] = {5, 0, 4, 1, 9};
	static float x[784];
	double sum = 0;
	int32_t label;
	for (uint64_t i = 0; i < 60000; i++) {
		assert_true(gm_data_get(d, i, x, &label, NULL));
		if (i < 5)
			assert_int_equal(label, first[i]);
		for (int k = 0; k < 784; k++)
			sum += (x[k] + 1) / 2;
	}
	assert_true(fabs(sum / 60000 / 784 - .1307) < 5e-5);
	gm_data_close(d);
	d = gm_data_open(path, &(gm_data_options){.split = "test", .size = 32, .fit = GM_FIT_PAD},
	                 &err);
	assert_int_equal(gm_data_info_of(d)->count, 10000);
	gm_data_close(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_plain_and_gzip),
		cmocka_unit_test(refuses_what_is_broken),
		cmocka_unit_test(refuses_every_cut),
		cmocka_unit_test(refuses_corrupt_gzip),
		cmocka_unit_test(pictures_in_a_folder),
		cmocka_unit_test(folders_that_do_not_fit),
		cmocka_unit_test(sets_by_name),
		cmocka_unit_test(folder_without_permission),
		cmocka_unit_test(colour_pictures),
		cmocka_unit_test(stacked),
		cmocka_unit_test(fitting),
		cmocka_unit_test(mnist),
	};
	return cmocka_run_group_tests_name("idx", tests, scratch_make, scratch_remove);
}
