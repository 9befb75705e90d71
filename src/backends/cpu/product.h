/* SPDX-License-Identifier: MIT
 *
 * product.h -- the inner loop of matrix products, for files that are compiled once for each
 * instruction set.
 *
 * A tile of the result stays in registers while the whole sum runs over it: TALL rows, whose
 * factors are single numbers read in place, by a panel of PANEL columns, whose factors lie
 * packed.
 */
#ifndef GM_ONEDNN_PRODUCT_H
#define GM_ONEDNN_PRODUCT_H

#include <stdbool.h>
#include <stdint.h>

#if defined __AVX512F__
enum { VEC = 16, TALL = 12 };
#elif defined __AVX2__
enum { VEC = 8, TALL = 3 };
#else
enum { VEC = 4, TALL = 1 };
#endif
enum { PANEL = 32, WIDE = PANEL / VEC };

typedef float vec __attribute__((vector_size(VEC * sizeof(float)), aligned(4), may_alias));

#define INLINE static inline __attribute__((always_inline))

INLINE vec load(const float *p)
{
	return *(const vec *)p;
}

INLINE void store(float *p, vec v)
{
	*(vec *)p = v;
}

/* c [tall, PANEL] (+)= a [tall, K] b [K, PANEL]; element (m,k) of a is at m am + k ak. */
INLINE void tile(int tall, int64_t K, const float *a, int64_t am, int64_t ak, const float *b,
                 float *c, int64_t pitch, bool add)
{
	vec acc[TALL][WIDE];
#pragma GCC unroll 12
	for (int m = 0; m < tall; m++)
#pragma GCC unroll 8
		for (int j = 0; j < WIDE; j++)
			acc[m][j] = add ? load(c + m * pitch + j * VEC) : (vec){0};
	for (int64_t k = 0; k < K; k++, a += ak, b += PANEL) {
		vec r[WIDE];
#pragma GCC unroll 8
		for (int j = 0; j < WIDE; j++)
			r[j] = load(b + j * VEC);
#pragma GCC unroll 12
		for (int m = 0; m < tall; m++)
#pragma GCC unroll 8
			for (int j = 0; j < WIDE; j++)
				acc[m][j] += a[m * am] * r[j];
	}
#pragma GCC unroll 12
	for (int m = 0; m < tall; m++)
#pragma GCC unroll 8
		for (int j = 0; j < WIDE; j++)
			store(c + m * pitch + j * VEC, acc[m][j]);
}

/* c [M, panels PANEL] (+)= a [M, K] b, b in panels [K, PANEL] */
INLINE void product(int64_t M, int64_t panels, int64_t K, const float *a, int64_t am, int64_t ak,
                    const float *b, float *c, int64_t pitch, bool add)
{
	for (int64_t p = 0; p < panels; p++, b += K * PANEL, c += PANEL) {
		int64_t m = 0;
		for (; m + TALL <= M; m += TALL)
			tile(TALL, K, a + m * am, am, ak, b, c + m * pitch, pitch, add);
#if defined __AVX512F__
		if (m + 8 <= M) {
			tile(8, K, a + m * am, am, ak, b, c + m * pitch, pitch, add);
			m += 8;
		}
		if (m + 4 <= M) {
			tile(4, K, a + m * am, am, ak, b, c + m * pitch, pitch, add);
			m += 4;
		}
#endif
		for (; m < M; m++)
			tile(1, K, a + m * am, am, ak, b, c + m * pitch, pitch, add);
	}
}

#endif
