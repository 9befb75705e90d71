/* SPDX-License-Identifier: MIT
 *
 * use/attack.c -- see attack.h.
 */
#include "use/attack.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/progress.h"

struct gm_attacker {
	gm_saved *s;
	gm_attack_options o;
	gm_node *x, *clean, *label, *next;
	gm_step *step;
	float *at, *start; /* [batch, shape] */
	int32_t *said;     /* [batch] */
};

static bool check(const gm_attack_options *o, gm_error *err)
{
	if (!(o->epsilon >= 0) || isinf(o->epsilon) || (!o->euclidean && o->epsilon > 1))
		return gm_fail(err, GM_ERR_VALUE, "--epsilon %g is not in 0 to %s", o->epsilon,
		               o->euclidean ? "any number" : "1, the range of a pixel");
	if (!(o->step >= 0) || isinf(o->step))
		return gm_fail(err, GM_ERR_VALUE, "--step %g is not a length", o->step);
	if (o->random_start && (o->steps < 2 || o->euclidean))
		return gm_fail(err, GM_ERR_VALUE,
		               "a random start is for attacks of several steps in the maximum "
		               "norm: --steps 40");
	return true;
}

/* The step as an expression of the run's graph. */
static bool build(gm_attacker *a, gm_error *err)
{
	const gm_attack_options *o = &a->o;
	gm_graph *g = gm_saved_graph(a->s);
	gm_port port;
	if (gm_saved_ports(a->s, GM_ENDPOINT_CLASSIFY, &port, 1) != 1 || port.kind != GM_PORT_DATA)
		return gm_fail(err, GM_ERR_STATE,
		               "\"classify\" of %s does not take images and nothing else",
		               gm_saved_model(a->s)->name);
	static _Atomic int attackers; /* names of inputs are unique within a graph */
	const int count = attackers++;
	char name[3][40];
	static const char *const what[] = {"x", "clean", "label"};
	for (int i = 0; i < 3; i++)
		snprintf(name[i], sizeof name[i], "attack%d/%s", count, what[i]);
	a->x = gm_input(g, name[0], port.shape, GM_F32);
	a->clean = gm_input(g, name[1], port.shape, GM_F32);
	a->label = gm_input(g, name[2], GM_SHAPE(port.shape.dim[0]), GM_I32);
	gm_node *logits = gm_saved_node(a->s, GM_ENDPOINT_CLASSIFY, &a->x, err);
	if (!logits)
		return false;
	gm_node *loss = gm_softmax_xent(logits, a->label);
	const double each = o->step > 0    ? o->step
	                    : o->steps > 1 ? 2.5 * o->epsilon / o->steps
	                                   : o->epsilon;
	/* images are in [-1,1]: a pixel's change is twice that in [0,1] */
	a->next = gm_attack(o->targeted ? gm_neg(loss) : loss, a->x, .reach = 2 * o->epsilon,
	                    .step = 2 * each, .euclidean = o->euclidean, .clean = a->clean);
	a->step = gm_compile_nodes(g, &a->next, 1, &(gm_compile_options){.infer = true});
	const gm_error *e = gm_graph_error(g);
	return a->step || gm_fail(err, e->code ? e->code : GM_ERR_STATE, "%s", e->message);
}

gm_attacker *gm_attacker_open(gm_saved *s, const gm_attack_options *o, gm_error *err)
{
	gm_attacker *a = calloc(1, sizeof *a);
	const int64_t m = gm_saved_batch(s), numel = gm_saved_facts(s)->numel;
	bool ok = a || gm_fail(err, GM_ERR_MEMORY, "out of memory");
	if (ok) {
		*a = (gm_attacker){.s = s, .o = *o};
		a->o.steps = o->steps > 1 ? o->steps : 1;
		a->at = malloc(m * numel * sizeof *a->at);
		a->start = malloc(m * numel * sizeof *a->start);
		a->said = malloc(m * sizeof *a->said);
		ok = (a->at && a->start && a->said) || gm_fail(err, GM_ERR_MEMORY, "out of memory");
	}
	if (ok && check(&a->o, err) && gm_saved_must(s, GM_ENDPOINT_CLASSIFY, err) && build(a, err))
		return a;
	gm_attacker_free(a);
	return NULL;
}

void gm_attacker_free(gm_attacker *a)
{
	if (!a)
		return;
	gm_step_free(a->step);
	free(a->at);
	free(a->start);
	free(a->said);
	free(a);
}

static float clipped(float v)
{
	return v < -1 ? -1 : v > 1 ? 1 : v;
}

/* a->at becomes the attacked images of a->start. */
static bool attack_batch(gm_attacker *a, uint64_t batch, gm_error *err)
{
	const int64_t size = gm_node_size(a->x);
	const float reach = (float)(2 * a->o.epsilon);
	gm_rng rng = gm_rng_new(a->o.seed, batch);
	for (int64_t i = 0; i < size; i++)
		a->at[i] = a->o.random_start
		                   ? clipped(a->start[i] +
		                             reach * (float)(2 * gm_rng_uniform(&rng) - 1))
		                   : a->start[i];
	gm_set_f32(a->clean, a->start, size);
	for (int k = 0; k < a->o.steps; k++) {
		gm_set_f32(a->x, a->at, size);
		gm_step_run(a->step);
		if (gm_step_check(a->step))
			return gm_fail(err, GM_ERR_STATE, "%s", gm_step_check(a->step));
		gm_step_read(a->step, a->next, a->at, size);
	}
	return true;
}

bool gm_attacker_run(gm_attacker *a, const float *x, const int32_t *label, int64_t n, float *out,
                     gm_error *err)
{
	const int64_t m = gm_saved_batch(a->s), numel = gm_saved_facts(a->s)->numel;
	bool ok = true;
	for (int64_t at = 0; ok && at < n; at += m) {
		const int64_t take = n - at < m ? n - at : m;
		for (int64_t i = 0; i < m; i++) { /* the last batch is filled with its last image */
			const int64_t k = at + (i < take ? i : take - 1);
			memcpy(a->start + i * numel, x + k * numel, numel * sizeof *x);
			a->said[i] = label[k];
		}
		gm_set_i32(a->label, a->said, m);
		ok = gm_progress_tell("attacking", (uint64_t)at, (uint64_t)n, "images", err) &&
		     attack_batch(a, (uint64_t)(at / m), err);
		if (ok)
			memcpy(out + at * numel, a->at, take * numel * sizeof *out);
	}
	gm_progress_end();
	return ok;
}

void gm_attack_noise(const gm_saved *s, double epsilon, uint64_t seed, const float *x, int64_t n,
                     float *out)
{
	const int64_t size = n * gm_saved_facts(s)->numel;
	const float reach = (float)(2 * epsilon);
	gm_rng rng = gm_rng_new(seed, 1);
	for (int64_t i = 0; i < size; i++)
		out[i] = clipped(x[i] + (gm_rng_uniform(&rng) < .5 ? reach : -reach));
}

/* Of logits [classes]: the largest one's place; *p: its softmax probability. */
static int32_t most_probable(const float *logit, int64_t classes, double *p)
{
	int64_t best = 0;
	double all = 0;
	for (int64_t k = 1; k < classes; k++)
		best = logit[k] > logit[best] ? k : best;
	for (int64_t k = 0; k < classes; k++)
		all += exp((double)logit[k] - logit[best]);
	*p = 1 / all;
	return (int32_t)best;
}

bool gm_attack_classify(gm_saved *s, const float *x, const int32_t *label, int64_t n, int32_t *said,
                        gm_attack_score *score, gm_error *err)
{
	const gm_shape shape = gm_saved_shape(s, GM_ENDPOINT_CLASSIFY);
	const int64_t classes = shape.rank == 2 ? shape.dim[1] : 1;
	*score = (gm_attack_score){0};
	if (!gm_saved_must(s, GM_ENDPOINT_CLASSIFY, err))
		return false;
	float *logit = malloc(n * classes * sizeof *logit);
	bool ok = (logit || gm_fail(err, GM_ERR_MEMORY, "out of memory")) &&
	          gm_saved_apply(s, GM_ENDPOINT_CLASSIFY, (const void *[]){x}, n, 0, logit, err);
	for (int64_t i = 0; ok && i < n; i++) {
		double p;
		const int32_t k = most_probable(logit + i * classes, classes, &p);
		if (said)
			said[i] = k;
		if (label && k != label[i])
			score->wrong++, score->confidence += p;
	}
	score->confidence = score->wrong ? score->confidence / (double)score->wrong : NAN;
	free(logit);
	return ok;
}
