/* SPDX-License-Identifier: MIT
 *
 * use/draw.c -- sample images and real examples of a run, as tensors.
 */
#include "use/draw.h"

#include <stdlib.h>
#include <string.h>

#include "use/pixels.h"

/* Kept away from the seeds of training: the latents of a picture are no minibatch's. */
static const uint64_t LATENTS = 0x6c6174656e747321u, REALS = 0x7265616c73212121u;

uint64_t gm_run_latent_seed(uint64_t seed)
{
	return seed ^ LATENTS;
}

bool gm_run_gives_examples(gm_run *r, const gm_run_endpoint *e)
{
	gm_shape s = gm_node_shape(e->y);
	if (gm_node_size(e->y) == r->batch * r->facts.numel && s.rank >= 2 && s.dim[0] == r->batch)
		return true;
	gm_run_fail(r, GM_ERR_STATE, "%s: \"%s\" does not give a batch of examples", r->model->name,
	            e->name);
	return false;
}

void gm_run_grid_labels(const gm_run *r, int64_t n, int columns, int32_t *label)
{
	for (int64_t i = 0; i < n; i++)
		label[i] = r->facts.classes ? (int32_t)(i / columns % r->facts.classes) : 0;
}

gm_run_endpoint *gm_run_drawer(gm_run *r)
{
	gm_run_endpoint *e = gm_endpoint_find(r, "generate");
	return e ? e : gm_endpoint_find(r, "pixels");
}

bool gm_run_draws_classes(gm_run *r)
{
	gm_run_endpoint *e = gm_run_drawer(r);
	for (int i = 0; e && i < e->nin; i++)
		if (e->in[i] == r->label)
			return true;
	return false;
}

bool gm_run_draw(gm_run *r, uint64_t seed, int64_t n, const int32_t *label, bool raw, float *x)
{
	gm_run_endpoint *e = gm_run_drawer(r);
	int64_t m = r->batch, numel = r->facts.numel;
	const void *in[GM_RUN_INPUTS] = {0};
	if (!e || !gm_run_ok(r)) {
		gm_run_fail(
			r, GM_ERR_STATE,
			"%s has no endpoint \"generate\" and no \"pixels\": it draws no samples",
			r->model->name);
		return false;
	}
	if (strcmp(e->name, "generate"))
		return gm_pixels_draw(
			r, &(gm_pixels){.seed = seed ^ LATENTS, .n = n, .label = label, .raw = raw},
			x);
	if (!gm_run_gives_examples(r, e))
		return false;
	float *y = malloc(m * numel * sizeof *y);
	int32_t *some = calloc(m, sizeof *some);
	bool ok = (y && some) || gm_fail(&r->err, GM_ERR_MEMORY, "no memory for samples");
	for (int i = 0; i < e->nin; i++)
		if (label && e->in[i] == r->label)
			in[i] = some;
	for (int64_t done = 0, chunk = 0; ok && done < n; done += m, chunk++) {
		int64_t take = n - done < m ? n - done : m;
		if (label)
			memcpy(some, label + done, take * sizeof *some);
		ok = gm_endpoint_run(
			r, e,
			&(gm_use){.in = in, .seed = seed ^ LATENTS, .chunk = chunk, .raw = raw}, y);
		if (ok)
			memcpy(x + done * numel, y, take * numel * sizeof *y);
	}
	free(y);
	free(some);
	return ok;
}

bool gm_run_reals(gm_run *r, int64_t n, float *x, int32_t *label)
{
	return gm_data_batch(r->data, r->seed ^ REALS, 0, n, x, label, &r->err);
}

bool gm_run_real_field(gm_run *r, const gm_run_field *f, int64_t n, void *x)
{
	return gm_data_read(r->data, gm_data_field(r->data, f->name), r->seed ^ REALS, 0, n, x,
	                    &r->err);
}
