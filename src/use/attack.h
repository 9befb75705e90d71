/* SPDX-License-Identifier: MIT
 *
 * use/attack.h -- adversarial examples of a trained classifier: images that differ little from
 * given ones and that it errs on.
 *
 *	gm_attack_options o = {.epsilon = .25};
 *	gm_attacker *a = gm_attacker_open(saved, &o, &err);
 *	gm_attacker_run(a, x, label, n, attacked, &err);
 *	gm_attacker_free(a);
 */
#ifndef GM_USE_ATTACK_H
#define GM_USE_ATTACK_H

#include "ganymede/saved.h"

/* Zero fields take the default. */
typedef struct gm_attack_options {
	/* largest change: of a pixel in [0,1], or of a whole image by its Euclidean length */
	double epsilon;
	/* 1 (default): the fast gradient sign method; more: iterations (nn.h, gm_attack) */
	int steps;
	double step;    /* length of a step; default: epsilon, or 2.5 epsilon / steps if several */
	bool euclidean; /* epsilon and step are Euclidean lengths */
	/* the first iteration starts at a random point of the box: Madry et al. 2018,
	 * arXiv:1706.06083, section 2.1. Needs several steps; not with euclidean */
	bool random_start;
	bool targeted; /* the labels are the classes that the net shall say */
	uint64_t seed; /* of random starts */
} gm_attack_options;

typedef struct gm_attacker gm_attacker;

/* s: a run with the endpoint "classify", not owned; it must stay open. GM_ERR_VALUE for bad
 * options, GM_ERR_STATE for a run without that endpoint. */
gm_attacker *gm_attacker_open(gm_saved *s, const gm_attack_options *o, gm_error *err);
void gm_attacker_free(gm_attacker *a); /* NULL is allowed */
/* Images x [n, shape of the run] in [-1,1] with labels [n] to attacked ones, out [n, ..]. */
bool gm_attacker_run(gm_attacker *a, const float *x, const int32_t *label, int64_t n, float *out,
                     gm_error *err);
/* The control: x with plus or minus epsilon added to each value at random, in [-1,1]. */
void gm_attack_noise(const gm_saved *s, double epsilon, uint64_t seed, const float *x, int64_t n,
                     float *out);

/* How a classifier takes images. */
typedef struct gm_attack_score {
	int64_t wrong;     /* images whose most probable class is not the label */
	double confidence; /* mean probability of the most probable class, over the wrong ones */
} gm_attack_score;
/* said [n], or NULL: the most probable classes. */
bool gm_attack_classify(gm_saved *s, const float *x, const int32_t *label, int64_t n, int32_t *said,
                        gm_attack_score *score, gm_error *err);

#endif
