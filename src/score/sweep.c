/* SPDX-License-Identifier: MIT
 *
 * score/sweep.c -- see sweep.h.
 */
#include "score/sweep.h"

#include <stdlib.h>
#include <string.h>

#include "base/progress.h"

void gm_sweep_end(gm_sweep *w)
{
	gm_progress_end();
	for (int i = 0; i < GM_RUN_INPUTS; i++)
		free(w->in[i]);
	free(w->label);
	free(w->out);
}

bool gm_sweep_begin(gm_sweep *w, gm_scorer *c, gm_run_endpoint *e, gm_dataset *data, gm_error *err)
{
	gm_run *r = c->r;
	*w = (gm_sweep){.c = c, .e = e, .data = data};
	if (!data)
		return false;
	uint64_t have = gm_data_info_of(data)->count;
	w->n = c->o.count ? c->o.count : 10000;
	if (have && have < (uint64_t)w->n)
		w->n = (int64_t)have;
	w->width = gm_node_size(w->e->y) / r->batch;
	w->out = malloc(gm_node_size(w->e->y) * sizeof *w->out);
	w->label = malloc(r->batch * sizeof *w->label);
	bool ok = w->out && w->label;
	for (int i = 0; ok && i < w->e->nin; i++) {
		const char *name = gm_endpoint_field(r, w->e->in[i]);
		if (!name)
			continue; /* a random latent */
		w->field[i] = gm_data_field(data, strcmp(name, "example") ? name : "image");
		if (!w->field[i])
			return gm_fail(err, GM_ERR_VALUE, "%s: the field \"%s\" is missing",
			               gm_data_info_of(data)->name, name);
		w->in[i] = malloc(gm_node_size(w->e->in[i]) * sizeof(float));
		ok = w->in[i] != NULL;
	}
	return ok || gm_fail(err, GM_ERR_MEMORY, "out of memory");
}

bool gm_sweep_tell(const gm_sweep *w, int64_t done, gm_error *err)
{
	return gm_progress_tell("evaluating", (uint64_t)done, (uint64_t)w->n, "examples", err);
}

int64_t gm_sweep_step(gm_sweep *w, int64_t i, gm_error *err)
{
	gm_run *r = w->c->r;
	int64_t at = i * r->batch, left = w->n - at;
	if (!gm_sweep_tell(w, at, err))
		return -1;
	for (int k = 0; k < w->e->nin; k++)
		if (w->field[k] &&
		    !gm_data_read(w->data, w->field[k], w->c->o.seed, at, r->batch, w->in[k], err))
			return -1;
	if (gm_data_field(w->data, "label") &&
	    !gm_data_batch(w->data, w->c->o.seed, at, r->batch, NULL, w->label, err))
		return -1;
	return left < r->batch ? left : r->batch;
}

bool gm_sweep_call(gm_sweep *w, uint64_t seed, uint64_t chunk, gm_error *err)
{
	const gm_use use = {
		.in = (const void *const *)w->in, .seed = seed, .chunk = chunk, .raw = w->c->o.raw};
	return gm_endpoint_run(w->c->r, w->e, &use, w->out) || gm_scorer_trouble(w->c, err);
}
