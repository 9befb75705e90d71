/* SPDX-License-Identifier: MIT
 *
 * test_ops.c -- tests generated from the op table, then refusals and known values by hand.
 *
 * For every op and each of its samples: the shape rule agrees with what the definition writes;
 * every backend agrees with the definition, in float and in double; vjp, and the vjp of vjp, agree
 * with central differences; lower agrees with the definition. What is compared with is always the
 * scalar definition in double (oracle.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "graph/plan.h"
#include "oracle.h"

enum { MAX_LEAVES = 8 };

/* ---- one sample ------------------------------------------------------------------------------ */

static gm_node *find(gm_node *y, const gm_op *op)
{
	gm_node *found = y->op == op ? y : NULL;
	for (int k = 0; !found && k < y->nin; k++)
		found = find(y->in[k], op);
	return found;
}

/* The node of op in its i-th sample; it may stand under a reshape. NULL past the last. */
static gm_node *sample(const gm_op *op, gm_graph *g, int i)
{
	gm_node *y = op->sample(g, i);
	if (gm_graph_error(g)->code)
		fail_msg("%s, sample %d: %s", op->name, i, gm_graph_error(g)->message);
	gm_node *found = y ? find(y, op) : NULL;
	if (y && !found)
		fail_msg("%s, sample %d has no %s in it", op->name, i, op->name);
	return found;
}

static gm_graph *new_graph(gm_dtype real, const char *backend)
{
	gm_graph *g =
		gm_graph_new(&(gm_graph_options){.real = real, .backend = backend, .seed = 5});
	assert_non_null(g);
	return g;
}

static oracle evaluated(gm_node *const *y, int n)
{
	oracle o = oracle_new(y, n);
	o.seed = 5;
	oracle_run(&o);
	return o;
}

/* The real variables that y depends on. */
static int leaves_of(gm_node *y, gm_node *leaf[MAX_LEAVES])
{
	oracle o = oracle_new(&y, 1);
	int n = 0;
	for (int i = 0; i < o.n; i++)
		if (o.node[i]->opid == GM_OPID_variable && gm_is_real(o.node[i]->dtype)) {
			assert_true(n < MAX_LEAVES);
			leaf[n++] = o.node[i];
		}
	oracle_free(&o);
	return n;
}

/* Whether gradients flow through this sample. */
static bool has_gradient(gm_node *y)
{
	gm_node *leaf[MAX_LEAVES];
	if (y->opid == GM_OPID_stop_gradient)
		return false; /* its gradient is not its derivative: that is what it is for */
	return y->op->vjp && gm_is_real(y->dtype) && leaves_of(y, leaf) > 0;
}

/* Elements of a test's scalar loss: y against fixed random weights, so that no two elements'
 * gradients cancel. */
static gm_node *weighted(gm_node *y)
{
	return gm_mul(y, gm_sample_real(y->graph, y->shape, -1, 1));
}

/* Elements of S = sum_k <dL/dx_k, s_k>, L = sum(p): a scalar that has every first derivative in it.
 */
static gm_node *first_derivatives(gm_node *p, gm_node *const *leaf, int n)
{
	gm_node *d[MAX_LEAVES];
	gm_grad(p, leaf, n, d);
	for (int k = 0; k < n; k++)
		d[k] = gm_reshape(weighted(d[k]), GM_SHAPE(-1));
	return gm_concat(d, n, 0);
}

/* ---- shape rule ------------------------------------------------------------------------------ */

static void check_shape(void **state)
{
	const gm_op *op = *state;
	assert_true(op->name && *op->name && op->math && *op->math);
	assert_true(op->infer && op->eval);
	for (int i = 0;; i++) {
		gm_graph *g = new_graph(GM_F64, "ref"), *f = new_graph(GM_F32, "ref");
		gm_node *y = sample(op, g, i), *z = sample(op, f, i);
		assert_true(!y == !z);
		if (y) {
			assert_true(gm_shape_equal(y->shape, z->shape));
			assert_int_equal(z->dtype, y->dtype == GM_F64 ? GM_F32 : y->dtype);
			/* Made again it is the same node: attributes have no stray bytes. */
			assert_ptr_equal(
				y, gm_node_new(g, y->opid, y->in, y->nin, y->attr, y->attr_size));
			oracle o = oracle_new(&y, 1);
			double *v = oracle_value(&o, y);
			int64_t n = gm_shape_size(y->shape);
			for (int64_t k = 0; k < n; k++)
				v[k] = NAN;
			oracle_run(&o);
			for (int64_t k = 0; k < n; k++)
				if (!isfinite(v[k]) ||
				    (y->dtype == GM_I32 && v[k] != (int32_t)v[k]))
					fail_msg("%s, sample %d: element %lld of %s is %g",
					         op->name, i, (long long)k, gm_shape_text(y->shape),
					         v[k]);
			oracle_free(&o);
		}
		gm_graph_free(g);
		gm_graph_free(f);
		if (!y && i == 0)
			fail_msg("%s has no sample", op->name);
		if (!y)
			break;
	}
}

/* ---- backends -------------------------------------------------------------------------------- */

/* Runs a step for the n outputs and compares it with the definition in double, output k within
 * bound[k]. worst[k], unless worst is NULL, becomes its largest error. */
static void compare_step(const char *what, int i, gm_node *const *y, gm_node *const *exact, int n,
                         const oracle *o, const double *bound, double *worst)
{
	gm_step *s = gm_compile_nodes(y[0]->graph, y, n, NULL);
	if (!s)
		fail_msg("%s, sample %d: %s", what, i, gm_graph_error(y[0]->graph)->message);
	gm_graph_seed(y[0]->graph, 5, 0);
	gm_step_run(s);
	for (int k = 0; k < n; k++) {
		int64_t size = gm_shape_size(y[k]->shape);
		const double *want = oracle_value(o, exact[k]);
		double *got = malloc((size_t)size * sizeof *got), most = 0;
		assert_true(gm_step_read_f64(s, y[k], got, size));
		for (int64_t e = 0; e < size; e++) {
			double error = fabs(got[e] - want[e]);
			if (!(error <= (y[k]->dtype == GM_I32 ? 0 : bound[k])))
				fail_msg("%s, sample %d, output %d %s, element %lld: %.9g, must be "
				         "%.9g within %.3g",
				         what, i, k, gm_shape_text(y[k]->shape), (long long)e,
				         got[e], want[e], bound[k]);
			most = fmax(most, error);
		}
		if (worst)
			worst[k] = most;
		free(got);
	}
	gm_step_free(s);
}

/* The float bound of one op: (ulps + n) u M, u = 2^-24 the rounding of float, n the number of terms
 * that are added into one result. Adding n terms in any order errs by at most (n-1) u sum|term| to
 * first order (Higham, "Accuracy and Stability of Numerical Algorithms", 4.2), the product in each
 * term by u more; ulps covers the function's own error. M is the largest magnitude: of results, and
 * for sums the definition on absolute values, which is sum|term|. */
static double op_bound(const gm_node *y, const oracle *o)
{
	int64_t n = gm_shape_size(y->shape);
	double m = largest(oracle_value(o, y), n);
	if (y->op->terms) {
		const double *in[64];
		double *copy[64], *v = malloc((size_t)n * sizeof *v);
		for (int k = 0; k < y->nin; k++) {
			int64_t size = gm_shape_size(y->in[k]->shape);
			in[k] = copy[k] = malloc((size_t)size * sizeof(double));
			for (int64_t e = 0; e < size; e++) {
				double x = oracle_value(o, y->in[k])[e];
				copy[k][e] = gm_is_real(y->in[k]->dtype) ? fabs(x) : x;
			}
		}
		y->op->eval(y, &(gm_eval){in, v, o->seed, o->run});
		m = fmax(m, largest(v, n));
		for (int k = 0; k < y->nin; k++)
			free(copy[k]);
		free(v);
	}
	return (ulps_of(y) + (double)terms_of(y)) * 0x1p-24 * m;
}

static void check_values(const gm_op *op, gm_dtype real, const char *backend)
{
	if (!gm_backend_find(backend))
		skip();
	for (int i = 0;; i++) {
		gm_graph *g = new_graph(GM_F64, "ref"), *f = new_graph(real, backend);
		gm_node *exact = sample(op, g, i), *y = sample(op, f, i);
		if (y) {
			oracle o = evaluated(&exact, 1);
			/* In double the definition itself runs; a kernel of its own may add in
			 * another order. */
			double bound = op_bound(exact, &o) * (real == GM_F64 ? 0x1p-29 : 1);
			compare_step(op->name, i, &y, &exact, 1, &o, &bound, NULL);
			oracle_free(&o);
		}
		gm_graph_free(g);
		gm_graph_free(f);
		if (!y)
			break;
	}
}

static void check_ref(void **state)
{
	check_values(*state, GM_F32, "ref");
}

static void check_double(void **state)
{
	check_values(*state, GM_F64, "ref");
}

static void check_cpu(void **state)
{
	check_values(*state, GM_F32, "cpu");
}

/* First derivatives of the sample's weighted sum, then second ones; returns how many, 0 where none
 * flow, -1 past the last. */
static int derivatives(const gm_op *op, gm_graph *g, int i, gm_node **out)
{
	gm_node *leaf[MAX_LEAVES], *y = sample(op, g, i);
	if (!y || !has_gradient(y))
		return y ? 0 : -1;
	gm_node *p = weighted(y);
	int n = leaves_of(y, leaf);
	gm_grad(p, leaf, n, out);
	gm_grad(first_derivatives(p, leaf, n), leaf, n, out + n);
	return 2 * n;
}

/* In float. How much of a result cancels away nobody knows beforehand, so ref, which rounds every
 * op to float, is held to the largest value in the expression; its error then shows how
 * ill-conditioned each output is, and the other backend may err by that, with a factor for luck,
 * and by the roundings of all ops on the output's own scale. */
static void check_float_gradients(const gm_op *op, const char *backend)
{
	if (!gm_backend_find(backend))
		skip();
	for (int i = 0, n = 0; n >= 0; i++) {
		gm_node *exact[2 * MAX_LEAVES], *rounded[2 * MAX_LEAVES], *y[2 * MAX_LEAVES];
		gm_graph *g = new_graph(GM_F64, "ref"), *r = new_graph(GM_F32, "ref"),
			 *b = new_graph(GM_F32, backend);
		n = derivatives(op, g, i, exact);
		derivatives(op, r, i, rounded);
		derivatives(op, b, i, y);
		if (n > 0) {
			oracle o = evaluated(exact, n);
			double bound[2 * MAX_LEAVES], worst[2 * MAX_LEAVES],
				units = float_units(&o);
			for (int k = 0; k < n; k++)
				bound[k] = units * largest_of_all(&o);
			compare_step(op->name, i, rounded, exact, n, &o, bound, worst);
			for (int k = 0; k < n; k++)
				bound[k] =
					16 * worst[k] + 8 * units *
								largest(oracle_value(&o, exact[k]),
				                                        gm_shape_size(y[k]->shape));
			if (strcmp(backend, "ref"))
				compare_step(op->name, i, y, exact, n, &o, bound, NULL);
			oracle_free(&o);
		}
		gm_graph_free(g);
		gm_graph_free(r);
		gm_graph_free(b);
	}
}

static void check_ref_gradients(void **state)
{
	check_float_gradients(*state, "ref");
}

static void check_cpu_gradients(void **state)
{
	check_float_gradients(*state, "cpu");
}

/* ---- gradients against differences ----------------------------------------------------------- */

static double total(oracle *o, gm_node *p, double *magnitude)
{
	const double *v = oracle_value(o, p);
	double s = 0, m = 0;
	oracle_run(o);
	for (int64_t i = 0, n = gm_shape_size(p->shape); i < n; i++) {
		s += v[i];
		m += fabs(v[i]);
	}
	if (magnitude)
		*magnitude = m;
	return s;
}

/* d/dt of sum(p) at leaf = v + t d, by the central difference of fourth order. Its truncation error
 * is h^4/30 times a fifth derivative, about 1e-13 relative at h = 2^-10; rounding gives 2^-53 |p| /
 * h, about 1e-13 |p|. */
static double slope(oracle *o, gm_node *p, gm_node *leaf, const double *v, const double *d)
{
	const double h = 0x1p-10, weight[4] = {-1, 8, -8, 1};
	static const double step[4] = {2, 1, -1, -2};
	int64_t n = gm_shape_size(leaf->shape);
	double *t = malloc((size_t)n * sizeof *t), sum = 0;
	for (int k = 0; k < 4; k++) {
		for (int64_t i = 0; i < n; i++)
			t[i] = v[i] + step[k] * h * d[i];
		gm_set_f64(leaf, t, n);
		oracle_touch(o, leaf);
		sum += weight[k] * total(o, p, NULL);
	}
	gm_set_f64(leaf, v, n);
	oracle_touch(o, leaf);
	free(t);
	return sum / (12 * h);
}

/* Every element's derivative where the leaf is small; else some elements, and directions that move
 * all at once. */
static void check_gradient(const char *op, int sample_number, gm_node *p, gm_node *const *leaf,
                           int n)
{
	gm_node *grad[MAX_LEAVES];
	gm_grad(p, leaf, n, grad);
	if (gm_graph_error(p->graph)->code)
		fail_msg("%s, sample %d: %s", op, sample_number, gm_graph_error(p->graph)->message);
	oracle og = evaluated(grad, n), o = evaluated(&p, 1);
	gm_rng r = gm_rng_new(7, 0);
	double magnitude, work = 0;
	total(&o, p, &magnitude);
	for (int i = 0; i < o.n; i++)
		work += (double)terms_of(o.node[i]) * (double)gm_shape_size(o.node[i]->shape);
	for (int k = 0; k < n; k++) {
		int64_t size = gm_shape_size(leaf[k]->shape),
			tries = (int64_t)(3e6 / (double)n / work);
		const double *g = oracle_value(&og, grad[k]);
		double *v = malloc((size_t)size * sizeof *v), *d = calloc((size_t)size, sizeof *d);
		double noise = 1e-11 * (1 + magnitude), scale = largest(g, size);
		gm_get_f64(leaf[k], v, size);
		tries = tries < 6 ? 6 : tries > size ? size : tries;
		for (int64_t t = 0; t < tries && t < size; t++) {
			int64_t e = tries >= size ? t : gm_rng_below(&r, (uint32_t)size);
			d[e] = 1;
			double got = slope(&o, p, leaf[k], v, d);
			d[e] = 0;
			if (!(fabs(got - g[e]) <= 1e-6 * scale + noise))
				fail_msg("%s, sample %d, input %d %s, element %lld: gradient "
				         "%.12g, difference %.12g",
				         op, sample_number, k, gm_shape_text(leaf[k]->shape),
				         (long long)e, g[e], got);
		}
		for (int t = 0; t < 3 && size > 1; t++) {
			double want = 0, sum = 0;
			for (int64_t e = 0; e < size; e++) {
				d[e] = 2 * gm_rng_uniform(&r) - 1;
				want += g[e] * d[e];
				sum += fabs(g[e] * d[e]);
			}
			double got = slope(&o, p, leaf[k], v, d);
			if (!(fabs(got - want) <= 1e-6 * sum + noise))
				fail_msg("%s, sample %d, input %d %s, direction %d: gradient "
				         "%.12g, difference %.12g",
				         op, sample_number, k, gm_shape_text(leaf[k]->shape), t,
				         want, got);
		}
		free(v);
		free(d);
	}
	oracle_free(&og);
	oracle_free(&o);
}

static void check_vjp(void **state)
{
	const gm_op *op = *state;
	for (int i = 0;; i++) {
		gm_graph *g = new_graph(GM_F64, "ref");
		gm_node *leaf[MAX_LEAVES], *y = sample(op, g, i);
		if (y && has_gradient(y)) {
			int n = leaves_of(y, leaf);
			check_gradient(op->name, i, weighted(y), leaf, n);
		}
		gm_graph_free(g);
		if (!y)
			break;
	}
}

/* The weights of L and of S are leaves too: a vjp is linear in dy, and its own vjp must say how. */
static void check_vjp_of_vjp(void **state)
{
	const gm_op *op = *state;
	for (int i = 0;; i++) {
		gm_graph *g = new_graph(GM_F64, "ref");
		gm_node *leaf[MAX_LEAVES], *y = sample(op, g, i);
		if (y && has_gradient(y)) {
			int n = leaves_of(y, leaf);
			gm_node *s = first_derivatives(weighted(y), leaf, n);
			n = leaves_of(s, leaf);
			if (n)
				check_gradient(op->name, i, s, leaf, n);
		}
		gm_graph_free(g);
		if (!y)
			break;
	}
}

/* ---- lower ----------------------------------------------------------------------------------- */

static void check_lower(void **state)
{
	const gm_op *op = *state;
	for (int i = 0;; i++) {
		gm_graph *g = new_graph(GM_F64, "ref");
		gm_node *y = sample(op, g, i), *low = y ? op->lower(y) : NULL;
		if (low) {
			assert_int_equal(gm_graph_error(g)->code, GM_OK);
			assert_true(gm_shape_equal(low->shape, y->shape) && low->dtype == y->dtype);
			assert_null(find(low, op));
			oracle o = evaluated((gm_node *[]){y, low}, 2);
			int64_t n = gm_shape_size(y->shape);
			const double *a = oracle_value(&o, y), *b = oracle_value(&o, low);
			for (int64_t e = 0; e < n; e++)
				if (!(fabs(a[e] - b[e]) <= 1e-12 * fmax(1, largest(a, n))))
					fail_msg("%s, sample %d, element %lld: lowered %.15g, "
					         "defined %.15g",
					         op->name, i, (long long)e, b[e], a[e]);
			oracle_free(&o);
		}
		gm_graph_free(g);
		if (!y)
			break;
	}
}

/* ---- refusals -------------------------------------------------------------------------------- */

static gm_node *leaf(gm_graph *g, gm_dtype t, gm_shape s)
{
	static int count;
	char name[32];
	snprintf(name, sizeof name, "leaf%d", ++count);
	return gm_variable_of(g, name, s, t);
}

#define X(...) leaf(g, GM_F32, GM_SHAPE(__VA_ARGS__))
#define I(...) leaf(g, GM_I32, GM_SHAPE(__VA_ARGS__))

/* The expression must be refused with these words (separated by |), named by scope, and nothing may
 * be built on it. */
static void must_refuse(gm_graph *g, gm_node *y, const char *words, const char *expression)
{
	const char *message = gm_graph_error(g)->message;
	char each[200];
	snprintf(each, sizeof each, "%s", words);
	if (!gm_graph_error(g)->code)
		fail_msg("%s was not refused", expression);
	if (strncmp(message, "G/8x8: ", 7))
		fail_msg("%s: the message does not begin with the scope: %s", expression, message);
	for (char *save, *w = strtok_r(each, "|", &save); w; w = strtok_r(NULL, "|", &save))
		if (!strstr(message, w))
			fail_msg("%s: \"%s\" is not in the message: %s", expression, w, message);
	assert_true(y->poison);
	assert_true(
		gm_softmax(gm_sum(gm_reshape(gm_add(y, y), GM_SHAPE(2, 3)), GM_AXES(4), true), 9)
			->poison);
	assert_null(gm_compile(g, y));
}

#define REFUSED(words, expression)                                                                 \
	do {                                                                                       \
		gm_graph *g = gm_graph_new(NULL);                                                  \
		gm_scope_push(g, "G");                                                             \
		gm_scope_push(g, "8x8");                                                           \
		must_refuse(g, expression, words, #expression);                                    \
		gm_graph_free(g);                                                                  \
	} while (0)

static void refuses_elementwise_and_matmul(void **state)
{
	(void)state;
	REFUSED("add|[2,3]|[2,4]", gm_add(X(2, 3), X(2, 4)));
	REFUSED("mul|integer", gm_mul(X(3), I(3)));
	REFUSED("exp|real", gm_exp(I(3)));
	REFUSED("select|[5]", gm_select(X(5), X(3), X(3)));
	REFUSED("matmul|5 columns against 4 rows", gm_matmul(X(3, 5), X(4, 5), false, false));
	REFUSED("matmul|matrices|[5]", gm_matmul(X(5), X(5, 4), false, false));
	REFUSED("matmul|leading|[2,3,5]|[3,5,4]", gm_matmul(X(2, 3, 5), X(3, 5, 4), false, false));
	REFUSED("variable|empty|[0,3]", X(0, 3));
	REFUSED("input|empty|[0,1,28,28]", gm_input(g, "image", GM_SHAPE(0, 1, 28, 28), GM_F32));
	REFUSED("axis 0 is empty|[0,3]", gm_full(g, 1, GM_SHAPE(0, 3)));
	REFUSED("name|taken", (gm_variable(g, "w", GM_SHAPE(1)), gm_variable(g, "w", GM_SHAPE(1))));
	REFUSED("assign|[3]|[4]", gm_assign(X(3), X(4)));
}

static void refuses_convolutions_and_pools(void **state)
{
	(void)state;
	REFUSED("conv|512 channels|expects 256",
	        gm_conv2d(X(1, 512, 8, 8), X(4, 256, 3, 3), (gm_conv_options){0}));
	REFUSED("conv|3 groups",
	        gm_conv2d(X(1, 4, 8, 8), X(6, 1, 3, 3), (gm_conv_options){.groups = 3}));
	REFUSED("conv|kernel|does not fit",
	        gm_conv2d(X(1, 3, 4, 4), X(6, 3, 5, 5), (gm_conv_options){0}));
	REFUSED("conv|stride",
	        gm_conv2d(X(1, 3, 4, 4), X(6, 3, 3, 3), (gm_conv_options){.stride = {-1, 1}}));
	REFUSED("conv_dx|8 channels|expects 6",
	        gm_conv2d_dx(X(1, 8, 4, 4), X(6, 3, 3, 3), GM_SHAPE(1, 3, 6, 6),
	                     (gm_conv_options){0}));
	REFUSED("max_pool|[3,4]", gm_max_pool(X(3, 4), (gm_pool_options){.kernel = {2, 2}}));
	REFUSED("max_pool|height|wholly in the padding",
	        gm_max_pool(X(1, 1, 4, 4),
	                    (gm_pool_options){.kernel = {2, 2}, .pad = {2, 0, 0, 0}}));
	REFUSED("avg_pool|width|wholly in the padding",
	        gm_avg_pool(X(1, 1, 4, 4), (gm_pool_options){.kernel = {1, 2},
	                                                     .pad = {0, 0, 0, 2},
	                                                     .stride = {1, 1}}));
	REFUSED("avg_pool|less than the kernel 5",
	        gm_avg_pool(X(1, 1, 8, 4), (gm_pool_options){.kernel = {5, 5}}));
	REFUSED("avg_pool|kernel 0",
	        gm_avg_pool(X(1, 1, 4, 4), (gm_pool_options){.kernel = {0, 2}}));
	REFUSED("avg_pool|real", gm_avg_pool(I(1, 1, 4, 4), (gm_pool_options){.kernel = {2, 2}}));
}

static void refuses_reductions(void **state)
{
	(void)state;
	REFUSED("sum|out of range|[2,3]", gm_sum(X(2, 3), GM_AXES(2), false));
	REFUSED("sum|out of range|[2,3]", gm_sum(X(2, 3), GM_AXES(-3), false));
	REFUSED("sum|out of range", gm_sum(X(2, 3), GM_AXES(40), false));
	REFUSED("variance|out of range", gm_variance(X(1, 1), GM_AXES(0, 5), false));
	REFUSED("reduce_max|real", gm_reduce_max(I(2, 3), GM_ALL, false));
	REFUSED("sum|real", gm_sum(I(1), GM_ALL, false));
	REFUSED("argmax|axis 2", gm_argmax(X(2, 3), 2));
	REFUSED("words|i32", gm_words(X(2, 3), 2, 10));
	REFUSED("words|at least 1", gm_words(I(2, 3), 0, 10));
	REFUSED("sum_to|[2,4]|[2,3]", gm_sum_to(X(2, 3), GM_SHAPE(2, 4)));
	REFUSED("sum_to|[1,2,3]|[2,3]", gm_sum_to(X(2, 3), GM_SHAPE(1, 2, 3)));
}

static void refuses_shapes(void **state)
{
	(void)state;
	const int64_t zero[6] = {0}, one[6] = {1, 1, 1, 1, 1, 1}, two[6] = {2, 2, 2, 2, 2, 2},
		      minus[6] = {-1, -1};
	REFUSED("reshape|6 elements|[4,2]", gm_reshape(X(2, 3), GM_SHAPE(4, 2)));
	REFUSED("reshape|6 elements|[-1,4]", gm_reshape(X(2, 3), GM_SHAPE(-1, 4)));
	REFUSED("reshape|[-1,-1]", gm_reshape(X(2, 3), GM_SHAPE(-1, -1)));
	REFUSED("reshape|[0,3]", gm_reshape(X(2, 3), GM_SHAPE(0, 3)));
	REFUSED("reshape|elements", gm_reshape(X(2, 3), GM_SHAPE(INT64_MAX, INT64_MAX)));
	REFUSED("reshape|rank 7", gm_reshape(X(2, 3), (gm_shape){7, {1, 1, 1, 1, 1, 6}}));
	REFUSED("permute|[2,3]", gm_permute(X(2, 3), (int[]){0, 2}));
	REFUSED("permute|[2,3]", gm_permute(X(2, 3), (int[]){1, 1}));
	REFUSED("transpose|[3]", gm_transpose(X(3)));
	REFUSED("broadcast|[2,3]|[4,3]", gm_broadcast(X(2, 3), GM_SHAPE(4, 3)));
	REFUSED("broadcast|[2,3]|[3]", gm_broadcast(X(2, 3), GM_SHAPE(3)));
	REFUSED("slice|axis 0", gm_slice(X(2, 3), one, two, NULL));
	REFUSED("slice|axis 1", gm_slice(X(4, 3), zero, two, (int64_t[]){2, 3}));
	REFUSED("slice|axis 0", gm_slice(X(4, 3), minus, two, NULL));
	REFUSED("slice|axis 0|steps of 0", gm_slice(X(4, 3), zero, two, zero));
	REFUSED("slice|axis 0", gm_slice(X(4, 3), one, two, (int64_t[]){INT64_MAX, 1}));
	REFUSED("slice|axis 1|0 elements", gm_narrow(X(4, 3), 1, 1, 0));
	REFUSED("narrow|axis 2|[4,3]", gm_narrow(X(4, 3), 2, 0, 1));
	REFUSED("embed|axis 1|[4,4]", gm_embed(X(4, 3), GM_SHAPE(4, 4), zero, (int64_t[]){1, 2}));
	REFUSED("embed|rank", gm_embed(X(4, 3), GM_SHAPE(4), zero, NULL));
	REFUSED("embed|axis 0", gm_pad_zero(X(4, 3), minus, two));
	REFUSED("concat|input 2 is [2,4]|input 0 is [2,3]|axis 0",
	        GM_CONCAT(0, X(2, 3), X(5, 3), X(2, 4)));
	REFUSED("concat|[2,3,1]", GM_CONCAT(0, X(2, 3), X(2, 3, 1)));
	REFUSED("concat|type", GM_CONCAT(0, X(3), I(3)));
	REFUSED("concat|axis -3", GM_CONCAT(-3, X(2, 3), X(2, 3)));
	REFUSED("pad_reflect|[1,1,3,4]", gm_pad_reflect(X(1, 1, 3, 4), 3, 0, 0, 0));
	REFUSED("upsample_nearest|by 0", gm_upsample_nearest(X(1, 1, 3, 4), 0));
	REFUSED("upsample_bilinear|[3]", gm_upsample_bilinear(X(3), 2));
	REFUSED("pixel_shuffle|[1,6,3,3]", gm_pixel_shuffle(X(1, 6, 3, 3), 2));
	REFUSED("pixel_unshuffle|[1,6,3,4]", gm_pixel_unshuffle(X(1, 6, 3, 4), 2));
}

static void refuses_indices_and_probabilities(void **state)
{
	(void)state;
	REFUSED("gather|i32", gm_gather(X(5, 3), X(2)));
	REFUSED("gather|rank", gm_gather(X(5, 3, 2, 2), I(2, 2, 2, 2)));
	REFUSED("scatter_add|[4,3]|[5]", gm_scatter_add(X(4, 3), I(5), 7));
	REFUSED("scatter_add|empty", gm_scatter_add(X(4, 3), I(4), 0));
	REFUSED("one_hot|i32", gm_one_hot(X(4), 3));
	REFUSED("iota|empty", gm_one_hot(I(4), 0));
	REFUSED("softmax|axis 2", gm_softmax(X(2, 3), 2));
	REFUSED("log_softmax|axis -3", gm_log_softmax(X(2, 3), -3));
	REFUSED("softmax|real", gm_softmax(I(2, 3), 0));
	REFUSED("sigmoid_xent|[4]|[2,3]", gm_sigmoid_xent(X(2, 3), X(4)));
	REFUSED("sigmoid_xent|[2,3]|[3]", gm_sigmoid_xent(X(3), X(2, 3)));
	REFUSED("sigmoid_xent|target|i32", gm_sigmoid_xent(X(3), I(3)));
	REFUSED("softmax_xent|[2,4]|[2,3]", gm_softmax_xent(X(2, 3), X(2, 4)));
	REFUSED("softmax_xent|[3]|[2]", gm_softmax_xent(X(2, 3), I(3)));
	REFUSED("bernoulli|1.5", gm_bernoulli(g, 1.5, GM_SHAPE(3)));
	REFUSED("bernoulli|nan", gm_bernoulli(g, NAN, GM_SHAPE(3)));
	REFUSED("normal|empty", gm_randn(g, GM_SHAPE(3, 0)));
	REFUSED("permutation|i32", gm_permutation(g, 3000000000));
}

/* ---- known values ---------------------------------------------------------------------------- */

/* y in double by the definition. */
static void is(gm_node *y, int64_t n, const double *want)
{
	if (gm_graph_error(y->graph)->code)
		fail_msg("%s", gm_graph_error(y->graph)->message);
	oracle o = evaluated(&y, 1);
	assert_int_equal(gm_shape_size(y->shape), n);
	for (int64_t i = 0; i < n; i++)
		if (!(oracle_value(&o, y)[i] == want[i] ||
		      fabs(oracle_value(&o, y)[i] - want[i]) < 1e-12))
			fail_msg("element %lld is %.15g, must be %.15g", (long long)i,
			         oracle_value(&o, y)[i], want[i]);
	oracle_free(&o);
}

#define IS(y, ...)                                                                                 \
	is(y, (int64_t)(sizeof((double[]){__VA_ARGS__}) / sizeof(double)), (double[]){__VA_ARGS__})
#define ARRAY(shape, ...) gm_array(g, (double[]){__VA_ARGS__}, shape, GM_F64)
#define LABELS(shape, ...) gm_array(g, (double[]){__VA_ARGS__}, shape, GM_I32)

static void known_reductions(void **state)
{
	(void)state;
	gm_graph *g = new_graph(GM_F64, "ref");
	gm_node *x = gm_variable(g, "x", GM_SHAPE(2, 4)), *d;
	gm_set_f64(x, (double[]){1, 5, 5, 2, 7, 7, 7, 7}, 8);
	gm_node *m = gm_reduce_max(x, GM_AXES(-1), false);
	gm_grad(m, &x, 1, &d);
	IS(m, 5, 7);
	IS(d, 0, .5, .5, 0, .25, .25, .25, .25);
	IS(gm_argmax(x, -1), 1, 0);
	/* "A b, a" and "b-B": case and what is between words have no effect */
	gm_node *text = LABELS(GM_SHAPE(2, 6), 'A', ' ', 'b', ',', ' ', 'a', /**/
	                       'b', '-', 'B', 0, 0, 0);
	gm_node *words = gm_words(text, 4, 1000);
	const double fnv_a = (double)(((2166136261u ^ 'a') * 16777619u) % 1000),
		     fnv_b = (double)(((2166136261u ^ 'b') * 16777619u) % 1000);
	IS(words, fnv_a, fnv_b, fnv_a, -1, fnv_b, fnv_b, -1, -1);
	IS(gm_words(text, 1, 1), 0, 0);
	IS(gm_mean(x, GM_AXES(0), true), 4, 6, 6, 4.5);
	IS(gm_variance(x, GM_AXES(1), false), 3.1875, 0);
	IS(gm_sum_to(x, GM_SHAPE(2, 1)), 13, 28);
	IS(gm_sum_to(x, GM_RANK0), 41);
	IS(gm_mean_all(x), 5.125);
	IS(gm_logsumexp(ARRAY(GM_SHAPE(2, 2), -INFINITY, -INFINITY, 1000, 1000), GM_AXES(1), false),
	   -INFINITY, 1000 + log(2));
	/* Over nothing, or over axes of size 1, there is nothing to do. */
	gm_node *thin = gm_variable(g, "thin", GM_SHAPE(3, 1));
	assert_ptr_equal(gm_sum(thin, GM_AXES(1), true), thin);
	assert_ptr_equal(gm_sum(thin, 0, false), thin);
	assert_int_equal(gm_reduce_max(thin, GM_AXES(1), false)->opid, GM_OPID_reshape);
	assert_true(gm_is_constant(gm_variance(thin, GM_AXES(1), false), 0));
	gm_grad(gm_mul(gm_stop_gradient(x), x), &x, 1, &d);
	IS(d, 1, 5, 5, 2, 7, 7, 7, 7);
	gm_graph_free(g);
}

static void known_shapes(void **state)
{
	(void)state;
	gm_graph *g = new_graph(GM_F64, "ref");
	gm_node *x = gm_variable(g, "x", GM_SHAPE(2, 3)), *d;
	gm_set_f64(x, (double[]){1, 2, 3, 4, 5, 6}, 6);
	IS(gm_transpose(x), 1, 4, 2, 5, 3, 6);
	IS(gm_narrow(x, -1, 1, 2), 2, 3, 5, 6);
	IS(gm_slice(x, (int64_t[]){1, 0}, (int64_t[]){1, 2}, (int64_t[]){1, 2}), 4, 6);
	IS(gm_pad_zero(x, (int64_t[]){0, 1}, (int64_t[]){1, 0}), 0, 1, 2, 3, 0, 4, 5, 6, 0, 0, 0,
	   0);
	IS(gm_pad_reflect(x, 1, 0, 0, 2), 4, 5, 6, 5, 4, 1, 2, 3, 2, 1, 4, 5, 6, 5, 4);
	IS(gm_upsample_nearest(ARRAY(GM_SHAPE(1, 2), 1, 2), 2), 1, 1, 2, 2, 1, 1, 2, 2);
	IS(gm_upsample_bilinear(ARRAY(GM_SHAPE(1, 2), 1, 2), 2), 1, 1.25, 1.75, 2, 1, 1.25, 1.75,
	   2);
	IS(gm_pixel_shuffle(ARRAY(GM_SHAPE(1, 4, 1, 2), 1, 2, 3, 4, 5, 6, 7, 8), 2), 1, 3, 2, 4, 5,
	   7, 6, 8);
	gm_node *p = gm_variable(g, "p", GM_SHAPE(2, 12, 3, 5));
	gm_rng r = gm_rng_new(1, 1);
	double v[360];
	for (int i = 0; i < 360; i++)
		v[i] = gm_rng_uniform(&r);
	gm_set_f64(p, v, 360);
	is(gm_pixel_unshuffle(gm_pixel_shuffle(p, 2), 2), 360, v);
	/* What changes nothing is x itself; what can be asked for its gradient stays. */
	assert_ptr_equal(gm_reshape(x, GM_SHAPE(-1, 3)), x);
	assert_ptr_equal(gm_permute(x, (int[]){0, 1}), x);
	assert_ptr_equal(gm_broadcast(x, GM_SHAPE(2, 3)), x);
	assert_ptr_equal(gm_narrow(x, 1, 0, 3), x);
	assert_ptr_equal(gm_concat(&x, 1, 0), x);
	assert_ptr_equal(gm_upsample_bilinear(x, 1), x);
	gm_node *flat = gm_reshape(x, GM_SHAPE(6));
	gm_grad(gm_square(gm_reshape(flat, GM_SHAPE(3, 2))), &flat, 1, &d);
	IS(d, 2, 4, 6, 8, 10, 12);
	gm_graph_free(g);
}

static void known_pools(void **state)
{
	(void)state;
	gm_graph *g = new_graph(GM_F64, "ref");
	gm_node *x = gm_variable(g, "x", GM_SHAPE(1, 1, 3, 3)), *d;
	gm_set_f64(x, (double[]){1, 2, 3, 4, 9, 9, 7, 8, -9}, 9);
	gm_pool_options o = {.kernel = {2, 2}, .stride = {1, 1}},
			pad = {.kernel = {3, 3}, .pad = {1, 1, 1, 1}};
	gm_node *y = gm_max_pool(x, o);
	gm_grad(y, &x, 1, &d);
	IS(y, 9, 9, 9, 9);
	IS(d, 0, 0, 0, 0, 4, 0, 0, 0, 0); /* the first of equals takes it */
	IS(gm_avg_pool(x, pad), 4);
	pad.count_pad = true;
	IS(gm_avg_pool(x, pad), 16. / 9);
	gm_graph_free(g);
}

static void known_indices_and_probabilities(void **state)
{
	(void)state;
	gm_graph *g = new_graph(GM_F64, "ref");
	gm_node *table = ARRAY(GM_SHAPE(3, 2), 1, 2, 3, 4, 5, 6),
		*index = LABELS(GM_SHAPE(4), 2, -7, 99, 1);
	IS(gm_gather(table, index), 5, 6, 1, 2, 5, 6, 3, 4);
	IS(gm_scatter_add(ARRAY(GM_SHAPE(4), 1, 2, 3, 4), index, 3), 2, 4, 4);
	IS(gm_one_hot(LABELS(GM_SHAPE(3), 1, 3, 0), 3), 0, 1, 0, 0, 0, 0, 1, 0, 0);
	IS(gm_sigmoid_xent(ARRAY(GM_SHAPE(3), 0, 1000, -1000), ARRAY(GM_SHAPE(3), .5, 1, 1)),
	   log(2), 0, 1000);
	gm_node *x = ARRAY(GM_SHAPE(2, 2), 0, 0, 0, 1000);
	IS(gm_softmax_xent(x, LABELS(GM_SHAPE(2), 1, 0)), log(2), 1000);
	IS(gm_softmax_xent(x, LABELS(GM_SHAPE(2), -1, 2)), 0, 0); /* no class */
	IS(gm_softmax_xent(x, ARRAY(GM_SHAPE(2, 2), .5, .5, 0, 1)), log(2), 0);
	IS(gm_softmax(x, -1), .5, .5, 0, 1);
	gm_graph_free(g);
}

/* n draws: the mean and variance must lie within five standard errors, which one in a million right
 * sources misses. */
static void has_moments(gm_node *y, double mean, double variance, double fourth)
{
	oracle o = evaluated(&y, 1);
	double n = (double)gm_shape_size(y->shape), m = 0, v = 0;
	for (int64_t i = 0; i < (int64_t)n; i++)
		m += oracle_value(&o, y)[i] / n;
	for (int64_t i = 0; i < (int64_t)n; i++)
		v += (oracle_value(&o, y)[i] - mean) * (oracle_value(&o, y)[i] - mean) / n;
	if (fabs(m - mean) > 5 * sqrt(variance / n) ||
	    fabs(v - variance) > 5 * sqrt((fourth - variance * variance) / n))
		fail_msg("%s: mean %g, variance %g", y->op->name, m, v);
	oracle_free(&o);
}

static void known_randomness(void **state)
{
	(void)state;
	gm_graph *g = new_graph(GM_F64, "ref");
	gm_shape s = GM_SHAPE(100000);
	has_moments(gm_uniform(g, s), .5, 1. / 12, 1. / 80);
	has_moments(gm_randn(g, s), 0, 1, 3);
	has_moments(gm_bernoulli(g, .3, s), .3, .21, .7 * .3 * (.3 * .3 * .3 + .7 * .7 * .7));
	assert_ptr_not_equal(gm_uniform(g, s), gm_uniform(g, s));

	gm_node *p = gm_permutation(g, 1000), *u = gm_uniform(g, GM_SHAPE(8)),
		*w = gm_uniform(g, GM_SHAPE(8));
	oracle o = evaluated((gm_node *[]){p, u, w}, 3);
	char seen[1000] = {0};
	int fixed = 0;
	for (int i = 0; i < 1000; i++) {
		int k = (int)oracle_value(&o, p)[i];
		assert_true(k >= 0 && k < 1000 && !seen[k]++);
		fixed += k == i;
	}
	assert_true(fixed < 9); /* one is expected; nine happen once in a million */
	assert_memory_not_equal(oracle_value(&o, u), oracle_value(&o, w), 8 * sizeof(double));
	/* Another run gives other numbers, the same run the same. */
	double first[8];
	memcpy(first, oracle_value(&o, u), sizeof first);
	for (int run = 1; run >= 0; run--) {
		o.run = (uint64_t)run;
		o.stale[o.place[u->id]] = 1;
		oracle_run(&o);
		assert_int_equal(!memcmp(first, oracle_value(&o, u), sizeof first), run == 0);
	}
	oracle_free(&o);
	gm_graph_free(g);
}

/* ---- all of them ----------------------------------------------------------------------------- */

/* test_ops 'conv*' runs the tests of that name only. */
int main(int argc, char **argv)
{
	static struct CMUnitTest tests[GM_OP_COUNT * 9 + 16];
	static char names[GM_OP_COUNT * 9][64];
	static const struct {
		const char *name;
		CMUnitTestFunction run;
		bool differentiable, lowered;
	} checks[] = {
		{"shape", check_shape, false, false},
		{"double", check_double, false, false},
		{"ref", check_ref, false, false},
		{"cpu", check_cpu, false, false},
		{"vjp", check_vjp, true, false},
		{"vjp of vjp", check_vjp_of_vjp, true, false},
		{"gradients, ref", check_ref_gradients, true, false},
		{"gradients, cpu", check_cpu_gradients, true, false},
		{"lower", check_lower, false, true},
	};
	int n = 0;
	for (int k = 0; k < GM_OP_COUNT; k++) {
		const gm_op *op = gm_ops[k];
		/* Storage, modes and effects have no scalar definition: the graph's own tests hold
		 * them. */
		if (!op->eval && (op->flags & (GM_OP_LEAF | GM_OP_EFFECT) || k == GM_OPID_after ||
		                  k == GM_OPID_by_mode))
			continue;
		for (size_t c = 0; c < sizeof checks / sizeof *checks; c++) {
			if ((checks[c].differentiable && !op->vjp) ||
			    (checks[c].lowered && !op->lower))
				continue;
			snprintf(names[n], sizeof names[n], "%s: %s", op->name, checks[c].name);
			tests[n] = (struct CMUnitTest){names[n], checks[c].run, NULL, NULL,
			                               (void *)op};
			n++;
		}
	}
	static const struct CMUnitTest by_hand[] = {
		cmocka_unit_test(refuses_elementwise_and_matmul),
		cmocka_unit_test(refuses_convolutions_and_pools),
		cmocka_unit_test(refuses_reductions),
		cmocka_unit_test(refuses_shapes),
		cmocka_unit_test(refuses_indices_and_probabilities),
		cmocka_unit_test(known_reductions),
		cmocka_unit_test(known_shapes),
		cmocka_unit_test(known_pools),
		cmocka_unit_test(known_indices_and_probabilities),
		cmocka_unit_test(known_randomness),
	};
	for (size_t k = 0; k < sizeof by_hand / sizeof *by_hand; k++)
		tests[n++] = by_hand[k];
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return _cmocka_run_group_tests("ops", tests, (size_t)n, NULL, NULL);
}
