/* SPDX-License-Identifier: MIT
 *
 * moving.c -- videos of two images of a set that move straight on and bounce off the sides: of
 * MNIST's digits moving MNIST (Srivastava, Mansimov & Salakhutdinov 2015, arXiv:1502.04681, section
 * 3.2; speed and bouncing as in the authors' generator, data_handler.py). Random pairs for every
 * position of an endless stream. */
#include "data/set.h"

#include "base/machine.h"

#include <math.h>
#include <stdlib.h>

enum { IMAGES = 2, FRAMES = 20 };
#define STEP .1f /* length of a step, as a share of the way from side to side */

bool gm_moving_init(gm_dataset *d, const gm_data_options *o, gm_error *err)
{
	gm_data_info *info = &d->info;
	gm_moving *m = &d->moving;
	const gm_pictures *p = &d->pictures;
	if (info->kind != GM_KIND_IMAGES || p->slot_a || p->captions)
		return gm_fail(err, GM_ERR_VALUE, "%s: option moving is for sets of images",
		               d->name);
	if (o->moving < info->shape[1] || o->moving < info->shape[2])
		return gm_fail(err, GM_ERR_VALUE,
		               "%s: option moving: frames of %d pixels are smaller than its images "
		               "of %lld x %lld (option size)",
		               d->name, o->moving, (long long)info->shape[2],
		               (long long)info->shape[1]);
	if (o->frames == 1)
		return gm_fail(err, GM_ERR_VALUE,
		               "%s: option frames: a video of moving images has 2 frames or more",
		               d->name);
	m->count = info->count;
	m->frames = o->frames > 1 ? o->frames : FRAMES;
	m->height = (int)info->shape[1], m->width = (int)info->shape[2];
	m->each = (size_t)IMAGES * (size_t)info->shape[0] * (size_t)m->height * (size_t)m->width;
	m->scratch = malloc(m->each * (size_t)p->threads * sizeof *m->scratch);
	if (!m->scratch)
		return gm_fail(err, GM_ERR_MEMORY, "%s: out of memory", d->name);
	const int shape[] = {o->moving, m->frames};
	info->hash = gm_hash(info->hash, shape, sizeof shape);
	info->count = 0;
	info->shape[1] = info->shape[2] = o->moving;
	info->classes = 0, info->class_names = NULL;
	return true;
}

void gm_moving_free(gm_moving *m)
{
	free(m->scratch);
	*m = (gm_moving){0};
}

/* One step of a place in [0,1]. */
static void step(float *at, float *by)
{
	*at += *by * STEP;
	if (*at > 0 && *at < 1)
		return;
	*at = *at <= 0 ? 0 : 1;
	*by = -*by;
}

void gm_moving_read(const gm_dataset *d, uint64_t seed, uint64_t index, int frames, int thread,
                    float *x)
{
	const gm_moving *m = &d->moving;
	const gm_pictures *p = &d->pictures;
	const int64_t *s = d->info.shape;
	const int side = (int)s[2], channels = (int)s[0], one = m->height * m->width;
	float *image = m->scratch + (size_t)thread * m->each;
	float at[IMAGES][2], by[IMAGES][2];
	gm_rng rng = gm_rng_new(gm_hash(d->info.hash, &seed, sizeof seed), index);
	for (int k = 0; k < IMAGES; k++) {
		const uint64_t i = d->from + gm_rng_below(&rng, m->count);
		gm_pictures_get(p, p->slot ? p->slot[i] : i, thread, image + k * channels * one);
		for (int axis = 0; axis < 2; axis++)
			at[k][axis] = (float)gm_rng_uniform(&rng);
		const float angle = 2 * (float)M_PI * (float)gm_rng_uniform(&rng);
		by[k][0] = cosf(angle), by[k][1] = sinf(angle);
	}
	for (int t = 0; t < frames; t++, x += d->info.numel) {
		for (int64_t i = 0; i < d->info.numel; i++)
			x[i] = -1;
		for (int k = 0; k < IMAGES; k++) {
			const int left = (int)(at[k][0] * (float)(side - m->width)),
				  top = (int)(at[k][1] * (float)(side - m->height));
			for (int i = 0; i < channels * one; i++) {
				float *to = x + (i / one * side + top + i % one / m->width) * side +
				            left + i % m->width;
				*to = fmaxf(*to, image[k * channels * one + i]);
			}
			step(&at[k][0], &by[k][0]), step(&at[k][1], &by[k][1]);
		}
	}
}
