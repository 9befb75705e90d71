/* SPDX-License-Identifier: MIT
 *
 * oracle.h -- evaluates expressions in double by the ops' scalar definitions only, without compiler
 * and backend: the reference for steps in tests. Every value is in a block of its exact size, so
 * that AddressSanitizer detects out-of-bounds accesses of definitions.
 */
#ifndef GM_TESTS_ORACLE_H
#define GM_TESTS_ORACLE_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "graph/internal.h"

typedef struct oracle {
	gm_node **node; /* all that the outputs need, inputs before readers */
	double **value; /* beside it */
	char *stale;    /* beside it: to be computed by the next oracle_run */
	int n;
	int *place; /* by node number: where in node[], or -1 */
	int nplace;
	uint64_t seed, run;
} oracle;

static inline void oracle_visit(oracle *o, gm_node *x)
{
	if (x->id < o->nplace && o->place[x->id] >= 0)
		return;
	for (int i = 0; i < x->nin; i++)
		oracle_visit(o, x->in[i]);
	while (x->id >= o->nplace) {
		o->place = realloc(o->place, (size_t)(o->nplace + 1) * sizeof *o->place);
		o->place[o->nplace++] = -1;
	}
	o->node = realloc(o->node, (size_t)(o->n + 1) * sizeof(gm_node *));
	o->value = realloc(o->value, (size_t)(o->n + 1) * sizeof(double *));
	o->stale = realloc(o->stale, (size_t)o->n + 1);
	o->node[o->n] = x;
	o->value[o->n] = malloc((size_t)gm_shape_size(x->shape) * sizeof(double));
	o->stale[o->n] = 1;
	o->place[x->id] = o->n++;
}

static inline oracle oracle_new(gm_node *const *outputs, int n)
{
	oracle o = {0};
	for (int i = 0; i < n; i++)
		oracle_visit(&o, outputs[i]);
	return o;
}

static inline void oracle_free(oracle *o)
{
	for (int i = 0; i < o->n; i++)
		free(o->value[i]);
	free(o->node);
	free(o->value);
	free(o->stale);
	free(o->place);
}

static inline double *oracle_value(const oracle *o, const gm_node *x)
{
	return o->value[o->place[x->id]];
}

/* What depends on x will be computed again. */
static inline void oracle_touch(oracle *o, const gm_node *x)
{
	for (int i = 0; i < o->n; i++) {
		if (o->node[i] == x)
			o->stale[i] = 1;
		for (int k = 0; k < o->node[i]->nin; k++)
			if (o->stale[o->place[o->node[i]->in[k]->id]])
				o->stale[i] = 1;
	}
}

static inline void oracle_run(oracle *o)
{
	for (int i = 0; i < o->n; i++) {
		gm_node *y = o->node[i];
		const double *in[64];
		if (!o->stale[i])
			continue;
		o->stale[i] = 0;
		for (int k = 0; k < y->nin; k++)
			in[k] = oracle_value(o, y->in[k]);
		if (gm_is_storage(y))
			gm_get_f64(y, o->value[i], gm_shape_size(y->shape));
		else if (y->op->eval)
			y->op->eval(y, &(gm_eval){in, o->value[i], o->seed, o->run});
		else /* after, by_mode in training */
			memcpy(o->value[i], in[0],
			       (size_t)gm_shape_size(y->shape) * sizeof(double));
	}
}

static inline double largest(const double *v, int64_t n)
{
	double m = 0;
	for (int64_t i = 0; i < n; i++)
		m = fmax(m, fabs(v[i]));
	return m;
}

static inline int64_t terms_of(const gm_node *y)
{
	return y->op->terms ? y->op->terms(y) : 1;
}

static inline double ulps_of(const gm_node *y)
{
	return y->op->ulps ? y->op->ulps : 2;
}

/* How far a float computation of the expressions in o may be from them, relative to their values.
 * One rounding to float is u = 2^-24 relative. The errors of many roundings are nearly independent
 * and add up in squares (Higham & Mary, "A new approach to probabilistic rounding error analysis",
 * SIAM J. Sci. Comput. 2019): an op that adds n terms errs by about sqrt(n) u of their magnitude, a
 * function by its ulps, and over all ops of the expressions by u sqrt(sum ulps^2 + n). */
static inline double float_units(const oracle *o)
{
	double squares = 0;
	for (int i = 0; i < o->n; i++) {
		const gm_node *y = o->node[i];
		if (!(y->op->flags & (GM_OP_LEAF | GM_OP_VIEW)))
			squares += ulps_of(y) * ulps_of(y) + (double)terms_of(y);
	}
	return 0x1p-24 * sqrt(squares);
}

/* The largest value of the expressions: float_units times this bounds what cancels on the way to a
 * smaller result. */
static inline double largest_of_all(const oracle *o)
{
	double scale = 0;
	for (int i = 0; i < o->n; i++)
		scale = fmax(scale, largest(o->value[i], gm_shape_size(o->node[i]->shape)));
	return scale;
}

#endif
