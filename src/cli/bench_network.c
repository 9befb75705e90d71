/* SPDX-License-Identifier: MIT
 *
 * cli/bench_network.c -- the rows of ganymede bench without training: feature extractors with
 * random weights, on batches of 32 small images, including resizing. */
#include "cli/cli.h"

#include <stdlib.h>
#include <time.h>

#include "base/machine.h"
#include "metrics/extractor.h"
#include "ganymede/train.h"

#define BATCH 32
#define SIDE 32
#define TURNS 1000

static double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static bool measure(gm_extractor *e, const gm_extractor_input *in, double limit, struct gm_speed *v,
                    gm_error *err)
{
	double took[TURNS];
	float *f = malloc((size_t)(in->n * gm_extractor_width(e, in)) * sizeof *f);
	bool ok = f || gm_fail(err, GM_ERR_MEMORY, "out of memory");
	const double start = seconds();
	for (v->turns = 0; ok && v->turns < TURNS; v->turns++) {
		const double t = seconds();
		if (v->turns > 2 && t - start > limit)
			break;
		ok = gm_extractor_run(e, in, f, NULL, err);
		took[v->turns] = seconds() - t;
	}
	free(f);
	if (!ok)
		return false;
	v->ready += took[0];
	qsort(took + 1, (size_t)v->turns - 1, sizeof *took, ascending);
	v->step = took[1 + (v->turns - 1) / 2];
	v->peak = gm_machine_peak(false);
	return true;
}

bool cli_bench_network(const char *name, double limit, struct gm_speed *v, gm_error *err)
{
	enum { SIZE = BATCH * 3 * SIDE * SIDE };
	float *x = malloc(SIZE * sizeof *x);
	int64_t portion;
	gm_rng rng = gm_rng_new(1, 0);
	*v = (struct gm_speed){.batch = BATCH};
	gm_machine_peak(true);
	for (int i = 0; x && i < SIZE; i++)
		x[i] = (float)(2 * gm_rng_uniform(&rng) - 1);
	v->ready = seconds();
	gm_extractor *e = x ? gm_extractor_drawn(name, err) : NULL;
	v->ready = seconds() - v->ready;
	const gm_extractor_input in = {x, BATCH, 3, SIDE, SIDE};
	const bool ok = e && measure(e, &in, limit, v, err);
	if (ok) {
		const gm_step_info i = gm_step_describe(gm_extractor_step(e, &portion));
		v->flops = i.flops * BATCH / (double)portion;
		v->memory = i.arena_bytes;
		v->instructions = i.instructions, v->fallbacks = i.fallbacks;
	}
	gm_extractor_free(e);
	free(x);
	return ok;
}
