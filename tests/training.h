/* SPDX-License-Identifier: MIT
 *
 * training.h -- whole, small runs with options as text; and checks of their files.
 */
#ifndef TESTS_TRAINING_H
#define TESTS_TRAINING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/file.h"
#include "scratch.h"
#include "ganymede/train.h"
#include "run/settings.h"

/* A call with options as "name=value" texts, ended by NULL. */
static inline bool train(gm_train_call *call, gm_error *err, const char *model, const char *outdir,
                         const char *const *options)
{
	gm_settings s;
	char name[64];
	gm_settings_init(&s, gm_model_find(model));
	assert_true(gm_settings_set(&s, "outdir", outdir, err));
	for (; *options; options++) {
		const char *equals = strchr(*options, '=');
		snprintf(name, sizeof name, "%.*s", (int)(equals - *options), *options);
		assert_true(gm_settings_set(&s, name, equals + 1, err));
	}
	call->settings = &s;
	bool ok = gm_train(call, err);
	call->settings = NULL;
	gm_settings_free(&s);
	return ok;
}

#define OPTIONS(...) ((const char *const[]){__VA_ARGS__, NULL})

static inline void must(bool ok, const gm_error *err)
{
	if (!ok)
		fail_msg("%s", err->message);
}

/* That it failed, and that the message holds each of the words. */
#define REFUSED(ok, err, ...) refused(ok, err, ((const char *const[]){__VA_ARGS__, NULL}))
static inline void refused(bool ok, const gm_error *err, const char *const *words)
{
	assert_false(ok);
	assert_true(err->code != GM_OK);
	for (; *words; words++)
		if (!strstr(err->message, *words))
			fail_msg("\"%s\" does not say \"%s\"", err->message, *words);
	assert_null(strchr(err->message, '\n'));
}

static inline char *in_run(const gm_train_call *call, const char *file)
{
	static char path[4][PATH_MAX + 80];
	static int turn;
	char *p = path[turn++ & 3];
	snprintf(p, sizeof path[0], "%s/%s", call->folder, file);
	return p;
}

static inline void same_file(const char *a, const char *b)
{
	gm_bytes x, y;
	gm_error err = {0};
	must(gm_file_open(a, &x, &err) && gm_file_open(b, &y, &err), &err);
	if (x.size != y.size || memcmp(x.data, y.data, x.size))
		fail_msg("%s and %s differ", a, b);
	gm_file_close(&x);
	gm_file_close(&y);
}

static inline bool in_file(const char *path, const char *word)
{
	gm_bytes b;
	gm_error err = {0};
	must(gm_file_open(path, &b, &err), &err);
	bool found = memmem(b.data, b.size, word, strlen(word)) != NULL;
	gm_file_close(&b);
	return found;
}

#endif
