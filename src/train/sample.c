/* SPDX-License-Identifier: MIT
 *
 * train/sample.c -- a checkpoint, ready to draw from. The model's own train function builds the
 * graph, with nothing to train; only the endpoint "generate" is compiled.
 */
#include "train/run.h"

#include <stdlib.h>

struct gm_sampler {
	gm_run run;
	gm_record record;
};

static bool load(gm_sampler *s, const char *checkpoint, int64_t n, gm_error *err)
{
	gm_run *r = &s->run;
	gm_settings *settings = &s->record.settings;
	r->from = gm_st_open(checkpoint, err);
	if (!r->from || !gm_record_read(r->from, checkpoint, &s->record, err))
		return false;
	r->building = true;
	r->from_path = checkpoint;
	r->facts = s->record.facts;
	if (!gm_settings_int(settings, "batch", 1, 1 << 20, &r->batch, err))
		return false;
	/* The run's own batch gives its own latents; a smaller one is a part of the same. */
	if (r->batch > n)
		r->batch = n > 0 ? n : 1;
	while (r->batch > 1 && r->batch * r->facts.numel > 1 << 28)
		r->batch /= 2;
	return gm_run_init(r, settings, err) && r->model->train(r) == 0 && gm_run_ok(r) &&
	       gm_checkpoint_load(r, false) && gm_run_sampler(r);
}

gm_sampler *gm_sampler_open(const char *checkpoint, int64_t n, gm_error *err)
{
	gm_sampler *s = calloc(1, sizeof *s);
	gm_error trouble = {0};
	bool ok = s ? load(s, checkpoint, n, &trouble)
	            : gm_fail(&trouble, GM_ERR_MEMORY, "no memory for a sampler");
	if (ok) {
		gm_st_close(s->run.from);
		s->run.from = NULL;
		return s;
	}
	if (err && !err->code)
		*err = trouble.code ? trouble : s->run.err;
	gm_sampler_free(s);
	return NULL;
}

void gm_sampler_free(gm_sampler *s)
{
	if (!s)
		return;
	gm_run_free(&s->run);
	gm_record_free(&s->record);
	free(s);
}

const gm_facts *gm_sampler_facts(const gm_sampler *s)
{
	return &s->run.facts;
}

const gm_settings *gm_sampler_settings(const gm_sampler *s)
{
	return &s->record.settings;
}

int64_t gm_sampler_step(const gm_sampler *s)
{
	return s->record.step;
}

bool gm_sampler_draw(gm_sampler *s, uint64_t seed, int64_t n, float *x, gm_error *err)
{
	if (gm_run_draw(&s->run, seed, n, x))
		return true;
	if (err && !err->code)
		*err = s->run.err;
	return false;
}
