/* SPDX-License-Identifier: MIT
 *
 * test_random_graph.c -- random well-typed expressions, value and gradients, compiled for the
 * default backend and for ref, against the scalar definitions in double.
 *
 * Graph number k is a pure function of k. When one fails its number is printed; GANYMEDE_SEED=k
 * runs it alone, and GANYMEDE_COUNT=n runs n graphs instead of the default.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "graph/plan.h"
#include "ops/pool.h"
#include "oracle.h"

enum {
	MAX_POOL = 96,
	MAX_LEAVES = 48,
	MAX_OUTPUTS = MAX_POOL + 2 * MAX_LEAVES,
	MAX_SIZE = 2500,
	DEFAULT_COUNT = 250
};

typedef struct builder {
	gm_graph *g;
	gm_rng r;
	gm_node *pool[MAX_POOL]; /* what later expressions may use */
	int n;
	gm_node *leaf[MAX_LEAVES]; /* real ones: differentiated by */
	int nleaf;
} builder;

static int below(builder *b, int n)
{
	return (int)gm_rng_below(&b->r, (uint32_t)n);
}

static bool chance(builder *b, int percent)
{
	return below(b, 100) < percent;
}

static gm_node *pick(builder *b)
{
	return b->pool[chance(b, 50) && b->n > 6 ? b->n - 1 - below(b, 5) : below(b, b->n)];
}

static gm_node *fresh(builder *b, gm_shape s)
{
	gm_node *x = gm_sample_real(b->g, s, -1, 1);
	return b->leaf[b->nleaf++] = x;
}

/* ---- expressions: each returns NULL where x does not suit ------------------------------------ */

/* Sizes below, at and above a vector's length, and such that blocked layouts need padding. */
static gm_shape random_shape(builder *b, int rank)
{
	static const int size[] = {1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 24, 33, 37};
	gm_shape s = {rank, {0}};
	int64_t n = 1;
	for (int a = 0; a < rank; a++) {
		do
			s.dim[a] = size[below(b, 13)];
		while (n * s.dim[a] > MAX_SIZE >> (rank - 1 - a));
		n *= s.dim[a];
	}
	return s;
}

static unsigned random_axes(builder *b, int rank)
{
	unsigned axes = (unsigned)below(b, 1 << rank);
	return axes ? axes : (1u << rank) - 1;
}

/* Kinks are kept off 0, where structure (padding, another relu) puts many values at once. */
static gm_node *off_zero(gm_node *x)
{
	return gm_add_c(x, .2371);
}

static gm_node *unary(builder *b, gm_node *x)
{
	switch (below(b, 20)) {
	case 0:
		return gm_neg(x);
	case 1:
		return gm_abs(off_zero(x));
	case 2:
		return gm_exp(gm_tanh(x));
	case 3:
		return gm_log(gm_add_c(gm_square(x), .5));
	case 4:
		return gm_sqrt(gm_add_c(gm_square(x), .5));
	case 5:
		return gm_rsqrt(gm_add_c(gm_square(x), .5));
	case 6:
		return gm_reciprocal(gm_add_c(gm_square(x), 1));
	case 7:
		return gm_sin(x);
	case 8:
		return gm_cos(x);
	case 9:
		return gm_tanh(x);
	case 10:
		return gm_sigmoid(x);
	case 11:
		return gm_softplus(x);
	case 12:
		return gm_erf(x);
	case 13:
		return gm_relu(off_zero(x));
	case 14:
		return gm_leaky_relu(off_zero(x), .2);
	case 15:
		return gm_mul(x, gm_sign(off_zero(x)));
	case 16:
		return gm_clamp(off_zero(x), -.5, .75);
	case 17:
		return gm_pow(gm_sigmoid(x), gm_scalar(b->g, 1.5));
	case 18:
		return gm_add(gm_stop_gradient(x), gm_mul_c(x, .5));
	}
	return gm_sub(gm_mul_c(x, 1.25), gm_scalar(b->g, .5));
}

/* Something that broadcasts against x: another expression if one fits, a mean of x, a row or a
 * picture's channels. */
static gm_node *partner(builder *b, gm_node *x)
{
	gm_shape s;
	for (int i = 0; i < 6; i++) {
		gm_node *y = pick(b);
		if (gm_shape_broadcast(x->shape, y->shape, &s) && gm_shape_size(s) <= MAX_SIZE)
			return y;
	}
	if (chance(b, 50) && x->shape.rank)
		return gm_mean(x, random_axes(b, x->shape.rank), true);
	s = x->shape;
	for (int a = 0; a < s.rank; a++)
		if (chance(b, 50))
			s.dim[a] = 1;
	return fresh(b, s);
}

static gm_node *binary(builder *b, gm_node *x)
{
	gm_node *y = partner(b, x);
	if (chance(b, 30)) {
		gm_node *t = x;
		x = y;
		y = t;
	}
	switch (below(b, 9)) {
	case 0:
		return gm_add(x, y);
	case 1:
		return gm_sub(x, y);
	case 2:
		return gm_tanh(gm_mul(x, y));
	case 3:
		return gm_div(x, gm_add_c(gm_square(y), 1));
	case 4:
		return gm_max(x, off_zero(y));
	case 5:
		return gm_min(off_zero(x), y);
	case 6:
		return gm_select(gm_less(off_zero(x), y), x, gm_sin(y));
	case 7:
		return gm_shape_size(y->shape) <= gm_shape_size(x->shape) &&
		                       x->shape.rank >= y->shape.rank
		               ? gm_sigmoid_xent(gm_add(x, gm_mul_c(y, .1)), gm_sigmoid(y))
		               : NULL;
	}
	return gm_mul(gm_sigmoid(x), y);
}

static gm_node *reduction(builder *b, gm_node *x)
{
	int r = x->shape.rank;
	if (!r)
		return NULL;
	unsigned axes = random_axes(b, r);
	bool keep = chance(b, 50);
	switch (below(b, 6)) {
	case 0: {
		gm_node *y = gm_sum(x, axes, keep);
		return gm_mul_c(
			y, sqrt((double)gm_shape_size(y->shape) / (double)gm_shape_size(x->shape)));
	}
	case 1:
		return gm_mean(x, axes, keep);
	case 2:
		return gm_reduce_max(x, axes, keep);
	case 3:
		return gm_logsumexp(x, axes, keep);
	case 4:
		return gm_variance(x, axes, keep);
	}
	/* batch, layer or instance normalisation, whichever the axes make it */
	gm_node *d = gm_sub(x, gm_mean(x, axes, true));
	gm_node *n = gm_mul(d, gm_rsqrt(gm_add_c(gm_variance(x, axes, true), .1)));
	gm_shape s = x->shape;
	for (int a = 0; a < r; a++)
		if (axes >> a & 1)
			s.dim[a] = 1;
	return gm_add(gm_mul(n, fresh(b, s)), fresh(b, s));
}

static gm_node *product(builder *b, gm_node *x)
{
	int r = x->shape.rank;
	if (r < 2)
		return NULL;
	bool ta = chance(b, 50), tb = chance(b, 50);
	int64_t k = x->shape.dim[r - (ta ? 2 : 1)], n = 1 + below(b, 20);
	gm_shape w = tb ? GM_SHAPE(n, k) : GM_SHAPE(k, n);
	if (r == 3 && chance(b, 40)) /* a matrix for each, or one matrix for all */
		w = tb ? GM_SHAPE(x->shape.dim[0], n, k) : GM_SHAPE(x->shape.dim[0], k, n);
	gm_node *y = gm_matmul(x, fresh(b, w), ta, tb);
	if (chance(b, 50))
		y = gm_add(y, fresh(b, GM_SHAPE(n)));
	y = gm_mul_c(y, 1 / sqrt((double)k));
	return chance(b, 50) ? gm_leaky_relu(off_zero(y), .1) : y;
}

static gm_node *convolution(builder *b, gm_node *x)
{
	if (x->shape.rank != 4)
		return NULL;
	int64_t c = x->shape.dim[1], h = x->shape.dim[2], w = x->shape.dim[3];
	int groups = chance(b, 30) && c % 2 == 0 ? 2
	             : chance(b, 20)             ? (int)c
	                                         : 1,
	    out = groups * (1 + below(b, 9));
	int kh = 1 + below(b, 4), kw = 1 + below(b, 4);
	gm_conv_options o = {.stride = {1 + below(b, 2), 1 + below(b, 2)}, .groups = groups};
	o.dilation[0] = 1 + chance(b, 15);
	o.dilation[1] = 1 + chance(b, 15);
	for (int i = 0; i < 4; i++)
		o.pad[i] = below(b, i % 2 ? kw : kh);
	gm_node *y;
	double fan;
	if (chance(b, 60)) {
		if (h + o.pad[0] + o.pad[2] < o.dilation[0] * (kh - 1) + 1 ||
		    w + o.pad[1] + o.pad[3] < o.dilation[1] * (kw - 1) + 1)
			return NULL;
		y = gm_conv2d(x, fresh(b, GM_SHAPE(out, c / groups, kh, kw)), o);
		fan = (double)(c / groups * kh * kw);
	} else { /* transposed: some size that convolves to x's */
		int64_t hh =
			(h - 1) * o.stride[0] + o.dilation[0] * (kh - 1) + 1 - o.pad[0] - o.pad[2];
		int64_t ww =
			(w - 1) * o.stride[1] + o.dilation[1] * (kw - 1) + 1 - o.pad[1] - o.pad[3];
		hh += below(b, o.stride[0]);
		ww += below(b, o.stride[1]);
		if (hh < 1 || ww < 1 || x->shape.dim[0] * out * hh * ww > 2 * MAX_SIZE)
			return NULL;
		y = gm_conv2d_dx(x, fresh(b, GM_SHAPE(c, out / groups, kh, kw)),
		                 GM_SHAPE(x->shape.dim[0], out, hh, ww), o);
		fan = (double)(c / groups * kh * kw) / (o.stride[0] * o.stride[1]);
	}
	y = gm_mul_c(y, 1 / sqrt(fan > 1 ? fan : 1));
	if (chance(b, 60))
		y = gm_add(y, fresh(b, GM_SHAPE(out, 1, 1)));
	return chance(b, 60) ? gm_relu(off_zero(y)) : y;
}

static gm_node *pooling(builder *b, gm_node *x)
{
	if (x->shape.rank < 3 || x->shape.rank > 4)
		return NULL;
	gm_pool_options o = {.count_pad = chance(b, 50)};
	for (int a = 0; a < 2; a++) {
		int64_t n = x->shape.dim[x->shape.rank - 2 + a];
		o.kernel[a] = 1 + below(b, n < 4 ? (int)n : 4);
		o.stride[a] = 1 + below(b, o.kernel[a]);
		o.pad[a] = below(b, (o.kernel[a] + 1) / 2);
		o.pad[a + 2] = below(b, (o.kernel[a] + 1) / 2);
	}
	return chance(b, 50) ? gm_max_pool(x, o) : gm_avg_pool(x, o);
}

static gm_node *shape(builder *b, gm_node *x)
{
	int r = x->shape.rank, a = r ? below(b, r) : 0;
	int64_t size = gm_shape_size(x->shape), start[GM_MAX_RANK] = {0}, step[GM_MAX_RANK];
	gm_shape s = x->shape;
	switch (r ? below(b, 11) : 0) {
	case 0: { /* any factors */
		gm_shape to = {1 + below(b, 4), {0}};
		for (int k = 0; k < to.rank - 1; k++) {
			to.dim[k] = size;
			for (int t = 0; t < 8 && size % (to.dim[k] = 1 + below(b, 8)); t++)
				to.dim[k] = 1;
			if (size % to.dim[k])
				to.dim[k] = 1;
			size /= to.dim[k];
		}
		to.dim[to.rank - 1] = -1;
		return gm_reshape(x, to);
	}
	case 1: {
		int order[GM_MAX_RANK];
		for (int k = 0; k < r; k++) {
			int j = below(b, k + 1);
			order[k] = order[j];
			order[j] = k;
		}
		return gm_permute(x, order);
	}
	case 2:
		for (int k = 0; k < r; k++) {
			start[k] = below(b, (int)s.dim[k]);
			step[k] = 1 + below(b, 2);
			s.dim[k] = 1 + (s.dim[k] - 1 - start[k]) / step[k];
		}
		return gm_slice(x, start, s.dim, step);
	case 3: {
		int64_t before[GM_MAX_RANK] = {0}, after[GM_MAX_RANK] = {0};
		before[a] = below(b, 3);
		after[a] = below(b, 3);
		return size <= MAX_SIZE / 2 ? gm_pad_zero(x, before, after) : NULL;
	}
	case 4:
		for (int k = 0; k < r; k++) {
			step[k] = 1 + below(b, 2);
			start[k] = below(b, 2);
			s.dim[k] = start[k] + (s.dim[k] - 1) * step[k] + 1 + below(b, 2);
		}
		return gm_shape_size(s) <= MAX_SIZE ? gm_embed(x, s, start, step) : NULL;
	case 5: {
		s.dim[a] = 1 + below(b, 5);
		gm_node *y = fresh(b, s);
		return size <= MAX_SIZE / 2 ? GM_CONCAT(a, x, y, gm_tanh(x)) : GM_CONCAT(a, y, x);
	}
	case 6:
		return r == 4 && s.dim[1] % 4 == 0 ? gm_pixel_shuffle(x, 2) : NULL;
	case 7:
		return r == 4 && s.dim[2] % 2 == 0 && s.dim[3] % 2 == 0 ? gm_pixel_unshuffle(x, 2)
		                                                        : NULL;
	case 8:
		if (r < 2 || size > MAX_SIZE / 4)
			return NULL;
		return chance(b, 50) ? gm_upsample_nearest(x, 2) : gm_upsample_bilinear(x, 2);
	case 9:
		if (r < 2 || size > MAX_SIZE / 2 || s.dim[r - 2] < 3 || s.dim[r - 1] < 3)
			return NULL;
		return gm_pad_reflect(x, below(b, 3), below(b, 3), below(b, 3), below(b, 3));
	}
	if (r > 3)
		return NULL;
	gm_shape wide = {r + 1, {1 + below(b, 4)}};
	memcpy(wide.dim + 1, s.dim, sizeof *s.dim * (size_t)r);
	return size <= MAX_SIZE / 4 ? gm_broadcast(x, wide) : NULL;
}

static gm_node *probability(builder *b, gm_node *x)
{
	int r = x->shape.rank;
	if (!r)
		return NULL;
	int64_t classes = x->shape.dim[r - 1];
	gm_shape rows = {r - 1, {0}};
	memcpy(rows.dim, x->shape.dim, sizeof *rows.dim * (size_t)(r - 1));
	switch (below(b, 4)) {
	case 0:
		return gm_softmax(x, below(b, r));
	case 1:
		return gm_log_softmax(x, below(b, r));
	case 2:
		return gm_softmax_xent(x, gm_sample_i32(b->g, rows, 0, (int)classes));
	}
	return gm_softmax_xent(x, gm_softmax(gm_sin(x), -1));
}

static gm_node *indexing(builder *b, gm_node *x)
{
	if (!x->shape.rank || x->shape.rank > 3)
		return NULL;
	int rows = (int)x->shape.dim[0];
	int64_t row = gm_shape_size(x->shape) / rows;
	switch (below(b, 4)) {
	case 0: {
		int n = 1 + below(b, 6);
		return n * row <= MAX_SIZE
		               ? gm_gather(x, gm_sample_i32(b->g, GM_SHAPE(n), -1, rows + 1))
		               : NULL;
	}
	case 1:
		return gm_scatter_add(gm_mul_c(x, .5),
		                      gm_sample_i32(b->g, GM_SHAPE(rows), 0, 1 + rows / 2),
		                      1 + rows / 2);
	case 2:
		return gm_add(gm_cast(gm_argmax(gm_mul_c(x, .01), -1), gm_graph_real(b->g)),
		              gm_mean(x, GM_AXES(-1), false));
	}
	return gm_matmul(gm_one_hot(gm_sample_i32(b->g, GM_SHAPE(5), 0, rows), rows),
	                 gm_reshape(x, GM_SHAPE(rows, row)), false, false);
}

static gm_node *noise(builder *b, gm_node *x)
{
	switch (below(b, 3)) {
	case 0:
		return gm_mul_c(gm_mul(x, gm_bernoulli(b->g, .75, x->shape)),
		                1 / .75); /* dropout */
	case 1:
		return gm_add(x, gm_mul_c(gm_randn(b->g, x->shape), .1));
	}
	return gm_mul(x, gm_uniform(b->g, x->shape));
}

static void build(builder *b, gm_graph *g, uint64_t number)
{
	static gm_node *(*const family[])(builder *, gm_node *) = {
		unary, unary,       unary,   binary,      binary,   reduction, product,    shape,
		shape, convolution, pooling, probability, indexing, noise,     convolution};
	*b = (builder){.g = g, .r = gm_rng_new(number, 77)};
	for (int i = 0; i < 3; i++)
		b->pool[b->n++] = fresh(b, random_shape(b, i ? 1 + below(b, 4) : 4));
	int want = 6 + below(b, 18);
	for (int tries = 0; tries < 200 && b->n < want && b->nleaf < MAX_LEAVES - 3; tries++) {
		gm_node *y = family[below(b, sizeof family / sizeof *family)](b, pick(b));
		if (y)
			b->pool[b->n++] = y;
	}
}

/* What is compared: the last expressions, a loss over all that nobody reads, its gradients, and
 * sometimes theirs. */
static int outputs(builder *b, uint64_t number, gm_node **out)
{
	gm_node *loss = gm_scalar(b->g, 0), *second = loss, *grad[MAX_LEAVES];
	int n = 0;
	for (int i = b->n > 8 ? b->n - 6 : b->n - 2; i < b->n; i++) {
		gm_node *y = b->pool[i], *r = gm_sample_real(b->g, y->shape, -1, 1);
		double norm = sqrt((double)gm_shape_size(y->shape)); /* keeps gradients about 1 */
		loss = gm_add(loss, gm_mul_c(gm_sum_all(gm_mul(y, r)), 1 / norm));
		if (number % 2)
			out[n++] = b->pool[i];
	}
	out[n++] = loss;
	gm_grad(loss, b->leaf, b->nleaf, grad);
	for (int k = 0; k < b->nleaf; k++)
		out[n++] = grad[k];
	if (number % 3)
		return n;
	for (int k = 0; k < b->nleaf; k++) /* a penalty on gradients, as WGAN-GP's and R1's */
		second = gm_add(second, gm_sum_all(gm_square(grad[k])));
	gm_grad(gm_mul_c(second, .5), b->leaf, b->nleaf, grad);
	for (int k = 0; k < b->nleaf; k++)
		out[n++] = grad[k];
	return n;
}

/* ---- is the comparison fair? ----------------------------------------------------------------- */

/* Whether at least two of n values at x are the largest but for rounding. */
static bool near_tie(double first, double x)
{
	return fabs(first - x) < 2e-5;
}

/* Where a branch hangs on a rounding error, float and double may take different sides and both be
 * right: such graphs are left out, and those with values so large that the tolerance would mean
 * nothing. */
static bool fair(const oracle *o)
{
	for (int i = 0; i < o->n; i++) {
		const gm_node *y = o->node[i];
		const double *v = o->value[i], *x = y->nin ? oracle_value(o, y->in[0]) : NULL;
		int64_t n = gm_shape_size(y->shape), stride[2][GM_MAX_RANK];
		if (largest(v, n) > 30 && y->dtype != GM_I32)
			return false;
		switch (y->opid) {
		case GM_OPID_abs:
		case GM_OPID_sign:
		case GM_OPID_relu:
		case GM_OPID_leaky_relu:
			for (int64_t e = 0; e < n; e++)
				if (near_tie(x[e], 0))
					return false;
			break;
		case GM_OPID_less:
		case GM_OPID_max:
		case GM_OPID_min: {
			const double *z = oracle_value(o, y->in[1]);
			for (int k = 0; k < 2; k++)
				gm_shape_strides_to(y->in[k]->shape, y->shape, stride[k]);
			for (int64_t e = 0; e < n; e++) {
				int64_t at[2] = {0}, rest = e;
				for (int a = y->shape.rank - 1; a >= 0; a--) {
					for (int k = 0; k < 2; k++)
						at[k] += rest % y->shape.dim[a] * stride[k][a];
					rest /= y->shape.dim[a];
				}
				if (near_tie(x[at[0]], z[at[1]]))
					return false;
			}
			break;
		}
		case GM_OPID_argmax:
		case GM_OPID_reduce_max: { /* count what comes near the maximum of its line */
			const gm_shape s = y->in[0]->shape;
			unsigned axes = ((const gm_reduce_attr *)y->attr)->axes;
			int64_t near = 0, own[GM_MAX_RANK] = {0}, at = 1;
			for (int a = s.rank - 1; a >= 0; a--)
				if (!(axes >> a & 1)) {
					own[a] = at;
					at *= s.dim[a];
				}
			double *m = malloc((size_t)n * sizeof *m);
			for (int64_t e = 0; e < n; e++)
				m[e] = -INFINITY;
			for (int pass = 0; pass < 2; pass++)
				for (int64_t e = 0; e < gm_shape_size(s); e++) {
					int64_t to = 0, rest = e;
					for (int a = s.rank - 1; a >= 0; a--) {
						to += rest % s.dim[a] * own[a];
						rest /= s.dim[a];
					}
					if (pass)
						near += near_tie(m[to], x[e]);
					else
						m[to] = fmax(m[to], x[e]);
				}
			free(m);
			if (near > n)
				return false;
			break;
		}
		case GM_OPID_max_pool: {
			const gm_pool_attr *a = y->attr;
			int64_t rows = gm_pool_windows(a, 0), cols = gm_pool_windows(a, 1);
			for (int64_t w = 0; w < n; w++) {
				int64_t top, bottom, left, right, near = 0;
				gm_pool_window(a, 0, w / cols % rows, &top, &bottom);
				gm_pool_window(a, 1, w % cols, &left, &right);
				for (int64_t h = top; h < bottom; h++)
					for (int64_t c = left; c < right; c++)
						near += near_tie(v[w],
						                 x[(w / (rows * cols) * a->size[0] +
						                    h) * a->size[1] +
						                   c]);
				if (near > 1)
					return false;
			}
			break;
		}
		}
	}
	return true;
}

/* ---- the comparison -------------------------------------------------------------------------- */

/* worst[k] becomes the largest error of output k, which must be within bound[k]. */
static void compare(uint64_t number, const char *backend, gm_node *const *exact, int n,
                    const oracle *o, const double *bound, double *worst)
{
	gm_node *y[MAX_OUTPUTS];
	builder b;
	gm_graph *g = gm_graph_new(&(gm_graph_options){.backend = backend, .seed = 3});
	build(&b, g, number);
	assert_int_equal(outputs(&b, number, y), n);
	gm_step *s = gm_compile_nodes(g, y, n, NULL);
	if (!s)
		fail_msg("GANYMEDE_SEED=%d on %s: %s", (int)number, backend,
		         gm_graph_error(g)->message);
	gm_step_run(s);
	for (int k = 0; k < n; k++) {
		int64_t size = gm_shape_size(y[k]->shape);
		const double *want = oracle_value(o, exact[k]);
		double *got = malloc((size_t)size * sizeof *got);
		assert_true(gm_step_read_f64(s, y[k], got, size));
		worst[k] = 0;
		for (int64_t e = 0; e < size; e++) {
			worst[k] = fmax(worst[k], fabs(got[e] - want[e]));
			if (!(fabs(got[e] - want[e]) <= bound[k]))
				fail_msg("GANYMEDE_SEED=%d on %s: output %d of %d, %s %s, element "
				         "%lld: %.9g, "
				         "must be %.9g within %.3g",
				         (int)number, backend, k, n, y[k]->op->name,
				         gm_shape_text(y[k]->shape), (long long)e, got[e], want[e],
				         bound[k]);
		}
		free(got);
	}
	/* Again, at the same place in the random numbers: the same to the bit. */
	int64_t size = gm_shape_size(y[n - 1]->shape);
	float *first = malloc((size_t)size * sizeof *first),
	      *again = malloc((size_t)size * sizeof *again);
	assert_true(gm_step_read(s, y[n - 1], first, size));
	gm_graph_seed(g, 3, 0);
	gm_step_run(s);
	assert_true(gm_step_read(s, y[n - 1], again, size));
	if (memcmp(first, again, (size_t)size * sizeof *first))
		fail_msg("GANYMEDE_SEED=%d on %s: a second run gives other numbers", (int)number,
		         backend);
	free(first);
	free(again);
	gm_graph_free(g);
}

/* False when the comparison would not be fair. */
static bool try_graph(uint64_t number)
{
	gm_node *y[MAX_OUTPUTS];
	builder b;
	gm_graph *g =
		gm_graph_new(&(gm_graph_options){.real = GM_F64, .backend = "ref", .seed = 3});
	build(&b, g, number);
	int n = outputs(&b, number, y);
	if (gm_graph_error(g)->code)
		fail_msg("GANYMEDE_SEED=%d: %s", (int)number, gm_graph_error(g)->message);
	oracle o = oracle_new(y, n);
	o.seed = 3;
	oracle_run(&o);
	bool ok = fair(&o);
	if (ok) {
		/* How much of an output cancels away nobody knows beforehand: ref, which rounds
		 * every op to float, is held to the largest value of the graph, and then shows how
		 * ill-conditioned each output is. Both factors are for luck: ref may hit a small
		 * output well by chance. */
		double bound[MAX_OUTPUTS] = {0}, worst[MAX_OUTPUTS] = {0};
		double units = float_units(&o), scale = largest_of_all(&o);
		for (int k = 0; k < n; k++)
			bound[k] = units * scale;
		compare(number, "ref", y, n, &o, bound, worst);
		for (int k = 0; k < n; k++) {
			double own = largest(oracle_value(&o, y[k]), gm_shape_size(y[k]->shape));
			bound[k] = 16 * worst[k] + 8 * units * own + 0x1p-24 * scale;
		}
		if (gm_backend_find("cpu"))
			compare(number, "cpu", y, n, &o, bound, worst);
	}
	oracle_free(&o);
	gm_graph_free(g);
	return ok;
}

static void random_graphs(void **state)
{
	(void)state;
	const char *seed = getenv("GANYMEDE_SEED"), *count = getenv("GANYMEDE_COUNT");
	if (seed) {
		if (!try_graph(strtoull(seed, NULL, 10)))
			print_message("graph %s hangs on a rounding error and is left out\n", seed);
		return;
	}
	int want = count ? atoi(count) : DEFAULT_COUNT, compared = 0;
	uint64_t number = 0;
	for (; compared < want; number++)
		compared += try_graph(number);
	print_message("%d graphs compared, %d left out\n", compared, (int)number - compared);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(random_graphs)};
	return cmocka_run_group_tests_name("random graphs", tests, NULL, NULL);
}
