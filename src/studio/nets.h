/* SPDX-License-Identifier: MIT
 *
 * studio/nets.h -- the runs whose nets the studio has opened, for interactive use. One request at a
 * time computes; of requests for the same place of a page (a slot) only the newest is computed.
 */
#ifndef GM_STUDIO_NETS_H
#define GM_STUDIO_NETS_H

#include <limits.h>
#include <pthread.h>
#include <sys/stat.h>

#include "studio/guard.h"
#include "use/latents.h"
#include "use/translate.h"

enum { GM_NETS_OPEN = 8, GM_NETS_SLOTS = 64, GM_NETS_MANY = 16 };

typedef struct gm_open_net {
	char id[GM_PATH_ID], checkpoint[PATH_MAX];
	bool raw;                     /* with the weights, not their moving averages */
	struct timespec changed;      /* of the checkpoint */
	gm_saved *saved;              /* with batches of 1 */
	gm_saved *many;               /* with batches of GM_NETS_MANY, or NULL: not opened yet */
	gm_translator *translator[2]; /* forth and back; or NULL: not opened yet */
	gm_directions *directions;    /* or NULL: not computed yet */
	double used;                  /* gm_seconds */
} gm_open_net;

typedef struct gm_nets {
	pthread_mutex_t mutex; /* held while something is computed */
	gm_open_net net[GM_NETS_OPEN];
	pthread_mutex_t slots_mutex;
	struct {
		int64_t slot, newest; /* sequence number */
		double used;
	} slot[GM_NETS_SLOTS];
} gm_nets;

void gm_nets_init(gm_nets *n);
void gm_nets_free(gm_nets *n);

/* Announces request seq of a slot; call it before gm_nets_lock. */
void gm_nets_announce(gm_nets *n, int64_t slot, int64_t seq);
/* False if a newer request of the slot was announced. */
bool gm_nets_is_newest(gm_nets *n, int64_t slot, int64_t seq);

/* Waits until nobody else computes, and opens the checkpoint (of run id), again if it changed. NULL
 * on failure, without the lock. The caller unlocks n->mutex. */
gm_open_net *gm_nets_lock(gm_nets *n, const char *id, const char *checkpoint, bool raw,
                          gm_error *err);

#endif
