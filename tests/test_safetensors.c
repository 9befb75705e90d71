/* SPDX-License-Identifier: MIT
 *
 * test_safetensors.c -- written files can be read; malformed files are errors.
 * tests/parity/safetensors.py checks the same against Python's own implementation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/file.h"
#include "tensorfile/safetensors.h"
#include "scratch.h"

static void round_trip(void **state)
{
	(void)state;
	const uint8_t mask[3] = {1, 2, 3};
	const float w[6] = {1, 2, 3, 4, 5, 6.5f};
	const double scalar = 2.5;
	const int64_t step = -7;
	const uint64_t counter = UINT64_MAX;
	const int32_t label[2] = {-1, 5};
	const gm_st_tensor t[] = {
		{.name = "mask", .type = GM_ST_U8, .rank = 1, .dims = {3}, .data = mask},
		{.name = "G/fc/weight", .type = GM_ST_F32, .rank = 2, .dims = {2, 3}, .data = w},
		{.name = "scalar", .type = GM_ST_F64, .rank = 0, .data = &scalar},
		{.name = "empty", .type = GM_ST_F32, .rank = 2, .dims = {0, 4}},
		{.name = "step", .type = GM_ST_I64, .rank = 1, .dims = {1}, .data = &step},
		{.name = "counter", .type = GM_ST_U64, .rank = 0, .data = &counter},
		{.name = "r\xc3\xa9"
	                 "al \"quoted\" \\ \t",
	         .type = GM_ST_I32,
	         .rank = 1,
	         .dims = {2},
	         .data = label},
	};
	const gm_st_pair meta[] = {
		{"model", "dcgan"}, {"options", "{\"width\": \"64\"}\n\x01"}, {"", ""}};
	gm_error err = {0};
	const char *path = scratch_path("a.safetensors");
	assert_true(gm_st_write(path, t, 7, meta, 3, &err));

	gm_st *st = gm_st_open(path, &err);
	assert_non_null(st);
	assert_int_equal(gm_st_count(st), 7);
	for (int i = 0; i < 7; i++) {
		const gm_st_tensor *r = gm_st_find(st, t[i].name);
		assert_non_null(r);
		assert_int_equal(r->type, t[i].type);
		assert_int_equal(r->rank, t[i].rank);
		uint64_t n = (uint64_t)gm_st_type_size(r->type);
		for (int k = 0; k < r->rank; k++) {
			assert_int_equal(r->dims[k], t[i].dims[k]);
			n *= (uint64_t)r->dims[k];
		}
		assert_int_equal(r->bytes, n);
		if (n > 0)
			assert_memory_equal(r->data, t[i].data, n);
		assert_int_equal((uintptr_t)r->data % (unsigned)gm_st_type_size(r->type), 0);
	}
	assert_int_equal(gm_st_meta_count(st), 3);
	for (int i = 0; i < 3; i++)
		assert_string_equal(gm_st_meta(st, meta[i].key), meta[i].value);
	assert_null(gm_st_find(st, "nothing"));
	assert_null(gm_st_meta(st, "nothing"));
	gm_st_close(st);
	gm_st_close(NULL);
}

static void nothing_at_all(void **state)
{
	(void)state;
	gm_error err = {0};
	const char *path = scratch_path("none.safetensors");
	assert_true(gm_st_write(path, NULL, 0, NULL, 0, &err));
	gm_st *st = gm_st_open(path, &err);
	assert_non_null(st);
	assert_int_equal(gm_st_count(st), 0);
	assert_null(gm_st_find(st, "x"));
	assert_null(gm_st_meta(st, "x"));
	gm_st_close(st);
}

static void same_bytes_again(void **state)
{
	(void)state;
	const float w[2] = {1, 2};
	const gm_st_tensor t = {.name = "w", .type = GM_ST_F32, .rank = 1, .dims = {2}, .data = w};
	gm_bytes a, b;
	assert_true(gm_st_write(scratch_path("1"), &t, 1, NULL, 0, NULL));
	assert_true(gm_st_write(scratch_path("2"), &t, 1, NULL, 0, NULL));
	assert_true(gm_file_open(scratch_path("1"), &a, NULL) &&
	            gm_file_open(scratch_path("2"), &b, NULL));
	assert_int_equal(a.size, b.size);
	assert_memory_equal(a.data, b.data, a.size);
	gm_file_close(&a), gm_file_close(&b);
}

static void writer_refuses(void **state)
{
	(void)state;
	const float w = 1;
	const struct {
		const char *a, *b;
	} names[] = {{"x", "x"}, {"", "y"}, {"__metadata__", "y"}, {"\xff", "y"}};
	const char *path = scratch_path("refused");
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const gm_st_tensor t[] = {{.name = names[i].a, .data = &w},
		                          {.name = names[i].b, .data = &w}};
		gm_error err = {0};
		assert_false(gm_st_write(path, t, 2, NULL, 0, &err));
		assert_int_equal(err.code, GM_ERR_VALUE);
	}
	const gm_st_tensor negative = {.name = "x", .rank = 1, .dims = {-1}, .data = &w};
	assert_false(gm_st_write(path, &negative, 1, NULL, 0, NULL));
	const gm_st_pair twice[] = {{"k", "1"}, {"k", "2"}};
	assert_false(gm_st_write(path, NULL, 0, twice, 2, NULL));
	assert_false(gm_file_exists(path));
}

/* A file with this header and n bytes after it. The bytes have no room beyond their end, for the
 * sanitizer's sake. */
static gm_st *with_header(const char *json, size_t n, gm_error *err, uint8_t **bytes)
{
	const uint64_t length = strlen(json);
	*bytes = calloc(1, 8 + length + n);
	memcpy(*bytes, &length, 8);
	memcpy(*bytes + 8, json, length);
	return gm_st_open_memory(*bytes, 8 + length + n, err);
}

#define T(dtype, shape, offsets)                                                                   \
	"{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

static void hostile_headers(void **state)
{
	(void)state;
	static const struct {
		const char *json;
		size_t n;
		const char *message; /* part of it */
	} bad[] = {
		{"", 0, "must start"},
		{" {}", 0, "must start"},
		{"[]", 0, "must start"},
		{"{", 0, "expected a string"},
		{"{}x", 0, "bytes after"},
		{"{\"a\"}", 0, "expected ':'"},
		{"{\"a\":1}", 0, "expected '{'"},
		{"{\"a\":{}}", 0, "expected a string"},
		{"{\"a\":{\"dtype\":\"F32\"}}", 0, "without dtype"},
		{"{\"a\":" T("F31", "[]", "[0,4]") "}", 4, "unknown dtype"},
		{"{\"a\":" T("F32", "[-1]", "[0,4]") "}", 4, "non-negative"},
		{"{\"a\":" T("F32", "[1.0]", "[0,4]") "}", 4, "expected ',' or ']'"},
		{"{\"a\":" T("F32", "[01]", "[0,4]") "}", 4, "starts with 0"},
		{"{\"a\":" T("F32", "[1e3]", "[0,4]") "}", 4, "expected ',' or ']'"},
		{"{\"a\":" T("F32", "[99999999999999999999]", "[0,4]") "}", 4, "too large"},
		{"{\"a\":" T("F32", "[4611686018427387904,4]", "[0,0]") "}", 0, "overflows"},
		{"{\"a\":" T("F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]") "}", 4, "more than 8"},
		{"{\"a\":" T("F32", "[1]", "[0,8]") "}", 8, "do not agree"},
		{"{\"a\":" T("F32", "[1]", "[4,0]") "}", 4, "ends before"},
		{"{\"a\":" T("F32", "[1]", "[0,4]") "}", 3, "beyond the end"},
		{"{\"a\":" T("F32", "[1]", "[9223372036854775800,9223372036854775804]") "}", 4,
	         "beyond the end"},
		{"{\"a\":" T("F32", "[1]", "[0,4]") "}", 5, "belong to no tensor"},
		{"{\"a\":" T("F32", "[1]", "[4,8]") "}", 8, "hole"},
		{"{\"a\":" T("F32", "[2]", "[0,8]") ",\"b\":" T("F32", "[1]", "[4,8]") "}", 8,
	         "overlaps"},
		{"{\"a\":" T("F32", "[1]", "[0,4]") ",\"b\":" T("F32", "[1]", "[0,4]") "}", 4,
	         "overlaps"},
		{"{\"a\":" T("F32", "[1]", "[0,4]") ",\"a\":" T("F32", "[1]", "[4,8]") "}", 8,
	         "are called \"a\""},
		{"{\"a\":" T("F32", "[1]", "[0,4]") ",}", 4, "expected a string"},
		{"{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4],\"shape\":[]}}", 4,
	         "given twice"},
		{"{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4],\"more\":[]}}", 4,
	         "unknown field"},
		{"{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0]}}", 4,
	         "expected ','"},
		{"{\"__metadata__\":{\"a\":1}}", 0, "only strings"},
		{"{\"__metadata__\":{\"a\":{}}}", 0, "only strings"},
		{"{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0, "\"a\" twice"},
		{"{\"__metadata__\":{},\"__metadata__\":{}}", 0, "given twice"},
		{"{\"__metadata__\":{\"a\":\"\\u0000\"}}", 0, "zero character"},
		{"{\"__metadata__\":{\"a\":\"\\ud800\"}}", 0, "surrogate"},
		{"{\"__metadata__\":{\"a\":\"\\ud800\\u0041\"}}", 0, "surrogate"},
		{"{\"__metadata__\":{\"a\":\"\\udc00\"}}", 0, "surrogate"},
		{"{\"__metadata__\":{\"a\":\"\\u00g0\"}}", 0, "hexadecimal"},
		{"{\"__metadata__\":{\"a\":\"\\u00", 0, "truncated"},
		{"{\"__metadata__\":{\"a\":\"\\x\"}}", 0, "unknown escape"},
		{"{\"__metadata__\":{\"a\":\"\\", 0, "does not end"},
		{"{\"__metadata__\":{\"a\":\"", 0, "does not end"},
		{"{\"__metadata__\":{\"a\":\"\n\"}}", 0, "control character"},
		{"{\"__metadata__\":{\"a\":\"\xff\"}}", 0, "not UTF-8"},
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		gm_error err = {0};
		uint8_t *bytes;
		gm_st *st = with_header(bad[i].json, bad[i].n, &err, &bytes);
		if (st || err.code != GM_ERR_FORMAT || !strstr(err.message, bad[i].message))
			fail_msg("%s: \"%s\", wanted \"%s\"", bad[i].json, err.message,
			         bad[i].message);
		free(bytes);
	}
}

static void sound_headers(void **state)
{
	(void)state;
	static const struct {
		const char *json;
		size_t n;
	} good[] = {
		{"{}", 0},
		{"{}   ", 0},
		{"{ \"a\" : " T("F32", "[ 1 , 2 ]", "[ 0 , 8 ]") " }\n", 8},
		{"{\"b\":" T("U8", "[4]", "[4,8]") ",\"a\":" T("F32", "[]", "[0,4]") "}", 8},
		{"{\"z\":" T("F32", "[0,9]", "[4,4]") ",\"a\":" T("U8", "[4]", "[0,4]") ",\"b\":" T(
			 "U8", "[4]", "[4,8]") "}",
	         8},
		{"{\"__metadata__\":{\"\\ud83c\\udfa8\":\"\\u00e9\\u20ac\\/\"}}", 0},
	};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		gm_error err = {0};
		uint8_t *bytes;
		gm_st *st = with_header(good[i].json, good[i].n, &err, &bytes);
		if (!st)
			fail_msg("%s: %s", good[i].json, err.message);
		if (i == 5)
			assert_string_equal(gm_st_meta(st, "\xf0\x9f\x8e\xa8"),
			                    "\xc3\xa9\xe2\x82\xac/");
		gm_st_close(st);
		free(bytes);
	}
}

/* Every file that is truncated must be refused, whatever the place. */
static void cut_short(void **state)
{
	(void)state;
	const float w[3] = {1, 2, 3};
	const gm_st_tensor t[] = {
		{.name = "w", .type = GM_ST_F32, .rank = 1, .dims = {3}, .data = w},
		{.name = "v", .type = GM_ST_F32, .rank = 2, .dims = {1, 2}, .data = w},
	};
	gm_bytes b;
	assert_true(gm_st_write(scratch_path("cut"), t, 2, &(gm_st_pair){"k", "v"}, 1, NULL));
	assert_true(gm_file_open(scratch_path("cut"), &b, NULL));
	for (size_t n = 0; n < b.size; n++) {
		gm_error err = {0};
		uint8_t *copy = malloc(n + !n);
		memcpy(copy, b.data, n);
		assert_null(gm_st_open_memory(copy, n, &err));
		assert_int_equal(err.code, GM_ERR_FORMAT);
		free(copy);
	}
	gm_file_close(&b);

	gm_error err = {0};
	assert_null(gm_st_open("/nowhere.safetensors", &err));
	assert_int_equal(err.code, GM_ERR_IO);
	const uint64_t huge[2] = {UINT64_MAX, 0};
	err = (gm_error){0};
	assert_null(gm_st_open_memory(huge, sizeof huge, &err));
	assert_non_null(strstr(err.message, "claims"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),       cmocka_unit_test(nothing_at_all),
		cmocka_unit_test(same_bytes_again), cmocka_unit_test(writer_refuses),
		cmocka_unit_test(hostile_headers),  cmocka_unit_test(sound_headers),
		cmocka_unit_test(cut_short),
	};
	return cmocka_run_group_tests_name("safetensors", tests, scratch_make, scratch_remove);
}
