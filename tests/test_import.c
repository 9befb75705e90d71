/* SPDX-License-Identifier: MIT
 *
 * test_import.c -- a run inside another run: its endpoint is the same function, it stays as it is, and it is saved along.
 */
#include "training.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ganymede/model.h"
#include "ganymede/saved.h"
#include "tensorfile/safetensors.h"

/* Learns a code whose picture, drawn by the other run's G, is grey: code = table, loss = mean square of G(code); with
 * `judged` also what the other's D says of it. */
static int train_importer(gm_run *r)
{
	gm_net *n = gm_net_new(r, "Z");
	gm_shape s = gm_import_shape(r, "stage1", "generate", 0);
	gm_node *code = gm_net_var(n, "code", s, .init = GM_NORMAL(0, 1)),
		*z = gm_noise(r, "z", GM_LATENT_NORMAL, s.dim[0], s.dim[1]);
	gm_node *x = gm_import(r, "stage1", "generate", &code, 1),
		*drawn = gm_import(r, "stage1", "generate", &z, 1);
	gm_node *loss = gm_mean_all(gm_square(x));
	if (gm_opt_flag(r, "judged"))
		loss = gm_sub(loss, gm_mean_all(gm_import(r, "stage1", "discriminate", &x, 1)));
	gm_endpoint(r, "generate", drawn, z);
	gm_step *step = gm_run_compile(r, gm_logged(r, "loss", loss), gm_move(r, n, loss));
	while (gm_next(r)) {
		gm_feed(r);
		gm_run_step(r, step);
	}
	return gm_end(r);
}

static const gm_option importer_options[] = {
	{"stage1", "", "run whose G draws"},
	{"judged", "no", "D's opinion counts", GM_FLAG},
	GM_OPTIMISER_OPTIONS("adam", "1e-1", ".9", "constant"),
	{0},
};
static const gm_model importer = {"importer", "another run inside", "none", importer_options,
                                  train_importer};

static const char *out;

static void train_it(gm_train_call *call, const char *model, const char *const *options)
{
	gm_error err = {0};
	*call = (gm_train_call){.resume = call->resume};
	must(train(call, &err, model, out, options), &err);
}

static void draw(const char *run, uint64_t seed, float *x, int64_t n)
{
	gm_error err = {0};
	gm_saved *s = gm_saved_open(run, NULL, &err);
	must(s != NULL, &err);
	float *z = malloc((size_t)n * 8 * sizeof *z);
	gm_rng rng = gm_rng_new(seed, 0);
	for (int64_t i = 0; i < n * 8; i++)
		z[i] = (float)gm_rng_normal(&rng);
	must(gm_saved_apply(s, "generate", (const void *[]){z}, n, seed, x, &err), &err);
	free(z);
	gm_saved_free(s);
}

static float *tensors(const char *file, const char *prefix, int64_t *n)
{
	gm_error err = {0};
	gm_st *st = gm_st_open(file, &err);
	must(st != NULL, &err);
	float *all = NULL;
	*n = 0;
	for (int64_t i = 0; i < gm_st_count(st); i++) {
		const gm_st_tensor *t = gm_st_at(st, i);
		if (strncmp(t->name, prefix, strlen(prefix)))
			continue;
		int64_t k = 1;
		for (int d = 0; d < t->rank; d++)
			k *= t->dims[d];
		all = realloc(all, (size_t)(*n + k) * sizeof *all);
		memcpy(all + *n, t->data, (size_t)k * sizeof *all);
		*n += k;
	}
	gm_st_close(st);
	return all;
}

static void another_runs_endpoint(void **state)
{
	(void)state;
	enum { N = 4, NUMEL = 16 * 16 };
	static float a[N * NUMEL], b[N * NUMEL];
	gm_train_call first = {0}, whole = {0}, part = {0};
	gm_error err = {0};
	out = strdup(scratch_path("runs"));
	/* batch norm and averages: what a frozen net must take from its statistics and its averages */
	train_it(&first, "dcgan",
	         OPTIONS("data=glyphs", "size=16", "nz=8", "width=8", "batch=4", "steps=4",
	                 "ema=.5", "monitors=no"));
	char from[PATH_MAX + 8], gone[PATH_MAX + 8];
	snprintf(from, sizeof from, "stage1=%s", first.folder);
	train_it(&whole, "importer",
	         OPTIONS(from, "data=glyphs", "size=16", "batch=4", "steps=6", "judged=yes",
	                 "monitors=no"));
	draw(first.folder, 3, a, N);
	draw(whole.folder, 3, b, N);
	assert_memory_equal(a, b, sizeof a);
	/* it is saved along, and nothing has moved it: its statistics neither */
	int64_t n, m;
	float *was = tensors(in_run(&first, "checkpoint-000004.safetensors"), "G/", &n);
	float *is = tensors(in_run(&whole, "checkpoint-000006.safetensors"), "stage1/G/", &m);
	assert_true(m > 500 && m < n); /* without the optimiser's memory */
	free(is), free(was);
	was = tensors(in_run(&first, "checkpoint-000004.safetensors"), "G/4x4/norm/mean", &n);
	is = tensors(in_run(&whole, "checkpoint-000006.safetensors"), "stage1/G/4x4/norm/mean", &m);
	assert_true(n == m && n > 0);
	assert_memory_equal(was, is, (size_t)n * sizeof *is);
	free(is), free(was);
	/* and what was to be learned was: the code's pictures are greyer than they began */
	assert_true(in_file(in_run(&whole, "log.txt"), "loss"));

	/* a run goes on, and is used, without the other's folder */
	train_it(&part, "importer",
	         OPTIONS(from, "data=glyphs", "size=16", "batch=4", "steps=2", "judged=yes",
	                 "monitors=no"));
	snprintf(gone, sizeof gone, "%s.gone", first.folder);
	assert_int_equal(rename(first.folder, gone), 0);
	char folder[PATH_MAX];
	snprintf(folder, sizeof folder, "%s", part.folder);
	part.resume = folder;
	train_it(&part, "importer", OPTIONS("steps=6"));
	same_file(in_run(&whole, "checkpoint-000006.safetensors"),
	          in_run(&part, "checkpoint-000006.safetensors"));
	draw(whole.folder, 3, b, N);
	assert_memory_equal(a, b, sizeof a);

	/* a run inside a run inside a run */
	gm_train_call outer = {0}, again = {0};
	snprintf(from, sizeof from, "stage1=%s", whole.folder);
	train_it(&outer, "importer",
	         OPTIONS(from, "data=glyphs", "size=16", "batch=4", "steps=2", "monitors=no"));
	draw(outer.folder, 3, b, N);
	assert_memory_equal(a, b, sizeof a);
	snprintf(from, sizeof from, "stage1=%s", outer.folder);
	train_it(&again, "importer",
	         OPTIONS(from, "data=glyphs", "size=16", "batch=4", "steps=1", "monitors=no"));
	is = tensors(in_run(&again, "checkpoint-000001.safetensors"), "stage1/stage1/stage1/G/",
	             &m);
	assert_true(m > 500);
	free(is);
	draw(again.folder, 3, b, N);
	assert_memory_equal(a, b, sizeof a);

	/* what cannot be */
	gm_train_call bad = {0};
	snprintf(from, sizeof from, "stage1=%s", whole.folder);
	REFUSED(train(&bad, &err, "importer", out,
	              OPTIONS(from, "data=glyphs", "size=16", "batch=4", "judged=yes")),
	        &err, "option stage1", "\"discriminate\"", "with: generate");
	err = (gm_error){0};
	REFUSED(train(&bad, &err, "importer", out, OPTIONS("data=glyphs", "size=16")), &err,
	        "option stage1", "empty");
	err = (gm_error){0};
	REFUSED(train(&bad, &err, "importer", out, OPTIONS("stage1=/nowhere", "data=glyphs")), &err,
	        "option stage1", "/nowhere");
	free((char *)out);
}

int main(void)
{
	gm_error err = {0};
	if (!gm_model_register(&importer, &err))
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_runs_endpoint),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
