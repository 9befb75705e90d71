/* SPDX-License-Identifier: MIT
 *
 * safetensors_tool.c -- our side of safetensors.py: `write FILE` writes known tensors, `read FILE`
 * prints what a file holds as name, type, shape and the sum of its bytes. */
#include "tensorfile/safetensors.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool write_known(const char *path, gm_error *err)
{
	static const float weight[6] = {0, 1, 2, 3, 4, 5};
	static const double scalar = 2.5;
	static const int32_t i32[2] = {-1, 7};
	static const int64_t i64[1] = {-5};
	static const uint64_t u64 = UINT64_MAX;
	static const uint8_t u8[3] = {1, 2, 255};
	const gm_st_tensor t[] = {
		{.name = "u8", .type = GM_ST_U8, .rank = 1, .dims = {3}, .data = u8},
		{.name = "G/weight", .type = GM_ST_F32, .rank = 2, .dims = {2, 3}, .data = weight},
		{.name = "scalar", .type = GM_ST_F64, .data = &scalar},
		{.name = "i32", .type = GM_ST_I32, .rank = 1, .dims = {2}, .data = i32},
		{.name = "i64", .type = GM_ST_I64, .rank = 1, .dims = {1}, .data = i64},
		{.name = "u64", .type = GM_ST_U64, .data = &u64},
		{.name = "empty", .type = GM_ST_F32, .rank = 2, .dims = {0, 4}},
		{.name = "\xc3\xa9 \"q\" \\", .type = GM_ST_U8, .rank = 1, .dims = {3}, .data = u8},
	};
	const gm_st_pair meta[] = {{"model", "dcgan"}, {"text", "a \"b\"\n\t\x01 \xc3\xa9"}};
	return gm_st_write(path, t, sizeof t / sizeof *t, meta, 2, err);
}

static bool print(const char *path, gm_error *err)
{
	gm_st *st = gm_st_open(path, err);
	if (!st)
		return false;
	for (int64_t i = 0; i < gm_st_count(st); i++) {
		const gm_st_tensor *t = gm_st_at(st, i);
		uint64_t sum = 0;
		for (uint64_t k = 0; k < t->bytes; k++)
			sum += ((const uint8_t *)t->data)[k];
		printf("%s|%s|", t->name, gm_st_type_name(t->type));
		for (int k = 0; k < t->rank; k++)
			printf("%s%" PRId64, k ? "," : "", t->dims[k]);
		printf("|%" PRIu64 "\n", sum);
	}
	for (int64_t i = 0; i < gm_st_meta_count(st); i++)
		printf("meta|%s|%s\n", gm_st_meta_at(st, i).key, gm_st_meta_at(st, i).value);
	gm_st_close(st);
	return true;
}

int main(int argc, char **argv)
{
	gm_error err = {0};
	if (argc != 3)
		return 2;
	if (strcmp(argv[1], "write") == 0 ? write_known(argv[2], &err) : print(argv[2], &err))
		return 0;
	fprintf(stderr, "%s\n", err.message);
	return 1;
}
