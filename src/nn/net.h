/* SPDX-License-Identifier: MIT
 *
 * nn/net.h -- internal structs and functions of nets, for layers and optimisers.
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
	gm_node *average;    /* variable, or NULL */
	gm_node *next;       /* for a statistic: the value that its normaliser assigns, or NULL */
	gm_node *substitute; /* substitute (gm_net_with), or NULL */
} gm_entry;

/* What a layer returned at its first call. */
typedef struct gm_layer_value {
	const char *name;
	gm_node *y;
	bool whole; /* of a block; else of a layer that may be the first part of one */
	struct gm_layer_value *next;
} gm_layer_value;

/* The effect of an optimiser, and its gradients. */
typedef struct gm_update {
	const gm_node *effect;
	const char *name; /* of the optimiser; in arena */
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
	int64_t references;        /* rows of the reference batch at the start of layers' inputs */
	gm_reference reference[2]; /* variable NULL: no reference batch */
	gm_node *feature;          /* last argument of gm_features, or NULL */
	gm_update *update;         /* newest first, or NULL; in arena */
	gm_layer_value *layer;     /* oldest first, or NULL; in arena */
	bool minibatch;            /* gm_features adds minibatch discrimination */
};

/* Records the value that will be assigned to the variable. Does nothing if there is no such
 * variable, for example after an error. */
void gm_net_set_next(gm_net *n, const char *key, gm_node *next);
/* Owned by the net, valid until the next variable is created; NULL if there is none. */
gm_entry *gm_net_entry_of(gm_net *n, const char *key);

/* True if a name in the list of patterns, separated by commas, matches the key or NET/key. */
bool gm_net_listed(const gm_net *n, const char *patterns, const char *key);
/* True if option freeze of the net lists the key. */
bool gm_net_freezes(const gm_net *n, const char *key);
/* True if a variable's full name is one that the style's pattern `fresh` selects. */
bool gm_net_is_fresh(const gm_net *n, const char *full_name);
/* The number of parameters and statistics that one of the patterns selects. */
int gm_net_selected(const gm_net *n, const char *patterns);

/* A formatted key, owned by the net. */
const char *gm_net_key(gm_net *n, const char *fmt, ...) GM_PRINTF(2, 3);

/* Remembers the value of a layer for gm_net_layer; returns it. A block replaces what its own layer
 * noted. */
gm_node *gm_net_note(gm_net *n, const char *name, gm_node *y, bool whole);

/* Enters scope NET/part, for messages and profiles. Create variables outside of it, because their
 * names already contain the net's name. */
void gm_net_enter(gm_net *n, const char *part);
void gm_net_leave(gm_net *n);

/* Returns build(ctx), or a poison node if it runs out of memory (gm_memory_guard in base/arena.h).
 * For public functions that allocate. */
gm_node *gm_net_guard(gm_net *n, gm_node *(*build)(void *ctx), void *ctx);

/* Sets the graph's error, in scope NET/what; returns a poison node. */
gm_node *gm_net_misuse(gm_net *n, const char *what);

/* Mean and biased variance of x over the axes; if `whole`, over the batch of all ranks. */
void gm_net_moments(gm_node *x, unsigned axes, bool keep, bool whole, gm_node **mean,
                    gm_node **var);

int64_t gm_net_size(gm_shape s); /* number of elements */
bool gm_net_same_shape(gm_shape a, gm_shape b);

/* w after the net's weight normaliser; axis: the output axis of w. */
gm_node *gm_net_weight(gm_net *n, const char *name, gm_node *w, int axis);

/* True if the row has this name; `_` equals `-`. */
bool gm_row_is(const char *row, const char *name);

/* Fills the initial values of a variable of this shape, double, row-major. */
void gm_init_fill(const gm_init *init, gm_shape shape, int64_t fan_in, int64_t fan_out, gm_rng *rng,
                  double *v);

#endif
