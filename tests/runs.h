/* SPDX-License-Identifier: MIT
 *
 * runs.h -- short trainings for tests, opened afterwards.
 */
#ifndef TESTS_RUNS_H
#define TESTS_RUNS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scratch.h"
#include "run/folder.h"
#include "ganymede/saved.h"
#include "ganymede/train.h"
#include "run/settings.h"
#include "tensorfile/safetensors.h"

static void must(bool ok, const gm_error *err)
{
	if (!ok)
		fail_msg("%s", err->message);
}

static char last_run[PATH_MAX]; /* its folder */

/* Settings of a model with options as "name=value" texts, in the folder of the test's runs. */
static void set_options(gm_settings *s, const char *model, const char *const *options)
{
	gm_error err = {0};
	char name[64];
	gm_settings_init(s, gm_model_find(model));
	must(gm_settings_set(s, "outdir", scratch_path("runs"), &err) &&
	             gm_settings_set(s, "data", "glyphs", &err) &&
	             gm_settings_set(s, "log-every", "10", &err),
	     &err);
	for (; *options; options++) {
		const char *equals = strchr(*options, '=');
		snprintf(name, sizeof name, "%.*s", (int)(equals - *options), *options);
		must(gm_settings_set(s, name, equals + 1, &err), &err);
	}
}

/* Trains with options as "name=value" texts; after that the run is open. o may be NULL. */
#define TRAINED_AS(model, o, ...) trained(model, o, (const char *const[]){__VA_ARGS__, NULL})
#define TRAINED(model, ...) TRAINED_AS(model, NULL, __VA_ARGS__)
static gm_saved *trained(const char *model, const gm_saved_options *o, const char *const *options)
{
	gm_settings s;
	gm_error err = {0};
	char checkpoint[PATH_MAX];
	set_options(&s, model, options);
	gm_train_call call = {.settings = &s};
	must(gm_train(&call, &err), &err);
	gm_settings_free(&s);
	snprintf(last_run, sizeof last_run, "%s", call.folder);
	must(gm_folder_checkpoint(call.folder, "", checkpoint, NULL, &err), &err);
	gm_saved *saved = gm_saved_open(checkpoint, o, &err);
	must(saved != NULL, &err);
	return saved;
}

/* The last value of `key` that the newest run logged. */
static inline double last_of(const char *key)
{
	char path[PATH_MAX + 16], line[4096], word[64];
	double v = NAN;
	snprintf(path, sizeof path, "%s/stats.jsonl", last_run);
	snprintf(word, sizeof word, "\"%s\":", key);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof line, f)) {
		const char *at = strstr(line, word);
		if (at)
			v = strtod(at + strlen(word), NULL);
	}
	fclose(f);
	return v;
}

/* Bit i of the result: a weight, bias or gain of the net net[i] ("G/") has another value in b than
 * in a. */
static inline unsigned moved_nets(gm_saved *a, gm_saved *b, const char *const *net, int n)
{
	gm_error err = {0};
	gm_st *x = gm_st_open(gm_saved_path(a), &err), *y = gm_st_open(gm_saved_path(b), &err);
	unsigned changed = 0;
	must(x && y, &err);
	for (int64_t i = 0; i < gm_st_count(x); i++) {
		const gm_st_tensor *p = gm_st_at(x, i), *q = gm_st_find(y, p->name);
		const char *last = strrchr(p->name, '/');
		size_t bytes = sizeof(float);
		for (int k = 0; k < p->rank; k++)
			bytes *= (size_t)p->dims[k];
		for (int k = 0; k < n; k++)
			if (last &&
			    (!strcmp(last, "/weight") || !strcmp(last, "/bias") ||
			     !strcmp(last, "/gain")) &&
			    !strncmp(p->name, net[k], strlen(net[k])) &&
			    memcmp(p->data, q->data, bytes))
				changed |= 1u << k;
	}
	gm_st_close(x);
	gm_st_close(y);
	return changed;
}

/* The run with variables that `edit` has changed: it gets each one, with its n values x, and
 * returns true if it changed it. */
typedef bool edit_variable(const gm_st_tensor *t, float *x, int64_t n, const void *ctx);
static inline gm_saved *edited(gm_saved *of, edit_variable *edit, const void *ctx)
{
	gm_error err = {0};
	char path[PATH_MAX];
	gm_st *st = gm_st_open(gm_saved_path(of), &err);
	must(st != NULL, &err);
	const int64_t n = gm_st_count(st), metas = gm_st_meta_count(st);
	int64_t found = 0;
	gm_st_tensor *tensor = malloc(n * sizeof *tensor);
	gm_st_pair *meta = malloc(metas * sizeof *meta);
	float **changed = calloc(n, sizeof *changed);
	for (int64_t i = 0; i < n; i++) {
		const gm_st_tensor *t = gm_st_at(st, i);
		int64_t numel = 1;
		for (int k = 0; k < t->rank; k++)
			numel *= t->dims[k];
		tensor[i] = *t;
		if (t->type != GM_ST_F32)
			continue;
		changed[i] = malloc(numel * sizeof **changed);
		memcpy(changed[i], t->data, numel * sizeof **changed);
		tensor[i].data = changed[i];
		found += edit(t, changed[i], numel, ctx);
	}
	for (int64_t i = 0; i < metas; i++)
		meta[i] = gm_st_meta_at(st, i);
	assert_true(found > 0);
	snprintf(path, sizeof path, "%s", scratch_path("edited.safetensors"));
	must(gm_st_write(path, tensor, n, meta, metas, &err), &err);
	gm_st_close(st);
	for (int64_t i = 0; i < n; i++)
		free(changed[i]);
	free(tensor), free(meta), free(changed);
	gm_saved *s = gm_saved_open(path, NULL, &err);
	must(s != NULL, &err);
	return s;
}

typedef struct zero_range {
	const char *name;
	int64_t from, to;
} zero_range;

static inline bool put_zeros(const gm_st_tensor *t, float *x, int64_t n, const void *ctx)
{
	const zero_range *z = ctx;
	int64_t rest = 1, second = t->rank > 1 ? t->dims[1] : 1;
	if (!strstr(t->name, z->name))
		return false;
	for (int k = 2; k < t->rank; k++)
		rest *= t->dims[k];
	for (int64_t k = 0; k < n; k++)
		if (k / rest % second >= z->from && k / rest % second < z->to)
			x[k] = 0;
	return true;
}

/* The run with zeros in the variables whose names contain this: in their values [.., from .. to -
 * 1, ..] of the second dimension, which in weights of convolutions is the input channel. */
static inline gm_saved *zeroed(gm_saved *of, const char *name, int64_t from, int64_t to)
{
	return edited(of, put_zeros, &(zero_range){name, from, to});
}

#endif
