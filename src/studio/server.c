/* SPDX-License-Identifier: MIT
 *
 * studio/server.c -- the studio's HTTP server, by libmicrohttpd. A request passes the guard, is
 * then handed to a worker thread while its connection is suspended, and its answer is sent when the
 * worker is done.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/cache.h"
#include "base/machine.h"
#include "base/text.h"
#include "studio/body.h"
#include "studio/curves.h"
#include "studio/internal.h"

enum { IDLE_SECONDS = 15, HEADER_BYTES = 16 << 10, THREADS = 2, TICK_MS = 250 };
static const double HEADER_SECONDS = 10, BODY_SECONDS = 30;

/* Sent with every answer: nothing is loaded from elsewhere, no script but ours runs, no other site
 * sees an answer. */
static const char *const headers[][2] = {
	{"Content-Security-Policy",
         "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
         "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
         "require-trusted-types-for 'script'"},
	{"X-Content-Type-Options", "nosniff"},
	{"Cross-Origin-Resource-Policy", "same-origin"},
	{"Cross-Origin-Opener-Policy", "same-origin"},
	{"Referrer-Policy", "no-referrer"},
	{"Permissions-Policy", "camera=(self), microphone=(), geolocation=()"},
};

static void add_headers(struct MHD_Response *r, const char *type, const char *cache)
{
	for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
		MHD_add_response_header(r, headers[i][0], headers[i][1]);
	MHD_add_response_header(r, "Content-Type", type);
	MHD_add_response_header(r, "Cache-Control", cache);
}

/* ---- the page -------------------------------------------------------------------------------- */

/* A hash of all files of the page: their addresses contain it, so that browsers may keep them. */
static char page_hash[17];

static void hash_page(void)
{
	uint64_t h = 0;
	for (const gm_asset *a = gm_studio_assets; a->name; a++)
		h = gm_hash(gm_hash(h, a->name, strlen(a->name)), a->data, a->size);
	snprintf(page_hash, sizeof page_hash, "%016llx", (unsigned long long)h);
}

/* index.html with @VERSION@ replaced; from malloc. */
static char *make_index(const gm_asset *a, size_t *n)
{
	static const char mark[] = "@VERSION@";
	char *text = NULL;
	FILE *f = open_memstream(&text, n);
	const char *at = (const char *)a->data, *end = at + a->size, *next;
	while (f && (next = memmem(at, (size_t)(end - at), mark, sizeof mark - 1))) {
		fwrite(at, 1, (size_t)(next - at), f);
		fputs(page_hash, f);
		at = next + sizeof mark - 1;
	}
	if (f) {
		fwrite(at, 1, (size_t)(end - at), f);
		fclose(f);
	}
	return text;
}

/* The answer to "/" and "/app/VERSION/NAME"; NULL if there is no such file. */
static struct MHD_Response *page_file(const char *path)
{
	size_t n = strlen(page_hash);
	bool index = !strcmp(path, "/");
	const char *name = path;
	if (!index &&
	    (strncmp(path, "/app/", 5) || strncmp(path + 5, page_hash, n) || path[5 + n] != '/'))
		return NULL;
	name = index ? "index.html" : path + 6 + n;
	const gm_asset *a = gm_studio_assets;
	while (a->name && strcmp(a->name, name) != 0)
		a++;
	if (!a->name)
		return NULL;
	struct MHD_Response *r;
	if (index) {
		size_t size = 0;
		char *text = make_index(a, &size);
		r = MHD_create_response_from_buffer(size, text, MHD_RESPMEM_MUST_FREE);
	} else {
		r = MHD_create_response_from_buffer(a->size, (void *)a->data,
		                                    MHD_RESPMEM_PERSISTENT);
	}
	add_headers(r, a->type, index ? "no-cache" : "max-age=31536000, immutable");
	return r;
}

/* ---- connections ----------------------------------------------------------------------------- */

/* Trainings come first: the threads that serve connections have a lower priority. Not the whole
 * process, because the trainings that it starts would inherit that. */
static void be_nice(void)
{
	static _Thread_local bool done;
	if (!done)
		setpriority(PRIO_PROCESS, (id_t)gettid(), 5);
	done = true;
}

/* Called by libmicrohttpd before it closes a socket, so that `socket` of a listed line is open. */
static void on_line(void *cls, struct MHD_Connection *connection, void **context,
                    enum MHD_ConnectionNotificationCode what)
{
	gm_studio *s = cls;
	gm_line *l = *context;
	be_nice();
	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		const union MHD_ConnectionInfo *info =
			MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
		l = calloc(1, sizeof *l);
		*context = l;
		if (!l || !info)
			return;
		l->socket = info->connect_fd;
		l->since = gm_seconds();
		l->limit = HEADER_SECONDS;
		pthread_mutex_lock(&s->lines_mutex);
		l->after = s->lines;
		if (s->lines)
			s->lines->before = l;
		s->lines = l;
		pthread_mutex_unlock(&s->lines_mutex);
	} else if (l) {
		pthread_mutex_lock(&s->lines_mutex);
		if (l->before)
			l->before->after = l->after;
		else if (s->lines == l)
			s->lines = l->after;
		if (l->after)
			l->after->before = l->before;
		pthread_mutex_unlock(&s->lines_mutex);
		free(l);
		*context = NULL;
	}
}

/* limit 0: the connection may take its time. */
static void set_limit(gm_studio *s, struct MHD_Connection *connection, double limit)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	gm_line *l = info ? info->socket_context : NULL;
	if (!l)
		return;
	pthread_mutex_lock(&s->lines_mutex);
	l->since = limit > 0 ? gm_seconds() : 0;
	l->limit = limit;
	pthread_mutex_unlock(&s->lines_mutex);
}

static void close_late_lines(gm_studio *s)
{
	double now = gm_seconds();
	pthread_mutex_lock(&s->lines_mutex);
	for (gm_line *l = s->lines; l; l = l->after)
		if (l->since > 0 && now - l->since > l->limit) {
			shutdown(l->socket, SHUT_RDWR);
			l->since = 0;
		}
	pthread_mutex_unlock(&s->lines_mutex);
}

/* ---- answers --------------------------------------------------------------------------------- */

static enum MHD_Result send_answer(gm_call *c)
{
	char *text = NULL;
	struct MHD_Response *r;
	if (c->answer) {
		text = json_dumps(c->answer, JSON_COMPACT);
		c->data = text ? text : strdup("{}");
		c->bytes = strlen(c->data);
		c->type = "application/json";
	}
	r = MHD_create_response_from_buffer(c->bytes, c->data, MHD_RESPMEM_MUST_FREE);
	c->data = NULL;
	if (!r)
		return MHD_NO;
	add_headers(r, c->type ? c->type : "application/json", "no-store");
	for (int i = 0; i < GM_CALL_HEADERS; i++)
		if (c->headers[i][0][0])
			MHD_add_response_header(r, c->headers[i][0], c->headers[i][1]);
	/* A refused body is not read to its end, and refused streams free their place. */
	if (c->status == 413 || c->status == 503)
		MHD_add_response_header(r, "Connection", "close");
	enum MHD_Result ok = MHD_queue_response(c->connection, c->status, r);
	MHD_destroy_response(r);
	return ok;
}

static enum MHD_Result refuse(gm_studio *s, gm_call *c, unsigned status, const char *code,
                              const char *message)
{
	set_limit(s, c->connection, 0);
	gm_call_error(c, status, code, NULL, "%s", message);
	return send_answer(c);
}

static void free_call(gm_call *c)
{
	json_decref(c->body);
	json_decref(c->answer);
	free(c->text);
	free(c->data);
	free(c->query_text);
	if (c->page)
		MHD_destroy_response(c->page);
	free(c);
}

/* ---- event streams --------------------------------------------------------------------------- */

typedef struct reading {
	gm_studio *s;
	gm_hub_reader *reader;
} reading;

static void fall_asleep(void *connection)
{
	MHD_suspend_connection(connection);
}

static void wake_up(void *connection)
{
	MHD_resume_connection(connection);
}

static ssize_t read_events(void *cls, uint64_t at, char *to, size_t n)
{
	reading *r = cls;
	(void)at;
	ptrdiff_t got = gm_hub_read(&r->s->hub, r->reader, to, n, fall_asleep);
	return got < 0 ? MHD_CONTENT_READER_END_OF_STREAM : got;
}

static void end_reading(void *cls)
{
	reading *r = cls;
	gm_hub_close(&r->s->hub, r->reader);
	free(r);
}

static enum MHD_Result send_events(gm_studio *s, gm_call *c)
{
	gm_error err = {0};
	char topics[1500] = "", after[32] = "0";
	uint64_t id = 0;
	gm_guard_query(c->query, "topics", topics, sizeof topics);
	gm_guard_query(c->query, "after", after, sizeof after);
	if (!gm_text_u64(after, &id))
		return refuse(s, c, 400, "bad_value", "after is not the id of an event");
	reading *r = calloc(1, sizeof *r);
	gm_hub_reader *reader = r ? gm_hub_open(&s->hub, topics, id, &err) : NULL;
	if (!reader) {
		free(r);
		return err.code == GM_ERR_STATE ? refuse(s, c, 503, "streams_full", err.message)
		                                : refuse(s, c, 400, "bad_value", err.message);
	}
	*r = (reading){s, reader};
	reader->connection = c->connection;
	struct MHD_Response *response = MHD_create_response_from_callback(
		MHD_SIZE_UNKNOWN, 16 << 10, read_events, r, end_reading);
	add_headers(response, "text/event-stream", "no-store");
	set_limit(s, c->connection, 0);
	enum MHD_Result ok = MHD_queue_response(c->connection, 200, response);
	MHD_destroy_response(response);
	return ok;
}

/* ---- workers --------------------------------------------------------------------------------- */

static void run_route(gm_studio *s, gm_call *c)
{
	gm_error err = {0};
	c->body = gm_body_parse(c->text, c->size, &err);
	if (!c->body)
		gm_call_error(c, 400, "bad_json", NULL, "%s", err.message);
	else
		c->route->run(s, c);
	if (!c->answer && !c->data)
		gm_call_error(c, 500, "internal", NULL, "out of memory");
}

static void *work(void *cls)
{
	gm_studio *s = cls;
	pthread_mutex_lock(&s->queue_mutex);
	for (;;) {
		while (!s->first && !s->closing)
			pthread_cond_wait(&s->queue_filled, &s->queue_mutex);
		gm_call *c = s->first;
		if (!c)
			break;
		s->first = c->after;
		if (!s->first)
			s->last = &s->first;
		bool closing = s->closing;
		pthread_mutex_unlock(&s->queue_mutex);
		if (closing)
			gm_call_error(c, 503, "closing", NULL, "the studio is ending");
		else
			run_route(s, c);
		struct MHD_Connection *connection = c->connection;
		send_answer(c); /* c is freed when it was sent */
		MHD_resume_connection(connection);
		pthread_mutex_lock(&s->queue_mutex);
	}
	pthread_mutex_unlock(&s->queue_mutex);
	return NULL;
}

static enum MHD_Result hand_over(gm_studio *s, gm_call *c)
{
	set_limit(s, c->connection, 0);
	pthread_mutex_lock(&s->queue_mutex);
	/* The workers may have ended: nobody would resume the connection. */
	if (s->closing) {
		pthread_mutex_unlock(&s->queue_mutex);
		return refuse(s, c, 503, "closing", "the studio is ending");
	}
	MHD_suspend_connection(c->connection);
	c->after = NULL;
	*s->last = c;
	s->last = &c->after;
	pthread_cond_signal(&s->queue_filled);
	pthread_mutex_unlock(&s->queue_mutex);
	return MHD_YES;
}

/* ---- requests -------------------------------------------------------------------------------- */

static const char *header_of(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

typedef struct host_count {
	const char *host;
	int n;
} host_count;

static enum MHD_Result count_host(void *cls, enum MHD_ValueKind kind, const char *name,
                                  const char *value)
{
	host_count *h = cls;
	(void)kind;
	if (!strcasecmp(name, "Host")) {
		h->n++;
		h->host = value;
	}
	return MHD_YES;
}

/* Finds the route; false: none, and *other is true if the path exists with other methods. */
static bool find_route(gm_call *c, const char *method, const char *path, bool *other)
{
	*other = false;
	for (const gm_route *r = gm_routes; r->method; r++)
		if (gm_guard_match(path, r->pattern, c->id, &c->number)) {
			*other = true;
			if (!strcmp(method, r->method)) {
				c->route = r;
				return true;
			}
		}
	return false;
}

static size_t most_of(const gm_call *c)
{
	return c->route && c->route->most ? c->route->most : GM_BODY_BYTES;
}

static const char *too_large(const gm_call *c)
{
	const size_t most = most_of(c);
	return most == GM_BODY_BYTES ? "a body has at most 64 kB"
	       : most > 8 << 20      ? "the photo is too large: at most 2048x2048 pixels"
	                             : "the image is too large: at most 1024x1024 pixels";
}

/* Checks a request once its headers are complete. Answers it, or leaves that for later. */
static enum MHD_Result begin_request(gm_studio *s, gm_call *c, const char *path, const char *method)
{
	struct MHD_Connection *connection = c->connection;
	host_count hosts = {0};
	MHD_get_connection_values(connection, MHD_HEADER_KIND, count_host, &hosts);
	if (hosts.n != 1 || !gm_guard_host(&s->guard, hosts.host))
		return refuse(s, c, 421, "host",
		              "this server does not have that name: use the address that "
		              "ganymede studio printed, or give it names by --name");
	if (strncmp(path, "/api/", 5) != 0) {
		struct MHD_Response *r = strcmp(method, "GET") ? NULL : page_file(path);
		if (!r)
			return strcmp(method, "GET")
			               ? refuse(s, c, 405, "method", "pages are only read")
			               : refuse(s, c, 404, "no_page",
			                        "there is no such page; after an update of the "
			                        "program, load the page again");
		c->page = r;
		return MHD_YES;
	}
	const char *origin = header_of(connection, "Origin"),
		   *site = header_of(connection, "Sec-Fetch-Site");
	bool other, changes = strcmp(method, "GET") != 0;
	if (!strcmp(method, "OPTIONS") || !strcmp(method, "HEAD"))
		return refuse(s, c, 405, "method", "this method is not used here");
	if ((origin && !gm_guard_origin(&s->guard, origin)) ||
	    (site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0))
		return refuse(s, c, 403, "origin", "requests of other sites are refused");
	if (!gm_guard_token(&s->guard, header_of(connection, "Gm-Token")))
		return refuse(s, c, 401, "token",
		              "the token is missing or wrong: open the address that ganymede "
		              "studio printed");
	if (!find_route(c, method, path, &other))
		return other ? refuse(s, c, 405, "method", "this address has other methods")
		             : refuse(s, c, 404,
		                      strncmp(path, "/api/runs/", 10) ? "no_page" : "no_run",
		                      "there is no such address or run");
	const char *length = header_of(connection, "Content-Length"),
		   *confirm = header_of(connection, "Gm-Confirm");
	if (length && strtoull(length, NULL, 10) > most_of(c))
		return refuse(s, c, 413, "too_large", too_large(c));
	snprintf(c->confirm, sizeof c->confirm, "%s", confirm ? confirm : "");
	if (changes)
		set_limit(s, connection, BODY_SECONDS);
	return MHD_YES;
}

/* Answers a request that was read to its end. An answer queued before that, when the headers are
 * complete, would close the connection. */
static enum MHD_Result end_request(gm_studio *s, gm_call *c)
{
	if (c->too_large)
		return refuse(s, c, 413, "too_large", too_large(c));
	if (c->page) {
		set_limit(s, c->connection, 0);
		return MHD_queue_response(c->connection, 200, c->page);
	}
	return c->route->stream ? send_events(s, c) : hand_over(s, c);
}

static bool add_text(gm_call *c, const char *data, size_t n)
{
	if (c->size + n > most_of(c))
		return false;
	if (c->size + n > c->room) {
		size_t room = c->size + n + c->room / 2 + 4096;
		char *more = realloc(c->text, room);
		if (!more)
			return false;
		c->text = more, c->room = room;
	}
	memcpy(c->text + c->size, data, n);
	c->size += n;
	return true;
}

/* Called with the request line as it came: the part after ? is kept for the routes. */
static void *on_address(void *cls, const char *uri, struct MHD_Connection *connection)
{
	gm_call *c = calloc(1, sizeof *c);
	(void)cls;
	if (!c)
		return NULL;
	const char *query = strchr(uri, '?');
	c->connection = connection;
	c->query_text = strdup(query ? query + 1 : "");
	c->query = c->query_text ? c->query_text : "";
	return c;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **context)
{
	gm_studio *s = cls;
	gm_call *c = *context;
	(void)version;
	(void)connection;
	if (!c)
		return MHD_NO;
	if (!c->status && !c->route && !c->page)
		return begin_request(s, c, path, method);
	if (*upload_size) {
		if (!c->too_large && !add_text(c, upload, *upload_size)) {
			c->too_large = true;
			free(c->text);
			c->text = NULL;
		}
		*upload_size = 0;
		return MHD_YES;
	}
	return end_request(s, c);
}

static void on_end(void *cls, struct MHD_Connection *connection, void **context,
                   enum MHD_RequestTerminationCode why)
{
	gm_studio *s = cls;
	gm_call *c = *context;
	(void)why;
	if (!c)
		return;
	*context = NULL;
	free_call(c);
	set_limit(s, connection, IDLE_SECONDS); /* until the next request is complete */
}

/* Paths and queries are decoded by us (guard.c), which refuses what is no plain path. */
static size_t keep_escapes(void *cls, struct MHD_Connection *connection, char *text)
{
	(void)cls;
	(void)connection;
	return strlen(text);
}

static void no_log(void *cls, const char *fmt, va_list ap)
{
	(void)cls;
	(void)fmt;
	(void)ap;
}

/* ---- start and end --------------------------------------------------------------------------- */

static void *watch(void *cls)
{
	gm_studio *s = cls;
	pthread_mutex_lock(&s->queue_mutex);
	while (!s->closing) {
		pthread_mutex_unlock(&s->queue_mutex);
		bool changed = gm_tasks_tick(&s->tasks);
		gm_runs_tick(&s->runs, changed);
		if (changed) /* the list of waiting ones is part of the answer */
			gm_hub_post(&s->hub, "runs", "runs",
			            json_pack("{s:I}", "rev", (json_int_t)s->runs.rev));
		gm_hub_tick(&s->hub);
		close_late_lines(s);
		nanosleep(&(struct timespec){.tv_nsec = TICK_MS * 1000000L}, NULL);
		pthread_mutex_lock(&s->queue_mutex);
	}
	pthread_mutex_unlock(&s->queue_mutex);
	return NULL;
}

static bool is_run_of_tasks(void *context, const char *id)
{
	return gm_tasks_has(context, id);
}

static bool make_token(gm_studio *s, const char *token, gm_error *err)
{
	uint8_t random[(GM_STUDIO_TOKEN - 1) / 2];
	if (token) {
		if (strlen(token) != GM_STUDIO_TOKEN - 1 ||
		    strspn(token, "0123456789abcdef") != GM_STUDIO_TOKEN - 1)
			return gm_fail(err, GM_ERR_VALUE,
			               "the token is not %d hexadecimal digits (0-9, a-f)",
			               GM_STUDIO_TOKEN - 1);
		memcpy(s->guard.token, token, GM_STUDIO_TOKEN);
		return true;
	}
	if (getrandom(random, sizeof random, 0) != sizeof random)
		return gm_fail(err, GM_ERR_IO, "no random numbers for the token: %s",
		               strerror(errno));
	for (size_t i = 0; i < sizeof random; i++)
		snprintf(s->guard.token + 2 * i, 3, "%02x", random[i]);
	return true;
}

static int open_socket(const char *address, int *port, gm_error *err)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)*port)};
	socklen_t n = sizeof at;
	int one = 1, fd = -1;
	if (inet_pton(AF_INET, address, &at.sin_addr) != 1) {
		gm_fail(err, GM_ERR_VALUE, "\"%.60s\" is not an IPv4 address such as 127.0.0.1",
		        address);
		return -1;
	}
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 511) ||
	    getsockname(fd, (struct sockaddr *)&at, &n)) {
		gm_fail(err, GM_ERR_IO, "cannot listen on %s port %d: %s%s", address, *port,
		        strerror(errno), errno == EADDRINUSE ? "; give another one by --port" : "");
		if (fd >= 0)
			close(fd);
		return -1;
	}
	*port = ntohs(at.sin_port);
	return fd;
}

static bool fill(gm_studio *s, const gm_studio_options *o, gm_error *err)
{
	static const char *const loopback[] = {"127.0.0.1", "localhost", "[::1]"};
	char path[PATH_MAX];
	for (int i = 0; i < 3; i++)
		snprintf(s->guard.name[s->guard.names++], sizeof s->guard.name[0], "%s",
		         loopback[i]);
	if (o->names > GM_STUDIO_NAMES - 4)
		return gm_fail(err, GM_ERR_VALUE, "more than %d names", GM_STUDIO_NAMES - 4);
	/* On other interfaces only the names that were given. */
	if (o->names)
		s->guard.names = 0;
	for (int i = 0; i < o->names; i++)
		snprintf(s->guard.name[s->guard.names++], sizeof s->guard.name[0], "%s",
		         o->name[i]);
	if (!make_token(s, o->token, err) || !gm_runs_open(&s->runs, o->outdir, &s->hub, err))
		return false;
	memcpy(s->places.outdir, s->runs.path, sizeof s->places.outdir);
	for (int i = 0; i < o->roots; i++)
		if (!gm_places_add(&s->places, o->root[i], err))
			return false;
	if (!o->roots &&
	    (!gm_places_add(&s->places, ".", err) ||
	     (gm_cache_path("data", "", path) && !gm_places_add(&s->places, path, err))))
		return false;
	gm_tasks_init(&s->tasks, o->program, o->runs);
	s->runs.is_mine = is_run_of_tasks;
	s->runs.context = &s->tasks;
	return true;
}

/* Each event stream needs a descriptor. */
static void allow_connections(void)
{
	struct rlimit l;
	if (!getrlimit(RLIMIT_NOFILE, &l) && l.rlim_cur < 2 * GM_CONNECTIONS &&
	    l.rlim_cur < l.rlim_max) {
		l.rlim_cur = l.rlim_max < 2 * GM_CONNECTIONS ? l.rlim_max : 2 * GM_CONNECTIONS;
		setrlimit(RLIMIT_NOFILE, &l);
	}
}

static bool begin(gm_studio *s, const gm_studio_options *o, gm_error *err)
{
	const char *listen = o->listen ? o->listen : "127.0.0.1";
	int port = o->port, fd = open_socket(listen, &port, err);
	if (fd < 0)
		return false;
	s->guard.port = port;
	bool local = !strcmp(listen, "127.0.0.1") && !o->names;
	snprintf(s->address, sizeof s->address, "http://%s:%d/#t=%s",
	         local      ? "127.0.0.1"
	         : o->names ? o->name[0]
	                    : listen,
	         port, s->guard.token);
	allow_connections();
	gm_runs_tick(&s->runs, true);
	s->daemon = MHD_start_daemon(
		MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_ALLOW_SUSPEND_RESUME |
			MHD_USE_ERROR_LOG,
		0, NULL, NULL, on_request, s, MHD_OPTION_EXTERNAL_LOGGER, no_log, NULL,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_THREAD_POOL_SIZE, (unsigned)THREADS,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)GM_CONNECTIONS,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)(2 * HEADER_BYTES),
		MHD_OPTION_NOTIFY_CONNECTION, on_line, s, MHD_OPTION_NOTIFY_COMPLETED, on_end, s,
		MHD_OPTION_URI_LOG_CALLBACK, on_address, s, MHD_OPTION_UNESCAPE_CALLBACK,
		keep_escapes, s, MHD_OPTION_END);
	if (!s->daemon) {
		close(fd);
		return gm_fail(err, GM_ERR_IO, "the HTTP server does not start: %s",
		               strerror(errno));
	}
	while (s->workers < GM_WORKERS && !pthread_create(&s->worker[s->workers], NULL, work, s))
		s->workers++;
	s->watching = !pthread_create(&s->watcher, NULL, watch, s);
	return (s->workers == GM_WORKERS && s->watching) ||
	       gm_fail(err, GM_ERR_MEMORY, "cannot start threads");
}

gm_studio *gm_studio_start(const gm_studio_options *o, gm_error *err)
{
	gm_studio *s = calloc(1, sizeof *s);
	if (!s) {
		gm_fail(err, GM_ERR_MEMORY, "out of memory");
		return NULL;
	}
	hash_page();
	s->last = &s->first;
	s->runs.folder = -1;
	pthread_mutex_init(&s->series_mutex, NULL);
	pthread_mutex_init(&s->queue_mutex, NULL);
	pthread_mutex_init(&s->lines_mutex, NULL);
	pthread_cond_init(&s->queue_filled, NULL);
	gm_hub_init(&s->hub, wake_up);
	gm_nets_init(&s->nets);
	gm_jobs_init(&s->jobs);
	s->models = gm_form_models();
	if (fill(s, o, err) && begin(s, o, err))
		return s;
	gm_studio_stop(s);
	return NULL;
}

const char *gm_studio_address(const gm_studio *s)
{
	return s->address;
}

int gm_studio_port(const gm_studio *s)
{
	return s->guard.port;
}

void gm_studio_stop(gm_studio *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->queue_mutex);
	s->closing = true;
	pthread_cond_broadcast(&s->queue_filled);
	pthread_mutex_unlock(&s->queue_mutex);
	/* All suspended connections must be resumed before the server stops. */
	gm_hub_end(&s->hub);
	for (int i = 0; i < s->workers; i++)
		pthread_join(s->worker[i], NULL);
	if (s->watching)
		pthread_join(s->watcher, NULL);
	if (s->daemon)
		MHD_stop_daemon(s->daemon);
	gm_jobs_free(&s->jobs);
	gm_nets_free(&s->nets);
	gm_curves_free(s);
	gm_tasks_free(&s->tasks);
	gm_runs_close(&s->runs);
	gm_hub_free(&s->hub);
	json_decref(s->models);
	pthread_cond_destroy(&s->queue_filled);
	pthread_mutex_destroy(&s->lines_mutex);
	pthread_mutex_destroy(&s->queue_mutex);
	pthread_mutex_destroy(&s->series_mutex);
	free(s);
}
