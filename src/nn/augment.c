/* SPDX-License-Identifier: MIT
 *
 * nn/augment.c -- differentiable augmentation of what a discriminator sees: Zhao, Liu, Lin, Zhu &
 * Han 2020, arXiv:2006.10738, section 3.3, with the ranges of the authors' code. Adaptive
 * augmentation: nn/ada.c.
 */
#include "nn/ada.h"

#include <stdlib.h>
#include <string.h>

/* uniform on [lo,hi), one number for each example, [m,1,1,1] */
static gm_node *each(gm_node *x, double lo, double hi)
{
	gm_node *u = gm_uniform(gm_node_graph(x), GM_SHAPE(gm_node_shape(x).dim[0], 1, 1, 1));
	return gm_add_c(gm_mul_c(u, hi - lo), lo);
}

/* uniform on the integers lo .. hi, [m,1,1,1] */
static gm_node *whole(gm_node *x, int64_t lo, int64_t hi)
{
	return gm_clamp(gm_floor(each(x, (double)lo, (double)hi + 1)), (double)lo, (double)hi);
}

/* (x - mean) times + mean */
static gm_node *away(gm_node *x, gm_node *mean, gm_node *times)
{
	return gm_add(gm_mul(gm_sub(x, mean), times), mean);
}

/* Brightness plus U(-.5,.5); saturation times U(0,2), away from the mean of channels; contrast
 * times U(.5,1.5), away from the mean of the image. */
static gm_node *colour(gm_node *x, gm_node *p)
{
	(void)p;
	x = gm_add(x, each(x, -.5, .5));
	x = away(x, gm_mean(x, GM_AXES(1), true), each(x, 0, 2));
	return away(x, gm_mean(x, GM_AXES(1, 2, 3), true), each(x, .5, 1.5));
}

/* 0, 1, .. n-1 along the axis */
static gm_node *places(const gm_node *like, int64_t n, gm_shape shape)
{
	gm_graph *g = gm_node_graph(like);
	const gm_dtype type = gm_node_dtype(like);
	return gm_reshape(gm_cast(gm_iota(g, n), type), shape);
}

/* Moves rows of the last axis by `by` [m,1,1,1]; zeros come in. It is a product with a matrix of
 * zeros and ones for each example, so that gradients of any order pass. */
static gm_node *moved(gm_node *x, gm_node *by)
{
	const gm_shape s = gm_node_shape(x);
	const int64_t n = s.dim[3];
	gm_node *from = places(x, n, GM_SHAPE(1, n, 1)), *to = places(x, n, GM_SHAPE(1, 1, n));
	gm_node *matrix = gm_equal(gm_add(from, gm_reshape(by, GM_SHAPE(-1, 1, 1))), to);
	x = gm_matmul(gm_reshape(x, GM_SHAPE(s.dim[0], -1, n)), matrix, false, false);
	return gm_reshape(x, s);
}

static gm_node *turned(gm_node *x)
{
	return gm_permute(x, (const int[]){0, 1, 3, 2});
}

/* By up to an eighth of each side, rounded, in both directions. */
static gm_node *translation(gm_node *x, gm_node *p)
{
	(void)p;
	const gm_shape s = gm_node_shape(x);
	const int64_t high = (s.dim[2] + 4) / 8, wide = (s.dim[3] + 4) / 8;
	x = moved(x, whole(x, -wide, wide));
	return turned(moved(turned(x), whole(x, -high, high)));
}

/* 1 within `side` places around a random centre, along an axis of n places */
static gm_node *band(gm_node *x, int64_t n, gm_shape shape)
{
	const int64_t side = (n + 1) / 2;
	gm_node *from = gm_add_c(whole(x, 0, n - side % 2), -(double)(side / 2));
	gm_node *at = gm_sub(places(x, n, shape), from);
	return gm_mul(gm_less(gm_scalar(gm_node_graph(x), -.5), at),
	              gm_less(at, gm_scalar(gm_node_graph(x), (double)side - .5)));
}

/* Zeros in a rectangle of half the sides, part of which may lie outside of the image. */
static gm_node *cutout(gm_node *x, gm_node *p)
{
	(void)p;
	const gm_shape s = gm_node_shape(x);
	gm_node *hole = gm_mul(band(x, s.dim[2], GM_SHAPE(1, 1, s.dim[2], 1)),
	                       band(x, s.dim[3], GM_SHAPE(1, 1, 1, s.dim[3])));
	return gm_mul(x, gm_add_c(gm_neg(hole), 1));
}

static gm_node *every(gm_node *x, gm_node *p)
{
	return cutout(translation(colour(x, p), p), p);
}

static gm_node *adaptive(gm_node *x, gm_node *p)
{
	return gm_ada_color(gm_ada_moved(x, p, true, true), p);
}

static gm_node *blitted(gm_node *x, gm_node *p)
{
	return gm_ada_moved(x, p, true, false);
}

static gm_node *warped(gm_node *x, gm_node *p)
{
	return gm_ada_moved(x, p, false, true);
}

/* adapts: uses p */
static const struct {
	const char *name;
	gm_node *(*apply)(gm_node *x, gm_node *p);
	bool adapts;
} rows[] = {{"none", NULL},
            {"diff", every},
            {"color", colour},
            {"translation", translation},
            {"cutout", cutout},
            {"ada", adaptive, true},
            {"ada-blit", blitted, true},
            {"ada-geometry", warped, true},
            {"ada-color", gm_ada_color, true},
            {NULL, NULL}};

const char *gm_augmentation_name(int i)
{
	return rows[i].name;
}

bool gm_augmentation_adapts(unsigned which)
{
	for (int i = 0; rows[i].name; i++)
		if (which & 1u << i && rows[i].adapts)
			return true;
	return false;
}

gm_node *gm_augmented(gm_node *x, unsigned which, gm_node *p)
{
	gm_node *y = x;
	gm_scope_push(gm_node_graph(x), "augment");
	p = p ? p : gm_scalar(gm_node_graph(x), 1);
	for (int i = 0; rows[i].name; i++)
		if (which & 1u << i && rows[i].apply)
			y = rows[i].apply(y, p);
	y = y == x ? x : gm_by_mode(y, x);
	gm_scope_pop(gm_node_graph(x));
	return y;
}
