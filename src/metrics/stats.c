/* SPDX-License-Identifier: MIT
 *
 * metrics/stats.c -- see stats.h. The zip is libarchive's; members are stored, as numpy.savez does.
 */
#include "metrics/stats.h"
#include "tensorfile/npy.h"

#include <archive.h>
#include <archive_entry.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "data/array.h"
#include "data/tree.h"

#define WIDTH_MAX 32768 /* gm_moments's */

void gm_stats_free(gm_stats *s)
{
	free(s->mean);
	free(s->sigma);
	free(s->protocol);
	*s = (gm_stats){0};
}

/* ---- reading --------------------------------------------------------------------------------- */

enum { MU, SIGMA, PROTOCOL, MEMBERS };
static const char *const members[] = {"mu.npy", "sigma.npy", "protocol.npy"};

bool gm_stats_is(const char *path)
{
	size_t n = strlen(path);
	gm_tree_file f;
	unsigned seen = 0;
	if (n < 4 || strcmp(path + n - 4, ".npz") || !gm_file_exists(path))
		return false;
	gm_tree *t = gm_tree_open(path, NULL);
	while (t && gm_tree_next(t, &f, NULL))
		seen |= (!strcmp(f.name, members[MU]) ? 1u : 0) |
		        (!strcmp(f.name, members[SIGMA]) ? 2u : 0);
	gm_tree_close(t);
	return seen == 3;
}

static bool take_doubles(const gm_npy_array *a, const char *path, const char *name, double *out,
                         gm_error *err)
{
	int64_t rows = a->dims[0], columns = a->rank == 2 ? a->dims[1] : 1;
	for (int64_t i = 0; i < rows; i++)
		for (int64_t j = 0; j < columns; j++) {
			int64_t at = i * a->stride[0] + (a->rank == 2 ? j * a->stride[1] : 0);
			double v;
			if (a->type == GM_ARRAY_F64) {
				memcpy(&v, a->data + at * 8, 8);
			} else {
				float f;
				memcpy(&f, a->data + at * 4, 4);
				v = f;
			}
			if (!isfinite(v))
				return gm_fail(err, GM_ERR_FORMAT,
				               "%s: %s holds a value that is not finite", path,
				               name);
			out[i * columns + j] = v;
		}
	return true;
}

static bool is_float(const gm_npy_array *a)
{
	return a->type == GM_ARRAY_F32 || a->type == GM_ARRAY_F64;
}

static bool take_arrays(const char *path, uint8_t *const bytes[MEMBERS], const size_t size[MEMBERS],
                        gm_stats *s, gm_error *err)
{
	gm_npy_array mu, sigma, text;
	if (!bytes[MU] || !bytes[SIGMA])
		return gm_fail(err, GM_ERR_FORMAT,
		               "%s: no arrays mu and sigma: no statistics of features", path);
	if (!gm_npy_parse(&mu, path, bytes[MU], size[MU], err) ||
	    !gm_npy_parse(&sigma, path, bytes[SIGMA], size[SIGMA], err))
		return false;
	if (mu.rank != 1 || sigma.rank != 2 || sigma.dims[0] != mu.dims[0] ||
	    sigma.dims[1] != mu.dims[0] || mu.dims[0] < 1 || mu.dims[0] > WIDTH_MAX ||
	    !is_float(&mu) || !is_float(&sigma))
		return gm_fail(err, GM_ERR_FORMAT,
		               "%s: mu and sigma are not floats of shapes [d] and [d, d]", path);
	s->d = mu.dims[0];
	s->mean = malloc(s->d * sizeof *s->mean);
	s->sigma = malloc(s->d * s->d * sizeof *s->sigma);
	if (!s->mean || !s->sigma)
		return gm_fail(err, GM_ERR_MEMORY, "%s: no memory for %lld features", path,
		               (long long)s->d);
	if (!take_doubles(&mu, path, "mu", s->mean, err) ||
	    !take_doubles(&sigma, path, "sigma", s->sigma, err))
		return false;
	if (bytes[PROTOCOL] && gm_npy_parse(&text, path, bytes[PROTOCOL], size[PROTOCOL], NULL) &&
	    text.rank == 1 && text.type == GM_ARRAY_U8 &&
	    gm_text_is_utf8((const char *)text.data, text.dims[0]))
		s->protocol = gm_text_copy(text.data, text.dims[0]);
	return true;
}

bool gm_stats_read(const char *path, gm_stats *s, gm_error *err)
{
	uint8_t *bytes[MEMBERS] = {0};
	size_t size[MEMBERS] = {0};
	gm_tree_file f;
	gm_error why = {0};
	gm_tree *t = gm_tree_open(path, &why);
	while (t && !why.code && gm_tree_next(t, &f, &why))
		for (int i = 0; i < MEMBERS; i++)
			if (!strcmp(f.name, members[i]) && !bytes[i]) {
				gm_tree_read(t, ((size_t)WIDTH_MAX * WIDTH_MAX + 64) * 8, &bytes[i],
				             &size[i], &why);
				break;
			}
	gm_tree_close(t);
	bool ok = !why.code && take_arrays(path, bytes, size, s, &why);
	for (int i = 0; i < MEMBERS; i++)
		free(bytes[i]);
	if (!ok)
		gm_stats_free(s);
	return ok || gm_fail(err, why.code, "%s", why.message);
}

/* ---- writing --------------------------------------------------------------------------------- */

static bool put(struct archive *a, const char *name, const char *descr, const int64_t *dims,
                int rank, const void *data, size_t bytes)
{
	char head[GM_NPY_HEAD];
	int n = gm_npy_head(head, descr, dims, rank);
	struct archive_entry *e = archive_entry_new();
	archive_entry_set_pathname(e, name);
	archive_entry_set_size(e, (la_int64_t)(n + bytes));
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_perm(e, 0644);
	archive_entry_set_mtime(e, 315532800, 0); /* the same bytes whenever they are written */
	bool ok = archive_write_header(a, e) == ARCHIVE_OK &&
	          archive_write_data(a, head, n) == (la_ssize_t)n &&
	          (!bytes || archive_write_data(a, data, bytes) == (la_ssize_t)bytes);
	archive_entry_free(e);
	return ok;
}

bool gm_stats_write(const char *path, const gm_stats *s, gm_error *err)
{
	size_t text = s->protocol ? strlen(s->protocol) : 0,
	       room = ((size_t)s->d * s->d + s->d) * 8 + text + 8192, used = 0;
	char *zip = malloc(room);
	struct archive *a = archive_write_new();
	bool ok = (zip && a) || gm_fail(err, GM_ERR_MEMORY, "%s: out of memory", path);
	ok = ok &&
	     ((archive_write_set_format_zip(a) == ARCHIVE_OK &&
	       archive_write_zip_set_compression_store(a) == ARCHIVE_OK &&
	       archive_write_open_memory(a, zip, room, &used) == ARCHIVE_OK &&
	       put(a, members[MU], "<f8", (int64_t[]){s->d}, 1, s->mean, s->d * 8) &&
	       put(a, members[SIGMA], "<f8", (int64_t[]){s->d, s->d}, 2, s->sigma,
	           (size_t)s->d * s->d * 8) &&
	       (!text ||
	        put(a, members[PROTOCOL], "|u1", (int64_t[]){text}, 1, s->protocol, text)) &&
	       archive_write_close(a) == ARCHIVE_OK) ||
	      gm_fail(err, GM_ERR_IO, "%s: cannot be packed: %s", path, archive_error_string(a)));
	archive_write_free(a);
	ok = ok && gm_file_write(path, zip, used, err);
	free(zip);
	return ok;
}
