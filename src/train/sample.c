/* SPDX-License-Identifier: MIT
 *
 * train/sample.c -- a checkpoint, ready to draw from. The model's own train function builds the graph, with nothing to
 * train; only the endpoint "generate" is compiled.
 */
#include "train/run.h"

#include <stdlib.h>

struct gm_sampler {
	gm_run run;
	gm_record record;
};

gm_sampler *gm_sampler_open(const char *checkpoint, int64_t n, gm_error *err)
{
	gm_sampler *s = calloc(1, sizeof *s);
	gm_st *st = s ? gm_st_open(checkpoint, err) : NULL;
	bool ok = st && gm_record_read(st, checkpoint, &s->record, err);
	if (ok) {
		gm_run *r = &s->run;
		*r = (gm_run){.building = true, .facts = s->record.facts};
		/* The run's own batch gives its own latents; fewer are a part of the same. */
		ok = gm_settings_int(&s->record.settings, "batch", 1, 1 << 20, &r->batch, err);
		if (r->batch > n)
			r->batch = n > 0 ? n : 1;
		ok = ok && gm_run_init(r, &s->record.settings, err);
		if (ok) {
			ok = r->model->train(r) == 0 && gm_run_ok(r) && gm_checkpoint_load(r, st, checkpoint, false) &&
			     gm_run_sampler(r);
			if (!ok && err && !err->code) {
				err->code = r->err.code;
				snprintf(err->message, sizeof err->message, "%s", r->err.message);
				err->offset = -1;
			}
		}
	}
	gm_st_close(st);
	if (ok)
		return s;
	if (s)
		gm_sampler_free(s);
	return NULL;
}

void gm_sampler_free(gm_sampler *s)
{
	if (!s)
		return;
	if (s->run.arena)
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
