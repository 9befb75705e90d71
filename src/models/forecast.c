/* SPDX-License-Identifier: MIT
 *
 * forecast.c -- Luc, Neverova, Couprie, Verbeek & LeCun, "Predicting deeper into the future of
 * semantic segmentation", ICCV 2017, arXiv:1703.07684: future label maps from `given` past ones.
 *
 * G reads maps as scores of classes, 1 for a pixel's class and -1 for the others, and predicts the
 * scores of the next map at half and at the whole size (S2S, section 3.1). Its loss is a sum over
 * both sizes of lp times the mean difference of scores, gdl times that of their gradients (3.1, eq.
 * 1 to 3) and, if wanted, adv times -log D(past, prediction). Three ways to several maps (3.2):
 *   mode batch:   one net predicts the next `ahead` maps at once;
 *   mode single:  it predicts one, and further ones from its own predictions;
 *   tune-after N: mode single, and after N steps the loss is the sum over `ahead` predictions, each
 *                 from those before it, differentiated through all of them.
 *
 * Layers and kernels are those of github.com/facebookresearch/SegmPred, and losses are means as
 * there. Differs: the paper's scores are those of a segmentation net; of true maps the absolute
 * difference is least for "no class" (docs/video.md), so the default is the squared one without
 * gradients (paper: --loss l1 --gdl 1), by Adam (--optimiser sgd --lr .01); initial weights are
 * He's, biases 0; D has the layers of Mathieu et al. 2016; S2S-dil is left out. With --segments
 * objects maps number objects: prediction of masks by masks, a baseline of the same authors'
 * "Predicting future instance segmentation by forecasting convolutional features", ECCV 2018,
 * arXiv:1803.11496, whose own way, by the features of Mask R-CNN, is left out.
 *
 * "predict": scores of all maps, those after the given ones predicted from predictions before.
 */
#include "ganymede/model.h"

static const gm_option options[] = {
	{"data", "crossing-shapes", "sequences of label maps; of files: options frames and maps"},
	{"batch", "8", "minibatch size m"},
	{"segments", "classes", "maps of the classes of pixels, or of the objects they belong to",
         GM_CHOICE("classes|objects")},
	{"given", "4", "maps that the next one is predicted from", GM_INT(1, 64)},
	{"ahead", "3", "maps after them: of mode batch and of fine-tuning, and scored",
         GM_INT(1, 64)},
	{"mode", "single", "batch: the next `ahead` maps at once; single: one",
         GM_CHOICE("single|batch")},
	{"tune-after", "0", "autoregressive fine-tuning after so many steps; 0: never",
         GM_INT(0, GM_MANY), .resume = true, .only = "mode=single"},
	{"lr-tune", "auto", "its learning rate; auto: lr", GM_REAL(0, 1e30), .resume = true,
         .only = "tune-after"},
	{"space", "scores", "what the losses compare, and what is predicted from",
         GM_CHOICE("scores|softmax")},
	{"scales", "2", "1: the whole size only; 2: also half of it", GM_INT(1, 2)},
	{"width", "16", "channels of the narrowest layers of G (the authors': 128)",
         GM_INT(1, 1024)},
	{"width-d", "16", "channels of the narrowest layers of D", GM_INT(1, 1024), .only = "adv"},
	{"loss", "l2", "difference of scores, squared or (the paper's) absolute",
         GM_CHOICE("l2|l1"), .only = "lp"},
	{"lp", "1", "its weight", GM_REAL(0, 1e6)},
	{"gdl", "0", "weight of the difference of gradients (the paper's: 1)", GM_REAL(0, 1e6)},
	{"adv", "0", "weight of the adversarial loss; 0: without D", GM_REAL(0, 1e6)},
	{"moving-classes", "auto", "classes scored as moving, such as 8,9,10; auto: all but 0",
         GM_CHECKED(gm_check_classes), .only = "segments=classes"},
	{"unlabelled", "-1", "class of pixels that are not scored; -1: none", GM_INT(-1, 255),
         .only = "segments=classes"},
	GM_OPTIMISER_OPTIONS("adam", "2e-3", "0.9", "constant"),
	{"lr-d", "0.01", "learning rate of D", GM_REAL(0, 1e30), .resume = true, .only = "adv"},
	{"grid", "1x8", "1 x sequences of the sample pictures"},
	{0},
};

static int train(gm_run *r)
{
	const gm_facts *d = gm_run_facts(r);
	const char *field = gm_opt_choice(r, "segments") ? "objects" : "maps";
	gm_node *maps = gm_batch(r, field);
	const int64_t given = gm_opt_int(r, "given"), ahead = gm_opt_int(r, "ahead"),
		      tune = gm_opt_int(r, "tune-after"), k = gm_batch_classes(r, field),
		      at_once = gm_opt_choice(r, "mode") ? ahead : 1;
	gm_want_classes(r, "moving-classes", k);
	gm_want_classes(r, "unlabelled", k);
	const double lp = gm_opt_real(r, "lp"), gdl = gm_opt_real(r, "gdl"),
		     adv = gm_opt_real(r, "adv");
	const gm_frames p = {.scales = (int)gm_opt_int(r, "scales"),
	                     .channels = at_once * k,
	                     .width = gm_opt_int(r, "width"),
	                     .width_d = gm_opt_int(r, "width-d"),
	                     .maps = true,
	                     .softmax = gm_opt_choice(r, "space") ? k : 0};
	gm_frames_rollout roll = {given, at_once, ahead, !gm_opt_choice(r, "loss"), lp, gdl};
	gm_net *G = gm_net_new(r, "G", .init = GM_HE_NORMAL(0)),
	       *D = adv > 0 ? gm_net_new(r, "D") : NULL;
	if (gm_node_shape(maps).rank != 4 || gm_node_shape(maps).dim[1] < given + ahead) {
		gm_run_error(r, "options given and ahead need sequences of %d maps (option frames)",
		             (int)(given + ahead));
		return gm_end(r);
	}
	const int64_t least = D ? gm_frames_least(&p) : 1;
	if (p.scales == 2 && (d->own_height % 2 || d->own_width % 2))
		gm_run_error(r, "option scales: 2 scales need even sides");
	if (d->own_height < least || d->own_width < least)
		gm_run_error(r, "option adv: D reads maps of %d pixels or more", (int)least);
	if (lp == 0 && gdl == 0 && (adv == 0 || tune))
		gm_run_error(r, "options lp and gdl: both are 0, and nothing else is trained");
	if (at_once > 1 && tune)
		gm_run_error(r, "option tune-after is for mode single");
	gm_node *v = gm_maps_scores(maps, k);
	gm_endpoint(r, "predict", gm_frames_roll(&p, G, v, &roll), maps);
	gm_node *right = gm_logged(r, "changed_right",
	                           gm_maps_changed(maps, given, roll.y[p.scales - 1], k));
	gm_node *sum = roll.first_loss;
	gm_step *step_d = NULL;
	if (D) {
		const gm_frames_game game = gm_frames_judge(
			&p, D, gm_frames_of(v, 0, given), gm_frames_of(v, given, at_once), roll.y);
		gm_endpoint(r, "discriminate", game.is_real, maps);
		sum = gm_add(sum, gm_mul_c(gm_logged(r, "loss_adv", game.fooled), adv));
		step_d = gm_run_compile(r, gm_logged(r, "loss_d", game.loss_d),
		                        gm_move(r, D, game.loss_d, .which = "d"));
	}
	gm_step *one = gm_run_compile(r, gm_logged(r, "loss_g", sum), right,
	                              gm_move(r, G, sum, .average = true));
	gm_step *several =
		gm_run_compile(r, gm_logged(r, "loss_tune", roll.loss), right,
	                       gm_move(r, G, roll.loss, .which = "tune", .average = true));
	while (gm_next(r)) {
		const bool tuning = tune && gm_step_number(r) >= tune;
		if (D && !tuning)
			gm_feed(r), gm_run_step(r, step_d);
		gm_feed(r);
		gm_run_step(r, tuning ? several : one);
	}
	return gm_end(r);
}

const gm_model gm_model_forecast = {"forecast", "Forecasts of segmentations (Luc et al. 2017)",
                                    "arXiv:1703.07684", options, train};
