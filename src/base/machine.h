/* SPDX-License-Identifier: MIT
 *
 * machine.h -- what the machine has: threads, memory; and a fast hash of bytes. */
#ifndef GANYMEDE_BASE_MACHINE_H
#define GANYMEDE_BASE_MACHINE_H

#include "ganymede/base.h"

int gm_thread_count(void);  /* threads that the next parallel region may have */
int gm_thread_limit(int n); /* sets that; returns what it was */
int gm_thread_index(void);  /* of the caller within its parallel region */

uint64_t gm_machine_memory(void); /* bytes of RAM; a guess of 4 GiB where the system does not say */
/* At least `bytes`, aligned to 64, for free(). Large blocks ask for large pages: fewer of them to touch and to look up. */
void *gm_machine_alloc(size_t bytes);

/* A stretch of addresses that has no memory yet: it comes, zeroed, where it is touched. NULL where the system will not. */
void *gm_machine_reserve(size_t bytes);
void gm_machine_release(void *p, size_t bytes);

/* Of all threads of this process so far. */
double gm_processor_seconds(void);

/* Most resident bytes of this process so far, 0 where the system does not say; `again` starts the count afresh. */
uint64_t gm_machine_peak(bool again);

/* 64 bits to notice that content has changed; not against an adversary. Chain calls through h
 * (start with 0). */
uint64_t gm_hash(uint64_t h, const void *data, size_t n);

/* Seconds of a clock that only goes forward. */
double gm_seconds(void);

#endif
