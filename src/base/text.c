/* SPDX-License-Identifier: MIT
 *
 * text.c -- parses numbers and compares names typed by users. See text.h. */
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* strtoll and its kin skip spaces and accept a plus; what starts like that is not a number here. */
static bool starts_like_number(const char *s)
{
	if (!s)
		return false;
	if (*s == '-')
		s++;
	return isdigit((unsigned char)*s) || (*s == '.' && isdigit((unsigned char)s[1]));
}

bool gm_text_i64(const char *s, int64_t *v)
{
	if (!starts_like_number(s))
		return false;
	char *end;
	errno = 0;
	const long long x = strtoll(s, &end, 10);
	if (errno || *end || end == s)
		return false;
	*v = x;
	return true;
}

bool gm_text_size(const char *text, int64_t *a, int64_t *b)
{
	char first[16] = "";
	const char *x = strchr(text, 'x');
	if (!x || x - text >= (ptrdiff_t)sizeof first)
		return false;
	memcpy(first, text, x - text);
	return gm_text_i64(first, a) && gm_text_i64(x + 1, b);
}

bool gm_text_u64(const char *s, uint64_t *v)
{
	if (!starts_like_number(s) || *s == '-')
		return false;
	char *end;
	errno = 0;
	const unsigned long long x = strtoull(s, &end, 10);
	if (errno || *end || end == s)
		return false;
	*v = x;
	return true;
}

bool gm_text_f64(const char *s, double *v)
{
	if (!starts_like_number(s) || strpbrk(s, "xX"))
		return false;
	char *end;
	const double x = strtod(s, &end);
	if (*end || end == s || !isfinite(x))
		return false;
	*v = x;
	return true;
}

static char fold(char c)
{
	return c == '_' ? '-' : (char)tolower((unsigned char)c);
}

#define LONGEST 63

static int min2(int a, int b)
{
	return a < b ? a : b;
}

int gm_text_distance(const char *a, const char *b)
{
	const int la = (int)strnlen(a, LONGEST), lb = (int)strnlen(b, LONGEST);
	int row[3][LONGEST + 1]; /* two rows back, one back, this one */
	int *two = row[0], *one = row[1], *now = row[2];

	for (int j = 0; j <= lb; j++)
		one[j] = j;
	for (int i = 1; i <= la; i++) {
		now[0] = i;
		for (int j = 1; j <= lb; j++) {
			const char x = fold(a[i - 1]), y = fold(b[j - 1]);
			int best = one[j - 1] + (x != y);
			best = min2(best, min2(one[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && x == fold(b[j - 2]) && y == fold(a[i - 2]))
				best = min2(best, two[j - 2] + 1);
			now[j] = best;
		}
		int *t = two;
		two = one, one = now, now = t;
	}
	return one[lb];
}

const char *gm_text_nearest(const char *word, const char *const *names, int n)
{
	const char *best = NULL;
	const int len = (int)strnlen(word, LONGEST);
	int least = len < 4 ? 1 : len < 8 ? 2 : 3;
	for (int i = 0; i < n; i++) {
		const int d = gm_text_distance(word, names[i]);
		if (d < least || (d == least && !best)) {
			least = d;
			best = names[i];
		}
	}
	return best;
}

bool gm_text_is_utf8(const char *s, size_t n)
{
	const unsigned char *p = (const unsigned char *)s, *end = p + n;
	while (p < end) {
		const unsigned c = *p++;
		if (c < 0x80)
			continue;
		const int more = c >= 0xF0 ? 3 : c >= 0xE0 ? 2 : 1;
		if (c < 0xC2 || c > 0xF4 || end - p < more)
			return false;
		/* The second byte rules out overlong forms, surrogates and anything above
		 * U+10FFFF. */
		const unsigned low = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80;
		const unsigned high = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
		if (*p < low || *p > high)
			return false;
		p++;
		for (int i = 1; i < more; i++, p++)
			if ((*p & 0xC0) != 0x80)
				return false;
	}
	return true;
}

char *gm_text_copy(const void *bytes, size_t n)
{
	char *s = malloc(n + 1);
	if (s) {
		memcpy(s, bytes, n);
		s[n] = 0;
	}
	return s;
}

bool gm_text_ends(const char *text, const char *ending)
{
	const size_t n = strlen(text), m = strlen(ending);
	return n > m && !strcasecmp(text + n - m, ending);
}
