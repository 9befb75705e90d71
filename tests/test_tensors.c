/* SPDX-License-Identifier: MIT
 *
 * test_tensors.c -- weights from other programs: files of PyTorch and NumPy (fuzz/corpus/pth),
 * truncated or modified files, and pickles that would run code. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/file.h"
#include "tensorfile/tensors.h"
#include "scratch.h"

#include <math.h>

#define CORPUS "fuzz/corpus/pth/"

static gm_tensors *opened(const char *path)
{
	gm_error err = {0};
	gm_tensors *f = gm_tensors_open(path, &err);
	if (!f)
		fail_msg("%s", err.message);
	return f;
}

static void holds(const gm_tensors *f, const char *name, gm_st_type type, int rank,
                  const int64_t *dims, const float *want, int n)
{
	const gm_tensor *t = gm_tensors_find(f, name);
	float got[32];
	assert_non_null(t);
	assert_int_equal(t->type, type);
	assert_int_equal(t->rank, rank);
	for (int i = 0; i < rank; i++)
		assert_int_equal(t->dims[i], dims[i]);
	assert_int_equal(gm_tensor_numel(t), n);
	gm_tensor_f32(t, got);
	for (int i = 0; i < n; i++)
		if (got[i] != want[i])
			fail_msg("%s[%d] is %g, want %g", name, i, got[i], want[i]);
}

/* What the script of the corpus put in: arange(12) / 8 as [3,4] and views of it, and so on. */
static void from_pytorch(void **state)
{
	static const char *const files[] = {CORPUS "zip.pth", CORPUS "legacy.pth",
	                                    CORPUS "protocol4.pth"};
	static const char *const formats[] = {"PyTorch zip", "PyTorch pickles", "PyTorch zip"};
	float w[12], t[12];
	(void)state;
	for (int i = 0; i < 12; i++)
		w[i] = (float)i / 8, t[i % 4 * 3 + i / 4] = (float)i / 8;
	for (int k = 0; k < 3; k++) {
		gm_tensors *f = opened(files[k]);
		assert_string_equal(gm_tensors_format(f), formats[k]);
		assert_int_equal(gm_tensors_count(f), 9);
		holds(f, "w", GM_ST_F32, 2, (int64_t[]){3, 4}, w, 12);
		holds(f, "t", GM_ST_F32, 2, (int64_t[]){4, 3}, t, 12);
		holds(f, "row", GM_ST_F32, 1, (int64_t[]){2}, (float[]){6.f / 8, 10.f / 8}, 2);
		/* 6e-5 is below binary16's smallest normal number: 1007 steps of 2^-24 */
		holds(f, "half", GM_ST_F16, 1, (int64_t[]){3}, (float[]){1.5f, -2, 1007 * 0x1p-24f},
		      3);
		holds(f, "brain", GM_ST_BF16, 2, (int64_t[]){2, 1}, (float[]){1.5f, -2}, 2);
		holds(f, "count", GM_ST_I64, 0, NULL, (float[]){7}, 1);
		holds(f, "double", GM_ST_F64, 1, (int64_t[]){1}, (float[]){.1f}, 1);
		holds(f, "none", GM_ST_F32, 2, (int64_t[]){0, 3}, NULL, 0);
		holds(f, "same", GM_ST_F32, 1, (int64_t[]){5}, (float[]){4, 4, 4, 4, 4}, 5);
		double d;
		gm_tensor_f64(gm_tensors_find(f, "double"), &d);
		assert_true(d == .1);
		assert_null(gm_tensors_find(f, "W"));
		gm_tensors_close(f);
	}
	gm_tensors_close(NULL);
}

/* {"epoch": 3, "state_dict": {"module.weight": ...}}, and parameters instead of tensors */
static void in_wrappings(void **state)
{
	(void)state;
	gm_tensors *f = opened(CORPUS "wrapped.pth");
	assert_int_equal(gm_tensors_count(f), 5);
	holds(f, "running_var", GM_ST_F32, 1, (int64_t[]){2}, (float[]){1, 1}, 2);
	holds(f, "num_batches_tracked", GM_ST_I64, 0, NULL, (float[]){0}, 1);
	gm_tensors_close(f);
	f = opened(CORPUS "parameters.pth");
	assert_int_equal(gm_tensors_count(f), 2);
	holds(f, "bias", GM_ST_F32, 1, (int64_t[]){2}, (float[]){0, 0}, 2);
	gm_tensors_close(f);
}

static void from_numpy_and_safetensors(void **state)
{
	(void)state;
	gm_tensors *f = opened(CORPUS "two.npz");
	assert_string_equal(gm_tensors_format(f), "npz");
	holds(f, "mu", GM_ST_F64, 1, (int64_t[]){3}, (float[]){0, 1, 2}, 3);
	holds(f, "count", GM_ST_I64, 0, NULL, (float[]){7}, 1);
	gm_tensors_close(f);
	f = opened(CORPUS "packed.npz");
	assert_int_equal(gm_tensor_numel(gm_tensors_find(f, "mu")), 600);
	gm_tensors_close(f);

	const float x[6] = {1, 2, 3, 4, 5, 6};
	const gm_st_tensor st = {"x", GM_ST_F32, 2, {2, 3}, x, 0};
	gm_error err = {0};
	assert_true(gm_st_write(scratch_path("x.safetensors"), &st, 1, NULL, 0, &err));
	f = opened(scratch_path("x.safetensors"));
	assert_string_equal(gm_tensors_format(f), "safetensors");
	holds(f, "x", GM_ST_F32, 2, (int64_t[]){2, 3}, x, 6);
	gm_tensors_close(f);
}

static void refused(const void *bytes, size_t n, const char *part)
{
	gm_error err = {0};
	gm_tensors *f = gm_tensors_open_memory("it.pth", bytes, n, &err);
	assert_null(f);
	if (!strstr(err.message, part) || !strstr(err.message, "it.pth"))
		fail_msg("\"%s\" says nothing of \"%s\"", err.message, part);
}

static void refused_file(const char *path, const char *part)
{
	gm_bytes file;
	gm_error err = {0};
	assert_true(gm_file_open(path, &file, &err));
	refused(file.data, file.size, part);
	gm_file_close(&file);
}

static void code_is_refused_by_name(void **state)
{
	(void)state;
	refused_file(CORPUS "code.pth", "posix.system is not a tensor: this file would run code");
	refused_file(CORPUS "code-legacy.pth",
	             "posix.system is not a tensor: this file would run code");
	refused_file(CORPUS "module.pth", "torch.nn.modules.batchnorm.BatchNorm2d is not a tensor");
}

/* The row of pickles up to the object. */
#define BEFORE                                                                                     \
	"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."                                \
	"\x80\x02M\xe9\x03."                                                                       \
	"\x80\x02}X\x0d\0\0\0little_endian\x88s."
/* A float storage "0" of two elements, and the start of a tensor made of it. */
#define STORAGE                                                                                    \
	"(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0"                                         \
	"0X\3\0\0\0cpuK\2tQ"
#define REBUILD "ctorch._utils\n_rebuild_tensor_v2\n("
#define AFTER                                                                                      \
	"\x80\x02]X\1\0\0\0"                                                                       \
	"0a.\2\0\0\0\0\0\0\0\0\0\x80?\0\0\0@"
#define ALONE(text)                                                                                \
	BEFORE "\x80\x02" text ".\x80\x02].", sizeof(BEFORE "\x80\x02" text ".\x80\x02].") - 1
#define OBJECT(text) BEFORE "\x80\x02" text ".", sizeof(BEFORE "\x80\x02" text ".") - 1
#define WHOLE(text) BEFORE "\x80\x02" text "." AFTER, sizeof(BEFORE "\x80\x02" text "." AFTER) - 1

static void by_hand(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *part;
	} bad[] = {
		{OBJECT("cos\nsystem\nX\2\0\0\0ls\x85R"), "os.system is not a tensor"},
		{OBJECT("cbuiltins\neval\n"), "builtins.eval is not a tensor"},
		{OBJECT("X\2\0\0\0osX\6\0\0\0system\x93"), "os.system is not a tensor"},
		{OBJECT("c__builtin__\ngetattr\n"), "__builtin__.getattr is not a tensor"},
		{OBJECT("ctorch._utils\n_rebuild_tensor\n"), "torch._utils._rebuild_tensor is not"},
		{OBJECT("(S'ls'\nios\nsystem\n"), "opcode STRING has no place"},
		{OBJECT("(ios\nsystem\n"), "opcode INST has no place"},
		{OBJECT(")\x81"), "opcode NEWOBJ has no place"},
		{OBJECT("\x82\1"), "opcode EXT1 has no place"},
		{OBJECT("\xff"), "0xff is no opcode"},
		{OBJECT(""), "a value is missing on the stack"},
		{OBJECT("t"), "a mark is missing"},
		{OBJECT("(K\1u"), "a key without a value"},
		{OBJECT("]K\1K\2s"), "no list or dict"},
		{OBJECT("h\0"), "remembers what was never kept"},
		{OBJECT("}r\xff\xff\xff\xff"), "more values"},
		{OBJECT("X\xff\xff\xff\xff"
	                "abc"),
	         "truncated"},
		{OBJECT("K\1K\2R"), "cannot be called"},
		{OBJECT("ctorch\nFloatStorage\n)R"), "a call that no state dict makes"},
		{OBJECT("K\1Q"), "no storage"},
		{OBJECT("K\1}b"), "no list or dict"},
		{ALONE("K\1"), "no state dict (a dict of tensors"},
		{WHOLE("}X\1\0\0\0w" REBUILD STORAGE "K\0K\3\x85K\1\x85\x89}tRs"),
	         "tensor w: it reaches beyond"},
		{WHOLE("}X\1\0\0\0w" REBUILD STORAGE "K\0K\2\x85K\2\x85\x89}tRs"),
	         "tensor w: it reaches beyond"},
		{WHOLE("}X\1\0\0\0w" REBUILD STORAGE "J\xff\xff\xff\xffK\2\x85K\1\x85\x89}tRs"),
	         "tensor w: it reaches beyond"},
		{WHOLE("}X\1\0\0\0w" REBUILD STORAGE "K\0J\xff\xff\xff\xff\x85K\1\x85\x89}tRs"),
	         "tensor w: a size that is no number"},
		{WHOLE("}X\1\0\0\0w" REBUILD STORAGE "K\0K\2\x85)\x89}tRs"),
	         "tensor w: its sizes and strides"},
		{ALONE("}X\1\0\0\0w" REBUILD "K\0K\0K\2\x85)\x89}tRs"),
	         "tensor w: it is not made of a storage"},
		/* a dict that holds itself */
		{WHOLE("}q\0X\1\0\0\0w" REBUILD STORAGE "K\0K\2\x85K\1\x85\x89}tRsX\1\0\0\0"
	               "dh\0s"),
	         "too deep"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		refused(bad[i].bytes, bad[i].n, bad[i].part);
	/* and the good one that they are changes of */
	static const char good[] =
		BEFORE "\x80\x02}X\1\0\0\0w" REBUILD STORAGE "K\0K\2\x85K\1\x85\x89}tRs." AFTER;
	gm_error err = {0};
	gm_tensors *f = gm_tensors_open_memory("it.pth", good, sizeof good - 1, &err);
	if (!f)
		fail_msg("%s", err.message);
	holds(f, "w", GM_ST_F32, 1, (int64_t[]){2}, (float[]){1, 2}, 2);
	gm_tensors_close(f);
}

/* Cut anywhere, a file is refused; changed anywhere, it is refused or reads as something. */
static void cut_and_changed(void **state)
{
	static const char *const files[] = {CORPUS "legacy.pth", CORPUS "zip.pth", CORPUS "two.npz",
	                                    CORPUS "packed.npz"};
	(void)state;
	for (size_t k = 0; k < sizeof files / sizeof *files; k++) {
		gm_bytes file;
		gm_error err = {0};
		assert_true(gm_file_open(files[k], &file, &err));
		for (size_t n = 0; n < file.size; n++) {
			/* in memory of exactly that length, so that a sanitizer sees the end */
			uint8_t *copy = malloc(n ? n : 1);
			memcpy(copy, file.data, n);
			err = (gm_error){0};
			gm_tensors *f = gm_tensors_open_memory("cut", copy, n, &err);
			if (f)
				fail_msg("%s cut at %zu of %zu is taken", files[k], n, file.size);
			assert_true(err.code != GM_OK && err.message[0]);
			free(copy);
		}
		uint8_t *copy = malloc(file.size);
		for (size_t n = 0; n < file.size; n++) {
			memcpy(copy, file.data, file.size);
			copy[n] ^= (uint8_t)(1u << n % 8);
			err = (gm_error){0};
			gm_tensors *f = gm_tensors_open_memory("changed", copy, file.size, &err);
			assert_true(f || (err.code != GM_OK && err.message[0]));
			gm_tensors_close(f);
		}
		free(copy);
		gm_file_close(&file);
	}
}

static void other_files(void **state)
{
	(void)state;
	refused("", 0, "neither safetensors nor .npz nor PyTorch's");
	refused("GIF89a.............", 19, "neither safetensors");
	gm_error err = {0};
	assert_null(gm_tensors_open("/nonexistent/weights.pth", &err));
	assert_int_equal(err.code, GM_ERR_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(from_pytorch),
		cmocka_unit_test(in_wrappings),
		cmocka_unit_test(from_numpy_and_safetensors),
		cmocka_unit_test(code_is_refused_by_name),
		cmocka_unit_test(by_hand),
		cmocka_unit_test(cut_and_changed),
		cmocka_unit_test(other_files),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
