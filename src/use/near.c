/* SPDX-License-Identifier: MIT
 *
 * use/near.c -- see near.h.
 */
#include "use/near.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/progress.h"
#include "ganymede/data.h"
#include "ganymede/features.h"
#include "use/photo.h"
#include "use/saved_run.h"

enum { PART = 32, ENDLESS = 5000, PORTS = 8 };

/* What images are compared by. */
typedef struct measure {
	gm_saved *s;          /* of the run, or with batches of PART: own */
	gm_saved *own;        /* or NULL */
	const char *endpoint; /* of the run, or NULL */
	gm_extractor *x;      /* or NULL; without both: pixels */
	int64_t width;
} measure;

/* The run's endpoint whose first input is an example and that gives rows, or NULL. */
static const char *own_features(gm_saved *s)
{
	static const char *const names[] = {GM_ENDPOINT_FEATURES, GM_ENDPOINT_ENCODE};
	gm_port port[PORTS];
	const gm_facts *f = gm_saved_facts(s);
	for (int i = 0; i < 2; i++) {
		const int n =
			gm_saved_has(s, names[i]) ? gm_saved_ports(s, names[i], port, PORTS) : 0;
		const gm_shape *in = &port[0].shape;
		if (n && port[0].kind == GM_PORT_DATA && in->rank == 4 &&
		    in->dim[1] == f->channels && in->dim[2] == f->height &&
		    in->dim[3] == f->width && gm_saved_shape(s, names[i]).rank == 2)
			return names[i];
	}
	return NULL;
}

static bool open_measure(measure *m, const gm_near_options *o, gm_error *err)
{
	const char *name = o->extractor ? o->extractor : gm_saved_option(m->s, "extractor"),
		   *weights = o->weights ? o->weights : gm_saved_option(m->s, "extractor-weights");
	const gm_facts *f = gm_saved_facts(m->s);
	m->width = f->numel;
	if (!o->features)
		return true;
	if (!o->extractor && (m->endpoint = own_features(m->s))) {
		m->width = gm_saved_shape(m->s, m->endpoint).dim[1];
		m->s = m->own = gm_saved_again(m->s, PART, err);
		return m->own != NULL;
	}
	gm_error why = {0};
	if (!(m->x = gm_extractor_open(*name ? name : "inception", *weights ? weights : NULL,
	                               &why)))
		return gm_fail(err, why.code, "%s%s%.300s",
		               o->extractor ? "" : gm_saved_model(m->s)->name,
		               o->extractor ? "" : " has no features of its own; ", why.message);
	const gm_extractor_input in = {NULL, 1, (int)f->channels, (int)f->height, (int)f->width};
	m->width = gm_extractor_width(m->x, &in);
	return true;
}

/* n <= PART images x to rows [n, width]. */
static bool measured(const measure *m, const float *x, int64_t n, float *to, gm_error *err)
{
	const gm_facts *f = gm_saved_facts(m->s);
	const void *in[PORTS] = {x};
	if (m->endpoint)
		return gm_saved_apply(m->s, m->endpoint, in, n, 0, to, err);
	if (m->x)
		return gm_extractor_run(m->x,
		                        &(gm_extractor_input){x, n, (int)f->channels,
		                                              (int)f->height, (int)f->width},
		                        to, NULL, err);
	memcpy(to, x, (size_t)(n * m->width) * sizeof *to);
	return true;
}

/* Keeps example i at distance d among the k nearest of one image. */
static void keep(int64_t k, int64_t *index, double *distance, int64_t i, double d)
{
	int64_t at = k - 1;
	if (d >= distance[at])
		return;
	for (; at > 0 && distance[at - 1] > d; at--)
		distance[at] = distance[at - 1], index[at] = index[at - 1];
	distance[at] = d, index[at] = i;
}

/* Fills index and distance; q: rows of the n images; y: room for PART examples and their rows. */
static bool compare(const measure *m, gm_dataset *d, const float *q, float *y, gm_near *to,
                    gm_error *err)
{
	const int64_t numel = gm_saved_facts(m->s)->numel;
	float *rows = y + PART * numel;
	for (int64_t at = 0; at < to->of; at += PART) {
		const int64_t part = to->of - at < PART ? to->of - at : PART;
		if (!gm_progress_tell("comparing", (uint64_t)at, (uint64_t)to->of, "images", err))
			return false;
		for (int64_t i = 0; i < part; i++)
			if (!gm_data_get(d, (uint64_t)(at + i), y + i * numel, NULL, err))
				return false;
		if (!measured(m, y, part, rows, err))
			return false;
		for (int64_t j = 0; j < to->n * part; j++) {
			const float *a = q + j / part * m->width, *b = rows + j % part * m->width;
			double sum = 0;
			for (int64_t k = 0; k < m->width; k++)
				sum += (a[k] - b[k]) * (double)(a[k] - b[k]);
			keep(to->k, to->index + j / part * to->k, to->distance + j / part * to->k,
			     at + j % part, sqrt(sum / (double)m->width));
		}
	}
	gm_progress_end();
	return true;
}

bool gm_near_find(gm_saved *s, const gm_near_options *o, const float *x, int64_t n, gm_near *to,
                  gm_error *err)
{
	const int64_t numel = gm_saved_facts(s)->numel;
	measure m = {.s = s};
	*to = (gm_near){.n = n};
	gm_dataset *d = gm_photo_set(s, "train", gm_saved_option(s, "range"), err);
	bool ok = d && open_measure(&m, o, err);
	to->by = m.endpoint ? gm_saved_model(s)->name : m.x ? "the extractor" : "pixels";
	if (ok) {
		const uint64_t count = gm_data_info_of(d)->count;
		to->of = !count                     ? ENDLESS
		         : count < GM_NEAR_EXAMPLES ? (int64_t)count
		                                    : GM_NEAR_EXAMPLES;
		to->k = o->k < to->of ? o->k : to->of;
		const size_t all = (size_t)(n * to->k);
		to->index = calloc(all, sizeof *to->index);
		to->distance = malloc(all * sizeof *to->distance);
		to->x = malloc(all * (size_t)numel * sizeof *to->x);
	}
	float *q = ok ? malloc((size_t)(n * m.width) * sizeof *q) : NULL,
	      *y = ok ? malloc((size_t)(PART * (numel + m.width)) * sizeof *y) : NULL;
	ok = ok && ((q && y && to->index && to->distance && to->x) ||
	            gm_fail(err, GM_ERR_MEMORY, "no memory for the nearest examples"));
	for (int64_t i = 0; ok && i < n * to->k; i++)
		to->distance[i] = INFINITY;
	for (int64_t i = 0; ok && i < n; i++)
		ok = measured(&m, x + i * numel, 1, q + i * m.width, err);
	ok = ok && compare(&m, d, q, y, to, err);
	for (int64_t i = 0; ok && i < n * to->k; i++)
		ok = gm_data_get(d, (uint64_t)to->index[i], to->x + i * numel, NULL, err);
	free(q), free(y);
	gm_extractor_free(m.x);
	gm_saved_free(m.own);
	gm_data_close(d);
	return ok;
}

void gm_near_free(gm_near *to)
{
	free(to->index);
	free(to->distance);
	free(to->x);
	*to = (gm_near){0};
}
