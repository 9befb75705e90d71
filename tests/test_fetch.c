/* SPDX-License-Identifier: MIT
 *
 * test_fetch.c -- downloads from a test server with many kinds of failures: afterwards there is the
 * complete, correct file, or none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/file.h"
#include "data/fetch.h"
#include "scratch.h"

#include <arpa/inet.h>
#include <nettle/sha2.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>

#define SIZE 300000

static uint8_t content[SIZE];
static char hash[65], address[64];
static int listening;
static atomic_int requests, resumed;

static void say(int fd, const char *text)
{
	assert_true(send(fd, text, strlen(text), MSG_NOSIGNAL) >= 0);
}

/* Bytes from .. to-1 of a body that was announced as ending at `end`. */
static void answer(int fd, int status, long from, long to, long end)
{
	char head[256];
	snprintf(head, sizeof head, "HTTP/1.1 %d X\r\nContent-Length: %ld\r\n%s%s\r\n", status,
	         end - from, "Connection: close\r\n", "");
	if (status == 206)
		snprintf(head, sizeof head,
		         "HTTP/1.1 206 X\r\nContent-Length: %ld\r\nContent-Range: bytes "
		         "%ld-%ld/%ld\r\nConnection: "
		         "close\r\n\r\n",
		         end - from, from, end - 1, end);
	say(fd, head);
	while (from < to) {
		const ssize_t n = send(fd, content + from, (size_t)(to - from), MSG_NOSIGNAL);
		if (n <= 0)
			return;
		from += n;
	}
}

static void serve(int fd)
{
	char text[2048];
	size_t n = 0;
	while (n < sizeof text - 1) {
		const ssize_t got = recv(fd, text + n, sizeof text - 1 - n, 0);
		if (got <= 0)
			return;
		text[n += (size_t)got] = 0;
		if (strstr(text, "\r\n\r\n"))
			break;
	}
	char how[32] = "";
	sscanf(text, "GET /%31[^/]/", how);
	const char *range = strcasestr(text, "Range: bytes=");
	const long from = range ? atol(range + 13) : 0;
	requests++;
	resumed += from > 0;
	const int status = from > 0 ? 206 : 200;
	if (strcmp(how, "good") == 0 && from >= SIZE)
		say(fd, "HTTP/1.1 416 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
	else if (strcmp(how, "good") == 0)
		answer(fd, status, from, SIZE, SIZE);
	else if (strcmp(how, "drops") == 0) /* a hundred thousand bytes at a time */
		answer(fd, status, from, from + 100000 < SIZE ? from + 100000 : SIZE, SIZE);
	else if (strcmp(how, "dead") == 0)
		answer(fd, status, from, from < 50000 ? 50000 : from, SIZE);
	else if (strcmp(how, "forgetful") == 0) /* knows no ranges */
		answer(fd, 200, 0, SIZE, SIZE);
	else if (strcmp(how, "hopeless") == 0) /* nor ends */
		answer(fd, 200, 0, 1000, SIZE);
	else if (strcmp(how, "wrong") == 0)
		answer(fd, 200, 100, SIZE, SIZE);
	else if (strcmp(how, "moved") == 0)
		say(fd, "HTTP/1.1 302 X\r\nLocation: /good/file\r\nContent-Length: "
		        "0\r\nConnection: close\r\n\r\n");
	else if (strcmp(how, "file") == 0)
		say(fd, "HTTP/1.1 302 X\r\nLocation: file:///etc/passwd\r\nContent-Length: "
		        "0\r\nConnection: close\r\n\r\n");
	else if (strcmp(how, "slow") == 0) {
		answer(fd, 200, 0, 1000, SIZE);
		sleep(4);
	} else
		say(fd, "HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\nConnection: "
		        "close\r\n\r\nnot found");
}

static void *server(void *unused)
{
	(void)unused;
	for (;;) {
		const int fd = accept(listening, NULL, NULL);
		if (fd < 0)
			return NULL;
		serve(fd);
		shutdown(fd, SHUT_WR);
		close(fd);
	}
}

static int start(void **state)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof at;
	pthread_t thread;
	struct sha256_ctx sha;
	uint8_t digest[32];
	if (scratch_make(state))
		return -1;
	setenv("XDG_CACHE_HOME", scratch_path("cache"), 1);
	setenv("no_proxy", "127.0.0.1", 1);
	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < SIZE; i++)
		content[i] = (uint8_t)(i * 2654435761u >> 13);
	sha256_init(&sha);
	sha256_update(&sha, SIZE, content);
	sha256_digest(&sha, 32, digest);
	for (int i = 0; i < 32; i++)
		snprintf(hash + 2 * (size_t)i, 3, "%02x", digest[i]);
	listening = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listening, (struct sockaddr *)&at, sizeof at) || listen(listening, 8) ||
	    getsockname(listening, (struct sockaddr *)&at, &n))
		return -1;
	snprintf(address, sizeof address, "http://127.0.0.1:%d/", ntohs(at.sin_port));
	return pthread_create(&thread, NULL, server, NULL) || pthread_detach(thread);
}

/* Fetches by the server's bad habit. */
static bool fetch(const char *how, gm_error *err)
{
	char base[128];
	snprintf(base, sizeof base, "%s%s/", address, how);
	const gm_fetch_file f = {base, "file", hash};
	*err = (gm_error){0};
	requests = resumed = 0;
	return gm_fetch_one(scratch_path("to"), &f, &(gm_fetch_options){.patience = 1}, err);
}

static void is_whole(void)
{
	gm_bytes b;
	assert_true(gm_file_open(scratch_path("to/file"), &b, NULL));
	assert_int_equal(b.size, SIZE);
	assert_memory_equal(b.data, content, SIZE);
	gm_file_close(&b);
	assert_false(gm_file_exists(scratch_path("to/file.part")));
}

static void begin(void)
{
	char command[160];
	snprintf(command, sizeof command, "rm -rf '%s' && mkdir '%s'", scratch_path("to"),
	         scratch_path("to"));
	assert_int_equal(system(command), 0);
}

static void arrives_whole(void **state)
{
	(void)state;
	static const struct {
		const char *how;
		int requests, resumed;
	} ways[] = {{"good", 1, 0}, {"moved", 2, 0}, {"drops", 3, 2}};
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		gm_error err;
		begin();
		if (!fetch(ways[i].how, &err))
			fail_msg("%s: %s", ways[i].how, err.message);
		assert_int_equal(requests, ways[i].requests);
		assert_int_equal(resumed, ways[i].resumed);
		is_whole();
		/* no request if the file exists */
		assert_true(fetch("404", &err));
		assert_int_equal(requests, 0);
	}
}

static void goes_on_later(void **state)
{
	(void)state;
	gm_error err;
	static const char *const later[] = {"good", "forgetful"};
	for (int i = 0; i < 2; i++) {
		begin();
		assert_false(fetch("dead", &err));
		assert_non_null(strstr(err.message, "partial download is kept"));
		assert_false(gm_file_exists(scratch_path("to/file")));
		assert_true(gm_file_exists(scratch_path("to/file.part")));
		assert_true(fetch(later[i], &err));
		assert_int_equal(resumed, 1);
		is_whole();
	}
	/* All the bytes were there, only the name was not. */
	begin();
	scratch_write("to/file.part", content, SIZE);
	assert_true(fetch("good", &err));
	is_whole();
	/* What was there is of something else: thrown away, and right the next time. */
	begin();
	scratch_write("to/file.part", "nonsense", 8);
	assert_false(fetch("good", &err));
	assert_int_equal(err.code, GM_ERR_FORMAT);
	assert_int_equal(scratch_count(scratch_path("to")), 0);
	assert_true(fetch("good", &err));
	is_whole();
}

static void never_half(void **state)
{
	(void)state;
	static const struct {
		const char *how, *message;
		gm_code code;
		int left; /* files: the part */
	} bad[] = {
		{"wrong", "wrong content", GM_ERR_FORMAT, 0},
		{"404", "the server answers 404", GM_ERR_IO, 1},
		{"slow", "Timeout", GM_ERR_IO, 1},
		{"dead", "", GM_ERR_IO, 1},
		{"hopeless", "", GM_ERR_IO, 1},
		{"file", "rotocol", GM_ERR_IO, 1},
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		gm_error err;
		begin();
		assert_false(fetch(bad[i].how, &err));
		if (err.code != bad[i].code || !strstr(err.message, bad[i].message))
			fail_msg("%s: code %d, %s", bad[i].how, err.code, err.message);
		assert_false(gm_file_exists(scratch_path("to/file")));
		assert_int_equal(scratch_count(scratch_path("to")), bad[i].left);
	}
	/* nobody there; a folder that cannot be written */
	gm_error err = {0};
	const gm_fetch_file f = {"http://127.0.0.1:1/", "file", hash};
	assert_false(
		gm_fetch_one(scratch_path("to"), &f, &(gm_fetch_options){.patience = 1}, &err));
	assert_int_equal(err.code, GM_ERR_IO);
	err = (gm_error){0};
	assert_false(gm_fetch_one("/proc", &f, &(gm_fetch_options){0}, &err));
	assert_int_equal(err.code, GM_ERR_IO);
}

static void sets_by_name(void **state)
{
	(void)state;
	gm_error err = {0};
	const char *name;
	int n = 0;
	while ((name = gm_data_fetch_names(n, NULL))) {
		err = (gm_error){0};
		assert_null(gm_data_open(name, NULL, &err));
		const bool weights = !strcmp(name, "inception") || !strcmp(name, "vgg16");
		assert_non_null(
			strstr(err.message, weights ? "not a data set" : "ganymede data fetch"));
		n++;
	}
	assert_true(n >= 7);
	char mirror[128];
	snprintf(mirror, sizeof mirror, "%swrong", address);
	err = (gm_error){0};
	assert_false(gm_data_fetch("mnist", &(gm_fetch_options){.mirror = mirror}, &err));
	assert_non_null(strstr(err.message, "440fcabf73cc546fa214"));
	err = (gm_error){0};
	assert_false(gm_data_fetch("fashion-mnits", NULL, &err));
	assert_non_null(strstr(err.message, "did you mean fashion-mnist"));
	err = (gm_error){0};
	assert_false(gm_data_fetch("celeba", NULL, &err));
	assert_non_null(strstr(err.message, "img_align_celeba.zip"));
	/* What is there opens by its name; one file of four is not there. */
	static const char *const files[] = {
		"train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz",
		"t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"};
	static const uint8_t images[] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 7, 9};
	static const uint8_t labels[] = {0, 0, 8, 1, 0, 0, 0, 2, 1, 0};
	assert_true(gm_file_make_folder(scratch_path("cache/ganymede/sets/mnist"), NULL));
	for (int i = 0; i < 4; i++) {
		char path[128];
		assert_null(gm_data_open("mnist", NULL, NULL));
		snprintf(path, sizeof path, "cache/ganymede/sets/mnist/%s", files[i]);
		scratch_write(path, i % 2 ? labels : images, i % 2 ? sizeof labels : sizeof images);
	}
	gm_dataset *d = gm_data_open("mnist", &(gm_data_options){.split = "test"}, NULL);
	assert_non_null(d);
	assert_string_equal(gm_data_info_of(d)->name, "mnist");
	assert_int_equal(gm_data_info_of(d)->classes, 2);
	gm_data_close(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arrives_whole),
		cmocka_unit_test(goes_on_later),
		cmocka_unit_test(never_half),
		cmocka_unit_test(sets_by_name),
	};
	return cmocka_run_group_tests(tests, start, scratch_remove);
}
