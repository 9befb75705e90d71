/* SPDX-License-Identifier: MIT
 *
 * shape.c -- arithmetic on shapes.
 */
#include <stdio.h>

#include "graph/internal.h"

int64_t gm_shape_size(gm_shape s)
{
	int64_t n = 1;
	for (int i = 0; i < s.rank; i++)
		n *= s.dim[i];
	return n;
}

bool gm_shape_equal(gm_shape a, gm_shape b)
{
	if (a.rank != b.rank)
		return false;
	for (int i = 0; i < a.rank; i++)
		if (a.dim[i] != b.dim[i])
			return false;
	return true;
}

bool gm_shape_broadcast(gm_shape a, gm_shape b, gm_shape *out)
{
	gm_shape s = {a.rank > b.rank ? a.rank : b.rank, {0}};
	for (int i = 1; i <= s.rank; i++) {
		int64_t da = i <= a.rank ? a.dim[a.rank - i] : 1,
			db = i <= b.rank ? b.dim[b.rank - i] : 1;
		if (da != db && da != 1 && db != 1)
			return false;
		s.dim[s.rank - i] = da == 1 ? db : da;
	}
	*out = s;
	return true;
}

const char *gm_shape_text(gm_shape s)
{
	static _Thread_local char ring[4][GM_MAX_RANK * 21 + 3];
	static _Thread_local int turn;
	char *t = ring[turn = (turn + 1) & 3];
	int at = snprintf(t, sizeof ring[0], "[");
	for (int i = 0; i < s.rank && i < GM_MAX_RANK; i++)
		at += snprintf(t + at, sizeof ring[0] - at, i ? ",%lld" : "%lld",
		               (long long)s.dim[i]);
	snprintf(t + at, sizeof ring[0] - at, "]");
	return t;
}

void gm_shape_strides(gm_shape s, int64_t stride[GM_MAX_RANK])
{
	int64_t n = 1;
	for (int i = s.rank - 1; i >= 0; i--) {
		stride[i] = n;
		n *= s.dim[i];
	}
}

void gm_shape_strides_to(gm_shape s, gm_shape out, int64_t stride[GM_MAX_RANK])
{
	int64_t own[GM_MAX_RANK];
	gm_shape_strides(s, own);
	for (int i = 0; i < out.rank; i++) {
		int k = i - (out.rank - s.rank);
		stride[i] = k < 0 || (s.dim[k] == 1 && out.dim[i] != 1) ? 0 : own[k];
	}
}

int gm_axis(int axis, int rank)
{
	int a = axis < 0 ? axis + rank : axis;
	return a < 0 || a >= rank ? -1 : a;
}

/* Bits 0..15 are axes from the front; bit 16+k is axis -1-k. */
unsigned gm_axes_resolve(unsigned axes, int rank)
{
	unsigned all = (1u << rank) - 1, r = axes & 0xffffu;
	if (r == GM_ALL)
		return all;
	for (int k = 0; k < 16; k++)
		if (axes >> (16 + k) & 1)
			r |= k < rank ? 1u << (rank - 1 - k)
			              : 1u << 15; /* out of range stays visible */
	return r;
}
