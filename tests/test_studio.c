/* SPDX-License-Identifier: MIT
 *
 * test_studio.c -- the studio's parts without the network: logged values and their summaries, the
 * guard of requests, JSON bodies, files of run folders, places of data, events.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "report/series.h"
#include "scratch.h"
#include "studio/below.h"
#include "studio/body.h"
#include "studio/form.h"
#include "studio/guard.h"
#include "studio/hub.h"

static void read_all(gm_series *s, const char *text)
{
	assert_int_equal(gm_series_read(s, text, strlen(text)), strlen(text));
}

static void series_are_read(void **state)
{
	(void)state;
	gm_series s = {0};
	const char *half = "{\"step\": 3, \"a\": 1}\n{\"step\": 4, \"a\"";
	read_all(&s, "{\"step\": 1, \"seen\": 64, \"a\": 0.125, \"b\": \"nan\"}\n"
	             "{\"step\": 2, \"seen\": 128, \"a\": -2.5e-3, \"b\": \"-inf\", \"c\": 7}\n");
	assert_int_equal(s.columns, 3);
	assert_int_equal(s.lines, 2);
	assert_int_equal(s.step, 2);
	assert_int_equal(s.seen, 128);
	int a = gm_series_find(&s, "a"), b = gm_series_find(&s, "b"), c = gm_series_find(&s, "c");
	assert_true(s.column[a].n == 2 && s.column[a].value[1] == -2.5e-3);
	assert_true(isnan(s.column[b].value[0]) && s.column[b].value[1] == -INFINITY);
	assert_true(s.column[c].n == 1 && s.column[c].step[0] == 2);
	/* only complete lines are read */
	assert_int_equal(gm_series_read(&s, half, strlen(half)), 20);
	assert_int_equal(s.column[a].n, 3);
	/* lines that are no objects of numbers are counted, not guessed */
	read_all(&s, "nonsense\n{\"step\": 5, \"a\": [1]}\n{\"step\": 5, \"a\": 1} x\n"
	             "{\"a\": 1}\n{\"step\": 6, \"<img>\": \"text\"}\n{\"step\": -1, \"a\": 1}\n");
	assert_int_equal(s.skipped, 6);
	assert_int_equal(s.column[a].n, 3);
	/* what an earlier version printed for values that are not finite */
	read_all(&s, "{\"step\": 7, \"a\": nan, \"b\": -inf, \"c\": inf}\n");
	assert_true(isnan(s.column[a].value[3]) && s.column[c].value[1] == INFINITY);
	gm_series_free(&s);
}

/* The fast path of the parser must give the double that strtod gives. */
static void numbers_are_exact(void **state)
{
	static const char *const numbers[] = {
		"0",      "-0.0",      "1e22",          "1e23",         "123456789012345678901",
		"0.1",    "5e-324",    "1.7976931e308", "9.999999e-23", "0.000123456789",
		"1e-400", "33554433.3"};
	(void)state;
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		gm_series s = {0};
		char line[100];
		snprintf(line, sizeof line, "{\"step\": 1, \"v\": %s}\n", numbers[i]);
		read_all(&s, line);
		double want = strtod(numbers[i], NULL);
		assert_int_equal(s.columns, 1);
		assert_memory_equal(s.column[0].value, &want, sizeof want);
		gm_series_free(&s);
	}
}

/* Every value is in one bucket, a spike stays the maximum, and the smoothed curve is the formula
 * over all values, not over drawn ones. */
static void buckets_hide_nothing(void **state)
{
	enum { N = 10007, BUCKETS = 100 };
	static double v[N];
	static int64_t step[N];
	(void)state;
	for (int i = 0; i < N; i++)
		step[i] = 10 * i + 10, v[i] = sin(i * .01) + (i == 5003 ? 1000 : 0);
	v[17] = NAN, v[9000] = INFINITY;
	gm_column c = {.step = step, .value = v, .n = N};
	gm_bucket b[BUCKETS];
	const double half = 700;
	int n = gm_series_buckets(&c, &(gm_span){.buckets = BUCKETS, .half = half}, b);
	assert_int_equal(n, BUCKETS);
	size_t finite = 0, other = 0;
	double most = 0;
	for (int i = 0; i < n; i++) {
		finite += b[i].n, other += b[i].nan;
		most = fmax(most, b[i].max);
		double sum = 0, weight = 0;
		for (int j = 0; j < N && step[j] <= b[i].x; j++)
			if (isfinite(v[j])) {
				double w = exp2((double)(step[j] - b[i].x) / half);
				sum += w * v[j], weight += w;
			}
		/* 10,007 products of rounding error 2^-53 each, relative to values up to 1000 */
		assert_true(fabs(b[i].smooth - sum / weight) < 1e-9);
	}
	assert_int_equal(finite, N - 2);
	assert_int_equal(other, 2);
	assert_true(most > 900 && most == v[5003]);
	assert_int_equal(b[n - 1].x, step[N - 1]);
	/* part of it, with a bucket for each value; smoothing still knows the values before */
	n = gm_series_buckets(
		&c, &(gm_span){.from = 170, .to = 200, .buckets = BUCKETS, .half = half}, b);
	assert_int_equal(n, 4);
	assert_true(b[0].x == 170 && b[0].n == 1 && b[1].nan == 1 && isnan(b[1].max));
	assert_true(b[0].smooth != b[0].last);
}

static void requests_are_taken_apart(void **state)
{
	(void)state;
	gm_guard g = {.token = "0123456789abcdef0123456789abcdef",
	              .name = {"127.0.0.1", "localhost", "[::1]"},
	              .names = 3,
	              .port = 7717};
	assert_true(gm_guard_host(&g, "127.0.0.1:7717") && gm_guard_host(&g, "LOCALHOST:7717") &&
	            gm_guard_host(&g, "[::1]:7717"));
	static const char *const hosts[] = {
		"evil.example:7717",  "localhost.evil:7717", "localhost", "127.0.0.1:7718", "",
		"127.0.0.1:7717.evil"};
	for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
		assert_false(gm_guard_host(&g, hosts[i]));
	assert_false(gm_guard_host(&g, NULL));
	assert_true(gm_guard_origin(&g, "http://localhost:7717"));
	assert_false(gm_guard_origin(&g, "null") || gm_guard_origin(&g, "http://localhost:7718") ||
	             gm_guard_origin(&g, "https://localhost:7717"));
	assert_true(gm_guard_token(&g, "0123456789abcdef0123456789abcdef"));
	assert_false(gm_guard_token(&g, "0123456789abcdef0123456789abcdeF") ||
	             gm_guard_token(&g, "") || gm_guard_token(&g, NULL) ||
	             gm_guard_token(&g, "0123456789abcdef0123456789abcdef0"));
	static const char *const ids[] = {"..",          "%2e%2e%2f", "..%2f..%2fetc", "00001-a%00",
	                                  "0001-a",      "00001-",    "00001-a/b",     "00001-a b",
	                                  "/etc/passwd", ""};
	for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
		assert_false(gm_guard_id(ids[i]));
	char id[GM_PATH_ID], long_id[400] = "00001-";
	memset(long_id + 6, 'a', 300);
	assert_false(gm_guard_id(long_id));
	int64_t number = 0;
	assert_true(gm_guard_match("/api/runs/00007-gan-x_1.y/pictures/120",
	                           "/api/runs/ID/pictures/NUMBER", id, &number));
	assert_string_equal(id, "00007-gan-x_1.y");
	assert_int_equal(number, 120);
	assert_false(gm_guard_match("/api/runs/../stats", "/api/runs/ID/stats", id, &number) ||
	             gm_guard_match("/api/runs//stats", "/api/runs/ID/stats", id, &number) ||
	             gm_guard_match("/api/runs/00007-a/pictures/-1", "/api/runs/ID/pictures/NUMBER",
	                            id, &number) ||
	             gm_guard_match("/api/runs/", "/api/runs", id, &number));
	char text[16];
	assert_int_equal(gm_guard_query("a=1&names=x%2Cy+z", "names", text, sizeof text), 1);
	assert_string_equal(text, "x,y z");
	static const char *const bad[] = {"a=%0a", "a=%zz", "a=%", "a=%ff", "a=0123456789abcdefg"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(gm_guard_query(bad[i], "a", text, sizeof text), -1);
		assert_string_equal(text, "");
	}
	assert_int_equal(gm_guard_query("ab=1", "a", text, sizeof text), 0);
}

static void bodies_are_limited(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"{",    "[1]", "{\"a\":1,\"a\":2}", "{\"a\":1e999}", "\"a\"", "{\"a\":\"\xff\"}",
		"{} {}"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		gm_error err = {0};
		assert_null(gm_body_parse(bad[i], strlen(bad[i]), &err));
		assert_int_equal(err.code, GM_ERR_FORMAT);
	}
	char deep[200] = "{\"a\":";
	for (int i = 0; i < 15; i++)
		strcat(deep, "[");
	for (int i = 0; i < 15; i++)
		strcat(deep, "]");
	strcat(deep, "}");
	gm_error err = {0};
	json_t *o = gm_body_parse(deep, strlen(deep), &err);
	assert_non_null(o);
	json_decref(o);
	memmove(deep + 6, deep + 5, strlen(deep) - 4);
	deep[5] = '['; /* the 17th level; now also unbalanced, but the depth is seen first */
	assert_null(gm_body_parse(deep, strlen(deep), &err));
	assert_non_null(strstr(err.message, "16 levels"));
	o = gm_body_parse("{\"note\": \"x\", \"more\": 1}", 24, &err);
	err = (gm_error){0};
	assert_false(gm_body_only(o, "note|colour", &err));
	assert_non_null(strstr(err.message, "more"));
	json_decref(o);
}

/* Files of a run folder: no links, no FIFOs, no devices, no parts upwards. */
static void only_regular_files(void **state)
{
	(void)state;
	char path[PATH_MAX];
	const char *folder = scratch_path("below");
	assert_int_equal(mkdir(folder, 0777), 0);
	snprintf(path, sizeof path, "%s/file", folder);
	assert_true(gm_file_write(path, "hello", 5, NULL));
	snprintf(path, sizeof path, "%s/link", folder);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	snprintf(path, sizeof path, "%s/fifo", folder);
	assert_int_equal(mkfifo(path, 0666), 0);
	snprintf(path, sizeof path, "%s/sub", folder);
	assert_int_equal(symlink("/etc", path), 0);
	int fd = open(folder, O_RDONLY | O_DIRECTORY);
	size_t n = 0;
	char *text = gm_below_read(fd, "file", 1, 3, &n, NULL);
	assert_string_equal(text, "ell");
	free(text);
	int64_t start = 0;
	text = gm_below_read(fd, "file", -1, 2, &n, &start);
	assert_string_equal(text, "lo");
	assert_int_equal(start, 3);
	free(text);
	assert_null(gm_below_read(fd, "link", 0, 100, &n, NULL));
	assert_null(gm_below_read(fd, "fifo", 0, 100, &n, NULL)); /* does not wait for a writer */
	assert_null(gm_below_read(fd, "../below/file", 0, 100, &n, NULL));
	assert_int_equal(gm_below_folder(fd, "sub"), -1);
	assert_int_equal(gm_below_folder(fd, ".."), -1);
	assert_int_equal(gm_below_bytes(fd), 5);
	close(fd);
	fd = open(scratch_path("."), O_RDONLY | O_DIRECTORY);
	assert_true(gm_below_remove(fd, "below"));
	close(fd);
	assert_true(gm_file_exists("/etc/passwd")); /* links were removed, not followed */
}

static void data_stay_in_their_places(void **state)
{
	(void)state;
	static gm_places p;
	gm_error err = {0};
	const char *inside = scratch_path("inside"), *runs = scratch_path("runs");
	char link[PATH_MAX], file[PATH_MAX];
	mkdir(inside, 0777), mkdir(runs, 0777);
	assert_true(gm_places_add(&p, inside, &err));
	assert_non_null(realpath(runs, p.outdir));
	snprintf(link, sizeof link, "%s/way-out", inside);
	assert_int_equal(symlink("/etc", link), 0);
	snprintf(file, sizeof file, "%s/way-out/passwd", inside);
	assert_true(gm_places_allow(&p, "", &err) && gm_places_allow(&p, "mnist", &err) &&
	            gm_places_allow(&p, "set:glyphs", &err) && gm_places_allow(&p, inside, &err) &&
	            gm_places_allow(&p, "00003-gan-ring8", &err));
	const char *const bad[] = {"/etc", "/etc/passwd", "../../etc/passwd", "classifier:/etc/x",
	                           link,   file,          "./tests/../../x"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		err = (gm_error){0};
		assert_false(gm_places_allow(&p, bad[i], &err));
		assert_non_null(strstr(err.message, "outside of --data-root"));
	}
	snprintf(link, sizeof link, "%s/00009-link", runs);
	assert_int_equal(symlink("/etc", link), 0);
	assert_false(gm_places_allow(&p, "00009-link", &err));
}

static int sleeping;

static void note_sleep(void *connection)
{
	(void)connection;
	sleeping++;
}

static void note_wake(void *connection)
{
	(void)connection;
	sleeping--;
}

/* A reader gets the events of its topics in order, sleeps when there are none, and is told when it
 * missed some. */
static void events_are_not_lost(void **state)
{
	(void)state;
	static gm_hub h;
	char text[4096];
	gm_error err = {0};
	gm_hub_init(&h, note_wake);
	assert_null(gm_hub_open(&h, "run:../x", 0, &err));
	gm_hub_reader *r = gm_hub_open(&h, "runs,run:00001-a", 0, &err);
	assert_non_null(r);
	assert_int_equal(gm_hub_read(&h, r, text, sizeof text, note_sleep), 0);
	assert_int_equal(sleeping, 1);
	gm_hub_post(&h, "run:00002-b", "run", json_pack("{s:i}", "x", 1)); /* another topic */
	gm_hub_tick(&h);
	assert_int_equal(sleeping, 1);
	gm_hub_post(&h, "run:00001-a", "run", json_pack("{s:i}", "x", 2));
	gm_hub_tick(&h);
	assert_int_equal(sleeping, 0);
	ptrdiff_t n = gm_hub_read(&h, r, text, sizeof text, note_sleep);
	text[n] = 0;
	assert_non_null(strstr(text, "event: run\ndata: {\"x\":2}\n\n"));
	assert_null(strstr(text, "\"x\":1"));
	uint64_t id = strtoull(text + 4, NULL, 10);
	for (int i = 0; i < 2 * GM_HUB_EVENTS; i++)
		gm_hub_post(&h, "runs", "runs", json_pack("{s:i}", "rev", i));
	n = gm_hub_read(&h, r, text, sizeof text - 1, note_sleep);
	text[n] = 0;
	assert_non_null(strstr(text, "event: resync"));
	json_t *o = gm_hub_poll(&h, "runs", id, &err);
	assert_string_equal(json_string_value(json_object_get(
				    json_array_get(json_object_get(o, "events"), 0), "event")),
	                    "resync");
	json_decref(o);
	gm_hub_reader *all[GM_HUB_READERS];
	for (int i = 1; i < GM_HUB_READERS; i++)
		assert_non_null(all[i] = gm_hub_open(&h, "runs", 0, &err));
	err = (gm_error){0};
	assert_null(gm_hub_open(&h, "runs", 0, &err));
	assert_int_equal(err.code, GM_ERR_STATE);
	for (int i = 1; i < GM_HUB_READERS; i++)
		gm_hub_close(&h, all[i]);
	gm_hub_close(&h, r);
	gm_hub_free(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(series_are_read),
		cmocka_unit_test(numbers_are_exact),
		cmocka_unit_test(buckets_hide_nothing),
		cmocka_unit_test(requests_are_taken_apart),
		cmocka_unit_test(bodies_are_limited),
		cmocka_unit_test(only_regular_files),
		cmocka_unit_test(data_stay_in_their_places),
		cmocka_unit_test(events_are_not_lost),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
