/* SPDX-License-Identifier: MIT
 *
 * test_graph.c -- the graph, its compiler and the step: errors, effects, modes, replacement,
 * randomness, memory.
 *
 * Linked with --wrap for malloc and its kin, so that every allocation that our own code makes is
 * counted.
 */
#include <math.h>
#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ganymede/nn.h"

static long allocations;

#define WRAP(type, name, parameters, arguments)                                                    \
	type __real_##name parameters;                                                             \
	type __wrap_##name parameters;                                                             \
	type __wrap_##name parameters                                                              \
	{                                                                                          \
		allocations++;                                                                     \
		return __real_##name arguments;                                                    \
	}
WRAP(void *, malloc, (size_t n), (n))
WRAP(void *, calloc, (size_t n, size_t m), (n, m))
WRAP(void *, realloc, (void *p, size_t n), (p, n))
WRAP(void *, aligned_alloc, (size_t a, size_t n), (a, n))
WRAP(char *, strdup, (const char *s), (s))

static const char *const backends[] = {"ref", "cpu"};

static gm_graph *graph(const char *backend)
{
	return gm_graph_new(&(gm_graph_options){.backend = backend, .seed = 7});
}

static gm_step *compiled(gm_graph *g, gm_step *s)
{
	if (!s)
		fail_msg("%s", gm_graph_error(g)->message);
	return s;
}

/* The example at the head of graph.h, which must go on being true. */
static void header_example(void **state)
{
	(void)state;
	for (int b = 0; b < 2; b++) {
		gm_graph *g = graph(backends[b]);
		gm_node *w = gm_variable(g, "w", GM_SHAPE(3)), *dw;
		gm_node *loss = gm_mean_all(gm_square(gm_sub(w, gm_scalar(g, 2))));
		gm_grad(loss, &w, 1, &dw);
		gm_node *update = gm_assign(w, gm_sub(w, gm_mul(dw, gm_scalar(g, .1))));
		gm_step *s = compiled(g, gm_compile(g, loss, update));
		double e = 2; /* each run shrinks the distance by 1 - .1 * 2/3 */
		for (int i = 0; i < 50; i++, e *= 1 - .2 / 3) {
			gm_step_run(s);
			assert_true(fabs(gm_step_scalar(s, loss) - e * e) < 1e-5);
		}
		gm_graph_free(g);
	}
}

/* A small convolutional GAN step: every kind of instruction that training has. */
static gm_step *gan_step(gm_graph *g, gm_net *G, gm_net *D, gm_node **loss)
{
	gm_node *z = gm_randn(g, GM_SHAPE(4, 8));
	gm_node *h = gm_reshape(gm_linear(G, "4x4", z, .out = 16 * 16), GM_SHAPE(4, 16, 4, 4));
	h = gm_relu(gm_batch_norm(G, "norm", h));
	gm_node *fake = gm_tanh(
		gm_conv_transposed(G, "8x8", h, .out = 3, .kernel = 4, .stride = 2, .pad = 1));
	gm_node *y = gm_leaky_relu(
		gm_conv(D, "4x4", fake, .out = 16, .kernel = 4, .stride = 2, .pad = 1), .2);
	y = gm_linear(D, "logit", gm_dropout(y, .keep = .8), .out = 1);
	*loss = gm_mean_all(gm_softplus(gm_neg(y)));
	return compiled(g,
	                gm_compile(g, *loss, gm_adam(G, *loss, .average = .9), gm_sgd(D, *loss)));
}

static void run_allocates_nothing(void **state)
{
	(void)state;
	for (int b = 0; b < 2; b++) {
		gm_graph *g = graph(backends[b]);
		gm_net *G = gm_net_create(g, "G"), *D = gm_net_create(g, "D");
		gm_node *loss;
		gm_step *s = gan_step(g, G, D, &loss);
		assert_true(allocations > 0); /* compiling was counted, so counting works */
		gm_step_run(s);
		long before = allocations;
		for (int i = 0; i < 100; i++)
			gm_step_run(s);
		assert_int_equal(allocations, before);
		gm_net_free(G);
		gm_net_free(D);
		gm_graph_free(g);
	}
}

/* Training must not depend on where buffers were laid: the same step without reuse gives the same
 * bits. */
static void arena_reuse_changes_nothing(void **state)
{
	(void)state;
	float w[2][16 * 16 * 8];
	for (int keep = 0; keep < 2; keep++) {
		gm_graph *g = graph("cpu");
		gm_net *G = gm_net_create(g, "G"), *D = gm_net_create(g, "D");
		gm_node *z = gm_randn(g, GM_SHAPE(4, 8));
		gm_node *h = gm_batch_norm(G, "n", gm_linear(G, "l", z, .out = 256));
		gm_node *y = gm_linear(D, "m", gm_relu(h), .out = 1),
			*loss = gm_mean_all(gm_softplus(y));
		gm_node *outputs[] = {loss, gm_adam(G, loss), gm_adam(D, loss)};
		gm_step *s =
			compiled(g, gm_compile_nodes(g, outputs, 3,
		                                     &(gm_compile_options){.keep_arena = keep}));
		for (int i = 0; i < 20; i++)
			gm_step_run(s);
		gm_node *v = gm_net_find(G, "G/l/weight");
		assert_true(gm_get_f32(v, w[keep], gm_node_size(v)));
		gm_net_free(G);
		gm_net_free(D);
		gm_graph_free(g);
	}
	assert_memory_equal(w[0], w[1], sizeof w[0]);
}

/* Steps share the memory of intermediate values; outputs are kept until their own step runs
 * again. */
static void steps_leave_each_other_outputs_alone(void **state)
{
	(void)state;
	enum { N = 64 };
	gm_graph *g = gm_graph_new(&(gm_graph_options){.backend = "cpu"});
	gm_node *x = gm_input(g, "x", GM_SHAPE(N, N), GM_F32), *y[3];
	gm_step *s[3];
	static float v[N * N], first[3][N * N], again[N * N];
	for (int i = 0; i < N * N; i++)
		v[i] = (float)(i % 11) / 11;
	gm_set_f32(x, v, N * N);
	for (int k = 0; k < 3; k++) {
		y[k] = x;
		for (int i = 0; i <= k;
		     i++) /* tapes between products, so that values pass through memory */
			y[k] = gm_tanh(gm_matmul(y[k], x, false, false));
		y[k] = gm_matmul(x, y[k], false, false);
		s[k] = gm_compile(g, y[k]);
		assert_non_null(s[k]);
		gm_step_run(s[k]);
		assert_true(gm_step_read(s[k], y[k], first[k], N * N));
	}
	for (int k = 2; k >= 0; k--)
		gm_step_run(s[k]);
	for (int k = 0; k < 3; k++) {
		assert_true(gm_step_read(s[k], y[k], again, N * N));
		assert_memory_equal(again, first[k], sizeof again);
	}
	/* what one step has freed the others still have */
	gm_step_free(s[2]);
	gm_step_run(s[1]);
	assert_true(gm_step_read(s[1], y[1], again, N * N));
	assert_memory_equal(again, first[1], sizeof again);
	assert_true(gm_step_read(s[0], y[0], again, N * N));
	assert_memory_equal(again, first[0], sizeof again);
	gm_graph_free(g);
}

static void threads_change_no_random_number(void **state)
{
	(void)state;
	enum { N = 100000 };
	static float x[2][N];
	int most = omp_get_max_threads();
	for (int k = 0; k < 2; k++) {
		omp_set_num_threads(k ? most : 1);
		gm_graph *g = graph("cpu");
		gm_node *z = gm_randn(g, GM_SHAPE(N)), *u = gm_uniform(g, GM_SHAPE(N)),
			*y = gm_add(z, u);
		gm_node *sum = gm_sum_all(y);
		gm_step *s = compiled(g, gm_compile(g, y, sum));
		gm_step_run(s);
		gm_step_read(s, y, x[k], N);
		static double total[2];
		total[k] = gm_step_scalar(s, sum);
		if (k)
			assert_true(total[0] == total[1]);
		gm_graph_free(g);
	}
	omp_set_num_threads(most);
	assert_memory_equal(x[0], x[1], sizeof x[0]);
}

static void replaying_needs_seed_and_count(void **state)
{
	(void)state;
	gm_graph *g = graph("cpu");
	gm_node *z = gm_randn(g, GM_SHAPE(10)), *other = gm_randn(g, GM_SHAPE(10));
	gm_step *s = compiled(g, gm_compile(g, z, other));
	float a[10], b[10], c[10];
	gm_step_run(s);
	gm_step_read(s, z, a, 10);
	gm_step_read(s, other, c, 10);
	assert_memory_not_equal(a, c, sizeof a); /* two sources */
	gm_step_run(s);
	gm_step_read(s, z, b, 10);
	assert_memory_not_equal(a, b, sizeof a); /* two runs */
	assert_int_equal(gm_graph_runs(g), 2);
	gm_graph_seed(g, 7, 0);
	gm_step_run(s);
	gm_step_read(s, z, b, 10);
	assert_memory_equal(a, b, sizeof a); /* the first again */
	gm_graph_free(g);
}

static void reads_come_before_assigns(void **state)
{
	(void)state;
	for (int b = 0; b < 2; b++) {
		gm_graph *g = graph(backends[b]);
		gm_node *p = gm_variable(g, "p", GM_SHAPE(2, 3)),
			*q = gm_variable(g, "q", GM_SHAPE(2, 3));
		const float one[6] = {1, 2, 3, 4, 5, 6}, two[6] = {10, 20, 30, 40, 50, 60};
		gm_set_f32(p, one, 6);
		gm_set_f32(q, two, 6);
		gm_node *sum = gm_sum_all(p), *across = gm_matmul(p, q, false, true);
		gm_node *swap[] = {gm_assign(p, q), gm_assign(q, p)};
		gm_step *s = compiled(g, gm_compile(g, gm_group(g, swap, 2), sum, across, p));
		float x[6], y[4];
		gm_step_run(s);
		assert_true(gm_step_scalar(s, sum) == 21);
		assert_true(gm_step_read(s, across, y, 4) && y[0] == 140);
		assert_true(gm_step_read(s, p, x, 6) &&
		            !memcmp(x, one, sizeof x));                        /* as it was read */
		assert_true(gm_get_f32(p, x, 6) && !memcmp(x, two, sizeof x)); /* as it is now */
		assert_true(gm_get_f32(q, x, 6) && !memcmp(x, one, sizeof x));
		/* A value that reads its own variable out of order must not be written in place. */
		int order[] = {1, 0};
		gm_node *sq = gm_variable(g, "sq", GM_SHAPE(2, 2));
		const float m[4] = {1, 2, 3, 4}, t[4] = {2, 5, 5, 8};
		gm_set_f32(sq, m, 4);
		s = compiled(g, gm_compile(g, gm_assign(sq, gm_add(sq, gm_permute(sq, order)))));
		gm_step_run(s);
		assert_true(gm_get_f32(sq, x, 4) && !memcmp(x, t, sizeof t));
		gm_graph_free(g);
	}
}

static void after_ties_effects_and_modes_choose(void **state)
{
	(void)state;
	for (int b = 0; b < 2; b++) {
		gm_graph *g = graph(backends[b]);
		gm_node *n = gm_variable(g, "n", GM_RANK0), *x = gm_variable(g, "x", GM_SHAPE(3));
		gm_node *count = gm_after(gm_mul_c(x, 2), gm_assign(n, gm_add_c(n, 1)));
		gm_node *y = gm_sum_all(gm_by_mode(count, gm_mul_c(x, 5))), *dx;
		gm_grad(y, &x, 1, &dx);
		gm_set_f32(x, (float[]){1, 1, 1}, 3);
		gm_step *train = compiled(g, gm_compile(g, y, dx));
		gm_node *outputs[] = {y, dx};
		gm_step *infer = compiled(
			g, gm_compile_nodes(g, outputs, 2, &(gm_compile_options){.infer = true}));
		float d[3], k;
		gm_step_run(train);
		gm_step_run(train);
		assert_true(gm_step_scalar(train, y) == 6 && gm_step_read(train, dx, d, 3) &&
		            d[1] == 2);
		gm_step_run(infer);
		assert_true(gm_step_scalar(infer, y) == 15 && gm_step_read(infer, dx, d, 3) &&
		            d[1] == 5);
		assert_true(gm_get_f32(n, &k, 1) && k == 2);
		gm_graph_free(g);
	}
}

static void replacement_stands_in(void **state)
{
	(void)state;
	gm_graph *g = graph("cpu");
	gm_node *w = gm_variable(g, "w", GM_SHAPE(2)), *a = gm_variable(g, "w.ema", GM_SHAPE(2));
	gm_node *z = gm_randn(g, GM_SHAPE(2)), *zin = gm_input(g, "z", GM_SHAPE(2), GM_F32);
	gm_node *y = gm_mul(w, z), *from[] = {w, z}, *to[] = {a, zin};
	gm_set_f32(a, (float[]){3, 4}, 2);
	gm_set_f32(zin, (float[]){10, 100}, 2);
	gm_step *s = compiled(
		g, gm_compile_nodes(g, &y, 1,
	                            &(gm_compile_options){.from = from, .to = to, .nreplace = 2}));
	float v[2];
	gm_step_run(s);
	assert_true(gm_step_read(s, y, v, 2) && v[0] == 30 && v[1] == 400);
	gm_graph_free(g);
}

/* One error, the first, with its scope; everything after it flows on. */
static void first_error_is_kept(void **state)
{
	(void)state;
	gm_graph *g = graph("ref");
	gm_node *x = gm_variable(g, "x", GM_SHAPE(2, 3, 8, 8)),
		*w = gm_variable(g, "w", GM_SHAPE(4, 5, 3, 3));
	gm_scope_push(g, "D");
	gm_scope_push(g, "8x8");
	gm_node *y = gm_conv2d(x, w, (gm_conv_options){.stride = {1, 1}});
	gm_scope_pop(g);
	gm_scope_pop(g);
	gm_node *z = gm_sum_all(gm_relu(gm_add(y, gm_matmul(x, x, false, false)))), *dz;
	gm_grad(z, &x, 1, &dz);
	assert_string_equal(gm_graph_error(g)->message,
	                    "D/8x8: conv: x has 3 channels, weight expects 5");
	assert_null(gm_compile(g, z, dz));
	gm_graph_free(g);

	g = graph("no-such");
	assert_null(gm_compile(g, gm_scalar(g, 1)));
	assert_non_null(strstr(gm_graph_error(g)->message, "no-such"));
	gm_graph_free(g);
}

/* What every instruction wrote is what the definitions say, on a step with all kinds of them. */
static void check_finds_nothing_wrong(void **state)
{
	(void)state;
	gm_graph *g = gm_graph_new(&(gm_graph_options){.backend = "cpu", .check = true, .seed = 3});
	gm_net *G = gm_net_create(g, "G"), *D = gm_net_create(g, "D");
	gm_node *loss;
	gm_step *s = gan_step(g, G, D, &loss);
	for (int i = 0; i < 3; i++)
		gm_step_run(s);
	if (gm_step_check(s))
		fail_msg("%s", gm_step_check(s));
	assert_int_equal(gm_step_describe(s).fallbacks, 0);
	gm_net_free(G);
	gm_net_free(D);
	gm_graph_free(g);
}

static void check_names_the_first_nan(void **state)
{
	(void)state;
	gm_graph *g = gm_graph_new(&(gm_graph_options){.backend = "cpu", .check = true});
	gm_node *x = gm_variable(g, "x", GM_SHAPE(4));
	gm_scope_push(g, "bad place");
	gm_node *y = gm_log(gm_sub(x, gm_scalar(g, 1)));
	gm_scope_pop(g);
	gm_step *s = compiled(g, gm_compile(g, y));
	gm_step_run(s);
	assert_non_null(gm_step_check(s));
	assert_non_null(strstr(gm_step_check(s), "bad place: log: not a finite number"));
	gm_graph_free(g);
}

static void profile_names_instructions(void **state)
{
	(void)state;
	gm_graph *g = gm_graph_new(&(gm_graph_options){.backend = "cpu", .profile = true});
	gm_node *x = gm_variable(g, "x", GM_SHAPE(64, 64)), *y = gm_matmul(x, x, false, false);
	gm_step *s = compiled(g, gm_compile(g, y));
	gm_step_run(s);
	char *text = gm_step_profile(s);
	assert_non_null(strstr(text, "matmul"));
	free(text);
	assert_true(gm_step_describe(s).flops == 2. * 64 * 64 * 64);
	gm_graph_free(g);
}

/* N ranks draw the rows that one alone would have drawn, whatever the rows' length and where blocks
 * of four words begin. */
static void ranks_share_out_random_rows(void **state)
{
	enum { N = 3, ROWS = 5 };
	(void)state;
	for (size_t b = 0; b < sizeof backends / sizeof *backends; b++)
		for (int width = 1; width <= 301; width += 75)
			for (int kind = 0; kind < 3; kind++) {
				float whole[N * ROWS * 301], part[ROWS * 301], coin[N + 1];
				for (int r = -1; r < N; r++) {
					bool one = r < 0;
					gm_graph *g = gm_graph_new(
						&(gm_graph_options){.backend = backends[b],
					                            .seed = 11,
					                            .rank = one ? 0 : r,
					                            .ranks = one ? 1 : N});
					gm_shape s = GM_SHAPE(one ? N * ROWS : ROWS, width);
					gm_node *y = kind == 0   ? gm_uniform(g, s)
					             : kind == 1 ? gm_randn(g, s)
					                         : gm_bernoulli(g, .4, s);
					gm_node *scalar = gm_uniform(g, GM_RANK0);
					gm_step *step = compiled(g, gm_compile(g, y, scalar));
					gm_step_run(step);
					gm_step_run(step);
					int64_t n = gm_node_size(y);
					assert_true(gm_step_read(step, y, one ? whole : part, n));
					coin[r + 1] = (float)gm_step_scalar(step, scalar);
					assert_true(coin[r + 1] == coin[0]);
					/* The last bits of a logarithm depend on its place in a
					 * vector. */
					for (int64_t i = 0; !one && i < n; i++)
						assert_true(fabsf(part[i] - whole[r * n + i]) <=
						            (kind == 1 ? 1e-6f : 0));
					gm_graph_free(g);
				}
			}
}

static void one_rank_is_its_own_mean(void **state)
{
	(void)state;
	gm_graph *g = graph("cpu"), *h = gm_graph_new(&(gm_graph_options){.rank = 1, .ranks = 2});
	gm_node *x = gm_variable(g, "x", GM_SHAPE(4)), *y = gm_variable(h, "x", GM_SHAPE(4));
	assert_ptr_equal(gm_rank_mean(x), x);
	assert_ptr_equal(gm_rank_mean_later(x), x);
	gm_node *mean = gm_rank_mean(y);
	assert_ptr_not_equal(mean, y);
	assert_ptr_equal(gm_rank_mean(mean), mean);
	assert_ptr_equal(gm_rank_mean(gm_scalar(h, 3)), gm_scalar(h, 3));
	/* no communication in inference */
	float v[4] = {1, 2, 3, 4};
	gm_set_f32(y, v, 4);
	gm_step *s =
		compiled(h, gm_compile_nodes(h, &mean, 1, &(gm_compile_options){.infer = true}));
	gm_step_run(s);
	assert_true(gm_step_read(s, mean, v, 4));
	assert_true(v[0] == 1 && v[3] == 4);
	gm_graph_free(g);
	gm_graph_free(h);
}

/* Tapes compute in float: conversions of doubles to integers must not use them. */
static void doubles_become_whole_numbers(void **state)
{
	(void)state;
	for (int b = 0; b < 2; b++) {
		gm_graph *g =
			gm_graph_new(&(gm_graph_options){.real = GM_F64, .backend = backends[b]});
		gm_node *x = gm_variable(g, "x", GM_SHAPE(4)),
			*y = gm_one_hot(gm_cast(x, GM_I32), 5);
		gm_step *s = gm_compile(g, y);
		assert_non_null(s);
		gm_set_f64(x, (double[]){3, 0, 4, 1}, 4);
		gm_step_run(s);
		double v[20];
		gm_step_read_f64(s, y, v, 20);
		for (int i = 0; i < 20; i++)
			assert_true(v[i] == (i == 3 || i == 5 || i == 14 || i == 16));
		gm_graph_free(g);
	}
}

/* Chains much deeper than a stack of calls could follow: built, differentiated, compiled, run. y =
 * y / 2 + 1 tends to 2, and every step halves the gradient. */
static void deep_chains_compile(void **state)
{
	(void)state;
	for (int b = 0; b < 2; b++) {
		int depth = b ? 50000 : 2000; /* the reference computes one by one */
		gm_graph *g = graph(backends[b]);
		gm_node *x = gm_variable(g, "x", GM_SHAPE(3)), *y = x, *dx;
		for (int i = 0; i < depth; i++)
			y = gm_add_c(gm_mul_c(y, .5), 1);
		gm_node *loss = gm_sum_all(y);
		gm_grad(loss, &x, 1, &dx);
		gm_set_f32(x, (float[]){5, -7, 100}, 3);
		gm_step *s = gm_compile(g, loss, dx, gm_assign(x, y));
		assert_non_null(s);
		gm_step_run(s);
		float v[3];
		assert_true(gm_step_scalar(s, loss) == 6);
		gm_step_read(s, dx, v, 3);
		assert_true(v[0] == 0 && v[1] == 0 && v[2] == 0); /* 2^-2000 */
		gm_get_f32(x, v, 3);
		assert_true(v[0] == 2 && v[1] == 2 && v[2] == 2);
		gm_graph_free(g);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_example),
		cmocka_unit_test(run_allocates_nothing),
		cmocka_unit_test(arena_reuse_changes_nothing),
		cmocka_unit_test(steps_leave_each_other_outputs_alone),
		cmocka_unit_test(threads_change_no_random_number),
		cmocka_unit_test(replaying_needs_seed_and_count),
		cmocka_unit_test(reads_come_before_assigns),
		cmocka_unit_test(after_ties_effects_and_modes_choose),
		cmocka_unit_test(replacement_stands_in),
		cmocka_unit_test(first_error_is_kept),
		cmocka_unit_test(check_finds_nothing_wrong),
		cmocka_unit_test(check_names_the_first_nan),
		cmocka_unit_test(profile_names_instructions),
		cmocka_unit_test(deep_chains_compile),
		cmocka_unit_test(doubles_become_whole_numbers),
		cmocka_unit_test(ranks_share_out_random_rows),
		cmocka_unit_test(one_rank_is_its_own_mean),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
