/* SPDX-License-Identifier: MIT
 *
 * test_releases.c -- checkpoints of earlier releases can always be opened:
 * tests/checkpoints/RELEASE-MODEL.safetensors, small ones written by that release, with its sample
 * images of seed 1. A release adds its own. (pacgan's nets have one size, of megabytes, so it has
 * none: its layers are those of gan.)
 */
#include "runs.h"

#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "ganymede/image.h"
#include "tensorfile/safetensors.h"

static const char folder[] = "tests/checkpoints";

static const char *path_of(const char *name, const char *ending)
{
	static char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/%.*s%s", folder, (int)(strrchr(name, '.') - name), name,
	         ending);
	return path;
}

/* The image that the release drew, within two of 255 steps: other processors and thread counts sum
 * in other orders. */
static void same_image(const char *name, const gm_image *got)
{
	gm_error err = {0};
	gm_image *want = gm_png_read(path_of(name, ".png"), &err);
	must(want != NULL, &err);
	assert_int_equal(want->width, got->width);
	assert_int_equal(want->height, got->height);
	assert_int_equal(want->channels, got->channels);
	size_t n = (size_t)got->width * got->height * got->channels;
	for (size_t i = 0; i < n; i++)
		if (abs(want->pixel[i] - got->pixel[i]) > 2)
			fail_msg("%s: value %zu is %d, the release drew %d", name, i, got->pixel[i],
			         want->pixel[i]);
	gm_image_free(want);
}

static void draws_as_before(const char *name, gm_saved *s)
{
	gm_error err = {0};
	const gm_facts *f = gm_saved_facts(s);
	int64_t n = f->points ? 4096 : 4;
	float *x = malloc(n * f->numel * sizeof *x);
	int32_t label[4096];
	for (int i = 0; i < n; i++) /* four in a row of a grid, all of the first class */
		label[i] = 0;
	must(gm_saved_draw(s, &(gm_samples){.seed = 1, .n = n, .label = label}, x, &err), &err);
	gm_image *im =
		f->points ? gm_image_scatter(&(gm_scatter){.fake = x,
	                                                   .n_fake = n,
	                                                   .extent = 1.1 * fmax(fabs(f->low),
	                                                                        fabs(f->high))},
	                                     &err)
			  : gm_image_grid(x,
	                                  &(gm_grid){.n = n,
	                                             .channels = f->channels,
	                                             .height = f->height,
	                                             .width = f->width,
	                                             .columns = 4},
	                                  &err);
	must(im != NULL, &err);
	same_image(name, im);
	gm_image_free(im);
	free(x);
}

/* An endpoint that takes examples gives finite numbers. */
static void applies(gm_saved *s, const char *endpoint)
{
	gm_error err = {0};
	gm_shape shape = gm_saved_shape(s, endpoint);
	int64_t n = gm_saved_batch(s), numel = gm_saved_facts(s)->numel, out = 1;
	for (int i = 1; i < shape.rank; i++)
		out *= shape.dim[i];
	float *x = calloc(n * numel, sizeof *x), *y = malloc(n * out * sizeof *y);
	must(gm_saved_apply(s, endpoint, (const void *[]){x, NULL, NULL, NULL}, n, 0, y, &err),
	     &err);
	for (int64_t i = 0; i < n * out; i++)
		assert_true(isfinite(y[i]));
	free(x), free(y);
}

static void old_checkpoints_open(void **state)
{
	(void)state;
	int found = 0;
	DIR *d = opendir(folder);
	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));) {
		const char *dot = strrchr(e->d_name, '.');
		if (!dot || strcmp(dot, ".safetensors"))
			continue;
		gm_error err = {0};
		gm_saved *s = gm_saved_open(path_of(e->d_name, ".safetensors"),
		                            &(gm_saved_options){.batch = 4}, &err);
		must(s != NULL, &err);
		if (gm_saved_has(s, "generate"))
			draws_as_before(e->d_name, s);
		else
			applies(s, gm_saved_has(s, "translate") ? "translate" : "classify");
		gm_saved_free(s);
		found++;
	}
	closedir(d);
	assert_true(found >= 8);
}

/* Resumes the release's run of a model to five steps; returns the folder of runs. */
static const char *resume_old(const char *model)
{
	gm_error err = {0};
	char to[PATH_MAX], name[64], folder_of_run[96];
	snprintf(name, sizeof name, "0.1-%s.safetensors", model);
	snprintf(folder_of_run, sizeof folder_of_run, "old-%s/00000-%s", model, model);
	const char *from = path_of(name, ".safetensors");
	must(gm_file_make_folder(scratch_path(folder_of_run), &err), &err);
	gm_bytes b = {0};
	must(gm_file_open(from, &b, &err), &err);
	snprintf(to, sizeof to, "%s/checkpoint-000003.safetensors", scratch_path(folder_of_run));
	must(gm_file_write(to, b.data, b.size, &err), &err);
	gm_file_close(&b);
	*strrchr(folder_of_run, '/') = 0;
	gm_settings *s = gm_settings_new(gm_model_find(model));
	must(gm_settings_set(s, "steps", "5", &err) &&
	             gm_settings_set(s, "outdir", scratch_path(folder_of_run), &err),
	     &err);
	gm_train_call call = {.settings = s, .resume = "0"};
	must(gm_train(&call, &err), &err);
	assert_int_equal(call.step, 5);
	gm_settings_delete(s);
	return scratch_path(folder_of_run);
}

/* A run of this release is as good as one of an earlier one: it goes on. */
static void old_checkpoints_resume(void **state)
{
	(void)state;
	gm_error err = {0};
	resume_old("infogan");
	/* A moving average of an earlier release goes on with its whole decay. */
	char path[PATH_MAX + 64];
	snprintf(path, sizeof path, "%s/00000-dcgan/checkpoint-000005.safetensors",
	         resume_old("dcgan"));
	gm_st *st = gm_st_open(path, &err);
	must(st != NULL, &err);
	const gm_st_tensor *t = gm_st_find(st, "G/adam.averaged");
	assert_non_null(t);
	float count;
	memcpy(&count, t->data, sizeof count);
	assert_true(count >= 1e9f);
	gm_st_close(st);
}

/* Options that this version does not know have no effect, are named, and are written again. */
static void unknown_options_are_kept(void **state)
{
	(void)state;
	gm_error err = {0};
	gm_saved_free(TRAINED("gan", "data=ring8", "batch=4", "width=8", "steps=2"));
	char path[PATH_MAX + 64], text[4096];
	snprintf(path, sizeof path, "%s/checkpoint-000002.safetensors", last_run);
	gm_st *st = gm_st_open(path, &err);
	must(st != NULL, &err);
	int64_t tensors = gm_st_count(st), metas = gm_st_meta_count(st);
	gm_st_tensor *t = calloc(tensors, sizeof *t);
	gm_st_pair *m = calloc(metas, sizeof *m);
	for (int64_t i = 0; i < tensors; i++)
		t[i] = *gm_st_at(st, i);
	for (int64_t i = 0; i < metas; i++) {
		m[i] = gm_st_meta_at(st, i);
		if (!strcmp(m[i].key, "options")) {
			snprintf(text, sizeof text, "{\"colour\": \"red\", %s", m[i].value + 1);
			m[i].value = text;
		}
	}
	char other[PATH_MAX + 64];
	snprintf(other, sizeof other, "%s/checkpoint-000003.safetensors", last_run);
	must(gm_st_write(other, t, tensors, m, metas, &err), &err);
	gm_st_close(st);
	free(t), free(m);
	gm_saved *s = gm_saved_open(last_run, NULL, &err);
	must(s != NULL, &err);
	assert_string_equal(gm_saved_unknown_options(s), "colour");
	gm_saved_free(s);
	gm_settings *settings = gm_settings_new(gm_model_find("gan"));
	must(gm_settings_set(settings, "steps", "4", &err), &err);
	gm_train_call call = {.settings = settings, .resume = last_run};
	must(gm_train(&call, &err), &err);
	gm_settings_delete(settings);
	s = gm_saved_open(last_run, NULL, &err);
	must(s != NULL, &err);
	assert_string_equal(gm_saved_unknown_options(s), "colour");
	gm_saved_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(old_checkpoints_open),
		cmocka_unit_test(old_checkpoints_resume),
		cmocka_unit_test(unknown_options_are_kept),
	};
	return cmocka_run_group_tests_name("releases", tests, scratch_make, scratch_remove);
}
