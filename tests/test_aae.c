/* SPDX-License-Identifier: MIT
 *
 * test_aae.c -- black-box tests of adversarial autoencoders: which net each of the three losses
 * updates; the distributions of the priors; and that the distribution of codes approaches the
 * prior, unlike in a plain autoencoder, and with labels each class its component.
 */
#include "runs.h"

#include "ganymede/data.h"
#include "tensorfile/safetensors.h"

#define SMALL "size=16", "batch=16", "width=16", "nz=4"

/* Which of the nets have weights in b that are not those in a: bit 0 E, 1 P, 2 D. */
static unsigned moved(gm_saved *a, gm_saved *b)
{
	static const char *const net[] = {"E/", "P/", "D/"};
	return moved_nets(a, b, net, 3);
}

static void each_loss_moves_its_own(void **state)
{
	(void)state;
	static const struct {
		const char *recon, *game, *d;
		unsigned moves;
	} rows[] = {{"lr-recon=.1", "lr=0", "lr-d=0", 3},
	            {"lr-recon=0", "lr=.1", "lr-d=0", 1},
	            {"lr-recon=0", "lr=0", "lr-d=.1", 4}};
	gm_saved *start = TRAINED("aae", SMALL, "steps=0");
	for (int i = 0; i < 3; i++) {
		gm_saved *s =
			TRAINED("aae", SMALL, "steps=2", rows[i].recon, rows[i].game, rows[i].d);
		if (moved(start, s) != rows[i].moves)
			fail_msg("%s %s %s moves %x", rows[i].recon, rows[i].game, rows[i].d,
			         moved(start, s));
		gm_saved_free(s);
	}
	gm_saved_free(start);
}

/* E remembers the gradients of its two losses apart. */
static void e_has_two_momenta(void **state)
{
	(void)state;
	gm_error err = {0};
	gm_saved *s = TRAINED("aae", SMALL, "steps=2");
	gm_st *st = gm_st_open(gm_saved_path(s), &err);
	int of_e = 0, of_p = 0;
	for (int64_t i = 0; i < gm_st_count(st); i++) {
		const char *name = gm_st_at(st, i)->name;
		of_e += !strncmp(name, "E/z/weight.", 11),
			of_p += !strncmp(name, "P/x/weight.", 11);
	}
	assert_int_equal(of_e, 2);
	assert_int_equal(of_p, 1);
	gm_st_close(st);
	gm_saved_free(s);
}

enum { N = 4000 };

/* N draws of the prior, by the endpoint that decodes them. */
static void draws(const char *prior, const char *nz, float *z, int width)
{
	gm_error err = {0};
	gm_saved *s =
		TRAINED("aae", "size=16", "batch=500", "width=4", "steps=0", "grid=2x2", prior, nz);
	for (int k = 0; k < N / 500; k++)
		must(gm_saved_latents(s, "decode", 1, k, (float *[]){z + k * 500 * width}, &err),
		     &err);
	gm_saved_free(s);
}

/* Means of x and of x^2; tolerances are five standard errors of N draws. */
static void moments(const double *x, double mean, double sd)
{
	double sum = 0, squares = 0;
	for (int i = 0; i < N; i++)
		sum += x[i] / N, squares += x[i] * x[i] / N;
	assert_float_equal(sum, mean, 5 * sd / sqrt(N));
	assert_float_equal(sqrt(squares - sum * sum), sd, 5 * sd / sqrt(2. * N));
}

static void priors_are_what_they_say(void **state)
{
	(void)state;
	const double pi = acos(-1);
	static float z[N * 3];
	static double u[N], v[N];
	int count[10] = {0};
	draws("prior=gaussian", "nz=3", z, 3);
	for (int i = 0; i < N; i++)
		u[i] = z[3 * i], v[i] = z[3 * i + 2];
	moments(u, 0, 5), moments(v, 0, 5);

	draws("prior=mixture", "nz=2", z, 2);
	for (int i = 0; i < N;
	     i++) { /* in the axes of the petal that is nearest to being along it */
		double best = INFINITY;
		int at = 0;
		for (int k = 0; k < 10; k++) {
			double c = cos(2 * pi * k / 10), s = sin(2 * pi * k / 10);
			double along = c * z[2 * i] + s * z[2 * i + 1],
			       across = c * z[2 * i + 1] - s * z[2 * i];
			double d = pow((along - 1.4) / .5, 2) + pow(across / .05, 2);
			if (d < best)
				best = d, at = k, u[i] = along, v[i] = across;
		}
		count[at]++;
	}
	moments(u, 1.4, .5), moments(v, 0, .05);
	for (int k = 0; k < 10; k++) /* 400 +- 19 */
		assert_true(count[k] > 300 && count[k] < 500);

	draws("prior=swiss-roll", "nz=2", z, 2);
	for (int i = 0; i < N; i++) {
		double r = hypot(z[2 * i], z[2 * i + 1]), angle = 4 * pi * r / 3;
		assert_float_equal(z[2 * i], r * cos(angle), 1e-3);
		assert_float_equal(z[2 * i + 1], r * sin(angle), 1e-3);
		u[i] = r * r / 9;
	}
	moments(u, .5, sqrt(1. / 12));
}

static void codes_come_to_be_the_prior(void **state)
{
	(void)state;
	static const char *const rate[] = {"lr=.1", "lr=0"};
	double spread[2];
	for (int k = 0; k < 2; k++) {
		gm_saved_free(TRAINED("aae", "size=16", "width=400", "nz=4", "batch=50",
		                      "steps=600", "sample-every=600", rate[k]));
		spread[k] = last_of("code_spread");
	}
	print_message("deviation of codes: %.2f; without the game %.2f; prior 5\n", spread[0],
	              spread[1]);
	assert_true(spread[0] > 2 && spread[0] < 8 && spread[1] < 1);
}

/* The share of examples whose code is in the sector of the mixture's component of their class. */
static double in_own_sector(const char *aware, const char *labels)
{
	enum { MANY = 500, SIDE = 12 };
	const double pi = acos(-1);
	static float x[MANY * SIDE * SIDE], z[MANY * 2];
	static int32_t label[MANY];
	gm_error err = {0};
	gm_saved *s = TRAINED("aae", "size=12", "width=256", "batch=50", "prior=mixture",
	                      "optimiser=adam", "lr=3e-3", "lr-d=3e-3", "lr-recon=1e-3",
	                      "rate=constant", "steps=800", "sample-every=800", aware, labels);
	gm_dataset *d =
		gm_data_open("glyphs", &(gm_data_options){.size = SIDE, .split = "test"}, &err);
	must(d && gm_data_batch(d, 1, 0, MANY, x, label, &err) &&
	             gm_saved_apply(s, "encode", (const void *[]){x}, MANY, 0, z, &err),
	     &err);
	int own = 0;
	for (int i = 0; i < MANY; i++)
		own += (lround(atan2(z[2 * i + 1], z[2 * i]) * 10 / (2 * pi)) + 10) % 10 ==
		       label[i];
	gm_data_close(d);
	gm_saved_free(s);
	return (double)own / MANY;
}

/* Chance is .1: without labels nothing assigns a class to a component. */
static void labels_choose_components(void **state)
{
	(void)state;
	const double with = in_own_sector("label-aware=yes", "labels-per-class=100"),
		     without = in_own_sector("label-aware=no", NULL);
	print_message("in the sector of their class: %.3f; without labels %.3f\n", with, without);
	assert_true(with > .4 && without < .25);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_loss_moves_its_own),
		cmocka_unit_test(e_has_two_momenta),
		cmocka_unit_test(priors_are_what_they_say),
		cmocka_unit_test(codes_come_to_be_the_prior),
		cmocka_unit_test(labels_choose_components),
	};
	return cmocka_run_group_tests_name("aae", tests, scratch_make, scratch_remove);
}
