/* SPDX-License-Identifier: MIT
 *
 * simd.c -- which set of loops this processor runs, and how many threads share them.
 */
#include <stdlib.h>
#include <string.h>

#include "backends/cpu/cpu.h"
#include "backends/cpu/tiles.h"

#define SET(name)                                                                                  \
	{                                                                                          \
#name, gm_tape_chunk_##name, gm_box_muller_##name, gm_add_patches_##name,          \
			&gm_phase_loops_##name, &gm_winograd_loops_##name, gm_dense_block_##name   \
	}

static const gm_simd sets[] = {
#ifdef GM_X86
	SET(avx512),
	SET(avx2),
#endif
	SET(base),
};

static bool runs(const char *name)
{
#ifdef GM_X86
	if (!strcmp(name, "avx512"))
		return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
		       __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
		       __builtin_cpu_supports("fma");
	if (!strcmp(name, "avx2"))
		return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
	return !strcmp(name, "base");
}

const gm_simd *gm_simd_best(void)
{
	static const gm_simd *best; /* the same for every thread that races to set it */
	if (best)
		return best;
	const char *asked = getenv("GANYMEDE_SIMD");
	const gm_simd *found = NULL;
	for (size_t i = 0; i < sizeof sets / sizeof *sets && !found; i++)
		if (runs(sets[i].name) && (!asked || !*asked || !strcmp(asked, sets[i].name)))
			found = &sets[i];
	return best = found ? found : &sets[sizeof sets / sizeof *sets - 1];
}
