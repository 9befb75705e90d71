/* SPDX-License-Identifier: MIT
 *
 * test_unit.c -- UNIT from outside: which layers are shared, that endpoints have no noise, which
 * nets each step updates, that labels of the second domain are not used, and that the class is
 * learned.
 */
#include "runs.h"

#include "base/file.h"
#include "ganymede/data.h"
#include "ganymede/image.h"

enum { SIDE = 16, SIZE = SIDE * SIDE, CLASSES = 10 };
#define SMALL "data=glyphs", "size=16", "batch=2", "width=4", "width-d=4"

static void run(gm_saved *s, const char *endpoint, const float *x, uint64_t seed, float *y)
{
	gm_error err = {0};
	must(gm_saved_run(s, endpoint, (const void *[]){x}, seed, 0, y, &err), &err);
}

static void digits(float *x, uint64_t position)
{
	gm_error err = {0};
	gm_dataset *d = gm_data_open("glyphs", &(gm_data_options){.size = SIDE}, &err);
	must(d && gm_data_batch(d, 3, position, 2, x, NULL, &err), &err);
	gm_data_close(d);
}

/* True if the endpoint gives the same for two inputs. */
static bool is_constant(gm_saved *s, const char *endpoint)
{
	static float x[2][2 * SIZE], y[2][2 * SIZE];
	digits(x[0], 0), digits(x[1], 100);
	const gm_shape shape = gm_saved_shape(s, endpoint);
	size_t n = 1;
	for (int i = 0; i < shape.rank; i++)
		n *= (size_t)shape.dim[i];
	run(s, endpoint, x[0], 0, y[0]), run(s, endpoint, x[1], 0, y[1]);
	return !memcmp(y[0], y[1], n * sizeof **y);
}

/* Without a layer of one domain only that domain's endpoints become constant, without a shared one
 * both. */
static void layers_are_shared(void **state)
{
	(void)state;
	static const char *const endpoint[] = {"classify",    "classify/b",      "encode",
	                                       "encode/b",    "translate",       "translate/back",
	                                       "reconstruct", "reconstruct/back"};
	static const struct {
		const char *layer;
		unsigned dies; /* bit i: endpoint i becomes constant */
	} rows[] = {{"D/a/c0/weight", 1},
	            {"D/c2/weight", 3},
	            {"G/b/in/weight", 0xa8},
	            {"G/e2/weight", 0xfc},
	            {"G/b/image/weight", 0x90}};
	gm_saved *s = TRAINED("unit", SMALL, "steps=2");
	for (int i = 0; i < 8; i++)
		assert_false(is_constant(s, endpoint[i]));
	for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
		gm_saved *t = zeroed(s, rows[k].layer, 0, INT64_MAX);
		for (int i = 0; i < 8; i++)
			if (is_constant(t, endpoint[i]) != (rows[k].dies >> i & 1))
				fail_msg("without %s: %s", rows[k].layer, endpoint[i]);
		gm_saved_free(t);
	}
	gm_saved_free(s);
	s = TRAINED("unit", SMALL, "steps=1", "share=no");
	gm_saved *t = zeroed(s, "D/a/c2/weight", 0, INT64_MAX);
	assert_true(is_constant(t, "classify") && !is_constant(t, "classify/b"));
	gm_saved_free(s), gm_saved_free(t);
}

static void endpoints_have_no_noise(void **state)
{
	(void)state;
	static const char *const endpoint[] = {"translate", "translate/back", "classify",
	                                       "encode/b"};
	static float x[2 * SIZE], y[2][2 * SIZE];
	gm_saved *s = TRAINED("unit", SMALL, "steps=1");
	digits(x, 0);
	for (int i = 0; i < 4; i++) {
		const gm_shape shape = gm_saved_shape(s, endpoint[i]);
		const size_t n = (size_t)(shape.rank == 2 ? 2 * shape.dim[1] : 2 * SIZE);
		run(s, endpoint[i], x, 1, y[0]), run(s, endpoint[i], x, 2, y[1]);
		assert_memory_equal(y[0], y[1], n * sizeof **y);
	}
	gm_saved_free(s);
}

static void each_step_moves_its_own(void **state)
{
	(void)state;
	static const char *const net[] = {"G/", "D/"};
	gm_saved *start = TRAINED("unit", SMALL, "steps=0"),
		 /* nothing asks for a move of G */
		*d = TRAINED("unit", SMALL, "steps=1", "adversarial=0", "recon=0", "kl=0", "l2=0"),
		 *both = TRAINED("unit", SMALL, "steps=1");
	assert_int_equal(moved_nets(start, d, net, 2), 2);
	assert_int_equal(moved_nets(start, both, net, 2), 3);
	gm_saved_free(start), gm_saved_free(d), gm_saved_free(both);
}

/* b is a folder of images without labels. */
static void labels_of_b_are_not_used(void **state)
{
	(void)state;
	gm_error err = {0};
	char option[PATH_MAX + 16], name[64];
	must(gm_file_make_folder(scratch_path("plain"), &err), &err);
	for (int i = 0; i < 4; i++) {
		gm_image *im = gm_image_new(SIDE, SIDE, 1, &err);
		must(im != NULL, &err);
		for (int k = 0; k < SIZE; k++)
			im->pixel[k] = (uint8_t)(k * (i + 1));
		snprintf(name, sizeof name, "plain/%d.png", i);
		must(gm_image_write(scratch_path(name), im, &err), &err);
		gm_image_free(im);
	}
	snprintf(option, sizeof option, "data-b=%s", scratch_path("plain"));
	gm_saved *s = TRAINED("unit", SMALL, "steps=2", option);
	assert_int_equal(gm_saved_shape(s, "classify/b").dim[1], CLASSES);
	gm_saved_free(s);
}

static void classes_are_learned(void **state)
{
	(void)state;
	gm_saved *s = TRAINED("unit", "data=glyphs", "size=16", "batch=16", "width=2", "width-d=8",
	                      "steps=130", "lr=2e-3", "l2=0");
	if (!(last_of("class") < 2.2)) /* log 10 = 2.30 at the beginning */
		fail_msg("%g", last_of("class"));
	gm_saved_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layers_are_shared),
		cmocka_unit_test(endpoints_have_no_noise),
		cmocka_unit_test(each_step_moves_its_own),
		cmocka_unit_test(labels_of_b_are_not_used),
		cmocka_unit_test(classes_are_learned),
	};
	return cmocka_run_group_tests_name("unit", tests, scratch_make, scratch_remove);
}
