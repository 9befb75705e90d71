/* SPDX-License-Identifier: MIT
 *
 * test_video.c -- video prediction: the loss of gradients, the scales, who learns from whom, the
 * recursion of predictions; and optical flow.
 */
#include "ganymede/data.h"
#include "ganymede/image.h"
#include "ganymede/nn.h"
#include "runs.h"

#include <math.h>

/* ---- the loss of gradients ------------------------------------------------------------------- */

enum { H = 6, W = 9 }; /* not square: a transposed crop would have another size */

static double gdl(const float *x, const float *y, int h, int w)
{
	gm_graph *g = gm_graph_new(NULL);
	gm_node *a = gm_input(g, "x", GM_SHAPE(1, 1, h, w), GM_F32),
		*b = gm_input(g, "y", GM_SHAPE(1, 1, h, w), GM_F32);
	gm_node *loss = gm_gradient_difference(a, b);
	gm_step *s = gm_compile(g, loss);
	assert_non_null(s);
	gm_set_f32(a, x, h * w);
	gm_set_f32(b, y, h * w);
	gm_step_run(s);
	const double v = gm_step_scalar(s, loss);
	gm_graph_free(g);
	return v;
}

static void the_gradient_loss_sees_edges_alone(void **state)
{
	(void)state;
	float y[H * W], brighter[H * W], blurred[H * W], turned[2][H * W];
	double by_hand = 0;
	for (int i = 0; i < H * W; i++)
		y[i] = (float)sin(1.3 * i * i), brighter[i] = y[i] + .25f;
	for (int v = 0; v < H; v++)
		for (int u = 0; u < W; u++) {
			blurred[v * W + u] = (y[v * W + u] + y[v * W + (u + 1) % W]) / 2;
			turned[0][u * H + v] = blurred[v * W + u];
			turned[1][u * H + v] = y[v * W + u];
		}
	/* .25 is exact in binary, the sums nearly */
	assert_true(gdl(brighter, y, H, W) < 1e-6);
	for (int v = 1; v < H; v++)
		for (int u = 0; u < W; u++)
			by_hand += fabs(fabs(blurred[v * W + u] - blurred[(v - 1) * W + u]) -
			                fabs(y[v * W + u] - y[(v - 1) * W + u])) /
			           ((H - 1) * W);
	for (int v = 0; v < H; v++)
		for (int u = 1; u < W; u++)
			by_hand += fabs(fabs(blurred[v * W + u] - blurred[v * W + u - 1]) -
			                fabs(y[v * W + u] - y[v * W + u - 1])) /
			           (H * (W - 1));
	const double loss = gdl(blurred, y, H, W);
	assert_true(loss > .01 && fabs(loss - by_hand) < 1e-5);
	assert_true(fabs(loss - gdl(turned[0], turned[1], W, H)) < 1e-5);
}

/* ---- the model ------------------------------------------------------------------------------- */

enum { BATCH = 4, FRAMES = 16, SIDE = 32, FRAME = 3 * SIDE * SIDE, VIDEO = FRAMES * FRAME };

#define SMALL "data=moving-shapes", "batch=4", "width=2", "sample-every=1000", "grid=1x1"

static float video[BATCH * VIDEO], out[BATCH * VIDEO], again[BATCH * VIDEO];

static void read_videos(void)
{
	gm_error err = {0};
	gm_dataset *d = gm_data_open("moving-shapes", NULL, &err);
	must(d && gm_data_read(d, gm_data_field(d, "video"), 3, 0, BATCH, video, &err), &err);
	gm_data_close(d);
}

static void predict(gm_saved *s, float *y)
{
	gm_error err = {0};
	must(gm_saved_run(s, "predict", (const void *[]){video}, 0, 0, y, &err), &err);
}

/* The given frames stay; each prediction depends on the four frames before it alone, and on nothing
 * that is to be predicted. */
static void predictions_depend_on_the_given_frames(void **state)
{
	(void)state;
	enum { GIVEN = 4 };
	gm_saved *s = TRAINED("video", SMALL, "steps=2", "adv=0");
	read_videos();
	predict(s, out);
	for (int i = 0; i < BATCH; i++)
		assert_memory_equal(out + i * VIDEO, video + i * VIDEO,
		                    GIVEN * FRAME * sizeof *out);
	/* later frames are not looked at */
	for (int i = 0; i < BATCH; i++)
		for (int k = GIVEN * FRAME; k < VIDEO; k++)
			video[i * VIDEO + k] = .5f;
	predict(s, again);
	assert_memory_equal(out, again, sizeof out);
	/* The prediction of frame 8 from predicted frames 4 .. 7 is that of a video that begins
	 * with these. */
	for (int i = 0; i < BATCH; i++)
		memcpy(video + i * VIDEO, out + i * VIDEO + GIVEN * FRAME,
		       GIVEN * FRAME * sizeof *video);
	predict(s, again);
	for (int i = 0; i < BATCH; i++)
		assert_memory_equal(again + i * VIDEO + GIVEN * FRAME,
		                    out + i * VIDEO + 2 * GIVEN * FRAME, FRAME * sizeof *out);
	/* every given frame matters */
	for (int f = 0; f < GIVEN; f++) {
		read_videos();
		for (int k = 0; k < FRAME; k++)
			video[f * FRAME + k] += .3f;
		predict(s, again);
		assert_memory_not_equal(again + GIVEN * FRAME, out + GIVEN * FRAME,
		                        FRAME * sizeof *out);
	}
	gm_saved_free(s);
}

/* With zeros in the last layers of all scales every scale gives tanh(0). With those of the whole
 * image's scale alone the prediction is the tanh of the scale below, constant in squares of 2 x
 * 2. */
static void each_scale_begins_with_the_one_below(void **state)
{
	(void)state;
	static const char *const last[] = {"G/3/5/", "G/2/5/", "G/1/3/", "G/0/3/"};
	gm_saved *s = TRAINED("video", SMALL, "steps=2", "adv=0");
	read_videos();
	for (int scale = 0; scale < 4; scale++) {
		gm_saved *without = zeroed(s, last[scale], 0, 1 << 20);
		gm_saved_free(s);
		s = without;
		predict(s, out);
		double most = 0;
		for (int v = 0; v < SIDE; v += 2)
			for (int u = 0; u < SIDE; u += 2) {
				const float *at = out + 4 * FRAME + v * SIDE + u;
				most = fmax(most, fabs(at[0]));
				assert_true(at[0] == at[1] && at[0] == at[SIDE] &&
				            at[0] == at[SIDE + 1]);
			}
		assert_true(scale == 3 ? most == 0 : most > 0);
	}
	gm_saved_free(s);
}

/* Which nets move: D's step moves D alone, and D's opinion reaches G. */
static void the_players_move_themselves(void **state)
{
	(void)state;
	static const char *const nets[] = {"G/", "D/"};
	static const struct {
		const char *option[4];
		unsigned moved;
	} cases[] = {
		{{"lr=0", "lr-d=.1", "lp=1", "adv=1"}, 2},
		{{"lr=.1", "lr-d=0", "lp=0", "adv=1"}, 1}, /* by D's gradient */
		{{"lr=.1", "lr-d=.1", "lp=0", "adv=1"}, 3},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *const *o = cases[i].option;
		gm_saved *a = TRAINED("video", SMALL, "gdl=0", "width-d=2", "steps=1", o[0], o[1],
		                      o[2], o[3]),
			 *b = TRAINED("video", SMALL, "gdl=0", "width-d=2", "steps=2", o[0], o[1],
		                      o[2], o[3]);
		assert_int_equal(moved_nets(a, b, nets, 2), cases[i].moved);
		gm_saved_free(a);
		gm_saved_free(b);
	}
	/* without adv there is no D */
	gm_saved *a = TRAINED("video", SMALL, "steps=1", "adv=0");
	assert_false(gm_saved_must(a, "discriminate", NULL));
	gm_saved_free(a);
}

/* ---- optical flow ---------------------------------------------------------------------------- */

enum { FH = 40, FW = 48 };

/* A smooth texture of both signs, at (x, y). */
static float texture(double x, double y)
{
	return (float)(.4 * sin(.45 * x + .2 * y) + .3 * cos(.35 * y - .25 * x) +
	               .2 * sin(.8 * x) * sin(.7 * y));
}

/* A texture that moves by (dx, dy) is found to do so, away from the edges; what the flow brings
 * back is the first image. */
static void flow_finds_a_translation(void **state)
{
	(void)state;
	static const double shift[][2] = {{0, 0}, {.3, -.2}, {1.5, .75}, {-2.5, 3}, {0, 4}};
	static float a[FH * FW], b[FH * FW], flow[2 * FH * FW], back[FH * FW];
	const gm_flow_size size = {1, FH, FW};
	gm_error err = {0};
	for (size_t k = 0; k < sizeof shift / sizeof *shift; k++) {
		const double dx = shift[k][0], dy = shift[k][1];
		double off = 0, far = 0, before = 0;
		int n = 0;
		for (int y = 0; y < FH; y++)
			for (int x = 0; x < FW; x++) {
				a[y * FW + x] = texture(x, y);
				b[y * FW + x] = texture(x - dx, y - dy);
			}
		must(gm_flow(a, b, &size, flow, &err), &err);
		gm_flow_warp(b, &size, flow, back);
		for (int y = 6; y < FH - 6; y++)
			for (int x = 6; x < FW - 6; x++, n++) {
				const int i = y * FW + x;
				off += hypot(flow[i] - dx, flow[FH * FW + i] - dy);
				far += fabs(back[i] - a[i]), before += fabs(b[i] - a[i]);
			}
		if (off / n > .1)
			fail_msg("(%g, %g): off by %.3f pixels on average", dx, dy, off / n);
		if (k == 0)
			assert_true(off == 0 && far == 0);
		else
			assert_true(far < .2 * before);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_gradient_loss_sees_edges_alone),
		cmocka_unit_test(predictions_depend_on_the_given_frames),
		cmocka_unit_test(each_scale_begins_with_the_one_below),
		cmocka_unit_test(the_players_move_themselves),
		cmocka_unit_test(flow_finds_a_translation),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
