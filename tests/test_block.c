/* SPDX-License-Identifier: MIT
 *
 * test_block.c -- blocks and bodies against scalar computations and identities; gradients against
 * central differences.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ganymede/nn.h"
#include "graphs.h"

enum { ROOM = 4096 };

/* y's value after one training step of it. */
static const double *value(gm_graph *g, gm_node *y)
{
	static double v[4][ROOM];
	static int turn;
	double *to = v[turn++ & 3];
	gm_step *s = compiled(g, gm_compile(g, y));
	gm_step_run(s);
	assert_true(gm_node_size(y) <= ROOM && gm_step_read_f64(s, y, to, gm_node_size(y)));
	return to;
}

static void same(const double *a, const double *b, int64_t n, double within)
{
	for (int64_t i = 0; i < n; i++)
		near(a[i], b[i], within);
}

static const double *read(gm_net *n, const char *name)
{
	static double v[4][ROOM];
	static int turn;
	double *to = v[turn++ & 3];
	gm_node *x = gm_net_find(n, name);
	if (!x)
		fail_msg("there is no %s", name);
	assert_true(gm_get_f64(x, to, gm_node_size(x)));
	return to;
}

/* The gradient of sum(y sin(place)) in every parameter of the net, against differences of second
 * order. */
static void gradients_are_right(gm_graph *g, gm_net *n, gm_node *y)
{
	int64_t size = gm_node_size(y);
	double w[ROOM];
	for (int64_t i = 0; i < size; i++)
		w[i] = sin(1 + 2.3 * (double)i);
	gm_node *loss = gm_sum_all(gm_mul(y, gm_array(g, w, gm_node_shape(y), GM_F64)));
	gm_node *p[32], *d[32], *out[33] = {loss};
	int count = gm_net_params(n, NULL, p, 32);
	gm_grad(loss, p, count, d);
	memcpy(out + 1, d, count * sizeof *d);
	gm_step *s = compiled(
		g, gm_compile_nodes(g, out, count + 1, &(gm_compile_options){.infer = true}));
	double biggest = 0;
	for (int i = 0; i < count; i++) {
		double v[ROOM], got[ROOM];
		int64_t many = gm_node_size(p[i]);
		gm_step_run(s);
		gm_get_f64(p[i], v, many), gm_step_read_f64(s, d[i], got, many);
		for (int64_t j = 0; j < many; j += 1 + many / 5) {
			double was = v[j], f[2], h = 1e-5;
			for (int k = 0; k < 2; k++) {
				v[j] = was + (k ? h : -h);
				gm_set_f64(p[i], v, many);
				gm_step_run(s);
				f[k] = gm_step_scalar(s, loss);
			}
			v[j] = was;
			gm_set_f64(p[i], v, many);
			double want = (f[1] - f[0]) / (2 * h);
			if (fabs(want - got[j]) > 1e-6 * (1 + fabs(want)))
				fail_msg("%s[%d]: %g, by differences %g", gm_node_name(p[i]),
				         (int)j, got[j], want);
			biggest = fmax(biggest, fabs(want));
		}
	}
	assert_true(biggest > 1e-3);
}

/* A block is its layer, the net's normaliser and the activation, of the same variables. */
static void a_block_is_its_parts(void **state)
{
	(void)state;
	gm_graph *g = graph(GM_F64);
	gm_net *n = gm_net_create(g, "N", .seed = 3), *m = gm_net_create(g, "M", .seed = 3);
	gm_net_defaults(n, .init = GM_NORMAL(0, .3), .gain = GM_NORMAL(1, .2), .eps = 1e-2);
	gm_net_normalise(n, gm_normaliser_find("batch"));
	gm_node *x = input_of(g, "x", GM_SHAPE(4, 3, 6, 6), .4);
	gm_node *y = gm_block(n, "a", x, .out = 5, GM_BY_TWO, .act = GM_LEAKY, .slope = .1);
	gm_node *z =
		gm_conv(n, "a", x, .out = 5, .kernel = 4, .stride = 2, .pad = 1, .no_bias = true);
	z = gm_leaky_relu(gm_batch_norm(n, "a/norm", z, .gain = GM_NORMAL(1, .2), .eps = 1e-2), .1);
	same(value(g, y), value(g, z), gm_node_size(y), 1e-13);
	assert_null(gm_net_find(n, "N/a/bias"));
	assert_non_null(gm_net_find(n, "N/a/norm/gain"));
	/* initial values are the net's */
	double mean = 0, square = 0;
	const double *w = read(n, "N/a/weight");
	for (int i = 0; i < 5 * 3 * 16; i++)
		mean += w[i] / 240, square += w[i] * w[i] / 240;
	assert_true(fabs(mean) < .06 && fabs(sqrt(square) - .3) < .05); /* three standard errors */
	/* plain: no normaliser and a bias, doubled sides, a dense map */
	gm_node *up = gm_block(n, "up", y, .out = 2, GM_BY_TWO, .up = true, .plain = true);
	gm_node *map = gm_block(n, "map", y, .out = 2, .height = 3, .width = 4);
	gm_shape a = gm_node_shape(up), b = gm_node_shape(map);
	assert_true(a.dim[1] == 2 && a.dim[2] == 6 && b.rank == 4 && b.dim[1] == 2 &&
	            b.dim[3] == 4);
	assert_non_null(gm_net_find(n, "N/up/bias"));
	assert_null(gm_net_find(n, "N/up/norm/gain"));
	assert_non_null(gm_net_find(n, "N/map/norm/gain"));
	/* pixel norm subtracts no mean, so the bias stays */
	gm_net_normalise(m, gm_normaliser_find("pixel"));
	gm_block(m, "a", x, .out = 5, .kernel = 3);
	assert_non_null(gm_net_find(m, "M/a/bias"));
	gm_net_free(n), gm_net_free(m);
	finish(g);
}

static void activations_by_hand(void **state)
{
	(void)state;
	enum { N = 3, IN = 4, OUT = 2 };
	static const gm_activation acts[] = {GM_RELU,  GM_LEAKY, GM_TANH,  GM_SIGMOID,
	                                     GM_PRELU, GM_GLU,   GM_MAXOUT};
	for (int k = 0; k < 7; k++) {
		gm_graph *g = graph(GM_F64);
		gm_net *n = gm_net_create(g, "N", .seed = 3);
		gm_node *x = input_of(g, "x", GM_SHAPE(N, IN), .4);
		gm_node *y = gm_block(n, "a", x, .out = OUT, .act = acts[k], .pieces = 3);
		int rows = acts[k] == GM_MAXOUT ? 3 * OUT : acts[k] == GM_GLU ? 2 * OUT : OUT;
		const double *w = read(n, "N/a/weight"), *b = read(n, "N/a/bias"),
			     *got = value(g, y);
		double v[N * IN];
		gm_get_f64(x, v, N * IN);
		for (int i = 0; i < N; i++) {
			double h[3 * OUT];
			for (int o = 0; o < rows; o++) {
				h[o] = b[o];
				for (int j = 0; j < IN; j++)
					h[o] += v[i * IN + j] * w[o * IN + j];
			}
			for (int o = 0; o < OUT; o++) {
				const double s = h[o], below = s < 0 ? s : 0;
				const double want[] = {
					fmax(s, 0),
					fmax(s, 0) + .2 * below,
					tanh(s),
					1 / (1 + exp(-s)),
					fmax(s, 0) + .25 * below,
					k == 5 ? s / (1 + exp(-h[OUT + o])) : 0,
					k == 6 ? fmax(fmax(h[3 * o], h[3 * o + 1]), h[3 * o + 2])
					       : 0};
				near(got[i * OUT + o], want[k], 1e-12);
			}
		}
		gradients_are_right(g, n, y);
		gm_net_free(n);
		finish(g);
	}
}

/* gain norm(x) + bias, with a gain and a bias for each example */
static void conditional_normalisation(void **state)
{
	(void)state;
	enum { N = 3, C = 2, P = 4 };
	gm_graph *g = graph(GM_F64);
	gm_net *n = gm_net_create(g, "N", .seed = 3);
	gm_net_normalise(n, gm_normaliser_find("layer"));
	gm_node *x = input_of(g, "x", GM_SHAPE(N, C, 2, 2), .4);
	gm_node *gain = input_of(g, "gain", GM_SHAPE(N, C), 2),
		*bias = input_of(g, "bias", GM_SHAPE(N, C), 3);
	gm_node *y = gm_block(n, "a", x, .out = C, .kernel = 1, .init = GM_ORTHOGONAL(1),
	                      .gain = gain, .bias = bias);
	gm_node *h = gm_conv(n, "a", x, .out = C, .kernel = 1, .no_bias = true);
	const double *got = value(g, y), *in = value(g, h);
	double a[N * C], b[N * C];
	gm_get_f64(gain, a, N * C), gm_get_f64(bias, b, N * C);
	for (int i = 0; i < N; i++) {
		double mean = 0, var = 0;
		for (int j = 0; j < C * P; j++)
			mean += in[i * C * P + j] / (C * P);
		for (int j = 0; j < C * P; j++)
			var += pow(in[i * C * P + j] - mean, 2) / (C * P);
		for (int j = 0; j < C * P; j++)
			near(got[i * C * P + j],
			     a[i * C + j / P] * (in[i * C * P + j] - mean) / sqrt(var + 1e-5) +
			             b[i * C + j / P],
			     1e-12);
	}
	assert_null(gm_net_find(n, "N/a/norm/gain"));
	gm_net_free(n);
	finish(g);
}

/* One normaliser of activations and one of weights act together; "none" takes both away. */
static void normalisers_stack(void **state)
{
	(void)state;
	gm_graph *g = graph(GM_F64);
	gm_net *n = gm_net_create(g, "N", .seed = 3);
	gm_net_defaults(n, .eps = 1e-12);
	gm_net_normalise(n, gm_normaliser_find("instance"));
	gm_net_normalise(n, gm_normaliser_find("weight"));
	gm_node *x = input_of(g, "x", GM_SHAPE(2, 3, 4, 4), .4);
	gm_node *y = gm_block(n, "a", x, .out = 4, .kernel = 3, .pad = 1);
	assert_non_null(gm_net_find(n, "N/a/length"));
	assert_non_null(gm_net_find(n, "N/a/norm/gain"));
	double lengths[4] = {2, 3, 4, 5};
	const double *before = value(g, y);
	assert_true(gm_set_f64(gm_net_find(n, "N/a/length"), lengths, 4));
	/* instance norm divides each output's length away again, up to eps */
	same(value(g, y), before, gm_node_size(y), 1e-8);
	gm_net_normalise(n, gm_normaliser_find("none"));
	assert_false(gm_net_centres(n));
	gm_block(n, "b", x, .out = 4, .kernel = 3);
	assert_null(gm_net_find(n, "N/b/length"));
	assert_null(gm_net_find(n, "N/b/norm/gain"));
	gm_net_free(n);
	finish(g);
}

static void progan_normalisers_by_hand(void **state)
{
	(void)state;
	enum { N = 2, C = 3, P = 4, OUT = 50 };
	gm_graph *g = graph(GM_F64);
	gm_net *n = gm_net_create(g, "N", .seed = 3);
	gm_net_normalise(n, gm_normaliser_find("pixel"));
	gm_net_normalise(n, gm_normaliser_find("equalised"));
	gm_node *x = input_of(g, "x", GM_SHAPE(N, C, 2, 2), .4);
	const double *got = value(g, gm_norm(n, "p", x));
	double v[N * C * P];
	gm_get_f64(x, v, N * C * P);
	for (int i = 0; i < N; i++)
		for (int p = 0; p < P; p++) {
			double square = 0;
			for (int c = 0; c < C; c++)
				square += pow(v[(i * C + c) * P + p], 2) / C;
			for (int c = 0; c < C; c++)
				near(got[(i * C + c) * P + p],
				     v[(i * C + c) * P + p] / sqrt(square + 1e-8), 1e-12);
		}
	/* the variable is N(0,1) whatever the layer says; the layer multiplies by sqrt(2 / fan in)
	 */
	gm_node *y = gm_linear(n, "y", x, .out = OUT, .no_bias = true, .init = GM_CONSTANT(7));
	const double *w = read(n, "N/y/weight"), *out = value(g, y);
	double square = 0;
	for (int i = 0; i < OUT * C * P; i++)
		square += w[i] * w[i] / (OUT * C * P);
	assert_true(fabs(square - 1) < .18); /* three times sqrt(2/600) */
	for (int i = 0; i < N; i++)
		for (int o = 0; o < OUT; o++) {
			double sum = 0;
			for (int j = 0; j < C * P; j++)
				sum += v[i * C * P + j] * w[o * C * P + j];
			near(out[i * OUT + o], sum * sqrt(2. / (C * P)), 1e-12);
		}
	gm_net_free(n);
	finish(g);
}

static void residual_blocks(void **state)
{
	(void)state;
	for (int pre = 0; pre < 2; pre++) {
		gm_graph *g = graph(GM_F64);
		gm_net *n = gm_net_create(g, "N", .seed = 3);
		gm_net_normalise(n, gm_normaliser_find("layer"));
		gm_node *x = input_of(g, "x", GM_SHAPE(2, 3, 4, 4), .4);
		gm_node *y = gm_residual(n, "r", x, .pre = pre, .reflect = !pre);
		gradients_are_right(g, n, y);
		/* with the last layer at 0 it is the identity: the last gain (post), or the last
		 * weights and bias (pre) */
		double zero[ROOM] = {0}, v[96];
		const char *last[] = {pre ? "N/r/b/weight" : "N/r/b/norm/gain",
		                      pre ? "N/r/b/bias" : "N/r/b/norm/bias"};
		for (int i = 0; i < 2; i++) {
			gm_node *p = gm_net_find(n, last[i]);
			assert_true(p && gm_set_f64(p, zero, gm_node_size(p)));
		}
		gm_get_f64(x, v, 96);
		same(value(g, y), v, 96, 1e-13);
		assert_null(gm_net_find(n, "N/r/shortcut/weight"));
		gm_shape up =
			gm_node_shape(gm_residual(n, "up", x, .out = 5, .up = true, .pre = pre));
		gm_shape down = gm_node_shape(
			gm_residual(n, "down", x, .out = 5, .down = true, .pre = pre));
		assert_true(up.dim[1] == 5 && up.dim[2] == 8 && down.dim[1] == 5 &&
		            down.dim[3] == 2);
		assert_non_null(gm_net_find(n, "N/up/shortcut/weight"));
		gm_net_free(n);
		finish(g);
	}
}

/* SAGAN, eq. 1 to 3: o_j = v(sum_i beta_ji h(x_i)), beta_ji the softmax over i of f(x_i)' g(x_j); y
 * = gamma o + x. */
static void attention_by_hand(void **state)
{
	(void)state;
	enum { N = 2, C = 8, L = 6 };
	gm_graph *g = graph(GM_F64);
	gm_net *n = gm_net_create(g, "N", .seed = 3);
	gm_node *x = input_of(g, "x", GM_SHAPE(N, C, 2, 3), .4);
	gm_node *y = gm_attention(n, "a", x);
	double v[N * C * L], gamma = .7;
	gm_get_f64(x, v, N * C * L);
	same(value(g, y), v, N * C * L, 1e-15); /* gamma starts at 0 */
	assert_true(gm_set_f64(gm_net_find(n, "N/a/gamma"), &gamma, 1));
	const double *got = value(g, y);
	double part[3][L];
	static const char *const names[3] = {"f", "g", "h"};
	char name[32];
	for (int i = 0; i < N; i++) {
		for (int k = 0; k < 3; k++) {
			snprintf(name, sizeof name, "N/a/%s/weight", names[k]);
			const double *w = read(n, name);
			for (int p = 0; p < L; p++) {
				part[k][p] = 0; /* biases start at 0 */
				for (int c = 0; c < C; c++)
					part[k][p] += w[c] * v[(i * C + c) * L + p];
			}
		}
		const double *out = read(n, "N/a/v/weight");
		for (int j = 0; j < L; j++) {
			double sum = 0, o = 0;
			for (int p = 0; p < L; p++)
				sum += exp(part[0][p] * part[1][j]);
			for (int p = 0; p < L; p++)
				o += exp(part[0][p] * part[1][j]) / sum * part[2][p];
			for (int c = 0; c < C; c++)
				near(got[(i * C + c) * L + j],
				     gamma * out[c] * o + v[(i * C + c) * L + j], 1e-12);
		}
	}
	gradients_are_right(g, n, y);
	gm_net_free(n);
	finish(g);
}

/* Karras et al. 2018, section 3: groups are examples M apart, as in the authors' code. */
static void minibatch_stddev_by_hand(void **state)
{
	(void)state;
	enum { N = 6, C = 2, P = 4, G = 3, M = N / G };
	gm_graph *g = graph(GM_F64);
	gm_node *x = input_of(g, "x", GM_SHAPE(N, C, 2, 2), .4), *y = gm_minibatch_stddev(x, G);
	double v[N * C * P];
	const double *got = value(g, y);
	gm_get_f64(x, v, N * C * P);
	for (int i = 0; i < N; i++) {
		double sum = 0;
		for (int j = 0; j < C * P; j++) {
			double mean = 0, var = 0;
			for (int k = 0; k < G; k++)
				mean += v[(k * M + i % M) * C * P + j] / G;
			for (int k = 0; k < G; k++)
				var += pow(v[(k * M + i % M) * C * P + j] - mean, 2) / G;
			sum += sqrt(var + 1e-8) / (C * P);
		}
		same(got + i * (C + 1) * P, v + i * C * P, C * P, 0);
		for (int p = 0; p < P; p++)
			near(got[(i * (C + 1) + C) * P + p], sum, 1e-12);
	}
	assert_int_equal(gm_node_shape(gm_minibatch_stddev(x, 4)).dim[1],
	                 C + 1); /* 4 does not divide 6 */
	finish(g);
}

/* Further channels hold the numbers of each example, at each pixel. */
static void planes_by_hand(void **state)
{
	(void)state;
	enum { N = 2, C = 3, K = 2, P = 6 };
	gm_graph *g = graph(GM_F64);
	gm_node *x = input_of(g, "x", GM_SHAPE(N, C, 2, 3), .4),
		*c = input_of(g, "c", GM_SHAPE(N, K), 1.7);
	const double *y = value(g, gm_with_planes(x, c));
	double v[N * C * P], w[N * K];
	gm_get_f64(x, v, N * C * P), gm_get_f64(c, w, N * K);
	for (int i = 0; i < N; i++) {
		same(y + i * (C + K) * P, v + i * C * P, C * P, 0);
		for (int k = 0; k < K * P; k++)
			near(y[(i * (C + K) + C) * P + k], w[i * K + k / P], 0);
	}
	finish(g);
}

static void masks_by_hand(void **state)
{
	(void)state;
	enum { S = 16, EDGE = 5, BATCH = 16, P = S * S };
	gm_graph *g = graph(GM_F64);
	const double *y = value(g, gm_mask_square(g, S, EDGE));
	for (int i = 0; i < S; i++)
		for (int j = 0; j < S; j++)
			near(y[i * S + j], i >= EDGE && i < S - EDGE && j >= EDGE && j < S - EDGE,
			     0);
	const double *m = value(g, gm_mask_random(g, BATCH, S));
	double share = 0;
	int unlike = 0, borders = 0;
	for (int i = 0; i < BATCH * P; i++) {
		assert_true(m[i] == 0 || m[i] == 1);
		share += m[i] / (BATCH * P);
		unlike += m[i] != m[i % P];
		borders += i % S && m[i] != m[i - 1];
	}
	/* .284 by simulation (nn/mask.c). The standard deviation of the share of one example is at
	 * most sqrt(.284 (1 - .284)), that of a mask of only 0 or only 1; 2 of that of the mean. */
	assert_true(fabs(share - .284) < 2 * sqrt(.284 * (1 - .284) / BATCH));
	assert_true(unlike > 0);              /* each example has its own */
	assert_true(borders < BATCH * P / 4); /* smooth: independent pixels would have .38 */
	finish(g);
}

/* D of StarGAN: sides halve, channels double, no normaliser in the first layer, slopes as given. */
static void halving_body_is_its_blocks(void **state)
{
	(void)state;
	gm_graph *g = graph(GM_F64);
	gm_net *n = gm_net_create(g, "D", .seed = 3);
	gm_net_normalise(n, gm_normaliser_find("instance"));
	gm_node *x = input_of(g, "x", GM_SHAPE(2, 3, 8, 8), .4);
	gm_node *y = gm_halving_body(n, x, 2, 2, .3);
	const gm_shape s = gm_node_shape(y);
	assert_true(s.dim[0] == 2 && s.dim[1] == 4 && s.dim[2] == 2 && s.dim[3] == 2);
	gm_node *z = gm_leaky_relu(gm_conv(n, "h0", x, .out = 2, GM_BY_TWO), .3);
	z = gm_block(n, "h1", z, .out = 4, GM_BY_TWO, .act = GM_LEAKY, .slope = .3);
	const double *a = value(g, y), *b = value(g, z);
	same(a, b, 2 * 4 * 2 * 2, 1e-12);
	assert_null(gm_net_find(n, "D/h0/norm/gain"));
	gm_net_free(n);
	finish(g);
}

static void errors_by_hand(void **state)
{
	(void)state;
	enum { N = 5 };
	gm_graph *g = graph(GM_F64);
	gm_node *x = input_of(g, "x", GM_SHAPE(N), .1), *y = input_of(g, "y", GM_SHAPE(N), 1.3);
	double a[N], b[N], square = 0, absolute = 0;
	gm_get_f64(x, a, N), gm_get_f64(y, b, N);
	for (int i = 0; i < N; i++)
		square += pow(a[i] - b[i], 2) / N, absolute += fabs(a[i] - b[i]) / N;
	near(*value(g, gm_squared_error(x, y)), square, 1e-12);
	near(*value(g, gm_absolute_error(x, y)), absolute, 1e-12);
	finish(g);
}

static void likelihoods_by_hand(void **state)
{
	(void)state;
	gm_graph *g = graph(GM_F64);
	enum { N = 5 };
	gm_node *x = input_of(g, "x", GM_SHAPE(N), .1), *m = input_of(g, "m", GM_SHAPE(N), 1.3),
		*s = input_of(g, "s", GM_SHAPE(N), 2.2);
	const double *nll = value(g, gm_normal_nll(x, m, s)), *kl = value(g, gm_normal_kl(m, s));
	double a[N], b[N], c[N];
	gm_get_f64(x, a, N), gm_get_f64(m, b, N), gm_get_f64(s, c, N);
	for (int i = 0; i < N; i++) {
		double sigma = exp(c[i]);
		near(nll[i],
		     -log(exp(-pow(a[i] - b[i], 2) / (2 * sigma * sigma)) /
		          (sigma * sqrt(2 * M_PI))),
		     1e-12);
		near(kl[i], -log(sigma) + (sigma * sigma + b[i] * b[i] - 1) / 2, 1e-12);
	}
	finish(g);
	g = graph(GM_F32);
	const double numbers[] = {-1, -.3, .1, .4, 1},
		     want[2][N] = {{0, 0, 1, 1, 1}, {0, 1, 2, 2, 3}};
	gm_node *p = gm_array(g, numbers, GM_SHAPE(N), GM_F32);
	for (int k = 0; k < 2; k++)
		same(value(g, gm_levels(p, k ? 4 : 2)), want[k], N, 0);
	double l[N * 4];
	waves(l, N * 4, .6);
	gm_node *logits = gm_array(g, l, GM_SHAPE(N, 4), GM_F32);
	const double *nats = value(g, gm_levels_nll(logits, gm_levels(p, 4), 4));
	for (int i = 0; i < N; i++) {
		double sum = 0;
		for (int k = 0; k < 4; k++)
			sum += exp(l[4 * i + k]);
		near(nats[i], log(sum) - l[4 * i + (int)want[1][i]], 1e-6);
	}
	finish(g);
}

/* Shapes of the U-Net, and that its shortcuts carry: without them the first map reaches the picture
 * by the bottleneck alone. */
static void unet_shapes(void **state)
{
	(void)state;
	gm_graph *g = graph(GM_F64);
	gm_net *n = gm_net_create(g, "N", .seed = 3);
	gm_node *x = input_of(g, "x", GM_SHAPE(2, 3, 16, 8), .4);
	gm_node *y = gm_unet_body(n, x, &(gm_unet){.width = 2, .channels = 1, .depth = 3});
	gm_shape s = gm_node_shape(y), w = gm_node_shape(gm_net_find(n, "N/d1/weight"));
	assert_true(s.dim[1] == 1 && s.dim[2] == 16 && s.dim[3] == 8);
	assert_int_equal(w.dim[0], 4); /* d2's maps beside e1's */
	gm_net *m = gm_net_create(g, "M", .seed = 3);
	gm_unet_body(m, x, &(gm_unet){.width = 2, .channels = 1, .depth = 3, .no_skips = true});
	assert_int_equal(gm_node_shape(gm_net_find(m, "M/d1/weight")).dim[0], 2);
	gm_net_free(n), gm_net_free(m);
	finish(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_block_is_its_parts),
		cmocka_unit_test(activations_by_hand),
		cmocka_unit_test(conditional_normalisation),
		cmocka_unit_test(normalisers_stack),
		cmocka_unit_test(progan_normalisers_by_hand),
		cmocka_unit_test(residual_blocks),
		cmocka_unit_test(attention_by_hand),
		cmocka_unit_test(minibatch_stddev_by_hand),
		cmocka_unit_test(planes_by_hand),
		cmocka_unit_test(masks_by_hand),
		cmocka_unit_test(halving_body_is_its_blocks),
		cmocka_unit_test(errors_by_hand),
		cmocka_unit_test(likelihoods_by_hand),
		cmocka_unit_test(unet_shapes),
	};
	return cmocka_run_group_tests_name("block", tests, NULL, NULL);
}
