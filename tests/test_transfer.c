/* SPDX-License-Identifier: MIT
 *
 * test_transfer.c -- options from and freeze: what a classifier takes over from another model's net
 * or from a file of weights, and what does not move after that.
 */
#include "runs.h"

#include "ganymede/data.h"
#include "ganymede/features.h"

enum { N = 20, SIDE = 16, NUMEL = SIDE * SIDE, FEATURES = 8 * 4 * 4, WIDE = 512 };
#define SMALL "size=16", "per-class=2", "batch=20", "monitors=no", "grid=1x1", "metrics=", "lr=1e-2"
#define CLASSIFIER "net=dcgan", "width=4", "features=0", "dropout=0", SMALL
#define BODY "freeze=8x8/*,4x4/*"

static float x[N * NUMEL], one[N * WIDE], two[N * WIDE];

static void images(void)
{
	gm_error err = {0};
	gm_dataset *d =
		gm_data_open("glyphs", &(gm_data_options){.size = SIDE, .per_class = 2}, &err);
	must(d != NULL, &err);
	for (int i = 0; i < N; i++)
		must(gm_data_get(d, (uint64_t)i, x + (ptrdiff_t)i * NUMEL, NULL, &err), &err);
	gm_data_close(d);
}

/* Trains a classifier that must not start; returns the error. */
static const char *refused(const char *const *options)
{
	static gm_error err;
	gm_settings s;
	err = (gm_error){0};
	set_options(&s, "classifier", options);
	gm_train_call call = {.settings = &s};
	const bool ok = gm_train_from(&s, &err) && gm_train(&call, &err);
	gm_settings_free(&s);
	assert_false(ok);
	return err.message;
}
#define REFUSED(...) refused((const char *const[]){__VA_ARGS__, NULL})

static const gm_st_tensor *tensor(gm_st *st, const char *net, const char *name)
{
	char full[128];
	snprintf(full, sizeof full, "%s/%s", net, name);
	return gm_st_find(st, full);
}

static size_t bytes_of(const gm_st_tensor *t)
{
	size_t n = sizeof(float);
	for (int k = 0; k < t->rank; k++)
		n *= (size_t)t->dims[k];
	return n;
}

/* True if the tensor `name` of net a in one checkpoint is that of net b in the other. */
static bool equal(gm_saved *a, const char *net_a, gm_saved *b, const char *net_b, const char *name)
{
	gm_error err = {0};
	gm_st *p = gm_st_open(gm_saved_path(a), &err), *q = gm_st_open(gm_saved_path(b), &err);
	must(p && q, &err);
	const gm_st_tensor *s = tensor(p, net_a, name), *t = tensor(q, net_b, name);
	assert_non_null(s);
	assert_non_null(t);
	const bool same = bytes_of(s) == bytes_of(t) && !memcmp(s->data, t->data, bytes_of(s));
	gm_st_close(p);
	gm_st_close(q);
	return same;
}

static const char *const body[] = {"8x8/weight",    "4x4/weight",    "4x4/norm/gain",
                                   "4x4/norm/bias", "4x4/norm/mean", "4x4/norm/var"};
enum { BODY_TENSORS = sizeof body / sizeof *body };

static void from_run(char text[PATH_MAX + 8])
{
	snprintf(text, PATH_MAX + 8, "from=%s", last_run);
}

/* The body of a GAN's D, or of an autoencoder's encoder, frozen: not a bit of it moves, running
 * statistics included, features do not either, it has no optimiser state; the head moves. Without
 * the freezing all of it moves. */
static void bodies_are_taken_and_frozen(void **state)
{
	(void)state;
	static const char *const model[] = {"dcgan", "autoencoder"}, *const net[] = {"D", "E"};
	gm_error err = {0};
	char from[PATH_MAX + 8];
	images();
	for (int k = 0; k < 2; k++) {
		gm_saved *source =
			k ? TRAINED("autoencoder", SMALL, "net=conv", "width=4", "steps=20")
			  : TRAINED("dcgan", SMALL, "width=4", "nz=4", "steps=20");
		from_run(from);
		gm_saved *soon = TRAINED("classifier", CLASSIFIER, BODY, from, "steps=1"),
			 *late = TRAINED("classifier", CLASSIFIER, BODY, from, "steps=40"),
			 *free_ = TRAINED("classifier", CLASSIFIER, from, "steps=40");
		print_message("%s\n", model[k]);
		for (int i = 0; i < BODY_TENSORS; i++) {
			assert_true(equal(source, net[k], late, "C", body[i]));
			assert_false(equal(source, net[k], free_, "C", body[i]));
		}
		assert_false(equal(soon, "C", late, "C", "logits/weight"));
		const void *in[] = {x};
		must(gm_saved_apply(soon, "features", in, N, 0, one, &err) &&
		             gm_saved_apply(late, "features", in, N, 0, two, &err),
		     &err);
		assert_memory_equal(one, two, N * FEATURES * sizeof *one);
		gm_st *st = gm_st_open(gm_saved_path(late), &err);
		must(st != NULL, &err);
		for (int64_t i = 0; i < gm_st_count(st); i++) {
			const char *name = gm_st_at(st, i)->name;
			assert_true(strncmp(name, "C/8x8/weight", 12) || !name[12]);
		}
		gm_st_close(st);
		gm_saved_free(source), gm_saved_free(soon), gm_saved_free(late),
			gm_saved_free(free_);
	}
}

/* Only the layer that is not listed moves; a frozen body at random works too, as a control. */
static void the_rest_moves(void **state)
{
	(void)state;
	gm_saved *a = TRAINED("classifier", CLASSIFIER, "freeze=C/8x8/*", "steps=1"),
		 *b = TRAINED("classifier", CLASSIFIER, "freeze=C/8x8/*", "steps=20");
	assert_true(equal(a, "C", b, "C", "8x8/weight"));
	for (int i = 1; i < BODY_TENSORS; i++)
		assert_false(equal(a, "C", b, "C", body[i]));
	gm_saved_free(a), gm_saved_free(b);
}

/* A resumed run keeps what is frozen; a new head starts anew, a kept one does not; moving averages
 * begin at the loaded values. */
static void heads_and_averages(void **state)
{
	(void)state;
	char from[PATH_MAX + 8];
	gm_error err = {0};
	gm_saved *source = TRAINED("classifier", CLASSIFIER, "steps=30", "ema=.9");
	from_run(from);
	gm_saved *kept = TRAINED("classifier", CLASSIFIER, from, "steps=0"),
		 *anew = TRAINED("classifier", CLASSIFIER, from, "steps=0", "head=new"),
		 *frozen = TRAINED("classifier", CLASSIFIER, from, BODY, "head=new", "steps=10",
	                           "keep=0");
	assert_true(equal(source, "C", kept, "C", "logits/weight"));
	assert_false(equal(source, "C", anew, "C", "logits/weight"));
	assert_true(equal(source, "C", anew, "C", "4x4/weight"));
	gm_settings s;
	gm_settings_init(&s, gm_model_find("classifier"));
	must(gm_settings_set(&s, "steps", "20", &err), &err);
	gm_train_call call = {.settings = &s, .resume = last_run};
	must(gm_train(&call, &err), &err);
	gm_settings_free(&s);
	gm_saved *more = gm_saved_open(last_run, NULL, &err);
	must(more != NULL, &err);
	assert_int_equal(gm_saved_step(more), 20);
	assert_true(equal(source, "C", more, "C", "4x4/weight"));
	assert_true(equal(source, "C", more, "C", "4x4/norm/mean"));
	assert_false(equal(frozen, "C", more, "C", "logits/weight"));
	gm_saved_free(frozen), gm_saved_free(more), gm_saved_free(kept), gm_saved_free(anew);
	gm_saved_free(source);

	source = TRAINED("dcgan", SMALL, "width=4", "nz=4", "steps=5");
	from_run(from);
	kept = TRAINED("classifier", CLASSIFIER, from, "steps=0", "ema=.9");
	gm_st *st = gm_st_open(gm_saved_path(kept), &err);
	must(st != NULL, &err);
	const gm_st_tensor *w = gm_st_find(st, "C/4x4/weight"), *mean = NULL;
	for (int64_t i = 0; i < gm_st_count(st); i++)
		if (strstr(gm_st_at(st, i)->name, "C/4x4/weight.ema"))
			mean = gm_st_at(st, i);
	assert_non_null(mean);
	assert_memory_equal(w->data, mean->data, bytes_of(w));
	gm_st_close(st);
	gm_saved_free(kept), gm_saved_free(source);
}

static void refusals(void **state)
{
	(void)state;
	char from[PATH_MAX + 8];
	gm_saved_free(TRAINED("dcgan", SMALL, "width=6", "nz=4", "steps=1"));
	from_run(from);
	/* other widths: nothing of D fits; with freezing that is said first */
	assert_non_null(strstr(REFUSED(CLASSIFIER, from), "no tensor of"));
	assert_non_null(strstr(REFUSED(CLASSIFIER, from, BODY),
	                       "C/8x8/weight would stay at its random initial value"));
	assert_non_null(strstr(REFUSED(CLASSIFIER, "freeze=8x8/*,layer7/*"),
	                       "no parameter is called \"layer7/*\""));
	gm_saved_free(TRAINED("classifier", CLASSIFIER, "steps=1"));
	from_run(from);
	assert_non_null(strstr(REFUSED(CLASSIFIER, from, "head=new", "freeze=logits/*"),
	                       "option head makes it new"));
	assert_non_null(strstr(REFUSED(CLASSIFIER, "from=squeezenet"), "give their file"));
	assert_non_null(strstr(REFUSED(CLASSIFIER, "from=nothing-like-this"),
	                       "neither a run nor a checkpoint"));
}

/* SqueezeNet as layers of the net: its parameters have the names of the file of weights, so that
 * they can be written to one and taken from it again; its features are those of the extractor. */
static void published_networks(void **state)
{
	(void)state;
	gm_error err = {0};
	char file[PATH_MAX], from[PATH_MAX + 8];
#define SQUEEZE "net=squeezenet", "least-side=40", "features=0", "dropout=0", "ema=0", SMALL
	images();
	gm_saved *s = TRAINED("classifier", SQUEEZE, "steps=1");
	gm_st *st = gm_st_open(gm_saved_path(s), &err);
	must(st != NULL, &err);
	gm_st_tensor t[64];
	int n = 0;
	for (int64_t i = 0; i < gm_st_count(st); i++) {
		gm_st_tensor one_ = *gm_st_at(st, i);
		const char *end = strrchr(one_.name, '.');
		if (!strncmp(one_.name, "C/", 2) && end &&
		    (!strcmp(end, ".weight") || !strcmp(end, ".bias")))
			one_.name += 2, t[n++] = one_;
	}
	assert_int_equal(n, 50); /* conv1, and 8 modules of 3 convolutions */
	snprintf(file, sizeof file, "%s", scratch_path("squeeze.safetensors"));
	must(gm_st_write(file, t, n, NULL, 0, &err), &err);
	gm_st_close(st);

	snprintf(from, sizeof from, "from=%s", file);
	gm_saved *b =
		TRAINED("classifier", SQUEEZE, from, "seed=5", "steps=3", "freeze=conv1*,fire*");
	assert_true(equal(s, "C", b, "C", "fire9/conv3x3_2.weight"));
	const void *in[] = {x};
	must(gm_saved_apply(s, "features", in, N, 0, one, &err) &&
	             gm_saved_apply(b, "features", in, N, 0, two, &err),
	     &err);
	assert_memory_equal(one, two, N * WIDE * sizeof *one);

	gm_graph *g = gm_graph_new(NULL);
	gm_extractor_nodes *e = gm_extractor_on(g, "squeezenet", file, &err);
	must(e != NULL, &err);
	gm_node *input = gm_input(g, "x", GM_SHAPE(N, 1, SIDE, SIDE), GM_F32);
	gm_node *y = gm_extractor_layer(e, "fire9", gm_upsample_bilinear(input, 3), &err);
	must(y != NULL, &err);
	y = gm_mean(y, GM_AXES(2, 3), false);
	gm_set_f32(input, x, N * NUMEL);
	gm_step *step = gm_compile(g, y);
	gm_step_run(step);
	assert_true(gm_step_read(step, y, two, N * WIDE));
	for (int i = 0; i < N * WIDE; i++)
		assert_true(fabsf(one[i] - two[i]) <= 1e-4f * fmaxf(1, fabsf(one[i])));
	gm_extractor_nodes_free(e);
	gm_graph_free(g);
	gm_saved_free(s), gm_saved_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies_are_taken_and_frozen), cmocka_unit_test(the_rest_moves),
		cmocka_unit_test(heads_and_averages),          cmocka_unit_test(refusals),
		cmocka_unit_test(published_networks),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
