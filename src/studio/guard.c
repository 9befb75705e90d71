/* SPDX-License-Identifier: MIT
 *
 * studio/guard.c -- see guard.h.
 */
#include "studio/guard.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

bool gm_guard_host(const gm_guard *g, const char *host)
{
	char want[300];
	for (int i = 0; host && i < g->names; i++) {
		snprintf(want, sizeof want, "%s:%d", g->name[i], g->port);
		if (!strcasecmp(host, want))
			return true;
	}
	return false;
}

bool gm_guard_origin(const gm_guard *g, const char *origin)
{
	return origin && !strncmp(origin, "http://", 7) && gm_guard_host(g, origin + 7);
}

bool gm_guard_token(const gm_guard *g, const char *token)
{
	size_t n = token ? strlen(token) : 0;
	unsigned differs = n != GM_STUDIO_TOKEN - 1;
	for (size_t i = 0; i < GM_STUDIO_TOKEN - 1; i++)
		differs |= (unsigned)(g->token[i] ^ (i < n ? token[i] : 0));
	return differs == 0;
}

bool gm_guard_id(const char *id)
{
	size_t digits = strspn(id, "0123456789"), rest = 0;
	if (digits < 5 || digits > 9 || id[digits] != '-')
		return false;
	for (const char *p = id + digits + 1; *p; p++, rest++)
		if (!isalnum((unsigned char)*p) && !strchr("._-", *p))
			return false;
	return rest >= 1 && rest <= 120;
}

bool gm_guard_match(const char *path, const char *pattern, char *id, int64_t *number)
{
	while (*path == '/' && *pattern == '/') {
		size_t n = strcspn(++path, "/"), m = strcspn(++pattern, "/");
		char part[GM_PATH_ID];
		if (n >= sizeof part)
			return false;
		snprintf(part, sizeof part, "%.*s", (int)n, path);
		if (m == 2 && !strncmp(pattern, "ID", 2)) {
			if (!gm_guard_id(part))
				return false;
			memcpy(id, part, n + 1);
		} else if (m == 6 && !strncmp(pattern, "NUMBER", 6)) {
			if (n < 1 || n > 9 || strspn(part, "0123456789") != n ||
			    !gm_text_i64(part, number))
				return false;
		} else if (n != m || strncmp(path, pattern, n) != 0) {
			return false;
		}
		path += n, pattern += m;
	}
	return !*path && !*pattern;
}

static int hexadecimal(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
	                              : -1;
}

int gm_guard_query(const char *query, const char *name, char *text, size_t room)
{
	size_t n = strlen(name), k = 0;
	const char *at = query;
	while (at && (strncmp(at, name, n) != 0 || at[n] != '=')) {
		at = strchr(at, '&');
		at = at ? at + 1 : NULL;
	}
	if (!at)
		return 0;
	for (at += n + 1; *at && *at != '&'; at++) {
		int c = (unsigned char)*at;
		if (c == '%') {
			int high = hexadecimal(at[1]), low = high < 0 ? -1 : hexadecimal(at[2]);
			if (low < 0)
				break;
			c = high << 4 | low;
			at += 2;
		} else if (c == '+') {
			c = ' ';
		}
		if (c < ' ' || c == 127 || k + 1 >= room)
			break;
		text[k++] = (char)c;
	}
	bool whole = !*at || *at == '&';
	text[k] = 0;
	if (whole && gm_text_is_utf8(text, k))
		return 1;
	text[0] = 0;
	return -1;
}
