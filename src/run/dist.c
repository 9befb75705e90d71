/* SPDX-License-Identifier: MIT
 *
 * run/dist.c -- distributed training: several processes train one run (ranks/ranks.h). Every rank
 * builds the same graph for its share of each minibatch; the variables of all ranks are always
 * equal. Only rank 0 writes files, makes sample images and computes monitors. Local events (a stop
 * request, a full disk) are agreed on between two steps, so that all ranks do the same steps.
 */
#include "run/stream.h"

#include <stdlib.h>
#include <string.h>

#include "base/machine.h"
#include "ranks/ranks.h"

enum { FINE, BROKEN, FAILED }; /* BROKEN: a value is not finite; a rollback is possible */

bool gm_dist_any(bool so)
{
	return gm_ranks_most(so);
}

bool gm_dist_lost(gm_run *r)
{
	char who[200];
	if (r->ranks == 1 || !gm_ranks_lost(who, sizeof who))
		return false;
	r->err = (gm_error){0}; /* later errors are consequences of this one */
	r->guard.nonfinite = false;
	if (r->saved_at >= 0)
		gm_run_fail(r, GM_ERR_STATE,
		            "%s; step %lld is saved. Resume with: ganymede train --resume %s (any "
		            "number of processes)",
		            who, (long long)r->saved_at, r->folder);
	else
		gm_run_fail(r, GM_ERR_STATE, "%s before anything was saved", who);
	return true;
}

/* All ranks take the most serious state of any rank. */
void gm_dist_agree(gm_run *r)
{
	if (r->ranks == 1 || gm_dist_lost(r))
		return;
	int mine = gm_run_ok(r) ? FINE : r->guard.nonfinite ? BROKEN : FAILED;
	int most = gm_ranks_most(mine);
	if (gm_dist_lost(r) || most == FINE)
		return;
	/* The lowest rank in that state reports the error. */
	int first = r->ranks - gm_ranks_most(mine == most ? r->ranks - r->rank : 0);
	r->echo = first != r->rank;
	if (mine == most)
		return;
	r->err = (gm_error){0};
	r->guard.nonfinite = most == BROKEN;
	gm_run_fail(r, GM_ERR_STATE, "rank %d failed", first);
}

/* As gm_dist_agree, before r is set up: if ok is false on one rank, it becomes false on all, with
 * that rank's error. */
bool gm_dist_first(gm_run *r, bool ok, gm_error *err)
{
	if (r->ranks == 1 || !gm_ranks_most(!ok))
		return ok;
	int first = r->ranks - gm_ranks_most(ok ? 0 : r->ranks - r->rank);
	r->echo = first != r->rank;
	return ok ? gm_fail(err, GM_ERR_STATE, "rank %d could not start", first) : false;
}

/* Broadcasts rank 0's bytes. */
bool gm_dist_share(gm_run *r, void *bytes, size_t n, bool ok, gm_error *err)
{
	return gm_dist_first(r, ok, err) &&
	       (gm_ranks_share(bytes, n) || gm_fail(err, GM_ERR_STATE, "a rank died"));
}

bool gm_dist_share_folder(gm_run *r)
{
	return gm_ranks_share(r->folder, sizeof r->folder) || !gm_dist_lost(r);
}

static uint64_t hash_weights(gm_run *r)
{
	uint64_t h = 0;
	for (int i = 0; i < r->nets; i++)
		for (int j = 0; j < gm_net_count(r->net[i]); j++) {
			gm_node *x = gm_net_at(r->net[i], j).node;
			int64_t n = gm_node_size(x);
			float *v = malloc(n * sizeof *v);
			if (v && gm_get_f32(x, v, n))
				h = gm_hash(h, v, n * sizeof *v);
			free(v);
		}
	return h;
}

void gm_dist_compare(gm_run *r)
{
	if (r->ranks > 1 && !gm_ranks_same(hash_weights(r)) && !gm_dist_lost(r))
		gm_run_fail(r, GM_ERR_STATE,
		            "the ranks' weights differ at step %lld: a model that updates "
		            "variables from rank-local values cannot be trained by several ranks",
		            (long long)r->step);
}

bool gm_dist_begin(gm_run *r)
{
	if (r->ranks == 1)
		return true;
	char *options = gm_settings_json(r->settings, false);
	uint64_t h = options ? gm_hash(r->data_hash, options, strlen(options)) : 0;
	free(options);
	h = gm_hash(h, &r->step, sizeof r->step);
	h = gm_hash(h, &r->seen, sizeof r->seen);
	for (int i = 0; i < r->streams; i++) {
		h = gm_hash(h, &r->stream[i]->hash, sizeof r->stream[i]->hash);
		h = gm_hash(h, &r->stream[i]->seen, sizeof r->stream[i]->seen);
	}
	if (!gm_ranks_same(h) && !gm_dist_lost(r))
		gm_run_fail(r, GM_ERR_STATE,
		            "the ranks differ in options, data or checkpoint: start all of them "
		            "with one mpirun, with access to the same files");
	return gm_run_ok(r);
}
