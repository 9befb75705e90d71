/* SPDX-License-Identifier: MIT
 *
 * nn/net.h -- the inside of a net, for layers and optimisers.
 */
#ifndef GM_NN_NET_H
#define GM_NN_NET_H

#include "ganymede/nn.h"
#include "base/arena.h"

typedef struct gm_entry {
	const char *key;  /* within the net: "32x32/weight" */
	const char *name; /* full: "G/32x32/weight" */
	gm_node *node;
	gm_role role;
	gm_node *average; /* variable, or NULL */
	gm_node *next;    /* of a statistic: what its normaliser assigns to it, or NULL */
	gm_node *instead; /* what layers are given in its place (gm_net_with), or NULL */
} gm_entry;

/* What an optimiser returned, and the gradients that it was given. */
typedef struct gm_update {
	const gm_node *effect;
	gm_node **gradient;
	int gradients;
	struct gm_update *older;
} gm_update;

struct gm_net {
	gm_graph *graph;
	const char *name;
	gm_net_options o;
	gm_arena *arena; /* owns the strings and the struct itself */
	gm_entry *entry; /* malloc */
	int count, room;
	const gm_normaliser *flow, *weight; /* or NULL: none */
	gm_net_style style;
	int64_t references;        /* rows of the reference batch in front of what layers read */
	gm_reference reference[2]; /* variable NULL: there is none */
	gm_node *feature;          /* what gm_features was last given, or NULL */
	gm_update *update;         /* the newest, or NULL; in arena */
	bool minibatch;            /* gm_features adds minibatch discrimination */
};

/* What the variable is about to become; nothing where there is no such variable, as one that was refused. */
void gm_net_set_next(gm_net *n, const char *key, gm_node *next);
/* Owned by the net, good until the next variable is made; NULL when there is none. */
gm_entry *gm_net_entry_of(gm_net *n, const char *key);

/* A key in the net's own memory. */
const char *gm_net_key(gm_net *n, const char *fmt, ...) GM_PRINTF(2, 3);

/* Names what is built next, for messages and profiles: scope NET/part. Variables are asked for
 * outside of it, because their names hold the scope already. */
void gm_net_enter(gm_net *n, const char *part);
void gm_net_leave(gm_net *n);

/* What build(ctx) gives; where memory ends in it, the node that stands for errors (base/arena.h, gm_memory_guard). For public
 * functions that allocate. */
gm_node *gm_net_guard(gm_net *n, gm_node *(*build)(void *ctx), void *ctx);

/* Makes it the graph's error, in scope NET/what; returns the node that stands for the error. */
gm_node *gm_net_misuse(gm_net *n, const char *what);

/* Mean and biased variance of x over the axes, which hold the batch's; over the whole batch of all ranks where `whole`. */
void gm_net_moments(gm_node *x, unsigned axes, bool keep, bool whole, gm_node **mean,
                    gm_node **var);

int64_t gm_net_size(gm_shape s); /* numbers in it */
bool gm_net_same_shape(gm_shape a, gm_shape b);

/* w as the net's normaliser makes it; the layer's outputs lie along the axis of w. */
gm_node *gm_net_weight(gm_net *n, const char *name, gm_node *w, int axis);

/* Whether a row of a table goes by the name; `_` = `-`. */
bool gm_row_is(const char *row, const char *name);

/* Draws the values of a new variable of the given shape, double, in row-major order. */
void gm_init_fill(const gm_init *init, gm_shape shape, int64_t fan_in, int64_t fan_out, gm_rng *rng,
                  double *v);

#endif
