/* SPDX-License-Identifier: MIT
 *
 * studio/tasks.h -- trainings that the studio starts: child processes in sessions of their own,
 * which go on when the studio ends. At most a given number runs at once; others wait in order.
 */
#ifndef GM_STUDIO_TASKS_H
#define GM_STUDIO_TASKS_H

#include <jansson.h>
#include <pthread.h>
#include <sys/types.h>

#include "studio/guard.h"

enum { GM_TASKS_WAITING = 64 };

typedef struct gm_task {
	int64_t number;
	char **argv;   /* ends with NULL */
	json_t *about; /* {model, options} for the list of waiting ones */
	pid_t pid;     /* 0: waiting */
	int process;   /* pidfd, -1 if the system has none */
	int out;       /* its output: a file without a name */
	bool ended, awaited;
	int status;
	char id[GM_PATH_ID]; /* of its run, once known */
	char trouble[512];   /* why it ended before its run began */
	struct gm_task *after;
} gm_task;

typedef struct gm_tasks {
	pthread_mutex_t mutex;
	gm_task *first;
	int64_t numbers;
	int at_once;
	char program[4096];
} gm_tasks;

void gm_tasks_init(gm_tasks *t, const char *program, int at_once);
void gm_tasks_free(gm_tasks *t); /* processes go on */

/* Starts a process, or lets it wait. Takes over argv (each from malloc) and about. When it starts,
 * waits until its run has a folder: id is set, or the error says why there is none. *number is set
 * if it waits, else 0. known: id of the run, if it is one that resumes. */
bool gm_tasks_start(gm_tasks *t, char **argv, json_t *about, const char *known, char id[GM_PATH_ID],
                    int64_t *number, gm_error *err);
/* Looks for ended processes and starts waiting ones. Returns true if the list changed. */
bool gm_tasks_tick(gm_tasks *t);
/* [{number, model, options, trouble?}] */
json_t *gm_tasks_waiting(gm_tasks *t);
/* Removes a waiting one from the list; false if there is none. */
bool gm_tasks_forget(gm_tasks *t, int64_t number);
bool gm_tasks_has(gm_tasks *t, const char *id); /* a living process trains this run */
/* Kills the process that trains this run; GM_ERR_STATE if it is none of this studio. */
bool gm_tasks_kill(gm_tasks *t, const char *id, gm_error *err);

/* Runs a process for at most `seconds`; its output, standard error included, is written to
 * text[room]. Returns its exit status, -1 if it did not end. */
int gm_task_run(char *const *argv, double seconds, char *text, size_t room);

#endif
