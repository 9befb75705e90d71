/* SPDX-License-Identifier: MIT
 *
 * exchange.c -- the mean of a value over all ranks (all-reduce).
 *
 * It is linear and its own transpose. With L_r the loss of rank r and d x_s the gradient of sum_r
 * L_r by rank s's x: y_r = 1/N sum_s x_s gives d x_s = sum_r 1/N d y_r, the mean of dy over the
 * ranks. So gradients of any order go through it and stay right, and the mean over ranks of a
 * parameter's gradient is the gradient of the mean loss.
 */
#include <string.h>

#include "ops/common.h"

static bool infer_all_reduce(gm_node *y)
{
	y->shape = y->in[0]->shape;
	y->dtype = y->in[0]->dtype;
	return gm_want_real(y, 0, "x");
}

/* The definition knows one rank. */
static void eval_all_reduce(const gm_node *y, const gm_eval *e)
{
	memcpy(e->y, e->x[0], (size_t)gm_shape_size(y->shape) * sizeof *e->y);
}

static gm_node *reduced(gm_node *x, bool later)
{
	int attr = later;
	return gm_node_new(x->graph, GM_OPID_all_reduce, &x, 1, &attr, sizeof attr);
}

static void vjp_all_reduce(gm_node *y, gm_node *dy, gm_node *dx[])
{
	(void)y;
	dx[0] = gm_rank_mean(dy);
}

static gm_node *sample_all_reduce(gm_graph *g, int i)
{
	static const gm_shape shape[] = {{1, {37}}, {0}, {4, {2, 3, 4, 5}}};
	return i < 6 ? reduced(gm_sample_real(g, shape[i / 2], -2, 2), i % 2) : NULL;
}

const gm_op gm_op_all_reduce = {
	.name = "all_reduce",
	.math = "y = 1/N sum_r x of rank r",
	.infer = infer_all_reduce,
	.eval = eval_all_reduce,
	.vjp = vjp_all_reduce,
	.sample = sample_all_reduce,
	.ulps = 0.5,
};

static gm_node *mean_over_ranks(gm_node *x, bool later)
{
	/* What is the same everywhere is its own mean. */
	bool known = x->opid == GM_OPID_constant || x->opid == GM_OPID_all_reduce;
	return gm_graph_ranks(x->graph) > 1 && !known ? reduced(x, later) : x;
}

gm_node *gm_rank_mean(gm_node *x)
{
	return mean_over_ranks(x, false);
}

gm_node *gm_rank_mean_later(gm_node *x)
{
	return mean_over_ranks(x, true);
}
