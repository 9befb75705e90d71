/* SPDX-License-Identifier: MIT
 *
 * test_process.c -- endpoints that iterate: a Gibbs chain against its stationary distribution,
 * gradient descent on a latent through a generator, and that a call depends on its inputs, seed and
 * chunk alone.
 */
#include "run/endpoint.h"
#include "runs.h"
#include "use/saved_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const gm_option options[] = {GM_OPTIMISER_OPTIONS("sgd", ".5", "0", "constant"), {0}};

/* Trains v towards 1, which is of no further interest. */
static int finish(gm_run *r)
{
	gm_net *n = gm_net_new(r, "N");
	gm_node *loss = gm_mean_all(gm_square(gm_add_c(gm_net_var(n, "v", GM_SHAPE(1)), -1)));
	gm_step *step =
		gm_run_compile(r, gm_logged(r, "loss", loss), gm_move(r, n, loss, .average = true));
	while (gm_next(r)) {
		gm_feed(r);
		gm_run_step(r, step);
	}
	return gm_end(r);
}

/* A Boltzmann machine of three units in {0,1}: p(s) ~ exp(a s0 s1 + b s1 s2 + c s0). A turn samples
 * every unit from the other two, one after the other. */
static const double A = 1.5, B = -1, C = .7;

static gm_node *unit(gm_graph *g, int64_t m, gm_node *field)
{
	return gm_less(gm_uniform(g, GM_SHAPE(m, 1)), gm_sigmoid(field));
}

static int train_gibbs(gm_run *r)
{
	gm_graph *g = gm_run_graph(r);
	int64_t m = gm_opt_int(r, "batch");
	gm_batch(r, "point");
	gm_node *s = gm_process_state(r, "s", GM_SHAPE(m, 3), GM_F32);
	gm_node *s1 = gm_narrow(s, 1, 1, 1), *s2 = gm_narrow(s, 1, 2, 1);
	gm_node *t0 = unit(g, m, gm_add_c(gm_mul_c(s1, A), C));
	gm_node *t1 = unit(g, m, gm_add(gm_mul_c(t0, A), gm_mul_c(s2, B)));
	gm_node *t2 = unit(g, m, gm_mul_c(t1, B));
	gm_process p = {.begin = gm_assign(s, gm_full(g, 0, GM_SHAPE(m, 3))),
	                .turn = gm_assign(s, GM_CONCAT(1, t0, t1, t2)),
	                .turns = 30,
	                .y = s};
	gm_endpoint_process_nodes(r, "features", &p, (gm_node *[]){gm_batch(r, "point")}, 1);
	/* the number of the turn, added up from the beginning; and a round before every third turn
	 */
	gm_node *sum = gm_process_state(r, "sum", GM_SHAPE(m, 2), GM_F32);
	gm_node *rounds = gm_process_state(r, "rounds", GM_SHAPE(m, 2), GM_F32);
	gm_node *number = gm_reshape(gm_cast(gm_turn_number(r), GM_F32), GM_RANK0);
	gm_node *z = gm_noise(r, "z", GM_LATENT_NORMAL, m, 2);
	gm_process q = {
		.begin = gm_group(
			g, (gm_node *[]){gm_assign(sum, z), gm_assign(rounds, gm_mul_c(z, 0))}, 2),
		.turn = gm_assign(sum, gm_add(sum, number)),
		.round = gm_assign(rounds, gm_add_c(rounds, 1)),
		.per_round = 3,
		.turns = 7,
		.most = 20,
		.y = gm_add(sum, gm_mul_c(rounds, 1000))};
	gm_endpoint_process(r, "generate", &q, z);
	return finish(r);
}

static const gm_model gibbs = {"gibbs", "", "", options, train_gibbs};

static gm_saved *trained_gibbs(int batch)
{
	return TRAINED_AS("gibbs", &(gm_saved_options){.batch = batch}, "data=ring8", "batch=500",
	                  "steps=1");
}

static void a_gibbs_chain_reaches_its_distribution(void **state)
{
	(void)state;
	enum { M = 500, CHUNKS = 40, DRAWN = M * CHUNKS };
	gm_error err = {0};
	gm_saved *s = trained_gibbs(M);
	assert_int_equal(gm_saved_turns(s, "features"), 30);
	float *x = calloc(DRAWN * 2, sizeof *x), *y = malloc(DRAWN * 3 * sizeof *y);
	for (int few = 1; few >= 0; few--) {
		must(gm_saved_set_turns(s, "features", few ? 1 : 30, &err), &err);
		must(gm_saved_apply(s, "features", (const void *[]){x}, DRAWN, 3, y, &err), &err);
		double p[8], sum = 0, chi = 0;
		int count[8] = {0};
		for (int k = 0; k < 8; k++) {
			int s0 = k & 1, s1 = k >> 1 & 1, s2 = k >> 2;
			sum += p[k] = exp(A * s0 * s1 + B * s1 * s2 + C * s0);
		}
		for (int i = 0; i < DRAWN; i++)
			count[(int)(y[3 * i] + 2 * y[3 * i + 1] + 4 * y[3 * i + 2])]++;
		for (int k = 0; k < 8; k++) {
			double want = DRAWN * p[k] / sum;
			chi += (count[k] - want) * (count[k] - want) / want;
		}
		/* Seven degrees of freedom: above 29.9 once in ten thousand. One turn from zeros is
		 * not enough. */
		if (few ? chi < 100 : chi > 29.9)
			fail_msg("chi-squared %.1f after %d turns", chi, few ? 1 : 30);
	}
	free(x), free(y);
	gm_saved_free(s);
}

/* Turns count from 0, rounds come before turns 0, 3, 6, and the latent is the one that
 * gm_saved_latents draws. */
static void turns_rounds_and_latents_are_as_declared(void **state)
{
	(void)state;
	enum { M = 4 };
	gm_error err = {0};
	gm_saved *s = trained_gibbs(M);
	float z[M][2], y[M][2], given[M][2] = {{1, 2}, {3, 4}, {5, 6}, {7, 8}}, frames[3][M][2];
	must(gm_saved_latents(s, "generate", 9, 2, (float *const[]){z[0]}, &err), &err);
	must(gm_saved_run(s, "generate", NULL, 9, 2, y[0], &err), &err);
	for (int i = 0; i < M; i++)
		for (int k = 0; k < 2; k++)
			assert_true(fabsf(y[i][k] - (z[i][k] + 21 + 3000)) < 1e-3f);
	must(gm_saved_run(s, "generate", (const void *[]){given}, 9, 2, y[0], &err), &err);
	assert_true(y[3][1] == 8 + 21 + 3000);
	must(gm_saved_set_turns(s, "generate", 4, &err), &err);
	must(gm_saved_frames(s, "generate", (const void *[]){given}, 9, 2, 3, frames[0][0], &err),
	     &err);
	assert_true(frames[0][0][0] == 1 && frames[1][0][0] == 1 + 1 + 1000 &&
	            frames[2][0][0] == 1 + 6 + 2000);
	assert_false(gm_saved_set_turns(s, "generate", 21, &err));
	assert_non_null(strstr(err.message, "1 to 20"));
	gm_saved_free(s);
}

/* A call is the same whatever was called before, and in a smaller batch. */
static void a_call_depends_on_seed_and_chunk_alone(void **state)
{
	(void)state;
	enum { M = 8 };
	gm_error err = {0};
	float x[M][2] = {{0}}, first[M][3], other[M][3], again[M][3], few[4][3];
	gm_saved *s = trained_gibbs(M);
	must(gm_saved_run(s, "features", (const void *[]){x}, 5, 1, first[0], &err), &err);
	must(gm_saved_run(s, "features", (const void *[]){x}, 5, 2, other[0], &err), &err);
	must(gm_saved_run(s, "features", (const void *[]){x}, 5, 1, again[0], &err), &err);
	assert_memory_equal(first, again, sizeof first);
	assert_memory_not_equal(first, other, sizeof first);
	must(gm_saved_run(s, "features", (const void *[]){x}, 5, 0, first[0], &err), &err);
	gm_saved_free(s);
	s = trained_gibbs(4);
	must(gm_saved_run(s, "features", (const void *[]){x}, 5, 0, few[0], &err), &err);
	assert_memory_equal(first, few, sizeof few);
	assert_null(gm_saved_node(s, "features", NULL, &err));
	assert_non_null(strstr(err.message, "is iterative"));
	gm_saved_free(s);
}

/* ---- gradients in a turn --------------------------------------------------------------------- */

/* G(z) = W z with a W of the net's own; "reconstruct" looks for the z whose G(z) is nearest to x,
 * by gradient descent. */
static int train_descent(gm_run *r)
{
	gm_graph *g = gm_run_graph(r);
	int64_t m = gm_opt_int(r, "batch");
	gm_net *G = gm_net_new(r, "G", .init = GM_NORMAL(0, .5));
	gm_node *x = gm_batch(r, "point"), *z = gm_process_state(r, "z", GM_SHAPE(m, 2), GM_F32),
		*dz;
	gm_node *y = gm_linear(G, "y", z, .out = 2);
	gm_node *loss = gm_sum_all(gm_square(gm_sub(y, x)));
	gm_grad(loss, &z, 1, &dz);
	gm_process p = {.begin = gm_assign(z, gm_full(g, 0, GM_SHAPE(m, 2))),
	                .turn = gm_assign(z, gm_sub(z, gm_mul_c(dz, .1))),
	                .turns = 40,
	                .y = y};
	gm_endpoint_process(r, "reconstruct", &p, x);
	p.y = z;
	gm_endpoint_process(r, "encode", &p, x);
	gm_node *fit = gm_sub(gm_linear(G, "y", x, .out = 2), gm_mul_c(x, 1.2));
	gm_node *error = gm_mean_all(gm_square(fit));
	gm_step *step = gm_run_compile(r, gm_logged(r, "loss", error),
	                               gm_move(r, G, error, .average = true));
	while (gm_next(r)) {
		gm_feed(r);
		gm_run_step(r, step);
	}
	return gm_end(r);
}

static const gm_model descent = {"descent", "", "", options, train_descent};

/* The two endpoints share the step of a turn, which the report of memory counts once. */
static void shared_steps_are_counted_once(void **state)
{
	(void)state;
	enum { M = 4 };
	gm_error err = {0};
	float x[M][2] = {{1, 0}, {0, 1}}, y[M][2];
	gm_saved *s = TRAINED_AS("descent", &(gm_saved_options){.batch = M}, "data=ring8",
	                         "batch=4", "steps=1");
	gm_run *r = gm_saved_inside(s);
	gm_step *a[4], *b[4];
	must(gm_saved_run(s, "reconstruct", (const void *[]){x}, 0, 0, y[0], &err), &err);
	const double one = gm_endpoint_memory(r);
	must(gm_saved_run(s, "encode", (const void *[]){x}, 0, 0, y[0], &err), &err);
	const int n = gm_process_steps(gm_endpoint_find(r, "reconstruct"), false, a),
		  m = gm_process_steps(gm_endpoint_find(r, "encode"), false, b);
	assert_true(n == 3 && m == 3 && a[0] != b[0] && a[1] == b[1] && a[2] != b[2]);
	double all = 0;
	for (int i = 0; i < n; i++)
		all += (double)gm_step_describe(a[i]).arena_bytes;
	assert_true(all > 0 && one == all);
	all += (double)(gm_step_describe(b[0]).arena_bytes + gm_step_describe(b[2]).arena_bytes);
	assert_true(gm_endpoint_memory(r) == all);
	gm_saved_free(s);
}

static void a_latent_is_found_by_gradient_descent(void **state)
{
	(void)state;
	enum { M = 4, FRAMES = 5 };
	gm_error err = {0};
	float x[M][2] = {{1, 0}, {0, 1}, {-1, .5}, {.3, -.7}}, y[FRAMES][M][2];
	double before = INFINITY;
	gm_saved *s = TRAINED_AS("descent", &(gm_saved_options){.batch = M}, "data=ring8",
	                         "batch=64", "steps=60", "ema=.5");
	must(gm_saved_frames(s, "reconstruct", (const void *[]){x}, 0, 0, FRAMES, y[0][0], &err),
	     &err);
	for (int k = 0; k < FRAMES; k++) {
		double apart = 0;
		for (int i = 0; i < M; i++)
			apart += pow(y[k][i][0] - x[i][0], 2) + pow(y[k][i][1] - x[i][1], 2);
		/* it falls from frame to frame, until only rounding is left */
		assert_true(apart < before || apart < 1e-10);
		before = apart;
	}
	/* W is near 1.2 times the unit matrix, so a turn leaves about 1 - .2 1.44 = .71 of the
	 * distance: .71^80 of its square */
	assert_true(before < 1e-8);
	gm_saved_free(s);
}

/* ---- what is refused ------------------------------------------------------------------------- */

static int train_wrongly(gm_run *r)
{
	gm_node *x = gm_batch(r, "point");
	gm_process p = {.turn = x, .turns = 3, .y = x};
	gm_endpoint_process(r, "reconstruct", &p, x);
	return finish(r);
}

static const gm_model wrongly = {"wrongly", "", "", options, train_wrongly};

static void a_turn_is_an_effect(void **state)
{
	(void)state;
	gm_settings s;
	gm_error err = {0};
	gm_settings_init(&s, &wrongly);
	must(gm_settings_set(&s, "outdir", scratch_path("wrong"), &err) &&
	             gm_settings_set(&s, "data", "ring8", &err),
	     &err);
	assert_false(gm_train(&(gm_train_call){.settings = &s}, &err));
	assert_non_null(strstr(err.message, "\"reconstruct\" needs effects"));
	gm_settings_free(&s);
}

int main(void)
{
	gm_error err = {0};
	if (!gm_model_register(&gibbs, &err) || !gm_model_register(&descent, &err))
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_gibbs_chain_reaches_its_distribution),
		cmocka_unit_test(turns_rounds_and_latents_are_as_declared),
		cmocka_unit_test(a_call_depends_on_seed_and_chunk_alone),
		cmocka_unit_test(a_latent_is_found_by_gradient_descent),
		cmocka_unit_test(a_turn_is_an_effect),
		cmocka_unit_test(shared_steps_are_counted_once),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
