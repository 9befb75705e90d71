/* SPDX-License-Identifier: MIT
 *
 * dense.h -- products of the size that a linear layer has, divided among threads so that each
 * has its factors in cache.
 *
 * A library that divides each product by itself makes every core read what others have written: one
 * core updates weights and moments that another one multiplies with. Here one axis is divided for a
 * layer's three products and for the pass that updates its weights: the units of the layer if there
 * are more of them than examples (each thread keeps its rows of W, and only activations move
 * between caches), else the examples. Sums over a divided axis are added at the end, in the order
 * of threads.
 */
#ifndef GM_ONEDNN_DENSE_H
#define GM_ONEDNN_DENSE_H

#include <stdint.h>

/* c [M,N] = a [M,K] b [K,N], by strides in floats; of b's one is 1 and of c's one is 1. */
typedef struct gm_dense {
	int64_t M, N, K;
	int64_t am, ak, bk, bn, cm, cn;
} gm_dense;

enum { DENSE_PANEL = 32 };

/* Rows [m0,m1) and columns [n0,n1), summed over [k0,k1). scratch: (K + M) DENSE_PANEL floats,
 * aligned to 64 bytes. */
typedef void gm_dense_block(const gm_dense *d, const float *a, const float *b, float *c, int64_t m0,
                            int64_t m1, int64_t n0, int64_t n1, int64_t k0, int64_t k1,
                            float *scratch);

gm_dense_block gm_dense_block_base, gm_dense_block_avx2, gm_dense_block_avx512;

#endif
