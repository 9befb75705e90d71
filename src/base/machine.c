/* SPDX-License-Identifier: MIT
 *
 * machine.c -- threads, memory and time. See machine.h. */
#include "base/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#ifdef _OPENMP
#include <omp.h>

int gm_thread_count(void)
{
	return omp_get_max_threads();
}

int gm_thread_limit(int n)
{
	int was = omp_get_max_threads();
	omp_set_num_threads(n);
	return was;
}

int gm_thread_index(void)
{
	return omp_get_thread_num();
}

#else

int gm_thread_count(void)
{
	return 1;
}

int gm_thread_index(void)
{
	return 0;
}

#endif

uint64_t gm_machine_memory(void)
{
	const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
	return pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : (uint64_t)4 << 30;
}

enum { LARGE_PAGE = 2 << 20 };

void *gm_machine_reserve(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
#ifdef MADV_HUGEPAGE
	madvise(p, bytes, MADV_HUGEPAGE);
#endif
	return p;
}

void gm_machine_release(void *p, size_t bytes)
{
	if (p)
		munmap(p, bytes);
}

void *gm_machine_alloc(size_t bytes)
{
	const size_t page = LARGE_PAGE, align = bytes < 2 * page ? 64 : page;
	void *p = bytes > SIZE_MAX - page
	                  ? NULL
	                  : aligned_alloc(align, (bytes + align - 1) / align * align);
#ifdef MADV_HUGEPAGE
	if (p && align == page)
		madvise(p, bytes / page * page, MADV_HUGEPAGE); /* only a hint: ignore errors */
#endif
	return p;
}

/* Linux: VmHWM, which writing a 5 to clear_refs sets back to what is resident now. */
uint64_t gm_machine_peak(bool again)
{
	unsigned long long kib = 0;
	char line[128];
	FILE *f = fopen("/proc/self/status", "r");
	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "VmHWM: %llu", &kib) == 1)
			break;
	if (f)
		fclose(f);
	if (again && (f = fopen("/proc/self/clear_refs", "w"))) {
		fputs("5", f);
		fclose(f);
	}
	return (uint64_t)kib * 1024;
}

/* Multiply and fold, the core of wyhash and its relatives: 128-bit products mix all bits of both
 * words. */
static uint64_t mix(uint64_t a, uint64_t b)
{
	const unsigned __int128 p = (unsigned __int128)a * b;
	return (uint64_t)p ^ (uint64_t)(p >> 64);
}

uint64_t gm_hash(uint64_t h, const void *data, size_t n)
{
	const uint64_t odd = 0x9E3779B97F4A7C15u;
	const uint8_t *p = data;
	h ^= mix(n ^ odd, odd);
	for (; n >= 8; n -= 8, p += 8) {
		uint64_t w;
		memcpy(&w, p, 8);
		h = mix(h ^ odd, w ^ 0xD6E8FEB86659FD93u);
	}
	if (n > 0) {
		uint64_t w = 0;
		memcpy(&w, p, n);
		h = mix(h ^ odd, w ^ 0xD6E8FEB86659FD93u);
	}
	return mix(h ^ odd, odd);
}

double gm_processor_seconds(void)
{
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	return u.ru_utime.tv_sec + u.ru_stime.tv_sec +
	       1e-6 * (u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

double gm_seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + 1e-9 * t.tv_nsec;
}
