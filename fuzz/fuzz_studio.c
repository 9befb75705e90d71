/* SPDX-License-Identifier: MIT
 *
 * fuzz_studio.c -- the studio's parsers: addresses, queries, JSON bodies, forms, and whole requests
 * on a socket, over a folder with one run. The first byte says which; nothing is trained. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "studio/body.h"
#include "studio/form.h"
#include "studio/guard.h"
#include "studio/studio.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static const char token[] = "00112233445566778899aabbccddeeff";
static gm_studio *studio;
static gm_places places;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char options[] = "{\"model\": \"gan\", \"options\": {\"data\": \"ring8\"}}";
	static const char stats[] =
		"{\"step\": 1, \"loss\": 2}\n{\"step\": 2, \"loss\": \"nan\"}\n";
	char folder[] = "/tmp/ganymede-fuzz-XXXXXX", path[100];
	(void)argc, (void)argv;
	signal(SIGPIPE, SIG_IGN);
	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof path, "%s/00001-gan", folder);
	mkdir(path, 0777);
	snprintf(path, sizeof path, "%s/00001-gan/options.json", folder);
	gm_file_write(path, options, sizeof options - 1, NULL);
	snprintf(path, sizeof path, "%s/00001-gan/stats.jsonl", folder);
	gm_file_write(path, stats, sizeof stats - 1, NULL);
	studio = gm_studio_start(&(gm_studio_options){.outdir = folder,
	                                              .program = "/bin/false",
	                                              .token = token,
	                                              .root = (const char *const[]){folder},
	                                              .roots = 1},
	                         NULL);
	gm_places_add(&places, folder, NULL);
	snprintf(places.outdir, sizeof places.outdir, "%s", folder);
	return studio ? 0 : 1;
}

/* The bytes after a request line and headers that pass the guard, or as they are. */
static void whole_request(const uint8_t *bytes, size_t n, bool trusted)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
	                         .sin_port = htons((uint16_t)gm_studio_port(studio))};
	char headers[200], answer[4096];
	size_t line = 0;
	inet_pton(AF_INET, "127.0.0.1", &at.sin_addr);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof at))
		abort();
	/* not a stream, which does not end */
	const struct timeval limit = {.tv_usec = 20000};
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	int k = snprintf(headers, sizeof headers,
	                 "Host: 127.0.0.1:%d\r\nGm-Token: %s\r\nConnection: close\r\n",
	                 gm_studio_port(studio), token);
	if (trusted) {
		const uint8_t *end = memchr(bytes, '\n', n);
		line = end ? (size_t)(end - bytes) + 1 : 0;
		send(fd, bytes, line, MSG_NOSIGNAL);
		send(fd, headers, (size_t)k, MSG_NOSIGNAL);
	}
	send(fd, bytes + line, n - line, MSG_NOSIGNAL);
	shutdown(fd, SHUT_WR);
	while (recv(fd, answer, sizeof answer, 0) > 0)
		;
	close(fd);
}

static void parts(const char *text, size_t n)
{
	gm_guard g = {.token = "0", .name = {"localhost"}, .names = 1, .port = 1};
	char id[GM_PATH_ID], value[64];
	int64_t number = 0;
	gm_error err = {0};
	if (gm_guard_match(text, "/api/runs/ID/pictures/NUMBER", id, &number) &&
	    (!gm_guard_id(id) || strchr(id, '/') || number < 0))
		__builtin_trap();
	if (gm_guard_query(text, "a", value, sizeof value) == 1 && strlen(value) >= sizeof value)
		__builtin_trap();
	gm_guard_host(&g, text);
	gm_guard_origin(&g, text);
	gm_guard_token(&g, text);
	json_t *o = gm_body_parse(text, n, &err);
	gm_form f = {0};
	if (o) {
		gm_body_only(o, "a|b", NULL);
		gm_error none = {0};
		if (gm_form_read(&f, &places, o, &none)) {
			free(gm_form_command(&f));
			char **argv = gm_form_argv(&f, "x", NULL);
			for (int i = 0; argv && argv[i]; i++)
				free(argv[i]);
			free(argv);
		}
		gm_form_free(&f);
	}
	json_decref(o);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	if (!n)
		return 0;
	if (*bytes % 4 == 0)
		whole_request(bytes + 1, n - 1, false);
	else if (*bytes % 4 == 1)
		whole_request(bytes + 1, n - 1, true);
	else {
		char *text = malloc(n);
		memcpy(text, bytes + 1, n - 1);
		text[n - 1] = 0;
		parts(text, strlen(text));
		free(text);
	}
	return 0;
}
