/* SPDX-License-Identifier: MIT
 *
 * studio/hub.h -- events for the page: a ring of the newest ones, and readers that each have a
 * position in it. A reader has no buffer, so a slow one costs nothing: it is told that it missed
 * events ("resync") and reads the state again.
 */
#ifndef GM_STUDIO_HUB_H
#define GM_STUDIO_HUB_H

#include <jansson.h>
#include <pthread.h>

#include "ganymede/base.h"

enum { GM_HUB_EVENTS = 1024, GM_HUB_TOPICS = 8, GM_HUB_READERS = 256 };

typedef struct gm_event {
	uint64_t id; /* 0: empty */
	char topic[176], name[16];
	char *data; /* one line of JSON */
	size_t size;
} gm_event;

typedef struct gm_hub_reader {
	char topic[GM_HUB_TOPICS][176];
	int topics;
	uint64_t next;      /* id of the next event to look at */
	double quiet_since; /* when something was last sent, for comments */
	bool news;          /* an event of its topics was posted since it was woken */
	bool asleep;        /* its connection is suspended */
	void *connection;
	struct gm_hub_reader *after;
	/* text that is being sent */
	char *text;
	size_t size, sent;
} gm_hub_reader;

typedef struct gm_hub {
	pthread_mutex_t mutex;
	gm_event ring[GM_HUB_EVENTS];
	uint64_t newest; /* id */
	size_t bytes;    /* of all data */
	gm_hub_reader *readers;
	int count;
	bool closing;
	double woken;                   /* when readers were woken last */
	void (*wake)(void *connection); /* resumes the connection of a sleeping reader */
} gm_hub;

void gm_hub_init(gm_hub *h, void (*wake)(void *));
void gm_hub_free(gm_hub *h);

/* Stores an event for the readers of its topic, which gm_hub_tick wakes. Takes over data. */
void gm_hub_post(gm_hub *h, const char *topic, const char *name, json_t *data);
/* True if somebody reads this topic. */
bool gm_hub_has_reader(gm_hub *h, const char *topic);

/* Topics: "runs,run:00001-gan-ring8". after: id of the last event received, 0: only new ones.
 * GM_ERR_VALUE: unknown topic; GM_ERR_STATE: too many readers. The reader is freed by
 * gm_hub_close. */
gm_hub_reader *gm_hub_open(gm_hub *h, const char *topics, uint64_t after, gm_error *err);
void gm_hub_close(gm_hub *h, gm_hub_reader *r);
/* Copies at most n bytes of the event stream (text/event-stream); 0: nothing now, and the reader
 * is asleep: `sleep` was called with the lock held; -1: the end. */
ptrdiff_t gm_hub_read(gm_hub *h, gm_hub_reader *r, char *to, size_t n,
                      void (*sleep)(void *connection));
/* Wakes readers that have events to read, once for all events since the last call, and those that
 * need a comment, so that lost connections are noticed. Call it a few times a second. */
void gm_hub_tick(gm_hub *h);
/* Ends all streams. */
void gm_hub_end(gm_hub *h);

/* The events after an id as JSON: {"events": [{id, event, data}], "last": id}. */
json_t *gm_hub_poll(gm_hub *h, const char *topics, uint64_t after, gm_error *err);

#endif
