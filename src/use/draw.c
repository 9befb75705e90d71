/* SPDX-License-Identifier: MIT
 *
 * use/draw.c -- sampling from a run, and real examples, as tensors.
 */
#include "use/draw.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "run/captions.h"
#include "run/stream.h"

/* Different from the seeds of training, so that latents of sample images are not those of a
 * minibatch. */
static const uint64_t LATENTS = 0x6c6174656e747321u, REALS = 0x7265616c73212121u;

uint64_t gm_run_latent_seed(uint64_t seed)
{
	return seed ^ LATENTS;
}

void gm_run_grid_labels(const gm_run *r, int64_t n, int columns, int32_t *label)
{
	for (int64_t i = 0; i < n; i++)
		label[i] = r->facts.classes ? (int32_t)(i / columns % r->facts.classes) : 0;
}

int64_t gm_endpoint_caption_length(gm_run *r, const gm_run_endpoint *e)
{
	const gm_run_field *f = gm_captions_field(r);
	for (int i = 0; e && f && i < e->nin; i++)
		if (e->in[i] == f->node)
			return f->shape.dim[0];
	return 0;
}

bool gm_endpoint_is_conditional(const gm_run *r, const gm_run_endpoint *e)
{
	for (int i = 0; e && i < e->nin; i++)
		if (e->in[i] == r->label)
			return true;
	return false;
}

static bool draw_chunks(gm_run *r, gm_run_endpoint *e, const gm_samples *d, bool raw, float *x)
{
	int64_t m = r->batch, numel = gm_node_size(e->y) / m, classes = r->facts.classes;
	const void *in[GM_RUN_INPUTS] = {0};
	float *y = malloc(m * numel * sizeof *y);
	int32_t *label = calloc(m, sizeof *label);
	bool ok = true;
	if (!y || !label) {
		free(y);
		free(label);
		return gm_fail(&r->err, GM_ERR_MEMORY, "no memory for samples");
	}
	const gm_run_field *said = d->caption ? gm_captions_field(r) : NULL;
	const int64_t length = said ? said->shape.dim[0] : 0;
	int32_t *text = said ? malloc(m * length * sizeof *text) : NULL;
	if (said && !text)
		ok = gm_fail(&r->err, GM_ERR_MEMORY, "no memory for captions");
	for (int i = 0; i < e->nin; i++)
		in[i] = e->in[i] == r->label ? label : said && e->in[i] == said->node ? text : NULL;
	ok = ok && (d->truncation <= 0 || gm_endpoint_can_truncate(r, e));
	for (int64_t chunk = d->first / m; ok && chunk * m < d->first + d->n; chunk++) {
		int64_t at = chunk * m, from = at > d->first ? at : d->first,
			to = at + m < d->first + d->n ? at + m : d->first + d->n;
		for (int64_t i = 0; i < m; i++) {
			int64_t k = at + i;
			label[i] = d->label && k >= from && k < to ? d->label[k - d->first]
			           : classes                       ? (int32_t)(k % classes)
			                                           : 0;
			if (said && k >= from && k < to)
				memcpy(text + i * length, d->caption + (k - d->first) * length,
				       length * sizeof *text);
			else if (said)
				gm_captions_row(r, said, k, text + i * length);
		}
		ok = gm_endpoint_run(r, e,
		                     &(gm_use){.in = in,
		                               .seed = gm_run_latent_seed(d->seed),
		                               .chunk = (uint64_t)chunk,
		                               .raw = raw,
		                               .truncation = d->truncation},
		                     y);
		if (ok)
			memcpy(x + (from - d->first) * numel, y + (from - at) * numel,
			       (to - from) * numel * sizeof *y);
	}
	free(y);
	free(label);
	free(text);
	return ok;
}

bool gm_run_draw(gm_run *r, gm_run_endpoint *e, const gm_samples *d, bool raw, float *x)
{
	return gm_run_ok(r) && draw_chunks(r, e, d, raw, x);
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

bool gm_run_stream_field(const gm_stream *s, const gm_node *in, int64_t n, void *x)
{
	gm_run *r = s->run;
	for (int i = 0; i < s->fields; i++)
		if (s->field[i].node == in)
			return gm_data_read(s->data, gm_data_field(s->data, s->field[i].name),
			                    r->seed ^ REALS, 0, n, x, &r->err);
	return gm_fail(&r->err, GM_ERR_STATE, "a field of no stream");
}
