/* SPDX-License-Identifier: MIT
 *
 * npy.c -- NumPy's arrays. See npy.h. */
#include "tensorfile/npy.h"

#include <inttypes.h>

#include "base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_MAX 65536

int gm_array_size(gm_array_type t)
{
	static const int size[] = {1, 1, 2, 2, 4, 8, 4, 8};
	return size[t];
}

void gm_array_strides(gm_npy_array *a, bool fortran)
{
	int64_t step = 1;
	for (int i = 0; i < a->rank; i++) {
		const int k = fortran ? i : a->rank - 1 - i;
		a->stride[k] = step;
		step *= a->dims[k];
	}
}

int64_t gm_array_numel(const gm_npy_array *a)
{
	int64_t n = 1;
	for (int i = 0; i < a->rank; i++)
		if (a->dims[i] < 0 || __builtin_mul_overflow(n, a->dims[i], &n) ||
		    n > (int64_t)1 << 62)
			return -1;
	return n;
}

static bool bad(const char *name, const char *what, gm_error *err)
{
	return gm_fail(err, GM_ERR_FORMAT, "%s: NumPy array: %s", name, what);
}

/* The header is a Python dict of three keys, written by a program. Where the value of one begins,
 * or NULL. */
static const char *value_of(const char *header, const char *key)
{
	char quoted[32];
	snprintf(quoted, sizeof quoted, "'%s'", key);
	const char *p = strstr(header, quoted);
	if (!p)
		return NULL;
	p += strlen(quoted);
	while (*p == ' ')
		p++;
	if (*p++ != ':')
		return NULL;
	while (*p == ' ')
		p++;
	return p;
}

/* Error for an unsupported type, with advice. p: the value of descr, such as '<f2'. */
static bool refuse_type(const char *p, const char *name, gm_error *err)
{
	static const struct {
		const char *type, *what, *advice;
	} others[] = {
		{"f2", "16-bit floats", "astype('float32')"},
		{"f16", "floats of 16 bytes", "astype('float64')"},
		{"u4", "unsigned 32-bit integers", "astype('int64')"},
		{"u8", "unsigned 64-bit integers", "astype('int64')"},
		{"c8", "complex numbers", "abs(), or real and imag apart"},
		{"c16", "complex numbers", "abs(), or real and imag apart"},
		{"O", "Python objects", "stack the pictures into one array of numbers"},
	};
	char type[24] = "";
	const char quote = *p, *end = quote == '\'' || quote == '"' ? strchr(p + 1, quote) : NULL;
	if (!end || end - p - 1 >= (ptrdiff_t)sizeof type)
		return gm_fail(err, GM_ERR_FORMAT,
		               "%s: NumPy array of a structured type; save each of its fields by "
		               "itself",
		               name);
	memcpy(type, p + 1, (size_t)(end - p - 1));
	const char *kind = type + (strchr("<>|=", type[0]) && type[0] ? 1 : 0);
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (strcmp(kind, others[i].type) == 0)
			return gm_fail(
				err, GM_ERR_FORMAT,
				"%s: NumPy array of type '%s' (%s), which is not read; save it "
				"with %s",
				name, type, others[i].what, others[i].advice);
	const bool big = type[0] == '>', text = kind[0] == 'U' || kind[0] == 'S';
	return gm_fail(err, GM_ERR_FORMAT,
	               "%s: NumPy array of type '%s'%s, which is not read; read are bytes, truth "
	               "values, little-endian integers and floats of 4 and 8 bytes%s",
	               name, type,
	               big    ? " (big-endian)"
	               : text ? " (text)"
	                      : "",
	               big ? ": save it with astype('<f4')" : "");
}

static bool parse_type(gm_npy_array *a, const char *p, const char *name, gm_error *err)
{
	static const struct {
		const char *descr;
		gm_array_type type;
	} types[] = {{"'|u1'", GM_ARRAY_U8},  {"'|b1'", GM_ARRAY_U8},  {"'|i1'", GM_ARRAY_I8},
	             {"'<u2'", GM_ARRAY_U16}, {"'<i2'", GM_ARRAY_I16}, {"'<i4'", GM_ARRAY_I32},
	             {"'<i8'", GM_ARRAY_I64}, {"'<f4'", GM_ARRAY_F32}, {"'<f8'", GM_ARRAY_F64}};
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (strncmp(p, types[i].descr, 5) == 0) {
			a->type = types[i].type;
			return true;
		}
	return refuse_type(p, name, err);
}

static bool parse_shape(gm_npy_array *a, const char *p, const char *name, gm_error *err)
{
	if (*p++ != '(')
		return bad(name, "its header has no shape", err);
	for (;;) {
		while (*p == ' ' || *p == ',')
			p++;
		if (*p == ')')
			break;
		if (!isdigit((unsigned char)*p) || a->rank == GM_ARRAY_RANK)
			return bad(name, "its shape is not 0 to 5 dimensions", err);
		int64_t v = 0;
		for (; isdigit((unsigned char)*p); p++)
			if (__builtin_mul_overflow(v, (int64_t)10, &v) ||
			    __builtin_add_overflow(v, (int64_t)(*p - '0'), &v))
				return bad(name, "absurd dimensions", err);
		a->dims[a->rank++] = v;
	}
	return true;
}

bool gm_npy_parse(gm_npy_array *a, const char *name, const void *bytes, size_t n, gm_error *err)
{
	const uint8_t *p = bytes;
	*a = (gm_npy_array){0};
	if (n < 12 || memcmp(p, "\x93NUMPY", 6) != 0)
		return bad(name, "it does not begin as one", err);
	if (p[6] < 1 || p[6] > 3)
		return bad(name, "an unknown version", err);
	const size_t start = p[6] == 1 ? 10 : 12;
	const size_t length = p[8] | (size_t)p[9] << 8 |
	                      (p[6] == 1 ? 0 : (size_t)p[10] << 16 | (size_t)p[11] << 24);
	if (length > HEADER_MAX || length > n - start)
		return bad(name, "truncated in its header", err);
	char *header = gm_text_copy(p + start, length);
	if (!header)
		return gm_fail(err, GM_ERR_MEMORY, "%s: out of memory", name);
	const char *descr = value_of(header, "descr"), *order = value_of(header, "fortran_order"),
		   *shape = value_of(header, "shape");
	bool ok = (descr && order && shape) || bad(name, "its header lacks a key", err);
	ok = ok && parse_type(a, descr, name, err) && parse_shape(a, shape, name, err);
	const bool fortran = ok && strncmp(order, "True", 4) == 0;
	free(header);
	if (!ok)
		return false;
	int64_t size;
	const int64_t numel = gm_array_numel(a);
	if (numel < 0 || __builtin_mul_overflow(numel, (int64_t)gm_array_size(a->type), &size))
		return bad(name, "absurd dimensions", err);
	if ((uint64_t)size != n - start - length)
		return gm_fail(err, GM_ERR_FORMAT,
		               "%s: NumPy array: %s (its header says %lld bytes, it has %zu)", name,
		               (uint64_t)size > n - start - length ? "the file is truncated"
		                                                   : "bytes after the last number",
		               (long long)size, n - start - length);
	gm_array_strides(a, fortran);
	a->data = p + start + length;
	return true;
}

int gm_npy_head(char head[GM_NPY_HEAD], const char *type, const int64_t *dim, int rank)
{
	char shape[100] = "";
	for (int i = 0, at = 0; i < rank; i++)
		at += snprintf(shape + at, sizeof shape - at, "%" PRId64 "%s", dim[i],
		               rank == 1      ? ","
		               : i + 1 < rank ? ", "
		                              : "");
	memset(head, ' ', GM_NPY_HEAD);
	static const char magic[] = {'\x93', 'N', 'U', 'M', 'P', 'Y', 1, 0, 0, 0};
	memcpy(head, magic, sizeof magic);
	int n = snprintf(head + 10, 180, "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }",
	                 type, shape);
	head[10 + n] = ' ';
	int all = 10 + n + 1 <= 128 ? 128 : 192;
	head[8] = (char)(all - 10);
	head[all - 1] = '\n';
	return all;
}
