/* SPDX-License-Identifier: MIT
 *
 * test_context_encoder.c -- context encoders from outside: that nothing hidden leaks into what is
 * generated, and the visible border counts; that D sees the centre alone; that both losses are what
 * the endpoints' own values give; the two learning rates.
 */
#include "runs.h"

#include "ganymede/data.h"
#include "tensorfile/safetensors.h"

enum { M = 4, SIDE = 32, PLANE = SIDE * SIDE, SIZE = 3 * PLANE };
#define SMALL "data=shapes", "batch=4", "width=4", "nz=16"

static void run(gm_saved *s, const char *endpoint, const float *x, const float *hidden, float *y)
{
	gm_error err = {0};
	must(gm_saved_run(s, endpoint, (const void *[]){x, hidden}, 0, 0, y, &err), &err);
}

static void first_batch(float *x)
{
	gm_error err = {0};
	gm_dataset *d = gm_data_open("shapes", NULL, &err);
	must(d && gm_data_batch(d, 0, 0, M, x, NULL, &err), &err);
	gm_data_close(d);
}

static bool is_central(int i, int margin)
{
	int row = i % PLANE / SIDE, column = i % SIDE;
	return row >= margin && row < SIDE - margin && column >= margin && column < SIDE - margin;
}

/* The centre is 16 pixels wide, of which the outer one is visible. */
static void hidden_pixels_do_not_leak(void **state)
{
	(void)state;
	static float x[M * SIZE], y[3][M * SIZE];
	gm_saved *s = TRAINED("context-encoder", SMALL, "steps=3", "normalise-g=none");
	first_batch(x);
	run(s, "reconstruct", x, NULL, y[0]);
	for (int i = 0; i < M * SIZE; i++) {
		assert_true(is_central(i, 9) || y[0][i] == x[i]);
		x[i] = is_central(i, 9) ? -x[i] : x[i];
	}
	run(s, "reconstruct", x, NULL, y[1]);
	assert_memory_equal(y[0], y[1], sizeof y[0]);
	x[8 * SIDE + 16] += 10; /* of the border */
	run(s, "reconstruct", x, NULL, y[2]);
	int changed = 0;
	for (int i = 0; i < SIZE; i++)
		changed += is_central(i, 9) && y[2][i] != y[0][i];
	assert_true(changed > 14 * 14);
	gm_saved_free(s);
}

/* The mask of "complete": the hole of training gives what "reconstruct" gives, and what is not
 * hidden stays. */
static void masks_hide(void **state)
{
	(void)state;
	static float x[M * SIZE], y[2][M * SIZE], hidden[M * PLANE];
	gm_saved *s = TRAINED("context-encoder", SMALL, "steps=3");
	first_batch(x);
	for (int i = 0; i < M * PLANE; i++)
		hidden[i] = is_central(i, 9);
	run(s, "reconstruct", x, NULL, y[0]);
	run(s, "complete", x, hidden, y[1]);
	for (int i = 0; i < M * SIZE; i++)
		assert_float_equal(y[0][i], y[1][i], 1e-5);
	gm_saved_free(s);
}

static void d_sees_the_centre_alone(void **state)
{
	(void)state;
	static float x[M * SIZE], y[2][M];
	gm_saved *s = TRAINED("context-encoder", SMALL, "steps=3", "normalise-d=none");
	first_batch(x);
	run(s, "discriminate", x, NULL, y[0]);
	for (int i = 0; i < M * SIZE; i++)
		x[i] = is_central(i, 8) ? x[i] : 0;
	run(s, "discriminate", x, NULL, y[1]);
	assert_memory_equal(y[0], y[1], sizeof y[0]);
	x[8 * SIDE + 8] += 1;
	run(s, "discriminate", x, NULL, y[1]);
	assert_true(y[0][0] != y[1][0]);
	gm_saved_free(s);
}

/* mean log(1 + exp(sign logit)) */
static double cost(const float *logit, double sign)
{
	double sum = 0;
	for (int i = 0; i < M; i++)
		sum += log1p(exp(sign * logit[i])) / M;
	return sum;
}

/* Without an overlap all of the centre can be seen in "reconstruct"; nothing moves, and no norm
 * differs in use. */
static void losses_are_the_codes(void **state)
{
	(void)state;
	static const char *const recon[] = {"recon=.9", "recon=1"};
	static float x[M * SIZE], y[M * SIZE], real[M], fake[M];
	for (int k = 0; k < 2; k++) {
		gm_saved *s =
			TRAINED("context-encoder", SMALL, "steps=1", "overlap=0",
		                "normalise-g=none", "normalise-d=none", "lr=0", "lr-d=0", recon[k]);
		double error = 0, w = k ? 1 : .9;
		first_batch(x);
		run(s, "reconstruct", x, NULL, y);
		run(s, "discriminate", x, NULL, real);
		run(s, "discriminate", y, NULL, fake);
		for (int i = 0; i < M * SIZE; i++)
			error += is_central(i, 8) ? pow(x[i] - y[i], 2) / (M * SIZE / 4.) : 0;
		assert_float_equal(last_of("error"), error, 1e-4);
		assert_float_equal(last_of("loss_d"), cost(real, -1) + cost(fake, 1), 1e-4);
		assert_float_equal(last_of("loss_g"), w * error + (1 - w) * cost(fake, -1), 1e-4);
		gm_saved_free(s);
	}
}

/* Adam's first step moves every number by the learning rate: ten times as far in G. */
static void rates_differ(void **state)
{
	(void)state;
	gm_error err = {0};
	gm_saved *s = TRAINED("context-encoder", SMALL, "steps=0"),
		 *t = TRAINED("context-encoder", SMALL, "steps=1");
	gm_st *a = gm_st_open(gm_saved_path(s), &err), *b = gm_st_open(gm_saved_path(t), &err);
	const char *const name[] = {"G/middle/weight", "D/logit/weight"};
	const double rate[] = {2e-3, 2e-4};
	for (int k = 0; k < 2; k++) {
		const float *p = (const float *)gm_st_find(a, name[k])->data,
			    *q = (const float *)gm_st_find(b, name[k])->data;
		assert_float_equal(fabs(p[0] - q[0]), rate[k], .01 * rate[k]);
	}
	gm_st_close(a), gm_st_close(b);
	gm_saved_free(s), gm_saved_free(t);
}

/* Random regions: about a quarter is hidden, other pixels in each image and each call; nothing
 * hidden has an influence, visible pixels stay, D sees all of the image, and any mask is filled. */
static void regions_are_random(void **state)
{
	(void)state;
	static float x[M * SIZE], y[2][M * SIZE], z[M * SIZE], hidden[M * PLANE], logit[2][M];
	gm_saved *s =
		TRAINED("context-encoder", SMALL, "steps=3", "region=random", "normalise-g=none");
	gm_error err = {0};
	first_batch(x);
	int share = 0, apart = 0;
	for (uint64_t seed = 0; seed < 2; seed++)
		must(gm_saved_run(s, "reconstruct", (const void *[]){x}, seed, 0, y[seed], &err),
		     &err);
	memcpy(z, x, sizeof z);
	for (int i = 0; i < M * SIZE; i++) {
		const bool changed = y[0][i] != x[i];
		share += changed, apart += changed != (y[1][i] != x[i]);
		z[i] = changed ? -x[i] + .1f : x[i];
	}
	assert_true(share > .1 * M * SIZE && share < .4 * M * SIZE && apart > .1 * M * SIZE);
	must(gm_saved_run(s, "reconstruct", (const void *[]){z}, 0, 0, y[1], &err), &err);
	for (int i = 0; i < M * SIZE; i++)
		assert_true(y[1][i] == y[0][i]);
	for (int i = 0; i < M * PLANE; i++)
		hidden[i] = i % SIDE < 3;
	run(s, "complete", x, hidden, y[0]);
	for (int i = 0; i < M * SIZE; i++)
		assert_true((y[0][i] != x[i]) == (i % SIDE < 3));
	run(s, "discriminate", x, NULL, logit[0]);
	x[0] += 1; /* a corner */
	run(s, "discriminate", x, NULL, logit[1]);
	assert_true(logit[0][0] != logit[1][0]);
	assert_true(last_of("error") > .01 && last_of("error") < 4);
	gm_saved_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(regions_are_random),   cmocka_unit_test(hidden_pixels_do_not_leak),
		cmocka_unit_test(masks_hide),           cmocka_unit_test(d_sees_the_centre_alone),
		cmocka_unit_test(losses_are_the_codes), cmocka_unit_test(rates_differ),
	};
	return cmocka_run_group_tests_name("context_encoder", tests, scratch_make, scratch_remove);
}
