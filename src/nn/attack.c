/* SPDX-License-Identifier: MIT
 *
 * nn/attack.c -- adversarial examples: inputs that a small change makes a net err on.
 */
#include "nn/net.h"

#include <math.h>

/* All axes but the first, the batch. */
static unsigned within(gm_node *x)
{
	return ((1u << gm_node_shape(x).rank) - 1) & ~1u;
}

static gm_node *length(gm_node *x)
{
	return gm_sqrt(gm_sum(gm_square(x), within(x), true));
}

/* g/|g| of each example; 0 where g is 0 */
static gm_node *direction(gm_node *g)
{
	gm_graph *graph = gm_node_graph(g);
	return gm_div(g, gm_max(length(g), gm_scalar(graph, 1e-12)));
}

/* d, shortened to `reach` where it is longer */
static gm_node *within_ball(gm_node *d, double reach)
{
	gm_graph *graph = gm_node_graph(d);
	gm_node *longer = gm_max(length(d), gm_scalar(graph, reach > 0 ? reach : 1e-12));
	return gm_mul(d, gm_div(gm_scalar(graph, reach), longer));
}

gm_node *gm_attack_(gm_node *loss, gm_node *x, gm_attack_args a)
{
	gm_node *clean = a.clean ? a.clean : x, *still, *g;
	const double low = a.low == a.high ? -1 : a.low, high = a.low == a.high ? 1 : a.high;
	gm_clone(&loss, 1, &(gm_clone_options){.infer = true}, &still);
	gm_grad(still, &x, 1, &g);
	gm_node *step =
		gm_mul_c(a.euclidean ? direction(g) : gm_sign(g), a.step ? a.step : a.reach);
	gm_node *change = gm_sub(gm_add(x, step), clean);
	change = a.euclidean ? within_ball(change, a.reach)
	                     : gm_clamp(change, -fabs(a.reach), fabs(a.reach));
	return gm_stop_gradient(gm_clamp(gm_add(clean, change), low, high));
}
