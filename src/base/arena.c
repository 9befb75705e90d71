/* SPDX-License-Identifier: MIT
 *
 * arena.c -- a bump allocator. See arena.h. */
#include "base/arena.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIGN 64
#define CHUNK_MIN (16u << 10)
#define CHUNK_MAX (4u << 20)

typedef struct chunk {
	struct chunk *next;
	size_t size, used; /* size counts this header too */
} chunk;

struct gm_arena {
	chunk *head; /* the only one that is still filled */
	size_t bytes, grow;
};

static void (*on_no_memory)(size_t bytes);

void gm_arena_on_no_memory(void (*end)(size_t bytes))
{
	on_no_memory = end;
}

static _Thread_local jmp_buf *innermost;

bool gm_memory_guard(void (*body)(void *ctx), void *ctx)
{
	jmp_buf here, *const outer = innermost;
	if (setjmp(here)) {
		innermost = outer;
		return false;
	}
	innermost = &here;
	body(ctx);
	innermost = outer;
	return true;
}

void gm_no_memory(size_t n)
{
	if (innermost)
		longjmp(*innermost, 1);
	if (on_no_memory)
		on_no_memory(n);
	fprintf(stderr, "ganymede: out of memory (%zu bytes)\n", n);
	abort();
}

gm_arena *gm_arena_new(void)
{
	gm_arena *a = calloc(1, sizeof *a);
	if (!a)
		gm_no_memory(sizeof *a);
	a->grow = CHUNK_MIN;
	return a;
}

void gm_arena_free(gm_arena *a)
{
	if (!a)
		return;
	for (chunk *c = a->head, *next; c; c = next) {
		next = c->next;
		free(c);
	}
	free(a);
}

static chunk *chunk_new(gm_arena *a, size_t size)
{
	chunk *c = aligned_alloc(ALIGN, size);
	if (!c)
		return NULL;
	*c = (chunk){.size = size, .used = sizeof *c};
	a->bytes += size;
	return c;
}

static void *try(gm_arena *a, size_t n, size_t align)
{
	if (n > SIZE_MAX / 2)
		return NULL;
	chunk *c = a->head;
	if (c) {
		const size_t start = (c->used + align - 1) & ~(align - 1);
		if (start <= c->size && n <= c->size - start) {
			c->used = start + n;
			return (char *)c + start;
		}
	}
	/* A large block gets a chunk of its own behind the head, so that the head's room is not
	 * wasted. */
	const size_t need = (ALIGN + n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	if (c && need > a->grow / 4) {
		chunk *own = chunk_new(a, need);
		if (!own)
			return NULL;
		own->next = c->next;
		c->next = own;
		own->used = own->size;
		return (char *)own + ALIGN;
	}
	chunk *fresh = chunk_new(a, need > a->grow ? need : a->grow);
	if (!fresh)
		return NULL;
	fresh->next = c;
	a->head = fresh;
	if (a->grow < CHUNK_MAX)
		a->grow *= 2;
	fresh->used = ALIGN + n;
	return (char *)fresh + ALIGN;
}

static void *take(gm_arena *a, size_t n, size_t align)
{
	void *p = try(a, n, align);
	if (!p)
		gm_no_memory(n);
	return p;
}

void *gm_arena_try(gm_arena *a, size_t n)
{
	void *p = try(a, n, ALIGN);
	return p ? memset(p, 0, n) : NULL;
}

void *gm_arena_alloc(gm_arena *a, size_t n)
{
	return take(a, n, ALIGN);
}

void *gm_arena_calloc(gm_arena *a, size_t count, size_t size)
{
	size_t n;
	if (__builtin_mul_overflow(count, size, &n))
		gm_no_memory(SIZE_MAX);
	return memset(take(a, n, ALIGN), 0, n);
}

void *gm_arena_copy(gm_arena *a, const void *p, size_t n)
{
	void *copy = take(a, n, ALIGN);
	return n ? memcpy(copy, p, n) : copy;
}

char *gm_arena_strndup(gm_arena *a, const char *s, size_t n)
{
	n = strnlen(s, n);
	char *copy = take(a, n + 1, 1);
	memcpy(copy, s, n);
	copy[n] = 0;
	return copy;
}

char *gm_arena_strdup(gm_arena *a, const char *s)
{
	return gm_arena_strndup(a, s, strlen(s));
}

char *gm_arena_printf(gm_arena *a, const char *fmt, ...)
{
	va_list args, again;
	va_start(args, fmt);
	va_copy(again, args);
	const int n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	char *s = take(a, (size_t)(n < 0 ? 0 : n) + 1, 1);
	s[0] = 0;
	if (n >= 0)
		vsnprintf(s, (size_t)n + 1, fmt, again);
	va_end(again);
	return s;
}

size_t gm_arena_bytes(const gm_arena *a)
{
	return a->bytes;
}
