/* SPDX-License-Identifier: MIT
 *
 * base.h -- what every other header stands on: the export mark, errors, and counter-based random numbers.
 *
 * Functions that can fail because of the outside world (files, bytes, memory sizes) return false or NULL and fill a
 * gm_error; they never print and never exit. The error says what is wrong and, where there is one, the way out:
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

/* The version that these headers are of. There is no promise about the binary interface before 1.0: a program is built
 * against the headers of the library that it runs with. The headers are GNU C17, for macros with named arguments; C++
 * may include them, but calls the functions that end in _ (gm_conv_) instead of those macros. */
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
	GM_ERR_IO,     /* the system refused: open, read, write, rename */
	GM_ERR_FORMAT, /* bytes that are not what they claim to be */
	GM_ERR_SHAPE,  /* a shape or type rule of an expression was broken */
	GM_ERR_VALUE,  /* an option or argument out of its range */
	GM_ERR_MEMORY, /* too large for this machine */
	GM_ERR_STATE   /* asked for something that the object cannot do now */
} gm_code;

typedef struct gm_error {
	gm_code code;
	char message[480];
	int64_t offset; /* byte offset in the parsed input where the trouble is, or -1 */
} gm_error;

/* Fills *err (which may be NULL) and returns false, so that a parser can `return gm_fail(err, ...)`. The first error
 * wins: an err that already holds one is left alone. Sets offset to -1; gm_fail_at also records where. */
GM_API bool gm_fail(gm_error *err, gm_code code, const char *fmt, ...) GM_PRINTF(3, 4);
GM_API bool gm_fail_at(gm_error *err, int64_t offset, gm_code code, const char *fmt, ...)
	GM_PRINTF(4, 5);

/* How far something is that takes long: what ("decoding pictures"), done of total units ("files",
 * "bytes"); total is 0 where it is not known. what is NULL when it is over. */
typedef struct gm_progress {
	const char *what, *unit;
	uint64_t done, total;
} gm_progress;

/* Shows it. False asks for an end: the function that tells of its progress then fails with
 * GM_ERR_STATE and leaves nothing half done behind. */
typedef bool gm_progress_fn(void *context, const gm_progress *p);

/* From now on what this thread's calls tell of their progress goes to show, which the library calls
 * often (it decides itself what is worth a line). NULL, as in the beginning: to nobody. */
GM_API void gm_progress_to(gm_progress_fn *show, void *context);

/* Version of the library, "0.1.0". */
GM_API const char *gm_version(void);

/* Philox 4x32-10, Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011. A pure function: the same
 * counter and key give the same four words on every machine and in every thread. */
GM_API void gm_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* A stream of random numbers for host code, drawn from Philox by counting. (seed, stream) names it; copying the struct
 * copies the position. */
typedef struct gm_rng {
	uint64_t seed, stream, count; /* count: words drawn so far */
	uint32_t word[4];
} gm_rng;

GM_API gm_rng gm_rng_new(uint64_t seed, uint64_t stream);
GM_API uint32_t gm_rng_u32(gm_rng *r);
GM_API void gm_rng_skip(gm_rng *r, uint64_t words); /* as after drawing so many */
GM_API double gm_rng_uniform(gm_rng *r);            /* in [0, 1), 32 bits of it */
GM_API double gm_rng_normal(gm_rng *r);             /* mean 0, variance 1 (Box & Muller 1958) */
GM_API uint32_t gm_rng_below(gm_rng *r, uint32_t bound); /* in [0, bound), unbiased (Lemire 2019) */

GM_END_C

#endif
