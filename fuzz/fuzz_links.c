/* SPDX-License-Identifier: MIT
 *
 * fuzz_links.c -- links of an archive, as lines "name > target" (or "name = target" for hard ones),
 * and names that are asked about. */
#include "data/links.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	char *text = malloc(n + 1), *rest = text;
	const char *asked[32];
	int questions = 0;
	memcpy(text, bytes, n);
	text[n] = 0;
	gm_links *l = gm_links_new();
	for (char *line; (line = strsep(&rest, "\n"));) {
		char *mark = strpbrk(line, ">=");
		const int hard = mark && *mark == '=';
		if (mark)
			*mark = 0;
		if (mark && *line)
			gm_links_add(l, line, mark + 1, hard);
		else if (*line && questions < 32)
			asked[questions++] = line;
	}
	volatile size_t sum = 0;
	if (gm_links_ready(l)) {
		for (int i = 0; i < questions; i++) {
			size_t count;
			const char *const *names = gm_links_to(l, asked[i], &count);
			for (size_t k = 0; k < count; k++)
				if (!(sum += strlen(names[k])))
					__builtin_trap();
		}
		bool circle;
		const char *name;
		for (size_t i = 0; (name = gm_links_lost(l, i, &circle)); i++)
			sum += strlen(name);
	}
	gm_links_free(l);
	free(text);
	return 0;
}
