/* SPDX-License-Identifier: MIT
 *
 * use/latents.h -- images of a generator whose latents are set by a person: single codes, principal
 * directions, truncation. One struct stands behind `ganymede sample` and the studio.
 *
 *	gm_latents_options o = {.seed = 1, .count = 4, .class = -1, .psi = 1, .codes = "c1=3"};
 *	gm_latents_draw(saved, NULL, &o, x, &err);
 */
#ifndef GM_USE_LATENTS_H
#define GM_USE_LATENTS_H

#include "ganymede/saved.h"

/* Directions in latent space along which images change most: the eigenvectors of B'B, where B is
 * the linear regression of images on latents that have a density (one-hot latents and labels keep
 * what they are drawn as). A principal component analysis of z itself would say nothing, because z
 * is isotropic. */
typedef struct gm_directions {
	int64_t numbers, count; /* values of a row of latents; directions */
	float *v;               /* [count, numbers], orthonormal, largest change first */
	double *share;          /* [count]: of the change of all directions */
} gm_directions;

enum {
	GM_DIRECTIONS_SAMPLES = 2048,
	GM_DIRECTIONS = 16, /* by default */
	GM_DIRECTIONS_LEAST = 4,
	GM_DIRECTIONS_MOST = 64
};
/* By `samples` images of the run's endpoint "generate", from a fixed seed; at most `count` of them.
 * Opens the checkpoint of s again. NULL on failure; the caller frees it. */
gm_directions *gm_directions_new(const gm_saved *s, int64_t samples, int64_t count, gm_error *err);
void gm_directions_free(gm_directions *d); /* NULL is allowed */

typedef struct gm_latents_options {
	uint64_t seed;
	int64_t count; /* images: samples 0 .. count-1 of the seed */
	int64_t class; /* for class-conditional runs; -1: one for each `columns` samples, in turn */
	int64_t columns; /* default 1 */
	double psi;      /* latents with a density are multiplied by this */
	/* "c1=3,c2=-.4,z:5=1": values of single codes in all images, after psi; of a one-hot code
	 * its category. NAME:NUMBER, from 0, for latents of several values. NULL: none */
	const char *codes;
	/* "0:1.5,3:-2": adds multiples of directions, from 0. NULL: none; else directions are
	 * needed */
	const char *along;
	/* Instead of seed, class, psi, codes and along: a sum of samples, terms "WEIGHT WORDS"
	 * that ; separates, such as "1 seed=5 codes=c1=3; -1 seed=7 psi=.8 along=0:1.5". number=3
	 * is sample 3 of the seed, without it sample 0. Latents with a density are summed; one-hot
	 * latents and the class are those of the first term. NULL: none */
	const char *mix;
	/* With mix and without to: uniform noise in [-noise, noise] is added to each value with a
	 * density, except in image count / 2 */
	double noise;
	/* With mix: the count images (at least 2) lie evenly between that sum and this one,
	 * spherically for normal latents. NULL: all are that of mix */
	const char *to;
} gm_latents_options;

/* True if o asks for more than the samples of a seed. */
bool gm_latents_change(const gm_latents_options *o);
/* x [count, shape of the run's examples]. With psi 1 and no codes and directions these are the
 * samples of gm_saved_draw. GM_ERR_VALUE for bad texts; the message lists the codes of the run. */
/* True if o needs directions. */
bool gm_latents_directions(const gm_latents_options *o);
bool gm_latents_draw(gm_saved *s, const gm_directions *d, const gm_latents_options *o, float *x,
                     gm_error *err);

#endif
