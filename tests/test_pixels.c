/* SPDX-License-Identifier: MIT
 *
 * test_pixels.c -- autoregressive models: they depend on all previous values and no later ones, the
 * probabilities of all images sum to 1, samples have this distribution, and sampling with cached
 * activations equals sampling with whole images.
 */
#include "ganymede/data.h"
#include "runs.h"

#include <math.h>

enum { SIDE = 8, BATCH = 64 };

/* Place of number (c, y, x) in the order of drawing. */
static int order(int64_t channels, int at)
{
	int c = at / (SIDE * SIDE), pixel = at % (SIDE * SIDE);
	return pixel * (int)channels + c;
}

/* Row k of each batch is the picture with number k (in memory) changed. Returns how many earlier
 * numbers did not move the logits of the last number in drawing order; that no later number (nor
 * the number itself) moves any logits is checked here. */
static int unseen(gm_saved *s)
{
	gm_error err = {0};
	const int64_t c = gm_saved_facts(s)->channels, numel = c * SIDE * SIDE;
	gm_shape shape = gm_saved_shape(s, "pixels");
	const int64_t levels = shape.rank == 5 ? shape.dim[4] : 1, each = numel * levels;
	float *x = calloc(BATCH * numel, sizeof *x), *clean = calloc(BATCH * each, sizeof *clean),
	      *y = calloc(BATCH * each, sizeof *y);
	int blind = 0;
	assert_true(x && y && clean && gm_saved_batch(s) == BATCH);
	for (int64_t i = 0; i < BATCH * numel; i++)
		x[i] = (float)sin((double)(i % numel) * 1.7);
	must(gm_saved_run(s, "pixels", (const void *[]){x}, 0, 0, clean, &err), &err);
	for (int first = 0; first < numel; first += BATCH) {
		for (int k = 0; k < BATCH; k++)
			x[k * numel + first + k] += 50;
		must(gm_saved_run(s, "pixels", (const void *[]){x}, 0, 0, y, &err), &err);
		for (int k = 0; k < BATCH; k++) {
			int changed = order(c, first + k);
			bool last_moved = false;
			x[k * numel + first + k] -= 50;
			for (int at = 0; at < numel; at++) {
				bool same =
					!memcmp(y + k * each + at * levels,
				                clean + k * each + at * levels, levels * sizeof *y);
				if (order(c, at) <= changed && !same)
					fail_msg("number %d of the order sees number %d",
					         order(c, at), changed);
				if (order(c, at) == numel - 1)
					last_moved = !same;
			}
			blind += changed < numel - 1 && !last_moved;
		}
		/* what was subtracted need not be exactly what was added */
		for (int64_t i = 0; i < BATCH * numel; i++)
			x[i] = (float)sin((double)(i % numel) * 1.7);
	}
	free(x);
	free(y);
	free(clean);
	return blind;
}

#define SMALL                                                                                      \
	"size=8", "batch=64", "steps=3", "first=5", "layers=6", "grid=1x1", "sample-every=1000"

static void only_what_came_before_is_seen(void **state)
{
	(void)state;
	gm_saved *s = TRAINED("pixelcnn", SMALL, "features=8");
	assert_int_equal(unseen(s), 0);
	gm_saved_free(s);
	s = TRAINED("pixelcnn", SMALL, "features=6", "data=shapes", "levels=4");
	assert_int_equal(unseen(s), 0);
	gm_saved_free(s);
	/* The plain net's blind spot: pixels above to the right, outside its receptive field. */
	s = TRAINED("pixelcnn", SMALL, "features=6", "data=shapes", "levels=4", "gated=no");
	unseen(s);
	gm_saved_free(s);
}

/* Of all 2^12 pictures of 3 rows and 4 columns. */
static void probabilities_have_the_sum_one(void **state)
{
	(void)state;
	enum { N = 12 };
	for (int k = 0; k < 2; k++) {
		gm_error err = {0};
		const gm_saved_options o = {.height = 3, .width = 4};
		gm_saved *s = TRAINED_AS("pixelcnn", &o, "size=8", "batch=64", "steps=30",
		                         "sample-every=1000", "grid=1x1", "layers=3", "features=8",
		                         "binarise=threshold", k ? "gated=no" : "gated=yes");
		float x[BATCH][N], nats[BATCH];
		double sum = 0;
		for (int first = 0; first < 1 << N; first += BATCH) {
			for (int i = 0; i < BATCH; i++)
				for (int b = 0; b < N; b++)
					x[i][b] = (first + i) >> b & 1 ? 1 : -1;
			must(gm_saved_run(s, "log-likelihood", (const void *[]){x}, 0, 0, nats,
			                  &err),
			     &err);
			for (int i = 0; i < BATCH; i++)
				sum += exp(nats[i]);
		}
		/* each of 12 logarithms is good to some ulps of a float */
		assert_true(fabs(sum - 1) < 1e-5);
		gm_saved_free(s);
	}
}

#define FEW "size=8", "batch=8", "steps=3", "first=5", "layers=4", "grid=1x1", "sample-every=1000"

/* Two trainings that differ in the way of sampling alone have the same weights, and draw the same.
 */
static void cached_activations_draw_what_whole_images_draw(void **state)
{
	(void)state;
	static const char *const grey[][13] = {{FEW, "features=8", "cached=yes"},
	                                       {FEW, "features=8", "cached=no"}},
				 *const colour[][13] = {
					 {FEW, "features=6", "data=shapes", "levels=4",
	                                  "conditional=yes", "cached=yes"},
					 {FEW, "features=6", "data=shapes", "levels=4",
	                                  "conditional=yes", "cached=no"}};
	for (int k = 0; k < 2; k++) {
		gm_error err = {0};
		enum { N = 6 }; /* more than a batch */
		const gm_saved_options four = {.batch = 4, .exact = true};
		gm_saved *s = trained("pixelcnn", &four, k ? colour[0] : grey[0]),
			 *slowly = trained("pixelcnn", &four, k ? colour[1] : grey[1]);
		int64_t numel = gm_saved_facts(s)->numel, plane = SIDE * SIDE;
		float *fast = calloc(N * numel, sizeof *fast),
		      *slow = calloc(N * numel, sizeof *slow);
		int32_t label[N] = {0, 1, 2, 2, 1, 0};
		const gm_samples samples = {.seed = 5, .n = N, .label = label};
		must(gm_saved_draw(s, &samples, fast, &err), &err);
		must(gm_saved_draw(slowly, &samples, slow, &err), &err);
		assert_memory_equal(fast, slow, N * numel * sizeof *fast);
		/* completing a fully hidden image is sampling */
		memset(slow, 0, N * numel * sizeof *slow);
		gm_saved_hole hole = {.seed = 5, .n = N, .label = label};
		must(gm_saved_complete(s, &hole, slow, &err), &err);
		assert_memory_equal(fast, slow, N * numel * sizeof *fast);
		must(gm_saved_draw(s, &(gm_samples){.seed = 6, .n = N, .label = label}, slow, &err),
		     &err);
		assert_memory_not_equal(fast, slow, N * numel * sizeof *fast);

		/* The lower half anew: the upper stays, whatever came out below before. */
		uint8_t *hidden = calloc(plane, 1);
		for (int64_t i = 0; i < plane; i++)
			hidden[i] = i / SIDE >= SIDE / 2;
		float *again = calloc(N * numel, sizeof *again);
		hole = (gm_saved_hole){.seed = 7, .n = N, .label = label, .hidden = hidden};
		memcpy(slow, fast, N * numel * sizeof *fast);
		must(gm_saved_complete(s, &hole, slow, &err), &err);
		memcpy(again, fast, N * numel * sizeof *fast);
		must(gm_saved_complete(slowly, &hole, again, &err), &err);
		assert_memory_equal(again, slow, N * numel * sizeof *fast);
		int moved = 0;
		for (int64_t i = 0; i < N * numel; i++)
			if (hidden[i % plane])
				moved += slow[i] != fast[i];
			else
				assert_true(slow[i] == fast[i]);
		assert_true(moved > 0);
		free(hidden);
		free(fast);
		free(slow);
		free(again);
		gm_saved_free(s);
		gm_saved_free(slowly);
	}
}

/* Samples of three numbers have the probabilities that "log-likelihood" says: chi-squared of all 8
 * pictures. */
static void samples_have_the_models_probabilities(void **state)
{
	(void)state;
	for (int k = 0; k < 2; k++) {
		enum { N = 3, ALL = 8, DRAWN = 64 * 250 };
		gm_error err = {0};
		const gm_saved_options o = {.height = 1, .width = 3};
		gm_saved *s = TRAINED_AS("pixelcnn", &o, "size=8", "batch=64", "sample-every=1000",
		                         "steps=60", "sample-every=1000", "grid=1x1", "layers=3",
		                         "features=8", "binarise=threshold",
		                         k ? "gated=no" : "gated=yes");
		float x[BATCH][N] = {{0}}, nats[BATCH], *drawn = malloc(DRAWN * N * sizeof *drawn);
		int count[ALL] = {0};
		for (int i = 0; i < BATCH; i++)
			for (int b = 0; b < N; b++)
				x[i][b] = i >> b & 1 ? 1 : -1;
		must(gm_saved_run(s, "log-likelihood", (const void *[]){x}, 0, 0, nats, &err),
		     &err);
		must(gm_saved_draw(s, &(gm_samples){.seed = 2, .n = DRAWN}, drawn, &err), &err);
		for (int i = 0; i < DRAWN; i++) {
			int number = 0;
			for (int b = 0; b < N; b++) {
				assert_true(fabsf(drawn[i * N + b]) == 1);
				number |= (drawn[i * N + b] > 0) << b;
			}
			count[number]++;
		}
		double chi = 0;
		for (int i = 0; i < ALL; i++) {
			double want = DRAWN * exp(nats[i]);
			chi += (count[i] - want) * (count[i] - want) / want;
		}
		/* seven degrees of freedom: above 29.9 once in ten thousand */
		if (chi > 29.9)
			fail_msg("chi-squared %.1f", chi);
		free(drawn);
		gm_saved_free(s);
	}
}

/* Nats of glyphs under their own class and under the next one, after a little training. */
static void the_class_tells_something(void **state)
{
	(void)state;
	gm_error err = {0};
	gm_saved *s =
		TRAINED("pixelcnn", "size=12", "batch=64", "steps=250", "features=12", "layers=3",
	                "grid=1x1", "sample-every=1000", "conditional=yes", "lr=4e-3");
	gm_dataset *d = gm_data_open("glyphs", &(gm_data_options){.size = 12}, &err);
	float x[BATCH * 144], right[BATCH], wrong[BATCH];
	int32_t label[BATCH];
	double gain = 0;
	must(d && gm_data_batch(d, 77, 0, BATCH, x, label, &err), &err);
	must(gm_saved_run(s, "log-likelihood", (const void *[]){x, label}, 1, 0, right, &err),
	     &err);
	for (int i = 0; i < BATCH; i++)
		label[i] = (label[i] + 5) % 10;
	must(gm_saved_run(s, "log-likelihood", (const void *[]){x, label}, 1, 0, wrong, &err),
	     &err);
	for (int i = 0; i < BATCH; i++)
		gain += (right[i] - wrong[i]) / BATCH;
	if (gain < .5)
		fail_msg("knowing the class is worth %.3f nats", gain);
	gm_data_close(d);
	gm_saved_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_came_before_is_seen),
		cmocka_unit_test(probabilities_have_the_sum_one),
		cmocka_unit_test(cached_activations_draw_what_whole_images_draw),
		cmocka_unit_test(samples_have_the_models_probabilities),
		cmocka_unit_test(the_class_tells_something),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
