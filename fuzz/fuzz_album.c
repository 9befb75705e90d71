/* SPDX-License-Identifier: MIT
 *
 * fuzz_album.c -- files of the cache of decoded pictures. The hashes of the input's tables are put
 * right first: a fuzzer would never guess them, and what lies behind them must hold by itself. */
#include "base/machine.h"
#include "data/album.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* Where in the footer: see album_file.c. */
enum { KEY = 8, COUNTS = 16, TABLE_HASH = 144 };

static void put_hashes_right(uint8_t *p, size_t n)
{
	uint64_t count[6]; /* entries, bads, others, tables, slots, text */
	const uint64_t key = 1;
	if (n < GM_ALBUM_FOOTER)
		return;
	uint8_t *footer = p + n - GM_ALBUM_FOOTER;
	memcpy(footer + KEY, &key, 8);
	memcpy(count, footer + COUNTS, sizeof count);
	if (count[0] < n && count[1] < n && count[2] < n && count[3] < n && count[5] < n) {
		const size_t part[] = {count[0] * sizeof(gm_album_entry),
		                       count[1] * sizeof(gm_album_left),
		                       count[2] * sizeof(gm_album_left),
		                       count[3] * sizeof(gm_album_table), count[5]};
		const size_t all = part[0] + part[1] + part[2] + part[3] + part[4];
		if (all <= n - GM_ALBUM_FOOTER) {
			const uint8_t *table = footer - all;
			uint64_t h = 0;
			for (int i = 0; i < 5; table += part[i++])
				h = gm_hash(h, table, part[i]);
			memcpy(footer + TABLE_HASH, &h, 8);
		}
	}
	const uint64_t h = gm_hash(0, footer, GM_ALBUM_FOOTER - 8);
	memcpy(footer + GM_ALBUM_FOOTER - 8, &h, 8);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	gm_error err = {0};
	gm_album a;
	uint8_t *copy = malloc(n + !n);
	memcpy(copy, bytes, n);
	put_hashes_right(copy, n);
	const gm_bytes map = {.data = copy, .size = n};
	if (gm_album_parse(&a, &map, 1, &err)) {
		volatile uint64_t sum = 0;
		const uint64_t one = (uint64_t)a.channels * (uint64_t)a.height * (uint64_t)a.width;
		for (uint64_t i = 0; i < a.entries; i++) {
			sum += a.pixel[a.entry[i].slot * one] + strlen(a.text + a.entry[i].name);
			sum += strlen(a.text + a.entry[i].caption);
		}
		for (uint64_t i = 0; i < a.bads; i++)
			sum += strlen(a.text + a.bad[i].reason) + strlen(a.text + a.bad[i].name);
		for (uint64_t i = 0; i < a.others; i++)
			sum += strlen(a.text + a.other[i].reason);
		for (uint64_t i = 0; i < a.tables; i++)
			sum += a.text[a.table[i].text + a.table[i].size];
		a.map = (gm_bytes){0};
		gm_album_close(&a);
	} else if (err.code == GM_OK || !err.message[0]) {
		__builtin_trap();
	}
	free(copy);
	return 0;
}
