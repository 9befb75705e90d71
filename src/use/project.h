/* SPDX-License-Identifier: MIT
 *
 * use/project.h -- projection: the latents whose image is closest to a given one (Zhu, Krähenbühl,
 * Shechtman & Efros, "Generative visual manipulation on the natural image manifold", ECCV 2016,
 * arXiv:1609.03552, section 3.1): by optimisation, by a network, or by both.
 *
 *	gm_project_options o;
 *	gm_action_reset(gm_project_rows, &o);
 *	gm_project(saved, &o, x, n, z, NULL, rmse, &err);
 */
#ifndef GM_USE_PROJECT_H
#define GM_USE_PROJECT_H

#include "use/action.h"
#include "ganymede/saved.h"

typedef enum gm_project_how {
	GM_PROJECT_AUTO,         /* hybrid where the run has "encode", else optimisation */
	GM_PROJECT_NETWORK,      /* the run's endpoint "encode", such as that of `projection` */
	GM_PROJECT_OPTIMISATION, /* L-BFGS from random latents */
	GM_PROJECT_HYBRID        /* L-BFGS from the network's latents */
} gm_project_how;

typedef struct gm_project_options {
	int how;             /* gm_project_how */
	int64_t starts;      /* of the optimisation: the one with the least error is taken */
	int64_t evaluations; /* of the error and its gradient, at most, from each start */
	double tolerance;    /* relative change of the error at which the optimisation ends */
	uint64_t seed;       /* of random latents */
} gm_project_options;

extern const gm_action_row gm_project_rows[]; /* ends with name NULL */

/* The number of free latent values of a row (z below); 0 with an error for runs that cannot
 * project: see gm_search_new. */
int64_t gm_project_numbers(gm_saved *s, gm_error *err);
/* Replaces AUTO; false with an error if the run cannot do the method. */
bool gm_project_choose(gm_saved *s, gm_project_options *o, gm_error *err);
/* Images x [n, shape of the run] to latents z [n, numbers], their images y [n, shape] and the root
 * mean squared errors rmse [n] of values in [-1,1]; y and rmse may be NULL. One-hot latents and
 * labels are those of the seed's first sample. L-BFGS is NLopt's (LD_LBFGS), within the bounds of
 * gm_search_bound. GM_ERR_STATE if the user stopped it. */
bool gm_project(gm_saved *s, const gm_project_options *o, const float *x, int64_t n, float *z,
                float *y, double *rmse, gm_error *err);

#endif
