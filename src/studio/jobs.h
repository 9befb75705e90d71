/* SPDX-License-Identifier: MIT
 *
 * studio/jobs.h -- long computations of the studio's rooms: one at a time, in a thread of its own,
 * others wait. They go on when the page is closed, tell their progress and can be cancelled.
 */
#ifndef GM_STUDIO_JOBS_H
#define GM_STUDIO_JOBS_H

#include <jansson.h>
#include <pthread.h>

#include "studio/guard.h"

enum { GM_JOBS_WAITING = 16, GM_JOBS_KEPT = 100, GM_JOBS_BYTES = 128 << 20 };

typedef struct gm_job gm_job;
struct gm_job {
	int64_t number;
	char run[GM_PATH_ID], kind[16];
	/* What it does: shows its result by gm_job_show, or fails with err. Called in the thread of
	 * jobs, where progress is reported and cancels it. */
	bool (*work)(gm_job *j, gm_error *err);
	void (*release)(void *task);
	void *task;
	uint8_t *input; /* what was asked for, for a page that comes back, or NULL */
	size_t input_bytes;
	uint8_t *result;
	size_t bytes;
	json_t *about;   /* JSON about the result, or NULL */
	int64_t version; /* of the result: how often it was shown */

	enum { GM_JOB_QUEUED, GM_JOB_RUNNING, GM_JOB_DONE, GM_JOB_CANCELLED, GM_JOB_FAILED } state;
	bool cancel;
	uint64_t done, total;
	char message[512];
	gm_job *after;
	struct gm_jobs *jobs;
};

typedef struct gm_jobs {
	pthread_mutex_t mutex;
	pthread_cond_t filled;
	gm_job *first; /* in order of number; ended ones are kept for a while */
	int64_t numbers;
	bool closing, begun;
	pthread_t thread;
} gm_jobs;

void gm_jobs_init(gm_jobs *q);
void gm_jobs_free(gm_jobs *q); /* cancels all */
/* Adds a job with work, release, task, input, run and kind; takes over task and input, also on
 * failure. Returns its number, or 0 with GM_ERR_STATE if too many wait. */
int64_t gm_jobs_add(gm_jobs *q, const gm_job *what, gm_error *err);
/* Called by work: the result, or what there is of it so far; a cancelled job keeps it. Takes over
 * result (from malloc) and about. */
void gm_job_show(gm_job *j, uint8_t *result, size_t bytes, json_t *about);
/* {number, kind, run, state, done, total, version, message?, about?, waits_for?}; NULL if there is
 * none. waits_for is the job that runs, {number, kind, run, done, total}. */
json_t *gm_jobs_about(gm_jobs *q, int64_t number);
/* A copy of the result so far, and its version; NULL if there is none. */
uint8_t *gm_jobs_result(gm_jobs *q, int64_t number, size_t *bytes, int64_t *version);
/* A copy of its input; NULL if there is none. */
uint8_t *gm_jobs_input(gm_jobs *q, int64_t number, size_t *bytes);
bool gm_jobs_cancel(gm_jobs *q, int64_t number); /* false if there is none */

#endif
