/* SPDX-License-Identifier: MIT
 *
 * reduce.c -- field "low": examples reduced as in studies of super-resolution, by the bicubic rule
 * of MATLAB's imresize, and rounded to 8 bits. See ganymede/data.h.
 */
#include "data/set.h"

#include "base/machine.h"

#include <math.h>
#include <stdlib.h>

bool gm_reduction_init(gm_dataset *d, int factor, gm_error *err)
{
	const int64_t *s = d->info.shape;
	gm_reduction *r = &d->low;
	if (d->info.rank != 3)
		return gm_fail(err, GM_ERR_VALUE, "%s: points cannot be reduced (option reduce)",
		               d->name);
	if (s[1] % factor || s[2] % factor)
		return gm_fail(err, GM_ERR_VALUE,
		               "%s: pictures of %lld x %lld cannot be reduced by %d: give a --size "
		               "that is a multiple of it",
		               d->name, (long long)s[2], (long long)s[1], factor);
	r->factor = factor;
	r->resize = gm_resize_new((int)s[1], (int)s[2], (int)s[1] / factor, (int)s[2] / factor,
	                          GM_FILTER_IMRESIZE);
	if (r->resize)
		r->scratch_each = (size_t)d->info.numel + gm_resize_scratch(r->resize);
	r->threads = gm_thread_count();
	r->scratch = malloc(r->scratch_each * (size_t)r->threads * sizeof *r->scratch);
	return (r->resize && r->scratch) || gm_fail(err, GM_ERR_MEMORY, "out of memory");
}

void gm_reduction_free(gm_reduction *r)
{
	gm_resize_free(r->resize);
	free(r->scratch);
	*r = (gm_reduction){0};
}

/* There is scratch memory for so many. */
static int threads_for(const gm_dataset *d, int64_t n)
{
	const int threads = gm_set_threads(d, n, d->info.numel);
	return threads < d->low.threads ? threads : d->low.threads;
}

void gm_reduction_read(const gm_dataset *d, uint64_t seed, uint64_t position, int64_t n, float *out)
{
	const gm_reduction *r = &d->low;
	const int64_t *s = d->info.shape, plane = s[1] * s[2], width = s[2] / r->factor;
	const int64_t small = s[1] / r->factor * width;
#pragma omp parallel for num_threads(threads_for(d, n)) schedule(static)
	for (int64_t i = 0; i < n; i++) {
		const int thread = gm_thread_index();
		float *x = r->scratch + (size_t)thread * r->scratch_each,
		      *y = out + i * s[0] * small;
		gm_set_read(d, seed, position + (uint64_t)i, thread, x, NULL);
		for (int64_t c = 0; c < s[0]; c++)
			gm_resize_plane(r->resize, x + c * plane, y + c * small, (size_t)width,
			                x + d->info.numel);
		gm_resize_bytes(y, s[0] * small);
	}
}
