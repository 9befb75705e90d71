/* SPDX-License-Identifier: MIT
 *
 * test_ppgn.c -- chains of codes: what the prior and the condition do to them, and completion.
 */
#include "runs.h"

enum { N = 20, SIDE = 16, PIXELS = SIDE * SIDE, FRAMES = 6, CLASSES = 10 };

static char encoder[PATH_MAX], other[PATH_MAX], base[PATH_MAX + 8];

/* Two classifiers, and a G for the codes of the first. */
static void prepare(void)
{
	char e[PATH_MAX + 64], c[PATH_MAX + 64];
#define CLASSIFIER                                                                                 \
	"size=16", "width=8", "features=24", "batch=32", "steps=500", "metrics=", "monitors=no"
	gm_saved_free(TRAINED("classifier", CLASSIFIER, "seed=1"));
	snprintf(encoder, sizeof encoder, "%s", last_run);
	gm_saved_free(TRAINED("classifier", CLASSIFIER, "seed=2"));
	snprintf(other, sizeof other, "%s", last_run);
	snprintf(e, sizeof e, "encoder=%s", encoder);
	snprintf(c, sizeof c, "condition=%s", other);
	gm_saved_free(TRAINED("ppgn", e, c, "size=16", "width=8", "batch=20", "steps=200",
	                      "chain=60", "monitors=no", "lr=1e-3", "metrics="));
	snprintf(base, sizeof base, "from=%s", last_run);
}

/* The same nets with other weights of the chain. */
static gm_saved *with(const char *one, const char *two)
{
	char e[PATH_MAX + 64], c[PATH_MAX + 64];
	if (!*base)
		prepare();
	snprintf(e, sizeof e, "encoder=%s", encoder);
	snprintf(c, sizeof c, "condition=%s", other);
	return TRAINED("ppgn", e, c, base, one, two, "size=16", "width=8", "batch=20", "steps=1",
	               "lr=0", "chain=60", "monitors=no", "metrics=");
}

/* Images along chains, [FRAMES,N,PIXELS]; of class 3, if said. */
static void chains(gm_saved *s, float *x)
{
	gm_error err = {0};
	int32_t label[N];
	for (int i = 0; i < N; i++)
		label[i] = i % CLASSES;
	must(gm_saved_frames(s, "generate", (const void *[]){NULL, label}, 4, 0, FRAMES, x, &err),
	     &err);
}

/* Mean squared distance of N images to their reconstructions. */
static double cycle(gm_saved *s, const float *x)
{
	static float y[N * PIXELS];
	gm_error err = {0};
	double sum = 0;
	must(gm_saved_apply(s, "reconstruct", (const void *[]){x}, N, 0, y, &err), &err);
	for (int i = 0; i < N * PIXELS; i++)
		sum += pow(x[i] - y[i], 2) / (N * PIXELS);
	return sum;
}

/* Share of N images that the classifier at path gives their class, and its mean log p of it. */
static double share(const char *path, const float *x, double *logp)
{
	static float y[N * CLASSES];
	gm_error err = {0};
	gm_saved *s = gm_saved_open(path, NULL, &err);
	must(s != NULL, &err);
	must(gm_saved_apply(s, "classify", (const void *[]){x}, N, 0, y, &err), &err);
	gm_saved_free(s);
	int right = 0;
	*logp = 0;
	for (int i = 0; i < N; i++) {
		int best = 0;
		double sum = 0;
		for (int k = 0; k < CLASSES; k++) {
			best = y[i * CLASSES + k] > y[i * CLASSES + best] ? k : best;
			sum += exp(y[i * CLASSES + k]);
		}
		right += best == i % CLASSES;
		*logp += (y[i * CLASSES + i % CLASSES] - log(sum)) / N;
	}
	return (double)right / N;
}

static float x[FRAMES * N * PIXELS];

/* Without a condition codes become those of images: E(G(h)) approaches h. With the sign of the
 * prior exchanged they would leave. */
static void the_prior_leads_to_images(void **state)
{
	(void)state;
	gm_saved *s = with("eps1=1", "eps2=0");
	chains(s, x);
	const double first = cycle(s, x), last = cycle(s, x + (FRAMES - 1) * N * PIXELS);
	if (last > .7 * first)
		fail_msg("error of a cycle %g, then %g", first, last);
	gm_saved_free(s);
}

static void the_condition_leads_to_classes(void **state)
{
	(void)state;
	double before, after, released, softmax;
	gm_saved *s = with("eps1=0", "gradient=released");
	chains(s, x);
	const double few = share(other, x, &before),
		     many = share(other, x + (FRAMES - 1) * N * PIXELS, &after);
	if (many < .8 || few > .4 || after < before + 1)
		fail_msg("of the class: %g, then %g; log p %g, then %g", few, many, before, after);
	released = after;
	/* the same again, since nothing is changed by sampling */
	static float again[FRAMES * N * PIXELS];
	chains(s, again);
	assert_memory_equal(x, again, sizeof x);
	gm_saved_free(s);
	s = with("eps1=0", "gradient=softmax");
	chains(s, x);
	assert_true(share(other, x + (FRAMES - 1) * N * PIXELS, &softmax) >= .8);
	assert_true(softmax != released);
	assert_memory_not_equal(x, again, sizeof x);
	gm_saved_free(s);
}

/* With a large eps1 the class does not matter any more. */
static void too_much_prior(void **state)
{
	(void)state;
	double logp;
	gm_saved *s = with("eps1=1e6", "eps2=1");
	chains(s, x);
	assert_true(share(other, x + (FRAMES - 1) * N * PIXELS, &logp) < .5);
	gm_saved_free(s);
}

static void the_hidden_part_is_not_seen(void **state)
{
	(void)state;
	gm_error err = {0};
	static float a[N * PIXELS], b[N * PIXELS], clean[N * PIXELS];
	static uint8_t hidden[PIXELS];
	int32_t label[N];
	gm_dataset *d = gm_data_open("glyphs", &(gm_data_options){.size = SIDE}, &err);
	must(d && gm_data_batch(d, 9, 0, N, clean, label, &err), &err);
	gm_data_close(d);
	for (int i = 0; i < PIXELS; i++)
		hidden[i] = i / SIDE >= 5 && i / SIDE < 11 && i % SIDE >= 5 && i % SIDE < 11;
	memcpy(a, clean, sizeof a);
	for (int i = 0; i < N * PIXELS; i++)
		b[i] = hidden[i % PIXELS] ? -clean[i] : clean[i];
	gm_saved *s = with("eps1=1e-3", "eps4=1e-3");
	const gm_saved_hole hole = {.seed = 1, .n = N, .label = label, .hidden = hidden};
	must(gm_saved_complete(s, &hole, a, &err), &err);
	must(gm_saved_complete(s, &hole, b, &err), &err);
	assert_memory_equal(a, b, sizeof a);
	double changed = 0;
	for (int i = 0; i < N * PIXELS; i++) {
		if (!hidden[i % PIXELS])
			assert_float_equal(a[i], clean[i], 0);
		else
			changed += fabsf(a[i]);
	}
	assert_true(changed > 1);
	gm_saved_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_prior_leads_to_images),
		cmocka_unit_test(the_condition_leads_to_classes),
		cmocka_unit_test(too_much_prior),
		cmocka_unit_test(the_hidden_part_is_not_seen),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
