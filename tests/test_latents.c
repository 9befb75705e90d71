/* SPDX-License-Identifier: MIT
 *
 * test_latents.c -- codes, principal directions and truncation of samples.
 */
#include "runs.h"

#include "use/latents.h"
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_are_set),
		cmocka_unit_test(directions),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
