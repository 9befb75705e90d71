/* SPDX-License-Identifier: MIT
 *
 * video.c -- Mathieu, Couprie & LeCun, "Deep multi-scale video prediction beyond mean square
 * error", ICLR 2016, arXiv:1511.05440: the next frame from `given` frames.
 *
 * G predicts at 1/8, 1/4, 1/2 and the whole size, each scale beginning with the prediction of the
 * scale below (section 2.2, eq. 1 and 2); --scales 1 is the paper's single-scale net. Its loss is a
 * sum over the scales (3.3, eq. 7) of
 *   lp   times the mean squared (loss l2) or absolute (l1) difference of the frames (eq. 4),
 *   gdl  times the difference of their gradients (eq. 6, alpha 1),
 *   adv  times -log D(past, G(past)) (eq. 5),
 * and D, one net for each scale, learns with the binary cross-entropy to tell the true next frame
 * from G's, given the past (3.2, algorithm 1: both in turn, on minibatches of their own).
 *
 * Layers, widths and sizes of kernels are those of github.com/coupriec/VideoPredictionICLR2016,
 * about an eighth of the paper's. Differs: means over pixels where the paper has sums, as that
 * code; biases begin at 0; the pairs of frames that do not belong together, which only that code
 * gives to D, are left out. lambdas: the paper's.
 *
 * "predict": the video, each frame after the given ones predicted from predictions before it.
 */
#include "ganymede/model.h"

static const gm_option options[] = {
	{"data", "moving-shapes", "videos; with files, option frames gives their length"},
	{"batch", "8", "minibatch size m"},
	{"given", "4", "frames that the next one is predicted from", GM_INT(1, 64)},
	{"scales", "4", "1: the whole image only; 2 to 4: also 1/2, 1/4, 1/8 of its size",
         GM_INT(1, GM_FRAMES_SCALES)},
	{"width", "16", "channels of the narrowest layers of G", GM_INT(1, 1024)},
	{"width-d", "32", "channels of the narrowest layers of D", GM_INT(1, 1024), .only = "adv"},
	{"loss", "l1", "difference of pixels", GM_CHOICE("l2|l1"), .only = "lp"},
	{"lp", "1", "its weight", GM_REAL(0, 1e6)},
	{"gdl", "1", "weight of the difference of gradients", GM_REAL(0, 1e6)},
	{"adv", "0.05", "weight of the adversarial loss; 0: without D", GM_REAL(0, 1e6)},
	GM_OPTIMISER_OPTIONS("sgd", "0.04", "0.9", "constant"),
	{"lr-d", "0.02", "learning rate of D", GM_REAL(0, 1e30), .resume = true, .only = "adv"},
	{"grid", "1x8", "1 x videos of the sample pictures"},
	{0},
};

static int train(gm_run *r)
{
	const gm_facts *d = gm_run_facts(r);
	gm_node *v = gm_batch(r, "video");
	const gm_frames p = {(int)gm_opt_int(r, "scales"), d->channels, gm_opt_int(r, "width"),
	                     gm_opt_int(r, "width-d")};
	const int64_t given = gm_opt_int(r, "given"), last = p.scales - 1, unit = 1 << last;
	gm_frames_rollout roll = {.given = given,
	                          .at_once = 1,
	                          .ahead = 1,
	                          .squared = !gm_opt_choice(r, "loss"),
	                          .lp = gm_opt_real(r, "lp"),
	                          .gdl = gm_opt_real(r, "gdl")};
	const double adv = gm_opt_real(r, "adv");
	gm_net *G = gm_net_new(r, "G"), *D = adv > 0 ? gm_net_new(r, "D") : NULL;
	if (gm_node_shape(v).rank != 5 || gm_node_shape(v).dim[1] <= given) {
		gm_run_error(r, "option given: %d frames leave none to predict (option frames)",
		             (int)given);
		return gm_end(r);
	}
	if (d->own_height % unit || d->own_width % unit)
		gm_run_error(r, "option scales: sides are multiples of %d for %d scales", (int)unit,
		             p.scales);
	if (D && (d->own_height < gm_frames_least(&p) || d->own_width < gm_frames_least(&p)))
		gm_run_error(r, "option adv: D reads frames of %d pixels or more; or --adv 0",
		             (int)gm_frames_least(&p));
	if (roll.lp == 0 && roll.gdl == 0 && adv == 0)
		gm_run_error(r, "options lp, gdl and adv: nothing is trained if all are 0");
	gm_node *past = gm_frames_of(v, 0, given), *next = gm_frames_of(v, given, 1);
	gm_endpoint(r, "predict", gm_frames_roll(&p, G, v, &roll), v);
	gm_node *loss = roll.loss;
	/* 4: the square of the range of [-1,1] */
	gm_node *mse = gm_squared_error(roll.y[last], next),
		*psnr = gm_logged(r, "psnr",
	                          gm_mul_c(gm_log(gm_mul_c(mse, .25)), -10 / 2.302585092994046));
	gm_step *step_d = NULL;
	if (D) {
		const gm_frames_game game = gm_frames_judge(&p, D, past, next, roll.y);
		gm_endpoint(r, "discriminate", game.is_real, v);
		loss = gm_add(loss, gm_mul_c(gm_logged(r, "loss_adv", game.fooled), adv));
		step_d = gm_run_compile(r, gm_logged(r, "loss_d", game.loss_d),
		                        gm_move(r, D, game.loss_d, .which = "d"));
	}
	gm_step *step_g = gm_run_compile(r, gm_logged(r, "loss_g", loss), psnr,
	                                 gm_move(r, G, loss, .average = true));
	while (gm_next(r)) {
		if (D)
			gm_feed(r), gm_run_step(r, step_d);
		gm_feed(r);
		gm_run_step(r, step_g);
	}
	return gm_end(r);
}

const gm_model gm_model_video = {"video", "Video prediction (Mathieu et al. 2016)",
                                 "arXiv:1511.05440", options, train};
