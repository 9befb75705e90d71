/* SPDX-License-Identifier: MIT
 *
 * test_endpoints.c -- declarations of endpoints and their use by tools: variants, other sizes,
 * several discriminators.
 */
#include "runs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "ganymede/data.h"
#include "ganymede/image.h"
#include "score/score.h"
#include "use/translate.h"

static const gm_option options[] = {
	GM_OPTIMISER_OPTIONS("sgd", ".1", "0", "constant"), {"k", "1", "", GM_INT(1, 1)}, {0}};

/* A trivial training, so that there is a run: a scalar that converges to 1. */
static int finish(gm_run *r)
{
	gm_net *n = gm_net_new(r, "N");
	gm_node *loss = gm_mean_all(gm_square(gm_add_c(gm_net_var(n, "v", GM_SHAPE(1)), -1)));
	gm_step *step = gm_run_compile(r, gm_logged(r, "loss", loss), gm_move(r, n, loss));
	while (gm_next(r)) {
		gm_feed(r);
		gm_run_step(r, step);
	}
	return gm_end(r);
}

static gm_node *mean_of(gm_node *x)
{
	return gm_mean(x, GM_AXES(1, 2, 3), false);
}

/* G(a) is white everywhere and F(b) black; each D goes by the mean, and calls what is light real.
 * D_b of b itself, shown in colours turned round, calls what is dark real. "generate/8" draws
 * pictures of a smaller size. */
static int train_two_ways(gm_run *r)
{
	gm_node *a = gm_batch(r, "a"), *b = gm_batch(r, "b");
	int64_t m = gm_opt_int(r, "batch");
	gm_node *white = gm_add_c(gm_mul_c(a, 0), 1), *black = gm_add_c(gm_mul_c(b, 0), -1);
	gm_endpoint(r, "translate", white, a);
	gm_endpoint(r, "translate/back", black, b);
	gm_endpoint(r, "discriminate/a", mean_of(a), a);
	gm_endpoint(r, "discriminate/b", gm_neg(mean_of(b)), b);
	gm_node *z = gm_noise(r, "z", GM_LATENT_NORMAL, m, 2);
	gm_node *dot = gm_reshape(gm_tanh(gm_narrow(z, 1, 0, 1)), GM_SHAPE(m, 1, 1, 1));
	gm_endpoint(r, "generate/8", gm_add(gm_full(gm_run_graph(r), 0, GM_SHAPE(m, 1, 8, 8)), dot),
	            z);
	return finish(r);
}

static const gm_model two_ways = {"two-ways", "", "", options, train_two_ways};

static double value_in(const char *line, const char *name)
{
	char quoted[64];
	snprintf(quoted, sizeof quoted, "\"%s\": ", name);
	const char *at = strstr(line, quoted);
	if (!at)
		fail_msg("no %s in %s", name, line);
	return atof(at + strlen(quoted));
}

static char *text_of(const char *name)
{
	char path[PATH_MAX + 64];
	gm_bytes b = {0};
	gm_error err = {0};
	snprintf(path, sizeof path, "%s/%s", last_run, name);
	must(gm_file_open(path, &b, &err), &err);
	char *text = calloc(b.size + 1, 1);
	memcpy(text, b.data, b.size);
	gm_file_close(&b);
	return text;
}

static void every_discriminator_is_watched(void **state)
{
	(void)state;
	gm_error err = {0};
	gm_saved *s = TRAINED("two-ways", "data=edges2shapes", "steps=2", "batch=4", "log-every=1",
	                      "grid=6x2");
	char *stats = text_of("stats.jsonl"), *page = text_of("index.html");
	/* F(b) is black, which D_a calls fake; G(a) is white, which D_b, turned round, calls fake
	 * too. */
	assert_true(value_in(stats, "acc_fake_a") == 1 && value_in(stats, "acc_fake_b") == 1);
	/* What they say of the data themselves, by the examples of the last step. */
	float *x = malloc(sizeof(float) * 4 * gm_saved_facts(s)->numel), mean[4];
	gm_dataset *d = gm_data_open("edges2shapes", NULL, &err);
	const char *last = strstr(stats, "\"step\": 2");
	assert_non_null(last);
	for (int k = 0; k < 2; k++) {
		must(gm_data_read(d, gm_data_field(d, k ? "b" : "a"), 0, 4, 4, x, &err), &err);
		must(gm_saved_run(s, k ? "discriminate/b" : "discriminate/a", (const void *[]){x},
		                  0, 0, mean, &err),
		     &err);
		double right = 0;
		for (int i = 0; i < 4; i++)
			right += (mean[i] > 0) / 4.;
		assert_true(value_in(last, k ? "acc_real_b" : "acc_real_a") == right);
	}
	gm_data_close(d);
	free(x);
	/* The page shows the ways that fakes-*.png do not. */
	assert_non_null(strstr(page, "alt=\"generate-8, step 2\""));
	assert_non_null(strstr(page, "alt=\"translate-back, step 2\""));
	free(stats), free(page);
	gm_saved_free(s);
}

static void variants_are_drawn_in_their_own_size(void **state)
{
	(void)state;
	gm_error err = {0};
	gm_facts f;
	char path[PATH_MAX + 64];
	gm_saved *s = TRAINED("two-ways", "data=edges2shapes", "steps=1", "batch=4", "grid=6x2");
	float x[6][64];
	must(gm_saved_draws(s, NULL, &f, &err), &err);
	assert_true(f.channels == 1 && f.height == 8 && f.width == 8 && f.numel == 64);
	must(gm_saved_draw(s, &(gm_samples){.seed = 3, .n = 6, .endpoint = "generate/8"}, x[0],
	                   &err),
	     &err);
	for (int i = 0; i < 6; i++)
		for (int k = 1; k < 64; k++)
			assert_true(x[i][k] == x[i][0]);
	assert_true(x[0][0] != x[1][0] && x[1][0] != x[4][0]);
	snprintf(path, sizeof path, "%s/generate-8-000001.png", last_run);
	gm_image *im = gm_png_read(path, &err);
	must(im != NULL, &err);
	assert_int_equal(im->width * (2 + 2 * 10),
	                 im->height * (2 + 6 * 10)); /* 8 pixels and 2 between */
	gm_image_free(im);
	/* a | F(a) | b, and back */
	snprintf(path, sizeof path, "%s/translate-back-000001.png", last_run);
	im = gm_png_read(path, &err);
	must(im != NULL, &err);
	assert_int_equal(im->channels, 3);
	assert_true(im->width > 2 * im->height);
	gm_image_free(im);
	assert_false(gm_saved_draw(s, &(gm_samples){.n = 1, .endpoint = "translate"}, x[0], &err));
	assert_non_null(strstr(err.message, "does not generate samples"));
	err = (gm_error){0};
	assert_false(gm_saved_draw(s, &(gm_samples){.n = 1, .endpoint = "generate/9"}, x[0], &err));
	assert_non_null(strstr(err.message, "generate/8"));
	gm_saved_free(s);
}

/* ---- outputs of another size ----------------------------------------------------------------- */

/* Every pixel of "low" four times in each direction; the same variables for any size. "classify"
 * says class 0 of everything, "classify/last" the last. */
static int train_larger(gm_run *r)
{
	gm_node *low = gm_batch(r, "low");
	int64_t m = gm_opt_int(r, "batch"), classes = 3;
	gm_any_size(r, 16);
	gm_endpoint(r, "translate", gm_upsample_nearest(low, 4), low);
	gm_node *k = gm_cast(gm_iota(gm_run_graph(r), classes), GM_F32);
	gm_node *x = gm_reshape(mean_of(gm_batch(r, "image")), GM_SHAPE(m, 1));
	gm_endpoint(r, "classify", gm_add(gm_mul_c(x, 0), gm_neg(k)), gm_batch(r, "image"));
	gm_endpoint(r, "classify/last", gm_add(gm_mul_c(x, 0), k), gm_batch(r, "image"));
	return finish(r);
}

static const gm_model larger = {"larger", "", "", options, train_larger};

static void outputs_have_the_size_that_the_endpoint_gives(void **state)
{
	(void)state;
	enum { H = 5, W = 6 };
	gm_error err = {0};
	char path[PATH_MAX + 64];
	gm_saved *s =
		TRAINED("larger", "data=small2shapes", "size=32", "steps=1", "batch=4", "grid=6x2");
	gm_saved_free(s);
	/* low | output | what it should be, all at the size of the largest */
	snprintf(path, sizeof path, "%s/fakes-000001.png", last_run);
	gm_image *im = gm_png_read(path, &err);
	must(im != NULL, &err);
	assert_int_equal(im->width * (2 + 2 * 34), im->height * (2 + 6 * 34));
	gm_image_free(im);
	gm_translator *t = gm_translator_open(last_run, NULL, &err);
	must(t != NULL, &err);
	assert_string_equal(gm_translator_field(t), "low");
	assert_string_equal(gm_translator_target(t), "example");
	int next[2];
	assert_true(gm_translator_fits(t, 8, 8, next) && gm_translator_fits(t, 16, 12, next));
	assert_false(gm_translator_fits(t, H, W, next));
	assert_true(next[0] == 8 && next[1] == 8);
	float x[3 * H * W];
	gm_picture y;
	for (int i = 0; i < 3 * H * W; i++)
		x[i] = (float)i;
	must(gm_translator_run(t, &(gm_picture){x, 3, H, W}, 0, 0, &y, &err), &err);
	assert_true(y.channels == 3 && y.height == 4 * H && y.width == 4 * W);
	for (int c = 0; c < 3; c++)
		for (int i = 0; i < 4 * H; i++)
			for (int j = 0; j < 4 * W; j++)
				assert_true(y.x[(c * 4 * H + i) * 4 * W + j] ==
				            x[(c * H + i / 4) * W + j / 4]);
	free(y.x);
	gm_translator_free(t);
}

static double accuracy_by(gm_saved *s, const char *endpoint)
{
	gm_error err = {0};
	gm_scores scores = {0};
	gm_scorer *c = gm_scorer_open(
		gm_saved_inside(s),
		&(gm_score_options){.metrics = "accuracy", .count = 60, .endpoint = endpoint},
		&err);
	must(c && gm_scorer_score(c, &scores, &err), &err);
	gm_scorer_free(c);
	return scores.row[0].value;
}

static void metrics_go_by_the_endpoint_that_is_asked_for(void **state)
{
	(void)state;
	gm_error err = {0};
	gm_saved *s =
		TRAINED("larger", "data=small2shapes", "size=32", "steps=1", "batch=4", "grid=6x2");
	gm_dataset *d =
		gm_data_open("small2shapes", &(gm_data_options){.size = 32, .split = "test"}, &err);
	must(d != NULL, &err);
	int32_t label[60];
	double first = 0, last = 0;
	must(gm_data_batch(d, 0, 0, 60, NULL, label, &err), &err);
	for (int i = 0; i < 60; i++)
		first += (label[i] == 0) / 60., last += (label[i] == 2) / 60.;
	assert_true(first > 0 && last > 0 && first != last);
	assert_true(fabs(accuracy_by(s, NULL) - first) < 1e-9);
	assert_true(fabs(accuracy_by(s, "classify/last") - last) < 1e-9);
	assert_null(gm_scorer_open(
		gm_saved_inside(s),
		&(gm_score_options){.metrics = "accuracy", .endpoint = "classify/no"}, &err));
	assert_non_null(strstr(err.message, "classify/no"));
	gm_data_close(d);
	gm_saved_free(s);
}

/* ---- completing ------------------------------------------------------------------------------ */

/* Adds a quarter where the image is hidden: there it is 0 before, whatever the example was. */
static int train_filler(gm_run *r)
{
	gm_node *x = gm_batch(r, "image"), *hidden = gm_hidden(r);
	gm_endpoint(r, "complete", gm_add(x, gm_mul_c(hidden, .25)), x, hidden);
	return finish(r);
}

static const gm_model filler = {"filler", "", "", options, train_filler};

static void a_model_can_complete_in_one_evaluation(void **state)
{
	(void)state;
	enum { SIDE = 8, N = 6, ONE = 3 * SIDE * SIDE };
	gm_error err = {0};
	char path[PATH_MAX + 64];
	gm_saved *s = TRAINED("filler", "data=shapes", "size=8", "steps=1", "batch=4", "grid=6x2");
	float x[N][ONE], y[N][ONE];
	uint8_t hidden[SIDE * SIDE] = {0};
	for (int i = 0; i < N; i++)
		for (int k = 0; k < ONE; k++)
			y[i][k] = x[i][k] = (float)sin(i * ONE + k);
	for (int i = 0; i < SIDE * SIDE; i++)
		hidden[i] = i % SIDE >= 5;
	must(gm_saved_complete(s, &(gm_saved_hole){.n = N, .hidden = hidden}, y[0], &err), &err);
	for (int i = 0; i < N; i++)
		for (int k = 0; k < ONE; k++)
			assert_true(y[i][k] == (hidden[k % (SIDE * SIDE)] ? .25f : x[i][k]));
	assert_false(gm_saved_set_turns(s, "complete", 3, &err));
	assert_non_null(strstr(err.message, "has no turns"));
	/* what is left | output | original */
	snprintf(path, sizeof path, "%s/fakes-000001.png", last_run);
	err = (gm_error){0};
	gm_image *im = gm_png_read(path, &err);
	must(im != NULL, &err);
	assert_int_equal(im->width * (2 + 2 * 10), im->height * (2 + 6 * 10));
	const int scale = im->width / 62, middle = (2 + SIDE / 2) * scale;
	const uint8_t *left = im->pixel + ((size_t)middle * im->width + middle) * 3,
		      *output = left + (size_t)10 * scale * 3;
	assert_true(abs(left[0] - 128) <= 1 && abs(output[0] - 159) <= 1);
	gm_image_free(im);
	gm_saved_free(s);
}

/* ---- what is refused ------------------------------------------------------------------------- */

static int wrong; /* which of the faults below */

static int train_wrongly(gm_run *r)
{
	gm_node *x = gm_batch(r, "image");
	int64_t m = gm_opt_int(r, "batch");
	gm_node *z = gm_noise(r, "z", GM_LATENT_NORMAL, m, 2);
	switch (wrong) {
	case 0:
		gm_endpoint(r, "draw", x, z);
		break;
	case 1:
		gm_endpoint(r, "generate/", x, z);
		break;
	case 2:
		gm_endpoint(r, "generate", z, z);
		break;
	case 3:
		gm_endpoint(r, "generate/16", z, z);
		break;
	case 4:
		gm_endpoint(r, "encode", z, z);
		break;
	case 5:
		gm_endpoint(r, "log-likelihood", x, x);
		break;
	case 6:
		gm_endpoint(r, "encode", z, x);
		gm_endpoint(r, "encode", z, x);
		break;
	case 7:
		gm_endpoint(r, "classify", mean_of(gm_permute(x, (int[]){2, 0, 1, 3})), x);
		break;
	case 8:
		gm_endpoint(r, "translate", z, x);
		break;
	case 9:
		gm_endpoint(r, "complete", x, x);
		break;
	}
	return finish(r);
}

static const gm_model wrongly = {"wrongly", "", "", options, train_wrongly};

static void what_tools_cannot_use_is_refused(void **state)
{
	(void)state;
	static const char *const says[][2] = {
		{"unknown endpoint \"draw\"", "generate, translate, discriminate"},
		{"unknown endpoint \"generate/\"", "translate/back"},
		{"\"generate\" is [4,2]", "a batch of examples"},
		{"\"generate/16\" is [4,2]", "a batch of examples"},
		{"first input of the endpoint \"encode\"", "gm_batch"},
		{"\"log-likelihood\" is [4,1,16,16]", "one value per example"},
		{"\"encode\" twice", "wrongly"},
		{"\"classify\" is [16]", "one row per example"},
		{"\"translate\" is [4,2]", "the rank of its input"},
		{"\"complete\"", "does not take gm_hidden"},
	};
	for (wrong = 0; wrong < (int)(sizeof says / sizeof *says); wrong++) {
		gm_settings s;
		gm_error err = {0};
		gm_settings_init(&s, &wrongly);
		must(gm_settings_set(&s, "outdir", scratch_path("wrong"), &err) &&
		             gm_settings_set(&s, "data", "glyphs", &err) &&
		             gm_settings_set(&s, "size", "16", &err) &&
		             gm_settings_set(&s, "batch", "4", &err) &&
		             gm_settings_set(&s, "steps", "1", &err),
		     &err);
		assert_false(gm_train(&(gm_train_call){.settings = &s}, &err));
		for (int k = 0; k < 2; k++)
			if (!strstr(err.message, says[wrong][k]))
				fail_msg("fault %d: \"%s\" is not in: %s", wrong, says[wrong][k],
				         err.message);
		gm_settings_free(&s);
	}
}

/* A variable of the newest checkpoint of the last run. */
static const float *variable(gm_st **st, const char *name)
{
	gm_error err = {0};
	char path[PATH_MAX], folder[PATH_MAX];
	if (!*st)
		must(gm_folder_checkpoint(last_run, "", path, folder, &err) &&
		             (*st = gm_st_open(path, &err)),
		     &err);
	const gm_st_tensor *t = gm_st_find(*st, name);
	assert_non_null(t);
	return t->data;
}

/* leaky relu of a convolution 4x4, stride 2, pad 1: x [in,side,side] to y [out,side/2,side/2] */
static void convolve(const float *x, int in, int side, const float *w, const float *b, int out,
                     double *y)
{
	for (int o = 0; o < out; o++)
		for (int r = 0; r < side / 2; r++)
			for (int c = 0; c < side / 2; c++) {
				double sum = b[o];
				for (int i = 0; i < in; i++)
					for (int k = 0; k < 16; k++) {
						const int row = 2 * r - 1 + k / 4,
							  at = 2 * c - 1 + k % 4;
						if (row >= 0 && row < side && at >= 0 && at < side)
							sum += (double)w[(o * in + i) * 16 + k] *
							       x[(i * side + row) * side + at];
					}
				y[(o * side / 2 + r) * side / 2 + c] = sum > 0 ? sum : .2 * sum;
			}
}

/* Radford et al. 2016, section 5.1: every layer of D, max-pooled to 4x4, by hand. A map of 7 has
 * windows of 4 that overlap. */
static void features_of_dcgan(void **state)
{
	(void)state;
	enum { BATCH = 3, WIDTH = 2 };
	static const int sides[] = {16, 28};
	for (int turn = 0; turn < 2; turn++) {
		const int side = sides[turn], half = side / 2, quarter = side / 4,
			  d = 3 * WIDTH * 16;
		gm_error err = {0};
		gm_saved *s = TRAINED("dcgan", turn ? "size=28" : "size=16", "width=2", "batch=3",
		                      "steps=3", "normalise-d=none");
		float x[BATCH * 28 * 28], f[BATCH * 3 * WIDTH * 16], first[WIDTH * 14 * 14];
		double y[WIDTH * 14 * 14], z[2 * WIDTH * 7 * 7];
		assert_int_equal(gm_saved_shape(s, "features").dim[1], d);
		must(gm_saved_draw(s, &(gm_samples){.seed = 1, .n = BATCH}, x, &err) &&
		             gm_saved_apply(s, "features", (const void *[]){x}, BATCH, 0, f, &err),
		     &err);
		gm_st *st = NULL;
		const float *w1 = variable(&st, turn ? "D/14x14/weight" : "D/8x8/weight"),
			    *b1 = variable(&st, turn ? "D/14x14/bias" : "D/8x8/bias"),
			    *w2 = variable(&st, turn ? "D/7x7/weight" : "D/4x4/weight"),
			    *b2 = variable(&st, turn ? "D/7x7/bias" : "D/4x4/bias");
		for (int n = 0; n < BATCH; n++) {
			convolve(x + n * side * side, 1, side, w1, b1, WIDTH, y);
			for (int i = 0; i < WIDTH * half * half; i++)
				first[i] = (float)y[i];
			convolve(first, WIDTH, half, w2, b2, 2 * WIDTH, z);
			for (int i = 0; i < d; i++) {
				const bool deep = i >= WIDTH * 16;
				const int map = deep ? quarter : half,
					  at = deep ? i - WIDTH * 16 : i, stride = map / 4,
					  size = map - 3 * stride;
				const double *from = (deep ? z : y) + at / 16 * map * map;
				double most = -1e9;
				for (int k = 0; k < size * size; k++)
					most = fmax(most,
					            from[(at % 16 / 4 * stride + k / size) * map +
					                 at % 4 * stride + k % size]);
				/* sums of 16 and 32 products of values of about 1, in floats */
				assert_float_equal(f[n * d + i], most, 1e-5);
			}
		}
		gm_st_close(st);
		gm_saved_free(s);
	}
}

/* The maps have the sizes of the authors' nets at 32 pixels; brightness and contrast of an image do
 * not change what D says, and other changes do. */
static void gan_conv_sees_normalised_images(void **state)
{
	(void)state;
	enum { N = 2, SIDE = 32, NUMEL = 3 * SIDE * SIDE, WIDTH = 4 };
	static float x[2][N * NUMEL], y[2][N];
	gm_error err = {0};
	gm_saved *s =
		TRAINED("gan-conv", "data=shapes", "size=32", "width=4", "batch=2", "steps=2");
	gm_st *st = NULL;
	(void)variable(&st, "G/y/bias");
	static const struct {
		const char *name;
		int64_t rows, columns;
	} shape[] = {{"G/h1/weight", WIDTH * 100, WIDTH * 100}, /* a map of 10x10 */
	             {"G/y/bias", 3, SIDE},
	             {"D/h0/weight", 2 * 2, 3},
	             {"D/h3/weight", 25 * 5, 10 * 25}}; /* ten channels of 5x5 */
	for (int i = 0; i < 4; i++) {
		const gm_st_tensor *t = gm_st_find(st, shape[i].name);
		if (!t || t->dims[0] != shape[i].rows || t->dims[1] != shape[i].columns)
			fail_msg("%s has another shape", shape[i].name);
	}
	gm_st_close(st);
	must(gm_saved_draw(s, &(gm_samples){.seed = 1, .n = N}, x[0], &err), &err);
	for (int turn = 0; turn < 2; turn++) {
		for (int i = 0; i < N * NUMEL; i++)
			x[1][i] = turn ? x[0][i] * x[0][i] : .5f * x[0][i] + .25f;
		for (int k = 0; k < 2; k++)
			must(gm_saved_apply(s, "discriminate", (const void *[]){x[k]}, N, 0, y[k],
			                    &err),
			     &err);
		for (int n = 0; n < N; n++)
			assert_int_equal(turn,
			                 fabs(y[0][n] - y[1][n]) > 1e-5 * fabs(y[0][n]) + 1e-9);
	}
	gm_saved_free(s);
}

int main(void)
{
	gm_error err = {0};
	if (!gm_model_register(&two_ways, &err) || !gm_model_register(&larger, &err) ||
	    !gm_model_register(&filler, &err))
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_discriminator_is_watched),
		cmocka_unit_test(variants_are_drawn_in_their_own_size),
		cmocka_unit_test(outputs_have_the_size_that_the_endpoint_gives),
		cmocka_unit_test(metrics_go_by_the_endpoint_that_is_asked_for),
		cmocka_unit_test(a_model_can_complete_in_one_evaluation),
		cmocka_unit_test(what_tools_cannot_use_is_refused),
		cmocka_unit_test(features_of_dcgan),
		cmocka_unit_test(gan_conv_sees_normalised_images),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
