/* SPDX-License-Identifier: MIT
 *
 * run/perceive.c -- published networks in models: their layers in a loss, fixed, or as layers of a
 * net, trained.
 */
#include "run/run.h"

#include <string.h>

#include "ganymede/features.h"

/* The small library (libganymede) has no such networks. */
#pragma weak gm_extractor_on
#pragma weak gm_extractor_layer
#pragma weak gm_extractor_layer_in
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

gm_node *gm_opt_network(gm_run *r, gm_net *n, const char *network, gm_node *x)
{
	static const char *const deepest[][2] = {{"squeezenet", "fire9"}, {"vgg16", "relu5_3"}};
	const gm_shape s = gm_node_shape(x);
	for (int i = 0; i < 2; i++)
		if (!strcmp(network, deepest[i][0]))
			gm_opt_auto(r, "layer", "%s", deepest[i][1]);
	if (s.rank != 4 || (s.dim[1] != 1 && s.dim[1] != 3)) {
		gm_run_fail(r, GM_ERR_VALUE, "%s needs pictures of 1 or 3 channels", network);
		return x;
	}
	const int64_t side = s.dim[2] < s.dim[3] ? s.dim[2] : s.dim[3];
	int factor = 1;
	while (factor * side < gm_opt_int(r, "least-side"))
		factor++;
	if (factor > 1)
		x = gm_upsample_bilinear(x, factor);
	if (!gm_extractor_layer_in) {
		gm_run_fail(r, GM_ERR_STATE, "this is libganymede without %s; use libganymede-full",
		            network);
		return x;
	}
	gm_node *y = gm_run_ok(r)
	                     ? gm_extractor_layer_in(n, network, gm_opt_str(r, "layer"), x, &r->err)
	                     : NULL;
	return y ? gm_mean(y, GM_AXES(2, 3), false) : x;
}

void gm_perceptions_free(gm_run *r)
{
	for (gm_perception *p = r->perception; p; p = p->next)
		if (p->nodes)
			gm_extractor_nodes_free(p->nodes);
}
