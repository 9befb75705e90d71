/* SPDX-License-Identifier: MIT
 *
 * test_dream.c -- layers of runs at other sizes, and DeepDream: octaves, steps, guides, units.
 */
#include "runs.h"

#include "ganymede/image.h"
#include "use/dream.h"

enum { SIDE = 16, BIG = 32, CLASSES = 10 };

static gm_saved *classifier(void)
{
	gm_saved_free(TRAINED("classifier", "size=16", "per-class=4", "batch=40", "width=8",
	                      "features=32", "steps=80", "decay=80", "lr=1e-2", "monitors=no",
	                      "metrics=", "grid=1x1", "ema=.9"));
	gm_error err = {0};
	gm_saved *s = gm_saved_open(last_run, &(gm_saved_options){.batch = 1, .exact = true}, &err);
	must(s != NULL, &err);
	return s;
}

/* A grey image of waves. */
static gm_image *waves_of(int width, int height)
{
	gm_error err = {0};
	gm_image *im = gm_image_new(width, height, 1, &err);
	must(im != NULL, &err);
	for (int i = 0; i < width * height; i++)
		im->pixel[i] = (uint8_t)(128 + 60 * sin(.9 * (i % width)) * cos(.5 * (i / width)));
	return im;
}

static void layer_values(gm_saved *s, const char *layer, const float *x, int side, float *y,
                         int64_t n)
{
	static int calls;
	char name[32];
	gm_error err = {0};
	snprintf(name, sizeof name, "test/%d", calls++);
	gm_node *in = gm_input(gm_saved_graph(s), name, GM_SHAPE(1, 1, side, side), GM_F32);
	gm_node *out = gm_saved_layer(s, layer, in, &err);
	must(out != NULL, &err);
	assert_int_equal(gm_node_size(out), n);
	gm_step *step =
		gm_compile_nodes(gm_saved_graph(s), &out, 1, &(gm_compile_options){.infer = true});
	assert_non_null(step);
	gm_set_f32(in, x, (int64_t)side * side);
	gm_step_run(step);
	assert_true(gm_step_read(step, out, y, n));
	gm_step_free(step);
}

/* A layer of the run's size is what the endpoint gives; of another size, convolutions see what they
 * see in a part of the image. */
static void layers_of_any_size(void **state)
{
	(void)state;
	enum { C = 8, FEATURES = 32 };
	gm_error err = {0};
	gm_saved *s = classifier();
	static float big[BIG * BIG], part[SIDE * SIDE], a[C * BIG * BIG], b[C * SIDE * SIDE],
		f[FEATURES], g[FEATURES];
	for (int i = 0; i < BIG * BIG; i++)
		big[i] = (float)sin(.7 * i + .01 * i * i);
	for (int i = 0; i < SIDE * SIDE; i++)
		part[i] = big[(i / SIDE + 8) * BIG + i % SIDE + 8];
	assert_string_equal(gm_saved_layer_name(s, 0, NULL), "C/16x16/a");
	assert_string_equal(gm_saved_layer_name(s, 5, NULL), "C/logits");
	assert_null(gm_saved_layer_name(s, 6, NULL));
	layer_values(s, "C/16x16/a", big, BIG, a, C * BIG * BIG);
	layer_values(s, "C/16x16/a", part, SIDE, b, C * SIDE * SIDE);
	for (int c = 0; c < C; c++)
		for (int i = 1; i < SIDE - 1; i++)
			for (int j = 1; j < SIDE - 1; j++)
				assert_float_equal(b[(c * SIDE + i) * SIDE + j],
				                   a[(c * BIG + i + 8) * BIG + j + 8], 1e-5);
	layer_values(s, "C/features", part, SIDE, f, FEATURES);
	must(gm_saved_apply(s, "features", (const void *[]){part}, 1, 0, g, &err), &err);
	for (int i = 0; i < FEATURES; i++)
		assert_float_equal(f[i], g[i], 1e-5);
	gm_node *in = gm_input(gm_saved_graph(s), "x", GM_SHAPE(1, 1, 8, 8), GM_F32);
	assert_null(gm_saved_layer(s, "C/nothing", in, &err));
	assert_non_null(strstr(err.message, "C/16x16/a, C/16x16/b"));
	gm_saved_free(s);
}

/* Linear functions stay linear, corners stay corners. */
static void zooms(void **state)
{
	(void)state;
	enum { H = 5, W = 7 };
	float x[2 * H * W], y[2 * 9 * 4];
	for (int c = 0; c < 2; c++)
		for (int i = 0; i < H * W; i++)
			x[c * H * W + i] = (float)(c + 3 * (i / W) - 2 * (i % W));
	gm_dream_zoom(x, 2, H, W, y, 9, 4);
	for (int c = 0; c < 2; c++)
		for (int i = 0; i < 9; i++)
			for (int j = 0; j < 4; j++)
				assert_float_equal(y[(c * 9 + i) * 4 + j],
				                   c + 3 * i * .5 - 2 * j * 2, 1e-5);
	gm_dream_zoom(x, 2, H, W, y, H, W);
	assert_memory_equal(x, y, sizeof x);
}

static gm_image *dreamt(gm_dreamer *d, const gm_image *im, gm_dream_options o, gm_dream_report *r)
{
	gm_error err = {0};
	gm_image *out = gm_dream(d, im, &o, r, &err);
	must(out != NULL, &err);
	assert_true(out->width == im->width && out->height == im->height);
	return out;
}

static double mean_change(const gm_image *a, const gm_image *b)
{
	const int n = a->width * a->height * a->channels;
	double sum = 0;
	for (int i = 0; i < n; i++)
		sum += abs(a->pixel[i] - b->pixel[i]);
	return sum / n;
}

/* Without steps the image comes back, through all octaves; a step changes it by 1.5 of 255 on
 * average; ascent raises the objective, descent lowers it; shifts are undone and given by the seed;
 * sides need not be multiples of the strides. */
static void octaves_and_steps(void **state)
{
	(void)state;
	gm_error err = {0};
	gm_saved *s = classifier();
	gm_dreamer *d = gm_dreamer_of_run(s, &err);
	gm_image *im = waves_of(53, 37), *out;
	gm_dream_report r;
	out = dreamt(d, im, (gm_dream_options){.steps = -1}, &r);
	assert_memory_equal(im->pixel, out->pixel, 53 * 37);
	assert_int_equal(r.octaves, 4);
	assert_true(r.octave[3].width == 53 && r.octave[3].height == 37);
	assert_true(r.octave[2].width == 38 && r.octave[2].height == 26);
	gm_image_free(out);

	const gm_dream_options one = {.octaves = 1, .steps = 1, .rate = 6};
	out = dreamt(d, im, one, &r);
	assert_true(fabs(mean_change(im, out) / 6 - 1) < .03);
	gm_image_free(out);

	static const char *const layers[] = {"C/16x16/b", "C/8x8/b"};
	for (int k = 0; k < 2; k++) {
		gm_dream_options o = {.octaves = 2, .steps = 10, .layer = layers[k], .seed = 3};
		out = dreamt(d, im, o, &r);
		print_message("%s: %g to %g, %d rises\n", layers[k], r.octave[1].first,
		              r.octave[1].last, r.octave[1].rises);
		assert_true(r.octave[1].last > 1.1 * r.octave[1].first && r.octave[1].rises >= 7);
		gm_image *again = dreamt(d, im, o, &r);
		assert_memory_equal(again->pixel, out->pixel, 53 * 37);
		gm_image_free(again);
		o.seed = 4;
		again = dreamt(d, im, o, &r);
		assert_true(mean_change(again, out) > 0);
		gm_image_free(again);
		gm_image_free(out);
		o.rate = 1e-6; /* of which no byte changes: what is left are the shifts */
		out = dreamt(d, im, o, &r);
		assert_memory_equal(im->pixel, out->pixel, 53 * 37);
		gm_image_free(out);
		o.rate = -1.5;
		out = dreamt(d, im, o, &r);
		assert_true(r.octave[1].last < r.octave[1].first);
		gm_image_free(out);
	}
	gm_image_free(im);
	gm_dreamer_free(d);
	gm_saved_free(s);
}

/* The logit of a class rises to the top; a guide makes the layer respond as to it. */
static void units_and_guides(void **state)
{
	(void)state;
	gm_error err = {0};
	gm_saved *s = classifier();
	gm_dreamer *d = gm_dreamer_of_run(s, &err);
	gm_image *im = waves_of(SIDE, SIDE), *out, *guide = waves_of(40, 24);
	gm_dream_report r;
	float x[SIDE * SIDE], logit[CLASSES];
	for (int k = 0; k < CLASSES; k += 3) {
		const gm_dream_options o = {.octaves = 1,
		                            .steps = 100,
		                            .layer = "C/logits",
		                            .unit = k + 1,
		                            .jitter = -1};
		out = dreamt(d, im, o, &r);
		for (int i = 0; i < SIDE * SIDE; i++)
			x[i] = (float)(out->pixel[i] / 127.5 - 1);
		must(gm_saved_apply(s, "classify", (const void *[]){x}, 1, 0, logit, &err), &err);
		for (int c = 0; c < CLASSES; c++)
			assert_true(logit[c] <= logit[k]);
		gm_image_free(out);
	}
	for (int i = 0; i < 40 * 24; i++)
		guide->pixel[i] = i % 40 / 4 % 2 ? 250 : 5;
	gm_image *photo = waves_of(40, 40);
	const gm_dream_options plain = {.octaves = 1, .steps = 10, .layer = "C/16x16/b"};
	gm_dream_options guided = plain;
	guided.guide = guide;
	out = dreamt(d, photo, guided, &r);
	assert_true(r.octave[0].last > r.octave[0].first);
	gm_image *other = dreamt(d, photo, plain, &r);
	assert_true(mean_change(out, other) > 1);
	gm_image_free(other);
	gm_image_free(out);

	static const struct {
		gm_dream_options o;
		const char *says;
	} bad[] = {
		{{.layer = "C/none"}, "there is no layer C/none"},
		{{.layer = "C/8x8/b", .octaves = 1, .unit = 99}, "units, from 0"},
		{{.octaves = 8}, "too small for 8 octaves"},
		{{.octaves = 99}, "--octaves"},
		{{.scale = 1}, "--scale"},
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		err = (gm_error){0};
		assert_null(gm_dream(d, im, &bad[i].o, NULL, &err));
		assert_non_null(strstr(err.message, bad[i].says));
	}
	gm_image_free(im), gm_image_free(guide), gm_image_free(photo);
	gm_dreamer_free(d);
	gm_saved_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layers_of_any_size),
		cmocka_unit_test(zooms),
		cmocka_unit_test(octaves_and_steps),
		cmocka_unit_test(units_and_guides),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
