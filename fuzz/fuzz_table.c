/* SPDX-License-Identifier: MIT
 *
 * fuzz_table.c -- tables: arbitrary bytes as a CSV file with words, and, after a zero, as the files
 * of a UCI set. Whatever is accepted has rows, finite examples and categories in range. */
#include "data/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void check(const gm_pictures *p)
{
	if (!p->count || p->width < 1)
		abort();
	for (uint64_t i = 0; i < p->count * (uint64_t)p->width; i++)
		if (!isfinite(p->point[i]))
			abort();
	for (int k = 0; k < p->numbers; k++)
		for (uint64_t i = 0; p->number[k].value && i < p->count; i++)
			if (p->number[k].value[i] < 0 ||
			    p->number[k].value[i] >= p->number[k].classes)
				abort();
	for (uint64_t i = 0; p->label && i < p->count; i++)
		if (p->label[i] < 0 || p->label[i] >= p->labels)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	gm_pictures p = {0};
	gm_data_options o = {0};
	char *copy = malloc(n + 3);
	if (!copy || n > 1 << 16) {
		free(copy);
		return 0;
	}
	if (gm_table_has_words((const char *)bytes, n) &&
	    gm_table_parse_csv(&p, "t.csv", bytes, n, &o, NULL))
		check(&p);
	gm_pictures_free(&p);
	memcpy(copy, bytes, n);
	memset(copy + n, 0, 3); /* at least three texts */
	gm_table_files f = {.names = copy, .train_path = "t.data"};
	f.train = f.names + strlen(f.names) + 1;
	f.train = f.train > copy + n ? copy + n : f.train;
	f.test = f.train + strlen(f.train) + 1;
	f.test = f.test > copy + n ? copy + n : f.test;
	o.split = n & 1 ? "test" : "train";
	if (gm_table_parse_uci(&p, &f, &o, NULL))
		check(&p);
	gm_pictures_free(&p);
	free(copy);
	return 0;
}
