/* SPDX-License-Identifier: MIT
 *
 * fuzz_stats.c -- means and covariances of features, as pytorch-fid and clean-fid keep them in an
 * .npz. */
#define _GNU_SOURCE 1
#include "metrics/stats.h"

#include <math.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	/* The reader takes a path: a file in memory has one. */
	static int fd = -1;
	static char path[64];
	if (fd < 0) {
		fd = memfd_create("stats", 0);
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	}
	if (fd < 0 || ftruncate(fd, 0) || pwrite(fd, bytes, n, 0) != (ssize_t)n)
		__builtin_trap();
	gm_error err = {0};
	gm_stats s = {0};
	if (gm_stats_read(path, &s, &err)) {
		for (int64_t i = 0; i < s.d * (s.d + 1); i++)
			if (!isfinite(i < s.d ? s.mean[i] : s.sigma[i - s.d]))
				__builtin_trap();
		if (s.d < 1)
			__builtin_trap();
	} else if (err.code == GM_OK || !err.message[0]) {
		__builtin_trap();
	}
	gm_stats_free(&s);
	return 0;
}
