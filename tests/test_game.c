/* SPDX-License-Identifier: MIT
 *
 * test_game.c -- objectives, penalties, normalisers and tricks against theory, LAPACK, central
 * differences, and direct computations.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ganymede/nn.h"
#include "graphs.h"

/* ---- normalisers ----------------------------------------------------------------------------- */

/* The largest singular value of w as [rows, cols]. */
static double largest(double *w, int rows, int cols)
{
	int least = rows < cols ? rows : cols;
	double *s = malloc(least * sizeof *s);
	assert_int_equal(LAPACKE_dgesdd(LAPACK_ROW_MAJOR, 'N', rows, cols, w, cols, s, NULL, rows,
	                                NULL, cols),
	                 0);
	double first = s[0];
	free(s);
	return first;
}

/* Outputs lie along axis 0 of linear and convolution weights, along 1 of transposed ones. */
static void spectral_norm_is_the_largest_singular_value(void **state)
{
	(void)state;
	enum { OUT = 5, IN = 3, K = 4 };
	gm_graph *g = graph(GM_F64);
	gm_net *n = gm_net_create(g, "D", .seed = 3);
	gm_net_normalise(n, gm_normaliser_find("spectral"));
	gm_node *x = input_of(g, "x", GM_SHAPE(2, IN, 6, 6), .4);
	gm_node *y[3] = {
		gm_linear(n, "linear", x, .out = 7, .no_bias = true),
		gm_conv(n, "conv", x, .out = OUT, .kernel = K, .no_bias = true),
		gm_conv_transposed(n, "up", x, .out = OUT, .kernel = K, .no_bias = true),
	};
	gm_step *s = compiled(g, gm_compile_nodes(g, y, 3, NULL));
	for (int i = 0; i < 400; i++)
		gm_step_run(s);
	/* The same net with u standing still and plain layers: the ratio of outputs is sigma. */
	gm_net_normalise(n, NULL);
	gm_node *plain[3] = {
		gm_linear(n, "linear", x, .out = 7, .no_bias = true),
		gm_conv(n, "conv", x, .out = OUT, .kernel = K, .no_bias = true),
		gm_conv_transposed(n, "up", x, .out = OUT, .kernel = K, .no_bias = true),
	};
	gm_step *p = compiled(g, gm_compile_nodes(g, plain, 3, NULL));
	gm_step_run(p);
	const char *names[3] = {"D/linear/weight", "D/conv/weight", "D/up/weight"};
	for (int i = 0; i < 3; i++) {
		gm_node *node = gm_net_find(n, names[i]);
		gm_shape sh = gm_node_shape(node);
		int size = (int)gm_node_size(node);
		double *w = malloc(size * sizeof *w), *t = malloc(size * sizeof *t);
		gm_get_f64(node, w, size);
		memcpy(t, w, size * sizeof *w);
		int rows = (int)sh.dim[0], taps = K * K;
		if (i == 2) { /* [in,out,k,k] to [out,in,k,k] */
			rows = OUT;
			for (int a = 0; a < IN; a++)
				for (int b = 0; b < OUT; b++)
					memcpy(t + (b * IN + a) * taps, w + (a * OUT + b) * taps,
					       taps * sizeof *t);
		}
		double sigma = largest(t, rows, size / rows);
		int64_t many = gm_node_size(y[i]);
		double *a = malloc(many * sizeof *a), *b = malloc(many * sizeof *b);
		assert_true(gm_step_read_f64(s, y[i], a, many));
		assert_true(gm_step_read_f64(p, plain[i], b, many));
		for (int64_t k = 0; k < many; k++)
			near(b[k], a[k] * sigma, 1e-4);
		free(w), free(t), free(a), free(b);
	}
	gm_net_free(n);
	finish(g);
}

/* u moves once in a run, however often D is applied; and not at all in inference. */
static void spectral_norm_iterates_once_a_run(void **state)
{
	(void)state;
	gm_graph *g = graph(GM_F64);
	gm_net *n = gm_net_create(g, "D", .seed = 3);
	gm_net_normalise(n, gm_normaliser_find("spectral"));
	gm_node *x = input_of(g, "x", GM_SHAPE(2, 3), .4);
	gm_node *y =
		gm_add(gm_linear(n, "a", x, .out = 4), gm_linear(n, "a", gm_mul_c(x, 2), .out = 4));
	gm_node *u = gm_net_find(n, "D/a/u"), *node = gm_net_find(n, "D/a/weight");
	double w[12], before[4], after[4], v[3] = {0}, want[4] = {0}, norm = 0;
	gm_get_f64(node, w, 12), gm_get_f64(u, before, 4);
	gm_step *s = compiled(g, gm_compile(g, y));
	gm_step *infer =
		compiled(g, gm_compile_nodes(g, &y, 1, &(gm_compile_options){.infer = true}));
	gm_step_run(infer);
	gm_get_f64(u, after, 4);
	assert_memory_equal(before, after, sizeof after);
	gm_step_run(s);
	gm_get_f64(u, after, 4);
	for (int i = 0; i < 4; i++)
		for (int j = 0; j < 3; j++)
			v[j] += w[3 * i + j] * before[i];
	for (int i = 0; i < 4; i++) {
		for (int j = 0; j < 3; j++)
			want[i] += w[3 * i + j] * v[j];
		norm += want[i] * want[i];
	}
	for (int i = 0; i < 4; i++)
		near(after[i], want[i] / sqrt(norm), 1e-9);
	gm_net_free(n);
	finish(g);
}

static void normalise_once(const char *how, gm_shape shape, int64_t references, double *x, int n,
                           const double *ref, double *y)
{
	gm_graph *g = graph(GM_F64);
	gm_net *net = gm_net_create(g, "D", .seed = 3);
	gm_net_normalise(net, gm_normaliser_find(how));
	gm_node *in = gm_input(g, "x", shape, GM_F64);
	gm_set_f64(in, x, n);
	gm_node *h = gm_net_with_reference(net, in, references, NULL);
	gm_reference made[2];
	if (gm_net_references(net, made))
		assert_true(made[0].like == in &&
		            gm_set_f64(made[0].variable, ref, references * n / shape.dim[0]));
	h = gm_net_without_reference(net, gm_norm(net, "norm", gm_tanh(gm_norm(net, "first", h))));
	gm_step *s = compiled(g, gm_compile(g, h));
	gm_step_run(s);
	assert_true(gm_step_read_f64(s, h, y, n));
	gm_net_free(net);
	finish(g);
}

static void virtual_batch_norm_sees_one_example(void **state)
{
	(void)state;
	enum { N = 3, EACH = 2 * 4 * 4, R = 5 };
	const char *kinds[2] = {"virtual", "batch"};
	for (int k = 0; k < 2; k++) {
		double x[N * EACH], y[N * EACH], z[N * EACH], ref[R * EACH], apart = 0, moved = 0;
		gm_shape shape = GM_SHAPE(N, 2, 4, 4);
		waves(x, N * EACH, .2), waves(ref, R * EACH, 1.1);
		normalise_once(kinds[k], shape, R, x, N * EACH, ref, y);
		for (int i = EACH; i < N * EACH; i++)
			x[i] = 3 * x[i] + 1; /* all but the first example */
		normalise_once(kinds[k], shape, R, x, N * EACH, ref, z);
		for (int i = 0; i < EACH; i++)
			apart = fmax(apart, fabs(y[i] - z[i]));
		if (k)
			assert_true(apart > 1e-2);
		else
			near(apart, 0, 1e-13);
		waves(ref, R * EACH, 2);
		normalise_once(kinds[k], shape, R, x, N * EACH, ref, y);
		for (int i = 0; i < EACH; i++)
			moved = fmax(moved, fabs(y[i] - z[i]));
		assert_true((moved > 1e-3) == !k); /* the reference counts, for virtual alone */
	}
}

static void layer_and_instance_norm_standardise(void **state)
{
	(void)state;
	enum { N = 2, C = 3, P = 16 };
	double x[N * C * P], y[N * C * P];
	for (int k = 0; k < 2; k++) {
		gm_graph *g = graph(GM_F64);
		gm_net *net = gm_net_create(g, "D", .seed = 3);
		gm_net_normalise(net, gm_normaliser_find(k ? "instance" : "layer"));
		waves(x, N * C * P, .3);
		gm_node *in = gm_input(g, "x", GM_SHAPE(N, C, 4, 4), GM_F64);
		gm_set_f64(in, x, N * C * P);
		gm_node *h = gm_norm(net, "norm", in, .eps = 1e-12);
		gm_step *s = compiled(g, gm_compile(g, h));
		gm_step_run(s);
		gm_step_read_f64(s, h, y, N * C * P);
		int part = k ? P : C * P;
		for (int i = 0; i < N * C * P; i += part) {
			double mean = 0, square = 0;
			for (int j = 0; j < part; j++)
				mean += y[i + j] / part, square += y[i + j] * y[i + j] / part;
			near(mean, 0, 1e-12);
			near(square, 1, 1e-9);
		}
		gm_net_free(net);
		finish(g);
	}
}

static void weight_norm_starts_where_it_was(void **state)
{
	(void)state;
	double y[2][2 * 5 * 9 * 9];
	for (int k = 0; k < 2; k++) {
		gm_graph *g = graph(GM_F64);
		gm_net *net = gm_net_create(g, "D", .seed = 3);
		gm_net_normalise(net, gm_normaliser_find(k ? "weight" : "none"));
		gm_node *x = input_of(g, "x", GM_SHAPE(2, 3, 6, 6), .4);
		gm_node *h = gm_conv_transposed(net, "up", x, .out = 5, .kernel = 4);
		gm_step *s = compiled(g, gm_compile(g, h));
		gm_step_run(s);
		assert_true(gm_step_read_f64(s, h, y[k], 2 * 5 * 9 * 9));
		gm_net_free(net);
		finish(g);
	}
	for (int i = 0; i < 2 * 5 * 9 * 9; i++)
		near(y[1][i], y[0][i], 1e-9);
}

/* ---- penalties through a real critic --------------------------------------------------------- */

static gm_node *conv_critic(void *ctx, gm_net *D, gm_node *x, gm_node *given)
{
	(void)ctx, (void)given;
	gm_node *h = gm_tanh(gm_conv(D, "a", x, .out = 4, .kernel = 4, .stride = 2, .pad = 1));
	h = gm_softplus(gm_conv(D, "b", h, .out = 3, .kernel = 3, .pad = 1));
	return gm_linear(D, "y", gm_features(D, h), .out = 1);
}

/* Every parameter's gradient of D's whole loss, which holds gradients itself, against differences
 * of fourth order: error h^4, rounding 1e-16/h. */
static void second_order_of(const char *penalty, const char *normaliser)
{
	gm_graph *g = graph(GM_F64);
	gm_net *G = gm_net_create(g, "G", .seed = 5), *D = gm_net_create(g, "D", .seed = 4);
	gm_net_normalise(D, gm_normaliser_find(normaliser));
	gm_node *real = input_of(g, "real", GM_SHAPE(3, 2, 6, 6), .1);
	gm_node *z = input_of(g, "z", GM_SHAPE(3, 4), 2.3);
	gm_node *fake = gm_reshape(gm_tanh(gm_linear(G, "x", z, .out = 72)), GM_SHAPE(3, 2, 6, 6));
	gm_game m = {.G = G,
	             .D = D,
	             .discriminator = conv_critic,
	             .real.x = real,
	             .fake.x = fake,
	             .objective = gm_objective_find("wasserstein"),
	             .penalty = gm_penalty_find(penalty),
	             .weight = 3};
	gm_game_build(&m);
	assert_null(m.refusal);
	gm_node *wrt[16], *grad[16], *outputs[17];
	int n = 0;
	for (int i = 0; i < gm_net_count(D); i++)
		if (gm_net_at(D, i).role == GM_PARAM)
			wrt[n++] = gm_net_at(D, i).node;
	gm_grad(m.loss_d, wrt, n, grad);
	outputs[0] = m.loss_d;
	memcpy(outputs + 1, grad, n * sizeof *grad);
	gm_step *s = compiled(g, gm_compile_nodes(g, outputs, n + 1, NULL));
	double biggest = 0;
	for (int i = 0; i < n; i++) {
		int64_t size = gm_node_size(wrt[i]);
		double *p = malloc(size * sizeof *p), *d = malloc(size * sizeof *d), scale = 1e-3;
		gm_get_f64(wrt[i], p, size);
		gm_graph_seed(g, 7, 0); /* the same random numbers each time */
		gm_step_run(s);
		gm_step_read_f64(s, grad[i], d, size);
		for (int64_t j = 0; j < size; j++)
			scale = fmax(scale, fabs(d[j]));
		for (int64_t j = 0; j < size; j += 1 + size / 8) {
			double was = p[j], h = 1e-3, f[4];
			const double at[4] = {-2, -1, 1, 2};
			for (int k = 0; k < 4; k++) {
				p[j] = was + at[k] * h;
				gm_set_f64(wrt[i], p, size);
				gm_graph_seed(g, 7, 0);
				gm_step_run(s);
				f[k] = gm_step_scalar(s, m.loss_d);
			}
			p[j] = was;
			gm_set_f64(wrt[i], p, size);
			double want = (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * h);
			if (fabs(d[j] - want) > 1e-6 * scale)
				fail_msg("%s: %s[%d]: %.12g, by differences %.12g", penalty,
				         gm_node_name(wrt[i]), (int)j, d[j], want);
			biggest = fmax(biggest, fabs(d[j]));
		}
		free(p), free(d);
	}
	assert_true(biggest > 1e-3);
	gm_net_free(G), gm_net_free(D);
	finish(g);
}

static void penalties_second_order(void **state)
{
	(void)state;
	for (const gm_penalty *p = gm_penalties; p->name; p++) {
		assert_ptr_equal(gm_penalty_find(p->name), p);
		if (p->build)
			second_order_of(p->name, "none");
	}
	second_order_of("wgan-gp", "layer");
	second_order_of("r1", "weight");
	second_order_of("r1", "instance");
}

static void clipping_clips(void **state)
{
	(void)state;
	gm_graph *g = graph(GM_F64);
	gm_net *G = gm_net_create(g, "G", .seed = 5), *D = gm_net_create(g, "D", .seed = 4);
	gm_node *real = input_of(g, "real", GM_SHAPE(3, 2, 6, 6), .1);
	gm_game m = {.G = G,
	             .D = D,
	             .discriminator = conv_critic,
	             .real.x = real,
	             .fake.x = gm_mul_c(real, .3),
	             .objective = gm_objective_find("wasserstein"),
	             .penalty = gm_penalty_find("clip"),
	             .weight = .02};
	gm_game_build(&m);
	near(m.clip, .02, 0);
	gm_step *s = compiled(g, gm_compile(g, m.loss_d,
	                                    gm_rmsprop(D, m.loss_d, .lr = gm_scalar(g, 1e-2),
	                                               .clip_weights = m.clip)));
	for (int i = 0; i < 3; i++)
		gm_step_run(s);
	int at_bound = 0;
	for (int i = 0; i < gm_net_count(D); i++) {
		gm_net_entry e = gm_net_at(D, i);
		if (e.role != GM_PARAM)
			continue;
		int64_t n = gm_node_size(e.node);
		double *v = malloc(n * sizeof *v);
		gm_get_f64(e.node, v, n);
		for (int64_t j = 0; j < n; j++) {
			assert_true(fabs(v[j]) <= .02);
			at_bound += fabs(v[j]) == .02;
		}
		free(v);
	}
	assert_true(at_bound > 0);
	gm_net_free(G), gm_net_free(D);
	finish(g);
}

/* ---- objectives at their optimum ------------------------------------------------------------- */

/* D knows one number c, the score of everything; where data and fakes are the same, D's loss must
 * be flat at the c of theory, and not beside it (but for Wasserstein, which cannot tell). */
static void objectives_are_flat_at_the_optimum(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		double best; /* NAN: flat everywhere */
	} rows[] = {{"non-saturating", 0}, {"minimax", 0},       {"max-likelihood", 0},
	            {"least-squares", .5}, {"wasserstein", NAN}, {"hinge", NAN},
	            {"relativistic", NAN}};
	int count = 0;
	for (const gm_objective *o = gm_objectives; o->name; o++)
		count++;
	assert_int_equal(count, sizeof rows / sizeof *rows);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		gm_graph *g = graph(GM_F64);
		gm_node *c = gm_variable(g, "c", GM_RANK0), *slope;
		gm_node *a = gm_add(gm_full(g, 0, GM_SHAPE(4, 1)), c);
		gm_node *d = gm_objective_d(gm_objective_find(rows[i].name), a, a, NULL);
		gm_grad(d, &c, 1, &slope);
		gm_step *s = compiled(g, gm_compile(g, d, slope));
		const double at[2] = {isnan(rows[i].best) ? .1 : rows[i].best, .8};
		for (int k = 0; k < 2; k++) {
			gm_set_f64(c, &at[k], 1);
			gm_step_run(s);
			double got = gm_step_scalar(s, slope);
			if (k == 0 || isnan(rows[i].best))
				near(got, 0, 1e-13);
			else
				assert_true(got > .1);
		}
		finish(g);
	}
}

/* One-sided smoothing by s moves the best score of real examples to the logit of 1 - s; of least
 * squares to 1 - s. The labels a, b, c of least squares mean what they say. */
static void targets_move_the_optimum(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		gm_graph *g = graph(GM_F64);
		gm_node *c = gm_variable(g, "c", GM_RANK0), *b = gm_variable(g, "b", GM_RANK0);
		gm_node *wrt[2] = {c, b}, *slope[2];
		gm_terms t = {.smooth = .1, .a = -1, .b = 1, .c = 0};
		const gm_objective *o = gm_objective_find(i ? "least-squares" : "minimax");
		gm_grad(gm_objective_d(o, c, b, &t), wrt, 2, slope);
		gm_step *s = compiled(g, gm_compile(g, slope[0], slope[1]));
		double best = i ? 1 - .1 * 2 : log(.9 / .1), fake = -1;
		gm_set_f64(c, &best, 1), gm_set_f64(b, &fake, 1);
		gm_step_run(s);
		near(gm_step_scalar(s, slope[0]), 0, 1e-13);
		if (i)
			near(gm_step_scalar(s, slope[1]), 0, 1e-13);
		finish(g);
	}
}

/* ---- unrolling ------------------------------------------------------------------------------- */

enum { POINTS = 6 };

static gm_node *line_critic(void *ctx, gm_net *D, gm_node *x, gm_node *given)
{
	(void)ctx, (void)given;
	return gm_linear(D, "y", gm_features(D, x), .out = 1);
}

static double sigmoid(double x)
{
	return 1 / (1 + exp(-x));
}

/* D(x) = w x + c, fakes z + theta; k steps of D, then G's loss: all by hand. */
static double by_hand(const double *x, const double *z, double theta, double w, double c, int k,
                      double lr)
{
	double loss = 0;
	for (int i = 0; i < k; i++) {
		double dw = 0, dc = 0;
		for (int j = 0; j < POINTS; j++) {
			double f = z[j] + theta, a = -sigmoid(-(w * x[j] + c)),
			       b = sigmoid(w * f + c);
			dw += (a * x[j] + b * f) / POINTS, dc += (a + b) / POINTS;
		}
		w -= lr * dw, c -= lr * dc;
	}
	for (int j = 0; j < POINTS; j++)
		loss += log1p(exp(-(w * (z[j] + theta) + c))) / POINTS;
	return loss;
}

static void unrolled_as_by_hand(void **state)
{
	(void)state;
	double x[POINTS], z[POINTS], w, c, theta = .3, slope[4];
	waves(x, POINTS, .2), waves(z, POINTS, 1.4);
	for (int k = 0; k < 4; k++) {
		gm_graph *g = graph(GM_F64);
		gm_net *G = gm_net_create(g, "G", .seed = 5), *D = gm_net_create(g, "D", .seed = 4);
		gm_node *t = gm_net_var(G, "theta", GM_RANK0), *dt;
		gm_node *fake = gm_add(gm_array(g, z, GM_SHAPE(POINTS, 1), GM_F64), t);
		gm_game m = {.G = G,
		             .D = D,
		             .discriminator = line_critic,
		             .real.x = gm_array(g, x, GM_SHAPE(POINTS, 1), GM_F64),
		             .fake.x = fake,
		             .objective = gm_objective_find("non-saturating"),
		             .unroll = k,
		             .unroll_lr = .7};
		gm_game_build(&m);
		gm_grad(m.loss_g, &t, 1, &dt);
		gm_set_f64(t, &theta, 1);
		gm_get_f64(gm_net_find(D, "D/y/weight"), &w, 1);
		gm_get_f64(gm_net_find(D, "D/y/bias"), &c, 1);
		gm_step *s = compiled(g, gm_compile(g, m.loss_g, dt));
		gm_step_run(s);
		near(gm_step_scalar(s, m.loss_g), by_hand(x, z, theta, w, c, k, .7), 1e-12);
		double h = 1e-4, want = (by_hand(x, z, theta + h, w, c, k, .7) -
		                         by_hand(x, z, theta - h, w, c, k, .7)) /
		                        (2 * h);
		slope[k] = gm_step_scalar(s, dt);
		near(slope[k], want, 1e-7); /* h^2 and 1e-16/h */
		gm_net_free(G), gm_net_free(D);
		finish(g);
	}
	assert_true(fabs(slope[0] - slope[3]) > 1e-3);
}

/* ---- the other tricks ------------------------------------------------------------------------ */

static void packs_neighbours(void **state)
{
	(void)state;
	gm_graph *g = graph(GM_F64);
	gm_net *G = gm_net_create(g, "G", .seed = 5), *D = gm_net_create(g, "D", .seed = 4);
	gm_node *x = input_of(g, "x", GM_SHAPE(6, 2), .3);
	gm_game m = {.G = G,
	             .D = D,
	             .discriminator = line_critic,
	             .real.x = x,
	             .fake.x = x,
	             .objective = gm_objective_find("minimax"),
	             .pack = 3};
	gm_game_build(&m);
	gm_shape s = gm_node_shape(m.real.x), y = gm_node_shape(m.y_real);
	assert_true(s.rank == 2 && s.dim[0] == 2 && s.dim[1] == 6 && y.dim[0] == 2);
	double v[12], p[12];
	gm_step *step = compiled(g, gm_compile(g, m.real.x));
	gm_step_run(step);
	gm_get_f64(x, v, 12);
	gm_step_read_f64(step, m.real.x, p, 12);
	assert_memory_equal(v, p, sizeof v);
	gm_net_free(G), gm_net_free(D);
	finish(g);
}

enum { ROWS = 6, WIDE = 3, CLASSES = 4 };

/* D(x,y) = <x, w + V_y>, of packs the sum: the slope at x is w + V_y, so a penalty on slopes knows
 * which label stands beside which example. */
static gm_node *label_critic(void *ctx, gm_net *D, gm_node *x, gm_node *given)
{
	int *k = ctx;
	int64_t n = gm_node_shape(x).dim[0];
	gm_node *v = gm_embedding(D, "v", given, .rows = CLASSES, .dim = WIDE);
	gm_node *y = gm_mul(gm_reshape(x, GM_SHAPE(n, *k, WIDE)),
	                    gm_add(gm_reshape(v, GM_SHAPE(n, *k, WIDE)),
	                           gm_net_var(D, "w", GM_SHAPE(WIDE), .init = GM_NORMAL(0, 1))));
	return gm_reshape(gm_sum(y, GM_AXES(1, 2), false), GM_SHAPE(n, 1));
}

static void labels_stay_beside_their_examples(void **state)
{
	(void)state;
	static const int32_t label[ROWS] = {2, 0, 3, 3, 1, 2};
	static const char *const penalties[] = {"wgan-gp", "r1", "r2", "dragan"};
	for (size_t p = 0; p < sizeof penalties / sizeof *penalties; p++)
		for (int pack = 1; pack < 3; pack++) {
			gm_graph *g = graph(GM_F64);
			gm_net *G = gm_net_create(g, "G", .seed = 5),
			       *D = gm_net_create(g, "D", .seed = 4);
			gm_node *given = gm_input(g, "y", GM_SHAPE(ROWS), GM_I32);
			gm_set_i32(given, label, ROWS);
			gm_node *x = input_of(g, "x", GM_SHAPE(ROWS, WIDE), .3);
			gm_game m = {.G = G,
			             .D = D,
			             .discriminator = label_critic,
			             .ctx = &pack,
			             .real.x = x,
			             .fake.x = gm_mul_c(x, -.5),
			             .real.with = given,
			             .fake.with = given,
			             .objective = gm_objective_find("wasserstein"),
			             .penalty = gm_penalty_find(penalties[p]),
			             .weight = 2,
			             .pack = pack};
			gm_game_build(&m);
			gm_step *s = compiled(g, gm_compile(g, m.loss_d));
			gm_step_run(s);
			double v[CLASSES * WIDE], w[WIDE], at[ROWS * WIDE], price = 0, score = 0;
			gm_get_f64(gm_net_find(D, "D/v/weight"), v, CLASSES * WIDE);
			gm_get_f64(gm_net_find(D, "D/w"), w, WIDE);
			gm_get_f64(x, at, ROWS * WIDE);
			for (int i = 0; i < ROWS; i += pack) {
				double square = 0;
				for (int j = 0; j < pack * WIDE; j++) {
					double u = w[j % WIDE] +
					           v[label[i + j / WIDE] * WIDE + j % WIDE];
					square += u * u;
					score += -1.5 * u * at[i * WIDE + j];
				}
				price += p == 0 || p == 3 ? pow(sqrt(square) - 1, 2) : square / 2;
			}
			near(gm_step_scalar(s, m.loss_d), (score + 2 * price) * pack / ROWS, 1e-9);
			gm_net_free(G), gm_net_free(D);
			finish(g);
		}
}

static gm_node *normed_label_critic(void *ctx, gm_net *D, gm_node *x, gm_node *given)
{
	(void)ctx;
	gm_node *v = gm_embedding(D, "v", given, .rows = CLASSES, .dim = WIDE);
	gm_node *h = gm_norm(D, "h/norm", gm_linear(D, "h", GM_CONCAT(1, x, v), .out = 5));
	return gm_linear(D, "y", gm_features(D, gm_tanh(h)), .out = 1);
}

/* Virtual batch norm reads the reference batch with the labels of its own, and each example with
 * its own: another example's label changes nothing, and features come without reference rows. */
static void reference_batches_have_labels(void **state)
{
	(void)state;
	double got[3][ROWS], ref[2 * WIDE], kind[2][2] = {{1, 3}, {0, 3}};
	waves(ref, 2 * WIDE, .7);
	for (int k = 0; k < 3; k++) {
		int32_t label[ROWS] = {2, 0, 3, 3, 1, k == 1 ? 0 : 2};
		gm_graph *g = graph(GM_F64);
		gm_net *G = gm_net_create(g, "G", .seed = 5), *D = gm_net_create(g, "D", .seed = 4);
		gm_net_normalise(D, gm_normaliser_find("virtual"));
		gm_node *given = gm_input(g, "y", GM_SHAPE(ROWS), GM_I32);
		gm_set_i32(given, label, ROWS);
		gm_node *x = input_of(g, "x", GM_SHAPE(ROWS, WIDE), .3);
		gm_game m = {.G = G,
		             .D = D,
		             .discriminator = normed_label_critic,
		             .real.x = x,
		             .fake.x = gm_mul_c(x, -.5),
		             .real.with = given,
		             .fake.with = given,
		             .objective = gm_objective_find("hinge"),
		             .references = 2};
		gm_game_build(&m);
		gm_reference made[2];
		assert_int_equal(gm_net_references(D, made), 2);
		assert_true(made[0].like == x && made[1].like == given);
		assert_true(gm_set_f64(made[0].variable, ref, 2 * WIDE) &&
		            gm_set_f64(made[1].variable, kind[k == 2], 2));
		assert_int_equal(gm_node_shape(m.f_real).dim[0], ROWS);
		gm_step *s = compiled(g, gm_compile(g, m.y_real));
		gm_step_run(s);
		assert_true(gm_step_read_f64(s, m.y_real, got[k], ROWS));
		gm_net_free(G), gm_net_free(D);
		finish(g);
	}
	for (int i = 0; i < ROWS; i++)
		assert_true((fabs(got[0][i] - got[1][i]) > 1e-6) == (i == ROWS - 1));
	assert_true(fabs(got[0][0] - got[2][0]) > 1e-6);
}

static void minibatch_discrimination_by_hand(void **state)
{
	(void)state;
	enum { N = 4, A = 3, B = 2, C = 2 };
	gm_graph *g = graph(GM_F64);
	gm_net *D = gm_net_create(g, "D", .seed = 4);
	gm_node *x = input_of(g, "x", GM_SHAPE(N, A), .3);
	gm_node *y = gm_minibatch_discrimination(D, "m", x, .kernels = B, .dim = C);
	gm_step *s = compiled(g, gm_compile(g, y));
	double v[N * A], w[B * C * A], m[N][B * C] = {0}, got[N * (A + B)];
	gm_step_run(s);
	gm_get_f64(x, v, N * A), gm_get_f64(gm_net_find(D, "D/m/weight"), w, B * C * A);
	assert_true(gm_step_read_f64(s, y, got, N * (A + B)));
	for (int i = 0; i < N; i++)
		for (int k = 0; k < B * C; k++)
			for (int a = 0; a < A; a++)
				m[i][k] += v[i * A + a] * w[k * A + a];
	for (int i = 0; i < N; i++)
		for (int b = 0; b < B; b++) {
			double o = 0;
			for (int j = 0; j < N; j++) {
				double apart = 0;
				for (int k = 0; k < C; k++)
					apart += fabs(m[i][b * C + k] - m[j][b * C + k]);
				o += j == i ? 0 : exp(-apart);
			}
			near(got[i * (A + B) + A + b], o, 1e-12);
		}
	gm_net_free(D);
	finish(g);
}

/* With p at 1, 2, 4: the means are 1, 3/2, 7/3. */
static void historical_averaging_by_hand(void **state)
{
	(void)state;
	gm_graph *g = graph(GM_F64);
	gm_net *n = gm_net_create(g, "G", .seed = 5);
	gm_node *p = gm_net_var(n, "p", GM_SHAPE(1)), *dp, *h = gm_historical(n);
	gm_grad(h, &p, 1, &dp);
	gm_step *s = compiled(g, gm_compile(g, h, dp));
	const double at[3] = {1, 2, 4}, mean[3] = {1, 1.5, 7. / 3};
	for (int i = 0; i < 3; i++) {
		gm_set_f64(p, &at[i], 1);
		gm_step_run(s);
		near(gm_step_scalar(s, h), pow(at[i] - mean[i], 2), 1e-12);
		double d;
		gm_step_read_f64(s, dp, &d, 1);
		near(d, 2 * (at[i] - mean[i]), 1e-12);
	}
	gm_net_free(n);
	finish(g);
}

static void feature_matching_compares_means(void **state)
{
	(void)state;
	gm_graph *g = graph(GM_F64);
	gm_net *G = gm_net_create(g, "G", .seed = 5), *D = gm_net_create(g, "D", .seed = 4);
	gm_node *x = input_of(g, "x", GM_SHAPE(5, 2), .3), *z = input_of(g, "z", GM_SHAPE(5, 2), 2);
	gm_game m = {.G = G,
	             .D = D,
	             .discriminator = line_critic,
	             .real.x = x,
	             .fake.x = z,
	             .objective = gm_objective_find("minimax"),
	             .match = true};
	gm_game_build(&m);
	gm_step *s = compiled(g, gm_compile(g, m.loss_g));
	double a[10], b[10], want = 0;
	gm_step_run(s);
	gm_get_f64(x, a, 10), gm_get_f64(z, b, 10);
	for (int k = 0; k < 2; k++) {
		double apart = 0;
		for (int i = 0; i < 5; i++)
			apart += (a[2 * i + k] - b[2 * i + k]) / 5;
		want += apart * apart;
	}
	near(gm_step_scalar(s, m.loss_g), want, 1e-12);
	gm_net_free(G), gm_net_free(D);
	finish(g);
}

/* All flipped is the game with real and fake exchanged. */
static void flips_exchange_the_roles(void **state)
{
	(void)state;
	double loss[2];
	for (int k = 0; k < 2; k++) {
		gm_graph *g = graph(GM_F64);
		gm_net *G = gm_net_create(g, "G", .seed = 5), *D = gm_net_create(g, "D", .seed = 4);
		gm_node *x = input_of(g, "x", GM_SHAPE(5, 2), .3),
			*z = input_of(g, "z", GM_SHAPE(5, 2), 2);
		gm_game m = {.G = G,
		             .D = D,
		             .discriminator = line_critic,
		             .real.x = k ? z : x,
		             .fake.x = k ? x : z,
		             .objective = gm_objective_find("hinge"),
		             .flip = k ? 1 : 0};
		gm_game_build(&m);
		gm_step *s = compiled(g, gm_compile(g, m.loss_d));
		gm_step_run(s);
		loss[k] = gm_step_scalar(s, m.loss_d);
		gm_net_free(G), gm_net_free(D);
		finish(g);
	}
	near(loss[1], loss[0], 1e-12);
}

/* D's loss with a pool's fakes and with wrong pairs, in shares; G's is of its own fakes alone. */
static void sides_have_their_own_examples(void **state)
{
	(void)state;
	gm_graph *g = graph(GM_F64);
	gm_net *G = gm_net_create(g, "G", .seed = 5), *D = gm_net_create(g, "D", .seed = 4);
	gm_node *x[5];
	static const char *const name[] = {"real", "fake", "old", "wrong1", "wrong2"};
	for (int i = 0; i < 5; i++)
		x[i] = input_of(g, name[i], GM_SHAPE(3, 2), i);
	gm_game m = {.G = G,
	             .D = D,
	             .discriminator = line_critic,
	             .real.x = x[0],
	             .fake.x = x[1],
	             .fake_d.x = x[2],
	             .wrong = {{x[3]}, {x[4]}},
	             .wrong_share = .3,
	             .objective = gm_objective_find("hinge")};
	gm_game_build(&m);
	gm_step *s = compiled(g, gm_compile(g, m.loss_d, m.loss_g));
	double w[2], b, mean[5] = {0}, v[6];
	gm_step_run(s);
	gm_get_f64(gm_net_find(D, "D/y/weight"), w, 2),
		gm_get_f64(gm_net_find(D, "D/y/bias"), &b, 1);
	for (int i = 0; i < 5; i++) {
		gm_get_f64(x[i], v, 6);
		for (int j = 0; j < 3; j++) {
			double y = w[0] * v[2 * j] + w[1] * v[2 * j + 1] + b;
			mean[i] += (i == 0 ? fmax(0, 1 - y) : i == 1 ? -y : fmax(0, 1 + y)) / 3;
		}
	}
	near(gm_step_scalar(s, m.loss_d), mean[0] + .7 * mean[2] + .15 * (mean[3] + mean[4]),
	     1e-12);
	near(gm_step_scalar(s, m.loss_g), mean[1], 1e-12);
	m.objective = gm_objective_find("relativistic");
	assert_non_null(gm_game_refusal(&m));
	gm_net_free(G), gm_net_free(D);
	finish(g);
}

/* D(x, c) = <x, w> + <c, v>: where the two sides come with other codes, its slope is that in both.
 */
static gm_node *joint_critic(void *ctx, gm_net *D, gm_node *x, gm_node *with)
{
	(void)ctx;
	return gm_linear(D, "y", GM_CONCAT(1, x, with), .out = 1);
}

static void penalties_of_joint_games(void **state)
{
	(void)state;
	static const char *const penalties[] = {"wgan-gp", "r1", "r2", "dragan"};
	for (int k = 0; k < 4; k++) {
		gm_graph *g = graph(GM_F64);
		gm_net *G = gm_net_create(g, "G", .seed = 5), *D = gm_net_create(g, "D", .seed = 4);
		gm_node *x = input_of(g, "x", GM_SHAPE(4, 2), .3),
			*c = input_of(g, "c", GM_SHAPE(4, 3), 1);
		gm_game m = {.G = G,
		             .D = D,
		             .discriminator = joint_critic,
		             .real = {x, c},
		             .fake = {gm_mul_c(x, -2), gm_mul_c(c, .5)},
		             .objective = gm_objective_find("wasserstein"),
		             .penalty = gm_penalty_find(penalties[k]),
		             .weight = 1};
		gm_game_build(&m);
		gm_node *score = gm_objective_d(m.objective, m.y_real, m.y_fake, NULL);
		gm_step *s = compiled(g, gm_compile(g, gm_sub(m.loss_d, score)));
		double w[5], square = 0;
		gm_get_f64(gm_net_find(D, "D/y/weight"), w, 5);
		for (int i = 0; i < 5; i++)
			square += w[i] * w[i];
		gm_node *price = gm_sub(m.loss_d, score);
		gm_step_run(s);
		near(gm_step_scalar(s, price), k % 3 == 0 ? pow(sqrt(square) - 1, 2) : square / 2,
		     1e-9);
		gm_net_free(G), gm_net_free(D);
		finish(g);
	}
}

static gm_node *conditional_generator(void *ctx, gm_net *G, gm_node *z, gm_node *with)
{
	(void)ctx;
	return gm_block(G, "x", GM_CONCAT(1, z, with), .out = 2);
}

/* G is applied inside, with what its latents come with, and its reference batch is like those. */
static void generators_inside(void **state)
{
	(void)state;
	gm_graph *g = graph(GM_F64);
	gm_net *G = gm_net_create(g, "G", .seed = 5), *D = gm_net_create(g, "D", .seed = 4);
	gm_net_normalise(G, gm_normaliser_find("virtual"));
	gm_node *z = input_of(g, "z", GM_SHAPE(4, 2), .3), *c = input_of(g, "c", GM_SHAPE(4, 3), 1);
	gm_game m = {.G = G,
	             .D = D,
	             .generator = conditional_generator,
	             .discriminator = line_critic,
	             .real.x = input_of(g, "x", GM_SHAPE(4, 2), 2),
	             .fake = {z, c},
	             .objective = gm_objective_find("minimax"),
	             .references = 5};
	gm_game_build(&m);
	gm_reference ref[2];
	assert_int_equal(gm_net_references(G, ref), 2);
	assert_true(ref[0].like == z && ref[1].like == c);
	assert_int_equal(gm_node_shape(ref[1].variable).dim[0], 5);
	gm_shape s = gm_node_shape(m.generated);
	assert_true(s.dim[0] == 4 && s.dim[1] == 2);
	assert_int_equal(gm_net_references(D, ref), 0);
	gm_net_free(G), gm_net_free(D);
	finish(g);
}

/* Numbers 1, 2, .. go by in twos through a pool of 6: it gives them back until it is full; then
 * about half the time an older one that it holds, each once. */
static void pools_give_older_examples(void **state)
{
	(void)state;
	enum { M = 2, SIZE = 6, TURNS = 400 };
	gm_graph *g = graph(GM_F32);
	gm_net *n = gm_net_create(g, "D", .seed = 4);
	gm_node *x = gm_input(g, "x", GM_SHAPE(M, 1, 1), GM_F32), *y = gm_pool(n, "pool", x, SIZE);
	gm_step *s = compiled(g, gm_compile(g, y));
	assert_ptr_equal(gm_pool(n, "none", x, 0), x);
	int older = 0;
	bool given[M * TURNS + 1] = {false};
	for (int t = 0; t < TURNS; t++) {
		float in[M] = {(float)(M * t + 1), (float)(M * t + 2)}, out[M], before[SIZE],
		      after[SIZE];
		gm_set_f32(x, in, M);
		gm_get_f32(gm_net_find(n, "D/pool/examples"), before, SIZE);
		gm_step_run(s);
		gm_step_read(s, y, out, M);
		gm_get_f32(gm_net_find(n, "D/pool/examples"), after, SIZE);
		for (int i = 0; i < M; i++) {
			int held = 0, took = 0;
			for (int k = 0; k < SIZE; k++)
				held += before[k] == out[i], took += after[k] == in[i];
			assert_true(out[i] == in[i] || (t >= SIZE / M && held == 1));
			assert_int_equal(took, t < SIZE / M || out[i] != in[i]);
			/* what came out of the pool is gone */
			assert_false(out[i] != in[i] && given[(int)out[i]]);
			given[(int)out[i]] |= out[i] != in[i];
			older += out[i] != in[i];
		}
	}
	assert_true(abs(older - M * TURNS / 2) <
	            3 * 14); /* three standard deviations of 800 coins */
	gm_net_free(n);
	finish(g);
}

static void impossible_games_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *penalty, *d, *objective;
		double smooth;
		bool minibatch, match;
		int unroll;
		bool refused;
	} rows[] = {
		{"wgan-gp", "batch", "wasserstein", .refused = true},
		{"r1", "batch", "minimax", .refused = true},
		{"wgan-gp", "layer", "wasserstein"},
		{"r1", "virtual", "minimax"},
		{"consensus", "batch", "minimax"},
		{"r1", "none", "minimax", .minibatch = true, .refused = true},
		{"clip", "spectral", "wasserstein", .refused = true},
		{"clip", "batch", "wasserstein"},
		{"none", "virtual", "minimax", .minibatch = true, .refused = true},
		{"none", "none", "hinge", .smooth = .1, .refused = true},
		{"none", "none", "least-squares", .smooth = .1},
		{"none", "none", "minimax", .match = true, .unroll = 1, .refused = true},
		{"consensus", "none", "minimax", .unroll = 1, .refused = true},
		{"none", "instance", "minimax", .refused = true}, /* points */
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		gm_graph *g = graph(GM_F64);
		gm_net *G = gm_net_create(g, "G", .seed = 5), *D = gm_net_create(g, "D", .seed = 4);
		gm_node *t = gm_net_var(G, "theta", GM_SHAPE(2), .init = GM_ONES);
		gm_net_normalise(D, gm_normaliser_find(rows[i].d));
		gm_net_minibatch(D, rows[i].minibatch);
		gm_node *x = input_of(g, "x", GM_SHAPE(5, 2), .3);
		gm_game m = {.G = G,
		             .D = D,
		             .discriminator = line_critic,
		             .real.x = x,
		             .fake.x = gm_mul(x, t),
		             .objective = gm_objective_find(rows[i].objective),
		             .penalty = gm_penalty_find(rows[i].penalty),
		             .weight = 1,
		             .terms = {.smooth = rows[i].smooth, .b = 1, .c = 1},
		             .match = rows[i].match,
		             .unroll = rows[i].unroll,
		             .references = 3};
		gm_game_build(&m);
		if ((m.refusal != NULL) != rows[i].refused)
			fail_msg("%s with %s: %s", rows[i].penalty, rows[i].d,
			         m.refusal ? m.refusal : "not refused");
		gm_net_free(G), gm_net_free(D);
		finish(g);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spectral_norm_is_the_largest_singular_value),
		cmocka_unit_test(spectral_norm_iterates_once_a_run),
		cmocka_unit_test(virtual_batch_norm_sees_one_example),
		cmocka_unit_test(layer_and_instance_norm_standardise),
		cmocka_unit_test(weight_norm_starts_where_it_was),
		cmocka_unit_test(penalties_second_order),
		cmocka_unit_test(clipping_clips),
		cmocka_unit_test(objectives_are_flat_at_the_optimum),
		cmocka_unit_test(targets_move_the_optimum),
		cmocka_unit_test(unrolled_as_by_hand),
		cmocka_unit_test(packs_neighbours),
		cmocka_unit_test(labels_stay_beside_their_examples),
		cmocka_unit_test(reference_batches_have_labels),
		cmocka_unit_test(minibatch_discrimination_by_hand),
		cmocka_unit_test(historical_averaging_by_hand),
		cmocka_unit_test(feature_matching_compares_means),
		cmocka_unit_test(flips_exchange_the_roles),
		cmocka_unit_test(sides_have_their_own_examples),
		cmocka_unit_test(penalties_of_joint_games),
		cmocka_unit_test(generators_inside),
		cmocka_unit_test(pools_give_older_examples),
		cmocka_unit_test(impossible_games_are_refused),
	};
	return cmocka_run_group_tests_name("game", tests, NULL, NULL);
}
