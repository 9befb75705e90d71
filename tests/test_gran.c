/* SPDX-License-Identifier: MIT
 *
 * test_gran.c -- recurrent adversarial networks from outside: that the canvas grows by increments,
 * that a step reads the one before, and that the encoder learns, where there is more than one step.
 */
#include "runs.h"

#include "tensorfile/safetensors.h"

enum { M = 4, SIZE = 16 * 16 };
#define SMALL "size=16", "batch=4", "width=2", "width-d=1", "nz=5"

static void run(gm_saved *s, const char *endpoint, float *y)
{
	gm_error err = {0};
	must(gm_saved_run(s, endpoint, NULL, 3, 0, y, &err), &err);
}

static double logit(double y)
{
	double p = (y + 1) / 2;
	return log(p / (1 - p));
}

/* Without norms all steps have the same decoder of the same h_z, so that equal increments mean that
 * nothing was read back. */
static void a_step_reads_the_one_before(void **state)
{
	(void)state;
	static float y[4][M * SIZE];
	gm_saved *s = TRAINED("gran", SMALL, "turns=3", "steps=30", "lr=1e-2", "normalise-g=none");
	const char *const name[] = {"generate/1", "generate/2", "generate/3", "generate"};
	for (int i = 0; i < 4; i++)
		run(s, name[i], y[i]);
	assert_memory_equal(y[2], y[3], sizeof y[2]);
	double first = 0, apart = 0;
	for (int i = 0; i < M * SIZE; i++) {
		double a = logit(y[0][i]), b = logit(y[1][i]) - a;
		first = fmax(first, fabs(a)), apart = fmax(apart, fabs(a - b));
	}
	print_message("first increment %g, the second differs by %g\n", first, apart);
	assert_true(first > .01 && apart > 1e-3 * first);
	gm_saved_free(s);
}

/* The first canvas does not depend on how many steps there are. */
static void canvases_begin_alike(void **state)
{
	(void)state;
	static float y[2][M * SIZE];
	gm_saved *s = TRAINED("gran", SMALL, "turns=3", "steps=0"),
		 *one = TRAINED("gran", SMALL, "turns=1", "steps=0");
	run(s, "generate/1", y[0]);
	run(one, "generate", y[1]);
	assert_memory_equal(y[0], y[1], sizeof y[0]);
	assert_false(gm_saved_has(one, "generate/1"));
	gm_saved_free(s), gm_saved_free(one);
}

/* Whether the encoder's first layer has a weight, and whether two steps move it. */
static void the_encoder_learns(void **state)
{
	(void)state;
	gm_error err = {0};
	static const char *const turns[] = {"turns=1", "turns=2"};
	for (int k = 0; k < 2; k++) {
		gm_saved *s = TRAINED("gran", SMALL, turns[k], "steps=0"),
			 *t = TRAINED("gran", SMALL, turns[k], "steps=2");
		gm_st *a = gm_st_open(gm_saved_path(s), &err),
		      *b = gm_st_open(gm_saved_path(t), &err);
		const gm_st_tensor *p = gm_st_find(a, "G/e1/weight"),
				   *q = gm_st_find(b, "G/e1/weight");
		assert_true((p != NULL) == (k == 1));
		if (p)
			assert_memory_not_equal(p->data, q->data, sizeof(float));
		gm_st_close(a), gm_st_close(b);
		gm_saved_free(s), gm_saved_free(t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_step_reads_the_one_before),
		cmocka_unit_test(canvases_begin_alike),
		cmocka_unit_test(the_encoder_learns),
	};
	return cmocka_run_group_tests_name("gran", tests, scratch_make, scratch_remove);
}
