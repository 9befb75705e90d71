/* SPDX-License-Identifier: MIT
 *
 * test_autoencoder.c -- autoencoder and sda: principal components, what E and the error see, tied
 * weights, layers that move only in their phase.
 */
#include "runs.h"

#include "ganymede/data.h"

enum { N = 40, NUMEL = 64 };
#define SMALL "size=8", "per-class=4", "monitors=no", "grid=1x1", "metrics="

static float x[N * NUMEL], y[N * NUMEL], z[N * NUMEL];

static void images(void)
{
	gm_error err = {0};
	gm_dataset *d = gm_data_open("glyphs", &(gm_data_options){.size = 8, .per_class = 4}, &err);
	must(d != NULL, &err);
	for (int i = 0; i < N; i++)
		must(gm_data_get(d, (uint64_t)i, x + (ptrdiff_t)i * NUMEL, NULL, &err), &err);
	gm_data_close(d);
}

/* The error of the linear autoencoder is that of as many principal components. */
static void linear_is_pca(void **state)
{
	(void)state;
	gm_saved_free(TRAINED("autoencoder", SMALL, "layers=0", "nz=4", "batch=40", "steps=2000",
	                      "lr=2e-2", "rate=linear:0:2000steps"));
	const double mse = last_of("mse"), pca = last_of("mse_pca");
	print_message("linear autoencoder %.6f, principal components %.6f\n", mse, pca);
	assert_true(pca > .01);
	assert_float_equal(mse / pca, 1, 1e-3);
	/* fewer components than the data has: one less is clearly worse */
	gm_saved_free(TRAINED("autoencoder", SMALL, "layers=0", "nz=3", "batch=40", "steps=1"));
	assert_true(last_of("mse_pca") > 1.05 * pca);
}

static const float *tensor(gm_st *st, const char *name)
{
	const gm_st_tensor *t = gm_st_find(st, name);
	assert_non_null(t);
	return (const float *)t->data;
}

/* Endpoints read clean examples, whatever E reads in training: a linear code by hand. */
static void endpoints_are_clean(void **state)
{
	(void)state;
	gm_error err = {0};
	static const char *const seen[] = {"corrupt=.6", "noise=1"};
	images();
	for (int i = 0; i < 2; i++) {
		gm_saved *s = TRAINED("autoencoder", SMALL, "layers=0", "nz=3", "steps=3", seen[i]);
		must(gm_saved_apply(s, "encode", (const void *[]){x}, N, 0, z, &err), &err);
		gm_st *st = gm_st_open(gm_saved_path(s), &err);
		must(st != NULL, &err);
		const float *w = tensor(st, "E/z/weight"), *b = tensor(st, "E/z/bias");
		for (int k = 0; k < N * 3; k++) {
			double sum = b[k % 3];
			for (int j = 0; j < NUMEL; j++)
				sum += (x[k / 3 * NUMEL + j] + 1) / 2 * w[k % 3 * NUMEL + j];
			assert_float_equal(z[k], sum, 1e-5);
		}
		gm_st_close(st);
		gm_saved_free(s);
	}
}

/* A denoising autoencoder is trained on the error to the clean image: given half of the pixels of
 * an image, its reconstruction is nearer to the clean one than to what it was given. */
static void denoises(void **state)
{
	(void)state;
	gm_error err = {0};
	images();
	gm_saved *s = TRAINED("autoencoder", SMALL, "layers=1", "width=128", "nz=32", "batch=40",
	                      "steps=1500", "lr=2e-3", "corrupt=.5");
	for (int i = 0; i < N * NUMEL; i++)
		z[i] = i * 7 % 13 % 2 ? x[i] : -1; /* a pixel of 0 is -1 in an image */
	must(gm_saved_apply(s, "reconstruct", (const void *[]){z}, N, 0, y, &err), &err);
	double clean = 0, given = 0, was = 0;
	for (int i = 0; i < N * NUMEL; i++) {
		clean += pow(y[i] - x[i], 2) / (N * NUMEL);
		given += pow(y[i] - z[i], 2) / (N * NUMEL);
		was += pow(z[i] - x[i], 2) / (N * NUMEL);
	}
	print_message("to the clean image %.3f, to the corrupted one %.3f, between them %.3f\n",
	              clean, given, was);
	assert_true(clean < .6 * given && clean < .5 * was);
	gm_saved_free(s);
}

static double mean_code(const char *sparse)
{
	gm_error err = {0};
	double sum = 0;
	gm_saved *s = TRAINED("autoencoder", SMALL, "layers=0", "nz=16", "batch=40", "steps=400",
	                      "lr=1e-2", "loss=bce", "active=.1", sparse);
	must(gm_saved_apply(s, "encode", (const void *[]){x}, N, 0, z, &err), &err);
	for (int i = 0; i < N * 16; i++) {
		assert_true(z[i] >= 0 && z[i] <= 1);
		sum += z[i] / (N * 16);
	}
	gm_saved_free(s);
	return sum;
}

static void codes_are_sparse(void **state)
{
	(void)state;
	images();
	const double weak = mean_code("sparse=1e-6"), strong = mean_code("sparse=10");
	print_message("mean activation %.3f, with the penalty %.3f\n", weak, strong);
	assert_true(fabs(weak - .1) > .1);
	assert_true(fabs(strong - .1) < .02);
}

/* Convolutional nets reconstruct, and so does a code of points. */
static void other_nets(void **state)
{
	(void)state;
	gm_saved_free(TRAINED("autoencoder", "size=16", "per-class=4", "grid=1x1",
	                      "metrics=", "monitors=no", "net=conv", "width=8", "nz=16", "batch=40",
	                      "steps=100", "lr=5e-3"));
	const double mse = last_of("mse");
	print_message("convolutional: squared error %.3f\n", mse);
	assert_true(mse < .12);
	gm_saved_free(TRAINED("autoencoder", "data=ring8", "nz=1", "width=32", "steps=600",
	                      "metrics=", "monitors=no", "lr=1e-2"));
	assert_true(last_of("mse") < .2); /* .5 without a code */
}

/* ---- sda ------------------------------------------------------------------------------------- */

#define STACK SMALL, "width=12", "batch=10", "layer1-kimg=.05", "layer2-kimg=.05", "layer3-kimg=.05"

/* Steps 1 to 5 are layer 1's, and so on; only fine-tuning moves all. */
static void layers_move_in_turn(void **state)
{
	(void)state;
	static const char *const nets[] = {"layer1/", "layer2/", "layer3/", "top/"};
	static const char *const until[] = {"steps=0", "steps=5", "steps=10", "steps=15",
	                                    "steps=18"};
	gm_saved *s[5];
	for (int i = 0; i < 5; i++)
		s[i] = TRAINED("sda", STACK, until[i]);
	for (int i = 0; i < 3; i++)
		assert_int_equal(moved_nets(s[i], s[i + 1], nets, 4), 1u << i);
	assert_int_equal(moved_nets(s[3], s[4], nets, 4), 15);
	for (int i = 0; i < 5; i++)
		gm_saved_free(s[i]);
}

/* The first loss of fine-tuning is that of equal probabilities, since the softmax layer is 0. */
static void starts_without_an_opinion(void **state)
{
	(void)state;
	gm_saved_free(TRAINED("sda", STACK, "steps=16", "log-every=1"));
	assert_float_equal(last_of("loss"), log(10), 1e-5);
}

static double sigmoid(double v)
{
	return 1 / (1 + exp(-v));
}

/* "encode" and "decode" by hand: the decoder has the encoder's weights. */
static void decoders_are_tied(void **state)
{
	(void)state;
	enum { UNITS = 12 };
	static const char *const names[] = {"layer1", "layer2", "layer3"};
	gm_error err = {0};
	double h[NUMEL], next[NUMEL];
	char key[64];
	images();
	gm_saved *s = TRAINED("sda", STACK, "steps=30", "corrupt=.3");
	must(gm_saved_apply(s, "encode", (const void *[]){x}, N, 0, z, &err) &&
	             gm_saved_apply(s, "reconstruct", (const void *[]){x}, N, 0, y, &err),
	     &err);
	gm_st *st = gm_st_open(gm_saved_path(s), &err);
	must(st != NULL, &err);
	for (int k = 0; k < NUMEL; k++)
		h[k] = (x[k] + 1) / 2;
	for (int turn = 0; turn < 6; turn++) {
		const int i = turn < 3 ? turn : 5 - turn, in = i ? UNITS : NUMEL;
		snprintf(key, sizeof key, "%s/weight", names[i]);
		const float *w = tensor(st, key);
		snprintf(key, sizeof key, "%s/%s", names[i], turn < 3 ? "bias" : "back");
		const float *b = tensor(st, key);
		for (int o = 0; o < (turn < 3 ? UNITS : in); o++) {
			double sum = b[o];
			for (int k = 0; k < (turn < 3 ? in : UNITS); k++)
				sum += h[k] * (turn < 3 ? w[k * UNITS + o] : w[o * UNITS + k]);
			next[o] = sigmoid(sum);
		}
		memcpy(h, next, sizeof h);
		for (int o = 0; turn == 2 && o < UNITS; o++)
			assert_float_equal(z[o], h[o], 1e-5);
	}
	for (int k = 0; k < NUMEL; k++)
		assert_float_equal(y[k], 2 * h[k] - 1, 1e-5);
	gm_st_close(st);
	gm_saved_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(linear_is_pca),
		cmocka_unit_test(endpoints_are_clean),
		cmocka_unit_test(denoises),
		cmocka_unit_test(codes_are_sparse),
		cmocka_unit_test(other_nets),
		cmocka_unit_test(layers_move_in_turn),
		cmocka_unit_test(starts_without_an_opinion),
		cmocka_unit_test(decoders_are_tied),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
