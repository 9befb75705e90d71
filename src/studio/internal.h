/* SPDX-License-Identifier: MIT
 *
 * studio/internal.h -- the studio's parts together, and a request on its way through them.
 *
 * Threads: libmicrohttpd's threads check requests (guard.h) and send answers; they compute nothing.
 * Worker threads run the routes. One more thread looks for changes of runs and for connections that
 * take too long.
 */
#ifndef GM_STUDIO_INTERNAL_H
#define GM_STUDIO_INTERNAL_H

#include <jansson.h>
#include <microhttpd.h>
#include <pthread.h>

#include "report/asset.h"
#include "report/series.h"
#include "studio/form.h"
#include "studio/guard.h"
#include "studio/hub.h"
#include "studio/jobs.h"
#include "studio/nets.h"
#include "studio/runs.h"
#include "studio/studio.h"
#include "studio/tasks.h"

enum { GM_SERIES_OPEN = 16, GM_WORKERS = 4, GM_CONNECTIONS = 512, GM_CALL_HEADERS = 4 };

/* The values of a run's stats.jsonl, kept between requests. */
typedef struct gm_open_series {
	char id[GM_PATH_ID];
	gm_series series;
	ino_t file;
	off_t read;
	double used; /* gm_seconds */
} gm_open_series;

typedef struct gm_call gm_call;
struct gm_studio;
typedef void gm_route_fn(struct gm_studio *s, gm_call *c);

typedef struct gm_route {
	const char *method, *pattern;
	gm_route_fn *run;
	bool stream; /* answers with events */
	size_t most; /* bytes of its body; 0: GM_BODY_BYTES */
} gm_route;

/* A request and its answer. */
struct gm_call {
	const gm_route *route;
	char id[GM_PATH_ID];
	int64_t number;
	const char *query;        /* "" if there is none */
	char confirm[GM_PATH_ID]; /* header Gm-Confirm, or "" */
	char *text;               /* body */
	size_t size, room;
	bool too_large;
	json_t *body; /* the same as JSON, for routes that take a body */

	/* The answer: answer (JSON), or data with a type. */
	unsigned status;
	json_t *answer;
	void *data; /* from malloc */
	size_t bytes;
	const char *type;
	char headers[GM_CALL_HEADERS][2][40]; /* further headers: names and values */
	bool retry;                           /* Retry-After */

	struct MHD_Connection *connection;
	struct MHD_Response *page; /* a file of the page, or NULL */
	char *query_text;
	struct gm_call *after; /* in the queue */
};

/* A connection, for its own time limits: those of libmicrohttpd start again with every byte. */
typedef struct gm_line {
	int socket;
	double since; /* when its request began; 0: idle or answering */
	double limit; /* seconds */
	struct gm_line *before, *after;
} gm_line;

struct gm_studio {
	gm_guard guard;
	char address[400];
	gm_places places;
	gm_hub hub;
	gm_runs runs;
	gm_tasks tasks;
	gm_nets nets;
	gm_jobs jobs;
	pthread_mutex_t series_mutex;
	gm_open_series series[GM_SERIES_OPEN];
	json_t *models; /* the answer of /api/models, made once */

	struct MHD_Daemon *daemon;
	pthread_mutex_t queue_mutex;
	pthread_cond_t queue_filled;
	gm_call *first, **last;
	bool closing;
	pthread_t worker[GM_WORKERS], watcher;
	int workers;
	bool watching;
	pthread_mutex_t lines_mutex;
	gm_line *lines;
};

extern const gm_route gm_routes[]; /* ends with method NULL */

/* Sets the answer to an error: code is a word for programs, field the name of an option or NULL. */
void gm_call_error(gm_call *c, unsigned status, const char *code, const char *field,
                   const char *fmt, ...) GM_PRINTF(5, 6);

/* The checkpoint of a run that the call names, or the newest, which must be a regular file of its
 * folder; false after answering the call with the error. */
bool gm_call_checkpoint(struct gm_studio *s, gm_call *c, char path[PATH_MAX]);
json_t *gm_call_checkpoints(struct gm_studio *s, gm_call *c); /* the names of all */
/* The record of the call's checkpoint names only files below the allowed places; false after
 * answering the call with the error. */
bool gm_call_data(struct gm_studio *s, gm_call *c);
void gm_call_failed(gm_call *c, const gm_error *err, const char *field);
/* The fields of the call's body are among these names, joined with |; false after an error. */
bool gm_call_only(gm_call *c, const char *names);

/* rooms.c: routes of the rooms for images */
gm_route_fn gm_room_net, gm_room_translate, gm_room_mask, gm_room_example, gm_room_inpaint,
	gm_room_job, gm_room_result, gm_room_input, gm_room_cancel;
/* room_latents.c */
gm_route_fn gm_room_draw, gm_room_directions, gm_room_animate, gm_room_nearest;
/* room_edit.c */
gm_route_fn gm_room_edit, gm_room_fit, gm_room_morph, gm_room_transfer;

extern const gm_asset gm_studio_assets[]; /* files of the page; ends with name NULL */

#endif
