/* SPDX-License-Identifier: MIT
 *
 * studio/jobs.c -- see jobs.h.
 */
#include "studio/jobs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/text.h"

void gm_jobs_init(gm_jobs *q)
{
	pthread_mutex_init(&q->mutex, NULL);
	pthread_cond_init(&q->filled, NULL);
}

static void free_job(gm_job *j)
{
	if (j->task)
		j->release(j->task);
	free(j->input);
	free(j->result);
	json_decref(j->about);
	free(j);
}

static gm_job *find(gm_jobs *q, int64_t number)
{
	gm_job *j = q->first;
	while (j && j->number != number)
		j = j->after;
	return j;
}

static bool ended(const gm_job *j)
{
	return j->state != GM_JOB_QUEUED && j->state != GM_JOB_RUNNING;
}

void gm_job_show(gm_job *j, uint8_t *result, size_t bytes, json_t *about)
{
	pthread_mutex_lock(&j->jobs->mutex);
	free(j->result);
	json_decref(j->about);
	j->result = result, j->bytes = bytes, j->about = about;
	j->version++;
	pthread_mutex_unlock(&j->jobs->mutex);
}

static bool show(void *context, const gm_progress *p)
{
	gm_job *j = context;
	pthread_mutex_lock(&j->jobs->mutex);
	if (p->what)
		j->done = p->done, j->total = p->total;
	const bool go_on = !j->cancel && !j->jobs->closing;
	pthread_mutex_unlock(&j->jobs->mutex);
	return go_on;
}

/* Removes the oldest ended jobs above GM_JOBS_KEPT, or GM_JOBS_BYTES of results. */
static void forget(gm_jobs *q)
{
	int n = 0;
	size_t bytes = 0;
	for (gm_job *j = q->first; j; j = j->after)
		n += ended(j), bytes += j->bytes + j->input_bytes;
	for (gm_job **at = &q->first;
	     *at && n > 1 && (n > GM_JOBS_KEPT || bytes > GM_JOBS_BYTES);) {
		gm_job *j = *at;
		if (!ended(j)) {
			at = &j->after;
			continue;
		}
		*at = j->after;
		bytes -= j->bytes + j->input_bytes;
		free_job(j);
		n--;
	}
}

typedef struct working { /* arguments of work_guarded */
	gm_job *job;
	gm_error err;
	bool ok;
} working;

static void work_guarded(void *context)
{
	working *w = context;
	w->ok = w->job->work(w->job, &w->err);
}

static void run(gm_jobs *q, gm_job *j)
{
	working w = {.job = j};
	j->state = GM_JOB_RUNNING;
	pthread_mutex_unlock(&q->mutex);
	gm_progress_to(show, j);
	/* A net that does not fit in memory shall not end the studio. */
	if (!gm_memory_guard(work_guarded, &w))
		w.ok = gm_fail(&w.err, GM_ERR_MEMORY,
		               "out of memory: use fewer starts, or a run with smaller images");
	const bool ok = w.ok;
	gm_progress_to(NULL, NULL);
	pthread_mutex_lock(&q->mutex);
	j->state = ok ? GM_JOB_DONE : j->cancel ? GM_JOB_CANCELLED : GM_JOB_FAILED;
	if (!ok) {
		snprintf(j->message, sizeof j->message, "%s",
		         j->cancel ? "cancelled" : w.err.message);
		size_t n = strlen(j->message);
		while (n && !gm_text_is_utf8(j->message, n))
			j->message[--n] = 0;
	}
	j->release(j->task);
	j->task = NULL;
	forget(q);
}

static void *work(void *context)
{
	gm_jobs *q = context;
	setpriority(PRIO_PROCESS, (id_t)gettid(), 5); /* trainings come first */
	pthread_mutex_lock(&q->mutex);
	while (!q->closing) {
		gm_job *j = q->first;
		while (j && j->state != GM_JOB_QUEUED)
			j = j->after;
		if (j)
			run(q, j);
		else
			pthread_cond_wait(&q->filled, &q->mutex);
	}
	pthread_mutex_unlock(&q->mutex);
	return NULL;
}

int64_t gm_jobs_add(gm_jobs *q, const gm_job *what, gm_error *err)
{
	gm_job *j = malloc(sizeof *j);
	int waiting = 0;
	int64_t number = 0;
	if (j)
		*j = *what;
	pthread_mutex_lock(&q->mutex);
	gm_job **last = &q->first;
	for (; *last; last = &(*last)->after)
		waiting += (*last)->state == GM_JOB_QUEUED;
	if (!q->begun)
		q->begun = !pthread_create(&q->thread, NULL, work, q);
	if (!j || !q->begun) {
		gm_fail(err, GM_ERR_MEMORY, "out of memory");
	} else if (waiting >= GM_JOBS_WAITING) {
		gm_fail(err, GM_ERR_STATE, "%d jobs wait already: wait, or cancel some",
		        GM_JOBS_WAITING);
	} else {
		j->number = number = ++q->numbers;
		j->state = GM_JOB_QUEUED, j->jobs = q, j->after = NULL;
		*last = j;
		pthread_cond_signal(&q->filled);
	}
	pthread_mutex_unlock(&q->mutex);
	if (!number) {
		what->release(what->task);
		free(what->input);
		free(j);
	}
	return number;
}

json_t *gm_jobs_about(gm_jobs *q, int64_t number)
{
	static const char *const states[] = {"queued", "running", "done", "cancelled", "failed"};
	pthread_mutex_lock(&q->mutex);
	const gm_job *j = find(q, number);
	json_t *o = j ? json_pack("{s:I, s:s, s:s, s:s, s:I, s:I, s:I}", "number",
	                          (json_int_t)j->number, "kind", j->kind, "run", j->run, "state",
	                          states[j->state], "done", (json_int_t)j->done, "total",
	                          (json_int_t)j->total, "version", (json_int_t)j->version)
	              : NULL;
	if (o && j->message[0])
		json_object_set_new(o, "message", json_string(j->message));
	if (o && j->about)
		json_object_set(o, "about", j->about);
	const gm_job *other = o && j->state == GM_JOB_QUEUED ? q->first : NULL;
	while (other && other->state != GM_JOB_RUNNING)
		other = other->after;
	if (other)
		json_object_set_new(o, "waits_for",
		                    json_pack("{s:I, s:s, s:s, s:I, s:I}", "number",
		                              (json_int_t)other->number, "kind", other->kind, "run",
		                              other->run, "done", (json_int_t)other->done, "total",
		                              (json_int_t)other->total));
	pthread_mutex_unlock(&q->mutex);
	return o;
}

uint8_t *gm_jobs_result(gm_jobs *q, int64_t number, size_t *bytes, int64_t *version)
{
	uint8_t *copy = NULL;
	pthread_mutex_lock(&q->mutex);
	const gm_job *j = find(q, number);
	if (j && j->result && (copy = malloc(j->bytes + 1))) {
		memcpy(copy, j->result, j->bytes);
		*bytes = j->bytes;
		*version = j->version;
	}
	pthread_mutex_unlock(&q->mutex);
	return copy;
}

uint8_t *gm_jobs_input(gm_jobs *q, int64_t number, size_t *bytes)
{
	uint8_t *copy = NULL;
	pthread_mutex_lock(&q->mutex);
	const gm_job *j = find(q, number);
	if (j && j->input && (copy = malloc(j->input_bytes + 1)))
		memcpy(copy, j->input, *bytes = j->input_bytes);
	pthread_mutex_unlock(&q->mutex);
	return copy;
}

bool gm_jobs_cancel(gm_jobs *q, int64_t number)
{
	pthread_mutex_lock(&q->mutex);
	gm_job *j = find(q, number);
	if (j) {
		j->cancel = true;
		if (j->state == GM_JOB_QUEUED)
			j->state = GM_JOB_CANCELLED,
			snprintf(j->message, sizeof j->message, "cancelled");
	}
	pthread_mutex_unlock(&q->mutex);
	return j != NULL;
}

void gm_jobs_free(gm_jobs *q)
{
	pthread_mutex_lock(&q->mutex);
	q->closing = true;
	pthread_cond_broadcast(&q->filled);
	pthread_mutex_unlock(&q->mutex);
	if (q->begun)
		pthread_join(q->thread, NULL);
	while (q->first) {
		gm_job *j = q->first;
		q->first = j->after;
		free_job(j);
	}
	pthread_cond_destroy(&q->filled);
	pthread_mutex_destroy(&q->mutex);
}
