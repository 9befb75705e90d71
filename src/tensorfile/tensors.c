/* SPDX-License-Identifier: MIT
 *
 * tensors.c -- see tensors.h. */
#include "tensorfile/tensors.h"

#include "base/arena.h"
#include "base/file.h"
#include "tensorfile/npy.h"
#include "tensorfile/pth.h"
#include "tensorfile/zip.h"

#include <stdlib.h>
#include <string.h>

struct gm_tensors {
	const char *format;
	gm_bytes file;
	gm_st *st;
	gm_zip *zip;
	gm_arena *arena;   /* names */
	gm_tensor *tensor; /* [count], by name */
	int64_t count, room;
};

static bool add(void *context, const gm_tensor *t, gm_error *err)
{
	gm_tensors *f = context;
	if (f->count == f->room) {
		const int64_t room = f->room ? f->room * 2 : 256;
		gm_tensor *more = realloc(f->tensor, (size_t)room * sizeof *more);
		if (!more)
			return gm_fail(err, GM_ERR_MEMORY, "out of memory");
		f->tensor = more, f->room = room;
	}
	f->tensor[f->count] = *t;
	f->tensor[f->count++].name = gm_arena_strdup(f->arena, t->name);
	return true;
}

static bool from_safetensors(gm_tensors *f, gm_error *err)
{
	f->format = "safetensors";
	f->st = gm_st_open_memory(f->file.data, f->file.size, err);
	bool ok = f->st != NULL;
	for (int64_t i = 0; ok && i < gm_st_count(f->st); i++) {
		const gm_st_tensor *s = gm_st_at(f->st, i);
		gm_tensor t = {.name = s->name, .type = s->type, .rank = s->rank, .data = s->data};
		int64_t step = 1;
		for (int k = s->rank - 1; k >= 0; k--) {
			t.dims[k] = s->dims[k];
			t.stride[k] = step;
			step *= s->dims[k] ? s->dims[k] : 1;
		}
		ok = add(f, &t, err);
	}
	return ok;
}

static bool from_npz(gm_tensors *f, const char *name, gm_error *err)
{
	static const gm_st_type types[] = {
		[GM_ARRAY_U8] = GM_ST_U8,   [GM_ARRAY_I8] = GM_ST_I8,   [GM_ARRAY_U16] = GM_ST_U16,
		[GM_ARRAY_I16] = GM_ST_I16, [GM_ARRAY_I32] = GM_ST_I32, [GM_ARRAY_I64] = GM_ST_I64,
		[GM_ARRAY_F32] = GM_ST_F32, [GM_ARRAY_F64] = GM_ST_F64,
	};
	f->format = "npz";
	bool ok = true;
	for (int64_t i = 0; ok && i < gm_zip_count(f->zip); i++) {
		const gm_zip_member *m = gm_zip_at(f->zip, i);
		const size_t n = strlen(m->name);
		gm_npy_array a;
		gm_error why = {0};
		if (n <= 4 || strcmp(m->name + n - 4, ".npy") != 0)
			return gm_fail(err, GM_ERR_FORMAT, "%s: %.80s in it is no NumPy array",
			               name, m->name);
		gm_tensor t = {.name = gm_arena_strndup(f->arena, m->name, n - 4)};
		if (!gm_npy_parse(&a, m->name, m->data, m->size, &why))
			return gm_fail(err, why.code, "%s: %s", name, why.message);
		t.type = types[a.type], t.rank = a.rank, t.data = a.data;
		memcpy(t.dims, a.dims, sizeof a.dims);
		memcpy(t.stride, a.stride, sizeof a.stride);
		ok = add(f, &t, err);
	}
	return ok;
}

static bool from_zip(gm_tensors *f, const char *name, const gm_pth_sink *to, gm_error *err)
{
	f->zip = gm_zip_open(name, f->file.data, f->file.size, err);
	if (!f->zip)
		return false;
	if (!gm_pth_is_zip(f->zip))
		return from_npz(f, name, err);
	f->format = "PyTorch zip";
	return gm_pth_zip(f->zip, to, err);
}

static bool read_any(gm_tensors *f, const char *name, gm_error *err)
{
	const gm_pth_sink to = {name, add, f};
	const uint8_t *p = f->file.data;
	const size_t n = f->file.size;
	if (gm_zip_is(p, n))
		return from_zip(f, name, &to, err);
	if (gm_pth_is_legacy(p, n)) {
		f->format = "PyTorch pickles";
		return gm_pth_legacy(p, n, &to, err);
	}
	if (n >= 9 && p[8] == '{') {
		gm_error why = {0};
		if (from_safetensors(f, &why))
			return true;
		gm_fail_at(err, why.offset, why.code, "%s: %s", name, why.message);
		return false;
	}
	return gm_fail(err, GM_ERR_FORMAT,
	               "%s: neither safetensors nor .npz nor PyTorch's .pth by its first bytes",
	               name);
}

/* "state_dict." before every name, or "module." after that: nothing that an architecture knows. */
static void take_off_prefixes(gm_tensors *f)
{
	static const char *const prefix[] = {"state_dict.", "module."};
	for (size_t k = 0; k < sizeof prefix / sizeof *prefix; k++) {
		const size_t n = strlen(prefix[k]);
		bool all = f->count > 0;
		for (int64_t i = 0; all && i < f->count; i++)
			all = strncmp(f->tensor[i].name, prefix[k], n) == 0 && f->tensor[i].name[n];
		for (int64_t i = 0; all && i < f->count; i++)
			f->tensor[i].name += n;
	}
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const gm_tensor *)a)->name, ((const gm_tensor *)b)->name);
}

static bool index_names(gm_tensors *f, const char *name, gm_error *err)
{
	take_off_prefixes(f);
	if (f->count)
		qsort(f->tensor, (size_t)f->count, sizeof *f->tensor, by_name);
	for (int64_t i = 1; i < f->count; i++)
		if (by_name(&f->tensor[i - 1], &f->tensor[i]) == 0)
			return gm_fail(err, GM_ERR_FORMAT, "%s: two tensors are called %.80s", name,
			               f->tensor[i].name);
	return true;
}

static gm_tensors *open_bytes(const char *name, gm_bytes file, gm_error *err)
{
	gm_tensors *f = calloc(1, sizeof *f);
	if (!f) {
		gm_file_close(&file);
		gm_fail(err, GM_ERR_MEMORY, "%s: out of memory", name);
		return NULL;
	}
	f->file = file;
	f->arena = gm_arena_new();
	if (read_any(f, name, err) && index_names(f, name, err))
		return f;
	gm_tensors_close(f);
	return NULL;
}

gm_tensors *gm_tensors_open(const char *path, gm_error *err)
{
	gm_bytes file;
	return gm_file_open(path, &file, err) ? open_bytes(path, file, err) : NULL;
}

gm_tensors *gm_tensors_open_memory(const char *name, const void *bytes, size_t n, gm_error *err)
{
	return open_bytes(name, (gm_bytes){.data = bytes, .size = n}, err);
}

void gm_tensors_close(gm_tensors *f)
{
	if (!f)
		return;
	gm_st_close(f->st);
	gm_zip_close(f->zip);
	gm_file_close(&f->file);
	gm_arena_free(f->arena);
	free(f->tensor);
	free(f);
}

int64_t gm_tensors_count(const gm_tensors *f)
{
	return f->count;
}

const gm_tensor *gm_tensors_at(const gm_tensors *f, int64_t i)
{
	return &f->tensor[i];
}

const char *gm_tensors_format(const gm_tensors *f)
{
	return f->format;
}

static int named(const void *key, const void *t)
{
	return strcmp(key, ((const gm_tensor *)t)->name);
}

const gm_tensor *gm_tensors_find(const gm_tensors *f, const char *name)
{
	return f->count ? bsearch(name, f->tensor, (size_t)f->count, sizeof *f->tensor, named)
	                : NULL;
}

int64_t gm_tensor_numel(const gm_tensor *t)
{
	int64_t n = 1;
	for (int i = 0; i < t->rank; i++)
		n *= t->dims[i];
	return n;
}

/* IEEE 754 binary16 */
static double half(uint16_t h)
{
	const int exponent = h >> 10 & 31, fraction = h & 1023;
	const double sign = h >> 15 ? -1 : 1;
	if (exponent == 31)
		return fraction ? __builtin_nan("") : sign * __builtin_inf();
	return sign * (exponent ? __builtin_ldexp(1024 + fraction, exponent - 25)
	                        : __builtin_ldexp(fraction, -24));
}

static double element(gm_st_type type, const uint8_t *p)
{
	union {
		float f32;
		double f64;
		int64_t i64;
		uint64_t u64;
		int32_t i32;
		uint32_t u32;
		int16_t i16;
		uint16_t u16;
		int8_t i8;
		uint8_t u8;
	} v = {0};
	memcpy(&v, p, (size_t)gm_st_type_size(type));
	switch (type) {
	case GM_ST_F32:
		return v.f32;
	case GM_ST_F64:
		return v.f64;
	case GM_ST_I64:
		return (double)v.i64;
	case GM_ST_U64:
		return (double)v.u64;
	case GM_ST_I32:
		return v.i32;
	case GM_ST_U32:
		return v.u32;
	case GM_ST_I16:
		return v.i16;
	case GM_ST_U16:
		return v.u16;
	case GM_ST_I8:
		return v.i8;
	case GM_ST_F16:
		return half(v.u16);
	case GM_ST_BF16:
		v.u32 = (uint32_t)v.u16 << 16;
		return v.f32;
	default: /* U8, BOOL */
		return v.u8;
	}
}

/* Calls for every number in row-major order: one odometer for all ranks. */
static void each(const gm_tensor *t, void (*put)(void *out, int64_t i, double v), void *out)
{
	const int64_t n = gm_tensor_numel(t), size = gm_st_type_size(t->type);
	int64_t at[GM_ST_MAX_RANK] = {0}, where = 0;
	for (int64_t i = 0; i < n; i++) {
		put(out, i, element(t->type, t->data + where * size));
		for (int k = t->rank - 1; k >= 0; k--) {
			where += t->stride[k];
			if (++at[k] < t->dims[k])
				break;
			where -= at[k] * t->stride[k];
			at[k] = 0;
		}
	}
}

static bool in_one_piece(const gm_tensor *t)
{
	int64_t step = 1;
	for (int k = t->rank - 1; k >= 0; k--) {
		if (t->dims[k] != 1 && t->stride[k] != step)
			return false;
		step *= t->dims[k];
	}
	return true;
}

static void put_f32(void *out, int64_t i, double v)
{
	((float *)out)[i] = (float)v;
}

static void put_f64(void *out, int64_t i, double v)
{
	((double *)out)[i] = v;
}

void gm_tensor_f32(const gm_tensor *t, float *out)
{
	if (t->type == GM_ST_F32 && in_one_piece(t))
		memcpy(out, t->data, (size_t)gm_tensor_numel(t) * sizeof *out);
	else
		each(t, put_f32, out);
}

void gm_tensor_f64(const gm_tensor *t, double *out)
{
	each(t, put_f64, out);
}
