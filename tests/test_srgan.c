/* SPDX-License-Identifier: MIT
 *
 * test_srgan.c -- SRResNet and SRGAN from outside: how far a pixel reaches, tiles without seams,
 * that images in use do not depend on each other, what a residual block adds, both phases' losses
 * from the endpoints' own values, and which nets each phase updates.
 */
#include "runs.h"

#include "ganymede/data.h"
#include "use/translate.h"

enum { M = 2, LOW = 8, HIGH = 32, SMALL_SIZE = 3 * LOW * LOW, SIZE = 3 * HIGH * HIGH };
#define SMALL "data=shapes", "batch=2", "width=4", "blocks=1", "width-d=2", "units=8"

static void run(gm_saved *s, const char *endpoint, const float *x, float *y)
{
	gm_error err = {0};
	must(gm_saved_run(s, endpoint, (const void *[]){x}, 0, 0, y, &err), &err);
}

static void first_batch(float *low, float *high)
{
	gm_error err = {0};
	gm_dataset *d = gm_data_open("shapes", &(gm_data_options){.reduce = 4}, &err);
	must(d && gm_data_read(d, gm_data_field(d, "low"), 0, 0, M, low, &err) &&
	             gm_data_batch(d, 0, 0, M, high, NULL, &err),
	     &err);
	gm_data_close(d);
}

/* [3,side,side] that nothing is regular in */
static float *noise(int side)
{
	float *x = malloc(3 * side * side * sizeof *x);
	gm_rng rng = gm_rng_new(5, 0);
	for (int i = 0; i < 3 * side * side; i++)
		x[i] = (float)(gm_rng_uniform(&rng) * 2 - 1);
	return x;
}

static gm_picture translated(gm_translator *t, float *x, int side)
{
	gm_error err = {0};
	gm_picture y;
	must(gm_translator_run(t, &(gm_picture){x, 3, side, side}, 0, 0, &y, &err), &err);
	return y;
}

static gm_translator *translator(gm_saved *s, int tile)
{
	gm_error err = {0};
	gm_translator *t = gm_translator_open(gm_saved_path(s), NULL, &err);
	must(t && (!tile || gm_translator_set_tile(t, tile, &err)), &err);
	return t;
}

/* Every tile gives the pixels of the whole picture: so the radius that the model declares is not
 * too small, and tiles lie where they belong. A pixel that far away has an influence. */
static void tiles_have_no_seams(void **state)
{
	(void)state;
	static const struct {
		const char *options[3];
		int factor, radius;
	} rows[] = {{{"reduce=4", "blocks=1", "bilinear=no"}, 4, 10},
	            {{"reduce=4", "blocks=3", "bilinear=yes"}, 4, 14},
	            {{"reduce=2", "blocks=1", "bilinear=no"}, 2, 10},
	            {{"reduce=8", "blocks=1", "size=32"}, 8, 10}};
	enum { SIDE = 47 };
	for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
		const int f = rows[k].factor, least = 2 * rows[k].radius + 1;
		gm_saved *s = TRAINED("srgan", SMALL, "steps=0", rows[k].options[0],
		                      rows[k].options[1], rows[k].options[2]);
		gm_translator *whole = translator(s, 0);
		float *x = noise(SIDE);
		gm_picture a = translated(whole, x, SIDE);
		assert_int_equal(a.height, SIDE * f);
		const int sizes[] = {least, 40};
		for (int i = 0; i < 2; i++) {
			gm_translator *t = translator(s, sizes[i]);
			gm_picture b = translated(t, x, SIDE);
			assert_true(b.width == a.width && b.height == a.height);
			for (int j = 0; j < 3 * a.width * a.height; j++)
				if (fabsf(a.x[j] - b.x[j]) > 1e-5f)
					fail_msg("row %d, tile %d: pixel %d is %g, not %g", (int)k,
					         sizes[i], j, b.x[j], a.x[j]);
			free(b.x);
			gm_translator_free(t);
		}
		gm_error err = {0};
		assert_false(gm_translator_set_tile(whole, 2 * rows[k].radius, &err));
		assert_non_null(strstr(err.message, "too small"));
		x[23 * SIDE + 23] += 10;
		gm_picture c = translated(whole, x, SIDE);
		int far = 0;
		for (int i = 0; i < a.height; i++)
			for (int j = 0; j < a.width; j++)
				if (a.x[i * a.width + j] != c.x[i * a.width + j])
					far = abs(i / f - 23) > far ? abs(i / f - 23) : far;
		assert_true(far <= rows[k].radius && far >= rows[k].radius - 1);
		free(a.x), free(c.x), free(x);
		gm_translator_free(whole);
		gm_saved_free(s);
	}
}

static void other_norms_have_no_tiles(void **state)
{
	(void)state;
	gm_error err = {0};
	gm_saved *s = TRAINED("srgan", SMALL, "steps=0", "normalise-g=instance");
	gm_translator *t = translator(s, 0);
	assert_false(gm_translator_set_tile(t, 100, &err));
	assert_non_null(strstr(err.message, "whole picture"));
	gm_translator_free(t);
	gm_saved_free(s);
}

/* In use the result of an image does not depend on the others of its batch (running statistics). */
static void images_are_alone(void **state)
{
	(void)state;
	static float low[M * SMALL_SIZE], high[M * SIZE], y[2][M * SIZE];
	gm_saved *s = TRAINED("srgan", SMALL, "steps=5");
	first_batch(low, high);
	run(s, "translate", low, y[0]);
	for (int i = SMALL_SIZE; i < M * SMALL_SIZE; i++)
		low[i] = -low[i];
	run(s, "translate", low, y[1]);
	assert_memory_equal(y[0], y[1], SIZE * sizeof **y);
	assert_true(memcmp(y[0] + SIZE, y[1] + SIZE, SIZE * sizeof **y) != 0);
	gm_saved_free(s);
}

static double mse(const float *x, const float *y)
{
	double sum = 0;
	for (int i = 0; i < M * SIZE; i++)
		sum += pow(x[i] - y[i], 2) / (M * SIZE);
	return sum;
}

/* Rates of 0 and no normaliser, so that what was logged is what the endpoints give. */
static void losses_are_the_papers(void **state)
{
	(void)state;
	static float low[M * SMALL_SIZE], high[M * SIZE], y[M * SIZE], real[M], fake[M];
	first_batch(low, high);
	gm_saved *s =
		TRAINED("srgan", SMALL, "steps=1", "lr=0", "normalise-g=none", "normalise-d=none");
	run(s, "translate", low, y);
	assert_float_equal(last_of("mse"), mse(y, high), 1e-5);
	assert_true(isnan(last_of("loss_d")));
	gm_saved_free(s);
	s = TRAINED("srgan", SMALL, "steps=1", "lr=0", "normalise-g=none", "normalise-d=none",
	            "mse-steps=0", "adversarial=.5", "content-weight=3");
	run(s, "translate", low, y);
	run(s, "discriminate", high, real), run(s, "discriminate", y, fake);
	double g = 0, d = 0;
	for (int i = 0; i < M; i++) {
		g += log1p(exp(-fake[i])) / M;
		d += (log1p(exp(-real[i])) + log1p(exp(fake[i]))) / M;
	}
	assert_float_equal(last_of("loss_g"), 3 * mse(y, high) + .5 * g, 1e-4);
	assert_float_equal(last_of("loss_d"), d, 1e-4);
	gm_saved_free(s);
}

/* Features of another run: its weights stay, its gradient reaches G. */
static void content_of_a_run(void **state)
{
	(void)state;
	static const char *const net[] = {"G/", "D/", "extractor-run/C/"};
	char option[PATH_MAX + 40];
	gm_saved *c = TRAINED("classifier", "data=shapes", "batch=4", "width=4", "steps=1");
	gm_saved_free(c);
	snprintf(option, sizeof option, "extractor-run=%s", last_run);
#define PERCEIVED SMALL, "mse-steps=0", "content=run", option, "adversarial=0"
	gm_saved *a = TRAINED("srgan", PERCEIVED, "steps=0"),
		 *b = TRAINED("srgan", PERCEIVED, "steps=2", "lr-d=0");
	assert_int_equal(moved_nets(a, b, net, 3), 1);
	gm_translator *t = translator(b, 0); /* of another size, without that run's data */
	float *x = noise(21);
	gm_picture y = translated(t, x, 21);
	assert_int_equal(y.width, 84);
	free(x), free(y.x);
	gm_translator_free(t);
	gm_saved_free(a), gm_saved_free(b);
}

static void each_phase_moves_its_own(void **state)
{
	(void)state;
	static const char *const net[] = {"G/", "D/"};
	static const struct {
		const char *steps, *mse;
		unsigned moves;
	} rows[] = {{"steps=2", "mse-steps=2", 1}, {"steps=3", "mse-steps=2", 3}};
	gm_saved *start = TRAINED("srgan", SMALL, "steps=0");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		gm_saved *s = TRAINED("srgan", SMALL, rows[i].steps, rows[i].mse);
		assert_int_equal(moved_nets(start, s, net, 2), rows[i].moves);
		gm_saved_free(s);
	}
	gm_saved_free(start);
}

/* SRResNet learns: after a second its error is well below that of its first steps. */
static void it_learns(void **state)
{
	(void)state;
	static float low[M * SMALL_SIZE], high[M * SIZE], y[M * SIZE];
	first_batch(low, high);
	gm_saved *a = TRAINED("srgan", SMALL, "lr=2e-3", "steps=5"),
		 *b = TRAINED("srgan", SMALL, "lr=2e-3", "steps=120");
	run(a, "translate", low, y);
	double before = mse(y, high);
	gm_error err = {0};
	must(gm_saved_apply(b, "translate", (const void *[]){low}, M, 0, y, &err), &err);
	if (!(mse(y, high) < before / 2))
		fail_msg("%g after %g", mse(y, high), before);
	gm_saved_free(a), gm_saved_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tiles_have_no_seams), cmocka_unit_test(other_norms_have_no_tiles),
		cmocka_unit_test(images_are_alone),    cmocka_unit_test(losses_are_the_papers),
		cmocka_unit_test(content_of_a_run),    cmocka_unit_test(each_phase_moves_its_own),
		cmocka_unit_test(it_learns),
	};
	return cmocka_run_group_tests_name("srgan", tests, scratch_make, scratch_remove);
}
