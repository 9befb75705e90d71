/* SPDX-License-Identifier: MIT
 *
 * use/captions.c -- see captions.h.
 */
#include "use/captions.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"

enum { MOST = 4096 };

void gm_captions_free(gm_captions *c)
{
	free(c->text);
	*c = (gm_captions){0};
}

/* Adds characters outside the alphabet of text encoders to c->unknown, each once. */
static void list_unknown(gm_captions *c, const char *text, size_t n)
{
	for (size_t i = 0, bytes; i < n; i += bytes) {
		char one[8], *all = c->unknown;
		const char lower =
			text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] + 32) : text[i];
		bytes = 1;
		while (i + bytes < n && ((unsigned char)text[i + bytes] & 0xc0) == 0x80)
			bytes++;
		snprintf(one, sizeof one, "%.*s", (int)bytes, text + i);
		if ((bytes == 1 && strchr(gm_alphabet, lower)) || strstr(all, one) ||
		    strlen(all) + bytes + 2 > sizeof c->unknown)
			continue;
		snprintf(all + strlen(all), sizeof c->unknown - strlen(all), "%s%s",
		         *all ? " " : "", one);
	}
}

static bool add(gm_captions *c, const gm_saved *s, const char *text, size_t n, gm_error *err)
{
	while (n && (*text == ' ' || *text == '\t'))
		text++, n--;
	while (n && strchr(" \t\r", text[n - 1]))
		n--;
	if (!n)
		return gm_fail(err, GM_ERR_VALUE, "caption %" PRId64 " is empty", c->n + 1);
	if (!gm_text_is_utf8(text, n) || memchr(text, 0, n))
		return gm_fail(err, GM_ERR_VALUE, "caption %" PRId64 " is not text in UTF-8",
		               c->n + 1);
	if ((int64_t)n > c->length)
		return gm_fail(err, GM_ERR_VALUE,
		               "caption %" PRId64 " has %zu bytes; the model reads %" PRId64
		               " (option caption-length of its training)",
		               c->n + 1, n, c->length);
	if (c->n == MOST)
		return gm_fail(err, GM_ERR_VALUE, "more than %d captions", MOST);
	int32_t *more = realloc(c->text, (size_t)((c->n + 1) * c->length) * sizeof *more);
	if (!more)
		return gm_fail(err, GM_ERR_MEMORY, "no memory for captions");
	c->text = more;
	for (int64_t k = 0; k < c->length; k++)
		more[c->n * c->length + k] = k < (int64_t)n ? (unsigned char)text[k] : 0;
	c->n++;
	if (*gm_saved_option(s, "text"))
		list_unknown(c, text, n);
	return true;
}

/* Lines that are not empty. */
static bool add_lines(gm_captions *c, const gm_saved *s, const char *text, size_t n, gm_error *err)
{
	for (size_t at = 0; at < n;) {
		const char *end = memchr(text + at, '\n', n - at);
		const size_t line = end ? (size_t)(end - text) - at : n - at;
		bool blank = true;
		for (size_t k = 0; k < line; k++)
			blank = blank && strchr(" \t\r", text[at + k]) && text[at + k];
		if (!blank && !add(c, s, text + at, line, err))
			return false;
		at += line + 1;
	}
	return c->n > 0 || gm_fail(err, GM_ERR_VALUE, "it has no captions");
}

bool gm_captions_read(gm_captions *c, gm_saved *s, const char *endpoint, const char *text,
                      const char *file, gm_error *err)
{
	gm_bytes bytes;
	gm_error why = {0};
	*c = (gm_captions){.length = gm_saved_caption_length(s, endpoint)};
	if (!c->length)
		return gm_fail(err, GM_ERR_VALUE,
		               "option %s: %s does not read captions; use a model that does, such "
		               "as gan-cls",
		               file ? "captions" : "caption", gm_saved_model(s)->name);
	if (file) {
		if (!gm_file_open(file, &bytes, err))
			return false;
		const bool mark = bytes.size >= 3 && !memcmp(bytes.data, "\xef\xbb\xbf", 3);
		const bool ok = add_lines(c, s, (const char *)bytes.data + (mark ? 3 : 0),
		                          bytes.size - (mark ? 3 : 0), &why);
		gm_file_close(&bytes);
		return ok || gm_fail(err, why.code, "%s: %s", file, why.message);
	}
	for (const char *end; (end = strstr(text, " | ")); text = end + 3)
		if (!add(c, s, text, (size_t)(end - text), &why))
			return gm_fail(err, why.code, "option caption: %s", why.message);
	return add(c, s, text, strlen(text), &why) ||
	       gm_fail(err, why.code, "option caption: %s", why.message);
}
