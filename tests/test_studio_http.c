/* SPDX-License-Identifier: MIT
 *
 * test_studio_http.c -- the studio over its socket: what it refuses (other sites, other names, no
 * token, paths out of its folder, hostile options and runs, large, slow and many requests), and
 * runs that are started, stopped, resumed, deleted and restored.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/machine.h"
#include "ganymede/saved.h"
#include "scratch.h"
#include "studio/studio.h"

static const char token[] = "00112233445566778899aabbccddeeff";
static char program[PATH_MAX], runs[300];
static gm_studio *studio;
static int port;

/* ---- a client -------------------------------------------------------------------------------- */

static int dial(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	inet_pton(AF_INET, "127.0.0.1", &at.sin_addr);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct timeval limit = {.tv_sec = 60};
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
	return fd;
}

static void put(int fd, const char *text, size_t n)
{
	while (n) {
		ssize_t k = send(fd, text, n, MSG_NOSIGNAL);
		if (k <= 0)
			return; /* refused: the answer tells */
		text += k, n -= (size_t)k;
	}
}

static char reply[4 << 20]; /* of the last request: headers and body */
static size_t reply_size;

/* Reads until the server closes; the status, 0 if there is no answer. */
static int hear(int fd)
{
	ssize_t k;
	int status = 0;
	reply_size = 0;
	while (reply_size + 1 < sizeof reply &&
	       (k = recv(fd, reply + reply_size, sizeof reply - 1 - reply_size, 0)) > 0)
		reply_size += (size_t)k;
	reply[reply_size] = 0;
	close(fd);
	sscanf(reply, "HTTP/1.1 %d", &status);
	return status;
}

static const char *body(void)
{
	const char *at = strstr(reply, "\r\n\r\n");
	return at ? at + 4 : "";
}

/* A request with exactly these headers (each ended by \r\n) and Connection: close. */
static int raw(const char *method, const char *path, const char *headers, const char *text)
{
	char *all = NULL;
	int fd = dial(), n;
	if (text)
		n = asprintf(&all,
		             "%s %s HTTP/1.1\r\nConnection: close\r\nContent-Length: %zu\r\n"
		             "%s\r\n%s",
		             method, path, strlen(text), headers, text);
	else
		n = asprintf(&all, "%s %s HTTP/1.1\r\nConnection: close\r\n%s\r\n", method, path,
		             headers);
	put(fd, all, (size_t)n);
	free(all);
	return hear(fd);
}

/* As the page asks. */
static int ask(const char *method, const char *path, const char *text)
{
	char headers[400], id[200] = "";
	if (!strcmp(method, "DELETE"))
		snprintf(id, sizeof id, "Gm-Confirm: %s\r\n",
		         strstr(path, "trash") ? "all" : strrchr(path, '/') + 1);
	snprintf(headers, sizeof headers, "Host: 127.0.0.1:%d\r\nGm-Token: %s\r\n%s", port, token,
	         id);
	return raw(method, path, headers, text);
}

static json_t *object(void)
{
	json_t *o = json_loads(body(), 0, NULL);
	assert_true(json_is_object(o));
	return o;
}

/* The row of a run; {} if it is not in the list. */
static json_t *row_of(const char *id)
{
	json_t *found = NULL, *row;
	size_t i;
	assert_int_equal(ask("GET", "/api/runs", NULL), 200);
	json_t *o = object();
	json_array_foreach (json_object_get(o, "runs"), i, row)
		if (!strcmp(json_string_value(json_object_get(row, "id")), id))
			found = json_deep_copy(row);
	json_decref(o);
	return found ? found : json_object();
}

static void wait_for(const char *id, const char *state, double seconds)
{
	double began = gm_seconds();
	for (;;) {
		json_t *row = row_of(id);
		const char *now = json_string_value(json_object_get(row, "state"));
		bool there = now && !strcmp(now, state);
		/* the process of a run that has ended may still be ending */
		there = there &&
		        (!strcmp(state, "running") || !json_is_true(json_object_get(row, "mine")));
		if (!there && gm_seconds() - began > seconds)
			fail_msg("%s is %s, not %s", id, now ? now : "not there", state);
		json_decref(row);
		if (there)
			return;
		nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
	}
}

static int count_runs(void)
{
	int n = 0;
	DIR *d = opendir(runs);
	for (struct dirent *e; (e = readdir(d));)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static void start_studio(void)
{
	gm_error err = {0};
	const char *root = scratch_path("data");
	studio = gm_studio_start(&(gm_studio_options){.outdir = runs,
	                                              .program = program,
	                                              .token = token,
	                                              .root = &root,
	                                              .roots = 1},
	                         &err);
	if (!studio)
		fail_msg("%s", err.message);
	port = gm_studio_port(studio);
}

static char new_id[200];

static const char *new_run(const char *json)
{
	int status = ask("POST", "/api/runs?dry=0", json);
	if (status != 201)
		fail_msg("%d: %s", status, body());
	json_t *o = object();
	snprintf(new_id, sizeof new_id, "%s", json_string_value(json_object_get(o, "id")));
	json_decref(o);
	return new_id;
}

#define TINY "\"data\": \"ring8\", \"batch\": \"4\", \"width\": \"4\", \"monitors\": \"no\""

/* ---- what is refused ------------------------------------------------------------------------- */

static void other_names_are_refused(void **state)
{
	(void)state;
	char headers[300];
	static const char *const bad[] = {
		"Host: evil.example:%d\r\n", "Host: localhost.evil:%d\r\n", "",
		"Host: 127.0.0.1:%d\r\nHost: 127.0.0.1:%d\r\n", "Host: 127.0.0.1\r\n"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		char all[400];
		snprintf(headers, sizeof headers, bad[i], port, port);
		snprintf(all, sizeof all, "%sGm-Token: %s\r\n", headers, token);
		int status = raw("GET", "/api/runs", all, NULL);
		/* libmicrohttpd itself refuses a request without Host */
		assert_true(status == 421 || status == 400);
		assert_null(strstr(body(), "\"runs\""));
		assert_true(raw("GET", "/", headers, NULL) != 200);
	}
	static const char *const good[] = {"127.0.0.1", "localhost", "[::1]"};
	for (int i = 0; i < 3; i++) {
		snprintf(headers, sizeof headers, "Host: %s:%d\r\nGm-Token: %s\r\n", good[i], port,
		         token);
		assert_int_equal(raw("GET", "/api/runs", headers, NULL), 200);
		snprintf(headers, sizeof headers, "Host: %s:%d\r\nGm-Token: %s\r\n", good[i],
		         port + 1, token);
		assert_int_equal(raw("GET", "/api/runs", headers, NULL), 421);
	}
}

static void other_sites_are_refused(void **state)
{
	(void)state;
	char headers[400];
	const char *text = "{\"model\": \"gan\", \"options\": {\"data\": \"ring8\"}}";
	static const char *const from[] = {"Origin: http://evil.example\r\n", "Origin: null\r\n",
	                                   "Sec-Fetch-Site: cross-site\r\n",
	                                   "Sec-Fetch-Site: same-site\r\n"};
	int before = count_runs();
	for (size_t i = 0; i < sizeof from / sizeof *from; i++) {
		snprintf(headers, sizeof headers, "Host: 127.0.0.1:%d\r\nGm-Token: %s\r\n%s", port,
		         token, from[i]);
		assert_int_equal(raw("POST", "/api/runs?dry=0", headers, text), 403);
		assert_int_equal(raw("GET", "/api/runs", headers, NULL), 403);
	}
	static const char *const tokens[] = {"", "Gm-Token: 00112233445566778899aabbccddeefe\r\n",
	                                     "Gm-Token: \r\n",
	                                     "Cookie: t=00112233445566778899aabbccddeeff\r\n"};
	for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
		snprintf(headers, sizeof headers, "Host: 127.0.0.1:%d\r\n%s", port, tokens[i]);
		assert_int_equal(raw("POST", "/api/runs?dry=0", headers, text), 401);
		assert_int_equal(raw("GET", "/api/runs", headers, NULL), 401);
	}
	snprintf(headers, sizeof headers,
	         "Host: 127.0.0.1:%d\r\nOrigin: http://evil.example\r\n"
	         "Access-Control-Request-Method: POST\r\n",
	         port);
	assert_int_equal(raw("OPTIONS", "/api/runs", headers, NULL), 405);
	assert_null(strcasestr(reply, "Access-Control"));
	assert_int_equal(count_runs(), before);
	/* the headers that keep other sites and scripts out */
	assert_int_equal(ask("GET", "/", NULL), 200);
	assert_non_null(strstr(reply, "default-src 'none'; script-src 'self'"));
	assert_non_null(strstr(reply, "frame-ancestors 'none'"));
	assert_non_null(strstr(reply, "nosniff"));
	assert_non_null(strstr(reply, "Cross-Origin-Resource-Policy: same-origin"));
	assert_null(strstr(reply, token));
}

static void paths_stay_inside(void **state)
{
	(void)state;
	char path[PATH_MAX + 64], folder[PATH_MAX + 32], id[400];
	static const char *const ids[] = {"..",         "%2e%2e%2f",       "..%2f..%2fetc",
	                                  "00000-x%00", "%2fetc%2fpasswd", "00001-a%2f..",
	                                  "."};
	for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
		snprintf(path, sizeof path, "/api/runs/%s/log", ids[i]);
		assert_int_equal(ask("GET", path, NULL), 404);
	}
	memset(id, 'a', 300), memcpy(id, "00001-", 6), id[300] = 0;
	snprintf(path, sizeof path, "/api/runs/%s/log", id);
	assert_int_equal(ask("GET", path, NULL), 404);
	/* a run that is a link, and a run whose files are links, FIFOs and devices */
	snprintf(path, sizeof path, "%s/00090-link", runs);
	assert_int_equal(symlink("/etc", path), 0);
	snprintf(folder, sizeof folder, "%s/00091-odd", runs);
	assert_int_equal(mkdir(folder, 0777), 0);
	static const char *const links[][2] = {
		{"log.txt", "/etc/passwd"},          {"fakes-000001.png", "/etc/passwd"},
		{"state.json", "/etc/passwd"},       {"stats.jsonl", "/dev/zero"},
		{"metric-fid.jsonl", "/etc/passwd"}, {"fakes-000003.png", "/dev/zero"}};
	for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, links[i][0]);
		assert_int_equal(symlink(links[i][1], path), 0);
	}
	snprintf(path, sizeof path, "%s/fakes-000002.png", folder);
	assert_int_equal(mkfifo(path, 0666), 0);
	snprintf(path, sizeof path, "%s/options.json", folder);
	assert_true(gm_file_write(path, "{\"model\": \"gan\", \"options\": {}}", 32, NULL));
	double began = gm_seconds();
	static const char *const asked[] = {"00090-link/log",
	                                    "00090-link/about",
	                                    "00090-link/pictures",
	                                    "00091-odd/pictures/1",
	                                    "00091-odd/pictures/2",
	                                    "00091-odd/pictures/3",
	                                    "00091-odd/pictures/4?kind=..%2F..%2Fetc"};
	for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
		snprintf(path, sizeof path, "/api/runs/%s", asked[i]);
		assert_int_equal(ask("GET", path, NULL), 404);
		assert_null(strstr(reply, "root:"));
	}
	static const char *const empty[] = {"log", "about", "stats", "pictures"};
	for (size_t i = 0; i < sizeof empty / sizeof *empty; i++) {
		snprintf(path, sizeof path, "/api/runs/00091-odd/%s", empty[i]);
		assert_int_equal(ask("GET", path, NULL), 200);
		assert_null(strstr(reply, "root:"));
	}
	assert_true(gm_seconds() - began < 10); /* nothing waits for the FIFO or reads the device */
	json_decref(row_of("00090-link"));
	assert_null(strstr(reply, "00090-link"));
	assert_int_equal(ask("DELETE", "/api/runs/00091-odd", NULL), 202);
	assert_int_equal(ask("DELETE", "/api/trash", NULL), 200);
	assert_true(gm_file_exists("/etc/passwd"));
	snprintf(path, sizeof path, "%s/00090-link", runs);
	unlink(path);
}

static void hostile_options_are_refused(void **state)
{
	(void)state;
	char many[600], *text = NULL;
	memset(many, 'a', 257), many[257] = 0;
	const struct {
		const char *name, *value;
	} bad[] = {{"outdir", "/tmp"},
	           {"name", "-rf"},
	           {"data", "/etc"},
	           {"data", "../../../../etc"},
	           {"from", "/etc/passwd"},
	           {"extractor-weights", "/etc/passwd"},
	           {"extractor", "classifier:/etc/passwd"},
	           {"metrics", "a\\nb"},
	           {"best", many},
	           {"lr", "`; touch x`"},
	           {"seed", "$(id)"},
	           {"--outdir=/tmp", "x"},
	           {"no-such", "1"}};
	int before = count_runs();
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_true(asprintf(&text,
		                     "{\"model\": \"gan\", \"options\": {" TINY
		                     ", \"%s\": \"%s\"}}",
		                     bad[i].name, bad[i].value) > 0);
		/* with "data" twice the body itself is refused */
		int status = ask("POST", "/api/runs?dry=0", text),
		    twice = !strcmp(bad[i].name, "data");
		assert_int_equal(status, twice ? 400 : 422);
		assert_true(twice || strstr(body(), "\"field\"") != NULL);
		assert_null(strstr(reply, "root:"));
		free(text);
	}
	static const char *const bodies[] = {
		"{\"model\": \"gan\", \"options\": {\"data\": \"/etc\"}}",
		"{\"model\": \"gan\", \"options\": {\"data\": \"/etc/passwd\"}}",
		"{\"model\": \"no-such\"}", "{\"recipe\": \"../x\"}",
		"{\"model\": \"gan\", \"options\": {\"lr\": 1}}"};
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
		assert_int_equal(ask("POST", "/api/runs?dry=0", bodies[i]), 422);
	assert_int_equal(ask("POST", "/api/runs?dry=0", "{\"model\": \"gan\", \"more\": 1}"), 422);
	assert_int_equal(count_runs(), before);
	/* text that a shell would execute reaches the run as it is */
	const char *id = new_run("{\"model\": \"gan\", \"options\": {" TINY ", \"steps\": \"2\", "
	                         "\"label-column\": \"`touch x`; $(touch x) '\\\" | & > x\"}}");
	char path[300];
	snprintf(path, sizeof path, "/api/runs/%s/about", id);
	wait_for(id, "finished", 30);
	assert_int_equal(ask("GET", path, NULL), 200);
	assert_non_null(strstr(body(), "`touch x`; $(touch x) '\\\" | & > x"));
	assert_false(gm_file_exists("x"));
}

/* A run that came from somebody else: its record names files outside of the places. */
static void records_are_checked(void **state)
{
	(void)state;
	char path[2 * PATH_MAX], text[200];
	const char *outside = scratch_path("outside");
	assert_int_equal(mkdir(outside, 0777), 0);
	/* a run on a folder outside of --data-root, as another user would make it */
	snprintf(path, sizeof path,
	         "cd '%s' && '%s' train gan --data ring8 --batch 4 --width 4 --steps 2 --name odd "
	         "--extractor-weights '%s' --outdir '%s' > log 2>&1",
	         outside, program, outside, runs);
	assert_int_equal(system(path), 0);
	json_t *o = NULL, *row;
	const char *id = NULL;
	size_t i;
	for (int k = 0; k < 100 && !id; k++) {
		json_decref(o);
		assert_int_equal(ask("GET", "/api/runs", NULL), 200);
		o = object();
		json_array_foreach (json_object_get(o, "runs"), i, row)
			if (strstr(json_string_value(json_object_get(row, "id")), "-odd"))
				id = json_string_value(json_object_get(row, "id"));
		nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
	}
	assert_non_null(id); /* runs of the terminal appear by themselves */
	snprintf(path, sizeof path, "/api/runs/%s/resume", id);
	assert_int_equal(ask("POST", path, "{\"steps\": 4}"), 422);
	assert_non_null(strstr(body(), "outside of --data-root"));
	snprintf(text, sizeof text,
	         "{\"model\": \"gan\", \"options\": {\"from\": \"%s\", \"steps\": \"1\"}}", id);
	assert_int_equal(ask("POST", "/api/runs?dry=1", text), 200);
	json_decref(o);
}

static void large_requests_are_refused(void **state)
{
	(void)state;
	char headers[300], *big = malloc((17 << 20) + 1), deep[100] = "{\"options\":";
	memset(big, ' ', 17 << 20), big[17 << 20] = 0;
	assert_int_equal(ask("POST", "/api/runs?dry=1", big), 413);
	big[65 << 10] = 0;
	assert_int_equal(ask("POST", "/api/runs?dry=1", big), 413);
	/* without a length, in chunks */
	snprintf(headers, sizeof headers,
	         "POST /api/runs?dry=1 HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nGm-Token: %s\r\n"
	         "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n10400\r\n",
	         port, token);
	memset(big, ' ', 0x10400), strcpy(big + 0x10400, "\r\n0\r\n\r\n");
	int fd = dial();
	put(fd, headers, strlen(headers));
	put(fd, big, strlen(big));
	assert_int_equal(hear(fd), 413);
	for (int i = 0; i < 17; i++)
		strcat(deep, "[");
	assert_int_equal(ask("POST", "/api/runs?dry=1", deep), 400);
	assert_int_equal(ask("POST", "/api/runs?dry=1", "{\"a\": 1e999}"), 400);
	assert_int_equal(ask("POST", "/api/runs?dry=2", "{}"), 400);
	assert_int_equal(ask("GET", "/api/runs?after=-1", NULL), 400);
	assert_int_equal(ask("GET", "/api/runs?after=x", NULL), 400);
	assert_int_equal(ask("GET", "/api/runs?after=%zz", NULL), 400);
	assert_int_equal(ask("GET", "/api/events?topics=runs&after=x", NULL), 400);
	assert_int_equal(ask("GET", "/api/events?topics=%ff", NULL), 400);
	/* headers of more than 16 kB, and of more than the server keeps */
	memset(big, 'a', 40 << 10), big[40 << 10] = 0;
	char *all = NULL;
	assert_true(asprintf(&all, "Host: 127.0.0.1:%d\r\nGm-Token: %s\r\nX: %s\r\n", port, token,
	                     big) > 0);
	assert_true(raw("GET", "/api/runs", all, NULL) >= 400);
	free(all);
	free(big);
}

/* Connections that send a byte now and then are closed by the server's own clock, and do not keep
 * others waiting. */
static void slow_requests_are_closed(void **state)
{
	enum { SLOW = 60 };
	(void)state;
	int fd[SLOW], open = SLOW;
	double began = gm_seconds();
	for (int i = 0; i < SLOW; i++)
		fd[i] = dial();
	while (open && gm_seconds() - began < 14) {
		double asked = gm_seconds();
		assert_int_equal(ask("GET", "/", NULL), 200);
		assert_true(gm_seconds() - asked < 1);
		for (int i = 0; i < SLOW; i++) {
			char c;
			if (fd[i] < 0)
				continue;
			ssize_t k = recv(fd[i], &c, 1, MSG_DONTWAIT);
			if (k == 0 || (k < 0 && errno != EAGAIN) ||
			    send(fd[i], "G", 1, MSG_NOSIGNAL) < 0) {
				close(fd[i]);
				fd[i] = -1;
				open--;
			}
		}
		nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
	}
	assert_int_equal(open, 0);
	assert_true(gm_seconds() - began > 8); /* not sooner either */
}

static int count_descriptors(void)
{
	int n = 0;
	DIR *d = opendir("/proc/self/fd");
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void streams_are_limited(void **state)
{
	enum { ALL = 300, SERVED = 256 };
	(void)state;
	int fd[ALL], served = 0, before = count_descriptors();
	char request[400], text[64];
	snprintf(request, sizeof request,
	         "GET /api/events?topics=runs HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nGm-Token: "
	         "%s\r\n\r\n",
	         port, token);
	for (int i = 0; i < ALL; i++) {
		fd[i] = dial();
		put(fd[i], request, strlen(request));
		ssize_t k = recv(fd[i], text, sizeof text - 1, 0);
		text[k > 0 ? k : 0] = 0;
		served += !strncmp(text, "HTTP/1.1 200", 12);
		assert_true(!strncmp(text, "HTTP/1.1 200", 12) ||
		            !strncmp(text, "HTTP/1.1 503", 12));
	}
	assert_int_equal(served, SERVED);
	double began = gm_seconds();
	assert_int_equal(ask("GET", "/", NULL), 200);
	assert_int_equal(ask("GET", "/api/poll?topics=runs", NULL), 200);
	assert_true(gm_seconds() - began < 1);
	/* all that are served hear of a new run */
	snprintf(request, sizeof request, "%s/00080-news", runs);
	assert_int_equal(mkdir(request, 0777), 0);
	strcat(request, "/options.json");
	assert_true(gm_file_write(request, "{\"model\": \"gan\", \"options\": {}}", 32, NULL));
	for (int i = 0; i < ALL; i++) {
		char more[2000];
		size_t n = 0;
		ssize_t k = 1;
		more[0] = 0;
		while (i < SERVED && !strstr(more, "event: runs") && n + 1 < sizeof more &&
		       (k = recv(fd[i], more + n, sizeof more - 1 - n, 0)) > 0)
			more[n += (size_t)k] = 0;
		assert_true(k > 0);
		close(fd[i]);
	}
	/* lost readers are noticed at the next comment at the latest */
	while (count_descriptors() > before + 4 && gm_seconds() - began < 25)
		nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
	assert_true(count_descriptors() <= before + 4);
}

/* One connection serves many requests, of the page and of the interface. */
static void connections_are_kept(void **state)
{
	(void)state;
	char request[300], text[16 << 10];
	static const char *const paths[] = {"/api/hello", "/", "/api/runs",
	                                    "/api/poll?topics=runs"};
	int fd = dial();
	for (int i = 0; i < 12; i++) {
		int n = snprintf(request, sizeof request,
		                 "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nGm-Token: %s\r\n\r\n",
		                 paths[i % 4], port, token);
		put(fd, request, (size_t)n);
		size_t got = 0, want = sizeof text;
		ssize_t k;
		while (got < want && (k = recv(fd, text + got, sizeof text - 1 - got, 0)) > 0) {
			text[got += (size_t)k] = 0;
			const char *end = strstr(text, "\r\n\r\n"),
				   *length = strcasestr(text, "Content-Length: ");
			if (end && length)
				want = (size_t)(end + 4 - text) + strtoul(length + 16, NULL, 10);
		}
		assert_int_equal(got, want);
		assert_false(strncmp(text, "HTTP/1.1 200", 12));
	}
	close(fd);
}

/* ---- runs ------------------------------------------------------------------------------------ */

static void runs_are_started_and_stopped(void **state)
{
	(void)state;
	char path[PATH_MAX + 64], first[200];
	/* the form: problems belong to options */
	assert_int_equal(
		ask("POST", "/api/runs?dry=1",
	            "{\"model\": \"gan\", \"options\": {\"lr\": \"abc\", \"batch\": \"0\"}}"),
		200);
	json_t *o = object();
	assert_int_equal(json_array_size(json_object_get(o, "problems")), 2);
	json_decref(o);
	assert_int_equal(
		ask("POST", "/api/runs?dry=1", "{\"model\": \"gan\", \"options\": {" TINY "}}"),
		200);
	o = object();
	assert_int_equal(json_array_size(json_object_get(o, "problems")), 0);
	assert_true(json_integer_value(json_object_get(json_object_get(o, "parameters"), "G")) > 0);
	assert_non_null(strstr(json_string_value(json_object_get(o, "command")),
	                       "ganymede train gan --data ring8"));
	json_decref(o);
	/* recipes come with the values that they set */
	assert_int_equal(ask("GET", "/api/models", NULL), 200);
	assert_non_null(strstr(body(), "\"labels-per-class\":\"10\""));
	/* what only the engine finds: widths that do not fit */
	assert_int_equal(ask("POST", "/api/runs?dry=1",
	                     "{\"model\": \"dcgan\", \"options\": {\"data\": \"ring8\"}}"),
	                 200);
	o = object();
	assert_int_equal(json_array_size(json_object_get(o, "problems")), 1);
	json_decref(o);

	snprintf(
		first, sizeof first, "%s",
		new_run("{\"model\": \"gan\", \"options\": {" TINY ", \"steps\": \"100000000\"}}"));
	wait_for(first, "running", 20);
	/* the next one waits, and may be removed */
	assert_int_equal(ask("POST", "/api/runs?dry=0",
	                     "{\"model\": \"gan\", \"options\": {" TINY ", \"steps\": \"2\"}}"),
	                 202);
	o = object();
	snprintf(path, sizeof path, "/api/waiting/%lld",
	         (long long)json_integer_value(json_object_get(o, "waiting")));
	json_decref(o);
	assert_int_equal(ask("DELETE", path, NULL), 200);
	assert_int_equal(ask("DELETE", path, NULL), 404);
	/* a running run is not deleted */
	snprintf(path, sizeof path, "/api/runs/%s", first);
	assert_int_equal(ask("DELETE", path, NULL), 409);
	snprintf(path, sizeof path, "/api/runs/%s/stop", first);
	assert_int_equal(ask("POST", path, "{}"), 202);
	wait_for(first, "stopped", 20);
	assert_int_equal(ask("POST", path, "{}"), 409);
	snprintf(path, sizeof path, "/api/runs/%s/kill", first);
	assert_int_equal(ask("POST", path, "{}"), 422);
	/* resumed for a few more steps */
	json_t *row = row_of(first);
	long long step = json_integer_value(json_object_get(row, "step"));
	json_decref(row);
	char text[64];
	snprintf(text, sizeof text, "{\"steps\": %lld}", step + 5);
	snprintf(path, sizeof path, "/api/runs/%s/resume", first);
	assert_int_equal(ask("POST", path, text), 202);
	wait_for(first, "finished", 20);
	row = row_of(first);
	assert_int_equal(json_integer_value(json_object_get(row, "step")), step + 5);
	json_decref(row);
	/* notes are kept; deleted, restored, deleted for good */
	snprintf(path, sizeof path, "/api/runs/%s", first);
	assert_int_equal(ask("PATCH", path, "{\"note\": \"<img src=x>\", \"colour\": 3}"), 200);
	row = row_of(first);
	assert_string_equal(json_string_value(json_object_get(row, "note")), "<img src=x>");
	json_decref(row);
	assert_int_equal(ask("PATCH", path, "{\"colour\": 8}"), 400);
	assert_int_equal(ask("DELETE", path, NULL), 202);
	assert_int_equal(ask("GET", "/api/trash", NULL), 200);
	assert_non_null(strstr(body(), first));
	snprintf(path, sizeof path, "/api/trash/%s/restore", first);
	assert_int_equal(ask("POST", path, "{}"), 200);
	wait_for(first, "finished", 5);
	snprintf(path, sizeof path, "/api/runs/%s", first);
	assert_int_equal(ask("DELETE", path, NULL), 202);
	assert_int_equal(ask("DELETE", "/api/trash", NULL), 200);
	assert_int_equal(ask("DELETE", path, NULL), 404);
}

/* state.json names no process that the studio would signal, whatever is written there. */
static void strangers_are_not_killed(void **state)
{
	(void)state;
	char folder[PATH_MAX + 32], path[PATH_MAX + 64], text[300];
	snprintf(folder, sizeof folder, "%s/00095-odd", runs);
	assert_int_equal(mkdir(folder, 0777), 0);
	snprintf(path, sizeof path, "%s/options.json", folder);
	assert_true(gm_file_write(path, "{\"model\": \"gan\", \"options\": {}}", 32, NULL));
	snprintf(path, sizeof path, "%s/state.json", folder);
	int n = snprintf(text, sizeof text,
	                 "{\"model\": \"gan\", \"state\": \"running\", \"pid\": %d, \"step\": 1, "
	                 "\"steps\": 9, \"trouble\": \"<script>alert(1)</script>\"}",
	                 (int)getpid());
	assert_true(gm_file_write(path, text, (size_t)n, NULL));
	wait_for("00095-odd", "killed", 10);
	assert_int_equal(ask("POST", "/api/runs/00095-odd/stop", "{}"), 409);
	assert_int_equal(ask("POST", "/api/runs/00095-odd/kill", "{}"), 422);
	assert_int_equal(ask("POST", "/api/runs/00095-odd/resume", "{\"steps\": 2}"), 500);
	assert_int_equal(ask("DELETE", "/api/runs/00095-odd", NULL), 202);
}

/* The folder of runs is removed and made again while the studio is open. */
static void folder_is_followed(void **state)
{
	(void)state;
	char aside[400];
	snprintf(aside, sizeof aside, "%s-aside", runs);
	assert_int_equal(rename(runs, aside), 0);
	assert_int_equal(mkdir(runs, 0777), 0);
	const char *id = new_run("{\"model\": \"gan\", \"options\": {" TINY ", \"steps\": \"2\"}}");
	assert_string_equal(id, "00000-gan-ring8");
	wait_for(id, "finished", 20);
}

/* A training outlives its studio, and the next studio finds and stops it. */
static void trainings_outlive_the_studio(void **state)
{
	(void)state;
	char id[200], path[300];
	snprintf(
		id, sizeof id, "%s",
		new_run("{\"model\": \"gan\", \"options\": {" TINY ", \"steps\": \"100000000\"}}"));
	wait_for(id, "running", 20);
	gm_studio_stop(studio);
	start_studio();
	wait_for(id, "running", 10);
	snprintf(path, sizeof path, "/api/runs/%s/kill", id);
	assert_int_equal(ask("POST", path, "{}"), 422); /* not its own */
	snprintf(path, sizeof path, "/api/runs/%s/stop", id);
	assert_int_equal(ask("POST", path, "{}"), 202);
	wait_for(id, "stopped", 20);
}

/* ---------------------------------------------------------------------------------------------- */

static int begin(void **state)
{
	scratch_make(state);
	snprintf(runs, sizeof runs, "%s", scratch_path("runs"));
	mkdir(runs, 0777);
	mkdir(scratch_path("data"), 0777);
	signal(SIGPIPE, SIG_IGN);
	start_studio();
	return 0;
}

static int end(void **state)
{
	gm_studio_stop(studio);
	return scratch_remove(state);
}

#include "studio_images.h" /* uses what is above */

int main(int argc, char **argv)
{
	if (!realpath(argc > 1 ? argv[1] : "build/ganymede", program))
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(other_names_are_refused),
		cmocka_unit_test(other_sites_are_refused),
		cmocka_unit_test(paths_stay_inside),
		cmocka_unit_test(hostile_options_are_refused),
		cmocka_unit_test(records_are_checked),
		cmocka_unit_test(large_requests_are_refused),
		cmocka_unit_test(rooms_for_images),
		cmocka_unit_test(translations),
		cmocka_unit_test(runs_are_started_and_stopped),
		cmocka_unit_test(strangers_are_not_killed),
		cmocka_unit_test(folder_is_followed),
		cmocka_unit_test(trainings_outlive_the_studio),
		cmocka_unit_test(connections_are_kept),
		cmocka_unit_test(streams_are_limited),
		cmocka_unit_test(slow_requests_are_closed),
	};
	return cmocka_run_group_tests(tests, begin, end);
}
