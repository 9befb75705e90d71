/* SPDX-License-Identifier: MIT
 *
 * json.c -- see json.h. */
#include "base/json.h"

#include "base/arena.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char mark[] = "bytes:";

json_t *gm_json_text(const char *text)
{
	const size_t n = strlen(text);
	/* Text that looks like the escape is escaped too, so that every text comes back as it was.
	 */
	if (gm_text_is_utf8(text, n) && strncmp(text, mark, sizeof mark - 1) != 0)
		return json_string(text);
	char *escaped = malloc(sizeof mark + 3 * n), *to = escaped;
	if (!escaped)
		gm_no_memory(3 * n);
	to += sprintf(to, "%s", mark);
	for (const unsigned char *p = (const unsigned char *)text; *p; p++)
		if (*p < 0x20 || *p >= 0x7F || *p == '%')
			to += sprintf(to, "%%%02X", *p);
		else
			*to++ = (char)*p;
	*to = 0;
	json_t *v = json_string(escaped);
	free(escaped);
	return v;
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

char *gm_json_text_of(const json_t *v)
{
	const char *text = json_string_value(v);
	char *out = text ? strdup(text) : NULL;
	if (text && !out)
		gm_no_memory(strlen(text));
	if (!out || strncmp(out, mark, sizeof mark - 1) != 0)
		return out;
	char *to = out;
	for (const char *p = out + sizeof mark - 1; *p; p++) {
		const int high = *p == '%' ? digit(p[1]) : -1, low = high >= 0 ? digit(p[2]) : -1;
		if (low >= 0 && (high || low))
			*to++ = (char)(high << 4 | low), p += 2;
		else
			*to++ = *p;
	}
	*to = 0;
	return out;
}
