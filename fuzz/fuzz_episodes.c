/* SPDX-License-Identifier: MIT
 *
 * fuzz_episodes.c -- recorded episodes of environments, and policies of others. */
#define _GNU_SOURCE 1
#include "ganymede/env.h"

#include <math.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void check_episodes(const gm_env *env, const char *path)
{
	gm_error err = {0};
	gm_episodes e = {0};
	if (gm_episodes_read(&e, env, path, &err)) {
		if (e.episodes < 1 || e.first[0] || e.first[e.episodes] != e.pairs)
			__builtin_trap();
		for (int64_t i = 0; i < e.episodes; i++)
			if (e.first[i + 1] <= e.first[i])
				__builtin_trap();
		for (int64_t k = 0; k < e.pairs; k++)
			if (e.action[k] < 0 || e.action[k] >= env->actions ||
			    !isfinite(e.state[k * e.numbers]))
				__builtin_trap();
	} else if (err.code == GM_OK || !err.message[0] || e.pairs) {
		__builtin_trap();
	}
	gm_episodes_free(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	/* The readers take a path: a file in memory has one. */
	static int fd = -1;
	static char path[64];
	if (fd < 0) {
		fd = memfd_create("episodes", 0);
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	}
	if (fd < 0 || ftruncate(fd, 0) || pwrite(fd, bytes, n, 0) != (ssize_t)n)
		__builtin_trap();
	for (int i = 0; gm_env_at(i); i++) {
		gm_error err = {0};
		check_episodes(gm_env_at(i), path);
		gm_expert *x = gm_expert_open(path, gm_env_at(i), &err);
		const float state[GM_ENV_NUMBERS] = {0};
		float logits[GM_ENV_ACTIONS];
		if (x && !gm_expert_logits(x, state, 1, logits, &err))
			__builtin_trap();
		if (!x && (err.code == GM_OK || !err.message[0]))
			__builtin_trap();
		gm_expert_free(x);
	}
	return 0;
}
