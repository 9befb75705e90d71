/* SPDX-License-Identifier: MIT
 *
 * base.h -- included by every other header: symbol visibility, errors, counter-based random
 * numbers.
 *
 * Functions that can fail at run time (files, malformed input, memory) return false or NULL and
 * fill a gm_error; they never print and never exit. The message says what is wrong and, if
 * possible, how to fix it:
 *
 *	gm_error err = {0};
 *	gm_dataset *d = gm_data_open("train-images-idx3-ubyte.gz", NULL, &err);
 *	if (!d)
 *		fprintf(stderr, "%s\n", err.message);
 */
#ifndef GANYMEDE_BASE_H
#define GANYMEDE_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The version of these headers. The ABI is not stable before 1.0: build a program against the
 * headers of the library that it runs with. The headers are GNU C17, because of the macros with
 * named arguments. C++ can include them, but must call the functions that end in _ (gm_conv_)
 * instead of these macros. */
#define GM_VERSION_MAJOR 0
#define GM_VERSION_MINOR 1
#define GM_VERSION_PATCH 0

#ifdef __cplusplus
#define GM_BEGIN_C extern "C" {
#define GM_END_C }
#else
#define GM_BEGIN_C
#define GM_END_C
#endif

#if defined(__GNUC__)
#define GM_API __attribute__((visibility("default")))
#define GM_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define GM_API
#define GM_PRINTF(fmt, args)
#endif

GM_BEGIN_C

typedef enum gm_code {
	GM_OK = 0,
	GM_ERR_IO,     /* a system call failed: open, read, write, rename */
	GM_ERR_FORMAT, /* malformed or corrupt input */
	GM_ERR_SHAPE,  /* shapes or types of an expression do not match */
	GM_ERR_VALUE,  /* an option or argument is out of range */
	GM_ERR_MEMORY, /* not enough memory */
	GM_ERR_STATE   /* the object does not support this call, or not in its present state */
} gm_code;

typedef struct gm_error {
	gm_code code;
	char message[480];
	int64_t offset; /* byte offset of the error in the parsed input, or -1 */
} gm_error;

/* Fills *err (which may be NULL) and returns false, so that a parser can `return gm_fail(err,
 * ...)`. The first error wins: an err that already holds an error is not changed. Sets offset to
 * -1; gm_fail_at sets it to `offset`. */
GM_API bool gm_fail(gm_error *err, gm_code code, const char *fmt, ...) GM_PRINTF(3, 4);
GM_API bool gm_fail_at(gm_error *err, int64_t offset, gm_code code, const char *fmt, ...)
	GM_PRINTF(4, 5);

/* Progress of a long operation: what ("decoding images"), done out of total units ("files",
 * "bytes"). total is 0 if it is not known. what is NULL at the end of the operation. */
typedef struct gm_progress {
	const char *what, *unit;
	uint64_t done, total;
} gm_progress;

/* Called with the progress. Returning false cancels the operation: the function that reports
 * progress then fails with GM_ERR_STATE and leaves no partial results. */
typedef bool gm_progress_fn(void *context, const gm_progress *p);

/* Sets the progress callback of this thread. The library calls it often; the callback decides what
 * to print. NULL (the default): no callback. */
GM_API void gm_progress_to(gm_progress_fn *show, void *context);

/* Version of the library at run time, "0.1.0". */
GM_API const char *gm_version(void);

/* Philox 4x32-10, Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011. A pure
 * function of counter and key, on every machine and in every thread. */
GM_API void gm_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* A random number generator for host code: Philox with a counter. (seed, stream) identifies the
 * sequence; copying the struct copies the position. */
typedef struct gm_rng {
	uint64_t seed, stream, count; /* count: words drawn so far */
	uint32_t word[4];
} gm_rng;

GM_API gm_rng gm_rng_new(uint64_t seed, uint64_t stream);
GM_API uint32_t gm_rng_u32(gm_rng *r);
GM_API void gm_rng_skip(gm_rng *r, uint64_t words); /* advances by that many words */
GM_API double gm_rng_uniform(gm_rng *r);            /* in [0, 1), a multiple of 2^-32 */
GM_API double gm_rng_normal(gm_rng *r);             /* mean 0, variance 1 (Box & Muller 1958) */
GM_API uint32_t gm_rng_below(gm_rng *r, uint32_t bound); /* in [0, bound), unbiased (Lemire 2019) */

GM_END_C

#endif
