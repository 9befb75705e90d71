/* SPDX-License-Identifier: MIT
 *
 * studio/tasks.c -- see tasks.h. Processes are executed without a shell.
 */
#include "studio/tasks.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/machine.h"

enum { OUTPUT_BYTES = 64 << 10 };
static const double BEGIN_SECONDS = 60; /* until a run has a folder: data may be large */

void gm_tasks_init(gm_tasks *t, const char *program, int at_once)
{
	*t = (gm_tasks){.at_once = at_once > 0 ? at_once : 1};
	snprintf(t->program, sizeof t->program, "%s", program);
	pthread_mutex_init(&t->mutex, NULL);
}

static void free_task(gm_task *task)
{
	for (char **a = task->argv; a && *a; a++)
		free(*a);
	free(task->argv);
	json_decref(task->about);
	if (task->process >= 0)
		close(task->process);
	if (task->out >= 0)
		close(task->out);
	free(task);
}

void gm_tasks_free(gm_tasks *t)
{
	while (t->first) {
		gm_task *task = t->first;
		t->first = task->after;
		free_task(task);
	}
	pthread_mutex_destroy(&t->mutex);
}

static void pause_a_little(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
}

/* Starts argv with its output going to *out, a file in memory that outlives this process. */
static pid_t spawn(char *const *argv, int *out)
{
	extern char **environ;
	pid_t pid = -1;
	posix_spawn_file_actions_t files;
	posix_spawnattr_t how;
	*out = memfd_create("ganymede", MFD_CLOEXEC);
	if (*out < 0)
		return -1;
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, *out, 1);
	posix_spawn_file_actions_adddup2(&files, *out, 2);
	posix_spawnattr_init(&how);
	/* A signal to the studio's terminal must not end the training. */
	sigset_t none, usual;
	sigemptyset(&none);
	sigfillset(&usual);
	posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
	                                       POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&how, &none);
	posix_spawnattr_setsigdefault(&how, &usual);
	int failed = posix_spawn(&pid, argv[0], &files, &how, argv, environ);
	posix_spawnattr_destroy(&how);
	posix_spawn_file_actions_destroy(&files);
	if (failed) {
		errno = failed;
		close(*out);
		*out = -1;
		return -1;
	}
	return pid;
}

static size_t read_output(int out, char *text, size_t room)
{
	size_t n = 0;
	ssize_t got;
	while (n + 1 < room && (got = pread(out, text + n, room - 1 - n, (off_t)n)) > 0)
		n += (size_t)got;
	text[n] = 0;
	return n;
}

/* The text after "ganymede: " in the last line that has it. */
static void find_trouble(gm_task *task, char *text)
{
	const char *at = text, *found = NULL;
	while ((at = strstr(at, "ganymede: ")))
		found = at += strlen("ganymede: ");
	if (!found)
		snprintf(task->trouble, sizeof task->trouble,
		         "the training ended with status %d before its run began", task->status);
	else
		snprintf(task->trouble, sizeof task->trouble, "%.*s", (int)strcspn(found, "\n"),
		         found);
}

/* Finds the folder of the run in the output, and whether the process has ended. */
static void look(gm_task *task)
{
	int status;
	if (!task->ended && waitpid(task->pid, &status, WNOHANG) == task->pid) {
		task->ended = true;
		task->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
	struct stat st;
	if (*task->id && !fstat(task->out, &st) && st.st_blocks > 4096 && ftruncate(task->out, 0))
		errno = 0; /* then it keeps its memory */
	char *text = *task->id ? NULL : malloc(OUTPUT_BYTES);
	if (!text)
		return;
	read_output(task->out, text, OUTPUT_BYTES);
	char *run = strncmp(text, "run: ", 5) ? strstr(text, "\nrun: ") : text - 1;
	char *stop = run ? strchr(run + 1, '\n') : NULL;
	if (stop) {
		*stop = 0;
		char *slash = strrchr(run + 1, '/');
		const char *name = slash ? slash + 1 : run + 6;
		if (gm_guard_id(name))
			snprintf(task->id, sizeof task->id, "%s", name);
	}
	if (!*task->id && task->ended)
		find_trouble(task, text);
	free(text);
}

static void begin(gm_task *task)
{
	task->pid = spawn(task->argv, &task->out);
	if (task->pid < 0) {
		task->pid = 1;
		task->ended = true;
		snprintf(task->trouble, sizeof task->trouble, "cannot start %.300s: %s",
		         task->argv[0], strerror(errno));
		return;
	}
	task->process = pidfd_open(task->pid, 0);
}

static int living(const gm_tasks *t)
{
	int n = 0;
	for (const gm_task *task = t->first; task; task = task->after)
		n += task->pid && !task->ended;
	return n;
}

/* Starts waiting tasks while there is room. */
static bool begin_waiting(gm_tasks *t)
{
	bool changed = false;
	int n = living(t);
	for (gm_task *task = t->first; task && n < t->at_once; task = task->after)
		if (!task->pid) {
			begin(task);
			n += !task->ended;
			changed = true;
		}
	return changed;
}

static void remove_task(gm_tasks *t, gm_task *task)
{
	for (gm_task **p = &t->first; *p; p = &(*p)->after)
		if (*p == task) {
			*p = task->after;
			break;
		}
	free_task(task);
}

bool gm_tasks_tick(gm_tasks *t)
{
	pthread_mutex_lock(&t->mutex);
	bool changed = false;
	for (gm_task *task = t->first, *after; task; task = after) {
		after = task->after;
		if (task->pid && !task->ended)
			look(task);
		/* One that failed before its run began stays until somebody has read why. */
		if (task->ended && !task->awaited && !*task->trouble) {
			remove_task(t, task);
			changed = true;
		}
	}
	changed = begin_waiting(t) || changed;
	pthread_mutex_unlock(&t->mutex);
	return changed;
}

bool gm_tasks_start(gm_tasks *t, char **argv, json_t *about, const char *known, char id[GM_PATH_ID],
                    int64_t *number, gm_error *err)
{
	gm_task *task = calloc(1, sizeof *task);
	int waiting = 0;
	if (!task)
		return gm_fail(err, GM_ERR_MEMORY, "out of memory");
	*task = (gm_task){.argv = argv, .about = about, .process = -1, .out = -1, .awaited = true};
	snprintf(task->id, sizeof task->id, "%s", known ? known : "");
	pthread_mutex_lock(&t->mutex);
	gm_task **last = &t->first;
	for (; *last; last = &(*last)->after)
		waiting += !(*last)->pid;
	if (waiting >= GM_TASKS_WAITING) {
		pthread_mutex_unlock(&t->mutex);
		free_task(task);
		return gm_fail(err, GM_ERR_STATE, "%d runs already wait: remove some first",
		               GM_TASKS_WAITING);
	}
	*last = task;
	task->number = ++t->numbers;
	begin_waiting(t);
	*number = task->pid ? 0 : task->number;
	task->awaited = task->pid != 0;
	double began = gm_seconds();
	/* A resumed run is known at once, but may fail at once too. */
	double enough = known ? 1 : BEGIN_SECONDS;
	while (task->pid && !task->ended && (known || !*task->id) &&
	       gm_seconds() - began < enough) {
		pthread_mutex_unlock(&t->mutex);
		pause_a_little();
		pthread_mutex_lock(&t->mutex);
		look(task);
	}
	bool ok = true;
	snprintf(id, GM_PATH_ID, "%s", task->id);
	if (task->ended && known && task->status && task->out >= 0) {
		char *text = malloc(OUTPUT_BYTES);
		if (text) {
			read_output(task->out, text, OUTPUT_BYTES);
			find_trouble(task, text);
		}
		free(text);
	}
	task->awaited = false;
	if (task->pid && (*task->trouble || (!*task->id && task->ended))) {
		ok = gm_fail(err, GM_ERR_VALUE, "%s", task->trouble);
		remove_task(t, task);
	} else if (task->pid && !*task->id) {
		ok = gm_fail(err, GM_ERR_STATE,
		             "the training has not begun after %.0f s; it appears in the list "
		             "when it does",
		             BEGIN_SECONDS);
	}
	pthread_mutex_unlock(&t->mutex);
	return ok;
}

json_t *gm_tasks_waiting(gm_tasks *t)
{
	json_t *list = json_array();
	pthread_mutex_lock(&t->mutex);
	for (gm_task *task = t->first; task; task = task->after) {
		if (task->pid && (!task->ended || task->awaited || !*task->trouble))
			continue;
		json_t *row = json_deep_copy(task->about);
		json_object_set_new(row, "number", json_integer(task->number));
		if (*task->trouble)
			json_object_set_new(row, "trouble", json_string(task->trouble));
		json_array_append_new(list, row);
	}
	pthread_mutex_unlock(&t->mutex);
	return list;
}

bool gm_tasks_forget(gm_tasks *t, int64_t number)
{
	bool found = false;
	pthread_mutex_lock(&t->mutex);
	for (gm_task *task = t->first; task && !found; task = task->after)
		if (task->number == number && !task->awaited && (!task->pid || task->ended)) {
			remove_task(t, task);
			found = true;
			break;
		}
	pthread_mutex_unlock(&t->mutex);
	return found;
}

static gm_task *training(gm_tasks *t, const char *id)
{
	for (gm_task *task = t->first; task; task = task->after)
		if (task->pid && !task->ended && !strcmp(task->id, id))
			return task;
	return NULL;
}

bool gm_tasks_has(gm_tasks *t, const char *id)
{
	pthread_mutex_lock(&t->mutex);
	bool found = training(t, id) != NULL;
	pthread_mutex_unlock(&t->mutex);
	return found;
}

bool gm_tasks_kill(gm_tasks *t, const char *id, gm_error *err)
{
	pthread_mutex_lock(&t->mutex);
	gm_task *task = training(t, id);
	bool ok = task || gm_fail(err, GM_ERR_STATE,
	                          "%.130s was not started by this studio, which kills no other "
	                          "processes: use Stop, or kill it where it was started",
	                          id);
	/* The process was not waited for, so its number cannot be another's. */
	if (ok && (task->process >= 0 ? pidfd_send_signal(task->process, SIGKILL, NULL, 0)
	                              : kill(task->pid, SIGKILL)))
		ok = gm_fail(err, GM_ERR_IO, "%.130s: %s", id, strerror(errno));
	pthread_mutex_unlock(&t->mutex);
	return ok;
}

int gm_task_run(char *const *argv, double seconds, char *text, size_t room)
{
	int out, status = 0;
	pid_t pid = spawn(argv, &out);
	if (pid < 0) {
		snprintf(text, room, "ganymede: cannot start %.300s: %s", argv[0], strerror(errno));
		return -1;
	}
	double began = gm_seconds();
	pid_t done;
	while (!(done = waitpid(pid, &status, WNOHANG)) && gm_seconds() - began < seconds)
		pause_a_little();
	if (!done) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		status = -1;
	}
	read_output(out, text, room);
	close(out);
	return status == -1 ? -1 : WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
