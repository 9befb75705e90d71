/* SPDX-License-Identifier: MIT
 *
 * graph/graph.h -- the graph's own struct: for src/graph alone; ops and backends see graph/internal.h and graph/plan.h.
 */
#ifndef GM_GRAPH_GRAPH_H
#define GM_GRAPH_GRAPH_H

#include "graph/internal.h"
#include "graph/plan.h"

/* A choice that tuning made or was given. */
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
	int within;     /* depth of gm_graph_within: no node that stands for errors is used there */
	gm_node *spare; /* stands for errors where there is no memory for another poison node */
	const char *scope; /* path now */
	gm_scope *scopes;
	gm_node **bucket; /* hash table of nodes; nbucket is a power of two */
	int nbucket;
	gm_storage *storage;
	gm_storage **name; /* hash table of their names; nname is a power of two, or 0 */
	int nname, nstorage;
	gm_step *steps; /* all that were compiled */
	/* Intermediate values of all steps, of which one runs at a time: addresses for as much as the machine has, memory
	 * for as much as the largest step needs. */
	char *shared;
	size_t shared_room;
	/* Scratch of each thread, `scratch_room` bytes apart: what one core has written another should not have to fetch. */
	char *scratch;
	size_t scratch_room;
	int scratch_threads;
};

/* Calls body(ctx); false, with the graph's error, where memory ended in it. For what reads the nodes that it makes, and could
 * make nothing of one that stands for errors. */
bool gm_graph_within(gm_graph *g, void (*body)(void *ctx), void *ctx);
void gm_choices_read(gm_graph *g, const char *text); /* "KEY=WAY;", as much of it as makes sense */

#endif
