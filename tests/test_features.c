/* SPDX-License-Identifier: MIT
 *
 * test_features.c -- extractors: their names, what they refuse, and what they compute. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ganymede/features.h"
#include "metrics/extractor.h"
#include "scratch.h"

#include <math.h>

static void refused(const char *name, const char *weights, gm_code code, const char *part)
{
	gm_error err = {0};
	assert_null(gm_extractor_open(name, weights, &err));
	assert_int_equal(err.code, code);
	if (!strstr(err.message, part))
		fail_msg("\"%s\" says nothing of \"%s\"", err.message, part);
}

static void names(void **state)
{
	const char *about = NULL;
	bool pixels = false;
	(void)state;
	for (int i = 0; gm_extractor_names(i, &about); i++) {
		pixels |= !strcmp(gm_extractor_names(i, NULL), "pixels");
		assert_true(strlen(about) > 0);
	}
	assert_true(pixels);
	assert_null(gm_extractor_names(-1, NULL));
	refused("pixel", NULL, GM_ERR_VALUE, "did you mean pixels");
	refused("zzz", NULL, GM_ERR_VALUE, "known are pixels");
	refused("pixels", "weights.pth", GM_ERR_VALUE, "no weights");
}

static void pixels_are_themselves(void **state)
{
	gm_error err = {0};
	float x[2 * 3 * 2 * 4], f[2 * 24], logits[2];
	gm_extractor_input in = {x, 2, 3, 2, 4};
	(void)state;
	for (int i = 0; i < 48; i++)
		x[i] = (float)i / 48;
	gm_extractor *e = gm_extractor_open("pixels", NULL, &err);
	assert_non_null(e);
	const gm_extractor_info *info = gm_extractor_info_of(e);
	assert_string_equal(info->name, "pixels");
	assert_string_equal(info->sha256, "");
	assert_int_equal(gm_extractor_width(e, &in), 24);
	assert_true(gm_extractor_run(e, &in, f, NULL, &err));
	assert_memory_equal(x, f, sizeof x);
	assert_false(gm_extractor_run(e, &in, f, logits, &err));
	assert_non_null(strstr(err.message, "no classes"));
	err = (gm_error){0};
	x[24 + 3] = NAN;
	assert_false(gm_extractor_run(e, &in, f, NULL, &err));
	assert_non_null(strstr(err.message, "picture 1"));
	err = (gm_error){0};
	in.channels = 2;
	assert_false(gm_extractor_run(e, &in, f, NULL, &err));
	assert_int_equal(err.code, GM_ERR_VALUE);
	gm_extractor_free(e);
	gm_extractor_free(NULL);
}

static bool sum(void *self, const gm_extractor_input *in, float *features, float *logits,
                gm_error *err)
{
	(void)err;
	for (int64_t i = 0; i < in->n; i++) {
		float s = 0;
		for (int k = 0; k < in->channels * in->height * in->width; k++)
			s += in->x[i * in->channels * in->height * in->width + k];
		if (features)
			features[i] = s;
		if (logits)
			logits[2 * i] = s, logits[2 * i + 1] = -s;
	}
	++*(int *)self;
	return true;
}

static void one_of_your_own(void **state)
{
	static const gm_extractor_kind kind = {.run = sum};
	int calls = 0;
	char name[8] = "mine";
	gm_error err = {0};
	const float x[4] = {1, 2, 3, 4};
	float f[2], logits[4];
	(void)state;
	gm_extractor *e = gm_extractor_wrap(
		&kind, &calls,
		&(gm_extractor_info){.name = name, .resize = "none", .features = 1, .classes = 2},
		&err);
	assert_non_null(e);
	strcpy(name, "gone");
	assert_string_equal(gm_extractor_info_of(e)->name, "mine");
	gm_extractor_input in = {x, 2, 1, 1, 2};
	assert_true(gm_extractor_run(e, &in, f, logits, &err));
	assert_int_equal(calls, 1);
	assert_true(f[0] == 3 && f[1] == 7 && logits[3] == -7);
	gm_extractor_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(pixels_are_themselves),
		cmocka_unit_test(one_of_your_own),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
