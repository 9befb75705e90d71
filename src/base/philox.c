/* SPDX-License-Identifier: MIT
 *
 * philox.c -- counter-based random numbers: Philox 4x32-10 of Salmon, Moraes, Dror & Shaw, SC
 * 2011, section 3.3. */
#include "ganymede/base.h"

#include <math.h>

/* Multipliers and Weyl constants: table 2 of the paper and its text. */
#define MUL_0 0xD2511F53u
#define MUL_1 0xCD9E8D57u
#define WEYL_0 0x9E3779B9u /* the golden ratio */
#define WEYL_1 0xBB67AE85u /* sqrt(3) - 1 */

void gm_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
	uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
	uint32_t k0 = key[0], k1 = key[1];

	for (int round = 0; round < 10; round++) {
		const uint64_t p0 = (uint64_t)MUL_0 * c0, p1 = (uint64_t)MUL_1 * c2;
		c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
		c1 = (uint32_t)p1;
		c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
		c3 = (uint32_t)p0;
		k0 += WEYL_0;
		k1 += WEYL_1;
	}
	out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}

gm_rng gm_rng_new(uint64_t seed, uint64_t stream)
{
	return (gm_rng){.seed = seed, .stream = stream};
}

static void draw_block(gm_rng *r)
{
	const uint64_t block = r->count >> 2;
	const uint32_t counter[4] = {(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)r->stream,
	                             (uint32_t)(r->stream >> 32)};
	const uint32_t key[2] = {(uint32_t)r->seed, (uint32_t)(r->seed >> 32)};
	gm_philox(counter, key, r->word);
}

uint32_t gm_rng_u32(gm_rng *r)
{
	const unsigned lane = r->count & 3;
	if (lane == 0)
		draw_block(r);
	r->count++;
	return r->word[lane];
}

void gm_rng_skip(gm_rng *r, uint64_t words)
{
	r->count += words;
	if (r->count & 3)
		draw_block(r);
}

double gm_rng_uniform(gm_rng *r)
{
	return gm_rng_u32(r) * 0x1p-32;
}

double gm_rng_normal(gm_rng *r)
{
	/* (u + 1/2) keeps the logarithm finite. The sine twin is thrown away: no hidden state to
	 * save. */
	const double u = (gm_rng_u32(r) + 0.5) * 0x1p-32;
	const double v = gm_rng_u32(r) * 0x1p-32;
	return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

uint32_t gm_rng_below(gm_rng *r, uint32_t bound)
{
	/* Lemire 2019, algorithm 5: multiply, keep the high half, reject the few low halves that
	 * would bias it. */
	uint64_t m = (uint64_t)gm_rng_u32(r) * bound;
	if ((uint32_t)m < bound) {
		const uint32_t threshold = bound ? -bound % bound : 0;
		while ((uint32_t)m < threshold)
			m = (uint64_t)gm_rng_u32(r) * bound;
	}
	return (uint32_t)(m >> 32);
}
