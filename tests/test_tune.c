/* SPDX-License-Identifier: MIT
 *
 * test_tune.c -- tuning of convolutions: choices are reported, cached, overridden by those recorded
 * in a run, and never give wrong results, whatever the cache file contains.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <glob.h>

#include "base/file.h"
#include "ganymede/graph.h"
#include "scratch.h"

/* The choices of a graph with one convolution; NULL in `read` or its result. */
static char *choices(const char *tune, const char *tuned, float *read)
{
	gm_graph *g =
		gm_graph_new(&(gm_graph_options){.backend = "cpu", .tune = tune, .tuned = tuned});
	gm_node *x = gm_input(g, "x", GM_SHAPE(4, 16, 8, 8), GM_F32),
		*w = gm_input(g, "w", GM_SHAPE(64, 16, 4, 4), GM_F32);
	float v[64 * 16 * 16];
	for (int i = 0; i < 64 * 16 * 16; i++)
		v[i] = (float)(i % 5) - 2;
	gm_set_f32(x, v, gm_node_size(x)), gm_set_f32(w, v, gm_node_size(w));
	gm_node *y = gm_conv2d(x, w, (gm_conv_options){.stride = {2, 2}, .pad = {1, 1, 1, 1}});
	gm_step *s = gm_compile(g, y);
	if (!s)
		fail_msg("%s", gm_graph_error(g)->message);
	gm_step_run(s);
	if (read)
		assert_true(gm_step_read(s, y, read, gm_node_size(y)));
	char *text = strdup(gm_graph_tuned(g));
	gm_graph_free(g);
	return text;
}

/* A cache folder of its own. */
static void fresh(const char *name)
{
	char path[4096];
	assert_non_null(realpath(scratch_path(""), path));
	snprintf(path + strlen(path), sizeof path - strlen(path), "/%s", name);
	setenv("XDG_CACHE_HOME", path, 1);
}

static char *cache_file(void)
{
	char pattern[4200];
	glob_t g;
	snprintf(pattern, sizeof pattern, "%s/ganymede/tune/*", getenv("XDG_CACHE_HOME"));
	if (glob(pattern, 0, NULL, &g))
		return NULL;
	char *path = strdup(g.gl_pathv[0]);
	assert_int_equal(g.gl_pathc, 1);
	globfree(&g);
	return path;
}

static char *content(void)
{
	gm_bytes b;
	char *path = cache_file();
	assert_non_null(path);
	assert_true(gm_file_open(path, &b, NULL));
	char *text = strndup((const char *)b.data, b.size);
	gm_file_close(&b);
	free(path);
	return text;
}

static void put(const char *text)
{
	char *path = cache_file();
	assert_true(gm_file_write(path, text, strlen(text), NULL));
	free(path);
}

/* "KEY=WAY;" to its parts */
static void split(char *tuned, char **key, char **way)
{
	*key = tuned;
	*way = strchr(tuned, '=');
	assert_non_null(*way);
	*(*way)++ = 0;
	assert_true(strlen(*way) > 1 && (*way)[strlen(*way) - 1] == ';');
	(*way)[strlen(*way) - 1] = 0;
}

static void without_it_nothing_is_chosen(void **state)
{
	(void)state;
	fresh("off");
	char *none = choices(NULL, NULL, NULL), *off = choices("off", "", NULL);
	assert_string_equal(none, "");
	assert_string_equal(off, "");
	free(none), free(off);
	char *file = cache_file();
	const bool kept = file != NULL;
	free(file);
	assert_false(kept);
}

static void what_was_measured_is_kept(void **state)
{
	(void)state;
	char *key, *way, line[600], other[600];
	fresh("kept");
	char *first = choices("on", NULL, NULL);
	split(first, &key, &way);
	assert_true(!strncmp(key, "conv:4x16x8x8:64x16x4x4:", 24));
	char *text = content();
	snprintf(line, sizeof line, "%s %s ", key, way);
	assert_true(!strncmp(text, line, strlen(line)));
	/* The file is believed: another way there is another way here. */
	const char *another = strcmp(way, "onednn") ? "onednn" : "phases";
	snprintf(other, sizeof other, "%s %s 0\n", key, another);
	put(other);
	char *second = choices("on", NULL, NULL), *k2, *w2;
	split(second, &k2, &w2);
	assert_string_equal(w2, another);
	/* What the run recorded is believed before the file. */
	char recorded[600];
	snprintf(recorded, sizeof recorded, "%s=%s;", key, way);
	char *third = choices("on", recorded, NULL);
	assert_string_equal(third, recorded);
	char *fourth = choices("again", recorded, NULL);
	assert_string_equal(fourth, recorded);
	/* Again measures anew, and writes. */
	free(choices("again", NULL, NULL));
	char *after = content();
	assert_null(strstr(after, " 0\n"));
	assert_non_null(strstr(after, key));
	free(first), free(second), free(third), free(fourth), free(text), free(after);
}

/* Every way gives the result, and a file full of nonsense does no harm. */
static void no_way_is_wrong(void **state)
{
	(void)state;
	char *key, *way, text[1200];
	static float want[4 * 64 * 16], got[4 * 64 * 16];
	fresh("nonsense");
	char *first = choices("on", NULL, want);
	split(first, &key, &way);
	static const char *const names[] = {"phases", "runs", "patches", "onednn", "nonsense", ""};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(text, sizeof text, "%s=%s;", key, names[i]);
		free(choices("on", text, got));
		assert_memory_equal(got, want, sizeof want); /* whole numbers: exact in any order */
		snprintf(text, sizeof text, "\n\n= = =\n%s\n%s %s\n%s %s x\n%s", key, key, names[i],
		         key, names[i], key);
		put(text);
		char *c = choices("on", NULL, got);
		assert_memory_equal(got, want, sizeof want);
		assert_non_null(strstr(c, key)); /* measured: no line was one */
		free(c);
	}
	static const char *const wild[] = {"", ";", "=", "=;", "a", "a=b", "a=b;c", ";;;=x;"};
	for (size_t i = 0; i < sizeof wild / sizeof *wild; i++)
		free(choices("on", wild[i], got));
	free(first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_it_nothing_is_chosen),
		cmocka_unit_test(what_was_measured_is_kept),
		cmocka_unit_test(no_way_is_wrong),
	};
	return cmocka_run_group_tests_name("tune", tests, scratch_make, scratch_remove);
}
