/* SPDX-License-Identifier: MIT
 *
 * test_streams.c -- few examples of each class, binary pixels, captions as characters, and several
 * orders of examples in one run.
 */
#include "training.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ganymede/model.h"
#include "ganymede/saved.h"

static gm_dataset *open_set(const char *spec, gm_data_options o)
{
	gm_error err = {0};
	gm_dataset *d = gm_data_open(spec, &o, &err);
	must(d != NULL, &err);
	return d;
}

/* 60 pictures of 3 classes in CSV: class c has 10 (c + 1) examples, and the first number of each is
 * its own. */
static void write_points(const char *path)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "x,y,label\n");
	for (int i = 0; i < 60; i++)
		fprintf(f, "%d,0,%d\n", i, i % 6 == 0 ? 0 : i % 6 < 3 ? 1 : 2);
	fclose(f);
}

static void few_of_each_class(void **state)
{
	(void)state;
	enum { CLASSES = 3, N = 4 };
	write_points(scratch_path("few.csv"));
	gm_dataset *d = open_set(scratch_path("few.csv"), (gm_data_options){0});
	gm_error err = {0};
	bool chosen[2][60] = {{0}};
	for (int more = 0; more < 2; more++) {
		int per_class = more ? 2 * N : N, have[CLASSES] = {0};
		gm_dataset *few = gm_data_few(d, per_class, 5, &err);
		must(few != NULL, &err);
		assert_int_equal(gm_data_info_of(few)->count, CLASSES * per_class);
		const gm_field *index = gm_data_field(few, "index");
		assert_int_equal(index->classes, CLASSES * per_class);
		for (int i = 0; i < CLASSES * per_class; i++) {
			float x[2], y[2];
			int32_t label, other, at;
			must(gm_data_get(few, i, x, &label, &err), &err);
			/* the whole set's own example: its number is its first coordinate */
			must(gm_data_get(d, (uint64_t)x[0], y, &other, &err), &err);
			assert_true(y[0] == x[0] && other == label);
			have[label]++, chosen[more][(int)x[0]] = true;
			/* an order is a permutation, and its fields belong together */
			must(gm_data_read(few, index, 9, i, 1, &at, &err) &&
			             gm_data_batch(few, 9, i, 1, x, &label, &err) &&
			             gm_data_get(few, at, y, &other, &err),
			     &err);
			assert_true(x[0] == y[0] && label == other);
		}
		for (int c = 0; c < CLASSES; c++)
			assert_int_equal(have[c], per_class);
		gm_data_close(few);
	}
	for (int i = 0; i < 60; i++)
		assert_true(!chosen[0][i] || chosen[1][i]);
	REFUSED(gm_data_few(d, 11, 0, &err), &err, "class 0", "only 10", "11 of each");
	err = (gm_error){0};
	gm_data_close(d);
	REFUSED(gm_data_open("swissroll", &(gm_data_options){.per_class = 2}, &err), &err,
	        "no labels");
	/* a drawn set becomes finite, and any order gives the same examples */
	d = open_set("glyphs", (gm_data_options){.size = 8, .per_class = 3});
	const gm_data_info *info = gm_data_info_of(d);
	assert_int_equal(info->count, 3 * info->classes);
	float a[64], b[64];
	int32_t at, la, lb;
	for (uint64_t i = 0; i < info->count; i++) {
		must(gm_data_batch(d, 77, i, 1, a, &la, NULL) &&
		             gm_data_read(d, gm_data_field(d, "index"), 77, i, 1, &at, NULL) &&
		             gm_data_get(d, (uint64_t)at, b, &lb, NULL),
		     &err);
		assert_memory_equal(a, b, sizeof a);
		assert_int_equal(la, lb);
	}
	gm_data_close(d);
}

static void pixels_of_two_levels(void **state)
{
	(void)state;
	enum { N = 40, M = 400, SIDE = 12, PLANE = SIDE * SIDE };
	static const gm_binarise how[] = {GM_BINARISE_THRESHOLD, GM_BINARISE_FIXED,
	                                  GM_BINARISE_STOCHASTIC};
	static float grey[N][PLANE], x[N][PLANE], again[N][PLANE], other[N][PLANE];
	gm_error err = {0};
	for (int k = 0; k < 3; k++) {
		gm_dataset *plain =
			open_set("glyphs", (gm_data_options){.size = SIDE, .per_class = 4});
		gm_dataset *d = open_set(
			"glyphs",
			(gm_data_options){.size = SIDE, .per_class = 4, .binarise = how[k]});
		assert_true(gm_data_info_of(d)->binary && !gm_data_info_of(plain)->binary);
		const uint64_t n = gm_data_info_of(d)->count;
		assert_int_equal(n, N);
		must(gm_data_batch(plain, 3, 0, N, &grey[0][0], NULL, &err) &&
		             gm_data_batch(d, 3, 0, N, &x[0][0], NULL, &err) &&
		             gm_data_batch(d, 3, 0, N, &again[0][0], NULL, &err),
		     &err);
		assert_memory_equal(x, again, sizeof x);
		double wrong = 0, on = 0, expected = 0, variance = 0;
		for (int i = 0; i < N * PLANE; i++) {
			double p = ((double)(&grey[0][0])[i] + 1) / 2, v = (&x[0][0])[i];
			assert_true(v == 1 || v == -1);
			assert_true(p > 0 || v == -1), assert_true(p < 1 || v == 1);
			wrong += (v > 0) != (p > .5);
			on += v > 0, expected += p, variance += p * (1 - p);
		}
		assert_true(how[k] != GM_BINARISE_THRESHOLD
		                    ? fabs(on - expected) < 4 * sqrt(variance) && wrong > 10
		                    : wrong == 0);
		/* the second pass: the same pictures in another order */
		int32_t first, second;
		int same = 0;
		for (uint64_t i = 0; i < N; i++)
			for (uint64_t j = N; j < 2 * N; j++) {
				const gm_field *f = gm_data_field(d, "index");
				must(gm_data_read(d, f, 3, i, 1, &first, &err) &&
				             gm_data_read(d, f, 3, j, 1, &second, &err) &&
				             gm_data_batch(d, 3, j, 1, other[0], NULL, &err),
				     &err);
				if (first == second)
					same += !memcmp(other[0], x[i], sizeof x[i]);
			}
		assert_true(how[k] == GM_BINARISE_STOCHASTIC ? same < N / 2 : same == N);
		must(gm_data_get(d, 0, x[0], NULL, &err) &&
		             gm_data_get(plain, 0, grey[0], NULL, &err),
		     &err);
		assert_int_equal(memcmp(x[0], grey[0], sizeof x[0]) != 0,
		                 how[k] != GM_BINARISE_STOCHASTIC);
		gm_data_close(d);
		gm_data_close(plain);
	}
	REFUSED(gm_data_open("ring8", &(gm_data_options){.binarise = GM_BINARISE_FIXED}, &err),
	        &err, "points");
}

static void captions_are_characters(void **state)
{
	(void)state;
	enum { N = 20, L = 30 };
	gm_dataset *d = open_set("shapes", (gm_data_options){.caption_length = L});
	const gm_field *f = gm_data_field(d, "caption");
	int32_t c[N][L];
	char text[400];
	assert_true(f && f->rank == 1 && f->shape[0] == L);
	must(gm_data_read(d, f, 4, 11, N, c, NULL), &(gm_error){0});
	for (int i = 0; i < N; i++) {
		must(gm_data_caption(d, 4, 11 + (uint64_t)i, text, sizeof text, NULL),
		     &(gm_error){0});
		assert_true(strlen(text) > 5);
		for (int k = 0; k < L; k++)
			assert_int_equal(c[i][k], k < (int)strlen(text) ? text[k] : 0);
	}
	gm_data_close(d);
}

/* ---- a model with three orders of examples --------------------------------------------------- */

static gm_node *flat(gm_node *x)
{
	gm_shape s = gm_node_shape(x);
	return gm_reshape(x, GM_SHAPE(s.dim[0], gm_node_size(x) / s.dim[0]));
}

static int train_streams(gm_run *r)
{
	gm_net *n = gm_net_new(r, "C");
	const int64_t classes = gm_run_facts(r)->classes;
	gm_stream *few = gm_stream_open(r, "labelled",
	                                .per_class = gm_opt_int(r, "labels-per-class"), .rows = 6);
	gm_stream *second = gm_stream_open(r, "second", .data = "data-b");
	gm_node *all = gm_batch(r, "image"), *x = gm_stream_batch(few, "image"),
		*label = gm_stream_batch(few, "label"), *index = gm_stream_batch(few, "index"),
		*b = gm_stream_batch(second, "image"), *text = gm_stream_batch(second, "caption");
	gm_node *logits = gm_linear(n, "class", flat(x), .out = classes);
	gm_node *table = gm_net_var(n, "table", GM_SHAPE(gm_stream_facts(few)->count, 2));
	gm_node *row = gm_gather(table, index);
	gm_node *loss = gm_mean_all(gm_softmax_xent(logits, label));
	loss = gm_add(loss, gm_mean_all(gm_square(gm_add_c(row, -1))));
	gm_node *other = gm_linear(n, "class", flat(b), .out = classes);
	loss = gm_add(loss, gm_mul_c(gm_mean_all(gm_square(other)), .01));
	loss = gm_add(loss,
	              gm_mul_c(gm_mean_all(gm_mul(gm_linear(n, "class", flat(all), .out = classes),
	                                          gm_mean_all(gm_cast(text, GM_F32)))),
	                       1e-4));
	gm_endpoint(r, "classify", other, b);
	gm_step *step = gm_run_compile(r, gm_logged(r, "loss", loss), gm_move(r, n, loss));
	while (gm_next(r)) {
		gm_feed(r);
		gm_run_step(r, step);
	}
	return gm_end(r);
}

static const gm_option stream_options[] = {
	{"labels-per-class", "2", "labelled examples of each class", GM_INT(1, 100)},
	{"data-b", "shapes", "second set"},
	GM_OPTIMISER_OPTIONS("adam", "1e-3", ".9", "constant"),
	{0},
};
static const gm_model streams = {"streams", "several orders of examples", "none", stream_options,
                                 train_streams};

static void a_run_with_streams_resumes(void **state)
{
	(void)state;
	gm_error err = {0};
	gm_train_call whole = {0}, part = {0};
	const char *out = scratch_path("runs");
	must(train(&whole, &err, "streams", out,
	           OPTIONS("data=glyphs", "size=16", "steps=7", "batch=4")),
	     &err);
	must(train(&part, &err, "streams", out,
	           OPTIONS("data=glyphs", "size=16", "steps=3", "batch=4")),
	     &err);
	char folder[PATH_MAX];
	snprintf(folder, sizeof folder, "%s", part.folder);
	part = (gm_train_call){.resume = folder};
	REFUSED(train(&part, &err, "streams", out, OPTIONS("data-b=edges2shapes", "steps=7")), &err,
	        "data-b");
	err = (gm_error){0};
	part = (gm_train_call){.resume = folder};
	must(train(&part, &err, "streams", out, OPTIONS("steps=7")), &err);
	same_file(in_run(&whole, "checkpoint-000007.safetensors"),
	          in_run(&part, "checkpoint-000007.safetensors"));
	assert_true(
		in_file(in_run(&whole, "checkpoint-000007.safetensors"), "\"seen\\\":\\\"42\\\""));
	assert_true(in_file(in_run(&whole, "log.txt"), "labelled: 20 examples"));
	/* tools know the streams without any data */
	gm_saved *s = gm_saved_open(whole.folder, NULL, &err);
	must(s != NULL, &err);
	gm_port port[2];
	assert_int_equal(gm_saved_ports(s, "classify", port, 2), 1);
	assert_true(port[0].kind == GM_PORT_DATA && !strcmp(port[0].name, "example"));
	static float x[4 * 16 * 16 * 3], y[4 * 10];
	const void *in[] = {x};
	assert_int_equal(port[0].shape.dim[1], 1); /* brought to the channels of the first set */
	must(gm_saved_apply(s, "classify", in, 4, 0, y, &err), &err);
	gm_saved_free(s);
	/* what cannot be is refused in the name of the stream */
	part = (gm_train_call){0};
	REFUSED(train(&part, &err, "streams", out,
	              OPTIONS("data=glyphs", "size=16", "steps=1", "data-b=ring8")),
	        &err, "points");
}

/* ---- phases ---------------------------------------------------------------------------------- */

static int train_phases(gm_run *r)
{
	static const char *const names[] = {"warm", "grow", "rest", NULL};
	double share;
	int phase = gm_phase(r, names, &share);
	gm_net *n = gm_net_new(r, "C");
	gm_node *x = gm_batch(r, "image"),
		*w = gm_net_var(n, "w", GM_RANK0, .init = GM_CONSTANT(1));
	gm_node *loss = gm_mean_all(gm_square(gm_mul(w, x)));
	gm_endpoint(r, "reconstruct", gm_add_c(gm_mul_c(x, 0), phase + share), x);
	gm_step *step = gm_run_compile(r, gm_logged(r, "loss", loss), gm_move(r, n, loss));
	while (gm_next(r)) {
		gm_report_number(r, "phase", gm_phase(r, names, &share));
		gm_report_number(r, "share", share);
		gm_feed(r);
		gm_run_step(r, step);
	}
	return gm_end(r);
}

static const gm_option phase_options[] = {
	{"warm-steps", "2", "first", GM_INT(0, 100)},
	{"grow-kimg", "0.016", "second", GM_REAL(0, 100)},
	GM_OPTIMISER_OPTIONS("adam", "1e-3", ".9", "constant"),
	{0},
};
static const gm_model phases = {"phases", "three phases", "none", phase_options, train_phases};

/* 2 steps, then 16 examples at 4 a batch, then the rest of 10. */
static void phases_follow_one_another(void **state)
{
	(void)state;
	static const double want[] = {0, .5, 1, 1.25, 1.5, 1.75, 2, 2.25, 2.5, 2.75};
	gm_error err = {0};
	gm_train_call call = {0};
	const char *const options[] = {"data=glyphs", "size=8",      "batch=4",
	                               "steps=10",    "log-every=1", "save-every=1",
	                               "keep=0",      "monitors=no", NULL};
	must(train(&call, &err, "phases", scratch_path("runs"), options), &err);
	for (int i = 0; i < 10; i++) {
		char line[80];
		int phase = (int)want[i];
		double share = want[i] - phase;
		snprintf(line, sizeof line, "\"phase\": %d, \"share\": %g", phase, share);
		if (!in_file(in_run(&call, "stats.jsonl"), line))
			fail_msg("nothing says %s", line);
		if (i == 0)
			continue;
		/* a tool is where the checkpoint was saved: before step i */
		char file[PATH_MAX + 100];
		snprintf(file, sizeof file, "%s/checkpoint-%06d.safetensors", call.folder, i);
		gm_saved *s = gm_saved_open(file, NULL, &err);
		must(s != NULL, &err);
		float x[4 * 64] = {0}, y[4 * 64];
		must(gm_saved_apply(s, "reconstruct", (const void *[]){x}, 4, 0, y, &err), &err);
		assert_true(fabs(y[0] - (phase < 2 ? want[i] : 3)) < 1e-6);
		gm_saved_free(s);
	}
}

int main(void)
{
	gm_error err = {0};
	if (!gm_model_register(&streams, &err) || !gm_model_register(&phases, &err))
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(few_of_each_class),
		cmocka_unit_test(pixels_of_two_levels),
		cmocka_unit_test(captions_are_characters),
		cmocka_unit_test(a_run_with_streams_resumes),
		cmocka_unit_test(phases_follow_one_another),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
