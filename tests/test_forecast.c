/* SPDX-License-Identifier: MIT
 *
 * test_forecast.c -- forecasts of label maps: the losses, the roll-out and the gradient through it,
 * what a prediction depends on, and the scores beside those of copying the last map.
 */
#include "ganymede/data.h"
#include "ganymede/nn.h"
#include "scores.h"
#include "graphs.h"

#include <math.h>

enum { T = 16, SIDE = 32, PLANE = SIDE * SIDE, K = 5, GIVEN = 4, AHEAD = 3, BATCH = 4 };
enum { MAPS = T * PLANE, SCORES = T * K * PLANE };

#define SMALL                                                                                      \
	"data=crossing-shapes", "batch=4", "width=5", "optimiser=sgd", "sample-every=1000",        \
		"grid=1x1"

static int32_t maps[BATCH * MAPS];
static float out[BATCH * SCORES], again[BATCH * SCORES];

static void read_maps(const char *field)
{
	gm_error err = {0};
	gm_dataset *d = gm_data_open("crossing-shapes", &(gm_data_options){.split = "test"}, &err);
	must(d && gm_data_read(d, gm_data_field(d, field), 0, 0, BATCH, maps, &err), &err);
	gm_data_close(d);
}

static void predict(gm_saved *s, float *y)
{
	gm_error err = {0};
	must(gm_saved_run(s, "predict", (const void *[]){maps}, 0, 0, y, &err), &err);
}

/* The class of the largest score of pixel i of map t of a sequence. */
static int class_at(const float *y, int sequence, int t, int i, int classes)
{
	const float *x = y + (sequence * T + t) * classes * PLANE + i;
	int best = 0;
	for (int c = 1; c < classes; c++)
		best = x[c * PLANE] > x[best * PLANE] ? c : best;
	return best;
}

/* ---- losses and roll-out --------------------------------------------------------------------- */

/* Small videos of two channels, four by four. */
enum { C = 2, S = 4, FRAME = C * S * S };

typedef struct rolled {
	double first, all, loss; /* losses of the first prediction, and of two */
	float y[5 * FRAME];
	double slope; /* of the loss of two by a bias of the last layer */
} rolled;

/* Rolls out v [1,5,C,S,S] with two given frames, by a small net with `more` added to that bias. */
static rolled roll(const float *v, double more)
{
	gm_graph *g = graph(GM_F32);
	gm_net *net = gm_net_create(g, "G", .seed = 7);
	gm_node *x = gm_input(g, "v", GM_SHAPE(1, 5, C, S, S), GM_F32);
	const gm_frames p = {.scales = 2, .channels = C, .width = 3, .maps = true};
	gm_frames_rollout a = {.given = 2, .at_once = 1, .ahead = 2, .lp = 1, .gdl = .5};
	gm_node *y = gm_frames_roll(&p, net, x, &a), *bias = gm_net_find(net, "G/1/3/bias"), *slope;
	assert_non_null(bias);
	gm_grad(a.loss, &bias, 1, &slope);
	gm_node *want[] = {a.first_loss, a.loss, y, slope};
	gm_step *s = compiled(g, gm_compile_nodes(g, want, 4, NULL));
	float b[C], d[C];
	assert_true(gm_get_f32(bias, b, C));
	b[0] += (float)more;
	assert_true(gm_set_f32(bias, b, C) && gm_set_f32(x, v, 5 * FRAME));
	gm_step_run(s);
	rolled r = {.first = gm_step_scalar(s, a.first_loss), .all = gm_step_scalar(s, a.loss)};
	assert_true(gm_step_read(s, y, r.y, 5 * FRAME) && gm_step_read(s, slope, d, C));
	r.slope = d[0];
	gm_net_free(net);
	finish(g);
	return r;
}

/* The loss of fine-tuning: the second prediction is made from the first, so its loss is that of the
 * first prediction of a video that has this prediction as its last given frame; and its gradient
 * goes through both predictions: it is the slope of the loss. */
static void fine_tuning_rolls_out(void **state)
{
	(void)state;
	float v[5 * FRAME], w[5 * FRAME];
	for (int i = 0; i < 5 * FRAME; i++)
		v[i] = (float)sin(.7 * i + .01 * i * i);
	const rolled one = roll(v, 0);
	assert_memory_equal(one.y, v, 2 * FRAME * sizeof *v); /* the given ones stay */
	memcpy(w, one.y + FRAME, 2 * FRAME * sizeof *w);      /* given 1, prediction 2 */
	memcpy(w + 2 * FRAME, v + 3 * FRAME, 2 * FRAME * sizeof *w);
	const rolled two = roll(w, 0);
	assert_true(fabs(one.all - one.first - two.first) < 1e-5 && two.first > .01);
	for (int i = 0; i < FRAME; i++)
		assert_true(fabsf(two.y[2 * FRAME + i] - one.y[3 * FRAME + i]) < 1e-5);
	/* The loss is piecewise linear: the step is short. Rounding: 1e-7 / 1e-3. */
	const double h = 1e-3, slope = (roll(v, h).all - roll(v, -h).all) / (2 * h);
	assert_true(fabs(slope - one.slope) < .02 * fabs(slope) + 1e-3 && fabs(slope) > .05);
}

/* The loss of maps and of scores does not depend on the numbering of the classes. */
static void classes_are_alike(void **state)
{
	(void)state;
	static const int to[K] = {3, 0, 4, 1, 2};
	enum { N = 2 * 2 * 36 };
	double loss[2];
	int32_t map[N];
	for (int turn = 0; turn < 2; turn++) {
		gm_graph *g = graph(GM_F32);
		gm_node *m = gm_input(g, "m", GM_SHAPE(2, 2, 6, 6), GM_I32);
		gm_node *v = gm_maps_scores(m, K);
		gm_node *a = gm_frames_of(v, 0, 1), *b = gm_frames_of(v, 1, 1);
		gm_node *sum = gm_add(gm_absolute_error(a, b), gm_gradient_difference(a, b));
		gm_step *s = compiled(g, gm_compile(g, sum));
		for (int i = 0; i < N; i++)
			map[i] = turn ? to[i * i % 11 % K] : i * i % 11 % K;
		assert_true(gm_set_i32(m, map, N));
		gm_step_run(s);
		loss[turn] = gm_step_scalar(s, sum);
		finish(g);
	}
	assert_true(loss[0] > .1 && fabs(loss[0] - loss[1]) < 1e-6);
}

/* Of three pixels whose class changes one is right, whatever the others are. */
static void the_changed_share_is_that_of_changed_pixels(void **state)
{
	(void)state;
	static const int32_t m[2 * 6] = {0, 0, 1, 2, 2, 1, /* then */ 0, 1, 1, 0, 2, 2};
	static const int got[6] = {2, 1, 1, 2, 2, 1}; /* the second is right, 4 and 6 are not */
	float scores[3 * 6];
	for (int i = 0; i < 18; i++)
		scores[i] = got[i % 6] == i / 6 ? .4f : -.2f;
	gm_graph *g = graph(GM_F32);
	gm_node *maps_in = gm_input(g, "m", GM_SHAPE(1, 2, 2, 3), GM_I32);
	gm_node *x = gm_input(g, "x", GM_SHAPE(1, 3, 2, 3), GM_F32);
	gm_node *share = gm_maps_changed(maps_in, 1, x, 3);
	gm_step *s = compiled(g, gm_compile(g, share));
	assert_true(gm_set_i32(maps_in, m, 12) && gm_set_f32(x, scores, 18));
	gm_step_run(s);
	assert_true(fabs(gm_step_scalar(s, share) - 1 / 3.) < 1e-5);
	finish(g);
}

/* ---- the model ------------------------------------------------------------------------------- */

/* Predictions depend on the given maps and on predictions made of them, on no later map; in mode
 * batch the first three are of the given maps alone. */
static void predictions_depend_on_the_given_maps(void **state)
{
	(void)state;
	static const char *const mode[] = {"mode=single", "mode=batch"};
	for (int batch = 0; batch < 2; batch++) {
		gm_saved *s = TRAINED("forecast", SMALL, "steps=2", mode[batch]);
		read_maps("maps");
		predict(s, out);
		for (int i = 0; i < BATCH; i++)
			for (int t = 0; t < GIVEN; t++)
				for (int k = 0; k < K * PLANE; k++)
					assert_true(
						out[(i * T + t) * K * PLANE + k] ==
						(maps[(i * T + t) * PLANE + k % PLANE] == k / PLANE
					                 ? 1
					                 : -1));
		for (int i = 0; i < BATCH; i++)
			for (int k = GIVEN * PLANE; k < MAPS; k++)
				maps[i * MAPS + k] = (k + i) % K;
		predict(s, again);
		assert_memory_equal(out, again, sizeof out);
		for (int f = 0; f < GIVEN; f++) { /* every given map matters */
			read_maps("maps");
			for (int k = 0; k < PLANE; k++)
				maps[f * PLANE + k] = (maps[f * PLANE + k] + 1) % K;
			predict(s, again);
			for (int t = GIVEN; t < GIVEN + AHEAD; t++)
				assert_memory_not_equal(again + t * K * PLANE, out + t * K * PLANE,
				                        K * PLANE * sizeof *out);
		}
		gm_saved_free(s);
	}
}

/* A net that copies: the first layer takes the scores of the last given map and adds 1, so that
 * ReLU keeps them; the others take each channel as it is, the last one takes 1 away. The net of the
 * half size gives zeros. */
static bool make_copying(const gm_st_tensor *t, float *x, int64_t n, const void *ctx)
{
	(void)ctx;
	int scale, layer;
	char kind[16];
	if (sscanf(t->name, "G/%d/%d/%15[a-z]", &scale, &layer, kind) != 3)
		return false;
	memset(x, 0, n * sizeof *x);
	if (scale == 0)
		return true;
	const int64_t in = t->rank > 1 ? t->dims[1] : 0, side = t->rank > 3 ? t->dims[3] : 0;
	for (int64_t c = 0; c < K; c++)
		if (!strcmp(kind, "bias"))
			x[c] = layer == 0 ? 1 : layer == 3 ? -1 : 0;
		else
			x[((c * in + (layer ? 0 : (GIVEN - 1) * K) + c) * side + side / 2) * side +
			  side / 2] = 1;
	return true;
}

/* The net that copies scores as copying does, a still sequence scores 1, and both scores are those
 * of one confusion matrix of all pixels, which is not the mean over sequences. Optical flow beats
 * copying: the shapes move. */
static void a_copying_net_scores_as_copying(void **state)
{
	(void)state;
	gm_saved *of = TRAINED("forecast", SMALL, "steps=1", "moving-classes=2,4"),
		 *s = edited(of, make_copying, NULL);
	gm_saved_free(of);
	const gm_scores v = scores_of(s, (gm_score_options){.metrics = "forecast", .count = BATCH});
	read_maps("maps");
	predict(s, out);
	for (int k = 1; k <= AHEAD; k += AHEAD - 1) {
		double each = 0, some = 0;
		int n = 0, n_some = 0;
		for (int c = 0; c < K; c++) {
			int64_t both = 0, either = 0, there = 0;
			for (int i = 0; i < BATCH * PLANE; i++) {
				const int32_t *m = maps + i / PLANE * MAPS + i % PLANE;
				const int got =
					class_at(out, i / PLANE, GIVEN + k - 1, i % PLANE, K);
				assert_int_equal(got, m[(GIVEN - 1) * PLANE]);
				const bool is = m[(GIVEN + k - 1) * PLANE] == c;
				both += is && got == c, either += is || got == c, there += is;
			}
			if (!there)
				continue;
			each += (double)both / (double)either, n++;
			if (c == 2 || c == 4)
				some += (double)both / (double)either, n_some++;
		}
		char name[4][32];
		for (int i = 0; i < 4; i++)
			snprintf(name[i], sizeof *name, "%siou-%d%s", i / 2 ? "moving-" : "", k,
			         i % 2 ? "-copy" : "");
		assert_true(n == K && n_some > 0);
		for (int i = 0; i < 4; i++)
			assert_true(fabs(row(&v, name[i])->value -
			                 (i / 2 ? some / n_some : each / n)) < 1e-9);
	}
	assert_true(row(&v, "iou-1-flow")->value > row(&v, "iou-1-copy")->value + .03);
	/* the target as the last given map */
	for (int i = 0; i < BATCH; i++)
		for (int t = GIVEN; t < T; t++)
			memcpy(maps + i * MAPS + t * PLANE, maps + i * MAPS + (GIVEN - 1) * PLANE,
			       PLANE * sizeof *maps);
	predict(s, again);
	for (int i = 0; i < BATCH * PLANE; i++)
		assert_int_equal(class_at(again, i / PLANE, T - 1, i % PLANE, K),
		                 maps[i / PLANE * MAPS + (T - 1) * PLANE + i % PLANE]);
	gm_saved_free(s);
}

/* Probabilities of K classes: 2 p - 1 has the sum 2 - K. Objects are four classes, whose IoU is the
 * mean over objects, each of its own. */
static void spaces_and_objects(void **state)
{
	(void)state;
	gm_saved *s = TRAINED("forecast", SMALL, "steps=1", "space=softmax", "segments=objects");
	assert_int_equal(gm_saved_shape(s, "predict").dim[2], 4);
	read_maps("objects");
	predict(s, out);
	for (int i = 0; i < BATCH * T * PLANE; i++) {
		const float *x = out + i / PLANE * 4 * PLANE + i % PLANE;
		double sum = 0;
		for (int c = 0; c < 4; c++)
			sum += x[c * PLANE];
		assert_true(fabs(sum - (2 - 4)) < 1e-4);
	}
	const gm_scores v = scores_of(s, (gm_score_options){.metrics = "forecast", .count = BATCH});
	double iou = 0;
	int n = 0, found = 0;
	for (int i = 0; i < BATCH; i++)
		for (int o = 1; o < 4; o++) {
			int both = 0, either = 0, there = 0;
			for (int k = 0; k < PLANE; k++) {
				const int32_t *m = maps + i * MAPS + k;
				const bool is = m[GIVEN * PLANE] == o,
					   was = m[(GIVEN - 1) * PLANE] == o;
				both += is && was, either += is || was, there += is;
			}
			if (there)
				iou += (double)both / either, found += 2 * both >= either, n++;
		}
	assert_true(fabs(row(&v, "object-iou-1-copy")->value - iou / n) < 1e-9);
	assert_true(fabs(row(&v, "found-1-copy")->value - (double)found / n) < 1e-9);
	gm_saved_free(s);
}

/* Which nets move: D alone by its step, G by D's opinion, and G alone in fine-tuning. */
static void the_players_move_themselves(void **state)
{
	(void)state;
	static const char *const nets[] = {"G/", "D/"};
	static const struct {
		const char *option[5];
		unsigned moved;
	} cases[] = {
		{{"lr=0", "lr-d=.1", "lp=1", "adv=1", "tune-after=0"}, 2},
		{{"lr=.1", "lr-d=0", "lp=0", "adv=1", "tune-after=0"}, 1},
		{{"lr=.1", "lr-d=.1", "lp=1", "adv=1", "tune-after=1"}, 1},
		{{"lr=0", "lr-d=.1", "lp=1", "adv=1", "tune-after=2"}, 2},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *const *o = cases[i].option;
#define PLAYERS SMALL, "width-d=2", o[0], o[1], o[2], o[3], o[4]
		gm_saved *a = TRAINED("forecast", PLAYERS, "steps=1"),
			 *b = TRAINED("forecast", PLAYERS, "steps=2");
		assert_int_equal(moved_nets(a, b, nets, 2), cases[i].moved);
		gm_saved_free(a);
		gm_saved_free(b);
	}
}

/* After a short training predictions move on: many of the pixels whose class changes are right, of
 * which copying has none; and the IoU of shapes is high, which is 0 of a map without shapes. */
static void predictions_move(void **state)
{
	(void)state;
	gm_saved *s = TRAINED("forecast", "data=crossing-shapes", "batch=4", "steps=500", "lr=3e-3",
	                      "rate=cosine:500", "sample-every=1000", "grid=1x1");
	int64_t both[K] = {0}, either[K] = {0}, changed = 0, right = 0;
	read_maps("maps");
	predict(s, out);
	for (int i = 0; i < BATCH * PLANE; i++) {
		const int32_t *m = maps + i / PLANE * MAPS + (GIVEN - 1) * PLANE + i % PLANE;
		const int got = class_at(out, i / PLANE, GIVEN, i % PLANE, K);
		changed += m[0] != m[PLANE], right += m[0] != m[PLANE] && m[PLANE] == got;
		for (int c = 0; c < K; c++) {
			both[c] += m[PLANE] == c && got == c;
			either[c] += m[PLANE] == c || got == c;
		}
	}
	double iou = 0;
	for (int c = 1; c < K; c++)
		iou += (double)both[c] / (double)either[c] / (K - 1);
	if (iou < .5 || right < .3 * (double)changed)
		fail_msg("IoU %.3f; %.3f of changed pixels", iou, (double)right / (double)changed);
	gm_saved_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fine_tuning_rolls_out),
		cmocka_unit_test(classes_are_alike),
		cmocka_unit_test(the_changed_share_is_that_of_changed_pixels),
		cmocka_unit_test(predictions_depend_on_the_given_maps),
		cmocka_unit_test(a_copying_net_scores_as_copying),
		cmocka_unit_test(spaces_and_objects),
		cmocka_unit_test(the_players_move_themselves),
		cmocka_unit_test(predictions_move),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
