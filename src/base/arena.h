/* SPDX-License-Identifier: MIT
 *
 * arena.h -- many small allocations with one owner and one free.
 *
 *	gm_arena *a = gm_arena_new();
 *	char *name = gm_arena_printf(a, "%s/weight", scope);
 *	...
 *	gm_arena_free(a);          // name and everything else goes with it
 *
 * Memory comes in chunks that never move, so pointers stay good until gm_arena_free. But for
 * gm_arena_try, allocation never returns NULL: where the system has no memory left, the innermost
 * gm_memory_guard of the thread returns false; without one gm_arena_on_no_memory's function is
 * called, which does not come back, or else the process aborts with a message. Every public
 * function that allocates from an arena stands under a guard. Sizes that come from a file must be
 * bounded before they get here. An arena belongs to one thread at a time. */
#ifndef GANYMEDE_BASE_ARENA_H
#define GANYMEDE_BASE_ARENA_H

#include "ganymede/base.h"

typedef struct gm_arena gm_arena;

/* Sets the out-of-memory handler of the process, which must not return. */
void gm_arena_on_no_memory(void (*end)(size_t bytes));

/* Out of memory: ends the innermost guard. bytes: the failed allocation, or 0 if unknown. */
_Noreturn void gm_no_memory(size_t bytes);

/* Calls body(ctx); false if it ran out of memory. body is then left by longjmp: memory owned by
 * outside objects (arenas, graphs) can still be freed, memory owned only by its local variables
 * leaks. Guards nest. gm_no_memory must not leave a parallel region or code of other libraries. */
bool gm_memory_guard(void (*body)(void *ctx), void *ctx);

gm_arena *gm_arena_new(void);
void gm_arena_free(gm_arena *a); /* NULL is allowed */

/* n bytes aligned to 64 (a cache line, an AVX-512 register). alloc leaves them undefined, calloc
 * sets them to zero. */
void *gm_arena_alloc(gm_arena *a, size_t n);
void *gm_arena_calloc(gm_arena *a, size_t count, size_t size);
/* As gm_arena_calloc, but returns NULL if out of memory. */
void *gm_arena_try(gm_arena *a, size_t n);
void *gm_arena_copy(gm_arena *a, const void *p, size_t n);

/* Strings are packed without alignment. strndup copies at most n bytes and ends them with a
 * zero. */
char *gm_arena_strdup(gm_arena *a, const char *s);
char *gm_arena_strndup(gm_arena *a, const char *s, size_t n);
char *gm_arena_printf(gm_arena *a, const char *fmt, ...) GM_PRINTF(2, 3);

/* Bytes allocated from the system so far. */
size_t gm_arena_bytes(const gm_arena *a);

#endif
