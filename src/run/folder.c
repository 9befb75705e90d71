/* SPDX-License-Identifier: MIT
 *
 * run/folder.c -- run folders.
 */
#include "run/folder.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "tensorfile/safetensors.h"

/* The number that a name starts with, when a '-' follows; else -1. */
static long run_number(const char *name)
{
	char *end;
	if (!isdigit((unsigned char)*name))
		return -1;
	errno = 0;
	long n = strtol(name, &end, 10);
	return *end == '-' && !errno ? n : -1;
}

/* The step in checkpoint-NNNNNN.safetensors, else -1. */
static long checkpoint_step(const char *name)
{
	char *end;
	if (strncmp(name, "checkpoint-", 11) || !isdigit((unsigned char)name[11]))
		return -1;
	errno = 0;
	long n = strtol(name + 11, &end, 10);
	return !strcmp(end, ".safetensors") && !errno ? n : -1;
}

/* Writes the entry of folder with the highest number(entry) to best[NAME_MAX + 1]; returns the
 * number, -1 if there is none. */
static long highest(const char *folder, long (*number)(const char *), char *best)
{
	long most = -1;
	DIR *d = opendir(folder);
	*best = 0;
	for (struct dirent *e; d && (e = readdir(d));) {
		long n = number(e->d_name);
		if (n > most) {
			most = n;
			snprintf(best, NAME_MAX + 1, "%s", e->d_name);
		}
	}
	if (d)
		closedir(d);
	return most;
}

static bool join(char *path, const char *folder, const char *name, gm_error *err)
{
	int n = snprintf(path, PATH_MAX, "%s/%s", folder, name);
	return n < PATH_MAX || gm_fail(err, GM_ERR_VALUE, "the path of %s is too long", name);
}

bool gm_folder_new(const char *outdir, const char *name, char *path, gm_error *err)
{
	char last[NAME_MAX + 1], mine[NAME_MAX + 1], clean[128];
	if (!gm_file_make_folder(outdir, err))
		return false;
	snprintf(clean, sizeof clean, "%s", name);
	for (char *c = clean; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("-_.+,=@", *c) &&
		    !((unsigned char)*c & 0x80))
			*c = '-';
	/* The lock only protects the number (runs with different names could get the same). On file
	 * systems without locks mkdir still gives each program its own folder. */
	int lock = open(outdir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lock >= 0)
		flock(lock, LOCK_EX);
	bool ok = false;
	for (long n = highest(outdir, run_number, last) + 1, tries = 0; tries < 1000;
	     n++, tries++) {
		snprintf(mine, sizeof mine, "%05ld-%s", n, clean);
		if (!join(path, outdir, mine, err))
			break;
		ok = mkdir(path, 0777) == 0;
		if (ok)
			break;
		if (errno != EEXIST) {
			gm_fail(err, GM_ERR_IO, "%s: cannot create this folder: %s", path,
			        strerror(errno));
			break;
		}
	}
	if (lock >= 0)
		close(lock);
	return ok || gm_fail(err, GM_ERR_IO, "%s: found no unused number for a run", outdir);
}

/* The only run with this number in outdir. False with an error if there are several (copied
 * folders); false without an error if there is none. */
static bool only_run(long number, const char *outdir, char *path, gm_error *err)
{
	char name[2][NAME_MAX + 1];
	int count = 0;
	DIR *d = opendir(outdir);
	for (struct dirent *e; d && (e = readdir(d));)
		if (run_number(e->d_name) == number && count++ < 2)
			snprintf(name[count - 1], sizeof name[0], "%s", e->d_name);
	if (d)
		closedir(d);
	if (count < 2)
		return count == 1 && join(path, outdir, name[0], err);
	bool swap = strcmp(name[0], name[1]) > 0;
	return gm_fail(
		err, GM_ERR_VALUE,
		"%d runs in %s have the number %ld, such as %.100s and %.100s: give the full name",
		count, outdir, number, name[swap], name[!swap]);
}

bool gm_folder_newest(const char *outdir, char *path, gm_error *err)
{
	char name[NAME_MAX + 1];
	long number = highest(outdir, run_number, name);
	if (number < 0)
		return gm_fail(err, GM_ERR_IO, "%s contains no run", outdir);
	return only_run(number, outdir, path, err);
}

static bool in_folder(const char *folder, char *checkpoint, gm_error *err)
{
	char name[NAME_MAX + 1];
	if (highest(folder, checkpoint_step, name) < 0)
		return gm_fail(err, GM_ERR_IO, "%s contains no checkpoint", folder);
	return join(checkpoint, folder, name, err);
}

/* "3", "00003" or "00003-dcgan-mnist" in outdir; false as in only_run */
static bool by_number(const char *run, const char *outdir, char *path, gm_error *err)
{
	char *end;
	long want = strtol(run, &end, 10);
	bool number = isdigit((unsigned char)*run) && !*end;
	if (number && only_run(want, outdir, path, err))
		return true;
	return !strchr(run, '/') && join(path, outdir, run, NULL) && gm_file_is_folder(path);
}

bool gm_folder_whole_checkpoint(const char *folder, const char *not_this, char *path)
{
	long most = -1;
	DIR *d = opendir(folder);
	for (struct dirent *e; d && (e = readdir(d));) {
		char other[PATH_MAX];
		long n = checkpoint_step(e->d_name);
		if (n <= most || !join(other, folder, e->d_name, NULL) || !strcmp(other, not_this))
			continue;
		gm_st *st = gm_st_open(other, NULL);
		if (st)
			most = n, snprintf(path, PATH_MAX, "%s", other);
		gm_st_close(st);
	}
	if (d)
		closedir(d);
	return most >= 0;
}

bool gm_folder_checkpoint(const char *run, const char *outdir, char *checkpoint, char *folder,
                          gm_error *err)
{
	char path[PATH_MAX];
	if (gm_file_is_folder(run)) {
		if (folder)
			snprintf(folder, PATH_MAX, "%s", run);
		return in_folder(run, checkpoint, err);
	}
	if (gm_file_exists(run)) {
		const char *slash = strrchr(run, '/');
		snprintf(checkpoint, PATH_MAX, "%s", run);
		if (folder)
			snprintf(folder, PATH_MAX, "%.*s", slash ? (int)(slash - run) : 1,
			         slash ? run : ".");
		return true;
	}
	gm_error several = {0};
	if (!by_number(run, outdir, path, &several))
		return several.code ? gm_fail(err, several.code, "%s", several.message)
		                    : gm_fail(err, GM_ERR_IO,
		                              "%.300s is neither a run nor a checkpoint", run);
	if (folder)
		snprintf(folder, PATH_MAX, "%s", path);
	return in_folder(path, checkpoint, err);
}

int gm_folder_lock(const char *folder, gm_error *err)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -2; /* the next write reports the error */
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	/* gm_folder_busy of another program holds the lock for an instant. */
	const struct timespec pause = {.tv_nsec = 2000000};
	bool taken = errno == EWOULDBLOCK;
	for (int i = 0; taken && i < 20; i++) {
		nanosleep(&pause, NULL);
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return fd;
		taken = errno == EWOULDBLOCK;
	}
	close(fd);
	if (!taken)
		return -2;
	gm_fail(err, GM_ERR_STATE, "%.300s: another process is training this run", folder);
	return -1;
}

bool gm_folder_busy(int at, const char *folder)
{
	int fd = openat(at, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool busy = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
	close(fd);
	return busy;
}

bool gm_folder_stop(const char *folder)
{
	char path[PATH_MAX];
	return join(path, folder, "stop", NULL) && unlink(path) == 0;
}

/* The PID in NAME.tmp-PID-N, the names of temporary files in base/file.c; else 0. */
static long temporary_of(const char *name)
{
	const char *at = NULL;
	for (const char *p = strstr(name, ".tmp-"); p; p = strstr(p + 1, ".tmp-"))
		at = p;
	char *end;
	if (!at || at == name || !isdigit((unsigned char)at[5]))
		return 0;
	errno = 0;
	long pid = strtol(at + 5, &end, 10);
	if (*end != '-' || errno || pid < 1 || pid > INT32_MAX || !isdigit((unsigned char)end[1]))
		return 0;
	return end[1 + strspn(end + 1, "0123456789")] ? 0 : pid;
}

int gm_folder_sweep(const char *folder)
{
	int swept = 0;
	char path[PATH_MAX];
	DIR *d = opendir(folder);
	for (struct dirent *e; d && (e = readdir(d));) {
		long pid = temporary_of(e->d_name);
		/* A file with our own PID is from an earlier process: we have written nothing
		 * yet. */
		bool dead =
			pid && (pid == (long)getpid() || (kill((pid_t)pid, 0) && errno == ESRCH));
		if (dead && join(path, folder, e->d_name, NULL) && !unlink(path))
			swept++;
	}
	if (d)
		closedir(d);
	return swept;
}

void gm_folder_discard(const char *folder)
{
	char path[PATH_MAX];
	DIR *d = opendir(folder);
	for (struct dirent *e; d && (e = readdir(d));)
		if (join(path, folder, e->d_name, NULL))
			unlink(path); /* fails for . and .. */
	if (d)
		closedir(d);
	rmdir(folder);
}

static int newer_first(const void *a, const void *b)
{
	long x = *(const long *)a, y = *(const long *)b;
	return (x < y) - (x > y);
}

void gm_folder_rotate(const char *folder, int64_t keep)
{
	DIR *d = keep > 0 ? opendir(folder) : NULL;
	long *step = NULL;
	int count = 0, room = 0;
	for (struct dirent *e; d && (e = readdir(d));) {
		long n = checkpoint_step(e->d_name);
		if (n < 0)
			continue;
		if (count == room) {
			long *more = realloc(step, (room = room ? 2 * room : 16) * sizeof *step);
			if (!more)
				break;
			step = more;
		}
		step[count++] = n;
	}
	if (d)
		closedir(d);
	if (step)
		qsort(step, count, sizeof *step, newer_first);
	for (int i = keep; i < count; i++) {
		char name[64], path[PATH_MAX];
		snprintf(name, sizeof name, "checkpoint-%06ld.safetensors", step[i]);
		if (join(path, folder, name, NULL))
			unlink(path);
	}
	free(step);
}
