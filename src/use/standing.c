/* SPDX-License-Identifier: MIT
 *
 * use/standing.c -- standing statistics: gm_saved_stand of ganymede/saved.h.
 *
 * A batch norm's statistics in training mode are v' = (1 - m) v + m b, where b are the batch's.
 * They are read for v = 0 in each batch, which gives m b; and once for v = 1, which gives m. So the
 * layer's momentum, and whether the endpoint uses the layer, need not be known.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/progress.h"
#include "run/endpoint.h"
#include "use/draw.h"
#include "use/saved_run.h"

typedef struct statistic {
	gm_node *node, *average;
	int64_t n;
	bool of_batch; /* mean or var of a batch norm; else a vector of spectral norm, or another */
	float *before, *first, *read;
	double *sum;
} statistic;

typedef struct standing {
	gm_run *r;
	gm_run_endpoint *e;
	gm_use use;
	statistic *s;
	int count;
	float *y;
} standing;

static bool ends_in(const char *name, const char *end)
{
	const size_t n = strlen(name), m = strlen(end);
	return n > m && !strcmp(name + n - m, end);
}

static bool collect(standing *t)
{
	int room = 0;
	for (int k = 0; k < t->r->nets; k++)
		room += gm_net_count(t->r->net[k]);
	t->s = calloc((size_t)room + 1, sizeof *t->s);
	t->y = malloc(gm_node_size(t->e->y) * sizeof *t->y);
	bool ok = t->s && t->y;
	for (int k = 0; k < t->r->nets; k++)
		for (int i = 0; ok && i < gm_net_count(t->r->net[k]); i++) {
			const gm_net_entry e = gm_net_at(t->r->net[k], i);
			if (e.role != GM_STAT || gm_node_dtype(e.node) != GM_F32)
				continue;
			statistic *s = &t->s[t->count++];
			const int64_t n = gm_node_size(e.node);
			*s = (statistic){.node = e.node,
			                 .average = e.average,
			                 .n = n,
			                 .of_batch = ends_in(e.name, "/mean") ||
			                             ends_in(e.name, "/var"),
			                 .before = malloc(n * sizeof *s->before),
			                 .first = malloc(n * sizeof *s->first),
			                 .read = malloc(n * sizeof *s->read),
			                 .sum = calloc(n, sizeof *s->sum)};
			ok = s->before && s->first && s->read && s->sum &&
			     gm_get_f32(s->node, s->before, n);
		}
	return ok || gm_fail(&t->r->err, GM_ERR_MEMORY, "no memory for statistics");
}

static void set_all(gm_node *node, int64_t n, float *room, float value)
{
	for (int64_t i = 0; i < n; i++)
		room[i] = value;
	gm_set_f32(node, room, n);
}

/* One batch from statistics that are all `value`; reads what they become. */
static bool batch(standing *t, uint64_t chunk, float value)
{
	for (int i = 0; i < t->count; i++)
		if (t->s[i].of_batch)
			set_all(t->s[i].node, t->s[i].n, t->s[i].read, value);
		else
			gm_set_f32(t->s[i].node, t->s[i].before, t->s[i].n);
	t->use.chunk = chunk;
	bool ok = gm_endpoint_run(t->r, t->e, &t->use, t->y);
	for (int i = 0; ok && i < t->count; i++)
		ok = gm_get_f32(t->s[i].node, t->s[i].read, t->s[i].n);
	return ok;
}

/* The endpoint in training mode, with averages of weights, but statistics as variables. */
static gm_step *in_training(standing *t)
{
	gm_run *r = t->r;
	gm_run_know_averages(r);
	gm_endpoint_make_fill(r, t->e);
	const int room = r->averages + t->e->nin;
	gm_node **from = calloc((size_t)room * 2 + 1, sizeof *from), **to = from + room;
	int n = 0;
	for (int i = 0; from && !t->use.raw && i < r->averages; i++) {
		bool is_statistic = false;
		for (int k = 0; k < t->count; k++)
			is_statistic = is_statistic || t->s[k].node == r->average_from[i];
		if (!is_statistic)
			from[n] = r->average_from[i], to[n++] = r->average_to[i];
	}
	for (int i = 0; from && i < t->e->nin; i++)
		if (t->e->fill[i])
			from[n] = t->e->in[i], to[n++] = t->e->fill[i];
	gm_step *s = from && gm_run_ok(r)
	                     ? gm_compile_nodes(
				       r->graph, &t->e->y, 1,
				       &(gm_compile_options){.from = from, .to = to, .nreplace = n})
	                     : NULL;
	free(from);
	if (!s && gm_run_ok(r))
		gm_run_fail(r, GM_ERR_STATE, "%s: \"%s\" does not compile", r->model->name,
		            t->e->name);
	return s;
}

/* Where m is not 0, the mean over the batches becomes the statistic that inference reads. All
 * others get back what they were. Returns the number of such statistics. */
static int settle(standing *t, int64_t batches)
{
	int moved = 0;
	for (int i = 0; i < t->count; i++) {
		statistic *s = &t->s[i];
		int64_t least = 0; /* where m is most exact */
		for (int64_t k = 1; k < s->n; k++)
			least = fabsf(s->first[k]) < fabsf(s->first[least]) ? k : least;
		const double m = 1 - ((double)s->read[least] - (double)s->first[least]);
		gm_set_f32(s->node, s->before, s->n);
		if (!s->of_batch || m < 1e-6)
			continue;
		for (int64_t k = 0; k < s->n; k++)
			s->read[k] = (float)(s->sum[k] / m / (double)batches);
		gm_set_f32(s->average && !t->use.raw ? s->average : s->node, s->read, s->n);
		moved++;
	}
	return moved;
}

static bool no_batch_norm(standing *t)
{
	return gm_fail(&t->r->err, GM_ERR_VALUE,
	               "option standing: \"%s\" of %s uses no batch norm, so it has no statistics",
	               t->e->name, t->r->model->name);
}

static bool stand(standing *t, int64_t batches)
{
	if (t->e->process)
		return gm_fail(&t->r->err, GM_ERR_VALUE,
		               "option standing: \"%s\" of %s is iterative, and has no batch norm "
		               "to be measured",
		               t->e->name, t->r->model->name);
	if (t->use.truncation > 0 && !gm_endpoint_can_truncate(t->r, t->e))
		return false;
	if (!collect(t))
		return false;
	bool any = false;
	for (int i = 0; i < t->count; i++)
		any = any || t->s[i].of_batch;
	if (!any)
		return no_batch_norm(t);
	if (!(t->use.step = in_training(t)))
		return false;
	for (int64_t b = 0; b < batches; b++) {
		if (!gm_progress_tell("measuring statistics", (uint64_t)b, (uint64_t)batches,
		                      "batches", &t->r->err) ||
		    !batch(t, (uint64_t)b, 0))
			return false;
		for (int i = 0; i < t->count; i++) {
			for (int64_t k = 0; k < t->s[i].n; k++)
				t->s[i].sum[k] += t->s[i].read[k];
			if (!b)
				memcpy(t->s[i].first, t->s[i].read, t->s[i].n * sizeof(float));
		}
	}
	gm_progress_end();
	if (!batch(t, 0, 1))
		return false;
	return settle(t, batches) || no_batch_norm(t);
}

bool gm_run_stand(gm_run *r, gm_run_endpoint *e, const gm_samples *d, int64_t batches, bool raw)
{
	standing t = {.r = r,
	              .e = e,
	              .use = {.seed = gm_run_latent_seed(d->seed),
	                      .raw = raw,
	                      .truncation = d->truncation}};
	const bool ok = gm_run_ok(r) && stand(&t, batches);
	for (int i = 0; i < t.count; i++) {
		if (!ok)
			gm_set_f32(t.s[i].node, t.s[i].before, t.s[i].n);
		free(t.s[i].before), free(t.s[i].first), free(t.s[i].read), free(t.s[i].sum);
	}
	gm_step_free(t.use.step);
	free(t.s);
	free(t.y);
	return ok;
}
