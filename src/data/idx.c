/* SPDX-License-Identifier: MIT
 *
 * idx.c -- the file format of MNIST. See idx.h. */
#include "data/idx.h"

#include "base/file.h"
#include "base/machine.h"
#include "base/progress.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define TYPE_BYTE 0x08
#define SIDE_MAX 16384           /* pixels */
#define PIECE ((size_t)16 << 20) /* bytes between two progress reports */

/* Maximum compression ratio of deflate (zlib's technical notes); bounds the size that a small file
 * can claim. */
#define DEFLATE_RATIO 1032

/* Bytes in order, from memory as it is or through zlib. */
typedef struct reader {
	const char *name;
	const uint8_t *at, *end; /* of the input */
	bool gzip, ended;        /* ended: the last gzip member is over */
	z_stream z;
	uint64_t given; /* decoded bytes handed out, for messages */
	gm_error *err;
} reader;

static bool bad_gzip(const reader *r)
{
	return gm_fail_at(r->err, (int64_t)r->given, GM_ERR_FORMAT, "%s: corrupt gzip data (%s)",
	                  r->name, r->z.msg ? r->z.msg : "not written by gzip");
}

static bool cut_short(const reader *r)
{
	return gm_fail_at(r->err, (int64_t)r->given, GM_ERR_FORMAT,
	                  "%s: the file is truncated (it ends after %llu bytes of data)", r->name,
	                  (unsigned long long)r->given);
}

static bool feed(reader *r)
{
	if (r->z.avail_in > 0)
		return true;
	const size_t left = (size_t)(r->end - r->at);
	const size_t n = left < UINT_MAX ? left : UINT_MAX;
	r->z.next_in = (Bytef *)r->at;
	r->z.avail_in = (uInt)n;
	r->at += n;
	return n > 0;
}

/* Up to n bytes; *got < n only at the end of the input. False when gzip is corrupt or ends in
 * its middle. */
static bool pull(reader *r, uint8_t *to, size_t n, size_t *got)
{
	*got = 0;
	if (!r->gzip) {
		const size_t left = (size_t)(r->end - r->at);
		*got = n < left ? n : left;
		memcpy(to, r->at, *got);
		r->at += *got;
		r->given += *got;
		return true;
	}
	while (*got < n && !r->ended) {
		const size_t want = n - *got < UINT_MAX ? n - *got : UINT_MAX;
		if (!feed(r) && r->z.avail_in == 0)
			return cut_short(r);
		r->z.next_out = to + *got;
		r->z.avail_out = (uInt)want;
		const int status = inflate(&r->z, Z_NO_FLUSH);
		const size_t step = want - r->z.avail_out;
		*got += step;
		r->given += step;
		if (status == Z_STREAM_END) {
			/* gzip files may be several members, one after another. */
			r->ended = !feed(r);
			if (!r->ended && inflateReset(&r->z) != Z_OK)
				return bad_gzip(r);
		} else if (status != Z_OK && status != Z_BUF_ERROR) {
			return bad_gzip(r);
		}
	}
	return true;
}

static bool header(reader *r, gm_idx *idx, uint64_t input)
{
	static const struct {
		int type;
		const char *name;
	} others[] = {{0x09, "signed bytes"},
	              {0x0B, "16-bit integers"},
	              {0x0C, "32-bit integers"},
	              {0x0D, "32-bit floats"},
	              {0x0E, "64-bit floats"}};
	uint8_t magic[4], dim[16];
	size_t got;
	if (!pull(r, magic, 4, &got))
		return false;
	if (got < 4)
		return cut_short(r);
	if (magic[0] != 0 || magic[1] != 0)
		return gm_fail_at(r->err, 0, GM_ERR_FORMAT,
		                  "%s: %snot an IDX file (it starts with %02x %02x %02x %02x, IDX "
		                  "with 00 00)",
		                  r->name, r->gzip ? "gzip data, but " : "", magic[0], magic[1],
		                  magic[2], magic[3]);
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (magic[2] == others[i].type)
			return gm_fail_at(
				r->err, 2, GM_ERR_FORMAT,
				"%s: contains %s; only IDX files of unsigned bytes are supported",
				r->name, others[i].name);
	if (magic[2] != TYPE_BYTE)
		return gm_fail_at(r->err, 2, GM_ERR_FORMAT,
		                  "%s: not an IDX file (unknown type %02x)", r->name, magic[2]);
	idx->rank = magic[3];
	if (idx->rank != 1 && idx->rank != 3 && idx->rank != 4)
		return gm_fail_at(r->err, 3, GM_ERR_FORMAT,
		                  "%s: an IDX file of rank %d; labels have rank 1, pictures 3 or 4",
		                  r->name, idx->rank);
	if (!pull(r, dim, 4 * (size_t)idx->rank, &got))
		return false;
	if (got < 4 * (size_t)idx->rank)
		return cut_short(r);

	uint64_t n = 1;
	bool overflow = false, absurd = false;
	for (int i = 0; i < idx->rank; i++) {
		const uint8_t *d = dim + 4 * i;
		idx->dims[i] = (int64_t)d[0] << 24 | d[1] << 16 | d[2] << 8 | d[3];
		overflow |= __builtin_mul_overflow(n, (uint64_t)idx->dims[i], &n);
		absurd |= i > 0 && idx->dims[i] > SIDE_MAX;
		if (idx->dims[i] == 0)
			return gm_fail_at(r->err, 4 + 4 * i, GM_ERR_FORMAT, "%s: %s", r->name,
			                  i > 0            ? "its pictures have no pixels"
			                  : idx->rank == 1 ? "it contains no labels"
			                                   : "it contains no pictures");
	}
	if (overflow || absurd)
		return gm_fail_at(r->err, 4, GM_ERR_FORMAT,
		                  "%s: invalid dimensions (%lld pictures; width and height may be "
		                  "at most 16384)",
		                  r->name, (long long)idx->dims[0]);
	/* Before allocating: check that the input can contain the claimed size. */
	const uint64_t most = r->gzip ? input * DEFLATE_RATIO : input - r->given;
	if (n > most)
		return gm_fail_at(
			r->err, 4, GM_ERR_FORMAT,
			"%s: the file is truncated (its header says %llu bytes, it has %s%llu)",
			r->name, (unsigned long long)n, r->gzip ? "at most " : "",
			(unsigned long long)most);
	if (n > gm_machine_memory() || n > SIZE_MAX / 2)
		return gm_fail(r->err, GM_ERR_MEMORY,
		               "%s: %llu bytes of pictures do not fit in memory", r->name,
		               (unsigned long long)n);
	idx->bytes = (size_t)n;
	return true;
}

static bool body(reader *r, gm_idx *idx)
{
	uint8_t extra;
	size_t got;
	idx->data = malloc(idx->bytes);
	if (!idx->data)
		return gm_fail(r->err, GM_ERR_MEMORY, "%s: out of memory (%zu bytes)", r->name,
		               idx->bytes);
	got = 0;
	for (size_t part = PIECE; got < idx->bytes && part == PIECE;) {
		const size_t left = idx->bytes - got, most = left < PIECE ? left : PIECE;
		if (!gm_progress_tell("reading IDX data", got, idx->bytes, "bytes", r->err) ||
		    !pull(r, idx->data + got, most, &part))
			return false;
		got += part;
	}
	gm_progress_end();
	if (got < idx->bytes)
		return gm_fail_at(
			r->err, (int64_t)r->given, GM_ERR_FORMAT,
			"%s: the file is truncated (its header says %zu bytes, it has %zu)",
			r->name, idx->bytes, got);
	/* Asking for one byte more also makes zlib check the sum at the end. */
	if (!pull(r, &extra, 1, &got))
		return false;
	if (got > 0)
		return gm_fail_at(r->err, (int64_t)r->given - 1, GM_ERR_FORMAT,
		                  "%s: trailing bytes after the last picture or label; header and "
		                  "file do not agree",
		                  r->name);
	return true;
}

bool gm_idx_parse_memory(const char *name, const void *bytes, size_t n, gm_idx *out, gm_error *err)
{
	*out = (gm_idx){0};
	reader r = {.name = name, .at = bytes, .err = err};
	r.end = r.at + n;
	r.gzip = n >= 2 && r.at[0] == 0x1F && r.at[1] == 0x8B;
	if (r.gzip && inflateInit2(&r.z, 15 + 16) != Z_OK)
		return gm_fail(err, GM_ERR_MEMORY, "%s: out of memory", name);
	const bool ok = header(&r, out, n) && body(&r, out);
	if (r.gzip)
		inflateEnd(&r.z);
	if (!ok)
		gm_idx_free(out);
	return ok;
}

bool gm_idx_read(const char *path, gm_idx *out, gm_error *err)
{
	gm_bytes file;
	*out = (gm_idx){0};
	if (!gm_file_open(path, &file, err))
		return false;
	const bool ok = gm_idx_parse_memory(path, file.data, file.size, out, err);
	gm_file_close(&file);
	return ok;
}

void gm_idx_free(gm_idx *idx)
{
	free(idx->data);
	*idx = (gm_idx){0};
}
