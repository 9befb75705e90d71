/* SPDX-License-Identifier: MIT
 *
 * ranks_mpi.c -- ranks by MPI: a module of its own, loaded by ranks.c. All MPI_* calls stand here.
 *
 * Only non-blocking calls: a blocking one could not notice that a rank has died. Sums of gradients
 * and messages between steps have separate communicators, so that they cannot be confused.
 */
#include <mpi.h>
#include <stdio.h>
#include <string.h>

#include "ranks/ranks.h"

enum { HANDLES = 256 };

static MPI_Request request[HANDLES]; /* MPI_REQUEST_NULL: free */
static bool used[HANDLES];
static MPI_Comm sums, talk;

static int keep(int status, int handle)
{
	used[handle] = status == MPI_SUCCESS;
	return status == MPI_SUCCESS ? handle : -1;
}

static int free_handle(void)
{
	for (int i = 0; i < HANDLES; i++)
		if (!used[i])
			return i;
	return -1;
}

static bool start(int *rank, int *count, char *why, size_t room)
{
	int have;
	if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &have) != MPI_SUCCESS) {
		snprintf(why, room, "MPI_Init failed");
		return false;
	}
	MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
	MPI_Comm_rank(MPI_COMM_WORLD, rank);
	MPI_Comm_size(MPI_COMM_WORLD, count);
	if (MPI_Comm_dup(MPI_COMM_WORLD, &sums) != MPI_SUCCESS ||
	    MPI_Comm_dup(MPI_COMM_WORLD, &talk) != MPI_SUCCESS) {
		snprintf(why, room, "MPI_Comm_dup failed");
		return false;
	}
	return true;
}

static int sum(void *x, size_t n, bool wide)
{
	int h = free_handle();
	return h < 0 ? -1
	             : keep(MPI_Iallreduce(MPI_IN_PLACE, x, (int)n, wide ? MPI_DOUBLE : MPI_FLOAT,
	                                   MPI_SUM, sums, &request[h]),
	                    h);
}

static int most(int *x, size_t n)
{
	int h = free_handle();
	return h < 0 ? -1
	             : keep(MPI_Iallreduce(MPI_IN_PLACE, x, (int)n, MPI_INT, MPI_MAX, talk,
	                                   &request[h]),
	                    h);
}

static int share(void *bytes, size_t n)
{
	int h = free_handle();
	return h < 0 ? -1 : keep(MPI_Ibcast(bytes, (int)n, MPI_BYTE, 0, talk, &request[h]), h);
}

static int gather(const void *mine, void *all, size_t n)
{
	int h = free_handle();
	return h < 0 ? -1
	             : keep(MPI_Iallgather(mine, (int)n, MPI_BYTE, all, (int)n, MPI_BYTE, talk,
	                                   &request[h]),
	                    h);
}

static int done(int handle)
{
	int flag = 0;
	if (handle < 0) { /* only progress pending requests */
		MPI_Status status;
		return MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, talk, &flag, &status) == MPI_SUCCESS
		               ? 0
		               : -1;
	}
	if (MPI_Test(&request[handle], &flag, MPI_STATUS_IGNORE) != MPI_SUCCESS)
		return -1;
	if (flag)
		used[handle] = false;
	return flag;
}

static void end(void)
{
	MPI_Finalize();
}

static void stop_all(void)
{
	MPI_Abort(MPI_COMM_WORLD, 1);
}

GM_API extern const gm_ranks_link gm_ranks_module;
const gm_ranks_link gm_ranks_module = {
	.start = start,
	.sum = sum,
	.most = most,
	.share = share,
	.gather = gather,
	.done = done,
	.end = end,
	.abort = stop_all,
};
