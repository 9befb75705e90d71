/* SPDX-License-Identifier: MIT
 *
 * use/inpaint.h -- fills in hidden parts of images: by a run that was trained for it (its endpoint
 * "complete"), or by semantic inpainting with any generator (Yeh, Chen, Lim, Schwing,
 * Hasegawa-Johnson & Do, "Semantic image inpainting with deep generative models", CVPR 2017,
 * arXiv:1607.07539; first version: the loss without weights).
 *
 *	gm_inpaint_options o = {0};
 *	gm_action_reset(gm_inpaint_rows, &o);
 *	o.hidden = hidden;
 *	gm_inpaint(saved, &o, x, n, filled, NULL, &err);
 */
#ifndef GM_USE_INPAINT_H
#define GM_USE_INPAINT_H

#include "use/action.h"
#include "ganymede/saved.h"

typedef enum gm_inpaint_method {
	GM_INPAINT_AUTO, /* complete where the run has that endpoint, else semantic */
	GM_INPAINT_COMPLETE,
	GM_INPAINT_SEMANTIC
} gm_inpaint_method;
typedef enum gm_inpaint_weights {
	GM_INPAINT_WINDOW, /* the hidden share of a window around the pixel (section 3.2) */
	GM_INPAINT_ALL     /* 1 for each known pixel */
} gm_inpaint_weights;
typedef enum gm_inpaint_blend {
	GM_INPAINT_POISSON, /* section 3.3 */
	GM_INPAINT_PASTE
} gm_inpaint_blend;

struct gm_inpaint_report;
typedef struct gm_inpaint_options {
	int method; /* gm_inpaint_method */
	/* completions of each image. semantic: the ones with the least context loss, in order */
	int64_t ways;
	uint64_t seed;
	/* Semantic inpainting only: */
	int64_t starts; /* random latents from which each image is searched */
	int64_t iterations;
	int weights; /* gm_inpaint_weights */
	int64_t window;
	double prior; /* weight lambda of log(1 - D(G(z))); 0: no discriminator is needed */
	double rate;  /* of Adam */
	int blend;    /* gm_inpaint_blend */
	/* Not in the table of options: */
	const uint8_t *hidden; /* [height, width]: 1 where to fill in */
	const int32_t *label;  /* [n]: class of each image, or NULL: 0, 1, .. in turn */
	/* Of one image by semantic inpainting: called about four times a second with the
	 * completions so far, or NULL */
	void (*preview)(void *context, const float *y, const struct gm_inpaint_report *report);
	void *context;
} gm_inpaint_options;

extern const gm_action_row gm_inpaint_rows[]; /* ends with name NULL */

/* Of a completion, [n, ways], by semantic inpainting. */
typedef struct gm_inpaint_report {
	double context; /* loss: sum of weighted absolute differences, values in [-1,1] */
	double score;   /* D(G(z)) as its output, before the sigmoid; NaN with prior 0 */
} gm_inpaint_report;

/* The method that AUTO means for this run; false with an error if the run cannot do the method. */
bool gm_inpaint_choose(gm_saved *s, gm_inpaint_options *o, gm_error *err);
/* Images x [n, shape of the run] to y [n, ways, shape]; what is hidden in x is not read. report [n,
 * ways] or NULL. Nets are not changed. GM_ERR_VALUE for options that do not fit the run or each
 * other, GM_ERR_STATE if the user stopped it. Semantic inpainting opens the checkpoint again, with
 * batches that fit the number of starts. */
bool gm_inpaint(gm_saved *s, const gm_inpaint_options *o, const float *x, int64_t n, float *y,
                gm_inpaint_report *report, gm_error *err);

/* weight [height, width] of each known pixel in the context loss. */
void gm_inpaint_weigh(const gm_inpaint_options *o, int64_t height, int64_t width, float *weight);

#endif
