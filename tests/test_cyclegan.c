/* SPDX-License-Identifier: MIT
 *
 * test_cyclegan.c -- black-box tests of CycleGAN: both losses equal the paper's sums, computed from
 * outputs of the endpoints; each loss updates only its own nets; and the effect of the pool.
 */
#include "runs.h"

#include "ganymede/data.h"

enum { M = 2, SIDE = 16, SIZE = 3 * SIDE * SIDE };
#define SMALL "data=circles2squares", "size=16", "batch=2", "width=2", "blocks=1", "patch=16"

static void run(gm_saved *s, const char *endpoint, const float *x, float *y)
{
	gm_error err = {0};
	must(gm_saved_run(s, endpoint, (const void *[]){x}, 0, 0, y, &err), &err);
}

/* The first batch that a run of seed 0 learns from. */
static void first_batch(const char *field, float *x)
{
	gm_error err = {0};
	gm_dataset *d = gm_data_open("circles2squares", &(gm_data_options){.size = SIDE}, &err);
	must(d && gm_data_read(d, gm_data_field(d, field), 0, 0, M, x, &err), &err);
	gm_data_close(d);
}

static double l1(const float *x, const float *y)
{
	double sum = 0;
	for (int i = 0; i < M * SIZE; i++)
		sum += fabs(x[i] - y[i]) / (M * SIZE);
	return sum;
}

/* mean (D(x) - target)^2 over all patches */
static double square(gm_saved *s, const char *endpoint, const float *x, double target)
{
	static float y[M * SIDE * SIDE];
	gm_shape shape = gm_saved_shape(s, endpoint);
	int64_t n = shape.dim[0] * shape.dim[2] * shape.dim[3];
	double sum = 0;
	assert_true(shape.rank == 4 && shape.dim[0] == M && shape.dim[1] == 1);
	run(s, endpoint, x, y);
	for (int64_t i = 0; i < n; i++)
		sum += pow(y[i] - target, 2) / (double)n;
	return sum;
}

/* Rates of 0, so that the weights that were logged are those of the checkpoint. Lambdas differ, so
 * that crossed ones show; the pool's first answers are the newest fakes. */
static void losses_are_the_papers(void **state)
{
	(void)state;
	static float a[M * SIZE], b[M * SIZE], fake_a[M * SIZE], fake_b[M * SIZE], back_a[M * SIZE],
		back_b[M * SIZE], same_a[M * SIZE], same_b[M * SIZE], cycle[M * SIZE];
	gm_saved *s = TRAINED("cyclegan", SMALL, "steps=1", "lr=0", "lr-d=0", "lambda-a=3",
	                      "lambda-b=7", "identity=.25");
	first_batch("a", a), first_batch("b", b);
	run(s, "translate", a, fake_b), run(s, "translate/back", b, fake_a);
	run(s, "translate/back", fake_b, back_a), run(s, "translate", fake_a, back_b);
	run(s, "translate/back", a, same_a), run(s, "translate", b, same_b);
	run(s, "reconstruct", a, cycle);
	assert_true(l1(cycle, back_a) < 1e-5 && l1(cycle, a) > .05);
	run(s, "reconstruct/back", b, cycle);
	assert_true(l1(cycle, back_b) < 1e-5);
	assert_float_equal(last_of("cycle_a"), l1(back_a, a), 1e-4);
	assert_float_equal(last_of("cycle_b"), l1(back_b, b), 1e-4);
	double cycles = 3 * l1(back_a, a) + 7 * l1(back_b, b);
	double same = .25 * (3 * l1(same_a, a) + 7 * l1(same_b, b));
	double seen =
		square(s, "discriminate/b", fake_b, 1) + square(s, "discriminate/a", fake_a, 1);
	assert_float_equal(last_of("loss_g"), seen + cycles + same, 1e-3);
	double d = square(s, "discriminate/b", b, 1) + square(s, "discriminate/b", fake_b, 0) +
	           square(s, "discriminate/a", a, 1) + square(s, "discriminate/a", fake_a, 0);
	assert_float_equal(last_of("loss_d"), d / 2, 1e-3);
	gm_saved_free(s);
}

/* Which of the nets have weights in b that are not those in a: bit 0 G_ab, 1 G_ba, 2 D_b, 3 D_a. */
static unsigned moved(gm_saved *a, gm_saved *b)
{
	static const char *const net[] = {"G_ab/", "G_ba/", "D_b/", "D_a/"};
	return moved_nets(a, b, net, 4);
}

static void each_loss_moves_its_own(void **state)
{
	(void)state;
	static const struct {
		const char *option[3];
		unsigned moves;
	} rows[] = {
		{{"lr=0", "lr-d=1e-3"}, 0xc},
		{{"lr=1e-3", "lr-d=0"}, 0x3},
		/* what neither D nor a cycle asks for stays where it began */
		{{"adversarial=0", "lambda-a=0", "lambda-b=0"}, 0xc},
		{{"adversarial=0", "lambda-a=0", "lambda-b=1"}, 0xf},
	};
	gm_saved *start = TRAINED("cyclegan", SMALL, "steps=0"), *s;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		s = TRAINED("cyclegan", SMALL, "steps=2", rows[i].option[0], rows[i].option[1],
		            rows[i].option[2] ? rows[i].option[2] : "k=1");
		if (moved(start, s) != rows[i].moves)
			fail_msg("%s %s moves %x", rows[i].option[0], rows[i].option[1],
			         moved(start, s));
		gm_saved_free(s);
	}
	gm_saved_free(start);
}

/* All nets move at once: the translators' first step is the same whatever D's is. */
static void nets_move_at_once(void **state)
{
	(void)state;
	gm_saved *s = TRAINED("cyclegan", SMALL, "steps=1", "lr-d=1e-3"),
		 *t = TRAINED("cyclegan", SMALL, "steps=1", "lr-d=2e-3");
	assert_int_equal(moved(s, t), 0xc);
	gm_saved_free(s), gm_saved_free(t);
}

/* A pool of four examples gives batches of two back for two steps, then older ones in their place.
 */
static void a_pool_answers_with_the_past(void **state)
{
	(void)state;
	static const char *const steps[] = {"steps=2", "steps=6"};
	for (int k = 0; k < 2; k++) {
		gm_saved *s = TRAINED("cyclegan", SMALL, steps[k], "pool=4"),
			 *t = TRAINED("cyclegan", SMALL, steps[k], "pool=0");
		assert_int_equal(moved(s, t), k ? 0xf : 0);
		gm_saved_free(s), gm_saved_free(t);
	}
}

/* Instance norm: another picture beside it changes nothing of a picture's translation. */
static void pictures_are_translated_alone(void **state)
{
	(void)state;
	static float a[M * SIZE], y[2][M * SIZE];
	gm_saved *s = TRAINED("cyclegan", SMALL, "steps=1");
	first_batch("a", a);
	run(s, "translate", a, y[0]);
	for (int i = SIZE; i < M * SIZE; i++)
		a[i] = -a[i];
	run(s, "translate", a, y[1]);
	assert_memory_equal(y[0], y[1], SIZE * sizeof(float));
	assert_memory_not_equal(y[0] + SIZE, y[1] + SIZE, SIZE * sizeof(float));
	gm_saved_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(losses_are_the_papers),
		cmocka_unit_test(each_loss_moves_its_own),
		cmocka_unit_test(nets_move_at_once),
		cmocka_unit_test(a_pool_answers_with_the_past),
		cmocka_unit_test(pictures_are_translated_alone),
	};
	return cmocka_run_group_tests_name("cyclegan", tests, scratch_make, scratch_remove);
}
