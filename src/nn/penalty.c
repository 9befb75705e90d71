/* SPDX-License-Identifier: MIT
 *
 * nn/penalty.c -- regularisers of discriminators, one row each; mostly gradient penalties, built
 * with gm_grad. x = real, x~ = fake examples.
 */
#include "nn/net.h"

#include <stdlib.h>
#include <string.h>

gm_node *gm_interpolate(gm_node *a, gm_node *b)
{
	gm_shape s = gm_node_shape(a), each = {.rank = s.rank, .dim = {s.dim[0], 1, 1, 1, 1, 1}};
	return gm_add(b, gm_mul(gm_uniform(gm_node_graph(a), each), gm_sub(a, b)));
}

/* [N]: the squared norm of each example's gradient */
static gm_node *square_slopes(gm_node *y, gm_node *x)
{
	gm_node *dx;
	gm_grad(y, &x, 1, &dx);
	unsigned rest = ((1u << gm_node_shape(x).rank) - 1) & ~1u; /* every axis but 0 */
	return gm_sum(gm_square(dx), rest, false);
}

/* The square root has no derivative at 0, the gradient norm of a constant critic: the small
 * constant keeps it finite. */
static gm_node *root(gm_node *square)
{
	return gm_sqrt(gm_add_c(square, 1e-12));
}

gm_node *gm_gradient_penalty(gm_node *y, gm_node *x, double centre)
{
	gm_scope_push(gm_node_graph(x), "gradient penalty");
	gm_node *each = centre != 0 ? gm_square(gm_add_c(root(square_slopes(y, x)), -centre))
	                            : square_slopes(y, x);
	gm_node *penalty = gm_mean_all(each);
	gm_scope_pop(gm_node_graph(x));
	return penalty;
}

/* Real and generated examples with different conditions, such as codes, are points of a joint
 * space: the gradient is with respect to both, and both are interpolated. */
static bool joint(const gm_game *m)
{
	return m->real.with != m->fake.with && m->real.with && gm_node_is_value(m->real.with);
}

/* [N]: the squared norm of D's gradient at each row of s */
static gm_node *square_slopes_of(const gm_game *m, gm_shown s)
{
	gm_node *y = gm_game_discriminate(m, s), *each = square_slopes(y, s.x);
	return joint(m) ? gm_add(each, square_slopes(y, s.with)) : each;
}

/* E(|grad D| - centre)^2 */
static gm_node *slope_penalty(const gm_game *m, gm_shown s, double centre)
{
	if (!joint(m))
		return gm_gradient_penalty(gm_game_discriminate(m, s), s.x, centre);
	gm_node *square = square_slopes_of(m, s);
	return gm_mean_all(centre != 0 ? gm_square(gm_add_c(root(square), -centre)) : square);
}

/* e a + (1-e) b, e [N,1,..] of any rank */
static gm_node *between(gm_node *e, gm_node *a, gm_node *b)
{
	gm_shape s = gm_node_shape(a);
	return gm_add(b, gm_mul(gm_reshape(e, (gm_shape){.rank = s.rank,
	                                                 .dim = {s.dim[0], 1, 1, 1, 1, 1}}),
	                        gm_sub(a, b)));
}

/* x^ between x and x~ */
static gm_shown mixed(const gm_game *m)
{
	if (!joint(m))
		return (gm_shown){gm_interpolate(m->real.x, m->fake.x), m->real.with};
	gm_node *e =
		gm_uniform(gm_node_graph(m->real.x), GM_SHAPE(gm_node_shape(m->real.x).dim[0]));
	return (gm_shown){between(e, m->real.x, m->fake.x), between(e, m->real.with, m->fake.with)};
}

static double slope_of(const gm_game *m)
{
	return m->slope > 0 ? m->slope : 1;
}

/* E(|grad D(x^)| - t)^2 / t^2, x^ between x and x~; t = 1 in Gulrajani et al. 2017, another one in
 * Karras et al. 2018 */
static gm_node *wgan_gp(const gm_game *m)
{
	const double t = slope_of(m);
	return gm_mul_c(slope_penalty(m, mixed(m), t), 1 / (t * t));
}

/* E max(0, |grad D(x^)| - t)^2 / t^2 */
static gm_node *one_sided(const gm_game *m)
{
	const double t = slope_of(m);
	gm_node *over = gm_relu(gm_add_c(root(square_slopes_of(m, mixed(m))), -t));
	return gm_mul_c(gm_mean_all(gm_square(over)), 1 / (t * t));
}

/* 1/2 E |grad D(x)|^2 */
static gm_node *r1(const gm_game *m)
{
	return gm_mul_c(slope_penalty(m, m->real, 0), .5);
}

/* 1/2 E |grad D(x~)|^2 */
static gm_node *r2(const gm_game *m)
{
	return gm_mul_c(slope_penalty(m, m->fake, 0), .5);
}

/* E(|grad D(x + d)| - 1)^2, d uniform on [0, 1/2 std(x)): as in the authors' code */
static gm_node *dragan(const gm_game *m)
{
	gm_node *real = m->real.x, *u = gm_uniform(gm_node_graph(real), gm_node_shape(real));
	gm_node *mean, *var;
	gm_net_moments(real, GM_ALL, false, true, &mean, &var);
	gm_node *std = gm_sqrt(var);
	gm_node *x = gm_add(real, gm_mul(u, gm_mul_c(std, .5)));
	return slope_penalty(m, (gm_shown){x, m->real.with}, 1);
}

/* The squared norm of d loss / d parameters */
static gm_node *speed(gm_net *n, gm_node *loss)
{
	gm_node **p = calloc(2 * n->count + 1, sizeof *p), **d = p ? p + n->count : NULL;
	if (!p)
		gm_no_memory(0);
	int params = gm_net_params(n, NULL, p, n->count);
	gm_grad(loss, p, params, d);
	gm_node *sum = gm_scalar(n->graph, 0);
	for (int i = 0; i < params; i++)
		sum = gm_add(sum, gm_sum_all(gm_square(gm_rank_mean(d[i]))));
	free(p);
	return sum;
}

/* 1/2 |v|^2, v the joint gradient field of both players; minimised by both */
static gm_node *consensus(const gm_game *m)
{
	return gm_mul_c(gm_add(speed(m->D, m->loss_d), speed(m->G, m->loss_g)), .5);
}

/* |P o mask(I)|^2 of the product P of W = w as (out, rest) with itself: W W', or if `smaller` W'W
 * where that is smaller; deviations from I, or only entries off the diagonal */
static gm_node *product_error(gm_net *n, gm_node *w, bool smaller, bool diagonal)
{
	const gm_shape s = gm_node_shape(w);
	const int64_t rows = s.dim[0], cols = gm_net_size(s) / rows;
	const bool outer = !smaller || rows < cols;
	w = gm_reshape(w, GM_SHAPE(rows, -1));
	gm_node *product = outer ? gm_matmul(w, w, false, true) : gm_matmul(w, w, true, false);
	gm_node *eye = gm_one_hot(gm_iota(n->graph, outer ? rows : cols), outer ? rows : cols);
	gm_node *error =
		diagonal ? gm_sub(product, eye) : gm_mul(product, gm_add_c(gm_neg(eye), 1));
	return gm_sum_all(gm_square(error));
}

gm_node *gm_orthogonality(gm_net *n, const char *except)
{
	gm_node *sum = gm_scalar(n->graph, 0);
	const size_t length = except ? strlen(except) : 0;
	for (int i = 0; i < n->count; i++) {
		const gm_entry *e = &n->entry[i];
		const bool left_out = except && !strncmp(e->key, except, length) &&
		                      (!e->key[length] || e->key[length] == '/');
		if (e->role == GM_PARAM && gm_node_shape(e->node).rank >= 2 && !left_out)
			sum = gm_add(sum, product_error(n, e->node, false, false));
	}
	return sum;
}

/* sum over weights of |W W' - I|^2, W as (out, rest); W'W where that is the smaller */
static gm_node *orthogonal(const gm_game *m)
{
	gm_net *n = m->D;
	gm_node *sum = gm_scalar(n->graph, 0);
	for (int i = 0; i < n->count; i++)
		if (n->entry[i].role == GM_PARAM && gm_node_shape(n->entry[i].node).rank >= 2)
			sum = gm_add(sum, product_error(n, n->entry[i].node, true, true));
	return sum;
}

const gm_penalty gm_penalties[] = {
	{.name = "none", .source = ""},
	{.name = "clip",
         .source = "Arjovsky et al. 2017, Algorithm 1, arXiv:1701.07875",
         .weight = .01,
         .clips = true},
	{.name = "wgan-gp",
         .source = "Gulrajani et al. 2017, Algorithm 1, arXiv:1704.00028",
         .weight = 10,
         .build = wgan_gp,
         .each = true,
         .between = true},
	{.name = "one-sided",
         .source = "Gulrajani et al. 2017, section 4; Petzka et al. 2018",
         .weight = 10,
         .build = one_sided,
         .each = true,
         .between = true},
	{.name = "r1",
         .source = "Mescheder et al. 2018, eq. 9, arXiv:1801.04406",
         .weight = 10,
         .build = r1,
         .each = true},
	{.name = "r2",
         .source = "Mescheder et al. 2018, eq. 10, arXiv:1801.04406",
         .weight = 10,
         .build = r2,
         .each = true},
	{.name = "dragan",
         .source = "Kodali et al. 2017, arXiv:1705.07215",
         .weight = 10,
         .build = dragan,
         .each = true},
	{.name = "consensus",
         .source = "Mescheder et al. 2017, eq. 10, arXiv:1705.10461",
         .weight = 1,
         .build = consensus,
         .both = true},
	{.name = "orthogonal",
         .source = "Brock et al. 2017, arXiv:1609.07093",
         .weight = 1e-4,
         .build = orthogonal},
	{0},
};

const char *gm_penalty_name(int i)
{
	return gm_penalties[i].name;
}

const gm_penalty *gm_penalty_find(const char *name)
{
	for (const gm_penalty *p = gm_penalties; p->name; p++)
		if (gm_row_is(p->name, name))
			return p;
	return NULL;
}
