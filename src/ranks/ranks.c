/* SPDX-License-Identifier: MIT
 *
 * ranks.c -- the processes of one training run. See ranks.h.
 */
#include "ranks/ranks.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/machine.h"
#include "gm_config.h"

static const double LOOK = .05; /* seconds between two checks of the other processes */
/* seconds to wait after a signal for processes that cannot be checked */
static const double PATIENCE = .6;
static const double GOODBYE = 2;

enum { SPINS = 2000 }; /* spins before a waiting process yields its core */

typedef struct peer {
	uint64_t host;
	int64_t pid;
} peer;

static struct {
	const gm_ranks_link *link; /* NULL: alone */
	int rank, count;
	peer *peer; /* [count] */
	bool far;   /* some are on other machines */
	const volatile sig_atomic_t *stop;
	double looked, stopped; /* stopped: when the flag was first seen; 0: not */
	bool lost;
	int who; /* lost rank; -1: unknown */
} all = {.count = 1, .who = -1};

static double clock_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + 1e-9 * t.tv_nsec;
}

int gm_rank(void)
{
	return all.rank;
}

int gm_ranks(void)
{
	return all.count;
}

void gm_ranks_watch(const volatile sig_atomic_t *stop)
{
	all.stop = stop;
}

bool gm_ranks_lost(char *text, size_t room)
{
	if (!all.lost || !text)
		return all.lost;
	if (all.who >= 0)
		snprintf(text, room, "rank %d of %d (process %lld) died", all.who, all.count,
		         (long long)all.peer[all.who].pid);
	else
		snprintf(text, room, "one of the %d ranks died or cannot be reached", all.count);
	return true;
}

int gm_ranks_speaker(void)
{
	return all.who == 0;
}

static void lose(int who)
{
	all.who = all.lost ? all.who : who;
	all.lost = true;
}

/* Checks that the other processes are alive. */
static void look(void)
{
	double now = clock_now();
	if (now - all.looked < LOOK)
		return;
	all.looked = now;
	for (int i = 0; i < all.count; i++)
		if (all.peer[i].pid && kill((pid_t)all.peer[i].pid, 0) && errno == ESRCH)
			lose(i);
	if (all.far && all.stop && *all.stop) {
		all.stopped = all.stopped > 0 ? all.stopped : now;
		if (now - all.stopped > PATIENCE)
			lose(-1);
	}
}

static bool await(int handle)
{
	if (handle < 0)
		lose(-1);
	all.stopped = 0;
	for (long turn = 0; !all.lost; turn++) {
		int done = all.link->done(handle);
		if (done > 0)
			return true;
		if (done < 0)
			lose(-1);
		if (turn > SPINS) {
			look();
			sched_yield();
		}
	}
	return false;
}

/* ---- start and end --------------------------------------------------------------------------- */

static int number_in(const char *name)
{
	const char *v = getenv(name);
	return v ? atoi(v) : 0;
}

/* How many processes the launcher says it started: Open MPI's, then that of MPICH and its children,
 * then Slurm's. */
static int launched(void)
{
	int n = number_in("OMPI_COMM_WORLD_SIZE");
	n = n ? n : number_in("PMI_SIZE");
	return n ? n : getenv("PMIX_RANK") ? number_in("SLURM_NTASKS") : 1;
}

/* The module is next to the program in the build folder, else in the library folder. */
static void *load(char *why, size_t room)
{
	char path[PATH_MAX], *slash;
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 32);
	void *module = NULL;
	const char *asked = getenv("GANYMEDE_MPI");
	if (asked && *asked) {
		module = dlopen(asked, RTLD_NOW | RTLD_GLOBAL);
	} else {
		path[n > 0 ? n : 0] = 0;
		slash = strrchr(path, '/');
		snprintf(slash ? slash + 1 : path, 32, "ganymede-mpi.so");
		if (slash && access(path, R_OK) == 0)
			module = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
		else
			module = dlopen(GM_MODULES "/ganymede-mpi.so", RTLD_NOW | RTLD_GLOBAL);
	}
	const char *trouble = module ? NULL : dlerror();
	if (!module)
		snprintf(why, room, "%s", trouble ? trouble : "no reason given");
	return module;
}

/* Finds the machine of each rank. A process that is not visible here, for example in another
 * container, counts as remote. */
static bool meet(void)
{
	char host[256] = "";
	gethostname(host, sizeof host - 1);
	peer mine = {.host = gm_hash(0, host, strlen(host)), .pid = (int64_t)getpid()};
	all.peer = calloc(all.count, sizeof *all.peer);
	if (!all.peer || !await(all.link->gather(&mine, all.peer, sizeof mine)))
		return false;
	for (int i = 0; i < all.count; i++)
		if (all.peer[i].host != mine.host ||
		    (kill((pid_t)all.peer[i].pid, 0) && errno == ESRCH)) {
			all.peer[i].pid = 0;
			all.far = true;
		}
	return true;
}

bool gm_ranks_start(gm_error *err)
{
	int n = launched();
	char why[300] = "";
	if (n <= 1 || all.link)
		return true;
	if (!GM_HAVE_MPI)
		return gm_fail(
			err, GM_ERR_STATE,
			"started as one of %d processes, and this ganymede was built without "
			"MPI: install Open MPI's development files and rebuild (-Dmpi=enabled), or "
			"start a single process",
			n);
	void *module = load(why, sizeof why);
	if (!module)
		return gm_fail(
			err, GM_ERR_STATE,
			"started as one of %d processes, and the module that lets them speak "
			"cannot be loaded: %s",
			n, why);
	all.link = dlsym(module, "gm_ranks_module");
	if (!all.link || !all.link->start(&all.rank, &all.count, why, sizeof why)) {
		all.link = NULL;
		all.count = 1;
		return gm_fail(err, GM_ERR_STATE, "the ranks cannot be joined: %s",
		               *why ? why : "the module is of another version");
	}
	if (all.count == 1) {
		all.link->end();
		all.link = NULL;
		return true;
	}
	return meet() ||
	       gm_fail(err, GM_ERR_STATE, "the %d ranks do not find each other", all.count);
}

bool gm_ranks_end(void)
{
	if (!all.link)
		return true;
	int one = 1, handle = all.lost ? -1 : all.link->most(&one, 1);
	double began = clock_now();
	int here = handle < 0 ? -1 : 0;
	while (!here && clock_now() - began < GOODBYE) {
		here = all.link->done(handle);
		if (!here)
			usleep(1000);
	}
	if (here > 0)
		all.link->end();
	else if (!all.lost)
		all.link->abort();
	all.link = NULL;
	all.count = 1;
	return here > 0;
}

/* ---- together -------------------------------------------------------------------------------- */

int gm_ranks_most(int value)
{
	int x = value;
	if (!all.link || all.lost)
		return value;
	return await(all.link->most(&x, 1)) ? x : value;
}

bool gm_ranks_share(void *bytes, size_t n)
{
	return !all.link || (!all.lost && await(all.link->share(bytes, n)));
}

bool gm_ranks_same(uint64_t value)
{
	uint64_t first = value;
	return gm_ranks_share(&first, sizeof first) && !gm_ranks_most(first != value);
}

int gm_ranks_sum(void *x, size_t n, bool wide)
{
	return !all.link || all.lost ? -1 : all.link->sum(x, n, wide);
}

bool gm_ranks_wait(int handle)
{
	return !all.link || (!all.lost && await(handle));
}

void gm_ranks_poll(void)
{
	if (!all.link || all.lost)
		return;
	all.link->done(-1);
	look();
}
