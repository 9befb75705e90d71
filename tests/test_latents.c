/* SPDX-License-Identifier: MIT
 *
 * test_latents.c -- codes, principal directions and truncation of samples.
 */
#include "runs.h"

#include "use/latents.h"
#include "use/near.h"
#include "use/walk.h"

enum { SIDE = 16, NUMEL = SIDE * SIDE, N = 12 };

static float x[N * NUMEL], y[N * NUMEL];

static gm_latents_options plain(uint64_t seed)
{
	return (gm_latents_options){.seed = seed, .count = N, .class = -1, .psi = 1};
}

static double change(void)
{
	double sum = 0;
	for (int i = 0; i < N * NUMEL; i++)
		sum += pow(x[i] - (double)y[i], 2);
	return sum;
}

/* Without changes: the samples of the seed. psi 0: one image. A code: that of gm_walk_set, for a
 * one-hot code its category. Errors name the codes. */
static void codes_are_set(void **state)
{
	(void)state;
	gm_error err = {0};
	gm_saved *s = TRAINED("infogan", "size=16", "width=4", "batch=5", "steps=2", "codes=1",
	                      "categories=4", "continuous=2");
	gm_latents_options o = plain(3);
	assert_false(gm_latents_change(&o));
	must(gm_latents_draw(s, NULL, &o, x, &err), &err);
	must(gm_saved_draw(s, &(gm_samples){.seed = 3, .n = N}, y, &err), &err);
	assert_memory_equal(x, y, sizeof x);
	gm_walk *w = gm_walk_new(s, N, 3, &err);
	must(w != NULL, &err);
	char text[200] = "";
	for (int i = 0; i < gm_walk_latents(w); i++) {
		int64_t n;
		gm_latent_kind kind;
		const char *name = gm_walk_name(w, i, &n, &kind);
		const bool category = kind == GM_LATENT_ONE_HOT;
		const size_t k = strlen(text);
		if (category)
			snprintf(text + k, sizeof text - k, "%s%s=2", k ? "," : "", name);
		else if (n > 1)
			snprintf(text + k, sizeof text - k, "%s%s:1=-.5", k ? "," : "", name);
		else
			snprintf(text + k, sizeof text - k, "%s%s=-.5", k ? "," : "", name);
		for (int64_t row = 0; row < N; row++)
			gm_walk_set(w, row, i, category ? 2 : n > 1, -.5);
	}
	o.codes = text;
	assert_true(gm_latents_change(&o));
	must(gm_latents_draw(s, NULL, &o, x, &err) && gm_walk_draw(w, y, &err), &err);
	assert_memory_equal(x, y, sizeof x);
	gm_walk_free(w);
	static const char *const bad[] = {"nose=1", "c1",  "c1=many", "c1=9",
	                                  "c1=1.5", "z=1", "z:999=1"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		err = (gm_error){0};
		o.codes = bad[i];
		assert_false(gm_latents_draw(s, NULL, &o, x, &err));
		assert_int_equal(err.code, GM_ERR_VALUE);
	}
	o = plain(3), o.class = 1, err = (gm_error){0};
	assert_false(gm_latents_draw(s, NULL, &o, x, &err));
	gm_saved_free(s);
}

/* Orthonormal, in descending order; the first changes images more than the last; psi 0 leaves one
 * image, which directions still move. */
static void directions(void **state)
{
	(void)state;
	gm_error err = {0};
	gm_saved *s = TRAINED("dcgan", "size=16", "width=4", "batch=16", "nz=6", "steps=60",
	                      "lr=2e-3", "monitors=no");
	gm_directions *d = gm_directions_new(s, 1024, 6, &err);
	must(d != NULL, &err);
	assert_int_equal(d->count, 6);
	double sum = 0, moved[2];
	for (int i = 0; i < 6; i++) {
		sum += d->share[i];
		assert_true(i == 0 || d->share[i] <= d->share[i - 1]);
		for (int j = 0; j <= i; j++) {
			double dot = 0;
			for (int k = 0; k < 6; k++)
				dot += (double)d->v[i * 6 + k] * d->v[j * 6 + k];
			assert_float_equal(dot, i == j, 1e-5);
		}
	}
	assert_float_equal(sum, 1, 1e-6);
	gm_latents_options o = plain(1);
	must(gm_latents_draw(s, d, &o, x, &err), &err);
	for (int k = 0; k < 2; k++) {
		o.along = k ? "5:1" : "0:1";
		must(gm_latents_draw(s, d, &o, y, &err), &err);
		moved[k] = change();
	}
	print_message("squared change along the first %.1f, the last %.1f; shares %.2f to %.2f\n",
	              moved[0], moved[1], d->share[0], d->share[5]);
	assert_true(moved[0] > moved[1]);
	o.along = NULL, o.psi = 0;
	must(gm_latents_draw(s, d, &o, x, &err), &err);
	for (int i = 1; i < N; i++)
		assert_memory_equal(x, x + i * NUMEL, NUMEL * sizeof *x);
	o.along = "0:2";
	must(gm_latents_draw(s, d, &o, y, &err), &err);
	assert_true(change() > 0);
	assert_false(gm_latents_draw(s, NULL, &o, y, &err));
	static const char *const bad[] = {"6:1", "0", "0:much", "-1:1"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		err = (gm_error){0};
		o.along = bad[i];
		assert_false(gm_latents_draw(s, d, &o, y, &err));
		assert_int_equal(err.code, GM_ERR_VALUE);
	}
	gm_directions_free(d);
	gm_saved_free(s);
}

/* A sum of samples has the sum of their latents, and the one-hot latents of its first term; the way
 * from one sum to another begins and ends with them. */
static void samples_are_summed(void **state)
{
	(void)state;
	static float far[N * NUMEL];
	static const uint64_t seed[] = {5, 7, 9};
	static const double weight[] = {1, -1, .5};
	gm_error err = {0};
	gm_saved *s = TRAINED("infogan", "size=16", "width=4", "batch=12", "steps=2", "codes=1",
	                      "categories=4", "continuous=2");
	gm_walk *w = gm_walk_new(s, 1, seed[0], &err);
	must(w != NULL, &err);
	for (int k = 1; k < 3; k++) {
		gm_walk *other = gm_walk_new(s, 1, seed[k], &err);
		must(other != NULL, &err);
		for (int i = 0; i < gm_walk_latents(w); i++) {
			int64_t n;
			gm_latent_kind kind;
			gm_walk_name(w, i, &n, &kind);
			for (int64_t j = 0; kind != GM_LATENT_ONE_HOT && j < n; j++)
				gm_walk_set(w, 0, i, j,
				            gm_walk_get(w, 0, i, j) +
				                    weight[k] * gm_walk_get(other, 0, i, j));
		}
		gm_walk_free(other);
	}
	must(gm_walk_draw(w, y, &err), &err);
	gm_walk_free(w);
	gm_latents_options o = plain(0);
	o.count = 1, o.mix = "1 seed=5; -1 seed=7;.5  seed=9";
	must(gm_latents_draw(s, NULL, &o, x, &err), &err);
	for (int i = 0; i < NUMEL; i++)
		assert_float_equal(x[i], y[i], 1e-5);
	/* one term is that sample, with its own settings */
	gm_latents_options one = plain(8);
	one.count = 1, one.psi = .5;
	must(gm_latents_draw(s, NULL, &one, y, &err), &err);
	o.mix = "1 seed=8 psi=.5";
	must(gm_latents_draw(s, NULL, &o, x, &err), &err);
	for (int i = 0; i < NUMEL; i++)
		assert_float_equal(x[i], y[i], 1e-5);
	o.count = 5, o.to = "1 seed=9 psi=2";
	must(gm_latents_draw(s, NULL, &o, far, &err), &err);
	one = plain(9), one.count = 1, one.psi = 2;
	must(gm_latents_draw(s, NULL, &one, y, &err), &err);
	double ends = 0, inside = 0;
	for (int i = 0; i < NUMEL; i++) {
		ends += fabs(far[i] - x[i]);
		inside += fabs(far[2 * NUMEL + i] - x[i]);
	}
	print_message("%g at the end, %g inside\n", ends, inside);
	assert_true(ends < 1e-3 && inside > 1e-3);
	static const char *const bad[][2] = {{"", "begins with mix"},
	                                     {"1 seed=5;", "empty"},
	                                     {"seed=5", "seed=5"},
	                                     {"1 seed=5 nose=3", "nose"},
	                                     {"1 seed=-5", "seed"},
	                                     {"1 codes=nose=1", "nose=1"},
	                                     {"1 class=1", "not class-conditional"},
	                                     {"nan seed=1", "nan"}};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		err = (gm_error){0};
		o.mix = bad[i][0];
		assert_false(gm_latents_draw(s, NULL, &o, x, &err));
		if (!strstr(err.message, bad[i][1]))
			fail_msg("\"%s\" does not say \"%s\"", err.message, bad[i][1]);
	}
	o.mix = "1 seed=5", o.psi = .5, err = (gm_error){0};
	assert_false(gm_latents_draw(s, NULL, &o, x, &err));
	gm_saved_free(s);
}

/* The nearest example of one of them is itself, and distances grow; features are the run's own,
 * where it has them. */
static void nearest_examples(void **state)
{
	(void)state;
	gm_error err = {0};
	gm_saved *s = TRAINED("bigan", "size=16", "width=4", "batch=5", "steps=2");
	must(gm_saved_draw(s, &(gm_samples){.seed = 3, .n = 2}, x, &err), &err);
	for (int features = 0; features < 2; features++) {
		const gm_near_options o = {.k = 4, .features = features};
		gm_near a, b;
		must(gm_near_find(s, &o, x, 2, &a, &err), &err);
		assert_int_equal(a.k, 4);
		assert_string_equal(a.by, features ? "bigan" : "pixels");
		for (int i = 0; i < 8; i++)
			assert_true(a.index[i] < a.of &&
			            (i % 4 == 0 || a.distance[i] >= a.distance[i - 1]));
		must(gm_near_find(s, &o, a.x + 4 * NUMEL, 1, &b, &err), &err);
		assert_int_equal(b.index[0], a.index[4]);
		assert_true(b.distance[0] < 1e-5 && b.distance[1] > 1e-5);
		assert_memory_equal(b.x, a.x + 4 * NUMEL, NUMEL * sizeof *b.x);
		double sum = 0; /* the distance is that of these pixels */
		for (int i = 0; i < NUMEL; i++)
			sum += pow(x[i] - (double)a.x[i], 2);
		assert_true(features || fabs(sqrt(sum / NUMEL) - a.distance[0]) < 1e-6);
		gm_near_free(&a), gm_near_free(&b);
	}
	gm_saved_free(s);
	s = TRAINED("gan", "size=16", "batch=5", "steps=1");
	gm_near a;
	assert_false(gm_near_find(s, &(gm_near_options){.k = 1, .features = true}, x, 1, &a, &err));
	assert_non_null(strstr(err.message, "no features of its own"));
	gm_near_free(&a);
	gm_saved_free(s);
}

/* A generator whose images are its latents, so that they are added like these. */
static const gm_option options[] = {
	GM_OPTIMISER_OPTIONS("sgd", ".1", "0", "constant"), {"k", "1", "", GM_INT(1, 1)}, {0}};

static int train_plain(gm_run *r)
{
	gm_net *n = gm_net_new(r, "N");
	gm_node *loss = gm_mean_all(gm_square(gm_add_c(gm_net_var(n, "v", GM_SHAPE(1)), -1)));
	gm_step *step = gm_run_compile(r, gm_logged(r, "loss", loss), gm_move(r, n, loss));
	const int64_t m = gm_opt_int(r, "batch");
	gm_node *z = gm_noise(r, "z", GM_LATENT_NORMAL, m, NUMEL);
	gm_endpoint(r, "generate", gm_reshape(z, GM_SHAPE(m, 1, SIDE, SIDE)), z);
	while (gm_next(r)) {
		gm_feed(r);
		gm_run_step(r, step);
	}
	return gm_end(r);
}

static const gm_model plain_model = {"plain", "", "", options, train_plain};

/* Samples by their numbers: of a linear generator the sum of latents gives the sum of images,
 * exactly up to rounding; noise leaves the middle alone and stays within its size. */
static void numbered_samples_are_summed(void **state)
{
	(void)state;
	enum { SUMS = 9 };
	static float sums[SUMS * NUMEL];
	gm_error err = {0};
	gm_saved *s = TRAINED("plain", "size=16", "steps=1");
	must(gm_saved_draw(s, &(gm_samples){.seed = 3, .n = N}, x, &err), &err);
	gm_latents_options o = plain(0);
	o.count = SUMS, o.mix = ".5 seed=3 number=7;.5 seed=3 number=2;1 seed=3 number=11;"
				"-1 seed=3 number=0";
	for (int turn = 0; turn < 2; turn++) {
		double largest = 0;
		o.noise = .25 * turn;
		must(gm_latents_draw(s, NULL, &o, sums, &err), &err);
		for (int k = 0; k < SUMS; k++)
			for (int i = 0; i < NUMEL; i++) {
				const double want = .5 * x[7 * NUMEL + i] + .5 * x[2 * NUMEL + i] +
				                    x[11 * NUMEL + i] - x[i],
					     off = fabs(sums[k * NUMEL + i] - want);
				largest = k != SUMS / 2 && off > largest ? off : largest;
				/* four roundings of values below 16 */
				assert_true(off < (k == SUMS / 2 ? 0 : o.noise) + 4e-6);
			}
		assert_true(turn ? largest > .24 : largest < 4e-6);
	}
	assert_memory_not_equal(sums, sums + NUMEL, NUMEL * sizeof *sums);
	o.mix = "1 seed=3 number=65536";
	assert_false(gm_latents_draw(s, NULL, &o, sums, &err));
	assert_non_null(strstr(err.message, "number"));
	gm_saved_free(s);
}

int main(void)
{
	gm_error err = {0};
	if (!gm_model_register(&plain_model, &err))
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_are_set),
		cmocka_unit_test(samples_are_summed),
		cmocka_unit_test(numbered_samples_are_summed),
		cmocka_unit_test(directions),
		cmocka_unit_test(nearest_examples),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
