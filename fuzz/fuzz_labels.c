/* SPDX-License-Identifier: MIT
 *
 * fuzz_labels.c -- tables that say what pictures are, and patterns of names. The first byte chooses
 * which kind the rest is. */
#include "data/labels.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void fail_unless_said(const gm_error *err)
{
	if (err->code == GM_OK || !err->message[0])
		__builtin_trap();
}

static void try_table(const char *name, const uint8_t *bytes, size_t n)
{
	gm_error err = {0};
	gm_sheet s;
	if (!gm_sheet_parse(&s, name, bytes, n, &err)) {
		fail_unless_said(&err);
		return;
	}
	volatile size_t sum = 0;
	for (uint64_t r = 0; r < s.rows; r++)
		for (int c = 0; c < s.columns; c++)
			sum += strlen(gm_sheet_cell(&s, r, c));
	gm_sheet_free(&s);
}

/* A pattern, a zero, and a name for it. */
static void try_pattern(const uint8_t *bytes, size_t n)
{
	gm_error err = {0};
	char *text = malloc(n + 2);
	memcpy(text, bytes, n);
	text[n] = text[n + 1] = 0;
	gm_pattern *p = gm_pattern_new(text, &err);
	if (!p)
		fail_unless_said(&err);
	gm_arena *a = gm_arena_new();
	const char *word[64];
	volatile size_t sum = 0;
	if (p && gm_pattern_match(p, text + strlen(text) + 1, a, word))
		for (int i = 0; i < gm_pattern_columns(p); i++)
			sum += strlen(word[i]) + strlen(gm_pattern_column(p, i));
	gm_arena_free(a);
	gm_pattern_free(p);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static const char *const names[] = {"labels.csv", "dataset.json", "list_attr_celeba.txt"};
	if (n == 0)
		return 0;
	if (bytes[0] % 4 < 3)
		try_table(names[bytes[0] % 4], bytes + 1, n - 1);
	else
		try_pattern(bytes + 1, n - 1);
	return 0;
}
