/* SPDX-License-Identifier: MIT
 *
 * test_inpaint.c -- semantic inpainting: hidden parts, weights, blending, what the search reads and
 * changes, known answers.
 */
#include "runs.h"

#include "base/file.h"
#include "ganymede/graph.h"
#include "use/hole.h"
#include "use/inpaint.h"
#include "use/search.h"

enum { SIDE = 16, PLANE = SIDE * SIDE, N = 4, STARTS = 8 };

static uint8_t hidden[PLANE];
static float truth[N * PLANE], filled[N * PLANE * STARTS], again[N * PLANE * STARTS];

/* A DCGAN of one grey shape; nz 3 so that the search has a known answer that it can find. */
static gm_saved *generator(void)
{
	return TRAINED("dcgan", "data=shapes", "channels=1", "size=16", "nz=3", "width=8",
	               "batch=16", "steps=150", "lr=2e-3", "monitors=no");
}

static gm_inpaint_options defaults(void)
{
	gm_inpaint_options o = {0};
	memset(&o, 0, sizeof o);
	gm_action_reset(gm_inpaint_rows, &o);
	o.iterations = 150, o.rate = .05, o.starts = STARTS, o.hidden = hidden;
	return o;
}

static void hide(const char *name)
{
	gm_error err = {0};
	must(gm_hole_name(name, SIDE, SIDE, 1, hidden, &err), &err);
}

static int count_hidden(const char *name)
{
	int n = 0;
	hide(name);
	for (int i = 0; i < PLANE; i++)
		n += hidden[i];
	return n;
}

static double hole_psnr(const float *x, const float *y, int64_t n)
{
	const gm_hole h = {n, 1, SIDE, SIDE, hidden, -1, 1};
	return gm_hole_compare(&h, x, y).psnr;
}

/* ---- without a run --------------------------------------------------------------------------- */

static void hidden_parts(void **state)
{
	(void)state;
	gm_error err = {0};
	assert_int_equal(count_hidden("left"), PLANE / 2);
	for (int i = 0; i < PLANE; i++)
		assert_int_equal(hidden[i], i % SIDE < SIDE / 2);
	assert_int_equal(count_hidden("middle"), PLANE / 4);
	assert_int_equal(hidden[4 * SIDE + 4] + hidden[3 * SIDE + 4] + hidden[11 * SIDE + 11], 2);
	assert_int_equal(count_hidden("1,2,3,4"), 12);
	/* binomial of 256 pixels, p = .8: mean 205, deviation 6.4; p = .1: 26, 4.8; 5 deviations */
	assert_in_range(count_hidden("random"), 205 - 32, 205 + 32);
	assert_in_range(count_hidden("random:.1"), 2, 50);
	assert_in_range(count_hidden("pattern"), 1, PLANE - 1);
	static const char *const bad[] = {"random:0",  "random:1",   "centre",   "1,2,3",
	                                  "9,9,9,9",   "-1,0,4,4",   "randomly", "",
	                                  "1,2,3,4,5", "random:1e-9"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		err = (gm_error){0};
		assert_false(gm_hole_name(bad[i], SIDE, SIDE, 1, hidden, &err));
		assert_int_equal(err.code, GM_ERR_VALUE);
	}
}

/* The share of hidden pixels in the window, by its definition, and 0 where the window reaches none:
 * such pixels cannot have a gradient. */
static void weights_of_known_pixels(void **state)
{
	(void)state;
	float w[PLANE];
	gm_inpaint_options o = defaults();
	hide("middle");
	o.window = 5;
	gm_inpaint_weigh(&o, SIDE, SIDE, w);
	assert_true(w[0] == 0 && w[SIDE + 5] == 0); /* 3 rows above the hole: out of reach */
	assert_true(w[5 * SIDE + 5] == 0);          /* hidden */
	assert_float_equal(w[2 * SIDE + 7], 5 / 25.,
	                   1e-6); /* one row of the window is in the hole */
	assert_float_equal(w[3 * SIDE + 7], 10 / 25., 1e-6);
	assert_float_equal(w[2 * SIDE + 2], 1 / 25., 1e-6);
	hide("0,0,1,1");
	gm_inpaint_weigh(&o, SIDE, SIDE, w);
	assert_float_equal(w[1], 1 / 12., 1e-6); /* the window is cut at the edges */
	o.weights = GM_INPAINT_ALL;
	gm_inpaint_weigh(&o, SIDE, SIDE, w);
	for (int i = 0; i < PLANE; i++)
		assert_true(w[i] == !hidden[i]);
}

/* Blending in a constant gives the harmonic filling, blending in y + c gives y; also where the hole
 * touches the edge of the image. */
static void poisson(void **state)
{
	(void)state;
	static const char *const holes[] = {"middle", "right", "random:.5"};
	float y[PLANE], x[PLANE], by[PLANE], want[PLANE];
	for (int i = 0; i < PLANE; i++)
		y[i] = (float)(.4 * sin(.5 * (i % SIDE)) + .3 * cos(.3 * (i / SIDE)));
	for (int k = 0; k < 3; k++) {
		hide(holes[k]);
		const gm_hole h = {1, 1, SIDE, SIDE, hidden, -1, 1};
		for (int i = 0; i < PLANE; i++)
			by[i] = .1f;
		memcpy(x, y, sizeof x), memcpy(want, y, sizeof x);
		gm_hole_blend(&h, x, by);
		gm_hole_fill_harmonic(&h, want);
		for (int i = 0; i < PLANE; i++)
			assert_float_equal(x[i], want[i], 1e-3); /* both to 1e-4 of the range */
		for (int i = 0; i < PLANE; i++)
			by[i] = y[i] + .2f, x[i] = hidden[i] ? -1 : y[i];
		gm_hole_blend(&h, x, by);
		for (int i = 0; i < PLANE; i++)
			assert_float_equal(x[i], y[i], 1e-5);
	}
}

/* Differences across the border of a 1 x 1 hole: 4 neighbours. */
static void seams(void **state)
{
	(void)state;
	float x[PLANE] = {0};
	hide("3,3,1,1");
	const gm_hole h = {1, 1, SIDE, SIDE, hidden, -1, 1};
	x[3 * SIDE + 3] = 1, x[3 * SIDE + 4] = .5f, x[0] = 1;
	assert_float_equal(gm_hole_seam(&h, x), (1 + 1 + 1 + .5) / 4 / 2, 1e-6);
}

/* ---- with a run ------------------------------------------------------------------------------ */

static void same_bytes(const char *a, const char *b)
{
	gm_error err = {0};
	gm_bytes x, y;
	must(gm_file_open(a, &x, &err) && gm_file_open(b, &y, &err), &err);
	assert_int_equal(x.size, y.size);
	assert_memory_equal(x.data, y.data, x.size);
	gm_file_close(&x), gm_file_close(&y);
}

/* y = G(z*): the hole is recovered; what is inside of it is never read; known pixels stay as they
 * are; completions come in the order of their loss; the blended seam is smaller than the pasted
 * one. */
static void known_answer(void **state)
{
	(void)state;
	gm_error err = {0};
	gm_saved *s = generator();
	gm_inpaint_options o = defaults();
	gm_inpaint_report report[N * STARTS];
	char copy[PATH_MAX + 16];
	snprintf(copy, sizeof copy, "cp %s %s", gm_saved_path(s), scratch_path("before"));
	assert_int_equal(system(copy), 0);
	must(gm_saved_draw(s, &(gm_samples){.seed = 77, .n = N}, truth, &err), &err);
	hide("middle");
	o.prior = 0, o.ways = 2;
	must(gm_inpaint(s, &o, truth, N, filled, report, &err), &err);
	for (int i = 0; i < N; i++) {
		assert_true(report[2 * i].context <= report[2 * i + 1].context);
		assert_true(isnan(report[i].score));
		for (int j = 0; j < PLANE; j++)
			assert_true(hidden[j] || filled[2 * i * PLANE + j] == truth[i * PLANE + j]);
		print_message("context %.3g, PSNR of the hole %.1f dB\n", report[2 * i].context,
		              hole_psnr(filled + 2 * i * PLANE, truth + i * PLANE, 1));
		assert_true(hole_psnr(filled + 2 * i * PLANE, truth + i * PLANE, 1) > 25);
	}
	o.ways = 1;
	must(gm_inpaint(s, &o, truth, N, filled, report, &err), &err);
	float other[N * PLANE];
	for (int i = 0; i < N * PLANE; i++)
		other[i] = hidden[i % PLANE] ? .77f : truth[i];
	must(gm_inpaint(s, &o, other, N, again, report, &err), &err);
	assert_memory_equal(filled, again, sizeof other);
	same_bytes(gm_saved_path(s), scratch_path("before"));

	/* of other images, the seam: G cannot match them exactly */
	for (int i = 0; i < N * PLANE; i++)
		truth[i] = (float)(.8 * sin(i % SIDE * .7) * cos(i % PLANE / SIDE * .4));
	const gm_hole h = {N, 1, SIDE, SIDE, hidden, -1, 1};
	must(gm_inpaint(s, &o, truth, N, filled, report, &err), &err);
	o.blend = GM_INPAINT_PASTE;
	must(gm_inpaint(s, &o, truth, N, again, report, &err), &err);
	print_message("seam: blended %.4f, pasted %.4f\n", gm_hole_seam(&h, filled),
	              gm_hole_seam(&h, again));
	assert_true(gm_hole_seam(&h, filled) < gm_hole_seam(&h, again));
	gm_saved_free(s);
}

/* The prior raises D's output: nearly nothing is known, so only it acts. Weights: with all of them
 * the whole context is closer, with the window the pixels next to the hole. */
static void prior_and_weights(void **state)
{
	(void)state;
	gm_error err = {0};
	gm_saved *s = generator();
	gm_inpaint_options o = defaults();
	gm_inpaint_report report[2][STARTS];
	double score[2] = {0, 0};
	hide("all");
	hidden[0] = 0;
	o.ways = STARTS;
	for (int k = 0; k < 2; k++) {
		o.prior = k ? 1000 : 1e-9;
		must(gm_inpaint(s, &o, truth, 1, filled, report[k], &err), &err);
		for (int i = 0; i < STARTS; i++)
			score[k] += report[k][i].score / STARTS;
	}
	print_message("mean output of D: %.3f, with the prior %.3f\n", score[0], score[1]);
	assert_true(score[1] > score[0] + .5);

	/* A row does not depend on others; its gradient is the derivative of its cost. */
	gm_search *q = gm_search_new(s, &err);
	must(q != NULL, &err);
	gm_node *loss = gm_sum(gm_square(gm_search_images(q)), GM_AXES(1, 2, 3), false);
	must(gm_search_compile(q, loss, NULL, 0, &err) && gm_search_draw(q, 3, 4, &err), &err);
	const int64_t n = gm_search_numbers(q);
	assert_int_equal(n, 3);
	float *z = gm_search_z(q);
	assert_memory_equal(z, z + 4 * n, n * sizeof *z);
	must(gm_search_run(q, &err), &err);
	const double slope = gm_search_gradient(q)[n + 1], cost = gm_search_cost(q)[0];
	double side[2];
	for (int k = 0; k < 2; k++) {
		z[n + 1] += k ? .02f : -.01f;
		must(gm_search_run(q, &err), &err);
		side[k] = gm_search_cost(q)[1];
		assert_float_equal(gm_search_cost(q)[0], cost, 1e-5 * cost);
	}
	/* a step of .01 in float: rounding 1e-6 of the cost over .02, and the third derivative */
	assert_float_equal((side[1] - side[0]) / .02, slope, .03 * fabs(slope) + 1e-4 * cost);
	/* values stay within their bounds */
	for (int i = 0; i < 50; i++)
		gm_search_adam(q, 1);
	for (int64_t i = 0; i < n * gm_search_rows(q); i++)
		assert_true(fabsf(z[i]) <= 4);
	gm_search_free(q);
	gm_saved_free(s);
}

/* Options are refused with the way out; a run without discriminator works without the prior. */
static void refused(void **state)
{
	(void)state;
	gm_error err = {0};
	gm_inpaint_options o = defaults();
	hide("middle");
	gm_saved *s = TRAINED("vae", "size=16", "width=16", "batch=4", "steps=2");
	assert_false(gm_inpaint(s, &o, truth, 1, filled, NULL, &err));
	assert_non_null(strstr(err.message, "--prior 0"));
	o.prior = 0, err = (gm_error){0};
	must(gm_inpaint(s, &o, truth, 1, filled, NULL, &err), &err);
	o.window = 8;
	assert_false(gm_inpaint(s, &o, truth, 1, filled, NULL, &err));
	assert_non_null(strstr(err.message, "not odd"));
	o.window = 7, o.ways = 9, err = (gm_error){0};
	assert_false(gm_inpaint(s, &o, truth, 1, filled, NULL, &err));
	o.ways = 1, err = (gm_error){0};
	hide("all");
	assert_false(gm_inpaint(s, &o, truth, 1, filled, NULL, &err));
	assert_non_null(strstr(err.message, "all is hidden"));
	hide("middle");
	o.method = GM_INPAINT_COMPLETE, err = (gm_error){0};
	assert_false(gm_inpaint(s, &o, truth, 1, filled, NULL, &err));
	assert_non_null(strstr(err.message, "complete"));
	gm_saved_free(s);
	err = (gm_error){0};
	assert_false(gm_action_set(gm_inpaint_rows, &o, "starts", "0", &err));
	assert_int_equal(err.code, GM_ERR_VALUE);
	err = (gm_error){0};
	assert_false(gm_action_set(gm_inpaint_rows, &o, "begins", "1", &err));
	assert_int_equal(err.code, GM_ERR_STATE);
	/* a run for completion, through the same call */
	s = TRAINED("context-encoder", "data=shapes", "size=32", "width=4", "batch=4", "steps=2");
	gm_inpaint_options c = defaults();
	uint8_t middle[32 * 32];
	static float x[3 * 32 * 32], y[2 * 3 * 32 * 32];
	err = (gm_error){0};
	must(gm_hole_name("middle", 32, 32, 0, middle, &err), &err);
	c.hidden = middle, c.ways = 2;
	must(gm_inpaint_choose(s, &c, &err), &err);
	assert_int_equal(c.method, GM_INPAINT_COMPLETE);
	must(gm_inpaint(s, &c, x, 1, y, NULL, &err), &err);
	gm_saved_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hidden_parts), cmocka_unit_test(weights_of_known_pixels),
		cmocka_unit_test(poisson),      cmocka_unit_test(seams),
		cmocka_unit_test(known_answer), cmocka_unit_test(prior_and_weights),
		cmocka_unit_test(refused),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
