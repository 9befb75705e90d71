/* SPDX-License-Identifier: MIT
 *
 * ranks.h -- the processes of one training run.
 *
 * `mpirun -n 4 ganymede train ...` starts four processes, ranks 0 to 3, which learn one model
 * together. What they say to each other goes through the few functions here. Where no launcher is
 * at work there is one rank, nothing is loaded and nothing costs time. The message library itself
 * is called by one file only, ranks_mpi.c, which is a module that is loaded when a launcher is
 * there: the program starts without it, and runs where it is not installed.
 *
 * Everything marked "together" must be called by all ranks, in the same order.
 *
 * A rank that dies. Whoever waits for it would wait for ever. So waiting looks, some times a
 * second, whether the other processes on this machine are still there. Once one is not, every wait
 * ends at once and gives false, and gm_ranks_lost says so. For processes elsewhere the launcher is
 * the one who notices: it sends SIGTERM.
 */
#ifndef GANYMEDE_BASE_RANKS_H
#define GANYMEDE_BASE_RANKS_H

#include <signal.h>
#include <stddef.h>

#include "ganymede/base.h"

/* Joins the other ranks if a launcher started this process as one of several; else does nothing.
 * False with an error if joining fails. */
bool gm_ranks_start(gm_error *err);
int gm_rank(void);  /* 0 for a single process */
int gm_ranks(void); /* 1 for a single process */

/* Ends communication: normally if all ranks call it within two seconds, else so that the launcher
 * ends the others. No communication is possible afterwards. True if all ranks called it. */
bool gm_ranks_end(void);

/* A flag set by a signal handler: waiting for remote processes then ends soon. May be NULL. */
void gm_ranks_watch(const volatile sig_atomic_t *stop);

/* True if a rank was lost; values from other ranks are then invalid. text, unless NULL, gets a
 * message. */
bool gm_ranks_lost(char *text, size_t room);

int gm_ranks_speaker(void); /* the lowest rank known to be alive */

/* Collective, blocking: the maximum over ranks. Returns value if a rank was lost. */
int gm_ranks_most(int value);
/* Collective, blocking: broadcasts rank 0's bytes. False if a rank was lost. */
bool gm_ranks_share(void *bytes, size_t n);
/* Collective: true if all ranks passed the same value. */
bool gm_ranks_same(uint64_t value);

/* Collective: starts summing x[n] over all ranks in place; float, or double if wide. Do not access
 * x until gm_ranks_wait with the returned handle. */
int gm_ranks_sum(void *x, size_t n, bool wide);
/* Waits for this sum; false if a rank was lost. */
bool gm_ranks_wait(int handle);
/* Progresses pending sums: messages are transferred only during calls of their library. Cheap; also
 * detects lost ranks. */
void gm_ranks_poll(void);

/* ---- interface of a message library: a module exports one as gm_ranks_module -------- */

typedef struct gm_ranks_link {
	bool (*start)(int *rank, int *count, char *why, size_t room);
	/* Each begins something together and gives a handle, or -1; done says whether it is over,
	 * and lets all get on. */
	int (*sum)(void *x, size_t n, bool wide);
	int (*most)(int *x, size_t n); /* in place; on a channel of its own, as the next two */
	int (*share)(void *bytes, size_t n);
	int (*gather)(const void *mine, void *all, size_t n); /* n bytes from each */
	int (*done)(int handle);                              /* 1 yes, 0 not yet, -1 failed */
	void (*end)(void);
	void (*abort)(void);
} gm_ranks_link;

#endif
