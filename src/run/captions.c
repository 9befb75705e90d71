/* SPDX-License-Identifier: MIT
 *
 * run/captions.c -- captions for endpoints that read them, where a call gives none: some of the
 * data's, kept in the checkpoint, so that tools need no data. Sample images show them.
 */
#include "run/captions.h"

#include <stdlib.h>
#include <string.h>

#include "run/stream.h"

/* Different from the seeds of training. */
static const uint64_t CAPTIONS = 0x63617074696f6e73u;

gm_run_field *gm_captions_field(gm_run *r)
{
	gm_run_field *f = gm_feed_find(r, "caption");
	return f && f->node ? f : NULL;
}

bool gm_captions_is(gm_run *r, const gm_node *in)
{
	const gm_run_field *f = gm_captions_field(r);
	return f && f->node == in;
}

void gm_captions_keep(gm_run *r, const gm_run_field *f)
{
	const int64_t n = GM_RUN_CAPTIONS * f->shape.dim[0];
	r->captions = gm_arena_calloc(r->arena, (size_t)n, 1);
	gm_keep(r, "captions", r->captions, (size_t)n);
	if (r->from || r->building || !r->data || !gm_run_ok(r))
		return;
	int32_t *text = malloc((size_t)n * sizeof *text);
	if (!text)
		gm_run_fail(r, GM_ERR_MEMORY, "no memory for captions");
	else if (gm_data_read(r->data, gm_data_field(r->data, "caption"), r->seed ^ CAPTIONS, 0,
	                      GM_RUN_CAPTIONS, text, &r->err))
		for (int64_t i = 0; i < n; i++)
			r->captions[i] = (uint8_t)text[i];
	free(text);
}

void gm_captions_row(const gm_run *r, const gm_run_field *f, int64_t i, int32_t *text)
{
	const int64_t length = f->shape.dim[0];
	for (int64_t k = 0; k < length; k++)
		text[k] = r->captions[i % GM_RUN_CAPTIONS * length + k];
}

bool gm_captions_set(gm_run *r, int64_t first)
{
	const gm_run_field *f = gm_captions_field(r);
	const int64_t length = f->shape.dim[0];
	int32_t *text = malloc((size_t)(r->batch * length) * sizeof *text);
	if (!text)
		return gm_fail(&r->err, GM_ERR_MEMORY, "no memory for captions");
	for (int64_t i = 0; i < r->batch; i++)
		gm_captions_row(r, f, first + i, text + i * length);
	gm_set_i32(f->node, text, r->batch * length);
	free(text);
	return true;
}
