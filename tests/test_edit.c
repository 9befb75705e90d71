/* SPDX-License-Identifier: MIT
 *
 * test_edit.c -- edits by strokes: oriented gradients, constraints, smoothness, scripts.
 */
#include "runs.h"

#include "use/edit.h"
#include "use/photo.h"
#include "use/project.h"
#include "graphs.h"

enum { SIDE = 16, PLANE = SIDE * SIDE, NUMEL = 3 * PLANE, STARTS = 16, NZ = 4 };

/* ---- oriented gradients ---------------------------------------------------------------------- */

enum { H = 32 };

/* HOG of one grey image, summed over cells that do not touch the border: [8]. */
static void hog(const float *image, double *bin)
{
	gm_graph *g = gm_graph_new(NULL);
	gm_node *x = gm_input(g, "x", GM_SHAPE(1, 1, H, H), GM_F32), *y = gm_edit_hog(x, 4);
	gm_step *s = compiled(g, gm_compile(g, y));
	float v[8 * 64];
	assert_int_equal(gm_node_size(y), 8 * 64);
	gm_set_f32(x, image, H * H);
	gm_step_run(s);
	gm_step_read(s, y, v, 8 * 64);
	for (int k = 0; k < 8; k++) {
		bin[k] = 0;
		for (int i = 1; i < 7; i++)
			for (int j = 1; j < 7; j++)
				bin[k] += v[k * 64 + i * 8 + j];
	}
	finish(g);
}

/* An edge whose gradient has angle t has its mass in bin t; a flat image has none; a constant
 * changes nothing; twice the contrast doubles it (but for the 1e-3 in the root). */
static void gradients_have_their_bin(void **state)
{
	(void)state;
	float x[H * H];
	double bin[8], other[8];
	for (int k = 0; k < 8; k++) {
		const double t = k * 3.14159265358979 / 8;
		for (int i = 0; i < H * H; i++) {
			const double d =
				cos(t) * (i % H - H / 2 + .25) + sin(t) * (i / H - H / 2 + .25);
			x[i] = (float)(.2 + 3 / (1 + exp(-1.5 * d)));
		}
		hog(x, bin);
		double all = 0;
		for (int b = 0; b < 8; b++)
			all += bin[b];
		if (!(bin[k] > .8 * all))
			fail_msg("angle %d/8: %.2f of the mass in its bin", k, bin[k] / all);
		for (int i = 0; i < H * H; i++)
			x[i] += .3f;
		hog(x, other);
		for (int b = 0; b < 8; b++)
			assert_float_equal(bin[b], other[b], 1e-3 * all);
		for (int i = 0; i < H * H; i++)
			x[i] *= 2;
		hog(x, other);
		assert_true(other[k] > 1.95 * bin[k] && other[k] < 2.05 * bin[k]);
	}
	for (int i = 0; i < H * H; i++)
		x[i] = .7f;
	hog(x, bin);
	for (int b = 0; b < 8; b++)
		assert_true(bin[b] == 0);
}

/* ---- edits ----------------------------------------------------------------------------------- */

static gm_saved *generator(void)
{
	return TRAINED("dcgan", "data=shapes", "size=16", "nz=4", "width=8", "batch=16",
	               "steps=200", "lr=2e-3", "monitors=no");
}

static gm_edit_options defaults(void)
{
	gm_edit_options o;
	gm_action_reset(gm_edit_rows, &o);
	o.starts = STARTS;
	return o;
}

static bool script(gm_edit *e, const char *text, gm_error *err)
{
	return gm_edit_read(e, text, strlen(text), err);
}

/* A stroke in the colour that sample 0 of seed 21 has there, so that it can be reached. */
static const char *stroke(gm_saved *s)
{
	static char text[300];
	gm_error err = {0};
	float x[NUMEL];
	int rgb[3];
	must(gm_saved_draw(s, &(gm_samples){.seed = 21, .n = 1}, x, &err), &err);
	for (int c = 0; c < 3; c++)
		rgb[c] = (int)lrintf((x[c * PLANE + 8 * SIDE + 8] + 1) * 127.5f);
	snprintf(text, sizeof text,
	         "{\"strokes\": [{\"tool\": \"colour\", \"width\": 2, \"colour\": "
	         "\"#%02x%02x%02x\", \"points\": [[8, 8]]}]}",
	         rgb[0], rgb[1], rgb[2]);
	return text;
}

/* A stroke: its colour error falls by half in 40 iterations, for most candidates; what is not
 * painted has no gradient: without strokes nothing moves; erasing is the same as no stroke. */
static void colours_are_reached(void **state)
{
	(void)state;
	gm_error err = {0};
	gm_saved *s = generator();
	gm_edit_options o = defaults();
	gm_edit *e = gm_edit_new(s, &o, NULL, &err);
	must(e != NULL, &err);
	float z[STARTS * NZ];
	memcpy(z, gm_edit_z(e), sizeof z);
	must(gm_edit_run(e, 3, &err), &err);
	assert_memory_equal(z, gm_edit_z(e), sizeof z);
	assert_true(isnan(gm_edit_colour_error(e, 0)));
	must(script(e, stroke(s), &err), &err);
	double before = 0, after = 0;
	for (int i = 0; i < STARTS; i++)
		before += gm_edit_colour_error(e, i) / STARTS;
	must(gm_edit_run(e, 40, &err), &err);
	int64_t order[STARTS];
	const int64_t kept = gm_edit_order(e, order);
	assert_in_range(kept, 1, STARTS);
	for (int64_t i = 1; i < kept; i++)
		assert_true(gm_edit_cost(e)[order[i]] >= gm_edit_cost(e)[order[i - 1]]);
	for (int64_t i = 0; i < kept; i++)
		after += gm_edit_colour_error(e, order[i]) / (double)kept;
	print_message("colour error %.3f before, %.3f after, %d candidates\n", before, after,
	              (int)kept);
	assert_true(after < .5 * before);
	/* the images are those of the latents */
	float x[STARTS * NUMEL];
	must(gm_saved_apply(s, "generate", (const void *[]){gm_edit_z(e)}, STARTS, 0, x, &err),
	     &err);
	for (int i = 0; i < STARTS * NUMEL; i++)
		assert_float_equal(x[i], gm_edit_image(e, 0)[i], 1e-4);
	must(script(e,
	            "{\"strokes\": [{\"tool\": \"erase\", \"width\": 16, \"points\": [[3, 8], [13, "
	            "8]]}]}",
	            &err),
	     &err);
	assert_true(isnan(gm_edit_colour_error(e, 0)));
	gm_edit_free(e);
	gm_saved_free(s);
}

/* From a photo: the first start is its projection; without strokes latents return to it; a large
 * weight holds them; sketches and warps have a cost that falls; the run is not changed. */
static void photos_are_edited(void **state)
{
	(void)state;
	gm_error err = {0};
	gm_saved *s = generator();
	float photo[NUMEL], z0[NZ];
	gm_project_options p;
	gm_action_reset(gm_project_rows, &p);
	p.starts = 4;
	must(gm_saved_draw(s, &(gm_samples){.seed = 9, .n = 1}, photo, &err), &err);
	must(gm_project(s, &p, photo, 1, z0, NULL, NULL, &err), &err);
	gm_edit_options o = defaults();
	gm_edit *e = gm_edit_new(s, &o, z0, &err);
	must(e != NULL, &err);
	assert_memory_equal(gm_edit_z(e), z0, sizeof z0);
	must(gm_edit_run(e, 150, &err), &err);
	for (int i = 0; i < STARTS * NZ; i++) /* steps of Adam of .1 that shrink */
		assert_float_equal(gm_edit_z(e)[i], z0[i % NZ], .05);
	gm_edit_free(e);

	double moved[2];
	for (int k = 0; k < 2; k++) {
		o.smooth = k ? 1e4 : 0;
		must((e = gm_edit_new(s, &o, z0, &err)) && script(e, stroke(s), &err) &&
		             gm_edit_run(e, 40, &err),
		     &err);
		moved[k] = 0;
		for (int i = 0; i < NZ; i++)
			moved[k] += fabs(gm_edit_z(e)[i] - z0[i]);
		gm_edit_free(e);
	}
	assert_true(moved[1] < .1 && moved[0] > 3 * moved[1]);

	static const char *const scripts[] = {
		"{\"strokes\": [{\"tool\": \"sketch\", \"points\": [[4, 4], [4, 11]]}]}",
		"{\"strokes\": [{\"tool\": \"warp\", \"size\": 6, \"from\": [8, 8], \"to\": [11, "
		"8]}]}"};
	for (int k = 0; k < 2; k++) {
		int64_t order[STARTS];
		o.smooth = 0, o.edge = 2;
		must((e = gm_edit_new(s, &o, z0, &err)) && script(e, scripts[k], &err), &err);
		gm_edit_order(e, order);
		const double before = gm_edit_cost(e)[order[0]];
		assert_true(before > 0);
		must(gm_edit_run(e, 40, &err), &err);
		gm_edit_order(e, order);
		print_message("%s: cost %.4f to %.4f\n", k ? "warp" : "sketch", before,
		              gm_edit_cost(e)[order[0]]);
		assert_true(gm_edit_cost(e)[order[0]] < .9 * before);
		gm_edit_free(e);
	}
	gm_saved_free(s);
}

static gm_image *some_photo(int width, int height)
{
	gm_error err = {0};
	gm_image *im = gm_image_new(width, height, 3, &err);
	must(im != NULL, &err);
	for (int i = 0; i < width * height * 3; i++)
		im->pixel[i] = (uint8_t)(127 + 100 * sin(i % (3 * width) * .05) + i % 11);
	return im;
}

/* Channel c of an image x of the run at three times its size, linear. */
static double enlarged(const float *x, int c, int y, int u)
{
	const double v = fmin(fmax((y + .5) / 3 - .5, 0), SIDE - 1),
		     w = fmin(fmax((u + .5) / 3 - .5, 0), SIDE - 1);
	const int y0 = (int)v, x0 = (int)w, y1 = y0 + (y0 < SIDE - 1), x1 = x0 + (x0 < SIDE - 1);
	x += c * PLANE;
	return (1 - v + y0) * ((1 - w + x0) * x[y0 * SIDE + x0] + (w - x0) * x[y0 * SIDE + x1]) +
	       (v - y0) * ((1 - w + x0) * x[y1 * SIDE + x0] + (w - x0) * x[y1 * SIDE + x1]);
}

/* An edit that changes nothing keeps the bytes of a photo of any size. Of a photo whose middle is
 * the image before the edit, three times as large, much of the change to the image after it is
 * made; beyond a quarter of that part's side nothing changes. A morph begins with the one photo and
 * ends with the other. */
static void photos_of_any_size(void **state)
{
	(void)state;
	enum { W = 120, S = 3 * SIDE, LEFT = (W - S) / 2, SQUARE = 6 };
	gm_error err = {0};
	gm_saved *s = generator();
	gm_image *photo = some_photo(W, S);
	float z[2][NZ] = {{.1f, -.3f, .2f, .5f}, {-.6f, .4f, .9f, -.8f}}, x[2 * NUMEL], own[NUMEL];
	gm_box box;
	must(gm_edit_between(s, z[0], z[1], 2, x, &err), &err);
	for (int y = 0; y < S; y++)
		for (int i = 0; i < 3 * S; i++)
			photo->pixel[3 * (y * W + LEFT) + i] =
				(uint8_t)lrint(127.5 * (1 + enlarged(x, i % 3, y, i / 3)));
	must(gm_photo_fit(s, photo, "photo", own, &box, &err), &err);
	assert_true(box.x == LEFT && box.y == 0 && box.width == S && box.height == S);
	for (int i = 0; i < NUMEL; i++) /* values of 8 bits */
		assert_float_equal((own[i] + 1) * 127.5f, rint((own[i] + 1) * 127.5f), 1e-3);
	gm_image *same = gm_photo_transfer(s, z[0], z[0], 4, photo, &err);
	must(same != NULL, &err);
	assert_memory_equal(same->pixel, photo->pixel, W * S * 3);
	gm_image *other = gm_photo_transfer(s, z[0], z[1], 8, photo, &err);
	must(other != NULL, &err);
	/* in means of squares, as this generator's images are checkered, and no motion of pixels
	 * explains that */
	static double left[NUMEL], all[NUMEL];
	for (int i = 0; i < W * S * 3; i++) {
		const int px = i / 3 % W - LEFT, py = i / 3 / W, c = i % 3;
		if (px < -S / 4 - 1 || px > S + S / 4)
			assert_int_equal(other->pixel[i], photo->pixel[i]);
		if (px < 0 || px >= S)
			continue;
		const int at = c * PLANE + py / SQUARE * SIDE + px / SQUARE;
		const double want = 127.5 * (1 + enlarged(x + NUMEL, c, py, px));
		left[at] += other->pixel[i] - want;
		all[at] += photo->pixel[i] - want;
	}
	double l = 0, a = 0;
	for (int i = 0; i < NUMEL; i++)
		l += pow(left[i], 2), a += pow(all[i], 2);
	print_message("left of the change: %.3f\n", sqrt(l / a));
	assert_true(sqrt(l / a) < .7);
	gm_image *second = some_photo(30, 90), *frame[5];
	must(gm_photo_morph(s, (const float *const[]){z[0], z[1]},
	                    (const gm_image *const[]){photo, second}, 5, 1000, frame, &err),
	     &err);
	for (int k = 0; k < 5; k++)
		assert_true(frame[k]->width == S && frame[k]->height == S);
	for (int y = 0; y < S; y++)
		assert_memory_equal(frame[0]->pixel + y * S * 3, photo->pixel + (y * W + LEFT) * 3,
		                    S * 3);
	/* the middle of the second photo, enlarged: its mean stays */
	double mean[2] = {0};
	for (int i = 0; i < S * S * 3; i++)
		mean[0] += frame[4]->pixel[i] / (S * S * 3.);
	for (int i = 0; i < 30 * 90; i++)
		mean[1] += second->pixel[30 * 90 + i] / (30 * 90.);
	assert_float_equal(mean[0], mean[1], 1);
	for (int k = 0; k < 5; k++)
		gm_image_free(frame[k]);
	gm_image_free(photo), gm_image_free(same), gm_image_free(other), gm_image_free(second);
	gm_saved_free(s);
}

/* Scripts are refused with the number of the stroke, and add nothing. */
static void bad_scripts(void **state)
{
	(void)state;
	gm_error err = {0};
	gm_saved *s = TRAINED("dcgan", "data=shapes", "size=16", "nz=4", "width=4", "batch=4",
	                      "steps=1", "monitors=no");
	gm_edit_options o = defaults();
	gm_edit *e = gm_edit_new(s, &o, NULL, &err);
	must(e != NULL, &err);
	static const char *const bad[][2] = {
		{"{", "not JSON"},
		{"[]", "strokes"},
		{"{\"strokes\": 3}", "strokes"},
		{"{\"strokes\": [{}]}", "stroke 1: its tool"},
		{"{\"strokes\": [], \"photo\": 1}", "\"photo\""},
		{"{\"strokes\": [{\"tool\": \"sketch\", \"widht\": 2, \"points\": [[1, 1]]}]}",
	         "stroke 1: sketch has no \"widht\""},
		{"{\"strokes\": [{\"tool\": \"erase\", \"tool \": 2, \"points\": [[1, 1]]}]}",
	         "has no \"tool \""},
		{"{\"strokes\": [{\"tool\": \"sketch\", \"colour\": \"#123456\", \"points\": [[1, "
	         "1]]}]}",
	         "has no \"colour\""},
		{"{\"strokes\": [{\"tool\": \"colour\", \"colour\": \"#12345\", \"points\": [[1, "
	         "1]]}]}",
	         "#rrggbb"},
		{"{\"strokes\": [{\"tool\": \"sketch\", \"points\": []}]}", "1 to 4096"},
		{"{\"strokes\": [{\"tool\": \"sketch\", \"points\": [[1, 16]]}]}",
	         "within the image"},
		{"{\"strokes\": [{\"tool\": \"sketch\", \"points\": [[1]]}]}", "within the image"},
		{"{\"strokes\": [{\"tool\": \"sketch\", \"width\": 0, \"points\": [[1, 1]]}]}",
	         "width"},
		{"{\"strokes\": [{\"tool\": \"warp\", \"from\": [1, 1], \"to\": [2, 2]}]}",
	         "photo"},
		{"{\"strokes\": [{\"tool\": \"colour\", \"colour\": \"#123456\", \"points\": [[1, "
	         "1]]}, "
	         "{\"tool\": \"nose\"}]}",
	         "stroke 2"},
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		err = (gm_error){0};
		assert_false(script(e, bad[i][0], &err));
		if (!strstr(err.message, bad[i][1]))
			fail_msg("\"%s\" does not say \"%s\"", err.message, bad[i][1]);
		assert_true(isnan(gm_edit_colour_error(e, 0)));
	}
	gm_edit_free(e);
	gm_saved_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gradients_have_their_bin),
		cmocka_unit_test(colours_are_reached),
		cmocka_unit_test(photos_are_edited),
		cmocka_unit_test(photos_of_any_size),
		cmocka_unit_test(bad_scripts),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
