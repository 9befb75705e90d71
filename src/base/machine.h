/* SPDX-License-Identifier: MIT
 *
 * machine.h -- threads, memory, time; and a fast hash. */
#ifndef GANYMEDE_BASE_MACHINE_H
#define GANYMEDE_BASE_MACHINE_H

#include "ganymede/base.h"

int gm_thread_count(void);  /* number of threads of the next parallel region */
int gm_thread_limit(int n); /* sets it; returns the previous value */
int gm_thread_index(void);  /* index of the caller in its parallel region */

uint64_t gm_machine_memory(void); /* bytes of RAM; 4 GiB if unknown */
/* At least `bytes`, aligned to 64, to be freed with free(). Large blocks use huge pages. */
void *gm_machine_alloc(size_t bytes);

/* Reserves address space; zeroed pages are allocated on first access. NULL on failure. */
void *gm_machine_reserve(size_t bytes);
void gm_machine_release(void *p, size_t bytes);

/* CPU time of all threads of this process. */
double gm_processor_seconds(void);

/* Peak resident bytes of this process, 0 if unknown; `again` resets the peak. */
uint64_t gm_machine_peak(bool again);

/* A 64-bit hash to detect changes; not cryptographic. Chain calls through h (start with 0). */
uint64_t gm_hash(uint64_t h, const void *data, size_t n);

/* Seconds of a monotonic clock. */
double gm_seconds(void);

#endif
