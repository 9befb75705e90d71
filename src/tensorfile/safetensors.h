/* SPDX-License-Identifier: MIT
 *
 * safetensors.h -- named tensors in a file that executes nothing and that Python's `safetensors`
 * opens.
 *
 * Format (github.com/huggingface/safetensors): 8 bytes little-endian header length; a JSON object
 * that maps each name to {"dtype", "shape", "data_offsets": [begin, end)}, and perhaps
 * "__metadata__" to strings; then the bytes.
 *
 *	gm_st *st = gm_st_open("checkpoint.safetensors", err);
 *	const gm_st_tensor *w = st ? gm_st_find(st, "G/fc/weight") : NULL;
 *	const char *step = st ? gm_st_meta(st, "step") : NULL;
 *	gm_st_close(st);
 *
 * Everything is validated before the first tensor is handed out: a file that opens is sound.
 * Memory taken while parsing is a small multiple of the header's own length, whatever the header
 * says. */
#ifndef GANYMEDE_BASE_SAFETENSORS_H
#define GANYMEDE_BASE_SAFETENSORS_H

#include "ganymede/base.h"

typedef enum gm_st_type {
	GM_ST_F32,
	GM_ST_F64,
	GM_ST_I32,
	GM_ST_I64,
	GM_ST_U64,
	GM_ST_U8,
	GM_ST_BOOL,
	GM_ST_I8,
	GM_ST_I16,
	GM_ST_U16,
	GM_ST_F16,
	GM_ST_BF16,
	GM_ST_U32,
	GM_ST_TYPES
} gm_st_type;

#define GM_ST_MAX_RANK 8

typedef struct gm_st_tensor {
	const char *name; /* UTF-8 */
	gm_st_type type;
	int rank;
	int64_t dims[GM_ST_MAX_RANK];
	const void *data; /* little-endian; aligned in our own files, so memcpy from others' */
	uint64_t bytes;   /* filled by the reader; the writer computes it */
} gm_st_tensor;

typedef struct gm_st_pair {
	const char *key, *value;
} gm_st_pair;

const char *gm_st_type_name(gm_st_type t); /* "F32" */
int gm_st_type_size(gm_st_type t);         /* 4 */

typedef struct gm_st gm_st;

/* NULL on failure: GM_ERR_IO, or GM_ERR_FORMAT with the offset. open_memory: bytes must stay valid
 * until close. */
gm_st *gm_st_open(const char *path, gm_error *err);
gm_st *gm_st_open_memory(const void *bytes, size_t n, gm_error *err);
void gm_st_close(gm_st *st); /* NULL is allowed; pointers returned from st become invalid */

/* Results are owned by st. find and meta return NULL if there is no such entry. Tensors are listed
 * in the order of their data. */
const gm_st_tensor *gm_st_find(const gm_st *st, const char *name);
const char *gm_st_meta(const gm_st *st, const char *key);
int64_t gm_st_count(const gm_st *st);
const gm_st_tensor *gm_st_at(const gm_st *st, int64_t i);
int64_t gm_st_meta_count(const gm_st *st);
gm_st_pair gm_st_meta_at(const gm_st *st, int64_t i);

/* Writes atomically (base/file.h). Tensors land wide types first, so that each one is aligned
 * for its type; apart from that in the order given. The same arguments give the same bytes.
 * GM_ERR_VALUE for a name that is empty, double, "__metadata__" or not UTF-8. */
bool gm_st_write(const char *path, const gm_st_tensor *t, int64_t n, const gm_st_pair *meta,
                 int64_t n_meta, gm_error *err);

#endif
