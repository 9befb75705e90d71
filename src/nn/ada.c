/* SPDX-License-Identifier: MIT
 *
 * nn/ada.c -- the transformations of adaptive augmentation: Karras, Aittala, Hellsten, Laine,
 * Lehtinen & Aila 2020, arXiv:2006.06676, appendix B, of which pixel blitting, geometric and colour
 * transformations, which the paper found best (section 3.1). Order and ranges are those of
 * Algorithm 1.
 *
 * Differs: images are sampled bilinearly, without the paper's supersampling and lowpass filters, so
 * blitting is exact and other transformations blur a little.
 */
#include "nn/ada.h"

#include <math.h>

/* One number for each example, [m,1,1,1] */
static gm_shape each(const gm_node *x)
{
	return GM_SHAPE(gm_node_shape(x).dim[0], 1, 1, 1);
}

static gm_node *constant(const gm_node *x, double v)
{
	return gm_full(gm_node_graph(x), v, each(x));
}

/* uniform on [lo,hi) */
static gm_node *uniform(gm_node *x, double lo, double hi)
{
	return gm_add_c(gm_mul_c(gm_uniform(gm_node_graph(x), each(x)), hi - lo), lo);
}

static gm_node *normal(gm_node *x, double sigma)
{
	return gm_mul_c(gm_randn(gm_node_graph(x), each(x)), sigma);
}

/* 2^N(0, sigma^2) */
static gm_node *factor(gm_node *x, double sigma)
{
	return gm_exp(normal(x, sigma * log(2)));
}

/* v with probability p, else the number that changes nothing */
static gm_node *maybe(gm_node *x, gm_node *p, gm_node *v, double neutral)
{
	return gm_select(gm_less(uniform(x, 0, 1), p), v, constant(x, neutral));
}

/* ---- positions ------------------------------------------------------------------------------- */

/* Where a pixel of the result is taken from: row = a r + b c + e, column = d r + f c + g, all
 * [m,1,1,1], with r and c measured from the centre of the image. */
typedef struct map {
	gm_node *a, *b, *e, *d, *f, *g;
} map;

/* m after the map of columns (p q; s t) and shift (u, v): the transformation that is applied to
 * the image after those in m. */
static map then(map m, gm_node *p, gm_node *q, gm_node *s, gm_node *t)
{
	return (map){gm_add(gm_mul(m.a, p), gm_mul(m.b, s)),
	             gm_add(gm_mul(m.a, q), gm_mul(m.b, t)),
	             m.e,
	             gm_add(gm_mul(m.d, p), gm_mul(m.f, s)),
	             gm_add(gm_mul(m.d, q), gm_mul(m.f, t)),
	             m.g};
}

static map shifted(map m, gm_node *down, gm_node *right)
{
	m.e = gm_sub(gm_sub(m.e, gm_mul(m.a, down)), gm_mul(m.b, right));
	m.g = gm_sub(gm_sub(m.g, gm_mul(m.d, down)), gm_mul(m.f, right));
	return m;
}

static map turned(map m, gm_node *cosine, gm_node *sine)
{
	return then(m, cosine, sine, gm_neg(sine), cosine);
}

static map rotated(gm_node *x, map m, gm_node *p)
{
	gm_node *angle = maybe(x, p, uniform(x, -M_PI, M_PI), 0);
	return turned(m, gm_cos(angle), gm_sin(angle));
}

static gm_node *is(gm_node *k, double value)
{
	return gm_equal(k, constant(k, value));
}

/* Flips of left and right, turns by multiples of a right angle, shifts by whole pixels, up to an
 * eighth of the sides. */
static map blitting(gm_node *x, map m, gm_node *p)
{
	const gm_shape s = gm_node_shape(x);
	gm_node *none = constant(x, 0), *one = constant(x, 1);
	gm_node *flip = maybe(x, p, gm_floor(uniform(x, 0, 2)), 0);
	m = then(m, one, none, none, gm_add_c(gm_mul_c(flip, -2), 1));
	gm_node *k = maybe(x, p, gm_floor(uniform(x, 0, 4)), 0);
	m = turned(m, gm_sub(is(k, 0), is(k, 2)), gm_sub(is(k, 1), is(k, 3)));
	gm_node *on = gm_less(uniform(x, 0, 1), p);
	gm_node *down = gm_floor(gm_add_c(uniform(x, -s.dim[2] / 8., s.dim[2] / 8.), .5)),
		*right = gm_floor(gm_add_c(uniform(x, -s.dim[3] / 8., s.dim[3] / 8.), .5));
	return shifted(m, gm_mul(down, on), gm_mul(right, on));
}

/* Scale, rotation, scale along one axis against the other, rotation, shift. Both rotations have
 * the probability 1 - sqrt(1 - p), so that one of them takes place with p. */
static map warping(gm_node *x, map m, gm_node *p)
{
	const gm_shape s = gm_node_shape(x);
	gm_node *none = constant(x, 0);
	gm_node *half = gm_add_c(gm_neg(gm_sqrt(gm_relu(gm_add_c(gm_neg(p), 1)))), 1);
	gm_node *size = gm_reciprocal(maybe(x, p, factor(x, .2), 1));
	m = rotated(x, then(m, size, none, none, size), half);
	gm_node *wide = maybe(x, p, factor(x, .2), 1);
	m = rotated(x, then(m, wide, none, none, gm_reciprocal(wide)), half);
	gm_node *on = gm_less(uniform(x, 0, 1), p);
	return shifted(m, gm_mul(normal(x, s.dim[2] * .125), on),
	               gm_mul(normal(x, s.dim[3] * .125), on));
}

/* i mod n, for real whole numbers */
static gm_node *modulo(gm_node *i, double n)
{
	return gm_sub(i, gm_mul_c(gm_floor(gm_mul_c(i, 1 / n)), n));
}

/* A row or column beyond the edges, mirrored at them. */
static gm_node *mirrored(gm_node *i, int64_t n)
{
	const double period = n > 1 ? 2. * (double)(n - 1) : 1;
	i = modulo(i, period);
	return gm_clamp(gm_min(i, gm_add_c(gm_neg(i), period)), 0, (double)(n - 1));
}

static gm_node *places(const gm_node *like, int64_t n, gm_shape shape)
{
	gm_node *i = gm_cast(gm_iota(gm_node_graph(like), n), gm_node_dtype(like));
	return gm_reshape(i, shape);
}

/* x at these rows and columns [m,1,H,W], bilinear. Rows of a table of pixels [m H W, C] are
 * gathered, so gradients of any order pass. */
static gm_node *sampled(gm_node *x, gm_node *row, gm_node *column)
{
	const gm_shape s = gm_node_shape(x);
	const int64_t m = s.dim[0], h = s.dim[2], w = s.dim[3];
	gm_node *table =
		gm_reshape(gm_permute(x, (const int[]){0, 2, 3, 1}), GM_SHAPE(m * h * w, -1));
	gm_node *top = gm_floor(row), *left = gm_floor(column), *sum = NULL;
	/* the number of the example's first row */
	gm_node *example = gm_mul_c(places(x, m, GM_SHAPE(m, 1, 1, 1)), (double)h);
	for (int k = 0; k < 4; k++) {
		gm_node *r = gm_add_c(top, k / 2), *c = gm_add_c(left, k % 2);
		gm_node *share = gm_mul(gm_add_c(gm_neg(gm_abs(gm_sub(row, r))), 1),
		                        gm_add_c(gm_neg(gm_abs(gm_sub(column, c))), 1));
		gm_node *at = gm_add(gm_mul_c(gm_add(mirrored(r, h), example), (double)w),
		                     mirrored(c, w));
		gm_node *pixel =
			gm_gather(table, gm_cast(gm_reshape(at, GM_SHAPE(m, h, w)), GM_I32));
		pixel = gm_mul(pixel, gm_reshape(share, GM_SHAPE(m, h, w, 1)));
		sum = sum ? gm_add(sum, pixel) : pixel;
	}
	return gm_permute(sum, (const int[]){0, 3, 1, 2});
}

gm_node *gm_ada_moved(gm_node *x, gm_node *p, bool blit, bool geometry)
{
	const gm_shape s = gm_node_shape(x);
	const int64_t h = s.dim[2], w = s.dim[3];
	gm_node *none = constant(x, 0), *one = constant(x, 1);
	map m = {one, none, none, none, one, none};
	m = blit ? blitting(x, m, p) : m;
	m = geometry ? warping(x, m, p) : m;
	gm_node *r = gm_add_c(places(x, h, GM_SHAPE(1, 1, h, 1)), -(double)(h - 1) / 2),
		*c = gm_add_c(places(x, w, GM_SHAPE(1, 1, 1, w)), -(double)(w - 1) / 2);
	gm_node *row = gm_add(gm_add(gm_mul(m.a, r), gm_mul(m.b, c)), m.e),
		*column = gm_add(gm_add(gm_mul(m.d, r), gm_mul(m.f, c)), m.g);
	return sampled(x, gm_add_c(row, (double)(h - 1) / 2),
	               gm_add_c(column, (double)(w - 1) / 2));
}

/* ---- colours --------------------------------------------------------------------------------- */

/* Channels 1, 2, 0 (by = 1) or 2, 0, 1 (by = 2) in the place of 0, 1, 2. */
static gm_node *cycled(gm_node *x, int by)
{
	return GM_CONCAT(1, gm_narrow(x, 1, by, 3 - by), gm_narrow(x, 1, 0, by));
}

gm_node *gm_ada_color(gm_node *x, gm_node *p)
{
	x = gm_add(x, maybe(x, p, normal(x, .2), 0));
	x = gm_mul(x, maybe(x, p, factor(x, .5), 1));
	gm_node *flip = maybe(x, p, gm_floor(uniform(x, 0, 2)), 0);
	gm_node *luma = gm_mean(x, GM_AXES(1), true);
	x = gm_sub(x, gm_mul_c(gm_mul(luma, flip), 2));
	if (gm_node_shape(x).dim[1] != 3)
		return x;
	/* hue: a rotation of colours about the axis of greys (Rodrigues' formula) */
	gm_node *angle = uniform(x, -M_PI, M_PI), *on = gm_less(uniform(x, 0, 1), p);
	gm_node *cross = gm_mul_c(gm_sub(cycled(x, 2), cycled(x, 1)), sqrt(1. / 3));
	luma = gm_mean(x, GM_AXES(1), true);
	gm_node *y = gm_add(gm_mul(gm_sub(x, luma), gm_cos(angle)), gm_mul(cross, gm_sin(angle)));
	x = gm_select(on, gm_add(y, luma), x);
	/* saturation; rotation has not changed the mean of channels */
	on = gm_less(uniform(x, 0, 1), p);
	return gm_select(on, gm_add(gm_mul(gm_sub(x, luma), factor(x, 1)), luma), x);
}
