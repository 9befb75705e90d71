/* SPDX-License-Identifier: MIT
 *
 * test_stargan.c -- StarGAN from outside: both losses from the endpoints' own values, that the
 * domain reaches the result, what a request keeps and changes, columns of all domains, attributes
 * of file names, two sets with a mask vector, and which nets each step updates.
 */
#include "runs.h"

#include "base/file.h"
#include "base/machine.h"

#include "ganymede/data.h"
#include "ganymede/image.h"
#include "use/translate.h"

enum { SIDE = 32, SIZE = 3 * SIDE * SIDE, CLASSES = 8 };
#define SMALL "data=shapes", "batch=1", "width=4", "blocks=1", "k=1"

static void run(gm_saved *s, const char *endpoint, const float *x, const float *to, float *y)
{
	gm_error err = {0};
	must(gm_saved_run(s, endpoint, (const void *[]){x, to}, 0, 0, y, &err), &err);
}

/* The first example of a run of seed 0. */
static int first_example(float *x)
{
	gm_error err = {0};
	int32_t label = 0;
	gm_dataset *d = gm_data_open("shapes", NULL, &err);
	must(d && gm_data_batch(d, 0, 0, 1, x, &label, &err), &err);
	gm_data_close(d);
	return label;
}

static double score(gm_saved *s, const float *x)
{
	static float y[SIDE * SIDE];
	const gm_shape shape = gm_saved_shape(s, "discriminate");
	const int64_t n = shape.dim[2] * shape.dim[3];
	double sum = 0;
	assert_int_equal(n, 4);
	run(s, "discriminate", x, NULL, y);
	for (int64_t i = 0; i < n; i++)
		sum += y[i] / (double)n;
	return sum;
}

/* -log of the softmax of D's logits */
static double cross_entropy(gm_saved *s, const float *x, int label)
{
	float logit[CLASSES];
	double sum = 0;
	run(s, "features", x, NULL, logit);
	for (int k = 0; k < CLASSES; k++)
		sum += exp(logit[k]);
	return log(sum) - logit[label];
}

/* In a batch of one, the permuted label is the image's own. */
static void losses_are_the_papers(void **state)
{
	(void)state;
	static float x[SIZE], y[SIZE], back[SIZE];
	float to[CLASSES] = {0};
	gm_saved *s = TRAINED("stargan", SMALL, "steps=1", "lr=0", "penalty=none", "classify=3",
	                      "reconstruct=7");
	const int label = first_example(x);
	to[label] = 1;
	run(s, "translate", x, to, y);
	run(s, "translate", y, to, back);
	double cycle = 0;
	for (int i = 0; i < SIZE; i++)
		cycle += fabs(back[i] - x[i]) / SIZE;
	assert_float_equal(last_of("cycle"), cycle, 1e-4);
	assert_float_equal(last_of("domain"), cross_entropy(s, y, label), 1e-4);
	assert_float_equal(last_of("loss_d"),
	                   score(s, y) - score(s, x) + 3 * cross_entropy(s, x, label), 1e-3);
	assert_float_equal(last_of("loss_g"),
	                   -score(s, y) + 3 * cross_entropy(s, y, label) + 7 * cycle, 1e-3);
	gm_saved_free(s);
}

/* Instance norm does not remove the planes of the domain, as it would with reflected edges. A
 * request without a positive entry keeps what D finds. */
static void requests_change_domains(void **state)
{
	(void)state;
	static float x[SIZE], y[CLASSES][SIZE], kept[SIZE], row[(1 + CLASSES) * SIZE];
	float logit[CLASSES], none[CLASSES] = {0};
	int found = 0;
	gm_saved *s = TRAINED("stargan", SMALL, "steps=2");
	first_example(x);
	for (int k = 0; k < CLASSES; k++) {
		float to[CLASSES] = {0};
		to[k] = .1f, to[(k + 1) % CLASSES] = -2, to[(k + 2) % CLASSES] = .05f;
		run(s, "translate", x, to, y[k]);
	}
	for (int k = 1; k < CLASSES; k++) {
		double apart = 0;
		for (int i = 0; i < SIZE; i++)
			apart = fmax(apart, fabs(y[k][i] - y[0][i]));
		assert_true(apart > .01);
	}
	run(s, "features", x, NULL, logit);
	for (int k = 1; k < CLASSES; k++)
		found = logit[k] > logit[found] ? k : found;
	none[3] = -1;
	run(s, "translate", x, none, kept);
	assert_memory_equal(kept, y[found], sizeof kept);
	run(s, "translate/all", x, NULL, row);
	for (int k = 0; k <= CLASSES; k++)
		for (int c = 0; c < 3 * SIDE; c++) {
			const float *want = k ? y[k - 1] : x;
			for (int j = 0; j < SIDE; j++)
				assert_float_equal(row[(c * (1 + CLASSES) + k) * SIDE + j],
				                   want[c * SIDE + j], 1e-5);
		}
	gm_saved_free(s);
}

static void each_step_moves_its_own(void **state)
{
	(void)state;
	static const char *const net[] = {"G/", "D/"};
	gm_saved *start = TRAINED("stargan", SMALL, "steps=0"),
		 *d = TRAINED("stargan", SMALL, "steps=1", "lr=0", "lr-d=1e-3"),
		 *g = TRAINED("stargan", SMALL, "steps=1", "lr=1e-3", "lr-d=0");
	assert_int_equal(moved_nets(start, d, net, 2), 2);
	assert_int_equal(moved_nets(start, g, net, 2), 1);
	gm_saved_free(start), gm_saved_free(d), gm_saved_free(g);
}

/* Faces are 12 files AGE_GENDER_RACE.png. */
static const char *faces(void)
{
	gm_error err = {0};
	char name[64];
	must(gm_file_make_folder(scratch_path("faces"), &err), &err);
	for (int i = 0; i < 12; i++) {
		gm_image *im = gm_image_new(16, 16, 3, &err);
		must(im != NULL, &err);
		for (int k = 0; k < 16 * 16 * 3; k++)
			im->pixel[k] = (uint8_t)(k * (i + 3));
		snprintf(name, sizeof name, "faces/%d_%d_%d_x.png", 5 * i, i % 2, i % 3);
		must(gm_image_write(scratch_path(name), im, &err), &err);
		gm_image_free(im);
	}
	return scratch_path("faces");
}

static gm_picture translated(gm_saved *s, const float *x, const char *to)
{
	gm_error err = {0};
	gm_picture y;
	gm_translator *t = gm_translator_open(gm_saved_path(s), NULL, &err);
	must(t && gm_translator_takes_to(t) && (!to || gm_translator_set_to(t, to, &err)) &&
	             gm_translator_run(t, &(gm_picture){(float *)x, 3, 16, 16}, 0, 0, &y, &err),
	     &err);
	gm_translator_free(t);
	return y;
}

/* gender is one number, race and the intervals of age three each. */
static void attributes_of_names(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		float to[7];
	} rows[] = {
		{"gender=1", {1}},
		{"gender=0", {-1}},
		{"race=2", {0, 0, 0, 1}},
		{"age=19", {0, 0, 0, 0, 1}},
		{"age=20", {0, 0, 0, 0, 0, 1}},
		{"age=40,gender=1", {1, 0, 0, 0, 0, 0, 1}},
		{"age=39,race=0", {0, 1, 0, 0, 0, 1}},
	};
	static const char *const bad[] = {"gender=2", "race=3", "gender", "hair=1", "age=old", "?"};
	static float x[3 * 16 * 16], y[3 * 16 * 16];
	char data[PATH_MAX + 16];
	snprintf(data, sizeof data, "data=%s", faces());
	gm_saved *s = TRAINED("stargan", data, "label-pattern={age}_{gender}_{race}_*",
	                      "label-column=gender", "attributes=gender,race,age:20:40", "batch=1",
	                      "width=2", "blocks=1", "steps=1");
	assert_int_equal(gm_saved_shape(s, "features").dim[1], 7);
	assert_int_equal(gm_saved_shape(s, "translate/all").dim[3], 16 * (1 + 2 + 3 + 3));
	for (int i = 0; i < 3 * 16 * 16; i++)
		x[i] = (float)sin(i);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		gm_picture p = translated(s, x, rows[i].text);
		run(s, "translate", x, rows[i].to, y);
		assert_memory_equal(p.x, y, sizeof y);
		free(p.x);
	}
	gm_error err = {0};
	gm_translator *t = gm_translator_open(gm_saved_path(s), NULL, &err);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		err = (gm_error){0};
		assert_false(gm_translator_set_to(t, bad[i], &err));
		assert_non_null(strstr(err.message, "option to"));
	}
	assert_non_null(strstr(err.message, "gender=0..1, race=0..2, age=NUMBER"));
	gm_translator_free(t);
	gm_saved_free(s);
}

/* G's first layer reads x, the numbers of both sets and the mask vector. Without the weights of all
 * numbers, requests to one set are the same and those to the other differ: the mask alone says
 * which. Without the weight of one entry of the mask, it is that set's requests that change. A mask
 * that is missing, constant or swapped fails. */
static void masks_say_which_set(gm_saved *s, const float *x)
{
	enum { NUMBERS = 3, MASK = 3 + 2 * CLASSES };
	static float full[2][SIZE], y[2][SIZE], other[SIZE];
	gm_saved *t = zeroed(s, "G/first/weight", NUMBERS, MASK);
	for (int set = 0; set < 2; set++) {
		float to[2 * CLASSES] = {0}, also[2 * CLASSES] = {0};
		to[set * CLASSES + 2] = also[set * CLASSES + 5] = 1;
		run(s, "translate", x, to, full[set]);
		run(t, "translate", x, to, y[set]);
		run(t, "translate", x, also, other);
		assert_memory_equal(y[set], other, sizeof other);
	}
	assert_true(memcmp(y[0], y[1], sizeof *y) != 0);
	gm_saved_free(t);
	t = zeroed(s, "G/first/weight", MASK, MASK + 1);
	for (int set = 0; set < 2; set++) {
		float to[2 * CLASSES] = {0};
		to[set * CLASSES + 2] = 1;
		run(t, "translate", x, to, y[set]);
		assert_int_equal(memcmp(y[set], full[set], sizeof *y) != 0, set == 0);
	}
	gm_saved_free(t);
}

/* Two sets: a request for one of them leaves the other's numbers 0, so only the last set's
 * counts. Without the usual schedule: runs can be opened although its options are recorded. */
static void two_sets(void **state)
{
	(void)state;
	static float x[SIZE], y[3][SIZE];
	float to[2 * CLASSES] = {0};
	gm_saved *s = TRAINED("stargan", SMALL, "data-b=shapes", "attributes-b=label", "steps=2",
	                      "rate=constant");
	first_example(x);
	masks_say_which_set(s, x);
	assert_int_equal(gm_saved_shape(s, "features").dim[1], 2 * CLASSES);
	to[2] = 1;
	run(s, "translate", x, to, y[0]);
	to[CLASSES + 5] = 1;
	run(s, "translate", x, to, y[1]);
	to[2] = 0, to[4] = 1;
	run(s, "translate", x, to, y[2]);
	assert_true(memcmp(y[0], y[1], sizeof *y) != 0);
	assert_memory_equal(y[1], y[2], sizeof *y);
	assert_true(last_of("domain_b") > 0 && last_of("cycle_b") > 0);
	gm_saved_free(s);
}

/* In the joint training, losses of domains are of the known numbers only, and images of a set are
 * made with its own mask: the logged values are what the endpoints give for requests to that set.
 */
static void joint_losses_are_of_known_numbers(void **state)
{
	(void)state;
	static float x[2][SIZE], y[SIZE], back[SIZE], logit[2 * CLASSES];
	static const char *const domain[] = {"domain", "domain_b"}, *const loop[] = {"cycle",
	                                                                             "cycle_b"};
	int32_t label[2];
	gm_error err = {0};
	gm_saved *s = TRAINED("stargan", SMALL, "data-b=glyphs", "attributes-b=label", "size=32",
	                      "channels=3", "steps=1", "lr=0", "penalty=none");
	const int64_t n = gm_saved_shape(s, "features").dim[1];
	assert_int_equal(n, CLASSES + 10);
	label[0] = first_example(x[0]);
	gm_dataset *d =
		gm_data_open("glyphs", &(gm_data_options){.size = SIDE, .channels = 3}, &err);
	must(d && gm_data_batch(d, gm_hash(0, "second", 6), 0, 1, x[1], &label[1], &err), &err);
	gm_data_close(d);
	for (int set = 0; set < 2; set++) {
		float to[CLASSES + 10] = {0};
		double sum = 0, cycle = 0;
		const int at = set * CLASSES, classes = set ? 10 : CLASSES;
		to[at + label[set]] = 1;
		run(s, "translate", x[set], to, y);
		run(s, "features", y, NULL, logit);
		for (int k = 0; k < classes; k++)
			sum += exp(logit[at + k]);
		run(s, "translate", y, to, back);
		for (int i = 0; i < SIZE; i++)
			cycle += fabs(back[i] - x[set][i]) / SIZE;
		assert_float_equal(last_of(domain[set]), log(sum) - logit[at + label[set]], 1e-4);
		assert_float_equal(last_of(loop[set]), cycle, 1e-4);
	}
	gm_saved_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(losses_are_the_papers),
		cmocka_unit_test(requests_change_domains),
		cmocka_unit_test(each_step_moves_its_own),
		cmocka_unit_test(attributes_of_names),
		cmocka_unit_test(two_sets),
		cmocka_unit_test(joint_losses_are_of_known_numbers),
	};
	return cmocka_run_group_tests_name("stargan", tests, scratch_make, scratch_remove);
}
