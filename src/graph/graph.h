/* SPDX-License-Identifier: MIT
 *
 * graph/graph.h -- the graph's own struct: for src/graph alone; ops and backends see
 * graph/internal.h and graph/plan.h.
 */
#ifndef GM_GRAPH_GRAPH_H
#define GM_GRAPH_GRAPH_H

#include "graph/internal.h"
#include "graph/plan.h"

/* A choice of tuning, measured or given. */
typedef struct gm_choice {
	const char *key, *way;
	bool used;
	struct gm_choice *next;
} gm_choice;

typedef struct gm_scope {
	struct gm_scope *up;
	const char *path; /* of the scope above */
} gm_scope;

struct gm_graph {
	gm_arena *arena;
	gm_dtype real;
	uint64_t seed, runs;
	int rank, ranks;
	uint32_t streams; /* random sources made so far */
	int nnode, nsample;
	const char *backend;
	bool check, profile, bf16;
	gm_tune tune;
	gm_choice *choices; /* the newest first */
	gm_error error;
	/* depth of gm_graph_within, in which poison nodes are not used for out-of-memory errors */
	int within;
	gm_node *spare;    /* preallocated poison node for out-of-memory errors */
	const char *scope; /* path now */
	gm_scope *scopes;
	gm_node **bucket; /* hash table of nodes; nbucket is a power of two */
	int nbucket;
	gm_storage *storage;
	gm_storage **name; /* hash table of their names; nname is a power of two, or 0 */
	int nname, nstorage;
	gm_step *steps; /* all that were compiled */
	/* Intermediate values of all steps, of which one runs at a time: addresses for as much as
	 * the machine has, memory for as much as the largest step needs. */
	char *shared;
	size_t shared_room;
	/* Scratch memory of each thread, `scratch_room` bytes apart, so that threads do not share
	 * cache lines or data. */
	char *scratch;
	size_t scratch_room;
	int scratch_threads;
};

/* Calls body(ctx); false, with the graph's error, if it ran out of memory. For code that inspects
 * the nodes it makes and cannot handle poison nodes. */
bool gm_graph_within(gm_graph *g, void (*body)(void *ctx), void *ctx);
void gm_choices_read(gm_graph *g, const char *text); /* parses "KEY=WAY;", ignoring invalid parts */

#endif
