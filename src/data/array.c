/* SPDX-License-Identifier: MIT
 *
 * array.c -- arrays of numbers to pictures, labels and points. See array.h. */
#include "data/array.h"

#include "base/machine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SIDE_MAX 16384
#define CLASSES_MAX 65536

static double element(const gm_npy_array *a, int64_t at)
{
	const uint8_t *p = a->data + at * gm_array_size(a->type);
	union {
		int8_t i8;
		uint16_t u16;
		int16_t i16;
		int32_t i32;
		int64_t i64;
		float f32;
		double f64;
	} v;
	memcpy(&v, p, (size_t)gm_array_size(a->type));
	switch (a->type) {
	case GM_ARRAY_U8:
		return *p;
	case GM_ARRAY_I8:
		return v.i8;
	case GM_ARRAY_U16:
		return v.u16;
	case GM_ARRAY_I16:
		return v.i16;
	case GM_ARRAY_I32:
		return v.i32;
	case GM_ARRAY_I64:
		return (double)v.i64;
	case GM_ARRAY_F32:
		return v.f32;
	case GM_ARRAY_F64:
		return v.f64;
	}
	return 0;
}

static bool is_float(const gm_npy_array *a)
{
	return a->type == GM_ARRAY_F32 || a->type == GM_ARRAY_F64;
}

/* Conversion of values to bytes: byte = value * scale + shift. */
typedef struct range {
	double scale, shift;
} range;

static bool find_range(const gm_npy_array *a, range *r, const char *name, gm_error *err)
{
	const int64_t n = gm_array_numel(a);
	double low = INFINITY, high = -INFINITY;
	*r = (range){1, 0};
	if (a->type == GM_ARRAY_U8)
		return true;
	for (int64_t i = 0; i < n; i++) {
		const double v = element(a, i);
		if (!isfinite(v))
			return gm_fail(err, GM_ERR_FORMAT, "%s: number %lld is not finite", name,
			               (long long)i);
		low = v < low ? v : low;
		high = v > high ? v : high;
	}
	if (is_float(a) && low >= 0 && high <= 1)
		*r = (range){255, 0};
	else if (is_float(a) && low >= -1 && high <= 1)
		*r = (range){127.5, 127.5};
	else if (low < 0 || high > 255)
		return gm_fail(err, GM_ERR_FORMAT,
		               "%s: values from %g to %g; pictures must be in 0 to 255, or as "
		               "floats in 0 to 1 or -1 to 1",
		               name, low, high);
	return true;
}

static bool colours(int64_t n)
{
	return n == 1 || n == 3;
}

/* Four dimensions, of which neither the last nor the second can be 1 or 3 channels. */
static bool refuse_channels(const gm_npy_array *a, const char *name, gm_error *err)
{
	const long long last = (long long)a->dims[a->rank - 1],
			first = (long long)a->dims[a->rank - 3];
	const bool at_end = last <= 4 || first > 4;
	const long long channels = at_end ? last : first;
	return gm_fail(err, GM_ERR_FORMAT,
	               "%s: the shape %s%lld,%lld,%lld,%lld means %lld channels; they must be 1 "
	               "(grey) or 3 (RGB)%s",
	               name, a->rank == 5 ? "N," : "", (long long)a->dims[a->rank - 4], first,
	               (long long)a->dims[a->rank - 2], last, channels,
	               channels != 4 ? ""
	               : at_end      ? ", so save x[..., :3] if the fourth is transparency"
	                             : ", so save x[:, :3] if the fourth is transparency");
}

/* Which axes of the array are n, t, c, y and x; -1: none. sequences: of four dimensions the second
 * is time. */
static bool find_axes(const gm_npy_array *a, bool sequences, int axis[5], const char *name,
                      gm_error *err)
{
	static const int grey[] = {0, -1, -1, 1, 2}, films[] = {0, 1, -1, 2, 3};
	const int last = a->rank - 1, first = a->rank - 3, *use = NULL;
	const bool time = a->rank == 5;
	if (a->rank == 3)
		use = grey;
	else if (a->rank == 4 && sequences)
		use = films;
	for (int i = 0; use && i < 5; i++)
		axis[i] = use[i];
	if (use)
		return true;
	if (a->rank != 4 && a->rank != 5)
		return gm_fail(err, GM_ERR_FORMAT,
		               "%s: pictures are N,H,W or N,H,W,C or N,C,H,W with 1 or 3 channels, "
		               "sequences N,T,H,W,C or N,T,C,H,W; this has %d dimension%s",
		               name, a->rank, a->rank == 1 ? "" : "s");
	axis[0] = 0, axis[1] = time ? 1 : -1;
	const bool at_end = colours(a->dims[last]);
	if (!at_end && !colours(a->dims[first]))
		return refuse_channels(a, name, err);
	axis[2] = at_end ? last : first;
	axis[3] = at_end ? first : first + 1, axis[4] = axis[3] + 1;
	return true;
}

bool gm_array_pictures(gm_pictures *p, const gm_npy_array *a, bool sequences, const char *name,
                       gm_error *err)
{
	int axis[5];
	int64_t dim[5], step[5];
	if (!find_axes(a, sequences, axis, name, err))
		return false;
	for (int i = 0; i < 5; i++) {
		dim[i] = axis[i] < 0 ? 1 : a->dims[axis[i]];
		step[i] = axis[i] < 0 ? 0 : a->stride[axis[i]];
		if (dim[i] < 1 || (i > 0 && dim[i] > SIDE_MAX))
			return gm_fail(err, GM_ERR_FORMAT, "%s: a dimension of %lld", name,
			               (long long)dim[i]);
	}
	const int64_t n = gm_array_numel(a);
	range r;
	if (!find_range(a, &r, name, err))
		return false;
	uint8_t *pixel = (uint64_t)n <= gm_machine_memory() ? malloc((size_t)n) : NULL;
	if (!pixel)
		return gm_fail(err, GM_ERR_MEMORY,
		               "%s: %lld bytes of pictures do not fit in memory", name,
		               (long long)n);
	p->pixel = p->owned = pixel;
	p->count = (uint64_t)dim[0];
	p->length = axis[1] < 0 ? 0 : (int)dim[1];
	p->channels = (int)dim[2], p->height = (int)dim[3], p->width = (int)dim[4];
	for (int64_t i = 0; i < dim[0] * dim[1]; i++)
		for (int64_t c = 0; c < dim[2]; c++)
			for (int64_t y = 0; y < dim[3]; y++) {
				const int64_t at = i / dim[1] * step[0] + i % dim[1] * step[1] +
				                   c * step[2] + y * step[3];
				if (a->type == GM_ARRAY_U8)
					for (int64_t x = 0; x < dim[4]; x++)
						*pixel++ = a->data[at + x * step[4]];
				else
					for (int64_t x = 0; x < dim[4]; x++)
						*pixel++ = (uint8_t)lrint(
							element(a, at + x * step[4]) * r.scale +
							r.shift);
			}
	return true;
}

bool gm_array_labels(gm_pictures *p, const gm_npy_array *a, bool from_one, const char *name,
                     gm_error *err)
{
	const int64_t n = gm_array_numel(a);
	if (n < 0 || (uint64_t)n != p->count)
		return gm_fail(err, GM_ERR_FORMAT, "%s: %lld labels for %llu examples", name,
		               (long long)n, (unsigned long long)p->count);
	p->label = malloc(p->count * sizeof *p->label);
	if (!p->label)
		return gm_fail(err, GM_ERR_MEMORY, "%s: out of memory", name);
	for (int64_t i = 0; i < n; i++) {
		const double v = element(a, i) - from_one;
		if (!(v >= 0 && v < CLASSES_MAX) || v != floor(v))
			return gm_fail(err, GM_ERR_FORMAT,
			               "%s: label %g of example %lld is not a class number", name,
			               v + from_one, (long long)i);
		p->label[i] = (int32_t)v;
		if (p->label[i] >= p->labels)
			p->labels = p->label[i] + 1;
	}
	/* SVHN's tenth class is the digit 0, because MATLAB counts from 1. */
	for (int64_t i = 0; from_one && p->labels == 10 && i < n; i++)
		p->label[i] = (p->label[i] + 1) % 10;
	return true;
}

bool gm_array_points(gm_pictures *p, const gm_npy_array *a, const char *name, gm_error *err)
{
	const int64_t n = gm_array_numel(a);
	if (a->rank != 2 || n < 1)
		return gm_fail(err, GM_ERR_FORMAT, "%s: points must be an array N,D", name);
	p->point =
		(uint64_t)n < gm_machine_memory() / 4 ? malloc((size_t)n * sizeof *p->point) : NULL;
	if (!p->point)
		return gm_fail(err, GM_ERR_MEMORY, "%s: out of memory", name);
	p->count = (uint64_t)a->dims[0], p->width = (int)a->dims[1];
	float *to = p->point;
	for (int64_t i = 0; i < a->dims[0]; i++)
		for (int64_t k = 0; k < a->dims[1]; k++, to++) {
			*to = (float)element(a, i * a->stride[0] + k * a->stride[1]);
			if (!isfinite(*to))
				return gm_fail(err, GM_ERR_FORMAT,
				               "%s: number %lld of point %lld is not finite", name,
				               (long long)k, (long long)i);
		}
	return true;
}

bool gm_array_examples(gm_pictures *p, const gm_npy_array *a, bool sequences, const char *name,
                       gm_error *err)
{
	if (a->rank == 0)
		return gm_fail(err, GM_ERR_FORMAT, "%s: a single number", name);
	return a->rank == 2 ? gm_array_points(p, a, name, err)
	                    : gm_array_pictures(p, a, sequences, name, err);
}
