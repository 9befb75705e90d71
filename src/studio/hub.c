/* SPDX-License-Identifier: MIT
 *
 * studio/hub.c -- see hub.h.
 */
#include "studio/hub.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/machine.h"
#include "studio/guard.h"

enum { HUB_BYTES = 8 << 20, POLL_BYTES = 256 << 10, FEW_READERS = 32 };
static const double MANY_EVERY = .5;    /* seconds */
static const double COMMENT_EVERY = 10; /* seconds */

void gm_hub_init(gm_hub *h, void (*wake)(void *))
{
	*h = (gm_hub){.wake = wake};
	pthread_mutex_init(&h->mutex, NULL);
	/* Ids of a new server are greater than those of an earlier one that a page remembers. */
	h->newest = (uint64_t)time(NULL) * 1000;
}

void gm_hub_free(gm_hub *h)
{
	for (int i = 0; i < GM_HUB_EVENTS; i++)
		free(h->ring[i].data);
	pthread_mutex_destroy(&h->mutex);
}

static void drop(gm_hub *h, gm_event *e)
{
	h->bytes -= e->size;
	free(e->data);
	*e = (gm_event){0};
}

static bool has_topic(const gm_hub_reader *r, const char *topic)
{
	for (int i = 0; i < r->topics; i++)
		if (!strcmp(r->topic[i], topic))
			return true;
	return false;
}

static void wake(gm_hub *h, gm_hub_reader *r)
{
	if (!r->asleep)
		return;
	r->asleep = false;
	h->wake(r->connection);
}

void gm_hub_post(gm_hub *h, const char *topic, const char *name, json_t *data)
{
	char *text = json_dumps(data, JSON_COMPACT);
	json_decref(data);
	if (!text)
		return;
	pthread_mutex_lock(&h->mutex);
	gm_event *e = &h->ring[++h->newest % GM_HUB_EVENTS];
	drop(h, e);
	e->id = h->newest;
	snprintf(e->topic, sizeof e->topic, "%s", topic);
	snprintf(e->name, sizeof e->name, "%s", name);
	e->data = text;
	e->size = strlen(text);
	h->bytes += e->size;
	for (uint64_t id = h->newest - GM_HUB_EVENTS + 1; h->bytes > HUB_BYTES && id < e->id; id++)
		drop(h, &h->ring[id % GM_HUB_EVENTS]);
	for (gm_hub_reader *r = h->readers; r; r = r->after)
		r->news = r->news || has_topic(r, topic);
	pthread_mutex_unlock(&h->mutex);
}

bool gm_hub_has_reader(gm_hub *h, const char *topic)
{
	bool found = false;
	pthread_mutex_lock(&h->mutex);
	for (gm_hub_reader *r = h->readers; r && !found; r = r->after)
		found = has_topic(r, topic);
	pthread_mutex_unlock(&h->mutex);
	return found;
}

static bool read_topics(gm_hub_reader *r, const char *text, gm_error *err)
{
	while (*text) {
		size_t n = strcspn(text, ",");
		char one[176];
		if (r->topics == GM_HUB_TOPICS || n >= sizeof one)
			return gm_fail(err, GM_ERR_VALUE, "topics: more than %d", GM_HUB_TOPICS);
		snprintf(one, sizeof one, "%.*s", (int)n, text);
		if (strcmp(one, "runs") && (strncmp(one, "run:", 4) || !gm_guard_id(one + 4)))
			return gm_fail(err, GM_ERR_VALUE,
			               "topics: \"%.60s\" is neither runs nor run:ID", one);
		memcpy(r->topic[r->topics++], one, n + 1);
		text += n + (text[n] == ',');
	}
	return r->topics || gm_fail(err, GM_ERR_VALUE, "topics: none are given");
}

gm_hub_reader *gm_hub_open(gm_hub *h, const char *topics, uint64_t after, gm_error *err)
{
	gm_hub_reader *r = calloc(1, sizeof *r);
	if (!r || !read_topics(r, topics, err)) {
		free(r);
		return NULL;
	}
	pthread_mutex_lock(&h->mutex);
	bool room = h->count < GM_HUB_READERS && !h->closing;
	if (room) {
		r->next = after ? after + 1 : h->newest + 1;
		r->quiet_since = gm_seconds();
		r->after = h->readers;
		h->readers = r;
		h->count++;
	}
	pthread_mutex_unlock(&h->mutex);
	if (room)
		return r;
	free(r);
	gm_fail(err, GM_ERR_STATE,
	        "%d pages and programs already read events: close some, or poll /api/poll",
	        GM_HUB_READERS);
	return NULL;
}

void gm_hub_close(gm_hub *h, gm_hub_reader *r)
{
	pthread_mutex_lock(&h->mutex);
	for (gm_hub_reader **p = &h->readers; *p; p = &(*p)->after)
		if (*p == r) {
			*p = r->after;
			h->count--;
			break;
		}
	pthread_mutex_unlock(&h->mutex);
	free(r->text);
	free(r);
}

/* True if events that the reader did not see were dropped, or its id is of another server. */
static bool lost_some(const gm_hub *h, uint64_t next)
{
	return next > h->newest + 1 || (next <= h->newest && !h->ring[next % GM_HUB_EVENTS].id) ||
	       (next <= h->newest && h->ring[next % GM_HUB_EVENTS].id != next);
}

/* The next event of the reader's topics; NULL: none. */
static const gm_event *next_event(gm_hub *h, gm_hub_reader *r)
{
	while (r->next <= h->newest) {
		const gm_event *e = &h->ring[r->next++ % GM_HUB_EVENTS];
		if (has_topic(r, e->topic))
			return e;
	}
	return NULL;
}

/* Sets r->text to what is to be sent next; false: nothing. */
static bool refill(gm_hub *h, gm_hub_reader *r)
{
	FILE *f = open_memstream(&r->text, &r->size);
	const gm_event *e;
	r->sent = 0;
	if (!f)
		return false;
	if (lost_some(h, r->next)) {
		fprintf(f, "id: %" PRIu64 "\nevent: resync\ndata: {}\n\n", h->newest);
		r->next = h->newest + 1;
	}
	while (ftell(f) < 64 << 10 && (e = next_event(h, r)))
		fprintf(f, "id: %" PRIu64 "\nevent: %s\ndata: %s\n\n", e->id, e->name, e->data);
	if (!ftell(f) && gm_seconds() - r->quiet_since >= COMMENT_EVERY)
		fputs(": still here\n\n", f);
	fclose(f);
	if (r->text && r->size) {
		r->quiet_since = gm_seconds();
		return true;
	}
	free(r->text);
	r->text = NULL;
	return false;
}

ptrdiff_t gm_hub_read(gm_hub *h, gm_hub_reader *r, char *to, size_t n,
                      void (*sleep)(void *connection))
{
	ptrdiff_t got = -1;
	pthread_mutex_lock(&h->mutex);
	if (!h->closing) {
		got = 0;
		if (r->text || refill(h, r)) {
			got = (ptrdiff_t)(r->size - r->sent < n ? r->size - r->sent : n);
			memcpy(to, r->text + r->sent, (size_t)got);
			r->sent += (size_t)got;
			if (r->sent == r->size) {
				free(r->text);
				r->text = NULL;
			}
		} else {
			r->asleep = true;
			sleep(r->connection);
		}
	}
	pthread_mutex_unlock(&h->mutex);
	return got;
}

void gm_hub_tick(gm_hub *h)
{
	double now = gm_seconds();
	pthread_mutex_lock(&h->mutex);
	/* Waking many readers takes time from trainings, so they are woken less often. */
	bool enough = h->count <= FEW_READERS || now - h->woken >= MANY_EVERY;
	h->woken = enough ? now : h->woken;
	for (gm_hub_reader *r = h->readers; r && enough; r = r->after)
		if (r->news || now - r->quiet_since >= COMMENT_EVERY) {
			r->news = false;
			wake(h, r);
		}
	pthread_mutex_unlock(&h->mutex);
}

void gm_hub_end(gm_hub *h)
{
	pthread_mutex_lock(&h->mutex);
	h->closing = true;
	for (gm_hub_reader *r = h->readers; r; r = r->after)
		wake(h, r);
	pthread_mutex_unlock(&h->mutex);
}

json_t *gm_hub_poll(gm_hub *h, const char *topics, uint64_t after, gm_error *err)
{
	gm_hub_reader r = {0};
	const gm_event *e;
	size_t size = 0;
	if (!read_topics(&r, topics, err))
		return NULL;
	json_t *list = json_array();
	pthread_mutex_lock(&h->mutex);
	r.next = after ? after + 1 : h->newest + 1;
	uint64_t last = h->newest;
	if (lost_some(h, r.next)) {
		json_array_append_new(list,
		                      json_pack("{s:I, s:s, s:{}}", "id", (json_int_t)h->newest,
		                                "event", "resync", "data"));
		r.next = h->newest + 1;
	}
	while ((e = next_event(h, &r))) {
		size += e->size + 64;
		if (size > POLL_BYTES) {
			last = e->id - 1;
			break;
		}
		json_array_append_new(list,
		                      json_pack("{s:I, s:s, s:o}", "id", (json_int_t)e->id, "event",
		                                e->name, "data", json_loads(e->data, 0, NULL)));
	}
	pthread_mutex_unlock(&h->mutex);
	return json_pack("{s:o, s:I}", "events", list, "last", (json_int_t)last);
}
