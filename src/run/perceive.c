/* SPDX-License-Identifier: MIT
 *
 * run/perceive.c -- perceptual losses: layers of a trained network in a loss.
 */
#include "run/run.h"

#include <string.h>

#include "ganymede/features.h"

/* The small library (libganymede) has no such networks. */
#pragma weak gm_extractor_on
#pragma weak gm_extractor_layer
#pragma weak gm_extractor_nodes_sha256
#pragma weak gm_extractor_nodes_free

enum { HEX = 64 };

struct gm_perception {
	const char *name;
	gm_extractor_nodes *nodes; /* NULL when only sampling */
	char *sha256;              /* [HEX], saved in checkpoints */
	gm_perception *next;
};

static gm_perception *find(gm_run *r, const char *name, const char *weights)
{
	for (gm_perception *p = r->perception; p; p = p->next)
		if (!strcmp(p->name, name))
			return p;
	gm_perception *p = gm_arena_calloc(r->arena, 1, sizeof *p);
	*p = (gm_perception){.name = gm_name(r, "%s", name),
	                     .sha256 = gm_arena_calloc(r->arena, HEX, 1),
	                     .next = r->perception};
	r->perception = p;
	gm_keep(r, gm_name(r, "%s/sha256", name), p->sha256, HEX);
	if (r->building || !gm_run_ok(r))
		return p;
	if (!gm_extractor_on) {
		gm_run_fail(r, GM_ERR_STATE, "this is libganymede without %s; use libganymede-full",
		            name);
		return p;
	}
	p->nodes = gm_extractor_on(r->graph, name, weights && *weights ? weights : NULL, &r->err);
	const char *now = p->nodes ? gm_extractor_nodes_sha256(p->nodes) : p->sha256;
	if (r->from && memcmp(now, p->sha256, HEX))
		gm_run_fail(r, GM_ERR_VALUE,
		            "%s: this run started with other weights of %s (SHA-256 %.8s.., now "
		            "%.8s..)",
		            r->from_path, name, p->sha256, now);
	memcpy(p->sha256, now, HEX);
	return p;
}

gm_node *gm_perceive(gm_run *r, const char *extractor, const char *weights, const char *layer,
                     gm_node *x)
{
	const gm_shape s = gm_node_shape(x);
	gm_perception *p = find(r, extractor, weights);
	if (!p->nodes || !gm_run_ok(r))
		return x;
	if (s.rank != 4 || (s.dim[1] != 1 && s.dim[1] != 3)) {
		gm_run_fail(r, GM_ERR_VALUE,
		            "%s uses features of %s, which needs pictures of 1 or 3 channels",
		            r->model->name, extractor);
		return x;
	}
	gm_node *y = gm_extractor_layer(p->nodes, layer, x, &r->err);
	return y ? y : x;
}

void gm_perceptions_free(gm_run *r)
{
	for (gm_perception *p = r->perception; p; p = p->next)
		if (p->nodes)
			gm_extractor_nodes_free(p->nodes);
}
