/* SPDX-License-Identifier: MIT
 *
 * mat.c -- MATLAB v5 files: SVHN's cropped digits (Netzer et al. 2011) and their kin. Pictures are
 * the variable X, [H,W,C,N] or [H,W,N]; labels are y, counted from 1.
 *
 * The format ("MAT-File Format", The MathWorks, chapter 1): 128 bytes of header, then elements,
 * each a type and a length, some packed by zlib, of which arrays hold elements again. Only arrays
 * of real numbers are read, by our own reader: matio takes as much memory as a file claims to need
 * before it looks whether that can be (a few bytes ask for gigabytes), which its interface cannot
 * prevent. The tests write their files with matio. */
#include "data/array.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define DEFLATE_RATIO 1032 /* as in idx.c */
#define HEADER 128

enum { MI_INT8 = 1, MI_INT32 = 5, MI_UINT32 = 6, MI_MATRIX = 14, MI_COMPRESSED = 15 };
enum { FIRST_NUMERIC = 6, LAST_NUMERIC = 15, COMPLEX = 8 }; /* classes double to uint64; a flag */

typedef struct span {
	const uint8_t *p;
	size_t n;
} span;

static uint32_t word(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Takes one element off the front of s. Those of up to four bytes may have type and length in one
 * word; the others end on a multiple of eight, but for packed ones. */
static bool take(span *s, uint32_t *type, span *body)
{
	if (s->n < 8)
		return false;
	const uint32_t first = word(s->p), small = first >> 16;
	size_t used;
	if (small) {
		*type = first & 0xFFFF;
		*body = (span){s->p + 4, small};
		used = 8;
		if (small > 4)
			return false;
	} else {
		*type = first;
		*body = (span){s->p + 8, word(s->p + 4)};
		if (body->n > s->n - 8)
			return false;
		used = 8 + body->n;
		if (*type != MI_COMPRESSED)
			used += (8 - used % 8) % 8;
	}
	used = used < s->n ? used : s->n; /* the last one's padding may be missing */
	s->p += used, s->n -= used;
	return true;
}

typedef struct variable {
	char name[32];
	gm_npy_array a;
} variable;

static bool number_type(uint32_t type, gm_array_type *t)
{
	static const int types[] = {
		[1] = GM_ARRAY_I8,  [2] = GM_ARRAY_U8,  [3] = GM_ARRAY_I16, [4] = GM_ARRAY_U16,
		[5] = GM_ARRAY_I32, [7] = GM_ARRAY_F32, [9] = GM_ARRAY_F64, [12] = GM_ARRAY_I64};
	if (type < 1 || type > 12 || type == 6 || type == 8 || type == 10 || type == 11)
		return false;
	*t = (gm_array_type)types[type];
	return true;
}

/* False for an array of another kind (text, cells, sparse), or one that makes no sense: it is as if
 * it were not there. */
static bool parse_matrix(span s, variable *v)
{
	uint32_t type;
	span flags, dims, name, data;
	*v = (variable){0};
	if (!take(&s, &type, &flags) || type != MI_UINT32 || flags.n != 8 ||
	    flags.p[0] < FIRST_NUMERIC || flags.p[0] > LAST_NUMERIC || flags.p[1] & COMPLEX)
		return false;
	if (!take(&s, &type, &dims) || type != MI_INT32 || dims.n % 4 || dims.n < 8 ||
	    dims.n > 4 * GM_ARRAY_RANK)
		return false;
	if (!take(&s, &type, &name) || type != MI_INT8 || name.n >= sizeof v->name)
		return false;
	memcpy(v->name, name.p, name.n);
	v->a.rank = (int)(dims.n / 4);
	for (int i = 0; i < v->a.rank; i++)
		v->a.dims[i] = (int32_t)word(dims.p + 4 * i);
	if (!take(&s, &type, &data) || !number_type(type, &v->a.type))
		return false;
	v->a.data = data.p;
	const int64_t n = gm_array_numel(&v->a);
	return n > 0 && (uint64_t)n <= data.n &&
	       (uint64_t)n * (uint64_t)gm_array_size(v->a.type) == data.n;
}

/* The array that is packed in s; its bytes, which the caller frees, or NULL. */
static uint8_t *unpack(span s, span *body)
{
	z_stream z = {.next_in = (Bytef *)(uintptr_t)s.p, .avail_in = (uInt)s.n};
	uint8_t tag[8], *out = NULL;
	if (inflateInit(&z) != Z_OK)
		return NULL;
	z.next_out = tag, z.avail_out = sizeof tag;
	int status = inflate(&z, Z_SYNC_FLUSH);
	const size_t n = word(tag + 4);
	/* Before memory is taken: can so few bytes hold as much as they say? */
	if ((status == Z_OK || status == Z_STREAM_END) && z.avail_out == 0 &&
	    word(tag) == MI_MATRIX && n > 0 && n / DEFLATE_RATIO <= s.n)
		out = malloc(n);
	if (out) {
		z.next_out = out, z.avail_out = (uInt)n;
		status = inflate(&z, Z_FINISH);
		/* The end is there, or only its checksum is left. */
		if (z.avail_out != 0 ||
		    (status != Z_STREAM_END && status != Z_BUF_ERROR && status != Z_OK)) {
			free(out);
			out = NULL;
		}
	}
	inflateEnd(&z);
	*body = (span){out, n};
	return out;
}

static int place(const char *name, const char *const *names)
{
	for (int i = 0; names[i]; i++)
		if (strcmp(name, names[i]) == 0)
			return i;
	return -1;
}

/* The array whose name stands first in names. *held: what to free when done with it. */
static bool find(span file, const char *const *names, gm_npy_array *a, uint8_t **held)
{
	int best = INT_MAX;
	uint32_t type;
	span s = {file.p + HEADER, file.n - HEADER}, body;
	*held = NULL;
	while (take(&s, &type, &body)) {
		variable v;
		uint8_t *mine = NULL;
		if (type == MI_COMPRESSED)
			mine = unpack(body, &body);
		else if (type != MI_MATRIX)
			continue;
		const int at = body.p && parse_matrix(body, &v) ? place(v.name, names) : -1;
		if (at >= 0 && at < best) {
			free(*held);
			best = at, *held = mine, *a = v.a;
		} else {
			free(mine);
		}
	}
	return best < INT_MAX;
}

/* As NumPy would see it after moving the last axis to the front: N,H,W,C and N,H,W. */
static void last_axis_first(gm_npy_array *a)
{
	gm_array_strides(a, true);
	const int64_t dim = a->dims[a->rank - 1], stride = a->stride[a->rank - 1];
	for (int i = a->rank - 1; i > 0; i--)
		a->dims[i] = a->dims[i - 1], a->stride[i] = a->stride[i - 1];
	a->dims[0] = dim, a->stride[0] = stride;
}

bool gm_mat_parse(gm_pictures *p, const char *name, const void *bytes, size_t n, gm_error *err)
{
	static const char *const images[] = {"X", "x", "images", "data", NULL};
	static const char *const labels[] = {"y", "Y", "labels", "label", NULL};
	const span file = {bytes, n};
	gm_npy_array a;
	uint8_t *held;
	/* Newer ones are HDF5 inside, older ones have no mark at all; only these begin so. */
	if (n < HEADER || memcmp(bytes, "MATLAB 5.0", 10) != 0)
		return gm_fail(err, GM_ERR_FORMAT,
		               "%s: not a MATLAB v5 file; save it with -v7 (not -v7.3)", name);
	if (memcmp(file.p + 126, "IM", 2) != 0)
		return gm_fail(err, GM_ERR_FORMAT,
		               "%s: a big-endian MATLAB file, which is not supported", name);
	if (!find(file, images, &a, &held))
		return gm_fail(err, GM_ERR_FORMAT,
		               "%s: it has no numeric array X, images or data, or is truncated",
		               name);
	bool ok = (a.rank > 2 && a.rank < 5) ||
	          gm_fail(err, GM_ERR_FORMAT,
	                  "%s: pictures must be H,W,C,N or H,W,N; this has rank %d", name, a.rank);
	if (ok) {
		last_axis_first(&a);
		ok = gm_array_pictures(p, &a, false, name, err);
	}
	free(held);
	if (ok && find(file, labels, &a, &held)) {
		gm_array_strides(&a, true);
		ok = gm_array_labels(p, &a, true, name, err);
		free(held);
	}
	return ok;
}

static bool takes(const gm_place *at)
{
	return !at->folder && strcmp(at->ending, ".mat") == 0;
}

static bool open_mat(gm_pictures *p, const char *path, const gm_data_options *o, gm_error *err)
{
	gm_bytes file;
	if (!gm_pictures_no_split(path, o, err) || !gm_file_open(path, &file, err))
		return false;
	const bool ok = gm_mat_parse(p, path, file.data, file.size, err);
	gm_file_close(&file);
	p->format = "MATLAB";
	p->about = p->label ? "pictures with labels, from a MATLAB file"
	                    : "pictures, from a MATLAB file";
	return ok;
}

/* SVHN's own names: a folder that holds train_32x32.mat or test_32x32.mat. */
static void svhn_path(const char *folder, const char *split, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/%s_32x32.mat", folder, split);
}

static bool takes_folder(const gm_place *at)
{
	char path[PATH_MAX];
	svhn_path(at->path, "train", path);
	if (at->folder && gm_file_exists(path))
		return true;
	svhn_path(at->path, "test", path);
	return at->folder && gm_file_exists(path);
}

static bool open_folder(gm_pictures *p, const char *path, const gm_data_options *o, gm_error *err)
{
	char file[PATH_MAX];
	gm_data_options whole = *o;
	const char *split = o->split ? o->split : "train",
		   *other = strcmp(split, "train") == 0 ? "test" : "train";
	svhn_path(path, split, file);
	if (!gm_file_exists(file))
		return gm_fail(err, GM_ERR_IO,
		               "%s: no %s pictures here (looked for %s_32x32.mat), only %s; use "
		               "--split %s",
		               path, split, split, other, other);
	whole.split = NULL;
	return open_mat(p, file, &whole, err);
}

const gm_format gm_format_mat = {takes, open_mat};
const gm_format gm_format_svhn = {takes_folder, open_folder};
