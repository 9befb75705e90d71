/* SPDX-License-Identifier: MIT
 *
 * graphs.h -- graphs with fixed values, for tests of expressions. Include after cmocka.h.
 */
#ifndef GM_TESTS_GRAPHS_H
#define GM_TESTS_GRAPHS_H

#include <math.h>
#include <stdlib.h>

#include "ganymede/graph.h"

static inline gm_graph *graph(gm_dtype real)
{
	gm_graph *g = gm_graph_new(&(gm_graph_options){.real = real, .seed = 7});
	assert_non_null(g);
	return g;
}

static inline void finish(gm_graph *g)
{
	if (gm_graph_error(g)->code)
		fail_msg("%s", gm_graph_error(g)->message);
	gm_graph_free(g);
}

static inline gm_step *compiled(gm_graph *g, gm_step *s)
{
	if (!s)
		fail_msg("%s", gm_graph_error(g)->message);
	return s;
}

/* A fixed irregular sequence in about [-1, 1]. */
static inline void waves(double *v, int n, double phase)
{
	for (int i = 0; i < n; i++)
		v[i] = sin(phase + 1.7 * i + .3 * sin(4.1 * i));
}

static inline gm_node *input_of(gm_graph *g, const char *name, gm_shape s, double phase)
{
	gm_node *x = gm_input(g, name, s, GM_F64);
	int n = (int)gm_node_size(x);
	double *v = malloc(n * sizeof *v);
	waves(v, n, phase);
	assert_true(gm_set_f64(x, v, n));
	free(v);
	return x;
}

static inline void near(double got, double want, double tolerance)
{
	if (!(fabs(got - want) <= tolerance * fmax(1, fabs(want))))
		fail_msg("got %.12g, want %.12g", got, want);
}

#endif
