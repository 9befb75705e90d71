/* SPDX-License-Identifier: MIT
 *
 * studio/nets.c -- see nets.h.
 */
#include "studio/nets.h"

#include <stdio.h>
#include <string.h>

#include "base/machine.h"

void gm_nets_init(gm_nets *n)
{
	pthread_mutex_init(&n->mutex, NULL);
	pthread_mutex_init(&n->slots_mutex, NULL);
}

static void close_net(gm_open_net *o)
{
	gm_directions_free(o->directions);
	gm_translator_free(o->translator[0]);
	gm_translator_free(o->translator[1]);
	gm_saved_free(o->many);
	gm_saved_free(o->saved);
	*o = (gm_open_net){0};
}

void gm_nets_free(gm_nets *n)
{
	for (int i = 0; i < GM_NETS_OPEN; i++)
		close_net(&n->net[i]);
	pthread_mutex_destroy(&n->mutex);
	pthread_mutex_destroy(&n->slots_mutex);
}

void gm_nets_announce(gm_nets *n, int64_t slot, int64_t seq)
{
	pthread_mutex_lock(&n->slots_mutex);
	int at = 0;
	for (int i = 0; i < GM_NETS_SLOTS; i++) {
		if (n->slot[i].used > 0 && n->slot[i].slot == slot) {
			at = i;
			break;
		}
		if (n->slot[i].used < n->slot[at].used)
			at = i;
	}
	if (n->slot[at].used <= 0 || n->slot[at].slot != slot)
		n->slot[at].newest = seq, n->slot[at].slot = slot;
	n->slot[at].newest = seq > n->slot[at].newest ? seq : n->slot[at].newest;
	n->slot[at].used = gm_seconds();
	pthread_mutex_unlock(&n->slots_mutex);
}

bool gm_nets_is_newest(gm_nets *n, int64_t slot, int64_t seq)
{
	bool newest = true;
	pthread_mutex_lock(&n->slots_mutex);
	for (int i = 0; i < GM_NETS_SLOTS; i++)
		if (n->slot[i].used > 0 && n->slot[i].slot == slot)
			newest = n->slot[i].newest <= seq;
	pthread_mutex_unlock(&n->slots_mutex);
	return newest;
}

gm_open_net *gm_nets_lock(gm_nets *n, const char *id, const char *checkpoint, bool raw,
                          gm_error *err)
{
	struct stat st = {0};
	pthread_mutex_lock(&n->mutex);
	gm_open_net *o = &n->net[0];
	for (int i = 0; i < GM_NETS_OPEN; i++) {
		if (!strcmp(n->net[i].id, id) && n->net[i].raw == raw) {
			o = &n->net[i];
			break;
		}
		if (n->net[i].used < o->used)
			o = &n->net[i];
	}
	stat(checkpoint, &st);
	if (strcmp(o->id, id) != 0 || o->raw != raw || strcmp(o->checkpoint, checkpoint) != 0 ||
	    o->changed.tv_sec != st.st_mtim.tv_sec || o->changed.tv_nsec != st.st_mtim.tv_nsec) {
		close_net(o);
		/* small batches: one image is drawn much more often than many */
		o->saved = gm_saved_open_file(checkpoint,
		                              &(gm_saved_options){.batch = 1, .raw = raw}, err);
		if (!o->saved) {
			pthread_mutex_unlock(&n->mutex);
			return NULL;
		}
		snprintf(o->id, sizeof o->id, "%s", id);
		snprintf(o->checkpoint, sizeof o->checkpoint, "%s", checkpoint);
		o->changed = st.st_mtim;
		o->raw = raw;
	}
	o->used = gm_seconds();
	return o;
}
