/* SPDX-License-Identifier: MIT
 *
 * test_pixelcnn_ae.c -- pixelcnn-ae: the code reaches the decoder and tells something of the image,
 * values are given those before them, samples are those of the decoder's probabilities.
 */
#include "ganymede/data.h"
#include "runs.h"

#include <math.h>

enum { N = 40, SIDE = 8, NUMEL = SIDE * SIDE, NZ = 3 };
#define SMALL                                                                                      \
	"data=glyphs", "size=8", "binarise=threshold", "batch=40", "nz=3", "width=4",              \
		"monitors=no", "grid=1x1", "sample-every=1000", "metrics="
#define PIXELS "layers=3", "first=5"

static float x[N * NUMEL];

static void images(void)
{
	gm_error err = {0};
	gm_dataset *d = gm_data_open(
		"glyphs",
		&(gm_data_options){.size = 8, .per_class = 4, .binarise = GM_BINARISE_THRESHOLD},
		&err);
	must(d != NULL, &err);
	for (int i = 0; i < N; i++)
		must(gm_data_get(d, (uint64_t)i, x + (ptrdiff_t)i * NUMEL, NULL, &err), &err);
	gm_data_close(d);
	for (int i = 0; i < N * NUMEL; i++)
		assert_true(fabsf(x[i]) == 1);
}

static void codes(gm_saved *s, float *h)
{
	gm_error err = {0};
	must(gm_saved_apply(s, "encode", (const void *[]){x}, N, 0, h, &err), &err);
}

static void logits(gm_saved *s, const float *h, float *y)
{
	gm_error err = {0};
	must(gm_saved_apply(s, "pixels", (const void *[]){x, h}, N, 0, y, &err), &err);
}

/* -log p(x | h), mean over the images */
static double nats(gm_saved *s, const float *h)
{
	static float y[N * NUMEL];
	double sum = 0;
	logits(s, h, y);
	for (int i = 0; i < N * NUMEL; i++)
		sum += log1p(exp(-(double)x[i] * y[i]));
	return sum / N;
}

/* Images are more probable given their code than for the same net without codes, and less given
 * another's code. Without the layers that read codes all codes are the same. The endpoint is what
 * was computed by hand. */
static void codes_tell_something(void **state)
{
	(void)state;
	gm_error err = {0};
	float h[N * NZ], other[N * NZ], y[N];
	images();
	gm_saved *s = TRAINED("pixelcnn-ae", SMALL, PIXELS, "features=16", "steps=300", "lr=4e-3"),
		 *without = zeroed(s, "/given/weight", 0, INT64_MAX), *p;
	codes(s, h);
	for (int i = 0; i < N; i++)
		memcpy(other + (ptrdiff_t)i * NZ, h + (ptrdiff_t)((i + 7) % N) * NZ,
		       NZ * sizeof *h);
	p = TRAINED("pixelcnn", "data=glyphs", "size=8", "binarise=threshold", "batch=40",
	            "layers=3", "first=5", "monitors=no", "grid=1x1", "sample-every=1000",
	            "features=16", "steps=300", "lr=4e-3");
	const double own = nats(s, h), others = nats(s, other), none = nats(p, NULL);
	print_message("nats of images given their code %.2f, another's %.2f, none %.2f\n", own,
	              others, none);
	assert_true(own + 1 < none && none < others);
	assert_true(nats(without, other) == nats(without, h));
	must(gm_saved_apply(s, "log-likelihood/given-code", (const void *[]){x}, N, 0, y, &err),
	     &err);
	double sum = 0;
	for (int i = 0; i < N; i++)
		sum -= y[i] / N;
	assert_float_equal(sum, own, 1e-3);
	gm_saved_free(s);
	gm_saved_free(without);
	gm_saved_free(p);
}

/* With the code fixed, a value moves the logits of later values alone. */
static void values_depend_on_those_before(void **state)
{
	(void)state;
	float h[N * NZ], clean[N * NUMEL], y[N * NUMEL];
	gm_saved *s = TRAINED("pixelcnn-ae", SMALL, PIXELS, "features=8", "steps=3");
	images();
	codes(s, h);
	logits(s, h, clean);
	for (int i = 0; i < N; i++)
		x[i * NUMEL + i] *= -1; /* value i of image i */
	logits(s, h, y);
	for (int i = 0; i < N; i++)
		for (int k = 0; k < NUMEL; k++) {
			const bool same = y[i * NUMEL + k] == clean[i * NUMEL + k];
			assert_true(k <= i ? same : k > i + 1 || k % SIDE == 0 || !same);
		}
	gm_saved_free(s);
}

/* The first value of samples for a code has the probability of its logit; samples of a code differ;
 * those with cached activations are those with whole images, and "reconstruct" is "decode" of the
 * image's code. */
static void samples_are_the_decoders(void **state)
{
	(void)state;
	enum { DRAWS = 500 };
	gm_error err = {0};
	float h[N * NZ], y[N * NUMEL], z[N * NUMEL];
	double first[N] = {0};
	images();
	gm_saved *s = TRAINED("pixelcnn-ae", SMALL, PIXELS, "features=8", "steps=60", "lr=4e-3",
	                      "cached=yes"),
		 *slowly = TRAINED("pixelcnn-ae", SMALL, PIXELS, "features=8", "steps=60",
	                           "lr=4e-3", "cached=no");
	codes(s, h);
	for (int k = 0; k < DRAWS; k++) {
		must(gm_saved_apply(s, "decode", (const void *[]){h}, N, (uint64_t)k, y, &err),
		     &err);
		for (int i = 0; i < N; i++)
			first[i] += y[i * NUMEL] > 0 ? 1. / DRAWS : 0;
	}
	logits(s, h, z);
	double chi = 0;
	for (int i = 0; i < N; i++) {
		const double p = 1 / (1 + exp(-(double)z[i * NUMEL]));
		chi += (first[i] - p) * (first[i] - p) / (p * (1 - p) / DRAWS);
	}
	/* forty degrees of freedom: above 82 once in ten thousand */
	if (chi > 82)
		fail_msg("chi-squared %.1f", chi);
	must(gm_saved_apply(slowly, "decode", (const void *[]){h}, N, DRAWS - 1, z, &err), &err);
	assert_memory_equal(y, z, sizeof y);
	must(gm_saved_apply(s, "reconstruct", (const void *[]){x}, N, DRAWS - 1, z, &err), &err);
	assert_memory_equal(y, z, sizeof y);
	must(gm_saved_apply(s, "decode", (const void *[]){h}, N, DRAWS, z, &err), &err);
	assert_memory_not_equal(y, z, sizeof y);
	gm_saved_free(s);
	gm_saved_free(slowly);
}

/* The other decoder: the error of its reconstructions falls far below that of the mean image. */
static void squared_error_falls(void **state)
{
	(void)state;
	gm_error err = {0};
	float y[N * NUMEL], mean[NUMEL] = {0};
	double own = 0, of_mean = 0;
	images();
	gm_saved *s = TRAINED("pixelcnn-ae", SMALL, "decoder=mse", "width=8", "nz=10", "steps=400",
	                      "lr=4e-3");
	must(gm_saved_apply(s, "reconstruct", (const void *[]){x}, N, 0, y, &err), &err);
	for (int i = 0; i < N * NUMEL; i++)
		mean[i % NUMEL] += x[i] / N;
	for (int i = 0; i < N * NUMEL; i++)
		own += (y[i] - x[i]) * (y[i] - x[i]),
			of_mean += (mean[i % NUMEL] - x[i]) * (mean[i % NUMEL] - x[i]);
	print_message("squared error %.3f of that of the mean\n", own / of_mean);
	assert_true(own < .6 * of_mean);
	assert_false(gm_saved_has(s, "log-likelihood/given-code"));
	gm_saved_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_tell_something),
		cmocka_unit_test(values_depend_on_those_before),
		cmocka_unit_test(samples_are_the_decoders),
		cmocka_unit_test(squared_error_falls),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
