/* SPDX-License-Identifier: MIT
 *
 * ops/random.h -- how random words become numbers, for the definitions and for backends' kernels.
 *
 * Elements 4k .. 4k+3 of a source are made of the four words w0..w3 that gm_random_words gives for
 * block k. A word w means the number (w >> 8) / 2^24 in [0,1), which a float holds exactly, so that
 * every backend and both real types start from the same number:
 *
 *	uniform     element 4k+i = u(wi)
 *	bernoulli   element 4k+i = u(wi) < p, decided in integers
 *	normal      elements 4k, 4k+1 = r cos a, r sin a with a = 2 pi u(w1) and
 *	            r = sqrt(-2 ln((1 + (w0 >> 8)) / 2^24)); elements 4k+2, 4k+3 likewise from w2
 *	            and w3 (Box & Muller 1958); at most 5.77 from 0
 *	permutation Fisher & Yates: for i = n-1 down to 1 swap element i with element j <= i, where
 *	            j is the floor of i+1 times the 64-bit fraction w0 w1 (odd i: w2 w3) of block
 *	            i/2
 */
#ifndef GM_OPS_RANDOM_H
#define GM_OPS_RANDOM_H

#include "graph/internal.h"

typedef struct gm_random_attr {
	uint32_t stream;
	int rank;
	int64_t dim[GM_MAX_RANK]; /* of the result */
	double p;                 /* bernoulli; else 0 */
} gm_random_attr;

/* The number of y's first element among those of all ranks: each rank draws its own rows of one
 * source, except of scalars, which all share. */
static inline int64_t gm_random_first(const gm_node *y, int rank)
{
	return y->shape.rank ? rank * gm_shape_size(y->shape) : 0;
}

/* u < p exactly when (w >> 8) < this. */
static inline uint32_t gm_bernoulli_bound(double p)
{
	double t = p * 16777216.;
	uint32_t n = (uint32_t)t;
	return n + (n < t);
}

#endif
