/* SPDX-License-Identifier: MIT
 *
 * test_nn.c -- layers, initialisers, objectives and optimisers against values computed by hand or
 * by a few lines of plain C.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ganymede/nn.h"
#include "graphs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- batch norm ------------------------------------------------------------------------------ */

static void batch_norm_train_and_infer(void **state)
{
	(void)state;
	enum { N = 5, C = 3, P = 6, SIZE = N * C * P };
	gm_graph *g = graph(GM_F64);
	gm_net *net = gm_net_create(g, "G", .seed = 1);
	gm_node *x = input_of(g, "x", GM_SHAPE(N, C, 2, 3), .4);
	double xv[SIZE], y[SIZE], gain[C] = {.5, 1, 2}, bias[C] = {0, .1, -3};
	gm_get_f64(x, xv, SIZE);
	gm_node *out = gm_batch_norm(net, "bn", x, .momentum = .25, .gain = GM_GIVEN(gain),
	                             .bias = GM_GIVEN(bias));
	gm_step *train = compiled(g, gm_compile(g, out));
	gm_step *infer =
		compiled(g, gm_compile_nodes(g, &out, 1, &(gm_compile_options){.infer = true}));

	double mean[C] = {0}, var[C] = {0}, run_mean[C] = {0}, run_var[C] = {1, 1, 1}, v[C];
	for (int i = 0; i < SIZE; i++)
		mean[i / P % C] += xv[i] / (N * P);
	for (int i = 0; i < SIZE; i++)
		var[i / P % C] += pow(xv[i] - mean[i / P % C], 2) / (N * P);
	for (int run = 1; run <= 3; run++) {
		gm_step_run(train);
		assert_true(gm_step_read_f64(train, out, y, SIZE));
		for (int i = 0; i < SIZE; i++) {
			int c = i / P % C;
			near(y[i], (xv[i] - mean[c]) / sqrt(var[c] + 1e-5) * gain[c] + bias[c],
			     1e-12);
		}
		assert_true(gm_get_f64(gm_net_find(net, "G/bn/mean"), v, C));
		for (int c = 0; c < C; c++)
			near(v[c], run_mean[c] = .75 * run_mean[c] + .25 * mean[c], 1e-12);
		assert_true(gm_get_f64(gm_net_find(net, "G/bn/var"), v, C));
		for (int c = 0; c < C; c++)
			near(v[c],
			     run_var[c] = .75 * run_var[c] + .25 * var[c] * N * P / (N * P - 1),
			     1e-12);
	}
	for (int run = 0; run < 2; run++) { /* inference leaves the running averages alone */
		gm_step_run(infer);
		assert_true(gm_step_read_f64(infer, out, y, SIZE));
		for (int i = 0; i < SIZE; i++) {
			int c = i / P % C;
			near(y[i],
			     (xv[i] - run_mean[c]) / sqrt(run_var[c] + 1e-5) * gain[c] + bias[c],
			     1e-12);
		}
	}
	gm_net_free(net);
	finish(g);
}

/* A shared layer keeps the statistics of what it read first, whatever else runs through it. */
static void batch_norm_first_owns(void **state)
{
	(void)state;
	gm_graph *g = graph(GM_F64);
	gm_net *net = gm_net_create(g, "D");
	gm_node *a = gm_full(g, 3, GM_SHAPE(4, 2)), *b = gm_full(g, -5, GM_SHAPE(4, 2));
	gm_node *ya = gm_batch_norm(net, "bn", a), *yb = gm_batch_norm(net, "bn", b);
	gm_step *both = compiled(g, gm_compile(g, ya, yb)),
		*second = compiled(g, gm_compile(g, yb));
	double v[2];
	gm_step_run(both);
	gm_step_run(second);
	gm_get_f64(gm_net_find(net, "D/bn/mean"), v, 2);
	near(v[0], .3, 1e-12);
	assert_int_equal(gm_net_count(net), 4);
	gm_net_free(net);
	finish(g);
}

/* ---- layers ---------------------------------------------------------------------------------- */

static void maxout_is_the_largest_piece(void **state)
{
	(void)state;
	enum { N = 4, IN = 3, OUT = 2, K = 5 };
	gm_graph *g = graph(GM_F64);
	gm_net *net = gm_net_create(g, "D", .seed = 3);
	gm_node *x = input_of(g, "x", GM_SHAPE(N, IN), 1);
	gm_node *y = gm_maxout(net, "h", x, .out = OUT, .pieces = K, .bias = GM_NORMAL(0, 1));
	double xv[N * IN], w[OUT * K * IN], b[OUT * K], got[N * OUT];
	gm_get_f64(x, xv, N * IN);
	assert_true(gm_get_f64(gm_net_find(net, "D/h/weight"), w, OUT * K * IN));
	assert_true(gm_get_f64(gm_net_find(net, "D/h/bias"), b, OUT * K));
	gm_step *s = compiled(g, gm_compile(g, y));
	gm_step_run(s);
	assert_true(gm_step_read_f64(s, y, got, N * OUT));
	for (int n = 0; n < N; n++)
		for (int o = 0; o < OUT; o++) {
			double best = -1e9;
			for (int k = o * K; k < (o + 1) * K; k++) {
				double z = b[k];
				for (int i = 0; i < IN; i++)
					z += xv[n * IN + i] * w[k * IN + i];
				best = fmax(best, z);
			}
			near(got[n * OUT + o], best, 1e-12);
		}
	gm_net_free(net);
	finish(g);
}

/* Training keeps the mean within five standard errors, zeroes the right share, and inference is
 * the mean itself. */
static void dropout_expectations(void **state)
{
	(void)state;
	enum { N = 100000 };
	static double y[N];
	const double keeps[] = {.8, .5}, scales[] = {0, 1};
	for (int t = 0; t < 4; t++) {
		double keep = keeps[t / 2], asked = scales[t % 2], scale = asked ? asked : 1 / keep;
		gm_graph *g = graph(GM_F64);
		gm_node *x = gm_full(g, 2, GM_SHAPE(N)),
			*d = gm_dropout(x, .keep = keep, .scale = asked);
		gm_step *train = compiled(g, gm_compile(g, d));
		gm_step *infer = compiled(
			g, gm_compile_nodes(g, &d, 1, &(gm_compile_options){.infer = true}));
		double share[2] = {0};
		for (int run = 0; run < 2; run++) {
			gm_step_run(train);
			gm_step_read_f64(train, d, y, N);
			for (int i = 0; i < N; i++) {
				assert_true(y[i] == 0 || fabs(y[i] - 2 * scale) < 1e-12);
				share[run] += (y[i] != 0) / (double)N;
			}
			assert_true(fabs(share[run] - keep) < 5 * sqrt(keep * (1 - keep) / N));
		}
		assert_true(share[0] != share[1]); /* fresh masks at every run */
		gm_step_run(infer);
		gm_step_read_f64(infer, d, y, N);
		for (int i = 0; i < N; i++)
			near(y[i], 2 * keep * scale, 1e-12);
		finish(g);
	}
}

/* Dropout that is a net's noise: fresh at every run of inference, with the share of training. */
static void dropout_as_noise(void **state)
{
	(void)state;
	enum { N = 20000 };
	static double y[2][N];
	gm_graph *g = graph(GM_F64);
	gm_node *d = gm_dropout(gm_full(g, 2, GM_SHAPE(N)), .keep = .7, .always = true);
	gm_step *infer =
		compiled(g, gm_compile_nodes(g, &d, 1, &(gm_compile_options){.infer = true}));
	for (int run = 0; run < 2; run++) {
		int kept = 0;
		gm_step_run(infer);
		gm_step_read_f64(infer, d, y[run], N);
		for (int i = 0; i < N; i++) {
			assert_true(y[run][i] == 0 || fabs(y[run][i] - 2 / .7) < 1e-12);
			kept += y[run][i] != 0;
		}
		assert_true(fabs(kept / (double)N - .7) < 5 * sqrt(.7 * .3 / N));
	}
	assert_memory_not_equal(y[0], y[1], sizeof y[0]);
	finish(g);
}

static void shapes_of_layers(void **state)
{
	(void)state;
	gm_graph *g = graph(GM_F32);
	gm_net *net = gm_net_create(g, "G");
	gm_node *x = gm_full(g, 1, GM_SHAPE(2, 6, 7, 7));
	gm_shape s = gm_node_shape(
		gm_conv_transposed(net, "a", x, .out = 4, .kernel = 4, .stride = 2, .pad = 1));
	assert_true(s.rank == 4 && s.dim[1] == 4 && s.dim[2] == 14 && s.dim[3] == 14);
	s = gm_node_shape(gm_conv_transposed(net, "b", x, .out = 4, .kernel = 5, .stride = 2,
	                                     .pad = 2, .out_pad = 1));
	assert_true(s.dim[2] == 14);
	s = gm_node_shape(gm_conv(net, "c", x, .out = 8, .kernel = 3, .pad = 1, .groups = 2));
	assert_true(s.dim[1] == 8 && s.dim[2] == 7);
	s = gm_node_shape(gm_net_find(net, "G/c/weight"));
	assert_true(s.dim[0] == 8 && s.dim[1] == 3);
	s = gm_node_shape(
		gm_conv(net, "d", gm_full(g, 1, GM_SHAPE(2, 3, 10)), .out = 5, .kernel = 3));
	assert_true(s.rank == 3 && s.dim[1] == 5 && s.dim[2] == 8);
	s = gm_node_shape(gm_linear(net, "e", x, .out = 10));
	assert_true(s.rank == 2 && s.dim[1] == 10);
	s = gm_node_shape(gm_embedding(net, "f", gm_iota(g, 4), .rows = 9, .dim = 3));
	assert_true(s.rank == 2 && s.dim[0] == 4 && s.dim[1] == 3);
	gm_net_free(net);
	finish(g);
}

static void a_name_used_twice_must_fit(void **state)
{
	(void)state;
	gm_graph *g = graph(GM_F32);
	gm_net *net = gm_net_create(g, "D");
	gm_node *x = gm_full(g, 1, GM_SHAPE(2, 3));
	gm_linear(net, "logit", x, .out = 1);
	assert_int_equal(gm_graph_error(g)->code, GM_OK);
	assert_ptr_equal(gm_linear(net, "logit", x, .out = 1),
	                 gm_linear(net, "logit", x, .out = 1));
	gm_linear(net, "logit", x, .out = 4);
	assert_int_equal(gm_graph_error(g)->code, GM_ERR_SHAPE);
	assert_non_null(strstr(gm_graph_error(g)->message, "D/logit/weight"));
	gm_net_free(net);
	gm_graph_free(g);
}

/* ---- initialisers ---------------------------------------------------------------------------- */

static double *drawn(gm_init init, gm_shape s, uint64_t seed, int64_t *n)
{
	gm_graph *g = graph(GM_F64);
	gm_net *net = gm_net_create(g, "N", .seed = seed);
	gm_node *v = gm_net_var(net, "w", s, .init = init);
	*n = gm_node_size(v);
	double *x = malloc(*n * sizeof *x);
	assert_true(gm_get_f64(v, x, *n));
	gm_net_free(net);
	finish(g);
	return x;
}

/* Mean and standard deviation within five standard errors; bounds where the law has them. */
static void initialiser_statistics(void **state)
{
	(void)state;
	gm_shape s = GM_SHAPE(128, 64, 3, 3);
	double in = 64 * 9, out = 128 * 9;
	const struct {
		gm_init init;
		double mean, std, bound;
	} law[] = {
		{GM_NORMAL(1, .02), 1, .02, 0},
		{GM_UNIFORM(-.05, .05), 0, .1 / sqrt(12), .05},
		{GM_FAN_IN, 0, 1 / sqrt(3 * in), 1 / sqrt(in)},
		{GM_XAVIER_UNIFORM(1), 0, sqrt(2 / (in + out)), sqrt(6 / (in + out))},
		{GM_XAVIER_NORMAL(2), 0, 2 * sqrt(2 / (in + out)), 0},
		{GM_HE_NORMAL(0), 0, sqrt(2 / in), 0},
		{GM_HE_UNIFORM(.2), 0, sqrt(2 / 1.04 / in), sqrt(6 / 1.04 / in)},
	};
	for (size_t k = 0; k < sizeof law / sizeof *law; k++) {
		int64_t n;
		double *x = drawn(law[k].init, s, 5, &n), mean = 0, var = 0;
		for (int64_t i = 0; i < n; i++)
			mean += x[i] / n;
		for (int64_t i = 0; i < n; i++) {
			var += (x[i] - mean) * (x[i] - mean) / n;
			assert_true(!law[k].bound || fabs(x[i]) <= law[k].bound);
		}
		assert_true(fabs(mean - law[k].mean) < 5 * law[k].std / sqrt(n));
		/* a standard deviation's own error is at most std/sqrt(2n) (normal) */
		assert_true(fabs(sqrt(var) - law[k].std) < 5 * law[k].std / sqrt(2 * n));
		free(x);
	}
}

static void orthogonal_is_orthogonal(void **state)
{
	(void)state;
	const int sizes[][2] = {{20, 50}, {50, 20}, {33, 33}, {1, 9}};
	for (int k = 0; k < 4; k++) {
		int rows = sizes[k][0], cols = sizes[k][1], few = rows < cols ? rows : cols;
		int64_t n;
		double *q = drawn(GM_ORTHOGONAL(1.5), GM_SHAPE(rows, cols), 2, &n);
		for (int a = 0; a < few; a++)
			for (int b = 0; b < few; b++) {
				double dot = 0;
				for (int i = 0; i < rows + cols - few; i++)
					dot += rows < cols ? q[a * cols + i] * q[b * cols + i]
					                   : q[i * cols + a] * q[i * cols + b];
				near(dot, a == b ? 2.25 : 0, 1e-12);
			}
		free(q);
	}
}

/* The same variable has the same values whatever is built beside it, and others for another seed
 * or name. */
static void initial_values_are_pure(void **state)
{
	(void)state;
	double first[12], v[12];
	for (int k = 0; k < 4; k++) {
		gm_graph *g = graph(GM_F64);
		gm_net *net = gm_net_create(g, "G", .seed = k == 2 ? 12 : 11);
		gm_node *x = gm_full(g, 1, GM_SHAPE(2, 3));
		if (k == 1)
			gm_linear(net, "before", x, .out = 7);
		gm_linear(net, k == 3 ? "other" : "h", x, .out = 4);
		gm_get_f64(gm_net_find(net, k == 3 ? "G/other/weight" : "G/h/weight"),
		           k ? v : first, 12);
		if (k)
			assert_true((memcmp(first, v, sizeof v) == 0) == (k == 1));
		gm_net_free(net);
		finish(g);
	}
}

/* ---- objectives ------------------------------------------------------------------------------ */

static double softplus(double x)
{
	return log1p(exp(x));
}

static void objectives_by_hand(void **state)
{
	(void)state;
	enum { N = 5 };
	double a[N], b[N];
	waves(a, N, .2), waves(b, N, 2);
	for (const gm_objective *o = gm_objectives; o->name; o++) {
		gm_graph *g = graph(GM_F64);
		gm_node *na = gm_array(g, a, GM_SHAPE(N, 1), GM_F64),
			*nb = gm_array(g, b, GM_SHAPE(N, 1), GM_F64);
		gm_node *d = gm_objective_d(o, na, nb, NULL), *l = gm_objective_g(o, na, nb, NULL);
		gm_step *s = compiled(g, gm_compile(g, d, l));
		double want_d = 0, want_l = 0, mean_a = 0, mean_b = 0;
		for (int i = 0; i < N; i++)
			mean_a += a[i] / N, mean_b += b[i] / N;
		for (int i = 0; i < N; i++) {
			const char *n = o->name;
			if (!strcmp(n, "relativistic")) {
				want_d += (softplus(mean_b - a[i]) + softplus(b[i] - mean_a)) / N;
				want_l += (softplus(mean_a - b[i]) + softplus(a[i] - mean_b)) / N;
				continue;
			}
			if (!strcmp(n, "least-squares"))
				want_d += (pow(a[i] - 1, 2) + b[i] * b[i]) / 2 / N,
					want_l += pow(b[i] - 1, 2) / 2 / N;
			else if (!strcmp(n, "wasserstein"))
				want_d += (b[i] - a[i]) / N, want_l -= b[i] / N;
			else if (!strcmp(n, "hinge"))
				want_d += (fmax(0, 1 - a[i]) + fmax(0, 1 + b[i])) / N,
					want_l -= b[i] / N;
			else
				want_d += (softplus(-a[i]) + softplus(b[i])) / N;
			if (!strcmp(n, "minimax"))
				want_l -= softplus(b[i]) / N;
			else if (!strcmp(n, "non-saturating"))
				want_l += softplus(-b[i]) / N;
			else if (!strcmp(n, "max-likelihood"))
				want_l -= exp(b[i]) / N;
		}
		gm_step_run(s);
		near(gm_step_scalar(s, d), want_d, 1e-12);
		near(gm_step_scalar(s, l), want_l, 1e-12);
		assert_ptr_equal(gm_objective_find(o->name), o);
		finish(g);
	}
	assert_non_null(gm_objective_find("least_squares"));
	assert_null(gm_objective_find("least"));
}

/* ---- optimisers ------------------------------------------------------------------------------ */

enum { P = 6, STEPS = 5 };

/* loss = sum c p^2 / 2 + sum p, so the gradient is c p + 1. */
static const double curve[P] = {.5, 1, 2, -1, 0, 4};

typedef gm_node *rule_fn(gm_net *n, gm_node *loss, gm_optimiser_args a);

static void run_rule(rule_fn *rule, gm_optimiser_args a, double *lr, double *momentum,
                     double p[STEPS][P])
{
	gm_graph *g = graph(GM_F64);
	gm_net *net = gm_net_create(g, "N", .seed = 1);
	double start[P];
	waves(start, P, .7);
	gm_node *w = gm_net_var(net, "w", GM_SHAPE(P), .init = GM_GIVEN(start));
	gm_node *c = gm_array(g, curve, GM_SHAPE(P), GM_F64);
	gm_node *loss = gm_add(gm_mul_c(gm_sum_all(gm_mul(c, gm_square(w))), .5), gm_sum_all(w));
	gm_node *rate = gm_input(g, "lr", GM_RANK0, GM_F64),
		*mom = gm_input(g, "momentum", GM_RANK0, GM_F64);
	a.lr = rate;
	a.momentum = momentum ? mom : NULL;
	gm_step *s = compiled(g, gm_compile(g, loss, rule(net, loss, a)));
	for (int t = 0; t < STEPS; t++) {
		gm_set_f64(rate, &lr[t], 1);
		gm_set_f64(mom, momentum ? &momentum[t] : lr, 1);
		gm_step_run(s);
		gm_get_f64(w, p[t], P);
	}
	gm_net_free(net);
	finish(g);
}

static double lr_of[STEPS] = {.1, .09, .2, .05, .1}, momentum_of[STEPS] = {.5, .5, .6, .7, .9};

static void sgd_by_hand(void **state)
{
	(void)state;
	double got[STEPS][P], p[P], v[P] = {0};
	waves(p, P, .7);
	run_rule(gm_sgd_, (gm_optimiser_args){0}, lr_of, momentum_of, got);
	for (int t = 0; t < STEPS; t++)
		for (int i = 0; i < P; i++) {
			v[i] = momentum_of[t] * v[i] - lr_of[t] * (curve[i] * p[i] + 1);
			near(got[t][i], p[i] += v[i], 1e-13);
		}
	waves(p, P, .7);
	run_rule(gm_sgd_, (gm_optimiser_args){.l2 = .3, .clip_value = .8, .clip_weights = .5},
	         lr_of, NULL, got);
	for (int t = 0; t < STEPS; t++)
		for (int i = 0; i < P; i++) {
			double d = fmin(fmax(curve[i] * p[i] + 1, -.8), .8) + .3 * p[i];
			p[i] = fmin(fmax(p[i] - lr_of[t] * d, -.5), .5);
			near(got[t][i], p[i], 1e-13);
		}
}

/* The letters of Algorithm 1, with its corrections where it has them. */
static void adam_by_hand(void **state)
{
	(void)state;
	const double beta[][2] = {{.5, .999}, {0, .9}};
	for (int k = 0; k < 2; k++) {
		double got[STEPS][P], p[P], m[P] = {0}, v[P] = {0}, b1 = beta[k][0],
					    b2 = beta[k][1];
		waves(p, P, .7);
		run_rule(gm_adam_,
		         (gm_optimiser_args){.beta1 = b1 ? b1 : GM_NONE, .beta2 = b2, .eps = 1e-3},
		         lr_of, NULL, got);
		for (int t = 0; t < STEPS; t++)
			for (int i = 0; i < P; i++) {
				double d = curve[i] * p[i] + 1;
				m[i] = b1 * m[i] + (1 - b1) * d;
				v[i] = b2 * v[i] + (1 - b2) * d * d;
				double mh = m[i] / (1 - pow(b1, t + 1)),
				       vh = v[i] / (1 - pow(b2, t + 1));
				near(got[t][i], p[i] -= lr_of[t] * mh / (sqrt(vh) + 1e-3), 1e-12);
			}
	}
}

static void rmsprop_by_hand(void **state)
{
	(void)state;
	double got[STEPS][P], p[P], s[P] = {0};
	waves(p, P, .7);
	run_rule(gm_rmsprop_, (gm_optimiser_args){.rho = .8, .eps = 1e-6}, lr_of, NULL, got);
	for (int t = 0; t < STEPS; t++)
		for (int i = 0; i < P; i++) {
			double d = curve[i] * p[i] + 1;
			s[i] = .8 * s[i] + .2 * d * d;
			near(got[t][i], p[i] -= lr_of[t] * d / (sqrt(s[i]) + 1e-6), 1e-13);
		}
}

static void norm_clipping_by_hand(void **state)
{
	(void)state;
	double got[STEPS][P], p[P];
	waves(p, P, .7);
	run_rule(gm_sgd_, (gm_optimiser_args){.clip_norm = 2}, lr_of, NULL, got);
	for (int t = 0; t < STEPS; t++) {
		double norm = 0;
		for (int i = 0; i < P; i++)
			norm += pow(curve[i] * p[i] + 1, 2);
		double scale = fmin(1, 2 / sqrt(norm));
		for (int i = 0; i < P; i++)
			near(got[t][i], p[i] -= lr_of[t] * scale * (curve[i] * p[i] + 1), 1e-13);
	}
	gm_graph *g = graph(GM_F64); /* no gradient at all is left as it is, not made NaN */
	gm_node *zero = gm_full(g, 0, GM_SHAPE(3));
	gm_clip_norm(&zero, 1, 1);
	gm_step *s = compiled(g, gm_compile(g, zero));
	double v[3] = {1, 1, 1};
	gm_step_run(s);
	gm_step_read_f64(s, zero, v, 3);
	near(v[0], 0, 0);
	finish(g);
}

/* The mean of all updated values, and with the fourth update the decay, .75, is reached. */
static void averages_follow(void **state)
{
	(void)state;
	gm_graph *g = graph(GM_F64);
	gm_net *net = gm_net_create(g, "G", .seed = 1);
	double start = 2, p = start, a = start, v;
	gm_node *w = gm_net_var(net, "w", GM_SHAPE(1), .init = GM_CONSTANT(start));
	gm_node *loss = gm_sum_all(gm_square(w)), *seen = gm_mul_c(w, 10);
	gm_node *update = gm_sgd(net, loss, .lr = gm_scalar(g, .1), .average = .75);
	gm_step *s = compiled(g, gm_compile(g, loss, update));
	gm_node *from[4], *to[4];
	assert_int_equal(gm_net_averages(net, from, to, 4), 1);
	assert_ptr_equal(from[0], w);
	assert_ptr_equal(to[0], gm_net_find(net, "G/w.ema"));
	gm_compile_options o = {.infer = true, .from = from, .to = to, .nreplace = 1};
	gm_step *sample = compiled(g, gm_compile_nodes(g, &seen, 1, &o));
	for (int t = 0; t < 6; t++) {
		const double decay = t < 3 ? t / (t + 1.) : .75;
		gm_step_run(s);
		p -= .1 * 2 * p;
		a = decay * a + (1 - decay) * p; /* of the value after the update */
		gm_get_f64(to[0], &v, 1);
		near(v, a, 1e-13);
		gm_step_run(sample);
		gm_step_read_f64(sample, seen, &v, 1);
		near(v, 10 * a, 1e-13);
	}
	gm_net_free(net);
	finish(g);
}

/* A net of two parameters a, b with the loss sum (a - 1)^2 / 2; b is not in it. */
typedef struct pair {
	gm_graph *g;
	gm_net *net;
	gm_node *a, *b, *loss;
} pair;

static pair pair_of(void)
{
	pair p = {.g = graph(GM_F64)};
	p.net = gm_net_create(p.g, "N", .seed = 1);
	p.a = gm_net_var(p.net, "head/a", GM_SHAPE(2), .init = GM_CONSTANT(3));
	p.b = gm_net_var(p.net, "body/b", GM_SHAPE(2), .init = GM_CONSTANT(5));
	p.loss = gm_mul_c(gm_sum_all(gm_square(gm_add_c(p.a, -1))), .5);
	return p;
}

static double value_of(const gm_node *v)
{
	double x[2] = {NAN, NAN};
	gm_get_f64(v, x, 2);
	assert_true(x[0] == x[1]);
	return x[0];
}

static void end_pair(pair *p)
{
	gm_net_free(p->net);
	finish(p->g);
}

/* Of two moves of one variable in one step one would be lost. */
static void two_moves_in_one_step_are_refused(void **state)
{
	(void)state;
	pair p = pair_of();
	gm_node *one = gm_sgd(p.net, p.loss, .lr = gm_scalar(p.g, .1)),
		*two = gm_sgd(p.net, gm_mul_c(p.loss, 3), .lr = gm_scalar(p.g, .1),
	                      .name = "other");
	assert_null(gm_compile(p.g, one, two));
	assert_non_null(
		strstr(gm_graph_error(p.g)->message, "N/head/a is assigned twice in one step"));
	gm_net_free(p.net);
	gm_graph_free(p.g);
	/* The same effect twice, and two effects in two steps, are fine. */
	p = pair_of();
	one = gm_sgd(p.net, p.loss, .lr = gm_scalar(p.g, .1));
	two = gm_sgd(p.net, p.loss, .lr = gm_scalar(p.g, .2), .name = "other");
	gm_step *s = compiled(p.g, gm_compile(p.g, one, one)),
		*t = compiled(p.g, gm_compile(p.g, two));
	gm_step_run(s);
	near(value_of(p.a), 3 - .1 * 2, 1e-13);
	gm_step_run(t);
	near(value_of(p.a), 2.8 - .2 * 1.8, 1e-13);
	end_pair(&p);
}

/* Averages and gradient norms belong to the optimiser that was asked for, whichever is the newest.
 */
static void each_optimiser_has_its_own(void **state)
{
	(void)state;
	pair p = pair_of();
	gm_node *first = gm_sgd(p.net, p.loss, .lr = gm_scalar(p.g, .1), .average = .5),
		*second = gm_sgd(p.net, gm_mul_c(p.loss, 10), .lr = gm_scalar(p.g, .1),
	                         .name = "other");
	gm_node *norm = gm_net_gradient_norm(p.net, first),
		*other = gm_net_gradient_norm(p.net, second);
	assert_null(gm_net_gradient_norm(p.net, p.loss));
	gm_step *s = compiled(p.g, gm_compile(p.g, first, norm, other));
	gm_step_run(s);
	near(value_of(p.a), 2.8, 1e-13);
	near(value_of(gm_net_find(p.net, "N/head/a.ema")), 2.8, 1e-13);
	near(gm_step_scalar(s, norm), 2 * sqrt(2), 1e-12);
	near(gm_step_scalar(s, other), 20 * sqrt(2), 1e-12);
	assert_null(gm_net_find(p.net, "N/body/b.ema"));
	end_pair(&p);
}

/* Parameters that the loss does not depend on, frozen ones, and those excluded by `only` have no
 * moments and do not change. */
static void only_some_parameters_move(void **state)
{
	(void)state;
	for (int k = 0; k < 3; k++) {
		pair p = pair_of();
		gm_node *both = gm_add(p.loss, gm_sum_all(gm_square(p.b)));
		if (k == 2)
			assert_int_equal(gm_net_freeze(p.net, "body/*"), 1);
		gm_node *all[2];
		assert_int_equal(gm_net_params(p.net, NULL, all, 2), k == 2 ? 1 : 2);
		assert_int_equal(gm_net_params(p.net, "head/*", all, 2), 1);
		assert_ptr_equal(all[0], p.a);
		assert_int_equal(gm_net_parameters(p.net), 4);
		gm_node *move = gm_adam(p.net, k ? both : p.loss, .lr = gm_scalar(p.g, .1),
		                        .l2 = .1, .only = k == 1 ? "head/*" : NULL);
		gm_step_run(compiled(p.g, gm_compile(p.g, move)));
		near(value_of(p.a), 2.9, 1e-6);
		assert_true(value_of(p.b) == 5);
		assert_non_null(gm_net_find(p.net, "N/head/a.adam.m"));
		assert_null(gm_net_find(p.net, "N/body/b.adam.m"));
		end_pair(&p);
	}
	pair p = pair_of();
	assert_null(gm_compile(p.g, gm_sgd(p.net, p.loss, .only = "tail/*")));
	assert_non_null(strstr(gm_graph_error(p.g)->message, "no parameter is called tail/*"));
	gm_net_free(p.net);
	gm_graph_free(p.g);
}

/* Three minibatches of two rows move as one of six does; in between nothing changes. */
static void gradients_accumulate(void **state)
{
	(void)state;
	const double rows[] = {1, 4, -2, .5, 3, 7};
	for (int k = 0; k < 2; k++) {
		gm_graph *g[2] = {graph(GM_F64), graph(GM_F64)};
		gm_net *net[2];
		gm_node *w[2], *x[2];
		gm_step *s[2];
		for (int i = 0; i < 2; i++) {
			net[i] = gm_net_create(g[i], "N", .seed = 1);
			w[i] = gm_net_var(net[i], "w", GM_SHAPE(1), .init = GM_CONSTANT(.7));
			x[i] = gm_input(g[i], "x", GM_SHAPE(i ? 2 : 6), GM_F64);
			gm_node *loss =
				gm_mean_all(gm_square(gm_sub(gm_mul(x[i], w[i]), gm_sin(x[i]))));
			gm_optimiser_args a = {.lr = gm_scalar(g[i], .05),
			                       .accumulate = i ? 3 : 1,
			                       .average = .5,
			                       .clip_norm = k ? .3 : 0};
			s[i] = compiled(g[i], gm_compile(g[i], gm_adam_(net[i], loss, a)));
		}
		for (int turn = 0; turn < 3; turn++) {
			double before, now[2], mean[2];
			gm_set_f64(x[0], rows, 6);
			gm_step_run(s[0]);
			gm_get_f64(w[1], &before, 1);
			for (int part = 0; part < 3; part++) {
				gm_get_f64(w[1], &now[1], 1);
				assert_true(now[1] == before);
				gm_set_f64(x[1], rows + 2 * part, 2);
				gm_step_run(s[1]);
			}
			for (int i = 0; i < 2; i++) {
				gm_get_f64(w[i], &now[i], 1);
				gm_get_f64(gm_net_find(net[i], "N/w.ema"), &mean[i], 1);
			}
			near(now[1], now[0], 1e-13);
			near(mean[1], mean[0], 1e-13);
			assert_true(fabs(now[1] - before) > 1e-3);
		}
		for (int i = 0; i < 2; i++)
			gm_net_free(net[i]), finish(g[i]);
	}
}

static gm_node *onto_two(void *ctx, const char *key, gm_node *next)
{
	assert_string_equal(key, "head/a");
	return gm_min(next, gm_scalar(ctx, 2));
}

static void updates_are_projected(void **state)
{
	(void)state;
	pair p = pair_of();
	gm_node *move =
		gm_sgd(p.net, p.loss, .lr = gm_scalar(p.g, .1), .project = onto_two, .ctx = p.g);
	gm_step_run(compiled(p.g, gm_compile(p.g, move)));
	near(value_of(p.a), 2, 1e-13); /* 2.8 without */
	end_pair(&p);
}

/* gm_net_with: layers read the substituted parameters, and gradients are with respect to them. */
static void nets_at_other_parameters(void **state)
{
	(void)state;
	gm_graph *g = graph(GM_F64);
	gm_net *net = gm_net_create(g, "N", .seed = 1);
	gm_node *x = gm_full(g, 2, GM_SHAPE(1, 1)), *param[2], *instead, *d;
	gm_node *y =
		gm_linear(net, "y", x, .out = 1, .init = GM_CONSTANT(3), .bias = GM_CONSTANT(1));
	assert_int_equal(gm_net_params(net, "y/weight", param, 2), 1);
	instead = gm_mul_c(param[0], 10);
	gm_net_with(net, param, &instead, 1);
	gm_node *other = gm_linear(net, "y", x, .out = 1);
	gm_net_with(net, NULL, NULL, 0);
	gm_node *again = gm_linear(net, "y", x, .out = 1);
	gm_grad(other, &instead, 1, &d);
	gm_step *s = compiled(g, gm_compile(g, y, other, again, d));
	double v;
	gm_step_run(s);
	gm_step_read_f64(s, y, &v, 1), near(v, 7, 1e-13);
	gm_step_read_f64(s, other, &v, 1), near(v, 61, 1e-13);
	gm_step_read_f64(s, again, &v, 1), near(v, 7, 1e-13);
	gm_step_read_f64(s, d, &v, 1), near(v, 2, 1e-13);
	gm_net_free(net);
	finish(g);
}

/* ---- gradient penalty: the second order ------------------------------------------------------ */

/* WGAN-GP's penalty of a small convolutional critic, its gradient in every parameter against
 * central differences. */
static void gradient_penalty_second_order(void **state)
{
	(void)state;
	for (int centre = 0; centre < 2; centre++) {
		gm_graph *g = graph(GM_F64);
		gm_net *net = gm_net_create(g, "D", .seed = 4);
		gm_node *real = input_of(g, "real", GM_SHAPE(3, 2, 6, 6), .1);
		gm_node *fake = input_of(g, "fake", GM_SHAPE(3, 2, 6, 6), 2.3);
		gm_node *mix = gm_interpolate(real, fake);
		gm_node *h = gm_tanh(
			gm_conv(net, "a", mix, .out = 4, .kernel = 4, .stride = 2, .pad = 1));
		h = gm_softplus(gm_conv(net, "b", h, .out = 3, .kernel = 3, .pad = 1));
		gm_node *y = gm_linear(net, "y", h, .out = 1),
			*loss = gm_gradient_penalty(y, mix, centre);
		gm_node *wrt[8], *grad[8];
		int n = 0;
		for (int i = 0; i < gm_net_count(net); i++)
			wrt[n++] = gm_net_at(net, i).node;
		gm_grad(loss, wrt, n, grad);
		gm_node *outputs[9] = {loss};
		memcpy(outputs + 1, grad, n * sizeof *grad);
		gm_step *s = compiled(g, gm_compile_nodes(g, outputs, n + 1, NULL));
		double biggest = 0;
		for (int i = 0; i < n; i++) {
			int64_t size = gm_node_size(wrt[i]);
			double *p = malloc(size * sizeof *p), *d = malloc(size * sizeof *d);
			gm_get_f64(wrt[i], p, size);
			gm_graph_seed(g, 7, 0); /* the same mixture each time */
			gm_step_run(s);
			gm_step_read_f64(s, grad[i], d, size);
			double scale = 1e-3;
			for (int64_t j = 0; j < size; j++)
				scale = fmax(scale, fabs(d[j]));
			for (int64_t j = 0; j < size; j += 1 + size / 12) {
				/* fourth order: error h^4, rounding 1e-16/h */
				double was = p[j], step = 1e-3, f[4];
				const double at[4] = {-2, -1, 1, 2};
				for (int k = 0; k < 4; k++) {
					p[j] = was + at[k] * step;
					gm_set_f64(wrt[i], p, size);
					gm_graph_seed(g, 7, 0);
					gm_step_run(s);
					f[k] = gm_step_scalar(s, loss);
				}
				p[j] = was;
				gm_set_f64(wrt[i], p, size);
				double want = (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * step);
				if (fabs(d[j] - want) > 1e-6 * scale)
					fail_msg("%s[%d]: %.12g, by differences %.12g",
					         gm_node_name(wrt[i]), (int)j, d[j], want);
				biggest = fmax(biggest, fabs(d[j]));
			}
			free(p);
			free(d);
		}
		assert_true(biggest > 1e-3);
		gm_net_free(net);
		finish(g);
	}
}

/* D's step of WGAN-GP as it is trained: the penalty falls when it is all there is to minimise. */
static void gradient_penalty_trains(void **state)
{
	(void)state;
	gm_graph *g = graph(GM_F32);
	gm_net *net = gm_net_create(g, "D", .seed = 9);
	gm_node *x = gm_randn(g, GM_SHAPE(32, 2));
	gm_node *h = gm_leaky_relu(gm_linear(net, "a", x, .out = 32), .2);
	gm_node *loss = gm_gradient_penalty(gm_linear(net, "y", h, .out = 1), x, 1);
	gm_step *s = compiled(
		g, gm_compile(g, loss,
	                      gm_adam(net, loss, .lr = gm_scalar(g, 1e-2), .beta1 = GM_NONE)));
	gm_step_run(s);
	double first = gm_step_scalar(s, loss);
	for (int i = 0; i < 200; i++)
		gm_step_run(s);
	assert_true(gm_step_scalar(s, loss) < .2 * first);
	gm_net_free(net);
	finish(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(batch_norm_train_and_infer),
		cmocka_unit_test(batch_norm_first_owns),
		cmocka_unit_test(maxout_is_the_largest_piece),
		cmocka_unit_test(dropout_expectations),
		cmocka_unit_test(dropout_as_noise),
		cmocka_unit_test(shapes_of_layers),
		cmocka_unit_test(a_name_used_twice_must_fit),
		cmocka_unit_test(initialiser_statistics),
		cmocka_unit_test(orthogonal_is_orthogonal),
		cmocka_unit_test(initial_values_are_pure),
		cmocka_unit_test(objectives_by_hand),
		cmocka_unit_test(sgd_by_hand),
		cmocka_unit_test(adam_by_hand),
		cmocka_unit_test(rmsprop_by_hand),
		cmocka_unit_test(norm_clipping_by_hand),
		cmocka_unit_test(averages_follow),
		cmocka_unit_test(two_moves_in_one_step_are_refused),
		cmocka_unit_test(each_optimiser_has_its_own),
		cmocka_unit_test(only_some_parameters_move),
		cmocka_unit_test(gradients_accumulate),
		cmocka_unit_test(updates_are_projected),
		cmocka_unit_test(nets_at_other_parameters),
		cmocka_unit_test(gradient_penalty_second_order),
		cmocka_unit_test(gradient_penalty_trains),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
