/* SPDX-License-Identifier: MIT
 *
 * dense_run.c -- a thread's block of a product of dense.h. Compiled once for each instruction set,
 * with SIMD naming it.
 */
#include <string.h>

#include "backends/cpu/dense.h"
#include "backends/cpu/product.h"

#define PASTE_(a, b) a##_##b
#define PASTE(a, b) PASTE_(a, b)

/* Two vectors riffled: the first halves, and the second halves. */
#if defined __AVX512F__
#define RIFFLE(a, b, at)                                                                           \
	__builtin_shufflevector(a, b, at, 16 + at, 1 + at, 17 + at, 2 + at, 18 + at, 3 + at,       \
	                        19 + at, 4 + at, 20 + at, 5 + at, 21 + at, 6 + at, 22 + at,        \
	                        7 + at, 23 + at)
#elif defined __AVX2__
#define RIFFLE(a, b, at)                                                                           \
	__builtin_shufflevector(a, b, at, 8 + at, 1 + at, 9 + at, 2 + at, 10 + at, 3 + at, 11 + at)
#else
#define RIFFLE(a, b, at) __builtin_shufflevector(a, b, at, 4 + at, 1 + at, 5 + at)
#endif

/* to [VEC,VEC] = from', rows `pitch` apart: every riffle turns the index of rows and columns by one
 * bit. */
INLINE void turn(const float *from, int64_t from_pitch, float *to, int64_t to_pitch)
{
	vec x[VEC], y[VEC];
#pragma GCC unroll 16
	for (int i = 0; i < VEC; i++)
		x[i] = load(from + i * from_pitch);
#pragma GCC unroll 4
	for (int bit = 1; bit < VEC; bit *= 2) {
#pragma GCC unroll 16
		for (int i = 0; i < VEC / 2; i++) {
			y[2 * i] = RIFFLE(x[i], x[i + VEC / 2], 0);
			y[2 * i + 1] = RIFFLE(x[i], x[i + VEC / 2], VEC / 2);
		}
#pragma GCC unroll 16
		for (int i = 0; i < VEC; i++)
			x[i] = y[i];
	}
#pragma GCC unroll 16
	for (int i = 0; i < VEC; i++)
		store(to + i * to_pitch, x[i]);
}

/* to [columns, rows] = from [rows, columns]' */
static void turn_all(const float *from, int64_t from_pitch, int64_t rows, int64_t columns,
                     float *to, int64_t to_pitch)
{
	for (int64_t i = 0; i < rows; i += VEC)
		for (int64_t j = 0; j < columns; j += VEC) {
			const float *p = from + i * from_pitch + j;
			float *q = to + j * to_pitch + i;
			if (i + VEC <= rows && j + VEC <= columns) {
				turn(p, from_pitch, q, to_pitch);
				continue;
			}
			for (int64_t r = 0; r < VEC && i + r < rows; r++)
				for (int64_t s = 0; s < VEC && j + s < columns; s++)
					q[s * to_pitch + r] = p[r * from_pitch + s];
		}
}

/* Columns [n, n+width) of b as a packed panel, zeros behind. */
static void pack(const gm_dense *d, const float *b, int64_t n, int64_t width, int64_t k0,
                 int64_t k1, float *panel)
{
	int64_t K = k1 - k0;
	b += k0 * d->bk + n * d->bn;
	if (width < PANEL)
		memset(panel, 0, (size_t)(K * PANEL) * sizeof *panel);
	if (d->bn == 1 && width == PANEL)
		for (int64_t k = 0; k < K; k++, b += d->bk, panel += PANEL)
			for (int j = 0; j < PANEL; j += VEC)
				store(panel + j, load(b + j));
	else if (d->bn == 1)
		for (int64_t k = 0; k < K; k++)
			memcpy(panel + k * PANEL, b + k * d->bk, (size_t)width * sizeof *panel);
	else
		turn_all(b, d->bn, width, K, panel, PANEL);
}

void PASTE(gm_dense_block, SIMD)(const gm_dense *d, const float *a, const float *b, float *c,
                                 int64_t m0, int64_t m1, int64_t n0, int64_t n1, int64_t k0,
                                 int64_t k1, float *scratch)
{
	float *panel = scratch, *result = scratch + d->K * PANEL;
	a += m0 * d->am + k0 * d->ak;
	for (int64_t n = n0; n < n1; n += PANEL) {
		int64_t width = n1 - n < PANEL ? n1 - n : PANEL;
		float *to = c + m0 * d->cm + n * d->cn;
		bool direct = d->cn == 1 && width == PANEL;
		pack(d, b, n, width, k0, k1, panel);
		if (d->ak == 1)
			product(m1 - m0, 1, k1 - k0, a, d->am, 1, panel, direct ? to : result,
			        direct ? d->cm : PANEL, false);
		else
			product(m1 - m0, 1, k1 - k0, a, 1, d->ak, panel, direct ? to : result,
			        direct ? d->cm : PANEL, false);
		if (direct)
			continue;
		if (d->cn == 1)
			for (int64_t m = 0; m < m1 - m0; m++)
				memcpy(to + m * d->cm, result + m * PANEL,
				       (size_t)width * sizeof *to);
		else
			turn_all(result, PANEL, m1 - m0, width, to, d->cn);
	}
}
