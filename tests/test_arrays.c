/* SPDX-License-Identifier: MIT
 *
 * test_arrays.c -- arrays of other programs: NumPy, MATLAB, CIFAR records, text. Valid files by the
 * documented rules, and each kind of malformed file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/file.h"
#include "data/array.h"
#include "data/csv.h"
#include "ganymede/data.h"
#include "scratch.h"

#include <archive.h>
#include <archive_entry.h>
#include <math.h>
#include <matio.h>

typedef struct blob {
	uint8_t b[8192];
	size_t n;
} blob;

static blob npy(const char *descr, bool fortran, const char *shape, const void *data, size_t n)
{
	blob f;
	char header[128];
	const int k = snprintf(header, sizeof header,
	                       "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }\n", descr,
	                       fortran ? "True" : "False", shape);
	memcpy(f.b, "\x93NUMPY\1\0", 8);
	f.b[8] = (uint8_t)k, f.b[9] = 0;
	memcpy(f.b + 10, header, (size_t)k);
	memcpy(f.b + 10 + k, data, n);
	f.n = 10 + (size_t)k + n;
	return f;
}

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

static gm_dataset *open_npy(const char *descr, bool fortran, const char *shape, const void *data,
                            size_t n)
{
	const blob f = npy(descr, fortran, shape, data, n);
	scratch_write("it.npy", f.b, f.n);
	return open_set("it.npy", NULL);
}

static void check_pictures(gm_dataset *d, int64_t channels, int64_t height, int64_t width,
                           const float *want)
{
	const gm_data_info *info = gm_data_info_of(d);
	float x[64];
	assert_int_equal(info->shape[0], channels);
	assert_int_equal(info->shape[1], height);
	assert_int_equal(info->shape[2], width);
	for (uint64_t i = 0; i < info->count; i++) {
		assert_true(gm_data_get(d, i, x, NULL, NULL));
		for (int64_t k = 0; k < info->numel; k++)
			if (fabsf(x[k] - want[i * (uint64_t)info->numel + (uint64_t)k]) > 1e-6f)
				fail_msg("picture %d, number %d: %g, not %g", (int)i, (int)k,
				         (double)x[k],
				         (double)want[i * (uint64_t)info->numel + (uint64_t)k]);
	}
	gm_data_close(d);
}

/* All types and layouts of the same twelve numbers: two pictures of 2 x 3. */
static void numpy_layouts(void **state)
{
	(void)state;
	const uint8_t u[] = {0, 51, 102, 153, 204, 255, 255, 204, 153, 102, 51, 0};
	uint8_t uf[12], last[36], first[36];
	float f[12], want[36];
	double g[12];
	int32_t i4[12];
	int64_t i8[12];
	for (int i = 0; i < 12; i++) {
		f[i] = u[i] / 255.f, g[i] = u[i] / 127.5 - 1, i4[i] = i8[i] = u[i];
		want[i] = u[i] / 127.5f - 1;
		/* the same [2,2,3] with the first index fastest */
		uf[i / 6 + 2 * (i / 3 % 2) + 4 * (i % 3)] = u[i];
	}
	check_pictures(open_npy("|u1", false, "(2, 2, 3)", u, 12), 1, 2, 3, want);
	check_pictures(open_npy("|u1", true, "(2, 2, 3)", uf, 12), 1, 2, 3, want);
	check_pictures(open_npy("<f4", false, "(2, 2, 3)", f, sizeof f), 1, 2, 3, want);
	check_pictures(open_npy("<f8", false, "(2, 1, 3, 2)", g, sizeof g), 1, 3, 2, want);
	check_pictures(open_npy("<i4", false, "(2, 2, 3, 1)", i4, sizeof i4), 1, 2, 3, want);
	check_pictures(open_npy("<i8", false, "(2,2,3)", i8, sizeof i8), 1, 2, 3, want);
	/* colour, last and first */
	for (int i = 0; i < 2; i++)
		for (int c = 0; c < 3; c++)
			for (int k = 0; k < 6; k++) {
				const uint8_t v = (uint8_t)(i * 100 + c * 10 + k);
				last[i * 18 + k * 3 + c] = first[i * 18 + c * 6 + k] = v;
				want[i * 18 + c * 6 + k] = v / 127.5f - 1;
			}
	check_pictures(open_npy("|u1", false, "(2, 2, 3, 3)", last, 36), 3, 2, 3, want);
	check_pictures(open_npy("|u1", false, "(2, 3, 3, 2)", first, 36), 3, 3, 2, want);
}

static void numpy_refusals(void **state)
{
	(void)state;
	const float odd[] = {0, 2, 300, 1}, nan[] = {0, NAN, 1, 1};
	const uint8_t u[12] = {0};
	const struct {
		blob f;
		const char *message;
	} bad[] = {
		{npy("<f4", false, "(1, 2, 2)", odd, sizeof odd), "values from 0 to 300"},
		{npy("<f4", false, "(1, 2, 2)", nan, sizeof nan), "not finite"},
		{npy(">f4", false, "(1, 2, 2)", odd, sizeof odd), "of type '>f4'"},
		{npy("|O", false, "(1, 2, 2)", odd, sizeof odd), "of type '|O' (Python objects)"},
		{npy("<f2", false, "(1, 2, 2)", u, 8), "of type '<f2' (16-bit floats), which is "
	                                               "not read; save it with astype('float32')"},
		{npy("<U5", false, "(1, 2, 2)", u, 8), "of type '<U5' (text)"},
		{npy("|u1", false, "(1, 2, 1, 4)", u, 8),
	         "4 channels; they must be 1 (grey) or 3 (RGB), so save x[..., :3]"},
		{npy("|u1", false, "(3, 2, 3)", u, 12), "truncated (its header says 18"},
		{npy("|u1", false, "(1, 2, 3)", u, 12), "bytes after the last number"},
		{npy("|u1", false, "(1, 1, 1, 1, 1, 12)", u, 12), "0 to 5 dimensions"},
		{npy("|u1", false, "()", u, 1), "a single number"},
		{npy("|u1", false, "(12,)", u, 12), "this has 1 dimension"},
		{npy("|u1", false, "(4611686018427387904, 4, 4)", u, 12), "absurd"},
		{npy("|u1", false, "(99999999999999999999, 4, 4)", u, 12), "absurd"},
		{npy("|u1", false, "(0, 4, 4)", u, 0), "a dimension of 0"},
		{npy("|u1", false, "(1, 2, 3, 2)", u, 12),
	         "means 2 channels; they must be 1 (grey) or 3 (RGB)"},
		{{.b = "PK\3\4 no numpy at all", .n = 20}, "does not begin as one"},
		{{.b = "\x93NUMPY\1\0\xff\xff{", .n = 14}, "truncated in its header"},
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		scratch_write("bad.npy", bad[i].f.b, bad[i].f.n);
		refused("bad.npy", NULL, GM_ERR_FORMAT, bad[i].message);
	}
	const blob good = npy("|u1", false, "(3, 2, 2)", u, 12);
	for (size_t cut = 0; cut < good.n; cut++) {
		gm_npy_array a;
		gm_error err = {0};
		uint8_t *copy = malloc(cut + !cut);
		memcpy(copy, good.b, cut);
		assert_false(gm_npy_parse(&a, "it", copy, cut, &err));
		assert_int_equal(err.code, GM_ERR_FORMAT);
		free(copy);
	}
}

static void put_zip(const char *name, const char *const *names, const blob *files, int n)
{
	struct archive *a = archive_write_new();
	archive_write_set_format_zip(a);
	assert_int_equal(archive_write_open_filename(a, scratch_path(name)), ARCHIVE_OK);
	for (int i = 0; i < n; i++) {
		struct archive_entry *e = archive_entry_new();
		archive_entry_set_pathname(e, names[i]);
		archive_entry_set_size(e, (la_int64_t)files[i].n);
		archive_entry_set_filetype(e, AE_IFREG);
		assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
		assert_int_equal(archive_write_data(a, files[i].b, files[i].n), files[i].n);
		archive_entry_free(e);
	}
	assert_int_equal(archive_write_close(a), ARCHIVE_OK);
	archive_write_free(a);
}

static void npz_keys(void **state)
{
	(void)state;
	const uint8_t u[12] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
	const int64_t y[] = {2, 0, 1}, minus[] = {0, -1, 1};
	const blob three = npy("|u1", false, "(3, 2, 2)", u, 12),
		   two = npy("|u1", false, "(2, 2, 3)", u, 12);
	const blob labels = npy("<i8", false, "(3,)", y, 24),
		   column = npy("<i8", false, "(3, 1)", y, 24);
	put_zip("parts.npz", (const char *const[]){"y_train.npy", "x_test.npy", "x_train.npy"},
	        (const blob[]){column, two, three}, 3);
	gm_dataset *d = open_set("parts.npz", NULL);
	assert_int_equal(gm_data_info_of(d)->count, 3);
	assert_int_equal(gm_data_info_of(d)->classes, 3);
	int32_t label;
	assert_true(gm_data_get(d, 0, NULL, &label, NULL));
	assert_int_equal(label, 2);
	gm_data_close(d);
	d = open_set("parts.npz", &(gm_data_options){.split = "test"});
	assert_int_equal(gm_data_info_of(d)->count, 2);
	assert_int_equal(gm_data_info_of(d)->classes, 0);
	gm_data_close(d);
	/* The classes are those of all parts: here the test part alone has the last one. */
	const int64_t more[] = {4, 0};
	put_zip("classes.npz",
	        (const char *const[]){"x_train.npy", "y_train.npy", "x_test.npy", "y_test.npy"},
	        (const blob[]){three, labels, two, npy("<i8", false, "(2,)", more, 16)}, 4);
	for (int test = 0; test < 2; test++) {
		d = open_set("classes.npz", &(gm_data_options){.split = test ? "test" : "train"});
		assert_int_equal(gm_data_info_of(d)->classes, 5);
		gm_data_close(d);
	}
	/* Truth values are black and white. */
	const uint8_t bits[4] = {0, 1, 1, 0};
	const blob b = npy("|b1", false, "(1, 2, 2)", bits, 4);
	scratch_write("bits.npy", b.b, b.n);
	d = open_set("bits.npy", NULL);
	float x[4];
	assert_true(gm_data_get(d, 0, x, NULL, NULL));
	assert_true(x[0] == -1 && x[1] == 1);
	assert_non_null(gm_data_note(d, 0));
	gm_data_close(d);
	put_zip("plain.npz", (const char *const[]){"arr_0.npy", "arr_1.npy"},
	        (const blob[]){three, labels}, 2);
	d = open_set("plain.npz", &(gm_data_options){.split = "train"});
	assert_int_equal(gm_data_info_of(d)->classes, 3);
	gm_data_close(d);
	refused("plain.npz", &(gm_data_options){.split = "test"}, GM_ERR_VALUE, "no test split");
	put_zip("bad.npz", (const char *const[]){"images.npy", "labels.npy"},
	        (const blob[]){two, labels}, 2);
	refused("bad.npz", NULL, GM_ERR_FORMAT, "3 labels for 2 examples");
	put_zip("bad.npz", (const char *const[]){"images.npy", "labels.npy"},
	        (const blob[]){three, npy("<i8", false, "(3,)", minus, 24)}, 2);
	refused("bad.npz", NULL, GM_ERR_FORMAT, "label -1 of example 1");
	put_zip("bad.npz", (const char *const[]){"weights.npy"}, (const blob[]){two}, 1);
	refused("bad.npz", NULL, GM_ERR_FORMAT, "it has no array named");
	scratch_write("bad.npz", "PK", 2);
	refused("bad.npz", NULL, GM_ERR_FORMAT, "not a readable archive");
	/* labels beside */
	scratch_write("x_train.npy", three.b, three.n);
	scratch_write("y_train.npy", labels.b, labels.n);
	d = open_set("x_train.npy", NULL);
	assert_int_equal(gm_data_info_of(d)->classes, 3);
	gm_data_close(d);
}

static void write_mat(const char *name, int classes, const size_t dims[4], int rank, const void *x,
                      const double *y, size_t labels, enum matio_compression z)
{
	mat_t *m = Mat_CreateVer(scratch_path(name), NULL, MAT_FT_MAT5);
	assert_non_null(m);
	size_t d[4] = {dims[0], dims[1], dims[2], rank > 3 ? dims[3] : 0}, dy[2] = {labels, 1};
	matvar_t *v = Mat_VarCreate(classes ? "X" : "other", MAT_C_UINT8, MAT_T_UINT8, rank, d,
	                            (void *)(uintptr_t)x, 0);
	assert_int_equal(Mat_VarWrite(m, v, z), 0);
	Mat_VarFree(v);
	if (y) {
		v = Mat_VarCreate("y", MAT_C_DOUBLE, MAT_T_DOUBLE, 2, dy, (void *)(uintptr_t)y, 0);
		assert_int_equal(Mat_VarWrite(m, v, z), 0);
		Mat_VarFree(v);
	}
	Mat_Close(m);
}

/* SVHN's layout: [H,W,C,N] with the first index fastest, classes 1 to 10 where 10 is the digit 0.
 */
static void matlab(void **state)
{
	(void)state;
	enum { H = 2, W = 3, C = 3, N = 10 };
	uint8_t x[H * W * C * N];
	double y[N];
	for (int n = 0; n < N; n++) {
		y[n] = n + 1;
		for (int c = 0; c < C; c++)
			for (int i = 0; i < H * W; i++) /* i = row * W + column */
				x[i / W + H * (i % W + W * (c + C * n))] =
					(uint8_t)(n * 18 + c * 6 + i);
	}
	const size_t dims[] = {H, W, C, N};
	for (int z = 0; z < 2; z++) {
		write_mat("train_32x32.mat", 1, dims, 4, x, y, N,
		          z ? MAT_COMPRESSION_ZLIB : MAT_COMPRESSION_NONE);
		gm_dataset *d = open_set("train_32x32.mat", NULL);
		assert_int_equal(gm_data_info_of(d)->classes, 10);
		for (int n = 0; n < N; n++) {
			float v[C * H * W];
			int32_t label;
			assert_true(gm_data_get(d, (uint64_t)n, v, &label, NULL));
			assert_int_equal(label, (n + 1) % 10);
			for (int k = 0; k < C * H * W; k++)
				assert_true(fabsf(v[k] - ((n * 18 + k) / 127.5f - 1)) < 1e-6f);
		}
		gm_data_close(d);
	}
	/* Its folder, by SVHN's names. */
	assert_true(gm_file_make_folder(scratch_path("svhn"), NULL));
	assert_int_equal(
		rename(scratch_path("train_32x32.mat"), scratch_path("svhn/train_32x32.mat")), 0);
	gm_dataset *d = open_set("svhn", &(gm_data_options){.split = "train"});
	assert_int_equal(gm_data_info_of(d)->count, N);
	gm_data_close(d);
	refused("svhn", &(gm_data_options){.split = "test"}, GM_ERR_IO, "test_32x32.mat");
	/* Cut anywhere it is refused, or what remains is whole by chance of compression never. */
	gm_bytes f;
	gm_error err = {0};
	assert_true(gm_file_open(scratch_path("svhn/train_32x32.mat"), &f, &err));
	for (size_t cut = 0; cut + 100 < f.size; cut += 17) {
		scratch_write("cut.mat", f.data, cut);
		err = (gm_error){0};
		d = gm_data_open(scratch_path("cut.mat"), NULL, &err);
		if (d)
			assert_int_equal(gm_data_info_of(d)->classes,
			                 0); /* the labels come after X */
		else
			assert_int_equal(err.code, GM_ERR_FORMAT);
		gm_data_close(d);
	}
	gm_file_close(&f);
	y[3] = .5;
	write_mat("bad.mat", 1, dims, 4, x, y, N, MAT_COMPRESSION_NONE);
	refused("bad.mat", NULL, GM_ERR_FORMAT, "is not a class number");
	write_mat("bad.mat", 1, dims, 4, x, y, 3, MAT_COMPRESSION_NONE);
	refused("bad.mat", NULL, GM_ERR_FORMAT, "3 labels for 10");
	write_mat("bad.mat", 0, dims, 4, x, NULL, 0, MAT_COMPRESSION_NONE);
	refused("bad.mat", NULL, GM_ERR_FORMAT, "no numeric array X");
	scratch_write("bad.mat", "MATLAB 7.3 MAT-file", 19);
	refused("bad.mat", NULL, GM_ERR_FORMAT, "not a MATLAB v5 file");
}

static void put_records(const char *name, int labels, int from, int n)
{
	FILE *f = fopen(scratch_path(name), "wb");
	assert_non_null(f);
	for (int i = 0; i < n; i++) {
		if (labels == 2)
			fputc(0, f);
		fputc((from + i) % 10, f);
		for (int k = 0; k < 3072; k++)
			fputc(from + i + k / 1024, f);
	}
	fclose(f);
}

static void cifar(void **state)
{
	(void)state;
	assert_true(gm_file_make_folder(scratch_path("c10/cifar-10-batches-bin"), NULL));
	put_records("c10/cifar-10-batches-bin/data_batch_2.bin", 1, 3, 2);
	put_records("c10/cifar-10-batches-bin/data_batch_1.bin", 1, 0, 3);
	put_records("c10/cifar-10-batches-bin/test_batch.bin", 1, 100, 4);
	scratch_write("c10/cifar-10-batches-bin/batches.meta.txt",
	              "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n", 21);
	gm_dataset *d = open_set("c10", NULL);
	const gm_data_info *info = gm_data_info_of(d);
	assert_int_equal(info->count, 5);
	assert_int_equal(info->classes, 10);
	assert_string_equal(info->class_names[9], "j");
	float x[3072];
	int32_t label;
	assert_true(gm_data_get(d, 4, x, &label, NULL));
	assert_int_equal(label, 4);
	assert_true(fabsf(x[0] - (4 / 127.5f - 1)) < 1e-6f &&
	            fabsf(x[3071] - (6 / 127.5f - 1)) < 1e-6f);
	const uint64_t hash = info->hash;
	gm_data_close(d);
	d = open_set("c10", &(gm_data_options){.split = "test", .classes = 10});
	assert_int_equal(gm_data_info_of(d)->count, 4);
	gm_data_close(d);
	/* as published */
	char command[512];
	snprintf(command, sizeof command,
	         "cd '%s/c10' && tar czf ../c10.tar.gz cifar-10-batches-bin", scratch);
	assert_int_equal(system(command), 0);
	d = open_set("c10.tar.gz", NULL);
	assert_true(gm_data_info_of(d)->hash == hash);
	gm_data_close(d);
	assert_true(gm_file_make_folder(scratch_path("c100"), NULL));
	put_records("c100/train.bin", 2, 0, 2);
	d = open_set("c100", NULL);
	assert_int_equal(gm_data_info_of(d)->classes, 100);
	gm_data_close(d);
	d = open_set("c100/train.bin", NULL);
	assert_int_equal(gm_data_info_of(d)->count, 2);
	gm_data_close(d);
	scratch_write("odd.bin", "abc", 3);
	refused("odd.bin", NULL, GM_ERR_FORMAT, "not a multiple of the CIFAR record size");
	put_records("eleven.bin", 1, 0, 1);
	FILE *f = fopen(scratch_path("eleven.bin"), "r+b");
	fputc(10, f), fclose(f);
	refused("eleven.bin", NULL, GM_ERR_FORMAT, "label 10 of 10 classes");
}

static bool csv(const char *text, gm_pictures *p, gm_error *err)
{
	*p = (gm_pictures){0}, *err = (gm_error){0};
	/* without a byte to spare */
	const size_t n = strlen(text);
	char *copy = malloc(n ? n : 1);
	assert_non_null(copy);
	for (size_t i = 0; i < n; i++)
		copy[i] = text[i];
	const bool ok = gm_csv_parse(p, "it", copy, n, err);
	free(copy);
	return ok;
}

static void text_points(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int count, width, labels;
		float first, last;
	} good[] = {
		{"1,2\n3,4\n", 2, 2, 0, 1, 4},
		{"x,y\r\n1,2\r\n3,4", 2, 2, 0, 1, 4},
		{"# made by hand\n\n 1 2 3 \n", 1, 3, 0, 1, 3},
		{"\"x\";\"y\";\"label\"\n.5;-1e3;2\n0;0;0\n", 2, 2, 3, .5f, 0},
		{"class,a\n1,7\n", 1, 1, 2, 7, 7},
		{"a\tb\ty\n1\t2\t0\n", 1, 2, 1, 1, 2},
	};
	gm_pictures p;
	gm_error err;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		if (!csv(good[i].text, &p, &err))
			fail_msg("%s", err.message);
		assert_int_equal(p.count, good[i].count);
		assert_int_equal(p.width, good[i].width);
		assert_int_equal(p.labels, good[i].labels);
		assert_true(p.point[0] == good[i].first &&
		            p.point[p.count * (uint64_t)p.width - 1] == good[i].last);
		gm_pictures_free(&p);
	}
	static const struct {
		const char *text, *message;
	} bad[] = {
		{"", "no points"},
		{"x,y\n", "no points"},
		{"1,2\n3\n", "line 2: fewer"},
		{"1,2\n3,4,5\n", "line 2: more"},
		{"1,2\n3,four\n", "line 2: not a number"},
		{"1,nan\n", "line 1: not a number"},
		{"1,1e99\n", "not a number"},
		{"x,label\n1,-1\n", "line 2: a label"},
		{"x,label\n1,.5\n", "line 2: a label"},
		{"label\n1\n", "no numeric columns"},
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_false(csv(bad[i].text, &p, &err));
		if (!strstr(err.message, bad[i].message))
			fail_msg("\"%s\" does not say \"%s\"", err.message, bad[i].message);
		gm_pictures_free(&p);
	}
	scratch_write("p.csv", "x,y,label\n1,2,0\n-3,4,1\n5,-6,1\n", 30);
	gm_dataset *d = open_set("p.csv", &(gm_data_options){.split = "train", .classes = 2});
	const gm_data_info *info = gm_data_info_of(d);
	assert_true(info->rank == 1 && info->numel == 2 && info->low == -6 && info->high == 5);
	float x[6];
	int32_t label[3];
	assert_true(gm_data_batch(d, 1, 0, 3, x, label, NULL));
	assert_true(x[0] + x[2] + x[4] == 3 && label[0] + label[1] + label[2] == 2);
	gm_data_close(d);
	refused("p.csv", &(gm_data_options){.size = 8}, GM_ERR_VALUE, "points have no size");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numpy_layouts), cmocka_unit_test(numpy_refusals),
		cmocka_unit_test(npz_keys),      cmocka_unit_test(matlab),
		cmocka_unit_test(cifar),         cmocka_unit_test(text_points),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
